"""What a plant costs a year, takes of the land and emits.

Dollars are real and of one year (`cost.USD_YEAR`); capital becomes dollars a year by
the capital recovery factor of the plant's own lifetime at one real rate, the parameter
``discount_rate``. No tax credit, no sale of surplus and no land price is counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.discounting import present_value_factor
from siteselect.infrastructure.parameter_table import ParameterValues, parameter_values

__all__ = ["CARBON_FREE", "TECHNOLOGIES", "technology_costs"]

#: What may be built at a site.
TECHNOLOGIES = ("solar", "wind", "nuclear", "battery", "gas")
#: Plants without emissions; their output follows a profile.
CARBON_FREE = ("solar", "wind", "nuclear")
_COLUMNS = (
    "capital_usd",
    "lifetime_years",
    "usd_per_year",
    "usd_per_mwh",
    "carbon_kg_per_mwh",
    "acres",
)


def technology_costs(
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    """Return what each technology costs, emits and covers, per MW or MWh built.

    Parameters
    ----------
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for figures of `parameters`.

    Returns
    -------
    DataFrame
        Indexed by ``solar``, ``wind``, ``nuclear``, ``gas`` and ``battery power``
        (each per MW) and ``battery energy`` (per MWh): ``capital_usd``;
        ``lifetime_years``; ``usd_per_year``, capital times the capital recovery
        factor plus fixed operation and maintenance, for nuclear also fuel, as it
        runs steadily; ``usd_per_mwh``, what a MWh costs beyond that;
        ``carbon_kg_per_mwh``; ``acres``.

    Raises
    ------
    StudyError
        If a parameter is unknown, a lifetime is not in whole years, or the round
        trip of the battery gives nothing back.

    References
    ----------
    The sources of each figure stand in `parameters`.

    Examples
    --------
    >>> from siteselect.infrastructure.energy import technology_costs
    >>> technology_costs({"discount_rate": 0.05}).loc["solar", "usd_per_year"].round()
    np.float64(107063.0)
    """
    values = parameter_values(parameters)
    if values["battery_round_trip"] <= 0:
        raise StudyError(
            four_parts(
                "`parameters` sets 'battery_round_trip'",
                "a battery that gives nothing back was asked for",
                "a share above 0 is allowed",
                "leave 'battery' out of technologies",
            )
        )
    nuclear = values["nuclear_availability"] * HOURS_PER_YEAR
    rows = {
        "solar": _plant(values, "solar"),
        "wind": _plant(values, "wind"),
        "nuclear": _plant(
            values, "nuclear", running=values["nuclear_variable_usd_per_mwh"] * nuclear
        ),
        "gas": _plant(
            values,
            "gas",
            per_mwh=values["gas_variable_usd_per_mwh"]
            + values["gas_heat_rate_mmbtu_per_mwh"] * values["gas_price_usd_per_mmbtu"],
            carbon=values["gas_heat_rate_mmbtu_per_mwh"]
            * values["gas_carbon_kg_per_mmbtu"],
        ),
        "battery power": _battery(values, "mw", 0.0),
        "battery energy": _battery(values, "mwh", values["battery_acres_per_mwh"]),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS))


def output_matrix(
    values: ParameterValues, cf: Mapping[str, np.ndarray], plants: tuple[str, ...]
) -> np.ndarray:
    """Return the output per MW of each carbon-free plant, (plants, sites, hours)."""
    steady = next(iter(cf.values()))
    return np.stack(
        [
            np.full_like(steady, values["nuclear_availability"])
            if plant == "nuclear"
            else cf[plant]
            for plant in plants
        ]
    )


def _recovery(values: ParameterValues, name: str) -> float:
    years = values[f"{name}_lifetime_years"]
    if years != int(years) or years < 1:
        raise StudyError(
            four_parts(
                f"`parameters` sets '{name}_lifetime_years'",
                f"got {years:g}",
                "a whole number of years, 1 or more, is allowed",
                f"write parameters={{'{name}_lifetime_years': 30}}",
            )
        )
    return 1.0 / present_value_factor(values["discount_rate"], int(years))


def _plant(
    values: ParameterValues,
    name: str,
    *,
    running: float = 0.0,
    per_mwh: float = 0.0,
    carbon: float = 0.0,
) -> list[float]:
    capital = values[f"{name}_capital_usd_per_mw"]
    fixed = values[f"{name}_fixed_usd_per_mw_year"]
    return [
        capital,
        values[f"{name}_lifetime_years"],
        capital * _recovery(values, name) + fixed + running,
        per_mwh,
        carbon,
        values[f"{name}_acres_per_mw"],
    ]


def _battery(values: ParameterValues, unit: str, acres: float) -> list[float]:
    capital = values[f"battery_capital_usd_per_{unit}"]
    yearly = _recovery(values, "battery") + values["battery_fixed_share"]
    return [
        capital,
        values["battery_lifetime_years"],
        capital * yearly,
        0.0,
        0.0,
        acres,
    ]
