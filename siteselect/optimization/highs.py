"""HiGHS through highspy: linear programs for bounds, small integer programs.

Everything here maximises. Status, bound and gap are read from HiGHS itself and kept
apart; one thread and a fixed seed, so that the same input gives the same answer.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import highspy
import numpy as np
from scipy import sparse

from siteselect.errors import SolverError, four_parts
from siteselect.optimization import deadline

if TYPE_CHECKING:  # the solvers' process does without geopandas
    from siteselect.optimization.problem import Bools, Floats

Status: TypeAlias = Literal["optimal", "feasible", "infeasible", "unbounded", "unknown"]
_LOCK = threading.RLock()
INF = float(highspy.kHighsInf)


def _flush() -> None:
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).fflush(None)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Send the process's standard output to nowhere.

    HiGHS prints a banner when it is made, before any option can be set. The lock
    keeps two threads from restoring each other's output.
    """
    with _LOCK:
        try:
            saved = os.dup(1)
        except OSError:  # standard output is closed: nothing to silence
            yield
            return
        _flush()
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, 1)
            yield
        finally:
            _flush()
            os.dup2(saved, 1)
            os.close(saved)
            os.close(null)


def new_highs(**options: Any) -> Any:
    """Return a silent HiGHS object with one thread and a fixed seed."""
    with silenced():
        h: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        h.setOptionValue("output_flag", False)
    for name, value in {"threads": 1, "random_seed": 0, **options}.items():
        h.setOptionValue(name, value)
    return h


@dataclass(frozen=True, eq=False)
class LpResult:
    """Outcome of a linear program (maximised)."""

    status: Status
    objective: float
    x: Floats
    duals: Floats


@dataclass(frozen=True, eq=False)
class MipResult:
    """Outcome of an integer program (maximised); ``bound`` is never below it."""

    status: Status
    objective: float
    bound: float
    x: Floats | None


#: What is known when nothing is.
NOTHING = MipResult("unknown", -np.inf, np.inf, None)
#: HiGHS under a deadline runs in a thread up to this many columns and stops when
#: told; larger programs may not listen, and get a process that can be killed.
THREAD_COLUMNS = 600
#: A hair of room in a row, relative to its bound, or absolute where that is below 1.
ROOM = 1e-10
#: How far a row of a solver's plan may be off, per unit of its largest term.
ROW_TOLERANCE = 1e-5


class AbandonedError(Exception):
    """HiGHS did not stop in time; ``news`` is what it had found."""

    def __init__(self, news: deadline.News) -> None:
        super().__init__("HiGHS did not stop in time")
        self.news = news


def finite(values: Floats) -> Floats:
    """Replace infinities by what HiGHS calls infinite."""
    return np.clip(values, -INF, INF)


def model_of(
    objective: Floats,
    matrix: Any,
    row_lower: Floats,
    row_upper: Floats,
    lower: Floats,
    upper: Floats,
    integrality: Bools | None = None,
) -> Any:
    """Return a HighsLp that maximises, handed over as arrays."""
    csr = sparse.csr_array(matrix)
    lp = highspy.HighsLp()
    lp.num_col_ = int(objective.shape[0])
    lp.num_row_ = int(csr.shape[0])
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = objective
    lp.col_lower_ = finite(lower)
    lp.col_upper_ = finite(upper)
    lp.row_lower_ = finite(row_lower)
    lp.row_upper_ = finite(row_upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = csr.indptr.astype(np.int32)
    lp.a_matrix_.index_ = csr.indices.astype(np.int32)
    lp.a_matrix_.value_ = csr.data
    if integrality is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(b)] for b in integrality]
    return lp


def run(h: Any) -> None:
    """Run HiGHS, once more if another model left its threads behind.

    HiGHS shares one set of threads in the process and refuses a model that asks
    for another number of them than the model before, also one of the user's own.
    """
    h.run()
    if h.getModelStatus() == highspy.HighsModelStatus.kNotset:
        highspy.Highs.resetGlobalScheduler(True)
        h.run()


