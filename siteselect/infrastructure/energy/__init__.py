"""Power plants beside a data center: what they cost, give hour by hour and emit.

`Profiles` holds hourly output and `read_profiles` reads it, `price_supply` prices one
MW at a carbon-free share, `simulate_supply` runs chosen plants through another year.
"""

from __future__ import annotations

from siteselect.infrastructure.energy.clear_sky import clear_day
from siteselect.infrastructure.energy.options import supply_options
from siteselect.infrastructure.energy.pricing import SUPPLY_COLUMNS, price_supply
from siteselect.infrastructure.energy.profile_files import read_profiles
from siteselect.infrastructure.energy.profiles import Profiles
from siteselect.infrastructure.energy.simulation import Dispatch, simulate_supply
from siteselect.infrastructure.energy.technologies import technology_costs
from siteselect.infrastructure.energy.unit_program import UnitProgram, UnitSupply

__all__ = [
    "SUPPLY_COLUMNS",
    "Dispatch",
    "Profiles",
    "UnitProgram",
    "UnitSupply",
    "clear_day",
    "price_supply",
    "read_profiles",
    "simulate_supply",
    "supply_options",
    "technology_costs",
]
