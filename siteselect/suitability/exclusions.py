"""Exclusions: rules that take a candidate out, each under a name.

An exclusion answers yes, no or unknown per candidate. Unknown is never a
pass: the candidate is taken out under ``"<name> (unknown)"``, unless the rule
says ``missing="keep"``.

Rules combine as in logic: ``a & b``, ``a | b``, ``~a``. What is unknown in a
part is unknown in the whole wherever it could change the answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, ClassVar, Self, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    check_given,
    four_parts,
    said,
    shown,
)
from siteselect.layers import layer_info
from siteselect.layers.info import says_none_within
from siteselect.suitability.checks import (
    check_length,
    check_vector,
    holds,
    is_figures,
    layer_name,
)
from siteselect.suitability.measures import (
    Column,
    Measured,
    Measurement,
)
from siteselect.suitability.queries import Queries, function_name
from siteselect.suitability.sameness import same_parts
from siteselect.suitability.undecided import figures_of, tell_empty, tell_undecided

Flags = npt.NDArray[np.bool_]

__all__ = [
    "AllOf",
    "AnyOf",
    "Exclusion",
    "Inside",
    "Judged",
    "Keep",
    "Near",
    "Not",
    "Verdict",
    "Where",
    "judge",
    "judged",
]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What an exclusion says: taken out, or not to be told.

    Parameters
    ----------
    is_excluded, is_unknown : numpy.ndarray of bool, shape (n,)
        Never both True for one candidate.
    is_tolerated : numpy.ndarray of bool, shape (n,), optional
        Unknown too, but the rule keeps what it does not know.
    """

    is_excluded: Flags
    is_unknown: Flags
    is_tolerated: Flags | None = None

    @property
    def tolerated(self) -> Flags:
        """``is_tolerated``, nowhere by default."""
        none = np.zeros(len(self.is_excluded), dtype=bool)
        return none if self.is_tolerated is None else self.is_tolerated

    def __invert__(self) -> Verdict:
        """Exclude what is clear; what is unknown stays unknown."""
        is_open = self.is_unknown | self.tolerated
        return Verdict(~(self.is_excluded | is_open), self.is_unknown, self.tolerated)

    def __or__(self, other: Verdict) -> Verdict:
        """Exclude what either excludes."""
        excluded = self.is_excluded | other.is_excluded
        unknown = (self.is_unknown | other.is_unknown) & ~excluded
        tolerated = (self.tolerated | other.tolerated) & ~excluded & ~unknown
        return Verdict(excluded, unknown, tolerated)

    def __and__(self, other: Verdict) -> Verdict:
        """Exclude what both exclude."""
        return ~(~self | ~other)


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
    #: The verdict on one candidate hangs on the others.
    needs_all_sites: ClassVar[bool] = False

    @abstractmethod
    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites of ``queries``."""

    def with_parts(self, change: Callable[[Any], Any]) -> Exclusion:
        """Return the rule with each rule that it is made of changed."""
        del change
        return self

    def verdict_after(self, queries: Queries, is_out: Flags) -> Verdict:
        """Judge all sites, knowing which the rules before this one took out."""
        del is_out
        return self.verdict(queries)

    def named(self, name: str) -> Self:
        """Return the same rule under another name.

        Parameters
        ----------
        name : str
            Name in ``excluded_by``.

        Returns
        -------
        Exclusion

        Examples
        --------
        >>> from siteselect.suitability import Where
        >>> Where("slope_pct", above=8).named("too steep").name
        'too steep'
        """
        return replace(self, name=name)  # type: ignore[type-var]

    def __and__(self, other: Rule) -> AllOf:
        """Exclude where both rules do."""
        return AllOf([self, other])

    def __rand__(self, other: Rule) -> AllOf:
        """Exclude where both rules do."""
        return AllOf([other, self])

    def __or__(self, other: Rule) -> AnyOf:
        """Exclude where either rule does."""
        return AnyOf([self, other])

    def __ror__(self, other: Rule) -> AnyOf:
        """Exclude where either rule does."""
        return AnyOf([other, self])

    def __invert__(self) -> Not:
        """Exclude where this rule does not."""
        return Not(self)

    def __eq__(self, other: object) -> bool:
        """Return True for the same kind with equal arguments and the same layer."""
        return same_parts(self, other)

    def __hash__(self) -> int:
        """Return one hash for each kind and name."""
        return hash((type(self), self.name))

    def __bool__(self) -> bool:
        """Refuse ``a and b``, which Python would read as ``b`` alone."""
        raise StudyError(
            four_parts(
                "Exclusions are combined rule by rule",
                f"found `and`, `or`, `not` or `if` on {self.name!r}",
                "allowed are & (both), | (either), ~ (not)",
                "write (a & b) | ~c",
            )
        )

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


#: An exclusion, or a user's own function frame -> boolean Series.
Rule: TypeAlias = Exclusion | Callable[[gpd.GeoDataFrame], Any]


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

    Warns
    -----
    DataQualityWarning
        When asked, if the layer is empty, or too coarse for a site.

    Notes
    -----
    A layer without rows does not say that there are none: all candidates are
    unknown. A bundled layer is known to be complete around its area
    (`LayerInfo.complete_km`), and means that there are none.

    A candidate smaller than the layer's resolution is unknown where an outline
    passes as near as that.

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
        if not len(self.layer):
            return _of_nothing(self, 0.0, queries)
        if self.min_share is None:
            excluded = queries.containing(self.layer) >= 0
            unknown = np.zeros(len(excluded), dtype=bool)
        else:
            share = queries.covered_share(self.layer)
            excluded, unknown = share >= self.min_share, np.isnan(share)
        coarse_km = layer_info(self.layer).resolution_km or 0.0
        undecided = queries.is_finer(1000.0 * coarse_km) if coarse_km else unknown
        if undecided.any():
            of_ground = self.min_share is not None
            undecided = undecided & queries.is_near_edge(
                self.layer, coarse_km, of_ground=of_ground
            )
            _tell_undecided(self, undecided)
        return Verdict(excluded & ~undecided, unknown | undecided)


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

    Warns
    -----
    DataQualityWarning
        When asked, if the layer is empty, or too coarse for a site.

    Notes
    -----
    A layer without rows does not say that there are none: all candidates are
    unknown. A bundled layer is known to be complete around its area, as far as the
    margin it was loaded with (`LayerInfo.complete_km`): there is none within a
    setback up to that.

    A candidate smaller than the layer's resolution is unknown where its distance
    differs from the setback by less than the resolution.

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
        if not len(self.layer):
            return _of_nothing(self, self.km, queries)
        excluded = queries.is_within_km(self.layer, self.km)
        none = np.zeros(len(excluded), dtype=bool)
        coarse_km = layer_info(self.layer).resolution_km or 0.0
        finer = queries.is_finer(1000.0 * coarse_km) if coarse_km else none
        if not finer.any():
            return Verdict(excluded, none)
        # Features may lie nearer or farther than they are drawn.
        surely = none
        if self.km >= coarse_km:
            surely = queries.is_within_km(self.layer, self.km - coarse_km)
        perhaps = queries.is_within_km(self.layer, self.km + coarse_km)
        undecided = finer & perhaps & ~surely
        _tell_undecided(self, undecided)
        return Verdict(excluded & ~undecided, undecided)


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

    Warns
    -----
    DataQualityWarning
        When asked, if a layer is too coarse for a site. The figure is unknown
        there, as to a `Gate`.

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
                not isinstance(bound, (int, float, np.integer, np.floating))
                or isinstance(bound, bool)
                or np.isnan(bound)
            ):
                raise StudyError(
                    four_parts(
                        f"Where({measure.label!r}) compares figures",
                        f"found {word}={bound!r}",
                        "allowed are numbers",
                        "use equals= or isin= for labels",
                    )
                )
        # A missing label in a list finds nothing; alone, it was meant to.
        for label in [self.equals, *(() if self.isin is None else self.isin)]:
            is_label = label is None or pd.api.types.is_scalar(label)
            if not is_label or (label is self.equals and _is_missing(label)):
                raise StudyError(
                    four_parts(
                        f"Where({measure.label!r}) looks for labels or figures",
                        f"found {said(label)}",
                        "allowed are text, numbers and truth values; what is missing "
                        "is unknown, and missing= says what becomes of it",
                        "write for instance equals='4A', or isin=['4A', '5A']",
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
            excluded |= holds(series, [self.equals])
        if self.isin is not None:
            excluded |= holds(series, list(self.isin))
        labels = () if self.isin is None else self.isin
        bounds = figures_of([self.below, self.above, self.equals, *labels])
        undecided = found.is_undecided(bounds)
        measure = self._measure
        tell_undecided(
            f"Exclusion {self.name!r}",
            measure.layer_name,
            measure.resolution_m,
            undecided,
        )
        unknown = unknown | undecided
        excluded &= ~unknown
        if self.missing == "keep":
            return Verdict(excluded, np.zeros(len(series), dtype=bool), unknown)
        return Verdict(excluded, unknown)

    def _figures(self, series: pd.Series[Any]) -> npt.NDArray[np.float64]:
        """Return the column as numbers, or an error that names it."""
        if not (is_figures(series) or series.isna().all()):
            raise LayerError(
                four_parts(
                    f"Exclusion {self.name!r} compares figures",
                    f"column {series.name!r} holds {series.dtype}",
                    "allowed are numbers",
                    "use equals= or isin= for labels",
                )
            )
        return series.to_numpy(dtype=np.float64, na_value=np.nan)


class _Combined(Exclusion):
    """Shared by rules made of rules."""

    rules: Sequence[Rule]
    name: str

    def _prepare(self, word: str) -> None:
        """Check the parts, open nested ones of the same kind, make the name."""
        check_given(
            self.rules,
            ("__iter__",),
            "Rules are joined",
            "allowed is a list of rules",
            'AnyOf([Where("slope_pct", above=8), Where("acres", below=100)])',
        )
        parts: list[Rule] = []
        for rule in self.rules:
            _check_part(rule, type(self).__name__)
            if (
                isinstance(rule, _Combined)
                and type(rule) is type(self)
                and rule.name == rule._made(word)
            ):
                parts.extend(rule.rules)
            else:
                parts.append(rule)
        if not parts:
            raise StudyError(
                four_parts(
                    f"{type(self).__name__} combines rules",
                    "found none",
                    "allowed are Inside, Near, Where, or functions frame -> Series",
                    "write for instance Near(lakes, km=1) & Where('slope', above=8)",
                )
            )
        object.__setattr__(self, "rules", tuple(parts))
        _name(self, self._made(word))

    def _made(self, word: str) -> str:
        """Name made of the names of the parts."""
        return f" {word} ".join(
            f"({_part_name(r)})" if isinstance(r, _Combined) else _part_name(r)
            for r in self.rules
        )

    def with_parts(self, change: Callable[[Any], Any]) -> Exclusion:
        """Return the rule with each rule that it is made of changed."""
        own: Any = self
        made: Exclusion = replace(
            own, rules=[change(r) for r in self.rules], name=self.name
        )
        return made

    def _verdicts(self, queries: Queries) -> list[Verdict]:
        return [judge(rule, _part_name(rule), queries) for rule in self.rules]


@dataclass(frozen=True, eq=False)
class AllOf(_Combined):
    """Exclude candidates that every one of several rules excludes; ``a & b``.

    Parameters
    ----------
    rules : sequence of Exclusion or callable
        At least one. A candidate that a rule is known to spare is spared,
        whatever the others do not know.
    name : str, optional
        Name in ``excluded_by``; made from the rules' names otherwise.

    Raises
    ------
    StudyError
        If a rule cannot be combined.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [9.0, 9.0, None], "acres": [50.0, 900.0, 900.0]},
    ...     geometry=[Point(0, 0), Point(1, 0), Point(2, 0)], crs=4326,
    ... )
    >>> rule = Where("slope_pct", above=8) & Where("acres", below=100)
    >>> rule.name, rule(sites).tolist()
    ('slope_pct above 8 and acres below 100', [True, False, False])
    """

    rules: Sequence[Rule] = field(repr=False)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        self._prepare("and")

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites."""
        return reduce(Verdict.__and__, self._verdicts(queries))


