"""The chart of a plan's limits: use against bound, what binds, and its price."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from siteselect.errors import LayerError, StudyError, check_given, four_parts, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.chart_paper import (
    chart_axes,
    figure_of_axes,
    height_pt,
    laid_out_width_pt,
    plain_axes,
    short_lines,
    width_pt,
    write_title,
)
from siteselect.reporting.furniture import Preset
from siteselect.reporting.labels import text_size
from siteselect.reporting.plan_like import PlanLike, clean, tidy_number

_FREE = "#9db4cf"
_BINDING = "#b3470a"
#: A use beyond this share of a least amount is cut, and its figure says how much.
_LONGEST = 1.5
#: Columns that the chart reads of the accounts.
LIMIT_COLUMNS = (
    "limit",
    "group",
    "allowed_min",
    "allowed_max",
    "used",
    "binding",
    "price",
)

__all__ = ["LIMIT_COLUMNS", "limits_to_draw", "plot_limits"]


def plot_limits(
    plan: PlanLike,
    ax: Axes | None = None,
    *,
    preset: str | Preset = "page",
    title: str | None = None,
    most: int = 24,
) -> Axes:
    """Draw how much of each limit a plan uses, which bind, and at what price.

    A bar is the use as a share of the bound: of what is allowed at most, or, where
    only a least amount is asked for, of that, hatched. The line at 100 % is the
    bound. Limits that bind are dark, and say what one more unit would change in the
    objective by the dual of the linear relaxation, where that is known.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    ax : matplotlib.axes.Axes, optional
        Axes to draw into; a new figure of the preset's size if None.
    preset : str or Preset
        "page" (180 mm wide), "column" (85 mm), "slide" (16:9) or "a3".
    title : str, optional
        Replaces the title; "" leaves it out.
    most : int, default 24
        Most bars [count]: of a limit with many groups those that bind, then the
        fullest; how many more there are is said.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    LayerError
        If the plan has no accounts of limits.
    StudyError
        If there is no such preset, or ``most`` is no count.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0, "cost_usd_per_mw": 1e7},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(
    ...     sites, power_mw=(100, 100), budget_usd=2e9, site_mw=[100])
    >>> ax = ss.plot_limits(plan)
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "name"]
    ['power', 'budget']
    >>> [round(float(bar.get_width())) for bar in ax.patches]
    [100, 50]
    """
    check_given(
        plan,
        ("limits",),
        "A chart of limits was asked for",
        "a plan",
        "plot_limits(plan)",
    )
    table, hidden = limits_to_draw(plan.limits, most)
    is_new = ax is None
    ax, sizes = chart_axes(ax, preset, 8 + 2.5 * max(len(table), 2))
    lines = height_pt(ax) / (1.25 * sizes.text_pt)
    if is_new:
        figure = figure_of_axes(ax)
        lines = figure.get_figheight() * 72 / (1.25 * sizes.text_pt) - 8
    fit = max(int(lines / 2.2), 1)
    if fit < len(table):
        table, hidden = limits_to_draw(plan.limits, fit)
    at = np.arange(len(table))
    share = table["share"].to_numpy(dtype=float)
    length = np.clip(np.nan_to_num(share, posinf=_LONGEST), 0, _LONGEST)
    binding = table["binding"].to_numpy(dtype=bool)
    bars = ax.barh(
        at + 0.2,
        100 * length,
        height=0.36,
        color=[_BINDING if b else _FREE for b in binding],
        gid="use",
    )
    for bar, least in zip(bars, table["is_least"], strict=True):
        if least:
            bar.set_hatch("////")
            bar.set_edgecolor("white")
            bar.set_linewidth(0)
    # The bound crosses the bars, not what is written above them.
    lines_of_bounds = ax.vlines(
        np.full(len(at), 100.0), at - 0.04, at + 0.44, color=pieces.INK, zorder=3
    )
    lines_of_bounds.set_gid("bound")
    ax.set_yticks([])
    plain_axes(ax, sizes)
    ax.xaxis.set_major_locator(MultipleLocator(50 if width_pt(ax) < 250 else 25))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.0f} %"))
    longest = max(100.0, *(100 * length)) if len(table) else 100.0
    ax.set_xlim(0, longest * 1.005)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlabel("share of the bound in use")
    width = laid_out_width_pt(ax)
    # Renderers round glyphs to pixels: a line may come out some percent wider.
    texts = [str(said) for said in table["said"]]
    longest_pt = max((text_size(t, sizes.text_pt, "bold")[0] for t in texts), default=0)
    right = 1.0 - 0.05 * longest_pt / width
    for y, row in zip(at, table.to_dict("records"), strict=True):
        weight = "bold" if row["binding"] else "normal"
        said = str(row["said"])
        room = width - text_size(said, sizes.text_pt, weight)[0] - 2 * sizes.text_pt
        name = short_lines(str(row["name"]), room, sizes.text_pt, 1, weight)
        for x, text, gid in ((0.0, name, "name"), (right, said, "figure")):
            written = pieces.write_text(
                ax,
                ax.get_yaxis_transform(),
                x,
                y - 0.08,
                text,
                sizes.text_pt,
                weight=weight,
                gid=gid,
                ha="right" if x else "left",
                va="bottom",
                halo_pt=1.6,
            )
            # Nor do the lines of the grid cross it.
            written.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    _say(ax, plan, table, hidden, sizes, title)
    return ax


def _say(
    ax: Axes,
    plan: PlanLike,
    table: pd.DataFrame,
    hidden: int,
    sizes: Preset,
    title: str | None,
) -> None:
    """Write the title and what the reader must know of the figures."""
    count = int(table["binding"].sum())
    said = f"{count} of {len(table)} limits shown bind" if len(table) else "No limits"
    if count == 1:
        said = f"1 of {len(table)} limits shown binds"
    note = "Dark: binding."
    if table["is_least"].any():
        note += " Hatched: a least amount, met from 100 % on."
    if table["price"].notna().any():
        name = str(clean(str(plan.objective_name)))
        note += (
            f" Price: change of the objective [{name}] by one more unit (dual of the "
            "linear relaxation)."
        )
    if hidden:
        note += f" {hidden:,} more that bind less are left out."
    if title is not None:
        said, note = title, note if title else ""
    write_title(ax, said, sizes, note)


def limits_to_draw(limits: Any, most: int = 24) -> tuple[pd.DataFrame, int]:
    """Return the accounts that a chart has room for, and how many it has not.

    Parameters
    ----------
    limits : pandas.DataFrame
        Accounts, as ``plan.limits``.
    most : int
        Most rows [count].

    Returns
    -------
    tuple of DataFrame and int
        Rows in the order of the accounts with ``name``, ``share`` (of the bound in
        use [-]), ``is_least`` (whether the bound is a least amount), ``said``,
        ``binding`` and ``price``; and the number of rows left out.

    Raises
    ------
    LayerError, StudyError
        If these are no accounts, or ``most`` is no count.

    Examples
    --------
    >>> table, hidden = limits_to_draw(pd.DataFrame({
    ...     "limit": ["water"] * 3, "group": ["a", "b", "c"],
    ...     "allowed_min": float("-inf"), "allowed_max": 10.0, "unit": "m3",
    ...     "used": [2.0, 10.0, 5.0],
    ...     "binding": [False, True, False], "price": [0.0, 3.0, 0.0]}), most=2)
    >>> table["name"].tolist(), hidden
    (['water: b', 'water: c'], 1)
    >>> table["said"].tolist()
    ['10 of 10 m3, price 3', '5 of 10 m3']
    """
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise StudyError(
            four_parts(
                "Limits are drawn as bars",
                f"found most={most!r}",
                "allowed are whole numbers from 1",
                "pass for instance most=24",
            )
        )
    found = list(getattr(limits, "columns", ()))
    lost = [column for column in LIMIT_COLUMNS if column not in found]
    if lost:
        raise LayerError(
            four_parts(
                "The chart of limits is drawn of a plan's accounts",
                f"found no column {shown(map(repr, lost))}",
                f"columns {shown(map(repr, LIMIT_COLUMNS))} are needed",
                "pass what siteselect.optimize_sites returned",
            )
        )
    # What is only told, without a bound, is no limit.
    ends = limits[["allowed_min", "allowed_max"]].astype("float64")
    table = limits[np.isfinite(ends).any(axis=1)].reset_index(drop=True)
    low = table["allowed_min"].to_numpy(dtype=float, na_value=np.nan)
    high = table["allowed_max"].to_numpy(dtype=float, na_value=np.nan)
    used = table["used"].to_numpy(dtype=float, na_value=np.nan)
    table["is_least"] = ~np.isfinite(high) & np.isfinite(low)
    bound = np.where(np.isfinite(high), high, low)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(bound == 0, np.where(used == 0, 1.0, np.inf), used / bound)
    table["share"] = share
    years = (
        table["year"].astype(str)
        if "year" in found and table["year"].nunique() > 1
        else pd.Series("", index=table.index)
    )
    table["name"] = [
        _name(f"{limit} {year}".strip(), group)
        for limit, year, group in zip(
            table["limit"].astype(str), years, table["group"].map(_text), strict=True
        )
    ]
    if "kind" in found:
        kind = table["kind"].map(_text)
        is_one_of_many = table["name"].duplicated(keep=False) & (kind != "")
        table.loc[is_one_of_many, "name"] += ": " + kind.map(clean)
    units = table["unit"].map(_text) if "unit" in found else [""] * len(table)
    table["said"] = [
        _figures(*row)
        for row in zip(
            used, low, high, units, table["binding"], table["price"], strict=True
        )
    ]
    # Binding ones first, then the fullest of each limit, then the fullest of all.
    closeness = np.nan_to_num(np.where(table["is_least"], -share, share), nan=-9.0)
    fullest = np.lexsort((table.index, -closeness, ~table["binding"]))
    leads = np.zeros(len(table), dtype=bool)
    leads[fullest] = ~table["limit"].iloc[fullest].duplicated()
    order = np.lexsort((table.index, -closeness, ~leads, ~table["binding"]))
    kept = np.sort(order[: int(most)])
    return table.iloc[kept], max(len(table) - len(kept), 0)


def _name(limit: str, group: str) -> str:
    """Return a limit with its group."""
    return str(clean(f"{limit}: {group}" if group else limit))


def _text(value: object) -> str:
    """Return a group or unit as text, nothing where there is none."""
    return "" if value is None or value != value else str(value)


def _figures(
    used: float, low: float, high: float, unit: str, binding: bool, price: float
) -> str:
    """Return use, bound and price as they are written beside a bar."""
    used_text, low_text, high_text = _short(used), _short(low), _short(high)
    if np.isfinite(high) and np.isfinite(low) and low == high:
        said = f"{used_text} of exactly {high_text}"
    elif np.isfinite(high) and np.isfinite(low) and low > 0:
        said = f"{used_text} of {low_text} to {high_text}"
    elif np.isfinite(high):
        said = f"{used_text} of {high_text}"
    else:
        said = f"{used_text}, at least {low_text}"
    if unit:
        said += f" {clean(unit)}"
    if binding and np.isfinite(price):
        said += f", price {tidy_number(float(price)) if price else '0'}"
    return said


def _short(value: float) -> str:
    """Return a figure with few digits; billions and millions as such."""
    if not np.isfinite(value):
        return "n/a"
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:,.4g} {word}"
    return tidy_number(float(value))
