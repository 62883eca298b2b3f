"""Every plan at or above a value, listed outright where there are few.

Duals of the relaxation price each departure from its best choices: a size that is
not the site's best one, room that a priced limit leaves unused. A plan's value is
the bound less these penalties, so that all plans within a distance of the bound
come out of a search over the few sites where a departure is cheap enough. What is
listed needs no proof of its own: nothing else reaches that value.

References
----------
.. [1] E. L. Lawler (1972), "A procedure for computing the K best solutions to
   discrete optimization problems", Management Science 18(7),
   doi:10.1287/mnsc.18.7.401.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from siteselect.optimization import incumbents
from siteselect.optimization.problem import Floats, Ints
from siteselect.optimization.relaxation import Priced

if TYPE_CHECKING:
    from siteselect.optimization.priceout import PriceOut

#: More half-made plans than this are not listed: a solver is faster then.
MOST_PLANS = 300_000
#: Rows watched while plans are made: priced ones, then those over most sites.
WATCHED_ROWS = 16
#: Plans whose rows are checked together.
CHUNK = 2048
#: Plans that only the limits' own columns or cuts refuse, before a solver is asked.
MOST_REFUSED = 200
#: Violation of a row that is rounding.
TOLERANCE = 1e-7


@dataclass(frozen=True, eq=False)
class Listed:
    """One plan: its value, the sites it opens, and its columns that are not 0."""

    value: float
    sites: Ints
    columns: Ints
    amounts: Floats

    def x(self, n_columns: int) -> Floats:
        """Return the plan over all columns."""
        out = np.zeros(n_columns)
        out[self.columns] = self.amounts
        return out


class Listing:
    """Plans at or above a value, best first; made by `above`.

    Parameters
    ----------
    engine : PriceOut
        Rows and columns.
    goal : ndarray
        Objective of all columns, maximised.
    columns : ndarray
        Columns that the plans choose from.
    entry : ndarray, shape (n_plans, n_sites)
        Places in ``columns`` that a plan chooses, -1 for none; best plan first.
    value : ndarray, shape (n_plans,)
        Value of each plan.

    Attributes
    ----------
    gave_up : bool
        True if too many plans were refused late: what follows is not known.
    """

    def __init__(
        self, engine: PriceOut, goal: Floats, columns: Ints, entry: Ints, value: Floats
    ) -> None:
        self.engine, self.goal, self.columns = engine, goal, columns
        self.entry, self.value = entry, value
        self.gave_up = False
        self._found: list[Listed] = []
        self._search = self._plans()

    def __iter__(self) -> Iterator[Listed]:
        k = 0
        while True:
            while k >= len(self._found):
                following = next(self._search, None)
                if following is None:
                    return
                self._found.append(following)
            yield self._found[k]
            k += 1

    def _plans(self) -> Iterator[Listed]:
        engine = self.engine
        part = sparse.csr_array(engine.entries(self.columns).tocsr())
        settled = np.ones(engine.n_rows, dtype=bool)
        settled[engine.rows_with_free] = False
        touched = np.diff(part.indptr) > 0
        bare = settled & ~touched
        lower, upper = engine.lower - TOLERANCE, engine.upper_of_rows + TOLERANCE
        if (lower[bare] > 0).any() or (upper[bare] < 0).any():
            return
        rows = np.flatnonzero(settled & touched)
        matrix = part[rows].T.tocsr()
        refused = 0
        for first in range(0, self.value.size, CHUNK):
            entry = self.entry[first : first + CHUNK]
            plan, site = np.nonzero(entry >= 0)
            chosen = sparse.csr_array(
                (np.ones(plan.size), (plan, entry[plan, site])),
                shape=(len(entry), self.columns.size),
            )
            used = (chosen @ matrix).toarray()
            holds = ((used >= lower[rows]) & (used <= upper[rows])).all(axis=1)
            for k in np.flatnonzero(holds).tolist():
                picked = entry[k][entry[k] >= 0]
                x = np.zeros(engine.n)
                x[self.columns[picked]] = 1.0
                whole = incumbents.complete(engine, self.goal, x)
                for _ in range(incumbents.LESSONS):
                    # What is not whole may give way to a row found only now.
                    if whole is None or not engine.learn(whole):
                        break
                    whole = incumbents.complete(engine, self.goal, x)
                if whole is not None and engine.is_feasible(whole):
                    columns = np.flatnonzero(whole)
                    sites = np.sort(engine.compiled.problem.column_site[x > 0.5])
                    value = float(self.goal[columns] @ whole[columns])
                    yield Listed(value, sites, columns, whole[columns])
                    continue
                refused += 1
                if refused > MOST_REFUSED:
                    self.gave_up = True
                    return


def can_list(engine: PriceOut, goal: Floats) -> bool:
    """Return whether the opening columns alone make a plan's value."""
    problem, shape = engine.compiled.problem, engine.shape
    opens, free = shape.opens, engine.free
    return bool(
        problem.integrality[opens].all()
        and not problem.integrality[free].any()
        and not goal[free].any()
        and not problem.lower[opens].any()
    )


