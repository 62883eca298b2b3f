"""How the best objective moves with one limit, or with a second objective."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import (
    InfeasiblePlanError,
    StudyError,
    four_parts,
    nearest_name,
    said,
)
from siteselect.optimization import _plots, asked, pulp_model
from siteselect.optimization._compile import (
    Compiled,
    Request,
    check_frame,
    compile_problem,
    limits_of,
)
from siteselect.optimization.asked_designs import read_designs
from siteselect.optimization.limits import Limit, Spacing
from siteselect.optimization.optimize import check_names, request_of
from siteselect.optimization.plan import SitePlan, dollars, relative_gap
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import is_many, number
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.resolve import solve_again
from siteselect.optimization.sizes import (
    DEFAULT_COST,
    DEFAULT_FIXED_COST,
    LIFETIME_COST,
)
from siteselect.optimization.solution import Clock
from siteselect.optimization.solve import FULL_COLUMNS, solve_priced

#: Arguments that can be moved, the limit that each makes, and its unit.
ARGUMENTS = {
    "budget_usd": ("budget", "USD"),
    "power_mw": ("power", "MW"),
    "max_sites": ("sites", "sites"),
    "min_sites": ("sites", "sites"),
    "min_spacing_km": ("spacing", "km"),
}
#: Fields of a limit that can be moved, the first that is set.
MOVED = ("at_most", "at_least", "km", "max_sites_per_group", "max_share")
COLUMNS = ["value", "bound", "objective", "gap", "status", "used", "efficient"]


@dataclass(frozen=True, eq=False)
class _Path:
    """What is moved, and in which direction plans get better."""

    name: str
    limit: str
    unit: str
    whole: bool
    #: +1 where a larger value allows more, -1 where it allows less, 0 for neither.
    looser: int
    request_at: Callable[[float], Request] = field(repr=False)
    #: The value that the request has itself.
    now: Any = None
    #: Below this no plan can be.
    floor: float = 0.0


@dataclass(frozen=True, eq=False)
class Frontier:
    """A curve of bounds with exact plans on it, made by `siteselect.frontier`.

    Parameters
    ----------
    along : str
        What moves: an argument, a limit or the second objective.
    unit : str
        Unit of the value that moves.
    objective_name : str
        Objective of every point.
    maximize : bool
        Direction of the objective.
    table : pandas.DataFrame
        One row per value: ``value``; ``bound``, which no plan of that value can
        beat; ``objective``, ``gap`` and ``status`` of the plan where it was solved;
        ``used``, what that plan uses of the value; ``efficient``, whether no other
        solved plan is as good in both and better in one.
    plans : mapping of float to SitePlan
        The solved plans by value.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0, "cost_usd_per_mw": 1e7},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> curve = ss.frontier(sites, values=[1e9, 2e9], site_mw=[100])
    >>> curve.table["bound"].round(6).tolist()
    [90.0, 170.0]
    """

    along: str
    unit: str
    objective_name: str
    maximize: bool
    table: pd.DataFrame
    plans: Mapping[float, SitePlan] = field(repr=False)
    _path: _Path = field(repr=False)
    _engine: PriceOut | None = field(repr=False)

    def solve(self, values: float | Iterable[float] | None = None) -> Frontier:
        """Return the frontier with exact plans at some values.

        Parameters
        ----------
        values : float or iterable, optional
            Where to solve; all values of the table by default.

        Returns
        -------
        Frontier

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8], "capacity_mw": 100.0, "cost_usd_per_mw": 1e7},
        ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
        ... )
        >>> curve = ss.frontier(sites, values=[1e9, 2e9], site_mw=[100])
        >>> curve.solve(1e9).plans[1e9].total_mw
        100.0
        """
        given: Any = self.table["value"].tolist() if values is None else values
        wanted = list(given) if is_many(given) else [given]
        wanted = _clean(wanted, self._path)
        table = self.table.set_index("value")[["bound", "status"]]
        new = [v for v in wanted if v not in table.index]
        bounds = dict(zip(table.index, table["bound"], strict=True))
        more = _bounds(self._path, self._engine, new, self.maximize)
        bounds.update(zip(new, more, strict=True))
        status = dict(zip(table.index, table["status"], strict=True))
        plans = dict(self.plans)
        # From tight to loose: each plan is allowed for the next as well.
        for value in sorted(wanted, reverse=self._path.looser < 0):
            if value in plans or status.get(value) == "infeasible":
                continue
            if value < self._path.floor:
                status[value] = "infeasible"
                continue
            try:
                plans[value] = _plan_at(self._path, self._engine, value)
            except InfeasiblePlanError:
                status[value] = "infeasible"
        return replace(
            self,
            table=_table(self._path, self.maximize, bounds, plans, status),
            plans=plans,
        )

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the bounds as a line and the plans as dots.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            See `siteselect.plot_frontier`.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8], "capacity_mw": 100.0, "cost_usd_per_mw": 1e7},
        ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
        ... )
        >>> curve = ss.frontier(sites, values=[1e9, 2e9], site_mw=[100])
        >>> ax = curve.solve().plot()
        """
        return _plots.plot_frontier(self, ax, **kwargs)

    def _shown(self) -> pd.DataFrame:
        table = self.table.copy()
        if self.unit == "USD":
            for column in ("value", "used"):
                known = table[column].notna()
                table[column] = table[column].map(dollars).where(known, "")
        table["gap"] = table["gap"].map(lambda g: "" if np.isnan(g) else f"{g:.2%}")
        table["efficient"] = table["efficient"].map({True: "yes", False: ""})
        return table

    def __repr__(self) -> str:
        best = "at most" if self.maximize else "at least"
        text = (
            f"Frontier of {self.objective_name} along {self.along} [{self.unit}]: "
            f"{len(self.table)} values, {len(self.plans)} solved; "
            f"no plan's objective is beyond its bound ({best})\n"
        )
        return text + self._shown().to_string(index=False, na_rep="")

    def _repr_html_(self) -> str:
        head = html.escape(
            f"{self.objective_name} along {self.along} [{self.unit}]", quote=False
        )
        table = self._shown().to_html(index=False, na_rep="", escape=True)
        return f"<div><strong>Frontier</strong> of {head}{table}</div>"


