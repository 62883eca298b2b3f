"""Coverage: a share of people, or of any weight, within reach of a chosen site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import Geod
from scipy import sparse

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.layers.crs import require_crs
from siteselect.optimization._distance import lonlat
from siteselect.optimization.clustering import FARTHEST_KM, pairs_in_reach, reach
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import accounts, clean_name
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
from siteselect.optimization.rules import each_year
from siteselect.suitability.fiber import FIBER_CIRCUITY, FIBER_US_PER_KM

#: Above this many pairs of demand and site in reach, sites are listed in blocks.
MANY_PAIRS = 300_000
#: Sites in a block at least, and blocks in a block.
SMALLEST_BLOCK = 8
BLOCK = 4
#: Blocks of the first level: each is a variable that is always there.
MOST_BLOCKS = 3_000


@dataclass(frozen=True, eq=False)
class Reached:
    """Which sites reach which demand.

    Parameters
    ----------
    share : ndarray, shape (n_sets,)
        Share of the weight of demand with the same sites in reach.
    sets : csr_array, shape (n_sets, n_sites + n_blocks)
        Sites and blocks of sites in reach.
    blocks : csr_array, shape (n_blocks, n_sites + n_blocks)
        What a block consists of.
    """

    share: Floats
    sets: sparse.csr_array
    blocks: sparse.csr_array


@dataclass(frozen=True, eq=False)
class Cover(ShownAsCard):
    """Bring a share of a demand layer within reach of a chosen site.

    Reach is a distance, or a one-way latency of light in fiber:
    ``ms = great-circle km x circuity x us_per_km / 1000``. Equipment adds to that;
    take it off ``ms`` beforehand.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    demand : geopandas.GeoDataFrame or GeoSeries
        Who is to be reached: points, or polygons that count at their
        representative point. Any CRS.
    weight : str, number or Series, default "population"
        Weight of each row of ``demand``, 0 or more.
    km : float, optional
        Largest geodesic distance [km], inclusive.
    ms : float, optional
        Largest one-way latency [ms], inclusive. Give ``km`` or ``ms``.
    at_least : float or ByYear
        Least share of the weight in reach of a chosen site, 0 to 1.
    circuity : float, default 1.5
        Route length over great-circle length [ratio]; judgement, 1.3 to 1.5 is
        usual. Used with ``ms`` only.
    us_per_km : float, default 4.9
        One-way delay per km of fiber [µs per km]: group index 1.468 [1]_ over the
        speed of light in vacuum. Used with ``ms`` only.

    Notes
    -----
    A maximal covering model [2]_ whose coverage is bounded instead of maximized.
    Demand that no candidate reaches has no variable but still counts in the whole.
    Demand with the same candidates in reach shares one variable, which need not be
    integer: it lies between 0 and 1 and never over the number of chosen sites in
    reach.

    References
    ----------
    .. [1] Corning, SMF-28 Ultra optical fiber, product information: effective group
       index of refraction 1.4676 at 1310 nm, 1.4682 at 1550 nm.
    .. [2] R. Church, C. ReVelle, "The maximal covering location problem", Papers of
       the Regional Science Association 32 (1974) 101-118.

    Raises
    ------
    StudyError
        The demand is empty or has no weight, a weight is unknown or negative, both
        or none of ``km`` and ``ms`` are given, or the share is outside 0 to 1.
    CRSError
        The demand has no CRS.

    Examples
    --------
    >>> import geopandas as gpd
    >>> towns = gpd.GeoDataFrame(
    ...     {"population": [700_000, 300_000]},
    ...     geometry=gpd.points_from_xy([-97, -95], [33, 30]), crs=4326)
    >>> Cover("people within 5 ms", towns, ms=5, at_least=0.6)
    Cover('people within 5 ms')
    >>> round(Cover("c", towns, ms=5, at_least=0.6).reach_km)
    680
    """

    name: str
    demand: gpd.GeoDataFrame | gpd.GeoSeries
    weight: Quantity = field(default="population", kw_only=True)
    km: float | None = field(default=None, kw_only=True)
    ms: float | None = field(default=None, kw_only=True)
    at_least: Any = field(kw_only=True)
    circuity: float = field(default=FIBER_CIRCUITY, kw_only=True)
    us_per_km: float = field(default=FIBER_US_PER_KM, kw_only=True)

    def __post_init__(self) -> None:
        clean_name(self.name, "Cover")
        if (self.km is None) == (self.ms is None):
            raise StudyError(
                four_parts(
                    f"{self.name!r} needs a reach",
                    "km and ms are both " + ("missing" if self.km is None else "given"),
                    "a distance in km or a one-way latency in ms",
                    "siteselect.Cover(name, demand, km=100, at_least=0.8)",
                )
            )
        for share in each_year(self.at_least, self.name):
            if not 0 <= share <= 1:
                raise StudyError(
                    four_parts(
                        f"{self.name!r} asks for a share of {share:g}",
                        "that is outside of what a share can be",
                        "a share from 0 to 1",
                        f"{share:g} percent is {share / 100:g}",
                    )
                )
        if self.km is not None:
            reach(self.km, self.name)
        else:
            check_latency(self.ms, self.circuity, self.us_per_km, self.name)
        demand_weights(self.demand, self.weight, self.name)

    def __repr__(self) -> str:
        return f"Cover({self.name!r})"

    @property
    def reach_km(self) -> float:
        """Largest geodesic distance to a chosen site [km]."""
        if self.km is not None:
            return float(self.km)
        assert self.ms is not None
        return latency_km(self.ms, self.circuity, self.us_per_km)

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series of the candidates that this limit reads."""
        return ()

    def _reached(self, problem: Problem) -> Reached:
        """Return who is reached by which site; kept with the problem."""
        key = ("cover", id(self))
        if key not in problem._cache:
            weights = demand_weights(self.demand, self.weight, self.name)
            some = np.flatnonzero(weights > 0)
            places = lonlat(gpd.GeoDataFrame(geometry=self.demand.geometry.iloc[some]))
            # Demand at one place is one place.
            places, at = np.unique(places, axis=0, return_inverse=True)
            heavy = np.bincount(at.reshape(-1), weights=weights[some])
            if "lonlat" not in problem._cache:
                problem._cache["lonlat"] = lonlat(problem.frame)
            found = reached_by(
                places,
                heavy / weights.sum(),
                problem._cache["lonlat"],
                min(self.reach_km, FARTHEST_KM),
            )
            # The limit is kept too, so that its id stays its own.
            problem._cache[key] = (self, found)
        kept: Reached = problem._cache[key][1]
        return kept

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return "reached" per set of candidates in reach, and "any of a block".

        All lie between 0 and 1 and are whole where the sites are.
        """
        found = self._reached(problem)
        n, blocks = found.share.size, found.blocks.shape[0]
        return ExtraColumns(
            tuple(f"{self.name}: reached {k}" for k in range(n))
            + tuple(f"{self.name}: block {k}" for k in range(blocks)),
            np.zeros(n + blocks),
            np.ones(n + blocks),
            np.zeros(n + blocks, dtype=bool),
        )

    def rows(self, problem: Problem) -> Rows:
        """Return "reached only by a chosen site" per set, and the share reached."""
        found = self._reached(problem)
        n, k = found.share.size, found.blocks.shape[0]
        at = problem.extra[self.name].start
        cols = problem.open_columns
        # What a site or a block is in terms of the columns.
        means = sparse.csr_array(
            (
                np.ones(cols.size + k),
                (
                    np.concatenate(
                        [problem.column_site[cols], problem.n_sites + np.arange(k)]
                    ),
                    np.concatenate([cols, at + n + np.arange(k)]),
                ),
            ),
            shape=(problem.n_sites + k, problem.n_columns),
        )
        own = sparse.csr_array(
            (np.ones(n + k), (np.arange(n + k), at + np.arange(n + k))),
            shape=(n + k, problem.n_columns),
        )
        total = sparse.csr_array(
            (found.share, (np.zeros(n, np.int64), at + np.arange(n))),
            shape=(1, problem.n_columns),
        )
        member = sparse.vstack([found.sets, found.blocks], format="csr")
        return Rows.stack(
            [
                Rows.make(own - member @ means, -np.inf, 0.0, self.name),
                Rows.make(
                    total,
                    number(self.at_least, self.name),
                    np.inf,
                    self.name,
                    None,
                    1.0,
                    "covered share",
                ),
            ]
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the share of the weight that the chosen sites reach."""
        demand = gpd.GeoSeries(self.demand.geometry).to_crs("EPSG:4326")
        chosen = sites.geometry[sites["mw"] > 0].to_crs("EPSG:4326")
        demand, chosen = (
            s.where(s.geom_type == "Point", s.representative_point())
            for s in (demand, chosen)
        )
        if isinstance(self.weight, str):
            weights = self.demand[self.weight].to_numpy(dtype=float)
        elif isinstance(self.weight, pd.Series):
            weights = self.weight.loc[demand.index].to_numpy(dtype=float)
        else:
            weights = np.full(len(demand), float(self.weight))
        geod = Geod(ellps="WGS84")
        lon, lat = demand.x.to_numpy(), demand.y.to_numpy()
        in_reach = np.zeros(len(demand), dtype=bool)
        for point in chosen:
            same = np.ones(len(demand))
            _, _, metres = geod.inv(lon, lat, same * point.x, same * point.y)
            away = np.asarray(metres) / 1000.0
            if self.ms is not None:
                delay = away * self.circuity * self.us_per_km / 1000.0
                in_reach |= delay <= self.ms * (1 + 1e-9)
            else:
                in_reach |= away <= float(self.km or 0.0) * (1 + 1e-9)
        used = weights[in_reach].sum() / weights.sum()
        what = self.weight if isinstance(self.weight, str) else "weight"
        return accounts(
            self.name,
            [""],
            "covered share",
            self.at_least,
            np.inf,
            [float(used)],
            f"share of {what}",
        )


