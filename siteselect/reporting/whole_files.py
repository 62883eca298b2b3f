"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siteselect.errors import StudyError, four_parts, said

if sys.platform != "win32":
    import fcntl


def as_path(path: object, call: str) -> Path:
    """Return a path, or say what was given instead of one.

    Parameters
    ----------
    path : path-like
        What the caller gave.
    call : str
        A call that would do.

    Returns
    -------
    pathlib.Path
        The path.

    Raises
    ------
    StudyError
        If it is none.
    """
    if isinstance(path, str | os.PathLike):
        return Path(path)
    raise StudyError(
        four_parts(
            "A plan is written to a path",
            f"got {said(path)}",
            "a str or pathlib.Path is needed",
            call,
        )
    )


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path that becomes ``path`` only if the block succeeds.

    Parameters
    ----------
    path : path-like
        The file to write; what was there stays until the new one is complete.

    Yields
    ------
    pathlib.Path
        A path in the same folder, with the same suffix.
    """
    target = as_path(path, 'plan.to_file("sites.gpkg")')
    if target.is_dir():
        raise StudyError(
            four_parts(
                f"A file was to be written to {target}",
                "there is a folder of this name",
                "the name of a file is needed",
                f"Write into the folder, e.g. {target / 'sites.gpkg'}",
            )
        )
    if not target.parent.is_dir():
        raise StudyError(
            four_parts(
                f"A file was to be written to {target}",
                f"the folder {target.parent} does not exist",
                "an existing folder",
                "Create the folder first",
            )
        )
    with tempfile.TemporaryDirectory(
        prefix=f".{target.name}-", dir=target.parent
    ) as folder:
        part = Path(folder) / target.name
        yield part
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(target)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes and threads that ask to hold it.

    Files of one writer then lie in it together, never some of each. It waits until
    the other is done and leaves no file behind. Where folders cannot be locked
    (Windows, some network disks) it does nothing: files are whole there too, but
    two writers may leave some of each.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Closing the handle gives the folder free, also if the process is killed.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write bytes to a file, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    content : bytes
        What it shall hold.

    Returns
    -------
    pathlib.Path
        The file.
    """
    with whole_file(path) as part:
        part.write_bytes(content)
    return Path(path)


def write_text(path: str | os.PathLike[str], content: str) -> Path:
    """Write text as UTF-8 to a file, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    content : str
        What it shall hold.

    Returns
    -------
    pathlib.Path
        The file.
    """
    return write_bytes(path, content.encode("utf-8"))
