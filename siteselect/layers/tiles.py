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
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from siteselect.layers import nearby
from siteselect.layers.edges import LayerIndex
from siteselect.layers.nearby import TIE_KM
from siteselect.layers.places import Places, Tiles, level_of, ranges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Tiles hold so many points on average, or each point is asked by itself; and so
#: many that it pays to look at the tiles within them.
_FEW, _MANY = 4, 16
#: Points whose distances tell how far features usually are.
_ASKED = 512
#: Points, and pieces in lists, looked at at once: in bounded memory, and so that what
#: is known of the points fits the processor's cache.
_ROWS, _PIECES = 2**14, 2**18
#: Edges leave their chords by less [km]; see `STEP_DEG`.
_FOOT_KM = 2e-3
#: Rounding of distances in space [km].
_ROUNDING_KM = 1e-8


def nearest(
    places: Places, index: LayerIndex, k: int, max_km: float
) -> tuple[Ints, Floats]:
    """Nearest features of points: positions (n, k) and distances [km]."""
    levels = _levels(places, index, max_km) if k == 1 else range(0)
    if not levels:
        return nearby.nearest_points(places.lon, places.lat, index, k, max_km)
    n = len(places)
    feature, km = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    for listed in _lists(places, levels, index, max_km):
        for point, piece in _nearest_pieces(listed, places, index):
            at = places.order[point]
            found = index.arc_km(places.lon[at], places.lat[at], piece, places.xyz[at])
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

    def split(self) -> Iterator[_Listed]:
        """Give the same lists, a bounded number of pieces at a time."""
        end = self.begin + self.length
        block = end // _PIECES
        cuts = np.flatnonzero(np.diff(block)) + 1
        for first, last in pairwise([0, *cuts.tolist(), len(self.own)]):
            lists = slice(first, last)
            at = int(self.begin[first])
            pieces = slice(at, int(end[last - 1]))
            yield replace(
                self,
                own=self.own[lists],
                begin=self.begin[lists] - at,
                length=self.length[lists],
                piece=self.piece[pieces],
                key=self.key[pieces] - self.step * first,
            )

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
        bound = index.chords_km(xyz, point, self.piece[begin])
        # The key of a long list of far pieces is rounded.
        rounding = 4 * np.spacing(self.step * max(1, len(self.own)))
        bound += beside_km + 2 * TIE_KM + _ROUNDING_KM + rounding
        bound = np.minimum(bound, self.step - 0.5) + self.step * local
        count = np.maximum(np.searchsorted(self.key, bound, side="right") - begin, 1)
        piece = self.piece[ranges(begin, count)]
        return count, piece, index.chords_km(xyz, np.repeat(point, count), piece)


def _lists(
    places: Places, levels: range, index: LayerIndex, max_km: float
) -> Iterator[_Listed]:
    """Give the lists of the tiles of the last level, block by block."""
    if len(levels) == 1:
        yield from _asked(places.tiles(levels[0]), index, max_km)
        return
    tiles = places.tiles(levels[-1])
    for listed in _lists(places, levels[:-1], index, max_km):
        for some in listed.split():
            yield _finer(some, tiles, index)


def _asked(tiles: Tiles, index: LayerIndex, max_km: float) -> Iterator[_Listed]:
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
        chord = index.chords_km(xyz, tile, piece)
        near = chord <= radius[tile]
        if near.any():
            yield _Listed.of(tiles, tile[near], piece[near], chord[near])


def _finer(coarse: _Listed, tiles: Tiles, index: LayerIndex) -> _Listed:
    """Return the lists of the smaller tiles within tiles."""
    # Where each tile begins, a smaller one does.
    child = np.searchsorted(tiles.first, coarse.tiles.first)
    size = np.diff(child)[coarse.own]
    tile = ranges(child[coarse.own], size)
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
    points = ranges(tiles.first[listed.own], size)
    locals_ = np.repeat(np.arange(len(size)), size)
    rows = max(1, min(_ROWS, _PIECES // int(listed.length.max(initial=1))))
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
    found: Ints = piece[least[begin]]
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
