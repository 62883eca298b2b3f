"""The process that solvers run in when a request has a time limit.

Frames come in on standard input, each a call; news of the search and the answer go
out on what was standard output. When the input ends, so does the process with all
that it started: a solver never outlives the one that asked.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import queue
import signal
import sys
import threading
import types
from pathlib import Path
from typing import Any


def _stub_package() -> None:
    """Stand in for ``siteselect.optimization`` without importing all of it.

    Its ``__init__`` imports geopandas, which takes longer than many a solve.
    """
    here = Path(__file__).resolve().parent
    name = "siteselect.optimization"
    if name not in sys.modules:
        package = types.ModuleType(name)
        package.__path__ = [str(here)]
        sys.modules[name] = package


def _end() -> None:
    """End at once, with every process of the group."""
    if os.name != "nt" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Answer calls until the input ends."""
    _stub_package()
    deadline = importlib.import_module("siteselect.optimization.deadline")
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Solvers print: standard output goes nowhere, frames to a copy of it.
    out = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    lock = threading.Lock()

    def tell(kind: str, value: Any) -> None:
        with lock:
            deadline.write_frame(out, pickle.dumps((kind, value)))

    calls: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        try:
            while (frame := deadline.read_frame(sys.stdin.buffer)) is not None:
                calls.put(frame)
        finally:
            _end()

    threading.Thread(target=read, daemon=True).start()
    # The slow imports, while the call is still being prepared.
    with contextlib.suppress(Exception):
        importlib.import_module("siteselect.optimization.pulp_model")
    deadline.TELL.set(tell)
    while True:
        frame = calls.get()
        try:
            module, function, arguments = pickle.loads(frame)
        except Exception as error:
            # A class of the user's own script, say.
            tell("unsent", repr(error))
            continue
        try:
            value = getattr(importlib.import_module(module), function)(**arguments)
        except Exception as error:
            tell("error", (type(error).__name__, str(error)))
        else:
            tell("done", value)


if __name__ == "__main__":
    main()
