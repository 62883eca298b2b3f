"""When a figure read from a raster or a table is the one that was written.

0.3 kept in single precision is 0.30000001192..., and 3 steps of 0.1 are
0.30000000000000004: both are what somebody means who asks for 0.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: What arithmetic of scale and offset may leave; of figures below 1, absolute.
_ROUNDING = 1e-12

__all__ = ["is_plain_number", "meant"]


def is_plain_number(item: object) -> bool:
    """Return True for a finite real number, not a truth value."""
    is_real = isinstance(item, (int, float, np.integer, np.floating))
    if not is_real or isinstance(item, bool):
        return False
    try:
        return bool(np.isfinite(float(item)))  # type: ignore[arg-type]
    except OverflowError:
        return False


def meant(values: Any, wanted: Any) -> NDArray[np.int64]:
    """Return which of some figures each value stands for, -1 for none.

    Equal ones do; so do values that differ by rounding (single precision, or scale
    and offset) unless they are whole: whole numbers are kept exactly, and may be
    codes or names.

    Parameters
    ----------
    values : array-like of float
        Figures as read; NaN is none.
    wanted : array-like of float, shape (m,)
        Figures as written, finite.

    Returns
    -------
    ndarray of int64, shape of ``values``
        Positions in ``wanted``.
    """
    found, listed = np.asarray(values, np.float64), np.asarray(wanted, np.float64)
    out = np.full(found.shape, -1, dtype=np.int64)
    if not listed.size:
        return out
    order = np.argsort(listed, kind="stable")
    rising = listed[order]
    above = np.clip(np.searchsorted(rising, found), 0, len(rising) - 1)
    below = np.maximum(above - 1, 0)
    is_nearer = np.abs(found - rising[below]) < np.abs(found - rising[above])
    near = np.where(is_nearer, below, above)
    figure = rising[near]
    with np.errstate(over="ignore"):
        single = figure.astype(np.float32).astype(np.float64)
    slack = _ROUNDING * np.maximum(np.abs(figure), 1.0)
    is_close = (found == single) | (np.abs(found - figure) <= slack)
    is_same = (found == figure) | (is_close & (found != np.round(found)))
    out[is_same] = order[near[is_same]]
    return out
