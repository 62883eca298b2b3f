"""Choose sites: compile, solve, prove, read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import InfeasiblePlanError, SolverError, four_parts
from siteselect.optimization import highs, pulp_model
from siteselect.optimization._compile import (
    DEFAULT_CAPACITY,
    DEFAULT_COST,
    DEFAULT_FIXED_COST,
    Compiled,
    Request,
    Sized,
    Sizes,
    compile_problem,
)
from siteselect.optimization.conflicts import clash_of, clash_text, every_limit
from siteselect.optimization.limits import SupportsLimit
from siteselect.optimization.plan import SitePlan, relative_gap
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import Floats, Problem, Quantity, Rows

#: Up to this many columns ``method="auto"`` hands the whole matrix to the solver.
FULL_COLUMNS = 600
#: Above this many columns the search for clashing limits prices columns out.
MANY_COLUMNS = 5_000
#: A slack below this part of the bound counts as none.
BINDING = 1e-6


@dataclass(frozen=True, eq=False)
class Solution:
    """What a way of solving found, in the objective's own unit and direction."""

    status: highs.Status
    x: Floats | None
    objective: float
    bound: float
    duals: Floats | None
    solver: str


def optimize_sites(
    sites: gpd.GeoDataFrame,
    *,
    power_mw: float | tuple[float | None, float | None] | None = None,
    budget_usd: float | None = None,
    site_mw: Sizes = None,
    limits: Sequence[SupportsLimit] = (),
    max_sites: int | None = None,
    min_sites: int | None = None,
    min_spacing_km: float | None = None,
    fixed: Iterable[Any] = (),
    forbidden: Iterable[Any] = (),
    objective: str = "score",
    score: Quantity = "score",
    capacity: Sized = DEFAULT_CAPACITY,
    cost_per_mw: Sized = DEFAULT_COST,
    fixed_cost: Sized = DEFAULT_FIXED_COST,
    solver: Any = "highs",
    gap: float = 1e-4,
    time_limit_s: float | None = None,
    method: str = "auto",
    progress: bool | Callable[[str], object] | None = None,
) -> SitePlan:
    """Choose sites and sizes that are best within all limits, with a proof.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates, one row each, with a unique index and a known CRS. Rows that
        are excluded, or whose score or capacity is unknown, are never chosen.
    power_mw : float or tuple, optional
        Total facility power [MW]: a number is "at most", ``(least, most)`` is
        "between", either may be None.
    budget_usd : float, optional
        Most that the cost columns may add up to [USD].
    site_mw : list, tuple, float or mapping, optional
        Sizes of a site [MW]: a list of sizes; a tuple ``(least, most)`` for any
        size in a range; a mapping from size to a boolean column that says where
        it is offered. None is any size up to the capacity. A chosen site of a
        range takes at least 0.1 MW.
    limits : sequence
        `Limit`, `Average`, `Share`, `Spread`, `Spacing` or your own.
    max_sites, min_sites : int, optional
        Number of chosen sites.
    min_spacing_km : float, optional
        Least geodesic distance between chosen sites [km].
    fixed, forbidden : iterable of labels
        Sites that must or must not be chosen.
    objective : str, default "score"
        ``"score"`` maximises score x MW; ``"cost"`` minimises lifetime cost (or
        capital cost where that column is absent) and needs a lower bound on
        power; any other column is maximised as value x MW.
    score, capacity, cost_per_mw, fixed_cost : str, number, Series or mapping
        Column of the score [-], of the most a site can take [MW], of the cost per
        facility MW [USD/MW] and of the cost per site [USD]. The last three may be
        a mapping from size to column. Absent default columns mean no cap and no
        cost.
    solver : str or pulp.LpSolver, default "highs"
        Any solver that PuLP offers.
    gap : float, default 1e-4
        Relative gap to prove. Below about 1e-6 the solver's own tolerances may
        leave a correct plan "feasible".
    time_limit_s : float, optional
        Seconds after which the best plan so far is returned as ``"feasible"``.
    method : {"auto", "full", "priceout"}
        Hand the whole matrix to the solver, or price columns out first; the
        answer is the same within the gap.
    progress : bool or callable, optional
        Called with a line of text per step.

    Returns
    -------
    SitePlan

    Raises
    ------
    StudyError, LayerError
        The arguments or the candidates cannot be used.
    InfeasiblePlanError
        No set of sites satisfies all limits; ``conflicts`` names those that clash.
    SolverError
        The solver is missing or failed.

    Notes
    -----
    Ties between equally good plans are broken by the canonical order of the
    candidates (x, y, used columns), not by cost.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": [100.0, 300.0, 300.0]},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]),
    ...     crs=4326,
    ... )
    >>> plan = optimize_sites(sites, power_mw=400, site_mw=[100, 300])
    >>> plan.status, plan.sites["mw"].to_dict()
    ('optimal', {1: 300.0, 0: 100.0})
    """
    request = Request(
        sites=sites,
        power_mw=power_mw,
        budget_usd=budget_usd,
        site_mw=site_mw,
        limits=tuple(limits),
        max_sites=max_sites,
        min_sites=min_sites,
        min_spacing_km=min_spacing_km,
        fixed=_labels(fixed),
        forbidden=_labels(forbidden),
        objective=objective,
        score=score,
        capacity=capacity,
        cost_per_mw=cost_per_mw,
        fixed_cost=fixed_cost,
        solver=solver,
        gap=gap,
        time_limit_s=time_limit_s,
        method=method,
    )
    say = _progress(progress)
    clock = Clock()
    compiled = compile_problem(request)
    clock.lap("compile")
    say(
        f"{compiled.problem.n_sites:,} eligible candidates, "
        f"{compiled.problem.n_columns:,} columns, {len(compiled.rows):,} rows"
    )
    found = solve_compiled(compiled, clock=clock, say=say)
    return plan_of(compiled, found, clock)


