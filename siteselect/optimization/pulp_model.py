"""The only module that knows how PuLP is spelled, on PuLP 3.3 and 4."""

from __future__ import annotations

import contextlib
import copy
import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pulp

from siteselect.errors import (
    SiteSelectError,
    SolverError,
    four_parts,
    nearest_name,
)
from siteselect.optimization import deadline, highs
from siteselect.optimization.highs import MipResult, Program, Status, silenced

if TYPE_CHECKING:  # the solvers' process does without geopandas
    from siteselect.optimization.problem import Floats, Problem, Rows

_HAS_FROM_LIST = hasattr(pulp.LpAffineExpression, "from_list")
#: Nodes times columns that HiGHS may spend on proving another solver's word.
PROOF_WORK = 20_000_000
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
    labels = None
    if readable:
        labels = [
            f"{_safe(str(limit))}_{_safe(str(group))}"
            for limit, group in zip(rows.limit, rows.group, strict=True)
        ]
    program = Program(
        problem.objective * scale,
        problem.maximize,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
    )
    columns = [_safe(c) for c in problem.column_names] if readable else None
    return _write(program, name=name, columns=columns, labels=labels)


def _write(
    program: Program,
    *,
    name: str = "siteselect",
    columns: list[str] | None = None,
    labels: list[str] | None = None,
) -> tuple[Any, list[Any]]:
    """Write a program as a PuLP model, named if names are given."""
    sense = pulp.LpMaximize if program.maximize else pulp.LpMinimize
    model = pulp.LpProblem(name, sense)
    n = program.lower.size
    width = len(str(max(n - 1, 0)))
    kind = {True: "Integer", False: "Continuous"}
    variables = []
    lower, upper = program.lower.tolist(), program.upper.tolist()
    for k, is_integer in enumerate(program.integrality.tolist()):
        label = f"x{k:0{width}d}"
        if columns is not None:
            label += f"_{columns[k]}"
        variables.append(
            model.add_variable(label, lower[k], upper[k], cat=kind[is_integer])
        )
    cost = program.objective.tolist()
    model += _expression([(v, c) for v, c in zip(variables, cost, strict=True) if c])
    indptr = program.matrix.indptr.tolist()
    indices = program.matrix.indices.tolist()
    data = program.matrix.data.tolist()
    low, high = program.row_lower.tolist(), program.row_upper.tolist()
    for r in range(len(low)):
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
        if labels is not None:
            label = f"{labels[r]}_{label}"
        if not pairs:
            # PuLP cannot write a row without variables; keep what it says.
            if low[r] > 1e-9 or high[r] < -1e-9:
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
        ``"auto"``, ``"highs"``, ``"cbc"``, any name PuLP lists, or a solver object,
        which is used as it is, but for a time limit where its own is longer or none.

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
        own = getattr(solver, "timeLimit", 0.0)
        if time_limit_s is not None and (own is None or own > time_limit_s):
            solver = copy.copy(solver)
            solver.timeLimit = time_limit_s
        return solver, str(getattr(solver, "name", type(solver).__name__))
    wanted = solver.lower()
    options: dict[str, Any] = {"msg": False, "gapRel": gap}
    if time_limit_s is not None:
        options["timeLimit"] = time_limit_s
    if wanted in ("highs", "auto"):
        options |= highs.tolerances(gap)
        options.pop("mip_rel_gap")
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
                "auto, highs, cbc or one of " + ", ".join(pulp.listSolvers()),
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


def with_option(tool: Any, name: str, value: Any) -> Any:
    """Set one more option of PuLP's HiGHS; leave other solvers as they are."""
    if isinstance(tool, pulp.HiGHS):
        tool.optionsDict[name] = value
    return tool


def solvers_there() -> list[str]:
    """Return the names of the solvers that PuLP finds on this machine."""
    return [str(name) for name in pulp.listSolvers(True)]


def has_cbc() -> bool:
    """Return whether PuLP finds a CBC."""
    try:
        solver_of("cbc", gap=1e-4, time_limit_s=None)
    except SolverError:
        return False
    return True


def solve(
    problem: Problem,
    rows: Rows,
    *,
    solver: Any = "highs",
    gap: float = 1e-4,
    time_limit_s: float | None = None,
    start: Floats | None = None,
) -> tuple[MipResult, str]:
    """Build, solve by a PuLP solver and read back; everything as a maximisation.

    Under the deadline of a request the model is built and solved in a process that
    is ended when the time is up.

    Returns
    -------
    tuple of MipResult and str
        ``objective`` and ``bound`` are those of ``sign * problem.objective`` with
        sign +1 for a maximisation and -1 for a minimisation. The bound is that of
        the solver, infinite if it tells none.
    """
    scale = objective_scale(problem)
    program = Program(
        problem.objective * scale,
        problem.maximize,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
    )
    found, name = solve_arrays(
        program, solver=solver, gap=gap, time_limit_s=time_limit_s, start=start
    )
    return (
        MipResult(found.status, found.objective / scale, found.bound / scale, found.x),
        name,
    )


