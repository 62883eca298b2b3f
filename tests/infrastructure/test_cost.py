"""Hand-worked cases; each says its arithmetic."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteselect.errors import ApproximationWarning, StudyError
from siteselect.infrastructure import (
    city_cost_table,
    connection_ends_usd,
    construction_index,
    energy_mwh_per_mw_year,
    fiber_usd,
    interconnection_usd,
    it_hardware_usd_per_mw,
    land_usd_per_acre,
    line_cost_table,
    operation_usd_per_mw,
    power_usd_per_mw,
    present_value_factor,
    shell_usd_per_mw,
    tax_usd_per_mw,
    terrain_multiplier,
    tie_line_usd,
    transformer_usd_per_mw,
    voltage_cap_mw,
    voltage_class_kv,
    water_main_usd,
)
from siteselect.layers.ellipsoid import geodesic_km

# Escalation 1.65, contingency 25 %, interest during construction 7.5 %.
ESCALATED = 1.65 * 1.25 * 1.075
PLAIN = {
    "line_route_factor": 1.3,
    "line_escalation": 1.5,
    "line_contingency": 0.2,
    "line_afudc": 0.05,
}
PLAIN_FACTOR = 1.5 * 1.2 * 1.05


def test_present_value_by_hand():
    # 1/1.1 + 1/1.21 + 1/1.331
    assert present_value_factor(0.10, 3) == pytest.approx(2.4868519910)
    # growth equal to the rate: every payment is worth 1/1.1
    assert present_value_factor(0.10, 7, growth=0.10) == pytest.approx(7 / 1.1)
    assert present_value_factor(0.0, 12) == 12.0


@given(st.floats(0.001, 0.3), st.integers(1, 60))
def test_present_value_is_the_annuity_formula(rate, years):
    formula = (1 - (1 + rate) ** -years) / rate
    assert present_value_factor(rate, years) == pytest.approx(formula, rel=1e-9)


@pytest.mark.parametrize("years", [0, -3, 2.5])
def test_present_value_wants_whole_years(years):
    with pytest.raises(StudyError, match="present value"):
        present_value_factor(0.05, years)


def test_voltage_caps():
    got = voltage_cap_mw([100, 115, 138, 161, 230, 345, 500, 765, np.nan])
    np.testing.assert_array_equal(
        got, [140, 140, 205, 205, 400, 750, 1500, 3000, np.nan]
    )
    assert voltage_class_kv([229.9]).tolist() == [138.0]
    assert voltage_cap_mw([230], parameters={"voltage_cap_230kv_mw": 500}) == 500


def test_shell_texas():
    # 11.7 million x 0.82 per IT MW, over 1.3 facility MW per IT MW
    assert shell_usd_per_mw(0.82, 1.3) == pytest.approx(11.7e6 * 0.82 / 1.3)


def test_land_between_anchors_and_scaled_by_home_value():
    assert land_usd_per_acre(0.0, 281_900) == pytest.approx(55_700)
    # halfway in the logarithm between 10 and 100: the geometric mean
    middle = land_usd_per_acre(10**1.5, 281_900)
    assert middle == pytest.approx((55_700 * 108_900) ** 0.5)
    assert land_usd_per_acre(1.0, 2 * 281_900) == pytest.approx(111_400)
    assert land_usd_per_acre(1.0, 10 * 281_900) == pytest.approx(3 * 55_700)
    assert np.isnan(land_usd_per_acre(np.nan, 281_900))
    assert np.isnan(land_usd_per_acre(1.0, np.nan))


def test_home_values_can_be_switched_off():
    off = {"land_home_value_exponent": 0.0}
    assert land_usd_per_acre(1.0, 1e6, parameters=off) == pytest.approx(55_700)
    assert land_usd_per_acre(1.0, np.nan, parameters=off) == pytest.approx(55_700)


def test_interconnection_by_hand():
    # 16.09344 km = 10 miles straight = 13 miles of route, no short-line factor:
    # 13 x 1.69 + 9.7 + 2.2 = 33.87 million, x 1.5 x 1.2 x 1.05
    got = interconnection_usd(16.09344, 230, ["MISO"], 20.0, parameters=PLAIN)
    assert got[0] == pytest.approx(33.87e6 * PLAIN_FACTOR)
    # 1 mile straight = 1.3 miles x 1.5 = 1.95 miles in the Southeast at 500 kV
    got = interconnection_usd(1.609344, 500, ["Southeast"], 0.0, parameters=PLAIN)
    assert got[0] == pytest.approx((1.95 * 4.06 + 20.4 + 8.3) * 1e6 * PLAIN_FACTOR)
    # on top of the substation: no line, still a substation and a bay
    got = interconnection_usd(0.0, 138, ["SCE"], 0.0)
    assert got[0] == pytest.approx(10.0e6 * ESCALATED)


def test_urban_ground_and_a_second_circuit_touch_the_line_only():
    base = interconnection_usd(30.0, 230, ["TEPPC"], 10.0)[0]
    ends = interconnection_usd(0.0, 230, ["TEPPC"], 10.0)[0]
    urban = interconnection_usd(30.0, 230, ["TEPPC"], 3000.0)[0]
    double = interconnection_usd(
        30.0, 230, ["TEPPC"], 10.0, parameters={"tie_line_circuits": 2}
    )[0]
    assert urban - ends == pytest.approx(2.0 * (base - ends))
    assert double - ends == pytest.approx(2.0 * (base - ends))


@given(st.floats(0.0, 80.0), st.floats(0.0, 80.0))
def test_a_longer_line_is_never_cheaper(a, b):
    short, long = interconnection_usd(
        [min(a, b), max(a, b)], [345, 345], ["MISO", "MISO"], [1.0, 1.0]
    )
    assert short <= long


def test_unknown_inputs_stay_unknown():
    got = interconnection_usd(
        [1.0, np.nan, 1.0, 1.0],
        [230, 230, np.nan, 230],
        ["MISO", "MISO", "MISO", None],
        [np.nan, 1.0, 1.0, 1.0],
    )
    assert np.isnan(got).all()
    assert np.isnan(transformer_usd_per_mw([230], [None])).all()


def test_every_region_has_every_class_and_more_volts_cost_more():
    table = line_cost_table().pivot(
        index="region", columns="voltage_kv", values="line_usd_per_mile"
    )
    assert table.shape == (4, 6)
    assert table.notna().all().all()
    assert (table.diff(axis=1).iloc[:, 1:] >= 0).all().all()


def test_transformers_by_hand():
    # 5,790 USD per MVA x 1.3 MVA per MW, escalated
    got = transformer_usd_per_mw(345, ["MISO"])
    assert got[0] == pytest.approx(5790 * 1.3 * ESCALATED)


def test_fiber_by_hand():
    # 59,900 USD per km x 1.3 x (10 + 20) km
    assert fiber_usd(10.0, 20.0) == pytest.approx(59_900 * 1.3 * 30)


def test_power_on_one_time_base():
    # One facility MW: 8760 h x 0.8 x 1.17 / 1.3 = 6307.2 MWh a year, at 50 USD
    # 315,360 USD a year; ten years at 5 % flat are worth 7.721735 of one year.
    energy = energy_mwh_per_mw_year(1.17, 1.3)
    assert energy == pytest.approx(6307.2)
    flat = {"price_growth": 0.0, "discount_rate": 0.05, "horizon_years": 10}
    got = power_usd_per_mw(50.0, energy, parameters=flat)
    assert got == pytest.approx(315_360 * 7.72173493, rel=1e-8)


def test_growing_price_by_hand():
    # 100 USD x 1 MWh: 100/1.05 + 102/1.05^2 ... over ten years
    grown = {"price_growth": 0.02, "discount_rate": 0.05, "horizon_years": 10}
    by_hand = sum(100 * 1.02 ** (t - 1) / 1.05**t for t in range(1, 11))
    assert power_usd_per_mw(100.0, 1.0, parameters=grown) == pytest.approx(by_hand)


def test_operation_by_hand():
    # per facility MW and year: 300,000 / 1.25 + 1.32 x 1,000 = 241,320 USD
    values = {"discount_rate": 0.05, "horizon_years": 10}
    got = operation_usd_per_mw(1000.0, 1.25, parameters=values)
    assert got == pytest.approx(241_320 * 7.72173493, rel=1e-8)


def test_terrain_by_hand():
    # open ground: the factor itself; in town (1,500 people per km2 and more: 2.0) a
    # hill multiplies, and of forest (2.0) and suburb (1.5) the greater counts
    words = ["flat", None, "hill", "mountain", "forest", "wetland"]
    assert terrain_multiplier(words, 10.0).tolist() == [1, 1, 1.3, 1.6, 2, 2]
    assert terrain_multiplier(["hill", "forest"], 2000.0).tolist() == [2.6, 2.0]
    assert terrain_multiplier(["forest"], 400.0).tolist() == [2.0]
    assert np.isnan(terrain_multiplier(["forest", "hill"], np.nan)).all()
    with pytest.raises(StudyError, match=r"'hil'.*Did you mean 'hill'"):
        terrain_multiplier(["hil"], 10.0)


def test_terrain_touches_the_line_only():
    ends = connection_ends_usd([230], ["TEPPC"])
    flat = interconnection_usd([30.0], 230, ["TEPPC"], 10.0)
    hill = interconnection_usd([30.0], 230, ["TEPPC"], 10.0, ["hill"])
    np.testing.assert_allclose(hill - ends, 1.3 * (flat - ends))
    np.testing.assert_allclose(flat - ends, tie_line_usd([30.0], 230, ["TEPPC"], 10.0))


def test_water_main_hardware_and_taxes_by_hand():
    # 4 km straight, 1.3 times by the road, 1.25 million USD per km
    assert water_main_usd(4.0) == pytest.approx(6.5e6)
    assert it_hardware_usd_per_mw(1.3) == pytest.approx(20e6)
    # 100,000 USD a year for ten years at 5 %
    flat = {"discount_rate": 0.05, "horizon_years": 10}
    assert tax_usd_per_mw(1e5, parameters=flat) == pytest.approx(772_173.493, rel=1e-8)


def test_construction_index_by_city_state_and_elsewhere():
    # San Antonio, Amarillo (far from any listed city), Denver (a state without a
    # figure), a field in Virginia 30 km from Ashburn, and a place in no state.
    places = gpd.GeoSeries.from_xy(
        [-98.5, -101.83, -104.99, -77.8, -77.4],
        [29.4, 35.19, 39.74, 39.0, 39.0],
        crs=4326,
    )
    found = construction_index(places, ["TX", "TX", "CO", "VA", None])
    assert found["basis"].tolist()[:4] == [
        "San Antonio",
        "state",
        "elsewhere",
        "Northern Virginia",
    ]
    assert pd.isna(found["basis"][4])
    np.testing.assert_array_equal(
        found["construction_index"], [0.80, 0.82, 1.00, 1.02, np.nan]
    )
    assert found["is_fallback"].tolist() == [False, False, True, False, False]
    with pytest.warns(ApproximationWarning, match="city_reach_km"):
        near = construction_index(places, ["TX"] * 5, parameters={"city_reach_km": 0})
    assert (near["basis"] == "state").all()


def test_a_city_reaches_as_far_as_it_says():
    # due west of Reno along its parallel; the reach is 160 km
    reno = city_cost_table().loc["Reno"]
    km = geodesic_km(
        np.full(3, reno["longitude"]),
        np.full(3, reno["latitude"]),
        reno["longitude"] - np.array([1.8, 1.86, 1.9]),
        np.full(3, reno["latitude"]),
    )
    places = gpd.GeoSeries.from_xy(
        reno["longitude"] - np.array([1.8, 1.86, 1.9]), [reno["latitude"]] * 3, crs=4326
    )
    found = construction_index(places, ["CA"] * 3)
    assert ((km <= 160) == (found["basis"] == "Reno")).all()
    assert set(found["basis"]) == {"Reno", "state"}
