"""Measurements of what lies nearest, and of the polygon around a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts
from siteselect.layers import spatial
from siteselect.layers.info import says_none_within
from siteselect.suitability.checks import check_length, check_vector, column_of
from siteselect.suitability.measures.base import Measured, OfLayer, taken
from siteselect.suitability.queries import Filter, Queries, describe_filter

__all__ = ["At", "CoveredShare", "Nearest"]


@dataclass(frozen=True, eq=False)
class Nearest(OfLayer):
    """Distance to the nearest feature of a layer, or what that feature carries.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Points, lines or polygons in any CRS.
    attribute : str, optional
        Column of the layer to read from that feature; the distance otherwise.
    k : int, default 1
        Which one: 1 the nearest, 2 the second nearest, and so on.
    where : str, mapping or callable, optional
        Rows of the layer to look at: a comparison such as
        ``"voltage_kv >= 345"``, a mapping column -> wanted value or values,
        or a function layer -> boolean Series. A row whose figure is missing
        does not pass.

    Raises
    ------
    StudyError, LayerError
        If ``k`` is not a whole number from 1, or a column is missing.

    Notes
    -----
    Distances are geodesic [km]; 0 inside a polygon. Where the layer holds fewer
    than ``k`` features the answer is unknown.

    Features lie as exactly as the layer's resolution says. For sites smaller than
    that, a gate or exclusion cannot tell a distance from a limit that is nearer to
    it than the resolution, nor whose attribute is read: unknown.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=4326)
    >>> towns = gpd.GeoDataFrame(geometry=[Point(1, 0), Point(3, 0)], crs=4326)
    >>> Nearest(towns)(sites).round(1).tolist()
    [111.3]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    attribute: str | None = field(default=None, kw_only=True)
    k: int = field(default=1, kw_only=True)
    where: Filter | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Nearest")
        is_whole = isinstance(self.k, (int, np.integer)) and not isinstance(
            self.k, bool
        )
        if not is_whole or self.k < 1:
            raise StudyError(
                four_parts(
                    "Nearest counts features from 1",
                    f"found k={self.k!r}",
                    "allowed are whole numbers from 1",
                    "pass k=2 for the second nearest",
                )
            )
        if self.attribute is not None:
            column_of(self.layer, self.attribute, f"layer {self.layer_name!r}")

    @property
    def label(self) -> str:
        """Distance or attribute."""
        return self.attribute or "distance_km"

    @property
    def unit(self) -> str:
        """Unit: km for the distance, else the column's."""
        return "km" if self.attribute is None else self._unit_of(self.attribute)

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        features = queries.subset(self.layer, self.where).features
        n = len(queries.sites)
        if len(features) < self.k:
            return self._series(queries, np.full(n, np.nan))
        found = queries.nearest(self.layer, where=self.where, k=self.k)
        if self.attribute is None:
            km = found.distance_km[:, self.k - 1].copy()
            return self._series(queries, km, margin=self._margin_km(queries))
        position = found.position[:, self.k - 1]
        values = taken(features, self.attribute, position, self.layer_name)
        coarse = self._too_coarse(queries)
        return self._series(queries, values, is_too_coarse=coarse)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Nearest",
            "layer": self.layer_name,
            "attribute": self.attribute,
            "k": self.k,
            "where": describe_filter(self.where),
        }


@dataclass(frozen=True, eq=False)
class At(OfLayer):
    """What the polygon around a site carries.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Polygons in any CRS.
    column : str
        Column to read: numbers, or labels for `Categories`.
    reach_km : float, default 0
        Where no polygon holds the site, or the one that does has no figure:
        take the nearest polygon with a figure within this distance [km], and
        count it as a fallback.

    Raises
    ------
    LayerError
        If the column is missing.

    Notes
    -----
    A site is where its representative point is. Outside all polygons, and in
    one without a figure, the answer is unknown. To a gate or exclusion it is for
    sites smaller than the layer's resolution too, as of a raster.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> sites = gpd.GeoDataFrame(geometry=[Point(1, 1), Point(9, 9)], crs=4326)
    >>> zones = gpd.GeoDataFrame(
    ...     {"stress": [0.4]}, geometry=[box(0, 0, 2, 2)], crs=4326
    ... )
    >>> At(zones, "stress")(sites).tolist()
    [0.4, nan]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    column: str
    reach_km: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "At")
        column_of(self.layer, self.column, f"layer {self.layer_name!r}")
        check_length("At", "reach_km", self.reach_km, zero=True)

    @property
    def label(self) -> str:
        """Name of the column."""
        return self.column

    @property
    def unit(self) -> str:
        """Unit of the column."""
        return self._unit_of(self.column)

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        if len(self.layer) == 0:
            return self._series(queries, np.full(len(queries.sites), np.nan))
        position = queries.containing(self.layer)
        values = taken(self.layer, self.column, position, self.layer_name)
        is_missing = np.asarray(pd.isna(values))
        coarse = self._too_coarse(queries)
        if self.reach_km == 0 or not is_missing.any():
            return self._series(queries, values, is_too_coarse=coarse)
        known = self.layer[self.layer[self.column].notna()]
        is_fallback = np.zeros(len(values), dtype=bool)
        if len(known):
            where = np.flatnonzero(is_missing)
            near = spatial.nearest(
                queries.places().iloc[where], known, max_km=self.reach_km
            ).position[:, 0]
            values[where] = taken(known, self.column, near, self.layer_name)
            is_fallback[where[near >= 0]] = True
        return self._series(queries, values, is_fallback, coarse)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "At",
            "layer": self.layer_name,
            "column": self.column,
            "reach_km": float(self.reach_km),
        }


@dataclass(frozen=True, eq=False)
class CoveredShare(OfLayer):
    """Share of the site's own ground that polygons of a layer cover.

    The ground of a polygon is itself; of a grid candidate its cell. Overlapping
    polygons count once. To a gate or exclusion the share is unknown for sites
    smaller than the layer's resolution, where an edge passes as near as that. A
    layer without rows is unknown, unless it is known to be complete there
    (`LayerInfo.complete_km`).

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Polygons in any CRS.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> sites = gpd.GeoDataFrame(geometry=[box(0, 0, 2, 1)], crs=4326)
    >>> lakes = gpd.GeoDataFrame(geometry=[box(1, -5, 9, 5)], crs=4326)
    >>> CoveredShare(lakes)(sites).round(3).tolist()
    [0.5]
    """

    layer: gpd.GeoDataFrame = field(repr=False)

    def __post_init__(self) -> None:
        check_vector(self.layer, "CoveredShare")

    @property
    def label(self) -> str:
        """Name of the figure."""
        return "covered_share"

    @property
    def unit(self) -> str:
        """Share of the site's area."""
        return "share of area"

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        if len(self.layer) == 0:
            nothing = 0.0 if says_none_within(self.layer, 0.0) else np.nan
            return self._series(queries, np.full(len(queries.sites), nothing))
        share = queries.covered_share(self.layer)
        coarse = self._too_coarse(queries)
        if coarse.any():
            km = float(self.resolution_m or 0.0) / 1000.0
            coarse = coarse & queries.is_near_edge(self.layer, km, of_ground=True)
        return self._series(queries, share, is_too_coarse=coarse)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {"kind": "CoveredShare", "layer": self.layer_name}
