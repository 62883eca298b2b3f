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


# -- a way out is enough when it is followed ------------------------------------------


def two(**columns):
    return gpd.GeoDataFrame(
        {
            "score": [0.9, 0.8],
            "capacity_mw": [50.0, 400.0],
            "cost_usd_per_mw": 1e7,
            "state": ["A", "B"],
            **columns,
        },
        index=["hub", "site"],
        geometry=gpd.points_from_xy([-100, -99], [32, 32]),
        crs=4326,
    )


def ways(frame, **request):
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(frame, site_mw=[100, 200], **request)
    return caught.value


@pytest.mark.parametrize("km", [10, 20_000])
@pytest.mark.parametrize("why", ["too small", "too dear"])
def test_near_a_hub_that_cannot_be_chosen_no_distance_helps(km, why):
    frame, more = two(), {}
    if why == "too dear":
        frame = two(capacity_mw=400.0, cost_usd_per_mw=[5e7, 1e7])
        more = {"budget_usd": 2e9}
    near = ss.Cluster("cluster", ["hub"], km)
    error = ways(frame, power_mw=(100, 100), limits=[near], **more)
    way = next(w for w in error.ways_out if w.limit == "cluster")
    assert way.text == "leave out 'cluster'"
    assert ss.optimize_sites(frame, power_mw=(100, 100), site_mw=[100], **more)


def test_a_hub_that_can_be_chosen_says_how_far():
    frame = two(capacity_mw=[100.0, 400.0])
    request = {"power_mw": (300, 300)}
    error = ways(frame, limits=[ss.Cluster("cluster", ["hub"], 10)], **request)
    way = next(w for w in error.ways_out if w.limit == "cluster")
    assert 94 < way.needed < 95
    near = ss.Cluster("cluster", ["hub"], way.needed)
    assert ss.optimize_sites(frame, site_mw=[100, 200], limits=[near], **request)


@pytest.mark.parametrize("least", [{2027: 100, 2030: 100}, {2027: 100, 2030: 300}])
@pytest.mark.parametrize(
    "room",
    [100, ss.ByYear({2027: 100, 2030: 100}), ss.ByYear({2027: 50, 2030: 90}), "room"],
)
def test_every_year_that_must_move_is_told(least, room):
    frame = two(capacity_mw=[50.0, 400.0], room=[100.0, 100.0])
    request = {
        "power_mw": {y: (low, 400) for y, low in least.items()},
        "site_mw": [200, 400],
    }

    def headroom(bound):
        return [ss.Limit("hd", per_mw=1, by="state", at_most=bound)]

    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(frame, limits=headroom(room), **request)
    way = next(w for w in caught.value.ways_out if w.limit == "hd")
    needed = {group: bound for group, _, bound in way.parts}
    then = {year: needed.get(f"B in {year}", 0.0) for year in least}
    assert ss.optimize_sites(frame, limits=headroom(ss.ByYear(then)), **request)
    # One number holds in every year, and is told as one.
    is_one = not isinstance(room, ss.ByYear)
    assert ("in every year" in way.text) is is_one
    if is_one:
        bound = 200.0 if least[2030] == 100 else 400.0
        assert (way.now, way.needed) == (100.0, bound)
        assert ss.optimize_sites(frame, limits=headroom(way.needed), **request)
    # Nothing less is enough.
    each = [{**then, year: then[year] - 1} for year in then]
    if is_one:
        each = [dict.fromkeys(then, way.needed - 1)]
    for less in each:
        with pytest.raises(ss.InfeasiblePlanError):
            ss.optimize_sites(frame, limits=headroom(ss.ByYear(less)), **request)


def test_power_at_most_is_one_number_for_all_years():
    frame = two(capacity_mw=400.0)
    request = {"years": [2027, 2030], "min_sites": 2, "site_mw": [100]}
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(frame, power_mw=100, **request)
    way = next(w for w in caught.value.ways_out if w.limit == "power")
    assert way.text == "power: 100 MW more in every year"
    assert ss.optimize_sites(frame, power_mw=way.needed, **request)


@pytest.mark.parametrize(
    "power", [(100, 100), (100, None), {2027: 0, 2030: (100, 200)}]
)
def test_a_floor_of_nothing_is_no_way_out_where_cost_is_the_objective(power):
    near = ss.Cluster("cluster", ["hub"], 10)
    error = ways(two(), power_mw=power, limits=[near], objective="cost")
    assert "power" not in {w.limit for w in error.ways_out}
    assert "'power' alone cannot help" in str(error)
    # By score it can be followed.
    error = ways(two(), power_mw=power, limits=[near])
    way = next(w for w in error.ways_out if w.limit == "power")
    assert way.needed == 0
