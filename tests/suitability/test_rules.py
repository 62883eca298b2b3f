"""Rules of rules: logic with unknown, patches, keeping, and the waterfall."""

from __future__ import annotations

import itertools
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box
from suitability.world import GEOD, SOUTH, WEST, WRITINGS, frame, write_raster, written

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.suitability.ground import area_km2, touching
from siteselect.suitability.queries import Queries

ONE = ss.Criterion("one", lambda f: pd.Series(0.0, f.index), ss.Rising(-1, 1))
#: True, False, unknown, and unknown that the rule tolerates.
STATES = [True, False, None, "kept"]
EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def logic_sites():
    """All combinations of two states, and rules that say them."""
    pairs = list(itertools.product(STATES, STATES))
    figures = {True: 1.0, False: 0.0, None: np.nan, "kept": np.nan}
    sites = frame(
        [Point(i, 0) for i in range(len(pairs))],
        a=[figures[p] for p, _ in pairs],
        b=[figures[q] for _, q in pairs],
    )
    # A site's state may be "kept" on one side only: one rule per state.
    rules = []
    for column, side in (("a", 0), ("b", 1)):
        strict = ss.Where(column, equals=1.0)
        kind = ss.Where(column, equals=1.0, missing="keep")
        rules.append((strict, kind, side))
    return pairs, sites, rules


def said(rule, sites):
    verdict = rule.verdict(Queries(sites))
    flags = [verdict.is_excluded, verdict.is_unknown, verdict.tolerated]
    assert np.sum(flags, axis=0).max(initial=0) <= 1
    return np.where(
        verdict.is_excluded,
        "out",
        np.where(verdict.is_unknown, "?", np.where(verdict.tolerated, "kept", "in")),
    ).tolist()


def plain(states, how):
    """Return what every way the unknown may turn out has in common."""
    free = [i for i, s in enumerate(states) if s in (None, "kept")]
    answers = set()
    for filled in itertools.product([True, False], repeat=len(free)):
        values = list(states)
        for i, value in zip(free, filled, strict=True):
            values[i] = value
        answers.add(how(*values))
    if len(answers) == 1:
        return "out" if answers.pop() else "in"
    # Unknown is never a pass as soon as one part says so.
    return "?" if None in states else "kept"


@pytest.mark.parametrize(
    ("build", "how"),
    [
        (lambda a, b: a & b, lambda a, b: a and b),
        (lambda a, b: a | b, lambda a, b: a or b),
        (lambda a, b: ~a & b, lambda a, b: (not a) and b),
        (lambda a, b: ~(a | ~b), lambda a, b: (not a) and b),
        (lambda a, b: ~(~a & ~b), lambda a, b: a or b),
        (lambda a, b: ~~a | b, lambda a, b: a or b),
    ],
)
def test_logic_is_what_all_ways_out_of_the_unknown_agree_on(build, how):
    pairs, sites, ((strict_a, kind_a, _), (strict_b, kind_b, _)) = logic_sites()
    for keep_a, keep_b in itertools.product([False, True], repeat=2):
        rule = build(kind_a if keep_a else strict_a, kind_b if keep_b else strict_b)
        found = said(rule, sites)
        for at, (a, b) in enumerate(pairs):
            if (a == "kept") == keep_a and (b == "kept") == keep_b:
                assert found[at] == plain((a, b), how), (a, b)
        # As an exclusion: unknown is out, tolerated stays.
        assert rule(sites).tolist() == [f in ("out", "?") for f in found]


def test_names_of_rules_of_rules():
    a, b, c = (ss.Where(x, equals=1, name=x) for x in "abc")
    assert (a & b & c).name == "a and b and c"
    assert len((a & (b & c)).rules) == 3
    assert ((a | b) & ~c).name == "(a or b) and not c"
    assert (~(a | b)).name == "not (a or b)"
    assert (a & b).named("both").name == "both"
    assert ((a & b).named("both") & c).name == "(both) and c"
    assert (a & (lambda f: f["b"] > 0)).name == "a and function"
    assert ((lambda f: f["b"] > 0) | a).name == "function or a"


