"""Labels beside their places: none over another, a line back to each place.

The placement is a deterministic greedy choice among rings of positions around
every anchor, the most important first and of equals the most crowded, followed by
sweeps in which each label may move to a cheaper free position. What would be
read wrongly is no position at all: a line through another label or over another
line. All lengths are points of paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from numpy.typing import ArrayLike, NDArray

from siteselect.reporting.fonts import families_for, quiet_glyphs

Floats = NDArray[np.float64]
_RINGS = (2.5, 6.0, 11.0, 18.0, 27.0, 38.0, 52.0, 70.0, 92.0, 120.0, 155.0)
_DIRECTIONS = 24
_SWEEPS = 4
#: A line keeps so far from the box of another label [pt].
_CLEAR = 1.0
#: A label so near to a symbol seems to be its own [pt].
_CLOSE = 6.0
_NO_LINES = (np.empty((0, 2)), np.empty((0, 2)))
#: A position that costs so much covers a symbol: it is worth moving another label.
_POOR = 60.0
#: So many others are asked to make way for a label.
_ASKED = 6
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
    start, leader : ndarray of float, shape (n, 2)
        Where the line from the place to the label starts, and the point of the box
        where it ends [pt].
    is_placed : ndarray of bool, shape (n,)
        Whether the label found room.
    cost : float
        How far the labels stand from their places and what they cover, in
        points of detour; lower reads better.
    """

    lower_left: Floats
    sizes: Floats
    start: Floats
    leader: Floats
    is_placed: NDArray[np.bool_]
    cost: float


@lru_cache(maxsize=8192)
def _measured(text: str, size: float, weight: str) -> tuple[float, float, float]:
    font = FontProperties(family=families_for(text), size=size, weight=weight)
    with quiet_glyphs():
        width, height, descent = _measure.get_text_width_height_descent(
            text, font, False
        )
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


@dataclass(frozen=True)
class _Options:
    """Positions of labels: their boxes, the lines to their places, and their cost."""

    boxes: Floats
    start: Floats
    end: Floats
    cost: Floats

    def rows(self, rows: NDArray[np.intp]) -> _Options:
        """Return some of the positions."""
        return _Options(
            self.boxes[rows], self.start[rows], self.end[rows], self.cost[rows]
        )

    def joined(self, other: _Options) -> _Options:
        """Return the positions of both."""
        return _Options(
            np.vstack([self.boxes, other.boxes]),
            np.vstack([self.start, other.start]),
            np.vstack([self.end, other.end]),
            np.concatenate([self.cost, other.cost]),
        )


def _options(anchor: Floats, edge: float, boxes: Floats, cost: Floats) -> _Options:
    """Return positions with a line to each box, from so far off the anchor."""
    end = np.clip(anchor, boxes[:, :2], boxes[:, 2:])
    away = end - anchor
    share = np.minimum(edge / np.maximum(np.hypot(*away.T), 1e-12), 1.0)
    return _Options(boxes, anchor + away * share[:, None], end, cost)


def _rings(
    anchor: Floats, radius: float, edge: float, size: Floats, room: Floats
) -> _Options:
    """Return the positions on rings around a place."""
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
    return _options(anchor, edge, boxes[keep], cost[keep])


def _lattice(anchor: Floats, edge: float, size: Floats, room: Floats) -> _Options:
    """Return positions all over the room, for a label no ring has place for."""
    xs = np.arange(room[0], room[2] - size[0], max(size[0] / 3, 4.0))
    ys = np.arange(room[1], room[3] - size[1], max(size[1] / 2, 4.0))
    corner = np.array(np.meshgrid(xs, ys)).reshape(2, -1).T
    boxes = np.hstack([corner, corner + size])
    end = np.clip(anchor, boxes[:, :2], boxes[:, 2:])
    return _options(anchor, edge, boxes, 20 + np.hypot(*(end - anchor).T))


