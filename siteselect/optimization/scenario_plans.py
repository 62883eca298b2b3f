"""The best plan of each scenario, solved here, in processes, or on Dask."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import numpy as np

from siteselect.dask_client import connected
from siteselect.errors import (
    InfeasiblePlanError,
    SolverError,
    StudyError,
    four_parts,
)
from siteselect.optimization._compile import Compiled, Request, compile_problem
from siteselect.optimization.placing import Pick, picks_of
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import Floats
from siteselect.optimization.scenarios import changed
from siteselect.optimization.solution import Clock
from siteselect.optimization.solve import FULL_COLUMNS, solve_compiled, solve_priced


@dataclass(frozen=True, eq=False)
class Best:
    """The best plan of one scenario; ``picks`` is None where there is none."""

    name: str
    picks: tuple[Pick, ...] | None
    objective: float
    bound: float


def solve_all(
    request: Request,
    cases: Mapping[str, Mapping[str, Any]],
    workers: int | None,
    client: Any,
) -> list[Best]:
    """Return the best plan of every scenario, in their order."""
    items = list(cases.items())
    if client is not None:
        with connected(client, "robust(plan, scenarios)") as opened:
            return _on_dask(request, items, opened)
    if workers is not None and workers < 1:
        raise StudyError(
            four_parts(
                f"robust(workers={workers}) was asked for",
                "that is below one",
                f"a number of processes, e.g. {os.cpu_count()}",
                "siteselect.robust(plan, scenarios, workers=2)",
            )
        )
    if workers is None or workers == 1 or len(items) < 2:
        return _solve_some(request, items)
    chunks = [items[k::workers] for k in range(min(workers, len(items)))]
    return _in_order(items, _in_processes(request, chunks))


def _in_processes(request: Request, chunks: list[list[Any]]) -> list[list[Best]]:
    """Solve each chunk in a process of its own; none is left when one fails."""
    pool = ProcessPoolExecutor(len(chunks), mp_context=get_context("spawn"))
    try:
        return list(pool.map(_solve_some, [request] * len(chunks), chunks))
    except BaseException as error:
        # Nobody waits for the others any more, as after Ctrl-C.
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
        if isinstance(error, BrokenProcessPool):
            raise _lost(f"robust(workers={len(chunks)})", error) from error
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _lost(call: str, error: BaseException) -> SolverError:
    return SolverError(
        four_parts(
            f"{call} was asked for",
            f"found that a worker ended before its scenarios were solved ({error})",
            "each worker needs memory for the whole problem; a worker that the "
            "system ends for want of memory says nothing",
            "Use fewer workers: siteselect.robust(plan, scenarios, workers=1)",
        )
    )


def _on_dask(request: Request, items: list[Any], client: Any) -> list[Best]:
    count = max(1, min(len(items), sum(client.nthreads().values())))
    chunks = [items[k::count] for k in range(count)]
    futures = [client.submit(_solve_some, request, c, pure=False) for c in chunks]
    try:
        return _in_order(items, client.gather(futures))
    except import_module("distributed").scheduler.KilledWorker as error:
        raise _lost("robust(client=...)", error) from error
    finally:
        client.cancel(futures)


def _in_order(items: list[Any], parts: Iterable[list[Best]]) -> list[Best]:
    found = {best.name: best for part in parts for best in part}
    return [found[name] for name, _ in items]


def _solve_some(request: Request, items: Sequence[tuple[str, Any]]) -> list[Best]:
    """Solve some scenarios; each starts from the same state, whoever solves it."""
    compiled = compile_problem(request)
    engine: PriceOut | None = None
    out = []
    for name, changes in items:
        gain = new_objective(compiled, changes)
        clock = Clock()
        try:
            if gain is None:
                case = compile_problem(changed(request, changes))
                found = solve_compiled(case, clock=clock, say=silent)
            else:
                problem = replace(compiled.problem, objective=gain)
                case = replace(compiled, problem=problem)
                if is_small(case):
                    found = solve_compiled(case, clock=clock, say=silent)
                else:
                    if engine is None:
                        engine = PriceOut(compiled)
                        sign = 1.0 if problem.maximize else -1.0
                        engine.relax(sign * compiled.problem.objective)
                    moved = engine.derived(problem, compiled.rows)
                    found = solve_priced(case, moved, clock=clock, say=silent)
        except InfeasiblePlanError:
            out.append(Best(name, None, np.nan, np.nan))
            continue
        except StudyError as error:
            # Such as a fixed site that loses its size: say where.
            raise StudyError(f"Scenario {name!r}: {error}") from error
        assert found.x is not None
        picks = picks_of(case.problem, found.x)
        out.append(Best(name, picks, found.objective, found.bound))
    return out


def silent(_: str) -> None:
    """Say nothing: a scenario is one of many."""


def is_small(compiled: Compiled) -> bool:
    """Return whether the whole matrix goes to the solver."""
    request, n = compiled.request, compiled.problem.n_columns
    return (
        n == 0
        or request.method == "full"
        or (request.method == "auto" and n <= FULL_COLUMNS)
    )


def new_objective(compiled: Compiled, changes: Mapping[str, Any]) -> Floats | None:
    """Return the objective of a scenario that changes nothing else, else None."""
    if not changes:
        return compiled.problem.objective
    request, problem = compiled.request, compiled.problem
    column: Any = request.score if request.objective == "score" else request.objective
    if not isinstance(column, str) or column == "cost" or set(changes) != {column}:
        return None
    for limit in request.limits:
        uses = getattr(limit, "uses", None)
        if uses is None or column in _flat(uses()):
            return None
    others = (
        request.capacity,
        request.cost_per_mw,
        request.fixed_cost,
        request.site_mw,
    )
    if column in _flat(others):
        return None
    if request.objective != "score" and request.score == column:
        return None
    labels = problem.frame.index
    before = request.sites[column]
    after = changes[column]
    if (before.isna() != after.isna()).any():
        return None
    site = np.maximum(problem.column_site, 0)
    own = problem.column_site >= 0
    old = before.reindex(labels).to_numpy(float)[site] * problem.column_mw
    if not np.allclose(old[own], problem.objective[own], rtol=1e-12, atol=1e-12):
        return None  # Discounted, weighted, or otherwise more than value x MW.
    new = after.reindex(labels).to_numpy(float)
    if not np.isfinite(new).all():
        return None
    return np.where(own, new[site] * problem.column_mw, problem.objective)


def _flat(specs: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for spec in specs:
        if isinstance(spec, Mapping):
            out.extend(_flat(spec.values()))
        elif isinstance(spec, str):
            out.append(spec)
    return out
