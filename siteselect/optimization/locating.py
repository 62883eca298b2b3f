"""Objectives of place: far from each other, near to demand, cheap to serve it.

Each works together with every limit. Where nothing but the number of sites and
fixed or forbidden ones is asked for, the proven searches of `dispersion` and
`median` answer; otherwise the objective's own columns and rows join the program,
rows only as far as a solution would break them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod
from scipy import sparse
from scipy.optimize import linprog

from siteselect.errors import StudyError, four_parts, shown
from siteselect.optimization import dispersion, highs, median
from siteselect.optimization._distance import geodesic_km, lonlat
from siteselect.optimization.asked import yes_or_no
from siteselect.optimization.clustering import reach
from siteselect.optimization.coverage import (
    check_latency,
    demand_weights,
    latency_km,
    same_sets,
)
from siteselect.optimization.objectives import OBJECTIVE_ROWS
from siteselect.optimization.problem import (
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    as_floats,
    number,
)
from siteselect.suitability.fiber import FIBER_CIRCUITY, FIBER_US_PER_KM

if TYPE_CHECKING:
    from siteselect.optimization._compile import Compiled
    from siteselect.optimization.solution import Clock, Solution

#: Most pairs of site and demand (or of sites) that an objective measures.
MOST_PAIRS = 25_000_000
#: A row counts as broken beyond this share of the largest distance: a solver leaves
#: binaries up to 1e-6 off, and rounding them moves a row by that share of it.
BROKEN = 5e-6
#: The same where rows are added until the value is exact.
EXACTLY = 1e-9
#: Up to this many entries an objective writes its rows out: re-solves are then exact
#: without asking for more.
WRITTEN_OUT = 600_000
_GEOD = Geod(ellps="WGS84")


# ------------------------------------------------------------------- distances


def _refuse_many(pairs: int, name: str) -> None:
    if pairs > MOST_PAIRS:
        raise StudyError(
            four_parts(
                f"objective {name!r} measures every pair",
                f"there are {pairs:,} pairs",
                f"up to {MOST_PAIRS:,} pairs",
                "fewer candidates (the best by score), or demand by county",
            )
        )


def _measured(
    frame: gpd.GeoDataFrame, demand: Any, matrix: Any, name: str
) -> tuple[Floats, Ints]:
    """Return distances of shape (n_demand, n_sites), each different demand once.

    Returns
    -------
    distance : ndarray, shape (n_places, n_sites)
    which : ndarray of int, shape (n_demand,)
        Row of ``distance`` that each row of the demand has.
    """
    if matrix is not None:
        table = _table(matrix, frame, demand, name)
        return np.ascontiguousarray(table.T), np.arange(table.shape[1])
    places = lonlat(gpd.GeoDataFrame(geometry=demand.geometry))
    places, which = np.unique(places, axis=0, return_inverse=True)
    sites = lonlat(frame)
    _refuse_many(len(places) * len(sites), name)
    out = np.empty((len(places), len(sites)))
    for k, point in enumerate(places):
        out[k] = geodesic_km(np.broadcast_to(point, sites.shape), sites)
    return out, which.reshape(-1)


def _table(matrix: Any, frame: gpd.GeoDataFrame, demand: Any, name: str) -> Floats:
    """Return a user's matrix in the order of sites and demand."""
    if not isinstance(matrix, pd.DataFrame):
        raise StudyError(
            four_parts(
                f"objective {name!r} was given a matrix",
                f"it is {type(matrix).__name__}",
                "a DataFrame with site labels as index and demand labels as columns",
                "pandas.DataFrame(values, index=sites.index, columns=demand.index)",
            )
        )
    for have, want, what in (
        (matrix.index, frame.index, "site"),
        (matrix.columns, demand.index, "demand"),
    ):
        missing = want[have.get_indexer(want) < 0] if have.is_unique else want[:0]
        if len(missing) or not have.is_unique:
            raise StudyError(
                four_parts(
                    f"objective {name!r} was given a matrix",
                    f"it has repeated labels of {what}"
                    if not len(missing)
                    else f"it lacks {what} " + shown(repr(x) for x in missing),
                    "one row per eligible site, one column per row of the demand",
                    "matrix.T if it is transposed",
                )
            )
    table = matrix.iloc[
        matrix.index.get_indexer(frame.index), matrix.columns.get_indexer(demand.index)
    ]
    columns = [as_floats(table.iloc[:, k]) for k in range(table.shape[1])]
    odd = [str(table.columns[k]) for k, c in enumerate(columns) if c is None]
    if odd:
        raise StudyError(
            four_parts(
                f"objective {name!r} was given a matrix",
                "it holds what is no number in " + shown(map(repr, odd)),
                "0 or more for every pair",
                "matrix.astype(float)",
            )
        )
    values: Floats = np.column_stack([c for c in columns if c is not None])
    if not np.isfinite(values).all() or (values < 0).any():
        raise StudyError(
            four_parts(
                f"objective {name!r} was given a matrix",
                f"{int((~np.isfinite(values) | (values < 0)).sum())} of its values are "
                "unknown, infinite or negative",
                "0 or more for every pair",
                "a large number for a pair that should not be used",
            )
        )
    return values


def _plain_distances(chosen: gpd.GeoDataFrame, demand: Any, matrix: Any) -> Floats:
    """Return distances of shape (n_demand, n_chosen), pair by pair, for `value`."""
    if matrix is not None:
        return np.array(
            [[matrix.at[s, d] for s in chosen.index] for d in demand.index], dtype=float
        ).reshape(len(demand), len(chosen))
    here, there = (
        s.where(s.geom_type == "Point", s.representative_point())
        for s in (
            chosen.geometry.to_crs("EPSG:4326"),
            demand.geometry.to_crs("EPSG:4326"),
        )
    )
    out = np.empty((len(demand), len(chosen)))
    lon, lat = there.x.to_numpy(), there.y.to_numpy()
    for k, point in enumerate(here):
        same = np.ones(len(demand))
        out[:, k] = (
            np.asarray(_GEOD.inv(same * point.x, same * point.y, lon, lat)[2]) / 1e3
        )
    return out


