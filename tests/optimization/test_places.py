"""Published optima are reached, and spopt is equalled where it proves its answer."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import floyd_warshall
from strategies import examples

from siteselect.errors import StudyError
from siteselect.optimization import (
    Covered,
    MaxDistance,
    MaxMinDistance,
    MeanDistance,
    ServeCost,
    optimize_sites,
)
from siteselect.optimization.dispersion import (
    conflict_cliques,
    disperse,
    least_distance,
)
from siteselect.optimization.median import (
    center_value,
    cover_all,
    median_value,
    p_center,
    p_median,
)

# Network pmed1 of the OR-Library (J. E. Beasley, "A note on solving large p-median
# problems", European Journal of Operational Research 21 (1985) 270-273): edges
# 1-2, 2-3, ..., 100-1, then the others. Of two edges between the same vertices the
# later one counts, as the library says.
PMED1_RING = """
30 46 1 28 31 69 39 14 84 59 10 28 63 9 100 98 70 94 22 14 87 82 55 2 32 77 95 29 59
91 89 50 40 88 94 60 21 89 47 63 45 46 24 77 60 45 50 93 22 84 16 85 68 93 37 26 29
38 10 32 67 66 52 19 39 12 86 72 73 65 2 8 96 43 39 61 90 8 58 91 58 13 79 59 28 46
24 63 81 14 52 64 75 71 51 75 57 31 49 88
"""
PMED1_CHORDS = """
80 5 90, 85 69 51, 20 19 30, 85 13 22, 81 95 54, 58 73 37, 64 51 89, 39 76 89, 13 8
77, 91 76 51, 52 95 96, 91 75 33, 80 91 84, 35 80 46, 54 86 35, 30 70 5, 19 7 9, 74
53 50, 11 37 4, 19 92 70, 62 94 96, 60 52 34, 24 59 63, 42 45 68, 19 60 53, 60 27
86, 15 50 31, 38 18 27, 81 30 99, 1 29 6, 22 52 11, 54 59 75, 5 7 8, 41 44 80, 41 76
42, 44 12 56, 61 65 73, 20 93 35, 9 99 28, 45 68 19, 16 79 96, 13 42 3, 68 4 28, 58
17 60, 21 81 34, 35 7 7, 21 14 82, 26 32 26, 6 63 83, 31 69 53, 91 78 32, 45 59 33,
42 57 5, 8 53 66, 65 94 61, 94 90 63, 73 33 88, 39 21 59, 42 85 34, 30 57 37, 34 94
52, 62 38 56, 26 29 20, 48 98 53, 4 33 45, 31 63 82, 8 52 31, 37 81 14, 50 27 16, 27
14 48, 88 33 8, 56 30 76, 87 91 17, 33 49 77, 70 30 74, 25 99 19, 95 30 96, 14 85
90, 49 8 96, 96 5 87, 73 4 41, 99 32 35, 95 1 31, 99 3 49, 18 75 100, 58 47 68, 35
60 5, 38 16 70, 54 40 52, 95 55 47, 54 17 45, 9 83 75, 97 66 81, 9 48 92, 90 95 96,
4 27 27, 75 22 48, 62 7 55, 79 3 57, 15 69 46
"""
#: Optima for p = 5: p-median from the library's list pmedopt; p-center as in
#: H. Çalik, B. C. Tansel, "Double bound method for solving the p-center location
#: problem", Computers & Operations Research 40 (2013) 2991-2999.
PMED1_MEDIAN, PMED1_CENTER = 5819, 127

# "Maximum Dispersion", Yet Another Math Programming Consultant, 30 June 2019: 50
# points, three decimals. Best least distance of ten of them: 3.2049493,
# "Dispersion", sysid.github.io, 21 June 2020.
DISPERSION_POINTS = """
1.717 8.433, 5.504 3.011, 2.922 2.241, 3.498 8.563, 0.671 5.002, 9.981 5.787, 9.911
7.623, 1.307 6.397, 1.595 2.501, 6.689 4.354, 3.597 3.514, 1.315 1.501, 5.891 8.309,
2.308 6.657, 7.759 3.037, 1.105 5.024, 1.602 8.725, 2.651 2.858, 5.940 7.227, 6.282
4.638, 4.133 1.177, 3.142 0.466, 3.386 1.821, 6.457 5.607, 7.700 2.978, 6.611 7.558,
6.274 2.839, 0.864 1.025, 6.413 5.453, 0.315 7.924, 0.728 1.757, 5.256 7.502, 1.781
0.341, 5.851 6.212, 3.894 3.587, 2.430 2.464, 1.305 9.334, 3.799 7.834, 3.000 1.255,
7.489 0.692, 2.020 0.051, 2.696 4.999, 1.513 1.742, 3.306 3.169, 3.221 9.640, 9.936
3.699, 3.729 7.720, 3.967 9.131, 1.196 7.355, 0.554 5.763
"""
DISPERSION_BEST = 3.2049493


def anywhere(n: int, **columns: Any) -> gpd.GeoDataFrame:
    """Places whose distances are given by a matrix, not by where they are."""
    return gpd.GeoDataFrame(
        columns, geometry=gpd.points_from_xy(np.arange(n) / 10.0, [0.0] * n), crs=4326
    )


def pmed1() -> pd.DataFrame:
    length = np.full((100, 100), np.inf)
    ring = [int(x) for x in PMED1_RING.split()]
    edges = [(k + 1, (k + 1) % 100 + 1, c) for k, c in enumerate(ring)]
    edges += [tuple(map(int, e.split())) for e in PMED1_CHORDS.split(",")]  # type: ignore[misc]
    assert len(edges) == 200
    for a, b, c in edges:
        length[a - 1, b - 1] = length[b - 1, a - 1] = c
    return pd.DataFrame(floyd_warshall(length))


def test_p_median_of_pmed1_beasley_1985() -> None:
    way = pmed1()
    places = anywhere(100)
    plan = optimize_sites(
        places,
        site_mw=1,
        max_sites=5,
        objective=MeanDistance(places, distance=way, unit="length"),
        gap=1e-7,
    )
    assert plan.objective * 100 == pytest.approx(PMED1_MEDIAN, abs=1e-6)
    assert plan.bound * 100 == pytest.approx(PMED1_MEDIAN, abs=1e-3)
    assert plan.status == "optimal"
    plan.verify()


def test_p_center_of_pmed1_calik_tansel_2013() -> None:
    way = pmed1()
    places = anywhere(100)
    plan = optimize_sites(
        places,
        site_mw=1,
        max_sites=5,
        objective=MaxDistance(places, distance=way, unit="length"),
    )
    assert plan.objective == plan.bound == PMED1_CENTER
    plan.verify()


def test_p_dispersion_of_fifty_published_points() -> None:
    at = np.array([[float(x) for x in p.split()] for p in DISPERSION_POINTS.split(",")])
    assert at.shape == (50, 2)
    away = pd.DataFrame(np.linalg.norm(at[:, None] - at[None], axis=2))
    plan = optimize_sites(
        anywhere(50), site_mw=1, min_sites=10, objective=MaxMinDistance(distance=away)
    )
    assert plan.objective == pytest.approx(DISPERSION_BEST, abs=5e-8)
    assert plan.bound == plan.objective
    plan.verify()


def serving(
    demand: list[float], fixed: list[float], capacity: list[float], cost: Any
) -> Any:
    """Solve a published facility location problem through the front door."""
    sites = anywhere(len(fixed), fixed_cost_usd=fixed, capacity_mw=capacity)
    who = anywhere(len(demand), need=demand)
    plan = optimize_sites(
        sites,
        site_mw=sorted(set(capacity)),
        objective=ServeCost(
            who, mw="need", cost=pd.DataFrame(cost, sites.index, who.index)
        ),
        gap=1e-7,
    )
    assert plan.status == "optimal"
    plan.verify()
    return plan


def test_capacitated_facilities_of_pedroso_kubo_2012() -> None:
    # J. P. Pedroso, A. Rais, M. Kubo, M. Muramatsu, "Mathematical Optimization:
    # Solving Problems using SCIP and Python", capacitated facility location: sites 2
    # and 3 at a total cost of 5,610.
    plan = serving(
        [80, 270, 250, 160, 180],
        [1000.0] * 3,
        [500.0] * 3,
        [[4, 5, 6, 8, 10], [6, 4, 3, 5, 8], [9, 7, 4, 3, 4]],
    )
    assert plan.objective == pytest.approx(5610, rel=1e-9)
    assert sorted(plan.sites.index) == [1, 2]


def test_capacitated_facilities_of_the_gurobi_example() -> None:
    # Gurobi Optimizer example "facility", after Frontline Systems: five plants, four
    # warehouses, all but the third stay open, total cost 210,500.
    plan = serving(
        [15, 18, 14, 20],
        [12000.0, 15000.0, 17000.0, 13000.0, 16000.0],
        [20.0, 22.0, 17.0, 19.0, 18.0],
        np.transpose(
            [
                [4000, 2000, 3000, 2500, 4500],
                [2500, 2600, 3400, 3000, 4000],
                [1200, 1800, 2600, 4100, 3000],
                [2200, 2600, 3100, 3700, 3200],
            ]
        ),
    )
    assert plan.objective == pytest.approx(210_500, rel=1e-9)
    assert sorted(plan.sites.index) == [0, 1, 3, 4]


# ------------------------------------------------------------- against brute force


@st.composite
def matrices(draw: Any, square: bool = False) -> Any:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = int(rng.integers(2, 10))
    m = n if square else int(rng.integers(1, 10))
    table = rng.random((m, n)) if rng.random() < 0.5 else rng.integers(0, 8, (m, n))
    p = int(rng.integers(2 if square else 1, n + 1))
    kept = rng.choice(n, int(rng.integers(0, min(3, p + 1))), replace=False)
    return np.asarray(table, dtype=float), p, np.sort(kept).astype(np.int64)


def every(n: int, p: int, kept: Any) -> Any:
    for chosen in itertools.combinations(range(n), p):
        if set(kept.tolist()) <= set(chosen):
            yield np.array(chosen)


@given(matrices(square=True))
@examples(150)
def test_dispersion_equals_brute_force(instance: Any) -> None:
    table, p, kept = instance
    table = np.triu(table, 1) + np.triu(table, 1).T
    best = max(least_distance(table, c) for c in every(len(table), p, kept))
    found = disperse(table, p, fixed=kept)
    assert found.distance == best == found.bound
    assert least_distance(table, found.chosen) == best
    assert set(kept) <= set(found.chosen)
    assert len(set(found.chosen.tolist())) == p


@given(matrices())
@examples(150)
def test_median_equals_brute_force(instance: Any) -> None:
    table, p, kept = instance
    best = min(median_value(table, c) for c in every(table.shape[1], p, kept))
    found = p_median(table, p, fixed=kept)
    assert found.value == pytest.approx(best, abs=1e-9)
    assert found.bound == pytest.approx(best, abs=1e-7)
    assert found.bound <= found.value
    assert set(kept) <= set(found.chosen)
    assert len(set(found.chosen.tolist())) == p


@given(matrices())
@examples(150)
def test_center_equals_brute_force(instance: Any) -> None:
    table, p, kept = instance
    best = min(center_value(table, c) for c in every(table.shape[1], p, kept))
    found = p_center(table, p, fixed=kept)
    assert found.value == found.bound == best == center_value(table, found.chosen)
    assert set(kept) <= set(found.chosen)
    assert len(set(found.chosen.tolist())) == p


@given(matrices())
@examples(100)
def test_covering_equals_brute_force(instance: Any) -> None:
    table, p, kept = instance
    reached = table < np.median(table)
    there = any(reached[:, c].any(axis=1).all() for c in every(len(table.T), p, kept))
    found, known = cover_all(reached, p, kept)
    assert known
    assert (found is not None) == there
    if found is not None:
        assert reached[:, found].any(axis=1).all()


@given(matrices(square=True))
@examples(100)
def test_cliques_say_what_the_pairs_say(instance: Any) -> None:
    table = instance[0]
    close = np.triu(table < np.median(table), 1)
    close |= close.T
    covered = np.zeros_like(close)
    for clique in conflict_cliques(close):
        among = np.ix_(clique, clique)
        assert (close[among] | np.eye(clique.size, dtype=bool)).all()
        covered[among] = True
    np.fill_diagonal(covered, False)
    assert (covered == close).all()


def test_larger_dispersion_is_proven() -> None:
    at = np.random.default_rng(3).random((300, 2))
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    found = disperse(away, 10)
    assert found.bound == found.distance == least_distance(away, found.chosen)


def test_a_deadline_leaves_a_choice_and_a_bound() -> None:
    at = np.random.default_rng(3).random((60, 2))
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    early = p_median(away, 6, deadline=0.0)
    best = p_median(away, 6)
    assert early.bound <= best.value + 1e-9
    assert early.value >= best.value - 1e-9
    early_center, best_center = p_center(away, 6, deadline=0.0), p_center(away, 6)
    assert early_center.bound <= best_center.value <= early_center.value


# --------------------------------------------------------------------- against spopt


@pytest.fixture(scope="module")
def spopt() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("spopt.locate")


def solved_by_spopt(problem: Any) -> float:
    import pulp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = problem.solve(pulp.HiGHS(msg=False, gapRel=0.0))
    assert pulp.LpStatus[done.problem.status] == "Optimal"
    return float(done.problem.objective.value())


def random_places(seed: int, n: int, m: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    at, who = rng.random((n, 2)) * 100, rng.random((m, 2)) * 100
    away = np.linalg.norm(who[:, None] - at[None], axis=2)
    weight = rng.integers(1, 50, m)
    sites, demand = anywhere(n), anywhere(m, people=weight)
    return sites, demand, pd.DataFrame(away.T, sites.index, demand.index)


@pytest.mark.parametrize("seed", range(4))
def test_equals_spopt_p_median(spopt: Any, seed: int) -> None:
    sites, demand, away = random_places(seed, 25, 40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = spopt.PMedian.from_cost_matrix(
            away.to_numpy().T, demand["people"].to_numpy(), p_facilities=4
        )
    total = solved_by_spopt(other)
    plan = optimize_sites(
        sites,
        site_mw=1,
        max_sites=4,
        objective=MeanDistance(demand, weight="people", distance=away),
        gap=1e-7,
    )
    assert plan.objective * demand["people"].sum() == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_equals_spopt_p_center(spopt: Any, seed: int) -> None:
    sites, demand, away = random_places(seed, 20, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = spopt.PCenter.from_cost_matrix(away.to_numpy().T, p_facilities=4)
    plan = optimize_sites(
        sites, site_mw=1, max_sites=4, objective=MaxDistance(demand, distance=away)
    )
    assert plan.objective == pytest.approx(solved_by_spopt(other), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_equals_spopt_mclp(spopt: Any, seed: int) -> None:
    sites, demand, away = random_places(seed, 25, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = spopt.MCLP.from_cost_matrix(
            away.to_numpy().T, demand["people"].to_numpy(), 18.0, p_facilities=4
        )
    plan = optimize_sites(
        sites,
        site_mw=1,
        max_sites=4,
        objective=Covered(demand, weight="people", km=18, distance=away),
        gap=1e-7,
    )
    covered = plan.objective * demand["people"].sum()
    assert covered == pytest.approx(abs(solved_by_spopt(other)), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_equals_spopt_p_dispersion(spopt: Any, seed: int) -> None:
    at = np.random.default_rng(seed).random((25, 2)) * 100
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = spopt.PDispersion.from_cost_matrix(away, p_facilities=5)
    plan = optimize_sites(
        anywhere(25),
        site_mw=1,
        min_sites=5,
        objective=MaxMinDistance(distance=pd.DataFrame(away)),
    )
    # Its big-M rows leave it a little off.
    assert plan.objective == pytest.approx(solved_by_spopt(other), rel=1e-4)


# ------------------------------------------------------------------------ bad input


SITES = anywhere(4)
BAD = {
    "takes two": lambda: optimize_sites(SITES, site_mw=1, objective=MaxMinDistance()),
    "km and ms are both missing": lambda: Covered(SITES),
    "km and ms are both given": lambda: Covered(SITES, km=1, ms=1),
    "cost and usd_per_mw_km are both": lambda: ServeCost(SITES, mw=1),
    "is negative": lambda: ServeCost(SITES, mw=1, usd_per_mw_km=-1),
    "no such column": lambda: MeanDistance(SITES, weight="people"),
    "needs a demand layer": lambda: MeanDistance(None),
    "lacks site": lambda: optimize_sites(
        SITES,
        site_mw=1,
        max_sites=1,
        objective=MeanDistance(SITES, distance=pd.DataFrame(np.zeros((2, 4)))),
    ),
    "lacks demand": lambda: optimize_sites(
        SITES,
        site_mw=1,
        max_sites=1,
        objective=MaxDistance(SITES, distance=pd.DataFrame(np.zeros((4, 2)))),
    ),
    "unknown, infinite or negative": lambda: optimize_sites(
        SITES,
        site_mw=1,
        max_sites=1,
        objective=MaxDistance(SITES, distance=pd.DataFrame(-np.ones((4, 4)))),
    ),
    "is list": lambda: optimize_sites(
        SITES,
        site_mw=1,
        min_sites=2,
        objective=MaxMinDistance(distance=[1.0]),  # type: ignore[arg-type]
    ),
    "places were asked for": lambda: p_median(np.ones((2, 2)), 3),
    "one place has no distance": lambda: disperse(np.zeros((3, 3)), 1),
}


@pytest.mark.parametrize("says", list(BAD))
def test_bad_input_is_told(says: str) -> None:
    with pytest.raises(StudyError, match=f"(?i){says}"):
        BAD[says]()
