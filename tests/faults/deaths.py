"""Runs jobs in processes of their own, and kills them or takes their disk away.

Started as a script with what happens to the jobs, an empty folder, how often, a seed
and the names of the jobs; prints one line of JSON for each time, of what was found
afterwards. A disk to be filled or made read-only is mounted at ``disk`` beforehand.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from study.killed import contents

from faults.jobs import NAMED, Job, inputs, read_once

SIGNALS = {"kill": signal.SIGKILL, "end": signal.SIGTERM, "stop": signal.SIGINT}


def child(
    job: Job, folder: Path, out: Path, version: int, printed: Path, said: Path
) -> int:
    """Fork a process that runs a job; return its id once it is about to."""
    sys.stdout.flush()
    ready, go = os.pipe()
    pid = os.fork()
    if pid:
        os.close(go)
        os.read(ready, 1)
        os.close(ready)
        return pid
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        for number, path in ((1, printed), (2, said)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, number)
        os.close(go)
        job.write(folder, out, version)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        for number in SIGNALS.values():
            with suppress(OSError):
                signal.signal(number, signal.SIG_IGN)
        (said.parent / "modules").write_text("\n".join(sys.modules), "utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Place:
    """A folder with inputs, and the two versions of what a job leaves."""

    def __init__(self, job: Job, folder: Path, out: Path, notes: Path) -> None:
        self.job, self.folder, self.out, self.notes = job, folder, out, notes
        self.seconds = [0.0, 0.0]
        self.versions: list[dict[str, bytes]] = []
        for version in (0, 1):
            begin = time.perf_counter()
            done = self.run(version)
            self.seconds[version] = time.perf_counter() - begin
            if done["code"]:
                raise RuntimeError(f"{job.name} fails: {done}")
            # Imported here once, not in every child.
            for name in (notes / "modules").read_text("utf-8").split():
                if name not in sys.modules and not name.startswith("__"):
                    with suppress(Exception):
                        import_module(name)
            self.versions.append(contents(out))
        if bool(self.versions[0] != self.versions[1]) != job.writes:
            raise RuntimeError(f"{job.name}: {self.versions[0].keys()} are written")
        self.set_back()

    def run(
        self,
        version: int,
        during: Callable[[int], object] = int,
        printed: Path | None = None,
    ) -> Any:
        """Run the job once and return how it ended."""
        said = self.notes / "said"
        to = printed or self.notes / "printed"
        pid = child(self.job, self.folder, self.out, version, to, said)
        during(pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return {
            "code": code,
            "said": said.read_text("utf-8"),
            "printed": "" if printed else to.read_text("utf-8"),
        }

    def clear(self) -> None:
        """Empty the folder."""
        for path in self.out.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def set_back(self) -> None:
        """Bring the old version back, byte for byte."""
        self.clear()
        for name, content in self.versions[0].items() if self.job.writes else ():
            path = self.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def found(self) -> dict[str, Any]:
        """Tell what lies in the folder: whole files, and what was left behind."""
        now = contents(self.out)
        now.pop("filler", None)
        # What a killed process leaves has a hidden name.
        left = [n for n in now if any(p.startswith(".") for p in Path(n).parts)]
        left += [p.name for p in self.out.rglob(".*") if not now.get(p.name)]
        old, new = self.versions
        kinds, broken = set(), []
        for name, content in now.items():
            if name in left:
                continue
            if content not in (old.get(name), new.get(name)):
                broken.append(name)
            elif old.get(name) != new.get(name):
                kinds.add("new" if content == new.get(name) else "old")
        lost = sorted(set(old) & set(new) - set(now))
        # A search that Ctrl-C ends gives a third plan, of which all files tell.
        record = next((n for n in broken if Path(n).name == "plan.json"), None)
        stopped = record is not None and any(
            "Ctrl-C" in note for note in json.loads(now[record])["notes"]
        )
        if stopped:
            broken, kinds = [], {"stopped"}
        return {
            "left": sorted(set(left)),
            "broken": broken,
            "lost": lost,
            "kinds": sorted(kinds),
        }

    def again(self) -> dict[str, Any]:
        """Run the job once more, left alone."""
        return {**self.run(1), **self.found()}


def kills(place: Place, what: str, times: int, chance: random.Random) -> None:
    """Kill the job at drawn moments of its work."""
    for _ in range(times):
        moment = chance.uniform(0.02, max(0.03, place.seconds[1]))

        def strike(pid: int, moment: float = moment) -> None:
            time.sleep(moment)
            os.kill(pid, SIGNALS[what])

        done = place.run(1, strike)
        report(place, what, {"moment": moment, **done, **place.found()})
        place.set_back()


def full(place: Place, times: int, chance: random.Random) -> None:
    """Leave a drawn number of bytes free, from none to what the job would need.

    What is only printed meets a full disk where it is printed to.
    """
    if not place.job.writes:
        done = place.run(1, printed=Path("/dev/full"))
        report(place, "full", {"moment": 0, **done, **place.found()})
        return
    need = 1.2 * sum(map(len, place.versions[1].values()))
    for k in range(times):
        left = int(chance.uniform(0, need)) if k else 0
        filler = place.out / "filler"
        filler.write_bytes(b"")
        free = shutil.disk_usage(place.out).free
        filler.write_bytes(bytes(max(0, free - left)))
        done = place.run(1)
        found = place.found()
        filler.unlink()
        report(place, "full", {"moment": left, **done, **found})
        place.set_back()


def read_only(place: Place) -> None:
    """Make the disk read-only."""
    _remount(place.out, "ro")
    done = place.run(1)
    found = place.found()
    _remount(place.out, "rw")
    report(place, "read-only", {"moment": 0, **done, **found})
    place.set_back()


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def report(place: Place, what: str, found: dict[str, Any]) -> None:
    """Print what was found, and what a next run makes of it."""
    if place.job.writes:
        found["again"] = place.again()
    print(json.dumps({"job": place.job.name, "what": what, **found}), flush=True)


def main(
    wanted: list[str], root: Path, times: int, seed: int, names: list[str]
) -> None:
    """Let things happen to jobs."""
    chance = random.Random(seed)
    folder, notes, disk = root / "inputs", root / "notes", root / "disk"
    for path in (folder, notes, disk):
        path.mkdir(exist_ok=True)
    inputs(folder)
    with read_once():
        if {"report", "verify"} & set(names):
            for version in (0, 1):
                _bare(folder, folder, notes).run(version)
                (folder / "run").rename(folder / f"plan{version}")
        for name in names:
            place = Place(NAMED[name], folder, disk, notes)
            for what in wanted:
                if what in SIGNALS:
                    kills(place, what, times, chance)
                elif what == "full":
                    full(place, times, chance)
                else:
                    read_only(place)
            place.clear()


def _bare(out: Path, folder: Path, notes: Path) -> Place:
    place = Place.__new__(Place)
    place.job, place.folder, place.out, place.notes = NAMED["run"], folder, out, notes
    return place


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    _, wanted, root, times, seed, *names = sys.argv
    main(wanted.split(","), Path(root), int(times), int(seed), names)
