"""Published columns: found under the names of several years, turned into ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown

__all__ = ["Field", "flag", "found", "number", "plain", "taken", "text"]

# Thousands separated by commas, as spreadsheets print them.
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
# Whole numbers that floats hold exactly.
_EXACT = 2.0**53
# Figures published in single precision may pass their bound by this share.
_ROUNDING = 1e-6
_FLAGS = {
    **dict.fromkeys(("y", "yes", "t", "true", "1", "1.0"), 1.0),
    **dict.fromkeys(("n", "no", "f", "false", "0", "0.0"), 0.0),
}


@dataclass(frozen=True)
class Field:
    """One column of ours, and how the release publishes it.

    Parameters
    ----------
    name : str
        Our name, with the unit in it.
    published : tuple of str
        Names in the release, newest layout first; case and marks do not count.
    kind : str
        ``number``, ``text`` or ``flag`` (1 yes, 0 no).
    unit : str
        Unit of ours.
    unknown : tuple of str or float
        What the release writes where it does not know.
    factor : float
        Ours per published unit.
    is_needed : bool
        Whether a file without it is refused; else the column is unknown.
    digits : int
        Digits of a code. A zero in front that was lost is put back; any other code is
        refused: the digits of a tract name no county.
    least, most : float or None
        Smallest and largest figure that can be right, in our unit.
    is_whole : bool
        Whether only whole numbers can be right.
    is_filled : bool
        Whether a row that does not say it is refused.
    """

    name: str
    published: tuple[str, ...]
    kind: str = "number"
    unit: str = ""
    unknown: tuple[str | float, ...] = ()
    factor: float = 1.0
    is_needed: bool = True
    digits: int = 0
    least: float | None = None
    most: float | None = None
    is_whole: bool = False
    is_filled: bool = False


def number(
    name: str,
    *published: str,
    unit: str,
    unknown: tuple[str | float, ...] = (),
    factor: float = 1.0,
    needed: bool = True,
    least: float | None = 0.0,
    most: float | None = None,
    whole: bool = False,
    filled: bool = False,
) -> Field:
    """Return a field of figures; negative ones are refused by default."""
    return Field(
        name,
        published,
        "number",
        unit,
        unknown,
        factor,
        needed,
        least=least,
        most=most,
        is_whole=whole,
        is_filled=filled,
    )


def text(
    name: str,
    *published: str,
    unknown: tuple[str | float, ...] = (),
    needed: bool = True,
    digits: int = 0,
    filled: bool = False,
) -> Field:
    """Return a field of words or codes."""
    return Field(
        name,
        published,
        "text",
        unknown=unknown,
        is_needed=needed,
        digits=digits,
        is_filled=filled,
    )


def flag(
    name: str,
    *published: str,
    unknown: tuple[str | float, ...] = (),
    needed: bool = True,
) -> Field:
    """Return a field of yes and no, as 1 and 0."""
    return Field(name, published, "flag", "1 yes, 0 no", unknown, is_needed=needed)


def plain(name: object) -> str:
    """Return a published name without case, marks and line breaks.

    Examples
    --------
    >>> plain("Nameplate Capacity (MW)"), plain("PS-WFrTo")
    ('nameplate_capacity_mw', 'ps_wfrto')
    """
    return re.sub(r"[^0-9a-z]+", "_", str(name).casefold()).strip("_")


def found(columns: Iterable[object], fields: Sequence[Field]) -> dict[str, object]:
    """Return which published column holds each field, where there is one.

    Parameters
    ----------
    columns : iterable
        Names in the file.
    fields : sequence of Field
        What is looked for.

    Returns
    -------
    dict of str to object
        Our name to the name in the file.

    Examples
    --------
    >>> found(["MAX_VOLT", "ID"], [number("max_kv", "MAX_VOLT", unit="kV")])
    {'max_kv': 'MAX_VOLT'}
    """
    known: dict[str, object] = {}
    for column in columns:
        known.setdefault(plain(column), column)
    pairs = (
        (
            field.name,
            next((known[plain(n)] for n in field.published if plain(n) in known), None),
        )
        for field in fields
    )
    return {name: column for name, column in pairs if column is not None}


def taken(frame: pd.DataFrame, fields: Sequence[Field], reader: str) -> pd.DataFrame:
    """Return our columns out of the published ones, in order, index kept.

    Parameters
    ----------
    frame : DataFrame
        As published; not changed.
    fields : sequence of Field
        What to take.
    reader : str
        Which reader asks, for messages.

    Returns
    -------
    DataFrame
        One column per field; NaN where the release does not know.

    Raises
    ------
    LayerError
        If a needed column is missing, a figure is no number or out of range, or a code
        has other digits.

    Examples
    --------
    >>> frame = pd.DataFrame({"MAX_VOLT": [345.0, -999999.0]})
    >>> volts = number("max_kv", "MAX_VOLT", unit="kV", unknown=(-999999,))
    >>> taken(frame, [volts], "hifld_substations")["max_kv"].tolist()
    [345.0, nan]
    """
    where = found(frame.columns, fields)
    lost = [f for f in fields if f.is_needed and f.name not in where]
    if lost:
        raise missing(lost, frame.columns, reader)
    columns = {}
    for field in fields:
        if field.name not in where:
            columns[field.name] = _unknown(field, frame.index)
            continue
        column = frame[where[field.name]]
        if field.kind == "number":
            columns[field.name] = _numbers(column, field, reader)
        elif field.kind == "flag":
            columns[field.name] = _flags(column, field, reader)
        else:
            columns[field.name] = _words(column, field, reader)
        if field.is_filled:
            _refuse(columns[field.name].isna(), column, field, reader, "blank")
    return pd.DataFrame(columns, index=frame.index)


def missing(
    lost: Sequence[Field], columns: Iterable[object], reader: str
) -> LayerError:
    """Return the error about columns that a file lacks.

    Parameters
    ----------
    lost : sequence of Field
        What was looked for in vain.
    columns : iterable
        Names in the file.
    reader : str
        Which reader asks.

    Returns
    -------
    LayerError
    """
    have = [str(c) for c in columns if str(c) != "geometry"]
    by_plain = {plain(c): c for c in have}
    near = nearest_name(plain(lost[0].published[0]), by_plain)
    if near:
        close = near.split("'")[1]
        near = f" Did you mean {by_plain[close]!r}?"
    wanted = shown(" or ".join(map(repr, f.published)) for f in lost)
    return LayerError(
        four_parts(
            f"The file for `ss.releases.{reader}` needs a column {wanted}",
            f"there is none of that name; the columns are {shown(have, 12)}",
            "the layouts of the years that its page names can be read",
            "Check that it is the file that `ss.sources()` names, or give its columns "
            f"the published names.{near}",
        )
    )


def _unknown(field: Field, index: pd.Index) -> pd.Series:
    """Return a column that the layout of that year does not have."""
    kind = "str" if field.kind == "text" else "float64"
    return pd.Series(np.nan, index=index, dtype=kind)


def _blank(column: pd.Series, field: Field) -> tuple[pd.Series, pd.Series]:
    """Return the column as stripped text, and where the release is silent."""
    words = column.astype("str").str.strip()
    marks = {str(m).casefold() for m in field.unknown if isinstance(m, str)}
    silent = column.isna() | words.isna() | (words == "")
    return words, silent | words.str.casefold().isin(marks)


def _numbers(column: pd.Series, field: Field, reader: str) -> pd.Series:
    """Return figures in our unit, NaN where the release does not know."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        figures = column.astype("float64")
    else:
        words, silent = _blank(column, field)
        split = words.str.fullmatch(_THOUSANDS.pattern).fillna(False)
        words = words.mask(split, words.str.replace(",", "", regex=False))
        figures = pd.to_numeric(words.mask(silent), errors="coerce").astype("float64")
        _refuse(figures.isna() & ~silent, column, field, reader, "no number")
    sentinels = [float(m) for m in field.unknown if not isinstance(m, str)]
    figures = figures.mask(figures.isin(sentinels))
    _refuse(figures.abs() == np.inf, column, field, reader, "infinite")
    figures = figures * field.factor
    if field.least is not None:
        _refuse(figures < field.least, column, field, reader, "too small")
    if field.most is not None:
        over = figures > field.most * (1 + _ROUNDING)
        _refuse(over, column, field, reader, "too large")
    if field.is_whole:
        parted = figures.notna() & (figures != figures.round())
        _refuse(parted, column, field, reader, "no whole numbers")
    return figures.rename(field.name)


