"""Rankings by comparison: tables of the papers, honest about the candidates."""

from __future__ import annotations

import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point
from strategies import examples

import siteselect as ss
from siteselect.errors import LayerError, MissingDependencyError, StudyError

pytest.importorskip("pymcdm")

METHODS = ("topsis", "promethee", "vikor")


def scored(rows, weights=None, **columns):
    names = [f"c{i}" for i in range(len(rows[0]))]
    sites = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=names, dtype=float).assign(**columns),
        geometry=[Point(i, 0) for i in range(len(rows))],
        crs=4326,
    )
    criteria = [
        ss.Criterion(name, ss.Column(name), lambda raw: raw, weight=w)
        for name, w in zip(names, weights or [1.0] * len(names), strict=True)
    ]
    rules = [ss.Where("out", above=0, name="out")] if "out" in columns else []
    return ss.score_sites(sites, criteria, exclude=rules)


def test_topsis_tzeng_and_huang_2011():
    """G.-H. Tzeng, J.-J. Huang, Multiple Attribute Decision Making, CRC Press, 2011.

    Four alternatives by three criteria; closeness as scikit-criteria tests it
    against the book. A tenth of each figure: vector normalization has no unit.
    """
    rows = np.array([[5, 8, 4], [7, 6, 8], [8, 8, 6], [7, 4, 6]]) / 10
    ranked = ss.rank_sites(scored(rows, [0.3, 0.4, 0.3]))
    np.testing.assert_allclose(
        ranked["topsis"], [0.5037, 0.6581, 0.7482, 0.3340], atol=1e-4
    )
    assert ranked["topsis_rank"].tolist() == [3, 2, 1, 4]


def test_vikor_opricovic_and_tzeng_2004():
    """S. Opricovic, G.-H. Tzeng, EJOR 156 (2004) 445-455: climbing a mountain.

    Risk 1, 2, 5 (less is better) and altitude 3000, 3750, 4500 m; Q is 1, 0, 1.
    """
    risk, altitude = np.array([1, 2, 5]), np.array([3000, 3750, 4500])
    rows = np.column_stack([1 - risk / 10, altitude / 10000])
    ranked = ss.rank_sites(scored(rows), method="vikor")
    np.testing.assert_allclose(ranked["vikor"], [1, 0, 1], atol=1e-12)
    assert ranked["vikor_rank"].tolist() == [2, 1, 2]


values = st.floats(0, 1).map(lambda x: round(x, 3))


@st.composite
def tables(draw):
    n, m = draw(st.integers(2, 7)), draw(st.integers(1, 4))
    rows = draw(
        st.lists(st.lists(values, min_size=m, max_size=m), min_size=n, max_size=n)
    )
    rows[0] = [0.0] * m
    rows[1] = [1.0] + [0.5] * (m - 1)
    return rows, draw(st.lists(st.integers(1, 9), min_size=m, max_size=m))


@examples(40)
@given(tables(), st.sampled_from([(0.0, None), (0.1, None), (0.0, 0.3), (0.05, 0.2)]))
def test_promethee_is_the_net_flow_of_brans_and_vincke_1985(table, thresholds):
    """Redone pair by pair, from the formula of the paper."""
    rows, weights = table
    q, p = thresholds

    def preferred(d):
        if p is None:
            return float(d > q)
        return min(max((d - q) / (p - q), 0.0), 1.0)

    shares = np.array(weights) / sum(weights)
    wanted = [
        sum(
            w * (preferred(x - y) - preferred(y - x))
            for other in rows
            for w, x, y in zip(shares, row, other, strict=True)
        )
        / (len(rows) - 1)
        for row in rows
    ]
    ranked = ss.rank_sites(
        scored(rows, weights), method="promethee", indifference=q, preference=p
    )
    np.testing.assert_allclose(ranked["promethee"], wanted, atol=1e-9)
    assert ranked["promethee"].sum() == pytest.approx(0, abs=1e-9)