def build_model(sites: gpd.GeoDataFrame, **arguments: Any) -> Any:
    """Write the full model as a PuLP problem, to print, extend or solve elsewhere.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates, as for `optimize_sites`.
    **arguments
        As for `optimize_sites`.

    Returns
    -------
    pulp.LpProblem
        Power in GW and money in M$; every variable and constraint is named. A
        spacing is written as "at most one of these" per clique of close sites.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]),
    ...     crs=4326,
    ... )
    >>> model = build_model(sites, power_mw=100, site_mw=[100])
    >>> len(model.variables()), len(model.constraints())
    (2, 2)
    """
    for key in ("fixed", "forbidden"):
        if key in arguments:
            arguments[key] = _labels(arguments[key])
    arguments.pop("progress", None)
    if "limits" in arguments:
        arguments["limits"] = tuple(arguments["limits"])
    compiled = compile_problem(Request(sites=sites, **arguments))
    rows = compiled.full_rows()
    model, _ = pulp_model.build(compiled.problem, rows)
    return model


class Clock:
    """Seconds per step."""

    def __init__(self) -> None:
        self.start = self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, step: str) -> None:
        """Book the time since the last lap under ``step``."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now

    def left(self, limit: float | None) -> float | None:
        """Return the seconds left of a limit, None when there is no limit."""
        if limit is None:
            return None
        return max(0.0, limit - (time.perf_counter() - self.start))


def _labels(labels: Any) -> tuple[Any, ...]:
    if labels is None:
        return ()
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        return (labels,)
    return tuple(labels)


def _progress(progress: Any) -> Callable[[str], object]:
    if callable(progress):
        return progress  # type: ignore[no-any-return]
    if progress:
        return lambda line: print(line, flush=True)
    return lambda line: None


def solve_compiled(
    compiled: Compiled, *, clock: Clock, say: Callable[[str], object]
) -> Solution:
    """Solve by the asked-for way; raise where no plan exists."""
    request = compiled.request
    n = compiled.problem.n_columns
    small = n == 0 or (request.method == "auto" and n <= FULL_COLUMNS)
    if request.method == "full" or small:
        return solve_full(compiled, clock=clock, say=say)
    return solve_priced(compiled, PriceOut(compiled), clock=clock, say=say)


def solve_priced(
    compiled: Compiled,
    engine: PriceOut,
    *,
    clock: Clock,
    say: Callable[[str], object],
) -> Solution:
    """Price columns out first; the bound still holds for the full problem."""
    request = compiled.request
    clock.lap("prepare")
    deadline = None
    if request.time_limit_s is not None:
        deadline = clock.start + request.time_limit_s
    found = engine.solve(
        gap=request.gap,
        deadline=deadline,
        solver=request.solver,
        say=say,
        lap=clock.lap,
    )
    if found.status == "infeasible":
        # Lazy rows only where they were needed: fewer rows already settle it.
        rows = Rows.stack([compiled.rows, engine.found_rows()])
        result = second_opinion(compiled.problem, rows, request.gap)
        if result.x is not None and compiled.lazy:
            rows = compiled.full_rows()
            result = second_opinion(compiled.problem, rows, request.gap)
        clock.lap("second opinion")
        if result.status == "infeasible":
            raise infeasible(compiled, rows)
        if result.x is None:
            raise no_plan(request, "HiGHS without presolve")
        x = polish(compiled.problem, rows, result.x)
        name = "HiGHS without presolve, full model"
        return finish(compiled.problem, x, result.bound, None, name, request.gap)
    if found.x is None:
        if deadline is not None and time.perf_counter() >= deadline:
            raise no_plan(request, f"{found.solver} after pricing out")
        say("pricing out found no plan: the full model decides")
        return solve_full(compiled, clock=clock, say=say)
    x = polish(compiled.problem, compiled.rows, found.x)
    name = f"{found.solver}, priced out to {found.core:,} columns"
    return finish(compiled.problem, x, found.bound, found.duals, name, request.gap)


def solve_full(
    compiled: Compiled, *, clock: Clock, say: Callable[[str], object]
) -> Solution:
    """Hand the whole matrix to the solver: slow, simple, the oracle."""
    request, problem = compiled.request, compiled.problem
    rows = compiled.full_rows()
    clock.lap("rows")
    result, name = pulp_model.solve(
        problem,
        rows,
        solver=request.solver,
        gap=request.gap,
        time_limit_s=clock.left(request.time_limit_s),
    )
    clock.lap("solve")
    left = clock.left(request.time_limit_s)
    if result.status == "infeasible" or (result.x is None and left is None):
        # "Infeasible", or stopped without a word and not for want of time.
        result = second_opinion(problem, rows, request.gap)
        clock.lap("second opinion")
        name += " and HiGHS without presolve"
        if result.status == "infeasible":
            raise infeasible(compiled, rows)
    duals, bound = relaxation(problem, rows, len(compiled.rows))
    clock.lap("prices")
    if result.x is None:
        raise no_plan(request, name)
    x = polish(problem, rows, result.x)
    return finish(
        problem, x, min(result.bound, bound), duals, f"{name}, full model", request.gap
    )


def second_opinion(problem: Problem, rows: Rows, gap: float) -> highs.MipResult:
    """Solve the full model once more by another route: HiGHS without presolve."""
    relaxed = highs.solve_lp(
        np.zeros(problem.n_columns),
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        presolve="off",
    )
    if relaxed.status == "infeasible":
        return highs.MipResult("infeasible", -np.inf, -np.inf, None)
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    found = highs.solve_mip(
        sign * problem.objective * scale,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
        gap=gap,
        presolve="off",
    )
    return replace(found, objective=found.objective / scale, bound=found.bound / scale)


def relaxation(
    problem: Problem, rows: Rows, n_rows: int
) -> tuple[Floats | None, float]:
    """Return the duals of the first ``n_rows`` rows and the bound (maximised).

    Duals are signed as changes of the objective per unit of the row's bound, in
    the objective's own direction.
    """
    if problem.n_columns == 0:
        return np.zeros(n_rows), 0.0
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    lp = highs.solve_lp(
        sign * problem.objective * scale,
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
    )
    if lp.status != "optimal":
        return None, np.inf
    return sign * lp.duals[:n_rows] / scale, lp.objective / scale


def polish(problem: Problem, rows: Rows, x: Floats) -> Floats:
    """Round the binaries and set what is continuous exactly for them."""
    x = x.copy()
    whole = problem.integrality
    x[whole] = np.round(x[whole])
    free = ~whole
    if not free.any():
        return x
    sign = 1.0 if problem.maximize else -1.0
    scale = pulp_model.objective_scale(problem)
    lower, upper = problem.lower.copy(), problem.upper.copy()
    lower[whole] = upper[whole] = x[whole]
    lp = highs.solve_lp(
        sign * problem.objective * scale,
        rows.matrix,
        rows.lower,
        rows.upper,
        lower,
        upper,
        primal_feasibility_tolerance=1e-9,
        dual_feasibility_tolerance=1e-9,
    )
    if lp.status == "optimal":
        x[free] = lp.x[free]
    return np.clip(x, problem.lower, problem.upper)


def finish(
    problem: Problem,
    x: Floats,
    bound: float,
    duals: Floats | None,
    solver: str,
    gap: float,
) -> Solution:
    """Put objective and bound into the objective's direction; judge the status."""
    sign = 1.0 if problem.maximize else -1.0
    objective = float(problem.objective @ x)
    best = max(bound, sign * objective)
    status: highs.Status = "feasible"
    # Bounds come out of floating-point sums: 1e-9 is rounding, not a gap.
    if relative_gap(sign * best, objective) <= gap + 1e-9:
        status = "optimal"
    return Solution(status, x, objective, sign * best, duals, solver)


