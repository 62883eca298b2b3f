"""The next-best plans: other sets of sites that are nearly as good."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import StudyError, four_parts, said
from siteselect.optimization.limits import accounts
from siteselect.optimization.problem import (
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Rows,
    number,
)
from siteselect.optimization.shared_core import SharedCore, compiled_with

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


@dataclass(frozen=True, eq=False)
class Differs:
    """Limit: a plan differs from an earlier one in enough chosen sites.

    At least ``least`` of the named sites are gone, or at least ``least`` others are
    new: a swap of one site for another counts once, and so does a site less.

    Parameters
    ----------
    name : str
        Name in accounts and conflicts.
    sites : tuple of labels
        Sites of the earlier plan, as it stands in the last year.
    least : int
        How many must differ [sites].
    """

    #: Over several years, plans differ by the sites that there are in the end.
    last_year_only: ClassVar[bool] = True

    name: str
    sites: tuple[Hashable, ...]
    least: int = 1

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return "enough are gone" where one row cannot say it."""
        if self.least == 1:
            return None
        one = np.ones(1)
        return ExtraColumns(
            (f"{self.name}: gone, not new",), 0 * one, one, one.astype(bool)
        )

    def _chosen(self, problem: Problem) -> tuple[Floats, Floats]:
        """Return the columns that open the named sites, and those of all others."""
        named = problem.frame.index.isin(list(self.sites))
        opens = problem.column_opens & (problem.column_site >= 0)
        member = named[np.maximum(problem.column_site, 0)]
        return (opens & member).astype(float), (opens & ~member).astype(float)

    def settled(self, problem: Problem, sites: Ints) -> Floats | None:
        """Return the own columns that go with chosen sites, None if too alike."""
        chosen, before = set(problem.frame.index[sites]), set(self.sites)
        gone = len(before - chosen)
        if max(gone, len(chosen - before)) < self.least:
            return None
        return np.zeros(0) if self.least == 1 else np.array([float(gone < self.least)])

    def rows(self, problem: Problem) -> Rows:
        """Return one row, or one for "gone" and one for "new"."""
        old, new = self._chosen(problem)
        count = float(len(self.sites))
        if self.least == 1:
            matrix = sparse.csr_array((old - new).reshape(1, -1))
            return Rows.make(matrix, -np.inf, count - 1, self.name)
        switch = np.zeros(problem.n_columns)
        switch[problem.extra[self.name]] = self.least
        matrix = sparse.csr_array(np.vstack([old + switch, new + switch]))
        return Rows.make(matrix, [-np.inf, self.least], [count, np.inf], self.name)

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return in how many sites a plan differs."""
        chosen, before = set(sites.index[sites["mw"] > 0]), set(self.sites)
        used = max(len(chosen - before), len(before - chosen))
        return accounts(
            self.name,
            [""],
            "different sites",
            self.least,
            np.inf,
            [used],
            "sites unlike that plan",
        )


def alternatives(
    plan: SitePlan,
    n: int = 5,
    *,
    within: float | None = None,
    different_by: int = 1,
) -> tuple[SitePlan, ...]:
    """Return the next-best plans, best first.

    Each is the best plan that differs from the given one and from every alternative
    before it, proven like the plan itself: a bound over all candidates, not only
    over those that were looked at.

    Parameters
    ----------
    plan : SitePlan
        The plan to leave.
    n : int
        How many to look for.
    within : float, optional
        Stop where the objective is worse by more than this share of the plan's
        [-], e.g. 0.02.
    different_by : int
        In how many chosen sites each differs from every earlier plan: so many are
        gone, or so many are new [sites]. Other sizes at the same sites are the
        same plan; so are, over several years, the same sites in other years.

    Returns
    -------
    tuple of SitePlan
        Fewer than ``n`` when no further plan exists or none is near enough.

    Raises
    ------
    StudyError
        ``n`` or ``different_by`` is no whole number from one, or ``within`` is
        negative.

    Notes
    -----
    One linear relaxation serves all. Its duals price every departure from its best
    choices, so that the plans near its bound can be listed, best first. Where they
    are too many, each further plan is a small integer program with one row per
    earlier plan, over the columns that a bound does not exclude [1]_.

    References
    ----------
    .. [1] E. L. Lawler (1972), "A procedure for computing the K best solutions to
       discrete optimization problems", Management Science 18(7),
       doi:10.1287/mnsc.18.7.401.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> [list(other.sites.index) for other in alternatives(plan, 2)]
    [[1], [2]]
    >>> len(alternatives(plan, 2, within=0.2))
    1
    """
    _check_arguments(n, within, different_by)
    core = SharedCore(plan.compiled, plan.objective)
    limits = [_differs(plan, 0, different_by)]
    found: list[SitePlan] = []
    worst = np.inf if within is None else within * max(abs(plan.objective), 1e-9)
    while len(found) < n:
        answer = core.solve(limits)
        if answer.x is None:
            break
        if abs(plan.objective - core.sign * answer.value) > worst * (1 + 1e-9):
            break
        other = core.plan(answer, compiled_with(plan.compiled, limits))
        found.append(other)
        limits.append(_differs(other, len(found), different_by))
    return tuple(found)


def _differs(plan: SitePlan, k: int, different_by: int) -> Differs:
    taken = {limit.name for limit in plan.compiled.limits}
    name = f"differs from plan {k}"
    while name in taken:  # An alternative of an alternative.
        name += "'"
    return Differs(name, tuple(plan.sites.index), different_by)


def _check_arguments(n: int, within: float | None, different_by: int) -> None:
    whole = all(
        isinstance(x, int | np.integer)
        and not isinstance(x, bool)
        and 1 <= x <= 1_000_000_000
        for x in (n, different_by)
    )
    try:
        near = within is None or number(within, "within") >= 0
    except StudyError:
        near = False
    if not whole or not near:
        raise StudyError(
            four_parts(
                f"alternatives(n={said(n)}, within={said(within)}, "
                f"different_by={said(different_by)}) was asked for",
                "a number below one, or not whole, was found"
                if not whole
                else "the share is negative or no number",
                "whole numbers from 1; a share of the plan's objective from 0",
                "plan.alternatives(5, within=0.02)",
            )
        )