def latency_km(ms: float, circuity: float, us_per_km: float) -> float:
    """Return the great-circle distance that light in fiber covers one way [km].

    Examples
    --------
    >>> round(latency_km(1.0, 1.5, 4.9), 2)
    136.05
    """
    return ms * 1000.0 / (circuity * us_per_km)


def check_latency(ms: object, circuity: object, us_per_km: object, limit: str) -> None:
    """Refuse a latency that is negative, or a route shorter than the straight one."""
    if number(ms, limit) < 0:
        raise StudyError(
            four_parts(
                f"{limit!r} was given {ms!r} ms",
                "that is negative",
                "a one-way latency of 0 ms or more",
                "ms=5",
            )
        )
    if number(circuity, limit) < 1 or number(us_per_km, limit) < 3.3:
        raise StudyError(
            four_parts(
                f"{limit!r} was given circuity={circuity!r}, us_per_km={us_per_km!r}",
                "a route shorter than the great circle, or a signal faster than light",
                "circuity of 1 or more, 3.34 µs per km (vacuum) or more",
                "circuity=1.5, us_per_km=4.9",
            )
        )


def demand_weights(demand: Any, weight: Quantity, limit: str) -> Floats:
    """Return the weight of each row of a demand layer, or refuse the layer."""
    if not isinstance(demand, gpd.GeoDataFrame | gpd.GeoSeries):
        raise StudyError(
            four_parts(
                f"{limit!r} needs a demand layer",
                f"it was given {type(demand).__name__}",
                "a GeoDataFrame with one row per place and its weight",
                "geopandas.GeoDataFrame({'population': ...}, geometry=..., crs=4326)",
            )
        )
    if not len(demand):
        raise StudyError(
            four_parts(
                f"{limit!r} needs a demand layer",
                "the one that was given has no rows",
                "one place or more",
                "check the filter that made it",
            )
        )
    if isinstance(demand, gpd.GeoDataFrame) and (
        demand._geometry_column_name not in demand.columns
    ):
        raise LayerError(
            four_parts(
                f"{limit!r} measures to every row of its demand",
                "the demand has no active geometry column",
                "a GeoDataFrame with points or polygons",
                "demand.set_geometry('geometry')",
            )
        )
    require_crs(demand, f"the demand of {limit!r}")
    shape = demand.geometry
    void = np.flatnonzero((shape.isna() | shape.is_empty).to_numpy())
    if void.size:
        raise LayerError(
            four_parts(
                f"{limit!r} measures to every row of its demand",
                f"{void.size} have no geometry: "
                + shown(repr(x) for x in demand.index[void]),
                "points or polygons",
                "demand[demand.geometry.notna()]",
            )
        )
    if isinstance(weight, str):
        columns = [] if isinstance(demand, gpd.GeoSeries) else list(demand.columns)
        if weight not in columns:
            raise StudyError(
                four_parts(
                    f"{limit!r} weighs its demand by {weight!r}",
                    "the demand has no such column."
                    + nearest_name(weight, map(str, columns)),
                    "a column of the demand, a Series or a number",
                    "weight='population', or weight=1 for every row alike",
                )
            )
        column: Any = demand[weight]
    elif isinstance(weight, pd.Series):
        column = weight.reindex(demand.index) if weight.index.is_unique else None
        if column is None:
            raise StudyError(
                four_parts(
                    f"{limit!r} weighs its demand by a Series",
                    "its index has repeated labels",
                    "one weight per row of the demand",
                    "series.groupby(level=0).sum()",
                )
            )
    else:
        column = pd.Series(number(weight, limit), index=demand.index)
    if isinstance(column, pd.DataFrame):
        raise StudyError(
            four_parts(
                f"{limit!r} weighs its demand by {weight!r}",
                "the demand has more than one column of that name",
                "one column of that name",
                "demand.loc[:, ~demand.columns.duplicated()]",
            )
        )
    values = as_floats(column)
    if values is None:
        raise StudyError(
            four_parts(
                f"{limit!r} weighs its demand by {getattr(weight, 'name', weight)!r}",
                f"it holds {column.dtype} values",
                "numbers",
                "pandas.to_numeric(demand[column])",
            )
        )
    bad = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if bad.size or not values.sum() > 0:
        raise StudyError(
            four_parts(
                f"{limit!r} weighs its demand by {getattr(weight, 'name', weight)!r}",
                f"it is missing, infinite or negative in {bad.size} rows: "
                + shown(repr(x) for x in demand.index[bad])
                if bad.size
                else "all weights are 0",
                "weights of 0 or more, not all 0; missing is never taken as 0",
                "fill them from a source, or leave those rows out",
            )
        )
    return values


