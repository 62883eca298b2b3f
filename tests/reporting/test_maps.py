"""Maps by their artists: what is drawn, where, in which colour, saying what."""

from __future__ import annotations

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapely
from matplotlib.colors import to_rgba
from pyproj import CRS, Geod, Transformer
from reporting.artists import (
    boxes_of,
    named,
    named_everywhere,
    pairs_overlap,
    words,
)
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan, toy_states

from siteselect.errors import CRSError, LayerError, StudyError
from siteselect.reporting import plot_plan, plot_suitability
from siteselect.reporting.furniture import EXCLUDED, PICK, SUITABILITY, UNKNOWN
from siteselect.reporting.plan_like import source_lines, sources_of
from siteselect.reporting.projection import map_crs

COUNTY = shapely.box(-98, 30, -97.5, 30.45)


@pytest.fixture(scope="module")
def wide():
    return toy_candidates(spacing_km=90)


@pytest.fixture(scope="module")
def narrow():
    return toy_candidates(COUNTY, 2)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def drawn_boxes(ax):
    return boxes_of(named_everywhere(ax, "label"))


def test_every_row_is_drawn_once_in_the_colour_of_its_kind(wide):
    ax = plot_plan(toy_plan(5, wide), base=toy_states())
    score = wide["score"].to_numpy()
    out = (wide["excluded_by"] != "").to_numpy()
    (known,) = named(ax, "surface")
    (excluded,) = named(ax, "excluded")
    (unknown,) = named(ax, "unknown")
    assert len(known.get_paths()) == np.isfinite(score).sum()
    assert len(excluded.get_paths()) == out.sum()
    assert len(unknown.get_paths()) == (np.isnan(score) & ~out).sum()
    np.testing.assert_array_equal(known.get_array(), score[np.isfinite(score)])
    assert known.get_cmap() is SUITABILITY
    assert tuple(excluded.get_facecolor()[0]) == to_rgba(EXCLUDED)
    assert tuple(unknown.get_facecolor()[0]) == to_rgba(UNKNOWN)


def test_picks_stand_at_their_places_with_areas_that_follow_megawatts(wide):
    plan = toy_plan(12, wide, seed=2)
    ax = plot_plan(plan, base=False)
    (picks,) = named(ax, "picks")
    order = np.argsort(-plan.sites["mw"].to_numpy(), kind="stable")
    moved = plan.sites.geometry.to_crs(5070).iloc[order]
    np.testing.assert_allclose(
        picks.get_offsets(), np.column_stack([moved.x, moved.y]), atol=1e-6
    )
    np.testing.assert_allclose(
        picks.get_sizes() / picks.get_sizes()[0],
        plan.sites["mw"].to_numpy()[order] / plan.sites["mw"].max(),
        rtol=1e-9,
    )
    assert tuple(picks.get_facecolor()[0]) == to_rgba(PICK)


def test_the_size_legend_has_the_radii_of_the_picks(wide):
    plan = toy_plan(12, wide, seed=2)
    ax = plot_plan(plan, base=False)
    (picks,) = named(ax, "picks")
    circles = {float(c.get_label()): c.radius for c in named(ax, "size-legend")}
    assert sorted(circles) == [100, 300, 1000]
    mw = np.sort(plan.sites["mw"].to_numpy())[::-1]
    np.testing.assert_allclose(
        np.sqrt(picks.get_sizes()) / 2, [circles[v] for v in mw], rtol=1e-9
    )
    said = [t.get_text() for t in named(ax, "size-label")]
    assert said == ["100 MW", "300 MW", "1,000 MW"]


def test_the_page_says_what_it_must(wide):
    plan = toy_plan(5, wide)
    ax = plot_plan(plan, base=toy_states())
    said = " ".join(words(ax))
    out = (wide["excluded_by"] != "").sum()
    assert f"{plan.sites['mw'].sum():,.0f} MW in 5 search areas" in said
    assert "Optimal for these inputs" in said
    assert "synthetic network - model buses, not real facilities" in said
    assert "Not checked: protected land, flood" in said
    assert "Suitability (score, 0 to 1)" in said
    assert f"excluded ({out:,})" in said
    assert "Albers equal-area (EPSG:5070)" in said
    assert "N" in words(ax)
    for label, mw in plan.sites["mw"].items():
        assert f"{label} · {mw:,.0f} MW" in words(ax)