def no_plan(request: Request, solver: str) -> SolverError:
    """Return the error for "stopped without any plan"."""
    return SolverError(
        four_parts(
            f"{solver} was asked for a plan",
            "it stopped without one"
            + (
                f" (time limit {request.time_limit_s:g} s)"
                if request.time_limit_s is not None
                else ""
            ),
            "more time, or another way",
            "time_limit_s=None, solver='cbc' or method='priceout'",
        )
    )


def _priced_feasibility(
    compiled: Compiled,
) -> Callable[[list[str], float], bool | None]:
    """Return a check whether some limits hold together, by pricing columns out."""

    def is_feasible(names: list[str], deadline: float) -> bool | None:
        wanted = {*names, "site capacity"}
        part = replace(
            compiled,
            limits=tuple(x for x in compiled.limits if x.name in wanted),
            lazy=tuple(x for x in compiled.lazy if x.name in wanted),
            rows=compiled.rows.take(
                np.flatnonzero(np.isin(compiled.rows.limit.astype(str), list(wanted)))
            ),
            # Fixed sites are a limit here; without it they are free.
            problem=compiled.problem
            if "fixed" in wanted
            else replace(
                compiled.problem, fixed=np.zeros_like(compiled.problem.fixed), _cache={}
            ),
        )
        found = PriceOut(part).solve(gap=1e9, deadline=deadline)
        if found.x is not None:
            return True
        return False if found.status == "infeasible" else None

    return is_feasible


