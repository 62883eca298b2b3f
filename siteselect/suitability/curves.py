"""Value functions that bend: growth, decay, bells and tails.

The shapes are those of Esri's suitability modeler, with one difference: each is
drawn through references that the user states, never through the mean or the
extremes of the data. Where a curve has two ends ``a`` and ``b``, it goes from
``a`` (worst) to ``b`` (best) in either direction.

==================  =====================================================
Esri's name         here
==================  =====================================================
Linear              `Rising`, `Falling`
Symmetric linear    `Between` with ``b == c``
Logistic growth     `Sigmoid` with ``a < b``
Logistic decay      `Sigmoid` with ``a > b``
Gaussian, Near      `Gaussian`, `NearTo`
Large, Small        `Large`, `Small`
MS large, MS small  `Saturating`, `Fading`
Power               `Power`
Exponential         `Exponential`
Logarithm           `Logarithm`
==================  =====================================================

References
----------
.. [1] Esri, "The transformation functions available for Rescale by Function",
   ArcGIS Pro documentation,
   https://pro.arcgis.com/en/pro-app/latest/tool-reference/spatial-analyst/the-transformation-functions-available-for-rescale-by-function.htm
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from siteselect.errors import StudyError, four_parts
from siteselect.suitability.value_function import (
    Floats,
    ValueFunction,
    along,
    check_above,
    check_bounds,
    check_ends,
    is_number,
    ramp,
)

__all__ = [
    "Exponential",
    "Fading",
    "Gaussian",
    "Large",
    "Logarithm",
    "NearTo",
    "Power",
    "Saturating",
    "Sigmoid",
    "Small",
]

#: The odds of 0.95 are 19 to 1.
_LN_19 = math.log(19.0)
#: Largest bend of `Exponential`; beyond it the curve is a step.
_STEEPEST = 100.0


@dataclass(frozen=True)
class Sigmoid(ValueFunction):
    """Smooth S-curve (logistic): value 0.05 at ``a`` and 0.95 at ``b``.

    Parameters
    ----------
    a, b : float
        References [the unit of the measurement]; the curve rises (growth) where
        ``a < b`` and falls (decay) where ``a > b``. It is 0.5 halfway.

    Raises
    ------
    StudyError
        If the bounds are not finite or equal.

    Examples
    --------
    >>> Sigmoid(0, 10)([0, 5, 10]).round(2)
    array([0.05, 0.5 , 0.95])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        check_ends("Sigmoid", self.a, self.b)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """Twice as wide as from ``a`` to ``b``."""
        low, high = sorted((self.a, self.b))
        return low - (high - low) / 2, high + (high - low) / 2

    def _value(self, raw: Floats) -> Floats:
        # logit(0.95) - logit(0.05) = 2 ln 19 spans the stated bounds.
        turns = 2.0 * _LN_19 * (along(raw, self.a, self.b) - 0.5)
        return np.asarray(expit(turns), dtype=np.float64)


@dataclass(frozen=True)
class Gaussian(ValueFunction):
    """Bell: value 1 at ``best``, 0.5 at the distance ``half`` on both sides.

    Parameters
    ----------
    best : float
        Best figure [the unit of the measurement].
    half : float
        Distance from it at which the value is 0.5 [the same unit], above 0.

    Raises
    ------
    StudyError
        If ``best`` is not finite, or ``half`` not above 0.

    See Also
    --------
    NearTo : A sharper top and longer tails.

    Examples
    --------
    >>> Gaussian(20, 5)([15, 20, 25, 30])
    array([0.5   , 1.    , 0.5   , 0.0625])
    """

    best: float
    half: float

    def __post_init__(self) -> None:
        check_above("Gaussian", "best", self.best, -math.inf)
        check_above("Gaussian", "half", self.half)

    @property
    def is_monotone(self) -> bool:
        """Always False."""
        return False

    @property
    def span(self) -> tuple[float, float]:
        """Three ``half`` on both sides."""
        return self.best - 3 * self.half, self.best + 3 * self.half

    def _value(self, raw: Floats) -> Floats:
        return np.exp2(-_squared(raw, self.best, self.half))


@dataclass(frozen=True)
class NearTo(ValueFunction):
    """Peak with long tails: 1 at ``best``, 0.5 at the distance ``half``.

    Parameters
    ----------
    best : float
        Best figure [the unit of the measurement].
    half : float
        Distance from it at which the value is 0.5 [the same unit], above 0.

    Raises
    ------
    StudyError
        If ``best`` is not finite, or ``half`` not above 0.

    See Also
    --------
    Gaussian : A rounder top; next to nothing far away.

    Examples
    --------
    >>> NearTo(20, 5)([15, 20, 25, 30])
    array([0.5, 1. , 0.5, 0.2])
    """

    best: float
    half: float

    def __post_init__(self) -> None:
        check_above("NearTo", "best", self.best, -math.inf)
        check_above("NearTo", "half", self.half)

    @property
    def is_monotone(self) -> bool:
        """Always False."""
        return False

    @property
    def span(self) -> tuple[float, float]:
        """Five ``half`` on both sides."""
        return self.best - 5 * self.half, self.best + 5 * self.half

    def _value(self, raw: Floats) -> Floats:
        value: Floats = 1.0 / (1.0 + _squared(raw, self.best, self.half))
        return value


