"""Doors from this room to the reporting room, opened only when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siteselect.suitability.waterfall import Waterfall


def plot_waterfall(waterfall: Waterfall, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what each exclusion takes out."""
    from siteselect.reporting.waterfall_chart import plot_waterfall as draw

    return draw(waterfall, ax, **kwargs)
