from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from siteselect.errors import LayerError, StudyError
from siteselect.infrastructure import (
    climate_from_hours,
    climate_from_months,
    cooling_from_climate,
    cooling_line_table,
    cooling_systems,
    cooling_table,
    pue_wue,
    zone_climate_table,
)
from siteselect.infrastructure.climate import CLIMATE_COLUMNS

ROOT = Path(__file__).parents[2]
PUBLISHED = [name for name in cooling_systems() if name != "closed-loop liquid"]
# Many counties of these dry zones are moister than the city the zone is known by.
DRY_MOUNTAINS = ("4B", "6B")
CITIES = {
    "1A": "12086",  # Miami
    "2A": "12057",  # Tampa
    "2B": "04019",  # Tucson
    "3A": "13121",  # Atlanta
    "3B": "48141",  # El Paso
    "3C": "06075",  # San Francisco
    "4A": "24005",  # Baltimore
    "4B": "35001",  # Albuquerque
    "4C": "53033",  # Seattle
    "5A": "36029",  # Buffalo
    "5B": "08031",  # Denver
    "6A": "27109",  # Rochester
    "6B": "30013",  # Great Falls
    "7": "27071",  # International Falls
}


def year(n: int = 3, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    hour = np.arange(8760)
    season = 12 - 14 * np.cos(2 * np.pi * hour / 8760)
    day = -5 * np.cos(2 * np.pi * hour / 24)
    dry = season + day + rng.normal(0, 3, (n, 8760)) + np.arange(n)[:, None]
    return dry, rng.uniform(20, 100, (n, 8760))


def test_degree_sums_equal_a_plain_loop():
    dry, humid = year()
    got = climate_from_hours(dry, relative_humidity=humid, index=pd.Index(["a", 2, 3]))
    assert got.index.tolist() == ["a", 2, 3]
    assert list(got.columns) == list(CLIMATE_COLUMNS)
    wet = np.full(dry.shape, np.nan)
    for i, (t, h) in enumerate(zip(dry, humid, strict=True)):
        wet[i] = [
            min(
                a * np.arctan(0.151977 * (r + 8.313659) ** 0.5)
                + np.arctan(a + r)
                - np.arctan(r - 1.676331)
                + 0.00391838 * r**1.5 * np.arctan(0.023101 * r)
                - 4.686035,
                a,
            )
            for a, r in zip(t, np.clip(h, 5, 99), strict=True)
        ]
    for i in range(3):
        row = got.iloc[i]
        assert row["wet_over_10_c"] == pytest.approx(
            sum(max(w - 10, 0) for w in wet[i]) / 8760
        )
        assert row["dry_over_18_c"] == pytest.approx(
            sum(max(t - 18, 0) for t in dry[i]) / 8760
        )
        assert row["hours_over_24_share"] == pytest.approx((dry[i] > 24).mean())
        assert (dry[i] > row["design_dry_c"]).mean() == pytest.approx(0.004, abs=2e-4)
        days = [wet[i, d * 24 : d * 24 + 24].mean() for d in range(365)]
        assert row["peak_day_wet_c"] == pytest.approx(max(days))


def test_chunks_and_files_on_disk_change_nothing(tmp_path, monkeypatch):
    dry, humid = year(7)
    whole = climate_from_hours(dry, relative_humidity=humid)
    disk = np.lib.format.open_memmap(
        tmp_path / "dry.npy", "w+", dtype="float64", shape=dry.shape
    )
    disk[:] = dry
    monkeypatch.setattr("siteselect.infrastructure.climate._CHUNK_HOURS", 2 * 8760)
    again = climate_from_hours(disk, relative_humidity=humid)
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    backward = climate_from_hours(dry[::-1], relative_humidity=humid[::-1])
    np.testing.assert_array_equal(backward.to_numpy()[::-1], whole.to_numpy())


def test_an_unknown_hour_leaves_its_site_unknown_and_no_other():
    dry, humid = year(2)
    dry[0, 4000] = np.nan
    got = climate_from_hours(dry, relative_humidity=humid)
    assert got.iloc[0].isna().all()
    assert got.iloc[1].notna().all()
    assert cooling_from_climate(got, "air chiller")["pue"].isna().tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("dry", "wet", "humid", "said"),
    [
        (np.zeros((8759,)), np.zeros((8759,)), None, "8760"),
        (np.zeros((8760, 2)), np.zeros((8760, 2)), None, "Transpose"),
        (np.zeros((2, 8760)), np.zeros((3, 8760)), None, "same shape"),
        (np.zeros(8760), None, None, "neither"),
        (np.zeros(8760), np.zeros(8760), np.zeros(8760), "both"),
        (np.full(8760, 293.0), np.zeros(8760), None, "kelvin"),
        (np.full(8760, 10.0), np.full(8760, 20.0), None, "above the dry bulb"),
        (np.zeros(8760), None, np.full(8760, -1.0), "relative_humidity"),
        ("weather.csv", np.zeros(8760), None, "hourly weather"),
        (np.array([["a"] * 8760]), np.zeros(8760), None, "hourly weather"),
    ],
)
def test_hours_that_cannot_be(dry, wet, humid, said):
    with pytest.raises(LayerError, match=said):
        climate_from_hours(dry, wet, relative_humidity=humid)


