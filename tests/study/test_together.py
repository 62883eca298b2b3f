"""Several at once: processes on one folder, threads on one plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

import siteselect as ss
from siteselect.whole_files import alone_in
from siteselect.whole_folder import whole_folder
from study import worlds

HERE = Path(__file__).parent
POSIX = pytest.mark.skipif(os.name != "posix", reason="processes are forked")


def together(what, tmp_path, rounds):
    place = worlds.folder(tmp_path) if what == "run" else tmp_path
    done = subprocess.run(
        [sys.executable, HERE / "together.py", what, place, str(rounds)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["failed"] == 0, done.stderr
    assert seen["mixed"] == []
    assert seen["left"] == ["out"]
    assert sum(seen["won"]) == rounds
    return seen


@POSIX
def test_who_writes_a_folder_waits_for_who_writes_it(tmp_path):
    out = tmp_path / "out"
    tried, done = [], []

    def write(k):
        with whole_folder(out, last="a.txt") as part:
            (part / "a.txt").write_text(str(k))
            tried.append(k)
        done.append(k)

    with ThreadPoolExecutor(2) as pool:
        with alone_in(tmp_path):
            jobs = [pool.submit(write, k) for k in (0, 1)]
            while len(tried) < 2:
                time.sleep(0.01)
            # Time enough to move one file, were nobody to wait.
            finished = wait(jobs, timeout=0.5).done
            assert not finished
            assert not out.exists()
        for job in jobs:
            job.result()
    assert sorted(done) == [0, 1]
    assert (out / "a.txt").read_text() in ("0", "1")
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []


@POSIX
@pytest.mark.soak
@pytest.mark.parametrize(("what", "rounds"), [("files", 40), ("run", 4), ("report", 3)])
def test_two_processes_write_one_folder_and_one_wins_whole(what, rounds, tmp_path):
    rounds = int(os.environ.get("SITESELECT_ROUNDS", rounds))
    together(what, tmp_path, rounds)


def plan_of_many(n=60, seed=3):
    rng = np.random.default_rng(seed)
    sites = gpd.GeoDataFrame(
        {
            "score": rng.uniform(size=n),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": rng.uniform(8e6, 12e6, n),
            "county": rng.choice(list("abcdef"), n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-103, -97, n), rng.uniform(30, 35, n)),
        crs=4326,
        index=[f"s{k:03d}" for k in range(n)],
    )
    return ss.optimize_sites(
        sites,
        power_mw=(900, 900),
        budget_usd=10e9,
        site_mw=[100, 300],
        limits=[ss.Spread("counties", by="county", at_least=3), ss.Spacing(km=60)],
    )


def asked(plan, folder):
    """Ask a plan what may be asked of it; return what is said and written."""
    left_out = next(
        label for label in plan.candidates.index if label not in plan.sites.index
    )
    why = str(plan.explain(left_out))
    others = [
        (round(other.objective, 9), other.sites["mw"].to_dict())
        for other in plan.alternatives(3)
    ]
    plan.report(folder, alternatives=2, importance=False)
    written = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return why, others, written


@pytest.mark.soak
def test_four_threads_on_one_plan_say_and_write_what_one_does(tmp_path):
    alone = asked(plan_of_many(), tmp_path / "alone")
    plan = plan_of_many()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: asked(plan, tmp_path / f"t{k}"), range(4)))
    for why, others, written in found:
        assert why == alone[0]
        assert others == alone[1]
        assert set(written) == set(alone[2])
        differ = [name for name in written if written[name] != alone[2][name]]
        assert differ == []
