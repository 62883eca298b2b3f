"""The candidates with the figures of the options that a plan says it chose.

For ``verify()``: figures are read from what the user gave, label by label, and share
no code with the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import shown

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def as_built(plan: SitePlan, say: Callable[..., bool]) -> Any | None:
    """Return the candidates as their options make them; None if these are unknown.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    say : callable
        Takes a check, whether it passed and what was found.
    """
    frame, sites = plan.candidates, plan.sites
    options = plan.compiled.request.options
    if options is None:
        return frame
    known = "option" in sites.columns and sites["option"].isin(list(options)).all()
    if not say("options are known", known):
        return None
    frame, options = frame.copy(), {k: _differing(v, frame) for k, v in options.items()}
    for given in options.values():
        for column in given:
            if column in frame.columns:
                values = frame[column].to_numpy(dtype=float, na_value=np.nan)
                frame[column] = values.copy()
            else:
                frame[column] = np.nan
    missing, other = [], []
    for label, option in sites["option"].items():
        given = options[option]
        for column in given:
            figure = _figure(plan.candidates, given[column], label)
            if np.isnan(figure):
                missing.append(f"{option!r} at {label!r}")
            frame.at[label, column] = figure
        for column in {c for g in options.values() for c in g} & set(sites.columns):
            told, true = _number(sites.at[label, column]), frame.at[label, column]
            if not (told == true or (np.isnan(told) and np.isnan(true))):
                other.append(f"{column} at {label!r}: {told:g}, given {true:g}")
    ok = say("options are offered", not missing, shown(missing))
    ok &= say("figures are those of the options", not other, shown(other))
    say("options are those of the solution", _solved(plan))
    return frame if ok else None


def _differing(given: Any, candidates: Any) -> dict[Any, Any]:
    """Return the columns of an option; those of a frame only where they differ."""
    if not isinstance(given, pd.DataFrame):
        return dict(given)
    own: dict[Any, Any] = {c: given[c].reindex(candidates.index) for c in given}
    place = getattr(given, "_geometry_column_name", None)
    return {
        c: column
        for c, column in own.items()
        if c != place and not (c in candidates and column.equals(candidates[c]))
    }


def _figure(candidates: Any, spec: Any, label: Any) -> float:
    """Return a column, Series or number at one label."""
    if isinstance(spec, str):
        return _number(candidates.at[label, spec])
    return _number(spec.at[label]) if isinstance(spec, pd.Series) else _number(spec)


def _number(value: Any) -> float:
    if pd.isna(value):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _solved(plan: SitePlan) -> bool:
    """Return whether the solution's columns are of the options that the plan tells."""
    problem = plan.problem
    for column in np.flatnonzero(plan.x > 1e-6):
        site = problem.column_site[column]
        if site < 0:
            continue
        label = problem.frame.index[site]
        told = plan.sites["option"].get(label)
        names = list(plan.compiled.request.options)
        if told != names[problem.column_option["option"][column]]:
            return False
    return True


__all__ = ["as_built"]
