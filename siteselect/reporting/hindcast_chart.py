"""Charts of a hindcast: how many known sites the best land holds."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siteselect.errors import StudyError, check_given, four_parts, said, shown
from siteselect.reporting.chart_paper import (
    chart_axes,
    height_pt,
    laid_out_width_pt,
    short_lines,
    width_pt,
    write_title,
)
from siteselect.reporting.furniture import Preset
from siteselect.reporting.plan_like import clean

_SCORE = "#4c72b0"
#: Plain factors: told apart by their dashes as well, for those who see no colors.
_OTHERS = ("#c44e52", "#dd8452", "#55a868", "#8172b3", "#937860")
_DASHES = ((4, 1.5), (1.2, 1.2), (6, 1.5, 1.2, 1.5), (2.5, 1), (8, 2))
_RANDOM = "0.55"
_KINDS = ("curve", "lift", "best")
_LAND = {
    "land": "random land",
    "state": "land in the same state",
    "population": "population-matched land",
}

__all__ = ["plot_hindcast"]


def plot_hindcast(
    hindcast: Any,
    ax: Axes | None = None,
    *,
    kind: Literal["curve", "lift", "best"] = "curve",
    background: str | None = None,
    preset: str | Preset = "page",
    title: bool = True,
) -> Axes:
    """Draw how many known sites the best land holds, beside plain factors.

    Parameters
    ----------
    hindcast : siteselect.suitability.Hindcast
        From `siteselect.evaluate`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    kind : {"curve", "lift", "best"}, default "curve"
        Share of the known sites by share of the land, best first (the ROC curve);
        that share by the land's; or the share in the best few percent, with
        intervals.
    background : {"land", "state", "population"}, optional
        The land compared with; the first of the hindcast if None.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : bool
        Write what is shown above the axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    StudyError
        If there is no such kind or background.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import evaluate
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.7, 0.4, 0.2]},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0] * 4), crs=4326,
    ... )
    >>> plot_hindcast(evaluate(sites, [0, 2])).get_ylabel()
    'known sites in it [%]'
    """
    check_given(
        hindcast,
        ("table", "shares", "curves", "level"),
        "A chart of a hindcast was asked for",
        "what siteselect.evaluate returned",
        "plot_hindcast(evaluate(scored, known_sites))",
    )
    there = list(dict.fromkeys(hindcast.table.index.get_level_values("background")))
    background = there[0] if background is None else background
    for name, given, allowed in (
        ("kind", kind, _KINDS),
        ("background", background, there),
    ):
        if given not in allowed:
            raise StudyError(
                four_parts(
                    "A chart of a hindcast says what it shows",
                    f"found {name}={said(given)}",
                    f"allowed are {shown(map(repr, allowed))}",
                    f"pass {name}={allowed[0]!r}",
                )
            )
    table = hindcast.table.xs(background, level="background")
    shares = hindcast.shares.xs(background, level="background")
    ax, sizes = chart_axes(ax, preset, 24 + 1.3 * len(table), least=0.62)
    if kind == "best":
        _draw_best(ax, shares, sizes)
    else:
        curves = hindcast.curves
        curves = curves[curves["background"] == background]
        _draw_curves(ax, curves, table, sizes, is_lift=kind == "lift")
    ax.tick_params(labelsize=sizes.text_pt)
    ax.grid(axis="y" if kind == "best" else "both", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(sizes.text_pt)
    n_known = int(table.loc["score", "known_sites"])
    if title:
        level = f"{100 * hindcast.level:g} %"
        note = f"In brackets: intervals of {level}, by drawing known sites again."
        if kind == "best":
            note = f"Lines: Wilson's intervals of {level}."
        has_any = bool(table["auc_low"].notna().any())
        write_title(
            ax,
            f"{n_known} known sites against {_LAND[background]}",
            sizes,
            note if has_any else "",
        )
    # Below the axes: the curves leave no corner free in small ones.
    laid_out_width_pt(ax)
    below = 4.6 * sizes.text_pt / height_pt(ax)
    ax.legend(
        frameon=False,
        fontsize=sizes.text_pt,
        loc="upper left",
        bbox_to_anchor=(0.0, -below),
        borderaxespad=0.0,
        handlelength=1.8,
    )
    return ax


def _draw_curves(
    ax: Axes, curves: pd.DataFrame, table: pd.DataFrame, sizes: Preset, *, is_lift: bool
) -> None:
    """Draw one line per factor, the score over the others."""
    stroke = sizes.text_pt / 7.5
    for k, name in enumerate(table.index):
        own = curves[curves["factor"] == name]
        x, y = own["land_share"].to_numpy(), own["known_share"].to_numpy()
        if is_lift:
            x, y = x[1:], y[1:] / x[1:]
        line = ax.plot(
            100 * x,
            y if is_lift else 100 * y,
            color=_color(k),
            linewidth=(2.2 if k == 0 else 1.4) * stroke,
            zorder=3 if k == 0 else 2,
            label=_label(ax, str(name), table.loc[name], sizes),
        )[0]
        if k:
            line.set_dashes(_DASHES[(k - 1) % len(_DASHES)])
    ax.plot(
        [0, 100],
        [1, 1] if is_lift else [0, 100],
        color=_RANDOM,
        linewidth=1.0 * stroke,
        linestyle=":",
        label="no better than chance",
    )
    ax.set_xlabel("best land [% of the area]")
    ax.set_ylabel("known sites, times random" if is_lift else "known sites in it [%]")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, None if is_lift else 100.5)
    n_ticks = 7 if width_pt(ax) > 300 else 5
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(n_ticks, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))


def _draw_best(ax: Axes, shares: pd.DataFrame, sizes: Preset) -> None:
    """Draw shares in the best few percent as dots with intervals, side by side."""
    stroke = sizes.text_pt / 7.5
    factors = list(dict.fromkeys(shares.index.get_level_values("factor")))
    percents = list(dict.fromkeys(shares.index.get_level_values("best_percent")))
    step = 0.7 / len(factors)
    places = np.arange(len(percents))
    for k, name in enumerate(factors):
        own = 100 * shares.loc[name].loc[percents, ["share", "share_low", "share_high"]]
        x = places + (k - (len(factors) - 1) / 2) * step
        ax.vlines(
            x, own["share_low"], own["share_high"], color=_color(k), linewidth=stroke
        )
        ax.plot(
            x,
            own["share"],
            linestyle="none",
            marker="os^Dv"[k % 5],
            markersize=(6 if k == 0 else 5) * stroke,
            color=_color(k),
            clip_on=False,
            label=short_lines(_name(name), 0.5 * width_pt(ax), sizes.text_pt),
        )
    half = 0.45
    ax.hlines(
        percents,
        places - half,
        places + half,
        color=_RANDOM,
        linestyle=":",
        linewidth=1.2 * stroke,
        label="no better than chance",
    )
    ax.set_xticks(places, [f"best {p:g} %" for p in percents])
    ax.set_xlim(-0.5, len(percents) - 0.5)
    ax.set_ylim(0, 100.5)
    ax.set_ylabel("known sites in it [%]")
    ax.set_xlabel("share of the area")
    ax.tick_params(axis="x", length=0)


def _name(name: object) -> str:
    return "the score" if name == "score" else str(clean(name))


def _color(k: int) -> str:
    return _SCORE if k == 0 else _OTHERS[(k - 1) % len(_OTHERS)]


def _label(ax: Axes, name: str, row: Any, sizes: Preset) -> str:
    auc = f"AUC {row['auc']:.2f}"
    if np.isfinite(row["auc_low"]):
        auc += f" ({row['auc_low']:.2f}–{row['auc_high']:.2f})"
    head = short_lines(_name(name), 0.6 * width_pt(ax), sizes.text_pt)
    return f"{head}: {auc}"
