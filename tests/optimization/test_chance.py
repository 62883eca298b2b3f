"""Sites that may fall through."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import agree, candidates
from strategies import examples

import siteselect.optimization as opt

INF = np.inf


def at_least_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    mw = rng.choice([50.0, 100.0, 150.0, 200.0])
    probability = rng.choice([0.0, 0.5, 0.7, 0.9, 1.0])
    limit = opt.AtLeast(
        mw,
        probability,
        common=rng.choice([None, "substation"]),
        scenarios=rng.choice([1, 7, 20]),
        rng=rng.randrange(100),
    )
    drawn = dict(zip(frame.index, limit.comes_through(frame).tolist(), strict=True))

    def holds(chosen: dict[Any, float]) -> bool:
        met = sum(
            sum(m for x, m in chosen.items() if drawn[x][s]) >= mw - 1e-6
            for s in range(limit.scenarios)
        )
        return met / limit.scenarios >= probability - 1e-9

    agree(frame, limit, holds, [50, 100], rng.choice([300, 400, 500]))


@given(st.integers(0, 2**32))
@examples(60)
def test_at_least_equals_brute_force(seed: int) -> None:
    at_least_agrees(seed)
