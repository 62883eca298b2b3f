"""The synthetic transmission network, and the real county balance of 2015."""

from __future__ import annotations

import hashlib
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from recipes.boundaries import counties, in_states
from recipes.common import (
    DOWNLOADS,
    ROOT,
    Layer,
    narrow,
    points,
    rounded,
    table,
)
from recipes.water import interflow

from siteselect.infrastructure.grid import Network, hosting_capacity

WHEEL = "powersimdata-0.5.5"
FOLDER = "powersimdata/network/usa_tamu/data/"
MIN_KV = 100.0
CUTOFF = 0.05  # smallest transfer factor at which a line counts


@cache
def _csv(name: str) -> pd.DataFrame:
    return table(WHEEL, f"{FOLDER}{name}.csv")


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


@cache
def hosting() -> pd.Series:
    """Return the hosting capacity [MW] of every bus of at least 100 kV.

    One DC power flow per bus, a few minutes in all: the answer is kept beside the
    downloads, under a name made from the tables and from the code that answers.
    """
    tables = (grid_buses(), grid_branches(), grid_generators())
    key = hashlib.sha256()
    for frame in tables:
        key.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    for path in sorted((ROOT / "siteselect/infrastructure/grid").glob("*.py")):
        key.update(path.read_bytes())
    kept = DOWNLOADS / f"hosting-{key.hexdigest()[:16]}.parquet"
    if kept.exists():
        return pd.read_parquet(kept)["hosting_capacity_mw"]
    parts = []
    for name in ("Texas", "Western", "Eastern"):
        bus = tables[0][tables[0]["interconnection"] == name]
        mine = set(bus["bus"])
        network = Network.from_tables(
            bus,
            tables[1][tables[1]["from_bus"].isin(mine)],
            tables[2][tables[2]["bus"].isin(mine)],
        )
        asked = bus.loc[bus["base_kv"] >= MIN_KV, "bus"]

        def say(done: int, total: int, name: str = name) -> None:
            if done == total or done % 4096 == 0:
                print(f"  hosting capacity, {name}: {done} of {total}", flush=True)

        found = hosting_capacity(network, asked, cutoff=CUTOFF, progress=say)
        parts.append(pd.Series(found, index=asked.to_numpy()))
    out = pd.concat(parts).rename_axis("bus").rename("hosting_capacity_mw")
    part = kept.with_suffix(".part")
    out.reset_index().set_index("bus").to_parquet(part)
    part.replace(kept)
    return out


def _substation_layer() -> pd.DataFrame:
    out = substations().copy()
    sub = buses().set_index("bus_id")["sub_id"]
    best = hosting().groupby(sub).max().round(1)
    out["hosting_capacity_mw"] = out["sub_id"].map(best)
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


def _plants() -> pd.DataFrame:
    plant = _csv("plant").sort_values("plant_id")
    bus = buses().set_index("bus_id")
    sub = bus["sub_id"].loc[plant["bus_id"]].to_numpy()
    frame = gpd.GeoDataFrame(
        {
            "plant": ("model plant " + plant["plant_id"].astype(str)).to_numpy(),
            "fuel": plant["type"].map(FUELS).to_numpy(),
            "capacity_mw": plant["Pmax"].round(2).to_numpy(),
            "substation": substation_name(pd.Series(sub)).to_numpy(),
        },
        geometry=substations().set_index("sub_id").geometry.loc[sub].to_numpy(),
        crs=4326,
    )
    return narrow(frame)


FUELS = {
    "ng": "gas",
    "hydro": "hydro",
    "dfo": "oil",
    "solar": "solar",
    "coal": "coal",
    "wind": "wind",
    "other": "other",
    "nuclear": "nuclear",
    "wind_offshore": "offshore wind",
    "geothermal": "geothermal",
}


@cache
def grid_buses() -> pd.DataFrame:
    """Return the buses with their load."""
    bus = buses()
    return pd.DataFrame(
        {
            "bus": bus["bus_id"].astype("int32"),
            "base_kv": bus["baseKV"].astype("float32"),
            "load_mw": bus["Pd"].astype("float32"),
            "interconnection": bus["interconnect"],
            "substation": substation_name(bus["sub_id"]),
        }
    )


