"""Value functions: a measurement in its own unit becomes a value in [0, 1].

The bounds are references that the user states (a distance, a share, a count),
never the smallest and largest figure of the data: adding a candidate cannot
change the value of another one. A missing measurement keeps a missing value.
Straight lines, steps and labels are here, bent curves in `curves`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, check_given, four_parts, said, shown
from siteselect.layers.figures import meant
from siteselect.suitability.value_function import (
    Floats,
    ValueFunction,
    at_least,
    check_bounds,
    check_rising,
    check_values,
    is_number,
    is_one_way,
    plain,
    ramp,
)

__all__ = [
    "Between",
    "Categories",
    "Falling",
    "Piecewise",
    "Rising",
    "Step",
    "ValueFunction",
]


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
        turn = "swap the bounds, or use Falling for the other direction"
        check_bounds("Rising", (self.a, self.b), mend=turn)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From ``a`` to ``b``."""
        return self.a, self.b

    def _value(self, raw: Floats) -> Floats:
        return ramp(raw, self.a, self.b)


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
        turn = "swap the bounds, or use Rising for the other direction"
        check_bounds("Falling", (self.a, self.b), mend=turn)

    @property
    def is_monotone(self) -> bool:
        """Always True."""
        return True

    @property
    def span(self) -> tuple[float, float]:
        """From ``a`` to ``b``."""
        return self.a, self.b

    def _value(self, raw: Floats) -> Floats:
        return 1.0 - ramp(raw, self.a, self.b)


