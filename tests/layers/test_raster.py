"""Rasters: sampled in windows, nodata is unknown, zones by exactextract."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from shapely import Point, box

from siteselect.errors import CRSError, LayerError
from siteselect.layers import raster as room
from siteselect.layers.info import LayerInfo
from siteselect.layers.raster import Raster, sample, sample_bands, zonal


def write(path, values, *, crs="EPSG:4326", origin=(-100.0, 40.0), cell=0.25, **more):
    """Write an array (bands, rows, columns), north up."""
    values = np.asarray(values)
    profile = {
        "driver": "GTiff",
        "count": values.shape[0],
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
        "crs": crs,
        "transform": Affine(cell, 0, origin[0], 0, -cell, origin[1]),
        **more,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(values)
    return path


def points(lon, lat, crs=4326):
    return gpd.GeoSeries(shapely.points(lon, lat), crs=crs)


@pytest.fixture
def small(tmp_path):
    rng = np.random.default_rng(2)
    values = rng.uniform(0, 10, (3, 40, 60)).astype("float32")
    values[:, 5:8, 5:8] = -9999
    return Raster(write(tmp_path / "small.tif", values, nodata=-9999.0)), values


def test_sampling_equals_indexing(small):
    raster, values = small
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-101, -84, 500), rng.uniform(29, 41, 500)
    row, column = np.floor((40 - lat) * 4), np.floor((lon + 100) * 4)
    inside = (row >= 0) & (row < 40) & (column >= 0) & (column < 60)
    true = np.full((500, 3), np.nan)
    true[inside] = values[:, row[inside].astype(int), column[inside].astype(int)].T
    true[true == -9999] = np.nan
    found = sample_bands(raster, points(lon, lat))
    assert np.array_equal(found.values, true, equal_nan=True)
    assert not found.is_fallback.any()
    one = sample(raster, points(lon, lat), band=2)
    assert np.array_equal(one.values, true[:, 1], equal_nan=True)
    projected = sample(raster, points(lon, lat).to_crs(5070), band=2)
    assert np.array_equal(projected.values, true[:, 1], equal_nan=True)


def test_block_by_block_equals_at_once(small, monkeypatch):
    raster, _ = small
    rng = np.random.default_rng(4)
    spots = points(rng.uniform(-100, -85, 300), rng.uniform(30, 40, 300))
    whole = sample_bands(raster, spots, reach_km=60)
    monkeypatch.setattr(room, "_CELLS", 500)
    parts = sample_bands(raster, spots, reach_km=60)
    assert np.array_equal(whole.values, parts.values, equal_nan=True)
    assert np.array_equal(whole.is_fallback, parts.is_fallback)


def test_reach_takes_the_nearest_known_cell_and_says_so(small):
    raster, values = small
    spot = points([-100 + 6.5 * 0.25], [40 - 5.5 * 0.25])
    assert np.isnan(sample(raster, spot).values[0])
    assert np.isnan(sample(raster, spot, reach_km=20).values[0])
    found = sample(raster, spot, reach_km=30)
    # The cell to the north is 27.8 km away, east and west are two cells away.
    assert found.values[0] == pytest.approx(values[0, 4, 6])
    assert found.is_fallback.tolist() == [True]
    # Just outside the raster counts as unknown, and reaches in as well.
    edge = sample(raster, points([-100.1], [39.9]), reach_km=30)
    assert edge.values[0] == pytest.approx(values[0, 0, 0])
    assert edge.is_fallback[0]


def test_far_edges_belong_to_the_last_cell(small):
    raster, values = small
    found = sample(raster, points([-100.0, -85.0], [40.0, 30.0]))
    assert found.values[0] == pytest.approx(values[0, 0, 0])
    assert found.values[1] == pytest.approx(values[0, -1, -1])


def test_scale_and_offset_are_applied(tmp_path):
    path = write(tmp_path / "scaled.tif", np.full((1, 4, 4), 20, "int16"))
    with rasterio.open(path, "r+") as out:
        out.scales, out.offsets = (0.1,), (5.0,)
    raster = Raster(path)
    assert sample(raster, points([-99.9], [39.9])).values[0] == pytest.approx(7.0)
    cell = gpd.GeoSeries([box(-99.9, 39.2, -99.2, 39.9)], crs=4326)
    assert zonal(raster, cell)[0] == pytest.approx(7.0)


def test_infinite_cells_are_unknown(tmp_path):
    values = np.array([[[np.inf, 1], [2, np.nan]]], "float32")
    raster = Raster(write(tmp_path / "inf.tif", values))
    found = sample(raster, points([-99.9, -99.6, -99.6], [39.9, 39.9, 39.6])).values
    assert np.array_equal(found, [np.nan, 1, np.nan], equal_nan=True)


def test_a_large_raster_is_never_read_whole(tmp_path, monkeypatch):
    path = tmp_path / "large.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=60_000, width=60_000,
        dtype="float32", crs="EPSG:5070", transform=Affine(50, 0, -1.5e6, 0, -50, 3e6),
        tiled=True, blockxsize=256, blockysize=256, sparse_ok=True, nodata=-1,
        compress="deflate",
    ):  # fmt: skip
        pass
    read = []
    original = room.cells.read_window

    def counted(source, bands, window):
        read.append(window.height * window.width)
        return original(source, bands, window)

    monkeypatch.setattr(room.cells, "read_window", counted)
    rng = np.random.default_rng(6)
    x, y = rng.uniform(-1.4e6, 1.4e6, 40), rng.uniform(0.1e6, 2.9e6, 40)
    found = sample(Raster(path), points(x, y, 5070), reach_km=2)
    assert np.isnan(found.values).all()
    assert max(read) <= 8_000_000
    assert sum(read) < 0.01 * 60_000**2


def test_zones_match_weights_by_hand(tmp_path):
    values = np.arange(16, dtype="float64").reshape(1, 4, 4)
    flat = Raster(
        write(tmp_path / "flat.tif", values, crs="EPSG:5070", origin=(0, 4e3), cell=1e3)
    )
    zones = gpd.GeoDataFrame(
        geometry=[box(0, 0, 4e3, 4e3), box(500, 3e3, 1500, 4e3), box(9e3, 0, 1e4, 1e3)],
        crs=5070,
        index=["a", "b", "c"],
    )
    mean = zonal(flat, zones)
    assert mean[:2] == pytest.approx([7.5, 0.5], abs=1e-6)
    assert np.isnan(mean[2])
    assert zonal(flat, zones, "sum")[:2] == pytest.approx([120, 0.5], abs=1e-5)
    assert zonal(flat, zones, "max")[:2].tolist() == [15, 1]
    assert zonal(flat, zones, "count") == pytest.approx([16, 1, 0], abs=1e-5)
    # Order and count of rows follow the frame, whatever its index.
    assert zonal(flat, zones.iloc[::-1])[1:] == pytest.approx([0.5, 7.5], abs=1e-6)


def test_means_over_degrees_weigh_by_ground(tmp_path):
    # Two cells of 20 degrees: the southern one is larger on the ground.
    values = np.array([[[0.0], [1.0]]])
    raster = Raster(write(tmp_path / "wide.tif", values, origin=(0, 80), cell=20.0))
    zone = gpd.GeoSeries([box(0, 40, 20, 80)], crs=4326)
    south, middle, north = np.sin(np.radians([40, 60, 80]))
    expected = (middle - south) / (north - south)
    assert zonal(raster, zone)[0] == pytest.approx(expected, rel=1e-3)


def test_nodata_is_left_out_of_zones(small):
    raster, _ = small
    hole = gpd.GeoSeries([box(-100 + 1.25, 40 - 2, -100 + 2, 40 - 1.25)], crs=4326)
    assert np.isnan(zonal(raster, hole)[0])
    assert zonal(raster, hole, "count")[0] == 0


def test_bands_by_number_and_name(tmp_path):
    path = write(tmp_path / "named.tif", np.ones((2, 2, 2), "float32"))
    with rasterio.open(path, "r+") as out:
        out.descriptions = ("jan", "feb")
    raster = Raster(path, info=LayerInfo("months"))
    assert raster.bands == (1, 2)
    assert raster.band_names == ("jan", "feb")
    assert raster.band("feb").bands == (2,)
    with pytest.raises(LayerError, match="Did you mean 'feb'"):
        raster.band("fab")
    with pytest.raises(LayerError, match="Band 3"):
        raster.band(3)


def test_reading_an_area_reads_its_window(small):
    raster, values = small
    area = gpd.GeoSeries([box(-99.5, 38.5, -99, 39)], crs=4326)
    found, transform, _ = raster.read(area)
    assert found.shape == (3, 2, 2)
    assert (transform.c, transform.f) == (-99.5, 39.0)
    assert found[0] == pytest.approx(values[0, 4:6, 2:4])
    with pytest.raises(LayerError, match="do not overlap"):
        raster.read(gpd.GeoSeries([box(5, 5, 6, 6)], crs=4326))


def test_messages_say_what_is_wrong(tmp_path, small):
    raster, _ = small
    with pytest.raises(LayerError, match=r"Did you mean 'small\.tif'"):
        Raster(tmp_path / "small.tiff")
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\x00nothing here")
    with pytest.raises(LayerError, match="cannot be read"):
        Raster(broken)
    with pytest.raises(CRSError, match="no coordinate reference system"):
        Raster(write(tmp_path / "nowhere.tif", np.ones((1, 2, 2), "u1"), crs=None))
    zone = gpd.GeoSeries([box(-99, 38, -98, 39)], crs=4326)
    with pytest.raises(LayerError, match="Did you mean 'mean'"):
        zonal(raster, zone, "meen")
    with pytest.raises(LayerError, match="(?i:polygons are allowed)"):
        zonal(raster, points([-99], [38]))
    with pytest.raises(CRSError):
        zonal(raster, gpd.GeoSeries([box(0, 0, 1, 1)]))


def test_points_without_a_place_are_unknown(tmp_path):
    path = write(
        tmp_path / "albers.tif", np.ones((1, 4, 4)), crs="EPSG:5070", cell=1e5,
        origin=(-2e5, 2e6),
    )  # fmt: skip
    found = sample(Raster(path), gpd.GeoSeries([Point(84, -89.9)], crs=4326))
    assert np.isnan(found.values[0])


def test_what_no_memory_holds_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "vast.tif"
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": 2_000_000,
        "width": 2_000_000,
        "dtype": "float32",
        "crs": "EPSG:5070",
        "tiled": True,
        "sparse_ok": True,
        "bigtiff": "yes",
        "blockxsize": 16384,
        "blockysize": 16384,
        "transform": Affine(1, 0, 0, 0, -1, 2_000_000),
    }
    with rasterio.open(path, "w", **profile):
        pass
    with pytest.raises(LayerError, match="vast.*GB"):
        Raster(path).read()
    values, _, _ = Raster(path).read(
        gpd.GeoSeries([box(500_000, 500_000, 500_015, 500_015)], crs=5070)
    )
    assert values.shape[1] < 20
