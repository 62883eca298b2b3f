"""Value functions: a measurement in its own unit becomes a value in [0, 1].

The bounds are references that the user states (a distance, a share, a count),
never the smallest and largest figure of the data: adding a candidate cannot
change the value of another one. A missing measurement keeps a missing value.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from siteselect.errors import StudyError, four_parts, shown

Floats = npt.NDArray[np.float64]

__all__ = [
    "Between",
    "Categories",
    "Falling",
    "Piecewise",
    "Rising",
    "Sigmoid",
    "Step",
    "ValueFunction",
]


class ValueFunction(ABC):
    """What every value function offers; subclass it for one of your own.

    A plain function from an array to an array in [0, 1] does as well.

    Examples
    --------
    >>> isinstance(Rising(0, 1), ValueFunction), Rising(0, 1).is_monotone
    (True, True)
    """

    #: True where the function takes labels (text) rather than numbers.
    takes_labels: bool = False

    @property
    @abstractmethod
    def is_monotone(self) -> bool:
        """True where the value never rises and falls in turn."""

    @abstractmethod
    def _value(self, raw: Any) -> Floats:
        """Value of known and unknown figures alike; NaN in, NaN out."""

    def __call__(self, raw: npt.ArrayLike) -> Floats:
        """Return the value in [0, 1] of each raw figure; NaN stays NaN.

        Parameters
        ----------
        raw : array-like, shape (n,)
            Measurements [the unit of the bounds].

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
        """
        return self._value(np.asarray(raw, dtype=np.float64))

    def describe(self) -> dict[str, Any]:
        """Return the function and its bounds as a plain, JSON-able dict."""
        return {"kind": type(self).__name__} | {
            field.name: _plain(getattr(self, field.name))
            for field in fields(self)  # type: ignore[arg-type]
        }


@dataclass(frozen=True)
class Rising(ValueFunction):
    """Value 0 up to ``a``, 1 from ``b`` on, and straight in between.

    Parameters
    ----------
    a, b : float
        References, ``a < b`` [the unit of the measurement].

    Raises
    ------
    StudyError
        If the bounds are not finite or not in rising order.

    Examples
    --------
    >>> Rising(100, 1000)([0, 550, 2000, float("nan")])
    array([0. , 0.5, 1. , nan])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        _check_bounds("Rising", (self.a, self.b), strict=True)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    def _value(self, raw: Floats) -> Floats:
        return _ramp(raw, self.a, self.b)


