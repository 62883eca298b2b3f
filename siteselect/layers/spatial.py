"""The one spatial-query module: nearest, within, pairs, containment, shares.

Distances are geodesics on the WGS84 ellipsoid, right to 0.1 % and about a
meter anywhere on the globe, whatever the CRS of the layers. No projection is
involved: coordinates become points in space (earth-centered, earth-fixed),
edges become short chords, a KD-tree finds the chords that can be nearest, and
the foot point on the edge is measured again along the ellipsoid. There is no
seam at the antimeridian and no distortion at high latitudes.

Edges run straight in longitude and latitude (as in GeoJSON) for a geographic
layer, and straight in the projection for a projected one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers import reach, tiles
from siteselect.layers.antimeridian import joined, on_globe
from siteselect.layers.crs import (
    GLOBAL_EQUAL_AREA,
    WGS84,
    cut_edges,
    require_short_edges,
    to_wgs84,
)
from siteselect.layers.edges import STEP_DEG, LayerIndex, tree_of
from siteselect.layers.ellipsoid import GEOD as _GEOD
from siteselect.layers.ellipsoid import geodesic_km as _geodesic_km
from siteselect.layers.ellipsoid import radius_km as _radius_km
from siteselect.layers.ellipsoid import table_km as _table_km
from siteselect.layers.ellipsoid import xyz as _xyz
from siteselect.layers.info import spoken
from siteselect.layers.nearby import (
    CHUNK,
    FARTHEST_KM,
    TIE_KM,
    blocks,
    first_area,
    nearest_points,
    piece_pairs,
    point_pairs,
    reduced,
    touching,
)
from siteselect.layers.places import Places
from siteselect.layers.reach import Reach

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_Frame: TypeAlias = "gpd.GeoDataFrame | gpd.GeoSeries"
_Layer: TypeAlias = "gpd.GeoDataFrame | gpd.GeoSeries | LayerIndex"
_Sites: TypeAlias = "gpd.GeoDataFrame | gpd.GeoSeries | Places"

# Lines and polygons asked at once for their nearest feature.
_SHAPES = 20_000
# Lengths are added up in micrometers.
_UM_PER_KM = 1e9


@dataclass(frozen=True)
class Nearest:
    """Result of `nearest`.

    Parameters
    ----------
    position : ndarray of int64, shape (n, k)
        Position (not label) of the feature in its layer; -1 if there is none.
    distance_km : ndarray of float64, shape (n, k)
        Geodesic distance to it [km]; NaN if there is none.
    """

    position: Ints
    distance_km: Floats


@dataclass(frozen=True)
class Pairs:
    """Pairs of places within a distance, sorted by site, then by feature.

    Parameters
    ----------
    site, feature : ndarray of int64, shape (n,)
        Positions in the two layers.
    distance_km : ndarray of float64, shape (n,)
        Geodesic distance [km].
    """

    site: Ints
    feature: Ints
    distance_km: Floats

    def __len__(self) -> int:
        return len(self.site)


# -------------------------------------------------------------------- features


def _geoms(frame: _Layer, layer: str, *, is_cut: bool = True) -> NDArray[Any]:
    """Return geometries in longitude and latitude as an object array."""
    if isinstance(frame, LayerIndex):
        return frame.geoms
    if not isinstance(frame, gpd.GeoDataFrame | gpd.GeoSeries):
        raise LayerError(
            four_parts(
                f"A spatial question was asked about {layer}",
                f"it is a {type(frame).__name__}",
                "a GeoDataFrame or a GeoSeries is allowed",
                "Read it with `ss.read_layer(...)` first",
            )
        )
    layer = spoken(frame, layer)
    geoms = np.asarray(to_wgs84(frame, layer).array, dtype=object)
    if frame.crs.is_geographic:
        require_short_edges(geoms, frame.index, layer)
    return on_globe(geoms, is_seamed=not frame.crs.is_geographic, is_cut=is_cut)


# ------------------------------------------------- sites that are not points


def _on_plane(
    geoms: NDArray[Any], owner: Ints, lon: Floats, lat: Floats
) -> NDArray[Any]:
    """Return geometries on azimuthal equidistant planes [km] around centers."""
    xy, which = shapely.get_coordinates(geoms, return_index=True)
    center = owner[which]
    azimuth, _, meters = _GEOD.inv(lon[center], lat[center], xy[:, 0], xy[:, 1])
    angle, km = np.radians(np.asarray(azimuth)), np.asarray(meters) / 1000.0
    flat = np.stack([km * np.sin(angle), km * np.cos(angle)], axis=1)
    moved: NDArray[Any] = shapely.set_coordinates(geoms.copy(), flat)
    return moved


def _shape_pairs(
    geoms: NDArray[Any], index: LayerIndex, radius_km: Floats, with_radius: Bools
) -> tuple[Ints, Ints, Floats]:
    """Pairs of lines or polygons and the features within a radius of each [km].

    Where `with_radius` is false the radius is ignored beyond what touches.
    """
    n = len(geoms)
    center = shapely.point_on_surface(geoms)
    lon, lat = shapely.get_x(center), shapely.get_y(center)
    xy, which = shapely.get_coordinates(geoms, return_index=True)
    reach = np.zeros(n)
    np.maximum.at(
        reach, which, _geodesic_km(lon[which], lat[which], xy[:, 0], xy[:, 1])
    )
    radius = np.where(with_radius, radius_km + reach * 1.001 + 0.001, 0.0)
    asks = np.flatnonzero(with_radius)
    point, piece = piece_pairs(_xyz(lon[asks], lat[asks]), index, radius[asks])
    point = asks[point]
    site, feature = touching(geoms, index.geoms)
    # Touching pairs are at distance 0 already; measuring them is wasted work.
    n_features = len(index.geoms)
    touch = np.unique(site * n_features + feature)
    pair = point * n_features + index.pieces.feature[piece]
    new = ~np.isin(pair, touch)
    point, piece = point[new], piece[new]

    outline = shapely.segmentize(geoms, STEP_DEG)
    flat_sites = _on_plane(outline, np.arange(n), lon, lat)
    p = index.pieces
    distances = [np.zeros(len(site))]
    sites, features = [site], [feature]
    for begin in range(0, len(point), CHUNK):
        i, j = point[begin : begin + CHUNK], piece[begin : begin + CHUNK]
        ends = np.stack(
            [
                np.stack([p.lon[j], p.lat[j]], axis=1),
                np.stack([p.lon[j] + p.dlon[j], p.lat[j] + p.dlat[j]], axis=1),
            ],
            axis=1,
        )
        flat = _on_plane(np.asarray(shapely.linestrings(ends)), i, lon, lat)
        link = shapely.get_coordinates(shapely.shortest_line(flat_sites[i], flat))
        # Feet go back to the globe and are measured there.
        bearing = np.degrees(np.arctan2(link[:, 0], link[:, 1]))
        out = np.repeat(i, 2)
        foot_lon, foot_lat, _ = _GEOD.fwd(
            lon[out], lat[out], bearing, np.hypot(link[:, 0], link[:, 1]) * 1000.0
        )
        foot_lon, foot_lat = np.asarray(foot_lon), np.asarray(foot_lat)
        km = _geodesic_km(foot_lon[::2], foot_lat[::2], foot_lon[1::2], foot_lat[1::2])
        near = km <= radius_km[i]
        sites.append(i[near])
        features.append(p.feature[j[near]])
        distances.append(km[near])
    return reduced(
        np.concatenate(sites), np.concatenate(features), np.concatenate(distances)
    )


# --------------------------------------------------------------------- public


def indexed(features: _Frame) -> LayerIndex:
    """Return a layer made ready, to ask several questions about it.

    Parameters
    ----------
    features : GeoDataFrame, GeoSeries or LayerIndex
        Any CRS.

    Returns
    -------
    LayerIndex
        Takes the place of the layer in `nearest`, `pairs_within`, `containing`,
        `is_within_km`, `covered_share` and `length_within`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> towns = gpd.GeoSeries.from_xy([-97.0, -97.0], [34.0, 33.0], crs="EPSG:4326")
    >>> len(indexed(towns))
    2
    """
    return LayerIndex(_geoms(features, "the layer"), features.index)


def placed(sites: _Frame) -> Places | None:
    """Return sites made ready, to ask several layers about them.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries
        Any CRS.

    Returns
    -------
    Places or None
        Takes the place of the sites in `nearest` and `within`; None where a site
        is not a single point.

    Examples
    --------
    >>> import geopandas as gpd
    >>> len(placed(gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")))
    1
    """
    geoms, is_point = _site_geoms(sites)
    return _places(geoms) if is_point.all() else None


def point_places(sites: _Sites) -> Places:
    """Return one point per site, made ready.

    Parameters
    ----------
    sites : GeoDataFrame, GeoSeries or Places
        Any CRS; see `points_of`.

    Returns
    -------
    Places
        The same object where it is one already.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> point_places(gpd.GeoSeries([box(0, 0, 2, 2)], crs="EPSG:4326")).lon.tolist()
    [1.0]
    """
    return sites if isinstance(sites, Places) else _places(points_of(sites).array)


def _places(points: Any) -> Places:
    """Return points made ready."""
    geoms: NDArray[Any] = np.asarray(points, dtype=object)
    lon, lat = shapely.get_coordinates(geoms).T
    return Places(np.ascontiguousarray(lon), np.ascontiguousarray(lat), geoms)


def _site_geoms(sites: _Frame) -> tuple[NDArray[Any], Bools]:
    """Return site geometries and which are single points."""
    geoms = _geoms(sites, "the sites")
    return geoms, shapely.get_type_id(geoms) == 0


def _feature_index(features: _Layer) -> LayerIndex:
    """Return the index over a layer that must hold something."""
    index = features if isinstance(features, LayerIndex) else indexed(features)
    if not len(index):
        raise LayerError(
            four_parts(
                "Distances to a layer were asked for",
                "the layer has no features",
                "at least one feature is needed",
                "Check the study area and any filter (`where=`) put on the layer, or "
                "load it with a larger `margin_km=`",
            )
        )
    return index


def nearest(
    sites: _Sites, features: _Layer, k: int = 1, max_km: float | None = None
) -> Nearest:
    """Return the k nearest features of each site.

    Works for points, lines and polygons on both sides. The distance from a
    line or polygon is that from its nearest edge, 0 inside.

    Parameters
    ----------
    sites : GeoDataFrame, GeoSeries or Places, n rows
        Any CRS.
    features : GeoDataFrame, GeoSeries or LayerIndex
        Any CRS; at least one row.
    k : int
        How many neighbors [-].
    max_km : float, optional
        Ignore what is farther [km].

    Returns
    -------
    Nearest
        ``position`` and ``distance_km``, both of shape (n, k). Ties (to the
        millimeter) go to the lowest position.

    Raises
    ------
    LayerError
        If the layer is empty or a geometry is missing.
    CRSError
        If a CRS is missing.

    References
    ----------
    .. [1] C. F. F. Karney, Algorithms for geodesics, Journal of Geodesy 87,
       43-55, 2013, https://doi.org/10.1007/s00190-012-0578-z

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> towns = gpd.GeoSeries.from_xy([-97.0, -97.0], [34.0, 33.0], crs="EPSG:4326")
    >>> found = nearest(sites, towns)
    >>> int(found.position[0, 0]), round(float(found.distance_km[0, 0]), 3)
    (1, 110.896)
    """
    if k < 1:
        raise LayerError(
            four_parts(
                f"The {k} nearest features were asked for",
                f"k is {k}",
                "k must be 1 or more",
                "Leave `k` out for the nearest one",
            )
        )
    limit = np.inf if max_km is None else float(max_km)
    index = _feature_index(features)
    if isinstance(sites, Places):
        return Nearest(*tiles.nearest(sites, index, k, limit))
    geoms, is_point = _site_geoms(sites)
    position = np.full((len(geoms), k), -1, dtype=np.int64)
    distance = np.full((len(geoms), k), np.nan)
    plain = np.flatnonzero(is_point)
    if len(plain):
        position[plain], distance[plain] = tiles.nearest(
            _places(geoms[plain]), index, k, limit
        )
    others = np.flatnonzero(~is_point)
    for begin in range(0, len(others), _SHAPES):
        shaped = others[begin : begin + _SHAPES]
        center = shapely.point_on_surface(geoms[shaped])
        _, bound = nearest_points(
            shapely.get_x(center), shapely.get_y(center), index, k, np.inf
        )
        # The k-th nearest of a point on the site is no nearer than the site's.
        radius = np.where(np.isnan(bound[:, -1]), np.inf, bound[:, -1] * 1.0001 + 1e-3)
        radius = np.minimum(radius, limit)
        needed = ~(np.isfinite(bound[:, -1]) & (bound[:, -1] == 0))
        site, feature, km = _shape_pairs(geoms[shaped], index, radius, needed)
        key = np.round(km / TIE_KM)
        order = np.lexsort((feature, key, site))
        site, feature, km = site[order], feature[order], km[order]
        rank = np.arange(len(site)) - np.searchsorted(site, site)
        few = rank < k
        position[shaped[site[few]], rank[few]] = feature[few]
        distance[shaped[site[few]], rank[few]] = km[few]
    return Nearest(position, distance)


def pairs_within(sites: _Frame, features: _Layer, radius_km: float) -> Pairs:
    """Return every (site, feature) no farther apart than a radius.

    Parameters
    ----------
    sites, features : GeoDataFrame or GeoSeries
        Points, lines or polygons, in any CRS.
    radius_km : float
        Largest distance [km], inclusive.

    Returns
    -------
    Pairs
        Sorted by site, then feature; empty if the layer is empty.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> towns = gpd.GeoSeries.from_xy([-97.0, -97.0], [34.0, 33.0], crs="EPSG:4326")
    >>> pairs_within(sites, towns, 150).feature
    array([1])
    """
    radius = _radius(radius_km)
    geoms, is_point = _site_geoms(sites)
    none = np.zeros(0, dtype=np.int64)
    if not len(features) or not len(geoms):
        return Pairs(none, none, np.zeros(0))
    index = _feature_index(features)
    parts: list[tuple[Ints, Ints, Floats]] = []
    plain = np.flatnonzero(is_point)
    if len(plain):
        xy = shapely.get_coordinates(geoms[plain])
        site, feature, km = point_pairs(xy[:, 0], xy[:, 1], index, radius)
        parts.append((plain[site], feature, km))
    shaped = np.flatnonzero(~is_point)
    if len(shaped):
        site, feature, km = _shape_pairs(
            geoms[shaped],
            index,
            np.full(len(shaped), radius),
            np.ones(len(shaped), dtype=bool),
        )
        parts.append((shaped[site], feature, km))
    if len(parts) == 1:
        return Pairs(*parts[0])
    return Pairs(
        *reduced(
            np.concatenate([p[0] for p in parts]),
            np.concatenate([p[1] for p in parts]),
            np.concatenate([p[2] for p in parts]),
        )
    )


def within(
    sites: Places, features: LayerIndex, radius_km: float
) -> Iterator[Reach] | None:
    """Give the features within a radius of sites, without their distances.

    Parameters
    ----------
    sites : Places
        See `placed`.
    features : LayerIndex
        See `indexed`.
    radius_km : float
        Largest distance [km], inclusive.

    Returns
    -------
    iterator of Reach, or None
        Blocks of sites, in bounded memory, all of them together; None where
        `pairs_within` is to be asked, as for lines and polygons.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import numpy as np
    >>> lon, lat = np.meshgrid(np.linspace(-97, -96, 50), np.linspace(32, 33, 50))
    >>> sites = gpd.GeoSeries.from_xy(lon.ravel(), lat.ravel(), crs="EPSG:4326")
    >>> town = indexed(gpd.GeoSeries.from_xy([-96.5], [32.5], crs="EPSG:4326"))
    >>> found = within(placed(sites), town, 150)
    >>> int(sum(reach.count().sum() for reach in found))
    2500
    """
    radius = _radius(radius_km)
    if not reach.is_answered(features, radius):
        return None
    return reach.within(sites, features, radius) if len(sites) else iter(())


def blocks_within(sites: _Frame, features: _Layer, radius_km: float) -> Iterator[slice]:
    """Return runs of sites that `pairs_within` can ask about in bounded memory.

    Parameters
    ----------
    sites, features, radius_km
        As in `pairs_within`.

    Yields
    ------
    slice
        Rows of the sites, in order; all of them together.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> list(blocks_within(sites, sites, 10))
    [slice(0, 1, None)]
    """
    radius = _radius(radius_km)
    if not len(features) or not len(sites):
        yield slice(0, len(sites))
        return
    index = _feature_index(features)
    yield from blocks(point_places(sites).xyz, index, radius)


def length_within(sites: _Frame, lines: _Layer, radius_km: float) -> Floats:
    """Return the length of lines within a radius of each site.

    A site stands for its representative point; a line that leaves the circle
    counts as far as it is inside.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries, n rows
        Any CRS.
    lines : GeoDataFrame, GeoSeries or LayerIndex
        Any CRS.
    radius_km : float
        Radius [km].

    Returns
    -------
    ndarray of float64, shape (n,)
        Geodesic length [km]; 0 where there is none, or the layer is empty.

    Raises
    ------
    LayerError
        If the layer holds anything but lines.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString
    >>> site = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> road = gpd.GeoSeries([LineString([(-97, 31), (-97, 33)])], crs="EPSG:4326")
    >>> length_within(site, road, 25).round(2).tolist()
    [50.0]
    """
    radius = _radius(radius_km)
    geoms = _geoms(lines, "the layer of lines")
    wrong = shapely.get_dimensions(geoms) != 1
    if wrong.any():
        kinds = sorted({g.geom_type for g in geoms[wrong]})
        raise LayerError(
            four_parts(
                "The length of lines was asked for",
                f"{int(wrong.sum())} of {len(geoms)} rows are {shown(kinds)}, "
                f"e.g. {shown(lines.index[wrong], 3)}",
                "lines are allowed",
                "Take the outline of polygons with `frame.boundary`",
            )
        )
    out = np.zeros(len(sites))
    if not len(geoms) or not len(sites):
        return out
    index = _feature_index(lines)
    points = point_places(sites)
    lat, xyz = points.lat, points.xyz
    p = index.pieces
    km = _geodesic_km(p.lon, p.lat, p.lon + p.dlon, p.lat + p.dlat)
    # On the chord, the circle is a ball that cuts the piece twice at most.
    curved = _radius_km(lat)
    ball = 2 * curved * np.sin(np.minimum(radius / (2 * curved), np.pi / 2))
    for rows in blocks(xyz, index, radius):
        point, piece = piece_pairs(xyz[rows], index, radius)
        point += rows.start
        apart = index.start[piece] - xyz[point]
        squared = index.squared[piece]
        half = np.einsum("ij,ij->i", apart, index.along[piece])
        rest = np.einsum("ij,ij->i", apart, apart) - ball[point] ** 2
        root = half**2 - squared * rest
        cuts = (root > 0) & (squared > 0)
        point, piece, half = point[cuts], piece[cuts], half[cuts]
        squared, root = squared[cuts], np.sqrt(root[cuts])
        enter = np.clip((-half - root) / squared, 0.0, 1.0)
        leave = np.clip((-half + root) / squared, 0.0, 1.0)
        inside = (leave - enter) * km[piece]
        # Whole micrometers: their sum is the same in any order.
        part = np.round(inside * _UM_PER_KM)
        size = rows.stop - rows.start
        out[rows] = np.bincount(point - rows.start, weights=part, minlength=size)
    out /= _UM_PER_KM
    return out


def table_km(sites: _Frame, places: _Frame) -> Iterator[tuple[slice, Floats]]:
    """Return the distances from all sites to all places, block by block.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries, n rows
        Any CRS; lines and polygons stand for a point on them.
    places : GeoDataFrame or GeoSeries, m rows
        Any CRS, likewise.

    Yields
    ------
    rows : slice
        Rows of the sites.
    distance_km : ndarray, shape (len(rows), m)
        Geodesic distance [km], right to 3 parts in 100,000 or a meter.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> towns = gpd.GeoSeries.from_xy([-97.0, -97.0], [34.0, 33.0], crs="EPSG:4326")
    >>> for rows, km in table_km(sites, towns):
    ...     print(rows.stop, km.round(1).tolist())
    1 [[221.8, 110.9]]
    """
    here, there = point_places(sites), point_places(places)
    lon, lat, lon1, lat1 = here.lon, here.lat, there.lon, there.lat
    # Small enough for the processor's cache.
    tall = max(1, CHUNK // (16 * max(1, len(lon1))))
    for begin in range(0, len(lon), tall):
        rows = slice(begin, min(len(lon), begin + tall))
        yield rows, _table_km(lon[rows], lat[rows], lon1, lat1)


def self_pairs_within(sites: _Frame, radius_km: float) -> Pairs:
    """Return every pair of sites no farther apart than a radius.

    Polygons and lines are measured between their representative points.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries
        Any CRS.
    radius_km : float
        Largest distance [km], inclusive.

    Returns
    -------
    Pairs
        With ``site < feature``, both positions in ``sites``.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoSeries.from_xy([-97, -97, -97], [32, 32.1, 39], crs=4326)
    >>> close = self_pairs_within(sites, 20)
    >>> close.site, close.feature
    (array([0]), array([1]))
    """
    radius = _radius(radius_km)
    points = point_places(sites)
    lon, lat = points.lon, points.lat
    none = np.zeros(0, dtype=np.int64)
    if len(lon) < 2:
        return Pairs(none, none, np.zeros(0))
    tree = tree_of(points.xyz)
    pairs = tree.query_pairs(radius + 1e-9, output_type="ndarray").astype(np.int64)
    site, feature = pairs.min(axis=1), pairs.max(axis=1)
    km = _geodesic_km(lon[site], lat[site], lon[feature], lat[feature])
    near = km <= radius
    site, feature, km = site[near], feature[near], km[near]
    order = np.lexsort((feature, site))
    return Pairs(site[order], feature[order], km[order])


def containing(sites: _Sites, polygons: _Layer) -> Ints:
    """Return the position of the polygon that contains each site.

    A site stands for its representative point. A point on a shared border
    belongs to exactly one polygon, the one with the lowest position.

    Parameters
    ----------
    sites : GeoDataFrame, GeoSeries or Places, n rows
        Any CRS.
    polygons : GeoDataFrame, GeoSeries or LayerIndex
        Any CRS.

    Returns
    -------
    ndarray of int64, shape (n,)
        -1 where no polygon contains the site.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> halves = gpd.GeoSeries([box(0, 0, 1, 1), box(1, 0, 2, 1)], crs="EPSG:4326")
    >>> sites = gpd.GeoSeries.from_xy([0.5, 1.0, 1.5, 9], [0.5] * 4, crs="EPSG:4326")
    >>> containing(sites, halves)
    array([ 0,  0,  1, -1])
    """
    areas = _geoms(polygons, "the polygon layer")
    _require_areas(areas, polygons)
    return first_area(point_places(sites).tree, areas)


def is_within_km(sites: _Sites, features: _Layer, km: float) -> Bools:
    """Return whether each site lies within a distance of any feature.

    The setback is round and measured from the feature's edge; a site inside
    a polygon or touching a feature is within any distance.

    Parameters
    ----------
    sites : GeoDataFrame, GeoSeries or Places, n rows
        Any CRS.
    features : GeoDataFrame, GeoSeries or LayerIndex
        Any CRS; if empty, nothing is within.
    km : float
        Setback [km].

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> lake = gpd.GeoSeries([box(0, 0, 1, 1)], crs="EPSG:4326")
    >>> sites = gpd.GeoSeries.from_xy([0.5, 1.01, 1.1], [0.5] * 3, crs="EPSG:4326")
    >>> is_within_km(sites, lake, 5)
    array([ True,  True, False])
    """
    setback = _radius(km)
    if len(features) == 0:
        return np.zeros(len(sites), dtype=bool)
    found: Bools = nearest(sites, features, max_km=setback).position[:, 0] >= 0
    return found


def covered_share(sites_polygons: _Frame, polygons: _Layer) -> Floats:
    """Return the share of each site's area that lies under a polygon layer.

    Overlapping polygons count once. Areas are taken in an equal-area
    projection of the globe.

    Parameters
    ----------
    sites_polygons : GeoDataFrame or GeoSeries, n rows
        Polygons; see `footprints` for points that stand for cells.
    polygons : GeoDataFrame, GeoSeries or LayerIndex
        The layer.

    Returns
    -------
    ndarray of float64, shape (n,)
        Between 0 and 1.

    Raises
    ------
    LayerError
        If either side is not polygons.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> site = gpd.GeoSeries([box(0, 0, 1, 1)], crs="EPSG:4326")
    >>> lakes = gpd.GeoSeries([box(0, 0, 0.5, 1), box(0, 0, 0.2, 1)], crs="EPSG:4326")
    >>> float(covered_share(site, lakes).round(6)[0])
    0.5
    """
    own = _geoms(sites_polygons, "the sites")
    _require_areas(own, sites_polygons)
    other = _geoms(polygons, "the polygon layer")
    _require_areas(other, polygons)
    if not len(own):
        return np.zeros(0)
    if not len(other):
        return np.zeros(len(own))
    own, other = _equal_area(own), _equal_area(other)
    area = shapely.area(own)
    covered = np.zeros(len(own))
    tree = shapely.STRtree(own)
    feature, site = tree.query(other, predicate="intersects")
    inside_feature, inside = tree.query(other, predicate="covers")
    del inside_feature
    whole = np.zeros(len(own), dtype=bool)
    whole[inside] = True
    covered[whole] = area[whole]
    part = ~whole[site]
    site, feature = site[part], feature[part]
    order = np.lexsort((feature, site))
    site, feature = site[order], feature[order]
    pieces = shapely.intersection(own[site], other[feature])
    count = np.bincount(site, minlength=len(own))
    alone = count[site] == 1
    covered[site[alone]] = shapely.area(pieces[alone])
    for n in np.unique(count[count > 1]):
        # All sites with n pieces at once: one union per row of a table.
        rows = count[site] == n
        table = pieces[rows].reshape(-1, int(n))
        covered[site[rows][:: int(n)]] = shapely.area(shapely.union_all(table, axis=1))
    share: Floats = np.clip(covered / np.where(area > 0, area, np.nan), 0.0, 1.0)
    return share


def areas_km2(polygons: _Frame) -> Floats:
    """Return the area of each polygon [km2].

    Parameters
    ----------
    polygons : GeoDataFrame or GeoSeries, n rows
        Any CRS.

    Returns
    -------
    ndarray of float64, shape (n,)

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> areas_km2(gpd.GeoSeries([box(0, 0, 1, 1)], crs=4326)).round(0).tolist()
    [12308.0]
    """
    geoms = _geoms(polygons, "the polygons")
    _require_areas(geoms, polygons)
    areas: Floats = shapely.area(_equal_area(geoms)) / 1e6
    return areas


def located(sites: _Frame, layer: str = "the sites") -> gpd.GeoSeries:
    """Return sites in longitude and latitude, cut at the antimeridian.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries
        Any CRS.
    layer : str
        How to call them in messages.

    Returns
    -------
    GeoSeries
        EPSG:4326, same index.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> across = gpd.GeoSeries([box(179, 0, 181, 1)], crs="EPSG:4326")
    >>> located(across).total_bounds.tolist()
    [-180.0, 0.0, 180.0, 1.0]
    """
    return gpd.GeoSeries(_geoms(sites, layer), index=sites.index, crs=WGS84)


def points_of(sites: _Frame) -> gpd.GeoSeries:
    """Return one point per site, in longitude and latitude.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries
        Any CRS. Points stand for themselves; lines and polygons for a point
        that lies on them.

    Returns
    -------
    GeoSeries
        EPSG:4326, same index.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> points_of(gpd.GeoSeries([box(0, 0, 2, 2)], crs="EPSG:4326")).iloc[0].wkt
    'POINT (1 1)'
    """
    # A site across the antimeridian has its point where it would have it elsewhere.
    geoms = _geoms(sites, "the sites", is_cut=False)
    other = shapely.get_type_id(geoms) != 0
    if other.any():
        geoms = geoms.copy()
        geoms[other] = shapely.point_on_surface(joined(geoms[other]))
        geoms = on_globe(geoms)
    return gpd.GeoSeries(geoms, index=sites.index, crs=WGS84)


def footprints(sites: _Frame) -> gpd.GeoSeries:
    """Return the ground each site stands for.

    Polygons stand for themselves. A point with the columns ``cell_km`` and
    ``cell_shape`` stands for a cell around it: a north-up square of that
    side, or a pointy-top hexagon of that width, so that cells of a grid with
    that spacing meet.

    Parameters
    ----------
    sites : GeoDataFrame
        Any CRS.

    Returns
    -------
    GeoSeries
        Polygons, EPSG:4326, same index.

    Raises
    ------
    LayerError
        If a site is neither a polygon nor a cell.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cell = gpd.GeoDataFrame(
    ...     {"cell_km": [10.0], "cell_shape": ["square"]},
    ...     geometry=gpd.points_from_xy([-97], [32]), crs="EPSG:4326")
    >>> km2 = footprints(cell).to_crs("EPSG:6933").area.iloc[0] / 1e6
    >>> round(float(km2), 1)
    100.0
    """
    geoms, _ = _site_geoms(sites)
    out = geoms.copy()
    other = shapely.get_dimensions(geoms) != 2
    if other.any():
        wanted = ("cell_km", "cell_shape")
        missing = [c for c in wanted if c not in getattr(sites, "columns", ())]
        if missing or (shapely.get_type_id(geoms[other]) != 0).any():
            raise LayerError(
                four_parts(
                    "The ground under the sites was asked for",
                    f"{int(other.sum())} of {len(geoms)} sites are not polygons"
                    + (f" and there is no column {shown(missing)}" if missing else ""),
                    "polygons, or points with the columns cell_km and cell_shape, "
                    "are allowed",
                    "Use `grid_candidates(...)`, or buffer your points to parcels",
                )
            )
        frame = sites[other]
        cell_km = frame["cell_km"].to_numpy(dtype=float)
        shape = frame["cell_shape"].astype(str).to_numpy()
        known = ("square", "hex")
        odd = ~np.isin(shape, known) | ~((cell_km > 0) & (cell_km < FARTHEST_KM))
        if odd.any():
            found = str(shape[odd][0])
            raise LayerError(
                four_parts(
                    "The ground under the sites was asked for",
                    f"{int(odd.sum())} cells have no usable size or shape, e.g. "
                    f"{shown(frame.index[odd], 1)} with cell_km={cell_km[odd][0]} "
                    f"and cell_shape={found!r}",
                    f"cell_km above 0 and cell_shape {' or '.join(known)} are allowed",
                    "Use `grid_candidates(...)`." + nearest_name(found, known),
                )
            )
        lon, lat = shapely.get_x(geoms[other]), shapely.get_y(geoms[other])
        cells = np.empty(len(lon), dtype=object)
        for name, azimuths, reach in (
            ("square", (45.0, 135.0, 225.0, 315.0), np.sqrt(0.5)),
            ("hex", (0.0, 60.0, 120.0, 180.0, 240.0, 300.0), np.sqrt(1 / 3)),
        ):
            rows = np.flatnonzero(shape == name)
            if not len(rows):
                continue
            # Clockwise azimuths; reversed so that rings run counter-clockwise.
            turn = np.tile(np.asarray(azimuths[::-1]), len(rows))
            again = np.repeat(rows, len(azimuths))
            x, y, _ = _GEOD.fwd(
                lon[again], lat[again], turn, cell_km[again] * reach * 1000.0
            )
            ring = np.stack([np.asarray(x), np.asarray(y)], axis=1)
            cells[rows] = shapely.polygons(ring.reshape(len(rows), -1, 2))
        out[other] = on_globe(cells, is_seamed=True)
    return gpd.GeoSeries(out, index=sites.index, crs=WGS84)


# --------------------------------------------------------------------- helpers


def _radius(km: float) -> float:
    """Return a distance [km] that makes sense, or raise."""
    value = float(km)
    if not value >= 0 or value == np.inf:
        raise LayerError(
            four_parts(
                "A distance was given",
                f"it is {km!r} km",
                "a finite number of kilometers, 0 or more, is allowed",
                "Pass e.g. `radius_km=25`",
            )
        )
    return value


def _require_areas(geoms: NDArray[Any], frame: _Layer) -> None:
    """Raise unless every geometry is a polygon."""
    wrong = shapely.get_dimensions(geoms) != 2
    if wrong.any():
        kinds = sorted({g.geom_type for g in geoms[wrong]})
        raise LayerError(
            four_parts(
                "Areas were asked for",
                f"{int(wrong.sum())} of {len(geoms)} rows are {shown(kinds)}, "
                f"e.g. {shown(frame.index[wrong], 3)}",
                "polygons are allowed",
                "Buffer points or lines first, or ask `nearest` for a distance",
            )
        )


def _equal_area(geoms: NDArray[Any]) -> NDArray[Any]:
    """Return polygons in an equal-area projection of the globe, valid."""
    fine = cut_edges(geoms, STEP_DEG)
    moved = gpd.GeoSeries(fine, crs=WGS84).to_crs(GLOBAL_EQUAL_AREA)
    out: NDArray[Any] = np.asarray(moved.array, dtype=object)
    bad = ~shapely.is_valid(out)
    if bad.any():
        out = out.copy()
        out[bad] = shapely.make_valid(out[bad])
    return out