def test_the_color_bar_spans_the_surface(wide):
    ax = plot_plan(toy_plan(5, wide), base=False)
    (surface,) = named(ax, "surface")
    (bar,) = named(ax, "color-bar")
    assert bar.get_xlim() == (surface.norm.vmin, surface.norm.vmax)


def test_counts_have_whole_ticks_that_the_page_does_not_cut(wide):
    frame = wide.assign(gates_failed=np.arange(len(wide)) % 3)
    ax = plot_suitability(frame, column="gates_failed", base=False)
    (bar,) = named(ax, "color-bar")
    ax.figure.canvas.draw()
    ticks = [t for t in bar.get_xticklabels() if 0 <= t.get_position()[0] <= 2]
    assert [t.get_text() for t in ticks] == ["0", "1", "2"]
    renderer = ax.figure.canvas.get_renderer()
    assert ticks[0].get_window_extent(renderer).x0 >= bar.bbox.x0 - 1
    assert "Near misses" in [t.get_text() for t in ax.texts]


@pytest.mark.parametrize("units", ["si", "us"])
@pytest.mark.parametrize("size", ["country", "county", "campus"])
def test_the_scale_bar_is_true_on_the_ground(wide, narrow, size, units):
    frame = wide if size == "country" else narrow
    if size == "campus":
        frame = frame.iloc[:1].drop(columns=["cell_km", "cell_shape"])
        frame["geometry"] = frame.to_crs(5070).buffer(1500).to_crs(4326)
    plan = toy_plan(min(3, len(frame)), frame)
    ax = plot_plan(plan, base=False, units=units)
    ax.figure.canvas.draw()
    (bar,) = named(ax, "scale-bar")
    (room,) = named(ax, "map-box")
    corners = ax.transData.inverted().transform(
        room.get_transform().transform(room.get_path().vertices[:4])
    )
    x, y = corners.mean(axis=0)
    half = bar.info.length_px / 2
    crs = map_crs(tuple(frame.total_bounds))
    assert crs == CRS.from_epsg(5070) or size != "country"
    back = Transformer.from_crs(crs, 4326, always_xy=True)
    lon, lat = back.transform([x - half, x + half], [y, y])
    meters = Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])[2]
    in_meters = {"si": {"km": 1000, "m": 1}, "us": {"mi": 1609.344, "ft": 0.3048}}
    said = bar.info.value * in_meters[units][bar.info.units]
    assert meters == pytest.approx(said, rel=0.01)
    assert bar.info.scale_text == f"{bar.info.value:,g} {bar.info.units}"
    assert bar.info.units in (("m", "ft") if size == "campus" else ("km", "mi"))


def test_the_north_arrow_points_north_where_it_is_turned(narrow):
    ax = plot_plan(toy_plan(1, narrow), base=False, crs=5070)
    (letter,) = named(ax, "north")
    arrow = named(ax, "north-arrow")[0]
    tip, foot = arrow.get_xy()[0], arrow.get_xy()[2]
    turned = arrow.get_transform().transform([tip, foot])
    angle = np.degrees(np.arctan2(*(turned[0] - turned[1])))
    back = Transformer.from_crs(4326, 5070, always_xy=True)
    x, y = back.transform([-97.75, -97.75], [30.2, 30.3])
    assert angle == pytest.approx(np.degrees(np.arctan2(x[1] - x[0], y[1] - y[0])), 0.1)
    assert letter.get_text() == "N"


def test_no_two_labels_overlap_on_fifty_random_plans():
    frame = toy_candidates(spacing_km=120)
    for seed in range(50):
        n = 1 + (seed * 7) % 40
        plan = toy_plan(n, frame, seed=seed, clustered=seed % 5 == 0)
        ax = plot_plan(plan, base=False, surface=None, furniture=seed % 2 == 0)
        boxes = drawn_boxes(ax)
        left_out = named(ax, "left-out")
        missing = int(left_out[0].get_text().split()[0]) if left_out else 0
        assert len(boxes) + missing == n
        assert pairs_overlap(boxes) == 0, f"seed {seed}"
        plt.close(ax.figure)


def test_labels_stay_inside_the_map_and_sixty_find_room(wide):
    ax = plot_plan(toy_plan(60, wide, seed=3), base=False)
    boxes = drawn_boxes(ax)
    assert len(boxes) == 60
    assert pairs_overlap(boxes) == 0
    (room,) = named(ax, "map-box")
    box = room.get_window_extent().extents
    assert (boxes[:, :2] >= box[:2] - 1).all()
    assert (boxes[:, 2:] <= box[2:] + 1).all()


