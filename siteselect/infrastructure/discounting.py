"""Money over time: one time base for what is paid once and what is paid every year.

Capital is paid at year 0. A yearly cost is paid at the end of each year of
operation, from year 1 on, in constant dollars of one year and at a **real** rate:
inflation is in neither. The two meet in present value, or in the level yearly
payment of the same present value; they are never added as they are.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from siteselect.errors import StudyError, four_parts

__all__ = [
    "annualised_usd",
    "capital_recovery_factor",
    "net_present_value_usd",
    "present_value_factor",
]

Floats = npt.NDArray[np.float64]
_MOST_YEARS = 1000


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
    is_finite = all(math.isfinite(x) for x in (rate, years, growth))
    if (
        not is_finite
        or years != int(years)
        or not 1 <= years <= _MOST_YEARS
        or rate <= -1.0
        or growth <= -1.0
    ):
        raise StudyError(
            four_parts(
                "A present value is asked",
                f"got {years!r} years, rate {rate!r}, growth {growth!r}",
                f"whole years from 1 to {_MOST_YEARS} and rates above -1 are allowed",
                "write e.g. present_value_factor(0.07, 14)",
            )
        )
    year = np.arange(1, int(years) + 1, dtype="float64")
    return float(np.sum((1.0 + growth) ** (year - 1.0) / (1.0 + rate) ** year))


def capital_recovery_factor(rate: float, years: int) -> float:
    """Return the level yearly payment that repays one dollar of year 0.

    Parameters
    ----------
    rate : float
        Real discount rate [share per year].
    years : int
        Number of payments, each at its year's end.

    Returns
    -------
    float
        Dollars a year per dollar: ``r / (1 - (1 + r)^-n)`` [1]_, ``1 / n`` at a
        rate of 0.

    Raises
    ------
    StudyError
        If the number of years is not a positive whole number, or the rate is
        -100 % or less.

    References
    ----------
    .. [1] W. Short, D. J. Packey, T. Holt, "A Manual for the Economic Evaluation of
       Energy Efficiency and Renewable Energy Technologies", NREL/TP-462-5173, 1995.

    Examples
    --------
    >>> from siteselect.infrastructure import capital_recovery_factor
    >>> round(capital_recovery_factor(0.07, 14), 6)
    0.114345
    """
    return 1.0 / present_value_factor(rate, years)


def annualised_usd(
    present_value_usd: npt.ArrayLike, *, rate: float, years: int
) -> Floats:
    """Return the level yearly payment of a present value.

    Parameters
    ----------
    present_value_usd : array_like
        Dollars of year 0 [USD, or USD per MW].
    rate : float
        Real discount rate [share per year].
    years : int
        Years of operation.

    Returns
    -------
    ndarray of float
        USD a year (or USD per MW and year), the same in every year. Its
        `net_present_value_usd` is the present value again.

    Raises
    ------
    StudyError
        As `capital_recovery_factor`.

    Examples
    --------
    >>> from siteselect.infrastructure import annualised_usd
    >>> float(annualised_usd(1000.0, rate=0.0, years=10))
    100.0
    """
    factor = capital_recovery_factor(rate, years)
    result: Floats = np.asarray(present_value_usd, dtype="float64") * factor
    return result


def net_present_value_usd(
    yearly_usd: npt.ArrayLike, *, rate: float, capital_usd: npt.ArrayLike = 0.0
) -> Floats:
    """Return the present value of capital and a stream of yearly payments.

    Parameters
    ----------
    yearly_usd : array_like, shape (years,) or (n, years)
        What is paid at the end of years 1, 2, ... [USD].
    rate : float
        Real discount rate [share per year].
    capital_usd : array_like, default 0
        What is paid at year 0 [USD].

    Returns
    -------
    ndarray of float, shape () or (n,)
        Dollars of year 0; costs are positive.

    Raises
    ------
    StudyError
        If there are no years, or the rate is -100 % or less.

    Examples
    --------
    One dollar now, and 1.10 and 1.21 a year and two from now, at 10 %:

    >>> from siteselect.infrastructure import net_present_value_usd
    >>> float(net_present_value_usd([1.10, 1.21], rate=0.10, capital_usd=1.0).round(9))
    3.0
    """
    stream = np.asarray(yearly_usd, dtype="float64")
    years = stream.shape[-1] if stream.ndim else 0
    present_value_factor(rate, years)  # refuses no years and impossible rates
    weight = (1.0 + rate) ** -np.arange(1, years + 1, dtype="float64")
    result: Floats = np.asarray(capital_usd, dtype="float64") + stream @ weight
    return result
