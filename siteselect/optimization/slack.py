"""The least change of bounds that rows carry, with which a program holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from siteselect.optimization.by_year import ByYear, is_yearly
from siteselect.optimization.clash import PRECISION, WayOut, one_of
from siteselect.optimization.horizon import dated, rows_of_every_year
from siteselect.optimization.part_search import (
    Answer,
    CannotHelpError,
    NotSettledError,
    Program,
    Search,
)
from siteselect.optimization.problem import (
    BUILT_IN,
    Bools,
    ExtraColumns,
    Floats,
    Ints,
    Rows,
)
from siteselect.optimization.words import amount, listed, moved_text, unit_of

#: Kinds of rows whose slack is an amount in the limit's own unit.
AMOUNTS = ("power", "money", "count", "total")
#: Kinds of rows whose slack is a number of groups or sites.
COUNTS = ("distinct groups", "sites per group", "covered share")
#: Room that a bound gets beyond what continuous sizes add up to, relative.
ENOUGH = 2e-9
#: Up to this many columns a way out is settled exactly, not to `PRECISION`.
FEW_COLUMNS = 600


@dataclass(frozen=True)
class Moved:
    """A bound that moves, in the years in which it holds.

    Parameters
    ----------
    group : object
        Group of the limit, ``""`` where it has none.
    now, needed : float
        The bound as asked, and as it has to be.
    years : tuple of object
        Years whose bound it is; ``("",)`` without years.
    is_always : bool
        Whether it is one bound for all years.
    """

    group: object
    now: float
    needed: float
    years: tuple[object, ...]
    is_always: bool = False

    @property
    def when(self) -> str:
        """The years in words."""
        if self.is_always:
            return "in every year"
        said = [str(y) for y in self.years if y != ""]
        return f"in {listed(said)}" if said else ""

    @property
    def label(self) -> object:
        """The group with its years."""
        return _label(self.group, self.when)

    def parts(self) -> list[tuple[object, float, float]]:
        """Return the bound as it moves, year by year."""
        whens = ["" if y == "" else f"in {y}" for y in self.years]
        return [(_label(self.group, w), self.now, self.needed) for w in whens]


def _label(group: object, when: str) -> object:
    """Return a group with its years: ``B in 2030``."""
    if not when:
        return group
    return when if isinstance(group, str) and group == "" else f"{group} {when}"


class Bounds:
    """Which rows of a limit carry one bound: a plain number holds in many years."""

    def __init__(self, search: Search, name: str, limit: Any) -> None:
        problem = search.whole.problem
        self.years = tuple(problem.years)
        #: Rows of all years; those of the search lack what later years imply.
        self.rows: Rows | None = None
        if self.years and limit is not None:
            blocks = rows_of_every_year(dated(limit, problem), problem)
            self.rows = Rows.stack(blocks)
        request = None if search.compiled is None else search.compiled.request
        self.is_by_year = {
            side: _is_by_year(request, name, limit, field)
            for side, field in (("lower", "at_least"), ("upper", "at_most"))
        }
        # Years in which a bound holds that is one for all of them.
        self._years: dict[Any, dict[object, None]] = {}
        for side, is_own in self.is_by_year.items():
            if self.rows is None or is_own:
                continue
            for r in np.flatnonzero(np.isfinite(getattr(self.rows, side))).tolist():
                key = self.key(self.rows, r, side)
                self._years.setdefault(key, {})[self.rows.year[r]] = None

    def key(self, rows: Rows, r: int, side: str) -> tuple[Any, ...]:
        """Return what two rows have in common that carry one bound."""
        if self.rows is None or self.is_by_year[side]:
            return (r, side)
        bound = float(getattr(rows, side)[r]) / float(rows.scale[r])
        return (rows.kind[r], rows.group[r], side, f"{bound:.12g}")

    def moved(self, rows: Rows, r: int, side: str, needed: float) -> Moved:
        """Return the bound of a row, with all years in which it holds."""
        now = float(getattr(rows, side)[r]) / float(rows.scale[r])
        years = tuple(self._years.get(self.key(rows, r, side), (rows.year[r],)))
        is_always = len(years) > 1 and set(years) == set(self.years)
        return Moved(rows.group[r], now, needed, years, is_always)


def _is_by_year(request: Any, name: str, limit: Any, field: str) -> bool:
    """Return whether each year has a bound of its own."""
    argument = {"power": "power_mw", "it power": "it_mw", "budget": "budget_usd"}
    if name in argument:
        return isinstance(getattr(request, argument[name], None), Mapping | ByYear)
    if name in BUILT_IN:
        return False
    if hasattr(limit, "in_year"):
        return True
    spec = getattr(limit, field, None)
    if spec is None and is_dataclass(limit) and not isinstance(limit, type):
        return any(is_yearly(getattr(limit, f.name)) for f in fields(limit))
    return is_yearly(spec)


def least_slack(
    search: Search, every: list[str], name: str, soft: Bools, limit: Any
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
    bounds = Bounds(search, name, limit)
    if bounds.rows is not None and any(bounds.is_by_year.values()):
        # A bound that has moved may imply those of the years before it no more.
        kept = base.rows.take(np.flatnonzero(~mine))
        base = replace(base, rows=Rows.stack([kept, bounds.rows]))
        asked = np.isin(bounds.rows.kind.astype(str), (*AMOUNTS, *COUNTS))
        at = len(kept) + np.flatnonzero(asked)
    rows = base.rows
    if at.size == 1 and base.problem.n_columns > FEW_COLUMNS:
        return _of_one_row(search, base, int(at[0]), name, limit, bounds)
    wide, columns = _with_slack(base, at, bounds)
    objective = np.zeros(wide.problem.n_columns)
    # In the unit of the limit, but near one whatever that unit is.
    objective[columns] = -1.0
    found = search.solve(wide, objective)
    if found.holds is False:
        raise CannotHelpError
    if found.x is not None and not search.is_large:
        found = _confirmed(search, wide, objective, found)
    unit = unit_of(name, limit, rows.kind[at[0]])
    if found.x is None:
        if not np.isfinite(found.bound):
            raise NotSettledError
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
        raise NotSettledError
    found_by: dict[Any, Moved] = {}
    for k in moved.tolist():
        side = "upper" if over[k] > tol[k] else "lower"
        one = bounds.moved(
            rows, int(at[k]), side, float(used[k]) / float(rows.scale[at[k]])
        )
        key = bounds.key(rows, int(at[k]), side)
        # One bound of many years moves as far as the worst of them needs.
        further = max if side == "upper" else min
        known = found_by.get(key, one)
        found_by[key] = replace(one, needed=further(known.needed, one.needed))
    parts = tuple(found_by.values())
    if name == "fixed":
        labels = tuple(one.group for one in parts)
        text = "fixed: release " + listed(map(repr, labels))
        n = float(len(labels))
        return WayOut(
            name,
            one_of(labels),
            n,
            0.0,
            -n,
            "sites",
            False,
            text,
            tuple(x for one in parts for x in one.parts()),
            "fixed",
        )
    return _way_of(search, name, limit, parts, unit, found.is_best)


def _of_one_row(
    search: Search, base: Program, r: int, name: str, limit: Any, bounds: Bounds
) -> WayOut:
    """Return how little one bound of one row must move.

    Without the bound, the use of the row is made as small (or large) as can be: a
    program like any other, where slack columns would hide from the solver what a
    site is worth.
    """
    rows = base.rows
    row = np.asarray(rows.matrix[[r]].toarray()).ravel()
    scale, unit = float(rows.scale[r]), unit_of(name, limit, rows.kind[r])
    found: list[tuple[float, str, float, bool]] = []
    least, n_stuck, n_sides = np.inf, 0, 0
    for side, sign in (("lower", 1.0), ("upper", -1.0)):
        bound = float(getattr(rows, side)[r])
        if not np.isfinite(bound):
            continue
        n_sides += 1
        ends = getattr(rows, side).copy()
        ends[r] = -sign * np.inf
        freed = replace(base, rows=replace(rows, **{side: ends}))
        room = max(0.999 * _step(base, rows, r), PRECISION * abs(bound))
        # Of the use, which is over a cap, perhaps by far.
        size = max(abs(bound), room) * (1.0 if sign > 0 else 2.0)
        answer = search.solve(freed, sign * row, gap=room / size)
        if answer.holds is False:
            n_stuck += 1
            continue
        if answer.x is None:
            least = min(least, max(0.0, sign * bound - answer.bound))
            continue
        used = float(row @ answer.x[: row.size])
        if sign * (bound - used) <= 1e-7 * max(1.0, abs(used)):
            continue  # This end does not stand in the way.
        proven = answer.is_best or answer.bound - sign * used <= room
        if not base.problem.integrality[row != 0].all():
            # A way out must be enough: sizes in a range add up but for rounding.
            used -= sign * ENOUGH * abs(used)
        found.append((abs(used - bound), side, used, proven))
    if n_stuck == n_sides:
        raise CannotHelpError
    if found:
        _, side, used, is_least = min(found)
        is_least = is_least and len(found) + n_stuck == n_sides
        one = bounds.moved(rows, r, side, used / scale)
        return _way_of(search, name, limit, (one,), unit, is_least)
    if not np.isfinite(least) or least <= 0:
        raise NotSettledError
    text = f"{name}: a change by at least {amount(least / scale, unit, up=False)}"
    nan = float("nan")
    return WayOut(name, "", nan, nan, least / scale, unit, True, text)


def _step(base: Program, rows: Rows, r: int) -> float:
    """Return what the use of a row is a multiple of: sizes of 100 MW; else 0."""
    row = rows.matrix[[r]]
    if not base.problem.integrality[row.indices].all() or not row.data.size:
        return 0.0
    scale = float(rows.scale[r])
    # In thousandths of the unit of the limit.
    parts = row.data / scale * 1000.0
    whole = np.round(parts)
    if np.abs(parts - whole).max() > 1e-3 or np.abs(whole).max() > 2**53:
        return 0.0
    return float(np.gcd.reduce(np.abs(whole).astype(np.int64))) / 1000.0 * scale


def _confirmed(
    search: Search, program: Program, objective: Floats, found: Answer
) -> Answer:
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


def _with_slack(base: Program, at: Ints, bounds: Bounds) -> tuple[Program, slice]:
    """Return the program with slack in the rows ``at``, up to what they can need.

    Rows that carry one bound share theirs.
    """
    problem, rows = base.problem, base.rows
    parts, sign, column = [], [], []
    upper: list[float] = []
    # Column of a bound, and the scale of its first row.
    seen: dict[Any, tuple[int, float]] = {}
    size = np.asarray(abs(rows.matrix[at]) @ np.ones(problem.n_columns))
    for k, r in enumerate(at.tolist()):
        for s, side in ((1.0, "lower"), (-1.0, "upper")):
            bound, scale = float(getattr(rows, side)[r]), float(rows.scale[r])
            if not np.isfinite(bound):
                continue
            key = bounds.key(rows, r, side)
            if key not in seen:
                seen[key] = (len(upper), scale)
                upper.append(0.0)
            place_of, first = seen[key]
            most = (float(size[k]) + abs(bound) + 1.0) * first / scale
            upper[place_of] = max(upper[place_of], most)
            parts.append(r)
            sign.append(s * scale / first)
            column.append(place_of)
    n = len(upper)
    # One opening is one site: the slack of a fixed site ends there.
    extra = ExtraColumns(
        tuple(f"slack {k}" for k in range(n)),
        np.zeros(n),
        np.array(upper),
        np.zeros(n, dtype=bool),
    )
    start = problem.n_columns
    place = sparse.csr_array(
        sparse.coo_array((sign, (parts, column)), shape=(len(rows), n))
    )
    matrix = sparse.csr_array(sparse.hstack([rows.matrix, place], format="csr"))
    wide = replace(problem.with_columns("slack of a limit", extra), _cache={})
    return (
        Program(wide, replace(rows, matrix=matrix), base.lazy),
        slice(start, start + n),
    )


def _way_of(
    search: Search,
    name: str,
    limit: Any,
    parts: tuple[Moved, ...],
    unit: str,
    is_least: bool,
) -> WayOut:
    """Put moved bounds into one way out."""
    groups = tuple(one.label for one in parts)
    now = sum(one.now for one in parts)
    needed = sum(one.needed for one in parts)
    change = sum(abs(one.needed - one.now) for one in parts)
    raised = parts[0].needed > parts[0].now
    field = {"power": "power_mw", "budget": "budget_usd"}.get(
        name, "at_most" if raised else "at_least"
    )
    if name == "sites":
        field = "max_sites" if raised else "min_sites"
    if groups == ("",):
        text = moved_text(name, parts[0].now, parts[0].needed, unit)
    else:
        word = "more" if raised else "less"
        what = amount(change, unit, up=True)
        text = f"{name}: {what} {word} {_place(limit, parts, unit)}"
    if not is_least:
        text += " (perhaps less)"
    signed = change if raised else -change
    return WayOut(
        name,
        one_of(groups),
        now,
        needed,
        signed,
        unit,
        False,
        text,
        tuple(x for one in parts for x in one.parts()),
        field,
        is_least,
    )


def _place(limit: Any, parts: tuple[Moved, ...], unit: str) -> str:
    """Return where a change is needed: ``at model bus 1734``."""
    by = getattr(limit, "by", None)
    word = by.removesuffix("_id").replace("_", " ") if isinstance(by, str) else "group"
    if len(parts) == 1:
        only = parts[0]
        return only.when if only.group == "" else f"at {word} {only.label}"
    groups = dict.fromkeys(str(one.group) for one in parts)
    is_of_one = len(groups) == 1
    each = [
        f"{one.when if is_of_one else one.label}: "
        f"{amount(abs(one.needed - one.now), unit, up=True)}"
        for one in parts[:3]
    ]
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    said = f"({', '.join(each)}{more})"
    if is_of_one:
        at = "" if parts[0].group == "" else f"at {word} {parts[0].group} "
        return f"{at}over {len(parts)} years {said}"
    return f"over {len(groups)} groups of {word} {said}"


def released(search: Search, every: list[str]) -> WayOut | None:
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
        one_of(labels),
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


__all__ = ["least_slack", "released"]
