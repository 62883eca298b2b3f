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
    is_scored = study.plan.get("objective", "score") == "score"
    outputs = {"files": ["sites.csv"], "survival": 2 if is_scored else 0}
    result = replace(study, outputs=outputs).run(tmp_path / "out")
    is_timed = "time_limit_s" in study.plan
    assert result.plan.status in (("optimal", "feasible") if is_timed else ("optimal",))
    total = result.plan.total_mw
    if study.fleet:
        # IT power is a limit that is verified; a facility draws more than that.
        assert total > ss.Fleet(study.fleet).it_mw
    else:
        asked = study.plan["power_mw"]
        low, high = asked["2030"] if isinstance(asked, dict) else asked
        assert low - 1e-6 <= total <= high + 1e-6
    # What a time limit cut short depends on the machine.
    if result.plan.status == "optimal":
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
