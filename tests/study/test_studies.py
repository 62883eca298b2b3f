"""The studies of the repository: they read, run, verify, and a KMZ is as good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import siteselect as ss
from siteselect.study.verification import verify_folder

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.toml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_a_study_reads_and_says_its_limits(path):
    study = ss.Study.read(path)
    assert study.title
    assert ss.Study.from_toml(study.to_toml(), folder=path.parent) == study


@pytest.mark.soak
@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_a_study_runs_and_verifies(path, tmp_path):
    study = ss.Study.read(path)
    small = replace(study, outputs={"files": ["sites.csv"], "survival": 2})
    result = small.run(tmp_path / "out")
    assert result.plan.status == "optimal"
    low, high = (study.plan["power_mw"] if isinstance(study.plan["power_mw"], list)
                 else study.plan["power_mw"]["2030"])  # fmt: skip
    assert low - 1e-6 <= result.plan.total_mw <= high + 1e-6
    found = verify_folder(tmp_path / "out")
    assert found.passed, found.summary()


@pytest.mark.soak
def test_parcels_from_a_kmz_give_the_plan_of_the_csv():
    study = ss.Study.read(STUDIES[0])
    kmz = {k: v for k, v in study.candidates.items() if k not in ("x", "y")}
    other = replace(study, candidates={**kmz, "file": "parcels.kmz"})
    plans = [study.optimize(), other.optimize()]
    assert plans[0].sites["mw"].to_dict() == plans[1].sites["mw"].to_dict()
    assert plans[0].objective == pytest.approx(plans[1].objective, rel=1e-12)
    gates = [plan.candidates["gates"] for plan in plans]
    assert gates[0].to_dict() == gates[1].to_dict()
    assert {"PASS", "CONDITIONAL", "FAIL", "UNKNOWN"} == set(gates[0])
    assert (plans[0].sites["gates_failed"] == 0).all()
