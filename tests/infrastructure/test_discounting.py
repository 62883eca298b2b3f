"""One time base: capital, yearly payments and their present value, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteselect.errors import StudyError
from siteselect.infrastructure import (
    annualised_usd,
    capital_recovery_factor,
    net_present_value_usd,
    present_value_factor,
)

RATES = st.floats(-0.05, 0.5)
YEARS = st.integers(1, 60)
USD = st.floats(0.0, 1e12)


def test_recovery_factor_by_hand():
    # 7 % over 14 years: 0.07 / (1 - 1.07^-14) = 0.07 / (1 - 0.387817) = 0.114345
    assert capital_recovery_factor(0.07, 14) == pytest.approx(0.114345, abs=5e-7)
    # without interest a tenth each year
    assert capital_recovery_factor(0.0, 10) == pytest.approx(0.1)
    # one payment a year from now repays the dollar and its interest
    assert capital_recovery_factor(0.08, 1) == pytest.approx(1.08)


def test_net_present_value_by_hand():
    # 100 now, 110 in a year and 242 in two, at 10 %: 100 + 100 + 200
    got = net_present_value_usd([110.0, 242.0], rate=0.10, capital_usd=100.0)
    assert float(got) == pytest.approx(400.0)
    # two sites at once
    got = net_present_value_usd(
        [[110.0, 0.0], [0.0, 121.0]], rate=0.10, capital_usd=[0.0, 5.0]
    )
    np.testing.assert_allclose(got, [100.0, 105.0])


@given(USD, USD, RATES, YEARS)
def test_the_level_payment_is_worth_the_lifetime_cost(capital, yearly, rate, years):
    """NPV(annualised stream) = lifetime = capital + PV(yearly)."""
    lifetime = net_present_value_usd(
        np.full(years, yearly), rate=rate, capital_usd=capital
    )
    assert float(lifetime) == pytest.approx(
        capital + yearly * present_value_factor(rate, years), rel=1e-9, abs=1e-6
    )
    level = annualised_usd(lifetime, rate=rate, years=years)
    back = net_present_value_usd(np.full(years, float(level)), rate=rate)
    assert float(back) == pytest.approx(float(lifetime), rel=1e-9, abs=1e-6)
    # what is paid every year already is level; capital is spread over the years
    spread = capital * capital_recovery_factor(rate, years)
    assert float(level) == pytest.approx(yearly + spread, rel=1e-9, abs=1e-6)


@given(st.floats(0.0, 0.05), st.floats(0.0, 0.2), YEARS)
def test_a_growing_stream_is_worth_its_factor(growth, rate, years):
    stream = (1.0 + growth) ** np.arange(years)
    got = net_present_value_usd(stream, rate=rate)
    assert float(got) == pytest.approx(
        present_value_factor(rate, years, growth=growth), rel=1e-9
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: capital_recovery_factor(-1.0, 10),
        lambda: capital_recovery_factor(0.07, 0),
        lambda: capital_recovery_factor(float("nan"), 10),
        lambda: capital_recovery_factor(0.07, 10**9),
        lambda: present_value_factor(0.07, float("inf")),
        lambda: annualised_usd(1.0, rate=0.07, years=1.5),
        lambda: net_present_value_usd([], rate=0.07),
        lambda: net_present_value_usd(5.0, rate=0.07),
        lambda: net_present_value_usd([1.0], rate=-2.0),
    ],
)
def test_impossible_terms_are_refused(call):
    with pytest.raises(StudyError, match="present value"):
        call()