@dataclass(frozen=True)
class Between(ValueFunction):
    """Value 1 from ``b`` to ``c``, falling to 0 at ``a`` and ``d`` (a trapezoid).

    Parameters
    ----------
    a, b, c, d : float
        References, ``a <= b <= c <= d`` and ``a < d``. With ``a == b`` the
        rise is a step that counts as 1 at ``a`` itself; likewise ``c == d``.
        With ``b == c`` the trapezoid is a triangle.

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
        order = "a <= b <= c <= d with a < d"
        check_bounds("Between", (self.a, self.b, self.c, self.d), order=order)

    @property
    def is_monotone(self) -> bool:
        """Always False."""
        return False

    @property
    def span(self) -> tuple[float, float]:
        """From ``a`` to ``d``."""
        return self.a, self.d

    def _value(self, raw: Floats) -> Floats:
        up = ramp(raw, self.a, self.b) if self.a < self.b else at_least(raw, self.a)
        down = (
            1.0 - ramp(raw, self.c, self.d)
            if self.c < self.d
            else at_least(-raw, -self.d)
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
        for given in (self.edges, self.values):
            check_given(
                given,
                ("__iter__",),
                "Step takes edges between classes and a value for each",
                "allowed are two lists of numbers",
                "Step([100, 345], [0, 0.5, 1])",
            )
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
        check_rising("Step", self.edges)
        check_values("Step", self.values)

    @property
    def is_monotone(self) -> bool:
        """True where the class values never rise and fall in turn."""
        return is_one_way(self.values)

    @property
    def span(self) -> tuple[float, float]:
        """From the first edge to the last."""
        return self.edges[0], self.edges[-1]

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
        in [0, 1]; an array of two columns does as well.

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
        given: Any = self.points
        if isinstance(given, pd.DataFrame):
            # Its rows, where iterating would give the names of its columns.
            given = given.to_numpy()
        points = tuple(map(_point, given if _is_several(given) else ()))
        if len(points) < 2 or any(len(point) != 2 for point in points):
            raise StudyError(
                four_parts(
                    "Piecewise takes (raw, value) points",
                    f"found {said(given)}",
                    "allowed are two or more pairs, or an array of two columns",
                    "write for instance Piecewise([(0, 0), (10, 1)])",
                )
            )
        object.__setattr__(self, "points", points)
        check_rising("Piecewise", [x for x, _ in points])
        check_values("Piecewise", [y for _, y in points])

    @property
    def is_monotone(self) -> bool:
        """True where the values never rise and fall in turn."""
        return is_one_way([y for _, y in self.points])

    @property
    def span(self) -> tuple[float, float]:
        """From the first point to the last."""
        return self.points[0][0], self.points[-1][0]

    def _value(self, raw: Floats) -> Floats:
        x, y = np.asarray(self.points, dtype=np.float64).T
        # Interpolation may pass the end of a segment by one rounding.
        value: Floats = np.clip(np.interp(raw, x, y), y.min(), y.max())
        return value


@dataclass(frozen=True)
class Categories(ValueFunction):
    """One value per label or code (unique values), for measurements in classes.

    Parameters
    ----------
    values : mapping
        Label (text, a number or a truth value) to value in [0, 1]. A figure that
        differs from a number by rounding has its value: 0.3 kept in single
        precision, or made by scale and offset.
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
    >>> Categories({41: 0.2, 82: 1.0})([82, 41, float("nan")])
    array([1. , 0.2, nan])
    """

    values: Mapping[Hashable, float]
    other: float | None = None
    takes_labels = True

    def __post_init__(self) -> None:
        given: Any = self.values
        if not isinstance(given, Mapping):
            try:
                given = dict(given)
            except (TypeError, ValueError):
                given = {}
        values = {
            label.item() if isinstance(label, np.generic) else label: value
            for label, value in given.items()
        }
        object.__setattr__(self, "values", values)
        if not values:
            raise StudyError(
                four_parts(
                    "Categories takes a value per label",
                    f"found {said(self.values)}",
                    "allowed are one or more labels",
                    "write for instance Categories({'4A': 0.8, '5A': 1})",
                )
            )
        odd = [label for label in values if not _is_label(label)]
        if odd:
            raise StudyError(
                four_parts(
                    "Categories values labels and codes",
                    f"found {shown(map(repr, odd))}",
                    "allowed are text, finite numbers, True and False; what is "
                    "missing stays missing",
                    "turn the labels into text, e.g. layer['zone'].astype(str)",
                )
            )
        others = [] if self.other is None else [self.other]
        check_values("Categories", [*values.values(), *others])

    def __hash__(self) -> int:
        return hash((frozenset(self.values.items()), self.other))

    @property
    def is_monotone(self) -> bool:
        """Always False: labels have no order."""
        return False

    def __call__(self, raw: npt.ArrayLike) -> Floats:
        """Return the value of each label; a missing label stays NaN."""
        return self._value(pd.Series(np.asarray(raw, dtype=object), dtype=object))

    def _value(self, raw: Any) -> Floats:
        known = raw.notna().to_numpy()
        try:
            listed = raw.isin(list(self.values)).to_numpy()
            if not (listed | ~known).all():
                raw = self._unrounded(raw, known & ~listed)
                listed = raw.isin(list(self.values)).to_numpy()
            raw.map(self.values)
        except TypeError:
            odd = next(x for x in raw[known] if not pd.api.types.is_hashable(x))
            raise StudyError(
                four_parts(
                    "Categories values labels and codes",
                    f"found {said(odd)} ({type(odd).__name__})",
                    "allowed are text, finite numbers, True and False",
                    "turn the labels into text, e.g. layer['zone'].astype(str)",
                )
            ) from None
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

    def _unrounded(self, raw: Any, stray: npt.NDArray[np.bool_]) -> Any:
        """Return labels with the listed number in place of a figure that means it."""
        numbers = [label for label in self.values if is_number(label)]
        rows = np.flatnonzero(stray)
        code, found = pd.factorize(raw.iloc[rows])
        figures = [x if isinstance(x, (float, np.floating)) else np.nan for x in found]
        near = meant(figures, numbers)[code]
        changed = near >= 0
        if not changed.any():
            return raw
        out = raw.copy()
        out.iloc[rows[changed]] = np.array(numbers, dtype=object)[near[changed]]
        return out

    def describe(self) -> dict[str, Any]:
        """Return labels, values and ``other`` (if any) in plain types.

        Text labels and their values are one table; labels of other types are a
        list beside the list of values, since a key of JSON and TOML is text.
        """
        said: dict[str, Any] = {"kind": "Categories"}
        values = [plain(value) for value in self.values.values()]
        if all(isinstance(label, str) for label in self.values):
            said["values"] = dict(zip(self.values, values, strict=True))
        else:
            said |= {"labels": list(self.values), "values": values}
        return said if self.other is None else said | {"other": plain(self.other)}


def _is_several(item: object) -> bool:
    """Return True for what can be gone through; an array of no dimension cannot."""
    is_bare = isinstance(item, np.ndarray) and item.ndim == 0
    return isinstance(item, Iterable) and not is_bare


def _point(given: Any) -> tuple[Any, ...]:
    """Return a pair as a tuple of plain numbers, anything else as it is in one."""
    is_pair = isinstance(given, (Sequence, np.ndarray, pd.Series)) and _is_several(
        given
    )
    return tuple(map(plain, given)) if is_pair else (given,)


def _is_label(label: object) -> bool:
    """Return True for text, truth values and finite numbers."""
    return isinstance(label, (str, bool, int)) or (
        isinstance(label, float) and math.isfinite(label)
    )
