"""Small siting problems and brute force in plain Python, for one rule at a time."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from siteselect.errors import InfeasiblePlanError, SolverError
from siteselect.optimization import optimize_sites
from siteselect.optimization._compile import Compiled, Request, compile_problem
from siteselect.optimization.problem import Rows

#: Solver tolerances decide below this.
EXACT = 5e-7
Chosen = dict[Any, float]


def candidates(rng: random.Random, n: int) -> gpd.GeoDataFrame:
    """Draw candidates on a grid of a quarter degree; places may coincide."""
    place = [(rng.randrange(9), rng.randrange(5)) for _ in range(n)]
    return gpd.GeoDataFrame(
        {
            "score": [rng.randint(1, 40) / 40 for _ in range(n)],
            "capacity_mw": [rng.choice([400.0, 300.0, 120.0, 60.0]) for _ in range(n)],
            "cost_usd_per_mw": [rng.randint(6, 14) * 1e6 for _ in range(n)],
            "fixed_cost_usd": [rng.randint(0, 90) * 1e6 for _ in range(n)],
            "yearly_usd_per_mw": [rng.randint(2, 9) * 1e5 for _ in range(n)],
            "state": [rng.choice(["OH", "TX", "UT"]) for _ in range(n)],
            "is_hub": [rng.random() < 0.4 for _ in range(n)],
            "p_success": [rng.choice([0.3, 0.5, 0.8, 0.9, 1.0]) for _ in range(n)],
            "substation": [rng.choice(["a", "b", None]) for _ in range(n)],
        },
        index=pd.Index([f"s{k}" for k in range(n)], name="site"),
        geometry=gpd.points_from_xy(
            [-100 + 0.25 * x for x, _ in place], [34 + 0.25 * y for _, y in place]
        ),
        crs=4326,
    )


def brute_force(
    frame: gpd.GeoDataFrame,
    sizes: list[float],
    most_mw: float,
    holds: Callable[[Chosen], bool],
) -> float | None:
    """Return the best score x MW over all combinations of sites and sizes."""
    options = [
        [0.0] + [s for s in sizes if s <= cap] for cap in frame["capacity_mw"].tolist()
    ]
    labels, scores = frame.index.tolist(), frame["score"].tolist()
    best = None
    for mw in itertools.product(*options):
        if sum(mw) > most_mw:
            continue
        value = sum(s * m for s, m in zip(scores, mw, strict=True))
        if best is not None and value <= best:
            continue
        if holds({x: m for x, m in zip(labels, mw, strict=True) if m > 0}):
            best = value
    return best


def agree(
    frame: gpd.GeoDataFrame,
    limit: Any,
    holds: Callable[[Chosen], bool],
    sizes: list[float],
    most_mw: float,
    **kwargs: Any,
) -> float | None:
    """Compare both ways of solving with brute force; verify the plans."""
    best = brute_force(frame, sizes, most_mw, holds)
    for method in ("full", "priceout"):

        def solve(method: str = method) -> Any:
            return optimize_sites(
                frame,
                power_mw=most_mw,
                site_mw=sizes,
                limits=[limit],
                gap=EXACT,
                method=method,
                **kwargs,
            )

        if best is None:
            with pytest.raises(InfeasiblePlanError) as raised:
                solve()
            assert limit.name in raised.value.conflicts
            continue
        plan = solve()
        assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
        assert plan.status == "optimal"
        chosen = dict(zip(plan.sites.index, plan.sites["mw"], strict=True))
        assert holds(chosen)
        plan.verify()
    return best


def compiled(sites: gpd.GeoDataFrame, limit: Any, **request: Any) -> Compiled:
    """Compile a program with one limit."""
    return compile_problem(
        Request(sites=sites, **{"site_mw": [100, 300], **request}, limits=(limit,))
    )


def rows_of(found: Compiled, name: str) -> Rows:
    """Return the rows of one limit."""
    rows = found.full_rows()
    return rows.take(np.flatnonzero(rows.limit == name))


def says(rows: Rows, matrix: Any, lower: Any, upper: Any) -> None:
    """Compare rows entry by entry."""
    np.testing.assert_allclose(rows.matrix.toarray(), matrix, rtol=1e-12, atol=0)
    np.testing.assert_allclose(rows.lower, lower, rtol=1e-12)
    np.testing.assert_allclose(rows.upper, upper, rtol=1e-12)


def three() -> gpd.GeoDataFrame:
    """Three sites from west to east, 91 and 365 km apart; sizes 100 and 300 MW fit
    the outer two, 100 MW the middle one."""
    return gpd.GeoDataFrame(
        {
            "score": [0.5, 0.25, 0.8],
            "capacity_mw": [300.0, 100.0, 300.0],
            "cost_usd_per_mw": [1e7, 2e7, 3e7],
            "fixed_cost_usd": [5e6, 0.0, 1e6],
            "state": ["A", "A", "B"],
            "is_hub": [True, False, True],
            "p_success": [0.5, 0.5, 0.5],
        },
        index=["w", "m", "e"],
        geometry=gpd.points_from_xy([-100, -99, -95], [35, 35, 35]),
        crs=4326,
    )


def claims(sites: gpd.GeoDataFrame, chosen: list[Any], limit: Any) -> Any:
    """Return a plan of the chosen sites that claims to keep a limit."""
    plan = optimize_sites(
        sites,
        site_mw=[100],
        fixed=chosen,
        forbidden=[x for x in sites.index if x not in chosen],
        method="full",
    )
    request = dataclasses.replace(plan.compiled.request, limits=(limit,))
    return dataclasses.replace(
        plan, compiled=dataclasses.replace(plan.compiled, request=request)
    )


def refused(sites: gpd.GeoDataFrame, chosen: list[Any], limit: Any) -> None:
    """See that ``verify`` finds a broken limit, and only with these sites."""
    with pytest.raises(SolverError, match=f"limit '{limit.name}' holds"):
        claims(sites, chosen, limit).verify()
