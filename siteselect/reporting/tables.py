"""Tables of a plan, as frames, as text and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.reporting.plan_like import PlanLike, tidy_number

# Columns that lead the table, where the plan has them.
_LEADING = (
    "mw",
    "score",
    "state",
    "county",
    "county_name",
    "substation",
    "substation_km",
    "voltage_kv",
    "headroom_mw",
    "cost_usd",
    "pue",
    "carbon_kg_per_mwh",
    "why",
)
# What makes a spreadsheet take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\n")
_LINE_BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " "})


def lon_lat(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one longitude and latitude a row [degree], WGS84.

    Parameters
    ----------
    frame : GeoDataFrame
        Points, or shapes that are shown by a point inside them.

    Returns
    -------
    DataFrame
        Columns ``lon`` and ``lat``, index of the frame.
    """
    if not len(frame):
        return pd.DataFrame({"lon": np.empty(0), "lat": np.empty(0)}, index=frame.index)
    geometry = frame.geometry
    if not (geometry.geom_type == "Point").all():
        geometry = geometry.representative_point()
    where = geometry.to_crs(4326)
    return pd.DataFrame(
        {"lon": where.x.round(6).to_numpy(), "lat": where.y.round(6).to_numpy()},
        index=frame.index,
    )


def sites_table(plan: PlanLike, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the chosen places as a plain table, largest first.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    columns : sequence of str, optional
        Columns to show; None takes all, the telling ones first.

    Returns
    -------
    DataFrame
        One row a place, its label as index, with ``lon`` and ``lat``.

    Examples
    --------
    >>> import geopandas as gpd, types
    >>> from siteselect.reporting import sites_table
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [100.0, 300.0]}, index=["s0", "s1"],
    ...     geometry=gpd.points_from_xy([-99, -98], [31, 32]), crs=4326)
    >>> sites_table(types.SimpleNamespace(sites=sites)).index.tolist()
    ['s1', 's0']
    """
    sites = plan.sites
    table = pd.DataFrame(sites.drop(columns=sites.geometry.name))
    where = lon_lat(sites)
    table = table.drop(columns=[c for c in ("lon", "lat") if c in table.columns])
    leading = [c for c in _LEADING if c in table.columns]
    rest = [c for c in table.columns if c not in leading]
    table = pd.concat([table[leading], where, table[rest]], axis=1)
    table.index.name = sites.index.name or "site"
    if columns is not None:
        table = table[list(columns)]
    if "mw" in sites.columns and len(sites):
        order = np.argsort(-sites["mw"].to_numpy(dtype=float), kind="stable")
        table = table.iloc[order]
    return table


def limits_table(plan: PlanLike) -> pd.DataFrame:
    """Return the accounts of the limits, binding ones first.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    DataFrame
        The plan's ``limits`` in the order a reader asks for them.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> limits_table(plan)["limit"].tolist()
    ['power']
    """
    limits = plan.limits
    if limits is None or not len(limits):
        return pd.DataFrame(
            columns=["limit", "group", "kind", "allowed_min", "allowed_max", "used"]
        )
    if "binding" in limits.columns:
        order = np.argsort(~limits["binding"].fillna(False).astype(bool), kind="stable")
        limits = limits.iloc[order]
    return pd.DataFrame(limits).reset_index(drop=True)


def _cell(value: object, width: int | None) -> str:
    if isinstance(value, bool | np.bool_):
        said = "yes" if value else "no"
    elif isinstance(value, int | float | np.integer | np.floating):
        said = tidy_number(float(value)) if np.isfinite(value) else ""
    elif value is None or value is pd.NA:
        said = ""
    else:
        said = str(value).translate(_LINE_BREAKS)
    if width is not None and len(said) > width:
        said = said[: max(width - 1, 1)] + "…"
    return said


def to_text(
    table: pd.DataFrame, *, max_rows: int = 60, max_width: int | None = 60
) -> str:
    """Return a table as aligned text.

    Parameters
    ----------
    table : DataFrame
        The table; its index is the first column.
    max_rows : int
        Rows to show; the rest is counted.
    max_width : int or None
        Characters a cell may have.

    Returns
    -------
    str
        Lines without trailing blanks.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.reporting import to_text
    >>> print(to_text(pd.DataFrame({"mw": [1000.0, 30.5]}, index=["a", "b"])))
       mw
    a  1,000
    b   30.5
    """
    head = table.iloc[:max_rows]
    columns = [
        [str(table.index.name or "")] + [_cell(v, max_width) for v in head.index]
    ]
    is_right = [False]
    for position, name in enumerate(head.columns):
        values = head.iloc[:, position]
        columns.append([str(name)] + [_cell(v, max_width) for v in values])
        is_right.append(
            pd.api.types.is_numeric_dtype(values)
            and not pd.api.types.is_bool_dtype(values)
        )
    lines = []
    for row in zip(*columns, strict=True):
        cells = []
        for position, cell in enumerate(row):
            wide = max(len(c) for c in columns[position])
            body = max((len(c) for c in columns[position][1:]), default=0)
            if is_right[position] and cell is not columns[position][0]:
                cells.append(cell.rjust(body).ljust(wide))
            else:
                cells.append(cell.ljust(wide))
        lines.append("  ".join(cells).rstrip())
    if len(table) > max_rows:
        lines.append(f"and {len(table) - max_rows} more rows")
    return "\n".join(lines)


def to_csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV with full precision, one line feed a row.

    Parameters
    ----------
    table : DataFrame
        The table; its index is the first column.

    Returns
    -------
    str
        The text; unknown is empty. A text that a spreadsheet would take for a formula
        and work out, one that starts with ``=``, ``+``, ``-`` or ``@``, a tab or a line
        feed and is no number, gets an apostrophe before it: names come
        with other people's layers. Other formats keep it as it is.

    Examples
    --------
    >>> to_csv_text(pd.DataFrame({"mw": [100.0]}, index=["a"])).splitlines()
    [',mw', 'a,100.0']
    >>> to_csv_text(pd.DataFrame({"mw": [-1.0]}, index=["=1+1"])).splitlines()
    [',mw', "'=1+1,-1.0"]
    """
    table = table.copy()
    for at in range(len(table.columns)):
        column = table.iloc[:, at]
        safe = [_as_text_cell(value) for value in column]
        if any(a is not b for a, b in zip(safe, column, strict=True)):
            # With one cell more, which is no list, lists in cells stay cells.
            table.isetitem(at, np.array([*safe, None], dtype=object)[:-1])
    table.columns = _as_text_labels(table.columns)
    table.index = _as_text_labels(table.index)
    return str(table.to_csv(lineterminator="\n"))


def _as_text_labels(labels: pd.Index[Any]) -> pd.Index[Any]:
    """Return labels so that no spreadsheet works one out."""
    safe = [_as_text_cell(label) for label in labels]
    if all(a is b for a, b in zip(safe, labels, strict=True)):
        return labels
    found: pd.Index[Any] = pd.Index(safe, dtype=object, name=labels.name)
    return found


def _as_text_cell(value: Any) -> Any:
    """Return a text so that no spreadsheet works it out."""
    if not isinstance(value, str):
        return value
    # Writers of CSV quote a line feed, but not a carriage return, which ends a row too.
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
