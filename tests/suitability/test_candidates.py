"""Candidate grids: density, inside, deterministic; anchors at substations."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from siteselect.errors import CRSError, LayerError, StudyError
from siteselect.layers import spatial
from siteselect.suitability import grid_candidates, substation_candidates

GEOD = pyproj.Geod(ellps="WGS84")


@given(
    lon=st.floats(-179, 165),
    lat=st.floats(-70, 60),
    width=st.floats(3, 12),
    height=st.floats(3, 9),
    shape=st.sampled_from(["square", "hex"]),
)
@settings(max_examples=25)
def test_density_is_area_over_spacing_squared(lon, lat, width, height, shape):
    area = shapely.box(lon, lat, lon + width, lat + height)
    ring = shapely.segmentize(area, 0.05)
    km2 = abs(GEOD.geometry_area_perimeter(ring)[0]) / 1e6
    spacing = np.sqrt(km2) / 120
    sites = grid_candidates(area, spacing_km=spacing, shape=shape)
    assert len(sites) == pytest.approx(km2 / spacing**2, rel=0.02)
    assert shapely.covers(area, sites.geometry.to_numpy()).all()


@pytest.mark.parametrize("shape", ["square", "hex"])
def test_cells_tile_the_area(shape):
    area = shapely.box(-100, 30, -97, 33)
    sites = grid_candidates(area, spacing_km=25, shape=shape)
    cells = spatial.footprints(sites).to_crs(6933)
    np.testing.assert_allclose(cells.area / 1e6, 625, rtol=0.002)
    overlap = cells.area.sum() - cells.union_all().area
    assert overlap < 0.02 * cells.area.sum()


@pytest.mark.parametrize(("shape", "km"), [("square", 10), ("hex", 10.746)])
def test_neighbors_are_as_far_as_the_column_says(shape, km):
    sites = grid_candidates(shapely.box(-100, 30, -98, 32), spacing_km=10, shape=shape)
    near = spatial.nearest(sites, sites, k=2).distance_km[:, 1]
    np.testing.assert_allclose(near, km, rtol=2e-3)
    np.testing.assert_allclose(sites["cell_km"], km, rtol=1e-4)
    assert (sites["cell_shape"] == shape).all()


def test_same_area_same_grid_with_labels_from_north_to_south():
    area = gpd.GeoSeries([shapely.box(-100, 30, -99, 31)], crs=4326)
    one, two = (grid_candidates(area, spacing_km=20) for _ in range(2))
    assert one.equals(two)
    assert one.index.name == "site"
    assert one.index[:2].tolist() == ["s0000", "s0001"]
    assert one.geometry.y.iloc[0] > one.geometry.y.iloc[-1]
    assert one.geometry.x.iloc[0] < one.geometry.x.iloc[1]
    assert one.crs == "EPSG:4326"


def test_many_blocks_give_the_grid_of_one(monkeypatch):
    area = shapely.box(-100, 30, -99, 31)
    whole = grid_candidates(area, spacing_km=5, shape="hex")
    monkeypatch.setattr("siteselect.suitability.candidates._BLOCK", 10)
    assert whole.equals(grid_candidates(area, spacing_km=5, shape="hex"))


def test_labels_widen_with_the_number_of_cells():
    sites = grid_candidates(shapely.box(-100, 30, -99, 31), spacing_km=0.9)
    assert len(sites) > 10_000
    assert sites.index.str.len().unique().tolist() == [6]
    assert sites.index.is_monotonic_increasing


def test_projected_areas_holes_and_the_antimeridian():
    ring = shapely.box(0, 0, 9e4, 9e4).difference(shapely.box(3e4, 3e4, 6e4, 6e4))
    area = gpd.GeoSeries([ring], crs="EPSG:32614")
    sites = grid_candidates(area, spacing_km=3).to_crs("EPSG:32614")
    assert shapely.covers(ring, sites.geometry.to_numpy()).all()
    assert len(sites) == pytest.approx(800, rel=0.05)
    fiji = gpd.GeoSeries(
        [shapely.box(177, -19, 180, -16), shapely.box(-180, -19, -178, -16)], crs=4326
    )
    sites = grid_candidates(fiji, spacing_km=20)
    elsewhere = grid_candidates(shapely.box(77, -19, 82, -16), spacing_km=20)
    assert len(sites) == len(elsewhere)
    assert sites.geometry.x.abs().between(177, 180).all()


@pytest.mark.parametrize(
    ("area", "kwargs", "error", "match"),
    [
        (shapely.box(0, 0, 1, 1), {"spacing_km": 0}, StudyError, "spacing"),
        (shapely.box(0, 0, 1, 1), {"spacing_km": float("nan")}, StudyError, "spacing"),
        (shapely.box(0, 0, 1, 1), {"spacing_km": 9e4}, LayerError, "center"),
        (
            shapely.box(0, 0, 1, 1),
            {"spacing_km": 5, "shape": "round"},
            StudyError,
            "shape",
        ),
        (shapely.Point(0, 0), {"spacing_km": 5}, LayerError, "Point"),
        (shapely.Polygon(), {"spacing_km": 5}, LayerError, "no geometry"),
        (shapely.box(4e5, 4e6, 5e5, 5e6), {"spacing_km": 5}, CRSError, "longitude"),
        (
            gpd.GeoSeries([shapely.box(0, 0, 1, 1)]),
            {"spacing_km": 5},
            CRSError,
            "no CRS",
        ),
        ("Texas", {"spacing_km": 5}, LayerError, "str"),
    ],
)
def test_areas_that_make_no_grid_are_refused(area, kwargs, error, match):
    with pytest.raises(error, match=match):
        grid_candidates(area, **kwargs)


def test_substations_of_at_least_a_voltage_whatever_the_order():
    rng = np.random.default_rng(0)
    layer = gpd.GeoDataFrame(
        {
            "substation": [f"model bus {i}" for i in range(50)],
            "voltage_kv": rng.choice([69.0, 230.0, 345.0, np.nan], 50),
        },
        geometry=gpd.points_from_xy(
            rng.uniform(-100, -98, 50), rng.uniform(30, 32, 50)
        ),
        crs=4326,
    )
    sites = substation_candidates(layer)
    assert (sites["voltage_kv"] >= 230).all()
    assert len(sites) == (layer["voltage_kv"] >= 230).sum()
    assert sites.index.name == "site"
    shuffled = substation_candidates(layer.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(
        sites.drop(columns="geometry"), shuffled.drop(columns="geometry")
    )
    half = substation_candidates(layer, area=shapely.box(-100, 30, -99, 32))
    assert (half.geometry.x < -99).all()
    assert 0 < len(half) < len(sites)
    with pytest.raises(LayerError, match="(?i:none of 50)"):
        substation_candidates(layer, min_voltage_kv=765)
    with pytest.raises(LayerError, match="voltage_kv"):
        substation_candidates(layer.rename(columns={"voltage_kv": "voltage_kV"}))