def _refuse(
    bad: pd.Series, column: pd.Series, field: Field, reader: str, what: str
) -> None:
    """Raise about the rows of a column that cannot be right."""
    bad = bad.fillna(False).astype(bool)
    if not bad.any():
        return
    rows = column.index[bad]
    word = "line" if column.index.name == "line" else "row"
    kind, allowed = _allowed(field)
    example = f", e.g. {str(column[bad].iloc[0])[:40]!r}" * (what != "blank")
    raise LayerError(
        four_parts(
            f"Column {str(column.name)!r} for `ss.releases.{reader}` is to be read as "
            f"{kind}",
            f"{int(bad.sum())} of {len(bad)} values are {what}, in {word} "
            f"{shown(rows)}{example}",
            allowed,
            "Correct these rows, or download the file again",
        )
    )


def _allowed(field: Field) -> tuple[str, str]:
    """Return what a column holds, and which values of it are allowed."""
    kind = "texts"
    if field.kind == "number":
        kind = "whole numbers" if field.is_whole else "numbers"
    elif field.digits:
        kind = f"codes of {field.digits} digits"
    # A unit such as "0 to 100" says the range itself.
    unit = "" if " to " in field.unit else f" {field.unit}"
    limits = ""
    if field.least is not None and field.most is not None:
        limits = f" from {field.least:g} to {field.most:g}{unit}"
    elif field.least is not None:
        limits = f" of {field.least:g}{unit} or more"
    marks = shown(repr(m) for m in field.unknown)
    silent = f", and {f'{marks} or ' * bool(marks)}nothing where unknown"
    return kind, f"{kind}{limits} are allowed" + silent * (not field.is_filled)


