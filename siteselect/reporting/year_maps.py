"""A page of maps, one a year: what stands, and what the year adds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.reporting import furniture as pieces
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.map_grid import SmallMap, map_page
from siteselect.reporting.map_layers import Base
from siteselect.reporting.map_page import compose, ground_of
from siteselect.reporting.picks import Marks, MwScale
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    is_synthetic,
    noun,
    number,
)
from siteselect.reporting.sheet import extent_of
from siteselect.reporting.years_chart import years_of

#: Of what stood in the year before; apart from PICK in any eye.
STANDS = "#5b6673"
#: Face, edge and meaning of each kind.
_KINDS = {
    "new": (pieces.PICK, "#ffffff", "added in the year"),
    "grows": (pieces.PICK, STANDS, "stood before, made larger in the year"),
    "stands": (STANDS, "#ffffff", "stood before"),
}

__all__ = ["STANDS", "plot_year_maps"]


def plot_year_maps(
    plan: Any,
    ax: Axes | Iterable[Axes] | None = None,
    *,
    base: Base = None,
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    crs: CRS | str | None = None,
    units: str = "si",
) -> NDArray[np.object_]:
    """Draw a page of small maps, one a year: what stands, and what the year adds.

    The area of a circle is the facility power that stands in that year, to the same
    scale on every map.

    Parameters
    ----------
    plan : SitePlan
        A plan by year: ``optimize_sites(power_mw={2027: 500, 2030: (3000, 3000)})``.
    ax : Axes or iterable of Axes, optional
        Axes to draw into, one a year, each of which then gets its own legend and
        labels; a new page by default.
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
        The axes of the maps, in the order of the years.

    Raises
    ------
    LayerError
        If the plan's sites do not say what stands in each year.
    StudyError
        If the plan has no years, there are fewer axes than years, or there is no
        such preset.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(
    ...     sites, power_mw={2027: (100, 100), 2030: (200, 200)}, site_mw=[100])
    >>> axs = ss.plot_year_maps(plan, base=False)
    >>> [text.get_text() for ax in axs for text in ax.texts]
    ['2027: 100 MW, all new', '2030: 200 MW, 100 new']
    """
    years = years_of(plan, "A page of maps by year")
    frame = plan.candidates
    chosen, notes = ground_of(frame, plan.sites, crs, base)
    synthetic = is_synthetic(plan)
    parts = {year: _standing(plan.sites, years, year) for year in years}
    scale = MwScale.of(
        [mw for sites, _ in parts.values() for mw in sites["mw"].tolist()],
        max(len(sites) for sites, _ in parts.values()),
    )
    kinds = [kind for kind in _KINDS if any(kind in k for _, k in parts.values())]
    heading = f"Facility power of {noun(frame, 2)} in the year"

    def legend(text: float, inner: float, radius: float) -> list[Block]:
        if not kinds:
            return []
        circles = pieces.size_legend_block(
            scale.shown_mw, lambda mw: scale.radius_pt(mw, radius), text, heading
        )
        return [circles, pieces.kinds_block([_KINDS[k] for k in kinds], text)]

    def small(year: int) -> SmallMap:
        sites, found = parts[year]

        def draw(ax: Axes, sizes: Preset, text: str, furniture: bool) -> Any:
            marks = Marks(
                [_KINDS[kind][0] for kind in found],
                [_KINDS[kind][1] for kind in found],
                _texts(sites, found),
                found,
                lambda text, inner: [
                    pieces.kinds_block([_KINDS[k] for k in kinds], text)
                ],
            )
            return compose(
                frame=frame,
                picks=sites,
                ax=ax,
                base=base,
                preset=sizes,
                title=text,
                subtitle="",
                synthetic=synthetic and furniture,
                furniture=furniture,
                labels=furniture,
                crs=chosen,
                notes=notes,
                units=units,
                marks=marks,
                scale=scale,
            )

        return SmallMap(_titles(year, sites), draw)

    total, count = float(parts[years[-1]][0]["mw"].sum()), len(parts[years[-1]][0])
    if title is None:
        title = f"Year by year to {number(total)} MW in {count:,} {noun(frame, count)}"
    if subtitle is None:
        subtitle = "The area of a circle is the power that stands in that year"
    lines = [(SYNTHETIC_NOTICE, True)] if synthetic else []
    return map_page(
        [small(year) for year in years],
        ax,
        preset,
        crs=chosen,
        extent=extent_of([frame, plan.sites], None, chosen),
        units=units,
        title=title,
        subtitle=subtitle,
        legend=legend,
        notes=[*lines, *((line, False) for line in notes)],
    )


def _standing(
    sites: gpd.GeoDataFrame, years: list[int], year: int
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return what stands in a year, with its megawatts, and the kind of each."""
    now = sites[f"mw_{year}"].to_numpy(dtype=float)
    at = years.index(year)
    before = np.zeros(len(sites))
    if at:
        before = sites[f"mw_{years[at - 1]}"].to_numpy(dtype=float)
    stands = now > 0
    held = gpd.GeoDataFrame(
        {"mw": now[stands], "new_mw": (now - before)[stands]},
        index=sites.index[stands],
        geometry=sites.geometry.to_numpy()[stands],
        crs=sites.crs,
    )
    kinds = np.where(before == 0, "new", np.where(now > before, "grows", "stands"))
    return held, kinds[stands].tolist()


def _texts(sites: gpd.GeoDataFrame, kinds: list[str]) -> list[str]:
    """Return what is said of each place: its megawatts, and how many are new."""
    return [
        f"{number(mw)} MW (+{number(new)})" if kind == "grows" else f"{number(mw)} MW"
        for mw, new, kind in zip(sites["mw"], sites["new_mw"], kinds, strict=True)
    ]


def _titles(year: int, sites: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Return what a map shows, in fewer and fewer words."""
    mw, new = float(sites["mw"].sum()), float(sites["new_mw"].sum())
    if not mw:
        return (f"{year}: nothing stands yet", f"{year}: 0 MW")
    said = "all new" if new == mw else f"{number(new)} new" if new else "none new"
    return (f"{year}: {number(mw)} MW, {said}", f"{year}: {number(mw)} MW", str(year))
