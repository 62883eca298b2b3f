"""The command as a user starts it: another process, its words, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import siteselect as ss


def run(*arguments: str, cwd) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "siteselect", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )


def test_version_layers_and_parameters(tmp_path):
    assert run("version", cwd=tmp_path).stdout.strip() == ss.__version__
    listed = run("layers", cwd=tmp_path)
    assert listed.returncode == 0
    assert "substations" in listed.stdout
    assert "synthetic" in listed.stdout
    listed = run("parameters", cwd=tmp_path)
    assert listed.returncode == 0
    assert "peak_ratio" in listed.stdout


def test_demo_on_a_coarse_grid_writes_its_files(tmp_path):
    done = run("demo", "--spacing-km", "60", "--resolves", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Optimal for these inputs" in done.stdout
    assert sorted(p.name for p in (tmp_path / "out" / "demo").iterdir()) == [
        "eligibility.csv",
        "map.png",
        "plan.json",
        "sites.csv",
        "sites.gpkg",
    ]


def test_an_error_is_one_message_without_a_traceback(tmp_path):
    done = run("demo", "--resolves", "-1", cwd=tmp_path)
    assert done.returncode == 1
    assert "StudyError" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("demo", "--spacing-km", "5000", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
