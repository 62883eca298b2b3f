"""What a way of solving returns, and the clock that it is timed by."""

from __future__ import annotations

import time
from dataclasses import dataclass

from siteselect.optimization import highs
from siteselect.optimization.problem import Floats


@dataclass(frozen=True, eq=False)
class Solution:
    """What a way of solving found, in the objective's own unit and direction."""

    status: highs.Status
    x: Floats | None
    objective: float
    bound: float
    duals: Floats | None
    solver: str
    notes: tuple[str, ...] = ()


class Clock:
    """Seconds per step."""

    def __init__(self) -> None:
        self.start = self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, step: str) -> None:
        """Book the time since the last lap under ``step``."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now

    def left(self, limit: float | None) -> float | None:
        """Return the seconds left of a limit, None when there is no limit."""
        if limit is None:
            return None
        return max(0.0, limit - (time.perf_counter() - self.start))
