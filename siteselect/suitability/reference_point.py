"""Distance to what is aspired to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.suitability.aggregation import Aggregate, summed, worst_of
from siteselect.suitability.value_function import Floats, is_number

__all__ = ["ReferencePoint"]


@dataclass(frozen=True)
class ReferencePoint(Aggregate):
    r"""Distance to what is aspired to: the criterion furthest behind decides.

    Parameters
    ----------
    aspiration : float or mapping of criterion to float
        Value that would satisfy [-], between the reservation and 1.
    reservation : float or mapping of criterion to float
        Value that is just acceptable [-], between 0 and the aspiration.
    rho : float, default 0.05
        How much the weighted sum of all achievements counts beside the worst
        one [-], above 0; it tells apart candidates with the same worst.

    Raises
    ------
    StudyError
        If the references are not in order, or miss a criterion.

    Notes
    -----
    The achievement ``a`` of a criterion runs straight through 0 at value 0, 1/3 at
    the reservation, 2/3 at the aspiration and 1 at value 1. The score is the
    achievement function of Wierzbicki [1]_ brought to [0, 1]:

    .. math:: s = \frac{\min_c a_c + \rho \sum_c w_c a_c}{1 + \rho}

    A candidate that meets every aspiration has at least 2/3, one that misses a
    reservation at most ``(1/3 + rho) / (1 + rho)``. A criterion contributes its
    part of the sum, and the worst one (the first of several) the minimum too.
    Weights count in the sum only.

    References
    ----------
    .. [1] A. P. Wierzbicki, "The use of reference objectives in multiobjective
       optimization", in Multiple Criteria Decision Making Theory and Application,
       Springer, 1980, 468-486, https://doi.org/10.1007/978-3-642-48782-8_32

    Examples
    --------
    >>> wanted = ReferencePoint(aspiration=0.8, reservation=0.4)
    >>> values = [np.array([0.8]), np.array([0.8])]
    >>> wanted.combine(values, np.array([0.5, 0.5]), ["a", "b"])[0].round(4)
    array([0.6667])
    """

    aspiration: float | Mapping[str, float]
    reservation: float | Mapping[str, float]
    rho: float = field(default=0.05, kw_only=True)

    name = "reference_point"

    def __post_init__(self) -> None:
        for part in ("aspiration", "reservation"):
            given = getattr(self, part)
            if isinstance(given, Mapping):
                object.__setattr__(self, part, dict(given))
        if not is_number(self.rho) or self.rho <= 0:
            raise StudyError(
                four_parts(
                    "A reference point takes rho, the share of the sum",
                    f"found {self.rho!r}",
                    "allowed are finite numbers above 0",
                    "leave it out for 0.05",
                )
            )
        named = [x for x in (self.aspiration, self.reservation) if isinstance(x, dict)]
        for name in dict.fromkeys(key for given in named for key in given) or [""]:
            self._references(name, must=False)

    def __hash__(self) -> int:
        return hash((str(self.aspiration), str(self.reservation), self.rho))

    def _references(self, name: str, *, must: bool = True) -> tuple[float, float]:
        """Return reservation and aspiration of a criterion, checked."""
        found: list[Any] = []
        for part in ("reservation", "aspiration"):
            given = getattr(self, part)
            if not isinstance(given, Mapping):
                found.append(given)
            elif name in given:
                found.append(given[name])
            elif must:
                raise StudyError(
                    four_parts(
                        f"A reference point takes the {part} of every criterion",
                        f"found none for {name!r}.{nearest_name(name, given)}",
                        f"given are {shown(map(repr, given), 12)}, allowed is also one "
                        "number for all",
                        f"add {name!r} to {part}=...",
                    )
                )
        is_good = all(is_number(x) and 0 < x < 1 for x in found)
        if not is_good or found != sorted(set(found)):
            raise StudyError(
                four_parts(
                    "A reference point takes values between 0 and 1"
                    + (f" for {name!r}" if name else ""),
                    f"found reservation and aspiration {shown(map(repr, found))}",
                    "allowed are 0 < reservation < aspiration < 1, on the scale of "
                    "values",
                    "write ReferencePoint(aspiration=0.8, reservation=0.4)",
                )
            )
        return (found[0], found[-1])

    def check(self, names: Sequence[str]) -> None:
        """Refuse references that miss a criterion or name another one."""
        for name in names:
            self._references(name)
        for part in ("reservation", "aspiration"):
            given = getattr(self, part)
            stray = (
                [n for n in given if n not in names] if isinstance(given, dict) else []
            )
            if stray:
                raise StudyError(
                    four_parts(
                        f"A reference point takes the {part} of the criteria scored",
                        f"found {shown(map(repr, stray))}."
                        + nearest_name(str(stray[0]), names),
                        f"allowed are {shown(map(repr, names), 12)}",
                        "drop or rename it",
                    )
                )

    def combine(
        self, values: Sequence[Floats], weights: Floats, names: Sequence[str]
    ) -> tuple[Floats, list[Floats]]:
        """Return the achievement, and each criterion's part of it."""
        achieved = []
        for value, name in zip(values, names, strict=True):
            low, high = self._references(name)
            at = np.interp(value, [0.0, low, high, 1.0], [0.0, 1 / 3, 2 / 3, 1.0])
            achieved.append(np.asarray(at, dtype=np.float64))
        parts = [
            (worst + self.rho * weight * own) / (1.0 + self.rho)
            if weight > 0
            else np.zeros(len(own))
            for worst, weight, own in zip(
                worst_of(achieved, weights), weights, achieved, strict=True
            )
        ]
        return summed(parts), parts
