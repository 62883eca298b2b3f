"""What a layer is too coarse, or too empty, to say is unknown to whoever decides."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box
from shapely.affinity import translate
from suitability.world import SOUTH, WEST, frame, write_raster

import siteselect as ss
from siteselect.errors import DataQualityWarning
from siteselect.layers.info import with_info

ONE = ss.Criterion("one", lambda f: pd.Series(0.5, f.index), ss.Rising(0, 1))
EXAMPLES = settings(max_examples=15, deadline=None, derandomize=True, database=None)
#: Resolution of the layers below [km], and degrees of it at their place.
COARSE_KM = 10.0
DOWN, ALONG = COARSE_KM / 111.2, COARSE_KM / 95.8

spots = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8
)


def cells(places, km):
    """Candidates for cells of a side, None for points."""
    geoms = [Point(WEST + x / 40 + 0.003, SOUTH + y / 40 + 0.003) for x, y in places]
    sites = frame(geoms)
    return sites if km is None else sites.assign(cell_km=km, cell_shape="square")


def coarse(layer, name="wells"):
    return with_info(layer, ss.LayerInfo(name, resolution_km=COARSE_KM))


def answers(ask, sites):
    """States, and what was warned of."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        states = ask(sites)
    assert all(w.category is DataQualityWarning for w in heard)
    return states.to_numpy(), [str(w.message) for w in heard]


@pytest.fixture(scope="module")
def heights(tmp_path_factory):
    """Half a degree a cell, wide around."""
    path = tmp_path_factory.mktemp("heights") / "dem.tif"
    values = np.random.default_rng(3).normal(300, 40, (8, 8))
    return ss.Raster(write_raster(path, values), info=ss.LayerInfo("dem"))


def rules_on(measure):
    """All ways to ask a figure of a measurement by exclusions, and its negation."""
    above, below = ss.Where(measure, above=1), ss.Where(measure, below=1e9)
    return [
        above,
        below,
        ~below,
        above & below,
        above | ss.Where(measure, above=1e12),
        ~(above & ~below),
        ss.Where(measure, above=1, missing="keep"),
        ss.Where(measure, isin=[3.0]),
    ]


def test_no_way_round_a_gate_makes_a_coarse_raster_pass(heights):
    places = [(20, 20), (30, 31), (25, 40)]
    for measure in (
        ss.Slope(heights),
        ss.Aspect(heights),
        ss.Sample(heights),
        ss.Zonal(heights),
    ):
        for rule in rules_on(measure):
            states, heard = answers(ss.Gate("g", rule), cells(places, 5.0))
            assert states.tolist() == ["UNKNOWN"] * 3, rule.name
            assert any("too coarse" in text and "'dem'" in text for text in heard)
    # Large cells are told apart; a point is as small as can be, except for a slope.
    for size in (60.0, None):
        sample = ss.Where(ss.Sample(heights), above=1e9)
        states, heard = answers(ss.Gate("g", sample), cells(places, size))
        assert (states.tolist(), heard) == (["PASS"] * 3, [])
        steep = ss.Where(ss.Slope(heights), above=1e9)
        states, _ = answers(ss.Gate("g", steep), cells(places, size))
        assert states.tolist() == ["UNKNOWN"] * 3


def test_an_exclusion_tells_what_is_too_coarse_as_unknown(heights):
    sites = cells([(20, 20), (30, 31)], 5.0)
    steep = ss.Where(ss.Slope(heights), above=1e9, name="steep")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        scored = ss.score_sites(sites, [ONE], exclude=[steep])
    assert "'steep'" in str(heard[-1].message)
    assert scored["excluded_by"].tolist() == ["steep (unknown)"] * 2
    assert scored["score"].isna().all()
    assert scored["score_high"].tolist() == [0.5] * 2
    kept = ss.Where(ss.Slope(heights), above=1e9, missing="keep")
    with pytest.warns(DataQualityWarning, match=r"too coarse|lie of the land"):
        scored = ss.score_sites(sites, [ONE], exclude=[kept])
    assert scored["excluded_by"].tolist() == [""] * 2
    # A score keeps the figure.
    with pytest.warns(DataQualityWarning, match="lie of the land"):
        scored = ss.score_sites(
            sites, [ss.Criterion("s", ss.Slope(heights), ss.Falling(0, 9))]
        )
    assert scored["score"].notna().all()


def test_a_gate_warns_of_every_answer_that_resolution_takes(heights):
    # Two of five sites are smaller than a cell, though few fit into one.
    sites = cells([(20, 20)] * 5, 40.0).assign(cell_km=[60.0, 40, 55, 30, np.nan])
    gate = ss.Gate("high", ss.Sample(heights), at_most=1e9)
    states, heard = answers(gate, sites)
    assert states.tolist() == ["PASS", "UNKNOWN", "PASS", "UNKNOWN", "PASS"]
    (text,) = heard
    assert "'high'" in text
    assert "2 of them" in text


