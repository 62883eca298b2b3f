"""The only module that knows how PuLP is spelled, on PuLP 3.3 and 4."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pulp

from siteselect.errors import SolverError, four_parts, nearest_name
from siteselect.optimization.highs import MipResult, Status, read_mip, silenced
from siteselect.optimization.problem import Floats, Problem, Rows

_HAS_FROM_LIST = hasattr(pulp.LpAffineExpression, "from_list")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")


def objective_scale(problem: Problem) -> float:
    """Return the power of ten that brings the objective's coefficients near one."""
    size = float(np.abs(problem.objective).max(initial=0.0))
    return float(10.0 ** (-round(np.log10(size) - 1))) if size > 0 else 1.0


def _expression(pairs: list[tuple[Any, float]]) -> Any:
    if _HAS_FROM_LIST:
        return pulp.LpAffineExpression.from_list(pairs)
    return pulp.LpAffineExpression(pairs)


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text).strip("_")


def build(
    problem: Problem,
    rows: Rows,
    *,
    name: str = "siteselect",
    readable: bool = True,
    scale: float = 1.0,
) -> tuple[Any, list[Any]]:
    """Write a problem and its rows as a PuLP model.

    Parameters
    ----------
    problem : Problem
        Columns and objective.
    rows : Rows
        What must hold.
    name : str
        Name of the model.
    readable : bool
        Put site labels and limits into the names. Their order is that of the
        columns either way: PuLP 3 sorts variables by name.
    scale : float
        Factor on the objective.

    Returns
    -------
    tuple of pulp.LpProblem and list of pulp.LpVariable
        The model, and its variables in column order.
    """
    sense = pulp.LpMaximize if problem.maximize else pulp.LpMinimize
    model = pulp.LpProblem(name, sense)
    width = len(str(max(problem.n_columns - 1, 0)))
    kind = {True: "Integer", False: "Continuous"}
    variables = []
    lower, upper = problem.lower.tolist(), problem.upper.tolist()
    for k, is_integer in enumerate(problem.integrality.tolist()):
        label = f"x{k:0{width}d}"
        if readable:
            label += f"_{_safe(problem.column_names[k])}"
        variables.append(
            model.add_variable(label, lower[k], upper[k], cat=kind[is_integer])
        )
    cost = (problem.objective * scale).tolist()
    model += _expression([(v, c) for v, c in zip(variables, cost, strict=True) if c])
    indptr = rows.matrix.indptr.tolist()
    indices = rows.matrix.indices.tolist()
    data = rows.matrix.data.tolist()
    low, high = rows.lower.tolist(), rows.upper.tolist()
    for r in range(len(rows)):
        pairs = [
            (variables[j], a)
            for j, a in zip(
                indices[indptr[r] : indptr[r + 1]],
                data[indptr[r] : indptr[r + 1]],
                strict=True,
            )
            if a
        ]
        label = f"r{r:06d}"
        if readable:
            label = f"{_safe(str(rows.limit[r]))}_{_safe(str(rows.group[r]))}_{label}"
        if not pairs:
            # PuLP cannot write a row without variables; keep what it says.
            if low[r] > 1e-9 or high[r] < -1e-9:
                pairs = [(variables[0], 0.0)] if variables else []
                never = _expression([(v, 1.0) for v in variables])
                model += never <= -1.0, f"{label}_never"
            continue
        if low[r] == high[r]:
            model += _expression(pairs) == low[r], label
            continue
        if np.isfinite(low[r]):
            model += _expression(pairs) >= low[r], f"{label}_min"
        if np.isfinite(high[r]):
            model += _expression(pairs) <= high[r], f"{label}_max"
    return model, variables


def solver_of(
    solver: Any, *, gap: float, time_limit_s: float | None
) -> tuple[Any, str]:
    """Return a PuLP solver object and its name.

    Parameters
    ----------
    solver : str or pulp.LpSolver
        ``"highs"``, ``"cbc"``, any name PuLP lists, or a solver object, which is
        used as it is.

    Raises
    ------
    SolverError
        Unknown or not installed.
    """
    if not isinstance(solver, str):
        if not hasattr(solver, "actualSolve"):
            raise SolverError(
                four_parts(
                    f"solver={solver!r} was asked for",
                    f"that is {type(solver).__name__}",
                    "'highs', 'cbc', another PuLP solver name or a PuLP solver",
                    "solver='highs'",
                )
            )
        return solver, str(getattr(solver, "name", type(solver).__name__))
    wanted = solver.lower()
    options: dict[str, Any] = {"msg": False, "gapRel": gap}
    if time_limit_s is not None:
        options["timeLimit"] = time_limit_s
    if wanted == "highs":
        found = pulp.HiGHS(
            **options, gapAbs=0.0, threads=1, random_seed=0, output_flag=False
        )
        return found, "highs"
    known = {n.lower(): n for n in pulp.listSolvers()}
    if wanted == "cbc":
        for candidate in ("PULP_CBC_CMD", "COIN_CMD"):
            maker = getattr(pulp, candidate, None)
            if maker is None:
                continue
            with warnings.catch_warnings():
                # PuLP 3 bundles CBC under a name that it is about to drop.
                warnings.simplefilter("ignore", DeprecationWarning)
                found = maker(**options, options=["randomCbcSeed 1"])
            if found.available():
                return found, "cbc"
        raise SolverError(
            four_parts(
                "solver='cbc' was asked for",
                "PuLP finds no CBC; PuLP 4 does not bundle it",
                "an installed solver",
                "pip install 'pulp[cbc]', or solver='highs'",
            )
        )
    if wanted not in known:
        raise SolverError(
            four_parts(
                f"solver={solver!r} was asked for",
                "PuLP does not know it" + nearest_name(wanted, known).rstrip("."),
                "highs, cbc or one of " + ", ".join(pulp.listSolvers()),
                "solver='highs'",
            )
        )
    found = pulp.getSolver(known[wanted], **options)
    if not found.available():
        raise SolverError(
            four_parts(
                f"solver={solver!r} was asked for",
                "PuLP knows it, but it is not installed here",
                "an installed solver: " + ", ".join(pulp.listSolvers(True)),
                "solver='highs'",
            )
        )
    return found, wanted


