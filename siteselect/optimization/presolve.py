"""What the bounds of rows already say about single columns and small sets.

Everything here is a conclusion from the rows at hand and holds for every plan
within them: columns that alone break a row, rows that nothing can break, bounds
that whole sizes cannot reach, and rounded copies of rows that cut fractions off.

References
----------
.. [1] V. Chvatal, "Edmonds polytopes and a hierarchy of combinatorial problems",
   Discrete Mathematics 4 (1973) 305-337 (the rounding of rows).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from siteselect.optimization.problem import Bools, Floats, Ints, Problem, Rows

#: Entries looked at together: memory stays flat however many candidates there are.
BLOCK = 3_000_000
#: More runs of neighbouring rows than this are copied together.
MOST_RUNS = 200
#: Rows with more entries than this are taken to bind.
WIDE = 20_000
#: Rows with more entries than this get no rounded copies.
NARROW = 100_000
#: Relative room of quotients that are rounded down. What is divided may count as
#: whole a hair early, so what is allowed gets far more room: no plan is cut off that
#: keeps the row within a solver's tolerance.
WHOLE = 1e-9
ROOM = 1e-7
#: A divisor that b / k just fails to hold k times: beyond the room of the allowed.
ABOVE = 1 + 1e-5


@dataclass(frozen=True, eq=False)
class _Block:
    """Some neighbouring rows, entry by entry."""

    rows: slice
    row: Ints
    column: npt.NDArray[np.integer]
    a: Floats
    starts: Ints
    filled: Bools

    def spread(self, per_row: Floats) -> Floats:
        """Return values of this block's rows at each entry."""
        out: Floats = per_row[self.rows][self.row]
        return out

    def most(self, values: Floats, default: float) -> Floats:
        """Return the largest value of each row."""
        out = np.full(self.filled.size, default)
        if values.size:
            out[self.filled] = np.maximum.reduceat(values, self.starts)
        return out


def _blocks(rows: Rows) -> Iterator[_Block]:
    indptr = rows.matrix.indptr.astype(np.int64)
    first = 0
    while first < len(rows):
        last = int(np.searchsorted(indptr, indptr[first] + BLOCK, side="right")) - 1
        last = min(max(last, first + 1), len(rows))
        entries = slice(int(indptr[first]), int(indptr[last]))
        sizes = np.diff(indptr[first : last + 1])
        filled = sizes > 0
        yield _Block(
            slice(first, last),
            np.repeat(np.arange(last - first), sizes),
            rows.matrix.indices[entries],
            rows.matrix.data[entries],
            (indptr[first:last] - indptr[first])[filled],
            filled,
        )
        first = last


def taken(rows: Rows, index: Ints) -> Rows:
    """Return the rows at ``index``; neighbours share the memory of their entries."""
    if not index.size or index[-1] - index[0] != index.size - 1:
        return rows.take(index)
    first, last = int(index[0]), int(index[-1]) + 1
    if last - first == len(rows):
        return rows
    matrix = rows.matrix
    ends = matrix.indptr[first : last + 1]
    entries = slice(int(ends[0]), int(ends[-1]))
    part = sparse.csr_array(
        (matrix.data[entries], matrix.indices[entries], ends - ends[0]),
        shape=(last - first, matrix.shape[1]),
    )
    pick = slice(first, last)
    return Rows(
        part,
        rows.lower[pick],
        rows.upper[pick],
        rows.limit[pick],
        rows.group[pick],
        rows.scale[pick],
        rows.kind[pick],
    )


def _runs(which: Bools) -> list[Ints]:
    """Return the chosen rows as neighbours that stand together, few or in one."""
    index = np.flatnonzero(which)
    if not index.size:
        return []
    parts = np.split(index, np.flatnonzero(np.diff(index) != 1) + 1)
    return parts if len(parts) <= MOST_RUNS else [index]


def only_grows(rows: Rows, problem: Problem) -> Bools:
    """Return which rows can only grow from zero, whatever is chosen."""
    out = np.ones(len(rows), dtype=bool)
    sinks = problem.lower < 0
    any_sinks = bool(sinks.any())
    for block in _blocks(rows):
        negative = block.a < 0
        if any_sinks:
            negative |= sinks[block.column]
        out[block.rows.start + block.row[negative]] = False
    return out


