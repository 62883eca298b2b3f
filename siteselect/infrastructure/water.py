"""Water of a site: consumed and withdrawn, in a year and on the worst day.

**Withdrawn** is what the site takes in; **consumed** is what evaporates. The rest
is bled off to keep salts in check and goes to a sewer or river. WUE counts
withdrawal: in a wet tower one kWh of heat can evaporate some 1.5 L at most, and
the published water-cooled halls use 1.7 to 2.6 L.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.infrastructure._site_numbers import site_numbers
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.parameter_table import parameter_values

__all__ = [
    "DAYS_PER_YEAR",
    "M3_PER_MG",
    "low_flow_m3_per_day",
    "mgd",
    "site_water",
    "water_consumed",
    "water_peak_day_m3_per_mw",
    "water_withdrawn",
]

Floats = npt.NDArray[np.float64]
Overrides = Mapping[str, float | str]

# One US gallon is 231 cubic inches.
M3_PER_MG = 3785.411784
_HOURS_PER_DAY = 24.0
# Water is used over the 8,760 hours that energy is: another year would make the mean
# day of a site that runs evenly less than its worst day.
DAYS_PER_YEAR = HOURS_PER_YEAR / _HOURS_PER_DAY
# The year of a river, of which its mean flow in m3 per year is made.
_DAYS_OF_FLOW = 365.25


def mgd(m3_per_day: npt.ArrayLike) -> Floats:
    """Return million US gallons a day.

    Parameters
    ----------
    m3_per_day : array_like
        Water [m3 per day].

    Returns
    -------
    ndarray of float
        Water [MGD].

    Examples
    --------
    One GW of IT at 1 L/kWh:

    >>> from siteselect.infrastructure import mgd
    >>> float(mgd(24_000.0).round(2))
    6.34
    """
    result: Floats = np.asarray(m3_per_day, dtype="float64") / M3_PER_MG
    return result


def _cycles(parameters: Overrides | None) -> float:
    cycles = parameter_values(parameters)["cycles_of_concentration"]
    if cycles <= 1.0:
        raise StudyError(
            four_parts(
                "`parameters` sets 'cycles_of_concentration'",
                f"got {cycles:g}",
                "more than 1 is allowed: at 1 all water is bled off",
                "the table has 5",
            )
        )
    return cycles


def water_consumed(
    withdrawn: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the part of water withdrawn for cooling that evaporates.

    Parameters
    ----------
    withdrawn : array_like
        Water withdrawn, in any unit.
    parameters : mapping, optional
        Another value for ``cycles_of_concentration``.

    Returns
    -------
    ndarray of float
        ``withdrawn x (c - 1) / c`` with c cycles of concentration; drift and
        leaks, some 0.1 %, count as consumed.

    Raises
    ------
    StudyError
        If the cycles are 1 or fewer.

    See Also
    --------
    water_withdrawn : The other way.

    Examples
    --------
    >>> from siteselect.infrastructure import water_consumed
    >>> float(water_consumed(100.0))
    80.0
    """
    cycles = _cycles(parameters)
    result: Floats = np.asarray(withdrawn, dtype="float64") * (cycles - 1.0) / cycles
    return result


