"""Solve a compiled program: the whole matrix or priced out, proven either way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from siteselect.errors import InfeasiblePlanError, SolverError, four_parts
from siteselect.optimization import deadline, highs, pulp_model
from siteselect.optimization._compile import Compiled, Request, broken_rows
from siteselect.optimization.conditioning import refuse_huge, warn_of_ranges
from siteselect.optimization.conflicts import (
    TIME_LIMIT_S,
    can_hold,
    clash_of,
    clash_text,
    every_limit,
    known_rows,
)
from siteselect.optimization.plan import relative_gap
from siteselect.optimization.precheck import Proof, prove_infeasible
from siteselect.optimization.priceout import MOST_LESSONS, PriceOut
from siteselect.optimization.problem import MILLION, Floats, Problem, Rows
from siteselect.optimization.solution import Clock, Solution

#: How far plans may differ and still be equally good: the rounding of sums.
TIE = 1e-10
#: Sums of the same figures in another order differ by less than this share.
SAME = 1e-14
#: Nodes, at least, and nodes times columns that a second route may spend before
#: "infeasible" counts as unconfirmed.
LEAST_NODES, SECOND_WORK = 1000, 100_000_000
#: Up to this many columns ``method="auto"`` hands the whole matrix to the solver.
FULL_COLUMNS = 600


def solve_compiled(
    compiled: Compiled,
    *,
    clock: Clock,
    say: Callable[[str], object],
    start: Floats | None = None,
    is_quick: bool = False,
) -> Solution:
    """Solve by the asked-for way; raise where no plan exists.

    All solver calls are held to the time limit of the request, also those that
    confirm an "infeasible" and search for the limits that clash. Ctrl-C while a
    solver runs gives the best plan so far, if there is one.

    ``start`` is a plan to begin with. With ``is_quick`` pricing out leaves a gap open
    that a short search does not close.
    """
    request = compiled.request
    n = compiled.problem.n_columns
    refuse_huge(compiled)
    warn_of_ranges(compiled)
    with deadline.watching(request.time_limit_s, clock.start) as watch:
        found: Solution | None = None
        special = getattr(compiled.objective, "solve", None)
        # One matrix holds no objectives in order, whatever the method.
        in_stages = getattr(compiled.objective, "in_stages", False)
        if special is not None and (request.method != "full" or in_stages):
            found = special(compiled, clock, say)
        if found is None:
            refuse_impossible(compiled)
            if request.time_limit_s is not None and n > highs.THREAD_COLUMNS:
                watch.prepare()
            small = n == 0 or (request.method == "auto" and n <= FULL_COLUMNS)
            if request.method == "full" or small:
                found = solve_full(compiled, clock=clock, say=say)
            else:
                engine = PriceOut(compiled)
                engine.plans = [] if start is None else [start]
                found = solve_priced(
                    compiled, engine, clock=clock, say=say, is_quick=is_quick
                )
            found = mended(compiled, found)
            is_proven = request.gap == 0.0 and found.status == "optimal"
            if is_proven and not watch.is_over():
                found = cheapest_of_equals(compiled, found, say=say)
                clock.lap("ties")
        if watch.is_stopped:
            watch.note("stopped by Ctrl-C: the best plan found until then")
        return replace(found, notes=(*found.notes, *watch.notes))


def mended(compiled: Compiled, found: Solution) -> Solution:
    """Return a solution whose objective's own columns are the best for its sites."""
    mender = getattr(compiled.objective, "mended", None)
    if mender is None or found.x is None:
        return found
    problem, sign = compiled.problem, 1.0 if compiled.problem.maximize else -1.0
    better = finish(
        problem,
        mender(problem, found.x),
        sign * found.bound,
        found.duals,
        found.solver,
        compiled.request.gap,
    )
    return replace(
        found,
        x=better.x,
        objective=better.objective,
        bound=better.bound,
        status=better.status,
    )


