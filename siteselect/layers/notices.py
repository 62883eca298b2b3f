"""Warnings about data: told at once, or collected where nobody would hear them."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from siteselect.errors import DataQualityWarning

__all__ = ["collected", "notice", "undecoded_unsaid"]

_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


def notice(message: str, *, stacklevel: int) -> None:
    """Warn of the quality of data, as ``warnings.warn`` does from the caller."""
    heard = _HEARD.get()
    if heard is None:
        warnings.warn(message, DataQualityWarning, stacklevel=stacklevel + 1)
    else:
        heard.append(message)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect what this thread would warn of; others go on warning.

    Warnings of other processes are lost, and ``warnings.catch_warnings`` is one for
    all threads of a process.
    """
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


class _Unsaid:
    """Counts who wants an error unsaid, so that threads may come and go."""

    def __init__(self) -> None:
        self._lock, self._users = threading.Lock(), 0
        self._before: tuple[Any, Any] = sys.unraisablehook, sys.excepthook

    def enter(self) -> None:
        """Keep the error back from now on."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._before = sys.unraisablehook, sys.excepthook
                sys.unraisablehook, sys.excepthook = self._ignored, self._raised

    def leave(self) -> None:
        """Put back what was there, when nobody is left."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                sys.unraisablehook, sys.excepthook = self._before

    def _ignored(self, told: Any) -> None:
        if "rasterio" not in str(told.object):
            self._before[0](told)

    def _raised(self, kind: type[BaseException], error: Any, trace: Any) -> None:
        # What Cython cannot raise it prints by way of this hook, as if uncaught.
        if not issubclass(kind, UnicodeDecodeError):
            self._before[1](kind, error, trace)


_UNSAID = _Unsaid()


@contextmanager
def undecoded_unsaid() -> Iterator[None]:
    """Keep rasterio from printing that it cannot decode what GDAL quotes of a file.

    It logs what GDAL says. Where that quotes a damaged file and is no UTF-8, Python
    prints a traceback that nobody can catch, beside the error that is raised.
    """
    _UNSAID.enter()
    try:
        yield
    finally:
        _UNSAID.leave()
