"""Plans that hold up when data and weights are other than thought."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing import get_context
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import (
    InfeasiblePlanError,
    MissingDependencyError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.optimization import highs
from siteselect.optimization._compile import (
    Compiled,
    Request,
    check_frame,
    compile_problem,
    listed_limits,
)
from siteselect.optimization.asked import (
    column_names,
    criteria_list,
    noise_of,
    not_below,
    seed_of,
    whole,
)
from siteselect.optimization.optimize import _labels
from siteselect.optimization.plan import SitePlan, relative_gap
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import (
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Rows,
    as_floats,
    column_of,
    held,
    number,
)
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.solution import Clock, Solution
from siteselect.optimization.solve import (
    FULL_COLUMNS,
    finish,
    solve_compiled,
    solve_full,
    solve_priced,
)
from siteselect.optimization.survival import NOISE, WEIGHT_SPREAD, Shaker

#: Columns that name something sites may share and lose together.
SHARED = (
    "substation",
    "poi_id",
    "county",
    "county_fips",
    "water_basin",
    "basin",
    "hazard_class",
    "flood_zone",
)
#: The two plans are proven within this many times the gap of the request.
TIMES_GAP = 10.0
#: Most time for each of them where the request sets none [s].
MOST_SECONDS = 60.0
#: No factor on a column is larger.
LARGEST_FACTOR = 1e12
#: Room for rounding in rows of scaled units.
ROOM = 1e-6

#: One chosen column: site, name of the column, whether it is whole, MW, value of x.
Pick = tuple[Any, str, bool, float, float]


@dataclass(frozen=True, eq=False)
class _Best:
    """The best plan of one scenario; ``picks`` is None where there is none."""

    name: str
    picks: tuple[Pick, ...] | None
    objective: float
    bound: float


@dataclass(frozen=True, eq=False)
class Robust:
    """How plans fare over scenarios, made by `siteselect.robust`.

    Parameters
    ----------
    chosen : pandas.DataFrame
        One row per site that some scenario's best plan chooses: ``share`` of the
        scenarios that choose it, ``mw_mean`` over all scenarios [MW],
        ``in_least_regret`` and ``in_best_cvar``.
    best : pandas.DataFrame
        One row per scenario: ``objective`` of its best plan, ``bound`` and ``gap``;
        missing where the scenario has no plan.
    value, regret : pandas.DataFrame
        One row per plan, one column per scenario: objective of the plan there, and
        what it loses to that scenario's best plan; missing where the plan breaks a
        limit of the scenario.
    least_regret : SitePlan or None
        The plan whose largest regret over all scenarios is least; None where no plan
        holds in every scenario.
    max_regret, max_regret_bound : float
        Its largest regret, and what no plan's can be below.
    best_cvar : SitePlan or None
        The plan with the best mean over the worst scenarios.
    cvar, cvar_bound : float
        That mean, and what no plan's can be better than.
    level, of : float and str
        Share of scenarios left out of the worst, and what the mean is of:
        ``"regret"`` or ``"objective"``.
    common_mode : pandas.DataFrame
        Chosen sites of the plan of least regret that share something, see
        `common_mode`.
    objective_name : str
        Objective, which gives regrets their unit.
    notes : tuple of str
        What a reader should know.
    """

    chosen: pd.DataFrame
    best: pd.DataFrame
    value: pd.DataFrame = field(repr=False)
    regret: pd.DataFrame = field(repr=False)
    least_regret: SitePlan | None = field(repr=False)
    max_regret: float
    max_regret_bound: float
    best_cvar: SitePlan | None = field(repr=False)
    cvar: float
    cvar_bound: float
    level: float
    of: str
    common_mode: pd.DataFrame
    objective_name: str
    notes: tuple[str, ...] = ()

    def _headline(self) -> list[tuple[str, str]]:
        done = int(self.best["objective"].notna().sum())
        lines = [("scenarios", f"{len(self.best):,}, {done:,} of them with a plan")]
        worst = f"worst {1 - self.level:.0%} of scenarios"
        for title, plan, text in (
            (
                "least regret",
                self.least_regret,
                f"at most {self.max_regret:,.6g} lost in any scenario, "
                f"no plan's is below {self.max_regret_bound:,.6g}",
            ),
            (
                "best CVaR",
                self.best_cvar,
                f"mean {self.of} {self.cvar:,.6g} over the {worst}, "
                f"bound {self.cvar_bound:,.6g}",
            ),
        ):
            if plan is None:
                lines.append((title, "no plan holds in every scenario"))
            else:
                names = shown(map(str, plan.sites.index))
                lines.append((title, f"{text} ({self.objective_name}): {names}"))
        always = int((self.chosen["share"] >= 1 - 1e-9).sum())
        lines.append(
            ("chosen", f"{len(self.chosen):,} sites, {always:,} of them always")
        )
        shared = len(self.common_mode)
        lines.append(
            ("common mode", f"{shared:,} groups hold two chosen sites or more")
        )
        return lines

    def __repr__(self) -> str:
        text = "Robust\n" + "\n".join(f"{k:<14}{v}" for k, v in self._headline())
        text += "\n" + self.chosen.head(15).to_string(float_format="{:.3g}".format)
        if len(self.chosen) > 15:
            text += f"\n... and {len(self.chosen) - 15} more"
        for note in self.notes:
            text += f"\nnote: {note}"
        return text

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(k)}</th>"
            f"<td style='text-align:left'>{html.escape(v)}</td></tr>"
            for k, v in self._headline()
        )
        table = self.chosen.head(50).to_html(escape=True, float_format="{:.3g}".format)
        shared = self.common_mode.to_html(escape=True) if len(self.common_mode) else ""
        notes = "".join(f"<li>{html.escape(n)}</li>" for n in self.notes)
        return (
            f"<div><strong>Robust</strong><table>{rows}</table>{table}{shared}"
            f"<ul>{notes}</ul></div>"
        )


def robust(
    sites_or_plan: gpd.GeoDataFrame | SitePlan,
    scenarios: Any,
    *,
    n: int = 20,
    rng: np.random.Generator | int = 0,
    noise: Mapping[str, float] | None = None,
    weight_spread: float = WEIGHT_SPREAD,
    level: float = 0.9,
    of: Literal["regret", "objective"] = "regret",
    by: Sequence[str] | None = None,
    workers: int | None = None,
    client: Any = None,
    **request: Any,
) -> Robust:
    r"""Solve a program under many scenarios and find the plans that bear them best.

    Parameters
    ----------
    sites_or_plan : geopandas.GeoDataFrame or SitePlan
        Candidates, with the arguments of `optimize_sites` as ``request``; or a plan,
        whose candidates and arguments are used.
    scenarios : mapping or sequence of Criterion
        One of three. Scenarios: name -> changes, each change a column -> factor
        (number), Series keyed by site, or name of another column; ``"weights"`` ->
        {criterion: weight} makes the score anew from the ``<name>_value`` columns.
        Ranges: column -> (low, high), factors drawn evenly for each site, ``n``
        times. Criteria: those that made the score, shaken ``n`` times as by
        ``plan.survival``.
    n : int
        Number of draws, for ranges and criteria.
    rng : numpy.random.Generator or int
        Seed of the draws.
    noise : mapping, optional
        Relative standard deviation by evidence [-], for criteria.
    weight_spread : float
        Standard deviation of the logarithm of each weight [-], for criteria.
    level : float
        The CVaR is the mean over the worst ``1 - level`` of the scenarios [-].
    of : {"regret", "objective"}
        What that mean is of.
    by : sequence of str, optional
        Columns that name what sites may share; those of a usual name by default.
    workers : int, optional
        Processes that solve scenarios at the same time. They are spawned: in a
        script, call from under ``if __name__ == "__main__":``.
    client : distributed.Client or str, optional
        Dask client, or its scheduler's address, to solve scenarios on.
    **request
        Arguments of `optimize_sites`, with candidates only.

    Returns
    -------
    Robust

    Raises
    ------
    StudyError
        The scenarios cannot be used.
    MissingDependencyError
        An address was given and ``distributed`` is not installed.

    Notes
    -----
    The two plans are those of integer programs over all candidates, not the best of
    the plans that the scenarios happen to have: with value :math:`v_s` and best value
    :math:`b_s` in scenario s, least regret is :math:`\min_x \max_s b_s - v_s(x)`
    [1]_, and the CVaR is written as by Rockafellar and Uryasev [2]_. Where data of
    limits change, both hold the limits of every scenario and of the data as given, at
    the smallest capacity. Regret counts from the best plan found, which is proven
    within the gap of the request. The two plans are proven within ten times that gap,
    as a share of the objective, not of the regret; where that takes more than
    ``time_limit_s`` (60 s each by default), the best so far is returned with its bound
    and a note.

    References
    ----------
    .. [1] P. Kouvelis, G. Yu (1997), "Robust discrete optimization and its
       applications", Kluwer, doi:10.1007/978-1-4757-2620-6.
    .. [2] R. T. Rockafellar, S. Uryasev (2000), "Optimization of conditional
       value-at-risk", Journal of Risk 2(3), doi:10.21314/JOR.2000.038.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "wet": [0.2, 0.7, 0.6], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> found = robust(
    ...     sites, {"as now": {}, "wet": {"score": "wet"}},
    ...     power_mw=(100, 100), site_mw=[100],
    ... )
    >>> list(found.least_regret.sites.index), round(found.max_regret, 6)
    ([1], 10.0)
    """
    asked = _request_of(sites_or_plan, request)
    level = number(level, "level")
    n = whole(n, "n", 1, "n=20")
    noise = noise_of(noise, NOISE)
    weight_spread = not_below(weight_spread, "weight_spread", 0, "weight_spread=0.2")
    by = None if by is None else column_names(by, "by")
    workers = None if workers is None else whole(workers, "workers", 1, "workers=2")
    if (
        not 0 <= level < 1
        or not isinstance(of, str)
        or of not in ("regret", "objective")
    ):
        raise StudyError(
            four_parts(
                f"robust(level={level!r}, of={of!r}) was asked for",
                "that is no share of scenarios, or nothing to take the mean of",
                "a level from 0 up to 1, without 1; of='regret' or 'objective'",
                "siteselect.robust(plan, scenarios, level=0.9, of='regret')",
            )
        )
    cases = scenarios_of(
        asked, scenarios, n=n, rng=rng, noise=noise, weight_spread=weight_spread
    )
    found = _solve_all(asked, cases, workers, client)
    base = compile_problem(asked)
    if isinstance(sites_or_plan, SitePlan):
        given = sites_or_plan
    else:
        clock = Clock()
        given = plan_of(base, solve_compiled(base, clock=clock, say=_silent), clock)
    return _judge(asked, base, given, cases, found, level, of, by)


def common_mode(plan: SitePlan, by: Sequence[str] | None = None) -> pd.DataFrame:
    """Return what two chosen sites or more share, and could lose together.

    Parameters
    ----------
    plan : SitePlan
        The plan to examine.
    by : sequence of str, optional
        Columns that name what sites may share: a substation, a county, a class of
        hazard. Those of a usual name by default.

    Returns
    -------
    pandas.DataFrame
        Most megawatts first: ``shared`` (the column), ``group``, ``sites`` (their
        number), ``labels``, ``mw`` at risk [MW] and ``share`` of the plan's [-].

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": 0.5, "capacity_mw": 100.0, "substation": ["a", "a", "b"]},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=300, site_mw=[100])
    >>> common_mode(plan)[["shared", "group", "sites", "mw"]].values.tolist()
    [['substation', 'a', 2, 200.0]]
    """
    chosen = plan.sites
    by = None if by is None else column_names(by, "by")
    if by is None:
        by = [c for c in SHARED if c in chosen.columns]
    unknown = [c for c in by if c not in chosen.columns]
    if unknown:
        raise StudyError(
            four_parts(
                f"common_mode(by={list(by)!r}) was asked for",
                f"there is no column {unknown[0]!r}."
                + nearest_name(str(unknown[0]), map(str, chosen.columns)),
                "columns of the candidates",
                "by=['substation', 'county']",
            )
        )
    rows = []
    total = max(plan.total_mw, 1e-9)
    for column in by:
        shared = column_of(chosen, column, "common_mode")
        for group, part in chosen.groupby(shared, sort=True):
            if len(part) > 1:
                mw = float(part["mw"].sum())
                labels = ", ".join(map(str, part.index))
                rows.append((column, group, len(part), labels, mw, mw / total))
    names = ["shared", "group", "sites", "labels", "mw", "share"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("mw", ascending=False, kind="stable", ignore_index=True)


# -- scenarios --------------------------------------------------------------------


def _request_of(sites_or_plan: Any, arguments: Mapping[str, Any]) -> Request:
    if isinstance(sites_or_plan, SitePlan):
        if arguments:
            raise StudyError(
                four_parts(
                    f"robust(plan, {next(iter(arguments))}=...) was asked for",
                    "the plan has its arguments already",
                    "a plan alone, or candidates with arguments",
                    "siteselect.robust(sites, scenarios, **arguments)",
                )
            )
        return sites_or_plan.compiled.request
    given = dict(arguments)
    given.pop("progress", None)
    for key in ("fixed", "forbidden"):
        if key in given:
            given[key] = _labels(given[key])
    given["limits"] = listed_limits(given.get("limits", ()))
    return Request(sites=check_frame(sites_or_plan), **given)


def scenarios_of(
    request: Request,
    scenarios: Any,
    *,
    n: int,
    rng: np.random.Generator | int,
    noise: Mapping[str, float] | None,
    weight_spread: float,
) -> dict[str, dict[str, Any]]:
    """Return scenarios as name -> {column: Series of values}, whatever was given."""
    random = np.random.default_rng(seed_of(rng))
    sites = request.sites
    if isinstance(scenarios, Mapping) and scenarios:
        parts = list(scenarios.values())
        if all(isinstance(x, Mapping) for x in parts):
            return {str(k): _values(request, str(k), v) for k, v in scenarios.items()}
        if all(isinstance(x, tuple) and len(x) == 2 for x in parts) and n >= 1:
            for column, (low, high) in scenarios.items():
                low, high = (number(x, f"the range of {column!r}") for x in (low, high))
                if not 0 <= low <= high:
                    raise _refused(f"a range ({low!r}, {high!r}) for {column!r}")
            return {
                f"draw {k + 1}": {
                    str(c): _numbers(sites, str(c))
                    * random.uniform(low, high, len(sites))
                    for c, (low, high) in scenarios.items()
                }
                for k in range(n)
            }
    is_criteria = isinstance(scenarios, Sequence) and not isinstance(scenarios, str)
    if is_criteria and len(scenarios) and n >= 1:
        scenarios = criteria_list(scenarios, "robust(scenarios=...)")
        if not isinstance(request.score, str) or request.objective != "score":
            raise _refused("criteria for a plan that is not made of a score column")
        missing = [c.name for c in scenarios if f"{c.name}_raw" not in sites.columns]
        if missing:
            raise _refused(f"criteria without raw columns ({shown(missing)})")
        known = sites[request.score].notna().to_numpy()
        shaken = Shaker(sites[known], scenarios, {**NOISE, **(noise or {})})
        out: dict[str, dict[str, Any]] = {}
        for k in range(n):
            score = pd.Series(np.nan, index=sites.index)
            score[known] = shaken.draw(random, weight_spread)
            out[f"draw {k + 1}"] = {request.score: score}
        return out
    raise _refused(f"{type(scenarios).__name__} (n={n!r})")


def _refused(found: str) -> StudyError:
    return StudyError(
        four_parts(
            "robust(scenarios=...) was asked for",
            f"it was given {found}",
            "name -> {column: factor, Series or column, 'weights': {...}}, "
            "column -> (low, high) with 0 <= low <= high, or the criteria of the score",
            "scenarios={'dry': {'water': 0.7}, 'dear': {'cost_usd_per_mw': 1.2}}",
        )
    )


def _numbers(sites: gpd.GeoDataFrame, column: str) -> pd.Series[Any]:
    if column not in sites.columns:
        raise _refused(
            f"the column {column!r}, which the candidates do not have."
            + nearest_name(column, map(str, sites.columns))
        )
    numbers = as_floats(column_of(sites, column, "robust"))
    if numbers is None:
        raise _refused(f"numbers for {column!r}, which holds {sites[column].dtype}")
    return pd.Series(numbers, index=sites.index)


def _as_before(
    sites: gpd.GeoDataFrame, column: str, new: pd.Series[Any]
) -> pd.Series[Any]:
    """Return new values of a column; numbers stay numbers."""
    was = column_of(sites, column, "robust") if column in sites.columns else None
    is_number = was is not None and as_floats(was) is not None
    if is_number and as_floats(new) is None:
        raise _refused(f"{held(new).removeprefix('it holds ')} for {column!r}")
    return new


def _values(request: Request, name: str, changes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the changed columns of one scenario."""
    sites = request.sites
    out: dict[str, Any] = {}
    for key, how in changes.items():
        column = str(key)
        if column == "weights":
            if not isinstance(request.score, str) or not isinstance(how, Mapping):
                raise _refused(f"weights {how!r} in {name!r}")
            out[request.score] = _scored(request, how)
        elif isinstance(how, pd.Series):
            known = how.index.is_unique
            if not known or (how.index.get_indexer(sites.index) < 0).any():
                raise _refused(f"a Series for {column!r} without a value for each site")
            out[column] = _as_before(sites, column, how.reindex(sites.index))
        elif isinstance(how, str):
            if how not in sites.columns:
                raise _refused(f"the column {how!r}, which the candidates do not have")
            new = column_of(sites, how, "robust")
            out[column] = _as_before(sites, column, new)
        elif isinstance(how, int | float) and 0 <= how < LARGEST_FACTOR:
            out[column] = _numbers(sites, column) * float(how)
        else:
            raise _refused(f"{said(how)} for {column!r} in {name!r}")
    return out


