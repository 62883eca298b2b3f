"""Present value over the life of a site, and the money of one year."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import (
    agree,
    candidates,
    claims,
    compiled,
    refused,
    rows_of,
    says,
    three,
)
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import LayerError, StudyError

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
@examples(15)
def test_present_value_equals_brute_force(seed: int) -> None:
    present_value_agrees(seed)


@pytest.mark.soak
@given(st.integers(0, 2**32))
@examples(200 * SOAK)
def test_soak_present_value(seed: int) -> None:
    present_value_agrees(seed)


def test_the_row_is_capital_plus_discounted_years_in_millions() -> None:
    limit = opt.PresentValue(
        "p",
        at_most=5e9,
        yearly_per_mw=1e6,
        yearly_per_site=2e6,
        years=2,
        discount_rate=0.25,
    )
    # 1/1.25 + 1/1.25^2 = 1.44 years' worth.
    rows = rows_of(compiled(three(), limit), "p")
    w, m, e = 10 + 1.44, 20 + 1.44, 30 + 1.44
    says(
        rows,
        [
            [
                100 * w + 5 + 2.88,
                300 * w + 5 + 2.88,
                100 * m + 2.88,
                100 * e + 1 + 2.88,
                300 * e + 1 + 2.88,
            ]
        ],
        [-INF],
        [5000],
    )
    assert rows.kind.tolist() == ["money"]
    assert rows.scale.tolist() == [1e-6]


def test_a_range_pays_for_the_site_once() -> None:
    limit = opt.PresentValue(
        "p", at_most=5e9, yearly_per_mw=0, yearly_per_site=1e6, discount_rate=0
    )
    found = compiled(three(), limit, site_mw=(40, 200))
    says(
        rows_of(found, "p"),
        [[425, 1600, 820, 1200, 1221, 4800]],
        [-INF],
        [5000],
    )


def test_the_yearly_equivalent_is_told() -> None:
    # A loan of 1,000 at 7 % over 20 years is repaid by 94.39 a year.
    limit = opt.PresentValue(
        "p", at_most=1e12, capital_per_mw=10, capital_per_site=0, yearly_per_mw=0
    )
    plan = opt.optimize_sites(three(), site_mw=[100], max_sites=1, limits=[limit])
    table = plan.limits.set_index("kind")
    assert table.at["money", "used"] == pytest.approx(1000)
    assert table.at["yearly equivalent", "used"] == pytest.approx(94.3929, abs=1e-4)
    assert not table.at["yearly equivalent", "binding"]
    assert limit.recovery_factor == pytest.approx(0.0943929, abs=1e-7)
    plan.verify()


def test_only_the_default_site_capital_may_be_absent() -> None:
    sites = three().drop(columns="fixed_cost_usd")
    limit = opt.PresentValue("p", at_most=5e9, yearly_per_mw=0)
    rows = rows_of(compiled(sites, limit), "p")
    np.testing.assert_allclose(rows.matrix.toarray(), [[1e3, 3e3, 2e3, 3e3, 9e3]])
    plan = opt.optimize_sites(sites, site_mw=[100], limits=[limit])
    plan.verify()
    with pytest.raises(StudyError, match="'capital'"):
        compiled(
            sites,
            opt.PresentValue(
                "p", at_most=1, capital_per_site="capital", yearly_per_mw=0
            ),
        )


def test_verify_adds_up_the_years() -> None:
    limit = opt.PresentValue("rule", at_most=2.2e9, yearly_per_mw=5e5)
    refused(three(), ["w", "m"], limit)
    claims(three(), ["w"], limit).verify()


def test_money_of_one_year_is_a_limit() -> None:
    sites = three().assign(yearly_usd_per_mw=[4e5, 5e5, 6e5])
    limit = opt.Limit(
        "yearly cost", per_mw="yearly_usd_per_mw", at_most=9.5e7, unit="USD"
    )
    plan = opt.optimize_sites(sites, site_mw=[100], limits=[limit])
    assert set(plan.sites.index) == {"e"}
    plan.verify()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at_most": -1}, "negative"),
        ({"at_most": None}, "finite number"),
        ({"years": 0}, "below 1"),
        ({"years": 2.5}, "not whole"),
        ({"discount_rate": -1}, "-100 %"),
        ({"discount_rate": 7}, "discount_rate=0.07"),
        ({"discount_rate": float("nan")}, "finite number"),
        ({"name": ""}, "by name"),
    ],
)
def test_bad_money_is_refused(change: dict[str, Any], said: str) -> None:
    given_ = {"name": "p", "at_most": 1e9, "yearly_per_mw": 0, **change}
    with pytest.raises(StudyError, match=said):
        opt.PresentValue(given_.pop("name"), **given_)


def test_unknown_money_is_refused() -> None:
    sites = three().assign(yearly=[1.0, np.nan, 1.0])
    limit = opt.PresentValue("p", at_most=1e9, yearly_per_mw="yearly")
    with pytest.raises(LayerError, match="never taken as 0"):
        compiled(sites, limit)
    with pytest.raises(StudyError, match="Did you mean 'yearly'"):
        compiled(sites, opt.PresentValue("p", at_most=1e9, yearly_per_mw="yearl"))
