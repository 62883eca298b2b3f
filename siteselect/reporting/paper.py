"""Paper: print presets, blocks laid into rows, and lines of text on it.

All lengths are points of paper, so that a page, a column and a slide are laid out
by the same rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.patheffects as effects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.reporting.fonts import families_for, quiet_glyphs
from siteselect.reporting.labels import wrap
from siteselect.reporting.palette import INK

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
    most_mm : float
        Most height of a map whose height follows the extent [mm].
    """

    name: str
    width_mm: float
    height_mm: float | None
    text_pt: float
    title_pt: float
    note_pt: float
    radius_pt: float
    most_mm: float = math.inf

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
    they would become outlines, as they do where the picture is of pixels.

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
        families = families_for(self.get_text())
        if families:
            self.set_fontfamily(families)

    def get_window_extent(self, renderer: Any = None, dpi: Any = None) -> Any:
        """Return the box of the line as it is drawn."""
        with quiet_glyphs(), self._fitted(renderer, dpi):
            return super().get_window_extent(renderer, dpi)

    def draw(self, renderer: Any) -> None:
        """Draw the halo and the line, smaller where it would leave its room."""
        with quiet_glyphs(), self._fitted(renderer):
            if not self._halo_pt:
                super().draw(renderer)
                return
            outline = effects.Stroke(linewidth=self._halo_pt, foreground="white")
            # Pixels: letters of a font stand elsewhere than the outlines of a path.
            is_pixels = isinstance(renderer, RendererAgg)
            self.set_path_effects(
                [outline, effects.Normal()] if is_pixels else [outline]
            )
            super().draw(renderer)
            self.set_path_effects([])
            if not is_pixels:
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
