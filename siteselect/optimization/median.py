"""Choose places near to demand: p-median, p-center and maximal covering, exactly.

All three take a matrix of distances (or times, or costs) from places to demand, so
they serve any measure of nearness. Each answer comes with a bound for the full
problem: what a smaller program leaves out is ruled out by a Lagrangian bound, or is
priced no higher than it can be ("beyond the nearest ``k``").
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from siteselect.errors import StudyError, four_parts
from siteselect.optimization import highs
from siteselect.optimization.problem import Bools, Floats, Ints

#: Steps of the subgradient method, and exchanges tried from the best bound so far.
STEPS = 800
#: Times the average number of demands per place that count as near.
NEAREST = 5
#: In large matrices exchanges start from choices up to this multiple of the best.
NEAR_BEST = 1.02
#: Relative slack for sums of floating-point numbers.
ROUNDING = 1e-9
#: Starts of the exchange heuristic.
STARTS = 3
#: Entries of a matrix beyond which one start must do.
MANY = 200_000


@dataclass(frozen=True, eq=False)
class Located:
    """Chosen places and what was proven about them.

    Parameters
    ----------
    chosen : ndarray of int
        Positions of the chosen places, ascending.
    value : float
        Objective of the choice, recomputed from the distances.
    bound : float
        No choice is better than this.
    """

    chosen: Ints
    value: float
    bound: float


def _positions(values: Ints | None) -> Ints:
    return np.unique(np.asarray([] if values is None else values, dtype=np.int64))


def _check_count(p: int, n: int, n_fixed: int) -> None:
    if not max(1, n_fixed) <= p <= n:
        raise StudyError(
            four_parts(
                f"{p} places were asked for",
                f"there are {n} places, {n_fixed} of them fixed",
                "at least one and the fixed ones, at most as many as there are",
                f"max_sites={min(max(1, n_fixed, p), n)}",
            )
        )


def median_value(cost: Floats, chosen: Ints) -> float:
    """Return the sum over demand of the cost from the cheapest chosen place.

    Parameters
    ----------
    cost : ndarray, shape (n_demand, n_places)
        Weighted distances.
    chosen : ndarray of int
        Positions of places.

    Examples
    --------
    >>> import numpy as np
    >>> median_value(np.array([[0.0, 4.0, 9.0], [9.0, 2.0, 3.0]]), np.array([0, 2]))
    3.0
    """
    return float(cost[:, chosen].min(axis=1).sum())


def p_median(
    cost: Floats,
    p: int,
    *,
    fixed: Ints | None = None,
    gap: float = 0.0,
    deadline: float | None = None,
) -> Located:
    """Choose ``p`` places so that all demand together is as near as can be.

    Parameters
    ----------
    cost : ndarray, shape (n_demand, n_places)
        Weight times distance, not negative.
    p : int
        How many places.
    fixed : ndarray of int, optional
        Positions that must be among them.
    gap : float, default 0
        Relative gap to prove.
    deadline : float, optional
        ``time.perf_counter()`` at which the search stops with what it has.

    Returns
    -------
    Located

    Notes
    -----
    Exchanges give the incumbent. Lagrangian multipliers of "every demand is served"
    give a bound; a place or an assignment that would lift the bound above the
    incumbent is in no better choice. What is left is a small integer program.

    References
    ----------
    Cornuejols, G., Fisher, M. L. and Nemhauser, G. L. (1977). Location of bank
    accounts to optimize float. Management Science 23(8), 789-810.

    Examples
    --------
    >>> import numpy as np
    >>> at = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    >>> found = p_median(np.abs(np.subtract.outer(at, at)), 2)
    >>> found.chosen.tolist(), found.value, found.bound
    ([1, 3], 3.0, 3.0)
    """
    n = int(cost.shape[1])
    kept = _positions(fixed)
    _check_count(p, n, int(kept.size))
    scale = float(cost.max()) or 1.0
    cost = np.asarray(cost, dtype=np.float64) / scale
    chosen = _interchange(cost, p, kept)
    value = median_value(cost, chosen)
    bound, multipliers, chosen, value = _lagrangian(
        cost, p, kept, chosen, value, gap, deadline
    )
    if value - bound > gap * value + ROUNDING * max(1.0, value):
        chosen, value, bound = _median_core(
            cost, p, kept, chosen, value, bound, multipliers, gap, deadline
        )
    bound = min(bound, value)
    if value - bound <= ROUNDING * max(1.0, value):
        bound = value
    chosen = np.sort(chosen)
    found = median_value(cost * scale, chosen)
    return Located(chosen, found, found if bound == value else bound * scale)


def _interchange(cost: Floats, p: int, kept: Ints) -> Ints:
    """Greedy additions, then exchanges until none helps; the best of a few starts."""
    n = cost.shape[1]
    best, value = None, np.inf
    rng = np.random.default_rng(0)
    for start in range(STARTS if cost.size <= MANY else 1):
        chosen = kept.tolist()
        if start == 0:
            near = cost[:, chosen].min(axis=1) if chosen else np.full(len(cost), np.inf)
            while len(chosen) < p:
                total = np.minimum(cost, near[:, None]).sum(axis=0)
                total[chosen] = np.inf
                k = int(np.argmin(total))
                chosen.append(k)
                near = np.minimum(near, cost[:, k])
        else:
            free = np.setdiff1d(np.arange(n), kept)
            chosen += rng.permutation(free)[: p - len(chosen)].tolist()
        trial = exchange(cost, np.array(chosen, dtype=np.int64), kept)
        found = median_value(cost, trial)
        if found < value:
            best, value = trial, found
        if p == n:
            break
    assert best is not None
    return best


def exchange(cost: Floats, chosen: Ints, kept: Ints) -> Ints:
    """Exchange one chosen place for another while that lowers the total.

    Parameters
    ----------
    cost : ndarray, shape (n_demand, n_places)
        Weight times distance.
    chosen, kept : ndarray of int
        Positions chosen now, and those that must stay.

    References
    ----------
    Teitz, M. B. and Bart, P. (1968). Heuristic methods for estimating the
    generalized vertex median of a weighted graph. Operations Research 16(5).

    Examples
    --------
    >>> import numpy as np
    >>> at = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    >>> cost = np.abs(np.subtract.outer(at, at))
    >>> exchange(cost, np.array([0, 1]), np.zeros(0, dtype=np.int64)).tolist()
    [3, 1]
    """
    chosen = chosen.copy()
    n_demand, n = cost.shape
    p = int(chosen.size)
    if p == n:
        return chosen
    rows = np.arange(n_demand)
    stays = np.isin(chosen, kept)
    while True:
        among = cost[:, chosen]
        first = np.argmin(among, axis=1)
        near = among[rows, first]
        if p > 1:
            among = among.copy()
            among[rows, first] = np.inf
            second = among.min(axis=1)
        else:
            second = np.full(n_demand, np.inf)
        # Opening j and closing the place at r: demand of r falls back to j or to
        # its second place, the rest moves to j where that is nearer.
        gain = np.maximum(near[:, None] - cost, 0.0).sum(axis=0)
        capped = np.minimum(cost, second[:, None]) - np.minimum(cost, near[:, None])
        member = sparse.csr_array((np.ones(n_demand), (first, rows)), (p, n_demand))
        change = (member @ capped) - gain[None, :]
        change[:, chosen] = np.inf
        change[stays] = np.inf
        at = int(np.argmin(change))
        r, j = divmod(at, n)
        if not change[r, j] < -1e-12 * max(1.0, float(near.sum())):
            return chosen
        chosen[r] = j


def _lagrangian(
    cost: Floats,
    p: int,
    kept: Ints,
    chosen: Ints,
    value: float,
    gap: float,
    deadline: float | None,
) -> tuple[float, Floats, Ints, float]:
    """Maximise the Lagrangian bound by subgradients; exchanges improve the choice."""
    n_demand, n = cost.shape
    is_kept = np.zeros(n, dtype=bool)
    is_kept[kept] = True
    among = np.sort(cost[:, chosen], axis=1)
    # Between the nearest and the second nearest place lies a good first price.
    price = among[:, 0].copy()
    if p > 1:
        price = among[:, 0] + 0.5 * np.minimum(
            among[:, 1] - among[:, 0], among[:, 0] + 1e-12
        )
    best, kept_price = -np.inf, price
    pull, since, tried = 1.0, 0, {tuple(np.sort(chosen).tolist())}
    # Only places cheaper than the price count. A price is kept below what lies beyond
    # the nearest k, so that the bound holds for all places without looking there.
    k = min(n, max(20, -(-NEAREST * n // p)))
    if k < n:
        cols = np.argpartition(cost, k, axis=1)[:, : k + 1]
        values = np.take_along_axis(cost, cols, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        cols = np.take_along_axis(cols, order, axis=1)[:, :k]
        values = np.take_along_axis(values, order, axis=1)
        values, ceiling = values[:, :k].copy(), values[:, k].copy()
    else:
        cols = np.broadcast_to(np.arange(n), cost.shape)
        values, ceiling = cost, np.full(n_demand, np.inf)
    flat = np.ascontiguousarray(cols).ravel()
    price = np.minimum(price, ceiling)
    reduced = np.empty_like(values)
    is_taken = np.zeros(n, dtype=bool)
    direction = np.zeros(n_demand)
    for step in range(STEPS):
        np.subtract(values, price[:, None], out=reduced)
        np.minimum(reduced, 0.0, out=reduced)
        worth = np.bincount(flat, weights=reduced.ravel(), minlength=n).astype(float)
        take = _cheapest(worth, p, is_kept)
        bound = float(price.sum() + worth[take].sum())
        if bound > best + 1e-9 * max(1.0, abs(bound)):
            best, kept_price, since = bound, price.copy(), 0
        else:
            since += 1
        if value - best <= gap * value + 0.1 * ROUNDING * max(1.0, value):
            break
        if step % 60 == 0:
            key = tuple(np.sort(take).tolist())
            if key not in tried:
                tried.add(key)
                # Exchanges are dear: only from where they may end below the best.
                found = median_value(cost, take)
                if cost.size <= MANY or found < NEAR_BEST * value:
                    trial = exchange(cost, take, kept)
                    found = median_value(cost, trial)
                    if found < value:
                        chosen, value = trial, found
        if deadline is not None and time.perf_counter() >= deadline:
            break
        if since >= 15:
            pull, since, price = pull * 0.6, 0, kept_price.copy()
            direction[:] = 0.0
            if pull < 1e-4:
                break
            continue
        is_taken[:] = False
        is_taken[take] = True
        served = (is_taken[cols] & (reduced < 0.0)).sum(axis=1)
        # The step before keeps the path from zigzagging.
        direction = (1.0 - served) + 0.3 * direction
        norm = float(direction @ direction)
        if norm == 0.0:
            break
        price += pull * (value - bound) / norm * direction
        np.clip(price, 0.0, ceiling, out=price)
    return best, kept_price, chosen, value


def _cheapest(worth: Floats, p: int, is_kept: Bools) -> Ints:
    """Return the ``p`` places of least worth, the kept ones among them."""
    key = np.where(is_kept, -np.inf, worth)
    if p >= key.size:
        return np.arange(key.size)
    return np.argpartition(key, p - 1)[:p]


def _median_core(
    cost: Floats,
    p: int,
    kept: Ints,
    chosen: Ints,
    value: float,
    bound: float,
    price: Floats,
    gap: float,
    deadline: float | None,
) -> tuple[Ints, float, float]:
    """Solve what the Lagrangian bound leaves open as an integer program."""
    n_demand, n = cost.shape
    is_kept = np.zeros(n, dtype=bool)
    is_kept[kept] = True
    slack = np.minimum(cost - price[:, None], 0.0)
    worth = slack.sum(axis=0)
    take = _cheapest(worth, p, is_kept)
    lagrangian = float(price.sum() + worth[take].sum())
    inside = np.zeros(n, dtype=bool)
    inside[take] = True
    free = inside & ~is_kept
    # Cost to the bound of taking a place from outside, or dropping one from inside.
    last = float(worth[free].max()) if free.any() else -np.inf
    first = float(worth[~inside].min()) if (~inside).any() else np.inf
    room = value - lagrangian + ROUNDING * max(1.0, value)
    out = ~inside & (worth - last > room)
    sure = is_kept | (free & (first - worth > room))
    open_ = np.flatnonzero(~out)
    # An assignment costs what it is above its price, and its place if outside.
    extra = np.where(inside, 0.0, np.maximum(worth - last, 0.0))
    over = np.maximum(cost[:, open_] - price[:, None], 0.0) + extra[open_][None, :]
    allowed = over <= room
    if sure.any():
        # Nobody goes farther than the nearest place that is sure to be there.
        near = cost[:, sure].min(axis=1)
        allowed &= cost[:, open_] <= near[:, None]
    i, k = np.nonzero(allowed)
    n_open, n_pairs = open_.size, i.size
    lower = np.zeros(n_open + n_pairs)
    upper = np.ones(n_open + n_pairs)
    lower[:n_open] = sure[open_]
    objective = np.concatenate([np.zeros(n_open), -cost[i, open_[k]]])
    at = np.arange(n_pairs)
    served = sparse.csr_array(
        (np.ones(n_pairs), (i, n_open + at)), (n_demand, n_open + n_pairs)
    )
    maybe = np.flatnonzero(~sure[open_[k]])
    row = np.arange(maybe.size)
    linked = sparse.csr_array(
        (
            np.concatenate([np.ones(maybe.size), -np.ones(maybe.size)]),
            (np.concatenate([row, row]), np.concatenate([n_open + maybe, k[maybe]])),
        ),
        (maybe.size, n_open + n_pairs),
    )
    count = sparse.csr_array(
        (np.ones(n_open), (np.zeros(n_open, dtype=int), np.arange(n_open))),
        (1, n_open + n_pairs),
    )
    left = None
    if deadline is not None:
        left = max(0.0, deadline - time.perf_counter())
        if left == 0.0:
            return chosen, value, bound
    integrality = np.zeros(n_open + n_pairs, dtype=bool)
    integrality[:n_open] = True
    found = highs.solve_mip(
        objective,
        sparse.vstack([served, count, linked], format="csr"),
        np.concatenate([np.ones(n_demand), [p], np.full(maybe.size, -np.inf)]),
        np.concatenate([np.ones(n_demand), [p], np.zeros(maybe.size)]),
        lower,
        upper,
        integrality,
        gap=gap,
        time_limit_s=left,
    )
    if found.status == "infeasible":
        # Nothing that is left can be better than the incumbent.
        return chosen, value, value
    if found.x is not None:
        trial = open_[found.x[:n_open] > 0.5]
        if trial.size == p and median_value(cost, trial) < value:
            chosen, value = trial, median_value(cost, trial)
    # What was left out is no better than the incumbent it was left out for.
    return chosen, value, max(bound, min(value, -found.bound))


def center_value(distance: Floats, chosen: Ints) -> float:
    """Return the largest distance from demand to its nearest chosen place.

    Parameters
    ----------
    distance : ndarray, shape (n_demand, n_places)
        Distances.
    chosen : ndarray of int
        Positions of places.

    Examples
    --------
    >>> import numpy as np
    >>> center_value(np.array([[0.0, 4.0], [9.0, 2.0]]), np.array([0, 1]))
    2.0
    """
    return float(distance[:, chosen].min(axis=1).max())


def p_center(
    distance: Floats,
    p: int,
    *,
    fixed: Ints | None = None,
    deadline: float | None = None,
) -> Located:
    """Choose ``p`` places so that the farthest demand is as near as can be.

    Parameters
    ----------
    distance : ndarray, shape (n_demand, n_places)
        Distances.
    p : int
        How many places.
    fixed : ndarray of int, optional
        Positions that must be among them.
    deadline : float, optional
        ``time.perf_counter()`` at which the search stops with what it has.

    Returns
    -------
    Located

    Notes
    -----
    The answer is one of the distances there are; whether ``p`` places cover all
    demand within a distance is a set covering problem.

    References
    ----------
    Minieka, E. (1970). The m-center problem. SIAM Review 12(1), 138-139.

    Examples
    --------
    >>> import numpy as np
    >>> at = np.array([0.0, 1.0, 4.0, 10.0, 11.0])
    >>> found = p_center(np.abs(np.subtract.outer(at, at)), 2)
    >>> found.value, found.bound
    (3.0, 3.0)
    """
    n = int(distance.shape[1])
    kept = _positions(fixed)
    _check_count(p, n, int(kept.size))
    # Nobody can do better than with all places.
    floor = float(distance.min(axis=1).max())
    chosen = _spread_out(distance, p, kept)
    value = center_value(distance, chosen)
    levels = np.unique(distance[(distance >= floor) & (distance <= value)])
    # levels[low] cannot be kept; levels[high] is.
    low, high = -1, int(levels.size) - 1
    while high - low > 1:
        middle = (low + high) // 2
        found, known = cover_all(distance <= levels[middle], p, kept, deadline)
        if not known:
            break
        if found is None:
            low = middle
        else:
            chosen = found
            high = int(np.searchsorted(levels, center_value(distance, chosen)))
    chosen = np.sort(chosen)
    return Located(chosen, float(levels[high]), float(levels[low + 1]))


def _spread_out(distance: Floats, p: int, kept: Ints) -> Ints:
    """Serve the demand that is farthest, one place at a time."""
    chosen = kept.tolist()
    if not chosen:
        chosen = [int(np.argmin(distance.max(axis=0)))]
    while len(chosen) < p:
        near = distance[:, chosen].min(axis=1)
        order = np.argsort(distance[int(np.argmax(near))], kind="stable")
        chosen.append(int(order[~np.isin(order, chosen)][0]))
    return np.array(chosen, dtype=np.int64)


def cover_all(
    reached: Bools, p: int, kept: Ints, deadline: float | None = None
) -> tuple[Ints | None, bool]:
    """Find ``p`` places that reach all demand; and say if the answer is certain.

    Parameters
    ----------
    reached : ndarray of bool, shape (n_demand, n_places)
        Which place reaches which demand.
    p : int
        How many places.
    kept : ndarray of int
        Positions that must be among them.
    deadline : float, optional
        ``time.perf_counter()`` at which to stop.

    Examples
    --------
    >>> import numpy as np
    >>> none = np.zeros(0, dtype=np.int64)
    >>> reached = np.array([[1, 0, 1], [0, 1, 1]], dtype=bool)
    >>> found, known = cover_all(reached, 1, none)
    >>> found.tolist(), known
    ([2], True)
    """
    n = int(reached.shape[1])
    left = ~reached[:, kept].any(axis=1)
    rows = reached[left]
    need = p - int(kept.size)
    if not rows.shape[0]:
        return _filled(kept, p, n), True
    if need <= 0 or not rows.any(axis=1).all():
        return None, True
    # Demand that others are harder to reach than says nothing of its own.
    matrix = sparse.csr_array(np.unique(rows, axis=0).astype(np.float64))
    m = int(matrix.shape[0])
    problem = (
        -np.ones(n),
        matrix,
        np.ones(m),
        np.full(m, np.inf),
        np.zeros(n),
        np.ones(n),
    )
    relaxed = highs.solve_lp(*problem)
    if relaxed.status == "optimal" and -relaxed.objective > need + 1e-6:
        return None, True
    seconds = None
    if deadline is not None:
        seconds = deadline - time.perf_counter()
        if seconds <= 0:
            return None, False
    found = highs.solve_mip(
        *problem,
        np.ones(n, dtype=bool),
        gap=0.0,
        time_limit_s=seconds,
        objective_target=-float(need),
        mip_abs_gap=0.999,
    )
    if found.x is not None:
        picked = np.flatnonzero(found.x > 0.5)
        if picked.size <= need:
            return _filled(np.union1d(kept, picked), p, n), True
    known = found.status == "optimal" or -found.bound > need + 1e-6
    return None, known


def _filled(chosen: Ints, p: int, n: int) -> Ints:
    """Return ``p`` places, the first others added where some are missing."""
    spare = np.setdiff1d(np.arange(n), chosen)[: max(0, p - chosen.size)]
    return np.union1d(chosen, spare).astype(np.int64)
