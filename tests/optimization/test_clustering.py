"""Every chosen site within reach of a chosen hub."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from rule_cases import agree, candidates
from strategies import examples

import siteselect.optimization as opt

INF = np.inf
GEOD = Geod(ellps="WGS84")


def km_between(a: Any, b: Any) -> float:
    return float(GEOD.inv(a.x, a.y, b.x, b.y)[2]) / 1000.0


def cluster_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    hubs = rng.sample(list(frame.index), rng.randint(1, len(frame)))
    frame["named"] = frame.index.isin(hubs)
    km = rng.choice([0.0, 25.0, 40.0, 60.0, 100.0])
    point = dict(zip(frame.index, frame.geometry, strict=True))

    def holds(chosen: dict[Any, float]) -> bool:
        there = [x for x in chosen if x in hubs]
        return all(
            x in hubs or any(km_between(point[x], point[h]) <= km for h in there)
            for x in chosen
        )

    limit = opt.Cluster("hubs", rng.choice([hubs, "named", frame["named"]]), km)
    agree(frame, limit, holds, [50, 100], rng.choice([200, 300, 400]))


@given(st.integers(0, 2**32))
@examples(60)
def test_cluster_equals_brute_force(seed: int) -> None:
    cluster_agrees(seed)
