"""Status discipline: no trust in one solver's word, no plan without its bound."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pulp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimization.instances import country
from scipy import sparse
from strategies import examples

import siteselect as ss
from siteselect.optimization import deadline, estimate, highs, pulp_model, solve
from siteselect.optimization._compile import Request, compile_problem
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import Problem, Rows


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


# coin-or/pulp issue 662, coin-or/Cbc issue 632: columns c_0, c_1, x_0, x_1, x_2.
ISSUE_662 = np.array(
    [
        [0, 1, 1, 0, 0],
        [1, 0, 1, 0, 0],
        [0, 1, 0, 1, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 0, 1],
        [0, 10800, 0, 9000, 7200],
    ],
    dtype=float,
)
ISSUE_662_LOWER = np.array([1, 1, -np.inf, -np.inf, 1, 16200])
ISSUE_662_UPPER = np.array([1, np.inf, 1, 1, 1, np.inf])


@dataclass(frozen=True)
class Issue662:
    """The rows of the issue as a limit of the user's own."""

    name: str = "issue 662"

    def rows(self, problem: Problem) -> Rows:
        return Rows.make(ISSUE_662, ISSUE_662_LOWER, ISSUE_662_UPPER, self.name)

    def check(self, sites: gpd.GeoDataFrame) -> list[Any]:
        return []


