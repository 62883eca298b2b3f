"""Static maps of a plan and of suitability."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.errors import LayerError, four_parts, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.labels import Placement, place_labels, text_size
from siteselect.reporting.not_checked import not_checked_line
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    is_area,
    is_synthetic,
    noun,
    source_lines,
    subtitle_line,
    title_line,
)
from siteselect.reporting.projection import (
    crs_name,
    ground_m_per_unit,
    lonlat_bounds,
    map_crs,
    north_angle_deg,
)

Floats = NDArray[np.float64]
Base: TypeAlias = gpd.GeoDataFrame | Literal[False] | None
_EDGE = 4.0
_GAP = 5.0


@dataclass(frozen=True)
class Sheet:
    """The paper of one map: its boxes in points and its scale."""

    width: float
    height: float
    map_left: float
    map_bottom: float
    map_width: float
    map_height: float
    center: tuple[float, float]
    units_per_point: float
    crs: CRS

    @property
    def room(self) -> tuple[float, float, float, float]:
        """Return the map's box on paper [pt]."""
        return (
            self.map_left,
            self.map_bottom,
            self.map_left + self.map_width,
            self.map_bottom + self.map_height,
        )

    def to_paper(self, xy: Floats) -> Floats:
        """Turn map units into points of paper."""
        middle = np.array(
            [
                self.map_left + self.map_width / 2,
                self.map_bottom + self.map_height / 2,
            ]
        )
        paper: Floats = (xy - np.array(self.center)) / self.units_per_point + middle
        return paper

    def limits(self) -> tuple[float, float, float, float]:
        """Return the axes' limits: left, right, bottom, top [map unit]."""
        s = self.units_per_point
        x0 = self.center[0] - s * (self.map_left + self.map_width / 2)
        y0 = self.center[1] - s * (self.map_bottom + self.map_height / 2)
        return x0, x0 + s * self.width, y0, y0 + s * self.height

    def extent(self) -> tuple[float, float, float, float]:
        """Return the map box: west, south, east, north [map unit]."""
        s = self.units_per_point
        x, y = self.center
        half_x, half_y = s * self.map_width / 2, s * self.map_height / 2
        return x - half_x, y - half_y, x + half_x, y + half_y


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


# --------------------------------------------------------------------- geometry


def touches_states(bounds: tuple[float, float, float, float]) -> bool:
    """Tell whether the bundled states lie in or near an extent [degree]."""
    west, south, east, north = bounds
    return east >= -180 and west <= -60 and north >= 15 and south <= 75


def default_base(bounds: tuple[float, float, float, float]) -> gpd.GeoDataFrame | None:
    """Return the bundled states where the extent touches them."""
    if not touches_states(bounds):
        return None
    try:
        from siteselect.layers import datasets
    except ImportError:
        return None
    states: gpd.GeoDataFrame = datasets.load("states")
    return states


def _as_base(base: Base, bounds: tuple[float, float, float, float]) -> Base:
    if base is None:
        return default_base(bounds)
    if base is False:
        return None
    if not isinstance(base, gpd.GeoDataFrame) or base.crs is None:
        raise LayerError(
            four_parts(
                "A base map was given",
                f"it is a {type(base).__name__} without a CRS",
                "a GeoDataFrame of polygons or lines with a CRS, None or False",
                "Leave base out for the bundled states, or base=False for none",
            )
        )
    return base


def points_on_map(frame: gpd.GeoDataFrame, crs: CRS) -> Floats:
    """Return one point a row in the map's projection."""
    if not len(frame):
        return np.empty((0, 2))
    geometry = frame.geometry
    if not (geometry.geom_type == "Point").all():
        geometry = geometry.representative_point()
    moved = geometry.to_crs(crs)
    return np.column_stack([moved.x.to_numpy(), moved.y.to_numpy()])


