"""Products that are counted: accelerators, racks and servers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.compute import accelerator_table

__all__ = ["ACCELERATOR", "RACK", "Kind", "kind_of", "product_table"]

ACCELERATOR = "accelerator"
RACK = "rack"


def product_table() -> pd.DataFrame:
    """Return the racks and servers that are counted as such.

    Returns
    -------
    DataFrame
        Indexed by ``product``: ``unit`` ("rack" or "server"), ``accelerator``
        (a name of `accelerator_table`), ``accelerators`` [each], ``year``,
        ``source`` and ``note``.

    Examples
    --------
    >>> from siteselect.infrastructure import product_table
    >>> int(product_table().loc["GB200 NVL72", "accelerators"])
    72
    """
    table = fact_table("products")
    table["note"] = table["note"].fillna("")
    return table.set_index("product")


@dataclass(frozen=True)
class Kind:
    """What one name of a fleet counts: a unit, its accelerators, their figures."""

    unit: str
    accelerator: str
    accelerators_each: int
    rack_size: float
    figures: Mapping[str, float]


def kind_of(name: Any) -> Kind:
    """Return what a name counts: accelerators, racks or servers."""
    kinds = _kinds()
    if isinstance(name, str) and name in kinds:
        return kinds[name]
    chips, products = accelerator_table().index, product_table().index
    raise StudyError(
        four_parts(
            f"A number of {name!r} is asked",
            "the tables do not hold it." + nearest_name(str(name), kinds, most=3),
            f"accelerators are {shown(chips, 20)}; "
            f"racks and servers are {shown(products, 20)}",
            "`accelerator_table()` and `product_table()` of "
            "siteselect.infrastructure show them",
        )
    )


@cache
def _kinds() -> Mapping[str, Kind]:
    numbers = accelerator_table().select_dtypes("float64").to_dict("index")
    figures: dict[str, dict[str, float]] = {
        str(chip): {str(name): float(value) for name, value in row.items()}
        for chip, row in numbers.items()
    }
    products: dict[Any, Any] = dict(product_table().to_dict("index"))
    rack_sizes: dict[str, list[float]] = {}
    for row in products.values():
        if row["unit"] == RACK:
            sizes = rack_sizes.setdefault(row["accelerator"], [])
            sizes.append(float(row["accelerators"]))

    def rack_size(chip: str) -> float:
        sizes = rack_sizes.get(chip, [])
        return sizes[0] if len(sizes) == 1 else math.nan

    kinds = {
        chip: Kind(ACCELERATOR, chip, 1, rack_size(chip), figures[chip])
        for chip in figures
    }
    for product, row in products.items():
        chip, unit = row["accelerator"], row["unit"]
        # Accelerators in a server of eight are not those of a rack-scale product.
        size = rack_size(chip) if unit == RACK else math.nan
        each = int(row["accelerators"])
        kinds[product] = Kind(unit, chip, each, size, figures[chip])
    return MappingProxyType(kinds)
