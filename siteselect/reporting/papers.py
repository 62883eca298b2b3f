"""A plan as text for papers and pages: Markdown and LaTeX."""

from __future__ import annotations

import re
import textwrap
import unicodedata
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
    # A quotation mark that every encoding has; braces keep "?`" from becoming one sign.
    '"': "{''}",
    "`": "{`}",
    "[": "{[}",
    "]": "{]}",
    # A star that begins a row would belong to the line break before it.
    "*": "{*}",
    "–": "--",
    "…": r"\ldots{}",
    "·": r"\textperiodcentered{}",
    "«": r"$\ll$",
    "»": r"$\gg$",
    "‚": ",",
    "„": ",,",
    "°": r"$^\circ$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "Ω": r"$\Omega$",
    "Δ": r"$\Delta$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≈": r"$\approx$",
    "→": r"$\to$",
    "₂": "$_2$",
    "²": "$^2$",
    "³": "$^3$",
    "\N{NON-BREAKING HYPHEN}": "-",
}
#: Signs that pdfTeX knows in its first encoding, beside letters with accents.
_IN_PDFTEX = frozenset("¡¿§¶£©®™€†‡•—‘’“”ßæÆœŒøØåÅłŁı÷¼½¾¹")
#: Accents as LaTeX commands that every encoding has.
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
    "\N{COMBINING CEDILLA}": "c",
    "\N{COMBINING DOT BELOW}": "d",
    "\N{COMBINING MACRON BELOW}": "b",
}
#: Letters to a line of a table's text, and at least to a line of its heads.
_CELL_LETTERS, _HEAD_LETTERS = 22, 8
#: A table wider than the lines of the text around it is made smaller.
_FITTED = "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}"
#: What a letter becomes that pdfTeX has no sign for.
_OTHER_LETTER = (
    "\\providecommand{\\otherletter}[2]{\\ifdefined\\XeTeXversion#2\\else"
    "\\ifdefined\\luatexversion#2\\else[U+#1]\\fi\\fi}"
)


def _line(value: object) -> str:
    """Return a value as one line without characters that turn or hide text."""
    return " ".join(str(clean(text(value))).split())


def _marked_down(value: object) -> str:
    said = "".join(_ENTITIES.get(c, c) for c in _line(value))
    return _MARKDOWN.sub(r"\\\1", said)


def _in_latex(value: object) -> str:
    # Hyphens side by side would become a dash, commas and apostrophes quotation marks.
    said = _line(value)
    for pair in ("--", ",,", "''"):
        for _ in range(2):
            said = said.replace(pair, f"{pair[0]}\0{pair[1]}")
    letters = unicodedata.normalize("NFC", said)
    return "".join(map(_letter_in_latex, letters)).replace("\0", "{}")


def _letter_in_latex(letter: str) -> str:
    """Return a letter so that pdfTeX, XeTeX and LuaTeX all take it."""
    if letter in _LATEX:
        return _LATEX[letter]
    if letter.isascii() or letter in _IN_PDFTEX:
        return letter
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        # The common ones stay readable.
        if ord(letter) < 0x100:
            return letter
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"\\otherletter{{{ord(letter):04X}}}{{{letter}}}"


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
        Two ``table`` environments, ``tab:sites`` and ``tab:limits``, for the packages
        booktabs and graphicx; the caveats stand in the caption. Long heads and names
        are set in several lines, and a table that is still wider than the text is made
        smaller: with many columns, ``table*`` and landscape pages are easier to read.
        Names and reasons are escaped, so that pdfTeX, XeTeX and LuaTeX all set them. A
        letter that pdfTeX has no sign for, such as a Chinese one, it sets as its code
        point, ``[U+4E2D]``; the other two set the letter where the document's font has
        it.

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
    tables = (
        _tabular(sites, " ".join(caption), "tab:sites"),
        _tabular(limits, " ".join(below), "tab:limits"),
    )
    has_other = any("\\otherletter" in table for table in tables)
    head = ["% Needs \\usepackage{booktabs,graphicx}.", *([_OTHER_LETTER] * has_other)]
    return "\n".join([*head, *tables])


def _tabular(table: dict[str, Any], caption: str, label: str) -> str:
    heads, rows = table["heads"], [row["cells"] for row in table["rows"]]
    align = ["r" if head["kind"] == "n" else "l" for head in heads]
    said = []
    for k, head in enumerate(heads):
        cells = [_stacked(row[k], _CELL_LETTERS, align[k], "t") for row in rows]
        widest = max((len(_line(row[k])) for row in rows), default=0)
        letters = max(_HEAD_LETTERS, min(widest, _CELL_LETTERS))
        said.append([_stacked(head["text"], letters, align[k], "b"), *cells])
    first, *others = [" & ".join(cells) + " \\\\" for cells in zip(*said, strict=True)]
    body = [
        "\\begin{table}[htbp]",
        "\\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}",
        f"\\caption{{{_in_latex(caption)}}}",
        f"\\label{{{label}}}",
        f"{_FITTED}{{\\begin{{tabular}}{{{''.join(align)}}}",
        "\\toprule",
        first,
        "\\midrule",
        *others,
        "\\bottomrule",
        "\\end{tabular}}",
        "\\end{table}",
        "",
    ]
    return "\n".join(body)


def _stacked(value: object, letters: int, align: str, at: str) -> str:
    """Return a text in lines of about so many letters, one above the other."""
    lines = textwrap.wrap(
        _line(value), letters, break_long_words=False, break_on_hyphens=False
    )
    if len(lines) < 2:
        return _in_latex(value)
    stack = " \\\\ ".join(map(_in_latex, lines))
    return f"\\begin{{tabular}}[{at}]{{@{{}}{align}@{{}}}}{stack}\\end{{tabular}}"
