"""A page of maps, one a criterion: where each is good, where poor, where unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.fonts import isolated
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.map_grid import SmallMap, map_page
from siteselect.reporting.map_layers import Base, surface_of
from siteselect.reporting.map_page import check_frame, compose, ground_of
from siteselect.reporting.plan_like import SYNTHETIC_NOTICE, criteria_of, is_synthetic
from siteselect.reporting.sheet import extent_of

__all__ = ["plot_criteria"]

_SUBTITLE = "What the score is made of, each criterion with its weight"


def plot_criteria(
    scored: gpd.GeoDataFrame,
    names: Sequence[str] | None = None,
    ax: Axes | Iterable[Axes] | None = None,
    *,
    base: Base = None,
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    crs: CRS | str | None = None,
    units: str = "si",
) -> NDArray[np.object_]:
    """Draw a page of small maps, one a criterion, all in the same colours.

    Parameters
    ----------
    scored : GeoDataFrame
        What `score_sites` returned, with its ``<name>_value`` columns.
    names : sequence of str, optional
        Which criteria, in this order; all by default.
    ax : Axes or iterable of Axes, optional
        Axes to draw into, one a criterion; a new page by default.
    base : GeoDataFrame, None or False
        Ground of the maps; None takes the bundled states, False draws none.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title, subtitle : str, optional
        Replace the lines above the page; "" leaves one out.
    crs : CRS or str, optional
        Projection, chosen by extent if None.
    units : {"si", "us"}, default "si"
        Scale bars in kilometers and meters, or in miles and feet.

    Returns
    -------
    ndarray of Axes, shape (n,)
        The axes of the maps, in the order of the criteria.

    Raises
    ------
    LayerError
        If the frame holds no values of criteria, or none of a name.
    StudyError
        If there are fewer axes than criteria, or there is no such preset.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 300.0], "acres": [80.0, 90.0]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 33]), crs=4326,
    ... )
    >>> scored = ss.score_sites(sites, [
    ...     ss.Criterion("grid", ss.Column("mw"), ss.Rising(0, 1000), weight=0.7),
    ...     ss.Criterion("land", ss.Column("acres"), ss.Rising(0, 100), weight=0.3),
    ... ])
    >>> axs = ss.plot_criteria(scored, base=False)
    >>> [text.get_text() for ax in axs for text in ax.texts]
    ['grid · weight 0.7', 'land · weight 0.3']
    """
    check_frame(scored, None, "A page of criteria")
    weights = {str(c.get("name")): c.get("weight") for c in criteria_of(scored)}
    wanted = _names(scored, names, weights)
    chosen, notes = ground_of(scored, None, crs, base)
    synthetic = is_synthetic(scored)

    def small(name: str) -> SmallMap:
        def draw(ax: Axes, sizes: Preset, text: str, furniture: bool) -> Any:
            return compose(
                frame=scored,
                column=f"{name}_value",
                picks=None,
                ax=ax,
                base=base,
                preset=sizes,
                title=text,
                subtitle="",
                synthetic=synthetic and furniture,
                heading="Value (0 to 1)",
                furniture=furniture,
                crs=chosen,
                notes=notes,
                units=units,
                span=(0.0, 1.0),
            )

        weight = weights.get(name)
        if not _is_number(weight):
            return SmallMap((isolated(name),), draw)
        tail = f" · {weight:.3g}"
        said = isolated(name)
        return SmallMap((f"{said} · weight {weight:.3g}", said + tail), draw, tail)

    def legend(text: float, inner: float, radius: float) -> list[Block]:
        bar = pieces.color_bar_block(
            Normalize(0, 1),
            pieces.SUITABILITY,
            text,
            "Value of the criterion (0 poor, 1 as good as it gets)",
            length=min(17.5 * text, inner),
        )
        swatches = []
        surfaces = [surface_of(scored, f"{name}_value") for name in wanted]
        if any(surface.is_excluded.any() for surface in surfaces):
            swatches.append((pieces.EXCLUDED, "excluded"))
        if any(surface.is_unknown.any() for surface in surfaces):
            swatches.append((pieces.UNKNOWN, "not known"))
        return [bar, *([pieces.swatch_block(swatches, text)] if swatches else [])]

    count = len(wanted)
    head = f"{count:,} criteria" if count != 1 else "1 criterion"
    if title is None:
        title = f"{head} over {len(scored):,} candidates"
    lines = [(SYNTHETIC_NOTICE, True)] if synthetic else []
    return map_page(
        [small(name) for name in wanted],
        ax,
        preset,
        crs=chosen,
        extent=extent_of([scored], None, chosen),
        units=units,
        title=title,
        subtitle=_SUBTITLE if subtitle is None else subtitle,
        legend=legend,
        notes=[*lines, *((line, False) for line in notes)],
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _names(
    scored: gpd.GeoDataFrame, names: Sequence[str] | None, noted: dict[str, Any]
) -> list[str]:
    """Return the criteria to draw, those that were noted first."""
    columns = [str(c) for c in scored.columns]
    held = [c.removesuffix("_value") for c in columns if c.endswith("_value")]
    known = [name for name in noted if name in held] or held
    if names is None:
        wanted = known
    else:
        wanted = [names] if isinstance(names, str) else [str(n) for n in names]
    lost = [name for name in wanted if name not in held]
    if lost or not wanted:
        raise LayerError(
            four_parts(
                "A page of criteria was asked for"
                + (f" with {shown(map(repr, lost))}" if lost else ""),
                f"the frame holds values of {shown(held) if held else 'no criterion'}",
                "columns <name>_value, as score_sites writes them",
                "Call score_sites(sites, criteria) first."
                + (nearest_name(lost[0], held) if lost else ""),
            )
        )
    return wanted