@dataclass(frozen=True)
class Falling(ValueFunction):
    """Value 1 up to ``a``, 0 from ``b`` on, and straight in between.

    Parameters
    ----------
    a, b : float
        References, ``a < b`` [the unit of the measurement].

    Raises
    ------
    StudyError
        If the bounds are not finite or not in rising order.

    Examples
    --------
    >>> Falling(1, 81)([0, 41, 100])
    array([1. , 0.5, 0. ])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        _check_bounds("Falling", (self.a, self.b), strict=True)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    def _value(self, raw: Floats) -> Floats:
        return 1.0 - _ramp(raw, self.a, self.b)


@dataclass(frozen=True)
class Between(ValueFunction):
    """Value 1 from ``b`` to ``c``, falling to 0 at ``a`` and ``d`` (a trapezoid).

    Parameters
    ----------
    a, b, c, d : float
        References, ``a <= b <= c <= d`` and ``a < d``. With ``a == b`` the
        rise is a step that counts as 1 at ``a`` itself; likewise ``c == d``.

    Raises
    ------
    StudyError
        If the bounds are not finite or not in order.

    Examples
    --------
    >>> Between(0, 10, 20, 40)([-5, 5, 15, 30, 50])
    array([0. , 0.5, 1. , 0.5, 0. ])
    """

    a: float
    b: float
    c: float
    d: float

    def __post_init__(self) -> None:
        _check_bounds("Between", (self.a, self.b, self.c, self.d), strict=False)

    @property
    def is_monotone(self) -> bool:
        """Always False."""
        return False

    def _value(self, raw: Floats) -> Floats:
        up = _ramp(raw, self.a, self.b) if self.a < self.b else _at_least(raw, self.a)
        down = (
            1.0 - _ramp(raw, self.c, self.d)
            if self.c < self.d
            else _at_least(-raw, -self.d)
        )
        return np.minimum(up, down)


@dataclass(frozen=True)
class Step(ValueFunction):
    """One value per class; a figure on an edge belongs to the class above.

    Parameters
    ----------
    edges : sequence of float, length m
        Rising class edges [the unit of the measurement].
    values : sequence of float, length m + 1
        Value of each class, in [0, 1].

    Raises
    ------
    StudyError
        If the edges do not rise, or the values do not fit them.

    Examples
    --------
    >>> Step([0.1, 0.4], [1, 0.5, 0])([0.05, 0.1, 0.5])
    array([1. , 0.5, 0. ])
    """

    edges: Sequence[float]
    values: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(self.edges))
        object.__setattr__(self, "values", tuple(self.values))
        if not self.edges or len(self.values) != len(self.edges) + 1:
            raise StudyError(
                four_parts(
                    "Step takes one value per class",
                    f"found {len(self.edges)} edges and {len(self.values)} values",
                    "allowed are m >= 1 edges and m + 1 values",
                    "write for instance Step([0.1, 0.4], [1, 0.5, 0])",
                )
            )
        _check_rising("Step", self.edges)
        _check_values("Step", self.values)

    @property
    def is_monotone(self) -> bool:
        """True where the class values never rise and fall in turn."""
        return _is_monotone(self.values)

    def _value(self, raw: Floats) -> Floats:
        at = np.searchsorted(np.asarray(self.edges, float), raw, side="right")
        value = np.asarray(self.values, dtype=np.float64)[at]
        return np.where(np.isnan(raw), np.nan, value)


@dataclass(frozen=True)
class Piecewise(ValueFunction):
    """Straight lines through the given points; the end values are held.

    Parameters
    ----------
    points : sequence of (float, float)
        At least two (raw, value) pairs with rising raw figures and values
        in [0, 1].

    Raises
    ------
    StudyError
        If there are fewer than two points, or they are not usable.

    Examples
    --------
    >>> Piecewise([(2, 1), (8, 0.5), (40, 0)])([0, 5, 24, 99])
    array([1.  , 0.75, 0.25, 0.  ])
    """

    points: Sequence[tuple[float, float]]

    def __post_init__(self) -> None:
        points = tuple(
            tuple(point) if isinstance(point, Sequence) else (point,)
            for point in self.points
        )
        if len(points) < 2 or any(len(point) != 2 for point in points):
            raise StudyError(
                four_parts(
                    "Piecewise takes (raw, value) points",
                    f"found {points}",
                    "allowed are two or more pairs",
                    "write for instance Piecewise([(0, 0), (10, 1)])",
                )
            )
        object.__setattr__(self, "points", points)
        _check_rising("Piecewise", [x for x, _ in points])
        _check_values("Piecewise", [y for _, y in points])

    @property
    def is_monotone(self) -> bool:
        """True where the values never rise and fall in turn."""
        return _is_monotone([y for _, y in self.points])

    def _value(self, raw: Floats) -> Floats:
        x, y = np.asarray(self.points, dtype=np.float64).T
        # Interpolation may pass the end of a segment by one rounding.
        value: Floats = np.clip(np.interp(raw, x, y), y.min(), y.max())
        return value


@dataclass(frozen=True)
class Sigmoid(ValueFunction):
    """Smooth S-curve: value 0.05 at ``a`` and 0.95 at ``b``.

    Parameters
    ----------
    a, b : float
        References [the unit of the measurement]; the curve rises where
        ``a < b`` and falls where ``a > b``. It is 0.5 halfway.

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
        bounds = (self.a, self.b)
        is_falling = all(map(_is_number, bounds)) and self.b < self.a
        _check_bounds("Sigmoid", bounds[::-1] if is_falling else bounds, strict=True)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    def _value(self, raw: Floats) -> Floats:
        # logit(0.95) - logit(0.05) = 2 ln 19 spans the stated bounds.
        turns = 2.0 * math.log(19.0) * (_along(raw, self.a, self.b) - 0.5)
        return np.asarray(expit(turns), dtype=np.float64)


