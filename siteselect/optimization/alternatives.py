"""The next-best plans: other sets of sites that are nearly as good."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import InfeasiblePlanError, StudyError, four_parts
from siteselect.optimization.limits import accounts
from siteselect.optimization.problem import Problem, Rows
from siteselect.optimization.resolve import resolve

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


@dataclass(frozen=True, eq=False)
class Differs:
    """Limit: at least ``gone`` of the named sites are not chosen.

    Parameters
    ----------
    name : str
        Name in accounts and conflicts.
    sites : tuple of labels
        Sites of an earlier plan.
    gone : int
        How many of them must go [sites].
    """

    name: str
    sites: tuple[Hashable, ...]
    gone: int = 1

    def rows(self, problem: Problem) -> Rows:
        """Return one row over the columns that open the named sites."""
        named = problem.frame.index.isin(list(self.sites))
        own = problem.column_site
        member = problem.column_opens & (own >= 0)
        member &= named[np.maximum(own, 0)]
        matrix = sparse.csr_array(member.astype(float).reshape(1, -1))
        most = float(len(self.sites) - self.gone)
        return Rows.make(matrix, -np.inf, most, self.name, None, 1.0, "count")

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return how many of the named sites are chosen."""
        chosen = sites.index[sites["mw"] > 0]
        used = len(set(chosen) & set(self.sites))
        most = len(self.sites) - self.gone
        return accounts(
            self.name, [""], "count", -np.inf, most, [used], "sites of that plan"
        )


def alternatives(
    plan: SitePlan, n: int = 5, *, differ_by: int = 1
) -> tuple[SitePlan, ...]:
    """Return the next-best plans, best first.

    Each is the best plan that drops at least ``differ_by`` sites of the plan and
    of every alternative before it, proven like the plan itself.

    Parameters
    ----------
    plan : SitePlan
        The plan to leave.
    n : int
        How many to look for.
    differ_by : int
        Sites to drop from each earlier plan [sites].

    Returns
    -------
    tuple of SitePlan
        Fewer than ``n`` when no further plan exists.

    Raises
    ------
    StudyError
        ``n`` or ``differ_by`` is below one.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> [list(other.sites.index) for other in plan.alternatives(2)]
    [[1], [2]]
    """
    if n < 1 or differ_by < 1:
        raise StudyError(
            four_parts(
                f"alternatives(n={n}, differ_by={differ_by}) was asked for",
                "a number below one was found",
                "whole numbers from 1",
                "plan.alternatives(5)",
            )
        )
    found: list[SitePlan] = []
    given = plan.compiled.request.limits
    while len(found) < n:
        before = [plan, *found]
        # A plan smaller than ``differ_by`` gives up all its sites.
        differs = tuple(
            Differs(
                f"differs from plan {i}",
                tuple(p.sites.index),
                min(differ_by, len(p.sites)),
            )
            for i, p in enumerate(before)
            if len(p.sites)
        )
        try:
            found.append(resolve(plan, limits=(*given, *differs)))
        except InfeasiblePlanError:
            break
        if not len(found[-1].sites):
            break
    return tuple(found)
