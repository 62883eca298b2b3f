"""The first page of a report: what a reader should know after a minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import SiteSelectError
from siteselect.reporting.page_cells import dollar_span, real, sheet, span, text
from siteselect.reporting.plan_like import (
    PlanLike,
    dollars,
    noun,
    number,
    percent,
    total_cost,
    total_mw,
)
from siteselect.reporting.steps import Steps
from siteselect.reporting.unit_system import UnitSystem

# The caveats must stay on the first page whatever the names are.
_MOST_NAMES = 8
_LONGEST_NAME = 60
_MONTHS = "months_to_power"


def named(names: Sequence[str]) -> str:
    """Return names in one line that fits a page.

    Parameters
    ----------
    names : sequence of str
        The names.

    Returns
    -------
    str
        At most eight, each cut at sixty characters, and how many more.

    Examples
    --------
    >>> named(["a"] * 9)
    'a, a, a, a, a, a, a, a and 1 more'
    """
    said = ", ".join(
        name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
        for name in names[:_MOST_NAMES]
    )
    rest = len(names) - _MOST_NAMES
    return f"{said} and {rest:,} more" if rest > 0 else said


def verification(plan: PlanLike) -> tuple[dict[str, Any], str, str]:
    """Return the checks, one line about them, and an alarm if they failed.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    tuple of (dict, str, str)
        A `sheet`, "passed" or why not, and the alarm.
    """
    heads = ["check", "passed", "found"]
    verify = getattr(plan, "verify", None)
    if not callable(verify):
        return sheet([], []), "not run: the plan does not carry its limits", ""
    try:
        checks = verify()
    except SiteSelectError as error:
        return sheet(heads, []), "failed", f"Verification failed: {error}"
    rows = [
        (text(check), "yes" if passed else "no", text(found))
        for check, passed, found in checks[heads].itertuples(index=False)
    ]
    return sheet(heads, rows), f"passed, {len(rows)} checks", ""


def summary_lines(
    plan: PlanLike,
    frame: pd.DataFrame,
    limits: pd.DataFrame,
    facts: pd.DataFrame,
    steps: Steps,
    accelerator: str,
    units: UnitSystem,
) -> list[str]:
    """Return what a reader should know after a minute.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    frame : DataFrame
        What `sites_table` returned.
    limits : DataFrame
        What `limits_table` returned.
    facts : DataFrame
        What `site_facts` returned.
    steps : Steps
        Steps worked out after the plan.
    accelerator : str
        What the sites are filled with.
    units : UnitSystem
        The unit of lengths.

    Returns
    -------
    list of str
        One sentence or two a line.
    """
    lines = []
    if "state" in frame.columns and len(frame):
        by_state = (
            frame.groupby("state", sort=True)["mw"].sum()
            if "mw" in frame.columns
            else frame.groupby("state", sort=True).size()
        )
        order = sorted(by_state.items(), key=lambda item: (-item[1], str(item[0])))
        lines.append(
            "By state: " + named([f"{s} {number(mw)} MW" for s, mw in order]) + "."
        )
    lines += _brings(facts, accelerator)
    if len(limits) and "binding" in limits.columns:
        binding = limits[limits["binding"].fillna(False).astype(bool)]
        names = list(dict.fromkeys(text(name) for name in binding["limit"]))
        lines.append(
            f"Limits that bind: {named(names)}."
            " Loosening them is what could improve the plan."
            if names
            else "No limit binds."
        )
    # A gap under so much is no more than so much.
    at_most = percent(plan.gap).removeprefix("under ")
    proof = {
        "optimal": "No other choice is better for these inputs, limits and weights"
        f" (proven to a gap of {percent(plan.gap)})."
        if plan.gap == 0
        else "No other choice is better by more than "
        f"{at_most} for these inputs, limits and weights (proven).",
        "feasible": "The search stopped early: a better plan may exist, by at most "
        f"{at_most} (proven bound).",
    }
    if plan.status in proof:
        lines.append(proof[plan.status])
    lines += _steps_lines(steps)
    if noun(plan.candidates) == "search area" and "cell_km" in plan.candidates.columns:
        size = plan.candidates["cell_km"].to_numpy(dtype=float)
        if len(size) and np.isfinite(size).any():
            wide = float(np.nanmedian(size)) * units.per_km
            lines.append(
                f"A search area is a cell {wide:.4g} {units.length} wide "
                "in which to look for land, not a parcel."
            )
    return lines


def _brings(facts: pd.DataFrame, accelerator: str) -> list[str]:
    """Say what the plan hosts and how many people it employs."""
    if not len(facts):
        return []
    total = facts.select_dtypes("number").sum(skipna=False)
    said = []
    if np.isfinite(real(total.get("accelerators"))):
        said.append(
            f"room for {number(total['accelerators'])} accelerators "
            f"({accelerator}) on {number(total['it_mw'])} MW of IT"
        )
    if np.isfinite(real(total.get("permanent_jobs"))):
        jobs = span(
            total["permanent_jobs_low"],
            total["permanent_jobs"],
            total["permanent_jobs_high"],
        )
        said.append(f"{jobs} permanent jobs on site")
    lines = [f"The plan has {' and '.join(said)}."] if said else []
    if np.isfinite(real(total.get("capital_usd"))):
        capital = dollar_span(
            *(total[f"capital_usd{s}"] for s in ("_low", "", "_high"))
        )
        lines.append(
            f"Capital without computers, by the bundled cost model: {capital}."
        )
    last = facts[facts["months_to_power"].notna()] if _MONTHS in facts else facts[:0]
    if len(last) == len(facts):
        ends = (last[f"{_MONTHS}{suffix}"].max() for suffix in ("_low", "", "_high"))
        lines.append(f"The last site has power after {span(*ends)} months (judgement).")
    return lines


def _steps_lines(steps: Steps) -> list[str]:
    lines = []
    table = steps.alternatives
    if table is not None and len(table):
        lines.append(
            f"The next-best plan is worse by {percent(real(table['worse_by'].iloc[0]))}"
            f" of the objective; {len(table)} alternatives follow."
        )
    stays = steps.robustness
    if stays is not None and len(stays):
        share = stays["survival"].map(real)
        lines.append(
            "With weights and layers shaken a pick is chosen again in "
            f"{percent(share.min())} to {percent(share.max())} of the re-solves."
        )
    return lines


def key_figures(
    plan: PlanLike, frame: pd.DataFrame, facts: pd.DataFrame, units: UnitSystem
) -> list[dict[str, str]]:
    """Return the figures at the head of the page.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    frame : DataFrame
        What `sites_table` returned.
    facts : DataFrame
        What `site_facts` returned.
    units : UnitSystem
        The units of water.

    Returns
    -------
    list of dict
        ``value`` and ``name``.
    """
    found = [
        (f"{number(total_mw(plan))} MW", "facility power"),
        (f"{len(frame):,}", noun(plan.candidates, len(frame))),
    ]
    cost = total_cost(plan)
    if np.isfinite(cost) and cost > 0:
        found.append((dollars(cost), "by the plan's cost columns"))
    mw = frame["mw"].to_numpy(dtype=float) if "mw" in frame.columns else np.empty(0)
    if mw.sum() > 0:
        for column, words, digits in (
            ("score", "mean score, weighted by MW", 3),
            ("carbon_kg_per_mwh", "kg CO2/MWh, weighted by MW", 0),
        ):
            if column in frame.columns:
                mean = float(
                    (frame[column].to_numpy(dtype=float) * mw).sum() / mw.sum()
                )
                if np.isfinite(mean):
                    found.append((number(mean, digits), words))
    water = real(facts["water_m3_per_year"].sum(skipna=False)) if len(facts) else np.nan
    if np.isfinite(water):
        found.append(
            (
                number(water * units.per_m3_a_year, 1),
                f"{units.water_a_year} of water withdrawn",
            )
        )
    found.append((percent(plan.gap), f"gap; status {plan.status}"))
    return [{"value": value, "name": name} for value, name in found]


def evidence_sheet(plan: PlanLike) -> tuple[dict[str, Any], str]:
    """Return the weight by kind of evidence, and one line about it.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    tuple of (dict, str)
        A `sheet`, empty where the criteria are not known, and the line.
    """
    evidence = plan.evidence
    if evidence is None or not len(evidence):
        return sheet([], []), "What the score rests on is not known."
    pairs = [
        (text(kind), percent(real(weight)))
        for kind, weight in zip(evidence["evidence"], evidence["weight"], strict=True)
    ]
    line = "The score's weight rests on layers that are: "
    line += named([f"{kind} {share}" for kind, share in pairs]) + "."
    return sheet(["evidence", "weight"], pairs, numbers=(1,)), line
