"""Points made ready for many questions: in space, in order, and in tiles.

Points that lie close together get similar answers. They are sorted along a
curve through the cells of a grid that is halved again and again, so that the
points of each cell, a tile, follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from siteselect.layers.ellipsoid import xyz as to_xyz

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Times that the half globe of 180 by 180 degrees is halved (to 20 m).
DEPTH = 20
#: Length of 180 degrees [km], and what the reach of a tile is to its side.
_HALF_GLOBE_KM, _REACH = 20_015.0, 0.64


@dataclass(frozen=True)
class Tiles:
    """Points of the same cell: ``first[t]`` to ``first[t + 1]`` of the order.

    Parameters
    ----------
    first : ndarray of int64, shape (t + 1,)
        Where each tile begins.
    lon, lat : ndarray, shape (t,)
        Its center.
    center : ndarray, shape (t, 3)
        The same in space [km].
    apart_km : ndarray, shape (n,)
        Straight from each point, in order, to the center of its tile.
    reach_km : ndarray, shape (t,)
        The farthest of them.
    """

    first: Ints
    lon: Floats
    lat: Floats
    center: Floats
    apart_km: Floats
    reach_km: Floats

    def __len__(self) -> int:
        return len(self.lon)


class Places:
    """Points with all that is known about them before a layer is asked.

    Parameters
    ----------
    lon, lat : ndarray, shape (n,)
        Longitude and latitude [degrees].
    geoms : ndarray of shapely points, optional
        The same; made where they are needed.
    """

    def __init__(self, lon: Floats, lat: Floats, geoms: NDArray[Any] | None = None):
        self.lon, self.lat = lon, lat
        self._geoms = geoms
        self._tiles: dict[int, Tiles] = {}
        self._counts: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.lon)

    @cached_property
    def xyz(self) -> Floats:
        """Points in space [km], shape (n, 3)."""
        return to_xyz(self.lon, self.lat)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The points in a tree that polygons can be asked about."""
        geoms = (
            shapely.points(self.lon, self.lat) if self._geoms is None else self._geoms
        )
        return shapely.STRtree(np.atleast_1d(geoms))

    @cached_property
    def _cells(self) -> tuple[Ints, NDArray[np.uint64]]:
        """Return the order of the points, and the cell of each in that order."""
        cells = _cells_of(self.lon, self.lat)
        order = np.argsort(cells, kind="stable").astype(np.int64)
        return order, cells[order]

    @property
    def order(self) -> Ints:
        """Positions of the points, neighbors following one another."""
        return self._cells[0]

    @cached_property
    def ordered(self) -> tuple[Floats, Floats, Floats]:
        """The three coordinates [km] of the points in order, each by itself."""
        x, y, z = (np.ascontiguousarray(part) for part in self.xyz[self.order].T)
        return x, y, z

    def finest(self, few: float) -> int:
        """Return the last level whose tiles hold at least so many points on average."""
        level = DEPTH
        while level and len(self) < few * self.n_tiles(level):
            level -= 1
        return level

    def n_tiles(self, level: int) -> int:
        """Return how many tiles of a level hold points."""
        if level not in self._counts:
            cell = self._cells[1] >> np.uint64(2 * (DEPTH - level))
            changes = np.count_nonzero(cell[1:] != cell[:-1])
            self._counts[level] = int(changes) + 1
        return self._counts[level]

    def tiles(self, level: int) -> Tiles:
        """Return the tiles of a level: cells of half the globe, halved so often."""
        if level not in self._tiles:
            self._tiles[level] = self._tiled(level)
        return self._tiles[level]

    def _tiled(self, level: int) -> Tiles:
        order, cells = self._cells
        cell = cells >> np.uint64(2 * (DEPTH - level))
        begin = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
        first = np.append(begin, len(order)).astype(np.int64)
        count = np.diff(first)
        lon = np.add.reduceat(self.lon[order], begin) / count
        lat = np.add.reduceat(self.lat[order], begin) / count
        center = to_xyz(lon, lat)
        squared = np.zeros(len(order))
        for part, middle in zip(self.ordered, center.T, strict=True):
            squared += (part - np.repeat(middle, count)) ** 2
        apart = np.sqrt(squared)
        reach = np.maximum.reduceat(apart, begin)
        return Tiles(first, lon, lat, center, apart, reach)


def level_of(reach_km: float) -> int:
    """Return the level of tiles whose points lie about so far from the center."""
    halvings = np.log2(_HALF_GLOBE_KM * _REACH / max(reach_km, 1e-6))
    return int(np.clip(np.round(halvings), 0, DEPTH))


def _cells_of(lon: Floats, lat: Floats) -> NDArray[np.uint64]:
    """Return the smallest cell of each point: bits of both axes in turn."""
    scale = 2**DEPTH / 180.0
    column = np.floor((lon + 180.0) * scale).clip(0, 2 ** (DEPTH + 1) - 1)
    row = np.floor((lat + 90.0) * scale).clip(0, 2**DEPTH - 1)
    return _spread(column) | (_spread(row) << np.uint64(1))


def _spread(values: Floats) -> NDArray[np.uint64]:
    """Return whole numbers below 2**32 with a zero between all bits."""
    bits = values.astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


def ranges(begin: Ints, count: Ints) -> Ints:
    """Return ``begin[i]``, ``begin[i] + 1``, ... of every i, one after another."""
    first = np.cumsum(count) - count
    every: Ints = np.arange(int(count.sum())) + np.repeat(begin - first, count)
    return every
