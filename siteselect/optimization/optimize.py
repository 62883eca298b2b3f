"""The door: choose sites, or write the program for PuLP."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np

from siteselect.errors import (
    SiteSelectWarning,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.optimization import estimate, pulp_model
from siteselect.optimization._compile import Request, compile_problem, listed_limits
from siteselect.optimization.by_year import Arriving, ByYear
from siteselect.optimization.designs import Options
from siteselect.optimization.estimate import model_size
from siteselect.optimization.limits import SupportsLimit
from siteselect.optimization.objectives import SupportsObjective
from siteselect.optimization.plan import SitePlan
from siteselect.optimization.problem import Quantity, is_many
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.sizes import (
    DEFAULT_CAPACITY,
    DEFAULT_COST,
    DEFAULT_FIXED_COST,
    Sized,
    Sizes,
)
from siteselect.optimization.solution import Clock
from siteselect.optimization.solve import solve_compiled

#: A total: "at most", ("at least", "at most"), or one of these by year.
Total: TypeAlias = (
    "float | tuple[float | None, float | None] | Mapping[int, Any] | ByYear | None"
)


def optimize_sites(
    sites: gpd.GeoDataFrame,
    *,
    power_mw: Total = None,
    it_mw: Total = None,
    budget_usd: float | Mapping[int, float] | None = None,
    site_mw: Sizes = None,
    years: Iterable[int] | None = None,
    discount_rate: float = 0.0,
    existing: Mapping[Any, float] | None = None,
    options: Options | None = None,
    limits: Sequence[SupportsLimit] = (),
    max_sites: int | None = None,
    min_sites: int | None = None,
    min_spacing_km: float | None = None,
    fixed: Iterable[Any] = (),
    forbidden: Iterable[Any] = (),
    objective: str | SupportsObjective = "score",
    score: Quantity = "score",
    capacity: Sized | ByYear | Arriving = DEFAULT_CAPACITY,
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
    power_mw : float, tuple, mapping or ByYear, optional
        Total facility power [MW]: a number is "at most", ``(least, most)`` is
        "between", either may be None. A mapping gives either by year, for what
        stands in that year; a year that it leaves out has no bound of its own.
    it_mw : float, tuple, mapping or ByYear, optional
        The same for the total IT power [MW]: the facility MW of a site over its
        sizing ratio, which is column ``peak_ratio`` where there is one and 1.30
        elsewhere.
    budget_usd : float or mapping, optional
        Most that the cost columns may add up to [USD]. A mapping bounds what is
        spent in the period that ends with each of its years; a number bounds the
        whole.
    site_mw : list, tuple, float or mapping, optional
        Sizes of a site [MW]: a list of sizes; a tuple ``(least, most)`` for any
        size in a range; a list of both; a mapping from size (or range) to a
        boolean column that says where it is offered. None is any size up to the
        capacity. A chosen site of a range takes at least 0.1 MW.
    years : iterable of int, optional
        Years of a plan that grows: a site follows a path of sizes that never
        shrinks. By default those that ``power_mw``, ``it_mw`` and ``budget_usd``
        name; without any there is one period. Sizes must then be a list.
    discount_rate : float, default 0
        Rate per year by which the objective counts later years less [-]: 0.08 is
        8 %.
    existing : mapping, optional
        What stands already, by label [MW]: always in the plan at that size or
        more. What stands costs nothing and counts in every limit; a larger size
        costs what it costs minus what the present one does. A site that is
        excluded, or lacks the capacity, stays as it is.
    options : mapping, optional
        Ways to build a site, of which the plan chooses one per site: by name, the
        columns that differ, as a frame or a mapping to numbers, Series keyed by site
        or names of other columns. ``{"dry": {"water_m3_per_mw_year": "dry_water"}}``
        reads that figure from another column; columns that an option does not name
        are the candidates' own, as are those of a frame that are the same there. An
        option is not offered where a figure of it is missing. Of options with the same
        figures at a site the first is taken. They go with years (one option per site
        for all of them), ranges, fixed sites and `Draw`; not with ``existing``.
        ``{c: prepare(cells, layers, cooling=c) for c in systems}`` offers systems of
        cooling, which ``it_mw`` holds to the same IT power.
    limits : sequence
        `Limit`, `Average`, `Share`, `Spread`, `Spacing` or your own.
    max_sites, min_sites : int, optional
        Number of chosen sites.
    min_spacing_km : float, optional
        Least geodesic distance between chosen sites [km].
    fixed, forbidden : iterable of labels
        Sites that must or must not be chosen.
    objective : str or object, default "score"
        ``"score"`` maximises score x MW; ``"cost"`` minimises lifetime cost (or
        capital cost where that column is absent) and needs a lower bound on
        power; any other column is maximised as value x MW. With years these are
        sums over the listed years of what stands (of what is spent, for a cost),
        each year discounted to the first.
    score, capacity, cost_per_mw, fixed_cost : str, number, Series or mapping
        Column of the score [-], of the most a site can take [MW], of the cost per
        facility MW [USD/MW] and of the cost per site [USD]. The last three may be
        a mapping from size to column (a range is its own key). The capacity may
        also be `ByYear` or `Arriving`. Absent default columns mean no cap and no
        cost.
    solver : str or pulp.LpSolver, default "highs"
        Any solver that PuLP offers. ``"auto"`` is HiGHS, and CBC where HiGHS ends
        without a word. A solver that tells no bound, as CBC, is believed to a gap of
        1e-4; below that HiGHS proves, or betters, its plan.
    gap : float, default 1e-4
        Relative gap to prove; 0 is the optimum, up to 1e-9 for rounding.
    time_limit_s : float, optional
        Seconds after which the best plan so far is returned as ``"feasible"``, with
        its gap. Solvers run in a process of their own, which is ended where they
        overrun. A SolverError says so if there is no plan by then.
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
    With ``gap=0``, ties between equally good plans go to the lowest cost, by a
    second solve. Otherwise, and where costs tie too, the canonical order of the
    candidates (x, y, used columns) decides.

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

    Over the years, with 400 MW wanted by 2030:

    >>> plan = optimize_sites(
    ...     sites, power_mw={2027: 100, 2030: (400, 400)}, site_mw=[100, 300]
    ... )
    >>> plan.sites[["mw_2027", "mw_2030"]].values.tolist()
    [[0.0, 300.0], [100.0, 100.0]]

    Water for power: dry cooling takes power, here a tenth of the score; the water is
    enough for wet cooling at one site:

    >>> from siteselect.optimization import Limit
    >>> sites["m3_per_mw"] = 1000.0
    >>> plan = optimize_sites(
    ...     sites,
    ...     power_mw=400,
    ...     site_mw=[100, 300],
    ...     options={
    ...         "adiabatic": {},
    ...         "closed loop": {"m3_per_mw": 0.0, "score": sites["score"] * 0.9},
    ...     },
    ...     limits=[Limit("water", per_mw="m3_per_mw", at_most=300_000)],
    ... )
    >>> plan.sites["option"].to_dict()
    {1: 'adiabatic', 0: 'closed loop'}
    """
    request = Request(
        sites=sites,
        power_mw=power_mw,
        it_mw=it_mw,
        budget_usd=budget_usd,
        site_mw=site_mw,
        years=None if years is None else _labels(years),
        discount_rate=discount_rate,
        existing=existing,
        options=options,
        limits=listed_limits(limits),
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

    Warns
    -----
    SiteSelectWarning
        The model is large: what it is estimated to cost, before it is written. With
        ``progress`` that line goes there, at any size.

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
    progress = arguments.pop("progress", None)
    tell = _progress(progress)
    check_names(arguments, "build_model", build_model)
    compiled = compile_problem(request_of(sites, **arguments))
    size = model_size(compiled)
    if callable(progress) or progress:
        tell(str(size))
    elif size.columns >= estimate.TELL_COLUMNS:
        warnings.warn(str(size), SiteSelectWarning, stacklevel=2)
    rows = compiled.full_rows()
    model, _ = pulp_model.build(compiled.problem, rows)
    return model


def request_of(sites: gpd.GeoDataFrame, **arguments: Any) -> Request:
    """Return the request that arguments of `optimize_sites` make."""
    for key in ("fixed", "forbidden", "years"):
        if arguments.get(key) is not None:
            arguments[key] = _labels(arguments[key])
    if "limits" in arguments:
        arguments["limits"] = listed_limits(arguments["limits"])
    return Request(sites=sites, **arguments)


def check_names(arguments: Iterable[str], call: str, asked: Callable[..., Any]) -> None:
    """Refuse names that are arguments neither of a call nor of `optimize_sites`.

    Parameters
    ----------
    arguments : iterable of str
        Names that were given to a call for `optimize_sites`.
    call : str
        What was called.
    asked : callable
        The same, whose own arguments may be meant as well.
    """
    own = [
        name
        for name, one in inspect.signature(asked).parameters.items()
        if one.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    known = [*own, *(one.name for one in fields(Request) if one.name != "sites")]
    for name in arguments:
        if name not in known:
            raise StudyError(
                four_parts(
                    f"{call}({name}=...) was asked for",
                    f"found no such argument.{nearest_name(name, known)}",
                    f"allowed are {shown(known, 40)}",
                    f"see help(siteselect.{call})",
                )
            )


def _labels(labels: Any) -> tuple[Any, ...]:
    if labels is None:
        return ()
    if not is_many(labels):
        return (labels,)
    return tuple(labels)


def _progress(progress: Any) -> Callable[[str], object]:
    if callable(progress):
        return progress  # type: ignore[no-any-return]
    if not isinstance(progress, bool | np.bool_ | int | None):
        raise StudyError(
            four_parts(
                f"progress={said(progress)} was asked for",
                f"that is {type(progress).__name__}",
                "True, False or a function that takes a line of text",
                "progress=True",
            )
        )
    if progress:
        return lambda line: print(line, flush=True)
    return lambda line: None
