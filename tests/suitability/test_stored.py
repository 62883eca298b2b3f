"""What a study file holds: written down, read back, equal, and the same to the bit."""

from __future__ import annotations

import tomllib
import warnings
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box
from strategies import examples
from suitability.test_curves import value_functions
from suitability.world import frame, write_raster

import siteselect as ss
from siteselect.errors import LayerError, SiteSelectError, StudyError
from siteselect.layers import LayerInfo, Raster
from siteselect.layers.info import with_info
from siteselect.suitability import measures
from siteselect.suitability.measures.base import Measured
from siteselect.suitability.records import AGGREGATES
from siteselect.suitability.stored import _FITS, EXCLUSIONS, MEASUREMENTS, _split
from siteselect.suitability.stored_weights import WAYS

SITES = frame(
    [Point(-98 + 0.3 * k, 31.4 + 0.2 * (k % 3)) for k in range(6)],
    index=pd.Index(list("abcdef"), name="site"),
    acres=[100.0, 250.0, np.nan, 900.0, 40.0, 250.0],
    zone=["4A", "5A", None, "4A", "x", "5A"],
    cell_km=10.0,
    cell_shape="square",
)


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rasters")
    rng = np.random.default_rng(3)
    path = write_raster(folder / "heights.tif", rng.uniform(0, 900, (2, 12, 12)))
    some = {
        "mw": [10.0, np.nan, 300.0, 45.5],
        "jobs": [4.0, 7.0, 0.0, 1e5],
        "zone": ["4A", "5A", None, "5A"],
    }
    return {
        "stations": frame([Point(-98 + 0.4 * k, 31.5) for k in range(4)], **some),
        "zones, large": frame(
            [box(-98 + 0.5 * k, 31, -97.6 + 0.5 * k, 32) for k in range(4)], **some
        ),
        "lines": frame(
            [LineString([(-98, 31 + k / 4), (-96, 31 + k / 3)]) for k in range(4)],
            **some,
        ),
        "heights": Raster(path, info=LayerInfo("heights", units={"value": "m"})),
        "minutes": pd.DataFrame(
            rng.uniform(5, 90, (6, 2)), index=SITES.index, columns=["port", "Zürich"]
        ),
    }


km = st.floats(0.5, 300) | st.integers(1, 300)
figure = st.floats(-1e6, 1e6) | st.integers(-9, 9)
share = st.floats(0, 1)
where = st.one_of(
    st.none(),
    st.sampled_from(["jobs >= 4", "zone == '5A' and mw > 1e1"]),
    st.just({"zone": ["4A", "5A"]}),
    st.just({"zone": {"5A"}, "jobs": (7.0, 0)}),
    st.just({"jobs": np.float64(7)}),
)
VECTOR = ("stations", "zones, large", "lines")


