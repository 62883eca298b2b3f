"""A share of a demand layer within reach of a chosen site."""

from __future__ import annotations

import random
from typing import Any

import geopandas as gpd
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from rule_cases import agree, candidates
from strategies import examples

import siteselect.optimization as opt

INF = np.inf
GEOD = Geod(ellps="WGS84")


def towns(rng: random.Random, n: int) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(
        {"population": [rng.choice([0, 1, 2, 3, 5, 8]) for _ in range(n)]},
        geometry=gpd.points_from_xy(
            [-100 + 0.25 * rng.randrange(10) for _ in range(n)],
            [34 + 0.25 * rng.randrange(6) for _ in range(n)],
        ),
        crs=4326,
    )
    frame.loc[0, "population"] = 4
    return frame


def cover_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    demand = towns(rng, rng.randint(1, 12))
    share = rng.choice([0.0, 0.25, 0.5, 0.7, 0.9, 1.0])
    if rng.random() < 0.5:
        km = rng.choice([0.0, 30.0, 50.0, 80.0, 400.0])
        reach: dict[str, float] = {"km": km}
    else:
        ms = rng.choice([0.25, 0.4, 0.7])
        km = ms * 1000 / (1.5 * 4.9)
        reach = {"ms": ms}
    point = dict(zip(frame.index, frame.geometry, strict=True))
    people = list(zip(demand.geometry, demand["population"].tolist(), strict=True))
    total = sum(w for _, w in people)

    def holds(chosen: dict[Any, float]) -> bool:
        covered = sum(
            w
            for p, w in people
            if any(
                GEOD.inv(p.x, p.y, point[x].x, point[x].y)[2] / 1000 <= km
                for x in chosen
            )
        )
        return covered / total >= share - 1e-9

    if rng.random() < 0.5:
        demand = demand.to_crs(5070)
    limit = opt.Cover("people", demand, at_least=share, **reach)
    agree(frame, limit, holds, [50, 100], rng.choice([100, 200, 300]))


@given(st.integers(0, 2**32))
@examples(60)
def test_cover_equals_brute_force(seed: int) -> None:
    cover_agrees(seed)
