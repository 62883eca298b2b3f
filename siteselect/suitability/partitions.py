"""Candidates as a folder of GeoParquet files, for more than one machine holds.

The files hold neighbors together (along a Hilbert curve), so that each reads
only its part of the layers and of the rasters. The folder is plain GeoParquet:
geopandas, DuckDB or QGIS read it too. ``_siteselect.json`` beside the files
lists them, so that a lost one is noticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from siteselect.errors import (
    LayerError,
    StudyError,
    check_given,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers.archives import guard
from siteselect.layers.check import require_geometry
from siteselect.layers.crs import require_crs
from siteselect.layers.kinds import is_there
from siteselect.suitability.fingerprint import file_digest
from siteselect.suitability.score import _check_sites
from siteselect.whole_files import (
    as_path,
    disk_said,
    held,
    left_behind,
    scratch,
    sync,
)

#: Candidates per file unless told otherwise.
ROWS = 100_000
_LIST = "_siteselect.json"
#: Where the folder that is replaced lies until the new one is in its place.
_OLD = "old"

PathLike = str | os.PathLike[str]

__all__ = ["read_partitions", "write_partitions"]


def write_partitions(
    sites: gpd.GeoDataFrame | Iterable[gpd.GeoDataFrame],
    folder: PathLike,
    *,
    rows: int = ROWS,
    overwrite: bool = False,
) -> Path:
    """Write candidates as a folder of GeoParquet files, neighbors together.

    Use it before `score_partitions`, for candidates that are too many for one
    machine's memory, or scored by several machines.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame or iterable of them
        Candidates with a unique index. Frames of an iterable are taken one at
        a time and must agree in columns and CRS; neighbors are brought
        together within each.
    folder : path-like
        Where to write. It appears when all of it is written, or not at all.
    rows : int, default 100000
        Most candidates per file [count].
    overwrite : bool, default False
        Replace a folder of partitions that is there.

    Returns
    -------
    pathlib.Path
        The folder, with ``part-00000.parquet`` and so on.

    Raises
    ------
    LayerError
        If an index label repeats, a geometry is missing, or a column cannot be
        stored.
    StudyError
        If the folder is there, or ``rows`` is not a whole number from 1.

    Notes
    -----
    Rows are ordered by their place on a Hilbert curve over the frame, then by
    x, y and label: the order of the input does not matter.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [5.0, 9.0, 7.0]},
    ...     geometry=gpd.points_from_xy([0, 9, 1], [0, 9, 0]), crs=4326,
    ... )
    >>> with tempfile.TemporaryDirectory() as scratch:
    ...     folder = write_partitions(sites, f"{scratch}/sites", rows=2)
    ...     print([p.name for p in sorted(folder.glob("*.parquet"))])
    ...     print(read_partitions(folder)["acres"].tolist())
    ['part-00000.parquet', 'part-00001.parquet']
    [5.0, 9.0, 7.0]
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise StudyError(
            four_parts(
                "A partition holds a number of rows",
                f"found rows={rows!r}",
                "allowed are whole numbers from 1",
                "leave it out for 100000",
            )
        )
    target = as_path(
        folder, 'write_partitions(sites, "parts/")', "Partitions go to a folder"
    )
    _refuse_other_folder(target, overwrite=overwrite)
    check_given(
        sites,
        ("__iter__",),
        "Partitions are written of candidates",
        "a GeoDataFrame, or several of them one after the other",
        'write_partitions(sites, "parts/")',
    )
    frames = [sites] if isinstance(sites, pd.DataFrame) else sites
    with _whole_folder(target) as part:
        counts: dict[str, int] = {}
        labels: list[pd.Index[Any]] = []
        first: gpd.GeoDataFrame | None = None
        for frame in frames:
            _check(frame, first)
            first = frame.iloc[:0] if first is None else first
            labels.append(frame.index)
            order = _hilbert_order(frame)
            for begin in range(0, len(order), rows):
                some = frame.iloc[order[begin : begin + rows]]
                name = f"part-{len(counts):05d}.parquet"
                write_part(some, part / name)
                counts[name] = len(some)
        if not counts:
            raise LayerError(
                four_parts(
                    f"Candidates were to be written to {str(target)!r}",
                    "there are none",
                    "at least one row is needed",
                    "check the area and the spacing of the candidates",
                )
            )
        refuse_repeats(labels)
        with_same_types([part / name for name in counts])
        write_list(part, counts, is_complete=True)
    return target


