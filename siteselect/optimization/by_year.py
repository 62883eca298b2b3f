"""Amounts that change over the years: bounds by year, and headroom that arrives.

`ByYear` and `Arriving` stand wherever a bound or a capacity is taken. A program with
years asks them for what holds in one year; the limits themselves never see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, said, shown
from siteselect.optimization.problem import (
    Quantity,
    aligned,
    as_floats,
    is_many,
    number,
)


@dataclass(frozen=True, eq=False)
class ByYear:
    """What holds from a year on, until the next year that is listed.

    Parameters
    ----------
    by_year : mapping of int to number, str, Series, mapping or Arriving
        From year to what stands there otherwise: a number, a column, ... Before the
        first listed year it is 0.

    Raises
    ------
    StudyError
        No year is listed, or a year is no whole number.

    Examples
    --------
    >>> headroom = ByYear({2027: "headroom_now_mw", 2030: 900})
    >>> headroom.at(2026), headroom.at(2028), headroom.at(2031)
    (0, 'headroom_now_mw', 900)
    """

    by_year: Mapping[int, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.by_year, Mapping) or not self.by_year:
            raise StudyError(
                four_parts(
                    f"ByYear was given {self.by_year!r}",
                    "that is no mapping with a year in it",
                    "a mapping from year to amount",
                    "siteselect.ByYear({2027: 300, 2030: 900})",
                )
            )
        for year in self.by_year:
            year_of(year, "ByYear")

    def at(self, year: int) -> Any:
        """Return the entry of the latest listed year that is not after ``year``."""
        before = [y for y in self.by_year if y <= year]
        return self.by_year[max(before)] if before else 0


@dataclass(frozen=True, eq=False)
class Arriving:
    """An amount that is there from a year on, such as headroom of a new line.

    Parameters
    ----------
    amount : str, number or Series
        What is there from ``year`` on.
    year : str, number or Series
        First year with it; a site without a known year has an unknown amount.
    before : str, number or Series, default 0
        What is there until then.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"headroom_mw": [300.0, 500.0], "energised": [2026, 2029]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]),
    ...     crs=4326,
    ... )
    >>> Arriving("headroom_mw", "energised").at(2027, sites).tolist()
    [300.0, 0.0]
    """

    amount: Quantity
    year: Quantity
    before: Quantity = 0

    def at(self, year: int, sites: gpd.GeoDataFrame) -> pd.Series[Any]:
        """Return the amount per site in a year, NaN where it is unknown."""
        since = _values(sites, self.year)
        there = np.where(
            since <= year, _values(sites, self.amount), _values(sites, self.before)
        )
        there[np.isnan(since)] = np.nan
        return pd.Series(there, index=sites.index, name="arriving")


@dataclass(frozen=True, eq=False)
class PerSite:
    """Values keyed by site where a plain Series would be keyed by group."""

    values: pd.Series[Any]


def _values(sites: gpd.GeoDataFrame, spec: Quantity) -> Any:
    if isinstance(spec, str | pd.Series):
        column = aligned(sites, spec, "Arriving")
        values = as_floats(column)
        if values is None:
            raise StudyError(
                four_parts(
                    f"Arriving reads {getattr(spec, 'name', spec)!r}",
                    f"it holds {column.dtype} values",
                    "a numeric column, a number or a Series",
                    "siteselect.Arriving('headroom_mw', 'energised')",
                )
            )
        return values
    return np.full(len(sites), number(spec, "Arriving"))


def is_yearly(spec: object) -> bool:
    """Return whether a bound, capacity or a part of it depends on the year."""
    if isinstance(spec, Mapping):
        return any(is_yearly(x) for x in spec.values())
    return isinstance(spec, ByYear | Arriving)


def in_year(
    spec: Any, year: int, sites: gpd.GeoDataFrame, *, is_bound: bool = False
) -> Any:
    """Return what a bound or capacity is in one year.

    Parameters
    ----------
    spec : ByYear, Arriving, mapping of these, or anything else
        What the user gave; what does not depend on the year comes back as it is.
    year : int
        The year.
    sites : geopandas.GeoDataFrame
        Candidates that columns are read from.
    is_bound : bool
        Wrap values per site in `PerSite`: a Series in a bound is keyed by group.
    """
    if isinstance(spec, ByYear):
        return in_year(spec.at(year), year, sites, is_bound=is_bound)
    if isinstance(spec, Arriving):
        values = spec.at(year, sites)
        return PerSite(values) if is_bound else values
    if isinstance(spec, Mapping) and is_yearly(spec):
        return {k: in_year(v, year, sites) for k, v in spec.items()}
    return spec


def columns_in(spec: Any) -> list[Any]:
    """Return the columns and Series that an amount by year reads."""
    if isinstance(spec, ByYear):
        return [x for v in spec.by_year.values() for x in columns_in(v)]
    if isinstance(spec, Arriving):
        return [spec.amount, spec.year, spec.before]
    if isinstance(spec, Mapping):
        return [x for v in spec.values() for x in columns_in(v)]
    return [spec]


#: Fields that ask for something to be there; they hold at the end unless by year.
FLOORS = ("at_least",)


def only_at_the_end(limit: Any) -> bool:
    """Return whether a limit is about the last year only.

    Sites never close, so what is about pairs or groups of sites is settled then. A
    limit of one's own says so by a class attribute ``last_year_only = True``.
    """
    return bool(getattr(limit, "last_year_only", False))


def limit_in_year(
    limit: Any, year: int, sites: gpd.GeoDataFrame, *, is_last: bool
) -> Any | None:
    """Return a limit as it holds in one year, None if it does not.

    Bounds by year become those of the year. A floor that is not given by year holds
    in the last year only; so do limits that are only about the end.
    """
    if only_at_the_end(limit) and not is_last:
        return None
    own = getattr(limit, "in_year", None)
    if own is not None:
        return own(year, is_last=is_last)
    if not is_dataclass(limit) or isinstance(limit, type):
        return limit
    changes: dict[str, Any] = {}
    bounds = 0
    given = 0
    is_average = getattr(limit, "floors_hold_always", False)
    for field in fields(limit):
        value = getattr(limit, field.name)
        is_floor = field.name in FLOORS and not is_average
        if is_yearly(value):
            changes[field.name] = in_year(value, year, sites, is_bound=True)
        elif is_floor and value is not None and not is_last:
            changes[field.name] = None
            bounds += 1
        if _is_bound(field.name) and value is not None:
            given += 1
    if not changes:
        return limit
    if bounds == given:
        # Nothing but a floor, and it holds at the end.
        return None
    return replace(limit, **changes)


def _is_bound(name: str) -> bool:
    return name.startswith(("at_", "max_", "min_"))


def year_of(year: Any, what: str) -> int:
    """Return a year as a whole number."""
    is_number = isinstance(year, int | float | np.integer | np.floating)
    is_number = is_number and not isinstance(year, bool)
    if not is_number or not -10_000 < year < 10_000 or year != int(year):
        raise StudyError(
            four_parts(
                f"{what} names the year {said(year)}",
                f"that is {type(year).__name__}"
                if not is_number
                else "that is not a whole number, or far away",
                "years as whole numbers",
                "power_mw={2027: 500, 2030: 3000}",
            )
        )
    return int(year)


def years_of(years: Any, arguments: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the years of a program: as listed, or those that arguments name.

    Examples
    --------
    >>> years_of(None, {"power_mw": {2030: 900}, "budget_usd": {2027: 1e9}})
    (2027, 2030)
    """
    named: dict[int, str] = {}
    for what, spec in arguments.items():
        keys: Iterable[Any] = ()
        if isinstance(spec, ByYear):
            keys = spec.by_year
        elif isinstance(spec, Mapping):
            keys = spec
            if not spec:
                raise StudyError(
                    four_parts(
                        f"{what} is given by year",
                        "the mapping is empty",
                        "one year or more",
                        f"{what}={{2027: 500, 2030: 3000}}",
                    )
                )
        for key in keys:
            named.setdefault(year_of(key, what), what)
    if years is None:
        return tuple(sorted(named))
    if not is_many(years):
        years = [years]
    listed = [year_of(y, "years") for y in years]
    twice = sorted({y for y in listed if listed.count(y) > 1})
    if not listed or twice:
        raise StudyError(
            four_parts(
                f"years={listed!r} was asked for",
                f"{shown(map(str, twice))} occurs twice" if twice else "it is empty",
                "different years, one or more",
                "years=[2027, 2030]",
            )
        )
    # ByYear speaks about years in between; a plain mapping about its own years.
    missing = [
        y
        for y, what in named.items()
        if y not in listed and isinstance(arguments[what], Mapping)
    ]
    if missing:
        raise StudyError(
            four_parts(
                f"{named[missing[0]]} speaks about {shown(map(str, missing))}",
                f"years lists {shown(map(str, listed))} only",
                "years that hold every year of power_mw, it_mw and budget_usd",
                f"years={sorted({*listed, *missing})}",
            )
        )
    return tuple(sorted(listed))


def entry(spec: Any, year: int, is_last: bool) -> Any:
    """Return what ``power_mw``, ``it_mw`` says about one year.

    A plain mapping speaks about its own years. What is given once is at most that in
    every year and at least that in the last.
    """
    if isinstance(spec, ByYear):
        return spec.at(year)
    if isinstance(spec, Mapping):
        found = {year_of(k, "power_mw"): v for k, v in spec.items()}
        return found.get(year)
    if is_last or spec is None:
        return spec
    if isinstance(spec, tuple | list):
        return (None, *spec[1:])
    return spec


__all__ = ["Arriving", "ByYear"]
