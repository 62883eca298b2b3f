"""Measurements against a slow, plain reimplementation in pandas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from siteselect.errors import DataQualityWarning, LayerError, StudyError
from siteselect.layers import LayerInfo, Raster
from siteselect.suitability import (
    At,
    Column,
    CoveredShare,
    Nearest,
    Sample,
    Within,
    Zonal,
)

GEOD = pyproj.Geod(ellps="WGS84")


def points(xy, crs=4326, **columns):
    xy = np.asarray(xy, dtype=float).reshape(-1, 2)
    return gpd.GeoDataFrame(
        columns, geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=4326
    ).to_crs(crs)


places = st.lists(
    st.tuples(st.integers(-400, 400), st.integers(-400, 400)), min_size=1, max_size=12
).map(lambda xy: np.array(xy) / 100 + [-98, 35])
figures = st.floats(0, 1e4) | st.just(float("nan"))


@st.composite
def worlds(draw):
    sites, features = draw(places), draw(places)
    values = draw(st.lists(figures, min_size=len(features), max_size=len(features)))
    crs = draw(st.sampled_from([4326, 5070, 32614, 3857]))
    return points(sites), points(features, crs, mw=values), features


def distances_km(sites, xy):
    table = [
        [GEOD.inv(p.x, p.y, x, y)[2] / 1000 for x, y in xy] for p in sites.geometry
    ]
    return np.array(table).reshape(len(sites), len(xy))


@given(worlds(), st.sampled_from([25, 80, 300]))
@settings(max_examples=60)
def test_within_agrees_with_plain_pandas(world, radius):
    sites, layer, xy = world
    km = distances_km(sites, xy)
    if (np.abs(km - radius) < 0.001 * radius).any():
        return
    mw = layer["mw"].to_numpy()
    for statistic in ("count", "sum", "mean", "max"):
        expected = []
        for row in km:
            inside = pd.Series(mw[row <= radius])
            if statistic == "count":
                expected.append(float(len(inside)))
            elif statistic == "max":
                nothing = 0.0 if len(inside) == 0 else np.nan
                expected.append(inside.max() if inside.notna().any() else nothing)
            elif len(inside) == 0:
                expected.append(0.0 if statistic == "sum" else np.nan)
            else:
                expected.append(getattr(inside, statistic)(skipna=False))
        asked = {statistic: True if statistic == "count" else "mw"}
        found = Within(layer, radius_km=radius, **asked)(sites)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(worlds(), st.integers(1, 3))
@settings(max_examples=60)
def test_nearest_agrees_with_plain_pandas(world, k):
    sites, layer, xy = world
    km = np.sort(distances_km(sites, xy), axis=1)
    expected = km[:, k - 1] if k <= len(xy) else np.full(len(sites), np.nan)
    found = Nearest(layer, k=k)(sites)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_nothing_in_reach_is_zero_but_no_figure_is_unknown():
    sites = points([(0, 0), (10, 0), (20, 0), (30, 0)])
    layer = points(
        [(0.1, 0), (0.2, 0), (10.1, 0), (30, 0.1), (30, -0.1)],
        mw=[5.0, np.nan, np.nan, 2.0, 4.0],
    )

    def found(**asked):
        return Within(layer, radius_km=50, **asked)(sites).tolist()

    nan = pytest.approx(float("nan"), nan_ok=True)
    assert found(count=True) == [2, 1, 0, 2]
    assert found(max="mw") == [5, nan, 0, 4]
    assert found(sum="mw") == [nan, nan, 0, 6]
    assert found(mean="mw") == [nan, nan, nan, 3]
    assert found(sum="mw", skip_missing=True) == [5, nan, 0, 6]
    assert found(mean="mw", skip_missing=True) == [5, nan, nan, 3]


def test_an_empty_layer_is_unknown_rather_than_zero():
    sites = points([(0, 0)])
    empty = points([], mw=[])
    area = gpd.GeoDataFrame({"mw": []}, geometry=[], crs=4326)
    cell = sites.assign(cell_km=5.0, cell_shape="square")
    for measure in (
        Within(empty, radius_km=9, count=True),
        Within(empty, radius_km=9, sum="mw"),
        Nearest(empty),
        At(area, "mw"),
        CoveredShare(area),
    ):
        assert measure(cell).isna().all()


def test_filters():
    sites = points([(0, 0)])
    layer = points(
        [(0.1, 0), (0.2, 0), (0.3, 0)], kv=[69.0, 345.0, np.nan], kind=["a", "b", "b"]
    )
    second = Nearest(layer, attribute="kv", where="kv >= 100")(sites)
    assert second.tolist() == [345.0]
    assert Nearest(layer, attribute="kind", k=2)(sites).tolist() == ["b"]
    assert Within(layer, radius_km=99, count=True, where={"kind": "b"})(
        sites
    ).tolist() == [2]
    assert Within(layer, radius_km=99, count=True, where=lambda x: x["kv"] > 1)(
        sites
    ).tolist() == [2]
    assert Within(layer, radius_km=99, max="kv", where="kv > 999")(sites).tolist() == [
        0
    ]
    assert Nearest(layer, where="kv > 999")(sites).isna().all()
    with pytest.raises(StudyError, match="kw >= 1"):
        Nearest(layer, where="kw >= 1")(sites)
    with pytest.raises(LayerError, match="knd"):
        Nearest(layer, where={"knd": "b"})(sites)
    with pytest.raises(StudyError, match="boolean Series"):
        Nearest(layer, where=lambda x: [True])(sites)


def test_at_reads_numbers_and_labels_and_reaches_out_only_when_asked():
    zones = gpd.GeoDataFrame(
        {"stress": [0.4, np.nan], "zone": ["4A", None]},
        geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)],
        crs=4326,
    )
    sites = points([(0.5, 0.5), (1.1, 0.5), (1.9, 0.5), (-0.05, 0.5)])
    nan = float("nan")
    np.testing.assert_array_equal(At(zones, "stress")(sites), [0.4, nan, nan, nan])
    near = At(zones, "stress", reach_km=20)(sites)
    np.testing.assert_array_equal(near, [0.4, 0.4, nan, 0.4])
    assert At(zones, "zone")(sites).isna().tolist() == [False, True, True, True]
    assert At(zones, "zone", reach_km=20)(sites).iloc[1] == "4A"


def test_covered_share_of_a_grid_cell():
    sites = points([(0, 0)]).assign(cell_km=10.0, cell_shape="square")
    half = gpd.GeoDataFrame(geometry=[shapely.box(0, -5, 5, 5)] * 2, crs=4326)
    assert CoveredShare(half)(sites).iloc[0] == pytest.approx(0.5, abs=1e-3)
    with pytest.raises(LayerError, match="cell_km"):
        CoveredShare(half)(points([(0, 0)]))


@pytest.fixture
def raster(tmp_path):
    cells = np.arange(16, dtype="float32").reshape(1, 4, 4)
    cells[0, 0, 0] = -9
    path = tmp_path / "cells.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=4, height=4, count=2, dtype="float32",
        crs="EPSG:4326", transform=Affine(1, 0, 0, 0, -1, 4), nodata=-9,
    ) as target:  # fmt: skip
        target.write(np.concatenate([cells, np.where(cells < 0, cells, cells + 100)]))
    info = LayerInfo("cells", evidence="modelled", units={"value": "m"})
    return Raster(path, (1, 2), info)


def test_rasters(raster):
    sites = points([(0.5, 3.5), (1.5, 3.5), (3.5, 0.5), (9, 9)])
    nan = float("nan")
    np.testing.assert_array_equal(Sample(raster)(sites), [nan, 1, 15, nan])
    near = Sample(raster, reach_km=130)(sites)
    assert near.iloc[0] in (1, 4)
    np.testing.assert_array_equal(Sample(raster, band=2)(sites), [nan, 101, 115, nan])
    cells = sites.assign(cell_km=10.0, cell_shape="hex")
    with pytest.warns(DataQualityWarning, match="more than 10 fit"):
        found = Zonal(raster)(cells)
    np.testing.assert_allclose(found, [nan, 1, 15, nan])
    one_left = Raster(raster.path, (2,), raster.info)
    assert Sample(one_left)(sites).iloc[1] == 101
    assert (Sample(raster).unit, Sample(raster).evidence) == ("m", "modelled")
    with pytest.raises(StudyError, match="Band 3"):
        Sample(raster, band=3)
    with pytest.raises(LayerError, match="Raster"):
        Sample(sites)


def test_columns_and_series():
    sites = points([(0, 0), (1, 1)], acres=[5.0, np.nan]).set_axis(["a", "b"])
    assert Column("acres")(sites).tolist()[0] == 5
    series = pd.Series([7.0], index=["b"])
    np.testing.assert_array_equal(Column(series)(sites), [np.nan, 7])
    with pytest.raises(LayerError, match="'acres'"):
        Column("acre")(sites)
    with pytest.raises(LayerError, match="repeats"):
        Column(pd.Series([1, 2], index=["a", "a"]))(sites)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda x: Within(x, radius_km=0, count=True), StudyError, "radius_km"),
        (lambda x: Within(x, radius_km=-1, count=True), StudyError, "radius_km"),
        (lambda x: Within(x, radius_km=5), StudyError, "exactly one"),
        (lambda x: Within(x, radius_km=5, sum="mw", max="mw"), StudyError, "one"),
        (lambda x: Within(x, radius_km=5, sum="mws"), LayerError, "mean 'mw'"),
        (lambda x: Nearest(x, k=0), StudyError, "k=0"),
        (lambda x: Nearest(x, attribute="m"), LayerError, "'m'"),
        (lambda x: Nearest("substations"), LayerError, "str"),
        (lambda x: At(x, "stress"), LayerError, "stress"),
        (lambda x: At(x, "mw", reach_km=-1), StudyError, "reach_km"),
    ],
)
def test_measurements_that_make_no_sense_are_refused(make, error, match):
    with pytest.raises(error, match=match):
        make(points([(0, 0)], mw=[1.0]))


def test_figures_of_a_layer_are_checked():
    sites = points([(0, 0)])
    with pytest.raises(LayerError, match="infinity"):
        Within(points([(0, 0)], mw=[np.inf]), radius_km=5, max="mw")(sites)
    with pytest.raises(LayerError, match="numbers"):
        Within(points([(0, 0)], mw=["5"]), radius_km=5, max="mw")(sites)