@dataclass(frozen=True, eq=False)
class AnyOf(_Combined):
    """Exclude candidates that at least one of several rules excludes; ``a | b``.

    Parameters
    ----------
    rules : sequence of Exclusion or callable
        At least one. A candidate that a rule is known to exclude is excluded,
        whatever the others do not know.
    name : str, optional
        Name in ``excluded_by``; made from the rules' names otherwise.

    Raises
    ------
    StudyError
        If a rule cannot be combined.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [9.0, 1.0], "acres": [900.0, 900.0]},
    ...     geometry=[Point(0, 0), Point(1, 0)], crs=4326,
    ... )
    >>> (Where("slope_pct", above=8) | Where("acres", below=100))(sites).tolist()
    [True, False]
    """

    rules: Sequence[Rule] = field(repr=False)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        self._prepare("or")

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites."""
        return reduce(Verdict.__or__, self._verdicts(queries))


@dataclass(frozen=True, eq=False)
class Not(Exclusion):
    """Exclude candidates that a rule does not exclude; ``~a``.

    Parameters
    ----------
    rule : Exclusion or callable
        What it does not know stays unknown.
    name : str, optional
        Name in ``excluded_by``; made from the rule's name otherwise.

    Raises
    ------
    StudyError
        If the rule cannot be combined.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> sites = gpd.GeoDataFrame(geometry=[Point(1, 1), Point(5, 5)], crs=4326)
    >>> territory = gpd.GeoDataFrame(geometry=[box(0, 0, 2, 2)], crs=4326)
    >>> (~Inside(territory, name="territory"))(sites).tolist()
    [False, True]
    """

    rule: Rule = field(repr=False)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        _check_part(self.rule, "Not")
        inner = _part_name(self.rule)
        _name(
            self,
            f"not ({inner})" if isinstance(self.rule, _Combined) else f"not {inner}",
        )

    def with_parts(self, change: Callable[[Any], Any]) -> Exclusion:
        """Return the rule with the rule that it turns round changed."""
        return replace(self, rule=change(self.rule), name=self.name)

    def verdict(self, queries: Queries) -> Verdict:
        """Judge all sites."""
        return ~judge(self.rule, _part_name(self.rule), queries)


@dataclass(frozen=True, eq=False)
class Keep(Exclusion):
    """Give back candidates that the rules before it in the list took out.

    For places that an exclusion must not remove: an industrial park inside a
    setback, a parcel that was surveyed. Rules after it in the list still count.

    Parameters
    ----------
    where : Exclusion, callable or sequence
        A rule that says which candidates to keep (``Inside(parks)``), or their
        labels. A candidate of which the rule does not know is not given back.
    name : str, optional
        Name in a waterfall; made from the rule's name otherwise.

    Raises
    ------
    StudyError, LayerError
        If the rule, or a label, cannot be used.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Column, Criterion, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [12.0, 12.0]}, index=["a", "b"],
    ...     geometry=[Point(0, 0), Point(1, 0)], crs=4326,
    ... )
    >>> scored = score_sites(
    ...     sites, [Criterion("slope", Column("slope_pct"), Rising(0, 20))],
    ...     exclude=[Where("slope_pct", above=8), Keep(["b"])],
    ... )
    >>> scored["excluded_by"].tolist()
    ['slope_pct above 8', '']
    """

    where: Rule | Sequence[Any] = field(repr=False)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.where, str) or not (
            callable(self.where) or isinstance(self.where, Collection)
        ):
            raise StudyError(
                four_parts(
                    "Keep takes a rule or labels of candidates",
                    f"found {self.where!r}",
                    "allowed are e.g. Inside(parks) or ['s0001', 's0002']",
                    "pass a list of labels",
                )
            )
        if callable(self.where):
            _check_part(self.where, "Keep")
            made = f"keep {_part_name(self.where)}"
        else:
            made = f"keep {len(self.where)} candidates"
        _name(self, made)

    def with_parts(self, change: Callable[[Any], Any]) -> Exclusion:
        """Return the rule with the rule that says whom to keep changed."""
        if not callable(self.where):
            return self
        return replace(self, where=change(self.where), name=self.name)

    def verdict(self, queries: Queries) -> Verdict:
        """Exclude nothing."""
        none = np.zeros(len(queries.sites), dtype=bool)
        return Verdict(none, none)

    def is_kept(self, queries: Queries) -> Flags:
        """Say which sites the rules before must not take out."""
        if callable(self.where):
            return judge(self.where, self.name, queries).is_excluded
        index = queries.sites.index
        labels = list(self.where)
        stray = [label for label in labels if label not in index]
        if stray:
            raise LayerError(
                four_parts(
                    f"{self.name!r} names candidates",
                    f"{shown(map(repr, stray))} of {len(labels)} are none",
                    f"allowed are labels such as {shown(map(repr, index[:3]))}",
                    "check sites.index",
                )
            )
        return np.asarray(index.isin(labels), dtype=bool)


def _check_part(rule: object, kind: str) -> None:
    """Refuse what cannot be part of a rule."""
    if not callable(rule) or isinstance(rule, (type, Keep)):
        raise StudyError(
            four_parts(
                f"{kind} combines rules",
                f"found {rule!r}",
                "allowed are Inside, Near, Where, or functions frame -> Series"
                + ("; Keep stands alone" if isinstance(rule, Keep) else ""),
                "put Keep(...) into the list of exclusions, after the others"
                if isinstance(rule, Keep)
                else "write for instance Near(lakes, km=1) & Where('slope', above=8)",
            )
        )


def _part_name(rule: Rule) -> str:
    """Name of a rule, or of the function it is."""
    if isinstance(rule, Exclusion):
        return rule.name
    name = function_name(rule)
    return "function" if "<" in name else name


@dataclass(frozen=True, eq=False)
class Judged:
    """One step through a list of rules.

    Parameters
    ----------
    name : str
        Name of the rule.
    verdict : Verdict
        What the rule says, of all candidates.
    is_given_back : numpy.ndarray of bool or None
        For a `Keep`: whom the rules before must not take out.
    """

    name: str
    verdict: Verdict
    is_given_back: Flags | None = None

    def known_out(self, is_out: Flags) -> Flags:
        """Return who is known to be excluded after this rule."""
        if self.is_given_back is not None:
            return is_out & ~self.is_given_back
        return is_out | self.verdict.is_excluded

    def applied(self, excluded_by: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the texts of ``excluded_by`` after this rule."""
        if self.is_given_back is not None:
            return np.where(self.is_given_back, "", excluded_by)
        for flags, text in (
            (self.verdict.is_excluded, self.name),
            (self.verdict.is_unknown, f"{self.name} (unknown)"),
        ):
            joined = np.where(excluded_by == "", text, excluded_by + (";" + text))
            excluded_by = np.where(flags, joined, excluded_by)
        return excluded_by