def measurement(draw, layers, kind):
    """Draw a measurement of a kind, over the layers."""
    vector = layers[draw(st.sampled_from(VECTOR))]
    zones, heights = layers["zones, large"], layers["heights"]
    band = draw(st.sampled_from([1, 2]))
    if kind is ss.At:
        column = draw(st.sampled_from(["mw", "jobs"]))
        return kind(zones, column, reach_km=draw(km | st.just(0.0)))
    if kind is ss.Aspect:
        return kind(heights, vertical_m=draw(st.none() | st.just(0.3048)), band=band)
    if kind is ss.Column:
        unit = draw(st.sampled_from(["", "acre"]))
        level = draw(st.sampled_from(["unstated", "measured"]))
        return kind("acres", column_unit=unit, column_evidence=level)
    if kind is ss.CoveredShare:
        return kind(zones)
    if kind is ss.EnergisedBy:
        of = dict.fromkeys(("low", "mid", "high"), "acres")
        return kind(draw(st.integers(2000, 2100)), **of)
    if kind is ss.Latency:
        return kind(
            layers["stations"],
            weight=draw(st.sampled_from([None, "jobs"])),
            within_ms=draw(st.none() | st.floats(0, 9)),
            circuity=draw(st.floats(1, 2)),
            equipment_ms=draw(st.sampled_from([0.0, 1])),
            where=draw(where),
        )
    if kind is ss.Length:
        return kind(layers["lines"], radius_km=draw(km), where=draw(where))
    if kind is ss.Nearest:
        attribute = draw(st.none() | st.just("jobs"))
        k = draw(st.integers(1, 3))
        return kind(vector, attribute=attribute, k=k, where=draw(where))
    if kind is ss.Sample:
        method = draw(st.sampled_from(["nearest", "bilinear"]))
        return kind(heights, band=band, reach_km=draw(km), method=method)
    if kind is ss.Slope:
        angle = draw(st.sampled_from(["percent", "degrees"]))
        return kind(heights, angle=angle, band=band)
    if kind is ss.Travel:
        weights = {"port": draw(share) + 0.1, "Zürich": np.float64(0.5)}
        if draw(st.booleans()):
            return kind(layers["minutes"], name=draw(st.text(max_size=3)))
        given = draw(st.sampled_from([None, weights, pd.Series(weights)]))
        return kind(layers["minutes"], "mean", weights=given, skip_missing=True)
    if kind is ss.Within:
        decay = draw(st.sampled_from([None, "linear", "gaussian"]))
        statistic = draw(st.sampled_from(["count", "sum", "mean", "max"]))
        return kind(
            vector,
            radius_km=draw(km),
            where=draw(where),
            skip_missing=draw(st.booleans()),
            decay=decay,
            decay_km=draw(km) if decay == "gaussian" else None,
            **{statistic: True if statistic == "count" else "mw"},
        )
    assert kind is ss.Zonal
    stat, option = draw(
        st.sampled_from(
            [
                ("mean", {}),
                ("quantile", {"quantile": 0.25}),
                ("share", {"classes": (np.float32(1), 2)}),
                ("sum", {"min_known": 0}),
                ("max", {"min_known": np.float64(0.9)}),
            ]
        )
    )
    return kind(heights, stat, band=band, **option)


def exclusion(draw, layers, kind, depth=0):
    """Draw an exclusion of a kind, over the layers."""
    name = draw(st.sampled_from(["", "mine", "Größe > 1"]))
    simple = [ss.Inside, ss.Near, ss.Where]
    inner = st.sampled_from([*simple, ss.Not, ss.AllOf, ss.AnyOf][: 6 - 3 * depth])

    def other():
        return exclusion(draw, layers, draw(inner), depth + 1)

    if kind is ss.Inside:
        least = draw(st.none() | st.floats(0.01, 1))
        return kind(layers["zones, large"], min_share=least, name=name)
    if kind is ss.Near:
        return kind(layers[draw(st.sampled_from(VECTOR))], km=draw(km), name=name)
    if kind is ss.MinArea:
        return kind(min_ha=draw(km), name=name)
    if kind is ss.Not:
        return kind(other(), name=name)
    if kind is ss.Keep:
        return kind(draw(st.sampled_from([["a", "c"], other()])), name=name)
    if kind in (ss.AllOf, ss.AnyOf):
        return kind([other() for _ in range(draw(st.integers(1, 2)))], name=name)
    assert kind is ss.Where
    missing = draw(st.sampled_from(["exclude", "keep"]))
    if draw(st.booleans()):
        rule = draw(
            st.sampled_from(
                [{"equals": "4A"}, {"isin": {"x", "5A"}}, {"isin": ("x", "4A")}]
            )
        )
        return kind("zone", missing=missing, name=name, **rule)
    what = draw(st.sampled_from([ss.Column, ss.Within, ss.Sample]))
    measure = measurement(draw, layers, what)
    return kind(measure, above=draw(figure), missing=missing, name=name)