def _plain_weights(demand: Any, weight: Quantity) -> Floats:
    """Return weights of the demand, for `value`."""
    if isinstance(weight, str):
        return np.array([float(x) for x in demand[weight]])
    if isinstance(weight, pd.Series):
        return np.array([weight.at[x] for x in demand.index], dtype=np.float64)
    return np.full(len(demand), float(weight))


# -------------------------------------------------------------------- programs


def _opens(problem: Problem) -> sparse.csr_array:
    """Return the matrix that adds up the opening columns of each site."""
    cols = problem.open_columns
    return sparse.csr_array(
        (np.ones(cols.size), (problem.column_site[cols], cols)),
        shape=(problem.n_sites, problem.n_columns),
    )


def _own(problem: Problem) -> slice:
    found: slice = problem.extra.get(OBJECTIVE_ROWS, slice(0, 0))
    return found


def _free_sites(problem: Problem) -> tuple[Ints, Ints]:
    """Return the sites that may be chosen, and the first opening column of each."""
    cols = problem.open_columns
    cols = cols[problem.upper[cols] > 0]
    site, first = np.unique(problem.column_site[cols], return_index=True)
    return site.astype(np.int64), cols[first].astype(np.int64)


@dataclass(frozen=True)
class _Count:
    """What a request asks of the number of sites, if it asks nothing else."""

    least: int
    most: int


def _only_counts(compiled: Compiled) -> _Count | None:
    """Return the bounds on the number of sites; None if there are other limits."""
    from siteselect.optimization.limits import Fixed, SiteCapacity, Sites
    from siteselect.optimization.objectives import ObjectiveRows

    problem = compiled.problem
    if problem.years:
        return None
    free, _ = _free_sites(problem)
    least, most = int(problem.fixed.sum()), int(free.size)
    for limit in compiled.limits:
        if isinstance(limit, SiteCapacity | Fixed | ObjectiveRows):
            continue
        if not isinstance(limit, Sites):
            return None
        least = max(least, int(limit.at_least))
        most = int(min(most, limit.at_most))
    if least > most or not np.isin(np.flatnonzero(problem.fixed), free).all():
        return None
    return _Count(least, most)


def _solution(
    compiled: Compiled, chosen: Ints, own: Floats, bound: float, solver: str
) -> Solution:
    """Return the solution that opens each chosen site at its first size."""
    from siteselect.optimization.solve import finish

    problem = compiled.problem
    site, first = _free_sites(problem)
    x = problem.lower.copy()
    x[first[np.searchsorted(site, chosen)]] = 1.0
    x[_own(problem)] = own
    sign = 1.0 if problem.maximize else -1.0
    return finish(problem, x, sign * bound, None, solver, compiled.request.gap)


def _deadline(compiled: Compiled, clock: Clock) -> float | None:
    limit = compiled.request.time_limit_s
    return None if limit is None else clock.start + limit


def _without_objective(compiled: Compiled) -> Compiled:
    """Return the program with the rows of all limits and none of the objective."""
    from siteselect.optimization.objectives import ObjectiveRows

    lazy = [x for x in compiled.lazy if not isinstance(x, ObjectiveRows)]
    rows = compiled.rows.take(compiled.rows.limit != OBJECTIVE_ROWS)
    rows = Rows.stack([rows, *(x.rows(compiled.problem) for x in lazy)])
    return replace(compiled, rows=rows, lazy=())


def _settle(
    compiled: Compiled, rows: Rows, deadline: float | None, **options: Any
) -> tuple[Floats | None, bool]:
    """Find any plan within rows; and say if the answer is certain."""
    problem = compiled.problem
    left = None
    if deadline is not None:
        left = deadline - time.perf_counter()
        if left <= 0:
            return None, False
    found = highs.solve_mip(
        np.zeros(problem.n_columns),
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
        gap=0.0,
        time_limit_s=left,
        **options,
    )
    return found.x, found.x is not None or found.status == "infeasible"


def _bisect(
    compiled: Compiled,
    levels: Floats,
    rows_at: Callable[[float], Rows],
    value_of: Callable[[Floats], float],
    clock: Clock,
    say: Callable[[str], object],
    always: Rows | None = None,
) -> tuple[Floats, float, float] | None:
    """Find the best level that the limits allow: best first in ``levels``.

    Returns the solution, its level and the best level not ruled out; None if the
    limits alone have a plan and none with the rows ``always``.
    """
    from siteselect.optimization.solve import no_plan, solve_full

    base = _without_objective(compiled)
    deadline = _deadline(compiled, clock)
    limits_only = base
    if always is not None:
        base = replace(base, rows=Rows.stack([base.rows, always]))
    x, known = _settle(compiled, base.rows, deadline)
    if x is None and known and always is not None:
        if _settle(compiled, limits_only.rows, deadline)[0] is not None:
            return None
        base = limits_only
    if x is None:
        if not known:
            raise no_plan(compiled.request, "HiGHS")
        # Confirmed and explained there, by the limits alone.
        blank = replace(
            compiled.problem, objective=np.zeros(compiled.problem.n_columns)
        )
        x = solve_full(replace(base, problem=blank), clock=clock, say=say).x
        assert x is not None

    def at(found: Floats) -> int:
        return int(np.argmin(np.abs(levels - value_of(found))))

    # levels[low] is ruled out, levels[high] is kept.
    low, high = -1, at(x)
    while True:
        while high - low > 1:
            middle = (low + high) // 2
            rows = Rows.stack([base.rows, rows_at(float(levels[middle]))])
            found, known = _settle(compiled, rows, deadline)
            if not known:
                return x, float(levels[high]), float(levels[low + 1])
            if found is None:
                low = middle
            else:
                x, high = found, min(middle, at(found))
        if low < 0:
            break
        # "Infeasible" once more, by another route, where it decides.
        rows = Rows.stack([base.rows, rows_at(float(levels[low]))])
        found, known = _settle(compiled, rows, deadline, presolve="off")
        if found is None:
            break
        x, high, low = found, min(low, at(found)), -1
    clock.lap("solve")
    say(f"{float(levels[high]):,.6g}, proven")
    return x, float(levels[high]), float(levels[high])


def _rounded(problem: Problem, x: Floats) -> Floats:
    x = x.copy()
    x[problem.integrality] = np.round(x[problem.integrality])
    return np.clip(x, problem.lower, problem.upper)


