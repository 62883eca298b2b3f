from __future__ import annotations

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteselect as ss
from siteselect.errors import ApproximationWarning, LayerError, StudyError
from siteselect.infrastructure import cooling_options, cooling_systems, prepare
from siteselect.infrastructure.climate import CLIMATE_COLUMNS
from siteselect.layers import datasets

OWN = ["pue", "pue_low", "pue_high", "peak_ratio"]
OWN += [f"wue{end}_l_per_kwh" for end in ("", "_low", "_high", "_peak_day")]


@pytest.fixture(scope="module")
def layers():
    return datasets.load_all(datasets.region("Arizona"))


@pytest.fixture(scope="module")
def candidates() -> gpd.GeoDataFrame:
    return ss.grid_candidates(datasets.region("Arizona"), spacing_km=120)


@pytest.fixture(scope="module")
def ready(candidates, layers) -> gpd.GeoDataFrame:
    return prepare(candidates, layers)


@pytest.fixture(scope="module")
def options(ready) -> dict[str, pd.DataFrame]:
    return cooling_options(ready)


def test_an_option_is_what_prepare_makes_of_its_ratings(
    candidates, layers, ready, options
):
    assert list(options) == [s for s in cooling_systems() if s != "air chiller"]
    for table in options.values():
        assert table.index.equals(ready.index)
        assert table.notna().all().all()
        again = prepare(candidates.assign(**{c: table[c] for c in OWN}), layers)
        shared = [name for name in table.columns if name in again.columns]
        assert set(shared) >= {
            "energy_mwh_per_mw_year",
            "water_consumed_m3_per_mw_year",
            "water_peak_day_m3_per_mw",
            "lifetime_cost_usd_per_mw",
        }
        for name in shared:
            np.testing.assert_allclose(table[name], again[name], rtol=1e-12)
        np.testing.assert_allclose(table["it_mw_per_mw"], 1 / table["peak_ratio"])


def test_water_for_power(options):
    wet = options["air economiser, adiabatic"]
    tower = options["water chiller, waterside economiser"]
    dry = options["closed-loop liquid"]
    assert (dry["water_m3_per_mw_year"] < 0.1 * tower["water_m3_per_mw_year"]).all()
    assert (wet["water_m3_per_mw_year"] < tower["water_m3_per_mw_year"]).all()
    hot = wet["pue"].idxmax()
    assert dry.loc[hot, "pue"] < wet.loc[hot, "pue"] + 0.15
    # The worst day takes more than the mean day, and what evaporates is less.
    for table in options.values():
        mean_day = table["water_m3_per_mw_year"] / 365
        assert (table["water_peak_day_m3_per_mw"] >= mean_day).all()
        share = table["water_consumed_m3_per_mw_year"] / table["water_m3_per_mw_year"]
        np.testing.assert_allclose(share, 0.8)


def test_parameters_of_the_candidates_hold_unless_others_are_given(candidates, layers):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ApproximationWarning)
        ready = prepare(candidates, layers, parameters={"utilisation": 0.5})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        half = cooling_options(ready, "closed-loop liquid")["closed-loop liquid"]
    full = cooling_options(ready, ["closed-loop liquid"], parameters={})
    ratio = (
        half["energy_mwh_per_mw_year"]
        / full["closed-loop liquid"]["energy_mwh_per_mw_year"]
    )
    np.testing.assert_allclose(ratio, 0.5 / 0.8)


def test_the_users_dollars_stay_the_users(candidates, layers):
    own = prepare(candidates.assign(cost_usd_per_mw=1e6), layers)
    table = cooling_options(own, "closed-loop liquid")["closed-loop liquid"]
    assert "cost_usd_per_mw" not in table
    assert "lifetime_cost_usd_per_mw" not in table
    assert "power_usd_per_mw" in table


def test_a_site_without_climate_is_offered_nothing(ready):
    lost = ready.copy()
    lost.loc[lost.index[0], "wet_over_10_c"] = np.nan
    for table in cooling_options(lost).values():
        assert table.iloc[0].isna().all()
        assert table.iloc[1:].notna().all().all()


def test_climates_beyond_the_lines_are_said(ready):
    tropic = ready.copy()
    tropic.loc[tropic.index[2], "wet_over_10_c"] = 15.0
    with pytest.warns(
        ApproximationWarning, match="1 of 18 sites for .air economiser, adiabatic"
    ):
        options = cooling_options(tropic)
    wet = options["air economiser, adiabatic"]
    assert wet.attrs["extrapolated"] == [tropic.index[2]]
    assert wet["pue"].notna().all()


