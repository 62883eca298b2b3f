"""The exact price of a limit equals two solves by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss
from siteselect.optimization.prices import exact_price


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
