"""How one map is laid out: title, map, legends and notes on the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from pyproj import CRS

from siteselect.errors import LayerError, check_given, four_parts, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.fonts import warn_of_letters
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.map_layers import (
    Base,
    as_base,
    surface_of,
    touches_states,
)
from siteselect.reporting.map_scene import (
    Overlay,
    Scene,
    draw_scene,
    inset_of,
    letter,
)
from siteselect.reporting.not_checked import not_checked_line
from siteselect.reporting.picks import Marks, MwScale
from siteselect.reporting.plan_like import SYNTHETIC_NOTICE, noun, source_lines
from siteselect.reporting.projection import (
    crs_name,
    ground_m_per_unit,
    lonlat_bounds,
    map_crs,
    named_crs,
    north_angle_deg,
)
from siteselect.reporting.sheet import (
    EDGE,
    GAP,
    Sheet,
    extent_of,
    fit_sheet,
    middle_of,
)
from siteselect.reporting.unit_system import unit_system

Extent: TypeAlias = tuple[float, float, float, float]
#: The paper, the blocks of its strip and their height.
LaidOut: TypeAlias = tuple[Sheet, list[pieces.Placed], float]
#: More room on one side of the ground, for an inset, as shares of its size.
_MORE_ROOM = (0.12, 0.2, 0.28, 0.36)
#: An inset that hides so much of the ground hides nothing [-].
_HIDDEN = 0.002
#: More room makes the map that much smaller at most.
_SMALLER = 1.3


def new_axes(width: float, height: float) -> Axes:
    """Return axes that fill a new pyplot figure of so many points."""
    figure = plt.figure(figsize=(width / 72, height / 72))
    return figure.add_axes((0, 0, 1, 1))


def size_on_paper(ax: Axes) -> tuple[float, float]:
    """Return the size of the axes on paper [pt]."""
    check_given(
        ax,
        ("get_position", "get_figure"),
        "A map was asked for",
        "axes to draw it into",
        "plan.plot(ax=plt.subplots()[1])",
    )
    box = ax.get_position()
    figure = ax.get_figure(root=False)
    assert figure is not None
    bbox = figure.bbox
    dpi = figure.dpi
    return float(box.width * bbox.width / dpi * 72), float(
        box.height * bbox.height / dpi * 72
    )


def preset_for(preset: str | Preset, ax: Axes | None) -> Preset:
    """Return the sizes to draw with, smaller in small axes of the caller."""
    chosen = preset if isinstance(preset, Preset) else pieces.preset_named(preset)
    if ax is None or chosen.name != "page":
        return chosen
    # Axes given by the caller may be small: smaller symbols, type still legible.
    width = size_on_paper(ax)[0]
    factor = min(1.0, max(width / (chosen.width_mm * pieces.MM), 0.8))
    return chosen.scaled(factor)


def check_frame(frame: gpd.GeoDataFrame, column: str | None, what: str) -> None:
    """Refuse what is no frame, or has no such column."""
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                f"{what} was asked for",
                f"the frame is a {type(frame).__name__}",
                "a GeoDataFrame",
                "Pass what score_sites or optimize_sites returned",
            )
        )
    if column is not None and column not in frame.columns:
        raise LayerError(
            four_parts(
                f"{what} colored by {column!r}",
                f"the frame has {shown(frame.columns)}",
                "a column of numbers",
                "Call score_sites first, or name another column",
            )
        )


def compose(
    *,
    frame: gpd.GeoDataFrame,
    picks: gpd.GeoDataFrame | None,
    ax: Axes | None,
    base: Base,
    preset: str | Preset,
    title: str,
    subtitle: str,
    synthetic: bool,
    furniture: bool,
    crs: CRS,
    notes: Sequence[str],
    units: str,
    column: str | None = None,
    heading: str = "",
    labels: bool = False,
    overlay: Overlay | None = None,
    marks: Marks | None = None,
    span: tuple[float, float] | None = None,
    scale: MwScale | None = None,
    inset: bool = True,
) -> Axes:
    """Lay out and draw one map; maps that are compared share the ``scale``."""
    system = unit_system(units)
    sizes = preset_for(preset, ax)
    text, note = sizes.text_pt, sizes.note_pt
    frames = [f for f in (frame, picks) if f is not None]
    if overlay is not None:
        frames.append(overlay.frame)
    bounds = lonlat_bounds(*frames)
    ground = as_base(base, bounds)
    drawn_base = ground if isinstance(ground, gpd.GeoDataFrame) else None
    extent = extent_of(frames, drawn_base, crs)
    if ax is None:
        width = sizes.width_mm * pieces.MM
        height = None if sizes.height_mm is None else sizes.height_mm * pieces.MM
    else:
        width, height = size_on_paper(ax)
    inner = width - 2 * EDGE
    most = sizes.most_mm * pieces.MM

    head: list[Block] = []
    if title:
        head.append(
            pieces.text_block(title, inner, sizes.title_pt, weight="bold", gid="title")
        )
    if subtitle:
        head.append(
            pieces.text_block(
                subtitle, inner, text + 0.5, color=pieces.QUIET, gid="subtitle"
            )
        )
    above = sum(block.height for block in head) + (GAP if head else 0)

    surface = surface_of(frame, column, span) if column is not None else None
    megawatts = (
        picks["mw"].to_numpy(dtype=float)
        if picks is not None and "mw" in picks.columns
        else np.empty(0)
    )
    circles = scale or MwScale.of(list(megawatts), len(megawatts))

    def radius_of(mw: float) -> float:
        return circles.radius_pt(mw, sizes.radius_pt)

    legend: list[Block] = []
    if furniture:
        if circles.shown_mw:
            word = noun(frame, 2)
            legend.append(
                pieces.size_legend_block(
                    circles.shown_mw, radius_of, text, f"Chosen {word}, facility power"
                )
            )
        if surface is not None and surface.is_known.any():
            legend.append(
                pieces.color_bar_block(
                    surface.norm,
                    pieces.SUITABILITY,
                    text,
                    heading,
                    extend=surface.extend,
                    length=min(17.5 * text, inner),
                    counts=surface.are_counts,
                )
            )
        neutral = []
        if surface is not None and surface.is_excluded.any():
            n = int(surface.is_excluded.sum())
            neutral.append((pieces.EXCLUDED, f"excluded ({n:,})"))
        if surface is not None and surface.is_unknown.any():
            n = int(surface.is_unknown.sum())
            neutral.append((pieces.UNKNOWN, f"not known ({n:,})"))
        if neutral:
            legend.append(pieces.swatch_block(neutral, text))
        if marks is not None:
            legend += marks.legend(text, inner)
        if overlay is not None:
            legend += overlay.legend(text, inner)

    paragraphs: list[Block] = []
    if synthetic:
        paragraphs.append(
            pieces.text_block(
                SYNTHETIC_NOTICE, inner, note, weight="bold", gid="synthetic-notice"
            )
        )
    if furniture:
        for line in notes:
            paragraphs.append(
                pieces.text_block(line, inner, note, color=pieces.QUIET, gid="note")
            )
    low_notes = sum(block.height for block in paragraphs)

    def strip(scale: float) -> tuple[list[Block], list[pieces.Placed], float]:
        every = list(legend)
        if furniture:
            m = ground_m_per_unit(crs, *middle_of(extent), 20 * scale)
            angle = north_angle_deg(crs, *middle_of(extent))
            arrow = pieces.north_arrow_block(angle, text)
            bar = pieces.scale_bar_block(m, scale, text, 0.16 * inner, system)
            every.append(pieces.side_by_side(arrow, bar))
        placed, tall = pieces.flow(every, inner)
        return every, placed, tall

    def laid_out(extent: Extent) -> LaidOut:
        # The strip's height sets the map's scale, and the scale the bar's length:
        # two rounds settle it, because only the bar's width can change the rows.
        tall = 0.0
        placed: list[pieces.Placed] = []
        sheet = fit_sheet(extent, crs, width, height, above, low_notes + GAP, most)
        for _ in range(3):
            _, placed, tall = strip(sheet.units_per_point)
            below = low_notes + tall + (GAP if tall else 0) + (GAP if low_notes else 0)
            sheet = fit_sheet(extent, crs, width, height, above, below, most)
        return sheet, placed, tall

    scene = Scene(
        frame=frame,
        column=column,
        surface=surface,
        picks=picks,
        base=drawn_base,
        radius_of=radius_of,
        text_pt=text,
        labels=labels,
        marks=marks,
        overlay=overlay,
        units=system,
    )
    sheet, placed, tall = laid_out(extent)
    lettering = None
    if labels and picks is not None and len(picks):
        lettering = letter(sheet, scene, None)
        # Maps in axes of a caller may be compared: their ground stays as it is.
        wider = _with_room(scene, extent, laid_out) if ax is None and inset else None
        roomy = wider or (sheet, placed, tall)
        found = inset_of(scene, roomy[0]) if inset else None
        if found is not None:
            parted = letter(roomy[0], scene, found)
            if parted.left_out <= lettering.left_out:
                lettering = parted
                sheet, placed, tall = roomy
    if ax is None:
        ax = new_axes(sheet.width, sheet.height)
    points = pieces.points_of_axes(ax)
    left, bottom, right, top = sheet.room
    written = [title, subtitle, *notes]
    if lettering is not None:
        written += lettering.texts
    warn_of_letters(written, "A map")
    draw_scene(ax, sheet, scene, lettering)
    y = sheet.height - EDGE
    for block in head:
        y -= block.height
        block.draw(ax, points, EDGE, y)
    if picks is not None and not len(picks):
        pieces.write_text(
            ax,
            points,
            (left + right) / 2,
            (bottom + top) / 2,
            f"no {noun(frame)} chosen",
            sizes.title_pt,
            gid="empty",
            ha="center",
            va="center",
            halo_pt=3.0,
        )
    strip_top = bottom - GAP
    for item in placed:
        item.block.draw(
            ax, points, EDGE + item.x, strip_top - item.top - item.block.height
        )
    y = strip_top - tall - (GAP if tall else 0)
    for block in paragraphs:
        y -= block.height
        block.draw(ax, points, EDGE, y)
    return ax


def _with_room(
    scene: Scene,
    extent: Extent,
    laid_out: Callable[[Extent], LaidOut],
) -> LaidOut | None:
    """Lay out a map with room beside the ground, where an inset would hide some of it.

    None where an inset hides nothing as it is, or no such room makes one possible.
    """
    plain = laid_out(extent)
    found = inset_of(scene, plain[0])
    if found is not None and found.covered <= _HIDDEN:
        return None
    west, south, east, north = extent
    wide, tall = east - west, north - south
    best: tuple[float, LaidOut] | None = None
    for more in _MORE_ROOM:
        for wider in (
            (west, south - more * tall, east, north),
            (west, south, east, north + more * tall),
            (west - more * wide, south, east, north),
            (west, south, east + more * wide, north),
        ):
            tried = laid_out(wider)
            found = inset_of(scene, tried[0])
            # The ground is drawn as large as may be, the inset is wide, and it shows
            # many places.
            scale = tried[0].units_per_point / plain[0].units_per_point
            if found is None or found.covered > _HIDDEN or scale > _SMALLER:
                continue
            cost = scale + 0.2 * tried[0].height / plain[0].height
            cost -= 0.5 * (found.box[2] - found.box[0]) / tried[0].map_width
            cost -= 0.03 * int(found.is_inside.sum())
            if best is None or cost < best[0]:
                best = cost, tried
    return None if best is None else best[1]


def ground_of(
    frame: gpd.GeoDataFrame,
    picks: gpd.GeoDataFrame | None,
    crs: CRS | str | None,
    base: Base,
) -> tuple[CRS, list[str]]:
    """Return the projection of a map, and the notes under it.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.
    picks : GeoDataFrame or None
        The chosen places.
    crs : CRS, str or None
        The projection asked for; None chooses it by extent.
    base : GeoDataFrame, None or False
        The ground asked for.

    Returns
    -------
    tuple of (pyproj.CRS, list of str)
        The projection; what was not checked, sources, and the projection in words.

    Raises
    ------
    CRSError
        If there is no such projection, or a frame says none.
    """
    bounds = lonlat_bounds(frame, picks)
    chosen = map_crs(bounds) if crs is None else named_crs(crs)
    lines = source_lines(frame)
    notes = [not_checked_line()]
    if lines:
        notes.append("Data: " + " · ".join(lines) + ".")
    tail = f"Projection: {crs_name(chosen)}."
    if base is None and touches_states(bounds):
        tail = f"Base map: US Census Bureau, 2017. {tail}"
    notes.append(tail)
    return chosen, notes