def frontier(
    sites: gpd.GeoDataFrame,
    *,
    along: str = "budget_usd",
    objectives: tuple[str, str] | None = None,
    values: Iterable[float] | None = None,
    n: int = 20,
    exact: Iterable[float] | bool = (),
    **request: Any,
) -> Frontier:
    """Return how good a plan can be for each value of one limit.

    The curve of bounds comes from linear relaxations and is there at once; plans
    with their proof are solved where they are asked for. With two objectives the
    first is optimized while the second is held at each value in turn.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates, as for `optimize_sites`.
    along : str, default "budget_usd"
        What moves: ``"budget_usd"``, ``"power_mw"`` (the most; the least for
        ``objective="cost"``), ``"max_sites"``, ``"min_sites"``,
        ``"min_spacing_km"``, or the name of a limit in ``limits``.
    objectives : pair of str, optional
        The objective to optimize and the one to hold, each ``"score"``, ``"cost"``
        or a column (as value x MW), in place of ``along``.
    values : iterable of float, optional
        Values of what moves, in its own unit; by default ``n`` values around the
        one of the request, or between the two best plans of two objectives. A cost
        that is held is what a budget counts; where candidates have a lifetime cost, it
        is that of all megawatts that stand, without links.
    n : int
        Number of values where none are given.
    exact : iterable of float or bool
        Values to solve at once; True for all.
    **request
        Arguments of `optimize_sites`.

    Returns
    -------
    Frontier

    Raises
    ------
    StudyError
        There is no such argument or limit, or the values cannot be used.

    Notes
    -----
    Each bound is one for the full problem at its value. Where a larger value only
    allows more, a bound also holds for all smaller ones. Holding one objective while
    the other is optimized is the epsilon-constraint method [1]_; it finds plans
    between the corners of the convex hull, which weights cannot.

    References
    ----------
    .. [1] Y. Y. Haimes, L. S. Lasdon, D. A. Wismer (1971), "On a bicriterion
       formulation of the problems of integrated system identification and system
       optimization", IEEE Transactions on Systems, Man, and Cybernetics SMC-1(3),
       doi:10.1109/TSMC.1971.4308298.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0, "cost_usd_per_mw": 1e7},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> curve = frontier(sites, values=[0.5e9, 1e9, 2e9], exact=True, site_mw=[100])
    >>> curve.table["objective"].tolist()
    [0.0, 90.0, 170.0]
    """
    if request.get("progress") is not None:
        request.pop("progress")
    check_names(request, "frontier", frontier)
    check_frame(sites)
    n = asked.whole(n, "n", 1, "n=20")
    given_values: Any = values
    if values is not None and not is_many(given_values):
        values = [given_values]
    if isinstance(exact, Mapping) or not (is_many(exact) or isinstance(exact, bool)):
        raise StudyError(
            four_parts(
                f"frontier(exact={said(exact)}) was asked for",
                f"that is {type(exact).__name__}",
                "values to solve at once, or True for all",
                "exact=[40e9]",
            )
        )
    if getattr(request.get("objective"), "in_stages", False):
        raise StudyError(
            four_parts(
                f"frontier(objective={request['objective']!r}) was asked for",
                "objectives in order have no one bound",
                "one objective, a weighted sum, or a pair of which one is held",
                "siteselect.frontier(sites, objectives=('score', 'cost'), ...)",
            )
        )
    if n < 2 and values is None:
        raise StudyError(
            four_parts(
                f"frontier(n={n}) was asked for",
                "a curve has two values or more",
                "a whole number from 2, or values=",
                "siteselect.frontier(sites, n=20, ...)",
            )
        )
    if objectives is not None:
        path, given = _two_objectives(sites, objectives, request, values is None, n)
    else:
        path = _path(request_of(sites, **request), along)
        given = _around(path, n) if values is None else []
    chosen = _clean(given if values is None else list(values), path)
    if not chosen:
        raise StudyError(
            four_parts(
                f"frontier(along={path.name!r}) was asked for",
                "there are no values",
                "one value or more",
                "values=[30e9, 40e9, 50e9]",
            )
        )
    loosest = min(chosen) if path.looser < 0 else max(chosen)
    compiled = compile_problem(path.request_at(loosest))
    engine = _movable(compiled, path)
    maximize = compiled.problem.maximize
    bounds = dict(zip(chosen, _bounds(path, engine, chosen, maximize), strict=True))
    objective = compiled.request.objective
    # An objective of its own kind says its unit; it is no column of the frame.
    known = {"score": "score x MW", "cost": "USD"}
    name = compiled.objective.unit
    if isinstance(objective, str):
        name = known.get(objective, f"{objective} x MW")
    curve = Frontier(
        path.name,
        path.unit,
        name,
        maximize,
        _table(path, maximize, bounds, {}, {}),
        {},
        path,
        engine,
    )
    if exact is True:
        return curve.solve()
    wanted = list(exact) if is_many(exact) and not isinstance(exact, bool) else []
    return curve.solve(wanted) if wanted else curve


