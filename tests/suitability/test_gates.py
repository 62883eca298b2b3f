"""Gates: four states, never a pass from what is unknown or too coarse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box
from suitability.world import SOUTH, WEST, frame, write_raster

import siteselect as ss
from siteselect.errors import DataQualityWarning, LayerError, StudyError
from siteselect.layers.info import with_info
from siteselect.suitability.measures import Measured, Measurement

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def along(**columns):
    """Candidates side by side with columns."""
    n = len(next(iter(columns.values())))
    return frame([Point(i, 0) for i in range(n)], **columns)


numbers = st.integers(-5, 5).map(float)


@EXAMPLES
@given(
    st.lists(st.one_of(numbers, st.just(np.nan)), min_size=1, max_size=8),
    st.one_of(st.none(), numbers),
    st.one_of(st.none(), numbers),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_states_are_what_the_words_say(figures, low, high, below, above):
    if low is None and high is None:
        low = 0.0
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
        conditional = (low - below, high + above)
    else:
        conditional = low - below if high is None else high + above
    gate = ss.Gate(
        "g", ss.Column("x"), at_least=low, at_most=high, conditional=conditional
    )
    wanted = []
    for x in figures:
        short = 0 if low is None else max(0, low - x)
        over = 0 if high is None else max(0, x - high)
        if np.isnan(x):
            wanted.append("UNKNOWN")
        elif not short and not over:
            wanted.append("PASS")
        elif short <= (below if low is not None else 0) and over <= (
            above if high is not None else 0
        ):
            wanted.append("CONDITIONAL")
        else:
            wanted.append("FAIL")
    sites = along(x=figures)
    assert gate(sites).tolist() == wanted
    turned = sites.iloc[::-1]
    assert gate(turned).tolist() == wanted[::-1]


def test_labels_exclusions_and_functions():
    sites = along(zone=["X", "AE", "D", None, "VE"], slope=[1.0, 2.0, 9.0, np.nan, 5.0])
    flood = ss.Gate("flood", ss.Column("zone"), isin=["X"], conditional=["D"])
    assert flood(sites).tolist() == ["PASS", "FAIL", "CONDITIONAL", "UNKNOWN", "FAIL"]
    rule = ss.Where("zone", isin=["AE", "VE"])
    soft = ss.Where("slope", above=4)
    gate = ss.Gate("flood", rule, conditional=soft)
    assert gate(sites).tolist() == ["PASS", "FAIL", "CONDITIONAL", "UNKNOWN", "FAIL"]
    lenient = ss.Gate("flood", ss.Where("zone", isin=["AE"], missing="keep"))
    assert lenient(sites).tolist() == ["PASS", "FAIL", "PASS", "UNKNOWN", "PASS"]
    own = ss.Gate("own", lambda f: f["slope"] * 2, at_most=4)
    assert own(sites).tolist() == ["PASS", "PASS", "FAIL", "UNKNOWN", "FAIL"]
    nothing = ss.Gate("none", ss.Column(pd.Series([None] * 5, dtype=object)), at_most=4)
    assert nothing(sites).tolist() == ["UNKNOWN"] * 5


def test_check_gates_counts_and_names():
    sites = along(a=[1.0, 9.0, np.nan], b=[1.0, 9.0, 9.0], c=[5.0, np.nan, 1.0])
    gates = [ss.Gate(x, ss.Column(x), at_most=3, conditional=6) for x in "abc"]
    found = ss.check_gates(sites, gates)
    assert found["gates"].tolist() == ["CONDITIONAL", "FAIL", "FAIL"]
    assert found["gates_failed"].tolist() == [0, 2, 1]
    assert found["gates_unknown"].tolist() == [0, 1, 1]
    assert found["gates_conditional"].tolist() == [1, 0, 0]
    assert found["failed_gates"].tolist() == ["", "a;b", "b"]
    assert found["unknown_gates"].tolist() == ["", "c", "a"]
    assert found["a_figure"].equals(sites["a"].rename("a_figure"))
    assert found.attrs["siteselect"]["gates"][0]["requirement"] == (
        "at most 3; on conditions 6"
    )
    assert list(sites.columns) == ["a", "b", "c", "geometry"]
    again = ss.check_gates(found, gates[:1])
    assert "b_gate" not in again
    assert again["gates"].tolist() == ["PASS", "FAIL", "UNKNOWN"]
    kept = ss.score_sites(
        found,
        [ss.Criterion("c", ss.Column("c"), ss.Rising(0, 9))],
        exclude=[ss.Where("gates", isin=["FAIL"], name="gate")],
    )
    assert kept["excluded_by"].tolist() == ["", "gate", "gate"]
    empty = ss.check_gates(sites.iloc[:0], gates)
    assert len(empty) == 0
    assert "a_gate" in empty


def test_a_layer_coarser_than_the_gate_asks_is_unknown(tmp_path):
    sites = frame([Point(WEST + 0.3, SOUTH + 0.3)])
    # A cell of 0.5 degree is 55.4 km high there.
    slope = ss.Raster(write_raster(tmp_path / "slope.tif", [[2.0]], north=SOUTH + 0.5))

    def ask(km, layer=slope):
        gate = ss.Gate("s", ss.Sample(layer), at_most=5, max_resolution_km=km)
        return gate(sites).tolist()

    assert ask(56) == ["PASS"]
    assert ask(55) == ["UNKNOWN"]
    assert ask(0.09) == ["UNKNOWN"]
    # Resampled: the stated resolution counts.
    resampled = ss.Raster(slope.path, info=ss.LayerInfo("s", resolution_km=80.0))
    assert ask(56, resampled) == ["UNKNOWN"]
    flood = frame([box(WEST, SOUTH, WEST + 1, SOUTH + 1)], depth=[0.0])
    for layer, wanted in (
        (flood, "UNKNOWN"),
        (with_info(flood, ss.LayerInfo("f", resolution_km=0.03)), "PASS"),
        (with_info(flood, ss.LayerInfo("f", resolution_km=1.0)), "UNKNOWN"),
    ):
        gate = ss.Gate("f", ss.At(layer, "depth"), at_most=0, max_resolution_km=0.09)
        assert gate(sites).tolist() == [wanted]
        near = ss.Gate("n", ss.Inside(layer), max_resolution_km=0.09)
        assert near(sites).tolist() == ["FAIL" if wanted == "PASS" else "UNKNOWN"]


def test_a_measurement_may_say_that_it_is_too_coarse():
    @dataclass(frozen=True)
    class Seen(Measured):
        is_too_coarse: object = False

    class Coarse(Measurement):
        label = "coarse"

        def answer(self, queries):
            n = len(queries.sites)
            flags = np.arange(n) == 1
            values = pd.Series(np.zeros(n), queries.sites.index)
            return Seen(values, np.zeros(n, dtype=bool), flags)

        def describe(self):
            return {}

    gate = ss.Gate("g", Coarse(), at_most=1)
    with pytest.warns(DataQualityWarning, match=r"too coarse for 1 of them"):
        states = gate(along(x=[1, 2, 3]))
    assert states.tolist() == ["PASS", "UNKNOWN", "PASS"]


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda: ss.Gate("", ss.Column("x"), at_most=1), "''"),
        (lambda: ss.Gate("a;b", ss.Column("x"), at_most=1), "'a;b'"),
        (lambda: ss.Gate("g", "x", at_most=1), "'x'"),
        (lambda: ss.Gate("g", ss.Column("x")), "no requirement"),
        (lambda: ss.Gate("g", ss.Column("x"), at_most=1, isin=[1]), "together"),
        (lambda: ss.Gate("g", ss.Column("x"), at_most="1"), "'1'"),
        (lambda: ss.Gate("g", ss.Column("x"), at_most=np.nan), "nan"),
        (lambda: ss.Gate("g", ss.Column("x"), at_most=1, at_least=2), "above"),
        (lambda: ss.Gate("g", ss.Column("x"), at_most=5, conditional=3), "inside"),
        (lambda: ss.Gate("g", ss.Column("x"), at_least=5, conditional=8), "inside"),
        (lambda: ss.Gate("g", ss.Column("x"), at_most=5, conditional="x"), "'x'"),
        (
            lambda: ss.Gate("g", ss.Column("x"), at_least=1, at_most=5, conditional=9),
            "pair",
        ),
        (lambda: ss.Gate("g", ss.Column("x"), isin="AE"), "'AE'"),
        (lambda: ss.Gate("g", ss.Where("x", above=1), at_most=1), "beside"),
        (lambda: ss.Gate("g", ss.Where("x", above=1), conditional=1), "exclusion"),
        (
            lambda: ss.Gate("g", ss.Column("x"), at_most=1, max_resolution_km=1),
            "no layer",
        ),
        (lambda: ss.check_gates(along(x=[1]), []), "none"),
        (lambda: ss.check_gates(along(x=[1]), ["slope"]), "'slope'"),
        (
            lambda: ss.check_gates(
                along(x=[1]), [ss.Gate("g", ss.Column("x"), at_most=1)] * 2
            ),
            "more than once",
        ),
        (
            lambda: ss.check_gates(
                along(gates=[1]), [ss.Gate("g", ss.Column("gates"), at_most=1)]
            ),
            "'gates'",
        ),
        (
            lambda: ss.check_gates(
                along(x=[1]), [ss.Gate("g", lambda f: [1], at_most=1)]
            ),
            "list",
        ),
    ],
)
def test_what_is_no_gate_is_refused(make, noun):
    with pytest.raises(StudyError) as caught:
        make()
    assert noun.lower() in str(caught.value).lower()


def test_errors_name_the_gate():
    gate = ss.Gate("flood", ss.Column("zone"), at_most=1)
    with pytest.raises(LayerError, match="'flood'"):
        ss.check_gates(along(zone=["A"]), [gate])
    with pytest.raises(LayerError, match=r"Gate 'flood'.*'zone'"):
        ss.check_gates(along(x=["A"]), [gate])
    with pytest.raises(LayerError, match="labels more than once"):
        ss.check_gates(along(x=[1, 2]).set_axis([0, 0]), [gate])