def listen(h: Any, news: deadline.News, stop: threading.Event, sign: float) -> None:
    """Keep the plans and bounds that HiGHS finds on its way, and let it be stopped.

    Parameters
    ----------
    h : highspy.Highs
        With its model.
    news : deadline.News
        Where the best plan and bound go.
    stop : threading.Event
        Set to stop the search.
    sign : float
        -1 if HiGHS was handed the negated objective to minimise.
    """
    kind = highspy.cb.HighsCallbackType
    tell = deadline.TELL.get()
    last = [-np.inf]

    def hear(what: Any, message: str, out: Any, into: Any, data: Any) -> None:
        # An exception would have to cross C++: none may leave this function.
        with contextlib.suppress(Exception):
            if what == kind.kCallbackMipImprovingSolution:
                news.x = np.array(out.mip_solution, dtype=np.float64)
                if tell is not None:
                    tell("x", news.x)
            bound = sign * float(out.mip_dual_bound)
            if abs(bound) < INF and bound < news.bound:
                news.bound = bound
                now = time.perf_counter()
                if tell is not None and now > last[0] + 0.05:
                    last[0] = now
                    tell("bound", bound)
            if into is not None and stop.is_set():
                into.user_interrupt = True

    h.setCallback(hear, None)
    for callback in (
        kind.kCallbackMipImprovingSolution,
        kind.kCallbackMipLogging,
        kind.kCallbackMipInterrupt,
        kind.kCallbackSimplexInterrupt,
        kind.kCallbackIpmInterrupt,
    ):
        h.startCallback(callback)


def run_watched(h: Any, sign: float) -> None:
    """Run an integer program so that a deadline and Ctrl-C can stop it.

    HiGHS runs in a thread of its own, because Python sees Ctrl-C only between its
    own steps.

    Raises
    ------
    AbandonedError
        HiGHS did not stop when told.
    """
    news, stop, done = deadline.News(), threading.Event(), threading.Event()
    watch = deadline.current()
    if deadline.TELL.get() is not None:  # the process can be killed: that will do
        listen(h, news, stop, sign)
        run(h)
        return
    if threading.current_thread() is not threading.main_thread() and (
        watch is None or watch.deadline is None
    ):
        run(h)  # Ctrl-C goes to the main thread alone
        return
    failed: list[BaseException] = []

    def work() -> None:
        try:
            run(h)
        except BaseException as error:  # handed on to the thread that asked
            failed.append(error)
        finally:
            done.set()

    listen(h, news, stop, sign)
    thread = threading.Thread(target=work, daemon=True)
    try:
        how = deadline.wait(thread, done, watch)
    except KeyboardInterrupt:
        stop.set()
        done.wait(5.0)
        raise
    if how != "done":
        stop.set()
        if how == "stopped" and watch is not None:
            watch.is_stopped = True
        done.wait(deadline.GRACE_S if how == "late" else 5.0)
    if not done.is_set():
        raise AbandonedError(news)
    if failed:
        raise failed[0]
    h.setCallback(None, None)


def with_room(program: Program) -> Program:
    """Return a program with a hair of room in rows that are no equations."""
    low, high = program.row_lower, program.row_upper
    is_range = low < high
    with np.errstate(invalid="ignore"):
        down = np.where(is_range, low - ROOM * np.maximum(1.0, np.abs(low)), low)
        up = np.where(is_range, high + ROOM * np.maximum(1.0, np.abs(high)), high)
    return replace(program, row_lower=down, row_upper=up)


def refitted(
    program: Program, found: MipResult, *, gap: float, time_limit_s: float | None
) -> MipResult:
    """Return a better plan that fits a small mixed program just so, if there is one.

    Where a row leaves sizes of a range one point, presolve of HiGHS 1.16 may drop it:
    it then calls a worse plan optimal. With a hair of room it finds the point, which is
    taken only as it is within the rows themselves.

    Parameters
    ----------
    program : Program
        What was asked.
    found : MipResult
        What was answered, maximised.
    gap, time_limit_s : float
        As for `solve_mip`.
    """
    whole = program.integrality
    is_mixed = whole.any() and not whole.all() and whole.size <= THREAD_COLUMNS
    if not is_mixed or found.status != "optimal":
        return found
    goal = program.sign * program.objective
    roomy = with_room(program)
    again = _run_mip(
        replace(roomy, objective=goal, maximize=True),
        gap=gap,
        time_limit_s=time_limit_s,
        start=found.x,
        options={},
    )
    if again.x is None:
        return found
    body = (
        program.matrix,
        program.row_lower,
        program.row_upper,
        program.lower,
        program.upper,
    )
    x = settled(goal, *body, whole, again.x)
    value = float(goal @ x)
    step = max(gap, 1e-7) * max(abs(value), 1e-9)
    if value <= found.objective + step or not holds(program, x, ROOM):
        return found
    bound = max(again.bound, value)
    status: Status = "optimal" if bound - value <= step else "feasible"
    return MipResult(status, value, bound, x)


def from_news(news: deadline.News, program: Program) -> MipResult:
    """Return what was found before a search was cut off, if it holds."""
    if news.x is None or not holds(program, news.x):
        return replace(NOTHING, bound=news.bound)
    value = program.sign * float(program.objective @ news.x)
    return MipResult("feasible", value, max(news.bound, value), news.x)


