"""Coordinate reference systems: the few rules the whole library keeps.

Every distance is a geodesic on the WGS84 ellipsoid and every area is taken in
an equal-area projection, so a user never has to pick a projection. A layer
without a CRS is refused: guessing one moves sites by kilometers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pyproj.exceptions
import shapely
from numpy.typing import NDArray

from siteselect.errors import CRSError, LayerError, four_parts, said, shown

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
# Longitudes may go on beyond the antimeridian, up to one turn.
_MOST_LON = 540.0
# Type of the first geometry with parts.
_FIRST_MULTI = 4


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
    LayerError
        If it has no geometries.

    Examples
    --------
    >>> import geopandas as gpd
    >>> frame = gpd.GeoSeries.from_xy([-97.0], [32.0], crs="EPSG:4326")
    >>> require_crs(frame).to_epsg()
    4326
    """
    given: Any = frame
    is_table = isinstance(given, gpd.GeoDataFrame)
    if not isinstance(given, gpd.GeoDataFrame | gpd.GeoSeries) or (
        is_table and given._geometry_column_name not in given.columns
    ):
        raise LayerError(
            four_parts(
                f"{layer} is to be placed on the map",
                f"it is {said(given)} ({type(given).__name__})"
                + (" without an active geometry column" if is_table else ""),
                "a GeoDataFrame or GeoSeries with geometries is allowed",
                "Read it with `ss.read_layer(...)`, or choose the column with "
                '`frame.set_geometry("geometry")`',
            )
        )
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


@lru_cache(maxsize=64)
def registered(crs: pyproj.CRS) -> pyproj.CRS:
    """Return the same CRS as its register defines it, if it is in one.

    A file carries the definition that was current when it was written. PROJ takes a
    hundred times as long over some of them as over a code, and pyproj asks it again
    in each thread and process.

    Parameters
    ----------
    crs : pyproj.CRS
        Any.

    Returns
    -------
    pyproj.CRS
        Equal to the given one; the given one itself if no register has its equal.

    Examples
    --------
    >>> registered(pyproj.CRS(pyproj.CRS.from_epsg(5070).to_wkt())).srs
    'EPSG:5070'
    """
    code = crs.to_authority(min_confidence=100)
    if code is None:
        return crs
    known = pyproj.CRS.from_authority(*code)
    return known if known == crs else crs


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
        If a geometry is missing or empty, or a coordinate is NaN or infinite.

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
    require_horizontal(crs, layer)
    series = frame.geometry if isinstance(frame, gpd.GeoDataFrame) else frame
    geoms: NDArray[Any] = np.asarray(series.array, dtype=object)
    void = shapely.is_missing(geoms) | shapely.is_empty(geoms)
    if void.any():
        rows = series.index[void]
        raise LayerError(
            four_parts(
                f"Every row of {layer} needs a geometry",
                f"{int(void.sum())} of {len(series)} have none or an empty one, in row "
                f"{shown(rows)}",
                "points, lines and polygons are allowed",
                "Drop these rows with `frame[~(frame.geometry.isna() | "
                "frame.geometry.is_empty)]`",
            )
        )
    if (shapely.has_z(geoms) | shapely.has_m(geoms)).any():
        geoms = shapely.force_2d(geoms)
    geoms = _without_empty_parts(geoms)
    _require_places(geoms, series.index, crs, layer)
    if crs == WGS84 or len(geoms) == 0:
        return gpd.GeoSeries(geoms, index=series.index, crs=WGS84)
    if crs.is_projected and (shapely.get_dimensions(geoms) > 0).any():
        unit_m = crs.axis_info[0].unit_conversion_factor or 1.0
        geoms = cut_edges(geoms, _EDGE_KM * 1000.0 / unit_m)
    try:
        moved = gpd.GeoSeries(geoms, index=series.index, crs=crs).to_crs(WGS84)
    except pyproj.exceptions.ProjError as error:
        raise nowhere(crs, layer) from error
    bounds = shapely.bounds(np.asarray(moved.array, dtype=object))
    lost = ~np.isfinite(bounds).all(axis=1)
    if lost.any():
        raise CRSError(
            four_parts(
                f"{layer} is to be turned from {crs.name} into longitude and latitude",
                f"{int(lost.sum())} of {len(series)} rows have no place there, in row "
                f"{shown(series.index[lost])}",
                "coordinates must lie where the CRS is defined",
                "Check that `crs` is the one the coordinates are in",
            )
        )
    return moved


