"""Many points asked at once get, bit for bit, what each gets by itself."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiPoint, Point
from strategies import SOAK, examples

from siteselect.layers import nearby, reach, spatial, tiles
from siteselect.layers.places import DEPTH, Places

# The equator, the middle, across the antimeridian, and beside a pole.
CENTERS = [(0.0, 0.0), (-97.0, 32.0), (179.9, -45.0), (30.0, 89.3)]


def drawn(seed: int, center, n: int, kinds) -> gpd.GeoSeries:
    """Clustered shapes around a center, some of them twice."""
    rng = np.random.default_rng(seed)
    lon, lat = center
    # Edges that go half round the globe are refused.
    wide = min(20.0, 1 / np.cos(np.radians(lat)))
    spread = rng.choice([0.02, 0.5, 3.0], size=(n, 1))
    at = rng.normal(size=(n, 2)) * spread * [wide, 1] + [lon, lat]
    at = np.clip(at, [lon - 150, -90], [lon + 150, 90])
    kind = rng.choice(kinds, size=n)
    length = rng.choice([0.001, 0.2, 1.5], size=n) * rng.uniform(0.5, 1, size=n)
    out = []
    for (x, y), what, size in zip(at, kind, length, strict=True):
        if what == "point":
            out.append(Point(x, y))
        elif what == "line":
            turns = rng.normal(size=(4, 2)).cumsum(axis=0) * size * [wide, 1]
            turns += [x, y]
            out.append(LineString(np.clip(turns, [lon - 170, -90], [lon + 170, 90])))
        else:
            ring = shapely.get_coordinates(Point(0, 0).buffer(size, 2)) * [wide, 1]
            ring[:, 1] = np.clip(ring[:, 1] + y, -90, 90) - y
            out.append(shapely.Polygon(ring + np.array([x, y])))
    return gpd.GeoSeries(out + out[: n // 4], crs=4326)


@pytest.fixture(scope="module", autouse=True)
def small():
    """Make tiles out of a few points, and blocks out of a few pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_FEW", 0.01)
        patch.setattr(tiles, "_MANY", 3)
        patch.setattr(tiles, "_ASKED", 8)
        patch.setattr(tiles, "_PIECES", 40)
        patch.setattr(reach, "_PAIRS", 30)
        patch.setattr(reach, "_LISTED", 50)
        patch.setattr(nearby, "PAIRS", 500)
        yield


def check_nearest(seed, center, kinds, max_km):
    sites = spatial.placed(drawn(seed, center, 80, ["point"]))
    index = spatial.indexed(drawn(seed + 1, center, 12, kinds))
    alone = nearby.nearest_points(sites.lon, sites.lat, index, 1, max_km)
    assert len(tiles._levels(sites, index, np.inf)) > 0 or index.has_areas
    found = tiles.nearest(sites, index, 1, max_km)
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one, other)


KINDS = st.sampled_from([["point"], ["line"], ["area"], ["point", "line", "area"]])
CASES = (
    st.integers(0, 10**6),
    st.sampled_from(CENTERS),
    KINDS,
    st.sampled_from([np.inf, 30.0, 2.0, 0.0]),
)


@examples(40)
@given(*CASES)
def test_nearest_of_tiles_is_that_of_each_point(seed, center, kinds, max_km):
    check_nearest(seed, center, kinds, max_km)


@pytest.mark.soak
@examples(SOAK)
@given(*CASES)
def test_nearest_of_tiles_is_that_of_each_point_soak(seed, center, kinds, max_km):
    check_nearest(seed, center, kinds, max_km)