def solve_priced(
    compiled: Compiled,
    engine: PriceOut,
    *,
    clock: Clock,
    say: Callable[[str], object],
    is_quick: bool = False,
) -> Solution:
    """Price columns out first; the bound still holds for the full problem."""
    request = compiled.request
    watch = deadline.current()
    clock.lap("prepare")
    found = engine.solve(
        gap=request.gap,
        deadline=None if watch is None else watch.deadline,
        solver=request.solver,
        say=say,
        lap=clock.lap,
        is_quick=is_quick,
    )
    if found.status == "infeasible":
        # Lazy rows only where they were needed: fewer rows already settle it.
        rows = Rows.stack([compiled.rows, engine.found_rows()])
        result = second_opinion(compiled.problem, rows, request.gap)
        if result.x is not None and compiled.lazy:
            rows, result = second_opinion_on_all(compiled)
        clock.lap("second opinion")
        return _after_two(
            compiled, rows, result, found.solver, "HiGHS without presolve, full model"
        )
    if found.x is None:
        _raise_if_stopped(watch)
        if watch is not None and watch.is_over():
            raise no_plan(request, f"{found.solver} after pricing out")
        say("pricing out found no plan: the full model decides")
        return solve_full(compiled, clock=clock, say=say)
    x = engine.polished(compiled.problem.objective, found.x)
    name = f"{found.solver}, priced out to {found.core:,} columns"
    return finish(compiled.problem, x, found.bound, found.duals, name, request.gap)


def solve_full(
    compiled: Compiled, *, clock: Clock, say: Callable[[str], object]
) -> Solution:
    """Hand the whole matrix to the solver: slow, simple, the oracle."""
    request, problem = compiled.request, compiled.problem
    watch = deadline.current()
    rows = compiled.full_rows()
    clock.lap("rows")
    start: Floats | None = None
    duals: Floats | None = None
    bound = np.inf
    is_timed = False
    if watch is not None and watch.deadline is not None:
        is_timed = True
        # A plan and a bound in hand before a solver is trusted with the clock.
        start, bound = first_plan(compiled)
        with watch.part(0.4):
            duals, tighter = relaxation(problem, rows, len(compiled.rows))
        bound = min(bound, tighter)
        clock.lap("first plan")
    result, name, rows = solved_with_all(compiled, rows, request.gap, start)
    clock.lap("solve")
    _raise_if_stopped(watch, result)
    is_over = watch is not None and watch.is_over()
    if result.status == "infeasible" or (result.x is None and not is_over):
        # "Infeasible", or stopped without a word and not for want of time.
        claimed = name if result.status == "infeasible" else None
        rows, result = second_opinion_on_all(compiled, rows)
        clock.lap("second opinion")
        if result.x is None and start is not None:
            # We hold a plan: whoever says that there is none is wrong.
            result = highs.MipResult("feasible", -np.inf, np.inf, start)
        name += " and HiGHS without presolve"
        return _after_two(compiled, rows, result, claimed, f"{name}, full model")
    if not is_timed and not is_over:
        duals, bound = relaxation(problem, rows, len(compiled.rows))
        clock.lap("prices")
    if result.x is None:
        raise no_plan(request, name)
    x, rows = polished_with_all(compiled, rows, result.x)
    return finish(
        problem, x, min(result.bound, bound), duals, f"{name}, full model", request.gap
    )


def solved_with_all(
    compiled: Compiled, rows: Rows, gap: float, start: Floats | None
) -> tuple[highs.MipResult, str, Rows]:
    """Solve a full model, again with every row of an open-ended limit that it breaks.

    Returns
    -------
    result, name, rows
        Where the time is up before none is broken, ``start`` is the plan, and the
        bound is what was proven of the rows until then, which holds of all.
    """
    problem, request = compiled.problem, compiled.request
    watch = deadline.current()
    open_ended = compiled.open_ended
    for _ in range(MOST_LESSONS):
        result, name = pulp_model.solve(
            problem, rows, solver=request.solver, gap=gap, start=start
        )
        if result.x is None or not open_ended:
            return result, name, rows
        x = polish(problem, rows, result.x)
        more = broken_rows(open_ended, problem, x)
        if not len(more):
            return result, name, rows
        rows = Rows.stack([rows, more])
        if watch is not None and (watch.is_over() or watch.is_stopped):
            break
    status: highs.Status = "unknown" if start is None else "feasible"
    return replace(result, status=status, x=start), name, rows


