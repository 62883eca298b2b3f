"""Every value function: bounded, monotone where it says so, written down and back."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import siteselect as ss
from siteselect.errors import StudyError
from siteselect.suitability.records import VALUE_FUNCTIONS
from siteselect.suitability.value_function import ValueFunction, along, ramp

figure = st.floats(-1e6, 1e6)
above = st.floats(1e-3, 1e6)
steep = st.floats(0.05, 20) | st.just(1e-3)
share = st.floats(0, 1)
label = st.one_of(st.text("abcZé 4", max_size=4), st.integers(-9, 99), st.booleans())


def two(draw, numbers=figure, *, rising=False):
    a, b = draw(st.lists(numbers, min_size=2, max_size=2, unique_by=lambda x: x / 1.0))
    if abs(a - b) < 1e-3:
        b = a + 1.0
    return (min(a, b), max(a, b)) if rising else (a, b)


@st.composite
def value_functions(draw, kinds=VALUE_FUNCTIONS):
    kind = draw(st.sampled_from(kinds))
    if kind in (ss.Rising, ss.Falling, ss.Saturating, ss.Fading):
        return kind(*two(draw, rising=True))
    if kind is ss.Sigmoid:
        return kind(*two(draw))
    if kind is ss.Logarithm:
        return kind(*two(draw, above))
    if kind is ss.Power:
        return kind(*two(draw), draw(steep))
    if kind is ss.Exponential:
        return kind(*two(draw), draw(steep) * draw(st.sampled_from([-5, -1, 1, 5])))
    if kind in (ss.Gaussian, ss.NearTo):
        return kind(draw(figure), draw(above))
    if kind in (ss.Large, ss.Small):
        return kind(draw(above), draw(steep))
    if kind is ss.Between:
        bounds = sorted(draw(st.lists(figure, min_size=4, max_size=4)))
        return kind(*bounds[:3], bounds[3] + 1)
    if kind is ss.Categories:
        labels = draw(st.lists(label, min_size=1, max_size=5, unique=True))
        values = [draw(share) for _ in labels]
        other = draw(st.none() | share)
        return kind(dict(zip(labels, values, strict=True)), other)
    edges = sorted(draw(st.lists(figure, min_size=2, max_size=5, unique=True)))
    values = draw(st.lists(share, min_size=6, max_size=6))
    if draw(st.booleans()):
        values.sort(reverse=draw(st.booleans()))
    if kind is ss.Step:
        return kind(edges, values[: len(edges) + 1])
    return kind(list(zip(edges, values, strict=False)))


FIGURES = tuple(kind for kind in VALUE_FUNCTIONS if kind is not ss.Categories)


def plain(value, x):
    """Return the value of one figure, from the formula in the docstring."""
    kind = type(value)
    if kind in (ss.Gaussian, ss.NearTo):
        away = abs(x - value.best) / value.half
        return 0.5 ** (away**2) if kind is ss.Gaussian else 1 / (1 + away**2)
    if kind in (ss.Large, ss.Small):
        if x <= 0:
            return 0.0 if kind is ss.Large else 1.0
        odds = value.exponent * math.log(x / value.middle)
        odds = odds if kind is ss.Small else -odds
        return 0.0 if odds > 700 else 1 / (1 + math.exp(odds))
    if kind in (ss.Saturating, ss.Fading):
        t = max((x - value.a) / (value.b - value.a), 0)
        return 1 / (1 + t) if kind is ss.Fading else t / (1 + t)
    low, high, at = value.a, value.b, x
    if kind is ss.Logarithm:
        if x <= 0:
            return 0.0 if low < high else 1.0
        low, high, at = math.log(low), math.log(high), math.log(x)
    t = min(max((at - low) / (high - low), 0), 1)
    if kind is ss.Power:
        return t**value.exponent
    if kind is ss.Exponential:
        return (math.exp(value.bend * t) - 1) / (math.exp(value.bend) - 1)
    return t


BENT = (
    ss.Gaussian,
    ss.NearTo,
    ss.Large,
    ss.Small,
    ss.Saturating,
    ss.Fading,
    ss.Power,
    ss.Exponential,
    ss.Logarithm,
)


@examples(150)
@given(value_functions(BENT), st.lists(figure | st.just(np.nan), max_size=8))
def test_a_curve_is_its_formula(value, raw):
    raw = np.array(raw, dtype=float)
    wanted = [np.nan if np.isnan(x) else plain(value, x) for x in raw]
    np.testing.assert_allclose(value(raw), wanted, rtol=1e-6, atol=1e-9)


@examples(150)
@given(
    value_functions(FIGURES),
    st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=9),
)
def test_bounded_and_monotone_where_it_says_so(value, raw):
    low, high = value.span
    raw = np.sort([*raw, *np.linspace(low, high, 7)])
    found = value([*raw, np.nan])
    assert np.isnan(found[-1])
    assert ((found[:-1] >= 0) & (found[:-1] <= 1)).all()
    steps = np.diff(found[:-1])
    if value.is_monotone:
        assert (steps >= -1e-15).all() or (steps <= 1e-15).all()


@pytest.mark.parametrize("kind", VALUE_FUNCTIONS)
def test_what_is_not_monotone_says_so(kind):
    """Not only is True never wrong: False is not a way out either."""
    rises_and_falls = {ss.Between, ss.Gaussian, ss.NearTo, ss.Categories}
    made = {
        ss.Step: lambda: ss.Step([1, 2], [0, 0.5, 1]),
        ss.Piecewise: lambda: ss.Piecewise([(0, 1), (1, 0)]),
        ss.Between: lambda: ss.Between(0, 1, 2, 3),
        ss.Categories: lambda: ss.Categories({"a": 1}),
    }.get(kind, lambda: kind(1, 2))
    assert made().is_monotone == (kind not in rises_and_falls)


@examples(80)
@given(
    value_functions(BENT), st.lists(figure, max_size=8), st.sampled_from([1e3, 0.125])
)
def test_another_unit_changes_nothing(value, raw, k):
    """Metres for kilometres: references and figures times the same number."""
    scaled = {
        key: figure * k if key in {"a", "b", "best", "half", "middle"} else figure
        for key, figure in value.describe().items()
    }
    raw = np.array(raw)
    np.testing.assert_allclose(
        ss.value_from_dict(scaled)(raw * k), value(raw), rtol=1e-9, atol=1e-9
    )


def toml(record):
    """Write a record as a TOML document; JSON spells its plain values alike."""

    def spelled(item):
        if isinstance(item, dict):
            rows = (f"{spelled(k)} = {spelled(v)}" for k, v in item.items())
            return "{" + ", ".join(rows) + "}"
        return json.dumps(item, ensure_ascii=False)

    return f"value = {spelled(record)}"


@examples(200)
@given(value_functions())
def test_written_down_and_back(value):
    said = value.describe()
    for again in (json.loads(json.dumps(said)), tomllib.loads(toml(said))["value"]):
        made = ss.value_from_dict(again)
        assert made == value
        assert hash(made) == hash(value)
        assert made.describe() == said
        if isinstance(value, ss.Categories):
            # 1, 1.0 and True are equal: the types must be the same too.
            assert [*map(type, made.values)] == [*map(type, value.values)]


def test_labels_of_numpy_are_plain():
    value = ss.Categories({np.int16(41): np.float32(0.5), np.str_("x"): 1})
    assert json.dumps(value.describe()) == (
        '{"kind": "Categories", "labels": [41, "x"], "values": [0.5, 1]}'
    )
    assert value(np.array([41], dtype="uint8")).tolist() == [0.5]


def test_a_function_of_ones_own_can_be_read_too():
    @dataclass(frozen=True)
    class Square(ValueFunction):
        top: float

        @property
        def is_monotone(self):
            return False

        def _value(self, raw):
            return np.minimum((raw / self.top) ** 2, 1.0)

    value = ss.value_from_dict({"kind": "Square", "top": 4}, own=[Square])
    assert value([2, 8]).tolist() == [0.25, 1]
    assert value.span is None


@pytest.mark.parametrize(
    ("record", "nouns"),
    [
        (None, ["kind", "None"]),
        ({"a": 1}, ["kind"]),
        ({"kind": "Risng", "a": 1, "b": 2}, ["Did you mean 'Rising'"]),
        ({"kind": ["Rising"]}, ["Rising"]),
        ({"kind": "Rising", "a": 1}, ["no 'b'"]),
        ({"kind": "Rising", "a": 1, "b": 2, "c": 3}, ["'c'"]),
        ({"kind": "Gaussian", "best": 1, "halff": 2}, ["Did you mean 'half'"]),
        ({"kind": "Rising", "a": "1", "b": 2}, ["finite"]),
        ({"kind": "Step", "edges": 3, "values": [1, 0]}, ["edges = 3"]),
        ({"kind": "Step", "edges": [3], "values": 1}, ["values = 1"]),
        ({"kind": "Piecewise", "points": "x"}, ["points"]),
        ({"kind": "Categories", "values": [1]}, ["values = [1]"]),
        ({"kind": "Categories", "labels": [1], "values": []}, ["labels [1]"]),
        ({"kind": "Categories", "labels": [1]}, ["labels [1]"]),
        ({"kind": "Categories", "labels": [[1]], "values": [1]}, ["[1]"]),
        ({"kind": "function", "name": "mine"}, ["mine", "Criterion("]),
    ],
)
def test_a_record_that_cannot_be_read_is_refused(record, nouns):
    with pytest.raises(StudyError) as caught:
        ss.value_from_dict(record)
    text = str(caught.value)
    assert all(noun in text for noun in nouns), text
    assert text.count(". ") >= 2


@pytest.mark.parametrize(
    ("make", "noun"),
    [
        (lambda: ss.Gaussian(np.nan, 1), "best"),
        (lambda: ss.Gaussian(1, 0), "half"),
        (lambda: ss.NearTo(1, -2), "-2"),
        (lambda: ss.NearTo(1, "x"), "'x'"),
        (lambda: ss.Large(0), "middle"),
        (lambda: ss.Small(1, 0), "exponent"),
        (lambda: ss.Saturating(3, 2), "Fading"),
        (lambda: ss.Fading(3, 2), "Saturating"),
        (lambda: ss.Fading(0, np.inf), "finite"),
        (lambda: ss.Power(1, 1), "different"),
        (lambda: ss.Power(0, 1, -1), "exponent"),
        (lambda: ss.Exponential(0, 1, 0), "bend"),
        (lambda: ss.Exponential(0, 1, 101), "101"),
        (lambda: ss.Exponential(0, 0), "different"),
        (lambda: ss.Logarithm(0, 1), "Logarithm takes a"),
        (lambda: ss.Logarithm(1, np.inf), "Logarithm takes b"),
        (lambda: ss.Logarithm(1e300, math.nextafter(1e300, 2e300)), "different"),
        (lambda: ss.Categories({None: 1}), "None"),
        (lambda: ss.Categories({np.nan: 1}), "nan"),
        (lambda: ss.Categories({("a", 1): 1}), "text"),
    ],
)
def test_bad_references_are_refused(make, noun):
    with pytest.raises(StudyError, match=noun):
        make()


def test_along_and_ramp_meet_the_ends():
    assert ramp(np.array([3.0, 7.0]), 7, 3).tolist() == [1, 0]
    assert along(np.array([1e308]), 0, 1e-10).tolist() == [np.inf]
