"""A process that makes plans all day keeps its size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from strategies import EXAMPLES

SCRIPT = Path(__file__).with_name("many_plans.py")
#: Fewer on a slow machine; ``SITESELECT_PLANS=5000`` asks for a longer run.
PLANS = int(os.environ.get("SITESELECT_PLANS", max(60, round(1000 * min(1, EXAMPLES)))))
#: Caches of the drawing library fill for a while.
MOST_MB = 15.0


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_stays_flat_over_many_plans() -> None:
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(PLANS)],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["plans"] == PLANS
    assert told["grown_mb"] < MOST_MB, told
