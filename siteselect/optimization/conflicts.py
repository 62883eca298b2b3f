"""Which limits clash, and the least change of each that would free the others.

1. A deletion filter leaves one limit out at a time; what cannot be left out is the
   smallest set.
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
.. [2] W. Dinkelbach, "On nonlinear fractional programming", Management Science 13
   (1967) 492-498 (least average over a set).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.optimization import highs
from siteselect.optimization._compile import Compiled
from siteselect.optimization._distance import geodesic_km, lonlat
from siteselect.optimization.limits import SupportsLimit
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import (
    Bools,
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Rows,
)
from siteselect.optimization.words import amount, listed, moved_text, unit_of

#: One size per site is the shape of the problem, not a limit that can give way.
STRUCTURE = ("site capacity",)
#: Kinds of rows whose slack is an amount in the limit's own unit.
AMOUNTS = ("power", "money", "count", "total")
#: Kinds of rows whose slack is a number of groups or sites.
COUNTS = ("distinct groups", "sites per group", "covered share")
#: Bounds inside coefficients: field, whether loosening raises it, kind of account,
#: unit, and whether it is a whole number.
FIELDS: dict[str, tuple[tuple[str, bool, str, str, bool], ...]] = {
    "Average": (
        ("at_most", True, "average", "", False),
        ("at_least", False, "average", "", False),
    ),
    "Share": (
        ("at_least", False, "share", "of MW", False),
        ("at_most", True, "share", "of MW", False),
    ),
    "Spread": (
        ("at_least", False, "distinct groups", "groups", True),
        ("max_sites_per_group", True, "sites per group", "sites per group", True),
        ("max_share", True, "share per group", "of MW in one group", False),
    ),
    "Spacing": (("km", False, "distance", "km", False),),
    "Cluster": (("km", True, "", "km", False),),
    "AtLeast": (("mw", False, "", "MW", False),),
}
#: Seconds for all checks; what is not settled by then is called so.
TIME_LIMIT_S = 20.0
#: Above this many columns they are priced out.
MANY_COLUMNS = 5_000
#: Part of a bound to which a way out is settled where no step is given.
PRECISION = 1e-3


@dataclass(frozen=True)
class WayOut:
    """The least change of one limit with which all others hold.

    Parameters
    ----------
    limit : str
        Name of the limit; ``"forbidden"`` for forbidden sites.
    group : object
        Group of the limit where the change is needed; a tuple where it takes
        several, ``""`` where the limit has none.
    now, needed : float
        Bound as asked and as it would have to be; the sums over the groups where
        it takes several.
    change : float
        ``needed - now``.
    unit : str
        Unit of all three.
    is_lower_bound : bool
        Whether ``change`` is only known to be the least that could do. Otherwise a
        plan with it was found.
    text : str
        The same in words, rounded so that following it works.
    parts : tuple of (group, now, needed)
        Bound by bound.
    field : str
        Field of the limit or argument that carries the bound.
    is_least : bool
        Whether no smaller change does.
    """

    limit: str
    group: object
    now: float
    needed: float
    change: float
    unit: str
    is_lower_bound: bool
    text: str
    parts: tuple[tuple[object, float, float], ...] = ()
    field: str = ""
    is_least: bool = True


@dataclass(frozen=True)
class Clash:
    """Limits that cannot hold together.

    Parameters
    ----------
    names : tuple of str
        The set; no limit of it can be left out if ``is_smallest``.
    is_smallest : bool
        Whether every limit of the set was shown to be needed.
    ways_out : tuple of WayOut
        At most one per limit and bound.
    stuck : tuple of str
        Limits of the set that cannot help alone, however far they give way.
    unsettled : tuple of str
        Limits of the set whose way out was not settled in time.
    said : str
        What is wrong in numbers, where arithmetic alone shows it.
    """

    names: tuple[str, ...]
    is_smallest: bool
    ways_out: tuple[WayOut, ...] = ()
    stuck: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, eq=False)
class _Answer:
    """Outcome of one solve: a point, a proof that there is none, or neither."""

    holds: bool | None
    x: Floats | None = None
    is_best: bool = False
    bound: float = np.inf


@dataclass(frozen=True, eq=False)
class _Program:
    """Rows over a problem, with limits whose rows are found on demand."""

    problem: Problem
    rows: Rows
    lazy: tuple[SupportsLimit, ...] = ()


class _Search:
    """Solves one program after another until the deadline."""

    def __init__(
        self, problem: Problem, rows: Rows, compiled: Compiled | None, deadline: float
    ) -> None:
        self.deadline = deadline
        self.compiled = compiled
        self.is_large = compiled is not None and problem.n_columns > MANY_COLUMNS
        self.limits: dict[str, SupportsLimit] = {}
        lazy: tuple[SupportsLimit, ...] = ()
        if compiled is not None:
            self.limits = {limit.name: limit for limit in compiled.limits}
            if self.is_large:
                rows, lazy = compiled.rows, compiled.lazy
        self.whole = _Program(problem, rows, lazy)

    def is_late(self) -> bool:
        """Return whether time is up."""
        return time.perf_counter() >= self.deadline

    def part(
        self, names: Iterable[str], *changed: SupportsLimit, dropped: Any = None
    ) -> _Program:
        """Return the program of some limits, with changed ones in their new form.

        ``dropped`` is a mask of rows to leave out besides.
        """
        new = {limit.name for limit in changed}
        wanted = [n for n in names if n not in new]
        keep = np.isin(self.whole.rows.limit.astype(str), [*wanted, *STRUCTURE])
        if dropped is not None:
            keep &= ~dropped
        problem = self.whole.problem
        lazy = [x for x in self.whole.lazy if x.name in wanted]
        parts = [self.whole.rows.take(np.flatnonzero(keep))]
        for limit in changed:
            if self.is_large and getattr(limit, "is_lazy", _never)(problem):
                lazy.append(limit)
            else:
                parts += rows_for(limit, problem)
        if "fixed" not in wanted and problem.fixed.any():
            # Fixed sites are a limit here; without it they are free.
            free = np.zeros_like(problem.fixed)
            standing = getattr(problem, "standing_mw", None)
            if standing is not None and "existing" in wanted:
                free |= standing > 0
            problem = replace(problem, fixed=free, _cache=problem._cache)
        return _Program(problem, Rows.stack(parts), tuple(lazy))

    def solve(
        self,
        program: _Program,
        objective: Floats | None = None,
        gap: float = 1e-6,
        presolve: str = "on",
    ) -> _Answer:
        """Maximise an objective, or find any point."""
        left = self.deadline - time.perf_counter()
        if left <= 0:
            return _Answer(None)
        goal = np.zeros(program.problem.n_columns) if objective is None else objective
        if self.is_large:
            return self._priced(program, objective, goal, gap)
        p, rows = program.problem, program.rows
        ends = (rows.matrix, rows.lower, rows.upper, p.lower, p.upper)
        relaxed = highs.solve_lp(goal, *ends, time_limit=left)
        if relaxed.status == "infeasible":
            return _Answer(False)
        left = self.deadline - time.perf_counter()
        if left <= 0:
            return _Answer(None)
        if not p.integrality.any() and relaxed.status == "optimal":
            return _Answer(True, relaxed.x, True, relaxed.objective)
        found = highs.solve_mip(
            goal,
            *ends,
            p.integrality,
            gap=gap,
            time_limit_s=left,
            presolve=presolve,
        )
        if found.x is not None:
            x = found.x.copy()
            x[p.integrality] = np.round(x[p.integrality])
            return _Answer(True, x, found.status == "optimal", found.bound)
        if found.status == "infeasible":
            return _Answer(False)
        bound = relaxed.objective if relaxed.status == "optimal" else np.inf
        return _Answer(None, bound=bound)

    def _priced(
        self, program: _Program, objective: Floats | None, goal: Floats, gap: float
    ) -> _Answer:
        assert self.compiled is not None
        problem = program.problem
        if objective is not None:
            problem = replace(
                problem, objective=goal, maximize=True, _cache=problem._cache
            )
        names = set(map(str, program.rows.limit)) | {x.name for x in program.lazy}
        lazy = {x.name: x for x in program.lazy}
        limits = [lazy.get(x.name, x) for x in self.compiled.limits]
        compiled = replace(
            self.compiled,
            problem=problem,
            limits=tuple(x for x in limits if x.name in names),
            rows=program.rows,
            lazy=program.lazy,
        )
        wide = 1e9 if objective is None else max(gap, 1e-4)
        found = PriceOut(compiled).solve(gap=wide, deadline=self.deadline)
        if found.x is None:
            return _Answer(False if found.status == "infeasible" else None)
        size = max(1e-6, abs(found.objective))
        is_best = found.bound - found.objective <= 2 * wide * size
        return _Answer(True, found.x, is_best, found.bound)


def _never(problem: Problem) -> bool:
    return False


def rows_for(limit: Any, problem: Problem) -> list[Rows]:
    """Return the rows of a limit, in each year that it holds in."""
    if not getattr(problem, "years", ()):
        return [limit.rows(problem)]
    from siteselect.optimization.horizon import dated, rows_of

    return list(rows_of(dated(limit, problem), problem))


def label_of(rows: Rows, r: int) -> object:
    """Return the group of a row, with its year where it has one."""
    group, years = rows.group[r], getattr(rows, "year", None)
    year = "" if years is None else years[r]
    if year == "":
        return group
    return (
        f"in {year}" if isinstance(group, str) and group == "" else f"{group} in {year}"
    )


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
    search = _Search(problem, rows, compiled, start + 0.67 * limit_s)
    every = list(every_limit(rows).names)
    if compiled is not None:
        every += [x.name for x in compiled.lazy if x.name not in every]
    known = set(suspects)
    kept = [n for n in every if n in known] or every

    def judge(names: list[str]) -> bool | None:
        if is_feasible is not None:
            return is_feasible(names, search.deadline)
        return search.solve(search.part(names)).holds

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
        except _CannotHelpError:
            stuck.append(name)
            continue
        except Exception:  # The clash is known; a way out of it is extra.
            unsettled.append(name)
            continue
        ways += found
        if not found:
            unsettled.append(name)
    search.deadline = deadline
    released = _released(search, every) if compiled is not None else None
    if released is not None:
        ways.append(released)
    return Clash(
        tuple(kept), is_smallest, tuple(ways), tuple(stuck), tuple(unsettled), said
    )


def known_rows(compiled: Compiled) -> Rows:
    """Return the rows that a search starts from: many lazy ones stay lazy."""
    is_large = compiled.problem.n_columns > MANY_COLUMNS
    return compiled.rows if is_large else compiled.full_rows()


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
    search = _Search(compiled.problem, known_rows(compiled), compiled, deadline)
    return search.solve(search.part(names)).holds


def _share(deadline: float, n: int) -> float:
    """Return a deadline for the next of ``n`` tasks: a little over its fair share."""
    now = time.perf_counter()
    return min(deadline, now + 1.3 * max(0.0, deadline - now) / max(1, n))


def every_limit(rows: Rows) -> Clash:
    """Return all limits as one clash: true of any infeasible program, if coarse."""
    names = dict.fromkeys(map(str, rows.limit))
    return Clash(tuple(n for n in names if n not in STRUCTURE), False)


class _CannotHelpError(Exception):
    """The others do not hold together, however far this limit gives way."""


class _NotSettledError(Exception):
    """Time ran out before anything was known."""


def _ways_out(search: _Search, every: list[str], name: str) -> Iterator[WayOut]:
    """Return the ways out of one limit, all others kept as they are."""
    limit = search.limits.get(name)
    rows = search.whole.rows
    mine: Bools = rows.limit.astype(str) == name
    kinds = rows.kind.astype(str)
    kind = type(limit).__name__
    fields = FIELDS.get(kind, ())
    if name == "fixed":
        yield _slack(search, every, name, mine, limit)
        return
    if fields and limit is not None:
        others = [n for n in every if n != name]
        free = search.solve(search.part(others))
        if free.holds is False:
            raise _CannotHelpError
        if free.x is None:
            raise _NotSettledError
        set_fields = [
            # None is no bound; one by year is not turned.
            f
            for f in fields
            if isinstance(getattr(limit, f[0], None), int | float)
        ]
        n = 0
        for field, is_raised, account, unit, is_whole in set_fields:
            knob = _Knob(search, every, limit, field, is_raised, account, is_whole)
            # Without the limit is at its loosest, if it has no other bound.
            first = free if len(set_fields) == 1 else None
            way = knob.turn(unit or str(getattr(limit, "unit", "") or ""), first)
            if way is not None:
                n += 1
                yield way
        if not n:
            yield _left_out(name)
        return
    soft = mine & np.isin(kinds, (*AMOUNTS, *COUNTS))
    if soft.any():
        yield _slack(search, every, name, soft, limit)
        return
    free = search.solve(search.part([n for n in every if n != name]))
    if free.holds is False:
        raise _CannotHelpError
    if free.x is None:
        raise _NotSettledError
    yield _left_out(name)


def _left_out(name: str) -> WayOut:
    nan = float("nan")
    return WayOut(name, "", nan, nan, nan, "", False, f"leave out {name!r}")


# -- bounds that a row carries -------------------------------------------------


def _slack(
    search: _Search, every: list[str], name: str, soft: Bools, limit: Any
) -> WayOut:
    """Return the least total slack of one limit's rows."""
    base = search.part(every)
    mine = base.rows.limit.astype(str) == name
    # Rows of ``part`` stand in the order of the whole.
    at = np.flatnonzero(mine)[soft[search.whole.rows.limit.astype(str) == name]]
    if name == "fixed":
        base = replace(
            base,
            problem=replace(
                base.problem,
                fixed=np.zeros_like(base.problem.fixed),
                _cache=base.problem._cache,
            ),
        )
    rows = base.rows
    wide, columns = _with_slack(base, at)
    objective = np.zeros(wide.problem.n_columns)
    # In the unit of the limit, but near one whatever that unit is.
    objective[columns] = -1.0
    found = search.solve(wide, objective)
    if found.holds is False:
        raise _CannotHelpError
    if found.x is not None and not search.is_large:
        found = _confirmed(search, wide, objective, found)
    unit = unit_of(name, limit, rows.kind[at[0]])
    if found.x is None:
        if not np.isfinite(found.bound):
            raise _NotSettledError
        least = max(0.0, -found.bound) / float(rows.scale[at[0]])
        text = f"{name}: a change by at least {amount(least, unit, up=False)}"
        nan = float("nan")
        return WayOut(name, "", nan, nan, least, unit, True, text)
    x = found.x[: base.problem.n_columns]
    used = np.asarray(rows.matrix[at] @ x)
    over = np.maximum(used - rows.upper[at], 0.0)
    under = np.maximum(rows.lower[at] - used, 0.0)
    tol = 1e-7 * np.maximum(1.0, np.abs(used))
    moved = np.flatnonzero((over > tol) | (under > tol))
    if not moved.size:
        raise _NotSettledError
    parts = []
    for k in moved.tolist():
        scale = float(rows.scale[at[k]])
        bound = rows.upper[at[k]] if over[k] > tol[k] else rows.lower[at[k]]
        parts.append(
            (label_of(rows, at[k]), float(bound) / scale, float(used[k]) / scale)
        )
    if name == "fixed":
        labels = tuple(group for group, _, _ in parts)
        text = "fixed: release " + listed(map(repr, labels))
        n = float(len(labels))
        return WayOut(
            name, _one(labels), n, 0.0, -n, "sites", False, text, tuple(parts), "fixed"
        )
    return _way_of(search, name, limit, tuple(parts), unit, found.is_best)


