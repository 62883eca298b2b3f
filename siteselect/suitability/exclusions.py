"""Exclusions: rules that take a candidate out, each under a name.

An exclusion answers yes, no or unknown per candidate. Unknown is never a
pass: the candidate is taken out under ``"<name> (unknown)"``, unless the rule
says ``missing="keep"``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.layers import spatial
from siteselect.suitability.checks import check_length, check_vector, layer_name
from siteselect.suitability.measures import (
    Column,
    Measured,
    Measurement,
)
from siteselect.suitability.queries import Queries

Flags = npt.NDArray[np.bool_]

__all__ = ["Exclusion", "Inside", "Near", "Verdict", "Where", "judge"]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What an exclusion says: taken out, or not to be told.

    Parameters
    ----------
    is_excluded, is_unknown : numpy.ndarray of bool, shape (n,)
        Never both True for one candidate.
    """

    is_excluded: Flags
    is_unknown: Flags


class Exclusion(ABC):
    """What every exclusion offers: a name, and a verdict on each candidate.

    A function frame -> boolean Series does as an exclusion too.

    Examples
    --------
    >>> rule = Where("slope_pct", above=8)
    >>> isinstance(rule, Exclusion), rule.name
    (True, 'slope_pct above 8')
    """

    name: str

    @abstractmethod
    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites of ``queries``."""

    def __call__(self, sites: gpd.GeoDataFrame) -> pd.Series[Any]:
        """Return True where a candidate is taken out (or unknown) by this rule.

        Parameters
        ----------
        sites : geopandas.GeoDataFrame
            Candidates; not changed.

        Returns
        -------
        pandas.Series of bool
            On ``sites.index``.
        """
        found = self.verdict(Queries(sites))
        taken_out = found.is_excluded | found.is_unknown
        return pd.Series(taken_out, index=sites.index, name=self.name)


@dataclass(frozen=True, eq=False)
class Inside(Exclusion):
    """Exclude candidates inside polygons of a layer.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Polygons in any CRS.
    min_share : float, optional
        Exclude where at least this share of the site's own ground is covered,
        in (0, 1]; without it, where the site's representative point is inside.
    name : str, optional
        Name in ``excluded_by``; made from the layer's name otherwise.

    Raises
    ------
    StudyError, LayerError
        If the share or the layer cannot be used.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> sites = gpd.GeoDataFrame(geometry=[Point(1, 1), Point(5, 5)], crs=4326)
    >>> parks = gpd.GeoDataFrame(geometry=[box(0, 0, 2, 2)], crs=4326)
    >>> Inside(parks, name="park")(sites).tolist()
    [True, False]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    min_share: float | None = field(default=None, kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Inside")
        is_share = isinstance(self.min_share, (int, float)) and 0 < self.min_share <= 1
        if self.min_share is not None and not is_share:
            raise StudyError(
                four_parts(
                    "Inside takes the least share of a site that counts",
                    f"found min_share={self.min_share!r}",
                    "allowed are numbers above 0 and up to 1",
                    "leave it out to ask about the site's point",
                )
            )
        _name(self, f"inside {layer_name(self.layer)}")

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites."""
        n = len(queries.sites)
        excluded = unknown = np.zeros(n, dtype=bool)
        if not len(self.layer):
            return Verdict(excluded, unknown)
        if self.min_share is None:
            excluded = queries.containing(self.layer) >= 0
        else:
            share = queries.covered_share(self.layer)
            excluded, unknown = share >= self.min_share, np.isnan(share)
        return Verdict(excluded, unknown)


@dataclass(frozen=True, eq=False)
class Near(Exclusion):
    """Exclude candidates within a round setback of any feature.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Points, lines or polygons in any CRS.
    km : float
        Setback from the nearest edge [km]; 0 excludes what touches.
    name : str, optional
        Name in ``excluded_by``; made from the layer's name otherwise.

    Raises
    ------
    StudyError, LayerError
        If the setback or the layer cannot be used.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(geometry=[Point(0, 0), Point(1, 0)], crs=4326)
    >>> towers = gpd.GeoDataFrame(geometry=[Point(0.01, 0)], crs=4326)
    >>> Near(towers, km=2)(sites).tolist()
    [True, False]
    """

    layer: gpd.GeoDataFrame = field(repr=False)
    km: float = field(kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        check_vector(self.layer, "Near")
        check_length("Near", "km", self.km, zero=True)
        _name(self, f"near {layer_name(self.layer)} ({self.km:g} km)")

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites."""
        n = len(queries.sites)
        excluded = np.zeros(n, dtype=bool)
        if len(self.layer):
            excluded = np.asarray(
                spatial.is_within_km(queries.sites, self.layer, self.km), dtype=bool
            )
        return Verdict(excluded, np.zeros(n, dtype=bool))


@dataclass(frozen=True, eq=False)
class Where(Exclusion):
    """Exclude candidates by a figure or label: below, above, equal, in a list.

    Parameters
    ----------
    column : str, pandas.Series or Measurement
        Column of the candidates, a Series on their index, or anything a
        criterion can measure.
    below, above : float, optional
        Exclude figures below / above this.
    equals : object, optional
        Exclude this label or figure.
    isin : collection, optional
        Exclude these labels or figures.
    missing : {"exclude", "keep"}, default "exclude"
        What becomes of a candidate whose figure is unknown. Excluded ones are
        listed under ``"<name> (unknown)"``.
    name : str, optional
        Name in ``excluded_by``; made from the rule otherwise.

    Raises
    ------
    StudyError
        If no rule is given, or ``missing`` is not one of the two.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [2.0, 12.0]}, geometry=[Point(0, 0), Point(1, 0)], crs=4326
    ... )
    >>> Where("slope_pct", above=8)(sites).tolist()
    [False, True]
    """

    column: str | pd.Series[Any] | Measurement = field(repr=False)
    below: float | None = field(default=None, kw_only=True)
    above: float | None = field(default=None, kw_only=True)
    equals: object = field(default=None, kw_only=True)
    isin: Collection[Any] | None = field(default=None, kw_only=True)
    missing: str = field(default="exclude", kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        measure = self._measure
        rules = [
            f"{word} {found}"
            for word, found in (
                ("below", self.below),
                ("above", self.above),
                ("equal to", self.equals),
                ("in", None if self.isin is None else shown(self.isin)),
            )
            if found is not None
        ]
        if not rules or isinstance(self.isin, str):
            raise StudyError(
                four_parts(
                    f"Where({measure.label!r}) takes a rule",
                    "found none" if not rules else f"found isin={self.isin!r}, a text",
                    "allowed are below=, above=, equals=, isin=[...]",
                    "write for instance Where('slope_pct', above=8)",
                )
            )
        for word, bound in (("below", self.below), ("above", self.above)):
            if bound is not None and (
                not isinstance(bound, (int, float, np.number)) or np.isnan(bound)
            ):
                raise StudyError(
                    four_parts(
                        f"Where({measure.label!r}) compares figures",
                        f"found {word}={bound!r}",
                        "allowed are numbers",
                        "use equals= or isin= for labels",
                    )
                )
        if self.missing not in ("exclude", "keep"):
            raise StudyError(
                four_parts(
                    f"Where({measure.label!r}) says what becomes of unknown figures",
                    f"found missing={self.missing!r}",
                    "allowed are 'exclude' and 'keep'",
                    "leave it out to exclude them under their own name",
                )
            )
        _name(self, f"{measure.label} {' or '.join(rules)}".replace(";", ","))

    @property
    def _measure(self) -> Measurement:
        """What is looked at."""
        if isinstance(self.column, Measurement):
            return self.column
        return Column(self.column)

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites."""
        found: Measured = self._measure.answer(queries)
        series = found.values
        unknown = series.isna().to_numpy(dtype=bool)
        excluded = np.zeros(len(series), dtype=bool)
        if self.below is not None or self.above is not None:
            figures = self._figures(series)
            if self.below is not None:
                excluded |= figures < float(self.below)
            if self.above is not None:
                excluded |= figures > float(self.above)
        if self.equals is not None:
            excluded |= series.isin([self.equals]).to_numpy(dtype=bool)
        if self.isin is not None:
            excluded |= series.isin(list(self.isin)).to_numpy(dtype=bool)
        excluded &= ~unknown
        if self.missing == "keep":
            unknown = np.zeros(len(series), dtype=bool)
        return Verdict(excluded, unknown)

    def _figures(self, series: pd.Series[Any]) -> npt.NDArray[np.float64]:
        """Return the column as numbers, or an error that names it."""
        if not (
            pd.api.types.is_numeric_dtype(series)
            or pd.api.types.is_bool_dtype(series)
            or series.isna().all()
        ):
            raise LayerError(
                four_parts(
                    f"Exclusion {self.name!r} compares figures",
                    f"column {series.name!r} holds {series.dtype}",
                    "allowed are numbers",
                    "use equals= or isin= for labels",
                )
            )
        return series.to_numpy(dtype=np.float64, na_value=np.nan)


def judge(
    rule: Exclusion | Callable[[gpd.GeoDataFrame], Any], name: str, queries: Queries
) -> Verdict:
    """Ask an exclusion, or a user's own function, about all sites."""
    if isinstance(rule, Exclusion):
        return rule.verdict(queries)
    sites = queries.sites
    found = rule(sites.copy())
    if not isinstance(found, pd.Series) or not found.index.equals(sites.index):
        raise StudyError(
            four_parts(
                f"Exclusion {name!r} judges each candidate",
                f"its function returned {_kind(found)}",
                "allowed is a boolean Series with the candidates' index",
                "return for instance sites['slope_pct'] > 8",
            )
        )
    unknown = found.isna().to_numpy(dtype=bool)
    known = found[~unknown]
    if not known.isin([True, False]).all():
        stray = known[~known.isin([True, False])]
        raise StudyError(
            four_parts(
                f"Exclusion {name!r} says True or False",
                f"found {stray.iloc[0]!r} in row {stray.index[0]!r}",
                "allowed are True, False, or missing for unknown",
                "compare the figure, e.g. sites['slope_pct'] > 8",
            )
        )
    excluded = np.zeros(len(sites), dtype=bool)
    excluded[~unknown] = known.to_numpy(dtype=bool)
    return Verdict(excluded, unknown)


def _kind(found: object) -> str:
    """Say what a function returned instead of a Series on the index."""
    if isinstance(found, pd.Series):
        return "a Series with another index"
    return type(found).__name__


def _name(rule: Exclusion, made: str) -> None:
    """Fill in the name, refusing what would blur ``excluded_by``."""
    name = rule.name or made.replace(";", ",")
    if ";" in name:
        raise StudyError(
            four_parts(
                "Names of exclusions are joined by ';' in excluded_by",
                f"found {name!r}",
                "allowed is text without ';'",
                "pass another name=",
            )
        )
    object.__setattr__(rule, "name", name)
