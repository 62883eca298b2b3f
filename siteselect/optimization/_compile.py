"""From the user's arguments to a `Problem`: eligibility, sizes, order, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.optimization._distance import lonlat
from siteselect.optimization.asked_designs import (
    notes_of,
    read_designs,
    refuse_beside,
)
from siteselect.optimization.by_year import (
    ByYear,
    columns_in,
    entry,
    in_year,
    is_yearly,
    year_of,
    years_of,
)
from siteselect.optimization.designs import DESIGN, Designs, joined
from siteselect.optimization.draw import Draw
from siteselect.optimization.horizon import Dated, dated, over_years, rows_of
from siteselect.optimization.limits import (
    Budget,
    Existing,
    Fixed,
    ItPower,
    Power,
    SiteCapacity,
    Sites,
    Spacing,
    SupportsLimit,
)
from siteselect.optimization.names import SizeNames
from siteselect.optimization.objectives import (
    Cost,
    ObjectiveRows,
    PerMegawatt,
    SupportsObjective,
)
from siteselect.optimization.paths import PathTable, path_names, path_table
from siteselect.optimization.problem import (
    BUILT_IN,
    Bools,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    column_of,
    factorized,
    hashable,
    is_many,
    number,
    raise_missing,
)
from siteselect.optimization.sizes import (
    DEFAULT_CAPACITY,
    DEFAULT_COST,
    DEFAULT_FIXED_COST,
    LIFETIME_COST,
    Sized,
    Sizes,
    SizeTable,
    floats,
    has,
    offer,
    options_of,
    size_table,
)


@dataclass(frozen=True, eq=False)
class Request:
    """What the user asked for, as it was given to ``optimize_sites``."""

    sites: gpd.GeoDataFrame
    power_mw: Any = None
    budget_usd: Any = None
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
    it_mw: Any = None
    years: Any = None
    discount_rate: float = 0.0
    existing: Any = None
    options: Any = None

    def __post_init__(self) -> None:
        # Sizes are gone through more than once.
        given: Any = self.site_mw
        is_kept = isinstance(given, str | bytes | tuple | list | Mapping)
        if isinstance(given, np.ndarray | pd.Series | pd.Index):
            object.__setattr__(self, "site_mw", np.ravel(given).tolist())
        elif is_many(given) and not is_kept:
            object.__setattr__(self, "site_mw", list(given))

    @property
    def horizon(self) -> tuple[int, ...]:
        """The years, as listed or as the arguments name them; empty without."""
        named = {
            "power_mw": self.power_mw,
            "it_mw": self.it_mw,
            "budget_usd": self.budget_usd,
        }
        return years_of(self.years, named)

    @property
    def power_bounds(self) -> tuple[float, float]:
        """Least and most total facility MW at the end; infinite where none is set."""
        return self.bounds_by_year("power_mw")[-1]

    def bounds_by_year(self, what: str) -> list[tuple[float, float]]:
        """Return the bounds of ``power_mw`` or ``it_mw`` in each year."""
        spec, years = getattr(self, what), self.horizon
        if not years:
            return [power_bounds(spec, what)]
        last = years[-1]
        found = [power_bounds(entry(spec, y, y == last), what) for y in years]
        floor, since = 0.0, years[0]
        for year, (low, high) in zip(years, found, strict=True):
            if low > floor:
                floor, since = low, year
            if floor > high:
                raise StudyError(
                    four_parts(
                        f"{what} asks for at least {floor:g} MW in {since} and at "
                        f"most {high:g} MW in {year}",
                        "sizes never shrink, so the minimum is over the maximum",
                        "a maximum that is not under the minimum of a year before",
                        f"{what}={{{since}: ({floor:g}, None), {year}: {floor:g}}}",
                    )
                )
        return found


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
    dated: tuple[Dated, ...] = ()

    def full_rows(self) -> Rows:
        """Return the rows with those of lazy limits written out.

        Those of open-ended limits are not all of them: see `broken_rows`.
        """
        if not self.lazy:
            return self.rows
        return Rows.stack([self.rows, *(x.rows(self.problem) for x in self.lazy)])

    @property
    def open_ended(self) -> tuple[SupportsLimit, ...]:
        """Lazy limits whose rows are too many ever to be written."""
        problem = self.problem
        return tuple(
            x for x in self.lazy if getattr(x, "is_open_ended", _never)(problem)
        )

    def broken_rows(self, x: Floats) -> Rows:
        """Return rows of open-ended limits that a solution over all columns breaks."""
        return broken_rows(self.open_ended, self.problem, x)


def broken_rows(limits: Iterable[Any], problem: Problem, x: Floats) -> Rows:
    """Return the rows of some limits that ``x`` breaks."""
    parts = [limit.cuts(problem, x) for limit in limits]
    return Rows.stack([Rows.empty(problem.n_columns), *parts])


def power_bounds(power_mw: Any, what: str = "power_mw") -> tuple[float, float]:
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
                    f"{what}={power_mw!r} was asked for",
                    f"that has {len(power_mw)} values",
                    "a number (at most) or a pair (at least, at most), "
                    "either of which may be None",
                    f"{what}=(3000, 3000)",
                )
            )
        low = 0.0 if power_mw[0] is None else number(power_mw[0], what)
        high = np.inf if power_mw[1] is None else number(power_mw[1], what)
    else:
        low, high = 0.0, number(power_mw, what)
    is_negative = low < 0 or high < 0
    if low > high or is_negative:
        raise StudyError(
            four_parts(
                f"{what}={power_mw!r} was asked for",
                "a power is negative"
                if is_negative
                else "the minimum is over the maximum",
                "0 <= at least <= at most, in "
                + ("IT MW" if what == "it_mw" else "facility MW"),
                f"{what}=({min(abs(low), abs(high)):g}, {max(abs(low), abs(high)):g})",
            )
        )
    return low, high


def labels_of(labels: Any, what: str, index: pd.Index[Any]) -> tuple[Any, ...]:
    """Return labels as a tuple; refuse those that are not in the frame."""
    if labels is None:
        return ()
    if not is_many(labels):
        labels = [labels]
    found = tuple(labels)
    if not found:
        return ()
    odd = [x for x in found if not hashable(x)]
    if odd:
        raise StudyError(
            four_parts(
                f"{what} names {said(odd[0])}",
                f"a {type(odd[0]).__name__} is no label of a candidate",
                "index labels of the candidates, e.g. "
                + shown((repr(x) for x in index[:3]), 3),
                f"{what}=list(sites.index[:3])",
            )
        )
    known = set(index)
    unknown = [x for x in found if x not in known]
    if unknown:
        hint = nearest_name(str(unknown[0]), [str(x) for x in index[:20000]])
        raise StudyError(
            four_parts(
                f"{what} names {shown(repr(x) for x in unknown)}",
                f"no candidate has that label.{hint}",
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
    if isinstance(sites.index, pd.MultiIndex):
        raise StudyError(
            four_parts(
                "every candidate needs one label",
                f"the index has {sites.index.nlevels} levels",
                "an index of one level",
                "sites.index = sites.index.map(str), or sites.reset_index()",
            )
        )
    if sites.index.hasnans:
        raise StudyError(
            four_parts(
                "every candidate needs a label of its own",
                f"{int(sites.index.isna().sum())} labels are missing",
                "a label for every row",
                "use sites.reset_index(drop=True)",
            )
        )
    return sites


def listed_limits(limits: Any) -> tuple[Any, ...]:
    """Return limits as a tuple, each as it is beside the others.

    What is no list of limits is refused.
    """
    is_one = hasattr(limits, "rows") and hasattr(limits, "check")
    no_list = isinstance(limits, str | Mapping | pd.DataFrame | pd.Series)
    if is_one or no_list or not is_many(limits):
        raise StudyError(
            four_parts(
                f"limits={said(limits)} was asked for",
                f"that is {type(limits).__name__}",
                "a list of limits",
                f"limits=[{said(limits)}]" if is_one else "limits=[Spacing(km=40)]",
            )
        )
    given = tuple(limits)
    return tuple(
        limit.among(given) if hasattr(limit, "among") else limit for limit in given
    )


def eligible_rows(request: Request, has_capacity: bool) -> tuple[Bools, list[str]]:
    """Return which rows may be chosen, and notes on the others."""
    sites = request.sites
    n = len(sites)
    able = np.ones(n, dtype=bool)
    notes = []
    if "excluded_by" in sites.columns:
        why = column_of(sites, "excluded_by", "eligibility")
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
    rooms = [in_year(request.capacity, y, sites) for y in request.horizon or (0,)]
    if has_capacity and not any(isinstance(room, Mapping) for room in rooms):
        # Room in any year is room: paths see to the years before it.
        found = [floats(sites, room, "capacity") for room in rooms]
        capacity = np.fmax.reduce(found)
        with np.errstate(invalid="ignore"):
            no_room = ~(capacity > 0) & able
        if no_room.any():
            notes.append(f"{int(no_room.sum()):,} have no known capacity over 0 MW")
        able &= ~no_room
    return able, notes


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
                f"objective={said(asked)} was asked for",
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
        with np.errstate(invalid="ignore"):
            points = frame.geometry.representative_point()
        x, y = np.round([points.x.to_numpy(), points.y.to_numpy()], 7)
        lost = np.flatnonzero(~np.isfinite(x + y))
        if lost.size:
            raise LayerError(
                four_parts(
                    "every eligible candidate needs a place",
                    f"{lost.size} have coordinates that are not finite: "
                    + shown(repr(label) for label in frame.index[lost]),
                    "finite coordinates",
                    "use sites[numpy.isfinite(sites.geometry.x)]",
                )
            )
    else:
        x, y = np.round(lonlat(frame).T, 7)
    order = np.argsort(x, kind="stable")
    in_line = np.diff(x[order]) == 0
    if not in_line.any():
        return order.astype(np.int64)
    order = np.lexsort((y, x))
    same = in_line & (np.diff(y[order]) == 0)
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
                keys.append(factorized(values)[0])
            except TypeError:
                keys.append(pd.factorize(values.astype(str), sort=True)[0])
    return np.lexsort((*keys, y, x)).astype(np.int64)


def flatten(specs: Iterable[Any]) -> list[Any]:
    """Return specs with mappings replaced by their values."""
    out: list[Any] = []
    for spec in specs:
        if is_yearly(spec):
            out.extend(flatten(columns_in(spec)))
        elif isinstance(spec, Mapping):
            out.extend(flatten(spec.values()))
        else:
            out.append(spec)
    return out


def value_checks(
    request: Request,
) -> list[tuple[tuple[str, ...], Callable[[], object]]]:
    """Return the checks of what was asked that need no candidates.

    Parameters
    ----------
    request : Request
        What was asked; its candidates and limits are not looked at, but for limits
        that go by year.

    Returns
    -------
    list of (tuple of str, callable)
        The arguments that a check reads, and the check, which raises.
    """
    totals = ("power_mw", "it_mw", "budget_usd", "years")
    told = ("fixed", "forbidden", "existing", "max_sites")
    return [
        (totals, lambda: request.horizon),
        (("power_mw", *totals), lambda: request.bounds_by_year("power_mw")),
        (("it_mw", *totals), lambda: request.bounds_by_year("it_mw")),
        (("budget_usd",), lambda: budget_amounts(request.budget_usd)),
        (("site_mw",), lambda: options_of(request.site_mw)),
        (("discount_rate",), lambda: check_rate(request.discount_rate)),
        (
            ("discount_rate", "site_mw", "capacity", *totals),
            lambda: check_years(request, request.horizon),
        ),
        (("objective", *totals), lambda: check_cheapest(request)),
        (("gap",), lambda: check_gap(request.gap)),
        (("time_limit_s",), lambda: check_time_limit(request.time_limit_s)),
        (("method",), lambda: check_method(request.method)),
        (("existing",), lambda: existing_amounts(request.existing)),
        (("max_sites",), lambda: count_of(request.max_sites, "max_sites")),
        (("min_sites",), lambda: count_of(request.min_sites, "min_sites")),
        (("min_sites", "max_sites"), lambda: check_counts(request)),
        (("min_spacing_km",), lambda: spacing_of(request.min_spacing_km)),
        (told, lambda: refuse_told_twice(request)),
    ]


def check_cheapest(request: Request) -> None:
    """Refuse the cheapest plan where nothing has to be built."""
    if not (isinstance(request.objective, str) and request.objective == "cost"):
        return
    power = request.bounds_by_year("power_mw")
    high = power[-1][1]
    if max(b[0] for b in [*power, *request.bounds_by_year("it_mw")]) <= 0:
        raise StudyError(
            four_parts(
                "objective='cost' was asked for",
                "nothing has to be built: power_mw has no lower bound",
                "a lower bound on power, since the cheapest plan is empty",
                f"power_mw=({high:g}, {high:g})"
                if 0 < high < np.inf
                else "power_mw=(3000, None)",
            )
        )


def check_gap(gap: Any) -> None:
    """Refuse a gap that is no fraction."""
    if not 0 <= number(gap, "gap") < 1:
        raise StudyError(
            four_parts(
                f"gap={gap!r} was asked for",
                "that is no fraction of the objective",
                "a fraction from 0 up to 1, without 1",
                "gap=1e-4",
            )
        )


def check_time_limit(time_limit_s: Any) -> None:
    """Refuse a time limit that is no length of time."""
    if time_limit_s is not None and number(time_limit_s, "time_limit_s") < 0:
        raise StudyError(
            four_parts(
                f"time_limit_s={time_limit_s!r} was asked for",
                "that is negative",
                "seconds from 0, or None",
                "time_limit_s=60",
            )
        )


def check_method(method: Any) -> None:
    """Refuse a method that there is not."""
    known_methods = ("auto", "full", "priceout")
    if not isinstance(method, str) or method not in known_methods:
        raise StudyError(
            four_parts(
                f"method={said(method)} was asked for",
                f"there is no such method.{nearest_name(str(method), known_methods)}",
                "'auto', 'full' or 'priceout'",
                "method='auto'",
            )
        )


def compile_problem(request: Request) -> Compiled:
    """Turn the user's arguments into a problem with limits and rows."""
    from siteselect.optimization.conditioning import refuse_huge

    # What overflows is refused by name.
    with np.errstate(over="ignore", invalid="ignore"):
        compiled = _compiled(request)
    refuse_huge(compiled)
    return compiled