def polished_with_all(compiled: Compiled, rows: Rows, x: Floats) -> tuple[Floats, Rows]:
    """Round binaries and set the rest, until no open-ended limit is broken."""
    for _ in range(MOST_LESSONS):
        found = polish(compiled.problem, rows, x)
        more = compiled.broken_rows(found)
        if not len(more):
            return found, rows
        rows = Rows.stack([rows, more])
    return x, rows


def cheapest_of_equals(
    compiled: Compiled, found: Solution, *, say: Callable[[str], object]
) -> Solution:
    """Return the plan of lowest cost among those as good as a proven optimum.

    One more solve: the cost is minimised, and the objective may not fall by more
    than the rounding of a sum. The proof of the first solve stays.

    Parameters
    ----------
    compiled : Compiled
        The program.
    found : Solution
        Its proven optimum.
    say : callable
        Takes a line of progress.
    """
    problem = compiled.problem
    if found.x is None or not (problem.column_cost > 0).any():
        return found
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    coefficients = sign * problem.objective * scale
    reached = float(coefficients @ found.x)
    tie = Rows.make(
        sparse.csr_array(coefficients[None, :]),
        reached - TIE * max(1.0, abs(reached)),
        np.inf,
        "ties",
    )
    part = replace(
        compiled,
        problem=replace(
            problem,
            objective=problem.column_cost * MILLION,
            maximize=False,
            _cache={},
        ),
        rows=Rows.stack([compiled.rows, tie]),
    )
    say("looking for a cheaper plan that is as good")
    watch = deadline.current()
    cost = float(problem.column_cost @ found.x)
    if problem.n_columns <= FULL_COLUMNS:
        best, _, _ = solved_with_all(part, part.full_rows(), 0.0, found.x)
        x, bound = best.x, best.bound
    else:
        priced = PriceOut(part).solve(
            gap=1e-9,
            deadline=None if watch is None else watch.deadline,
            solver=compiled.request.solver,
        )
        x, bound = priced.x, priced.bound
    if x is not None:
        x, _ = polished_with_all(part, part.rows, x)
    if x is not None and float(problem.column_cost @ x) < cost * (1 - 1e-9):
        cheaper = finish(
            problem,
            x,
            sign * found.bound,
            found.duals,
            found.solver,
            compiled.request.gap,
        )
        if cheaper.status == "optimal":
            found, cost = cheaper, float(problem.column_cost @ x)
    if watch is not None and -bound < cost * MILLION * (1 - 1e-6):
        watch.note("not shown: that no cheaper plan is as good")
    return found


def _after_two(
    compiled: Compiled,
    rows: Rows,
    result: highs.MipResult,
    claimed: str | None,
    name: str,
) -> Solution:
    """Judge a problem after a second route: ``claimed`` called it infeasible."""
    request, problem = compiled.request, compiled.problem
    watch = deadline.current()
    if result.status == "infeasible":
        raise infeasible(compiled, rows)
    _raise_if_stopped(watch, result)
    if result.x is None:
        if claimed is not None:
            raise unconfirmed(request, claimed)
        raise no_plan(request, "HiGHS without presolve")
    if claimed is not None and watch is not None:
        watch.note(f"{claimed} called the program infeasible; it is not")
    duals, bound = relaxation(problem, rows, len(compiled.rows))
    x, _ = polished_with_all(compiled, rows, result.x)
    return finish(problem, x, min(result.bound, bound), duals, name, request.gap)


def _raise_if_stopped(
    watch: deadline.Watch | None, result: highs.MipResult | None = None
) -> None:
    """Hand Ctrl-C on if there is no plan to return for it."""
    if watch is not None and watch.is_stopped and (result is None or result.x is None):
        raise KeyboardInterrupt


