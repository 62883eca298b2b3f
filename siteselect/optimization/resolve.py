"""Solve a plan's program once more with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from siteselect.errors import StudyError, four_parts, shown
from siteselect.optimization._compile import Compiled, compile_problem
from siteselect.optimization.limits import Spacing
from siteselect.optimization.problem import Bools, Floats, Rows
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.solution import Clock, Solution
from siteselect.optimization.solve import solve_compiled

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def _silent(_: str) -> None:
    """Say nothing: a re-solve is one of many."""


def resolve(plan: SitePlan, **changes: Any) -> SitePlan:
    """Return the plan of the same request with some arguments changed.

    Parameters
    ----------
    plan : SitePlan
        The plan to start from.
    **changes
        Arguments of `optimize_sites` to replace, e.g. ``budget_usd=40e9``.

    Returns
    -------
    SitePlan

    Raises
    ------
    InfeasiblePlanError
        The changed program has no plan.
    """
    clock = Clock()
    compiled = compile_problem(replace(plan.compiled.request, **changes))
    return solve_again(compiled, clock)


def solve_again(compiled: Compiled, clock: Clock | None = None) -> SitePlan:
    """Return the plan of a compiled program."""
    clock = clock or Clock()
    found = solve_compiled(compiled, clock=clock, say=_silent)
    return plan_of(compiled, found, clock)


def resolve_compiled(
    compiled: Compiled, *, start: Floats | None = None, is_quick: bool = False
) -> Solution:
    """Return the solution of a compiled program, without its accounts.

    Accounts are recomputed from what the user gave, so a program whose rows were
    changed has none.

    Parameters
    ----------
    compiled : Compiled
        The program.
    start : ndarray, optional
        A plan to begin with.
    is_quick : bool
        Whether a gap that a short search does not close may stay open; the bound
        holds all the same.
    """
    return solve_compiled(
        compiled, clock=Clock(), say=_silent, start=start, is_quick=is_quick
    )


def forced(compiled: Compiled, site: int) -> Compiled:
    """Return the program in which a site must be chosen.

    Only a row is added: columns, order and distances are those of the plan, so that
    nothing is compiled again. In conflicts the row is named like other fixed sites.

    Parameters
    ----------
    compiled : Compiled
        The program.
    site : int
        Row of ``compiled.problem.frame``.
    """
    problem = compiled.problem
    mine = problem.column_opens & (problem.column_site == site)
    row = Rows.make(
        mine.astype(float).reshape(1, -1),
        1.0,
        np.inf,
        "fixed",
        [problem.frame.index[site]],
    )
    fixed: Bools = problem.fixed.copy()
    fixed[site] = True
    return replace(
        compiled,
        problem=replace(problem, fixed=fixed),
        rows=Rows.stack([compiled.rows, row]),
    )


def without(compiled: Compiled, site: int) -> Compiled:
    """Return the program in which a site cannot be chosen.

    Parameters
    ----------
    compiled : Compiled
        The program.
    site : int
        Row of ``compiled.problem.frame``.
    """
    problem = compiled.problem
    upper = np.where(problem.column_site == site, 0.0, problem.upper)
    return replace(compiled, problem=replace(problem, upper=upper))


def with_objective(
    compiled: Compiled, objective: Floats, *, maximize: bool | None = None
) -> Compiled:
    """Return the program with another objective over the same columns."""
    problem = compiled.problem
    way = problem.maximize if maximize is None else maximize
    return replace(
        compiled, problem=replace(problem, objective=objective, maximize=way)
    )


def moved_bound(plan: SitePlan, limit: str, change: float, group: object) -> Compiled:
    """Return the plan's program with one bound moved by ``change``.

    Raises
    ------
    StudyError
        The limit has no such group or no bound that is a number.
    """
    compiled = plan.compiled
    request = compiled.request
    is_plain = not any(
        isinstance(x, Mapping) for x in (request.power_mw, request.budget_usd)
    )
    if limit in ("power", "budget", "sites") and group is None and is_plain:
        return compile_problem(
            replace(compiled.request, **_argument(plan, limit, change))
        )
    found = next(x for x in compiled.limits if x.name == limit)
    field, bound = _field(plan, limit, found)
    if isinstance(found, Spacing) and found.name == "spacing":
        km = compiled.request.min_spacing_km
        if km is not None:
            return compile_problem(
                replace(compiled.request, min_spacing_km=km + change)
            )
    # Built-in limits by year are moved in their rows, in every year alike.
    is_given = any(x.name == limit for x in request.limits)
    if isinstance(bound, int | float) and group is None and is_given:
        other: Any = replace(found, **{field: bound + change})  # type: ignore[type-var]
        limits = tuple(other if x.name == limit else x for x in compiled.request.limits)
        return compile_problem(replace(compiled.request, limits=limits))
    return _moved_rows(compiled, limit, change, group, field)


def _argument(plan: SitePlan, limit: str, change: float) -> dict[str, Any]:
    """Return the argument of the request that carries a built-in bound, moved."""
    request = plan.compiled.request
    if limit == "budget":
        return {"budget_usd": request.budget_usd + change}
    is_low = _low_binds(plan, limit)
    if limit == "sites":
        name = "min_sites" if is_low else "max_sites"
        bound = getattr(request, name)
        if bound is None:
            name = "max_sites" if is_low else "min_sites"
            bound = getattr(request, name)
        return {name: bound + change}
    low, high = request.power_bounds
    if is_low or not np.isfinite(high):
        return {"power_mw": (low + change, max(high, low + change))}
    return {"power_mw": (min(low, high + change), high + change)}


def _low_binds(plan: SitePlan, limit: str) -> bool:
    """Return whether the lower bound of a limit is the one that binds."""
    mine = plan.limits[plan.limits["limit"] == limit]
    room_low = (mine["used"] - mine["allowed_min"]).min()
    room_high = (mine["allowed_max"] - mine["used"]).min()
    return bool(room_low < room_high)


def _field(plan: SitePlan, limit: str, found: Any) -> tuple[str, Any]:
    """Return the field of a limit that carries the bound to move."""
    names = ["at_most", "at_least"]
    if _low_binds(plan, limit):
        names.reverse()
    for name in [*names, "max_share", "max_sites_per_group", "km", "mw"]:
        bound = getattr(found, name, None)
        if bound is not None:
            return name, bound
    raise StudyError(
        four_parts(
            f"the price of {limit!r} was asked for",
            "it has no bound that is a number",
            "a limit with at_most, at_least or another number",
            "plan.limits lists them",
        )
    )


def _moved_rows(
    compiled: Compiled, limit: str, change: float, group: object, field: str
) -> Compiled:
    """Move bounds that rows carry: of one group, or read from a column."""
    rows = compiled.rows
    mine = (rows.limit == limit) & (rows.kind != "")
    if group is not None:
        mine &= np.array([g == group for g in rows.group], dtype=bool)
    if not mine.any():
        known = list(rows.group[(rows.limit == limit) & (rows.kind != "")])
        raise StudyError(
            four_parts(
                f"the price of {limit!r} in group {group!r} was asked for",
                "it has no bound there",
                "one of " + shown(map(repr, known)),
                "plan.limits lists the groups",
            )
        )
    if not np.isin(rows.kind[mine], ("power", "money", "count", "total")).all():
        raise StudyError(
            four_parts(
                f"the price of {limit!r} was asked for",
                "its bound stands in more than one place",
                "a bound that is one number for all groups",
                f"exact_price(plan, {limit!r}, change) without a group",
            )
        )
    lower, upper = rows.lower.copy(), rows.upper.copy()
    end = upper if field != "at_least" else lower
    end[mine] += change * rows.scale[mine]
    return replace(compiled, rows=replace(rows, lower=lower, upper=upper))


__all__ = [
    "forced",
    "moved_bound",
    "resolve",
    "resolve_compiled",
    "solve_again",
    "with_objective",
    "without",
]
