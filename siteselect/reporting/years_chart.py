"""The chart of a plan over the years: megawatts by site against what is asked for."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.chart_paper import chart_axes, plain_axes, write_title
from siteselect.reporting.furniture import Preset
from siteselect.reporting.labels import text_size
from siteselect.reporting.plan_like import clean, noun, number

_REST = "#c9c9c9"

__all__ = ["plot_years", "years_of"]


def plot_years(
    plan: Any,
    ax: Axes | None = None,
    *,
    preset: str | Preset = "page",
    title: str | None = None,
    most: int = 12,
) -> Axes:
    """Draw the megawatts of each site by year, against what the years ask for.

    Sites are stacked in the order in which they start, the earliest at the bottom.
    What is asked for is drawn across each bar: a dash where an amount is asked for
    exactly or at most, a dotted one where at least.

    Parameters
    ----------
    plan : SitePlan
        A plan by year: ``optimize_sites(power_mw={2027: 500, 2030: (3000, 3000)})``.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : str, optional
        Replaces the title; "" leaves it out.
    most : int, default 12
        Most sites with a colour of their own, the largest; all others are one part
        [count].

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    StudyError
        If the plan has no years, there is no such preset, or ``most`` is no count.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(
    ...     sites, power_mw={2027: 100, 2030: (200, 200)}, site_mw=[100])
    >>> ax = ss.plot_years(plan)
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['2027', '2030']
    >>> ax.get_title(loc="left")
    '200 MW in 2 sites by 2030'
    """
    years = years_of(plan, "A chart by year")
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise StudyError(
            four_parts(
                "Sites are stacked with a colour each",
                f"found most={most!r}",
                "allowed are whole numbers from 1",
                "pass for instance most=12",
            )
        )
    ax, sizes = chart_axes(ax, preset, 30, least=0.5)
    stacked = _stacked(plan.sites, years, int(most))
    at = np.arange(len(years))
    colors = _colors(len(stacked))
    below = np.zeros(len(years))
    for k, (name, mw) in enumerate(stacked.items()):
        is_rest = k == len(stacked) - 1 and len(plan.sites) > len(stacked)
        ax.bar(
            at,
            mw,
            0.62,
            bottom=below,
            color=_REST if is_rest else colors[k],
            edgecolor="white",
            linewidth=0.5,
            label=str(clean(str(name))),
            gid="site",
        )
        below = below + mw
    for x, total in zip(at, below, strict=True):
        ax.annotate(
            f"{number(float(total))} MW",
            (x, total),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=sizes.text_pt,
            gid="total",
        )
    asked = _draw_asked(ax, plan.limits, years)
    ax.set_xticks(at, [str(year) for year in years])
    ax.set_xlim(-0.6, len(years) - 0.4)
    top = max([*below, *asked, 1.0])
    ax.set_ylim(0, 1.1 * top)
    plain_axes(ax, sizes, values="y")
    ax.set_ylabel("facility power [MW]", size=sizes.text_pt)
    _legend(ax, sizes)
    if title is None:
        count = int((plan.sites[f"mw_{years[-1]}"] > 0).sum())
        said = f"{number(float(below[-1]))} MW in {count:,} "
        said += f"{noun(plan.candidates, count)} by {years[-1]}"
    else:
        said = title
    write_title(ax, said, sizes)
    return ax


def years_of(plan: Any, what: str) -> list[int]:
    """Return the years of a plan; refuse one that has none.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    what : str
        What was asked for.

    Returns
    -------
    list of int
        The years, the earliest first.

    Raises
    ------
    StudyError
        If the plan has no years.
    LayerError
        If its sites do not say what stands in each.
    """
    years = [int(y) for y in getattr(plan, "by_year", pd.DataFrame()).get("year", ())]
    if not years:
        raise StudyError(
            four_parts(
                f"{what} was asked for",
                "the plan has no years",
                "a plan whose power or budget is given by year",
                "optimize_sites(..., power_mw={2027: 500, 2030: (3000, 3000)})",
            )
        )
    lost = [f"mw_{year}" for year in years if f"mw_{year}" not in plan.sites.columns]
    if lost:
        raise LayerError(
            four_parts(
                f"{what} was asked for",
                f"plan.sites has no column {shown(map(repr, lost))}",
                "a column mw_<year> of each year of the plan",
                "Draw the plan as optimize_sites returned it",
            )
        )
    return years


def _stacked(
    sites: pd.DataFrame, years: list[int], most: int
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the megawatts by year of each site in order of start, others last."""
    mw = sites[[f"mw_{year}" for year in years]].to_numpy(dtype=float)
    last, names = mw[:, -1] if len(mw) else np.empty(0), [str(i) for i in sites.index]
    started = np.argmax(mw > 0, axis=1) if len(mw) else np.empty(0, dtype=int)
    largest = np.argsort(-last, kind="stable")[:most]
    if len(sites) <= most:
        largest = np.arange(len(sites))
    order = sorted(largest, key=lambda i: (started[i], -last[i], names[i]))
    found = {names[i]: mw[i] for i in order}
    rest = np.setdiff1d(np.arange(len(sites)), largest)
    if len(rest):
        found[f"{len(rest):,} others"] = mw[rest].sum(axis=0)
    return found


def _colors(count: int) -> list[str]:
    """Return colours from dark to light in steps that any eye can tell apart."""
    ramp = mpl.colormaps["viridis"]
    return [to_hex(ramp(0.05 + 0.9 * k / max(count - 1, 1))) for k in range(count)]


def _draw_asked(ax: Axes, limits: pd.DataFrame, years: list[int]) -> list[float]:
    """Draw what is asked for in each year; return the amounts [MW]."""
    if "year" not in limits.columns:
        return []
    table = limits[limits["limit"] == "power"]
    drawn: list[float] = []
    styles: tuple[tuple[str, Any, str], ...] = (
        ("allowed_max", "solid", "asked for: at most"),
        ("allowed_min", (0, (1.2, 1.2)), "asked for: at least"),
    )
    for column, style, word in styles:
        rows = [
            (years.index(int(year)), float(mw))
            for year, mw in zip(table["year"], table[column], strict=True)
            if year == year and int(year) in years and np.isfinite(mw) and mw > 0
        ]
        if not rows:
            continue
        x, mw = (np.array(part) for part in zip(*rows, strict=True))
        ax.hlines(
            mw,
            x - 0.4,
            x + 0.4,
            color=pieces.PICK,
            linewidth=2.0,
            linestyles=style,
            label=word,
            zorder=4,
            gid="asked",
        )
        drawn += mw.tolist()
    return drawn


def _legend(ax: Axes, sizes: Preset) -> None:
    """Say which colour is which site, the topmost first, beside the bars or below."""
    handles, names = ax.get_legend_handles_labels()
    if not handles:
        return
    order = [k for k, name in enumerate(names) if name.startswith("asked for:")]
    order += [k for k in range(len(names) - 1, -1, -1) if k not in order]
    wide = sizes.width_mm * pieces.MM
    longest = max(text_size(name, sizes.text_pt)[0] for name in names) + 30
    options: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    if sizes.width_mm < 120:
        columns = max(1, int(0.9 * wide / longest))
        options = {
            "loc": "upper center",
            "bbox_to_anchor": (0.5, -0.12),
            "ncols": columns,
        }
    ax.legend(
        [handles[k] for k in order],
        [names[k] for k in order],
        frameon=False,
        fontsize=sizes.text_pt,
        handlelength=1.6,
        **options,
    )
