"""Several raster tiles read as one layer, whatever the order of the list."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.test_any_raster import at, grid, write
from shapely import Point, box

import siteselect as ss
from siteselect.errors import CRSError, LayerError
from siteselect.layers import Raster, layer_info, read_layer
from siteselect.layers.raster import sample, zonal

UTM = 32614
TRANSFORM = grid((5e5, 4e6), 100.0)


def cut(folder, values, corners, side, nodata=-9, dtypes=("int16",), **more):
    """Write pieces of a table of figures; NaN becomes each tile's own nodata."""
    paths = []
    for i, (r, c) in enumerate(corners):
        part = values[r : r + side, c : c + side]
        dtype = np.dtype(dtypes[i % len(dtypes)])
        stored = np.where(np.isnan(part), nodata - i, part).astype(dtype)[None]
        x, y = at(TRANSFORM, c, r)
        paths.append(
            write(
                folder / f"tile {i}.tif", stored, grid((x, y), 100.0), UTM,
                nodata=nodata - i, **more,
            )
        )  # fmt: skip
    return paths


@settings(max_examples=15)
@given(st.data())
def test_tiles_answer_as_the_whole_raster_does(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("tiles")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    values = rng.integers(0, 900, (24, 30)).astype(float)
    values[rng.random(values.shape) < 0.1] = np.nan
    side = 10
    # Tiles overlap by two cells, with the same figures, and may leave gaps.
    corners = [(r, c) for r in range(0, 24, 8) for c in range(0, 30, 8)]
    kept = [corners[i] for i in sorted(rng.permutation(len(corners))[:9])]
    paths = cut(folder, values, kept, side, dtypes=("int16", "float32", "int32"))
    covered = np.zeros(values.shape, dtype=bool)
    for r, c in kept:
        covered[r : r + side, c : c + side] = True
    stored = np.where(covered, values, np.nan)
    whole = Raster(
        write(folder / "whole.tif", stored[None], TRANSFORM, UTM, nodata=np.nan)
    )
    order = data.draw(st.permutations(paths))
    tiles = read_layer(order, name="dem")
    again = read_layer([str(path) for path in sorted(paths)], name="dem")
    assert tiles.path == again.path
    column, row = rng.uniform(-1, 31, 60), rng.uniform(-1, 25, 60)
    points = gpd.GeoSeries(shapely.points(*at(TRANSFORM, column, row)), crs=UTM)
    x, y = at(TRANSFORM, rng.uniform(0, 28, 12), rng.uniform(2, 24, 12))
    zones = gpd.GeoSeries(shapely.box(x, y, x + 430, y + 270), crs=UTM)
    for method in ("nearest", "bilinear"):
        truth = sample(whole, points, method=method).values
        for found in (tiles, again):
            np.testing.assert_array_equal(
                sample(found, points, method=method).values, truth
            )
    for stat in ("sum", "mean", "max"):
        for least in (None, 0):
            truth = zonal(whole, zones, stat, min_known=least)
            assert np.isfinite(truth).any() or least is None
            for found in (tiles, again):
                answer = zonal(found, zones, stat, min_known=least)
                np.testing.assert_allclose(answer, truth, rtol=1e-12)


def test_where_tiles_overlap_the_last_name_that_knows_counts(tmp_path):
    old, new = np.full((1, 4, 4), 1.0), np.full((1, 4, 4), 2.0)
    new[0, 0, 0] = np.nan
    paths = [
        write(tmp_path / "2021.tif", new, TRANSFORM, UTM),
        write(tmp_path / "2020.tif", old, TRANSFORM, UTM, nodata=-1.0),
    ]
    points = gpd.GeoSeries(
        shapely.points(*at(TRANSFORM, np.array([0.5, 1.5]), np.array([0.5, 0.5]))),
        crs=UTM,
    )
    for order in (paths, paths[::-1], [*paths, *paths]):
        # Without a nodata of its own NaN is unknown all the same.
        assert sample(read_layer(order), points).values.tolist() == [1.0, 2.0]


def test_tiles_are_told_and_scored_as_one_layer(tmp_path):
    values = np.arange(400.0).reshape(20, 20)
    paths = cut(tmp_path, values, [(0, 0), (0, 10), (10, 0), (10, 10)], 10)
    area = gpd.GeoSeries([box(*at(TRANSFORM, 2, 18), *at(TRANSFORM, 18, 2))], crs=UTM)
    raster = read_layer(paths[::-1], crs=UTM, evidence="measured", area=area)
    assert layer_info(raster).name == "tile 0"
    assert "tile 3.tif" in layer_info(raster).source
    assert raster.info.evidence == "measured"
    sites = gpd.GeoDataFrame(geometry=[Point(*at(TRANSFORM, 9.5, 10.5))], crs=UTM)
    assert ss.Sample(raster)(sites).tolist() == [209.0]
    far = gpd.GeoSeries([box(5, 45, 6, 46)], crs=4326)
    with pytest.raises(LayerError, match="do not overlap"):
        read_layer(paths, area=far)
    with pytest.raises(CRSError, match="never converts"):
        read_layer(paths, crs=4326)


@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"crs": 32615}, "CRS differs .WGS 84 / UTM zone 15N"),
        ({"cell": 90.0}, "differ in size or direction .90 x -90, not 100 x -100"),
        ({"shift": 50.0}, "not on one grid .shifted by -?0.5"),
        ({"bands": 2}, "has 2 bands, not 1"),
    ],
)
def test_the_odd_tile_is_named_wherever_it_stands(tmp_path, place, odd, words):
    paths = []
    for i in range(3):
        own = odd if i == place else {}
        values = np.ones((own.get("bands", 1), 5, 5), dtype="int16")
        x, y = at(TRANSFORM, 5 * i, 0)
        corner = (x + own.get("shift", 0.0), y)
        transform = grid(corner, own.get("cell", 100.0))
        path = tmp_path / f"t{i}.tif"
        paths.append(write(path, values, transform, own.get("crs", UTM)))
    for order in (paths, paths[::-1]):
        with pytest.raises(LayerError, match=rf"(?i)'t{place}\.tif' does not.*{words}"):
            read_layer(order)


