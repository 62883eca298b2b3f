"""The models on the bundled layers: plausible figures, known almost everywhere."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from siteselect.infrastructure import columns, prepare, voltage_cap_mw
from siteselect.layers import datasets, spatial


def places(**lon_lat: tuple[float, float]) -> gpd.GeoDataFrame:
    lon, lat = zip(*lon_lat.values(), strict=True)
    return gpd.GeoDataFrame(
        index=list(lon_lat), geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326"
    )


def cells(states: gpd.GeoDataFrame, spacing_km: float) -> gpd.GeoDataFrame:
    left, low, right, high = states.to_crs("EPSG:5070").total_bounds / 1000
    x, y = np.meshgrid(
        np.arange(left + spacing_km / 2, right, spacing_km),
        np.arange(low + spacing_km / 2, high, spacing_km),
    )
    points = gpd.points_from_xy(x.ravel() * 1000, y.ravel() * 1000)
    grid = gpd.GeoDataFrame(geometry=points, crs="EPSG:5070").to_crs("EPSG:4326")
    inside = spatial.containing(grid, states) >= 0
    return grid[inside].reset_index(drop=True)


@pytest.fixture(scope="module")
def layers() -> dict[str, Any]:
    return datasets.load_all()


@pytest.fixture(scope="module")
def country(layers) -> gpd.GeoDataFrame:
    return prepare(cells(layers["states"], 40), layers)


@pytest.fixture(scope="module")
def texas() -> gpd.GeoDataFrame:
    area = datasets.region("Texas")
    return prepare(cells(area, 40), datasets.load_all(area))


@pytest.fixture(scope="module")
def cities(layers) -> pd.DataFrame:
    return prepare(
        places(
            phoenix=(-112.07, 33.45),
            seattle=(-122.33, 47.61),
            miami=(-80.25, 25.80),
            cheyenne=(-104.82, 41.14),
            ashburn=(-77.49, 39.04),
            abilene=(-99.73, 32.45),
            manhattan=(-73.97, 40.78),
            helena=(-112.04, 46.59),
        ),
        layers,
    )


def test_texas_is_plausible(texas):
    assert len(texas) > 350
    assert texas["state"].eq("TX").all()
    ranges = {
        "pue": (1.10, 1.31),
        "wue_l_per_kwh": (0.04, 1.81),
        "price_usd_per_mwh": (60, 75),
        "carbon_kg_per_mwh": (250, 450),
        "t_mean_c": (10, 26),
        "cost_usd_per_mw": (7e6, 9e6),
        "fixed_cost_usd": (5e6, 1.2e9),
        "lifetime_cost_usd_per_mw": (12e6, 15e6),
        "substation_km": (0, 150),
        "voltage_kv": (100, 765),
    }
    for name, (low, high) in ranges.items():
        assert texas[name].between(low, high).all(), name


def test_a_state_loaded_alone_gives_the_same_state_figures(texas, layers):
    again = prepare(texas[["geometry"]], layers)
    for name in ("county", "substation", "iecc_zone", "price_usd_per_mwh", "pue"):
        assert again[name].equals(texas[name]), name
    # Not the fiber: a second point of presence may lie beyond the loaded margin.
    for name in ("cost_usd_per_mw", "population_per_km2", "interconnection_usd"):
        np.testing.assert_allclose(again[name], texas[name], rtol=1e-9, err_msg=name)


def test_climate_orders_the_cities(cities):
    pue = cities["pue"]
    assert pue["miami"] > pue["phoenix"] > pue["ashburn"] > pue["seattle"]
    assert pue["cheyenne"] < pue["ashburn"]
    water = cities["water_m3_per_mw_year"]
    assert water["miami"] > water["phoenix"] > water["cheyenne"]
    assert cities.loc["phoenix", "t_max_c"] > cities.loc["seattle", "t_max_c"]
    assert cities.loc["miami", "wetbulb_c"] > cities.loc["helena", "wetbulb_c"] + 10
    assert cities.loc["miami", "iecc_zone"] == "1A"
    assert cities.loc["phoenix", "iecc_zone"] == "2B"


def test_places_are_where_they_are(cities):
    assert cities["county_name"].to_dict() == {
        "phoenix": "Maricopa",
        "seattle": "King",
        "miami": "Miami-Dade",
        "cheyenne": "Laramie",
        "ashburn": "Loudoun",
        "abilene": "Taylor",
        "manhattan": "New York",
        "helena": "Lewis and Clark",
    }


def test_dense_places_are_dense_and_dear(cities):
    density = cities["population_per_km2"]
    assert density["manhattan"] > 10_000
    assert density["abilene"] < 1000
    assert cities.loc["manhattan", "land_usd_per_acre"] > 5e5
    assert cities.loc["abilene", "land_usd_per_acre"] < 1.5e5


def test_wyoming_has_a_flagged_price(country):
    wyoming = country[country["state"] == "WY"]
    assert wyoming["price_fallback"].all()
    assert wyoming["price_usd_per_mwh"].between(65, 90).all()
    assert not country.loc[country["state"] != "WY", "price_fallback"].any()


def test_offshore_is_unknown_with_a_reason(layers):
    sea = prepare(places(gulf=(-92.0, 27.5)), layers).iloc[0]
    assert pd.isna(sea["county"])
    assert np.isnan(sea["cost_usd_per_mw"])
    assert sea["capacity_mw"] == 0 or np.isnan(sea["capacity_mw"])
    assert "outside every county" in sea["unknown_because"]


def test_missing_data_removes_at_most_five_percent_of_any_state(country):
    needed = [
        "county",
        "substation",
        "iecc_zone",
        "pue",
        "water_m3_per_mw_year",
        "water_available_m3_per_year",
        "carbon_kg_per_mwh",
        "price_usd_per_mwh",
        "fiber_km",
        "cost_usd_per_mw",
        "fixed_cost_usd",
        "lifetime_cost_usd_per_mw",
    ]
    missing = country[needed].isna().any(axis=1)
    assert missing.groupby(country["state"]).mean().max() <= 0.05
    unmapped = country["state"].isna().mean()
    assert unmapped < 0.001


def test_limits_find_one_figure_per_group(country):
    for group, column in (
        ("substation", "headroom_mw"),
        ("county", "water_available_m3_per_year"),
    ):
        assert country.groupby(group)[column].nunique(dropna=False).max() == 1


def test_capacity_follows_from_headroom_and_voltage(country, layers):
    hosting = layers["substations"].set_index("substation")["hosting_capacity_mw"]
    if hosting.isna().all():
        pytest.skip("the bundle holds no hosting capacity")
    expected = country["substation"].map(hosting)
    np.testing.assert_array_equal(country["headroom_mw"], expected)
    assert country["headroom_mw"].notna().mean() > 0.99
    cap = voltage_cap_mw(country["voltage_kv"])
    reachable = country["substation_km"] <= 80
    np.testing.assert_array_equal(
        country["capacity_mw"],
        np.where(reachable, np.minimum(country["headroom_mw"], cap), 0.0),
    )
    # Enough for a program of several GW, and not the plain sum of ratings.
    assert 100 < country["capacity_mw"].median() < 1500


def test_candidates_at_substations_keep_their_columns(layers):
    big = layers["substations"].query("voltage_kv >= 500 and state == 'OH'")
    ready = prepare(big, layers)
    assert len(ready) > 5
    assert ready["substation_km"].eq(0).all()
    for name in ("substation", "voltage_kv", "state"):
        assert ready[name].equals(big[name])
    np.testing.assert_array_equal(ready["headroom_mw"], big["hosting_capacity_mw"])


def test_evidence_is_passed_on(country):
    record = country.attrs["siteselect"]["prepare"]
    assert record["evidence"]["substations"] == "synthetic"
    assert record["evidence"]["fiber"] == "proxy"
    assert record["usd_year"] == 2025
    assert set(record["columns"]) == set(columns().index)
