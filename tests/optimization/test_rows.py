"""Hand-written programs: matrix, bounds and objective entry by entry."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteselect as ss
from siteselect.optimization._compile import Compiled, Request, compile_problem
from siteselect.optimization.problem import Rows

INF = np.inf


def three() -> gpd.GeoDataFrame:
    """Three sites from west to east, the first two 91 km apart."""
    return gpd.GeoDataFrame(
        {
            "score": [0.5, 0.25, 0.8],
            "capacity_mw": [300.0, 100.0, 300.0],
            "cost_usd_per_mw": [1e7, 2e7, 3e7],
            "fixed_cost_usd": [5e6, 0.0, 1e6],
            "state": ["A", "A", "B"],
            "water": [1.0, 2.0, 4.0],
            "available": [500.0, 500.0, 900.0],
            "carbon": [200.0, 500.0, 300.0],
            "is_clean": [True, False, True],
        },
        index=["w", "m", "e"],
        geometry=gpd.points_from_xy([-100, -99, -95], [35, 35, 35]),
        crs=4326,
    )


def compiled(**request: Any) -> Compiled:
    request = {"site_mw": [100, 300], **request}
    return compile_problem(Request(sites=three(), **request))


def of(found: Compiled, name: str) -> Rows:
    rows = found.full_rows()
    return rows.take(np.flatnonzero(rows.limit == name))


def says(rows: Rows, matrix: Any, lower: Any, upper: Any) -> None:
    np.testing.assert_allclose(rows.matrix.toarray(), matrix, rtol=1e-12, atol=0)
    np.testing.assert_allclose(rows.lower, lower, rtol=1e-12)
    np.testing.assert_allclose(rows.upper, upper, rtol=1e-12)


def test_columns_costs_and_objective() -> None:
    # w at 100 and 300 MW, m at 100 (its capacity), e at 100 and 300.
    problem = compiled().problem
    assert problem.column_site.tolist() == [0, 0, 1, 2, 2]
    assert problem.column_mw.tolist() == [100, 300, 100, 100, 300]
    assert problem.column_cost.tolist() == [1.005e9, 3.005e9, 2e9, 3.001e9, 9.001e9]
    assert problem.objective.tolist() == [50, 150, 25, 80, 240]
    assert problem.maximize
    assert problem.lower.tolist() == [0] * 5
    assert problem.upper.tolist() == [1] * 5
    assert problem.integrality.all()
    assert problem.column_opens.all()


def test_other_objectives() -> None:
    cost = compiled(objective="cost", power_mw=(100, None)).problem
    assert not cost.maximize
    assert cost.objective.tolist() == [1.005e9, 3.005e9, 2e9, 3.001e9, 9.001e9]
    water = compiled(objective="water").problem
    assert water.maximize
    assert water.objective.tolist() == [100, 300, 200, 400, 1200]


def test_one_size_per_site() -> None:
    says(
        of(compiled(), "site capacity"),
        [[1, 1, 0, 0, 0], [0, 0, 0, 1, 1]],
        [-INF, -INF],
        [1, 1],
    )


def test_power_in_gigawatts() -> None:
    rows = of(compiled(power_mw=(200, 600)), "power")
    says(rows, [[0.1, 0.3, 0.1, 0.1, 0.3]], [0.2], [0.6])
    assert rows.scale.tolist() == [1e-3]


def test_budget_in_millions() -> None:
    rows = of(compiled(budget_usd=5e9), "budget")
    says(rows, [[1005, 3005, 2000, 3001, 9001]], [-INF], [5000])


def test_number_of_sites_fixed_and_forbidden() -> None:
    found = compiled(max_sites=2, min_sites=1, fixed=["e"], forbidden=["m"])
    says(of(found, "sites"), [[1, 1, 1, 1, 1]], [1], [2])
    says(of(found, "fixed"), [[0, 0, 0, 1, 1]], [1], [INF])
    assert found.problem.upper.tolist() == [1, 1, 0, 1, 1]


def test_limit_by_group_from_a_column_and_a_mapping() -> None:
    limit = ss.Limit("l", per_mw="water", per_site=50, by="state", at_most="available")
    rows = of(compiled(limits=[limit]), "l")
    # A: 150, 350 and 250; B: 450 and 1250, all in thousands.
    says(
        rows,
        [[0.15, 0.35, 0.25, 0, 0], [0, 0, 0, 0.45, 1.25]],
        [-INF, -INF],
        [0.5, 0.9],
    )
    assert rows.group.tolist() == ["A", "B"]
    assert rows.scale.tolist() == [1e-3, 1e-3]
    both = ss.Limit(
        "l",
        per_mw=1,
        by="state",
        at_least={"A": 100, "B": 0},
        at_most={"A": INF, "B": 9},
    )
    rows = of(compiled(limits=[both]), "l")
    says(
        rows,
        [[0.1, 0.3, 0.1, 0, 0], [0, 0, 0, 0.1, 0.3]],
        [0.1, 0],
        [INF, 0.009],
    )


def test_limit_without_groups_from_series() -> None:
    use = pd.Series({"e": 3.0, "w": 1.0, "m": 2.0, "not there": 9.0})
    limit = ss.Limit("l", per_site=use, at_most=4)
    says(of(compiled(limits=[limit]), "l"), [[1, 1, 2, 3, 3]], [-INF], [4])


def test_average_and_share() -> None:
    mean = ss.Average("c", "carbon", at_most=300, at_least=250)
    rows = of(compiled(limits=[mean]), "c")
    lower, upper = rows.matrix.toarray() / rows.scale[:, None]
    np.testing.assert_allclose(lower, [-5e3, -15e3, 25e3, 5e3, 15e3])
    np.testing.assert_allclose(upper, [-1e4, -3e4, 2e4, 0, 0])
    assert rows.lower.tolist() == [0, -INF]
    assert rows.upper.tolist() == [INF, 0]
    share = ss.Share("s", "is_clean", at_least=0.75)
    rows = of(compiled(limits=[share]), "s")
    np.testing.assert_allclose(
        rows.matrix.toarray()[0] / rows.scale, [25, 75, -75, 25, 75]
    )
    assert (rows.lower[0], rows.upper[0]) == (0, INF)


def test_spread_counts_groups() -> None:
    found = compiled(limits=[ss.Spread("s", by="state", at_least=2)])
    problem = found.problem
    assert problem.n_columns == 7
    assert problem.column_site[5:].tolist() == [-1, -1]
    assert problem.upper[5:].tolist() == [1, 1]
    assert problem.objective[5:].tolist() == [0, 0]
    says(
        of(found, "s"),
        [
            [1, 1, 1, 0, 0, -1, 0],
            [0, 0, 0, 1, 1, 0, -1],
            [0, 0, 0, 0, 0, 1, 1],
        ],
        [0, 0, 2],
        [INF, INF, INF],
    )


def test_spread_bounds_sites_and_share() -> None:
    count = ss.Spread("s", by="state", max_sites_per_group=1)
    says(
        of(compiled(limits=[count]), "s"),
        [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]],
        [-INF, -INF],
        [1, 1],
    )
    share = ss.Spread("s", by="state", max_share=0.5)
    says(
        of(compiled(limits=[share], power_mw=(600, 600)), "s"),
        [[0.1, 0.3, 0.1, 0, 0], [0, 0, 0, 0.1, 0.3]],
        [-INF, -INF],
        [0.3, 0.3],
    )
    # Where the total floats, a column of its own holds it.
    found = compiled(limits=[share], power_mw=(None, 600))
    assert found.problem.upper[5] == pytest.approx(0.6)
    says(
        of(found, "s"),
        [
            [0.1, 0.3, 0.1, 0, 0, -0.5],
            [0, 0, 0, 0.1, 0.3, -0.5],
            [0.1, 0.3, 0.1, 0.1, 0.3, -1],
        ],
        [-INF, -INF, 0],
        [0, 0, 0],
    )


def test_spacing_is_at_most_one_of_a_close_pair() -> None:
    found = compiled(limits=[ss.Spacing(km=100)])
    says(of(found, "spacing"), [[1, 1, 1, 0, 0]], [-INF], [1])
    assert len(of(compiled(min_spacing_km=90), "spacing")) == 0
    inside = compiled(limits=[ss.Spacing(km=1000, within="state")])
    says(of(inside, "spacing"), [[1, 1, 1, 0, 0]], [-INF], [1])


def test_a_range_is_an_opening_and_a_rest() -> None:
    found = compiled(site_mw=(40, 200), budget_usd=5e9)
    problem = found.problem
    assert problem.column_mw.tolist() == [40, 160, 40, 60, 40, 160]
    assert problem.column_opens.tolist() == [True, False] * 3
    assert problem.integrality.tolist() == [True, False] * 3
    # The fixed cost is paid by the opening column alone.
    np.testing.assert_allclose(
        problem.column_cost, [0.405e9, 1.6e9, 0.8e9, 1.2e9, 1.201e9, 4.8e9]
    )
    np.testing.assert_allclose(problem.objective, [20, 80, 10, 15, 32, 128])
    rest = [[-1, 1, 0, 0, 0, 0], [0, 0, -1, 1, 0, 0], [0, 0, 0, 0, -1, 1]]
    says(of(found, "site capacity"), rest, [-INF] * 3, [0] * 3)
    says(of(found, "budget"), [[405, 1600, 800, 1200, 1201, 4800]], [-INF], [5000])


def test_a_size_may_cost_its_own_and_be_offered_somewhere() -> None:
    sites = three().assign(
        big=[True, True, False], cost_300=[8e6, 8e6, 8e6], cap_300=[300.0, 0.0, 300.0]
    )
    found = compile_problem(
        Request(
            sites=sites,
            site_mw={100: True, 300: "big"},
            cost_per_mw={100: "cost_usd_per_mw", 300: "cost_300"},
            capacity={100: "capacity_mw", 300: "cap_300"},
        )
    ).problem
    assert found.column_mw.tolist() == [100, 300, 100, 100]
    assert found.column_site.tolist() == [0, 0, 1, 2]
    assert found.column_cost.tolist() == [1.005e9, 2.405e9, 2e9, 3.001e9]
