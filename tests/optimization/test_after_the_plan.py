"""Alternatives, importance, explanations and survival against plain enumeration."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import strategies as st
from hypothesis import assume, given
from hypothesis import strategies as hs

import siteselect as ss
from siteselect.optimization import listing, shared_core
from siteselect.optimization.alternatives import alternatives
from siteselect.optimization.importance import importance


def instance(seed: int, n: int = 7) -> gpd.GeoDataFrame:
    """Sites on a line, 100 MW each, with costs and random scores."""
    rng = np.random.default_rng(seed)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 0.9, n).round(3),
            "capacity_mw": 100.0,
            "cost_usd_per_mw": rng.uniform(5e6, 12e6, n).round(-4),
        },
        index=[f"p{i}" for i in range(n)],
        geometry=gpd.points_from_xy(np.linspace(-100, -94, n), np.full(n, 35.0)),
        crs=4326,
    )


REQUEST = {"power_mw": (300, 300), "site_mw": [100], "budget_usd": 2.5e9, "gap": 0.0}


def ranked(sites: gpd.GeoDataFrame) -> list[tuple[float, frozenset]]:
    """Every set of three within the budget, best first."""
    cost = sites["cost_usd_per_mw"] * 100
    sets = [
        (float(sites.loc[list(s), "score"].sum() * 100), frozenset(s))
        for s in combinations(sites.index, 3)
        if cost[list(s)].sum() <= 2.5e9
    ]
    return sorted(sets, key=lambda pair: -pair[0])


SEEDS = [s for s in range(12) if len(ranked(instance(s))) >= 6]


@pytest.mark.parametrize("most", [0, listing.MOST_PLANS])
@pytest.mark.parametrize("seed", SEEDS)
def test_alternatives_are_the_next_best_sets(seed, most, monkeypatch):
    # Whether plans are listed or each takes an integer program.
    monkeypatch.setattr(shared_core, "MOST_PLANS", most)
    sites = instance(seed)
    plan = ss.optimize_sites(sites, **REQUEST)
    expected = ranked(sites)
    found = plan.alternatives(4)
    assert plan.objective == pytest.approx(expected[0][0])
    got = [other.objective for other in found]
    assert got == pytest.approx([value for value, _ in expected[1:5]])
    chosen = [frozenset(p.sites.index) for p in (plan, *found)]
    assert len(set(chosen)) == len(chosen)
    for other in found:
        other.verify()


@pytest.mark.parametrize("seed", SEEDS)
def test_importance_is_what_is_lost_without_the_site(seed):
    sites = instance(seed)
    plan = ss.optimize_sites(sites, **REQUEST)
    table = plan.importance()
    best = ranked(sites)[0][0]
    for label, row in table.iterrows():
        without = [value for value, chosen in ranked(sites) if label not in chosen]
        loss = best - without[0] if without else np.inf
        assert row["loss"] == pytest.approx(loss, abs=1e-6)
    assert set(table.index) == set(plan.sites.index)
    assert table["loss"].is_monotonic_decreasing


def every_set(drawn: st.Instance) -> dict[frozenset, float]:
    """Return the best objective of every allowed set of sites, by enumeration."""
    frame, arguments = drawn.sites, drawn.arguments
    sizes, minimize = arguments["site_mw"], arguments["objective"] == "cost"
    able = [s for s in frame.index if st.can_hold(frame, s, sizes)]
    best = st._best_sizes if isinstance(sizes, list) else st._best_range
    out = {}
    for chosen in (list(c) for k in range(9) for c in combinations(able, k)):
        if not st.set_is_allowed(drawn, chosen):
            continue
        rows = st.linear_rows(drawn, chosen)
        value = [st.value_per_mw(drawn, s) for s in chosen]
        found = best(frame, sizes, chosen, rows, value, minimize)
        if found is not None:
            if minimize:
                found += sum(float(frame.at[s, "fixed_cost_usd"]) for s in chosen)
            out[frozenset(chosen)] = found
    return out


def apart(one: frozenset, other: frozenset) -> int:
    """In how many sites two sets differ: a swap counts once."""
    return max(len(one - other), len(other - one))


def drawn_plan(drawn: st.Instance) -> tuple[ss.SitePlan, dict[frozenset, float]]:
    sets = every_set(drawn)
    # A frame without any usable site is an error of its own.
    assume(sets and any(sets))
    limits = st.build_limits(drawn.sites, drawn.says)
    arguments = {**drawn.arguments, "gap": 0.0, "limits": limits}
    return ss.optimize_sites(drawn.sites, **arguments), sets


@pytest.mark.parametrize("different_by", [1, 2])
@st.examples(20)
@given(drawn=hs.one_of(st.instances("sizes"), st.instances("range")))
def test_alternatives_rank_all_plans_like_enumeration(drawn, different_by):
    plan, sets = drawn_plan(drawn)
    sign = -1.0 if drawn.arguments["objective"] == "cost" else 1.0
    found = alternatives(plan, 6, different_by=different_by)
    before = [frozenset(plan.sites.index)]
    for other in found:
        left = [
            value
            for key, value in sets.items()
            if all(apart(key, old) >= different_by for old in before)
        ]
        best = sign * max(sign * value for value in left)
        assert other.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
        assert sign * other.bound >= sign * best - 1e-6 * max(1, abs(best))
        assert other.status == "optimal" or other.gap < 1e-6
        other.verify()
        before.append(frozenset(other.sites.index))
    if len(found) < 6:
        assert not any(
            all(apart(key, old) >= different_by for old in before) for key in sets
        )


@st.examples(20)
@given(drawn=hs.one_of(st.instances("sizes"), st.instances("range")))
def test_importance_is_the_loss_by_enumeration(drawn):
    plan, sets = drawn_plan(drawn)
    sign = -1.0 if drawn.arguments["objective"] == "cost" else 1.0
    for label, row in importance(plan).iterrows():
        left = [sign * value for key, value in sets.items() if label not in key]
        loss = sign * plan.objective - max(left) if left else np.inf
        assert row["loss"] == pytest.approx(loss, rel=1e-6, abs=1e-5)


def test_alternatives_stop_where_they_are_worse_than_asked():
    sites = instance(1)
    plan = ss.optimize_sites(sites, **REQUEST)
    values = [other.objective for other in alternatives(plan, 50)]
    for share in (0.0, 0.05, 0.2):
        near = [v for v in values if v >= (1 - share) * plan.objective - 1e-9]
        found = alternatives(plan, 50, within=share)
        assert [other.objective for other in found] == pytest.approx(near)
    for wrong in ({"n": 0}, {"different_by": 0}, {"n": 1.5}, {"within": -0.1}):
        with pytest.raises(ss.StudyError, match="alternatives"):
            alternatives(plan, **{"n": 1, **wrong})


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_break_even_score_is_where_the_choice_turns(seed):
    sites = instance(seed)
    plan = ss.optimize_sites(sites, **REQUEST)
    for label in sites.index.difference(plan.sites.index):
        told = plan.explain(label)
        forced = [value for value, chosen in ranked(sites) if label in chosen]
        if not forced:
            assert told.loss == np.inf
            assert told.conflicts
            continue
        assert told.loss == pytest.approx(plan.objective - forced[0], abs=1e-6)
        for nudge, enters in ((1e-4, True), (-1e-4, False)):
            changed = sites.copy()
            changed.loc[label, "score"] = told.break_even_score + nudge
            again = ss.optimize_sites(changed, **REQUEST)
            assert (label in again.sites.index) is enters


def test_explain_names_exclusion_unknown_capacity_and_size():
    sites = instance(0).assign(excluded_by="")
    sites.loc["p0", ["score", "excluded_by"]] = [np.nan, "lake;airport"]
    sites["grid_contribution"] = sites["score"]
    sites.loc["p1", ["score", "grid_contribution"]] = np.nan
    sites.loc["p2", "capacity_mw"] = 0.0
    sites.loc["p3", "capacity_mw"] = 50.0
    plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    assert "lake, airport" in plan.explain("p0").reason
    assert "grid missing" in plan.explain("p1").reason
    assert "capacity is 0" in plan.explain("p2").reason
    assert "no size" in plan.explain("p3").reason
    with pytest.raises(ss.StudyError, match="label"):
        plan.explain("nowhere")


def scored_sites(n: int = 12) -> tuple[gpd.GeoDataFrame, list[ss.Criterion]]:
    """Scored sites with two plain criteria."""
    rng = np.random.default_rng(4)
    sites = gpd.GeoDataFrame(
        {
            "free_mw": rng.uniform(100, 900, n),
            "fiber_km": rng.uniform(1, 90, n),
            "capacity_mw": 100.0,
        },
        geometry=gpd.points_from_xy(rng.uniform(-100, -94, n), rng.uniform(33, 38, n)),
        crs=4326,
    )
    criteria = [
        ss.Criterion("grid", ss.Column("free_mw"), ss.Rising(0, 1000), weight=2),
        ss.Criterion("fiber", ss.Column("fiber_km"), ss.Falling(0, 100), weight=1),
    ]
    return ss.score_sites(sites, criteria), criteria


def test_nothing_shaken_means_everything_survives():
    scored, criteria = scored_sites()
    plan = ss.optimize_sites(scored, power_mw=(300, 300), site_mw=[100])
    still = dict.fromkeys(("measured", "unstated"), 0.0)
    table = plan.survival(criteria, n=3, noise=still, weight_spread=0.0)
    assert (table["survival"] == 1).all()
    assert (table["survival_near"] == 1).all()
    assert table["mw_mean"].tolist() == plan.sites["mw"].tolist()


def test_survival_is_repeatable_and_falls_with_noise():
    scored, criteria = scored_sites()
    plan = ss.optimize_sites(scored, power_mw=(300, 300), site_mw=[100])
    one = plan.survival(criteria, n=12, rng=1)
    pd.testing.assert_frame_equal(one, plan.survival(criteria, n=12, rng=1))
    loud = plan.survival(criteria, n=12, rng=1, noise={"unstated": 2.0})
    assert loud["survival"].mean() < one["survival"].mean()
    assert loud["survival"].between(0, 1).all()


def test_survival_needs_the_raw_columns():
    scored, criteria = scored_sites()
    plan = ss.optimize_sites(
        scored.drop(columns="grid_raw"), power_mw=(300, 300), site_mw=[100]
    )
    with pytest.raises(ss.StudyError, match=r"(?i:raw columns)"):
        plan.survival(criteria)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("different_by", [1, 2])
def test_alternatives_over_years_differ_in_the_end_and_verify(seed, different_by):
    sites = instance(seed, 4)
    sites["score"] -= 0.4  # Some are worth nothing: they come late, or not at all.
    most = {2027: 100, 2030: 300}
    plan = ss.optimize_sites(
        sites, power_mw=most, site_mw=[100], gap=0.0, budget_usd={2030: 2.5e9}
    )
    # Of a set of sites, one at most stands from the first year on.
    best: dict[frozenset, float] = {}
    for k in range(4):
        for chosen in combinations(sites.index, k):
            if sites.loc[list(chosen), "cost_usd_per_mw"].sum() * 100 > 2.5e9:
                continue
            score = sites.loc[list(chosen), "score"] * 100
            best[frozenset(chosen)] = score.sum() + max(0.0, score.max() if k else 0.0)
    before = [frozenset(plan.sites.index)]
    assert plan.objective == pytest.approx(max(best.values()))
    found = plan.alternatives(5, different_by=different_by)
    for other in found:
        left = [
            value
            for key, value in best.items()
            if all(apart(key, old) >= different_by for old in before)
        ]
        assert other.objective == pytest.approx(max(left), abs=1e-6)
        assert other.verify()["passed"].all()
        before.append(frozenset(other.sites.index))
    near = plan.alternatives(5, within=0.3, different_by=different_by)
    assert len(near) == sum(
        other.objective >= 0.7 * plan.objective - 1e-9 for other in found
    )
    assert all(other.verify()["passed"].all() for other in near)
