"""Alternatives, importance, robustness, years and upgrades as tables of the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siteselect.reporting.page_cells import real, records, sheet, text
from siteselect.reporting.plan_like import (
    PlanLike,
    dollars,
    number,
    percent,
    tidy_number,
)
from siteselect.reporting.steps import Steps, not_worked_out, replacement_line


def _listed(joined: object) -> str:
    return ", ".join(part for part in text(joined).split(";") if part) or "–"


def alternatives_sheet(plan: PlanLike, steps: Steps) -> dict[str, Any]:
    """Return the next-best plans as the template takes them.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    steps : Steps
        Its steps.

    Returns
    -------
    dict
        A `sheet` with ``note``: what a row is, or how to ask.
    """
    table = steps.alternatives
    if table is None:
        return {**sheet([], []), "note": not_worked_out(steps, "alternatives")}
    rows = [
        (
            str(label),
            tidy_number(real(row["objective"])),
            percent(real(row["worse_by"])),
            f"{number(real(row['mw']))}",
            dollars(real(row["cost_usd"])),
            _listed(row["gone"]),
            _listed(row["new"]),
            percent(real(row["gap"])),
        )
        for label, row in zip(table.index, records(table), strict=True)
    ]
    heads = ["plan", "objective", "worse by", "MW", "cost", "sites gone", "sites new"]
    note = (
        "The best plans that differ from the one shown and from each other in the "
        f"choice of sites. Objective: {plan.objective_name}."
        if rows
        else "No other choice of sites satisfies every limit."
    )
    return {**sheet([*heads, "gap"], rows, numbers=(1, 2, 3, 4, 7)), "note": note}


def importance_sheet(plan: PlanLike, steps: Steps) -> dict[str, Any]:
    """Return what each site is worth as the template takes it.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    steps : Steps
        Its steps.

    Returns
    -------
    dict
        A `sheet` with ``note``.
    """
    table = steps.importance
    if table is None:
        return {**sheet([], []), "note": not_worked_out(steps, "importance")}
    rows = []
    for label, loss in zip(table.index, table["loss"].map(real), strict=True):
        share = loss / max(1e-9, abs(plan.objective))
        rows.append(
            (
                text(label),
                tidy_number(loss) if np.isfinite(loss) else "no plan without it",
                percent(share) if np.isfinite(share) else "",
                replacement_line(plan, steps, label),
            )
        )
    heads = ["site", "loss", "of the objective", "what would replace it"]
    note = (
        "Loss of the objective when a site is taken away and the rest chosen anew "
        f"({plan.objective_name}). A loss below the gap is none within the proof."
    )
    return {**sheet(heads, rows, numbers=(1, 2)), "note": note}


def robustness_sheet(steps: Steps) -> dict[str, Any]:
    """Return how often each site is chosen again as the template takes it.

    Parameters
    ----------
    steps : Steps
        Steps worked out after the plan.

    Returns
    -------
    dict
        A `sheet` with ``note``.
    """
    table = steps.robustness
    if table is None:
        return {**sheet([], []), "note": not_worked_out(steps, "robustness")}
    has_near = "survival_near" in table.columns
    has_mw = "mw_mean" in table.columns
    heads = ["site", "chosen again"]
    heads += ["a pick near it"] * has_near + ["mean MW"] * has_mw
    rows = []
    for label, row in zip(table.index, records(table), strict=True):
        cells = [text(label), percent(real(row["survival"]))]
        if has_near:
            cells.append(percent(real(row["survival_near"])))
        if has_mw:
            cells.append(tidy_number(real(row["mw_mean"])))
        rows.append(cells)
    draws = table.attrs.get("draws")
    note = (
        f"Share of {'the' if draws is None else f'{draws:,}'} re-solves, with weights "
        "and uncertain layers shaken, in which a site is chosen again. Limits, "
        "capacities and costs are not shaken."
    )
    failed = table.attrs.get("failed", 0)
    if failed:
        note += f" {failed:,} found no plan and count nowhere."
    return {
        **sheet(heads, rows, numbers=tuple(range(1, len(heads)))),
        "note": note,
    }


def years_sheet(plan: PlanLike) -> dict[str, Any]:
    """Return what stands in each year; no rows for a plan without years.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    dict
        A `sheet`.
    """
    table = getattr(plan, "by_year", None)
    if table is None or not len(table):
        return sheet([], [])
    rows = [
        (
            f"{real(row['year']):.0f}",
            tidy_number(real(row["mw"])),
            tidy_number(real(row["new_mw"])),
            tidy_number(real(row["sites"])),
            dollars(real(row["spent_usd"])),
        )
        for row in records(table)
    ]
    heads = ["year", "MW that stand", "new MW", "sites", "spent"]
    return sheet(heads, rows, numbers=(1, 2, 3, 4))


def upgrades_sheet(plan: PlanLike) -> dict[str, Any]:
    """Return the lines that the plan strengthens; no rows where it does not.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    dict
        A `sheet`.
    """
    table: pd.DataFrame | None = getattr(plan, "upgrades", None)
    if table is None or not len(table):
        return sheet([], [])
    rows = []
    for row in records(table):
        year = real(row.get("year"))
        rows.append(
            (
                text(row.get("branch")),
                text(row.get("from_bus")),
                text(row.get("to_bus")),
                tidy_number(real(row.get("mw"))),
                dollars(real(row.get("cost_usd"))),
                tidy_number(real(row.get("lead_months"))),
                f"{year:.0f}" if np.isfinite(year) else "",
            )
        )
    heads = ["line", "from bus", "to bus", "MW more", "cost", "lead, months", "year"]
    return sheet(heads, rows, numbers=(3, 4, 5))
