"""An inset: where places cluster, a corner of the map shows them enlarged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from siteselect.reporting.sheet import Sheet

Floats = NDArray[np.float64]
#: A cluster has so many places, and an inset enlarges so much at least and at most.
_FEWEST = 4
_LEAST, _MOST = 2.2, 12.0
#: Sides of an inset as shares of the map's.
_SHARES = (0.55, 0.48, 0.42, 0.36, 0.30)
#: More places than this are not looked at: no inset would hold their labels.
_TOO_MANY = 1000
#: Room between an inset and the edge of the map, and around its places [pt].
_OFF = 4.0
#: Places along each side of the map where an inset may lie.
_STEPS = 13
#: An inset that would hide a larger share of the ground is none.
_MOST_HIDDEN = 0.05
#: An inset is no smaller than so many lines of text.
_LINES = 9.0


@dataclass(frozen=True)
class Inset:
    """Which places are enlarged, and where on paper.

    Parameters
    ----------
    is_inside : ndarray of bool, shape (n,)
        The places that lie in the window.
    window : tuple of float
        Left, bottom, right, top of what is enlarged [pt].
    box : tuple of float
        Left, bottom, right, top of the inset [pt].
    covered : float
        Share of the ground that it covers [-].
    """

    is_inside: NDArray[np.bool_]
    window: tuple[float, float, float, float]
    box: tuple[float, float, float, float]
    covered: float = 0.0

    @property
    def magnification(self) -> float:
        """How many times larger the inset is than the map."""
        return (self.box[2] - self.box[0]) / (self.window[2] - self.window[0])

    def sheet(self, sheet: Sheet) -> Sheet:
        """Return the paper of the inset, all of it map."""
        left, bottom, right, top = self.window
        middle = np.array([(left + right) / 2, (bottom + top) / 2])
        center = sheet.to_map(middle[None, :])[0]
        width, height = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return replace(
            sheet,
            width=width,
            height=height,
            map_left=0.0,
            map_bottom=0.0,
            map_width=width,
            map_height=height,
            center=(float(center[0]), float(center[1])),
            units_per_point=sheet.units_per_point / self.magnification,
        )


def find_inset(
    places: ArrayLike,
    radii: ArrayLike,
    room: tuple[float, float, float, float],
    text_pt: float,
    ground: ArrayLike | None = None,
) -> Inset | None:
    """Find the largest cluster of places that an inset would pull apart.

    Parameters
    ----------
    places : array_like, shape (n, 2)
        The places on paper [pt].
    radii : array_like, shape (n,)
        Radius of each circle [pt].
    room : tuple of float
        Left, bottom, right, top of the map [pt].
    text_pt : float
        Type size of labels [pt].
    ground : array_like, shape (m, 2), optional
        Candidates on paper, which an inset had better not cover [pt].

    Returns
    -------
    Inset or None
        None where no places cluster, or no side of the map is free.

    Examples
    --------
    >>> cluster = [(200 + 3 * k, 150 + 2 * k) for k in range(5)]
    >>> found = find_inset([*cluster, (60, 250)], [4] * 6, (0, 0, 500, 300), 7.5)
    >>> found.is_inside.tolist(), found.magnification > 2.2
    ([True, True, True, True, True, False], True)
    >>> find_inset([(50, 50), (300, 200)], [4, 4], (0, 0, 500, 300), 7.5) is None
    True
    """
    xy = np.asarray(places, dtype=float).reshape(-1, 2)
    radius = np.asarray(radii, dtype=float).reshape(-1)
    if not _FEWEST <= len(xy) <= _TOO_MANY:
        return None
    gaps = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))
    near = gaps < radius[:, None] + radius[None, :] + 0.5 * text_pt
    _, group = connected_components(sparse.csr_array(near), directed=False)
    sizes = np.bincount(group)
    # The largest cluster first; of equal ones that of the leftmost, lowest place.
    first = [tuple(xy[group == g].min(axis=0)) for g in range(len(sizes))]
    for g in sorted(range(len(sizes)), key=lambda g: (-sizes[g], first[g])):
        if sizes[g] < _FEWEST:
            return None
        found = _around(group == g, xy, radius, room, text_pt, ground)
        if found is not None:
            return found
    return None


def _around(
    members: NDArray[np.bool_],
    xy: Floats,
    radius: Floats,
    room: tuple[float, float, float, float],
    text_pt: float,
    ground: ArrayLike | None,
) -> Inset | None:
    """Return an inset of one cluster, None where it has no use or no place."""
    low, high = xy[members].min(axis=0), xy[members].max(axis=0)
    left, bottom, right, top = room
    size = np.array([right - left, top - bottom])
    points = np.empty((0, 2)) if ground is None else np.asarray(ground, dtype=float)
    best: tuple[float, Inset] | None = None
    for share in _SHARES:
        box = share * size
        # As wide as high or little more, so that neither side is wasted.
        box = np.minimum(box, 1.35 * box[::-1])
        if min(box) < _LINES * text_pt:
            break
        # Names need room around the outermost places, on the enlarged map.
        margin = np.array([3.2, 1.6]) * text_pt + radius[members].max()
        free = np.maximum(box - 2 * margin, 0.25 * box)
        spread = np.maximum(high - low, 1e-6)
        times = float(min((free / spread).min(), _MOST))
        if times < _LEAST:
            continue
        middle, half = (low + high) / 2, box / times / 2
        window = _floats((*(middle - half), *(middle + half)))
        diagonal = float(np.hypot(*size))
        for x, y in _along_the_edges(room, box):
            place = _floats((x, y, x + box[0], y + box[1]))
            if overlap(place, window, 6.0) or _hits(place, xy, radius):
                continue
            # Little ground is covered, the way from the cluster is short, and names
            # have more room in a large inset.
            away = float(np.hypot(*(np.array([x, y]) + box / 2 - middle)))
            hidden = float(_inside(place, points).sum() / max(len(points), 1))
            if hidden > _MOST_HIDDEN:
                continue
            cost = 25 * hidden + away / diagonal + 2 * (_SHARES[0] - share)
            if best is None or cost < best[0]:
                best = cost, Inset(_inside(window, xy), window, place, hidden)
    return None if best is None else best[1]


def _along_the_edges(
    room: tuple[float, float, float, float], box: Floats
) -> list[tuple[float, float]]:
    """Return lower-left corners of a box in the corners and along the sides."""
    left, bottom, right, top = room
    xs = np.linspace(right - _OFF - box[0], left + _OFF, _STEPS).tolist()
    ys = np.linspace(bottom + _OFF, top - _OFF - box[1], _STEPS).tolist()
    across = [(x, y) for x in xs for y in (ys[0], ys[-1])]
    return [*across, *((x, y) for y in ys[1:-1] for x in (xs[0], xs[-1]))]


def _floats(box: tuple[Any, ...]) -> tuple[float, float, float, float]:
    """Return a box of plain numbers."""
    left, bottom, right, top = (float(v) for v in box)
    return left, bottom, right, top


def _inside(box: tuple[float, ...], xy: Floats) -> NDArray[np.bool_]:
    """Tell which points lie in a box."""
    enough = np.all(xy >= box[:2], axis=1)
    inside: NDArray[np.bool_] = enough & np.all(xy <= box[2:], axis=1)
    return inside


def _hits(box: tuple[float, ...], xy: Floats, radius: Floats) -> bool:
    """Tell whether a box covers any circle."""
    off = np.maximum(np.maximum(box[:2] - xy, 0), xy - box[2:])
    return bool((np.hypot(*off.T) < radius + 3.0).any())


def overlap(one: tuple[float, ...], other: tuple[float, ...], pad: float) -> bool:
    """Tell whether two boxes are nearer than so much.

    Examples
    --------
    >>> overlap((0, 0, 2, 2), (3, 0, 4, 2), 0.5), overlap((0, 0, 2, 2), (3, 0, 4, 2), 2)
    (False, True)
    """
    return bool(
        one[0] < other[2] + pad
        and one[2] > other[0] - pad
        and one[1] < other[3] + pad
        and one[3] > other[1] - pad
    )


__all__ = ["Inset", "find_inset", "overlap"]