def _compiled(request: Request) -> Compiled:
    sites = check_frame(request.sites)
    for _, check in value_checks(request):
        check()
    years = request.horizon
    power = request.bounds_by_year("power_mw")
    low, high = power[-1]
    given = request
    designs = None
    if request.options is not None:
        designs = read_designs(request.options, sites)
        # With the columns that only options have, unknown as yet.
        sites = designs.frame
        request = replace(request, sites=sites)
    objective = objective_of(request)
    has_capacity = has(sites, request.capacity, DEFAULT_CAPACITY)
    if designs is None:
        able, notes = eligible_rows(request, has_capacity)
    else:
        designs, able, notes = eligible_designs(request, designs, has_capacity)
    fixed = labels_of(request.fixed, "fixed", sites.index)
    forbidden = labels_of(request.forbidden, "forbidden", sites.index)
    existing = existing_mw(request, sites)
    stands = sites.index.isin(list(existing))
    stuck = stands & ~able
    if stuck.any():
        notes.append(
            f"{int(stuck.sum()):,} existing sites are excluded or not fully known: "
            "they stay as they are, and what is not known of them counts 0 in the "
            "objective"
        )
    refuse_ineligible(request, fixed, able | stands)
    may_grow = able
    able = able | stands
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
    # What removed candidates; how options differ removes none.
    removed = list(notes)
    if designs is not None:
        refuse_beside(designs, request, limits, objective)
        notes += notes_of(designs, able, flatten(used), request)
        used += designs.series()
    rows_able = np.flatnonzero(able)
    if rows_able.size == 0:
        raise StudyError(
            four_parts(
                f"{len(sites):,} candidates were given",
                "none of them is eligible: " + "; ".join(removed),
                "candidates that are not excluded, with a known score and capacity",
                "siteselect.eligibility(sites) shows what removed them",
            )
        )
    frame = sites.iloc[rows_able]
    order = canonical_order(frame, flatten(used))
    frame = frame.iloc[order]
    positions = rows_able[order].astype(np.int64)
    standing = np.zeros(len(frame))
    if existing:
        where = frame.index.get_indexer(list(existing))
        standing[where] = list(existing.values())
    grows = may_grow[positions]
    if designs is None:
        table = offered_sizes(request, frame, has_capacity, standing, grows)
    else:
        designs = designs.take(positions).distinct()
        own = [designs.rows_of(k) for k in range(len(designs.names))]
        table = joined(
            [
                offered_sizes(
                    request, designs.frame_of(k), has_capacity, standing[r], grows[r]
                )
                for k, r in enumerate(own)
            ],
            own,
        )
        frame = designs.veiled()
    problem = site_columns(frame, table, standing, years, limits, designs)
    problem = replace(
        problem, power_mw=power[-1], year_power_mw=tuple(power) if years else ()
    )
    small = len(frame) - np.unique(problem.column_site).size
    if small:
        notes.append(f"{small:,} can carry none of the sizes")
    problem = choices(problem, fixed, forbidden, limits)
    problem = replace(
        problem, maximize=objective.maximize, discount_rate=request.discount_rate
    )
    chosen: list[SupportsLimit] = list(limits)
    if hasattr(objective, "rows"):
        chosen.append(ObjectiveRows(objective))
    parts = [_dated(limit, problem) for limit in chosen]
    for of_limit in parts:
        for part in of_limit:
            problem = _with_own_columns(problem, part)
    # An objective's own columns have brought theirs along.
    problem = replace(
        problem,
        objective=problem.objective
        + coefficients(request, objective, problem, stuck[positions]),
    )
    lazy = tuple(x for x in chosen if getattr(x, "is_lazy", _never)(problem))
    rows = Rows.stack(
        [Rows.empty(problem.n_columns)]
        + [
            block
            for limit, of_limit in zip(chosen, parts, strict=True)
            if limit not in lazy
            for block in rows_of(of_limit, problem)
        ]
    )
    notes.extend(x for part in chosen if isinstance(part, Draw) for x in part.notes())
    is_score = isinstance(objective, PerMegawatt) and objective.name == "score"
    if low < high and is_score and problem.n_columns:
        notes.append(
            "the total MW may float, so suitability x MW depends on where the "
            "score's zero lies"
        )
    return Compiled(
        given,
        problem,
        tuple(chosen),
        rows,
        lazy,
        tuple(notes),
        positions,
        objective,
        tuple(part for of_limit in parts for part in of_limit),
    )


