"""Ways to find weights: tables of the papers, oracles, and what is refused."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import siteselect as ss
from siteselect.errors import LayerError, StudyError
from siteselect.suitability.pairwise import RANDOM_INDEX

# ---------------------------------------------------------------- pairwise

DRINKS = ["coffee", "wine", "tea", "beer", "soda", "milk", "water"]


def test_ahp_saaty_2008_drinks():
    """T. L. Saaty, Int. J. Services Sciences 1 (2008) 83-98, relative consumption.

    Matrix and priorities of the article's table on the consumption of drinks in the
    US; consistency ratio 0.022.
    """
    matrix = [
        [1, 9, 5, 2, 1, 1, 1 / 2],
        [1 / 9, 1, 1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 9],
        [1 / 5, 3, 1, 1 / 3, 1 / 4, 1 / 3, 1 / 9],
        [1 / 2, 9, 3, 1, 1 / 2, 1, 1 / 3],
        [1, 9, 4, 2, 1, 2, 1 / 2],
        [1, 9, 3, 1, 1 / 2, 1, 1 / 3],
        [2, 9, 9, 3, 2, 3, 1],
    ]
    found = ss.ahp(matrix, names=DRINKS)
    wanted = [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327]
    np.testing.assert_allclose(list(found.values()), wanted, atol=5e-4)
    assert round(found.consistency_ratio, 3) == 0.022


def test_ahp_hierarchy_saaty_2005_cities():
    """T. L. Saaty, Theory and Applications of the ANP (2005): best city to live in.

    Five criteria, four cities; priorities Bethesda 0.229, Boston 0.275, Pittsburgh
    0.385, Santa Fe 0.111.
    """
    criteria = ss.ahp(
        {
            ("culture", "housing"): 3,
            ("culture", "transport"): 5,
            ("family", "culture"): 5,
            ("family", "housing"): 7,
            ("family", "transport"): 7,
            ("housing", "transport"): 3,
            ("jobs", "culture"): 2,
            ("jobs", "housing"): 4,
            ("jobs", "transport"): 7,
            ("family", "jobs"): 1,
        }
    )
    # In the order Bethesda, Boston, Pittsburgh, Santa Fe: the six pairs of each.
    judged = {
        "culture": (1 / 2, 1, 1 / 2, 2.5, 1, 1 / 2.5),
        "family": (2, 1 / 3, 4, 1 / 8, 2, 9),
        "housing": (5, 1 / 2, 2.5, 1 / 9, 1 / 4, 7),
        "jobs": (1 / 2, 3, 4, 6, 8, 1),
        "transport": (1.5, 1 / 2, 4, 1 / 3.5, 2.5, 9),
    }
    cities = ["Bethesda", "Boston", "Pittsburgh", "Santa Fe"]
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    within = {
        name: ss.ahp(
            {
                (f"{name} {cities[i]}", f"{name} {cities[j]}"): times
                for (i, j), times in zip(pairs, row, strict=True)
            },
            max_ratio=None,
        )
        for name, row in judged.items()
    }
    found = ss.group_weights(criteria, within)
    by_city = [sum(w for k, w in found.items() if k.endswith(city)) for city in cities]
    np.testing.assert_allclose(by_city, [0.229, 0.275, 0.385, 0.111], atol=6e-4)
    for name, part in within.items():
        assert found.notes[f"{name}: consistency ratio"] == part.consistency_ratio
    assert set(found.table["group"]) == set(judged)


weights = st.lists(st.floats(0.05, 9), min_size=2, max_size=7)


@examples(60)
@given(weights, st.randoms(use_true_random=False))
def test_consistent_judgements_give_their_weights_back(points, random):
    names = [f"c{i}" for i in range(len(points))]
    pairs = {}
    for i in range(len(names)):
        for j in range(i):
            a, b = random.choice([(i, j), (j, i)])
            pairs[names[a], names[b]] = points[a] / points[b]
    found = ss.ahp(pairs)
    total = sum(points)
    assert dict(found) == pytest.approx(
        {name: w / total for name, w in zip(names, points, strict=True)}
    )
    assert found.consistency_ratio < 1e-9
    np.testing.assert_allclose(found.judgements["factor"], 1, rtol=1e-9)


scale = st.sampled_from([1 / 9, 1 / 7, 1 / 5, 1 / 3, 1 / 2, 1, 2, 3, 4, 5, 6, 7, 8, 9])


@examples(60)
@given(st.lists(scale, min_size=6, max_size=6))
def test_any_judgements_satisfy_the_eigenvalue_equation(judged):
    names = list("abcd")
    matrix = np.ones((4, 4))
    matrix[np.triu_indices(4, 1)] = judged
    matrix[np.tril_indices(4, -1)] = 1 / matrix.T[np.tril_indices(4, -1)]
    found = ss.ahp(matrix, names=names, max_ratio=None)
    w = np.array(list(found.values()))
    assert (w > 0).all()
    assert w.sum() == pytest.approx(1)
    largest = (matrix @ w / w).mean()
    np.testing.assert_allclose(matrix @ w, largest * w, rtol=1e-9)
    assert found.consistency_ratio == pytest.approx(
        max((largest - 4) / 3, 0) / RANDOM_INDEX[4], abs=1e-9
    )
    # As a frame, in any order, the same.
    order = ["c", "a", "d", "b"]
    frame = pd.DataFrame(matrix, names, names).loc[order, order]
    assert dict(ss.ahp(frame, max_ratio=None)) == pytest.approx(dict(found))
    worst = found.judgements.iloc[0]
    given_back = matrix[names.index(worst["more"]), names.index(worst["less"])]
    assert worst["judged"] == pytest.approx(given_back)
    assert worst["factor"] == found.judgements["factor"].max()


def test_a_contradiction_is_refused_and_named():
    circle = {("a", "b"): 3, ("b", "c"): 3, ("a", "c"): 1 / 5}
    with pytest.raises(StudyError) as caught:
        ss.ahp(circle)
    text = str(caught.value)
    assert "consistency ratio of" in text
    assert "max_ratio=None" in text
    assert ss.ahp(circle, max_ratio=None).consistency_ratio > 1
    # One slip among consistent judgements is the one that is named.
    true = dict(zip("abcde", (8, 4, 2, 1, 1), strict=True))
    pairs = {(i, j): true[i] / true[j] for i, j in permutations("abcde", 2) if i < j}
    pairs["b", "d"] = 1 / 9
    with pytest.raises(StudyError, match=r"'d' counts 9 times as much as 'b'.*imply"):
        ss.ahp(pairs)


@pytest.mark.parametrize(
    ("judgements", "names", "noun"),
    [
        ({}, None, "nothing"),
        ({"ab": 3}, None, "'ab'"),
        ({("a", "b"): 0}, None, "0"),
        ({("a", "b"): "3"}, None, "'3'"),
        ({("a", "a"): 1}, None, "itself"),
        ({("a", "b"): 3, ("b", "a"): 1 / 3}, None, "mirror"),
        ({("a", "b"): 3, ("b", "c"): 2}, None, "no judgement for"),
        ({("a", "bb"): 3}, ["a", "b"], "'bb'"),
        ([[1, 2], [0.5, 1]], None, "names"),
        ([[1, 2], [0.5, 1]], ["a"], "names"),
        ([[1, 2], [0.5, 1]], ["a", "a"], "once"),
        ([[1, 2], [2, 1]], ["a", "b"], "mirror"),
        ([[1, 2, 3], [2, 1, 3]], ["a", "b"], "shape"),
        ([[1, -2], [-0.5, 1]], ["a", "b"], "-2"),
        ([[1, "x"], [1, 1]], ["a", "b"], "matrix"),
        (pd.DataFrame(np.ones((2, 2)), list("ab"), list("ba")), None, "order"),
        (np.ones((16, 16)), [str(i) for i in range(16)], "16 criteria"),
    ],
)
def test_judgements_that_cannot_be_used_are_refused(judgements, names, noun):
    with pytest.raises(StudyError, match=noun):
        ss.ahp(judgements, names=names)


# ----------------------------------------------------------- ranks and swings


def test_rank_order_centroid_barron_and_barrett_1996():
    """F. H. Barron, B. E. Barrett, Management Science 42 (1996): ROC weights."""
    found = ss.rank_weights(list("abcd"))
    np.testing.assert_allclose(
        list(found.values()), [0.5208, 0.2708, 0.1458, 0.0625], atol=5e-5
    )
    # The centroid is the mean of the corners of w1 >= w2 >= ... >= 0, sum 1.
    corners = [[1 / k] * k + [0] * (4 - k) for k in range(1, 5)]
    np.testing.assert_allclose(list(found.values()), np.mean(corners, axis=0))


def test_rank_sum_and_reciprocal_stillwell_seaver_edwards_1981():
    """The formulas of the paper, at four criteria: 4:3:2:1 and 1:1/2:1/3:1/4."""
    by_sum = ss.rank_weights(list("abcd"), method="sum")
    assert list(by_sum.values()) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    reciprocal = ss.rank_weights(list("abcd"), method="reciprocal")
    assert list(reciprocal.values()) == pytest.approx([0.48, 0.24, 0.16, 0.12])


@pytest.mark.parametrize("method", ["centroid", "sum", "reciprocal"])
def test_criteria_of_one_rank_share(method):
    apart = ss.rank_weights(["a", "b", "c"], method=method)
    tied = ss.rank_weights(["a", ["b", "c"]], method=method)
    assert tied["b"] == tied["c"] == pytest.approx((apart["b"] + apart["c"]) / 2)
    assert tied["a"] == pytest.approx(apart["a"])
    assert tied.table["rank"].tolist() == [1, 2.5, 2.5]
    assert list(apart.values()) == sorted(apart.values(), reverse=True)


@examples(40)
@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 99), min_size=1))
def test_direct_and_swing_weights_are_shares(points):
    found = ss.direct_weights(points)
    total = sum(points.values())
    assert dict(found) == pytest.approx({k: v / total for k, v in points.items()})
    assert dict(ss.direct_weights({k: v * 7 for k, v in points.items()})) == (
        pytest.approx(dict(found))
    )
    points["first"] = 100
    swung = ss.swing_weights(points)
    assert swung.table["points"].to_dict() == points
    assert sum(swung.values()) == pytest.approx(1)
    assert max(swung.values()) == swung["first"]


# -------------------------------------------------- entropy and CRITIC


def test_critic_diakoulaki_mavrotas_papayannakis_1995():
    """D. Diakoulaki et al., Computers & Operations Research 22 (1995) 763-770.

    Eight companies by three criteria; the weights are those that scikit-criteria
    tests against the same table.
    """
    table = pd.DataFrame(
        [
            [61, 1.08, 4.33],
            [20.7, 0.26, 4.34],
            [16.3, 1.98, 2.53],
            [9, 3.29, 1.65],
            [5.4, 2.77, 2.33],
            [4, 4.12, 1.21],
            [-6.1, 3.52, 2.10],
            [-34.6, 3.31, 0.98],
        ],
        columns=["profitability", "market share", "productivity"],
    )
    found = ss.critic_weights(table)
    np.testing.assert_allclose(
        list(found.values()), [0.20222554, 0.48090173, 0.31687273], atol=1e-8
    )


@st.composite
def tables(draw, low=0.01):
    n, m = draw(st.integers(3, 12)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return pd.DataFrame(
        rng.uniform(low, 1, (n, m)), columns=[f"c{i}" for i in range(m)]
    )


@examples(40)
@given(tables())
def test_weights_from_figures_are_those_of_pymcdm(table):
    oracle = pytest.importorskip("pymcdm.weights")
    figures = table.to_numpy()
    np.testing.assert_allclose(
        list(ss.entropy_weights(table).values()),
        oracle.entropy_weights(figures),
        rtol=1e-9,
        atol=1e-12,
    )
    np.testing.assert_allclose(
        list(ss.critic_weights(table).values()),
        oracle.critic_weights(figures),
        rtol=1e-9,
    )


@pytest.mark.parametrize("method", [ss.entropy_weights, ss.critic_weights])
@examples(30)
@given(table=tables(low=0), random=st.randoms(use_true_random=False))
def test_weights_from_figures_keep_their_promises(method, table, random):
    found = method(table)
    assert sum(found.values()) == pytest.approx(1)
    # Row order, another unit, rows with a gap and a constant change nothing.
    order = list(range(len(table)))
    random.shuffle(order)
    other = (table.iloc[order] * 8).assign(same=0.3)
    other.loc[len(table)] = np.nan
    again = method(other)
    assert again["same"] == 0
    assert again.notes == {"rows": len(table), "left out": 1}
    assert {k: again[k] for k in found} == pytest.approx(dict(found), abs=1e-9)


def test_a_scored_frame_is_read_by_its_values():
    import geopandas as gpd
    from shapely import Point

    sites = gpd.GeoDataFrame(
        {"a": [0.1, 0.5, 0.9, np.nan], "b": [90.0, 10.0, 20.0, 5.0]},
        geometry=[Point(i, 0) for i in range(4)],
        crs=4326,
    )
    criteria = [
        ss.Criterion("a", ss.Column("a"), ss.Rising(0, 1)),
        ss.Criterion("b", ss.Column("b"), ss.Falling(0, 100)),
    ]
    scored = ss.score_sites(sites, criteria)
    found = ss.critic_weights(scored)
    plain = pd.DataFrame({n: scored[f"{n}_value"] for n in "ab"})
    assert dict(found) == dict(ss.critic_weights(plain))
    assert found.notes == {"rows": 3, "left out": 1}
    assert list(ss.entropy_weights(scored, ["b"])) == ["b"]
    again = ss.with_weights(criteria, found)
    assert [c.weight for c in again] == list(found.values())
    assert [c.weight for c in criteria] == [1, 1]


def test_criteria_that_agree_in_all_are_weighed_by_contrast():
    found = ss.critic_weights(pd.DataFrame({"a": [0, 0.5, 1], "b": [0, 1, 2]}))
    assert dict(found) == {"a": 0.5, "b": 0.5}


def test_weights_show_what_they_rest_on():
    found = ss.ahp({("grid", "fiber"): 3})
    text = repr(found)
    assert "consistency ratio 0" in text
    assert "0.75" in text
    assert found == {"grid": 0.75, "fiber": 0.25}
    with pytest.raises(KeyError):
        found["water"]


CRITERIA = [ss.Criterion(n, ss.Column(n), ss.Rising(0, 1)) for n in ("grid", "fiber")]


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda: ss.direct_weights({}), "by name"),
        (lambda: ss.direct_weights([1, 2]), "by name"),
        (lambda: ss.direct_weights({"a": -1}), "-1"),
        (lambda: ss.direct_weights({"a": 0}), "zero"),
        (lambda: ss.rank_weights([]), "once"),
        (lambda: ss.rank_weights(["a", ["b", "a"]]), "'a' twice"),
        (lambda: ss.rank_weights(["a"], method="roc"), "'roc'"),
        (lambda: ss.swing_weights({"a": 90, "b": 10}), "100"),
        (lambda: ss.swing_weights({"a": 100, "b": 110}), "110"),
        (lambda: ss.group_weights({"x": 1}, {"y": {"a": 1}}), "'x' has no criteria"),
        (
            lambda: ss.group_weights({"x": 1, "y": 1}, {"x": {"a": 1}, "y": {"a": 1}}),
            "two groups",
        ),
        (lambda: ss.with_weights(CRITERIA, {"grid": 1}), "no weight for 'fiber'"),
        (
            lambda: ss.with_weights(CRITERIA, {"grid": 1, "fiber": 1, "w": 1}),
            "no criterion",
        ),
        (lambda: ss.entropy_weights(pd.DataFrame({"a": [1, 1]})), "vary"),
        (lambda: ss.critic_weights(pd.DataFrame({"a": [1.0, 1]})), "vary"),
        (lambda: ss.entropy_weights(pd.DataFrame({"a": [1, -1]})), "negative"),
        (lambda: ss.entropy_weights(pd.DataFrame({"a": [1, np.nan]})), "1 of 2"),
        (lambda: ss.entropy_weights([[1, 2]]), "list"),
        (lambda: ss.ahp({("a", "b"): 1}, max_ratio=-1), "max_ratio"),
    ],
)
def test_what_gives_no_weights_is_refused(make, noun):
    with pytest.raises(StudyError, match=noun):
        make()


def test_columns_that_hold_no_figures_are_refused():
    with pytest.raises(LayerError, match="'b'"):
        ss.entropy_weights(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    with pytest.raises(LayerError, match="Did you mean 'grid'"):
        ss.entropy_weights(pd.DataFrame({"grid": [1, 2]}), ["grids"])
