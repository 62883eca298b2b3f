"""What every value function offers, and what it refuses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from siteselect.errors import StudyError, four_parts, said, shown
from siteselect.suitability.weights import is_finite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

__all__ = [
    "Floats",
    "ValueFunction",
    "along",
    "at_least",
    "check_above",
    "check_bounds",
    "check_ends",
    "check_rising",
    "check_values",
    "is_number",
    "is_one_way",
    "plain",
    "ramp",
]


class ValueFunction(ABC):
    """What every value function offers; subclass it for one of your own.

    A plain function from an array to an array in [0, 1] does as well.

    Examples
    --------
    >>> from siteselect.suitability import Rising
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
        try:
            figures = np.asarray(raw, dtype=np.float64)
        except (TypeError, ValueError):
            raise StudyError(
                four_parts(
                    f"{type(self).__name__} values figures",
                    f"found {said(raw)}",
                    "allowed are numbers, NaN where unknown",
                    "use Categories({...}) for labels, or pd.to_numeric for numbers "
                    "kept as text",
                )
            ) from None
        return self._value(figures)

    @property
    def span(self) -> tuple[float, float] | None:
        """Raw figures between which the value changes most; None if unsaid."""
        return None

    def describe(self) -> dict[str, Any]:
        """Return the function and its bounds in plain types, for JSON and TOML.

        `value_from_dict` makes the same function of it.
        """
        return {"kind": type(self).__name__} | {
            field.name: plain(getattr(self, field.name))
            for field in fields(self)  # type: ignore[arg-type]
        }

    def plot(
        self, raw: Any = None, ax: Axes | None = None, *, unit: str = "", name: str = ""
    ) -> Axes:
        """Draw the curve, and under it the raw figures if there are any.

        Parameters
        ----------
        raw : array-like, optional
            Measurements for the histogram [the unit of the bounds].
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        unit, name : str
            Unit and name for the axis below.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        StudyError
            If neither the function nor the figures say what range to draw.

        Examples
        --------
        >>> from siteselect.suitability import Falling
        >>> Falling(1, 80).plot(unit="km", name="fiber").get_xlabel()
        'fiber [km]'
        """
        from siteselect.suitability._plots import plot_value

        axes: Axes = plot_value(self, raw, ax, unit=unit, name=name)
        return axes


def ramp(raw: Floats, a: float, b: float) -> Floats:
    """0 at ``a``, 1 at ``b``, straight between, held outside."""
    # Adding 0 turns the -0 of a falling curve into 0.
    return np.clip(along(raw, a, b), 0.0, 1.0) + 0.0


def along(raw: Floats, a: float, b: float) -> Floats:
    """0 at ``a``, 1 at ``b``, straight on both sides."""
    # Far beyond narrow bounds the quotient is infinite, which is as good.
    with np.errstate(over="ignore"):
        along: Floats = (raw - a) / (b - a)
    return along


def at_least(raw: Floats, edge: float) -> Floats:
    """1 from ``edge`` on, 0 below, NaN where unknown."""
    return np.where(np.isnan(raw), np.nan, (raw >= edge).astype(np.float64))


def plain(item: Any) -> Any:
    """Turn NumPy scalars and sequences into what json writes."""
    if isinstance(item, np.generic):
        return item.item()
    if isinstance(item, (tuple, list)):
        return [plain(part) for part in item]
    return item


def is_one_way(values: Sequence[float]) -> bool:
    """Return True where the values only rise or only fall."""
    steps = np.diff(np.asarray(values, dtype=np.float64))
    return bool((steps >= 0).all() or (steps <= 0).all())


def is_number(item: object) -> bool:
    """Return True for a finite real number, not a bool."""
    return (
        isinstance(item, (int, float, np.integer, np.floating))
        and not isinstance(item, bool)
        and is_finite(item)
    )


def check_bounds(
    kind: str, bounds: Sequence[float], *, order: str = "", mend: str = ""
) -> None:
    """Refuse bounds that are not finite numbers in rising order.

    ``order`` says in words what is allowed instead of strictly rising: the bounds
    may then be equal, but for the first and the last.
    """
    is_good = all(is_number(bound) for bound in bounds)
    if is_good:
        is_good = (
            all(a <= b if order else a < b for a, b in pairwise(bounds))
            and bounds[0] < bounds[-1]
            and math.isfinite(bounds[-1] - bounds[0])
        )
    if not is_good:
        _refuse_bounds(
            kind, bounds, order or "a < b", mend or "put the bounds in order"
        )


def check_ends(kind: str, a: float, b: float) -> None:
    """Refuse two ends, in either order, that are not finite or equal."""
    if not (is_number(a) and is_number(b) and a != b and math.isfinite(b - a)):
        _refuse_bounds(
            kind, (a, b), "a different from b", "give the ends of the curve, a then b"
        )


def _refuse_bounds(kind: str, bounds: Sequence[float], order: str, mend: str) -> None:
    raise StudyError(
        four_parts(
            f"{kind} takes reference bounds in order",
            f"found {', '.join(_shown(bound) for bound in bounds)}",
            f"allowed are finite numbers with {order}",
            mend,
        )
    )


def _shown(bound: object) -> str:
    """Return a bound as text, a text in quotes."""
    return said(bound) if isinstance(bound, str) else str(bound)


def check_above(kind: str, name: str, found: float, least: float = 0.0) -> None:
    """Refuse what is not a finite number above ``least``."""
    if not is_number(found) or not found > least:
        raise StudyError(
            four_parts(
                f"{kind} takes {name}",
                f"found {found!r}",
                f"allowed are finite numbers above {least:g}",
                f"give {name} as a number, e.g. {name}={max(least, 0) + 10:g}",
            )
        )


def check_rising(kind: str, edges: Sequence[float]) -> None:
    """Refuse edges that are not finite numbers in strictly rising order."""
    if not all(is_number(x) for x in edges) or any(
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


def check_values(kind: str, values: Sequence[float]) -> None:
    """Refuse values outside [0, 1]."""
    bad = [v for v in values if not is_number(v) or not 0 <= v <= 1]
    if bad:
        raise StudyError(
            four_parts(
                f"{kind} gives values in [0, 1]",
                f"found {shown(bad)}",
                "allowed are numbers from 0 (worst) to 1 (best)",
                "divide by the largest value you want to count as best",
            )
        )
