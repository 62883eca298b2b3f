"""A plan put together again from the columns that were chosen, without a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from siteselect.errors import StudyError, four_parts, shown
from siteselect.optimization._compile import compile_problem
from siteselect.optimization.optimize import request_of
from siteselect.optimization.problem import Floats, Problem
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.solution import Clock, Solution

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def chosen_columns(plan: SitePlan) -> list[dict[str, Any]]:
    """Return the solution of a plan: every column that is not zero.

    Sites alone do not tell it: a site has an option, a path over the years, links to
    what it draws from; a limit may have columns of its own, such as lines that are
    built stronger.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    list of dict
        ``column`` (its name), ``at`` (its place among all columns) and ``amount``.
    """
    at = np.flatnonzero(plan.x)
    names = plan.problem.column_names
    return [
        {"column": str(names[k]), "at": k, "amount": plan.x[k].item()}
        for k in at.tolist()
    ]


def rebuilt(
    sites: gpd.GeoDataFrame,
    columns: Iterable[Mapping[str, Any]],
    *,
    status: Any,
    bound: float,
    solver: str,
    **arguments: Any,
) -> SitePlan:
    """Return the plan of a known solution; whether it holds is for ``verify()``.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates, as for `optimize_sites`.
    columns : iterable of mapping
        The solution, from `chosen_columns`.
    status, bound, solver
        What the search said of it.
    **arguments
        As for `optimize_sites`.

    Returns
    -------
    SitePlan
        Without prices: these belong to the search.

    Raises
    ------
    StudyError
        A column is not among those of the program.
    """
    clock = Clock()
    compiled = compile_problem(request_of(sites, **arguments))
    x = _solution(compiled.problem, columns)
    objective = compiled.problem.value_at(x)
    found = Solution(status, x, objective, bound, None, solver)
    return plan_of(compiled, found, clock)


def _solution(problem: Problem, columns: Iterable[Mapping[str, Any]]) -> Floats:
    """Return amounts over all columns; a column is where it was, or has its name."""
    x = np.zeros(problem.n_columns)
    names = problem.column_names
    places: dict[str, list[int]] = {}
    gone = []
    for one in columns:
        name, at = one["column"], one["at"]
        if not (at < problem.n_columns and names[at] == name):
            if not places:
                for k, other in enumerate(names):
                    places.setdefault(other, []).append(k)
            found = places.get(name, [])
            if len(found) != 1:
                gone.append(repr(name))
                continue
            at = found[0]
        x[at] = one["amount"]
    if gone:
        raise StudyError(
            four_parts(
                "a plan was to be put together again as it was built",
                f"found that it can no longer be built so: {shown(gone)}",
                "allowed are sizes and options that the program offers",
                "optimize_sites(sites, ...) searches anew",
            )
        )
    return x


__all__ = ["chosen_columns", "rebuilt"]