# -- what moves -----------------------------------------------------------------


def _path(request: Request, along: str) -> _Path:
    """Return how a request changes with the value of ``along``."""
    if not isinstance(along, str):
        raise StudyError(
            four_parts(
                f"frontier(along={said(along)}) was asked for",
                f"that is {type(along).__name__}",
                "the name of an argument or limit",
                "siteselect.frontier(sites, along='budget_usd', ...)",
            )
        )
    if isinstance(getattr(request, along, None), Mapping):
        raise StudyError(
            four_parts(
                f"frontier(along={along!r}) was asked for",
                f"the request gives {along} per year, so no one number moves",
                "a plain number, or another limit to move",
                "siteselect.frontier(sites, along='max_sites', values=[...], ...)",
            )
        )
    if along == "power_mw":
        return _power_path(request)
    if along in ARGUMENTS:
        made, unit = ARGUMENTS[along]
        whole = along in ("max_sites", "min_sites")

        def argument_at(value: float) -> Request:
            changes: dict[str, Any] = {along: int(value) if whole else value}
            return replace(request, **changes)

        looser = -1 if along.startswith("min_") else 1
        now = getattr(request, along)
        return _Path(along, made, unit, whole, looser, argument_at, now)
    for k, limit in enumerate(request.limits):
        if limit.name == along:
            return _limit_path(request, k)
    names = [*ARGUMENTS, *(limit.name for limit in request.limits)]
    raise StudyError(
        four_parts(
            f"frontier(along={along!r}) was asked for",
            "there is no such argument or limit." + nearest_name(along, names),
            "one of " + ", ".join(names),
            "siteselect.frontier(sites, along='budget_usd', ...)",
        )
    )


