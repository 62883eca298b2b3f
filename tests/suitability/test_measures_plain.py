"""Every measurement against a slow, plain reimplementation."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box
from suitability.world import (
    SOUTH,
    WEST,
    features,
    frame,
    places,
    plain_at,
    plain_nearest,
    plain_within,
    same,
    write_raster,
)

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.layers import LayerInfo, Raster
from siteselect.layers.info import with_info

KINDS = ("point", "line", "polygon")


def checked(measure, sites):
    """Measure, asserting what holds of every measurement."""
    before = sites.copy()
    found = measure(sites)
    assert found.index.equals(sites.index)
    assert found.index.name == sites.index.name
    assert found.name == measure.label
    assert isinstance(measure.unit, str)
    json.dumps(measure.describe())
    pd.testing.assert_frame_equal(pd.DataFrame(sites), pd.DataFrame(before))
    return found


# ------------------------------------------------------------- vector layers


@settings(max_examples=25)
@given(places(most=4), features(most=4), st.integers(1, 3))
def test_nearest(sites, layer, k):
    found = checked(ss.Nearest(layer, k=k), sites)
    same(found, plain_nearest(sites, layer, k=k), rtol=1e-3, atol=1e-3)


@settings(max_examples=25)
@given(places(most=4), features(kinds=("point",), most=5), st.integers(1, 2))
def test_nearest_attribute(sites, layer, k):
    found = checked(ss.Nearest(layer, attribute="mw", k=k), sites)
    same(found, plain_nearest(sites, layer, "mw", k))


@settings(max_examples=30)
@given(
    places(most=4),
    features(most=4),
    st.sampled_from([7.3, 41.0, 153.0]),
    st.sampled_from(["count", "sum", "mean", "max"]),
    st.booleans(),
)
def test_within(sites, layer, km, statistic, skip):
    asked = {statistic: True if statistic == "count" else "mw"}
    measure = ss.Within(layer, radius_km=km, skip_missing=skip, **asked)
    found = checked(measure, sites)
    column = None if statistic == "count" else "mw"
    same(found, plain_within(sites, layer, km, statistic, column, skip), atol=1e-6)


@settings(max_examples=30)
@given(places(), features(kinds=("polygon",)))
def test_at(sites, layer):
    same(checked(ss.At(layer, "mw"), sites), plain_at(sites, layer, "mw"))
    labels = checked(ss.At(layer, "zone"), sites)
    wanted = pd.Series(plain_at(sites, layer, "zone"), index=sites.index, dtype=object)
    assert labels.isna().equals(wanted.isna())
    assert labels.dropna().tolist() == wanted.dropna().tolist()


@settings(max_examples=15)
@given(places(), features(kinds=("polygon",)))
def test_at_reaches_for_the_nearest_polygon_with_a_figure(sites, layer):
    measure = ss.At(layer, "mw", reach_km=60.0)
    found = checked(measure, sites)
    own = np.array(plain_at(sites, layer, "mw"), dtype=float)
    known = layer[layer["mw"].notna()].reset_index(drop=True)
    wanted = own.copy()
    if len(known):
        distance = np.array(plain_nearest(sites, known))
        near = np.array(plain_nearest(sites, known, "mw"))
        wanted = np.where(np.isnan(own) & (distance <= 60), near, own)
    same(found, wanted)
    scored = ss.score_sites(sites, [ss.Criterion("w", measure, ss.Rising(-1e6, 1e6))])
    assert scored["fallbacks"].tolist() == (
        (np.isnan(own) & ~np.isnan(wanted)).astype(int).tolist()
    )


@settings(max_examples=20)
@given(features(kinds=("polygon",)), features(kinds=("polygon",)))
def test_covered_share(sites, layer):
    found = checked(ss.CoveredShare(layer), sites)
    flat = layer.to_crs(6933).union_all()
    own = sites.to_crs(6933).geometry
    wanted = [cell.intersection(flat).area / cell.area for cell in own]
    same(found, wanted, rtol=1e-3, atol=1e-3)


def test_covered_share_of_a_grid_cell_is_that_of_its_ground():
    sites = ss.grid_candidates(box(-100, 31, -98, 32.5), spacing_km=20)
    west_half = frame([box(-120, 20, -99, 50)])
    share = ss.CoveredShare(west_half)(sites)
    lon = sites.geometry.x
    assert (share[lon < -99.2] == 1).all()
    assert (share[lon > -98.8] == 0).all()
    assert ((share > 0) & (share < 1)).any()
    assert share.mean() == pytest.approx(0.5, abs=0.03)


def test_missing_is_never_zero():
    sites = frame([Point(0, 0), Point(5, 0), Point(10, 0)], index=list("abc"))
    layer = frame(
        [Point(0.1, 0), Point(0, 0.1), Point(5.1, 0)], mw=[np.nan, 30.0, np.nan]
    )
    found = {
        (name, skip): ss.Within(layer, radius_km=50, skip_missing=skip, **{name: "mw"})(
            sites
        ).tolist()
        for name in ("sum", "mean", "max")
        for skip in (False, True)
    }
    np.testing.assert_array_equal(found["sum", False], [np.nan, np.nan, 0])
    np.testing.assert_array_equal(found["sum", True], [30, np.nan, 0])
    np.testing.assert_array_equal(found["mean", False], [np.nan] * 3)
    np.testing.assert_array_equal(found["mean", True], [30, np.nan, np.nan])
    np.testing.assert_array_equal(found["max", False], [30, np.nan, 0])
    np.testing.assert_array_equal(found["max", True], [30, np.nan, 0])
    assert ss.Within(layer, radius_km=50, count=True)(sites).tolist() == [2, 1, 0]


def test_a_layer_without_rows_knows_nothing():
    sites = frame([Point(0, 0)])
    layer = frame([Point(0.1, 0)], mw=[1.0]).iloc[:0]
    areas = frame([box(0, 0, 1, 1)], mw=[1.0]).iloc[:0]
    for measure in (
        ss.Nearest(layer),
        ss.Within(layer, radius_km=5, count=True),
        ss.Within(layer, radius_km=5, max="mw"),
        ss.At(areas, "mw"),
        ss.CoveredShare(areas),
    ):
        assert measure(sites).isna().all()


@settings(max_examples=15)
@given(places(), features(kinds=("point",)))
def test_where_picks_rows_whatever_its_form(sites, layer):
    layer["kv"] = [69.0, 345.0, np.nan, 230.0, 500.0, 345.0][: len(layer)]
    forms = [
        "kv >= 345 and zone == '4A'",
        lambda rows: (rows["kv"] >= 345) & (rows["zone"] == "4A"),
    ]
    kept = layer[(layer["kv"] >= 345) & (layer["zone"] == "4A").to_numpy(bool)]
    wanted = plain_within(sites, kept, 80, "count") if len(kept) else [0] * len(sites)
    for where in forms:
        found = ss.Within(layer, radius_km=80, count=True, where=where)(sites)
        same(found, wanted)
    by_mapping = ss.Within(
        layer, radius_km=80, count=True, where={"kv": [345, 500], "zone": "4A"}
    )(sites)
    same(by_mapping, wanted)


@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize(
    "where", ["kv != 230", "not (kv == 230)", "~(kv < 100)", "zone not in ['5A']"]
)
def test_a_row_whose_figure_is_missing_does_not_pass(where, nullable):
    kv = pd.array([None, 345], dtype="Int64") if nullable else [np.nan, 345.0]
    layer = frame([Point(0.1, 0), Point(0, 0.1)], kv=kv, zone=[None, "4A"])
    found = ss.Within(layer, radius_km=50, count=True, where=where)
    assert found(frame([Point(0, 0)])).tolist() == [1]


@pytest.mark.parametrize(
    "where",
    [
        "kv >",
        "vk >= 3",
        "kv + 1 and 'x' < 3",
        "kv.to_csv('gone.csv') == 1",
        "@pd.options.mode",
        "kv = 5",
        "5",
    ],
)
def test_a_filter_that_is_no_comparison_is_refused(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layer = frame([Point(0.1, 0)], kv=[1.0])
    with pytest.raises(StudyError, match="filter"):
        ss.Within(layer, radius_km=50, count=True, where=where)(frame([Point(0, 0)]))
    assert not list(tmp_path.iterdir())


def test_a_filter_function_keeps_the_layers_index():
    layer = frame([Point(0.1, 0)], kv=[1.0], index=["x"])
    measure = ss.Nearest(
        layer, where=lambda rows: rows["kv"].reset_index(drop=True) > 0
    )
    with pytest.raises(StudyError, match="filter"):
        measure(frame([Point(0, 0)]))


# ------------------------------------------------------------------- rasters


@settings(max_examples=20)
@given(
    st.data(),
    st.integers(1, 2),
)
def test_sample_is_the_cell_under_the_site(tmp_path_factory, data, band):
    cells = data.draw(
        st.lists(
            st.one_of(st.just(np.nan), st.integers(0, 9).map(float)),
            min_size=72,
            max_size=72,
        )
    )
    values = np.array(cells).reshape(2, 6, 6)
    path = tmp_path_factory.mktemp("raster") / "r.tif"
    raster = Raster(write_raster(path, values), (), LayerInfo("r", evidence="proxy"))
    sites = data.draw(places())
    found = checked(ss.Sample(raster, band=band), sites)
    wanted = []
    for point in sites.geometry:
        row, column = int((34.0 - point.y) // 0.5), int((point.x - WEST) // 0.5)
        inside = 0 <= row < 6 and 0 <= column < 6
        wanted.append(values[band - 1, row, column] if inside else np.nan)
    same(found, wanted)


def test_sample_reach_and_zonal(tmp_path):
    values = np.arange(36, dtype=float).reshape(6, 6)
    values[0, 0] = np.nan
    raster = Raster(
        write_raster(tmp_path / "r.tif", values),
        (),
        LayerInfo("heat", evidence="modelled", units={"heat": "degC"}),
    )
    corner = Point(WEST + 0.4, 33.75)
    sites = frame([corner, Point(WEST + 1.2, 33.2), Point(0, 0)], index=list("abc"))
    near = ss.Sample(raster, reach_km=45)
    np.testing.assert_array_equal(ss.Sample(raster)(sites), [np.nan, 8, np.nan])
    np.testing.assert_array_equal(near(sites), [1, 8, np.nan])
    assert (near.unit, near.evidence, near.layer_name) == ("degC", "modelled", "heat")
    scored = ss.score_sites(sites, [ss.Criterion("heat", near, ss.Falling(0, 36))])
    assert scored["fallbacks"].tolist() == [1, 0, 0]

    cells = frame(
        [
            box(WEST, SOUTH, WEST + 0.5, SOUTH + 0.5),
            box(WEST + 1, SOUTH, WEST + 2, SOUTH + 0.5),
            box(WEST, 33.5, WEST + 0.5, 34),
        ]
    )
    np.testing.assert_allclose(ss.Zonal(raster)(cells), [30, 32.5, np.nan])
    np.testing.assert_allclose(ss.Zonal(raster, "max")(cells), [30, 33, np.nan])
    np.testing.assert_allclose(ss.Zonal(raster, "sum")(cells), [30, 65, np.nan])


def test_zonal_is_the_weighted_mean_of_cells(tmp_path):
    rng = np.random.default_rng(4)
    values = rng.integers(0, 50, (6, 6)).astype(float)
    raster = Raster(write_raster(tmp_path / "r.tif", values))
    lon, lat = WEST + rng.uniform(0, 2, 8), SOUTH + rng.uniform(0, 2, 8)
    cells = frame([box(x, y, x + 0.7, y + 0.9) for x, y in zip(lon, lat, strict=True)])
    wanted = []
    for cell in cells.geometry:
        total = weight = 0.0
        for row in range(6):
            for column in range(6):
                x, y = WEST + 0.5 * column, 34 - 0.5 * row
                part = cell.intersection(box(x, y - 0.5, x + 0.5, y))
                # Cells of higher latitude are narrower on the ground.
                area = part.area * np.cos(np.radians(y - 0.25))
                total, weight = total + area * values[row, column], weight + area
        wanted.append(total / weight)
    same(ss.Zonal(raster)(cells), wanted, rtol=2e-3)


# ------------------------------------------------------------------- columns


@given(places(least=2))
def test_column_and_series(sites):
    same(checked(ss.Column("acres"), sites), sites["acres"])
    turned = sites["acres"].iloc[::-1]
    same(checked(ss.Column(turned), sites), sites["acres"])
    assert ss.Column(turned.iloc[1:])(sites).iloc[-1:].isna().all()


def test_a_series_of_other_labels_is_refused():
    sites = frame([Point(0, 0)], index=["s1"])
    with pytest.raises(LayerError, match="label"):
        ss.Column(pd.Series([1.0], index=[0], name="slope"))(sites)
    with pytest.raises(LayerError, match="repeat"):
        ss.Column(pd.Series([1.0, 2.0], index=["s1", "s1"]))(sites)


# ------------------------------------------------------ facts about the layer


def test_evidence_and_unit_come_from_the_layer():
    info = LayerInfo("grid", evidence="synthetic", units={"mw": "MW"}, source="a test")
    layer = with_info(frame([Point(0, 0)], mw=[1.0]), info)
    best = ss.Within(layer, radius_km=5, max="mw")
    assert (best.unit, best.evidence, best.layer_name) == ("MW", "synthetic", "grid")
    assert ss.Nearest(layer).unit == "km"
    assert ss.Nearest(layer, attribute="mw").unit == "MW"
    assert ss.Within(layer, radius_km=5, count=True).unit == "count"
    assert ss.Nearest(frame([Point(0, 0)])).evidence == "unstated"
    assert ss.Criterion("g", best, ss.Rising(0, 1)).evidence_level == "synthetic"
    own = ss.Criterion("g", best, ss.Rising(0, 1), evidence="proxy")
    assert own.evidence_level == "proxy"


POINTS = frame([Point(0, 0)], hosting_mw=[1.0], word=["a"])


@pytest.mark.parametrize(
    ("make", "error", "nouns"),
    [
        (lambda: ss.Nearest(POINTS, k=0), StudyError, ["Nearest", "k=0", "k=2"]),
        (lambda: ss.Nearest("grid"), LayerError, ["Nearest", "str", "read_layer"]),
        (
            lambda: ss.Nearest(POINTS, attribute="hosting"),
            LayerError,
            ["'hosting'", "Did you mean 'hosting_mw'"],
        ),
        (
            lambda: ss.Within(POINTS, radius_km=0, count=True),
            StudyError,
            ["radius_km", "above 0"],
        ),
        (
            lambda: ss.Within(POINTS, radius_km="9", count=True),
            StudyError,
            ["radius_km", "'9'"],
        ),
        (lambda: ss.Within(POINTS, radius_km=5), StudyError, ["exactly one"]),
        (
            lambda: ss.Within(POINTS, radius_km=5, count=True, max="word"),
            StudyError,
            ["exactly one"],
        ),
        (lambda: ss.At(POINTS, "wrod"), LayerError, ["'wrod'", "'word'"]),
        (lambda: ss.Sample(POINTS), LayerError, ["Sample", "raster"]),
        (lambda: ss.Zonal(POINTS), LayerError, ["Zonal", "raster"]),
        (
            lambda: ss.Within(POINTS, radius_km=5, max="word")(POINTS),
            LayerError,
            ["'word'", "numeric"],
        ),
        (lambda: ss.Column("acers")(POINTS), LayerError, ["'acers'", "candidates"]),
        (lambda: ss.At(POINTS, "word")(POINTS), LayerError, ["polygons"]),
    ],
)
def test_what_cannot_be_measured_is_refused(make, error, nouns):
    with pytest.raises(error) as caught:
        make()
    for noun in nouns:
        assert noun.lower() in str(caught.value).lower()


def test_infinite_figures_of_a_layer_are_refused_by_row():
    layer = frame([Point(0, 0)], mw=[np.inf], index=["bus 7"])
    with pytest.raises(LayerError, match=r"'mw'.*bus 7"):
        ss.Within(layer, radius_km=5, max="mw")(frame([Point(0, 0)]))


def test_bands(tmp_path):
    raster = Raster(write_raster(tmp_path / "r.tif", np.zeros((2, 6, 6))))
    with pytest.raises(StudyError, match="Band 3"):
        ss.Sample(raster, band=3)
    with pytest.raises(LayerError, match="'jul'"):
        ss.Sample(raster, band="jul")
    second = raster.band(2)
    assert ss.Sample(second, band=1)(frame([Point(WEST + 1, 32)])).tolist() == [0]
    assert isinstance(ss.Sample(second)(gpd.GeoDataFrame(POINTS)), pd.Series)
