"""The chart of a waterfall: what each exclusion takes out of the candidates."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siteselect.errors import StudyError, check_given, four_parts
from siteselect.reporting.chart_paper import (
    chart_axes,
    laid_out_width_pt,
    plain_axes,
    short_lines,
    width_pt,
    write_title,
)
from siteselect.reporting.furniture import Preset
from siteselect.reporting.labels import text_size
from siteselect.reporting.plan_like import clean
from siteselect.reporting.unit_system import unit_system

_KEPT = "#4c72b0"
_OUT = "#c44e52"
_BACK = "#55a868"
_ALONE = "0.45"

__all__ = ["plot_waterfall"]


def plot_waterfall(
    waterfall: Any,
    ax: Axes | None = None,
    *,
    measure: Literal["km2", "candidates"] | None = None,
    preset: str | Preset = "page",
    title: bool = True,
    units: str = "si",
) -> Axes:
    """Draw the candidates before, what each rule takes out, and what is left.

    A bar is what the rule takes out of those that the rules before it left; a
    tick on its line is what it would take out alone.

    Parameters
    ----------
    waterfall : siteselect.suitability.Waterfall
        From `siteselect.waterfall`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    measure : {"km2", "candidates"}, optional
        Ground or count; ground where every candidate has one.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : bool
        Write what is shown above the axes.
    units : {"si", "us"}, default "si"
        Ground in square kilometers or in square miles.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    StudyError
        If there is no such measure, preset or system of units.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Where, waterfall
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope": [9.0, 1.0]}, geometry=gpd.points_from_xy([0, 1], [0, 0]), crs=4326
    ... )
    >>> plot_waterfall(waterfall(sites, [Where("slope", above=8)])).get_xlabel()
    'candidates'
    """
    check_given(
        waterfall,
        ("km2", "n_candidates", "table"),
        "A chart of a waterfall was asked for",
        "what siteselect.waterfall returned",
        "plot_waterfall(waterfall(sites, rules))",
    )
    total_km2 = float(waterfall.km2)
    if measure is None:
        measure = "candidates" if np.isnan(total_km2) else "km2"
    if measure not in ("km2", "candidates") or (
        measure == "km2" and np.isnan(total_km2)
    ):
        raise StudyError(
            four_parts(
                "A waterfall is drawn by ground or by count",
                f"found measure={measure!r}"
                + (", but a candidate has no ground" if measure == "km2" else ""),
                "allowed are 'km2' and 'candidates'",
                "pass measure='candidates'",
            )
        )
    system = unit_system(units)
    per_unit = system.per_km2 if measure == "km2" else 1.0
    table = waterfall.table
    ax, sizes = chart_axes(ax, preset, 9 + 2.4 * (len(table) + 2))
    stroke = sizes.text_pt / 7.5
    total = total_km2 if measure == "km2" else float(waterfall.n_candidates)
    total *= per_unit
    left = table[f"left_{measure}"].to_numpy(dtype=float) * per_unit
    before = np.concatenate([[total], left[:-1]]) if len(left) else left
    change = table[f"sequence_{measure}"].to_numpy(dtype=float) * per_unit
    rows = np.arange(1, len(table) + 1)
    ax.barh(0, total, color=_KEPT, height=0.62)
    ax.barh(
        rows,
        change,
        left=before - change,
        color=[_OUT if c >= 0 else _BACK for c in change],
        height=0.62,
    )
    ax.barh(len(table) + 1, left[-1] if len(left) else total, color=_KEPT, height=0.62)
    alone = table[f"alone_{measure}"].to_numpy(dtype=float) * per_unit
    shown = change >= 0
    ax.plot(
        total - alone[shown],
        rows[shown],
        linestyle="none",
        marker="|",
        markersize=14 * stroke,
        markeredgewidth=1.5 * stroke,
        color=_ALONE,
        label="left if it were the only rule",
    )
    unit = system.area.replace("2", "²") if measure == "km2" else ""
    words = [
        f"{'−' if c > 0 else '+' if c < 0 else ''}{abs(c):,.6g} {unit}".strip()
        for c in np.round(change)
    ]
    ends = [total, *np.maximum(before, left), left[-1] if len(left) else total]
    texts = [
        f"{total:,.0f} {unit}".strip(),
        *words,
        f"{ends[-1]:,.0f} {unit}".strip(),
    ]
    ax.set_yticks(
        range(len(table) + 2),
        [
            short_lines(str(clean(name)), 0.4 * width_pt(ax), sizes.text_pt)
            for name in ("all candidates", *map(str, table.index), "left")
        ],
    )
    room = max(text_size(text, sizes.text_pt)[0] for text in texts) + 10
    width = laid_out_width_pt(ax)
    longest = (total or 1.0) / max(1 - room / width, 0.4)
    ax.set_xlim(0, longest)
    ticks = [np.nan, *np.where(shown, total - alone, np.nan), np.nan]
    for row, (end, text, tick) in enumerate(zip(ends, texts, ticks, strict=True)):
        # A tick of what the rule takes alone may stand where the figure would: the
        # figure then stands behind it.
        away = (tick - end) * width / longest
        reach = 1.1 * (5 + text_size(text, sizes.text_pt)[0]) + 4
        ax.annotate(
            text,
            (tick if 0 < away < reach else end, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=sizes.text_pt,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            zorder=4,
            gid="figure",
        )
    # Not by turning round: axes that share theirs would be turned back again.
    ax.set_ylim(len(table) + 1.6, -0.6)
    ax.set_xlabel(f"ground of the candidates [{unit}]" if unit else "candidates")
    plain_axes(ax, sizes)
    n_ticks = int(np.clip(width / 52, 2, 6))
    ax.xaxis.set_major_locator(MaxNLocator(n_ticks, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
    if shown.any():
        ax.legend(
            frameon=False,
            fontsize=sizes.text_pt,
            loc="upper left",
            bbox_to_anchor=(0.0, -0.16 if len(table) > 3 else -0.24),
        )
    if title:
        write_title(ax, "What each exclusion takes out", sizes)
    return ax
