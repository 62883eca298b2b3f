"""Wheel and sdist carry the data, install, and are the same bytes built again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
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


def _tree(target):
    """Copy what git tracks and the package needs, as it stands now."""
    for name in filter(None, _run("git", "-C", ROOT, "ls-files", "-z").split("\0")):
        if name.startswith(("siteselect/", "data/", "tests/")) or "/" not in name:
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes((ROOT / name).read_bytes())
            file.chmod(0o644)
    return target


def _python_of(environment):
    folder = "Scripts" if os.name == "nt" else "bin"
    _run(sys.executable, "-m", "venv", environment)
    return environment / folder / "python"


def _without_pythonpath():
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}


def _try_out(python, where, folder):
    """Run the demo in an empty folder with what an environment holds."""
    folder.mkdir()
    environment = _without_pythonpath()
    code = "import siteselect as ss;print(len(ss.datasets.load('states')), ss.__file__)"
    count, file = _run(python, "-c", code, cwd="/", env=environment).split()
    assert int(count) == 49
    assert file.startswith(str(where))
    command = python.with_name("siteselect")
    _run(command, "demo", "--quiet", "--out", "demo", cwd=folder, env=environment)
    _run(command, "verify", "demo", "--quiet", cwd=folder, env=environment)
    assert (folder / "demo" / "plan.json").exists()


@pytest.mark.network
def test_the_wheel_holds_what_is_needed(tmp_path):
    tree = _tree(tmp_path / "tree")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "-w", tmp_path / "dist", tree)
    (wheel,) = (tmp_path / "dist").glob("siteselect-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = _run("git", "-C", ROOT, "ls-files", "siteselect", "data").splitlines()
    needed = {
        f"siteselect/{name}" if name.startswith("data/") else name
        for name in tracked
        if not name.startswith(("data/recipes/", "data/build"))
    }
    # The recipes are there to make the data, not to use them.
    suffixes = (".py", ".parquet", ".tif", ".toml", ".csv", ".html", ".js", ".css")
    assert {n for n in needed - names if n.endswith(suffixes)} <= {
        "siteselect/data/zone_climates.py"
    }


@pytest.mark.soak
@pytest.mark.network
@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_built_twice_the_wheel_is_the_same_and_wheel_and_sdist_run_the_demo(tmp_path):
    builder = _python_of(tmp_path / "builder")
    _run(builder, "-m", "pip", "--quiet", "install", "build", "setuptools>=77")
    made = []
    for name, when in (("first", 1_600_000_000), ("second", 1_700_000_000)):
        tree = _tree(tmp_path / name)
        for path in tree.rglob("*"):
            os.utime(path, (when, when))
        out = tmp_path / f"{name}-dist"
        _run(
            *(builder, "-m", "build", "--no-isolation", "--outdir", out, tree),
            env=os.environ | {"SOURCE_DATE_EPOCH": "1750000000"},
            umask=0o022,
        )
        made.append(out)
    wheels = [next(out.glob("*.whl")).read_bytes() for out in made]
    assert hashlib.sha256(wheels[0]).digest() == hashlib.sha256(wheels[1]).digest()

    sdist = next(made[0].glob("*.tar.gz"))
    with tarfile.open(sdist) as packed:
        inside = {n.split("/", 1)[1] for n in packed.getnames() if "/" in n}
    # With the tests, as packagers run them on what they packed.
    tracked = _run("git", "-C", ROOT, "ls-files", "siteselect", "data", "tests")
    # The recipes are there to make the data, not to use them.
    needed = {n for n in tracked.splitlines() if not n.startswith("data/recipes/")}
    assert needed - inside <= {"data/build-requirements.txt"}

    # One empty environment for both: the sdist takes the place of the wheel.
    python = _python_of(tmp_path / "env")
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    constraints = ROOT / "tests" / "constraints.txt"
    (wheel,) = made[0].glob("*.whl")
    _run(*pip, "install", wheel, "-c", constraints)
    _try_out(python, tmp_path / "env", tmp_path / "from-wheel")
    _run(*pip, "uninstall", "--yes", "siteselect")
    _run(*pip, "install", "--no-deps", sdist)
    _try_out(python, tmp_path / "env", tmp_path / "from-sdist")
