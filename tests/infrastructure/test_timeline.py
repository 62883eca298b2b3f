"""Months to power: paths in parallel, steps in series, years in plans and gates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infrastructure.toy import toy_layers, toy_sites

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.infrastructure import (
    columns,
    energised_year,
    months_to_power,
    parameters,
    prepare,
    queue_months_of,
)

READY = prepare(toy_sites(), toy_layers())
TABLE = parameters()
MONTHS = ["months_to_power_low", "months_to_power", "months_to_power_high"]
YEARS = ["energised_year_low", "energised_year", "energised_year_high"]


def test_each_path_by_hand():
    got = months_to_power(
        voltage_kv=[138, 138, 500, 500, 138, 138],
        line_km=[0.5, 20, 20, 150, 150, 0.0],
        queue_months=[12, 12, 12, 12, np.nan, 60],
    )
    # At mid. Below 345 kV: 6 + max(30, 30) + 4 = 40 months for the equipment; from
    # 345 kV up 6 + max(42, 30) + 4 = 52. The building takes 18.
    # A line of 20 km at 500 kV: 36 + 20 x 1.3 x 0.2 = 41.2; of 150 km 36 + 39 = 75;
    # at 138 kV 18 + 39 = 57, more than the 48 of the queue.
    assert got["mid"].tolist() == pytest.approx([40, 40, 52, 75, 57, 60])
    assert got["driver"].tolist() == [
        *["equipment"] * 3,
        "line",
        "line",
        "queue",
    ]
    # low: 3 + max(24, 24) + 2 = 29 and 3 + max(30, 24) + 2 = 35 for the equipment;
    # the lines of 150 km take 18 + 150 x 1.1 x 0.1 = 34.5 and 22.5 months
    assert got["low"].tolist() == pytest.approx([29, 29, 35, 35, 29, 60])
    # high: 12 + max(42, 36) + 8 = 62 for the equipment; lines 72 + 20 x 1.5 x 0.4 =
    # 84, 72 + 90 = 162 and 36 + 90 = 126 months
    assert got["high"].tolist() == pytest.approx([62, 62, 84, 162, 126, 62])


def test_the_building_can_be_what_a_site_waits_for():
    quick = {"transformer_lead_months": 0.0, "breaker_lead_months": 0.0}
    with pytest.warns(ss.ApproximationWarning):
        got = months_to_power(138, 0.0, 0.0, parameters=quick)
    # mid: equipment 6 + 0 + 4 = 10, building 18
    assert (got["mid"].item(), got["driver"].item()) == (18.0, "building")


def test_the_fence_and_the_slower_of_two_deliveries():
    quick = {
        "engineering_months": 3,
        "commissioning_months": 2,
        "transformer_lead_ehv_months": 30,
        "breaker_lead_months": 24,
    }
    got = months_to_power([500, 500], [1.0, 1.1], 0.0, parameters=quick)
    # 3 + 30 + 2 = 35 months beside the substation; 36 of permits from there on
    assert got["driver"].tolist() == ["equipment", "line"]
    assert got["mid"].tolist() == pytest.approx([35, 36 + 1.1 * 1.3 * 0.2])
    slow = {"transformer_lead_months": 24, "breaker_lead_months": 36}
    got = months_to_power(138, 0.0, 0.0, parameters=slow)
    assert got["mid"].item() == 6 + 36 + 4


@settings(max_examples=25, deadline=None)
@given(
    st.floats(69, 765),
    st.floats(0, 300),
    st.floats(0, 300),
    st.one_of(st.none(), st.floats(0, 120)),
    st.floats(0, 120),
)
def test_longer_never_comes_sooner(kv, km, more_km, queue, more_queue):
    first = months_to_power(kv, km, np.nan if queue is None else queue)
    assert first["low"].item() <= first["mid"].item() <= first["high"].item()
    later = months_to_power(
        max(kv, 345.0), km + more_km, np.nan if queue is None else queue + more_queue
    )
    for level in ("low", "mid", "high"):
        assert first[level].item() <= later[level].item()
        # in parallel: never less than any path alone
        assert first[level].item() >= TABLE.loc["building_months", level]
        assert first[level].item() >= (
            TABLE.loc["queue_months", level] if queue is None else queue
        )


def test_unknown_stays_unknown():
    got = months_to_power([np.nan, 230, 230], [1.0, np.nan, 1.0], [1, 1, np.nan])
    assert got.loc[:1, ["low", "mid", "high"]].isna().all().all()
    assert got.loc[:1, "driver"].isna().all()
    assert np.isfinite(got.loc[2, "mid"])


def test_years_by_hand():
    # 36 months from the beginning of 2027 are the beginning of 2030
    got = energised_year([0, 35.9, 36, 47.9, 48, np.nan], 2027.0)
    np.testing.assert_array_equal(got, [2027, 2029, 2030, 2030, 2031, np.nan])
    assert energised_year([6, 5], 2027.5).tolist() == [2028, 2027]
    # a connection on 1 January is of that year, whatever the fraction of the start
    first_day = pd.Series(["2031-01-01"])
    for start in np.round(np.arange(2026.0, 2030.0, 0.07), 2):
        months = queue_months_of(first_day, start)
        assert energised_year(months, start).item() == 2031
    months = np.arange(1200)
    np.testing.assert_array_equal(energised_year(months, 2027.0), 2027 + months // 12)


def test_dates_of_the_utility():
    dates = pd.Series(["2029-07-01", None, "2026-01-01"], index=list("abc"))
    for given_dates in (dates, pd.to_datetime(dates), pd.to_datetime(dates).dt.date):
        got = queue_months_of(given_dates, 2027.0)
        # 181 of 365 days of 2029 are over on 1 July
        assert got["a"] == pytest.approx(24 + 12 * 181 / 365)
        assert np.isnan(got["b"])
        assert got["c"] == 0.0
    assert queue_months_of(pd.Series([None, None]), 2027.0).isna().all()
    for odd in ("soon", "2929-01-01", "1929-01-01", 2029, "01/02/2029"):
        with pytest.raises(LayerError, match="queue_date.*a"):
            queue_months_of(pd.Series([odd], index=["a"]), 2027.0)


def test_columns_of_prepare():
    site = READY.loc["w"]  # 345 kV, 5.55 km away: queue 48, equipment 52
    assert site["timeline_driver"] == "equipment"
    assert site[MONTHS].tolist() == pytest.approx([35, 52, 84])
    assert site[YEARS].tolist() == [2029, 2031, 2034]
    assert READY["queue_fallback"].all()
    sites = toy_sites()
    sites["queue_date"] = ["2033-01-01", None, None, "2026-06-01", None]
    ready = prepare(sites, toy_layers(), parameters={"start_year": 2028.0})
    # at high the line takes longer than the 60 months: 72 + 5.55 x 1.5 x 0.4
    line = 72 + ready.loc["w", "substation_km"] * 0.6
    assert ready.loc["w", MONTHS].tolist() == pytest.approx([60, 60, line])
    assert ready.loc["w", "timeline_driver"] == "queue"
    assert ready.loc["w", "energised_year"] == 2033
    assert ready["queue_fallback"].tolist() == [False, True, True, False, True]
    assert ready.loc["e", "queue_months"] == 0.0
    again = prepare(ready, toy_layers(), parameters={"start_year": 2028.0})
    pd.testing.assert_frame_equal(again, ready)


def test_own_months_stand_at_every_level():
    sites = toy_sites()
    sites["months_to_power"] = [10.0, 20.0, np.nan, 30.0, 40.0]
    ready = prepare(sites, toy_layers())
    assert (ready[MONTHS].nunique(axis=1)[["w", "m"]] == 1).all()
    assert ready.loc["n", MONTHS + YEARS].isna().all()
    assert ready.loc["m", YEARS].tolist() == [2028.0] * 3
    assert ready.loc["m", "timeline_driver"] == "the candidates"
    sites["months_to_power_low"] = 25.0
    with pytest.raises(
        LayerError, match="'months_to_power_low' than in.*: w and m|w, m"
    ):
        prepare(sites, toy_layers())


@pytest.mark.parametrize(
    ("column", "value", "noun"),
    [
        ("queue_months", -1.0, "negative"),
        ("queue_months", 2029.0, "more than 600"),
        ("months_to_power", -3.0, "negative"),
        ("queue_date", "whenever", "whenever"),
        ("queue_date", 2029.5, "2029-07-01"),
        ("voltage_kv", -230.0, "negative"),
        ("energised_year", 29.0, "less than 1950"),
    ],
)
def test_bad_columns_name_the_rows(column, value, noun):
    sites = toy_sites()
    sites[column] = [value, None, None, None, None]
    with pytest.raises(LayerError, match=f"{column}.*") as caught:
        prepare(sites, toy_layers())
    assert noun in str(caught.value)
    assert "w" in str(caught.value)


def test_both_a_date_and_months_are_refused():
    sites = toy_sites().assign(queue_months=12.0, queue_date="2029-01-01")
    with pytest.raises(LayerError, match="both queue_months and queue_date"):
        prepare(sites, toy_layers())


@pytest.mark.parametrize("year", [0, 1999, 20270, -1, np.nan])
def test_an_absurd_start_is_refused(year):
    with pytest.raises(StudyError, match="start_year.*2000 to 2100"):
        prepare(toy_sites(), toy_layers(), parameters={"start_year": year})


@pytest.mark.parametrize(
    "args", [(-1, 0, 0), (230, -1, 0), (230, 0, 601), (230, 0, -1)]
)
def test_impossible_figures_are_refused(args):
    with pytest.raises(LayerError, match="Months to power"):
        months_to_power(*args)


NAN = np.nan


@pytest.mark.parametrize(
    ("low", "mid", "high", "state"),
    [
        (2027, 2028, 2029, "PASS"),
        (2027, 2029, 2030, "CONDITIONAL"),
        (2029, 2030, 2031, "FAIL"),
        (2030, 2031, 2032, "FAIL"),
        (NAN, NAN, NAN, "UNKNOWN"),
        (2030, NAN, NAN, "FAIL"),  # late even if all goes well
        (2029, NAN, NAN, "UNKNOWN"),
        (NAN, 2029, NAN, "UNKNOWN"),
        (NAN, 2030, NAN, "FAIL"),
        (NAN, NAN, 2029, "PASS"),
        (2028, 2029, NAN, "UNKNOWN"),
        (2028, NAN, 2030, "UNKNOWN"),
    ],
)
def test_the_gate(low, mid, high, state):
    sites = (
        toy_sites()
        .iloc[[0]]
        .assign(
            energised_year_low=float(low),
            energised_year=float(mid),
            energised_year_high=float(high),
        )
    )
    assert ss.energised_by(2029)(sites).tolist() == [state]


def test_the_gate_on_prepared_candidates():
    # from 2027: 2029, 2031 and 2034 for "w", see above
    words = {y: ss.energised_by(y)(READY)["w"] for y in range(2028, 2036)}
    assert words == {
        **dict.fromkeys((2028, 2029, 2030), "FAIL"),
        **dict.fromkeys((2031, 2032, 2033), "CONDITIONAL"),
        **dict.fromkeys((2034, 2035), "PASS"),
    }
    checked = ss.check_gates(READY, [ss.energised_by(2031)])
    assert checked.loc["w", "energised_figure"] == 2  # low and mid, not high
    gate = ss.energised_by(2031)
    assert ss.Gate.from_dict(gate.to_dict()) == gate
    assert gate.describe()["requirement"] == "at least 3; on conditions 2"
    for year in (2029.5, True, "2029", 29, None):
        with pytest.raises(StudyError, match="whole year"):
            ss.energised_by(year)
    with pytest.raises(LayerError, match="energised_year_low"):
        gate(toy_sites())
    with pytest.raises(LayerError, match="low estimate"):
        gate(READY.assign(energised_year_low=2040.0))


def test_months_as_a_criterion():
    sites = toy_sites().assign(queue_months=[80.0, 24.0, 24.0, 24.0, 24.0])
    ready = prepare(sites, toy_layers()).loc[["w", "m"]]
    scored = ss.score_sites(
        ready,
        [
            ss.Criterion(
                "time", ss.Column("months_to_power"), ss.Falling(24, 96), weight=1.0
            )
        ],
    )
    # 80 of 24 to 96 months: (96 - 80) / 72; "m" waits for its line of 76 km:
    # 18 + 76 x 1.3 x 0.2 months
    assert scored.loc["w", "score"] == pytest.approx(16 / 72)
    line = 18 + ready.loc["m", "substation_km"] * 1.3 * 0.2
    assert ready.loc["m", "months_to_power"] == pytest.approx(max(40.0, line))
    assert scored.loc["m", "score"] > scored.loc["w", "score"]


def test_a_site_with_power_in_2030_is_not_built_in_2028():
    sites = toy_sites().assign(queue_date=["2030-05-01"] + ["2027-02-01"] * 4)
    quick = {  # so that the queue decides
        "transformer_lead_months": 24,
        "transformer_lead_ehv_months": 30,
        "engineering_months": 3,
        "commissioning_months": 2,
        "line_permit_months": 6,
        "line_permit_ehv_months": 18,
        "line_build_months_per_km": 0.1,
        "breaker_lead_months": 24,
        "building_months": 12,
        "start_year": 2026.0,
    }
    ready = prepare(sites, toy_layers(), parameters=quick).loc[["w", "m"]]
    assert ready["energised_year"].tolist() == [2030, 2028]
    # "w" is by far the better place and holds all that is asked for.
    ready["score"] = [1.0, 0.1]

    def plan(**kwargs):
        return ss.optimize_sites(
            ready,
            power_mw={2028: (100, 100), 2030: (400, 400)},
            site_mw=[100, 300, 400],
            **kwargs,
        )

    early = plan()
    assert early.sites.loc["w", "mw_2028"] == 100
    timed = plan(capacity=ss.Arriving("capacity_mw", "energised_year"))
    assert timed.sites["mw_2028"].to_dict() == {"w": 0.0, "m": 100.0}
    assert timed.sites.loc["w", "mw_2030"] == 300
    assert len(timed.verify())
    # nothing has power in 2027, at mid or at high
    with pytest.raises(StudyError, match="None of them is eligible"):
        ss.optimize_sites(
            ready,
            power_mw={2027: (100, 100)},
            site_mw=[100],
            capacity=ss.Arriving("capacity_mw", "energised_year"),
        )


def test_the_table_says_what_is_judgement():
    timeline = columns().query("group == 'timeline'")
    assert "judgement" in timeline.loc["months_to_power", "meaning"]
    ours = TABLE[~TABLE.index.str.startswith("upgrade")]
    steps = [n for n in ours.index if "_months" in n or n == "start_year"]
    assert len(steps) == 11
    sources = TABLE.loc[steps, "source"]
    assert (
        sources.isin(["judgement", "unverified"]) | sources.str.contains("JLL")
    ).all()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("a", 1), "voltage_kv"), ((230, [1, "x"]), "line_km"), ((1, 1, "y"), "queue"),
     (([1, 2], [1, 2, 3]), "2, 3 and 1")],
)  # fmt: skip
def test_what_is_no_number_is_a_message(arguments, word):
    with pytest.raises(ss.LayerError, match=word):
        months_to_power(*arguments)