def _confirmed(
    search: _Search, program: _Program, objective: Floats, found: _Answer
) -> _Answer:
    """Ask once more, otherwise, whether no better point exists; take it if so.

    HiGHS has called a slack of 500 MW optimal where 400 MW did.
    """
    for _ in range(5):
        assert found.x is not None
        best = float(objective @ found.x)
        if not found.is_best or best >= 0:
            return found
        less = Rows.make(
            objective.reshape(1, -1), best * (1 - PRECISION), np.inf, "less", None
        )
        harder = replace(program, rows=Rows.stack([program.rows, less]))
        # Tolerances of another size, and one row more, make it another path.
        other = search.solve(harder, objective, gap=1e-9)
        if other.x is None:
            return replace(found, is_best=other.holds is False)
        found = other
    return replace(found, is_best=False)


def _with_slack(base: _Program, at: Ints) -> tuple[_Program, slice]:
    """Return the program with slack in the rows ``at``, up to what they can need."""
    problem, rows = base.problem, base.rows
    parts, sign, upper = [], [], []
    size = np.asarray(abs(rows.matrix[at]) @ np.ones(problem.n_columns))
    for k, r in enumerate(at.tolist()):
        for s, bound in ((1.0, rows.lower[r]), (-1.0, rows.upper[r])):
            if np.isfinite(bound):
                parts.append(r)
                sign.append(s)
                upper.append(float(size[k]) + abs(float(bound)) + 1.0)
    n = len(parts)
    # One opening is one site: the slack of a fixed site ends there.
    extra = ExtraColumns(
        tuple(f"slack {k}" for k in range(n)),
        np.zeros(n),
        np.array(upper),
        np.zeros(n, dtype=bool),
    )
    start = problem.n_columns
    place = sparse.csr_array(
        sparse.coo_array((sign, (parts, np.arange(n))), shape=(len(rows), n))
    )
    matrix = sparse.csr_array(sparse.hstack([rows.matrix, place], format="csr"))
    wide = replace(problem.with_columns("slack of a limit", extra), _cache={})
    return (
        _Program(wide, replace(rows, matrix=matrix), base.lazy),
        slice(start, start + n),
    )