def above(
    engine: PriceOut,
    priced: Priced,
    goal: Floats,
    floor: float,
    most: int = MOST_PLANS,
) -> Listing | None:
    """Return all plans whose value is at least ``floor``, None if there are many.

    Parameters
    ----------
    engine : PriceOut
        Rows and columns; `can_list` must hold.
    priced : Priced
        Bound and reduced values of its relaxation.
    goal : ndarray
        Objective of all columns, maximised.
    floor : float
        Value that counts.
    most : int
        Half-made plans that may be in hand at a time.
    """
    if not np.isfinite(priced.bound):
        return None
    dust = 1e-9 * max(1.0, abs(priced.bound))
    room = priced.bound - floor + dust
    shape, best = engine.shape, priced.site_best
    off = best[shape.block] - priced.open_value
    entry = np.flatnonzero(off <= room)
    columns = shape.opens[entry]
    sites = np.unique(shape.block[entry])
    skip = np.where(engine.site_fixed[sites], np.inf, best[sites])
    first = np.searchsorted(shape.block[entry], sites, side="left")
    last = np.searchsorted(shape.block[entry], sites, side="right")
    options: list[tuple[Ints, Floats]] = []
    for k in range(sites.size):
        place = np.arange(first[k], last[k])
        penalty = off[entry[place]]
        if skip[k] <= room:
            place, penalty = np.append(place, -1), np.append(penalty, skip[k])
        options.append((place, penalty))
    # Sites with one choice need no search, expensive choices come first.
    options.sort(key=lambda o: -np.partition(o[1], 1)[1] if o[1].size > 1 else -np.inf)
    made = _made(engine, priced, columns, options, room, most)
    if made is None:
        return None
    gains = np.append(goal[columns], 0.0)
    value = np.zeros(len(made))
    for k in range(made.shape[1]):
        value += gains[made[:, k]]
    order = np.argsort(-value, kind="stable")
    order = order[value[order] >= floor - dust]
    return Listing(engine, goal, columns, made[order], value[order])


def _made(
    engine: PriceOut,
    priced: Priced,
    columns: Ints,
    options: list[tuple[Ints, Floats]],
    room: float,
    most: int,
) -> npt.NDArray[np.int64] | None:
    """Return the choice at each site of every plan within ``room`` of the bound."""
    watch = _Watch(engine, priced, columns, options)
    penalty = np.zeros(1)
    used = [np.zeros(1)] * watch.n_rows
    steps: list[tuple[Ints, Ints]] = []
    for k, (place, of_option) in enumerate(options):
        before, which, penalty, used = watch.step(k, used, penalty, of_option, room)
        if penalty.size > most:
            return None
        steps.append((before, place[which]))
    out = np.empty((penalty.size, len(options)), dtype=np.int64)
    at = np.arange(penalty.size)
    for k in range(len(options) - 1, -1, -1):
        before, chosen = steps[k]
        out[:, k] = chosen[at]
        at = before[at]
    return out


class _Watch:
    """The rows that are watched while plans are made."""

    def __init__(
        self,
        engine: PriceOut,
        priced: Priced,
        columns: Ints,
        options: list[tuple[Ints, Floats]],
    ) -> None:
        part = sparse.csr_array(engine.entries(columns).tocsr())
        width = np.diff(part.indptr)
        width[engine.rows_with_free] = 0
        # Rows found after these duals were had have none.
        duals = np.zeros(engine.n_rows)
        duals[: priced.duals.size] = priced.duals
        # Priced rows first: whatever a plan leaves of them costs it something.
        rows = np.lexsort((-width, duals == 0))[:WATCHED_ROWS]
        rows = np.sort(rows[width[rows] > 1])
        self.n_rows = int(rows.size)
        self.lower, self.upper = engine.lower[rows], engine.upper_of_rows[rows]
        self.up = np.maximum(duals[rows], 0.0)
        self.down = np.maximum(-duals[rows], 0.0)
        per_column = np.vstack([part[rows].toarray().T, np.zeros((1, self.n_rows))])
        # First the rows that cost most where they are not used.
        self.order = np.argsort(
            -np.maximum(self.up, self.down) * np.abs(per_column).sum(axis=0),
            kind="stable",
        ).tolist()
        #: Use of each option of each site; the last row is that of no column.
        self.use = [per_column[place] for place, _ in options]
        zero = np.zeros((1, self.n_rows))
        shape = (len(options), self.n_rows)
        least = np.array([u.min(axis=0) for u in self.use]).reshape(shape)
        largest = np.array([u.max(axis=0) for u in self.use]).reshape(shape)
        #: What the sites after each one add at least and at most.
        self.least = np.vstack([least[::-1].cumsum(axis=0)[::-1], zero])[1:]
        self.largest = np.vstack([largest[::-1].cumsum(axis=0)[::-1], zero])[1:]

    def step(
        self,
        k: int,
        used: list[Floats],
        penalty: Floats,
        of_option: Floats,
        room: float,
    ) -> tuple[Ints, Ints, Floats, list[Floats]]:
        """Add the choice at one site to half-made plans.

        Returns
        -------
        before, which, penalty, used
            For each plan that may still keep the rows within ``room``: the plan it
            came from, the option added, its penalty, and what it uses of each row.
        """
        total = penalty[:, None] + of_option
        before, which = np.nonzero(total <= room)
        penalty = total[before, which]
        lost = penalty.copy()
        found: list[Floats] = [penalty] * self.n_rows
        for n, r in enumerate(self.order):
            now = used[r][before] + self.use[k][which, r]
            low, high = now + self.least[k, r], now + self.largest[k, r]
            keep = low <= self.upper[r] + TOLERANCE
            keep &= high >= self.lower[r] - TOLERANCE
            # What a priced row leaves unused is lost.
            if self.up[r] > 0:
                lost += self.up[r] * np.maximum(self.upper[r] - high, 0.0)
            elif self.down[r] > 0:
                lost += self.down[r] * np.maximum(low - self.lower[r], 0.0)
            keep &= lost <= room
            found[r] = now
            if not keep.all():
                before, which, lost = before[keep], which[keep], lost[keep]
                penalty = penalty[keep]
                for done in self.order[: n + 1]:
                    found[done] = found[done][keep]
        return before, which, penalty, found


__all__ = ["Listed", "Listing", "above", "can_list"]
