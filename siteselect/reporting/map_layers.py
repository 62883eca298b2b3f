"""What a map shows under its places: ground, borders and the suitability surface."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.errors import LayerError, four_parts
from siteselect.reporting import furniture as pieces
from siteselect.reporting.plan_like import is_area
from siteselect.reporting.sheet import Sheet

Floats = NDArray[np.float64]
Base: TypeAlias = gpd.GeoDataFrame | Literal[False] | None


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


def as_base(base: Base, bounds: tuple[float, float, float, float]) -> Base:
    """Return the ground to draw, None for none; refuse what is none."""
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


def shapes_on_map(frame: gpd.GeoDataFrame, crs: CRS) -> NDArray[np.object_] | None:
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


def outer_rings(
    polygons: NDArray[np.object_],
) -> tuple[list[Floats], NDArray[np.int64]]:
    """Return the outer rings of all parts and the row each belongs to."""
    parts, row = shapely.get_parts(polygons, return_index=True)
    coords, ring = shapely.get_coordinates(
        shapely.get_exterior_ring(parts), return_index=True
    )
    cuts = np.flatnonzero(np.diff(ring)) + 1
    return np.split(coords, cuts), row


def draw_base(
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
        rings, _ = outer_rings(shapes[is_polygon])
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
class Surface:
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


def surface_of(
    frame: gpd.GeoDataFrame, column: str, span: tuple[float, float] | None = None
) -> Surface:
    """Sort rows by what is known of them and choose the colours' range."""
    values = frame[column].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values)
    excluded = np.zeros(len(frame), dtype=bool)
    if "excluded_by" in frame.columns:
        excluded = (frame["excluded_by"].fillna("").astype(str) != "").to_numpy()
    known &= ~excluded
    low, high = 0.0, 1.0
    if span is not None:
        low, high = span
        under = bool((values[known] < low).any())
        over = bool((values[known] > high).any())
    elif known.any():
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
    return Surface(values, known, excluded, Normalize(low, high), extend)


def draw_surface(
    ax: Axes,
    frame: gpd.GeoDataFrame,
    surface: Surface,
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
    polygons = shapes_on_map(frame, sheet.crs)
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
            rings, row = outer_rings(polygons[rows])
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
