"""Which projection a map is drawn in, and what north and a kilometer are there."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError as PyprojError

from siteselect.errors import CRSError, four_parts, said

CONUS_ALBERS = 5070
_CONUS_BOX = (-130.0, 20.0, -60.0, 55.0)
_CONUS_SPAN_DEG = 18.0
_WORLD_SPAN_DEG = 120.0
_GEOD = Geod(ellps="WGS84")


def lonlat_bounds(
    *frames: gpd.GeoDataFrame | None,
) -> tuple[float, float, float, float]:
    """Return west, south, east, north [degree] of all frames together.

    East may exceed 180 where the frames straddle the antimeridian.
    """
    lows: list[np.ndarray] = []
    for frame in frames:
        if frame is None or not len(frame):
            continue
        if frame.crs is None:
            raise CRSError(
                four_parts(
                    "A map needs to know where its rows lie",
                    "the frame has no CRS",
                    "any CRS that pyproj knows",
                    'Call frame.set_crs("EPSG:4326") with the CRS of the numbers',
                )
            )
        bounds = frame.geometry.to_crs(4326).bounds.to_numpy()
        lows.append(bounds[np.isfinite(bounds).all(axis=1)])
    every = np.concatenate(lows) if lows else np.empty((0, 4))
    if not len(every):
        return (-125.0, 24.5, -66.5, 49.5)
    west, east = float(every[:, 0].min()), float(every[:, 2].max())
    if east - west > 180:
        turned = np.where(every[:, [0, 2]] < 0, every[:, [0, 2]] + 360, 0)
        turned = np.where(turned == 0, every[:, [0, 2]], turned)
        if turned.max() - turned.min() < east - west:
            west, east = float(turned.min()), float(turned.max())
    return west, float(every[:, 1].min()), east, float(every[:, 3].max())


def map_crs(bounds: tuple[float, float, float, float]) -> CRS:
    """Choose an equal-area projection for an extent.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east, north [degree].

    Returns
    -------
    pyproj.CRS
        EPSG:5070 (Albers) for a wide extent inside the contiguous United
        States; Equal Earth for more than a third of the globe; otherwise a
        Lambert azimuthal equal-area projection centered on the extent.

    Examples
    --------
    >>> from siteselect.reporting.projection import map_crs
    >>> map_crs((-125, 25, -67, 49)).to_epsg()
    5070
    >>> map_crs((-100, 30, -99, 31)).coordinate_operation.method_name
    'Lambert Azimuthal Equal Area'
    """
    west, south, east, north = bounds
    inside = (
        west >= _CONUS_BOX[0]
        and south >= _CONUS_BOX[1]
        and east <= _CONUS_BOX[2]
        and north <= _CONUS_BOX[3]
    )
    if inside and east - west >= _CONUS_SPAN_DEG:
        return CRS.from_epsg(CONUS_ALBERS)
    if east - west >= _WORLD_SPAN_DEG:
        return CRS.from_epsg(8857)
    lon = round((west + east) / 2, 2)
    lat = round((south + north) / 2, 2)
    lon = (lon + 180) % 360 - 180
    return CRS.from_proj4(
        f"+proj=laea +lat_0={lat:g} +lon_0={lon:g} +datum=WGS84 +units=m +no_defs"
    )


def named_crs(asked: CRS | str) -> CRS:
    """Return the projection that a caller asks for.

    Parameters
    ----------
    asked : CRS or str
        Anything that pyproj knows.

    Returns
    -------
    pyproj.CRS
        The projection.

    Raises
    ------
    CRSError
        If pyproj knows no such one.

    Examples
    --------
    >>> named_crs("EPSG:5070").to_epsg()
    5070
    """
    try:
        return CRS.from_user_input(asked)
    except PyprojError as error:
        raise CRSError(
            four_parts(
                f"A map was asked for with crs={said(asked)}",
                "pyproj knows no such projection",
                "a pyproj CRS, an EPSG code or what else pyproj reads",
                'Use crs="EPSG:5070", or leave crs out to have it chosen by extent',
            )
        ) from error


def crs_name(crs: CRS) -> str:
    """Return the projection's name for a reader."""
    if crs.to_epsg() == CONUS_ALBERS:
        return "Albers equal-area (EPSG:5070)"
    if crs.to_epsg() == 8857:
        return "Equal Earth (EPSG:8857)"
    return "Lambert azimuthal equal-area, centered on the map"


def ground_m_per_unit(crs: CRS, x: float, y: float, span: float = 1000.0) -> float:
    """Return meters on the ground per map unit, eastward on the page at a point.

    Parameters
    ----------
    crs : pyproj.CRS
        The map's projection.
    x, y : float
        The point [map unit].
    span : float
        Length on the page over which it is measured [map unit].

    Returns
    -------
    float
        Geodesic meters on WGS84 per map unit [m].
    """
    back = Transformer.from_crs(crs, 4326, always_xy=True)
    lon, lat = back.transform([x - span / 2, x + span / 2], [y, y])
    _, _, length = _GEOD.inv(lon[0], lat[0], lon[1], lat[1])
    return float(length) / span if math.isfinite(length) and length > 0 else 1.0


def north_angle_deg(crs: CRS, x: float, y: float) -> float:
    """Return where true north points at a place of the map.

    Parameters
    ----------
    crs : pyproj.CRS
        The map's projection.
    x, y : float
        The point [map unit].

    Returns
    -------
    float
        Angle from the page's upward direction, clockwise positive [degree].
    """
    back = Transformer.from_crs(crs, 4326, always_xy=True)
    forth = Transformer.from_crs(4326, crs, always_xy=True)
    lon, lat = back.transform(x, y)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return 0.0
    step = 0.01 if lat < 89.9 else -0.01
    px, py = forth.transform([lon, lon], [lat, lat + step])
    east, up = (px[1] - px[0]) / step, (py[1] - py[0]) / step
    return math.degrees(math.atan2(east, up))