def eligible_designs(
    request: Request, designs: Designs, has_capacity: bool
) -> tuple[Designs, Bools, list[str]]:
    """Return options where their own score and capacity allow, and notes."""
    able, said_of = [], []
    for k in range(len(designs.names)):
        one = replace(request, sites=designs.whole_frame_of(k))
        rows, notes = eligible_rows(one, has_capacity)
        able.append(rows)
        said_of.append(notes)
    every = [n for n in said_of[0] if all(n in notes for notes in said_of)]
    for name, notes in zip(designs.names, said_of, strict=True):
        every += [f"{note} with {name!r}" for note in notes if note not in every]
    designs = designs.within(np.column_stack(able))
    some: Bools = np.any(designs.offered, axis=1)
    if not some.any():
        every.append("no option has all its figures, and room, at any of them")
    return designs, some, every


def offered_sizes(
    request: Request,
    frame: gpd.GeoDataFrame,
    has_capacity: bool,
    standing: Floats,
    may_grow: Bools,
) -> Any:
    """Return the sizes that each site is offered, or the paths of sizes."""
    years = request.horizon
    found = [
        offer(request, frame, in_year(request.capacity, y, frame), has_capacity)
        for y in years or (0,)
    ]
    if years:
        return path_table(found, standing, may_grow)
    return size_table(found[0], standing, may_grow)


