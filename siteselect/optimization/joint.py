"""One program over all scenarios: the plan that bears the worst of them best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import InfeasiblePlanError
from siteselect.optimization._compile import Compiled, Request, compile_problem
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import ExtraColumns, Floats, Ints, Problem, Rows
from siteselect.optimization.scenario_plans import is_small, new_objective, silent
from siteselect.optimization.scenarios import changed
from siteselect.optimization.solution import Clock
from siteselect.optimization.solve import solve_full, solve_priced

#: The two plans are proven within this many times the gap of the request.
TIMES_GAP = 10.0
#: Most time for each of them where the request sets none [s].
MOST_SECONDS = 60.0


@dataclass(frozen=True, eq=False)
class Joint:
    """Rows of all scenarios over one set of columns, and each scenario's objective."""

    compiled: Compiled
    objectives: tuple[Floats, ...]


def _common(request: Request, cases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return columns at which every scenario's sizes and sites are on offer."""
    sites = request.sites
    out: dict[str, Any] = {}
    capacity = request.capacity
    names = capacity.values() if isinstance(capacity, Mapping) else [capacity]
    for column in [c for c in names if isinstance(c, str)]:
        seen = [case[column] for case in cases.values() if column in case]
        if seen:
            out[column] = pd.concat([sites[column], *seen], axis=1).min(
                axis=1, skipna=False
            )
    said = [case["excluded_by"] for case in cases.values() if "excluded_by" in case]
    score = request.score
    lost = [
        case[score].isna()
        for case in cases.values()
        if isinstance(score, str) and score in case
    ]
    closed = pd.Series(False, index=sites.index)
    for why in said:
        closed |= why.notna() & (why.astype(str).str.len() > 0)
    for missing in lost:
        closed |= missing
    if closed.any():
        before = (
            sites["excluded_by"].fillna("").astype(str)
            if "excluded_by" in sites.columns
            else pd.Series("", index=sites.index, dtype="str")
        )
        out["excluded_by"] = before.mask(closed & (before == ""), "in a scenario")
    return out


def joint_of(
    request: Request, base: Compiled, cases: Mapping[str, Mapping[str, Any]]
) -> Joint:
    """Stack what differs between scenarios; sizes are those on offer in all."""
    common = _common(request, cases)
    shared = base if not common else compile_problem(changed(request, common))
    problem, rows = shared.problem, shared.rows
    n = problem.n_columns
    is_offered = np.ones(n, dtype=bool)
    blocks, objectives = [rows], []
    width = n
    for k, changes in enumerate(cases.values()):
        gain = new_objective(shared, changes)
        if gain is not None:
            objectives.append(gain)
            continue
        case = compile_problem(changed(request, {**changes, **common}))
        to = _same_columns(case.problem, shared.problem)
        # Limits that are written on demand stay as they are in the base.
        lazy = {x.name for x in shared.lazy}
        case_rows = (
            case.full_rows() if {x.name for x in case.lazy} - lazy else case.rows
        )
        is_offered &= np.isin(np.arange(n), to) | (problem.column_site[:n] < 0)
        where = to.copy()
        for limit in dict.fromkeys(case_rows.limit.tolist()):
            part = case_rows.take(np.flatnonzero(case_rows.limit == limit))
            old = rows.take(np.flatnonzero(rows.limit == limit))
            if _same_rows(_moved(part, to, n), old):
                continue
            own = case.problem.extra.get(limit)
            if own is not None:
                count = own.stop - own.start
                where[own] = width + np.arange(count)
                extra = ExtraColumns(
                    tuple(f"{x} ({k})" for x in case.problem.column_names[own]),
                    case.problem.lower[own],
                    case.problem.upper[own],
                    case.problem.integrality[own],
                )
                problem = problem.with_columns(f"{limit} ({k})", extra)
                width += count
            blocks.append(_moved(part, where, width))
        gain = np.zeros(width)
        gain[where[where >= 0]] = case.problem.objective[where >= 0]
        objectives.append(gain)
    upper = problem.upper.copy()
    upper[:n][~is_offered] = 0.0
    problem = replace(problem, upper=upper, _cache={})
    blocks = [_widened(b, width) for b in blocks]
    objectives = [np.concatenate([g, np.zeros(width - g.size)]) for g in objectives]
    joint = replace(shared, problem=problem, rows=Rows.stack(blocks))
    return Joint(joint, tuple(objectives))


def _same_columns(one: Problem, other: Problem) -> Ints:
    """Return where each column of ``one`` is in ``other``; -1 where it is not."""

    def keys(problem: Problem) -> pd.Index[Any]:
        labels = problem.frame.index.to_numpy(dtype=object)
        site = np.where(problem.column_site >= 0, problem.column_site, 0)
        name = np.array(problem.column_names, dtype=object)
        label = labels[site]
        label[problem.column_site < 0] = None
        return pd.Index(
            list(zip(label, name, strict=True)), dtype=object, tupleize_cols=False
        )

    return np.asarray(keys(other).get_indexer(keys(one)), dtype=np.int64)


def _moved(rows: Rows, to: Ints, width: int) -> Rows:
    """Return rows over other columns; what is not there cannot be chosen."""
    matrix = sparse.coo_array(rows.matrix)
    row, column = matrix.coords
    there = (matrix.data != 0) & (to[column] >= 0)
    moved = sparse.csr_array(
        (matrix.data[there], (row[there], to[column[there]])), shape=(len(rows), width)
    )
    return replace(rows, matrix=moved)


def _widened(rows: Rows, width: int) -> Rows:
    pad = width - rows.matrix.shape[1]
    if not pad:
        return rows
    empty = sparse.csr_array((len(rows), pad))
    wide = sparse.csr_array(sparse.hstack([rows.matrix, empty], format="csr"))
    return replace(rows, matrix=wide)


def _same_rows(one: Rows, other: Rows) -> bool:
    if len(one) != len(other) or one.matrix.shape != other.matrix.shape:
        return False
    if not np.array_equal(one.lower, other.lower) or not np.array_equal(
        one.upper, other.upper
    ):
        return False
    off = sparse.csr_array(one.matrix - other.matrix)
    return not off.data.any()


def _epigraph(
    joint: Joint, targets: Floats, weight: float, low: float, high: float
) -> tuple[Compiled, float]:
    """Return the program that maximises the least, or worst mean, of all values.

    Maximise ``t - weight * sum(z)`` where ``t - z_s <= value_s - target_s`` in every
    scenario; without ``z`` where the weight is 0. Everything in units of ``unit``.
    """
    problem = joint.compiled.problem
    sign = 1.0 if problem.maximize else -1.0
    # Values near ten: the tolerances of solvers are absolute.
    unit = float(10.0 ** (round(np.log10(max(abs(high), 1e-9))) - 1))
    count = len(joint.objectives)
    names = ["worst"] + [f"short in {k}" for k in range(count if weight else 0)]
    k = len(names)
    upper = np.full(k, (high - low) / unit, dtype=np.float64)
    lower = np.zeros(k)
    lower[0], upper[0] = low / unit, high / unit
    coefficients = np.full(k, -weight, dtype=np.float64)
    coefficients[0] = 1.0
    problem = replace(
        problem,
        objective=np.zeros(problem.n_columns),
        maximize=True,
        _cache={},
    )
    start = problem.n_columns
    problem = problem.with_columns(
        "scenarios", ExtraColumns(tuple(names), lower, upper, np.zeros(k, dtype=bool))
    )
    objective = problem.objective.copy()
    objective[start:] = coefficients
    problem = replace(problem, objective=objective)
    values = sparse.csr_array(np.vstack(joint.objectives) * (sign / unit))
    worst = sparse.csr_array(np.full((count, 1), -1.0))
    parts = [values, worst]
    if weight:
        parts.append(sparse.eye_array(count, format="csr"))
    matrix = sparse.csr_array(sparse.hstack(parts, format="csr"))
    rows = Rows.stack(
        [
            _widened(joint.compiled.rows, problem.n_columns),
            Rows.make(matrix, targets / unit, np.inf, "scenarios"),
        ]
    )
    request = joint.compiled.request
    limit = request.time_limit_s
    request = replace(
        request,
        gap=TIMES_GAP * request.gap,
        time_limit_s=MOST_SECONDS if limit is None else limit,
    )
    compiled = replace(joint.compiled, request=request, problem=problem, rows=rows)
    return compiled, unit


def best_over_all(
    joint: Joint,
    targets: Floats,
    weight: float,
    low: float,
    high: float,
    likely: Sequence[Floats],
) -> tuple[Floats, float, float] | None:
    """Return the solution, its value and the bound; None if no plan holds in all."""
    compiled, unit = _epigraph(joint, targets, weight, low, high)
    clock = Clock()
    try:
        if is_small(compiled):
            found = solve_full(compiled, clock=clock, say=silent)
        else:
            engine = PriceOut(compiled)
            # Columns that some scenario's best plan uses, and the best on average.
            problem = compiled.problem
            mean = np.zeros(problem.n_columns)
            average = np.mean(joint.objectives, axis=0)
            mean[: average.size] = average if problem.maximize else -average
            top = np.argsort(-mean, kind="stable")[:1000]
            used = [np.flatnonzero(x) for x in likely]
            picked = np.unique(np.concatenate([top, *used]))
            picked = picked[problem.column_site[picked] >= 0]
            engine.working = engine.shape.with_more(
                picked[problem.column_opens[picked]]
            )
            found = solve_priced(compiled, engine, clock=clock, say=silent)
    except InfeasiblePlanError:
        return None
    assert found.x is not None
    return found.x, found.objective * unit, found.bound * unit
