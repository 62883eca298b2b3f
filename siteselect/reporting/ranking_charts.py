"""Charts of how sure a ranking is: intervals of ranks, and what moves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from siteselect.errors import LayerError, StudyError, check_given, four_parts, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.chart_paper import (
    chart_axes,
    figure_of_axes,
    height_pt,
    laid_out_width_pt,
    plain_axes,
    short_lines,
    width_pt,
    write_title,
)
from siteselect.reporting.furniture import Preset
from siteselect.reporting.labels import text_size
from siteselect.reporting.plan_like import clean

_ON_LIST = "#4c72b0"
_OFF_LIST = "#b0b7c3"
_DOT = "#1f2a44"
_FIRST = "#b8cce4"
_TOTAL = "#1f4e79"
_NOTE = "0.35"

__all__ = ["plot_ranks", "plot_sensitivity"]


def plot_ranks(
    ranks: pd.DataFrame,
    ax: Axes | None = None,
    *,
    top: int = 20,
    preset: str | Preset = "page",
    title: bool = True,
) -> Axes:
    """Draw between which ranks the leading candidates stay.

    A bar is the interval, a dot the rank under the given weights, and the figure
    at its end how often the candidate is among the best.

    Parameters
    ----------
    ranks : pandas.DataFrame
        From `rank_intervals`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    top : int, default 20
        How many candidates, those of the best ranks [count].
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : bool
        Write what is shown above the axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    LayerError, StudyError
        If the table is not one of `rank_intervals`, ``top`` is no count, or there
        is no such preset.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import (
    ...     Column, Criterion, Rising, rank_intervals, score_sites)
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 850.0, 100.0], "acres": [80.0, 90.0, 10.0]},
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("grid", Column("mw"), Rising(0, 1000)),
    ...     Criterion("land", Column("acres"), Rising(0, 100)),
    ... ])
    >>> ax = plot_ranks(rank_intervals(scored, best=1, draws=200))
    >>> ax.get_xlabel()
    'rank (1 is the best)'
    """
    _need(ranks, ("rank", "rank_low", "rank_high", "p_best"), "rank_intervals(scored)")
    if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
        raise StudyError(
            four_parts(
                "Ranks are drawn of the leading candidates",
                f"found top={top!r}",
                "allowed are whole numbers from 1",
                "pass for instance top=20",
            )
        )
    known = ranks[ranks["rank"].notna()]
    shown_rows = known.sort_values("rank", kind="stable").head(int(top))
    best = int(ranks.attrs.get("best", 0))
    is_own = ax is None
    ax, sizes = chart_axes(ax, preset, 10 + 2 * max(len(shown_rows), 4))
    stroke = sizes.text_pt / 7.5
    at = np.arange(len(shown_rows))
    low = shown_rows["rank_low"].to_numpy(dtype=float)
    high = shown_rows["rank_high"].to_numpy(dtype=float)
    nominal = shown_rows["rank"].to_numpy(dtype=float)
    colors = [_ON_LIST if rank <= best else _OFF_LIST for rank in nominal]
    # A candidate that never moves still has a bar to be seen.
    ax.barh(at, high - low + 0.6, left=low - 0.3, height=0.55, color=colors)
    ax.plot(
        nominal, at, "o", markersize=4.5 * stroke, color=_DOT, markeredgecolor="white"
    )
    if best:
        dashed = (0, (4, 3))
        ax.axvline(
            best + 0.5, color="0.45", linewidth=stroke, linestyle=dashed, zorder=2
        )
    for row, (end, share) in enumerate(zip(high, shown_rows["p_best"], strict=True)):
        ax.annotate(
            _percent(float(share)),
            (end + 0.3, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=sizes.text_pt,
            color=_NOTE,
            gid="share",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    _name_rows(ax, shown_rows, sizes)
    width = laid_out_width_pt(ax)
    room = text_size(">99 %", sizes.text_pt)[0] + 10
    most = max(float(high.max(initial=1.0)) + 0.3, best + 1.0)
    ax.set_xlim(0, most / max(1 - room / width, 0.5))
    ax.set_xlabel("rank (1 is the best)")
    plain_axes(ax, sizes)
    n_ticks = int(np.clip(width / (4 * sizes.text_pt), 2, 8))
    ax.xaxis.set_major_locator(MaxNLocator(n_ticks, integer=True, steps=[1, 2, 5, 10]))
    level = ranks.attrs.get("level")
    interval = "interval of ranks"
    if level is not None:
        interval = f"{100 * level:.3g} % of the draws"
    handles: list[Any] = [
        Patch(color=_ON_LIST, label=f"{interval}, on the shortlist of {best}"),
        Patch(color=_OFF_LIST, label=f"{interval}, not on it"),
        Line2D(
            [], [], linestyle="none", marker="o", markersize=5, color=_DOT,
            label="rank as scored",
        ),
    ]  # fmt: skip
    _legend_below(ax, sizes, handles if best else handles[1:], is_own=is_own)
    if title:
        draws = ranks.attrs.get("draws")
        head = "Between which ranks each candidate stays"
        if draws:
            head += f" ({draws:,} draws)"
        note = f"% at the bar: draws in which it is among the best {best}"
        write_title(ax, head, sizes, note if best else "")
    return ax


def plot_sensitivity(
    sensitivity: pd.DataFrame,
    ax: Axes | None = None,
    *,
    preset: str | Preset = "page",
    title: bool = True,
) -> Axes:
    """Draw what moves the ranking most: a weight, or a layer's error.

    Parameters
    ----------
    sensitivity : pandas.DataFrame
        From `rank_sensitivity`, by Sobol or by Morris.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : bool
        Write what is shown above the axes.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    LayerError
        If the table is not one of `rank_sensitivity`.
    StudyError
        If there is no such preset.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"first": [0.3, 0.5], "first_conf": 0.1, "total": [0.4, 0.6],
    ...      "total_conf": 0.1}, index=["weight: grid", "data: fiber"])
    >>> [text.get_text() for text in plot_sensitivity(table).get_yticklabels()]
    ['data: fiber', 'weight: grid']
    """
    check_given(
        sensitivity,
        ("columns", "sort_values"),
        "The chart is drawn of what rank_sensitivity(scored) returned",
        "its table is needed",
        "plot_sensitivity(rank_sensitivity(scored))",
    )
    is_morris = "mu_star" in sensitivity.columns
    key = "mu_star" if is_morris else "total"
    wanted = (key, f"{key}_conf") if is_morris else (key, "first", "first_conf")
    _need(sensitivity, (*wanted, f"{key}_conf"), "rank_sensitivity(scored)")
    table = sensitivity.sort_values(key, ascending=False, kind="stable")
    is_own = ax is None
    ax, sizes = chart_axes(ax, preset, 10 + 2.6 * max(len(table), 2))
    stroke = sizes.text_pt / 7.5
    at = np.arange(len(table))
    parts = (
        ((key, "mean absolute effect (mu*)", 0.0, 0.6, _TOTAL),)
        if is_morris
        else (
            ("first", "alone (first order)", -0.19, 0.36, _FIRST),
            ("total", "with its interactions (total order)", 0.19, 0.36, _TOTAL),
        )
    )
    for column, label, shift, height, color in parts:
        ax.barh(
            at + shift,
            table[column],
            height=height,
            xerr=table[f"{column}_conf"],
            color=color,
            label=label,
            error_kw={
                "elinewidth": stroke,
                "ecolor": "0.35",
                "capsize": 2 * stroke,
                "capthick": stroke,
            },
        )
    _name_rows(ax, table, sizes)
    ax.axvline(0, color="0.3", linewidth=0.8)
    ax.set_xlabel(
        "effect on the ranking [ranks, or share of the set]"
        if is_morris
        else "share of the variance of the ranking [–]"
    )
    plain_axes(ax, sizes)
    _legend_below(ax, sizes, ax.get_legend_handles_labels()[0], is_own=is_own)
    if title:
        write_title(ax, "What moves the ranking most; lines: 95 % intervals", sizes)
    return ax


def _name_rows(ax: Axes, table: pd.DataFrame, sizes: Preset) -> None:
    """Write the names of the rows, the first at the top."""
    room = 0.4 * width_pt(ax)
    names = [
        short_lines(str(clean(str(label))), room, sizes.text_pt, 1)
        for label in table.index
    ]
    ax.set_yticks(np.arange(len(table)), names, size=sizes.text_pt)
    ax.set_ylim(len(table) - 0.4, -0.6)


def _legend_below(
    ax: Axes, sizes: Preset, handles: Sequence[Any], *, is_own: bool
) -> None:
    """Say under the axes what the marks mean: no bar is hidden by it."""
    options: dict[str, Any] = {
        "handles": handles,
        "frameon": False,
        "fontsize": sizes.text_pt,
        "borderaxespad": 0.0,
    }
    widths = [text_size(str(h.get_label()), sizes.text_pt)[0] + 40 for h in handles]
    room = 0.95 * sizes.width_mm * pieces.MM if is_own else width_pt(ax)
    is_one_row = sum(widths) <= room
    options["ncols"] = len(widths) if is_one_row else max(1, int(room / max(widths)))
    if is_own:
        # Across the whole page, so that it takes no width from the bars.
        figure_of_axes(ax).legend(loc="outside lower left", **options)
    else:
        under = 4.4 * sizes.text_pt / height_pt(ax)
        ax.legend(loc="upper left", bbox_to_anchor=(0.0, -under), **options)


def _percent(share: float) -> str:
    """Return a share in percent; what is only nearly never or always says so."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def _need(table: object, columns: tuple[str, ...], source: str) -> None:
    """Refuse a table that is not the one to draw."""
    found = getattr(table, "columns", ())
    lost = [column for column in columns if column not in found]
    if lost:
        raise LayerError(
            four_parts(
                f"The chart is drawn of what {source} returned",
                f"found no column {shown(map(repr, lost))} in {type(table).__name__}",
                f"columns {shown(map(repr, columns))} are needed",
                f"call table = {source} first",
            )
        )
