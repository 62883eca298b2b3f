"""Round-trip latency to places where people or other campuses are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.layers import spatial
from siteselect.suitability.checks import check_vector, column_of, numbers
from siteselect.suitability.fiber import (
    FIBER_CIRCUITY,
    FIBER_SOURCES,
    FIBER_US_PER_KM,
    LIGHT_US_PER_KM,
)
from siteselect.suitability.measures.base import Measured, OfLayer
from siteselect.suitability.queries import Filter, Queries, describe_filter

__all__ = ["Latency"]


@dataclass(frozen=True, eq=False)
class Latency(OfLayer):
    r"""Round-trip latency of light in fiber to weighted metros.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Metros: points, or polygons that count at their representative point. Any
        CRS.
    weight : str or None, default "population"
        Column of weights, 0 or more; None if all count alike.
    within_ms : float, optional
        Give the share of the weight within this round trip [ms], inclusive, rather
        than the weighted mean.
    circuity : float, default 1.5
        Route length over great-circle length [ratio]; judgement, 1.3 to 1.5 is
        usual.
    us_per_km : float, default 4.9
        One-way delay per km of fiber [µs per km]: group index 1.468 [1]_ over the
        speed of light in vacuum.
    equipment_ms : float, default 0
        What routers and queues add to each round trip [ms]; judgement.
    where : str, mapping or callable, optional
        Rows of the layer to look at, as in `Nearest`.

    Raises
    ------
    StudyError
        If an assumption cannot be: a route shorter than the great circle, a
        signal faster than light, a negative time.
    LayerError
        If a weight is missing or negative.

    Notes
    -----
    .. math:: t = 2 \, d \, c \, s / 1000 + e

    with the great-circle distance :math:`d` [km], circuity :math:`c`, delay
    :math:`s` [µs per km] and equipment :math:`e` [ms]. A site counts at its
    representative point. Without metros, or with no weight at all, the answer is
    unknown.

    References
    ----------
    .. [1] Corning, SMF-28 Ultra optical fiber, product information: effective group
       index of refraction 1.4676 at 1310 nm, 1.4682 at 1550 nm.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> site = gpd.GeoDataFrame(geometry=[Point(-97, 33)], crs=4326)
    >>> metros = gpd.GeoDataFrame(
    ...     {"population": [7e6, 3e6]},
    ...     geometry=[Point(-97, 33), Point(-95.4, 29.8)], crs=4326)
    >>> Latency(metros)(site).round(2).tolist()
    [1.7]
    >>> Latency(metros, within_ms=5)(site).tolist()
    [0.7]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    weight: str | None = field(default="population", kw_only=True)
    within_ms: float | None = field(default=None, kw_only=True)
    circuity: float = field(default=FIBER_CIRCUITY, kw_only=True)
    us_per_km: float = field(default=FIBER_US_PER_KM, kw_only=True)
    equipment_ms: float = field(default=0.0, kw_only=True)
    where: Filter | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Latency")
        if self.weight is not None:
            column_of(self.layer, self.weight, f"layer {self.layer_name!r}")
        self._check("circuity", self.circuity, 1.0, "no route is shorter")
        self._check("us_per_km", self.us_per_km, LIGHT_US_PER_KM, "light in vacuum")
        self._check("equipment_ms", self.equipment_ms, 0.0, "no time is negative")
        if self.within_ms is not None:
            self._check("within_ms", self.within_ms, 0.0, "no time is negative")

    def _check(self, name: str, found: float, least: float, why: str) -> None:
        """Refuse an assumption that is no number or cannot be."""
        is_number = isinstance(found, (int, float, np.number))
        if not is_number or isinstance(found, bool) or not least <= found < np.inf:
            raise StudyError(
                four_parts(
                    f"Latency assumes {name}",
                    f"found {found!r}",
                    f"allowed are finite numbers from {least:.3g} up ({why})",
                    f"pass circuity={FIBER_CIRCUITY}, us_per_km={FIBER_US_PER_KM}, or "
                    "leave them out",
                )
            )

    @property
    def label(self) -> str:
        """Mean latency, or share within."""
        if self.within_ms is None:
            return "latency_ms"
        return f"share_within_{self.within_ms:g}_ms"

    @property
    def unit(self) -> str:
        """Milliseconds, or a share of the weight."""
        return "ms" if self.within_ms is None else "share of weight"

    def answer(self, queries: Queries) -> Measured:
        """Measure all sites."""
        metros = queries.subset(self.layer, self.where).features
        values = np.full(len(queries.sites), np.nan)
        weights = np.ones(len(metros))
        if self.weight is not None:
            weights = numbers(metros, self.weight, self.layer_name)
            bad = ~(weights >= 0)
            if bad.any():
                raise LayerError(
                    four_parts(
                        f"Latency weighs metros by column {self.weight!r} of layer "
                        f"{self.layer_name!r}",
                        f"{int(bad.sum())} weights are missing or negative, e.g. in "
                        f"rows {shown(metros.index[bad], 3)}",
                        "allowed are numbers from 0 up",
                        "drop these rows, e.g. with where=, or fill them in",
                    )
                )
        total = weights.sum()
        if not len(metros) or not total > 0:
            return self._series(queries, values)
        ms_per_km = 2 * self.circuity * self.us_per_km / 1000.0
        shares = weights / total
        for rows, km in spatial.table_km(queries.points(), metros):
            ms = km * ms_per_km + self.equipment_ms
            if self.within_ms is not None:
                ms = (ms <= self.within_ms).astype(np.float64)
            # Summed row by row, so that blocks do not change the last bit.
            values[rows] = (ms * shares).sum(axis=1)
        if self.within_ms is not None:
            values = np.minimum(values, 1.0)
            reach_m = 1000.0 * (self.within_ms - self.equipment_ms) / ms_per_km
            is_short = 0 <= reach_m < (self.resolution_m or 0.0)
            coarse = self._too_coarse(queries) if is_short else None
            return self._series(queries, values, is_too_coarse=coarse)
        return self._series(
            queries, values, margin=self._margin_km(queries) * ms_per_km
        )

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        usual = {"circuity": FIBER_CIRCUITY, "us_per_km": FIBER_US_PER_KM}
        return {
            "kind": "Latency",
            "layer": self.layer_name,
            "weight": self.weight,
            "within_ms": None if self.within_ms is None else float(self.within_ms),
            "where": describe_filter(self.where),
            "assumptions": {
                name: {
                    "value": float(getattr(self, name)),
                    "source": FIBER_SOURCES[name]
                    if getattr(self, name) == usual.get(name, 0.0)
                    else "given",
                }
                for name in ("circuity", "us_per_km", "equipment_ms")
            },
        }