def solve(
    problem: Problem,
    rows: Rows,
    *,
    solver: Any = "highs",
    gap: float = 1e-4,
    time_limit_s: float | None = None,
) -> tuple[MipResult, str]:
    """Build, solve by a PuLP solver and read back; everything as a maximisation.

    Returns
    -------
    tuple of MipResult and str
        ``objective`` and ``bound`` are those of ``sign * problem.objective`` with
        sign +1 for a maximisation and -1 for a minimisation. The bound is that of
        the solver, infinite if it tells none.
    """
    scale = objective_scale(problem)
    model, variables = build(problem, rows, readable=False, scale=scale)
    tool, name = solver_of(solver, gap=gap, time_limit_s=time_limit_s)
    sign = 1.0 if problem.maximize else -1.0
    if problem.n_columns == 0:
        ok = bool(((rows.lower <= 1e-9) & (rows.upper >= -1e-9)).all())
        none = np.zeros(0)
        if ok:
            return MipResult("optimal", 0.0, 0.0, none), name
        return MipResult("infeasible", -np.inf, -np.inf, None), name
    with silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = model.solve(tool)
        except pulp.PulpSolverError as error:
            raise SolverError(
                four_parts(
                    f"{name} was asked to solve {problem.n_columns} columns",
                    f"it failed: {error}",
                    "a solver that runs",
                    "solver='highs'",
                )
            ) from None
    values = [v.value() for v in variables]
    highs = getattr(model, "solverModel", None)
    if name.lower() == "highs" and highs is not None and hasattr(highs, "getInfo"):
        # PuLP 3 hands HiGHS the negated objective of a maximisation, PuLP 4 does
        # not; either way HiGHS's own objective tells.
        import highspy

        if highs.getModelStatus() == highspy.HighsModelStatus.kNotset:
            # Threads of another model: see `siteselect.optimization.highs.run`.
            highspy.Highs.resetGlobalScheduler(True)
            with silenced(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.solve(tool)
            values = [v.value() for v in variables]
            highs = model.solverModel
        native_max = highs.getObjectiveSense()[1] == highspy.ObjSense.kMaximize
        found = read_mip(highs, sign=1.0 if native_max else -1.0)
        x = None if found.x is None else _values(values)
        return (
            MipResult(found.status, found.objective / scale, found.bound / scale, x),
            name,
        )
    status = _status(model, answer)
    if status in ("infeasible", "unbounded", "unknown") or any(
        v is None for v in values
    ):
        return MipResult(status, -np.inf, np.inf, None), name
    x = _values(values)
    objective = sign * float(problem.objective @ x)
    bound = np.inf
    if status == "optimal":
        # The solver's word: proven within the gap it was given.
        told = getattr(tool, "optionsDict", {})
        room = max(gap, float(told.get("gapRel") or 0.0)) * max(abs(objective), 1e-9)
        bound = objective + room + float(told.get("gapAbs") or 0.0) / scale
    return MipResult(status, objective, bound, x), name


def _values(values: list[Any]) -> Floats:
    return np.array([0.0 if v is None else float(v) for v in values])


def _status(model: Any, answer: Any) -> Status:
    """Translate what PuLP says; only "optimal" if the solver itself said so."""
    word = str(getattr(getattr(answer, "status", None), "name", "")).lower()
    if word:  # PuLP 4
        if word == "optimal":
            return "optimal"
        if word == "infeasible":
            return "infeasible"
        if word == "unbounded":
            return "unbounded"
        return "feasible" if getattr(answer, "has_solution", False) else "unknown"
    code, detail = int(model.status), int(getattr(model, "sol_status", 0))
    if code == -1:
        return "infeasible"
    if code == -2:
        return "unbounded"
    if code == 1 and detail == 1:
        return "optimal"
    return "feasible" if detail in (1, 2) else "unknown"
