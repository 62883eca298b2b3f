"""Files of a plan: round trips, content, the same bytes twice, whole or not at all."""

from __future__ import annotations

import io
import json

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pandas.testing import assert_frame_equal
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

from siteselect.errors import LayerError, StudyError
from siteselect.reporting import (
    fingerprint,
    plan_record,
    plot_plan,
    sites_table,
    to_csv_text,
    to_text,
    write_map,
    write_plan,
)
from siteselect.reporting.files import whole_file


@pytest.fixture(scope="module")
def plan():
    return toy_plan(9, toy_candidates(spacing_km=90), seed=4)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson"])
def test_places_come_back_as_they_went(plan, tmp_path, suffix):
    path = write_plan(plan, tmp_path / f"sites{suffix}")
    if suffix == ".parquet":
        back = gpd.read_parquet(path)
    else:
        kwargs = {"layer": "sites"} if suffix == ".gpkg" else {}
        back = gpd.read_file(path, **kwargs).set_index("site")
    assert back.index.tolist() == plan.sites.index.tolist()
    np.testing.assert_array_equal(back["mw"], plan.sites["mw"])
    np.testing.assert_allclose(back["score"], plan.sites["score"], rtol=1e-15)
    assert back.crs == plan.sites.crs
    away = shapely.distance(back.geometry.to_numpy(), plan.sites.geometry.to_numpy())
    assert away.max() < (1e-6 if suffix == ".geojson" else 1e-12)


def test_the_geopackage_also_holds_the_limits(plan, tmp_path):
    path = write_plan(plan, tmp_path / "sites.gpkg")
    assert {str(name) for name in pyogrio.list_layers(path)[:, 0]} == {
        "sites",
        "limits",
        "layer_styles",
    }
    limits = pyogrio.read_dataframe(path, layer="limits", read_geometry=False)
    assert limits["limit"].tolist() == ["power", "budget"]


def test_csv_leads_with_the_telling_columns_and_keeps_precision(plan, tmp_path):
    path = write_plan(plan, tmp_path / "sites.csv")
    back = pd.read_csv(path, index_col="site")
    assert back.columns[:3].tolist() == ["mw", "score", "state"]
    table = sites_table(plan)
    assert back.index.tolist() == table.index.tolist()
    assert back["mw"].is_monotonic_decreasing
    np.testing.assert_allclose(back["score"], table["score"], rtol=1e-15)
    np.testing.assert_allclose(back["lon"], table["lon"])


