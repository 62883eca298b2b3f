"""Interconnection queues and hosting-capacity maps."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from published import bomb, html_page, measured, table, workbook

import siteselect as ss

NAMES_2024 = [
    "q_id", "q_status", "q_date", "prop_date", "on_date", "wd_date", "ia_date",
    "IA_status_raw", "IA_status_clean", "county", "state", "fips_codes", "poi_name",
    "region", "project_name", "utility", "entity", "developer", "cluster", "service",
    "project_type", "type1", "type2", "type3", "mw1", "mw2", "mw3", "type_clean",
    "q_year", "prop_year",
]  # fmt: skip


def row(number, status, agreement, fips, mw, second="NA"):
    return [
        number, status, 44200, 46022, "NA", "NA", "NA", "raw", agreement, "Nolan", "TX",
        fips, "Bluff Creek 345 kV", "ERCOT", "NA", "Oncor", "ERCOT", "NA", "NA", "NA",
        "Hybrid", "Solar", "Battery", "NA", mw, second, "NA", "Solar+Battery", 2021,
        2026,
    ]  # fmt: skip


ROWS = [
    row("21INR1", "active", "IA Executed", 48353, 200.5, 100),
    row("21INR2", "active", "Facility Study", 48353, "NA"),
    row("21INR3", "active", "IA Executed", "48353, 48441", 50),
    row("21INR4", "withdrawn", "Withdrawn", 48353, 900),
]
MORE = [row("21INR5", "active", "IA Not Executed", "01001", 10)]


def book(path, names, rows):
    return workbook(
        path,
        {
            "01. Cover": [["Queued Up", "data through 2024"]],
            "02. Codebook": [["field", "what"], ["q_id", "queue number"]],
            "03. Complete Queue Data": [["Complete Queue Data"], names, *rows],
        },
    )


@pytest.mark.parametrize("through", [2024, 2025])
def test_the_editions_give_the_same_queue(tmp_path, through):
    renamed = {
        "mw1": "mw_1",
        "mw2": "mw_2",
        "IA_status_clean": "IA_phase_clean",
        "fips_codes": "fips_code",
    }
    names = [renamed.get(n, n) if through == 2025 else n for n in NAMES_2024]
    queue = ss.releases.lbnl_queue(book(tmp_path / "q.xlsx", names, ROWS + MORE))
    assert queue["project"].tolist() == ["21INR1", "21INR2", "21INR3", "21INR5"]
    np.testing.assert_array_equal(queue["queued_mw"], [200.5, np.nan, 50, 10])
    np.testing.assert_array_equal(queue["second_mw"], [100, np.nan, np.nan, np.nan])
    assert queue["county"].tolist() == ["48353", "48353", np.nan, "01001"]
    assert queue["agreement"].tolist()[:2] == ["IA Executed", "Facility Study"]
    assert queue["planned_year"].eq(2026).all()
    assert "withdrawn" in ss.layer_info(queue).not_this
    counties = ss.releases.queue_by_county(queue)
    assert counties.loc["48353"].tolist() == [2, 200.5, 200.5, 1, 0]
    assert counties.loc["01001"].tolist() == [1, 10, 0, 0, 0]
    placed = ss.releases.on_places(counties, ss.datasets.load("counties"), "county")
    at = placed.set_index("county")["queued_mw"]
    assert (at["48353"], at.notna().sum()) == (200.5, 2)
    assert ss.layer_info(placed).name == "lbnl_queue"


def test_what_may_be_agreed_is_not_zero():
    rows = [
        ("00001", "IA Executed", np.nan, np.nan),
        ("00002", None, 70.0, np.nan),
        ("00003", "Facility Study", np.nan, 0.0),
        ("00004", "IA Executed", 50.0, 50.0),
        ("00004", "IA Executed", np.nan, 50.0),
        ("00004", None, 20.0, 50.0),
    ]
    queue = pd.DataFrame(
        {
            "county": [r[0] for r in rows],
            "agreement": [r[1] for r in rows],
            "queued_mw": [r[2] for r in rows],
        }
    )
    counties = ss.releases.queue_by_county(queue)
    for county, _, _, agreed in rows:
        np.testing.assert_array_equal(counties.loc[county, "agreed_mw"], agreed)
    assert counties["requests_of_unknown_mw"].tolist() == [1, 0, 1, 1]
    assert counties["requests_of_unknown_agreement"].tolist() == [0, 1, 0, 1]
    # A layout without agreements says of no county that nothing is agreed.
    silent = ss.releases.queue_by_county(queue.assign(agreement=np.nan))
    assert silent["agreed_mw"].isna().all()
    assert ss.layer_info(silent).units["requests_of_unknown_mw"] == "requests"


def test_the_digits_of_a_state_are_no_county(tmp_path):
    rows = [
        row("1", "active", "IA Executed", 48, 5),
        row("2", "active", "IA Executed", 1001, 5),
    ]
    queue = ss.releases.lbnl_queue(book(tmp_path / "q.xlsx", NAMES_2024, rows))
    assert queue["county"].tolist() == [np.nan, "01001"]


def test_other_statuses_are_asked_for_by_name(tmp_path):
    path = book(tmp_path / "q.xlsx", NAMES_2024, ROWS)
    both = ss.releases.lbnl_queue(path, statuses=["active", "withdrawn"])
    assert len(both) == 4
    with pytest.raises(ss.LayerError, match="Did you mean 'withdrawn'"):
        ss.releases.lbnl_queue(path, statuses="withdrwan")


def test_other_tables_are_refused(tmp_path):
    with pytest.raises(ss.LayerError, match="reads the sheet Complete Queue Data"):
        ss.releases.lbnl_queue(workbook(tmp_path / "a.xlsx", {"x": [["a"], ["b"]]}))
    names = [n.replace("q_status", "status") for n in NAMES_2024]
    with pytest.raises(ss.LayerError, match="'q_status'.*Did you mean"):
        ss.releases.lbnl_queue(book(tmp_path / "b.xlsx", names, ROWS))
    bad = [row("21INR9", "active", "IA Executed", 48353, "two hundred")]
    with pytest.raises(ss.LayerError, match="'mw1'.*line 7, e.g. 'two hundred'"):
        ss.releases.lbnl_queue(book(tmp_path / "c.xlsx", NAMES_2024, ROWS + bad))
    with pytest.raises(ss.LayerError, match="web page"):
        ss.releases.lbnl_queue(html_page(tmp_path, "queue.csv"))
    with pytest.raises(ss.LayerError, match="empty"):
        ss.releases.lbnl_queue(table(tmp_path / "e.csv", ""))
    with pytest.raises(ss.LayerError, match="unpacks from"):
        ss.releases.lbnl_queue(bomb(tmp_path, "q.zip", "queue.csv"))
    with pytest.raises(ss.LayerError, match="needed"):
        ss.releases.queue_by_county(pd.DataFrame({"a": [1]}))


# --------------------------------------------------------------- hosting capacity


def feeders():
    return gpd.GeoDataFrame(
        {
            "CircuitName": ["12-A", "12-B", "12-C"],
            "Load_HC_kW": [3500.0, -1.0, 0.0],
            "kVLine": [12.47, 12.47, 34.5],
        },
        geometry=[
            shapely.LineString([(-97 + i, 32), (-97 + i, 32.1)]) for i in range(3)
        ],
        crs=4326,
    )


def test_a_map_is_read_by_the_names_that_the_caller_gives(tmp_path):
    feeders().to_file(tmp_path / "map.geojson")
    layer = ss.releases.hosting_capacity(
        tmp_path / "map.geojson",
        capacity="Load_HC_kW",
        unit="kW",
        serves="load",
        feeder="CircuitName",
        kv="kVLine",
        unknown=[-1],
    )
    np.testing.assert_array_equal(layer["hosting_capacity_mw"], [3.5, np.nan, 0])
    assert layer["serves"].eq("load").all()
    assert "must not be added" in ss.layer_info(layer).not_this
    sites = gpd.GeoDataFrame(geometry=gpd.points_from_xy([-97.0], [32.05]), crs=4326)
    best = ss.Within(layer, radius_km=300, max="hosting_capacity_mw")
    assert measured(sites, best).tolist() == [3.5]


def test_a_map_with_other_columns_or_units_is_refused():
    given = {"capacity": "Load_HC_kW", "unit": "kW", "serves": "load"}
    for change, word in (
        ({"capacity": "Load_HC"}, "Did you mean 'Load_HC_kW'"),
        ({"unit": "GW"}, "kW, MVA"),
        ({"serves": "both"}, "generation are allowed"),
        ({}, "too small"),
        ({"kv": "volts"}, "'volts'"),
        ({"kv": "in_volts", "unknown": [-1]}, "too large"),
    ):
        with pytest.raises(ss.LayerError) as caught:
            ss.releases.hosting_capacity(
                feeders().assign(in_volts=12_470.0), **{**given, **change}
            )
        assert word in str(caught.value)