def _open_sites(problem: Problem, x: Floats) -> Ints:
    return np.flatnonzero(problem.sites_open(x) > 0.5)


# ------------------------------------------------------------ far from each other


@dataclass(frozen=True, eq=False)
class MaxMinDistance:
    """Maximise the least distance between any two chosen sites (p-dispersion).

    Parameters
    ----------
    distance : pandas.DataFrame, optional
        Distances of your own with site labels as index and columns, in ``unit``;
        the larger of the two directions' values counts. Geodesic [km] without.
    unit : str, default "km"
        Unit of the value.

    Notes
    -----
    Ask for two sites or more: with fewer there is no distance, and with none asked
    for the best plan would be two sites at the far ends.

    References
    ----------
    .. [1] Kuby, M. J. (1987). Programming models for facility dispersion: the
       p-dispersion and maxisum dispersion problems. Geographical Analysis 19(4).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> sites = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([-100, -99, -98, -96], [32] * 4), crs=4326
    ... )
    >>> plan = optimize_sites(
    ...     sites, site_mw=1, min_sites=3, objective=MaxMinDistance()
    ... )
    >>> sorted(plan.sites.index), round(plan.objective)
    ([0, 2, 3], 189)
    """

    distance: pd.DataFrame | None = field(default=None, kw_only=True)
    unit: str = field(default="km", kw_only=True)

    name = "least distance"
    maximize = True

    def __repr__(self) -> str:
        return "MaxMinDistance()"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series of the candidates that this reads."""
        return ()

    def between(self, problem: Problem) -> Floats:
        """Return distances between all sites, shape (n_sites, n_sites)."""
        key = ("least distance", id(self))
        if key not in problem._cache:
            n = problem.n_sites
            _refuse_many(n * n, self.name)
            if self.distance is not None:
                table = _table(self.distance, problem.frame, problem.frame, self.name)
                away = np.maximum(table, table.T)
            else:
                points = lonlat(problem.frame)
                i, j = np.triu_indices(n, 1)
                away = np.zeros((n, n))
                away[i, j] = away[j, i] = geodesic_km(points[i], points[j])
            problem._cache[key] = (self, away)
        found: Floats = problem._cache[key][1]
        return found

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return one column: the least distance."""
        most = float(self.between(problem).max(initial=0.0))
        return ExtraColumns(
            ("least distance",), np.zeros(1), np.array([most]), np.zeros(1, bool)
        )

    def coefficients(self, problem: Problem) -> Floats:
        """Return 1 for the least distance."""
        out = np.zeros(problem.n_columns)
        out[_own(problem)] = 1.0
        return out

    def is_lazy(self, problem: Problem) -> bool:
        """Return whether a row per pair of sites would be many."""
        return 1.5 * problem.n_sites**2 > WRITTEN_OUT / 10

    def _pair_rows(self, problem: Problem, i: Ints, j: Ints) -> Rows:
        """Return "not farther than this pair, if both are chosen"."""
        away = self.between(problem)
        most = float(away.max(initial=0.0))
        row = np.arange(i.size)
        room = most - away[i, j]
        pairs = sparse.csr_array(
            (np.concatenate([room, room]), (np.tile(row, 2), np.concatenate([i, j]))),
            shape=(i.size, problem.n_sites),
        )
        least = sparse.csr_array(
            (np.ones(i.size), (row, np.full(i.size, _own(problem).start))),
            shape=(i.size, problem.n_columns),
        )
        return Rows.make(
            pairs @ _opens(problem) + least,
            -np.inf,
            2 * most - away[i, j],
            OBJECTIVE_ROWS,
        )

    def _two(self, problem: Problem) -> Rows:
        every = sparse.csr_array(_opens(problem).sum(axis=0).reshape(1, -1))
        return Rows.make(every, 2.0, np.inf, OBJECTIVE_ROWS)

    def rows(self, problem: Problem) -> Rows:
        """Return a row per pair, and that there are two sites or more."""
        i, j = np.triu_indices(problem.n_sites, 1)
        return Rows.stack([self._two(problem), self._pair_rows(problem, i, j)])

    def cuts(self, problem: Problem, x: Floats) -> Rows:
        """Return the rows that ``x`` breaks."""
        away, open_ = self.between(problem), problem.sites_open(x)
        i, j = np.triu_indices(problem.n_sites, 1)
        most = float(away.max(initial=0.0))
        room = most - away[i, j]
        told = float(x[_own(problem)][0]) - BROKEN * max(1.0, most)
        broken = told > away[i, j] + room * (2 - open_[i] - open_[j])
        parts = [self._pair_rows(problem, i[broken], j[broken])]
        if open_.sum() < 2 - 1e-6:
            parts.append(self._two(problem))
        return Rows.stack(parts)

    def mended(self, problem: Problem, x: Floats) -> Floats:
        """Return a solution with the least distance that its sites have."""
        x = x.copy()
        open_ = _open_sites(problem, x)
        x[_own(problem)] = dispersion.least_distance(self.between(problem), open_)
        return x

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the least distance between chosen sites."""
        chosen = sites[sites["mw"] > 0]
        away = _plain_distances(chosen, chosen, self.distance)
        away = np.maximum(away, away.T)
        np.fill_diagonal(away, np.inf)
        return float(away.min(initial=np.inf))

    def solve(
        self, compiled: Compiled, clock: Clock, say: Callable[[str], object]
    ) -> Solution | None:
        """Search the distances there are, with all limits."""
        from siteselect.optimization.solve import finish

        request, problem = compiled.request, compiled.problem
        least = max(int(request.min_sites or 0), int(problem.fixed.sum()))
        if least < 2:
            raise StudyError(
                four_parts(
                    "the largest least distance was asked for",
                    f"{least} sites or more are, and it takes two to have a distance",
                    "two sites or more, given as min_sites or fixed",
                    "min_sites=2",
                )
            )
        away = self.between(problem)
        free, _ = _free_sites(problem)
        counts = _only_counts(compiled)
        deadline = _deadline(compiled, clock)
        if counts is not None:
            kept = np.searchsorted(free, np.flatnonzero(problem.fixed))
            found = dispersion.disperse(
                away[np.ix_(free, free)], counts.least, fixed=kept, deadline=deadline
            )
            clock.lap("solve")
            chosen = free[found.chosen]
            return _solution(
                compiled,
                chosen,
                np.array([found.distance]),
                found.bound,
                "search of the distances",
            )
        levels = np.unique(away[np.triu_indices(problem.n_sites, 1)])[::-1]
        opens = _opens(problem)

        def rows_at(level: float) -> Rows:
            close = away < level
            np.fill_diagonal(close, False)
            cliques = dispersion.conflict_cliques(close)
            row = np.repeat(np.arange(len(cliques)), [len(c) for c in cliques])
            item = np.concatenate([*cliques, np.zeros(0, np.int64)]).astype(np.int64)
            member = sparse.csr_array(
                (np.ones(item.size), (row, item)),
                shape=(len(cliques), problem.n_sites),
            )
            return Rows.make(member @ opens, -np.inf, 1.0, OBJECTIVE_ROWS)

        def value_of(x: Floats) -> float:
            return dispersion.least_distance(away, _open_sites(problem, x))

        found_level = _bisect(
            compiled, levels, rows_at, value_of, clock, say, self._two(problem)
        )
        if found_level is None:
            return None
        x, _, bound = found_level
        x = self.mended(problem, _rounded(problem, x))
        return finish(problem, x, bound, None, "search of the distances", request.gap)


# ---------------------------------------------------------------- near to demand


@dataclass(frozen=True, eq=False)
class _Nearness:
    """What the objectives of nearness share: demand, weights, distances."""

    demand: Any
    weight: Quantity = field(default=1.0, kw_only=True)
    distance: pd.DataFrame | None = field(default=None, kw_only=True)
    unit: str = field(default="km", kw_only=True)

    name = "distance"
    maximize = False

    def __post_init__(self) -> None:
        demand_weights(self.demand, self.weight, self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.demand)} places)"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series of the candidates that this reads."""
        return ()

    def measured(self, problem: Problem) -> tuple[Floats, Floats]:
        """Return distances (n_places, n_sites) and the share of weight of each."""
        key = (self.name, id(self))
        if key not in problem._cache:
            weights = demand_weights(self.demand, self.weight, self.name)
            away, which = _measured(
                problem.frame, self.demand, self.distance, self.name
            )
            share = np.bincount(which, weights=weights, minlength=len(away))
            some = share > 0
            problem._cache[key] = (self, away[some], share[some] / share.sum())
        _, away, share = problem._cache[key]
        return away, share

    def coefficients(self, problem: Problem) -> Floats:
        """Return nothing for the sites: the objective's own columns have it."""
        raise NotImplementedError


