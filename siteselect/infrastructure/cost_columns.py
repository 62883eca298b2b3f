"""All cost columns of a frame from the facts of its sites, at one level of cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.infrastructure import connection_cost, cost
from siteselect.infrastructure.discounting import annualised_usd
from siteselect.infrastructure.parameter_table import ParameterValues

__all__ = [
    "PARTS_OF",
    "CostFacts",
    "cost_columns",
    "counts_tax",
    "facts_of",
    "lifetime_parts",
    "refuse_impossible_costs",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: What each sum is made of, in the order in which the parts are listed.
PARTS_OF: dict[str, tuple[str, ...]] = {
    "cost_usd_per_mw": (
        "land_usd_per_mw",
        "shell_usd_per_mw",
        "transformer_usd_per_mw",
    ),
    "fixed_cost_usd": ("interconnection_usd", "fiber_usd", "water_main_usd"),
    "interconnection_usd": ("tie_line_usd", "connection_ends_usd"),
}
#: What a site is said to be, and what no dollar or length is.
_AT_LEAST_ZERO = (
    "connection_ends_usd",
    "construction_index",
    "cost_usd_per_mw",
    "energy_mwh_per_mw_year",
    "fiber_km",
    "fiber_second_km",
    "fiber_usd",
    "fixed_cost_usd",
    "interconnection_usd",
    "it_hardware_usd_per_mw",
    "land_usd_per_acre",
    "land_usd_per_mw",
    "lifetime_cost_usd_per_mw",
    "operation_usd_per_mw",
    "population_per_km2",
    "power_usd_per_mw",
    "shell_usd_per_mw",
    "substation_km",
    "tax_usd_per_mw",
    "tax_usd_per_mw_year",
    "tie_line_usd",
    "transformer_usd_per_mw",
    "voltage_kv",
    "water_m3_per_mw_year",
    "water_main_km",
    "water_main_usd",
)


#: Half the girth of the globe.
MOST_KM = 20_040.0
_NUMBERS = (
    "peak_ratio",
    "construction_index",
    "home_value_usd",
    "substation_km",
    "voltage_kv",
    "fiber_km",
    "fiber_second_km",
    "water_main_km",
    "price_usd_per_mwh",
    "energy_mwh_per_mw_year",
    "water_m3_per_mw_year",
    "tax_usd_per_mw_year",
)


@dataclass(frozen=True, eq=False)
class CostFacts:
    """What the costs of the sites follow from, one entry per site.

    Parameters
    ----------
    state, terrain : Series of str, (n,)
        USPS code; the ground of the tie line, None where unknown.
    peak_ratio : ndarray, (n,)
        Facility MW per IT MW.
    construction_index : ndarray, (n,)
        Ratio, NaN where `is_elsewhere`.
    is_elsewhere : ndarray of bool, (n,)
        Where the index is the parameter ``construction_index_elsewhere``.
    people_per_km2, home_value_usd : ndarray, (n,)
        Density around the site and home value of the county.
    substation_km, voltage_kv : ndarray, (n,)
        Distance and voltage of the connection.
    fiber_km, fiber_second_km, water_main_km : ndarray, (n,)
        Straight distances [km].
    is_main_assumed : ndarray of bool, (n,)
        Where the distance to water is the parameter ``water_main_km``.
    price_usd_per_mwh, energy_mwh_per_mw_year, water_m3_per_mw_year : ndarray, (n,)
        Power price of the first year, yearly energy and water.
    tax_usd_per_mw_year : ndarray, (n,)
        Yearly taxes [USD per facility MW and year].
    counts_tax : bool
        Whether the lifetime cost counts taxes: only if the candidates bring them.
    """

    state: pd.Series
    terrain: pd.Series
    peak_ratio: Floats
    construction_index: Floats
    is_elsewhere: Flags
    people_per_km2: Floats
    home_value_usd: Floats
    substation_km: Floats
    voltage_kv: Floats
    fiber_km: Floats
    fiber_second_km: Floats
    water_main_km: Floats
    is_main_assumed: Flags
    price_usd_per_mwh: Floats
    energy_mwh_per_mw_year: Floats
    water_m3_per_mw_year: Floats
    tax_usd_per_mw_year: Floats
    counts_tax: bool


def counts_tax(own: Collection[str]) -> bool:
    """Return whether the user's own columns say what taxes are."""
    return not {"tax_usd_per_mw", "tax_usd_per_mw_year"}.isdisjoint(own)


def facts_of(
    numbers: Callable[[str], Floats],
    text: Callable[[str], pd.Series],
    flags: Callable[[str], Flags],
    *,
    counts_tax: bool,
) -> CostFacts:
    """Return the facts that columns of a frame hold, read by kind of column."""
    return CostFacts(
        **{name: numbers(name) for name in _NUMBERS},
        state=text("state"),
        terrain=text("terrain"),
        people_per_km2=numbers("population_per_km2"),
        is_elsewhere=flags("construction_fallback"),
        is_main_assumed=flags("water_main_fallback"),
        counts_tax=counts_tax,
    )


