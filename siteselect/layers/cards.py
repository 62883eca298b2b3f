"""Short HTML cards for notebooks, shared by the rooms.

A card states no color of its own: it takes those of the notebook, light or dark.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pandas as pd

_LONGEST = 160
_MOST = 5
_LEFT = "text-align: left; vertical-align: top; color: inherit; background: none"


def printable(text: object) -> str:
    """Return text whose control characters are spelled out.

    Examples
    --------
    >>> printable("two" + chr(0x200B) + "words").isascii()
    True
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def escaped(text: object, longest: int = _LONGEST) -> str:
    """Return text as HTML that shows it, cut where it is long.

    Examples
    --------
    >>> escaped("<b>"), escaped("grid" * 9, 8)
    ('&lt;b&gt;', 'gridgrid…')
    """
    said = printable(text)
    return html.escape(said if len(said) <= longest else said[:longest] + "…")


def card(
    title: str,
    rows: Iterable[tuple[object, object]],
    below: str = "",
    *,
    said: str = "",
) -> str:
    """Return a title over a table of facts, as HTML for a notebook.

    Parameters
    ----------
    title : str
        What is shown.
    rows : iterable of pair
        Names and facts; escaped here, empty facts are left out.
    below : str, optional
        More HTML, escaped already.
    said : str, optional
        One line under the title; escaped here.

    Returns
    -------
    str

    Examples
    --------
    >>> "&lt;x&gt;" in card("Limit", [("name", "<x>"), ("unit", "")])
    True
    """
    told = "".join(
        f'<tr><th style="{_LEFT}; font-weight: normal; opacity: .75">{escaped(name)}'
        f'</th><td style="{_LEFT}">{escaped(fact)}</td></tr>'
        for name, fact in rows
        if str(fact) != ""
    )
    table = f"<table>{told}</table>" if told else ""
    line = f"<div>{escaped(said)}</div>" if said else ""
    return f"<div><strong>{escaped(title)}</strong>{line}{table}{below}</div>"


def in_short(value: Any) -> str:
    """Return an argument as a few words: long ones by their size.

    Examples
    --------
    >>> in_short(3e6), in_short({"TX": 5}), in_short(pd.Series([1.0, 2.0]))
    ('3,000,000', 'TX: 5', 'one figure for each of 2')
    >>> in_short([100, 300])
    '100, 300'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        number = float(value)
        is_whole = abs(number) < 1e15 and number.is_integer()
        return f"{number:,.0f}" if is_whole else f"{number:,.6g}"
    if isinstance(value, pd.DataFrame):
        return f"a table of {len(value):,} rows"
    if isinstance(value, pd.Series):
        return f"one figure for each of {len(value):,}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.size:,}"
    if isinstance(value, Mapping):
        return _listed([f"{k}: {in_short(v)}" for k, v in value.items()])
    if isinstance(value, list | tuple | set | frozenset):
        return _listed([in_short(item) for item in value])
    named = getattr(value, "__name__", None)
    return str(named) if named else repr(value)


def _listed(words: list[str]) -> str:
    rest = f" and {len(words) - _MOST:,} more" if len(words) > _MOST else ""
    return ", ".join(words[:_MOST]) + rest


def stated_fields(thing: Any, but: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return the fields of a dataclass that differ from their default, in short.

    Parameters
    ----------
    thing : dataclass instance
        What is told of.
    but : iterable of str
        Fields to leave out.

    Returns
    -------
    list of pair of str
        Name of the argument, and its value in a few words.
    """
    found = []
    for item in fields(thing):
        value = getattr(thing, item.name)
        if item.name in but or not item.init or value is None:
            continue
        is_plain = isinstance(value, str | bool | int | float | tuple)
        # A layer is told of by its name, not here.
        if item.name.startswith("_") or not (item.repr or is_plain):
            continue
        given = item.default if item.default is not MISSING else None
        if is_plain and type(value) is type(given) and value == given:
            continue
        found.append((item.name, in_short(value)))
    return found