def check_within(seed, center, radius_km):
    sites = spatial.placed(drawn(seed, center, 80, ["point"]))
    layer = drawn(seed + 1, center, 40, ["point"])
    figures = np.random.default_rng(seed).normal(size=len(layer))
    figures[::7] = np.nan
    whole = np.round(figures * 10)
    pairs = spatial.pairs_within(
        gpd.GeoSeries.from_xy(sites.lon, sites.lat, crs=4326), layer, radius_km
    )
    n = len(sites)
    wanted = {
        "count": np.bincount(pairs.site, minlength=n),
        "total": np.bincount(pairs.site, figures[pairs.feature], minlength=n),
        "whole": np.bincount(pairs.site, whole[pairs.feature], minlength=n),
        "largest": np.full(n, -np.inf),
    }
    known = ~np.isnan(figures)
    near = known[pairs.feature]
    parts = figures[pairs.feature[near]]
    np.maximum.at(wanted["largest"], pairs.site[near], parts)
    found = {name: np.full(n, np.nan) for name in wanted}
    for one in spatial.within(sites, spatial.indexed(layer), radius_km):
        assert np.isnan(found["count"][one.sites]).all()
        found["count"][one.sites] = one.count()
        found["total"][one.sites] = one.total(figures)
        found["whole"][one.sites] = one.total(whole)
        found["largest"][one.sites] = one.only(known).largest(figures)
    for name, values in wanted.items():
        np.testing.assert_array_equal(found[name], values.astype(float), name)


RADII = st.sampled_from([0.0, 0.5, 20.0, 150.0, 500.0])


@examples(40)
@given(st.integers(0, 10**6), st.sampled_from(CENTERS), RADII)
def test_within_tiles_is_within_each_point(seed, center, radius_km):
    check_within(seed, center, radius_km)


@pytest.mark.soak
@examples(SOAK)
@given(st.integers(0, 10**6), st.sampled_from(CENTERS), RADII)
def test_within_tiles_is_within_each_point_soak(seed, center, radius_km):
    check_within(seed, center, radius_km)


@pytest.mark.parametrize(
    ("geometry", "radius_km"),
    [(LineString([(0, 0), (1, 1)]), 9), (MultiPoint([(0, 0), (1, 1)]), 9)],
)
def test_pairs_are_asked_where_tiles_do_not_know(geometry, radius_km):
    sites = spatial.placed(gpd.GeoSeries([Point(0, 0)], crs=4326))
    index = spatial.indexed(gpd.GeoSeries([geometry], crs=4326))
    assert spatial.within(sites, index, radius_km) is None
    index = spatial.indexed(gpd.GeoSeries([Point(0, 0)], crs=4326))
    assert spatial.within(sites, index, 501) is None


@examples(30)
@given(st.integers(0, 10**6), st.sampled_from(CENTERS), st.integers(0, DEPTH))
def test_tiles_hold_each_point_once_within_their_reach(seed, center, level):
    points = spatial.placed(drawn(seed, center, 50, ["point"]))
    cut = points.tiles(level)
    assert len(cut) == points.n_tiles(level)
    assert sorted(points.order) == list(range(len(points)))
    assert cut.first[0] == 0
    assert cut.first[-1] == len(points)
    owner = np.repeat(np.arange(len(cut)), np.diff(cut.first))
    apart = np.linalg.norm(points.xyz[points.order] - cut.center[owner], axis=1)
    np.testing.assert_allclose(apart, cut.apart_km, atol=1e-8)
    assert (apart <= cut.reach_km[owner] + 1e-8).all()
    if level:
        # Tiles of the level above are made of whole ones.
        assert np.isin(points.tiles(level - 1).first, cut.first).all()


def test_places_take_the_place_of_sites():
    sites = drawn(1, CENTERS[1], 60, ["point"])
    areas = drawn(2, CENTERS[1], 10, ["area"])
    places = spatial.placed(sites)
    assert isinstance(places, Places)
    one = spatial.containing(places, areas)
    np.testing.assert_array_equal(one, spatial.containing(sites, areas))
    assert (one >= 0).any()
    near = spatial.is_within_km(places, areas, 5)
    np.testing.assert_array_equal(near, spatial.is_within_km(sites, areas, 5))
    assert spatial.placed(areas) is None
