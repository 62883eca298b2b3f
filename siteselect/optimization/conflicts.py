"""Which limits clash, and the least change of each that would free the others.

1. A deletion filter leaves one limit out at a time; what cannot be left out is the
   smallest set [1]_.
2. One way out per limit of the set, all other limits kept as they are. Bounds that
   a row carries (power, money, counts, totals) get slack, one solve per limit.
   Bounds inside coefficients (averages, shares, spacing) are moved until the rest
   holds: every value told belongs to a plan that was found.

A single solve with all limits soft would hide the answer in its weights, so there
is none.

References
----------
.. [1] J. W. Chinneck, "Feasibility and Infeasibility in Optimization", Springer
   2008, ch. 6 (elastic programs, deletion filter).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from siteselect.optimization._compile import Compiled, compile_problem
from siteselect.optimization.clash import Clash, WayOut, clash_text, left_out
from siteselect.optimization.objectives import Cost
from siteselect.optimization.part_search import (
    STRUCTURE,
    CannotHelpError,
    NotSettledError,
    Search,
    known_rows,
)
from siteselect.optimization.problem import Bools, Problem, Rows
from siteselect.optimization.slack import AMOUNTS, COUNTS, least_slack, released
from siteselect.optimization.turning import FIELDS, Knob

#: Seconds for all checks; what is not settled by then is called so.
TIME_LIMIT_S = 20.0


def clash_of(
    problem: Problem,
    rows: Rows,
    limit_s: float = TIME_LIMIT_S,
    is_feasible: Callable[[list[str], float], bool | None] | None = None,
    *,
    compiled: Compiled | None = None,
    suspects: Iterable[str] = (),
    said: str = "",
) -> Clash:
    """Return a smallest set of clashing limits, by leaving out one at a time.

    Built-in limits are left out last, so that the set rather names them.

    Parameters
    ----------
    problem : Problem
        The columns.
    rows : Rows
        All rows of an infeasible program, those of lazy limits included.
    limit_s : float
        Seconds for all checks.
    is_feasible : callable, optional
        Takes names of limits and a deadline, and says whether they hold together
        (None if time ran out); by default the rows are solved.
    compiled : Compiled, optional
        The limits themselves; without them averages, shares and spacing have no
        way out.
    suspects : iterable of str
        Names of limits that are known to clash; the others are left out at once.
    said : str
        The arithmetic that shows it.

    Returns
    -------
    Clash
    """
    start = time.perf_counter()
    if compiled is not None and compiled.request.time_limit_s is not None:
        limit_s = min(limit_s, float(compiled.request.time_limit_s))
    deadline = start + limit_s
    # What clashes comes first; the ways out get what is left, at least a third.
    search = Search(problem, rows, compiled, start + 0.67 * limit_s)
    every = list(every_limit(rows).names)
    if compiled is not None:
        every += [x.name for x in compiled.lazy if x.name not in every]
    known = set(suspects)
    kept = [n for n in every if n in known] or every

    def judge(names: list[str]) -> bool | None:
        if is_feasible is not None:
            return is_feasible(names, search.deadline)
        return search.holds(search.part(names))

    is_smallest = True
    for name in reversed(list(kept)):
        if len(kept) == 1:
            break
        rest = [n for n in kept if n != name]
        verdict = judge(rest)
        if verdict is False:
            kept = rest
        elif verdict is None:
            is_smallest = False
    search.deadline = deadline
    if is_feasible is None and len(kept) < len(every) and not search.is_large:
        # One solver said so of a part; the whole was judged by two.
        again = search.solve(search.part(kept), presolve="off").holds
        if again:
            kept = every
        is_smallest = is_smallest and again is False
    ways: list[WayOut] = []
    stuck: list[str] = []
    unsettled: list[str] = []
    for name in kept:
        search.deadline = _share(deadline, len(kept) - kept.index(name))
        try:
            found = list(_ways_out(search, every, name))
        except CannotHelpError:
            stuck.append(name)
            continue
        except Exception:  # The clash is known; a way out of it is extra.
            unsettled.append(name)
            continue
        ways += found
        if not found:
            unsettled.append(name)
    search.deadline = deadline
    freed = released(search, every) if compiled is not None else None
    if freed is not None:
        ways.append(freed)
    return Clash(
        tuple(kept), is_smallest, tuple(ways), tuple(stuck), tuple(unsettled), said
    )


def can_hold(compiled: Compiled, names: Iterable[str]) -> bool | None:
    """Return whether some limits hold together by the solver's word, None if unknown.

    Parameters
    ----------
    compiled : Compiled
        The program.
    names : iterable of str
        Names of its limits.
    """
    deadline = time.perf_counter() + TIME_LIMIT_S / 2
    search = Search(compiled.problem, known_rows(compiled), compiled, deadline)
    return search.solve(search.part(names)).holds


def _share(deadline: float, n: int) -> float:
    """Return a deadline for the next of ``n`` tasks: a little over its fair share."""
    now = time.perf_counter()
    return min(deadline, now + 1.3 * max(0.0, deadline - now) / max(1, n))


def every_limit(rows: Rows) -> Clash:
    """Return all limits as one clash: true of any infeasible program, if coarse."""
    names = dict.fromkeys(map(str, rows.limit))
    return Clash(tuple(n for n in names if n not in STRUCTURE), False)


def _ways_out(search: Search, every: list[str], name: str) -> Iterator[WayOut]:
    """Return the ways out of one limit, all others kept as they are."""
    limit = search.limits.get(name)
    rows = search.whole.rows
    mine: Bools = rows.limit.astype(str) == name
    kinds = rows.kind.astype(str)
    kind = type(limit).__name__
    fields = FIELDS.get(kind, ())
    if name == "fixed":
        yield least_slack(search, every, name, mine, limit)
        return
    if fields and limit is not None:
        others = [n for n in every if n != name]
        free = search.solve(search.part(others))
        if free.holds is False:
            raise CannotHelpError
        if free.x is None:
            raise NotSettledError
        set_fields = [
            # None is no bound; one by year is not turned.
            f
            for f in fields
            if isinstance(getattr(limit, f[0], None), int | float)
        ]
        n = 0
        for field, is_raised, account, unit, is_whole in set_fields:
            knob = Knob(search, every, limit, field, is_raised, account, is_whole)
            # Without the limit is at its loosest, if it has no other bound and its
            # own account says what that plan attains: near a hub, however far, is
            # not without one.
            first = free if len(set_fields) == 1 and account else None
            way = knob.turn(unit or str(getattr(limit, "unit", "") or ""), first)
            if way is not None:
                n += 1
                yield way
        if not n:
            yield left_out(name)
        return
    soft = mine & np.isin(kinds, (*AMOUNTS, *COUNTS))
    if name == "power":
        search = _with_floating_power(search)
        rows = search.whole.rows
        mine = rows.limit.astype(str) == name
        soft = mine & np.isin(rows.kind.astype(str), AMOUNTS)
    if soft.any():
        way = least_slack(search, every, name, soft, limit)
        if _asks_for_nothing(search, way):
            raise CannotHelpError
        yield way
        return
    free = search.solve(search.part([n for n in every if n != name]))
    if free.holds is False:
        raise CannotHelpError
    if free.x is None:
        raise NotSettledError
    yield left_out(name)


def _asks_for_nothing(search: Search, way: WayOut) -> bool:
    """Return whether a way out leaves nothing to build where cost is the objective.

    The cheapest plan is empty then, so that such a request is refused.
    """
    compiled = search.compiled
    if compiled is None or not isinstance(compiled.objective, Cost):
        return False
    if way.limit not in ("power", "it power") or way.is_lower_bound:
        return False
    floors = {
        (what, year): low
        for what, argument in (("power", "power_mw"), ("it power", "it_mw"))
        for year, (low, _) in zip(
            compiled.request.horizon or ("",),
            compiled.request.bounds_by_year(argument),
            strict=True,
        )
    }
    for label, now, needed in way.parts:
        if needed < now:
            year = next((y for _, y in floors if label == f"in {y}"), "")
            floors[way.limit, year] = needed
    return max(floors.values()) <= 0


def _with_floating_power(search: Search) -> Search:
    """Return the search over a program whose total MW may move.

    Where it may not, a share of the total is written as megawatts.
    """
    compiled = search.compiled
    if compiled is None or not isinstance(compiled.request.power_mw, tuple | list):
        return search
    low, high = compiled.request.power_bounds
    has_share = any(getattr(x, "max_share", None) is not None for x in compiled.limits)
    if low != high or low <= 0 or not has_share:
        return search
    request = replace(compiled.request, power_mw=(low * (1 - 1e-7), high))
    other = compile_problem(request)
    return Search(other.problem, known_rows(other), other, search.deadline)


__all__ = ["Clash", "WayOut", "can_hold", "clash_of", "clash_text", "known_rows"]
