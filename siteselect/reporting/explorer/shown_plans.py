"""The plans that a page flips through, and the frontier that leads to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, said, shown
from siteselect.reporting import furniture as pieces
from siteselect.reporting.frontier_axes import along_word, axis_unit
from siteselect.reporting.plan_like import (
    PlanLike,
    clean,
    noun,
    number,
    percent,
    status_line,
    tidy_number,
    total_cost,
    total_mw,
)
from siteselect.reporting.plan_like import dollars as money

_BOUND = "#56606b"


class FrontierLike(Protocol):
    """The attributes of a `Frontier` that the page reads."""

    @property
    def along(self) -> str:
        """What moves."""

    @property
    def unit(self) -> str:
        """Unit of what moves."""

    @property
    def objective_name(self) -> str:
        """Objective of every point."""

    @property
    def maximize(self) -> bool:
        """Direction of the objective."""

    @property
    def table(self) -> pd.DataFrame:
        """Values, bounds and objectives."""

    @property
    def plans(self) -> Mapping[float, Any]:
        """Solved plans by value."""


@dataclass(frozen=True)
class ShownPlan:
    """A plan of the page under the name that a reader flips to.

    Parameters
    ----------
    group : str
        ``"plan"``, ``"alternative"`` or ``"frontier"``.
    name : str
        What the reader sees in the list.
    plan : PlanLike
        The plan.
    """

    group: str
    name: str
    plan: PlanLike

    def lines(self, first: PlanLike) -> list[str]:
        """Return what is told of the plan, against the page's first one."""
        plan, count = self.plan, len(self.plan.sites)
        said = [
            f"{number(total_mw(plan))} MW in {count} {noun(plan.candidates, count)}"
        ]
        cost = total_cost(plan)
        if np.isfinite(cost) and cost > 0:
            said.append(money(cost))
        status = status_line(plan)
        lines = [", ".join(said), status[0].upper() + status[1:]]
        lines.append(f"Objective {_objective(plan.objective, plan)}")
        if plan is first:
            return lines
        told = []
        if plan.objective_name == first.objective_name:
            change = plan.objective - first.objective
            share = abs(change / first.objective) if first.objective else float("nan")
            sign = "+" if change >= 0 else "−"
            more = f"{sign}{_objective(abs(change), plan)} ({sign}{percent(share)})"
            told.append(more if change else "the same objective")
        new = len(plan.sites.index.difference(first.sites.index, sort=False))
        gone = len(first.sites.index.difference(plan.sites.index, sort=False))
        told.append(f"{new} new (blue), {gone} gone (dotted rings)")
        lines.append("Against the plan: " + ", ".join(told))
        return lines


def _objective(value: float, plan: PlanLike) -> str:
    """Return a figure of the objective with its unit."""
    name = str(clean(plan.objective_name))
    return money(value) if name == "USD" else f"{tidy_number(value)} {name}"


def shown_plans(
    plan: PlanLike,
    alternatives: Iterable[PlanLike] = (),
    frontier: FrontierLike | None = None,
) -> list[ShownPlan]:
    """Return the plans that a page flips through, its own first.

    Parameters
    ----------
    plan : PlanLike
        The plan of the page.
    alternatives : iterable of PlanLike
        Other plans over the same candidates, best first.
    frontier : FrontierLike, optional
        A frontier over the same candidates; its solved plans are shown.

    Returns
    -------
    list of ShownPlan

    Raises
    ------
    StudyError
        If something else was given, or a plan over other candidates.
    """
    found = [ShownPlan("plan", "The plan", plan)]
    others: Any = [alternatives] if _is_plan(alternatives) else alternatives
    if isinstance(others, str | bytes | Mapping) or not isinstance(others, Iterable):
        raise StudyError(
            four_parts(
                f"explore(alternatives={said(others)}) was asked for",
                f"that is {type(others).__name__}",
                "plans over the same candidates",
                "plan.explore('map.html', alternatives=plan.alternatives(5))",
            )
        )
    for k, other in enumerate(others, start=1):
        if not _is_plan(other):
            raise StudyError(
                four_parts(
                    f"explore(alternatives=...) was asked for with {said(other)}",
                    f"item {k} is {type(other).__name__}",
                    "plans over the same candidates",
                    "plan.explore('map.html', alternatives=plan.alternatives(5))",
                )
            )
        _check_same_candidates(plan, other, f"alternative {k}")
        found.append(ShownPlan("alternative", f"Alternative {k}", other))
    if frontier is None:
        return found
    if not isinstance(getattr(frontier, "plans", None), Mapping):
        raise StudyError(
            four_parts(
                f"explore(frontier={said(frontier)}) was asked for",
                f"that is {type(frontier).__name__}",
                "a frontier over the same candidates",
                "plan.explore('map.html', frontier=ss.frontier(sites, exact=True))",
            )
        )
    word = str(clean(along_word(frontier.along)))
    for value in sorted(frontier.plans):
        leads_to: PlanLike = frontier.plans[value]
        _check_same_candidates(plan, leads_to, f"the frontier's plan at {value!r}")
        at = money(value) if frontier.unit == "USD" else _with_unit(value, frontier)
        found.append(ShownPlan("frontier", f"{word} {at}", leads_to))
    return found