@examples(40)
@given(tables(), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_order_of_rows_constants_and_weights_times_k_change_nothing(
    table, method, random
):
    rows, weights = table
    try:
        ranked = ss.rank_sites(scored(rows, weights), method=method)
    except StudyError:
        assert method == "vikor"
        return
    order = list(range(len(rows)))
    random.shuffle(order)
    again = ss.rank_sites(scored([rows[i] for i in order], weights), method=method)
    assert again[method].tolist() == ranked[method].iloc[order].tolist()
    assert again[f"{method}_rank"].tolist() == (
        ranked[f"{method}_rank"].iloc[order].tolist()
    )
    # Constant criteria are fine; of weight 0, they change nothing.
    wider = ss.rank_sites(
        scored([[*row, 0.4] for row in rows], [*weights, 0]), method=method
    )
    np.testing.assert_allclose(wider[method], ranked[method], atol=1e-9)
    heavy = ss.rank_sites(
        scored([[*row, 0.4] for row in rows], [*weights, 5]), method=method
    )
    assert heavy[method].notna().all()
    double = ss.rank_sites(scored(rows, [w * 2 for w in weights]), method=method)
    np.testing.assert_allclose(double[method], ranked[method], atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_unknown_and_excluded_are_left_out_and_counted(method):
    rows = [[0.2, 0.9], [0.9, 0.1], [np.nan, 1.0], [0.6, 0.6], [1.0, 1.0]]
    table = scored(rows, out=[0, 0, 0, 0, 1])
    ranked = ss.rank_sites(table, method=method)
    alone = ss.rank_sites(scored([rows[0], rows[1], rows[3]]), method=method)
    kept = ranked[method].dropna()
    assert kept.index.tolist() == [0, 1, 3]
    assert kept.tolist() == alone[method].tolist()
    assert ranked[f"{method}_rank"].isna().tolist() == [0, 0, 1, 0, 1]
    said = ranked.attrs["siteselect"]["rankings"][method]
    assert (said["ranked"], said["unknown"], said["excluded"]) == (3, 1, 1)
    # The frame keeps what it had; another ranking of the same method replaces.
    pd.testing.assert_frame_equal(ranked[list(table.columns)], table)
    assert list(ss.rank_sites(ranked, method=method).columns) == list(ranked.columns)
    assert "rankings" not in table.attrs["siteselect"]


def test_another_candidate_can_turn_the_order_round_and_a_score_cannot():
    """Why the docstring warns: the third candidate changes who of two leads."""
    rng = np.random.default_rng(0)
    turned = 0
    for _ in range(30):
        rows = rng.uniform(0.05, 1, (3, 2)).round(2).tolist()
        few, more = scored(rows[:2]), scored(rows)
        assert few["score"].tolist() == more["score"].tolist()[:2]
        before = ss.rank_sites(few)["topsis"]
        after = ss.rank_sites(more)["topsis"]
        turned += (before[0] - before[1]) * (after[0] - after[1]) < 0
    assert turned > 0


def test_without_pymcdm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymcdm", None)
    with pytest.raises(MissingDependencyError, match=r"siteselect\[mcda\]"):
        ss.rank_sites(scored([[0.1], [0.2]]))


@pytest.mark.parametrize(
    ("call", "error", "noun"),
    [
        (lambda s: ss.rank_sites(s, method="electre"), StudyError, "'electre'"),
        (lambda s: ss.rank_sites(s, method="vikor", v=2), StudyError, "v=2"),
        (
            lambda s: ss.rank_sites(s, method="promethee", indifference=1),
            StudyError,
            "indifference=1",
        ),
        (
            lambda s: ss.rank_sites(
                s, method="promethee", indifference=0.3, preference=0.2
            ),
            StudyError,
            "preference=0.2",
        ),
        (lambda s: ss.rank_sites(s.iloc[:1]), StudyError, "1 with a score"),
        (
            lambda s: ss.rank_sites(scored([[0.3, 0.3]] * 3)),
            StudyError,
            "same values for all",
        ),
        (
            lambda s: ss.rank_sites(scored([[0, 1], [1, 0]]), method="vikor"),
            StudyError,
            "tie",
        ),
        (lambda s: ss.rank_sites(s.assign(topsis=1)), StudyError, "'topsis'"),
        (lambda s: ss.rank_sites(s.drop(columns="score")), LayerError, "'score'"),
        (lambda s: ss.rank_sites(_without_notes(s)), LayerError, "attrs"),
    ],
)
def test_what_cannot_be_ranked_is_refused(call, error, noun):
    with pytest.raises(error, match=noun):
        call(scored([[0.1, 0.9], [0.5, 0.2]]))


def _without_notes(frame):
    bare = frame.copy()
    bare.attrs = {}
    return bare


def test_too_many_candidates_for_all_pairs_are_refused():
    rng = np.random.default_rng(1)
    many = scored(rng.uniform(0, 1, (3001, 1)))
    with pytest.raises(StudyError, match="3,001 candidates"):
        ss.rank_sites(many, method="promethee")
    assert ss.rank_sites(many)["topsis_rank"].max() == 3001
