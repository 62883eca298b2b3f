"""Solve a plan's program once more with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from siteselect.errors import StudyError, four_parts, shown
from siteselect.optimization._compile import Compiled, compile_problem
from siteselect.optimization.by_year import ByYear
from siteselect.optimization.limits import ItPower, Power, Sites, Spacing
from siteselect.optimization.problem import Bools, Floats, Rows
from siteselect.optimization.read_back import BINDING, plan_of
from siteselect.optimization.solution import Clock, Solution
from siteselect.optimization.solve import solve_compiled
from siteselect.optimization.turning import FIELDS

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

    A bound that would be crossed goes along; a floor never falls below nothing.

    Raises
    ------
    StudyError
        The limit has no such group or no bound that is a number.
    """
    compiled = plan.compiled
    request = compiled.request
    is_plain = not any(
        isinstance(x, Mapping | ByYear) for x in (request.power_mw, request.budget_usd)
    )
    if limit in ("power", "budget", "sites") and group is None and is_plain:
        return compile_problem(
            replace(compiled.request, **_argument(plan, limit, change))
        )
    found = next(x for x in compiled.limits if x.name == limit)
    field, bound = _field(plan, limit, found, group)
    if isinstance(found, Spacing) and found.name == "spacing":
        km = compiled.request.min_spacing_km
        if km is not None:
            return compile_problem(
                replace(compiled.request, min_spacing_km=km + change)
            )
    # Built-in limits by year are moved in their rows, in every year alike.
    is_given = any(x.name == limit for x in request.limits)
    if isinstance(bound, int | float) and group is None and is_given:
        moved = bound + change
        ends: dict[str, Any] = {field: moved, **_along(found, field, moved)}
        other: Any = replace(found, **ends)  # type: ignore[type-var]
        limits = tuple(other if x.name == limit else x for x in compiled.request.limits)
        return compile_problem(replace(compiled.request, limits=limits))
    return _moved_rows(compiled, limit, change, group, field)


def _argument(plan: SitePlan, limit: str, change: float) -> dict[str, Any]:
    """Return the argument of the request that carries a built-in bound, moved."""
    request = plan.compiled.request
    if limit == "budget":
        return {"budget_usd": request.budget_usd + change}
    if limit == "sites":
        least, most = request.min_sites, request.max_sites
        low = 0.0 if least is None else float(least)
        high = np.inf if most is None else float(most)
    else:
        low, high = request.power_bounds
    if _low_moves(plan, limit, is_floor=low > 0, is_cap=bool(np.isfinite(high))):
        low = max(0.0, low + change)
        high = max(low, high)
    else:
        high += change
        low = min(low, high)
    # As it was given: what was not bounded stays so.
    most_now = high if np.isfinite(high) else None
    if limit == "sites":
        return {"min_sites": low if low > 0 else None, "max_sites": most_now}
    return {"power_mw": (low if low > 0 else None, most_now)}


def _along(found: Any, field: str, moved: float) -> dict[str, float]:
    """Return the other end of a limit where the moved one would cross it."""
    other = {"at_most": "at_least", "at_least": "at_most"}.get(field)
    end = None if other is None else getattr(found, other, None)
    if other is None or not isinstance(end, int | float):
        return {}
    is_crossed = end > moved if field == "at_most" else end < moved
    return {other: moved} if is_crossed else {}


def _low_moves(
    plan: SitePlan, limit: str, group: object = None, *, is_floor: bool, is_cap: bool
) -> bool:
    """Return whether the lower bound is the one to move.

    It is where it binds and the upper one does not, or where it is alone.
    """
    if not (is_floor and is_cap):
        return is_floor or not is_cap
    return _binds(plan, limit, "low", group) and not _binds(plan, limit, "high", group)


def _binds(
    plan: SitePlan, limit: str, side: str, group: object = None, kind: str = ""
) -> bool:
    """Return whether one end of a limit binds, in some account of it."""
    table = plan.limits
    is_mine = table["limit"] == limit
    if group is not None:
        is_mine &= np.array([g == group for g in table["group"]], dtype=bool)
    if kind:
        is_mine &= table["kind"] == kind
    mine = table[is_mine]
    end = mine["allowed_min" if side == "low" else "allowed_max"]
    room = (mine["used"] - end) * (1.0 if side == "low" else -1.0)
    is_tight = np.isfinite(end) & (room <= BINDING * np.maximum(1e-9, end.abs()))
    return bool(is_tight.any())


def _field(
    plan: SitePlan, limit: str, found: Any, group: object = None
) -> tuple[str, Any]:
    """Return the field of a limit that carries the bound to move."""
    kinds = {name: kind for name, _, kind, _, _ in FIELDS.get(type(found).__name__, ())}
    names = ["at_most", "max_sites_per_group", "max_share", "at_least", "km", "mw"]
    given = [(n, getattr(found, n, None)) for n in names]
    set_fields = [(n, bound) for n, bound in given if _is_bound(found, n, bound)]
    if not set_fields:
        raise StudyError(
            four_parts(
                f"the price of {limit!r} was asked for",
                "it has no bound that is a number",
                "a limit with at_most, at_least or another number",
                "plan.limits lists them",
            )
        )
    for name, bound in set_fields:
        side = "low" if name == "at_least" else "high"
        if _binds(plan, limit, side, group, kinds.get(name, "")):
            return name, bound
    return set_fields[0]


def _is_bound(found: Any, name: str, bound: Any) -> bool:
    """Return whether a field bounds anything."""
    if not isinstance(found, Power | ItPower | Sites):
        return bound is not None
    if bound is None:
        return False
    ends = [bound]
    by_year = getattr(found, "by_year", None)
    if by_year:
        ends = [pair[name == "at_most"] for pair in by_year.values()]
    # Less than nothing is never built: a floor of 0 is none.
    return any(np.isfinite(e) and (e > 0 or name == "at_most") for e in ends)


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
    if field == "at_least":
        # Years without a floor keep none.
        mine &= (lower > 0) | ~np.isin(rows.kind, ("power", "count"))
        lower[mine] += change * rows.scale[mine]
        upper[mine] = np.maximum(lower, upper)[mine]
    else:
        upper[mine] += change * rows.scale[mine]
        lower[mine] = np.minimum(lower, upper)[mine]
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
