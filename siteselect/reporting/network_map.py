"""A map of loaded lines: how full the sites of a plan make each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.transforms import Transform

from siteselect.errors import LayerError, four_parts
from siteselect.optimization import SitePlan
from siteselect.optimization.powerflow import PowerFlow
from siteselect.reporting import furniture as pieces
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.labels import text_size
from siteselect.reporting.map_layers import Base
from siteselect.reporting.map_page import compose
from siteselect.reporting.map_scene import Overlay
from siteselect.reporting.plan_like import noun, number
from siteselect.reporting.projection import crs_name, lonlat_bounds, map_crs
from siteselect.reporting.sheet import Sheet

#: Said under every map of flows.
NOT_COVERED = (
    "DC power flow only: voltage, reactive power, losses, stability and short circuit "
    "are not covered. A utility's study supersedes it."
)
#: Widths of a line and of one that is full [pt].
_THIN, _THICK = 0.6, 2.4
#: Beyond 1 by no more than this, a line is full rather than overfilled.
_ROUNDING: Final = 1e-6
#: More full lines than this are not all named.
_NAMED = 8


def _loading_colors() -> Colormap:
    """Build sand to violet: lightness falls steadily, in any eye."""
    stops = ["#e8dcb5", "#e9b872", "#d9825b", "#b1477a", "#6a2a86", "#2c1160"]
    return LinearSegmentedColormap.from_list("loading", stops, N=256)


LOADING = _loading_colors()
NORM = Normalize(0.0, 1.0)


def plot_flows(
    flow: Any,
    ax: Axes | None = None,
    *,
    base: Base = None,
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    labels: bool = True,
    furniture: bool = True,
    synthetic: bool = True,
    units: str = "si",
) -> Axes:
    """Draw how full the sites of a plan make the lines of its network.

    Parameters
    ----------
    flow : PowerFlow or SitePlan
        What ``plan.powerflow()`` returned, or a plan with a `Deliverable`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    base : GeoDataFrame, None or False
        Ground of the map; None takes the bundled states, False draws none.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title, subtitle : str, optional
        Replace the lines that the map writes itself; "" leaves one out.
    labels : bool
        Whether to name sites and full lines.
    furniture : bool
        Whether to draw legends, scale bar, north arrow and notes.
    synthetic : bool, default True
        Whether the network is a synthetic one, as the bundled is, and its lines no
        real facilities; the title then says so.
    units : {"si", "us"}, default "si"
        Scale bar in kilometers and meters, or in miles and feet.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    LayerError
        If this is neither, or no places of the network's buses are known.
    StudyError
        If the plan has no `Deliverable`, or there is no such preset.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, siteselect as ss
    >>> places = gpd.GeoSeries.from_xy([-100, -99], [32, 32], index=[1, 2], crs=4326)
    >>> network = ss.grid.Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [200.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    ... ).with_places(places)
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "bus": [2]}, geometry=places.iloc[1:].to_numpy(), crs=4326
    ... )
    >>> plan = ss.optimize_sites(
    ...     sites, site_mw=[100], limits=[ss.Deliverable(network)]
    ... )
    >>> ax = ss.plot_flows(plan, base=False)
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "subtitle"]
    ['None of 1 rated lines drawn is full.']
    """
    if isinstance(flow, SitePlan):
        flow = flow.powerflow()
    if not isinstance(flow, PowerFlow):
        raise LayerError(
            four_parts(
                "A map of loaded lines was asked for",
                f"found a {type(flow).__name__}",
                "what plan.powerflow() returned, or a plan with a Deliverable",
                "plot_flows(plan.powerflow(network, bus='bus'))",
            )
        )
    table = flow.lines
    shapes = _shapes(flow.network, table)
    drawn = shapes.notna().to_numpy()
    table, lines = table[drawn], gpd.GeoDataFrame(geometry=shapes[drawn], crs=4326)
    bounds = lonlat_bounds(lines, flow.sites)
    crs = map_crs(bounds)
    full = table["binding"].to_numpy(dtype=bool)
    # A plan made without the limit may fill lines beyond what they may carry.
    beyond = int((table["fill"] > 1 + _ROUNDING).sum())
    loading = table["loading"].to_numpy(dtype=float)
    rated = np.isfinite(table["rating_mw"].to_numpy(dtype=float))

    def draw(ax: Axes, sheet: Sheet, clip: Rectangle) -> None:
        paths = [np.asarray(g.coords) for g in lines.geometry.to_crs(sheet.crs)]
        order = np.argsort(np.where(rated, loading, -1.0), kind="stable")
        for gid, which, width, zorder in (
            ("lines", ~full, _THIN, 5),
            ("full-lines", full, _THICK, 6),
        ):
            rows = order[which[order]]
            colors: Any = LOADING(NORM(loading[rows]))
            colors[~rated[rows]] = (0.72, 0.72, 0.72, 1.0)
            found = LineCollection(
                [paths[k] for k in rows],
                colors=colors,
                linewidths=width,
                capstyle="round",
                zorder=zorder,
                gid=gid,
            )
            ax.add_collection(found, autolim=False)
            found.set_clip_path(clip)

    def legend(text: float, inner: float) -> list[Block]:
        bar = pieces.color_bar_block(
            NORM,
            LOADING,
            text,
            "Loading without an outage (share of rating)",
            extend="max",
            length=min(17.5 * text, inner),
        )
        entries = [(_THIN, LOADING(0.3), f"line or transformer ({number(len(table))})")]
        if full.any():
            named = f"full ({number(int(full.sum()))}): no more fits"
            if beyond:
                named = (
                    f"full ({number(int(full.sum()))}), {beyond:,} of them overfilled"
                )
            if table["worst_outage"].notna()[full].any():
                named += ", in its worst case"
            entries.append((_THICK, LOADING(1.0), named))
        return [bar, _line_block(entries, text)]

    shown = _most_loaded(table[full])
    # Of a segment without length as well, as a transformer's is.
    middle = lines.geometry.to_crs(crs).loc[shown.index].centroid
    tags = gpd.GeoDataFrame({"text": _said(shown)}, geometry=middle.array, crs=crs)
    mw = float(flow.sites["mw"].sum())
    count = len(flow.sites)
    said = f"Loaded lines with {number(mw)} MW in {count:,} {noun(flow.sites, count)}"
    said += flow.when
    if synthetic:
        said += " (synthetic network: model lines)"
    most = table["upgrade_mw"].sum()
    none = "None" if not full.any() else f"{int(full.sum()):,}"
    note = f"{none} of {number(int(rated.sum()))} rated lines drawn is full"
    if full.sum() > 1:
        note = note.replace(" is full", " are full")
    if beyond:
        note += f", {beyond:,} of them overfilled"
    if len(shown) < full.sum():
        note += f", the {len(shown)} most loaded of them named"
    if most > 0:
        note += f"; {number(float(most))} MW of line upgrades are in place"
    notes = [NOT_COVERED, f"A straight segment is not a route. {crs_name(crs)}."]
    return compose(
        frame=flow.sites,
        picks=flow.sites,
        ax=ax,
        base=base,
        preset=preset,
        title=said if title is None else title,
        subtitle=note + "." if subtitle is None else subtitle,
        synthetic=synthetic,
        furniture=furniture,
        labels=labels,
        crs=crs,
        notes=notes,
        units=units,
        overlay=Overlay(lines, draw, legend, tags if labels else tags.iloc[:0]),
    )


def _shapes(network: Any, table: pd.DataFrame) -> gpd.GeoSeries:
    """Return the straight segment of each branch; missing where an end is unknown."""
    if network.lon_lat is None:
        raise LayerError(
            four_parts(
                "A map of loaded lines was asked for",
                "the network does not say where its buses are",
                "a network whose buses have places",
                "network.with_places(places), a GeoSeries by bus label, before the "
                "plan is made; or plan.powerflow(network_with_places)",
            )
        )
    index = pd.Index(network.bus)
    ends = np.stack(
        [
            network.lon_lat[index.get_indexer(pd.Index(table[side]))]
            for side in ("from_bus", "to_bus")
        ],
        axis=1,
    )
    known = ~np.isnan(ends).any(axis=(1, 2))
    shapes = np.full(len(table), None, dtype=object)
    shapes[known] = shapely.linestrings(ends[known])
    # Transformers stand within a substation.
    apart = known & (ends[:, 0] != ends[:, 1]).any(axis=1)
    shapes[~apart & ~table["binding"].to_numpy(dtype=bool)] = None
    return gpd.GeoSeries(shapes, index=table.index, crs=4326)


def _most_loaded(full: pd.DataFrame) -> pd.DataFrame:
    """Return the full lines that are named: those that carry most."""
    order = np.argsort(-full["allowed_mw"].to_numpy(dtype=float), kind="stable")
    return full.iloc[order[:_NAMED]]


def _said(full: pd.DataFrame) -> list[str]:
    """Return what is written beside full lines: the outage stands in the table."""
    return [
        f"line {label}" + (f", +{number(float(more))} MW" if more > 0 else "")
        for label, more in zip(full.index, full["upgrade_mw"], strict=True)
    ]


def _line_block(entries: Sequence[tuple[float, Any, str]], size: float) -> Block:
    """Return strokes of some widths with their meaning, one a row."""
    step, length = 1.45 * size, 2.4 * size
    width = length + 4 + max(text_size(label, size)[0] for _, _, label in entries)

    def draw(ax: Axes, points: Transform, x: float, y: float) -> None:
        for i, (stroke, color, label) in enumerate(entries):
            low = y + step * (len(entries) - 1 - i) + 0.12 * size
            ax.plot(
                [x, x + length],
                [low + 0.35 * size] * 2,
                transform=points,
                color=color,
                linewidth=stroke,
                clip_on=False,
                zorder=20,
                gid="stroke",
                scalex=False,
                scaley=False,
            )
            pieces.write_text(
                ax, points, x + length + 4, low, label, size, gid="stroke-label"
            )

    return Block(width, step * len(entries), draw)


__all__ = ["plot_flows"]
