"""What a site costs, in dollars of 2025.

Two bases are never mixed. **Capital** is paid once: ``cost_usd_per_mw`` (land,
shell and plant, transformers; per facility MW) and ``fixed_cost_usd`` (tie line,
substation, fiber; per site), both without IT hardware. **Lifetime** adds the
present value of what is paid every year over the horizon: power, operation and
water. Yearly dollars are turned into present value by one factor and never
added to capital as they are.

Figures of 2022 to 2024 are used as dollars of 2025; only the network costs,
which are older, are escalated (parameter ``line_escalation``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.parameter_table import parameter_values

__all__ = [
    "USD_YEAR",
    "energy_mwh_per_mw_year",
    "fiber_usd",
    "interconnection_usd",
    "land_usd_per_acre",
    "line_cost_table",
    "operation_usd_per_mw",
    "power_usd_per_mw",
    "present_value_factor",
    "shell_usd_per_mw",
    "state_cost_table",
    "transformer_usd_per_mw",
    "voltage_cap_mw",
    "voltage_class_kv",
]

Floats = npt.NDArray[np.float64]
Overrides = Mapping[str, float | str]

USD_YEAR = 2025
KM_PER_MILE = 1.609344
VOLTAGE_CLASSES_KV = (115, 138, 230, 345, 500, 765)
# A class begins where its voltage does; 161 kV counts as 138, 287 kV as 230.
_CLASS_BEGINS_KV = np.array([0.0, 138.0, 230.0, 345.0, 500.0, 765.0])
# Density anchors of the three land prices [people per km2].
_LAND_ANCHORS = (10.0, 100.0, 1000.0)
_HOME_VALUE_FACTOR = (1.0 / 3.0, 3.0)
_SHORT_MILES, _MEDIUM_MILES = 3.0, 10.0


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype="float64")


def present_value_factor(rate: float, years: int, *, growth: float = 0.0) -> float:
    """Return the present value of one dollar a year, paid at each year's end.

    Parameters
    ----------
    rate : float
        Real discount rate [share per year].
    years : int
        Number of payments.
    growth : float, default 0
        Real growth of the payment [share per year]; the first payment is one
        dollar.

    Returns
    -------
    float
        Dollars of year 0 per dollar a year. Its inverse (at no growth) is the
        capital recovery factor.

    Raises
    ------
    StudyError
        If the number of years is not a positive whole number, or a rate is
        -100 % or less.

    Examples
    --------
    >>> from siteselect.infrastructure import present_value_factor
    >>> round(present_value_factor(0.07, 14), 4)
    8.7455
    >>> present_value_factor(0.0, 10)
    10.0
    """
    if years != int(years) or years < 1 or rate <= -1.0 or growth <= -1.0:
        raise StudyError(
            four_parts(
                "A present value is asked",
                f"got {years!r} years, rate {rate!r}, growth {growth!r}",
                "whole years of 1 or more and rates above -1 are allowed",
                "write e.g. present_value_factor(0.07, 14)",
            )
        )
    year = np.arange(1, int(years) + 1, dtype="float64")
    return float(np.sum((1.0 + growth) ** (year - 1.0) / (1.0 + rate) ** year))


def line_cost_table() -> pd.DataFrame:
    """Return line, substation, bay and transformer costs by region and voltage.

    Returns
    -------
    DataFrame
        Columns ``region``, ``voltage_kv``, ``line_usd_per_mile`` [one circuit,
        flat open ground], ``substation_usd``, ``bay_usd`` [each],
        ``transformer_usd_per_mva``, ``year`` and ``source``; dollars before
        escalation to 2025.

    Examples
    --------
    >>> from siteselect.infrastructure import line_cost_table
    >>> table = line_cost_table().set_index(["region", "voltage_kv"])
    >>> int(table.loc[("MISO", 230), "line_usd_per_mile"])
    1690000
    """
    return fact_table("lines")


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


def _class_position(voltage_kv: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the position in VOLTAGE_CLASSES_KV, -1 for an unknown voltage."""
    voltage = _floats(voltage_kv)
    position = np.searchsorted(_CLASS_BEGINS_KV, voltage, side="right") - 1
    return np.where(np.isnan(voltage), -1, position).astype(np.int64)


def _by_class(voltage_kv: npt.ArrayLike, figures: npt.ArrayLike) -> Floats:
    """Return the figure of each voltage's class, NaN for an unknown voltage."""
    padded = np.append(_floats(figures), np.nan)
    result: Floats = padded[_class_position(voltage_kv)]
    return result


def voltage_class_kv(voltage_kv: npt.ArrayLike) -> Floats:
    """Return the voltage class whose figures serve a voltage.

    Parameters
    ----------
    voltage_kv : array_like
        Nominal voltage [kV].

    Returns
    -------
    ndarray of float
        115, 138, 230, 345, 500 or 765 [kV]: the highest class not above the
        voltage, and 115 for anything lower. NaN stays NaN.

    Examples
    --------
    >>> from siteselect.infrastructure import voltage_class_kv
    >>> voltage_class_kv([100, 161, 345]).tolist()
    [115.0, 138.0, 345.0]
    """
    return _by_class(voltage_kv, VOLTAGE_CLASSES_KV)


