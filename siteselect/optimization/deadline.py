"""Hold every solver call of a request to its deadline, and to Ctrl-C.

Solvers look at the clock when it suits them: HiGHS ran 48 s under a limit of 15 s.
Within `watching`, a call that could take long runs in a process of its own, which is
killed when the time is up. What it found until then has been sent back and counts.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Seconds after the deadline that a solver gets to hand over what it has.
GRACE_S = 0.5
#: Of the time left, the share a solver is told to use: it needs some to stop.
TOLD_SHARE = 0.95
_HEAD = struct.Struct("<Q")
_WATCH: ContextVar[Watch | None] = ContextVar("siteselect_watch", default=None)
#: In a solver's process: where news of the search goes.
TELL: ContextVar[Callable[[str, Any], None] | None] = ContextVar(
    "siteselect_tell", default=None
)


@dataclass(eq=False)
class News:
    """What a search has found so far; survives the search itself."""

    x: Any = None
    bound: float = float("inf")


@dataclass(eq=False)
class Answer:
    """How a call in another process ended.

    ``kind`` is "done" (``value`` is what it returned), "error" (``value`` is the
    text), "late", "stopped" (Ctrl-C), "lost" (the process ended by itself) or
    "unsent" (the call cannot be handed over).
    """

    kind: str
    value: Any
    news: News


@dataclass(eq=False)
class Watch:
    """The clock of one request.

    Parameters
    ----------
    deadline : float or None
        Value of ``time.perf_counter()`` at which the request is over.
    """

    deadline: float | None
    is_stopped: bool = False
    notes: list[str] = field(default_factory=list)
    _worker: Worker | None = None

    def left(self) -> float | None:
        """Return the seconds left, None without a deadline."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - time.perf_counter())

    def is_over(self) -> bool:
        """Return whether no solver should be started any more."""
        return self.is_stopped or self.left() == 0.0

    def note(self, text: str) -> None:
        """Keep a line for the plan's notes, once."""
        if text not in self.notes:
            self.notes.append(text)

    def prepare(self) -> None:
        """Start the process that solvers will run in, so that it is ready."""
        if self._worker is None or not self._worker.is_alive:
            self._worker = Worker.start()

    def call(self, module: str, function: str, /, **arguments: Any) -> Answer:
        """Call a function of siteselect in another process, until the deadline."""
        try:
            payload = pickle.dumps((module, function, arguments))
        except Exception:  # whatever a foreign solver object raises
            return Answer("unsent", None, News())
        self.prepare()
        if self._worker is None:
            return Answer("unsent", None, News())
        end = None if self.deadline is None else self.deadline + GRACE_S
        answer = self._worker.call(payload, end)
        if answer.kind in ("late", "stopped", "lost"):
            self._worker.kill()
            self._worker = None
        return answer

    def call_thread(self, function: Callable[[], Any]) -> Answer:
        """Call a function in a thread; past the deadline it is left to itself."""
        done = threading.Event()
        box: list[Answer] = []

        def work() -> None:
            try:
                box.append(Answer("done", function(), News()))
            except Exception as error:
                box.append(Answer("error", (type(error).__name__, str(error)), News()))
            finally:
                done.set()

        how = wait(threading.Thread(target=work, daemon=True), done, self)
        if how == "late":
            done.wait(GRACE_S)
        if not box:
            self.note("a solver that could not be ended still runs in a thread")
            return Answer(how, None, News())
        return box[0]

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


def current() -> Watch | None:
    """Return the watch that this request runs under, if any."""
    return _WATCH.get()


@contextlib.contextmanager
def watching(time_limit_s: float | None, start: float) -> Iterator[Watch]:
    """Run a request under a watch; solver calls inside are held to it.

    Parameters
    ----------
    time_limit_s : float or None
        Seconds for the whole request.
    start : float
        Value of ``time.perf_counter()`` at which the request began.
    """
    deadline = None if time_limit_s is None else start + time_limit_s
    watch = Watch(deadline)
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)
        watch.close()


def wait(thread: threading.Thread, done: threading.Event, watch: Watch | None) -> str:
    """Wait for a thread: "done", "late" or "stopped" by Ctrl-C.

    The wait is cut into pieces, because Ctrl-C is seen only between them.
    """
    thread.start()
    try:
        while not done.is_set():
            left = None if watch is None else watch.left()
            if left == 0.0:
                return "late"
            done.wait(0.2 if left is None else min(0.2, left))
    except KeyboardInterrupt:
        if watch is None:
            raise
        return "stopped"
    return "done"


class Worker:
    """A process that calls functions of siteselect, one at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.inbox: queue.Queue[tuple[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    @classmethod
    def start(cls) -> Worker | None:
        """Start the process; None where there is no interpreter to start."""
        if not sys.executable or getattr(sys, "frozen", False):
            return None
        paths = [p or str(Path.cwd()) for p in sys.path]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        # A session of its own: Ctrl-C in a terminal stays with us, and killing the
        # group also ends a solver that the process started.
        group: dict[str, Any] = (
            {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}
        )
        # Run as a file: "-m" would import all of geopandas first.
        script = str(Path(__file__).with_name("solver_process.py"))
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=env,
                **group,
            )
        except OSError:
            return None
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        with contextlib.suppress(Exception):
            while (frame := read_frame(stream)) is not None:
                self.inbox.put(pickle.loads(frame))
        self.inbox.put(("lost", None))

    def _send(self, payload: bytes) -> None:
        stream = self.process.stdin
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            write_frame(stream, payload)

    def call(self, payload: bytes, end: float | None) -> Answer:
        """Hand over a call and wait for its end, or for ours."""
        news = News()
        # A pipe takes little at a time: a process that starts slowly must not
        # hold up the clock.
        threading.Thread(target=self._send, args=(payload,), daemon=True).start()
        try:
            while True:
                left = 0.2 if end is None else end - time.perf_counter()
                if left <= 0:
                    return Answer("late", None, news)
                try:
                    kind, value = self.inbox.get(timeout=min(left, 0.2))
                except queue.Empty:
                    continue
                if kind == "x":
                    news.x = value
                elif kind == "bound":
                    news.bound = min(news.bound, float(value))
                else:
                    return Answer(kind, value, news)
        except KeyboardInterrupt:
            return Answer("stopped", None, news)

    def kill(self) -> None:
        """End the process and whatever it started."""
        with contextlib.suppress(Exception):
            if os.name == "nt":
                subprocess.run(
                    ["taskkill", "/F", "/T", "/PID", str(self.process.pid)],
                    capture_output=True,
                    check=False,
                )
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.process.kill()
        with contextlib.suppress(Exception):
            self.process.wait(5)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(Exception):
                if stream is not None:
                    stream.close()


def read_frame(stream: Any) -> bytes | None:
    """Return the next frame, None at the end of the stream."""
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    return _exactly(stream, _HEAD.unpack(head)[0])


def write_frame(stream: Any, payload: bytes) -> None:
    """Write one frame."""
    stream.write(_HEAD.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def _exactly(stream: Any, size: int) -> bytes | None:
    parts = []
    while size:
        part = stream.read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