def _level_rows(
    problem: Problem, away: Floats, i: Ints, level: Floats, own: Ints
) -> Rows:
    """Return "own >= level, less what each nearer site saves" per pair.

    Of the sites nearer than the level one must be chosen, or the way is at least
    the level; with several chosen the row is weaker than it could be and still
    holds.
    """
    save = np.maximum(level[:, None] - away[i], 0.0)
    saved = sparse.csr_array(save) @ _opens(problem)
    is_own = sparse.csr_array(
        (np.ones(i.size), (np.arange(i.size), own)),
        shape=(i.size, problem.n_columns),
    )
    return Rows.make(saved + is_own, level, np.inf, OBJECTIVE_ROWS)


def _critical(away: Floats, order: Ints, open_: Floats) -> Floats:
    """Return per demand the distance within which a whole site is chosen."""
    sorted_open = np.cumsum(open_[order], axis=1)
    at = (sorted_open < 1 - 1e-9).sum(axis=1)
    at = np.minimum(at, order.shape[1] - 1)
    rows = np.arange(order.shape[0])
    found: Floats = away[rows, order[rows, at]]
    return found


@dataclass(frozen=True, eq=False, repr=False)
class MeanDistance(_Nearness):
    """Minimise the mean distance from demand to its nearest chosen site (p-median).

    Parameters
    ----------
    demand : geopandas.GeoDataFrame or GeoSeries
        Who is to be near: points, or polygons that count at their representative
        point. Any CRS.
    weight : str, number or Series, default 1
        Weight of each row of ``demand``, 0 or more.
    distance : pandas.DataFrame, optional
        Distances of your own, for example travel times, with site labels as index
        and demand labels as columns, in ``unit``. Geodesic [km] without.
    unit : str, default "km"
        Unit of the value.

    Notes
    -----
    The value is the weighted mean. More sites are never worse: give ``max_sites``
    or another limit.

    References
    ----------
    .. [1] Hakimi, S. L. (1964). Optimum locations of switching centers and the
       absolute centers and medians of a graph. Operations Research 12(3), 450-459.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> places = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([-100, -99, -98, -90], [32] * 4), crs=4326
    ... )
    >>> plan = optimize_sites(
    ...     places, site_mw=1, max_sites=2, objective=MeanDistance(places)
    ... )
    >>> sorted(plan.sites.index), round(plan.objective, 1), plan.status
    ([1, 3], 47.2, 'optimal')
    """

    name = "mean distance"

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return the way of each demand to its nearest chosen site."""
        away, share = self.measured(problem)
        n = share.size
        return ExtraColumns(
            tuple(f"way {k}" for k in range(n)),
            away.min(axis=1),
            away.max(axis=1),
            np.zeros(n, dtype=bool),
            objective=share,
        )

    def coefficients(self, problem: Problem) -> Floats:
        """Return 0 for the sites: the ways have brought their weights along."""
        return np.zeros(problem.n_columns)

    def is_lazy(self, problem: Problem) -> bool:
        """Return whether a row per demand and site would be many."""
        away, _ = self.measured(problem)
        return 0.5 * away.size * problem.n_sites > WRITTEN_OUT

    def _rows(self, problem: Problem, i: Ints, level: Floats) -> Rows:
        away, _ = self.measured(problem)
        return _level_rows(problem, away, i, level, _own(problem).start + i)

    def _some(self, problem: Problem) -> Rows:
        every = sparse.csr_array(_opens(problem).sum(axis=0).reshape(1, -1))
        return Rows.make(every, 1.0, np.inf, OBJECTIVE_ROWS)

    def rows(self, problem: Problem) -> Rows:
        """Return a row per demand and different distance, and that there is a site."""
        away, share = self.measured(problem)
        i = np.repeat(np.arange(share.size), away.shape[1])
        level = away.ravel()
        if i.size:
            i, level = np.unique(np.column_stack([i, level]), axis=0).T
        rows = self._rows(problem, i.astype(np.int64), level)
        return Rows.stack([self._some(problem), rows])

    def cuts(self, problem: Problem, x: Floats, share: float = BROKEN) -> Rows:
        """Return the strongest row of each demand that ``x`` breaks."""
        away, _ = self.measured(problem)
        room = share * max(1.0, float(away.max(initial=0.0)))
        key = ("order", id(self))
        if key not in problem._cache:
            problem._cache[key] = (self, np.argsort(away, axis=1, kind="stable"))
        open_ = problem.sites_open(x)
        level = _critical(away, problem._cache[key][1], open_)
        told = x[_own(problem)]
        # What every nearer site saves, as far as it is chosen.
        saved = (np.maximum(level[:, None] - away, 0.0) * open_).sum(axis=1)
        i = np.flatnonzero(told < level - saved - room)
        parts = [self._rows(problem, i, level[i])]
        if open_.sum() < 1 - 1e-6:
            parts.append(self._some(problem))
        return Rows.stack(parts)

    def mended(self, problem: Problem, x: Floats) -> Floats:
        """Return a solution with the ways that its sites have."""
        away, _ = self.measured(problem)
        x = x.copy()
        x[_own(problem)] = away[:, _open_sites(problem, x)].min(axis=1)
        return x

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the weighted mean distance to the nearest chosen site."""
        chosen = sites[sites["mw"] > 0]
        weights = _plain_weights(self.demand, self.weight)
        if not len(chosen):
            return float("inf")
        away = _plain_distances(chosen, self.demand, self.distance).min(axis=1)
        return float(np.average(away, weights=weights))

    def solve(
        self, compiled: Compiled, clock: Clock, say: Callable[[str], object]
    ) -> Solution:
        """Find a p-median, or cut away what the limits leave."""
        problem = compiled.problem
        away, share = self.measured(problem)
        counts = _only_counts(compiled)
        free, _ = _free_sites(problem)
        if counts is not None and counts.most >= 1:
            found = median.p_median(
                away[:, free] * share[:, None],
                counts.most,
                fixed=np.searchsorted(free, np.flatnonzero(problem.fixed)),
                gap=0.1 * compiled.request.gap,
                deadline=_deadline(compiled, clock),
            )
            clock.lap("solve")
            chosen = free[found.chosen]
            own = away[:, chosen].min(axis=1)
            return _solution(
                compiled, chosen, own, found.bound, "exchanges, bound and core"
            )

        return _cut_until_true(self, compiled, clock, say)


