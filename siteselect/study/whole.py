"""A folder of files that appear together, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siteselect.errors import StudyError, four_parts
from siteselect.reporting.whole_files import alone_in, disk_said

__all__ = ["check_folder", "whole_folder"]

#: Part of the name of a folder that is being written.
_MARK = ".siteselect-"


@contextmanager
def whole_folder(out: Path, *, last: str) -> Iterator[Path]:
    """Give an empty folder whose files move to ``out`` if the block succeeds.

    A process that is killed in the block leaves ``out`` as it was. Killed while the
    files move, it leaves whole files, old or new; the one that tells of the others
    comes last, so that a mix shows. Of two that write the same folder at once, the
    later one stays, whole: they move their files one after the other.

    Parameters
    ----------
    out : pathlib.Path
        Folder to write to, made if missing; other files in it stay.
    last : str
        The file to move at the end.

    Yields
    ------
    pathlib.Path
        The folder to write into.

    Raises
    ------
    StudyError
        ``out`` is a file, its folder cannot be written to, or the disk is full.
    """
    check_folder(out)
    _sweep(out)
    beside = _beside(out)
    part = Path(tempfile.mkdtemp(prefix=f"{_prefix(out)}{os.getpid()}-", dir=beside))
    try:
        with disk_said(beside):
            yield part
            # Held by its parent, as the folder itself may be the one that is moved.
            with alone_in(beside):
                _move(part, out, last)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_folder(out: Path) -> None:
    """Refuse a folder that cannot be written to, before the work is done.

    Raises
    ------
    StudyError
        ``out`` is a file, or it or its folder cannot be written to.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.exists() and not out.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file")
        with tempfile.TemporaryDirectory(prefix=_prefix(out), dir=_beside(out)):
            pass
        if out.exists():
            with tempfile.TemporaryDirectory(prefix=_prefix(out), dir=out):
                pass
    except OSError as error:
        raise StudyError(
            four_parts(
                f"Files were to be written to the folder {out}",
                f"found that {error.strerror or error}",
                "allowed is a folder that you may write to, or a name that is free",
                "Give another folder, as in: --out results",
            )
        ) from error


def _beside(out: Path) -> Path:
    """Return the folder whose files can be moved to ``out`` in one step each.

    That is the one around it, unless ``out`` is a disk of its own, or may be written
    to while the folder around it may not.
    """
    around = out.resolve().parent
    if not out.is_dir():
        return around
    is_other_disk = out.stat().st_dev != around.stat().st_dev
    return out if is_other_disk or not os.access(around, os.W_OK) else around


def _prefix(out: Path) -> str:
    return f".{out.resolve().name}{_MARK}"


def _move(part: Path, out: Path, last: str) -> None:
    """Move every file into place; each of them in one step."""
    files = sorted(path for path in part.rglob("*") if path.is_file())
    files.sort(key=lambda path: path.name == last and path.parent == part)
    for path in files:
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())
    if not out.exists():
        # mkdtemp makes folders that only their owner can read.
        part.chmod(0o777 & ~_umask())
        part.rename(out)
        return
    for path in files:
        target = out / path.relative_to(part)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def _sweep(out: Path) -> None:
    """Remove what a killed process left behind."""
    for left in _beside(out).glob(f"{_prefix(out)}*"):
        pid = left.name.removeprefix(_prefix(out)).partition("-")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # A signal of 0 would end it there.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