def voltage_cap_mw(
    voltage_kv: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the most that one connection of a voltage is taken to carry.

    Parameters
    ----------
    voltage_kv : array_like
        Nominal voltage [kV].
    parameters : mapping, optional
        Other values for the ``voltage_cap_*`` parameters.

    Returns
    -------
    ndarray of float
        Facility MW; NaN where the voltage is unknown.

    References
    ----------
    Parameters ``voltage_cap_115kv_mw`` to ``voltage_cap_765kv_mw``.

    Examples
    --------
    >>> from siteselect.infrastructure import voltage_cap_mw
    >>> voltage_cap_mw([138, 230, 345, 500]).tolist()
    [205.0, 400.0, 750.0, 1500.0]
    """
    values = parameter_values(parameters)
    caps = [values[f"voltage_cap_{kv}kv_mw"] for kv in VOLTAGE_CLASSES_KV]
    return _by_class(voltage_kv, caps)


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


def _region_positions(region: pd.Series | npt.ArrayLike) -> tuple[list[str], Floats]:
    """Return the regions of the table and each row's position, -1 if unknown."""
    regions = list(dict.fromkeys(line_cost_table()["region"]))
    index = pd.Index(regions)
    return regions, index.get_indexer(pd.Index(np.asarray(region, dtype="object")))


def _network_figures(
    column: str, region: pd.Series | npt.ArrayLike, voltage_kv: npt.ArrayLike
) -> Floats:
    """Return a column of the line-cost table by region and voltage."""
    regions, row = _region_positions(region)
    table = line_cost_table().pivot(index="region", columns="voltage_kv", values=column)
    grid = table.reindex(index=regions, columns=VOLTAGE_CLASSES_KV).to_numpy("float64")
    # One row and column of NaN more, so that position -1 means unknown.
    padded = np.pad(grid, ((0, 1), (0, 1)), constant_values=np.nan)
    result: Floats = padded[row, _class_position(voltage_kv)]
    return result


def _network_escalation(values: Mapping[str, float]) -> float:
    return (
        values["line_escalation"]
        * (1.0 + values["line_contingency"])
        * (1.0 + values["line_afudc"])
    )


def interconnection_usd(
    substation_km: npt.ArrayLike,
    voltage_kv: npt.ArrayLike,
    region: pd.Series | npt.ArrayLike,
    people_per_km2: npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the capital cost of joining the grid at a substation.

    Tie line at the substation's voltage, a new substation at the site, and a
    bay at the far end, times escalation, contingency and interest during
    construction. Short lines cost more per mile (1.5 times below 3 miles, 1.2
    times below 10); so that a longer line is never cheaper, its cost is at
    least that of the longest line of the shorter kind.

    Parameters
    ----------
    substation_km : array_like
        Straight distance to the substation [km].
    voltage_kv : array_like
        Voltage of the substation [kV].
    region : array_like of str
        A region of `line_cost_table`.
    people_per_km2 : array_like
        Density around the site; suburban and urban ground costs more.
    parameters : mapping, optional
        Other values for the ``line_*`` and ``tie_line_circuits`` parameters.

    Returns
    -------
    ndarray of float
        USD per site; NaN where an input is.

    Notes
    -----
    Terrain, forest and wetland are not counted (no layer is fine enough), nor
    is reinforcement of the network behind the substation.

    References
    ----------
    NREL reVX least-cost transmission configuration; MISO transmission cost
    estimation. See `line_cost_table` and `parameters`.

    Examples
    --------
    >>> from siteselect.infrastructure import interconnection_usd
    >>> round(float(interconnection_usd(10.0, 230, ["MISO"], 20.0)[0]) / 1e6, 1)
    62.7
    """
    values = parameter_values(parameters)
    miles = _floats(substation_km) / KM_PER_MILE * values["line_route_factor"]
    short, medium = values["line_short_factor"], values["line_medium_factor"]
    end_of_short = short * _SHORT_MILES
    end_of_medium = max(end_of_short, medium * _MEDIUM_MILES)
    charged = np.select(
        [miles < _SHORT_MILES, miles < _MEDIUM_MILES],
        [short * miles, np.maximum(end_of_short, medium * miles)],
        np.maximum(end_of_medium, miles),
    )
    charged = np.where(np.isnan(miles), np.nan, charged)
    density = _floats(people_per_km2)
    ground = np.select(
        [
            density >= values["urban_people_per_km2"],
            density >= values["suburban_people_per_km2"],
            density >= 0.0,
        ],
        [values["line_urban_multiplier"], values["line_suburban_multiplier"], 1.0],
        np.nan,
    )
    line = _network_figures("line_usd_per_mile", region, voltage_kv)
    ends = _network_figures("substation_usd", region, voltage_kv) + _network_figures(
        "bay_usd", region, voltage_kv
    )
    result: Floats = _network_escalation(values) * (
        values["tie_line_circuits"] * line * charged * ground + ends
    )
    return result


def transformer_usd_per_mw(
    voltage_kv: npt.ArrayLike,
    region: pd.Series | npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the cost of the site's main transformers.

    Parameters
    ----------
    voltage_kv : array_like
        Voltage of the connection [kV].
    region : array_like of str
        A region of `line_cost_table`.
    parameters : mapping, optional
        Other values for ``transformer_mva_per_mw`` and the ``line_*``
        parameters that escalate.

    Returns
    -------
    ndarray of float
        USD per facility MW; NaN where an input is unknown.

    Examples
    --------
    >>> from siteselect.infrastructure import transformer_usd_per_mw
    >>> round(float(transformer_usd_per_mw(230, ["MISO"])[0]))
    14325
    """
    values = parameter_values(parameters)
    figures = _network_figures("transformer_usd_per_mva", region, voltage_kv)
    result: Floats = (
        _network_escalation(values) * values["transformer_mva_per_mw"] * figures
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
