"""Accounts of the limits: allowed, used, and what one more unit would bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteselect.infrastructure import columns
from siteselect.reporting.page_cells import (
    amount,
    place_of,
    real,
    records,
    sheet,
    text,
)
from siteselect.reporting.plan_like import PlanLike, percent, tidy_number
from siteselect.reporting.unit_system import UnitSystem

# Words for the kinds of accounts that the limits keep.
_KINDS = {"total": "", "power": "", "money": "", "average": "average, weighted by MW"}
# Prices below this are rounding errors of the relaxation.
_FREE = 1e-12
# Lines that a half page has room for.
_MOST_LIMITS = 6


def units_of_limits(plan: PlanLike) -> dict[str, str]:
    """Return the units of limits whose bound is a column that `prepare` knows.

    Parameters
    ----------
    plan : SitePlan
        The plan; one that does not carry its limits tells no unit.

    Returns
    -------
    dict of str to str
        Name of the limit to unit.
    """
    compiled = getattr(plan, "compiled", None)
    known = columns()["unit"].to_dict()
    found: dict[str, str] = {}
    for limit in getattr(compiled, "limits", ()):
        # A total is compared with a column of bounds, an average with its own.
        for name in ("at_most", "at_least", "column", "value"):
            column = getattr(limit, name, None)
            if isinstance(column, str) and column in known:
                found[str(limit.name)] = str(known[column])
                break
    return found


def with_units(plan: PlanLike, limits: pd.DataFrame, units: UnitSystem) -> pd.DataFrame:
    """Return the accounts with their units filled in and turned into a system.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    limits : DataFrame
        What `limits_table` returned.
    units : UnitSystem
        The system.

    Returns
    -------
    DataFrame
        A copy; a price is per the new unit.
    """
    if not len(limits):
        return limits
    known = units_of_limits(plan)
    table = limits.copy()
    given = (
        table["unit"].map(text)
        if "unit" in table.columns
        else pd.Series("", index=table.index)
    )
    filled = [
        unit or known.get(text(name), "")
        for unit, name in zip(given, table["limit"], strict=True)
    ]
    turned = [units.factor(unit) for unit in filled]
    factor = np.array([f for f, _ in turned])
    table["unit"] = [word for _, word in turned]
    for name in ("allowed_min", "allowed_max", "used", "slack"):
        if name in table.columns:
            table[name] = table[name].map(real).to_numpy() * factor
    if "price" in table.columns:
        table["price"] = table["price"].map(real).to_numpy() / factor
    return table


def is_binding(value: object) -> bool:
    """Tell whether an account says that it binds.

    Parameters
    ----------
    value : object
        Its cell.

    Returns
    -------
    bool
        False where it is not known.
    """
    return value is not None and value is not pd.NA and value == 1


def limits_sheet(limits: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the accounts as the template takes them, binding rows in bold.

    Parameters
    ----------
    limits : DataFrame
        What `with_units` returned.
    frame : DataFrame
        The chosen sites, for the names of counties.

    Returns
    -------
    dict
        A `sheet`; its rows have ``use``, the share used [percent] or None.
    """
    has_years = "year" in limits.columns and limits["year"].notna().any()
    rows, uses, marked = [], [], []
    for item in records(limits):
        unit = text(item.get("unit"))
        kind = text(item.get("kind"))
        price = real(item.get("price"))
        price = 0.0 if abs(price) < _FREE else price
        binds = is_binding(item.get("binding"))
        top, used = real(item.get("allowed_max")), real(item.get("used"))
        share = used / top if np.isfinite(top) and top > 0 else np.nan
        year = [_whole(item.get("year"))] if has_years else []
        rows.append(
            (
                text(item.get("limit")),
                group_name(item.get("group"), frame),
                *year,
                _KINDS.get(kind, kind),
                amount(real(item.get("allowed_min")), unit),
                amount(top, unit),
                amount(used, unit),
                percent(share) if np.isfinite(share) else "",
                unit,
                "yes" if binds else "",
                tidy_number(price) if np.isfinite(price) else "–",
            )
        )
        uses.append(
            f"{min(max(100 * share, 0.0), 100.0):.0f}" if np.isfinite(share) else None
        )
        marked.append(binds)
    heads = ["limit", "group", *(["year"] if has_years else []), "counts"]
    first = len(heads)
    heads += ["at least", "at most", "used", "of limit", "unit", "binds", "price"]
    table = sheet(
        heads,
        rows,
        numbers=(first, first + 1, first + 2, first + 3, first + 6),
        marked=marked,
    )
    for row, use in zip(table["rows"], uses, strict=True):
        row["use"] = use
    return table


def _whole(value: object) -> str:
    year = real(value)
    return f"{year:.0f}" if np.isfinite(year) else ""


def group_name(group: object, frame: pd.DataFrame) -> str:
    """Return a group's label, with the county's name where it is a county.

    Parameters
    ----------
    group : object
        The label.
    frame : DataFrame
        The chosen sites.

    Returns
    -------
    str
        The label alone where it is none of their counties.
    """
    said = text(group)
    if said and {"county", "county_name"} <= set(frame.columns):
        row = frame[frame["county"].astype(str) == said]
        if len(row):
            return f"{place_of(records(row)[0])} ({said})"
    return said


def limits_touched(row: Mapping[str, Any], limits: pd.DataFrame) -> list[str]:
    """Return the accounts that a site counts in, the fullest first.

    Parameters
    ----------
    row : mapping
        A chosen site.
    limits : DataFrame
        What `with_units` returned.

    Returns
    -------
    list of str
        One sentence part an account: those of the site's own groups, and those of
        the whole plan that bind.
    """
    if not len(limits):
        return []
    own = {value for value in row.values() if isinstance(value, str) and value}
    found = []
    for item in records(limits):
        group = text(item.get("group"))
        binds = is_binding(item.get("binding"))
        if group not in own and (group or not binds):
            continue
        top, used = real(item.get("allowed_max")), real(item.get("used"))
        low = real(item.get("allowed_min"))
        unit = text(item.get("unit"))
        name = text(item.get("limit"))
        year = _whole(item.get("year"))
        if group:
            # A county is called by its name, as its code says nothing.
            called = place_of(row) if group == row.get("county") else ""
            name += f" ({called or group}{', ' + year if year else ''})"
        elif year:
            name += f" ({year})"
        share = used / top if np.isfinite(top) and top > 0 else -1.0
        if share >= 0:
            said = f"{amount(used, unit)} of {amount(top, unit)}"
            said += f" {unit}" if unit not in ("", "USD") else ""
            said += f", {percent(share)} used"
        elif np.isfinite(low):
            said = f"{amount(used, unit)}, at least {amount(low, unit)} {unit}".rstrip()
        else:
            said = amount(used, unit)
        said = f"{name}: {said}" + (", binds" if binds else "")
        found.append((not binds, -share, name, said))
    found.sort()
    lines = [said for *_, said in found]
    if len(lines) > _MOST_LIMITS:
        rest = len(lines) - _MOST_LIMITS
        lines = [*lines[:_MOST_LIMITS], f"and {rest} more in the table of limits"]
    return lines
