"""Static maps of a plan and of suitability."""

from __future__ import annotations

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pyproj import CRS

from siteselect.errors import check_given
from siteselect.reporting.furniture import Preset
from siteselect.reporting.map_layers import (
    Base,
    default_base,
    points_on_map,
    surface_of,
    touches_states,
)
from siteselect.reporting.map_page import check_frame, compose, ground_of
from siteselect.reporting.plan_like import (
    PlanLike,
    is_synthetic,
    subtitle_line,
    title_line,
)


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
    inset: bool = True,
    crs: CRS | str | None = None,
    units: str = "si",
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
    inset : bool
        Whether a cluster of places is shown enlarged in a free corner of the map.
    crs : CRS or str, optional
        Projection; EPSG:5070 for the contiguous United States, otherwise an
        equal-area projection centered on the extent.
    units : {"si", "us"}, default "si"
        Scale bar in kilometers and meters, or in miles and feet.

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
    check_given(
        plan,
        ("candidates", "sites"),
        "A map shows a plan",
        "a plan of optimize_sites is needed",
        "plan = optimize_sites(sites, ...)",
    )
    frame = plan.candidates
    check_frame(frame, surface, "A map of the plan")
    chosen, notes = ground_of(frame, plan.sites, crs, base)
    return compose(
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
        notes=notes,
        units=units,
        inset=inset,
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
    units: str = "si",
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
    units : {"si", "us"}, default "si"
        Scale bar in kilometers and meters, or in miles and feet.

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
    check_frame(scored, column, "A map of suitability")
    chosen, notes = ground_of(scored, None, crs, base)
    known = int(
        np.isfinite(scored[column].to_numpy(dtype=float, na_value=np.nan)).sum()
    )
    if subtitle is None:
        what = "score" if column == "score" else "figure"
        subtitle = f"{len(scored):,} candidates, {known:,} with a known {what}"
    return compose(
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
        crs=chosen,
        notes=notes,
        units=units,
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


__all__ = [
    "close_figure",
    "default_base",
    "figure_of",
    "plot_plan",
    "plot_suitability",
    "points_on_map",
    "surface_of",
    "touches_states",
]
