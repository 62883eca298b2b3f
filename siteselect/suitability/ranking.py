"""What a scored frame says about ranks: values, weights, and who is ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.suitability.checks import check_scored
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.weights import normalize_weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

__all__ = ["Ranking", "competition_ranks", "generator", "scores_of", "whole_number"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The candidates that have a score, in an order of their own.

    Parameters
    ----------
    index : pandas.Index
        Labels of all candidates.
    rows : numpy.ndarray of int64, shape (n,)
        Positions of those with a score, ordered by place, values, then label,
        so that nothing drawn for them depends on the order of the frame.
    names : tuple of str, length c
        Criteria.
    weights : numpy.ndarray, shape (c,)
        Normalized weights.
    values : numpy.ndarray, shape (c, n)
        Values in [0, 1]; 0 where a criterion without weight is unknown.
    is_known : numpy.ndarray of bool, shape (c, n)
        Where the value was known.
    """

    index: pd.Index[Any]
    rows: Ints
    names: tuple[str, ...]
    weights: Floats
    values: Floats
    is_known: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        scored: gpd.GeoDataFrame,
        criteria: Sequence[Criterion] | None = None,
    ) -> Ranking:
        """Read a frame that `score_sites` returned."""
        check_scored(scored, "A rank")
        told = scored.attrs.get("siteselect", {})
        if criteria is not None:
            criteria = list(criteria)
            names = [criterion.name for criterion in criteria]
            given = [float(criterion.weight) for criterion in criteria]
        else:
            names = [item["name"] for item in told.get("criteria", [])]
            given = [item["weight"] for item in told.get("criteria", [])]
        wanted = ["score", *(f"{name}_value" for name in names)]
        lost = [column for column in wanted if column not in scored.columns]
        if not names or lost:
            raise LayerError(
                four_parts(
                    "Ranks are read from a frame of score_sites",
                    f"found no column {shown(lost)}" if lost else "it has no criteria",
                    "allowed are frames from score_sites, with their attrs",
                    "score first, or pass the criteria as well",
                )
            )
        how = told.get("aggregate", "weighted_sum")
        if how != "weighted_sum":
            raise StudyError(
                four_parts(
                    "Weights are shaken under a weighted sum",
                    f"found a frame scored with aggregate={how!r}",
                    "allowed is 'weighted_sum'",
                    "score again without aggregate=",
                )
            )
        weights = normalize_weights(given, names=names)
        ranked = np.flatnonzero(scored["score"].notna().to_numpy())
        if not len(ranked):
            raise LayerError(
                four_parts(
                    "Ranks of the candidates were asked for",
                    f"none of {len(scored)} has a score",
                    "at least one known score is needed",
                    "see eligibility(scored) for what takes them out",
                )
            )
        values = np.stack([scored[f"{n}_value"].to_numpy(float)[ranked] for n in names])
        order = _own_order(scored.iloc[ranked], values)
        values = values[:, order]
        is_known = ~np.isnan(values)
        return cls(
            scored.index,
            ranked[order],
            tuple(names),
            weights,
            np.where(is_known, values, 0.0),
            is_known,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> pd.Index[Any]:
        """Labels of the ranked candidates, in their own order."""
        return self.index[self.rows]

    def ranks(self) -> Ints:
        """Return the rank of each under the given weights, 0 the best."""
        scores = scores_of(self.values[:, None, :], self.weights[None, :])
        ranks: Ints = competition_ranks(scores)[0]
        return ranks

    def best(self, k: int) -> Ints:
        """Return who are the best k, ties by the ranking's own order."""
        scores = scores_of(self.values[:, None, :], self.weights[None, :])[0]
        return np.sort(np.argsort(-scores, kind="stable")[:k])

    def on_frame(self, figures: Any) -> Floats:
        """Return figures of the ranked on all candidates, NaN for the others."""
        out: Floats = np.full(len(self.index), np.nan)
        out[self.rows] = figures
        return out


def scores_of(values: Floats, weights: Floats) -> Floats:
    """Return weighted sums, shape (draws, n).

    ``values`` has shape (c, draws or 1, n) and ``weights`` (draws, c). A plain
    sum, criterion by criterion: a matrix product rounds a row by its place, and
    would tell equal candidates apart.
    """
    n_draws, n = len(weights), values.shape[2]
    total: Floats = np.zeros((n_draws, n))
    part: Floats = np.empty((n_draws, n))
    for j, own in enumerate(values):
        np.multiply(weights[:, j, None], own, out=part)
        total += part
    return total


def competition_ranks(scores: Floats) -> Ints:
    """Return how many are strictly better, row by row; NaN comes last.

    Examples
    --------
    >>> competition_ranks(np.array([[0.2, 0.9, 0.9, np.nan]]))
    array([[2, 0, 0, 3]])
    """
    n_draws, n = scores.shape
    ranks = np.empty((n_draws, n), dtype=np.int64)
    ahead = np.arange(n)
    for row, own in enumerate(scores):
        down = np.where(np.isnan(own), np.inf, -own)
        order = np.argsort(down)
        down = down[order]
        place = ahead
        is_worse = down[1:] > down[:-1]
        if not is_worse.all():
            place = np.zeros(n, dtype=np.int64)
            place[1:] = np.where(is_worse, ahead[1:], 0)
            np.maximum.accumulate(place, out=place)
        ranks[row, order] = place
    return ranks


def whole_number(what: str, name: str, value: object, most: int | None = None) -> int:
    """Return a count from 1, or an error that names it."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    count = int(value) if is_whole else 0  # type: ignore[call-overload]
    if count < 1 or (most is not None and count > most):
        raise StudyError(
            four_parts(
                what,
                f"found {name}={value!r}",
                "allowed are whole numbers from 1"
                + (f" to {most}, the candidates with a score" if most else ""),
                f"pass for instance {name}={min(10, most or 10)}",
            )
        )
    return count


def generator(rng: np.random.Generator | int) -> np.random.Generator:
    """Return a generator, or an error for what makes none."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise StudyError(
            four_parts(
                "Draws repeat with a seed",
                f"found rng={rng!r}",
                "allowed are whole numbers from 0 and numpy generators",
                "pass for instance rng=0",
            )
        ) from error


def _own_order(frame: gpd.GeoDataFrame, values: Floats) -> Ints:
    """Return an order by place, values and label, whatever that of the rows."""
    box = frame.geometry.bounds.to_numpy()
    try:
        label = np.empty(len(frame), dtype=np.int64)
        label[np.asarray(frame.index.argsort())] = np.arange(len(frame))
    except TypeError:
        # Labels of several kinds: their texts have an order.
        label = np.argsort(np.argsort(frame.index.map(repr), kind="stable"))
    keys = [label, *values[::-1], *box.T[::-1]]
    return np.lexsort(keys).astype(np.int64)
