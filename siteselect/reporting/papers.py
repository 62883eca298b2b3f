"""A plan as text for papers and pages: Markdown and LaTeX."""

from __future__ import annotations

import re
from typing import Any

from siteselect.reporting.limit_sheets import limits_sheet, with_units
from siteselect.reporting.not_checked import not_checked_line
from siteselect.reporting.page_cells import text
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    clean,
    is_synthetic,
    noun,
    subtitle_line,
    title_line,
)
from siteselect.reporting.site_facts import ACCELERATOR, site_facts
from siteselect.reporting.site_pages import sites_sheet
from siteselect.reporting.steps import Steps
from siteselect.reporting.summary_page import evidence_sheet, summary_lines
from siteselect.reporting.tables import limits_table, sites_table
from siteselect.reporting.unit_system import unit_system

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKDOWN = re.compile(r"([\\`*_\[\]|$~#]|:(?=//))")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "–": "--",
    "…": r"\ldots{}",
    "·": r"\textperiodcentered{}",
}


def _line(value: object) -> str:
    """Return a value as one line without characters that turn or hide text."""
    return " ".join(str(clean(text(value))).split())


def _marked_down(value: object) -> str:
    said = "".join(_ENTITIES.get(c, c) for c in _line(value))
    return _MARKDOWN.sub(r"\\\1", said)


def _in_latex(value: object) -> str:
    # Hyphens side by side would become a dash.
    said = _line(value).replace("--", "-\0-").replace("--", "-\0-")
    return "".join(_LATEX.get(c, c) for c in said).replace("\0", "{}")


def _sheets(plan: PlanLike, units: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Return the sites, a line about their columns, and the limits."""
    system = unit_system(units)
    frame = sites_table(plan)
    sites, note = sites_sheet(plan, frame, site_facts(plan), system)
    limits = limits_sheet(with_units(plan, limits_table(plan), system), frame)
    return sites, note, limits


def _caveats(plan: PlanLike) -> list[str]:
    """Return what must stand beside any table of a plan."""
    notice = SYNTHETIC_NOTICE[0].upper() + SYNTHETIC_NOTICE[1:] + "."
    said = [notice] if is_synthetic(plan) else []
    said.append(not_checked_line())
    evidence = evidence_sheet(plan)[1]
    return [*said, evidence] if evidence else said


def to_markdown(plan: PlanLike, *, units: str = "si") -> str:
    r"""Return a plan as Markdown: summary, sites, limits and caveats.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    units : {"si", "us"}, default "si"
        Kilometers and cubic meters, or miles and million gallons a day.

    Returns
    -------
    str
        GitHub-flavored Markdown; names and reasons are escaped.

    Raises
    ------
    StudyError
        If the units are neither.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0}, index=["a_1"],
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> lines = to_markdown(plan).splitlines()
    >>> print(lines[0])
    # 100 MW in 1 site
    >>> print("\n".join([line for line in lines if line.startswith("|")][:3]))
    | site | MW | score |
    | :-- | --: | --: |
    | a\_1 | 100 | 0.900 |
    """
    sites, note, limits = _sheets(plan, units)
    frame = sites_table(plan)
    summary = summary_lines(
        plan,
        frame,
        limits_table(plan),
        site_facts(plan),
        Steps(),
        ACCELERATOR,
        unit_system(units),
    )
    parts = [
        f"# {_marked_down(title_line(plan))}",
        _marked_down(subtitle_line(plan)),
        "\n".join(f"- {_marked_down(line)}" for line in summary),
        *(f"**{_marked_down(line)}**" for line in _caveats(plan)),
        f"## Chosen {noun(plan.candidates, 2)}",
        _pipes(sites) if sites["rows"] else "None.",
        _marked_down(note),
        "## Limits",
        _pipes(limits) if limits["rows"] else "None.",
    ]
    if plan.notes:
        parts += ["## Notes"]
        parts += ["\n".join(f"- {_marked_down(item)}" for item in plan.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _pipes(table: dict[str, Any]) -> str:
    heads = table["heads"]
    rows = [
        [_marked_down(head["text"]) for head in heads],
        ["--:" if head["kind"] == "n" else ":--" for head in heads],
        *([_marked_down(cell) for cell in row["cells"]] for row in table["rows"]),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def to_latex(plan: PlanLike, *, units: str = "si") -> str:
    r"""Return a plan's sites and limits as LaTeX tables.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    units : {"si", "us"}, default "si"
        Kilometers and cubic meters, or miles and million gallons a day.

    Returns
    -------
    str
        Two ``table`` environments, ``tab:sites`` and ``tab:limits``, for the package
        booktabs; the caveats stand in the caption. Names and reasons are escaped.

    Raises
    ------
    StudyError
        If the units are neither.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0}, index=["a_1"],
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> print([line for line in to_latex(plan).splitlines() if "&" in line][1])
    a\_1 & 100 & 0.900 \\
    """
    sites, note, limits = _sheets(plan, units)
    caption = [f"{title_line(plan)}. {subtitle_line(plan)}.", note, *_caveats(plan)]
    below = ["Limits: allowed, used and price.", *_caveats(plan)[:1]]
    return "\n".join(
        [
            "% Needs \\usepackage{booktabs}.",
            _tabular(sites, " ".join(caption), "tab:sites"),
            _tabular(limits, " ".join(below), "tab:limits"),
        ]
    )


def _tabular(table: dict[str, Any], caption: str, label: str) -> str:
    heads = table["heads"]
    align = "".join("r" if head["kind"] == "n" else "l" for head in heads) or "l"
    body = [
        "\\begin{table}[htbp]",
        "\\centering\\footnotesize",
        f"\\caption{{{_in_latex(caption)}}}",
        f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{align}}}",
        "\\toprule",
        " & ".join(_in_latex(head["text"]) for head in heads) + " \\\\",
        "\\midrule",
        *(
            " & ".join(_in_latex(cell) for cell in row["cells"]) + " \\\\"
            for row in table["rows"]
        ),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
        "",
    ]
    return "\n".join(body)
