"""One page that a plan can be defended with: it works offline and prints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd

from siteselect.errors import LayerError, SiteSelectError, four_parts
from siteselect.infrastructure import parameters
from siteselect.reporting.files import (
    data_uri,
    figure_bytes,
    plan_record,
    to_json_text,
    write_bytes,
    write_plan,
    write_text,
)
from siteselect.reporting.maps import close_figure, figure_of, plot_plan
from siteselect.reporting.not_checked import NOT_CHECKED, not_checked_line
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    attached,
    clean,
    criteria_of,
    dollars,
    is_synthetic,
    noun,
    number,
    percent,
    short_licence,
    sources_of,
    status_line,
    tidy_number,
    title_line,
    total_cost,
    total_mw,
)
from siteselect.reporting.tables import limits_table, sites_table, to_csv_text

_FILES = ("map.png", "sites.csv", "limits.csv", "plan.json", "sites.gpkg")
_SHORT = 14
# Words for the kinds of accounts that the limits keep.
_KINDS = {"total": "", "power": "", "money": "", "average": "average, weighted by MW"}


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[int] = (),
    marked: Sequence[bool] = (),
) -> dict[str, Any]:
    """Return a table as the template takes it; ``numbers`` are right-aligned."""
    return {
        "heads": [
            {
                "text": head,
                "kind": "n"
                if i in numbers
                # Short words stay whole; longer ones may break to fit the page.
                else "k"
                if all(len(str(row[i])) <= _SHORT for row in rows)
                else "",
            }
            for i, head in enumerate(heads)
        ],
        "rows": [
            {"cells": list(row), "is_marked": bool(marked[i]) if marked else False}
            for i, row in enumerate(rows)
        ],
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one dict a row, by column name."""
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def _float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _said(value: object) -> str:
    """Return a cell's text; unknown is empty."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return ""
    return str(value)


def _amount(value: float, unit: str) -> str:
    """Format an amount of a limit; unlimited is a dash."""
    if not np.isfinite(value):
        return "–"
    if unit == "USD":
        return dollars(value)
    if unit.startswith("share"):
        return percent(value)
    # What rounding errors leave of nothing is nothing.
    return tidy_number(0.0 if abs(value) < 1e-6 else value)


def _place(row: Mapping[str, Any]) -> str:
    parts = [_said(row.get("county_name")), _said(row.get("state"))]
    return ", ".join(part for part in parts if part)


def _columns_of_sites(frame: pd.DataFrame) -> list[tuple[str, bool, list[str]]]:
    """Return heading, alignment and cells of the sites' table."""
    rows = _records(frame)

    def figure(name: str, digits: int = 0) -> list[str]:
        return [number(_float(row.get(name)), digits) for row in rows]

    found: list[tuple[str, bool, list[str]]] = [
        (str(frame.index.name or "site"), False, [_said(x) for x in frame.index])
    ]
    if {"county_name", "state"} & set(frame.columns):
        found.append(("county", False, [_place(row) for row in rows]))
    if "mw" in frame.columns:
        mw = [_float(row["mw"]) for row in rows]
        found.append(("MW", True, [tidy_number(v) for v in mw]))
    if "cost_usd" in frame.columns:
        cost = [dollars(_float(row["cost_usd"])) for row in rows]
        found.append(("cost", True, cost))
    if "score" in frame.columns:
        found.append(("score", True, figure("score", 3)))
    if "substation" in frame.columns:
        found.append(("substation", False, [_said(r["substation"]) for r in rows]))
    for name, head, digits in (
        ("substation_km", "km to it", 1),
        ("voltage_kv", "kV", 0),
        ("pue", "PUE", 2),
        ("carbon_kg_per_mwh", "kg CO2/MWh", 0),
    ):
        if name in frame.columns:
            found.append((head, True, figure(name, digits)))
    if {"water_m3_per_mw_year", "mw"} <= set(frame.columns):
        water = [_float(r["water_m3_per_mw_year"]) * _float(r["mw"]) for r in rows]
        found.append(("water, 1000 m3/year", True, [number(v / 1e3) for v in water]))
    if "survival" in frame.columns:
        found.append(("stays", True, [percent(_float(r["survival"])) for r in rows]))
    if "why" in frame.columns:
        found.append(("why", False, [_said(r["why"]) for r in rows]))
    return found


