"""Frontiers: bounds hold, exact points are those of the program itself."""

from __future__ import annotations

import random

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import strategies as st
from hypothesis import assume, given
from hypothesis import strategies as hs

import siteselect as ss
from siteselect.errors import InfeasiblePlanError
from siteselect.optimization.frontier import frontier

mpl.use("Agg")

VALUES = {
    "budget_usd": [0.0, 1e9, 2.2e9, 4e9, 9e9],
    "power_mw": [200.0, 400.0, 650.0],
    "max_sites": [1.0, 2.0, 3.0, 5.0],
    "min_sites": [1.0, 2.0, 4.0],
    "min_spacing_km": [10.0, 50.0, 90.0],
    "use": [200.0, 400.0, 900.0],
}


def drawn_request(seed: int, along: str) -> tuple[st.Instance, dict]:
    rng = random.Random(seed)
    drawn = st.instance(rng, rng.choice(["sizes", "range"]))
    assume(
        any(
            st.can_hold(drawn.sites, s, drawn.arguments["site_mw"])
            for s in drawn.sites.index
        )
    )
    arguments = dict(drawn.arguments)
    arguments.pop("fixed", None)
    if along == "min_spacing_km":
        drawn.says[:] = [s for s in drawn.says if s["kind"] != "spacing"]
    if along in ("max_sites", "min_sites"):
        arguments.pop("max_sites", None)
        arguments.pop("min_sites", None)
    if along == "power_mw" and arguments["objective"] == "cost":
        arguments["power_mw"] = (150, None)
    if along == "use":
        drawn.says.append({"kind": "use"})
    limits = st.build_limits(drawn.sites, [s for s in drawn.says if s["kind"] != "use"])
    if along == "use":
        limits.append(ss.Limit("use", per_mw=1, by="county", at_most=300.0))
    arguments["limits"] = limits
    arguments["gap"] = 0.0
    return drawn, arguments


def changed(arguments: dict, along: str, value: float) -> dict:
    out = dict(arguments)
    if along == "use":
        out["limits"] = [x for x in out["limits"] if x.name != "use"]
        out["limits"].append(ss.Limit("use", per_mw=1, by="county", at_most=value))
    elif along == "power_mw":
        low, high = out.get("power_mw", (None, None))
        if out["objective"] == "cost":
            out["power_mw"] = (value, high)
        elif low is not None and low == high:
            out["power_mw"] = (value, value)
        else:
            out["power_mw"] = (low, value)
    else:
        out[along] = int(value) if along.endswith("sites") else value
    return out


@pytest.mark.parametrize("along", sorted(VALUES))
@st.examples(8)
@given(seed=hs.integers(0, 10**9))
def test_bounds_hold_and_points_are_exact(along, seed):
    drawn, arguments = drawn_request(seed, along)
    values = VALUES[along]
    low = (arguments.get("power_mw") or (None,))[0]
    if along == "power_mw" and low is not None and arguments["objective"] != "cost":
        values = [max(v, low) for v in values]
    curve = frontier(drawn.sites, along=along, values=values, **arguments)
    bare = curve.table.set_index("value")["bound"]
    solved = curve.solve()
    sign = 1.0 if solved.maximize else -1.0
    for row in solved.table.itertuples():
        try:
            plan = ss.optimize_sites(
                drawn.sites, **changed(arguments, along, row.value)
            )
        except InfeasiblePlanError:
            assert row.status == "infeasible"
            continue
        room = 1e-6 * max(1.0, abs(plan.objective))
        assert sign * bare[row.value] >= sign * plan.objective - room
        assert sign * row.bound >= sign * plan.objective - room
        assert row.objective == pytest.approx(plan.objective, rel=1e-6, abs=1e-6)
        assert row.gap <= 1e-6
        solved.plans[row.value].verify()


def line(n: int = 9, seed: int = 3):
    import geopandas as gpd

    rng = np.random.default_rng(seed)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 0.9, n).round(3),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": rng.uniform(5e6, 12e6, n).round(-4),
            "jobs": rng.integers(0, 20, n).astype(float),
        },
        geometry=gpd.points_from_xy(np.linspace(-100, -94, n), np.full(n, 35.0)),
        crs=4326,
    )


def test_two_objectives_give_the_plans_that_nothing_beats():
    from itertools import product

    sites = line(6).assign(jobs=[9.0, 1.0, 4.0, 14.0, 2.0, 7.0])
    request = {"site_mw": [100, 200], "power_mw": (300, 600), "gap": 0.0}
    every = []
    for mw in map(list, product([0, 100, 200], repeat=len(sites))):
        if 300 <= sum(mw) <= 600:
            every.append(
                (
                    float((sites["score"] * mw).sum()),
                    float((sites["cost_usd_per_mw"] * mw).sum()),
                )
            )
    costs = sorted({round(c, 2) for _, c in every})[:: len(every) // 8]
    curve = frontier(
        sites, objectives=("score", "cost"), values=costs, exact=True, **request
    )
    for row in curve.table.itertuples():
        best = max(s for s, c in every if c <= row.value + 1)
        assert row.objective == pytest.approx(best)
        if row.efficient:
            # The same score may be had for less within the same value.
            assert not any(s > row.objective + 1e-6 and c < row.used for s, c in every)
    ends = frontier(sites, objectives=("score", "jobs"), n=5, exact=True, **request)
    assert len(ends.table) == 5
    assert ends.table["objective"].is_monotonic_decreasing
    assert ends.table["objective"].iloc[0] == pytest.approx(max(s for s, _ in every))
    most = max(
        float((sites["jobs"] * mw).sum())
        for mw in map(list, product([0, 100, 200], repeat=len(sites)))
        if 300 <= sum(mw) <= 600
    )
    assert ends.table["used"].iloc[-1] == pytest.approx(most)


def in_a_row() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "score": [0.9, 0.8, 0.5, 0.7],
            "capacity_mw": 100.0,
            "cost_usd_per_mw": [1e7, 2e7, 1e7, 3e7],
        },
        index=list("abcd"),
        geometry=gpd.points_from_xy([-100, -99, -98, -97], [32] * 4),
        crs=4326,
    )