def cost_columns(
    facts: CostFacts, values: ParameterValues, own: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return every cost column.

    Parameters
    ----------
    facts : CostFacts
        Of n sites.
    values : ParameterValues
        At the level of cost that is wanted.
    own : mapping of str to ndarray, (n,)
        Columns that stand as they are, and that what follows from them uses.

    Returns
    -------
    dict of str to ndarray, (n,)
        By name, `own` columns included; NaN where an input is unknown.
    """
    made: dict[str, Floats] = {}

    def put(name: str, numbers: Floats) -> None:
        made[name] = own.get(name, numbers)

    region = facts.state.map(cost.state_cost_table()["line_region"].to_dict())
    index = np.where(
        facts.is_elsewhere,
        values["construction_index_elsewhere"],
        facts.construction_index,
    )
    put("construction_index", index)
    put(
        "land_usd_per_acre",
        cost.land_usd_per_acre(
            facts.people_per_km2, facts.home_value_usd, parameters=values
        ),
    )
    put("land_usd_per_mw", made["land_usd_per_acre"] * values["acres_per_mw"])
    put(
        "shell_usd_per_mw",
        cost.shell_usd_per_mw(
            made["construction_index"], facts.peak_ratio, parameters=values
        ),
    )
    kv = facts.voltage_kv
    put(
        "transformer_usd_per_mw",
        connection_cost.transformer_usd_per_mw(kv, region, parameters=values),
    )
    put("cost_usd_per_mw", _sum(made, PARTS_OF["cost_usd_per_mw"]))
    put(
        "tie_line_usd",
        connection_cost.tie_line_usd(
            facts.substation_km,
            kv,
            region,
            facts.people_per_km2,
            facts.terrain,
            parameters=values,
        ),
    )
    put(
        "connection_ends_usd",
        connection_cost.connection_ends_usd(kv, region, parameters=values),
    )
    put("interconnection_usd", _sum(made, PARTS_OF["interconnection_usd"]))
    put(
        "fiber_usd",
        cost.fiber_usd(facts.fiber_km, facts.fiber_second_km, parameters=values),
    )
    main_km = np.where(
        facts.is_main_assumed, values["water_main_km"], facts.water_main_km
    )
    put("water_main_usd", cost.water_main_usd(main_km, parameters=values))
    put("fixed_cost_usd", _sum(made, PARTS_OF["fixed_cost_usd"]))
    put(
        "it_hardware_usd_per_mw",
        cost.it_hardware_usd_per_mw(facts.peak_ratio, parameters=values),
    )
    put(
        "power_usd_per_mw",
        cost.power_usd_per_mw(
            facts.price_usd_per_mwh, facts.energy_mwh_per_mw_year, parameters=values
        ),
    )
    put(
        "operation_usd_per_mw",
        cost.operation_usd_per_mw(
            facts.water_m3_per_mw_year, facts.peak_ratio, parameters=values
        ),
    )
    put(
        "tax_usd_per_mw",
        cost.tax_usd_per_mw(facts.tax_usd_per_mw_year, parameters=values),
    )
    put("lifetime_cost_usd_per_mw", _sum(made, lifetime_parts(facts.counts_tax)))
    rate, years = values["discount_rate"], int(values["horizon_years"])
    for name, source in (
        ("annual_usd_per_mw", "lifetime_cost_usd_per_mw"),
        ("annual_fixed_usd", "fixed_cost_usd"),
    ):
        put(name, annualised_usd(made[source], rate=rate, years=years))
    return made


def lifetime_parts(counts_tax: bool) -> tuple[str, ...]:
    """Return the columns whose sum is the lifetime cost per MW."""
    parts = ("cost_usd_per_mw", "power_usd_per_mw", "operation_usd_per_mw")
    return (*parts, "tax_usd_per_mw") if counts_tax else parts


def _sum(made: Mapping[str, Floats], names: tuple[str, ...]) -> Floats:
    total = made[names[0]].copy()
    for name in names[1:]:
        total = total + made[name]
    return total


def refuse_impossible_costs(own: Mapping[str, Floats], labels: pd.Index) -> None:
    """Refuse a length or a cost of the user's that cannot be."""
    for name in _AT_LEAST_ZERO:
        numbers = own.get(name)
        if numbers is None:
            continue
        most = MOST_KM if name.endswith("_km") else np.inf
        wrong = (numbers < 0) | (numbers > most)
        if not wrong.any():
            continue
        raise LayerError(
            four_parts(
                f"Column {name!r} of the candidates cannot be just any number",
                f"{int(wrong.sum())} rows are negative"
                + ("" if np.isinf(most) else " or longer than half the globe")
                + f": {shown(labels[wrong])}",
                "0 or more is allowed, NaN where unknown"
                if np.isinf(most)
                else f"0 to {most:,.0f} km is allowed, NaN where unknown",
                "mend these rows, or drop the column to have it computed",
            )
        )
