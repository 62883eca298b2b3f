"""A map of the plan to move about in: one page that makes no request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from textwrap import wrap
from typing import Any

import geopandas as gpd
import jinja2
import numpy as np
import shapely
from markupsafe import Markup
from matplotlib.colors import to_hex
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.errors import MissingDependencyError, four_parts
from siteselect.reporting import furniture as pieces
from siteselect.reporting.files import write_text
from siteselect.reporting.maps import (
    default_base,
    points_on_map,
    surface_of,
    touches_states,
)
from siteselect.reporting.not_checked import not_checked_line
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    clean,
    criteria_of,
    dollars,
    is_area,
    is_synthetic,
    noun,
    number,
    source_lines,
    subtitle_line,
    tidy_number,
    title_line,
)
from siteselect.reporting.projection import crs_name, lonlat_bounds, map_crs

Floats = NDArray[np.float64]
# Criteria a hover shows, the weightiest; more would not fit beside the pointer.
_MOST_CRITERIA = 16
_LARGEST_PX = 16.0
_WHY_CHARACTERS = 40
_WHY_ROWS = 6


def _bokeh() -> Any:
    """Import bokeh when it is first needed; it takes long and is optional."""
    try:
        import bokeh.embed.util
        import bokeh.models
        import bokeh.plotting
        import bokeh.resources
    except ImportError as error:
        raise MissingDependencyError(
            four_parts(
                "An interactive page was asked for",
                "bokeh is not installed",
                "bokeh 3.6 or newer, which the extra `interactive` brings",
                "Call pip install 'siteselect[interactive]'",
            )
        ) from error
    return bokeh


def _texts(values: Sequence[object]) -> list[str]:
    return [str(clean("" if _is_missing(v) else str(v))) for v in values]


def _is_missing(value: object) -> bool:
    return value is None or value != value or str(value) == "<NA>"


def _places(frame: gpd.GeoDataFrame) -> list[str]:
    """Return county and state of each row, as far as they are known."""
    parts = [
        _texts(frame[name].tolist())
        for name in ("county_name", "state")
        if name in frame.columns
    ]
    if not parts:
        return [""] * len(frame)
    return [", ".join(p for p in row if p) for row in zip(*parts, strict=True)]


def _km(values: Floats) -> NDArray[np.float32]:
    """Return map units as kilometers, to ten meters, small on the page."""
    rounded: NDArray[np.float32] = np.round(values / 1000, 2).astype("<f4")
    return rounded


def _shown_criteria(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the weightiest criteria that left a contribution, heaviest first."""
    found = [
        item
        for item in criteria_of(frame)
        if f"{item.get('name')}_contribution" in frame.columns
    ]
    found.sort(key=lambda item: -float(item.get("weight") or 0))
    return found[:_MOST_CRITERIA]