def test_refusals(candidates, ready):
    with pytest.raises(LayerError, match="prepare"):
        cooling_options(candidates)
    with pytest.raises(LayerError, match="list"):
        cooling_options([1])
    with pytest.raises(StudyError, match="Did you mean"):
        cooling_options(ready, ["closed loop liquid"])
    for systems in ([], ["air chiller", "air chiller"]):
        with pytest.raises(StudyError, match="systems"):
            cooling_options(ready, systems)


def test_prepare_takes_closed_loop_cooling_from_the_climate(
    candidates, layers, options
):
    ready = prepare(candidates, layers, cooling="closed-loop liquid")
    dry = options["closed-loop liquid"]
    np.testing.assert_allclose(ready["pue"], dry["pue"])
    assert (ready["peak_ratio"] == 1.30).all()
    bare = {name: layer for name, layer in layers.items() if name != "humidity"}
    with pytest.raises(LayerError, match=r"load\('humidity'\)"):
        prepare(candidates, bare, cooling="closed-loop liquid")
    # A user's own climate does without the rasters.
    climate = ready[list(CLIMATE_COLUMNS)]
    again = prepare(candidates.join(climate), bare, cooling="closed-loop liquid")
    np.testing.assert_allclose(again["pue"], ready["pue"])
    yearly = prepare(candidates, bare)
    assert yearly["water_peak_day_m3_per_mw"].isna().all()
    assert yearly["water_m3_per_mw_year"].notna().all()


def test_hourly_weather_of_the_user_replaces_the_estimate(candidates, layers, ready):
    hours = 20 + 10 * np.sin(np.linspace(0, 60, 8760))
    dry = np.tile(hours, (len(candidates), 1))
    climate = ss.climate_from_hours(dry, dry - 5, index=candidates.index)
    own = prepare(candidates.join(climate), layers)
    assert own["wet_over_10_c"].equals(climate["wet_over_10_c"])
    first = next(iter(cooling_options(own).values()))
    # One weather: what is left apart is what is published for the zones.
    assert (first["pue"].groupby(own["iecc_zone"]).nunique() == 1).all()
    assert first["peak_ratio"].nunique() == 1
    assert ready["wet_over_10_c"].nunique() > 1


def test_low_flow_limits_the_worst_day(ready, layers):
    county = ready["water_low_flow_m3_per_day"].groupby(ready["county"])
    assert (county.nunique() <= 1).all()
    supply = layers["water_stress"].set_index("county")
    local, routed = (
        supply[f"supply_{kind}_m3_per_year"].reindex(ready["county"]).to_numpy()
        for kind in ("local", "routed")
    )
    by_hand = (local + 0.1 * (routed - local)) / 365.25 * 0.10 * 0.10
    known = ~np.isnan(by_hand)
    np.testing.assert_allclose(
        ready["water_low_flow_m3_per_day"][known], by_hand[known], rtol=1e-5
    )
    sites = ready.assign(
        score=0.5, capacity_mw=1e4, water_low_flow_m3_per_day=2000.0, county="04013"
    ).iloc[:3]
    use = sites["water_peak_day_m3_per_mw"]
    low_flow = ss.Limit(
        "low flow",
        per_mw="water_peak_day_m3_per_mw",
        by="county",
        at_most="water_low_flow_m3_per_day",
        unit="m3 per day",
    )
    plan = ss.optimize_sites(sites, site_mw=[20, 40], limits=[low_flow])
    drawn = (plan.sites["mw"] * use[plan.sites.index]).sum()
    assert drawn <= 2000
    assert plan.total_mw < 120  # 3 x 40 MW would be allowed by all else
    assert (use * 40).sum() > 2000


def test_new_columns_of_prepare(ready):
    np.testing.assert_allclose(
        ready["water_consumed_m3_per_mw_year"], 0.8 * ready["water_m3_per_mw_year"]
    )
    names = [f"permanent_jobs_per_mw{end}" for end in ("_low", "", "_high")]
    jobs = ready[[*names, "permanent_jobs_per_site"]]
    assert jobs.drop_duplicates().to_numpy().tolist() == [[0.10, 0.22, 0.80, 30.0]]
