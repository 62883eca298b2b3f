"""Cost of travel from a matrix that the user brings."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.suitability.checks import is_figures, refuse_infinite
from siteselect.suitability.measures.base import Floats, Measured, Measurement
from siteselect.suitability.queries import Queries

__all__ = ["Travel"]

_STATISTICS = ("nearest", "mean")


@dataclass(frozen=True, eq=False)
class Travel(Measurement):
    """Travel time, distance or cost to destinations, from a matrix of your own.

    Parameters
    ----------
    matrix : pandas.DataFrame
        One row per site (labels as in the candidates' index), one column per
        destination; NaN where the cost is unknown or there is no way.
    stat : {"nearest", "mean"}, default "nearest"
        The lowest cost, or the mean over destinations.
    weights : mapping or pandas.Series, optional
        Weight of each destination in the mean, 0 or more; all alike otherwise.
    skip_missing : bool, default False
        Take the mean over the destinations whose cost is known, and count the site
        as a fallback.
    matrix_unit : str, optional
        Unit, for tables and charts.
    matrix_evidence : str, default "unstated"
        What the figures rest on.
    name : str, default "travel"
        What it is called.

    Raises
    ------
    LayerError
        If labels repeat, a cost is no number or infinite, or no label is that of a
        candidate.
    StudyError
        If the statistic is unknown or weights do not fit.

    Notes
    -----
    The nearest of the known is what can be relied on, so an unknown cost does not
    hide it. A mean over an unknown cost is unknown unless ``skip_missing=True``.
    A site that the matrix does not list is unknown.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import pandas as pd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=4326, index=["a"])
    >>> minutes = pd.DataFrame({"airport": [40.0], "depot": [10.0]}, index=["a"])
    >>> Travel(minutes)(sites).tolist()
    [10.0]
    >>> Travel(minutes, "mean", weights={"airport": 3, "depot": 1})(sites).tolist()
    [32.5]
    """

    matrix: pd.DataFrame = field(repr=False)
    stat: str = "nearest"
    weights: Mapping[Hashable, float] | pd.Series[Any] | None = field(
        default=None, kw_only=True, repr=False
    )
    skip_missing: bool = field(default=False, kw_only=True)
    matrix_unit: str = field(default="", kw_only=True)
    matrix_evidence: str = field(default="unstated", kw_only=True)
    name: str = field(default="travel", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.matrix, pd.DataFrame):
            raise LayerError(
                four_parts(
                    "Travel reads a matrix of costs",
                    f"found {type(self.matrix).__name__}",
                    "allowed is a DataFrame: a row per site, a column per destination",
                    "make one, e.g. table.pivot(index='site', columns='to', "
                    "values='minutes')",
                )
            )
        for what, labels in (
            ("site", self.matrix.index),
            ("destination", self.matrix.columns),
        ):
            if not labels.is_unique:
                again = labels[labels.duplicated()].unique()
                raise LayerError(
                    four_parts(
                        f"Travel reads one cost per {what}",
                        f"labels repeat: {shown(again)}",
                        f"allowed is each {what} once",
                        "drop or aggregate the duplicates first",
                    )
                )
        if self.stat not in _STATISTICS:
            raise StudyError(
                four_parts(
                    "Travel gives the nearest or the mean",
                    f"found stat={self.stat!r}."
                    + nearest_name(str(self.stat), _STATISTICS),
                    f"allowed are {shown(_STATISTICS)}",
                    "leave it out for the nearest",
                )
            )
        self._shares()

    def _shares(self) -> Floats:
        """Return the weight of each destination, checked; they add up to 1."""
        names = self.matrix.columns
        if self.weights is None:
            return np.full(len(names), 1.0 / max(1, len(names)))
        asked: Any = self.weights
        is_table = isinstance(asked, (pd.Series, Mapping))
        given = pd.Series(asked if is_table else {}, dtype=object)
        problem = ""
        if not is_table:
            problem = f"they are {said(asked)}"
        elif self.stat != "mean":
            problem = f"stat={self.stat!r} takes none"
        elif not given.index.is_unique:
            problem = "its labels repeat"
        elif len(missing := names.difference(given.index, sort=False)):
            problem = f"there is none for {shown(missing)}"
        else:
            figures = pd.to_numeric(given.reindex(names), errors="coerce")
            found = figures.to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isfinite(found).all() and (found >= 0).all() and found.sum() > 0:
                shares: Floats = found / found.sum()
                return shares
            problem = "they are not numbers from 0 up with one above 0"
        raise StudyError(
            four_parts(
                f"Travel weighs {len(names)} destinations in a mean",
                problem,
                "allowed is one number from 0 up for each, with stat='mean'",
                "pass weights={destination: weight, ...}",
            )
        )

    @property
    def label(self) -> str:
        """Name and statistic."""
        return f"{self.name}_{self.stat}"

    @property
    def unit(self) -> str:
        """Unit as given."""
        return self.matrix_unit

    @property
    def evidence(self) -> str:
        """Evidence as given."""
        return self.matrix_evidence

    def answer(self, queries: Queries) -> Measured:
        """Read the rows of all sites."""
        index = queries.sites.index
        is_listed = index.isin(self.matrix.index)
        if len(index) and not is_listed.any():
            raise LayerError(
                four_parts(
                    "Travel reads one row per site",
                    "the matrix has no label in common with the candidates "
                    f"({shown(self.matrix.index, 2)} against {shown(index, 2)})",
                    "allowed are labels of the candidates' index",
                    "set its index to the candidates' labels",
                )
            )
        cost = self._costs(index)
        known = ~np.isnan(cost)
        n_known = known.sum(axis=1)
        is_fallback = np.zeros(len(index), dtype=bool)
        values = np.full(len(index), np.nan)
        if self.stat == "nearest":
            least = np.where(known, cost, np.inf).min(axis=1, initial=np.inf)
            values = np.where(n_known > 0, least, np.nan)
        else:
            shares = np.where(known, self._shares(), 0.0)
            whole = shares.sum(axis=1)
            # A destination without weight need not be known.
            lacks = ((self._shares() > 0) & ~known).any(axis=1)
            total = (shares * np.where(known, cost, 0.0)).sum(axis=1)
            np.divide(total, whole, out=values, where=whole > 0)
            if self.skip_missing:
                is_fallback = lacks & (whole > 0)
            else:
                values[lacks] = np.nan
        return Measured(pd.Series(values, index=index, name=self.label), is_fallback)

    def _costs(self, index: pd.Index[Any]) -> Floats:
        """Return the matrix in the order of the sites, unknown where not listed."""
        columns = []
        for name in self.matrix.columns:
            series = self.matrix[name]
            if not is_figures(series) and not series.isna().all():
                raise LayerError(
                    four_parts(
                        f"Travel reads costs to {name!r}",
                        f"the column holds {series.dtype}",
                        "allowed are numbers",
                        f"convert it first, e.g. pd.to_numeric(matrix[{name!r}])",
                    )
                )
            figures = series.to_numpy(dtype=np.float64, na_value=np.nan)
            refuse_infinite(figures, series.index, f"Cost of travel to {name!r}")
            columns.append(figures)
        table = (
            np.stack(columns, axis=1) if columns else np.zeros((len(self.matrix), 0))
        )
        position = self.matrix.index.get_indexer(index)
        padded = np.vstack([table, np.full((1, table.shape[1]), np.nan)])
        costs: Floats = padded[position]
        return costs

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "Travel",
            "name": self.name,
            "stat": self.stat,
            "destinations": [str(name) for name in self.matrix.columns],
            "weights": None if self.weights is None else self._shares().tolist(),
            "skip_missing": self.skip_missing,
        }
