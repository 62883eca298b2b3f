"""The synthetic transmission network, and the real county balance of 2015."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from recipes.boundaries import in_states
from recipes.common import Layer, narrow, points, rounded, table

WHEEL = "powersimdata-0.5.5"
FOLDER = "powersimdata/network/usa_tamu/data/"
MIN_KV = 100.0


@cache
def _csv(name: str) -> pd.DataFrame:
    frame = table(WHEEL, f"{FOLDER}{name}.csv")
    return frame


@cache
def buses() -> pd.DataFrame:
    """Return one row per bus with its substation."""
    bus = _csv("bus").merge(_csv("bus2sub")[["bus_id", "sub_id"]], on="bus_id")
    return bus.sort_values("bus_id").reset_index(drop=True)


def substation_name(sub_id: pd.Series) -> pd.Series:
    """Return the label of a model substation; never a real facility's name."""
    return "model substation " + sub_id.astype(int).astype(str)


@cache
def branches() -> pd.DataFrame:
    """Return one row per branch with the voltage and substation of both ends."""
    bus = buses().set_index("bus_id")
    out = _csv("branch").sort_values("branch_id").reset_index(drop=True)
    for end in ("from", "to"):
        ids = out[f"{end}_bus_id"]
        out[f"{end}_kv"] = bus["baseKV"].loc[ids].to_numpy()
        out[f"{end}_sub"] = bus["sub_id"].loc[ids].to_numpy()
    out["rating"] = out["rateA"].where(out["rateA"] > 0)
    return out


@cache
def substations() -> gpd.GeoDataFrame:
    """Return the model substations with what is connected to them."""
    sub = _csv("sub").sort_values("sub_id").reset_index(drop=True)
    bus = buses()
    by_sub = bus.groupby("sub_id")
    plant = _csv("plant").merge(bus[["bus_id", "sub_id"]], on="bus_id")
    line = branches()
    line = line[line["from_sub"] != line["to_sub"]]
    ends = pd.concat(
        [
            line[["from_sub", "rating"]].set_axis(["sub_id", "rating"], axis=1),
            line[["to_sub", "rating"]].set_axis(["sub_id", "rating"], axis=1),
        ]
    )
    frame = pd.DataFrame(
        {
            "substation": substation_name(sub["sub_id"]),
            "voltage_kv": sub["sub_id"].map(by_sub["baseKV"].max()),
            "load_mw": sub["sub_id"].map(by_sub["Pd"].sum()).round(2),
            "generation_mw": sub["sub_id"]
            .map(plant.groupby("sub_id")["Pmax"].sum())
            .fillna(0.0)
            .round(2),
            "line_mva": sub["sub_id"]
            .map(ends.groupby("sub_id")["rating"].sum(min_count=1))
            .round(1),
            "hosting_capacity_mw": np.nan,
            "interconnection": sub["interconnect"],
            "lon": sub["lon"],
            "lat": sub["lat"],
        }
    )
    out = points(frame, "lon", "lat")
    out["state"] = in_states(out)
    out["sub_id"] = sub["sub_id"]
    return out


def _substation_layer() -> pd.DataFrame:
    out = substations().copy()
    columns = [
        "substation", "voltage_kv", "load_mw", "generation_mw", "line_mva",
        "hosting_capacity_mw", "interconnection", "state", "geometry",
    ]  # fmt: skip
    return narrow(out[columns])


def _lines() -> pd.DataFrame:
    line = branches()
    line = line[
        (line["from_sub"] != line["to_sub"])
        & (line[["from_kv", "to_kv"]].min(axis=1) >= MIN_KV)
    ]
    where = substations().set_index("sub_id").geometry
    start = shapely.get_coordinates(where.loc[line["from_sub"]].to_numpy())
    end = shapely.get_coordinates(where.loc[line["to_sub"]].to_numpy())
    shape = shapely.linestrings(np.stack([start, end], axis=1))
    frame = gpd.GeoDataFrame(
        {
            "line": ("model line " + line["branch_id"].astype(str)).to_numpy(),
            "voltage_kv": line[["from_kv", "to_kv"]].max(axis=1).to_numpy(),
            "rating_mva": line["rating"].round(1).to_numpy(),
            "from_substation": substation_name(line["from_sub"]).to_numpy(),
            "to_substation": substation_name(line["to_sub"]).to_numpy(),
        },
        geometry=shape,
        crs=4326,
    )
    # Two model substations may share a place: such a line has no length.
    frame = frame[~(start == end).all(axis=1)]
    return narrow(rounded(frame))


SYNTHETIC = dict(
    evidence="synthetic",
    source="Synthetic US transmission network of Texas A&M University (TAMU), as "
    "extended by Breakthrough Energy Sciences",
    packages=("powersimdata 0.5.5 (PyPI)",),
    licence="MIT (powersimdata); network published for any use by TAMU",
    attribution="Texas A&M University synthetic network; Breakthrough Energy "
    "Sciences, powersimdata",
    vintage="2016 base case",
)
NOT_REAL = (
    "Not the real grid: a statistically realistic synthetic network. No substation, "
    "line or plant here is a facility that can be visited, and none may be named as "
    "one."
)

LAYERS = [
    Layer(
        name="substations",
        kind="points",
        title="Substations of a synthetic US transmission network",
        resolution_km=10.0,
        what_was_done="Buses joined to substations: highest voltage, summed load, "
        "summed plant capacity, summed ratings of the rated lines that end there "
        "(NaN where none is rated). State of the point, or the nearest state within "
        "0.1 degree off the generalised coast; missing for offshore wind. hosting_capacity_mw is not filled yet.",
        not_this=NOT_REAL,
        units={
            "substation": "label",
            "voltage_kv": "kV (highest bus)",
            "load_mw": "MW",
            "generation_mw": "MW of plant capacity",
            "line_mva": "MVA, sum of rated lines",
            "hosting_capacity_mw": "MW",
            "interconnection": "Eastern, Western or Texas",
            "state": "USPS code",
        },
        make=_substation_layer,
        id_column="substation",
        **SYNTHETIC,
    ),
    Layer(
        name="lines",
        kind="lines",
        title="Transmission lines of at least 100 kV of a synthetic US network",
        resolution_km=10.0,
        what_was_done="Branches between different substations with at least 100 kV "
        "at both ends, drawn as straight segments; a rating of 0 means unlimited in "
        "the source and is NaN here.",
        not_this=NOT_REAL + " A straight segment is not a route. 62 % of its length "
        "at 230 kV and above lies within 10 km of a real line of that class, against "
        "36 % of random land.",
        units={
            "line": "label",
            "voltage_kv": "kV",
            "rating_mva": "MVA (NaN: unlimited in the source)",
            "from_substation": "label",
            "to_substation": "label",
        },
        make=_lines,
        id_column="line",
        **SYNTHETIC,
    ),
]
