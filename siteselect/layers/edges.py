"""Edges of a layer as short pieces in space, with trees to find them.

Coordinates become points in space (earth-centered, earth-fixed), edges short
chords; a KD-tree over their middles finds those that can be near a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from siteselect.layers.ellipsoid import geodesic_km
from siteselect.layers.ellipsoid import xyz as to_xyz

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Longest piece of an edge [degrees]. A chord of this length leaves the
#: straight line in longitude and latitude by at most R·step²/16 = 0.3 m.
STEP_DEG = 0.05
#: Pieces are sorted into trees by half-length [km]: a tree's slack is its
#: longest half piece, so short pieces must not pay for long ones.
HALF_LENGTHS_KM = (0.0, 0.5, np.inf)
#: Pairs measured at once.
_RUN = 2**14


def exploded(geoms: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Return single-part geometries and the position each came from."""
    owner = np.arange(len(geoms), dtype=np.int64)
    while len(geoms) and (shapely.get_type_id(geoms) >= 4).any():
        geoms, parent = shapely.get_parts(geoms, return_index=True)
        owner = owner[parent]
    return geoms, owner


@dataclass(frozen=True)
class Pieces:
    """Short straight pieces of the edges of a layer (points have no length)."""

    lon: Floats
    lat: Floats
    dlon: Floats
    dlat: Floats
    feature: Ints

    @classmethod
    def of(cls, geoms: NDArray[Any]) -> Pieces:
        """Cut the edges of geometries."""
        single, owner = exploded(geoms)
        kind = shapely.get_type_id(single)
        is_point = kind == 0
        xy = shapely.get_coordinates(single[is_point])
        zero = np.zeros(len(xy))
        points = cls(xy[:, 0], xy[:, 1], zero, zero, owner[is_point])
        if is_point.all():
            return points
        is_area = kind == 3
        rings, parent = shapely.get_rings(single[is_area], return_index=True)
        curves = np.concatenate([single[~is_point & ~is_area], rings])
        curve_owner = np.concatenate(
            [owner[~is_point & ~is_area], owner[is_area][parent]]
        )
        xy, curve = shapely.get_coordinates(curves, return_index=True)
        same = curve[1:] == curve[:-1]
        start = xy[:-1][same]
        step = xy[1:][same] - start
        # An edge over more than half the globe is one across the antimeridian; one
        # over all of it, as of a box from -180 to 180, goes all the way round.
        short = np.abs(step[:, 0]) < 360 - 1e-9
        step[short, 0] = (step[short, 0] + 180) % 360 - 180
        edge_owner = curve_owner[curve[:-1][same]]
        cuts = np.maximum(1, np.ceil(np.abs(step).max(axis=1) / STEP_DEG)).astype(
            np.int64
        )
        edge = np.repeat(np.arange(len(cuts)), cuts)
        turn = np.arange(len(edge)) - np.repeat(np.cumsum(cuts) - cuts, cuts)
        share = 1.0 / cuts[edge]
        piece = step[edge] * share[:, None]
        begin = start[edge] + piece * turn[:, None]
        return cls(
            np.concatenate([points.lon, begin[:, 0]]),
            np.concatenate([points.lat, begin[:, 1]]),
            np.concatenate([points.dlon, piece[:, 0]]),
            np.concatenate([points.dlat, piece[:, 1]]),
            np.concatenate([points.feature, edge_owner[edge]]),
        )

    def __len__(self) -> int:
        return len(self.lon)


def tree_of(xyz: Floats) -> KDTree:
    """Return a tree over points in space, built and asked fast."""
    return KDTree(xyz, leafsize=16, balanced_tree=False)


