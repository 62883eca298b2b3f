"""One number per site: of a column, of a Series, or the same for all."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)

Floats = npt.NDArray[np.float64]


def plain_numbers(values: npt.ArrayLike, what: str) -> Floats:
    """Return numbers as an array, NaN where one is unknown; refuse all else.

    Examples
    --------
    >>> plain_numbers([1, None], "a length").tolist()
    [1.0, nan]
    """
    try:
        return np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        raise LayerError(
            four_parts(
                f"{what} is read as numbers",
                f"found {said(values)}",
                "a number, or an array of numbers with NaN where unknown, is allowed",
                "mend it with pd.to_numeric",
            )
        ) from error


def site_numbers(
    sites: pd.DataFrame, given: str | float | pd.Series, what: str, asker: str
) -> Floats:
    """Return one number per site: of a column, a Series of the same index, or one."""
    if isinstance(given, str):
        if given not in sites.columns:
            raise LayerError(
                four_parts(
                    f"`{asker}` reads {what} from column {given!r}",
                    f"the sites have no such column."
                    f"{nearest_name(given, map(str, sites.columns))}",
                    "a column, a number or a Series is allowed",
                    {
                        "mw": 'write e.g. mw="capacity_mw"',
                        "peak_ratio": "write peak_ratio=1.3",
                    }.get(what, "write siteselect.prepare(sites, layers)"),
                )
            )
        given = sites[given]
    if isinstance(given, pd.Series):
        if not given.index.equals(sites.index):
            raise LayerError(
                four_parts(
                    f"`{asker}` is given a Series of {what}",
                    "its index is not that of the sites",
                    "one value per site, with the sites' index, is allowed",
                    f"write {what}.reindex(sites.index)",
                )
            )
        column = pd.to_numeric(given, errors="coerce").astype("float64")
        lost = (column.isna() & given.notna()).to_numpy()
        if lost.any():
            raise LayerError(
                four_parts(
                    f"`{asker}` reads {what} as numbers",
                    f"{int(lost.sum())} rows hold something else: "
                    f"{shown(sites.index[lost])}",
                    "numbers, or NaN where unknown, are allowed",
                    "mend it with pd.to_numeric",
                )
            )
        return np.asarray(column, dtype="float64")
    try:
        value = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        value = math.nan
    if math.isnan(value):
        raise StudyError(
            four_parts(
                f"`{asker}` takes {what} for all sites",
                f"got {given!r}",
                "a column, a number or a Series is allowed",
                f'write {what}="{what}"',
            )
        )
    return np.full(len(sites), value)
