"""``verify()`` accepts every plan and rejects every corrupted one."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption
from optimization import oracle_cases, test_objectives
from strategies import EXAMPLES, SOAK, build_limits, examples, instance

import siteselect as ss
from siteselect.errors import SiteSelectError, SolverError
from siteselect.optimization import chance
from siteselect.optimization._compile import compile_problem

Plan = Any


def solved(kind: str, seed: int) -> Plan | None:
    """Return the plan of a drawn problem, None if there is none or it is empty."""
    rng = random.Random(seed)
    if kind == "plain":
        drawn = instance(rng, rng.choice(["sizes", "sizes", "range"]))
        sites, arguments = drawn.sites, drawn.arguments
        limits = build_limits(sites, drawn.says)
    else:
        case = oracle_cases.draw_case(seed, kind)
        sites, arguments = case.frame, case.arguments
        limits = oracle_cases.build_limits(case)
    method = rng.choice(["full", "priceout"])
    try:
        plan = ss.optimize_sites(sites, limits=limits, method=method, **arguments)
    except SiteSelectError:
        return None
    return plan if len(plan.sites) else None


def shifted(plan: Plan, column: str, by: Callable[[float], float], at: int) -> Plan:
    """Change one value of the chosen sites."""
    sites = plan.sites.copy()
    sites[column] = sites[column].astype(float)
    where = sites.columns.get_loc(column)
    sites.iloc[at, where] = by(float(sites.iloc[at, where]))
    return replace(plan, sites=sites)


def more_mw(plan: Plan, rng: random.Random) -> Plan:
    factor = rng.choice([0.5, 0.99, 1.001, 2.0, -1.0])
    at = rng.randrange(len(plan.sites))
    return shifted(plan, "mw", lambda mw: mw * factor, at)


def unknown_mw(plan: Plan, rng: random.Random) -> Plan:
    at = rng.randrange(len(plan.sites))
    return shifted(plan, "mw", lambda mw: rng.choice([np.nan, np.inf, 0.0]), at)


def other_cost(plan: Plan, rng: random.Random) -> Plan:
    by = rng.choice([1e6, -1e6, 1e9, np.nan])
    at = rng.randrange(len(plan.sites))
    return shifted(plan, "cost_usd", lambda usd: usd + by, at)


def dropped(plan: Plan, rng: random.Random) -> Plan:
    at = rng.randrange(len(plan.sites))
    return replace(plan, sites=plan.sites.drop(index=plan.sites.index[at]))


def added(plan: Plan, rng: random.Random) -> Plan:
    others = plan.candidates.index.difference(plan.sites.index)
    assume(len(others))
    row = plan.candidates.loc[[rng.choice(list(others))]].copy()
    row["mw"] = float(plan.sites["mw"].iloc[0])
    row["cost_usd"], row["why"] = 0.0, ""
    return replace(plan, sites=pd.concat([plan.sites, row]))


def swapped(plan: Plan, rng: random.Random) -> Plan:
    others = list(plan.candidates.index.difference(plan.sites.index))
    assume(others)
    labels = list(plan.sites.index)
    labels[rng.randrange(len(labels))] = rng.choice(others)
    sites = plan.candidates.loc[labels].copy()
    for column in ("mw", "cost_usd", "why"):
        sites[column] = plan.sites[column].to_numpy()
    return replace(plan, sites=sites)


def renamed(plan: Plan, rng: random.Random) -> Plan:
    at = rng.randrange(len(plan.sites))
    labels = list(plan.sites.index)
    labels[at] = "nowhere"
    return replace(plan, sites=plan.sites.set_axis(labels, axis=0))


def moved(plan: Plan, rng: random.Random) -> Plan:
    sites = plan.sites.copy()
    sites = sites.set_geometry(sites.geometry.translate(xoff=0.01))
    return replace(plan, sites=sites)


def twice(plan: Plan, rng: random.Random) -> Plan:
    return replace(plan, sites=pd.concat([plan.sites, plan.sites.iloc[[0]]]))


def other_objective(plan: Plan, rng: random.Random) -> Plan:
    by = rng.choice([1.0001, 0.9, 2.0, np.nan])
    return replace(plan, objective=plan.objective * by + rng.choice([0.01, -0.01]))


def other_bound(plan: Plan, rng: random.Random) -> Plan:
    by = rng.choice([0.5, 1.01, np.nan, np.inf])
    return replace(plan, bound=plan.bound * by + rng.choice([1.0, -1.0]))


def other_gap(plan: Plan, rng: random.Random) -> Plan:
    return replace(plan, gap=plan.gap + rng.choice([1e-3, -1e-3, 0.5, np.nan]))


def other_status(plan: Plan, rng: random.Random) -> Plan:
    word = {"optimal": "feasible", "feasible": "optimal"}[plan.status]
    return replace(plan, status=rng.choice([word, "perfect", ""]))


def other_account(plan: Plan, rng: random.Random) -> Plan:
    assume(len(plan.limits))
    table = plan.limits.copy()
    at = rng.randrange(len(table))
    column = rng.choice(["used", "allowed_max"])
    where = table.columns.get_loc(column)
    old = float(table.iloc[at, where])
    table.iloc[at, where] = 7.5 if not np.isfinite(old) else old * 0.9 - 0.25
    return replace(plan, limits=table)


def other_path(plan: Plan, rng: random.Random) -> Plan:
    """Another size in one year, also one that is offered and does not shrink."""
    names = [c for c in plan.sites if c.startswith("mw_")]
    assume(names)
    column = rng.choice(names)
    at = rng.randrange(len(plan.sites))
    now = float(plan.sites[column].iloc[at])
    last = float(plan.sites["mw"].iloc[at])
    others = {0.0, last, 50.0, 100.0, 1.01 * now, np.nan} - {now}
    by = rng.choice(sorted(others, key=str))
    return shifted(plan, column, lambda mw: by, at)


def other_years(plan: Plan, rng: random.Random) -> Plan:
    assume(len(plan.by_year))
    table = plan.by_year.copy()
    column = rng.choice(["mw", "new_mw", "sites", "spent_usd", "year"])
    at = rng.randrange(len(table))
    table[column] = table[column].astype(float)
    by = rng.choice([1e3, -1e3, np.nan]) * (1e6 if column == "spent_usd" else 1.0)
    table.iloc[at, table.columns.get_loc(column)] += by
    return replace(plan, by_year=table)


def other_source(plan: Plan, rng: random.Random) -> Plan:
    """Megawatts that come from elsewhere, from nowhere, or not in full."""
    assume(len(plan.draws))
    table = plan.draws.copy()
    at = rng.randrange(len(table))
    way = rng.choice(["source", "nowhere", "less", "gone", "unknown"])
    if way in ("source", "nowhere"):
        others = sorted({"A", "B", "C"} - {table["source"].iloc[at]})
        where = rng.choice(others) if way == "source" else "Z"
        table["source"] = table["source"].astype(object)
        table.iloc[at, table.columns.get_loc("source")] = where
    elif way == "gone":
        table = table.drop(index=table.index[at])
    else:
        by = 0.9 if way == "less" else np.nan
        table.iloc[at, table.columns.get_loc("mw")] *= by
    return replace(plan, draws=table)


def free_of(plan: Plan, rng: random.Random) -> Plan:
    """The better plan of a program that lacks a limit, in the place of ours."""
    request = plan.compiled.request
    limits = list(request.limits)
    built_in = [
        k
        for k in ("budget_usd", "max_sites", "min_spacing_km", "fixed", "forbidden")
        if getattr(request, k)
    ]
    if request.objective != "cost" and request.power_mw is not None:
        built_in.append("power_mw")
    assume(limits or built_in)
    out = rng.choice([*limits, *built_in])
    easier: dict[str, Any] = {"limits": tuple(x for x in limits if x is not out)}
    if isinstance(out, str):
        easier = {out: () if out in ("fixed", "forbidden") else None}
        if out in ("power_mw", "budget_usd"):
            easier["years"] = plan.problem.years or None
    asked = {
        k: v
        for k, v in {**vars(request), **easier}.items()
        if k not in ("time_limit_s", "solver", "sites", "horizon")
    }
    try:
        other = ss.optimize_sites(request.sites, **asked)
    except SiteSelectError:
        assume(False)
    sign = 1.0 if plan.compiled.objective.maximize else -1.0
    # Better than any plan within the limits: so it breaks the one left out.
    assume(sign * (other.objective - plan.bound) > 1e-4 * abs(plan.bound) + 1e-3)
    return replace(other, compiled=replace(other.compiled, request=request))


CORRUPT = [
    more_mw,
    unknown_mw,
    other_cost,
    dropped,
    added,
    swapped,
    renamed,
    moved,
    twice,
    other_objective,
    other_bound,
    other_gap,
    other_status,
    other_account,
    other_path,
    other_years,
    other_source,
    free_of,
]
KINDS = ["plain", *oracle_cases.KINDS]


def is_rejected(plan: Plan) -> bool:
    """Return whether a plan does not verify; any other error is one of ours."""
    try:
        plan.verify()
    except SolverError as error:
        return "does not verify" in str(error)
    return False


def check(kind: str, seed: int, seen: Counter[str]) -> None:
    """See one plan accepted, and rejected however it is corrupted."""
    plan = solved(kind, seed)
    assume(plan is not None)
    assert plan.verify()["passed"].all()
    rng = random.Random(seed)
    for way in CORRUPT:
        try:
            wrong = way(plan, rng)
        except UnsatisfiedAssumption:
            continue
        seen[way.__name__] += 1
        assert is_rejected(wrong), (way.__name__, kind, seed)


def corrupted(kind: str, n: int) -> Counter[str]:
    """Corrupt the plans of ``n`` drawn problems; return how often and how."""
    seen: Counter[str] = Counter()

    @given(st.integers(0, 2**32))
    @examples(n)
    def run(seed: int) -> None:
        check(kind, seed, seen)

    run()
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_plans_verify_and_corrupted_ones_do_not(kind: str) -> None:
    assert corrupted(kind, 6).total() >= 40 * EXAMPLES


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_soak_corrupted_plans(kind: str) -> None:
    seen = corrupted(kind, 30 * SOAK)
    # A thousand in all, in every way that there is.
    assert seen.total() >= 250 * SOAK * EXAMPLES, seen
    expected = set(CORRUPT)
    if kind != "years":
        expected -= {other_path, other_years}
    if kind == "plain":
        expected -= {other_source}
    if EXAMPLES >= 1:
        assert set(seen) == {way.__name__ for way in expected}


# -- nothing shared with the model -------------------------------------------------


def called(run: Callable[[], object]) -> set[str]:
    """Return the library's functions that a run calls, beside those of constructors."""
    seen: set[str] = set()
    making = 0

    def look(frame: Any, event: str, arg: object) -> None:
        nonlocal making
        name = frame.f_code.co_qualname
        if name.endswith("__post_init__"):
            making += (event == "call") - (event == "return")
        elif event == "call" and not making and HOME in frame.f_code.co_filename:
            name = name.split(".<locals>")[0]
            seen.add(f"{Path(frame.f_code.co_filename).stem}: {name}")

    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(None)
    return seen


