"""Limits on the set of chosen sites.

A limit is a small frozen dataclass with a name that users meet again in accounts,
prices and conflicts. It has ``rows(problem)``, optionally ``columns(problem)`` (its
own variables) and ``cuts(problem, x)`` (rows that ``x`` violates), and
``check(sites)``: the accounts recomputed from the sites alone, which
``plan.verify()`` uses and which shares no code with the rows. Users write their own
in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import Geod
from scipy import sparse

from siteselect.errors import StudyError, four_parts, said, shown
from siteselect.optimization._distance import Nearby, lonlat
from siteselect.optimization.by_year import Arriving, ByYear, PerSite, is_yearly
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.problem import (
    GW,
    MILLION,
    Bools,
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    aligned,
    as_floats,
    bound_number,
    number,
    truths,
)

#: A number for each group, a mapping or Series keyed by group, or a column name;
#: or one of these by year.
Bound: TypeAlias = (
    "float | int | str | Mapping[Any, float] | pd.Series[Any] "
    "| ByYear | Arriving | PerSite | None"
)

ACCOUNT_COLUMNS = (
    "limit",
    "group",
    "kind",
    "allowed_min",
    "allowed_max",
    "used",
    "unit",
    "multiplier",
)


@runtime_checkable
class SupportsLimit(Protocol):
    """What a limit must offer; users may write their own.

    ``check`` gets all eligible candidates with their columns, ``mw`` (0 where not
    chosen) and ``cost_usd``; it returns one row per account with the columns
    ``limit, group, kind, allowed_min, allowed_max, used, unit, multiplier``
    (multiplier: 1, or what a dual is multiplied with to become a price).

    With years, ``rows`` and ``columns`` are asked once per year with the problem as
    it stands then, and ``check`` gets what stands and what is spent in that year.
    Fields that hold `ByYear` or `Arriving` are those of the year by then. A limit
    about which sites there are in the end says so by a class attribute
    ``last_year_only = True``; one whose columns of a year are what is bought then,
    and stays, by ``buys_once = True``.

    Where sites have options, a column that differs between them is read by
    ``problem.per_column(column, name)``, one figure per column of the program, and the
    fields that may name one stand in a class attribute ``by_option``. Read per site,
    by ``problem.quantity``, it is refused. ``check`` gets the chosen options' figures.

    A limit may also offer

    ``columns(problem)``
        `ExtraColumns` or None: variables of its own. In ``rows`` they stand at
        ``problem.extra[self.name]``.
    ``is_lazy(problem)`` and ``cuts(problem, x)``
        Where ``is_lazy`` is true, ``rows`` is asked only for a full model, and
        ``cuts`` for those rows that a solution ``x`` over all columns breaks; a plan
        counts only when there are none.
    ``accounts_of(problem, x)``
        What ``check`` returns, quicker, for the plan's own accounts; ``verify()``
        compares them with those of ``check``.
    ``uses()``
        The columns and Series that it reads, so that candidates at one place are
        told apart by them.
    ``is_open_ended(problem)``
        True where even a full model cannot hold all rows: ``rows`` are then some of
        them, and ``cuts`` is asked again after every solve.

    ``help(siteselect.optimization)`` has a limit of one's own as an example.
    """

    @property
    def name(self) -> str:
        """Name in accounts, prices and conflicts."""

    def rows(self, problem: Problem) -> Rows:
        """Return the rows of this limit over all columns of the problem."""

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the accounts of the chosen sites."""


def accounts(
    limit: str,
    group: object,
    kind: str,
    allowed_min: object,
    allowed_max: object,
    used: object,
    unit: str,
    multiplier: object = 1.0,
) -> pd.DataFrame:
    """Return one account per group as a frame with `ACCOUNT_COLUMNS`.

    Examples
    --------
    >>> accounts("power", [""], "power", 0.0, 100.0, [60.0], "MW")["used"].tolist()
    [60.0]
    """
    return pd.DataFrame(
        {
            "limit": limit,
            "group": pd.Series(list(group), dtype="object"),  # type: ignore[call-overload]
            "kind": kind,
            "allowed_min": allowed_min,
            "allowed_max": allowed_max,
            "used": used,
            "unit": unit,
            "multiplier": multiplier,
        }
    ).astype(
        {
            "allowed_min": float,
            "allowed_max": float,
            "used": float,
            "multiplier": float,
        }
    )


def power_of_thousand(values: Floats) -> float:
    """Return 1, 1e-3, 1e-6 ... so that the largest value comes near one."""
    size = float(np.abs(values).max(initial=0.0))
    if size == 0.0:
        return 1.0
    return float(10.0 ** (-3 * round(np.log10(size) / 3)))


