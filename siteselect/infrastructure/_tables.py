"""Read the room's own tables of facts."""

from __future__ import annotations

from functools import cache
from importlib import resources

import pandas as pd


@cache
def _read(name: str) -> pd.DataFrame:
    path = resources.files("siteselect.infrastructure").joinpath(f"{name}.csv")
    with path.open("r", encoding="utf-8") as file:
        # "NA" would else read as missing; only an empty cell is missing here.
        return pd.read_csv(file, keep_default_na=False, na_values=[""])


def fact_table(name: str) -> pd.DataFrame:
    """Return one of the CSV tables beside this module, a fresh copy each time."""
    return _read(name).copy()
