"""From a place on the map to megawatts, water, carbon and dollars.

`prepare` adds to a frame of candidates every column that the other rooms use;
`columns` says what each is, `parameters` where each figure comes from.
"""

from __future__ import annotations

from siteselect.infrastructure import grid
from siteselect.infrastructure.climate import climate_from_hours, climate_from_months
from siteselect.infrastructure.climate_cooling import (
    cooling_from_climate,
    cooling_line_table,
    cooling_systems,
    zone_climate_table,
)
from siteselect.infrastructure.column_table import columns
from siteselect.infrastructure.compute import (
    accelerator_table,
    accelerators_hosted,
    accelerators_it_mw,
    facility_mw,
    it_mw,
)
from siteselect.infrastructure.connection_cost import (
    connection_ends_usd,
    interconnection_usd,
    line_cost_table,
    terrain_multiplier,
    tie_line_usd,
    transformer_usd_per_mw,
    voltage_cap_mw,
    voltage_class_kv,
)
from siteselect.infrastructure.construction import (
    city_cost_table,
    construction_index,
)
from siteselect.infrastructure.cooling import (
    cooling_table,
    pue_wue,
    water_m3_per_mw_year,
)
from siteselect.infrastructure.cooling_options import cooling_options
from siteselect.infrastructure.cost import (
    energy_mwh_per_mw_year,
    fiber_usd,
    it_hardware_usd_per_mw,
    land_usd_per_acre,
    operation_usd_per_mw,
    power_usd_per_mw,
    shell_usd_per_mw,
    state_cost_table,
    tax_usd_per_mw,
    water_main_usd,
)
from siteselect.infrastructure.cost_breakdown import cost_breakdown
from siteselect.infrastructure.discounting import (
    annualised_usd,
    capital_recovery_factor,
    net_present_value_usd,
    present_value_factor,
)
from siteselect.infrastructure.energy import (
    Profiles,
    price_supply,
    read_profiles,
    simulate_supply,
    supply_options,
    technology_costs,
)
from siteselect.infrastructure.fleet import Fleet
from siteselect.infrastructure.hosted_compute import hosted, racks_hosted
from siteselect.infrastructure.jobs import site_jobs
from siteselect.infrastructure.labor import LaborMarket, labor_market
from siteselect.infrastructure.parameter_table import (
    ParameterValues,
    parameter_levels,
    parameter_values,
    parameters,
)
from siteselect.infrastructure.preparation import prepare
from siteselect.infrastructure.products import product_table
from siteselect.infrastructure.timeline import (
    energised_by,
    energised_year,
    months_to_power,
    queue_months_of,
)
from siteselect.infrastructure.water import (
    low_flow_m3_per_day,
    mgd,
    site_water,
    water_consumed,
    water_peak_day_m3_per_mw,
    water_withdrawn,
)
from siteselect.infrastructure.wet_bulb import wet_bulb_c

__all__ = [
    "Fleet",
    "LaborMarket",
    "ParameterValues",
    "Profiles",
    "accelerator_table",
    "accelerators_hosted",
    "accelerators_it_mw",
    "annualised_usd",
    "capital_recovery_factor",
    "city_cost_table",
    "climate_from_hours",
    "climate_from_months",
    "columns",
    "connection_ends_usd",
    "construction_index",
    "cooling_from_climate",
    "cooling_line_table",
    "cooling_options",
    "cooling_systems",
    "cooling_table",
    "cost_breakdown",
    "energised_by",
    "energised_year",
    "energy_mwh_per_mw_year",
    "facility_mw",
    "fiber_usd",
    "grid",
    "hosted",
    "interconnection_usd",
    "it_hardware_usd_per_mw",
    "it_mw",
    "labor_market",
    "land_usd_per_acre",
    "line_cost_table",
    "low_flow_m3_per_day",
    "mgd",
    "months_to_power",
    "net_present_value_usd",
    "operation_usd_per_mw",
    "parameter_levels",
    "parameter_values",
    "parameters",
    "power_usd_per_mw",
    "prepare",
    "present_value_factor",
    "price_supply",
    "product_table",
    "pue_wue",
    "queue_months_of",
    "racks_hosted",
    "read_profiles",
    "shell_usd_per_mw",
    "simulate_supply",
    "site_jobs",
    "site_water",
    "state_cost_table",
    "supply_options",
    "tax_usd_per_mw",
    "technology_costs",
    "terrain_multiplier",
    "tie_line_usd",
    "transformer_usd_per_mw",
    "voltage_cap_mw",
    "voltage_class_kv",
    "water_consumed",
    "water_m3_per_mw_year",
    "water_main_usd",
    "water_peak_day_m3_per_mw",
    "water_withdrawn",
    "wet_bulb_c",
    "zone_climate_table",
]
