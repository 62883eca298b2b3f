"""What every measurement is: one figure per candidate, NaN where unknown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import four_parts
from siteselect.layers import layer_info
from siteselect.layers.notices import notice
from siteselect.suitability.checks import (
    column_of,
    is_figures,
    layer_name,
    numbers,
)
from siteselect.suitability.queries import Queries
from siteselect.suitability.sameness import same_parts

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: More sites than this in what a layer can tell apart, and reading it at each is
#: worth a warning. Judgement: all of them are flagged, but a resource that varies
#: slowly may well be read at sites a little smaller than its cells.
CROWD = 10

__all__ = ["CROWD", "Measured", "Measurement", "OfLayer", "taken"]


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
    is_too_coarse : numpy.ndarray of bool, shape (n,)
        True where the layer cannot tell the site from its neighbors: the site is
        smaller than a cell, or a cell is too large for what is measured. Whoever
        decides by the figure should treat it as unknown there.
    margin : numpy.ndarray of float, shape (n,), optional
        How far the figure may be off because features lie only about where the
        layer has them, for sites smaller than that; 0 by default.
    """

    values: pd.Series[Any]
    is_fallback: Flags
    is_too_coarse: Flags = field(default_factory=lambda: np.zeros(0, dtype=bool))
    margin: Floats | None = None

    def __post_init__(self) -> None:
        if len(self.is_too_coarse) != len(self.values):
            none = np.zeros(len(self.values), dtype=bool)
            object.__setattr__(self, "is_too_coarse", none)

    def is_undecided(self, bounds: Sequence[float]) -> Flags:
        """Say where the layer is too coarse to compare the figure with the bounds.

        Everywhere a figure is known but measured too coarsely, or off a bound by
        less than its margin.
        """
        known = self.values.notna().to_numpy(dtype=bool)
        open_ = np.array(self.is_too_coarse, dtype=bool)
        if self.margin is not None and self.margin.any() and len(bounds):
            figures = self.values.to_numpy(dtype=np.float64, na_value=np.nan)
            for bound in bounds:
                open_ |= np.abs(figures - bound) < self.margin
        flags: Flags = open_ & known
        return flags


class Measurement(ABC):
    """What every measurement offers; call it on a frame to get its figures.

    A function frame -> Series does as a measurement too; subclass this one to
    carry a unit, evidence and a description.

    Examples
    --------
    >>> from siteselect.suitability import Column
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

    @property
    def resolution_m(self) -> float | None:
        """What the layer can tell apart [m], None where it does not say."""
        return None

    @abstractmethod
    def answer(self, queries: Queries) -> Measured:
        """Measure all sites of ``queries``, sharing its answers."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain, JSON-able dict."""

    def __eq__(self, other: object) -> bool:
        """Return True for the same kind with equal arguments and the same layer."""
        return same_parts(self, other)

    def __hash__(self) -> int:
        """Return one hash for each kind: its arguments may hold lists."""
        return hash(type(self))

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


class OfLayer(Measurement):
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

    @property
    def resolution_m(self) -> float | None:
        """What the layer can tell apart [m], None where it does not say."""
        km = layer_info(self.layer).resolution_km
        return None if km is None else 1000.0 * km

    def _too_coarse(self, queries: Queries) -> Flags:
        """Return which sites the layer cannot tell apart; warn where many share it."""
        return self._finer(queries, stacklevel=5)

    def _margin_km(self, queries: Queries) -> Floats:
        """Return how far distances of sites may be off [km]; warn as above."""
        finer = self._finer(queries, stacklevel=5)
        return np.where(finer, (self.resolution_m or 0.0) / 1000.0, 0.0)

    def _finer(self, queries: Queries, *, stacklevel: int) -> Flags:
        """Return which sites are smaller than what the layer can tell apart.

        A point without a size is not: what the layer says there is all it asks.
        """
        cell_m = self.resolution_m
        if cell_m is None:
            return np.zeros(len(queries.sites), dtype=bool)
        size_m = queries.size_m()
        crowded = int((size_m**2 * CROWD < cell_m**2).sum())
        if crowded:
            kind = "raster" if hasattr(self.layer, "bands") else "layer"
            notice(
                four_parts(
                    f"{type(self).__name__} reads {kind} {self.layer_name!r} at "
                    f"{len(size_m)} sites",
                    f"{crowded} of them are so small that more than {CROWD} fit into "
                    f"what it can tell apart ({cell_m / 1000:.3g} km)",
                    "sites about as large as that are told apart",
                    f"Use a finer {kind}, or larger sites",
                ),
                stacklevel=stacklevel,
            )
        return queries.is_finer(cell_m)

    def _unit_of(self, column: str) -> str:
        return str(layer_info(self.layer).units.get(column, ""))

    def _series(
        self,
        queries: Queries,
        values: Any,
        is_fallback: Flags | None = None,
        is_too_coarse: Flags | None = None,
        margin: Floats | None = None,
    ) -> Measured:
        index = queries.sites.index
        no = np.zeros(len(index), dtype=bool)
        return Measured(
            pd.Series(values, index=index, name=self.label),
            no if is_fallback is None else is_fallback,
            no if is_too_coarse is None else is_too_coarse,
            margin,
        )


def taken(
    features: gpd.GeoDataFrame,
    column: str,
    position: npt.NDArray[np.int64],
    layer: str,
) -> Any:
    """Column values at positions, unknown where the position is -1."""
    series = column_of(features, column, f"layer {layer!r}")
    if pd.api.types.is_complex_dtype(series) or is_figures(series):
        figures = numbers(features, column, layer)
        padded = np.append(figures, np.nan)
        return padded[position]
    labels = np.append(
        series.astype(object).where(series.notna(), None).to_numpy(), [None]
    )
    return labels[position]
