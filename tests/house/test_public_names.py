"""Every public name says what it takes, gives and refuses, and shows its use."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import siteselect as ss
from siteselect import errors

SOURCE = Path(__file__).parents[2] / "docs" / "public_names.py"
_spec = importlib.util.spec_from_file_location("public_names", SOURCE)
public = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(public)

NAMES = dict(public.public_names())
CLASSES = {name: thing for name, thing in NAMES.items() if inspect.isclass(thing)}
FUNCTIONS = {name: thing for name, thing in NAMES.items() if not inspect.isclass(thing)}
METHODS = {
    f"{name}.{method}": (kind, method, thing)
    for name, kind in CLASSES.items()
    for method, thing in public.methods(kind).items()
}
OURS = {
    name
    for name, thing in vars(errors).items()
    if inspect.isclass(thing) and issubclass(thing, errors.SiteSelectError)
}


def sections(text: str) -> dict[str, list[str]]:
    """Split a numpydoc docstring at its underlined headings."""
    found: dict[str, list[str]] = {"": []}
    lines = text.splitlines()
    heading = ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"-{3,}", line):
            continue
        if re.fullmatch(r"-{3,}", below) and re.match(r"[A-Z]", line):
            heading = line
            found[heading] = []
        else:
            found[heading].append(line)
    return found


def documented(lines: list[str]) -> list[str]:
    """Return the names that a section of parameters explains, in order."""
    heads = [line.split(" : ")[0] for line in lines if line and not line[0].isspace()]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def taken(thing: object) -> list[str]:
    """Return the names of the arguments that a caller may give."""
    return [
        name
        for name in inspect.signature(thing).parameters
        if name not in {"self", "cls"} and not name.startswith("_")
    ]


def raised(thing: object) -> set[str]:
    """Return our errors that the body of a function raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    names = [call.func if isinstance(call, ast.Call) else call for call in calls]
    return {node.id for node in names if isinstance(node, ast.Name)} & OURS


def unexplained(text: str, errors_raised: set[str]) -> list[str]:
    """Return errors that no "Raises" explains, by their own name or a parent's."""
    said = set(re.findall(r"\w+", "\n".join(sections(text).get("Raises", []))))
    return sorted(
        name
        for name in errors_raised
        if not said & {kind.__name__ for kind in getattr(errors, name).__mro__}
    )


def test_the_walk_finds_what_a_user_meets():
    for name in ("prepare", "grid.dc_flow", "datasets.load", "presets.training"):
        assert name in FUNCTIONS
    for name in ("SitePlan", "grid.Network", "Limit"):
        assert name in CLASSES
    assert "SitePlan.explain" in METHODS
    assert "Limit.rows" not in METHODS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented_whole(name):
    thing = FUNCTIONS[name]
    if inspect.ismodule(thing):
        return
    text = inspect.getdoc(thing) or ""
    assert documented(sections(text).get("Parameters", [])) == taken(thing)
    assert sections(text).get("Returns"), "no Returns"
    assert ">>>" in "\n".join(sections(text).get("Examples", [])), "no example"
    assert not unexplained(text, raised(thing))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_documented_whole(name):
    kind = CLASSES[name]
    text = inspect.getdoc(kind) or ""
    assert text.splitlines()[0].endswith(".")
    assert ">>>" in "\n".join(sections(text).get("Examples", [])), "no example"
    if not issubclass(kind, Exception) or "__init__" in vars(kind):
        explained = documented(sections(text).get("Parameters", []))
        assert set(taken(kind)) <= set(explained)
    made = [vars(kind)[m] for m in ("__init__", "__post_init__") if m in vars(kind)]
    made = [m for m in made if m.__code__.co_filename != "<string>"]
    assert not unexplained(text, set().union(*map(raised, made)) if made else set())


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_documented_and_shown(name):
    kind, method, thing = METHODS[name]
    text = inspect.getdoc(getattr(kind, method)) or ""
    assert text.splitlines()[0].endswith("."), "no summary"
    shown = text + (inspect.getdoc(kind) or "")
    assert re.search(rf">>> .*\.{method}\b|\.\.\. .*\.{method}\b", shown), "no example"
    if not inspect.isfunction(thing):
        return
    assert documented(sections(text).get("Parameters", [])) == taken(thing)
    if inspect.signature(thing).return_annotation not in {"None", None}:
        assert sections(text).get("Returns"), "no Returns"
    assert not unexplained(text, raised(thing))


def test_what_the_program_asks_for_has_a_summary():
    lacking = [
        f"{name}.{asked}"
        for name, kind in CLASSES.items()
        for mark, names in public.ASKED_BY_THE_PROGRAM.items()
        if hasattr(kind, mark)
        for asked in names
        if hasattr(kind, asked) and callable(getattr(kind, asked))
        if not (inspect.getdoc(getattr(kind, asked)) or "").strip()
    ]
    assert not lacking


def test_the_top_level_is_the_walk():
    named = {name for name in NAMES if "." not in name}
    modules = {name for name in ss.__all__ if inspect.ismodule(getattr(ss, name))}
    assert named | modules | {"__version__"} == set(ss.__all__)