def test_functions_take_part():
    sites = frame([Point(0, 0), Point(1, 0)], a=[1.0, 1.0], b=[0.0, 5.0])
    rule = ss.Where("a", equals=1.0) & (lambda f: f["b"] > 1)
    assert rule(sites).tolist() == [False, True]
    scored = ss.score_sites(sites, [ONE], exclude=[rule, ~rule])
    assert scored["excluded_by"].tolist() == [
        "not (a equal to 1.0 and function)",
        "a equal to 1.0 and function",
    ]


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda a: a and a, "(a & b)"),
        (lambda a: not a, "(a & b)"),
        (lambda a: a & "lakes", "'lakes'"),
        (lambda a: ~ss.Keep(["x"]), "Keep stands alone"),
        (lambda a: a | ss.Near, "Near"),
        (lambda _: ss.AnyOf([]), "found none"),
        (lambda _: ss.Keep("s0001"), "'s0001'"),
        (lambda _: ss.Keep(3), "found 3"),
        (lambda a: (a & a).named("x;y"), "'x;y'"),
        (lambda _: ss.MinArea(min_ha=0), "min_ha"),
        (lambda _: ss.MinArea(min_ha=np.nan), "nan"),
        (lambda _: ss.MinArea(min_ha=True), "True"),
    ],
)
def test_what_cannot_combine_is_refused(make, noun):
    with pytest.raises(StudyError) as caught:
        make(ss.Where("a", equals=1))
    assert noun.lower() in str(caught.value).lower()


# ------------------------------------------------------------- setbacks, rasters


def test_setback_of_a_polygon_is_its_ground_a_band_and_round_corners():
    park = frame([box(-98, 35, -97.95, 35.03)])
    km = 4.0
    wide = GEOD.inv(-98, 35.015, -97.95, 35.015)[2] / 1000
    high = GEOD.inv(-98, 35, -98, 35.03)[2] / 1000
    x, y = np.meshgrid(np.linspace(-98.1, -97.85, 161), np.linspace(34.9, 35.13, 161))
    sites = frame([Point(a, b) for a, b in zip(x.flat, y.flat, strict=True)])
    cell = (
        np.cos(np.radians(y.ravel())) * (111.412 * 0.25 / 160) * (110.94 * 0.23 / 160)
    )
    found = ss.Near(park, km=km)(sites).to_numpy() @ cell
    wanted = wide * high + 2 * km * (wide + high) + math.pi * km**2
    assert found == pytest.approx(wanted, rel=0.01)


def test_rasters_exclude_by_class_and_by_figure(tmp_path):
    cover = np.array([[11, 21], [np.nan, 41]])
    raster = ss.Raster(write_raster(tmp_path / "cover.tif", cover, north=32.0))
    sites = frame(
        [Point(WEST + x, SOUTH + y) for y in (0.75, 0.25) for x in (0.2, 0.8)]
    )
    water = ss.Where(ss.Sample(raster), isin=[11, 12], name="water")
    assert said(water, sites) == ["out", "in", "?", "in"]
    assert said(ss.Where(ss.Sample(raster), above=20), sites) == [
        "in",
        "out",
        "?",
        "out",
    ]
    both = water | ss.Where(ss.Sample(raster), above=40, missing="keep")
    assert said(both, sites) == ["out", "in", "?", "out"]


# ------------------------------------------------------------------ minimum area


def plain_patches(neighbors, left):
    """Flood fill, one cell at a time."""
    patch, seen = [], set()
    for start in left:
        if start in seen:
            continue
        todo, members = [start], []
        seen.add(start)
        while todo:
            cell = todo.pop()
            members.append(cell)
            for other in neighbors(cell):
                if other in left and other not in seen:
                    seen.add(other)
                    todo.append(other)
        patch.append(members)
    return patch


@pytest.mark.parametrize("kind", ["cells", "polygons"])
@EXAMPLES
@given(st.integers(0, 2**20 - 1), st.integers(1, 6), st.randoms(use_true_random=False))
def test_small_patches_go_and_corners_do_not_join(kind, bits, at_least, rng):
    rows, columns = 4, 5
    places = [(r, c) for r in range(rows) for c in range(columns)]
    rng.shuffle(places)
    out = [(bits >> (r * columns + c)) & 1 == 1 for r, c in places]
    if kind == "cells":
        step = 10.0 / 111.0
        sites = frame(
            [Point(c * step, r * step) for r, c in places],
            cell_km=10.0,
            cell_shape="square",
            out=out,
        )
        hectares = 10_000.0
    else:
        km = 1000.0
        sites = frame(
            [box(c * km, r * km, (c + 1) * km, (r + 1) * km) for r, c in places],
            crs=5070,
            out=out,
        )
        hectares = 100.0 * (1 - 1e-5)
    sites.index = [f"{r}{c}" for r, c in places]
    rule = ss.MinArea(min_ha=at_least * hectares, name="small")
    scored = ss.score_sites(sites, [ONE], exclude=[ss.Where("out", equals=True), rule])
    left = {p for p, o in zip(places, out, strict=True) if not o}

    def neighbors(cell):
        r, c = cell
        return [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]

    small = {
        cell
        for patch in plain_patches(neighbors, left)
        if len(patch) < at_least
        for cell in patch
    }
    found = {
        p
        for p, why in zip(places, scored["excluded_by"], strict=True)
        if why == "small"
    }
    assert found == small