def holds(program: Program, x: Floats, tolerance: float = ROW_TOLERANCE) -> bool:
    """Return whether a solver's answer is a plan: whole, and within the rows.

    Whoever solved it: a linear solver, or one with an integer tolerance of its own,
    also says "optimal".
    """
    if x.shape != program.lower.shape or not np.isfinite(x).all():
        return False
    whole = program.integrality
    if (np.abs(x[whole] - np.round(x[whole])) > 1e-4).any():
        return False
    if ((x < program.lower - 1e-5) | (x > program.upper + 1e-5)).any():
        return False
    matrix = program.matrix
    used = matrix @ x
    room = tolerance * np.maximum(1.0, abs(matrix) @ np.abs(x))
    over = (used > program.row_upper + room) | (used < program.row_lower - room)
    return not bool(over.any())


@dataclass(frozen=True, eq=False)
class Program:
    """An integer program as arrays, ready for any solver and any process.

    Parameters
    ----------
    objective : ndarray, shape (n_columns,)
        In the program's own direction.
    maximize : bool
        That direction.
    matrix : scipy.sparse.csr_array, shape (n_rows, n_columns)
        Coefficients.
    row_lower, row_upper : ndarray, shape (n_rows,)
        Bounds of the rows.
    lower, upper : ndarray, shape (n_columns,)
        Bounds of the columns.
    integrality : ndarray of bool, shape (n_columns,)
        Which columns are whole.
    """

    objective: Floats
    maximize: bool
    matrix: Any
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integrality: Bools

    @property
    def sign(self) -> float:
        """1 for a maximisation, -1 for a minimisation."""
        return 1.0 if self.maximize else -1.0


def status_of(h: Any) -> Status:
    """Return HiGHS's own word on the model, in ours."""
    found = h.getModelStatus()
    kind = highspy.HighsModelStatus
    if found in (kind.kOptimal, kind.kModelEmpty):
        return "optimal"
    if found == kind.kInfeasible:
        return "infeasible"
    if found in (kind.kUnbounded,):
        return "unbounded"
    if found == kind.kUnboundedOrInfeasible:
        # The objective is bounded on every problem we write (columns are).
        return "infeasible"
    return "unknown"


class LiveLp:
    """A linear program that stays in HiGHS and grows by columns and rows."""

    def __init__(
        self,
        objective: Floats,
        matrix: Any,
        row_lower: Floats,
        row_upper: Floats,
        lower: Floats,
        upper: Floats,
        **options: Any,
    ) -> None:
        self.h = new_highs(**options)
        self.h.passModel(
            model_of(objective, matrix, row_lower, row_upper, lower, upper)
        )

    def add_columns(
        self, objective: Floats, matrix: Any, lower: Floats, upper: Floats
    ) -> None:
        """Add columns; ``matrix`` has one column each over the present rows."""
        csc = sparse.csc_array(matrix)
        self.h.addCols(
            int(objective.shape[0]),
            objective,
            finite(lower),
            finite(upper),
            int(csc.nnz),
            csc.indptr[:-1].astype(np.int32),
            csc.indices.astype(np.int32),
            csc.data,
        )

    def add_rows(self, matrix: Any, row_lower: Floats, row_upper: Floats) -> None:
        """Add rows over the present columns."""
        csr = sparse.csr_array(matrix)
        self.h.addRows(
            int(csr.shape[0]),
            finite(row_lower),
            finite(row_upper),
            int(csr.nnz),
            csr.indptr[:-1].astype(np.int32),
            csr.indices.astype(np.int32),
            csr.data,
        )

    def solve(self) -> LpResult:
        """Solve from the present basis, within the time of the request."""
        watch = deadline.current()
        left = None if watch is None else watch.left()
        if left is not None:
            # The limit of HiGHS counts all runs of the object.
            limit = self.h.getRunTime() + left + deadline.GRACE_S
            self.h.setOptionValue("time_limit", limit)
        run(self.h)
        status = status_of(self.h)
        solution = self.h.getSolution()
        value = float(self.h.getInfo().objective_function_value)
        return LpResult(
            status,
            value,
            np.asarray(solution.col_value, dtype=np.float64),
            np.asarray(solution.row_dual, dtype=np.float64),
        )


def _without_columns(row_lower: Floats, row_upper: Floats) -> Status:
    """Judge a program of rows alone: HiGHS calls it empty, whatever they ask."""
    holds = bool(((row_lower <= 1e-9) & (row_upper >= -1e-9)).all())
    return "optimal" if holds else "infeasible"