def shifted(layer):
    """The layer moved by up to its resolution, in all directions."""
    for turn in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        x, y = 0.93 * ALONG * np.cos(turn), 0.93 * DOWN * np.sin(turn)
        yield frame([translate(g, x, y) for g in layer.geometry], mw=layer["mw"])


@EXAMPLES
@given(
    spots,
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=3),
    st.sampled_from(["point", "line", "area"]),
    st.sampled_from([0.0, 3.0, 10.0, 14.0, 45.0]),
    st.booleans(),
)
def test_what_is_known_holds_wherever_the_features_are(
    places, corners, kind, km, negated
):
    def geometry(x, y):
        x, y = WEST + x / 40, SOUTH + y / 40
        if kind == "point":
            return Point(x, y)
        if kind == "line":
            return LineString([(x, y), (x + 0.4, y + 0.2)])
        return box(x, y, x + 0.5, y + 0.45)

    exact = frame([geometry(x, y) for x, y in corners], mw=[1.0] * len(corners))

    def gates(layer):
        rules = [ss.Near(layer, km=km)]
        if kind == "area":
            rules.append(ss.Inside(layer))
        rules.append(ss.Where(ss.Nearest(layer), above=km))
        yield from (ss.Gate("g", ~rule if negated else rule) for rule in rules)
        yield ss.Gate("g", ss.Nearest(layer), at_most=km, conditional=km + 9)
        yield ss.Gate("g", ss.Nearest(layer), at_least=km, at_most=km + 5)
        if kind == "area":
            yield ss.Gate("g", ss.CoveredShare(layer), at_most=0.4)
            yield ss.Gate("g", ss.Inside(layer, min_share=0.4))

    small, large = cells(places, 2.0), cells(places, COARSE_KM)
    others = [list(gates(moved)) for moved in shifted(exact)]
    for i, gate in enumerate(gates(coarse(exact))):
        states, heard = answers(gate, small)
        known = states != "UNKNOWN"
        assert known.all() or any("too coarse" in text for text in heard)
        for moved in others:
            assert (moved[i](small).to_numpy() == states)[known].all(), gate
        # Sites as large as the resolution, and points, are answered as ever.
        of_ground = getattr(gate.measure, "min_share", None) is not None
        of_ground |= isinstance(gate.measure, ss.CoveredShare)
        for sites in (large,) if of_ground else (large, cells(places, None)):
            plain = list(gates(exact))[i](sites).tolist()
            states, heard = answers(gate, sites)
            assert (states.tolist(), heard) == (plain, [])


def test_distances_far_from_the_limit_are_known():
    layer = coarse(frame([Point(WEST, SOUTH)], mw=[1.0]))
    sites = frame(
        [Point(WEST + d / 95.5, SOUTH) for d in (5, 65, 75, 85, 95)],
        cell_km=[2.0] * 5,
        cell_shape="square",
    )
    gate = ss.Gate("near", ss.Nearest(layer), at_most=80)
    states, heard = answers(gate, sites)
    assert states.tolist() == ["PASS", "PASS", "UNKNOWN", "UNKNOWN", "FAIL"]
    assert "2 of them" in heard[-1]
    states, _ = answers(ss.Gate("far", ss.Near(layer, km=80)), sites)
    assert states.tolist() == ["FAIL", "FAIL", "UNKNOWN", "UNKNOWN", "PASS"]
    # A limit finer than the layer: nobody is known to be so near.
    states, _ = answers(ss.Gate("near", ss.Nearest(layer), at_most=4), sites)
    assert states.tolist() == ["UNKNOWN", *["FAIL"] * 4]


