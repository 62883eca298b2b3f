"""Measurements of how the ground lies, from a raster of heights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from siteselect.errors import StudyError, four_parts, shown
from siteselect.layers import Raster
from siteselect.layers.notices import notice
from siteselect.layers.terrain import Terrain
from siteselect.suitability.measures.base import Flags, Measured
from siteselect.suitability.measures.cells import OfRaster
from siteselect.suitability.queries import Queries

__all__ = ["Aspect", "Slope"]

#: Cells larger than this do not show the slope of a building site [m]. Judgement:
#: three arc-seconds, the coarser of the two grids of the SRTM terrain model.
COARSEST_M = 90.0
#: Meters in a unit of height.
VERTICAL_M = {
    "m": 1.0,
    "meter": 1.0,
    "meters": 1.0,
    "metre": 1.0,
    "metres": 1.0,
    "cm": 0.01,
    "dm": 0.1,
    "km": 1000.0,
    "ft": 0.3048,
    "feet": 0.3048,
    "foot": 0.3048,
    "us-ft": 1200 / 3937,
}


class _OfTerrain(OfRaster):
    """Shared by slope and aspect."""

    vertical_m: float | None

    def _check_unit(self) -> None:
        """Refuse a unit of height that is unknown."""
        self._check()
        given = self.vertical_m
        if given is not None and not (
            isinstance(given, (int, float)) and 0 < given < np.inf
        ):
            raise StudyError(
                four_parts(
                    f"{type(self).__name__} takes the meters in a unit of height",
                    f"found vertical_m={given!r}",
                    "allowed are finite numbers above 0",
                    "pass vertical_m=0.3048 for feet, or leave it out",
                )
            )
        unit = super().unit
        if given is None and unit and unit.lower() not in VERTICAL_M:
            raise StudyError(
                four_parts(
                    f"{type(self).__name__} takes heights from {self.layer_name!r}",
                    f"its unit is {unit!r}",
                    f"allowed are {shown(VERTICAL_M, 20)}, or vertical_m=",
                    "pass the meters in one unit, e.g. vertical_m=0.3048",
                )
            )

    @property
    def _meters(self) -> float:
        """Meters in a unit of height; meters where the layer does not say."""
        if self.vertical_m is not None:
            return float(self.vertical_m)
        return VERTICAL_M.get(super().unit.lower(), 1.0)

    def _found(self, queries: Queries) -> Terrain:
        return queries.terrain(self.layer, band=self.band, vertical_m=self._meters)

    def _too_coarse(self, queries: Queries) -> Flags:
        """Return all sites where cells are too large for a slope, with a warning."""
        cell_m = float(self.layer.resolution_m)
        if cell_m <= COARSEST_M:
            return np.zeros(len(queries.sites), dtype=bool)
        notice(
            four_parts(
                f"{type(self).__name__} reads heights from {self.layer_name!r}",
                f"it tells apart {cell_m:.0f} m: what it shows is the lie of the land, "
                "not the slope of a site",
                f"cells up to {COARSEST_M:.0f} m are fine enough to judge by",
                "Use a finer terrain model",
            ),
            stacklevel=4,
        )
        return np.ones(len(queries.sites), dtype=bool)


@dataclass(frozen=True, eq=False)
class Slope(_OfTerrain):
    """Slope of the ground at the site, from a raster of heights.

    Parameters
    ----------
    layer : Raster
        Heights, in any CRS.
    angle : {"percent", "degrees"}, default "percent"
        Rise over run in percent, or the angle.
    vertical_m : float, optional
        Meters in one unit of height; taken from the layer's unit otherwise, and
        meters where it states none.
    band : int or str, default 1
        Which of the bands in use, counted from 1, or its name.

    Raises
    ------
    LayerError, StudyError
        If the layer is no raster, has no such band, or its unit is no length.

    Warns
    -----
    DataQualityWarning
        If cells are larger than 90 m; all sites are then flagged as measured too
        coarsely.

    Notes
    -----
    Horn's 3 x 3 method [1]_ in true ground units at the site's representative
    point, whatever the CRS. Unknown where one of the nine cells is.

    References
    ----------
    .. [1] B. K. P. Horn, Hill shading and the reflectance map, Proceedings of the
       IEEE 69 (1), 14-47, 1981.

    Examples
    --------
    >>> import warnings
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.layers import datasets
    >>> foothills = gpd.GeoDataFrame(geometry=[Point(-105.4, 39.7)], crs=4326)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # cells of 9 km are no slope of a site
    ...     percent = Slope(datasets.load("elevation"))(foothills)
    >>> bool(1 < percent.iloc[0] < 10)
    True
    """

    layer: Raster = field(repr=False)
    angle: str = field(default="percent", kw_only=True)
    vertical_m: float | None = field(default=None, kw_only=True)
    band: int | str = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        self._check_unit()
        if self.angle not in ("percent", "degrees"):
            raise StudyError(
                four_parts(
                    "Slope is given in percent or degrees",
                    f"found angle={self.angle!r}",
                    "allowed are 'percent' and 'degrees'",
                    "leave it out for percent",
                )
            )

    @property
    def label(self) -> str:
        """Slope and unit."""
        return "slope_pct" if self.angle == "percent" else "slope_deg"

    @property
    def unit(self) -> str:
        """Percent or degrees."""
        return "%" if self.angle == "percent" else "degrees"

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        rise = self._found(queries).rise
        figures = 100.0 * rise
        if self.angle == "degrees":
            figures = np.degrees(np.arctan(rise))
        return self._series(queries, figures, is_too_coarse=self._too_coarse(queries))

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Slope",
            "layer": self.layer_name,
            "angle": self.angle,
            "vertical_m": self._meters,
            "band": self.band,
        }


@dataclass(frozen=True, eq=False)
class Aspect(_OfTerrain):
    """Where the ground faces at the site: the compass direction downhill.

    Parameters
    ----------
    layer : Raster
        Heights, in any CRS.
    vertical_m : float, optional
        Meters in one unit of height, as in `Slope`; the direction does not depend
        on it.
    band : int or str, default 1
        Which of the bands in use, counted from 1, or its name.

    Raises
    ------
    LayerError, StudyError
        As in `Slope`.

    Warns
    -----
    DataQualityWarning
        As in `Slope`.

    Notes
    -----
    Degrees clockwise from true north, 0 up to 360: 180 faces south. Level ground
    faces nowhere: NaN.

    Examples
    --------
    >>> import warnings
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.layers import datasets
    >>> foothills = gpd.GeoDataFrame(geometry=[Point(-105.4, 39.7)], crs=4326)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # cells of 9 km are no slope of a site
    ...     facing = Aspect(datasets.load("elevation"))(foothills)
    >>> bool(45 < facing.iloc[0] < 135)
    True
    """

    layer: Raster = field(repr=False)
    vertical_m: float | None = field(default=None, kw_only=True)
    band: int | str = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        self._check_unit()

    @property
    def label(self) -> str:
        """Name of the figure."""
        return "aspect_deg"

    @property
    def unit(self) -> str:
        """Degrees."""
        return "degrees"

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        facing = self._found(queries).aspect_deg.copy()
        return self._series(queries, facing, is_too_coarse=self._too_coarse(queries))

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {"kind": "Aspect", "layer": self.layer_name, "band": self.band}
