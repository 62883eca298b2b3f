"""Figures that the candidates already carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.suitability.checks import column_of
from siteselect.suitability.measures.base import Measured, Measurement
from siteselect.suitability.queries import Queries

__all__ = ["Column"]


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
