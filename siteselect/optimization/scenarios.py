"""Scenarios of layer data and weights: what was given, as values of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, said, shown
from siteselect.optimization._compile import Request
from siteselect.optimization.asked import criteria_list, seed_of
from siteselect.optimization.problem import as_floats, column_of, held, number
from siteselect.optimization.survival import NOISE, Shaker
from siteselect.suitability.aggregation import WeightedSum
from siteselect.suitability.records import aggregate_of

#: No factor on a column is larger.
LARGEST_FACTOR = 1e12


def scenarios_of(
    request: Request,
    scenarios: Any,
    *,
    n: int,
    rng: np.random.Generator | int,
    noise: Mapping[str, float] | None,
    weight_spread: float,
) -> dict[str, dict[str, Any]]:
    """Return scenarios as name -> {column: Series of values}, whatever was given."""
    random = np.random.default_rng(seed_of(rng))
    sites = request.sites
    if isinstance(scenarios, Mapping) and scenarios:
        parts = list(scenarios.values())
        if all(isinstance(x, Mapping) for x in parts):
            return {str(k): _values(request, str(k), v) for k, v in scenarios.items()}
        if all(isinstance(x, tuple) and len(x) == 2 for x in parts) and n >= 1:
            for column, (low, high) in scenarios.items():
                low, high = (number(x, f"the range of {column!r}") for x in (low, high))
                if not 0 <= low <= high:
                    raise _refused(f"a range ({low!r}, {high!r}) for {column!r}")
            return {
                f"draw {k + 1}": {
                    str(c): _numbers(sites, str(c))
                    * random.uniform(low, high, len(sites))
                    for c, (low, high) in scenarios.items()
                }
                for k in range(n)
            }
    is_criteria = isinstance(scenarios, Sequence) and not isinstance(scenarios, str)
    if is_criteria and len(scenarios) and n >= 1:
        scenarios = criteria_list(scenarios, "robust(scenarios=...)")
        if not isinstance(request.score, str) or request.objective != "score":
            raise _refused("criteria for a plan that is not made of a score column")
        missing = [c.name for c in scenarios if f"{c.name}_raw" not in sites.columns]
        if missing:
            raise _refused(f"criteria without raw columns ({shown(missing)})")
        known = sites[request.score].notna().to_numpy()
        shaken = Shaker(sites[known], scenarios, {**NOISE, **(noise or {})})
        out: dict[str, dict[str, Any]] = {}
        for k in range(n):
            score = pd.Series(np.nan, index=sites.index)
            score[known] = shaken.draw(random, weight_spread)
            out[f"draw {k + 1}"] = {request.score: score}
        return out
    raise _refused(f"{type(scenarios).__name__} (n={n!r})")


def _refused(found: str) -> StudyError:
    return StudyError(
        four_parts(
            "robust(scenarios=...) was asked for",
            f"it was given {found}",
            "name -> {column: factor, Series or column, 'weights': {...}}, "
            "column -> (low, high) with 0 <= low <= high, or the criteria of the score",
            "scenarios={'dry': {'water': 0.7}, 'dear': {'cost_usd_per_mw': 1.2}}",
        )
    )


def _numbers(sites: gpd.GeoDataFrame, column: str) -> pd.Series[Any]:
    if column not in sites.columns:
        raise _refused(
            f"the column {column!r}, which the candidates do not have."
            + nearest_name(column, map(str, sites.columns))
        )
    numbers = as_floats(column_of(sites, column, "robust"))
    if numbers is None:
        raise _refused(f"numbers for {column!r}, which holds {sites[column].dtype}")
    return pd.Series(numbers, index=sites.index)


def _as_before(
    sites: gpd.GeoDataFrame, column: str, new: pd.Series[Any]
) -> pd.Series[Any]:
    """Return new values of a column; numbers stay numbers."""
    was = column_of(sites, column, "robust") if column in sites.columns else None
    is_number = was is not None and as_floats(was) is not None
    if is_number and as_floats(new) is None:
        raise _refused(f"{held(new).removeprefix('it holds ')} for {column!r}")
    return new


def _values(request: Request, name: str, changes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the changed columns of one scenario."""
    sites = request.sites
    out: dict[str, Any] = {}
    for key, how in changes.items():
        column = str(key)
        if column == "weights":
            if not isinstance(request.score, str) or not isinstance(how, Mapping):
                raise _refused(f"weights {how!r} in {name!r}")
            out[request.score] = _scored(request, how)
        elif isinstance(how, pd.Series):
            known = how.index.is_unique
            if not known or (how.index.get_indexer(sites.index) < 0).any():
                raise _refused(f"a Series for {column!r} without a value for each site")
            out[column] = _as_before(sites, column, how.reindex(sites.index))
        elif isinstance(how, str):
            if how not in sites.columns:
                raise _refused(f"the column {how!r}, which the candidates do not have")
            new = column_of(sites, how, "robust")
            out[column] = _as_before(sites, column, new)
        elif isinstance(how, int | float) and 0 <= how < LARGEST_FACTOR:
            out[column] = _numbers(sites, column) * float(how)
        else:
            raise _refused(f"{said(how)} for {column!r} in {name!r}")
    return out


def _scored(request: Request, weights: Mapping[Any, Any]) -> pd.Series[Any]:
    """Return the score under other weights; criteria not named keep theirs."""
    sites = request.sites
    about = sites.attrs.get("siteselect", {})
    told = about.get("criteria", []) if isinstance(about, dict) else []
    weight = {str(c["name"]): float(c.get("weight", 0.0)) for c in told}
    known = [
        c[: -len("_value")] for c in map(str, sites.columns) if c.endswith("_value")
    ]
    for name, value in weights.items():
        ok = isinstance(value, int | float) and 0 <= value < LARGEST_FACTOR
        if f"{name}_value" not in sites.columns or not ok:
            raise _refused(
                f"the weight {said(value)} of {name!r}."
                + nearest_name(str(name), known)
            )
        weight[str(name)] = float(value)
    counted = {name: value for name, value in weight.items() if value > 0}
    if not counted:
        raise _refused("weights that are all zero")
    values = [sites[f"{name}_value"].to_numpy(dtype=float) for name in counted]
    shares = np.array(list(counted.values())) / sum(counted.values())
    way = aggregate_of(sites) if isinstance(about, dict) else WeightedSum()
    score, _ = way.combine(values, shares, list(counted))
    # Excluded sites stay without a score.
    return pd.Series(score, index=sites.index).where(sites[request.score].notna())


def changed(request: Request, changes: Mapping[str, Any]) -> Request:
    """Return the request over candidates with changed columns."""
    return replace(request, sites=request.sites.assign(**changes))
