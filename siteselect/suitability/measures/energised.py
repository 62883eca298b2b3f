"""How surely a site has power within a year."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, said, shown
from siteselect.suitability.checks import column_of
from siteselect.suitability.measures.base import Measured, Measurement
from siteselect.suitability.queries import Queries

__all__ = ["EnergisedBy", "refuse_disorder"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EnergisedBy(Measurement):
    """How many of a low, a mid and a high estimate give power within a year.

    3 if even the high one does, 2 if the mid one does, 1 if only the low one does, 0
    if none; unknown where the answer rests on an unknown estimate.

    Parameters
    ----------
    year : int
        Calendar year at whose end power must be there.
    low, mid, high : str
        Columns of calendar years, as `siteselect.prepare` adds them.

    Raises
    ------
    StudyError
        If the year is no whole number from 2000 to 2100.
    LayerError
        When measured, if a column is missing or its years contradict the others.

    See Also
    --------
    siteselect.energised_by : The gate that asks it.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {
    ...         "energised_year_low": [2027, 2028, 2029, 2030],
    ...         "energised_year": [2028, 2029, 2030, 2031],
    ...         "energised_year_high": [2029, 2031, 2032, 2033],
    ...     },
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0, 0, 0, 0]), crs=4326,
    ... )
    >>> EnergisedBy(2029)(sites).tolist()
    [3.0, 2.0, 1.0, 0.0]
    """

    year: int
    low: str = field(default="energised_year_low", kw_only=True)
    mid: str = field(default="energised_year", kw_only=True)
    high: str = field(default="energised_year_high", kw_only=True)

    def __post_init__(self) -> None:
        is_number = isinstance(self.year, int | float | np.number)
        if (
            not is_number
            or isinstance(self.year, bool)
            or not 2000 <= self.year <= 2100
            or self.year != int(self.year)
        ):
            raise StudyError(
                four_parts(
                    "A site is to have power within a year",
                    f"got {said(self.year)}",
                    "a whole year from 2000 to 2100 is allowed",
                    "write energised_by(2029)",
                )
            )

    @property
    def label(self) -> str:
        """Name of what is asked."""
        return f"energised by {int(self.year)}"

    @property
    def unit(self) -> str:
        """What is counted."""
        return "of 3 estimates"

    @property
    def evidence(self) -> str:
        """Estimates rest on a model."""
        return "modelled"

    def answer(self, queries: Queries) -> Measured:
        """Compare the estimates with the year."""
        sites = queries.sites
        names = (self.low, self.mid, self.high)
        low, mid, high = (_years(sites, name) for name in names)
        refuse_disorder(names, [low, mid, high], sites.index)
        found = np.full(len(sites), np.nan)
        found[(low > self.year) | (mid > self.year)] = 0.0
        found[(low <= self.year) & (mid > self.year)] = 1.0
        found[(mid <= self.year) & (high > self.year)] = 2.0
        found[high <= self.year] = 3.0
        none = np.zeros(len(sites), dtype=bool)
        return Measured(pd.Series(found, index=sites.index, name=self.label), none)

    def describe(self) -> dict[str, Any]:
        """Return the measurement as a plain dict."""
        return {
            "kind": "EnergisedBy",
            "year": int(self.year),
            "columns": [self.low, self.mid, self.high],
        }


def _years(sites: Any, name: str) -> Floats:
    column = column_of(sites, name, "the candidates")
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    lost = (numbers.isna() & column.notna()).to_numpy()
    if lost.any():
        raise LayerError(
            four_parts(
                f"Column {name!r} of the candidates holds years",
                f"{int(lost.sum())} rows hold something else: "
                f"{shown(sites.index[lost])}",
                "numbers, or NaN where unknown, are allowed",
                "siteselect.prepare(sites, layers) adds the column",
            )
        )
    return np.asarray(numbers, dtype="float64")


def refuse_disorder(
    names: tuple[str, ...], columns: list[Floats], labels: pd.Index
) -> None:
    """Refuse a low above a mid, or a mid above a high."""
    for k in range(len(names) - 1):
        wrong = columns[k] > columns[k + 1]
        if wrong.any():
            raise LayerError(
                four_parts(
                    "A low estimate is at most the mid one, and that at most the high",
                    f"{int(wrong.sum())} rows hold more in {names[k]!r} than in "
                    f"{names[k + 1]!r}: {shown(labels[wrong])}",
                    "columns in this order are allowed, NaN where unknown",
                    "swap them, or drop those that are to be computed",
                )
            )
