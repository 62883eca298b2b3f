"""Sites that may fall through."""

from __future__ import annotations

import itertools
import random
from statistics import NormalDist
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import (
    agree,
    candidates,
    claims,
    compiled,
    refused,
    rows_of,
    says,
    three,
)
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import InfeasiblePlanError, LayerError, StudyError
from siteselect.optimization.chance import exact_probability, simulated_probability

INF = np.inf


def at_least_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    mw = rng.choice([50.0, 100.0, 150.0, 200.0])
    probability = rng.choice([0.0, 0.5, 0.7, 0.9, 1.0])
    limit = opt.AtLeast(
        mw,
        probability,
        common=rng.choice([None, "substation"]),
        scenarios=rng.choice([1, 7, 20]),
        rng=rng.randrange(100),
    )
    drawn = dict(zip(frame.index, limit.comes_through(frame).tolist(), strict=True))

    def holds(chosen: dict[Any, float]) -> bool:
        met = sum(
            sum(m for x, m in chosen.items() if drawn[x][s]) >= mw - 1e-6
            for s in range(limit.scenarios)
        )
        return met / limit.scenarios >= probability - 1e-9

    agree(frame, limit, holds, [50, 100], rng.choice([300, 400, 500]))


@given(st.integers(0, 2**32))
@examples(20)
def test_at_least_equals_brute_force(seed: int) -> None:
    at_least_agrees(seed)


@pytest.mark.soak
@given(st.integers(0, 2**32))
@examples(150 * SOAK)
def test_soak_at_least(seed: int) -> None:
    at_least_agrees(seed)


def test_one_row_per_scenario_and_one_for_their_share() -> None:
    limit = opt.AtLeast(200, 0.5, scenarios=4)
    found = compiled(three(), limit)
    problem = found.problem
    assert problem.n_columns == 9
    assert problem.integrality[5:].all()
    drawn = limit.comes_through(problem.frame)
    # Stratified: each comes through in half of them.
    assert drawn.sum(axis=1).tolist() == [2, 2, 2]
    w, m, e = drawn.astype(float)
    sizes = np.column_stack([0.1 * w, 0.3 * w, 0.1 * m, 0.1 * e, 0.3 * e])
    rows = rows_of(found, "at least")
    says(
        rows,
        np.vstack(
            [
                np.hstack([sizes, 0.2 * np.eye(4)]),
                [[0, 0, 0, 0, 0, -0.25, -0.25, -0.25, -0.25]],
            ]
        ),
        [0.2] * 4 + [-0.5],
        [INF] * 5,
    )
    assert rows.kind.tolist() == [""] * 4 + ["drawn scenarios"]


def test_a_range_brings_its_rest_too() -> None:
    limit = opt.AtLeast(150, 1, p_success=1, scenarios=1)
    found = compiled(three(), limit, site_mw=(40, 200))
    says(
        rows_of(found, "at least"),
        [[0.04, 0.16, 0.04, 0.06, 0.04, 0.16, 0.15], [0] * 6 + [-1]],
        [0.15, 0],
        [INF, INF],
    )


@given(st.integers(0, 2**32))
@examples(30)
def test_order_labels_and_others_do_not_change_a_draw(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, 6)
    limit = opt.AtLeast(
        100, 0.9, common=rng.choice([None, "substation"]), scenarios=20, rng=seed % 97
    )
    drawn = dict(zip(frame.index, limit.comes_through(frame).tolist(), strict=True))
    turned = frame.sample(frac=1, random_state=seed % 1000)
    again = limit.comes_through(turned.to_crs(5070)).tolist()
    assert dict(zip(turned.index, again, strict=True)) == drawn
    alone = ~frame.geometry.duplicated(keep=False).to_numpy()
    named = frame.set_axis([f"x{k}" for k in rng.sample(range(6), 6)])
    same = limit.comes_through(named)
    assert same[alone].tolist() == [drawn[x] for x in frame.index[alone]]
    fewer = frame[alone].iloc[1:]
    if len(fewer):
        again = limit.comes_through(fewer).tolist()
        assert again == [drawn[x] for x in fewer.index]


def test_seeds_differ_and_sites_are_independent() -> None:
    n = 400
    draw = np.random.default_rng(0)
    places = draw.uniform([-120, 28], [-75, 48], (n, 2))
    frame = gpd.GeoDataFrame(
        {"p_success": np.full(n, 0.5)},
        geometry=gpd.points_from_xy(*places.T),
        crs=4326,
    )
    one, two = (
        opt.AtLeast(1, 0.5, scenarios=200, rng=k).comes_through(frame) for k in (0, 1)
    )
    assert 0.45 < (one == two).mean() < 0.55
    assert (one.sum(axis=1) == 100).all()
    # Correlations of independent rows of 200: about 0.07 each, none over 0.35.
    pairs = np.corrcoef(one.astype(float))[np.triu_indices(n, 1)]
    assert abs(pairs.mean()) < 0.005
    assert 0.06 < pairs.std() < 0.08
    assert abs(pairs).max() < 0.4
    # Nor do scenarios share a fate.
    assert one.mean(axis=0).std() < 0.04


