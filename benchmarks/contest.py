"""One contestant in a process of its own: its time, its memory, its end.

Other work on the machine disturbs wall clocks, so processor seconds are taken too;
a contestant is stopped by its processor seconds, and by the wall clock only when it
has waited four times as long.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Times the limit in processor seconds after which the wall clock ends a contestant.
PATIENCE = 4.0


def processor_seconds() -> float:
    """Return what this process and the solvers that it ran have used so far."""
    used = [
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(one.ru_utime + one.ru_stime for one in used)


def session_seconds(session: int) -> float:
    """Return what the running processes of a session have used so far; 0 if unknown."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(values[3]) == session:
            total += sum(map(int, values[11:15]))
    return total / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.0


def peak_mb(pid: int) -> float:
    """Return the largest memory that a running process has held so far [MB]."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    for line in text.splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024
    return float("nan")


def lines_of(function: Callable[..., Any]) -> int:
    """Return how many lines of code a user writes: no docstring, no comment."""
    source = textwrap.dedent(inspect.getsource(function))
    text = source.splitlines()
    body = ast.parse(source).body[0].body
    if ast.get_docstring(ast.parse(source).body[0]) is not None:
        body = body[1:]
    lines = text[body[0].lineno - 1 :]
    return sum(bool(line.strip()) and line.strip()[0] != "#" for line in lines)


def measured(function: Callable[..., Any], *args: Any) -> tuple[Any, dict]:
    """Call a contestant; return its answer, and its times and memory."""
    start, before = time.perf_counter(), processor_seconds()
    answer = function(*args)
    figures = {
        "seconds": time.perf_counter() - start,
        "cpu_s": processor_seconds() - before,
        # What a solver in a process of its own has held counts as well.
        "peak_mb": max(
            resource.getrusage(who).ru_maxrss / 1024
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ),
    }
    return answer, figures


def contest(
    task: str,
    who: str,
    size: int,
    folder: Path,
    limit_s: float,
    *more: str,
    python: Path | None = None,
) -> dict:
    """Run one contestant in a fresh process and return what it measured.

    ``python`` is the interpreter of another environment, for peers.
    """
    interpreter = str(python or sys.executable)
    command = [interpreter, str(HERE / f"{task}.py"), who, str(size), str(folder)]
    row = {"who": who, "size": size}
    # Every contestant has one thread, also where a library would take more.
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    env = {**os.environ, **dict.fromkeys(threads, "1")}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        # A session of its own, so that a solver it started ends with it.
        process = subprocess.Popen(
            [*command, *more], stdout=out, stderr=err, env=env, start_new_session=True
        )
        begin = time.perf_counter()
        used = 0.0
        while True:
            try:
                process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                used = max(used, session_seconds(process.pid))
            wall = time.perf_counter() - begin
            if used > limit_s or wall > PATIENCE * limit_s:
                held = peak_mb(process.pid)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                note = f"no result within {limit_s:.0f} s"
                if used < limit_s:
                    note += f" (the machine was busy: {used:.0f} processor s)"
                known = {"at_least_s": wall, "at_least_cpu_s": used}
                return {**row, **known, "note": note, "peak_mb": held}
        out.seek(0)
        err.seek(0)
        said, failed = out.read(), err.read()
    if process.returncode:
        # The last line says what happened; those before it, where on this machine.
        said = (failed.strip().splitlines() or [""])[-1][:200]
        return {**row, "note": said or f"ended with code {process.returncode}"}
    return {**row, **json.loads(said.splitlines()[-1])}


def against(row: dict, own: dict) -> dict:
    """Return how many times siteselect's time a contestant took, by both clocks.

    ``least_ratio`` is the smaller of the two: the one that an aim is judged by.
    """
    out = {}
    for name, key in (("ratio", "seconds"), ("cpu_ratio", "cpu_s")):
        took = row.get(
            key, row.get("at_least_s" if name == "ratio" else "at_least_cpu_s")
        )
        if took and own.get(key):
            out[name] = took / own[key]
    if out:
        out["least_ratio"] = min(out.values())
    return out
