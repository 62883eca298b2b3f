"""Robust plans against enumeration; draws, processes and shared groups."""

from __future__ import annotations

from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as hs
from strategies import examples

import siteselect as ss
from siteselect.optimization.robust import common_mode, robust

SIZES = [100, 200]


def candidates(seed: int, n: int = 6) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 0.9, n).round(2),
            "capacity_mw": rng.choice([100.0, 200.0, 250.0], n),
            "cost_usd_per_mw": rng.uniform(5e6, 12e6, n).round(-5),
            "substation": rng.choice(list("ab"), n),
            "headroom_mw": 0.0,
        },
        index=[f"p{k}" for k in range(n)],
        geometry=gpd.points_from_xy(np.linspace(-100, -94, n), np.full(n, 35.0)),
        crs=4326,
    ).assign(headroom_mw=lambda f: f["substation"].map({"a": 300.0, "b": 200.0}))


def drawn_scenarios(seed: int, sites: gpd.GeoDataFrame, kind: str) -> dict:
    """Scenarios that change scores only, costs as well, or what limits read."""
    rng = np.random.default_rng(seed + 1)
    n = len(sites)

    def factor(low: float, high: float) -> pd.Series:
        return pd.Series(rng.uniform(low, high, n).round(2), index=sites.index)

    out: dict = {}
    for k in range(int(rng.integers(2, 6))):
        change: dict = {"score": sites["score"] * factor(0.5, 1.5)}
        if kind != "scores":
            change["cost_usd_per_mw"] = float(rng.choice([0.9, 1.0, 1.2]))
        if kind == "capacity":
            change["capacity_mw"] = sites["capacity_mw"] * rng.choice(
                [1.0, 1.0, 0.7], n
            )
            change["headroom_mw"] = float(rng.choice([1.0, 0.7]))
        out[f"s{k}"] = change
    return out


def frame_of(sites: gpd.GeoDataFrame, change: dict) -> gpd.GeoDataFrame:
    columns = {
        c: sites[c] * how if isinstance(how, float) else how
        for c, how in change.items()
    }
    return sites.assign(**columns)


def plans_of(sites: gpd.GeoDataFrame, request: dict) -> dict[tuple, float]:
    """Every allowed choice of sizes with its objective."""
    out = {}
    low, high = request["power_mw"]
    cost = sites["cost_usd_per_mw"].to_numpy()
    for mw in product([0, *SIZES], repeat=len(sites)):
        size = np.array(mw, dtype=float)
        if not low <= size.sum() <= high:
            continue
        if (size > sites["capacity_mw"].to_numpy() + 1e-9).any():
            continue
        if cost @ size > request.get("budget_usd", np.inf) * (1 + 1e-12):
            continue
        if (size > 0).sum() > request["max_sites"]:
            continue
        used = pd.Series(size, index=sites.index).groupby(sites["substation"]).sum()
        most = sites.groupby("substation")["headroom_mw"].first()
        if (used > most + 1e-9).any():
            continue
        per_mw = cost if request["objective"] == "cost" else sites["score"].to_numpy()
        out[mw] = float(per_mw @ size)
    return out


def worst_mean(losses: np.ndarray, level: float) -> float:
    """The smallest of eta + mean excess over eta: CVaR by its definition."""
    return min(eta + np.maximum(losses - eta, 0).mean() / (1 - level) for eta in losses)


@pytest.mark.parametrize("kind", ["scores", "costs", "capacity"])
@pytest.mark.parametrize("objective", ["score", "cost"])
@examples(6)
@given(seed=hs.integers(0, 10**6), of=hs.sampled_from(["regret", "objective"]))
def test_least_regret_and_best_cvar_equal_enumeration(kind, objective, seed, of):
    sites = candidates(seed)
    scenarios = drawn_scenarios(seed, sites, kind)
    request = {
        "power_mw": (200, 400),
        "max_sites": 3,
        "budget_usd": 4e9,
        "site_mw": SIZES,
        "objective": objective,
    }
    level = 0.5
    sign = -1.0 if objective == "cost" else 1.0
    given_plans = plans_of(sites, request)
    every = [plans_of(frame_of(sites, c), request) for c in scenarios.values()]
    if not given_plans:
        return
    headroom = ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw")
    found = robust(
        sites, scenarios, level=level, of=of, limits=[headroom], gap=0.0, **request
    )
    repr(found)
    found._repr_html_()
    best = [sign * max((sign * v for v in e.values()), default=np.nan) for e in every]
    assert found.best["objective"].to_numpy() == pytest.approx(best, nan_ok=True)
    common = [mw for mw in given_plans if all(mw in plans for plans in every)]
    if not common:
        assert found.least_regret is None
        assert found.best_cvar is None
        assert found.notes
        return
    value = np.array([[plans[mw] for plans in every] for mw in common])
    regret = sign * (np.array(best)[None, :] - value)
    least = regret.max(axis=1).min()
    room = 1e-5 * max(abs(b) for b in best)
    assert found.max_regret == pytest.approx(least, abs=room)
    assert found.max_regret_bound == pytest.approx(least, abs=room)
    losses = regret if of == "regret" else -sign * value
    cvar = min(worst_mean(row, level) for row in losses)
    told = found.cvar if of == "regret" else -sign * found.cvar
    assert told == pytest.approx(cvar, abs=room)
    bound = found.cvar_bound if of == "regret" else -sign * found.cvar_bound
    assert bound == pytest.approx(cvar, abs=room)
    found.least_regret.verify()
    found.best_cvar.verify()
    # Every entry of the table is the plan's own value, or no plan of the scenario.
    for name, row in found.value.iterrows():
        if name == "least regret":
            assert row.notna().all()
    share = pd.Series(0.0, index=sites.index)
    assert found.chosen["share"].between(0, 1).all()
    assert set(found.chosen.index) <= set(share.index)


