"""Rasters of any make: turned, mirrored, masked, tiled, around the globe, huge."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp, Resampling
from rasterio.windows import Window
from shapely import Point, box

from siteselect.errors import LayerError
from siteselect.layers import read_layer
from siteselect.layers.raster import Raster, sample, zonal
from siteselect.layers.terrain import terrain

GEOD = pyproj.Geod(ellps="WGS84")
# CRS, and a place in it: degrees, UTM north and south, Albers, feet, Mercator
# across the antimeridian.
WORLDS = [
    (4326, (-97.0, 32.0), 0.01),
    (32614, (600_000.0, 3_500_000.0), 900.0),
    (32756, (330_000.0, 6_250_000.0), 900.0),
    (5070, (-200_000.0, 1_500_000.0), 900.0),
    (2277, (3_100_000.0, 10_000_000.0), 3000.0),
    (3832, (3_340_000.0, -2_000_000.0), 900.0),
]
TURNS = ["north up", "south up", "mirrored", "turned"]


def write(path, values, transform, crs=4326, **more):
    """Write bands (bands, rows, columns)."""
    values = np.asarray(values)
    with rasterio.open(
        path, "w", driver="GTiff", count=values.shape[0], height=values.shape[1],
        width=values.shape[2], dtype=values.dtype, crs=f"EPSG:{crs}",
        transform=transform, **more,
    ) as out:  # fmt: skip
        out.write(values)
    return path


def grid(corner, cell, turn="north up", angle=30):
    """Return a transform whose cells lie around a corner."""
    x, y = corner
    if turn == "turned":
        return (
            Affine.translation(x, y)
            @ Affine.rotation(angle)
            @ Affine.scale(cell, -cell)
        )
    return Affine(
        -cell if turn == "mirrored" else cell, 0, x,
        0, cell if turn == "south up" else -cell, y,
    )  # fmt: skip


def at(transform, column, row):
    """Return map coordinates of a place in cells."""
    return (
        transform.a * column + transform.b * row + transform.c,
        transform.d * column + transform.e * row + transform.f,
    )


def to_wgs84(crs, x, y):
    """Return longitude and latitude."""
    return pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)


def series(geoms, crs):
    return gpd.GeoSeries(list(geoms), crs=crs)


# --------------------------------------------------------------- the plain way


def plain_sample(values, column, row, method):
    """Return the value at a place in cells, one by one."""
    tall, wide = values.shape
    if not (0 <= column < wide and 0 <= row < tall):
        return np.nan
    if method == "nearest":
        return values[int(row), int(column)]
    total = 0.0
    c0, r0 = int(np.floor(column - 0.5)), int(np.floor(row - 0.5))
    for r, share_r in ((r0, r0 + 1.5 - row), (r0 + 1, row - 0.5 - r0)):
        for c, share_c in ((c0, c0 + 1.5 - column), (c0 + 1, column - 0.5 - c0)):
            value = values[min(max(r, 0), tall - 1), min(max(c, 0), wide - 1)]
            if share_r * share_c > 0:
                total += share_r * share_c * value
    return total


def plain_zonal(values, transform, area, stat, weight, min_known=None, **option):
    """Return a statistic from the exact share of each cell, one by one."""
    tall, wide = values.shape
    found, known, whole = [], 0.0, area.area
    for r in range(tall):
        for c in range(wide):
            cell = shapely.Polygon(
                [
                    at(transform, c + i, r + j)
                    for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))
                ]
            )
            share = cell.intersection(area).area / cell.area
            if share > 1e-6 and not np.isnan(values[r, c]):
                found.append((values[r, c], share, share * weight(r, c)))
                known += share * cell.area
    least = min_known if min_known is not None else 1.0 if stat == "sum" else 0.5
    if not found or known < whole * least * (1 - 1e-6):
        return np.nan
    value, share, ground = (np.array(part) for part in zip(*found, strict=True))
    if stat == "mean":
        return (value * ground).sum() / ground.sum()
    if stat == "sum":
        return (value * share).sum()
    if stat in ("min", "max"):
        return getattr(value, stat)()
    if stat == "share":
        return ground[np.isin(value, option["classes"])].sum() / ground.sum()
    kinds = np.unique(value)
    total = np.array([ground[value == kind].sum() for kind in kinds])
    return kinds[total >= total.max() * (1 - 1e-6)].max()


#: What says beside nodata that a cell is unknown.
HIDING = ["nothing", "mask", "alpha"]


def written(path, stored, transform, crs, is_hidden, hiding):
    """Write a band with nodata -9 whose cells may be hidden in another way, too."""
    seen = np.where(is_hidden, 0, 255)
    bands = [*stored, seen] if hiding == "alpha" else stored
    write(path, np.array(bands, stored.dtype), transform, crs, nodata=-9)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "r+") as out,
    ):
        out.set_band_description(1, "" if hiding == "nothing" else "hidden")
        if hiding == "alpha":
            out.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        if hiding == "mask":
            out.write_mask(seen.astype("uint8"))


@settings(max_examples=40)
@given(st.data())
def test_any_grid_is_read_as_the_plain_way_does(tmp_path_factory, data):
    crs, corner, cell = data.draw(st.sampled_from(WORLDS))
    turn = data.draw(st.sampled_from(TURNS))
    if crs == 4326 and turn == "turned":
        turn = "south up"
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    stored = rng.integers(0, 6, (1, 6, 9)).astype("int16")
    stored[rng.random(stored.shape) < data.draw(st.sampled_from([0, 0.15, 0.5]))] = -9
    transform = grid(corner, cell, turn)
    path = tmp_path_factory.mktemp("any") / "r.tif"
    is_hidden = rng.random(stored[0].shape) < 0.1
    written(path, stored, transform, crs, is_hidden, data.draw(st.sampled_from(HIDING)))
    with rasterio.open(path, "r+") as out:
        out.scales, out.offsets = (0.5,) * out.count, (3.0,) * out.count
        is_hidden &= out.descriptions[0] == "hidden"
    is_unknown = (stored[0] == -9) | is_hidden
    values = np.where(is_unknown, np.nan, stored[0] * 0.5 + 3.0)
    raster = Raster(path).band(1)
    column, row = rng.uniform(-1, 10, 30), rng.uniform(-1, 7, 30)
    points = series(shapely.points(*at(transform, column, row)), crs)
    for method in ("nearest", "bilinear"):
        plain = [
            plain_sample(values, c, r, method) for c, r in zip(column, row, strict=True)
        ]
        np.testing.assert_allclose(
            sample(raster, points, method=method).values, plain, rtol=1e-6
        )
    areas = [
        shapely.Polygon([at(transform, c, r) for c, r in ring])
        for ring in (
            [(0.3, 0.4), (2.2, 0.1), (3.4, 2.8), (0.7, 2.2)],
            [(4.1, 1.2), (8.7, 0.6), (8.2, 5.1), (5.5, 5.9)],
            [(-2, -2), (1.5, -2), (1.5, 1.5), (-2, 1.5)],
            [(20, 20), (21, 20), (21, 21)],
        )
    ]
    stat = data.draw(
        st.sampled_from(["mean", "sum", "min", "max", "share", "majority"])
    )
    option = {"classes": [3.5, 5.0]} if stat == "share" else {}
    option["min_known"] = data.draw(st.sampled_from([None, 0, 0.2, 0.8, 1]))

    def weight(r, c):
        lat = at(transform, c + 0.5, r + 0.5)[1]
        half = cell / 2
        if crs != 4326:
            return 1.0
        return np.sin(np.radians(lat + half)) - np.sin(np.radians(lat - half))

    plain = [
        plain_zonal(values, transform, area, stat, weight, **option) for area in areas
    ]
    # exactextract holds shares of cells in single precision.
    np.testing.assert_allclose(
        zonal(raster, series(areas, crs), stat, **option), plain, rtol=2e-6
    )


def test_quantiles_of_whole_cells_are_those_of_their_values(tmp_path):
    values = np.random.default_rng(3).normal(size=(1, 8, 8))
    raster = Raster(write(tmp_path / "q.tif", values, grid((0, 8e3), 1e3), 5070))
    zone = series([box(1e3, 2e3, 6e3, 7e3)], 5070)
    inside = values[0, 1:6, 1:6]
    for q in (0.0, 0.1, 0.5, 0.9, 1.0):
        found = zonal(raster, zone, "quantile", quantile=q)[0]
        assert found == pytest.approx(np.quantile(inside, q), rel=1e-9), q
    assert zonal(raster, zone, "median")[0] == pytest.approx(np.median(inside))


# --------------------------------------------------------- masks, overviews, tiles


def test_masks_beside_nodata_are_honoured(tmp_path):
    values = np.full((1, 4, 4), 7, "uint8")
    path = write(tmp_path / "m.tif", values, grid((0, 4e3), 1e3), 5070)
    mask = np.full((4, 4), 255, "uint8")
    mask[0] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "r+") as out,
    ):
        out.write_mask(mask)
    raster = Raster(path)
    zones = series([box(0, 3e3, 4e3, 4e3), box(0, 0, 4e3, 4e3)], 5070)
    assert np.isnan(zonal(raster, zones)[0])
    assert zonal(raster, zones, "count")[1] == pytest.approx(12)
    points = series([Point(500, 3500), Point(500, 500)], 5070)
    np.testing.assert_array_equal(sample(raster, points).values, [np.nan, 7])


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [
        ("int16", -9999),
        ("float32", -3.4028234663852886e38),
        ("float32", float("nan")),
        ("float64", -1e300),
        ("uint8", 0),
        ("int32", -(2**31)),
    ],
)
def test_nodata_and_a_mask_are_both_honoured(tmp_path, dtype, nodata):
    values = np.full((1, 4, 4), 7, dtype)
    values[0, 0, 0] = nodata
    is_hidden = np.zeros((4, 4), bool)
    is_hidden[3, 3] = True
    paths = []
    for i in range(2):
        corner = grid((i * 4e3, 4e3), 1e3)
        path = write(tmp_path / f"{i} & {i}.tif", values, corner, 5070, nodata=nodata)
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "r+") as out,
        ):
            out.write_mask(np.where(is_hidden, 0, 255).astype("uint8"))
            # Nodata is what is stored, not what scale and offset make of it.
            out.scales, out.offsets = (2.0,), (-7.0,)
        paths.append(path)
    truth = np.full((4, 4), 7.0)
    truth[0, 0] = truth[3, 3] = np.nan
    np.testing.assert_array_equal(Raster(paths[0]).read()[0][0], truth)
    both = Raster(paths)
    np.testing.assert_array_equal(both.read()[0][0], np.hstack([truth, truth]))
    corners = series([Point(500, 3500), Point(7500, 500), Point(500, 500)], 5070)
    np.testing.assert_array_equal(sample(both, corners).values, [np.nan, np.nan, 7])
    assert zonal(both, series([box(0, 0, 8e3, 4e3)], 5070))[0] == 7


def test_nodata_that_no_cell_can_hold_leaves_the_mask_alone(tmp_path):
    values = np.full((1, 2, 2), 7, "uint8")
    paths = []
    for i in range(2):
        path = write(tmp_path / f"{i}.tif", values, grid((i * 2e3, 2e3), 1e3), 5070)
        # GDAL writes it where it is asked to, as other programs do.
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "r+") as out,
        ):
            out.write_mask(np.array([[255, 0], [255, 255]], "uint8"))
        text = (
            '<VRTDataset rasterXSize="2" rasterYSize="2"><SRS>EPSG:5070</SRS>'
            f"<GeoTransform>{i * 2e3},1000,0,2000,0,-1000</GeoTransform>"
            '<VRTRasterBand dataType="Byte" band="1"><NoDataValue>-9999</NoDataValue>'
            f'<SimpleSource><SourceFilename relativeToVRT="1">{i}.tif'
            "</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
            "</VRTRasterBand><MaskBand>"
            '<VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename '
            f'relativeToVRT="1">{i}.tif</SourceFilename><SourceBand>mask,1'
            "</SourceBand></SimpleSource></VRTRasterBand></MaskBand></VRTDataset>"
        )
        paths.append(tmp_path / f"{i}.vrt")
        paths[-1].write_text(text)
    truth = np.array([[7, np.nan], [7, 7]])
    np.testing.assert_array_equal(Raster(paths[0]).read()[0][0], truth)
    np.testing.assert_array_equal(Raster(paths).read()[0][0], np.hstack([truth, truth]))


def test_tiles_with_alpha_beside_nodata_are_refused(tmp_path):
    values = np.full((1, 4, 4), 7, "int16")
    hidden = np.zeros((4, 4), bool)
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for i, path in enumerate(paths):
        written(path, values, grid((i * 4e3, 4e3), 1e3), 5070, hidden, "alpha")
    with pytest.raises(LayerError, match="alpha"):
        Raster(paths)


def test_ground_that_is_mostly_unknown_is_unknown(tmp_path):
    values = np.full((1, 10, 10), -1, "int16")
    values[0, 0] = 2
    values[0, 1:5, :9] = 2
    path = write(tmp_path / "p.tif", values, grid((0, 1e4), 1e3), 5070, nodata=-1)
    raster = Raster(path)
    # Nine of twenty cells known, half of them, all, and half of it off the raster.
    zones = series(
        [
            box(8e3, 0, 9e3, 1e4).union(box(9e3, 0, 1e4, 1e4)),
            box(0, 0, 1e3, 1e4),
            box(0, 5e3, 9e3, 1e4),
            box(-1e3, 6e3, 1e3, 8e3),
            box(-1001, 6e3, 1e3, 8e3),
        ],
        5070,
    )
    for stat in ("mean", "min", "max", "median", "majority", "variety", "stdev"):
        known = ~np.isnan(zonal(raster, zones, stat))
        assert known.tolist() == [False, True, True, True, False], stat
    np.testing.assert_array_equal(
        zonal(raster, zones, "sum"), [np.nan, np.nan, 90, np.nan, np.nan]
    )
    np.testing.assert_allclose(
        zonal(raster, zones, "sum", min_known=0), [12, 10, 90, 4, 4]
    )
    np.testing.assert_array_equal(zonal(raster, zones, "count"), [6, 5, 45, 2, 2])
    for wrong in (-0.1, 1.1, np.nan, True, "all"):
        with pytest.raises(LayerError, match="min_known"):
            zonal(raster, zones, min_known=wrong)
    with pytest.raises(LayerError, match="min_known"):
        zonal(raster, zones, "count", min_known=0.5)


@settings(max_examples=40)
@given(st.data())
def test_a_class_is_the_figure_as_it_is_stored(tmp_path_factory, data):
    dtype = data.draw(st.sampled_from(["float32", "float64", "int16", "uint8"]))
    scale = data.draw(st.sampled_from([1.0, 0.1, 0.01, 1 / 3, -0.3]))
    offset = data.draw(st.sampled_from([0.0, 273.15, -2.7]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    which = rng.integers(0, 9, (1, 6, 6))
    folder = tmp_path_factory.mktemp("classes")
    paths = []
    is_float = dtype.startswith("float")
    # Floats hold the figure itself, whole numbers are scaled.
    stored = (which * scale + offset).astype(dtype) if is_float else which.astype(dtype)
    for i in range(data.draw(st.integers(1, 2))):
        path = write(folder / f"{i}.tif", stored, grid((i * 6e3, 6e3), 1e3), 5070)
        if not is_float:
            with rasterio.open(path, "r+") as out:
                out.scales, out.offsets = (scale,), (offset,)
        paths.append(path)
    asked = data.draw(st.lists(st.integers(0, 8), min_size=1, unique=True))
    # As somebody would write them.
    classes = [float(f"{k * scale + offset:.15g}") for k in asked]
    zone = series([box(0, 0, 6e3, 6e3)], 5070)
    share = zonal(Raster(paths), zone, "share", classes=classes)[0]
    assert share == pytest.approx(np.isin(which, asked).mean())


def test_a_class_that_no_cell_can_be_of_is_refused(tmp_path):
    values = np.arange(4).reshape(1, 2, 2)
    whole = write(tmp_path / "w.tif", values.astype("uint8"), grid((0, 2e3), 1e3), 5070)
    tenth = write(
        tmp_path / "t.tif", values.astype("int16"), grid((2e3, 2e3), 1e3), 5070
    )
    with rasterio.open(tenth, "r+") as out:
        out.scales = (0.1,)
    zone = series([box(0, 0, 2e3, 2e3)], 5070)
    for raster, wrong in (
        (Raster(whole), 1.5),
        (Raster(whole), 256),
        (Raster(whole), -1),
        (Raster(tenth), 0.34),
        (Raster([whole, tenth]), 0.34),
        (Raster(whole), "1"),
        (Raster(whole), np.nan),
    ):
        with pytest.raises(LayerError, match="classes"):
            zonal(raster, zone, "share", classes=[wrong])
    assert zonal(Raster([whole, tenth]), zone, "share", classes=[0.3, 1])[0] == 0.25


def test_overviews_are_never_looked_at(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1, 1024, 1024)).astype("float32")
    transform = grid((0, 1024e2), 100.0)
    plain = write(tmp_path / "plain.tif", values, transform, 5070, tiled=True)
    path = write(tmp_path / "over.tif", values, transform, 5070, tiled=True)
    with rasterio.open(path, "r+") as out:
        out.build_overviews([2, 4, 8], Resampling.average)
    x, y = rng.uniform(0, 1024e2, (2, 200))
    points = series(shapely.points(x, y), 5070)
    zones = series(shapely.buffer(shapely.points(x[:20], y[:20]), 5e3), 5070)
    whole = series([box(0, 0, 1024e2, 1024e2)], 5070)
    one, other = Raster(plain), Raster(path)
    assert np.array_equal(sample(one, points).values, sample(other, points).values)
    for areas in (zones, whole):
        found = zonal(other, areas, "stdev")
        assert np.array_equal(zonal(one, areas, "stdev"), found)
        assert (found > 0.9).all()
    assert np.array_equal(other.read(whole)[0], one.read(whole)[0])


@pytest.mark.parametrize("turn", TURNS)
def test_tiles_are_one_raster(tmp_path, turn):
    rng = np.random.default_rng(5)
    values = rng.integers(0, 200, (2, 60, 80)).astype("uint8")
    values[:, :10, :10] = 255
    transform = grid((5e5, 4e6), 30.0, turn)
    whole = Raster(write(tmp_path / "all.tif", values, transform, 32614, nodata=255))
    paths = []
    for i, (r, c) in enumerate([(0, 0), (0, 40), (30, 40)]):
        part = values[:, r : r + 30, c : c + 40]
        x, y = at(transform, c, r)
        corner = Affine(transform.a, transform.b, x, transform.d, transform.e, y)
        name = f"tile & {i}.tif"
        paths.append(write(tmp_path / name, part, corner, 32614, nodata=255))
    tiles = Raster(paths[::-1])
    column, row = rng.uniform(0, 80, 300), rng.uniform(0, 60, 300)
    points = series(shapely.points(*at(transform, column, row)), 32614)
    truth = sample(whole, points, band=2).values
    truth[(column < 40) & (row >= 30)] = np.nan
    np.testing.assert_array_equal(sample(tiles, points, band=2).values, truth)
    areas = series(
        [
            shapely.Polygon([at(transform, *p) for p in ring])
            for ring in (
                [(35, 5), (50, 5), (50, 20), (35, 20)],
                [(50, 50), (60, 50), (55, 9)],
            )
        ],
        32614,
    )
    np.testing.assert_allclose(zonal(tiles, areas), zonal(whole, areas), rtol=1e-12)
    assert "2 more" in repr(tiles)
    assert tiles.band(2).bands == (2,)


def test_tiles_of_other_scale_join_and_others_are_refused(tmp_path):
    values = np.full((1, 4, 4), 20, "int16")
    first = write(tmp_path / "a.tif", values, grid((0, 4e3), 1e3), 5070)
    second = write(tmp_path / "b.tif", values, grid((4e3, 4e3), 1e3), 5070)
    with rasterio.open(second, "r+") as out:
        out.scales, out.offsets = (0.1,), (5.0,)
    both = Raster([first, second])
    points = series([Point(500, 500), Point(4500, 500), Point(9e3, 500)], 5070)
    np.testing.assert_allclose(sample(both, points).values, [20, 7, np.nan])
    for name, odd in (
        ("differ", write(tmp_path / "c.tif", values, grid((4e3, 4e3), 1e3), 32614)),
        ("size", write(tmp_path / "d.tif", values, grid((4e3, 4e3), 900), 5070)),
        ("grid", write(tmp_path / "e.tif", values, grid((4.5e3, 4e3), 1e3), 5070)),
        (
            "bands",
            write(
                tmp_path / "f.tif",
                np.stack([values[0]] * 2),
                grid((4e3, 4e3), 1e3),
                5070,
            ),
        ),
    ):
        with pytest.raises(LayerError, match=name):
            Raster([first, odd])
    with pytest.raises(LayerError, match="empty"):
        Raster([])


def test_a_globe_from_0_to_360_degrees(tmp_path):
    values = np.arange(72.0).reshape(1, 6, 12)
    east = Raster(write(tmp_path / "e.tif", values, grid((0, 90), 30)))
    west = Raster(
        write(tmp_path / "w.tif", np.roll(values, 6, axis=2), grid((-180, 90), 30))
    )
    lon = np.array([-179, -100, -1, 1, 100, 179.0])
    points = series(shapely.points(lon, np.full(6, 40.0)), 4326)
    truth = values[0, 1, (lon % 360 // 30).astype(int)]
    assert np.array_equal(sample(east, points).values, truth)
    assert np.array_equal(sample(west, points).values, truth)
    zones = series(
        [box(-20, 5, 20, 25), box(170, 5, 190, 25), box(-95, 5, -65, 25)], 4326
    )
    expected = [(24 + 35) / 2, (29 + 30) / 2, (24 + 8) * 5 / 30 + (24 + 9) * 25 / 30]
    assert zonal(east, zones) == pytest.approx(expected, rel=1e-6)
    assert zonal(west, zones) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("row_up", [False, True])
def test_no_seam_where_a_globe_begins(tmp_path, row_up):
    """Rasters that begin at 0, at -180 and at 40 degrees are the same globe."""
    rng = np.random.default_rng(5)
    heights = rng.random((1, 18, 36)).cumsum(axis=1)
    globes = []
    for k, west in enumerate((0, -180, 40, -320)):
        cells = np.roll(heights, -west // 10, axis=2)
        step = grid((west, 90), 10)
        if row_up:
            cells, step = cells[:, ::-1], Affine(10, 0, west, 0, 10, -90)
        globes.append(Raster(write(tmp_path / f"{k}.tif", cells, step)))
    lon = np.concatenate([rng.uniform(-180, 180, 300), [-179, 179, 1, 41, 35, -5, 5]])
    lat = np.concatenate([rng.uniform(-80, 80, 300), np.full(7, 31.0)])
    points = series(shapely.points(lon, lat), 4326)
    between = sample(globes[0], points, method="bilinear").values
    rise = terrain(globes[0], points).rise
    assert np.isfinite(between).all()
    assert np.isfinite(rise).all()
    for globe in globes[1:]:
        found = sample(globe, points, method="bilinear").values
        np.testing.assert_allclose(found, between, rtol=1e-9)
        np.testing.assert_allclose(terrain(globe, points).rise, rise, rtol=1e-9)
    # What is between centers on either side of the seam is between their heights.
    beside = series([Point(-2, 35), Point(2, 35)], 4326)
    west, east = heights[0, 5, -1], heights[0, 5, 0]
    expected = [west * 0.7 + east * 0.3, west * 0.3 + east * 0.7]
    found = sample(globes[0], beside, method="bilinear").values
    np.testing.assert_allclose(found, expected)
    for area in (box(-15, 30, 25, 40), box(-100, 20, -90, 30), box(150, -40, 200, -20)):
        for globe in globes:
            values, step, _ = globe.read(series([area], 4326))
            rows, columns = values.shape[1:]
            c, r = (v.ravel() for v in np.meshgrid(np.arange(columns), np.arange(rows)))
            x, y = step.c + step.a * (c + 0.5), step.f + step.e * (r + 0.5)
            at = ((90 - y) // 10).astype(int), (x % 360 // 10).astype(int)
            np.testing.assert_array_equal(values[0].ravel(), heights[0][at])
            assert x.min() == area.bounds[0] // 10 * 10 + 5
            assert x.max() == -(-area.bounds[2] // 10) * 10 - 5
    texas = gpd.GeoSeries([box(-106, 26, -94, 36)], crs=4326)
    for k in range(len(globes)):
        assert read_layer(tmp_path / f"{k}.tif", area=texas)
    part = write(tmp_path / "part.tif", np.ones((1, 3, 3)), grid((250, 40), 5))
    assert read_layer(part, area=texas).read(texas)[1].c == -110
    with pytest.raises(LayerError, match="do not overlap"):
        read_layer(part, area=gpd.GeoSeries([box(20, 30, 30, 40)], crs=4326))


def test_one_cell_and_nothing_known(tmp_path):
    one = Raster(write(tmp_path / "one.tif", [[[7.0]]], grid((0, 1e3), 1e3), 5070))
    spot = series([Point(200, 900), Point(1500, 500)], 5070)
    assert pickle.loads(pickle.dumps(one)) == one
    for method in ("nearest", "bilinear"):
        found = sample(one, spot, method=method).values
        np.testing.assert_array_equal(found, [7, np.nan])
    assert zonal(one, series([box(200, 0, 210, 10)], 5070), "max")[0] == 7
    assert np.isnan(terrain(one, spot).rise).all()
    void = np.full((1, 5, 5), -1, "int16")
    path = write(tmp_path / "void.tif", void, grid((0, 5e3), 1e3), 5070, nodata=-1)
    empty, zone = Raster(path), series([box(0, 0, 5e3, 5e3)], 5070)
    assert np.isnan(sample(empty, spot, reach_km=50).values).all()
    assert np.isnan(zonal(empty, zone, "share", classes=[-1]))
    assert np.isnan(terrain(empty, spot).rise).all()


# ----------------------------------------------------------------------- terrain


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("world", WORLDS, ids=[str(w[0]) for w in WORLDS])
def test_a_cone_has_one_slope_and_faces_outward(tmp_path, world, turn):
    crs, corner, cell = world
    cell = cell / 10
    transform = grid(corner, cell, turn, angle=20)
    column, row = np.meshgrid(np.arange(60), np.arange(60))
    lon, lat = to_wgs84(crs, *at(transform, column + 0.5, row + 0.5))
    top = to_wgs84(crs, *at(transform, 30.0, 30.0))
    _, back, meters = GEOD.inv(
        np.full(lon.shape, top[0]), np.full(lon.shape, top[1]), lon, lat
    )
    path = write(tmp_path / "cone.tif", (500 - 0.08 * meters)[None], transform, crs)
    far = (np.hypot(column - 29.5, row - 29.5) > 15) & (
        np.minimum.reduce([column, row, 59 - column, 59 - row]) > 0
    )
    points = series(shapely.points(lon[far], lat[far]), 4326)
    found = terrain(Raster(path), points)
    # A 3 x 3 window on a curved flank sees a little less than the steepest rise.
    assert np.abs(found.rise / 0.08 - 1).max() < 4e-3
    assert np.median(np.abs(found.rise / 0.08 - 1)) < 1e-3
    outward = (back[far] + 180) % 360
    off = (found.aspect_deg - outward + 180) % 360 - 180
    assert np.abs(off).max() < 0.3
    feet = terrain(Raster(path), points, vertical_m=0.3048)
    np.testing.assert_allclose(feet.rise, found.rise * 0.3048, rtol=1e-12)


def test_a_plane_is_exact_and_level_ground_faces_nowhere(tmp_path):
    # In UTM the scale at the central meridian is 0.9996: a grid meter is longer
    # on the ground, the slope smaller.
    transform = grid((500_000, 3_500_000), 30.0)
    column, row = np.meshgrid(np.arange(9) - 4.0, np.arange(9) - 4.0)
    plane = (0.03 * 30 * column - 0.04 * 30 * row)[None]
    spot = series([Point(*at(transform, 4.5, 4.5))], 32614)
    path = write(tmp_path / "plane.tif", plane, transform, 32614)
    found = terrain(Raster(path), spot)
    assert found.rise[0] == pytest.approx(0.05 * 0.9996, rel=1e-5)
    assert found.aspect_deg[0] == pytest.approx(
        np.degrees(np.arctan2(-0.03, -0.04)) % 360, abs=0.01
    )
    flat = write(tmp_path / "flat.tif", plane * 0, transform, 32614)
    level = terrain(Raster(flat), spot)
    assert level.rise[0] == 0
    assert np.isnan(level.aspect_deg[0])
    for hole in ((4, 4), (3, 5)):
        torn = plane.copy()
        torn[0][hole] = np.nan
        path = write(tmp_path / f"hole{hole}.tif", torn, transform, 32614)
        assert np.isnan(terrain(Raster(path), spot).rise[0])
    edge = series([Point(*at(transform, 0.5, 4.5))], 32614)
    assert np.isnan(terrain(Raster(tmp_path / "plane.tif"), edge).rise[0])


def test_resolution_is_what_a_cell_is_on_the_ground(tmp_path):
    for (crs, corner, cell), meters in zip(
        WORLDS, [1027, 900, 900, 900, 914.4, 857], strict=True
    ):
        values = np.zeros((1, 4, 4))
        raster = Raster(write(tmp_path / f"{crs}.tif", values, grid(corner, cell), crs))
        # Mercator stretches; Albers and UTM by less than half a percent.
        assert raster.resolution_m == pytest.approx(meters, rel=6e-3), crs


# -------------------------------------------------------------------------- size


HUGE = textwrap.dedent(
    """
    import sys, time
    import geopandas as gpd, numpy as np, shapely
    from siteselect.layers.raster import Raster, sample, zonal
    rng = np.random.default_rng(0)
    raster = Raster(sys.argv[1])
    x, y = rng.uniform(1e4, 1.19e6, (2, 100_000))
    points = gpd.GeoSeries(shapely.points(x, y), crs=5070)
    zones = gpd.GeoSeries(shapely.box(x, y, x + 500, y + 500), crs=5070)
    def most_mb():
        # getrusage tells of who started this process too.
        status = open("/proc/self/status").read()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    before = most_mb()
    start = time.perf_counter()
    value = sample(raster, points).values
    sampled = time.perf_counter()
    total = zonal(raster, zones, "sum")
    done = time.perf_counter()
    column, row = np.floor(x / 30), np.floor((1.2e6 - y) / 30)
    inside = (column // 512 + row // 512) % 9 == 0
    assert (np.isnan(value) == ~inside).all()
    assert (value[inside] == (column % 512 + row % 512)[inside]).all()
    assert np.isfinite(total).sum() > 10_000
    peak = most_mb()
    print(peak, before, sampled - start, done - sampled)
    """
)


@pytest.mark.soak
def test_a_raster_of_40_000_by_40_000_cells_within_a_gigabyte(tmp_path):
    path = tmp_path / "huge.tif"
    tile = np.add.outer(np.arange(512.0), np.arange(512.0)).astype("float32")
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=40_000, width=40_000,
        dtype="float32", crs="EPSG:5070", transform=Affine(30, 0, 0, 0, -30, 1.2e6),
        tiled=True, blockxsize=512, blockysize=512, sparse_ok=True, nodata=-1,
        compress="deflate", bigtiff="yes",
    ) as out:  # fmt: skip
        # A ninth of the blocks is written, in diagonals all over the file.
        for r in range(0, 40_000, 512):
            for c in range(0, 40_000, 512):
                if (r // 512 + c // 512) % 9 == 0:
                    tall, wide = min(512, 40_000 - r), min(512, 40_000 - c)
                    out.write(tile[:tall, :wide], 1, window=Window(c, r, wide, tall))
    assert path.stat().st_size < 1e9
    done = subprocess.run(
        [sys.executable, "-c", HUGE, str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    peak, before, sampling, summing = map(float, done.stdout.split())
    print(f"peak {peak:.0f} MB ({before:.0f} before), {sampling:.1f} + {summing:.1f} s")
    assert peak < 1000