def test_hexagons_touch_six_others():
    area = box(-100, 31, -99, 32)
    sites = ss.grid_candidates(area, spacing_km=12, shape="hex")
    cell = area_km2(sites)
    np.testing.assert_allclose(cell, 144.0)
    whole = cell.sum() * 100
    assert not ss.MinArea(min_ha=whole)(sites).any()
    assert ss.MinArea(min_ha=whole * 1.001)(sites).all()


def test_ground_counts_holes_parts_and_crossed_rings():
    k = 1000
    hole = box(0, 0, 4 * k, 4 * k) - box(k, k, 2 * k, 2 * k)
    parts = MultiPolygon([box(10 * k, 0, 11 * k, k), box(20 * k, 0, 21 * k, k)])
    bow = Polygon([(30 * k, 0), (32 * k, 2 * k), (32 * k, 0), (30 * k, 2 * k)])
    flat = Polygon([(40 * k, 0), (41 * k, 0), (42 * k, 0)])
    sites = frame(
        [hole, parts, bow, flat, Point(50, 0), LineString([(0, 9), (1, 9)])], crs=5070
    )
    found = area_km2(sites)
    np.testing.assert_allclose(found[:4], [15, 2, 2, 0], rtol=1e-5, atol=1e-3)
    assert np.isnan(found[4:]).all()
    # Ten thousand ha on the ellipsoid, at any latitude.
    for lat in (0.0, 36.0, 65.0):
        place = box(-98, lat, -97.9, lat + 0.1)
        wanted = abs(GEOD.geometry_area_perimeter(place)[0]) / 1e6
        assert area_km2(frame([place]))[0] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("way", WRITINGS)
def test_polygons_touch_across_the_antimeridian(way):
    # Edges on it, and polygons across it; the fourth meets another at a corner.
    shapes = [
        box(179.5, -17, 180, -16.5),
        box(180, -17, 180.5, -16.5),
        box(179.9, -16.5, 180.4, -16),
        box(179.9, -17.5, 180.1, -17),
        box(180.5, -16.5, 181, -16),
    ]
    wanted = touching(frame(gpd.GeoSeries(shapes, crs=4326).translate(-100)), "x")
    sites = gpd.GeoDataFrame(geometry=written(shapes, way))
    found = touching(sites, "x")
    assert found.first.tolist() == wanted.first.tolist()
    assert found.second.tolist() == wanted.second.tolist()
    np.testing.assert_allclose(found.first_share, wanted.first_share, rtol=1e-3)
    np.testing.assert_allclose(found.second_share, wanted.second_share, rtol=1e-3)
    hectares = area_km2(sites)[:4].sum() * 100
    rule = ss.MinArea(min_ha=hectares * 0.999)
    assert rule(sites).tolist() == [False] * 4 + [True]
    assert ss.MinArea(min_ha=hectares * 1.001)(sites).all()
    table = ss.waterfall(sites, [rule]).table
    alone = table["alone_km2"].iloc[0]
    assert alone == pytest.approx(area_km2(sites)[4], rel=1e-6)


def test_patches_need_ground():
    with pytest.raises(LayerError, match="have no ground"):
        ss.MinArea(min_ha=1)(frame([Point(0, 0)]))
    mixed = frame(
        [Point(0, 0), box(0, 0, 1, 1)], cell_km=[1.0] * 2, cell_shape=["square"] * 2
    )
    with pytest.raises(LayerError, match="1 are polygons"):
        ss.MinArea(min_ha=1)(mixed)
    twice = frame([Point(0, 0)] * 2, cell_km=[1.0] * 2, cell_shape=["square"] * 2)
    with pytest.raises(LayerError, match="overlap"):
        ss.MinArea(min_ha=1)(twice)
    none = frame([box(0, 0, 1, 1)]).iloc[:0]
    assert len(ss.MinArea(min_ha=1)(none)) == 0


# ------------------------------------------------------------------- keep, count


