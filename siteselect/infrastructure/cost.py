"""What a site costs, in dollars of 2025.

Two bases are never mixed. **Capital** is paid once: ``cost_usd_per_mw`` (land,
shell and plant, transformers; per facility MW) and ``fixed_cost_usd`` (tie line,
substation, fiber, water main; per site), both without IT hardware. **Lifetime**
adds the present value of what is paid every year over the horizon: power,
operation, water and taxes. Yearly dollars are turned into present value by one
factor and never added to capital as they are (see `siteselect.infrastructure
.discounting`).

Figures of 2022 to 2024 are used as dollars of 2025; only the network costs,
which are older, are escalated (parameter ``line_escalation``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.infrastructure._site_numbers import plain_numbers
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.discounting import present_value_factor
from siteselect.infrastructure.parameter_table import parameter_values

__all__ = [
    "USD_YEAR",
    "energy_mwh_per_mw_year",
    "fiber_usd",
    "it_hardware_usd_per_mw",
    "land_usd_per_acre",
    "operation_usd_per_mw",
    "power_usd_per_mw",
    "shell_usd_per_mw",
    "state_cost_table",
    "tax_usd_per_mw",
    "water_main_usd",
]

Floats = npt.NDArray[np.float64]
Overrides = Mapping[str, float | str]

USD_YEAR = 2025
# Density anchors of the three land prices [people per km2].
_LAND_ANCHORS = (10.0, 100.0, 1000.0)
_HOME_VALUE_FACTOR = (1.0 / 3.0, 3.0)


def _floats(values: npt.ArrayLike) -> Floats:
    return plain_numbers(values, "a figure of the sites")


def state_cost_table() -> pd.DataFrame:
    """Return what the models know by state beside the layers.

    Returns
    -------
    DataFrame
        Indexed by ``state``: ``line_region``, ``line_region_source``,
        ``construction_index`` [1 = mean of US markets; NaN without a city
        figure], ``construction_basis``, ``year`` and ``source``.

    Examples
    --------
    >>> from siteselect.infrastructure import state_cost_table
    >>> float(state_cost_table().loc["TX", "construction_index"])
    0.82
    """
    return fact_table("states").set_index("state")


def land_usd_per_acre(
    people_per_km2: npt.ArrayLike,
    home_value_usd: npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return a proxy for the price of powered land.

    Three sourced prices (rural, exurban, urban) stand at 10, 100 and 1,000
    people per km2; between them the logarithm of the price follows the
    logarithm of the density. The result is scaled by the county's home value
    over the national one, held between 1/3 and 3.

    Parameters
    ----------
    people_per_km2 : array_like
        Population density around the site.
    home_value_usd : array_like
        Median home value of the county [USD].
    parameters : mapping, optional
        Other values for the ``land_*`` and ``home_value_reference_usd``
        parameters.

    Returns
    -------
    ndarray of float
        USD per acre; NaN where an input is.

    Notes
    -----
    A proxy: no public source gives land prices by county, and a parcel's price
    depends on its power. The tie to density is judgement.

    Examples
    --------
    >>> from siteselect.infrastructure import land_usd_per_acre
    >>> land_usd_per_acre([5, 100, 5000], 281_900).round().tolist()
    [55700.0, 108900.0, 244000.0]
    """
    values = parameter_values(parameters)
    density = np.maximum(_floats(people_per_km2), _LAND_ANCHORS[0])
    prices = [
        values["land_rural_usd_per_acre"],
        values["land_exurban_usd_per_acre"],
        values["land_urban_usd_per_acre"],
    ]
    # The floor keeps a price of zero, which a user may set, out of the log.
    logs = np.log(np.maximum(prices, 1e-9))
    base = np.exp(np.interp(np.log(density), np.log(_LAND_ANCHORS), logs))
    relative = _floats(home_value_usd) / values["home_value_reference_usd"]
    factor = np.clip(
        relative ** values["land_home_value_exponent"], *_HOME_VALUE_FACTOR
    )
    # NaN ** 0 is 1, which would hide an unknown only when it does not matter.
    result: Floats = np.where(np.isnan(density), np.nan, base) * factor
    return result


