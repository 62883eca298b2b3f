"""Charts of intervals of ranks and of sensitivity, and the waterfall in company."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from reporting.artists import boxes_of

import siteselect as ss
from siteselect.suitability import Waterfall


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(7)
    sites = gpd.GeoDataFrame(
        {"mw": rng.uniform(0, 900, 40), "acres": rng.uniform(0, 90, 40)},
        geometry=gpd.points_from_xy(range(40), [0] * 40),
        crs=4326,
        index=[f"s{k:02d}" for k in range(40)],
    )
    sites.loc["s03", "mw"] = np.nan
    criteria = [
        ss.Criterion("grid", ss.Column("mw"), ss.Rising(0, 1000)),
        ss.Criterion("land", ss.Column("acres"), ss.Rising(0, 100)),
    ]
    return ss.score_sites(sites, criteria)


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_bars_dots_and_shares_are_those_of_the_table(scored):
    ranks = ss.rank_intervals(scored, best=5, draws=300)
    ax = ss.plot_ranks(ranks, top=8)
    shown = ranks.sort_values("rank").head(8)
    assert labels(ax) == list(shown.index)
    assert "s03" not in labels(ax)
    for bar, (_, row) in zip(ax.patches, shown.iterrows(), strict=True):
        assert bar.get_x() == pytest.approx(row["rank_low"] - 0.3)
        assert bar.get_x() + bar.get_width() == pytest.approx(row["rank_high"] + 0.3)
    on_list = {bar.get_facecolor() for bar in ax.patches[:5]}
    off_list = {bar.get_facecolor() for bar in ax.patches[5:]}
    assert len(on_list) == len(off_list) == 1
    assert on_list != off_list
    dots, line = ax.lines
    assert list(dots.get_xdata()) == shown["rank"].tolist()
    assert list(line.get_xdata()) == [5.5, 5.5]
    texts = [text.get_text() for text in ax.texts if text.get_gid() == "share"]
    for text, share in zip(texts, shown["p_best"], strict=True):
        if 0.005 <= share < 0.995:
            assert text == f"{100 * share:.0f} %"
    assert "300 draws" in ax.get_title(loc="left")
    assert ax.get_xlabel() == "rank (1 is the best)"


def test_nearly_never_and_nearly_always_are_not_never_and_always():
    shares = [1.0, 0.999, 0.004, 0.0]
    ranks = pd.DataFrame(
        {"rank": [1.0, 2, 3, 4], "rank_low": 1.0, "rank_high": 4.0, "p_best": shares}
    )
    ax = ss.plot_ranks(ranks)
    texts = [text.get_text() for text in ax.texts if text.get_gid() == "share"]
    assert texts == ["100 %", ">99 %", "<1 %", "0 %"]


def test_sobol_and_morris_are_drawn_largest_first(scored):
    for method, key in (("sobol", "total"), ("morris", "mu_star")):
        table = ss.rank_sensitivity(scored, best=5, method=method, n=16)
        ax = ss.plot_sensitivity(table)
        wanted = table.sort_values(key, ascending=False)
        assert labels(ax) == list(wanted.index)
        widths = [bar.get_width() for bar in ax.patches]
        assert widths[-len(table) :] == wanted[key].tolist()
        assert ax.get_ylim()[0] > ax.get_ylim()[1]


@pytest.mark.parametrize(
    ("call", "noun"),
    [
        (lambda: ss.plot_ranks(pd.DataFrame({"rank": [1]})), "'rank_low'"),
        (lambda: ss.plot_ranks("table"), "rank_intervals"),
        (lambda: ss.plot_sensitivity(pd.DataFrame({"total": [1]})), "'first'"),
    ],
)
def test_another_table_is_refused(call, noun):
    with pytest.raises(ss.LayerError, match=noun):
        call()


@pytest.mark.parametrize("preset", ["page", "column", "slide"])
def test_the_title_of_a_waterfall_leaves_room_for_wider_letters(scored, preset):
    rules = [ss.Where("acres", below=30)]
    ax = ss.plot_waterfall(ss.waterfall(scored, rules), preset=preset)
    ax.figure.canvas.draw()
    box = ax._left_title.get_window_extent()
    assert box.x1 + 0.03 * box.width <= ax.figure.bbox.width


def test_a_number_of_rows_is_a_count(scored):
    ranks = ss.rank_intervals(scored, best=5, draws=20)
    with pytest.raises(ss.StudyError, match="top"):
        ss.plot_ranks(ranks, top=0)


def test_waterfalls_side_by_side_start_at_the_top_and_their_ticks_are_apart(scored):
    sites = scored[["mw", "acres", "geometry"]].assign(
        cell_km=900.0, cell_shape="square"
    )
    rules = [
        ss.Where("mw", below=500, name="a rule with quite a long name"),
        ss.Where("acres", below=20),
    ]
    steps = ss.waterfall(sites, rules)
    fig, axs = plt.subplots(
        1, 2, figsize=(180 / 25.4, 3), sharey=True, layout="constrained"
    )
    for ax, measure in zip(axs, ("km2", "candidates"), strict=True):
        steps.plot(ax, measure=measure)
    fig.draw_without_rendering()
    for ax in axs:
        assert ax.get_ylim()[0] > ax.get_ylim()[1]
        inside = [
            tick
            for tick in ax.get_xticklabels()
            if 0 <= tick.get_position()[0] <= ax.get_xlim()[1]
        ]
        boxes = [tick.get_window_extent() for tick in inside]
        assert len(boxes) >= 2
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
        edge = ax.get_window_extent().x1
        assert all(text.get_window_extent().x1 <= edge for text in ax.texts)


@pytest.mark.parametrize("preset", ["column", "slide"])
@pytest.mark.parametrize("alone", [40, 120, 200])
def test_no_figure_of_a_waterfall_touches_the_tick_beside_it(alone, preset):
    # The second rule takes out 80 of what the first left, and more of all.
    table = pd.DataFrame(
        {
            "alone_candidates": [300, 80 + alone],
            "sequence_candidates": [300, 80],
            "only_candidates": [300, 80],
            "left_candidates": [700, 620],
        },
        index=["lakes", "parks"],
    )
    steps = Waterfall(table, 1000, float("nan"))
    ax = ss.plot_waterfall(steps, preset=preset)
    ax.figure.draw_without_rendering()
    (ticks,) = [line for line in ax.lines if line.get_marker() == "|"]
    half = ticks.get_markeredgewidth() / 2 * ax.figure.dpi / 72
    at = ax.transData.transform(np.column_stack(ticks.get_data()))[:, 0]
    figures = [t for t in ax.texts if t.get_gid() == "figure"][1:3]
    assert figures[1].get_text() == "−80"
    for x, box in zip(at, boxes_of(figures), strict=True):
        assert x + half < box[0] or x - half > box[2]
