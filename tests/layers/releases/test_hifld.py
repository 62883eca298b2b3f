"""Substations and lines as HIFLD publishes them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from published import html_page, substations, transmission_lines

import siteselect as ss


@pytest.mark.parametrize("name", ["hifld.shp", "hifld.gpkg", "hifld.geojson"])
def test_substations_of_every_format_are_the_same(tmp_path, name):
    substations().to_file(tmp_path / name)
    layer = ss.releases.hifld_substations(tmp_path / name, vintage="2023")
    assert layer["substation"].tolist() == ["101", "102", "103"]
    assert layer["county"].tolist() == ["01001", "48003", np.nan]
    np.testing.assert_array_equal(layer["max_kv"], [345, np.nan, 138])
    np.testing.assert_array_equal(layer["lines"], [4, np.nan, 2])
    np.testing.assert_array_equal(layer["is_max_kv_inferred"], [0, np.nan, 1])
    assert layer["name"].isna().tolist() == [False, False, True]
    info = ss.layer_info(layer)
    assert (info.evidence, info.vintage) == ("measured", "2023")
    assert info.units["max_kv"] == "kV"
    assert "capacity" in info.not_this


def test_substations_keep_their_crs_and_do_not_change_what_was_given():
    published = substations().to_crs(3857)
    before = published.copy()
    layer = ss.releases.hifld_substations(published)
    assert layer.crs.to_epsg() == 3857
    assert published.equals(before)


def test_lines_have_a_voltage_or_none(tmp_path):
    transmission_lines().to_file(tmp_path / "lines.gpkg")
    layer = ss.releases.hifld_transmission_lines(tmp_path / "lines.gpkg")
    np.testing.assert_array_equal(layer["kv"], [345, np.nan])
    assert layer["kv_class"].tolist() == ["345", np.nan]
    assert layer["from_substation"].tolist() == ["NORTH", "UNKNOWN107"]
    assert "unstated" in ss.layer_info(layer).vintage


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda f: f.drop(columns="MAX_VOLT"),
            ss.LayerError,
            ("'MAX_VOLT'", "Did you mean 'MIN_VOLT'"),
        ),
        (
            lambda f: f.assign(MAX_VOLT=["345", "high", "138"]),
            ss.LayerError,
            ("'MAX_VOLT'", "row 1", "'high'"),
        ),
        (
            lambda f: f.assign(MAX_VOLT=[345.0, -7.0, 138.0]),
            ss.LayerError,
            ("'MAX_VOLT'", "row 1", "too small"),
        ),
        (
            lambda f: f.assign(MAX_VOLT=[345.0, 500_000.0, 138.0]),
            ss.LayerError,
            ("'MAX_VOLT'", "row 1", "too large", "from 0 to 1200 kV"),
        ),
        (
            lambda f: f.assign(MIN_VOLT=[345.0, 69.0, 138_000.0]),
            ss.LayerError,
            ("'MIN_VOLT'", "row 2", "too large"),
        ),
        (
            lambda f: f.assign(COUNTYFIPS=["48", "48003", "NOT AVAILABLE"]),
            ss.LayerError,
            ("'COUNTYFIPS'", "row 0", "codes of 5 digits"),
        ),
        (
            lambda f: f.assign(MAX_INFER=["Y", "N", "maybe"]),
            ss.LayerError,
            ("'MAX_INFER'", "row 2", "'maybe'"),
        ),
        (
            lambda f: f.to_crs(5070).set_crs(4326, allow_override=True),
            ss.CRSError,
            ("look like meters",),
        ),
        (
            lambda f: f.set_crs(None, allow_override=True),
            ss.CRSError,
            ("no coordinate reference system",),
        ),
        (lambda f: f.iloc[:0], ss.LayerError, ("empty",)),
        (
            lambda f: f.set_geometry(f.buffer(0.1)),
            ss.LayerError,
            ("geometry type", "Polygon"),
        ),
        (
            lambda f: transmission_lines(),
            ss.LayerError,
            ("geometry type", "LineString"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Geometry is in a geographic CRS")
def test_another_file_is_refused_with_its_place(change, error, words):
    with pytest.raises(error) as caught:
        ss.releases.hifld_substations(change(substations()))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("volts", [345_000.0, 1201.0, -1.0])
def test_lines_in_volts_are_refused(volts):
    frame = transmission_lines()
    frame["VOLTAGE"] = [1200.0, volts]
    with pytest.raises(ss.LayerError, match="'VOLTAGE'.*row 1"):
        ss.releases.hifld_transmission_lines(frame)
    frame["VOLTAGE"] = [1200.0, -999999.0]
    layer = ss.releases.hifld_transmission_lines(frame)
    np.testing.assert_array_equal(layer["kv"], [1200, np.nan])


def test_a_web_page_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ss.LayerError, match="web page"):
        ss.releases.hifld_substations(html_page(tmp_path, "substations.geojson"))
    with pytest.raises(ss.LayerError, match="no such file"):
        ss.releases.hifld_substations(tmp_path / "substations.shp")


def test_lines_do_not_pass_for_substations_with_points_in_them():
    frame = transmission_lines()
    frame = frame.set_geometry(gpd.GeoSeries([shapely.Point(-97, 32)] * 2, crs=4326))
    with pytest.raises(ss.LayerError, match="'NAME'"):
        ss.releases.hifld_substations(frame)
