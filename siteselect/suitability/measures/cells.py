"""Measurements of raster layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.layers import Raster, layer_info
from siteselect.layers.raster import METHODS
from siteselect.layers.zones import operation
from siteselect.suitability.checks import check_length
from siteselect.suitability.measures.base import Measured, OfLayer
from siteselect.suitability.queries import Queries, one_band

__all__ = ["OfRaster", "Sample", "Zonal"]


class OfRaster(OfLayer):
    """Shared by measurements of one raster."""

    layer: Raster
    band: int | str

    @property
    def unit(self) -> str:
        """Unit of the raster."""
        units = layer_info(self.layer).units
        named = [units[key] for key in (self.layer_name, "value") if key in units]
        only = list(units.values()) if len(set(units.values())) == 1 else []
        return str((named or only or [""])[0])

    @property
    def label(self) -> str:
        """Name of the raster."""
        return self.layer_name

    @property
    def resolution_m(self) -> float | None:
        """Side of a cell on the ground, or the layer's own figure if coarser [m]."""
        return self.layer.resolution_m

    def _check(self) -> None:
        """Refuse what is no raster, or a band it does not have."""
        if not isinstance(self.layer, Raster):
            raise LayerError(
                four_parts(
                    f"{type(self).__name__} reads a raster",
                    f"found {type(self.layer).__name__}",
                    "allowed is a Raster",
                    "open it with read_layer(path), or use At for polygons",
                )
            )
        one_band(self.layer, self.band)


@dataclass(frozen=True, eq=False)
class Sample(OfRaster):
    """Value of a raster at the site.

    Parameters
    ----------
    layer : Raster
        Any raster, from the bundle or `read_layer`.
    band : int or str, default 1
        Which of the bands in use, counted from 1, or its name.
    reach_km : float, default 0
        Where the site's own cell has no data (a coast, a border): take the
        nearest cell with data within this distance [km], and count it as a
        fallback.
    method : {"nearest", "bilinear"}, default "nearest"
        The cell that holds the site, or a weighted mean of the four whose
        centers surround it (unknown where one of them is).

    Raises
    ------
    LayerError, StudyError
        If the layer is no raster, has no such band, or the method is unknown.

    Warns
    -----
    DataQualityWarning
        Where more than ten sites fit into one cell.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.layers import datasets
    >>> phoenix = gpd.GeoDataFrame(geometry=[Point(-112.07, 33.45)], crs=4326)
    >>> bool(Sample(datasets.load("solar_cf"))(phoenix).iloc[0] > 0.2)
    True
    """

    layer: Raster = field(repr=False)
    band: int | str = field(default=1, kw_only=True)
    reach_km: float = field(default=0.0, kw_only=True)
    method: str = field(default="nearest", kw_only=True)

    def __post_init__(self) -> None:
        self._check()
        check_length("Sample", "reach_km", self.reach_km, zero=True)
        if self.method not in METHODS:
            raise StudyError(
                four_parts(
                    f"Sample reads raster {self.layer_name!r} by a method",
                    f"found method={self.method!r}."
                    + nearest_name(str(self.method), METHODS),
                    f"allowed are {shown(METHODS)}",
                    "leave it out for the cell that holds the site",
                )
            )

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        found = queries.sample(
            self.layer, band=self.band, reach_km=self.reach_km, method=self.method
        )
        return self._series(
            queries,
            np.asarray(found.values, dtype=np.float64).copy(),
            np.asarray(found.is_fallback, dtype=bool),
            self._too_coarse(queries),
        )

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Sample",
            "layer": self.layer_name,
            "band": self.band,
            "reach_km": float(self.reach_km),
            "method": self.method,
        }


@dataclass(frozen=True, eq=False)
class Zonal(OfRaster):
    """Statistic of the raster cells under the site's own ground.

    Cells count by the exact share of theirs that lies under the site. Ground is
    unknown where the raster has no data and beyond its edges: a sum is unknown as
    soon as a part of the site's ground is, every other statistic where less than
    half of it is known.

    Parameters
    ----------
    layer : Raster
        Any raster, from the bundle or `read_layer`.
    stat : str, default "mean"
        ``"mean"``, ``"sum"``, ``"min"``, ``"max"``, ``"median"``, ``"quantile"``,
        ``"majority"``, ``"share"`` of classes, ...
    band : int or str, default 1
        Which of the bands in use, counted from 1, or its name.
    quantile : float, optional
        For ``"quantile"``: which one, 0 to 1.
    classes : sequence of float, optional
        For ``"share"``: values of the raster (such as kinds of land cover) whose
        share of the site's known ground is wanted, in the unit of the raster. A
        value counts as it is stored: 0.3 is the number nearest to it that a cell
        can hold.
    min_known : float, optional
        Share of the site's ground that must be known, 0 to 1; default 1 for
        ``"sum"`` and 0.5 for the others. Less gives what the known part gives: a
        lower bound of a sum. Not for ``"count"``, which counts known cells.

    Raises
    ------
    LayerError, StudyError
        If the layer is no raster or has no such band, the statistic or its figure
        cannot be, or a class is a value that no cell can hold.

    Warns
    -----
    DataQualityWarning
        Where more than ten sites fit into one cell.

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> ohio = datasets.region("OH")
    >>> july = Zonal(datasets.load("temperature"), band="jul")(ohio)
    >>> bool(20 < july.iloc[0] < 27)
    True
    """

    layer: Raster = field(repr=False)
    stat: str = "mean"
    band: int | str = field(default=1, kw_only=True)
    quantile: float | None = field(default=None, kw_only=True)
    classes: Sequence[float] | None = field(default=None, kw_only=True)
    min_known: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self._check()
        operation(
            self.layer_name, self.stat, self.quantile, self.classes, self.min_known
        )

    @property
    def label(self) -> str:
        """Statistic and raster."""
        which = "" if self.quantile is None else f"_{self.quantile:g}"
        return f"{self.stat}{which}_{self.layer_name}"

    @property
    def unit(self) -> str:
        """Unit of the raster; of a share or a count, what it is of."""
        own = {"share": "share of area", "count": "cells", "variety": "count"}
        return own.get(self.stat, super().unit)

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        found = queries.zonal(
            self.layer,
            band=self.band,
            stat=self.stat,
            quantile=self.quantile,
            classes=self.classes,
            min_known=self.min_known,
        )
        coarse = self._too_coarse(queries)
        return self._series(queries, found.copy(), is_too_coarse=coarse)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Zonal",
            "layer": self.layer_name,
            "stat": self.stat,
            "band": self.band,
            "quantile": self.quantile,
            "classes": None if self.classes is None else list(map(float, self.classes)),
            "min_known": None if self.min_known is None else float(self.min_known),
        }