def gate(draw, layers, name):
    """Draw a gate."""
    if draw(st.booleans()):
        soft = draw(st.sampled_from([None, exclusion(draw, layers, ss.Near)]))
        return ss.Gate(name, exclusion(draw, layers, ss.Where), conditional=soft)
    measure = measurement(draw, layers, draw(st.sampled_from(MEASUREMENTS)))
    asked = draw(
        st.sampled_from(
            [
                {"at_most": 5, "conditional": 8.5},
                {"at_least": 0.1},
                {"at_least": 1, "at_most": 5, "conditional": (0, np.float64(9))},
                {"isin": {1.0, 2.0}, "conditional": [3.0]},
            ]
        )
    )
    if hasattr(measure, "layer") and draw(st.booleans()):
        asked = asked | {"max_resolution_km": draw(km)}
    return ss.Gate(name, measure, **asked)


def weights(draw, names):
    """Draw weights of all criteria, by any of the ways."""
    points = {name: draw(st.floats(0.1, 100)) for name in names}
    swings = points | {names[0]: 100}
    pairs = {
        (a, b): draw(st.sampled_from([3, 1 / 3, 0.7, np.float64(1.1)]))
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    }
    found = pd.DataFrame({n: [0.1, 0.2 + 0.1 * i] for i, n in enumerate(names)})
    ways = {
        ss.direct_weights: lambda: ss.direct_weights(points),
        ss.swing_weights: lambda: ss.swing_weights(swings),
        ss.rank_weights: lambda: ss.rank_weights(
            draw(st.sampled_from([names, [names[:2], *names[2:]]])),
            method=draw(st.sampled_from(["centroid", "sum", "reciprocal"])),
        ),
        ss.ahp: lambda: ss.ahp(pairs, max_ratio=None),
        ss.group_weights: lambda: ss.group_weights(
            draw(st.sampled_from([{"all": 2}, ss.direct_weights({"all": 3})])),
            {"all": draw(st.sampled_from([points, ss.swing_weights(swings)]))},
        ),
    }
    assert set(ways) == set(WAYS)
    return draw(st.sampled_from([*ways.values(), lambda: ss.entropy_weights(found)]))()


AGGREGATED = (
    ss.WeightedSum(),
    ss.GeometricMean(),
    ss.Minimum(),
    ss.OWA(0.3),
    ss.ReferencePoint(0.8, reservation=0.25, rho=0.1),
)
text = st.text(min_size=1, max_size=6).filter(str.strip)


@st.composite
def scorings(draw, layers):
    names = draw(st.lists(text, min_size=2, max_size=3, unique=True))
    figures = tuple(k for k in ss.suitability.records.VALUE_FUNCTIONS)
    criteria = [
        ss.Criterion(
            name,
            measurement(draw, layers, draw(st.sampled_from(MEASUREMENTS))),
            draw(value_functions(figures)),
            weight=draw(st.floats(0.1, 9) | st.integers(1, 3)),
            evidence=draw(st.sampled_from([None, "proxy"])),
        )
        for name in names
    ]
    return ss.Scoring(
        criteria,
        exclude=[
            exclusion(draw, layers, draw(st.sampled_from(EXCLUSIONS)))
            for _ in range(draw(st.integers(0, 2)))
        ],
        gates=[gate(draw, layers, n) for n in draw(st.sampled_from([[], ["g", "h"]]))],
        aggregate=draw(st.sampled_from(AGGREGATED)),
        weights=weights(draw, names) if draw(st.booleans()) else None,
    )


def test_all_of_the_room_is_drawn():
    """The drawn parts are all there are: a new one must be stored too."""
    base = (measures.Measurement, measures.Measured)
    public = {getattr(measures, name) for name in measures.__all__} - set(base)
    assert public == set(MEASUREMENTS)
    assert {type(way) for way in AGGREGATED} == set(AGGREGATES)
    rules = {
        thing
        for name in ss.__all__
        if isinstance(thing := getattr(ss, name), type)
        and issubclass(thing, ss.suitability.Exclusion)
    }
    assert rules == set(EXCLUSIONS)


