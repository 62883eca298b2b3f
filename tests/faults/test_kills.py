"""Killed, stopped, out of space, bereft of a worker: nothing half, and words for it.

Each command and each function that writes meets each of these at a drawn moment. What
was there is there, or wholly replaced; nothing lies about, or the next run removes it;
the next run succeeds.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from strategies import SOAK
from study import worlds
from study.killed import contents

import siteselect as ss
from faults import jobs
from faults.jobs import JOBS, NAMED
from siteselect import whole_files
from siteselect.errors import SolverError, StudyError
from siteselect.suitability import partitions
from siteselect.whole_folder import whole_folder

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
#: Files of a run that goes on where it was: old, new and a list that says so.
GOES_ON = {"scored/_siteselect.json"}


def deaths(wanted, root, times, seed, names):
    paths = [str(HERE.parent), str(Path(ss.__file__).parents[1])]
    done = subprocess.run(
        [
            *(sys.executable, HERE / "deaths.py"),
            *(wanted, root, str(times), str(seed), *names),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(row["job"], row["what"]) for row in rows} == {
        (name, what) for name in names for what in wanted.split(",")
    }
    for row in rows:
        check(row)
    return rows


def check(row):
    job, what = NAMED[row["job"]], row["what"]
    says = row["said"]
    # Whole files: old or new.
    assert row["lost"] == [], row
    if job.name == "score_partitions":
        assert set(row["broken"]) <= GOES_ON, row
    else:
        assert row["broken"] == [], row
        # Several calls in a row, or killed between two renames.
        if job.name != "plan.to_file" and what != "kill":
            assert len(row["kinds"]) <= 1, row
    # Nothing lies about, unless nobody could clear it away.
    if not (what == "kill" or (what == "end" and not job.is_command)):
        assert row["left"] == [], row
    if job.writes:
        again = row["again"]
        assert (again["code"], again["left"], again["kinds"]) == (0, [], ["new"]), row
    # A clear end.
    if job.is_command:
        assert "Traceback" not in says or "__main__.py" not in says, row
    if "nothing was written" in says:
        assert row["kinds"] in (["old"], []), row
    if whole_files.WRITTEN in says:
        assert row["kinds"] == ["new"], row
    code = row["code"]
    if what == "kill":
        assert code in (-signal.SIGKILL, 0), row
    elif what == "end":
        assert code in (128 + signal.SIGTERM, -signal.SIGTERM, 0), row
        assert ("Ended by signal 15" in says) == (code == 128 + signal.SIGTERM), row
    elif what == "stop" and job.is_command:
        assert code in (130, 0), row
        assert ("Stopped by Ctrl-C" in says) == (code == 130), row
    elif what == "full" and code != 0:
        assert code == 1, row
        assert "space" in says, row
        assert "Error: " in says or "was to be printed" in says, row
    elif what == "read-only":
        assert code == (1 if job.writes else 0), row
        assert "Read-only" in says or not job.writes, row
    if what == "full" and row["moment"] == 0:
        assert code == 1, row


def test_a_request_to_end_and_ctrl_c_leave_nothing_half(tmp_path):
    deaths("end,stop", tmp_path, 2, 1, ["new", "write_partitions"])


@pytest.fixture
def disk(tmp_path):
    """Give a folder whose ``disk`` is one of its own, where that can be."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if shutil.which("mount") is None:
        pytest.skip("needs mount")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk of its own here: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.soak
def test_each_job_meets_each_signal(tmp_path):
    times = 1 * SOAK
    rows = deaths("kill,end,stop", tmp_path, times, 2, NAMED)
    ended = [row["code"] for row in rows if row["what"] == "end"]
    assert 128 + signal.SIGTERM in ended
    assert any(row["code"] == 130 for row in rows)


@pytest.mark.soak
def test_each_job_meets_a_full_and_a_read_only_disk(disk):
    rows = deaths("full,read-only", disk, 1 + SOAK, 3, NAMED)
    assert len(rows) >= 2 * len(JOBS)


