"""What stands around a map: legends, scale bar, north arrow, notes.

Each piece is a `Block` with a size in points of paper, so that a page, a
column and a slide are laid out by the same rule: blocks flow into rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, Transform
from matplotlib_scalebar.scalebar import ScaleBar

from siteselect.reporting.labels import text_size
from siteselect.reporting.palette import (
    BORDER,
    EXCLUDED,
    GROUND,
    INK,
    PICK,
    QUIET,
    SUITABILITY,
    UNKNOWN,
    WATER,
)
from siteselect.reporting.paper import (
    MM,
    PRESETS,
    Block,
    Placed,
    Preset,
    flow,
    points_of_axes,
    preset_named,
    text_block,
    write_text,
)
from siteselect.reporting.unit_system import UnitSystem


def nice_length(longest: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not longer.

    Examples
    --------
    >>> from siteselect.reporting.furniture import nice_length
    >>> nice_length(732), nice_length(0.31)
    (500.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(longest))
    step = max(m for m in (1.0, 2.0, 5.0) if m * power <= longest * (1 + 1e-9))
    return float(f"{step * power:.6g}")


def scale_bar_block(
    meters_per_unit: float,
    units_per_point: float,
    size: float,
    room: float,
    units: UnitSystem,
) -> Block:
    """Return a scale bar, true on the ground at the map's center.

    Parameters
    ----------
    meters_per_unit : float
        Ground meters per map unit at the center [m].
    units_per_point : float
        Map units per point of paper.
    size : float
        Type size [pt].
    room : float
        Longest bar [pt].
    units : UnitSystem
        Kilometers and meters, or miles and feet.
    """
    # Ground per map unit, in the length that the bar is said in.
    unit, per_unit = units.length, meters_per_unit / 1000 * units.per_km
    value = nice_length(room * units_per_point * per_unit)
    if value < 1:
        unit, per_unit = units.shorter, per_unit * units.parts
        value = nice_length(room * units_per_point * per_unit)
    bar_pt = value / per_unit / units_per_point

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        low, high = ax.get_ylim()
        bar = ScaleBar(
            per_unit,
            unit,
            dimension="imperial-length" if units.name == "us" else "si-length",
            fixed_value=int(value) if value == round(value) else value,
            fixed_units=unit,
            location="lower left",
            bbox_to_anchor=(x, y),
            bbox_transform=points,
            pad=0,
            border_pad=0,
            sep=2,
            frameon=False,
            color=INK,
            width_fraction=1.6 * units_per_point / abs(high - low),
            font_properties={"size": size},
            scale_formatter=lambda value, unit: f"{value:,} {unit}",
            rotation="horizontal-only",
        )
        bar.set_gid("scale-bar")
        bar.set_zorder(20)
        bar.set_clip_on(False)
        ax.add_artist(bar)

    label = text_size(f"{value:,g} {unit}", size)[0]
    return Block(max(bar_pt, label), 1.3 * size + 5, draw)


def north_arrow_block(angle_deg: float, size: float) -> Block:
    """Return an arrow to true north at the map's center.

    Parameters
    ----------
    angle_deg : float
        Direction of north, clockwise from up [degree].
    size : float
        Type size [pt].
    """
    tall = 2.1 * size
    wide = 0.9 * size

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        turn = (
            Affine2D().rotate_deg_around(0, tall / 2, -angle_deg).translate(x + wide, y)
        )
        for sign, color in ((-1, INK), (1, "white")):
            half = Polygon(
                [(0, tall), (sign * wide / 2, 0), (0, tall * 0.22)],
                closed=True,
                transform=turn + points,
                facecolor=color,
                edgecolor=INK,
                linewidth=0.6,
                clip_on=False,
                zorder=20,
                gid="north-arrow",
            )
            ax.add_patch(half)
        radians = math.radians(angle_deg)
        reach = tall / 2 + 0.6 * size
        write_text(
            ax,
            points,
            x + wide + reach * math.sin(radians),
            y + tall / 2 + reach * math.cos(radians),
            "N",
            size,
            weight="bold",
            gid="north",
            ha="center",
            va="center",
        )

    return Block(2 * wide, tall + 1.3 * size, draw)


def side_by_side(left: Block, right: Block, gap: float = 6.0) -> Block:
    """Return two blocks as one, so that they stay in one row."""

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        left.draw(ax, points, x, y)
        right.draw(ax, points, x + left.width + gap, y + 2)

    return Block(
        left.width + gap + right.width, max(left.height, right.height + 2), draw
    )


def legend_megawatts(megawatts: Sequence[float]) -> list[float]:
    """Choose the sizes that a legend shows.

    Three distinct sizes or fewer are shown as they are; otherwise round
    values that span them.

    Examples
    --------
    >>> from siteselect.reporting.furniture import legend_megawatts
    >>> legend_megawatts([300, 100, 300])
    [100.0, 300.0]
    >>> legend_megawatts([90, 120, 310, 480, 990])
    [100.0, 500.0, 1000.0]
    """
    known = np.asarray(megawatts, dtype=float)
    known = known[np.isfinite(known) & (known > 0)]
    distinct = np.unique(np.round(known, 1))
    if len(distinct) <= 3:
        return [float(v) for v in distinct]
    top = float(distinct[-1])
    power = 10.0 ** math.floor(math.log10(top))
    high = next(m * power for m in (1, 1.5, 2, 3, 4, 5, 7.5, 10) if m * power >= top)
    low = nice_length(max(float(distinct[0]), high / 20))
    if low < float(distinct[0]) * 0.99:
        low = next(
            (v for v in (2 * low, 2.5 * low) if v >= float(distinct[0]) * 0.99), low
        )
    middle = nice_length(max((low + high) / 2, low))
    return sorted({float(low), float(middle), float(high)})


def size_legend_block(
    megawatts: Sequence[float],
    radius_of: Callable[[float], float],
    size: float,
    heading: str,
) -> Block:
    """Return circles with their megawatts.

    Parameters
    ----------
    megawatts : sequence of float
        The sizes to show [MW].
    radius_of : callable
        Radius of a pick [pt] of so many megawatts.
    size : float
        Type size [pt].
    heading : str
        What the circles mean.
    """
    labels = [f"{mw:,.4g} MW" if mw < 1000 else f"{mw:,.0f} MW" for mw in megawatts]
    radii = [radius_of(mw) for mw in megawatts]
    tallest = max(2 * max(radii), 1.2 * size)
    gaps = 4.0
    widths = [
        2 * r + gaps + text_size(label, size)[0]
        for r, label in zip(radii, labels, strict=True)
    ]
    total = sum(widths) + 9.0 * (len(widths) - 1)
    width = max(total, text_size(heading, size, "bold")[0])

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        top = y + tallest + 4
        write_text(ax, points, x, top, heading, size, weight="bold", gid="heading")
        middle = y + tallest / 2
        left = x
        for mw, r, label, wide in zip(megawatts, radii, labels, widths, strict=True):
            circle = Circle(
                (left + r, middle),
                r,
                transform=points,
                facecolor=PICK,
                edgecolor="white",
                linewidth=0.7,
                clip_on=False,
                zorder=20,
                gid="size-legend",
            )
            circle.set_label(f"{mw:g}")
            ax.add_patch(circle)
            write_text(
                ax,
                points,
                left + 2 * r + gaps,
                middle,
                label,
                size,
                gid="size-label",
                va="center_baseline",
            )
            left += wide + 9.0

    return Block(width, tallest + 4 + 1.2 * size, draw)


def color_bar_block(
    norm: Normalize,
    colors: Colormap,
    size: float,
    heading: str,
    *,
    extend: str = "neither",
    length: float = 130.0,
    counts: bool = False,
) -> Block:
    """Return a horizontal colour bar with its heading.

    Parameters
    ----------
    norm : Normalize
        Range of the values.
    colors : Colormap
        The colours.
    size : float
        Type size [pt].
    heading : str
        What the colours mean, with the unit.
    extend : str
        "neither", "min", "max" or "both": ends that hold more extreme values.
    length : float
        Length of the bar [pt].
    counts : bool
        Whether the values are whole, so that the ticks are too.
    """
    width = max(length, text_size(heading, size, "bold")[0])
    thick = 0.95 * size

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        base = y + 1.35 * size
        write_text(
            ax, points, x, base + thick + 4, heading, size, weight="bold", gid="heading"
        )
        inset = ax.inset_axes((x, base, length, thick), transform=points, zorder=20)
        inset.set_gid("color-bar")
        bar = ax.figure.colorbar(
            ScalarMappable(norm, colors),
            cax=inset,
            orientation="horizontal",
            extend=extend,
            extendfrac=0.06,
            ticks=_ticks(norm, length, size, counts),
        )
        # A tick at the very edge must not be cut off by the page.
        if extend in ("neither", "max") and norm.vmin == bar.get_ticks()[0]:
            bar.ax.get_xticklabels()[0].set_horizontalalignment("left")
        bar.ax.tick_params(labelsize=size, length=2, width=0.5, pad=1.5, color=INK)
        bar.outline.set_linewidth(0.4)

    return Block(width, thick + 4 + 2.55 * size, draw)


def _ticks(norm: Normalize, length: float, size: float, counts: bool) -> MaxNLocator:
    """Return a locator of as many ticks as have room beside each other."""
    low, high = float(norm.vmin or 0), float(norm.vmax or 0)
    for most in (5, 4, 3, 2, 1):
        locator = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], integer=counts)
        ticks = [v for v in locator.tick_values(low, high) if low <= v <= high]
        digits = max((len(f"{v:.10g}") for v in ticks), default=1)
        # The outer ones are moved inward, so that each needs twice its room.
        if 1.8 * text_size("0" * digits, size)[0] * len(ticks) <= length:
            break
    return locator


def kinds_block(entries: Sequence[tuple[str, str, str]], size: float) -> Block:
    """Return a circle of each kind of place with its meaning, one a line.

    Parameters
    ----------
    entries : sequence of (face, edge, label)
        From top to bottom; a white edge is drawn in the colour of the face.
    size : float
        Type size [pt].
    """
    step, radius = 1.45 * size, 0.42 * size
    widest = max((text_size(said, size)[0] for *_, said in entries), default=0.0)

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        for i, (face, edge, said) in enumerate(entries):
            low = y + step * (len(entries) - 1 - i)
            ax.add_patch(
                Circle(
                    (x + radius, low + 0.45 * size),
                    radius,
                    transform=points,
                    facecolor=face,
                    edgecolor=face if edge == "#ffffff" else edge,
                    linewidth=1.1,
                    clip_on=False,
                    zorder=20,
                    gid="kind",
                )
            )
            write_text(
                ax,
                points,
                x + 2 * radius + 4,
                low + 0.12 * size,
                said,
                size,
                gid="kind-label",
            )

    return Block(2 * radius + 4 + widest, step * len(entries), draw)


def swatch_block(entries: Sequence[tuple[str, str]], size: float) -> Block:
    """Return coloured squares with their meaning, one a line.

    Parameters
    ----------
    entries : sequence of (color, label)
        From top to bottom.
    size : float
        Type size [pt].
    """
    step = 1.45 * size
    side = 0.95 * size
    width = side + 4 + max(text_size(label, size)[0] for _, label in entries)

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        for i, (color, label) in enumerate(entries):
            low = y + step * (len(entries) - 1 - i)
            ax.add_patch(
                Rectangle(
                    (x, low),
                    side,
                    side,
                    transform=points,
                    facecolor=color,
                    edgecolor=BORDER,
                    linewidth=0.4,
                    clip_on=False,
                    zorder=20,
                    gid="swatch",
                )
            )
            write_text(
                ax,
                points,
                x + side + 4,
                low + 0.12 * size,
                label,
                size,
                gid="swatch-label",
            )

    return Block(width, step * len(entries), draw)


__all__ = [
    "BORDER",
    "EXCLUDED",
    "GROUND",
    "INK",
    "MM",
    "PICK",
    "PRESETS",
    "QUIET",
    "SUITABILITY",
    "UNKNOWN",
    "WATER",
    "Block",
    "Placed",
    "Preset",
    "color_bar_block",
    "flow",
    "kinds_block",
    "legend_megawatts",
    "nice_length",
    "north_arrow_block",
    "points_of_axes",
    "preset_named",
    "scale_bar_block",
    "side_by_side",
    "size_legend_block",
    "swatch_block",
    "text_block",
    "write_text",
]