@pytest.mark.parametrize("kind", [*MEASUREMENTS, *EXCLUSIONS, ss.Gate])
def test_the_reader_knows_every_annotation(kind):
    for one in fields(kind):
        for word in one.type.split("|"):
            assert _split(word)[0] in _FITS, (one.name, one.type)


@examples(150)
@given(data=st.data())
def test_a_scoring_is_the_same_after_a_study_file(layers, data):
    scoring = data.draw(scorings(layers))
    written = scoring.to_toml(layers)
    again = ss.Scoring.from_toml(written, layers)
    assert again == scoring
    assert again.to_toml(layers) == written
    for one, other in zip(scoring.criteria, again.criteria, strict=True):
        assert ss.Criterion.from_dict(one.to_dict(layers), layers) == other
        assert one.measure.label == other.measure.label
    for one, other in zip(scoring.exclude, again.exclude, strict=True):
        assert one.name == other.name
    if scoring.weights is not None:
        assert dict(again.weights) == dict(scoring.weights)
        assert again.weights.notes == scoring.weights.notes or not again.weights.asked


@examples(60)
@given(data=st.data())
def test_what_is_read_back_scores_the_same_to_the_bit(layers, data):
    scoring = data.draw(scorings(layers))
    again = ss.Scoring.from_toml(scoring.to_toml(layers), layers)
    found = []
    for one in (scoring, again):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found.append(one.score(SITES))
            except SiteSelectError as error:
                found.append(str(error))
    if isinstance(found[0], str):
        assert found[0] == found[1]
    else:
        pd.testing.assert_frame_equal(*found, check_exact=True)


# ------------------------------------------------------------------ equality

MINE = ss.Criterion("size", ss.Column("acres"), ss.Rising(1, 9))


def test_equal_means_the_same_arguments_and_the_same_layer(layers):
    stations = layers["stations"]
    one = ss.Within(stations, radius_km=20, count=True, where={"zone": {"4A", "5A"}})
    same = ss.Within(stations, radius_km=20.0, count=True, where={"zone": ["4A", "5A"]})
    assert one == same
    assert hash(one) == hash(same)
    assert one != ss.Within(stations.copy(), radius_km=20, count=True)
    assert one != ss.Within(stations, radius_km=21, count=True)
    assert one != "Within"
    assert ss.Near(stations, km=1) == ss.Near(stations, km=1)
    assert ss.Near(stations, km=1) != ss.Near(stations, km=1, name="mine")
    assert ss.Criterion("size", ss.Column("acres"), ss.Rising(1, 9)) == MINE
    assert ss.Criterion("size", ss.Column("acres"), ss.Rising(1, 8)) != MINE
    assert len({MINE, MINE}) == 1
    rule = ss.Where("acres", above=3) & ss.Near(stations, km=1)
    assert rule == ss.Where("acres", above=3) & ss.Near(stations, km=1)


# ------------------------------------------------------------------ refusals


@dataclass(frozen=True, eq=False)
class Twice(ss.suitability.Measurement):
    """A measurement of one's own."""

    source: str
    times: float = field(default=2.0, kw_only=True)

    @property
    def label(self):
        return "twice"

    def answer(self, queries):
        figures = self.times * queries.sites[self.source]
        return Measured(figures, np.zeros(len(figures), dtype=bool))

    def describe(self):
        return {"kind": "Twice"}


