"""The exact price of a limit equals two solves by hand."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss
from siteselect.optimization.prices import exact_price

INF = np.inf


def sites(n: int = 8) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(3)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 0.9, n).round(3),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": rng.uniform(6e6, 12e6, n).round(-4),
            "carbon": rng.uniform(200, 600, n).round(),
            "bus": list("AABBCCDD")[:n],
            "state": list("XXXYYYZZ")[:n],
            "room_mw": [200.0, 200, 300, 300, 400, 400, 100, 100][:n],
        },
        geometry=gpd.points_from_xy(np.linspace(-100, -93, n), np.full(n, 35.0)),
        crs=4326,
    )


REQUEST = {"power_mw": (500, 900), "budget_usd": 7e9, "max_sites": 4, "gap": 0.0}


def limits(room="room_mw", carbon=400.0, share=0.7, km=50.0):
    return [
        ss.Limit("headroom", per_mw=1, by="bus", at_most=room),
        ss.Average("carbon", "carbon", at_most=carbon),
        ss.Spread("states", by="state", max_share=share),
        ss.Spacing(km, name="apart"),
    ]


def solve(**changes) -> float:
    request = {"site_mw": (50, 300), "limits": limits(), **REQUEST, **changes}
    try:
        return ss.optimize_sites(sites(), **request).objective
    except ss.InfeasiblePlanError:
        return np.nan


ROOM = {"A": 200.0, "B": 300.0, "C": 400.0, "D": 100.0}

CASES = {
    "power": (1.0, {"power_mw": (500, 901)}),
    "budget": (1e6, {"budget_usd": 7.001e9}),
    "sites": (1, {"max_sites": 5}),
    "carbon": (1.0, {"limits": limits(carbon=401.0)}),
    "states": (0.01, {"limits": limits(share=0.71)}),
    "headroom": (10.0, {"limits": limits(room={k: v + 10 for k, v in ROOM.items()})}),
    "apart": (100.0, {"limits": limits(km=150.0)}),
}


@pytest.mark.parametrize("limit", CASES)
def test_it_is_the_difference_of_two_plans(limit):
    change, changed = CASES[limit]
    plan = ss.optimize_sites(sites(), site_mw=(50, 300), limits=limits(), **REQUEST)
    price = exact_price(plan, limit, change)
    expected = solve(**changed) - plan.objective
    assert price == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_one_group():
    plan = ss.optimize_sites(sites(), site_mw=(50, 300), limits=limits(), **REQUEST)
    for group in ROOM:
        price = exact_price(plan, "headroom", 25.0, group)
        room = {**ROOM, group: ROOM[group] + 25}
        expected = solve(limits=limits(room=room)) - plan.objective
        assert price == pytest.approx(expected, abs=1e-6)


def test_where_no_plan_is_left_there_is_no_price():
    plan = ss.optimize_sites(sites(), power_mw=(300, 300), site_mw=[100, 300])
    assert exact_price(plan, "power", 0.0) == 0.0
    plan = ss.optimize_sites(sites(), min_sites=8, max_sites=8, power_mw=2400)
    assert np.isnan(exact_price(plan, "power", -2399.9))


@pytest.mark.parametrize(
    ("limit", "change", "group", "word"),
    [
        ("powr", 1.0, None, "power"),
        ("power", np.nan, None, "finite"),
        ("headroom", 1.0, "Z", "group"),
        ("states", 0.1, "X", "one number"),
        ("site capacity", 1.0, None, "number"),
    ],
)
def test_what_has_no_price_is_said(limit, change, group, word):
    plan = ss.optimize_sites(sites(), site_mw=(50, 300), limits=limits(), **REQUEST)
    with pytest.raises(ss.StudyError, match=word):
        exact_price(plan, limit, change, group)


@pytest.mark.parametrize(("limit", "change"), [("budget", 1e9), ("power", -100.0)])
def test_bounds_by_year_move_in_every_year(limit, change):
    def solved(more_usd=0.0, more_mw=0.0):
        return ss.optimize_sites(
            sites(),
            power_mw={2027: (0, 400 + more_mw), 2030: (0, 1200 + more_mw)},
            budget_usd={2027: 3e9 + more_usd, 2030: 6e9 + more_usd},
            site_mw=[100, 300],
            gap=0.0,
        )

    plan = solved()
    moved = solved(**{"more_usd" if limit == "budget" else "more_mw": change})
    price = exact_price(plan, limit, change)
    assert price == pytest.approx(moved.objective - plan.objective, abs=1e-6)
    assert price != 0 or limit == "power"


# -- which bound moves, against enumeration ------------------------------------------


def best_of(frame, bounds, budget_usd=np.inf, minimize=False):
    """Return the best objective over all sets of sites of 100 MW; NaN without one."""
    value = frame["cost_usd_per_mw" if minimize else "score"].to_numpy() * 100.0
    cost = frame["cost_usd_per_mw"].to_numpy() * 100.0
    (low_mw, high_mw), (least, most) = bounds["power"], bounds["sites"]
    found = [
        value[on].sum()
        for k in range(len(frame) + 1)
        for on in map(list, combinations(range(len(frame)), k))
        if low_mw <= 100 * k <= high_mw
        and least <= k <= most
        and cost[on].sum() <= budget_usd
    ]
    return (min(found) if minimize else max(found)) if found else np.nan


def after(bounds, used, limit, change):
    """Return the bounds after the move that the documentation promises."""
    low, high = bounds[limit]
    is_low = low > 0 and used == low and used != high
    if is_low or not np.isfinite(high):
        low = max(0.0, low + change)
        high = max(low, high)
    else:
        high += change
        low = min(low, high)
    return {**bounds, limit: (low, high)}


def asked(pair):
    return tuple(x if 0 < x < np.inf else None for x in pair)


POWERS = [(150, INF), (200, INF), (300, INF), (0, 500), (100, 300), (200, 200), (0, 90)]
COUNTS = [(0, INF), (1, 9), (1, 2), (2, INF), (2, 2)]


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("minimize", [False, True])
def test_the_bound_that_binds_moves_else_the_upper_one(power, counts, minimize):
    frame = sites(4).assign(capacity_mw=100.0, score=[0.9, 0.5, -0.1, -0.5])
    bounds = {"power": power, "sites": counts}
    if minimize and power[0] <= 0:
        pytest.skip("the cheapest plan is empty")
    least, most = asked(counts)
    for budget in (1e8, 1.5e9, 9e9):
        before = best_of(frame, bounds, budget, minimize)
        if np.isnan(before):
            continue
        plan = ss.optimize_sites(
            frame,
            power_mw=asked(power),
            min_sites=least,
            max_sites=most,
            budget_usd=budget,
            objective="cost" if minimize else "score",
            site_mw=[100],
            gap=0.0,
        )
        used = {"power": plan.total_mw, "sites": len(plan.sites)}
        for limit, change in [
            ("power", 50.0),
            ("power", -50.0),
            ("power", 150.0),
            ("sites", 1),
            ("sites", -1),
            ("sites", 2),
        ]:
            if limit not in set(plan.limits["limit"]):
                continue
            then = after(bounds, used[limit], limit, change)
            if (minimize and then["power"][0] <= 0) or min(then[limit]) < 0:
                continue  # Refused: nothing has to be built, or less than nothing.
            expected = best_of(frame, then, budget, minimize) - before
            price = exact_price(plan, limit, change)
            assert price == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_a_floor_of_one_year_moves_in_that_year_only():
    frame = sites(4).assign(capacity_mw=100.0, score=[0.9, 0.5, -0.1, -0.5])

    def solved(floor):
        return ss.optimize_sites(
            frame,
            power_mw={2027: (None, 400), 2030: (floor, None)},
            site_mw=[100],
            gap=0.0,
        )

    plan = solved(300)
    change = solved(400).objective - plan.objective
    assert exact_price(plan, "power", 100.0) == pytest.approx(change)


def test_of_a_limit_with_both_ends_the_binding_one_moves():
    frame = sites(4).assign(capacity_mw=100.0, score=[0.9, 0.5, -0.1, -0.5])

    def solved(low, high):
        own = ss.Limit("own", per_mw=1, at_least=low, at_most=high)
        return ss.optimize_sites(frame, limits=[own], site_mw=[100], gap=0.0)

    plan = solved(250.0, 400.0)  # 300 MW: neither end binds.
    assert exact_price(plan, "own", -100.0) == pytest.approx(0.0)
    plan = solved(300.0, 400.0)
    assert exact_price(plan, "own", 100.0) == pytest.approx(-50.0)