def _scored(request: Request, weights: Mapping[Any, Any]) -> pd.Series[Any]:
    """Return the score under other weights; criteria not named keep theirs."""
    sites = request.sites
    about = sites.attrs.get("siteselect", {})
    told = about.get("criteria", []) if isinstance(about, dict) else []
    weight = {str(c["name"]): float(c.get("weight", 0.0)) for c in told}
    known = [
        c[: -len("_value")] for c in map(str, sites.columns) if c.endswith("_value")
    ]
    for name, value in weights.items():
        ok = isinstance(value, int | float) and 0 <= value < LARGEST_FACTOR
        if f"{name}_value" not in sites.columns or not ok:
            raise _refused(
                f"the weight {said(value)} of {name!r}."
                + nearest_name(str(name), known)
            )
        weight[str(name)] = float(value)
    total = sum(weight.values())
    if total <= 0:
        raise _refused("weights that are all zero")
    score = pd.Series(0.0, index=sites.index)
    for name, value in weight.items():
        if value > 0:
            score = score + value / total * sites[f"{name}_value"].astype(float)
    # Excluded sites stay without a score.
    return score.where(sites[request.score].notna())


def _changed(request: Request, changes: Mapping[str, Any]) -> Request:
    return replace(request, sites=request.sites.assign(**changes))


