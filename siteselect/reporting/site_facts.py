"""What each chosen site is and brings: one row of figures a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import LayerError
from siteselect.infrastructure import (
    cost_breakdown,
    hosted,
    parameters,
    site_jobs,
)
from siteselect.reporting.plan_like import PlanLike, attached, is_area
from siteselect.reporting.tables import sites_table
from siteselect.suitability.ground import area_km2

# The product whose count stands for "how many accelerators" unless one is named.
ACCELERATOR = "GB200 NVL72"
_KEPT = (
    "peak_ratio",
    "pue",
    "pue_low",
    "pue_high",
    "carbon_kg_per_mwh",
    "substation",
    "substation_km",
    "voltage_kv",
    "headroom_mw",
    "fiber_km",
    "months_to_power_low",
    "months_to_power",
    "months_to_power_high",
)


def site_facts(plan: PlanLike, accelerator: str = ACCELERATOR) -> pd.DataFrame:
    """Return the figures of each chosen site, largest site first.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    accelerator : str
        What to fill the sites with: a name of `accelerator_table` or of
        `product_table`.

    Returns
    -------
    DataFrame
        One row a site. ``mw`` [facility MW], ``it_mw`` [IT MW], ``accelerators``
        and ``racks`` [count]; ``pue`` with ``pue_low`` and ``pue_high``;
        ``energy_mwh_per_year``; ``water_m3_per_year`` (withdrawn),
        ``water_consumed_m3_per_year``, ``water_peak_day_m3``; ``carbon_kg_per_mwh`` and
        ``carbon_t_per_year``; ``parcel_km2`` of a parcel; ``land_acres`` and jobs
        (`site_jobs`), each with ``_low`` and ``_high``; ``cost_usd`` as the plan
        counts it, ``capital_usd`` and ``lifetime_usd`` (capital plus the present
        value of power, operation and taxes over the horizon) by the bundled cost
        model, with ``_low`` and
        ``_high``; nearest substation and fiber [km]; months to power. NaN is
        unknown: nothing is filled in.

    Raises
    ------
    StudyError
        If the accelerator is unknown.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 130.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(130, 130), site_mw=[130])
    >>> facts = site_facts(plan, "GB200 NVL72")
    >>> float(facts["it_mw"].iloc[0]), float(facts["accelerators"].iloc[0])
    (100.0, 47808.0)
    """
    sites = plan.sites
    mw = (
        sites["mw"].astype(float)
        if "mw" in sites.columns
        else pd.Series(np.nan, index=sites.index)
    )
    changed = own_parameters(plan.candidates)
    given = pd.DataFrame({"mw": mw})
    given["peak_ratio"] = (
        sites["peak_ratio"]
        if "peak_ratio" in sites.columns
        else _figure("peak_ratio", changed, "mid")
    )
    full = hosted(given, accelerator)

    def per_mw(name: str) -> pd.Series:
        each: pd.Series = pd.Series(np.nan, index=sites.index)
        if name in sites.columns:
            each = pd.to_numeric(sites[name], errors="coerce")
        return pd.Series(mw * each)

    facts = pd.DataFrame({"mw": mw})
    facts["it_mw"] = mw / given["peak_ratio"]
    facts["accelerators"] = full["accelerators_hosted"]
    facts["racks"] = full["racks_hosted"]
    energy = per_mw("energy_mwh_per_mw_year")
    facts["energy_mwh_per_year"] = energy
    facts["water_m3_per_year"] = per_mw("water_m3_per_mw_year")
    facts["water_consumed_m3_per_year"] = per_mw("water_consumed_m3_per_mw_year")
    facts["water_peak_day_m3"] = per_mw("water_peak_day_m3_per_mw")
    for name in _KEPT:
        if name in sites.columns:
            facts[name] = sites[name]
    carbon = facts.get("carbon_kg_per_mwh", pd.Series(np.nan, index=sites.index))
    facts["carbon_t_per_year"] = energy * carbon / 1000.0
    facts["parcel_km2"] = parcels_km2(sites)
    for level, suffix in (("low", "_low"), ("mid", ""), ("high", "_high")):
        facts[f"land_acres{suffix}"] = mw * _figure("acres_per_mw", changed, level)
    jobs = site_jobs(mw, parameters=changed)
    for name in ("permanent", "construction_peak"):
        for suffix in ("_low", "", "_high"):
            facts[f"{name}_jobs{suffix}"] = jobs[f"{name}{suffix}"]
    if "cost_usd" in sites.columns:
        facts["cost_usd"] = sites["cost_usd"]
    facts = facts.join(_costs(sites))
    facts.index.name = sites.index.name or "site"
    return facts.loc[sites_table(plan).index] if sites.index.is_unique else facts


def parcels_km2(sites: gpd.GeoDataFrame) -> pd.Series:
    """Return the ground of sites that are parcels.

    Parameters
    ----------
    sites : GeoDataFrame
        The chosen sites.

    Returns
    -------
    Series of float
        Area [km2]; NaN for points and cells of a grid, which are no parcels.
    """
    none = pd.Series(np.nan, index=sites.index)
    if is_area(sites) or not len(sites):
        return none
    try:
        return pd.Series(area_km2(sites), index=sites.index)
    except LayerError:
        return none


def own_parameters(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the parameters that were set when the candidates were prepared.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.

    Returns
    -------
    dict
        Name to value, of those that `parameters` knows.
    """
    prepared = attached(frame).get("prepare")
    if not isinstance(prepared, Mapping):
        return {}
    changed = dict(prepared.get("parameters", {}))
    named = prepared.get("named", changed)
    known = set(parameters().index)
    return {str(n): changed[n] for n in named if n in changed and n in known}


def _figure(name: str, changed: Mapping[str, Any], level: str) -> float:
    return float(changed.get(name, parameters().at[name, level]))


def _costs(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return capital and lifetime cost with their range; NaN without the model."""
    names = [
        f"{what}_usd{suffix}"
        for what in ("capital", "lifetime")
        for suffix in ("_low", "", "_high")
    ]
    found = pd.DataFrame(np.nan, index=sites.index, columns=names)
    prepared = attached(sites).get("prepare")
    is_known = isinstance(prepared, Mapping) and {"parameters", "kept"} <= set(prepared)
    if not len(sites) or not is_known:
        return found
    try:
        totals = {
            level: cost_breakdown(sites, level=level, by_site=True).xs(
                "total", level="part"
            )
            for level in ("low", "mid", "high")
        }
    except LayerError:
        # Columns of the cost model were taken away since: the range is not known.
        return found
    for level, suffix in (("low", "_low"), ("mid", ""), ("high", "_high")):
        table = totals[level]
        found[f"capital_usd{suffix}"] = table["capital_usd"].to_numpy()
        found[f"lifetime_usd{suffix}"] = table[f"{level}_usd"].to_numpy()
    return found