def test_ranges_are_drawn_the_same_for_the_same_seed():
    sites = candidates(5)
    request = {"power_mw": (200, 400), "site_mw": SIZES, "max_sites": 3}
    one = robust(sites, {"score": (0.7, 1.3)}, n=6, rng=3, **request)
    two = robust(sites, {"score": (0.7, 1.3)}, n=6, rng=3, **request)
    pd.testing.assert_frame_equal(one.regret, two.regret)
    pd.testing.assert_frame_equal(one.chosen, two.chosen)
    assert len(one.best) == 6
    still = robust(sites, {"score": (1.0, 1.0)}, n=2, **request)
    assert still.max_regret == pytest.approx(0, abs=1e-6)
    assert (still.chosen["share"] == 1).all()


def scored() -> tuple[gpd.GeoDataFrame, list[ss.Criterion]]:
    sites = candidates(2, 9).drop(columns="score")
    rng = np.random.default_rng(0)
    sites["free_mw"] = rng.uniform(100, 900, len(sites))
    sites["fiber_km"] = rng.uniform(1, 90, len(sites))
    criteria = [
        ss.Criterion("grid", ss.Column("free_mw"), ss.Rising(0, 1000), weight=2),
        ss.Criterion("fiber", ss.Column("fiber_km"), ss.Falling(0, 100), weight=1),
    ]
    return ss.score_sites(sites, criteria), criteria


def test_weights_make_the_score_anew():
    sites, criteria = scored()
    plan = ss.optimize_sites(sites, power_mw=(200, 200), site_mw=[100])
    found = robust(
        plan,
        {"as given": {"weights": {}}, "fiber": {"weights": {"grid": 0, "fiber": 1}}},
    )
    assert found.best["objective"].iloc[0] == pytest.approx(plan.objective)
    again = ss.score_sites(sites.drop(columns=["score"]), criteria[1:])
    other = ss.optimize_sites(again, power_mw=(200, 200), site_mw=[100])
    assert found.best["objective"].iloc[1] == pytest.approx(other.objective)


def test_criteria_are_shaken_as_for_survival():
    sites, criteria = scored()
    plan = ss.optimize_sites(sites, power_mw=(300, 300), site_mw=[100])
    found = robust(plan, criteria, n=5, rng=1)
    survival = plan.survival(criteria, n=5, rng=1)["survival"]
    share = found.chosen["share"].reindex(survival.index).fillna(0.0)
    assert share.to_numpy() == pytest.approx(survival.to_numpy())


def test_many_columns_are_priced_out_to_the_same_plans():
    sites = candidates(7, 400)
    sites["substation"] = [f"u{k % 90}" for k in range(len(sites))]
    sites["headroom_mw"] = 300.0
    request = {"power_mw": (1000, 1500), "site_mw": SIZES, "max_sites": 8}
    scenarios = drawn_scenarios(1, sites, "costs")
    headroom = ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw")
    request |= {"limits": [headroom], "budget_usd": 9e9, "gap": 1e-6}
    one = robust(sites, scenarios, method="priceout", **request)
    two = robust(sites, scenarios, method="full", **request)
    size = two.best["objective"].abs().max()
    assert one.max_regret == pytest.approx(two.max_regret, abs=2e-5 * size)
    assert one.cvar == pytest.approx(two.cvar, abs=2e-5 * size)
    assert one.max_regret_bound <= one.max_regret
    assert one.max_regret - one.max_regret_bound <= 2e-5 * size


def test_ranges_of_sizes_and_spread_hold_in_every_scenario():
    sites = candidates(3, 8)
    request = {
        "power_mw": (300, 500),
        "site_mw": (50, 220),
        "limits": [ss.Spread("subs", by="substation", at_least=2, max_share=0.7)],
    }
    scenarios = drawn_scenarios(3, sites, "capacity")
    found = robust(sites, scenarios, **request)
    assert found.least_regret is not None
    assert found.regret.loc["least regret"].notna().all()
    mw = found.least_regret.sites["mw"]
    for change in scenarios.values():
        most = frame_of(sites, change)["capacity_mw"]
        assert (mw <= most[mw.index] + 1e-6).all()
    # No plan of the table that holds everywhere has a smaller largest regret.
    whole = found.regret.dropna()
    assert whole.max(axis=1).min() >= found.max_regret_bound - 1e-3


