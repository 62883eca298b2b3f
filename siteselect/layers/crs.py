"""Coordinate reference systems: the few rules the whole library keeps.

Every distance is a geodesic on the WGS84 ellipsoid and every area is taken in
an equal-area projection, so a user never has to pick a projection. A layer
without a CRS is refused: guessing one moves sites by kilometers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from siteselect.errors import CRSError, LayerError, four_parts, shown

WGS84 = "EPSG:4326"
#: Albers equal-area for the contiguous United States.
CONUS_ALBERS = "EPSG:5070"
#: Equal-area on the whole globe (EASE-Grid 2.0), for shares of area.
GLOBAL_EQUAL_AREA = "EPSG:6933"

#: West, south, east, north of the contiguous United States [degrees].
CONUS_BOX = (-125.0, 24.0, -66.5, 49.8)
# Straight edges of a projected layer are cut to this length before they are
# turned into longitude and latitude, so that they stay where they were.
_EDGE_KM = 5.0


def require_crs(
    frame: gpd.GeoDataFrame | gpd.GeoSeries, layer: str = "the layer"
) -> pyproj.CRS:
    """Return the CRS of a frame, or raise if it has none.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer.
    layer : str
        How to call it in the message.

    Returns
    -------
    pyproj.CRS

    Raises
    ------
    CRSError
        If the frame has no CRS.

    Examples
    --------
    >>> import geopandas as gpd
    >>> frame = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> require_crs(frame).to_epsg()
    4326
    """
    if frame.crs is None:
        raise CRSError(
            four_parts(
                f"Distances and areas need the place of {layer} on the Earth",
                "it has no coordinate reference system (`crs` is None)",
                "any CRS that pyproj knows is allowed",
                "Set the one the coordinates are in, e.g. "
                '`frame.set_crs("EPSG:4326")` for longitude and latitude, or '
                'pass `crs="EPSG:4326"` to `read_layer`',
            )
        )
    crs: pyproj.CRS = frame.crs
    return crs


def to_wgs84(
    frame: gpd.GeoDataFrame | gpd.GeoSeries, layer: str = "the layer"
) -> gpd.GeoSeries:
    """Return the geometries in longitude and latitude, two-dimensional.

    Straight edges of a projected layer are cut into pieces of at most 5 km
    first, so that they keep their course; edges of a geographic layer are
    straight in longitude and latitude, as in GeoJSON [1]_.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer, in any CRS.
    layer : str
        How to call it in messages.

    Returns
    -------
    GeoSeries
        EPSG:4326, same index and order.

    Raises
    ------
    CRSError
        If there is no CRS, or coordinates cannot be transformed.
    LayerError
        If a geometry is missing or empty.

    References
    ----------
    .. [1] RFC 7946, The GeoJSON Format, section 3.1.1, 2016.

    Examples
    --------
    >>> import geopandas as gpd
    >>> point = gpd.GeoSeries.from_xy([0.0], [1_000_000.0], crs="EPSG:5070")
    >>> bool(to_wgs84(point).x.round(3).eq(-96.0).all())
    True
    """
    crs = require_crs(frame, layer)
    series = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else frame
    geoms: NDArray[Any] = np.asarray(series.array, dtype=object)
    void = shapely.is_missing(geoms) | shapely.is_empty(geoms)
    if void.any():
        rows = series.index[void]
        raise LayerError(
            four_parts(
                f"Every row of {layer} needs a geometry",
                f"{int(void.sum())} of {len(series)} have none or an empty one: "
                f"{shown(rows)}",
                "points, lines and polygons are allowed",
                "Drop these rows with `frame[~(frame.geometry.isna() | "
                "frame.geometry.is_empty)]`",
            )
        )
    if shapely.has_z(geoms).any():
        geoms = shapely.force_2d(geoms)
    if crs == WGS84 or len(geoms) == 0:
        return gpd.GeoSeries(geoms, index=series.index, crs=WGS84)
    if crs.is_projected and (shapely.get_dimensions(geoms) > 0).any():
        unit_m = crs.axis_info[0].unit_conversion_factor or 1.0
        geoms = cut_edges(geoms, _EDGE_KM * 1000.0 / unit_m)
    moved = gpd.GeoSeries(geoms, index=series.index, crs=crs).to_crs(WGS84)
    bounds = shapely.bounds(np.asarray(moved.array, dtype=object))
    lost = ~np.isfinite(bounds).all(axis=1)
    if lost.any():
        raise CRSError(
            four_parts(
                f"{layer} is to be turned from {crs.name} into longitude and latitude",
                f"{int(lost.sum())} of {len(series)} rows have no place there: "
                f"{shown(series.index[lost])}",
                "coordinates must lie where the CRS is defined",
                "Check that `crs` is the one the coordinates are in",
            )
        )
    return moved


def cut_edges(geoms: NDArray[Any], length: float) -> NDArray[Any]:
    """Cut edges to a length, without losing ground.

    Cutting alone drops half of a polygon whose ring crosses itself, and leaves
    nothing of one without area.
    """
    crossed = (shapely.get_dimensions(geoms) == 2) & ~shapely.is_valid(geoms)
    whole = geoms
    if crossed.any():
        whole = geoms.copy()
        whole[crossed] = shapely.make_valid(
            geoms[crossed], method="structure", keep_collapsed=False
        )
    cut = shapely.segmentize(whole, length)
    out: NDArray[Any] = np.where(shapely.is_empty(cut), geoms, cut)
    return out


def equal_area_crs(
    geoms: gpd.GeoDataFrame | gpd.GeoSeries | Sequence[float],
) -> pyproj.CRS:
    """Return a projection that keeps areas, centered on the geometries.

    EPSG:5070 (Albers) for anything within the contiguous United States that
    is wider than 15 degrees, else a Lambert azimuthal equal-area projection
    centered on the bounding box.

    Parameters
    ----------
    geoms : GeoDataFrame, GeoSeries, or (west, south, east, north) in [degrees]
        What the projection is for.

    Returns
    -------
    pyproj.CRS
        In meters.

    Examples
    --------
    >>> equal_area_crs((-125, 25, -67, 49)).to_epsg()
    5070
    >>> equal_area_crs((-107, 26, -94, 37)).coordinate_operation.method_name
    'Lambert Azimuthal Equal Area'
    """
    if isinstance(geoms, gpd.GeoDataFrame | gpd.GeoSeries):
        box = to_wgs84(geoms, "the area").total_bounds
    else:
        box = np.asarray(geoms, dtype=float)
    west, south, east, north = (float(v) for v in box)
    inside = (
        west >= CONUS_BOX[0]
        and south >= CONUS_BOX[1]
        and east <= CONUS_BOX[2]
        and north <= CONUS_BOX[3]
    )
    if inside and east - west > 15:
        return pyproj.CRS.from_user_input(CONUS_ALBERS)
    lon, lat = round((west + east) / 2, 2), round((south + north) / 2, 2)
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m +no_defs"
    )