def _way_of(
    search: _Search,
    name: str,
    limit: Any,
    parts: tuple[tuple[object, float, float], ...],
    unit: str,
    is_least: bool,
) -> WayOut:
    """Put moved bounds into one way out."""
    groups = tuple(group for group, _, _ in parts)
    now = sum(a for _, a, _ in parts)
    needed = sum(b for _, _, b in parts)
    change = sum(abs(b - a) for _, a, b in parts)
    raised = parts[0][2] > parts[0][1]
    field = {"power": "power_mw", "budget": "budget_usd"}.get(
        name, "at_most" if raised else "at_least"
    )
    if name == "sites":
        field = "max_sites" if raised else "min_sites"
    if groups == ("",):
        text = moved_text(name, parts[0][1], parts[0][2], unit)
    else:
        word = "more" if raised else "less"
        what = amount(change, unit, up=True)
        text = f"{name}: {what} {word} {_place(limit, parts, unit)}"
    if not is_least:
        text += " (perhaps less)"
    signed = change if raised else -change
    return WayOut(
        name,
        _one(groups),
        now,
        needed,
        signed,
        unit,
        False,
        text,
        parts,
        field,
        is_least,
    )


def _place(
    limit: Any, parts: tuple[tuple[object, float, float], ...], unit: str
) -> str:
    """Return where a change is needed: ``at model bus 1734``."""
    by = getattr(limit, "by", None)
    word = by.removesuffix("_id").replace("_", " ") if isinstance(by, str) else "group"
    if len(parts) == 1:
        only = str(parts[0][0])
        return only if only.startswith("in ") else f"at {word} {only}"
    each = [
        f"{group}: {amount(abs(b - a), unit, up=True)}" for group, a, b in parts[:3]
    ]
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return f"over {len(parts)} groups of {word} ({', '.join(each)}{more})"


