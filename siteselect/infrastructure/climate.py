"""What cooling needs to know of a climate, from hours or from monthly means.

Annual cooling figures follow from **degree sums**, means over the hours of the
year of how far the air is above a threshold; sizing follows from the **design**
temperatures, exceeded in 0.4 % of the hours. `climate_from_hours` counts both in
hourly weather. `climate_from_months` estimates them from what the bundle holds,
and is judgement where that is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from siteselect.errors import LayerError, four_parts
from siteselect.infrastructure.parameter_table import parameter_values
from siteselect.infrastructure.wet_bulb import (
    relative_humidity_percent,
    saturation_hpa,
    wet_bulb_of_humidity_c,
)

__all__ = ["CLIMATE_COLUMNS", "climate_from_hours", "climate_from_months"]

Floats = npt.NDArray[np.float64]
CLIMATE_COLUMNS = (
    "t_mean_c",
    "wet_mean_c",
    "dry_over_10_c",
    "dry_over_18_c",
    "wet_over_10_c",
    "wet_over_15_c",
    "wet_over_20_c",
    "hours_over_24_share",
    "design_dry_c",
    "design_wet_c",
    "peak_day_wet_c",
)
HOURS_OF_A_YEAR = (8760, 8784)
DESIGN_SHARE = 0.004
# Sites handled at once: bounds the memory of hourly years to some 100 MB.
_CHUNK_HOURS = 500_000
_MONTH_DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_N_SLICES = 6
_WARM_C = 24.0
_LEAST_C, _MOST_C = -90.0, 60.0


def climate_from_hours(
    dry_c: npt.ArrayLike,
    wet_c: npt.ArrayLike | None = None,
    *,
    relative_humidity: npt.ArrayLike | None = None,
    index: pd.Index | None = None,
) -> pd.DataFrame:
    """Count degree sums and design temperatures in hourly weather.

    Parameters
    ----------
    dry_c : array_like, (n, 8760) or (n, 8784)
        Dry-bulb temperature of each site and hour [degC]; one site may be given
        as a plain list of hours. The hours of a day follow each other.
    wet_c : array_like, same shape, optional
        Wet-bulb temperature [degC].
    relative_humidity : array_like, same shape, optional
        Relative humidity [%]; the wet bulb is Stull's [1]_. Give this or
        ``wet_c``.
    index : Index, optional
        Labels of the sites.

    Returns
    -------
    DataFrame, (n, 11)
        ``t_mean_c``, ``wet_mean_c`` [degC]; ``dry_over_10_c``,
        ``dry_over_18_c``, ``wet_over_10_c``, ``wet_over_15_c``,
        ``wet_over_20_c``: mean of max(T - threshold, 0) [degC];
        ``hours_over_24_share``: share of hours with a dry bulb above 24 degC;
        ``design_dry_c``, ``design_wet_c``: exceeded in 0.4 % of the hours
        [degC]; ``peak_day_wet_c``: highest daily mean wet bulb [degC]. A site
        with an unknown hour is NaN throughout.

    Raises
    ------
    LayerError
        If the hours are neither 8,760 nor 8,784, the shapes differ, or not
        exactly one of ``wet_c`` and ``relative_humidity`` is given.

    Notes
    -----
    Joined to candidates that were prepared, the columns replace those that
    `prepare` estimates: ``sites[climate.columns] = climate`` before `prepare`.
    Arrays on disk (`numpy.memmap`) are read a few hundred sites at a time.

    References
    ----------
    .. [1] R. Stull, "Wet-bulb temperature from relative humidity and air
       temperature", J. Appl. Meteorol. Climatol. 50 (2011) 2267-2269.

    Examples
    --------
    >>> import numpy as np
    >>> from siteselect.infrastructure import climate_from_hours
    >>> half = np.repeat([20.0, 30.0], 4380)
    >>> climate = climate_from_hours(half, half - 6.0)
    >>> climate[["dry_over_18_c", "wet_over_20_c"]].iloc[0].round(6).tolist()
    [7.0, 2.0]
    """
    dry = _hours(dry_c, "dry_c")
    if (wet_c is None) == (relative_humidity is None):
        raise LayerError(
            four_parts(
                "Cooling needs dry and wet bulb",
                "got both wet_c and relative_humidity"
                if wet_c is not None
                else "got neither wet_c nor relative_humidity",
                "exactly one of them is allowed",
                "write climate_from_hours(dry_c, relative_humidity=...)",
            )
        )
    given = wet_c if wet_c is not None else relative_humidity
    what = "wet_c" if wet_c is not None else "relative_humidity"
    moist = _hours(given, what)
    if moist.shape != dry.shape:
        raise LayerError(
            four_parts(
                f"`{what}` goes with `dry_c` hour by hour",
                f"their shapes are {moist.shape} and {dry.shape}",
                "the same shape is allowed",
                "cut both to the same sites and hours",
            )
        )
    n, hours = dry.shape
    if index is not None and len(index) != n:
        raise LayerError(
            four_parts(
                "`index` labels the sites of the hourly weather",
                f"got {len(index)} labels for {n} sites",
                "one label per row is allowed",
                "write index=sites.index",
            )
        )
    parts = []
    step = max(1, _CHUNK_HOURS // hours)
    weight = np.full(hours, 1.0 / hours)
    for start in range(0, max(n, 1), step):
        air = np.asarray(dry[start : start + step], dtype="float64")
        second = np.asarray(moist[start : start + step], dtype="float64")
        _plausible(air, second, what)
        wet = second if wet_c is not None else wet_bulb_of_humidity_c(air, second)
        part = _wet_sums(wet, weight)
        part["t_mean_c"] = _mean(air, weight)
        for threshold in (10, 18):
            above = np.maximum(air - threshold, 0.0)
            part[f"dry_over_{threshold}_c"] = _mean(above, weight)
        part["hours_over_24_share"] = _mean((air > _WARM_C).astype("float64"), weight)
        # Taken as the source gives them: hour k of a day is at its place k.
        days = wet.reshape(len(wet), hours // 24, 24).mean(axis=2)
        top = 1.0 - DESIGN_SHARE
        part["design_dry_c"] = np.quantile(air, top, axis=1)
        part["design_wet_c"] = np.quantile(wet, top, axis=1)
        part["peak_day_wet_c"] = days.max(axis=1)
        parts.append(pd.DataFrame(part))
    table = pd.concat(parts, ignore_index=True)[list(CLIMATE_COLUMNS)]
    unknown = table.isna().any(axis=1)
    table.loc[unknown] = np.nan
    if index is not None:
        table.index = index
    return table


def _hours(values: npt.ArrayLike | None, what: str) -> npt.NDArray[Any]:
    """Return hourly values as rows of sites; arrays on disk stay there."""
    array: npt.NDArray[Any]
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        array = values
    else:
        try:
            array = np.asarray(values, dtype="float64")
        except (TypeError, ValueError):
            array = np.zeros(0)
    if array.ndim == 1:
        array = array[np.newaxis, :]
    if array.ndim != 2 or array.shape[1] not in HOURS_OF_A_YEAR:
        raise LayerError(
            four_parts(
                f"`{what}` is hourly weather",
                f"got an array of shape {array.shape}",
                "sites x 8760 (or 8784) numbers are allowed",
                f"transpose or cut it: {what}.T, {what}[:, :8760]",
            )
        )
    return array


def _plausible(air: Floats, second: Floats, what: str) -> None:
    low, high = (_LEAST_C, _MOST_C) if what == "wet_c" else (0.0, 110.0)
    for name, values, least, most in (
        ("dry_c", air, _LEAST_C, _MOST_C),
        (what, second, low, high),
    ):
        wrong = (values < least) | (values > most)
        if wrong.any():
            row, hour = np.argwhere(wrong)[0]
            raise LayerError(
                four_parts(
                    f"`{name}` is hourly weather",
                    f"{int(wrong.sum())} values are outside {least:g} to {most:g}, "
                    f"first {values[row, hour]:g} in row {row}, hour {hour}",
                    "degC, or % of relative humidity, are allowed; NaN where unknown",
                    "turn kelvin into degC with - 273.15, shares into % with * 100",
                )
            )
    if what == "wet_c" and bool((second > air + 0.5).any()):
        raise LayerError(
            four_parts(
                "`wet_c` is the wet-bulb temperature",
                "it is above the dry bulb in places",
                "at most the dry bulb is allowed",
                "check the order of the arguments: climate_from_hours(dry_c, wet_c)",
            )
        )


def _mean(values: Floats, weight: Floats) -> Floats:
    """Return weighted row means, the same bits wherever a row stands."""
    result: Floats = (values * weight).sum(axis=1)
    return result


def _wet_sums(wet: Floats, weight: Floats) -> dict[str, Floats]:
    sums = {"wet_mean_c": _mean(wet, weight)}
    for threshold in (10, 15, 20):
        above = np.maximum(wet - threshold, 0.0)
        sums[f"wet_over_{threshold}_c"] = _mean(above, weight)
    return sums


def climate_from_months(
    months_c: npt.ArrayLike,
    t_max_c: npt.ArrayLike,
    humidity_g_per_kg: npt.ArrayLike,
    elevation_m: npt.ArrayLike = 0.0,
    *,
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    """Estimate degree sums and design temperatures from monthly means.

    Parameters
    ----------
    months_c : array_like, (n, 12)
        Mean dry-bulb temperature of each month, January first [degC].
    t_max_c : array_like, (n,)
        Highest temperature of about nine years [degC].
    humidity_g_per_kg : array_like, (n,)
        Annual mean specific humidity [g per kg].
    elevation_m : array_like, (n,), default 0
        Height above sea level [m].
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for ``extreme_over_spread``, ``design_over_spread``,
        ``humidity_follows_season``, ``humidity_follows_hour`` and
        ``peak_day_below_design_c``.

    Returns
    -------
    DataFrame, (n, 11)
        The columns of `climate_from_hours`; NaN where an input is.

    Raises
    ------
    LayerError
        If there are not twelve months, the sites differ in number, or a
        temperature is none of the air in degC.

    Notes
    -----
    Judgement, in three steps. The hours of a month are spread normally around
    its mean; the standard deviation is that of the hottest month, taken to be
    the distance from its mean to the record, over ``extreme_over_spread``. The
    year's mean specific humidity is shared out over months and hours in
    proportion to saturation at their temperature, raised to
    ``humidity_follows_season`` and ``humidity_follows_hour`` (0: constant
    humidity; 1: constant relative humidity), and never above saturation. The
    design temperature lies ``design_over_spread`` standard deviations above the
    mean of the hottest month.

    Against the published zone table (`cooling_table`), on the 3,106 bundled
    counties with a climate: given the zone, PUE and WUE of each published system
    lie in the 5th to 95th percentile of the county's zone, and 2.6 % of the
    counties have to be held there for the air economiser (41 % in 6B, whose band
    is the narrowest, 20 % in 2B), fewer than 0.1 % for the other systems. The
    lines alone, without the zone, put PUE in the band at 99.8 % of the counties
    or more; WUE of the air economiser at 93.5 %, too high in dry zones (inside at
    10 % of the counties of 6B, 21 % of 4B, 70 % of 2B, 85 % of 5B, 87 % of 3B,
    97 % of 7): many are moister than the city their zone is known by, such as
    the Texas Panhandle beside Albuquerque; and their one WUE of the air chiller
    with air economiser is too high for 4C (0.02 L per kWh at most). Zone 8 has
    no county.

    Examples
    --------
    >>> from siteselect.infrastructure import climate_from_months
    >>> months = [[3, 5, 9, 14, 19, 24, 26, 25, 21, 15, 9, 4]]
    >>> climate = climate_from_months(months, [38.0], [8.5], [90.0])
    >>> bool(4 < climate.at[0, "wet_over_10_c"] < 5)
    True
    """
    values = parameter_values(parameters)
    months = np.asarray(months_c, dtype="float64")
    if months.ndim != 2 or months.shape[1] != len(_MONTH_DAYS):
        raise LayerError(
            four_parts(
                "`months_c` holds the mean temperature of each month",
                f"got an array of shape {months.shape}",
                "sites x 12 numbers are allowed",
                "write months_c[np.newaxis, :] for one site",
            )
        )
    n = len(months)
    record, moist, height = (
        _per_site(given, n, name)
        for name, given in (
            ("t_max_c", t_max_c),
            ("humidity_g_per_kg", humidity_g_per_kg),
            ("elevation_m", elevation_m),
        )
    )
    if (months > _MOST_C).any() or (record > _MOST_C).any():
        raise LayerError(
            four_parts(
                "`months_c` and `t_max_c` are temperatures of the air",
                f"got more than {_MOST_C:g}",
                "degC are allowed, NaN where unknown",
                "turn kelvin into degC with - 273.15",
            )
        )
    # The middle of each of the equally likely slices of a normal month.
    middle = (np.arange(_N_SLICES) + 0.5) / _N_SLICES
    score = ndtri(middle)
    score /= np.sqrt(np.mean(score**2))
    weight = np.repeat(_MONTH_DAYS / _MONTH_DAYS.sum(), _N_SLICES) / _N_SLICES
    parts = [pd.DataFrame(columns=list(CLIMATE_COLUMNS), dtype="float64")]
    step = max(1, _CHUNK_HOURS // len(weight))
    for start in range(0, n, step):
        rows = slice(start, start + step)
        parts.append(
            _from_months(
                months[rows],
                record[rows],
                moist[rows],
                height[rows],
                score,
                weight,
                values,
            )
        )
    table = pd.concat(parts[1:] or parts, ignore_index=True)
    table = table[list(CLIMATE_COLUMNS)]
    table.loc[table.isna().any(axis=1)] = np.nan
    return table


def _per_site(given: npt.ArrayLike, n: int, name: str) -> Floats:
    values = np.asarray(given, dtype="float64")
    if values.shape not in ((), (n,)):
        raise LayerError(
            four_parts(
                f"`{name}` goes with the sites of `months_c`",
                f"its shape is {values.shape} for {n} sites",
                "one number, or one per site, is allowed",
                f"write {name}[:{n}] if it belongs to the same sites",
            )
        )
    return np.broadcast_to(values, (n,))


def _from_months(
    months: Floats,
    record: Floats,
    moist: Floats,
    height: Floats,
    score: Floats,
    weight: Floats,
    values: Mapping[str, float],
) -> pd.DataFrame:
    hottest = months.max(axis=1)
    spread = np.maximum(record - hottest, 0.0) / values["extreme_over_spread"]
    log_month = np.log(saturation_hpa(months))
    season = np.exp(values["humidity_follows_season"] * log_month)
    days = _MONTH_DAYS / _MONTH_DAYS.sum()
    month_moist = moist[:, None] * season / _mean(season, days)[:, None]
    dry = months[:, :, None] + spread[:, None, None] * score
    follows = values["humidity_follows_hour"]
    # Relative humidity moves against saturation, but for what follows it.
    at_mean = relative_humidity_percent(months, month_moist, height[:, None])
    rise = np.log(saturation_hpa(dry)) - log_month[:, :, None]
    humid = at_mean[:, :, None] * np.exp((follows - 1.0) * rise)
    flat = (len(months), -1)
    wet = wet_bulb_of_humidity_c(dry, humid).reshape(flat)
    sums = _wet_sums(wet, weight)
    sums["t_mean_c"] = _mean(months, days)
    # The dry bulb needs no slices: its normal spread has these means in closed form.
    deviation = np.maximum(spread, 1e-9)[:, None]
    for threshold in (10, 18):
        z = (months - threshold) / deviation
        above = deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
        sums[f"dry_over_{threshold}_c"] = _mean(above, days)
    warm = ndtr((months - _WARM_C) / deviation)
    sums["hours_over_24_share"] = _mean(warm, days)
    design = hottest + values["design_over_spread"] * spread
    hot = np.argmax(np.nan_to_num(months, nan=-99.0), axis=1)
    mean_moist = month_moist[np.arange(len(months)), hot]
    design_moist = mean_moist * (
        (saturation_hpa(design) / saturation_hpa(hottest)) ** follows
    )
    sums["design_dry_c"] = design
    sums["design_wet_c"] = wet_bulb_of_humidity_c(
        design, relative_humidity_percent(design, design_moist, height)
    )
    sums["peak_day_wet_c"] = sums["design_wet_c"] - values["peak_day_below_design_c"]
    return pd.DataFrame(sums)
