"""Solve a compiled program: the whole matrix or priced out, proven either way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from siteselect.errors import InfeasiblePlanError, SolverError, four_parts
from siteselect.optimization import highs, pulp_model
from siteselect.optimization._compile import Compiled, Request
from siteselect.optimization.conflicts import clash_of, clash_text, every_limit
from siteselect.optimization.plan import relative_gap
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import Floats, Problem, Rows
from siteselect.optimization.solution import Clock, Solution

#: Up to this many columns ``method="auto"`` hands the whole matrix to the solver.
FULL_COLUMNS = 600


def solve_compiled(
    compiled: Compiled, *, clock: Clock, say: Callable[[str], object]
) -> Solution:
    """Solve by the asked-for way; raise where no plan exists."""
    request = compiled.request
    n = compiled.problem.n_columns
    small = n == 0 or (request.method == "auto" and n <= FULL_COLUMNS)
    if request.method == "full" or small:
        return solve_full(compiled, clock=clock, say=say)
    return solve_priced(compiled, PriceOut(compiled), clock=clock, say=say)


def solve_priced(
    compiled: Compiled,
    engine: PriceOut,
    *,
    clock: Clock,
    say: Callable[[str], object],
) -> Solution:
    """Price columns out first; the bound still holds for the full problem."""
    request = compiled.request
    clock.lap("prepare")
    deadline = None
    if request.time_limit_s is not None:
        deadline = clock.start + request.time_limit_s
    found = engine.solve(
        gap=request.gap,
        deadline=deadline,
        solver=request.solver,
        say=say,
        lap=clock.lap,
    )
    if found.status == "infeasible":
        # Lazy rows only where they were needed: fewer rows already settle it.
        rows = Rows.stack([compiled.rows, engine.found_rows()])
        result = second_opinion(compiled.problem, rows, request.gap)
        if result.x is not None and compiled.lazy:
            rows = compiled.full_rows()
            result = second_opinion(compiled.problem, rows, request.gap)
        clock.lap("second opinion")
        if result.status == "infeasible":
            raise infeasible(compiled, rows)
        if result.x is None:
            raise no_plan(request, "HiGHS without presolve")
        x = polish(compiled.problem, rows, result.x)
        name = "HiGHS without presolve, full model"
        return finish(compiled.problem, x, result.bound, None, name, request.gap)
    if found.x is None:
        if deadline is not None and time.perf_counter() >= deadline:
            raise no_plan(request, f"{found.solver} after pricing out")
        say("pricing out found no plan: the full model decides")
        return solve_full(compiled, clock=clock, say=say)
    x = polish(compiled.problem, compiled.rows, found.x)
    name = f"{found.solver}, priced out to {found.core:,} columns"
    return finish(compiled.problem, x, found.bound, found.duals, name, request.gap)


def solve_full(
    compiled: Compiled, *, clock: Clock, say: Callable[[str], object]
) -> Solution:
    """Hand the whole matrix to the solver: slow, simple, the oracle."""
    request, problem = compiled.request, compiled.problem
    rows = compiled.full_rows()
    clock.lap("rows")
    result, name = pulp_model.solve(
        problem,
        rows,
        solver=request.solver,
        gap=request.gap,
        time_limit_s=clock.left(request.time_limit_s),
    )
    clock.lap("solve")
    left = clock.left(request.time_limit_s)
    if result.status == "infeasible" or (result.x is None and left is None):
        # "Infeasible", or stopped without a word and not for want of time.
        result = second_opinion(problem, rows, request.gap)
        clock.lap("second opinion")
        name += " and HiGHS without presolve"
        if result.status == "infeasible":
            raise infeasible(compiled, rows)
    duals, bound = relaxation(problem, rows, len(compiled.rows))
    clock.lap("prices")
    if result.x is None:
        raise no_plan(request, name)
    x = polish(problem, rows, result.x)
    return finish(
        problem, x, min(result.bound, bound), duals, f"{name}, full model", request.gap
    )


def second_opinion(problem: Problem, rows: Rows, gap: float) -> highs.MipResult:
    """Solve the full model once more by another route: HiGHS without presolve."""
    relaxed = highs.solve_lp(
        np.zeros(problem.n_columns),
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        presolve="off",
    )
    if relaxed.status == "infeasible":
        return highs.MipResult("infeasible", -np.inf, -np.inf, None)
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    found = highs.solve_mip(
        sign * problem.objective * scale,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
        gap=gap,
        presolve="off",
    )
    return replace(found, objective=found.objective / scale, bound=found.bound / scale)


def relaxation(
    problem: Problem, rows: Rows, n_rows: int
) -> tuple[Floats | None, float]:
    """Return the duals of the first ``n_rows`` rows and the bound (maximised).

    Duals are signed as changes of the objective per unit of the row's bound, in
    the objective's own direction.
    """
    if problem.n_columns == 0:
        return np.zeros(n_rows), 0.0
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    lp = highs.solve_lp(
        sign * problem.objective * scale,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
    )
    if lp.status != "optimal":
        return None, np.inf
    return sign * lp.duals[:n_rows] / scale, lp.objective / scale


def polish(problem: Problem, rows: Rows, x: Floats) -> Floats:
    """Round the binaries and set what is continuous exactly for them."""
    x = x.copy()
    whole = problem.integrality
    x[whole] = np.round(x[whole])
    free = ~whole
    if not free.any():
        return x
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    lower, upper = problem.lower.copy(), problem.upper.copy()
    lower[whole] = upper[whole] = x[whole]
    lp = highs.solve_lp(
        sign * problem.objective * scale,
        rows.matrix,
        rows.lower,
        rows.upper,
        lower,
        upper,
        primal_feasibility_tolerance=1e-9,
        dual_feasibility_tolerance=1e-9,
    )
    if lp.status == "optimal":
        x[free] = lp.x[free]
    return np.clip(x, problem.lower, problem.upper)


def finish(
    problem: Problem,
    x: Floats,
    bound: float,
    duals: Floats | None,
    solver: str,
    gap: float,
) -> Solution:
    """Put objective and bound into the objective's direction; judge the status."""
    sign = 1.0 if problem.maximize else -1.0
    objective = float(problem.objective @ x)
    best = max(bound, sign * objective)
    status: highs.Status = "feasible"
    # Bounds come out of floating-point sums: 1e-9 is rounding, not a gap.
    if relative_gap(sign * best, objective) <= gap + 1e-9:
        status = "optimal"
    return Solution(status, x, objective, sign * best, duals, solver)


def no_plan(request: Request, solver: str) -> SolverError:
    """Return the error for "stopped without any plan"."""
    return SolverError(
        four_parts(
            f"{solver} was asked for a plan",
            "it stopped without one"
            + (
                f" (time limit {request.time_limit_s:g} s)"
                if request.time_limit_s is not None
                else ""
            ),
            "more time, or another way",
            "time_limit_s=None, solver='cbc' or method='priceout'",
        )
    )


def infeasible(compiled: Compiled, rows: Rows) -> InfeasiblePlanError:
    """Return the error that names the limits that clash."""
    try:
        clash = clash_of(compiled.problem, rows, compiled=compiled)
    except Exception:  # That no plan exists is known; which limits clash is extra.
        clash = every_limit(rows)
    said, ways = clash_text(clash)
    return InfeasiblePlanError(
        four_parts(
            "a plan within all limits was asked for",
            f"none exists: {said}",
            "limits that hold together",
            ways,
        ),
        clash.names,
        clash.ways_out,
    )