@dataclass(frozen=True)
class Categories(ValueFunction):
    """One value per label, for measurements that are classes or codes.

    Parameters
    ----------
    values : mapping
        Label to value in [0, 1].
    other : float, optional
        Value of every label not listed. Without it such a label is an error,
        so that a misspelled class cannot pass unseen.

    Raises
    ------
    StudyError
        If a value leaves [0, 1], or a label has none.

    Examples
    --------
    >>> Categories({"4A": 0.8, "5A": 1.0}, other=0.5)(["5A", "1A", None])
    array([1. , 0.5, nan])
    """

    values: Mapping[Hashable, float]
    other: float | None = None
    takes_labels = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", dict(self.values))
        if not self.values:
            raise StudyError(
                four_parts(
                    "Categories takes a value per label",
                    "found an empty mapping",
                    "allowed are one or more labels",
                    "write for instance Categories({'4A': 0.8, '5A': 1})",
                )
            )
        others = [] if self.other is None else [self.other]
        _check_values("Categories", [*self.values.values(), *others])

    def __hash__(self) -> int:
        return hash((tuple(self.values.items()), self.other))

    @property
    def is_monotone(self) -> bool:
        """Always False: labels have no order."""
        return False

    def __call__(self, raw: npt.ArrayLike) -> Floats:
        """Return the value of each label; a missing label stays NaN."""
        return self._value(pd.Series(np.asarray(raw, dtype=object), dtype=object))

    def _value(self, raw: Any) -> Floats:
        known = raw.notna().to_numpy()
        listed = raw.isin(list(self.values)).to_numpy()
        stray = known & ~listed
        if self.other is None and stray.any():
            raise StudyError(
                four_parts(
                    "Categories has no value for a label",
                    f"found {shown(repr(x) for x in raw[stray].unique())}",
                    f"allowed are {shown(repr(x) for x in self.values)}",
                    "list the label, or give other= for all the rest",
                )
            )
        value = raw.map(self.values).to_numpy(dtype=np.float64, na_value=np.nan)
        if self.other is not None:
            value = np.where(stray, self.other, value)
        return np.where(known, value, np.nan)

    def describe(self) -> dict[str, Any]:
        """Return the labels and values as a plain, JSON-able dict."""
        values = {str(_plain(key)): float(v) for key, v in self.values.items()}
        return {"kind": "Categories", "values": values, "other": _plain(self.other)}


def _ramp(raw: Floats, a: float, b: float) -> Floats:
    """0 at ``a``, 1 at ``b``, straight between, held outside."""
    return np.clip(_along(raw, a, b), 0.0, 1.0)


def _along(raw: Floats, a: float, b: float) -> Floats:
    """0 at ``a``, 1 at ``b``, straight on both sides."""
    # Far beyond narrow bounds the quotient is infinite, which is as good.
    with np.errstate(over="ignore"):
        along: Floats = (raw - a) / (b - a)
    return along


def _at_least(raw: Floats, edge: float) -> Floats:
    """1 from ``edge`` on, 0 below, NaN where unknown."""
    return np.where(np.isnan(raw), np.nan, (raw >= edge).astype(np.float64))


def _plain(item: Any) -> Any:
    """Turn NumPy scalars and sequences into what json writes."""
    if isinstance(item, np.generic):
        return item.item()
    if isinstance(item, (tuple, list)):
        return [_plain(part) for part in item]
    return item


def _is_monotone(values: Sequence[float]) -> bool:
    """Return True where the values only rise or only fall."""
    steps = np.diff(np.asarray(values, dtype=np.float64))
    return bool((steps >= 0).all() or (steps <= 0).all())


def _is_number(item: object) -> bool:
    """Return True for a finite real number, not a bool."""
    return (
        isinstance(item, (int, float, np.integer, np.floating))
        and not isinstance(item, bool)
        and math.isfinite(item)
    )


def _check_bounds(kind: str, bounds: Sequence[float], *, strict: bool) -> None:
    """Refuse bounds that are not finite numbers in rising order."""
    is_good = all(_is_number(bound) for bound in bounds)
    if is_good:
        pairs = pairwise(bounds)
        is_good = (
            all(a < b if strict else a <= b for a, b in pairs)
            and bounds[0] < bounds[-1]
            and math.isfinite(bounds[-1] - bounds[0])
        )
    if not is_good:
        order = "a < b" if len(bounds) == 2 else "a <= b <= c <= d with a < d"
        if kind == "Sigmoid":
            order = "a different from b"
        turn = {"Rising": "Falling", "Falling": "Rising"}.get(kind)
        raise StudyError(
            four_parts(
                f"{kind} takes reference bounds in order",
                f"found {', '.join(str(bound) for bound in bounds)}",
                f"allowed are finite numbers with {order}",
                f"swap the bounds, or use {turn} for the other direction"
                if turn
                else "put the bounds in order",
            )
        )


def _check_rising(kind: str, edges: Sequence[float]) -> None:
    """Refuse edges that are not finite numbers in strictly rising order."""
    if not all(_is_number(x) for x in edges) or any(
        not a < b for a, b in pairwise(edges)
    ):
        raise StudyError(
            four_parts(
                f"{kind} takes raw figures in rising order",
                f"found {shown(edges)}",
                "allowed are finite numbers, each above the one before",
                "sort them and drop duplicates",
            )
        )


def _check_values(kind: str, values: Sequence[float]) -> None:
    """Refuse values outside [0, 1]."""
    bad = [v for v in values if not _is_number(v) or not 0 <= v <= 1]
    if bad:
        raise StudyError(
            four_parts(
                f"{kind} gives values in [0, 1]",
                f"found {shown(bad)}",
                "allowed are numbers from 0 (worst) to 1 (best)",
                "divide by the largest value you want to count as best",
            )
        )
