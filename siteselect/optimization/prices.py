"""What one more unit of a limit is worth exactly: by solving once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from siteselect.errors import (
    InfeasiblePlanError,
    StudyError,
    four_parts,
    nearest_name,
    said,
)
from siteselect.optimization.problem import hashable, number
from siteselect.optimization.resolve import moved_bound, resolve_compiled

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def exact_price(
    plan: SitePlan, limit: str, change: float = 1.0, group: object = None
) -> float:
    """Return what the objective changes when a bound moves, by solving again.

    ``plan.limits["price"]`` holds the duals of the linear relaxation: the slope at
    one point, with fractions of sites allowed. This is the difference between two
    plans, both solved to the plan's own gap.

    Parameters
    ----------
    plan : SitePlan
        The plan that was made.
    limit : str
        Name of the limit, as in ``plan.limits``.
    change : float, default 1.0
        What is added to the bound, in the limit's unit: 1 MW, 1 USD, 1 site,
        1 unit of an average. Negative to move it down. Where a limit has both
        bounds, the binding one moves, else the upper one; a bound that it would
        cross goes along. A floor of 0 MW or sites is no bound.
    group : label, optional
        Group whose bound moves; all groups by default.

    Returns
    -------
    float
        Objective after minus objective before, in the objective's unit; NaN where
        no plan exists afterwards.

    Raises
    ------
    StudyError
        There is no such limit or group, or its bound cannot be moved.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
    >>> exact_price(plan, "power", 50.0), exact_price(plan, "power", 100.0)
    (0.0, 50.0)
    """
    change = number(change, "change")
    names = [x.name for x in plan.compiled.limits]
    if not isinstance(limit, str) or limit not in names:
        raise StudyError(
            four_parts(
                f"exact_price({said(limit)}) was asked for",
                "the plan has no limit of that name." + nearest_name(str(limit), names),
                "one of " + ", ".join(map(repr, names)),
                "plan.limits lists them",
            )
        )
    if not hashable(group) or group is pd.NA:
        raise StudyError(
            four_parts(
                f"the price of {limit!r} in group {said(group)} was asked for",
                f"a {type(group).__name__} is no group",
                "a group of the limit, or None for all",
                "plan.limits lists the groups",
            )
        )
    if change == 0:
        return 0.0
    compiled = moved_bound(plan, limit, float(change), group)
    try:
        other = resolve_compiled(compiled)
    except InfeasiblePlanError:
        return float("nan")
    return round(other.objective - plan.objective, 9)


__all__ = ["exact_price"]
