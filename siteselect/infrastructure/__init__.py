"""From a place on the map to megawatts, water, carbon and dollars.

`prepare` adds to a frame of candidates every column that the other rooms use;
`columns` says what each is, `parameters` where each figure comes from.
"""

from __future__ import annotations

from siteselect.infrastructure import grid
from siteselect.infrastructure.column_table import columns
from siteselect.infrastructure.compute import (
    accelerator_table,
    accelerators_hosted,
    accelerators_it_mw,
    facility_mw,
    it_mw,
)
from siteselect.infrastructure.cooling import (
    cooling_table,
    pue_wue,
    water_m3_per_mw_year,
    wet_bulb_c,
)
from siteselect.infrastructure.cost import (
    energy_mwh_per_mw_year,
    fiber_usd,
    interconnection_usd,
    land_usd_per_acre,
    line_cost_table,
    operation_usd_per_mw,
    power_usd_per_mw,
    present_value_factor,
    shell_usd_per_mw,
    state_cost_table,
    transformer_usd_per_mw,
    voltage_cap_mw,
    voltage_class_kv,
)
from siteselect.infrastructure.energy import (
    Profiles,
    price_supply,
    simulate_supply,
    supply_options,
    technology_costs,
)
from siteselect.infrastructure.parameter_table import (
    ParameterValues,
    parameter_values,
    parameters,
)
from siteselect.infrastructure.preparation import prepare

__all__ = [
    "ParameterValues",
    "Profiles",
    "accelerator_table",
    "accelerators_hosted",
    "accelerators_it_mw",
    "columns",
    "cooling_table",
    "energy_mwh_per_mw_year",
    "facility_mw",
    "fiber_usd",
    "grid",
    "interconnection_usd",
    "it_mw",
    "land_usd_per_acre",
    "line_cost_table",
    "operation_usd_per_mw",
    "parameter_values",
    "parameters",
    "power_usd_per_mw",
    "prepare",
    "present_value_factor",
    "price_supply",
    "pue_wue",
    "shell_usd_per_mw",
    "simulate_supply",
    "state_cost_table",
    "supply_options",
    "technology_costs",
    "transformer_usd_per_mw",
    "voltage_cap_mw",
    "voltage_class_kv",
    "water_m3_per_mw_year",
    "wet_bulb_c",
]
