"""The pages that are written from the code, before Sphinx sees them."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import siteselect as ss

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
        build = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(build)
        folder = tmp_path_factory.mktemp("docs") / "pages"
        build.gather(folder)
        yield folder


def test_every_public_name_has_a_page_and_a_line_in_the_index(pages):
    index = (pages / "api" / "index.md").read_text("utf-8")
    for name in set(ss.__all__) - {"__version__"}:
        text = (pages / "api" / f"{name}.rst").read_text("utf-8")
        assert text.startswith(name)
        assert f"({name}.rst)" in index
    assert (pages / "api" / "grid.dc_flow.rst").exists()


def test_tables_hold_every_layer_figure_and_column(pages):
    for page, table in (
        ("data.md", ss.datasets.layers()),
        ("releases.md", ss.sources()),
        ("parameters.md", ss.parameters()),
        ("columns.md", ss.columns()),
    ):
        text = (pages / page).read_text("utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert len(rows) == len(table) + 1
        for name in table.index:
            assert f"| `{name}` |" in text or f"| [{name}](" in text
        # A bar that is not escaped would be a cell too many.
        bars = {line.replace("\\|", "").count("|") for line in rows}
        assert len(bars) == 1


def test_tables_of_limits_and_errors_follow_the_classes(pages):
    limits = (pages / "limits.md").read_text("utf-8")
    for name in ("Limit", "Spacing", "Deliverable", "MeanDistance", "Lexicographic"):
        assert f"[`{name}`](api/{name}.rst)" in limits
    errors = (pages / "errors.md").read_text("utf-8")
    assert "Did you mean 'Texas'?" in " ".join(errors.split())
    for name in ss.__all__:
        thing = getattr(ss, name)
        if inspect.isclass(thing) and issubclass(thing, ss.SiteSelectError):
            assert name in errors


def test_no_place_is_left_to_be_filled(pages):
    marks = {"TEN LINES", "LIMITS", "OBJECTIVES", "ERRORS", "ERROR EXAMPLE"}
    marks |= {"LIMIT", "OBJECTIVE", "MEASUREMENT", "VALUE"}
    for page in [*pages.glob("*.md"), *pages.glob("*.rst")]:
        assert not marks & set(page.read_text("utf-8").splitlines()), page.name


def test_links_between_pages_lead_somewhere(pages):
    for page in pages.glob("*.md"):
        for target in re.findall(r"\]\(([\w/.]+\.rst)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
