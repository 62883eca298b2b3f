"""A plan put together again from its columns is the plan, whatever was chosen."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteselect as ss
from siteselect.optimization.rebuilt import chosen_columns, rebuilt

N = 24


def world():
    """Candidates with sources of water near them."""
    rng = np.random.default_rng(4)
    places = gpd.points_from_xy(rng.uniform(-100, -97, N), rng.uniform(31, 34, N))
    sites = gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.2, 1, N).round(3),
            "capacity_mw": rng.choice([150.0, 300.0, 420.0], N),
            "cost_usd_per_mw": rng.uniform(8e6, 12e6, N).round(-3),
            "water": rng.uniform(1e3, 9e3, N).round(),
            "state": rng.choice(list("ABC"), N),
        },
        index=[f"s{i}" for i in range(N)],
        geometry=places,
        crs=4326,
    )
    wells = gpd.GeoDataFrame(
        {"well": list("uvw"), "mw_free": [260.0, 310.0, 500.0]},
        geometry=gpd.points_from_xy([-99.5, -98.5, -97.5], [32, 33, 32.5]),
        crs=4326,
    )
    return sites, wells


def programs():
    sites, wells = world()
    links = ss.nearest_links(sites, wells, source="well", k=2, usd_per_mw_km=900)
    draw = ss.Draw("wells", links, at_most=wells.set_index("well")["mw_free"])
    split = ss.Draw(
        "wells", links, at_most=wells.set_index("well")["mw_free"], split=True
    )
    dry = {"water": 0.0, "score": sites["score"] * 0.9}
    ways = {"wet": {}, "dry": dry}
    water = ss.Limit("water", per_mw="water", at_most=2.5e6)
    years = {2027: 300, 2028: (500, 900), 2030: (900, 1200)}
    return {
        "sizes": {"site_mw": [100, 300], "power_mw": (800, 900)},
        "ranges": {"site_mw": [(50, 140), 300], "power_mw": (810, 810)},
        "options": {"options": ways, "site_mw": [100, 300], "power_mw": (800, 900),
                    "limits": [water]},
        "options of ranges": {"options": ways, "site_mw": [(50, 300)],
                              "power_mw": (730, 800), "limits": [water]},
        "years": {"site_mw": [100, 300], "power_mw": years},
        "years and options": {"site_mw": [100, 300], "power_mw": years,
                              "options": ways, "limits": [water]},
        "draw": {"site_mw": [100, 200], "power_mw": (500, 900), "limits": [draw]},
        "split": {"site_mw": [100, 200], "power_mw": (500, 900), "limits": [split],
                  "objective": "cost"},
        "in order": {
            "site_mw": [100, 300], "power_mw": (800, 900),
            "objective": ss.Lexicographic(("score", 0.05), "cost"),
        },
        "apart": {"site_mw": [100], "power_mw": (500, 500),
                  "objective": ss.MaxMinDistance(), "min_sites": 5},
        "existing": {"site_mw": [100, 300], "power_mw": (800, 900),
                     "existing": {"s3": 100.0}},
    }  # fmt: skip


@pytest.mark.parametrize("name", programs())
def test_a_plan_is_rebuilt_from_its_columns_to_the_bit(name):
    sites, _ = world()
    asked = programs()[name]
    plan = ss.optimize_sites(sites, **asked)
    stored = json.loads(json.dumps(chosen_columns(plan)))
    moved = [{**one, "at": 10**9} for one in stored]
    # Where columns stood is not needed where names say it; links share those of sites.
    for columns in (stored, moved) if name != "draw" else (stored,):
        again = rebuilt(
            sites,
            columns,
            status=plan.status,
            bound=plan.bound,
            solver=plan.solver,
            **asked,
        )
        assert again.verify()["passed"].all()
        assert (again.objective, again.gap) == (plan.objective, plan.gap)
        pd.testing.assert_frame_equal(again.sites, plan.sites, check_exact=True)
        for table in ("limits", "draws", "upgrades", "by_year"):
            told, was = getattr(again, table), getattr(plan, table)
            pd.testing.assert_frame_equal(
                told.drop(columns="price", errors="ignore"),
                was.drop(columns="price", errors="ignore"),
                check_exact=True,
            )


def test_what_is_no_longer_offered_is_told():
    sites, _ = world()
    plan = ss.optimize_sites(sites, power_mw=(600, 600), site_mw=[300])
    told = {"status": plan.status, "bound": plan.bound, "solver": plan.solver}
    with pytest.raises(ss.StudyError, match="300 MW"):
        rebuilt(sites, chosen_columns(plan), **told, power_mw=600, site_mw=[100])


def test_a_changed_solution_does_not_verify():
    sites, _ = world()
    asked = {"power_mw": (600, 600), "site_mw": [100, 300]}
    plan = ss.optimize_sites(sites, **asked)
    told = {"status": plan.status, "bound": plan.bound, "solver": plan.solver}
    less = rebuilt(sites, chosen_columns(plan)[1:], **told, **asked)
    with pytest.raises(ss.SolverError, match="power"):
        less.verify()
