"""Many linear programs of one shape, solved one after another."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from siteselect.errors import SolverError, four_parts

__all__ = ["Solver"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Solver:
    """HiGHS with programs of one shape, each started from the basis of the last.

    Parameters
    ----------
    start, column : ndarray of int
        Where each row begins among the entries, and the column of each entry.
    n_columns : int
        Number of columns, each of 0 or more.
    """

    def __init__(self, start: Ints, column: Ints, n_columns: int) -> None:
        import highspy  # only where something is solved

        self._highspy = highspy
        self._start, self._column = start.astype(np.int32), column.astype(np.int32)
        self._n_columns = n_columns
        with _silenced():
            self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
            self._highs.setOptionValue("output_flag", False)
        for name, value in (("threads", 1), ("random_seed", 0)):
            self._highs.setOptionValue(name, value)
        self._basis: Any = None
        #: What a row's binding side costs per unit, of the last solution found.
        self.duals: Floats = np.zeros(0)

    def best(
        self, cost: Floats, value: Floats, low: Floats, high: Floats
    ) -> Floats | None:
        """Return the cheapest solution, or None if there is none.

        Parameters
        ----------
        cost : ndarray, (n_columns,)
            What each column costs.
        value : ndarray, (n_entries,)
            Coefficients.
        low, high : ndarray, (n_rows,)
            Sides of the rows.
        """
        highspy, highs, n = self._highspy, self._highs, self._n_columns
        inf = float(highspy.kHighsInf)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = n, low.size
        lp.col_cost_ = cost
        lp.col_lower_, lp.col_upper_ = np.zeros(n), np.full(n, inf)
        lp.row_lower_ = np.clip(low, -inf, inf)
        lp.row_upper_ = np.clip(high, -inf, inf)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = self._start
        lp.a_matrix_.index_ = self._column
        lp.a_matrix_.value_ = value
        for is_again in (False, True):
            highs.passModel(lp)
            if self._basis is not None and not is_again:
                highs.setBasis(self._basis)
            self._run()
            status = highs.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                self._basis = highs.getBasis()
                solution = highs.getSolution()
                self.duals = np.array(solution.row_dual, np.float64)
                found: Floats = np.array(solution.col_value, np.float64)
                return np.maximum(found, 0.0)
            # What plants cost is 0 or more and load has an end: never unbounded.
            none = (
                highspy.HighsModelStatus.kInfeasible,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            )
            if status in none and is_again:
                return None
        raise SolverError(
            four_parts(
                "the cheapest supply of a site was asked for",
                f"HiGHS ended with {highs.modelStatusToString(status)!r}",
                "an answer, or that there is none",
                "report the site's figures; other costs or a lower cfe may help",
            )
        )

    def _run(self) -> None:
        self._highs.run()
        if self._highs.getModelStatus() == self._highspy.HighsModelStatus.kNotset:
            # Another model of this process left its threads behind.
            self._highspy.Highs.resetGlobalScheduler(True)
            self._highs.run()


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Send standard output to nowhere: HiGHS greets before it can be told not to."""
    sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 1)
        yield
    finally:
        with contextlib.suppress(Exception):
            ctypes.CDLL(None).fflush(None)
        os.dup2(saved, 1)
        os.close(saved)
        os.close(null)