def cbc() -> pulp.LpSolver:
    """PuLP 3 bundles a CBC, PuLP 4 takes one that is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = getattr(pulp, "PULP_CBC_CMD", pulp.COIN_CMD)(msg=False)
    if not found.available():
        pytest.skip("no CBC is installed")
    return found


def test_cbc_calls_a_feasible_program_infeasible() -> None:
    model = pulp.LpProblem("issue_662", pulp.LpMinimize)
    names = ("c_0", "c_1", "x_0", "x_1", "x_2")
    c_0, c_1, x_0, x_1, x_2 = (model.add_variable(k, 0, 1, "Integer") for k in names)
    model += c_0 + c_1
    model += x_0 + c_1 == 1
    model += x_0 + c_0 >= 1
    model += x_1 + c_1 <= 1
    model += c_0 + c_1 <= 1
    model += x_2 == 1
    model += 9000 * x_1 + 7200 * x_2 + 10800 * c_1 >= 16200
    with highs.silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        answer = model.solve(cbc())
    if pulp_model._status(model, answer) != "infeasible":
        pytest.skip("this CBC solves it")
    # With every x at 1 and every c at 0 all rows hold.
    used = ISSUE_662 @ [0, 0, 1, 1, 1]
    assert ((used >= ISSUE_662_LOWER) & (used <= ISSUE_662_UPPER)).all()


@pytest.mark.parametrize("time_limit_s", [None, 60])
@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_what_cbc_calls_infeasible_is_solved(
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    solver: str,
    time_limit_s: float | None,
) -> None:
    cbc()
    sites = gpd.GeoDataFrame(
        {"score": 1.0, "goal": [-1.0, -1.0, 0.0, 0.0, 0.0]},
        geometry=gpd.points_from_xy(range(-100, -95), [35] * 5),
        crs=4326,
        index=["c_0", "c_1", "x_0", "x_1", "x_2"],
    )
    said = []
    honest = pulp_model.solve

    def heard(*args: Any, **kwargs: Any) -> Any:
        result, name = honest(*args, **kwargs)
        said.append(result.status)
        return result, name

    monkeypatch.setattr(pulp_model, "solve", heard)
    plan = ss.optimize_sites(
        sites,
        site_mw=[1],
        limits=[Issue662()],
        objective="goal",
        solver=solver,
        method=method,
        time_limit_s=time_limit_s,
    )
    assert plan.status == "optimal"
    assert sorted(plan.sites.index) == ["x_0", "x_1", "x_2"]
    assert plan.objective == 0
    if "infeasible" in said:
        assert any("infeasible" in note for note in plan.notes)


@pytest.mark.parametrize("limit", [None, 60.0])
def test_what_cbc_calls_optimal_is_proven_or_bettered(limit: float | None) -> None:
    path = Path(__file__).parents[1] / "data" / "cbc_false_optimum.json"
    told = json.loads(path.read_text())
    n, m = len(told["objective"]), len(told["row_lower"])
    ends = {k: np.array(told[k], dtype=float) for k in ("row_lower", "row_upper")}
    program = highs.Program(
        np.array(told["objective"]),
        True,
        sparse.csr_array((told["data"], told["indices"], told["indptr"]), shape=(m, n)),
        np.where(np.isnan(ends["row_lower"]), -np.inf, ends["row_lower"]),
        np.where(np.isnan(ends["row_upper"]), np.inf, ends["row_upper"]),
        np.zeros(n),
        np.ones(n),
        np.ones(n, dtype=bool),
    )
    cbc()
    with deadline.watching(limit, time.perf_counter()):
        truth, _ = pulp_model.solve_arrays(program, solver="highs", gap=0.0)
        # CBC 2.10.3 alone says 591.289.
        found, name = pulp_model.solve_arrays(program, solver="cbc", gap=0.0)
    assert truth.x is not None
    assert highs.holds(program, truth.x)
    assert truth.objective == pytest.approx(591.299, abs=1e-9)
    assert found.objective == pytest.approx(truth.objective, abs=1e-7)
    assert found.status == "optimal"
    assert name == "cbc and HiGHS"


def test_auto_asks_another_where_highs_has_no_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cbc()
    sites, program = country(200)
    truth = ss.optimize_sites(sites, **program)
    plan = ss.optimize_sites(sites, **program, solver="auto")
    assert plan.solver == truth.solver
    assert plan.sites.equals(truth.sites)
    honest = pulp_model.solve_program

    def wordless(program: highs.Program, **options: Any) -> highs.MipResult:
        if options["solver"] == "highs":
            return highs.NOTHING
        return honest(program, **options)

    monkeypatch.setattr(pulp_model, "solve_program", wordless)
    plan = ss.optimize_sites(sites, **program, solver="auto", method="full")
    assert plan.solver.startswith("cbc")
    assert plan.objective == pytest.approx(truth.objective, rel=1e-4)


class Relaxer(pulp.HiGHS):
    """A solver object that was told to forget that sites are whole."""

    def __init__(self) -> None:
        super().__init__(mip=False, msg=False)


class Stopper(pulp.LpSolver):
    """A solver that stops at its own limit with a plan: every column at zero."""

    name = "stopper"

    def available(self) -> bool:
        return True

    def actualSolve(self, lp: Any, **options: Any) -> int:  # noqa: N802
        for variable in lp.variables():
            variable.varValue = 0.0
        lp.assignStatus(pulp.LpStatusOptimal, pulp.LpSolutionIntegerFeasible)
        return int(pulp.LpStatusOptimal)


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_a_solver_that_forgets_that_sites_are_whole(method: str) -> None:
    sites, program = country(300, 1)
    truth = ss.optimize_sites(sites, **program, gap=0.0)
    plan = ss.optimize_sites(sites, **program, solver=Relaxer(), method=method)
    plan.verify()
    assert plan.objective <= truth.objective + 1e-6
    assert plan.bound >= truth.objective - 1e-6
    assert (plan.status == "optimal") == (plan.gap <= 1e-4)


@pytest.mark.skipif(not hasattr(pulp, "PULP_CBC_CMD"), reason="status of PuLP 3")
def test_an_incumbent_that_pulp_calls_optimal_is_feasible() -> None:
    sites, program = country(300, 1)
    program |= {"power_mw": (None, 1500), "limits": program["limits"][:3]}
    best = ss.optimize_sites(sites, **program)
    plan = ss.optimize_sites(sites, **program, solver=Stopper(), method="full")
    plan.verify()
    assert plan.status == "feasible"
    assert plan.objective < plan.bound
    assert plan.bound >= best.objective


def test_a_gap_in_a_solvers_own_words_proves_nothing() -> None:
    sites, program = country(300, 1)
    truth = ss.optimize_sites(sites, **program, gap=0.0)
    loose = cbc()
    loose.options = ["ratioGap 0.5"]
    plan = ss.optimize_sites(sites, **program, solver=loose, method="full", gap=1e-6)
    plan.verify()
    assert plan.bound >= truth.objective - 1e-6
    assert (plan.status == "optimal") == (plan.gap <= 1e-6)


@pytest.mark.parametrize("solver", ["highs", "cbc"])
@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("site_mw", [[100, 200, 300], (50, 300)])
def test_the_gap_can_be_closed(solver: str, method: str, site_mw: Any) -> None:
    if solver == "cbc":
        cbc()  # or the test is skipped
    sites, program = country(300, 1)
    program |= {"site_mw": site_mw, "gap": 0.0, "method": method, "solver": solver}
    plan = ss.optimize_sites(sites, **program)
    plan.verify()
    assert plan.status == "optimal"
    assert plan.gap <= 1e-9


@examples(40)
@given(st.integers(0, 10_000), st.sampled_from(["full", "priceout"]))
def test_at_gap_zero_ties_go_to_the_lowest_cost(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    n, k = 8, int(rng.integers(1, 5))
    sites = gpd.GeoDataFrame(
        {
            "score": rng.choice([0.2, 0.5, 0.9], n),
            "cost_usd_per_mw": rng.choice([8e6, 9e6, 1e7], n),
            "fixed_cost_usd": rng.choice([0.0, 1e7], n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-100, -90, n), rng.uniform(30, 40, n)),
        crs=4326,
    )
    plan = ss.optimize_sites(sites, site_mw=[100], max_sites=k, gap=0.0, method=method)
    plan.verify()
    worth = sites["score"].to_numpy() * 100
    cost = (sites["cost_usd_per_mw"] * 100 + sites["fixed_cost_usd"]).to_numpy()
    best = min(
        (-round(float(worth[list(c)].sum()), 6), float(cost[list(c)].sum()))
        for c in combinations(range(n), k)
    )
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(-best[0])
    assert plan.total_cost_usd == pytest.approx(best[1])


def test_a_range_that_solvers_cannot_hold_is_told() -> None:
    sites, _ = country(50)
    sites["water"] = sites["water"].astype(float)
    sites.loc[sites.index[3], "water"] = 1e-7
    limit = ss.Limit("water", per_mw="water", at_most=1e7)
    with pytest.warns(ss.ApproximationWarning, match=r"'water'.*factor of") as caught:
        ss.optimize_sites(sites, site_mw=[100], limits=[limit], max_sites=3)
    assert repr(sites.index[3]) in str(caught[0].message)
    sites["score"] = np.where(np.arange(50) == 7, 1e-11, sites["score"])
    with pytest.warns(ss.ApproximationWarning, match=r"objective.*'score'"):
        ss.optimize_sites(sites, site_mw=[100], max_sites=3)


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


def test_build_model_tells_what_it_costs_before_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sites, program = country(150)
    lines: list[str] = []
    model = ss.build_model(sites, **program, progress=lines.append)
    columns = len(model.variables())
    assert f"{columns:,} columns" in lines[0]
    assert "estimated" in lines[0]
    monkeypatch.setattr(estimate, "TELL_COLUMNS", columns)
    with pytest.warns(ss.SiteSelectWarning, match="estimated"):
        ss.build_model(sites, **program)


def test_an_estimate_grows_with_the_model() -> None:
    sizes = []
    for n in (150, 300):
        sites, program = country(n)
        program["limits"] = tuple(program["limits"])
        sizes.append(
            estimate.model_size(compile_problem(Request(sites=sites, **program)))
        )
    assert sizes[1].memory_gb > 1.5 * sizes[0].memory_gb
    assert sizes[1].seconds > 1.5 * sizes[0].seconds
