"""The presets on the bundle: sourced, by geometry alone, no state emptied."""

from __future__ import annotations

from dataclasses import replace

import pytest

import siteselect.layers.datasets as datasets
from siteselect.suitability import (
    At,
    Criterion,
    Falling,
    Near,
    Nearest,
    Rising,
    Sample,
    Within,
    eligibility,
    grid_candidates,
    presets,
    score_sites,
)

SEED_LAYERS = {"substations", "solar_cf", "water_stress", "fiber", "workforce"}


@pytest.fixture(scope="module")
def layers():
    return datasets.load_all()


@pytest.fixture(scope="module", params=[30, 20])
def sites(request, layers):
    grid = grid_candidates(datasets.region("CONUS"), spacing_km=request.param)
    return grid.assign(state=At(layers["states"], "state")(grid))


def test_every_figure_has_a_source_or_is_marked_judgement():
    rows = presets.table()
    assert (rows[["training", "inference"]].sum() - 1).abs().max() < 1e-12
    for column in ("bounds_source", "weight_source", "priced_or_limited", "why"):
        assert (rows[column].str.len() > 0).all()
    assert not (rows["layer"] == "wind_cf").any()
    assert len(rows[rows["training"] > 0]) >= 8
    assert set(rows["layer"][rows["training"] > 0]) >= SEED_LAYERS
    assert set(rows["layer"][rows["inference"] > 0]) >= SEED_LAYERS


@pytest.mark.parametrize("preset", [presets.training, presets.inference])
def test_missing_data_empties_no_state(preset, layers, sites):
    scored = score_sites(sites, preset(layers), exclude=presets.exclusions(layers))
    table = eligibility(scored)
    assert len(table.drop(["all", "DC"], errors="ignore")) == 48
    unknown = scored["coverage"] < 1
    share = unknown.groupby(scored["state"]).mean()
    assert share.max() <= 0.05
    assert table["unknown_share"].max() <= 0.05
    assert (table["eligible"].drop("all") > 0).sum() >= 47
    said = scored.attrs["siteselect"]["criteria"]
    assert all(item["evidence"] != "unstated" for item in said)


def test_figures_borrowed_from_nearby_are_flagged(layers, sites):
    criteria = presets.training(layers)
    scored = score_sites(sites, criteria)
    borrowed = 0
    for criterion in criteria:
        if getattr(criterion.measure, "reach_km", 0) > 0:
            own = replace(criterion.measure, reach_km=0)(sites)
            borrowed += own.isna() & scored[f"{criterion.name}_raw"].notna()
    assert (scored["fallbacks"] == borrowed).all()
    assert 0 < (scored["fallbacks"] > 0).mean() < 0.1


def test_the_example_of_the_design_runs_as_written():
    area = datasets.region("Texas")
    layers = datasets.load_all(area)
    sites = grid_candidates(area, spacing_km=10)
    criteria = [
        Criterion(
            "grid",
            Within(layers["substations"], radius_km=25, max="hosting_capacity_mw"),
            Rising(100, 1000),
            weight=0.35,
        ),
        Criterion("fiber", Nearest(layers["fiber"]), Falling(1, 80), weight=0.20),
        Criterion(
            "water",
            At(layers["water_stress"], "stress"),
            Falling(0.1, 0.8),
            weight=0.15,
        ),
        Criterion("solar", Sample(layers["solar_cf"]), Rising(0.14, 0.30), weight=0.10),
        Criterion(
            "labor",
            Within(layers["workforce"], radius_km=80, sum="electricians"),
            Rising(500, 20000),
            weight=0.20,
        ),
    ]
    scored = score_sites(sites, criteria, exclude=[Near(layers["lakes"], km=0.5)])
    assert len(scored) == len(sites) > 6_500
    assert scored["score"].notna().mean() > 0.95
    assert scored["score"].dropna().between(0, 1).all()