def reached_by(places: Floats, share: Floats, sites: Floats, km: float) -> Reached:
    """Return which sites reach which places, places with the same sites as one.

    Where that is long, sites that lie together are listed as blocks of blocks: the
    interior of a disc takes few entries, and the rows say the same.

    Parameters
    ----------
    places, sites : ndarray, shape (n, 2)
        Longitude and latitude [degree].
    share : ndarray, shape (n_places,)
        Share of the weight.
    km : float
        Reach [km].
    """
    n = len(sites)
    order = along_a_curve(sites)
    place, at = pairs_in_reach(places, sites[order], km)
    first, group = same_sets(place, at, len(places), n)
    size = np.bincount(group[group >= 0], weights=share[group >= 0]).astype(np.float64)
    kept = np.zeros(len(places), dtype=bool)
    kept[first] = True
    kept = kept[place]
    row, at = group[place[kept]], at[kept]
    # The first place of each group comes in ascending order, so rows do too.
    levels = [(row, at)]
    if at.size > MANY_PAIRS:
        levels = promoted(row, at, n)
    spans = [1] + [smallest_block(n) * BLOCK**k for k in range(len(levels) - 1)]
    used: list[Ints] = [np.zeros(0, np.int64)]
    for k in range(len(levels) - 1, 0, -1):
        inside = np.zeros(0, np.int64)
        if k + 1 < len(levels):
            inside = _children(used[-1], BLOCK)
        used.append(np.union1d(levels[k][1], inside))
    used = used[:0:-1]
    starts = n + np.concatenate([[0], np.cumsum([u.size for u in used])]).astype(int)
    width = int(starts[-1])

    def column(level: int, which: Ints) -> Ints:
        if level == 0:
            return order[which]
        found: Ints = starts[level - 1] + np.searchsorted(used[level - 1], which)
        return found

    rows = np.concatenate([r for r, _ in levels])
    columns = np.concatenate([column(k, w) for k, (_, w) in enumerate(levels)])
    sets = _ones(rows, columns, (first.size, width))
    rows_, columns_ = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for k, which in enumerate(used, start=1):
        each = spans[k] // spans[k - 1]
        rows_.append(np.repeat(starts[k - 1] - n + np.arange(which.size), each))
        columns_.append(column(k - 1, _children(which, each)))
    blocks = _ones(np.concatenate(rows_), np.concatenate(columns_), (width - n, width))
    return Reached(size, sets, blocks)