def bound_values(
    problem: Problem,
    spec: Bound,
    codes: Ints,
    keys: list[Any],
    limit: str,
    what: str,
    default: float,
) -> Floats:
    """Return a bound per group: from a number, a mapping, a Series or a column."""
    if spec is None:
        return np.full(len(keys), default)
    if isinstance(spec, ByYear | Arriving):
        raise TypeError(f"{limit}: {what} by year was not read for a year")
    if isinstance(spec, str | PerSite):
        column = spec.values if isinstance(spec, PerSite) else spec
        read = aligned(problem.frame, column, limit)
        found = as_floats(read)
        if found is None:
            raise StudyError(
                four_parts(
                    f"{limit!r} reads {what} from column "
                    f"{getattr(column, 'name', column)!r}",
                    f"it holds {read.dtype} values",
                    "a numeric column, a number, or a mapping by group",
                    "pandas.to_numeric(sites[column])",
                )
            )
        values = found
        spec = spec if isinstance(spec, str) else str(spec.values.name)
        low, high = np.full(len(keys), np.inf), np.full(len(keys), -np.inf)
        with np.errstate(invalid="ignore"):
            np.minimum.at(low, codes, values)
            np.maximum.at(high, codes, values)
        missing = np.unique(codes[np.isnan(values)])
        if missing.size:
            raise StudyError(
                four_parts(
                    f"{limit!r} reads {what} from column {spec!r}",
                    "it is missing for " + shown(repr(keys[g]) for g in missing),
                    "a value for every group with an eligible site",
                    f"fill sites[{spec!r}] from a source, or give a mapping",
                )
            )
        with np.errstate(invalid="ignore"):
            spread = high - low > 1e-9 * np.maximum(1.0, np.abs(high))
        uneven = np.flatnonzero(spread)
        if uneven.size:
            g = int(uneven[0])
            raise StudyError(
                four_parts(
                    f"{limit!r} reads {what} from column {spec!r}, one value per group",
                    f"in {shown(repr(keys[g]) for g in uneven)} it varies "
                    f"(from {low[g]:g} to {high[g]:g} in {keys[g]!r})",
                    "a column that is constant within its group",
                    f"sites.groupby(by)[{spec!r}].transform('min')",
                )
            )
        return high
    if isinstance(spec, Mapping | pd.Series):
        if isinstance(spec, pd.Series) and not spec.index.is_unique:
            raise StudyError(
                four_parts(
                    f"{limit!r} reads {what} from a Series keyed by group",
                    "groups are repeated in its index",
                    "one value per group",
                    "series.groupby(level=0).first()",
                )
            )
        given = dict(spec.items())
        missing_keys = [k for k in keys if k not in given]
        if missing_keys:
            raise StudyError(
                four_parts(
                    f"{limit!r} has {what} for {len(given)} groups",
                    "no value for " + shown(repr(k) for k in missing_keys),
                    "a value for every group with an eligible site",
                    "add the groups (float('inf') for no limit)",
                )
            )
        if what == "at_least":
            known = set(keys)
            unknown = [
                k
                for k, v in given.items()
                if k not in known and bound_number(v, limit) > 0
            ]
            if unknown:
                raise StudyError(
                    four_parts(
                        f"{limit!r} asks for at_least in "
                        + shown(repr(k) for k in unknown),
                        "no eligible site lies there",
                        "groups with an eligible site, e.g. "
                        + shown(repr(k) for k in keys),
                        "leave those groups out of the mapping",
                    )
                )
        values = np.array([bound_number(given[k], limit) for k in keys])
        if np.isnan(values).any():
            bad = [k for k, v in zip(keys, values, strict=True) if np.isnan(v)]
            raise StudyError(
                four_parts(
                    f"{limit!r} reads {what} by group",
                    f"it is missing for {shown(repr(k) for k in bad)}",
                    "a number for every group with an eligible site",
                    "fill it from a source (float('inf') for no limit)",
                )
            )
        return values
    if isinstance(spec, float) and np.isinf(spec):
        return np.full(len(keys), spec)
    return np.full(len(keys), number(spec, limit))


def clean_name(name: object, kind: str) -> None:
    """Refuse a limit without a usable name."""
    if not isinstance(name, str) or not name.strip():
        raise StudyError(
            four_parts(
                f"{kind} was given the name {said(name)}",
                "accounts, prices and conflicts are reported by name",
                "a short text such as 'county water'",
                f"{kind}('county water', ...)",
            )
        )


def clean_unit(unit: object, limit: str) -> None:
    """Refuse a unit that is no text."""
    if not isinstance(unit, str):
        raise StudyError(
            four_parts(
                f"{limit!r} was given the unit {said(unit)}",
                f"that is {type(unit).__name__}",
                "a short text for the accounts, or none",
                "unit='m3 per year'",
            )
        )


def needs_bound(limit: str, *bounds: object) -> None:
    """Refuse a limit that limits nothing."""
    if all(b is None for b in bounds):
        raise StudyError(
            four_parts(
                f"{limit!r} sets no bound",
                "at_most and at_least are both None",
                "at least one of them",
                "at_most=<number, mapping, Series or column>",
            )
        )


def crossed(limit: str, low: Floats, high: Floats, keys: list[Any]) -> None:
    """Refuse a minimum over its maximum, and what is endless the wrong way."""
    if (low == np.inf).any() or (high == -np.inf).any():
        raise StudyError(
            four_parts(
                f"{limit!r} is bounded by infinity",
                "at_least is inf, or at_most is -inf: nothing keeps that",
                "finite bounds; at_most=inf or at_least=-inf for none",
                "at_most=900",
            )
        )
    bad = np.flatnonzero(low > high)
    if bad.size:
        g = int(bad[0])
        raise StudyError(
            four_parts(
                f"{limit!r} asks for at least {low[g]:g} and at most {high[g]:g}"
                + (f" in {keys[g]!r}" if keys[g] != "" else ""),
                "the minimum is over the maximum",
                "at_least <= at_most",
                "swap at_least and at_most",
            )
        )


