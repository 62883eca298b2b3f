"""Warnings about data: told at once, or collected where nobody would hear them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from siteselect.errors import DataQualityWarning

__all__ = ["collected", "notice"]

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
