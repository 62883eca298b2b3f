"""Exclusions: round setbacks, names, and unknown that is no pass."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box
from suitability.world import (
    GEOD,
    WEST,
    features,
    frame,
    places,
    plain_at,
    plain_distances,
)

import siteselect as ss
from siteselect.errors import DataQualityWarning, LayerError, StudyError
from siteselect.suitability.queries import Queries

SITES = frame(
    [Point(0, 0), Point(1, 0), Point(2, 0)],
    index=list("abc"),
    slope=[1.0, np.nan, 12.0],
    zone=["4A", None, "5A"],
)
SIZE = ss.Criterion("one", lambda f: f.geometry.x * 0, ss.Rising(-1, 1))


def excluded(*rules, sites=SITES):
    scored = ss.score_sites(sites, [SIZE], exclude=rules)
    assert (scored["score"].isna() == (scored["excluded_by"] != "")).all()
    return scored["excluded_by"].tolist()


@settings(max_examples=25)
@given(places(most=4), features(most=4), st.sampled_from([0.7, 12.0, 90.0]))
def test_near_is_the_plain_distance(sites, layer, km):
    distance = plain_distances(sites, layer).min(axis=1)
    found = ss.Near(layer, km=km)(sites)
    assert found.index.equals(sites.index)
    clear = np.abs(distance - km) > 1e-3 * km + 1e-3
    assert (found.to_numpy()[clear] == (distance <= km)[clear]).all()


@settings(max_examples=20)
@given(places(), features(kinds=("polygon",)))
def test_inside_is_the_plain_containment(sites, layer):
    layer["one"] = 1.0
    wanted = ~np.isnan(plain_at(sites, layer, "one"))
    assert ss.Inside(layer)(sites).tolist() == wanted.tolist()


@pytest.mark.parametrize("lat", [0.0, 36.0, 65.0])
def test_setback_of_a_point_is_a_circle(lat):
    km, n = 10.0, 161
    east = GEOD.fwd(WEST, lat, 90, 12_000)[0] - WEST
    north = GEOD.fwd(WEST, lat, 0, 12_000)[1] - lat
    x, y = np.meshgrid(np.linspace(-east, east, n), np.linspace(-north, north, n))
    sites = frame([Point(WEST + a, lat + b) for a, b in zip(x.flat, y.flat)])  # noqa: B905
    tower = frame([Point(WEST, lat)])
    found = ss.Near(tower, km=km)(sites).to_numpy()
    # Cells narrow towards the pole: each counts with its own area.
    cell = (24 / (n - 1)) ** 2 * np.cos(np.radians(lat + y.ravel()))
    cell /= math.cos(math.radians(lat))
    assert found @ cell == pytest.approx(math.pi * km**2, rel=0.01)
    # Round, no diamond: as far on the diagonal as along the axes.
    for azimuth in range(0, 360, 15):
        for share, wanted in ((0.995, True), (1.005, False)):
            lon1, lat1, _ = GEOD.fwd(WEST, lat, azimuth, 1000 * km * share)
            assert ss.Near(tower, km=km)(frame([Point(lon1, lat1)]))[0] == wanted


def test_setback_of_a_line_is_a_round_band():
    line = frame([LineString([(-98, 35), (-97.8, 35)])])
    long_km = GEOD.inv(-98, 35, -97.8, 35)[2] / 1000
    km = 5.0
    x, y = np.meshgrid(np.linspace(-98.1, -97.7, 201), np.linspace(34.9, 35.1, 151))
    sites = frame([Point(a, b) for a, b in zip(x.flat, y.flat)])  # noqa: B905
    cell = np.cos(np.radians(y.ravel())) * (111.412 * 0.4 / 200) * (110.94 * 0.2 / 150)
    found = ss.Near(line, km=km)(sites).to_numpy() @ cell
    assert found == pytest.approx(math.pi * km**2 + 2 * km * long_km, rel=0.01)


def test_names_say_what_excluded():
    steep = ss.Where("slope", above=8)
    assert steep.name == "slope above 8"
    lake = ss.Near(frame([Point(2, 0)]), km=5, name="lake")
    rules = [steep, lake, ss.Where("zone", equals="4A", name="warm")]
    assert excluded(*rules) == [
        "warm",
        "slope above 8 (unknown);warm (unknown)",
        "slope above 8;lake",
    ]


def test_unknown_is_kept_only_where_told():
    assert excluded(ss.Where("slope", above=8, missing="keep", name="steep")) == [
        "",
        "",
        "steep",
    ]
    assert excluded(ss.Where("slope", below=8, name="flat")) == [
        "flat",
        "flat (unknown)",
        "",
    ]


def test_where_takes_columns_series_and_measurements():
    series = pd.Series([9.0, 1.0, 9.0], index=list("abc"), name="noise")
    assert ss.Where(series, above=5)(SITES).tolist() == [True, False, True]
    layer = frame([Point(0.1, 0)], mw=[5.0])
    within = ss.Within(layer, radius_km=50, sum="mw")
    assert ss.Where(within, below=1)(SITES).tolist() == [False, True, True]
    assert ss.Where("zone", isin=["5A", "6A"], missing="keep")(SITES).tolist() == [
        False,
        False,
        True,
    ]
    both = ss.Where("slope", below=2, above=10, missing="keep")
    assert both(SITES).tolist() == [True, False, True]


def test_a_function_excludes_and_may_not_know():
    def steep(sites):
        return sites["slope"].gt(8).astype(object).where(sites["slope"].notna(), None)

    assert excluded(steep) == ["", "steep (unknown)", "steep"]
    assert excluded(lambda f: f["slope"] > 8) == ["", "", "exclusion 1"]


def test_inside_by_share_of_the_ground():
    cells = frame([box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 0, 3, 1)])
    park = frame([box(0.9, -1, 1.6, 2)])
    assert ss.Inside(park)(cells).tolist() == [False, True, False]
    assert ss.Inside(park, min_share=0.05)(cells).tolist() == [True, True, False]
    assert ss.Inside(park, min_share=0.7)(cells).tolist() == [False, False, False]


def test_a_layer_without_rows_is_unknown():
    none = frame([box(0, 0, 1, 1)]).iloc[:0]
    for rule in (ss.Inside(none), ss.Inside(none, min_share=0.5), ss.Near(none, km=5)):
        with pytest.warns(DataQualityWarning, match="no rows"):
            verdict = rule.verdict(Queries(SITES))
        assert verdict.is_unknown.all()


@pytest.mark.parametrize(
    ("rule", "error", "nouns"),
    [
        (lambda: ss.Near(frame([Point(0, 0)]), km=-1), StudyError, ["Near", "-1"]),
        (lambda: ss.Near("lakes", km=1), LayerError, ["Near", "str"]),
        (
            lambda: ss.Inside(frame([Point(0, 0)]), min_share=0),
            StudyError,
            ["min_share", "0"],
        ),
        (
            lambda: ss.Inside(frame([Point(0, 0)]), min_share="half"),
            StudyError,
            ["min_share", "half"],
        ),
        (lambda: ss.Where("slope"), StudyError, ["slope", "above="]),
        (lambda: ss.Where("slope", above="8"), StudyError, ["slope", "'8'"]),
        (lambda: ss.Where("zone", isin="4A"), StudyError, ["zone", "'4A'"]),
        (
            lambda: ss.Where("slope", above=8, missing="drop"),
            StudyError,
            ["'drop'", "'keep'"],
        ),
        (lambda: ss.Where("zone", above=8), LayerError, ["zone above 8", "equals="]),
        (lambda: ss.Where("slpoe", above=8), LayerError, ["'slpoe'", "'slope'"]),
        (lambda: ss.Where("slope", above=8, name="a;b"), StudyError, ["'a;b'"]),
        (lambda: lambda f: f["slope"], StudyError, ["exclusion 1", "12.0", "'c'"]),
        (lambda: lambda f: [True] * 3, StudyError, ["exclusion 1", "list"]),
        (
            lambda: lambda f: (f["slope"] > 8).reset_index(drop=True),
            StudyError,
            ["exclusion 1", "another index"],
        ),
        (lambda: "lakes", StudyError, ["'lakes'", "Near"]),
        (lambda: ss.Near, StudyError, ["Near", "place 1"]),
    ],
)
def test_what_cannot_exclude_is_refused(rule, error, nouns):
    with pytest.raises(error) as caught:
        ss.score_sites(SITES, [SIZE], exclude=[rule()])
    for noun in nouns:
        assert noun in str(caught.value)


def test_exclusions_have_their_own_names():
    rule = ss.Where("slope", above=8)
    with pytest.raises(StudyError, match="'slope above 8'"):
        ss.score_sites(SITES, [SIZE], exclude=[rule, rule])