# -- the best plan of each scenario -------------------------------------------------


def _solve_all(
    request: Request,
    cases: Mapping[str, Mapping[str, Any]],
    workers: int | None,
    client: Any,
) -> list[_Best]:
    items = list(cases.items())
    if client is not None:
        return _on_dask(request, items, client)
    if workers is not None and workers < 1:
        raise StudyError(
            four_parts(
                f"robust(workers={workers}) was asked for",
                "that is below one",
                f"a number of processes, e.g. {os.cpu_count()}",
                "siteselect.robust(plan, scenarios, workers=2)",
            )
        )
    if workers is None or workers == 1 or len(items) < 2:
        return _solve_some(request, items)
    chunks = [items[k::workers] for k in range(min(workers, len(items)))]
    with ProcessPoolExecutor(len(chunks), mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_solve_some, [request] * len(chunks), chunks))
    return _in_order(items, parts)


def _on_dask(request: Request, items: list[Any], client: Any) -> list[_Best]:
    if isinstance(client, str):
        try:
            distributed = import_module("distributed")
        except ImportError:
            raise MissingDependencyError(
                four_parts(
                    f"robust(client={client!r}) was asked for",
                    "Dask's distributed is not installed",
                    "a Dask client, or processes of this machine",
                    "pip install distributed, or workers=2",
                )
            ) from None
        with distributed.Client(client) as opened:
            return _on_dask(request, items, opened)
    count = max(1, min(len(items), sum(client.nthreads().values())))
    chunks = [items[k::count] for k in range(count)]
    futures = [client.submit(_solve_some, request, c, pure=False) for c in chunks]
    return _in_order(items, client.gather(futures))


