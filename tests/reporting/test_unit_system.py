"""Units of a report: exact by definition, and prices that follow them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reporting.toy_plans import toy_candidates, toy_plan

from siteselect.errors import StudyError
from siteselect.reporting.limit_sheets import with_units
from siteselect.reporting.unit_system import unit_system


def test_us_units_agree_with_each_other_and_with_their_definitions():
    us = unit_system("us")
    # 640 acres make a square mile; an acre is 43,560 square feet of 0.3048 m.
    assert us.land_per_km2 / us.per_km2 == pytest.approx(640, rel=1e-12)
    assert 1e6 / us.land_per_km2 == pytest.approx(43_560 * 0.3048**2, rel=1e-12)
    # A gallon is 231 cubic inches of 2.54 cm.
    gallon_m3 = 231 * 0.0254**3
    assert us.per_m3_a_day * 1e6 * gallon_m3 == pytest.approx(1, rel=1e-12)
    assert us.per_m3_a_year * 365 == pytest.approx(us.per_m3_a_day, rel=1e-12)


@pytest.mark.parametrize("unit", ["km", "km2", "m3 per year", "MW", "USD", ""])
def test_what_a_limit_is_worth_does_not_depend_on_units(unit):
    plan = toy_plan(1, toy_candidates(spacing_km=300))
    limits = pd.DataFrame(
        {
            "limit": ["a", "b"],
            "unit": unit,
            "allowed_min": [-np.inf, 3.0],
            "allowed_max": [50.0, np.inf],
            "used": [40.0, 7.0],
            "slack": [10.0, np.nan],
            "price": [0.25, np.nan],
        }
    )
    turned = with_units(plan, limits, unit_system("us"))
    for name in ("allowed_max", "used", "slack"):
        np.testing.assert_allclose(
            turned[name] * turned["price"], limits[name] * limits["price"], rtol=1e-12
        )
    share = limits["used"] / limits["allowed_max"]
    np.testing.assert_allclose(turned["used"] / turned["allowed_max"], share)
    assert turned["unit"].tolist() != ["km", "km"]
    same = with_units(plan, limits, unit_system("si"))
    pd.testing.assert_frame_equal(same, limits)


@pytest.mark.parametrize("name", ["metric", "US", None, 3, ["us"]])
def test_other_names_are_refused(name):
    with pytest.raises(StudyError, match=r'"si" or "us"'):
        unit_system(name)
