"""One short list of columns for many solves of nearly the same program.

The linear relaxation of a program says of every column how good a plan with it
could be. That holds all the same when more rows are added or sites are closed, so
one relaxation serves many re-solves. Where few plans come near its bound they are
listed and the best that holds is taken; else each re-solve is an integer program over
the columns that could matter for it, and what lies outside is excluded by that bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from siteselect.optimization import branching, highs, listing, pulp_model
from siteselect.optimization._compile import Compiled
from siteselect.optimization.limits import SupportsLimit
from siteselect.optimization.plan import SitePlan, relative_gap
from siteselect.optimization.priceout import FAR_GAPS, LARGEST_CORE, PriceOut
from siteselect.optimization.problem import Floats, Ints, Problem, Rows
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.relaxation import Priced
from siteselect.optimization.solution import Clock
from siteselect.optimization.solve import finish, polished_with_all

#: More half-made plans than this are not listed: a solver is faster then.
MOST_PLANS = listing.MOST_PLANS
#: Columns of the first integer program, at least.
FIRST_COLUMNS = 40
#: Where the next value is looked for: below the last by this share of the distance
#: between the bound and it.
STEP = 0.1
#: A gap smaller than this is none worth a split.
LEAST_GAP = 1e-4
#: How much further below the bound plans are listed where none of them holds, and
#: how often.
FURTHER, TRIES = 1.25, 8


@dataclass(frozen=True, eq=False)
class Answer:
    """What a re-solve found, maximised, in the objective's unit.

    ``x`` runs over the columns of the problem and then those that the added limits
    brought along. ``status`` is "infeasible" only if the integer program over all
    columns is, asked twice.
    """

    status: highs.Status
    x: Floats | None
    value: float
    bound: float
    solver: str


class SharedCore:
    """A relaxation solved once, and the columns that matter to its re-solves.

    Parameters
    ----------
    compiled : Compiled
        The program.
    objective : float
        Objective of the best plan known, in the problem's unit and direction.
    engine : PriceOut, optional
        The program prepared, with more rows.

    Notes
    -----
    Where the bound is far from the plan because the relaxation breaks a total that
    comes in whole numbers, two programs share the re-solves (`branching`).
    """

    def __init__(
        self, compiled: Compiled, objective: float, engine: PriceOut | None = None
    ) -> None:
        problem = compiled.problem
        self.compiled = compiled
        if engine is None:
            engine = PriceOut(compiled)
        self.engine = engine
        self.sign = 1.0 if problem.maximize else -1.0
        self.scale = pulp_model.objective_scale(problem)
        self.goal = self.sign * problem.objective * self.scale
        _, x_lp, priced = engine.relax(self.goal)
        if priced is None:
            # Zero duals bound too, if badly.
            priced = engine.price(self.goal, np.zeros(engine.n_rows))
        self.priced = priced
        self.bound, self.order, self.reach = self._reach(engine, priced)
        self.listed: listing.Listing | None = None
        self.depth = 0.0
        # Lists are made of rows of limits, not of those of halves.
        self.lists = engine.depth == 0 and listing.can_list(engine, self.goal)
        self.duals = engine.account_duals(priced.duals) * self.sign / self.scale
        self.last = min(self.sign * objective * self.scale, self.bound)
        self.halves: tuple[SharedCore, ...] = ()
        wanted = FAR_GAPS * max(compiled.request.gap, LEAST_GAP)
        if x_lp is not None and relative_gap(self.bound, self.last) > wanted:
            parts = branching.halves(engine, self.goal, x_lp, self.bound, self.last)
            self.halves = tuple(
                SharedCore(compiled, objective, half) for _, half in parts or ()
            )

    @staticmethod
    def _reach(engine: PriceOut, priced: Any) -> tuple[float, Ints, Floats]:
        """Return the bound, the columns that open sites, best first, and theirs."""
        shape = engine.shape
        is_usable = shape.of_opens(engine.upper) > 0
        usable = shape.opens[is_usable]
        reach = priced.reach[is_usable]
        order = np.lexsort((usable, -reach))
        return priced.bound, usable[order], reach[order]

    def solve(
        self,
        limits: Sequence[SupportsLimit] = (),
        *,
        closed: Sequence[int] = (),
    ) -> Answer:
        """Solve with more limits, or with some sites closed.

        Parameters
        ----------
        limits : sequence of limits
            Limits that every plan must keep as well; what they take away only makes
            the bound safer.
        closed : sequence of int
            Rows of the problem's frame that may not be chosen.
        """
        if self.halves:
            return self._of_halves(limits, closed)
        problem, request = self.compiled.problem, self.compiled.request
        order, reach, bound = self.order, self.reach, self.bound
        engine, priced = self.engine, self.priced
        if len(closed):
            # What the site's closing costs the relaxation says nearly all.
            engine = engine.with_sites(forbidden=closed)
            _, _, anew = engine.relax(self.goal)
            if anew is None:
                return Answer("unknown", None, -np.inf, bound / self.scale, "")
            priced = anew
            bound, order, reach = self._reach(engine, priced)
        gap = request.gap
        apart = max(self.bound - self.last, 0.0)
        guess = self.last - STEP * apart
        if len(closed):
            guess = min(guess, bound - 1.25 * apart)
        answer = self._of_list(engine, priced, limits, bound - guess)
        if answer is not None:
            return answer
        need = int(np.searchsorted(-reach, -guess, side="right"))
        size = min(max(need, FIRST_COLUMNS), LARGEST_CORE)
        best: Floats | None = None
        value, proven, name = -np.inf, bound, ""
        while True:
            k = min(size, order.size)
            outside = float(reach[k]) if k < order.size else -np.inf
            found, name = self._integer(order[:k], limits)
            if found.x is not None and found.objective > value:
                best, value = found.x, found.objective
                columns = self._columns(order[:k])
            inner = -np.inf if found.status == "infeasible" else found.bound
            proven = min(proven, max(inner, outside, value))
            if best is None:
                if k == order.size or 4 * size > LARGEST_CORE:
                    return Answer(found.status, None, -np.inf, proven, name)
                size = 4 * size
                continue
            is_closed = relative_gap(proven, value) <= gap + 1e-12
            if is_closed or k == order.size or outside <= value:
                break
            # All that could be better by more than the gap allows.
            floor = value + 0.5 * gap * max(abs(value), 1e-9)
            need = int(np.searchsorted(-reach, -floor, side="left"))
            if need > LARGEST_CORE or need <= k:
                break
            size = need
        full = np.zeros(problem.n_columns + best.size - columns.size)
        full[columns] = best[: columns.size]
        full[problem.n_columns :] = best[columns.size :]
        if not len(closed):
            self.last = min(self.last, value)
        unit = 1.0 / self.scale
        return Answer(found.status, full, value * unit, proven * unit, name)

    def _of_halves(
        self, limits: Sequence[SupportsLimit], closed: Sequence[int]
    ) -> Answer:
        """Return the best answer of the halves that could have it."""
        best: Answer | None = None
        bound = -np.inf
        is_open = False
        for half in sorted(self.halves, key=lambda one: -one.bound):
            unit = half.bound / self.scale
            if best is not None and unit <= best.value:
                bound = max(bound, unit)
                continue
            answer = half.solve(limits, closed=closed)
            if answer.x is None:
                # "Infeasible" bounds nothing away that another half could have.
                if answer.status != "infeasible":
                    is_open = True
                    bound = max(bound, answer.bound)
                continue
            bound = max(bound, answer.bound)
            if best is None or answer.value > best.value:
                best = answer
        if best is None:
            status: highs.Status = "unknown" if is_open else "infeasible"
            return Answer(status, None, -np.inf, bound, "highs")
        return replace(best, bound=max(bound, best.value))

    def _of_list(
        self,
        engine: PriceOut,
        priced: Priced,
        limits: Sequence[SupportsLimit],
        depth: float,
    ) -> Answer | None:
        """Return the best plan that keeps the limits, None if it takes a solver.

        Every better plan is in the list too, and breaks a limit.
        """
        keeps: list[Any] = [getattr(limit, "settled", None) for limit in limits]
        if not self.lists or None in keeps:
            return None
        problem = engine.compiled.problem
        is_own = engine is self.engine
        depth = max(depth, 1e-6 * abs(priced.bound), self.depth if is_own else 0.0)
        further, done = FURTHER, 0.0
        for _ in range(TRIES):
            found = self.listed if is_own and self.depth == depth else None
            if found is None:
                floor = priced.bound - depth
                found = listing.above(engine, priced, self.goal, floor, MOST_PLANS)
            if found is None:
                # Too many: less far, where that still is further than before.
                further = further**0.5
                if done == 0.0 or further < 1.02:
                    break
                depth = done * further
                continue
            if is_own:
                self.listed, self.depth = found, depth
            for plan in found:
                own = [settle(problem, plan.sites) for settle in keeps]
                if all(part is not None for part in own):
                    if is_own:
                        self.last = min(self.last, plan.value)
                    whole = np.concatenate([plan.x(engine.n), *own])
                    unit = plan.value / self.scale
                    return Answer("optimal", whole, unit, unit, "plans listed")
            if found.gave_up:
                break
            done, depth = depth, depth * further
        self.lists = self.lists and not is_own
        return None

    def _columns(self, opens: Ints) -> Ints:
        columns = self.engine.shape.with_more(np.sort(opens))
        return np.union1d(columns, self.engine.shape.own)

    def _integer(
        self, opens: Ints, limits: Sequence[SupportsLimit]
    ) -> tuple[highs.MipResult, str]:
        """Solve the program over some columns; rows found on demand are added."""
        request = self.compiled.request
        while True:
            small, rows, columns = self.engine.restricted(
                self._columns(opens), self.goal
            )
            small, rows = with_limits(small, rows, limits)
            solver = request.solver
            if isinstance(solver, str) and solver.lower() == "highs":
                # On some dozen columns a restart costs more than it finds.
                solver, _ = pulp_model.solver_of(
                    solver, gap=request.gap, time_limit_s=request.time_limit_s
                )
                solver = pulp_model.with_option(solver, "mip_allow_restart", False)
            result, name = pulp_model.solve(
                small,
                rows,
                solver=solver,
                gap=request.gap,
                time_limit_s=request.time_limit_s,
            )
            if result.status == "infeasible":
                result = highs.solve_mip(
                    small.objective,
                    rows.matrix,
                    rows.lower,
                    rows.upper,
                    small.lower,
                    small.upper,
                    small.integrality,
                    gap=request.gap,
                    time_limit_s=request.time_limit_s,
                    presolve="off",
                )
            if result.x is None:
                return result, name.lower()
            x = result.x.copy()
            x[small.integrality] = np.round(x[small.integrality])
            full = np.zeros(self.engine.n)
            full[columns] = x[: columns.size]
            cuts = self.engine.separate(full)
            if not len(cuts):
                value = float(small.objective @ x)
                return replace(result, x=x, objective=value), name.lower()
            self.engine._add_rows(cuts)

    def plan(self, answer: Answer, compiled: Compiled | None = None) -> SitePlan:
        """Read an answer back as a plan of the program with its changes."""
        compiled = self.compiled if compiled is None else compiled
        clock = Clock()
        assert answer.x is not None
        x, _ = polished_with_all(compiled, compiled.rows, answer.x)
        mended = getattr(compiled.objective, "mended", None)
        if mended is not None:
            # Rows left out as long as nothing broke them set these columns.
            x = mended(compiled.problem, x)
        duals = np.zeros(len(compiled.rows))
        duals[: self.duals.size] = self.duals
        name = f"{answer.solver}, on the columns that matter"
        found = finish(
            compiled.problem,
            x,
            answer.bound,
            duals,
            name,
            compiled.request.gap,
        )
        return plan_of(compiled, found, clock)


def with_limits(
    problem: Problem, rows: Rows, limits: Sequence[SupportsLimit]
) -> tuple[Problem, Rows]:
    """Return a problem and its rows with more limits and their own columns."""
    before = problem.n_columns
    for limit in limits:
        maker = getattr(limit, "columns", None)
        extra = maker(problem) if maker is not None else None
        if extra is not None:
            problem = problem.with_columns(limit.name, extra)
    more = problem.n_columns - before
    if more:
        pad = sparse.csr_array((len(rows), more))
        matrix = sparse.csr_array(sparse.hstack([rows.matrix, pad], format="csr"))
        rows = replace(rows, matrix=matrix)
    return problem, Rows.stack([rows, *(limit.rows(problem) for limit in limits)])


def compiled_with(compiled: Compiled, limits: Sequence[SupportsLimit]) -> Compiled:
    """Return the compiled program with more limits, without compiling it anew."""
    if not limits:
        return compiled
    problem, rows = with_limits(compiled.problem, compiled.rows, limits)
    request = replace(compiled.request, limits=(*compiled.request.limits, *limits))
    return replace(
        compiled,
        request=request,
        problem=problem,
        rows=rows,
        limits=(*compiled.limits, *limits),
    )
