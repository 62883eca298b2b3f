"""Tables as one Excel workbook, the same bytes for the same tables."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import MissingDependencyError, four_parts

# What the file format can hold.
_MOST_TEXT = 32_767
_MOST_ROWS = 1_048_576
_MOST_COLUMNS = 16_384
_LONGEST_NAME = 31
_WIDEST = 60
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CUT = " … (cut: a cell holds 32,767 characters)"


def _writer() -> Any:
    try:
        import xlsxwriter
    except ImportError:
        raise MissingDependencyError(
            four_parts(
                "Tables were to be written as an Excel workbook",
                "the package 'XlsxWriter' is not installed",
                "it comes with siteselect and is needed",
                "Run: pip install XlsxWriter",
            )
        ) from None
    return xlsxwriter


def workbook_bytes(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return tables as the bytes of an Excel workbook, one sheet a table.

    Text stays text: what looks like a formula or an address is not turned into one.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Name of the sheet to the table; its index is the first column if it has a
        name. Unknown is an empty cell.

    Returns
    -------
    bytes
        The file's content, without the time of writing.

    Raises
    ------
    MissingDependencyError
        If XlsxWriter is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> workbook_bytes({"sites": pd.DataFrame({"mw": [100.0]})})[:2]
    b'PK'
    """
    buffer = io.BytesIO()
    book = _writer().Workbook(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"created": dt.datetime(2000, 1, 1)})
    head = book.add_format({"bold": True, "bottom": 1})
    taken: set[str] = set()
    for name, table in tables.items():
        page = book.add_worksheet(_sheet_name(name, taken))
        flat = table.reset_index() if table.index.name is not None else table
        flat = flat.iloc[: _MOST_ROWS - 1, :_MOST_COLUMNS]
        page.freeze_panes(1, 1)
        for at, column in enumerate(flat.columns):
            cells = [_cell(value) for value in flat.iloc[:, at]]
            title = _text(str(column))
            page.write_string(0, at, title, head)
            for row, value in enumerate(cells, start=1):
                _write(page, row, at, value)
            wide = max((len(str(c)) for c in cells if c is not None), default=0)
            page.set_column(at, at, min(max(wide, len(title)) + 1, _WIDEST))
        if len(flat.columns):
            page.autofilter(0, 0, max(len(flat), 1), len(flat.columns) - 1)
    book.close()
    return buffer.getvalue()


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel takes and no other sheet has."""
    bare = re.sub(r"[^ -~]|[\[\]:*?/\\]", " ", name).strip("' ")[:_LONGEST_NAME]
    bare = bare.rstrip("' ") or "sheet"
    said, n = bare, 1
    while said.casefold() in taken:
        n += 1
        said = f"{bare[: _LONGEST_NAME - len(str(n)) - 1]} {n}"
    taken.add(said.casefold())
    return said


def _text(value: str) -> str:
    """Return text that a cell can hold; what is cut says so."""
    said = _CONTROL.sub(" ", value)
    if 2 * len(said) > _MOST_TEXT:
        # The format counts letters as UTF-16 does: two for some.
        units = said.encode("utf-16-le")
        if len(units) > 2 * _MOST_TEXT:
            left = units[: 2 * (_MOST_TEXT - len(_CUT))]
            said = left.decode("utf-16-le", errors="ignore") + _CUT
    return said


def _cell(value: object) -> str | float | bool | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value) if np.isfinite(value) else None
    return _text(str(value))


def _write(page: Any, row: int, column: int, value: str | float | bool | None) -> None:
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, float):
        page.write_number(row, column, value)
    elif value:
        page.write_string(row, column, value)
