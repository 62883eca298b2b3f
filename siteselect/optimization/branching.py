"""Two programs in place of one where the relaxation breaks what comes in whole numbers.

Sizes are multiples of a module, and sites are counted: the total of a plan is a whole
number of modules and of sites. The linear relaxation takes any total, and where it
lies between two whole ones, its bound is too good for both. No column stands for the
total, so that a solver which branches on columns finds this out slowly; two
programs, one up to the whole number below and one from that above, say it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from siteselect.optimization.problem import Bools, Floats, Rows
from siteselect.optimization.relaxation import Master

if TYPE_CHECKING:
    from siteselect.optimization import highs
    from siteselect.optimization.incumbents import Incumbent
    from siteselect.optimization.priceout import PriceOut, Search

__all__ = ["halves", "split", "totals"]

#: Totals are split this often, one within the other.
MOST_SPLITS = 4
#: A split must take this share off what is open.
USEFUL = 0.1
#: Price of a broken row, in units of the largest coefficient.
PENALTY = 1e3
#: A total this close to a whole number is one.
WHOLE = 1e-6
#: Modules are whole kilowatts; more of them than this to a plan split nothing.
KW_PER_MW, MOST_MODULES = 1000.0, 100_000


def totals(engine: PriceOut) -> list[Floats]:
    """Return coefficients of what adds up to a whole number in every plan.

    Parameters
    ----------
    engine : PriceOut
        The program.

    Returns
    -------
    list of ndarray, shape (n_columns,)
        Modules of power, in each year, where all sizes are multiples of one; sites.
    """
    problem = engine.compiled.problem
    opens = problem.column_opens & problem.integrality
    mw = [problem.column_mw]
    # With years a column is a path of sizes: each year has a total of its own.
    rows = engine.linked
    for k in np.flatnonzero(rows.limit == "power"):
        mw.append(np.asarray(rows.matrix[[k]].toarray()).ravel() / rows.scale[k])
    found: list[Floats] = []
    for one in mw:
        modules = _modules(one, opens, engine.upper > 0)
        if modules is not None and not any(np.array_equal(modules, f) for f in found):
            found.append(modules)
    return [*found, opens.astype(np.float64)]


def _modules(mw: Floats, opens: Bools, usable: Bools) -> Floats | None:
    """Return sizes in the largest module that all are multiples of; None if none is."""
    has_power = (mw != 0) & usable
    if not has_power.any() or (has_power & ~opens).any():
        return None
    kw = np.where(opens, mw * KW_PER_MW, 0.0)
    whole = np.rint(kw)
    if np.abs(whole - kw)[has_power].max() > WHOLE or np.abs(whole).max() > 2**53:
        return None
    module = np.gcd.reduce(np.abs(whole[has_power]).astype(np.int64))
    return whole / float(module)


def split(
    engine: PriceOut,
    goal: Floats,
    x_lp: Floats | None,
    plan: Incumbent,
    bound: float,
    search: Search,
) -> tuple[highs.Status, float, str, int] | None:
    """Improve the plan and the bound by two programs, if that brings anything.

    Parameters
    ----------
    engine, goal, x_lp, bound
        As in `halves`.
    plan : Incumbent
        The best plan so far.
    search : Search
        How each of the two is searched.

    Returns
    -------
    status, bound, solver, columns : str, float, str, int
        As `PriceOut.close` returns them, or None where no total is broken or
        splitting it takes too little off the bound.
    """
    if plan.x is None or x_lp is None:
        return None
    needed = plan.needed(search.gap)
    parts = halves(engine, goal, x_lp, bound, needed, search.deadline, search.say)
    found = None if parts is None else _both(parts, goal, plan, search)
    search.lap("split")
    if found is None:
        return None
    proven, solver, core = found
    return "feasible", min(bound, proven), solver, core


def halves(
    engine: PriceOut,
    goal: Floats,
    x_lp: Floats,
    bound: float,
    needed: float,
    deadline: float | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> list[tuple[float, PriceOut]] | None:
    """Return the programs that take the place of one, with their bounds.

    Parameters
    ----------
    engine : PriceOut
        The program.
    goal : ndarray
        What is maximised.
    x_lp : ndarray
        The relaxation's solution.
    bound : float
        No plan is better.
    needed : float
        The bound that is wanted.
    deadline : float, optional
        When to stop.
    say : callable, optional
        Takes a line of progress.

    Returns
    -------
    list of (float, PriceOut)
        Every plan is a plan of one of them; None where no split brings enough.
    """
    if engine.depth >= MOST_SPLITS:
        return None
    # What a split must come down to.
    most = bound - USEFUL * (bound - needed)
    broken = [
        (total, at)
        for total, at in ((total, float(total @ x_lp)) for total in totals(engine))
        if abs(at - round(at)) > WHOLE and abs(at) <= MOST_MODULES
    ]
    for (total, at), guess in zip(broken, _guesses(engine, goal, broken), strict=True):
        if guess > most:
            continue
        row = total.reshape(1, -1)
        parts: list[tuple[float, PriceOut]] = []
        for low, high in ((-np.inf, np.floor(at)), (np.ceil(at), np.inf)):
            half = engine.with_rows(Rows.make(row, low, high, ""))
            half.depth = engine.depth + 1
            status, _, priced = half.relax(goal, deadline=deadline)
            if status == "infeasible":
                continue
            parts.append((bound if priced is None else priced.bound, half))
        if max((b for b, _ in parts), default=-np.inf) > most:
            continue
        say(f"a total of {at:.6g} split: {len(parts)} programs")
        return parts
    return None


def _guesses(
    engine: PriceOut, goal: Floats, broken: list[tuple[Floats, float]]
) -> list[float]:
    """Return for each total what the better half comes to over the likely columns.

    All columns can only give more: a split that brings too little here brings too
    little, and costs no copy of the program.
    """
    if not broken:
        return []
    size = max(1.0, float(np.abs(goal).max(initial=1.0)))
    columns = engine.start_columns(goal)
    master = Master(engine, columns, goal, PENALTY * size)
    rows = Rows.make(np.array([total for total, _ in broken]), -np.inf, np.inf, "")
    first = len(master.place)
    master.add_rows(rows)
    guesses = []
    for k, (_, at) in enumerate(broken):
        values = []
        for low, high in ((-np.inf, np.floor(at)), (np.ceil(at), np.inf)):
            master.bound_row(first + k, low, high)
            found = master.solve()
            if found is not None:
                x, _, missing = found
                value = float(goal[master.columns] @ x)
                values.append(value - PENALTY * size * missing)
        master.bound_row(first + k, -np.inf, np.inf)
        guesses.append(max(values, default=-np.inf))
    return guesses


def _both(
    parts: list[tuple[float, PriceOut]],
    goal: Floats,
    plan: Incumbent,
    search: Search,
) -> tuple[float, str, int]:
    """Solve the more promising half first; the plan may settle the other."""
    proven, solver, core = plan.value, "highs", 0
    for bound, half in sorted(parts, key=lambda one: -one[0]):
        if bound > plan.needed(search.gap):
            half.plans = [] if plan.x is None else [plan.x]
            found = half.maximise(goal, search)
            if found.x is not None:
                plan.offer(found.x)
            bound = min(bound, found.bound)
            solver, core = found.solver, max(core, found.core)
        proven = max(proven, bound)
    return max(proven, plan.value), solver, core