def _footprints(frame: gpd.GeoDataFrame, crs: CRS) -> NDArray[np.object_] | None:
    """Return polygons of cells or parcels in the map's projection, None for points."""
    kinds = set(frame.geometry.geom_type.dropna())
    if kinds and kinds <= {"Polygon", "MultiPolygon"}:
        return np.asarray(frame.geometry.to_crs(crs).array, dtype=object)
    if not is_area(frame) or "cell_shape" not in frame.columns:
        return None
    if (frame["cell_shape"].astype(str) == "square").all():
        # A grid is laid in a projection centered on its area, whose up is the
        # map's up; squares turned to each one's own north would leave gaps.
        return _squares(frame, crs)
    from siteselect.layers.spatial import footprints

    return np.asarray(footprints(frame).to_crs(crs).array, dtype=object)


def _squares(frame: gpd.GeoDataFrame, crs: CRS) -> NDArray[np.object_]:
    """Return squares of ``cell_km`` around the points, upright on the map."""
    xy = points_on_map(frame, crs)
    half = frame["cell_km"].to_numpy(dtype=float) * 500
    boxes: NDArray[np.object_] = shapely.box(
        xy[:, 0] - half, xy[:, 1] - half, xy[:, 0] + half, xy[:, 1] + half
    )
    return boxes


def _rings(polygons: NDArray[np.object_]) -> tuple[list[Floats], NDArray[np.int64]]:
    """Return the outer rings of all parts and the row each belongs to."""
    parts, row = shapely.get_parts(polygons, return_index=True)
    coords, ring = shapely.get_coordinates(
        shapely.get_exterior_ring(parts), return_index=True
    )
    cuts = np.flatnonzero(np.diff(ring)) + 1
    return np.split(coords, cuts), row


def _sheet(
    extent: tuple[float, float, float, float],
    crs: CRS,
    width: float,
    height: float | None,
    above: float,
    below: float,
) -> Sheet:
    """Fit an extent into the paper between the title and the strip."""
    west, south, east, north = extent
    margin = 0.04 * max(east - west, north - south)
    wide, tall = east - west + 2 * margin, north - south + 2 * margin
    inner = width - 2 * _EDGE
    if height is None:
        map_height = inner * min(max(tall / wide, 0.5), 0.92)
        height = above + map_height + below + 2 * _EDGE
    else:
        map_height = max(height - above - below - 2 * _EDGE, 0.25 * height)
    scale = max(wide / inner, tall / map_height)
    return Sheet(
        width=width,
        height=height,
        map_left=_EDGE,
        map_bottom=height - above - map_height - _EDGE,
        map_width=inner,
        map_height=map_height,
        center=((west + east) / 2, (south + north) / 2),
        units_per_point=scale,
        crs=crs,
    )


def _extent(
    frames: Sequence[gpd.GeoDataFrame],
    base: gpd.GeoDataFrame | None,
    crs: CRS,
) -> tuple[float, float, float, float]:
    """Return west, south, east, north in the map's projection."""
    boxes = []
    for frame in frames:
        if len(frame):
            x0, y0, x1, y1 = frame.geometry.to_crs(crs).total_bounds
            pad = 0.0
            if is_area(frame):
                pad = 500.0 * float(np.nanmax(frame["cell_km"].to_numpy(dtype=float)))
            boxes.append((x0 - pad, y0 - pad, x1 + pad, y1 + pad))
    if not boxes and base is not None and len(base):
        boxes.append(tuple(base.geometry.to_crs(crs).total_bounds))
    if not boxes:
        boxes.append((-2.3e6, 0.3e6, 2.3e6, 3.2e6))
    every = np.asarray(boxes, dtype=float)
    west, south = every[:, :2].min(axis=0)
    east, north = every[:, 2:].max(axis=0)
    least = 2_000.0
    if east - west < least and north - south < least:
        x, y = (west + east) / 2, (south + north) / 2
        least = 20_000.0
        return x - least, y - least, x + least, y + least
    return float(west), float(south), float(east), float(north)


# ------------------------------------------------------------------ drawing


