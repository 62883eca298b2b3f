"""Maps of how firm a plan is: its alternatives, and how often its sites survive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.errors import LayerError, StudyError, check_given, four_parts, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.furniture import Block, Preset
from siteselect.reporting.map_grid import SmallMap, map_page
from siteselect.reporting.map_layers import Base
from siteselect.reporting.map_page import compose, ground_of
from siteselect.reporting.picks import Marks, MwScale
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    is_synthetic,
    noun,
    number,
    percent,
    total_mw,
)
from siteselect.reporting.sheet import extent_of

#: Of sites that only other plans choose; apart from PICK in any eye.
OTHER = "#0072b2"
_FACES = {"stays": pieces.PICK, "leaves": "#ffffff", "comes": OTHER}
_EDGES = {"stays": "#ffffff", "leaves": pieces.PICK, "comes": "#ffffff"}

__all__ = ["FIRMNESS", "OTHER", "plot_alternatives", "plot_robustness"]


def _firmness_colors() -> Colormap:
    """Build sand to dark brown: its lightness falls steadily, in any eye."""
    stops = ["#fdeccf", "#f6b26b", "#d55e00", "#6b2500"]
    return LinearSegmentedColormap.from_list("firmness", stops, N=256)


FIRMNESS = _firmness_colors()


def plot_alternatives(
    plan: Any,
    others: Sequence[Any] | int = 5,
    ax: Axes | Iterable[Axes] | None = None,
    *,
    each: bool = False,
    base: Base = None,
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    labels: bool = True,
    furniture: bool = True,
    crs: CRS | str | None = None,
    units: str = "si",
) -> Any:
    """Draw what stays and what changes from a plan to its alternatives.

    Sites that every plan chooses are filled, sites of the plan that some
    alternative leaves are rings, sites that only alternatives choose have another
    colour; the label says in how many plans.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    others : sequence of SitePlan or int, default 5
        The plans to compare it with, such as ``plan.alternatives(5)``; a number
        looks for so many.
    ax : Axes or iterable of Axes, optional
        Axes to draw into; with ``each``, one an alternative. New ones by default.
    each : bool
        Draw a page with a small map of each alternative instead of one map of all.
    base : GeoDataFrame, None or False
        Ground of the map; None takes the bundled states, False draws none.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title, subtitle : str, optional
        Replace the lines that the map writes itself; "" leaves one out.
    labels : bool
        Whether to label the places of the one map.
    furniture : bool
        Whether to draw legends, scale bar, north arrow and notes.
    crs : CRS or str, optional
        Projection, chosen by extent if None.
    units : {"si", "us"}, default "si"
        Scale bar in kilometers and meters, or in miles and feet.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of Axes
        The axes; with ``each`` those of the maps, in the order of the plans.

    Raises
    ------
    StudyError
        If there are no plans to compare with, or there is no such preset.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.7], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 33, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(200, 200), site_mw=[100])
    >>> ax = ss.plot_alternatives(plan, plan.alternatives(1), base=False)
    >>> sorted(t.get_text() for t in ax.texts if t.get_gid() == "label")
    ['0 · 100 MW', '1 · out in 1 of 1', '2 · in 1 of 1']
    """
    given = ("sites", "candidates", "alternatives")
    looks = isinstance(others, int | np.integer)
    check_given(
        plan,
        given if looks else given[:2],
        "A map of alternatives was asked for",
        "a plan",
        "plot_alternatives(plan, plan.alternatives(5))",
    )
    if looks:
        others = plan.alternatives(int(others))  # type: ignore[arg-type]
    # One plan is a list of one.
    plans: list[Any] = [others] if hasattr(others, "sites") else list(others or ())  # type: ignore[arg-type]
    if not plans or not all(hasattr(other, "sites") for other in plans):
        raise StudyError(
            four_parts(
                "A plan was to be drawn beside its alternatives",
                f"found {len(plans)} plans" if not plans else "found what is no plan",
                "one plan or more, of the same candidates",
                "plan.alternatives(5); where there are none, no other plan exists",
            )
        )
    frame = plan.candidates
    chosen, notes = ground_of(frame, plan.sites, crs, base)
    count = len(plans)
    said = _losses(plan, plans)
    if subtitle is None:
        subtitle = said
    if each:
        return _page_of(
            plan, plans, ax, base, preset, title, subtitle, chosen, notes, units
        )
    picks, marks = _compared(plan, plans)
    stay = marks.kinds.count("stays")
    if title is None:
        word = noun(frame, len(plan.sites))
        stays = "stays" if len(plan.sites) == 1 else "stay"
        title = f"{stay} of {len(plan.sites)} {word} {stays} in "
        title += f"all {count} alternatives" if count > 1 else "the alternative"
    axes: Any = ax
    return compose(
        frame=frame,
        picks=picks,
        ax=axes,
        base=base,
        preset=preset,
        title=title,
        subtitle=subtitle,
        synthetic=is_synthetic(plan),
        furniture=furniture,
        labels=labels,
        crs=chosen,
        notes=notes,
        units=units,
        marks=marks,
    )


def _losses(plan: PlanLike, plans: Sequence[PlanLike]) -> str:
    """Say how much worse the alternatives are by the plan's objective."""
    size = max(abs(plan.objective), 1e-9)
    losses = [abs(plan.objective - other.objective) / size for other in plans]
    low, high = percent(min(losses)), percent(max(losses))
    worse = low if low == high else f"{low} to {high}"
    return f"Objective worse by {worse} ({plan.objective_name})"


