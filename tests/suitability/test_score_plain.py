"""Scores against a plain reimplementation, and what must not change them."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box
from suitability.world import (
    features,
    frame,
    places,
    plain_at,
    plain_nearest,
    plain_within,
    same,
)

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.suitability import normalize_weights

weights = st.lists(
    st.one_of(st.just(0.0), st.integers(1, 9).map(float)), min_size=4, max_size=4
).filter(any)
PARTS = ("raw", "value", "contribution")
RESULT = (
    "score",
    "score_low",
    "score_high",
    "coverage",
    "excluded_by",
    "fallbacks",
)


@st.composite
def studies(draw):
    """Draw candidates, three layers and weights."""
    return (
        draw(places(most=5)),
        draw(features(kinds=("point",), most=5)),
        draw(features(kinds=("polygon",), most=4)),
        draw(weights),
    )


def criteria_of(points, areas, weight):
    return [
        ss.Criterion(
            "grid",
            ss.Within(points, radius_km=90, max="mw"),
            ss.Rising(-20, 300),
            weight=weight[0],
        ),
        ss.Criterion(
            "fiber", ss.Nearest(points), ss.Falling(10, 200), weight=weight[1]
        ),
        ss.Criterion("water", ss.At(areas, "mw"), ss.Rising(0, 400), weight=weight[2]),
        ss.Criterion(
            "size", ss.Column("acres"), ss.Between(0, 10, 300, 500), weight=weight[3]
        ),
    ]


def score_columns(scored, names=("grid", "fiber", "water", "size")):
    return scored[[f"{n}_{p}" for n in names for p in PARTS] + list(RESULT)]


@settings(max_examples=25)
@given(studies())
def test_score_is_the_plain_one(study):
    sites, points, areas, weight = study
    before = [f.copy() for f in (sites, points, areas)]
    scored = ss.score_sites(sites, criteria_of(points, areas, weight))
    for given_frame, copy in zip((sites, points, areas), before, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(given_frame), pd.DataFrame(copy))

    raw = {
        "grid": plain_within(sites, points, 90, "max", "mw"),
        "fiber": plain_nearest(sites, points),
        "water": plain_at(sites, areas, "mw"),
        "size": sites["acres"].tolist(),
    }

    def clip(x):
        return min(1.0, max(0.0, x))

    def between(x):
        return clip(min(x / 10, (500 - x) / 200))

    value_of = {
        "grid": lambda x: clip((x + 20) / 320),
        "fiber": lambda x: clip((200 - x) / 190),
        "water": lambda x: clip(x / 400),
        "size": between,
    }
    for i in range(len(sites)):
        total = coverage = 0.0
        complete = True
        for name, w in zip(raw, weight, strict=True):
            share = w / sum(weight)
            x = raw[name][i]
            value = np.nan if np.isnan(x) else value_of[name](x)
            same(scored[f"{name}_raw"].iloc[i], x, rtol=1e-3, atol=1e-3)
            same(scored[f"{name}_value"].iloc[i], value, atol=1e-3)
            wanted = 0.0 if w == 0 else share * value
            same(scored[f"{name}_contribution"].iloc[i], wanted, atol=1e-3)
            total += wanted
            if np.isnan(value):
                complete &= w == 0
            else:
                coverage += share
        same(scored["score"].iloc[i], total if complete else np.nan, atol=1e-3)
        same(scored["coverage"].iloc[i], 1.0 if complete else coverage)
    assert (scored["excluded_by"] == "").all()
    assert (scored["fallbacks"] == 0).all()


@settings(max_examples=20)
@given(studies())
def test_contributions_sum_to_the_score(study):
    sites, points, areas, weight = study
    scored = ss.score_sites(sites, criteria_of(points, areas, weight))
    parts = scored[[c for c in scored if c.endswith("_contribution")]]
    known = scored["score"].notna()
    same(parts[known].sum(axis=1), scored.loc[known, "score"], atol=1e-12)
    assert parts[~known].isna().any(axis=1).all()
    assert scored["score"].dropna().between(0, 1 + 1e-12).all()
    assert scored["coverage"].between(0, 1).all()
    assert (scored["coverage"][known] == 1).all()


@settings(max_examples=20)
@given(studies(), st.integers(1, 4))
def test_another_candidate_never_changes_a_score(study, n):
    sites, points, areas, weight = study
    criteria = criteria_of(points, areas, weight)
    whole = score_columns(ss.score_sites(sites, criteria))
    part = score_columns(ss.score_sites(sites.iloc[:n], criteria))
    pd.testing.assert_frame_equal(whole.iloc[:n], part, check_exact=True)


@settings(max_examples=20)
@given(studies(), st.randoms(use_true_random=False))
def test_order_labels_and_geometry_name_do_not_matter(study, random):
    sites, points, areas, weight = study
    criteria = criteria_of(points, areas, weight)
    rules = [ss.Near(areas, km=3, name="near")]
    scored = ss.score_sites(sites, criteria, exclude=rules)
    order = list(range(len(sites)))
    random.shuffle(order)
    other = sites.iloc[order].rename_geometry("where")
    other.index = [f"x{i}" for i in order]
    again = ss.score_sites(other, criteria, exclude=rules)
    assert again.geometry.name == "where"
    assert again.index.tolist() == other.index.tolist()
    left = score_columns(scored).iloc[order].reset_index(drop=True)
    right = score_columns(again).reset_index(drop=True)
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@settings(max_examples=20)
@given(studies())
def test_crs_does_not_matter(study):
    sites, points, areas, weight = study
    criteria = criteria_of(points, areas, weight)
    scored = ss.score_sites(sites, criteria)
    again = ss.score_sites(sites.to_crs(5070), criteria)
    assert scored.crs.to_epsg() == 4326
    assert again.crs.to_epsg() == 5070
    pd.testing.assert_frame_equal(
        score_columns(scored), score_columns(again), rtol=1e-6, atol=1e-6
    )
    layers = criteria_of(points.to_crs(5070), areas, weight)
    pd.testing.assert_frame_equal(
        score_columns(scored),
        score_columns(ss.score_sites(sites, layers)),
        rtol=1e-6,
        atol=1e-6,
    )


@settings(max_examples=20)
@given(studies(), st.sampled_from([1e-9, 0.5, 3.0, 1e12]))
def test_only_the_ratio_of_weights_counts(study, times):
    sites, points, areas, weight = study
    scored = ss.score_sites(sites, criteria_of(points, areas, weight))
    again = ss.score_sites(
        sites, criteria_of(points, areas, [w * times for w in weight])
    )
    pd.testing.assert_frame_equal(
        score_columns(scored), score_columns(again), rtol=1e-12, atol=1e-12
    )


SITES = frame(
    [Point(0, 0), Point(1, 0), Point(2, 0)],
    index=pd.Index(["a", "b", "c"], name="site"),
    acres=[100.0, np.nan, 300.0],
    zone=pd.Series(["4A", None, "5A"], dtype="str").to_numpy(),
    other=[Point(5, 5)] * 3,
)
SIZE = ss.Criterion("size", ss.Column("acres"), ss.Rising(0, 400))


def test_frame_is_kept():
    sites = SITES.copy()
    sites["other"] = gpd.GeoSeries(sites["other"], crs=3857)
    sites.attrs["mine"] = {"a": 1}
    scored = ss.score_sites(sites, [SIZE])
    assert scored.columns.tolist() == [
        *sites.columns,
        *(f"size_{p}" for p in PARTS),
        *RESULT,
    ]
    pd.testing.assert_frame_equal(
        pd.DataFrame(scored[sites.columns]), pd.DataFrame(sites)
    )
    assert scored.index.name == "site"
    assert scored["other"].crs.to_epsg() == 3857
    assert scored.attrs["mine"] == {"a": 1}
    assert "siteselect" not in sites.attrs
    assert sites.attrs["mine"] is not scored.attrs["mine"]


def test_no_candidates_is_an_empty_table():
    layer = frame([box(0, 0, 1, 1)], mw=[1.0])
    scored = ss.score_sites(
        SITES.iloc[:0],
        [
            SIZE,
            ss.Criterion("near", ss.Nearest(layer), ss.Falling(0, 9)),
            ss.Criterion("at", ss.At(layer, "mw"), ss.Rising(0, 9)),
            ss.Criterion(
                "sum", ss.Within(layer, radius_km=9, sum="mw"), ss.Rising(0, 9)
            ),
        ],
        exclude=[ss.Near(layer, km=1), ss.Inside(layer)],
    )
    assert len(scored) == 0
    assert {"near_raw", "score", "excluded_by"} <= set(scored)


def test_scoring_again_replaces_the_earlier_scoring():
    flat = ss.Criterion("flat", ss.Column("acres"), ss.Falling(0, 400))
    once = ss.score_sites(SITES, [SIZE])
    second = ss.score_sites(once, [flat])
    assert not [c for c in second if c.startswith("size_")]
    third = ss.score_sites(second, [SIZE])
    pd.testing.assert_frame_equal(pd.DataFrame(third), pd.DataFrame(once))


def test_a_column_of_the_users_own_is_not_written_over():
    with pytest.raises(StudyError, match=r"'score'.*drop"):
        ss.score_sites(SITES.assign(score=1.0), [SIZE])
    with pytest.raises(StudyError, match="size_raw"):
        ss.score_sites(SITES.assign(size_raw=1.0), [SIZE])


def test_criteria_are_described_in_attrs():
    layer = frame([Point(0, 0)], mw=[5.0])
    best = ss.Within(layer, radius_km=9, max="mw", where=lambda rows: rows["mw"] > 0)
    scored = ss.score_sites(
        SITES,
        [
            ss.Criterion("size", ss.Column("acres"), ss.Rising(0, 400), weight=3),
            ss.Criterion("grid", best, ss.Rising(0, 9), evidence="synthetic"),
            ss.Criterion(
                "own", lambda f: f["acres"] * 0, lambda raw: raw + 1, weight=0
            ),
        ],
        exclude=[ss.Where("acres", below=50, name="small")],
    )
    said = json.loads(json.dumps(scored.attrs["siteselect"]))
    assert [c["name"] for c in said["criteria"]] == ["size", "grid", "own"]
    assert [c["weight"] for c in said["criteria"]] == [0.75, 0.25, 0]
    assert [c["given_weight"] for c in said["criteria"]] == [3, 1, 0]
    assert said["criteria"][1]["evidence"] == "synthetic"
    wanted = {"name", "weight", "evidence", "unit", "layer", "measure", "value"}
    assert all(wanted <= set(c) for c in said["criteria"])
    assert said["exclusions"] == ["small"]


def test_a_weight_of_zero_shows_and_does_not_count():
    idle = ss.Criterion("idle", ss.Column("acres"), ss.Rising(0, 400), weight=0)
    fixed = ss.Criterion("fixed", lambda f: f.geometry.x, ss.Rising(0, 2))
    scored = ss.score_sites(SITES, [idle, fixed])
    assert scored["score"].tolist() == [0, 0.5, 1]
    assert scored["coverage"].tolist() == [1, 1, 1]
    assert scored["idle_contribution"].tolist() == [0, 0, 0]


def test_labels_and_booleans_are_scored():
    zone = ss.Criterion(
        "zone", ss.Column("zone"), ss.Categories({"4A": 0.25, "5A": 1.0})
    )
    scored = ss.score_sites(SITES, [zone])
    np.testing.assert_array_equal(scored["score"], [0.25, np.nan, 1])
    assert scored["zone_raw"].tolist()[::2] == ["4A", "5A"]
    open_ = SITES.assign(is_open=[True, False, True])
    yes = ss.Criterion("yes", ss.Column("is_open"), ss.Rising(0, 1))
    assert ss.score_sites(open_, [yes])["score"].tolist() == [1, 0, 1]


def test_extension_columns_keep_their_missing():
    sites = SITES.assign(acres=pd.array([100, None, 300], dtype="Int64"))
    np.testing.assert_array_equal(
        ss.score_sites(sites, [SIZE])["score"], [0.25, np.nan, 0.75]
    )


def own(measure=None, value=None):
    """Return a criterion made of functions."""
    return ss.Criterion(
        "mine", measure or (lambda f: f["acres"]), value or ss.Rising(0, 400)
    )


@pytest.mark.parametrize(
    ("criteria", "error", "nouns"),
    [
        (lambda: [], StudyError, ["criteria", "none"]),
        (lambda: ["grid"], StudyError, ["'grid'", "Criterion"]),
        (lambda: [SIZE, SIZE], StudyError, ["'size'", "once", "rename"]),
        (
            lambda: [ss.Criterion("size", ss.Column("acers"), ss.Rising(0, 1))],
            LayerError,
            ["'size'", "'acers'", "Did you mean 'acres'"],
        ),
        (
            lambda: [ss.Criterion("s", ss.Column("acres"), ss.Rising(0, 1), weight=0)],
            StudyError,
            ["all weights zero", "(s)", "above 0"],
        ),
        (
            lambda: [own(lambda f: f["acres"].replace(100.0, np.inf))],
            StudyError,
            ["'mine'", "mine_raw", "inf", "'a'", "finite"],
        ),
        (
            lambda: [own(lambda f: f["acres"].reset_index(drop=True))],
            StudyError,
            ["'mine'", "another index", "reindex"],
        ),
        (
            lambda: [own(lambda f: f["acres"].iloc[::-1])],
            StudyError,
            ["'mine'", "another index"],
        ),
        (lambda: [own(lambda f: [1, 2, 3])], StudyError, ["'mine'", "list"]),
        (
            lambda: [own(value=lambda raw: raw / 100)],
            StudyError,
            ["'mine'", "mine_value", "3", "'c'", "[0, 1]"],
        ),
        (
            lambda: [own(value=lambda raw: np.nan_to_num(raw) * 0)],
            StudyError,
            ["'mine'", "unknown", "'b'", "NaN"],
        ),
        (
            lambda: [own(value=lambda raw: 1.0)],
            StudyError,
            ["'mine'", "shape ()", "3 sites"],
        ),
        (
            lambda: [own(lambda f: f["zone"])],
            StudyError,
            ["'mine'", "'4A'", "'a'", "Categories"],
        ),
        (
            lambda: [
                ss.Criterion("z", ss.Column("zone"), ss.Categories({"4A": 1, "4B": 0}))
            ],
            StudyError,
            ["'z'", "'5A'", "other="],
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(criteria, error, nouns):
    with pytest.raises(error) as caught:
        ss.score_sites(SITES, criteria())
    text = str(caught.value)
    for noun in nouns:
        assert noun.lower() in text.lower()
    assert text.count(". ") >= 3


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda: ss.Criterion("", ss.Column("a"), ss.Rising(0, 1)), "name"),
        (lambda: ss.Criterion("g", "a", ss.Rising(0, 1)), "measure"),
        (lambda: ss.Criterion("g", ss.Column("a"), 5), "value"),
        (lambda: ss.Criterion("g", ss.Column("a"), ss.Rising), "class"),
        (lambda: ss.Criterion("g", ss.Column("a"), ss.Rising(0, 1), weight=-1), "-1"),
        (
            lambda: ss.Criterion("g", ss.Column("a"), ss.Rising(0, 1), weight=np.nan),
            "nan",
        ),
        (
            lambda: ss.Criterion(
                "g", ss.Column("a"), ss.Rising(0, 1), evidence="modeled"
            ),
            "Did you mean 'modelled'",
        ),
        (lambda: normalize_weights([1, -2], names=["a", "b"]), "'b': -2"),
        (lambda: normalize_weights([0, 0]), "zero"),
        (lambda: normalize_weights(["a"]), "'a'"),
        (lambda: ss.score_sites(SITES, [SIZE], aggregate="owa"), "'owa'"),
    ],
)
def test_bad_parts_are_refused(make, noun):
    with pytest.raises(StudyError, match=noun):
        make()


@pytest.mark.parametrize(
    ("sites", "noun"),
    [
        (lambda: pd.DataFrame({"acres": [1.0]}), "GeoDataFrame"),
        (lambda: SITES.set_axis(["a", "a", "b"]), "more than once: a"),
        (lambda: pd.concat([SITES, SITES[["acres"]]], axis=1), "acres"),
        (lambda: gpd.GeoDataFrame({"acres": [1.0]}), "geometry"),
    ],
)
def test_candidates_that_cannot_be_told_apart_are_refused(sites, noun):
    with pytest.raises(LayerError, match=noun):
        ss.score_sites(sites(), [SIZE])


def test_foreign_errors_say_which_criterion():
    def broken(sites):
        raise KeyError("nowhere")

    with pytest.raises(KeyError) as caught:
        ss.score_sites(SITES, [own(broken)])
    assert "'mine'" in caught.value.__notes__[0]


# -------------------------------------------------------------- eligibility


@settings(max_examples=25)
@given(studies(), st.data())
def test_eligibility_adds_up(study, data):
    sites, points, areas, weight = study
    n = len(sites)
    sites["state"] = data.draw(
        st.lists(st.sampled_from(["TX", "OK", None]), min_size=n, max_size=n)
    )
    sites["capacity_mw"] = np.array(
        data.draw(
            st.lists(st.sampled_from([0.0, 50.0, np.nan]), min_size=n, max_size=n)
        )
    )
    scored = ss.score_sites(
        sites,
        criteria_of(points, areas, weight),
        exclude=[ss.Near(points, km=20, name="near"), ss.Where("acres", above=100)],
    )
    table = ss.eligibility(scored)
    parts = table[["eligible", "excluded", "unknown", "no_capacity"]]
    assert (parts.sum(axis=1) == table["candidates"]).all()
    assert table.index[-1] == "all"
    assert table.loc["all", "candidates"] == n
    counts = table.drop(columns="unknown_share")
    assert (counts.iloc[:-1].sum() == counts.loc["all"]).all()
    by_hand = (
        (scored["excluded_by"] == "")
        & scored["score"].notna()
        & (scored["capacity_mw"] > 0)
    )
    assert table.loc["all", "eligible"] == by_hand.sum()
    for name in ("grid", "fiber", "water", "size"):
        wanted = scored[f"{name}_value"].isna().sum()
        assert table.loc["all", f"unknown: {name}"] == wanted
    near = scored["excluded_by"].str.split(";").map(lambda row: "near" in row)
    assert table.loc["all", "excluded: near"] == near.sum()
    for state, row in table.iloc[:-1].iterrows():
        mine = sites["state"].isna() if state == "(none)" else sites["state"] == state
        assert row["candidates"] == mine.sum()
    whole = ss.eligibility(scored, by=None)
    pd.testing.assert_series_equal(whole.loc["all"], table.loc["all"])


def test_eligibility_of_a_frame_read_back(tmp_path):
    scored = ss.score_sites(
        SITES.drop(columns="other"), [SIZE], exclude=[ss.Where("zone", equals="4A")]
    )
    scored.to_file(tmp_path / "scored.gpkg", driver="GPKG")
    again = gpd.read_file(tmp_path / "scored.gpkg")
    again.loc[again["excluded_by"] == "", "excluded_by"] = None
    wanted = ss.eligibility(scored, by=None).loc["all", ["eligible", "excluded"]]
    found = ss.eligibility(again, by=None).loc["all", ["eligible", "excluded"]]
    assert found.tolist() == wanted.tolist() == [1, 2]


def test_eligibility_wants_a_scored_frame():
    with pytest.raises(LayerError, match="score"):
        ss.eligibility(SITES)
    with pytest.raises(LayerError, match="'state'"):
        ss.eligibility(ss.score_sites(SITES, [SIZE]))