def _draw_base(
    ax: Axes, base: gpd.GeoDataFrame | None, sheet: Sheet, clip: Rectangle
) -> None:
    """Draw land as ground, and its borders above the surface."""
    if base is None or not len(base):
        return
    moved = base.geometry.to_crs(sheet.crs)
    west, south, east, north = sheet.extent()
    tolerance = 0.15 * sheet.units_per_point
    near = moved[moved.intersects(shapely.box(west, south, east, north))]
    shapes = np.asarray(near.simplify(tolerance).array, dtype=object)
    shapes = shapes[~shapely.is_empty(shapes)]
    is_polygon = np.isin(shapely.get_type_id(shapes), (3, 6))
    if is_polygon.any():
        rings, _ = _rings(shapes[is_polygon])
        ground = PolyCollection(
            rings,
            facecolors=pieces.GROUND,
            edgecolors="none",
            zorder=1,
            gid="ground",
        )
        ax.add_collection(ground, autolim=False)
        ground.set_clip_path(clip)
    lines = np.where(is_polygon, shapely.boundary(shapes), shapes)
    parts = shapely.get_parts(shapely.get_parts(lines))
    coords, index = shapely.get_coordinates(parts, return_index=True)
    cuts = np.flatnonzero(np.diff(index)) + 1
    borders = LineCollection(
        np.split(coords, cuts) if len(coords) else [],
        colors=pieces.BORDER,
        linewidths=0.45,
        zorder=4,
        gid="borders",
    )
    ax.add_collection(borders, autolim=False)
    borders.set_clip_path(clip)


@dataclass(frozen=True)
class _Surface:
    """Suitability of the rows, sorted into known, excluded and unknown."""

    values: Floats
    is_known: NDArray[np.bool_]
    is_excluded: NDArray[np.bool_]
    norm: Normalize
    extend: str

    @property
    def are_counts(self) -> bool:
        """Return whether all known values are whole."""
        known = self.values[self.is_known]
        return bool((known == np.round(known)).all())

    @property
    def is_unknown(self) -> NDArray[np.bool_]:
        """Return rows that are neither."""
        return ~self.is_known & ~self.is_excluded


def surface_of(frame: gpd.GeoDataFrame, column: str) -> _Surface:
    """Sort rows by what is known of them and choose the colours' range."""
    values = frame[column].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values)
    excluded = np.zeros(len(frame), dtype=bool)
    if "excluded_by" in frame.columns:
        excluded = (frame["excluded_by"].fillna("").astype(str) != "").to_numpy()
    known &= ~excluded
    low, high = 0.0, 1.0
    if known.any():
        inside = values[known]
        small, large = np.quantile(inside, [0.02, 0.98])
        spread = max(float(large - small), 1e-9)
        step = 10.0 ** math.floor(math.log10(spread)) / 2
        low = math.floor(small / step + 1e-9) * step
        high = math.ceil(large / step - 1e-9) * step
        if high <= low:
            low, high = low - step, high + step
        under = bool(inside.min() < low - 1e-12)
        over = bool(inside.max() > high + 1e-12)
    else:
        under = over = False
    extend = {
        (False, False): "neither",
        (True, False): "min",
        (False, True): "max",
        (True, True): "both",
    }[under, over]
    return _Surface(values, known, excluded, Normalize(low, high), extend)


def _draw_surface(
    ax: Axes,
    frame: gpd.GeoDataFrame,
    surface: _Surface,
    sheet: Sheet,
    clip: Rectangle,
) -> None:
    """Draw every row: known in colour, excluded and unknown in neutrals."""
    if not len(frame):
        return
    kinds = (
        ("excluded", surface.is_excluded, pieces.EXCLUDED),
        ("unknown", surface.is_unknown, pieces.UNKNOWN),
        ("surface", surface.is_known, None),
    )
    polygons = _footprints(frame, sheet.crs)
    points = None if polygons is not None else points_on_map(frame, sheet.crs)
    for gid, rows, color in kinds:
        if not rows.any():
            continue
        paint: dict[str, Any]
        if color is None:
            paint = {"cmap": pieces.SUITABILITY, "norm": surface.norm}
        else:
            paint = {}
        if polygons is not None:
            rings, row = _rings(polygons[rows])
            drawn: Any = PolyCollection(
                rings,
                linewidths=0.25,
                zorder=2,
                gid=gid,
                rasterized=True,
                **paint,
            )
            if color is None:
                drawn.set_array(surface.values[rows][row])
                drawn.set_edgecolor("face")
            else:
                drawn.set_facecolor(color)
                drawn.set_edgecolor(color)
            ax.add_collection(drawn, autolim=False)
        else:
            assert points is not None
            drawn = ax.scatter(
                points[rows, 0],
                points[rows, 1],
                s=_dot_area(len(frame)),
                c=surface.values[rows] if color is None else color,
                linewidths=0,
                zorder=2,
                gid=gid,
                rasterized=len(frame) > 2000,
                **paint,
            )
        drawn.set_clip_path(clip)