@pytest.mark.slow
def in_a_row() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "score": [0.9, 0.8, 0.5, 0.7, 0.6],
            "capacity_mw": [100.0, 300.0, 100.0, 200.0, 50.0],
            "cost_usd_per_mw": [1e7, 2e7, 1e7, 3e7, 1e7],
        },
        index=list("abcde"),
        geometry=gpd.points_from_xy(range(-100, -95), [32] * 5),
        crs=4326,
    )


def test_plans_with_columns_of_their_own_are_exact():
    sites = in_a_row()
    other = pd.Series([0.1, 0.2, 0.9, 0.8, 0.3], index=sites.index)
    links = pd.DataFrame({"site": list("abcde"), "source": list("XXYYX")})
    for request in (
        {
            "power_mw": (100, 300),
            "limits": [ss.Draw("draw", links, at_most=150, split=True)],
        },
        {"min_sites": 3, "objective": ss.MaxMinDistance()},
    ):
        found = robust(
            sites, {"now": {}, "other": {"score": other}}, site_mw=[50, 100], **request
        )
        assert found.least_regret.verify()["passed"].all()
        assert found.best_cvar.verify()["passed"].all()


def test_a_scenario_that_cannot_be_is_named():
    sites = in_a_row()
    with pytest.raises(ss.SiteSelectError, match="Scenario 'small'"):
        robust(
            sites,
            {"now": {}, "small": {"capacity_mw": 0.1}},
            site_mw=[100],
            fixed=["a"],
        )
    with pytest.raises(ss.SiteSelectError, match="no one value"):
        robust(
            sites,
            {"now": {}},
            site_mw=[50],
            power_mw=(100, 200),
            objective=ss.Lexicographic("score", "cost"),
        )


def test_processes_give_the_same_as_one():
    sites = candidates(11, 7)
    scenarios = drawn_scenarios(11, sites, "costs")
    request = {"power_mw": (200, 400), "site_mw": SIZES, "max_sites": 3}
    one = robust(sites, scenarios, **request)
    two = robust(sites, scenarios, workers=2, **request)
    pd.testing.assert_frame_equal(one.regret, two.regret)
    pd.testing.assert_frame_equal(one.chosen, two.chosen)
    assert one.best.equals(two.best)


@pytest.mark.slow
def test_dask_gives_the_same_as_one():
    distributed = pytest.importorskip("distributed")
    sites = candidates(11, 7)
    scenarios = drawn_scenarios(11, sites, "costs")
    request = {"power_mw": (200, 400), "site_mw": SIZES, "max_sites": 3}
    one = robust(sites, scenarios, **request)
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        two = robust(sites, scenarios, client=client, **request)
    pd.testing.assert_frame_equal(one.regret, two.regret)
    pd.testing.assert_frame_equal(one.chosen, two.chosen)


def test_what_is_no_cluster_is_refused():
    pytest.importorskip("distributed")
    for client in (42, "nonsense"):
        with pytest.raises(ss.StudyError, match="Dask cluster"):
            robust(candidates(1), {"a": {}}, client=client, site_mw=SIZES)


def test_dask_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    sites = candidates(1)
    with pytest.raises(ss.MissingDependencyError, match="distributed"):
        robust(sites, {"a": {}}, client="tcp://127.0.0.1:8786", site_mw=SIZES)


def test_common_mode_counts_what_chosen_sites_share():
    sites = candidates(4)
    plan = ss.optimize_sites(sites, power_mw=600, site_mw=[100])
    table = common_mode(plan)
    expected = plan.sites.groupby("substation")["mw"].agg(["size", "sum"])
    expected = expected[expected["size"] > 1]
    assert table["mw"].sum() == pytest.approx(expected["sum"].sum())
    assert set(table["group"]) == set(expected.index)
    assert table["share"].to_numpy() == pytest.approx(table["mw"] / plan.total_mw)
    with pytest.raises(ss.StudyError, match="substatio"):
        common_mode(plan, by=["substatio"])


@pytest.mark.parametrize(
    ("scenarios", "extra", "noun"),
    [
        ({}, {}, "scenarios"),
        ({"a": {"scores": 1.1}}, {}, "scores"),
        ({"a": {"score": -1}}, {}, "-1"),
        ({"a": {"score": "nothing"}}, {}, "nothing"),
        ({"a": {"score": pd.Series({"p0": 1.0})}}, {}, "each site"),
        ({"score": (1.2, 0.8)}, {}, "range"),
        ({"substation": (0.8, 1.2)}, {}, "numbers"),
        ({"a": {"weights": {"grid": 1}}}, {}, "weight"),
        ({"a": {}}, {"level": 1.0}, "level"),
        ({"a": {}}, {"workers": 0}, "workers"),
        ("score", {}, "str"),
    ],
)
def test_what_is_no_scenario_is_said(scenarios, extra, noun):
    with pytest.raises(ss.StudyError, match=noun):
        robust(candidates(1), scenarios, power_mw=300, site_mw=SIZES, **extra)