def _compared(
    plan: PlanLike, plans: Sequence[PlanLike], sizes_of: PlanLike | None = None
) -> tuple[gpd.GeoDataFrame, Marks]:
    """Return the sites of all plans, and how each is drawn.

    A site has the size that it has in ``sizes_of`` (the plan by default), or where it
    is not built there, in the first plan that builds it.
    """
    count = len(plans)
    parts = [_bare(one.sites) for one in (plan, *plans)]
    filled = [part for part in parts if len(part)] or parts[:1]
    every = gpd.GeoDataFrame(pd.concat(filled), crs=plan.candidates.crs)
    by_label = every.groupby(level=0, sort=False)["mw"]
    low, high = by_label.min(), by_label.max()
    every = every[~every.index.duplicated()]
    if sizes_of is not None:
        own = sizes_of.sites["mw"].astype(float)
        there = every.index.isin(own.index)
        every.loc[there, "mw"] = own.reindex(every.index[there]).to_numpy()
    held = np.zeros(len(every), dtype=int)
    for other in plans:
        held += every.index.isin(other.sites.index)
    kinds, texts = [], []
    least = low.reindex(every.index).to_numpy()
    most = high.reindex(every.index).to_numpy()
    for in_plan, times, small, large in zip(
        every.index.isin(plan.sites.index), held, least, most, strict=True
    ):
        if not in_plan:
            kinds.append("comes")
            texts.append(f"in {times} of {count}")
        elif times == count:
            kinds.append("stays")
            sizes = dict.fromkeys(number(float(mw)) for mw in (small, large))
            texts.append(" to ".join(sizes) + " MW")
        else:
            kinds.append("leaves")
            texts.append(f"out in {count - times} of {count}")
    return every, _marks(kinds, texts)