@dataclass(frozen=True, eq=False)
class Limit(ShownAsCard):
    """Bound what the chosen sites use of a resource, in total or per group.

    The use of a group is the sum over its chosen sites of ``per_mw`` x MW plus
    ``per_site``.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    per_mw : str, number or Series, default 0
        Use per facility MW.
    per_site : str, number or Series, default 0
        Use per chosen site, whatever its size.
    by : str or Series, optional
        Group of each site; None puts all sites into one group.
    at_most, at_least : number, mapping, Series, str, ByYear or Arriving, optional
        Bound per group. A number holds for each group; a mapping or Series is
        keyed by group; a string names a column that is constant within its group.
        With years, ``at_most`` holds in every year and ``at_least`` in the last,
        unless it is given by year.
    unit : str, default ""
        Unit of the use, for the accounts.

    Raises
    ------
    StudyError
        A bound, a resource or the name cannot be used.

    Examples
    --------
    >>> Limit("substation headroom", per_mw=1, by="substation", at_most="headroom_mw")
    Limit('substation headroom')
    """

    #: Fields that may name a column that differs by option.
    by_option: ClassVar[tuple[str, ...]] = ("per_mw", "per_site")

    name: str
    per_mw: Quantity = 0
    per_site: Quantity = 0
    by: str | pd.Series[Any] | None = None
    at_most: Bound = None
    at_least: Bound = None
    unit: str = ""

    def __post_init__(self) -> None:
        clean_name(self.name, "Limit")
        clean_unit(self.unit, self.name)
        needs_bound(self.name, self.at_most, self.at_least)
        if all(
            isinstance(q, int | float) and q == 0 for q in (self.per_mw, self.per_site)
        ):
            raise StudyError(
                four_parts(
                    f"{self.name!r} counts nothing",
                    "per_mw and per_site are both 0",
                    "a use per MW or per site",
                    "Limit(name, per_mw=1, ...) counts megawatts",
                )
            )

    def __repr__(self) -> str:
        return f"Limit({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.per_mw, self.per_site, self.by, self.at_most, self.at_least)

    def rows(self, problem: Problem) -> Rows:
        """Return one row per group with a finite bound."""
        codes, keys = problem.groups(self.by, self.name)
        per_mw = problem.per_column(self.per_mw, self.name)
        per_site = problem.per_column(self.per_site, self.name)
        use = per_mw * problem.column_mw + per_site * problem.column_opens
        use = np.where(problem.column_site >= 0, use, 0.0)
        high = bound_values(
            problem, self.at_most, codes, keys, self.name, "at_most", np.inf
        )
        low = bound_values(
            problem, self.at_least, codes, keys, self.name, "at_least", -np.inf
        )
        crossed(self.name, low, high, keys)
        scale = power_of_thousand(use)
        matrix = problem.site_rows(codes, len(keys), use * scale)
        keep = np.isfinite(high) | np.isfinite(low)
        return Rows.make(
            matrix,
            low * scale,
            high * scale,
            self.name,
            keys,
            scale,
            "total",
        ).take(keep)

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return used and allowed per group of the chosen sites."""
        mw = sites["mw"]
        use = plain(sites, self.per_mw) * mw + plain(sites, self.per_site) * (mw > 0)
        key = plain_groups(sites, self.by)
        used = use.groupby(key).sum()
        return accounts(
            self.name,
            used.index,
            "total",
            plain_bound(sites, self.at_least, key, used.index, -np.inf),
            plain_bound(sites, self.at_most, key, used.index, np.inf),
            used.to_numpy(),
            self.unit,
        )


@dataclass(frozen=True, eq=False)
class Average(ShownAsCard):
    """Bound the weighted average of a column over the chosen sites.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    column : str, number or Series
        What is averaged, per site.
    at_most, at_least : float or ByYear, optional
        Bounds of the average, in the column's unit. An empty plan satisfies both.
        They hold in every year.
    unit : str, default ""
        Unit of the column, for the accounts.
    weight : str, number or Series, default 1
        Weight per facility MW, 0 or more: by megawatts where it is left out, by
        energy with a column of the energy per facility MW.

    Notes
    -----
    The PUE of a fleet is its facility energy over its IT energy, so it is averaged
    by IT energy; the carbon of its power is averaged by facility energy. Where all
    sites are used alike, these are ``1 / peak_ratio`` and ``pue / peak_ratio`` per
    facility MW.

    Raises
    ------
    StudyError
        No bound is set, the minimum is over the maximum, or a weight is negative.

    Examples
    --------
    >>> Average("carbon", "carbon_kg_per_mwh", at_most=350)
    Average('carbon')

    One site with a PUE of 1.1 and one of 1.4, each with 100 MW of facility power:

    >>> import geopandas as gpd
    >>> from siteselect.optimization import optimize_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": 0.9, "pue": [1.1, 1.4], "peak_ratio": [1.2, 1.5]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> pue = Average("pue", "pue", at_most=1.25, weight=1 / sites["peak_ratio"])
    >>> plan = optimize_sites(sites, power_mw=200, site_mw=[100], limits=[pue])
    >>> plan.limits.set_index("limit")["used"].round(4)["pue"].item()
    1.2333
    """

    #: A bound of an average holds whatever stands, in every year.
    floors_hold_always: ClassVar[bool] = True
    by_option: ClassVar[tuple[str, ...]] = ("column", "weight")

    name: str
    column: Quantity
    at_most: float | ByYear | None = None
    at_least: float | ByYear | None = None
    unit: str = ""
    weight: Quantity = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        clean_name(self.name, "Average")
        clean_unit(self.unit, self.name)
        needs_bound(self.name, self.at_most, self.at_least)
        if is_yearly(self.at_least) or is_yearly(self.at_most):
            return
        least: Any = self.at_least
        most: Any = self.at_most
        low = -np.inf if least is None else number(least, self.name)
        high = np.inf if most is None else number(most, self.name)
        crossed(self.name, np.array([low]), np.array([high]), [""])

    def __repr__(self) -> str:
        return f"Average({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.column, self.weight)

    def rows(self, problem: Problem) -> Rows:
        """Return ``sum((value - bound) x weight x MW)`` against zero, row by bound."""
        value = problem.per_column(self.column, self.name)
        weight = weights_of(problem, self.weight, self.name)
        return weighted_rows(
            problem, value, weight, self.at_least, self.at_most, self.name, "average"
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the weighted average of the chosen sites."""
        chosen = sites[sites["mw"] > 0]
        weight = plain(chosen, self.weight) * chosen["mw"]
        total = float(weight.sum())
        value = plain(chosen, self.column)
        used = float((value * weight).sum()) / total if total else np.nan
        return accounts(
            self.name,
            [""],
            "average",
            -np.inf if self.at_least is None else self.at_least,
            np.inf if self.at_most is None else self.at_most,
            [used],
            self.unit,
            total,
        )