LINKS = pd.DataFrame(
    {"site": list("abcd"), "source": list("XXYY"), "cost_usd_per_mw": [5e6, 0, 0, 0]}
)


@pytest.mark.parametrize("split", [False, True])
def test_no_plan_beats_its_bound_whatever_moves(split):
    sites = in_a_row()
    draw = ss.Draw("draw", LINKS, at_most=300, split=split)
    curves = [
        # More room around a hub allows more, unlike more room between sites.
        frontier(
            sites,
            along="hub",
            values=[10, 100, 200, 400],
            exact=True,
            site_mw=[100],
            limits=[ss.Cluster("hub", ["a"], 100)],
        ),
        frontier(
            sites,
            along="draw",
            values=[100, 200, 300],
            exact=True,
            site_mw=[100],
            limits=[draw],
        ),
        # A floor of power below which there is no plan.
        frontier(
            sites,
            along="power_mw",
            values=[50, 100, 200],
            exact=True,
            site_mw=[100],
            power_mw=(100, 150),
        ),
    ]
    for curve in curves:
        table = curve.table[curve.table["status"] != "infeasible"]
        assert len(table) >= 2
        assert (table["objective"] <= table["bound"] + 1e-6).all()
        assert table["objective"].is_monotonic_increasing
        for plan in curve.plans.values():
            plan.verify()
    assert curves[0].table["objective"].tolist() == pytest.approx([90, 170, 220, 290])
    assert curves[2].table["status"].tolist() == ["infeasible", "optimal", "optimal"]
    own = frontier(sites, along="power_mw", site_mw=[100], power_mw=(100, 150), n=3)
    assert own.table["value"].min() == 100.0


def test_a_cost_that_is_held_is_what_plans_pay():
    sites, links = in_a_row(), ss.Draw("draw", LINKS, at_most=300)
    for more in ({"limits": [links]}, {"existing": {"b": 100}}, {"budget_usd": 4.2e9}):
        curve = frontier(
            sites, objectives=("score", "cost"), n=5, exact=True, site_mw=[100], **more
        )
        assert (curve.table["status"] == "optimal").all()
        for value, plan in curve.plans.items():
            used = curve.table.set_index("value").at[value, "used"]
            assert used == pytest.approx(plan.sites["cost_usd"].sum())
            assert used <= value * (1 + 1e-9) + 1.0
            plan.verify()
        # The last point is the best plan of the first objective.
        best = ss.optimize_sites(sites, site_mw=[100], **more)
        last = curve.table["objective"].iloc[-1]
        assert last == pytest.approx(best.objective)


def test_objectives_in_order_have_no_frontier():
    with pytest.raises(ss.SiteSelectError, match="no one bound"):
        frontier(
            in_a_row(),
            values=[1e9, 2e9],
            site_mw=[100],
            objective=ss.Lexicographic("score", "cost"),
        )


def test_default_values_go_around_the_request_and_solving_adds_points():
    curve = frontier(line(), site_mw=[100, 300], budget_usd=4e9, n=5)
    assert curve.table["value"].tolist() == [2e9, 3e9, 4e9, 5e9, 6e9]
    assert curve.table["objective"].isna().all()
    more = curve.solve([4e9, 4.5e9])
    assert more.table["value"].tolist() == [2e9, 3e9, 4e9, 4.5e9, 5e9, 6e9]
    assert sorted(more.plans) == [4e9, 4.5e9]
    assert curve.plans == {}
    assert "Frontier" in repr(more)
    assert "$4.50 B" in more._repr_html_()


def test_the_chart_shows_bounds_plans_and_units():
    curve = frontier(line(), site_mw=[100], budget_usd=2e9, n=6).solve([1e9, 2.2e9])
    ax = curve.plot()
    bound, plans = ax.get_lines()[:2]
    assert bound.get_xdata() == pytest.approx(curve.table["value"] / 1e9)
    assert bound.get_ydata() == pytest.approx(curve.table["bound"])
    assert len(plans.get_xdata()) == 2
    assert ax.get_xlabel() == "budget [billion USD]"
    assert ax.get_ylabel() == "objective [score x MW]"
    # An objective object says its unit, not itself: that is no label.
    mixed = ss.Weighted({"score": 1.0, "cost": -1e-9})
    curve = frontier(line(), site_mw=[100], values=[1e9, 2e9], objective=mixed)
    assert curve.plot().get_ylabel() == f"objective [{mixed.unit}]"


@pytest.mark.parametrize(
    ("arguments", "noun"),
    [
        ({"along": "budget"}, "budget_usd"),
        ({"along": "budget_usd"}, "values"),
        ({"values": [-1.0]}, "from 0"),
        ({"values": ["much"]}, "from 0"),
        ({"values": []}, "no values"),
        ({"objectives": ("score", "score")}, "pair"),
        ({"n": 1}, "two values"),
        ({"budget_usd": {2027: 1e9, 2030: 2e9}}, "per year"),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments, noun):
    with pytest.raises(ss.StudyError, match=noun):
        frontier(line(), site_mw=[100], **arguments)