def water_withdrawn(
    consumed: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the water to withdraw so that a part of it may evaporate.

    Parameters
    ----------
    consumed : array_like
        Water evaporated, in any unit.
    parameters : mapping, optional
        Another value for ``cycles_of_concentration``.

    Returns
    -------
    ndarray of float
        ``consumed x c / (c - 1)`` with c cycles of concentration.

    Raises
    ------
    StudyError
        If the cycles are 1 or fewer.

    Examples
    --------
    >>> from siteselect.infrastructure import water_withdrawn
    >>> float(water_withdrawn(80.0))
    100.0
    """
    cycles = _cycles(parameters)
    result: Floats = np.asarray(consumed, dtype="float64") * cycles / (cycles - 1.0)
    return result


def water_peak_day_m3_per_mw(
    wue_peak_day_l_per_kwh: npt.ArrayLike,
    peak_ratio: npt.ArrayLike = 1.30,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the water that one facility MW withdraws on the worst day.

    Parameters
    ----------
    wue_peak_day_l_per_kwh : array_like
        On-site water on that day [L per kWh of IT energy].
    peak_ratio : array_like, default 1.30
        Facility MW per IT MW at peak.
    parameters : mapping, optional
        Another value for ``peak_day_utilisation``.

    Returns
    -------
    ndarray of float
        Water [m3 per facility MW and day]:
        ``24 x wue x peak_day_utilisation / peak_ratio``.

    Examples
    --------
    >>> from siteselect.infrastructure import water_peak_day_m3_per_mw
    >>> float(water_peak_day_m3_per_mw(1.0, 1.0))
    24.0
    """
    busy = parameter_values(parameters)["peak_day_utilisation"]
    wue = np.asarray(wue_peak_day_l_per_kwh, dtype="float64")
    ratio = np.asarray(peak_ratio, dtype="float64")
    result: Floats = _HOURS_PER_DAY * wue * busy / ratio
    return result


def low_flow_m3_per_day(
    supply_m3_per_year: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the water that sites may draw on a day of low flow.

    Parameters
    ----------
    supply_m3_per_year : array_like
        Mean renewable supply, such as runoff or a river's flow [m3 per year].
    parameters : mapping, optional
        Other values for ``low_flow_share`` and ``low_flow_usable_share``.

    Returns
    -------
    ndarray of float
        Water [m3 per day]: mean supply of a day times the share of it that
        flows at low flow times the share of that which sites may draw. What
        others draw is not taken off; the second share stands for it.

    Raises
    ------
    StudyError
        If a supply is negative.

    Notes
    -----
    Both shares are judgement. A gauge's own low-flow figure (such as 7Q10)
    replaces the first: multiply it by the second alone.

    Examples
    --------
    A river of 10 m3/s:

    >>> from siteselect.infrastructure import low_flow_m3_per_day
    >>> float(low_flow_m3_per_day(10 * 86400 * 365.25).round())
    8640.0
    """
    values = parameter_values(parameters)
    supply = np.asarray(supply_m3_per_year, dtype="float64")
    if (supply < 0).any():
        raise StudyError(
            four_parts(
                "Low flow is a share of a supply of water",
                f"{int((supply < 0).sum())} supplies are negative",
                "0 or more is allowed, NaN where unknown",
                "check the sign",
            )
        )
    result: Floats = (
        supply
        / _DAYS_OF_FLOW
        * values["low_flow_share"]
        * values["low_flow_usable_share"]
    )
    return result


def site_water(
    sites: pd.DataFrame, *, mw: str | float | pd.Series = "mw"
) -> pd.DataFrame:
    """Return the water of sites at their size, in cubic meters and gallons.

    Parameters
    ----------
    sites : DataFrame or GeoDataFrame, (n,)
        Sites with the columns ``water_m3_per_mw_year``,
        ``water_consumed_m3_per_mw_year`` and ``water_peak_day_m3_per_mw``, such
        as ``plan.sites``.
    mw : str, number or Series, default "mw"
        Facility MW.

    Returns
    -------
    DataFrame, (n, 7)
        ``withdrawn_m3_per_year``, ``consumed_m3_per_year``,
        ``returned_m3_per_year`` [m3 per year], ``peak_day_m3`` [m3 withdrawn on
        the worst day], ``withdrawn_mgd``, ``consumed_mgd`` [million US gallons
        on the mean of 365 days] and ``peak_day_mgd``. NaN where unknown.

    Raises
    ------
    LayerError
        If a column is missing or holds no numbers.
    StudyError
        If a size is negative.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure import site_water
    >>> site = pd.DataFrame(
    ...     {
    ...         "mw": [1000.0],
    ...         "water_m3_per_mw_year": [4000.0],
    ...         "water_consumed_m3_per_mw_year": [3200.0],
    ...         "water_peak_day_m3_per_mw": [40.0],
    ...     }
    ... )
    >>> site_water(site)[["withdrawn_mgd", "peak_day_mgd"]].round(1).values.tolist()
    [[2.9, 10.6]]
    """
    if not isinstance(sites, pd.DataFrame):
        raise LayerError(
            four_parts(
                "`site_water` reads sites",
                f"got a {type(sites).__name__}",
                "a frame that went through `prepare` is allowed",
                "write site_water(plan.sites)",
            )
        )
    size = site_numbers(sites, mw, "mw", "site_water")
    wrong = ~(np.isnan(size) | (np.isfinite(size) & (size >= 0)))
    if wrong.any():
        raise StudyError(
            four_parts(
                "Water follows from facility MW",
                f"{int(wrong.sum())} sizes are negative or infinite, in rows "
                f"{shown(sites.index[wrong])}",
                "0 or more is allowed, NaN where unknown",
                "check the sign",
            )
        )
    withdrawn, consumed, peak_day = (
        size * site_numbers(sites, name, name, "site_water")
        for name in (
            "water_m3_per_mw_year",
            "water_consumed_m3_per_mw_year",
            "water_peak_day_m3_per_mw",
        )
    )
    return pd.DataFrame(
        {
            "withdrawn_m3_per_year": withdrawn,
            "consumed_m3_per_year": consumed,
            "returned_m3_per_year": withdrawn - consumed,
            "peak_day_m3": peak_day,
            "withdrawn_mgd": mgd(withdrawn / DAYS_PER_YEAR),
            "consumed_mgd": mgd(consumed / DAYS_PER_YEAR),
            "peak_day_mgd": mgd(peak_day),
        },
        index=sites.index,
    )