def _in_order(items: list[Any], parts: Iterable[list[_Best]]) -> list[_Best]:
    found = {best.name: best for part in parts for best in part}
    return [found[name] for name, _ in items]


def _solve_some(request: Request, items: Sequence[tuple[str, Any]]) -> list[_Best]:
    """Solve some scenarios; each starts from the same state, whoever solves it."""
    compiled = compile_problem(request)
    engine: PriceOut | None = None
    out = []
    for name, changes in items:
        gain = _new_objective(compiled, changes)
        clock = Clock()
        try:
            if gain is None:
                case = compile_problem(_changed(request, changes))
                found = solve_compiled(case, clock=clock, say=_silent)
            else:
                problem = replace(compiled.problem, objective=gain)
                case = replace(compiled, problem=problem)
                if _is_small(case):
                    found = solve_compiled(case, clock=clock, say=_silent)
                else:
                    if engine is None:
                        engine = PriceOut(compiled)
                        sign = 1.0 if problem.maximize else -1.0
                        engine.relax(sign * compiled.problem.objective)
                    moved = engine.derived(problem, compiled.rows)
                    found = solve_priced(case, moved, clock=clock, say=_silent)
        except InfeasiblePlanError:
            out.append(_Best(name, None, np.nan, np.nan))
            continue
        assert found.x is not None
        picks = _picks(case.problem, found.x)
        out.append(_Best(name, picks, found.objective, found.bound))
    return out