def solve_lp(
    objective: Floats,
    matrix: Any,
    row_lower: Floats,
    row_upper: Floats,
    lower: Floats,
    upper: Floats,
    *,
    is_long: bool = False,
    **options: Any,
) -> LpResult:
    """Solve a linear program once.

    Parameters
    ----------
    objective, matrix, row_lower, row_upper, lower, upper
        The program; it is maximised.
    is_long : bool
        It may take long: hold it to the deadline of the request.
    **options
        Options of HiGHS.
    """
    n, m = objective.shape[0], row_lower.shape[0]
    if not n:
        status = _without_columns(row_lower, row_upper)
        value = 0.0 if status == "optimal" else -np.inf
        return LpResult(status, value, np.zeros(0), np.zeros(m))
    watch = deadline.current()
    if is_long and watch is not None and watch.deadline is not None:
        nothing = LpResult("unknown", -np.inf, np.zeros(n), np.zeros(m))
        if watch.is_over():
            return nothing
        left = watch.left() or 0.0
        options = {"time_limit": left * deadline.TOLD_SHARE, **options}
        if n > THREAD_COLUMNS:
            answer = watch.call(
                __name__,
                "solve_lp",
                objective=objective,
                matrix=matrix,
                row_lower=row_lower,
                row_upper=row_upper,
                lower=lower,
                upper=upper,
                **options,
            )
            if answer.kind == "done":
                found: LpResult = answer.value
                return found
            if answer.kind == "stopped":
                watch.is_stopped = True
            if answer.kind != "unsent":
                return nothing
    lp = LiveLp(objective, matrix, row_lower, row_upper, lower, upper, **options)
    return lp.solve()


def solve_mip(
    objective: Floats,
    matrix: Any,
    row_lower: Floats,
    row_upper: Floats,
    lower: Floats,
    upper: Floats,
    integrality: Bools,
    *,
    gap: float = 1e-4,
    time_limit_s: float | None = None,
    start: Floats | None = None,
    **options: Any,
) -> MipResult:
    """Solve an integer program (maximised).

    A time limit given here is asked for, not guaranteed; the deadline of a request
    (see `siteselect.optimization.deadline`) is kept.
    """
    if not objective.shape[0]:
        if _without_columns(row_lower, row_upper) == "optimal":
            return MipResult("optimal", 0.0, 0.0, np.zeros(0))
        return MipResult("infeasible", -np.inf, -np.inf, None)
    matrix = sparse.csr_array(matrix)
    program = Program(
        objective, True, matrix, row_lower, row_upper, lower, upper, integrality
    )
    watch = deadline.current()
    if watch is not None and watch.is_over():
        return started(program, start)
    left = None if watch is None else watch.left()
    if left is not None:
        told = left * deadline.TOLD_SHARE
        time_limit_s = told if time_limit_s is None else min(told, time_limit_s)
    if watch is not None and left is not None and objective.size > THREAD_COLUMNS:
        answer = watch.call(
            __name__,
            "solve_mip",
            objective=objective,
            matrix=matrix,
            row_lower=row_lower,
            row_upper=row_upper,
            lower=lower,
            upper=upper,
            integrality=integrality,
            gap=gap,
            time_limit_s=time_limit_s,
            start=start,
            **options,
        )
        if answer.kind != "unsent":
            return answered(answer, watch, program, start, "HiGHS")
    found = _run_mip(
        program, gap=gap, time_limit_s=time_limit_s, start=start, options=options
    )
    if options.get("presolve") == "off":
        return found
    return refitted(program, found, gap=gap, time_limit_s=time_limit_s)


def _run_mip(
    program: Program,
    *,
    gap: float,
    time_limit_s: float | None,
    start: Floats | None,
    options: dict[str, Any],
) -> MipResult:
    """Solve a program that is maximised here and now."""
    options = {**tolerances(gap), "mip_abs_gap": 0.0, **options}
    if time_limit_s is not None:
        options["time_limit"] = max(0.01, float(time_limit_s))
    h = new_highs(**options)
    h.passModel(
        model_of(
            program.objective,
            program.matrix,
            program.row_lower,
            program.row_upper,
            program.lower,
            program.upper,
            program.integrality,
        )
    )
    hand_start(h, start)
    try:
        run_watched(h, 1.0)
    except AbandonedError as late:
        return better(from_news(late.news, program), started(program, start))
    found = read_mip(h, sign=1.0)
    if start is not None and is_misjudged(program, found):
        return _run_mip(
            program, gap=gap, time_limit_s=time_limit_s, start=None, options=options
        )
    return found