def shell_usd_per_mw(
    construction_index: npt.ArrayLike,
    peak_ratio: npt.ArrayLike = 1.30,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the cost of shell and mechanical-electrical plant.

    Parameters
    ----------
    construction_index : array_like
        Local construction cost over the mean of US markets.
    peak_ratio : array_like, default 1.30
        Facility MW per IT MW at peak; the source counts IT MW.
    parameters : mapping, optional
        Another value for ``shell_usd_per_mw_it``.

    Returns
    -------
    ndarray of float
        USD per facility MW.

    Examples
    --------
    >>> from siteselect.infrastructure import shell_usd_per_mw
    >>> float(shell_usd_per_mw(1.0, 1.30))
    9000000.0
    """
    values = parameter_values(parameters)
    result: Floats = (
        values["shell_usd_per_mw_it"]
        * _floats(construction_index)
        / _floats(peak_ratio)
    )
    return result


def fiber_usd(
    first_km: npt.ArrayLike,
    second_km: npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the capital cost of two diverse underground fiber routes.

    Parameters
    ----------
    first_km, second_km : array_like
        Straight distance to the two nearest points of presence [km].
    parameters : mapping, optional
        Other values for ``fiber_usd_per_km`` and ``fiber_route_factor``.

    Returns
    -------
    ndarray of float
        USD per site; NaN where a distance is.

    Notes
    -----
    Points of presence stand in for fiber routes, which no open layer holds;
    the nearest route is often closer, so this is rather high.

    Examples
    --------
    >>> from siteselect.infrastructure import fiber_usd
    >>> float(fiber_usd(10.0, 20.0).round())
    2336100.0
    """
    values = parameter_values(parameters)
    result: Floats = (
        values["fiber_usd_per_km"]
        * values["fiber_route_factor"]
        * (_floats(first_km) + _floats(second_km))
    )
    return result


def water_main_usd(
    main_km: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the capital cost of a water main to the site.

    Parameters
    ----------
    main_km : array_like
        Straight distance to the supply [km].
    parameters : mapping, optional
        Other values for ``water_main_usd_per_km`` and
        ``water_main_route_factor``.

    Returns
    -------
    ndarray of float
        USD per site; NaN where the distance is.

    References
    ----------
    Parameters ``water_main_usd_per_km`` (unverified) and
    ``water_main_route_factor`` (judgement).

    Examples
    --------
    >>> from siteselect.infrastructure import water_main_usd
    >>> float(water_main_usd(2.0).round())
    3250000.0
    """
    values = parameter_values(parameters)
    result: Floats = (
        values["water_main_usd_per_km"]
        * values["water_main_route_factor"]
        * _floats(main_km)
    )
    return result


def it_hardware_usd_per_mw(
    peak_ratio: npt.ArrayLike = 1.30, *, parameters: Overrides | None = None
) -> Floats:
    """Return the cost of one fill of IT hardware, which no site cost counts.

    Parameters
    ----------
    peak_ratio : array_like, default 1.30
        Facility MW per IT MW at peak; the source counts IT MW.
    parameters : mapping, optional
        Another value for ``it_hardware_usd_per_mw_it``.

    Returns
    -------
    ndarray of float
        USD per facility MW, at year 0.

    References
    ----------
    Parameter ``it_hardware_usd_per_mw_it`` (Epoch AI).

    Examples
    --------
    >>> from siteselect.infrastructure import it_hardware_usd_per_mw
    >>> float(it_hardware_usd_per_mw(1.30))
    20000000.0
    """
    values = parameter_values(parameters)
    result: Floats = values["it_hardware_usd_per_mw_it"] / _floats(peak_ratio)
    return result


def energy_mwh_per_mw_year(
    pue: npt.ArrayLike,
    peak_ratio: npt.ArrayLike = 1.30,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the yearly energy that one facility MW draws from the grid.

    Parameters
    ----------
    pue : array_like
        Annual power usage effectiveness.
    peak_ratio : array_like, default 1.30
        Facility MW per IT MW at peak.
    parameters : mapping, optional
        Another value for ``utilisation``.

    Returns
    -------
    ndarray of float
        MWh per facility MW and year: ``8760 x utilisation x pue / peak_ratio``.

    Examples
    --------
    >>> from siteselect.infrastructure import energy_mwh_per_mw_year
    >>> float(energy_mwh_per_mw_year(1.17).round(1))
    6307.2
    """
    values = parameter_values(parameters)
    result: Floats = (
        HOURS_PER_YEAR * values["utilisation"] * _floats(pue) / _floats(peak_ratio)
    )
    return result


def power_usd_per_mw(
    price_usd_per_mwh: npt.ArrayLike,
    energy_mwh_per_mw_year: npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the present value of power over the horizon.

    Parameters
    ----------
    price_usd_per_mwh : array_like
        Price in the first year [USD per MWh].
    energy_mwh_per_mw_year : array_like
        Yearly energy [MWh per facility MW].
    parameters : mapping, optional
        Other values for ``price_multiplier``, ``price_growth``,
        ``discount_rate`` and ``horizon_years``.

    Returns
    -------
    ndarray of float
        USD of present value per facility MW.

    Examples
    --------
    >>> from siteselect.infrastructure import power_usd_per_mw
    >>> flat = {"price_growth": 0.0, "discount_rate": 0.05, "horizon_years": 10}
    >>> float(power_usd_per_mw(50.0, 6000.0, parameters=flat).round())
    2316520.0
    """
    values = parameter_values(parameters)
    factor = present_value_factor(
        values["discount_rate"],
        int(values["horizon_years"]),
        growth=values["price_growth"],
    )
    result: Floats = (
        values["price_multiplier"]
        * _floats(price_usd_per_mwh)
        * _floats(energy_mwh_per_mw_year)
        * factor
    )
    return result


def operation_usd_per_mw(
    water_m3_per_mw_year: npt.ArrayLike,
    peak_ratio: npt.ArrayLike = 1.30,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the present value of operation and water over the horizon.

    Parameters
    ----------
    water_m3_per_mw_year : array_like
        Yearly on-site water [m3 per facility MW].
    peak_ratio : array_like, default 1.30
        Facility MW per IT MW at peak.
    parameters : mapping, optional
        Other values for ``operation_usd_per_mw_it_year``, ``water_usd_per_m3``,
        ``discount_rate`` and ``horizon_years``.

    Returns
    -------
    ndarray of float
        USD of present value per facility MW; energy is not in it.

    Examples
    --------
    >>> from siteselect.infrastructure import operation_usd_per_mw
    >>> round(float(operation_usd_per_mw(0.0, 1.0)) / present_value_factor(0.07, 14))
    300000
    """
    values = parameter_values(parameters)
    factor = present_value_factor(values["discount_rate"], int(values["horizon_years"]))
    yearly = values["operation_usd_per_mw_it_year"] / _floats(peak_ratio) + values[
        "water_usd_per_m3"
    ] * _floats(water_m3_per_mw_year)
    result: Floats = factor * yearly
    return result


def tax_usd_per_mw(
    tax_usd_per_mw_year: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the present value of yearly taxes over the horizon.

    Parameters
    ----------
    tax_usd_per_mw_year : array_like
        Property and other taxes after exemptions [USD per facility MW and year].
    parameters : mapping, optional
        Other values for ``discount_rate`` and ``horizon_years``.

    Returns
    -------
    ndarray of float
        USD of present value per facility MW; NaN where unknown.

    Notes
    -----
    No rate is assumed: about three states in four exempt data centers from sales
    tax in part (unverified), and property tax is negotiated site by site.

    Examples
    --------
    >>> from siteselect.infrastructure import tax_usd_per_mw
    >>> flat = {"discount_rate": 0.05, "horizon_years": 10}
    >>> float(tax_usd_per_mw(100_000.0, parameters=flat).round())
    772173.0
    """
    values = parameter_values(parameters)
    factor = present_value_factor(values["discount_rate"], int(values["horizon_years"]))
    result: Floats = factor * _floats(tax_usd_per_mw_year)
    return result