def _sites(plan: PlanLike, frame: pd.DataFrame) -> tuple[dict[str, Any], str]:
    columns = _columns_of_sites(frame)
    table = _table(
        [head for head, _, _ in columns],
        list(zip(*(cells for _, _, cells in columns), strict=True)),
        numbers=[i for i, (_, right, _) in enumerate(columns) if right],
    )
    said = ["MW: facility power at the grid connection."]
    if "cost_usd" in frame.columns:
        said.append(_cost_basis(plan.candidates))
    if "substation" in frame.columns and is_synthetic(plan):
        said.append("Substations are model buses of a synthetic network.")
    if "water_m3_per_mw_year" in frame.columns:
        said.append("Water: what the cooling consumes in a year at full power.")
    if "survival" in frame.columns:
        said.append(
            "Stays: share of re-solves with shaken weights and layers in which the "
            "pick is chosen again."
        )
    return table, " ".join(said)


def _cost_basis(frame: gpd.GeoDataFrame) -> str:
    notes = attached(frame).get("prepare", {})
    year = notes.get("usd_year") if isinstance(notes, Mapping) else None
    said = "Cost: what the plan's cost columns count"
    if year is not None:
        said += (
            f"; the bundled cost model counts site capital without computers, "
            f"in dollars of {year}"
        )
    return said + "."


