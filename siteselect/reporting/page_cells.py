"""Cells and tables of a page, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from siteselect.reporting.plan_like import dollars, number, percent, tidy_number

# Words up to this length stay whole in a cell.
_SHORT = 14
# What rounding errors leave of nothing is nothing.
_NOTHING = 1e-6


def sheet(
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[int] = (),
    marked: Sequence[bool] = (),
) -> dict[str, Any]:
    """Return a table as the template takes it.

    Parameters
    ----------
    heads : sequence of str
        Headings of the columns.
    rows : sequence of sequences
        Cells, one sequence a row.
    numbers : sequence of int
        Positions of the columns that are right-aligned.
    marked : sequence of bool
        Rows in bold.

    Returns
    -------
    dict
        ``heads`` with ``text`` and ``kind``, ``rows`` with ``cells``.

    Examples
    --------
    >>> found = sheet(["site", "MW"], [["a", "100"]], numbers=[1])
    >>> [head["kind"] for head in found["heads"]]
    ['k', 'n']
    """
    return {
        "heads": [
            {
                "text": head,
                "kind": "n"
                if i in numbers
                # Short words stay whole; longer ones may break to fit the page.
                else "k"
                if all(len(str(row[i])) <= _SHORT for row in rows)
                else "",
            }
            for i, head in enumerate(heads)
        ],
        "rows": [
            {"cells": list(row), "is_marked": bool(marked[i]) if marked else False}
            for i, row in enumerate(rows)
        ],
    }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one dict a row, by column name.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is left out.

    Returns
    -------
    list of dict
        In the order of the rows.
    """
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def real(value: object) -> float:
    """Return a cell as a number; NaN where it is none.

    Parameters
    ----------
    value : object
        The cell.

    Returns
    -------
    float
        Its number.
    """
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def text(value: object) -> str:
    """Return a cell's text; unknown is empty.

    Parameters
    ----------
    value : object
        The cell.

    Returns
    -------
    str
        Its text.
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return ""
    return str(value)


def unit_text(value: object) -> str:
    """Format a unit as it stands after a figure; a plain number has none.

    Parameters
    ----------
    value : object
        A unit, such as ``"km"``, or ``"1 (withdrawals / supply)"`` of a ratio.

    Returns
    -------
    str
        The unit without the "1".

    Examples
    --------
    >>> unit_text("km"), unit_text("1 (withdrawals / supply)"), unit_text("1")
    ('km', '(withdrawals / supply)', '')
    """
    unit = text(value).strip()
    return unit[1:].lstrip() if unit == "1" or unit.startswith("1 (") else unit


def amount(value: float, unit: str) -> str:
    """Format an amount of a limit; unlimited is a dash.

    Parameters
    ----------
    value : float
        The amount.
    unit : str
        Its unit; dollars and shares are spelled their own way.

    Returns
    -------
    str
        The amount without its unit.

    Examples
    --------
    >>> amount(45e9, "USD"), amount(float("inf"), "MW"), amount(0.35, "share")
    ('$45.00 billion', '–', '35.0 %')
    """
    if not np.isfinite(value):
        return "–"
    if unit == "USD":
        return dollars(value)
    if unit.startswith("share"):
        return percent(value)
    return tidy_number(0.0 if abs(value) < _NOTHING else value)


def span(low: float, mid: float, high: float, digits: int = 0) -> str:
    """Format a figure with its range.

    Parameters
    ----------
    low, mid, high : float
        The figure and its ends; unknown is NaN.
    digits : int
        Digits after the point.

    Returns
    -------
    str
        ``"mid (low to high)"``, or ``mid`` alone where the ends are not known.

    Examples
    --------
    >>> span(50.0, 110.0, 430.0), span(float("nan"), 110.0, float("nan"))
    ('110 (50 to 430)', '110')
    """
    said = number(mid, digits)
    if np.isfinite(low) and np.isfinite(high):
        said += f" ({number(low, digits)} to {number(high, digits)})"
    return said


def dollar_span(low: float, mid: float, high: float) -> str:
    """Format dollars with their range, all in one unit.

    Parameters
    ----------
    low, mid, high : float
        The cost and its ends [USD]; unknown is NaN.

    Returns
    -------
    str
        ``"$mid (low to high)"``.

    Examples
    --------
    >>> dollar_span(2.9e9, 3.88e9, 5.1e9)
    '$3.88 billion ($2.90 billion to $5.10 billion)'
    """
    said = dollars(mid)
    if np.isfinite(low) and np.isfinite(high):
        said += f" ({dollars(low)} to {dollars(high)})"
    return said


def place_of(row: Mapping[str, Any]) -> str:
    """Return county and state of a row, as far as they are known.

    Parameters
    ----------
    row : mapping
        A row of the candidates.

    Returns
    -------
    str
        ``"Brazoria, TX"``; empty where neither is known.
    """
    parts = [text(row.get("county_name")), text(row.get("state"))]
    return ", ".join(part for part in parts if part)
