"""How far one weight can move until another set of candidates is the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.suitability.criteria import Criterion
from siteselect.suitability.ranking import Ranking, scores_of, whole_number

Floats = npt.NDArray[np.float64]

__all__ = ["weight_stability"]

#: Scores this close are equal: sums of the same values in other orders.
ROUNDING = 1e-12


def weight_stability(
    scored: gpd.GeoDataFrame,
    criteria: Sequence[Criterion] | None = None,
    *,
    best: int = 10,
) -> pd.DataFrame:
    r"""Return the range of each weight in which the best set stays the same.

    One weight moves, the others keep their ratios and take up the rest. Use it
    to see which judgement a shortlist hangs on.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned.
    criteria : sequence of Criterion, optional
        The criteria of the scoring, where the frame lost its ``attrs``.
    best : int, default 10
        Size of the set [count].

    Returns
    -------
    pandas.DataFrame
        One row per criterion: ``weight`` [-], ``lowest`` and ``highest`` [-]
        between which the set stays the same; ``leaves_below`` and
        ``enters_below``: whose scores are equal at ``lowest``, the one giving
        way to the other below it; ``leaves_above`` and ``enters_above``.
        None where the weight may go all the way. ``attrs["set"]`` lists the set.

    Raises
    ------
    StudyError, LayerError
        If the frame was not scored, or ``best`` is no count of its candidates.

    Notes
    -----
    With the weight of criterion c at t, the score of candidate i is linear,

    .. math:: s_i(t) = t\,v_{ic} + (1 - t) \sum_{j \ne c}
              \frac{w_j}{1 - w_c} v_{ij}

    and the set stays the same while the least score inside is not below the
    largest outside. Inside gives a concave, outside a convex broken line; their
    difference is concave, so the range is one interval. Its ends are found by
    going from one crossing of two lines to the next (Newton's method on a broken
    line, which ends after finitely many), not by trying weights. A criterion
    without weight cannot rise where a member of the set is unknown in it; others
    unknown in it drop out as it rises. The one criterion that carries all weight
    cannot move, as there is nothing to take up the rest.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 500.0], "acres": [10.0, 90.0]},
    ...     geometry=gpd.points_from_xy([0, 1], [0, 0]), crs=4326, index=["a", "b"],
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("grid", Column("mw"), Rising(0, 1000), weight=3),
    ...     Criterion("land", Column("acres"), Rising(0, 100), weight=1),
    ... ])
    >>> table = weight_stability(scored, best=1)
    >>> table.loc["land", ["weight", "lowest", "highest"]].round(4).tolist()
    [0.25, 0.0, 0.3333]
    >>> table.loc["land", "enters_above"]
    'b'
    """
    ranking = Ranking.of(scored, criteria)
    best = whole_number("A set has a size", "best", best, len(ranking))
    chosen = ranking.best(best)
    inside = np.zeros(len(ranking), dtype=bool)
    inside[chosen] = True
    labels = ranking.labels
    rows: list[dict[str, Any]] = []
    for c, weight in enumerate(ranking.weights):
        own, rest = ranking.values[c], _rest(ranking, c)
        below, above = _End(float(weight)), _End(float(weight))
        if weight < 1:
            below = _end(own, rest, inside, ranking.weights[c], 0.0)
            is_known = ranking.is_known[c]
            if weight > 0 or is_known[inside].all():
                use = is_known | inside
                above = _end(own[use], rest[use], inside[use], float(weight), 1.0)
                above = above.within(np.flatnonzero(use))
        rows.append(
            {
                "weight": float(weight),
                "lowest": below.weight,
                "highest": above.weight,
                "leaves_below": below.label(labels, 0),
                "enters_below": below.label(labels, 1),
                "leaves_above": above.label(labels, 0),
                "enters_above": above.label(labels, 1),
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(ranking.names, name="criterion"))
    for column in ("leaves_below", "enters_below", "leaves_above", "enters_above"):
        table[column] = table[column].astype(object).where(table[column].notna(), None)
    table.attrs = {"set": labels[chosen].tolist()}
    return table


class _End:
    """One end of a range: the weight, and who gives way to whom there."""

    def __init__(self, weight: float, pair: tuple[int, int] | None = None) -> None:
        self.weight, self.pair = weight, pair

    def within(self, use: npt.NDArray[np.int64]) -> _End:
        """Return the end with positions among all candidates."""
        if self.pair is None:
            return self
        return _End(self.weight, (int(use[self.pair[0]]), int(use[self.pair[1]])))

    def label(self, labels: pd.Index[Any], which: int) -> Any:
        """Return the label of who leaves (0) or enters (1), None for nobody."""
        return None if self.pair is None else labels[self.pair[which]]


def _rest(ranking: Ranking, c: int) -> Floats:
    """Return the score from the other criteria alone, their weights scaled to 1."""
    others = ranking.weights.copy()
    others[c] = 0.0
    total = others.sum()
    if total == 0:
        return np.zeros(len(ranking))
    rest: Floats = scores_of(ranking.values[:, None, :], others[None, :] / total)[0]
    return rest


def _end(
    own: Floats, rest: Floats, inside: npt.NDArray[np.bool_], weight: float, far: float
) -> _End:
    """Go from the far end of the range towards the weight, crossing by crossing."""
    members, others = np.flatnonzero(inside), np.flatnonzero(~inside)
    if not len(others):
        return _End(far)
    t, pair = far, None
    while True:
        score = t * own + (1 - t) * rest
        a = int(members[np.argmin(score[members])])
        b = int(others[np.argmax(score[others])])
        # The gap between two lines, at 0 and at 1; where the pair is the same
        # as before, only rounding is left.
        if score[a] >= score[b] - ROUNDING or pair == (a, b):
            return _End(t, pair)
        at_zero, at_one = rest[a] - rest[b], own[a] - own[b]
        pair = (a, b)
        crossing = at_zero / (at_zero - at_one) if at_zero != at_one else weight
        nearer = np.clip(crossing, min(weight, t), max(weight, t))
        if nearer == t:
            return _End(t, pair)
        t = float(nearer)
        if t == weight:
            return _End(t, pair)
