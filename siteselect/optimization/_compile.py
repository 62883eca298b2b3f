"""From the user's arguments to a `Problem`: eligibility, sizes, order, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.optimization._distance import lonlat
from siteselect.optimization.limits import (
    Budget,
    Fixed,
    Power,
    SiteCapacity,
    Sites,
    Spacing,
    SupportsLimit,
)
from siteselect.optimization.objectives import (
    Cost,
    ObjectiveRows,
    PerMegawatt,
    SupportsObjective,
)
from siteselect.optimization.problem import (
    BUILT_IN,
    SMALLEST_SITE_MW,
    Bools,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    aligned,
    column_of,
    number,
    quantity,
    raise_missing,
)

#: A column, number or Series, or one of these per size.
Sized: TypeAlias = "Quantity | Mapping[float, Quantity]"
Sizes: TypeAlias = (
    "float | int | Sequence[float] | tuple[float | None, float | None] "
    "| Mapping[float, Any] | None"
)

DEFAULT_CAPACITY = "capacity_mw"
DEFAULT_COST = "cost_usd_per_mw"
DEFAULT_FIXED_COST = "fixed_cost_usd"
LIFETIME_COST = "lifetime_cost_usd_per_mw"


@dataclass(frozen=True, eq=False)
class Request:
    """What the user asked for, as it was given to ``optimize_sites``."""

    sites: gpd.GeoDataFrame
    power_mw: Any = None
    budget_usd: float | None = None
    site_mw: Sizes = None
    limits: tuple[SupportsLimit, ...] = ()
    max_sites: int | None = None
    min_sites: int | None = None
    min_spacing_km: float | None = None
    fixed: tuple[Any, ...] = ()
    forbidden: tuple[Any, ...] = ()
    objective: Any = "score"
    score: Quantity = "score"
    capacity: Sized = DEFAULT_CAPACITY
    cost_per_mw: Sized = DEFAULT_COST
    fixed_cost: Sized = DEFAULT_FIXED_COST
    solver: Any = "highs"
    gap: float = 1e-4
    time_limit_s: float | None = None
    method: str = "auto"

    @property
    def power_bounds(self) -> tuple[float, float]:
        """Least and most total facility MW; infinite where there is none."""
        return power_bounds(self.power_mw)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A problem with its limits: everything a solve or a re-solve needs."""

    request: Request
    problem: Problem
    limits: tuple[SupportsLimit, ...]
    rows: Rows
    lazy: tuple[SupportsLimit, ...]
    notes: tuple[str, ...]
    positions: Ints = field(repr=False)
    objective: SupportsObjective

    def full_rows(self) -> Rows:
        """Return the rows with those of lazy limits written out."""
        if not self.lazy:
            return self.rows
        return Rows.stack([self.rows, *(x.rows(self.problem) for x in self.lazy)])


def power_bounds(power_mw: Any) -> tuple[float, float]:
    """Read ``power_mw``: a number is "at most", a pair is "between".

    Examples
    --------
    >>> power_bounds(3000), power_bounds((None, 500))
    ((0.0, 3000.0), (0.0, 500.0))
    """
    if power_mw is None:
        return 0.0, np.inf
    if isinstance(power_mw, tuple | list):
        if len(power_mw) != 2:
            raise StudyError(
                four_parts(
                    f"power_mw={power_mw!r} was asked for",
                    f"that has {len(power_mw)} values",
                    "a number (at most) or a pair (at least, at most), "
                    "either of which may be None",
                    "power_mw=(3000, 3000)",
                )
            )
        low = 0.0 if power_mw[0] is None else number(power_mw[0], "power_mw")
        high = np.inf if power_mw[1] is None else number(power_mw[1], "power_mw")
    else:
        low, high = 0.0, number(power_mw, "power_mw")
    is_negative = low < 0 or high < 0
    if low > high or is_negative:
        raise StudyError(
            four_parts(
                f"power_mw={power_mw!r} was asked for",
                "a power is negative"
                if is_negative
                else "the minimum is over the maximum",
                "0 <= at least <= at most, in facility MW",
                f"power_mw=({min(abs(low), abs(high)):g}, "
                f"{max(abs(low), abs(high)):g})",
            )
        )
    return low, high


