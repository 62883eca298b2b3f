"""Points, and the pieces of a layer near them.

Everything here is asked with a tree, point by point; `tiles` asks for many
points at once, and gives the same answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from siteselect.layers.edges import LayerIndex, tree_of
from siteselect.layers.ellipsoid import CHORD_KM, arc_km
from siteselect.layers.ellipsoid import xyz as to_xyz

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Pieces shorter than this are points [km].
POINT_KM = 1e-6
#: Distances closer than this count as a tie [km].
TIE_KM = 1e-6
#: Rows of a chunk are chosen so that temporary arrays stay near this size.
CHUNK = 2_000_000
#: Pairs of sites and pieces of features held at once (about 200 bytes each).
PAIRS = 2_000_000
#: More points than this are asked in geographic order, that many at a time.
_SORT_ABOVE = 50_000
#: Points whose radii differ by less than this factor ask together.
_RADIUS_STEP = 1.25
#: No chord is longer [km].
FARTHEST_KM = 12_800.0


def touching(
    site_geoms: NDArray[Any], feature_geoms: NDArray[Any]
) -> tuple[Ints, Ints]:
    """Return (site, feature) positions that touch, sorted; points touch only areas."""
    asks = np.arange(len(feature_geoms))
    if (shapely.get_dimensions(site_geoms) == 0).all():
        asks = np.flatnonzero(shapely.get_dimensions(feature_geoms) == 2)
    site, feature = _asked(shapely.STRtree(site_geoms), feature_geoms, asks)
    order = np.lexsort((feature, site))
    return site[order], feature[order]


def _asked(
    sites: shapely.STRtree, feature_geoms: NDArray[Any], asks: Ints
) -> tuple[Ints, Ints]:
    """Return (site, feature) positions that touch, of the features that ask."""
    # The geometry that asks is the one GEOS prepares: ask with the features,
    # which are few and large, about the sites, which are many and small.
    feature, site = sites.query(feature_geoms[asks], predicate="intersects")
    return site.astype(np.int64), asks[feature]


def first_area(points: shapely.STRtree, feature_geoms: NDArray[Any]) -> Ints:
    """Return the lowest position of an area that holds each point; -1 if none."""
    asks = np.flatnonzero(shapely.get_dimensions(feature_geoms) == 2)
    site, feature = _asked(points, feature_geoms, asks)
    none = len(feature_geoms)
    lowest = np.full(len(points), none, dtype=np.int64)
    np.minimum.at(lowest, site, feature)
    lowest[lowest == none] = -1
    return lowest


def inside(lon: Floats, lat: Floats, index: LayerIndex) -> tuple[Ints, Ints]:
    """Return (point, feature) positions of points in areas, sorted."""
    if not index.has_areas:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    return touching(np.asarray(shapely.points(lon, lat), dtype=object), index.geoms)


def _best(
    distance: Floats, feature: Ints, piece: Ints, k: int
) -> tuple[Floats, Ints, Ints]:
    """Return per row the k nearest distinct features (ties: lowest position)."""
    last = np.iinfo(np.int64).max
    # To the millimeter, so that noise does not break ties.
    key = np.round(distance / TIE_KM)
    if k == 1:
        least = key.min(axis=1, keepdims=True)
        tied = np.where(key <= least, feature, last)
        # Of one feature, truly the nearest piece.
        near = np.where(tied == tied.min(axis=1, keepdims=True), distance, np.inf)
        tied = np.where(near == near.min(axis=1, keepdims=True), piece, last)
        pick = tied.argmin(axis=1)[:, None]
        lost = ~np.isfinite(least)
    else:
        order = np.lexsort((key, feature), axis=-1)
        sorted_feature = np.take_along_axis(feature, order, 1)
        sorted_key = np.take_along_axis(key, order, 1)
        again = np.zeros(order.shape, dtype=bool)
        again[:, 1:] = sorted_feature[:, 1:] == sorted_feature[:, :-1]
        sorted_key[again] = np.inf
        rank = np.lexsort((sorted_feature, sorted_key), axis=-1)[:, :k]
        pick = np.take_along_axis(order, rank, 1)
        lost = ~np.isfinite(np.take_along_axis(sorted_key, rank, 1))
    return (
        np.where(lost, np.inf, np.take_along_axis(distance, pick, 1)),
        np.where(lost, -1, np.take_along_axis(feature, pick, 1)),
        np.where(lost, -1, np.take_along_axis(piece, pick, 1)),
    )


def nearest_points(
    lon: Floats, lat: Floats, index: LayerIndex, k: int, max_km: float
) -> tuple[Ints, Floats]:
    """Nearest features of points: positions (n, k) and distances [km]."""
    n = len(lon)
    if n > _SORT_ABOVE:
        # Neighbors in turn find the tree's branches still in the cache.
        order = np.lexsort((np.floor(lon * 4), np.floor(lat * 4)))
        position = np.empty((n, k), dtype=np.int64)
        distance = np.empty((n, k))
        for begin in range(0, n, _SORT_ABOVE):
            some = order[begin : begin + _SORT_ABOVE]
            position[some], distance[some] = nearest_points(
                lon[some], lat[some], index, k, max_km
            )
        return position, distance
    xyz = to_xyz(lon, lat)
    best_km = np.full((n, k), np.inf)
    best_feature = np.full((n, k), -1, dtype=np.int64)
    best_piece = np.full((n, k), -1, dtype=np.int64)
    done = np.zeros(n, dtype=bool)

    site, feature = inside(lon, lat, index)
    if len(site):
        first = np.searchsorted(site, np.arange(n))
        rank = np.arange(len(site)) - first[site]
        few = rank < k
        best_km[site[few], rank[few]] = 0.0
        best_feature[site[few], rank[few]] = feature[few]
        done = np.isfinite(best_km[:, -1])

    for tree, members, slack in index.levels:
        active = np.flatnonzero(~done)
        ask = k + 1 if slack < POINT_KM else max(k + 1, 8)
        reach = max_km + slack + 2 * TIE_KM
        while len(active):
            ask = min(ask, len(members))
            rows = max(1, CHUNK // (ask * 3))
            left = []
            for begin in range(0, len(active), rows):
                some = active[begin : begin + rows]
                middle_km, hit = (
                    np.asarray(answer)
                    for answer in tree.query(
                        xyz[some], k=np.arange(1, ask + 1), distance_upper_bound=reach
                    )
                )
                found = hit < len(members)
                piece = members[np.where(found, hit, 0)]
                x, y, z = (part[:, None] for part in xyz[some].T)
                chord = index.chord_km(x, y, z, piece)
                chord[~found] = np.inf
                km, feat, pc = _best(
                    np.concatenate([best_km[some], chord], axis=1),
                    np.concatenate(
                        [best_feature[some], index.pieces.feature[piece]], axis=1
                    ),
                    np.concatenate([best_piece[some], piece], axis=1),
                    k,
                )
                best_km[some], best_feature[some], best_piece[some] = km, feat, pc
                beyond = middle_km[:, -1] - slack > km[:, -1] + 2 * TIE_KM
                left.append(some[~(beyond | ~found[:, -1])])
            if ask == len(members):
                break
            active = np.concatenate(left)
            ask *= 2

    row, column = np.nonzero(best_piece >= 0)
    if len(row):
        best_km[row, column] = index.arc_km(lon[row], lat[row], best_piece[row, column])
    best_km[best_km > max_km] = np.inf
    best_feature[~np.isfinite(best_km)] = -1
    key = np.where(np.isfinite(best_km), np.round(best_km / TIE_KM), np.inf)
    order = np.lexsort((best_feature, key), axis=-1)
    best_km = np.take_along_axis(best_km, order, 1)
    best_feature = np.take_along_axis(best_feature, order, 1)
    best_km[~np.isfinite(best_km)] = np.nan
    return best_feature, best_km


def piece_pairs(
    xyz: Floats, index: LayerIndex, radius_km: float | Floats
) -> tuple[Ints, Ints]:
    """Return (point, piece) with the piece no further than the radius [km]."""
    points: list[Ints] = [np.zeros(0, dtype=np.int64)]
    pieces: list[Ints] = [np.zeros(0, dtype=np.int64)]
    for some, largest in _alike(radius_km, len(xyz)):
        point, piece = _pairs_of(xyz, some, index, radius_km, largest)
        points.append(point)
        pieces.append(piece)
    return np.concatenate(points), np.concatenate(pieces)


def piece_pairs_by_blocks(
    xyz: Floats, index: LayerIndex, radius_km: Floats
) -> Iterator[tuple[Ints, Ints]]:
    """Give the same pairs, a bounded number at a time; those of a point together."""
    for some, largest in _alike(radius_km, len(xyz)):
        for rows in blocks(xyz[some], index, largest):
            yield _pairs_of(xyz, some[rows], index, radius_km, largest)


def _alike(radius_km: float | Floats, n: int) -> Iterator[tuple[Ints, float]]:
    """Give points of about the same radius, which ask together, and the largest."""
    radius = np.minimum(np.broadcast_to(radius_km, n), FARTHEST_KM)
    level = np.ceil(np.log(np.maximum(radius, 1e-3)) / np.log(_RADIUS_STEP))
    for one in np.unique(level):
        some = np.flatnonzero(level == one)
        yield some, float(radius[some].max())


def _pairs_of(
    xyz: Floats,
    some: Ints,
    index: LayerIndex,
    radius_km: float | Floats,
    largest_km: float,
) -> tuple[Ints, Ints]:
    """Return (point, piece) of some points, each with its own radius or one."""
    points: list[Ints] = []
    pieces: list[Ints] = []
    asking = tree_of(xyz[some])
    for tree, members, slack in index.levels:
        near = asking.sparse_distance_matrix(
            tree, largest_km + slack, output_type="ndarray"
        )
        point = some[near["i"]]
        if not isinstance(radius_km, float):
            near = near[near["v"] <= radius_km[point] + slack]
            point = some[near["i"]]
        points.append(point)
        pieces.append(members[near["j"]])
    return np.concatenate(points), np.concatenate(pieces)


def blocks(xyz: Floats, index: LayerIndex, radius_km: float) -> Iterator[slice]:
    """Return runs of points with a bounded number of pieces in reach."""
    todo = [slice(0, len(xyz))]
    while todo:
        rows = todo.pop()
        size = rows.stop - rows.start
        if size > 1:
            asking = tree_of(xyz[rows])
            # Whole branches are counted at once, so that this costs little.
            found = sum(
                int(asking.count_neighbors(tree, radius_km + slack))
                for tree, _, slack in index.levels
            )
            parts = min(size, -(-found // PAIRS), 64)
            if parts > 1:
                cut = np.linspace(rows.start, rows.stop, parts + 1).astype(int)
                todo += [
                    slice(int(a), int(b))
                    for a, b in zip(cut[-2::-1], cut[:0:-1], strict=True)
                ]
                continue
        yield rows


def reduced(site: Ints, feature: Ints, distance: Floats) -> tuple[Ints, Ints, Floats]:
    """Keep the least distance of each (site, feature), sorted."""
    if not len(site):
        return site, feature, distance
    key = site * (int(feature.max()) + 1) + feature
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    least: Floats = distance[order]
    if len(first) < len(key):
        least = np.minimum.reduceat(least, first)
    kept = order[first]
    return site[kept], feature[kept], least


def point_pairs(
    lon: Floats, lat: Floats, index: LayerIndex, radius_km: float
) -> tuple[Ints, Ints, Floats]:
    """Pairs of points and features within a radius [km]."""
    sites: list[Ints] = []
    features: list[Ints] = []
    distances: list[Floats] = []
    xyz = to_xyz(lon, lat)
    point, piece = piece_pairs(xyz, index, radius_km)
    only_points = radius_km <= CHORD_KM and not index.squared.any()
    for begin in range(0, len(point), CHUNK):
        i, j = point[begin : begin + CHUNK], piece[begin : begin + CHUNK]
        if only_points:
            km = arc_km(np.linalg.norm(xyz[i] - index.start[j], axis=1), lat[i])
        else:
            km = index.arc_km(lon[i], lat[i], j)
        near = km <= radius_km
        sites.append(i[near])
        features.append(index.pieces.feature[j[near]])
        distances.append(km[near])
    site, feature = inside(lon, lat, index)
    sites.append(site)
    features.append(feature)
    distances.append(np.zeros(len(site)))
    return reduced(
        np.concatenate(sites), np.concatenate(features), np.concatenate(distances)
    )
