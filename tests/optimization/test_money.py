"""Present value over the life of a site, and the money of one year."""

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


def present_value_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    years, rate = rng.choice([1, 10, 20]), rng.choice([0.0, 0.07, 0.1])
    bound = rng.choice([0, 1, 2, 3, 5]) * 1e9
    per_site = rng.choice([0, 1e6])

    def holds(chosen: dict[Any, float]) -> bool:
        total = 0.0
        for x, mw in chosen.items():
            total += frame.at[x, "cost_usd_per_mw"] * mw + frame.at[x, "fixed_cost_usd"]
            for year in range(1, years + 1):
                paid = frame.at[x, "yearly_usd_per_mw"] * mw + per_site
                total += paid / (1 + rate) ** year
        return total <= bound + 1

    limit = opt.PresentValue(
        "life",
        at_most=bound,
        yearly_per_mw="yearly_usd_per_mw",
        yearly_per_site=per_site,
        years=years,
        discount_rate=rate,
    )
    agree(frame, limit, holds, [50, 100], 400)


@given(st.integers(0, 2**32))
@examples(40)
def test_present_value_equals_brute_force(seed: int) -> None:
    present_value_agrees(seed)