#: Programs that hold every limit between them.
CASES = [("years", 29), ("sizes", 61), ("years", 145), ("sizes", 9), ("sizes", 30)]
HOME = str(Path(ss.__file__).parent)
#: What kind of a thing is spoken of, and the solution itself, which one check reads.
SPOKEN = {
    "chance: AtLeast.last_year_only",
    "problem: Problem.n_sites",
    "problem: Problem.sites_mw",
}


def test_verify_shares_no_code_with_the_model() -> None:
    model, checked = set(), set()
    plans = [solved(kind, seed) for kind, seed in CASES]
    for kind, (make, _) in test_objectives.KINDS.items():
        place = test_objectives.place(1, limited=False)
        asks = {**place.arguments, "min_sites": 2, "max_sites": 3}
        plans.append(ss.optimize_sites(place.sites, objective=make(place), **asks))
        assert len(plans[-1].sites), kind
    for plan in plans:
        assert plan is not None
        request = plan.compiled.request
        model |= called(lambda request=request: compile_problem(request).full_rows())
        checked |= called(plan.verify)
    assert model & checked <= SPOKEN
    own = (".check", ".value")
    told = {name.rpartition(".")[0] for name in checked if name.endswith(own)}
    written = {name.rpartition(".")[0] for name in model if name.endswith(".rows")}
    # Whatever writes rows is checked; what stands already is, without a limit.
    assert written - told <= {"limits: Existing"}
    assert len(told) >= 19


