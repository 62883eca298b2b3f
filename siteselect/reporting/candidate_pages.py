"""Each candidate on a page of its own, chosen or not, with its gates and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts
from siteselect.reporting.page_cells import (
    place_of,
    real,
    records,
    sheet,
    span,
    text,
    unit_text,
)
from siteselect.reporting.plan_like import (
    PlanLike,
    attached,
    criteria_of,
    dollars,
    number,
    tidy_number,
)
from siteselect.reporting.site_pages import criterion_bars, distance_line, power_line
from siteselect.reporting.tables import lon_lat
from siteselect.reporting.unit_system import UnitSystem

# A shortlist: more pages would be read by nobody.
MOST_PAGES = 300
# Bars that a whole page has room for.
MOST_CRITERIA = 24
# What keeps a candidate out takes a few solves: quick with so many columns.
_MOST_EXPLAINED = 100
_SMALL = 5_000
_MARKED = ("FAIL", "UNKNOWN")


def check_pages(plan: PlanLike, pages: str) -> None:
    """Refuse pages that are not known, and more of them than anyone reads.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    pages : str
        ``"sites"`` or ``"candidates"``.

    Raises
    ------
    StudyError
        If it is neither, or there are more than 300 candidates.
    """
    if pages not in ("sites", "candidates"):
        raise StudyError(
            four_parts(
                "plan.report(...) takes pages=",
                f"got {pages!r}",
                'allowed is "sites", a half page for each chosen site, or '
                '"candidates", a page for each candidate',
                'plan.report(folder, pages="candidates")',
            )
        )
    n = len(plan.candidates)
    if pages == "candidates" and n > MOST_PAGES:
        raise StudyError(
            four_parts(
                "A page was asked for each candidate",
                f"found {n:,} candidates",
                f"allowed are up to {MOST_PAGES}, a shortlist",
                'plan.report(folder, pages="sites"), or choose among fewer: '
                'optimize_sites(scored.nlargest(50, "score"), ...)',
            )
        )


def is_small(plan: PlanLike) -> bool:
    """Tell whether a plan's program is so small that it may be solved for each page.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    bool
        True for a plan proven optimal, of up to 5,000 columns and without a network.
    """
    compiled = getattr(plan, "compiled", None)
    problem = getattr(plan, "problem", None)
    if compiled is None or problem is None or plan.status != "optimal":
        return False
    on_demand = {type(limit).__name__ for limit in compiled.lazy}
    return bool(problem.n_columns <= _SMALL and on_demand <= {"Spacing"})


def candidates_index(plan: PlanLike) -> dict[str, Any]:
    """Return the table that leads to the pages: rank, verdict, place in the plan.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    dict
        A `sheet` in the order of the pages; chosen candidates are in bold.
    """
    frame = plan.candidates
    order, rank = _order(plan), _rank(frame)
    mw = plan.sites["mw"].to_dict()
    rows = records(frame.loc[order])
    has_gates = "gates" in frame.columns
    cells = []
    for label, row in zip(order, rows, strict=True):
        gates = [text(row.get("gates")), _missed(row)] if has_gates else []
        cells.append(
            [
                number(rank[label]) if np.isfinite(rank[label]) else "–",
                str(label),
                place_of(row),
                number(real(row.get("score")), 3),
                *gates,
                tidy_number(mw[label]) if label in mw else "",
                text(row.get("excluded_by")).replace(";", ", "),
            ]
        )
    heads = ["rank", str(frame.index.name or "site"), "county", "score"]
    heads += ["gates", "not passed"] * has_gates + ["MW in the plan", "excluded by"]
    right = [0, 3, len(heads) - 2]
    return sheet(heads, cells, numbers=right, marked=[label in mw for label in order])


def candidate_pages(
    plan: PlanLike, chosen: Mapping[object, Mapping[str, Any]], units: UnitSystem
) -> list[dict[str, Any]]:
    """Return what stands on each candidate's page, the chosen ones first.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    chosen : mapping of label to dict
        What `site_pages` said of the chosen ones.
    units : UnitSystem
        The units.

    Returns
    -------
    list of dict
        As of `site_pages`, with ``verdict``, ``gates`` (a `sheet`), ``is_chosen`` and
        ``why_head``; chosen sites by size, then the others by score, then those
        without one.
    """
    frame = plan.candidates
    gates, criteria = _gates_of(frame), criteria_of(frame)
    rank = _rank(frame)
    scored = int(np.isfinite(rank).sum())
    order = _order(plan)
    reasons = _reasons(plan, [label for label in order if label not in chosen])
    pages = []
    rows, places = records(frame.loc[order]), records(lon_lat(frame).loc[order])
    for label, one, place in zip(order, rows, places, strict=True):
        # A list of one's own has its columns lon and lat; these are of the drawn point.
        row = one | place
        about = dict(chosen.get(label) or _left_out(plan, label, row, criteria, units))
        about["is_chosen"] = label in chosen
        about["why_head"] = "Why here" if label in chosen else "Why not"
        about["why"] = about["why"] if label in chosen else reasons[label]
        about["verdict"] = _verdict(row, real(rank[label]), scored)
        about["gates"] = _gate_sheet(row, gates)
        pages.append(about)
    return pages


def _order(plan: PlanLike) -> list[Any]:
    """Return the labels: chosen by size, then by score, then those without one."""
    frame, sites = plan.candidates, plan.sites
    first = np.argsort(-sites["mw"].to_numpy(dtype=float), kind="stable")
    chosen = list(sites.index[first])
    rest = frame.loc[~frame.index.isin(chosen)]
    if "score" in frame.columns:
        by = np.argsort(-rest["score"].to_numpy(dtype=float), kind="stable")
        rest = rest.iloc[by]
    return [*chosen, *rest.index]


def _rank(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the place of each candidate by score, 1 for the best; NaN without one."""
    if "score" not in frame.columns:
        return pd.Series(np.nan, index=frame.index)
    return pd.Series(frame["score"].astype(float).rank(ascending=False, method="min"))


