"""The chart of a frontier: what no plan can beat, and the plans that were solved."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siteselect.errors import check_given
from siteselect.reporting.chart_paper import chart_axes, width_pt, write_title
from siteselect.reporting.frontier_axes import along_word, axis_unit
from siteselect.reporting.furniture import Preset

_BOUND = "#4c72b0"
_PLAN = "#c44e52"


def plot_frontier(
    frontier: Any,
    ax: Axes | None = None,
    *,
    preset: str | Preset = "page",
    title: bool = True,
) -> Axes:
    """Draw bounds as a line and solved plans as dots, with labelled axes.

    Parameters
    ----------
    frontier : siteselect.optimization.Frontier
        The curve.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : bool
        Write what is shown above the axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.optimization.frontier import frontier
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0, "cost_usd_per_mw": 1e7},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> curve = frontier(sites, values=[1e9, 2e9], exact=True, site_mw=[100])
    >>> plot_frontier(curve).get_xlabel()
    'budget [billion USD]'
    """
    check_given(
        frontier,
        ("table", "along", "objective_name"),
        "A chart of a frontier was asked for",
        "what siteselect.frontier returned",
        "plot_frontier(frontier(sites, values=[...]))",
    )
    ax, sizes = chart_axes(ax, preset, 0, least=0.62)
    stroke = sizes.text_pt / 7.5
    table = frontier.table
    x_size, x_unit = axis_unit(frontier.unit, table["value"].max())
    y_size, y_unit = axis_unit(frontier.objective_name, table["bound"].abs().max())
    known = table[np.isfinite(table["bound"].astype(float))]
    word = "at most" if frontier.maximize else "at least"
    ax.plot(
        known["value"] / x_size,
        known["bound"] / y_size,
        color=_BOUND,
        linewidth=1.6 * stroke,
        marker=".",
        markersize=4 * stroke,
        label=f"bound at each dot: every plan is {word} this",
    )
    solved = table[table["objective"].notna()]
    if len(solved):
        ax.plot(
            solved["value"] / x_size,
            solved["objective"] / y_size,
            linestyle="none",
            marker="o",
            markersize=6 * stroke,
            markerfacecolor=_PLAN,
            markeredgecolor="white",
            label="plan, solved exactly",
        )
    none = table[table["status"] == "infeasible"]
    if len(none):
        ax.plot(
            none["value"] / x_size,
            np.zeros(len(none)),
            transform=ax.get_xaxis_transform(),
            linestyle="none",
            marker="x",
            markersize=6 * stroke,
            color="0.4",
            clip_on=False,
            label="no plan exists",
        )
    along = along_word(frontier.along)
    ax.set_xlabel(f"{along} [{x_unit}]" if x_unit else along)
    name = frontier.objective_name
    ax.set_ylabel(f"cost [{y_unit}]" if name == "USD" else f"objective [{name}]")
    ax.tick_params(labelsize=sizes.text_pt)
    ax.grid(color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    n_ticks = 7 if width_pt(ax) > 300 else 4
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(sizes.text_pt)
        axis.set_major_locator(MaxNLocator(n_ticks, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
    if title:
        write_title(ax, f"How good a plan can be, by {along}", sizes)
    ax.legend(frameon=False, loc="best", fontsize=sizes.text_pt)
    return ax
