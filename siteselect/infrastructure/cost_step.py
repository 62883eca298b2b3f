"""The step of `prepare` that adds the cost columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from siteselect.infrastructure.column_table import columns
from siteselect.infrastructure.construction import construction_index
from siteselect.infrastructure.cost_columns import (
    cost_columns,
    counts_tax,
    facts_of,
    refuse_impossible_costs,
)
from siteselect.infrastructure.parameter_table import ParameterValues
from siteselect.layers import spatial

if TYPE_CHECKING:
    from siteselect.infrastructure.preparation import _Draft, _LayerBook

__all__ = ["add_cost"]

Floats = npt.NDArray[np.float64]
# What costs follow from beside the columns of their own group.
_BESIDE = (
    "energy_mwh_per_mw_year",
    "fiber_km",
    "fiber_second_km",
    "population_per_km2",
    "substation_km",
    "voltage_kv",
    "water_m3_per_mw_year",
)


def add_cost(draft: _Draft, book: _LayerBook, values: ParameterValues) -> None:
    """Add every cost column, and the facts that only costs need."""
    n = len(draft.sites)
    _add_ground(draft, book)
    _add_building(draft, values)
    draft.put("water_main_km", np.full(n, values["water_main_km"]))
    draft.put("water_main_fallback", np.full(n, "water_main_km" not in draft.own))
    draft.put("tax_usd_per_mw_year", np.full(n, np.nan))
    facts = facts_of(
        draft.numbers, draft.text, draft.flags, counts_tax=counts_tax(draft.own)
    )
    own = {
        str(name): draft.numbers(str(name))
        for name in columns()
        .query("group == 'cost' and unit not in ('text', 'flag')")
        .index.intersection(list(draft.own))
    }
    refuse_impossible_costs({**own, **_own_lengths(draft)}, draft.sites.index)
    for name, numbers in cost_columns(facts, values, own).items():
        draft.put(name, numbers)


def _add_ground(draft: _Draft, book: _LayerBook) -> None:
    """Add the ground of the tie line, where a layer or the user says what it is."""
    n = len(draft.sites)
    words = np.full(n, None, dtype="object")
    layer = book.get("terrain", ("terrain",))
    if layer is not None and len(layer) and n:
        position = spatial.containing(draft.sites, layer)
        words = np.asarray([*layer["terrain"], None], dtype="object")[position]
    draft.put("terrain", words)
    draft.put("terrain_unknown", draft.text("terrain").isna().to_numpy(dtype=bool))


def _add_building(draft: _Draft, values: ParameterValues) -> None:
    found = construction_index(draft.sites, draft.text("state"), parameters=values)
    is_own = "construction_index" in draft.own
    draft.put("construction_index", found["construction_index"].to_numpy())
    basis = np.full(len(found), "the candidates") if is_own else found["basis"]
    draft.put("construction_basis", np.asarray(basis, dtype="object"))
    draft.put("construction_fallback", found["is_fallback"].to_numpy() & (not is_own))


def _own_lengths(draft: _Draft) -> dict[str, Floats]:
    return {name: draft.numbers(name) for name in _BESIDE if name in draft.own}
