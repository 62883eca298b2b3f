"""Markdown and LaTeX: every name stays a name, every row keeps its cells."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

from siteselect.errors import StudyError
from siteselect.reporting import NOT_CHECKED, to_latex, to_markdown

FRAME = toy_candidates(spacing_km=300)
NASTY = st.sampled_from(
    [HOSTILE, "a|b", "\\", "\\\\|", "{", "}", "%", "--", "a\n\n# b", "$x$", "&", "](x"]
) | st.text(max_size=15)


def named(name: str):
    plan = toy_plan(2, FRAME, seed=1)
    sites = plan.sites.rename(index={plan.sites.index[0]: name})
    sites = sites.assign(state=name, substation=name)
    limits = plan.limits.assign(limit=name, group=name, unit=name)
    return toy_plan(
        0, FRAME, sites=sites, limits=limits, notes=(name,), objective_name=name
    )


@settings(max_examples=25, deadline=None)
@given(NASTY)
def test_a_markdown_table_keeps_its_cells(name):
    text = to_markdown(named(name))
    bare = re.sub(r"\\[^\w\s]", "", text)
    tables = re.findall(r"(?:^\|.*\n?)+", bare, re.M)
    assert len(tables) == 2
    for table in tables:
        counts = {line.count("|") for line in table.splitlines()}
        assert len(counts) == 1, table
    assert "<" not in text
    assert [line for line in text.splitlines() if line.startswith("# ")] == [
        text.splitlines()[0]
    ]


@settings(max_examples=25, deadline=None)
@given(NASTY)
def test_a_latex_table_keeps_its_cells_and_groups(name):
    text = to_latex(named(name))
    bare = re.sub(r"\\[{}$&%#_]", "", text.replace("\\\\", "\n"))
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\bottomrule", text, re.S)
    assert len(tables) == 2
    for align, part in tables:
        rows = [line for line in part.splitlines() if line.endswith("\\\\")]
        assert rows
        cells = {len(re.findall(r"(?<!\\)&", row)) for row in rows}
        assert cells == {len(align) - 1}
    assert "%" not in bare.replace("% Needs", "")
    allowed = r"\\(begin|end|centering|footnotesize|caption|label|toprule|midrule|"
    allowed += r"bottomrule|usepackage|text\w+|ldots|otherletter|ll|gg|circ|mu|Omega|"
    allowed += (
        r"Delta|times|pm|le|ge|approx|to|[rvuHcdb]|providecommand|ifdefined|else|fi|"
    )
    allowed += r"XeTeXversion|luatexversion|resizebox|ifdim|width|linewidth|tabcolsep|"
    allowed += r"setlength)\b|\\[`'^~\"=.]\{"
    assert not re.sub(allowed, "", bare).count("\\")


AWKWARD = (
    r"a_1 & b% #3 $5 \cmd{x} {y} ~tilde ^hat",
    "Łódź–Süd “q” «r» „s‘ ñ ą Đ þ ạ ő",
    "–— -- --- … ≥ ≤ µ Ω 25 °C m² 中文 😀 é",
    "<a>|b\"c'd`e ?` !` ,, << >> ''",
    "[opt] * \\\\ \\newline \\input{x}",
    "*starred, and a name of many more words than a line holds",
)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("name", AWKWARD)
def test_latex_sets_hostile_names(name, tmp_path):
    head = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n"
    head += "\\begin{document}\n"
    text = head + to_latex(named(name)) + "\\end{document}\n"
    (tmp_path / "doc.tex").write_text(text, "utf-8")
    call = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:].decode("utf-8", "replace")
    assert (tmp_path / "doc.pdf").stat().st_size > 0
    assert b"Overfull" not in done.stdout


def test_caveats_stand_beside_every_table():
    plan = toy_plan(3, FRAME, seed=2)
    for text in (to_markdown(plan), to_latex(plan)):
        assert all(item.topic in text for item in NOT_CHECKED)
        assert "model buses, not real facilities" in text
        for label in plan.sites.index:
            assert label in text


def test_an_empty_plan_and_wrong_units():
    assert "No search area chosen" in to_markdown(toy_plan(0, FRAME))
    assert "No search area chosen" in to_latex(toy_plan(0, FRAME))
    with pytest.raises(StudyError, match='"si" or "us"'):
        to_markdown(toy_plan(1, FRAME), units="feet")
