"""Value functions: bounds, monotone where they say so, unknown stays unknown."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteselect.errors import StudyError
from siteselect.suitability import (
    Between,
    Categories,
    Falling,
    Piecewise,
    Rising,
    Sigmoid,
    Step,
)

numbers = st.floats(-1e9, 1e9)
raws = st.lists(numbers | st.just(float("nan")), min_size=1, max_size=30)
unit = st.floats(0, 1)


@st.composite
def value_functions(draw):
    kind = draw(st.sampled_from([Rising, Falling, Between, Step, Piecewise, Sigmoid]))
    rising = st.lists(
        st.integers(-(10**6), 10**6), min_size=4, max_size=4, unique=True
    ).map(sorted)
    a, b, c, d = (float(x) for x in draw(rising))
    if kind in (Rising, Falling):
        return kind(a, b)
    if kind is Sigmoid:
        return Sigmoid(b, a) if draw(st.booleans()) else Sigmoid(a, b)
    if kind is Between:
        return draw(st.sampled_from([Between(a, b, c, d), Between(a, a, c, c)]))
    values = draw(st.lists(unit, min_size=5, max_size=5))
    if kind is Step:
        return Step([a, b, c, d], values)
    return Piecewise(list(zip([a, b, c, d], values, strict=False)))


@given(value_functions(), raws)
def test_values_stay_in_the_unit_interval_and_unknown_stays_unknown(value, raw):
    found = value(raw)
    raw = np.asarray(raw)
    assert (np.isnan(found) == np.isnan(raw)).all()
    known = found[~np.isnan(found)]
    assert ((known >= 0) & (known <= 1)).all()


@given(value_functions(), raws)
def test_monotone_where_it_says_so(value, raw):
    raw = np.sort(np.asarray(raw)[~np.isnan(raw)])
    steps = np.diff(value(raw))
    if value.is_monotone:
        assert (steps >= -1e-12).all() or (steps <= 1e-12).all()


@given(value_functions(), st.permutations(list(range(-6, 7))))
def test_each_figure_has_its_own_value_whatever_the_others_are(value, order):
    raw = np.array(order, dtype=float) * 1e5
    assert (value(raw) == [value([x])[0] for x in raw]).all()


@given(value_functions())
def test_described_as_plain_values(value):
    described = json.loads(json.dumps(value.describe()))
    assert described["kind"] == type(value).__name__


def test_reference_points():
    assert Rising(10, 20)([10, 15, 20]).tolist() == [0, 0.5, 1]
    assert Falling(10, 20)([10, 15, 20]).tolist() == [1, 0.5, 0]
    assert Between(0, 0, 5, 5)([-1, 0, 5, 6]).tolist() == [0, 1, 1, 0]
    assert Step([1, 2], [0, 0.5, 1])([0.9, 1, 1.9, 2]).tolist() == [0, 0.5, 0.5, 1]
    assert Piecewise([(0, 1), (10, 0)])([-5, 5, 15]).tolist() == [1, 0.5, 0]
    np.testing.assert_allclose(Sigmoid(2, 8)([2, 5, 8]), [0.05, 0.5, 0.95])
    np.testing.assert_allclose(Sigmoid(8, 2)([2, 5, 8]), [0.95, 0.5, 0.05])


def test_points_and_classes_may_be_arrays():
    points = [[0.0, 0.0], [5.0, 0.3], [10.0, 1.0]]
    wanted = Piecewise(points)
    table = pd.DataFrame(points, columns=["raw", "value"])
    for given_points in (
        np.array(points),
        [np.array(point) for point in points],
        table,
        iter(points),
        zip([0.0, 5.0, 10.0], [0.0, 0.3, 1.0], strict=True),
    ):
        value = Piecewise(given_points)
        assert value == wanted
        assert hash(value) == hash(wanted)
        assert json.dumps(value.describe()) == json.dumps(wanted.describe())
    for wrong in (np.array(3.0), np.zeros(4), np.zeros((3, 3)), [np.array(1.0)] * 2):
        with pytest.raises(StudyError, match="pairs"):
            Piecewise(wrong)
    assert Step(np.array([1, 2]), np.array([0, 0.5, 1])) == Step([1, 2], [0, 0.5, 1])


@given(st.integers(-999, 999), st.sampled_from([0.1, 0.01, 0.3, 1 / 3]))
def test_a_figure_kept_less_exactly_has_the_value_of_its_label(k, step):
    label = float(f"{k * step:.15g}")
    value = Categories({label: 0.25, label + 1: 0.75}, other=0.5)
    kept = [np.float32(label), float(np.float32(label)), k * step, label, "text", None]
    np.testing.assert_array_equal(value(kept), [0.25] * 4 + [0.5, np.nan])
    assert value([np.float32(label + 1)]) == 0.75


def test_whole_numbers_are_never_taken_for_another():
    code = 2**24 + 1
    with pytest.raises(StudyError, match="no value"):
        Categories({code: 1.0})([float(2**24)])
    with pytest.raises(StudyError, match="no value"):
        Categories({0.34: 1.0})([np.float32(0.3)])


def test_categories():
    value = Categories({"a": 1, "b": 0.2}, other=0.5)
    np.testing.assert_array_equal(value(["a", "b", "c", None]), [1, 0.2, 0.5, np.nan])
    np.testing.assert_array_equal(Categories({1: 0.3})([1.0, np.nan]), [0.3, np.nan])
    with pytest.raises(StudyError, match="'c'"):
        Categories({"a": 1})(["a", "c"])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rising(5, 5),
        lambda: Rising(9, 5),
        lambda: Falling(9, 5),
        lambda: Rising(NAN, 5),
        lambda: Rising(0, INF),
        lambda: Rising("0", 5),
        lambda: Rising(-1e308, 1e308),
        lambda: Between(1, 2, 2, 1),
        lambda: Between(1, 1, 1, 1),
        lambda: Sigmoid(3, 3),
        lambda: Step([], [1]),
        lambda: Step([1, 2], [1, 0]),
        lambda: Step([2, 1], [1, 0, 1]),
        lambda: Step([1], [1, 2]),
        lambda: Piecewise([(0, 1)]),
        lambda: Piecewise([(1, 1), (1, 0)]),
        lambda: Piecewise([(0, 1), (1, 1.5)]),
        lambda: Categories({}),
        lambda: Categories({"a": NAN}),
        lambda: Categories({"a": 1}, other=2),
    ],
)
def test_bounds_that_make_no_sense_are_refused(make):
    with pytest.raises(StudyError, match="(?i:allowed are)"):
        make()
