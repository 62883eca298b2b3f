"""The map of the page: ground, candidates by score, chosen places by megawatts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.colors import to_hex
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.reporting import furniture as pieces
from siteselect.reporting.explorer.columns import (
    candidate_columns,
    excluded_columns,
)
from siteselect.reporting.explorer.rescoring import Rescoring
from siteselect.reporting.maps import default_base, points_on_map, surface_of
from siteselect.reporting.plan_like import PlanLike, is_area, noun
from siteselect.reporting.projection import lonlat_bounds, map_crs

Floats = NDArray[np.float64]
#: A chosen place that the page's first plan does not have; told apart by
#: colour-blind readers from `furniture.PICK` (Okabe and Ito's blue).
OTHER_PICK = "#0072b2"


@dataclass(frozen=True)
class Layer:
    """A layer of the map that a reader switches."""

    key: str
    label: str
    color: str
    shape: str = "square"


@dataclass(frozen=True)
class Sheet:
    """The area of the page, and what is drawn on it.

    Parameters
    ----------
    crs : pyproj.CRS
        Projection of the map.
    xy : ndarray, shape (n_candidates, 2)
        Positions of the candidates [m].
    is_in : ndarray of bool, shape (n_candidates,)
        Candidates that nothing excludes: those that are scored.
    base : GeoDataFrame or None
        Ground.
    cell_km : float
        Size of a cell [km], 0 for points.
    """

    crs: CRS
    xy: Floats
    is_in: NDArray[np.bool_]
    base: gpd.GeoDataFrame | None = field(repr=False)
    cell_km: float


def sheet_of(plan: PlanLike) -> Sheet:
    """Return the sheet that holds a plan and its candidates."""
    frame = plan.candidates
    bounds = lonlat_bounds(frame, plan.sites)
    crs = map_crs(bounds)
    is_in = np.ones(len(frame), dtype=bool)
    if "excluded_by" in frame.columns:
        is_in = (frame["excluded_by"].fillna("").astype(str) == "").to_numpy()
    cell_km = 0.0
    if is_area(frame):
        given = frame["cell_km"].to_numpy(dtype=float, na_value=np.nan)
        known = given[np.isfinite(given) & (given > 0)]
        cell_km = float(np.median(known)) if len(known) else 0.0
    return Sheet(crs, points_on_map(frame, crs), is_in, default_base(bounds), cell_km)


def _lines(shapes: NDArray[np.object_]) -> list[Floats]:
    """Return the coordinates of every line or ring."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    return [shapely.get_coordinates(p) for p in parts[~shapely.is_empty(parts)]]


def _ground(
    base: gpd.GeoDataFrame | None,
    crs: CRS,
    box: tuple[float, float, float, float],
) -> tuple[list[Floats], list[Floats]]:
    """Return ground and borders near the places, as rings and lines [map unit]."""
    if base is None or not len(base):
        return [], []
    west, south, east, north = box
    reach = max(east - west, north - south)
    # A page can be moved about: there is ground well beyond the first view.
    around = (west - reach, south - reach, east + reach, north + reach)
    moved = base.geometry.to_crs(crs)
    near = moved[moved.intersects(shapely.box(*around))]
    shapes = np.asarray(near.simplify(reach / 2500).array, dtype=object)
    cut = shapely.get_parts(shapely.clip_by_rect(shapes, *around))
    cut = cut[(shapely.get_type_id(cut) == 3) & ~shapely.is_empty(cut)]
    rings = _lines(shapely.get_exterior_ring(cut))
    return rings, _lines(shapely.clip_by_rect(shapely.boundary(shapes), *around))


def _paths(lines: Sequence[Floats]) -> dict[str, list[list[float]]]:
    """Return lines as a page holds them [km], to a hundred meters."""
    return {
        name: [[round(float(v), 1) for v in line[:, axis] / 1000] for line in lines]
        for axis, name in enumerate(("xs", "ys"))
    }