def _bare(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return megawatts and places alone, so that frames of several plans join."""
    return gpd.GeoDataFrame(
        {"mw": sites["mw"].to_numpy(dtype=float)},
        index=sites.index,
        geometry=sites.geometry.to_numpy(),
        crs=sites.crs,
    )


def _marks(kinds: list[str], texts: list[str]) -> Marks:
    """Return how places of the three kinds are drawn."""
    meanings = {
        "stays": "in the plan and in every alternative",
        "leaves": "in the plan, not in every alternative",
        "comes": "only in alternatives",
    }
    said = {
        kind: f"{meaning} ({kinds.count(kind):,})"
        for kind, meaning in meanings.items()
        if kind in kinds
    }
    return Marks(
        [_FACES[kind] for kind in kinds],
        [_EDGES[kind] for kind in kinds],
        texts,
        kinds,
        lambda text, width: [_kinds_block(said, text)] if said else [],
    )


def _kinds_block(meanings: Mapping[str, str], size: float) -> Block:
    """Return a circle of each kind with its meaning, one a line."""
    entries = [(_FACES[kind], _EDGES[kind], said) for kind, said in meanings.items()]
    return pieces.kinds_block(entries, size)


def _page_of(
    plan: PlanLike,
    plans: Sequence[PlanLike],
    axs: Any,
    base: Base,
    preset: str | Preset,
    title: str | None,
    subtitle: str,
    crs: CRS,
    notes: Sequence[str],
    units: str,
) -> NDArray[np.object_]:
    """Draw a small map of each alternative."""
    frame = plan.candidates
    sizes = [float(mw) for one in (plan, *plans) for mw in one.sites["mw"]]
    scale = MwScale.of(sizes, max(len(one.sites) for one in (plan, *plans)))

    def small(other: PlanLike, place: int) -> SmallMap:
        picks, marks = _compared(plan, [other], sizes_of=other)
        quiet = Marks(marks.faces, marks.edges, [""] * len(picks), marks.kinds)

        def draw(ax: Axes, sizes: Preset, text: str, furniture: bool) -> Any:
            return compose(
                frame=frame,
                picks=picks,
                ax=ax,
                base=base,
                preset=sizes,
                title=text,
                subtitle="",
                synthetic=is_synthetic(plan) and furniture,
                furniture=furniture,
                labels=furniture,
                crs=crs,
                notes=notes,
                units=units,
                marks=marks if furniture else quiet,
                scale=scale,
            )

        changed = marks.kinds.count("leaves"), marks.kinds.count("comes")
        loss = abs(plan.objective - other.objective) / max(abs(plan.objective), 1e-9)
        said = plain = f"{place}: {changed[0]} out, {changed[1]} in"
        both = plan.sites.index.intersection(other.sites.index)
        apart = plan.sites["mw"].reindex(both) - other.sites["mw"].reindex(both)
        resized = int((apart.abs() > 0.5).sum())
        if resized:
            said += f", {resized} resized"
        worse = f"{percent(loss)} worse"
        return SmallMap((f"{said}, {worse}", f"{plain}, {worse}", plain), draw)

    def legend(text: float, inner: float, radius: float) -> list[Block]:
        both = {"stays": "in both", "leaves": "plan only", "comes": "alternative only"}
        heading = f"Chosen {noun(frame, 2)}, facility power"
        circles = pieces.size_legend_block(
            scale.shown_mw, lambda mw: scale.radius_pt(mw, radius), text, heading
        )
        return [*([circles] if scale.shown_mw else []), _kinds_block(both, text)]

    lines = [(SYNTHETIC_NOTICE, True)] if is_synthetic(plan) else []
    if title is None:
        title = f"{len(plans)} alternative{'s' if len(plans) != 1 else ''} to "
        title += f"{number(total_mw(plan))} MW in {len(plan.sites)} "
        title += noun(frame, len(plan.sites))
    return map_page(
        [small(other, place) for place, other in enumerate(plans, 1)],
        axs,
        preset,
        crs=crs,
        extent=extent_of([frame], None, crs),
        units=units,
        title=title,
        subtitle=subtitle,
        legend=legend,
        notes=[*lines, *((line, False) for line in notes)],
    )


def plot_robustness(
    plan: PlanLike,
    survival: pd.DataFrame,
    ax: Axes | None = None,
    *,
    base: Base = None,
    preset: str | Preset = "page",
    title: str | None = None,
    subtitle: str | None = None,
    labels: bool = True,
    furniture: bool = True,
    crs: CRS | str | None = None,
    units: str = "si",
) -> Axes:
    """Draw how often each site of a plan survives when weights and layers are shaken.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    survival : pandas.DataFrame
        What ``plan.survival(criteria)`` returned: ``survival``, the share of draws
        in which a site is chosen again [-], by site.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    base : GeoDataFrame, None or False
        Ground of the map; None takes the bundled states, False draws none.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title, subtitle : str, optional
        Replace the lines that the map writes itself; "" leaves one out.
    labels : bool
        Whether to name the places with their shares.
    furniture : bool
        Whether to draw legends, scale bar, north arrow and notes.
    crs : CRS or str, optional
        Projection, chosen by extent if None.
    units : {"si", "us"}, default "si"
        Scale bar in kilometers and meters, or in miles and feet.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    LayerError
        If the table is not one of ``plan.survival``, or of another plan.
    StudyError
        If there is no such preset.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw_free": [900.0, 300.0, 200.0], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> grid = ss.Criterion("grid", ss.Column("mw_free"), ss.Rising(100, 1000))
    >>> scored = ss.score_sites(sites, [grid])
    >>> plan = ss.optimize_sites(scored, power_mw=(100, 100), site_mw=[100])
    >>> ax = ss.plot_robustness(plan, plan.survival([grid], n=5), base=False)
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "label"]
    ['0 · 100 %']
    """
    check_given(
        plan,
        ("sites", "candidates"),
        "A map of how often sites survive was asked for",
        "a plan",
        "plot_robustness(plan, plan.survival(criteria))",
    )
    share = _shares(plan, survival)
    frame = plan.candidates
    chosen, notes = ground_of(frame, plan.sites, crs, base)
    draws = survival.attrs.get("draws")
    often = f" of {int(draws):,} draws" if draws else " of the draws"

    def legend(text: float, inner: float) -> list[Block]:
        if not len(share):
            return []
        return [
            pieces.color_bar_block(
                Normalize(0, 100),
                FIRMNESS,
                text,
                f"Chosen again [%{often}]",
                length=min(17.5 * text, inner),
            )
        ]

    marks = Marks(
        [tuple(FIRMNESS(float(v))) if np.isfinite(v) else "#ffffff" for v in share],
        [pieces.INK] * len(share),
        [f"{100 * v:.0f} %" if np.isfinite(v) else "not known" for v in share],
        [""] * len(share),
        legend,
    )
    if title is None:
        firm = int((share >= 0.5).sum())
        word = noun(frame, len(share))
        title = f"{firm} of {len(share)} {word} chosen again in half{often} or more"
    if subtitle is None:
        subtitle = "Weights and layers shaken by what is not known of them"
        if "survival_near" in survival.columns and len(share):
            near = survival.loc[plan.sites.index, "survival_near"]
            firm = int((near >= 0.5).sum())
            subtitle += f"; counting a pick nearby, {firm} of {len(share)}"
    return compose(
        frame=frame,
        picks=plan.sites,
        ax=ax,
        base=base,
        preset=preset,
        title=title,
        subtitle=subtitle,
        synthetic=is_synthetic(plan),
        furniture=furniture,
        labels=labels,
        crs=chosen,
        notes=notes,
        units=units,
        marks=marks,
    )


def _shares(plan: PlanLike, survival: pd.DataFrame) -> NDArray[np.float64]:
    """Return the share of draws of each site, refused if of another plan."""
    found = getattr(survival, "columns", ())
    if "survival" not in found:
        raise LayerError(
            four_parts(
                "A map of how often sites survive was asked for",
                f"found no column 'survival' in {type(survival).__name__}",
                "the table of plan.survival",
                "plot_robustness(plan, plan.survival(criteria))",
            )
        )
    lost = plan.sites.index.difference(survival.index)
    if len(lost) or not survival.index.is_unique:
        raise LayerError(
            four_parts(
                "A map of how often sites survive was asked for",
                f"the table has no row for {shown(map(repr, lost))}"
                if len(lost)
                else "the table has a site twice",
                "one row for each site of this plan",
                "plot_robustness(plan, plan.survival(criteria)) with the same plan",
            )
        )
    values = survival.loc[plan.sites.index, "survival"]
    return np.asarray(values.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
