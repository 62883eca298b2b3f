"""What every measurement is: one figure per candidate, NaN where unknown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.layers import layer_info
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

__all__ = ["Measured", "Measurement", "OfLayer", "taken"]


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
    """

    values: pd.Series[Any]
    is_fallback: Flags
    is_too_coarse: Flags = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if len(self.is_too_coarse) != len(self.values):
            none = np.zeros(len(self.values), dtype=bool)
            object.__setattr__(self, "is_too_coarse", none)


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

    def _unit_of(self, column: str) -> str:
        return str(layer_info(self.layer).units.get(column, ""))

    def _series(
        self,
        queries: Queries,
        values: Any,
        is_fallback: Flags | None = None,
        is_too_coarse: Flags | None = None,
    ) -> Measured:
        index = queries.sites.index
        no = np.zeros(len(index), dtype=bool)
        return Measured(
            pd.Series(values, index=index, name=self.label),
            no if is_fallback is None else is_fallback,
            no if is_too_coarse is None else is_too_coarse,
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
