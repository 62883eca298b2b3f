"""Measurements of what lies within a radius."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.layers.info import says_none_within
from siteselect.layers.reach import Reach
from siteselect.suitability.checks import check_length, check_vector, column_of, numbers
from siteselect.suitability.measures.base import Flags, Floats, Measured, OfLayer
from siteselect.suitability.queries import Filter, Queries, describe_filter

#: How a feature may count less the farther it is.
DECAYS = ("linear", "exponential", "gaussian")

__all__ = ["Length", "Within"]


@dataclass(frozen=True, eq=False)
class Within(OfLayer):
    r"""Count, sum, mean or best of the features within a radius.

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
    decay : {"linear", "exponential", "gaussian"}, optional
        How a feature counts less the farther it is; all count alike otherwise.
    decay_km : float, optional
        Length of an exponential or Gaussian decay [km].

    Raises
    ------
    StudyError, LayerError
        If the radius is not positive, not exactly one of the four is asked
        for, the decay is unknown or lacks its length, or a column is missing.

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
    - a layer without rows: unknown, unless it is known to be complete as far as
      the radius (`LayerInfo.complete_km`): then nothing is in reach;
    - a radius smaller than the layer's resolution: to a gate or exclusion unknown
      for sites that are smaller than it too.

    Headrooms are not additive: several substations in reach share the same
    lines. Take ``max`` of a headroom rather than ``sum``.

    With a decay, a feature at distance :math:`d` has the weight

    .. math:: w = 1 - d / r, \quad e^{-d / l} \quad \text{or} \quad
              e^{-d^2 / (2 l^2)}

    with the radius :math:`r` and the length :math:`l` (linear, exponential,
    Gaussian). ``count`` is :math:`\sum w`, ``sum`` :math:`\sum w x`, ``mean``
    :math:`\sum w x / \sum w` and ``max`` the largest :math:`w x`.

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
    >>> fading = Within(jobs, radius_km=50, sum="jobs", decay="gaussian", decay_km=20)
    >>> fading(sites).round(1).tolist()
    [32.2, 0.0]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    radius_km: float = field(kw_only=True)
    count: bool = field(default=False, kw_only=True)
    sum: str | None = field(default=None, kw_only=True)
    mean: str | None = field(default=None, kw_only=True)
    max: str | None = field(default=None, kw_only=True)
    where: Filter | None = field(default=None, kw_only=True)
    skip_missing: bool = field(default=False, kw_only=True)
    decay: str | None = field(default=None, kw_only=True)
    decay_km: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Within")
        check_length("Within", "radius_km", self.radius_km)
        if not isinstance(self.count, (bool, np.bool_)):
            raise StudyError(
                four_parts(
                    "Within counts the features, or reads a column of theirs",
                    f"found count={self.count!r}",
                    "allowed are count=True, or sum=, mean= or max= with a column",
                    f"write for instance sum={str(self.count)!r}",
                )
            )
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
        self._check_decay()

    def _check_decay(self) -> None:
        """Refuse a decay that is unknown, or has too few or many figures."""
        needs_length = self.decay in ("exponential", "gaussian")
        if self.decay not in (None, *DECAYS) or needs_length != (
            self.decay_km is not None
        ):
            raise StudyError(
                four_parts(
                    "Within lets features count less the farther they are",
                    f"found decay={self.decay!r}, decay_km={self.decay_km!r}."
                    + nearest_name(str(self.decay), DECAYS),
                    f"allowed are {shown(DECAYS)}; exponential and gaussian take "
                    "decay_km, linear falls to 0 at the radius",
                    "pass for instance decay='gaussian', decay_km=20",
                )
            )
        if needs_length:
            check_length("Within", "decay_km", self.decay_km)  # type: ignore[arg-type]

    @property
    def column(self) -> str | None:
        """Column that is read, None for a count."""
        asked = (self.sum, self.mean, self.max)
        return next((column for column in asked if column is not None), None)

    @property
    def statistic(self) -> str:
        """Which of the four is asked for."""
        if self.count:
            return "count"
        if self.sum is not None:
            return "sum"
        return "max" if self.mean is None else "mean"

    @property
    def label(self) -> str:
        """Statistic, column and radius."""
        what = self.statistic if self.column is None else self.column
        head = "" if self.column is None else f"{self.statistic}_"
        tail = "" if self.decay is None else f"_{self.decay}"
        tail += "" if self.decay_km is None else f"_{self.decay_km:g}_km"
        return f"{head}{what}_within_{self.radius_km:g}_km{tail}"

    @property
    def unit(self) -> str:
        """Unit of the column, ``"count"`` for a count."""
        return "count" if self.column is None else self._unit_of(self.column)

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        subset = queries.subset(self.layer, self.where)
        n = len(queries.sites)
        if subset.n_layer == 0 and not says_none_within(self.layer, self.radius_km):
            return self._series(queries, np.full(n, np.nan))
        if len(subset.features) == 0:
            nothing = np.nan if self.statistic == "mean" else 0.0
            return self._series(queries, np.full(n, nothing))
        figures = None
        if self.column is not None:
            figures = numbers(subset.features, self.column, self.layer_name)
        values, is_fallback = np.full(n, np.nan), np.zeros(n, dtype=bool)
        for reach in queries.within(
            self.layer,
            radius_km=self.radius_km,
            where=self.where,
            with_distance=self.decay is not None,
        ):
            reach = self._weighted(reach)
            values[reach.sites] = self._statistic_of(reach, figures)
            if self.skip_missing and figures is not None and self.statistic != "max":
                without = reach.only(np.isnan(figures)).count() > 0
                is_fallback[reach.sites[without]] = True
        coarse = self._too_coarse(queries) if _is_short(self) else None
        return self._series(queries, values, is_fallback & ~np.isnan(values), coarse)

    def _weighted(self, reach: Reach) -> Reach:
        """Return the pairs with how much each of them counts, if not all alike."""
        km = reach.distance_km
        if self.decay is None or km is None:
            return reach
        if self.decay == "linear":
            return replace(reach, weight=1.0 - km / float(self.radius_km))
        share = km / float(self.decay_km or np.nan)
        weights: Floats = np.exp(
            -share if self.decay == "exponential" else -(share**2) / 2
        )
        return replace(reach, weight=weights)

    def _statistic_of(self, reach: Reach, figures: Floats | None) -> Floats:
        """Return the statistic of each site of a block."""
        if figures is None:
            return reach.total(None)
        if self.statistic == "mean":
            return _mean(reach, figures, self.skip_missing)
        if self.statistic == "max":
            return _max(reach, figures)
        return _sum(reach, figures, self.skip_missing)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Within",
            "layer": self.layer_name,
            "radius_km": float(self.radius_km),
            self.statistic: True if self.column is None else self.column,
            "where": describe_filter(self.where),
            "skip_missing": self.skip_missing,
            "decay": self.decay,
            "decay_km": None if self.decay_km is None else float(self.decay_km),
        }


