"""Candidates along lines, and parcels of a size."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, box
from suitability.world import GEOD, WRITINGS, frame, moved_west, written

import siteselect as ss
from siteselect.errors import CRSError, DataQualityWarning, LayerError, StudyError
from siteselect.layers import spatial

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, database=None)
degrees = st.integers(0, 40).map(lambda k: k / 20)


@st.composite
def lines(draw):
    """Draw lines of a few corners, some in two parts."""
    out = []
    for _ in range(draw(st.integers(1, 3))):
        parts = [
            draw(
                st.lists(
                    st.tuples(degrees, degrees), min_size=2, max_size=4, unique=True
                )
            )
            for _ in range(draw(st.integers(1, 2)))
        ]
        at = draw(st.sampled_from([(-98.0, 31.0), (10.0, 65.0), (30.0, -20.0)]))
        moved = [[(x + at[0], y + at[1]) for x, y in part] for part in parts]
        out.append(MultiLineString(moved) if len(moved) > 1 else LineString(moved[0]))
    return frame(out, name=[f"l{i}" for i in range(len(out))])


def plain_along(part, km):
    """Walk along a line in steps of a hundred metres or less."""
    fine = shapely.segmentize(part, 0.0005)
    xy = shapely.get_coordinates(fine)
    d = np.concatenate([[0], np.cumsum(GEOD.inv(*xy[:-1].T, *xy[1:].T)[2])]) / 1000
    n = int(d[-1] / km)
    start = (d[-1] - n * km) / 2
    at = start + np.arange(n + 1) * km
    return np.column_stack([np.interp(at, d, xy[:, 0]), np.interp(at, d, xy[:, 1])])


def same_places(found, wanted, metres):
    """Assert that two lists of points are the same, in any order."""
    assert len(found) == len(wanted)
    _, near = shapely.STRtree(shapely.points(wanted)).query_nearest(
        shapely.points(found), all_matches=False
    )
    assert np.max(GEOD.inv(*found.T, *wanted[near].T)[2], initial=0) < metres


@EXAMPLES
@given(lines(), st.sampled_from([7.0, 23.0, 400.0]))
def test_places_are_where_a_walk_finds_them(layer, km):
    found = ss.line_candidates(layer, every_km=km)
    # Neither the order of the layer nor the direction of a line matters.
    turned = layer.set_geometry(layer.geometry.reverse()).iloc[::-1]
    other = ss.line_candidates(turned, every_km=km)
    for name, line in zip(layer["name"], layer.geometry, strict=True):
        wanted = np.vstack([plain_along(p, km) for p in shapely.get_parts(line)])
        for sites in (found, other):
            own = sites[sites["name"] == name]
            same_places(own.get_coordinates().to_numpy(), wanted, metres=2.0)
    assert found.index[0] == "s0000"
    assert len(other) == len(found)


def test_neighbors_are_as_far_as_asked_and_a_short_line_has_its_middle():
    road = frame(
        [LineString([(-99, 31), (-98, 31)]), LineString([(-99, 40), (-98.99, 40)])]
    )
    found = ss.line_candidates(road.to_crs(5070), every_km=10)
    short, long = found.iloc[:1], found.iloc[1:]
    assert short.geometry.x.iloc[0] == pytest.approx(-98.995, abs=1e-6)
    x = np.sort(long.geometry.x.to_numpy())
    y = long.geometry.y.to_numpy()
    apart = GEOD.inv(x[:-1], y[:-1], x[1:], y[1:])[2] / 1000
    np.testing.assert_allclose(apart, 10, rtol=1e-3)
    inside = ss.line_candidates(road, every_km=10, area=box(-98.5, 30, -97, 32))
    assert (inside.geometry.x > -98.5).all()
    assert 0 < len(inside) < len(found)
    assert len(ss.line_candidates(road.geometry, every_km=10)) == len(found)


def test_parcels_by_size_with_holes_and_parts():
    k = 1000
    parcels = frame(
        [
            box(0, 0, 4 * k, 4 * k) - box(k, k, 2 * k, 2 * k),
            MultiPolygon([box(10 * k, 0, 11 * k, k), box(20 * k, 0, 22 * k, k)]),
            Polygon([(30 * k, 0), (32 * k, 2 * k), (32 * k, 0), (30 * k, 2 * k)]),
            box(40 * k, 0, 41 * k, k),
        ],
        crs=5070,
        index=["hole", "parts", "bow", "small"],
        owner=list("abcd"),
    )
    found = ss.parcel_candidates(parcels)
    np.testing.assert_allclose(found["area_ha"], [1500, 300, 200, 100], rtol=1e-5)
    np.testing.assert_allclose(
        found["largest_part_ha"], [1500, 200, 100, 100], rtol=1e-5
    )
    assert found.index.tolist() == parcels.index.tolist()
    assert found.crs == parcels.crs
    assert found.geometry.is_valid.all()
    assert "area_ha" not in parcels
    assert not parcels.geometry["bow"].is_valid
    some = ss.parcel_candidates(parcels, min_ha=150, max_ha=400)
    assert some.index.tolist() == ["parts", "bow"]
    turned = ss.parcel_candidates(parcels.iloc[::-1], min_ha=150, max_ha=400)
    assert turned.index.tolist() == ["bow", "parts"]


@EXAMPLES
@given(st.floats(-170, 170), st.floats(-75, 75), st.floats(0.01, 0.5))
def test_area_of_a_parcel_is_that_on_the_ellipsoid(lon, lat, size):
    parcel = box(lon, lat, lon + size, lat + size)
    ring = shapely.segmentize(parcel, size / 50)
    wanted = abs(GEOD.geometry_area_perimeter(ring)[0]) / 1e4
    found = ss.parcel_candidates(frame([parcel]))["area_ha"].iloc[0]
    assert found == pytest.approx(wanted, rel=1e-5)


@EXAMPLES
@given(
    st.floats(178.5, 180.5),
    st.floats(-45, -12),
    st.floats(0.01, 1.5),
    st.sampled_from(WRITINGS),
)
def test_a_parcel_at_the_antimeridian_is_as_large_as_elsewhere(lon, lat, size, way):
    whole = box(lon, lat, lon + size, lat + size)
    holed = whole - box(*whole.centroid.coords[0], lon + size * 0.9, lat + size * 0.9)
    shapes = [whole, MultiPolygon([whole, box(176, lat, 176.1, lat + 0.1)]), holed]
    moved = gpd.GeoSeries(shapes, crs=4326).translate(-100)
    wanted = ss.parcel_candidates(frame(moved.segmentize(0.02)))
    parcels = gpd.GeoDataFrame(geometry=written(shapes, way))
    found = ss.parcel_candidates(parcels)
    for column in ("area_ha", "largest_part_ha"):
        np.testing.assert_allclose(found[column], wanted[column], rtol=2e-5)
    assert found.crs == parcels.crs
    assert found.geometry.geom_equals(parcels.geometry).all()
    least = float(wanted["area_ha"].max()) * 1.01
    with pytest.raises(LayerError, match="None of 3"):
        ss.parcel_candidates(parcels, min_ha=least)
    assert ss.MinArea(min_ha=3 * least)(parcels).all()


@EXAMPLES
@given(
    st.lists(
        st.tuples(st.floats(178, 182), st.floats(-45, -12)),
        min_size=2,
        max_size=4,
        unique=True,
    ),
    st.sampled_from([w for w in WRITINGS if w != "cut"]),
)
def test_lines_at_the_antimeridian_have_the_places_they_have_elsewhere(corners, way):
    line = LineString(corners)
    elsewhere = gpd.GeoSeries([line], crs=4326).translate(-100).segmentize(0.02)
    wanted = ss.line_candidates(elsewhere, every_km=23)
    layer = written([line], way)
    found = ss.line_candidates(layer, every_km=23)
    assert found.geometry.x.between(-180, 180).all()
    back = moved_west(found)
    same_places(back, wanted.get_coordinates().to_numpy(), metres=5.0)
    assert spatial.nearest(found, layer).distance_km.max() < 0.005


def test_a_long_edge_goes_the_shorter_way():
    short = frame([LineString([(179.5, 10), (-179.5, 10.2)])])
    beyond = frame([LineString([(179.5, 10), (180.5, 10.2)])])
    found = ss.line_candidates(short, every_km=10)
    wanted = ss.line_candidates(beyond, every_km=10)
    assert len(found) == 12
    same_places(
        found.get_coordinates().to_numpy(),
        wanted.get_coordinates().to_numpy(),
        metres=0.01,
    )
    # There and back, twice across; and all the way round, which is no short way.
    again = frame([LineString([(179.5, 10), (-179.5, 10), (179.5, 11)])])
    km = ss.Length(again, radius_km=400)(frame([Point(180, 10.3)])).iloc[0]
    assert len(ss.line_candidates(again, every_km=5)) == int(km / 5) + 1
    equator = frame([LineString([(-180, 0), (180, 0)])])
    assert len(ss.line_candidates(equator, every_km=1000)) == 41


@pytest.mark.parametrize("way", WRITINGS)
def test_an_area_across_the_antimeridian_keeps_both_sides(way):
    area = written([box(179, -18, 181, -16)], way)
    roads = frame(
        [
            LineString([(179.1, -17), (179.9, -17)]),
            LineString([(-179.9, -17), (-178, -17)]),
        ]
    )
    found = ss.line_candidates(roads, every_km=20, area=area)
    assert (found.geometry.x > 0).sum() == 5
    assert ((found.geometry.x < 0) & (found.geometry.x < -179)).sum() == 5
    assert len(found) == 10
    grid = frame(
        [Point(x, -17) for x in (179.5, -179.5, 181 - 360.1, 178.9, 180, -180, -178.9)],
        voltage_kv=[345.0] * 7,
        name=list("abcdefg"),
    )
    inside = ss.substation_candidates(grid, area=area)
    assert sorted(inside["name"]) == list("abcef")


def test_an_area_with_an_edge_that_could_go_either_way_is_refused():
    either = frame([Polygon([(179, -1), (-179, -1), (-179, 1), (179, 1)])])
    for make in (
        lambda: ss.grid_candidates(either, spacing_km=50),
        lambda: ss.parcel_candidates(either),
        lambda: ss.line_candidates(ROAD, every_km=10, area=either),
    ):
        with pytest.raises(LayerError, match="antimeridian"):
            make()


def test_parcels_without_area_are_left_out_and_said():
    flat = Polygon([(40, 0), (41, 0), (42, 0)])
    parcels = frame([box(0, 0, 1, 1), flat], index=["a", "flat"])
    with pytest.warns(DataQualityWarning, match="flat"):
        found = ss.parcel_candidates(parcels)
    assert found.index.tolist() == ["a"]
    with (
        pytest.warns(DataQualityWarning, match="no area"),
        pytest.raises(LayerError, match="ground"),
    ):
        ss.parcel_candidates(parcels.iloc[1:])


ROAD = frame([LineString([(0, 0), (1, 1)])])
PARCEL = frame([box(0, 0, 1, 1)])


@pytest.mark.parametrize(
    ("make", "error", "noun"),
    [
        (lambda: ss.line_candidates(ROAD, every_km=0), StudyError, "every_km=0"),
        (lambda: ss.line_candidates(ROAD, every_km=np.nan), StudyError, "nan"),
        (lambda: ss.line_candidates("road", every_km=1), LayerError, "str"),
        (lambda: ss.line_candidates(PARCEL, every_km=1), LayerError, "Polygon"),
        (lambda: ss.line_candidates(ROAD.iloc[:0], every_km=1), LayerError, "no line"),
        (
            lambda: ss.line_candidates(
                frame([LineString([(1, 1), (1, 1)])]), every_km=1
            ),
            LayerError,
            "without length",
        ),
        (
            lambda: ss.line_candidates(frame([LineString()]), every_km=1),
            LayerError,
            "empty",
        ),
        (
            lambda: ss.line_candidates(
                ROAD.set_crs(None, allow_override=True), every_km=1
            ),
            CRSError,
            "crs",
        ),
        (
            lambda: ss.line_candidates(ROAD, every_km=1, area=box(5, 5, 6, 6)),
            LayerError,
            "inside",
        ),
        (lambda: ss.parcel_candidates(PARCEL, min_ha=-1), StudyError, "min_ha"),
        (lambda: ss.parcel_candidates(PARCEL, max_ha=np.inf), StudyError, "inf"),
        (lambda: ss.parcel_candidates(PARCEL, min_ha=2, max_ha=1), StudyError, "above"),
        (lambda: ss.parcel_candidates(PARCEL, max_ha=1), LayerError, "none of 1"),
        (lambda: ss.parcel_candidates(PARCEL.iloc[:0]), LayerError, "none of 0"),
        (lambda: ss.parcel_candidates(ROAD), LayerError, "LineString"),
        (lambda: ss.parcel_candidates(frame([Polygon()])), LayerError, "empty"),
        (lambda: ss.parcel_candidates(frame([None])), LayerError, "geometry"),
        (
            lambda: ss.parcel_candidates(frame([box(0, 0, 1, 1)], area_ha=[1.0])),
            StudyError,
            "area_ha",
        ),
        (
            lambda: ss.parcel_candidates(frame([box(0, 0, 1, 1)] * 2, index=[1, 1])),
            LayerError,
            "more than once",
        ),
        (
            lambda: ss.parcel_candidates(PARCEL.set_crs(None, allow_override=True)),
            CRSError,
            "crs",
        ),
        (
            lambda: ss.parcel_candidates(gpd.GeoSeries([Point(0, 0)])),
            LayerError,
            "Series",
        ),
    ],
)
def test_what_makes_no_candidates_is_refused(make, error, noun):
    with pytest.raises(error) as caught:
        make()
    assert noun.lower() in str(caught.value).lower()