def drop_columns(rows: Rows, problem: Problem, upper: Floats) -> Floats:
    """Close integer columns that alone break a row that can only grow.

    A continuous column stays: a part of it may fit.
    """
    most = rows.upper + 1e-9 + 1e-9 * np.abs(rows.upper)
    most[~only_grows(rows, problem)] = np.inf
    upper = upper.copy()
    for block in _blocks(rows):
        over = block.column[block.a > block.spread(most)]
        upper[over[problem.integrality[over]]] = 0.0
    return upper


def can_bind(rows: Rows, problem: Problem, upper: Floats) -> Bools:
    """Return which rows some choice of one size per site could break.

    A row goes only if its largest and smallest sums are within its bounds.
    """
    out = np.ones(len(rows), dtype=bool)
    narrow = np.flatnonzero(np.diff(rows.matrix.indptr) <= WIDE)
    if narrow.size < len(rows):
        out[narrow] = can_bind(rows.take(narrow), problem, upper)
        return out
    most, least = np.zeros(len(rows)), np.zeros(len(rows))
    for block in _blocks(rows):
        column = block.column
        a = block.a * upper[column]
        from_lower = block.a * problem.lower[column]
        which = problem.column_opens[column] & (problem.column_site[column] >= 0)
        top, low = most[block.rows], least[block.rows]
        if which.any():
            # One size per site: the largest of its opening columns counts.
            key = block.row[which] * problem.n_sites
            key += problem.column_site[column[which]]
            value = a[which]
            step = np.diff(key, prepend=-1)
            if (step < 0).any():
                order = np.argsort(key, kind="stable")
                key, value = key[order], value[order]
                step = np.diff(key, prepend=-1)
            start = np.flatnonzero(step != 0)
            at = key[start] // problem.n_sites
            high = np.maximum(np.maximum.reduceat(value, start), 0.0)
            down = np.minimum(np.minimum.reduceat(value, start), 0.0)
            top += np.bincount(at, weights=high, minlength=top.size)
            low += np.bincount(at, weights=down, minlength=low.size)
        other = ~which
        if other.any():
            at = block.row[other]
            high = np.maximum(a, from_lower)[other]
            down = np.minimum(a, from_lower)[other]
            top += np.bincount(at, weights=high, minlength=top.size)
            low += np.bincount(at, weights=down, minlength=low.size)
    room = 1e-9 * np.maximum(1.0, np.abs(most))
    return (most > rows.upper - room) & np.isfinite(rows.upper) | (
        (least < rows.lower + room) & np.isfinite(rows.lower)
    )


def round_rows(rows: Rows, problem: Problem) -> Rows:
    """Round bounds of rows whose coefficients are multiples of one number.

    With sizes of 100, 200 and 300 MW a headroom of 470 MW is one of 400 MW.
    """
    lower, upper = rows.lower.copy(), rows.upper.copy()
    any_free = not problem.integrality.all()
    pieces = (
        (run, block)
        for run in _runs(_may_share_unit(rows))
        for block in _blocks(taken(rows, run))
    )
    for run, block in pieces:
        sizes = np.abs(block.a)
        least = -block.most(-sizes, -np.inf)
        whole = block.filled & (least > 0)
        if any_free:
            whole[block.row[~problem.integrality[block.column]]] = False
        at = run[block.rows]
        low, high = lower[at], upper[at]
        done = ~whole
        for part in (1, 2, 3, 4):
            if done.all():
                break
            unit = np.where(done, 1.0, least / part)
            ratio = sizes / unit[block.row]
            off = block.most(np.abs(ratio - np.round(ratio)), 0.0)
            fits = ~done & (off < 1e-9)
            done |= fits
            up = fits & np.isfinite(high)
            high[up] = np.floor(high[up] / unit[up] + 1e-7) * unit[up]
            down = fits & np.isfinite(low)
            low[down] = np.ceil(low[down] / unit[down] - 1e-7) * unit[down]
        lower[at], upper[at] = low, high
    return replace(rows, lower=lower, upper=upper)


