"""Objectives of place equal brute force, alone and together with other limits."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from scipy.optimize import linprog
from strategies import SOAK, examples

from siteselect.errors import InfeasiblePlanError
from siteselect.optimization import (
    Covered,
    Lexicographic,
    Limit,
    MaxDistance,
    MaxMinDistance,
    MeanDistance,
    ServeCost,
    Spread,
    Weighted,
    build_model,
    optimize_sites,
)

GEOD = Geod(ellps="WGS84")
EXACT = 5e-7


def km(a: Any, b: Any) -> float:
    return float(GEOD.inv(a.x, a.y, b.x, b.y)[2]) / 1000.0


@dataclass
class Places:
    """Candidates, demand, and what is asked for, in plain values."""

    sites: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    arguments: dict[str, Any]
    state_most: int | None
    water: float | None

    def __repr__(self) -> str:
        return (
            f"{self.sites.to_wkt().to_dict('list')}\n"
            f"{self.demand.to_wkt().to_dict('list')}\n"
            f"{self.arguments} {self.state_most} {self.water}"
        )

    @property
    def limits(self) -> list[Any]:
        out: list[Any] = []
        if self.state_most is not None:
            out.append(Spread("states", "state", max_sites_per_group=self.state_most))
        if self.water is not None:
            out.append(Limit("water", per_mw="water", at_most=self.water))
        return out

    def plans(self) -> Any:
        """All choices of sites and sizes that hold all limits."""
        sites, asks = self.sites, self.arguments
        sizes = asks["site_mw"]
        offered = [
            [0.0, *(s for s in sizes if s <= cap)]
            if x not in asks["forbidden"]
            else [0]
            for x, cap in sites["capacity_mw"].items()
        ]
        for mw in itertools.product(*offered):
            chosen = [k for k, m in enumerate(mw) if m > 0]
            if not asks["min_sites"] <= len(chosen) <= asks["max_sites"]:
                continue
            if any(mw[sites.index.get_loc(x)] == 0 for x in asks["fixed"]):
                continue
            total = sum(mw)
            low, high = asks.get("power_mw", (0, 1e9))
            if not low <= total <= high:
                continue
            cost = sum(
                sites["cost_usd_per_mw"].iloc[k] * mw[k]
                + sites["fixed_cost_usd"].iloc[k]
                for k in chosen
            )
            if cost > asks.get("budget_usd", 1e18) + 1e-6:
                continue
            if self.state_most is not None:
                states = [sites["state"].iloc[k] for k in chosen]
                if any(states.count(s) > self.state_most for s in states):
                    continue
            if self.water is not None:
                used = sum(sites["water"].iloc[k] * mw[k] for k in chosen)
                if used > self.water + 1e-9:
                    continue
            yield chosen, mw, cost


def places(limited: bool) -> st.SearchStrategy[Places]:
    return st.integers(0, 2**32 - 1).map(lambda seed: place(seed, limited))


def place(seed: int, limited: bool) -> Places:
    """Draw candidates, demand and what is asked for."""
    rng = random.Random(seed)
    n, m = rng.choice([3, 4, 5, 6]), rng.choice([1, 2, 4, 6])

    def points(k: int) -> Any:
        return gpd.points_from_xy(
            [rng.randrange(-10_000, -9_000) / 100 for _ in range(k)],
            [rng.randrange(3000, 4000) / 100 for _ in range(k)],
        )

    def pick(values: Any, k: int) -> list[Any]:
        return [rng.choice(values) for _ in range(k)]

    sites = gpd.GeoDataFrame(
        {
            "capacity_mw": pick([100.0, 200.0, 300.0], n),
            "cost_usd_per_mw": pick([1e6, 2e6, 3e6], n),
            "fixed_cost_usd": pick([0.0, 5e7, 1e8], n),
            "state": pick("AB", n),
            "water": pick([1.0, 2.0, 3.0], n),
            "jobs": pick([1.0, 4.0, 7.0], n),
            "value": pick([0.2, 0.5, 0.9], n),
        },
        geometry=points(n),
        crs=4326,
        index=[f"s{k}" for k in range(n)],
    )
    demand = gpd.GeoDataFrame(
        {"people": pick([1, 2, 5, 9], m), "load": pick([20.0, 50.0, 90.0], m)},
        geometry=points(m),
        crs=4326,
        index=[f"d{k}" for k in range(m)],
    )
    least = rng.choice([1, 2, 2])
    asks: dict[str, Any] = {
        "site_mw": [100.0, 200.0] if limited else [100.0],
        "min_sites": least,
        "max_sites": rng.randint(least, 4),
        "fixed": rng.sample(list(sites.index), rng.choice([0, 0, 1])),
        "forbidden": [],
    }
    if rng.random() < 0.3:
        spare = [x for x in sites.index if x not in asks["fixed"]]
        asks["forbidden"] = [rng.choice(spare)]
    state_most = water = None
    if limited:
        if rng.random() < 0.5:
            asks["power_mw"] = rng.choice([(200, 400), (0, 300), (300, 700)])
        if rng.random() < 0.5:
            asks["budget_usd"] = rng.choice([4e8, 7e8, 1.2e9])
        if rng.random() < 0.5:
            state_most = rng.choice([1, 2])
        if rng.random() < 0.5:
            water = rng.choice([400.0, 700.0, 1000.0])
    return Places(sites, demand, asks, state_most, water)


Value = Callable[[Places, list[int], Any, float], float]


def value_least(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    at = list(p.sites.geometry)
    pairs = itertools.combinations(chosen, 2)
    return min((km(at[i], at[j]) for i, j in pairs), default=-1.0)


def ways(p: Places, chosen: list[int]) -> list[float]:
    at = list(p.sites.geometry)
    return [min(km(at[k], d) for k in chosen) for d in p.demand.geometry]


def value_mean(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    return -float(np.average(ways(p, chosen), weights=p.demand["people"]))


def value_max(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    return -max(ways(p, chosen))


def value_covered(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    in_reach = np.array(ways(p, chosen)) <= 300
    people = p.demand["people"].to_numpy()
    return float(people[in_reach].sum() / people.sum())


def value_serving(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    at, need = list(p.sites.geometry), p.demand["load"].to_numpy()
    away = np.array([[km(at[k], d) for k in chosen] for d in p.demand.geometry])
    n, m = away.shape
    flow = linprog(
        away.ravel(),
        A_ub=np.kron(np.ones((1, n)), np.eye(m)),
        b_ub=[mw[k] for k in chosen],
        A_eq=np.kron(np.eye(n), np.ones((1, m))),
        b_eq=need,
    )
    return -np.inf if flow.status else -(cost + 5e3 * flow.fun)


KINDS: dict[str, tuple[Callable[[Places], Any], Value]] = {
    "least": (lambda p: MaxMinDistance(), value_least),
    "mean": (lambda p: MeanDistance(p.demand, weight="people"), value_mean),
    "max": (lambda p: MaxDistance(p.demand), value_max),
    "covered": (lambda p: Covered(p.demand, weight="people", km=300), value_covered),
    "serving": (
        lambda p: ServeCost(p.demand, mw="load", usd_per_mw_km=5e3),
        value_serving,
    ),
}


def best_of(instance: Places, value: Value) -> float | None:
    found = [value(instance, *plan) for plan in instance.plans()]
    found = [v for v in found if v > -np.inf]
    return max(found, default=None)


def agree(instance: Places, kind: str, method: str) -> None:
    make, value = KINDS[kind]
    if kind == "least":
        instance.arguments["min_sites"] = max(2, instance.arguments["min_sites"])
        instance.arguments["max_sites"] = max(2, instance.arguments["max_sites"])
    best = best_of(instance, value)
    try:
        plan = optimize_sites(
            instance.sites,
            objective=make(instance),
            limits=instance.limits,
            gap=EXACT,
            method=method,
            **instance.arguments,
        )
    except InfeasiblePlanError:
        assert best is None
        return
    assert best is not None
    sign = 1 if plan.compiled.objective.maximize else -1
    assert plan.objective == pytest.approx(sign * best, rel=2e-6, abs=1e-6)
    assert plan.status == "optimal"
    plan.verify()


@pytest.mark.parametrize("kind", list(KINDS))
@given(places(limited=False))
@examples(24)
def test_counts_alone_equal_brute_force(kind: str, instance: Places) -> None:
    agree(instance, kind, "auto")


@pytest.mark.parametrize("kind", list(KINDS))
@given(places(limited=True))
@examples(24)
def test_with_other_limits_equal_brute_force(kind: str, instance: Places) -> None:
    agree(instance, kind, "auto")


@pytest.mark.parametrize("kind", list(KINDS))
@given(places(limited=True))
@examples(10)
def test_full_model_equals_brute_force(kind: str, instance: Places) -> None:
    agree(instance, kind, "full")


@pytest.mark.parametrize("kind", ["covered", "serving"])
@given(places(limited=True))
@examples(10)
def test_price_out_equals_brute_force(kind: str, instance: Places) -> None:
    agree(instance, kind, "priceout")


@pytest.mark.soak
@pytest.mark.parametrize("kind", list(KINDS))
@given(places(limited=True))
@examples(150 * SOAK)
def test_soak_with_other_limits(kind: str, instance: Places) -> None:
    for method in ("auto", "full", "priceout"):
        agree(instance, kind, method)


# ------------------------------------------------------------ several at once


def value_jobs(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    return float(sum(p.sites["jobs"].iloc[k] * mw[k] for k in chosen))


def value_cost(p: Places, chosen: list[int], mw: Any, cost: float) -> float:
    return -cost


STAGES: dict[str, tuple[Callable[[Places], Any], Value]] = {
    **KINDS,
    "jobs": (lambda p: "jobs", value_jobs),
    "cost": (lambda p: "cost", value_cost),
}


@given(places(limited=True), st.data())
@examples(20)
def test_weighted_equals_brute_force(instance: Places, data: Any) -> None:
    kinds = data.draw(
        st.lists(
            st.sampled_from(["mean", "max", "covered", "jobs", "cost"]),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    sizes = {"mean": 1.0, "max": 0.5, "covered": 300.0, "jobs": 0.3, "cost": 1e-6}

    def value(*plan: Any) -> float:
        return sum(sizes[k] * STAGES[k][1](*plan) for k in kinds)

    best = best_of(instance, value)
    objective = Weighted(
        {
            STAGES[k][0](instance): sizes[k]
            * (-1 if k in ("mean", "max", "cost") else 1)
            for k in kinds
        }
    )
    plan = solved(instance, objective)
    assert (plan is None) == (best is None)
    if plan is None or best is None:
        return
    assert plan.objective == pytest.approx(best, rel=2e-6, abs=1e-5)
    plan.verify()


@given(places(limited=True), st.data())
@examples(20)
def test_lexicographic_equals_brute_force(instance: Places, data: Any) -> None:
    kinds = data.draw(
        st.lists(st.sampled_from(list(STAGES)), min_size=2, max_size=3, unique=True)
    )
    tolerances = data.draw(
        st.lists(st.sampled_from([0.0, 0.1, 0.3]), min_size=3, max_size=3)
    )
    if "least" in kinds:
        instance.arguments["min_sites"] = max(2, instance.arguments["min_sites"])
        instance.arguments["max_sites"] = max(2, instance.arguments["max_sites"])
    plans = list(instance.plans())
    for kind, tolerance in zip(kinds, tolerances, strict=False):
        value = STAGES[kind][1]
        told = [value(instance, *plan) for plan in plans]
        best = max(told, default=-np.inf)
        if best == -np.inf:
            plans = []
            break
        kept = best - tolerance * abs(best) - 1e-6 * max(1.0, abs(best))
        plans = [p for p, v in zip(plans, told, strict=True) if v >= kept]
    objective = Lexicographic(
        *((STAGES[k][0](instance), t) for k, t in zip(kinds, tolerances, strict=False))
    )
    plan = solved(instance, objective, data.draw(st.sampled_from(["auto", "full"])))
    assert (plan is None) == (not plans)
    if plan is None:
        return
    sign = 1 if plan.compiled.objective.maximize else -1
    assert sign * plan.objective == pytest.approx(best, rel=1e-4, abs=1e-5)
    assert len([x for x in plan.notes if "bound" in x]) == len(kinds)
    plan.verify()


def solved(instance: Places, objective: Any, method: str = "auto") -> Any:
    try:
        return optimize_sites(
            instance.sites,
            objective=objective,
            method=method,
            limits=instance.limits,
            gap=EXACT,
            **instance.arguments,
        )
    except InfeasiblePlanError:
        return None


# ------------------------------------------------------------- after the plan


def eight() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(0)
    return gpd.GeoDataFrame(
        {"cost_usd_per_mw": rng.uniform(5e6, 2e7, 8)},
        geometry=gpd.points_from_xy(rng.uniform(-105, -95, 8), rng.uniform(30, 40, 8)),
        crs=4326,
    )


AFTER: dict[str, Callable[[Any], Any]] = {
    "least": lambda s: MaxMinDistance(),
    "mean": lambda s: MeanDistance(s),
    "max": lambda s: MaxDistance(s),
    "covered": lambda s: Covered(s, ms=2),
    "serving": lambda s: ServeCost(s, mw=1, usd_per_mw_km=1e5),
    "weighted": lambda s: Weighted({"cost": -1e-6, MeanDistance(s): -1}),
    "in order": lambda s: Lexicographic((MeanDistance(s), 0.2), "cost"),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("kind", list(AFTER))
def test_alternatives_and_importance_know_the_objective(
    kind: str, lazy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lazy:
        monkeypatch.setattr("siteselect.optimization.locating.WRITTEN_OUT", 0)
    sites = eight()
    asks: dict[str, Any] = {"site_mw": [10], "min_sites": 2, "max_sites": 3}
    objective = AFTER[kind](sites)
    plan = optimize_sites(sites, objective=objective, gap=1e-6, **asks)
    sign = 1 if objective.maximize else -1
    before = sign * plan.objective
    seen = {frozenset(plan.sites.index)}
    for other in plan.alternatives(3):
        other.verify()
        assert sign * other.objective <= before + 1e-5 * abs(before)
        assert frozenset(other.sites.index) not in seen
        seen.add(frozenset(other.sites.index))
        if kind == "in order":
            first = MeanDistance(sites)
            best = optimize_sites(sites, objective=first, **asks).objective
            told = sites.assign(mw=other.sites["mw"]).fillna({"mw": 0.0})
            assert first.value(told) <= 1.2 * best * (1 + 1e-5)
    loss = plan.importance()["loss"]
    assert (loss >= -1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_over_years_combined_objectives_equal_brute_force(seed: int) -> None:
    """Each part is summed over the years, discounted, as it is alone."""
    rng = np.random.default_rng(seed)
    rate = 0.05
    sites = gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 1.0, 4).round(2),
            "cost_usd_per_mw": rng.uniform(6e6, 1.5e7, 4).round(-5),
        },
        geometry=gpd.points_from_xy(np.arange(-100, -96), [32] * 4),
        crs=4326,
    )
    asked = {
        "site_mw": [100],
        "power_mw": {2027: (100, 200), 2030: (200, 300)},
        "discount_rate": rate,
        "gap": 0.0,
    }
    later = (1 + rate) ** -3
    worth: dict[tuple[int, ...], tuple[float, float]] = {}
    # Every site: in neither year, from 2030 on, or from 2027 on.
    for path in itertools.product((0, 1, 2), repeat=4):
        early, late = (np.array(path) == 2) * 100.0, (np.array(path) > 0) * 100.0
        if not (100 <= early.sum() <= 200 and 200 <= late.sum() <= 300):
            continue
        score = sites["score"] @ early + later * (sites["score"] @ late)
        usd = sites["cost_usd_per_mw"] @ early
        usd += later * (sites["cost_usd_per_mw"] @ (late - early))
        worth[path] = (float(score), float(usd))
    plan = optimize_sites(
        sites, objective=Weighted({"score": 1.0, "cost": -1e-7}), **asked
    )
    best = max(s - 1e-7 * usd for s, usd in worth.values())
    assert plan.objective == pytest.approx(best, rel=1e-9)
    plan.verify()
    plan = optimize_sites(
        sites, objective=Lexicographic(("score", 0.1), "cost"), **asked
    )
    least = 0.9 * max(s for s, _ in worth.values())
    best = min(usd for s, usd in worth.values() if s >= least - 1e-6)
    assert plan.objective == pytest.approx(best, rel=1e-9)
    plan.verify()
    alone = optimize_sites(sites, objective="score", **asked)
    same = optimize_sites(sites, objective=Weighted({"score": 1.0}), **asked)
    assert same.objective == pytest.approx(alone.objective)


def test_the_model_for_pulp_has_the_objective() -> None:
    import pulp

    sites = eight()
    for kind, make in AFTER.items():
        if kind == "in order":
            continue
        asks: dict[str, Any] = {"site_mw": [10], "min_sites": 2, "max_sites": 3}
        plan = optimize_sites(sites, objective=make(sites), gap=1e-6, **asks)
        model = build_model(sites, objective=make(sites), **asks)
        model.solve(pulp.HiGHS(msg=False, gapRel=0.0))
        assert model.objective.value() == pytest.approx(plan.objective, rel=1e-4)
