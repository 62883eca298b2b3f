"""Measurements: one figure per candidate, in its own unit, NaN where unknown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.layers import Raster, layer_info, spatial
from siteselect.suitability.checks import (
    check_length,
    check_vector,
    column_of,
    layer_name,
    numbers,
)
from siteselect.suitability.queries import Filter, Queries, describe_filter, one_band

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

__all__ = [
    "At",
    "Column",
    "CoveredShare",
    "Measured",
    "Measurement",
    "Nearest",
    "Sample",
    "Within",
    "Zonal",
]


@dataclass(frozen=True, eq=False)
class Measured:
    """What a measurement found.

    Parameters
    ----------
    values : pandas.Series
        One figure (or label) per site, on the sites' index.
    is_fallback : numpy.ndarray of bool, shape (n,)
        True where the figure was taken from nearby because the site's own
        place has none.
    """

    values: pd.Series[Any]
    is_fallback: Flags


class Measurement(ABC):
    """What every measurement offers; call it on a frame to get its figures.

    A function frame -> Series does as a measurement too; subclass this one to
    carry a unit, evidence and a description.

    Examples
    --------
    >>> isinstance(Column("acres", column_unit="acre"), Measurement)
    True
    """

    @property
    @abstractmethod
    def label(self) -> str:
        """Short name of what is measured."""

    @property
    def unit(self) -> str:
        """Unit of the figures, ``""`` where dimensionless or not stated."""
        return ""

    @property
    def evidence(self) -> str:
        """What the figures rest on, taken from the layer."""
        return "unstated"

    @property
    def layer_name(self) -> str:
        """Name of the layer that is read, ``""`` for none."""
        return ""

    @abstractmethod
    def answer(self, queries: Queries) -> Measured:
        """Measure all sites of ``queries``, sharing its answers."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain, JSON-able dict."""

    def __call__(self, sites: gpd.GeoDataFrame) -> pd.Series[Any]:
        """Measure a frame of candidates.

        Parameters
        ----------
        sites : geopandas.GeoDataFrame
            Candidates; not changed.

        Returns
        -------
        pandas.Series
            One figure per site on ``sites.index`` [`unit`]; NaN is unknown.
        """
        return self.answer(Queries(sites)).values


class _OfLayer(Measurement):
    """Shared by measurements of one layer."""

    layer: Any

    @property
    def evidence(self) -> str:
        """Evidence of the layer."""
        return str(layer_info(self.layer).evidence)

    @property
    def layer_name(self) -> str:
        """Name of the layer."""
        return layer_name(self.layer)

    def _unit_of(self, column: str) -> str:
        return str(layer_info(self.layer).units.get(column, ""))

    def _series(
        self, queries: Queries, values: Any, is_fallback: Flags | None = None
    ) -> Measured:
        index = queries.sites.index
        flags = np.zeros(len(index), bool) if is_fallback is None else is_fallback
        return Measured(pd.Series(values, index=index, name=self.label), flags)


