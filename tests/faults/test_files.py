"""Damaged files of every kind: read, or refused in four parts; no crash, no hang."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from strategies import SOAK

from faults.worker import MOST_BYTES, MOST_S

TESTS = Path(__file__).parents[1]
WORKER = Path(__file__).with_name("worker.py")
#: While the library is loaded and the files are written nothing is said [s].
START_S = 60.0
#: A worker that waits for something uses no processor time; it has this long [s].
WAIT_S = 60.0


def lines_of(handle: int, pid: int) -> Iterator[str]:
    """Give what a worker says; an empty line where it has been silent too long.

    Too long is told by its processor: beside other work the clock runs on.
    """
    worker = psutil.Process(pid)
    held, patience, silent, worked = b"", MOST_S + START_S, 0.0, 0.0
    with selectors.DefaultSelector() as asked:
        asked.register(handle, selectors.EVENT_READ)
        while True:
            if not asked.select(patience):
                silent += patience
                patience = MOST_S
                if silent >= WAIT_S or busy_s(worker) - worked >= MOST_S:
                    yield ""
                    return
                continue
            patience, silent, worked = MOST_S, 0.0, busy_s(worker)
            part = os.read(handle, 65_536)
            if not part:
                return
            *whole, held = (held + part).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")


def busy_s(worker: psutil.Process) -> float:
    """Return the processor time of a process [s]."""
    with contextlib.suppress(psutil.Error):
        used = worker.cpu_times()
        return float(used.user + used.system)
    return math.inf


def tried(folder: Path, many: int) -> tuple[Counter[tuple[str, str]], list[str], int]:
    """Try changed files in other processes; count what came of each reader's.

    A process that crashes or hangs is ended; the next one goes on behind the file
    that did it.
    """
    counts: Counter[tuple[str, str]] = Counter()
    faults: list[str] = []
    seed, number, peak = 0, -1, 0
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    while seed >= 0:
        place = folder / f"{seed} {number}"
        place.mkdir()
        ours, theirs = os.pipe()
        start = [str(seed), str(number)]
        with (place / "said").open("w+b") as said:
            process = subprocess.Popen(
                [
                    sys.executable,
                    WORKER,
                    place,
                    str(theirs),
                    str(many),
                    *start,
                ],
                pass_fds=[theirs],
                stdout=said,
                stderr=said,
                env=environment,
            )
            os.close(theirs)
            name = "before the first file"
            went = "crashed"
            for line in lines_of(ours, process.pid):
                if not line:
                    went = "hung"
                    break
                *at, what, rest = line.split(" ", 3)
                if what == "begin":
                    name, (seed, number) = rest, map(int, at)
                elif what == "end":
                    kind = rest.split(" ")[0]
                    counts[name, kind] += 1
                    if kind == "FAULT" or (number < 0 and kind != "answered"):
                        faults.append(f"{name} {number}: {rest}")
                elif what == "done":
                    seed, peak, went = -1, int(at[1]) * 1024, ""
            process.kill()
            process.wait()
            os.close(ours)
            if went:
                said.seek(0)
                tail = said.read().decode("utf-8", "replace")[-2000:]
                faults.append(f"{name} {number}: {went}\n{tail}")
                if name == "before the first file" or len(faults) > 20:
                    break
                number += 1
    return counts, faults, peak


def listed(counts: Counter[tuple[str, str]]) -> str:
    """Return a line per reader, and the sum."""
    lines = [
        f"{name:40} {counts[name, 'answered']:5} read, "
        f"{counts[name, 'refused']:5} refused"
        for name in dict.fromkeys(name for name, _ in counts)
    ]
    return "\n".join([*lines, f"{counts.total():,} files in all"])


def check(folder: Path, many: int, least: int) -> None:
    counts, faults, peak = tried(folder, many)
    print(f"\n{listed(counts)}; peak {peak / 1e6:,.0f} MB")
    assert not faults, "\n".join(faults)
    assert counts.total() >= least
    assert 0 < peak < MOST_BYTES
    for name in {name for name, _ in counts}:
        # A change that never harms, or always does, is none.
        assert counts[name, "answered"], name


def test_hundreds_of_damaged_files_are_read_or_refused(tmp_path):
    check(tmp_path, 4, 250)


@pytest.mark.soak
def test_thousands_of_damaged_files_are_read_or_refused(tmp_path):
    check(tmp_path, 110 * SOAK, 6_500)