def _silent(_: str) -> None:
    """Say nothing: a scenario is one of many."""


def _is_small(compiled: Compiled) -> bool:
    request, n = compiled.request, compiled.problem.n_columns
    return (
        n == 0
        or request.method == "full"
        or (request.method == "auto" and n <= FULL_COLUMNS)
    )


def _new_objective(compiled: Compiled, changes: Mapping[str, Any]) -> Floats | None:
    """Return the objective of a scenario that changes nothing else, else None."""
    if not changes:
        return compiled.problem.objective
    request, problem = compiled.request, compiled.problem
    column: Any = request.score if request.objective == "score" else request.objective
    if not isinstance(column, str) or column == "cost" or set(changes) != {column}:
        return None
    for limit in request.limits:
        uses = getattr(limit, "uses", None)
        if uses is None or column in _flat(uses()):
            return None
    others = (
        request.capacity,
        request.cost_per_mw,
        request.fixed_cost,
        request.site_mw,
    )
    if column in _flat(others):
        return None
    if request.objective != "score" and request.score == column:
        return None
    labels = problem.frame.index
    before = request.sites[column]
    after = changes[column]
    if (before.isna() != after.isna()).any():
        return None
    site = np.maximum(problem.column_site, 0)
    own = problem.column_site >= 0
    old = before.reindex(labels).to_numpy(float)[site] * problem.column_mw
    if not np.allclose(old[own], problem.objective[own], rtol=1e-12, atol=1e-12):
        return None  # Discounted, weighted, or otherwise more than value x MW.
    new = after.reindex(labels).to_numpy(float)
    if not np.isfinite(new).all():
        return None
    return np.where(own, new[site] * problem.column_mw, problem.objective)


