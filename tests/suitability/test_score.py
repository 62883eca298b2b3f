"""Scores: redone by hand, independent of the other rows, honest about gaps."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

import siteselect.layers.spatial as spatial_module
from siteselect.errors import LayerError, StudyError
from siteselect.suitability import (
    At,
    Between,
    Categories,
    Column,
    Criterion,
    Falling,
    Inside,
    Near,
    Nearest,
    Rising,
    Where,
    Within,
    eligibility,
    normalize_weights,
    presets,
    score_sites,
)

COLUMNS = ("a", "b", "c")
figure = st.integers(-50, 150).map(float) | st.just(float("nan"))
weight = st.integers(0, 9).map(float)


@st.composite
def studies(draw):
    n = draw(st.integers(1, 8))
    data = {name: draw(st.lists(figure, min_size=n, max_size=n)) for name in COLUMNS}
    labels = draw(st.sampled_from(["range", "text", "odd"]))
    index = {
        "range": pd.RangeIndex(n),
        "text": pd.Index([f"é{i}" for i in range(n)], name="site"),
        "odd": pd.Index(np.arange(n)[::-1] * 7 - 3),
    }[labels]
    crs = draw(st.sampled_from([4326, 5070, 32614]))
    name = draw(st.sampled_from(["geometry", "geom"]))
    sites = gpd.GeoDataFrame(
        data | {"note": "kept"},
        geometry=[Point(-98 + i / 10, 35) for i in range(n)],
        crs=4326,
        index=index,
    )
    sites = sites.to_crs(crs)
    if name != "geometry":
        sites = sites.rename_geometry(name)
    weights = draw(st.lists(weight, min_size=3, max_size=3))
    if not any(weights):
        weights[0] = 1.0
    return sites, weights


def criteria_of(weights):
    values = (Rising(0, 100), Falling(10, 60), Between(0, 20, 30, 90))
    return [
        Criterion(name, Column(name), value, weight=w)
        for name, value, w in zip(COLUMNS, values, weights, strict=True)
    ]


def by_hand(row, weights):
    """One row, in plain Python."""

    def ramp(x, a, b):
        return min(max((x - a) / (b - a), 0), 1)

    values = [
        ramp(row["a"], 0, 100),
        1 - ramp(row["b"], 10, 60),
        min(ramp(row["c"], 0, 20), 1 - ramp(row["c"], 30, 90)),
    ]
    known = [row[name] == row[name] for name in COLUMNS]
    total = sum(weights)
    needed = all(k for k, w in zip(known, weights, strict=True) if w)
    score = sum(v * w / total for v, w in zip(values, weights, strict=True) if w)
    coverage = sum(w for k, w in zip(known, weights, strict=True) if k) / total
    return (score if needed else float("nan")), coverage


@given(studies())
def test_score_and_coverage_agree_with_plain_python(study):
    sites, weights = study
    before = sites.copy(deep=True)
    scored = score_sites(sites, criteria_of(weights))
    pd.testing.assert_frame_equal(sites, before)
    expected = [by_hand(row, weights) for _, row in before.iterrows()]
    np.testing.assert_allclose(scored["score"], [s for s, _ in expected], atol=1e-12)
    np.testing.assert_allclose(scored["coverage"], [c for _, c in expected])
    assert scored["score"].isna().equals(scored["coverage"] < 1 - 1e-12)
    assert scored["score"].dropna().between(0, 1 + 1e-12).all()
    # Nothing of the frame is lost.
    assert scored.index.equals(sites.index)
    assert scored.index.name == sites.index.name
    assert scored.crs == sites.crs
    assert scored.geometry.name == sites.geometry.name
    pd.testing.assert_frame_equal(scored[list(sites.columns)], sites)


@given(studies())
def test_contributions_add_up_to_the_score(study):
    sites, weights = study
    scored = score_sites(sites, criteria_of(weights))
    total = 0.0
    for name in COLUMNS:
        total = total + scored[f"{name}_contribution"]
    known = scored["score"].notna()
    assert (scored["score"][known] == total[known]).all()


@given(studies(), st.sampled_from([2.0, 0.125, 1e-12, 1e12, 3.7]))
def test_only_the_ratios_of_weights_count(study, k):
    sites, weights = study
    one = score_sites(sites, criteria_of(weights))["score"]
    two = score_sites(sites, criteria_of([w * k for w in weights]))["score"]
    np.testing.assert_allclose(one, two, rtol=1e-12)


@given(studies(), st.randoms(use_true_random=False))
def test_rows_do_not_influence_each_other(study, random):
    sites, weights = study
    criteria = criteria_of(weights)
    whole = score_sites(sites, criteria)
    order = list(range(len(sites)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        score_sites(sites.iloc[order], criteria), whole.iloc[order]
    )
    one = sites.iloc[:1]
    pd.testing.assert_series_equal(
        score_sites(one, criteria)["score"], whole["score"].iloc[:1]
    )


@pytest.fixture
def world():
    rng = np.random.default_rng(5)

    def cloud(n, **columns):
        xy = rng.uniform([-100, 33], [-97, 36], (n, 2))
        return gpd.GeoDataFrame(
            columns, geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=4326
        )

    sites = cloud(60)
    grid = cloud(40, mw=rng.uniform(0, 900, 40))
    grid.attrs["siteselect"] = {
        "name": "grid",
        "evidence": "synthetic",
        "units": {"mw": "MW"},
    }
    return sites, grid


def test_spatial_scores_do_not_depend_on_the_other_rows_or_the_layers_order(world):
    sites, grid = world

    def criteria(layer):
        return [
            Criterion("best", Within(layer, radius_km=60, max="mw"), Rising(0, 900)),
            Criterion("near", Nearest(layer), Falling(0, 100)),
        ]

    whole = score_sites(sites, criteria(grid), exclude=[Near(grid, km=3, name="n")])
    part = score_sites(
        sites.iloc[7:20][::-1],
        criteria(grid.sample(frac=1, random_state=0)),
        exclude=[Near(grid, km=3, name="n")],
    )
    pd.testing.assert_series_equal(part["score"], whole["score"].iloc[7:20][::-1])


def test_criteria_of_one_layer_share_the_query(world, monkeypatch):
    sites, grid = world
    asked = []
    ask = spatial_module.within
    monkeypatch.setattr(
        spatial_module,
        "within",
        lambda *args: asked.append(args[2]) or ask(*args),
    )
    criteria = [
        Criterion("best", Within(grid, radius_km=60, max="mw"), Rising(0, 900)),
        Criterion("n", Within(grid, radius_km=60, count=True), Rising(0, 9)),
        Criterion("far", Within(grid, radius_km=90, count=True), Rising(0, 9)),
    ]
    score_sites(sites, criteria)
    assert sorted(asked) == [60, 90]
    score_sites(sites, criteria)
    assert len(asked) == 4, "there is no cache beyond the call"


def test_what_is_said_about_the_criteria_is_plain(world):
    sites, grid = world
    scored = score_sites(
        sites,
        [
            Criterion("best", Within(grid, radius_km=60, max="mw"), Rising(0, 900)),
            Criterion(
                "own",
                lambda s: pd.Series(np.float32(1), s.index),
                lambda raw: raw,
                weight=3,
                evidence="measured",
            ),
        ],
        exclude=[Near(grid, km=3)],
    )
    said = json.loads(json.dumps(scored.attrs["siteselect"]))
    best, own = said["criteria"]
    assert set(best) >= {
        "name", "weight", "evidence", "unit", "layer", "measure", "value",
    }  # fmt: skip
    assert (best["evidence"], best["unit"], best["layer"]) == (
        "synthetic",
        "MW",
        "grid",
    )
    assert (best["weight"], own["weight"], own["given_weight"]) == (0.25, 0.75, 3)
    assert own["evidence"] == "measured"
    assert best["value"] == {"kind": "Rising", "a": 0, "b": 900}
    assert said["exclusions"] == ["near grid (3 km)"]
    assert "siteselect" not in sites.attrs


def test_scoring_again_replaces_the_earlier_columns(world):
    sites, grid = world
    criteria = [Criterion("near", Nearest(grid), Falling(0, 100))]
    once = score_sites(sites, criteria)
    again = score_sites(once, [Criterion("near", Nearest(grid), Falling(0, 50))])
    assert list(again.columns) == list(once.columns)
    assert not again["score"].equals(once["score"])


def test_labels_are_scored_by_categories():
    zones = gpd.GeoDataFrame({"zone": ["4A"]}, geometry=[box(0, 0, 1, 1)], crs=4326)
    sites = gpd.GeoDataFrame(geometry=[Point(0.5, 0.5), Point(5, 5)], crs=4326)
    criteria = [Criterion("climate", At(zones, "zone"), Categories({"4A": 0.7}))]
    scored = score_sites(sites, criteria)
    np.testing.assert_array_equal(scored["score"], [0.7, np.nan])
    assert scored["climate_raw"].iloc[0] == "4A"
    with pytest.raises(StudyError, match=r"climate.*Rising"):
        score_sites(sites, [Criterion("climate", At(zones, "zone"), Rising(0, 1))])


def test_setbacks_are_round():
    rng = np.random.default_rng(1)
    half = 0.12
    xy = rng.uniform(-half, half, (200_000, 2))
    sites = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=4326)
    pole = gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=4326)
    share = Near(pole, km=10)(sites).mean()
    ground = (2 * half) ** 2 * 111.320 * 110.574
    assert share * ground == pytest.approx(np.pi * 10**2, rel=0.01)


def test_exclusions_name_themselves_and_unknown_never_passes():
    sites = gpd.GeoDataFrame(
        {"slope": [1.0, 9.0, np.nan, 9.0], "zone": ["x", "y", "x", None], "ok": 1.0},
        geometry=[Point(x, 0) for x in (0, 1, 2, 3)],
        crs=4326,
        index=list("abcd"),
    )
    park = gpd.GeoDataFrame(geometry=[box(2.5, -1, 3.5, 1)], crs=4326)
    criteria = [Criterion("ok", Column("ok"), Rising(0, 1))]
    scored = score_sites(
        sites, criteria, exclude=[Where("slope", above=8, name="steep"), Inside(park)]
    )
    assert scored["excluded_by"].tolist() == [
        "", "steep", "steep (unknown)", "steep;inside layer",
    ]  # fmt: skip
    assert scored["score"].notna().tolist() == [True, False, False, False]
    assert (scored["ok_contribution"] == 1).all()
    kept = Where("slope", above=8, missing="keep", name="steep")
    assert kept(sites).tolist() == [False, True, False, True]
    assert Where("zone", equals="y", missing="keep")(sites).tolist() == [
        False, True, False, False,
    ]  # fmt: skip
    assert Where("slope", below=2, above=8)(sites).tolist() == [True] * 4
    named = score_sites(sites, criteria, exclude=[lambda s: s["slope"] > 8])
    assert named["excluded_by"].tolist() == ["", "exclusion 1", "", "exclusion 1"]

    counted = eligibility(scored.assign(state=["TX", "TX", "OK", None]))
    assert counted.loc["all", ["candidates", "eligible", "excluded"]].tolist() == [
        4,
        1,
        3,
    ]
    assert counted.loc["TX", "excluded: steep"] == 1
    assert counted.loc["OK", "excluded: steep (unknown)"] == 1
    assert counted.loc["(none)", "excluded: inside layer"] == 1


def test_eligibility_adds_up():
    sites = gpd.GeoDataFrame(
        {
            "state": ["A", "A", "B", "B"],
            "x": [1.0, np.nan, 1.0, 1.0],
            "capacity_mw": [5.0, 5.0, 0.0, np.nan],
        },
        geometry=[Point(i, 0) for i in range(4)],
        crs=4326,
    )
    table = eligibility(score_sites(sites, [Criterion("x", Column("x"), Rising(0, 2))]))
    parts = table[["eligible", "excluded", "unknown", "no_capacity"]].sum(axis=1)
    assert (parts == table["candidates"]).all()
    assert table.loc["A", "unknown: x"] == 1
    assert table.loc["A", "unknown_share"] == 0.5
    assert table.loc["B", "no_capacity"] == 2
    assert table.index.tolist() == ["A", "B", "all"]
    with pytest.raises(LayerError, match="score"):
        eligibility(sites)


def test_no_candidates_is_fine():
    sites = gpd.GeoDataFrame({"x": [1.0]}, geometry=[Point(0, 0)], crs=4326).iloc[:0]
    scored = score_sites(sites, [Criterion("x", Column("x"), Rising(0, 2))])
    assert len(scored) == 0
    assert {"x_raw", "score", "coverage"} <= set(scored.columns)


ONE = [Criterion("x", Column("x"), Rising(0, 2))]


def simple(**columns):
    return gpd.GeoDataFrame(
        {"x": [1.0, 2.0]} | columns,
        geometry=[Point(0, 0), Point(1, 0)],
        crs=4326,
        index=["r1", "r2"],
    )


def own(measure=None, value=None):
    return [Criterion("mine", measure or Column("x"), value or Rising(0, 2))]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda s: score_sites(s, []), StudyError, "none"),
        (lambda s: score_sites(s, ["grid"]), StudyError, "'grid'"),
        (lambda s: score_sites(s, ONE * 2), StudyError, "'x'"),
        (
            lambda s: score_sites(
                s, [Criterion("x", Column("x"), Rising(0, 1), weight=0)]
            ),
            StudyError,
            "all weights zero",
        ),
        (
            lambda s: Criterion("x", Column("x"), Rising(0, 1), weight=-1),
            StudyError,
            "weight",
        ),
        (
            lambda s: Criterion("x", Column("x"), Rising(0, 1), weight=float("nan")),
            StudyError,
            "weight",
        ),
        (lambda s: Criterion("", Column("x"), Rising(0, 1)), StudyError, "name"),
        (lambda s: Criterion("x", "x", Rising(0, 1)), StudyError, "measure"),
        (lambda s: Criterion("x", Column("x"), Rising), StudyError, "class"),
        (
            lambda s: Criterion("x", Column("x"), Rising(0, 1), evidence="modeled"),
            StudyError,
            "'modelled'",
        ),
        (
            lambda s: score_sites(s.assign(x=[1, np.inf]), ONE),
            StudyError,
            r"x_raw.*'x'.*'r2'",
        ),
        (
            lambda s: score_sites(s, [Criterion("x", Column("y"), Rising(0, 1))]),
            LayerError,
            r"'x'.*'y'",
        ),
        (
            lambda s: score_sites(s, own(value=lambda raw: raw)),
            StudyError,
            r"mine_value.*2 in row 'r2'",
        ),
        (
            lambda s: score_sites(s, own(value=lambda raw: raw[:1])),
            StudyError,
            "mine",
        ),
        (
            lambda s: score_sites(s.assign(x=[1, np.nan]), own(value=np.nan_to_num)),
            StudyError,
            r"mine.*'r2'",
        ),
        (
            lambda s: score_sites(s, own(lambda t: pd.Series([1.0, 2.0]))),
            StudyError,
            "mine.*another index",
        ),
        (
            lambda s: score_sites(s, own(lambda t: t["x"].iloc[::-1])),
            StudyError,
            "mine.*another index",
        ),
        (lambda s: score_sites(s, own(lambda t: [1, 2])), StudyError, "mine.*list"),
        (lambda s: score_sites(s, ONE, aggregate="mean"), StudyError, "mean"),
        (lambda s: score_sites(s.assign(score=1), ONE), StudyError, "'score'"),
        (
            lambda s: score_sites(s.set_axis(["r", "r"]), ONE),
            LayerError,
            "more than once: r",
        ),
        (lambda s: score_sites(pd.DataFrame(s), ONE), LayerError, "DataFrame"),
        (
            lambda s: score_sites(s, ONE, exclude=[Where("x", above=1)] * 2),
            StudyError,
            "exclusion",
        ),
        (lambda s: score_sites(s, ONE, exclude=["lakes"]), StudyError, "lakes"),
        (
            lambda s: score_sites(s, ONE, exclude=[lambda t: t["x"]]),
            StudyError,
            "True or False",
        ),
        (
            lambda s: score_sites(s, ONE, exclude=[lambda t: True]),
            StudyError,
            "bool",
        ),
        (lambda s: Where("x"), StudyError, "rule"),
        (lambda s: Where("x", isin="abc"), StudyError, "text"),
        (lambda s: Where("x", above="8"), StudyError, "numbers"),
        (lambda s: Where("x", above=1, missing="pass"), StudyError, "pass"),
        (lambda s: Where("z", above=1)(s), LayerError, "'z'"),
        (lambda s: Where("x", above=1, name="a;b"), StudyError, "';'"),
        (lambda s: Near(s, km=-1), StudyError, "km"),
        (lambda s: Inside(s, min_share=0), StudyError, "min_share"),
        (lambda s: normalize_weights([1, -2]), StudyError, "-2"),
        (lambda s: presets.training({"fibre": 1}), StudyError, "substations"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(call, error, match):
    with pytest.raises(error, match=match):
        call(simple())


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=6).filter(any))
def test_weights_sum_to_one(weights):
    assert normalize_weights(weights).sum() == pytest.approx(1, abs=1e-12)


def test_the_table_shares_nothing_with_what_was_given():
    given = pd.Series([0.1, 0.2], index=["a", "b"])
    labels = pd.Series(["x", "y"], index=["a", "b"], dtype=object)
    sites = gpd.GeoDataFrame(
        {"acres": [0.3, 0.4]}, geometry=[Point(0, 0), Point(1, 0)], crs=4326
    ).set_index(given.index)
    criteria = [
        Criterion("own", lambda frame: given, Rising(0, 1)),
        Criterion("acre", Column("acres"), Rising(0, 1)),
        Criterion("kind", Column(labels), Categories({"x": 1, "y": 0})),
    ]
    scored = score_sites(sites, criteria)
    scored.loc["a", ["own_raw", "acre_raw", "acres"]] = 9.0
    scored.loc["a", "kind_raw"] = "z"
    assert given.tolist() == [0.1, 0.2]
    assert sites["acres"].tolist() == [0.3, 0.4]
    assert labels.tolist() == ["x", "y"]
    assert score_sites(sites, criteria)["own_raw"].tolist() == [0.1, 0.2]


def test_many_criteria_make_no_fragmented_frame():
    sites = gpd.GeoDataFrame({"acres": [0.3]}, geometry=[Point(0, 0)], crs=4326)
    criteria = [
        Criterion(f"c{i}", Column("acres"), Rising(0, 1), weight=i + 1)
        for i in range(40)
    ]
    scored = score_sites(sites, criteria)
    # Pandas warns where blocks are many, and warnings are errors here.
    for i in range(20):
        scored[f"more{i}"] = 1.0
    assert scored["score"].round(9).tolist() == [0.3]


def test_an_error_of_the_users_own_function_says_where_it_was_raised():
    def broken(frame):
        raise KeyError("oops")

    with pytest.raises(KeyError) as caught:
        score_sites(simple(), own(broken))
    assert "mine" in caught.value.__notes__[0]
