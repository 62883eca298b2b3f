"""What the docs say of the presets and known campuses is what a run measures."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

import siteselect as ss

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "pages" / "known_sites.md"
CAMPUSES = ROOT / "benchmarks" / "known_campuses.csv"


def rows():
    with CAMPUSES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_known_campus_is_in_a_county_of_its_state_and_names_its_source():
    state_of = ss.datasets.load("counties").set_index("county")["state"].to_dict()
    assert len(rows()) >= 30
    for row in rows():
        assert state_of[row["county"]] == row["state"], row
        assert row["source"].startswith("https://"), row


def test_the_page_counts_the_campuses_of_the_file_and_says_where_presets_lose():
    text = PAGE.read_text("utf-8")
    counties = {row["county"] for row in rows()}
    assert f"{len(rows())} campuses in {len(counties)} counties" in text
    assert "| loss |" in text
    assert "| undecided |" in text


@pytest.mark.soak
def test_a_run_measures_what_the_page_says():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "hindcast.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in PAGE.read_text("utf-8")
