"""One page that a plan can be defended with: it works offline and prints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from siteselect.errors import LayerError, four_parts
from siteselect.reporting.background import (
    assumptions_sheet,
    assumptions_table,
    candidates_sheet,
    criteria_sheet,
    excluded_table,
    method_lines,
    sources_sheet,
    sources_table,
)
from siteselect.reporting.candidate_pages import (
    MOST_CRITERIA,
    candidate_pages,
    candidates_index,
    check_pages,
    is_small,
)
from siteselect.reporting.files import (
    DRAWING,
    as_path,
    data_uri,
    plan_record,
    to_json_text,
    write_plan,
)
from siteselect.reporting.limit_sheets import limits_sheet, with_units
from siteselect.reporting.not_checked import NOT_CHECKED, not_checked_line
from siteselect.reporting.page_cells import sheet, text
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    clean,
    is_synthetic,
    noun,
    number,
    percent,
    status_line,
    title_line,
)
from siteselect.reporting.report_figures import (
    FOLDER,
    NAMES,
    SUFFIXES,
    ReportFigure,
    map_files,
    report_figures,
)
from siteselect.reporting.site_facts import ACCELERATOR, site_facts
from siteselect.reporting.site_pages import (
    MODEL_BUS,
    pages_note,
    site_pages,
    sites_sheet,
)
from siteselect.reporting.sites_check import check_sites
from siteselect.reporting.step_sheets import (
    alternatives_sheet,
    importance_sheet,
    robustness_sheet,
    upgrades_sheet,
    years_sheet,
)
from siteselect.reporting.steps import FEW_SITES, Steps, steps_of
from siteselect.reporting.summary_page import (
    evidence_sheet,
    key_figures,
    summary_lines,
    verification,
)
from siteselect.reporting.tables import limits_table, sites_table, to_csv_text
from siteselect.reporting.unit_system import UnitSystem, unit_system
from siteselect.reporting.workbook import workbook_bytes
from siteselect.whole_folder import check_folder, whole_folder

# Tables of steps: written where they were asked for, taken away where not, so that
# no table of an earlier report lies beside a page that does not know it.
_STEP_FILES = ("alternatives.csv", "importance.csv", "robustness.csv")
_FIGURE_FILES = tuple(f"{FOLDER}/{name}{end}" for name in NAMES for end in SUFFIXES)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A plan with everything that its report was asked to show."""

    plan: PlanLike
    steps: Steps
    units: UnitSystem
    accelerator: str
    frame: pd.DataFrame
    facts: pd.DataFrame
    limits: pd.DataFrame
    pages: str


def _tables(asked: _Asked) -> dict[str, pd.DataFrame]:
    """Return the tables of the workbook, in the library's units."""
    plan, steps = asked.plan, asked.steps
    frame = plan.candidates
    about = [
        ("plan", title_line(plan)),
        ("status", status_line(plan)),
        ("objective", f"{plan.objective!r} {plan.objective_name}"),
        ("bound", f"{plan.bound!r} {plan.objective_name}"),
        ("solver", plan.solver),
        ("grid", SYNTHETIC_NOTICE if is_synthetic(plan) else ""),
        ("not checked", not_checked_line()),
        ("evidence", evidence_sheet(plan)[1]),
        ("accelerators", f"as {asked.accelerator}"),
        ("units", "those in the names of the columns, whatever the page shows"),
    ]
    tables = {
        "read me": pd.DataFrame(about, columns=["what", "value"]),
        "sites": asked.frame,
        "figures of sites": asked.facts,
        "limits": limits_table(plan),
        "excluded": excluded_table(frame),
    }
    found = {
        "alternatives": steps.alternatives,
        "importance": steps.importance,
        "robustness": steps.robustness,
    }
    for name, table in found.items():
        if table is not None:
            tables[name] = _labelled(table)
    evidence = plan.evidence
    if evidence is not None and len(evidence):
        tables["evidence"] = pd.DataFrame(evidence)
    tables["not checked"] = pd.DataFrame(
        [(item.topic, item.why, item.bring) for item in NOT_CHECKED],
        columns=["topic", "why", "what to bring"],
    )
    tables["sources"] = sources_table(frame)
    tables["assumptions"] = assumptions_table(frame)
    return tables


