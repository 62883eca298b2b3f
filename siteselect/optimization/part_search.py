"""Programs of some of the limits, solved one after another until a deadline."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from siteselect.optimization import highs
from siteselect.optimization._compile import Compiled, broken_rows
from siteselect.optimization._distance import unit_vectors
from siteselect.optimization.limits import Spacing, SupportsLimit
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import ExtraColumns, Floats, Problem, Rows

#: One size per site is the shape of the problem, not a limit that can give way.
STRUCTURE = ("site capacity",)
#: Above this many columns they are priced out.
MANY_COLUMNS = 1_500
#: A point that breaks a spacing in more pairs than this settles nothing in time.
MOST_PAIRS = 100_000
EARTH_KM = 6371.0


class CannotHelpError(Exception):
    """The others do not hold together, however far this limit gives way."""


class NotSettledError(Exception):
    """Time ran out before anything was known."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Outcome of one solve: a point, a proof that there is none, or neither."""

    holds: bool | None
    x: Floats | None = None
    is_best: bool = False
    bound: float = np.inf


@dataclass(frozen=True, eq=False)
class Program:
    """Rows over a problem, with limits whose rows are found on demand."""

    problem: Problem
    rows: Rows
    lazy: tuple[SupportsLimit, ...] = ()


class Search:
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
            else:
                lazy = compiled.open_ended
        self.whole = Program(problem, rows, lazy)

    def is_late(self) -> bool:
        """Return whether time is up."""
        return time.perf_counter() >= self.deadline

    def part(
        self, names: Iterable[str], *changed: SupportsLimit, dropped: Any = None
    ) -> Program:
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
        return Program(problem, Rows.stack(parts), tuple(lazy))

    def holds(self, program: Program) -> bool | None:
        """Return whether a program has a point; None if time ran out."""
        problem, rows = program.problem, program.rows
        # Where nothing is asked for, nothing will do.
        is_none_allowed = (
            not problem.fixed.any()
            and (problem.lower <= 0).all()
            and (problem.upper >= 0).all()
            and (rows.lower <= 0).all()
            and (rows.upper >= 0).all()
            # Found on demand are rows that chosen sites break: none here.
            and all(type(limit) is Spacing for limit in program.lazy)
        )
        return True if is_none_allowed else self.solve(program).holds

    def solve(
        self,
        program: Program,
        objective: Floats | None = None,
        gap: float = 1e-6,
        presolve: str = "on",
    ) -> Answer:
        """Maximise an objective, or find any point."""
        answer = self._solve(program, objective, gap, presolve)
        while answer.x is not None and program.lazy and not self.is_large:
            problem = program.problem
            more = broken_rows(program.lazy, problem, answer.x)
            if not len(more):
                break
            program = replace(program, rows=Rows.stack([program.rows, more]))
            answer = self._solve(program, objective, gap, presolve)
        return answer

    def _solve(
        self,
        program: Program,
        objective: Floats | None,
        gap: float,
        presolve: str,
    ) -> Answer:
        left = self.deadline - time.perf_counter()
        if left <= 0:
            return Answer(None)
        goal = np.zeros(program.problem.n_columns) if objective is None else objective
        if self.is_large:
            return self._priced(program, objective, goal, gap)
        p, rows = program.problem, program.rows
        ends = (rows.matrix, rows.lower, rows.upper, p.lower, p.upper)
        relaxed = highs.solve_lp(goal, *ends, time_limit=left)
        if relaxed.status == "infeasible":
            return Answer(False)
        left = self.deadline - time.perf_counter()
        if left <= 0:
            return Answer(None)
        if not p.integrality.any() and relaxed.status == "optimal":
            return Answer(True, relaxed.x, True, relaxed.objective)
        found = highs.solve_mip(
            goal,
            *ends,
            p.integrality,
            gap=gap,
            time_limit_s=left,
            presolve=presolve,
        )
        if found.x is not None:
            x = highs.settled(goal, *ends, p.integrality, found.x)
            return Answer(True, x, found.status == "optimal", found.bound)
        if found.status == "infeasible":
            return Answer(False)
        bound = relaxed.objective if relaxed.status == "optimal" else np.inf
        return Answer(None, bound=bound)

    def _hurried(self, limit: SupportsLimit) -> SupportsLimit:
        if type(limit) is not Spacing:
            return limit
        return _HurriedSpacing(limit.km, limit.within, limit.name, self.deadline)

    def _priced(
        self, program: Program, objective: Floats | None, goal: Floats, gap: float
    ) -> Answer:
        assert self.compiled is not None
        problem = program.problem
        if objective is not None:
            problem = replace(
                problem, objective=goal, maximize=True, _cache=problem._cache
            )
        names = set(map(str, program.rows.limit)) | {x.name for x in program.lazy}
        lazy = {x.name: self._hurried(x) for x in program.lazy}
        limits = [lazy.get(x.name, x) for x in self.compiled.limits]
        compiled = replace(
            self.compiled,
            problem=problem,
            limits=tuple(x for x in limits if x.name in names),
            rows=program.rows,
            lazy=tuple(lazy.values()),
        )
        wide = 1e9 if objective is None else max(gap, 1e-4)
        # A little early, so that a plan in hand is told before the pairs give up.
        left = self.deadline - time.perf_counter()
        try:
            found = PriceOut(compiled).solve(
                gap=wide, deadline=self.deadline - 0.1 * left
            )
        except NotSettledError:
            return Answer(None)
        if found.x is None:
            return Answer(False if found.status == "infeasible" else None)
        size = max(1e-6, abs(found.objective))
        is_best = found.bound - found.objective <= 2 * wide * size
        return Answer(True, found.x, is_best, found.bound)


