"""Slope and aspect of the ground, from a raster of heights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from siteselect.layers import cells, spatial
from siteselect.layers.crs import WGS84

if TYPE_CHECKING:
    from siteselect.layers.raster import Raster

Floats = NDArray[np.float64]

# Points whose nine cells are held at once.
_POINTS = 200_000
# Horn's weights: what stands east of west, and south of north, counts once at
# the corners and twice beside the cell.
_ONE_TWO_ONE = np.array([1.0, 2.0, 1.0]) / 8.0


@dataclass(frozen=True)
class Terrain:
    """How the ground lies at points.

    Parameters
    ----------
    rise : ndarray of float64, shape (n,)
        Steepest rise over run [-]; NaN where one of the nine cells is unknown.
    aspect_deg : ndarray of float64, shape (n,)
        Where the ground faces, downhill [degrees clockwise from true north];
        NaN where it is level or unknown.
    """

    rise: Floats
    aspect_deg: Floats


def terrain(
    heights: Raster,
    points: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    vertical_m: float = 1.0,
) -> Terrain:
    """Return slope and aspect at points by Horn's method.

    The change of height per column and per row comes from the 3 x 3 cells
    around a point [1]_; it is turned into a change per meter east and north
    with what a step of one cell is on the ground there. So it is right in any
    CRS: degrees, feet, Mercator, a rotated raster.

    Parameters
    ----------
    heights : Raster
        Its first band in use is the height.
    points : GeoDataFrame or GeoSeries, n rows
        Any CRS; lines and polygons stand for a point on them.
    vertical_m : float
        Meters in one unit of height; 0.3048 for feet.

    Returns
    -------
    Terrain

    References
    ----------
    .. [1] B. K. P. Horn, Hill shading and the reflectance map, Proceedings of
       the IEEE 69 (1), 14-47, 1981, https://doi.org/10.1109/PROC.1981.11918

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.layers import datasets
    >>> front_range = gpd.GeoSeries.from_xy([-105.4], [39.7], crs="EPSG:4326")
    >>> found = terrain(datasets.load("elevation"), front_range)
    >>> bool(found.rise[0] > 0.01), bool(45 < found.aspect_deg[0] < 135)
    (True, True)
    """
    where = spatial.points_of(points)
    lon, lat = where.x.to_numpy(), where.y.to_numpy()
    east, north = np.full(len(lon), np.nan), np.full(len(lon), np.nan)
    with heights._opened() as source:
        to_raster = Transformer.from_crs(WGS84, source.crs, always_xy=True)
        for begin in range(0, len(lon), _POINTS):
            rows = slice(begin, begin + _POINTS)
            x, y = (np.asarray(v) for v in to_raster.transform(lon[rows], lat[rows]))
            column, row = cells.positions(source, cells.wrapped(source, x), y)
            c, r = cells.whole(column), cells.whole(row)
            middle = (c + np.float64(0.5), r + np.float64(0.5))
            around = cells.gathered(source, heights.bands[:1], r, c, side=(1, 1))
            z = around[:, 0] * vertical_m
            per_column = (z[:, :, 2] - z[:, :, 0]) @ _ONE_TWO_ONE
            per_row = (z[:, 2, :] - z[:, 0, :]) @ _ONE_TWO_ONE
            # The middle cell has no weight, but unknown there is unknown.
            per_column[np.isnan(z[:, 1, 1])] = np.nan
            along, down = cells.ground_steps(source, *middle)
            area = along[:, 0] * down[:, 1] - along[:, 1] * down[:, 0]
            area = np.where(area != 0, area, np.nan)
            east[rows] = (down[:, 1] * per_column - along[:, 1] * per_row) / area
            north[rows] = (along[:, 0] * per_row - down[:, 0] * per_column) / area
    rise: Floats = np.hypot(east, north)
    facing = np.degrees(np.arctan2(-east, -north)) % 360.0
    return Terrain(rise, np.where(rise > 0, facing, np.nan))