def test_a_class_of_ones_own_is_read_when_it_is_named():
    criterion = ss.Criterion("x", Twice("acres", times=3), ss.Rising(0, 1000))
    record = criterion.to_dict()
    assert record["measure"] == {"kind": "Twice", "source": "acres", "times": 3}
    assert ss.Criterion.from_dict(record, own=[Twice]) == criterion
    rule = ss.Where(Twice("acres"), above=3) | ss.Where("acres", below=1)
    scoring = ss.Scoring([criterion], exclude=[rule])
    assert ss.Scoring.from_toml(scoring.to_toml(), own=[Twice]) == scoring
    with pytest.raises(StudyError, match="'Twice'"):
        ss.Criterion.from_dict(record)
    with pytest.raises(StudyError, match="'timess'.*'times'"):
        ss.Criterion.from_dict(
            record | {"measure": {"kind": "Twice", "source": "a", "timess": 1}},
            own=[Twice],
        )


def named(layer):
    return with_info(layer, LayerInfo("towns"))


@pytest.mark.parametrize(
    ("make", "nouns"),
    [
        (lambda g: ss.Criterion("x", lambda f: f["a"], ss.Rising(0, 1)), ["lambda"]),
        (lambda g: ss.Criterion("x", ss.Column("a"), np.sqrt), ["'x', value", "code"]),
        (
            lambda g: ss.Criterion(
                "x",
                ss.Nearest(named(g), where=lambda f: f["mw"] > 1),
                ss.Rising(0, 1),
            ),
            ["'x', measure (Nearest)", "function of your own", "where='voltage"],
        ),
        (
            lambda g: ss.Criterion(
                "x", ss.Column(pd.Series([1.0], name="s")), ss.Rising(0, 1)
            ),
            ["Series", "column of the candidates"],
        ),
        (lambda g: ss.Criterion("x", ss.Nearest(g), ss.Rising(0, 1)), ["no name"]),
        (
            lambda g: ss.Scoring([MINE], exclude=[lambda f: f["acres"] > 1]),
            ["Exclusion 1", "code"],
        ),
        (
            lambda g: ss.Where("acres", above=1) & (lambda f: f["b"]),
            ["Exclusion 1 (AllOf)", "function of your own", "as a column"],
        ),
        (lambda g: ss.Gate("g", lambda f: f["a"], at_most=1), ["Gate 'g', measure"]),
        (lambda g: ss.Gate("g", ss.Column("a"), isin=[None]), ["'g'", "None"]),
        (lambda g: ss.Where("a", isin=[pd.NaT]), ["Exclusion 1", "NaT"]),
    ],
)
def test_what_cannot_be_stored_is_refused(make, nouns):
    layer = frame([Point(0, 0)], mw=[1.0])
    made = make(layer)
    if isinstance(made, ss.suitability.Exclusion):
        made = ss.Scoring([MINE], exclude=[made])
    with pytest.raises(StudyError) as caught:
        made.to_dict()
    text = str(caught.value)
    assert all(noun in text for noun in nouns), text


def test_a_layer_is_found_by_itself_and_not_by_its_name_alone():
    layer = named(frame([Point(0, 0)]))
    near = ss.Criterion("x", ss.Nearest(layer), ss.Falling(1, 9))
    assert near.to_dict()["measure"]["layer"] == "towns"
    assert near.to_dict({"cities": layer})["measure"]["layer"] == "cities"
    with pytest.raises(StudyError, match=r"none of those given.*Allowed are towns"):
        near.to_dict({"towns": layer.copy()})


def test_presets_round_trip_with_their_layers():
    layers = dict(ss.datasets.load_all("Rhode Island"))
    criteria = list(ss.presets.inference(layers))
    rules = ss.presets.exclusions(layers)
    scoring = ss.Scoring(criteria, exclude=rules)
    assert ss.Scoring.from_toml(scoring.to_toml(), layers) == scoring
    # One criterion of the other preset reads counties as points, a layer of its own.
    balance = {c.name: c for c in ss.presets.training(layers)}["grid_balance"]
    with pytest.raises(StudyError, match="changed 'grid_balance'"):
        balance.to_dict()
    with_points = layers | {"balance points": balance.measure.layer}
    record = balance.to_dict(with_points)
    assert ss.Criterion.from_dict(record, with_points) == balance


