"""What a user gives per site: a column, a number or a Series."""

from __future__ import annotations

from typing import Any, TypeAlias

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

__all__ = ["Quantity", "as_numbers", "plain_number", "site_column"]

Floats = npt.NDArray[np.float64]
#: A column name, a number for every site, or a Series keyed by label.
Quantity: TypeAlias = "str | float | int | pd.Series[Any]"


def site_column(
    sites: pd.DataFrame,
    name: str,
    spec: Any,
    least: float,
    most: float = np.inf,
) -> Floats:
    """Return a column, number or Series as floats, NaN where unknown."""
    if isinstance(spec, str):
        if spec not in sites.columns:
            raise LayerError(
                four_parts(
                    f"supply reads {name} from column {spec!r}",
                    "the candidates have no such column"
                    + nearest_name(spec, map(str, sites.columns)).rstrip("."),
                    "a column, a number or a Series keyed by site is allowed",
                    f"{name}=8760 for one MW at all hours, or siteselect.prepare(...)"
                    if name == "energy"
                    else f"call siteselect.prepare(sites, layers), or {name}=...",
                )
            )
        raw, where = sites[spec], f"column {spec!r}"
    elif isinstance(spec, pd.Series):
        if not spec.index.is_unique:
            raise LayerError(
                four_parts(
                    f"supply reads {name} from a Series keyed by site",
                    "its labels repeat",
                    "one value per site is allowed",
                    "series.groupby(level=0).first()",
                )
            )
        raw, where = spec.reindex(sites.index), "the Series"
    else:
        raw = pd.Series(plain_number(name, spec), index=sites.index, dtype="float64")
        where = "the number"
    found = as_numbers(raw, f"supply reads {name} from {where}")
    lost = np.isnan(found) & raw.notna().to_numpy()
    with np.errstate(invalid="ignore"):
        bad = lost | np.isinf(found) | (found < least) | (found > most)
    if bad.any():
        asked = f"from {least:g} to {most:g}" if np.isfinite(most) else "of 0 or more"
        raise LayerError(
            four_parts(
                f"supply reads {name} from {where}",
                f"{int(bad.sum())} sites hold something else: "
                + shown(
                    f"{value!r} at {label!r}"
                    for label, value in zip(
                        sites.index[bad], raw[bad].tolist(), strict=True
                    )
                ),
                f"finite numbers {asked}, or NaN where unknown, are allowed",
                f"pass {name} with a number, a column or a Series that holds them",
            )
        )
    return found


def as_numbers(column: Any, asked: str) -> Floats:
    """Return a column as floats, NaN where there is no number; refuse other kinds.

    Text that spells a number counts as one; truth values, dates and complex numbers
    do not.
    """
    found = None
    if isinstance(column, pd.DataFrame):
        found = "the column exists more than once"
    elif column.dtype.kind in "bcmM":
        found = f"it holds {column.dtype} values"
    if found is not None:
        raise LayerError(
            four_parts(
                asked,
                found,
                "one column of numbers is allowed",
                "pd.to_numeric(column)",
            )
        )
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    return np.asarray(numbers, dtype=np.float64)


def plain_number(name: str, value: Any) -> float:
    """Return a finite number of 0 or more, or refuse it."""
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if isinstance(value, bool) or not is_number or not 0 <= float(value) < np.inf:
        raise StudyError(
            four_parts(
                f"supply was given {name}={said(value)}",
                f"that is {type(value).__name__}",
                "a finite number of 0 or more is allowed",
                f"{name}=0.9" if name == "cfe" else f"leave {name} out",
            )
        )
    return float(value)
