"""What stands around a map: legends, scale bar, north arrow, notes.

Each piece is a `Block` with a size in points of paper, so that a page, a
column and a slide are laid out by the same rule: blocks flow into rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform
from matplotlib_scalebar.scalebar import ScaleBar

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.reporting.labels import text_size, wrap

INK = "#222222"
QUIET = "#555555"
PICK = "#d55e00"
GROUND = "#f6f5f2"
WATER = "#ffffff"
BORDER = "#7d7d7d"
EXCLUDED = "#cacade"
UNKNOWN = "#e6d6da"
MM = 72 / 25.4
#: A line may reach into the margin by so much before it is written smaller [pt].
_SPILL = 3.0


@dataclass(frozen=True)
class Preset:
    """Sizes of one kind of print.

    Parameters
    ----------
    name : str
        How a caller asks for it.
    width_mm : float
        Width of the figure [mm].
    height_mm : float or None
        Height of the figure [mm]; None follows the extent.
    text_pt, title_pt, note_pt : float
        Type sizes [pt].
    radius_pt : float
        Radius of the largest pick [pt].
    """

    name: str
    width_mm: float
    height_mm: float | None
    text_pt: float
    title_pt: float
    note_pt: float
    radius_pt: float

    def scaled(self, factor: float) -> Preset:
        """Return the preset with larger or smaller type and symbols."""
        return replace(
            self,
            text_pt=self.text_pt * factor,
            title_pt=self.title_pt * factor,
            note_pt=self.note_pt * factor,
            radius_pt=self.radius_pt * factor,
        )


PRESETS: dict[str, Preset] = {
    "page": Preset("page", 180, None, 7.5, 11, 7, 8.5),
    "column": Preset("column", 85, None, 7, 9, 7, 6),
    "slide": Preset("slide", 338.67, 190.5, 14, 22, 11, 16),
    "a3": Preset("a3", 420, 297, 10, 18, 8.5, 14),
}


def preset_named(name: str) -> Preset:
    """Return a print preset.

    Parameters
    ----------
    name : str
        "page" (180 mm), "column" (85 mm), "slide" (16:9) or "a3".

    Returns
    -------
    Preset
        Its sizes.

    Raises
    ------
    StudyError
        If there is no such preset.
    """
    if name not in PRESETS:
        raise StudyError(
            four_parts(
                f"A map was asked for with preset={name!r}",
                "there is no such preset",
                f"one of {shown(PRESETS)}",
                f'Use preset="page".{nearest_name(str(name), PRESETS)}',
            )
        )
    return PRESETS[name]


def _suitability_colors() -> Colormap:
    """Build light-to-dark blue-green: its lightness falls steadily, in any eye."""
    stops = ["#f4fbd0", "#c9e8b4", "#84cdbb", "#41a9c4", "#2177b3", "#24409a"]
    return LinearSegmentedColormap.from_list("siteselect", stops, N=256)


SUITABILITY = _suitability_colors()


@dataclass(frozen=True)
class Block:
    """A piece of furniture with its size on paper.

    Parameters
    ----------
    width, height : float
        Size [pt].
    draw : callable
        ``draw(ax, points, x, y)`` with the lower-left corner [pt].
    """

    width: float
    height: float
    draw: Callable[[Axes, Transform, float, float], None]


@dataclass(frozen=True)
class Placed:
    """A block and its place below the top of a strip [pt]."""

    block: Block
    x: float
    top: float


def points_of_axes(ax: Axes) -> Transform:
    """Return the transform from points of paper, from the axes' lower-left corner."""
    return (
        Affine2D().scale(1 / 72)
        + ax.figure.dpi_scale_trans
        + ScaledTranslation(0, 0, ax.transAxes)  # type: ignore[arg-type]
    )


def flow(
    blocks: Sequence[Block], width: float, *, gap: float = 16.0, row_gap: float = 7.0
) -> tuple[list[Placed], float]:
    """Lay blocks into rows no wider than ``width``.

    Parameters
    ----------
    blocks : sequence of Block
        In reading order.
    width : float
        Room [pt].
    gap, row_gap : float
        Least room between blocks and between rows [pt].

    Returns
    -------
    tuple
        The placed blocks and the height they need [pt].
    """
    placed: list[Placed] = []
    row: list[Block] = []
    top = 0.0

    def close(row: list[Block], top: float) -> float:
        x = 0.0
        for block in row:
            placed.append(Placed(block, x, top))
            x += block.width + gap
        return top + max(block.height for block in row)

    used = 0.0
    for block in blocks:
        need = block.width if not row else used + gap + block.width
        if row and need > width:
            top = close(row, top) + row_gap
            row, used = [], 0.0
            need = block.width
        row.append(block)
        used = need
    if row:
        top = close(row, top)
    return placed, top