def _dot_area(count: int) -> float:
    """Return the area of a candidate's dot [pt²] so that thousands stay apart."""
    return float(np.clip(9000 / max(count, 1), 2.0, 16.0))


def _label_texts(sites: gpd.GeoDataFrame, between: str | None) -> list[str]:
    """Return name and megawatts of each place, or its name alone."""
    names = [
        "".join(c if c.isprintable() else " " for c in str(i)) for i in sites.index
    ]
    if between is None or "mw" not in sites.columns:
        return names
    return [
        f"{name}{between}{mw:,.0f} MW" if mw >= 10 else f"{name}{between}{mw:.3g} MW"
        for name, mw in zip(names, sites["mw"].to_numpy(dtype=float), strict=True)
    ]


def _place(
    sites: gpd.GeoDataFrame,
    paper: Floats,
    radii: Floats,
    size: float,
    sheet: Sheet,
    more: list[str],
) -> tuple[list[str], Placement]:
    """Label with name and megawatts, on one line or two as they fit better.

    Where that leaves some without room, the names alone are tried.
    """
    left, bottom, right, top = sheet.room
    room = (left + 2, bottom + 2, right - 2, top - 2)
    tried: list[tuple[tuple[int, float], list[str], Placement]] = []
    # Two lines read a little worse than one.
    for between, extra in ((" · ", 0.0), ("\n", 6.0), (None, 0.0)):
        if between is None and any(not key[0] for key, _, _ in tried):
            break
        texts = [*_label_texts(sites, between), *more]
        sizes = np.array([text_size(t, size) for t in texts]).reshape(-1, 2)
        # Renderers round glyphs to pixels; two points more keep boxes apart.
        put = place_labels(paper, radii, sizes + np.array([2.0, 0.4]), room)
        missing = int((~put.is_placed).sum())
        tried.append(((missing, put.cost + extra * len(sites)), texts, put))
    _, texts, put = min(tried, key=lambda item: item[0])
    return texts, put


def _draw_picks(
    ax: Axes,
    sites: gpd.GeoDataFrame,
    sheet: Sheet,
    clip: Rectangle,
    radius_of: Callable[[float], float],
    size: float,
    labels: bool,
    tags: gpd.GeoDataFrame | None = None,
) -> int:
    """Draw and label the picks; return how many labels found no room.

    ``tags`` are other points to be labelled among them.
    """
    if not len(sites):
        return 0
    xy = points_on_map(sites, sheet.crs)
    mw = (
        sites["mw"].to_numpy(dtype=float)
        if "mw" in sites.columns
        else np.ones(len(sites))
    )
    radii = np.array([radius_of(float(v)) for v in mw])
    order = np.argsort(-radii, kind="stable")
    drawn = ax.scatter(
        xy[order, 0],
        xy[order, 1],
        s=(2 * radii[order]) ** 2,
        c=pieces.PICK,
        edgecolors="white",
        linewidths=0.7,
        zorder=8,
        gid="picks",
    )
    drawn.set_clip_path(clip)
    if not labels:
        return 0
    paper = sheet.to_paper(xy)
    more: list[str] = []
    if tags is not None and len(tags):
        more = tags["text"].tolist()
        paper = np.vstack([paper, sheet.to_paper(points_on_map(tags, sheet.crs))])
        radii = np.concatenate([radii, np.full(len(tags), 1.5)])
    texts, put = _place(sites, paper, radii, size, sheet, more)
    points = pieces.points_of_axes(ax)
    for i in np.flatnonzero(put.is_placed):
        corner, box, tip = put.lower_left[i], put.sizes[i], put.leader[i]
        away = tip - paper[i]
        length = float(np.hypot(*away))
        if length > radii[i] + 3.5:
            start = paper[i] + away / length * radii[i]
            ax.plot(
                [start[0], tip[0]],
                [start[1], tip[1]],
                transform=points,
                color=pieces.INK,
                linewidth=0.5,
                solid_capstyle="butt",
                zorder=9,
                gid="leader",
                scalex=False,
                scaley=False,
            )
        label = pieces.write_text(
            ax,
            points,
            float(corner[0] + box[0] / 2),
            float(corner[1] + box[1] / 2),
            texts[i],
            size,
            gid="label",
            ha="center",
            va="center",
        )
        label.set_linespacing(1.0)
        label.set_zorder(10)
        label.set_path_effects(pieces.halo(1.8 * size / 7.5))
    return int((~put.is_placed).sum())


