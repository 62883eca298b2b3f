"""A disk that is full or read-only: a message, nothing half, what was there stays."""

from __future__ import annotations

import functools
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

import siteselect as ss
from siteselect.cli import MISTAKE, app
from study import worlds
from study.killed import contents

RUN = CliRunner()
pytestmark = pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")


def call(*arguments):
    return RUN.invoke(app, [str(a) for a in arguments])


def shell(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk of its own here: {done.stderr.strip()}")


@contextmanager
def disk(place, size):
    place.mkdir()
    shell("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place, but):
    """Leave only some bytes free."""
    free = shutil.disk_usage(place).free
    (place / "filler").write_bytes(bytes(max(0, free - but)))


@pytest.fixture(scope="module", autouse=True)
def _read_once():
    """Layers are read for each run anew; here one reading will do."""
    layers = ss.datasets.load_all("OR")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ss.datasets, "load", functools.cache(ss.datasets.load))
        patch.setattr(ss.datasets, "load_all", lambda *near: dict(layers))
        yield


def words_for(files, study, place):
    return (
        ("run", study, "--out", place / "out", "-q"),
        ("score", study, "--out", place / "scored", "-q"),
        ("report", place / "out", "--folder", files, "-q"),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    place = worlds.folder(tmp_path_factory.mktemp("study"))
    assert (
        call("run", place / "simple.toml", "--out", place / "out", "-q").exit_code == 0
    )
    return place


def test_a_full_disk_leaves_what_was_there(files, tmp_path):
    study = tmp_path / "other.toml"
    study.write_text(worlds.SIMPLE.replace("4000", "3000"), "utf-8")
    shutil.copy(files / "parcels.csv", tmp_path)
    with disk(tmp_path / "disk", "1m") as place:
        out = shutil.copytree(files / "out", place / "out")
        before = contents(out)
        fill(place, 20_000)
        for words in words_for(files, study, place):
            done = call(*words)
            assert done.exit_code == MISTAKE, (words[0], done.output, done.exception)
            assert "space" in done.output, done.output
            assert contents(out) == before
            assert sorted(p.name for p in place.iterdir()) == ["filler", "out"]


def test_a_read_only_disk_is_told_before_the_work(files, tmp_path):
    with disk(tmp_path / "disk", "1m") as place:
        out = shutil.copytree(files / "out", place / "out")
        before = contents(out)
        shell("mount", "-o", "remount,ro", str(place))
        for words in (
            *words_for(files, files / "simple.toml", place),
            ("demo", "--out", place / "demo", "-q"),
            ("new", place / "first"),
        ):
            done = call(*words)
            assert done.exit_code == MISTAKE, (words[0], done.output, done.exception)
            assert "Read-only" in done.output, done.output
        assert contents(out) == before


def test_a_folder_that_is_a_disk_is_written_to(files, tmp_path):
    with disk(tmp_path / "disk", "4m") as place:
        done = call("run", files / "simple.toml", "--out", place, "-q")
        assert done.exit_code == 0, (done.output, done.exception)
        names = sorted(p.name for p in place.iterdir())
        assert names == ["eligibility.csv", "plan.json", "sites.csv", "sites.gpkg"]
