"""Checks of what is asked of a plan, or of many plans at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, said, shown
from siteselect.optimization.problem import hashable, is_many, number

#: No count is larger: so many draws or scenarios would never end.
MOST = 1_000_000


def whole(value: Any, what: str, least: int, mend: str) -> int:
    """Return a whole number from ``least`` to a million, or refuse it.

    Examples
    --------
    >>> whole(3.0, "n", 1, "n=5")
    3
    """
    found = number(value, what)
    if found != int(found) or not least <= found <= MOST:
        raise StudyError(
            four_parts(
                f"{what}={said(value)} was asked for",
                f"that is below {least}, over {MOST:,} or not whole",
                f"a whole number from {least} to {MOST:,}",
                mend,
            )
        )
    return int(found)


def not_below(value: Any, what: str, least: float, mend: str) -> float:
    """Return a finite number of at least ``least``, or refuse it.

    Examples
    --------
    >>> not_below(0.5, "within", 0, "within=0.02")
    0.5
    """
    found = number(value, what)
    if found < least:
        raise StudyError(
            four_parts(
                f"{what}={said(value)} was asked for",
                f"that is below {least:g}",
                f"a number from {least:g}",
                mend,
            )
        )
    return found


def yes_or_no(value: Any, what: str) -> bool:
    """Return True or False, or refuse what is neither.

    Examples
    --------
    >>> yes_or_no(True, "split")
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise StudyError(
            four_parts(
                f"{what}={said(value)} was asked for",
                f"that is {type(value).__name__}",
                "True or False",
                f"{what}=True",
            )
        )
    return bool(value)


def column_names(by: Any, what: str) -> list[Any]:
    """Return names of columns as a list; refuse what cannot be one."""
    listed = [by] if isinstance(by, str) else by
    bad = isinstance(by, Mapping | pd.DataFrame) or not is_many(listed)
    names = [] if bad else list(listed)
    if bad or not all(map(hashable, names)):
        raise StudyError(
            four_parts(
                f"{what}={said(by)} was asked for",
                f"that is {type(by).__name__}"
                if bad
                else "it holds what is no name of a column",
                "a list of columns of the candidates",
                f"{what}=['substation', 'county']",
            )
        )
    return names


def criteria_list(criteria: Any, what: str) -> list[Any]:
    """Return criteria as a list; refuse what holds something else."""
    listed = criteria if is_many(criteria) else [criteria]
    no_list = isinstance(criteria, str | Mapping | pd.DataFrame | pd.Series)
    found = [] if no_list else list(listed)
    odd = [c for c in found if not hasattr(c, "name") or not hasattr(c, "measure")]
    if no_list or odd or not found:
        given = odd[0] if odd else criteria
        raise StudyError(
            four_parts(
                f"{what} shakes the criteria of a score",
                f"it was given {said(given)}",
                "the list of criteria that made the score",
                f"{what} with the criteria given to score_sites",
            )
        )
    return found


def noise_of(noise: Any, known: Iterable[str]) -> dict[str, float]:
    """Return the noise by evidence; refuse what is no mapping to numbers."""
    given = {} if noise is None else noise
    names = sorted(known)
    unknown: list[Any] = []
    if isinstance(given, Mapping):
        unknown = [k for k in given if k not in names]
    if not isinstance(given, Mapping) or unknown:
        raise StudyError(
            four_parts(
                f"noise={said(given)} was asked for",
                f"{shown(map(repr, unknown))} is no kind of evidence"
                if unknown
                else f"that is {type(given).__name__}",
                "a mapping from evidence (" + ", ".join(names) + ") to a number from 0",
                "noise={'proxy': 0.2}",
            )
        )
    return {
        k: not_below(v, f"the noise of {k!r}", 0, "noise={'proxy': 0.2}")
        for k, v in given.items()
    }


def seed_of(rng: Any, what: str = "rng") -> Any:
    """Return a generator or seed that numpy takes; refuse anything else."""
    if isinstance(rng, np.random.Generator):
        return rng
    found = number(rng, what)
    if found < 0 or found != int(found):
        raise StudyError(
            four_parts(
                f"{what}={said(rng)} was asked for",
                "that is negative or not whole",
                "a whole number from 0, or a numpy Generator",
                f"{what}=0",
            )
        )
    return int(rng)


__all__ = [
    "column_names",
    "criteria_list",
    "noise_of",
    "not_below",
    "seed_of",
    "whole",
    "yes_or_no",
]
