"""Coverage: a share of people, or of any weight, within reach of a chosen site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod
from scipy import sparse

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.layers.crs import require_crs
from siteselect.optimization._distance import lonlat
from siteselect.optimization.clustering import FARTHEST_KM, pairs_in_reach, reach
from siteselect.optimization.limits import accounts, clean_name
from siteselect.optimization.problem import (
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    number,
)

#: Light in fiber [µs per km], one way: 1.468 / 299,792.458 km/s.
FIBER_US_PER_KM = 4.9
#: Length of a fiber route over the great circle. Judgement: 1.3 to 1.5 is usual.
FIBER_CIRCUITY = 1.5


@dataclass(frozen=True, eq=False)
class Cover:
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
    at_least : float
        Least share of the weight in reach of a chosen site, 0 to 1.
    circuity : float, default 1.5
        Route length over great-circle length [ratio]; judgement, 1.3 to 1.5 is
        usual. Used with ``ms`` only.
    us_per_km : float, default 4.9
        One-way delay per km of fiber [µs per km]: group index 1.468 [1]_ over the
        speed of light in vacuum. Used with ``ms`` only.

    Notes
    -----
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
    at_least: float = field(kw_only=True)
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
        share = number(self.at_least, self.name)
        if not 0 <= share <= 1:
            raise StudyError(
                four_parts(
                    f"{self.name!r} asks for a share of {self.at_least!r}",
                    "that is outside of what a share can be",
                    "a share from 0 to 1",
                    f"{self.at_least!r} percent is {share / 100:g}",
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

    def _reached(self, problem: Problem) -> tuple[sparse.csr_array, Floats]:
        """Return who is reached by which site, and the share of the weight.

        One row per set of candidates in reach, in the order of its first member.
        """
        key = ("cover", id(self))
        if key not in problem._cache:
            weights = demand_weights(self.demand, self.weight, self.name)
            some = np.flatnonzero(weights > 0)
            places = lonlat(gpd.GeoDataFrame(geometry=self.demand.geometry.iloc[some]))
            # Demand at one place is one place.
            places, at = np.unique(places, axis=0, return_inverse=True)
            heavy = np.bincount(at.reshape(-1), weights=weights[some])
            demand, site = pairs_in_reach(
                places, lonlat(problem.frame), min(self.reach_km, FARTHEST_KM)
            )
            first, group = same_sets(demand, site, len(places), problem.n_sites)
            share = np.bincount(
                group[group >= 0], weights=heavy[group >= 0], minlength=first.size
            )
            kept = np.isin(demand, first)
            row = group[demand[kept]]
            member = sparse.csr_array(
                (np.ones(row.size), (row, site[kept])),
                shape=(first.size, problem.n_sites),
            )
            problem._cache[key] = (self, member, share / weights.sum())
        _, member, share = problem._cache[key]
        return member, share

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return "reached" per set of candidates in reach, 0 to 1."""
        _, share = self._reached(problem)
        n = share.size
        return ExtraColumns(
            tuple(f"{self.name}: reached {k}" for k in range(n)),
            np.zeros(n),
            np.ones(n),
            np.zeros(n, dtype=bool),
        )

    def rows(self, problem: Problem) -> Rows:
        """Return "reached only by a chosen site" per set, and the share reached."""
        member, share = self._reached(problem)
        n = share.size
        own = problem.extra.get(self.name, slice(0, 0))
        reached = sparse.csr_array(
            (np.ones(n), (np.arange(n), own.start + np.arange(n))),
            shape=(n, problem.n_columns),
        )
        cols = problem.open_columns
        opens = sparse.csr_array(
            (np.ones(cols.size), (problem.column_site[cols], cols)),
            shape=(problem.n_sites, problem.n_columns),
        )
        total = sparse.csr_array(
            (share, (np.zeros(n, np.int64), own.start + np.arange(n))),
            shape=(1, problem.n_columns),
        )
        return Rows.stack(
            [
                Rows.make(reached - member @ opens, -np.inf, 0.0, self.name),
                Rows.make(
                    total, self.at_least, np.inf, self.name, None, 1.0, "covered share"
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
                    "the demand has no such column"
                    + nearest_name(weight, map(str, columns)).rstrip("."),
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
    try:
        values: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise StudyError(
            four_parts(
                f"{limit!r} weighs its demand by {weight!r}",
                f"it holds {column.dtype} values",
                "numbers",
                "pandas.to_numeric(demand[column])",
            )
        ) from None
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


def same_sets(row: Ints, item: Ints, n_rows: int, n_items: int) -> tuple[Ints, Ints]:
    """Group rows that hold the same items.

    Parameters
    ----------
    row, item : ndarray of int
        Which row holds which item, each pair once.
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
    for _ in range(2):
        mark = draw.integers(0, 2**62, size=n_items, dtype=np.uint64)
        total = np.zeros(n_rows, dtype=np.uint64)
        np.add.at(total, row, mark[item])
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