def test_what_polygons_and_neighbors_carry_is_held_to_their_resolution():
    ground = box(WEST - 1, SOUTH - 1, WEST + 2, SOUTH + 2)
    zones = coarse(frame([ground], stress=[0.1], people=[9.0]), "zones")
    sites = cells([(0, 0), (30, 3)], 2.0)
    wires = coarse(frame([LineString([(WEST, SOUTH), (WEST + 1, SOUTH)])]), "wires")
    for measure in (
        ss.At(zones, "stress"),
        ss.Nearest(zones, attribute="stress"),
        ss.Within(zones, radius_km=9, count=True),
        ss.Length(wires, radius_km=9),
        ss.Latency(zones, weight="people", within_ms=0.1),
    ):
        gate = ss.Gate("g", measure, at_most=1e6)
        states, heard = answers(gate, sites)
        assert states.tolist() == ["UNKNOWN"] * 2, measure
        assert any("too coarse" in text for text in heard)
        states, heard = answers(ss.Gate("g", ss.Where(measure, above=1e6)), sites)
        assert states.tolist() == ["UNKNOWN"] * 2, measure
        # The score keeps the figure, and says how little it rests on.
        with pytest.warns(DataQualityWarning, match="more than 10 fit"):
            assert measure(sites).notna().all()
        for size in (COARSE_KM, None):
            states, heard = answers(gate, cells([(0, 0), (30, 3)], size))
            assert (states.tolist(), heard) == (["PASS"] * 2, [])
    for measure in (
        ss.Within(zones, radius_km=10, count=True),
        ss.Length(wires, radius_km=10),
    ):
        states, heard = answers(ss.Gate("g", measure, at_most=1e6), sites)
        assert (states.tolist(), heard) == (["PASS"] * 2, [])


def test_borders_between_polygons_of_a_layer_are_no_outline():
    west, east = (box(WEST + k, SOUTH, WEST + k + 1, SOUTH + 1) for k in (0, 1))
    land = coarse(frame([west, east]), "land")
    sites = frame(
        [Point(WEST + 1.001, SOUTH + 0.5), Point(WEST + 1.95, SOUTH + 0.5)],
        cell_km=[1.0, 1.0],
        cell_shape="square",
    )
    states, _ = answers(ss.Gate("on land", ~ss.Inside(land)), sites)
    assert states.tolist() == ["PASS", "UNKNOWN"]


def test_the_bundled_layers_are_held_to_their_resolution():
    area = ss.datasets.region("Rhode Island")
    stress = ss.At(ss.datasets.load("water_stress", area), "stress")
    for spacing, wanted in ((4, {"UNKNOWN"}), (12, {"PASS"})):
        sites = ss.grid_candidates(area, spacing_km=spacing)
        states, _ = answers(ss.Gate("w", stress, at_most=1e9), sites)
        assert set(states) == wanted


# ------------------------------------------------------------------ layers without rows


@pytest.mark.parametrize(
    "make",
    [
        lambda layer: ss.Inside(layer),
        lambda layer: ss.Inside(layer, min_share=0.5),
        lambda layer: ss.Near(layer, km=5),
        lambda layer: ~ss.Inside(layer),
        lambda layer: ss.Near(layer, km=5) | ss.Inside(layer),
        lambda layer: ss.Near(layer, km=5) & ss.Inside(layer),
    ],
)
def test_an_empty_layer_is_unknown_to_exclusions(make):
    empty = frame([], mw=[])
    sites = cells([(0, 0), (9, 9)], 5.0)
    rule = make(with_info(empty, ss.LayerInfo("wetlands")))
    for ask in (
        ss.Gate("g", rule),
        lambda f: ss.score_sites(f, [ONE], exclude=[rule.named("wet")])["excluded_by"],
    ):
        states, heard = answers(ask, sites)
        assert set(states) <= {"UNKNOWN", "wet (unknown)"}
        assert "'wetlands'" in heard[0]
        assert "no rows" in heard[0]
    assert not answers(rule, sites.iloc[:0])[1]
    # Complete around its area, it says that there are none.
    full = make(with_info(empty, ss.LayerInfo("wetlands", complete_km=5.0)))
    states, heard = answers(full, sites)
    assert set(states) == {isinstance(full, type(~full))}
    assert not heard


def test_a_bundled_layer_is_complete_as_far_as_its_margin():
    layers = ss.datasets.load_all("Nebraska", margin_km=50)
    landings = layers["cable_landings"]
    assert len(landings) == 0
    assert ss.layer_info(landings).complete_km == 50
    sites = frame([Point(-99.5, 41.5)])
    for km, state, is_said in ((50, "PASS", False), (51, "UNKNOWN", True)):
        states, heard = answers(ss.Gate("g", ss.Near(landings, km=km)), sites)
        assert (states[0], bool(heard)) == (state, is_said)
        count = ss.Within(landings, radius_km=km, count=True)
        assert ss.Gate("g", count, at_most=0)(sites).tolist() == [state]
    # How far the nearest is, is unknown: farther than the margin.
    assert ss.Nearest(landings)(sites).isna().all()
    assert ss.layer_info(layers["counties"]).complete_km == 0
    assert ss.layer_info(layers["water_stress"]).complete_km == 0
    none = layers["lakes"].iloc[:0]
    assert ss.CoveredShare(none)(cells([(0, 0)], 5.0)).tolist() == [0.0]
    assert ss.Gate("g", ss.Inside(none))(sites).tolist() == ["PASS"]