def test_one_site_alone_is_drawn_with_ground_around_it():
    frame = toy_candidates(COUNTY, 2)
    alone = frame[frame["score"].notna()].iloc[[7]].drop(columns=["cell_km"])
    ax = plot_plan(toy_plan(1, alone), base=False)
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    assert east - west > 30_000
    assert north - south > 30_000
    assert len(named(ax, "label")) == 1
    assert "1 site" in " ".join(words(ax))


def test_an_empty_plan_says_so(wide):
    ax = plot_plan(toy_plan(0, wide), base=toy_states())
    assert "no search area chosen" in words(ax)
    assert "No search area chosen" in words(ax)
    assert not named(ax, "picks")
    assert not named(ax, "size-legend")


def test_no_words_leave_the_page(wide):
    for preset in ("page", "column", "slide"):
        ax = plot_plan(toy_plan(9, wide), base=False, preset=preset)
        renderer = ax.figure.canvas.get_renderer()
        width, height = ax.figure.bbox.size
        for text in ax.texts:
            if text.get_text():
                box = text.get_window_extent(renderer)
                assert box.x0 >= -1, text.get_text()
                assert box.x1 <= width + 1, text.get_text()
                assert box.y0 >= -1, text.get_text()
                assert box.y1 <= height + 1, text.get_text()


def test_square_cells_are_upright_and_meet(wide):
    ax = plot_plan(toy_plan(1, wide), base=False)
    (known,) = named(ax, "surface")
    for path in known.get_paths()[:5]:
        x0, y0, x1, y1 = path.get_extents().extents
        assert x1 - x0 == pytest.approx(90_000)
        assert y1 - y0 == pytest.approx(90_000)


def test_axes_of_the_caller_are_used(narrow):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5))
    assert plot_plan(toy_plan(2, narrow), left, base=False) is left
    assert plot_suitability(narrow, right, base=False) is right
    assert left.figure is figure


def test_dollars_and_markup_in_names_stay_text(narrow):
    frame = narrow.rename(index={narrow.index[30]: "$x^2$ <b>", narrow.index[31]: "$"})
    plan = toy_plan(0, frame)
    sites = frame.iloc[[30, 31]].assign(mw=100.0, cost_usd=1e9, why="")
    ax = plot_plan(toy_plan(0, frame, sites=sites), base=False)
    ax.figure.canvas.draw()
    assert "$x^2$ <b> · 100 MW" in words(ax)
    assert plan.sites.empty


def test_wrong_asks_are_refused_in_words(narrow):
    with pytest.raises(LayerError, match="numbers"):
        plot_plan(toy_plan(1, narrow), surface="nothing", base=False)
    with pytest.raises(StudyError, match="preset"):
        plot_plan(toy_plan(1, narrow), preset="poster", base=False)
    with pytest.raises(LayerError, match="base map"):
        plot_plan(toy_plan(1, narrow), base=gpd.GeoDataFrame(geometry=[COUNTY]))
    with pytest.raises(CRSError, match="EPSG:5070"):
        plot_plan(toy_plan(1, narrow), base=False, crs="upside down")
    with pytest.raises(StudyError, match='"us"'):
        plot_plan(toy_plan(1, narrow), base=False, units="leagues")


def test_bundled_layers_are_named_with_source_and_licence(wide):
    sources = {item.name: item for item in sources_of(wide)}
    assert sources["solar_cf"].source.startswith("NASA GLDAS")
    lines = " ".join(source_lines(wide))
    assert "not stated" not in lines
    assert "NASA GLDAS-2.1" in lines
    assert "MIT" in lines
    assert "nobody (CC0-1.0)" in lines


def test_a_frame_that_only_shares_a_bundled_name_is_not_given_its_source(wide):
    frame = wide.copy()
    frame.attrs = {
        "siteselect": {
            "criteria": [
                {"name": "fiber", "layer": "fiber", "evidence": "unstated"},
                {"name": HOSTILE, "layer": HOSTILE, "evidence": "measured"},
            ]
        }
    }
    assert all(not item.source for item in sources_of(frame))
    assert any("source not stated" in line for line in source_lines(frame))


def test_layers_behind_prepared_columns_are_listed_on_request(wide):
    frame = wide.copy()
    frame.attrs = {"siteselect": {"prepare": {"evidence": {"elevation": "measured"}}}}
    assert sources_of(frame) == []
    (found,) = sources_of(frame, prepared=True)
    assert "pvlib" in found.source
