"""A folder of files that appear together, whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from siteselect.errors import StudyError, four_parts
from siteselect.whole_files import alone_in, disk_said, held, scratch, sync

__all__ = ["check_folder", "whole_folder"]


@contextmanager
def whole_folder(out: Path, *, last: str, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Give an empty folder whose files move to ``out`` if the block succeeds.

    A process that is killed in the block leaves ``out`` as it was. Killed while the
    files move, it leaves whole files, old or new; the one that tells of the others
    comes last, so that a mix shows; Ctrl-C waits for the moving. Of two that write
    the same folder at once, the later one stays, whole: they move their files one
    after the other.

    Parameters
    ----------
    out : pathlib.Path
        Folder to write to, made if missing; other files in it stay.
    last : str
        The file to move at the end.
    stale : iterable of str
        Files of an earlier time that go when the new ones come, unless the block
        wrote them too; folders that this leaves empty go with them.

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
    beside = _beside(out)
    with disk_said(beside), scratch(out.resolve().name, beside) as part:
        yield part
        files = sorted(path for path in part.rglob("*") if path.is_file())
        files.sort(key=lambda path: path.name == last and path.parent == part)
        for path in files:
            sync(path)
        # Held by its parent, as the folder itself may be the one that is moved.
        with alone_in(beside), held():
            _move(part, files, out, stale)


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
            raise NotADirectoryError(errno.ENOTDIR, "this is a file")
        for folder in {_beside(out), out} if out.exists() else {_beside(out)}:
            with scratch(out.resolve().name, folder):
                pass
    except OSError as error:
        raise StudyError(
            four_parts(
                f"Files were to be written to the folder {out}",
                f"found that the disk says: {error.strerror or error}",
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


def _move(part: Path, files: list[Path], out: Path, stale: Iterable[str]) -> None:
    """Move every file into place; each of them in one step."""
    if not out.exists():
        # mkdtemp makes folders that only their owner can read.
        part.chmod(0o777 & ~_umask())
        part.rename(out)
        return
    names = [path.relative_to(part) for path in files]
    for path, name in zip(files, names, strict=True):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        path.replace(out / name)
    for name in map(Path, set(stale)):
        if name not in names:
            (out / name).unlink(missing_ok=True)
            parent = (out / name).parent
            if parent != out and parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now
