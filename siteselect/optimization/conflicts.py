"""Which limits clash, and the least change of each that would free the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from siteselect.optimization import highs
from siteselect.optimization.problem import Bools, Problem, Rows

#: One size per site is the shape of the problem, not a limit that can give way.
STRUCTURE = ("site capacity",)
#: Kinds of rows whose slack is an amount in the limit's own unit.
AMOUNTS = ("power", "money", "count", "total")
#: Seconds for all checks; what is not settled by then stays in the set.
TIME_LIMIT_S = 20.0


@dataclass(frozen=True)
class Clash:
    """Limits that cannot hold together.

    Parameters
    ----------
    names : tuple of str
        The set; no limit of it can be left out if ``is_smallest``.
    is_smallest : bool
        Whether every limit of the set was shown to be needed.
    ways_out : mapping of str to float
        By limit: the least total change, in the limit's unit, with which all
        others hold; limits that cannot help alone are absent.
    is_relaxed : bool
        Whether the changes are those of the linear relaxation, which are lower
        bounds: with whole sites it may take more.
    """

    names: tuple[str, ...]
    is_smallest: bool
    ways_out: dict[str, float]
    is_relaxed: bool = False


def clash_of(
    problem: Problem,
    rows: Rows,
    limit_s: float = TIME_LIMIT_S,
    is_feasible: Callable[[list[str], float], bool | None] | None = None,
) -> Clash:
    """Return a smallest set of clashing limits, by leaving out one at a time.

    Built-in limits are left out last, so that the set rather names them.

    Parameters
    ----------
    problem : Problem
        The columns.
    rows : Rows
        All rows of an infeasible program, those of lazy limits included.
    limit_s : float
        Seconds for all checks.
    is_feasible : callable, optional
        Takes names of limits and a deadline, and says whether they hold together
        (None if time ran out); by default the rows go to HiGHS as they are.

    Returns
    -------
    Clash

    References
    ----------
    .. [1] J. W. Chinneck, "Feasibility and Infeasibility in Optimization",
       Springer 2008, ch. 6 (deletion filter).
    """
    deadline = time.perf_counter() + limit_s
    kept = list(every_limit(rows).names)
    is_smallest = True
    for name in reversed(list(kept)):
        if len(kept) == 1:
            break
        rest = [n for n in kept if n != name]
        if is_feasible is not None:
            verdict = is_feasible(rest, deadline)
        else:
            verdict = _is_feasible(problem, _only(rows, rest), deadline)
        if verdict is False:
            kept = rest
        elif verdict is None:
            is_smallest = False
    ways = {}
    for name in kept:
        amount = _least_change(
            problem, rows, name, deadline, is_relaxed=is_feasible is not None
        )
        if amount is not None:
            ways[name] = amount
    return Clash(tuple(kept), is_smallest, ways, is_feasible is not None)


def every_limit(rows: Rows) -> Clash:
    """Return all limits as one clash: true of any infeasible program, if coarse."""
    names = dict.fromkeys(map(str, rows.limit))
    return Clash(tuple(n for n in names if n not in STRUCTURE), False, {})


def _only(rows: Rows, names: list[str]) -> Rows:
    keep = np.isin(rows.limit.astype(str), [*names, *STRUCTURE])
    return rows.take(np.flatnonzero(keep))


def _is_feasible(problem: Problem, rows: Rows, deadline: float) -> bool | None:
    """Return whether a point within ``rows`` exists, None if time ran out."""
    zero = np.zeros(problem.n_columns)
    left = deadline - time.perf_counter()
    if left <= 0:
        return None
    relaxed = highs.solve_lp(
        zero,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        time_limit=left,
    )
    if relaxed.status == "infeasible":
        return False
    left = deadline - time.perf_counter()
    if left <= 0:
        return None
    found = highs.solve_mip(
        zero,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
        time_limit_s=left,
    )
    if found.x is not None:
        return True
    return False if found.status == "infeasible" else None


def _least_change(
    problem: Problem, rows: Rows, name: str, deadline: float, is_relaxed: bool
) -> float | None:
    """Return the least total slack of one limit with which all others hold."""
    mine: Bools = rows.limit.astype(str) == name
    soft = np.flatnonzero(mine & np.isin(rows.kind.astype(str), AMOUNTS))
    left = deadline - time.perf_counter()
    if left <= 0 or not soft.size or soft.size < np.count_nonzero(mine):
        return None
    n, k = problem.n_columns, soft.size
    place = sparse.csr_array(
        sparse.coo_array((np.ones(k), (soft, np.arange(k))), shape=(len(rows), k))
    )
    objective = np.concatenate([np.zeros(n), np.full(2 * k, -1.0)])
    matrix = sparse.csr_array(sparse.hstack([rows.matrix, place, -place], format="csr"))
    lower = np.concatenate([problem.lower, np.zeros(2 * k)])
    upper = np.concatenate([problem.upper, np.full(2 * k, np.inf)])
    whole = np.concatenate([problem.integrality, np.zeros(2 * k, dtype=bool)])
    if is_relaxed:
        whole[:] = False
    found = highs.solve_mip(
        objective,
        matrix,
        rows.lower,
        rows.upper,
        lower,
        upper,
        whole,
        time_limit_s=left,
    )
    if found.x is None or found.status != "optimal":
        return None
    slack = found.x[n : n + k] + found.x[n + k :]
    return float((slack / rows.scale[soft]).sum())


def clash_text(clash: Clash) -> tuple[str, str]:
    """Return what clashes and the ways out as two sentences.

    Parameters
    ----------
    clash : Clash
        What `clash_of` found.

    Returns
    -------
    tuple of two str

    Examples
    --------
    >>> said, ways = clash_text(Clash(("power", "sites"), True, {"power": 300.0}))
    >>> said
    "'power' and 'sites' cannot hold together"
    >>> ways
    'Any one of these frees the others: power by 300 MW'
    """
    named = [repr(name) for name in clash.names]
    if len(named) == 1:
        said = f"{named[0]} cannot be met by the sites and sizes on offer"
    else:
        said = f"{', '.join(named[:-1])} and {named[-1]} cannot hold together"
    if not clash.is_smallest:
        said += " (not every one of them is shown to be needed)"
    units = {"power": " MW", "budget": " USD", "sites": " sites"}
    least = "at least " if clash.is_relaxed else ""
    ways = [
        f"{name} by {least}{amount:,.6g}{units.get(name, '')}"
        for name, amount in clash.ways_out.items()
    ]
    if not ways:
        return said, "Loosen one of them"
    return said, "Any one of these frees the others: " + "; ".join(ways)