def _cut_until_true(
    objective: MeanDistance,
    compiled: Compiled,
    clock: Clock,
    say: Callable[[str], object],
) -> Solution:
    """Add broken rows to the relaxation, then to the program, until none is left."""
    from siteselect.optimization.solve import finish, solve_full

    base = _without_objective(compiled)
    problem, request = compiled.problem, compiled.request
    rows = Rows.stack([base.rows, objective._some(problem)])
    sign = 1.0 if problem.maximize else -1.0
    relaxed = highs.LiveLp(
        sign * problem.objective,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
    )
    parts = [rows]
    for _ in range(100):
        answer = relaxed.solve()
        if answer.status != "optimal":
            break
        more = objective.cuts(problem, answer.x, EXACTLY)
        if not len(more):
            break
        relaxed.add_rows(more.matrix, more.lower, more.upper)
        parts.append(more)
    say(f"{sum(map(len, parts)) - len(rows):,} rows of nearness")
    best: Solution | None = None
    seen: set[tuple[tuple[int, ...], float]] = set()
    bound = -np.inf if not problem.maximize else np.inf
    while True:
        now = replace(base, rows=Rows.stack(parts))
        found = solve_full(now, clock=clock, say=say)
        assert found.x is not None
        x = objective.mended(problem, found.x)
        bound = max(bound, found.bound)
        value = float(problem.objective @ x)
        if best is None or value < best.objective:
            best = replace(found, x=x, objective=value)
        more = objective.cuts(problem, found.x, EXACTLY)
        # The same sites at the same bound: what is left is the solver's rounding.
        state = (tuple(_open_sites(problem, found.x).tolist()), found.bound)
        left = clock.left(request.time_limit_s)
        enough = best.objective - bound <= request.gap * abs(best.objective)
        if not len(more) or enough or left == 0.0 or state in seen:
            break
        seen.add(state)
        parts.append(more)
    assert best.x is not None
    duals = None
    if best.duals is not None:
        # Prices of the limits' rows; the objective's own were left out here.
        kept = compiled.rows.limit != OBJECTIVE_ROWS
        duals = np.zeros(len(compiled.rows))
        duals[kept] = best.duals[: int(kept.sum())]
    return finish(problem, best.x, sign * bound, duals, best.solver, request.gap)


