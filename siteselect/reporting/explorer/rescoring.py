"""What a page needs to score again with other weights, as `score_sites` would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siteselect.errors import SiteSelectError
from siteselect.reporting.plan_like import attached, clean, criteria_of
from siteselect.suitability.aggregation import Aggregate
from siteselect.suitability.records import aggregate_from_dict

Floats = NDArray[np.float64]
#: Aggregates that the page's script can redo.
REDONE = ("WeightedSum", "GeometricMean", "Minimum", "OWA", "ReferencePoint")
#: A score this close to the one redone is the same.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rescoring:
    """Values and weights behind a score, if the score can be redone from them.

    Parameters
    ----------
    criteria : tuple of dict
        As `score_sites` describes them, in its order; weights sum to one [-].
    values : ndarray, shape (n_criteria, n_candidates)
        Value of each criterion in [0, 1] [-], NaN where unknown.
    way : mapping
        The aggregate, as it describes itself, with references for each criterion.
    why_not : str
        Why the score cannot be redone; empty where it can.
    """

    criteria: tuple[dict[str, Any], ...]
    values: Floats
    way: Mapping[str, Any]
    why_not: str = ""

    @property
    def names(self) -> list[str]:
        """Names of the criteria."""
        return [str(item.get("name")) for item in self.criteria]

    @property
    def weights(self) -> Floats:
        """Weights of the criteria [-], 0 where none is stated."""
        given = pd.Series([item.get("weight") for item in self.criteria], dtype=object)
        found = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float)
        weights: Floats = np.where(np.isfinite(found), found, 0.0)
        return weights

    def unknown(self) -> list[str]:
        """Return the names of the criteria that each candidate lacks."""
        names = [str(clean(name)) for name in self.names]
        patterns, code = np.unique(np.isnan(self.values).T, axis=0, return_inverse=True)
        texts = [
            ", ".join(n for n, is_unknown in zip(names, row, strict=True) if is_unknown)
            for row in patterns
        ]
        return [texts[k] for k in code.ravel()]


def rescoring_of(frame: gpd.GeoDataFrame) -> Rescoring:
    """Return values and weights behind the score of a frame.

    Parameters
    ----------
    frame : GeoDataFrame
        Scored candidates.

    Returns
    -------
    Rescoring
        Without criteria where the frame does not say how it was scored.
    """
    nothing = np.zeros((0, len(frame)))
    if "score" not in frame.columns:
        return Rescoring((), nothing, {}, "The candidates have no score.")
    criteria = tuple(criteria_of(frame))
    if not criteria:
        said = "The candidates do not say by which criteria they were scored."
        return Rescoring((), nothing, {}, said)
    names = [str(item.get("name")) for item in criteria]
    missing = [n for n in names if f"{n}_value" not in frame.columns]
    if missing:
        said = f"The candidates lack the values of {missing[0]!r}."
        return Rescoring(criteria, nothing, {}, str(clean(said)))
    values = np.stack(
        [frame[f"{n}_value"].to_numpy(dtype=float, na_value=np.nan) for n in names]
    )
    found = Rescoring(criteria, values, {})
    given = attached(frame).get("aggregation", {"kind": "WeightedSum"})
    kind = str(given.get("kind")) if isinstance(given, Mapping) else ""
    if kind not in REDONE:
        said = "The score was put together by a function of your own."
        return Rescoring(criteria, values, {}, said)
    try:
        aggregate = aggregate_from_dict(dict(given))
        aggregate.check(names)
        is_same = _is_redone(frame, found, aggregate)
    except (SiteSelectError, KeyError, TypeError, ValueError):
        is_same = False
    if not is_same:
        said = "The score is not what these criteria and weights give."
        return Rescoring(criteria, values, {}, said)
    return Rescoring(criteria, values, _way(dict(given), names))


def _is_redone(frame: gpd.GeoDataFrame, found: Rescoring, aggregate: Aggregate) -> bool:
    """Tell whether weights and values give the frame's own scores."""
    weights = found.weights
    if abs(weights.sum() - 1) > _ROUNDING:
        return False
    score = frame["score"].to_numpy(dtype=float, na_value=np.nan)
    redone = aggregate.combine(list(found.values), weights, found.names)[0]
    is_in = np.ones(len(frame), dtype=bool)
    if "excluded_by" in frame.columns:
        is_in = (frame["excluded_by"].fillna("").astype(str) == "").to_numpy()
    return bool(
        np.allclose(redone[is_in], score[is_in], rtol=0, atol=_ROUNDING, equal_nan=True)
    )


def _way(given: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the aggregate with one reference per criterion, as the page reads it."""
    for part in ("reservation", "aspiration"):
        if part in given:
            own = given[part]
            is_own = isinstance(own, Mapping)
            given[part] = [float(own[n] if is_own else own) for n in names]
    return given
