"""Read the room's own tables of facts."""

from __future__ import annotations

from importlib import resources

import pandas as pd


def fact_table(name: str) -> pd.DataFrame:
    """Return one of the CSV tables beside this module."""
    path = resources.files("siteselect.infrastructure").joinpath(f"{name}.csv")
    with path.open("r", encoding="utf-8") as file:
        # "NA" would else read as missing; only an empty cell is missing here.
        return pd.read_csv(file, keep_default_na=False, na_values=[""])