def read_partitions(
    folder: PathLike, *, columns: Sequence[str] | None = None
) -> gpd.GeoDataFrame | pd.DataFrame:
    """Read a folder of GeoParquet files as one frame, sorted by index.

    Parameters
    ----------
    folder : path-like
        What `write_partitions` or `score_partitions` wrote, or any folder of
        GeoParquet files with the same columns.
    columns : sequence of str, optional
        Columns to read; all by default. Without the geometry column the result
        is a plain DataFrame.

    Returns
    -------
    geopandas.GeoDataFrame or pandas.DataFrame
        Sorted by index, with the ``attrs`` of the first file.

    Raises
    ------
    LayerError
        If there is no such folder, a file is lost, a run is not finished, or a
        column is missing.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [5.0, 9.0]},
    ...     geometry=gpd.points_from_xy([0, 9], [0, 9]), crs=4326,
    ... )
    >>> with tempfile.TemporaryDirectory() as scratch:
    ...     folder = write_partitions(sites, f"{scratch}/sites")
    ...     read_partitions(folder, columns=["acres"]).shape
    (2, 1)
    """
    files = part_files(folder)
    schema = _opened(files[0], pq.read_schema)
    wanted = None if columns is None else list(columns)
    if wanted is not None:
        known = [name for name in schema.names if not name.startswith("__index_level")]
        for column in wanted:
            if column not in known:
                raise LayerError(
                    four_parts(
                        f"Column {column!r} of the partitions was asked for",
                        f"it is missing.{nearest_name(str(column), known)}",
                        f"allowed are {shown(known, 12)}",
                        "check the spelling",
                    )
                )
    geometry = _opened(files[0], lambda _: _geometry_columns(schema))
    has_geometry = wanted is None or any(name in geometry for name in wanted)
    read = gpd.read_parquet if has_geometry else pd.read_parquet
    parts = [_opened(path, partial(read, columns=wanted)) for path in files]
    attrs = parts[0].attrs
    # Concatenating frames compares their attrs, at length.
    for part in parts:
        part.attrs = {}
    try:
        whole = parts[0] if len(parts) == 1 else pd.concat(parts)
        del parts
        frame = whole.sort_index()
    # Coordinate systems that differ, labels without an order, and more.
    except Exception as error:
        raise LayerError(
            four_parts(
                f"The partitions in {str(folder)!r} were put together",
                f"that cannot be done ({error})",
                "allowed are files alike in columns, CRS and kind of labels",
                "write the folder again with write_partitions(sites, folder)",
            )
        ) from error
    frame.attrs = attrs
    return frame


# ------------------------------------------------- shared with the out-of-core run


