"""Doors from a plan to the reporting room, opened only when used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def plot_plan(plan: SitePlan, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the plan on a map."""
    from siteselect.reporting import plot_plan as draw

    return draw(plan, ax, **kwargs)


def report(plan: SitePlan, folder: str | Path, **kwargs: Any) -> Any:
    """Write the plan's report into a folder."""
    from siteselect.reporting import report as write

    return write(plan, folder, **kwargs)


def explore(plan: SitePlan, path: str | Path | None, **kwargs: Any) -> Any:
    """Write or return the plan's interactive page."""
    from siteselect.reporting import explore as write

    return write(plan, path, **kwargs)


def write_plan(plan: SitePlan, path: str | Path) -> Any:
    """Write the chosen sites to a file."""
    from siteselect.reporting import write_plan as write

    return write(plan, path)


def to_markdown(plan: SitePlan, **kwargs: Any) -> str:
    """Return the plan as Markdown."""
    from siteselect.reporting.papers import to_markdown as say

    return say(plan, **kwargs)


def to_latex(plan: SitePlan, **kwargs: Any) -> str:
    """Return the plan's tables as LaTeX."""
    from siteselect.reporting.papers import to_latex as say

    return say(plan, **kwargs)


def to_geojson(plan: SitePlan) -> str:
    """Return the chosen sites as GeoJSON."""
    from siteselect.reporting import to_geojson as say

    return say(plan)


def plot_powerflow(flow: Any, ax: Any = None, **kwargs: Any) -> Any:
    """Draw the lines of a network by how full they are."""
    from siteselect.reporting.network_map import plot_flows as draw

    return draw(flow, ax, **kwargs)


def plot_frontier(frontier: Any, ax: Any = None, **kwargs: Any) -> Any:
    """Draw a frontier as a curve with dots."""
    from siteselect.reporting.frontier_chart import plot_frontier as draw

    return draw(frontier, ax, **kwargs)