def _ones(row: Ints, column: Ints, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(row.size), (row, column)), shape=shape)


def _children(which: Ints, each: int) -> Ints:
    found: Ints = (which[:, None] * each + np.arange(each)).ravel()
    return found


def smallest_block(n: int) -> int:
    """Return the number of sites in a block: blocks stay a few thousand."""
    return int(max(SMALLEST_BLOCK, 2 ** np.ceil(np.log2(max(1, n / MOST_BLOCKS)))))


def promoted(row: Ints, at: Ints, n: int) -> list[tuple[Ints, Ints]]:
    """Replace whole blocks of consecutive items by the block, level by level.

    Parameters
    ----------
    row, at : ndarray of int
        Which row holds which item, sorted by both.
    n : int
        Number of items.

    Returns
    -------
    list of (row, number)
        What is left of the items, then of the blocks of each level.
    """
    levels = []
    each = smallest_block(n)
    while True:
        block = at // each
        many = n // each + 1
        start = starts_of(row * many + block)
        length = np.diff(np.append(start, row.size))
        whole = length == each
        left = np.repeat(~whole, length)
        levels.append((row[left], at[left]))
        if not whole.any():
            return levels
        row, at = row[start[whole]], block[start[whole]]
        n, each = many, BLOCK


def starts_of(key: Ints) -> Ints:
    """Return where each run of equal numbers begins."""
    is_new = np.ones(key.size, dtype=bool)
    is_new[1:] = key[1:] != key[:-1]
    return np.flatnonzero(is_new)


