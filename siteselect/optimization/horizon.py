"""Limits and rows over the years.

A limit is written once per year, over the problem as it stands then. Sizes never
shrink, so that most rows of earlier years say less than those of the last and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from siteselect.optimization.by_year import limit_in_year
from siteselect.optimization.limits import (
    Budget,
    Existing,
    Fixed,
    SiteCapacity,
    SupportsLimit,
)
from siteselect.optimization.problem import Bools, Floats, Problem, Rows

#: Limits on the shape of a plan rather than on what stands in a year.
ONCE = (SiteCapacity, Fixed, Existing)


@dataclass(frozen=True, eq=False)
class Dated:
    """A limit as it holds in one year.

    Parameters
    ----------
    limit : limit
        The limit with the bounds of the year.
    year : int or None
        Position among the years; None where it holds for all of them at once.
    since : int or None
        Position of the first year whose spending counts, ``year`` by default.
    """

    limit: SupportsLimit
    year: int | None = None
    since: int | None = None

    def view(self, problem: Problem) -> Problem:
        """Return the problem as the limit sees it."""
        return problem if self.year is None else problem.in_year(self.year, self.since)

    def label(self, years: Sequence[int]) -> int | str:
        """Return the year for the accounts, empty where it spans all of them."""
        return "" if self.year is None else years[self.year]


def dated(limit: Any, problem: Problem) -> list[Dated]:
    """Return a limit as it holds in each year, last year last."""
    years = problem.years
    if not years or isinstance(limit, ONCE):
        return [Dated(limit)]
    if isinstance(limit, Budget):
        if limit.by_year is None:
            return [Dated(limit)]
        out, since = [], 0
        for k, year in enumerate(years):
            if year in limit.by_year:
                out.append(Dated(Budget(limit.by_year[year], limit.name), k, since))
                since = k + 1
        return out
    found = []
    for k, year in enumerate(years):
        held = limit_in_year(limit, year, problem.frame, is_last=k == len(years) - 1)
        if held is not None:
            found.append(Dated(held, k))
    return found


def rows_of(parts: Sequence[Dated], problem: Problem) -> list[Rows]:
    """Return the rows of one limit, without those that later years imply."""
    blocks = rows_of_every_year(parts, problem)
    if len(blocks) == 1:
        return blocks
    out = [blocks[-1]]
    for earlier, later in zip(blocks[-2::-1], blocks[:0:-1], strict=True):
        keep = ~implied(earlier, later, problem)
        out.append(earlier.take(np.flatnonzero(keep)))
    return out[::-1]


def rows_of_every_year(parts: Sequence[Dated], problem: Problem) -> list[Rows]:
    """Return the rows of one limit, those that later years imply among them."""
    blocks = [part.limit.rows(part.view(problem)) for part in parts]
    if not problem.years:
        return blocks
    return [
        without_zeros(block).in_year(part.label(problem.years))
        for block, part in zip(blocks, parts, strict=True)
    ]


def without_zeros(rows: Rows) -> Rows:
    """Return rows that hold no zeros for what does not stand yet."""
    matrix = rows.matrix.copy()
    matrix.eliminate_zeros()
    return replace(rows, matrix=matrix)


def implied(earlier: Rows, later: Rows, problem: Problem) -> Bools:
    """Return which rows say no more than those of the same group a year later.

    ``a @ x <= b`` follows from ``c @ x <= d`` where ``a <= c``, ``b >= d`` and no
    column is negative.
    """
    n = len(earlier)
    gone = np.zeros(n, dtype=bool)
    if not n or not len(later):
        return gone
    place: dict[Any, int] = {}
    for r, key in enumerate(zip(later.kind, later.group, strict=True)):
        # Two rows of one group cannot be told apart.
        place[key] = -1 if key in place else r
    seen: set[Any] = set()
    match = np.full(n, -1, dtype=np.int64)
    for r, key in enumerate(zip(earlier.kind, earlier.group, strict=True)):
        if key in seen:
            match[match == place.get(key, -1)] = -1
        else:
            match[r] = place.get(key, -1)
        seen.add(key)
    # At least nothing is no demand on what cannot be negative.
    below = problem.lower[earlier.matrix.indices] < 0
    negative = (earlier.matrix.data < 0) | below
    entry_row = np.repeat(np.arange(n), np.diff(earlier.matrix.indptr))
    grows = np.ones(n, dtype=bool)
    grows[entry_row[negative]] = False
    asks = np.isfinite(earlier.lower) & ~((earlier.lower <= 0) & grows)
    one_sided = ~asks & np.isfinite(earlier.upper)
    own = np.flatnonzero((match >= 0) & one_sided)
    if not own.size:
        return gone
    other = match[own]
    a = _unscaled(earlier, own)
    c = _unscaled(later, other)
    over = sparse.csr_array(a - c)
    row = np.repeat(np.arange(own.size), np.diff(over.indptr))
    # Negative columns would turn the comparison round.
    breaks = over.data > 1e-12 * _sizes(a, row)
    breaks |= (problem.lower[over.indices] < 0) & (over.data != 0)
    bad = np.zeros(own.size, dtype=bool)
    bad[row[breaks]] = True
    high = earlier.upper[own] / earlier.scale[own]
    low = later.upper[other] / later.scale[other]
    bad |= ~np.isfinite(low)
    low = np.where(np.isfinite(low), low, 0.0)
    bad |= high < low - 1e-12 * np.abs(low)
    gone[own[~bad]] = True
    return gone


def _unscaled(rows: Rows, which: Any) -> sparse.csr_array:
    part = sparse.csr_array(rows.matrix[which])
    factor = np.repeat(1.0 / rows.scale[which], np.diff(part.indptr))
    return sparse.csr_array(
        (part.data * factor, part.indices, part.indptr), shape=part.shape
    )


def _sizes(matrix: sparse.csr_array, row: Any) -> Floats:
    """Return the largest coefficient of each entry's row."""
    largest = np.zeros(matrix.shape[0])
    own = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    np.maximum.at(largest, own, np.abs(matrix.data))
    found: Floats = largest[row]
    return found


def discount(years: Sequence[int], rate: float) -> Floats:
    """Return the weight of each year: 1 in the first.

    Examples
    --------
    >>> discount([2027, 2030], 0.10).round(4).tolist()
    [1.0, 0.7513]
    """
    after = np.array(years, dtype=np.float64) - years[0]
    weight: Floats = (1.0 + rate) ** -after
    return weight


def over_years(objective: Any, problem: Problem) -> Floats:
    """Return an objective of each column at 1, summed over the years, discounted.

    An objective with rows of its own is about the sites there are in the end.
    """
    if not problem.years or hasattr(objective, "rows"):
        found: Floats = objective.coefficients(problem)
        return found
    total = np.zeros(problem.n_columns)
    weight = discount(problem.years, problem.discount_rate)
    for k, factor in enumerate(weight.tolist()):
        total += factor * objective.coefficients(problem.in_year(k))
    return total


__all__ = [
    "Dated",
    "dated",
    "discount",
    "implied",
    "over_years",
    "rows_of",
    "rows_of_every_year",
]
