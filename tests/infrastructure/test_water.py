from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteselect.errors import ApproximationWarning, LayerError, StudyError
from siteselect.infrastructure import (
    low_flow_m3_per_day,
    mgd,
    parameter_values,
    site_water,
    water_consumed,
    water_m3_per_mw_year,
    water_peak_day_m3_per_mw,
    water_withdrawn,
)


@given(st.floats(0, 1e9), st.floats(1.01, 50))
def test_withdrawn_and_consumed_invert_each_other(water, cycles):
    given = {"cycles_of_concentration": cycles}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ApproximationWarning)  # beyond 3 to 8
        values = parameter_values(given)
    consumed = water_consumed(water, parameters=values)
    withdrawn = water_withdrawn(consumed, parameters=values)
    assert withdrawn == pytest.approx(water)
    # What is bled carries off the salts of all that comes in.
    assert (water - consumed) * cycles == pytest.approx(water)


def test_one_gigawatt_in_million_gallons():
    # 1 L/kWh at 1 GW of IT is 6.3 MGD.
    day = 1000 * water_peak_day_m3_per_mw(1.0, 1.0)
    assert day == 24_000
    assert mgd(day) == pytest.approx(6.34, abs=0.01)
    assert mgd(3785.411784) == 1.0


def test_a_site_that_runs_evenly_draws_its_worst_day_on_the_mean_day():
    sites = pd.DataFrame(
        {
            "mw": [1000.0],
            "water_m3_per_mw_year": water_m3_per_mw_year(
                [1.0], peak_ratio=1.0, utilisation=1.0
            ),
            "water_consumed_m3_per_mw_year": [0.0],
            "water_peak_day_m3_per_mw": water_peak_day_m3_per_mw([1.0], 1.0),
        }
    )
    [day] = site_water(sites).to_dict("records")
    assert day["withdrawn_mgd"] == pytest.approx(day["peak_day_mgd"], rel=1e-12)
    assert day["withdrawn_mgd"] == pytest.approx(6.340, abs=5e-4)


def test_announced_peak_of_a_gigawatt_scale_campus():
    # A tower campus of the New Carlisle kind: 21 MGD at most for 2,310 MW.
    towers = 2310 * water_peak_day_m3_per_mw(2.2, 1.20)
    assert 15 < mgd(towers) < 35


def test_low_flow_shares():
    year = 365.25 * 1000.0
    assert low_flow_m3_per_day(year) == pytest.approx(10.0)
    more = low_flow_m3_per_day(year, parameters={"low_flow_usable_share": 0.2})
    assert more == pytest.approx(20.0)
    assert np.isnan(low_flow_m3_per_day(np.nan))
    with pytest.raises(StudyError, match="negative"):
        low_flow_m3_per_day([1.0, -1.0])


def test_one_cycle_bleeds_everything():
    with (
        pytest.raises(StudyError, match="cycles_of_concentration"),
        pytest.warns(match="cycles"),
    ):
        water_consumed(1.0, parameters={"cycles_of_concentration": 1.0})


def test_water_of_sites_balances():
    sites = pd.DataFrame(
        {
            "mw": [100.0, 0.0, np.nan],
            "water_m3_per_mw_year": 5000.0,
            "water_consumed_m3_per_mw_year": 4000.0,
            "water_peak_day_m3_per_mw": [30.0, 30.0, 30.0],
        },
        index=list("abc"),
    )
    got = site_water(sites)
    np.testing.assert_allclose(
        got["withdrawn_m3_per_year"],
        got["consumed_m3_per_year"] + got["returned_m3_per_year"],
    )
    # A gallon is 3.785 liters.
    assert got.loc["a", "peak_day_mgd"] == pytest.approx(3000 / 3785.4, rel=1e-4)
    yearly = got.loc["a", "withdrawn_mgd"] * 365 * 1e6 * 3.785411784e-3
    assert yearly == pytest.approx(500_000)
    assert (got.loc["b"] == 0).all()
    assert got.loc["c"].isna().all()
    fixed = site_water(sites, mw=100)
    assert fixed["peak_day_m3"].tolist() == [3000.0] * 3
    with pytest.raises(StudyError, match="negative"):
        site_water(sites.assign(mw=-1.0))
    with pytest.raises(LayerError, match="water_peak_day_m3_per_mw"):
        site_water(sites.drop(columns="water_peak_day_m3_per_mw"))
    with pytest.raises(LayerError, match="list"):
        site_water([1.0])
