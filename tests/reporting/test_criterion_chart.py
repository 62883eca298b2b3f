"""The chart of a criterion: the curve is the function, every figure is counted."""

from __future__ import annotations

import re
from itertools import pairwise

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from shapely import Point

import siteselect as ss
from siteselect.errors import StudyError
from siteselect.reporting.criterion_chart import plot_value


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.subplots(figsize=(85 / 25.4, 60 / 25.4), layout="constrained")[1]


RAW = pd.Series([120.0, 150.0, 300.0, 480.0, 490.0, 9e4, np.nan, None])
SIZE = ss.Criterion("size", ss.Column("acres"), ss.Rising(100, 500))


def bars_of(ax):
    (behind,) = (other for other in ax.figure.axes if other is not ax)
    return behind


def test_curve_bars_and_counts(ax):
    found = SIZE.plot(RAW, ax)
    assert found is ax
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(y, ss.Rising(100, 500)(x))
    assert x[0] < 100
    assert x[-1] > 500
    behind = bars_of(ax)
    counts = behind.patches[0].get_data().values
    assert counts.sum() == 5
    text = ax.get_title(loc="left").replace("\n", " ")
    assert "8 candidates, 2 unknown, 1 off the axis" in text
    assert "Rising(a=100, b=500)" in text
    assert ax.get_xlabel() == "size"
    assert (ax.get_ylabel(), behind.get_ylabel()) == ("value [–]", "candidates")
    # The curve is in front, and zero stands beside zero.
    assert ax.get_zorder() > behind.get_zorder()
    zero = [a.transData.transform((300, 0))[1] for a in (ax, behind)]
    assert zero[0] == pytest.approx(zero[1])


def test_the_unit_of_the_measurement_is_on_the_axis(ax):
    fiber = gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=4326)
    near = ss.Criterion("fiber", ss.Nearest(fiber), ss.Falling(1, 80))
    assert near.plot(ax=ax).get_xlabel() == "fiber [km]"


def test_a_frame_is_measured_or_shown_as_it_was_scored():
    sites = gpd.GeoDataFrame(
        {"acres": RAW.to_numpy()},
        geometry=[Point(x, 0) for x in range(len(RAW))],
        crs=4326,
    )
    by_measuring = SIZE.plot(sites)
    scored = ss.score_sites(sites, [SIZE]).drop(columns="acres")
    by_column = SIZE.plot(scored)
    assert by_measuring.get_title(loc="left") == by_column.get_title(loc="left")
    counts = [
        bars_of(a).patches[0].get_data().values for a in (by_measuring, by_column)
    ]
    np.testing.assert_array_equal(*counts)


def test_labels_stand_over_their_counts(ax):
    zones = pd.Series(["4A", "4A", "5A", "9Z", None])
    climate = ss.Criterion(
        "zone", ss.Column("zone"), ss.Categories({"4A": 0.8, "5A": 1}, other=0.5)
    )
    climate.plot(zones, ax)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["4A", "5A", "other"]
    assert [bar.get_height() for bar in bars_of(ax).patches] == [2, 1, 1]
    marks = [segment[0][1] for segment in ax.collections[0].get_segments()]
    assert marks == [0.8, 1, 0.5]
    assert "5 candidates, 1 unknown" in ax.get_title(loc="left")


def test_many_and_long_labels_stay_legible(ax):
    value = ss.Categories({f"an unusually long label {i}": 0.5 for i in range(30)})
    value.plot(pd.Series([f"an unusually long label {i}" for i in (0, 29, 29)]), ax)
    texts = [text.get_text() for text in ax.get_xticklabels()]
    assert texts[-1] == "14 more"
    assert max(map(len, texts)) <= 18
    assert [bar.get_height() for bar in bars_of(ax).patches][-1] == 2


@pytest.mark.parametrize("width_mm", [60, 85, 180])
def test_texts_stay_on_the_paper(width_mm):
    fig, ax = plt.subplots(figsize=(width_mm / 25.4, 3), layout="constrained")
    SIZE.plot(pd.Series(np.r_[np.linspace(0, 9000, 20000), np.nan]), ax)
    fig.canvas.draw()
    paper = fig.bbox
    for text in [ax._left_title, ax.xaxis.label, bars_of(ax).yaxis.label]:
        box = text.get_window_extent()
        assert box.x0 >= paper.x0 - 1
        assert box.x1 <= paper.x1 + 1
    ticks = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
    assert all(a.x1 < b.x0 for a, b in pairwise(ticks))


def test_a_curve_alone_and_a_function_of_ones_own(ax):
    assert ss.Gaussian(20, 5).plot(name="slope", unit="%").get_xlabel() == "slope [%]"
    own = ss.Criterion("own", ss.Column("x"), lambda raw: np.clip(raw / 10, 0, 1))
    own.plot(pd.Series([2.0, 8.0]), ax)
    assert tuple(ax.get_xlim()) == (2, 8)
    plot_value(ss.Rising(0, 1), pd.Series([np.nan]))
    with pytest.raises(StudyError, match="range"):
        own.plot()


def test_markup_in_a_name_is_text(ax):
    ss.Rising(0, 1).plot(name="$a_b", ax=ax)
    ax.figure.canvas.draw()
    assert re.search("a_b", ax.get_xlabel())
