"""Conflicts planted in a country of 300 candidates are found, exactly those.

Every way out is checked by writing the changed request and solving it from scratch:
with the change a plan exists, with slightly less there is none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss
from siteselect.optimization import highs
from siteselect.optimization._compile import Request, compile_problem
from siteselect.optimization.conflicts import WayOut

BUSES = 60


def country(n: int = 300) -> gpd.GeoDataFrame:
    """Candidates all over a rectangle; small ones are cheap, clean ones are not."""
    rng = np.random.default_rng(11)
    lon, lat = rng.uniform(-104, -84, n), rng.uniform(30, 44, n)
    bus = rng.integers(0, BUSES, n)
    county = rng.integers(0, 80, n)
    capacity = rng.choice([100.0, 200.0, 300.0, 400.0], n)
    is_clean = rng.random(n) < 0.35
    dear = np.where(capacity > 100, 3.5e6, 0.0)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 0.95, n).round(3),
            "capacity_mw": capacity,
            "cost_usd_per_mw": rng.uniform(7e6, 9e6, n).round(-4) + dear,
            "state": [
                f"S{int((a + 104) // 5)}{int((b - 30) // 5)}"
                for a, b in zip(lon, lat, strict=True)
            ],
            "model_bus": bus,
            "headroom_mw": rng.choice([150.0, 300.0, 450.0, 600.0], BUSES)[bus],
            "county": county,
            "water_available": rng.uniform(700, 2500, 80).round()[county],
            "water": rng.uniform(1, 3, n).round(2),
            "carbon": np.where(is_clean, 500.0, 250.0) + rng.uniform(0, 150, n).round(),
            "is_clean": is_clean,
            "acres": rng.uniform(0.5, 2, n).round(2),
        },
        index=[f"p{i:03d}" for i in range(n)],
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )


def request(**changes: Any) -> dict[str, Any]:
    """Return a request of thirteen limits that holds, with some changes."""
    numbers = {
        "headroom": "headroom_mw",
        "acres": 6000.0,
        "carbon": 480.0,
        "clean": 0.2,
        "states": 3,
        "share": 0.7,
        "per_state": 20,
        "apart": 12.0,
    }
    own = {k: changes.pop(k, v) for k, v in numbers.items()}
    return {
        "site_mw": [100, 200, 300],
        "power_mw": (3000, 6000),
        "budget_usd": 60e9,
        "max_sites": 60,
        "min_spacing_km": 8.0,
        "limits": (
            ss.Limit("headroom", per_mw=1, by="model_bus", at_most=own["headroom"]),
            ss.Limit(
                "county water", per_mw="water", by="county", at_most="water_available"
            ),
            ss.Limit("land", per_mw="acres", at_most=own["acres"], unit="acres"),
            ss.Average("carbon", "carbon", at_most=own["carbon"], unit="kg/MWh"),
            ss.Share("clean", "is_clean", at_least=own["clean"]),
            ss.Spread("states", by="state", at_least=own["states"]),
            ss.Spread(
                "crowding",
                by="state",
                max_sites_per_group=own["per_state"],
                max_share=own["share"],
            ),
            ss.Spacing(own["apart"], within="state", name="apart"),
        ),
        **changes,
    }


PLANTED: dict[str, tuple[set[str], dict[str, Any], set[str]]] = {
    # What is planted; the changed numbers; those that cannot help alone.
    "budget": ({"power", "budget"}, {"budget_usd": 20e9}, set()),
    "sites": ({"power", "sites"}, {"max_sites": 9}, set()),
    "few cheap sites": (
        {"power", "budget", "sites"},
        {"budget_usd": 27e9, "max_sites": 13},
        set(),
    ),
    "land and cost": (
        {"power", "land"},
        {"acres": 1500.0},
        set(),
    ),
    "carbon of the clean": (
        {"power", "carbon", "clean"},
        {"carbon": 340.0, "clean": 0.6},
        # Three states are asked for too, which takes a site or more.
        {"power"},
    ),
    "states": ({"sites", "states"}, {"max_sites": 11, "states": 12}, set()),
    "far apart": ({"sites", "apart"}, {"min_sites": 14, "apart": 750.0}, set()),
    "crowded states": (
        {"power", "crowding"},
        {"power_mw": (4000, 6000), "per_state": 1},
        set(),
    ),
}


def changed(asked: dict[str, Any], way: WayOut, part: float = 1.0) -> dict[str, Any]:
    """Return the request with a share of the change that a way out asks for."""

    def moved(now: float, needed: float) -> float:
        return now + part * (needed - now)

    ((_, now, needed),) = way.parts
    if way.limit == "power":
        return {**asked, "power_mw": (moved(now, needed), asked["power_mw"][1])}
    if way.limit == "spacing":
        return {**asked, "min_spacing_km": moved(now, needed)}
    if way.limit in ("budget", "sites"):
        value = moved(now, needed)
        if way.limit == "sites":
            value = round(value)
        return {**asked, way.field: value}
    limits = []
    for limit in asked["limits"]:
        if limit.name == way.limit:
            value = moved(now, needed)
            whole = isinstance(getattr(limit, way.field), int)
            limit = replace(limit, **{way.field: round(value) if whole else value})
        limits.append(limit)
    return {**asked, "limits": tuple(limits)}


def has_plan(asked: dict[str, Any]) -> bool:
    """Solve the full model from scratch."""
    compiled = compile_problem(Request(sites=country(), **asked))
    rows, problem = compiled.full_rows(), compiled.problem
    found = highs.solve_mip(
        np.zeros(problem.n_columns),
        rows.matrix,
        rows.lower,
        rows.upper,
        problem.lower,
        problem.upper,
        problem.integrality,
    )
    assert found.x is not None or found.status == "infeasible"
    return found.x is not None


def test_the_country_has_a_plan():
    assert has_plan(request())


@pytest.mark.parametrize("case", PLANTED)
def test_planted_conflicts_are_found(case):
    planted, numbers, stuck = PLANTED[case]
    asked = request(**numbers)
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(country(), **asked)
    error = caught.value
    assert set(error.conflicts) == planted
    assert {way.limit for way in error.ways_out} == planted - stuck
    for way in error.ways_out:
        assert way.text in str(error)
        assert not way.is_lower_bound
        assert way.is_least
        assert has_plan(changed(asked, way)), way
        step = 1.0 if way.unit in ("sites", "groups", "sites per group") else None
        less = 0.98 if step is None else 1 - step / abs(way.change)
        assert not has_plan(changed(asked, way, less)), way
    for name in stuck:
        assert re.search(rf"{name}.*alone cannot help", str(error))


@pytest.mark.soak
def test_ways_out_of_a_large_program_are_true_and_least():
    """Columns are priced out here; the changed request is solved from scratch."""
    sites = country(1200)
    asked = request(budget_usd=23.2e9, carbon=310.0)
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(sites, **asked)
    ways = {way.limit: way for way in caught.value.ways_out}
    assert ways
    for way in ways.values():
        plan = ss.optimize_sites(sites, **changed(asked, way))
        plan.verify()
        if way.is_least:
            # A hundred megawatts less, or a fiftieth of the change.
            less = 1 - 100 / abs(way.change) if way.limit == "power" else 0.98
            if abs(way.change) * (1 - less) > 2e-3 * abs(way.now):
                with pytest.raises(ss.InfeasiblePlanError):
                    ss.optimize_sites(sites, **changed(asked, way, less))
