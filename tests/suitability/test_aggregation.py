"""Aggregates: one candidate at a time, explained, honest about what is missing."""

from __future__ import annotations

import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point
from strategies import examples

import siteselect as ss
from siteselect.errors import StudyError
from siteselect.suitability.aggregation import Aggregate
from siteselect.suitability.records import AGGREGATES, aggregate_of
from siteselect.suitability.weights import normalize_weights

NAMES = ("a", "b", "c")
value = st.sampled_from([0.0, 1e-12, 0.2, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1)
weight = st.integers(0, 9).map(float)


@st.composite
def aggregates(draw, kinds=AGGREGATES):
    kind = draw(st.sampled_from(kinds))
    if kind is ss.OWA:
        if draw(st.booleans()):
            given_weights = draw(st.lists(weight, min_size=3, max_size=3))
            return ss.OWA(
                order_weights=given_weights if any(given_weights) else [1] * 3
            )
        return ss.OWA(draw(st.floats(0, 1) | st.sampled_from([0, 0.5, 1])))
    if kind is ss.ReferencePoint:
        low, high = sorted(draw(st.sampled_from([(0.1, 0.5), (0.4, 0.8), (0.3, 0.31)])))
        named = dict.fromkeys(NAMES, high) if draw(st.booleans()) else high
        return ss.ReferencePoint(named, low, rho=draw(st.floats(0.01, 1)))
    return kind()


@st.composite
def studies(draw, missing=True):
    n = draw(st.integers(1, 6))
    one = value | st.just(np.nan) if missing else value
    rows = draw(st.lists(st.tuples(one, one, one), min_size=n, max_size=n))
    weights = draw(st.lists(weight, min_size=3, max_size=3))
    if not any(weights):
        weights[0] = 1.0
    return rows, weights


def frame(rows):
    return gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=list(NAMES)),
        geometry=[Point(i, 0) for i in range(len(rows))],
        crs=4326,
    )


def scored(rows, weights, aggregate):
    criteria = [
        ss.Criterion(name, ss.Column(name), lambda raw: raw, weight=w)
        for name, w in zip(NAMES, weights, strict=True)
    ]
    return ss.score_sites(frame(rows), criteria, aggregate=aggregate)


def scores(rows, weights, aggregate):
    """The scores alone, without a frame around them."""
    values = list(np.array(rows, dtype=float).T)
    return aggregate.combine(values, normalize_weights(weights), NAMES)[0]


def by_hand(row, weights, aggregate):
    """One candidate, in plain Python, from the formula in the docstring."""
    total = sum(weights)
    pairs = [(v, w / total) for v, w in zip(row, weights, strict=True) if w]
    if any(math.isnan(v) for v, _ in pairs):
        return math.nan
    if isinstance(aggregate, ss.WeightedSum):
        return sum(w * v for v, w in pairs)
    if isinstance(aggregate, ss.GeometricMean):
        return math.prod(v**w for v, w in pairs)
    if isinstance(aggregate, ss.Minimum):
        return min(v for v, _ in pairs)
    if isinstance(aggregate, ss.ReferencePoint):
        high, low = aggregate.aspiration, aggregate.reservation
        high = high["a"] if isinstance(high, dict) else high

        def achieved(v):
            if v <= low:
                return v / low / 3
            if v <= high:
                return 1 / 3 + (v - low) / (high - low) / 3
            return 2 / 3 + (v - high) / (1 - high) / 3

        mean = sum(w * achieved(v) for v, w in pairs)
        worst = min(achieved(v) for v, _ in pairs)
        return (worst + aggregate.rho * mean) / (1 + aggregate.rho)

    def quantifier(p):
        if aggregate.order_weights is not None:
            given_weights = aggregate.order_weights
            at = p * len(given_weights)
            whole = int(min(at, len(given_weights) - 1))
            reached = sum(given_weights[:whole]) + (at - whole) * given_weights[whole]
            return reached / sum(given_weights)
        if aggregate.risk == 0:
            return float(p > 1 - 1e-12)
        if aggregate.risk == 1:
            return float(p > 0)
        return p ** ((1 - aggregate.risk) / aggregate.risk)

    met = out = 0.0
    for v, w in sorted(pairs, reverse=True):
        out += (quantifier(min(met + w, 1.0)) - quantifier(met)) * v
        met += w
    return out