@cache
def grid_branches() -> pd.DataFrame:
    """Return the branches with reactance and rating."""
    line = branches()
    # In DC flow a tap scales the reactance; 0 stands for "no transformer".
    tap = line["ratio"].where(line["ratio"] > 0, 1.0)
    return pd.DataFrame(
        {
            "branch": line["branch_id"].astype("int32"),
            "from_bus": line["from_bus_id"].astype("int32"),
            "to_bus": line["to_bus_id"].astype("int32"),
            "x_pu": (line["x"] * tap).astype("float32"),
            "rating_mva": line["rating"].astype("float32"),
            "kind": line["branch_device_type"].map(
                {
                    "Line": "line",
                    "Transformer": "transformer",
                    "TransformerWinding": "transformer winding",
                }
            ),
        }
    )


@cache
def grid_generators() -> pd.DataFrame:
    """Return the generators with their output in the base case."""
    plant = _csv("plant").sort_values("plant_id").reset_index(drop=True)
    runs = plant["status"] == 1
    return pd.DataFrame(
        {
            "generator": plant["plant_id"].astype("int32"),
            "bus": plant["bus_id"].astype("int32"),
            "p_mw": plant["Pg"].where(runs, 0.0).astype("float32"),
            "p_max_mw": plant["Pmax"].astype("float32"),
            "fuel": plant["type"].map(FUELS),
            "status": plant["status"].astype("int32"),
        }
    )


def _dclines() -> pd.DataFrame:
    line = _csv("dcline").sort_values("dcline_id").reset_index(drop=True)
    return pd.DataFrame(
        {
            "dcline": line["dcline_id"].astype("int32"),
            "from_bus": line["from_bus_id"].astype("int32"),
            "to_bus": line["to_bus_id"].astype("int32"),
            "p_mw": line["Pf"].astype("float32"),
            "p_min_mw": line["Pmin"].astype("float32"),
            "p_max_mw": line["Pmax"].astype("float32"),
        }
    )


BBTU_PER_DAY_TO_MW = 1e9 * 2.9307107e-7 / 24.0  # 1 BTU = 2.9307107e-7 MWh


def _balance() -> pd.DataFrame:
    raw = interflow()
    energy = raw[raw["units"] == "bbtu"]
    made = energy[(energy["S1"] == "EGS") & (energy["T1"] == "EGD")]
    used = energy[energy["S1"] == "EGD"]
    index = counties()["county"]
    known = pd.Index(raw["region"].unique())
    out = pd.DataFrame(index=index)
    for name, flow in (("generation_mw", made), ("demand_mw", used)):
        total = flow.groupby("region")["value"].sum() * BBTU_PER_DAY_TO_MW
        out[name] = total.reindex(known, fill_value=0.0)
    out["balance_mw"] = out["generation_mw"] - out["demand_mw"]
    return narrow(out.round(3).reset_index())


