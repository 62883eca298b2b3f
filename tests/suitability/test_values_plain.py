"""Value functions: bounded, monotone where they say so, unknown stays unknown."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteselect as ss
from siteselect.errors import StudyError

number = st.floats(-1e300, 1e300, allow_nan=False)
usual = st.floats(-1e6, 1e6, allow_nan=False)
share = st.floats(0, 1)


@st.composite
def functions(draw):
    kind = draw(
        st.sampled_from(["Rising", "Falling", "Between", "Step", "Piecewise", "S"])
    )
    if kind in ("Rising", "Falling", "S"):
        a, b = sorted(draw(st.lists(number, min_size=2, max_size=2, unique=True)))
        if kind == "S":
            return draw(st.sampled_from([ss.Sigmoid(a, b), ss.Sigmoid(b, a)]))
        return getattr(ss, kind)(a, b)
    if kind == "Between":
        bounds = sorted(draw(st.lists(usual, min_size=4, max_size=4)))
        if bounds[0] == bounds[3]:
            bounds[3] += 1
        return ss.Between(*bounds)
    m = draw(st.integers(1 if kind == "Step" else 2, 5))
    edges = sorted(draw(st.lists(usual, min_size=m, max_size=m, unique=True)))
    n = m + 1 if kind == "Step" else m
    values = draw(st.lists(share, min_size=n, max_size=n))
    if draw(st.booleans()):
        values = sorted(values, reverse=draw(st.booleans()))
    if kind == "Step":
        return ss.Step(edges, values)
    return ss.Piecewise(list(zip(edges, values, strict=True)))


def plain(function, x):
    """Return the value of one figure, worked out branch by branch."""
    if np.isnan(x):
        return np.nan
    kind = type(function).__name__
    if kind == "Rising":
        a, b = function.a, function.b
        return 0.0 if x <= a else 1.0 if x >= b else (x - a) / (b - a)
    if kind == "Falling":
        a, b = function.a, function.b
        return 1.0 if x <= a else 0.0 if x >= b else (b - x) / (b - a)
    if kind == "Sigmoid":
        turns = 2 * np.log(19) * ((x - function.a) / (function.b - function.a) - 0.5)
        return 0.0 if turns < -700 else 1 / (1 + np.exp(-turns))
    if kind == "Between":
        a, b, c, d = function.a, function.b, function.c, function.d
        if b <= x <= c:
            return 1.0
        if x <= a or x >= d:
            return 0.0
        return (x - a) / (b - a) if x < b else (d - x) / (d - c)
    if kind == "Step":
        return function.values[sum(edge <= x for edge in function.edges)]
    points = function.points
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
    return points[-1][1]


@given(functions(), st.lists(st.one_of(usual, st.just(np.nan)), max_size=8))
def test_value_is_the_plain_one_bounded_and_keeps_the_unknown(function, raw):
    raw = np.array(raw, dtype=float)
    given_raw = raw.copy()
    value = function(raw)
    assert value.shape == raw.shape
    assert value.dtype == np.float64
    np.testing.assert_array_equal(raw, given_raw)
    np.testing.assert_array_equal(np.isnan(value), np.isnan(raw))
    known = value[~np.isnan(value)]
    assert ((known >= 0) & (known <= 1)).all()
    np.testing.assert_allclose(
        value, [plain(function, x) for x in raw], rtol=1e-7, atol=1e-7
    )


@given(functions(), st.lists(number, min_size=2, max_size=12))
def test_monotone_where_it_says_so(function, raw):
    value = function(np.sort(np.array(raw)))
    steps = np.diff(value)
    if function.is_monotone:
        # Straight lines are rounded: to the last bit.
        assert (steps >= -1e-15).all() or (steps <= 1e-15).all()


@given(functions())
def test_description_is_json(function):
    said = json.loads(json.dumps(function.describe()))
    assert said["kind"] == type(function).__name__


def test_direction_of_each():
    assert ss.Rising(0, 10)([0, 10]).tolist() == [0, 1]
    assert ss.Falling(0, 10)([0, 10]).tolist() == [1, 0]
    assert ss.Sigmoid(10, 0)([0, 10]).round(6).tolist() == [0.95, 0.05]
    assert not ss.Between(0, 1, 2, 3).is_monotone
    assert not ss.Step([1, 2], [0, 1, 0]).is_monotone
    assert ss.Step([1, 2], [0, 0.5, 1]).is_monotone
    assert not ss.Piecewise([(0, 0), (1, 1), (2, 0)]).is_monotone


def test_between_with_vertical_sides_counts_its_own_edges():
    value = ss.Between(1, 1, 2, 2)([0.999, 1, 2, 2.001, np.nan])
    np.testing.assert_array_equal(value, [0, 1, 1, 0, np.nan])


def test_categories():
    value = ss.Categories({"4A": 0.8, 5: 1.0})
    np.testing.assert_array_equal(value(["4A", 5, 5.0, None]), [0.8, 1, 1, np.nan])
    with pytest.raises(StudyError, match=r"'1A'.*'4A'.*other="):
        value(["1A"])
    assert ss.Categories({"4A": 0.8}, other=0.1)(["1A"]).tolist() == [0.1]
    assert not value.is_monotone
    assert hash(value) == hash(ss.Categories({"4A": 0.8, 5: 1.0}))


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda: ss.Rising(2, 2), "Rising"),
        (lambda: ss.Rising(3, 2), "Falling"),
        (lambda: ss.Falling(3, 2), "Rising"),
        (lambda: ss.Rising(np.nan, 2), "finite"),
        (lambda: ss.Rising(0, np.inf), "finite"),
        (lambda: ss.Rising("a", 2), "Rising"),
        (lambda: ss.Rising(False, 2), "Rising"),
        (lambda: ss.Rising(-1.7e308, 1.7e308), "finite"),
        (lambda: ss.Between(0, 3, 2, 4), "Between"),
        (lambda: ss.Between(1, 1, 1, 1), "Between"),
        (lambda: ss.Sigmoid(1, 1), "Sigmoid"),
        (lambda: ss.Sigmoid("a", 1), "Sigmoid"),
        (lambda: ss.Step([], [1]), "Step"),
        (lambda: ss.Step([1], [0, 1, 0]), "Step"),
        (lambda: ss.Step([2, 1], [0, 1, 0]), "rising"),
        (lambda: ss.Step([1], [0, 1.5]), "1.5"),
        (lambda: ss.Step([1], [0, np.nan]), "nan"),
        (lambda: ss.Piecewise([(0, 0)]), "Piecewise"),
        (lambda: ss.Piecewise([(0, 0, 1), (1, 1, 1)]), "pairs"),
        (lambda: ss.Piecewise([(0, 0), (0, 1)]), "rising"),
        (lambda: ss.Piecewise([(0, 0), (1, -0.1)]), "-0.1"),
        (lambda: ss.Piecewise([1, 2]), "Piecewise"),
        (lambda: ss.Categories({}), "Categories"),
        (lambda: ss.Categories({"a": 2}), "2"),
        (lambda: ss.Categories({"a": 1}, other=-1), "-1"),
    ],
)
def test_bad_bounds_are_refused(make, noun):
    with pytest.raises(StudyError, match=noun):
        make()
