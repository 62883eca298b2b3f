"""Grids of candidates, and candidates at substations."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box
from suitability.world import GEOD, WRITINGS, area_km2, frame, moved_west, written

import siteselect as ss
from siteselect.errors import CRSError, LayerError, StudyError
from siteselect.layers import LayerInfo, layer_info, spatial
from siteselect.layers.info import with_info

AREA = Polygon([(-104, 31), (-97, 30), (-95, 35), (-101, 36.5), (-103, 33.5)])


@settings(max_examples=12)
@given(
    st.sampled_from(["square", "hex"]),
    st.floats(11, 19),
    st.sampled_from([(0, 0), (25, -35), (-50, 28), (273.5, 20)]),
)
def test_density_is_one_cell_per_its_area(shape, spacing, moved):
    area = shapely.transform(AREA, lambda xy: xy + moved)
    sites = ss.grid_candidates(area, spacing_km=spacing, shape=shape)
    per_cell = area_km2(area) / len(sites)
    assert per_cell == pytest.approx(spacing**2, rel=0.02)
    cell_km = sites["cell_km"].iloc[0]
    own = cell_km**2 * (1 if shape == "square" else np.sqrt(3) / 2)
    assert own == pytest.approx(spacing**2, rel=1e-9)
    ground = spatial.footprints(sites.iloc[:5])
    assert [area_km2(g) for g in ground] == pytest.approx([own] * 5, rel=1e-3)


@pytest.mark.parametrize("shape", ["square", "hex"])
def test_centers_lie_inside_and_in_order(shape):
    with_hole = Polygon(AREA.exterior, [box(-101, 32, -99, 33).exterior.coords])
    area = gpd.GeoSeries([with_hole, box(-90, 31, -89, 32)], crs=4326)
    sites = ss.grid_candidates(area, spacing_km=15, shape=shape)
    assert all(area.union_all().contains(p) for p in sites.geometry)
    assert sites.crs.to_epsg() == 4326
    assert sites.index.name == "site"
    assert sites.index[0] == "s0000"
    assert sites.index.is_unique
    assert sites.index.is_monotonic_increasing
    assert (sites["cell_shape"] == shape).all()
    assert list(sites.columns) == ["cell_km", "cell_shape", "geometry"]
    # Neighbors stand one cell apart.
    near = spatial.nearest(sites, sites, k=2).distance_km[:, 1]
    assert np.median(near) == pytest.approx(sites["cell_km"].iloc[0], rel=0.01)
    again = ss.grid_candidates(area.iloc[::-1], spacing_km=15, shape=shape)
    pd.testing.assert_frame_equal(pd.DataFrame(sites), pd.DataFrame(again))


def test_order_is_north_to_south_and_west_to_east():
    sites = ss.grid_candidates(box(-1, -1, 1, 1), spacing_km=40)
    lat, lon = sites.geometry.y.to_numpy(), sites.geometry.x.to_numpy()
    row = np.round(lat, 1)
    assert (np.diff(row) <= 1e-9).all()
    assert (np.diff(lon)[np.diff(row) == 0] > 0).all()


def test_crs_of_the_area_does_not_matter_much():
    geographic = gpd.GeoSeries([box(-100, 31, -98, 33)], crs=4326)
    projected = geographic.segmentize(0.01).to_crs(5070)
    left = ss.grid_candidates(geographic, spacing_km=20)
    right = ss.grid_candidates(projected, spacing_km=20)
    assert len(left) == len(right)
    km = spatial.nearest(left, right).distance_km
    assert km.max() < 1e-3


def test_no_cell_bigger_than_its_block(monkeypatch):
    whole = ss.grid_candidates(AREA, spacing_km=20, shape="hex")
    monkeypatch.setattr("siteselect.suitability.candidates._BLOCK", 100)
    parts = ss.grid_candidates(AREA, spacing_km=20, shape="hex")
    pd.testing.assert_frame_equal(pd.DataFrame(whole), pd.DataFrame(parts))


def test_a_grid_across_the_antimeridian_has_no_gap():
    fiji = MultiPolygon([box(177, -19, 180, -16), box(-180, -19, -178, -16)])
    sites = ss.grid_candidates(fiji, spacing_km=10)
    assert (sites.geometry.x > 0).any()
    assert (sites.geometry.x < 0).any()
    assert area_km2(fiji.geoms[0]) + area_km2(fiji.geoms[1]) == pytest.approx(
        100 * len(sites), rel=0.02
    )


@pytest.mark.parametrize("shape", ["square", "hex"])
@pytest.mark.parametrize("way", WRITINGS)
def test_a_grid_across_the_antimeridian_is_that_elsewhere(shape, way):
    fiji = box(179, -18, 181, -16)
    sites = ss.grid_candidates(written([fiji], way), spacing_km=7, shape=shape)
    elsewhere = gpd.GeoSeries([fiji], crs=4326).translate(-100).segmentize(0.02)
    if way == "3832":
        # The middle of an area depends on how its outline is drawn: as there.
        elsewhere = elsewhere.to_crs("+proj=merc +lon_0=50 +datum=WGS84")
    wanted = ss.grid_candidates(elsewhere, spacing_km=7, shape=shape)
    assert len(sites) == len(wanted)
    back = moved_west(sites)
    np.testing.assert_allclose(back, wanted.get_coordinates().to_numpy(), atol=1e-9)


def test_a_map_of_the_world_may_be_drawn_beyond_its_edge():
    turn = 2 * np.pi * 6378137
    home = gpd.GeoSeries([box(-179.5, -18, -178, -16)], crs=4326).to_crs(3857)
    wanted = ss.grid_candidates(home, spacing_km=10)
    beyond = ss.grid_candidates(home.translate(turn), spacing_km=10)
    assert len(beyond) == len(wanted)
    across = home.translate(-1.2e5)
    half = ss.grid_candidates(across, spacing_km=10)
    assert len(half) == pytest.approx(len(wanted), rel=0.1)
    assert (half.geometry.x > 179).any()
    assert (half.geometry.x < -179).any()


def test_the_whole_globe_can_be_gridded():
    sites = ss.grid_candidates(box(-180, -90, 180, 90), spacing_km=800)
    assert len(sites) == pytest.approx(510e6 / 800**2, rel=0.05)


@pytest.mark.parametrize(
    ("make", "error", "noun"),
    [
        (lambda: ss.grid_candidates(AREA, spacing_km=0), StudyError, "spacing_km=0"),
        (lambda: ss.grid_candidates(AREA, spacing_km=-3), StudyError, "above 0"),
        (lambda: ss.grid_candidates(AREA, spacing_km="9"), StudyError, "'9'"),
        (lambda: ss.grid_candidates(AREA, spacing_km=np.nan), StudyError, "nan"),
        (
            lambda: ss.grid_candidates(AREA, spacing_km=9, shape="hexagon"),
            StudyError,
            "'hexagon'",
        ),
        (lambda: ss.grid_candidates("Texas", spacing_km=9), LayerError, "str"),
        (lambda: ss.grid_candidates(Point(0, 0), spacing_km=9), LayerError, "Point"),
        (lambda: ss.grid_candidates(Polygon(), spacing_km=9), LayerError, "polygon"),
        (
            lambda: ss.grid_candidates(box(0, 0, 5000, 1), spacing_km=9),
            CRSError,
            "5000",
        ),
        (
            lambda: ss.grid_candidates(gpd.GeoSeries([AREA]), spacing_km=9),
            CRSError,
            "no CRS",
        ),
        (
            lambda: ss.grid_candidates(box(0.1, 0.1, 0.11, 0.11), spacing_km=99),
            LayerError,
            "smaller spacing_km",
        ),
    ],
)
def test_what_cannot_be_gridded_is_refused(make, error, noun):
    with pytest.raises(error, match=noun):
        make()


GRID = with_info(
    frame(
        [Point(-99, 31), Point(-98, 32), Point(-97, 33), Point(-99, 33)],
        substation=["a", "b", "c", "d"],
        voltage_kv=[345.0, 69.0, np.nan, 230.0],
        hosting_capacity_mw=[500.0, np.nan, np.nan, 80.0],
    ),
    LayerInfo("substations", evidence="synthetic"),
)


def test_substation_candidates():
    sites = ss.substation_candidates(GRID)
    assert sites["substation"].tolist() == ["d", "a"]
    assert sites.index.tolist() == ["s0000", "s0001"]
    assert sites.index.name == "site"
    assert sites.crs.to_epsg() == 4326
    assert sites["hosting_capacity_mw"].tolist() == [80, 500]
    # Candidates are no layer of substations.
    assert layer_info(sites).name == "layer"
    high = ss.substation_candidates(GRID, min_voltage_kv=300)
    assert high["substation"].tolist() == ["a"]
    area = gpd.GeoSeries([box(-100, 32, -96, 34)], crs=4326).to_crs(5070)
    assert ss.substation_candidates(GRID, area=area)["substation"].tolist() == ["d"]
    moved = GRID.iloc[[2, 0, 3, 1]].to_crs(5070).rename_geometry("at")
    again = ss.substation_candidates(moved)
    pd.testing.assert_frame_equal(
        pd.DataFrame(sites.drop(columns="geometry")),
        pd.DataFrame(again.drop(columns="geometry")),
    )
    assert spatial.nearest(sites, again).position[:, 0].tolist() == [0, 1]


def test_substations_at_one_place_keep_their_order():
    twins = frame([Point(0, 0)] * 3, substation=["c", "a", "b"], voltage_kv=[345.0] * 3)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        sites = ss.substation_candidates(twins.iloc[order])
        assert sites["substation"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("make", "error", "noun"),
    [
        (lambda: ss.substation_candidates(GRID, min_voltage_kv=765), LayerError, "345"),
        (
            lambda: ss.substation_candidates(GRID, area=box(0, 0, 1, 1)),
            LayerError,
            "inside the area",
        ),
        (
            lambda: ss.substation_candidates(GRID.drop(columns="voltage_kv")),
            LayerError,
            "'voltage_kv'",
        ),
        (
            lambda: ss.substation_candidates(GRID, min_voltage_kv="high"),
            StudyError,
            "'high'",
        ),
        (lambda: ss.substation_candidates(GRID.iloc[:0]), LayerError, "(?i:none of 0)"),
        (lambda: ss.substation_candidates("grid"), LayerError, "str"),
    ],
)
def test_substations_that_cannot_be_used_are_refused(make, error, noun):
    with pytest.raises(error, match=noun):
        make()


def test_geodesic_helper_knows_a_degree():
    assert GEOD.inv(0, 0, 1, 0)[2] == pytest.approx(111_319.5, abs=1)