def _power_path(request: Request) -> _Path:
    low, high = request.power_bounds
    if request.objective == "cost":

        def least_at(value: float) -> Request:
            most = max(high, value) if np.isfinite(high) else None
            # A fixed total stays one.
            return replace(request, power_mw=(value, value if low == high else most))

        looser = 0 if low == high else -1
        return _Path("power_mw", "power", "MW", False, looser, least_at, low)

    def most_at(value: float) -> Request:
        is_equal = low == high and low > 0
        return replace(request, power_mw=(value if is_equal else low, value))

    is_fixed = low == high and low > 0
    looser = 0 if is_fixed else 1
    floor = 0.0 if is_fixed else max(low, 0.0)
    return _Path("power_mw", "power", "MW", False, looser, most_at, high, floor)


def _limit_path(request: Request, k: int) -> _Path:
    limit: Any = request.limits[k]
    own = [f.name for f in fields(limit)] if is_dataclass(limit) else []
    name = next((m for m in MOVED if m in own and getattr(limit, m) is not None), None)
    if name is None:
        raise StudyError(
            four_parts(
                f"frontier(along={limit.name!r}) was asked for",
                f"{type(limit).__name__} has no bound that can be moved",
                "a limit with one of " + ", ".join(MOVED),
                "siteselect.frontier(sites, along='budget_usd', ...)",
            )
        )

    def limit_at(value: float) -> Request:
        limits = list(request.limits)
        limits[k] = replace(limit, **{name: int(value) if whole else value})
        return replace(request, limits=tuple(limits))

    # How many groups, or sites per group: whole numbers.
    whole = name == "max_sites_per_group" or (name == "at_least" and "max_share" in own)
    # More room between sites leaves fewer plans, more room around a hub more.
    tighter = name == "at_least" or (name == "km" and isinstance(limit, Spacing))
    looser = -1 if tighter else 1
    unit = str(getattr(limit, "unit", "") or ("km" if name == "km" else name))
    now = getattr(limit, name)
    return _Path(limit.name, limit.name, unit, whole, looser, limit_at, now)


def _around(path: _Path, n: int) -> list[float]:
    """Return values around the one that the request has."""
    now = path.now
    ok = isinstance(now, int | float) and np.isfinite(now) and now > 0
    if not ok:
        raise StudyError(
            four_parts(
                f"frontier(along={path.name!r}) was asked for without values",
                f"the request has {now!r} there, no number to go around",
                "values, or a request with a number",
                f"siteselect.frontier(sites, along={path.name!r}, values=[...])",
            )
        )
    low = max(0.5 * now, path.floor)
    return [float(v) for v in np.linspace(low, 1.5 * now, n)]


