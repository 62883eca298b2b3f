"""Months until a site has power, low, mid and high.

Four paths start with the application and run **in parallel**; the longest decides:

- *queue*: the utility studies the connection and builds its own side;
- *line*: right of way and permits of the tie line, then its construction;
- *equipment*: engineering, then the longer of the lead times of main transformers
  and circuit breakers, then installation and tests;
- *building*: shell and plant of the first hall.

Within a path the steps run **in series**. Most figures are judgement and marked so in
`parameters`: the model orders sites and years, it is no promise by a utility. What a
utility has promised goes into the column ``queue_months`` or ``queue_date``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts, said, shown
from siteselect.infrastructure._site_numbers import plain_numbers
from siteselect.infrastructure.parameter_table import (
    LEVELS,
    ParameterValues,
    parameter_values,
    parameters,
)
from siteselect.suitability.gates import Gate
from siteselect.suitability.measures import EnergisedBy

__all__ = [
    "energised_by",
    "energised_year",
    "months_to_power",
    "queue_months_of",
]

Floats = npt.NDArray[np.float64]

#: The paths, in the order in which the first of equals is named.
PATHS = ("queue", "line", "equipment", "building")
_EXTRA_HIGH_KV = 345.0
# A site this near its substation needs no right of way.
_AT_THE_FENCE_KM = 1.0
#: Longer than any project waits; a figure beyond it is a date or a mistake.
MOST_MONTHS = 600.0
_DAYS_PER_MONTH = 365.2425 / 12.0


def months_to_power(
    voltage_kv: npt.ArrayLike,
    line_km: npt.ArrayLike,
    queue_months: npt.ArrayLike | None = None,
    *,
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    """Return the months from application to power, and the path that decides.

    Parameters
    ----------
    voltage_kv : array_like, (n,)
        Voltage of the connection [kV]; from 345 kV up permits and transformers take
        longer.
    line_km : array_like, (n,)
        Straight length of the new line [km].
    queue_months : array_like, (n,), optional
        What the utility says, from the application on [months]; it stands at every
        level. NaN, or none, is the parameter ``queue_months``.
    parameters : mapping, optional
        Other values for the ``*_months*`` and ``line_route_factor`` parameters; one
        that is set holds at every level.

    Returns
    -------
    DataFrame, (n,)
        ``low``, ``mid`` and ``high`` [months], the longest path at each level, and
        ``driver``: the longest at mid, "queue", "line", "equipment" or "building"
        (the first of equals). NaN and None where voltage or length is unknown.

    Raises
    ------
    StudyError
        If a parameter cannot be.
    LayerError
        If a figure is no number, a length or voltage is negative, ``queue_months`` is
        not from 0 to 600, or their lengths differ.

    Notes
    -----
    ``max(queue, permits + km x route x build, engineering + max(transformer,
    breaker) + commissioning, building)``. Within 1 km of the substation a line needs
    no permits. Judgement, as the module says.

    References
    ----------
    `parameters` has the source of every figure.

    Examples
    --------
    A promised connection in two years is not what the site waits for:

    >>> from siteselect.infrastructure import months_to_power
    >>> months_to_power([230, 230], [10, 10], [24, None])
        low   mid  high  driver
    0  29.0  40.0  62.0  equipment
    1  29.0  48.0  84.0      queue
    """
    values = parameter_values(parameters)
    volts, length = _floats(voltage_kv, "voltage_kv"), _floats(line_km, "line_km")
    queue = _floats(np.nan if queue_months is None else queue_months, "queue_months")
    try:
        kv, km = np.broadcast_arrays(volts, length)
        given = np.broadcast_to(queue, kv.shape)
    except ValueError as error:
        raise LayerError(
            four_parts(
                "Months to power follow from voltage, length and queue of each site",
                f"found {volts.size}, {length.size} and {queue.size} of them",
                "one of each per site, or one for all, is allowed",
                "give columns of the same table",
            )
        ) from error
    for name, numbers, most in (
        ("voltage", kv, np.inf),
        ("length of the line", km, np.inf),
        ("queue", given, MOST_MONTHS),
    ):
        wrong = (numbers < 0) | (numbers > most)
        if wrong.any():
            raise LayerError(
                four_parts(
                    f"Months to power follow from the {name} of each site",
                    f"rows {shown(np.flatnonzero(wrong))} hold "
                    f"{shown(f'{x:g}' for x in numbers[wrong])}",
                    "0 or more is allowed"
                    + ("" if np.isinf(most) else f", up to {most:g} months")
                    + ", NaN where unknown",
                    "mend these rows",
                )
            )
    months, driver = {}, np.full(kv.shape, None, dtype="object")
    for level in LEVELS:
        paths = _paths(_at(values, level), kv, km, given)
        longest = np.max(paths, axis=0)
        months[level] = longest
        if level == "mid":
            known = ~np.isnan(longest)
            names = np.array(PATHS, dtype="object")
            driver[known] = names[np.argmax(paths[:, known], axis=0)]
    return pd.DataFrame({**months, "driver": driver})


def _floats(values: npt.ArrayLike, what: str) -> Floats:
    return np.atleast_1d(plain_numbers(values, what))


def _at(values: ParameterValues, level: str) -> dict[str, float]:
    """Return the parameters at a level; what the user set stays."""
    table = {str(k): float(v) for k, v in parameters()[level].items()}
    return table | {name: values[name] for name in values.named}


def _paths(at: Mapping[str, float], kv: Floats, km: Floats, given: Floats) -> Floats:
    """Return the months of each path, shape (path, site)."""
    is_extra_high = kv >= _EXTRA_HIGH_KV
    permits = np.where(
        is_extra_high, at["line_permit_ehv_months"], at["line_permit_months"]
    )
    permits = np.where(km <= _AT_THE_FENCE_KM, 0.0, permits)
    build = km * at["line_route_factor"] * at["line_build_months_per_km"]
    transformer = np.where(
        is_extra_high, at["transformer_lead_ehv_months"], at["transformer_lead_months"]
    )
    equipment = (
        at["engineering_months"]
        + np.maximum(transformer, at["breaker_lead_months"])
        + at["commissioning_months"]
    )
    return np.array(
        [
            np.where(np.isnan(given), at["queue_months"], given),
            permits + build,
            # An unknown voltage must not pass as a low one.
            np.where(np.isnan(kv), np.nan, equipment),
            np.full(kv.shape, at["building_months"]),
        ]
    )


def energised_year(months: npt.ArrayLike, start_year: float) -> Floats:
    """Return the calendar year in which a site gets power.

    Parameters
    ----------
    months : array_like
        Months from the start to power.
    start_year : float
        The start as a year with its fraction: 2027.5 is the middle of 2027.

    Returns
    -------
    ndarray of float
        Whole years, NaN where the months are unknown: what `siteselect.Arriving` and
        plans by year read. In that year the site counts.

    Raises
    ------
    LayerError
        If the months are no numbers.

    Examples
    --------
    >>> from siteselect.infrastructure import energised_year
    >>> energised_year([35, 36, 37, None], 2027.0).tolist()
    [2029.0, 2030.0, 2030.0, nan]
    """
    result: Floats = np.floor(start_year + _floats(months, "months") / 12.0)
    return result


def queue_months_of(dates: pd.Series, start_year: float) -> pd.Series:
    """Return the months from a start to the utility's dates.

    Parameters
    ----------
    dates : Series of datetime or ISO text, (n,)
        When the utility says that the connection is ready; missing where it has not.
    start_year : float
        The start as a year with its fraction.

    Returns
    -------
    Series of float, (n,)
        Months; 0 for a date before the start, NaN where there is no date.

    Raises
    ------
    LayerError
        If a date cannot be read, or is over 50 years away.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure import queue_months_of
    >>> dates = pd.Series(["2029-07-01", "2025-01-01", None])
    >>> queue_months_of(dates, 2027.0).round(1).tolist()
    [30.0, 0.0, nan]
    """
    missing = dates.isna()
    is_number = pd.api.types.is_numeric_dtype(dates) and not missing.all()
    read = pd.to_datetime(
        pd.Series(pd.NaT, index=dates.index)
        if is_number or missing.all()
        else dates.map(str).where(~missing, None),
        format="ISO8601",
        errors="coerce",
        utc=True,
    )
    year = read.dt.year + (read.dt.day_of_year - 1.0) / (365.0 + read.dt.is_leap_year)
    months = 12.0 * (year - start_year)
    odd = (~missing & read.isna()) | (months.abs() > MOST_MONTHS)
    if odd.any():
        raise LayerError(
            four_parts(
                "Column 'queue_date' of the candidates says when a connection is ready",
                f"{int(odd.sum())} rows hold no date within 50 years of "
                f"{start_year:g}, such as {said(dates[odd].iloc[0])}: "
                f"{shown(dates.index[odd])}",
                "dates such as 2029-07-01 are allowed, nothing where unknown",
                "use pd.to_datetime, or give months in the column queue_months",
            )
        )
    return months.clip(lower=0.0).where(~missing)


def energised_by(year: int, *, name: str = "energised") -> Gate:
    """Return the gate of sites that have power within a year.

    PASS if even the high estimate is in time, CONDITIONAL if the mid one is, FAIL if
    at most the low one is, UNKNOWN where the estimates do not say.

    Parameters
    ----------
    year : int
        Calendar year at whose end power must be there, counted from the parameter
        ``start_year`` that `prepare` was given.
    name : str, default "energised"
        Name of the gate.

    Returns
    -------
    Gate
        For `siteselect.check_gates`. The estimates are judgement (see `parameters`).

    Raises
    ------
    StudyError
        If the year is no whole number from 2000 to 2100.

    See Also
    --------
    EnergisedBy : The measurement behind it: 3, 2, 1 or 0 estimates in time.

    Examples
    --------
    >>> import siteselect as ss
    >>> area = ss.datasets.region("Texas")
    >>> sites = ss.grid_candidates(area, spacing_km=200)
    >>> ready = ss.prepare(sites, ss.datasets.load_all(area))
    >>> checked = ss.check_gates(ready, [ss.energised_by(2031)])
    >>> sorted(set(checked["energised_gate"]))
    ['CONDITIONAL']
    """
    return Gate(name, EnergisedBy(year), at_least=3, conditional=2)
