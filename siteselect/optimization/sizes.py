"""Which sizes a site may take, with what each costs.

A size is a number, or a range ``(least, most)`` of which any part may be taken; both
may stand in one list. What stands already at a site is its smallest size, and free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, said, shown
from siteselect.optimization.problem import (
    SMALLEST_SITE_MW,
    Bools,
    Floats,
    Ints,
    Quantity,
    aligned,
    as_floats,
    held,
    is_many,
    number,
    quantity,
    raise_missing,
    truths,
)

#: One size: a number, or a range of which either end may be None.
Size: TypeAlias = "float | int | tuple[float | None, float | None]"
#: A column, number or Series, or one of these per size.
Sized: TypeAlias = "Quantity | Mapping[Any, Quantity] | Any"
Sizes: TypeAlias = "Size | Sequence[Size] | Mapping[Any, Any] | None"

#: The smallest size of a list [MW]: what is less is lost in a solver's rounding.
SMALLEST_SIZE_MW = 1e-4
DEFAULT_CAPACITY = "capacity_mw"
DEFAULT_COST = "cost_usd_per_mw"
DEFAULT_FIXED_COST = "fixed_cost_usd"
LIFETIME_COST = "lifetime_cost_usd_per_mw"


def floats(
    sites: gpd.GeoDataFrame, spec: Quantity, what: str
) -> npt.NDArray[np.float64]:
    """Return numbers per row, NaN where unknown."""
    if isinstance(spec, str | pd.Series):
        column = aligned(sites, spec, what)
        values = as_floats(column)
        if values is None:
            raise StudyError(
                four_parts(
                    f"{what} reads {getattr(spec, 'name', spec)!r}",
                    held(column),
                    "a numeric column, a number or a Series",
                    "sites[column] = pandas.to_numeric(sites[column])",
                )
            )
        return values
    return np.full(len(sites), number(spec, what))


def has(sites: gpd.GeoDataFrame, spec: Sized, default: str) -> bool:
    """Return whether a column is there; only a default may be absent."""
    if isinstance(spec, str) and spec == default:
        return spec in sites.columns
    return True


@dataclass(frozen=True)
class Option:
    """One size on offer: ``least`` is ``most`` unless it is a range."""

    least: float
    most: float
    is_range: bool

    @property
    def key(self) -> Any:
        """How a mapping by size names it."""
        return (self.least, self.most) if self.is_range else self.least

    def __str__(self) -> str:
        if not self.is_range:
            return f"{self.least:g} MW"
        return f"({self.least:g}, {self.most:g}) MW"


def range_of(pair: tuple[Any, ...], site_mw: Any) -> Option:
    """Read a range ``(least, most)``; None is from 0, or up to the capacity."""
    if len(pair) != 2:
        raise StudyError(
            four_parts(
                f"site_mw={site_mw!r} was asked for",
                f"a tuple is a range and this one has {len(pair)} values",
                "a list of sizes, or a range (least, most)",
                f"site_mw={list(pair)!r}",
            )
        )
    low = 0.0 if pair[0] is None else number(pair[0], "site_mw")
    high = np.inf if pair[1] is None else number(pair[1], "site_mw")
    if low < 0 or low > high or high <= 0:
        raise StudyError(
            four_parts(
                f"site_mw={site_mw!r} was asked for",
                "the minimum is over the maximum or below 0",
                "a range (least, most) in facility MW, or a list of sizes",
                "site_mw=(100, 500)",
            )
        )
    return Option(low, high, True)


def option_of(size: Any, site_mw: Any) -> Option:
    """Read one size of a list or mapping."""
    if isinstance(size, tuple):
        return range_of(size, site_mw)
    value = number(size, "site_mw")
    return Option(value, value, False)


def options_of(site_mw: Any) -> tuple[list[Option], dict[Option, Any]]:
    """Return the sizes on offer, smallest first, and where each is offered."""
    offered: dict[Option, Any] = {}
    if site_mw is None:
        return [Option(0.0, np.inf, True)], offered
    if isinstance(site_mw, tuple):
        return [range_of(site_mw, site_mw)], offered
    if isinstance(site_mw, Mapping):
        offered = {option_of(s, site_mw): where for s, where in site_mw.items()}
        found = list(offered)
    elif is_many(site_mw):
        found = [option_of(s, site_mw) for s in site_mw]
    else:
        found = [option_of(site_mw, site_mw)]
    options = sorted(set(found), key=lambda o: (o.least, o.most, o.is_range))
    sizes = [o for o in options if not o.is_range]
    if not options or (sizes and sizes[0].least < SMALLEST_SIZE_MW):
        small = f"a size is not over 0 MW, or below {SMALLEST_SIZE_MW:g} MW"
        raise StudyError(
            four_parts(
                f"site_mw={said(site_mw)} was asked for",
                "there is no size" if not options else small,
                f"sizes in facility MW, over 0, from {SMALLEST_SIZE_MW:g}",
                "site_mw=[100, 300]",
            )
        )
    return options, offered


def size_key(key: Any) -> Any:
    """Return a size as the key of a mapping: a number, or a pair of numbers."""
    if isinstance(key, tuple):
        return range_of(key, key).key
    return number(key, "a size")


def sized(
    frame: gpd.GeoDataFrame, spec: Sized, options: list[Option], what: str
) -> Floats:
    """Return values of shape (n, n_options), NaN where unknown."""
    if isinstance(spec, Mapping):
        given = {size_key(k): v for k, v in spec.items()}
        missing = [o for o in options if o.key not in given]
        if missing:
            raise StudyError(
                four_parts(
                    f"{what} is given per size",
                    "no entry for " + shown(map(str, missing)),
                    "one column, number or Series per size of site_mw",
                    f"{what}={{size: column for each of {[o.key for o in options]}}}",
                )
            )
        return np.column_stack([floats(frame, given[o.key], what) for o in options])
    return np.repeat(floats(frame, spec, what)[:, None], len(options), axis=1)


@dataclass(frozen=True, eq=False)
class Offer:
    """What each eligible site is offered.

    Parameters
    ----------
    options : list of Option
        Sizes, smallest first.
    least, most : ndarray, shape (n_sites, n_options)
        Ends of each size at each site, cut off at its capacity.
    allowed : ndarray of bool, shape (n_sites, n_options)
        Where the size is offered.
    per_mw, fixed, lifetime_per_mw : ndarray, shape (n_sites, n_options)
        Cost per MW and once [USD]; lifetime cost per MW where the objective asks
        for it.
    """

    options: list[Option]
    least: Floats
    most: Floats
    allowed: Bools
    per_mw: Floats
    fixed: Floats
    lifetime_per_mw: Floats | None

    def cost(self, mw: Floats) -> Floats:
        """Return the cost of sizes ``mw``, shape (n_sites, n_options)."""
        total: Floats = self.per_mw * mw + self.fixed
        return total

    def lifetime(self, mw: Floats) -> Floats | None:
        """Return the lifetime cost of sizes ``mw``, shape (n_sites, n_options)."""
        if self.lifetime_per_mw is None:
            return None
        total: Floats = self.lifetime_per_mw * mw + self.fixed
        return total

    def standing(self, mw: Floats) -> Ints:
        """Return the option whose prices hold for what stands at each site."""
        starts = np.array([o.least for o in self.options])
        found = np.searchsorted(starts, mw * (1 + 1e-9), side="right") - 1
        return np.maximum(found, 0)


def offer(
    request: Any, frame: gpd.GeoDataFrame, capacity: Sized, has_capacity: bool
) -> Offer:
    """Return the sizes that each site of ``frame`` can carry, with their cost.

    Parameters
    ----------
    request : Request
        Sizes and cost columns.
    frame : geopandas.GeoDataFrame
        The eligible candidates in canonical order.
    capacity : str, number, Series or mapping
        The most that a site can take, in the year asked about.
    has_capacity : bool
        False if there is no capacity column.
    """
    site_mw = request.site_mw
    options, offered = options_of(site_mw)
    n, m = len(frame), len(options)
    if site_mw is None or isinstance(site_mw, tuple):
        for spec, what in (
            (capacity, "capacity"),
            (request.cost_per_mw, "cost_per_mw"),
            (request.fixed_cost, "fixed_cost"),
        ):
            if isinstance(spec, Mapping):
                raise StudyError(
                    four_parts(
                        f"{what} is given per size",
                        "site_mw is a range, which has no sizes",
                        "a list of sizes, or one column for the range",
                        "site_mw=[100, 300]",
                    )
                )
    least = np.tile([_opening_mw(o) for o in options], (n, 1))
    most = np.tile([o.most for o in options], (n, 1))
    allowed = np.ones((n, m), dtype=bool)
    ranges = np.array([o.is_range for o in options])
    if has_capacity:
        room = sized(frame, capacity, options, "capacity")
        with np.errstate(invalid="ignore"):
            fits = least <= room * (1 + 1e-12)
            reach = np.minimum(room, most) >= least * (1 - 1e-12)
        allowed = np.where(ranges, reach, fits)
        most[:, ranges] = np.minimum(room, most)[:, ranges]
    # An unknown capacity is no offer; an endless one is a mistake.
    if np.isinf(most[:, ranges]).any():
        raise StudyError(
            four_parts(
                "a site may take any size up to its capacity",
                "there is no finite capacity column and no largest size",
                "a capacity, or sizes",
                "site_mw=[100, 300], or capacity=<column or number>",
            )
        )
    most = np.maximum(np.where(allowed, most, least), least)
    for k, option in enumerate(options):
        where = offered.get(option)
        if where is None or where is True:
            continue
        if where is False:
            allowed[:, k] = False
            continue
        if not isinstance(where, str | pd.Series):
            raise StudyError(
                four_parts(
                    f"site_mw offers {option} where {said(where)}",
                    f"that is {type(where).__name__}",
                    "True, False, a boolean column or Series per size",
                    "site_mw={100: True, 300: 'is_large'}",
                )
            )
        allowed[:, k] &= truths(frame, where, "site_mw")
    zero = np.zeros((n, m))
    per_mw, fixed = zero, zero
    if has(frame, request.cost_per_mw, DEFAULT_COST):
        per_mw = sized(frame, request.cost_per_mw, options, "cost_per_mw")
    if has(frame, request.fixed_cost, DEFAULT_FIXED_COST):
        fixed = sized(frame, request.fixed_cost, options, "fixed_cost")
    for values, spec, what in (
        (per_mw, request.cost_per_mw, "cost_per_mw"),
        (fixed, request.fixed_cost, "fixed_cost"),
    ):
        bad = np.flatnonzero((allowed & ~np.isfinite(values)).any(axis=1))
        if bad.size:
            name = spec if isinstance(spec, str) else what
            raise_missing(frame, name, bad, what)
    lifetime = lifetime_cost(request, frame)
    if lifetime is not None:
        lifetime = np.repeat(lifetime[:, None], m, axis=1)
    return Offer(options, least, most, allowed, per_mw, fixed, lifetime)


def _opening_mw(option: Option) -> float:
    return max(option.least, SMALLEST_SITE_MW) if option.is_range else option.least


def lifetime_cost(request: Any, frame: gpd.GeoDataFrame) -> Floats | None:
    """Return lifetime cost per MW where the objective asks for it."""
    if request.objective != "cost":
        return None
    default = isinstance(request.cost_per_mw, str) and (
        request.cost_per_mw == DEFAULT_COST
    )
    if default and LIFETIME_COST in frame.columns:
        return quantity(frame, LIFETIME_COST, "objective='cost'")
    return None


@dataclass(frozen=True, eq=False)
class SizeTable:
    """Sizes as columns: one entry per opening column, by site and size.

    ``cost`` and ``lifetime`` are those of the opening; ``per_mw`` and
    ``lifetime_per_mw`` price what a range adds.
    """

    site: Ints
    least: Floats
    most: Floats
    cost: Floats
    lifetime: Floats | None
    per_mw: Floats
    lifetime_per_mw: Floats | None
    #: By limit that offers options per site: the option of each entry.
    option: Mapping[str, Ints] = field(default_factory=dict)

    def take(self, keep: Any) -> SizeTable:
        """Return some of the entries."""
        return SizeTable(
            self.site[keep],
            self.least[keep],
            self.most[keep],
            self.cost[keep],
            None if self.lifetime is None else self.lifetime[keep],
            self.per_mw[keep],
            None if self.lifetime_per_mw is None else self.lifetime_per_mw[keep],
            {name: which[keep] for name, which in self.option.items()},
        )

    def with_option(self, name: str, options: Any, standing: Floats) -> SizeTable:
        """Return every entry once per option of its site.

        A site that stands has its option already: it pays for what it adds.
        """
        entry, which = option_entries(self.site, options)
        table = self.take(entry)
        stands = standing[table.site]
        per_mw = options.cost_usd_per_mw[which]
        added = per_mw * (table.least - stands)
        added += np.where(stands > 0, 0.0, options.cost_usd[which])
        lifetime, per_life = table.lifetime, table.lifetime_per_mw
        return replace(
            table,
            cost=table.cost + added,
            lifetime=None if lifetime is None else lifetime + added,
            per_mw=table.per_mw + per_mw,
            lifetime_per_mw=None if per_life is None else per_life + per_mw,
            option={**table.option, name: which},
        )


def option_entries(site: Ints, options: Any) -> tuple[Ints, Ints]:
    """Return which entry of ``site`` goes with which option of the same site."""
    first = np.searchsorted(options.site, site, side="left")
    count = np.searchsorted(options.site, site, side="right") - first
    entry = np.repeat(np.arange(site.size), count)
    within = np.arange(entry.size) - np.repeat(np.cumsum(count) - count, count)
    return entry.astype(np.int64), (first[entry] + within).astype(np.int64)


def size_table(found: Offer, standing: Floats, may_grow: Bools) -> SizeTable:
    """Return one entry per site and size, what stands already as the smallest.

    Parameters
    ----------
    found : Offer
        Sizes on offer.
    standing : ndarray, shape (n_sites,)
        What stands already [MW], 0 where nothing does.
    may_grow : ndarray of bool, shape (n_sites,)
        False where a standing site stays as it is.
    """
    site, which = np.nonzero(found.allowed)
    lifetime = found.lifetime(found.least)
    per_life = found.lifetime_per_mw
    table = SizeTable(
        site.astype(np.int64),
        found.least[site, which],
        found.most[site, which],
        found.cost(found.least)[site, which],
        None if lifetime is None else lifetime[site, which],
        found.per_mw[site, which],
        None if per_life is None else per_life[site, which],
    )
    stands = np.flatnonzero(standing > 0)
    if not stands.size:
        return table
    here = standing[table.site]
    # A size that does not add to what stands is no choice.
    keep = (here == 0) | ((table.most > here * (1 + 1e-9)) & may_grow[table.site])
    table, here = table.take(keep), here[keep]
    rows = np.arange(standing.size)
    at = found.standing(standing)
    paid = (found.per_mw[rows, at] * standing + found.fixed[rows, at])[table.site]
    grows, within = (here > 0) & (table.least > here), (here > 0)
    within &= ~grows
    cost = np.where(grows, table.cost - paid, table.cost)
    cost[within] = 0.0
    lifetime_now = table.lifetime
    if lifetime_now is not None and per_life is not None:
        paid = (per_life[rows, at] * standing + found.fixed[rows, at])[table.site]
        lifetime_now = np.where(grows, lifetime_now - paid, lifetime_now)
        lifetime_now[within] = 0.0
    table = replace(
        table,
        least=np.where(within, here, table.least),
        cost=cost,
        lifetime=lifetime_now,
    )
    # Staying as it is, where no range begins there.
    alone = np.setdiff1d(stands, table.site[within])
    zero = np.zeros(alone.size)
    has_life = lifetime_now is not None
    return SizeTable(
        np.concatenate([table.site, alone.astype(np.int64)]),
        np.concatenate([table.least, standing[alone]]),
        np.concatenate([table.most, standing[alone]]),
        np.concatenate([table.cost, zero]),
        np.concatenate([table.lifetime, zero]) if has_life else None,
        np.concatenate([table.per_mw, zero]),
        np.concatenate([table.lifetime_per_mw, zero]) if has_life else None,
    )
