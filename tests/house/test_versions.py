"""What a report of a mistake says of the installation; the papers of the house."""

from __future__ import annotations

import platform
import re
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path

import numpy as np

import siteselect as ss
from siteselect.study.doctor import examine
from siteselect.study.installed import installed

ROOT = Path(__file__).parents[2]


def test_every_library_is_named_with_its_version_and_no_path(capfd):
    assert ss.show_versions() is None
    said, greeting = capfd.readouterr()
    assert greeting == ""
    assert said.startswith("SYSTEM\npython")
    assert str(Path.home()) not in said
    assert platform.node() not in said.split()
    lines = dict(re.findall(r"^(\S.*?)  +(\S.*)$", said, flags=re.M))
    assert lines["python"] == platform.python_version()
    assert lines["numpy"] == np.__version__
    assert lines["HiGHS"] == metadata.version("highspy")
    for name in ("GDAL of pyogrio", "GDAL of rasterio", "GEOS", "PROJ"):
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", lines[name]), name
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    needed = config["options"]["install_requires"].split()
    for requirement in needed:
        assert lines[re.match(r"[\w.-]+", requirement).group()], requirement


def test_what_is_optional_is_named_with_the_extra_that_brings_it(monkeypatch, capsys):
    whole = metadata.version

    def without(name):
        if name == "SALib":
            raise metadata.PackageNotFoundError(name)
        return whole(name)

    monkeypatch.setattr(metadata, "version", without)
    ss.show_versions()
    assert "not installed (extra 'sensitivity')" in capsys.readouterr().out
    told = examine().set_index("part")
    assert told.loc["SALib", "state"] == "missing"
    assert "siteselect[sensitivity]" in told.loc["SALib", "found"]
    assert set(installed()["part"]) <= set(told.index)
    assert not (told["state"] == "broken").any()


def test_the_five_commands_exist_and_a_report_asks_for_versions():
    made = (ROOT / "Makefile").read_text("utf-8")
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    block = text.split("```sh\n")[1].split("```")[0]
    commands = [line.split()[1] for line in block.splitlines()]
    assert len(commands) == 5
    for command in commands:
        assert f"\n{command}:" in made
    templates = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert "siteselect.show_versions()" in (templates / "bug.md").read_text("utf-8")
    for name in ("bug", "data", "feature"):
        head = (templates / f"{name}.md").read_text("utf-8").split("---\n")[1]
        assert re.search(r"^name: .+\nabout: .+\nlabels: \w+$", head.strip())
    # What they tell to type is there.
    for path in (ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        for file in re.findall(r"`((?:[\w.]+/)+[\w.]+\.\w+)`", path.read_text("utf-8")):
            assert (ROOT / file).exists(), file