def first_plan(compiled: Compiled) -> tuple[Floats | None, float]:
    """Return a plan that can be had at once, if any, and a bound.

    Returns
    -------
    tuple of ndarray or None, and float
        The plan over all columns, and a bound on every plan (maximised).
    """
    if compiled.problem.n_columns == 0:
        return None, np.inf
    # Pricing out whose time is over returns after one round and the greedy orders.
    found = PriceOut(compiled).solve(deadline=time.perf_counter())
    if found.x is None:
        return None, np.inf
    return found.x, found.bound


def second_opinion_on_all(
    compiled: Compiled, rows: Rows | None = None
) -> tuple[Rows, highs.MipResult]:
    """Ask for a second opinion on all rows, those of open-ended limits as needed."""
    rows = compiled.full_rows() if rows is None else rows
    for _ in range(MOST_LESSONS):
        result = second_opinion(compiled.problem, rows, compiled.request.gap)
        if result.x is None:
            return rows, result
        more = compiled.broken_rows(polish(compiled.problem, rows, result.x))
        if not len(more):
            return rows, result
        rows = Rows.stack([rows, more])
    return rows, replace(result, status="unknown", x=None)


def second_opinion(problem: Problem, rows: Rows, gap: float) -> highs.MipResult:
    """Solve the full model once more by another route: HiGHS without presolve."""
    relaxed = highs.solve_lp(
        np.zeros(problem.n_columns),
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        is_long=True,
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
        mip_max_nodes=max(LEAST_NODES, SECOND_WORK // max(1, problem.n_columns)),
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
        is_long=True,
    )
    if lp.status != "optimal":
        return None, np.inf
    return sign * lp.duals[:n_rows] / scale, lp.objective / scale


def polish(problem: Problem, rows: Rows, x: Floats) -> Floats:
    """Round the binaries and set what is continuous exactly for them."""
    sign = 1.0 if problem.maximize else -1.0
    return highs.settled(
        sign * problem.objective * pulp_model.objective_scale(problem),
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
        x,
    )


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
    objective = problem.value_at(x)
    best = max(bound, sign * objective)
    if best - sign * objective <= SAME * abs(objective):
        best = sign * objective
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


def unconfirmed(request: Request, solver: str) -> SolverError:
    """Return the error for an "infeasible" that nobody had time to confirm."""
    limit = request.time_limit_s
    when = "" if limit is None else f" within {limit:g} s"
    return SolverError(
        four_parts(
            "a plan within all limits was asked for",
            f"{solver} claimed that the program is infeasible, and this was not "
            f"confirmed by a second route{when}",
            "an infeasibility that two routes agree on",
            "more time_limit_s, or time_limit_s=None"
            if limit is not None
            else "a wider range or fewer limits to see which one it is, or "
            "method='full'",
        )
    )


def refuse_impossible(compiled: Compiled) -> None:
    """Raise where arithmetic alone shows that no plan exists."""
    proof = prove_infeasible(compiled)
    # A second route agrees, or the solver decides.
    if proof is not None and can_hold(compiled, proof.names) is not True:
        raise infeasible(compiled, known_rows(compiled), proof)


def infeasible(
    compiled: Compiled, rows: Rows, proof: Proof | None = None
) -> InfeasiblePlanError:
    """Return the error that names the limits that clash."""
    suspects, arithmetic = ((), "") if proof is None else (proof.names, proof.said)
    outer = deadline.current()
    left = None if outer is None else outer.left()
    limit_s = TIME_LIMIT_S if left is None else min(TIME_LIMIT_S, left)
    extra: dict[str, Any] = {} if left is None else {"limit_s": limit_s}
    try:
        with deadline.watching(limit_s, time.perf_counter()):
            clash = clash_of(
                compiled.problem,
                rows,
                compiled=compiled,
                suspects=suspects,
                said=arithmetic,
                **extra,
            )
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
