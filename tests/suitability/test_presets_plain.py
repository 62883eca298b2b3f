"""The presets on the bundled layers: sourced, evident, and no region emptied."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import siteselect as ss
from siteselect.errors import StudyError
from siteselect.layers import LayerInfo, datasets, layer_info
from siteselect.suitability import presets

NAMES = ("training", "inference")
EVIDENCE = {"measured", "modelled", "proxy", "synthetic"}


@pytest.fixture(scope="module")
def layers():
    return datasets.load_all(datasets.region("CONUS"))


@pytest.fixture(scope="module")
def sites(layers):
    sites = ss.grid_candidates(datasets.region("CONUS"), spacing_km=40)
    sites["state"] = ss.At(layers["states"], "state")(sites)
    return sites


@pytest.fixture(scope="module", params=NAMES)
def scored(request, layers, sites):
    criteria = getattr(ss.presets, request.param)(layers)
    return ss.score_sites(sites, criteria, exclude=presets.exclusions(layers))


@pytest.mark.parametrize("name", NAMES)
def test_every_criterion_has_a_source_and_evidence(name, layers):
    table = presets.table()
    criteria = getattr(ss.presets, name)(layers)
    assert len(criteria) >= 8
    assert sum(c.weight for c in criteria) == pytest.approx(1)
    for criterion in criteria:
        row = table.loc[criterion.name]
        assert row["bounds_source"]
        assert row["weight_source"]
        assert row["why"]
        assert row["priced_or_limited"]
        assert row[name] == criterion.weight > 0
        said = criterion.describe()
        assert said["evidence"] in EVIDENCE
        info: LayerInfo = layer_info(layers[row["layer"]])
        assert said["evidence"] == info.evidence
        assert said["layer"] == row["layer"]
        assert criterion.unit


def test_weights_of_a_preset_sum_to_one_and_wind_is_in_none():
    table = presets.table()
    assert table[["training", "inference"]].sum().tolist() == pytest.approx([1, 1])
    assert (table[["training", "inference"]].max(axis=1) > 0).all()
    # The design wind of a storm is a hazard; the wind resource is in no preset.
    assert "wind_cf" not in set(table["layer"])


def test_only_geometry_is_needed(sites, layers):
    bare = sites.iloc[::400][["geometry"]].to_crs(5070)
    scored = ss.score_sites(bare, ss.presets.training(layers))
    assert scored["score"].notna().mean() > 0.9


def test_scores_tell_places_apart(scored):
    score = scored["score"].dropna()
    assert score.between(0, 1).all()
    assert score.quantile(0.95) - score.quantile(0.05) > 0.15
    for criterion in scored.attrs["siteselect"]["criteria"]:
        value = scored[f"{criterion['name']}_value"].dropna()
        assert value.nunique() >= 5, criterion["name"]
        assert 0.01 < value.mean() < 0.99, criterion["name"]


def test_eligibility_of_the_bundle_adds_up(scored):
    table = ss.eligibility(scored)
    parts = table[["eligible", "excluded", "unknown", "no_capacity"]].sum(axis=1)
    assert (parts == table["candidates"]).all()
    assert table.loc["all", "candidates"] == len(scored)
    # The District of Columbia is smaller than a cell.
    assert len(table.index.drop(["all", "DC"], errors="ignore")) == 48
    assert (table["excluded: lake"] <= table["excluded"]).all()


def test_missing_data_alone_empties_no_state(scored):
    missing = scored["coverage"] < 1
    missing |= scored["excluded_by"].str.contains("(unknown)", regex=False)
    share = missing.groupby(scored["state"]).mean()
    few = share[share > 0.05]
    by_criterion = ss.eligibility(scored).loc[few.index].filter(like="unknown: ")
    assert few.empty, by_criterion.loc[:, (by_criterion > 0).any()].to_string()


def test_fallbacks_are_counted_and_rare(scored):
    assert scored["fallbacks"].dtype == np.int64
    assert (scored["fallbacks"] > 0).mean() < 0.05


def test_no_candidate_left_in_a_lake_or_without_residents(scored, layers):
    left = scored[scored["score"].notna()]
    assert not ss.Inside(layers["lakes"])(left).any()
    people = ss.Within(
        layers["population_points"], radius_km=20, sum="population", skip_missing=True
    )(left)
    assert (people >= 1).all()


def test_a_missing_layer_is_named(layers):
    some = {k: v for k, v in layers.items() if k != "fiber"}
    with pytest.raises(StudyError, match=r"training.*'fiber'.*load_all"):
        ss.presets.training(some)
    with pytest.raises(StudyError, match="'lakes'"):
        presets.exclusions({k: v for k, v in layers.items() if k != "lakes"})
    with pytest.raises(StudyError, match="no layers"):
        presets.exclusions({})


def test_the_table_prints():
    table = presets.table()
    assert isinstance(table, pd.DataFrame)
    assert table.index.is_unique
    assert not table.isna().any().any()