def test_months_agree_with_hours_spread_as_assumed():
    """The estimate against a year drawn from its own assumptions."""
    months = np.array([[2, 4, 8, 14, 19, 23, 26, 25, 21, 15, 9, 4.0]])
    got = climate_from_months(months, [38.0], [8.0], [200.0])
    rng = np.random.default_rng(3)
    spread = (38 - 26) / 3.0
    hours = np.repeat(months[0], 730)
    dry = hours + rng.normal(0, spread, hours.size)
    drawn = climate_from_hours(dry, relative_humidity=np.full(8760, 50.0))
    for column in ("dry_over_10_c", "dry_over_18_c", "hours_over_24_share"):
        assert got[column][0] == pytest.approx(drawn[column][0], rel=0.05)
    assert got["design_dry_c"][0] == pytest.approx(drawn["design_dry_c"][0], abs=1.5)


def test_months_without_spread_and_unknown_ones():
    months = np.full((3, 12), 20.0)
    months[1, 3] = np.nan
    got = climate_from_months(months, [20.0, 30.0, np.nan], [7.26, 7.0, 7.0])
    assert got["dry_over_18_c"][0] == pytest.approx(2.0)
    assert got["hours_over_24_share"][0] == 0.0
    assert got["wet_mean_c"][0] == pytest.approx(13.7, abs=0.1)  # Stull's example
    assert got.iloc[1:].isna().all().all()
    assert len(climate_from_months(np.zeros((0, 12)), [], [])) == 0


def test_rows_keep_their_bits_in_any_company():
    rng = np.random.default_rng(2)
    months = rng.uniform(-15, 35, (41, 12))
    given = (months.max(axis=1) + 12, rng.uniform(2, 18, 41), rng.uniform(0, 3e3, 41))
    whole = climate_from_months(months, *given).to_numpy()
    back = climate_from_months(months[::-1], *(x[::-1] for x in given)).to_numpy()
    np.testing.assert_array_equal(back[::-1], whole)
    for i in range(0, 41, 7):
        alone = climate_from_months(months[[i]], *(x[[i]] for x in given))
        np.testing.assert_array_equal(alone.to_numpy()[0], whole[i])


@pytest.mark.parametrize(
    ("months", "record", "said"),
    [
        (np.zeros((3, 11)), [1, 2, 3], "12"),
        (np.zeros(12), [1], "12"),
        (np.zeros((3, 12)), [1, 2], "3 sites"),
        (np.full((1, 12), 290.0), [310], "kelvin"),
    ],
)
def test_months_that_cannot_be(months, record, said):
    with pytest.raises(LayerError, match=said):
        climate_from_months(months, record, 8.0)


@pytest.fixture(scope="module")
def counties(zone_recipe) -> pd.DataFrame:
    """Every bundled county's climate from the bundle, with its zone."""
    return zone_recipe.county_climates()