def labels_of(labels: Any, what: str, index: pd.Index[Any]) -> tuple[Any, ...]:
    """Return labels as a tuple; refuse those that are not in the frame."""
    if labels is None:
        return ()
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        labels = [labels]
    found = tuple(labels)
    known = set(index)
    unknown = [x for x in found if x not in known]
    if unknown:
        hint = nearest_name(str(unknown[0]), [str(x) for x in index[:20000]])
        raise StudyError(
            four_parts(
                f"{what} names {shown(repr(x) for x in unknown)}",
                "no candidate has that label" + hint.rstrip("."),
                "index labels of the candidates, e.g. "
                + shown((repr(x) for x in index[:3]), 3),
                "sites.index",
            )
        )
    return found


def count_of(value: Any, what: str) -> float | None:
    """Return a whole number of sites, or None."""
    if value is None:
        return None
    found = number(value, what)
    if found < 0 or found != int(found):
        raise StudyError(
            four_parts(
                f"{what}={value!r} was asked for",
                "that is negative" if found < 0 else "that is not a whole number",
                "a whole number of sites",
                f"{what}={max(1, round(found))}",
            )
        )
    return found


def check_frame(sites: Any) -> gpd.GeoDataFrame:
    """Refuse what is not a usable frame of candidates."""
    if not isinstance(sites, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                "optimize_sites needs candidates",
                f"it was given {type(sites).__name__}",
                "a GeoDataFrame with one row per candidate",
                "geopandas.GeoDataFrame(table, geometry=..., crs=4326)",
            )
        )
    if not len(sites):
        raise StudyError(
            four_parts(
                "optimize_sites needs candidates",
                "the frame has no rows",
                "one candidate or more",
                "siteselect.grid_candidates(area, spacing_km=10)",
            )
        )
    if sites._geometry_column_name not in sites.columns:
        raise LayerError(
            four_parts(
                "optimize_sites needs candidates with a place",
                "the frame has no active geometry column",
                "a GeoDataFrame with points or polygons",
                "use sites.set_geometry('geometry')",
            )
        )
    if not sites.index.is_unique:
        twice = sites.index[sites.index.duplicated()].unique()
        raise StudyError(
            four_parts(
                "every candidate needs a label of its own",
                "labels occur twice: " + shown(repr(x) for x in twice),
                "a unique index",
                "use sites.reset_index(drop=True)",
            )
        )
    return sites


def floats(
    sites: gpd.GeoDataFrame, spec: Quantity, what: str
) -> npt.NDArray[np.float64]:
    """Return numbers per row, NaN where unknown."""
    if isinstance(spec, str | pd.Series):
        column = aligned(sites, spec, what)
        try:
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            raise StudyError(
                four_parts(
                    f"{what} reads {getattr(spec, 'name', spec)!r}",
                    f"it holds {column.dtype} values",
                    "a numeric column, a number or a Series",
                    "sites[column] = pandas.to_numeric(sites[column])",
                )
            ) from None
    return np.full(len(sites), number(spec, what))


def has(sites: gpd.GeoDataFrame, spec: Sized, default: str) -> bool:
    """Return whether a column is there; only a default may be absent."""
    if isinstance(spec, str) and spec == default:
        return spec in sites.columns
    return True


