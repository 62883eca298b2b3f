"""Many points at once: what is near a tile is all that can be near its points.

A large tile is asked with the trees of the layer. Whatever is nearest to one of
its points lies no farther from its center than the center's own nearest does,
plus twice the way from the center to the point. So it passes a short list on to
the tiles within it, these a shorter one to theirs, and what is left for a point
is measured exactly. The answers are those of `nearby`, whatever the tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from siteselect.layers import nearby
from siteselect.layers.edges import LayerIndex
from siteselect.layers.ellipsoid import CHORD_KM, arc_km
from siteselect.layers.nearby import TIE_KM
from siteselect.layers.places import Places, Tiles, level_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Tiles hold so many points on average, or each point is asked by itself; and so
#: many that it pays to look at the tiles within them.
_FEW, _MANY = 4, 16
#: Points whose distances tell how far features usually are.
_ASKED = 512
#: Reach of a tile as a share of a radius, from and to.
_OF_RADIUS = (0.1, 0.5)
#: Points, and pairs with pieces, measured at once: they fit the processor's cache.
_ROWS, _PAIRS = 2**14, 2**17
#: Edges leave their chords by less [km]; see `STEP_DEG`.
_FOOT_KM = 2e-3
#: Rounding of distances in space [km].
_ROUNDING_KM = 1e-8
#: Smallest and largest radius of curvature of the ellipsoid [km].
_CURVATURE_KM = (6335.0, 6400.0)


def nearest(
    places: Places, index: LayerIndex, k: int, max_km: float
) -> tuple[Ints, Floats]:
    """Nearest features of points: positions (n, k) and distances [km]."""
    levels = _levels(places, index, max_km) if k == 1 else range(0)
    if not levels:
        return nearby.nearest_points(places.lon, places.lat, index, k, max_km)
    n = len(places)
    feature, km = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    for listed in _listed(places.tiles(levels[0]), index, max_km):
        for level in levels[1:]:
            listed = _finer(listed, places.tiles(level), index)
        for point, piece in _nearest_pieces(listed, places, index):
            at = places.order[point]
            found = index.arc_km(
                places.lon[at], places.lat[at], piece, places.xyz[at]
            )
            near = found <= max_km
            at = at[near]
            km[at], feature[at] = found[near], index.pieces.feature[piece[near]]
    if index.has_areas:
        area = nearby.first_area(places.tree, index.geoms)
        is_inside = area >= 0
        feature[is_inside], km[is_inside] = area[is_inside], 0.0
    return feature[:, None], km[:, None]


def _levels(places: Places, index: LayerIndex, max_km: float) -> range:
    """Return levels of tiles, from as large as the usual distance; none for few."""
    n = len(places)
    if n < _FEW * _ASKED:
        return range(0)
    some = places.order[:: n // _ASKED]
    _, km = nearby.nearest_points(places.lon[some], places.lat[some], index, 1, max_km)
    apart = km[km > 0]
    if not len(apart):
        return range(0)
    first = level_of(float(np.median(apart)))
    if n < _FEW * places.n_tiles(first):
        return range(0)
    return range(first, max(first, places.finest(_MANY)) + 1)


@dataclass(frozen=True)
class _Listed:
    """Pieces that can be nearest to points of some tiles, from near to far.

    The list of tile ``own[i]`` has ``length[i]`` pieces from ``begin[i]`` on;
    ``key`` is the straight distance from the center [km] plus ``step`` times i.
    """

    tiles: Tiles
    own: Ints
    begin: Ints
    length: Ints
    piece: Ints
    key: Floats
    step: float

    @classmethod
    def of(cls, tiles: Tiles, tile: Ints, piece: Ints, chord: Floats) -> _Listed:
        """Sort pairs of tiles and pieces."""
        is_asked = np.zeros(len(tiles), dtype=bool)
        is_asked[tile] = True
        own = np.flatnonzero(is_asked)
        local = (np.cumsum(is_asked) - 1)[tile]
        step = float(chord.max(initial=0.0)) + 1.0
        key = chord + step * local
        order = np.argsort(key)
        length = np.bincount(local, minlength=len(own))
        begin = np.cumsum(length) - length
        return cls(tiles, own, begin, length, piece[order], key[order], step)

    def reaching(
        self, index: LayerIndex, xyz: tuple[Floats, ...], local: Ints, beside_km: Floats
    ) -> tuple[Ints, Ints, Floats]:
        """Return how many pieces of its list each point needs, these, and how far.

        The piece nearest to the center bounds what can be nearest to the point;
        others are needed if they are no farther from the center than this bound
        and ``beside_km`` together.
        """
        begin = self.begin[local]
        point = np.arange(len(local))
        bound = _measured(index, xyz, point, self.piece[begin])
        bound += beside_km + 2 * TIE_KM + _ROUNDING_KM
        bound = np.minimum(bound, self.step - 0.5) + self.step * local
        count = np.maximum(np.searchsorted(self.key, bound, side="right") - begin, 1)
        piece = self.piece[_ranges(begin, count)]
        return count, piece, _measured(index, xyz, np.repeat(point, count), piece)


def _listed(tiles: Tiles, index: LayerIndex, max_km: float) -> Iterator[_Listed]:
    """Give the lists of tiles, block by block, as the trees of the layer tell."""
    _, km = nearby.nearest_points(
        tiles.lon, tiles.lat, index, 1, max_km * 1.001 + float(tiles.reach_km.max())
    )
    # No chord is longer than its arc, but for where on a piece its foot is taken.
    margin = tiles.reach_km + _FOOT_KM
    radius = np.minimum(km[:, 0] * 1.00001 + margin + tiles.reach_km, max_km + margin)
    asks = np.flatnonzero(~np.isnan(km[:, 0]))
    xyz = tuple(tiles.center.T)
    for tile, piece in nearby.piece_pairs_by_blocks(
        tiles.center[asks], index, radius[asks]
    ):
        tile = asks[tile]
        chord = _measured(index, xyz, tile, piece)
        near = chord <= radius[tile]
        if near.any():
            yield _Listed.of(tiles, tile[near], piece[near], chord[near])


def _finer(coarse: _Listed, tiles: Tiles, index: LayerIndex) -> _Listed:
    """Return the lists of the smaller tiles within tiles."""
    # Where each tile begins, a smaller one does.
    child = np.searchsorted(tiles.first, coarse.tiles.first)
    size = np.diff(child)[coarse.own]
    tile = _ranges(child[coarse.own], size)
    local = np.repeat(np.arange(len(size)), size)
    center, reach = tiles.center[tile], tiles.reach_km[tile]
    apart = np.linalg.norm(center - coarse.tiles.center[coarse.own[local]], axis=1)
    count, piece, chord = coarse.reaching(
        index, tuple(center.T), local, apart + 2 * reach
    )
    least = np.minimum.reduceat(chord, np.cumsum(count) - count)
    bound = np.repeat(least + 2 * reach + 2 * TIE_KM + _ROUNDING_KM, count)
    near = chord <= bound
    return _Listed.of(tiles, np.repeat(tile, count)[near], piece[near], chord[near])


def _nearest_pieces(
    listed: _Listed, places: Places, index: LayerIndex
) -> Iterator[tuple[Ints, Ints]]:
    """Give points, by their place in the order, and the piece nearest to each."""
    tiles = listed.tiles
    size = np.diff(tiles.first)[listed.own]
    points = _ranges(tiles.first[listed.own], size)
    locals_ = np.repeat(np.arange(len(size)), size)
    rows = max(1, min(_ROWS, nearby.PAIRS // int(listed.length.max(initial=1))))
    for start in range(0, len(points), rows):
        point, local = points[start : start + rows], locals_[start : start + rows]
        x, y, z = (part[point] for part in places.ordered)
        count, piece, km = listed.reaching(
            index, (x, y, z), local, tiles.apart_km[point]
        )
        yield point, _least(index, piece, km, count)


def _least(index: LayerIndex, piece: Ints, km: Floats, count: Ints) -> Ints:
    """Return the nearest piece of each run of ``count``, by the rule of `nearby`."""
    first = np.cumsum(count) - count
    key = np.round(km / TIE_KM)
    is_least = key == np.repeat(np.minimum.reduceat(key, first), count)
    least = np.flatnonzero(is_least)
    n_least = np.add.reduceat(is_least, first, dtype=np.int64)
    begin = np.cumsum(n_least) - n_least
    found = piece[least[begin]]
    if len(least) > len(count):
        run = np.repeat(np.arange(len(count)), n_least)
        tied = n_least[run] > 1
        run, least = run[tied], least[tied]
        own = piece[least]
        feature = index.pieces.feature[own]
        order = np.lexsort((own, km[least], feature, run))
        run, own = run[order], own[order]
        head = np.concatenate([[True], run[1:] != run[:-1]])
        found[run[head]] = own[head]
    return found


def _measured(
    index: LayerIndex, xyz: tuple[Floats, ...], point: Ints, piece: Ints
) -> Floats:
    """Return the straight distance [km] of points and pieces, run by run."""
    x, y, z = xyz
    out = np.empty(len(point))
    for begin in range(0, len(point), _ROWS):
        i, j = point[begin : begin + _ROWS], piece[begin : begin + _ROWS]
        out[begin : begin + _ROWS] = index.chord_km(x[i], y[i], z[i], j)
    return out


def _ranges(begin: Ints, count: Ints) -> Ints:
    """Return ``begin[i]``, ``begin[i] + 1``, ... of every i, one after another."""
    first = np.cumsum(count) - count
    total = int(count.sum())
    return np.arange(total) + np.repeat(begin - first, count)


# ------------------------------------------------------------- within a radius


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
            return self._one_by_one().total(figures)
        found: Floats = np.bincount(
            self.site, self._parts(figures), minlength=len(self.sites)
        )
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

    def _one_by_one(self) -> Reach:
        """Return the same with every pair listed, sorted by point, then feature."""
        length = np.bincount(self.whole, minlength=self._n_tiles)
        begin = np.cumsum(length) - length
        count = length[self.tile]
        feature = self.whole_feature[_ranges(begin[self.tile], count)]
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
        chord = _measured(index, tuple(tiles.center.T), tile, piece)
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
    piece = listed[_ranges(begin, count)]
    chord = _measured(index, places.ordered, point[site], piece)
    near = chord <= low
    # Only at the very edge the curvature decides.
    doubt = np.flatnonzero(~near & (chord <= high))
    if len(doubt):
        i, j = places.order[point[site[doubt]]], piece[doubt]
        straight = np.linalg.norm(places.xyz[i] - index.start[j], axis=1)
        near[doubt] = arc_km(straight, places.lat[i]) <= radius_km
    return site[near], index.pieces.feature[piece[near]]


def is_tileable(index: LayerIndex, radius_km: float) -> bool:
    """Say whether `within` has an answer."""
    return index.is_points and radius_km <= CHORD_KM
