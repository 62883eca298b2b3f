"""The chart of a criterion: its value function, and under it what it values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from siteselect.errors import LayerError, StudyError, four_parts
from siteselect.reporting.chart_paper import chart_axes, width_pt
from siteselect.reporting.furniture import Preset
from siteselect.reporting.plan_like import clean
from siteselect.suitability import Criterion, score_sites

Floats = NDArray[np.float64]

_CURVE = "#1f4e79"
_BARS = "0.80"
#: Figures beyond these shares of the data are counted rather than drawn, so that
#: a few far ones do not squeeze the curve.
_TAILS = (0.005, 0.995)
_MOST_LABELS = 16
_LONGEST = 18
_MOST_BINS = 40
#: Share of the height that the tallest bar takes.
_TALLEST = 0.55
_FLOOR, _CEILING = -0.02, 1.06


def plot_value(
    value: Callable[..., Any],
    raw: Any = None,
    ax: Axes | None = None,
    *,
    unit: str = "",
    name: str = "",
    rows: str = "figures",
    preset: str | Preset = "page",
) -> Axes:
    """Draw a value function as a line, and a histogram of figures under it.

    Parameters
    ----------
    value : ValueFunction or callable
        From raw figures (or labels) to values in [0, 1].
    raw : array-like, optional
        Figures or labels [unit of the bounds]; unknown ones are counted.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    unit, name : str
        Unit and name of the figures.
    rows : str
        What a figure belongs to, in the plural.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the curve; the bars have axes of their own behind it.

    Raises
    ------
    StudyError
        If neither the function nor the figures say what range to draw.

    Examples
    --------
    >>> from siteselect.suitability import Rising
    >>> ax = plot_value(Rising(100, 500), [120, 300, float("nan")], unit="acres")
    >>> print(ax.get_title(loc="left"))
    Rising(a=100, b=500)
    3 figures, 1 unknown
    """
    ax, sizes = chart_axes(ax, preset, 0, least=0.55)
    width = width_pt(ax)
    size = sizes.text_pt
    column = None if raw is None else pd.Series(raw)
    said = ""
    if getattr(value, "takes_labels", False):
        said = _draw_labels(value, column, ax, size, rows)
        unit = ""
    else:
        said = _draw_figures(value, column, ax, size, rows)
    text = clean(name)
    ax.set_xlabel(f"{text} [{unit}]" if text and unit else f"{text or unit}", size=size)
    ax.set_ylabel("value [–]", size=size, color=_CURVE)
    ax.set_ylim(_FLOOR, _CEILING)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(labelsize=size)
    ax.tick_params(axis="y", colors=_CURVE)
    if len(said) * size * 0.5 > width:
        said = said.replace(" unknown, ", " unknown,\n")
    head = "\n".join(line for line in (_kind_of(value), said) if line)
    ax.set_title(head, loc="left", fontsize=size, linespacing=1.4)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_criterion(
    criterion: Criterion,
    data: Any = None,
    ax: Axes | None = None,
    *,
    preset: str | Preset = "page",
) -> Axes:
    """Draw the value function of a criterion, and under it what it values.

    Parameters
    ----------
    criterion : Criterion
        The criterion.
    data : GeoDataFrame, Series or array-like, optional
        Candidates, scored already or to be measured now, or raw figures in the
        unit of the measurement.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the curve; the bars have axes of their own behind it.

    Raises
    ------
    LayerError
        If this is no criterion.
    StudyError
        If neither the value function nor the data say what range to draw, or there
        is no such preset.

    Examples
    --------
    >>> import siteselect as ss
    >>> size = ss.Criterion("size", ss.Column("acres"), ss.Rising(100, 500))
    >>> ss.plot_criterion(size, [120.0, 300.0, 900.0]).get_xlabel()
    'size'
    """
    if not isinstance(criterion, Criterion):
        raise LayerError(
            four_parts(
                "The chart of a criterion was asked for",
                f"found a {type(criterion).__name__}",
                "a Criterion; a page of maps of all criteria takes the scored frame",
                "plot_criterion(criteria[0], scored), or plot_criteria(scored)",
            )
        )
    if isinstance(data, gpd.GeoDataFrame):
        data = _raw_of(criterion, data)
    return plot_value(
        criterion.value,
        data,
        ax,
        unit=criterion.unit,
        name=criterion.name,
        rows="candidates",
        preset=preset,
    )


def _raw_of(criterion: Criterion, sites: gpd.GeoDataFrame) -> Any:
    """Return the figures a frame holds already, or measure them."""
    column = f"{criterion.name}_raw"
    if column not in sites.columns:
        bare = gpd.GeoDataFrame(sites.drop(columns=["score"], errors="ignore"))
        sites = score_sites(bare, [criterion])
    return sites[column]


def _draw_figures(
    value: Callable[..., Any],
    column: pd.Series[Any] | None,
    ax: Axes,
    size: float,
    rows: str,
) -> str:
    """Draw the curve and the bars; return what to say of the figures."""
    figures = np.empty(0)
    if column is not None:
        figures = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    known = figures[np.isfinite(figures)]
    low, high = _range(value, known)
    said = ""
    if column is not None:
        inside = known[(known >= low) & (known <= high)]
        bins = int(np.clip(np.ceil(2 * len(inside) ** (1 / 3)), 1, _MOST_BINS))
        edges = np.linspace(low, high, bins + 1)
        counts, _ = np.histogram(inside, edges)
        bars = _behind(ax, counts, size, rows)
        bars.stairs(counts, edges, fill=True, color=_BARS)
        n_unknown = int(np.isnan(figures).sum())
        beyond = len(figures) - n_unknown - len(inside)
        said = _counts(len(figures), n_unknown, rows, beyond)
    x = np.linspace(low, high, 2001)
    ax.plot(
        x,
        np.asarray(value(x), dtype=np.float64),
        color=_CURVE,
        linewidth=1.8 * size / 7.5,
    )
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(
        MaxNLocator(
            int(np.clip(width_pt(ax) / (5.6 * size), 2, 6)), steps=[1, 2, 2.5, 5, 10]
        )
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
    return said


def _draw_labels(
    value: Any, column: pd.Series[Any] | None, ax: Axes, size: float, rows: str
) -> str:
    """Draw a mark per label over a bar per label; return what to say."""
    listed = dict(value.values)
    said, counts = "", {}
    if column is not None:
        unknown = column.isna()
        found = column[~unknown].astype(object).value_counts(sort=False)
        counts = found.to_dict()
        said = _counts(len(column), int(unknown.sum()), rows, 0)
    shown = list(listed)[:_MOST_LABELS]
    texts = [_cut(str(label)) for label in shown]
    values = [float(listed[label]) for label in shown]
    heights = [int(counts.get(label, 0)) for label in shown]
    hidden = list(listed)[_MOST_LABELS:]
    if hidden:
        texts.append(f"{len(hidden)} more")
        values.append(np.nan)
        heights.append(sum(int(counts.get(label, 0)) for label in hidden))
    if value.other is not None:
        texts.append("other")
        values.append(float(value.other))
        heights.append(sum(int(n) for key, n in counts.items() if key not in listed))
    at = np.arange(len(texts))
    if column is not None:
        _behind(ax, np.array(heights), size, rows).bar(at, heights, 0.8, color=_BARS)
    ax.hlines(values, at - 0.4, at + 0.4, color=_CURVE, linewidth=2.2)
    ax.set_xlim(-0.6, len(texts) - 0.4)
    is_tight = max(map(len, texts)) * size * 0.6 > width_pt(ax) / len(texts)
    ax.set_xticks(
        at,
        [
            text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
            for text in texts
        ],
        rotation=35 if is_tight else 0,
        ha="right" if is_tight else "center",
        rotation_mode="anchor" if is_tight else "default",
    )
    return said


def _range(value: Callable[..., Any], known: Floats) -> tuple[float, float]:
    """Return the raw range to draw: the curve's own, widened to the data's."""
    ends: list[float] = []
    span = getattr(value, "span", None)
    if span is not None:
        margin = (span[1] - span[0]) * 0.08
        # What cannot be negative is not drawn below 0.
        is_positive = span[0] >= 0 and not (known < 0).any()
        low = span[0] - margin
        ends += [max(low, 0.0) if is_positive else low, span[1] + margin]
    if len(known):
        tails = np.quantile(known, _TAILS, method="closest_observation").tolist()
        if ends:
            # The data widens the axis, but the curve keeps half of it.
            reach = ends[1] - ends[0]
            low, high = ends[0] - reach / 2, ends[1] + reach / 2
            tails = np.clip(tails, low, high).tolist()
        ends += tails
    if not ends:
        raise StudyError(
            four_parts(
                "A value function is drawn over a range of raw figures",
                "found neither references in the function nor known figures",
                "allowed are functions with a span, or figures",
                "pass the figures: criterion.plot(scored)",
            )
        )
    low, high = min(ends), max(ends)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _behind(ax: Axes, counts: NDArray[Any], size: float, rows: str) -> Axes:
    """Return axes for bars, behind the curve and lower than it."""
    bars = ax.twinx()
    ax.set_zorder(bars.get_zorder() + 1)
    ax.patch.set_visible(False)
    top = max(int(counts.max(initial=0)), 1) / _TALLEST
    bars.set_ylim(_FLOOR / _CEILING * top, top)  # zero beside zero
    bars.set_ylabel(rows, size=size, color="0.4")
    bars.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    bars.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    bars.tick_params(labelsize=size, colors="0.4")
    bars.spines[["top", "left"]].set_visible(False)
    bars.spines["right"].set_color("0.7")
    return bars


def _cut(text: str) -> str:
    """Shorten a label that would not fit."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _counts(n: int, n_unknown: int, rows: str, beyond: int) -> str:
    """Say how many figures there are, unknown and off the axis."""
    said = f"{n:,} {rows}, {n_unknown:,} unknown"
    return said + (f", {beyond:,} off the axis" if beyond else "")


def _kind_of(value: Any) -> str:
    """Return the function with its references, as short as a title wants it."""
    if not hasattr(value, "describe"):
        return str(getattr(value, "__name__", "own function")).strip("<>")
    text = repr(value)
    return text if len(text) <= 44 else type(value).__name__