class PaperText(Text):
    """A line that stays within its room, and legible on colour.

    Renderers round glyphs to pixels, so that the same line is some percent wider
    at a low resolution; there it is written that much smaller. A halo is drawn
    under the letters, which stay letters in SVG and PDF; by path effects alone
    they would become outlines.

    Parameters
    ----------
    room_pt : float
        The line is never wider than that [pt].
    halo_pt : float
        Width of a white outline [pt]; 0 for none.
    """

    def __init__(
        self,
        *args: Any,
        room_pt: float = math.inf,
        halo_pt: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._room_pt = room_pt
        self._halo_pt = halo_pt

    def get_window_extent(self, renderer: Any = None, dpi: Any = None) -> Any:
        """Return the box of the line as it is drawn."""
        with self._fitted(renderer, dpi):
            return super().get_window_extent(renderer, dpi)

    def draw(self, renderer: Any) -> None:
        """Draw the halo and the line, smaller where it would leave its room."""
        with self._fitted(renderer):
            if self._halo_pt:
                outline = effects.Stroke(linewidth=self._halo_pt, foreground="white")
                self.set_path_effects([outline])
                super().draw(renderer)
                self.set_path_effects([])
            super().draw(renderer)

    @contextmanager
    def _fitted(self, renderer: Any = None, dpi: Any = None) -> Iterator[None]:
        figure = self.get_figure(root=True)
        font = self.get_fontproperties()
        size = font.get_size_in_points()
        is_busy = getattr(self, "_is_fitting", False)
        if figure is None or is_busy or not math.isfinite(self._room_pt):
            yield
            return
        self._is_fitting = True
        try:
            # Rounding is in steps: one correction may not be enough.
            for _ in range(4):
                box = super().get_window_extent(renderer, dpi)
                width = box.width * 72 / (figure.dpi if dpi is None else dpi)
                if width <= self._room_pt:
                    break
                # Not through the text itself, which would ask to be drawn again.
                font.set_size(font.get_size_in_points() * self._room_pt / width)
            yield
        finally:
            font.set_size(size)
            self._is_fitting = False


def write_text(
    ax: Axes,
    points: Transform,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    color: str = INK,
    weight: str = "normal",
    gid: str = "note",
    ha: str = "left",
    va: str = "baseline",
    room_pt: float = math.inf,
    halo_pt: float = 0.0,
) -> Text:
    """Write one line at a point of paper; a dollar sign stays a dollar sign.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to write into.
    points : Transform
        From ``x`` and ``y`` to the page, such as `points_of_axes`.
    x, y : float
        Where it stands.
    text : str
        What is written.
    size : float
        Type size [pt].
    color, weight, gid, ha, va : str
        Colour, weight, name and alignment.
    room_pt : float
        The line is never wider than that, at any resolution [pt].
    halo_pt : float
        Width of a white outline that keeps it legible on colour [pt].

    Returns
    -------
    matplotlib.text.Text
        The line.
    """
    line = PaperText(
        x,
        y,
        text,
        room_pt=room_pt,
        halo_pt=halo_pt,
        transform=points,
        fontsize=size,
        color=color,
        fontweight=weight,
        ha=ha,
        va=va,
        gid=gid,
        clip_on=False,
        parse_math=False,
        zorder=20,
    )
    ax.add_artist(line)
    line.set_clip_path(None)
    return line


def text_block(
    text: str,
    width: float,
    size: float,
    *,
    color: str = INK,
    weight: str = "normal",
    gid: str = "note",
) -> Block:
    """Return a paragraph broken to a width."""
    # Renderers round glyphs to pixels: a line may come out some percent wider.
    lines = wrap(text, 0.95 * width, size, weight)
    step = 1.25 * size

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        for i, line in enumerate(lines):
            up = y + step * (len(lines) - 1 - i) + 0.28 * size
            write_text(
                ax,
                points,
                x,
                up,
                line,
                size,
                color=color,
                weight=weight,
                gid=gid,
                room_pt=width + _SPILL,
            )

    return Block(width, step * len(lines), draw)


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
    meters_per_unit: float, units_per_point: float, size: float, room: float
) -> Block:
    """Return a scale bar in kilometers, true on the ground at the map's center.

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
    """
    longest_km = room * units_per_point * meters_per_unit / 1000
    length_km = nice_length(longest_km)
    unit = "km" if length_km >= 1 else "m"
    value = length_km if unit == "km" else length_km * 1000
    bar_pt = length_km * 1000 / meters_per_unit / units_per_point

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        low, high = ax.get_ylim()
        bar = ScaleBar(
            meters_per_unit,
            "m",
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
            scale_formatter=lambda value, unit: f"{value} {unit}",
            rotation="horizontal-only",
        )
        bar.set_gid("scale-bar")
        bar.set_zorder(20)
        bar.set_clip_on(False)
        ax.add_artist(bar)

    label = text_size(f"{value:g} {unit}", size)[0]
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