@dataclass(frozen=True, eq=False)
class Length(OfLayer):
    """Length of the lines within a radius.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Lines in any CRS.
    radius_km : float
        Radius around the site's representative point [km].
    where : str, mapping or callable, optional
        Rows of the layer to look at, as in `Nearest`.

    Raises
    ------
    StudyError, LayerError
        If the radius is not positive, or the layer holds other than lines.

    Notes
    -----
    A line that leaves the circle counts as far as it is inside. Lines that lie on
    each other all count. No line within the radius is a length of 0, which is a
    true zero only where the layer covers the surroundings of the site; a layer
    without rows is unknown, and a radius smaller than the layer's resolution too
    coarse, as in `Within`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> sites = gpd.GeoDataFrame(geometry=[Point(0, 0), Point(9, 0)], crs=4326)
    >>> roads = gpd.GeoDataFrame(geometry=[LineString([(0, -1), (0, 1)])], crs=4326)
    >>> Length(roads, radius_km=20)(sites).round(1).tolist()
    [40.0, 0.0]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    radius_km: float = field(kw_only=True)
    where: Filter | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Length")
        check_length("Length", "radius_km", self.radius_km)

    @property
    def label(self) -> str:
        """Length and radius."""
        return f"length_km_within_{self.radius_km:g}_km"

    @property
    def unit(self) -> str:
        """Kilometers."""
        return "km"

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        subset = queries.subset(self.layer, self.where)
        n = len(queries.sites)
        if subset.n_layer == 0 and not says_none_within(self.layer, self.radius_km):
            return self._series(queries, np.full(n, np.nan))
        if len(subset.features) == 0:
            return self._series(queries, np.zeros(n))
        found = queries.length(self.layer, radius_km=self.radius_km, where=self.where)
        coarse = self._too_coarse(queries) if _is_short(self) else None
        return self._series(queries, found.copy(), is_too_coarse=coarse)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Length",
            "layer": self.layer_name,
            "radius_km": float(self.radius_km),
            "where": describe_filter(self.where),
        }


def _is_short(measure: Within | Length) -> bool:
    """Return whether the radius is smaller than what the layer can tell apart."""
    return 1000.0 * measure.radius_km < (measure.resolution_m or 0.0)


def _sum(reach: Reach, figures: Floats, skip_missing: bool) -> Floats:
    """Sum per site; unknown as soon as one part is, unless told to skip."""
    if not skip_missing:
        return reach.total(figures)
    known = reach.only(~np.isnan(figures))
    return np.where(_only_unknown(reach, known), np.nan, known.total(figures))


def _mean(reach: Reach, figures: Floats, skip_missing: bool) -> Floats:
    """Mean per site; unknown where there is nothing to average."""
    used = reach.only(~np.isnan(figures)) if skip_missing else reach
    count, total = used.total(None), used.total(figures)
    mean: Floats = np.full(len(count), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _max(reach: Reach, figures: Floats) -> Floats:
    """Largest known figure per site; 0 where nothing is in reach."""
    known = reach.only(~np.isnan(figures))
    best = known.largest(figures)
    best[np.isneginf(best)] = 0.0
    return np.where(_only_unknown(reach, known), np.nan, best)


def _only_unknown(reach: Reach, known: Reach) -> Flags:
    """Say where features are in reach and none of them has a figure."""
    if known is reach:
        return np.zeros(len(reach.sites), dtype=bool)
    flags: Flags = (reach.count() > 0) & (known.count() == 0)
    return flags