@dataclass(frozen=True, eq=False, repr=False)
class MaxDistance(_Nearness):
    """Minimise the distance of the demand that is farthest from a site (p-center).

    Parameters
    ----------
    demand : geopandas.GeoDataFrame or GeoSeries
        Who is to be near: points, or polygons that count at their representative
        point. Any CRS.
    weight : str, number or Series, default 1
        Only rows with a weight over 0 count.
    distance : pandas.DataFrame, optional
        Distances of your own with site labels as index and demand labels as
        columns, in ``unit``. Geodesic [km] without.
    unit : str, default "km"
        Unit of the value.

    References
    ----------
    .. [1] Hakimi, S. L. (1964). Optimum locations of switching centers and the
       absolute centers and medians of a graph. Operations Research 12(3), 450-459.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> places = gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([-100, -99, -98, -90], [32] * 4), crs=4326
    ... )
    >>> plan = optimize_sites(
    ...     places, site_mw=1, max_sites=2, objective=MaxDistance(places)
    ... )
    >>> sorted(plan.sites.index), round(plan.objective, 1)
    ([1, 3], 94.5)
    """

    name = "largest distance"

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return one column: the largest distance."""
        away, _ = self.measured(problem)
        low, high = away.min(axis=1).max(), away.max()
        return ExtraColumns(
            ("largest distance",),
            np.array([low]),
            np.array([high]),
            np.zeros(1, dtype=bool),
            objective=np.ones(1),
        )

    def coefficients(self, problem: Problem) -> Floats:
        """Return 0 for the sites: the largest distance has brought its 1 along."""
        return np.zeros(problem.n_columns)

    def is_lazy(self, problem: Problem) -> bool:
        """Return whether a row per demand and site would be many."""
        away, _ = self.measured(problem)
        return 0.5 * away.size * problem.n_sites > WRITTEN_OUT

    def _rows(self, problem: Problem, i: Ints, level: Floats) -> Rows:
        away, _ = self.measured(problem)
        own = np.full(i.size, _own(problem).start)
        return _level_rows(problem, away, i, level, own)

    def _some(self, problem: Problem) -> Rows:
        every = sparse.csr_array(_opens(problem).sum(axis=0).reshape(1, -1))
        return Rows.make(every, 1.0, np.inf, OBJECTIVE_ROWS)

    def rows(self, problem: Problem) -> Rows:
        """Return a row per demand and different distance, and that there is a site."""
        away, share = self.measured(problem)
        pairs = np.column_stack(
            [np.repeat(np.arange(share.size), away.shape[1]), away.ravel()]
        )
        i, level = np.unique(pairs, axis=0).T
        rows = self._rows(problem, i.astype(np.int64), level)
        return Rows.stack([self._some(problem), rows])

    def cuts(self, problem: Problem, x: Floats) -> Rows:
        """Return the strongest row of each demand that ``x`` breaks."""
        away, _ = self.measured(problem)
        open_ = problem.sites_open(x)
        level = _critical(away, np.argsort(away, axis=1, kind="stable"), open_)
        saved = (np.maximum(level[:, None] - away, 0.0) * open_).sum(axis=1)
        told = float(x[_own(problem)][0]) + BROKEN * max(1.0, float(away.max()))
        i = np.flatnonzero(told < level - saved)
        parts = [self._rows(problem, i, level[i])]
        if open_.sum() < 1 - 1e-6:
            parts.append(self._some(problem))
        return Rows.stack(parts)

    def mended(self, problem: Problem, x: Floats) -> Floats:
        """Return a solution with the largest distance that its sites have."""
        away, _ = self.measured(problem)
        x = x.copy()
        x[_own(problem)] = median.center_value(away, _open_sites(problem, x))
        return x

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the largest distance to the nearest chosen site."""
        chosen = sites[sites["mw"] > 0]
        if not len(chosen):
            return float("inf")
        counts = _plain_weights(self.demand, self.weight) > 0
        away = _plain_distances(chosen, self.demand, self.distance)[counts]
        return float(away.min(axis=1).max())

    def solve(
        self, compiled: Compiled, clock: Clock, say: Callable[[str], object]
    ) -> Solution | None:
        """Search the distances there are, with all limits."""
        from siteselect.optimization.solve import finish

        problem = compiled.problem
        away, _ = self.measured(problem)
        counts = _only_counts(compiled)
        free, _ = _free_sites(problem)
        if counts is not None and counts.most >= 1:
            found = median.p_center(
                away[:, free],
                counts.most,
                fixed=np.searchsorted(free, np.flatnonzero(problem.fixed)),
                deadline=_deadline(compiled, clock),
            )
            clock.lap("solve")
            return _solution(
                compiled,
                free[found.chosen],
                np.array([found.value]),
                found.bound,
                "search of the distances",
            )
        levels = np.unique(away)
        opens = _opens(problem)

        def rows_at(level: float) -> Rows:
            reached = np.unique(away <= level, axis=0)
            member = sparse.csr_array(reached.astype(np.float64))
            return Rows.make(member @ opens, 1.0, np.inf, OBJECTIVE_ROWS)

        def value_of(x: Floats) -> float:
            return median.center_value(away, _open_sites(problem, x))

        found_level = _bisect(
            compiled, levels, rows_at, value_of, clock, say, self._some(problem)
        )
        if found_level is None:
            return None
        x, _, bound = found_level
        x = self.mended(problem, _rounded(problem, x))
        return finish(
            problem, x, -bound, None, "search of the distances", compiled.request.gap
        )


