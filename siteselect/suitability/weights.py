"""Weights of criteria: checked, and brought to the sum of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from siteselect.errors import StudyError, four_parts, shown

__all__ = ["is_finite", "is_weight", "normalize_weights"]


def is_finite(item: Any) -> bool:
    """Return True for a number that a float can hold."""
    try:
        return math.isfinite(item)
    except OverflowError:  # A whole number of hundreds of digits.
        return False


def is_weight(item: object) -> bool:
    """Return True for a finite number that is not negative."""
    return (
        isinstance(item, (int, float, np.integer, np.floating))
        and not isinstance(item, bool)
        and bool(item >= 0)
        and is_finite(item)
    )


def normalize_weights(
    weights: Sequence[float], *, names: Sequence[str] | None = None
) -> npt.NDArray[np.float64]:
    """Return the weights divided by their sum.

    Only the ratios count: all weights times the same number give the same
    result. A weight of zero keeps its criterion in the table and out of the
    score.

    Parameters
    ----------
    weights : sequence of float, shape (n,)
        Finite, none negative, not all zero [-].
    names : sequence of str, optional
        Names for the message; positions otherwise.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Weights that sum to one.

    Raises
    ------
    StudyError
        If a weight is negative or not finite, or if all are zero.

    Examples
    --------
    >>> normalize_weights([2, 1, 1])
    array([0.5 , 0.25, 0.25])
    """
    listed = list(weights)
    labels = list(names) if names is not None else [str(i) for i in range(len(listed))]
    bad = [
        f"{label!r}: {weight!r}"
        for label, weight in zip(labels, listed, strict=True)
        if not is_weight(weight)
    ]
    if bad:
        raise StudyError(
            four_parts(
                "A weight says how much a criterion counts",
                f"found {shown(bad)}",
                "allowed are finite numbers from 0 up",
                "turn the value function round (Rising, Falling) rather than the sign",
            )
        )
    array = np.asarray(listed, dtype=np.float64)
    top = float(array.max(initial=0.0))
    if top == 0:
        raise StudyError(
            four_parts(
                "Weights are divided by their sum",
                f"found all weights zero ({shown(labels)})",
                "at least one weight must be above 0",
                "give a weight, e.g. Criterion(..., weight=1)",
            )
        )
    # Scaled first, so that huge and tiny weights neither overflow nor vanish.
    scaled = array / top
    result: npt.NDArray[np.float64] = scaled / math.fsum(scaled)
    return result
