"""Hourly tables of the user's own, checked: every value a share of what is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.layers.archives import guard

__all__ = ["check_load", "check_shares", "hourly_table", "load_shape"]

Floats = npt.NDArray[np.float64]


def check_shares(name: str, values: Floats, site: pd.Index[Any]) -> None:
    """Refuse output that is negative, above the rating or missing in some hours."""
    lost = np.isnan(values)
    some = lost.any(axis=1) & ~lost.all(axis=1)
    with np.errstate(invalid="ignore"):
        low, high = (values < 0).any(axis=1), (values > 1).any(axis=1)
    for bad, what, mend in (
        (some, "are missing in some hours", "fill them from a neighbouring hour"),
        (low, "are negative", "frame.clip(lower=0) if plants draw power at night"),
        (high, "are above 1", "divide them by the plant's rating in the same unit"),
    ):
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            row = values[k]
            hour = int(
                np.flatnonzero(np.isnan(row) if bad is some else (row < 0) | (row > 1))[
                    0
                ]
            )
            raise LayerError(
                four_parts(
                    f"{name} profiles are output per MW built",
                    f"those of {int(bad.sum())} sites {what}: "
                    f"{shown(map(repr, site[np.flatnonzero(bad)]))}; the first is "
                    f"{row[hour]:g} in row {hour}",
                    "numbers from 0 to 1 in every hour are allowed",
                    mend,
                )
            )


def check_load(load: Floats, hours: Floats) -> None:
    """Refuse a load that is no shape with a mean of 1."""
    if not np.isfinite(load).all() or (load < 0).any() or not load.any():
        raise LayerError(
            four_parts(
                "the load by hour is a shape",
                "a value is missing, infinite or negative, or all are 0",
                "numbers of 0 or more are allowed",
                "leave load out for a steady one",
            )
        )
    if abs(float(load @ hours) / HOURS_PER_YEAR - 1.0) > 1e-9:
        raise LayerError(
            four_parts(
                "the load by hour is given over its annual mean",
                f"its mean is {float(load @ hours) / HOURS_PER_YEAR:g}",
                "a mean of 1 is needed",
                "load / np.average(load, weights=hours)",
            )
        )


def load_shape(given: npt.ArrayLike) -> Floats:
    """Return the load of 8760 hours over its mean."""
    try:
        load = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        load = np.zeros(0)
    if load.shape != (int(HOURS_PER_YEAR),):
        raise LayerError(
            four_parts(
                "the load of each hour was given",
                f"found shape {np.shape(given)}",
                "8760 numbers are allowed",
                "leave load out for a steady one",
            )
        )
    total = float(load.mean())
    # What cannot be divided by its mean is refused with the rest.
    return load / total if np.isfinite(total) and total > 0 else load


def hourly_table(name: str, given: Any) -> pd.DataFrame:
    """Return a table of 8760 numbers per site, or refuse it."""
    table = _read(name, given) if isinstance(given, str | Path) else given
    if not isinstance(table, pd.DataFrame):
        raise LayerError(
            four_parts(
                f"{name} profiles were given",
                f"that is {type(given).__name__}",
                "a DataFrame, or the path of a CSV or Parquet file, is allowed",
                f"Profiles.hourly({name}=frame)",
            )
        )
    m = int(HOURS_PER_YEAR)
    if len(table) != m:
        leap = " (a leap year)" if len(table) == m + 24 else ""
        turned = table.shape[1] == m
        raise LayerError(
            four_parts(
                f"{name} profiles cover a year by the hour",
                f"found {len(table)} rows{leap}",
                "8760 rows are allowed, one per hour, and a column per site",
                "frame.T"
                if turned
                else "drop the 29th of February"
                if leap
                else "resample them to hours",
            )
        )
    text = [
        column
        for column, kind in zip(table.columns, table.dtypes, strict=True)
        if kind.kind not in "iuf"
    ]
    if text or not table.shape[1]:
        raise LayerError(
            four_parts(
                f"{name} profiles have a column of numbers per site",
                f"these columns hold something else: {shown(map(repr, text))}"
                if text
                else "there is no column",
                "one column of numbers per site is allowed",
                "frame.drop(columns=...) or frame.set_index('time')",
            )
        )
    values = table.astype("float64")
    lost = values.isna()
    # A site that is not known at all stays so.
    lost.loc[:, lost.all()] = False
    if lost.any(axis=None):
        where = values.columns[lost.any()]
        row = int(np.flatnonzero(lost[where[0]])[0])
        raise LayerError(
            four_parts(
                f"{name} profiles hold a number in every hour",
                f"{int(lost.to_numpy().sum())} are missing, in "
                f"{shown(map(repr, where))}"
                f"; the first in row {row}",
                "a number in every hour, or in none where a site is not known",
                "frame.interpolate(limit=3) for short gaps, or leave the site out",
            )
        )
    return values


def _read(name: str, path: str | Path) -> pd.DataFrame:
    file = Path(path)
    kind = file.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise LayerError(
            four_parts(
                f"{name} profiles are read from {str(path)!r}",
                f"its ending is {kind or 'missing'!r}",
                ".csv and .parquet are allowed",
                f"Profiles.hourly({name}=ss.read_profiles(path)) reads files of reV, "
                "PVGIS and atlite",
            )
        )
    try:
        if kind == ".parquet":
            guard(file)
            return pd.read_parquet(file)
        return pd.read_csv(file, low_memory=False)
    except LayerError:
        raise
    # What a Parquet file tells of itself is anyone's: errors of many families.
    except Exception as error:
        raise LayerError(
            four_parts(
                f"{name} profiles are read from {str(path)!r}",
                f"{type(error).__name__}: {error}",
                "a readable CSV or Parquet file is allowed",
                f"Profiles.hourly({name}=frame)",
            )
        ) from error
