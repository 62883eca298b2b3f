"""Doors from this room to the reporting room, opened only when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siteselect.suitability.criteria import Criterion
    from siteselect.suitability.hindcast import Hindcast
    from siteselect.suitability.value_function import ValueFunction
    from siteselect.suitability.waterfall import Waterfall


def plot_waterfall(waterfall: Waterfall, ax: Any = None, **kwargs: Any) -> Any:
    """Draw what each exclusion takes out."""
    from siteselect.reporting.waterfall_chart import plot_waterfall as draw

    return draw(waterfall, ax, **kwargs)


def plot_value(value: ValueFunction, raw: Any, ax: Any, *, unit: str, name: str) -> Any:
    """Draw a value function, and figures under it."""
    from siteselect.reporting.criterion_chart import plot_value as draw

    return draw(value, raw, ax, unit=unit, name=name)


def plot_criterion(criterion: Criterion, data: Any, ax: Any) -> Any:
    """Draw the value function of a criterion, and under it what it values."""
    from siteselect.reporting.criterion_chart import plot_criterion as draw

    return draw(criterion, data, ax)


def plot_hindcast(hindcast: Hindcast, ax: Any, **kwargs: Any) -> Any:
    """Draw which share of known sites the best land holds."""
    from siteselect.reporting.hindcast_chart import plot_hindcast as draw

    return draw(hindcast, ax, **kwargs)
