"""Map files: styled, told apart, read back; nothing lost without a word."""

from __future__ import annotations

import json
import sqlite3
import warnings
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

from siteselect.errors import DataQualityWarning, LayerError, StudyError
from siteselect.reporting import to_geojson, write_plan
from siteselect.reporting.shapefile import short_fields

FRAME = toy_candidates(spacing_km=300)


def plan_with(**columns):
    plan = toy_plan(3, FRAME, seed=1)
    return toy_plan(0, FRAME, sites=plan.sites.assign(**columns))


def style_of(path):
    """Return what QGIS would read when it opens the layer."""
    with sqlite3.connect(path) as db:
        geometry = db.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = 'sites'"
        ).fetchone()[0]
        return db.execute(
            "SELECT styleQML FROM layer_styles WHERE f_table_schema = '' AND "
            "f_table_name = 'sites' AND f_geometry_column = ? AND useAsDefault = 1",
            [geometry],
        ).fetchall()


@pytest.mark.parametrize("name", ["site", 'a "site" <b>&', "geom", "mw"])
def test_a_geopackage_brings_its_style(tmp_path, name):
    plan = toy_plan(3, FRAME, seed=1)
    sites = plan.sites.rename_axis(index=name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        path = write_plan(toy_plan(0, FRAME, sites=sites), tmp_path / "a.gpkg")
    [(text,)] = style_of(path)
    root = ET.fromstring(text.encode())
    assert root.find("renderer-v2/symbols/symbol").get("type") == "marker"
    columns = gpd.read_file(path, layer="sites").columns
    label = root.find("labeling/settings/text-style").get("fieldName")
    quoted = '"' + columns[0].replace('"', '""') + '"'
    assert quoted in label
    [size] = [o for o in root.iter("Option") if o.get("name") == "expression"]
    assert f'scale_exp("mw", 0, {plan.sites["mw"].max():g},' in size.get("value")
    # The expression gives a width; as an area QGIS would take its root once more.
    [way] = [o for o in root.iter("Option") if o.get("name") == "scale_method"]
    assert way.get("value") == "diameter"


def test_parcels_are_filled_and_mixtures_have_no_style(tmp_path):
    plan = toy_plan(3, FRAME, seed=1)
    parcels = plan.sites.set_geometry(shapely.buffer(plan.sites.geometry.array, 0.1))
    parcels = parcels.set_crs(4326)
    path = write_plan(toy_plan(0, FRAME, sites=parcels), tmp_path / "a.gpkg")
    [(text,)] = style_of(path)
    assert ET.fromstring(text.encode()).find(".//symbol").get("type") == "fill"
    mixed = parcels.copy()
    mixed.geometry = [plan.sites.geometry.iloc[0], *parcels.geometry.iloc[1:]]
    mixed = toy_plan(0, FRAME, sites=mixed.set_crs(4326, allow_override=True))
    path = write_plan(mixed, tmp_path / "b.gpkg")
    assert len(gpd.read_file(path, layer="sites")) == 3
    with sqlite3.connect(path) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    assert "layer_styles" not in tables
    with pytest.raises(LayerError, match="kind of geometry"):
        write_plan(mixed, tmp_path / "b.shp")
    assert not list(tmp_path.glob("b.*[!g]"))


def test_a_geopackage_keeps_columns_that_it_cannot_tell_apart(tmp_path):
    plan = plan_with(
        fid=[1.5, 2.5, 3.5], Score=[1, 2, 3], geom=["x", "y", "z"], SCORE=[[1], 2, None]
    )
    with pytest.warns(DataQualityWarning, match="fid is fid_2"):
        path = write_plan(plan, tmp_path / "a.gpkg")
    back = gpd.read_file(path, layer="sites")
    assert back["fid_2"].tolist() == [1.5, 2.5, 3.5]
    assert back["Score_2"].tolist() == [1, 2, 3]
    assert back["geom_2"].tolist() == ["x", "y", "z"]
    assert back["SCORE_3"].iloc[:2].tolist() == ["[1]", "2"]
    np.testing.assert_allclose(back["score"], plan.sites["score"])


@given(st.lists(st.text(max_size=25) | st.just("mw"), unique=True, max_size=30))
def test_fields_are_short_told_apart_and_keep_names_that_fit(columns):
    fields = short_fields(columns)
    assert list(fields) == columns
    assert len({f.casefold() for f in fields.values()}) == len(columns)
    for field in fields.values():
        assert 1 <= len(field) <= 10
        assert field.isascii()
    assert "mw" not in columns or fields["mw"] == "mw"


def test_a_shapefile_says_what_it_renames_and_cuts(tmp_path):
    plan = plan_with(
        permanent_jobs_low=[1.25, np.nan, 3e12],
        permanent_jobs_high=[1, 2, 3],
        is_kept=[True, False, True],
        why=["é" * 200, HOSTILE, None],
        when=pd.to_datetime(["2026-01-02 03:04", None, None]),
    )
    with pytest.warns(DataQualityWarning, match=r"a_fields\.csv") as caught:
        path = write_plan(plan, tmp_path / "a.shp")
    assert "why" in str(caught[0].message)
    table = pd.read_csv(tmp_path / "a_fields.csv", index_col="column")
    assert set(table.index) >= set(plan.sites.columns) - {"geometry"}
    back = gpd.read_file(path)
    assert back.crs == plan.sites.crs
    assert shapely.equals(
        back.geometry.to_numpy(), plan.sites.geometry.to_numpy()
    ).all()
    field = table["field"]
    for name in ("mw", "score", "permanent_jobs_low", "permanent_jobs_high"):
        np.testing.assert_allclose(
            back[field[name]], plan.sites[name].astype(float), rtol=1e-12
        )
        assert table.loc[name, "kept"] == "yes"
    assert table.loc["why", "kept"] != "yes"
    assert back[field["why"]].iloc[0] == "é" * 127
    assert back[field["why"]].iloc[1] == HOSTILE
    assert back[field["is_kept"]].tolist() == [1, 0, 1]
    assert back[field["when"]].iloc[0].startswith("2026-01-02 03:04")


def test_a_shapefile_is_whole_and_has_the_same_bytes(tmp_path):
    plan = plan_with()
    (tmp_path / "a.qix").write_text("an index of what was there")
    (tmp_path / "b").mkdir()
    seen = []
    for folder in (tmp_path, tmp_path / "b"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataQualityWarning)
            write_plan(plan, folder / "a.shp")
        seen.append({p.name: p.read_bytes() for p in folder.glob("a*")})
    assert seen[0] == seen[1]
    assert set(seen[0]) == {
        *(f"a{suffix}" for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg")),
        "a_fields.csv",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        write_plan(toy_plan(0, FRAME), tmp_path / "a.shp")
    assert len(gpd.read_file(tmp_path / "a.shp")) == 0


def test_geojson_is_longitude_latitude_and_turns_left():
    plan = toy_plan(4, FRAME, seed=3)
    sites = plan.sites.to_crs(5070)
    sites = sites.set_geometry(sites.buffer(5000).reverse())
    record = json.loads(to_geojson(toy_plan(0, FRAME, sites=sites)))
    assert set(record) == {"type", "features"}
    for feature, label in zip(record["features"], sites.index, strict=True):
        assert feature["type"] == "Feature"
        assert feature["id"] == feature["properties"]["site"] == label
        ring = np.array(feature["geometry"]["coordinates"][0])
        assert (ring[0] == ring[-1]).all()
        assert (np.abs(ring) <= [180, 90]).all()
        x, y = ring[:-1].T
        doubled = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum()
        assert doubled > 0
        near = plan.sites.geometry[label]
        assert shapely.contains(shapely.Polygon(ring), near)
    with pytest.raises(LayerError, match="no CRS"):
        to_geojson(toy_plan(0, FRAME, sites=sites.set_crs(None, allow_override=True)))


def test_parquet_keeps_columns_that_mix_kinds(tmp_path):
    plan = toy_plan(3, FRAME, seed=1)
    sites = plan.sites.assign(mixed=[1, "a", None]).rename(columns={"mixed": 7})
    sites.index = pd.Index([1, "1", ("a", 2)], dtype=object)
    path = write_plan(toy_plan(0, FRAME, sites=sites), tmp_path / "a.parquet")
    back = gpd.read_parquet(path)
    assert back.index.tolist() == ["1", "1", "('a', 2)"]
    assert back["7"].tolist()[:2] == ["1", "a"]
    np.testing.assert_array_equal(back["mw"], sites["mw"])


@pytest.mark.parametrize("path", [None, 3, b"a.gpkg", "folder.gpkg", "a.shx"])
def test_what_is_no_file_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(StudyError, match=r"sites\.gpkg"):
        write_plan(plan_with(), path)


def test_a_suffix_in_capitals_is_the_same_format(tmp_path):
    with pytest.warns(DataQualityWarning, match="A_fields"):
        path = write_plan(plan_with(permanent_jobs_low=1.0), tmp_path / "A.SHP")
    assert len(gpd.read_file(path)) == 3
