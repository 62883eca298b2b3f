"""The paper of one chart: the presets of the maps, for axes with ticks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siteselect.errors import check_given
from siteselect.reporting import furniture as pieces
from siteselect.reporting.furniture import Preset
from siteselect.reporting.labels import text_size, wrap

#: Share of the smallest type kept in small axes of a caller.
_LEAST = 0.8


def chart_axes(
    ax: Axes | None, preset: str | Preset, lines: float, *, least: float = 0.0
) -> tuple[Axes, Preset]:
    """Return axes to draw a chart into, and the type sizes that go with them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes of the caller; None opens a figure as wide as the preset says.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    lines : float
        Height of the figure where the preset leaves it open [lines of text].
    least : float
        Least height of the figure as a share of its width [-].

    Returns
    -------
    tuple of Axes and Preset
        The axes, and the sizes; smaller where the caller's axes are small.

    Raises
    ------
    StudyError
        If there is no such preset.

    Examples
    --------
    >>> ax, sizes = chart_axes(None, "column", lines=20)
    >>> round(float(ax.figure.get_figwidth() * 25.4)), sizes.text_pt
    (85, 7)
    >>> plt.close(ax.figure)
    """
    sizes = preset if isinstance(preset, Preset) else pieces.preset_named(preset)
    if ax is not None:
        check_given(
            ax,
            ("get_window_extent",),
            "A chart was asked for",
            "axes",
            "plt.subplots()[1]",
        )
        width = width_pt(ax) / (sizes.width_mm * pieces.MM)
        if sizes.name == "page":
            sizes = sizes.scaled(min(1.0, max(width, _LEAST)))
        return ax, sizes
    width = sizes.width_mm * pieces.MM
    height = max(lines * 1.25 * sizes.text_pt, least * width)
    if sizes.height_mm is not None:
        height = sizes.height_mm * pieces.MM
    figure = plt.figure(figsize=(width / 72, height / 72), layout="constrained")
    pad = 5 / 72
    figure.get_layout_engine().set(w_pad=pad, h_pad=pad)  # type: ignore[union-attr,call-arg]
    return figure.add_subplot(), sizes


def figure_of_axes(ax: Axes) -> Figure:
    """Return the figure that holds the axes, however deep."""
    figure: Any = ax.get_figure(root=True)
    return figure  # type: ignore[no-any-return]


def width_pt(ax: Axes) -> float:
    """Return the width of the axes as they stand [pt]."""
    return float(ax.get_window_extent().width * 72 / figure_of_axes(ax).dpi)


def height_pt(ax: Axes) -> float:
    """Return the height of the axes as they stand [pt]."""
    return float(ax.get_window_extent().height * 72 / figure_of_axes(ax).dpi)


def laid_out_width_pt(ax: Axes) -> float:
    """Return the width of the axes after the labels took their room [pt]."""
    figure_of_axes(ax).draw_without_rendering()
    return width_pt(ax)


def write_title(ax: Axes, title: str, sizes: Preset, note: str = "") -> None:
    """Write a title over the axes, with a quiet line under it, both wrapped.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, with its tick labels in place.
    title : str
        What is shown; "" for none.
    sizes : Preset
        Type sizes.
    note : str
        A line in smaller type between title and axes.
    """
    if not title and not note:
        return
    width = laid_out_width_pt(ax)
    # Renderers round glyphs to pixels: a line may come out some percent wider.
    head = wrap(title, 0.94 * width, sizes.title_pt, "bold")
    rest = wrap(note, 0.94 * width, sizes.text_pt)
    if rest:
        ax.annotate(
            "\n".join(rest),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            fontsize=sizes.text_pt,
            color=pieces.QUIET,
            va="bottom",
            linespacing=1.25,
            gid="subtitle",
            parse_math=False,
        )
    ax.set_title(
        "\n".join(head),
        loc="left",
        fontsize=sizes.title_pt,
        fontweight="bold",
        color=pieces.INK,
        # The tails of the title's letters keep clear of the line under it.
        pad=6 + 1.25 * sizes.text_pt * len(rest) + 0.3 * sizes.title_pt * bool(rest),
        gid="title",
        parse_math=False,
    )


def plain_axes(ax: Axes, sizes: Preset, *, values: str = "x") -> None:
    """Leave only what carries meaning: the axis of values with a light grid.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    sizes : Preset
        Type sizes.
    values : {"x", "y"}
        Which axis holds figures; the other holds names.
    """
    ax.grid(axis="x" if values == "x" else "y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left" if values == "x" else "bottom"]].set_visible(
        False
    )
    ax.tick_params(labelsize=sizes.text_pt, colors=pieces.INK)
    ax.tick_params(axis="y" if values == "x" else "x", length=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(sizes.text_pt)
    axis = ax.xaxis if values == "x" else ax.yaxis
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))


def short_lines(
    text: str, width: float, size: float, most: int = 2, weight: str = "normal"
) -> str:
    """Return a name broken to a width of paper, cut after so many lines.

    Examples
    --------
    >>> short_lines("a name that goes on and on", 60, 7.5, most=1)
    'a name that…'
    """
    lines = wrap(text, width, size, weight)
    if len(lines) > most:
        last = " ".join(lines[most - 1 :])
        while last and text_size(last + "…", size, weight)[0] > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last.rstrip() + "…"]
    return "\n".join(lines)


def part(sizes: Preset) -> Preset:
    """Return sizes that small axes of a page do not scale again."""
    return replace(sizes, name="part")


__all__ = [
    "chart_axes",
    "figure_of_axes",
    "height_pt",
    "laid_out_width_pt",
    "part",
    "plain_axes",
    "short_lines",
    "width_pt",
    "write_title",
]