def with_constant(program: Program) -> Program:
    """Return the program with one more column, which is one.

    In the objective it is a constant: a relative gap is then one of the whole, where
    what is sought is a small difference.
    """
    one = ExtraColumns(("one",), np.ones(1), np.ones(1), np.zeros(1, dtype=bool))
    rows = program.rows
    empty = sparse.csr_array((len(rows), 1))
    matrix = sparse.csr_array(sparse.hstack([rows.matrix, empty], format="csr"))
    wide = replace(program.problem.with_columns("constant", one), _cache={})
    return Program(wide, replace(rows, matrix=matrix), program.lazy)


def _never(problem: Problem) -> bool:
    return False


@dataclass(frozen=True, eq=False)
class _HurriedSpacing(Spacing):
    """A spacing that looks for no more close pairs once time is up."""

    deadline: float = np.inf

    def cuts(self, problem: Problem, x: Floats) -> Rows:
        """Return the violated rows, or give up."""
        if time.perf_counter() > self.deadline:
            raise NotSettledError
        points = unit_vectors(self.nearby(problem).points[problem.sites_open(x) > 1e-6])
        if len(points):
            tree = cKDTree(points)
            reach = 2 * np.sin(min(self.km / EARTH_KM, np.pi) / 2)
            if tree.count_neighbors(tree, reach) - len(points) > 2 * MOST_PAIRS:
                raise NotSettledError
        return super().cuts(problem, x)


def rows_for(limit: Any, problem: Problem) -> list[Rows]:
    """Return the rows of a limit, in each year that it holds in."""
    if not getattr(problem, "years", ()):
        return [limit.rows(problem)]
    from siteselect.optimization.horizon import dated, rows_of

    return list(rows_of(dated(limit, problem), problem))


def known_rows(compiled: Compiled) -> Rows:
    """Return the rows that a search starts from: many lazy ones stay lazy."""
    is_large = compiled.problem.n_columns > MANY_COLUMNS
    return compiled.rows if is_large else compiled.full_rows()


__all__ = [
    "Answer",
    "CannotHelpError",
    "NotSettledError",
    "Program",
    "Search",
    "known_rows",
    "rows_for",
    "with_constant",
]