@dataclass(frozen=True, eq=False)
class Nearest(_OfLayer):
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
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
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
            return self._series(queries, found.distance_km[:, self.k - 1].copy())
        position = found.position[:, self.k - 1]
        values = _taken(features, self.attribute, position, self.layer_name)
        return self._series(queries, values)

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
class Within(_OfLayer):
    """Count, sum, mean or best of the features within a radius.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Points, lines or polygons in any CRS; a feature counts when its nearest
        edge is within the radius.
    radius_km : float
        Radius [km].
    count : bool, default False
        Count the features.
    sum, mean, max : str, optional
        Column to add up, average, or take the largest of. Exactly one of the
        four must be asked for.
    where : str, mapping or callable, optional
        Rows of the layer to look at, as in `Nearest`.
    skip_missing : bool, default False
        Leave features whose own figure is missing out of ``sum`` and ``mean``,
        and count the site as a fallback.

    Raises
    ------
    StudyError, LayerError
        If the radius is not positive, not exactly one of the four is asked
        for, or a column is missing.

    Notes
    -----
    *Nothing in reach* is knowledge, *no figure* is not:

    - no feature within the radius: ``count``, ``sum`` and ``max`` are 0 (there
      are no jobs, no headroom), ``mean`` is unknown. This is a true zero only
      where the layer covers the surroundings of the site: load it for an area
      larger than the candidates' by the radius;
    - a feature without a figure makes ``sum`` and ``mean`` unknown, unless
      ``skip_missing=True`` (the sum is then a lower bound), and is left out of
      ``max``: the best one known is what can be relied on;
    - only features without figures in reach: unknown, always;
    - a layer without rows: unknown, always.

    Headrooms are not additive: several substations in reach share the same
    lines. Take ``max`` of a headroom rather than ``sum``.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(geometry=[Point(0, 0), Point(9, 0)], crs=4326)
    >>> jobs = gpd.GeoDataFrame(
    ...     {"jobs": [30.0, 12.0]}, geometry=[Point(0.1, 0), Point(0, 0.2)], crs=4326
    ... )
    >>> Within(jobs, radius_km=50, sum="jobs")(sites).tolist()
    [42.0, 0.0]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    radius_km: float = field(kw_only=True)
    count: bool = field(default=False, kw_only=True)
    sum: str | None = field(default=None, kw_only=True)
    mean: str | None = field(default=None, kw_only=True)
    max: str | None = field(default=None, kw_only=True)
    where: Filter | None = field(default=None, kw_only=True)
    skip_missing: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Within")
        check_length("Within", "radius_km", self.radius_km)
        asked = [self.count or None, self.sum, self.mean, self.max]
        if len([item for item in asked if item is not None]) != 1:
            raise StudyError(
                four_parts(
                    "Within gives one figure",
                    f"found count={self.count}, sum={self.sum!r}, "
                    f"mean={self.mean!r}, max={self.max!r}",
                    "allowed is exactly one of count, sum, mean, max",
                    "use one criterion for each; they share the query",
                )
            )
        if self.column is not None:
            column_of(self.layer, self.column, f"layer {self.layer_name!r}")

    @property
    def column(self) -> str | None:
        """Column that is read, None for a count."""
        return self.sum or self.mean or self.max

    @property
    def statistic(self) -> str:
        """Which of the four is asked for."""
        if self.count:
            return "count"
        return "sum" if self.sum else "mean" if self.mean else "max"

    @property
    def label(self) -> str:
        """Statistic, column and radius."""
        what = self.statistic if self.column is None else self.column
        head = "" if self.column is None else f"{self.statistic}_"
        return f"{head}{what}_within_{self.radius_km:g}_km"

    @property
    def unit(self) -> str:
        """Unit of the column, ``"count"`` for a count."""
        return "count" if self.column is None else self._unit_of(self.column)

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        subset = queries.subset(self.layer, self.where)
        n = len(queries.sites)
        if subset.n_layer == 0:
            return self._series(queries, np.full(n, np.nan))
        if len(subset.features) == 0:
            nothing = np.nan if self.statistic == "mean" else 0.0
            return self._series(queries, np.full(n, nothing))
        pairs = queries.pairs(self.layer, radius_km=self.radius_km, where=self.where)
        if self.column is None:
            found = np.bincount(pairs.site, minlength=n).astype(np.float64)
            return self._series(queries, found)
        figures = numbers(subset.features, self.column, self.layer_name)
        statistic = {"sum": _sum, "mean": _mean, "max": _max}[self.statistic]
        parts = figures[pairs.feature]
        values = statistic(pairs.site, parts, n, self.skip_missing)
        is_fallback = np.zeros(n, dtype=bool)
        if self.skip_missing and self.statistic != "max":
            is_fallback[pairs.site[np.isnan(parts)]] = True
        return self._series(queries, values, is_fallback & ~np.isnan(values))

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Within",
            "layer": self.layer_name,
            "radius_km": float(self.radius_km),
            self.statistic: True if self.column is None else self.column,
            "where": describe_filter(self.where),
            "skip_missing": self.skip_missing,
        }


@dataclass(frozen=True, eq=False)
class At(_OfLayer):
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
    one without a figure, the answer is unknown.

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
        values = _taken(self.layer, self.column, position, self.layer_name)
        is_missing = np.asarray(pd.isna(values))
        if self.reach_km == 0 or not is_missing.any():
            return self._series(queries, values)
        known = self.layer[self.layer[self.column].notna()]
        is_fallback = np.zeros(len(values), dtype=bool)
        if len(known):
            where = np.flatnonzero(is_missing)
            near = spatial.nearest(
                queries.sites.iloc[where], known, max_km=self.reach_km
            ).position[:, 0]
            values[where] = _taken(known, self.column, near, self.layer_name)
            is_fallback[where[near >= 0]] = True
        return self._series(queries, values, is_fallback)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "At",
            "layer": self.layer_name,
            "column": self.column,
            "reach_km": float(self.reach_km),
        }


@dataclass(frozen=True, eq=False)
class CoveredShare(_OfLayer):
    """Share of the site's own ground that polygons of a layer cover.

    The ground of a polygon is itself; of a grid candidate its cell. Overlapping
    polygons count once.

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
            return self._series(queries, np.full(len(queries.sites), np.nan))
        return self._series(queries, queries.covered_share(self.layer))

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {"kind": "CoveredShare", "layer": self.layer_name}


class _OfRaster(_OfLayer):
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
class Sample(_OfRaster):
    """Value of the raster cell that holds the site.

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

    Raises
    ------
    LayerError, StudyError
        If the layer is no raster, or has no such band.

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

    def __post_init__(self) -> None:
        self._check()
        check_length("Sample", "reach_km", self.reach_km, zero=True)

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        found = queries.sample(self.layer, band=self.band, reach_km=self.reach_km)
        return self._series(
            queries,
            np.asarray(found.values, dtype=np.float64).copy(),
            np.asarray(found.is_fallback, dtype=bool),
        )

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Sample",
            "layer": self.layer_name,
            "band": self.band,
            "reach_km": float(self.reach_km),
        }


@dataclass(frozen=True, eq=False)
class Zonal(_OfRaster):
    """Statistic of the raster cells under the site's own ground.

    Cells count by the exact share of theirs that lies under the site.

    Parameters
    ----------
    layer : Raster
        Any raster, from the bundle or `read_layer`.
    stat : str, default "mean"
        ``"mean"``, ``"sum"``, ``"min"``, ``"max"``, ``"majority"``, ...
    band : int or str, default 1
        Which of the bands in use, counted from 1, or its name.

    Raises
    ------
    LayerError, StudyError
        If the layer is no raster, or has no such band.

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

    def __post_init__(self) -> None:
        self._check()

    @property
    def label(self) -> str:
        """Statistic and raster."""
        return f"{self.stat}_{self.layer_name}"

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        found = queries.zonal(self.layer, band=self.band, stat=self.stat)
        return self._series(queries, found)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Zonal",
            "layer": self.layer_name,
            "stat": self.stat,
            "band": self.band,
        }


