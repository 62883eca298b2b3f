"""Programs and fake solvers that several tests share, also from other processes."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import geopandas as gpd
import numpy as np
import pulp
from scipy import sparse

import siteselect as ss

#: Seconds that the fake solvers below would take.
LONG_S = 60.0


def country(n: int, seed: int = 0) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Candidates with every kind of column, and a program with every limit type."""
    rng = np.random.default_rng(seed)
    substation = rng.integers(0, max(2, n // 4), n)
    county = rng.integers(0, max(2, n // 8), n)
    headroom = rng.choice([150.0, 320.0, 470.0, 900.0], substation.max() + 1)
    water = rng.lognormal(14.0, 1.0, county.max() + 1)
    sites = gpd.GeoDataFrame(
        {
            "score": rng.random(n).round(4),
            "capacity_mw": headroom[substation],
            "cost_usd_per_mw": rng.uniform(8e6, 14e6, n).round(-3),
            "fixed_cost_usd": rng.uniform(1e7, 9e7, n).round(-3),
            "substation": substation,
            "headroom_mw": headroom[substation],
            "county": county,
            "water": rng.uniform(1e3, 1.5e4, n).round(),
            "water_available": water[county],
            "carbon": rng.uniform(100, 700, n).round(1),
            "state": rng.choice(list("ABCDEFGH"), n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-110, -80, n), rng.uniform(30, 45, n)),
        crs=4326,
    )
    program = {
        "power_mw": (1500, 1500),
        "budget_usd": 14.5e9,
        "site_mw": [100, 200, 300],
        "limits": [
            ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw"),
            ss.Limit("water", per_mw="water", by="county", at_most="water_available"),
            ss.Average("carbon", "carbon", at_most=350),
            ss.Spread("states", "state", at_least=4, max_share=0.4),
            ss.Spacing(60),
        ],
    }
    return sites, program


class Sleeper(pulp.LpSolver):
    """A solver that has no time limit and never comes back."""

    name = "sleeper"

    def available(self) -> bool:
        return True

    def actualSolve(self, lp: Any, **options: Any) -> int:  # noqa: N802
        time.sleep(LONG_S)
        return 0


class Unsendable(Sleeper):
    """The same, and it cannot be handed to another process."""

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Lock()


class Ender(Sleeper):
    """A solver that takes its process with it."""

    def actualSolve(self, lp: Any, **options: Any) -> int:  # noqa: N802
        os._exit(3)


class Denier(Sleeper):
    """A solver that calls everything infeasible."""

    def actualSolve(self, lp: Any, **options: Any) -> int:  # noqa: N802
        lp.assignStatus(-1) if hasattr(lp, "assignStatus") else None
        return -1


def knapsacks(n: int = 700, m: int = 40) -> dict[str, Any]:
    """A program that HiGHS finds plans of at once and proves in hours."""
    rng = np.random.default_rng(3)
    weight = rng.integers(100, 1000, (m, n)).astype(float)
    return {
        "objective": weight.mean(axis=0) + rng.integers(0, 500, n),
        "matrix": sparse.csr_array(weight),
        "row_lower": np.full(m, -np.inf),
        "row_upper": weight.sum(axis=1) // 4,
        "lower": np.zeros(n),
        "upper": np.ones(n),
        "integrality": np.ones(n, dtype=bool),
    }
