"""The spatial module against a slow, plain geodesic implementation."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.oracle import distances_km
from shapely import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from siteselect.errors import CRSError, LayerError
from siteselect.layers import spatial

GEOD = pyproj.Geod(ellps="WGS84")
# Centers from the equator over Texas and Alaska to the far north and south.
PLACES = [(0.0, 0.0), (-97.0, 32.0), (-150.0, 65.0), (25.0, -45.0), (100.0, 80.0)]


def series(geoms, crs=4326):
    return gpd.GeoSeries(list(geoms), crs=crs)


def close(found, true):
    """Right to 0.1 % and one meter."""
    return np.abs(found - true) <= 1e-3 * true + 1e-3


@st.composite
def shapes(draw, place, kinds=("point", "line", "polygon"), most=4):
    lon, lat = place
    offset = st.floats(-1.5, 1.5, allow_nan=False).map(lambda v: round(v, 4))
    # Longitudes are stretched so that shapes stay round near the poles.
    wide = 1 / np.cos(np.radians(lat))

    def spot():
        return lon + draw(offset) * wide, lat + draw(offset)

    out = []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(kinds))
        if kind == "point":
            out.append(Point(spot()))
        elif kind == "line":
            a, b = spot(), spot()
            out.append(LineString([a, b]) if a != b else Point(a))
        else:
            x, y = spot()
            size = draw(st.sampled_from([0.01, 0.2, 0.8]))
            corners = shapely.get_coordinates(Point(0, 0).buffer(size, 2))
            out.append(Polygon(corners * [wide, 1] + [x, y]))
    return out


def check_nearest(data):
    place = data.draw(st.sampled_from(PLACES))
    sites = data.draw(shapes(place))
    features = data.draw(shapes(place))
    k = data.draw(st.integers(1, 3))
    found = spatial.nearest(series(sites), series(features), k=k)
    true = distances_km(sites, features)
    best = np.full((len(sites), k), np.nan)
    best[:, : min(k, len(features))] = np.sort(true, axis=1)[:, :k]
    assert (np.isnan(found.distance_km) == np.isnan(best)).all()
    assert close(found.distance_km, best)[~np.isnan(best)].all()
    # The position is that of a feature at that distance, each one once.
    for i in range(len(sites)):
        here = found.position[i][found.position[i] >= 0]
        assert len(set(here)) == len(here) == min(k, len(features))
        assert close(found.distance_km[i, : len(here)], true[i, here]).all()


@settings(max_examples=25)
@given(st.data())
def test_nearest_matches_the_plain_geodesic(data):
    check_nearest(data)


@pytest.mark.soak
@settings(max_examples=120)
@given(st.data())
def test_nearest_matches_the_plain_geodesic_many_times(data):
    check_nearest(data)


def check_pairs(data):
    place = data.draw(st.sampled_from(PLACES))
    sites = data.draw(shapes(place))
    features = data.draw(shapes(place))
    radius = data.draw(st.sampled_from([0.0, 5.0, 60.0, 150.0]))
    pairs = spatial.pairs_within(series(sites), series(features), radius)
    true = distances_km(sites, features)
    found = np.full(true.shape, np.nan)
    found[pairs.site, pairs.feature] = pairs.distance_km
    sure = np.abs(true - radius) > 1e-3 * true + 1e-3
    assert (np.isfinite(found) == (true <= radius))[sure].all()
    assert close(found, true)[np.isfinite(found)].all()
    order = np.lexsort((pairs.feature, pairs.site))
    assert (order == np.arange(len(pairs))).all()


@settings(max_examples=20)
@given(st.data())
def test_pairs_within_match_the_plain_geodesic(data):
    check_pairs(data)


@pytest.mark.soak
@settings(max_examples=120)
@given(st.data())
def test_pairs_within_match_the_plain_geodesic_many_times(data):
    check_pairs(data)


@settings(max_examples=20)
@given(st.data())
def test_is_within_km_matches_nearest(data):
    place = data.draw(st.sampled_from(PLACES))
    sites = series(data.draw(shapes(place)))
    features = series(data.draw(shapes(place)))
    km = data.draw(st.floats(0, 200))
    expected = spatial.nearest(sites, features).distance_km[:, 0]
    found = spatial.is_within_km(sites, features, km)
    sure = np.abs(expected - km) > 1e-6
    assert (found == (expected <= km))[sure].all()


@pytest.mark.parametrize("lat", [0.0, 32.0, 65.0, -80.0])
def test_points_are_right_to_a_part_in_a_hundred_thousand(lat):
    rng = np.random.default_rng(3)
    lon, y = (
        rng.uniform(-180, 180, 300),
        np.clip(lat + rng.uniform(-9, 9, 300), -90, 90),
    )
    sites = series(shapely.points(lon[:100], y[:100]))
    features = series(shapely.points(lon[100:], y[100:]))
    i, j = np.meshgrid(np.arange(100), np.arange(100, 300), indexing="ij")
    meters = GEOD.inv(lon[i.ravel()], y[i.ravel()], lon[j.ravel()], y[j.ravel()])[2]
    true = np.asarray(meters).reshape(100, 200) / 1000
    found = spatial.nearest(sites, features)
    assert np.allclose(found.distance_km[:, 0], true.min(axis=1), rtol=1e-5)
    assert (found.position[:, 0] == true.argmin(axis=1)).all()
    pairs = spatial.pairs_within(sites, features, 2_000)
    assert np.allclose(pairs.distance_km, true[pairs.site, pairs.feature], rtol=1e-5)


def test_no_seam_at_the_antimeridian():
    sites = series([Point(179.95, 52), Point(-179.95, 52)])
    features = series(
        [
            Point(-179.9, 52),
            LineString([(179.0, 53), (-179.0, 53)]),
            MultiPolygon([box(179, 51, 180, 51.5), box(-180, 51, -179, 51.5)]),
        ]
    )
    true = GEOD.inv(179.95, 52, -179.9, 52)[2] / 1000
    found = spatial.nearest(sites, features, k=3)
    row = dict(zip(found.position[0], found.distance_km[0], strict=True))
    assert row[0] == pytest.approx(true, rel=1e-6)
    assert row[1] == pytest.approx(GEOD.inv(0, 52, 0, 53)[2] / 1000, rel=1e-4)
    assert row[2] == pytest.approx(GEOD.inv(0, 52, 0, 51.5)[2] / 1000, rel=1e-4)
    pair = spatial.self_pairs_within(sites, 20)
    assert pair.site.tolist() == [0]
    assert pair.feature.tolist() == [1]


def test_a_polygon_cut_at_the_antimeridian_has_its_point_in_its_middle():
    cut = MultiPolygon([box(179, 51, 180, 52), box(-180, 51, -178.5, 52)])
    beyond = series([cut, box(179, 51, 181.5, 52)])
    points = spatial.points_of(beyond)
    assert points.x.tolist() == pytest.approx([-179.75] * 2)


def test_a_projected_polygon_wider_than_half_the_globe_keeps_its_area():
    wide = shapely.segmentize(box(100, -40, 290, 40), 0.5)
    true = spatial.areas_km2(series([wide]).translate(-190))
    across = series([wide]).to_crs("+proj=eqc +lon_0=180 +datum=WGS84")
    assert spatial.areas_km2(across) == pytest.approx(true, rel=1e-6)


def test_edges_of_a_projected_layer_stay_where_they_are():
    # A 1,500 km straight line in Albers bends by many km in longitude/latitude.
    line = gpd.GeoSeries(
        [LineString([(-1_500_000, 1_500_000), (0, 1_500_000)])], crs="EPSG:5070"
    )
    middle = gpd.GeoSeries([Point(-750_000, 1_500_000)], crs="EPSG:5070")
    assert spatial.nearest(middle, line).distance_km[0, 0] < 0.002


@pytest.mark.parametrize("crs", [4326, 4269, 5070, 3857, 32614])
@pytest.mark.parametrize("column", ["geometry", "geom"])
def test_any_crs_and_geometry_name_gives_the_same(crs, column):
    rng = np.random.default_rng(1)
    base = gpd.GeoDataFrame(
        {"label": list("abcdefgh")},
        geometry=gpd.points_from_xy(rng.uniform(-101, -97, 8), rng.uniform(30, 34, 8)),
        crs=4326,
        index=[f"s{i}" for i in range(8)],
    )
    towns = series(shapely.points(rng.uniform(-101, -97, 5), rng.uniform(30, 34, 5)))
    moved = base.to_crs(crs)
    if column != "geometry":
        moved = moved.rename_geometry(column)
    before = moved.copy(deep=True)
    one, other = (
        spatial.nearest(base, towns),
        spatial.nearest(moved, towns.to_crs(5070)),
    )
    assert (one.position == other.position).all()
    assert np.allclose(one.distance_km, other.distance_km, rtol=1e-6, atol=1e-3)
    pd.testing.assert_frame_equal(moved, before)
    assert spatial.points_of(moved).index.equals(base.index)


def test_ties_go_to_the_lowest_position():
    site = series([Point(0, 0)])
    same = series([Point(1, 0), Point(0, 1), Point(-1, 0), Point(1, 0)])
    found = spatial.nearest(site, same, k=4)
    # One degree of latitude is shorter than one of longitude at the equator.
    assert found.position[0].tolist() == [1, 0, 2, 3]
    many = series([Point(1, 1)] * 50)
    assert spatial.nearest(site, many, k=3).position[0].tolist() == [0, 1, 2]
    areas = series([box(-1, -1, 1, 1)] * 3)
    assert spatial.nearest(site, areas).position[0, 0] == 0
    assert spatial.nearest(series([box(0, 0, 0.1, 0.1)]), areas).position[0, 0] == 0


def test_max_km_hides_what_is_farther():
    site = series([Point(0, 0)])
    towns = series([Point(1, 0), Point(3, 0)])
    found = spatial.nearest(site, towns, k=2, max_km=200)
    assert found.position.tolist() == [[0, -1]]
    assert np.isnan(found.distance_km[0, 1])


def test_inside_a_polygon_is_at_distance_zero():
    lake = series([box(0, 0, 2, 2).difference(box(0.5, 0.5, 1.5, 1.5))])
    sites = series([Point(0.2, 0.2), Point(1, 1), Point(2, 1)])
    km = spatial.nearest(sites, lake).distance_km[:, 0]
    assert km[0] == 0
    assert km[1] == pytest.approx(GEOD.inv(1, 1, 1, 0.5)[2] / 1000, rel=1e-3)
    assert km[2] == 0


def test_multi_part_geometries_count_once():
    features = series([MultiPoint([(0, 1), (0, 2)]), MultiPoint([(0, 3), (0, 1.5)])])
    found = spatial.nearest(series([Point(0, 0)]), features, k=2)
    assert found.position.tolist() == [[0, 1]]
    pairs = spatial.pairs_within(series([Point(0, 0)]), features, 500)
    assert pairs.feature.tolist() == [0, 1]


def test_a_round_setback_covers_pi_r_squared():
    step = 0.01
    x, y = np.meshgrid(np.arange(-98, -96, step), np.arange(34, 36, step))
    sites = series(shapely.points(x.ravel(), y.ravel()))
    near = spatial.is_within_km(sites, series([Point(-97, 35)]), 50)
    cell = np.cos(np.radians(y.ravel())) * (step * 111.2) ** 2
    assert cell[near].sum() == pytest.approx(np.pi * 50**2, rel=0.01)


def test_self_pairs_are_all_pairs():
    rng = np.random.default_rng(5)
    points = series(shapely.points(rng.uniform(-99, -97, 60), rng.uniform(31, 33, 60)))
    pairs = spatial.self_pairs_within(points, 40)
    true = spatial.pairs_within(points, points, 40)
    upper = true.site < true.feature
    assert (pairs.site == true.site[upper]).all()
    assert (pairs.feature == true.feature[upper]).all()
    assert np.allclose(pairs.distance_km, true.distance_km[upper])


def test_containing_gives_each_point_exactly_one_polygon():
    cells = series([box(x, y, x + 1, y + 1) for y in range(4) for x in range(4)])
    x, y = np.meshgrid(np.arange(0, 4.01, 0.25), np.arange(0, 4.01, 0.25))
    points = series(shapely.points(x.ravel(), y.ravel()))
    found = spatial.containing(points, cells)
    assert (found >= 0).all()
    touching = shapely.intersects(
        np.asarray(points.array)[:, None], np.asarray(cells.array)[None, :]
    )
    assert (found == touching.argmax(axis=1)).all()
    outside = series([Point(9, 9)])
    assert spatial.containing(outside, cells).tolist() == [-1]


def test_covered_share_matches_geodesic_areas():
    rng = np.random.default_rng(8)
    cells = series([box(x, 60 + y, x + 1, 61 + y) for y in range(3) for x in range(3)])
    blobs = series(
        [
            Point(x, y).buffer(r)
            for x, y, r in zip(
                rng.uniform(0, 3, 12),
                rng.uniform(60, 63, 12),
                rng.uniform(0.1, 0.5, 12),
                strict=True,
            )
        ]
    )
    union = blobs.union_all()

    def area(geom):
        return abs(GEOD.geometry_area_perimeter(shapely.segmentize(geom, 0.01))[0])

    true = np.array([area(c.intersection(union)) / area(c) for c in cells])
    found = spatial.covered_share(cells, blobs)
    assert np.allclose(found, true, rtol=1e-3, atol=1e-6)
    assert (
        spatial.covered_share(cells, series([box(-1, 59, 4, 64)])).tolist() == [1] * 9
    )
    assert spatial.covered_share(cells, blobs.iloc[:0]).tolist() == [0] * 9


@pytest.mark.parametrize(("shape", "area"), [("square", 400), ("hex", 346.41)])
@pytest.mark.parametrize("lat", [0, 35, 65])
def test_footprints_have_the_area_of_their_cell(shape, area, lat):
    cells = gpd.GeoDataFrame(
        {"cell_km": [20.0], "cell_shape": [shape]},
        geometry=[Point(-97, lat)],
        crs=4326,
        index=["s0"],
    )
    found = spatial.footprints(cells)
    assert found.index.tolist() == ["s0"]
    m2 = abs(GEOD.geometry_area_perimeter(found.iloc[0])[0])
    assert m2 / 1e6 == pytest.approx(area, rel=1e-3)
    assert found.iloc[0].exterior.is_ccw


def test_footprints_of_polygons_are_themselves():
    own = series([box(0, 0, 1, 1)])
    assert spatial.footprints(own).iloc[0].equals(own.iloc[0])
    with pytest.raises(LayerError, match="cell_km"):
        spatial.footprints(series([Point(0, 0)]))
    odd = gpd.GeoDataFrame(
        {"cell_km": [1.0], "cell_shape": ["squares"]}, geometry=[Point(0, 0)], crs=4326
    )
    with pytest.raises(LayerError, match="Did you mean 'square'"):
        spatial.footprints(odd)


def test_messages_say_what_is_wrong():
    site, none = series([Point(0, 0)]), series([])
    with pytest.raises(LayerError, match="no features"):
        spatial.nearest(site, none)
    with pytest.raises(CRSError, match="no coordinate reference system"):
        spatial.nearest(gpd.GeoSeries([Point(0, 0)]), site)
    with pytest.raises(LayerError, match="(?i:polygons are allowed)"):
        spatial.containing(site, site)
    with pytest.raises(LayerError, match="k must be 1 or more"):
        spatial.nearest(site, site, k=0)
    with pytest.raises(LayerError, match="0 or more"):
        spatial.pairs_within(site, site, -1)
    with pytest.raises(LayerError, match="none or an empty one"):
        spatial.nearest(series([Point(0, 0), None]), site)
    with pytest.raises(LayerError, match="DataFrame"):
        spatial.points_of(pd.DataFrame({"a": [1]}))


def test_empty_sides_give_empty_answers():
    site, none = series([Point(0, 0)]), series([])
    assert len(spatial.pairs_within(site, none, 10)) == 0
    assert len(spatial.pairs_within(none, site, 10)) == 0
    assert len(spatial.self_pairs_within(none, 10)) == 0
    assert spatial.nearest(none, site).position.shape == (0, 1)
    assert spatial.is_within_km(site, none, 10).tolist() == [False]
    assert spatial.containing(site, none).tolist() == [-1]
