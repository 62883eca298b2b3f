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
)
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
)
from siteselect.infrastructure.cooling_options import cooling_options
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
    "accelerator_table",
    "accelerators_hosted",
    "accelerators_it_mw",
    "climate_from_hours",
    "climate_from_months",
    "columns",
    "cooling_from_climate",
    "cooling_line_table",
    "cooling_options",
    "cooling_systems",
    "cooling_table",
    "energy_mwh_per_mw_year",
    "facility_mw",
    "fiber_usd",
    "grid",
    "hosted",
    "interconnection_usd",
    "it_mw",
    "labor_market",
    "land_usd_per_acre",
    "line_cost_table",
    "low_flow_m3_per_day",
    "mgd",
    "operation_usd_per_mw",
    "parameter_levels",
    "parameter_values",
    "parameters",
    "power_usd_per_mw",
    "prepare",
    "present_value_factor",
    "product_table",
    "pue_wue",
    "racks_hosted",
    "shell_usd_per_mw",
    "site_jobs",
    "site_water",
    "state_cost_table",
    "transformer_usd_per_mw",
    "voltage_cap_mw",
    "voltage_class_kv",
    "water_consumed",
    "water_m3_per_mw_year",
    "water_peak_day_m3_per_mw",
    "water_withdrawn",
    "wet_bulb_c",
]
