"""The house stands as it says: public names, documents, imports."""

from __future__ import annotations

import ast
import configparser
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import siteselect as ss

ROOT = Path(__file__).parents[2]
PACKAGE = Path(ss.__file__).parent
ROOMS = ("layers", "suitability", "infrastructure", "optimization", "reporting")
PUBLIC = [name for name in ss.__all__ if name != "__version__"]
FUNCTIONS = [name for name in PUBLIC if inspect.isfunction(getattr(ss, name))]


def test_public_names_are_sorted_and_unique():
    assert list(ss.__all__) == sorted(set(ss.__all__))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_loads_and_is_documented(name):
    thing = getattr(ss, name)
    text = inspect.getdoc(thing)
    assert text
    assert text.splitlines()[0].strip().endswith(".")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_has_the_numpydoc_sections(name):
    thing = getattr(ss, name)
    text = inspect.getdoc(thing) or ""
    wanted = ["Returns", "Examples"]
    if inspect.signature(thing).parameters:
        wanted.append("Parameters")
    missing = [w for w in wanted if f"{w}\n{'-' * len(w)}" not in text]
    assert not missing, f"{name} lacks {missing}"


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_one_module_imports_pulp():
    users = {
        str(p.relative_to(PACKAGE))
        for p in PACKAGE.rglob("*.py")
        if any(m.split(".")[0] == "pulp" for m in _imports(p))
    }
    assert users == {"optimization/pulp_model.py"}


def test_a_room_imports_only_rooms_before_it():
    """The same contract as import-linter's, from the source text alone."""
    order = {room: i for i, room in enumerate(ROOMS)}
    upward = []
    for room in ROOMS:
        for path in (PACKAGE / room).rglob("*.py"):
            if path.name == "_plots.py":
                continue
            for module in _imports(path):
                parts = module.split(".")
                if parts[0] == "siteselect" and len(parts) > 1:
                    other = parts[1]
                    if other in order and order[other] > order[room]:
                        upward.append(f"{path.relative_to(PACKAGE)} -> {module}")
                    if other in {"study", "cli"}:
                        upward.append(f"{path.relative_to(PACKAGE)} -> {module}")
    assert not upward


def test_every_package_folder_is_in_the_wheel_list():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {
        "siteselect" + "".join(f".{p}" for p in path.parent.relative_to(PACKAGE).parts)
        for path in PACKAGE.rglob("__init__.py")
    }
    assert found | {"siteselect.data"} == listed


def test_changelog_names_this_version():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## (\S+)", text, re.M).group(1) == ss.__version__


def test_importing_loads_no_heavy_module():
    heavy = ["matplotlib", "pulp", "highspy", "rasterio", "bokeh", "scipy.sparse"]
    code = f"import sys, siteselect;print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