def _with_unit(value: float, frontier: FrontierLike) -> str:
    unit = str(clean(frontier.unit))
    return tidy_number(value) + (f" {unit}" if unit else "")


def _is_plan(given: Any) -> bool:
    return hasattr(given, "sites") and hasattr(given, "candidates")


def _check_same_candidates(plan: PlanLike, other: PlanLike, which: str) -> None:
    """Refuse a plan whose places the page does not hold."""
    stray = other.sites.index.difference(plan.candidates.index, sort=False)
    if not len(stray) or not len(plan.candidates):
        return
    raise StudyError(
        four_parts(
            f"explore() was asked to show {which}",
            f"it chose {shown(map(repr, stray))}, not among the plan's candidates",
            "plans over the candidates of the plan",
            "pass plans of the same frame, e.g. plan.alternatives(5)",
        )
    )


def frontier_figure(bokeh: Any, frontier: FrontierLike, first: int) -> Any:
    """Return the frontier as a curve whose dots are plans of the page.

    Parameters
    ----------
    bokeh : module
        From `library.bokeh_library`.
    frontier : FrontierLike
        The curve.
    first : int
        Place of its first plan among the shown plans.

    Returns
    -------
    bokeh.plotting.figure
        The source of its dots is named ``dots``; column ``plan`` says which.
    """
    models = bokeh.models
    table = frontier.table.sort_values("value")
    x_size, x_unit = axis_unit(frontier.unit, table["value"].max())
    y_size, y_unit = axis_unit(frontier.objective_name, table["bound"].abs().max())
    known = table[np.isfinite(table["bound"].astype(float))]
    word = along_word(frontier.along)
    x_name = str(clean(f"{word} [{x_unit}]" if x_unit else word))
    name = frontier.objective_name
    y_name = str(clean(f"cost [{y_unit}]" if name == "USD" else name))
    solved = table[table["value"].isin(list(frontier.plans))]
    heights = pd.concat([known["bound"], solved["objective"]]).astype(float) / y_size
    figure = bokeh.plotting.figure(
        name="frontier",
        y_range=_range_of(heights),
        sizing_mode="stretch_both",
        tools="tap",
        toolbar_location=None,
        output_backend="canvas",
        # A name is no formula, whatever signs it has.
        x_axis_label=models.PlainText(text=x_name),
        y_axis_label=models.PlainText(text=y_name),
        outline_line_color=None,
    )
    figure.line(
        (known["value"] / x_size).tolist(),
        (known["bound"] / y_size).tolist(),
        line_color=_BOUND,
        line_width=1.6,
    )
    # Between them the line only leads the eye.
    figure.scatter(
        (known["value"] / x_size).tolist(),
        (known["bound"] / y_size).tolist(),
        size=4,
        fill_color=_BOUND,
        line_color=None,
        name="frontier:bounds",
    )
    # In the order of the shown plans, which is that of the values.
    dots = figure.scatter(
        "x",
        "y",
        size=10,
        source=models.ColumnDataSource(
            {
                "x": (solved["value"] / x_size).tolist(),
                "y": (solved["objective"] / y_size).tolist(),
                "plan": list(range(first, first + len(solved))),
                "gap": [percent(float(g)) for g in solved["gap"]],
            },
            name="dots",
        ),
        fill_color=_BOUND,
        line_color="white",
        name="frontier:dots",
    )
    dots.selection_glyph = models.Scatter(
        size=14, fill_color=pieces.PICK, line_color="white"
    )
    dots.nonselection_glyph = models.Scatter(
        size=10, fill_color=_BOUND, line_color="white"
    )
    figure.add_tools(
        models.HoverTool(
            name="tells:frontier",
            renderers=[dots],
            tooltips=[
                (x_name, "@x{0,0.[000]}"),
                (y_name, "@y{0,0.[000]}"),
                ("gap", "@gap"),
            ],
        )
    )
    figure.grid.grid_line_color = "#e6e6e6"
    figure.axis.minor_tick_line_color = None
    figure.axis.axis_label_text_font_style = "normal"
    figure.axis.axis_label_text_font_size = "12px"
    figure.axis.major_label_text_font_size = "11px"
    for axis in (figure.xaxis[0], figure.yaxis[0]):
        axis.ticker = models.BasicTicker(desired_num_ticks=4)
        axis.formatter = models.NumeralTickFormatter(format="0,0.[000]")
    return figure


def _range_of(heights: pd.Series[float]) -> tuple[float, float]:
    """Return the range of an axis, at least a thousandth of its middle either way.

    Values that differ by rounding alone would fill it otherwise.
    """
    if not len(heights):
        return 0.0, 1.0
    low, high = float(heights.min()), float(heights.max())
    middle = (low + high) / 2
    half = 1.15 * max((high - low) / 2, 1e-3 * abs(middle), 1e-9)
    return middle - half, middle + half


def no_plan_line(frontier: FrontierLike) -> str:
    """Return at which values of the frontier there is no plan, empty if at none."""
    none = frontier.table.loc[frontier.table["status"] == "infeasible", "value"]
    if not len(none):
        return ""
    is_usd = frontier.unit == "USD"
    values = [money(v) if is_usd else _with_unit(v, frontier) for v in none]
    return f"No plan exists at {', '.join(values)}."
