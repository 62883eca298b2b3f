"""A small made-up world: four counties in two states, with every layer."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
from shapely import Point, box

# Counties of half a degree along 40 degrees north, from west to east.
COUNTIES = ("05001", "05002", "48001", "48002")
STATES = ("CO", "CO", "TX", "TX")


def boxes() -> list[Any]:
    return [box(-102 + i, 39.5, -101 + i, 40.5) for i in range(4)]


def frame(geometry: list[Any], **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326")


def toy_layers() -> dict[str, Any]:
    states = [box(-102, 39.5, -100, 40.5), box(-100, 39.5, -98, 40.5)]
    return {
        "counties": frame(
            boxes(),
            county=list(COUNTIES),
            county_name=["West", "Mid", "Near", "East"],
            state=list(STATES),
        ),
        "substations": frame(
            [
                Point(-101.5, 40.0),
                Point(-101.4, 40.0),
                Point(-99.5, 40.0),
                Point(-98.5, 40.0),
                Point(-98.5, 40.01),
            ],
            substation=["big", "small", "unknown", "low", "high"],
            voltage_kv=[345.0, 138.0, 230.0, 69.0, 500.0],
            hosting_capacity_mw=[1200.0, 150.0, None, None, 90.0],
        ),
        "climate_zones": frame(
            boxes(), county=list(COUNTIES), iecc_zone=["5B", "4C", "2B", None]
        ),
        "water_stress": frame(
            boxes(),
            county=list(COUNTIES),
            water_available_m3_per_year=[1e7, 2e7, 0.0, None],
        ),
        "population": frame(
            boxes(),
            county=list(COUNTIES),
            density_per_km2=[5.0, 100.0, 1000.0, 50.0],
            home_value_usd=[281_900.0, 563_800.0, 281_900.0, None],
        ),
        "population_points": frame(
            [Point(-101.5, 40.0), Point(-101.5, 40.12), Point(-99.5, 40.0)],
            population=[31415.0, 1000.0, 400_000.0],
            land_km2=[10.0, 10.0, 10.0],
        ),
        "state_energy": frame(
            states,
            state=["CO", "TX"],
            price_usd_per_mwh=[85.0, 66.0],
            carbon_kg_per_mwh=[500.0, 350.0],
            subregion=["RMPA", "ERCT"],
        ),
        "fiber": frame(
            [Point(-101.5, 40.0), Point(-98.5, 40.0)],
            place=["a", "b"],
            n_carriers=[3, 2],
        ),
    }


def toy_sites() -> gpd.GeoDataFrame:
    """One site per county, one offshore, with an extra column and odd labels."""
    points = [
        Point(-101.5, 40.05),
        Point(-100.5, 40.0),
        Point(-99.5, 40.0),
        Point(-98.5, 40.0),
        Point(-90.0, 40.0),
    ]
    sites = frame(points, owner=["p", "q", "r", "s", "t"])
    sites.index = pd.Index(["w", "m", "n", "e", "sea"], name="site")
    return sites