def nowhere(crs: pyproj.CRS, layer: str) -> CRSError:
    """Return the error about a CRS that does not say where on the Earth it is.

    Parameters
    ----------
    crs : pyproj.CRS
        Such as that of a building site, or of heights alone.
    layer : str
        How to call the layer.

    Returns
    -------
    CRSError

    Examples
    --------
    >>> "heights" in str(nowhere(pyproj.CRS.from_epsg(5703), "layer 'heights'"))
    True
    """
    return CRSError(
        four_parts(
            f"{layer} is to be placed on the Earth",
            f"its CRS is {crs.name} ({crs.type_name}), which does not say where "
            "longitude and latitude are",
            "a geographic or projected CRS is allowed",
            "Find out which one the coordinates are in, and set it: "
            '`frame.set_crs("EPSG:...", allow_override=True)`',
        )
    )


def require_horizontal(crs: pyproj.CRS, layer: str = "the layer") -> None:
    """Refuse a CRS without longitude and latitude, or east and north.

    Parameters
    ----------
    crs : pyproj.CRS
        Any.
    layer : str
        How to call the layer.

    Raises
    ------
    CRSError
        If it is geocentric, of heights alone, or of a place of its own.

    Examples
    --------
    >>> require_horizontal(pyproj.CRS.from_epsg(4326))
    """
    is_other = crs.is_geocentric or crs.is_vertical or crs.is_engineering
    if is_other and not (crs.is_geographic or crs.is_projected):
        raise nowhere(crs, layer)


def _without_empty_parts(geoms: NDArray[Any]) -> NDArray[Any]:
    """Leave out empty parts of multi-part geometries: nothing is there."""
    several = np.flatnonzero(shapely.get_type_id(geoms) >= _FIRST_MULTI)
    parts, which = shapely.get_parts(geoms[several], return_index=True)
    holed = np.unique(which[shapely.is_empty(parts)])
    if not len(holed):
        return geoms
    out = geoms.copy()
    for i in several[holed]:
        kept = shapely.get_parts(geoms[i])
        kept = kept[~shapely.is_empty(kept)]
        out[i] = type(geoms[i])(list(kept))
    return out


def _require_places(
    geoms: NDArray[Any], index: pd.Index[Any], crs: pyproj.CRS, layer: str
) -> None:
    """Refuse coordinates that are no place, or could be two."""
    xy, which = shapely.get_coordinates(geoms, return_index=True)
    if not np.isfinite(xy).all():
        lost = np.unique(which[~np.isfinite(xy).all(axis=1)])
        raise LayerError(
            four_parts(
                f"Every row of {layer} needs coordinates",
                f"{len(lost)} of {len(geoms)} have one that is NaN or infinite, in row "
                f"{shown(index[lost])}",
                "finite coordinates are allowed",
                f"Correct these rows, or leave them out: "
                f"`frame.drop(index=[{index[lost[0]]!r}, ...])`",
            )
        )
    if not crs.is_geographic:
        require_lengths(shapely.total_bounds(geoms), crs, layer)
        return
    # Some count in grads.
    unit = np.degrees(crs.axis_info[0].unit_conversion_factor or np.radians(1.0))
    most_x, most_y = _MOST_LON / unit, 90.0 / unit * (1 + 1e-9)
    beyond = (np.abs(xy[:, 1]) > most_y) | (np.abs(xy[:, 0]) > most_x)
    if not beyond.any():
        return
    rows = np.unique(which[beyond])
    first = xy[beyond][0]
    swapped = np.abs(xy[beyond][:, 0]).max() <= most_y
    raise CRSError(
        four_parts(
            f"The coordinates of {layer} are said to be longitude (x) and latitude "
            f"(y) ({crs.name})",
            f"{len(rows)} of {len(geoms)} rows are out of range, in row "
            f"{shown(index[rows])}: longitude {first[0]:.7g}, latitude {first[1]:.7g}"
            + ("; the two look swapped" if swapped else ""),
            "latitude -90 to 90 is allowed",
            "Swap them: `read_layer(frame, swap_xy=True)`, or make them with "
            "`gpd.points_from_xy(lon, lat)`"
            if swapped
            else "Set the CRS they are in: "
            '`frame.set_crs("EPSG:...", allow_override=True)`',
        )
    )


