"""The wet-bulb temperature of air, from its humidity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["saturation_hpa", "wet_bulb_c", "wet_bulb_of_humidity_c"]

Floats = npt.NDArray[np.float64]
_COLDEST_C, _HOTTEST_C = -20.0, 50.0
_DRIEST, _MOISTEST = 5.0, 99.0


def saturation_hpa(temperature_c: npt.ArrayLike) -> Floats:
    """Return the saturation pressure of water vapour over water.

    Parameters
    ----------
    temperature_c : array_like
        Temperature [degC].

    Returns
    -------
    ndarray of float
        Pressure [hPa].

    References
    ----------
    O. Alduchov, R. Eskridge, J. Appl. Meteorol. 35 (1996) 601-609.

    Examples
    --------
    >>> float(saturation_hpa(20.0).round(1))
    23.3
    """
    air = np.asarray(temperature_c, dtype="float64")
    result: Floats = 6.1094 * np.exp(17.625 * air / (air + 243.04))
    return result


def wet_bulb_of_humidity_c(
    temperature_c: npt.ArrayLike, relative_humidity: npt.ArrayLike
) -> Floats:
    """Return the wet-bulb temperature at a relative humidity.

    Parameters
    ----------
    temperature_c : array_like
        Dry-bulb temperature [degC].
    relative_humidity : array_like
        Relative humidity [%], held between 5 and 99, the range of the fit.

    Returns
    -------
    ndarray of float
        Wet-bulb temperature [degC], never above the dry bulb. Below -20 degC,
        where the fit ends, the two differ by less than one degree and the dry
        bulb is returned; above 50 degC NaN.

    References
    ----------
    R. Stull, J. Appl. Meteorol. Climatol. 50 (2011) 2267-2269.

    Examples
    --------
    >>> float(wet_bulb_of_humidity_c(20.0, 50.0).round(1))
    13.7
    """
    air = np.asarray(temperature_c, dtype="float64")
    wet = np.minimum(_stull(air, relative_humidity), air)
    wet = np.where(air < _COLDEST_C, air, wet)
    result: Floats = np.where(air > _HOTTEST_C, np.nan, wet)
    return result


def _stull(air: Floats, relative_humidity: npt.ArrayLike) -> Floats:
    humidity = np.clip(relative_humidity, _DRIEST, _MOISTEST)
    result: Floats = (
        air * np.arctan(0.151977 * np.sqrt(humidity + 8.313659))
        + np.arctan(air + humidity)
        - np.arctan(humidity - 1.676331)
        + 0.00391838 * humidity**1.5 * np.arctan(0.023101 * humidity)
        - 4.686035
    )
    return result


def relative_humidity_percent(
    temperature_c: npt.ArrayLike,
    humidity_g_per_kg: npt.ArrayLike,
    elevation_m: npt.ArrayLike = 0.0,
) -> Floats:
    """Return the relative humidity of a state of air.

    Parameters
    ----------
    temperature_c : array_like
        Dry-bulb temperature [degC].
    humidity_g_per_kg : array_like
        Specific humidity [g water per kg moist air].
    elevation_m : array_like, default 0
        Height above sea level [m], for the pressure of the standard atmosphere.

    Returns
    -------
    ndarray of float
        Relative humidity [%]; above 100 where the air cannot hold the water.

    Examples
    --------
    >>> float(relative_humidity_percent(20.0, 7.2).round())
    50.0
    """
    moist = np.asarray(humidity_g_per_kg, dtype="float64") / 1000.0
    height = np.asarray(elevation_m, dtype="float64")
    pressure_hpa = 1013.25 * (1.0 - 2.25577e-5 * height) ** 5.25588
    vapour_hpa = moist * pressure_hpa / (0.622 + 0.378 * moist)
    result: Floats = 100.0 * vapour_hpa / saturation_hpa(temperature_c)
    return result


def wet_bulb_c(
    temperature_c: npt.ArrayLike,
    humidity_g_per_kg: npt.ArrayLike,
    elevation_m: npt.ArrayLike = 0.0,
) -> Floats:
    """Return the wet-bulb temperature of a state of air.

    Parameters
    ----------
    temperature_c : array_like
        Dry-bulb temperature [degC].
    humidity_g_per_kg : array_like
        Specific humidity [g water per kg moist air].
    elevation_m : array_like, default 0
        Height above sea level [m], for the air pressure of the standard
        atmosphere.

    Returns
    -------
    ndarray of float
        Wet-bulb temperature [degC]; NaN where an input is, or the temperature
        lies outside Stull's range of -20 to 50 degC. Relative humidity is held
        between 5 and 99 %, the range of the fit.

    Notes
    -----
    From annual means it is the wet bulb *of the mean state*, not the mean wet
    bulb, which needs hourly weather.

    References
    ----------
    R. Stull, "Wet-bulb temperature from relative humidity and air temperature",
    J. Appl. Meteorol. Climatol. 50 (2011) 2267-2269. Saturation pressure:
    O. Alduchov, R. Eskridge, J. Appl. Meteorol. 35 (1996) 601-609. Pressure:
    ICAO standard atmosphere.

    Examples
    --------
    Stull's own example, 20 degC at 50 % relative humidity, is 13.7 degC:

    >>> from siteselect.infrastructure import wet_bulb_c
    >>> round(float(wet_bulb_c(20.0, 7.2)), 1)
    13.7
    """
    air = np.asarray(temperature_c, dtype="float64")
    humidity = relative_humidity_percent(air, humidity_g_per_kg, elevation_m)
    is_outside = (air < _COLDEST_C) | (air > _HOTTEST_C)
    result: Floats = np.where(is_outside, np.nan, _stull(air, humidity))
    return result