def _dated(limit: SupportsLimit, problem: Problem) -> list[Dated]:
    """Return a limit by year; the rows of an objective are about the end."""
    if isinstance(limit, ObjectiveRows):
        return [Dated(limit)]
    return dated(limit, problem)


def _with_own_columns(problem: Problem, part: Dated) -> Problem:
    """Return the problem with the columns that a limit brings along."""
    maker = getattr(part.limit, "columns", None)
    extra = maker(part.view(problem)) if maker is not None else None
    if extra is None:
        return problem
    cost = extra.cost_usd
    pays = cost is not None and bool(np.any(cost != 0))
    # What is bought in a year stays: its columns are those of what is added.
    if part.year is not None and pays and not getattr(part.limit, "buys_once", False):
        raise StudyError(
            four_parts(
                f"{part.limit.name!r} buys something by itself",
                "it would be paid for once in every year",
                "years without such a limit, or such a limit without years",
                "power_mw=(3000, 3000) for one period",
            )
        )
    return problem.with_columns(part.limit.name, extra, part.year)


def check_rate(discount_rate: Any) -> None:
    """Refuse a discount rate that is no fraction."""
    rate = number(discount_rate, "discount_rate")
    if not 0 <= rate < 1:
        raise StudyError(
            four_parts(
                f"discount_rate={discount_rate!r} was asked for",
                "that is no fraction per year",
                "a fraction from 0 up to 1, without 1",
                f"discount_rate={rate / 100:g}" if rate >= 1 else "discount_rate=0.08",
            )
        )


