"""Pages of small maps that share one legend and one set of notes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Transform
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.errors import StudyError, four_parts
from siteselect.reporting import furniture as pieces
from siteselect.reporting.chart_paper import part, short_lines, width_pt
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.labels import text_size
from siteselect.reporting.projection import ground_m_per_unit, north_angle_deg
from siteselect.reporting.sheet import EDGE, GAP, middle_of
from siteselect.reporting.unit_system import UnitSystem, unit_system

#: Share of a page's type size that a small map uses.
_SMALLER = 0.86
_FEWEST_PT = 6.0


@dataclass(frozen=True)
class SmallMap:
    """One map of a page.

    Parameters
    ----------
    titles : tuple of str
        What it shows, in a few words, then in fewer: the first that fits is taken.
    draw : callable
        ``draw(ax, sizes, title, furniture)`` draws it.
    tail : str
        A figure that is kept at the end of the last title where that is cut; the
        first title names it, where that fits on all maps of the page.
    """

    titles: tuple[str, ...]
    draw: Callable[[Axes, Preset, str, bool], Any]
    tail: str = ""


def map_page(
    maps: Sequence[SmallMap],
    axs: Axes | Iterable[Axes] | None,
    preset: str | Preset,
    *,
    crs: CRS,
    extent: tuple[float, float, float, float],
    units: str,
    title: str,
    subtitle: str,
    legend: Callable[[float, float, float], list[Block]],
    notes: Sequence[tuple[str, bool]],
) -> NDArray[np.object_]:
    """Draw small maps on one page, or into the caller's axes.

    Parameters
    ----------
    maps : sequence of SmallMap
        What to draw, in reading order.
    axs : Axes, iterable of Axes or None
        Axes of the caller, one a map, each of which then gets its own legend;
        None opens a page with a legend for all.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    crs : pyproj.CRS
        Projection of the maps.
    extent : tuple of float
        West, south, east, north of their ground, the same on all [map unit].
    units : {"si", "us"}
        Units of the scale bar, which stands once for all maps.
    title, subtitle : str
        Lines above the page; "" leaves one out.
    legend : callable
        ``legend(text_pt, width_pt, radius_pt)`` returns the blocks of the common
        legend; the radius is that of the largest pick of a small map.
    notes : sequence of (str, bool)
        Lines below, and whether each is bold.

    Returns
    -------
    ndarray of Axes, shape (n,)
        The axes of the maps, in their order.

    Raises
    ------
    StudyError
        If there are fewer axes than maps, or there is no such preset.
    """
    sizes = preset if isinstance(preset, Preset) else pieces.preset_named(preset)
    system = unit_system(units)
    if axs is not None:
        given = list(np.ravel(np.asarray(axs, dtype=object)))
        if len(given) < len(maps):
            raise StudyError(
                four_parts(
                    f"A page of {len(maps)} maps was asked for",
                    f"found {len(given)} axes",
                    "one a map",
                    f"plt.subplots({math.ceil(len(maps) / 3)}, 3)[1], or leave ax out",
                )
            )
        for ax, item in zip(given, maps, strict=False):
            item.draw(ax, sizes, item.titles[0], True)
        return np.array(given[: len(maps)], dtype=object)

    width = sizes.width_mm * pieces.MM
    inner = width - 2 * EDGE
    small = part(
        replace(
            sizes,
            text_pt=max(_FEWEST_PT, _SMALLER * sizes.text_pt),
            title_pt=max(_FEWEST_PT + 0.5, _SMALLER * sizes.text_pt + 0.5),
            radius_pt=0.6 * sizes.radius_pt,
        )
    )
    head = [
        pieces.text_block(text, inner, size, color=color, weight=weight, gid=gid)
        for text, size, color, weight, gid in (
            (title, sizes.title_pt, pieces.INK, "bold", "title"),
            (subtitle, sizes.text_pt + 0.5, pieces.QUIET, "normal", "subtitle"),
        )
        if text
    ]
    found: list[Axes] = []
    maps = list(maps)
    blocks, tall = pieces.flow(
        [
            *legend(sizes.text_pt, inner, small.radius_pt),
            _north_and_scale(found, crs, extent, system, sizes.text_pt, 0.16 * inner),
        ],
        inner,
    )
    foot = [
        pieces.text_block(
            line,
            inner,
            sizes.note_pt,
            color=pieces.INK if bold else pieces.QUIET,
            weight="bold" if bold else "normal",
            gid="synthetic-notice" if bold else "note",
        )
        for line, bold in notes
    ]
    above = EDGE + sum(block.height for block in head) + (GAP if head else 0)
    below = EDGE + tall + 2 * GAP + sum(block.height for block in foot)
    over = 1.2 * small.title_pt + GAP + 2 * EDGE
    west, south, east, north = extent
    shape = min(max((north - south) / (east - west), 0.4), 1.4)
    if sizes.height_mm is None:
        most = 2 if sizes.width_mm < 120 else 3 if len(maps) <= 9 else 4
        columns = min(len(maps), most)
        cell = inner / columns * shape + over
        height = above + cell * math.ceil(len(maps) / columns) + below
    else:
        height = sizes.height_mm * pieces.MM
        room = height - above - below

        def scale(columns: int) -> float:
            rows = math.ceil(len(maps) / columns)
            return min(inner / columns, (room / rows - over) / shape)

        columns = max(range(1, len(maps) + 1), key=scale)
        cell = room / math.ceil(len(maps) / columns)
    figure = plt.figure(figsize=(width / 72, height / 72))
    paper = figure.add_axes((0, 0, 1, 1), label="paper")
    paper.set_axis_off()
    points = pieces.points_of_axes(paper)
    y = height - EDGE
    for block in head:
        y -= block.height
        block.draw(paper, points, EDGE, y)
    wide = inner / columns
    # Less than `text_block` takes for a line, so that none is broken.
    title_room = 0.94 * (wide - 2 * EDGE)
    if any(item.tail and not _fits(item, title_room, small.title_pt) for item in maps):
        # Figures are named in all of the titles or in none.
        maps = [replace(m, titles=m.titles[1:]) if m.tail else m for m in maps]
    for k, item in enumerate(maps):
        row, column = divmod(k, columns)
        box = (EDGE + column * wide, height - above - (row + 1) * cell, wide, cell)
        left, bottom = box[0] / width, box[1] / height
        ax = figure.add_axes((left, bottom, box[2] / width, box[3] / height))
        name = _title_that_fits(item, title_room, small.title_pt)
        item.draw(ax, small, name, False)
        found.append(ax)
    y = below - GAP
    for placed in blocks:
        low = y - placed.top - placed.block.height
        placed.block.draw(paper, points, EDGE + placed.x, low)
    y -= tall + (GAP if tall else 0)
    for block in foot:
        y -= block.height
        block.draw(paper, points, EDGE, y)
    return np.array(found, dtype=object)


def _north_and_scale(
    maps: Sequence[Axes],
    crs: CRS,
    extent: tuple[float, float, float, float],
    units: UnitSystem,
    size: float,
    room: float,
) -> Block:
    """Return north arrow and scale bar of maps that are drawn before they are."""
    arrow = pieces.north_arrow_block(north_angle_deg(crs, *middle_of(extent)), size)
    tall = 1.3 * size + 5

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        # All maps show the same ground at the same scale.
        scale = float(np.ptp(maps[0].get_xlim())) / width_pt(maps[0])
        meters = ground_m_per_unit(crs, *middle_of(extent), 20 * scale)
        bar = pieces.scale_bar_block(meters, scale, size, room, units)
        # A bar is as long as its axes say, wherever it stands.
        bar.draw(maps[0], points, x, y)

    return pieces.side_by_side(arrow, Block(room, tall, draw))


def _fits(item: SmallMap, width: float, size: float) -> bool:
    """Tell whether the longest title fits."""
    return text_size(item.titles[0], size, "bold")[0] <= width


def _title_that_fits(item: SmallMap, width: float, size: float) -> str:
    """Return the first title that fits, or what fits of the last before its tail."""
    for title in item.titles:
        if text_size(title, size, "bold")[0] <= width:
            return title
    room = width - text_size(item.tail, size, "bold")[0]
    head = item.titles[-1].removesuffix(item.tail)
    return short_lines(head, room, size, most=1, weight="bold") + item.tail


__all__ = ["SmallMap", "map_page"]