def is_misjudged(program: Program, found: MipResult) -> bool:
    """Return whether a plan is worth something else than HiGHS says.

    HiGHS 1.16 may value a plan that it is handed higher than it is, and then call it
    optimal, because no better one is worth that much.
    """
    if found.x is None:
        return False
    parts = program.sign * program.objective * found.x
    size = max(1e-9, float(np.abs(parts).sum()))
    return abs(found.objective - float(parts.sum())) > 1e-6 * size


def settled(
    objective: Floats,
    matrix: Any,
    row_lower: Floats,
    row_upper: Floats,
    lower: Floats,
    upper: Floats,
    integrality: Bools,
    x: Floats,
) -> Floats:
    """Return a plan with whole columns rounded, and the others exact for those.

    A solver's plan is off by its tolerances; what is continuous is as it was where
    nothing fits the rounded ones exactly.
    """
    x = x.copy()
    x[integrality] = np.round(x[integrality])
    free = ~integrality
    if not free.any():
        return x
    low, high = lower.copy(), upper.copy()
    low[integrality] = high[integrality] = x[integrality]
    lp = solve_lp(
        objective,
        matrix,
        row_lower,
        row_upper,
        low,
        high,
        primal_feasibility_tolerance=1e-9,
        dual_feasibility_tolerance=1e-9,
    )
    if lp.status == "optimal":
        x[free] = lp.x[free]
    return np.clip(x, lower, upper)


def tolerances(gap: float) -> dict[str, float]:
    """Return the options with which HiGHS can prove a gap.

    Its plans are off by its tolerances, and so is its bound.
    """
    options = {"mip_rel_gap": gap}
    if gap < 1e-6:
        for name in (
            "mip_feasibility_tolerance",
            "primal_feasibility_tolerance",
            "dual_feasibility_tolerance",
        ):
            options[name] = 1e-9
    return options


def hand_start(h: Any, start: Floats | None) -> None:
    """Give HiGHS a plan to start from."""
    if start is not None:
        n = int(start.shape[0])
        h.setSolution(n, np.arange(n, dtype=np.int32), start)


def started(program: Program, start: Floats | None) -> MipResult:
    """Return the plan that a search would have started from, as its result."""
    return from_news(deadline.News(start), program)


def better(one: MipResult, other: MipResult) -> MipResult:
    """Return the better plan of two, with the lower bound."""
    best = other if other.objective > one.objective else one
    return replace(best, bound=max(min(one.bound, other.bound), best.objective))


def answered(
    answer: deadline.Answer,
    watch: deadline.Watch,
    program: Program,
    start: Floats | None,
    name: str,
) -> MipResult:
    """Return what a search in another process found, however it ended."""
    if answer.kind == "done":
        found: MipResult = answer.value
        return found
    if answer.kind == "error":
        kind, text = answer.value
        raise SolverError(
            text
            if kind == "SolverError"
            else four_parts(
                f"{name} was asked to solve {program.lower.size} columns",
                f"it failed: {kind}: {text}",
                "a solver that runs",
                "solver='highs'",
            )
        )
    if answer.kind == "stopped":
        watch.is_stopped = True
    if answer.kind == "late":
        watch.note(f"{name} did not stop at the time limit")
    if answer.kind == "lost":
        watch.note(f"the process of {name} ended without an answer")
    return better(from_news(answer.news, program), started(program, start))


def read_mip(h: Any, sign: float) -> MipResult:
    """Read status, objective, bound and solution from HiGHS, all of them its own.

    Parameters
    ----------
    h : highspy.Highs
        After ``run``.
    sign : float
        -1 if HiGHS was handed the negated objective to minimise.
    """
    status = status_of(h)
    info = h.getInfo()
    x: Floats | None = None
    objective = -np.inf
    feasible = int(info.primal_solution_status) == 2
    if feasible and status != "infeasible":
        x = np.asarray(h.getSolution().col_value, dtype=np.float64)
        objective = sign * float(info.objective_function_value)
    bound = sign * float(info.mip_dual_bound)
    if not np.isfinite(bound) or abs(bound) >= INF:
        bound = np.inf
    if status == "infeasible":
        return MipResult("infeasible", -np.inf, -np.inf, None)
    if status == "optimal" and x is None:
        # It said so and has none: its word counts for nothing.
        return MipResult("unknown", -np.inf, np.inf, None)
    if status == "optimal":
        # A pure linear program has no bound of its own: the optimum is one.
        bound = max(bound, objective) if np.isfinite(bound) else objective
        return MipResult("optimal", objective, bound, x)
    if x is not None:
        return MipResult("feasible", objective, bound, x)
    return MipResult(status, -np.inf, bound, None)