def judged(
    rules: Sequence[tuple[str, Rule]],
    queries: Queries,
    named: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> Iterator[Judged]:
    """Go through named rules in order, each knowing what those before took out.

    ``named`` puts the name of the rule before a message.
    """
    is_out = np.zeros(len(queries.sites), dtype=bool)
    for name, rule in rules:
        with named(f"Exclusion {name!r}"):
            given_back = rule.is_kept(queries) if isinstance(rule, Keep) else None
            verdict = judge(rule, name, queries, is_out=is_out)
        is_out = is_out | verdict.is_excluded | verdict.is_unknown
        if given_back is not None:
            is_out &= ~given_back
        yield Judged(name, verdict, given_back)


def judge(
    rule: Rule, name: str, queries: Queries, *, is_out: Flags | None = None
) -> Verdict:
    """Ask an exclusion, or a user's own function, about all sites."""
    if isinstance(rule, Exclusion):
        if is_out is None:
            return rule.verdict(queries)
        return rule.verdict_after(queries, is_out)
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


def _tell_undecided(rule: Inside | Near, undecided: Flags) -> None:
    """Warn of sites for which the layer of a rule is too coarse."""
    km = layer_info(rule.layer).resolution_km
    tell_undecided(
        f"Exclusion {rule.name!r}",
        layer_name(rule.layer),
        None if km is None else 1000.0 * km,
        undecided,
        stacklevel=5,
    )


def _of_nothing(rule: Inside | Near, km: float, queries: Queries) -> Verdict:
    """Verdict by a layer without rows: unknown, unless it is complete so far."""
    n = len(queries.sites)
    is_unknown = not says_none_within(rule.layer, km)
    if is_unknown and n:
        tell_empty(f"Exclusion {rule.name!r}", rule.layer)
    return Verdict(np.zeros(n, dtype=bool), np.full(n, is_unknown))


def _is_missing(label: Any) -> bool:
    """Return whether a label is NaN, NaT or pd.NA."""
    return label is not None and bool(pd.isna(label))


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