# ------------------------------------------------------------------ composition


def _new_axes(width: float, height: float) -> Axes:
    """Return axes that fill a new pyplot figure of so many points."""
    figure = plt.figure(figsize=(width / 72, height / 72))
    return figure.add_axes((0, 0, 1, 1))


def _axes_points(ax: Axes) -> tuple[float, float]:
    """Return the size of the axes on paper [pt]."""
    box = ax.get_position()
    figure = ax.get_figure(root=False)
    assert figure is not None
    bbox = figure.bbox
    dpi = figure.dpi
    return float(box.width * bbox.width / dpi * 72), float(
        box.height * bbox.height / dpi * 72
    )


def _preset_for(preset: str | Preset, ax: Axes | None) -> Preset:
    chosen = preset if isinstance(preset, Preset) else pieces.preset_named(preset)
    if ax is None or chosen.name != "page":
        return chosen
    # Axes given by the caller may be small: smaller symbols, type still legible.
    width = _axes_points(ax)[0]
    factor = min(1.0, max(width / (chosen.width_mm * pieces.MM), 0.8))
    return chosen.scaled(factor)


def _check_frame(frame: gpd.GeoDataFrame, column: str | None, what: str) -> None:
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


def _compose(
    *,
    frame: gpd.GeoDataFrame,
    column: str | None,
    picks: gpd.GeoDataFrame | None,
    ax: Axes | None,
    base: Base,
    preset: str | Preset,
    title: str,
    subtitle: str,
    synthetic: bool,
    heading: str,
    furniture: bool,
    labels: bool,
    crs: CRS | None,
    notes: Sequence[str],
    overlay: Overlay | None = None,
) -> Axes:
    """Lay out and draw one map."""
    sizes = _preset_for(preset, ax)
    text, note = sizes.text_pt, sizes.note_pt
    frames = [f for f in (frame, picks) if f is not None]
    if overlay is not None:
        frames.append(overlay.frame)
    bounds = lonlat_bounds(*frames)
    ground = _as_base(base, bounds)
    drawn_base = ground if isinstance(ground, gpd.GeoDataFrame) else None
    crs = map_crs(bounds) if crs is None else crs
    extent = _extent(frames, drawn_base, crs)
    if ax is None:
        width = sizes.width_mm * pieces.MM
        height = None if sizes.height_mm is None else sizes.height_mm * pieces.MM
    else:
        width, height = _axes_points(ax)
    inner = width - 2 * _EDGE

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
    above = sum(block.height for block in head) + (_GAP if head else 0)

    surface = surface_of(frame, column) if column is not None else None
    megawatts = (
        picks["mw"].to_numpy(dtype=float)
        if picks is not None and "mw" in picks.columns
        else np.empty(0)
    )
    shown_mw = pieces.legend_megawatts(list(megawatts))
    largest = max([*shown_mw, *megawatts[np.isfinite(megawatts)], 1.0])
    count = 0 if picks is None else len(picks)
    shrink = min(1.0, max(0.6, math.sqrt(20 / max(count, 1))))

    def radius_of(mw: float) -> float:
        if not math.isfinite(mw) or mw <= 0:
            return 1.5
        return max(sizes.radius_pt * shrink * math.sqrt(mw / largest), 1.5)

    legend: list[Block] = []
    if furniture:
        if shown_mw:
            word = noun(frame, 2)
            legend.append(
                pieces.size_legend_block(
                    shown_mw, radius_of, text, f"Chosen {word}, facility power"
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
            m = ground_m_per_unit(crs, *_middle(extent), 20 * scale)
            angle = north_angle_deg(crs, *_middle(extent))
            arrow = pieces.north_arrow_block(angle, text)
            bar = pieces.scale_bar_block(m, scale, text, 0.16 * inner)
            every.append(pieces.side_by_side(arrow, bar))
        placed, tall = pieces.flow(every, inner)
        return every, placed, tall

    # The strip's height sets the map's scale, and the scale the bar's length:
    # two rounds settle it, because only the bar's width can change the rows.
    tall = 0.0
    placed: list[pieces.Placed] = []
    sheet = _sheet(extent, crs, width, height, above, low_notes + _GAP)
    for _ in range(3):
        _, placed, tall = strip(sheet.units_per_point)
        below = low_notes + tall + (_GAP if tall else 0) + (_GAP if low_notes else 0)
        sheet = _sheet(extent, crs, width, height, above, below)

    if ax is None:
        ax = _new_axes(sheet.width, sheet.height)
    ax.set_axis_off()
    x0, x1, y0, y1 = sheet.limits()
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    ax.set_aspect("equal")
    ax.autoscale(False)
    points = pieces.points_of_axes(ax)
    left, bottom, right, top = sheet.room
    clip = Rectangle(
        (left, bottom),
        right - left,
        top - bottom,
        transform=points,
        facecolor=pieces.WATER,
        edgecolor="none",
        zorder=0,
        gid="map-box",
    )
    ax.add_patch(clip)
    _draw_base(ax, drawn_base, sheet, clip)
    if surface is not None:
        _draw_surface(ax, frame, surface, sheet, clip)
    tags = None
    if overlay is not None:
        overlay.draw(ax, sheet, clip)
        tags = overlay.tags
    left_out = 0
    if picks is not None:
        left_out = _draw_picks(ax, picks, sheet, clip, radius_of, text, labels, tags)
    ax.add_patch(
        Rectangle(
            (left, bottom),
            right - left,
            top - bottom,
            transform=points,
            facecolor="none",
            edgecolor=pieces.BORDER,
            linewidth=0.5,
            clip_on=False,
            zorder=12,
            gid="neatline",
        )
    )
    y = sheet.height - _EDGE
    for block in head:
        y -= block.height
        block.draw(ax, points, _EDGE, y)
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
        ).set_path_effects(pieces.halo(3))
    if left_out:
        pieces.write_text(
            ax,
            points,
            left + 3,
            bottom + 3,
            f"{left_out} labels left out for lack of room; see the table",
            note,
            gid="left-out",
        ).set_path_effects(pieces.halo())
    strip_top = bottom - _GAP
    for item in placed:
        item.block.draw(
            ax, points, _EDGE + item.x, strip_top - item.top - item.block.height
        )
    y = strip_top - tall - (_GAP if tall else 0)
    for block in paragraphs:
        y -= block.height
        block.draw(ax, points, _EDGE, y)
    return ax


def _middle(extent: tuple[float, float, float, float]) -> tuple[float, float]:
    return (extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2


def _source_notes(
    frame: gpd.GeoDataFrame,
    crs: CRS,
    base: Base,
    bounds: tuple[float, float, float, float],
) -> list[str]:
    """Return the notes under a map: what was not checked, sources, projection."""
    lines = source_lines(frame)
    notes = [not_checked_line()]
    if lines:
        notes.append("Data: " + " · ".join(lines) + ".")
    tail = f"Projection: {crs_name(crs)}."
    if base is None and touches_states(bounds):
        tail = f"Base map: US Census Bureau, 2017. {tail}"
    notes.append(tail)
    return notes


def plot_plan(
    plan: PlanLike,
    ax: Axes | None = None,
    *,
    base: Base = None,
    surface: str | None = "score",
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    labels: bool = True,
    furniture: bool = True,
    crs: CRS | str | None = None,
) -> Axes:
    """Draw a plan: the chosen places by megawatts over the suitability surface.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None. The map,
        its legends and notes all stay within these axes.
    base : GeoDataFrame, None or False
        Ground of the map; None takes the bundled states, False draws none.
    surface : str or None
        Column of the candidates that colors the surface; None draws no surface.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title, subtitle : str, optional
        Replace the lines the plan writes itself; "" leaves one out.
    labels : bool
        Whether to label the places.
    furniture : bool
        Whether to draw legends, scale bar, north arrow and notes. The
        synthetic-network notice is always drawn where it applies.
    crs : CRS or str, optional
        Projection; EPSG:5070 for the contiguous United States, otherwise an
        equal-area projection centered on the extent.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, as in geopandas.

    Raises
    ------
    LayerError
        If the surface's column or the base map cannot be drawn.
    StudyError
        If there is no such preset.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> ax = plot_plan(plan, base=False)
    >>> "100 MW in 1 site" in [text.get_text() for text in ax.texts]
    True
    >>> close_figure(ax)
    """
    frame = plan.candidates
    _check_frame(frame, surface, "A map of the plan")
    bounds = lonlat_bounds(frame, plan.sites)
    chosen = map_crs(bounds) if crs is None else CRS.from_user_input(crs)
    return _compose(
        frame=frame,
        column=surface,
        picks=plan.sites,
        ax=ax,
        base=base,
        preset=preset,
        title=title_line(plan) if title is None else title,
        subtitle=subtitle_line(plan) if subtitle is None else subtitle,
        synthetic=is_synthetic(plan),
        heading=_heading(surface),
        furniture=furniture,
        labels=labels,
        crs=chosen,
        notes=_source_notes(frame, chosen, base, bounds),
    )


def plot_suitability(
    scored: gpd.GeoDataFrame,
    ax: Axes | None = None,
    *,
    column: str = "score",
    base: Base = None,
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    furniture: bool = True,
    crs: CRS | str | None = None,
) -> Axes:
    """Draw the suitability of scored candidates.

    Parameters
    ----------
    scored : GeoDataFrame
        What `score_sites` returned.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    column : str
        Column that colors the cells.
    base : GeoDataFrame, None or False
        Ground of the map; None takes the bundled states, False draws none.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title, subtitle : str, optional
        Lines above the map.
    furniture : bool
        Whether to draw legends, scale bar, north arrow and notes.
    crs : CRS or str, optional
        Projection, chosen by extent if None.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, as in geopandas.

    Raises
    ------
    LayerError
        If the frame has no such column.

    Examples
    --------
    >>> import geopandas as gpd
    >>> scored = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.4], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 33]), crs=4326,
    ... )
    >>> ax = plot_suitability(scored, base=False, title="Two places")
    >>> "Two places" in [text.get_text() for text in ax.texts]
    True
    >>> close_figure(ax)
    """
    _check_frame(scored, column, "A map of suitability")
    bounds = lonlat_bounds(scored)
    chosen = map_crs(bounds) if crs is None else CRS.from_user_input(crs)
    known = int(
        np.isfinite(scored[column].to_numpy(dtype=float, na_value=np.nan)).sum()
    )
    if subtitle is None:
        what = "score" if column == "score" else "figure"
        subtitle = f"{len(scored):,} candidates, {known:,} with a known {what}"
    return _compose(
        frame=scored,
        column=column,
        picks=None,
        ax=ax,
        base=base,
        preset=preset,
        title=_title(column) if title is None else title,
        subtitle=subtitle,
        synthetic=is_synthetic(scored),
        heading=_heading(column),
        furniture=furniture,
        labels=False,
        crs=chosen,
        notes=_source_notes(scored, chosen, base, bounds),
    )


def _heading(column: str | None) -> str:
    if column == "score":
        return "Suitability (score, 0 to 1)"
    if column == "gates_failed":
        return "requirements failed"
    return str(column or "")


def _title(column: str) -> str:
    """Return the title of a map of one column."""
    if column == "gates_failed":
        return "Near misses"
    return "Suitability" if column == "score" else column


def figure_of(ax: Axes) -> Figure:
    """Return the figure an axes belongs to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def close_figure(ax: Axes) -> None:
    """Forget a figure that a map opened, so that loops do not pile them up."""
    plt.close(figure_of(ax))