@dataclass(frozen=True, eq=False, repr=False)
class Covered(_Nearness):
    """Maximise the share of a demand layer within reach of a site (maximal covering).

    Reach is a distance, or a one-way latency of light in fiber:
    ``ms = great-circle km x circuity x us_per_km / 1000``.

    Parameters
    ----------
    demand : geopandas.GeoDataFrame or GeoSeries
        Who is to be reached. Any CRS.
    weight : str, number or Series, default 1
        Weight of each row of ``demand``, 0 or more.
    km : float, optional
        Largest distance, inclusive [km, or the unit of ``distance``].
    ms : float, optional
        Largest one-way latency [ms], inclusive. Give ``km`` or ``ms``.
    distance : pandas.DataFrame, optional
        Distances of your own with site labels as index and demand labels as
        columns.
    circuity : float, default 1.5
        Route length over great-circle length [ratio]; judgement, as in `Cover`.
    us_per_km : float, default 4.9
        One-way delay per km of fiber [µs per km], as in `Cover`.
    unit : str, default "share"
        Unit of the objective in the plan.

    Raises
    ------
    StudyError
        The reach or the demand cannot be used.

    References
    ----------
    .. [1] Church, R. and ReVelle, C. (1974). The maximal covering location problem.
       Papers of the Regional Science Association 32, 101-118.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> places = gpd.GeoDataFrame(
    ...     {"population": [5, 1, 1, 4]},
    ...     geometry=gpd.points_from_xy([-100, -99, -98, -90], [32] * 4), crs=4326
    ... )
    >>> plan = optimize_sites(
    ...     places, site_mw=1, max_sites=1,
    ...     objective=Covered(places, weight="population", km=100),
    ... )
    >>> plan.sites.index.tolist(), round(plan.objective, 3)
    ([1], 0.636)

    >>> Covered(places, km=100).reach_km
    100.0
    """

    unit: str = field(default="share", kw_only=True)
    km: float | None = field(default=None, kw_only=True)
    ms: float | None = field(default=None, kw_only=True)
    circuity: float = field(default=FIBER_CIRCUITY, kw_only=True)
    us_per_km: float = field(default=FIBER_US_PER_KM, kw_only=True)

    name = "covered share"
    maximize = True

    def __post_init__(self) -> None:
        demand_weights(self.demand, self.weight, self.name)
        if (self.km is None) == (self.ms is None):
            raise StudyError(
                four_parts(
                    "Covered needs a reach",
                    "km and ms are both " + ("missing" if self.km is None else "given"),
                    "a distance in km or a one-way latency in ms",
                    "siteselect.Covered(demand, km=100)",
                )
            )
        if self.ms is not None:
            check_latency(self.ms, self.circuity, self.us_per_km, self.name)
        elif self.distance is None:
            reach(self.km, self.name)
        else:
            number(self.km, self.name)

    @property
    def reach_km(self) -> float:
        """Largest distance to a chosen site [km]."""
        if self.ms is None:
            return float(self.km or 0.0)
        return latency_km(self.ms, self.circuity, self.us_per_km)

    def _groups(self, problem: Problem) -> tuple[sparse.csr_array, Floats]:
        """Return who is reached by whom, and the weight, alike demand together."""
        key = ("covered", id(self))
        if key not in problem._cache:
            away, share = self.measured(problem)
            row, site = np.nonzero(away <= self.reach_km * (1 + 1e-9))
            first, group = same_sets(row, site, len(away), problem.n_sites)
            some = group >= 0
            weight = np.bincount(group[some], weights=share[some], minlength=first.size)
            keep = np.isin(row, first)
            member = sparse.csr_array(
                (np.ones(int(keep.sum())), (group[row[keep]], site[keep])),
                shape=(first.size, problem.n_sites),
            )
            problem._cache[key] = (self, member, weight.astype(np.float64))
        _, member, weight = problem._cache[key]
        return member, weight

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return "covered" per set of sites in reach, 0 to 1."""
        _, weight = self._groups(problem)
        n = weight.size
        return ExtraColumns(
            tuple(f"covered {k}" for k in range(n)),
            np.zeros(n),
            np.ones(n),
            np.zeros(n, dtype=bool),
            objective=weight,
        )

    def coefficients(self, problem: Problem) -> Floats:
        """Return 0 for the sites: what is covered has brought its weight along."""
        return np.zeros(problem.n_columns)

    def rows(self, problem: Problem) -> Rows:
        """Return "covered only by a chosen site" per set of sites in reach."""
        member, weight = self._groups(problem)
        n = weight.size
        covered = sparse.csr_array(
            (np.ones(n), (np.arange(n), _own(problem).start + np.arange(n))),
            shape=(n, problem.n_columns),
        )
        return Rows.make(
            covered - member @ _opens(problem), -np.inf, 0.0, OBJECTIVE_ROWS
        )

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the share of the weight within reach of a chosen site."""
        chosen = sites[sites["mw"] > 0]
        weights = _plain_weights(self.demand, self.weight)
        away = _plain_distances(chosen, self.demand, self.distance)
        if self.ms is not None:
            delay = away * self.circuity * self.us_per_km / 1000.0
            reached = (delay <= self.ms * (1 + 1e-9)).any(axis=1)
        else:
            reached = (away <= float(self.km or 0.0) * (1 + 1e-9)).any(axis=1)
        return float(weights[reached].sum() / weights.sum())


# -------------------------------------------------------------- cheap to serve it