def _bare(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without its notes, which every step would copy."""
    table = table.copy(deep=False)
    table.attrs = {}
    return table


def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose labels have a name, so that they are written."""
    return pd.DataFrame(table.rename_axis(index=str(table.index.name or "site")))


def _context(
    asked: _Asked,
    picture: bytes,
    figures: Sequence[ReportFigure],
    record: Mapping[str, Any],
    files: Sequence[str],
) -> dict[str, Any]:
    """Return everything the template shows."""
    plan, units, steps = asked.plan, asked.units, asked.steps
    frame, facts = asked.frame, asked.facts
    limits = with_units(plan, asked.limits, units)
    sites, sites_note = sites_sheet(plan, frame, facts, units)
    is_all = asked.pages == "candidates"
    room = {"most_criteria": MOST_CRITERIA} if is_all else {}
    pages = site_pages(
        plan, frame, facts, limits, steps, units, asked.accelerator, **room
    )
    if is_all:
        chosen = dict(zip(frame.index, pages, strict=True))
        pages = candidate_pages(plan, chosen, units)
    checks, verified, alarm = verification(plan)
    candidates_line, excluded = candidates_sheet(plan.candidates, units)
    evidence, evidence_line = evidence_sheet(plan)
    assumptions, assumptions_note = assumptions_sheet(
        assumptions_table(plan.candidates)
    )
    status = status_line(plan)
    synthetic = SYNTHETIC_NOTICE[0].upper() + SYNTHETIC_NOTICE[1:] + "."
    return {
        "title": title_line(plan),
        "status": f"{status[0].upper()}{status[1:]} · verification {verified}",
        "alarm": alarm,
        "figures": key_figures(plan, frame, facts, units),
        "summary": summary_lines(
            plan, frame, asked.limits, facts, steps, asked.accelerator, units
        ),
        "synthetic": synthetic if is_synthetic(plan) else "",
        "model_bus": MODEL_BUS if is_synthetic(plan) else "",
        "not_checked_line": not_checked_line(),
        "evidence_line": evidence_line,
        "map_uri": data_uri(picture),
        "pictures": {item.name: item for item in figures},
        "place": noun(plan.candidates),
        "places": noun(plan.candidates, 2),
        "sites": sites,
        "sites_note": sites_note,
        "pages": pages,
        "is_all": is_all,
        "index": candidates_index(plan) if is_all else None,
        "pages_note": pages_note(plan),
        "limits": limits_sheet(limits, frame),
        "limits_note": (
            "Bold rows bind. Price: what one more unit would add to the objective "
            f"({plan.objective_name}), from the program's linear relaxation; a dash "
            "means that it is not known."
        ),
        "years": years_sheet(plan),
        "upgrades": upgrades_sheet(plan),
        "candidates_line": candidates_line,
        "excluded": excluded,
        "alternatives": alternatives_sheet(plan, steps),
        "importance": importance_sheet(plan, steps),
        "robustness": robustness_sheet(steps),
        "criteria": criteria_sheet(plan.candidates),
        "evidence": evidence,
        "not_checked": sheet(
            ["topic", "why", "what to bring"],
            [(item.topic, item.why, item.bring) for item in NOT_CHECKED],
        ),
        "sources": sources_sheet(sources_table(plan.candidates)),
        "assumptions": assumptions,
        "assumptions_note": assumptions_note,
        "method": method_lines(plan.candidates),
        "proof": sheet(
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
        "notes": [text(note) for note in plan.notes],
        "versions": ", ".join(f"{k} {v}" for k, v in record["versions"].items()),
        "fingerprints": "SHA-256 of the inputs: "
        + ", ".join(f"{k} {v}" for k, v in record["inputs"].items()),
        "files": ", ".join(files),
    }


def _page(context: Mapping[str, Any]) -> str:
    """Fill the template; whatever is shown is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=clean
    )
    source = resources.files("siteselect.reporting").joinpath("report.html")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(**context)


def report(
    plan: PlanLike,
    folder: str | os.PathLike[str],
    *,
    alternatives: int | Sequence[PlanLike] | None = None,
    importance: bool | pd.DataFrame | None = None,
    robustness: pd.DataFrame | Sequence[Any] | None = None,
    frontier: Any = None,
    units: str = "si",
    accelerator: str = ACCELERATOR,
    pages: str = "sites",
) -> Path:
    """Write a plan's report: one page that works offline, with its files beside it.

    Alternatives, importance and robustness solve the program again, once per plan,
    once per site and fifty times. The first two are computed unasked where that is
    quick: the plan is proven, no network or plant is part of the program, and for
    importance it has at most twelve sites. Robustness needs the criteria. All can be
    asked for, and handed in where they are already computed.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    folder : path-like
        The folder; it and its parents are made if missing.
    alternatives : int or sequence of SitePlan, optional
        How many next-best plans to look for (by default 3 where that is quick, else
        none), or those that `SitePlan.alternatives` returned.
    importance : bool or DataFrame, optional
        Whether to compute what would replace each site, or what
        `SitePlan.importance` returned.
    robustness : DataFrame or sequence of Criterion, optional
        What `SitePlan.survival` returned, or the criteria to shake.
    frontier : Frontier, optional
        What `siteselect.frontier` returned, to be shown as a chart.
    units : {"si", "us"}, default "si"
        Kilometers, hectares and cubic meters, or miles, acres and million gallons a
        day. Tables in files keep the units in the names of their columns; criteria
        are shown in their own.
    accelerator : str, default "GB200 NVL72"
        What to fill the sites with, as in `siteselect.hosted`.
    pages : {"sites", "candidates"}, default "sites"
        A half page for each chosen site; or a whole page for each candidate, chosen
        or not, with its rank, its gates and what keeps it out, up to 300. What keeps
        one out is worked out by solving again with it where that is quick, for up to
        100 that are not chosen.

    Returns
    -------
    pathlib.Path
        ``report.html``. Beside it are ``map.png``, ``map.svg``, ``map.pdf``,
        ``sites.csv``, ``limits.csv``, ``tables.xlsx`` (all tables), ``plan.json``
        and ``sites.gpkg`` (opens styled in QGIS), the tables of the steps that
        were asked for, and ``figures`` with the other figures of the page as PNG
        and SVG. Each file appears whole or not at all, the page last; tables of
        steps and figures from an earlier report are removed. Of two reports to one
        folder at once, the later one stays, whole (not on Windows).

    Raises
    ------
    LayerError
        If a file stands where the folder should be, the candidates cannot be drawn,
        or the sites were edited into what is no plan.
    StudyError
        If units, accelerator or pages are not known, or a step or frontier is none
        of the above.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss, tempfile
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report(plan, folder, alternatives=1, units="us")
    ...     page.name, "100 MW in 1 site" in page.read_text(encoding="utf-8")
    ('report.html', True)
    """
    system = unit_system(units)
    check_pages(plan, pages)
    target = as_path(folder, 'plan.report("report/")')
    # Seen before anything is worked out: that may take a while.
    nearest = next((p for p in (target, *target.parents) if p.exists()), target)
    if nearest.exists() and not nearest.is_dir():
        raise LayerError(
            four_parts(
                f"A report was to be written into {target}",
                f"{nearest} is a file",
                "a folder, which is made if missing",
                'Call plan.report("report/")',
            )
        )
    check_sites(plan)
    check_folder(target)
    is_few = len(plan.sites) <= FEW_SITES
    if pages == "candidates" and importance is None and is_few and is_small(plan):
        importance = True
    asked = _Asked(
        plan=plan,
        steps=steps_of(plan, alternatives, importance, robustness),
        units=system,
        accelerator=accelerator,
        frame=_bare(sites_table(plan)),
        facts=_bare(site_facts(plan, accelerator)),
        limits=_bare(limits_table(plan)),
        pages=pages,
    )
    with DRAWING:
        content: dict[str, bytes] = map_files(plan, units)
        figures = report_figures(plan, asked.steps, units, frontier)
    for figure in figures:
        for suffix, body in figure.content.items():
            content[f"{FOLDER}/{figure.name}{suffix}"] = body
    record = plan_record(plan)
    steps = asked.steps
    content["limits.csv"] = to_csv_text(asked.limits.set_index("limit")).encode()
    for name, table in zip(
        _STEP_FILES,
        (steps.alternatives, steps.importance, steps.robustness),
        strict=True,
    ):
        if table is not None:
            content[name] = to_csv_text(_labelled(table)).encode()
    content["tables.xlsx"] = workbook_bytes(_tables(asked))
    content["plan.json"] = to_json_text(record).encode()
    files = [*content, "sites.csv", "sites.gpkg"]
    page = _page(_context(asked, content["map.png"], figures, record, sorted(files)))
    mine = (*_STEP_FILES, *_FIGURE_FILES)
    with whole_folder(target, last="report.html", stale=mine) as part:
        for name, body in content.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(body)
        write_plan(plan, part / "sites.csv")
        write_plan(plan, part / "sites.gpkg")
        (part / "report.html").write_text(page, encoding="utf-8")
    return target / "report.html"