@dataclass(frozen=True)
class Large(ValueFunction):
    """The larger the better, with 0.5 at ``middle``; for figures from 0 up.

    Parameters
    ----------
    middle : float
        Figure worth 0.5 [the unit of the measurement], above 0.
    exponent : float, default 5
        Steepness [-], above 0. At ``r`` times the middle the value is
        ``r**exponent / (1 + r**exponent)``.

    Raises
    ------
    StudyError
        If one is not a finite number above 0.

    Examples
    --------
    >>> Large(100, 2)([0, 50, 100, 200])
    array([0. , 0.2, 0.5, 0.8])
    """

    middle: float
    exponent: float = 5.0

    def __post_init__(self) -> None:
        check_above("Large", "middle", self.middle)
        check_above("Large", "exponent", self.exponent)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From 0 to where the value is 0.95, at most ten times the middle."""
        return 0.0, self.middle * min(10.0, math.exp(min(3.0, _LN_19 / self.exponent)))

    def _value(self, raw: Floats) -> Floats:
        return np.asarray(expit(self.exponent * _log_ratio(raw, self.middle)))


@dataclass(frozen=True)
class Small(ValueFunction):
    """The smaller the better, with 0.5 at ``middle``; for figures from 0 up.

    Parameters
    ----------
    middle : float
        Figure worth 0.5 [the unit of the measurement], above 0.
    exponent : float, default 5
        Steepness [-], above 0. At ``r`` times the middle the value is
        ``1 / (1 + r**exponent)``.

    Raises
    ------
    StudyError
        If one is not a finite number above 0.

    Examples
    --------
    >>> Small(100, 2)([0, 50, 100, 200])
    array([1. , 0.8, 0.5, 0.2])
    """

    middle: float
    exponent: float = 5.0

    def __post_init__(self) -> None:
        check_above("Small", "middle", self.middle)
        check_above("Small", "exponent", self.exponent)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From 0 to where the value is 0.05, at most ten times the middle."""
        return 0.0, self.middle * min(10.0, math.exp(min(3.0, _LN_19 / self.exponent)))

    def _value(self, raw: Floats) -> Floats:
        return np.asarray(expit(-self.exponent * _log_ratio(raw, self.middle)))


@dataclass(frozen=True)
class Saturating(ValueFunction):
    """Value 0 up to ``a``, 0.5 at ``b``, and slowly on towards 1.

    Parameters
    ----------
    a, b : float
        References, ``a < b`` [the unit of the measurement]. With
        ``t = (x - a) / (b - a)`` the value is ``t / (1 + t)``.

    Raises
    ------
    StudyError
        If the bounds are not finite or not in rising order.

    Examples
    --------
    >>> Saturating(0, 100)([-5, 0, 100, 300])
    array([0.  , 0.  , 0.5 , 0.75])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        turn = "swap the bounds, or use Fading for the other direction"
        check_bounds("Saturating", (self.a, self.b), mend=turn)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From ``a`` to where the value is 0.9."""
        return self.a, self.a + 9 * (self.b - self.a)

    def _value(self, raw: Floats) -> Floats:
        return 1.0 - _tail(raw, self.a, self.b)


@dataclass(frozen=True)
class Fading(ValueFunction):
    """Value 1 up to ``a``, 0.5 at ``b``, and slowly on towards 0.

    Parameters
    ----------
    a, b : float
        References, ``a < b`` [the unit of the measurement]. With
        ``t = (x - a) / (b - a)`` the value is ``1 / (1 + t)``.

    Raises
    ------
    StudyError
        If the bounds are not finite or not in rising order.

    Examples
    --------
    >>> Fading(0, 10)([-5, 0, 10, 40])
    array([1. , 1. , 0.5, 0.2])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        turn = "swap the bounds, or use Saturating for the other direction"
        check_bounds("Fading", (self.a, self.b), mend=turn)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From ``a`` to where the value is 0.1."""
        return self.a, self.a + 9 * (self.b - self.a)

    def _value(self, raw: Floats) -> Floats:
        return _tail(raw, self.a, self.b)