def solve_arrays(
    program: Program,
    *,
    solver: Any,
    gap: float,
    time_limit_s: float | None = None,
    start: Floats | None = None,
) -> tuple[MipResult, str]:
    """Solve a program, held to the request's deadline; see `solve`.

    A solver that tells no bound is not believed: CBC 2.10 calls plans optimal that
    are beaten by 2e-5. The linear relaxation proves its plan, or else HiGHS proves or
    betters it; where neither can, the plan is feasible.
    """
    watch = deadline.current()
    left = None if watch is None else watch.left()
    if left is not None:
        told = left * deadline.TOLD_SHARE
        time_limit_s = told if time_limit_s is None else min(told, time_limit_s)
    if isinstance(solver, str) and solver.lower() == "auto":
        # By rule, never by race. HiGHS: on 1,000 to 30,000 columns CBC was 0.5 to
        # 1.4 times as fast, and it tells no bound. CBC where HiGHS has no word.
        found, name = solve_arrays(
            program, solver="highs", gap=gap, time_limit_s=time_limit_s, start=start
        )
        is_over = watch is not None and watch.is_over()
        if found.status == "unknown" and not is_over and has_cbc():
            found, name = solve_arrays(
                program, solver="cbc", gap=gap, time_limit_s=time_limit_s, start=start
            )
        return found, name
    # Also where nothing is left to do: an unknown solver is an error at any size.
    _, name = solver_of(solver, gap=gap, time_limit_s=time_limit_s)
    n = program.lower.size
    if watch is not None and watch.is_over() and n:
        found = highs.started(program, start)
    elif watch is not None and left is not None and _needs_process(program, solver):
        found = _solve_held(program, watch, solver, gap, time_limit_s, start, name)
    else:
        try:
            found = solve_program(
                program, solver=solver, gap=gap, time_limit_s=time_limit_s, start=start
            )
        except KeyboardInterrupt:
            # A solver of PuLP's that runs as a command: what it had is lost.
            if watch is None:
                raise
            watch.is_stopped = True
            found = highs.started(program, start)
    if _tells_bound(solver, name):
        if watch is None or not watch.is_over():
            found = highs.refitted(program, found, gap=gap, time_limit_s=time_limit_s)
        return found, name
    if found.status != "optimal" or found.x is None or not n:
        return found, name
    body = (
        program.sign * program.objective,
        program.matrix,
        program.row_lower,
        program.row_upper,
        program.lower,
        program.upper,
    )
    relaxed = highs.solve_lp(*body, is_long=True)
    near = max(gap, 1e-9) * max(abs(found.objective), 1e-9)
    if relaxed.status == "optimal" and relaxed.objective - found.objective <= near:
        return replace(found, bound=max(relaxed.objective, found.objective)), name
    proof = highs.solve_mip(
        *body,
        program.integrality,
        gap=gap,
        time_limit_s=time_limit_s,
        start=found.x,
        mip_max_nodes=max(1000, PROOF_WORK // n),
    )
    if proof.x is not None and proof.objective >= found.objective - 1e-9 * abs(
        found.objective
    ):
        return proof, f"{name} and HiGHS"
    return replace(found, status="feasible", bound=proof.bound), name


def _tells_bound(solver: Any, name: str) -> bool:
    """Return whether a solver's own bound is read, and not only its word."""
    return name == "highs" or (
        hasattr(pulp, "HiGHS") and isinstance(solver, pulp.HiGHS)
    )


def _needs_process(program: Program, solver: Any) -> bool:
    """Return whether only a process of its own can be relied on to end in time."""
    n = program.lower.size
    is_highs = isinstance(solver, str) and solver.lower() == "highs"
    if hasattr(pulp, "HiGHS") and isinstance(solver, pulp.HiGHS):
        # A user's own callback takes the place of the one that could stop it.
        is_highs = not solver.callbackTuple
    return n > 0 and not (is_highs and n <= highs.THREAD_COLUMNS)


def _solve_held(
    program: Program,
    watch: deadline.Watch,
    solver: Any,
    gap: float,
    time_limit_s: float | None,
    start: Floats | None,
    name: str,
) -> MipResult:
    """Solve in another process, or in a thread if the solver cannot go there."""
    arguments = {
        "program": program,
        "solver": solver,
        "gap": gap,
        "time_limit_s": time_limit_s,
        "start": start,
    }
    answer = watch.call(__name__, "solve_program", **arguments)
    if answer.kind != "unsent":
        return highs.answered(answer, watch, program, start, name)
    answer = watch.call_thread(lambda: solve_program(**arguments, is_silent=False))
    return highs.answered(answer, watch, program, start, name)


def _watched(tool: Any, start: Floats | None, n_columns: int) -> Any:
    """Return PuLP's HiGHS with a run that can be stopped and starts from a plan."""
    kind = type(tool)

    class Watched(kind):  # type: ignore[misc, valid-type]
        def callSolver(self, lp: Any) -> None:  # noqa: N802
            h = lp.solverModel
            # A user's own callback stays: only one can be set.
            if self.callbackTuple or h.getNumCol() != n_columns:
                highs.run(h)
                return
            highs.hand_start(h, start)
            highs.run_watched(h, _highs_sign(h, lp))

        def findSolutionValues(self, lp: Any) -> Any:  # noqa: N802
            try:
                return super().findSolutionValues(lp)
            except KeyError:
                # PuLP 3 has no word for a limit of nodes; the values are set by then.
                return pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound

    found = copy.copy(tool)
    found.__class__ = Watched
    return found


def _highs_sign(h: Any, model: Any) -> float:
    """Return -1 if PuLP handed HiGHS the negated objective to minimise.

    PuLP 3 does so for a maximisation, PuLP 4 does not. A minimisation is one either
    way, and negated it is a maximisation.
    """
    import highspy

    is_native = h.getObjectiveSense()[1] == highspy.ObjSense.kMaximize
    return 1.0 if is_native else -1.0


def solve_program(
    program: Program,
    *,
    solver: Any,
    gap: float,
    time_limit_s: float | None,
    start: Floats | None = None,
    is_silent: bool = True,
) -> MipResult:
    """Write a program for PuLP, solve it here and now, and read it back."""
    tool, name = solver_of(solver, gap=gap, time_limit_s=time_limit_s)
    sign, n = program.sign, program.lower.size
    if n == 0:
        ok = bool(((program.row_lower <= 1e-9) & (program.row_upper >= -1e-9)).all())
        if ok:
            return MipResult("optimal", 0.0, 0.0, np.zeros(0))
        return MipResult("infeasible", -np.inf, -np.inf, None)
    try:
        model, variables = _write(program)
    except pulp.PulpError as error:
        raise _failed(name, n, error) from None
    is_highs = hasattr(pulp, "HiGHS") and isinstance(tool, pulp.HiGHS)
    if is_highs:
        tool = _watched(tool, start, n)
    quiet = silenced() if is_silent else contextlib.nullcontext()
    with quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = model.solve(tool)
        except highs.AbandonedError as late:
            return highs.better(
                highs.from_news(late.news, program), highs.started(program, start)
            )
        except SiteSelectError:
            raise
        except Exception as error:  # Solvers fail in ways of their own.
            raise _failed(name, n, error) from error
    values = [v.value() for v in variables]
    h = getattr(model, "solverModel", None)
    if is_highs and h is not None and hasattr(h, "getInfo"):
        found = highs.read_mip(h, sign=_highs_sign(h, model))
        x = None if found.x is None else _values(values)
        if start is not None and highs.is_misjudged(program, replace(found, x=x)):
            return solve_program(
                program,
                solver=solver,
                gap=gap,
                time_limit_s=time_limit_s,
                is_silent=is_silent,
            )
        if x is not None and not highs.holds(program, x):
            return MipResult("unknown", -np.inf, found.bound, None)
        return MipResult(found.status, found.objective, found.bound, x)
    status = _status(model, answer)
    if status in ("infeasible", "unbounded", "unknown") or any(
        v is None for v in values
    ):
        return MipResult(
            status if status != "optimal" else "unknown", -np.inf, np.inf, None
        )
    x = _values(values)
    if not highs.holds(program, x):
        return highs.NOTHING
    objective = sign * float(program.objective @ x)
    bound = np.inf
    if status == "optimal" and not _may_stop_early(tool):
        # The solver's word: proven within the gap it was given.
        told = getattr(tool, "optionsDict", {})
        room = max(gap, float(told.get("gapRel") or 0.0)) * max(abs(objective), 1e-9)
        bound = objective + room + float(told.get("gapAbs") or 0.0)
    elif status == "optimal":
        status = "feasible"
    return MipResult(status, objective, bound, x)


def _failed(name: str, n: int, error: Exception) -> SolverError:
    """Return what is told of a solver that broke off."""
    said = str(error) or type(error).__name__
    return SolverError(
        four_parts(
            f"{name} was asked to solve {n} columns",
            f"it failed: {said}",
            "a solver that runs, and numbers that it can hold",
            "solver='highs'",
        )
    )


#: Words in a solver's raw options with which its "optimal" may mean "good enough".
_EARLY = re.compile(
    r"ratio|gap|allow|cutoff|increment|tol|limit|max|sec", re.IGNORECASE
)


def _may_stop_early(tool: Any) -> bool:
    """Return whether a user's own solver object may stop before it has a proof.

    What it is told in its own words cannot be read here: then its "optimal" brings
    a plan, and the bound comes from elsewhere.
    """
    if getattr(tool, "mip", True) is False:
        return True
    raw = getattr(tool, "options", None) or []
    return any(_EARLY.search(str(word)) for word in raw)


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
