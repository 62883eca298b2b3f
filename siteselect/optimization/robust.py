"""Plans that hold up when data and weights are other than thought."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, shown
from siteselect.optimization._compile import (
    Compiled,
    Request,
    check_frame,
    compile_problem,
)
from siteselect.optimization.asked import column_names, noise_of, not_below, whole
from siteselect.optimization.common_mode import common_mode
from siteselect.optimization.joint import TIMES_GAP, best_over_all, joint_of
from siteselect.optimization.optimize import check_names, request_of
from siteselect.optimization.placing import Pick, Placer, picks_of
from siteselect.optimization.plan import SitePlan, relative_gap
from siteselect.optimization.problem import Floats, Problem, number
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.scenario_plans import (
    Best,
    new_objective,
    silent,
    solve_all,
)
from siteselect.optimization.scenarios import changed, scenarios_of
from siteselect.optimization.solution import Clock, Solution
from siteselect.optimization.solve import finish, mended, solve_compiled
from siteselect.optimization.survival import NOISE, WEIGHT_SPREAD


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

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "wet": [0.2, 0.7], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> scenarios = {"as now": {}, "wet": {"score": "wet"}}
    >>> found = ss.robust(sites, scenarios, power_mw=(100, 100), site_mw=[100])
    >>> found.best["objective"].round(6).to_dict()
    {'as now': 90.0, 'wet': 70.0}
    >>> list(found.least_regret.sites.index), round(found.max_regret, 6)
    ([1], 10.0)
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
    if asked.options is not None:
        raise StudyError(
            four_parts(
                "robust was asked for candidates with options",
                "a scenario changes columns by site, and options hold their own",
                "candidates without options",
                "a frame with the figures of one option: sites.assign(**option)",
            )
        )
    if getattr(asked.objective, "in_stages", False):
        raise StudyError(
            four_parts(
                f"robust was asked for objective={asked.objective!r}",
                "objectives in order have no one value that a plan could regret",
                "one objective, or a weighted sum",
                "objective=siteselect.Weighted({'score': 1.0, 'cost': -1e-7})",
            )
        )
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
    found = solve_all(asked, cases, workers, client)
    base = compile_problem(asked)
    if isinstance(sites_or_plan, SitePlan):
        given = sites_or_plan
    else:
        clock = Clock()
        given = plan_of(base, solve_compiled(base, clock=clock, say=silent), clock)
    return _judge(asked, base, given, cases, found, level, of, by)


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
    check_names(given, "robust", robust)
    return request_of(check_frame(sites_or_plan), **given)


def _judge(
    request: Request,
    base: Compiled,
    given: SitePlan,
    cases: Mapping[str, Mapping[str, Any]],
    found: list[Best],
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
    joint = None if none else joint_of(request, base, cases)
    picks: dict[str, tuple[Pick, ...]] = {"as given": picks_of(given.problem, given.x)}
    for one in found:
        if one.picks is not None and one.picks not in picks.values():
            picks[f"best of {one.name}"] = one.picks
    plans: dict[str, SitePlan | None] = {"least regret": None, "best CVaR": None}
    proof = {"least regret": np.nan, "best CVaR": np.nan}
    if joint is not None:
        target = sign * best["objective"].to_numpy(float)
        shift = max(1e-9, float(np.abs(target).max()))
        weight = 1.0 / ((1.0 - level) * len(found))
        placer = Placer(base)
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
        at = Placer(base)
        for title, (aim, spread) in aims.items():
            answer = best_over_all(joint, aim, spread, low, high, likely)
            if answer is None and size > 10.0 * shift:
                answer = best_over_all(joint, aim, spread, -shift - size, high, likely)
            if answer is None:
                continue
            x, worth, bound = answer
            chosen = picks_of(
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
    plan = plan_of(base, mended(base, found), Clock())
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
    at_base = Placer(base)
    here = {name: at_base.place(p) for name, p in picks.items()}
    table = pd.DataFrame(
        np.nan,
        index=pd.Index(list(picks), name="plan"),
        columns=pd.Index(list(cases), name="scenario"),
    )
    for name, changes in cases.items():
        gain = new_objective(base, changes)
        placer = None
        if gain is None:
            placer = Placer(compile_problem(changed(request, changes)))
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
    problem: Problem, found: list[Best], plans: Mapping[str, SitePlan | None]
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


__all__ = ["Robust", "common_mode", "robust"]
