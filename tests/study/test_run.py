"""A study that is run, stopped, killed, verified: nothing half, nothing lost."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import siteselect as ss
from siteselect.cli import CHANGED, INFEASIBLE, INTERRUPTED, MISTAKE, USAGE, app
from siteselect.study import steps
from siteselect.study.trial import try_columns
from siteselect.study.verification import verify_folder
from study import worlds

RUN = CliRunner()
FILES = ["sites.csv", "sites.gpkg", "eligibility.csv"]
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def call(*arguments):
    return RUN.invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = worlds.folder(tmp_path_factory.mktemp("study"))
    text = worlds.FULL.replace('["sites.csv", "map.png"]', json.dumps(FILES))
    (place / "full.toml").write_text(text, "utf-8")
    return place


@pytest.fixture(scope="module")
def run(folder):
    done = call("run", folder / "full.toml", "--out", folder / "out", "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def copied(folder, run, tmp_path):
    """The folder of the study with its plan, moved elsewhere."""
    return Path(shutil.copytree(folder, tmp_path / "moved"))


def test_command_and_python_give_the_same_files(folder, run):
    study = ss.Study.read(folder / "full.toml")
    result = study.run(folder / "again")
    assert [str(x["site"]) for x in run["sites"]] == list(result.plan.sites.index)
    assert sorted(p.name for p in result.written) == sorted([*FILES, "plan.json"])
    for path in result.written:
        assert path.read_bytes() == (folder / "out" / path.name).read_bytes()


@pytest.mark.soak
def test_a_study_is_what_its_calls_give(folder, run):
    study = ss.Study.read(folder / "full.toml")
    direct = ss.optimize_sites(
        study.score(),
        power_mw=(200, 600),
        site_mw=[50, 100],
        budget_usd=20e9,
        gap=1e-6,
        min_sites=2,
        limits=[
            ss.Limit(
                "county water",
                per_mw="water_m3_per_mw_year",
                by="county",
                at_most="water_available_m3_per_year",
            ),
            ss.Average("carbon", "carbon_kg_per_mwh", at_most=600),
            ss.Choose("one of two", ["p01", "p02"], at_most=1),
            ss.Spacing(km=5),
        ],
    )
    assert {x["site"]: x["mw"] for x in run["sites"]} == direct.sites["mw"].to_dict()
    assert run["objective"] == direct.objective


def test_a_plan_tells_where_it_comes_from(folder, run):
    record = json.loads((folder / "out" / "plan.json").read_text("utf-8"))
    assert ss.Study.from_dict(record["study"], folder=folder) == ss.Study.read(
        folder / "full.toml"
    )
    inputs = record["inputs"]
    assert {"file/parcels.csv", "file/depots.csv", "candidates"} <= set(inputs)
    assert any(name.startswith("bundle/") for name in inputs)
    assert set(record["files"]) == set(FILES)
    assert record["seed"] == {"solver": 0, "survival": 7}
    assert record["options"]["gap"] == 1e-6
    assert all(row["passed"] for row in record["verification"])
    assert {"highspy", "pulp", "siteselect", "python"} <= set(record["versions"])
    text = json.dumps(record)
    assert str(folder) not in text


@pytest.mark.soak
def test_a_plan_that_moved_with_its_files_verifies(copied):
    done = call("verify", copied / "out")
    assert done.exit_code == 0, done.output
    assert "The plan holds." in done.output


def test_every_change_is_found_and_ends_with_its_code(copied):
    out = copied / "out"
    parcels = pd.read_csv(copied / "parcels.csv")
    parcels.loc[3, "acres"] += 40
    parcels.to_csv(copied / "parcels.csv", index=False)
    text = (out / "sites.csv").read_text("utf-8")
    (out / "sites.csv").write_text(text.replace("p", "q", 1), "utf-8")
    record = json.loads((out / "plan.json").read_text("utf-8"))
    record["sites"][0]["cost_usd"] *= 1.0001
    record["total_mw"] += 1
    (out / "plan.json").write_text(json.dumps(record), "utf-8")
    done = call("verify", out, "--json")
    assert done.exit_code == CHANGED
    told = json.loads(done.stdout)
    failed = {c["check"]: c["found"] for c in told["checks"] if not c["passed"]}
    assert not told["ok"]
    assert "edited" in failed["plan.json is as it was written"]
    assert "sites.csv" in failed["files are as they were written"]
    assert "depots" not in failed["inputs are the same"]
    assert "parcels.csv" in failed["inputs are the same"]
    assert "candidates" in failed["candidates have the same fingerprint"]
    assert "601" in failed["total mw"]
    assert "cost_usd" in failed["sites"]
    (copied / "parcels.csv").unlink()
    found = verify_folder(out)
    assert not found.passed
    assert "parcels.csv" in found.summary()


@pytest.mark.soak
@pytest.mark.parametrize(
    "path",
    [
        ("sites", 1, "mw"),
        ("limits", 1, "used"),
        ("criteria", 2, "weight"),
        ("bound",),
        ("total_cost_usd",),
    ],
)
def test_any_number_that_is_changed_is_found_even_with_its_digest(copied, path):
    from siteselect.study.provenance import digest_of

    place = copied / "out" / "plan.json"
    record = json.loads(place.read_text("utf-8"))
    part = record
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = (part[path[-1]] or 0) * (1 + 1e-6) + 1e-6
    record["digest"] = digest_of(record)
    place.write_text(json.dumps(record), "utf-8")
    found = verify_folder(copied / "out").checks
    failed = found[~found["passed"]]
    assert path[0].replace("_", " ") in " ".join(failed["check"]), failed


@pytest.mark.parametrize(
    ("content", "noun"),
    [
        (None, "no such file"),
        ("{", "no JSON"),
        ("[]", "format"),
        ('{"a": 1}', "format"),
    ],
)
def test_what_is_no_plan_is_a_message(tmp_path, content, noun):
    if content is not None:
        (tmp_path / "plan.json").write_text(content, "utf-8")
    for command in ("verify", "report"):
        done = call(command, tmp_path)
        assert done.exit_code == MISTAKE
        assert noun in done.output


def test_exit_codes(folder, tmp_path):
    text = worlds.SIMPLE
    for old, new in (("at_most = 4000", "at_most = 40"), ("[[limits]]", "[[limit]]")):
        (folder / "other.toml").write_text(text.replace(old, new), "utf-8")
        done = call("run", folder / "other.toml", "--out", tmp_path / "out", "--json")
        told = json.loads(done.stdout)
        assert not told["ok"]
        if "4000" in old:
            assert done.exit_code == INFEASIBLE
            assert "land" in told["conflicts"]
        else:
            assert done.exit_code == MISTAKE
            at = text[: text.index(old)].count("\n") + 1
            assert told["mistakes"][0].startswith(f"line {at}: ")
            assert "Did you mean 'limits'" in told["mistakes"][0]
    assert not (tmp_path / "out").exists()
    assert call("run", tmp_path / "none.toml").exit_code == MISTAKE
    for arguments in (["run"], ["rnu"], ["new", ""]):
        assert call(*arguments).exit_code == USAGE


def test_check_names_columns_that_will_not_be_there(folder):
    wrong = worlds.SIMPLE.replace('per_site = "acres"', 'per_site = "acers"')
    wrong = wrong.replace("plan = { ", 'plan = { objective = "scores", ')
    (folder / "other.toml").write_text(wrong, "utf-8")
    done = call("check", folder / "other.toml", "--json")
    assert done.exit_code == MISTAKE
    told = json.loads(done.stdout)["mistakes"]
    lines = wrong.split("\n")
    pairs = (("scores", "score"), ("acers", "acres"))
    for m, (part, right) in zip(told, pairs, strict=True):
        at = next(i for i, line in enumerate(lines, start=1) if f'"{part}"' in line)
        assert m.startswith(f"line {at}: ")
        assert f"Did you mean '{right}'" in m


def test_ctrl_c_before_there_is_a_plan_writes_nothing(folder, tmp_path, monkeypatch):
    def broken(*arguments):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ValueError("a reader was disturbed")  # noqa: B904

    monkeypatch.setattr(steps, "walk", broken)
    done = call("run", folder / "simple.toml", "--out", tmp_path / "out")
    assert done.exit_code == INTERRUPTED
    assert "nothing was written" in done.output
    assert not (tmp_path / "out").exists()


def test_help_tells_examples_and_codes():
    told = call("--help").output
    for word in (
        "Exit codes",
        "130",
        "siteselect new first",
        "open a new one",
    ):
        assert word in told
    for command in ("demo", "run", "check", "verify", "report", "new", "doctor"):
        assert command in told
        assert f"siteselect {command}" in call(command, "--help").output


def test_new_writes_a_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("new", "first").exit_code == 0
    assert call("new", "first").exit_code == MISTAKE
    assert call("new", "first", "--force", "--quiet").output == ""
    study = ss.Study.read("first.toml")
    assert study.title == "first"


def test_a_folder_that_cannot_be_written_is_a_message(folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    study = ss.Study.read(folder / "simple.toml")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ss.StudyError, match="folder"):
            # Said before anything is worked out.
            study.run(out, progress=pytest.fail)
    assert (tmp_path / "file").read_text() == "mine"


def killed(tmp_path, kills, seed):
    place = worlds.folder(tmp_path)
    script = Path(worlds.__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), str(place), str(kills), str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["broken"] == []
    assert seen["old"] + seen["new"] + seen["mixed"] == kills
    assert seen["left"] == ["out"]
    return seen


@POSIX
def test_a_killed_run_leaves_whole_files(tmp_path):
    assert killed(tmp_path, 4, 1)["old"] > 0


@POSIX
@pytest.mark.soak
def test_killed_at_fifty_random_moments(tmp_path):
    seen = killed(tmp_path, 50, 2)
    assert seen["old"] > 2


def test_a_search_that_was_stopped_is_written_and_ends_with_its_code(
    folder, tmp_path, monkeypatch
):
    note = "stopped by Ctrl-C: the best plan found until then"
    whole = steps.plan_of

    def stopped(*arguments, **changes):
        plan = whole(*arguments, **changes)
        told = {"status": "feasible", "bound": 1.01 * plan.objective, "gap": 0.01}
        return replace(plan, **told, notes=(*plan.notes, note))

    monkeypatch.setattr(steps, "plan_of", stopped)
    done = call("run", folder / "simple.toml", "--out", tmp_path / "out", "--json")
    assert done.exit_code == INTERRUPTED
    assert json.loads(done.stdout)["stopped"] is True
    record = json.loads((tmp_path / "out" / "plan.json").read_text("utf-8"))
    assert record["status"] == "feasible"
    assert note in record["notes"]


def test_a_search_that_was_stopped_before_it_had_a_bound_is_checked(
    folder, tmp_path, monkeypatch
):
    whole = steps.plan_of

    def stopped(*arguments, **changes):
        plan = whole(*arguments, **changes)
        return replace(plan, status="feasible", bound=math.inf, gap=math.inf)

    monkeypatch.setattr(steps, "plan_of", stopped)
    out = tmp_path / "out"
    call("run", folder / "simple.toml", "--out", out)
    assert json.loads((out / "plan.json").read_text("utf-8"))["bound"] is None
    done = call("verify", out, "--folder", folder)
    assert done.exit_code == 0, done.output


WRONG = {
    "bound": "9",
    "objective": None,
    "gap": [],
    "status": 1,
    "solver": {},
    "folder": 0,
    "sites": [1],
    "study": [],
    "inputs": [],
    "files": {"a": 1},
    "versions": "1.0",
}


@pytest.mark.parametrize(("key", "value"), WRONG.items(), ids=list(WRONG))
def test_a_part_of_a_plan_of_another_kind_is_a_message(copied, key, value):
    path = copied / "out" / "plan.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, key: value}), "utf-8")
    for command in ("verify", "report"):
        done = call(command, path.parent)
        assert done.exit_code == MISTAKE, done.output
        assert f"{key} is" in done.output


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": NaN}'])
def test_json_that_is_none_is_a_message(tmp_path, text):
    (tmp_path / "plan.json").write_text(text, "utf-8")
    done = call("verify", tmp_path)
    assert done.exit_code == MISTAKE
    assert "it is no JSON" in done.output


@pytest.mark.parametrize(
    "study",
    [
        {"candidates": 3},
        {"layers": {"a": [1]}},
        {"supply": {"profiles": {"a": 1}}},
        {"candidates": {"file": "x" * 5000}},
    ],
)
def test_a_plan_whose_study_is_none_does_not_verify(copied, study):
    path = copied / "out" / "plan.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, "study": study}), "utf-8")
    done = call("verify", path.parent)
    assert done.exit_code == CHANGED, done.output


COOLED = """
area = "OR"
candidates = { spacing_km = 60 }
prepare = true
preset = "training"
plan = { power_mw = { 2027 = [100, 400], 2029 = [300, 600] }, site_mw = [50, 100] }
options = { cooling = ["air economiser, adiabatic", "closed-loop liquid"] }
outputs = { files = ["sites.csv"] }
[[limits]]
kind = "Limit"
name = "water"
per_mw = "water_m3_per_mw_year"
at_most = 2e6
"""


def test_a_stopped_plan_of_options_and_years_is_checked_as_it_was_built(
    tmp_path, monkeypatch
):
    whole = steps.plan_of

    def stopped(*arguments, **changes):
        plan = whole(*arguments, **changes)
        told = {"status": "feasible", "bound": 1.01 * plan.objective, "gap": 0.01}
        return replace(plan, **told)

    (tmp_path / "cooled.toml").write_text(COOLED, "utf-8")
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(steps, "plan_of", stopped)
        assert call("run", tmp_path / "cooled.toml", "--out", out).exit_code == 0
    # It is not searched for again: whatever stands is what is checked.
    monkeypatch.setattr(steps, "plan_of", None)
    found = verify_folder(out)
    assert found.passed, found.summary()
    record = json.loads((out / "plan.json").read_text("utf-8"))
    assert len({row["option"] for row in record["sites"]}) == 2
    other = {row["site"]: row["option"] for row in record["sites"]}
    a, b = sorted(set(other.values()))
    for one in record["solution"]:
        swap = one["column"].replace(a, "\n").replace(b, a).replace("\n", b)
        one.update(column=swap, at=10**9)
    (out / "plan.json").write_text(json.dumps(record), "utf-8")
    failed = verify_folder(out).checks.query("not passed").set_index("check")
    assert {"plan.json is as it was written"} < set(failed.index)
    del record["solution"][0]["amount"]
    (out / "plan.json").write_text(json.dumps(record), "utf-8")
    assert call("verify", out).exit_code == MISTAKE


@pytest.mark.soak
def test_the_new_study_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("new", "first")
    assert "no mistake found" in call("check", "first.toml").output
    small = replace(ss.Study.read("first.toml"), candidates={"spacing_km": 60})
    assert small.optimize().status == "optimal"


@POSIX
@pytest.mark.soak
def test_ctrl_c_writes_the_plan_in_hand(tmp_path):
    study = worlds.long_search(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "siteselect", "run", str(study), "--out", "found"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        # A shell starts what runs in its background deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("score"):
                break
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=4)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == INTERRUPTED
    assert "stopped by Ctrl-C" in out
    record = json.loads((tmp_path / "found" / "plan.json").read_text("utf-8"))
    assert record["status"] == "feasible"
    assert record["gap"] > 0
    assert record["sites"]
    found = verify_folder(tmp_path / "found")
    assert found.passed, found.summary()
    assert "bound" in found.notes[0]


def test_a_label_that_is_none_is_told_with_its_line(folder, tmp_path):
    text = worlds.SIMPLE.replace("50, 100] }", '50, 100], fixed = ["p77"] }')
    (folder / "label.toml").write_text(text, "utf-8")
    for command in (["check"], ["run", "--out", tmp_path / "out"]):
        done = call(*command, folder / "label.toml", "--json")
        assert done.exit_code == MISTAKE
        told = json.loads(done.stdout)
        assert told["message"].startswith("label.toml: line 3: "), told
        assert "'p77'" in told["message"]


def test_a_study_has_the_same_bytes_from_any_folder(folder, tmp_path, monkeypatch):
    text = worlds.SIMPLE.replace('"sites.csv"', '"sites.csv", "scored.parquet"')
    found = []
    for name in ("near", "far"):
        (tmp_path / name).mkdir()
        place = worlds.folder(tmp_path / name)
        (place / "simple.toml").write_text(text, "utf-8")
        monkeypatch.chdir(place if name == "near" else tmp_path)
        study = Path("simple.toml") if name == "near" else place / "simple.toml"
        ss.Study.read(study).run(place / "out")
        files = sorted((place / "out").iterdir())
        found.append({p.name: p.read_bytes() for p in files})
        assert str(tmp_path).encode() not in b"".join(found[-1].values())
    assert found[0] == found[1]


def test_a_report_takes_units_and_robustness(folder, tmp_path):
    call("run", folder / "simple.toml", "--out", tmp_path / "plan")
    plain = call("report", tmp_path / "plan", "--folder", folder, "-q")
    assert plain.exit_code == 0, plain.output
    assert not (tmp_path / "plan" / "report" / "robustness.csv").exists()
    asked = ["--units", "us", "--robustness", "--out", tmp_path / "us"]
    done = call("report", tmp_path / "plan", "--folder", folder, "--json", *asked)
    assert done.exit_code == 0, done.output
    names = {Path(p).name for p in json.loads(done.stdout)["written"]}
    assert "robustness.csv" in names
    pages = [
        (tmp_path / place / "report.html").read_text("utf-8")
        for place in ("plan/report", "us")
    ]
    assert " acres" in pages[1]
    assert pages[0] != pages[1]
    wrong = call("report", tmp_path / "plan", "--units", "uk")
    assert wrong.exit_code == USAGE


def test_a_report_is_in_the_units_and_robust_as_its_study_says(folder, tmp_path):
    outputs = 'outputs = { report = true, units = "us", survival = 2, '
    text = worlds.SIMPLE.replace("outputs = { ", outputs)
    (folder / "units.toml").write_text(text, "utf-8")
    out = tmp_path / "plan"
    assert call("run", folder / "units.toml", "--out", out).exit_code == 0
    done = call("report", out, "--out", tmp_path / "again", "-q")
    assert done.exit_code == 0, done.output
    for name in ("report.html", "robustness.csv"):
        first = (out / "report" / name).read_bytes()
        assert first == (tmp_path / "again" / name).read_bytes()


def test_check_names_every_missing_column_at_once(tmp_path):
    text = """
area = ["Texas"]
prepare = true
[candidates]
spacing_km = 100
[[criteria]]
name = "a"
measure = { kind = "Column", source = "acres" }
value = { kind = "Rising", a = 5, b = 6 }
[[criteria]]
name = "b"
measure = { kind = "Column", source = "hedroom_mw" }
value = { kind = "Rising", a = 5, b = 6 }
[[exclude]]
kind = "Where"
column = "zonning"
isin = ["x"]
[[gates]]
name = "g"
measure = { kind = "Column", source = "slop" }
at_least = 1
[[limits]]
kind = "Limit"
name = "w"
per_mw = "water_m3_per_mw_yeer"
at_most = 1
[plan]
power_mw = [1, 100]
site_mw = [100]
objective = "scor"
"""
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(ss.StudyError) as caught:
        try_columns(ss.Study.read(path), path)
    lines = [int(m.split()[1].rstrip(":")) for m in caught.value.mistakes]
    assert lines == [8, 12, 16, 20, 25, 30], caught.value.mistakes
