"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siteselect.errors import SiteSelectError, StudyError, four_parts, said

#: Errors that tell of a disk: full, over a quota, read-only, not allowed, broken.
_DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EFBIG,
)
#: With less than this a disk counts as full [bytes].
_LEAST_FREE = 65_536

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
    with (
        disk_said(target.parent),
        tempfile.TemporaryDirectory(
            prefix=f".{target.name}-", dir=target.parent
        ) as folder,
    ):
        part = Path(folder) / target.name
        yield part
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(target)


@contextmanager
def disk_said(folder: Path) -> Iterator[None]:
    """Say in words where the disk is what made the writing of files fail.

    Writers of formats each have an error of their own for a full disk; so the space
    that is left is looked at as well.

    Parameters
    ----------
    folder : pathlib.Path
        Where the block writes.

    Raises
    ------
    StudyError
        The disk is full, cannot be written to, or may not be.
    """
    try:
        yield
    except SiteSelectError:
        raise
    except Exception as error:
        why = _of_disk(error, folder)
        if not why:
            raise
        raise StudyError(
            four_parts(
                f"Files were to be written to {folder}",
                f"found that the disk says: {why}",
                "a folder with space that you may write to is needed",
                "Free some space, or give another folder",
            )
        ) from error


def _of_disk(error: BaseException | None, folder: Path) -> str:
    """Return what a disk says is wrong; empty where it is something else."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK:
            return str(error.strerror)
        error = error.__cause__ or error.__context__
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"no space left, {free:,} bytes are free" if free < _LEAST_FREE else ""


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
