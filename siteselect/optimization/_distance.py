"""Geodesic distances between candidates, as spacing needs them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from pyproj import Geod
from scipy.spatial import cKDTree

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers import spatial
from siteselect.optimization.problem import Bools, Floats, Ints

_GEOD = Geod(ellps="WGS84")
_EARTH_KM = 6371.0088
#: The sphere differs from the ellipsoid by 0.6 % at most.
_SPARE = 1.01


def lonlat(frame: gpd.GeoDataFrame) -> Floats:
    """Return longitude and latitude [degree] of each row, shape (n, 2)."""
    with np.errstate(invalid="ignore"):
        points = spatial.points_of(frame)
    found = np.column_stack([points.x.to_numpy(), points.y.to_numpy()]).astype(float)
    nowhere = ~(np.isfinite(found).all(axis=1) & (np.abs(found[:, 1]) <= 90))
    if nowhere.any():
        raise LayerError(
            four_parts(
                "every row needs a place on the Earth",
                f"{int(nowhere.sum())} have none: "
                + shown(
                    f"{label!r} at longitude {x:g}, latitude {y:g}"
                    for label, (x, y) in zip(
                        frame.index[nowhere], found[nowhere], strict=True
                    )
                ),
                "finite coordinates with a latitude from -90 to 90",
                "swap the axes if they are (latitude, longitude): "
                "geopandas.points_from_xy(longitude, latitude), or mend the CRS",
            )
        )
    return found


def geodesic_km(a: Floats, b: Floats) -> Floats:
    """Return WGS84 distances [km] between rows of ``a`` and ``b``."""
    _, _, metres = _GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    return np.asarray(metres, dtype=np.float64) / 1000.0


def unit_vectors(points: Floats) -> Floats:
    """Return points on the unit sphere, shape (n, 3)."""
    lon, lat = np.radians(points.T)
    return np.column_stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    )


class Nearby:
    """Pairs of sites closer than ``km``, found on demand.

    A KD-tree on the sphere proposes (with 1 % to spare, the ellipsoid differs from
    it by at most 0.6 %), the geodesic decides.
    """

    def __init__(self, points: Floats, km: float, codes: Ints | None = None) -> None:
        self.points = points
        self.km = km
        self.codes = codes
        self._xyz = unit_vectors(points)
        self._chord = 2 * np.sin(min(km * _SPARE / _EARTH_KM, np.pi) / 2)
        self._tree: cKDTree | None = None

    @property
    def tree(self) -> cKDTree:
        """KD-tree over all sites, built once."""
        if self._tree is None:
            self._tree = cKDTree(self._xyz)
        return self._tree

    def _near(self, i: Ints, j: Ints) -> tuple[Ints, Ints]:
        if self.codes is not None and i.size:
            same = self.codes[i] == self.codes[j]
            i, j = i[same], j[same]
        if i.size:
            close = geodesic_km(self.points[i], self.points[j]) < self.km * (1 - 1e-9)
            i, j = i[close], j[close]
        return i, j

    def count_at_most(self, most: int) -> bool:
        """Return whether there are at most about ``most`` pairs."""
        sample = np.linspace(0, len(self.points) - 1, 200).astype(int)
        sample = np.unique(sample)
        found = self.tree.query_ball_point(
            self._xyz[sample], self._chord, return_length=True
        )
        mean = float(np.mean(found)) - 1.0
        return mean * len(self.points) / 2 <= most

    def all_pairs(self) -> tuple[Ints, Ints]:
        """Return all pairs ``i < j`` that are too close, sorted."""
        # Proposed with 0.2 % to spare, decided by the geodesic.
        found = spatial.self_pairs_within(
            gpd.GeoSeries.from_xy(self.points[:, 0], self.points[:, 1], crs=4326),
            self.km * 1.002,
        )
        return self._near(found.site, found.feature)

    def pairs_among(self, subset: Ints) -> tuple[Ints, Ints]:
        """Return the pairs ``i < j`` within ``subset`` that are too close."""
        if subset.size < 2:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        tree = cKDTree(self._xyz[subset])
        pairs = tree.query_pairs(self._chord, output_type="ndarray").astype(np.int64)
        a, b = subset[pairs[:, 0]], subset[pairs[:, 1]]
        i, j = self._near(np.minimum(a, b), np.maximum(a, b))
        order = np.lexsort((j, i))
        return i[order], j[order]

    def neighbors(self, subset: Ints) -> list[Ints]:
        """Return, for each site of ``subset``, the sites too close to it."""
        if not subset.size:
            return []
        balls = self.tree.query_ball_point(self._xyz[subset], self._chord)
        sizes = np.fromiter((len(b) for b in balls), dtype=np.int64, count=len(balls))
        i = np.repeat(np.arange(subset.size), sizes)
        j = np.fromiter((v for b in balls for v in b), np.int64, count=int(sizes.sum()))
        keep = subset[i] != j
        i, j = i[keep], j[keep]
        a = subset[i]
        if self.codes is not None:
            same = self.codes[a] == self.codes[j]
            i, j, a = i[same], j[same], a[same]
        close = geodesic_km(self.points[a], self.points[j]) < self.km * (1 - 1e-9)
        i, j = i[close], j[close]
        order = np.lexsort((j, i))
        i, j = i[order], j[order]
        return np.split(j, np.searchsorted(i, np.arange(1, subset.size)))

    def clique_cover(self, i: Ints, j: Ints) -> list[Ints]:
        """Cover the pairs by maximal cliques, longest pairs first.

        A row "at most one of the clique" replaces all its pairs and is far
        tighter than they are.
        """
        if not i.size:
            return []
        near: dict[int, set[int]] = {}
        for a, b in zip(i.tolist(), j.tolist(), strict=True):
            near.setdefault(a, set()).add(b)
            near.setdefault(b, set()).add(a)
        left = {v: set(n) for v, n in near.items()}
        gap = ((self._xyz[i] - self._xyz[j]) ** 2).sum(axis=1)
        order = np.lexsort((j, i, -np.round(gap, 12)))
        cliques = []
        for a, b in zip(i[order].tolist(), j[order].tolist(), strict=True):
            if b not in left[a]:
                continue
            clique = self.extend(a, b, near)
            members = set(clique)
            for v in clique:
                left[v] -= members
            cliques.append(np.array(sorted(clique), dtype=np.int64))
        return cliques

    def extend(self, a: int, b: int, near: dict[int, set[int]]) -> list[int]:
        """Grow the pair ``a, b`` to a maximal clique, nearest to its middle first."""
        clique = [a, b]
        common = near[a] & near[b]
        if not common:
            return clique
        who = np.array(sorted(common), dtype=np.int64)
        middle = (self._xyz[a] + self._xyz[b]) / 2
        away = ((self._xyz[who] - middle) ** 2).sum(axis=1)
        for v in who[np.argsort(np.round(away, 13), kind="stable")].tolist():
            if v in common:
                clique.append(v)
                common &= near[v]
                if not common:
                    break
        return clique

    def violated_cliques(self, weight: Floats, tol: float = 1e-6) -> list[Ints]:
        """Return cliques over all sites for the pairs whose weights exceed one.

        Parameters
        ----------
        weight : ndarray, shape (n_sites,)
            How far each site is chosen, 0 to 1.
        """
        support = np.flatnonzero(weight > tol)
        i, j = self.pairs_among(support)
        if not i.size:
            return []
        near: dict[int, set[int]] = {}
        for a, b in zip(i.tolist(), j.tolist(), strict=True):
            near.setdefault(a, set()).add(b)
            near.setdefault(b, set()).add(a)
        # Cliques of the support first (that is where the weight is), then grown
        # over all sites, so that the row also holds what would come next.
        heavy = np.lexsort((j, i, -np.round(weight[i] + weight[j], 9)))
        seen: set[tuple[int, int]] = set()
        cores: list[list[int]] = []
        for a, b in zip(i[heavy].tolist(), j[heavy].tolist(), strict=True):
            if (a, b) in seen:
                continue
            clique = [a, b]
            common = near[a] & near[b]
            for v in sorted(common, key=lambda v: (-round(float(weight[v]), 9), v)):
                if v in common:
                    clique.append(v)
                    common &= near[v]
            for p in clique:
                for q in clique:
                    seen.add((p, q))
            if weight[clique].sum() > 1 + tol:
                cores.append(clique)
        if not cores:
            return []
        first = np.unique(np.array([v for c in cores for v in c], dtype=np.int64))
        around = dict(zip(first.tolist(), self.neighbors(first), strict=True))
        grown = [self._grown(clique, around) for clique in cores]
        unique = {tuple(c.tolist()): c for c in grown}
        return list(unique.values())

    def _grown(self, clique: list[int], around: dict[int, Ints]) -> Ints:
        """Grow a clique over all sites, nearest to its middle first.

        What lies within half the distance of the middle is close to all of that, and
        is taken at once; only a thin ring is left to look at one by one.
        """
        who = around[clique[0]]
        for v in clique[1:]:
            who = who[np.isin(who, around[v])]
        middle = self._xyz[clique].mean(axis=0)
        away = ((self._xyz[who] - middle) ** 2).sum(axis=1)
        who = who[np.argsort(np.round(away, 13), kind="stable")]
        size = float(np.linalg.norm(middle))
        inner = np.zeros(who.size, dtype=bool)
        if size > 1e-6:
            along = np.clip(self._xyz[who] @ (middle / size), -1.0, 1.0)
            inner = _EARTH_KM * np.arccos(along) * _SPARE < self.km / 2
        taken, rest = who[inner], who[~inner]
        added = [taken]
        while rest.size:
            if taken.size:
                rest = rest[self._close_to_all(rest, taken)]
            taken, rest = rest[:1], rest[1:]
            added.append(taken)
        return np.unique(np.concatenate([np.array(clique, dtype=np.int64), *added]))

    def _close_to_all(self, sites: Ints, others: Ints) -> Bools:
        """Return which sites are too close to each of the others."""
        close = np.ones(sites.size, dtype=bool)
        for start in range(0, sites.size, 1000):
            some = sites[start : start + 1000]
            dots = np.clip(self._xyz[some] @ self._xyz[others].T, -1.0, 1.0)
            km = _EARTH_KM * np.arccos(dots)
            far = np.asarray((km >= self.km * _SPARE).any(axis=1))
            # The sphere decides, but for what is near the limit.
            i, j = np.nonzero((km * _SPARE >= self.km) & ~far[:, None])
            exact = geodesic_km(self.points[some[i]], self.points[others[j]])
            far[i[exact >= self.km * (1 - 1e-9)]] = True
            close[start : start + 1000] = ~far
        return close
