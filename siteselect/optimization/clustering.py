"""Clustering: every chosen site within reach of a chosen hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod
from scipy import sparse

from siteselect.errors import StudyError, four_parts
from siteselect.layers import spatial
from siteselect.optimization._distance import geodesic_km, lonlat, unit_vectors
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import accounts, clean_name
from siteselect.optimization.problem import Floats, Ints, Problem, Rows, number
from siteselect.optimization.rules import open_rows, plain_named, sites_named

#: Half the equator [km], rounded up: no two places are farther apart.
FARTHEST_KM = 20_038.0
#: Up to here [km] a tree over points is the fastest way to their pairs.
_TREE_KM = 300.0
#: The sphere and the ellipsoid differ by less than this share of a distance.
_SPHERE = 0.007
_EARTH_KM = 6371.0088
#: Entries of one block of distances.
_BLOCK = 200_000


def pairs_in_reach(a: Floats, b: Floats, km: float) -> tuple[Ints, Ints]:
    """Return the pairs of places no farther apart than ``km`` on the ellipsoid.

    Distances on the sphere decide where they can; the geodesic decides the ring
    around ``km`` where sphere and ellipsoid may disagree.

    Parameters
    ----------
    a, b : ndarray, shape (n, 2) and (m, 2)
        Longitude and latitude [degree].
    km : float
        Largest geodesic distance [km], inclusive.

    Returns
    -------
    i, j : ndarray of int
        Positions in ``a`` and ``b``, sorted by ``i``, then ``j``.

    Examples
    --------
    >>> a, b = np.array([[-97.0, 32.0]]), np.array([[-97.0, 34.0], [-97.0, 33.0]])
    >>> pairs_in_reach(a, b, 150.0)[1].tolist()
    [1]
    """
    if km <= _TREE_KM:
        return _decided(a, b, *_by_tree(a, b, km), km)
    first, second = unit_vectors(a), unit_vectors(b)
    angle = km / _EARTH_KM
    sure = np.cos(min(angle * (1 - _SPHERE), np.pi))
    never = np.cos(min(angle * (1 + _SPHERE), np.pi))
    rows = max(1, _BLOCK // max(1, len(b)))
    parts_i, parts_j = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for begin in range(0, len(a), rows):
        cosine = first[begin : begin + rows] @ second.T
        inside = cosine >= sure
        i, j = np.nonzero((cosine >= never) & ~inside)
        inside[i, j] = geodesic_km(a[begin + i], b[j]) <= km * (1 + 1e-9)
        i, j = np.nonzero(inside)
        parts_i.append(begin + i)
        parts_j.append(j)
    return np.concatenate(parts_i), np.concatenate(parts_j)


def _by_tree(a: Floats, b: Floats, km: float) -> tuple[Ints, Ints, Floats]:
    def points(xy: Floats) -> gpd.GeoSeries:
        return gpd.GeoSeries.from_xy(xy[:, 0], xy[:, 1], crs=4326)

    # Proposed with 0.2 % and a meter to spare, decided by the geodesic.
    found = spatial.pairs_within(points(a), points(b), km * 1.002 + 0.001)
    return found.site, found.feature, found.distance_km


def _decided(
    a: Floats, b: Floats, i: Ints, j: Ints, distance: Floats, km: float
) -> tuple[Ints, Ints]:
    keep = distance <= km * 0.998
    ring = np.flatnonzero(~keep)
    keep[ring] = geodesic_km(a[i[ring]], b[j[ring]]) <= km * (1 + 1e-9)
    return i[keep], j[keep]


def reach(km: object, limit: str) -> float:
    """Return a distance in km, or refuse it."""
    found = number(km, limit)
    if not 0 <= found <= FARTHEST_KM:
        raise StudyError(
            four_parts(
                f"{limit!r} was given {km!r} km",
                "it is negative or longer than half the equator",
                "a distance from 0 to 20,038 km",
                "km=100",
            )
        )
    return found


@dataclass(frozen=True, eq=False)
class Cluster(ShownAsCard):
    """Keep every chosen site within ``km`` of a chosen hub.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    hubs : label, iterable of labels, str or Series of bool
        Sites that others may lean on: labels of eligible candidates, or a boolean
        column or Series. A chosen hub is its own.
    km : float
        Largest geodesic distance to the nearest chosen hub [km], inclusive.
        Polygons are measured from their representative points.

    Notes
    -----
    Over several years the rule is about what stands in the last one: a hub may
    follow later.

    Raises
    ------
    StudyError
        No eligible hub is named, or the distance is negative.

    Examples
    --------
    >>> Cluster("around the depot", hubs=["depot"], km=80)
    Cluster('around the depot')
    """

    #: Sites never close: over several years, the rule holds in the last one.
    last_year_only: ClassVar[bool] = True

    name: str
    hubs: Any
    km: float

    def __post_init__(self) -> None:
        clean_name(self.name, "Cluster")
        reach(self.km, self.name)

    def __repr__(self) -> str:
        return f"Cluster({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.hubs,) if isinstance(self.hubs, str | pd.Series) else ()

    def rows(self, problem: Problem) -> Rows:
        """Return "not without a hub" per site in reach of some, one row for the rest.

        Hubs need no row. Sites out of reach of every hub share one: none of them.
        """
        is_hub = sites_named(problem, self.hubs, self.name, "hubs")
        hubs, others = np.flatnonzero(is_hub), np.flatnonzero(~is_hub)
        points = lonlat(problem.frame)
        site, hub = pairs_in_reach(points[others], points[hubs], float(self.km))
        opens = open_rows(problem)
        near, row = np.unique(site, return_inverse=True)
        member = sparse.csr_array(
            (np.ones(site.size), (row, hubs[hub])), shape=(near.size, problem.n_sites)
        )
        leans = opens[others[near]] - member @ opens
        parts = [Rows.make(leans, -np.inf, 0.0, self.name, None, 1.0, "distance")]
        far = np.setdiff1d(others, others[near])
        if far.size:
            none = sparse.csr_array(opens[far].sum(axis=0).reshape(1, -1))
            parts.append(
                Rows.make(none, -np.inf, 0.0, self.name, None, 1.0, "distance")
            )
        return Rows.stack(parts)

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the longest way from a chosen site to its nearest chosen hub."""
        chosen = sites[sites["mw"] > 0]
        is_hub = plain_named(chosen, self.hubs).to_numpy(dtype=bool)
        points = chosen.geometry.to_crs("EPSG:4326")
        if not (points.geom_type == "Point").all():
            points = points.representative_point()
        lon, lat = points.x.to_numpy(), points.y.to_numpy()
        longest = 0.0
        for x, y in zip(lon[~is_hub], lat[~is_hub], strict=True):
            n = int(is_hub.sum())
            away = np.array([np.inf])
            if n:
                _, _, metres = Geod(ellps="WGS84").inv(
                    np.full(n, x), np.full(n, y), lon[is_hub], lat[is_hub]
                )
                away = np.asarray(metres) / 1000.0
            longest = max(longest, float(away.min()))
        return accounts(
            self.name, [""], "distance", -np.inf, self.km, [longest], "km", np.nan
        )


__all__ = ["Cluster"]
