"""Memory that one array leaves, kept for the next.

Dask tells the allocator of its workers to hand freed memory back at once [1]_. Each
small array then gets pages that the system has to find and to clear anew, which was
a fifth of the time of a worker, and slowed down the others beside it.

References
----------
.. [1] Dask.distributed documentation, Worker Memory Management, "Automatically trim
   memory".
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from typing import Any

__all__ = ["keep_memory"]

#: What the allocator of glibc calls its settings (malloc.h), and their environment.
_TRIM, _TRIM_SAID = -1, "MALLOC_TRIM_THRESHOLD_"
_MAP, _MAP_SAID = -3, "MALLOC_MMAP_THRESHOLD_"
#: Kept at the end of the heap, and the largest piece that comes from it [bytes]; glibc
#: allows no larger one.
_KEPT, _LARGEST = 2**28, 2**25
#: What glibc maps by itself unless told otherwise [bytes].
_USUAL = 2**17

_LOCK = threading.Lock()
_OWNERS = 0


def keep_memory(owner: Any) -> None:
    """Keep freed memory for the next array until ``owner`` is gone, then return it.

    Does something only where the process was told to return memory at once.

    Parameters
    ----------
    owner : object
        Whose life it is tied to.

    Examples
    --------
    >>> class Work: ...
    >>> work = Work()
    >>> keep_memory(work)
    """
    global _OWNERS
    trim, largest = _said(_TRIM_SAID), _said(_MAP_SAID) or _USUAL
    libc = _allocator()
    if libc is None or trim is None:
        return
    with _LOCK:
        _OWNERS += 1
        if _OWNERS == 1:
            libc.mallopt(_MAP, _LARGEST)
            libc.mallopt(_TRIM, _KEPT)
    weakref.finalize(owner, _give_back, libc, trim, largest).atexit = False


def _give_back(libc: Any, trim: int, largest: int) -> None:
    """Return what is kept, and go on as the process was told to."""
    global _OWNERS
    with _LOCK:
        _OWNERS -= 1
        if _OWNERS == 0:
            libc.mallopt(_MAP, largest)
            libc.mallopt(_TRIM, trim)
            libc.malloc_trim(0)


def _said(name: str) -> int | None:
    """Return a setting of the allocator [bytes], None unless it is one."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else None


def _allocator() -> Any:
    """Return the C library if it has an allocator that listens, else None."""
    try:
        libc = ctypes.CDLL(None)
        _ = libc.mallopt, libc.malloc_trim
    # No C library by that name, or one with another allocator.
    except (OSError, TypeError, AttributeError):
        return None
    return libc