GOOD = {
    "name": "x",
    "measure": {"kind": "Nearest", "layer": "stations"},
    "value": {"kind": "Falling", "a": 1, "b": 9},
}


def changed(**parts):
    return GOOD | {
        key: GOOD[key] | part if isinstance(part, dict) else part
        for key, part in parts.items()
    }


@pytest.mark.parametrize(
    ("record", "nouns"),
    [
        (5, ["A criterion", "found 5"]),
        ({"name": "x"}, ["'x'", "no 'measure'", "no 'value'"]),
        (changed(name=5), ["name", "5"]),
        (changed(weightt=2), ["'weightt'", "'weight'"]),
        (changed(weight="2"), ["'weight'", "'2'", "a number"]),
        (changed(evidence="prox"), ["'x'", "'proxy'"]),
        (changed(measure="Nearest"), ["'x', measure", "'Nearest'", "kind"]),
        (changed(measure={"kind": "Nearst"}), ["Did you mean 'Nearest'", "Within"]),
        (changed(measure={"kind": "Near"}), ["kind 'Near'", "Nearest"]),
        (changed(measure={"layer": "station"}), ["'station'", "'stations'"]),
        (changed(measure={"layer": 5}), ["'layer'", "the name of a layer"]),
        (changed(measure={"kk": 5}), ["'kk'", "Did you mean 'k'"]),
        (changed(measure={"k": "2"}), ["'k'", "'2'", "a whole number"]),
        (changed(measure={"k": True}), ["k = True", "a whole number"]),
        (changed(measure={"where": 5}), ["where = 5", "comparison"]),
        (changed(measure={"attribute": "mv"}), ["'x', measure", "'mv'", "mw, jobs"]),
        (changed(measure={"kind": "At"}), ["no 'column'"]),
        (changed(measure={"kind": "Sample"}), ["raster"]),
        (changed(measure={"kind": "function", "name": "f"}), ["your own", "'f'"]),
        (
            changed(measure={"kind": "Within", "radius_km": 5, "count": "yes"}),
            ["count = 'yes'", "true or false"],
        ),
        (changed(value={"kind": "Faling"}), ["'x', value", "'Falling'"]),
        (changed(value={"b": "9"}), ["'x', value", "'9'"]),
        (changed(value={"c": 9}), ["'c'"]),
    ],
)
def test_a_record_that_cannot_be_read_names_its_place(layers, record, nouns):
    with pytest.raises(SiteSelectError) as caught:
        ss.Criterion.from_dict(record, layers)
    text = str(caught.value)
    assert all(noun.lower() in text.lower() for noun in nouns), text
    assert isinstance(caught.value, (StudyError, LayerError))
    assert text.count(". ") >= 2


RULE = {"kind": "Near", "layer": "stations", "km": 1}


