"""Opening what publishers publish: text, spreadsheets and archives, with a guard."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors

from siteselect.errors import (
    LayerError,
    MissingDependencyError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.layers.archives import guard
from siteselect.layers.kinds import is_remote, is_there, seems
from siteselect.layers.releases.fields import Field, found, missing

__all__ = ["guard", "local", "read_sheet", "read_text"]

# Titles and notes that may stand above the line of names.
_TITLE_LINES = 12
# Rows of a long table held at once.
_ROWS = 250_000

Rows = Callable[[pd.DataFrame], pd.DataFrame]


def local(source: object, reader: str) -> Path:
    """Return the path of a file on this machine, or say what is wrong with it.

    Parameters
    ----------
    source : object
        What the user gave.
    reader : str
        Which reader asks, for messages.

    Returns
    -------
    Path

    Raises
    ------
    LayerError
        If it is no path, or no such file exists.
    """
    if not isinstance(source, str | Path) or is_remote(str(source)):
        raise LayerError(
            four_parts(
                f"`ss.releases.{reader}` reads a file of the release",
                f"found {source!r:.80} ({type(source).__name__})",
                "the path of a file on this machine is allowed; nothing is downloaded",
                f"Download it from where `ss.sources().loc[{reader!r}]` says, and pass "
                "its path",
            )
        )
    path = Path(source)
    if is_there(path) and path.is_file():
        return path
    near = [p.name for p in path.parent.glob("*")] if is_there(path.parent) else []
    raise LayerError(
        four_parts(
            f"The file {str(path)!r} is to be read by `ss.releases.{reader}`",
            "there is no such file",
            "a path to an existing file is allowed; nothing is downloaded",
            f"Download it from where `ss.sources().loc[{reader!r}]` says, and check "
            f"its path.{nearest_name(path.name, near)}",
        )
    )


def _unreadable(path: Path, why: str) -> LayerError:
    kind = seems(str(path))
    return LayerError(
        four_parts(
            f"The file {path.name!r} is to be read",
            why + (f"; {kind}" if kind and kind not in why else ""),
            "the file as the publisher offers it is allowed",
            "Download it again, and check its size and the suffix of what it is",
        )
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[str], str]]:
    """Open delimited text, alone or as the one table of an archive."""
    if path.suffix.casefold() != ".zip":
        _require_text(path)
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream, path.name
        return
    guard(path)
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, NotImplementedError, zipfile.BadZipFile) as error:
        raise _unreadable(path, f"the archive is damaged ({error})") from None
    with archive:
        tables = [
            name
            for name in archive.namelist()
            if Path(name).suffix.casefold() in (".csv", ".txt", ".tsv")
        ]
        if len(tables) != 1:
            raise LayerError(
                four_parts(
                    f"The archive {path.name!r} is to be read as one table",
                    f"it holds {len(tables)} tables: "
                    f"{shown(tables or archive.namelist()) or 'nothing'}",
                    "an archive with one CSV is allowed",
                    "Unpack it and pass the file you mean",
                )
            )
        with archive.open(tables[0]) as raw:
            yield io.TextIOWrapper(raw, "utf-8-sig", newline=""), tables[0]


def _require_text(path: Path) -> None:
    """Refuse a web page, a spreadsheet or anything binary named .csv."""
    kind = seems(str(path))
    with path.open("rb") as stream:
        if not kind and b"\x00" in stream.read(65_536):
            kind = "it holds binary data"
    if kind:
        raise LayerError(
            four_parts(
                f"The file {path.name!r} is to be read as a table",
                kind,
                "delimited text (CSV) is allowed under this suffix",
                "Download it again, or give the file the suffix of what it is",
            )
        )


def read_text(
    path: Path,
    fields: Sequence[Field],
    reader: str,
    rows: Rows | None = None,
    *,
    encoding: str = "utf-8-sig",
) -> pd.DataFrame:
    """Read the published columns of delimited text, however long it is.

    Parameters
    ----------
    path : Path
        Text, or an archive with one.
    fields : sequence of Field
        Which columns; others are not read.
    reader : str
        Which reader asks, for messages.
    rows : callable, optional
        From some rows to those that are wanted; so a national file of millions of
        rows is never held whole.
    encoding : str
        Another encoding that the release is known to use where it is not UTF-8.

    Returns
    -------
    DataFrame
        Text as published; index ``line``, counted from 1 at the top of the file.

    Raises
    ------
    LayerError
        If it is no table, lacks a needed column, or has lines of wrong length.
    """
    try:
        return _read_text(path, fields, reader, rows)
    except UnicodeDecodeError:
        if encoding != "utf-8-sig" and path.suffix.casefold() != ".zip":
            try:
                again = path.read_text(encoding)
            except UnicodeDecodeError:
                why = f"it is neither in UTF-8 nor in {encoding}"
                raise _unreadable(path, why) from None
            return _read_lines(io.StringIO(again), path.name, fields, reader, rows)
        raise _unreadable(path, "it is not in UTF-8") from None


def _read_text(
    path: Path, fields: Sequence[Field], reader: str, rows: Rows | None
) -> pd.DataFrame:
    with _opened(path) as (stream, name):
        try:
            return _read_lines(stream, name, fields, reader, rows)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
            raise _unreadable(path, f"it is damaged ({error})") from None


def _read_lines(
    stream: IO[str],
    name: str,
    fields: Sequence[Field],
    reader: str,
    rows: Rows | None,
) -> pd.DataFrame:
    """Read from the line of names on, piece by piece."""
    head = list(islice(stream, _TITLE_LINES))
    if not any(line.strip() for line in head):
        raise LayerError(
            four_parts(
                f"The file {name!r} is to be read by `ss.releases.{reader}`",
                "it is empty",
                "a table with a line of names is allowed",
                "Download it again, and check its size",
            )
        )
    split = max(
        (",", "\t", ";", "|"), key=lambda mark: max(line.count(mark) for line in head)
    )
    try:
        parsed = [next(csv.reader([line], delimiter=split), []) for line in head]
    except csv.Error as error:
        raise _no_table(name, str(error)) from None
    at = _names_at(parsed, fields)
    if at is None:
        best = max(parsed, key=len)
        raise missing([f for f in fields if f.is_needed], best, reader)
    names = [str(c).strip() for c in parsed[at]]
    where = found(names, fields)
    lost = [f for f in fields if f.is_needed and f.name not in where]
    if lost:
        raise missing(lost, names, reader)
    positions = sorted({names.index(str(column)) for column in where.values()})
    pieces = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            for piece in pd.read_csv(
                _chained(head[at:], stream),
                sep=split,
                dtype="str",
                keep_default_na=False,
                na_values=[""],
                # Else the first column is taken for labels if a line is longer.
                index_col=False,
                chunksize=_ROWS,
                skip_blank_lines=False,
            ):
                if not len(piece):
                    continue
                first = int(piece.index[0]) + at + 2
                piece.index = pd.RangeIndex(first, first + len(piece), name="line")
                piece = piece.iloc[:, positions]
                piece.columns = pd.Index([names[i] for i in positions])
                piece = piece[piece.notna().any(axis=1)]
                pieces.append(piece if rows is None else rows(piece))
    except pd.errors.EmptyDataError:
        pieces = []
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        gist = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        # Lines are counted from that of the names.
        raise _no_table(
            name,
            "a line has more fields than names ("
            + gist
            + (f", counted from line {at + 1}" if at else "")
            + ")",
        ) from None
    if rows is None and not sum(len(p) for p in pieces):
        raise _no_rows(name, reader)
    if not sum(len(p) for p in pieces):
        return pd.DataFrame(columns=[names[i] for i in positions], dtype="str")
    return pd.concat(pieces)


def _no_rows(name: str, reader: str) -> LayerError:
    return LayerError(
        four_parts(
            f"The file {name!r} is to be read by `ss.releases.{reader}`",
            "it has names of columns and no rows",
            "at least one row is needed",
            "Download it again, and check its size",
        )
    )


def _no_table(name: str, why: str) -> LayerError:
    return LayerError(
        four_parts(
            f"The file {name!r} is to be read as a table",
            why,
            "one name per column is allowed, with quotes around a text that holds the "
            "separator",
            "Download it again, or save it again from a spreadsheet",
        )
    )


class _Chained(io.TextIOBase):
    """The lines after the names that were read already, then the rest."""

    def __init__(self, first: list[str], rest: IO[str]) -> None:
        self._first = "".join(first)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        size = -1 if size is None else size
        if size < 0:
            out, self._first = self._first + self._rest.read(), ""
            return out
        if self._first:
            out, self._first = self._first[:size], self._first[size:]
            return out
        return self._rest.read(size)

    def __iter__(self) -> Any:
        lines = self._first.splitlines(keepends=True)
        self._first = ""
        yield from lines
        yield from self._rest


def _chained(first: list[str], rest: IO[str]) -> Any:
    return _Chained(first, rest)


def _names_at(
    parsed: Sequence[Sequence[object]], fields: Sequence[Field]
) -> int | None:
    """Return which of the first lines holds most of the names, or None."""
    needed = [f for f in fields if f.is_needed]
    hits = [len(found(line, needed)) for line in parsed]
    return None if not hits or max(hits) == 0 else int(np.argmax(hits))


# ---------------------------------------------------------------- spreadsheets


def read_sheet(
    path: Path,
    fields: Sequence[Field],
    reader: str,
    sheets: Sequence[str] = (),
    names: Callable[[pd.DataFrame, int], list[str]] | None = None,
) -> tuple[pd.DataFrame, str]:
    """Read the published columns of a sheet of a workbook (.xlsx).

    Parameters
    ----------
    path : Path
        The workbook.
    fields : sequence of Field
        Which columns.
    reader : str
        Which reader asks, for messages.
    sheets : sequence of str
        What the name of the sheet contains, in order of preference; empty means the
        first sheet that has the columns.
    names : callable, optional
        From all rows and the position of the line of names to the names, for sheets
        whose names stand on several lines.

    Returns
    -------
    frame : DataFrame
        Text as published; index ``line``, counted from 1 at the top of the sheet.
    title : str
        What stands above the names, in one line.

    Raises
    ------
    LayerError
        If it is no workbook, or no sheet has the columns.
    MissingDependencyError
        If GDAL was built without workbooks.
    """
    guard(path)
    kind = seems(str(path))
    # GDAL would open other tables too, by rules of its own.
    if "xlsx" not in kind:
        raise _unreadable(path, "it is no workbook (.xlsx)")
    if "XLSX" not in pyogrio.list_drivers():
        raise MissingDependencyError(
            four_parts(
                f"The workbook {path.name!r} is to be read",
                "this build of GDAL has no driver for .xlsx",
                "a GDAL with the driver XLSX is needed; pyogrio from PyPI has it",
                "Install it again: `pip install --force-reinstall pyogrio`",
            )
        )
    try:
        inside = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (pyogrio.errors.DataSourceError, ValueError, OSError) as error:
        raise _unreadable(path, f"it is no workbook (.xlsx): {error}") from None
    chosen = [s for w in sheets for s in inside if w.casefold() in s.casefold()]
    if sheets and not chosen:
        raise LayerError(
            four_parts(
                f"`ss.releases.{reader}` reads the sheet {shown(sheets)} of "
                f"{path.name!r}",
                f"the workbook has {shown(inside, 12)}",
                "the workbook as the publisher offers it is allowed",
                "Check that it is the workbook that `ss.sources()` names",
            )
        )
    tried: list[object] = []
    for sheet in chosen or inside:
        cells = _cells(path, sheet)
        head = [
            list(cells.iloc[i].dropna()) for i in range(min(len(cells), _TITLE_LINES))
        ]
        at = _names_at(head, fields)
        if at is None:
            tried = max([tried, *head], key=len)
            continue
        if names is None:
            called = ["" if pd.isna(c) else str(c).strip() for c in cells.iloc[at]]
        else:
            called = names(cells, at)
        where = found(called, fields)
        if any(f.is_needed and f.name not in where for f in fields):
            tried = max([tried, [c for c in called if c]], key=len)
            continue
        body = cells.iloc[at + 1 :]
        body.columns = pd.Index(called)
        body.index = pd.RangeIndex(at + 2, at + 2 + len(body), name="line")
        # A row with one cell is a note below the table.
        body = body[body.notna().sum(axis=1) > 1]
        if not len(body):
            raise _no_rows(f"{path.name}, sheet {sheet}", reader)
        title = " ".join(str(v) for row in head[:at] for v in row)
        return body, " ".join(title.split())
    there = found(tried, fields)
    raise missing(
        [f for f in fields if f.is_needed and f.name not in there] or list(fields),
        tried,
        reader,
    )


def _cells(path: Path, sheet: str) -> pd.DataFrame:
    """Return every cell of a sheet as text."""
    try:
        cells: pd.DataFrame = pyogrio.read_dataframe(
            path,
            layer=sheet,
            read_geometry=False,
            HEADERS="DISABLE",
            FIELD_TYPES="STRING",
        )
    except (pyogrio.errors.DataSourceError, ValueError, OSError) as error:
        raise _unreadable(path, f"the sheet {sheet!r} is damaged ({error})") from None
    return cells.replace("", np.nan)