def eligible_rows(request: Request, has_capacity: bool) -> tuple[Bools, list[str]]:
    """Return which rows may be chosen, and notes on the others."""
    sites = request.sites
    n = len(sites)
    able = np.ones(n, dtype=bool)
    notes = []
    if "excluded_by" in sites.columns:
        why = sites["excluded_by"]
        out = (why.notna() & (why.astype(str).str.len() > 0)).to_numpy(dtype=bool)
        if out.any():
            notes.append(f"{int(out.sum()):,} of {n:,} candidates are excluded")
        able &= ~out
    spec = request.score
    asks = isinstance(request.objective, str) and request.objective == "score"
    if asks or not isinstance(spec, str) or spec in sites:
        scores = floats(sites, spec, "score")
        infinite = np.flatnonzero(np.isinf(scores) & able)
        if infinite.size:
            name = spec if isinstance(spec, str) else "score"
            raise_missing(sites, str(name), infinite, "score")
        unknown = np.isnan(scores) & able
        if unknown.any():
            notes.append(f"{int(unknown.sum()):,} have no known score")
        able &= ~np.isnan(scores)
    if has_capacity and not isinstance(request.capacity, Mapping):
        capacity = floats(sites, request.capacity, "capacity")
        with np.errstate(invalid="ignore"):
            no_room = ~(capacity > 0) & able
        if no_room.any():
            notes.append(f"{int(no_room.sum()):,} have no known capacity over 0 MW")
        able &= ~no_room
    return able, notes


@dataclass(frozen=True, eq=False)
class SizeTable:
    """Offered sizes: one entry per opening column, in row order of the frame."""

    site: Ints
    least: Floats
    most: Floats
    cost: Floats
    lifetime: Floats | None
    #: What an option of the site adds per MW, and which option, by limit.
    option_usd_per_mw: Floats | None = None
    option: Mapping[str, Ints] = field(default_factory=dict)


def sized(
    frame: gpd.GeoDataFrame, spec: Sized, sizes: list[float], what: str
) -> npt.NDArray[np.float64]:
    """Return values of shape (n, n_sizes), NaN where unknown."""
    if isinstance(spec, Mapping):
        given = {float(k): v for k, v in spec.items()}
        missing = [s for s in sizes if s not in given]
        if missing:
            raise StudyError(
                four_parts(
                    f"{what} is given per size",
                    "no entry for " + shown(f"{s:g} MW" for s in missing),
                    "one column, number or Series per size of site_mw",
                    f"{what}={{size: column for each of {sizes}}}",
                )
            )
        return np.column_stack([floats(frame, given[s], what) for s in sizes])
    return np.repeat(floats(frame, spec, what)[:, None], len(sizes), axis=1)


def offered_sizes(
    request: Request, frame: gpd.GeoDataFrame, has_capacity: bool
) -> SizeTable:
    """Return the sizes that each eligible site can carry, with their cost."""
    site_mw: Any = request.site_mw
    has_cost = has(frame, request.cost_per_mw, DEFAULT_COST)
    has_fixed = has(frame, request.fixed_cost, DEFAULT_FIXED_COST)
    n = len(frame)
    if site_mw is None or isinstance(site_mw, tuple):
        return range_sizes(request, frame, has_capacity, has_cost, has_fixed)
    offered_by: dict[float, Any] = {}
    if isinstance(site_mw, Mapping):
        sizes = [number(s, "site_mw") for s in site_mw]
        offered_by = {number(s, "site_mw"): v for s, v in site_mw.items()}
    elif isinstance(site_mw, Iterable):
        sizes = [number(s, "site_mw") for s in site_mw]
    else:
        sizes = [number(site_mw, "site_mw")]
    sizes = sorted(set(sizes))
    if not sizes or sizes[0] <= 0:
        raise StudyError(
            four_parts(
                f"site_mw={site_mw!r} was asked for",
                "there is no size" if not sizes else "a size is not over 0 MW",
                "sizes in facility MW, over 0",
                "site_mw=[100, 300]",
            )
        )
    size = np.array(sizes)
    allowed = np.ones((n, len(sizes)), dtype=bool)
    if has_capacity:
        capacity = sized(frame, request.capacity, sizes, "capacity")
        with np.errstate(invalid="ignore"):
            allowed &= size[None, :] <= capacity * (1 + 1e-12)
    for k, s in enumerate(sizes):
        where = offered_by.get(s)
        if where is None or where is True:
            continue
        if where is False:
            allowed[:, k] = False
            continue
        holds = quantity(
            frame, aligned(frame, where, "site_mw").astype("Float64"), "site_mw"
        )
        allowed[:, k] &= holds > 0
    site, which = np.nonzero(allowed)
    zero = np.zeros((n, len(sizes)))
    per_mw = (
        sized(frame, request.cost_per_mw, sizes, "cost_per_mw") if has_cost else zero
    )
    fixed = sized(frame, request.fixed_cost, sizes, "fixed_cost") if has_fixed else zero
    for values, spec, what in (
        (per_mw, request.cost_per_mw, "cost_per_mw"),
        (fixed, request.fixed_cost, "fixed_cost"),
    ):
        bad = np.unique(site[~np.isfinite(values[site, which])])
        if bad.size:
            name = spec if isinstance(spec, str) else what
            raise_missing(frame, name, bad, what)
    mw = size[which]
    cost = per_mw[site, which] * mw + fixed[site, which]
    lifetime = lifetime_cost(request, frame)
    total = None
    if lifetime is not None:
        total = lifetime[site] * mw + fixed[site, which]
    return SizeTable(site.astype(np.int64), mw, mw, cost, total)