def infeasible(compiled: Compiled, rows: Rows) -> InfeasiblePlanError:
    """Return the error that names the limits that clash."""
    try:
        clash = clash_of(
            compiled.problem,
            rows,
            is_feasible=(
                _priced_feasibility(compiled)
                if compiled.problem.n_columns > MANY_COLUMNS
                else None
            ),
        )
    except Exception:  # That no plan exists is known; which limits clash is extra.
        clash = every_limit(rows)
    said, ways = clash_text(clash)
    return InfeasiblePlanError(
        four_parts(
            "a plan within all limits was asked for",
            f"none exists: {said}",
            "limits that hold together",
            ways,
        ),
        clash.names,
    )


def plan_of(compiled: Compiled, found: Solution, clock: Clock) -> SitePlan:
    """Read a solution back as a plan."""
    assert found.x is not None
    problem, request = compiled.problem, compiled.request
    x = found.x
    mw = problem.sites_mw(x)
    own = problem.column_site >= 0
    cost = np.bincount(
        problem.column_site[own],
        weights=(problem.column_cost * x)[own],
        minlength=problem.n_sites,
    )
    value = np.bincount(
        problem.column_site[own],
        weights=(problem.objective * x)[own],
        minlength=problem.n_sites,
    )
    mw = np.round(mw, 9)
    chosen = np.flatnonzero(mw > 0)
    chosen = chosen[np.lexsort((chosen, -value[chosen].round(9), -mw[chosen]))]
    frame = problem.frame
    full = frame.assign(mw=mw, cost_usd=cost)
    table = account_table(compiled, full, found.duals)
    picked = request.sites.loc[frame.index[chosen]].copy()
    picked["mw"] = mw[chosen]
    picked["cost_usd"] = cost[chosen]
    picked["why"] = reasons(compiled, chosen, mw, table)
    evidence = evidence_of(request.sites)
    notes = list(compiled.notes)
    clock.lap("read back")
    names = {"score": "score x MW", "cost": "USD"}
    return SitePlan(
        status=found.status,
        objective=found.objective,
        bound=found.bound,
        gap=relative_gap(found.bound, found.objective),
        sites=picked,
        candidates=request.sites,
        limits=table,
        objective_name=names.get(request.objective, f"{request.objective} x MW"),
        solver=found.solver,
        seconds=dict(clock.seconds),
        notes=tuple(notes),
        evidence=evidence,
        compiled=compiled,
        x=x,
        duals=found.duals,
    )


