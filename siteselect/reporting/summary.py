"""The page a reader meets first: a plan as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from siteselect.reporting.not_checked import not_checked_line
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    is_synthetic,
    noun,
    percent,
    subtitle_line,
    title_line,
)
from siteselect.reporting.tables import sites_table, to_text


def study_text(
    plan: PlanLike,
    survival: pd.DataFrame,
    written: Sequence[Path] = (),
    counts: pd.DataFrame | None = None,
) -> str:
    """Return a plan as one page of text.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    survival : pandas.DataFrame
        What `SitePlan.survival` returned; without columns if it was not run.
    written : sequence of pathlib.Path
        Files to name at the end.
    counts : pandas.DataFrame, optional
        What `eligibility` returned by state.

    Returns
    -------
    str
        Chosen places with reasons, proof, binding limits, weight by evidence,
        survival, what was not checked, files.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> print(study_text(plan, pd.DataFrame()).splitlines()[0])
    100 MW in 1 site
    """
    frame = sites_table(plan)
    shown = pd.DataFrame(index=frame.index)
    for column in ("state", "county_name", "mw", "score", "voltage_kv"):
        if column in frame.columns:
            shown[column.removesuffix("_name")] = frame[column]
    if "score" in shown.columns:
        shown["score"] = shown["score"].map("{:.3f}".format)
    if "cost_usd" in frame.columns:
        shown["cost, $ B"] = (frame["cost_usd"] / 1e9).map("{:.2f}".format)
    for column, head in (("survival", "stays"), ("survival_near", "or near")):
        if column in survival.columns:
            share = survival[column].reindex(frame.index)
            shown[head] = share.map("{:.0%}".format)
    shown["why"] = frame["why"]
    shown.index.name = noun(plan.candidates)
    parts = [title_line(plan), subtitle_line(plan), "", to_text(shown, max_width=90)]
    if "survival" in survival.columns:
        parts.append(_survival_line(survival))
    binding = plan.limits
    if len(binding):
        binding = binding[binding["binding"].astype(bool)]
        names = [str(name) for name in dict.fromkeys(binding["limit"])]
        parts += ["", "Limits that bind: " + (", ".join(names) or "none") + "."]
    if counts is not None:
        parts += _eligibility_lines(counts)
    evidence = plan.evidence
    if evidence is not None and len(evidence):
        shares = [
            f"{kind} {percent(weight)}"
            for kind, weight in zip(
                evidence["evidence"], evidence["weight"], strict=True
            )
        ]
        parts.append("The score's weight rests on layers that are: ")
        parts[-1] += ", ".join(shares) + "."
    if is_synthetic(plan):
        notice = SYNTHETIC_NOTICE[0].upper() + SYNTHETIC_NOTICE[1:]
        parts.append(notice + ".")
    parts.append(not_checked_line())
    parts += [f"Note: {note}" for note in plan.notes]
    if written:
        parts += ["", "Written: " + ", ".join(str(path) for path in written)]
    return "\n".join(parts)


def _eligibility_lines(counts: pd.DataFrame) -> list[str]:
    """Say who is eligible by state, and which rule or criterion takes others out."""
    every = counts.loc["all"]
    states = counts.drop(index="all")
    share = (states["eligible"] / states["candidates"]).sort_values(kind="stable")
    least = [f"{name} {percent(value)}" for name, value in share.head(6).items()]
    lines = [f"Eligible: {every['eligible']:,.0f} of {every['candidates']:,.0f}"]
    lines[0] += f"; least in {', '.join(least)}." if least else "."
    for word in ("excluded", "unknown"):
        found = [
            f"{str(column).removeprefix(word + ': ')} {every[column]:,.0f}"
            for column in counts.columns
            if str(column).startswith(word + ": ") and every[column] > 0
        ]
        if found:
            lines.append(f"{word.capitalize()} by: {', '.join(found)}.")
    return lines


def _survival_line(survival: pd.DataFrame) -> str:
    draws = survival.attrs.get("draws", 0)
    said = (
        f'"stays": share of {draws} re-solves with weights and uncertain layers shaken '
        "in which the pick is chosen again"
    )
    if "survival_near" in survival.columns:
        said += '; "or near": in which some pick lies within 50 km'
    failed = survival.attrs.get("failed", 0)
    if failed:
        said += f"; {failed} draws found no plan"
    return said + "."