def _extent(points: Sequence[Floats], pad: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north of the places [map unit]."""
    every = np.vstack([p for p in points if len(p)] or [np.zeros((1, 2))])
    pad = max(pad, 0.0 if np.ptp(every, axis=0).max() > 2000 else 20_000.0)
    west, south = every.min(axis=0) - pad
    east, north = every.max(axis=0) + pad
    return float(west), float(south), float(east), float(north)


def map_figure(
    bokeh: Any,
    plan: PlanLike,
    sheet: Sheet,
    scoring: Rescoring,
    chosen: dict[str, list[Any]],
) -> tuple[Any, list[Layer]]:
    """Return the map of a plan and its layers, the topmost first.

    Parameters
    ----------
    bokeh : module
        From `library.bokeh_library`.
    plan : PlanLike
        The plan.
    sheet : Sheet
        From `sheet_of`.
    scoring : Rescoring
        Of the candidates that are in.
    chosen : dict of str to list
        From `columns.chosen_columns`.

    Returns
    -------
    figure : bokeh.plotting.figure
        Its renderers are named ``layer:<key>``.
    layers : list of Layer
    """
    frame = plan.candidates
    models = bokeh.models
    places = np.array([chosen["x"], chosen["y"]], dtype=float).T * 1000
    box = _extent([sheet.xy, places], 500 * sheet.cell_km)
    figure = _empty_figure(bokeh, "map")
    layers: list[Layer] = []
    shown: list[Any] = []
    rings, borders = _ground(sheet.base, sheet.crs, box)
    if rings:
        _draw_land(models, figure, rings)
    if "score" in frame.columns and len(frame):
        drawn, layers = _draw_candidates(models, figure, frame, sheet, scoring)
        shown += drawn
    # What is drawn later lies above; bokeh's upper levels are not cut at the edge.
    if borders:
        _draw_borders(models, figure, borders)
        layers.append(Layer("borders", "states", pieces.BORDER, "line"))
    if chosen["x"]:
        words = f"chosen {noun(frame, 2)}, by MW"
        layers.insert(0, Layer("chosen", words, pieces.PICK, "circle"))
    shown += _draw_chosen(figure, models, chosen)
    # The page tells of what is under the pointer itself: a box of bokeh's would be
    # cut off at the edge.
    figure.add_tools(models.HoverTool(renderers=shown, tooltips=None))
    if shown:
        # The first view is of the places; the ground goes on around it.
        figure.x_range.renderers = shown
        figure.y_range.renderers = shown
    figure.add_layout(
        models.ScaleBar(
            range=figure.x_range,
            unit="km",
            dimensional=models.Metric(base_unit="m", include=["m", "km"]),
            bar_length=0.12,
            location="bottom_left",
            border_line_color=None,
        )
    )
    return figure, layers


def _empty_figure(bokeh: Any, name: str) -> Any:
    figure = bokeh.plotting.figure(
        name=name,
        sizing_mode="stretch_both",
        match_aspect=True,
        tools="pan,wheel_zoom,box_zoom,reset,save",
        active_scroll="wheel_zoom",
        background_fill_color=pieces.WATER,
        outline_line_color=pieces.BORDER,
        output_backend="canvas",
        # Every cell stays drawn while the map moves.
        lod_threshold=None,
    )
    figure.axis.visible = False
    figure.grid.visible = False
    figure.toolbar.logo = None
    return figure


def _draw_land(models: Any, figure: Any, rings: Sequence[Floats]) -> None:
    land = figure.patches(
        "xs",
        "ys",
        source=models.ColumnDataSource(_paths(rings)),
        fill_color=pieces.GROUND,
        line_color=None,
    )
    land.level = "image"


def _draw_borders(models: Any, figure: Any, borders: Sequence[Floats]) -> None:
    figure.multi_line(
        "xs",
        "ys",
        source=models.ColumnDataSource(_paths(borders)),
        line_color=pieces.BORDER,
        line_width=0.8,
        name="layer:borders",
    )


def _draw_candidates(
    models: Any, figure: Any, frame: gpd.GeoDataFrame, sheet: Sheet, scoring: Rescoring
) -> tuple[list[Any], list[Layer]]:
    """Draw scored, unknown and excluded candidates, each as a layer."""
    is_in = sheet.is_in
    surface = surface_of(frame, "score")
    mapper = models.LinearColorMapper(
        name="score_colors",
        palette=[to_hex(pieces.SUITABILITY(i / 255)) for i in range(0, 256, 5)],
        low=float(surface.norm.vmin or 0.0),
        high=float(surface.norm.vmax if surface.norm.vmax is not None else 1.0),
    )
    drawn: list[Any] = []
    layers: list[Layer] = []

    def draw(source: Any, paint: Any, key: str, **kwargs: Any) -> None:
        given = {"source": source, "fill_color": paint, "name": f"layer:{key}"}
        if sheet.cell_km:
            glyph = figure.rect(
                "x", "y", sheet.cell_km, sheet.cell_km, dilate=True, **given, **kwargs
            )
        else:
            glyph = figure.scatter("x", "y", size=6, **given, **kwargs)
        glyph.glyph.line_color = None
        glyph.nonselection_glyph = None
        drawn.append(glyph)

    if not is_in.all():
        data = excluded_columns(frame[~is_in], sheet.xy[~is_in])
        draw(models.ColumnDataSource(data), pieces.EXCLUDED, "excluded")
        layers.append(Layer("excluded", "excluded", pieces.EXCLUDED))
    if is_in.any():
        data = candidate_columns(frame[is_in], sheet.xy[is_in], scoring)
        source = models.ColumnDataSource(data, name="candidates")
        # What is known changes with the weights; the page sorts the rows.
        for key, paint in (
            ("unknown", pieces.UNKNOWN),
            ("known", {"field": "score", "transform": mapper}),
        ):
            rows = models.IndexFilter([], name=f"rows:{key}")
            draw(source, paint, key, view=models.CDSView(filter=rows))
        layers.insert(0, Layer("unknown", "not known", pieces.UNKNOWN))
        best = to_hex(pieces.SUITABILITY(0.8))
        layers.insert(0, Layer("known", "candidates", best))
        figure.add_layout(
            models.ColorBar(
                name="color_bar",
                color_mapper=mapper,
                title="score",
                width=12,
                margin=4,
                padding=8,
            ),
            "right",
        )
    return drawn, layers


def _draw_chosen(figure: Any, models: Any, chosen: dict[str, list[Any]]) -> list[Any]:
    """Draw the chosen places, those given up against them, and the one looked up."""
    data = {key: chosen[key] for key in ("x", "y", "size")}
    data["color"] = [pieces.PICK] * len(chosen["x"])
    source = models.ColumnDataSource(data, name="chosen")
    figure.scatter(
        "x",
        "y",
        size="size",
        source=models.ColumnDataSource({"x": [], "y": [], "size": []}, name="gone"),
        fill_color=None,
        line_color=pieces.PICK,
        line_width=1.8,
        line_dash="dotted",
        name="layer:gone",
    )
    picks = figure.scatter(
        "x",
        "y",
        size="size",
        source=source,
        fill_color="color",
        line_color="white",
        line_width=1.2,
        name="layer:chosen",
    )
    figure.scatter(
        "x",
        "y",
        size=40,
        source=models.ColumnDataSource({"x": [], "y": []}, name="found"),
        fill_color=None,
        line_color="#222222",
        line_width=2,
    )
    return [picks] if chosen["x"] else []
