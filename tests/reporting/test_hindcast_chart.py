"""The charts of a hindcast, by what is drawn."""

from __future__ import annotations

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pytest

import siteselect as ss


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(8)
    n = 300
    sites = gpd.GeoDataFrame(
        {"score": rng.uniform(size=n), "people": rng.uniform(size=n), "state": "TX"},
        geometry=gpd.points_from_xy(rng.uniform(-100, -95, n), rng.uniform(30, 33, n)),
        crs=4326,
    )
    chance = np.square(sites["score"])
    known = rng.choice(n, 24, p=chance / chance.sum(), replace=False)
    return ss.evaluate(sites, known, baselines={"people nearby": "people"})


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_curves_are_those_of_the_table_and_the_legend_tells_the_auc(found):
    ax = found.plot()
    own = found.curves[found.curves["background"] == "land"]
    for line, name in zip(ax.lines, ("score", "people nearby"), strict=False):
        wanted = own[own["factor"] == name]
        np.testing.assert_allclose(line.get_xdata(), 100 * wanted["land_share"])
        np.testing.assert_allclose(line.get_ydata(), 100 * wanted["known_share"])
        assert wanted["known_share"].is_monotonic_increasing
        assert wanted["known_share"].iloc[[0, -1]].tolist() == [0, 1]
    row = found.table.loc[("score", "land")]
    interval = f"({row['auc_low']:.2f}–{row['auc_high']:.2f})"
    assert texts(ax)[0] == f"the score: AUC {row['auc']:.2f} {interval}"
    assert texts(ax)[-1] == "no better than chance"
    assert list(ax.lines[-1].get_ydata()) == [0, 100]
    assert ax.get_title(loc="left") == "24 known sites against random land"
    in_state = ss.plot_hindcast(found, background="state", title=False)
    assert not in_state.get_title(loc="left")


def test_lift_is_the_curve_by_the_share_of_land(found):
    ax = ss.plot_hindcast(found, kind="lift")
    own = found.curves.query("background == 'land' and factor == 'score'")
    line = ax.lines[0]
    by_hand = own["known_share"].iloc[1:] / own["land_share"].iloc[1:]
    np.testing.assert_allclose(line.get_ydata(), by_hand)
    assert line.get_ydata()[-1] == 1
    assert "times random" in ax.get_ylabel()


def test_best_shares_stand_with_their_intervals_beside_chance(found):
    ax = ss.plot_hindcast(found, kind="best", preset="column")
    shares = found.shares.xs("land", level="background")
    for k, name in enumerate(("score", "people nearby")):
        own = 100 * shares.loc[name]
        np.testing.assert_allclose(ax.lines[k].get_ydata(), own["share"])
        ends = np.array([p[:, 1] for p in ax.collections[k].get_segments()])
        np.testing.assert_allclose(ends, own[["share_low", "share_high"]])
    chance = [p[0, 1] for p in ax.collections[-1].get_segments()]
    assert chance == [1, 5, 10, 20]
    ticks = [text.get_text() for text in ax.get_xticklabels()]
    assert ticks == ["best 1 %", "best 5 %", "best 10 %", "best 20 %"]


def test_axes_of_the_caller_are_drawn_into(found):
    _, axes = plt.subplots(1, 2)
    assert ss.plot_hindcast(found, axes[0], kind="best") is axes[0]
    assert not axes[1].lines


@pytest.mark.parametrize(
    ("arguments", "noun"),
    [
        ({"kind": "pie"}, "'pie'"),
        ({"background": "population"}, "background='population'"),
        ({"preset": "poster"}, "poster"),
    ],
)
def test_what_cannot_be_drawn_is_named(found, arguments, noun):
    with pytest.raises(ss.StudyError, match=noun):
        ss.plot_hindcast(found, **arguments)
    with pytest.raises(ss.StudyError, match="hindcast"):
        ss.plot_hindcast([1])