def _verdict(row: Mapping[str, Any], rank: float, scored: int) -> str:
    """Return rank and gates as one line."""
    said = "No score"
    if np.isfinite(rank):
        said = f"Rank {rank:.0f} of {scored} by score ({real(row['score']):.3f})"
    if "gates" in row:
        missed = _missed(row)
        said += f" · gates: {text(row['gates'])}" + (f" ({missed})" if missed else "")
    return said


def _missed(row: Mapping[str, Any]) -> str:
    """Return the gates that are failed, and those that cannot be told."""
    parts = [
        f"{word} {text(row.get(column)).replace(';', ', ')}"
        for word, column in (("fails", "failed_gates"), ("unknown", "unknown_gates"))
        if text(row.get(column))
    ]
    return "; ".join(parts)


def _gates_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found = attached(frame).get("gates", [])
    return [dict(item) for item in found if f"{item.get('name')}_gate" in frame]


def _gate_sheet(
    row: Mapping[str, Any], gates: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Return the gates of a candidate, each with what was found and asked."""
    if not gates:
        return None
    cells, marked = [], []
    for gate in gates:
        name = str(gate["name"])
        state = text(row.get(f"{name}_gate"))
        cells.append([name, state, _found(row, gate), text(gate.get("requirement"))])
        marked.append(state in _MARKED)
    return sheet(["gate", "verdict", "found", "asked"], cells, marked=marked)


def _found(row: Mapping[str, Any], gate: Mapping[str, Any]) -> str:
    """Return what a gate found; where it cannot tell, why."""
    column, unit = f"{gate['name']}_figure", unit_text(gate.get("unit"))
    figure = row.get(column)
    said = text(figure)
    if said and np.isfinite(real(figure)):
        said = f"{tidy_number(real(figure))} {unit}".rstrip()
    if text(row.get(f"{gate['name']}_gate")) == "UNKNOWN":
        return f"{said}: its layer is too coarse to tell" if said else "no figure"
    return said or "–"


def _reasons(plan: PlanLike, labels: list[Any]) -> dict[Any, str]:
    """Return why each of the others is not in the plan, in a sentence or two."""
    explain = getattr(plan, "explain", None)
    if callable(explain) and is_small(plan) and len(labels) <= _MOST_EXPLAINED:
        said = {label: text(explain(label).reason) for label in labels}
        return {label: f"{why[:1].upper()}{why[1:]}." for label, why in said.items()}
    return {label: _plainly(plan, label) for label in labels}


def _plainly(plan: PlanLike, label: object) -> str:
    """Return why a candidate is out without solving again."""
    row = plan.candidates.loc[label].to_dict()
    excluded = text(row.get("excluded_by"))
    if excluded:
        return f"Excluded by {excluded.replace(';', ', ')}."
    if "score" in row and not np.isfinite(real(row["score"])):
        return "Its score is unknown."
    return f"The plan does without it; plan.explain({label!r}) says what keeps it out."


def _left_out(
    plan: PlanLike,
    label: object,
    row: Mapping[str, Any],
    criteria: list[dict[str, Any]],
    units: UnitSystem,
) -> dict[str, Any]:
    """Return the page of a candidate that is not in the plan: figures per MW."""
    place, bars = place_of(row), criterion_bars(row, criteria)
    return {
        "title": f"{label}: not chosen" + (f" · {place}" if place else ""),
        "facts": [
            {"name": name, "text": said}
            for name, said in _facts_per_mw(plan, row, units)
        ],
        "criteria": bars[:MOST_CRITERIA],
        "more": max(len(bars) - MOST_CRITERIA, 0),
        "limits": [],
        "replaced": "",
    }


def _facts_per_mw(
    plan: PlanLike, row: Mapping[str, Any], units: UnitSystem
) -> list[tuple[str, str]]:
    def get(name: str) -> float:
        return real(row.get(name))

    def three(name: str, digits: int = 0) -> str:
        return span(get(f"{name}_low"), get(name), get(f"{name}_high"), digits)

    water = get("water_m3_per_mw_year") * units.per_m3_a_year
    known = [
        (
            "capacity of the connection",
            "capacity_mw",
            f"{tidy_number(get('capacity_mw'))} MW",
        ),
        ("PUE, annual", "pue", three("pue", 2)),
        (
            "water withdrawn",
            "water_m3_per_mw_year",
            f"{number(1000 * water, 2)} {units.water_a_year} per 1,000 MW",
        ),
        (
            "carbon",
            "carbon_kg_per_mwh",
            f"{number(get('carbon_kg_per_mwh'))} kg CO2/MWh",
        ),
        (
            "jobs, permanent",
            "permanent_jobs_per_mw",
            f"{three('permanent_jobs_per_mw', 2)} per MW",
        ),
        (
            "capital per MW",
            "cost_usd_per_mw",
            dollars(get("cost_usd_per_mw")),
        ),
        ("capital per site", "fixed_cost_usd", dollars(get("fixed_cost_usd"))),
        ("months to power", "months_to_power", three("months_to_power")),
    ]
    found = [
        (name, said if np.isfinite(get(column)) else "not known")
        for name, column, said in known
        if column in row
    ]
    if "substation" in row:
        found.append(("nearest substation", power_line(plan, row, units)))
    if "fiber_km" in row:
        found.append(("nearest fiber", distance_line(row["fiber_km"], units)))
    where = f"{get('lat'):.4f}, {get('lon'):.4f}"
    return [*found, ("latitude, longitude", where)]