def _flat(specs: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for spec in specs:
        if isinstance(spec, Mapping):
            out.extend(_flat(spec.values()))
        elif isinstance(spec, str):
            out.append(spec)
    return out


# -- plans in other programs --------------------------------------------------------


def _picks(problem: Problem, x: Floats) -> tuple[Pick, ...]:
    """Return the chosen columns of sites, by names that other programs know too."""
    used = np.flatnonzero((problem.column_site >= 0) & (np.abs(x) > 1e-9))
    labels = problem.frame.index
    return tuple(
        (
            labels[problem.column_site[k]],
            problem.column_names[k],
            bool(problem.integrality[k]),
            float(problem.column_mw[k]),
            float(x[k]),
        )
        for k in used.tolist()
    )


class _Placer:
    """Puts plans of other programs into one program and says what they are worth."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        problem = compiled.problem
        self.position = {x: k for k, x in enumerate(problem.frame.index)}
        self.columns: dict[int, list[int]] = {}
        wanted = problem.column_site
        order = np.argsort(wanted, kind="stable")
        start = np.searchsorted(wanted[order], np.arange(problem.n_sites + 1))
        self.order, self.start = order, start
        self.own = np.flatnonzero(wanted < 0)
        self.csc = sparse.csc_array(compiled.rows.matrix)

    def of_site(self, label: Any) -> Ints:
        """Return the columns of a site."""
        k = self.position.get(label)
        if k is None:
            return np.zeros(0, dtype=np.int64)
        return self.order[self.start[k] : self.start[k + 1]]

    def place(self, picks: tuple[Pick, ...]) -> tuple[Floats, float] | None:
        """Return the solution and its value here; None where it is not allowed."""
        problem = self.compiled.problem
        x = np.zeros(problem.n_columns)
        site_mw: dict[Any, float] = {}
        added: dict[Any, str] = {}
        for label, name, is_whole, mw, amount in picks:
            site_mw[label] = site_mw.get(label, 0.0) + mw * amount
            if not is_whole:
                added[label] = name
                continue
            same = [k for k in self.of_site(label) if problem.column_names[k] == name]
            if not same or problem.upper[same[0]] < 0.5:
                return None
            x[same[0]] = 1.0
        for label, total in site_mw.items():
            mine = self.of_site(label)
            left = total - float(problem.column_mw[mine] @ x[mine])
            if abs(left) <= 1e-6:
                continue
            rest = [k for k in mine.tolist() if not problem.integrality[k]]
            # A range that ends elsewhere goes by another name.
            name = added.get(label, "")
            rest = [k for k in rest if problem.column_names[k] == name] or rest
            if not rest or left < 0:
                return None
            x[rest[0]] = left / float(problem.column_mw[rest[0]])
            if x[rest[0]] > problem.upper[rest[0]] + 1e-9:
                return None
        return self.settle(x)

    def settle(self, x: Floats) -> tuple[Floats, float] | None:
        """Set the limits' own columns for the sites of ``x``, if all rows hold."""
        problem, rows = self.compiled.problem, self.compiled.rows
        chosen = np.flatnonzero(x)
        used = self.csc[:, chosen] @ x[chosen]
        size = ROOM * np.maximum(1.0, np.abs(used))
        if self.own.size:
            part = sparse.csr_array(self.csc[:, self.own].tocsr())
            sign = 1.0 if problem.maximize else -1.0
            answer = highs.solve_mip(
                sign * problem.objective[self.own],
                part,
                rows.lower - used - size,
                rows.upper - used + size,
                problem.lower[self.own],
                problem.upper[self.own],
                problem.integrality[self.own],
                gap=0.0,
            )
            if answer.x is None:
                return None
            x[self.own] = answer.x
        elif (used > rows.upper + size).any() or (used < rows.lower - size).any():
            return None
        for limit in self.compiled.lazy:
            cuts = getattr(limit, "cuts", None)
            if cuts is not None and len(cuts(problem, x)):
                return None
        return x, float(problem.objective @ x)


# -- one program over all scenarios ---------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Joint:
    """Rows of all scenarios over one set of columns, and each scenario's objective."""

    compiled: Compiled
    objectives: tuple[Floats, ...]


def _common(request: Request, cases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return columns at which every scenario's sizes and sites are on offer."""
    sites = request.sites
    out: dict[str, Any] = {}
    capacity = request.capacity
    names = capacity.values() if isinstance(capacity, Mapping) else [capacity]
    for column in [c for c in names if isinstance(c, str)]:
        seen = [case[column] for case in cases.values() if column in case]
        if seen:
            out[column] = pd.concat([sites[column], *seen], axis=1).min(
                axis=1, skipna=False
            )
    said = [case["excluded_by"] for case in cases.values() if "excluded_by" in case]
    score = request.score
    lost = [
        case[score].isna()
        for case in cases.values()
        if isinstance(score, str) and score in case
    ]
    closed = pd.Series(False, index=sites.index)
    for why in said:
        closed |= why.notna() & (why.astype(str).str.len() > 0)
    for missing in lost:
        closed |= missing
    if closed.any():
        before = (
            sites["excluded_by"].fillna("").astype(str)
            if "excluded_by" in sites.columns
            else pd.Series("", index=sites.index, dtype="str")
        )
        out["excluded_by"] = before.mask(closed & (before == ""), "in a scenario")
    return out


def _joint(
    request: Request, base: Compiled, cases: Mapping[str, Mapping[str, Any]]
) -> _Joint:
    """Stack what differs between scenarios; sizes are those on offer in all."""
    common = _common(request, cases)
    shared = base if not common else compile_problem(_changed(request, common))
    problem, rows = shared.problem, shared.rows
    n = problem.n_columns
    is_offered = np.ones(n, dtype=bool)
    blocks, objectives = [rows], []
    width = n
    for k, changes in enumerate(cases.values()):
        gain = _new_objective(shared, changes)
        if gain is not None:
            objectives.append(gain)
            continue
        case = compile_problem(_changed(request, {**changes, **common}))
        to = _same_columns(case.problem, shared.problem)
        # Limits that are written on demand stay as they are in the base.
        lazy = {x.name for x in shared.lazy}
        case_rows = (
            case.full_rows() if {x.name for x in case.lazy} - lazy else case.rows
        )
        is_offered &= np.isin(np.arange(n), to) | (problem.column_site[:n] < 0)
        where = to.copy()
        for limit in dict.fromkeys(case_rows.limit.tolist()):
            part = case_rows.take(np.flatnonzero(case_rows.limit == limit))
            old = rows.take(np.flatnonzero(rows.limit == limit))
            if _same_rows(_moved(part, to, n), old):
                continue
            own = case.problem.extra.get(limit)
            if own is not None:
                count = own.stop - own.start
                where[own] = width + np.arange(count)
                extra = ExtraColumns(
                    tuple(f"{x} ({k})" for x in case.problem.column_names[own]),
                    case.problem.lower[own],
                    case.problem.upper[own],
                    case.problem.integrality[own],
                )
                problem = problem.with_columns(f"{limit} ({k})", extra)
                width += count
            blocks.append(_moved(part, where, width))
        gain = np.zeros(width)
        gain[where[where >= 0]] = case.problem.objective[where >= 0]
        objectives.append(gain)
    upper = problem.upper.copy()
    upper[:n][~is_offered] = 0.0
    problem = replace(problem, upper=upper, _cache={})
    blocks = [_widened(b, width) for b in blocks]
    objectives = [np.concatenate([g, np.zeros(width - g.size)]) for g in objectives]
    joint = replace(shared, problem=problem, rows=Rows.stack(blocks))
    return _Joint(joint, tuple(objectives))


def _same_columns(one: Problem, other: Problem) -> Ints:
    """Return where each column of ``one`` is in ``other``; -1 where it is not."""

    def keys(problem: Problem) -> pd.Index[Any]:
        labels = problem.frame.index.to_numpy(dtype=object)
        site = np.where(problem.column_site >= 0, problem.column_site, 0)
        name = np.array(problem.column_names, dtype=object)
        label = labels[site]
        label[problem.column_site < 0] = None
        return pd.Index(
            list(zip(label, name, strict=True)), dtype=object, tupleize_cols=False
        )

    return np.asarray(keys(other).get_indexer(keys(one)), dtype=np.int64)


def _moved(rows: Rows, to: Ints, width: int) -> Rows:
    """Return rows over other columns; what is not there cannot be chosen."""
    matrix = sparse.coo_array(rows.matrix)
    row, column = matrix.coords
    there = (matrix.data != 0) & (to[column] >= 0)
    moved = sparse.csr_array(
        (matrix.data[there], (row[there], to[column[there]])), shape=(len(rows), width)
    )
    return replace(rows, matrix=moved)


def _widened(rows: Rows, width: int) -> Rows:
    pad = width - rows.matrix.shape[1]
    if not pad:
        return rows
    empty = sparse.csr_array((len(rows), pad))
    wide = sparse.csr_array(sparse.hstack([rows.matrix, empty], format="csr"))
    return replace(rows, matrix=wide)


def _same_rows(one: Rows, other: Rows) -> bool:
    if len(one) != len(other) or one.matrix.shape != other.matrix.shape:
        return False
    if not np.array_equal(one.lower, other.lower) or not np.array_equal(
        one.upper, other.upper
    ):
        return False
    off = sparse.csr_array(one.matrix - other.matrix)
    return not off.data.any()


def _epigraph(
    joint: _Joint, targets: Floats, weight: float, low: float, high: float
) -> tuple[Compiled, float]:
    """Return the program that maximises the least, or worst mean, of all values.

    Maximise ``t - weight * sum(z)`` where ``t - z_s <= value_s - target_s`` in every
    scenario; without ``z`` where the weight is 0. Everything in units of ``unit``.
    """
    problem = joint.compiled.problem
    sign = 1.0 if problem.maximize else -1.0
    # Values near ten: the tolerances of solvers are absolute.
    unit = float(10.0 ** (round(np.log10(max(abs(high), 1e-9))) - 1))
    count = len(joint.objectives)
    names = ["worst"] + [f"short in {k}" for k in range(count if weight else 0)]
    k = len(names)
    upper = np.full(k, (high - low) / unit, dtype=np.float64)
    lower = np.zeros(k)
    lower[0], upper[0] = low / unit, high / unit
    coefficients = np.full(k, -weight, dtype=np.float64)
    coefficients[0] = 1.0
    problem = replace(
        problem,
        objective=np.zeros(problem.n_columns),
        maximize=True,
        _cache={},
    )
    start = problem.n_columns
    problem = problem.with_columns(
        "scenarios", ExtraColumns(tuple(names), lower, upper, np.zeros(k, dtype=bool))
    )
    objective = problem.objective.copy()
    objective[start:] = coefficients
    problem = replace(problem, objective=objective)
    values = sparse.csr_array(np.vstack(joint.objectives) * (sign / unit))
    worst = sparse.csr_array(np.full((count, 1), -1.0))
    parts = [values, worst]
    if weight:
        parts.append(sparse.eye_array(count, format="csr"))
    matrix = sparse.csr_array(sparse.hstack(parts, format="csr"))
    rows = Rows.stack(
        [
            _widened(joint.compiled.rows, problem.n_columns),
            Rows.make(matrix, targets / unit, np.inf, "scenarios"),
        ]
    )
    request = joint.compiled.request
    limit = request.time_limit_s
    request = replace(
        request,
        gap=TIMES_GAP * request.gap,
        time_limit_s=MOST_SECONDS if limit is None else limit,
    )
    compiled = replace(joint.compiled, request=request, problem=problem, rows=rows)
    return compiled, unit


def _best_over_all(
    joint: _Joint,
    targets: Floats,
    weight: float,
    low: float,
    high: float,
    likely: Sequence[Floats],
) -> tuple[Floats, float, float] | None:
    """Return the solution, its value and the bound; None if no plan holds in all."""
    compiled, unit = _epigraph(joint, targets, weight, low, high)
    clock = Clock()
    try:
        if _is_small(compiled):
            found = solve_full(compiled, clock=clock, say=_silent)
        else:
            engine = PriceOut(compiled)
            # Columns that some scenario's best plan uses, and the best on average.
            problem = compiled.problem
            mean = np.zeros(problem.n_columns)
            average = np.mean(joint.objectives, axis=0)
            mean[: average.size] = average if problem.maximize else -average
            top = np.argsort(-mean, kind="stable")[:1000]
            used = [np.flatnonzero(x) for x in likely]
            picked = np.unique(np.concatenate([top, *used]))
            picked = picked[problem.column_site[picked] >= 0]
            engine.working = engine.shape.with_more(
                picked[problem.column_opens[picked]]
            )
            found = solve_priced(compiled, engine, clock=clock, say=_silent)
    except InfeasiblePlanError:
        return None
    assert found.x is not None
    return found.x, found.objective * unit, found.bound * unit


def _judge(
    request: Request,
    base: Compiled,
    given: SitePlan,
    cases: Mapping[str, Mapping[str, Any]],
    found: list[_Best],
    level: float,
    of: str,
    by: Sequence[str] | None,
) -> Robust:
    """Find the two plans and put all plans and scenarios side by side."""
    sign = 1.0 if base.problem.maximize else -1.0
    names = list(cases)
    best = pd.DataFrame(
        {
            "objective": [b.objective for b in found],
            "bound": [b.bound for b in found],
            "gap": [
                relative_gap(b.bound, b.objective) if b.picks is not None else np.nan
                for b in found
            ],
        },
        index=pd.Index(names, name="scenario"),
    )
    notes = []
    none = [b.name for b in found if b.picks is None]
    if none:
        notes.append(f"no plan exists in {shown(none)}")
    joint = None if none else _joint(request, base, cases)
    picks: dict[str, tuple[Pick, ...]] = {"as given": _picks(given.problem, given.x)}
    for one in found:
        if one.picks is not None and one.picks not in picks.values():
            picks[f"best of {one.name}"] = one.picks
    plans: dict[str, SitePlan | None] = {"least regret": None, "best CVaR": None}
    proof = {"least regret": np.nan, "best CVaR": np.nan}
    if joint is not None:
        target = sign * best["objective"].to_numpy(float)
        shift = max(1e-9, float(np.abs(target).max()))
        weight = 1.0 / ((1.0 - level) * len(found))
        placer = _Placer(base)
        likely = [p[0] for p in map(placer.place, picks.values()) if p is not None]
        # Far enough below what any plan can lose.
        size = max(float(np.abs(g).sum()) for g in joint.objectives)
        low = -shift - min(size, 10.0 * shift)
        aims = {
            "least regret": (target - shift, 0.0),
            "best CVaR": (
                target - shift if of == "regret" else np.zeros(len(found)),
                weight,
            ),
        }
        high = (1.0 + max(1e-3, 2.0 * request.gap)) * shift
        at = _Placer(base)
        for title, (aim, spread) in aims.items():
            answer = _best_over_all(joint, aim, spread, low, high, likely)
            if answer is None and size > 10.0 * shift:
                answer = _best_over_all(joint, aim, spread, -shift - size, high, likely)
            if answer is None:
                continue
            x, worth, bound = answer
            chosen = _picks(
                joint.compiled.problem, x[: joint.compiled.problem.n_columns]
            )
            placed = at.place(chosen)
            if placed is None:
                notes.append(f"the plan of {title} does not hold in the data as given")
                continue
            plans[title] = _as_plan(base, given, placed[0], title, len(found))
            picks[title] = chosen
            left = (bound - worth) / shift
            if left > TIMES_GAP * request.gap + 1e-6:
                notes.append(
                    f"stopped before {title} was proven: within {left:.2%} of the "
                    "best objective"
                )
            is_shifted = title == "least regret" or of == "regret"
            proof[title] = max(0.0, shift - bound) if is_shifted else sign * bound
        if not any(plans.values()):
            notes.append("no plan holds the limits of every scenario")
    value = _values_of(request, base, cases, picks)
    regret = -sign * value.sub(best["objective"].to_numpy(float), axis="columns")
    regret = regret.clip(lower=0.0)
    max_regret = float("nan")
    if plans["least regret"] is not None:
        # Missing where the plan breaks a limit, which would be a mistake of ours.
        losses = regret.loc["least regret"].to_numpy(dtype=np.float64)
        max_regret = float(np.max(losses))
    cvar = np.nan
    if plans["best CVaR"] is not None:
        of_plan = regret if of == "regret" else -sign * value
        cvar = _worst_mean(of_plan.loc["best CVaR"].to_numpy(dtype=np.float64), level)
        cvar = cvar if of == "regret" else -sign * cvar
    chosen_table = _chosen(base.problem, found, plans)
    shared = common_mode(plans["least regret"] or given, by)
    return Robust(
        chosen=chosen_table,
        best=best,
        value=value,
        regret=regret,
        least_regret=plans["least regret"],
        max_regret=max_regret,
        max_regret_bound=min(proof["least regret"], max_regret),
        best_cvar=plans["best CVaR"],
        cvar=cvar,
        cvar_bound=proof["best CVaR"],
        level=level,
        of=of,
        common_mode=shared,
        objective_name=given.objective_name,
        notes=tuple(notes),
    )


def _as_plan(
    base: Compiled, given: SitePlan, x: Floats, title: str, count: int
) -> SitePlan:
    """Return a robust plan as a plan of the data as given, with its bound there."""
    sign = 1.0 if base.problem.maximize else -1.0
    found: Solution = finish(
        base.problem,
        x,
        sign * given.bound,
        given.duals,
        f"{title} over {count} scenarios",
        base.request.gap,
    )
    plan = plan_of(base, found, Clock())
    note = (
        f"chosen for {title} over {count} scenarios; the gap is that to the best plan "
        "for the data as given"
    )
    return replace(plan, notes=(*plan.notes, note))


def _worst_mean(losses: Floats, level: float) -> float:
    """Return the mean over the worst ``1 - level`` of equally likely losses.

    Examples
    --------
    >>> _worst_mean(np.array([1.0, 2.0, 3.0, 10.0]), 0.5)
    6.5
    """
    if np.isnan(losses).any():
        return float("nan")
    order = np.sort(losses)[::-1]
    share = np.full(order.size, 1.0 / order.size)
    kept = np.clip((1.0 - level) - (np.cumsum(share) - share), 0.0, share)
    return float(kept @ order / (1.0 - level))


def _values_of(
    request: Request,
    base: Compiled,
    cases: Mapping[str, Mapping[str, Any]],
    picks: Mapping[str, tuple[Pick, ...]],
) -> pd.DataFrame:
    """Return the objective of every plan in every scenario, NaN where not allowed."""
    at_base = _Placer(base)
    here = {name: at_base.place(p) for name, p in picks.items()}
    table = pd.DataFrame(
        np.nan,
        index=pd.Index(list(picks), name="plan"),
        columns=pd.Index(list(cases), name="scenario"),
    )
    for name, changes in cases.items():
        gain = _new_objective(base, changes)
        placer = None
        if gain is None:
            placer = _Placer(compile_problem(_changed(request, changes)))
        for plan, chosen in picks.items():
            if placer is None:
                placed = here[plan]
                if placed is not None and gain is not None:
                    table.loc[plan, name] = float(gain @ placed[0])
            else:
                placed = placer.place(chosen)
                if placed is not None:
                    table.loc[plan, name] = placed[1]
    return table


def _chosen(
    problem: Problem, found: list[_Best], plans: Mapping[str, SitePlan | None]
) -> pd.DataFrame:
    """Return how often the scenarios' best plans choose each site."""
    solved = [b for b in found if b.picks is not None]
    mw: dict[Any, float] = {}
    count: dict[Any, int] = {}
    for one in solved:
        for label in dict.fromkeys(p[0] for p in one.picks or ()):
            count[label] = count.get(label, 0) + 1
        for label, _, _, size, amount in one.picks or ():
            mw[label] = mw.get(label, 0.0) + size * amount
    done = max(1, len(solved))
    labels = problem.frame.index[problem.frame.index.isin(list(count))]
    table = pd.DataFrame(
        {
            "share": [count[x] / done for x in labels],
            "mw_mean": [mw[x] / done for x in labels],
        },
        index=labels,
    )
    for column, title in (
        ("in_least_regret", "least regret"),
        ("in_best_cvar", "best CVaR"),
    ):
        plan = plans[title]
        inside = set() if plan is None else set(plan.sites.index)
        table[column] = [x in inside for x in labels]
    return table.sort_values(["share", "mw_mean"], ascending=False, kind="stable")