@examples(150)
@given(studies(), aggregates())
def test_score_and_contributions_are_the_formula(study, aggregate):
    rows, weights = study
    table = scored(rows, weights, aggregate)
    wanted = [by_hand(row, weights, aggregate) for row in rows]
    np.testing.assert_allclose(table["score"], wanted, atol=1e-9)
    assert table["score"].dropna().between(0, 1 + 1e-12).all()
    # Missing stays missing, and the contributions sum to the score.
    parts = table[[f"{name}_contribution" for name in NAMES]]
    known = table["score"].notna()
    np.testing.assert_allclose(
        parts[known].sum(axis=1), table["score"][known], atol=1e-12
    )
    assert parts[~known].isna().any(axis=1).all()
    idle = [f"{n}_contribution" for n, w in zip(NAMES, weights, strict=True) if not w]
    assert (table[idle] == 0).all(axis=None)


@examples(40)
@given(studies(), aggregates(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_candidates_do_not_influence_each_other(study, aggregate, random, n):
    rows, weights = study
    order = random.sample(range(len(rows)), min(n, len(rows)))
    whole = scored(rows, weights, aggregate)
    part = scored([rows[i] for i in order], weights, aggregate)
    columns = [c for c in whole.columns if c.endswith(("_contribution", "score"))]
    pd.testing.assert_frame_equal(
        pd.DataFrame(whole.iloc[order][columns]).reset_index(drop=True),
        pd.DataFrame(part[columns]),
        check_exact=True,
    )


@examples(80)
@given(studies(), aggregates(), st.sampled_from([1e-9, 0.5, 3.7, 1e12]))
def test_only_the_ratios_of_weights_count(study, aggregate, k):
    rows, weights = study
    one = scores(rows, weights, aggregate)
    two = scores(rows, [w * k for w in weights], aggregate)
    np.testing.assert_allclose(one, two, atol=1e-12)


@examples(150)
@given(studies(missing=False), aggregates(), st.integers(0, 2), st.floats(0, 1))
def test_a_better_value_never_lowers_a_score(study, aggregate, at, more):
    rows, weights = study
    better = [
        tuple(max(v, more) if i == at else v for i, v in enumerate(row)) for row in rows
    ]
    before = scores(rows, weights, aggregate)
    after = scores(better, weights, aggregate)
    assert (after >= before - 1e-12).all()


@examples(60)
@given(studies(missing=False))
def test_attitudes_to_risk_lie_in_order(study):
    """From the minimum over the weighted sum to the maximum, never backwards."""
    rows, weights = study
    risks = [0, 0.01, 0.2, 0.5, 0.7, 0.99, 1]
    table = np.array([scores(rows, weights, ss.OWA(risk)) for risk in risks])
    assert (np.diff(table, axis=0) >= -1e-12).all()
    np.testing.assert_array_equal(table[0], scores(rows, weights, ss.Minimum()))
    np.testing.assert_allclose(
        table[3], scores(rows, weights, ss.WeightedSum()), atol=1e-12
    )
    best = [max(v for v, w in zip(row, weights, strict=True) if w) for row in rows]
    np.testing.assert_array_equal(table[-1], best)


@examples(60)
@given(studies(missing=False))
def test_a_constant_value_is_the_score(study):
    """All criteria at one value: any mean is that value."""
    rows, weights = study
    rows = [(row[0],) * 3 for row in rows]
    means = (ss.WeightedSum(), ss.GeometricMean(), ss.OWA(0.3), ss.Minimum())
    for aggregate in means:
        found = scores(rows, weights, aggregate)
        np.testing.assert_allclose(found, [row[0] for row in rows], atol=1e-12)


@examples(60)
@given(aggregates())
def test_written_down_and_back(aggregate):
    said = json.loads(json.dumps(aggregate.describe()))
    again = ss.aggregate_from_dict(said)
    assert again == aggregate
    assert hash(again) == hash(aggregate)
    table = scored([(0.1, 0.2, 0.3)], [1, 1, 1], aggregate)
    assert aggregate_of(table) == aggregate
    assert table.attrs["siteselect"]["aggregate"] == aggregate.name


def test_equal_weights_use_the_order_weights_as_they_are():
    """Yager (1988): the weight belongs to a place, not to a criterion."""
    table = scored([(0.6, 1.0, 0.3)], [1, 1, 1], ss.OWA(order_weights=[0.5, 0.2, 0.3]))
    assert table["score"][0] == pytest.approx(0.5 * 1.0 + 0.2 * 0.6 + 0.3 * 0.3)
    assert table["b_contribution"][0] == pytest.approx(0.5)


def test_a_geometric_mean_says_what_pulls_it_down():
    table = scored([(0.0, 0.9, 1.0), (0.01, 1.0, 1.0)], [1, 1, 2], ss.GeometricMean())
    assert table["score"].tolist() == pytest.approx([0, 0.01**0.25])
    np.testing.assert_allclose(
        table[["a_contribution", "b_contribution", "c_contribution"]],
        [[-0.75, 0.25, 0.5], [0.01**0.25 - 0.75, 0.25, 0.5]],
    )


def test_an_aggregate_of_ones_own():
    class Best(Aggregate):
        name = "best"

        def combine(self, values, weights, names):
            best = np.max(values, axis=0)
            share = [np.where(v == best, best, 0.0) for v in values]
            return best, share

        def describe(self):
            return {"kind": "Best"}

    table = scored([(0.1, 0.7, 0.3)], [1, 1, 1], Best())
    assert table["score"].tolist() == [0.7]
    with pytest.raises(StudyError, match="'Best'"):
        aggregate_of(table)


def test_survival_shakes_the_aggregate_that_was_used():
    rows = [(0.9, 0.9, 0.1), (0.5, 0.5, 0.5)]
    criteria = [
        ss.Criterion(name, ss.Column(name), ss.Rising(0, 1), evidence="measured")
        for name in NAMES
    ]
    for aggregate, chosen in ((ss.WeightedSum(), 0), (ss.Minimum(), 1)):
        sites = ss.score_sites(frame(rows), criteria, aggregate=aggregate)
        plan = ss.optimize_sites(
            sites.assign(capacity_mw=100.0), power_mw=(100, 100), site_mw=[100]
        )
        assert plan.sites.index.tolist() == [chosen]
        assert plan.survival(criteria, n=5)["survival"].tolist() == [1.0]


@pytest.mark.parametrize("aggregate", [ss.Minimum(), ss.OWA(0.3), ss.GeometricMean()])
def test_what_is_missing_is_named_whatever_the_aggregate(aggregate):
    table = scored([(0.9, 0.9, 0.1), (0.5, np.nan, 0.5)], [1, 1, 1], aggregate)
    plan = ss.optimize_sites(
        table.assign(capacity_mw=100.0), power_mw=(100, 100), site_mw=[100]
    )
    assert plan.explain(1).reason == "its score is unknown: b missing"


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda: ss.OWA(1.5), "1.5"),
        (lambda: ss.OWA("risky"), "risky"),
        (lambda: ss.OWA(order_weights=[]), "order weights"),
        (lambda: ss.OWA(order_weights=[0, 0]), "order weights"),
        (lambda: ss.OWA(order_weights=[1, -1]), "-1"),
        (lambda: ss.ReferencePoint(0.4, 0.8), "reservation < aspiration"),
        (lambda: ss.ReferencePoint(1.0, 0.8), "1.0"),
        (lambda: ss.ReferencePoint({"a": 0.5}, {"a": 0.7}), "'a'"),
        (lambda: ss.ReferencePoint(0.8, 0.4, rho=0), "rho"),
        (
            lambda: scored([(1, 1, 1)], [1, 1, 1], ss.OWA(order_weights=[1, 2])),
            "2 for 3 criteria",
        ),
        (
            lambda: scored(
                [(1, 1, 1)], [1] * 3, ss.ReferencePoint({"a": 0.8, "bb": 0.8}, 0.4)
            ),
            "aspiration.*'b'",
        ),
        (
            lambda: scored(
                [(1, 1, 1)], [1] * 3, ss.ReferencePoint(0.8, dict.fromkeys("abcd", 0.4))
            ),
            "'d'",
        ),
        (lambda: scored([(1, 1, 1)], [1, 1, 1], "sum"), "WeightedSum"),
        (lambda: scored([(1, 1, 1)], [1, 1, 1], ss.Minimum), "Minimum"),
        (lambda: ss.aggregate_from_dict({"kind": "Minima"}), "Did you mean 'Minimum'"),
        (lambda: ss.aggregate_from_dict({"kind": "OWA", "risks": 1}), "'risk'"),
    ],
)
def test_what_cannot_be_put_together_is_refused(make, noun):
    with pytest.raises(StudyError, match=noun):
        make()
