"""What gates and exclusions say of sites that their layers cannot answer for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from siteselect.errors import four_parts
from siteselect.layers.notices import notice
from siteselect.suitability.checks import layer_name

__all__ = ["figures_of", "tell_empty", "tell_undecided"]


def tell_undecided(
    what: str,
    layer: str,
    resolution_m: float | None,
    is_undecided: npt.NDArray[np.bool_],
    *,
    stacklevel: int = 4,
) -> None:
    """Warn of sites that are unknown because the layer is too coarse for them."""
    count = int(is_undecided.sum())
    if not count:
        return
    known = "" if resolution_m is None else f" (it tells apart {resolution_m:,.4g} m)"
    notice(
        four_parts(
            f"{what} asks layer {layer!r} about {len(is_undecided)} sites",
            f"it is too coarse{known} for {count} of them: unknown",
            "layers at least as fine as the sites, and as what is asked, can answer",
            "Use a finer layer, or larger sites",
        ),
        stacklevel=stacklevel,
    )


def tell_empty(what: str, layer: Any) -> None:
    """Warn of a layer without rows, of which nothing is known."""
    notice(
        four_parts(
            f"{what} asks layer {layer_name(layer)!r}",
            "it has no rows, which does not say that there are none: all sites are "
            "unknown",
            "layers with rows, and bundled ones near their area, can answer",
            "Read a layer that covers the sites, or leave the rule out if there are "
            "none",
        ),
        stacklevel=5,
    )


def figures_of(items: Iterable[Any]) -> list[float]:
    """Return those of some bounds or labels that are finite figures."""
    return [
        float(item)
        for item in items
        if isinstance(item, (int, float, np.integer, np.floating))
        and not isinstance(item, bool)
        and np.isfinite(item)
    ]