def test_json_says_what_was_proved_and_from_what(plan, tmp_path):
    path = write_plan(plan, tmp_path / "plan.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["status"] == "optimal"
    assert record["objective"] == plan.objective
    assert record["bound"] == plan.bound
    assert record["gap"] == plan.gap
    assert record["total_mw"] == plan.sites["mw"].sum()
    assert len(record["sites"]) == 9
    assert {row["site"] for row in record["sites"]} == set(plan.sites.index)
    assert record["inputs"]["candidates"] == fingerprint(plan.candidates)
    assert {"siteselect", "pulp", "highspy", "python"} <= set(record["versions"])
    assert "flood" in record["not_checked"]
    assert "model buses" in record["synthetic_network"]
    assert [item["name"] for item in record["criteria"]] == ["grid", "solar"]
    assert record["limits"][0]["binding"] is True
    assert record["limits"][1]["price"] is None


def test_json_has_no_number_that_json_does_not_know(plan):
    odd = toy_plan(3, plan.candidates, bound=float("inf"), gap=float("nan"))
    record = plan_record(odd)
    assert record["bound"] is None
    assert record["gap"] is None
    json.dumps(record, allow_nan=False)


def test_a_fingerprint_moves_with_anything_that_counts(plan):
    frame = plan.candidates
    same = fingerprint(frame)
    assert fingerprint(frame.copy()) == same
    assert fingerprint(frame.iloc[::-1]) != same
    assert fingerprint(frame.rename(columns={"state": "land"})) != same
    assert fingerprint(frame.to_crs(3857)) != same
    assert fingerprint(frame.assign(score=frame["score"] + 1e-12)) != same
    moved = frame.set_geometry(frame.geometry.translate(1e-9))
    assert fingerprint(moved) != same


@pytest.mark.parametrize("name", ["a.gpkg", "a.csv", "a.json", "a.geojson", "a.xlsx"])
def test_the_same_plan_gives_the_same_bytes(plan, tmp_path, name):
    first = write_plan(plan, tmp_path / name).read_bytes()
    (tmp_path / "other").mkdir()
    again = toy_plan(9, toy_candidates(spacing_km=90), seed=4)
    assert write_plan(again, tmp_path / "other" / name).read_bytes() == first


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_map_has_the_same_bytes_twice(plan, tmp_path, suffix):
    seen = set()
    for name in ("a", "b"):
        ax = plot_plan(plan, base=False)
        seen.add(write_map(ax, tmp_path / f"{name}{suffix}", dpi=60).read_bytes())
        plt.close(ax.figure)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "suffix", [".gpkg", ".parquet", ".geojson", ".csv", ".json", ".xlsx"]
)
def test_an_empty_plan_is_written_too(plan, tmp_path, suffix):
    empty = toy_plan(0, plan.candidates)
    path = write_plan(empty, tmp_path / f"sites{suffix}")
    assert path.stat().st_size > 0
    if suffix == ".gpkg":
        assert len(gpd.read_file(path, layer="sites")) == 0


def test_what_was_there_stays_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail_halfway():
        with whole_file(path) as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_unknown_suffix_missing_folder_and_missing_crs_are_refused(plan, tmp_path):
    with pytest.raises(StudyError, match="suffix"):
        write_plan(plan, tmp_path / "sites.doc")
    with pytest.raises(StudyError, match="folder"):
        write_plan(plan, tmp_path / "no" / "sites.csv")
    bare = toy_plan(
        0, plan.candidates, sites=plan.sites.set_crs(None, allow_override=True)
    )
    with pytest.raises(LayerError, match="CRS"):
        write_plan(bare, tmp_path / "sites.gpkg")


def test_hostile_text_survives_as_text(plan, tmp_path):
    sites = plan.sites.assign(why=HOSTILE, note='a,"b"\nc')
    odd = toy_plan(0, plan.candidates, sites=sites)
    back = pd.read_csv(write_plan(odd, tmp_path / "a.csv"), index_col="site")
    assert (back["why"] == HOSTILE).all()
    assert (back["note"] == 'a,"b"\nc').all()
    stored = gpd.read_file(write_plan(odd, tmp_path / "a.gpkg"), layer="sites")
    assert (stored["why"] == HOSTILE).all()


def test_text_tables_keep_one_line_a_row(plan):
    table = pd.DataFrame({"a": ["x\ny", "z"], "b": [1234.5, np.nan]})
    assert len(to_text(table).splitlines()) == 3
    assert "1,234" in to_text(table)
    back = pd.read_csv(io.StringIO(to_csv_text(table)), index_col=0)
    assert_frame_equal(back, table, check_names=False)


def test_no_cell_of_a_csv_is_a_formula():
    bad = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
    good = ["-5", "+3.5", "a=b", "1-2", "plain"]
    table = pd.DataFrame(
        {"text": [*bad, *good], "mw": -1.5, "=head": [None, *range(10)]},
        index=[*bad, *good],
    )
    text = to_csv_text(table)
    back = pd.read_csv(
        io.StringIO(text), index_col=0, dtype={"text": str}, keep_default_na=False
    )
    wanted = [f"'{cell}".replace("\r", "\n") for cell in bad] + good
    assert back.index.tolist() == wanted
    assert back["text"].tolist() == wanted
    assert (back["mw"].astype(float) == -1.5).all()
    assert "'=head" in back
    assert table.index.tolist() == [*bad, *good]