def require_lengths(
    box: Sequence[float] | NDArray[Any], crs: pyproj.CRS, layer: str = "the layer"
) -> None:
    """Refuse degrees that are said to be meters or feet.

    A projection of the user's own may well be centered on the site: only one
    that has a name in a register is taken to have no sites at its origin.

    Parameters
    ----------
    box : (west, south, east, north)
        What the coordinates span.
    crs : pyproj.CRS
        What they are said to be in.
    layer : str
        How to call the layer.

    Raises
    ------
    CRSError
        If the CRS is projected and the coordinates would all be degrees.

    Examples
    --------
    >>> require_lengths((-97.0, 32.0, -96.0, 33.0), pyproj.CRS.from_epsg(4326))
    """
    west, south, east, north = (float(v) for v in box)
    is_small = max(-west, east) <= 180 and max(-south, north) <= 90
    is_origin = west == south == east == north == 0
    if not (crs.is_projected and is_small) or is_origin or crs.to_authority() is None:
        return
    raise CRSError(
        four_parts(
            f"The coordinates of {layer} are said to be in {crs.name}",
            "they look like degrees: "
            f"x {west:.5g} to {east:.5g}, y {south:.5g} to {north:.5g}",
            "coordinates of a projected CRS are in meters or feet",
            'Set the CRS they are in: `frame.set_crs("EPSG:4326", '
            "allow_override=True)`",
        )
    )


def require_short_edges(
    geoms: NDArray[Any], index: pd.Index[Any], layer: str = "the layer"
) -> None:
    """Refuse polygons with an edge that could go round the globe either way.

    Parameters
    ----------
    geoms : ndarray of shapely geometries
        In longitude and latitude. Lines go the shorter way.
    index : pandas.Index
        Labels of the rows.
    layer : str
        How to call the layer.

    Raises
    ------
    LayerError
        Naming the rows.

    Examples
    --------
    >>> require_short_edges(np.array([shapely.box(0, 0, 9, 9)]), pd.RangeIndex(1))
    """
    west, _, east, _ = shapely.bounds(geoms).T
    wide = np.flatnonzero((east - west > 180.0) & (shapely.get_dimensions(geoms) == 2))
    if not len(wide):
        return
    parts, owner = geoms[wide], wide
    while (shapely.get_type_id(parts) >= _FIRST_MULTI).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    areal = shapely.get_dimensions(parts) == 2
    rings, which = shapely.get_rings(parts[areal], return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    step = np.abs(np.diff(xy[:, 0]))
    # All the way round is no question.
    unclear = (ring[1:] == ring[:-1]) & (step > 180.0) & (step < 360.0 - 1e-9)
    if unclear.any():
        rows = np.unique(owner[areal][which[ring[1:][unclear]]])
        raise LayerError(
            four_parts(
                f"The edges of {layer} are to be followed round the globe",
                f"{len(rows)} of {len(geoms)} polygons have one over more than 180 "
                f"degrees of longitude, in row {shown(index[rows])}: it may cross the "
                "antimeridian, or go round the other way",
                "edges up to 180 degrees are allowed",
                "Where it crosses, write longitudes beyond 180 (181 for -179), or cut "
                "the polygon there; where it does not, cut its edges: "
                "`frame.geometry.segmentize(90)`",
            )
        )


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