@pytest.mark.parametrize(
    ("record", "nouns"),
    [
        ({"exclude": []}, ["no 'criteria'"]),
        ({"criteria": [GOOD], "excludee": []}, ["'exclude'"]),
        ({"criteria": {"x": 1}}, ["[[criteria]]"]),
        ({"criteria": [GOOD, 5]}, ["Criterion 2", "found 5"]),
        ({"criteria": [GOOD], "exclude": [RULE, 5]}, ["Exclusion 2"]),
        ({"criteria": [GOOD], "exclude": [RULE | {"km": "1"}]}, ["km = '1'"]),
        ({"criteria": [GOOD], "exclude": [{"kind": "Nearest"}]}, ["'Nearest'", "Near"]),
        (
            {"criteria": [GOOD], "exclude": [{"kind": "AllOf", "rules": [RULE, 3]}]},
            ["Exclusion 1", "rules = "],
        ),
        (
            {
                "criteria": [GOOD],
                "exclude": [{"kind": "Not", "rule": {"kind": "Neer"}}],
            },
            ["Exclusion 1, rule", "'Near'"],
        ),
        ({"criteria": [GOOD], "gates": [{"name": "g"}]}, ["Gate 'g'", "no 'measure'"]),
        (
            {"criteria": [GOOD], "gates": [{"name": "g", "measure": RULE, "isin": 5}]},
            ["isin = 5", "a list"],
        ),
        ({"criteria": [GOOD], "aggregate": {"kind": "OWAA"}}, ["'OWA'"]),
        ({"criteria": [GOOD], "weights": {"kind": "aph"}}, ["'ahp'"]),
        ({"criteria": [GOOD], "weights": {"kind": "entropy_weights"}}, ["to_dict()"]),
        (
            {"criteria": [GOOD], "weights": {"kind": "rank_weights", "order": "x"}},
            ["order = 'x'"],
        ),
        (
            {"criteria": [GOOD], "weights": {"kind": "swing_weights", "pts": {}}},
            ["'pts'", "no 'points'"],
        ),
        (
            {"criteria": [GOOD], "weights": {"kind": "ahp", "judgements": [["x"]]}},
            ["judgements"],
        ),
        (
            {
                "criteria": [GOOD],
                "weights": {"kind": "group_weights", "between": {"a": 1}, "within": 2},
            },
            ["within = 2"],
        ),
        (
            {
                "criteria": [GOOD],
                "weights": {"kind": "Weights", "method": "entropy", "weights": {}},
            },
            ["weights = {}"],
        ),
        (
            {
                "criteria": [GOOD],
                "weights": {"kind": "direct_weights", "points": {"y": 1}},
            },
            ["no weight for 'x'"],
        ),
    ],
)
def test_a_scoring_that_cannot_be_read_names_file_and_place(layers, record, nouns):
    with pytest.raises(StudyError) as caught:
        ss.Scoring.from_dict(record, layers, file="study.toml")
    message = str(caught.value)
    assert message.startswith("study.toml: ")
    assert all(noun.lower() in message.lower() for noun in nouns), message


def test_all_mistakes_are_said_at_once_and_no_layer_says_so(layers):
    record = {
        "criteria": [changed(weight=-1), changed(value={"b": 0}), GOOD],
        "exclude": [RULE | {"layer": "no such"}],
        "aggregate": {"kind": "Minima"},
    }
    with pytest.raises(StudyError) as caught:
        ss.Scoring.from_dict(record, layers)
    assert str(caught.value).startswith("4 mistakes\n- ")
    assert str(caught.value).count("\n- ") == 4
    with pytest.raises(StudyError, match="there are none"):
        ss.Scoring.from_dict({"criteria": [GOOD]})


def test_a_file_that_is_no_study(tmp_path, layers):
    path = tmp_path / "study.toml"
    with pytest.raises(StudyError, match="no such file"):
        ss.Scoring.read(path, layers)
    path.write_text("[[criteria]]\nname = size\n", "utf-8")
    with pytest.raises(StudyError, match=r"'study.toml'.*line 2"):
        ss.Scoring.read(path, layers)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(StudyError, match="UTF-8"):
        ss.Scoring.read(path, layers)
    scoring = ss.Scoring.from_dict({"criteria": [GOOD]}, layers)
    path.write_text(scoring.to_toml(layers), "utf-8")
    assert ss.Scoring.read(path, layers) == scoring


def test_matrices_of_judgements_come_back_to_the_bit():
    matrix = pd.DataFrame(
        [[1, 3, 0.2], [1 / 3, 1, 0.14], [5, 7, 1]],
        index=list("abc"),
        columns=list("abc"),
    )
    found = ss.ahp(matrix)
    again = ss.weights_from_dict(tomllib.loads(tomli_w.dumps(found.to_dict())))
    assert dict(again) == dict(found)
    assert again.consistency_ratio == found.consistency_ratio
