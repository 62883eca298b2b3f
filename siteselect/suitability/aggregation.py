"""How the values of one candidate become its score.

An aggregate sees one candidate at a time: its values in [0, 1], and the weights
of the criteria. So adding, dropping or reordering candidates changes no score,
and a score never falls when a value rises. Criteria of weight 0 are left out. A
missing value of any other criterion makes the score missing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from siteselect.errors import StudyError, four_parts
from siteselect.suitability.value_function import Floats, plain

__all__ = [
    "Aggregate",
    "GeometricMean",
    "Minimum",
    "WeightedSum",
    "as_aggregate",
    "summed",
    "worst_of",
]


class Aggregate(ABC):
    """From values and weights to a score and what each criterion contributes.

    For every aggregate the contributions of a candidate sum to its score.

    Examples
    --------
    >>> isinstance(Minimum(), Aggregate), Minimum().name
    (True, 'minimum')
    """

    #: How a report names it, words joined by ``_``.
    name: str = "own"

    @abstractmethod
    def combine(
        self, values: Sequence[Floats], weights: Floats, names: Sequence[str]
    ) -> tuple[Floats, list[Floats]]:
        """Return the score of each candidate, and what each criterion contributes.

        Parameters
        ----------
        values : sequence of ndarray, shape (n,)
            One array per criterion, in [0, 1], NaN where unknown.
        weights : ndarray
            One per criterion; they sum to one.
        names : sequence of str
            One per criterion.

        Returns
        -------
        score : ndarray, shape (n,)
            NaN where a value of positive weight is unknown.
        contributions : list of ndarray, shape (n,)
            One per criterion; they sum to the score. All zeros for a criterion of
            weight 0, even where its value is unknown.
        """

    def check(self, names: Sequence[str]) -> None:  # noqa: B027
        """Refuse criteria that the aggregate cannot put together (none, here)."""

    def describe(self) -> dict[str, Any]:
        """Return the aggregate and its parameters in plain types."""
        said = {
            f.name: plain(getattr(self, f.name))
            for f in fields(self)  # type: ignore[arg-type]
        }
        kept = {key: item for key, item in said.items() if item is not None}
        return {"kind": type(self).__name__} | kept


def summed(parts: Sequence[Floats]) -> Floats:
    """Sum the contributions, criterion by criterion."""
    score = np.zeros(len(parts[0]))
    for part in parts:
        score += part
    return score


@dataclass(frozen=True)
class WeightedSum(Aggregate):
    """The sum of weight times value: a good value makes up for a bad one.

    The contribution of a criterion is its weight times its value.

    Examples
    --------
    >>> values = [np.array([1.0]), np.array([0.5])]
    >>> WeightedSum().combine(values, np.array([0.75, 0.25]), ["a", "b"])
    (array([0.875]), [array([0.75]), array([0.125])])
    """

    name = "weighted_sum"

    def combine(
        self, values: Sequence[Floats], weights: Floats, names: Sequence[str]
    ) -> tuple[Floats, list[Floats]]:
        """Return the sum, and weight times value."""
        parts = [
            weight * value if weight > 0 else np.zeros(len(value))
            for value, weight in zip(values, weights, strict=True)
        ]
        return summed(parts), parts


@dataclass(frozen=True)
class GeometricMean(Aggregate):
    r"""The weighted geometric mean: one value near 0 pulls the score down to it.

    What a candidate lacks to a score of 1 is shared among its criteria in
    proportion to weight times ``-log(value)``; the contribution of a criterion is
    its weight less its share. It is negative where a criterion takes more than its
    weight. Where values are 0 they bear all that is lacking.

    Notes
    -----
    .. math:: s = \prod_c v_c^{w_c}, \qquad
       k_c = w_c - (1 - s) \frac{w_c \ln v_c}{\ln s}

    The shares are those of the logarithmic mean Divisia decomposition [1]_.

    References
    ----------
    .. [1] B. W. Ang, "Decomposition analysis for policymaking in energy: which is
       the preferred method?", Energy Policy 32 (2004) 1131-1139,
       https://doi.org/10.1016/S0301-4215(03)00076-4

    Examples
    --------
    >>> values = [np.array([1.0]), np.array([0.25])]
    >>> GeometricMean().combine(values, np.array([0.5, 0.5]), ["a", "b"])
    (array([0.5]), [array([0.5]), array([0.])])
    """

    name = "geometric_mean"

    def combine(
        self, values: Sequence[Floats], weights: Floats, names: Sequence[str]
    ) -> tuple[Floats, list[Floats]]:
        """Return the mean, and weight less the share of what it lacks to 1."""
        n = len(values[0])
        lost = np.zeros(n)
        zeros = np.zeros(n)
        losses = []
        for value, weight in zip(values, weights, strict=True):
            with np.errstate(divide="ignore"):
                loss = -weight * np.log(value) if weight > 0 else np.zeros(n)
            losses.append(loss)
            lost += loss
            zeros += weight * (value == 0)
        lacking = -np.expm1(-lost)
        parts = []
        for value, weight, loss in zip(values, weights, losses, strict=True):
            if weight == 0:
                parts.append(np.zeros(n))
                continue
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(lost > 0, loss / lost, 0.0)
                # Nothing is left: what is 0 bears it.
                all_of_it = np.where(value == 0, weight / zeros, 0.0)
            share = np.where(np.isinf(lost), all_of_it, share)
            parts.append(np.where(np.isnan(lost), np.nan, weight - lacking * share))
        return np.exp(-lost), parts


@dataclass(frozen=True)
class Minimum(Aggregate):
    """The worst value: nothing makes up for anything.

    Weights only say which criteria count: those above 0. The criterion with the
    worst value (the first of several) contributes the score, the others 0.

    Examples
    --------
    >>> values = [np.array([0.9]), np.array([0.3])]
    >>> Minimum().combine(values, np.array([0.5, 0.5]), ["a", "b"])
    (array([0.3]), [array([0.]), array([0.3])])
    """

    name = "minimum"

    def combine(
        self, values: Sequence[Floats], weights: Floats, names: Sequence[str]
    ) -> tuple[Floats, list[Floats]]:
        """Return the worst value, and it with its criterion."""
        parts = worst_of(values, weights)
        return summed(parts), parts


def worst_of(values: Sequence[Floats], weights: Floats) -> list[Floats]:
    """Return the worst value with the criterion that has it, 0 with the others."""
    n = len(values[0])
    worst = np.full(n, np.inf)
    where = np.zeros(n, dtype=np.int64)
    is_unknown = np.zeros(n, dtype=bool)
    for c, (value, weight) in enumerate(zip(values, weights, strict=True)):
        if weight > 0:
            is_unknown |= np.isnan(value)
            is_worse: npt.NDArray[np.bool_] = value < worst
            worst = np.where(is_worse, value, worst)
            where[is_worse] = c
    worst[is_unknown] = np.nan
    return [
        np.where(where == c, worst, np.where(is_unknown, np.nan, 0.0))
        if weight > 0
        else np.zeros(n)
        for c, weight in enumerate(weights)
    ]


def as_aggregate(given: Aggregate | str, names: Sequence[str]) -> Aggregate:
    """Return the aggregate that was asked for, fit for the criteria."""
    found = WeightedSum() if given == "weighted_sum" else given
    if not isinstance(found, Aggregate):
        raise StudyError(
            four_parts(
                "Values are put together into a score",
                f"found aggregate={given!r}",
                "allowed are 'weighted_sum' and WeightedSum(), GeometricMean(), "
                "OWA(risk=...), Minimum(), ReferencePoint(...)",
                "leave it out for the weighted sum",
            )
        )
    found.check(names)
    return found