def test_twins_at_one_place_have_fates_of_their_own() -> None:
    frame = pd.concat([three().loc[["w"]]] * 2)
    frame.index = ["a", "b"]
    limit = opt.AtLeast(1, 0.5, scenarios=100)
    first, second = limit.comes_through(frame)
    assert 0.2 < (first == second).mean() < 0.8


def test_a_common_cause_is_one_fate() -> None:
    sites = three().assign(p_success=[0.5, 0.8, 0.5])
    limit = opt.AtLeast(100, 0.5, common="state", scenarios=100)
    w, m, e = limit.comes_through(sites)
    # The surer one of a group comes through whenever the other does.
    assert not (w & ~m).any()
    assert (m.sum(), w.sum()) == (80, 50)
    assert 0.2 < (w == e).mean() < 0.8
    none = pd.Series({"w": None, "m": None, "e": None})
    alone = opt.AtLeast(100, 0.5, common=none).comes_through(three())
    assert (alone == opt.AtLeast(100, 0.5).comes_through(three())).all()
    missing = pd.Series({"w": "A", "m": None, "e": "A"})
    w, m, e = opt.AtLeast(100, 0.5, common=missing).comes_through(three())
    assert (w == e).all()
    assert not (w == m).all()


@given(st.integers(0, 2**32))
@examples(30)
def test_the_exact_probability_is_that_of_all_outcomes(seed: int) -> None:
    rng = random.Random(seed)
    n = rng.randint(0, 6)
    size = np.array([rng.choice([50.0, 100.0, 73.5]) for _ in range(n)])
    p = np.array([rng.choice([0.0, 0.2, 0.7, 1.0]) for _ in range(n)])
    fate = np.array([rng.randrange(3) for _ in range(n)], dtype=np.int64)
    needed = rng.choice([0.0, 60.0, 150.0, 200.0])
    # Every fate is a uniform number; between two probabilities nothing changes.
    cuts = sorted({0.0, 1.0, *p.tolist()})
    total = 0.0
    for cells in itertools.product(itertools.pairwise(cuts), repeat=3):
        weight = np.prod([b - a for a, b in cells])
        carried = sum(
            s for s, q, f in zip(size, p, fate, strict=True) if cells[f][0] < q
        )
        total += weight * (carried >= needed)
    exact = exact_probability(size, p, fate, needed)
    assert exact == pytest.approx(total, abs=1e-9)
    low, middle, high = simulated_probability(
        size, p, fate, needed, np.random.default_rng(seed)
    )
    assert low <= middle <= high
    # Four standard errors: once in 16,000 draws.
    error = np.sqrt(max(0.0, total * (1 - total)) / 20_000)
    assert abs(middle - total) < 4 * error + 1e-9


def test_many_different_sums_are_left_to_the_simulation() -> None:
    size = 100 + np.sqrt(np.arange(2.0, 32.0))
    p, fate = np.full(30, 0.5), np.arange(30)
    assert exact_probability(size, p, fate, 1500.0) is None
    grid = np.full(200, 50.0)
    found = exact_probability(grid, np.full(200, 0.5), np.arange(200), 5000.0)
    assert found == pytest.approx(0.5281742, abs=1e-7)  # binomial, 100 or more of 200


def test_the_accounts_tell_the_true_probability() -> None:
    sites = three().assign(p_success=0.9)
    limit = opt.AtLeast(200, 0.97, scenarios=100)
    plan = opt.optimize_sites(sites, site_mw=[100], limits=[limit])
    assert len(plan.sites) == 3
    table = plan.limits.set_index("kind")
    # Two or three of three: 3 x 0.81 x 0.1 + 0.729.
    assert table.at["exact probability", "used"] == pytest.approx(0.972)
    low, high = (table.at[f"simulated, 95 % {x}", "used"] for x in ("from", "to"))
    assert low < table.at["simulated probability", "used"] < high
    assert low == pytest.approx(0.972, abs=0.01)
    assert not table.loc[
        ["exact probability", "simulated probability"], "binding"
    ].any()
    assert table.at["drawn scenarios", "used"] >= 0.97
    plan.verify()