def along_a_curve(points: Floats) -> Ints:
    """Return an order in which points that follow each other lie together."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.where(high > low, high - low, 1.0)
    x, y = np.floor((points - low) / size * (2**16 - 1)).astype(np.uint64).T
    order = np.argsort(
        _spread_bits(x) | (_spread_bits(y) << np.uint64(1)), kind="stable"
    )
    return order.astype(np.int64)


def _spread_bits(v: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Put a zero between the 16 lowest bits."""
    for shift, mask in (
        (8, 0x00FF00FF),
        (4, 0x0F0F0F0F),
        (2, 0x33333333),
        (1, 0x55555555),
    ):
        v = (v | (v << np.uint64(shift))) & np.uint64(mask)
    return v


def same_sets(row: Ints, item: Ints, n_rows: int, n_items: int) -> tuple[Ints, Ints]:
    """Group rows that hold the same items.

    Parameters
    ----------
    row, item : ndarray of int
        Which row holds which item, each pair once, sorted by row.
    n_rows, n_items : int
        Their numbers.

    Returns
    -------
    first : ndarray of int
        First row of each group, ascending; empty rows belong to no group.
    group : ndarray of int, shape (n_rows,)
        Group of each row, -1 where it is empty.

    Examples
    --------
    >>> first, group = same_sets(np.array([0, 2, 3, 3]), np.array([5, 5, 5, 6]), 4, 7)
    >>> first.tolist(), group.tolist()
    ([0, 3], [0, -1, 0, 1])
    """
    # Two random 62-bit sums per set tell sets apart: a chance of 1e-30 per pair.
    draw = np.random.default_rng(20_240_501)
    sums = [np.bincount(row, minlength=n_rows).astype(np.uint64)]
    start = starts_of(row)
    for _ in range(2):
        mark = draw.integers(0, 2**62, size=n_items, dtype=np.uint64)
        total = np.zeros(n_rows, dtype=np.uint64)
        if start.size:
            total[row[start]] = np.add.reduceat(mark[item], start)
        sums.append(total)
    key = np.column_stack(sums)
    filled = np.flatnonzero(sums[0] > 0)
    group = np.full(n_rows, -1, dtype=np.int64)
    if not filled.size:
        return filled, group
    _, first, which = np.unique(
        key[filled], axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    group[filled] = rank[which.reshape(-1)]
    return filled[first[order]], group


__all__ = ["Cover"]