def _released(search: _Search, every: list[str]) -> WayOut | None:
    """Return the fewest forbidden sites whose release makes a plan possible."""
    assert search.compiled is not None
    request = search.compiled.request
    closed = [x for x in request.forbidden if x in search.whole.problem.frame.index]
    if not closed or search.is_late():
        return None
    base = search.part(every)
    problem = base.problem
    is_closed = problem.frame.index.isin(closed)
    own = problem.column_site
    mine = (own >= 0) & is_closed[np.maximum(own, 0)]
    upper = np.where(mine, 1.0, problem.upper)
    freed = replace(problem, upper=upper, _cache=problem._cache)
    found = search.solve(
        replace(base, problem=freed),
        -(mine & problem.column_opens).astype(np.float64),
        gap=1e-6,
    )
    if found.x is None:
        return None
    is_open = freed.sites_open(found.x) > 0.5
    labels = tuple(problem.frame.index[is_open & is_closed])
    n = float(len(labels))
    text = f"forbidden: release {listed(map(repr, labels))}"
    return WayOut(
        "forbidden",
        _one(labels),
        n,
        0.0,
        -n,
        "sites",
        False,
        text,
        tuple((label, 1.0, 0.0) for label in labels),
        "forbidden",
        found.is_best,
    )


# -- bounds inside coefficients ------------------------------------------------


