"""Costs by part: sums that are exact, one time base, three levels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infrastructure.toy import toy_layers, toy_sites

from siteselect.errors import LayerError, StudyError
from siteselect.infrastructure import (
    cost_breakdown,
    net_present_value_usd,
    prepare,
)

READY = prepare(toy_sites(), toy_layers())
AT = {
    level: prepare(toy_sites(), toy_layers(), parameters={"level": level})
    for level in ("low", "mid", "high")
}
KNOWN = READY.loc[["w", "m", "n"]]
MONEY = [
    "capital_usd",
    "yearly_usd",
    "present_value_usd",
    "annual_usd",
    "low_usd",
    "mid_usd",
    "high_usd",
]


def test_one_site_by_hand():
    # 100 MW in Texas on the substation's own ground (see test_one_site_by_hand of
    # test_prepare): escalation 1.65 x 1.25 x 1.075 = 2.2171875.
    parts = cost_breakdown(READY.loc[["n"]], mw=100)
    hand = {
        "land": 100 * 244_000 * 0.9,
        "shell and plant": 100 * 11.7e6 * 0.82 / 1.3,
        "transformers": 100 * 4_970 * 1.3 * 2.2171875,
        "tie line": 0.0,
        "substation and bay": 11.9e6 * 2.2171875,
        # 5 km assumed, 1.3 times as long by the road, 1.25 million USD per km
        "water main": 5 * 1.3 * 1.25e6,
    }
    for part, usd in hand.items():
        assert parts.loc[part, "capital_usd"] == pytest.approx(usd)
        assert parts.loc[part, "yearly_usd"] == 0.0
        assert parts.loc[part, "present_value_usd"] == parts.loc[part, "capital_usd"]
    # 8760 h x 0.8 x 1.189 / 1.3 x 66 USD a year for each MW, from year 1 on
    power = 100 * 8760 * 0.8 * 1.189 / 1.3 * 66
    assert parts.loc["power", "yearly_usd"] == pytest.approx(power)
    assert parts.loc["power", "capital_usd"] == 0.0
    # 20 million USD of hardware for each MW, bought every 5 of 14 years at 7 %:
    # an annuity of 0.07 / (1 - 1.07^-5) = 0.2438907 over (1 - 1.07^-14) / 0.07
    hardware = parts.loc["IT hardware"]
    assert hardware["capital_usd"] == pytest.approx(2e9)
    assert hardware["present_value_usd"] == pytest.approx(
        2e9 * 0.2438906944 * 8.7454679855
    )
    assert not hardware["counted"]
    assert parts.attrs == {
        "usd_year": 2025,
        "level": "mid",
        "discount_rate": 0.07,
        "horizon_years": 14,
    }


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(0.0, 2000.0), min_size=3, max_size=3),
    st.sampled_from(["low", "mid", "high"]),
)
def test_every_sum_and_every_time_base(mw, level):
    table = cost_breakdown(KNOWN, mw=mw, level=level)
    counted = table[table["counted"]].drop(index="total")
    assert set(table.index[~table["counted"]]) == {"taxes", "IT hardware"}
    for name in MONEY:
        assert table.loc["total", name] == math.fsum(counted[name])
    parts = table.drop(index=["total", "taxes"])
    year = np.arange(14.0)
    stream = (
        parts["yearly_usd"].to_numpy()[:, None]
        * (1 + parts["growth"].to_numpy()[:, None]) ** year
    )
    worth = net_present_value_usd(stream, rate=0.07, capital_usd=parts["capital_usd"])
    np.testing.assert_allclose(worth, parts["present_value_usd"], rtol=1e-12)
    level_stream = np.repeat(parts["annual_usd"].to_numpy()[:, None], 14, axis=1)
    np.testing.assert_allclose(
        net_present_value_usd(level_stream, rate=0.07),
        parts["present_value_usd"],
        rtol=1e-12,
    )
    assert (table["low_usd"] <= table["mid_usd"] * (1 + 1e-12))[parts.index].all()
    assert (table["mid_usd"] <= table["high_usd"] * (1 + 1e-12))[parts.index].all()
    assert (table[f"{level}_usd"] == table["present_value_usd"])[parts.index].all()
    # the columns of the frame say the same as the parts
    size = np.array(mw)
    ready = AT[level].loc[KNOWN.index]
    built = size > 0
    capital = ready["cost_usd_per_mw"] * size + ready["fixed_cost_usd"] * built
    assert table.loc["total", "capital_usd"] == pytest.approx(capital.sum())
    lifetime = ready["lifetime_cost_usd_per_mw"] * size
    lifetime = (lifetime + ready["fixed_cost_usd"] * built).sum()
    assert table.loc["total", "present_value_usd"] == pytest.approx(lifetime)
    annual = ready["annual_usd_per_mw"] * size + ready["annual_fixed_usd"] * built
    assert table.loc["total", "annual_usd"] == pytest.approx(annual.sum())


def test_sites_one_by_one_add_up():
    whole = cost_breakdown(KNOWN, mw=300)
    each = cost_breakdown(KNOWN, mw=300, by_site=True)
    assert each.index.names == ["site", "part"]
    summed = each[MONEY].groupby("part").sum(min_count=1).reindex(whole.index)
    np.testing.assert_allclose(summed, whole[MONEY], rtol=1e-12)


def test_taxes_count_where_they_are_brought():
    sites = toy_sites()
    sites["tax_usd_per_mw_year"] = 50_000.0
    ready = prepare(sites, toy_layers()).loc[["n"]]
    # 50,000 USD a year for 14 years at 7 %
    assert ready["tax_usd_per_mw"].item() == pytest.approx(50_000 * 8.7454679855)
    added = (
        ready["lifetime_cost_usd_per_mw"] - READY.loc[["n"]]["lifetime_cost_usd_per_mw"]
    )
    assert added.item() == pytest.approx(ready["tax_usd_per_mw"].item())
    parts = cost_breakdown(ready, mw=10)
    assert parts.loc["taxes", "yearly_usd"] == pytest.approx(500_000)
    assert parts.loc["taxes", "counted"]
    # one site without a figure is unknown, not free
    sites.loc["n", "tax_usd_per_mw_year"] = np.nan
    ready = prepare(sites, toy_layers())
    assert np.isnan(ready.loc["n", "lifetime_cost_usd_per_mw"])
    assert np.isnan(cost_breakdown(ready, mw=1).loc["total", "present_value_usd"])


def test_own_sums_are_one_part_and_the_same_at_every_level():
    sites = toy_sites()
    sites["cost_usd_per_mw"] = 9e6
    sites["interconnection_usd"] = 4e7
    ready = prepare(sites, toy_layers()).loc[KNOWN.index]
    parts = cost_breakdown(ready, mw=100, level="high")
    assert parts.index[0] == "capital per MW"
    assert parts.loc["capital per MW", ["low_usd", "high_usd"]].tolist() == [2.7e9] * 2
    assert "land" not in parts.index
    assert parts.loc["interconnection", "capital_usd"] == 1.2e8
    assert {"fiber", "water main"} <= set(parts.index)


def test_columns_changed_after_prepare_are_the_users():
    changed = KNOWN.copy()
    changed["fixed_cost_usd"] *= 2.0
    changed["lifetime_cost_usd_per_mw"] += 1e6
    parts = cost_breakdown(changed, mw=10, level="low")
    assert parts.loc["capital per site", "capital_usd"] == pytest.approx(
        2.0 * KNOWN["fixed_cost_usd"].sum()
    )
    running = KNOWN["lifetime_cost_usd_per_mw"] + 1e6 - KNOWN["cost_usd_per_mw"]
    assert parts.loc["power, operation and taxes", "mid_usd"] == pytest.approx(
        10 * running.sum()
    )
    # a part alone: the sum that the program reads is still the old one
    land = cost_breakdown(KNOWN.assign(land_usd_per_mw=1e6), mw=10)
    assert land.loc["capital per MW", "capital_usd"] == pytest.approx(
        10 * KNOWN["cost_usd_per_mw"].sum()
    )


def test_unknown_stays_unknown_unless_nothing_is_built():
    assert np.isnan(cost_breakdown(READY, mw=10).loc["total", "capital_usd"])
    mw = [10.0, 10.0, 10.0, 0.0, 0.0]
    assert np.isfinite(cost_breakdown(READY, mw=mw).loc["total", "capital_usd"])


def test_bad_requests():
    with pytest.raises(StudyError, match="column 'mw'"):
        cost_breakdown(KNOWN)
    for mw in (-1, [1, 2, np.nan], [1, 2], "owner", np.inf):
        with pytest.raises(StudyError, match="facility MW"):
            cost_breakdown(KNOWN, mw=mw)
    with pytest.raises(StudyError, match='"low", "mid" or "high"'):
        cost_breakdown(KNOWN, mw=1, level="median")
    with pytest.raises(LayerError, match="'voltage_kv' is gone"):
        cost_breakdown(KNOWN.drop(columns="voltage_kv"), mw=1)
    with pytest.raises(LayerError, match="price_usd_per_mwh.*numbers"):
        cost_breakdown(KNOWN.assign(price_usd_per_mwh="dear"), mw=1)
    assert len(cost_breakdown(KNOWN.iloc[:0], mw=1, by_site=True)) == 0
    with pytest.raises(StudyError, match="facility MW"):
        cost_breakdown(KNOWN, mw=True)
    with pytest.raises(LayerError, match="no record"):
        cost_breakdown(toy_sites(), mw=1)