@dataclass(frozen=True, eq=False)
class Column(Measurement):
    """A column the candidates already carry, or a Series on their index.

    Parameters
    ----------
    source : str or pandas.Series
        Name of the column; or figures on the candidates' index (a site the
        Series does not list is unknown).
    column_unit : str, optional
        Unit, for tables and charts.
    column_evidence : str, default "unstated"
        What the figures rest on.

    Raises
    ------
    LayerError
        When measured, if the column is missing.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame({"acres": [120.0]}, geometry=[Point(0, 0)], crs=4326)
    >>> Column("acres")(sites).tolist()
    [120.0]
    """

    source: str | pd.Series[Any] = field(repr=False)
    column_unit: str = field(default="", kw_only=True)
    column_evidence: str = field(default="unstated", kw_only=True)

    @property
    def label(self) -> str:
        """Name of the column."""
        if isinstance(self.source, pd.Series):
            return str(self.source.name or "series")
        return self.source

    @property
    def unit(self) -> str:
        """Unit as given."""
        return self.column_unit

    @property
    def evidence(self) -> str:
        """Evidence as given."""
        return self.column_evidence

    def answer(self, queries: Queries) -> Measured:
        """Read the column."""
        sites = queries.sites
        if isinstance(self.source, pd.Series):
            if not self.source.index.is_unique:
                raise LayerError(
                    four_parts(
                        f"Series {self.label!r} gives one figure per site",
                        "its index repeats labels",
                        "allowed is one row per site",
                        "drop or aggregate the duplicates first",
                    )
                )
            values = self.source.reindex(sites.index)
            if len(sites) and not self.source.index.isin(sites.index).any():
                raise LayerError(
                    four_parts(
                        f"Series {self.label!r} gives one figure per site",
                        "it has no label in common with the candidates "
                        f"({shown(self.source.index, 2)} against "
                        f"{shown(sites.index, 2)})",
                        "allowed are labels of the candidates' index",
                        "make it from the same frame, or set its index",
                    )
                )
        else:
            values = column_of(sites, self.source, "the candidates")
        named = values.rename(self.label)
        return Measured(named, np.zeros(len(sites), dtype=bool))

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {"kind": "Column", "column": self.label}


def _sum(site: Any, figures: Floats, n: int, skip_missing: bool) -> Floats:
    """Sum per site; unknown as soon as one part is, unless told to skip."""
    if not skip_missing:
        return np.bincount(site, weights=figures, minlength=n).astype(np.float64)
    known = ~np.isnan(figures)
    total = np.bincount(site[known], weights=figures[known], minlength=n)
    return np.where(_only_unknown(site, known, n), np.nan, total)


def _mean(site: Any, figures: Floats, n: int, skip_missing: bool) -> Floats:
    """Mean per site; unknown where there is nothing to average."""
    used = ~np.isnan(figures) if skip_missing else np.ones(len(figures), bool)
    count = np.bincount(site[used], minlength=n).astype(np.float64)
    total = np.bincount(site[used], weights=figures[used], minlength=n)
    mean: Floats = np.full(n, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _max(site: Any, figures: Floats, n: int, skip_missing: bool) -> Floats:
    """Largest known figure per site; 0 where nothing is in reach."""
    known = ~np.isnan(figures)
    best = np.full(n, -np.inf)
    np.maximum.at(best, site[known], figures[known])
    best[np.bincount(site[known], minlength=n) == 0] = 0.0
    return np.where(_only_unknown(site, known, n), np.nan, best)


def _only_unknown(site: Any, known: Flags, n: int) -> Flags:
    """Say where features are in reach and none of them has a figure."""
    in_reach = np.bincount(site, minlength=n)
    with_figure = np.bincount(site[known], minlength=n)
    flags: Flags = (in_reach > 0) & (with_figure == 0)
    return flags


def _taken(
    features: gpd.GeoDataFrame,
    column: str,
    position: npt.NDArray[np.int64],
    layer: str,
) -> Any:
    """Column values at positions, unknown where the position is -1."""
    series = column_of(features, column, f"layer {layer!r}")
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        figures = numbers(features, column, layer)
        padded = np.append(figures, np.nan)
        return padded[position]
    labels = np.append(
        series.astype(object).where(series.notna(), None).to_numpy(), [None]
    )
    return labels[position]