def check_years(request: Request, years: tuple[int, ...]) -> None:
    """Refuse what makes no sense with years, or without them."""
    if not years:
        yearly = ["capacity"] if is_yearly(request.capacity) else []
        for limit in request.limits:
            given: Any = limit
            if is_dataclass(given) and not isinstance(given, type):
                values = [getattr(given, f.name) for f in fields(given)]
                if any(map(is_yearly, values)):
                    yearly.append(limit.name)
        if number(request.discount_rate, "discount_rate") > 0:
            yearly.append("discount_rate")
        if yearly:
            raise StudyError(
                four_parts(
                    f"{shown(map(repr, yearly))} depends on the year",
                    "there are no years: power_mw, it_mw and budget_usd name none",
                    "years, listed or as keys of power_mw, it_mw or budget_usd",
                    "years=[2027, 2030]",
                )
            )
        return
    options, _ = options_of(request.site_mw)
    if any(o.most > o.least for o in options):
        raise StudyError(
            four_parts(
                f"site_mw={request.site_mw!r} was asked for over {len(years)} years",
                "a range of sizes has no steps to grow in",
                "a list of sizes, where there are years",
                "site_mw=[100, 300, 1000]",
            )
        )


def existing_mw(request: Request, sites: gpd.GeoDataFrame) -> dict[Any, float]:
    """Return what stands at each existing site [MW]."""
    found = existing_amounts(request.existing)
    labels_of(tuple(found), "existing", sites.index)
    return found