def part_files(folder: PathLike, *, is_complete: bool = True) -> list[Path]:
    """Return the files of a folder in order, refusing one that is not whole."""
    path = as_path(
        folder,
        'write_partitions(sites, "parts/")',
        "Partitions are files of a folder",
    )
    _restore(path)
    if not (is_there(path) and path.is_dir()):
        raise LayerError(
            four_parts(
                f"The partitions in {str(folder)!r} were asked for",
                "there is no such folder",
                "allowed is a folder of GeoParquet files",
                "write one with write_partitions(sites, folder)",
            )
        )
    files = sorted(path.glob("*.parquet"))
    listed = read_list(path)
    if listed:
        lost = sorted(set(listed["files"]) - {file.name for file in files})
        done = len(listed["files"]) - len(lost)
        if is_complete and not listed["complete"]:
            raise LayerError(
                four_parts(
                    f"The partitions in {str(folder)!r} were asked for",
                    f"the run that writes them has not finished: {done} of "
                    f"{len(listed['files'])} files are there",
                    "a finished run is needed",
                    "call score_partitions(...) again with the same arguments; "
                    "finished files are kept",
                )
            )
        if lost:
            raise LayerError(
                four_parts(
                    f"The partitions in {str(folder)!r} were asked for",
                    f"{len(lost)} of {len(listed['files'])} files are lost: "
                    f"{shown(lost)}",
                    "all files that were written are needed",
                    "write the folder again",
                )
            )
        files = [path / name for name in sorted(listed["files"])]
    if not files:
        raise LayerError(
            four_parts(
                f"The partitions in {str(folder)!r} were asked for",
                "the folder holds no .parquet file",
                "allowed is a folder of GeoParquet files",
                "write one with write_partitions(sites, folder)",
            )
        )
    return files


def read_part(path: Path) -> gpd.GeoDataFrame:
    """Read one file, or say what is wrong with it."""
    return _opened(path, gpd.read_parquet)


def _geometry_columns(schema: pa.Schema) -> list[str]:
    """Return which columns of a file hold geometries."""
    columns: list[str] = list(json.loads(schema.metadata[b"geo"])["columns"])
    return columns


def _opened(path: Path, read: Callable[[Path], Any]) -> Any:
    """Return what a reader makes of a file, or say what is wrong with that file."""
    try:
        guard(path)
        return read(path)
    except LayerError:
        raise
    # What a file tells of itself is anyone's: geopandas, pandas, pyproj and Arrow
    # raise errors of many families over it.
    except Exception as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise LayerError(
            four_parts(
                f"Partition {path.name} was read",
                f"it is no whole GeoParquet file ({why})",
                "allowed are GeoParquet files with a geometry column",
                "write the folder again with write_partitions(sites, folder)",
            )
        ) from error


