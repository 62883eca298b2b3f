"""Splitting a total that comes in whole numbers loses no plan and proves more."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss
from siteselect.optimization import branching, priceout, shared_core
from siteselect.optimization.priceout import PriceOut
from siteselect.optimization.problem import Rows


def sites(seed: int, n: int = 60) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(-104, -94, n), rng.uniform(29, 37, n)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.5, 1.0, n).round(3),
            "capacity_mw": rng.choice([100.0, 200.0, 300.0], n),
            "cost_usd_per_mw": rng.uniform(7e6, 12e6, n).round(-3),
            "fixed_cost_usd": rng.uniform(0, 6e7, n).round(-3),
            "state": ((lon + 104) // 3).astype(int).astype(str),
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )


#: Requests whose relaxation breaks the total of power, or the number of sites.
REQUESTS = {
    "budget": {"power_mw": (500, 2000), "budget_usd": 1.23e10, "site_mw": [100, 300]},
    "cost": {"power_mw": (950, None), "objective": "cost", "site_mw": [100, 200]},
    "spacing": {
        "power_mw": (500, 1500), "budget_usd": 8.7e9, "site_mw": [100, 200],
        "min_spacing_km": 120,
    },
    "years": {
        "power_mw": {2027: (300, 800), 2029: (900, 1600)},
        "budget_usd": {2027: 5.3e9, 2029: 6.1e9}, "site_mw": [100, 200],
    },
    "range": {"power_mw": (0, 1500), "budget_usd": 8.7e9, "site_mw": (150, 300)},
    "states": {
        "power_mw": (500, 2000), "budget_usd": 9.9e9, "site_mw": [150, 250],
        "limits": [ss.Spread("three states", "state", at_least=3)],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_split_programs_give_the_optimum_of_the_whole_matrix(name, monkeypatch):
    done = []
    real = branching._both

    def counted(halves, *rest):
        done.append(len(halves))
        return real(halves, *rest)

    monkeypatch.setattr(branching, "_both", counted)
    # Every broken total is split, also where it brings nothing, and before a search.
    monkeypatch.setattr(branching, "USEFUL", 0.0)
    monkeypatch.setattr(priceout, "FAR_GAPS", -1.0)
    for seed in range(8):
        # Full models of several years take long.
        frame = sites(seed, 14 if name == "years" else 60)
        request = {**REQUESTS[name], "gap": 1e-10}
        split = ss.optimize_sites(frame, **request, method="priceout")
        whole = ss.optimize_sites(frame, **request, method="full")
        assert split.objective == pytest.approx(whole.objective, rel=1e-9)
        assert split.status == "optimal"
        split.verify()
    # Of sizes in between, the first search finds the optimum: nothing is left to split.
    assert len(done) >= 2 or name == "range"


@pytest.mark.parametrize("name", ["budget", "range", "states"])
def test_the_better_half_holds_the_optimum(name, monkeypatch):
    monkeypatch.setattr(branching, "USEFUL", 0.0)
    split = 0
    for seed in range(4):
        request = {**REQUESTS[name], "gap": 1e-10}
        whole = ss.optimize_sites(sites(seed), **request, method="full")
        asked = PriceOut(whole.compiled)
        goal = whole.compiled.problem.objective
        _, x, priced = asked.relax(goal)
        parts = branching.halves(asked, goal, x, priced.bound, -np.inf)
        if parts is None:
            continue
        split += 1
        best = [half.solve(goal, gap=1e-10) for _, half in parts]
        assert max(one.objective for one in best) == pytest.approx(whole.objective)
        for (bound, _), one in zip(parts, best, strict=True):
            assert one.objective <= bound * (1 + 1e-9)
    assert split >= 2


@pytest.mark.parametrize(
    "name",
    [
        "budget",
        pytest.param("spacing", marks=pytest.mark.soak),
        pytest.param("states", marks=pytest.mark.soak),
    ],
)
def test_split_programs_share_the_solves_after_the_plan(name, monkeypatch):
    """The next best plans, and what each site is worth, with and without halves."""
    made = []
    real = branching.halves

    def counted(*given):
        made.append(real(*given))
        return made[-1]

    monkeypatch.setattr(branching, "halves", counted)
    monkeypatch.setattr(branching, "USEFUL", 0.0)
    for seed in range(3):
        plan = ss.optimize_sites(sites(seed), **REQUESTS[name], gap=0.0)
        told = []
        for far in (0.0, np.inf):
            monkeypatch.setattr(shared_core, "FAR_GAPS", far)
            values = [other.objective for other in plan.alternatives(5)]
            told.append((values, plan.importance()["loss"].sort_index()))
        assert told[0][0] == pytest.approx(told[1][0], rel=1e-9)
        assert told[0][1].to_numpy() == pytest.approx(told[1][1].to_numpy(), abs=1e-6)
    assert sum(one is not None for one in made) >= 3


def engine(**request) -> PriceOut:
    return PriceOut(ss.optimize_sites(sites(0), **request).compiled)


def test_totals_are_modules_and_sites():
    asked = engine(power_mw=(500, 1000), site_mw=[150, 250])
    modules, counted = branching.totals(asked)
    mw = asked.compiled.problem.column_mw
    assert np.allclose(modules * 50, mw)
    assert set(counted) == {1.0}


def test_sizes_in_between_leave_only_the_number_of_sites():
    asked = engine(power_mw=(500, 1000), site_mw=(150, 250))
    (counted,) = branching.totals(asked)
    assert counted.sum() == asked.compiled.problem.column_opens.sum()


def test_each_year_has_a_total():
    asked = engine(power_mw={2027: (300, 800), 2029: (900, 1600)}, site_mw=[100, 200])
    assert len(branching.totals(asked)) == 3


def test_odd_sizes_have_a_small_module():
    modules, _ = branching.totals(engine(power_mw=(500, 1000), site_mw=[100, 133.5]))
    assert {0.0, 200.0, 267.0} >= set(np.unique(modules))


def test_what_no_plan_reaches_is_told_by_the_relaxation():
    asked = engine(power_mw=(500, 1000), site_mw=[100])
    modules = branching.totals(asked)[0].reshape(1, -1)

    def is_out(low, high):
        half = asked.with_rows(Rows.make(modules, low, high, ""))
        status, _, _ = half.relax(asked.compiled.problem.objective)
        return status == "infeasible"

    assert is_out(12.0, np.inf)
    assert not is_out(9.0, np.inf)
    assert is_out(-np.inf, 3.0)
    assert not is_out(-np.inf, 6.0)


def test_infeasible_is_said_only_where_the_sum_proves_it(monkeypatch):
    asked = engine(power_mw=(500, 1000), site_mw=[100])
    modules = branching.totals(asked)[0].reshape(1, -1)
    half = asked.with_rows(Rows.make(modules, 12.0, np.inf, ""))
    real = priceout.price

    def wrong(owner, objective, duals):
        """Price as if the solver had answered with duals that prove nothing."""
        return real(owner, objective, 0.0 * duals)

    monkeypatch.setattr(priceout, "price", wrong)
    monkeypatch.setattr(
        PriceOut, "improving", lambda self, priced, master: np.zeros(0, dtype=np.int64)
    )
    status, _, _ = half.relax(asked.compiled.problem.objective)
    assert status == "unknown"
