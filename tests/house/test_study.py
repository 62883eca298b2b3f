"""The bundled study, run once at full size, and what it may never do."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss
from siteselect.layers import spatial


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    lines: list[str] = []
    folder = tmp_path_factory.mktemp("demo")
    made = ss.bundled_study(folder, resolves=3, progress=lines.append)
    return made, lines, folder


def test_it_chooses_three_gigawatts_and_proves_it(study):
    plan = study[0].plan
    assert len(plan.candidates) >= 19_000
    assert plan.total_mw == pytest.approx(3000)
    assert plan.status == "optimal"
    assert plan.gap <= 1e-4
    assert abs(plan.bound - plan.objective) <= 1e-4 * abs(plan.objective) + 1e-9
    plan.verify()


def test_its_limits_hold_when_counted_by_hand(study):
    plan = study[0].plan
    sites = plan.sites
    assert sites["cost_usd"].sum() <= 29e9
    by_substation = sites.groupby("substation").agg({"mw": "sum", "headroom_mw": "max"})
    assert (by_substation["mw"] <= by_substation["headroom_mw"] + 1e-6).all()
    water = sites["mw"] * sites["water_m3_per_mw_year"]
    used = water.groupby(sites["county"]).sum()
    allowed = sites.groupby("county")["water_available_m3_per_year"].first()
    assert (used <= allowed).all()
    carbon = np.average(sites["carbon_kg_per_mwh"], weights=sites["mw"])
    assert carbon <= 350 + 1e-6
    by_state = sites.groupby("state")["mw"].sum()
    assert len(by_state) >= 4
    assert by_state.max() <= 0.35 * 3000 + 1e-6
    near = spatial.nearest(sites, sites, k=2)
    assert near.distance_km[:, 1].min() >= 100


def test_no_pick_lies_in_a_lake_a_dense_town_or_an_empty_cell(study):
    sites = study[0].plan.sites
    lakes = ss.datasets.load("lakes").union_all()
    assert not sites.geometry.intersects(lakes).any()
    people = ss.datasets.load("population_points")
    near = spatial.pairs_within(sites, people, 60.0)
    # A ZIP area is a circle of its land area round its center.
    radius_km = np.sqrt(people["land_km2"].to_numpy() / np.pi)[near.feature]
    covers = near.distance_km <= radius_km + 10
    population = people["population"].fillna(0).to_numpy()[near.feature] * covers
    living = np.bincount(near.site, weights=population, minlength=len(sites))
    assert (living >= 1).all()
    close = near.distance_km <= 10
    inner = np.bincount(near.site, weights=population * close, minlength=len(sites))
    assert (inner / (np.pi * 10**2) < 500).all()


def test_at_least_eight_criteria_over_the_five_seed_layers(study):
    about = study[0].plan.candidates.attrs["siteselect"]["criteria"]
    assert len(about) >= 8
    layers = {c["layer"] for c in about}
    assert {"substations", "solar_cf", "water_stress", "fiber", "workforce"} <= layers


def test_missing_data_alone_empties_no_state(study):
    counts = study[0].eligibility.drop(index="all")
    assert len(counts) >= 48
    assert counts["unknown_share"].max() <= 0.05


def test_it_says_each_step_and_a_readable_end(study):
    made, lines, folder = study
    steps = [line.split()[0] for line in lines]
    assert steps == [
        "layers",
        "candidates",
        "prepare",
        "score",
        "optimize",
        "verify",
        "survival",
        "write",
    ]
    text = made.summary()
    for word in (
        "search area",
        "optimal for these inputs",
        "gap",
        "synthetic",
        "proxy",
        "Not checked",
        "stays",
        "map.png",
    ):
        assert word.lower() in text.lower()
    for label in made.plan.sites.index:
        assert str(label) in text
    assert "Excluded by: lake" in text
    assert sorted(path.name for path in folder.iterdir()) == [
        "eligibility.csv",
        "map.png",
        "plan.json",
        "sites.csv",
        "sites.gpkg",
    ]


def test_its_files_say_the_same_as_the_plan(study):
    made, _, folder = study
    record = json.loads((folder / "plan.json").read_text("utf-8"))
    assert record["status"] == "optimal"
    assert record["gap"] <= 1e-4
    assert record["versions"]["siteselect"] == ss.__version__
    assert len(record["inputs"]) >= 1
    written = gpd.read_file(folder / "sites.gpkg", layer="sites")
    assert written["mw"].sum() == pytest.approx(3000)
    assert len(written) == len(made.plan.sites)