class _Knob:
    """One field of a limit, turned until the others hold.

    Every value at the loose end belongs to a plan that was found; what its accounts
    attain is the next loose end, so that most steps jump.
    """

    def __init__(
        self,
        search: _Search,
        every: list[str],
        limit: Any,
        field: str,
        is_raised: bool,
        account: str,
        is_whole: bool,
    ) -> None:
        self.search = search
        self.every = every
        self.limit = limit
        self.field = field
        self.is_raised = is_raised
        self.account = account
        self.is_whole = is_whole
        self.now = float(getattr(limit, field))
        self.steps = self._steps()

    def at(self, value: float) -> Any:
        """Return the limit with another bound."""
        bound: float | int = round(value) if self.is_whole else float(value)
        return replace(self.limit, **{self.field: bound})

    def solve(self, value: float) -> _Answer:
        """Return whether a plan exists at another bound."""
        return self.search.solve(self.search.part(self.every, self.at(value)))

    def loosest(self) -> float:
        """Return a bound that limits nothing and is still allowed."""
        problem = self.search.whole.problem
        share = {"Share", "Cover"}
        name = type(self.limit).__name__
        if self.field == "max_share" or (name in share and self.is_raised):
            return 1.0
        if name == "Average":
            values = problem.quantity(self.limit.column, self.limit.name)
            end = float(values.max() if self.is_raised else values.min())
            return max(end, self.now) if self.is_raised else min(end, self.now)
        if self.field == "max_sites_per_group":
            return float(problem.n_sites)
        if self.field == "km" and self.is_raised:
            return 20_000.0
        return 0.0

    def _steps(self) -> Floats | None:
        """Return the only values that matter, where those are known: distances."""
        if type(self.limit).__name__ != "Spacing":
            return None
        problem = self.search.whole.problem
        pairs = self.limit.nearby(problem)
        if not pairs.count_at_most(2_000_000):
            return None
        usable = np.zeros(problem.n_sites, dtype=bool)
        offered = problem.column_opens & (problem.upper > 0)
        usable[problem.column_site[offered]] = True
        i, j = pairs.pairs_among(np.flatnonzero(usable))
        points = lonlat(problem.frame)
        return np.unique(geodesic_km(points[i], points[j]))

    def attained(self, x: Floats) -> float | None:
        """Return what a plan attains, from the limit's own independent account."""
        problem = self.search.whole.problem
        mw = np.round(problem.sites_mw(x), 9)
        own = problem.column_site >= 0
        cost = np.bincount(
            problem.column_site[own],
            weights=(problem.column_cost * x)[own],
            minlength=problem.n_sites,
        )
        table: pd.DataFrame = self.limit.check(
            problem.frame.assign(mw=mw, cost_usd=cost)
        )
        if self.account:
            table = table[table["kind"] == self.account]
        used = table["used"].to_numpy(dtype=float)
        used = used[np.isfinite(used)]
        if not used.size:
            return None
        return float(used.max() if self.is_raised else used.min())

    def nearer(self, found: _Answer, value: float) -> float:
        """Return the tightest bound that a plan found at ``value`` still keeps."""
        if found.x is None:
            return value
        told = self.attained(found.x)
        if told is None:
            return value
        best = min(value, told) if self.is_raised else max(value, told)
        # A plan cannot keep the bound that was asked for: rounding at most.
        return max(best, self.now) if self.is_raised else min(best, self.now)

    def turn(self, unit: str, first: _Answer | None = None) -> WayOut | None:
        """Return the least change of this field, None if it cannot help."""
        loose = self.loosest()
        if loose == self.now:
            return None
        found = self.solve(loose) if first is None else first
        if found.holds is False:
            return None
        if found.x is None:
            raise _NotSettledError
        tight, loose = self.now, self.nearer(found, loose)
        is_least = False
        if self.account in ("average", "share"):
            tight = self.linear_least(loose)
        while not is_least:
            middle = self.between(tight, loose)
            if middle is None:
                is_least = True
                break
            found = self.solve(middle)
            if found.holds is False:
                tight = middle
            elif found.x is not None:
                loose = self.nearer(found, middle)
            else:
                break
        text = moved_text(self.limit.name, self.now, loose, unit)
        if not is_least:
            text += " (perhaps less)"
        return WayOut(
            self.limit.name,
            "",
            self.now,
            loose,
            loose - self.now,
            unit,
            False,
            text,
            (("", self.now, loose),),
            self.field,
            is_least,
        )

    def between(self, tight: float, loose: float) -> float | None:
        """Return the next value to try between an infeasible and a feasible one."""
        if self.is_whole:
            return (
                None if abs(loose - tight) <= 1 else float(round((tight + loose) / 2))
            )
        if self.steps is not None:
            room = 1e-9 * max(1.0, tight)
            inner = self.steps[
                (self.steps > loose + room) & (self.steps < tight - room)
            ]
            return None if not inner.size else float(inner[inner.size // 2])
        if abs(loose - tight) <= PRECISION * max(abs(self.now), 1e-9):
            return None
        # The linear bound is close: try near it first.
        return tight + (0.3 if tight != self.now else 0.5) * (loose - tight)

    def linear_least(self, value: float) -> float:
        """Return a bound that no plan gets below: the least average with fractions.

        At the value ``b`` of a point, ``sum((v - b) mw)`` is minimised over all
        points; its zero is the next, better value, and no better one exists when
        the minimum is zero.
        """
        search = self.search
        sign = -1.0 if self.is_raised else 1.0
        tol = 1e-7 * max(abs(self.now), 1e-9)
        for _ in range(20):
            here = self._row(value)
            there = self._row((value + self.now) / 2)
            if here is None or there is None or value == self.now:
                return self.now
            row, scale = here
            other, other_scale = there
            part = search.part(self.every, self.at(value))
            p, rows = part.problem, part.rows
            left = search.deadline - time.perf_counter()
            if left <= 0:
                return self.now
            found = highs.solve_lp(
                sign * row,
                rows.matrix,
                rows.lower,
                rows.upper,
                p.lower,
                p.upper,
                time_limit=left,
            )
            if found.status != "optimal":
                return self.now
            apart = (value - self.now) / 2
            mw = float((other / other_scale - row / scale) @ found.x) / apart
            if mw <= 1e-9:
                return self.now
            better = value + float(row @ found.x) / scale / mw
            better = max(better, self.now) if self.is_raised else min(better, self.now)
            if abs(better - value) <= tol:
                return better
            value = better
        return self.now

    def _row(self, value: float) -> tuple[Floats, float] | None:
        """Return the one row of this field at a value, and its scale."""
        side = "upper" if self.is_raised else "lower"
        parts = rows_for(self.at(value), self.search.whole.problem)
        rows = Rows.stack(parts)
        mine = np.flatnonzero(np.isfinite(getattr(rows, side)))
        if mine.size != 1:
            return None
        row = np.asarray(rows.matrix[mine].toarray()).ravel()
        return row, float(rows.scale[mine[0]])


# -- words ---------------------------------------------------------------------


def _one(labels: tuple[Any, ...]) -> object:
    return labels[0] if len(labels) == 1 else labels


def clash_text(clash: Clash) -> tuple[str, str]:
    """Return what clashes and the ways out as two sentences.

    Parameters
    ----------
    clash : Clash
        What `clash_of` found.

    Returns
    -------
    tuple of two str

    Examples
    --------
    >>> way = WayOut("power", "", 900, 600, -300, "MW", False, "power: 900 -> 600 MW")
    >>> said, ways = clash_text(Clash(("power", "sites"), True, (way,), ("sites",)))
    >>> said
    "'power' and 'sites' cannot hold together"
    >>> ways
    "This frees the others: power: 900 -> 600 MW; 'sites' alone cannot help"
    """
    named = [repr(name) for name in clash.names]
    if len(named) == 1:
        said = f"{named[0]} cannot be met by the sites and sizes on offer"
    else:
        said = f"{', '.join(named[:-1])} and {named[-1]} cannot hold together"
    if clash.said:
        said += f" ({clash.said})"
    if not clash.is_smallest:
        said += " (not every one of them is shown to be needed)"
    ways = [way.text for way in clash.ways_out]
    tail = []
    if clash.stuck:
        tail.append(f"{listed(map(repr, clash.stuck))} alone cannot help")
    if clash.unsettled:
        tail.append(f"not settled in time for {listed(map(repr, clash.unsettled))}")
    if not ways:
        start = "Loosen one of them"
        if len(clash.stuck) == len(clash.names):
            start = "More than one clash: loosen several limits"
        return said, "; ".join([start, *tail])
    found = "; or ".join(ways)
    lead = (
        "Any one of these frees the others"
        if len(ways) > 1
        else "This frees the others"
    )
    return said, "; ".join([f"{lead}: {found}", *tail])


__all__ = ["Clash", "WayOut", "can_hold", "clash_of", "clash_text", "known_rows"]