@pytest.fixture(scope="module")
def zone_recipe():
    path = ROOT / "data" / "zone_climates.py"
    spec = importlib.util.spec_from_file_location("zone_climates", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_typical_climates_is_what_its_script_makes(zone_recipe):
    again = zone_recipe.zone_climates()
    pd.testing.assert_frame_equal(
        zone_climate_table(), again, check_dtype=False, atol=1e-9
    )


@pytest.mark.parametrize("system", PUBLISHED)
def test_with_its_zone_every_county_lies_in_the_published_band(counties, system):
    zones = counties["zone"]
    got = cooling_from_climate(counties, system, zones=zones, hall="published")
    band = pue_wue(zones, system)
    for figure in ("pue", "wue{}_l_per_kwh"):
        low, middle, high = (
            band[figure.format(end) if "{" in figure else figure + end]
            for end in ("_low", "", "_high")
        )
        mine = got[figure.format("")]
        assert mine.between(low, high).all()
        # A zone's typical county has the published figure itself.
        typical = (mine - middle).groupby(zones).median()
        assert typical.abs().max() < 0.01
    # Few have to be held: the climate alone keeps the others within the band.
    held = got["is_held"].groupby(zones).mean()
    assert got["is_held"].mean() < 0.03
    assert (held.drop("6B") <= 0.2).all()
    assert held["6B"] < 0.45


def test_a_moister_county_of_a_zone_uses_more_water(counties):
    zones = counties["zone"]
    got = cooling_from_climate(counties, "air economiser, adiabatic", zones=zones)
    for _, rows in counties.groupby("zone"):
        ordered = rows.sort_values("wet_over_10_c").index
        assert got.loc[ordered, "wue_l_per_kwh"].is_monotonic_increasing
        assert got.loc[ordered, "pue"].is_monotonic_increasing


def test_zone_or_climate_alone():
    system = "air economiser, adiabatic"
    climate = pd.DataFrame(3.0, index=list("abcd"), columns=list(CLIMATE_COLUMNS))
    climate.loc["b"] = np.nan
    zones = pd.Series(["4A", "4A", None, "0A"], index=climate.index, dtype="object")
    got = cooling_from_climate(climate, system, zones=zones)
    line = cooling_from_climate(climate, system)
    band = pue_wue(zones, system)
    annual = list(band.columns)
    # Neither a zone nor a zone that the table has: the line.
    pd.testing.assert_frame_equal(got.loc[["c", "d"]], line.loc[["c", "d"]])
    # No climate: the year of the zone, and no hottest hour.
    pd.testing.assert_frame_equal(got.loc[["b"], annual], band.loc[["b"]])
    assert got.loc["b", ["peak_ratio", "wue_peak_day_l_per_kwh"]].isna().all()
    # Both, by hand: the middle of 4A moved by the line's slope.
    away = 3.0 - zone_climate_table().set_index("zone").loc["4A", "wet_over_10_c"]
    assert got.loc["a", "pue"] == pytest.approx((1.109 + 1.223) / 2 + 0.01255 * away)
    assert got.loc["a", "wue_l_per_kwh"] == pytest.approx(
        (0.272 + 0.833) / 2 + 0.1452 * away
    )


@pytest.mark.parametrize("system", PUBLISHED)
def test_lines_alone_against_the_published_band(counties, system):
    got = cooling_from_climate(counties, system, hall="published")
    band = cooling_table()
    band = band[band["cooling"] == system].set_index("zone").reindex(counties["zone"])
    inside = pd.DataFrame(
        {
            kind: (got[name] >= band[f"{kind}_low"].to_numpy())
            & (got[name] <= band[f"{kind}_high"].to_numpy())
            for kind, name in (("pue", "pue"), ("wue", "wue_l_per_kwh"))
        }
    )
    share = inside.mean()
    by_zone = inside.groupby(counties["zone"]).mean()
    assert share["pue"] > 0.995
    assert (by_zone["pue"] > 0.9).all()
    middle = (band["pue_low"] + band["pue_high"]).to_numpy() / 2
    assert abs(np.mean(got["pue"] - middle)) < 0.02
    if system == "air economiser, adiabatic":
        assert share["wue"] > 0.92
        assert (by_zone["wue"].drop(list(DRY_MOUNTAINS)) >= 0.7).all()
        # Stated in the documentation; with its zone every county is inside.
        assert (by_zone.loc[list(DRY_MOUNTAINS), "wue"] < 0.5).all()
    elif system == "air chiller, air economiser":
        # One figure for all zones; that of 4C uses hardly any.
        assert by_zone.index[by_zone["wue"] < 0.9].tolist() == ["4C"]
    else:
        assert share["wue"] == 1.0


def test_one_city_per_zone(counties):
    cities = counties.loc[list(CITIES.values())]
    assert cities["zone"].tolist() == list(CITIES)
    got = cooling_from_climate(cities, "air economiser, adiabatic")
    band = cooling_table().set_index(["cooling", "zone"])
    band = band.loc["air economiser, adiabatic"].loc[list(CITIES)]
    for figure, kind in (("pue", "pue"), ("wue_l_per_kwh", "wue")):
        value = got[figure].to_numpy()
        inside = (value >= band[f"{kind}_low"]) & (value <= band[f"{kind}_high"])
        assert inside.index[~inside].tolist() == ([] if kind == "pue" else ["6B"])


def test_every_system_is_known_for_every_county(counties):
    for system in cooling_systems():
        got = cooling_from_climate(counties, system)
        assert got.notna().all().all()
        assert (got["pue_low"] <= got["pue"] + 1e-12).all()
        assert (got["pue"] <= got["pue_high"] + 1e-12).all()
        assert (got["peak_ratio"] >= got["pue"]).all()
        assert got["pue"].between(1.0, 2.2).all()
        assert (got["wue_peak_day_l_per_kwh"] >= got["wue_l_per_kwh"] - 1e-9).all()


def test_lines_by_hand():
    hot = dict.fromkeys(CLIMATE_COLUMNS, 0.0) | {
        "t_mean_c": 20.0,
        "wet_over_10_c": 5.0,
        "dry_over_18_c": 4.0,
        "design_wet_c": 25.0,
        "design_dry_c": 38.0,
        "peak_day_wet_c": 24.0,
    }
    climate = pd.DataFrame([hot])
    air = cooling_from_climate(climate, "air economiser, adiabatic").iloc[0]
    assert air["pue"] == pytest.approx(1.1273 + 0.01255 * 5)
    assert air["peak_ratio"] == pytest.approx(1.1273 + 0.01255 * 15)
    assert air["wue_l_per_kwh"] == pytest.approx(0.065 + 0.1452 * 5)
    assert air["wue_peak_day_l_per_kwh"] == pytest.approx(0.065 + 0.1452 * 14)
    loop = cooling_from_climate(climate, "closed-loop liquid").iloc[0]
    assert loop["pue"] == pytest.approx(1.10 + 0.006 * 4 + 0.004 * 10)
    assert loop["peak_ratio"] == pytest.approx(1.20 + 0.008 * (38 - 25))
    large = cooling_from_climate(climate, "air chiller").iloc[0]
    midsize = cooling_from_climate(climate, "air chiller", hall="published").iloc[0]
    assert midsize["pue"] - large["pue"] == pytest.approx(0.275)


def test_climates_beyond_the_fit_are_flagged_not_silent():
    climate = pd.DataFrame(1.0, index=["mild", "tropic"], columns=list(CLIMATE_COLUMNS))
    climate.loc["tropic"] = 26.0
    for system in cooling_systems():
        if system == "air chiller, air economiser":
            continue  # 26 is no share of hours
        got = cooling_from_climate(climate, system)
        assert got["is_extrapolated"].tolist() == [False, True], system
        assert got["pue"].notna().all()


def test_refusals():
    climate = pd.DataFrame([dict.fromkeys(CLIMATE_COLUMNS, 1.0)])
    with pytest.raises(StudyError, match=r"Did you mean 'closed-loop liquid'"):
        cooling_from_climate(climate, "closed loop liquid")
    with pytest.raises(StudyError, match="hall"):
        cooling_from_climate(climate, "air chiller", hall="huge")
    with pytest.raises(LayerError, match="design_wet_c"):
        cooling_from_climate(climate.drop(columns="design_wet_c"), "air chiller")
    for figure in ("hot", np.inf, -1.0):
        with pytest.raises(LayerError, match="wet_over_10_c"):
            cooling_from_climate(climate.assign(wet_over_10_c=figure), "air chiller")


def test_every_line_has_a_source():
    table = cooling_line_table()
    assert table[["intercept", "slope", "source", "year"]].notna().all().all()
    assert not table.duplicated(["cooling", "measure", "level"]).any()
