"""The map of loaded lines, by its artists."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import siteselect as ss
from siteselect.reporting.files import plan_record
from siteselect.reporting.maps import close_figure
from siteselect.reporting.network_map import LOADING


def plan_of(
    places: bool = True,
    *,
    usd: float | None = None,
    mw: float = 80.0,
    limited: bool = True,
    **kwargs: Any,
) -> ss.SitePlan:
    """Two sites at the end of a row of three lines; the last has no rating."""
    network = ss.grid.Network.from_tables(
        pd.DataFrame({"bus": [1, 2, 3, 4], "base_kv": 230.0, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": ["a", "b", "c"],
                "from_bus": [1, 2, 3],
                "to_bus": [2, 3, 4],
                "x_pu": 0.1,
                "rating_mva": [100.0, 200.0, np.nan],
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    )
    at = gpd.GeoSeries.from_xy(
        [-100, -99, -98, -98], [32, 33, 32, 32], index=[1, 2, 3, 4], crs=4326
    )
    if places:
        network = network.with_places(at)
    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8], "bus": [2, 3]},
        index=["north", "south"],
        geometry=at.loc[[2, 3]].to_numpy(),
        crs=4326,
    )
    upgrades = None
    if usd is not None:
        upgrades = pd.DataFrame(
            {"branch": ["a"], "usd_per_mw": usd, "lead_months": 24.0}
        )
    limit = ss.Deliverable(network, upgrades=upgrades)
    limits = [limit] if limited else []
    return ss.optimize_sites(sites, site_mw=[mw], limits=limits, **kwargs)


def texts(ax: Axes, gid: str) -> list[str]:
    return [t.get_text() for t in ax.texts if t.get_gid() == gid]


def lines_of(ax: Axes, gid: str) -> Any:
    [found] = [c for c in ax.collections if c.get_gid() == gid]
    return found


def test_lines_are_colored_by_loading_and_full_ones_thick_and_named() -> None:
    plan = plan_of(usd=5e4, power_mw=(160, 160))
    ax = plan.powerflow().plot(base=False)
    thin, thick = lines_of(ax, "lines"), lines_of(ax, "full-lines")
    # Line b carries 80 of 200 MW; a transformer within one place is not drawn.
    assert len(thin.get_paths()) == 1
    np.testing.assert_allclose(thin.get_colors()[0], LOADING(0.4))
    assert len(thick.get_paths()) == 1
    np.testing.assert_allclose(thick.get_colors()[0], LOADING(1.0))
    assert thick.get_linewidths()[0] > 3 * thin.get_linewidths()[0]
    labels = texts(ax, "label")
    assert "line a, +60 MW" in labels
    assert any("north" in text and "80 MW" in text for text in labels)
    assert texts(ax, "subtitle") == [
        "1 of 2 rated lines drawn is full; 60 MW of line upgrades are in place."
    ]
    assert ax.figure.get_size_inches()[0] * 25.4 == pytest.approx(180)
    close_figure(ax)


def test_a_plan_without_the_limit_may_overfill_lines_and_the_map_says_so() -> None:
    limit = plan_of().compiled.request.limits[0]
    ax = plan_of(limited=False).powerflow(limit.network).plot(base=False)
    assert texts(ax, "subtitle") == [
        "1 of 2 rated lines drawn is full, 1 of them overfilled."
    ]
    close_figure(ax)


def test_fuller_lines_are_darker_in_any_eye() -> None:
    red, green, blue = LOADING(np.linspace(0, 1, 50))[:, :3].T
    assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) < 0).all()


def test_title_says_synthetic_and_the_notes_what_is_not_covered() -> None:
    plan = plan_of(mw=50.0)
    ax = plan.powerflow().plot(base=False)
    assert texts(ax, "title") == [
        "Loaded lines with 100 MW in 2 sites (synthetic network: model lines)"
    ]
    said = " ".join(texts(ax, "note"))
    for word in ("voltage", "stability", "short circuit"):
        assert word in said
    close_figure(ax)
    real = plan.powerflow().plot(base=False, synthetic=False)
    assert not any("synthetic" in t.get_text() for t in real.texts)
    close_figure(real)


def test_labels_of_lines_and_sites_do_not_overlap() -> None:
    ax = plan_of(mw=50.0).powerflow().plot(base=False)
    ax.figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.texts if t.get_gid() == "label"]
    assert len(boxes) == 3
    # The name of a line stands beside its middle.
    [name] = [t.get_window_extent() for t in ax.texts if t.get_text() == "line a"]
    [path] = lines_of(ax, "full-lines").get_paths()
    middle = ax.transData.transform(path.vertices.mean(axis=0))
    away = np.clip(middle, name.min, name.max) - middle
    assert np.hypot(*away) < 40 * ax.figure.dpi / 72
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])
    close_figure(ax)


def test_years_are_named_and_what_is_taken_out_is_a_plain_frame() -> None:
    plan = plan_of(power_mw={2027: (50, 50), 2030: (100, 100)}, mw=50.0)
    flow = plan.powerflow(year=2027)
    ax = flow.plot(base=False)
    assert texts(ax, "title")[0].startswith("Loaded lines with 50 MW in 1 site in 2027")
    close_figure(ax)
    assert type(flow[["loading"]]) is pd.DataFrame
    assert type(flow.head(1)) is pd.DataFrame


def test_upgrades_are_in_the_record_of_a_plan() -> None:
    bare = plan_record(plan_of(mw=50.0))
    assert "upgrades" not in bare
    [row] = plan_record(plan_of(usd=5e4, power_mw=(160, 160)))["upgrades"]
    assert row["branch"] == "a"
    assert row["mw"] == pytest.approx(60.0)
    assert row["year"] is None


def test_network_without_places_is_refused() -> None:
    with pytest.raises(ss.LayerError, match="with_places"):
        plan_of(places=False, mw=50.0).powerflow().plot()
