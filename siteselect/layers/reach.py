"""What lies within a radius of many points, without measuring every pair.

Features that reach all points of a tile are listed once for the tile; only those
at the edge of the radius are measured from each point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from siteselect.layers import nearby
from siteselect.layers.edges import LayerIndex
from siteselect.layers.ellipsoid import CHORD_KM, arc_km
from siteselect.layers.places import Places, level_of, ranges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Points that tiles hold on average, if the radius lets them.
_FEW = 4
#: Reach of a tile as a share of the radius, from and to.
_OF_RADIUS = (0.1, 0.5)
#: Pairs measured at once: they fit the processor's cache; and listed at once.
_PAIRS, _LISTED = 2**17, 2**20
#: Rounding of distances in space [km].
_ROUNDING_KM = 1e-8
#: Smallest and largest radius of curvature of the ellipsoid [km].
_CURVATURE_KM = (6335.0, 6400.0)


@dataclass(frozen=True)
class Reach:
    """Some points, and the features within a radius of each.

    Parameters
    ----------
    sites : ndarray of int64, shape (n,)
        Positions of the points.
    site, feature : ndarray of int64, shape (m,)
        Pairs: places in ``sites``, and positions in the layer, sorted.
    tile : ndarray of int64, shape (n,)
        Tile of each point.
    whole, whole_feature : ndarray of int64
        Tiles and features within the radius of every point of the tile: pairs
        beside those above.
    distance_km : ndarray, shape (m,), optional
        Distance of each pair [km]; where it is given, there are no whole tiles.
    weight : ndarray, shape (m,), optional
        How much each pair counts, where there are no whole tiles; 1 by default.
    """

    sites: Ints
    site: Ints
    feature: Ints
    tile: Ints
    whole: Ints
    whole_feature: Ints
    distance_km: Floats | None = None
    weight: Floats | None = None

    def __len__(self) -> int:
        return len(self.site) + len(self.whole)

    def only(self, is_kept: Bools) -> Reach:
        """Return the pairs of some features, told by a flag for each feature."""
        if is_kept.all():
            return self
        pairs, whole = is_kept[self.feature], is_kept[self.whole_feature]
        km, weight = self.distance_km, self.weight
        return replace(
            self,
            site=self.site[pairs],
            feature=self.feature[pairs],
            whole=self.whole[whole],
            whole_feature=self.whole_feature[whole],
            distance_km=None if km is None else km[pairs],
            weight=None if weight is None else weight[pairs],
        )

    def count(self) -> Ints:
        """Return how many features each point has."""
        found: Ints = np.bincount(self.site, minlength=len(self.sites))
        if len(self.whole):
            found += np.bincount(self.whole, minlength=self._n_tiles)[self.tile]
        return found

    def total(self, figures: Floats | None) -> Floats:
        """Return the sum of weight times figure (1 without figures) of each point."""
        if figures is None and self.weight is None:
            return self.count().astype(np.float64)
        if len(self.whole) and not _adds_exactly(figures):
            runs = [run._one_by_one().total(figures) for run in self._runs()]
            return np.concatenate(runs)
        found: Floats = np.bincount(
            self.site, self._parts(figures), minlength=len(self.sites)
        ).astype(np.float64)
        if len(self.whole) and figures is not None:
            parts = figures[self.whole_feature]
            found += np.bincount(self.whole, parts, minlength=self._n_tiles)[self.tile]
        return found

    def largest(self, figures: Floats) -> Floats:
        """Return the largest weight times figure of each point; else -infinity."""
        found = np.full(len(self.sites), -np.inf)
        if len(self.whole):
            best = np.full(self._n_tiles, -np.inf)
            np.maximum.at(best, self.whole, figures[self.whole_feature])
            found = best[self.tile]
        np.maximum.at(found, self.site, self._parts(figures))
        return found

    def _parts(self, figures: Floats | None) -> Floats:
        """Return weight times figure of each pair."""
        if figures is None:
            return np.ones(len(self.site)) if self.weight is None else self.weight
        parts: Floats = figures[self.feature]
        return parts if self.weight is None else parts * self.weight

    @property
    def _n_tiles(self) -> int:
        return int(self.tile[-1]) + 1 if len(self.tile) else 0

    def _runs(self) -> Iterator[Reach]:
        """Give the points a few at a time, so that their pairs fit into memory."""
        n = len(self.sites)
        length = np.bincount(self.whole, minlength=self._n_tiles)
        count = length[self.tile] + np.bincount(self.site, minlength=n)
        cuts = np.flatnonzero(np.diff(np.cumsum(count) // _LISTED)) + 1
        for first, last in pairwise([0, *cuts.tolist(), n]):
            own = slice(*np.searchsorted(self.site, [first, last]))
            yield replace(
                self,
                sites=self.sites[first:last],
                site=self.site[own] - first,
                feature=self.feature[own],
                tile=self.tile[first:last],
            )

    def _one_by_one(self) -> Reach:
        """Return the same with every pair listed, sorted by point, then feature."""
        length = np.bincount(self.whole, minlength=self._n_tiles)
        begin = np.cumsum(length) - length
        count = length[self.tile]
        feature = self.whole_feature[ranges(begin[self.tile], count)]
        site = np.concatenate([self.site, np.repeat(np.arange(len(count)), count)])
        feature = np.concatenate([self.feature, feature])
        # Two sorted runs, which a stable sort merges.
        key = site * (int(feature.max(initial=0)) + 1) + feature
        order = np.argsort(key, kind="stable")
        none = np.zeros(0, dtype=np.int64)
        return replace(
            self,
            site=site[order],
            feature=feature[order],
            whole=none,
            whole_feature=none,
        )


def _adds_exactly(figures: Floats | None) -> bool:
    """Say whether figures are whole numbers whose sums are right in any order."""
    if figures is None:
        return True
    known = figures[~np.isnan(figures)]
    return bool((known == np.rint(known)).all() and np.abs(known).sum() < 2.0**53)


def within(places: Places, index: LayerIndex, radius_km: float) -> Iterator[Reach]:
    """Give the points, block by block, and the features of a layer in reach.

    The layer holds points alone, and the radius is not over `CHORD_KM`.
    """
    least, most = (level_of(share * radius_km) for share in _OF_RADIUS)
    tiles = places.tiles(max(most, min(least, places.finest(_FEW))))
    first = tiles.first
    # The chord of the radius lies between these, wherever the point.
    low, high = (2 * r * np.sin(radius_km / (2 * r)) for r in _CURVATURE_KM)
    low, high = low - _ROUNDING_KM, high + _ROUNDING_KM
    widest = high + float(tiles.reach_km.max(initial=0.0))
    for rows in nearby.blocks(tiles.center, index, widest):
        tile, piece = nearby.piece_pairs(tiles.center[rows], index, widest)
        tile += rows.start
        chord = index.chords_km(tuple(tiles.center.T), tile, piece)
        reach = tiles.reach_km[tile]
        is_whole = chord + reach <= low
        is_part = ~is_whole & (chord - reach <= high)
        near = np.flatnonzero(is_whole | is_part)
        near = near[np.argsort(tile[near] * len(index.pieces) + piece[near])]
        is_whole, is_part = is_whole[near], is_part[near]
        tile, piece = tile[near], piece[near]
        whole, whole_piece = tile[is_whole], piece[is_whole]
        part, part_piece = tile[is_part], piece[is_part]
        # Positions in the lists of this block, tile by tile.
        here = np.arange(rows.start, rows.stop + 1)
        whole_at, part_at = np.searchsorted(whole, here), np.searchsorted(part, here)
        size = np.diff(first[rows.start : rows.stop + 1])
        local = np.repeat(np.arange(len(size)), size)
        pairs = np.cumsum(np.diff(part_at)[local])
        begin = 0
        while begin < len(local):
            so_far = pairs[begin - 1] if begin else 0
            end = int(np.searchsorted(pairs, so_far + _PAIRS, side="right"))
            end = max(begin + 1, min(end, begin + _PAIRS))
            own = local[begin:end]
            point = np.arange(begin, end) + first[rows.start]
            site, feature = _near(
                places,
                index,
                point,
                part_piece,
                part_at[own],
                part_at[own + 1],
                (low, high, radius_km),
            )
            kept = slice(whole_at[own[0]], whole_at[own[-1] + 1])
            yield Reach(
                places.order[point],
                site,
                feature,
                own - own[0],
                whole[kept] - rows.start - own[0],
                index.pieces.feature[whole_piece[kept]],
            )
            begin = end


def _near(
    places: Places,
    index: LayerIndex,
    point: Ints,
    listed: Ints,
    begin: Ints,
    end: Ints,
    limits: tuple[float, float, float],
) -> tuple[Ints, Ints]:
    """Return points and features within the radius, out of a list for each point."""
    low, high, radius_km = limits
    count = end - begin
    site = np.repeat(np.arange(len(point)), count)
    piece = listed[ranges(begin, count)]
    chord = index.chords_km(places.ordered, point[site], piece)
    near = chord <= low
    # Only at the very edge the curvature decides.
    doubt = np.flatnonzero(~near & (chord <= high))
    if len(doubt):
        i, j = places.order[point[site[doubt]]], piece[doubt]
        straight = np.linalg.norm(places.xyz[i] - index.start[j], axis=1)
        near[doubt] = arc_km(straight, places.lat[i]) <= radius_km
    return site[near], index.pieces.feature[piece[near]]


def is_answered(index: LayerIndex, radius_km: float) -> bool:
    """Say whether `within` has an answer."""
    return index.is_points and radius_km <= CHORD_KM