def _flags(column: pd.Series, field: Field, reader: str) -> pd.Series:
    """Return 1 for yes, 0 for no, NaN for unknown."""
    words, silent = _blank(column, field)
    flags = words.str.casefold().map(_FLAGS).mask(silent).astype("float64")
    odd = flags.isna() & ~silent
    if odd.any():
        word = "line" if column.index.name == "line" else "row"
        raise LayerError(
            four_parts(
                f"Column {str(column.name)!r} for `ss.releases.{reader}` is yes or no",
                f"found {str(column[odd].iloc[0])[:40]!r} in {word} "
                f"{shown(column.index[odd])}",
                "Y and N, T and F, 1 and 0 are allowed",
                "Correct these rows, or download the file again",
            )
        )
    return flags.rename(field.name)


def _words(column: pd.Series, field: Field, reader: str) -> pd.Series:
    """Return words and codes, missing where the release does not know."""
    if pd.api.types.is_float_dtype(column):
        # A code that was read as a number lost nothing but its form.
        whole = column.dropna()
        is_code = (whole == whole.round()) & (whole.abs() < _EXACT)
        if len(whole) and bool(is_code.all()):
            column = column.astype("Int64")
    sentinels = [float(m) for m in field.unknown if not isinstance(m, str)]
    words, silent = _blank(column, field)
    if sentinels:
        silent = silent | pd.to_numeric(words, errors="coerce").isin(sentinels)
    words = words.mask(silent)
    if field.digits:
        # Codes begin with that of a state, 01 to 78, or a region, 01 to 22: where a
        # code was read as a number it lost one zero, never more.
        short = words.str.fullmatch(rf"\d{{{field.digits - 1}}}").fillna(False)
        words = words.mask(short.astype(bool), "0" + words)
        is_code = words.str.fullmatch(rf"\d{{{field.digits}}}").fillna(False)
        odd = words.notna() & ~is_code.astype(bool)
        _refuse(odd, column, field, reader, "no such codes")
    return words.astype("str").rename(field.name)