def existing_amounts(given: Any) -> dict[Any, float]:
    """Return what stands, by label [MW], whether there are such candidates or not."""
    if given is None:
        return {}
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        raise StudyError(
            four_parts(
                f"existing={said(given)} was asked for",
                f"that is {type(given).__name__}",
                "a mapping from label to the MW that stand there",
                "existing={'s12': 100}",
            )
        )
    found = {label: number(mw, "existing") for label, mw in given.items()}
    bad = [label for label, mw in found.items() if not 0 < mw < np.inf]
    if bad:
        raise StudyError(
            four_parts(
                f"existing names {shown(repr(x) for x in bad)}",
                f"what stands there is {found[bad[0]]:g} MW",
                "more than 0 facility MW",
                "leave sites where nothing stands out of existing",
            )
        )
    return found


def coefficients(
    request: Request, objective: SupportsObjective, problem: Problem, stuck: Bools
) -> Floats:
    """Return the objective per column, discounted over the years."""
    read = problem
    if stuck.any() and isinstance(objective, PerMegawatt):
        # What stands cannot be undone: an unknown value of it changes no choice.
        spec = objective.column
        if isinstance(spec, str):
            column = problem.frame[spec]
            known = column.where(~(stuck & column.isna().to_numpy()), 0.0)
            read = replace(problem, frame=problem.frame.assign(**{spec: known}))
        elif isinstance(spec, pd.Series):
            column = spec.reindex(problem.frame.index)
            known = column.where(~(stuck & column.isna().to_numpy()), 0.0)
            objective = replace(objective, column=known)
    return over_years(objective, read)


def _never(problem: Problem) -> bool:
    return False


def refuse_told_twice(request: Request) -> None:
    """Refuse sites that are told to be in the plan and not to be, or too many."""

    def listed(labels: Any) -> list[Any]:
        return [x for x in labels if hashable(x)]

    fixed, forbidden = listed(request.fixed), set(listed(request.forbidden))
    existing = listed(existing_amounts(request.existing))
    stands = [x for x in existing if x in forbidden]
    if stands:
        raise StudyError(
            four_parts(
                f"{shown(repr(x) for x in stands)} is both existing and forbidden",
                "existing and forbidden contradict each other",
                "a site in one of them: what stands is always in the plan",
                "leave it out of existing or out of forbidden",
            )
        )
    both = [x for x in fixed if x in forbidden]
    if both:
        raise StudyError(
            four_parts(
                f"{shown(repr(x) for x in both)} is both fixed and forbidden",
                "fixed and forbidden contradict each other",
                "a site in one of them",
                "leave it out of fixed or out of forbidden",
            )
        )
    most = count_of(request.max_sites, "max_sites")
    must = {*fixed, *existing}
    if most is not None and len(must) > most:
        what = "fixed and existing" if fixed and existing else "fixed"
        what = "existing" if not fixed else what
        raise StudyError(
            four_parts(
                f"{what} names {len(must)} sites"
                if " " not in what
                else f"{what} name {len(must)} sites",
                f"max_sites is {most:g}",
                f"at most max_sites {what} sites: {what} and max_sites contradict",
                f"max_sites={len(must)}",
            )
        )


def refuse_ineligible(request: Request, fixed: tuple[Any, ...], able: Bools) -> None:
    """Refuse fixed sites that something else rules out, naming both."""
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


def check_counts(request: Request) -> None:
    """Refuse a least number of sites over the most."""
    most = count_of(request.max_sites, "max_sites")
    least = count_of(request.min_sites, "min_sites")
    if least is not None and most is not None and least > most:
        raise StudyError(
            four_parts(
                f"min_sites={least:g} and max_sites={most:g} were asked for",
                "the minimum is over the maximum",
                "min_sites <= max_sites",
                f"min_sites={most:g}",
            )
        )