@dataclass(frozen=True)
class Power(ValueFunction):
    """Value 0 at ``a``, 1 at ``b``, and a power of the way between.

    Parameters
    ----------
    a, b : float
        References [the unit of the measurement]; the curve rises where
        ``a < b`` and falls where ``a > b``. The value is held outside.
    exponent : float, default 2
        Above 1 the first steps count little, below 1 much [-].

    Raises
    ------
    StudyError
        If the bounds are not finite or equal, or the exponent is not above 0.

    Examples
    --------
    >>> Power(0, 10)([0, 5, 10, 99])
    array([0.  , 0.25, 1.  , 1.  ])
    >>> Power(10, 0, 0.5)([0, 7.5, 10])
    array([1. , 0.5, 0. ])
    """

    a: float
    b: float
    exponent: float = 2.0

    def __post_init__(self) -> None:
        check_ends("Power", self.a, self.b)
        check_above("Power", "exponent", self.exponent)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From one end to the other."""
        return min(self.a, self.b), max(self.a, self.b)

    def _value(self, raw: Floats) -> Floats:
        value: Floats = ramp(raw, self.a, self.b) ** self.exponent
        return value


@dataclass(frozen=True)
class Exponential(ValueFunction):
    """Value 0 at ``a``, 1 at ``b``, and exponential between.

    Parameters
    ----------
    a, b : float
        References [the unit of the measurement]; the curve rises where
        ``a < b`` and falls where ``a > b``. The value is held outside.
    bend : float, default 3
        Above 0 the last steps count most, below 0 the first ones [-]; from -100
        to 100, not 0.

    Raises
    ------
    StudyError
        If the bounds are not finite or equal, or the bend cannot be used.

    Notes
    -----
    With ``t`` the way from ``a`` to ``b`` and the bend ``k``, the value is
    ``(exp(k t) - 1) / (exp(k) - 1)`` [1]_.

    References
    ----------
    .. [1] C. W. Kirkwood, Strategic Decision Making, Duxbury, 1997, chapter 4
       (exponential single-attribute value functions).

    Examples
    --------
    >>> Exponential(0, 10)([0, 5, 10]).round(3)
    array([0.   , 0.182, 1.   ])
    >>> Exponential(0, 10, -3)([0, 5, 10]).round(3)
    array([0.   , 0.818, 1.   ])
    """

    a: float
    b: float
    bend: float = 3.0

    def __post_init__(self) -> None:
        check_ends("Exponential", self.a, self.b)
        if not is_number(self.bend) or not 0 < abs(self.bend) <= _STEEPEST:
            raise StudyError(
                four_parts(
                    "Exponential takes a bend",
                    f"found {self.bend!r}",
                    f"allowed are numbers from -{_STEEPEST:g} to {_STEEPEST:g}, not 0",
                    "give bend=3, or use Rising or Falling for a straight line",
                )
            )

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From one end to the other."""
        return min(self.a, self.b), max(self.a, self.b)

    def _value(self, raw: Floats) -> Floats:
        way = ramp(raw, self.a, self.b)
        return np.clip(np.expm1(self.bend * way) / math.expm1(self.bend), 0.0, 1.0)


@dataclass(frozen=True)
class Logarithm(ValueFunction):
    """Value 0 at ``a``, 1 at ``b``; equal ratios count equally.

    Parameters
    ----------
    a, b : float
        References above 0 [the unit of the measurement]; the curve rises where
        ``a < b`` and falls where ``a > b``. The value is held outside, also for
        figures from 0 down.

    Raises
    ------
    StudyError
        If the bounds are not above 0, or equal.

    Examples
    --------
    >>> Logarithm(1, 100)([0, 1, 10, 100, 500])
    array([0. , 0. , 0.5, 1. , 1. ])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        check_above("Logarithm", "a", self.a)
        check_above("Logarithm", "b", self.b)
        check_ends("Logarithm", self.a, self.b)
        if math.log(self.a) == math.log(self.b):
            check_ends("Logarithm", math.log(self.a), math.log(self.b))

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From one end to the other."""
        return min(self.a, self.b), max(self.a, self.b)

    def _value(self, raw: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(raw, 0.0))
        return ramp(logs, math.log(self.a), math.log(self.b))


def _squared(raw: Floats, best: float, half: float) -> Floats:
    """Squared distance from the best figure, in halves."""
    # Far beyond a narrow bell the square is infinite, which is as good.
    with np.errstate(over="ignore"):
        away: Floats = ((raw - best) / half) ** 2
    return away


def _log_ratio(raw: Floats, middle: float) -> Floats:
    """Logarithm of the figure over the middle; -inf from 0 down."""
    with np.errstate(divide="ignore"):
        ratio: Floats = np.log(np.maximum(raw, 0.0)) - math.log(middle)
    return ratio


def _tail(raw: Floats, a: float, b: float) -> Floats:
    """1 up to ``a``, 0.5 at ``b``, falling as one over the way beyond."""
    value: Floats = 1.0 / (1.0 + np.maximum(along(raw, a, b), 0.0))
    return value
