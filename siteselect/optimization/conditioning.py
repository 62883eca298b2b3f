"""Coefficients that no solver can keep apart, and who brought them."""

from __future__ import annotations

import warnings

import numpy as np

from siteselect.errors import ApproximationWarning, StudyError, four_parts
from siteselect.optimization._compile import Compiled
from siteselect.optimization.problem import Floats, Ints

#: Solvers work to about 1e-9 of the largest number in a row: what is smaller is lost.
LARGEST_RANGE = 1e9
#: Entries below this share of the largest are left over from a subtraction.
RESIDUE = 1e-13


#: Solvers refuse, or take for infinite, what is larger than this [GW, M$ ...].
LARGEST = 1e15


def refuse_huge(compiled: Compiled) -> None:
    """Refuse coefficients that no solver can hold, naming limit and site.

    Parameters
    ----------
    compiled : Compiled
        Problem and rows, in GW and M$.

    Raises
    ------
    StudyError
        A coefficient is over 1e15 in these units, or is no number.
    """
    problem, matrix = compiled.problem, compiled.rows.matrix
    bad = np.flatnonzero(~(np.abs(matrix.data) <= LARGEST))
    if bad.size:
        row = int(np.searchsorted(matrix.indptr, bad[0], side="right")) - 1
        name = str(compiled.rows.limit[row])
        column, value = int(matrix.indices[bad[0]]), float(matrix.data[bad[0]])
    else:
        bad = np.flatnonzero(~(np.abs(problem.objective) <= LARGEST))
        if not bad.size:
            return
        name, column = "objective", int(bad[0])
        value = float(problem.objective[column])
    used = _columns_of(compiled, name)
    of = f" (column {', '.join(map(repr, used))})" if used else ""
    what = "the objective" if name == "objective" else f"limit {name!r}"
    raise StudyError(
        four_parts(
            f"{what}{of} was written in GW and M$",
            f"it has the coefficient {value:g} at {_of(compiled, column)}",
            f"numbers up to {LARGEST:g} in these units",
            "check the units of that value, or leave that site out",
        )
    )


def warn_of_ranges(compiled: Compiled) -> tuple[str, ...]:
    """Warn of rows and objectives whose coefficients range over more than 1e9.

    Parameters
    ----------
    compiled : Compiled
        Problem and rows, in GW and M$.

    Returns
    -------
    tuple of str
        Names of the limits; ``"objective"`` for the objective.

    Warns
    -----
    ApproximationWarning
        Once for each of them, with the columns and sites of the extremes.
    """
    problem, rows = compiled.problem, compiled.rows
    found = []
    matrix = rows.matrix
    starts = matrix.indptr.astype(np.int64)
    for row in wide_rows(np.abs(matrix.data), starts).tolist():
        name = str(rows.limit[row])
        if name in found:
            continue
        found.append(name)
        at = slice(starts[row], starts[row + 1])
        _warn(compiled, name, matrix.indices[at].astype(np.int64), matrix.data[at])
    goal = problem.objective
    # Columns of the user: nothing there is left over from a subtraction.
    if wide_rows(np.abs(goal), np.array([0, goal.size]), residue=0.0).size:
        found.append("objective")
        _warn(compiled, "objective", np.arange(goal.size), goal, residue=0.0)
    return tuple(found)


def wide_rows(size: Floats, starts: Ints, residue: float = RESIDUE) -> Ints:
    """Return the rows whose non-zero sizes range over more than 1e9.

    Parameters
    ----------
    size : ndarray, shape (n_entries,)
        Absolute values, row after row.
    starts : ndarray of int, shape (n_rows + 1,)
        Where each row begins.
    residue : float
        Share of a row's largest below which an entry is left over from a subtraction.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> wide_rows(np.array([1.0, 1e10, 0.0, 5.0, 6.0]), np.array([0, 2, 5]))
    array([0])
    """
    filled = np.flatnonzero(np.diff(starts) > 0)
    if not filled.size:
        return filled
    begin = starts[:-1][filled]
    most = np.maximum.reduceat(size, begin)
    # Residues only widen a range: few rows are left to be looked at without them.
    wide = most > LARGEST_RANGE * np.minimum.reduceat(size, begin)
    for k in np.flatnonzero(wide).tolist():
        own = size[begin[k] : starts[filled[k] + 1]]
        least = own[own > residue * most[k]].min(initial=np.inf)
        wide[k] = most[k] > LARGEST_RANGE * least
    return filled[wide]


def _warn(
    compiled: Compiled,
    name: str,
    columns: Ints,
    values: Floats,
    residue: float = RESIDUE,
) -> None:
    """Name the columns and sites that bring the smallest and the largest number."""
    size = np.abs(values)
    size = np.where(size > residue * size.max(initial=0.0), size, np.nan)
    low, high = int(np.nanargmin(size)), int(np.nanargmax(size))
    where = " to ".join(
        f"{size[k]:.3g} ({_of(compiled, int(columns[k]))})" for k in (low, high)
    )
    used = _columns_of(compiled, name)
    of = f" (column {', '.join(map(repr, used))})" if used else ""
    what = "the objective" if name == "objective" else f"limit {name!r}"
    warnings.warn(
        four_parts(
            f"{what}{of} was written in GW and M$",
            f"its coefficients range from {where}, and solvers work to 1e-9 of the "
            "largest",
            f"numbers within a factor of {LARGEST_RANGE:.0e} of each other",
            "check the units of the extremes, set to 0 what is too small to matter, "
            "or leave those sites out",
        ),
        ApproximationWarning,
        stacklevel=2,
    )


def _of(compiled: Compiled, column: int) -> str:
    problem = compiled.problem
    site = int(problem.column_site[column])
    if site < 0:
        return str(problem.column_names[column])
    return f"site {problem.frame.index[site]!r}"


def _columns_of(compiled: Compiled, name: str) -> list[str]:
    """Return the columns of the frame that a limit or the objective names."""
    request = compiled.request
    known = {
        "budget": (request.cost_per_mw, request.fixed_cost),
        "objective": (request.score,)
        if request.objective == "score"
        else (request.objective,),
    }
    parts = list(known.get(name, ()))
    for limit in compiled.limits:
        if str(limit.name) == name:
            fields = getattr(limit, "__dataclass_fields__", {})
            parts += [getattr(limit, f) for f in fields if f not in ("name", "by")]
    frame = request.sites.columns
    return [part for part in parts if isinstance(part, str) and part in frame]