def spacing_of(min_spacing_km: Any) -> Spacing | None:
    """Return the limit that a least spacing is."""
    return None if min_spacing_km is None else Spacing(min_spacing_km)


def limits_of(request: Request, sites: gpd.GeoDataFrame) -> list[SupportsLimit]:
    """Return built-in and given limits; refuse two of one name."""
    years = request.horizon
    out: list[SupportsLimit] = [SiteCapacity()]
    for what, make in (("power_mw", Power), ("it_mw", ItPower)):
        bounds = request.bounds_by_year(what)
        if any(low > 0 or np.isfinite(high) for low, high in bounds):
            by_year = dict(zip(years, bounds, strict=True)) if years else None
            out.append(make(*bounds[-1], by_year=by_year))
    if request.budget_usd is not None:
        budget = budget_of(request, sites)
        if budget.by_year is None or budget.by_year:
            out.append(budget)
    most = count_of(request.max_sites, "max_sites")
    least = count_of(request.min_sites, "min_sites")
    if most is not None or least is not None:
        out.append(Sites(least or 0.0, np.inf if most is None else most))
    if set(request.fixed) - set(
        request.existing if request.existing is not None else ()
    ):
        out.append(Fixed())
    if request.existing is not None and len(request.existing):
        out.append(Existing())
    spacing = spacing_of(request.min_spacing_km)
    if spacing is not None:
        out.append(spacing)
    names = {x.name for x in out}
    for limit in request.limits:
        if isinstance(limit, type) or not isinstance(limit, SupportsLimit):
            raise StudyError(
                four_parts(
                    f"limits holds {said(limit)}",
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


def budget_amounts(spec: Any) -> tuple[float, dict[int, float] | None]:
    """Return the most to be spent in all, and by period where it is given so."""
    if spec is None:
        return np.inf, None
    if isinstance(spec, ByYear):
        spec = spec.by_year
    by_year: dict[int, float] | None = None
    if isinstance(spec, Mapping):
        by_year = {
            year_of(y, "budget_usd"): number(v, "budget_usd")
            for y, v in sorted(spec.items())
            if v is not None
        }
        budget = sum(by_year.values())
        worst = min(by_year.values(), default=0.0)
    else:
        budget = worst = number(spec, "budget_usd")
    if worst < 0:
        raise StudyError(
            four_parts(
                f"budget_usd={worst:g} was asked for",
                "that is negative",
                "zero or more US dollars",
                f"budget_usd={-worst:g}",
            )
        )
    return budget, by_year


def budget_of(request: Request, sites: gpd.GeoDataFrame) -> Budget:
    """Return the bound on money, in all or by period."""
    budget, by_year = budget_amounts(request.budget_usd)
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
    return Budget(budget, by_year=by_year)


def site_columns(
    frame: gpd.GeoDataFrame,
    table: Any,
    standing: Floats,
    years: tuple[int, ...],
    limits: Sequence[SupportsLimit],
    designs: Designs | None,
) -> Problem:
    """Return the problem with one column per site and size, or path of sizes.

    Where sites or a limit have options, there is one column for each of them.
    """
    for limit in limits:
        maker = getattr(limit, "options", None)
        options = maker(frame) if maker is not None else None
        if options is not None:
            table = table.with_option(limit.name, options, standing)
    if years:
        problem = path_columns(frame, table, standing, years)
    else:
        problem = size_columns(frame, table, standing)
    return problem if designs is None else with_designs(problem, designs)


def with_designs(problem: Problem, designs: Designs) -> Problem:
    """Return the problem with its options, which its columns are named after."""
    which = problem.column_option[DESIGN]
    names = problem.column_names
    if isinstance(names, SizeNames):
        names = SizeNames(
            names.labels, names.site, names.mw, names.opens, (), which, designs.names
        )
    else:
        pairs = zip(names, which.tolist(), strict=True)
        names = tuple(f"{name} {designs.names[k]}" for name, k in pairs)
    return replace(problem, designs=designs, column_names=names)


def size_columns(
    frame: gpd.GeoDataFrame, table: SizeTable, standing: Floats
) -> Problem:
    """Return the problem of one period; objective and bounds come later."""
    extra = np.flatnonzero(table.most > table.least + 1e-9)
    n_open = table.site.size
    site = np.concatenate([table.site, table.site[extra]])
    opener = np.concatenate([np.full(n_open, -1), extra])
    opens = np.concatenate([np.ones(n_open, bool), np.zeros(extra.size, bool)])
    more = (table.most - table.least)[extra]
    mw = np.concatenate([table.least, more])
    cost = np.concatenate([table.cost, table.per_mw[extra] * more])
    lifetime = table.lifetime
    if lifetime is not None and table.lifetime_per_mw is not None:
        lifetime = np.concatenate([lifetime, table.lifetime_per_mw[extra] * more])
    # Columns of a site stand together, its smallest size first. A list of sizes
    # usually comes that way.
    order: Any = slice(None)
    step = np.diff(site)
    if extra.size or ((step < 0) | (step == 0) & (np.diff(mw) < 0)).any():
        order = np.lexsort((mw, ~opens, site))
        place = np.empty(site.size, dtype=np.int64)
        place[order] = np.arange(site.size)
        opener = np.where(opener >= 0, place[opener], -1)[order].astype(np.int64)
    site, opens, mw, cost = site[order], opens[order], mw[order], cost[order]
    if lifetime is not None:
        lifetime = lifetime[order]
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
        upper=np.ones(site.size),
        integrality=opens.copy(),
        fixed=np.zeros(len(frame), dtype=bool),
        column_lifetime_cost=lifetime,
        column_option={
            name: np.concatenate([which, which[extra]])[order]
            for name, which in table.option.items()
        },
        column_names=SizeNames(frame.index, site, mw, opens),
        standing_mw=standing if (standing > 0).any() else None,
    )


def path_columns(
    frame: gpd.GeoDataFrame,
    table: PathTable,
    standing: Floats,
    years: tuple[int, ...],
) -> Problem:
    """Return the problem over the years; objective and bounds come later."""
    site = table.site
    n = site.size
    labels = frame.index.astype(str).to_numpy(dtype=object)
    lifetime = table.lifetime
    return Problem(
        frame=frame,
        column_site=site,
        column_mw=table.mw[:, -1].copy(),
        column_cost=table.cost.sum(axis=1),
        column_opens=np.ones(n, dtype=bool),
        column_opener=np.full(n, -1, dtype=np.int64),
        column_payer=site.copy(),
        objective=np.zeros(n),
        maximize=True,
        lower=np.zeros(n),
        upper=np.ones(n),
        integrality=np.ones(n, dtype=bool),
        fixed=np.zeros(len(frame), dtype=bool),
        column_lifetime_cost=None if lifetime is None else lifetime.sum(axis=1),
        column_option=dict(table.option),
        column_names=path_names(labels[site], table.mw),
        standing_mw=standing if (standing > 0).any() else None,
        years=years,
        year_mw=np.asfortranarray(table.mw),
        year_cost=np.asfortranarray(table.cost),
        year_lifetime_cost=None if lifetime is None else np.asfortranarray(lifetime),
        year_extra=tuple({} for _ in years),
    )


def choices(
    problem: Problem,
    fixed: tuple[Any, ...],
    forbidden: tuple[Any, ...],
    limits: Sequence[Any] = (),
) -> Problem:
    """Return the problem with sites that must or must not be chosen."""
    frame, site = problem.frame, problem.column_site
    where = {x: k for k, x in enumerate(frame.index)} if fixed or forbidden else {}
    is_fixed = np.zeros(len(frame), dtype=bool)
    offered = np.zeros(len(frame), dtype=bool)
    offered[site] = True
    for label in fixed:
        if not offered[where[label]]:
            lone = [
                limit.name
                for limit in limits
                if isinstance(limit, Draw) and label not in set(limit.links["site"])
            ]
            if lone:
                raise StudyError(
                    four_parts(
                        f"fixed names {label!r}",
                        f"no source of {lone[0]!r} has a link to it",
                        f"sites with a link: fixed and {lone[0]!r} contradict",
                        f"links with a row for {label!r}",
                    )
                )
            raise StudyError(
                four_parts(
                    f"fixed names {label!r}",
                    "none of the sizes in site_mw fits its capacity",
                    "sites that can carry a size: fixed and site_mw contradict",
                    "site_mw with a smaller size",
                )
            )
        is_fixed[where[label]] = True
    if problem.standing_mw is not None:
        is_fixed |= problem.standing_mw > 0
    closed = np.zeros(len(frame), dtype=bool)
    for label in forbidden:
        if label in where:
            closed[where[label]] = True
    upper = problem.upper.copy()
    upper[closed[site]] = 0.0
    return replace(problem, fixed=is_fixed, upper=upper)


__all__ = ["Compiled", "Request", "compile_problem", "power_bounds"]
