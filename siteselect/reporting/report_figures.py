"""The figures of a report: which there are, drawn once for the page and its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from siteselect.reporting.background import excluded_waterfall
from siteselect.reporting.comparison_maps import plot_alternatives, plot_robustness
from siteselect.reporting.files import data_uri, figure_bytes
from siteselect.reporting.frontier_chart import plot_frontier
from siteselect.reporting.limit_sheets import group_name, with_units
from siteselect.reporting.limits_chart import LIMIT_COLUMNS, plot_limits
from siteselect.reporting.maps import close_figure, figure_of, plot_plan
from siteselect.reporting.network_map import plot_flows
from siteselect.reporting.paper import preset_named
from siteselect.reporting.plan_like import PlanLike, is_synthetic
from siteselect.reporting.steps import Steps
from siteselect.reporting.unit_system import unit_system
from siteselect.reporting.waterfall_chart import plot_waterfall
from siteselect.reporting.year_maps import plot_year_maps
from siteselect.reporting.years_chart import plot_years

#: Where the figures other than the map lie, beside the page.
FOLDER = "figures"
#: Every figure that a report may have, so that none of an earlier one is left.
NAMES = (
    "limits",
    "years",
    "year_maps",
    "flows",
    "excluded",
    "alternatives",
    "robustness",
    "frontier",
)
#: As wide as the page, and no higher than leaves room for a table beside it in print.
PAPER = replace(preset_named("page"), most_mm=138.0)
LOWER = replace(preset_named("page"), most_mm=120.0)
#: Bars of the limits that fit such a page.
_MOST_LIMITS = 16
#: Types of their files; the page shows the first.
SUFFIXES = (".png", ".svg")


@dataclass(frozen=True)
class ReportFigure:
    """One figure of a report.

    Parameters
    ----------
    name : str
        Name of its files, without suffix.
    said : str
        What it shows, for who cannot see it.
    content : dict of str to bytes
        Its files by suffix.
    """

    name: str
    said: str
    content: dict[str, bytes] = field(repr=False)

    @property
    def uri(self) -> str:
        """The picture as an address that holds its own content."""
        return data_uri(self.content[SUFFIXES[0]])


def map_files(plan: PlanLike, units: str) -> dict[str, bytes]:
    """Return the map for the page, for editing and for print, by file name.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    units : {"si", "us"}
        Units of its scale bar.

    Returns
    -------
    dict of str to bytes
        ``map.png``, ``map.svg`` and ``map.pdf``.
    """
    return {
        f"map{suffix}": content
        for suffix, content in _drawn(
            lambda: plot_plan(plan, units=units, preset=PAPER), (".png", ".svg", ".pdf")
        ).items()
    }


def report_figures(
    plan: PlanLike, steps: Steps, units: str, frontier: Any = None
) -> list[ReportFigure]:
    """Return the figures that a plan and its steps have something to show in.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    steps : Steps
        What was worked out after it.
    units : {"si", "us"}
        Units of the scale bars.
    frontier : Frontier, optional
        What `siteselect.frontier` returned.

    Returns
    -------
    list of ReportFigure
        In the order of `NAMES`; none of what is not known.
    """
    asked: list[tuple[str, str, Callable[[], Any]]] = []
    columns = getattr(plan.limits, "columns", ())
    if len(plan.limits) and set(LIMIT_COLUMNS) <= set(columns):
        asked.append(("limits", "How full each limit is", lambda: _limits(plan, units)))
    by_year = getattr(plan, "by_year", None)
    if by_year is not None and len(by_year):
        asked += [
            ("years", "Megawatts by site and year", lambda: plot_years(plan)),
            (
                "year_maps",
                "Maps of what stands in each year",
                lambda: plot_year_maps(plan, units=units)[0],
            ),
        ]
    flow = _flow_of(plan)
    if flow is not None:
        asked.append(
            (
                "flows",
                "Map of how full the lines are",
                lambda: plot_flows(
                    flow, units=units, synthetic=is_synthetic(plan), preset=LOWER
                ),
            )
        )
    steps_down = excluded_waterfall(plan.candidates)
    if len(steps_down.table):
        asked.append(
            (
                "excluded",
                "What each exclusion takes out",
                lambda: plot_waterfall(steps_down, units=units),
            )
        )
    if steps.plans:
        asked.append(
            (
                "alternatives",
                "Map of what stays and what changes in the alternatives",
                lambda: plot_alternatives(plan, steps.plans, units=units, preset=LOWER),
            )
        )
    survival = steps.robustness
    if survival is not None and len(plan.sites):
        asked.append(
            (
                "robustness",
                "Map of how often each place is chosen again",
                lambda: plot_robustness(plan, survival, units=units, preset=LOWER),
            )
        )
    if frontier is not None:
        asked.append(
            ("frontier", "How good a plan can be", lambda: plot_frontier(frontier))
        )
    return [ReportFigure(name, said, _drawn(draw)) for name, said, draw in asked]


def _limits(plan: PlanLike, units: str) -> Any:
    """Draw the limits with the units and the names that the page's table has."""
    table = with_units(plan, plan.limits.reset_index(drop=True), unit_system(units))
    names = [group_name(group, plan.sites) for group in table["group"]]
    said = SimpleNamespace(
        limits=table.assign(group=names), objective_name=plan.objective_name
    )
    return plot_limits(said, most=_MOST_LIMITS)


def _drawn(
    draw: Callable[[], Any], suffixes: Sequence[str] = SUFFIXES
) -> dict[str, bytes]:
    """Draw a figure, write it by suffix, and forget it."""
    ax = draw()
    try:
        figure: Figure = figure_of(ax)
        return {suffix: figure_bytes(figure, suffix) for suffix in suffixes}
    finally:
        close_figure(ax)


def _flow_of(plan: PlanLike) -> Any:
    """Return the power flow of a plan on the one network that it knows the places of.

    The network of a `Deliverable` is part of the program; without one there is
    nothing to show, and with several no single map.
    """
    compiled = getattr(plan, "compiled", None)
    limits = [
        limit
        for limit in getattr(compiled, "limits", ())
        if type(limit).__name__ == "Deliverable"
    ]
    if len(limits) != 1 or not len(plan.sites):
        return None
    places = limits[0].network.lon_lat
    if places is None or not np.isfinite(places).any():
        return None
    return plan.powerflow()  # type: ignore[attr-defined]
