"""Labels beside their places: none over another, a line back to each place.

The placement is a deterministic greedy choice among rings of positions around
every anchor, most crowded anchors first, followed by sweeps in which each
label may move to a cheaper free position. All lengths are points of paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_RINGS = (2.5, 6.0, 11.0, 18.0, 27.0, 38.0, 52.0, 70.0, 92.0, 120.0, 155.0)
_DIRECTIONS = 24
_SWEEPS = 4
_FORBIDDEN = 1e9
_measure = TextToPath()


@dataclass(frozen=True)
class Placement:
    """Where the labels went.

    Parameters
    ----------
    lower_left : ndarray of float, shape (n, 2)
        Lower-left corner of each label's box [pt]; NaN where it found no room.
    sizes : ndarray of float, shape (n, 2)
        Width and height of each box [pt].
    leader : ndarray of float, shape (n, 2)
        Point of the box where its line to the anchor ends [pt].
    is_placed : ndarray of bool, shape (n,)
        Whether the label found room.
    cost : float
        How far the labels stand from their places and what they cover, in
        points of detour; lower reads better.
    """

    lower_left: Floats
    sizes: Floats
    leader: Floats
    is_placed: NDArray[np.bool_]
    cost: float


@lru_cache(maxsize=8192)
def _measured(text: str, size: float, weight: str) -> tuple[float, float, float]:
    font = FontProperties(size=size, weight=weight)
    width, height, descent = _measure.get_text_width_height_descent(text, font, False)
    return float(width), float(height), float(descent)


def text_size(text: str, size: float, weight: str = "normal") -> tuple[float, float]:
    """Return width and line height of a text on paper.

    Parameters
    ----------
    text : str
        The text; each newline starts a line.
    size : float
        Type size [pt].
    weight : str
        Font weight.

    Returns
    -------
    tuple of float
        Width and height [pt].
    """
    lines = text.split("\n")
    width = max(_measured(line, size, weight)[0] for line in lines)
    return width, 1.2 * size * len(lines)


def wrap(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text into lines that fit a width of paper.

    Parameters
    ----------
    text : str
        The text.
    width : float
        Room for a line [pt].
    size : float
        Type size [pt].
    weight : str
        Font weight.

    Returns
    -------
    list of str
        The lines; a word longer than a line is cut.
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        tried = f"{line} {word}" if line else word
        if text_size(tried, size, weight)[0] <= width:
            line = tried
            continue
        if line:
            lines.append(line)
        while len(word) > 1 and text_size(word, size, weight)[0] > width:
            cut = len(word) - 1
            while cut > 1 and text_size(word[:cut], size, weight)[0] > width:
                cut -= 1
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    if line:
        lines.append(line)
    return lines


def _overlaps(boxes: Floats, other: Floats, pad: float) -> NDArray[np.bool_]:
    """Tell which of ``boxes`` (m, 4) overlaps which of ``other`` (k, 4)."""
    return (
        (boxes[:, None, 0] < other[None, :, 2] + pad)
        & (boxes[:, None, 2] > other[None, :, 0] - pad)
        & (boxes[:, None, 1] < other[None, :, 3] + pad)
        & (boxes[:, None, 3] > other[None, :, 1] - pad)
    )


def _segments_cross(
    start: Floats, end: Floats, other_start: Floats, other_end: Floats
) -> NDArray[np.bool_]:
    """Tell which segments (m) cross which others (k)."""

    def side(a: Floats, b: Floats, c: Floats) -> Floats:
        turn: Floats = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (
            b[..., 1] - a[..., 1]
        ) * (c[..., 0] - a[..., 0])
        return turn

    a, b = start[:, None, :], end[:, None, :]
    c, d = other_start[None, :, :], other_end[None, :, :]
    crossing: NDArray[np.bool_] = (side(a, b, c) * side(a, b, d) < 0) & (
        side(c, d, a) * side(c, d, b) < 0
    )
    return crossing


def _segment_hits_box(
    start: Floats, end: Floats, boxes: Floats, pad: float
) -> NDArray[np.bool_]:
    """Tell which segments (m) enter which boxes (k), by clipping (Liang-Barsky)."""
    delta = end - start
    low = np.zeros((len(start), len(boxes)))
    high = np.ones((len(start), len(boxes)))
    for axis in (0, 1):
        step = np.where(np.abs(delta[:, axis]) < 1e-12, 1e-12, delta[:, axis])
        near = (boxes[None, :, axis] - pad - start[:, None, axis]) / step[:, None]
        far = (boxes[None, :, axis + 2] + pad - start[:, None, axis]) / step[:, None]
        low = np.maximum(low, np.minimum(near, far))
        high = np.minimum(high, np.maximum(near, far))
    hits: NDArray[np.bool_] = low < high
    return hits


def _circle_distance(boxes: Floats, centers: Floats) -> Floats:
    """Return the distance of box (m) to center (k)."""
    dx = np.maximum(
        np.maximum(boxes[:, None, 0] - centers[None, :, 0], 0),
        centers[None, :, 0] - boxes[:, None, 2],
    )
    dy = np.maximum(
        np.maximum(boxes[:, None, 1] - centers[None, :, 1], 0),
        centers[None, :, 1] - boxes[:, None, 3],
    )
    distance: Floats = np.hypot(dx, dy)
    return distance


def _point_segment_distance(points: Floats, start: Floats, end: Floats) -> Floats:
    """Return the distance of segment (m) to point (k)."""
    along = end - start
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = ((points[None, :, :] - start[:, None, :]) * along[:, None, :]).sum(
        axis=2
    ) / length[:, None]
    share = np.clip(share, 0, 1)
    nearest = start[:, None, :] + share[:, :, None] * along[:, None, :]
    distance: Floats = np.hypot(
        points[None, :, 0] - nearest[..., 0], points[None, :, 1] - nearest[..., 1]
    )
    return distance


def _options(
    anchor: Floats, radius: float, size: Floats, room: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return boxes (m, 4), leader ends (m, 2) and own cost (m,) of the positions."""
    angles = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    unit = np.column_stack([np.cos(angles), np.sin(angles)])
    reach = radius + np.asarray(_RINGS)
    half = size / 2
    # The box touches the ring with its nearest side or corner.
    shift = np.clip(unit * 1.6, -1, 1) * half
    center = (
        anchor + unit[None, :, :] * reach[:, None, None] + shift[None, :, :]
    ).reshape(-1, 2)
    # Right of the place reads best, then left, then above and below.
    taste = 1.5 * (1 - np.cos(angles)) + 2.0 * np.abs(np.sin(angles))
    cost = (np.asarray(_RINGS)[:, None] + taste[None, :]).reshape(-1)
    boxes = np.hstack([center - half, center + half])
    keep = (
        (boxes[:, 0] >= room[0])
        & (boxes[:, 1] >= room[1])
        & (boxes[:, 2] <= room[2])
        & (boxes[:, 3] <= room[3])
    )
    boxes, cost = boxes[keep], cost[keep]
    end = np.clip(anchor, boxes[:, :2], boxes[:, 2:])
    return boxes, end, cost


