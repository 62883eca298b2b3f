"""The wheel carries the data: installed in an empty environment, used from /."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(*command: object, **kwargs: object) -> str:
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.network
def test_wheel_in_an_empty_environment_loads_a_layer_from_the_root(tmp_path):
    tree = tmp_path / "tree"
    listed = _run("git", "-C", ROOT, "ls-files", "-z").split("\0")
    for name in filter(None, listed):
        if name.startswith(("siteselect/", "data/")) or "/" not in name:
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "wheel", "--no-deps", "-w", tmp_path / "dist", tree)
    (wheel,) = (tmp_path / "dist").glob("siteselect-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "siteselect/py.typed" in names
    assert "siteselect/data/catalog.toml" in names
    assert "siteselect/reporting/explorer/page.js" in names

    _run(sys.executable, "-m", "venv", tmp_path / "env")
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    constraints = ROOT / "tests" / "constraints.txt"
    _run(python, *pip[1:], "install", wheel, "-c", constraints)
    code = "import siteselect as ss;print(len(ss.datasets.load('states')), ss.__file__)"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    out = _run(python, "-c", code, cwd="/", env=environment)
    count, where = out.split()
    assert int(count) == 49
    assert str(tmp_path) in where
