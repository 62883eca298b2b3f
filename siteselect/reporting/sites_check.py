"""Sites of a plan that someone edited by hand: what no report can be made of."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import CRSError, LayerError, four_parts, shown
from siteselect.reporting.plan_like import PlanLike

_AS_IT_WAS = "Report the plan as optimize_sites returned it; change a copy of the table"


def check_sites(plan: PlanLike) -> None:
    """Refuse sites that are no longer those of a plan.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Raises
    ------
    LayerError
        If its sites are no table of places, a label or column is there twice, what
        was numbers is none any more, or a place lies nowhere on Earth.
    CRSError
        If they are not in the CRS of the candidates.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> from dataclasses import replace
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> check_sites(replace(plan, sites=plan.sites.assign(mw="many")))
    Traceback (most recent call last):
        ...
    siteselect.errors.LayerError: The report of a plan was asked for. ...
    """
    sites = plan.sites
    if not isinstance(sites, gpd.GeoDataFrame) or sites._geometry_column_name is None:
        raise _refused(
            f"plan.sites is a {type(sites).__name__} without places",
            "a GeoDataFrame with one row a site",
        )
    for what, labels in (("label", sites.index), ("column", sites.columns)):
        twice = labels[labels.duplicated()].unique()
        if len(twice):
            raise _refused(
                f"plan.sites has the {what} {shown(map(repr, twice))} more than once",
                f"each {what} once",
            )
    _check_places(plan, sites)
    _check_numbers(plan, sites)
    if getattr(plan, "compiled", None) is None:
        return
    # A plan that carries its program is verified, and perhaps solved again.
    strange = sites.index.difference(plan.candidates.index, sort=False)
    if len(strange):
        raise _refused(
            f"plan.sites has {shown(map(repr, strange))}, which is no candidate",
            "sites of the candidates, under the labels that they have there",
        )


def _refused(found: str, wanted: str) -> LayerError:
    return LayerError(
        four_parts("The report of a plan was asked for", found, wanted, _AS_IT_WAS)
    )


def _check_places(plan: PlanLike, sites: gpd.GeoDataFrame) -> None:
    """Refuse sites in another CRS than the candidates', and places off the Earth."""
    crs = plan.candidates.crs
    if sites.crs is None or sites.crs != crs:
        said = (
            "no CRS" if sites.crs is None else f"the CRS {sites.crs.to_string()[:40]}"
        )
        way = "set_crs" if sites.crs is None else "to_crs"
        raise CRSError(
            four_parts(
                "The report of a plan was asked for",
                f"plan.sites has {said}",
                f"that of the candidates, {crs.to_string()[:40] if crs else 'none'}",
                f"sites.{way}(plan.candidates.crs)",
            )
        )
    known = sites.geometry[~(sites.geometry.isna() | sites.geometry.is_empty)]
    bounds = known.to_crs(4326).bounds.to_numpy()
    # Beyond the antimeridian some count on.
    is_off = ~(np.abs(bounds) <= [360, 90.0001, 360, 90.0001]).all(axis=1)
    if is_off.any():
        raise _refused(
            f"{shown(map(repr, known.index[is_off]))} lies nowhere on Earth",
            "places in the CRS that plan.sites names",
        )


def _check_numbers(plan: PlanLike, sites: gpd.GeoDataFrame) -> None:
    """Refuse megawatts, dollars and figures of the candidates that are no numbers."""
    years = getattr(plan, "by_year", pd.DataFrame()).get("year", ())
    needed = ["mw", *(f"mw_{int(year)}" for year in years)]
    if getattr(plan, "compiled", None) is not None:
        needed.append("cost_usd")
    lost = [name for name in needed if name not in sites.columns]
    if lost:
        raise _refused(
            f"plan.sites has no column {shown(map(repr, lost))}",
            f"columns {shown(map(repr, needed))}",
        )
    frame = plan.candidates
    given = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
    kept = [name for name in given if name in sites.columns]
    own = {*needed, "cost_usd"} & set(sites.columns)
    words = [
        name
        for name in dict.fromkeys([*needed, *kept, *sorted(own)])
        if not pd.api.types.is_numeric_dtype(sites[name])
        or (name in own and not isinstance(sites[name].dtype, np.dtype))
    ]
    if words:
        raise _refused(
            f"column {words[0]!r} of plan.sites holds {sites[words[0]].dtype}",
            "numbers, NaN where one is not known",
        )
    for name in needed[1:]:
        if name.startswith("mw_") and not np.isfinite(sites[name].to_numpy()).all():
            raise _refused(
                f"column {name!r} of plan.sites has a gap",
                "the megawatts that stand in the year, 0 where none do",
            )
