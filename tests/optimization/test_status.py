"""Status discipline: no trust in one solver's word, no plan without its bound."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pulp
import pytest

import siteselect as ss
from siteselect.optimization import highs, pulp_model, solve
from siteselect.optimization._compile import Request, compile_problem
from siteselect.optimization.priceout import PriceOut


def country(n: int, seed: int = 0) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Candidates with every kind of column, and a program with every limit type."""
    rng = np.random.default_rng(seed)
    substation = rng.integers(0, max(2, n // 4), n)
    county = rng.integers(0, max(2, n // 8), n)
    headroom = rng.choice([150.0, 320.0, 470.0, 900.0], substation.max() + 1)
    water = rng.lognormal(14.0, 1.0, county.max() + 1)
    sites = gpd.GeoDataFrame(
        {
            "score": rng.random(n).round(4),
            "capacity_mw": headroom[substation],
            "cost_usd_per_mw": rng.uniform(8e6, 14e6, n).round(-3),
            "fixed_cost_usd": rng.uniform(1e7, 9e7, n).round(-3),
            "substation": substation,
            "headroom_mw": headroom[substation],
            "county": county,
            "water": rng.uniform(1e3, 1.5e4, n).round(),
            "water_available": water[county],
            "carbon": rng.uniform(100, 700, n).round(1),
            "state": rng.choice(list("ABCDEFGH"), n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-110, -80, n), rng.uniform(30, 45, n)),
        crs=4326,
    )
    program = {
        "power_mw": (1500, 1500),
        "budget_usd": 14.5e9,
        "site_mw": [100, 200, 300],
        "limits": [
            ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw"),
            ss.Limit("water", per_mw="water", by="county", at_most="water_available"),
            ss.Average("carbon", "carbon", at_most=350),
            ss.Spread("states", "state", at_least=4, max_share=0.4),
            ss.Spacing(60),
        ],
    }
    return sites, program


@pytest.mark.parametrize(("n", "seed"), [(200, 0), (1000, 1), (1000, 2)])
def test_pricing_out_gives_the_objective_of_the_full_model(n: int, seed: int) -> None:
    sites, program = country(n, seed)
    full = ss.optimize_sites(sites, **program, method="full")
    priced = ss.optimize_sites(sites, **program, method="priceout")
    for plan in (full, priced):
        plan.verify()
        assert plan.status == "optimal"
        assert plan.bound >= plan.objective
    both = 1e-4 * full.objective
    assert priced.objective == pytest.approx(full.objective, abs=both)
    assert min(full.bound, priced.bound) >= max(full.objective, priced.objective) - 1e-6


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_soak_pricing_out_at_ten_thousand(seed: int) -> None:
    sites, program = country(10_000, seed)
    full = ss.optimize_sites(sites, **program, method="full")
    priced = ss.optimize_sites(sites, **program, method="priceout")
    both = 1e-4 * full.objective
    assert priced.objective == pytest.approx(full.objective, abs=both)


def test_the_bound_holds_for_any_duals() -> None:
    sites, program = country(300)
    program["limits"] = tuple(program["limits"])
    compiled = compile_problem(Request(sites=sites, **program))
    engine = PriceOut(compiled)
    plan = ss.optimize_sites(sites, **program, method="full")
    rng = np.random.default_rng(0)
    goal = compiled.problem.objective
    for scale in (0.0, 0.1, 10.0):
        duals = scale * rng.normal(size=len(engine.rows))
        assert engine.price(goal, duals).bound >= plan.objective - 1e-6
    # A column's bound is one on every plan with that column.
    priced = engine.price(goal, 0.1 * np.abs(rng.normal(size=len(engine.rows))))
    used = plan.x > 0.5
    assert (priced.column_bound[used] >= plan.objective - 1e-6).all()


@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_the_program_that_cbc_calls_infeasible(method: str, solver: str) -> None:
    # coin-or/pulp issue 662: CBC's preprocessing calls "9000 a + 7200 b + 10800 c
    # >= 16200" among five binaries infeasible.
    size = [9000.0, 7200.0, 10800.0, 9000.0, 7200.0]
    sites = gpd.GeoDataFrame(
        {
            "score": 1.0,
            "cost_usd_per_mw": [1e6, 1e6, 1e6, 3e6, 3e6],
            "offers_7200": [s == 7200 for s in size],
            "offers_9000": [s == 9000 for s in size],
            "offers_10800": [s == 10800 for s in size],
        },
        geometry=gpd.points_from_xy(range(-100, -95), [35] * 5),
        crs=4326,
    )
    plan = ss.optimize_sites(
        sites,
        power_mw=(16200, None),
        objective="cost",
        site_mw={k: f"offers_{k}" for k in (7200, 9000, 10800)},
        solver=solver,
        method=method,
    )
    assert plan.status == "optimal"
    assert plan.total_mw == 16200
    assert plan.objective == pytest.approx(16.2e9)


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_a_false_infeasible_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    sites, program = country(150)
    truth = ss.optimize_sites(sites, **program)
    lie = highs.MipResult("infeasible", -np.inf, -np.inf, None)
    monkeypatch.setattr(pulp_model, "solve", lambda *a, **k: (lie, "liar"))
    plan = ss.optimize_sites(sites, **program, method=method)
    plan.verify()
    assert plan.objective == pytest.approx(truth.objective, rel=2e-4)


def test_a_solver_that_stops_early_is_never_optimal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sites, program = country(150)
    honest = pulp_model.solve

    def lazy(*args: Any, **kwargs: Any) -> Any:
        result, name = honest(*args, **{**kwargs, "gap": 0.5})
        # An answer without a bound, as PuLP reports a time limit.
        return highs.MipResult("feasible", result.objective, np.inf, result.x), name

    monkeypatch.setattr(pulp_model, "solve", lazy)
    plan = ss.optimize_sites(sites, **program, method="full")
    plan.verify()
    # The relaxation still bounds the full problem.
    assert np.isfinite(plan.bound)
    assert plan.bound >= plan.objective
    assert (plan.status == "optimal") == (plan.gap <= 1e-4)


def test_out_of_time_gives_a_feasible_plan_with_its_gap() -> None:
    sites, program = country(4000)
    program |= {"power_mw": (None, 1500), "limits": program["limits"][:3]}
    plan = ss.optimize_sites(
        sites, **program, method="priceout", time_limit_s=1e-3, gap=0.0
    )
    plan.verify()
    assert plan.status == "feasible"
    assert plan.gap > 0


def test_whole_sums_that_no_plan_can_meet_are_infeasible() -> None:
    sites, _ = country(20)
    for method in ("full", "priceout"):
        with pytest.raises(ss.InfeasiblePlanError) as caught:
            ss.optimize_sites(sites, power_mw=(250, 290), site_mw=[200], method=method)
        assert caught.value.conflicts == ("power",)


def test_same_input_same_plan() -> None:
    sites, program = country(500)
    first = ss.optimize_sites(sites, **program)
    again = ss.optimize_sites(sites, **program)
    assert first.sites.equals(again.sites)
    assert first.bound == again.bound


def test_a_resolve_with_another_objective_is_that_of_a_new_solve() -> None:
    sites, program = country(1000)
    program["limits"] = tuple(program["limits"])
    compiled = compile_problem(Request(sites=sites, **program))
    engine = PriceOut(compiled)
    engine.solve()
    rng = np.random.default_rng(1)
    for _ in range(3):
        changed = sites.assign(score=(sites["score"] * rng.uniform(0.8, 1, 1000)))
        fresh = ss.optimize_sites(changed, **program)
        problem = compiled.problem
        score = changed.loc[problem.frame.index, "score"].to_numpy()
        own = np.maximum(problem.column_site, 0)
        value = np.where(problem.column_site >= 0, score[own] * problem.column_mw, 0.0)
        found = engine.solve(value)
        assert found.objective == pytest.approx(fresh.objective, rel=2e-4)
        assert found.bound >= fresh.objective * (1 - 1e-9)


def test_prices_are_changes_of_the_relaxation() -> None:
    sites, program = country(120)
    program |= {"limits": program["limits"][:2], "method": "full"}
    plan = ss.optimize_sites(sites, **program)
    table = plan.limits.set_index("limit")

    def relaxed(**changes: Any) -> float:
        request = Request(
            sites=sites, **{**program, "limits": tuple(program["limits"]), **changes}
        )
        compiled = compile_problem(request)
        return solve.relaxation(compiled.problem, compiled.full_rows(), 1)[1]

    more = relaxed(budget_usd=program["budget_usd"] + 1e6) - relaxed()
    assert table.at["budget", "price"] * 1e6 == pytest.approx(more, rel=1e-3, abs=1e-6)
    assert table.at["budget", "price"] >= 0
    more = relaxed(power_mw=(1500.5, 1500.5)) - relaxed()
    assert table.at["power", "price"] * 0.5 == pytest.approx(more, rel=1e-3, abs=1e-6)


def test_standard_output_stays_clean(capfd: pytest.CaptureFixture[str]) -> None:
    sites, program = country(200)
    ss.optimize_sites(sites, **program, method="full")
    ss.optimize_sites(sites, **program, method="priceout")
    assert capfd.readouterr().out == ""


def test_build_model_is_the_same_program() -> None:
    sites, program = country(150)
    plan = ss.optimize_sites(sites, **program, gap=1e-7)
    model = ss.build_model(sites, **program)
    assert model.sense == pulp.LpMaximize
    with highs.silenced():
        model.solve(pulp.HiGHS(msg=False, gapRel=0.0))
    assert model.objective.value() == pytest.approx(plan.objective, rel=1e-6)
    names = [c.name for c in model.constraints()]
    assert any("headroom" in name for name in names)
    assert any("spacing" in name for name in names)
