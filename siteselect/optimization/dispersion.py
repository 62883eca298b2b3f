"""Choose places that lie as far from each other as can be: p-dispersion, exactly.

The largest least distance is one of the distances there are. Whether a distance can
be had is a question about a graph: are there ``p`` places no two of which are closer
than that? Greedy choices and exchanges bound the answer from below, groups of places
close to each other from above, and what lies between is searched with proof.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from siteselect.errors import StudyError, four_parts
from siteselect.optimization import highs
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.problem import Bools, Floats, Ints

#: Nodes that the graph search may visit before the integer program takes over.
SEARCH_NODES = 60_000
#: Starts of the greedy choice.
STARTS = 24


@dataclass(frozen=True, eq=False)
class Dispersion(ShownAsCard):
    """Chosen places and what was proven about them.

    Parameters
    ----------
    chosen : ndarray of int
        Positions of the chosen places, ascending.
    distance : float
        Least distance between any two of them.
    bound : float
        No choice of that many places has a larger least distance.
    """

    chosen: Ints
    distance: float
    bound: float


def least_distance(distance: Floats, chosen: Ints) -> float:
    """Return the least distance between chosen places, infinite for fewer than two.

    Parameters
    ----------
    distance : ndarray, shape (n, n)
        Symmetric distances.
    chosen : ndarray of int
        Positions.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.abs(np.subtract.outer([0.0, 1.0, 5.0], [0.0, 1.0, 5.0]))
    >>> least_distance(line, np.array([0, 2]))
    5.0
    """
    if chosen.size < 2:
        return np.inf
    among = distance[np.ix_(chosen, chosen)]
    return float(among[np.triu_indices(chosen.size, 1)].min())


def disperse(
    distance: Floats,
    p: int,
    *,
    fixed: Ints | None = None,
    deadline: float | None = None,
) -> Dispersion:
    """Choose ``p`` places so that the least distance between any two is largest.

    Parameters
    ----------
    distance : ndarray, shape (n, n)
        Symmetric distances; the triangle inequality is not needed.
    p : int
        How many places, two or more.
    fixed : ndarray of int, optional
        Positions that must be among them.
    deadline : float, optional
        ``time.perf_counter()`` at which the search stops with what it has.

    Returns
    -------
    Dispersion
        ``bound`` equals ``distance`` unless the deadline cut the search short.

    Raises
    ------
    StudyError
        Fewer than two places are asked for, or more than there are.

    References
    ----------
    Sayah, D. and Irnich, S. (2017). A new compact formulation for the discrete
    p-dispersion problem. European Journal of Operational Research 256(1), 62-67.

    Examples
    --------
    >>> import numpy as np
    >>> at = np.array([0.0, 1.0, 4.0, 6.0, 10.0])
    >>> found = disperse(np.abs(np.subtract.outer(at, at)), 3)
    >>> found.chosen.tolist(), found.distance, found.bound
    ([0, 2, 4], 4.0, 4.0)
    """
    n = int(distance.shape[0])
    if not 2 <= p <= n:
        raise StudyError(
            four_parts(
                f"{p} places with the largest least distance were asked for",
                f"there are {n} places" if p > n else "one place has no distance",
                "two places or more, and at most as many as there are",
                f"min_sites={min(max(2, p), n)}",
            )
        )
    kept = np.unique(np.asarray([] if fixed is None else fixed, dtype=np.int64))
    upper = np.triu_indices(n, 1)
    levels = np.unique(distance[upper])
    chosen = _greedy(distance, p, kept)
    low = least_distance(distance, chosen)
    if kept.size > 1:
        # Whatever joins the fixed places, their own distances stay.
        levels = levels[levels <= least_distance(distance, kept)]
    # No distance at levels[high] or beyond can be had; levels[at] is had.
    at, high, step = int(np.searchsorted(levels, low)), int(levels.size), 1
    while high - at > 1:
        # Exchanges end near the best: the next level first, then ever larger steps,
        # then halves of what is left.
        middle = min(at + step, (at + high) // 2) if step > 1 else at + 1
        found, known = _decide(distance, float(levels[middle]), p, kept, deadline)
        if not known:
            break
        if found is None:
            high = middle
            continue
        step *= 4
        chosen = _exchange(distance, found, kept)
        at = int(np.searchsorted(levels, least_distance(distance, chosen)))
    chosen = np.sort(chosen)
    return Dispersion(chosen, float(levels[at]), float(levels[high - 1]))


# ------------------------------------------------------------------ from below


def _greedy(distance: Floats, p: int, kept: Ints) -> Ints:
    """Farthest-first choices from several starts, each improved by exchanges."""
    n = distance.shape[0]
    if kept.size >= p:
        return kept
    starts = np.unique(np.linspace(0, n - 1, STARTS).astype(np.int64))
    best, value = None, -1.0
    for start in starts.tolist() if not kept.size else [-1]:
        chosen = kept.tolist() if kept.size else [start]
        near = distance[:, chosen].min(axis=1)
        near[chosen] = -np.inf
        while len(chosen) < p:
            k = int(np.argmax(near))
            chosen.append(k)
            near = np.minimum(near, distance[:, k])
            near[k] = -np.inf
        trial = _exchange(distance, np.array(chosen, dtype=np.int64), kept)
        found = least_distance(distance, trial)
        if found > value:
            best, value = trial, found
    assert best is not None
    return best


def _exchange(distance: Floats, chosen: Ints, kept: Ints) -> Ints:
    """Exchange an end of a shortest pair for a place that is farther from the rest."""
    chosen = chosen.copy()
    stays = np.isin(chosen, kept)
    among = distance[np.ix_(chosen, chosen)].copy()
    np.fill_diagonal(among, np.inf)
    for _ in range(50 * chosen.size):
        value = among.min()
        # Fewer shortest pairs count as better, so that ties do not stop the climb.
        ends = np.flatnonzero((among <= value).any(axis=1) & ~stays)
        best = None
        for end in ends.tolist():
            rest = np.delete(chosen, end)
            near = distance[:, rest].min(axis=1)
            near[chosen] = -np.inf
            k = int(np.argmax(near))
            if near[k] > value and (best is None or near[k] > best[0]):
                best = (float(near[k]), end, k)
        if best is None:
            return chosen
        _, end, k = best
        chosen[end] = k
        among[end] = among[:, end] = distance[k, chosen]
        among[end, end] = np.inf
    return chosen


# ------------------------------------------------------------------ from above


def _decide(
    distance: Floats, least: float, p: int, kept: Ints, deadline: float | None
) -> tuple[Ints | None, bool]:
    """Find ``p`` places, no two closer than ``least``; and say if that is certain."""
    close = distance < least
    np.fill_diagonal(close, False)
    if kept.size and close[np.ix_(kept, kept)].any():
        return None, True
    able: Bools = np.ones(len(close), dtype=bool)
    if kept.size:
        able &= ~close[kept].any(axis=0)
        able[kept] = False
    need = p - int(kept.size)
    if need <= 0:
        return kept, True
    able = _prune(close, able, need)
    who = np.flatnonzero(able)
    if who.size < need:
        return None, True
    small = close[np.ix_(who, who)]
    # Places at the rim first: their groups are small, so the bound is sharp. Which
    # of two ways to tell the rim is better differs, and a little search of the
    # first often settles it.
    ways = (
        (small.sum(axis=1), SEARCH_NODES // 10),
        (-distance[np.ix_(who, who)].sum(axis=1), SEARCH_NODES),
    )
    found, exhausted = None, False
    for key, nodes in ways:
        search = _Search(small, np.argsort(key, kind="stable"), nodes)
        found, exhausted = search.run(need), search.exhausted
        if found is not None or exhausted:
            break
    if found is None and not exhausted:
        found, known = _decide_by_program(small, need, deadline)
        if not known:
            return None, False
    if found is None:
        return None, True
    return np.concatenate([kept, who[np.array(found, dtype=np.int64)]]), True


def _prune(close: Bools, able: Bools, need: int) -> Bools:
    """Drop places that fewer than ``need - 1`` others can join."""
    able = able.copy()
    while True:
        far = able.sum() - 1 - close[:, able].sum(axis=1)
        drop = able & (far < need - 1)
        if not drop.any():
            return able
        able &= ~drop


class _Search:
    """Search for mutually far places; groups of close ones bound each branch.

    Sets of places are the bits of a Python integer.
    """

    def __init__(self, close: Bools, order: Ints, nodes: int) -> None:
        n = close.shape[0]
        self.order = order
        far = ~close[np.ix_(order, order)]
        np.fill_diagonal(far, False)
        self.far = [
            int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")
            for row in far
        ]
        full = (1 << n) - 1
        self.near = [full & ~bits for bits in self.far]
        self.full = full
        self.left = nodes
        self.exhausted = True

    def run(self, need: int) -> list[int] | None:
        found = self._grow(self.full, need)
        return None if found is None else [int(self.order[v]) for v in found]

    def _grow(self, among: int, need: int) -> list[int] | None:
        if need == 0:
            return []
        if self.left <= 0:
            self.exhausted = False
            return None
        self.left -= 1
        # Put the places into groups of mutually close ones, at most one of each can
        # be chosen; only places beyond the first ``need - 1`` groups must be tried.
        todo, groups = among, 0
        near = self.near
        while todo and groups < need - 1:
            group = todo
            groups += 1
            while group:
                bit = group & -group
                v = bit.bit_length() - 1
                todo ^= bit
                group &= near[v]
                group &= ~bit
        if not todo:
            return None
        branch: list[int] = []
        while todo:
            bit = todo & -todo
            branch.append(bit.bit_length() - 1)
            todo ^= bit
        for v in reversed(branch):
            rest = self._grow(among & self.far[v], need - 1)
            if rest is not None:
                return [v, *rest]
            if not self.exhausted:
                return None
            among &= ~(1 << v)
        return None


def conflict_cliques(close: Bools) -> list[Ints]:
    """Cover all pairs of close places by maximal groups of mutually close ones.

    Parameters
    ----------
    close : ndarray of bool, shape (n, n)
        Symmetric, False on the diagonal.

    Returns
    -------
    list of ndarray of int
        "At most one of these" for each says the same as one row for each pair.

    Examples
    --------
    >>> import numpy as np
    >>> close = ~np.eye(3, dtype=bool)
    >>> [c.tolist() for c in conflict_cliques(close)]
    [[0, 1, 2]]
    """
    left = np.triu(close, 1)
    degree = close.sum(axis=1)
    cliques: list[Ints] = []
    for a in np.argsort(-degree, kind="stable").tolist():
        while True:
            open_ = left[a] | left[:, a]
            if not open_.any():
                break
            common = close[a].copy()
            clique = [a]
            while common.any():
                who = np.flatnonzero(common)
                # What is not covered yet first, then what keeps most others in.
                fresh = (left[who][:, clique] | left[clique][:, who].T).sum(axis=1)
                inside = close[np.ix_(who, who)].sum(axis=1)
                if len(clique) == 1:
                    inside = np.where(open_[who], inside, -1)
                    fresh = np.zeros_like(fresh)
                k = int(who[np.lexsort((who, -fresh, -inside))[0]])
                clique.append(k)
                common &= close[k]
            group = np.array(sorted(clique), dtype=np.int64)
            left[np.ix_(group, group)] = False
            cliques.append(group)
    return cliques


def _decide_by_program(
    close: Bools, need: int, deadline: float | None
) -> tuple[list[int] | None, bool]:
    """Decide by an integer program over "at most one of these close places"."""
    n = close.shape[0]
    cliques = conflict_cliques(close)
    indptr = np.concatenate([[0], np.cumsum([len(c) for c in cliques])])
    indices = np.concatenate(cliques) if cliques else np.zeros(0, dtype=np.int64)
    matrix = sparse.csr_array(
        (np.ones(indices.size), indices, indptr), shape=(len(cliques), n)
    )
    rows = len(cliques)
    left = None
    if deadline is not None:
        left = deadline - time.perf_counter()
        if left <= 0:
            return None, False
    relaxed = highs.solve_lp(
        np.ones(n),
        matrix,
        np.full(rows, -np.inf),
        np.ones(rows),
        np.zeros(n),
        np.ones(n),
    )
    if relaxed.status == "optimal" and relaxed.objective < need - 1e-6:
        return None, True
    found = highs.solve_mip(
        np.ones(n),
        matrix,
        np.full(rows, -np.inf),
        np.ones(rows),
        np.zeros(n),
        np.ones(n),
        np.ones(n, dtype=bool),
        gap=0.0,
        time_limit_s=left,
        # Enough is enough: stop at a choice of that many places.
        objective_target=float(need),
        mip_abs_gap=0.999,
    )
    if found.x is not None and round(float(np.round(found.x).sum())) >= need:
        picked = np.flatnonzero(found.x > 0.5)[:need]
        return picked.tolist(), True
    known = found.status == "optimal" or found.bound < need - 1e-6
    return None, known
