"""Ordered weighted average: an attitude to risk beside the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siteselect.errors import StudyError, four_parts, shown
from siteselect.suitability.aggregation import Aggregate, summed
from siteselect.suitability.value_function import Floats, is_number

__all__ = ["OWA"]


@dataclass(frozen=True)
class OWA(Aggregate):
    r"""Ordered weighted average: an attitude to risk beside the weights.

    Parameters
    ----------
    risk : float, default 0.5
        Attitude in [0, 1] [-]: 0 counts the worst value only, 0.5 is the weighted
        sum, 1 counts the best value only. For many criteria of one weight it is
        the "orness" of the order weights.
    order_weights : sequence of float, optional
        Weights of the best value, the second best, ...: one per criterion, instead
        of ``risk``. They are divided by their sum.

    Raises
    ------
    StudyError
        If the risk leaves [0, 1], or the order weights cannot be used.

    Notes
    -----
    The values of a candidate are sorted from best to worst, with ``u_j`` the
    weight of the criterion at place ``j`` (trade-off weights, which full trade-off
    leaves as they are [1]_). The order weights come from a quantifier ``Q`` of the
    weight met so far [2]_ [3]_:

    .. math:: s = \sum_j \left[Q(U_j) - Q(U_{j-1})\right] v_{(j)}, \qquad
       U_j = \sum_{k \le j} u_k, \qquad Q(p) = p^{(1 - risk) / risk}

    Given order weights are read as a quantifier that is straight between
    ``Q(j / m)``, the sum of the first ``j`` of ``m`` [4]_; with equal weights they
    are used as they are. The contribution of a criterion is the bracket at its
    place times its value.

    References
    ----------
    .. [1] H. Jiang, J. R. Eastman, "Application of fuzzy measures in multi-criteria
       evaluation in GIS", Int. J. Geographical Information Science 14 (2000)
       173-184, https://doi.org/10.1080/136588100240903
    .. [2] R. R. Yager, "Quantifier guided aggregation using OWA operators", Int. J.
       Intelligent Systems 11 (1996) 49-73.
    .. [3] J. Malczewski, "Ordered weighted averaging with fuzzy quantifiers:
       GIS-based multicriteria evaluation for land-use suitability analysis", Int.
       J. Applied Earth Observation and Geoinformation 8 (2006) 270-277,
       https://doi.org/10.1016/j.jag.2006.01.003
    .. [4] V. Torra, "The weighted OWA operator", Int. J. Intelligent Systems 12
       (1997) 153-166.

    Examples
    --------
    >>> values = [np.array([0.9]), np.array([0.3])]
    >>> for risk in (0, 0.5, 1):
    ...     OWA(risk).combine(values, np.array([0.5, 0.5]), ["a", "b"])[0]
    array([0.3])
    array([0.6])
    array([0.9])
    """

    risk: float = 0.5
    order_weights: Sequence[float] | None = None

    name = "ordered_weighted_average"

    def __post_init__(self) -> None:
        if not is_number(self.risk) or not 0 <= self.risk <= 1:
            raise StudyError(
                four_parts(
                    "OWA takes an attitude to risk",
                    f"found {self.risk!r}",
                    "allowed are numbers from 0 (the worst value counts) over 0.5 "
                    "(weighted sum) to 1 (the best value counts)",
                    "write for instance OWA(risk=0.3)",
                )
            )
        if self.order_weights is None:
            return
        given = tuple(self.order_weights)
        object.__setattr__(self, "order_weights", given)
        if (
            not given
            or not all(is_number(w) and w >= 0 for w in given)
            or not any(given)
        ):
            raise StudyError(
                four_parts(
                    "OWA takes order weights, the best value's first",
                    f"found {shown(given)}",
                    "allowed are finite numbers from 0 up, not all 0",
                    "write for instance OWA(order_weights=[0.1, 0.3, 0.6])",
                )
            )

    def check(self, names: Sequence[str]) -> None:
        """Refuse another number of order weights than of criteria."""
        if self.order_weights is not None and len(self.order_weights) != len(names):
            raise StudyError(
                four_parts(
                    "OWA takes one order weight per criterion",
                    f"found {len(self.order_weights)} for {len(names)} criteria",
                    f"allowed are {len(names)} here",
                    "give one per criterion, or OWA(risk=0.3)",
                )
            )

    def _shares(self, met: Floats) -> Floats:
        """Return the weight of each place, given the weight met up to it."""
        shares: Floats
        if self.order_weights is None and self.risk in (0, 1):
            shares = np.zeros_like(met)
            shares[0 if self.risk == 1 else -1] = 1.0
            return shares
        # The whole is 1 whatever the rounding of the sum.
        met = np.minimum(met, 1.0)
        met[-1] = 1.0
        if self.order_weights is None:
            reached = met ** ((1.0 - self.risk) / self.risk)
        else:
            given = np.cumsum([0.0, *self.order_weights])
            at = np.linspace(0.0, 1.0, len(given))
            reached = np.interp(met, at, given / given[-1])
        shares = np.diff(reached, axis=0, prepend=0.0)
        return shares

    def combine(
        self, values: Sequence[Floats], weights: Floats, names: Sequence[str]
    ) -> tuple[Floats, list[Floats]]:
        """Return the average, and the weight at its place times each value."""
        self.check(names)
        counted = [c for c, weight in enumerate(weights) if weight > 0]
        table = np.stack([values[c] for c in counted])
        is_unknown = np.isnan(table).any(axis=0)
        order = np.argsort(-table, axis=0, kind="stable")
        shares = self._shares(np.cumsum(weights[counted][order], axis=0))
        own = np.empty_like(table)
        np.put_along_axis(own, order, shares, axis=0)
        parts = [np.zeros(len(value)) for value in values]
        for row, c in enumerate(counted):
            parts[c] = np.where(is_unknown, np.nan, own[row] * table[row])
        return summed(parts), parts