# What cannot be met by chance: the moments between two renames.


def raises_after(monkeypatch, calls, what):
    """Let something happen after so many files were moved."""
    own, seen = Path.replace, []

    def replace(self, target):
        done = own(self, target)
        seen.append(target)
        if len(seen) == calls:
            what()
        return done

    monkeypatch.setattr(Path, "replace", replace)
    return seen


def write(out, text, *, interrupted=False):
    with whole_folder(out, last="c.txt", stale=["figures/old.png"]) as part:
        for name in ("a.txt", "b.txt", "c.txt"):
            (part / name).write_text(text)
        if interrupted:
            interrupt()


def interrupt():
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_waits_until_all_files_are_in_place(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write(out, "old")
    (out / "figures").mkdir()
    (out / "figures" / "old.png").write_text("old")
    raises_after(monkeypatch, 1, interrupt)
    with pytest.raises(KeyboardInterrupt) as stop:
        write(out, "new")
    assert contents(out) == dict.fromkeys(("a.txt", "b.txt", "c.txt"), b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert whole_files.stop_text("Stopped", stop.value) == (
        "Stopped; the files were in place already."
    )
    monkeypatch.undo()
    # Before that, Ctrl-C leaves what was.
    with pytest.raises(KeyboardInterrupt) as stop:
        write(out, "never", interrupted=True)
    assert contents(out)["a.txt"] == b"new"
    assert "nothing was written" in whole_files.stop_text("", stop.value)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_disk_that_fails_among_the_renames_is_told(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write(out, "old")

    def fail():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    raises_after(monkeypatch, 1, fail)
    with pytest.raises(StudyError, match="Read-only"):
        write(out, "new")
    # Whole files; the last one, which tells of the others, is the old one.
    assert contents(out)["c.txt"] == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_partitions_that_were_put_aside_come_back(tmp_path, monkeypatch):
    old = jobs.candidates(20)
    folder = ss.write_partitions(old, tmp_path / "sites", rows=10)
    before = contents(folder)

    def write_again():
        ss.write_partitions(old.iloc[:5], folder, overwrite=True)

    def fail():
        # The renames of the files themselves, and then that of the old folder.
        if not folder.exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    own = Path.replace

    def replace(self, target):
        if self.name == "new":
            fail()
        return own(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(StudyError, match="Input/output error"):
        write_again()
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["sites"]
    monkeypatch.undo()

    # Killed between the two renames.
    pid = os.fork()
    if pid == 0:
        monkeypatch.setattr(
            Path,
            "replace",
            lambda self, target: (
                os.kill(os.getpid(), signal.SIGKILL)
                if self.name == "new"
                else own(self, target)
            ),
        )
        write_again()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert not folder.exists()
    assert len(ss.read_partitions(folder)) == 20
    assert contents(folder) == before
    write_again()
    assert len(ss.read_partitions(folder)) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["sites"]
    assert partitions._OLD == "old"


def test_what_the_living_prepare_is_left_alone(tmp_path):
    host = whole_files._HOST
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = tmp_path / f".a[1].csv.siteselect-{host}-{os.getpid()}-x"
    dead = tmp_path / f".a[1].csv.siteselect-{host}-{gone.pid}-x"
    other = tmp_path / f".a.csv.siteselect-00000000-{gone.pid}-x"
    stale = tmp_path / f".b.csv.siteselect-00000000-{os.getpid()}-x"
    users = tmp_path / ".siteselect-notes"
    for path in (mine, dead, other, stale, users):
        path.mkdir()
    os.utime(stale, (time.time() - 1e6,) * 2)
    whole_files.write_text(tmp_path / "a[1].csv", "x")
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {mine.name, other.name, users.name, "a[1].csv"}


# Processes as a shell starts them: imports are time enough to be stopped in.


@pytest.mark.soak
def test_a_started_command_ends_with_words(tmp_path):
    chance = random.Random(4)
    jobs.inputs(tmp_path)
    codes = []
    for k in range(3 * SOAK):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            words = ["run", "study0.toml", "--out", "out", "-q"]
            process = subprocess.Popen(
                [sys.executable, "-m", "siteselect", *words],
                cwd=tmp_path,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            time.sleep(chance.uniform(0.3, 2.5))
            process.send_signal(number)
            _, says = process.communicate(timeout=60)
            assert "__main__.py" not in says, says
            # Before Python has read our first line it ends in its own way.
            assert process.returncode in (code, 0, -number, 1), (k, says)
            if process.returncode == code:
                assert "nothing was written" in says or "in place" in says
            codes.append(process.returncode)
            assert not [p for p in tmp_path.iterdir() if ".siteselect-" in p.name]
    assert {130, 143} & set(codes)


# Workers that are lost.


def scenarios(plan, n):
    rng = np.random.default_rng(n)
    index = plan.candidates.index
    return {
        f"year {k}": {"score": pd.Series(rng.uniform(size=len(index)), index)}
        for k in range(n)
    }


@pytest.mark.soak
@pytest.mark.parametrize("how", ["lost", "stopped"])
def test_robust_on_processes_ends_with_its_workers(how):
    sites = jobs.candidates(200)
    ask = {"power_mw": (900, 900), "site_mw": [100, 300]}
    many = scenarios(ss.optimize_sites(sites, **ask), 400)
    seen = []

    def strike():
        until = time.monotonic() + 60
        while len(seen) < 2 and time.monotonic() < until:
            time.sleep(0.05)
            seen[:] = [child.pid for child in multiprocessing.active_children()]
        time.sleep(0.5)
        if how == "lost":
            os.kill(seen[0], signal.SIGKILL)
        else:
            os.kill(os.getpid(), signal.SIGINT)

    killer = threading.Thread(target=strike, daemon=True)
    killer.start()
    wanted = SolverError if how == "lost" else KeyboardInterrupt
    with pytest.raises(wanted) as told:
        ss.robust(sites, many, workers=2, **ask)
    killer.join()
    if how == "lost":
        assert "worker" in str(told.value)
        assert "workers=1" in str(told.value)
    assert multiprocessing.active_children() == []


@pytest.mark.soak
def test_robust_on_a_cluster_outlives_a_worker():
    distributed = pytest.importorskip("distributed")
    sites = jobs.candidates(60)
    ask = {"power_mw": (900, 900), "site_mw": [100, 300]}
    many = scenarios(ss.optimize_sites(sites, **ask), 12)
    alone = ss.robust(sites, many, **ask)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        first = next(iter(client.run(os.getpid).values()))
        killer = threading.Timer(0.2, os.kill, (first, signal.SIGKILL))
        killer.start()
        found = ss.robust(sites, many, client=client, **ask)
        killer.join()
    pd.testing.assert_frame_equal(found.best, alone.best)


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
def test_a_run_outlives_the_process_of_its_solver(tmp_path):
    # So many columns are searched in a process of their own.
    study = worlds.long_search(tmp_path, n=900)
    text = study.read_text("utf-8").replace("gap = 0", "gap = 0, time_limit_s = 30")
    study.write_text(text, "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "siteselect", "run", study, "--out", tmp_path / "out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lost = None
        while lost is None:
            time.sleep(0.2)
            assert process.poll() is None
            done = subprocess.run(
                ["ps", "ww", "--ppid", str(process.pid), "-o", "pid=,args="],
                capture_output=True,
                text=True,
                check=False,
            )
            for line in done.stdout.splitlines():
                if "solver_process" in line:
                    lost = int(line.split()[0])
        time.sleep(4)
        os.kill(lost, signal.SIGKILL)
        _, says = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, says
    record = json.loads((tmp_path / "out" / "plan.json").read_text("utf-8"))
    assert any("ended without an answer" in note for note in record["notes"])
    assert record["status"] == "feasible"
