"""Finding the artists of a map by what they are, and their boxes as drawn."""

from __future__ import annotations

import numpy as np


def named(ax, gid):
    every = dict.fromkeys([*ax.get_children(), *ax.child_axes])
    return [artist for artist in every if artist.get_gid() == gid]


def named_everywhere(ax, gid):
    """Artists of the map and of its inset."""
    return [a for part in (ax, *named(ax, "inset")) for a in named(part, gid)]


def words(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def boxes_of(artists):
    """Return the boxes of artists as drawn [px]: left, bottom, right, top."""
    if not artists:
        return np.empty((0, 4))
    renderer = artists[0].get_figure(root=True).canvas.get_renderer()
    return np.array([a.get_window_extent(renderer).extents for a in artists])


def pairs_overlap(boxes, other=None):
    """Count pairs of boxes that overlap, within one set or between two."""
    a, b = boxes[:, None, :], (boxes if other is None else other)[None, :, :]
    hit = (a[..., 0] < b[..., 2]) & (a[..., 2] > b[..., 0])
    hit &= (a[..., 1] < b[..., 3]) & (a[..., 3] > b[..., 1])
    return int(np.triu(hit, 1).sum() if other is None else hit.sum())
