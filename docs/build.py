"""Write the API reference and the guide: pages, tables from the code, notebooks.

``python docs/build.py OUT`` gathers the pages in ``OUT-pages``, adds those that are
generated (the bundle, the figures, limits and objectives, one page per public name),
and lets Sphinx write HTML into ``OUT``. A warning is an error.
"""

from __future__ import annotations

import importlib
import inspect
import shutil
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

from public_names import methods, module_names

import siteselect as ss
from siteselect import optimization

HERE = Path(__file__).parent
ROOT = HERE.parent
ROOMS = ("layers", "suitability", "infrastructure", "optimization", "reporting")


def cell(value: object) -> str:
    """Return a value as the text of one cell of a Markdown table."""
    text = " ".join(str(value).split())
    for mark in ("\\", "|", "`", "*", "_", "<", ">", "[", "]", "$"):
        text = text.replace(mark, "\\" + mark)
    return text


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table of cells that are Markdown already."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def summary(thing: object) -> str:
    """Return the first paragraph of a docstring, for a cell or an item."""
    first = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return first.replace("\n", " ").replace("|", "\\|")


def link(name: str) -> str:
    """Return a link to the page of a public name."""
    return f"[`{name}`](api/{name}.rst)"


def data_page() -> str:
    """Return the page on the bundled layers, from the catalog."""
    layers = ss.datasets.layers()
    parts = [(HERE / "pages" / "data.md").read_text("utf-8")]
    head = ["layer", "what it is", "evidence", "vintage", "what it is **not**"]
    parts.append(
        table(
            head,
            [
                [f"[{name}](#{name.replace('_', '-')})"]
                + [cell(row[c]) for c in ("title", "evidence", "vintage", "not_this")]
                for name, row in layers.iterrows()
            ],
        )
    )
    parts.append("## Each layer\n")
    said = {
        "title": "What it is",
        "kind": "Kind",
        "columns": "Columns",
        "resolution_km": "Resolution [km]",
        "source": "Source",
        "licence": "Licence",
        "attribution": "Attribution",
        "done": "What was done",
    }
    for name, row in layers.iterrows():
        parts.append(f"### {name.replace('_', '-')}\n")
        parts.append(f"`ss.datasets.load({str(name)!r})`\n")
        parts.append(
            "\n".join(f"- {text}: {cell(row[key])}" for key, text in said.items())
            + "\n"
        )
    return "\n".join(parts)


def releases_page() -> str:
    """Return the page on public releases, from the list of sources."""
    listed = ss.sources()
    head = ["reader", "publisher", "what it is", "evidence", "what it is **not**"]
    rows = [
        [f"[{name}](api/releases.{name}.rst)"]
        + [cell(row[c]) for c in ("publisher", "title", "evidence", "not_this")]
        for name, row in listed.iterrows()
    ]
    parts = [(HERE / "pages" / "releases.md").read_text("utf-8"), table(head, rows)]
    parts.append("## Where to get them\n")
    parts.extend(
        f"**{name}**\n: {cell(row['where'])}. Layout: {cell(row['layout'])}. Licence: "
        f"{cell(row['licence'])}. Size: {cell(row['size'])}. Names of columns checked "
        f"against: {cell(row['verified'])}.\n"
        for name, row in listed.iterrows()
    )
    return "\n".join(parts)


def parameters_page() -> str:
    """Return the page of figures, from the table of parameters."""
    figures = ss.parameters()
    head = ["figure", "low", "mid", "high", "unit", "year", "source", "note"]
    rows = [
        [f"`{name}`", *(cell(shown(row[column])) for column in head[1:])]
        for name, row in figures.iterrows()
    ]
    intro = (HERE / "pages" / "parameters.md").read_text("utf-8")
    return f"{intro}\n{len(rows)} figures.\n\n{table(head, rows)}"


def columns_page() -> str:
    """Return the page of columns that `prepare` adds."""
    columns = ss.columns()
    head = [str(column) for column in columns.columns]
    rows = [
        [f"`{name}`", *(cell(shown(row[column])) for column in head)]
        for name, row in columns.iterrows()
    ]
    intro = (HERE / "pages" / "columns.md").read_text("utf-8")
    return f"{intro}\n{table(['column', *head], rows)}"


def shown(value: object) -> str:
    """Return a figure as text, unknown as a dash."""
    if value is None or value != value or str(value) == "<NA>":
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def limits_page() -> str:
    """Return the tables of limits and objectives, from the docstrings."""
    limits, objectives = [], []
    for name in optimization.__all__:
        kind = getattr(optimization, name)
        if not inspect.isclass(kind) or name not in ss.__all__:
            continue
        if hasattr(kind, "coefficients"):
            objectives.append([link(name), summary(kind)])
        elif hasattr(kind, "rows") and hasattr(kind, "check"):
            limits.append([link(name), summary(kind)])
    text = (HERE / "pages" / "limits.md").read_text("utf-8")
    text = text.replace("LIMITS\n", table(["limit", "what it says"], limits))
    return text.replace(
        "OBJECTIVES\n", table(["objective", "what is best"], objectives)
    )


def group_of(name: str) -> tuple[str, str]:
    """Return the room of a name and the title of the module that defines it."""
    thing = getattr(ss, name)
    module = inspect.getmodule(thing)
    assert module is not None
    parts = module.__name__.split(".")
    room = parts[1] if parts[1] in ROOMS else "studies and errors"
    title = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
    return room, title