def account_table(
    compiled: Compiled, full: gpd.GeoDataFrame, duals: Floats | None
) -> pd.DataFrame:
    """Return the accounts of all limits with slack, binding and price."""
    parts = [limit.check(full) for limit in compiled.limits]
    parts = [p for p in parts if len(p)]
    columns = [
        "limit",
        "group",
        "kind",
        "allowed_min",
        "allowed_max",
        "used",
        "slack",
        "unit",
        "binding",
        "price",
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts, ignore_index=True)
    low, high = table["allowed_min"], table["allowed_max"]
    # Groups nobody uses say nothing, unless they had to be used.
    table = table[
        (table["used"] != 0) | (table["group"] == "") | (low > 0)
    ].reset_index(drop=True)
    low, high, used = table["allowed_min"], table["allowed_max"], table["used"]
    table["slack"] = np.minimum(high - used, used - low)
    size = np.maximum(
        1e-9, np.where(high - used <= used - low, high.abs(), low.abs()).astype(float)
    )
    table["binding"] = (table["slack"] <= BINDING * size).to_numpy(dtype=bool)
    table["price"] = np.nan
    if duals is not None:
        rows = compiled.rows
        keep = rows.kind != ""
        price = pd.DataFrame(
            {
                "limit": rows.limit[keep],
                "kind": rows.kind[keep],
                "group": rows.group[keep],
                "price": (duals * rows.scale)[keep],
            }
        )
        price = price[price["price"] != 0]
        total = price.groupby(["limit", "kind", "group"])["price"].sum()
        key = pd.MultiIndex.from_frame(table[["limit", "kind", "group"]])
        has_row = set(zip(rows.limit[keep], rows.kind[keep], strict=True))
        found = np.array([float(total.get(k, 0.0)) for k in key])
        known = [(k[0], k[1]) in has_row for k in key]
        table["price"] = np.where(known, found * table["multiplier"], np.nan)
    return table[columns]


def reasons(
    compiled: Compiled, chosen: Any, mw: Floats, table: pd.DataFrame
) -> list[str]:
    """Return one short sentence per chosen site."""
    frame, problem = compiled.problem.frame, compiled.problem
    parts = [c for c in map(str, frame.columns) if c.endswith("_contribution")]
    biggest = np.zeros(problem.n_sites)
    own = problem.column_site >= 0
    # The most a site may take: its opening size, plus what a range adds.
    most = problem.column_mw * problem.upper
    np.maximum.at(biggest, problem.column_site[own], most[own])
    if (~problem.column_opens[own]).any():
        biggest = problem.sites_mw(problem.upper)
    tight = table[table["binding"].astype(bool)] if len(table) else table
    groups: list[tuple[str, Any, set[Any]]] = []
    for limit in compiled.limits:
        by = getattr(limit, "by", None)
        mine = tight[tight["limit"] == limit.name] if len(tight) else tight
        if not isinstance(by, str | pd.Series) or not len(mine):
            continue
        if isinstance(by, str) and by not in frame.columns:
            continue
        key = frame[by] if isinstance(by, str) else by.reindex(frame.index)
        groups.append((limit.name, key, set(mine["group"])))
    out = []
    for k in chosen:
        said = []
        if parts:
            row = frame.iloc[k][parts].astype(float).dropna()
            top = row.sort_values(ascending=False, kind="stable").head(3)
            said.append(
                ", ".join(
                    f"{name.removesuffix('_contribution')} {value:.2f}"
                    for name, value in top.items()
                    if value > 0
                )
            )
        if problem.fixed[k]:
            said.append("fixed")
        if mw[k] >= biggest[k] * (1 - 1e-9):
            said.append("largest size it can take")
        for name, key, names in groups:
            if key.iloc[k] in names:
                said.append(f"uses all of {name} ({key.iloc[k]})")
        out.append("; ".join(s for s in said if s))
    return out


def evidence_of(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the weight on each kind of evidence, empty if criteria are unknown."""
    about = sites.attrs.get("siteselect", {})
    criteria = about.get("criteria", []) if isinstance(about, dict) else []
    table = pd.DataFrame(
        {
            "evidence": [str(c.get("evidence") or "unstated") for c in criteria],
            "weight": [float(c.get("weight", 0.0)) for c in criteria],
        }
    )
    if not len(table):
        return table
    total = table["weight"].sum() or 1.0
    return (
        (table.groupby("evidence")["weight"].sum() / total)
        .sort_values(ascending=False)
        .reset_index()
    )