def test_keep_gives_back_what_the_rules_before_it_took():
    sites = frame(
        [Point(i, 0) for i in range(4)],
        index=list("abcd"),
        slope=[9.0, 9.0, np.nan, 1.0],
        zone=[1.0, np.nan, 1.0, 1.0],
    )
    steep = ss.Where("slope", above=8, name="steep")
    zone = ss.Keep(ss.Where("zone", equals=1.0), name="zone")
    late = ss.Where("slope", equals=1.0, missing="keep", name="late")
    scored = ss.score_sites(sites, [ONE], exclude=[steep, zone, late])
    assert scored["excluded_by"].tolist() == ["", "steep", "", "late"]
    assert scored.attrs["siteselect"]["exclusions"] == ["steep", "late"]
    kept = ss.score_sites(sites, [ONE], exclude=[steep, late, ss.Keep(["d", "b"])])
    assert kept["excluded_by"].tolist() == ["steep", "", "steep (unknown)", ""]
    with pytest.raises(LayerError, match="'x'"):
        ss.score_sites(sites, [ONE], exclude=[ss.Keep(["x"])])


def test_waterfall_adds_up():
    rng = np.random.default_rng(3)
    n = 60
    sites = frame(
        [Point(x, 0) for x in np.arange(n)],
        index=rng.permutation(n),
        cell_km=rng.choice([2.0, 4.0], n),
        cell_shape=rng.choice(["square", "hex"], n),
        **{c: rng.choice([0.0, 1.0, np.nan], n) for c in "abc"},
    )
    a, b, c = (ss.Where(x, equals=1.0, name=x) for x in "abc")
    rules = [a, b, ss.Keep(c, name="back"), c & a, c]
    found = ss.waterfall(sites, rules)
    table = found.table
    ground = area_km2(sites)
    scored = ss.score_sites(sites, [ONE], exclude=rules)
    why = scored["excluded_by"].to_numpy()
    for unit, size in (("candidates", np.ones(n)), ("km2", ground)):
        total = size.sum()
        left = table[f"left_{unit}"]
        np.testing.assert_allclose(total - table[f"sequence_{unit}"].cumsum(), left)
        assert left.iloc[-1] == pytest.approx(size[why == ""].sum())
        for rule in rules:
            out = rule(sites).to_numpy()
            assert table.at[rule.name, f"alone_{unit}"] == pytest.approx(
                size[out].sum()
            )
            only = pd.Series(why).str.replace(" (unknown)", "") == rule.name
            assert table.at[rule.name, f"only_{unit}"] == pytest.approx(
                size[only.to_numpy()].sum()
            )
    assert table.loc["back", "sequence_candidates"] < 0
    assert table.loc["a", "unknown_candidates"] == sites["a"].isna().sum()
    assert "Waterfall of 60 candidates" in repr(found)
    assert "<table" in found._repr_html_()


def test_waterfall_of_points_has_no_ground():
    sites = frame([Point(0, 0), Point(1, 0)], slope=[9.0, 1.0])
    found = ss.waterfall(sites, [ss.Where("slope", above=8)])
    assert np.isnan(found.km2)
    assert found.table.filter(like="km2").isna().all(axis=None)
    with pytest.raises(StudyError, match="no ground"):
        found.plot(measure="km2")
    empty = ss.waterfall(sites.iloc[:0], [])
    assert empty.n_candidates == 0
    assert len(empty.table) == 0


def test_waterfall_asks_patches_alone_and_in_turn():
    step = 10.0 / 111.0
    sites = frame(
        [Point(i * step, 0) for i in range(5)],
        cell_km=10.0,
        cell_shape="square",
        out=[False, False, True, False, False],
    )
    rule = ss.MinArea(min_ha=30_000, name="small")
    table = ss.waterfall(sites, [ss.Where("out", equals=True, name="out"), rule]).table
    assert table.loc["small", "alone_km2"] == 0
    assert table.loc["small", "sequence_km2"] == pytest.approx(400)
    assert table.loc["out", "sequence_km2"] == pytest.approx(100)


def test_waterfall_is_drawn_bar_by_bar():
    sites = frame(
        [Point(i, 0) for i in range(10)],
        slope=np.arange(10.0),
        cell_km=10.0,
        cell_shape="square",
    )
    steep = ss.Where("slope", above=6, name="steep")
    flat = ss.Where("slope", below=1, name="flat")
    found = ss.waterfall(sites, [steep, flat, ss.Keep(flat, name="back")])
    ax = found.plot()
    bars = {round(b.get_y() + b.get_height() / 2): b for b in ax.patches}
    assert [bars[i].get_width() for i in range(5)] == [1000, 300, 100, -100, 700]
    assert bars[1].get_x() == pytest.approx(700)
    assert [t.get_text() for t in ax.get_yticklabels()][1:4] == [
        "steep",
        "flat",
        "back",
    ]
    assert found.plot(measure="candidates").get_xlabel() == "candidates"
    import matplotlib.pyplot as plt

    plt.close("all")