def entry(name: str, thing: Any) -> str:
    """Return the reStructuredText page of one public name."""
    full = f"siteselect.{name}"
    head = f"{name}\n{'=' * len(name)}\n\n.. currentmodule:: siteselect\n\n"
    if inspect.isclass(thing):
        members = ", ".join(methods(thing))
        text = f".. autoclass:: {full}\n"
        if members:
            text += f"   :members: {members}\n   :inherited-members:\n"
        return head + text
    return head + f".. autofunction:: {full}\n"


def module_page(name: str, module: Any) -> str:
    """Return the page of a public module: what it is, and its names."""
    text = f"{name}\n{'=' * len(name)}\n\n{inspect.getdoc(module)}\n\n"
    text += ".. toctree::\n   :maxdepth: 1\n\n"
    return text + "".join(f"   {name}.{member}\n" for member in module_names(module))


def reference(folder: Path) -> str:
    """Write one page per public name; return the text of the index."""
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in ss.__all__:
        thing = getattr(ss, name)
        if name == "__version__":
            continue
        room, title = group_of(name)
        groups[room][title].append(name)
        page = folder / f"{name}.rst"
        if inspect.ismodule(thing):
            page.write_text(module_page(name, thing), "utf-8")
            for member in module_names(thing):
                full = f"{name}.{member}"
                text = entry(full, getattr(thing, member))
                (folder / f"{full}.rst").write_text(text, "utf-8")
        else:
            page.write_text(entry(name, thing), "utf-8")
    lines = ["# API reference\n", "Every name stands in `siteselect` itself:\n"]
    lines.append("```python\nimport siteselect as ss\n```\n")
    for room in (*ROOMS, "studies and errors"):
        lines.append(f"## {room.capitalize()}\n")
        for title in sorted(groups[room]):
            names = groups[room][title]
            lines.append(f"**{title}**\n")
            lines.append(
                "\n".join(
                    f"- [`{n}`]({n}.rst): {summary(getattr(ss, n))}" for n in names
                )
                + "\n"
            )
        lines.append("```{toctree}\n:hidden:\n")
        lines.extend(sorted(n for names in groups[room].values() for n in names))
        lines.append("```\n")
    return "\n".join(lines)


def ten_lines() -> str:
    """Return the block of Python that the README shows."""
    text = (ROOT / "README.md").read_text("utf-8")
    start = text.index("```python")
    return text[start : text.index("```\n", start) + 4]


def gather(pages: Path) -> None:
    """Put every page, written and generated, into one folder."""
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(HERE / "pages", pages)
    shutil.copytree(ROOT / "notebooks", pages / "notebooks")
    (pages / "api").mkdir()
    (pages / "api" / "index.md").write_text(reference(pages / "api"), "utf-8")
    for name, text in {
        "data.md": data_page(),
        "releases.md": releases_page(),
        "parameters.md": parameters_page(),
        "columns.md": columns_page(),
        "limits.md": limits_page(),
        "errors.md": errors_page(),
        "extending.rst": extending(),
    }.items():
        (pages / name).write_text(text, "utf-8")
    for page in pages.glob("*.md"):
        text = page.read_text("utf-8")
        page.write_text(text.replace("TEN LINES\n", ten_lines()), "utf-8")


def errors_page() -> str:
    """Return the page on errors: a real message, and each class with its use."""
    text = (HERE / "pages" / "errors.md").read_text("utf-8")
    try:
        ss.datasets.region("Texass")
    except ss.SiteSelectError as error:
        said = "\n".join(textwrap.wrap(f"{type(error).__name__}: {error}", width=80))
    kinds = [
        name
        for name in ss.__all__
        if inspect.isclass(getattr(ss, name))
        and issubclass(getattr(ss, name), ss.SiteSelectError)
    ]
    rows = [[link(name), summary(getattr(ss, name))] for name in kinds]
    text = text.replace("ERROR EXAMPLE", said)
    return text.replace("ERRORS\n", table(["error", "what it says"], rows))


def extending() -> str:
    """Return the page on objects of one's own, from the docstrings."""
    head = (HERE / "pages" / "extending.rst").read_text("utf-8")
    for word, target in (
        ("LIMIT", "siteselect.optimization.SupportsLimit"),
        ("OBJECTIVE", "siteselect.optimization.SupportsObjective"),
        ("MEASUREMENT", "siteselect.suitability.measures.base.Measurement"),
        ("VALUE", "siteselect.suitability.value_function.ValueFunction"),
    ):
        module, name = target.rsplit(".", 1)
        assert hasattr(importlib.import_module(module), name), target
        head = head.replace(f"{word}\n\n", f".. autoclass:: {target}\n   :members:\n\n")
    return head


def main(out: Path, options: list[str]) -> int:
    """Gather the pages and build them; return Sphinx's exit code."""
    # Here, so that the pages can be gathered, and tested, without Sphinx.
    from sphinx.cmd.build import main as sphinx

    pages = out.with_name(f"{out.name}-pages")
    gather(pages)
    shutil.rmtree(out, ignore_errors=True)
    trees = out.with_name(f"{out.name}-trees")
    quiet = ["-q", "-W", "--keep-going", "-E", "-d", str(trees)]
    return int(sphinx([*quiet, "-c", str(HERE), *options, str(pages), str(out)]))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
