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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

from siteselect.errors import SolverError, four_parts
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

    def bound_columns(
        self, index: npt.NDArray[Any], lower: Floats, upper: Floats
    ) -> None:
        """Change the bounds of columns."""
        self.h.changeColsBounds(
            int(index.shape[0]), index.astype(np.int32), finite(lower), finite(upper)
        )

    def solve(self) -> LpResult:
        """Solve from the present basis."""
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
    **options: Any,
) -> LpResult:
    """Solve a linear program once."""
    if not objective.shape[0]:
        status = _without_columns(row_lower, row_upper)
        value = 0.0 if status == "optimal" else -np.inf
        return LpResult(status, value, np.zeros(0), np.zeros(row_lower.shape[0]))
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
    """Solve an integer program; a time limit is asked for, not guaranteed."""
    if not objective.shape[0]:
        if _without_columns(row_lower, row_upper) == "optimal":
            return MipResult("optimal", 0.0, 0.0, np.zeros(0))
        return MipResult("infeasible", -np.inf, -np.inf, None)
    options = {"mip_rel_gap": gap, "mip_abs_gap": 0.0, **options}
    if time_limit_s is not None:
        options["time_limit"] = max(0.01, float(time_limit_s))
    h = new_highs(**options)
    h.passModel(
        model_of(objective, matrix, row_lower, row_upper, lower, upper, integrality)
    )
    if start is not None:
        n = int(start.shape[0])
        h.setSolution(n, np.arange(n, dtype=np.int32), start)
    run(h)
    return read_mip(h, sign=1.0)


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
        raise SolverError(
            four_parts(
                "HiGHS was asked for a plan",
                "it said optimal and returned no solution",
                "a solution with its proof",
                "solver='cbc', or report this with the inputs",
            )
        )
    if status == "optimal":
        # A pure linear program has no bound of its own: the optimum is one.
        bound = max(bound, objective) if np.isfinite(bound) else objective
        return MipResult("optimal", objective, bound, x)
    if x is not None:
        return MipResult("feasible", objective, bound, x)
    return MipResult(status, -np.inf, bound, None)