def _lattice(
    anchor: Floats, size: Floats, room: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return positions all over the room, for a label no ring has place for."""
    xs = np.arange(room[0], room[2] - size[0], max(size[0] / 3, 4.0))
    ys = np.arange(room[1], room[3] - size[1], max(size[1] / 2, 4.0))
    if not len(xs) or not len(ys):
        return np.empty((0, 4)), np.empty((0, 2)), np.empty(0)
    corner = np.array(np.meshgrid(xs, ys)).reshape(2, -1).T
    boxes = np.hstack([corner, corner + size])
    end = np.clip(anchor, boxes[:, :2], boxes[:, 2:])
    return boxes, end, 20 + np.hypot(*(end - anchor).T)


def _near(
    choice: tuple[Floats, Floats, Floats], anchor: Floats, longest: float
) -> tuple[Floats, Floats, Floats]:
    """Return the positions whose line to the anchor is not too long."""
    boxes, end, cost = choice
    keep = np.hypot(*(end - anchor).T) <= longest
    return boxes[keep], end[keep], cost[keep]


def place_labels(
    anchors: ArrayLike,
    radii: ArrayLike,
    sizes: ArrayLike,
    room: Sequence[float],
    *,
    obstacles: ArrayLike | None = None,
    pad: float = 1.5,
    longest: float = np.inf,
) -> Placement:
    """Place label boxes beside their anchors so that none overlaps another.

    Parameters
    ----------
    anchors : array_like, shape (n, 2)
        Places to be labelled [pt].
    radii : array_like, shape (n,)
        Radius of the symbol on each place [pt].
    sizes : array_like, shape (n, 2)
        Width and height of each label's box [pt].
    room : sequence of float
        Left, bottom, right, top of the map on paper [pt].
    obstacles : array_like, shape (m, 4), optional
        Boxes that labels must not cover [pt].
    pad : float
        Least distance of two boxes [pt].
    longest : float
        Longest line from a box to its anchor [pt]; a label that would need a
        longer one has no room.

    Returns
    -------
    Placement
        Corners, leader ends and which labels found room.

    Examples
    --------
    >>> from siteselect.reporting.labels import place_labels
    >>> put = place_labels([(50, 50)], [3], [(30, 9)], (0, 0, 100, 100))
    >>> put.is_placed.tolist(), put.lower_left.round(1).tolist()
    ([True], [[55.5, 45.5]])
    """
    points = np.asarray(anchors, dtype=float).reshape(-1, 2)
    radius = np.asarray(radii, dtype=float).reshape(-1)
    size = np.asarray(sizes, dtype=float).reshape(-1, 2)
    space = np.asarray(room, dtype=float)
    fixed = (
        np.empty((0, 4))
        if obstacles is None
        else np.asarray(obstacles, dtype=float).reshape(-1, 4)
    )
    n = len(points)
    box = np.full((n, 4), np.nan)
    end = np.full((n, 2), np.nan)
    spent = np.zeros(n)
    if n:
        gaps = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
        crowd = (gaps < 70).sum(axis=1)
        order = np.lexsort((np.arange(n), points[:, 0], -crowd))
        choices = [
            _near(_options(points[i], radius[i], size[i], space), points[i], longest)
            for i in range(n)
        ]
        for sweep in range(_SWEEPS):
            before = box.copy()
            for i in order:
                found = _best(i, choices[i], points, radius, box, end, fixed, pad)
                if found is None and sweep == 0:
                    wide = _near(
                        _lattice(points[i], size[i], space), points[i], longest
                    )
                    found = _best(i, wide, points, radius, box, end, fixed, pad)
                if found is not None:
                    box[i], end[i], spent[i] = found
            if np.array_equal(before, box, equal_nan=True):
                break
    placed = np.isfinite(box[:, 0])
    return Placement(box[:, :2].copy(), size, end, placed, float(spent.sum()))


def _best(
    i: int,
    choice: tuple[Floats, Floats, Floats],
    points: Floats,
    radius: Floats,
    box: Floats,
    end: Floats,
    fixed: Floats,
    pad: float,
) -> tuple[Floats, Floats, float] | None:
    """Return the cheapest free position of label ``i``, None if there is none."""
    boxes, ends, own = choice
    if not len(boxes):
        return None
    cost = own.copy()
    others = np.isfinite(box[:, 0])
    others[i] = False
    taken = np.vstack([box[others], fixed])
    start = np.broadcast_to(points[i], ends.shape)
    if len(taken):
        cost[_overlaps(boxes, taken, pad).any(axis=1)] += _FORBIDDEN
        cost += 150.0 * _segment_hits_box(start, ends, taken, 0.5).sum(axis=1)
    far = np.arange(len(points)) != i
    if far.any():
        covered = _circle_distance(boxes, points[far]) < radius[far] + 0.8
        cost += 160.0 * covered.sum(axis=1)
        passed = _point_segment_distance(points[far], start, ends) < radius[far] + 0.5
        cost += 25.0 * passed.sum(axis=1)
    cost += 90.0 * (_circle_distance(boxes, points[[i]]) < radius[i])[:, 0]
    if others.any():
        cost += 60.0 * _segments_cross(start, ends, points[others], end[others]).sum(
            axis=1
        )
        hit = _segment_hits_box(points[others], end[others], boxes, 0.5).sum(axis=0)
        cost += 150.0 * hit
    best = int(np.argmin(cost))
    if cost[best] >= _FORBIDDEN:
        return None
    return boxes[best], ends[best], float(cost[best])