def _two_objectives(
    sites: gpd.GeoDataFrame,
    objectives: tuple[str, str],
    arguments: dict[str, Any],
    wants_values: bool,
    n: int,
) -> tuple[_Path, list[float]]:
    """Return the path along the second objective, and values between the ends."""
    is_pair = isinstance(objectives, tuple | list) and len(objectives) == 2
    is_text = is_pair and all(isinstance(x, str) for x in objectives)
    if not is_text or objectives[0] == objectives[1]:
        raise StudyError(
            four_parts(
                f"frontier(objectives={said(objectives)}) was asked for",
                "that is no pair of two objectives",
                "two of 'score', 'cost' and column names",
                "objectives=('score', 'cost')",
            )
        )
    first, second = objectives
    arguments = {k: v for k, v in arguments.items() if k != "objective"}
    request = request_of(sites, **arguments, objective=first)
    limits, budget = tuple(request.limits), request.budget_usd
    taken = {limit.name for limit in limits}
    known = set(sites.columns)
    if request.options is not None:
        known |= set(read_designs(request.options, sites).columns)
    name = f"{second} held" if second in taken else second
    is_cost = second == "cost"
    if is_cost:
        per_mw: Any = request.cost_per_mw
        if per_mw == DEFAULT_COST and LIFETIME_COST in known:
            per_mw = LIFETIME_COST
        fixed: Any = request.fixed_cost
        if fixed == DEFAULT_FIXED_COST and fixed not in known:
            fixed = 0
        held = {"per_mw": per_mw, "per_site": fixed, "unit": "USD"}
    else:
        per_mw = request.score if second == "score" else second
        held = {"per_mw": per_mw, "unit": f"{second} x MW"}

    def held_at(value: float) -> Request:
        bound: dict[str, Any] = {"at_most" if is_cost else "at_least": value}
        return replace(request, limits=(*limits, Limit(name, **held, **bound)))

    path = _Path(name, name, str(held["unit"]), False, 1 if is_cost else -1, held_at)
    if is_cost and per_mw != LIFETIME_COST and not isinstance(budget, Mapping):
        # What a budget counts is what the plan pays: links and lines, and not what
        # stands already.
        most = np.inf if budget is None else float(budget)

        def paid_at(value: float) -> Request:
            return replace(request, budget_usd=min(value, most))

        path = _Path(name, "budget", "USD", False, 1, paid_at)
    if not wants_values:
        return path, []
    one = solve_again(compile_problem(request))
    if path.limit == "budget":
        at_one = float(one.sites["cost_usd"].sum())
    else:
        at_one = _held_by(one, Limit(name, **held, at_least=0.0))
    low_mw = request.power_bounds[0]
    if is_cost and low_mw <= 0:
        at_two = 0.0
    else:
        at_two = solve_again(
            compile_problem(replace(request, objective=second))
        ).objective
    return path, np.linspace(at_two, at_one, n).tolist()


def _held_by(plan: SitePlan, limit: Limit) -> float:
    """Return what a plan has of a limit that it was not made under."""
    full = plan.problem.frame_at(plan.x).copy()
    for column in ("mw", "cost_usd"):
        full[column] = plan.sites[column].reindex(full.index).fillna(0.0)
    used = limit.check(full)["used"].astype(float)
    return float(used.max()) if len(used) else 0.0


def _clean(values: Sequence[Any], path: _Path) -> list[float]:
    """Return sorted distinct values; refuse what is no value."""
    try:
        numbers = [number(v, "values") for v in values]
    except StudyError:
        numbers = [np.nan]
    if not all(np.isfinite(v) and v >= 0 for v in numbers):
        raise StudyError(
            four_parts(
                f"values along {path.name!r} were asked for",
                f"{said(list(values)[:5])} are not all numbers from 0",
                f"finite numbers [{path.unit}]",
                "values=[30e9, 40e9, 50e9]",
            )
        )
    if path.whole:
        numbers = [float(round(v)) for v in numbers]
    return sorted(set(numbers))


# -- bounds and plans -------------------------------------------------------------


def _movable(compiled: Compiled, path: _Path) -> PriceOut | None:
    """Return an engine whose bound can be moved; None if it must be compiled anew."""
    if path.limit == "power":
        return None  # Other limits may be written with the total.
    engine = PriceOut(compiled)
    mine = next((x for x in compiled.limits if x.name == path.limit), None)
    if mine is None or getattr(mine, "columns", None) is not None:
        return None
    try:
        engine.bounded_rows(path.limit)
    except StudyError:
        return None
    return engine


def _compiled_at(path: _Path, engine: PriceOut, value: float) -> Compiled:
    """Return the compiled program at a value, with the rows of one limit new."""
    compiled = engine.compiled
    request = path.request_at(value)
    new = next(x for x in limits_of(request, request.sites) if x.name == path.limit)
    old = np.flatnonzero(compiled.rows.limit == path.limit)
    part = new.rows(compiled.problem)
    rows = compiled.rows
    lower, upper = rows.lower.copy(), rows.upper.copy()
    lower[old], upper[old] = part.lower, part.upper
    return replace(
        compiled,
        request=request,
        limits=tuple(new if x.name == path.limit else x for x in compiled.limits),
        rows=replace(rows, lower=lower, upper=upper),
    )


