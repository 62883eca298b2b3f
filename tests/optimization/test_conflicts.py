"""An infeasible program names a smallest set of limits that clash."""

from __future__ import annotations

from itertools import combinations, product

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss


def sites(n: int = 5) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "score": np.linspace(0.9, 0.5, n),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": np.linspace(8e6, 12e6, n),
            "state": list("AABBC")[:n],
            "water": np.linspace(1.0, 3.0, n),
        },
        geometry=gpd.points_from_xy(np.linspace(-100, -96, n), np.full(n, 35.0)),
        crs=4326,
    )


def clash(**request):
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(sites(), site_mw=[100, 300], **request)
    return caught.value


def test_power_alone_is_more_than_all_sites_hold():
    error = clash(power_mw=(1600, None), budget_usd=1e12, max_sites=9)
    assert error.conflicts == ("power",)
    assert "power: 1,600 -> 1,500 MW" in str(error)


def test_power_and_number_of_sites():
    error = clash(power_mw=(900, None), max_sites=2, budget_usd=1e12)
    assert set(error.conflicts) == {"power", "sites"}
    assert "power: 900 -> 600 MW" in str(error)
    assert "sites: 2 -> 3 sites" in str(error)


def test_power_and_budget():
    error = clash(power_mw=(300, None), budget_usd=2e9, max_sites=4)
    assert set(error.conflicts) == {"power", "budget"}
    # Three hundred megawatts at the cheapest site cost 2.4 billion.
    assert "budget: $2 B -> $2.4 B (+ $0.4 B)" in str(error)


def test_a_limit_of_the_user_and_spacing():
    few = ss.Limit("water right", per_mw="water", at_most=440.0)
    error = clash(power_mw=(400, None), limits=[few], budget_usd=1e12)
    assert set(error.conflicts) == {"power", "water right"}
    error = clash(power_mw=(600, None), min_spacing_km=900)
    assert set(error.conflicts) == {"power", "spacing"}


LIMITS = {
    "power": {"power_mw": (600, None)},
    "budget": {"budget_usd": 4.9e9},
    "sites": {"max_sites": 1},
    "states": ss.Spread("states", by="state", at_least=3),
    "water": ss.Limit("water", per_mw="water", at_most=900.0),
    "spacing": {"min_spacing_km": 320},
}


def request_of(names):
    request = {"limits": []}
    for name in names:
        what = LIMITS[name]
        if isinstance(what, dict):
            request.update(what)
        else:
            request["limits"].append(what)
    return request


def is_feasible(names) -> bool:
    """Enumerate every choice of sizes; no code shared with the model."""
    frame = sites()
    gap_km = 6371.0088 * np.radians(1.0) * np.cos(np.radians(35.0))
    for mw in product((0, 100, 300), repeat=len(frame)):
        mw = np.array(mw, dtype=float)
        on = np.flatnonzero(mw)
        checks = {
            "power": mw.sum() >= 600,
            "budget": (mw * frame["cost_usd_per_mw"]).sum() <= 4.9e9,
            "sites": len(on) <= 1,
            "states": frame["state"].iloc[on].nunique() >= 3,
            "water": (mw * frame["water"]).sum() <= 900,
            "spacing": all((b - a) * gap_km >= 320 for a, b in combinations(on, 2)),
        }
        if all(checks[name] for name in names):
            return True
    return False


@pytest.mark.parametrize("size", [2, 3, 4, 6])
def test_the_set_is_smallest(size):
    seen = 0
    for names in combinations(LIMITS, size):
        if is_feasible(names):
            plan = ss.optimize_sites(sites(), site_mw=[100, 300], **request_of(names))
            plan.verify()
            continue
        seen += 1
        found = clash(**request_of(names)).conflicts
        assert set(found) <= set(names)
        assert not is_feasible(found)
        for left_out in found:
            assert is_feasible([n for n in found if n != left_out])
    assert seen


def test_a_site_that_no_size_fits_leaves_a_program_without_columns():
    for method in ("full", "priceout"):
        with pytest.raises(ss.InfeasiblePlanError) as caught:
            ss.optimize_sites(
                sites(), site_mw=[900], power_mw=(100, None), min_sites=1, method=method
            )
        assert len(caught.value.conflicts) == 1
        assert set(caught.value.conflicts) < {"power", "sites"}


def test_a_failed_search_for_the_cause_keeps_the_verdict(monkeypatch):
    def fails(*args, **kwargs):
        raise ss.SolverError("no word from the solver.")

    monkeypatch.setattr("siteselect.optimization.solve.clash_of", fails)
    error = clash(power_mw=(900, None), max_sites=2, budget_usd=1e12)
    assert set(error.conflicts) == {"power", "sites", "budget"}
    assert "not every one of them" in str(error)


def test_a_search_without_time_names_every_limit(monkeypatch):
    monkeypatch.setattr(
        "siteselect.optimization.conflicts.clash_of.__defaults__", (0, None)
    )
    error = clash(power_mw=(500, 500), max_sites=2, budget_usd=1e12)
    assert set(error.conflicts) == {"power", "sites", "budget"}
    assert "Loosen one of them" in str(error)