def _may_share_unit(rows: Rows, look: int = 12) -> Bools:
    """Return which rows pass for multiples of one number by their first entries.

    A row that passes is looked at again in full.
    """
    least = np.full(len(rows), np.inf)
    for block in _blocks(rows):
        least[block.rows] = -block.most(-np.abs(block.a), -np.inf)
    indptr = rows.matrix.indptr.astype(np.int64)
    some = np.minimum(np.diff(indptr), look)
    row = np.repeat(np.arange(len(rows)), some)
    starts = np.cumsum(some) - some
    entry = np.arange(row.size) - starts[row] + indptr[:-1][row]
    filled = (some > 0) & (least > 0) & np.isfinite(least)
    ratio = np.zeros(row.size)
    there = filled[row]
    ratio[there] = np.abs(rows.matrix.data[entry[there]]) / least[row[there]]
    fits = np.zeros(len(rows), dtype=bool)
    for part in (1, 2, 3, 4):
        off = np.abs(ratio * part - np.round(ratio * part))
        worst = np.zeros(len(rows))
        if off.size:
            worst[some > 0] = np.maximum.reduceat(off, starts[some > 0])
        fits |= worst < 1e-9
    out: Bools = fits & filled
    return out


def can_be_rounded(rows: Rows, problem: Problem) -> Bools:
    """Return which rows may be divided and rounded down: whole, growing, narrow."""
    width = np.diff(rows.matrix.indptr)
    out = only_grows(rows, problem) & np.isfinite(rows.upper) & (rows.upper > 0)
    out &= (width > 1) & (width <= NARROW)
    if not problem.integrality.all():
        for block in _blocks(rows):
            free = ~problem.integrality[block.column]
            out[block.rows.start + block.row[free]] = False
    return out


def rounding_cuts(
    rows: Rows,
    by_column: sparse.csc_array,
    which: Bools,
    x: Floats,
    known: set[tuple[int, float]],
    most: int = 400,
) -> Rows:
    """Return rounded copies of rows that a fractional ``x`` violates.

    Dividing ``sum a x <= b`` by ``d`` and rounding both sides down keeps every
    whole plan: with ``d`` a little over ``b / (k + 1)`` it says "at most k of the
    large ones".

    Parameters
    ----------
    rows : Rows
        Rows of limits.
    by_column : scipy.sparse.csc_array
        Their matrix by column.
    which : ndarray of bool
        Rows that may be rounded.
    x : ndarray
        Fractional solution over all columns.
    known : set of (row, divisor)
        Cuts made before; those found are added.
    most : int
        Rows looked at, the most fractional first.

    Returns
    -------
    Rows
        ``group`` tells the limit whose row was rounded.
    """
    n = rows.matrix.shape[1]
    support = np.flatnonzero(x > 1e-7)
    value = x[support]
    part = sparse.csr_array(by_column[: len(rows), support].tocsr())
    broken = np.minimum(value, 1 - value)
    fractional = part.copy()
    fractional.data = broken[part.indices]
    loose = np.asarray(fractional.sum(axis=1)).ravel()
    loose[~which] = 0.0
    look = np.flatnonzero(loose > 1e-6)
    look = np.sort(look[np.argsort(-loose[look], kind="stable")[:most]])
    parts, data, columns, ends, names = 0, [], [], [], []
    for r in look.tolist():
        entries = slice(part.indptr[r], part.indptr[r + 1])
        a, z = part.data[entries], value[part.indices[entries]]
        b = float(rows.upper[r])
        tried = {float(v) for v in np.unique(a) if v > 0}
        tried |= {b / (k + 1) * ABOVE for k in (1, 2, 3)}
        best, divisor = 1e-4, 0.0
        for d in sorted(tried):
            over = float(_whole(a, d) @ z) - _allowed(b, d)
            if over > best and (r, d) not in known:
                best, divisor = over, d
        if divisor == 0.0:
            continue
        known.add((r, divisor))
        full = slice(rows.matrix.indptr[r], rows.matrix.indptr[r + 1])
        count = _whole(rows.matrix.data[full], divisor)
        there = count > 0
        data.append(count[there])
        columns.append(rows.matrix.indices[full][there])
        ends.append(_allowed(b, divisor))
        names.append(rows.limit[r])
        parts += 1
    if not parts:
        return Rows.empty(n)
    sizes = [len(c) for c in columns]
    matrix = sparse.csr_array(
        (
            np.concatenate(data),
            (np.repeat(np.arange(parts), sizes), np.concatenate(columns)),
        ),
        shape=(parts, n),
    )
    return Rows.make(matrix, -np.inf, np.array(ends), "", names)


def _whole(a: Floats, divisor: float) -> Floats:
    """Return how often a divisor fits into each coefficient."""
    fits: Floats = np.floor(a / divisor * (1 + WHOLE))
    return fits


def _allowed(b: float, divisor: float) -> float:
    """Return how often a divisor fits into what a row allows, in doubt once more."""
    return float(np.floor(b / divisor * (1 + ROOM) + ROOM))
