"""The table of columns that `prepare` adds."""

from __future__ import annotations

import pandas as pd

from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.cost import USD_YEAR

__all__ = ["columns"]


def columns() -> pd.DataFrame:
    """Return every column that `prepare` adds, with unit, meaning and layer.

    Returns
    -------
    DataFrame
        Indexed by ``column``: ``unit``, ``meaning``, ``layer`` (the layers it
        is read from, comma-joined; empty if it follows from other columns or
        parameters), ``group`` and ``usd_year`` (year of the dollars; missing
        for other units).

    Examples
    --------
    >>> from siteselect.infrastructure import columns
    >>> columns().loc["water_m3_per_mw_year", "unit"]
    'm3 per facility MW and year'
    """
    table = fact_table("columns").set_index("column")
    table["layer"] = table["layer"].fillna("")
    is_money = table["unit"].str.startswith("USD")
    year = pd.Series(USD_YEAR, index=table.index, dtype="Int64")
    # Prices and home values are what their layers say, in the layer's year.
    taken = table.index.isin(["price_usd_per_mwh", "home_value_usd"])
    table["usd_year"] = year.where(is_money & ~taken)
    return table[["unit", "meaning", "layer", "group", "usd_year"]]