def test_verify_counts_the_scenarios_again() -> None:
    limit = opt.AtLeast(200, 0.9, p_success=0.9, name="rule")
    refused(three(), ["w", "m"], limit)
    claims(three(), ["w", "m", "e"], limit).verify()


def test_more_options_are_held_than_needed() -> None:
    rng = random.Random(3)
    frame = candidates(rng, 8).assign(p_success=0.6, capacity_mw=100.0)
    counts = []
    for probability in (0.0, 0.5, 0.9):
        limit = opt.AtLeast(200, probability, scenarios=50)
        plan = opt.optimize_sites(
            frame.assign(score=-0.1), site_mw=[100], limits=[limit]
        )
        plan.verify()
        counts.append(len(plan.sites))
    assert counts[0] == 0
    assert 2 < counts[1] < counts[2]


def test_a_probability_out_of_reach_is_infeasible_by_name() -> None:
    limit = opt.AtLeast(300, 0.9, name="arrive")
    with pytest.raises(InfeasiblePlanError) as raised:
        opt.optimize_sites(three(), site_mw=[100], limits=[limit])
    assert raised.value.conflicts == ("arrive",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mw": -1}, "negative"),
        ({"mw": float("inf")}, "finite number"),
        ({"probability": 90}, "0.9"),
        ({"probability": -0.1}, "outside"),
        ({"scenarios": 0}, "below 1"),
        ({"scenarios": 2.5}, "not whole"),
        ({"rng": -1}, "below 0"),
        ({"rng": None}, "finite number"),
        ({"name": ""}, "by name"),
    ],
)
def test_bad_chances_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        opt.AtLeast(**{"mw": 100, "probability": 0.9, **change})


@pytest.mark.parametrize(
    ("p_success", "said"),
    [
        ([0.5, np.nan, 0.5], "missing"),
        ([0.5, 1.5, 0.5], "'m' 1.5"),
        ([0.5, -0.1, 0.5], "outside 0 to 1"),
        (["a", "b", "c"], "numbers"),
    ],
)
def test_bad_probabilities_are_refused(p_success: Any, said: str) -> None:
    with pytest.raises((StudyError, LayerError), match=said):
        compiled(three().assign(p_success=p_success), opt.AtLeast(100, 0.9))


def test_unknown_columns_are_refused() -> None:
    with pytest.raises(StudyError, match="Did you mean 'p_success'"):
        compiled(three(), opt.AtLeast(100, 0.9, p_success="p_sucess"))
    with pytest.raises(StudyError, match="Did you mean 'state'"):
        compiled(three(), opt.AtLeast(100, 0.9, common="stat"))


@given(st.integers(0, 2**32))
@examples(40)
def test_what_a_guide_lets_pass_arrives_under_a_normal_law(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, 6)
    frame["p_success"] = [rng.choice([0.3, 0.5, 0.9, 1.0]) for _ in range(6)]
    probability = rng.choice([0.6, 0.9, 0.99])
    mw = rng.uniform(50, 250)
    limit = opt.AtLeast(mw, probability)
    problem = compiled(frame, limit, site_mw=[50, 100], power_mw=600).problem
    z = NormalDist().inv_cdf(probability)
    p = problem.frame["p_success"].to_numpy()[problem.column_site]
    passed = 0
    for guide in limit.guides(problem):
        rows = guide(1.0)
        (row,) = rows.matrix.toarray()
        for _ in range(50):
            x = np.array([rng.random() < 0.5 for _ in row], dtype=float)
            if row @ x < rows.lower[0]:
                continue
            passed += 1
            mean = float(p * problem.column_mw @ x)
            deviation = float(p * (1 - p) * problem.column_mw**2 @ x) ** 0.5
            assert mean - z * deviation >= mw - 1e-6
    assert passed or mw > 100


def test_megawatts_that_hardly_arrive_get_a_plan_and_a_certificate() -> None:
    rng = np.random.default_rng(0)
    n = 3000
    frame = gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.4, 1, n).round(3),
            "capacity_mw": 600.0,
            "cost_usd_per_mw": rng.uniform(8, 14, n).round(2) * 1e6,
            "fixed_cost_usd": 50e6,
            "p_success": rng.choice([0.5, 0.7, 0.9], n),
        },
        geometry=gpd.points_from_xy(rng.uniform(0, 9e5, n), rng.uniform(0, 9e5, n)),
        crs=5070,
    )
    plan = opt.optimize_sites(
        frame,
        power_mw=5000,
        site_mw=[100, 250, 500],
        budget_usd=60e9,
        limits=[opt.AtLeast(4000, 0.9)],
        gap=0.01,
    )
    assert plan.status in ("optimal", "feasible")
    assert plan.gap <= 0.01
    plan.verify()
