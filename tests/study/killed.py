"""Runs a study again and again and is killed at random moments of the writing.

Started as a script with a folder, a number of kills and a seed; prints what it saw.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from unittest import mock

import siteselect as ss
from siteselect.study import steps


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill ``kills`` writers and count what is whole, mixed or broken."""
    chance = random.Random(seed)
    study = ss.Study.read(folder / "simple.toml")
    files = ["sites.csv", "sites.gpkg", "sites.geojson", "eligibility.csv"]
    plain = {"files": files, "report": False}
    studies = [
        replace(study, outputs=plain, plan={**study.plan, "power_mw": [200, most]})
        for most in (300, 600)
    ]
    made = steps.walk(studies[0].to_dict(), folder)
    plans = [steps.plan_of(one.to_dict(), made) for one in studies]
    out = folder / "killed" / "out"
    out.parent.mkdir()

    def write(which: int) -> None:
        # Only the writing is to be met: what comes before leaves no trace.
        with (
            mock.patch.object(steps, "walk", return_value=made),
            mock.patch.object(steps, "plan_of", return_value=plans[which]),
        ):
            studies[which].run(out)

    versions, seconds = [], []
    for which in (0, 1):
        start = time.perf_counter()
        write(which)
        seconds.append(time.perf_counter() - start)
        versions.append(contents(out))
    (out / "mine.txt").write_text("kept")
    seen = {"old": 0, "new": 0, "mixed": 0, "broken": []}
    for _ in range(kills):
        before = {k: v for k, v in contents(out).items() if k != "mine.txt"}
        now = int(before["plan.json"] == versions[0]["plan.json"])
        child = os.fork()
        if child == 0:
            write(now)
            os._exit(0)
        time.sleep(chance.uniform(0, 1.05 * min(seconds)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        after = contents(out)
        if after.pop("mine.txt", b"") != b"kept" or set(after) != set(before):
            seen["broken"].append(sorted(after))
            continue
        kinds = set()
        for name, content in after.items():
            old, new = versions[1 - now][name], versions[now][name]
            if content not in (old, new):
                seen["broken"].append(name)
            elif old != new:
                kinds.add("new" if content == new else "old")
        seen["mixed" if len(kinds) == 2 else kinds.pop()] += 1
        if len(kinds) == 2:
            write(now)
    write(0)
    seen["left"] = sorted(p.name for p in out.parent.iterdir())
    print(json.dumps(seen))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
