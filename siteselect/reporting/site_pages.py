"""Each chosen site on its own half page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteselect.reporting.limit_sheets import limits_touched
from siteselect.reporting.page_cells import (
    dollar_span,
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
    is_synthetic,
    number,
    percent,
    tidy_number,
)
from siteselect.reporting.steps import Steps, replacement_line
from siteselect.reporting.unit_system import KM2_PER_ACRE, UnitSystem

MODEL_BUS = "model bus, not a real facility"
# Bars that a half page has room for; the rest is counted.
_MOST_CRITERIA = 14
_LONGEST_LABEL = 120


def is_model_bus(plan: PlanLike, name: str) -> bool:
    """Tell whether a substation is an element of the synthetic network.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    name : str
        The substation.

    Returns
    -------
    bool
        True where its name says so, or the layer that `prepare` read.
    """
    if name.startswith(("model bus", "model substation")):
        return True
    prepared = attached(plan.candidates).get("prepare")
    used = prepared.get("evidence", {}) if isinstance(prepared, Mapping) else {}
    return isinstance(used, Mapping) and used.get("substations") == "synthetic"


def sites_sheet(
    plan: PlanLike, frame: pd.DataFrame, facts: pd.DataFrame, units: UnitSystem
) -> tuple[dict[str, Any], str]:
    """Return the table of the chosen sites, and a line about its columns.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    frame : DataFrame
        What `sites_table` returned.
    facts : DataFrame
        What `site_facts` returned, in the same order.
    units : UnitSystem
        Units of lengths and water.

    Returns
    -------
    tuple of (dict, str)
        A `sheet` and the line.
    """
    rows = records(frame)
    water = facts["water_m3_per_year"].to_numpy(dtype=float) * units.per_m3_a_year

    def figure(name: str, digits: int = 0, factor: float = 1.0) -> list[str]:
        return [number(real(row.get(name)) * factor, digits) for row in rows]

    found: list[tuple[str, bool, list[str]]] = [
        (str(frame.index.name or "site"), False, [text(x) for x in frame.index])
    ]
    if {"county_name", "state"} & set(frame.columns):
        found.append(("county", False, [place_of(row) for row in rows]))
    if "mw" in frame.columns:
        found.append(("MW", True, [tidy_number(real(row["mw"])) for row in rows]))
    if "option" in frame.columns:
        found.append(("option", False, [text(row["option"]) for row in rows]))
    if counts_cost(frame):
        found.append(("cost", True, [dollars(real(row["cost_usd"])) for row in rows]))
    if "score" in frame.columns:
        found.append(("score", True, figure("score", 3)))
    if "substation" in frame.columns:
        found.append(("substation", False, [text(r["substation"]) for r in rows]))
    for name, head, digits, factor in (
        ("substation_km", f"{units.length} to it", 1, units.per_km),
        ("voltage_kv", "kV", 0, 1.0),
        ("pue", "PUE", 2, 1.0),
        ("carbon_kg_per_mwh", "kg CO2/MWh", 0, 1.0),
    ):
        if name in frame.columns:
            found.append((head, True, figure(name, digits, factor)))
    if np.isfinite(water).any():
        cells = [number(value, 2) for value in water]
        found.append((f"water, {units.water_a_year}", True, cells))
    if "survival" in frame.columns:
        found.append(("stays", True, [percent(real(r["survival"])) for r in rows]))
    table = sheet(
        [head for head, _, _ in found],
        list(zip(*(cells for _, _, cells in found), strict=True)),
        numbers=[i for i, (_, right, _) in enumerate(found) if right],
    )
    return table, " ".join(_notes(plan, frame))


def _notes(plan: PlanLike, frame: pd.DataFrame) -> list[str]:
    said = ["MW: facility power at the grid connection."]
    if counts_cost(frame):
        said.append(cost_basis(plan))
    if "substation" in frame.columns and is_synthetic(plan):
        said.append(
            "Substations are model buses of a synthetic network, not real facilities."
        )
    if "water_m3_per_mw_year" in frame.columns:
        said.append("Water: what the cooling withdraws in a year.")
    if "survival" in frame.columns:
        said.append(
            "Stays: share of re-solves with shaken weights and layers in which the "
            "pick is chosen again."
        )
    return said


def counts_cost(frame: pd.DataFrame) -> bool:
    """Tell whether the plan counts dollars: without cost columns all are zero.

    Parameters
    ----------
    frame : DataFrame
        What `sites_table` returned.

    Returns
    -------
    bool
        True where a site has a cost, or one that is not known.
    """
    if "cost_usd" not in frame.columns:
        return False
    return bool((frame["cost_usd"].to_numpy(dtype=float) != 0).any())


def cost_basis(plan: PlanLike) -> str:
    """Return what the plan's dollars count, and of which year they are.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    str
        One sentence.
    """
    notes = attached(plan.candidates).get("prepare", {})
    year = notes.get("usd_year") if isinstance(notes, Mapping) else None
    said = "Cost: what the plan's cost columns count"
    if year is not None:
        said += (
            f"; the bundled cost model counts site capital without computers, "
            f"in dollars of {year}"
        )
    return said + "."


def pages_note(plan: PlanLike) -> str:
    """Return how the figures of the half pages are to be read.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    str
        A few sentences.
    """
    notes = attached(plan.candidates).get("prepare", {})
    year = notes.get("usd_year") if isinstance(notes, Mapping) else None
    said = (
        "In brackets: the range from low to high; the others are single estimates. "
        "Jobs rest on announcements. A criterion is in its own unit, and adds at most "
        "its weight."
    )
    if year is not None:
        said += (
            " Capital, and capital with the present value of power and operation, are "
            "by the bundled cost model without computers, in dollars of "
            f"{year}, every figure at low, middle or high together."
        )
    return said


def site_pages(
    plan: PlanLike,
    frame: pd.DataFrame,
    facts: pd.DataFrame,
    limits: pd.DataFrame,
    steps: Steps,
    units: UnitSystem,
    accelerator: str,
    most_criteria: int = _MOST_CRITERIA,
) -> list[dict[str, Any]]:
    """Return what stands on each site's half page.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    frame : DataFrame
        What `sites_table` returned.
    facts : DataFrame
        What `site_facts` returned, in the same order.
    limits : DataFrame
        The accounts in the units of the report.
    steps : Steps
        Steps worked out after the plan.
    units : UnitSystem
        The units.
    accelerator : str
        What the sites are filled with.
    most_criteria : int
        Criteria that a page has room for.

    Returns
    -------
    list of dict
        ``title``, ``why``, ``facts`` (name and text), ``criteria``, ``more`` (how
        many criteria are left out), ``limits`` and ``replaced``.
    """
    criteria = criteria_of(plan.candidates)
    pages = []
    for label, row, fact in zip(
        frame.index, records(frame), records(facts), strict=True
    ):
        called = str(label)
        if len(called) > _LONGEST_LABEL:
            called = called[: _LONGEST_LABEL - 1] + "…"
        title = [f"{called}: {tidy_number(real(row.get('mw')))} MW"]
        if place_of(row):
            title.append(place_of(row))
        bars = criterion_bars(row, criteria)
        pages.append(
            {
                "title": " · ".join(title),
                "why": text(row.get("why")),
                "facts": [
                    {"name": name, "text": said}
                    for name, said in _facts(
                        plan, label, row, fact, steps, units, accelerator
                    )
                ],
                "criteria": bars[:most_criteria],
                "more": max(len(bars) - most_criteria, 0),
                "limits": limits_touched(row, limits),
                "replaced": replacement_line(plan, steps, label),
            }
        )
    return pages


def criterion_bars(
    row: Mapping[str, Any], criteria: list[dict[str, Any]]
) -> list[dict[str, str]]:
    """Return the criteria of a site, what adds most to its score first.

    Parameters
    ----------
    row : mapping
        A row of the scored frame.
    criteria : list of dict
        What `criteria_of` returned.

    Returns
    -------
    list of dict
        ``name``, ``raw``, ``unit``, ``value``, ``weight``, ``adds`` as text, and
        ``share`` of the weight [percent].
    """
    found: list[tuple[float, int, dict[str, str]]] = []
    for item in criteria:
        name = str(item.get("name", ""))
        if f"{name}_contribution" not in row:
            continue
        adds = real(row.get(f"{name}_contribution"))
        weight = real(item.get("weight"))
        share = 100 * adds / weight if weight > 0 else 0.0
        line = {
            "name": name,
            "raw": tidy_number(real(row.get(f"{name}_raw"))),
            "unit": unit_text(item.get("unit")),
            "value": number(real(row.get(f"{name}_value")), 2),
            "weight": number(weight, 3),
            "adds": number(adds, 3),
            "share": f"{min(max(np.nan_to_num(share), 0.0), 100.0):.0f}",
        }
        found.append((-float(np.nan_to_num(adds)), len(found), line))
    return [line for _, _, line in sorted(found, key=lambda item: item[:2])]


def _facts(
    plan: PlanLike,
    label: object,
    row: Mapping[str, Any],
    fact: Mapping[str, Any],
    steps: Steps,
    units: UnitSystem,
    accelerator: str,
) -> list[tuple[str, str]]:
    """Return name and text of the facts of a site; what is unknown says so."""

    def get(name: str) -> float:
        return real(fact.get(name))

    def three(name: str, factor: float = 1.0, digits: int = 0) -> str:
        low, high = get(f"{name}_low"), get(f"{name}_high")
        return span(factor * low, factor * get(name), factor * high, digits)

    day_digits = 2 if units.name == "us" else 0
    water = (
        f"{number(get('water_m3_per_year') * units.per_m3_a_year, 2)} "
        f"{units.water_a_year}"
    )
    if np.isfinite(get("water_peak_day_m3")):
        day = number(get("water_peak_day_m3") * units.per_m3_a_day, day_digits)
        water += f", {day} {units.water_a_day} on the worst day"
    chips = f"{number(get('accelerators'))} ({accelerator})"
    if np.isfinite(get("racks")):
        chips += f", {number(get('racks'))} racks"
    carbon = f"{number(get('carbon_kg_per_mwh'))} kg CO2/MWh"
    if np.isfinite(get("carbon_t_per_year")):
        carbon += f", {number(get('carbon_t_per_year'))} t CO2/year"
    land = three("land_acres", KM2_PER_ACRE * units.land_per_km2) + f" {units.land}"
    if np.isfinite(get("parcel_km2")):
        has = number(get("parcel_km2") * units.land_per_km2)
        land += f" needed; the parcel has {has}"
    capital = [get(f"capital_usd{suffix}") for suffix in ("_low", "", "_high")]
    lifetime = [get(f"lifetime_usd{suffix}") for suffix in ("_low", "", "_high")]
    # The figure that must be known for the text to say anything.
    known = [
        ("accelerators", "accelerators", chips),
        ("PUE, annual", "pue", three("pue", digits=2)),
        ("water withdrawn", "water_m3_per_year", water),
        ("carbon", "carbon_kg_per_mwh", carbon),
        ("jobs, permanent", "permanent_jobs", three("permanent_jobs")),
        (
            "workers, building",
            "construction_peak_jobs",
            three("construction_peak_jobs") + " at the peak",
        ),
        ("land", "land_acres", land),
        (
            "cost in the plan",
            "cost_usd",
            dollars(get("cost_usd")) if get("cost_usd") != 0 else "not counted",
        ),
        ("capital, range", "capital_usd", dollar_span(*capital)),
        ("with power and operation", "lifetime_usd", dollar_span(*lifetime)),
        ("months to power", "months_to_power", three("months_to_power")),
    ]
    power = f"{tidy_number(get('mw'))} MW at the grid connection"
    if np.isfinite(get("it_mw")):
        power += f", {number(get('it_mw'))} MW of IT"
    found = [("power", power)]
    years = [name for name in row if re.fullmatch(r"mw_\d{4}", name)]
    if years:
        each = (f"{y.removeprefix('mw_')}: {tidy_number(real(row[y]))}" for y in years)
        found.append(("MW by year", ", ".join(each)))
    if text(row.get("option")):
        found.append(("option", text(row["option"])))
    found += [
        (name, said if np.isfinite(get(figure)) else "not known")
        for name, figure, said in known
    ]
    found.append(("nearest substation", power_line(plan, row, units)))
    found.append(("nearest fiber", distance_line(row.get("fiber_km"), units)))
    if steps.robustness is not None:
        stays = steps.robustness["survival"].to_dict()
        if label in stays:
            found.append(("stays chosen", percent(real(stays[label]))))
    if {"lon", "lat"} <= set(row):
        found.append(("latitude, longitude", f"{row['lat']:.4f}, {row['lon']:.4f}"))
    return found


def distance_line(value: object, units: UnitSystem) -> str:
    """Return a distance with its unit, or that it is not known.

    Parameters
    ----------
    value : object
        The distance [km].
    units : UnitSystem
        The units.

    Returns
    -------
    str
        The text.
    """
    km = real(value)
    if not np.isfinite(km):
        return "not known"
    return f"{number(km * units.per_km, 1)} {units.length}"


def power_line(plan: PlanLike, row: Mapping[str, Any], units: UnitSystem) -> str:
    """Return the substation of a row with distance, voltage and headroom.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    row : mapping
        A row of the candidates.
    units : UnitSystem
        The units.

    Returns
    -------
    str
        The text; a bus of the synthetic network says that it is one.
    """
    name = text(row.get("substation"))
    if not name:
        return "not known"
    said = name
    if is_model_bus(plan, name):
        said += f" ({MODEL_BUS})"
    for column, words in (
        ("substation_km", "{} " + units.length),
        ("voltage_kv", "{} kV"),
        ("headroom_mw", "headroom {} MW"),
    ):
        value = real(row.get(column))
        if np.isfinite(value):
            is_far = column == "substation_km"
            factor, digits = (units.per_km, 1) if is_far else (1.0, 0)
            said += ", " + words.format(number(value * factor, digits))
    return said