def write_part(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write one file, whole or not at all."""
    with _whole_file(path) as part:
        try:
            frame.to_parquet(part, index=True)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise LayerError(
                four_parts(
                    "Candidates were to be stored as GeoParquet",
                    f"a column cannot be: {str(error).splitlines()[0]}",
                    "allowed are columns of one kind each (numbers, texts, dates)",
                    "convert the column, e.g. frame[c].astype(str)",
                )
            ) from error


def write_mark(path: Path, inputs: str) -> None:
    """Note beside a file what it was made from, and its own content."""
    mark = {"inputs": inputs, "content": file_digest(path)}
    with _whole_file(_mark_of(path)) as part:
        part.write_text(json.dumps(mark) + "\n", "utf-8")


def is_finished(path: Path, inputs: str) -> bool:
    """Say whether a file is there, whole, and made from the same inputs."""
    try:
        mark = json.loads(_mark_of(path).read_text("utf-8"))
        return bool(mark == {"inputs": inputs, "content": file_digest(path)})
    except (OSError, ValueError):
        return False


def remove_part(path: Path) -> None:
    """Remove a file and its mark."""
    path.unlink(missing_ok=True)
    _mark_of(path).unlink(missing_ok=True)


def _mark_of(path: Path) -> Path:
    """Return where the mark of a file lies."""
    return path.with_name(f"_{path.stem}.json")


def index_of(path: Path) -> pd.Index[Any]:
    """Read only the index of a file."""
    try:
        found: pd.Index[Any] = pd.read_parquet(path, columns=[]).index
    except Exception:  # As for the file itself.
        found = read_part(path).index
    return found


def refuse_repeats(labels: Sequence[pd.Index[Any]]) -> None:
    """Refuse a label that two rows carry, in whichever files they are."""
    joined = labels[0].append(list(labels[1:]))
    if not _is_unique(joined):
        again = joined[joined.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Candidates are known by their index label",
                f"found labels more than once: {shown(again)}",
                "allowed is one row per label, over all partitions",
                "give each frame labels of its own before writing it",
            )
        )


def _is_unique(labels: pd.Index[Any]) -> bool:
    """Say whether no label comes twice."""
    if labels.hasnans:
        return bool(labels.is_unique)
    # Whole numbers are quicker sorted than hashed, texts quicker by Arrow.
    if pd.api.types.is_integer_dtype(labels.dtype):
        ordered = np.sort(labels.to_numpy())
        return not (ordered[1:] == ordered[:-1]).any()
    if isinstance(labels.dtype, pd.StringDtype):
        return len(pc.unique(pa.array(labels.array))) == len(labels)
    return bool(labels.is_unique)


def with_same_types(files: Sequence[Path]) -> set[Path]:
    """Give a column the same type in all files.

    A column that is missing throughout one file has no type there, or that of
    NaN: such files are written again with the type of the others, and returned.
    """
    again: set[Path] = set()
    schemas = {path: pq.read_schema(path) for path in files}
    first = schemas[files[0]]
    for name in first.names:
        kinds = {
            path: schema.field(name)
            for path, schema in schemas.items()
            if name in schema.names
        }
        if len({str(kind.type) for kind in kinds.values()}) == 1:
            continue
        void = {p for p in kinds if _is_void(p, name)}
        typed = {str(f.type): p for p, f in kinds.items() if p not in void}
        if len(typed) > 1:
            raise LayerError(
                four_parts(
                    f"Column {name!r} was to be stored in {len(files)} files",
                    f"it holds {shown(sorted(typed))} in different ones",
                    "allowed is one type per column",
                    "convert the column to one type first",
                )
            )
        model = next(iter(typed.values()), files[0])
        for path in void - {model}:
            _retyped(path, name, model)
            again.add(path)
    return again


def _is_void(path: Path, name: str) -> bool:
    """Say whether a column holds nothing but missing values in a file."""
    column = pq.read_table(path, columns=[name]).column(name)
    known = column.drop_null()
    is_float = pa.types.is_floating(column.type)
    return len(known) == 0 or (is_float and bool(np.isnan(known.to_numpy()).all()))


def _retyped(path: Path, name: str, model: Path) -> None:
    """Write a file again with a column of nulls in the type of another file's."""
    table, like = pq.read_table(path), pq.read_schema(model)
    at = table.schema.get_field_index(name)
    kind = like.field(name)
    table = table.set_column(at, kind, pa.nulls(len(table), kind.type))
    stored = dict(table.schema.metadata)
    about, other = json.loads(stored[b"pandas"]), json.loads(like.metadata[b"pandas"])
    told = {column["field_name"]: column for column in other["columns"]}
    about["columns"] = [
        told[name] if column["field_name"] == name else column
        for column in about["columns"]
    ]
    stored[b"pandas"] = json.dumps(about).encode()
    with _whole_file(path) as part:
        pq.write_table(table.replace_schema_metadata(stored), part)


def read_list(folder: Path) -> dict[str, Any]:
    """Return the list beside the files, empty where there is none."""
    path = folder / _LIST
    if not path.exists():
        return {}
    try:
        found: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _other_list(folder, f"it cannot be read ({error})") from error
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not isinstance(found.get("complete"), bool):
        raise _other_list(folder, f"it holds {said(found)}")
    # Files of the list are read, and removed when they are no longer wanted: a list
    # from elsewhere must not name any other file.
    stray = [name for name in files if not _is_inside(name)]
    if stray:
        raise _other_list(folder, f"it names {shown(map(said, stray))}")
    listed: dict[str, Any] = found
    return listed


def _is_inside(name: str) -> bool:
    """Return whether this is the name of a file of a folder, and no way out of it."""
    plain = Path(name).name == name and "\0" not in name
    return plain and name.endswith(".parquet")


def _other_list(folder: Path, found: str) -> LayerError:
    return LayerError(
        four_parts(
            f"The list of partitions {str(folder / _LIST)!r} was read",
            found,
            "allowed is the list that write_partitions wrote, of .parquet files in "
            "that folder",
            "write the folder again, or remove the list",
        )
    )


def write_list(folder: Path, counts: Mapping[str, int], *, is_complete: bool) -> None:
    """Write which files belong to the folder, and whether all are there."""
    text = json.dumps({"complete": is_complete, "files": dict(counts)}, indent=1)
    with _whole_file(folder / _LIST) as part:
        part.write_text(text + "\n", "utf-8")


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside the file that replaces it only if the block succeeds."""
    with (
        disk_said(path.parent),
        scratch("part", path.parent, is_swept=False) as folder,
    ):
        part = folder / path.name
        yield part
        sync(part)
        part.replace(path)


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    """Give a folder that becomes the target only if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _restore(target)
    with disk_said(target.parent), scratch(target.name, target.parent) as folder:
        part, old = folder / "new", folder / _OLD / target.name
        part.mkdir()
        old.parent.mkdir()
        yield part
        with held():
            if target.exists():
                target.replace(old)
            try:
                part.replace(target)
            except OSError:
                if old.exists():
                    old.replace(target)
                raise


def _restore(target: Path) -> None:
    """Bring back what a process put aside that was killed before the new was there.

    Two renames stand between an old folder and a new one; between them there is none.
    """
    parent = target.parent
    if is_there(target) or not (is_there(parent) and parent.is_dir()):
        return
    for left in left_behind(parent):
        old = left / _OLD / target.name
        if is_there(old) and old.is_dir():
            old.replace(target)
            return


def _refuse_other_folder(target: Path, *, overwrite: bool) -> None:
    """Refuse to write over what is there."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    is_ours = target.is_dir() and bool(read_list(target))
    if overwrite and is_ours:
        return
    raise StudyError(
        four_parts(
            f"Candidates were to be written to {str(target)!r}",
            "partitions are there already" if is_ours else "something else is there",
            "allowed is a new or empty folder",
            "pass overwrite=True, or another folder" if is_ours else "pass another one",
        )
    )


def _check(frame: Any, first: gpd.GeoDataFrame | None) -> None:
    """Refuse frames that cannot be stored, or that differ from the first."""
    _check_sites(frame)
    require_crs(frame, "the candidates")
    require_geometry(frame, layer="the candidates")
    if first is None:
        return
    same = (
        list(frame.columns) == list(first.columns)
        and frame.crs == first.crs
        and frame.geometry.name == first.geometry.name
        and frame.index.names == first.index.names
    )
    if not same:
        raise LayerError(
            four_parts(
                "Frames of candidates are written one after another",
                f"one has columns {shown(frame.columns, 8)} and another CRS, order, "
                f"index name or columns than the first ({shown(first.columns, 8)})",
                "allowed are frames alike in columns, CRS and index names",
                "bring them to the same columns and CRS first",
            )
        )


def _hilbert_order(frame: gpd.GeoDataFrame) -> npt.NDArray[np.int64]:
    """Return positions along a Hilbert curve; ties by x, y and label."""
    if not len(frame):
        return np.zeros(0, dtype=np.int64)
    curve = frame.geometry.hilbert_distance().to_numpy()
    box = frame.geometry.bounds.to_numpy()
    label = np.empty(len(frame), dtype=np.int64)
    try:
        label[np.asarray(frame.index.argsort())] = np.arange(len(frame))
    except TypeError:
        # Labels of several kinds have no order; parquet will refuse them.
        label = np.arange(len(frame), dtype=np.int64)
    return np.lexsort((label, box[:, 1] + box[:, 3], box[:, 0] + box[:, 2], curve))
