"""Wheel and sdist carry the data, install, and are the same bytes built again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
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
        if name.startswith(("siteselect/", "data/")) or "/" not in name:
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes((ROOT / name).read_bytes())
            file.chmod(0o644)
    return target


def _python_of(environment):
    folder = "Scripts" if os.name == "nt" else "bin"
    _run(sys.executable, "-m", "venv", environment)
    return environment / folder / "python"


@pytest.mark.slow
@pytest.mark.network
def test_wheel_in_an_empty_environment_loads_a_layer_from_the_root(tmp_path):
    tree = _tree(tmp_path / "tree")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "wheel", "--no-deps", "-w", tmp_path / "dist", tree)
    (wheel,) = (tmp_path / "dist").glob("siteselect-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "siteselect/py.typed" in names
    assert "siteselect/data/catalog.toml" in names
    assert "siteselect/reporting/explorer/page.js" in names

    python = _python_of(tmp_path / "env")
    constraints = ROOT / "tests" / "constraints.txt"
    _run(python, *pip[1:], "install", wheel, "-c", constraints)
    code = "import siteselect as ss;print(len(ss.datasets.load('states')), ss.__file__)"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    out = _run(python, "-c", code, cwd="/", env=environment)
    count, where = out.split()
    assert int(count) == 49
    assert str(tmp_path) in where


@pytest.mark.soak
@pytest.mark.network
@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_built_twice_the_wheel_is_the_same_and_the_sdist_runs_the_demo(tmp_path):
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
    tracked = _run("git", "-C", ROOT, "ls-files", "siteselect", "data").splitlines()
    # The recipes are there to make the data, not to use them.
    needed = {n for n in tracked if not n.startswith("data/recipes/")}
    assert needed - inside <= {"data/build-requirements.txt"}

    # What it needs is taken from here; siteselect itself from the sdist alone.
    python = _python_of(tmp_path / "env")
    _run(python, "-m", "pip", "--quiet", "install", "--no-deps", sdist)
    asked = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    own = Path(_run(python, "-c", asked).strip())
    (own / "here.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    where = _run(
        *(python, "-c", "import siteselect; print(siteselect.__file__)"),
        cwd=tmp_path,
        env=environment,
    )
    assert where.startswith(str(own))
    _run(
        *(python, "-m", "siteselect", "demo", "--quiet", "--out", tmp_path / "demo"),
        cwd=tmp_path,
        env=environment,
    )
    assert (tmp_path / "demo" / "plan.json").exists()