def place_labels(
    anchors: ArrayLike,
    radii: ArrayLike,
    sizes: ArrayLike,
    room: Sequence[float],
    *,
    obstacles: ArrayLike | None = None,
    lines: ArrayLike | None = None,
    importance: ArrayLike | None = None,
    pad: float = 1.5,
    longest: float = np.inf,
) -> Placement:
    """Place label boxes beside their anchors so that each is read with its own.

    No box overlaps another, and no line from a box to its anchor enters another box
    or crosses another line; a label that finds no such place is left out.

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
        Boxes that neither labels nor their lines cover [pt].
    lines : array_like, shape (k, 4), optional
        Lines from x, y to x, y that neither labels nor their lines cross [pt].
    importance : array_like, shape (n,), optional
        What is larger is placed first; equals by how crowded they stand.
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
    n = len(points)
    weight = np.zeros(n) if importance is None else np.asarray(importance, dtype=float)
    fixed = np.asarray([] if obstacles is None else obstacles, float).reshape(-1, 4)
    drawn = np.asarray([] if lines is None else lines, float).reshape(-1, 4)

    def free(i: int, options: _Options) -> _Options:
        return _free(i, options, points, radius, fixed, drawn, pad, longest)

    gaps = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
    # Of symbols that overlap, only the middles can be told apart: lines start there.
    overlap = gaps < radius[:, None] + radius[None, :]
    edge = np.where(overlap.sum(axis=1) > 1, 0.0, radius)
    board = _Board(n, pad)
    for i in range(n):
        rings = _rings(points[i], radius[i], edge[i], size[i], space)
        board.offer(i, free(i, rings))
    crowd = (gaps < 70).sum(axis=1)
    order = np.lexsort((np.arange(n), points[:, 0], -crowd, -weight))
    for sweep in range(_SWEEPS):
        before = board.at.copy()
        for i in order:
            best = board.best(i)
            if best is None and sweep == 0:
                # No ring has place for it: anywhere that is near enough.
                board.offer(i, free(i, _lattice(points[i], edge[i], size[i], space)))
                best = board.best(i)
            if best is not None:
                board.put(i, best)
                _trade(i, board)
            else:
                _make_way(i, board)
        if np.array_equal(before, board.at):
            break
    box, start, end, cost = board.chosen()
    return Placement(box[:, :2], size, start, end, board.at >= 0, cost)


class _Board:
    """Positions of all labels, which one each has taken, and what that rules out."""

    def __init__(self, n: int, pad: float) -> None:
        self.pad = pad
        self.owner = np.empty(0, dtype=np.intp)
        self.all = _Options(np.empty((0, 4)), *_NO_LINES, np.empty(0))
        #: Position that each label has taken, -1 for none.
        self.at = np.full(n, -1, dtype=np.intp)
        #: How many labels that stand rule out each position.
        self.ruled_out = np.empty(0, dtype=np.intp)

    def offer(self, i: int, options: _Options) -> None:
        """Add positions of a label."""
        standing = self.all.rows(self.at[(self.at >= 0)])
        clash = _clashes(options, standing, self.pad).sum(axis=1)
        self.all = self.all.joined(options)
        self.owner = np.append(self.owner, np.full(len(options.cost), i))
        self.ruled_out = np.append(self.ruled_out, clash)

    def best(self, i: int, beside: int | None = None) -> int | None:
        """Return the cheapest position that is free, None if none is.

        It is free beside one more position where that is given.
        """
        rows = np.flatnonzero((self.owner == i) & (self.ruled_out == 0))
        if beside is not None:
            one = self.all.rows(np.array([beside]))
            rows = rows[~_clashes(self.all.rows(rows), one, self.pad)[:, 0]]
        return int(rows[np.argmin(self.all.cost[rows])]) if len(rows) else None

    def put(self, i: int, k: int) -> None:
        """Let a label stand on one of its positions and nowhere else."""
        if self.at[i] == k:
            return
        self.lift(i)
        self.at[i] = k
        self.ruled_out += self._rules_out(k)

    def lift(self, i: int) -> None:
        """Take a label away."""
        if self.at[i] >= 0:
            self.ruled_out -= self._rules_out(self.at[i])
        self.at[i] = -1

    def _rules_out(self, k: int) -> NDArray[np.bool_]:
        """Tell which positions of other labels a position rules out."""
        clash = _clashes(self.all, self.all.rows(np.array([k])), self.pad)[:, 0]
        others: NDArray[np.bool_] = clash & (self.owner != self.owner[k])
        return others

    def in_the_way(self, i: int) -> list[tuple[int, int]]:
        """Return positions of a label that one other rules out, and that other."""
        rows = np.flatnonzero((self.owner == i) & (self.ruled_out == 1))
        rows = rows[np.argsort(self.all.cost[rows], kind="stable")]
        standing = np.flatnonzero(self.at >= 0)
        clash = _clashes(
            self.all.rows(rows), self.all.rows(self.at[standing]), self.pad
        )
        by = standing[clash.argmax(axis=1)] if len(rows) else rows
        _, first = np.unique(by, return_index=True)
        return [(int(rows[k]), int(by[k])) for k in np.sort(first)]

    def chosen(self) -> tuple[Floats, Floats, Floats, float]:
        """Return box and line of each label, NaN for none, and the cost of all."""
        put = self.at >= 0
        found = self.all.rows(self.at[put])
        box, start, end = (np.full((len(put), k), np.nan) for k in (4, 2, 2))
        box[put], start[put], end[put] = found.boxes, found.start, found.end
        return box, start, end, float(found.cost.sum())


def _make_way(i: int, board: _Board) -> None:
    """Place a label where one other stands that finds another place."""
    for k, j in board.in_the_way(i)[:_ASKED]:
        moved = board.best(j, beside=k)
        if moved is not None:
            board.put(j, moved)
            board.put(i, k)
            return


def _trade(i: int, board: _Board) -> None:
    """Move a poor label to where one other stands, if both together are better off."""
    cost, here = board.all.cost, int(board.at[i])
    if cost[here] < _POOR:
        return
    board.lift(i)
    for k, j in board.in_the_way(i)[:_ASKED]:
        moved = board.best(j, beside=k)
        if moved is None:
            continue
        if cost[k] + cost[moved] < cost[here] + cost[board.at[j]] - 1e-9:
            board.put(j, moved)
            board.put(i, k)
            return
    board.put(i, here)


def _free(
    i: int,
    options: _Options,
    points: Floats,
    radius: Floats,
    fixed: Floats,
    drawn: Floats,
    pad: float,
    longest: float,
) -> _Options:
    """Return positions that clash with nothing that stands still."""
    length = np.hypot(*(options.end - points[i]).T)
    options = options.rows(np.flatnonzero(length <= longest))
    boxes = options.boxes
    keep = np.ones(len(boxes), dtype=bool)
    if len(fixed):
        # A place under an obstacle has a line that starts there: it may leave it.
        over = ~((points[i] >= fixed[:, :2]) & (points[i] <= fixed[:, 2:])).all(axis=1)
        keep &= ~_overlaps(boxes, fixed, pad).any(axis=1)
        hit = _segment_hits_box(options.start, options.end, fixed[over], 0.5)
        keep &= ~hit.any(axis=1)
    if len(drawn):
        one, other = drawn[:, :2], drawn[:, 2:]
        keep &= ~_segment_hits_box(one, other, boxes, 0.5).any(axis=0)
        keep &= ~_segments_cross(options.start, options.end, one, other).any(axis=1)
    options = options.rows(np.flatnonzero(keep))
    boxes, start, end = options.boxes, options.start, options.end
    # Others that are too far off to be covered or passed are not asked.
    reach = length[length <= longest].max(initial=0.0) + radius.max()
    reach += np.hypot(*np.ptp(boxes.reshape(-1, 2, 2), axis=1).max(axis=0, initial=0))
    far = np.hypot(*(points - points[i]).T) < reach + 1.0
    far[i] = False
    cover = _circle_distance(boxes, points[far])
    passing = _point_segment_distance(points[far], start, end)
    # Across the middle of a symbol, label or line would seem to be that one's; only
    # a line that starts there cannot do otherwise.
    beside = np.hypot(*(points[far] - points[i]).T) > 0.75 * radius[far]
    wrong = (cover < 0.5 * radius[far]) | ((passing < 0.5 * radius[far]) & beside)
    cost = options.cost + 160.0 * (cover < radius[far] + 0.8).sum(axis=1)
    cost += 40.0 * (passing < radius[far] + 0.5).sum(axis=1)
    # A label close to another symbol than its own is taken for that one's.
    gap = np.hypot(*(end - points[i]).T) - radius[i]
    taken_for = cover - radius[far] < np.minimum(gap, _CLOSE)[:, None]
    cost += 25.0 * taken_for.sum(axis=1)
    cost += 90.0 * (_circle_distance(boxes, points[[i]]) < radius[i])[:, 0]
    return replace(options, cost=cost).rows(np.flatnonzero(~wrong.any(axis=1)))


def _clashes(options: _Options, standing: _Options, pad: float) -> NDArray[np.bool_]:
    """Tell which positions (m) clash with which others that are taken (k)."""
    hit = _overlaps(options.boxes, standing.boxes, pad)
    hit |= _segment_hits_box(options.start, options.end, standing.boxes, _CLEAR)
    hit |= _segment_hits_box(standing.start, standing.end, options.boxes, _CLEAR).T
    hit |= _segments_cross(options.start, options.end, standing.start, standing.end)
    return hit
