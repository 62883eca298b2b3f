"""Delimited text, as spreadsheets write it: read whole, or refused with the line."""

from __future__ import annotations

import csv
import re
import warnings
from pathlib import Path

import pandas as pd

from siteselect.errors import LayerError, four_parts
from siteselect.layers.kinds import is_remote, seems

__all__ = ["read_table", "to_numbers"]

_CODE = re.compile(r"0\d+")
# Bytes that tell text from something else.
_HEAD = 65_536


def read_table(path: str) -> pd.DataFrame:
    """Read delimited text; codes with leading zeros stay text.

    Parameters
    ----------
    path : str
        File or URL: UTF-8, with commas, semicolons, tabs or bars, and a line of
        names.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    LayerError
        If it is not text in UTF-8, or a line has more fields than there are names.
    """
    separator = ","
    if not is_remote(path):
        separator = _separator(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            # Else the first column is taken for labels if a line is longer.
            table = pd.read_csv(
                path, sep=separator, dtype=str, encoding="utf-8-sig", index_col=False
            )
        except (pd.errors.ParserWarning, pd.errors.ParserError) as error:
            raise LayerError(
                four_parts(
                    f"The file {Path(path).name!r} is to be read as a table",
                    f"it has lines with more fields than its first line has names "
                    f"({_long_line(path, separator) or _gist(error)})",
                    "one name per column is allowed, with quotes around a text that "
                    f"holds {separator!r}",
                    "Correct these lines, or save it again from a spreadsheet",
                )
            ) from None
    for column in table.columns:
        table[column] = _typed(table[column])
    return table


def _separator(path: str) -> str:
    """Return what separates the fields, or refuse what is no text in UTF-8."""
    with Path(path).open("rb") as stream:
        head = stream.read(_HEAD)
    kind = seems(path)
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if kind or (b"\x00" in head and not utf16):
        raise LayerError(
            four_parts(
                f"The file {Path(path).name!r} is to be read as a table",
                kind or "it holds binary data",
                "delimited text (CSV) is allowed under this suffix",
                "Give the file the suffix of what it is, or save it again as CSV",
            )
        )
    if utf16:
        raise _not_utf8(path, "it is in UTF-16")
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            first = next((line for line in stream if line.strip()), "")
    except UnicodeDecodeError:
        raise _not_utf8(path, "it is not in UTF-8") from None
    try:
        return csv.Sniffer().sniff(first, delimiters=",;\t|").delimiter
    except csv.Error:
        return ","


def _not_utf8(path: str, found: str) -> LayerError:
    return LayerError(
        four_parts(
            f"The file {Path(path).name!r} is to be read as text",
            found,
            "text in UTF-8 is allowed",
            "Save it again as UTF-8 (in a spreadsheet: CSV UTF-8)",
        )
    )


def _long_line(path: str, separator: str) -> str:
    """Say where a local table first has more fields than names."""
    if is_remote(path):
        return ""
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.reader(stream, delimiter=separator)
        try:
            names = len(next((line for line in lines if line), []))
            for line in lines:
                if any(line[names:]):
                    return f"line {lines.line_num}: {len(line)}, not {names}"
        except csv.Error:
            pass
    return ""


def _gist(error: BaseException) -> str:
    """Return what the parser found, without its own way of putting it."""
    text = str(error).strip().splitlines()[0]
    return text.removeprefix("Error tokenizing data. C error: ").rstrip(".")


def _typed(column: pd.Series) -> pd.Series:
    """Return numbers where every value is one and none is a code like 01001."""
    text = column.dropna().str.strip()
    if not len(text) or text.str.fullmatch(_CODE).any():
        return column
    return to_numbers(column)


def to_numbers(column: pd.Series) -> pd.Series:
    """Return numbers where every value of a column of text is one.

    Parameters
    ----------
    column : pandas.Series
        Text, missing values included.

    Returns
    -------
    pandas.Series
        The same object where a text is no number.

    Examples
    --------
    >>> to_numbers(pd.Series(["032", " 7.5", None], dtype="str")).tolist()
    [32.0, 7.5, nan]
    """
    numbers = pd.to_numeric(column.str.strip(), errors="coerce")
    return numbers if numbers.notna().sum() == column.notna().sum() else column
