"""Sites that draw from any of several sources, against plain enumeration."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from strategies import examples

import siteselect as ss
from siteselect.errors import LayerError, SolverError, StudyError
from siteselect.optimization import Draw, nearest_links
from siteselect.optimization._compile import Request, compile_problem

SIZES = [100.0, 200.0]


def world(seed):
    """Draw candidates, links and what the sources hold."""
    rng = random.Random(seed)
    n = rng.randint(2, 4)
    sites = gpd.GeoDataFrame(
        {
            "score": [rng.randint(1, 40) / 40 for _ in range(n)],
            "capacity_mw": [rng.choice([100.0, 200.0, 250.0]) for _ in range(n)],
            "cost_usd_per_mw": [rng.randint(6, 14) * 1e6 for _ in range(n)],
            "fixed_cost_usd": [rng.randint(0, 50) * 1e6 for _ in range(n)],
            "use": [rng.choice([1.0, 2.0, 0.5]) for _ in range(n)],
        },
        index=[f"s{k}" for k in range(n)],
        geometry=gpd.points_from_xy(range(-100, -100 + n), [35] * n),
        crs=4326,
    )
    pairs = [(s, k) for s in sites.index for k in "ABC" if rng.random() < 0.6]
    links = pd.DataFrame(pairs, columns=["site", "source"])
    links["cost_usd_per_mw"] = [rng.randint(0, 3) * 1e6 for _ in pairs]
    links["cost_usd"] = [rng.choice([0.0, 0.0, 40e6]) for _ in pairs]
    most = {k: rng.choice([100.0, 150.0, 300.0, np.inf]) for k in "ABC"}
    budget = rng.choice([1.5e9, 3e9, 6e9])
    return sites, links, most, budget


def cheapest_split(sites, links, most, mw):
    """Return the cheapest way to bring ``mw`` to the sites, None if there is none."""
    rows = [r for r in links.itertuples() if mw[r.site] > 0]
    best = None
    for joined in itertools.product((False, True), repeat=len(rows)):
        used = [r for r, j in zip(rows, joined, strict=True) if j]
        fixed = sum(r.cost_usd for r in used)
        if best is not None and fixed >= best:
            continue
        eq = [[float(r.site == s) for r in used] for s in mw if mw[s] > 0]
        want = [mw[s] for s in mw if mw[s] > 0]
        ub = [
            [float(r.source == k) * sites.at[r.site, "use"] for r in used]
            for k in "ABC"
            if np.isfinite(most[k])
        ]
        cap = [most[k] for k in "ABC" if np.isfinite(most[k])]
        if not used:
            if not want:
                best = 0.0
            continue
        found = linprog(
            [r.cost_usd_per_mw for r in used],
            A_ub=ub or None,
            b_ub=cap or None,
            A_eq=eq or None,
            b_eq=want or None,
        )
        if found.status == 0 and (best is None or found.fun + fixed < best):
            best = found.fun + fixed
    return best


def cheapest_single(sites, links, most, mw):
    """Return the cheapest choice of one source per site, None if there is none."""
    open_sites = [s for s in mw if mw[s] > 0]
    choices = [[r for r in links.itertuples() if r.site == s] for s in open_sites]
    best = None
    for used in itertools.product(*choices):
        load = dict.fromkeys("ABC", 0.0)
        for r in used:
            load[r.source] += mw[r.site] * sites.at[r.site, "use"]
        if all(load[k] <= most[k] + 1e-9 for k in load):
            cost = sum(r.cost_usd_per_mw * mw[r.site] + r.cost_usd for r in used)
            best = cost if best is None else min(best, cost)
    return best


def best_value(sites, links, most, budget, split, minimize):
    cheapest = cheapest_split if split else cheapest_single
    options = [
        [0.0] + [m for m in SIZES if m <= c] for c in sites["capacity_mw"].tolist()
    ]
    best = None
    for sizes in itertools.product(*options):
        if minimize and sum(sizes) < 200:
            continue
        mw = dict(zip(sites.index, sizes, strict=True))
        base = sum(
            sites.at[s, "cost_usd_per_mw"] * m + sites.at[s, "fixed_cost_usd"]
            for s, m in mw.items()
            if m > 0
        )
        if base > budget:
            continue
        tie = cheapest(sites, links, most, mw)
        if tie is None or base + tie > budget + 1e-3:
            continue
        value = sum(sites.at[s, "score"] * m for s, m in mw.items())
        if minimize:
            value = -(base + tie)
        best = value if best is None else max(best, value)
    return best


@given(st.integers(0, 2**32), st.booleans(), st.booleans())
@examples(15)
def test_any_of_several_sources_equals_enumeration(seed, split, minimize):
    sites, links, most, budget = world(seed)
    best = best_value(sites, links, most, budget, split, minimize)
    draw = Draw("headroom", links, at_most=most, per_mw="use", split=split)
    request = {"power_mw": (200, None), "objective": "cost"} if minimize else {}
    for method in ("full", "priceout"):
        try:
            plan = ss.optimize_sites(
                sites,
                site_mw=SIZES,
                budget_usd=budget,
                limits=[draw],
                method=method,
                gap=1e-7,
                **request,
            )
        except ss.InfeasiblePlanError:
            assert best is None
            continue
        plan.verify()
        value = -plan.objective if minimize else plan.objective
        assert value == pytest.approx(best, rel=1e-6, abs=1e-6)


def example(split=False):
    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8], "capacity_mw": 300.0, "cost_usd_per_mw": 1e6},
        geometry=gpd.points_from_xy([-100, -99], [32, 32]),
        crs=4326,
    )
    links = pd.DataFrame(
        {
            "site": [0, 0, 1],
            "source": ["A", "B", "A"],
            "cost_usd_per_mw": [0.0, 2e5, 0.0],
            "cost_usd": [0.0, 1e6, 0.0],
        }
    )
    return sites, Draw("headroom", links, at_most={"A": 300, "B": 100}, split=split)


def test_the_rows_of_single_draws():
    sites, draw = example()
    compiled = compile_problem(
        Request(sites=sites, site_mw=[100, 300], limits=(draw,), budget_usd=1e9)
    )
    problem, rows = compiled.problem, compiled.rows
    # Columns: site 0 at 100 and 300 MW from A or B, site 1 at 100 and 300 MW from A.
    assert problem.column_site.tolist() == [0, 0, 0, 0, 1, 1]
    assert problem.column_mw.tolist() == [100, 100, 300, 300, 100, 300]
    dense = rows.matrix.toarray()
    mine = dense[rows.limit == "headroom"] / rows.scale[rows.limit == "headroom", None]
    option = problem.column_option["headroom"]
    from_a = np.isin(option, [0, 2])
    assert mine[0].tolist() == np.where(from_a, problem.column_mw, 0.0).tolist()
    assert mine[1].tolist() == np.where(from_a, 0.0, problem.column_mw).tolist()
    cost = np.where(from_a, 1e6, 1.2e6) * problem.column_mw + np.where(from_a, 0.0, 1e6)
    assert problem.column_cost.tolist() == cost.tolist()


@pytest.mark.parametrize("split", [False, True])
def test_corrupted_draws_are_rejected(split):
    sites, draw = example(split)
    plan = ss.optimize_sites(sites, site_mw=[100, 300], limits=[draw])
    plan.verify()
    draws = plan.draws
    for changed in (
        draws.iloc[1:],
        draws.assign(mw=draws["mw"] + 50),
        draws.assign(source="A"),
        draws.assign(source="Z"),
        draws.assign(site=draws["site"].iloc[::-1].to_numpy()),
    ):
        with pytest.raises(SolverError):
            replace(plan, draws=changed).verify()


def test_a_site_without_a_link_is_never_chosen():
    sites, draw = example()
    only = replace(draw, links=draw.links.iloc[2:])
    plan = ss.optimize_sites(sites, site_mw=[100, 300], limits=[only])
    assert list(plan.sites.index) == [1]


def test_bad_links_are_refused():
    _, draw = example()
    links = draw.links
    with pytest.raises(LayerError, match="repeated"):
        Draw("h", pd.concat([links, links]), at_most=100)
    with pytest.raises(LayerError, match="negative"):
        Draw("h", links.assign(cost_usd=-1.0), at_most=100)
    with pytest.raises(LayerError, match="missing"):
        Draw("h", links.assign(source=[None, "B", "A"]), at_most=100)
    with pytest.raises(StudyError, match="'B'"):
        Draw("h", links, at_most={"A": 1})
    with pytest.raises(StudyError, match="at_most"):
        Draw("h", links, at_most="headroom_mw")
    with pytest.raises(StudyError, match="'site' and 'source'"):
        Draw("h", links.rename(columns={"site": "a"}), at_most=1)


def test_nearest_links_price_the_line():
    sites, _ = example()
    buses = gpd.GeoDataFrame(
        {"bus": ["X", "Y", "Z"]},
        geometry=gpd.points_from_xy([-100, -99, -90], [32, 32.5, 32]),
        crs=4326,
    )
    links = nearest_links(
        sites, buses, source="bus", k=3, max_km=200, usd_per_km=2e6, usd_per_mw_km=1e3
    )
    assert set(links["source"]) == {"X", "Y"}
    assert np.allclose(links["cost_usd"], 2e6 * links["km"])
    assert np.allclose(links["cost_usd_per_mw"], 1e3 * links["km"])
    with pytest.raises(StudyError, match="name"):
        nearest_links(sites, buses.assign(bus="X"), source="bus")


def test_a_link_that_carries_nothing_costs_nothing():
    sites, draw = example(split=True)
    cheap = replace(draw, at_most={"A": 1000, "B": 1000})
    plan = ss.optimize_sites(sites, site_mw=[100, 300], limits=[cheap])
    plan.verify()
    joined = set(zip(plan.draws["site"], plan.draws["source"], strict=True))
    assert (0, "B") in joined or plan.total_cost_usd == 600e6


def test_a_fixed_site_without_a_link_names_both():
    sites, draw = example()
    links = draw.links[draw.links["site"] != 0]
    lone = replace(draw, links=links)
    with pytest.raises(StudyError, match=f"fixed and {lone.name!r} contradict"):
        ss.optimize_sites(sites, site_mw=[100], fixed=[0], limits=[lone])