def _cards(
    plan: PlanLike, frame: pd.DataFrame, limits: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return why each place was chosen, from its own columns."""
    criteria = criteria_of(plan.candidates)
    cards = []
    for label, row in zip(frame.index, _records(frame), strict=True):
        lines = []
        for item in criteria:
            name = str(item.get("name", ""))
            adds = _float(row.get(f"{name}_contribution"))
            if f"{name}_contribution" not in row:
                continue
            weight = _float(item.get("weight"))
            share = 100 * adds / weight if weight > 0 else 0.0
            lines.append(
                {
                    "name": name,
                    "raw": tidy_number(_float(row.get(f"{name}_raw"))),
                    "unit": _said(item.get("unit")),
                    "value": number(_float(row.get(f"{name}_value")), 2),
                    "weight": number(weight, 2),
                    "adds": number(adds, 3),
                    "share": f"{min(max(np.nan_to_num(share), 0.0), 100.0):.0f}",
                    "order": -np.nan_to_num(adds),
                }
            )
        lines.sort(key=lambda line: line["order"])
        title = [f"{label}: {tidy_number(_float(row.get('mw')))} MW"]
        if _place(row):
            title.append(_place(row))
        cards.append(
            {
                "title": " · ".join(title),
                "why": _said(row.get("why")),
                "facts": _facts(row),
                "criteria": lines,
                "limits": _limits_of(row, limits),
            }
        )
    return cards


def _facts(row: Mapping[str, Any]) -> str:
    said = []
    if _said(row.get("substation")):
        fact = f"nearest connection {row['substation']}"
        if np.isfinite(_float(row.get("substation_km"))):
            fact += f", {number(_float(row['substation_km']), 1)} km away"
        if np.isfinite(_float(row.get("headroom_mw"))):
            fact += f", headroom {number(_float(row['headroom_mw']))} MW"
        said.append(fact)
    for name, words in (
        ("fiber_km", "fiber city {} km away"),
        ("price_usd_per_mwh", "power ${}/MWh"),
        ("carbon_kg_per_mwh", "{} kg CO2/MWh"),
        ("population_20km", "{} residents within 20 km"),
    ):
        value = _float(row.get(name))
        if np.isfinite(value):
            said.append(words.format(number(value)))
    if {"lon", "lat"} <= set(row):
        said.append(f"at {row['lat']:.4f}, {row['lon']:.4f} (latitude, longitude)")
    return "; ".join(said) + "." if said else ""


def _limits_of(row: Mapping[str, Any], limits: pd.DataFrame) -> str:
    """Return how far the limits that name this place's groups are used."""
    own = {
        _said(row.get(name))
        for name in ("state", "county", "substation", "county_name")
    } - {""}
    said = []
    if not len(limits) or "group" not in limits.columns:
        return ""
    for item in _records(limits):
        top, used = _float(item.get("allowed_max")), _float(item.get("used"))
        if _said(item.get("group")) in own and np.isfinite(top) and top > 0:
            said.append(f"{item['limit']} ({item['group']}) {percent(used / top)} used")
    return "Limits here: " + "; ".join(said) + "." if said else ""


def _group_name(group: object, frame: pd.DataFrame) -> str:
    """Return a group's label, with the county's name where it is a county."""
    text = _said(group)
    if text and {"county", "county_name"} <= set(frame.columns):
        row = frame[frame["county"].astype(str) == text]
        if len(row):
            return f"{_place(_records(row)[0])} ({text})"
    return text


def _limits(limits: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Any]:
    rows, marked = [], []
    for item in _records(limits):
        unit = _said(item.get("unit"))
        kind = _said(item.get("kind"))
        price = _float(item.get("price"))
        price = 0.0 if abs(price) < 1e-12 else price
        rows.append(
            (
                _said(item.get("limit")),
                _group_name(item.get("group"), frame),
                _KINDS.get(kind, kind),
                _amount(_float(item.get("allowed_min")), unit),
                _amount(_float(item.get("allowed_max")), unit),
                _amount(_float(item.get("used")), unit),
                _amount(_float(item.get("slack")), unit),
                unit,
                "yes"
                if item.get("binding") is True or item.get("binding") == 1
                else "",
                tidy_number(price) if np.isfinite(price) else "–",
            )
        )
        marked.append(rows[-1][8] == "yes")
    return _table(
        [
            "limit",
            "group",
            "counts",
            "at least",
            "at most",
            "used",
            "slack",
            "unit",
            "binds",
            "price",
        ],
        rows,
        numbers=(3, 4, 5, 6, 9),
        marked=marked,
    )


def _candidates(frame: gpd.GeoDataFrame) -> tuple[str, dict[str, Any]]:
    excluded = np.zeros(len(frame), dtype=bool)
    reasons: pd.Series = pd.Series(dtype=object)
    if "excluded_by" in frame.columns:
        texts = frame["excluded_by"].fillna("").astype(str)
        excluded = (texts != "").to_numpy()
        reasons = texts[excluded].str.split(";").explode().str.strip()
    said = f"{len(frame):,} candidates were looked at: {int(excluded.sum()):,} excluded"
    if "score" in frame.columns:
        score = frame["score"].to_numpy(dtype=float, na_value=np.nan)
        unknown = int((~np.isfinite(score) & ~excluded).sum())
        said += f", {unknown:,} without a known score"
        said += f", {len(frame) - int(excluded.sum()) - unknown:,} scored"
    counts = reasons.value_counts(sort=False)
    rows = [(str(name), int(n)) for name, n in counts.items()]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return said + ".", _table(
        ["excluded by", "candidates"],
        [(name, f"{n:,}") for name, n in rows],
        numbers=(1,),
    )


def _described(value: object) -> str:
    """Return a measurement or a value function as one line."""
    if not isinstance(value, Mapping):
        return _said(value)
    kind = _said(value.get("kind"))
    skip = {"kind", "layer"}
    parts = []
    for name, item in value.items():
        if name in skip or item is None or item is False:
            continue
        if isinstance(item, list | tuple):
            item = ", ".join(
                "(" + ", ".join(_short(v) for v in part) + ")"
                if isinstance(part, list | tuple)
                else _short(part)
                for part in item
            )
        parts.append(f"{name} {_short(item)}" if item is not True else str(name))
    return f"{kind}({', '.join(parts)})"


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return _said(value)


def _criteria(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    rows = []
    for item in criteria_of(frame):
        layer = item.get("layer")
        if isinstance(layer, Mapping):
            layer = layer.get("name", "")
        rows.append(
            (
                _said(item.get("name")),
                number(_float(item.get("weight")), 3),
                _said(layer),
                _described(item.get("measure")),
                _said(item.get("unit")),
                _described(item.get("value")),
                _said(item.get("evidence")) or "unstated",
            )
        )
    return _table(
        [
            "criterion",
            "weight",
            "layer",
            "measured by",
            "unit",
            "valued by",
            "evidence",
        ],
        rows,
        numbers=(1,),
    )


def _sources(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    scored = {item.name for item in sources_of(frame)}
    rows = []
    for item in sources_of(frame, prepared=True):
        use = "the score" if item.name in scored else "columns of the candidates"
        origin = [item.source or "source not stated", item.vintage]
        terms = [item.licence or short_licence(""), item.attribution]
        rows.append(
            (
                f"{item.title} (for {use})",
                item.evidence,
                " · ".join(part for part in origin if part),
                " · ".join(part for part in terms if part),
                item.not_this,
            )
        )
    return _table(
        [
            "layer",
            "evidence",
            "source and vintage",
            "licence and attribution",
            "what it is not",
        ],
        rows,
    )


def _assumptions(frame: gpd.GeoDataFrame) -> tuple[dict[str, Any], str]:
    """Return every parameter of the models as used, and a line about them."""
    prepared = attached(frame).get("prepare")
    heads = ["parameter", "used", "low", "high", "unit", "source", "note"]
    if not isinstance(prepared, Mapping):
        return _table(heads, []), ""
    changed = dict(prepared.get("parameters", {}))
    table = parameters()
    rows = [
        (
            name,
            tidy_number(changed.get(name, row["mid"])),
            tidy_number(row["low"]),
            tidy_number(row["high"]),
            row["unit"],
            f"{row['source']} ({row['year']})",
            row["note"],
        )
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    said = (
        "Figures behind megawatts, water, cost and time, with their plausible range. "
        "Judgement and unverified figures say so. "
        + (
            f"Bold: set for this plan ({len(changed)} of {len(rows)})."
            if changed
            else "All stand at their middle value."
        )
    )
    marked = [name in changed for name in table.index]
    return _table(heads, rows, numbers=(1, 2, 3), marked=marked), said


def _verification(plan: PlanLike) -> tuple[dict[str, Any], str, str]:
    """Return the checks, one line about them, and an alarm if they failed."""
    verify = getattr(plan, "verify", None)
    if not callable(verify):
        return _table([], []), "not run: the plan does not carry its limits", ""
    heads = ["check", "passed", "found"]
    try:
        checks = verify()
    except SiteSelectError as error:
        said = f"Verification failed: {error}"
        return _table(heads, []), "failed", said
    rows = [
        (_said(check), "yes" if passed else "no", _said(found))
        for check, passed, found in checks[heads].itertuples(index=False)
    ]
    return _table(heads, rows), f"passed, {len(rows)} checks", ""


def _summary(plan: PlanLike, frame: pd.DataFrame, limits: pd.DataFrame) -> list[str]:
    """Return what a reader should know after a minute."""
    lines = []
    if "state" in frame.columns and len(frame):
        by_state = (
            frame.groupby("state", sort=True)["mw"].sum()
            if "mw" in frame.columns
            else frame.groupby("state", sort=True).size()
        )
        order = sorted(by_state.items(), key=lambda item: (-item[1], str(item[0])))
        said = ", ".join(f"{state} {number(mw)} MW" for state, mw in order[:8])
        if len(order) > 8:
            said += f" and {len(order) - 8} more"
        lines.append(f"By state: {said}.")
    if len(limits) and "binding" in limits.columns:
        binding = limits[limits["binding"].fillna(False).astype(bool)]
        names = list(dict.fromkeys(_said(name) for name in binding["limit"]))
        lines.append(
            "Limits that bind: " + (", ".join(names) or "none") + "."
            " Loosening them is what could improve the plan."
            if names
            else "No limit binds."
        )
    proof = {
        "optimal": "No other choice is better for these inputs, limits and weights"
        f" (proven to a gap of {percent(plan.gap)})."
        if plan.gap == 0
        else "No other choice is better by more than "
        f"{percent(plan.gap)} for these inputs, limits and weights (proven).",
        "feasible": "The search stopped early: a better plan may exist, by at most "
        f"{percent(plan.gap)} (proven bound).",
    }
    if plan.status in proof:
        lines.append(proof[plan.status])
    if noun(plan.candidates) == "search area" and "cell_km" in plan.candidates.columns:
        size = plan.candidates["cell_km"].to_numpy(dtype=float)
        if len(size) and np.isfinite(size).any():
            lines.append(
                f"A search area is a cell {_short(float(np.nanmedian(size)))} km wide "
                "in which to look for land, not a parcel."
            )
    return lines


def _figures(plan: PlanLike, frame: pd.DataFrame) -> list[dict[str, str]]:
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
    found.append((percent(plan.gap), f"gap; status {plan.status}"))
    return [{"value": value, "name": name} for value, name in found]


def _evidence(plan: PlanLike) -> tuple[dict[str, Any], str]:
    evidence = plan.evidence
    if evidence is None or not len(evidence):
        return _table([], []), ""
    pairs = [
        (_said(kind), percent(_float(weight)))
        for kind, weight in zip(evidence["evidence"], evidence["weight"], strict=True)
    ]
    line = "The score's weight rests on layers that are: "
    line += ", ".join(f"{kind} {share}" for kind, share in pairs) + "."
    return _table(["evidence", "weight"], pairs, numbers=(1,)), line


def _method(plan: PlanLike) -> list[str]:
    said = []
    if criteria_of(plan.candidates):
        aggregate = attached(plan.candidates).get("aggregate", "weighted_sum")
        way = _said(aggregate).replace("_", " ")
        article = "an" if way[:1] in "aeiou" else "a"
        said.append(
            "Each candidate gets a score between 0 and 1: its criteria are measured "
            "on map layers, valued between bounds that do not depend on the other "
            f"candidates, and put together as {article} {way}."
        )
    said.append(
        "An integer program chooses places and sizes that satisfy every limit at "
        "once. The bound is the best value that any choice could have under the same "
        "inputs; the gap is its distance from this plan, relative to the plan. The "
        "proof is about the arithmetic: it says nothing about errors in the layers."
    )
    return said


def _context(
    plan: PlanLike, picture: bytes, record: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything the template shows."""
    frame = sites_table(plan)
    limits = limits_table(plan)
    sites, sites_note = _sites(plan, frame)
    checks, verified, alarm = _verification(plan)
    candidates_line, excluded = _candidates(plan.candidates)
    evidence, evidence_line = _evidence(plan)
    assumptions, assumptions_note = _assumptions(plan.candidates)
    status = status_line(plan)
    return {
        "title": title_line(plan),
        "status": f"{status[0].upper()}{status[1:]} · verification {verified}",
        "alarm": alarm,
        "figures": _figures(plan, frame),
        "summary": _summary(plan, frame, limits),
        "synthetic": (
            SYNTHETIC_NOTICE[0].upper() + SYNTHETIC_NOTICE[1:] + "."
            if is_synthetic(plan)
            else ""
        ),
        "not_checked_line": not_checked_line(),
        "evidence_line": evidence_line,
        "map_uri": data_uri(picture),
        "place": noun(plan.candidates),
        "places": noun(plan.candidates, 2),
        "sites": sites,
        "sites_note": sites_note,
        "cards": _cards(plan, frame, limits),
        "limits": _limits(limits, frame),
        "limits_note": (
            "Bold rows bind. Price: what one more unit would add to the objective "
            f"({plan.objective_name}), from the program's linear relaxation; a dash "
            "means that it is not known."
        ),
        "candidates_line": candidates_line,
        "excluded": excluded,
        "criteria": _criteria(plan.candidates),
        "evidence": evidence,
        "not_checked": _table(
            ["topic", "why", "what to bring"],
            [(item.topic, item.why, item.bring) for item in NOT_CHECKED],
        ),
        "sources": _sources(plan.candidates),
        "assumptions": assumptions,
        "assumptions_note": assumptions_note,
        "method": _method(plan),
        "proof": _table(
            ["what", "value"],
            [
                ("status", plan.status),
                ("objective", f"{number(plan.objective, 4)} {plan.objective_name}"),
                ("bound", f"{number(plan.bound, 4)} {plan.objective_name}"),
                ("gap", percent(plan.gap)),
                ("solver", plan.solver),
                ("verification", verified),
            ],
        ),
        "checks": checks,
        "notes": [_said(note) for note in plan.notes],
        "versions": ", ".join(f"{k} {v}" for k, v in record["versions"].items()),
        "fingerprints": "SHA-256 of the inputs: "
        + ", ".join(f"{k} {v}" for k, v in record["inputs"].items()),
        "files": ", ".join(_FILES),
    }


def _page(context: Mapping[str, Any]) -> str:
    """Fill the template; whatever is shown is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=clean
    )
    source = resources.files("siteselect.reporting").joinpath("report.html")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(**context)


def report(plan: PlanLike, folder: str | os.PathLike[str]) -> Path:
    """Write a plan's report: one page that works offline, with its files beside it.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    folder : path-like
        The folder; it and its parents are made if missing.

    Returns
    -------
    pathlib.Path
        ``report.html``. Beside it are ``map.png``, ``sites.csv``, ``limits.csv``,
        ``plan.json`` and ``sites.gpkg``. Each file appears whole or not at all,
        the page last.

    Raises
    ------
    LayerError
        If a file stands where the folder should be, or the candidates cannot be
        drawn.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss, tempfile
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report(plan, folder)
    ...     page.name, "100 MW in 1 site" in page.read_text(encoding="utf-8")
    ('report.html', True)
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise LayerError(
            four_parts(
                f"A report was to be written into {target}",
                "there is a file of this name",
                "a folder, which is made if missing",
                'Call plan.report("report/")',
            )
        )
    target.mkdir(parents=True, exist_ok=True)
    ax = plot_plan(plan)
    try:
        picture = figure_bytes(figure_of(ax))
    finally:
        close_figure(ax)
    record = plan_record(plan)
    page = _page(_context(plan, picture, record))
    write_bytes(target / "map.png", picture)
    write_plan(plan, target / "sites.csv")
    write_text(
        target / "limits.csv", to_csv_text(limits_table(plan).set_index("limit"))
    )
    write_text(target / "plan.json", to_json_text(record))
    write_plan(plan, target / "sites.gpkg")
    return write_text(target / "report.html", page)
