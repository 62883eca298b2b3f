"""Engines that are derived from another agree with a program compiled anew."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from strategies import examples

import siteselect as ss
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
@examples(40)
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
@examples(30)
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
@examples(20)
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