@dataclass(frozen=True, eq=False)
class ServeCost:
    """Minimise what sites and serving all demand from them cost together.

    The capacitated facility location problem: the megawatts of each demand are
    served from chosen sites, which give no more than they have.

    Parameters
    ----------
    demand : geopandas.GeoDataFrame or GeoSeries
        Who is to be served. Any CRS.
    mw : str, number or Series
        What each row of ``demand`` needs [MW].
    usd_per_mw_km : float, optional
        Cost of serving one MW over one km [USD/(MW km)], along the geodesic.
    cost : pandas.DataFrame, optional
        Cost of serving one MW [USD/MW] with site labels as index and demand labels
        as columns. Give this or ``usd_per_mw_km``.
    capacitated : bool, default True
        False: a chosen site serves as much as is asked of it.
    single : bool, default False
        True: every demand is served from one site only.

    Raises
    ------
    StudyError
        The demand, its loads or the costs cannot be used.

    Notes
    -----
    Costs of the sites are those of the cost columns, as for a budget.

    References
    ----------
    .. [1] Sridharan, R. (1995). The capacitated plant location problem. European
       Journal of Operational Research 87(2), 203-213.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"fixed_cost_usd": [100.0, 100.0, 900.0]},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32] * 3), crs=4326,
    ... )
    >>> towns = gpd.GeoDataFrame(
    ...     {"load": [6.0, 3.0]}, geometry=sites.geometry[1:].array, crs=4326
    ... )
    >>> plan = optimize_sites(
    ...     sites, site_mw=8, objective=ServeCost(towns, mw="load", usd_per_mw_km=1)
    ... )
    >>> sorted(plan.sites.index), round(plan.objective)
    ([0, 1], 578)
    """

    demand: Any
    mw: Quantity = field(kw_only=True)
    usd_per_mw_km: float | None = field(default=None, kw_only=True)
    cost: pd.DataFrame | None = field(default=None, kw_only=True)
    capacitated: bool = field(default=True, kw_only=True)
    single: bool = field(default=False, kw_only=True)

    name = "cost of serving"
    unit = "USD"
    maximize = False

    def __post_init__(self) -> None:
        demand_weights(self.demand, self.mw, self.name)
        yes_or_no(self.capacitated, "capacitated")
        yes_or_no(self.single, "single")
        if (self.cost is None) == (self.usd_per_mw_km is None):
            raise StudyError(
                four_parts(
                    "ServeCost needs a cost of serving",
                    "cost and usd_per_mw_km are both "
                    + ("missing" if self.cost is None else "given"),
                    "one of them",
                    "siteselect.ServeCost(demand, mw='load_mw', usd_per_mw_km=400)",
                )
            )
        if self.usd_per_mw_km is not None:
            rate = number(self.usd_per_mw_km, "usd_per_mw_km")
            if rate < 0:
                raise StudyError(
                    four_parts(
                        f"usd_per_mw_km={rate:g} was asked for",
                        "that is negative",
                        "0 or more USD per MW and km",
                        f"usd_per_mw_km={-rate:g}",
                    )
                )

    def __repr__(self) -> str:
        return f"ServeCost({len(self.demand)} places)"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series of the candidates that this reads."""
        return ()

    def _serving(self, problem: Problem) -> tuple[Floats, Floats]:
        """Return the cost per MW (n_places, n_sites) and the MW of each place."""
        key = ("serving", id(self))
        if key not in problem._cache:
            need = demand_weights(self.demand, self.mw, self.name)
            per_mw, which = _measured(problem.frame, self.demand, self.cost, self.name)
            if self.usd_per_mw_km is not None:
                per_mw = per_mw * float(self.usd_per_mw_km)
            if self.single:
                # Demand at one place need not be served from one site.
                per_mw, which = per_mw[which], np.arange(which.size)
            total = np.bincount(which, weights=need, minlength=len(per_mw))
            some = total > 0
            problem._cache[key] = (self, per_mw[some], total[some])
        _, per_mw, total = problem._cache[key]
        return per_mw, total

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return the share of each demand that each site serves."""
        per_mw, need = self._serving(problem)
        n = per_mw.size
        return ExtraColumns(
            tuple(
                f"serve {i} from {j}"
                for i in range(per_mw.shape[0])
                for j in range(per_mw.shape[1])
            ),
            np.zeros(n),
            np.ones(n),
            np.full(n, self.single, dtype=bool),
            objective=(per_mw * need[:, None]).ravel(),
        )

    def coefficients(self, problem: Problem) -> Floats:
        """Return the cost of the sites: serving has brought its cost along."""
        out: Floats = np.where(problem.column_site >= 0, problem.column_cost, 0.0)
        return out

    def rows(self, problem: Problem) -> Rows:
        """Return "all is served, by open sites only, within what they have"."""
        per_mw, need = self._serving(problem)
        n_demand, n_sites = per_mw.shape
        start, n = _own(problem).start, problem.n_columns
        own = start + np.arange(per_mw.size)
        i = np.repeat(np.arange(n_demand), n_sites)
        j = np.tile(np.arange(n_sites), n_demand)
        one = np.ones(own.size)
        served = sparse.csr_array((one, (i, own)), shape=(n_demand, n))
        each = sparse.csr_array((one, (np.arange(own.size), own)), (own.size, n))
        opens = _opens(problem)
        parts = [
            Rows.make(served, 1.0, 1.0, OBJECTIVE_ROWS),
            Rows.make(each - opens[j], -np.inf, 0.0, OBJECTIVE_ROWS),
        ]
        if self.capacitated:
            gives = sparse.csr_array((need[i] / 1e3, (j, own)), shape=(n_sites, n))
            has = problem.site_rows(
                np.arange(n_sites), n_sites, problem.column_mw / 1e3
            )
            parts.append(Rows.make(gives - has, -np.inf, 0.0, OBJECTIVE_ROWS))
            # All sites together have what all demand needs: implied, and tight.
            total = sparse.csr_array(has.sum(axis=0).reshape(1, -1))
            parts.append(Rows.make(total, need.sum() / 1e3, np.inf, OBJECTIVE_ROWS))
        return Rows.stack(parts)

    def mended(self, problem: Problem, x: Floats) -> Floats:
        """Return ``x`` with all demand served as cheaply as its sites can.

        A plan within the gap may serve some demand from farther than it must.
        """
        per_mw, need = self._serving(problem)
        own = _own(problem)
        open_ = np.zeros(problem.n_sites, dtype=bool)
        open_[_open_sites(problem, x)] = True
        column = own.start + np.flatnonzero(np.tile(open_, per_mw.shape[0]))
        rows = self.rows(problem)
        rest = x.copy()
        rest[own] = 0.0
        given = rows.matrix @ rest
        found = highs.solve_mip(
            -(per_mw * need[:, None])[:, open_].ravel(),
            sparse.csr_array(rows.matrix[:, column]),
            rows.lower - given,
            rows.upper - given,
            np.zeros(column.size),
            np.ones(column.size),
            np.full(column.size, self.single),
            gap=0.0,
        )
        if found.x is None:
            return x
        rest[column] = np.round(found.x) if self.single else found.x
        is_less = problem.objective @ rest < problem.objective @ x
        return rest if is_less else x

    def value(self, sites: gpd.GeoDataFrame) -> float:
        """Return the cost of the sites and of serving all demand best from them."""
        chosen = sites[sites["mw"] > 0]
        need = _plain_weights(self.demand, self.mw)
        if self.cost is None:
            per_mw = _plain_distances(chosen, self.demand, None)
            per_mw = per_mw * float(self.usd_per_mw_km or 0.0)
        else:
            per_mw = _plain_distances(chosen, self.demand, self.cost)
        building = float(sites["cost_usd"].sum())
        if not self.capacitated:
            if not len(chosen):
                return float("inf")
            return building + float((per_mw.min(axis=1) * need).sum())
        have = chosen["mw"].to_numpy(dtype=float)
        n, m = per_mw.shape
        # Megawatts (or, from one site each, the whole) from each site to each demand.
        whole = need if self.single else np.ones(n)
        everyone = np.kron(np.eye(n), np.ones((1, m)))
        each_site = np.kron(np.ones((1, n)), np.eye(m)) * np.repeat(whole, m)
        scale = max(1.0, float(np.abs(per_mw).max(initial=0.0)))
        flow: Any = linprog(
            (per_mw * whole[:, None]).ravel() / scale,
            A_ub=each_site,
            b_ub=have * (1 + 1e-9),
            A_eq=everyone,
            b_eq=np.ones(n) if self.single else need,
            bounds=(0, 1) if self.single else (0, None),
            integrality=1 if self.single else 0,
        )
        if flow.status != 0:
            return float("inf")
        return building + float(flow.fun) * scale


__all__ = ["Covered", "MaxDistance", "MaxMinDistance", "MeanDistance", "ServeCost"]