SYNTHETIC = {
    "evidence": "synthetic",
    "source": "Synthetic US transmission network of Texas A&M University (TAMU), as "
    "extended by Breakthrough Energy Sciences",
    "packages": ("powersimdata 0.5.5 (PyPI)",),
    "licence": "MIT (powersimdata)",
    "attribution": "Texas A&M University synthetic network; Breakthrough Energy "
    "Sciences, powersimdata",
    "vintage": "2016 base case",
}
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
        "0.1 degree off the generalised coast; missing for offshore wind. "
        "hosting_capacity_mw: the largest new load that one bus of the substation can "
        "take in a DC power flow, the largest over its buses of at least 100 kV (NaN "
        "below). The load is served pro rata by spare generation of its "
        f"interconnection; lines with a transfer factor of at least {CUTOFF:.0%} may "
        "not exceed their rating, overloaded ones are held at their flow; generators "
        "of the base case are scaled to the load; DC lines between and inside "
        "interconnections are left out.",
        not_this=NOT_REAL + " hosting_capacity_mw covers no outage, voltage, stability "
        "or short circuit, no committed load; capacities of two substations do not "
        "add up; a utility's own study supersedes it.",
        extra={"transfer_factor_cutoff": CUTOFF, "min_kv": MIN_KV},
        units={
            "substation": "label",
            "voltage_kv": "kV (highest bus)",
            "load_mw": "MW",
            "generation_mw": "MW of plant capacity",
            "line_mva": "MVA, sum of rated lines",
            "hosting_capacity_mw": "MW (NaN below 100 kV)",
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
    Layer(
        name="plants",
        kind="points",
        title="Power plants of a synthetic US network",
        resolution_km=10.0,
        what_was_done="Generators at the place of their substation; capacity is Pmax.",
        not_this=NOT_REAL,
        units={
            "plant": "label",
            "fuel": "name",
            "capacity_mw": "MW",
            "substation": "label",
        },
        make=_plants,
        id_column="plant",
        **SYNTHETIC,
    ),
    Layer(
        name="grid_buses",
        kind="table",
        title="Buses of the synthetic network",
        what_was_done="Loads live here (Pd). Rows in the order of the bus number.",
        not_this=NOT_REAL,
        units={
            "bus": "number",
            "base_kv": "kV",
            "load_mw": "MW",
            "interconnection": "Eastern, Western or Texas",
            "substation": "label of the substations layer",
        },
        make=grid_buses,
        id_column="bus",
        **SYNTHETIC,
    ),
    Layer(
        name="grid_branches",
        kind="table",
        title="Lines and transformers of the synthetic network",
        what_was_done="Reactance times tap ratio, on a 100 MVA base; it is negative in "
        "star points of three-winding transformers and must stay so. A rating of 0 "
        "means unlimited in the source and is NaN here. Five phase shifts are left "
        "out.",
        not_this=NOT_REAL,
        units={
            "branch": "number",
            "from_bus": "number of the bus",
            "to_bus": "number of the bus",
            "x_pu": "per unit on 100 MVA",
            "rating_mva": "MVA (NaN: unlimited in the source)",
            "kind": "line, transformer or transformer winding",
        },
        make=grid_branches,
        id_column="branch",
        **SYNTHETIC,
    ),
    Layer(
        name="grid_generators",
        kind="table",
        title="Generators of the synthetic network",
        what_was_done="Output of the base case (Pg, 0 where the generator is off) and "
        "capacity (Pmax); in the source Pg exceeds Pmax in places.",
        not_this=NOT_REAL,
        units={
            "generator": "number, as in the plants layer",
            "bus": "number of the bus",
            "p_mw": "MW in the base case",
            "p_max_mw": "MW",
            "fuel": "name",
            "status": "1 on, 0 off in the base case",
        },
        make=grid_generators,
        id_column="generator",
        **SYNTHETIC,
    ),
    Layer(
        name="grid_dclines",
        kind="table",
        title="DC lines of the synthetic network",
        what_was_done="Sending-end flow of the base case. The published base case "
        "balances without most of them; hosting_capacity_mw leaves them out.",
        not_this=NOT_REAL,
        units={
            "dcline": "number",
            "from_bus": "number of the bus",
            "to_bus": "number of the bus",
            "p_mw": "MW in the base case",
            "p_min_mw": "MW",
            "p_max_mw": "MW",
        },
        make=_dclines,
        id_column="dcline",
        **SYNTHETIC,
    ),
    Layer(
        name="grid_balance",
        kind="table",
        join="counties",
        title="Electricity generated and used by county, 2015",
        evidence="measured",
        source="US Energy Information Administration 2015, as prepared by PNNL's "
        "interflow",
        packages=("interflow 1.0.4 (PyPI)",),
        licence="BSD-2-Clause (interflow); EIA data public domain",
        attribution="EIA; Pacific Northwest National Laboratory, interflow",
        vintage="2015",
        resolution_km=50.0,
        what_was_done="Yearly averages in MW (1 billion BTU a day = 12.211 MW): "
        "generation of all plants; demand of homes, commerce, industry, water and "
        "transport; balance = generation minus demand.",
        not_this="Not spare capacity and not today's: averages of 2015, with demand "
        "partly shared out from states by PNNL.",
        units={
            "county": "FIPS code, 5 digits",
            "generation_mw": "MW, average of 2015",
            "demand_mw": "MW, average of 2015",
            "balance_mw": "MW, average of 2015",
        },
        make=_balance,
        id_column="county",
    ),
]
