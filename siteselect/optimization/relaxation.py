"""The linear relaxation over all columns: a bound for any duals, and a master.

For any duals of the rows the Lagrangian bound holds over all columns, with "one
size per site" kept inside the maximum. The master is a linear program over a few
thousand columns and only the rows that they touch; columns that its duals price
favourably are added until none is left.

References
----------
.. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming",
   Mathematical Programming Study 2 (1974) 82-114.
.. [2] R. E. Bixby et al., "Very large-scale linear programming: a case study in
   combining interior point and simplex methods", Operations Research 40 (1992)
   885-897 (sifting).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from siteselect.optimization import highs
from siteselect.optimization.problem import Bools, Floats, Ints, Problem, Rows

if TYPE_CHECKING:
    from siteselect.optimization.priceout import PriceOut


class Shape:
    """Where the columns of each site stand.

    Parameters
    ----------
    problem : Problem
        The columns.

    Attributes
    ----------
    opens : ndarray
        Columns that open a site, those of a site together.
    first, block : ndarray
        First entry of ``opens`` of each site, and the site's number at each entry.
    more, more_open : ndarray
        Continuous columns of sites, and the entry of ``opens`` each belongs to.
    own : ndarray
        The limits' own columns, never priced out.
    """

    def __init__(self, problem: Problem) -> None:
        site = problem.column_site
        self.n = problem.n_columns
        self.own = np.flatnonzero(site < 0)
        self.opens = problem.open_columns
        self.open_site = site[self.opens]
        step = np.diff(self.open_site, prepend=-1) != 0
        self.first = np.flatnonzero(step)
        self.site_ids = self.open_site[self.first]
        self.block = np.cumsum(step) - 1
        self.more = np.flatnonzero((site >= 0) & ~problem.column_opens)
        where = np.full(self.n, -1, dtype=np.int64)
        where[self.opens] = np.arange(self.opens.size)
        self.entry = where
        self.more_open = where[problem.column_opener[self.more]]
        # Usually the opening columns come first and the own ones last.
        k = self.opens.size
        self._leads = bool(k == 0 or int(self.opens[-1]) == k - 1)

    def of_opens(self, values: Any) -> Any:
        """Return the values of the opening columns, without a copy where possible."""
        return values[: self.opens.size] if self._leads else values[self.opens]

    def with_more(self, columns: Ints) -> Ints:
        """Add the continuous columns that belong to opening columns."""
        if not self.more.size:
            return columns
        there = np.zeros(self.opens.size, dtype=bool)
        entry = self.entry[columns]
        there[entry[entry >= 0]] = True
        return np.union1d(columns, self.more[there[self.more_open]])


@dataclass(frozen=True, eq=False)
class Priced:
    """Bound and reduced values for one vector of duals.

    Parameters
    ----------
    bound : float
        No plan is better.
    open_value : ndarray
        Reduced value of each opening column with what belongs to it.
    site_best : ndarray
        What each site of ``shape.site_ids`` adds to the bound.
    duals : ndarray
        Duals of the rows, those that bound nothing set to zero.
    shape : Shape
        Where the columns stand.
    """

    bound: float
    open_value: Floats
    site_best: Floats
    duals: Floats
    shape: Shape

    @cached_property
    def reach(self) -> Floats:
        """For each opening column, a bound on every plan that has it."""
        out: Floats = self.open_value - self.site_best[self.shape.block]
        out += self.bound
        return out

    @property
    def column_bound(self) -> Floats:
        """The same for every column; what belongs to no site reaches the bound."""
        shape, reach = self.shape, self.reach
        out = np.full(shape.n, self.bound)
        out[shape.opens] = reach
        if shape.more.size:
            out[shape.more] = reach[shape.more_open]
        return out


def price(engine: PriceOut, objective: Floats, duals: Floats) -> Priced:
    """Return the Lagrangian bound over all columns of ``engine`` for ``duals``."""
    lower, upper, shape = engine.lower, engine.upper_of_rows, engine.shape
    problem = engine.compiled.problem
    y = duals.copy()
    y[(y > 0) & ~np.isfinite(upper)] = 0.0
    y[(y < 0) & ~np.isfinite(lower)] = 0.0
    up, down = y > 0, y < 0
    constant = float(y[up] @ upper[up]) + float(y[down] @ lower[down])
    value = objective - engine.weighted(y)
    open_value = np.where(shape.of_opens(engine.upper) > 0, 0.0, -np.inf)
    open_value += shape.of_opens(value)
    if shape.more.size:
        extra = np.maximum(value[shape.more], 0.0) * engine.upper[shape.more]
        np.add.at(open_value, shape.more_open, extra)
    best = np.zeros(0)
    if shape.first.size:
        best = np.maximum.reduceat(open_value, shape.first)
    gain = np.where(engine.site_fixed, best, np.maximum(best, 0.0))
    own = value[shape.own]
    end = np.where(own > 0, problem.upper[shape.own], problem.lower[shape.own])
    own_gain = np.where(own == 0, 0.0, own) * np.where(own == 0, 0.0, end)
    bound = constant + float(gain.sum()) + float(own_gain.sum())
    return Priced(bound, open_value, gain, y, shape)


class Master:
    """The restricted linear program, kept in HiGHS.

    Parameters
    ----------
    owner : PriceOut
        Rows and columns.
    columns : ndarray
        Columns to begin with.
    objective : ndarray
        Objective of all columns, maximised.
    penalty : float
        Price of a unit of violation of rows that choosing nothing breaks; at 0 the
        violation alone is minimised.
    """

    def __init__(
        self, owner: PriceOut, columns: Ints, objective: Floats, penalty: float
    ) -> None:
        self.owner = owner
        self.objective = np.zeros_like(objective) if penalty == 0.0 else objective
        self.is_in = np.zeros(owner.n, dtype=bool)
        self.columns = np.zeros(0, dtype=np.int64)
        lower, upper = owner.lower, owner.upper_of_rows
        # One violation column for each side that "choose nothing" may break.
        need_more = np.flatnonzero(lower > 0)
        need_less = np.flatnonzero(upper < 0)
        where = np.concatenate([need_more, need_less])
        sign = np.concatenate([np.ones(need_more.size), -np.ones(need_less.size)])
        there, at = np.unique(where, return_inverse=True)
        k = where.size
        self.n_slack = k
        # Rows are written when a column touches them: place in HiGHS, -1 if not.
        self.place = np.full(lower.size, -1, dtype=np.int64)
        self.place[there] = np.arange(there.size)
        self.choice_place = np.full(len(owner.choice), -1, dtype=np.int64)
        self.n_rows = int(there.size)
        slack = sparse.csc_array((sign, (at, np.arange(k))), shape=(there.size, k))
        self.lp = highs.LiveLp(
            np.full(k, -(penalty if penalty > 0 else 1.0)),
            slack,
            lower[there],
            upper[there],
            np.zeros(k),
            np.full(k, np.inf),
            simplex_strategy=1,
        )
        self.add(columns)

    def _write(
        self, part: sparse.csc_array, place: Ints, lower: Floats, upper: Floats
    ) -> None:
        """Write the rows that ``part`` touches and that are not there yet."""
        touched = np.unique(part.indices)
        new = touched[place[touched] < 0]
        if not new.size:
            return
        place[new] = self.n_rows + np.arange(new.size)
        self.n_rows += int(new.size)
        none = sparse.csr_array((new.size, self.n_slack + self.columns.size))
        self.lp.add_rows(none, lower[new], upper[new])

    def add(self, columns: Ints) -> None:
        """Add columns that are not there yet, and the rows that they touch."""
        owner = self.owner
        new = columns[~self.is_in[columns]]
        if not new.size:
            return
        first = owner.entries(new)
        choice = sparse.csc_array(owner.choice_by_column[:, new])
        self._write(first, self.place, owner.lower, owner.upper_of_rows)
        choices = owner.choice
        self._write(choice, self.choice_place, choices.lower, choices.upper)
        parts = []
        for part, place in ((first, self.place), (choice, self.choice_place)):
            column = np.repeat(np.arange(new.size), np.diff(part.indptr))
            parts.append((part.data, place[part.indices], column))
        block = sparse.csc_array(
            (
                np.concatenate([p[0] for p in parts]),
                (
                    np.concatenate([p[1] for p in parts]),
                    np.concatenate([p[2] for p in parts]),
                ),
            ),
            shape=(self.n_rows, new.size),
        )
        problem = owner.compiled.problem
        self.lp.add_columns(
            self.objective[new],
            block,
            problem.lower[new],
            np.minimum(problem.upper[new], owner.upper[new]),
        )
        self.columns = np.concatenate([self.columns, new])
        self.is_in[new] = True

    def add_rows(self, rows: Rows) -> None:
        """Write rows that the owner found over the present columns."""
        part = sparse.csr_array(sparse.csc_array(rows.matrix)[:, self.columns].tocsr())
        pad = sparse.csr_array((len(rows), self.n_slack))
        new = self.n_rows + np.arange(len(rows))
        self.place = np.concatenate([self.place, new])
        self.n_rows += len(rows)
        self.lp.add_rows(
            sparse.hstack([pad, part], format="csr"), rows.lower, rows.upper
        )

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of one row."""
        if self.place[row] >= 0:
            self.lp.h.changeRowBounds(int(self.place[row]), lower, upper)

    def solve(self) -> tuple[Floats, Floats, float] | None:
        """Return x of the columns, duals of the rows, and the violation."""
        found = self.lp.solve()
        if found.status != "optimal":
            return None
        there = self.place >= 0
        duals = np.zeros(self.place.size)
        duals[there] = found.duals[self.place[there]]
        missing = float(found.x[: self.n_slack].sum())
        return found.x[self.n_slack :], duals, missing


def best_of(values: Floats, most: int, usable: Bools) -> Ints:
    """Return positions of the largest usable values, in order of position."""
    values = np.where(usable, values, -np.inf)
    if most < values.size:
        picked = np.argpartition(-values, most)[:most]
    else:
        picked = np.arange(values.size)
    picked = picked[values[picked] > -np.inf]
    out: Ints = np.sort(picked).astype(np.int64)
    return out
