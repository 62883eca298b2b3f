"""What the axes of a frontier are called, on a chart and on a page."""

from __future__ import annotations

import numpy as np

#: Units that are shown larger, so that the ticks stay short.
_LARGER: dict[str, tuple[tuple[float, str], ...]] = {
    "USD": ((1e9, "billion USD"), (1e6, "million USD"))
}
#: What an argument is called on an axis.
_WORDS = {
    "budget_usd": "budget",
    "power_mw": "total power",
    "max_sites": "largest number of sites",
    "min_sites": "smallest number of sites",
    "min_spacing_km": "spacing",
}


def along_word(along: object) -> str:
    """Return what the argument that moves along a frontier is called.

    Parameters
    ----------
    along : str
        The argument, as ``frontier.along``.

    Returns
    -------
    str
        Its words; a limit of one's own keeps its name.

    Examples
    --------
    >>> along_word("max_sites")
    'largest number of sites'
    """
    return _WORDS.get(str(along), str(along))


def axis_unit(unit: str, largest: float) -> tuple[float, str]:
    """Return what the figures of an axis are divided by, and their unit then.

    Parameters
    ----------
    unit : str
        Unit of the figures.
    largest : float
        The largest of them [unit].

    Returns
    -------
    tuple of (float, str)
        1 and the same unit where the figures are short as they are.

    Examples
    --------
    >>> axis_unit("USD", 45e9)
    (1000000000.0, 'billion USD')
    """
    for size, name in _LARGER.get(unit, ()):
        if np.isfinite(largest) and abs(largest) >= size:
            return size, name
    return 1.0, unit