@pytest.mark.parametrize(
    ("name", "common", "probability", "wrong"),
    [
        ("probabilities", None, 0.97, lambda honest: honest[::-1]),
        ("uniforms", None, 0.97, lambda honest: 0.5 * honest),
        ("fates", "grid", 0.9, lambda honest: np.arange(4).astype(honest.dtype)),
    ],
)
def test_a_mistake_in_the_scenarios_cannot_hide(
    name: str, common: Any, probability: float, wrong: Any, monkeypatch: Any
) -> None:
    sites = gpd.GeoDataFrame(
        {
            "score": [1.0, 0.9, 0.8, 0.7],
            "p_success": [0.3, 0.7, 0.8, 0.95],
            "grid": "one",
        },
        geometry=gpd.points_from_xy([-100, -99, -98, -97], [32] * 4),
        crs=4326,
    )
    limit = ss.AtLeast(100, probability, common=common, name="arrive")
    asks: dict[str, Any] = {"site_mw": [100], "power_mw": 300, "limits": [limit]}
    ss.optimize_sites(sites, **asks).verify()
    honest = getattr(chance, name)
    monkeypatch.setattr(chance, name, lambda *args: wrong(honest(*args)))
    with pytest.raises(SolverError, match="limit 'arrive' holds"):
        ss.optimize_sites(sites, **asks).verify()


def test_a_broken_limit_is_named() -> None:
    drawn = instance(random.Random(5))
    sites = drawn.sites.assign(score=0.5, capacity_mw=300.0).drop(
        columns="excluded_by", errors="ignore"
    )
    limit = ss.Limit("water", per_mw="water", at_most=1e9)
    plan = ss.optimize_sites(sites, power_mw=(300, 300), site_mw=[300], limits=[limit])
    tight = replace(
        plan.compiled.request, limits=(ss.Limit("water", per_mw="water", at_most=1.0),)
    )
    with pytest.raises(SolverError, match="limit 'water' holds"):
        replace(plan, compiled=replace(plan.compiled, request=tight)).verify()
