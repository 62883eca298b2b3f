"""The chart of a waterfall: what each exclusion takes out of the candidates."""

from __future__ import annotations

from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siteselect.errors import StudyError, four_parts

_KEPT = "#4c72b0"
_OUT = "#c44e52"
_BACK = "#55a868"
_ALONE = "0.45"
#: Width of a character of the figures beside the bars [pt].
_TEXT_PT = 5.6

__all__ = ["plot_waterfall"]


def plot_waterfall(
    waterfall: Any,
    ax: Axes | None = None,
    *,
    measure: Literal["km2", "candidates"] | None = None,
    title: bool = True,
) -> Axes:
    """Draw the candidates before, what each rule takes out, and what is left.

    A bar is what the rule takes out of those that the rules before it left; a
    tick on its line is what it would take out alone.

    Parameters
    ----------
    waterfall : siteselect.suitability.Waterfall
        From `siteselect.waterfall`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    measure : {"km2", "candidates"}, optional
        Ground or count; ground where every candidate has one.
    title : bool
        Write what is shown above the axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    StudyError
        If there is no such measure.

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
    table = waterfall.table
    if ax is None:
        height = 1.6 + 0.42 * (len(table) + 2)
        _, ax = plt.subplots(figsize=(7.2, height), layout="constrained")
    total = total_km2 if measure == "km2" else float(waterfall.n_candidates)
    left = table[f"left_{measure}"].to_numpy(dtype=float)
    before = np.concatenate([[total], left[:-1]]) if len(left) else left
    change = table[f"sequence_{measure}"].to_numpy(dtype=float)
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
    alone = table[f"alone_{measure}"].to_numpy(dtype=float)
    shown = change >= 0
    ax.plot(
        total - alone[shown],
        rows[shown],
        linestyle="none",
        marker="|",
        markersize=17,
        markeredgewidth=1.6,
        color=_ALONE,
        label="left if it were the only rule",
    )
    unit = "km²" if measure == "km2" else ""
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
        range(len(table) + 2), ["all candidates", *map(str, table.index), "left"]
    )
    room = _TEXT_PT * max(map(len, texts)) + 8
    width = _width(ax)
    ax.set_xlim(0, (total or 1.0) / max(1 - room / width, 0.4))
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        ax.annotate(
            text,
            (end, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            # A tick of what the rule takes alone may stand where the figure does.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            zorder=4,
        )
    # Not by turning round: axes that share theirs would be turned back again.
    ax.set_ylim(len(table) + 1.6, -0.6)
    ax.set_xlabel("ground of the candidates [km²]" if unit else "candidates")
    n_ticks = int(np.clip(width / 52, 2, 6))
    ax.xaxis.set_major_locator(MaxNLocator(n_ticks, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.6g}"))
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if shown.any():
        ax.legend(
            frameon=False,
            fontsize=9,
            loc="upper left",
            bbox_to_anchor=(0.0, -0.16 if len(table) > 3 else -0.24),
        )
    if title:
        ax.set_title("What each exclusion takes out", loc="left", fontsize=11)
    return ax


def _width(ax: Axes) -> float:
    """Return the width of the axes as laid out [pt]."""
    figure: Any = ax.get_figure(root=True)
    # Long names of rules take from the width: lay them out before measuring.
    figure.draw_without_rendering()
    return float(ax.get_window_extent().width * 72 / figure.dpi)