def _bounds(
    path: _Path, engine: PriceOut | None, values: Sequence[float], maximize: bool
) -> list[float]:
    """Return what no plan of each value can beat, in the objective's unit."""
    out = []
    held = engine
    sign = 1.0 if maximize else -1.0
    for value in sorted(values, reverse=path.looser >= 0):
        if value < path.floor:
            out.append((value, sign * -np.inf))
            continue
        if held is None:
            engine_at = PriceOut(compile_problem(path.request_at(value)))
        else:
            at = _compiled_at(path, held, value)
            held = engine_at = held.derived(at.problem, at.rows)
        problem = engine_at.compiled.problem
        scale = pulp_model.objective_scale(problem)
        status, _, priced = engine_at.relax(sign * problem.objective * scale)
        bound = np.inf
        if status == "infeasible":
            bound = -np.inf
        elif priced is not None:
            bound = priced.bound / scale
        out.append((value, sign * bound))
    found = dict(out)
    return [found[v] for v in values]


def _plan_at(path: _Path, engine: PriceOut | None, value: float) -> SitePlan:
    """Return the plan at a value."""
    clock = Clock()
    if engine is None:
        return solve_again(compile_problem(path.request_at(value)), clock)
    compiled = _compiled_at(path, engine, value)
    method = compiled.request.method
    small = compiled.problem.n_columns <= FULL_COLUMNS
    if method == "full" or (method == "auto" and small):
        return solve_again(compiled, clock)
    moved = engine.derived(compiled.problem, compiled.rows)
    found = solve_priced(compiled, moved, clock=clock, say=_silent)
    engine.plans = [*moved.plans[:1], *engine.plans[:3]]
    return plan_of(compiled, found, clock)


def _silent(_: str) -> None:
    """Say nothing: a point is one of many."""


def _used(plan: SitePlan, name: str) -> float:
    """Return what a plan uses of a limit, the largest of its groups."""
    if all(limit.name != name for limit in plan.compiled.limits):
        return float("nan")
    used = plan.limits.loc[plan.limits["limit"] == name, "used"].astype(float)
    return float(used.max()) if len(used) else 0.0


def _table(
    path: _Path,
    maximize: bool,
    bounds: Mapping[float, float],
    plans: Mapping[float, SitePlan],
    status: Mapping[float, str],
) -> pd.DataFrame:
    """Return one row per value, bounds carried to where they hold as well."""
    values = np.array(sorted(bounds))
    sign = 1.0 if maximize else -1.0
    bound = np.array([sign * bounds[v] for v in values])
    objective = np.full(values.size, np.nan)
    used = np.full(values.size, np.nan)
    said = np.full(values.size, "", dtype=object)
    for k, value in enumerate(values.tolist()):
        if value in plans:
            plan = plans[value]
            objective[k] = plan.objective
            bound[k] = min(bound[k], sign * plan.bound)
            said[k] = plan.status
            used[k] = _used(plan, path.limit)
        elif status.get(value) == "infeasible" or bound[k] == -np.inf:
            said[k] = "infeasible"
            bound[k] = -np.inf
    # What bounds a looser program bounds a tighter one.
    if path.looser > 0:
        bound = np.minimum.accumulate(bound[::-1])[::-1]
    elif path.looser < 0:
        bound = np.minimum.accumulate(bound)
    bound = sign * bound
    bound[said == "infeasible"] = np.nan
    gap = [
        relative_gap(b, o) if not np.isnan(o) else np.nan
        for b, o in zip(bound, objective, strict=True)
    ]
    return pd.DataFrame(
        {
            "value": values,
            "bound": bound,
            "objective": objective,
            "gap": gap,
            "status": said,
            "used": used,
            "efficient": _efficient(sign * objective, used * path.looser),
        },
        columns=COLUMNS,
    )


def _efficient(gain: Any, spent: Any) -> Any:
    """Return which points no other point is as good as in both and better in one."""
    known = ~np.isnan(gain)
    room = 1e-9 * max(1.0, float(np.nanmax(np.abs(gain), initial=0.0)))
    with np.errstate(invalid="ignore"):
        as_good = (gain[None, :] >= gain[:, None] - room) & (
            spent[None, :] <= spent[:, None] * (1 + 1e-12 * np.sign(spent[:, None]))
        )
        better = (gain[None, :] > gain[:, None] + room) | (
            spent[None, :] < spent[:, None] - 1e-9 * np.abs(spent[:, None])
        )
    return known & ~(as_good & better).any(axis=1)