def test_lists_of_other_things_are_refused(tmp_path):
    frame = gpd.GeoDataFrame(geometry=[Point(-97, 32)], crs=4326)
    frame.to_file(tmp_path / "a.gpkg")
    tile = write(tmp_path / "a.tif", np.ones((1, 2, 2)), TRANSFORM, UTM)
    with pytest.raises(LayerError, match=r"'a\.gpkg' is no raster.*pd\.concat"):
        read_layer([tile, tmp_path / "a.gpkg"])
    with pytest.raises(LayerError, match="(?i)the list holds .*GeoDataFrame"):
        read_layer([frame, frame])
    with pytest.raises(LayerError, match="list of paths is empty"):
        read_layer([])
    with pytest.raises(LayerError, match=r"'.*no\.tif'.*no such file"):
        read_layer([tile, tmp_path / "no.tif"])
    with rasterio.open(
        tmp_path / "b.tif", "w", driver="GTiff", count=1, height=2, width=2,
        dtype="uint8", transform=TRANSFORM,
    ) as out:  # fmt: skip
        out.write(np.ones((1, 2, 2), dtype="uint8"))
    with pytest.raises(CRSError, match=r"Raster b\.tif .*no coordinate reference"):
        read_layer([tile, tmp_path / "b.tif"])


def test_no_tile_is_read_that_is_not_asked_for(tmp_path):
    values = np.random.default_rng(2).integers(0, 99, (40, 40)).astype(float)
    paths = cut(
        tmp_path, values, [(0, 0), (0, 20), (20, 0), (20, 20)], 20, compress="deflate"
    )
    raster = read_layer(paths)
    whole = paths[3].read_bytes()
    # The cells of the last tile are cut off: whoever reads them fails.
    paths[3].write_bytes(whole[: len(whole) // 2])
    try:
        inside = gpd.GeoSeries([Point(*at(TRANSFORM, 3.5, 4.5))], crs=UTM)
        assert sample(raster, inside).values[0] == values[4, 3]
    finally:
        paths[3].write_bytes(whole)
