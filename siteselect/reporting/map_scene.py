"""What is drawn on the ground of one map, and once more in its inset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import geopandas as gpd
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from siteselect.reporting import furniture as pieces
from siteselect.reporting.furniture import Block
from siteselect.reporting.inset import Inset, find_inset, overlap
from siteselect.reporting.labels import text_size
from siteselect.reporting.map_layers import (
    Surface,
    draw_base,
    draw_surface,
    points_on_map,
    surface_of,
)
from siteselect.reporting.picks import (
    Labels,
    Marks,
    draw_labels,
    draw_picks,
    place_picks,
    radii_of,
)
from siteselect.reporting.plan_like import is_area
from siteselect.reporting.projection import ground_m_per_unit
from siteselect.reporting.sheet import Sheet
from siteselect.reporting.unit_system import UnitSystem

Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class Overlay:
    """Something drawn over the ground and under the places.

    Parameters
    ----------
    frame : GeoDataFrame
        What it covers.
    draw : callable
        ``draw(ax, sheet, clip)``.
    legend : callable
        ``legend(text_pt, width_pt)`` returns blocks for the strip.
    tags : GeoDataFrame
        Points to be labelled, with a column ``text``.
    """

    frame: gpd.GeoDataFrame
    draw: Callable[[Axes, Sheet, Rectangle], None]
    legend: Callable[[float, float], list[Block]]
    tags: gpd.GeoDataFrame


@dataclass(frozen=True)
class Scene:
    """All that stands on the ground of a map.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.
    column : str or None
        Column that colors them.
    surface : Surface or None
        Its values and colours.
    picks : GeoDataFrame or None
        The chosen places.
    base : GeoDataFrame or None
        The ground.
    radius_of : callable
        Radius of a circle [pt] of so many megawatts.
    text_pt : float
        Type size of labels [pt].
    labels : bool
        Whether the places are labelled.
    marks : Marks or None
        How places are drawn where they are not all alike.
    overlay : Overlay or None
        What lies between ground and places.
    units : UnitSystem
        Units of the scale bar of an inset.
    """

    frame: gpd.GeoDataFrame
    column: str | None
    surface: Surface | None
    picks: gpd.GeoDataFrame | None
    base: gpd.GeoDataFrame | None
    radius_of: Callable[[float], float]
    text_pt: float
    labels: bool
    marks: Marks | None
    overlay: Overlay | None
    units: UnitSystem

    def within(self, rows: NDArray[np.bool_], sheet: Sheet) -> Scene:
        """Return the scene with some of the places, and the candidates near them."""
        assert self.picks is not None
        frame, surface = self.frame, self.surface
        if surface is not None and self.column is not None and len(frame):
            xy = points_on_map(frame, sheet.crs)
            west, south, east, north = sheet.extent()
            off = 1e3 * float(np.nanmax(frame["cell_km"])) if is_area(frame) else 0.0
            off += 0.2 * (east - west)
            near = (xy >= (west - off, south - off)).all(axis=1)
            near &= (xy <= (east + off, north + off)).all(axis=1)
            frame = frame[near]
            span = (float(surface.norm.vmin or 0), float(surface.norm.vmax or 0))
            surface = surface_of(frame, self.column, span)
        marks = self.marks
        if marks is not None:
            marks = marks.at(np.flatnonzero(rows))
        return replace(
            self, frame=frame, surface=surface, picks=self.picks[rows], marks=marks
        )


@dataclass(frozen=True)
class Lettering:
    """Where the labels of a map stand, those of its inset among them.

    Parameters
    ----------
    outer : Labels
        Labels of the places that no inset shows.
    inset : Inset or None
        The cluster that is enlarged.
    inner : Labels or None
        Its labels.
    """

    outer: Labels
    inset: Inset | None = None
    inner: Labels | None = None

    @property
    def left_out(self) -> int:
        """How many labels found no room."""
        return self.outer.left_out + (0 if self.inner is None else self.inner.left_out)

    @property
    def texts(self) -> list[str]:
        """What is written on the map and in its inset."""
        return [*self.outer.texts, *([] if self.inner is None else self.inner.texts)]


def letter(sheet: Sheet, scene: Scene, inset: Inset | None) -> Lettering:
    """Choose where the labels stand, with an inset or without.

    Parameters
    ----------
    sheet : Sheet
        The paper.
    scene : Scene
        What stands on the ground, with places.
    inset : Inset or None
        The cluster that is enlarged, as `inset_of` finds it.

    Returns
    -------
    Lettering
        The labels with their places.
    """
    outer = _placed(sheet, scene, inset)
    if inset is None:
        return Lettering(outer)
    own = inset.sheet(sheet)
    part = scene.within(inset.is_inside, own)
    return Lettering(outer, inset, _placed(own, part, None, [_bar_of(own, part)[1]]))


def draw_scene(
    ax: Axes, sheet: Sheet, scene: Scene, lettering: Lettering | None = None
) -> None:
    """Draw the map's box and all in it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes that are the paper.
    sheet : Sheet
        The paper.
    scene : Scene
        What stands on the ground.
    lettering : Lettering, optional
        Labels with their places, and the inset if there is one.
    """
    ax.set_axis_off()
    x0, x1, y0, y1 = sheet.limits()
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    ax.set_aspect("equal")
    ax.autoscale(False)
    clip = _box(ax, sheet.room, gid="map-box", facecolor=pieces.WATER, zorder=0)
    draw_base(ax, scene.base, sheet, clip)
    if scene.surface is not None:
        draw_surface(ax, scene.frame, scene.surface, sheet, clip)
    if scene.overlay is not None:
        scene.overlay.draw(ax, sheet, clip)
    if scene.picks is not None:
        draw_picks(ax, scene.picks, sheet, clip, scene.radius_of, scene.marks)
    if lettering is not None:
        _label(ax, sheet, scene, lettering)
    _box(
        ax,
        sheet.room,
        gid="neatline",
        edgecolor=pieces.BORDER,
        linewidth=0.5,
        zorder=12,
    )


def _box(
    ax: Axes,
    box: Box,
    *,
    gid: str,
    facecolor: str = "none",
    edgecolor: str = "none",
    linewidth: float = 0.0,
    zorder: float,
) -> Rectangle:
    """Draw a rectangle of paper."""
    left, bottom, right, top = box
    drawn = Rectangle(
        (left, bottom),
        right - left,
        top - bottom,
        transform=pieces.points_of_axes(ax),
        facecolor=facecolor,
        edgecolor=edgecolor,
        linewidth=linewidth,
        clip_on=False,
        zorder=zorder,
        gid=gid,
    )
    ax.add_patch(drawn)
    return drawn


def inset_of(scene: Scene, sheet: Sheet) -> Inset | None:
    """Find the cluster to enlarge and a place at the edge that is free for it.

    Parameters
    ----------
    scene : Scene
        What stands on the ground, with places.
    sheet : Sheet
        The paper.

    Returns
    -------
    Inset or None
        None where nothing clusters, or no place is free.
    """
    assert scene.picks is not None
    ground = None
    if len(scene.frame):
        ground = sheet.to_paper(points_on_map(scene.frame, sheet.crs))
    return find_inset(
        sheet.to_paper(points_on_map(scene.picks, sheet.crs)),
        radii_of(scene.picks, scene.radius_of),
        sheet.room,
        scene.text_pt,
        ground,
    )


def _label(ax: Axes, sheet: Sheet, scene: Scene, lettering: Lettering) -> None:
    """Write the labels, those of the inset in it."""
    draw_labels(ax, lettering.outer, scene.text_pt)
    found = lettering.inset
    if found is not None and lettering.inner is not None:
        own = found.sheet(sheet)
        part = scene.within(found.is_inside, own)
        bar, under = _bar_of(own, part)
        drawn = _draw_inset(ax, found, own, part)
        _box(drawn, under, gid="inset-bar", facecolor="#ffffffd0", zorder=11)
        bar.draw(drawn, pieces.points_of_axes(drawn), 4.0, 2.5)
        draw_labels(drawn, lettering.inner, part.text_pt)
    _say_left_out(ax, sheet, scene, found, lettering.left_out)


def _placed(
    sheet: Sheet, scene: Scene, inset: Inset | None, obstacles: Sequence[Box] = ()
) -> Labels:
    """Choose where the labels stand of the places that no inset shows."""
    assert scene.picks is not None
    picks, marks = scene.picks, scene.marks
    tags = None if scene.overlay is None else scene.overlay.tags
    blocked = list(obstacles)
    lines: list[Box] = []
    if inset is not None:
        outside = ~inset.is_inside
        picks = picks[outside]
        marks = None if marks is None else marks.at(np.flatnonzero(outside))
        blocked += [inset.box, inset.window]
        start, end = _nearest_corners(inset.window, inset.box)
        lines.append((*start, *end))
    if tags is not None and len(tags):
        at = sheet.to_paper(points_on_map(tags, sheet.crs))
        lost = ~_within(at, sheet.room)
        for box in blocked:
            lost |= _within(at, box)
        tags = tags[~lost]
    return place_picks(
        picks,
        sheet,
        scene.radius_of,
        scene.text_pt,
        marks=marks,
        tags=tags,
        obstacles=blocked,
        lines=lines,
        reserve=_note_box(sheet, scene, inset),
    )


def _within(xy: NDArray[np.float64], box: Box) -> NDArray[np.bool_]:
    """Tell which points lie in a box of paper."""
    inside: NDArray[np.bool_] = np.all(xy >= box[:2], axis=1)
    inside &= np.all(xy <= box[2:], axis=1)
    return inside


def _left_out_text(count: int) -> str:
    """Say how many labels are missing, and where to look instead."""
    word = "label" if count == 1 else "labels"
    return f"{count} {word} left out for lack of room; see the table"


def _note_box(sheet: Sheet, scene: Scene, inset: Inset | None) -> Box:
    """Return where it would be said that labels are left out: a corner that is free."""
    left, bottom, right, top = sheet.room
    width, height = text_size(_left_out_text(9999), 0.93 * scene.text_pt)
    width, height = 1.05 * width + 4, height + 3
    corners = [
        (x, y, x + width, y + height)
        for y in (bottom + 1, top - height - 1)
        for x in (left + 1, right - width - 2)
    ]
    taken = [] if inset is None else [inset.box, inset.window]
    free = [box for box in corners if not any(overlap(box, t, 3.0) for t in taken)]
    return free[0] if free else corners[0]


def _say_left_out(
    ax: Axes, sheet: Sheet, scene: Scene, inset: Inset | None, count: int
) -> None:
    """Say how many labels found no room."""
    if not count:
        return
    left, bottom, _, _ = _note_box(sheet, scene, inset)
    pieces.write_text(
        ax,
        pieces.points_of_axes(ax),
        left + 2,
        bottom + 2.5,
        _left_out_text(count),
        0.93 * scene.text_pt,
        gid="left-out",
        halo_pt=1.6,
    )


def _bar_of(own: Sheet, part: Scene) -> tuple[Block, Box]:
    """Return the scale bar of an inset, and the box under it."""
    bar = pieces.scale_bar_block(
        ground_m_per_unit(own.crs, *own.center, 20 * own.units_per_point),
        own.units_per_point,
        0.93 * part.text_pt,
        0.22 * own.width,
        part.units,
    )
    return bar, (0.0, 0.0, bar.width + 8.0, bar.height + 4.0)


def _draw_inset(ax: Axes, inset: Inset, own: Sheet, part: Scene) -> Axes:
    """Draw the enlarged cluster in its corner, without labels."""
    left, bottom, right, top = inset.box
    points = pieces.points_of_axes(ax)
    inner: Axes = ax.inset_axes(
        (left, bottom, right - left, top - bottom), transform=points, zorder=13
    )
    inner.set_gid("inset")
    x0, x1, y0, y1 = own.limits()
    inner.set_axis_off()
    inner.set_xlim(x0, x1)
    inner.set_ylim(y0, y1)
    inner.autoscale(False)
    clip = _box(inner, own.room, gid="inset-box", facecolor=pieces.WATER, zorder=0)
    draw_base(inner, part.base, own, clip)
    if part.surface is not None:
        draw_surface(inner, part.frame, part.surface, own, clip)
    if part.overlay is not None:
        part.overlay.draw(inner, own, clip)
    assert part.picks is not None
    draw_picks(inner, part.picks, own, clip, part.radius_of, part.marks)
    for box, gid in ((inset.box, "inset-edge"), (inset.window, "inset-window")):
        _box(ax, box, gid=gid, edgecolor=pieces.INK, linewidth=0.8, zorder=14)
    start, end = _nearest_corners(inset.window, inset.box)
    ax.plot(
        [start[0], end[0]],
        [start[1], end[1]],
        transform=points,
        # Unlike the line of a label: broken, and light.
        color=pieces.QUIET,
        linewidth=0.6,
        linestyle=(0, (5, 4)),
        zorder=7,
        gid="inset-line",
        scalex=False,
        scaley=False,
    )
    return inner


def _nearest_corners(
    one: Box, other: Box
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the two corners, one of each box, that are nearest to each other."""
    pairs = [
        ((x, y), (u, v))
        for x in (one[0], one[2])
        for y in (one[1], one[3])
        for u in (other[0], other[2])
        for v in (other[1], other[3])
    ]
    return min(pairs, key=lambda p: np.hypot(p[0][0] - p[1][0], p[0][1] - p[1][1]))


__all__ = ["Lettering", "Overlay", "Scene", "draw_scene", "inset_of", "letter"]