def with_options(
    table: SizeTable, frame: gpd.GeoDataFrame, limits: Sequence[SupportsLimit]
) -> SizeTable:
    """Offer every size once per option of its site, for limits that have options."""
    for limit in limits:
        maker = getattr(limit, "options", None)
        options = maker(frame) if maker is not None else None
        if options is None:
            continue
        first = np.searchsorted(options.site, table.site, side="left")
        count = np.searchsorted(options.site, table.site, side="right") - first
        entry = np.repeat(np.arange(table.site.size), count)
        within = np.arange(entry.size) - np.repeat(np.cumsum(count) - count, count)
        which = (first[entry] + within).astype(np.int64)
        per_mw = options.cost_usd_per_mw[which]
        added = per_mw * table.least[entry] + options.cost_usd[which]
        before = table.option_usd_per_mw
        table = SizeTable(
            table.site[entry],
            table.least[entry],
            table.most[entry],
            table.cost[entry] + added,
            None if table.lifetime is None else table.lifetime[entry] + added,
            per_mw if before is None else before[entry] + per_mw,
            {
                **{name: codes[entry] for name, codes in table.option.items()},
                limit.name: which,
            },
        )
    return table


def range_sizes(
    request: Request,
    frame: gpd.GeoDataFrame,
    has_capacity: bool,
    has_cost: bool,
    has_fixed: bool,
) -> SizeTable:
    """Return the continuous range of each site, cut off at its capacity."""
    pair = (None, None) if request.site_mw is None else tuple(request.site_mw)  # type: ignore[arg-type]
    if len(pair) != 2:
        raise StudyError(
            four_parts(
                f"site_mw={request.site_mw!r} was asked for",
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
                f"site_mw={request.site_mw!r} was asked for",
                "the minimum is over the maximum or below 0",
                "a range (least, most) in facility MW, or a list of sizes",
                "site_mw=(100, 500)",
            )
        )
    for spec, what in (
        (request.capacity, "capacity"),
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
    n = len(frame)
    capacity = np.full(n, np.inf)
    if has_capacity:
        capacity = floats(frame, request.capacity, "capacity")  # type: ignore[arg-type]
    most = np.minimum(capacity, high)
    if not np.isfinite(most).all():
        raise StudyError(
            four_parts(
                "a site may take any size up to its capacity",
                "there is no finite capacity column and no largest size",
                "a capacity, or sizes",
                "site_mw=[100, 300], or capacity=<column or number>",
            )
        )
    least = np.full(n, max(low, SMALLEST_SITE_MW))
    fits = np.flatnonzero(most >= least * (1 - 1e-12))
    site = fits.astype(np.int64)
    zero = np.zeros(n)
    per_mw = (
        quantity(frame, request.cost_per_mw, "cost_per_mw")  # type: ignore[arg-type]
        if has_cost
        else zero
    )
    fixed = (
        quantity(frame, request.fixed_cost, "fixed_cost")  # type: ignore[arg-type]
        if has_fixed
        else zero
    )
    low_mw, high_mw = least[site], np.maximum(most[site], least[site])
    cost = per_mw[site] * low_mw + fixed[site]
    lifetime = lifetime_cost(request, frame)
    total = None if lifetime is None else lifetime[site] * low_mw + fixed[site]
    return SizeTable(site, low_mw, high_mw, cost, total)


def lifetime_cost(request: Request, frame: gpd.GeoDataFrame) -> Floats | None:
    """Return lifetime cost per MW where the objective asks for it."""
    if not (isinstance(request.objective, str) and request.objective == "cost"):
        return None
    default = isinstance(request.cost_per_mw, str) and (
        request.cost_per_mw == DEFAULT_COST
    )
    if default and LIFETIME_COST in frame.columns:
        return quantity(frame, LIFETIME_COST, "objective='cost'")
    return None


def objective_of(request: Request) -> SupportsObjective:
    """Return the objective object of a request; refuse what is none."""
    asked = request.objective
    if isinstance(asked, str):
        if asked == "score":
            return PerMegawatt(request.score, "score")
        if asked == "cost":
            has_lifetime = (
                isinstance(request.cost_per_mw, str)
                and request.cost_per_mw == DEFAULT_COST
                and LIFETIME_COST in request.sites.columns
            )
            if has_lifetime:
                return Cost(LIFETIME_COST, request.fixed_cost)
            return Cost()
        column_of(request.sites, asked, "objective")
        return PerMegawatt(asked, asked)
    if isinstance(asked, type) or not isinstance(asked, SupportsObjective):
        raise StudyError(
            four_parts(
                f"objective={asked!r} was asked for",
                f"that is {type(asked).__name__}",
                "'score', 'cost', a column name, or an object with name, unit, "
                "maximize, coefficients(problem) and value(sites)",
                "objective='score'",
            )
        )
    return asked


def canonical_order(frame: gpd.GeoDataFrame, used: list[Any]) -> Ints:
    """Return the order (x, y, used columns, label) of the rows.

    The order of rows, their labels and columns that nothing reads then cannot
    change what is chosen.
    """
    shape = frame.geometry
    if shape.isna().any() or shape.is_empty.any():
        bad = np.flatnonzero((shape.isna() | shape.is_empty).to_numpy())
        raise LayerError(
            four_parts(
                "every eligible candidate needs a place",
                f"{bad.size} have no geometry: "
                + shown(repr(x) for x in frame.index[bad]),
                "points or polygons",
                "use sites[sites.geometry.notna()]",
            )
        )
    # A centimetre, so that a change of CRS and its rounding do not reorder rows.
    if frame.crs is None:
        points = frame.geometry.representative_point()
        x, y = np.round([points.x.to_numpy(), points.y.to_numpy()], 7)
    else:
        x, y = np.round(lonlat(frame).T, 7)
    order = np.lexsort((y, x))
    same = (np.diff(x[order]) == 0) & (np.diff(y[order]) == 0)
    if not same.any():
        return order.astype(np.int64)
    keys: list[npt.NDArray[Any]] = [pd.factorize(frame.index.astype(str), sort=True)[0]]
    for spec in reversed(used):
        values: Any = None
        if isinstance(spec, str) and spec in frame.columns:
            values = frame[spec]
        elif isinstance(spec, pd.Series) and spec.index.isin(frame.index).any():
            values = spec[~spec.index.duplicated()].reindex(frame.index)
        if values is not None:
            try:
                keys.append(pd.factorize(values, sort=True)[0])
            except TypeError:
                keys.append(pd.factorize(values.astype(str), sort=True)[0])
    return np.lexsort((*keys, y, x)).astype(np.int64)


def flatten(specs: Iterable[Any]) -> list[Any]:
    """Return specs with mappings replaced by their values."""
    out: list[Any] = []
    for spec in specs:
        if isinstance(spec, Mapping):
            out.extend(flatten(spec.values()))
        else:
            out.append(spec)
    return out


def compile_problem(request: Request) -> Compiled:
    """Turn the user's arguments into a problem with limits and rows."""
    sites = check_frame(request.sites)
    low, high = request.power_bounds
    minimize = isinstance(request.objective, str) and request.objective == "cost"
    if minimize and low <= 0:
        raise StudyError(
            four_parts(
                "objective='cost' was asked for",
                "nothing has to be built: power_mw has no lower bound",
                "a lower bound on power, since the cheapest plan is empty",
                f"power_mw=({high:g}, {high:g})"
                if np.isfinite(high)
                else "power_mw=(3000, None)",
            )
        )
    objective = objective_of(request)
    if not 0 <= number(request.gap, "gap") < 1:
        raise StudyError(
            four_parts(
                f"gap={request.gap!r} was asked for",
                "that is no fraction of the objective",
                "a fraction from 0 up to 1, without 1",
                "gap=1e-4",
            )
        )
    if request.method not in ("auto", "full", "priceout"):
        raise StudyError(
            four_parts(
                f"method={request.method!r} was asked for",
                "there is no such method."
                + nearest_name(str(request.method), ["auto", "full", "priceout"]),
                "'auto', 'full' or 'priceout'",
                "method='auto'",
            )
        )
    has_capacity = has(sites, request.capacity, DEFAULT_CAPACITY)
    able, notes = eligible_rows(request, has_capacity)
    fixed = labels_of(request.fixed, "fixed", sites.index)
    forbidden = labels_of(request.forbidden, "forbidden", sites.index)
    refuse_contradictions(request, fixed, forbidden, able)
    limits = limits_of(request, sites)
    used: list[Any] = [
        request.score,
        request.capacity,
        request.cost_per_mw,
        request.fixed_cost,
    ]
    used += [request.objective if isinstance(request.objective, str) else None]
    used += getattr(objective, "uses", tuple)()
    if isinstance(request.site_mw, Mapping):
        used.append(request.site_mw)
    for limit in limits:
        used.extend(getattr(limit, "uses", tuple)())
    rows_able = np.flatnonzero(able)
    if rows_able.size == 0:
        raise StudyError(
            four_parts(
                f"{len(sites):,} candidates were given",
                "none of them is eligible: " + "; ".join(notes),
                "candidates that are not excluded, with a known score and capacity",
                "siteselect.eligibility(sites) shows what removed them",
            )
        )
    frame = sites.iloc[rows_able]
    order = canonical_order(frame, flatten(used))
    frame = frame.iloc[order]
    positions = rows_able[order].astype(np.int64)
    table = offered_sizes(request, frame, has_capacity)
    small = len(frame) - np.unique(table.site).size
    if small:
        notes.append(f"{small:,} can carry none of the sizes")
    table = with_options(table, frame, limits)
    problem = columns_of(request, frame, table, fixed, forbidden)
    problem = replace(problem, maximize=objective.maximize)
    chosen: list[SupportsLimit] = list(limits)
    if hasattr(objective, "rows"):
        chosen.append(ObjectiveRows(objective))
    for limit in chosen:
        maker = getattr(limit, "columns", None)
        extra = maker(problem) if maker is not None else None
        if extra is not None:
            problem = problem.with_columns(limit.name, extra)
    # An objective's own columns have brought theirs along.
    problem = replace(
        problem, objective=problem.objective + objective.coefficients(problem)
    )
    lazy = tuple(x for x in chosen if getattr(x, "is_lazy", _never)(problem))
    rows = Rows.stack(
        [Rows.empty(problem.n_columns)]
        + [limit.rows(problem) for limit in chosen if limit not in lazy]
    )
    is_score = isinstance(objective, PerMegawatt) and objective.name == "score"
    if low < high and is_score and problem.n_columns:
        notes.append(
            "the total MW may float, so suitability x MW depends on where the "
            "score's zero lies"
        )
    return Compiled(
        request, problem, tuple(chosen), rows, lazy, tuple(notes), positions, objective
    )


def _never(problem: Problem) -> bool:
    return False


def refuse_contradictions(
    request: Request, fixed: tuple[Any, ...], forbidden: tuple[Any, ...], able: Bools
) -> None:
    """Refuse fixed sites that something else rules out, naming both."""
    both = [x for x in fixed if x in set(forbidden)]
    if both:
        raise StudyError(
            four_parts(
                f"{shown(repr(x) for x in both)} is both fixed and forbidden",
                "fixed and forbidden contradict each other",
                "a site in one of them",
                "leave it out of fixed or out of forbidden",
            )
        )
    sites = request.sites
    where = sites.index.get_indexer(list(fixed)) if fixed else np.zeros(0, dtype=int)
    for label, row in zip(fixed, where, strict=True):
        if able[row]:
            continue
        reason = "its score or capacity is unknown or zero"
        if "excluded_by" in sites.columns:
            said = sites["excluded_by"].iloc[row]
            if isinstance(said, str) and said:
                reason = f"it is excluded by {said!r}"
        raise StudyError(
            four_parts(
                f"fixed names {label!r}",
                f"{reason}, so it is not eligible",
                "eligible candidates",
                "drop it from fixed or lift what excludes it",
            )
        )
    most = count_of(request.max_sites, "max_sites")
    if most is not None and len(set(fixed)) > most:
        raise StudyError(
            four_parts(
                f"fixed names {len(set(fixed))} sites",
                f"max_sites is {most:g}",
                "at most max_sites fixed sites: fixed and max_sites contradict",
                f"max_sites={len(set(fixed))}",
            )
        )


def limits_of(request: Request, sites: gpd.GeoDataFrame) -> list[SupportsLimit]:
    """Return built-in and given limits; refuse two of one name."""
    low, high = request.power_bounds
    out: list[SupportsLimit] = [SiteCapacity()]
    if low > 0 or np.isfinite(high):
        out.append(Power(low, high))
    if request.budget_usd is not None:
        budget = number(request.budget_usd, "budget_usd")
        if budget < 0:
            raise StudyError(
                four_parts(
                    f"budget_usd={budget:g} was asked for",
                    "that is negative",
                    "zero or more US dollars",
                    f"budget_usd={-budget:g}",
                )
            )
        if not has(sites, request.cost_per_mw, DEFAULT_COST) and not has(
            sites, request.fixed_cost, DEFAULT_FIXED_COST
        ):
            raise StudyError(
                four_parts(
                    f"budget_usd={budget:g} was asked for",
                    f"the candidates have neither {DEFAULT_COST!r} nor "
                    f"{DEFAULT_FIXED_COST!r}",
                    "a cost column, so that there is something to bound",
                    "siteselect.prepare(sites, layers), or cost_per_mw=<column>",
                )
            )
        out.append(Budget(budget))
    most = count_of(request.max_sites, "max_sites")
    least = count_of(request.min_sites, "min_sites")
    if most is not None or least is not None:
        if (least or 0) > (np.inf if most is None else most):
            raise StudyError(
                four_parts(
                    f"min_sites={least:g} and max_sites={most:g} were asked for",
                    "the minimum is over the maximum",
                    "min_sites <= max_sites",
                    f"min_sites={most:g}",
                )
            )
        out.append(Sites(least or 0.0, np.inf if most is None else most))
    if len(tuple(request.fixed)):
        out.append(Fixed())
    if request.min_spacing_km is not None:
        out.append(Spacing(request.min_spacing_km))
    names = {x.name for x in out}
    for limit in request.limits:
        if isinstance(limit, type) or not isinstance(limit, SupportsLimit):
            raise StudyError(
                four_parts(
                    f"limits holds {limit!r}",
                    f"that is {type(limit).__name__}",
                    "Limit, Average, Share, Spread, Spacing or an object with "
                    "name, rows(problem) and check(sites)",
                    "limits=[siteselect.Spacing(km=40)]",
                )
            )
        reserved = limit.name in BUILT_IN and not isinstance(limit, Spacing)
        if limit.name in names or reserved:
            raise StudyError(
                four_parts(
                    f"a limit is named {limit.name!r}",
                    "another limit has that name"
                    if limit.name in names
                    else "that is the name of a built-in limit",
                    "one name per limit; built-in are " + ", ".join(BUILT_IN),
                    "give it another name",
                )
            )
        names.add(limit.name)
        out.append(limit)
    return out


def columns_of(
    request: Request,
    frame: gpd.GeoDataFrame,
    table: SizeTable,
    fixed: tuple[Any, ...],
    forbidden: tuple[Any, ...],
) -> Problem:
    """Return the problem with its site columns; the objective comes later."""
    extra = np.flatnonzero(table.most > table.least + 1e-9)
    n_open = table.site.size
    site = np.concatenate([table.site, table.site[extra]])
    opener = np.concatenate([np.full(n_open, -1), extra])
    opens = np.concatenate([np.ones(n_open, bool), np.zeros(extra.size, bool)])
    mw = np.concatenate([table.least, (table.most - table.least)[extra]])
    cost, lifetime = table.cost, table.lifetime
    if extra.size:
        added: Floats | float = 0.0
        if table.option_usd_per_mw is not None:
            added = table.option_usd_per_mw[extra]
        per_mw = np.zeros(len(frame))
        if has(frame, request.cost_per_mw, DEFAULT_COST):
            per_mw = quantity(frame, request.cost_per_mw, "cost_per_mw")  # type: ignore[arg-type]
        cost = np.concatenate([cost, (per_mw[site[n_open:]] + added) * mw[n_open:]])
        if lifetime is not None:
            per_mw = quantity(frame, LIFETIME_COST, "objective='cost'")
            more = (per_mw[site[n_open:]] + added) * mw[n_open:]
            lifetime = np.concatenate([lifetime, more])
    # Columns of a site stand together, its smallest size first.
    order = np.lexsort((mw, ~opens, site))
    place = np.empty(site.size, dtype=np.int64)
    place[order] = np.arange(site.size)
    opener = np.where(opener >= 0, place[opener], -1)[order].astype(np.int64)
    site, opens, mw, cost = site[order], opens[order], mw[order], cost[order]
    if lifetime is not None:
        lifetime = lifetime[order]
    upper = np.ones(site.size)
    where = {x: k for k, x in enumerate(frame.index)} if fixed or forbidden else {}
    is_fixed = np.zeros(len(frame), dtype=bool)
    offered = np.zeros(len(frame), dtype=bool)
    offered[site] = True
    for label in fixed:
        if not offered[where[label]]:
            raise StudyError(
                four_parts(
                    f"fixed names {label!r}",
                    "none of the sizes in site_mw fits its capacity",
                    "sites that can carry a size: fixed and site_mw contradict",
                    "site_mw with a smaller size",
                )
            )
        is_fixed[where[label]] = True
    closed = np.zeros(len(frame), dtype=bool)
    for label in forbidden:
        if label in where:
            closed[where[label]] = True
    upper[closed[site]] = 0.0
    labels = frame.index.astype(str).to_numpy(dtype=object)
    names = tuple(
        f"{a} {'' if o else '+'}{m:g} MW"
        for a, m, o in zip(labels[site], mw.tolist(), opens.tolist(), strict=True)
    )
    low, high = request.power_bounds
    return Problem(
        frame=frame,
        column_site=site,
        column_mw=mw,
        column_cost=cost,
        column_opens=opens,
        column_opener=opener,
        column_payer=site.astype(np.int64),
        objective=np.zeros(site.size),
        maximize=True,
        lower=np.zeros(site.size),
        upper=upper,
        integrality=opens.copy(),
        fixed=is_fixed,
        column_lifetime_cost=lifetime,
        column_option={
            name: np.concatenate([which, which[extra]])[order]
            for name, which in table.option.items()
        },
        power_mw=(low, high),
        column_names=names,
    )


__all__ = ["Compiled", "Request", "compile_problem", "power_bounds"]
