"""Reads changed files one after the other and says what came of each.

Started as another process, so that a crash or a hang of a native library is seen:
``python worker.py FOLDER HANDLE MANY SEED NUMBER`` writes to the open HANDLE a line
before and after every input, from that number of that seed on.
"""

from __future__ import annotations

import faulthandler
import functools
import os
import random
import resource
import signal
import socket
import sys
import traceback
import warnings
from pathlib import Path

from hostile import has_four_parts

import siteselect as ss
from faults.mutations import changed
from faults.seeds import Seed, all_seeds, put_back

#: Nothing that a small file says may take more memory than this [bytes].
MOST_BYTES = 4_000_000_000
#: Nor more time of the processor [s].
MOST_S = 10.0


def outcome(seed: Seed) -> str:
    """Read a file; return ``answered``, ``refused``, or what went wrong."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            seed.read(seed.path)
            found = "answered"
        except ss.SiteSelectError as error:
            found = "refused"
            for message in getattr(error, "mistakes", ()) or (str(error),):
                if not has_four_parts(message):
                    found = f"FAULT not four parts: {message!r}"
        except BaseException:
            return "FAULT " + repr(traceback.format_exc())
    for one in heard:
        if not issubclass(one.category, ss.SiteSelectWarning):
            return f"FAULT warning {one.category.__name__}: {str(one.message)!r}" + (
                f" at {one.filename}:{one.lineno}"
            )
    return found


def noise(before: int) -> str:
    """Return what was written to the terminal since."""
    size = os.fstat(2).st_size
    if size == before:
        return ""
    return os.pread(2, size - before, before).decode("utf-8", "replace")


def no_network(self: object, address: object) -> None:
    """Refuse a connection."""
    raise AssertionError(f"a reader reached for the network: {address!r}")


def main(folder: Path, handle: int, many: int, first: int, number: int) -> None:
    """Try every change of every seed, from one of them on."""
    faulthandler.enable()
    # Says where it was when the processor time of a file has nearly gone.
    faulthandler.register(signal.SIGPROF)
    socket.socket.connect = no_network  # type: ignore[assignment,method-assign]
    # Bundled layers are read for each study anew; here one reading will do.
    ss.datasets.load = functools.cache(ss.datasets.load)
    seeds = all_seeds(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    told = os.fdopen(handle, "w", encoding="utf-8", errors="replace")
    for at, seed in enumerate(seeds[first:], first):
        content = seed.path.read_bytes()
        count = max(1, seed.share * many // 10)
        for k in range(number if at == first else -1, count):
            print(at, k, "begin", seed.name, file=told, flush=True)
            # First the file as it is: what is changed must be what is read.
            if k >= 0:
                rng = random.Random(f"{seed.name} {k}")
                seed.path.write_bytes(changed(seed.path, content, rng))
            before = os.fstat(2).st_size
            signal.setitimer(signal.ITIMER_PROF, MOST_S - 0.5)
            found = outcome(seed)
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            spoken = noise(before)
            if spoken and not found.startswith("FAULT"):
                found = f"FAULT printed {spoken!r}"
            print(at, k, "end", found, file=told, flush=True)
            put_back(seed, content)
    # The most that this process took: getrusage tells of who started it too.
    status = Path("/proc/self/status").read_text("utf-8")
    peak = int(status.split("VmHWM:")[1].split()[0])
    print(len(seeds), peak, "done", "-", file=told, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
