"""Every plot by its artists: axes given and returned, presets, texts on the page."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from reporting.artists import boxes_of, named, named_everywhere, words
from reporting.toy_plans import toy_candidates, toy_plan

import siteselect as ss
from siteselect.reporting import figure_bytes
from siteselect.reporting.comparison_maps import FIRMNESS, OTHER
from siteselect.reporting.furniture import (
    PICK,
    PRESETS,
    points_of_axes,
    scale_bar_block,
)
from siteselect.reporting.inset import find_inset
from siteselect.reporting.unit_system import unit_system

WIDTHS_MM = {"column": 85, "page": 180, "slide": 338.67, "a3": 420}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(5)
    lon, lat = (part.ravel() for part in np.meshgrid(range(-104, -94), range(28, 36)))
    sites = gpd.GeoDataFrame(
        {
            "mw_free": rng.uniform(0, 900, 80),
            "acres": rng.uniform(0, 90, 80),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": rng.uniform(9e6, 12e6, 80),
            "county": [f"c{k % 7}" for k in range(80)],
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
        index=[f"s{k:02d}" for k in range(80)],
    )
    return ss.score_sites(sites, CRITERIA, exclude=[ss.Where("acres", below=3)])


CRITERIA = [
    ss.Criterion("grid", ss.Column("mw_free"), ss.Rising(0, 1000), weight=0.7),
    ss.Criterion("land", ss.Column("acres"), ss.Rising(0, 100), weight=0.3),
]


@pytest.fixture(scope="module")
def plan(scored):
    counties = ss.Limit("county", per_mw=1, by="county", at_most=400)
    return ss.optimize_sites(
        scored,
        power_mw=(1000, 1000),
        budget_usd=2e10,
        site_mw=[100, 300],
        min_spacing_km=150,
        limits=[counties],
    )


@pytest.fixture(scope="module")
def by_year(scored):
    return ss.optimize_sites(
        scored, power_mw={2027: 300, 2030: (900, 900)}, site_mw=[100, 300]
    )


@pytest.fixture(scope="module")
def plots(scored, plan, by_year):
    """Every plot by name, as a call of ``ax`` and ``preset``."""
    others = plan.alternatives(3)
    survival = plan.survival(CRITERIA, n=4)
    front = ss.frontier(scored, values=[2e9, 6e9], site_mw=[100, 300])
    steps = ss.waterfall(
        scored[["acres", "mw_free", "geometry"]], [ss.Where("acres", below=20)]
    )
    flow = _flow()
    ranks = ss.rank_intervals(scored, best=5, draws=50)
    effects = ss.rank_sensitivity(scored, best=5, method="morris", n=8)
    return {
        "plan": lambda **k: ss.plot_plan(plan, base=False, **k),
        "suitability": lambda **k: ss.plot_suitability(scored, base=False, **k),
        "alternatives": lambda **k: ss.plot_alternatives(plan, others, base=False, **k),
        "robustness": lambda **k: ss.plot_robustness(plan, survival, base=False, **k),
        "flows": lambda **k: ss.plot_flows(flow, base=False, **k),
        "criterion": lambda **k: ss.plot_criterion(CRITERIA[0], scored, **k),
        "limits": lambda **k: ss.plot_limits(plan, **k),
        "years": lambda **k: ss.plot_years(by_year, **k),
        "frontier": lambda **k: ss.plot_frontier(front, **k),
        "waterfall": lambda **k: ss.plot_waterfall(steps, **k),
        "ranks": lambda **k: ss.plot_ranks(ranks, **k),
        "sensitivity": lambda **k: ss.plot_sensitivity(effects, **k),
    }


def _flow():
    places = gpd.GeoSeries.from_xy([-100, -99], [32, 32], index=[1, 2], crs=4326)
    branch = {"from_bus": [1], "to_bus": [2], "x_pu": [0.1], "rating_mva": [100.0]}
    network = ss.grid.Network.from_tables(
        pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 0.0}),
        pd.DataFrame({"branch": ["a"], **branch}),
        pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    ).with_places(places)
    sites = gpd.GeoDataFrame(
        {"score": [0.9], "bus": [2]}, geometry=places.iloc[1:].to_numpy(), crs=4326
    )
    limits = [ss.Deliverable(network)]
    return ss.optimize_sites(sites, site_mw=[100], limits=limits)


NAMES = [
    "plan",
    "suitability",
    "alternatives",
    "robustness",
    "flows",
    "criterion",
    "limits",
    "years",
    "frontier",
    "waterfall",
    "ranks",
    "sensitivity",
]


def texts_of(figure):
    """All texts that are drawn, legends and ticks included."""
    found = figure.findobj(lambda a: hasattr(a, "get_fontsize") and a.get_visible())
    return [t for t in found if getattr(t, "get_text", str)().strip()]


@pytest.mark.parametrize("name", NAMES)
def test_a_plot_takes_axes_and_presets_and_returns_axes(plots, name):
    given = plt.figure(figsize=(6, 5)).add_subplot()
    assert plots[name](ax=given) is given
    for preset, width in (("column", 85), ("slide", 338.67)):
        ax = plots[name](preset=preset)
        assert isinstance(ax, Axes)
        figure = ax.figure
        assert figure.get_figwidth() * 25.4 == pytest.approx(width)
        if preset == "slide":
            assert figure.get_figheight() * 25.4 == pytest.approx(190.5)
        figure.canvas.draw()
        least = min(text.get_fontsize() for text in texts_of(figure))
        assert least >= (6 if preset == "column" else 10)
        page = figure.bbox
        drawn = [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
        shown = [t for t in drawn if t.get_text() and t.get_visible()]
        boxes = boxes_of(shown if ax.axison else list(ax.texts))
        if len(boxes):
            assert boxes[:, :2].min() >= -1
            assert boxes[:, 2].max() <= page.width + 1
            assert boxes[:, 3].max() <= page.height + 1


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_preset_is_refused(plots, name):
    with pytest.raises(ss.StudyError, match="preset"):
        plots[name](preset="poster")


@pytest.mark.parametrize(
    "call",
    [
        lambda plan: ss.plot_limits([1]),
        lambda plan: ss.plot_limits(plan, ax="axes"),
        lambda plan: ss.plot_years([1]),
        lambda plan: ss.plot_alternatives([1], 2),
        lambda plan: ss.plot_alternatives(plan, None),
        lambda plan: ss.plot_robustness([1], pd.DataFrame({"survival": []})),
        lambda plan: ss.plot_flows([1]),
        lambda plan: ss.plot_criterion("grid"),
        lambda plan: ss.plot_criteria([1]),
        lambda plan: ss.plot_frontier([1]),
        lambda plan: ss.plot_waterfall([1]),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(plan, call):
    with pytest.raises(ss.SiteSelectError, match="asked for|drawn|no years"):
        call(plan)


def test_presets_have_the_sizes_of_their_paper():
    assert {name: preset.width_mm for name, preset in PRESETS.items()} == WIDTHS_MM
    assert PRESETS["slide"].width_mm / PRESETS["slide"].height_mm == pytest.approx(
        16 / 9, 1e-3
    )
    assert PRESETS["a3"].height_mm == 297


def test_limits_are_bars_of_use_over_bound_with_prices(plan):
    ax = ss.plot_limits(plan)
    said = {
        name.get_text(): figure.get_text()
        for name, figure in zip(named(ax, "name"), named(ax, "figure"), strict=True)
    }
    bars = [bar.get_width() for bar in ax.patches]
    table = plan.limits.reset_index(drop=True)
    use = (
        table["used"] / table["allowed_max"].where(table["allowed_max"] < 1e30)
    ) * 100
    least = table["used"] / table["allowed_min"] * 100
    wanted = use.fillna(least.clip(upper=150))
    np.testing.assert_allclose(bars, wanted, rtol=1e-9)
    assert said["power"].startswith("1,000 of exactly 1,000 MW, price ")
    assert "at least 150 km" in said["spacing"]
    colors = [bar.get_facecolor() for bar in ax.patches]
    assert len({c for c, b in zip(colors, table["binding"], strict=True) if b}) == 1
    assert {c for c, b in zip(colors, table["binding"], strict=True) if b}.isdisjoint(
        c for c, b in zip(colors, table["binding"], strict=True) if not b
    )


@pytest.mark.parametrize("preset", ["page", "column"])
def test_texts_of_limits_keep_off_the_edge_the_title_and_the_bound(plan, preset):
    ax = ss.plot_limits(plan, preset=preset)
    figure = ax.figure
    figure.canvas.draw()
    px = figure.dpi / 72
    figures = named(ax, "figure")
    boxes = boxes_of(figures)
    (edge,) = boxes_of([ax])[:, 2:3]
    # A renderer may draw a line some percent wider than it says.
    assert (boxes[:, 2] + 0.04 * (boxes[:, 2] - boxes[:, 0]) <= edge + px).all()
    (bound,) = named(ax, "bound")
    lines = [ax.transData.transform(s) for s in bound.get_segments()]
    assert len(lines) == len(figures)
    for line in lines:
        low, high = np.sort(line[:, 1])
        assert not ((boxes[:, 1] < high) & (boxes[:, 3] > low)).any()
    (note,) = boxes_of([t for t in ax.texts if t.get_gid() == "subtitle"])
    title = ax._left_title.get_window_extent()
    assert note[3] < title.y0


@pytest.mark.parametrize("preset", ["page", "slide", "column"])
def test_every_map_of_a_criterion_says_its_weight(preset):
    names = ["grid_options", "a_criterion_with_quite_a_long_name", "solar", *"abcdefgh"]
    sites = gpd.GeoDataFrame(
        {name: [0.1, 0.9] for name in names},
        geometry=gpd.points_from_xy([-100, -99], [32, 33]),
        crs=4326,
    )
    scored = ss.score_sites(
        sites,
        [
            ss.Criterion(name, ss.Column(name), ss.Rising(0, 1), weight=k / 100)
            for k, name in enumerate(names, 1)
        ],
    )
    axs = ss.plot_criteria(scored, base=False, preset=preset)
    titles = [words(ax)[0] for ax in axs]
    weights = [item["weight"] for item in scored.attrs["siteselect"]["criteria"]]
    for title, weight in zip(titles, weights, strict=True):
        assert title.endswith(f" {weight:.3g}")
    assert len({" · weight " in title for title in titles}) == 1


@pytest.mark.parametrize(("km", "said"), [(1000, "1,000 km"), (500, "500 km")])
def test_a_scale_bar_says_its_length_as_other_figures_are_said(km, said):
    figure, ax = plt.subplots()
    ax.set_ylim(0, 100)
    block = scale_bar_block(1e3 * km / 100, 1.0, 8, 120.0, unit_system("si"))
    block.draw(ax, points_of_axes(ax), 0, 0)
    svg = figure_bytes(figure, ".svg", dpi=72).decode()
    assert said in svg


def test_years_add_up_to_the_accounts_and_meet_what_is_asked(by_year):
    ax = ss.plot_years(by_year)
    heights = np.zeros(2)
    for bars in ax.containers:
        heights += [bar.get_height() for bar in bars]
    np.testing.assert_allclose(heights, by_year.by_year["mw"])
    asked = [c for c in ax.collections if c.get_gid() == "asked"]
    levels = {float(s[0][1]) for c in asked for s in c.get_segments()}
    assert levels == {300.0, 900.0}
    few = ss.plot_years(by_year, most=1)
    names = [t.get_text() for t in few.get_legend().get_texts()]
    assert sum("other" in name for name in names) == 1
    with pytest.raises(ss.StudyError, match="no years"):
        ss.plot_years(toy_plan(2, toy_candidates(spacing_km=300)))
    with pytest.raises(ss.StudyError, match="no years"):
        ss.plot_year_maps(toy_plan(2, toy_candidates(spacing_km=300)))


def test_maps_by_year_show_what_stands_and_what_is_added_to_one_scale(scored):
    by_year = ss.optimize_sites(
        scored, power_mw={2027: (400, 400), 2030: (900, 900)}, site_mw=[100, 300]
    )
    axs = ss.plot_year_maps(by_year, base=False, units="us")
    figure = axs[0].figure
    figure.canvas.draw()
    sites, sizes = by_year.sites, {}
    for ax, year, before in zip(axs, (2027, 2030), (None, 2027), strict=True):
        mw = sites[f"mw_{year}"]
        earlier = sites[f"mw_{before}"] if before else 0 * mw
        kinds = {"new": earlier == 0, "grows": (earlier > 0) & (mw > earlier)}
        kinds["stands"] = (earlier > 0) & (mw == earlier)
        for kind, which in kinds.items():
            held = mw[which & (mw > 0)]
            drawn = named(ax, f"picks-{kind}")
            assert sum(len(part.get_offsets()) for part in drawn) == len(held)
            for part in drawn:
                # The largest is drawn first.
                areas = zip(part.get_sizes(), sorted(held)[::-1], strict=True)
                for area, of_mw in areas:
                    sizes.setdefault(of_mw, set()).add(round(float(area), 6))
        (title,) = [t for t in ax.texts if t.get_gid() == "title"]
        assert title.get_text().startswith(f"{year}: {mw.sum():,.0f} MW")
    assert len(sizes) == 2
    assert all(len(areas) == 1 for areas in sizes.values())
    # Area is power, and the legend has the same circles.
    (small,), (large,) = sizes[100.0], sizes[300.0]
    assert large / small == pytest.approx(3)
    paper = next(ax for ax in figure.axes if ax.get_label() == "paper")
    legend = {float(c.get_label()): c.get_radius() for c in named(paper, "size-legend")}
    assert (2 * legend[300.0]) ** 2 == pytest.approx(large)
    # One scale bar for all maps, as long as it says.
    (bar,) = named(axs[0], "scale-bar")
    assert bar.info.units == "mi"
    km = bar.info.length_px / 1000
    assert km == pytest.approx(1.609344 * bar.info.value, rel=0.02)
    given = plt.figure(figsize=(9, 4)).subplots(1, 2)
    drawn = ss.plot_year_maps(by_year, given, base=False)
    assert [a is b for a, b in zip(drawn, given, strict=True)] == [True, True]
    assert len(named(given[1], "label")) == len(sites)
    with pytest.raises(ss.StudyError, match="one a map"):
        ss.plot_year_maps(by_year, given[0], base=False)
    with pytest.raises(ss.LayerError, match="'mw_2027'"):
        ss.plot_year_maps(
            replace(by_year, sites=sites.drop(columns="mw_2027")), base=False
        )


def test_alternatives_say_what_stays_and_what_changes(plan):
    others = plan.alternatives(3)
    ax = ss.plot_alternatives(plan, others, base=False)
    mine = set(plan.sites.index)
    held = {s: sum(s in o.sites.index for o in others) for s in mine}
    stays = {s for s in mine if held[s] == 3}
    comes = {s for other in others for s in other.sites.index} - mine
    for gid, count, face in (
        ("picks-stays", len(stays), PICK),
        ("picks-leaves", len(mine - stays), "#ffffff"),
        ("picks-comes", len(comes), OTHER),
    ):
        drawn = named(ax, gid)
        assert sum(len(d.get_offsets()) for d in drawn) == count
        if count:
            assert tuple(drawn[0].get_facecolor()[0]) == to_rgba(face)
    said = [t.get_text() for t in named_everywhere(ax, "label")]
    for site in mine - stays:
        assert any(f"out in {3 - held[site]} of 3" in t for t in said)
    axs = ss.plot_alternatives(plan, others, each=True, base=False)
    assert len(axs) == 3
    with pytest.raises(ss.StudyError, match="alternatives"):
        ss.plot_alternatives(plan, [])
    with pytest.raises(ss.StudyError, match="axes"):
        ss.plot_alternatives(plan, others, ax, each=True, base=False)


def test_robustness_is_colour_and_figure(plan):
    share = np.linspace(0, 1, len(plan.sites))
    table = pd.DataFrame({"survival": share}, index=plan.sites.index)
    # Rows of another order are found by their label.
    ax = ss.plot_robustness(plan, table.iloc[::-1], base=False)
    (picks,) = named(ax, "picks")
    order = np.argsort(-plan.sites["mw"].to_numpy(), kind="stable")
    np.testing.assert_allclose(picks.get_facecolor(), FIRMNESS(share)[order])
    said = {t.get_text() for t in named_everywhere(ax, "label")}
    for site, v in zip(plan.sites.index, share, strict=True):
        assert f"{site} · {100 * v:.0f} %" in said
    with pytest.raises(ss.LayerError, match="no row"):
        ss.plot_robustness(plan, table.iloc[1:])
    with pytest.raises(ss.LayerError, match="survival"):
        ss.plot_robustness(plan, pd.DataFrame({"x": [1.0]}))


def test_a_page_of_criteria_has_one_map_each_in_the_same_colours(scored):
    axs = ss.plot_criteria(scored, base=False)
    assert [words(ax)[0] for ax in axs] == ["grid · weight 0.7", "land · weight 0.3"]
    for ax, name in zip(axs, ("grid", "land"), strict=True):
        (surface,) = named(ax, "surface")
        known = scored[f"{name}_value"][scored["excluded_by"] == ""]
        np.testing.assert_array_equal(surface.get_array(), known)
        assert (surface.norm.vmin, surface.norm.vmax) == (0.0, 1.0)
    assert len({tuple(np.round(ax.get_xlim())) for ax in axs}) == 1
    given = plt.subplots(1, 2, figsize=(12, 5))[1]
    assert list(ss.plot_criteria(scored, ["land", "grid"], given, base=False)) == list(
        given
    )
    with pytest.raises(ss.LayerError, match="water"):
        ss.plot_criteria(scored, ["water"])
    with pytest.raises(ss.LayerError, match="no criterion"):
        ss.plot_criteria(scored[["geometry"]])


def test_an_empty_plan_is_drawn_by_every_map():
    frame = toy_candidates(spacing_km=300)
    empty = toy_plan(0, frame)
    assert "no search area chosen" in words(ss.plot_plan(empty, base=False))
    ax = ss.plot_alternatives(empty, [toy_plan(2, frame)], base=False)
    assert len(named(ax, "picks-comes")) == 1
    ss.plot_alternatives(empty, [empty], base=False)
    ss.plot_robustness(empty, pd.DataFrame({"survival": []}), base=False)
    ss.plot_limits(empty)


def test_lines_under_a_map_stay_on_the_page_at_any_resolution():
    ax = ss.plot_plan(
        toy_plan(3, toy_candidates(spacing_km=300)), base=False, preset="column"
    )
    for dpi in (50, 72, 90, 110, 300):
        ax.figure.set_dpi(dpi)
        boxes = boxes_of([*named(ax, "note"), *named(ax, "synthetic-notice")])
        assert boxes[:, 2].max() <= ax.figure.bbox.width, dpi
        assert boxes[:, 0].min() >= 0


def test_text_stays_text_in_vector_files(plan):
    ax = ss.plot_plan(plan, base=False)
    svg = figure_bytes(ax.figure, ".svg").decode()
    # A halo must not turn letters into outlines.
    for text in named_everywhere(ax, "label"):
        assert f">{text.get_text()}</text>" in svg
    assert ">power</text>" in figure_bytes(ss.plot_limits(plan).figure, ".svg").decode()
    pdf = figure_bytes(ax.figure, ".pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


# ----------------------------------------------------------------------- insets


def clustered():
    frame = toy_candidates(spacing_km=60)
    return toy_plan(9, frame, clustered=True)


def test_an_inset_shows_the_cluster_enlarged_where_nothing_is_hidden():
    plan = clustered()
    ax = ss.plot_plan(plan, base=False)
    (inset,) = named(ax, "inset")
    (picks,), (main,) = named(inset, "picks"), named(ax, "picks")
    assert 4 <= len(picks.get_offsets()) <= 9
    assert len(main.get_offsets()) == 9
    labels = named_everywhere(ax, "label")
    assert len(labels) == 9
    assert len(named(inset, "label")) == len(picks.get_offsets())
    # The same places, in the same projection, more apart on paper.
    assert {tuple(p) for p in picks.get_offsets()} <= {
        tuple(p) for p in main.get_offsets()
    }
    (window,) = boxes_of(named(ax, "inset-window"))
    (edge,) = boxes_of(named(ax, "inset-edge"))
    times = (edge[2] - edge[0]) / (window[2] - window[0])
    assert times >= 2.2
    here = ax.transData.transform(picks.get_offsets())
    there = inset.transData.transform(picks.get_offsets())
    np.testing.assert_allclose(
        np.ptp(there, axis=0), times * np.ptp(here, axis=0), rtol=1e-6
    )
    places = ax.transData.transform(main.get_offsets())
    assert not ((places > edge[:2]) & (places < edge[2:])).all(axis=1).any()
    # Its bar is as true as the map's.
    ax.figure.canvas.draw()
    (bar,) = named(inset, "scale-bar")
    said_m = bar.info.value * {"km": 1000, "m": 1}[bar.info.units]
    assert bar.info.length_px == pytest.approx(said_m, rel=0.02)
    assert not named(ss.plot_plan(plan, base=False, inset=False), "inset")


def test_an_inset_hides_no_ground_where_the_page_can_grow():
    # The candidates fill their box: there is no room without more paper.
    xy = np.stack(np.meshgrid(np.arange(40), np.arange(26)), axis=-1).reshape(-1, 2)
    frame = gpd.GeoDataFrame(
        {"score": np.linspace(0, 1, len(xy)), "capacity_mw": 100.0, "cell_km": 50.0},
        geometry=gpd.points_from_xy(xy[:, 0] * 5e4, xy[:, 1] * 5e4),
        crs=5070,
        index=[f"c{k:04}" for k in range(len(xy))],
    )
    rows = [f"c{k:04}" for k in (410, 411, 412, 450, 451, 490, 30, 900)]
    sites = frame.loc[rows].assign(mw=100.0)
    plan = toy_plan(0, frame, sites=sites)
    for preset in ("page", "a3", "slide"):
        ax = ss.plot_plan(plan, base=False, preset=preset, crs=5070)
        (edge,) = boxes_of(named(ax, "inset-edge"))
        cells = ax.transData.transform(
            np.column_stack([frame.geometry.x, frame.geometry.y])
        )
        hidden = ((cells > edge[:2]) & (cells < edge[2:])).all(axis=1).mean()
        assert hidden <= 0.002
        (line,) = named(ax, "inset-line")
        (window,) = boxes_of(named(ax, "inset-window"))
        assert line.is_dashed()
        assert all(line.get_zorder() < t.get_zorder() for t in named(ax, "label"))
        assert (edge[2] < window[0] or edge[0] > window[2]) or (
            edge[3] < window[1] or edge[1] > window[3]
        )
        # The ground is not much smaller for it.
        plain = ss.plot_plan(plan, base=False, preset=preset, inset=False, crs=5070)
        scale = [np.ptp(a.get_xlim()) / a.figure.get_figwidth() for a in (ax, plain)]
        assert scale[0] <= 1.3 * scale[1]
        plt.close("all")


@pytest.mark.parametrize("seed", range(25))
def test_an_inset_covers_no_place_and_lies_in_the_map(seed):
    rng = np.random.default_rng(seed)
    room = (0.0, 0.0, 500.0, 320.0)
    n, k = int(rng.integers(0, 25)), int(rng.integers(0, 12))
    middle = rng.uniform((60, 60), (440, 260))
    xy = np.vstack(
        [rng.uniform((5, 5), (495, 315), (n, 2)), rng.normal(middle, 8, (k, 2))]
    )
    radii = rng.uniform(1.5, 8.5, n + k)
    found = find_inset(xy, radii, room, 7.5)
    order = rng.permutation(n + k)
    again = find_inset(xy[order], radii[order], room, 7.5)
    assert (found is None) == (again is None)
    if found is None or again is None:
        return
    assert found.box == again.box
    box, window = np.array(found.box), np.array(found.window)
    assert (box[:2] >= 0).all()
    assert (box[2:] <= room[2:]).all()
    off = np.maximum(np.maximum(box[:2] - xy, 0), xy - box[2:])
    assert (np.hypot(*off.T) >= radii).all()
    inside = ((xy >= window[:2]) & (xy <= window[2:])).all(axis=1)
    np.testing.assert_array_equal(inside, found.is_inside)
    assert found.is_inside.sum() >= 4
    ratio = (box[2:] - box[:2]) / (window[2:] - window[:2])
    assert ratio[0] == pytest.approx(ratio[1])


def test_alternatives_show_their_own_sizes():
    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8, 0.7], "capacity_mw": 300.0},
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]),
        crs=4326,
    )
    asked = {"power_mw": (300, 300)}
    plan = ss.optimize_sites(sites, site_mw=[300], **asked)
    other = ss.optimize_sites(sites, site_mw=[100, 200], max_sites=2, **asked)
    assert other.sites["mw"].tolist() == [200, 100]
    ax = ss.plot_alternatives(plan, [other], base=False)
    said = [t.get_text() for t in named_everywhere(ax, "label")]
    assert any("200 to 300 MW" in text for text in said), said
    (small,) = ss.plot_alternatives(plan, [other], each=True, base=False).ravel()
    stays, comes = (named(small, gid)[0] for gid in ("picks-stays", "picks-comes"))
    ratio = stays.get_sizes()[0] / comes.get_sizes()[0]
    assert ratio == pytest.approx(2.0, rel=0.05)
    assert "1 resized" in small.get_title() or any(
        "1 resized" in t.get_text() for t in small.figure.findobj(Text)
    )
