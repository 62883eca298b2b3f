from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from siteselect.errors import StudyError
from siteselect.infrastructure import (
    cooling_table,
    pue_wue,
    water_m3_per_mw_year,
    wet_bulb_c,
)

TABLE = cooling_table()
SYSTEMS = list(dict.fromkeys(TABLE["cooling"]))


def test_table_is_complete_and_ordered():
    assert len(TABLE) == 60
    assert TABLE.groupby("cooling")["zone"].nunique().eq(15).all()
    assert (TABLE["pue_low"] < TABLE["pue_high"]).all()
    assert (TABLE["wue_low"] < TABLE["wue_high"]).all()
    assert (TABLE["pue_low"] > 1.0).all()
    assert (TABLE["wue_low"] >= 0.0).all()


@pytest.mark.parametrize("system", SYSTEMS)
def test_middle_lies_in_the_published_band(system):
    zones = pd.Series(sorted(TABLE["zone"].unique()))
    got = pue_wue(zones, system)
    assert (got["pue_low"] < got["pue"]).all()
    assert (got["pue"] < got["pue_high"]).all()
    assert (got["wue_low_l_per_kwh"] < got["wue_l_per_kwh"]).all()
    assert (got["wue_l_per_kwh"] < got["wue_high_l_per_kwh"]).all()


@pytest.mark.parametrize(
    ("zone", "pue", "wue"),
    [
        ("1A", (1.169, 1.342), (0.773, 2.361)),
        ("4C", (1.086, 1.202), (0.003, 0.552)),
        ("6B", (1.084, 1.179), (0.011, 0.114)),
    ],
)
def test_lei_masanet_2022_air_economiser(zone, pue, wue):
    row = pue_wue(pd.Series([zone])).iloc[0]
    assert (row["pue_low"], row["pue_high"]) == pue
    assert (row["wue_low_l_per_kwh"], row["wue_high_l_per_kwh"]) == wue
    assert row["pue"] == pytest.approx(sum(pue) / 2)


def test_lei_masanet_2022_air_chiller():
    row = pue_wue(pd.Series(["4A"]), "air chiller, air economiser").iloc[0]
    assert (row["pue_low"], row["pue_high"]) == (1.429, 1.698)
    assert row["wue_high_l_per_kwh"] < 0.1


def test_unknown_zones_are_nan_and_the_index_stays():
    zones = pd.Series(["4A", None, np.nan, "9Z", "7A", " 4a "], index=list("abcdef"))
    got = pue_wue(zones)
    assert got.index.tolist() == list("abcdef")
    assert got["pue"].notna().tolist() == [True, False, False, False, True, True]


def test_unknown_system_is_refused():
    with pytest.raises(StudyError, match=r"adiabatic'"):
        pue_wue(pd.Series(["4A"]), "air economizer, adiabatic")


def test_one_liter_per_kwh_at_one_it_mw_is_24_m3_a_day():
    yearly = water_m3_per_mw_year(1.0, peak_ratio=1.0, utilisation=1.0)
    assert yearly == pytest.approx(24.0 * 365)
    # and 6.3 million gallons a day for one GW
    gallons = float(yearly) * 1000 / 365 * 264.172
    assert gallons / 1e6 == pytest.approx(6.34, abs=0.01)


def test_water_is_per_facility_mw():
    # 1.3 facility MW serve one IT MW, busy 80 % of the year.
    one = water_m3_per_mw_year(0.5, peak_ratio=1.3, utilisation=0.8)
    assert 1.3 * one == pytest.approx(0.5 * 8760 * 0.8)


def test_wet_bulb_of_saturated_and_dry_air():
    # 14.7 g/kg is saturation at 20 degC and sea level.
    assert wet_bulb_c(20.0, 14.5) == pytest.approx(20.0, abs=0.5)
    assert wet_bulb_c(20.0, 2.0) < 9.0
    # The same water in thinner air is further from saturation.
    assert wet_bulb_c(20.0, 7.26, 2000.0) < wet_bulb_c(20.0, 7.26)
    assert np.isnan(wet_bulb_c(np.nan, 5.0))
    assert np.isnan(wet_bulb_c(-30.0, 0.2))
