"""The price-out agrees with the full matrix, also where engines are derived."""

from __future__ import annotations

import itertools
import time
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from strategies import examples

import siteselect as ss
from siteselect.optimization import incumbents, presolve, priceout
from siteselect.optimization._compile import Compiled, Request, compile_problem
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import Rows
from siteselect.optimization.solve import second_opinion

EXACT = 1e-7


def country(n: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Return candidates with shared substations, water and states."""
    rng = np.random.default_rng(seed)
    k = max(2, n // 4)
    substation = rng.integers(0, k, n)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 1, n),
            "capacity_mw": rng.choice([120.0, 250.0, 600.0], n),
            "cost_usd_per_mw": rng.uniform(8e6, 14e6, n),
            "substation": substation,
            "headroom_mw": rng.uniform(150, 700, k)[substation],
            "county": rng.integers(0, max(2, n // 6), n),
            "water": rng.uniform(1, 3, n),
            "state": rng.choice(list("ABCDE"), n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-110, -80, n), rng.uniform(30, 45, n)),
        crs=4326,
    )


def program(seed: int, **changes: Any) -> dict[str, Any]:
    """Return a request; limits and sizes follow the seed."""
    rng = np.random.default_rng(seed)
    limits: list[Any] = [
        ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw"),
        ss.Limit("water", per_mw="water", by="county", at_most=900),
    ]
    if seed % 2:
        limits.append(ss.Spread("states", by="state", at_least=3))
    request: dict[str, Any] = {
        "power_mw": (None, 1500.0),
        "budget_usd": float(rng.uniform(10, 16)) * 1e9,
        "site_mw": [100, 200, 300] if seed % 3 else (100, 400),
        "max_sites": 9,
        "limits": tuple(limits),
    }
    if seed % 4 == 0:
        request["min_spacing_km"] = 150
    if seed % 5 == 0:
        request |= {"objective": "cost", "power_mw": (1200.0, None)}
    return request | changes


def compiled_of(n: int, seed: int, **changes: Any) -> Compiled:
    return compile_problem(Request(sites=country(n, seed), **program(seed, **changes)))


def oracle(compiled: Compiled) -> float | None:
    """Return the optimum of the full matrix, None if there is no plan."""
    found = second_opinion(compiled.problem, compiled.full_rows(), EXACT)
    if found.status == "infeasible":
        return None
    assert found.x is not None
    return float(compiled.problem.objective @ found.x)


def agree(engine: PriceOut, best: float | None) -> None:
    """Assert that the engine finds what the oracle found."""
    found = engine.solve(gap=EXACT)
    if best is None:
        assert found.status == "infeasible"
        return
    assert found.x is not None
    value = float(engine.compiled.problem.objective @ found.x)
    assert value == pytest.approx(best, rel=1e-6)
    sign = 1.0 if engine.compiled.problem.maximize else -1.0
    assert found.bound >= sign * best - 1e-6 * abs(best)


@given(st.integers(0, 10_000), st.floats(0.3, 1.6))
@examples(15)
def test_changed_bounds_are_those_of_a_new_program(seed: int, factor: float) -> None:
    engine = PriceOut(compiled_of(24, seed))
    engine.solve(gap=EXACT)
    budget = factor * program(seed)["budget_usd"]
    other = engine.with_row_bounds("budget", upper=budget)
    agree(other, oracle(compiled_of(24, seed, budget_usd=budget)))
    # And back again: nothing that the tighter bound closed stays closed.
    back = other.with_row_bounds("budget", upper=program(seed)["budget_usd"])
    agree(back, oracle(engine.compiled))


@given(st.integers(0, 10_000))
@examples(15)
def test_headroom_can_be_loosened_and_tightened(seed: int) -> None:
    engine = PriceOut(compiled_of(24, seed))
    engine.solve(gap=EXACT)
    for most in (90.0, 330.0, 2000.0):
        limits = (
            ss.Limit("headroom", per_mw=1, by="substation", at_most=most),
            *program(seed)["limits"][1:],
        )
        best = oracle(compiled_of(24, seed, limits=limits))
        agree(engine.with_row_bounds("headroom", upper=most), best)


@given(st.integers(0, 10_000), st.data())
@examples(30)
def test_fixed_and_forbidden_sites_are_those_of_a_new_program(
    seed: int, data: st.DataObject
) -> None:
    engine = PriceOut(compiled_of(24, seed))
    engine.solve(gap=EXACT)
    frame = engine.compiled.problem.frame
    row = st.integers(0, len(frame) - 1)
    fixed = data.draw(st.sets(row, max_size=2))
    forbidden = data.draw(st.sets(row, max_size=5)) - fixed
    other = engine.with_sites(fixed=sorted(fixed), forbidden=sorted(forbidden))
    anew = compiled_of(
        24,
        seed,
        fixed=tuple(frame.index[sorted(fixed)]),
        forbidden=tuple(frame.index[sorted(forbidden)]),
    )
    agree(other, oracle(anew))


@given(st.integers(0, 10_000))
@examples(10)
def test_rows_added_one_after_another_hold(seed: int) -> None:
    engine = PriceOut(compiled_of(20, seed))
    values = []
    for _ in range(4):
        found = engine.solve(gap=EXACT)
        if found.x is None:
            assert oracle(engine.compiled) is None
            break
        agree(engine, oracle(engine.compiled))
        values.append(found.objective)
        opens = engine.compiled.problem.open_columns
        chosen = opens[found.x[opens] > 0.5]
        if not chosen.size:
            break
        cut = np.zeros(engine.n)
        sites = engine.compiled.problem.column_site[chosen]
        cut[opens[np.isin(engine.compiled.problem.column_site[opens], sites)]] = 1.0
        row = sparse.csr_array(cut.reshape(1, -1))
        engine = engine.with_rows(
            Rows.make(row, -np.inf, chosen.size - 1.0, "no good", kind="count")
        )
    assert values == sorted(values, reverse=True) or np.allclose(
        values, sorted(values, reverse=True), rtol=1e-6
    )


@given(st.integers(0, 10_000))
@examples(15)
def test_the_bound_curve_bounds_every_plan(seed: int) -> None:
    engine = PriceOut(compiled_of(24, seed))
    budgets = [6e9, 20e9, 9e9, 14e9]
    curve = engine.bound_curve("budget", budgets)
    sign = 1.0 if engine.compiled.problem.maximize else -1.0
    for budget, bound in zip(budgets, curve, strict=True):
        best = oracle(compiled_of(24, seed, budget_usd=budget))
        if best is not None:
            assert sign * bound >= sign * best - 1e-6 * abs(best)
    loose, tight = curve[1], curve[0]
    assert sign * loose >= sign * tight - 1e-6 * abs(loose)


def test_bounds_that_cannot_be_moved_are_refused() -> None:
    limits = (ss.Average("water", "water", at_most=2.5),)
    engine = PriceOut(compiled_of(24, 1, limits=limits))
    for name in ("water", "budgett"):
        with pytest.raises(ss.StudyError):
            engine.with_row_bounds(name, upper=1.0)
    limits = (ss.Spread("states", by="state", max_share=0.5),)
    engine = PriceOut(compiled_of(24, 1, limits=limits, power_mw=(900.0, 900.0)))
    with pytest.raises(ss.StudyError):
        engine.with_row_bounds("power", lower=800, upper=800)


def shared(n: int, seed: int, regime: str) -> dict[str, Any]:
    """Return candidates and a request with every kind of shared limit."""
    rng = np.random.default_rng(seed)
    k = n // 10
    substation, county = rng.integers(0, k, n), rng.integers(0, max(4, n // 30), n)
    hard = regime == "hard"
    power_mw = 6000.0 if hard else 3000.0
    sites = gpd.GeoDataFrame(
        {
            "score": 1 / (1 + np.exp(-rng.normal(0.2, 0.6, n))),
            "capacity_mw": 500.0,
            "cost_usd_per_mw": rng.normal(10.5e6, 0.9e6, n),
            "fixed_cost_usd": rng.uniform(20e6, 90e6, n),
            "substation": substation,
            "headroom_mw": rng.gamma(2.0, 220.0, k)[substation],
            "county": county,
            "water": rng.uniform(600, 5000, n),
            "water_available": rng.lognormal(13.7, 0.8, county.max() + 1)[county],
            "state": rng.integers(0, 24, n),
            "carbon": rng.normal(380, 110, n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-120, -72, n), rng.uniform(28, 48, n)),
        crs=4326,
    )
    limits = (
        ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw"),
        ss.Limit("water", per_mw="water", by="county", at_most="water_available"),
        ss.Spread("states", by="state", at_least=16 if hard else 8, max_share=0.2),
        ss.Average("carbon", "carbon", at_most=330.0),
    )
    return {
        "sites": sites,
        "power_mw": (power_mw, power_mw),
        "budget_usd": power_mw * (9.3e6 if hard else 10.5e6),
        "site_mw": [100, 250, 500],
        "max_sites": 40,
        "min_sites": 20 if hard else None,
        "limits": limits,
    }


def same_objective(request: dict[str, Any], gap: float) -> None:
    """Assert that pricing out and the full matrix find the same objective."""
    priced = ss.optimize_sites(**request, method="priceout", gap=gap)
    full = ss.optimize_sites(**request, method="full", gap=gap)
    priced.verify()
    assert priced.status == full.status == "optimal"
    room = 2 * gap * abs(full.objective)
    assert abs(priced.objective - full.objective) <= room
    # Each bound holds for the plan of the other.
    assert priced.bound >= full.objective - 1e-6
    assert full.bound >= priced.objective - 1e-6


@pytest.mark.parametrize("regime", ["default", "hard"])
def test_a_thousand_candidates_as_the_full_matrix(regime: str) -> None:
    same_objective(shared(1000, 0, regime), 1e-4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [0, 1])
def test_ten_thousand_candidates_as_the_full_matrix(seed: int) -> None:
    same_objective(shared(10_000, seed, "default"), 1e-4)


@pytest.mark.soak
def test_ten_thousand_hard_candidates_are_proven() -> None:
    plan = ss.optimize_sites(**shared(10_000, 0, "hard"), method="priceout")
    plan.verify()
    assert plan.gap <= 1e-3


def test_a_core_that_stays_large_keeps_plan_and_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(priceout, "LARGEST_CORE", 40)
    monkeypatch.setattr(priceout, "FIRST_CORE", 30)
    request = shared(1000, 0, "default")
    lines: list[str] = []
    plan = ss.optimize_sites(**request, method="priceout", progress=lines.append)
    plan.verify()
    assert any("left open" in line for line in lines)
    assert plan.status == "feasible"
    assert plan.gap > 1e-4
    best = ss.optimize_sites(**request, gap=1e-4)
    assert plan.objective <= best.bound + 1e-6
    assert plan.bound >= best.objective - 1e-6


@pytest.mark.parametrize("regime", ["default", "hard"])
def test_the_relaxation_alone_leads_to_a_plan_where_time_is_short(
    regime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No greedy order finds a plan, and the time is up after the first one.
    monkeypatch.setattr(incumbents, "greedy", lambda *args: None)
    monkeypatch.setattr(
        PriceOut, "close", lambda self, goal, priced, *args: ("", priced.bound, "", 0)
    )
    compiled = compile_problem(Request(**shared(1000, 1, regime)))
    assert PriceOut(compiled).solve().x is None
    found = PriceOut(compiled).solve(deadline=time.perf_counter() + 30)
    assert found.x is not None
    assert PriceOut(compiled).is_feasible(found.x)
    assert 0 <= found.bound - found.objective <= 0.05 * abs(found.objective)


@given(st.integers(0, 10_000))
@examples(25)
def test_rounded_rows_cut_off_no_whole_plan(seed: int) -> None:
    rng = np.random.default_rng(seed)
    compiled = compiled_of(16, seed, site_mw=[100, 200, 300])
    engine = PriceOut(compiled)
    found = engine.solve(gap=0.5)
    if found.x is None:
        return
    # Any point of the relaxation may be handed in; here, drawn ones.
    for _ in range(5):
        x = np.where(engine.upper > 0, rng.uniform(0, 1, engine.n), 0.0)
        cuts = presolve.rounding_cuts(
            engine.linked, engine._by_column, engine.can_round, x, set()
        )
        assert (cuts.matrix @ found.x <= cuts.upper + 1e-9).all()
        if len(cuts):
            assert (cuts.matrix @ x > cuts.upper).all()


@given(st.integers(0, 2**32))
@examples(80)
def test_rounded_rows_keep_every_choice_that_just_fits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    sizes = rng.choice([40.0, 50.0, 100.0, 300.0, 130 / 3], int(rng.integers(1, 4)))
    a = rng.choice(sizes, n) / rng.choice([1.0, 1000.0, 1300.0, 1440.0, 7.0])
    every = np.array(list(itertools.product([0.0, 1.0], repeat=n)))
    # What one choice needs: others of the same size need a rounding more or less.
    most = float((every @ a)[rng.integers(1, len(every))])
    rows = Rows.make(sparse.csr_array(a[None, :]), -np.inf, most, "row")
    fits = every[every @ a <= most * (1 + 1e-12)]
    for _ in range(4):
        x = rng.choice([0.0, 0.3, 0.5, 2 / 3, 0.9, 1.0], n)
        cuts = presolve.rounding_cuts(
            rows, sparse.csc_array(rows.matrix), np.array([True]), x, set()
        )
        if len(cuts):
            assert (fits @ cuts.matrix.T <= cuts.upper).all()


@given(st.integers(0, 10_000))
@examples(25)
def test_conclusions_from_rows_lose_no_plan(seed: int) -> None:
    # The best plan of the full matrix survives every preparation step.
    compiled = compiled_of(14, seed)
    found = second_opinion(compiled.problem, compiled.full_rows(), EXACT)
    engine = PriceOut(compiled)
    if found.x is None:
        return
    x = found.x.copy()
    whole = compiled.problem.integrality
    x[whole] = np.round(x[whole])
    assert engine.is_feasible(x, tol=1e-6)
    # Rows that nothing can break are left out of a core; here, of all columns.
    rows = compiled.rows
    kept = presolve.can_bind(rows, compiled.problem, engine.upper)
    rng = np.random.default_rng(seed)
    for share in rng.random(20):
        drawn = np.where(rng.random(engine.n) < share, x, 0.0)
        used = rows.matrix @ drawn
        assert (used[~kept] <= rows.upper[~kept] + 1e-6).all()


def test_a_derived_engine_shares_its_matrix() -> None:
    engine = PriceOut(compiled_of(40, 1))
    engine.solve()
    for other in (
        engine.with_row_bounds("budget", upper=9e9),
        engine.with_sites(forbidden=[0, 1]),
        engine.with_rows(Rows.empty(engine.n)),
    ):
        assert other.linked.matrix is engine.linked.matrix
        assert other.duals is not None


def test_the_same_program_gives_the_same_bytes() -> None:
    request = shared(1000, 3, "hard")
    one, two = (ss.optimize_sites(**request, method="priceout") for _ in range(2))
    assert one.sites.equals(two.sites)
    assert (one.objective, one.bound) == (two.objective, two.bound)
