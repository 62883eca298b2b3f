"""Break-even values are where the choice turns; checked by solving on both sides."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteselect as ss


def sites(seed: int, n: int = 8) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 0.9, n).round(3),
            "jobs": rng.uniform(1, 9, n).round(2),
            "capacity_mw": rng.choice([100.0, 200.0, 300.0], n),
            "cost_usd_per_mw": rng.uniform(6e6, 12e6, n).round(-4),
            "fixed_cost_usd": rng.uniform(0, 1e8, n).round(-5),
            "state": rng.choice(list("AB"), n),
        },
        index=[f"p{i}" for i in range(n)],
        geometry=gpd.points_from_xy(np.linspace(-100, -94, n), np.full(n, 35.0)),
        crs=4326,
    )


SCORE = {"power_mw": (0, 600), "budget_usd": 5e9, "gap": 0.0}
COST = {"power_mw": (600, None), "objective": "cost", "gap": 0.0}
JOBS = {"power_mw": (0, 500), "objective": "jobs", "budget_usd": 5e9, "gap": 0.0}


def turns(frame, request, plan, label, column, value, step, is_higher_better):
    """Assert that a site enters on one side of a value and not on the other."""
    for way in (1, -1):
        changed = frame.copy()
        changed.loc[label, column] = value + way * step
        again = ss.optimize_sites(changed, **request)
        enters = way > 0 if is_higher_better else way < 0
        if enters:
            assert label in again.sites.index
        else:
            assert label not in again.sites.index
            assert again.objective == pytest.approx(plan.objective)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [[100, 200, 300], (50, 300)], ids=["list", "range"])
def test_break_even_score_and_cost(seed, size):
    frame = sites(seed)
    request = {**SCORE, "site_mw": size}
    plan = ss.optimize_sites(frame, **request)
    seen = 0
    for label in frame.index.difference(plan.sites.index)[:3]:
        told = plan.explain(label)
        assert not told.is_chosen
        turns(frame, request, plan, label, "score", told.break_even_score, 1e-4, True)
        cost = told.break_even_cost
        if np.isfinite(cost):
            seen += 1
            assert 0 <= cost <= frame.at[label, "cost_usd_per_mw"]
            turns(frame, request, plan, label, "cost_usd_per_mw", cost, 200.0, False)
        else:
            free = frame.copy()
            free.loc[label, "cost_usd_per_mw"] = 0.0
            assert label not in ss.optimize_sites(free, **request).sites.index
            assert "no cost would bring it in" in told.reason
    assert seen or seed


@pytest.mark.parametrize("seed", range(3))
def test_break_even_cost_where_cost_is_the_objective(seed):
    frame = sites(seed)
    request = {**COST, "site_mw": [100, 200, 300]}
    plan = ss.optimize_sites(frame, **request)
    for label in frame.index.difference(plan.sites.index)[:3]:
        told = plan.explain(label)
        assert np.isnan(told.break_even_score)
        cost = told.break_even_cost
        turns(frame, request, plan, label, "cost_usd_per_mw", cost, 200.0, False)


def test_break_even_lifetime_cost_under_a_budget():
    frame = sites(1)
    frame["lifetime_cost_usd_per_mw"] = frame["cost_usd_per_mw"].to_numpy()[::-1] * 2
    request = {**COST, "budget_usd": 6e9, "site_mw": [100, 200, 300]}
    plan = ss.optimize_sites(frame, **request)
    for label in frame.index.difference(plan.sites.index)[:3]:
        cost = plan.explain(label).break_even_cost
        column = "lifetime_cost_usd_per_mw"
        turns(frame, request, plan, label, column, cost, 200.0, False)


def test_break_even_value_of_a_column():
    frame = sites(2)
    request = {**JOBS, "site_mw": [100, 200, 300]}
    plan = ss.optimize_sites(frame, **request)
    for label in frame.index.difference(plan.sites.index)[:3]:
        told = plan.explain(label)
        turns(frame, request, plan, label, "jobs", told.break_even_score, 1e-3, True)
        assert "jobs" in told.reason


def test_what_keeps_a_site_out():
    frame = sites(0).assign(capacity_mw=100.0)
    plan = ss.optimize_sites(
        frame, power_mw=900, site_mw=[100], min_spacing_km=100, max_sites=8
    )
    out = frame.index.difference(plan.sites.index)
    for label in out:
        assert plan.explain(label).kept_out_by == ("spacing",)
    plan = ss.optimize_sites(frame, power_mw=900, site_mw=[100], max_sites=3)
    out = frame.index.difference(plan.sites.index)
    assert all(plan.explain(label).kept_out_by == ("sites",) for label in out)


def test_a_site_that_no_plan_can_hold():
    frame = sites(0).assign(capacity_mw=100.0)
    frame.loc["p3", "cost_usd_per_mw"] = 9e10
    plan = ss.optimize_sites(frame, power_mw=300, budget_usd=4e9, site_mw=[100])
    told = plan.explain("p3")
    assert told.conflicts == ("budget",)
    assert told.loss == np.inf


@pytest.mark.parametrize("label", ["p0", "p1", "p2", "p3", "p4"])
def test_it_prints_as_text_and_html(label):
    frame = sites(0).assign(excluded_by=pd.NA)
    frame.loc["p0", "excluded_by"] = "<lake>;airport"
    frame.loc["p1", "capacity_mw"] = 0.0
    frame.loc["p2", "score"] = np.nan
    frame.loc["p3", "capacity_mw"] = 50.0
    plan = ss.optimize_sites(frame, power_mw=600, site_mw=[100, 200])
    told = plan.explain(label)
    assert told.reason in repr(told)
    page = told._repr_html_()
    assert page.startswith("<div>")
    assert "<lake>" not in page
    reasons = {
        "p0": "excluded by <lake>, airport",
        "p1": "capacity is 0 MW",
        "p2": "score is unknown",
        "p3": "capacity is 50 MW",
    }
    assert reasons.get(label, "") in told.reason


@pytest.mark.parametrize("seed", range(2))
def test_the_break_even_lies_within_its_range_where_columns_are_priced_out(seed):
    """The site is forced in, and its score or cost set to either end."""
    frame = sites(seed, 900)
    request = {
        "power_mw": (1000, 1500), "budget_usd": 12e9, "site_mw": [100, 200, 300],
    }  # fmt: skip
    plan = ss.optimize_sites(frame, **request)
    assert "priced out" in plan.solver
    room = 3e-4 * plan.objective
    out = frame.drop(plan.sites.index).sort_values("score", ascending=False)
    for label in out.index[[0, 40]]:
        told = plan.explain(label)
        low, high = told.break_even_score_range
        assert frame.at[label, "score"] <= low + 1e-9 <= high + 1e-9
        assert high == told.break_even_score

        def forced(column, value, label=label):
            changed = frame.copy()
            changed.loc[label, column] = value
            return ss.optimize_sites(changed, **request, fixed=[label]).objective

        assert forced("score", high) >= plan.objective - room
        assert forced("score", low) <= plan.objective + room
        low, high = told.break_even_cost_range
        if np.isfinite(low):
            assert low == told.break_even_cost <= high
            assert forced("cost_usd_per_mw", low) >= plan.objective - room
            higher = min(1.02 * high, frame.at[label, "cost_usd_per_mw"])
            assert forced("cost_usd_per_mw", higher) <= plan.objective + room


@pytest.mark.parametrize("score", [0.0, 1e-6, -0.2, 0.3])
@pytest.mark.parametrize("rate", [0.0, 0.08])
def test_break_even_over_years_is_that_of_one_mw_year(score, rate):
    frame = sites(0).iloc[:2].assign(capacity_mw=100.0, score=[0.9, score])
    request = {
        "years": [2027, 2030],
        "discount_rate": rate,
        "max_sites": 1,
        "site_mw": [100],
        "gap": 0.0,
    }
    plan = ss.optimize_sites(frame, **request)
    told = plan.explain("p1")
    assert told.break_even_score == pytest.approx(0.9)
    turns(frame, request, plan, "p1", "score", told.break_even_score, 1e-4, True)


def test_capacity_that_comes_too_late_is_said():
    frame = (
        sites(0)
        .iloc[:4]
        .assign(
            headroom=[300.0, 300.0, 0.0, 300.0], since=[2027.0, 2033.0, 2027.0, np.nan]
        )
    )
    late = ss.ByYear({2035: "headroom"})
    for room, reasons in (
        (
            ss.Arriving("headroom", "since"),
            {
                "p1": "its capacity is 0 MW until 2030, the last year: "
                "it arrives in 2033",
                "p2": "its capacity is 0 MW until 2030, the last year",
                "p3": "its capacity is unknown",
            },
        ),
        (
            {"p0": 100.0, "p1": 0.0, "p2": 0.0, "p3": np.nan},
            {"p1": "its capacity is 0 MW", "p3": "its capacity is unknown"},
        ),
    ):
        given = pd.Series(room) if isinstance(room, dict) else room
        plan = ss.optimize_sites(
            frame, years=[2027, 2030], site_mw=[100], capacity=given
        )
        for label, reason in reasons.items():
            assert plan.explain(label).reason == reason
    with pytest.raises(ss.StudyError, match="no known capacity over 0 MW"):
        ss.optimize_sites(frame, years=[2027], site_mw=[100], capacity=late)