@dataclass(frozen=True, eq=False)
class Share(ShownAsCard):
    """Bound the share of megawatts, or of energy, in sites where something holds.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    where : str or Series of bool
        Which sites count.
    at_least, at_most : float or ByYear, optional
        Bounds of the share, 0 to 1. An empty plan satisfies both. They hold in
        every year.
    weight : str, number or Series, default 1
        Weight per facility MW, 0 or more, as in `Average`.

    Raises
    ------
    StudyError
        A share is not between 0 and 1, or the name cannot be used.

    Notes
    -----
    A site that is clean in part has a share of its own, between 0 and 1: that is an
    `Average` of the column, as in ``Average("clean", "cfe", at_least=0.9)``.

    Examples
    --------
    >>> Share("clean", "is_clean", at_least=0.5)
    Share('clean')
    """

    #: A bound of an average holds whatever stands, in every year.
    floors_hold_always: ClassVar[bool] = True
    by_option: ClassVar[tuple[str, ...]] = ("where", "weight")

    name: str
    where: str | pd.Series[Any]
    at_least: float | ByYear | None = None
    at_most: float | ByYear | None = None
    weight: Quantity = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        clean_name(self.name, "Share")
        needs_bound(self.name, self.at_most, self.at_least)
        if is_yearly(self.at_least) or is_yearly(self.at_most):
            return
        ends: tuple[Any, Any] = (self.at_least, self.at_most)
        for bound in ends:
            if bound is not None and not 0 <= number(bound, self.name) <= 1:
                raise StudyError(
                    four_parts(
                        f"{self.name!r} bounds a share by {bound!r}",
                        "that is outside of what a share can be",
                        "a share from 0 to 1",
                        f"{bound!r} percent is {bound / 100:g}",
                    )
                )
        crossed(
            self.name,
            np.array([0.0 if ends[0] is None else ends[0]]),
            np.array([1.0 if ends[1] is None else ends[1]]),
            [""],
        )

    def __repr__(self) -> str:
        return f"Share({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.where, self.weight)

    def rows(self, problem: Problem) -> Rows:
        """Return ``sum((holds - share) x weight x MW)`` against zero, row by bound."""
        holds = problem.holds_per_column(self.where, self.name).astype(np.float64)
        weight = weights_of(problem, self.weight, self.name)
        return weighted_rows(
            problem, holds, weight, self.at_least, self.at_most, self.name, "share"
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the share of the chosen megawatts where it holds."""
        chosen = sites[sites["mw"] > 0]
        weight = plain(chosen, self.weight) * chosen["mw"]
        total = float(weight.sum())
        where = (
            chosen[self.where]
            if isinstance(self.where, str)
            else self.where.loc[chosen.index]
        )
        inside = float(weight[where.astype(bool)].sum())
        return accounts(
            self.name,
            [""],
            "share",
            -np.inf if self.at_least is None else self.at_least,
            np.inf if self.at_most is None else self.at_most,
            [inside / total if total else np.nan],
            "share of MW" if is_number(self.weight) else "weighted share",
            total,
        )


@dataclass(frozen=True, eq=False)
class Spread(ShownAsCard):
    """Spread the chosen sites over groups such as states or counties.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    by : str or Series
        Group of each site.
    at_least : int or ByYear, optional
        Least number of distinct groups with a chosen site; with years in the last
        one, unless it is given by year.
    max_sites_per_group : int or ByYear, optional
        Most chosen sites in one group.
    max_share : float or ByYear, optional
        Most of the chosen megawatts in one group, 0 to 1.

    Raises
    ------
    StudyError
        A bound cannot be used, or none is given.

    Examples
    --------
    >>> Spread("states", by="state", at_least=3, max_share=0.4)
    Spread('states')
    """

    name: str
    by: str | pd.Series[Any]
    at_least: int | ByYear | None = None
    max_sites_per_group: int | ByYear | None = None
    max_share: float | ByYear | None = None

    def __post_init__(self) -> None:
        clean_name(self.name, "Spread")
        if self.at_least is self.max_sites_per_group is self.max_share is None:
            raise StudyError(
                four_parts(
                    f"{self.name!r} sets no bound",
                    "at_least, max_sites_per_group and max_share are all None",
                    "at least one of them",
                    "at_least=3, max_sites_per_group=1 or max_share=0.4",
                )
            )
        for count in (self.at_least, self.max_sites_per_group):
            if isinstance(count, ByYear):
                continue
            if count is not None and (
                number(count, self.name) < 0 or float(count) != int(count)
            ):
                raise StudyError(
                    four_parts(
                        f"{self.name!r} was given {count!r}",
                        "that is negative or not whole",
                        "a whole number of sites or groups",
                        "siteselect.Spread(name, by='state', at_least=3)",
                    )
                )
        if (
            self.max_share is not None
            and not isinstance(self.max_share, ByYear)
            and not 0 < number(self.max_share, self.name) <= 1
        ):
            raise StudyError(
                four_parts(
                    f"{self.name!r} bounds a share by {self.max_share!r}",
                    "that is outside of what a share can be",
                    "a share over 0 and up to 1",
                    "max_share=0.4",
                )
            )

    def __repr__(self) -> str:
        return f"Spread({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.by,)

    def _floating(self, problem: Problem) -> bool:
        return self.max_share is not None and problem.power_mw[0] != problem.power_mw[1]

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return "this group is used", and the total MW where it may float.

        "Used" lies between 0 and 1 and never over the number of chosen sites of its
        group, so that the sum counts groups exactly without being integer.
        """
        _, keys = problem.groups(self.by, self.name)
        names: list[str] = []
        upper: list[float] = []
        if self.at_least is not None:
            names += [f"{self.name}: {key} is used" for key in keys]
            upper += [1.0] * len(keys)
        if self._floating(problem):
            # Not tighter than what the columns can reach: a redundant bound.
            most = float((problem.column_mw * problem.upper).sum()) * GW
            names.append(f"{self.name}: total GW")
            upper.append(min(most, problem.power_mw[1] * GW))
        if not names:
            return None
        return ExtraColumns(
            tuple(names),
            np.zeros(len(names)),
            np.array(upper),
            np.zeros(len(names), dtype=bool),
        )

    def rows(self, problem: Problem) -> Rows:
        """Return the rows of all bounds that were given."""
        codes, keys = problem.groups(self.by, self.name)
        n = len(keys)
        own = problem.extra.get(self.name, slice(0, 0))
        opens = problem.column_opens.astype(np.float64)
        parts: list[Rows] = []
        at = own.start
        # Bounds by year have become those of the year by now.
        least: Any = self.at_least
        most_sites: Any = self.max_sites_per_group
        most_share: Any = self.max_share
        if least is not None:
            used = sparse.csr_array(
                (np.ones(n), (np.arange(n), at + np.arange(n))),
                shape=(n, problem.n_columns),
            )
            inside = problem.site_rows(codes, n, opens)
            parts.append(Rows.make(inside - used, 0.0, np.inf, self.name, keys))
            count = sparse.csr_array(used.sum(axis=0).reshape(1, -1))
            parts.append(
                Rows.make(
                    count,
                    least,
                    np.inf,
                    self.name,
                    None,
                    1.0,
                    "distinct groups",
                )
            )
            at += n
        if most_sites is not None:
            parts.append(
                Rows.make(
                    problem.site_rows(codes, n, opens),
                    -np.inf,
                    most_sites,
                    self.name,
                    keys,
                    1.0,
                    "sites per group",
                )
            )
        if most_share is not None:
            inside = problem.site_rows(codes, n, problem.column_mw * GW)
            if self._floating(problem):
                total = sparse.csr_array(
                    (np.ones(n), (np.arange(n), np.full(n, at))),
                    shape=(n, problem.n_columns),
                )
                parts.append(
                    Rows.make(
                        inside - most_share * total,
                        -np.inf,
                        0.0,
                        self.name,
                        keys,
                        GW,
                        "share per group",
                    )
                )
                sum_row = problem.column_mw * GW
                sum_row = sum_row.copy()
                sum_row[at] = -1.0
                parts.append(
                    Rows.make(sparse.csr_array(sum_row.reshape(1, -1)), 0, 0, self.name)
                )
            else:
                most = most_share * problem.power_mw[1] * GW
                parts.append(
                    Rows.make(
                        inside, -np.inf, most, self.name, keys, GW, "share per group"
                    )
                )
        return Rows.stack(parts)

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return distinct groups, sites per group and share per group."""
        chosen = sites[sites["mw"] > 0]
        key = plain_groups(chosen, self.by)
        total = float(chosen["mw"].sum())
        parts = []
        if self.at_least is not None:
            parts.append(
                accounts(
                    self.name,
                    [""],
                    "distinct groups",
                    self.at_least,
                    np.inf,
                    [key.nunique()],
                    "groups",
                )
            )
        if self.max_sites_per_group is not None:
            count = chosen["mw"].groupby(key).size()
            parts.append(
                accounts(
                    self.name,
                    count.index,
                    "sites per group",
                    -np.inf,
                    self.max_sites_per_group,
                    count.to_numpy(),
                    "sites",
                )
            )
        if self.max_share is not None:
            share = chosen["mw"].groupby(key).sum() / (total or 1.0)
            parts.append(
                accounts(
                    self.name,
                    share.index,
                    "share per group",
                    -np.inf,
                    self.max_share,
                    share.to_numpy(),
                    "share of MW",
                    total,
                )
            )
        return pd.concat(parts, ignore_index=True)


#: Above this many pairs that are too close, cliques are found where needed.
MOST_PAIRS = 5_000


@dataclass(frozen=True, eq=False)
class Spacing(ShownAsCard):
    """Keep chosen sites at least ``km`` apart, measured on the ellipsoid.

    Sites exactly ``km`` apart are allowed. Polygons are measured between their
    representative points.

    Parameters
    ----------
    km : float
        Least geodesic distance [km].
    within : str, optional
        Only sites with the same value of this column are kept apart.
    name : str, default "spacing"
        Name in accounts, prices and conflicts.

    Raises
    ------
    StudyError
        The distance is no positive number.

    Notes
    -----
    Pairs that are too close are covered by maximal cliques, one row "at most one
    of these" each, which is tighter and far shorter than one row per pair.

    Examples
    --------
    >>> Spacing(km=40)
    Spacing(40 km)
    """

    km: float
    within: str | None = None
    name: str = "spacing"
    #: Sites never close: pairs that are apart at the end always were.
    last_year_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        clean_name(self.name, "Spacing")
        if not isinstance(self.within, str | None):
            raise StudyError(
                four_parts(
                    f"{self.name!r} keeps sites apart within {said(self.within)}",
                    f"that is {type(self.within).__name__}",
                    "the name of a column, or None for all sites",
                    "siteselect.Spacing(40, within='state')",
                )
            )
        if number(self.km, self.name) < 0 or self.km > 20_000:
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given {self.km!r} km",
                    "it is negative or longer than half the equator",
                    "a distance from 0 to 20,000 km",
                    "siteselect.Spacing(km=40)",
                )
            )

    def __repr__(self) -> str:
        return f"Spacing({self.km:g} km)"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.within,)

    def nearby(self, problem: Problem) -> Nearby:
        """Return the pairs of this problem that are too close, found on demand."""
        key = ("nearby", self.km, self.within)
        if key not in problem._cache:
            codes = None
            if self.within is not None:
                codes, _ = problem.groups(self.within, self.name)
            points = problem._cache.get("lonlat")
            if points is None:
                points = problem._cache["lonlat"] = lonlat(problem.frame)
            problem._cache[key] = Nearby(points, float(self.km), codes)
        found: Nearby = problem._cache[key]
        return found

    def is_lazy(self, problem: Problem) -> bool:
        """Return whether there are too many pairs to cover them all beforehand."""
        return not self.nearby(problem).count_at_most(MOST_PAIRS)

    def clique_rows(self, problem: Problem, cliques: list[Ints]) -> Rows:
        """Return one row "at most one of these" per clique of sites."""
        if not cliques:
            return Rows.empty(problem.n_columns)
        sizes = [len(c) for c in cliques]
        member = sparse.csr_array(
            (
                np.ones(sum(sizes)),
                (np.repeat(np.arange(len(cliques)), sizes), np.concatenate(cliques)),
            ),
            shape=(len(cliques), problem.n_sites),
        )
        cols = problem.open_columns
        opens = sparse.csr_array(
            (np.ones(cols.size), (problem.column_site[cols], cols)),
            shape=(problem.n_sites, problem.n_columns),
        )
        return Rows.make(member @ opens, -np.inf, 1.0, self.name)

    def rows(self, problem: Problem) -> Rows:
        """Return the clique rows that cover every pair that is too close."""
        if self.km == 0:
            return Rows.empty(problem.n_columns)
        nearby = self.nearby(problem)
        key = ("cliques", self.km, self.within)
        if key not in problem._cache:
            problem._cache[key] = nearby.clique_cover(*nearby.all_pairs())
        return self.clique_rows(problem, problem._cache[key])

    def cuts(self, problem: Problem, x: Floats) -> Rows:
        """Return clique rows that ``x`` violates; none when all pairs are apart."""
        if self.km == 0:
            return Rows.empty(problem.n_columns)
        weight = problem.sites_open(x)
        return self.clique_rows(problem, self.nearby(problem).violated_cliques(weight))

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the smallest distance between chosen sites."""
        chosen = sites[sites["mw"] > 0]
        points = chosen.geometry.to_crs("EPSG:4326")
        if not (points.geom_type == "Point").all():
            points = points.representative_point()
        lon, lat = points.x.to_numpy(), points.y.to_numpy()
        i, j = np.triu_indices(len(chosen), k=1)
        if self.within is not None:
            kind = chosen[self.within].to_numpy()
            same = kind[i] == kind[j]
            i, j = i[same], j[same]
        least = np.inf
        if i.size:
            _, _, metres = Geod(ellps="WGS84").inv(lon[i], lat[i], lon[j], lat[j])
            least = float(np.min(metres)) / 1000.0
        return accounts(
            self.name, [""], "distance", self.km, np.inf, [least], "km", np.nan
        )


@dataclass(frozen=True, eq=False)
class Power(ShownAsCard):
    """Built-in limit: total facility MW, by year where there are years."""

    at_least: float
    at_most: float
    name: str = "power"
    by_year: Mapping[int, tuple[float, float]] | None = None

    def in_year(self, year: int, *, is_last: bool) -> Power | None:
        """Return the bounds of one year."""
        low, high = (self.by_year or {}).get(year, (0.0, np.inf))
        if low <= 0 and not np.isfinite(high):
            return None
        return Power(low, high, self.name)

    def rows(self, problem: Problem) -> Rows:
        """Return one row in GW."""
        matrix = sparse.csr_array((problem.column_mw * GW).reshape(1, -1))
        return Rows.make(
            matrix, self.at_least * GW, self.at_most * GW, self.name, None, GW, "power"
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the total MW."""
        used = [float(sites["mw"].sum())]
        return accounts(
            self.name, [""], "power", self.at_least, self.at_most, used, "MW"
        )


#: Column of facility MW per IT MW at peak, and what is taken where it is absent.
PEAK_RATIO = "peak_ratio"
DEFAULT_PEAK_RATIO = 1.30


@dataclass(frozen=True, eq=False)
class ItPower(ShownAsCard):
    """Built-in limit: total IT MW, which is facility MW over the sizing ratio."""

    at_least: float
    at_most: float
    name: str = "it power"
    by_year: Mapping[int, tuple[float, float]] | None = None

    def uses(self) -> tuple[Any, ...]:
        """Return the columns that this limit reads."""
        return (PEAK_RATIO,)

    def in_year(self, year: int, *, is_last: bool) -> ItPower | None:
        """Return the bounds of one year."""
        low, high = (self.by_year or {}).get(year, (0.0, np.inf))
        if low <= 0 and not np.isfinite(high):
            return None
        return ItPower(low, high, self.name)

    def rows(self, problem: Problem) -> Rows:
        """Return one row in GW of IT."""
        has_column = PEAK_RATIO in problem.frame.columns
        spec: Quantity = PEAK_RATIO if has_column else DEFAULT_PEAK_RATIO
        ratio = problem.per_column(spec, self.name)
        low = (ratio < 1) & (problem.column_site >= 0)
        if low.any():
            bad = problem.frame.index[np.unique(problem.column_site[low])]
            raise StudyError(
                four_parts(
                    f"{self.name!r} divides facility MW by {PEAK_RATIO!r}",
                    "it is below 1 for " + shown(repr(x) for x in bad),
                    "facility MW per IT MW at peak, 1 or more",
                    f"sites[{PEAK_RATIO!r}] = {DEFAULT_PEAK_RATIO:.2f}",
                )
            )
        use = np.where(problem.column_site >= 0, problem.column_mw / ratio, 0.0)
        matrix = sparse.csr_array((use * GW).reshape(1, -1))
        return Rows.make(
            matrix, self.at_least * GW, self.at_most * GW, self.name, None, GW, "power"
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the total IT MW."""
        ratio = sites.get(PEAK_RATIO, DEFAULT_PEAK_RATIO)
        used = [float((sites["mw"] / ratio).sum())]
        return accounts(
            self.name, [""], "power", self.at_least, self.at_most, used, "IT MW"
        )


@dataclass(frozen=True, eq=False)
class Budget(ShownAsCard):
    """Built-in limit: what the cost columns count, in US dollars.

    With ``by_year`` each amount bounds the period that ends with its year.
    """

    at_most: float
    name: str = "budget"
    by_year: Mapping[int, float] | None = None

    def rows(self, problem: Problem) -> Rows:
        """Return one row in M$."""
        matrix = sparse.csr_array((problem.column_cost * MILLION).reshape(1, -1))
        return Rows.make(
            matrix, -np.inf, self.at_most * MILLION, self.name, None, MILLION, "money"
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the total cost."""
        used = [float(sites["cost_usd"].sum())]
        return accounts(self.name, [""], "money", -np.inf, self.at_most, used, "USD")


@dataclass(frozen=True, eq=False)
class Sites(ShownAsCard):
    """Built-in limit: number of chosen sites; the least of it at the end."""

    at_least: float
    at_most: float
    name: str = "sites"

    def in_year(self, year: int, *, is_last: bool) -> Sites | None:
        """Return the limit of one year."""
        if is_last:
            return self
        return Sites(0.0, self.at_most) if np.isfinite(self.at_most) else None

    def rows(self, problem: Problem) -> Rows:
        """Return one row over the opening columns."""
        matrix = sparse.csr_array(problem.column_opens.astype(float).reshape(1, -1))
        return Rows.make(
            matrix, self.at_least, self.at_most, self.name, None, 1.0, "count"
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the number of chosen sites."""
        used = [int((sites["mw"] > 0).sum())]
        return accounts(
            self.name, [""], "count", self.at_least, self.at_most, used, "sites"
        )


@dataclass(frozen=True, eq=False)
class SiteCapacity(ShownAsCard):
    """Built-in limit: one size per site, extra megawatts only where it is open.

    Capacity itself needs no row: sizes over it are not offered.
    """

    name: str = "site capacity"

    def rows(self, problem: Problem) -> Rows:
        """Return one row per site with several sizes, one per continuous range."""
        opens = problem.column_opens
        cols = problem.open_columns
        count = np.bincount(problem.column_site[cols], minlength=problem.n_sites)
        many = np.flatnonzero(count > 1)
        code = np.full(problem.n_sites, -1, dtype=np.int64)
        code[many] = np.arange(many.size)
        choose = problem.site_rows(code, many.size, opens.astype(float))
        labels = problem.frame.index.to_numpy(dtype=object)
        parts = [Rows.make(choose, -np.inf, 1.0, self.name, labels[many])]
        more = np.flatnonzero(problem.column_opener >= 0)
        if more.size:
            site = problem.column_site[more]
            k = np.arange(more.size)
            link = sparse.csr_array(
                (
                    np.concatenate([np.ones(more.size), -np.ones(more.size)]),
                    (
                        np.concatenate([k, k]),
                        np.concatenate([more, problem.column_opener[more]]),
                    ),
                ),
                shape=(more.size, problem.n_columns),
            )
            parts.append(Rows.make(link, -np.inf, 0.0, self.name, labels[site]))
        return Rows.stack(parts)

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return nothing: sizes are checked site by site by ``verify()``."""
        return accounts(self.name, [], "capacity", [], [], [], "MW", [])


@dataclass(frozen=True, eq=False)
class Fixed(ShownAsCard):
    """Built-in limit: sites that must be chosen."""

    name: str = "fixed"

    def which(self, problem: Problem) -> Bools:
        """Return the sites that this limit asks for."""
        if problem.standing_mw is None:
            return problem.fixed
        return problem.fixed & ~(problem.standing_mw > 0)

    def rows(self, problem: Problem) -> Rows:
        """Return one row per fixed site."""
        where = np.flatnonzero(self.which(problem))
        code = np.full(problem.n_sites, -1, dtype=np.int64)
        code[where] = np.arange(where.size)
        opens = problem.column_opens.astype(float)
        labels = problem.frame.index.to_numpy(dtype=object)
        return Rows.make(
            problem.site_rows(code, where.size, opens),
            1.0,
            np.inf,
            self.name,
            labels[where],
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return nothing: fixed sites are checked by ``verify()``."""
        return accounts(self.name, [], "fixed", [], [], [], "", [])


@dataclass(frozen=True, eq=False)
class Existing(Fixed):
    """Built-in limit: what stands stays in the plan."""

    name: str = "existing"

    def which(self, problem: Problem) -> Bools:
        """Return the sites where something stands."""
        assert problem.standing_mw is not None
        return problem.standing_mw > 0


def is_number(weight: Quantity) -> bool:
    """Return whether a weight is one number, so that megawatts decide."""
    return isinstance(weight, int | float)


def weights_of(problem: Problem, spec: Quantity, limit: str) -> Floats:
    """Return the weight per facility MW of each column, or refuse a negative one."""
    weight = problem.per_column(spec, limit)
    own = problem.column_site >= 0
    if not own.any():
        return weight
    bad = np.unique(problem.column_site[own & (weight < 0)])
    if bad.size or not (weight[own] > 0).any():
        raise StudyError(
            four_parts(
                f"{limit!r} weighs sites by {said(getattr(spec, 'name', spec))}",
                "it is negative for " + shown(repr(x) for x in problem.frame.index[bad])
                if bad.size
                else "it is 0 everywhere",
                "weights per MW of 0 or more, not all 0",
                "weight=1 / sites['peak_ratio'] weighs by IT power",
            )
        )
    return weight


def weighted_rows(
    problem: Problem,
    value: Floats,
    weight: Floats,
    low: Any,
    high: Any,
    name: str,
    kind: str,
) -> Rows:
    """Return the rows that bound a weighted average of ``value``."""
    mw = np.where(problem.column_site >= 0, problem.column_mw * weight, 0.0)
    parts = []
    for bound, is_most in ((low, False), (high, True)):
        if bound is None:
            continue
        use = (value - bound) * mw
        scale = power_of_thousand(use)
        matrix = sparse.csr_array((use * scale).reshape(1, -1))
        matrix.eliminate_zeros()
        ends = (-np.inf, 0.0) if is_most else (0.0, np.inf)
        parts.append(Rows.make(matrix, *ends, name, None, scale, kind))
    return Rows.stack(parts)


def truth(problem: Problem, where: str | pd.Series[Any], limit: str) -> Bools:
    """Return a boolean column or Series per site."""
    return truths(problem.frame, where, limit)


# What follows serves ``check`` only and shares nothing with the rows above.


def plain(sites: gpd.GeoDataFrame, spec: Quantity) -> pd.Series[Any]:
    """Return a column, Series or number as a Series over the sites."""
    if isinstance(spec, str):
        column: pd.Series[Any] = sites[spec].astype(float)
        return column
    if isinstance(spec, pd.Series):
        return pd.Series(spec.loc[sites.index].astype(float))
    return pd.Series(float(spec), index=sites.index)


def plain_groups(
    sites: gpd.GeoDataFrame, by: str | pd.Series[Any] | None
) -> pd.Series[Any]:
    """Return the group of each site as a Series."""
    if by is None:
        return pd.Series("", index=sites.index)
    if isinstance(by, str):
        key: pd.Series[Any] = sites[by]
        return key
    return pd.Series(by.loc[sites.index])


def plain_bound(
    sites: gpd.GeoDataFrame,
    spec: Bound,
    key: pd.Series[Any],
    index: pd.Index[Any],
    default: float,
) -> npt.NDArray[np.float64]:
    """Return the bound of each group in ``index``."""
    if spec is None:
        return np.full(len(index), default)
    if isinstance(spec, str | PerSite):
        each = sites[spec] if isinstance(spec, str) else spec.values.loc[sites.index]
        first = each.astype(float).groupby(key).first().loc[index]
        return np.asarray(first, dtype=np.float64)
    if isinstance(spec, Mapping | pd.Series):
        return np.array([float(spec[k]) for k in index])
    if isinstance(spec, ByYear | Arriving):
        raise TypeError("a bound by year is checked year by year")
    return np.full(len(index), float(spec))


__all__ = [
    "Average",
    "Limit",
    "Share",
    "Spacing",
    "Spread",
    "SupportsLimit",
    "accounts",
]