def _columns(
    frame: gpd.GeoDataFrame, xy: Floats, criteria: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what a page holds of some rows, and the tooltip that shows it."""
    data: dict[str, Any] = {
        "x": _km(xy[:, 0]),
        "y": _km(xy[:, 1]),
        "site": _texts(frame.index.tolist()),
    }
    tips = [(noun(frame), "@site")]
    places = _places(frame)
    if any(places):
        data["place"] = places
        tips.append(("place", "@place"))
    if "score" in frame.columns:
        score = frame["score"].to_numpy(dtype=float, na_value=np.nan)
        data["score"] = np.round(score, 3).astype("<f4")
        tips.append(("score", "@score{0.000}"))
    for i, item in enumerate(criteria):
        name = str(item["name"])
        values = frame[f"{name}_contribution"].to_numpy(dtype=float, na_value=np.nan)
        # Columns are numbered: a criterion's own name may hold any character.
        data[f"c{i}"] = np.round(values, 3).astype("<f4")
        weight = number(float(item.get("weight") or 0), 2)
        tips.append((f"{clean(name)} (of {weight})", f"@c{i}{{0.000}}"))
    return data, tips


def _picks(
    sites: gpd.GeoDataFrame, xy: Floats
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what a page holds of the chosen places, and their tooltip."""
    data, tips = _columns(sites, xy, [])
    mw = (
        sites["mw"].to_numpy(dtype=float)
        if "mw" in sites.columns
        else np.ones(len(sites))
    )
    known = mw[np.isfinite(mw) & (mw > 0)]
    largest = float(known.max()) if len(known) else 1.0
    share = np.sqrt(np.clip(np.nan_to_num(mw), 0, None) / largest)
    data["size"] = np.round(np.maximum(2 * _LARGEST_PX * share, 5), 1).astype("<f4")
    data["mw"] = [tidy_number(float(v)) for v in mw]
    front = [tips[0], ("MW", "@mw")]
    back: list[tuple[str, str]] = []
    if "why" in sites.columns:
        # A tooltip does not break lines: a long reason takes several rows.
        lines = [wrap(t, _WHY_CHARACTERS) for t in _texts(sites["why"].tolist())]
        for k in range(min(max(map(len, lines), default=0), _WHY_ROWS)):
            rows = [row[k] if k < len(row) else "" for row in lines]
            data[f"why{k}"] = rows
            back.append(("" if k else "why", f"@why{k}"))
    if "cost_usd" in sites.columns:
        data["cost"] = [dollars(float(v)) for v in sites["cost_usd"]]
        front.append(("cost", "@cost"))
    if "substation" in sites.columns:
        data["substation"] = _texts(sites["substation"].tolist())
        front.append(("substation", "@substation"))
    return data, front + tips[1:] + back


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


def _figure(bokeh: Any, plan: PlanLike) -> Any:
    """Return the bokeh figure of a plan."""
    frame, sites = plan.candidates, plan.sites
    bounds = lonlat_bounds(frame, sites)
    crs = map_crs(bounds)
    base = default_base(bounds)
    xy, chosen = points_on_map(frame, crs), points_on_map(sites, crs)
    cell_km = (
        float(np.nanmedian(frame["cell_km"].to_numpy(dtype=float)))
        if is_area(frame) and len(frame)
        else 0.0
    )
    box = _extent([xy, chosen], 500 * cell_km)
    models = bokeh.models
    figure = bokeh.plotting.figure(
        sizing_mode="stretch_both",
        match_aspect=True,
        tools="pan,wheel_zoom,box_zoom,reset,save",
        active_scroll="wheel_zoom",
        background_fill_color=pieces.WATER,
        outline_line_color=pieces.BORDER,
        output_backend="canvas",
    )
    figure.axis.visible = False
    figure.grid.visible = False
    figure.toolbar.logo = None

    entries: list[tuple[str, list[Any]]] = []
    rings, borders = _ground(base, crs, box)
    if rings:
        ground = figure.patches(
            "xs",
            "ys",
            source=models.ColumnDataSource(_paths(rings)),
            fill_color=pieces.GROUND,
            line_color=None,
        )
        ground.level = "image"
    if borders:
        outline = figure.multi_line(
            "xs",
            "ys",
            source=models.ColumnDataSource(_paths(borders)),
            line_color=pieces.BORDER,
            line_width=0.8,
        )
        outline.level = "annotation"

    criteria = _shown_criteria(frame)
    if "score" in frame.columns and len(frame):
        surface = surface_of(frame, "score")
        palette = [to_hex(pieces.SUITABILITY(i / 255)) for i in range(0, 256, 5)]
        mapper = models.LinearColorMapper(
            palette=palette,
            low=float(surface.norm.vmin or 0.0),
            high=float(surface.norm.vmax if surface.norm.vmax is not None else 1.0),
        )
        kinds = (
            ("excluded", surface.is_excluded, pieces.EXCLUDED),
            ("not known", surface.is_unknown, pieces.UNKNOWN),
            ("candidates", surface.is_known, None),
        )
        for name, rows, color in kinds:
            if not rows.any():
                continue
            part = frame[rows]
            shown = criteria if color is None else []
            data, tips = _columns(part, xy[rows], shown)
            if name == "excluded":
                data["because"] = _texts(part["excluded_by"].tolist())
                tips.append(("excluded by", "@because"))
            if color is not None:
                data.pop("score", None)
                tips = [tip for tip in tips if tip[1] != "@score{0.000}"]
            paint = {"field": "score", "transform": mapper} if color is None else color
            source = models.ColumnDataSource(data)
            if cell_km:
                drawn = figure.rect(
                    "x",
                    "y",
                    cell_km,
                    cell_km,
                    source=source,
                    fill_color=paint,
                    dilate=True,
                )
            else:
                drawn = figure.scatter(
                    "x", "y", source=source, size=6, fill_color=paint
                )
            drawn.glyph.line_color = None
            drawn.nonselection_glyph = None
            # A pick is told above the pointer, the cell under it below.
            figure.add_tools(
                models.HoverTool(renderers=[drawn], tooltips=tips, attachment="below")
            )
            entries.append((f"{name} ({int(rows.sum()):,})", [drawn]))
        if surface.is_known.any():
            figure.add_layout(
                models.ColorBar(
                    color_mapper=mapper, title="score", width=12, margin=4, padding=8
                ),
                "right",
            )
    if borders:
        entries.append(("states", [outline]))
    if len(sites):
        data, tips = _picks(sites, chosen)
        picks = figure.scatter(
            "x",
            "y",
            size="size",
            source=models.ColumnDataSource(data),
            fill_color=pieces.PICK,
            line_color="white",
            line_width=1.2,
        )
        picks.level = "overlay"
        figure.add_tools(
            models.HoverTool(renderers=[picks], tooltips=tips, attachment="above")
        )
        entries.insert(0, (f"chosen {noun(frame, 2)}, by MW", [picks]))
    seen = [r for name, drawn_ones in entries if name != "states" for r in drawn_ones]
    if seen:
        # The first view is of the places; the ground goes on around it.
        figure.x_range.renderers = seen
        figure.y_range.renderers = seen
    if entries:
        legend = models.Legend(
            items=[models.LegendItem(label=n, renderers=r) for n, r in entries],
            click_policy="hide",
            location="top_left",
            orientation="horizontal",
            label_text_font_size="12px",
            border_line_color=None,
        )
        figure.add_layout(legend, "above")
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
    return figure


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a document whose objects are numbered in the order they appear.

    Bokeh counts them up through the life of a process, so that a second page
    would differ from the first.
    """
    if isinstance(value, dict):
        out = {}
        for key, item in value.items():
            if key == "id" and isinstance(item, str) and re.fullmatch(r"p\d+", item):
                item = names.setdefault(item, f"p{len(names) + 1}")
            out[key] = _renamed(item, names)
        return out
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value


def _document(bokeh: Any, figure: Any) -> tuple[dict[str, Any], str]:
    """Return a figure as bokeh's own JSON, and the identity of its root."""
    home = bokeh.embed.util.OutputDocumentFor
    with home([figure], always_new=True) as document:
        document.title = ""
        content = document.to_json(deferred=False)
    names: dict[str, str] = {}
    renamed = _renamed(content, names)
    return renamed, names[figure.id]


def _script_text(content: Any) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    said = json.dumps(content, ensure_ascii=True, allow_nan=False)
    said = said.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(said)


def explore(plan: PlanLike, path: str | os.PathLike[str]) -> Path:
    """Write a plan as an interactive page that needs no network.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    path : path-like
        The page, such as "map.html"; its folder is made if missing.

    Returns
    -------
    pathlib.Path
        The page: the chosen places sized by megawatts over the candidates
        colored by score; hovering shows the reasons, the legend switches layers.

    Raises
    ------
    MissingDependencyError
        If bokeh is not installed.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss, tempfile
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     explore(plan, folder + "/map.html").name
    'map.html'
    """
    bokeh = _bokeh()
    content, root = _document(bokeh, _figure(bokeh, plan))
    frame = plan.candidates
    bounds = lonlat_bounds(frame, plan.sites)
    lines = []
    sources = source_lines(frame)
    if sources:
        lines.append("Data: " + " · ".join(sources) + ".")
    ground = "Base map: US Census Bureau, 2017. " if touches_states(bounds) else ""
    lines.append(f"{ground}Projection: {crs_name(map_crs(bounds))}.")
    library = bokeh.resources.Resources(mode="inline", components=["bokeh"]).js_raw
    code = "\n".join(library).replace("</script", "<\\/script")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=clean
    )
    source = resources.files("siteselect.reporting").joinpath("explorer.html")
    page = environment.from_string(source.read_text(encoding="utf-8")).render(
        title=title_line(plan),
        status=subtitle_line(plan),
        synthetic=(
            SYNTHETIC_NOTICE[0].upper() + SYNTHETIC_NOTICE[1:] + "."
            if is_synthetic(plan)
            else ""
        ),
        not_checked=not_checked_line(),
        lines=lines,
        root=root,
        library=Markup(code),
        document=_script_text(content),
    )
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_text(target, page)