class LayerIndex:
    """A layer made ready for spatial questions: cut, and sorted into trees.

    Parameters
    ----------
    geoms : ndarray of shapely geometries
        In longitude and latitude.
    labels : pandas.Index, optional
        Labels of the rows, for messages.
    """

    def __init__(
        self, geoms: NDArray[Any], labels: pd.Index[Any] | None = None
    ) -> None:
        self.geoms = geoms
        self.index = pd.RangeIndex(len(geoms)) if labels is None else labels

    def __len__(self) -> int:
        return len(self.geoms)

    @cached_property
    def has_areas(self) -> bool:
        """Whether any feature is a polygon."""
        return bool((shapely.get_dimensions(self.geoms) == 2).any())

    @cached_property
    def pieces(self) -> Pieces:
        """Short straight pieces of all edges."""
        return Pieces.of(self.geoms)

    @cached_property
    def start(self) -> Floats:
        """Where each piece begins in space [km]."""
        return to_xyz(self.pieces.lon, self.pieces.lat)

    @cached_property
    def along(self) -> Floats:
        """From begin to end of each piece [km]."""
        p = self.pieces
        return to_xyz(p.lon + p.dlon, p.lat + p.dlat) - self.start

    @cached_property
    def squared(self) -> Floats:
        """Squared length of each piece [km2]."""
        squared: Floats = np.einsum("ij,ij->i", self.along, self.along)
        return squared

    @cached_property
    def levels(self) -> list[tuple[KDTree, Ints, float]]:
        """Trees over the middles of pieces, the pieces in each, and their reach."""
        half = np.sqrt(self.squared) / 2
        middle = self.start + self.along / 2
        levels = []
        below = -1.0
        for limit in HALF_LENGTHS_KM:
            members = np.flatnonzero((half > below) & (half <= limit))
            below = limit
            if len(members):
                slack = float(half[members].max()) + 1e-9
                levels.append((tree_of(middle[members]), members, slack))
        return levels

    def turn(self, xyz: Floats, piece: Ints) -> Floats:
        """Return where along the pieces (0..1) the foot of each point lies."""
        dot = np.einsum("...j,...j->...", xyz - self.start[piece], self.along[piece])
        squared = self.squared[piece]
        safe = np.where(squared > 0, squared, 1.0)
        share: Floats = np.clip(dot / safe, 0.0, 1.0)
        return share

    @cached_property
    def is_points(self) -> bool:
        """Whether every feature is one point."""
        is_point = not self.squared.any()
        return is_point and len(self.pieces) == len(self.geoms)

    @cached_property
    def columns(self) -> tuple[Floats, ...]:
        """Begin (3), direction (3) and squared length (not 0) of pieces, each alone."""
        parts = [*self.start.T, *self.along.T]
        parts.append(np.where(self.squared > 0, self.squared, 1.0))
        return tuple(np.ascontiguousarray(part) for part in parts)

    def chord_km(self, x: Floats, y: Floats, z: Floats, piece: Ints) -> Floats:
        """Return the straight distance [km] from points in space to pieces."""
        x0, y0, z0, x1, y1, z1, squared = self.columns
        dx, dy, dz = x - x0[piece], y - y0[piece], z - z0[piece]
        if self.squared.any():
            ax, ay, az = x1[piece], y1[piece], z1[piece]
            share = dx * ax
            share += dy * ay
            share += dz * az
            share /= squared[piece]
            np.clip(share, 0.0, 1.0, out=share)
            dx -= share * ax
            dy -= share * ay
            dz -= share * az
        dx *= dx
        dx += dy * dy
        dx += dz * dz
        distance: Floats = np.sqrt(dx, out=dx)
        return distance

    def chords_km(self, xyz: tuple[Floats, ...], point: Ints, piece: Ints) -> Floats:
        """Return the same for pairs, run by run, so that a run fits the cache."""
        x, y, z = xyz
        out = np.empty(len(point))
        for begin in range(0, len(point), _RUN):
            i, j = point[begin : begin + _RUN], piece[begin : begin + _RUN]
            out[begin : begin + _RUN] = self.chord_km(x[i], y[i], z[i], j)
        return out

    def arc_km(
        self, lon: Floats, lat: Floats, piece: Ints, xyz: Floats | None = None
    ) -> Floats:
        """Return the geodesic distance [km] from points to their feet on pieces.

        Points whose coordinates in space are known already bring them.
        """
        here = to_xyz(lon, lat) if xyz is None else xyz
        p = self.pieces
        if self.is_points:
            ends = (p.lon[piece], p.lat[piece])
            return geodesic_km(lon, lat, *ends, here, self.start[piece])
        share = self.turn(here, piece)
        foot_lon = p.lon[piece] + share * p.dlon[piece]
        foot_lat = p.lat[piece] + share * p.dlat[piece]
        return geodesic_km(lon, lat, foot_lon, foot_lat, here)
