"""A slow, plain implementation of geodesic distance between geometries."""

from __future__ import annotations

import itertools

import numpy as np
import pyproj
import shapely

GEOD = pyproj.Geod(ellps="WGS84")


def edges(geom):
    """Return the edges of a geometry as pairs of vertices (points: twice the same)."""
    out = []
    for part in shapely.get_parts(geom):
        rings = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
        for ring in rings:
            xy = shapely.get_coordinates(ring)
            if len(xy) == 1:
                out.append((xy[0], xy[0]))
            out += list(itertools.pairwise(xy))
    return out


def _to_edges(lon, lat, pieces):
    """Least distance [km] from a point to edges straight in lon and lat."""
    a = np.array([p[0] for p in pieces])
    b = np.array([p[1] for p in pieces])
    low, high = np.zeros(len(a)), np.ones(len(a))
    best = np.inf
    # Six rounds of 25 samples find the foot to a millionth of the edge.
    for _ in range(6):
        share = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, 25)
        at = a[:, None, :] + share[:, :, None] * (b - a)[:, None, :]
        flat = at.reshape(-1, 2)
        _, _, meters = GEOD.inv(
            np.full(len(flat), lon), np.full(len(flat), lat), flat[:, 0], flat[:, 1]
        )
        km = np.asarray(meters).reshape(share.shape) / 1000
        best = min(best, km.min())
        pick = km.argmin(axis=1)
        step = (high - low) / 24
        middle = share[np.arange(len(a)), pick]
        low, high = np.clip(middle - step, 0, 1), np.clip(middle + step, 0, 1)
    return best


def distance_km(one, other):
    """Return the geodesic distance between two geometries; 0 if they touch."""
    if shapely.intersects(one, other):
        return 0.0
    best = np.inf
    for left, right in ((one, other), (other, one)):
        pieces = edges(right)
        for a, b in edges(left):
            for share in np.unique(np.linspace(0, 1, 9)) if (a != b).any() else (0,):
                lon, lat = a + share * (b - a)
                best = min(best, _to_edges(lon, lat, pieces))
        if one.geom_type == "Point":
            break
    return best


def distances_km(sites, features):
    """Return the table of distances between two lists of geometries."""
    return np.array([[distance_km(s, f) for f in features] for s in sites])
