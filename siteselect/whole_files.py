"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siteselect.errors import SiteSelectError, StudyError, four_parts, said

#: Errors that tell of a disk: full, over a quota, read-only, not allowed, broken.
DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EFBIG,
)
#: With less than this, a disk on which writing failed counts as full [bytes]. A
#: database takes back what it could not end, and then there is some space again.
_LEAST_FREE = 1_000_000
#: What a call that was stopped says if its files had come into place already.
WRITTEN = "the files were in place already."
#: This machine in the names of scratch folders: a network disk has several.
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_SCRATCH = re.compile(r"\..*\.siteselect-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-")
#: What another machine left is removed when nobody touched it for so long [s].
_FOREIGN_S = 86_400.0

if sys.platform != "win32":
    import fcntl


def as_path(path: object, call: str, what: str = "A plan is written to a path") -> Path:
    """Return a path, or say what was given instead of one.

    Parameters
    ----------
    path : path-like
        What the caller gave.
    call : str
        A call that would do.
    what : str
        What is done with it.

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
        return nameable(Path(path))
    raise StudyError(
        four_parts(
            what,
            f"got {said(path)}",
            "a str or pathlib.Path is needed",
            call,
        )
    )


def nameable(path: Path) -> Path:
    """Return a path, or say that the file system cannot hold such a name.

    Raises
    ------
    StudyError
        If the name, or one on the way to it, is too long or holds a null character.
    """
    why = ""
    try:
        os.lstat(path)
    except ValueError:
        why = "it holds a null character"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            why = f"a name of {max(map(len, path.parts))} letters is too long"
    if not why:
        return path
    raise StudyError(
        four_parts(
            f"A file or folder {said(str(path))} was asked for",
            why,
            "a name that the file system can hold",
            "Give a shorter one of plain letters",
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
    with disk_said(target.parent), scratch(target.name, target.parent) as folder:
        part = folder / target.name
        yield part
        # Some formats are several files: the one that names them comes last.
        files = sorted(path for path in folder.iterdir() if path != part)
        for path in (*files, part):
            sync(path)
        with held():
            for path in (*files, part):
                path.replace(target.with_name(path.name))


@contextmanager
def scratch(name: str, folder: Path, *, is_swept: bool = True) -> Iterator[Path]:
    """Give an empty folder to prepare files in, gone after the block.

    A process that is killed leaves its own behind; the next one to ask for any in
    the same folder removes it.

    Parameters
    ----------
    name : str
        What the files are for: a part of the name of the folder.
    folder : pathlib.Path
        An existing folder, from where the files need only be renamed.
    is_swept : bool
        Look for what others left; a folder of many files is not looked through for
        each of them.

    Yields
    ------
    pathlib.Path
        The scratch folder.
    """
    if is_swept:
        sweep(folder)
    mine = f".{name[:40]}.siteselect-{_HOST}-{os.getpid()}-"
    part = Path(tempfile.mkdtemp(prefix=mine, dir=folder))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove the scratch folders of processes that were killed.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    """
    for path in left_behind(folder):
        shutil.rmtree(path, ignore_errors=True)


def left_behind(folder: Path) -> list[Path]:
    """Return the scratch folders whose processes are gone.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.

    Returns
    -------
    list of pathlib.Path
        The folders.
    """
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            told = _SCRATCH.match(entry.name)
            if told is None:
                continue
            if told["host"] == _HOST:
                is_dead = not _is_alive(int(told["pid"]))
            else:
                is_dead = _age_s(entry) > _FOREIGN_S
            if is_dead:
                found.append(Path(entry.path))
    return found


def _age_s(entry: os.DirEntry[str]) -> float:
    try:
        return time.time() - entry.stat().st_mtime
    except OSError:
        return 0.0  # It has just gone.


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # A signal of 0 would end it there.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C and a request to end wait until the block is done.

    For the short time in which several files come into place: what stops the block
    halfway leaves some old and some new. Python tells signals to its main thread
    only; in others there is nothing to hold.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C came meanwhile; a note of it says that the files are in place.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if handler is not None and handler != signal.SIG_IGN:
            before[number] = handler
            signal.signal(number, lambda number, frame: came.append(number))
    is_done = False
    try:
        yield
        is_done = True
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            try:
                signal.raise_signal(came[0])
            except BaseException as error:
                if is_done:
                    error.add_note(WRITTEN)
                raise


def sync(path: Path) -> None:
    """Wait until the content of a file is on the disk.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def stop_text(what: str, error: BaseException) -> str:
    """Say what came of the files of a call that was stopped.

    Parameters
    ----------
    what : str
        What stopped it.
    error : BaseException
        The error that came of it.

    Returns
    -------
    str
        One line.
    """
    is_written = WRITTEN in getattr(error, "__notes__", ())
    return f"{what}; {WRITTEN if is_written else 'nothing was written.'}"


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
                f"Files were to be written to {_asked_for(folder)}",
                f"found that the disk says: {why}",
                "a folder with space that you may write to is needed",
                "Free some space, or give another folder",
            )
        ) from error


def _asked_for(folder: Path) -> Path:
    """Return the folder that the caller knows of: none of ours, where files wait."""
    for parent in (folder, *folder.parents):
        if _SCRATCH.match(parent.name):
            return parent.parent
    return folder


def _of_disk(error: BaseException | None, folder: Path) -> str:
    """Return what a disk says is wrong; empty where it is something else."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in DISK:
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
