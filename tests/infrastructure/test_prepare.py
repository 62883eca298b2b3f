from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from infrastructure.toy import toy_layers, toy_sites
from pandas.testing import assert_frame_equal
from shapely import Point, box

from siteselect.errors import CRSError, LayerError, StudyError
from siteselect.infrastructure import columns, prepare, shell_usd_per_mw
from siteselect.infrastructure.preparation import NEEDED, OPTIONAL, _share_inside
from siteselect.layers import LayerInfo, Raster

READY = prepare(toy_sites(), toy_layers())


def test_only_columns_are_gained():
    sites = toy_sites()
    before = sites.copy(deep=True)
    ready = prepare(sites, toy_layers())
    assert_frame_equal(sites, before)
    assert sites.attrs == before.attrs
    assert isinstance(ready, gpd.GeoDataFrame)
    assert ready.index.equals(sites.index)
    assert ready.index.name == "site"
    assert ready.crs == sites.crs
    assert ready["owner"].tolist() == sites["owner"].tolist()
    assert ready.geometry.geom_equals(sites.geometry).all()
    assert list(ready.columns[:2]) == ["owner", "geometry"]


def test_every_column_added_is_in_the_table_and_the_other_way_round():
    added = [name for name in READY.columns if name not in toy_sites().columns]
    assert added == list(columns().index)
    table = columns()
    assert table.index.is_unique
    assert table[["unit", "meaning", "group"]].notna().all().all()
    known = {*NEEDED, *OPTIONAL}
    for cell in table["layer"]:
        assert set(filter(None, cell.split(", "))) <= known


def test_units_tell_the_kind_of_column():
    for name, unit in columns()["unit"].items():
        if unit == "flag":
            assert READY[name].dtype == bool
        elif unit == "text":
            assert READY[name].dropna().map(type).eq(str).all()
        else:
            assert READY[name].dtype == np.float64


def test_place():
    assert READY["state"].tolist()[:4] == ["CO", "CO", "TX", "TX"]
    assert READY["county"].tolist()[:4] == ["05001", "05002", "48001", "48002"]
    assert READY.loc["sea", ["state", "county", "county_name"]].isna().all()
    assert "outside every county" in READY.loc["sea", "unknown_because"]


def test_best_substation_in_reach_else_the_nearest():
    # "big" is a little farther than "small" for none of them; it carries more.
    assert READY.loc["w", "substation"] == "big"
    assert READY.loc["w", "substation_km"] == pytest.approx(5.55, abs=0.01)
    assert READY.loc["w", "headroom_mw"] == 1200
    assert READY.loc["w", "capacity_mw"] == 750  # the cap of 345 kV binds
    # 76 km from "small", 85 km from "big", 85 km from "unknown": the nearest
    assert READY.loc["m", "substation"] == "small"
    assert READY.loc["m", "capacity_mw"] == 150
    # never below 100 kV, however near
    assert READY.loc["e", "substation"] == "high"
    assert READY.loc["e", "capacity_mw"] == 90


def test_usable_capacity_decides_not_the_plain_headroom():
    layers = toy_layers()
    stations = layers["substations"]
    stations.loc[stations["substation"] == "small", "hosting_capacity_mw"] = 9000.0
    assert prepare(toy_sites(), layers).loc["w", "substation"] == "big"


def test_enough_is_enough():
    layers = toy_layers()
    layers["substations"].loc[0:1, "voltage_kv"] = [765.0, 500.0]
    layers["substations"].loc[0:1, "hosting_capacity_mw"] = [2900.0, 1400.0]
    sites = toy_sites().iloc[[0]].set_geometry([Point(-101.41, 40.0)], crs=4326)
    assert prepare(sites, layers)["substation"].tolist() == ["small"]
    more = {"enough_mw": 3000}
    assert prepare(sites, layers, parameters=more)["substation"].tolist() == ["big"]


def test_equal_substations_go_to_the_nearer():
    layers = toy_layers()
    layers["substations"].loc[0:1, "voltage_kv"] = 138.0
    layers["substations"].loc[0:1, "hosting_capacity_mw"] = 500.0
    sites = toy_sites().iloc[[0]].set_geometry([Point(-101.41, 40.0)], crs=4326)
    assert prepare(sites, layers)["substation"].tolist() == ["small"]


def test_unknown_headroom_is_unknown_and_out_of_reach_is_zero():
    assert READY.loc["n", "substation"] == "unknown"
    assert np.isnan(READY.loc["n", "capacity_mw"])
    assert "hosting capacity unknown" in READY.loc["n", "unknown_because"]
    assert READY.loc["sea", "substation"] == "high"
    assert READY.loc["sea", "capacity_mw"] == 0.0
    assert READY.loc["sea", "headroom_mw"] == 90.0


def test_group_columns_are_constant_within_their_group():
    many = toy_sites().sample(n=40, replace=True, random_state=1)
    rng = np.random.default_rng(0)
    many = many.set_geometry(
        gpd.points_from_xy(rng.uniform(-102, -98, 40), rng.uniform(39.5, 40.5, 40)),
        crs=4326,
    ).reset_index(drop=True)
    ready = prepare(many, toy_layers())
    for group, column in (
        ("substation", "headroom_mw"),
        ("county", "water_available_m3_per_year"),
    ):
        assert ready.groupby(group)[column].nunique(dropna=False).max() == 1


def test_cooling_and_water():
    assert READY.loc["w", "iecc_zone"] == "5B"
    assert READY.loc["w", "pue"] == pytest.approx((1.089 + 1.195) / 2)
    assert READY.loc["w", "peak_ratio"] == 1.30
    expected = (0.042 + 0.3) / 2 * 8760 * 0.8 / 1.3
    assert READY.loc["w", "water_m3_per_mw_year"] == pytest.approx(expected)
    assert READY.loc["n", "water_available_m3_per_year"] == 0.0  # known to be none


def test_a_hot_air_chiller_is_sized_for_its_own_draw():
    ready = prepare(toy_sites(), toy_layers(), cooling="air chiller")
    assert ready.loc["n", "peak_ratio"] == ready.loc["n", "pue"]
    hours = ready["energy_mwh_per_mw_year"].dropna() / 8760
    assert (hours <= 1.0).all()


def test_county_fallbacks_are_flagged_and_water_goes_by_area():
    assert READY.loc["e", "iecc_zone"] == "2B"
    assert bool(READY.loc["e", "iecc_zone_fallback"])
    assert bool(READY.loc["e", "water_fallback"])
    assert bool(READY.loc["e", "home_value_fallback"])
    assert not READY.loc["w":"n", "iecc_zone_fallback"].any()
    layers = toy_layers()
    layers["water_stress"].loc[2, "water_available_m3_per_year"] = 8e6
    layers["counties"].loc[3, "geometry"] = box(-99, 39.5, -98, 40.0)
    sites = toy_sites().set_geometry([Point(-98.5, 39.8)] * 5, crs=4326)
    got = prepare(sites, layers)["water_available_m3_per_year"]
    assert got.to_numpy() == pytest.approx(4e6, rel=0.01)  # half the area


def test_fallback_has_a_reach():
    near = {"fallback_km": 60}
    ready = prepare(toy_sites(), toy_layers(), parameters=near)
    assert pd.isna(ready.loc["e", "iecc_zone"])
    assert not ready["iecc_zone_fallback"].any()
    assert np.isnan(ready.loc["e", "cost_usd_per_mw"])
    assert "no PUE for the climate zone" in ready.loc["e", "unknown_because"]


def test_price_of_a_state_without_one():
    layers = toy_layers()
    energy = layers["state_energy"]
    energy.loc[0, "price_usd_per_mwh"] = None
    ready = prepare(toy_sites(), layers)
    assert ready["price_usd_per_mwh"].isna().tolist() == [True] * 2 + [False] * 2 + [
        True
    ]
    assert "power price unknown" in ready.loc["w", "unknown_because"]
    assert not ready["price_fallback"].any()


def test_a_layer_of_the_users_own_may_lack_the_subregion_and_the_clean_share():
    layers = toy_layers()
    both = ["subregion_carbon_kg_per_mwh", "clean_share_2015"]
    assert prepare(toy_sites(), layers)[both].isna().all(axis=None)
    layers["state_energy"]["clean_share_2015"] = [0.2, None]
    ready = prepare(toy_sites(), layers)
    assert ready["clean_share_2015"].tolist()[:2] == [0.2, 0.2]
    assert ready["clean_share_2015"][2:].isna().all()


def test_a_price_that_the_layer_borrowed_is_flagged():
    layers = toy_layers()
    layers["state_energy"]["price_basis"] = ["mean of neighbouring states", "EIA 2023"]
    ready = prepare(toy_sites(), layers)
    assert ready["price_fallback"].tolist() == [True, True, False, False, False]
    assert ready.attrs["siteselect"]["prepare"]["fallbacks"]["price_fallback"] == 2
    own = toy_sites().assign(price_usd_per_mwh=60.0)
    assert not prepare(own, layers)["price_fallback"].any()


def test_a_county_borrows_from_its_own_state_only():
    layers = toy_layers()
    layers["counties"]["state"] = ["CO", "CO", "CO", "TX"]
    ready = prepare(toy_sites(), layers)
    assert pd.isna(ready.loc["e", "iecc_zone"])
    assert np.isnan(ready.loc["e", "water_available_m3_per_year"])


def test_people():
    assert READY.loc["w", "population_10km"] == 32415.0
    assert READY.loc["w", "population_per_km2"] == pytest.approx(32415 / (np.pi * 100))
    assert READY.loc["e", "population_20km"] == 0.0
    no_points = toy_layers()
    del no_points["population_points"]
    ready = prepare(toy_sites(), no_points)
    assert ready["population_10km"].isna().all()
    assert ready.loc["n", "population_per_km2"] == 1000.0
    assert ready.loc["n", "cost_usd_per_mw"] > 0


def test_a_zip_area_counts_by_the_share_inside():
    share = _share_inside(
        np.array([0.0, 0.0, 30.0, 4.0, 9.0, 11.0, 10.0]),
        np.array([20.0, 5.0, 5.0, 6.0, 0.0, 0.0, 1e-3]),
        10.0,
    )
    # around, inside, apart, just inside, two points, half of a tiny circle
    expected = [0.25, 1.0, 0.0, 1.0, 1.0, 0.0, 0.5]
    np.testing.assert_allclose(share, expected, atol=1e-4)


@given(st.floats(0.1, 45.0), st.floats(0.1, 40.0))
def test_the_share_inside_equals_shapely(distance, radius):
    here = shapely.buffer(shapely.Point(0, 0), 10.0, quad_segs=256)
    zip_area = shapely.buffer(shapely.Point(distance, 0), radius, quad_segs=256)
    expected = shapely.area(shapely.intersection(here, zip_area)) / zip_area.area
    got = _share_inside(np.array([distance]), np.array([radius]), 10.0)[0]
    assert got == pytest.approx(expected, abs=1e-3)


def test_costs_add_up():
    known = READY.loc[["w", "m", "n", "e"]]
    np.testing.assert_allclose(
        known["cost_usd_per_mw"],
        known["land_usd_per_mw"]
        + known["shell_usd_per_mw"]
        + known["transformer_usd_per_mw"],
    )
    np.testing.assert_allclose(
        known["fixed_cost_usd"],
        known["interconnection_usd"] + known["fiber_usd"] + known["water_main_usd"],
    )
    np.testing.assert_allclose(
        known["interconnection_usd"],
        known["tie_line_usd"] + known["connection_ends_usd"],
    )
    np.testing.assert_allclose(
        known["lifetime_cost_usd_per_mw"],
        known["cost_usd_per_mw"]
        + known["power_usd_per_mw"]
        + known["operation_usd_per_mw"],
    )
    texas = known.loc["n"]
    assert texas["construction_index"] == 0.82
    assert texas["shell_usd_per_mw"] == pytest.approx(shell_usd_per_mw(0.82))
    assert known.loc["w", "construction_fallback"]
    assert READY.loc["sea"].filter(like="cost_usd").isna().all()


def test_one_site_by_hand():
    # County 48001, Texas, beside a 230 kV substation in zone 2B; the ZIP circle of
    # 400,000 people lies inside 10 km: 1,273 people per km2, the urban land price.
    site = READY.loc["n"]
    land = 244_000 * 0.9  # home value as the national one
    shell = 11_700_000 * 0.82 / 1.30
    escalated = 1.65 * 1.25 * 1.075
    transformer = 4_970 * 1.3 * escalated
    capital = land + shell + transformer
    assert site["cost_usd_per_mw"] == pytest.approx(capital)
    assert capital == pytest.approx(7_613_925, abs=1)
    # no line, a 230 kV substation and a bay at the figures of MISO
    assert site["interconnection_usd"] == pytest.approx(11_900_000 * escalated)
    # 8760 h x 0.8 x 1.189 / 1.3 at 66 USD, growing by 1 %, 14 years at 7 %:
    # (1 - (1.01 / 1.07) ** 14) / 0.06 = 9.236901 first-year payments
    power = 66 * 8760 * 0.8 * 1.189 / 1.3 * 9.236901
    assert site["power_usd_per_mw"] == pytest.approx(power, rel=1e-6)
    # (300,000 + 1.32 x 0.7955 L/kWh x 7008 MWh) / 1.3 for 8.745468 years
    operation = (300_000 + 1.32 * 0.7955 * 7008) / 1.3 * 8.745468
    assert site["operation_usd_per_mw"] == pytest.approx(operation, rel=1e-6)
    assert site["lifetime_cost_usd_per_mw"] == pytest.approx(
        capital + power + operation, rel=1e-6
    )


def test_the_ground_of_the_tie_line():
    assert READY["terrain_unknown"].all()
    sites = toy_sites()
    sites["terrain"] = ["hill", "forest", None, "flat", "wetland"]
    ready = prepare(sites, toy_layers())
    assert ready["terrain_unknown"].tolist() == [False, False, True, False, False]
    factor = (ready["tie_line_usd"] / READY["tie_line_usd"])[["w", "m", "e"]]
    np.testing.assert_allclose(factor, [1.3, 2.0, 1.0])
    assert ready.loc["n", "tie_line_usd"] == READY.loc["n", "tie_line_usd"]
    layers = toy_layers()
    layers["terrain"] = gpd.GeoDataFrame(
        {"terrain": ["mountain"]}, geometry=[box(-102, 39, -101, 41)], crs=4326
    )
    read = prepare(toy_sites(), layers)
    assert read.loc["w", "terrain"] == "mountain"
    assert read.loc["w", "tie_line_usd"] == pytest.approx(
        1.6 * READY.loc["w", "tie_line_usd"]
    )
    assert read["terrain_unknown"].tolist() == [False, True, True, True, True]
    sites["terrain"] = ["hill", "swamp", None, "flat", "flat"]
    with pytest.raises(StudyError, match="'swamp': m"):
        prepare(sites, toy_layers())


def test_water_mains():
    assert READY["water_main_fallback"].all()
    assert (READY["water_main_km"] == 5.0).all()
    sites = toy_sites()
    sites["water_main_km"] = [2.0, 0.0, np.nan, 1.0, 1.0]
    ready = prepare(sites, toy_layers())
    assert not ready["water_main_fallback"].any()
    # 2 km x 1.3 x 1.25 million USD per km
    assert ready["water_main_usd"].tolist()[:2] == pytest.approx([3.25e6, 0.0])
    assert np.isnan(ready.loc["n", "fixed_cost_usd"])


def test_hardware_is_in_no_site_cost():
    # 26 million USD per IT MW over 1.3
    assert (READY["it_hardware_usd_per_mw"].dropna() == 2e7).all()
    dear = prepare(
        toy_sites(), toy_layers(), parameters={"it_hardware_usd_per_mw_it": 3.3e7}
    )
    costs = [name for name in columns().index if "cost_usd" in name]
    assert_frame_equal(dear[costs], READY[costs])


def test_levels_of_cost_keep_the_time_base_and_the_plan():
    low, high = (
        prepare(toy_sites(), toy_layers(), parameters={"level": level})
        for level in ("low", "high")
    )
    assert low.attrs["siteselect"]["prepare"]["cost_level"] == "low"
    table = columns()
    money = table.index[table["unit"].str.startswith("USD per")]
    money = [name for name in money if name.endswith(("usd", "per_mw"))]
    known = ["w", "m", "n"]
    assert len(money) > 10
    for name in money:
        a, b, c = (frame.loc[known, name] for frame in (low, READY, high))
        if b.notna().any():
            assert (a <= b).all() & (b <= c).all(), name
    same = [name for name in table.index if table.at[name, "group"] != "cost"]
    assert_frame_equal(low[same], READY[same])
    assert_frame_equal(high[same], READY[same])
    mixed = {"level": "high", "acres_per_mw": 0.4}
    mixed = prepare(toy_sites(), toy_layers(), parameters=mixed)
    # 1,524,600 USD per acre at the high level, the acres as they were set
    assert mixed.loc["n", "land_usd_per_mw"] == pytest.approx(0.4 * 1_524_600)
    with pytest.raises(StudyError, match='"low", "mid" or "high"'):
        prepare(toy_sites(), toy_layers(), parameters={"level": "lowest"})


def test_fiber_goes_to_two_places():
    assert READY.loc["w", "fiber_km"] == pytest.approx(5.55, abs=0.01)
    assert READY.loc["w", "fiber_second_km"] > 250
    layers = toy_layers()
    layers["fiber"] = layers["fiber"].iloc[[0]]
    ready = prepare(toy_sites(), layers)
    assert (ready["fiber_km"] == ready["fiber_second_km"]).all()


def test_the_users_own_columns_are_kept_and_used():
    sites = toy_sites()
    sites["price_usd_per_mwh"] = 50.0
    sites["pue"] = 1.10
    layers = toy_layers()
    ready = prepare(sites, layers)
    assert (ready["price_usd_per_mwh"] == 50.0).all()
    assert ready["energy_mwh_per_mw_year"].to_numpy() == pytest.approx(
        8760 * 0.8 * 1.10 / 1.3
    )
    assert ready.attrs["siteselect"]["prepare"]["kept"] == ["price_usd_per_mwh", "pue"]


def test_a_layer_is_not_needed_for_columns_the_user_brings():
    sites = toy_sites()
    sites["fiber_km"] = 3.0
    sites["fiber_second_km"] = 4.0
    layers = toy_layers()
    del layers["fiber"]
    assert (prepare(sites, layers)["fiber_usd"] == 59_900 * 1.3 * 7).all()


def test_candidates_that_name_their_substation():
    sites = toy_sites()
    sites["substation"] = ["small", "big", None, "high", "big"]
    ready = prepare(sites, toy_layers())
    assert ready["headroom_mw"].tolist()[:2] == [150.0, 1200.0]
    assert np.isnan(ready.loc["n", "substation_km"])
    assert ready.loc["w", "substation_km"] == pytest.approx(10.2, abs=0.1)
    sites["substation"] = "nowhere"
    with pytest.raises(LayerError, match="nowhere"):
        prepare(sites, toy_layers())


def test_again_gives_the_same_and_other_settings_take_effect():
    again = prepare(READY, toy_layers())
    assert_frame_equal(again, READY)
    other = prepare(READY, toy_layers(), cooling="water chiller, waterside economiser")
    fresh = prepare(
        toy_sites(), toy_layers(), cooling="water chiller, waterside economiser"
    )
    assert_frame_equal(other, fresh)


def test_the_record_is_plain_and_its_loss_is_noticed():
    record = READY.attrs["siteselect"]["prepare"]
    assert json.loads(json.dumps(record)) == record
    lost = READY.copy()
    lost.attrs = {}
    with pytest.raises(LayerError, match="prepared before"):
        prepare(lost, toy_layers())
    made = columns().index.intersection(lost.columns)
    assert_frame_equal(prepare(lost.drop(columns=made), toy_layers()), READY)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(5)))
def test_row_order_does_not_matter(order):
    shuffled = prepare(toy_sites().iloc[order], toy_layers())
    assert_frame_equal(shuffled, READY.iloc[order])


@pytest.mark.parametrize("crs", ["EPSG:5070", "EPSG:3857"])
def test_any_crs_and_geometry_name(crs):
    sites = toy_sites().to_crs(crs).rename_geometry("shape")
    ready = prepare(sites, toy_layers())
    assert ready.crs == sites.crs
    assert ready.geometry.name == "shape"
    np.testing.assert_allclose(
        ready["lifetime_cost_usd_per_mw"], READY["lifetime_cost_usd_per_mw"]
    )


def test_parcels():
    parcels = toy_sites()
    parcels["geometry"] = shapely.buffer(parcels.geometry.array, 0.01)
    ready = prepare(parcels, toy_layers())
    assert ready["county"].equals(READY["county"])
    assert ready.loc["w", "substation_km"] < READY.loc["w", "substation_km"]


def test_climate_from_rasters(tmp_path):
    layers = toy_layers()
    for name, values in (
        ("temperature", np.arange(12.0)),
        ("humidity", [7.0]),
        ("t_max", [41.0]),
        ("elevation", [500.0]),
    ):
        path = tmp_path / f"{name}.tif"
        bands = np.repeat(np.asarray(values, dtype="float32"), 40 * 80)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=80,
            height=40,
            count=len(values),
            dtype="float32",
            crs="EPSG:4326",
            transform=rasterio.Affine(0.05, 0, -102, 0, -0.05, 41),
        ) as file:
            file.write(bands.reshape(len(values), 40, 80))
        layers[name] = Raster(path, tuple(range(1, len(values) + 1)), LayerInfo(name))
    ready = prepare(toy_sites(), layers)
    assert (ready["t_mean_c"].iloc[:4] == 5.5).all()
    assert (ready["t_max_c"].iloc[:4] == 41.0).all()
    assert ready["t_min_c"].isna().all()
    assert ready["wetbulb_c"].iloc[:4].between(3.0, 5.6).all()
    assert ready.loc["sea", ["t_mean_c", "wetbulb_c"]].isna().all()
    assert not ready["climate_fallback"].any()
    shore = toy_sites().set_geometry([Point(-97.9, 40.0)] * 5, crs=4326)
    ready = prepare(shore, layers)
    assert (ready["t_mean_c"] == 5.5).all()
    assert ready["climate_fallback"].all()


def test_no_rows():
    ready = prepare(toy_sites().iloc[:0], toy_layers())
    assert len(ready) == 0
    assert set(columns().index) <= set(ready.columns)


def test_parameters_reach_the_columns():
    ready = prepare(
        toy_sites(),
        toy_layers(),
        parameters={"peak_ratio": 1.2, "voltage_cap_345kv_mw": 1000},
    )
    assert ready.loc["w", "capacity_mw"] == 1000
    assert (ready["peak_ratio"].dropna() == 1.2).all()
    record = ready.attrs["siteselect"]["prepare"]
    assert record["parameters"] == {"peak_ratio": 1.2, "voltage_cap_345kv_mw": 1000.0}


@pytest.mark.parametrize("name", NEEDED)
def test_missing_layer_is_named_with_the_call_that_mends_it(name):
    layers = toy_layers()
    del layers[name]
    with pytest.raises(LayerError, match=rf"datasets\.load\({name!r}\)"):
        prepare(toy_sites(), layers)


def test_all_missing_layers_are_named_at_once():
    with pytest.raises(LayerError) as caught:
        prepare(toy_sites(), {})
    for name in NEEDED:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "column"),
    [
        ("counties", "county"),
        ("substations", "voltage_kv"),
        ("substations", "hosting_capacity_mw"),
        ("climate_zones", "iecc_zone"),
        ("water_stress", "water_available_m3_per_year"),
        ("state_energy", "price_usd_per_mwh"),
        ("population", "home_value_usd"),
        ("population_points", "population"),
    ],
)
def test_missing_column_names_layer_and_column(layer, column):
    layers = toy_layers()
    layers[layer] = layers[layer].drop(columns=column)
    with pytest.raises(LayerError, match=f"(?s){layer}.*{column}"):
        prepare(toy_sites(), layers)


def test_bad_layers_are_refused():
    layers = toy_layers()
    layers["substations"].loc[0, "hosting_capacity_mw"] = -5.0
    with pytest.raises(LayerError, match="negative"):
        prepare(toy_sites(), layers)
    layers = toy_layers()
    layers["substations"]["substation"] = "same"
    with pytest.raises(LayerError, match="repeats same"):
        prepare(toy_sites(), layers)
    layers = toy_layers()
    layers["climate_zones"]["county"] = "05001"
    with pytest.raises(LayerError, match="repeat: 05001"):
        prepare(toy_sites(), layers)
    layers = toy_layers()
    layers["water_stress"]["county"] = [5001, 5002, 48001, 48002]
    with pytest.raises(LayerError, match="numbers"):
        prepare(toy_sites(), layers)
    layers = toy_layers()
    layers["state_energy"]["price_usd_per_mwh"] = ["cheap", "dear"]
    with pytest.raises(LayerError, match="cheap, dear"):
        prepare(toy_sites(), layers)
    layers = toy_layers()
    layers["counties"] = pd.DataFrame(layers["counties"])
    with pytest.raises(LayerError, match="'counties'"):
        prepare(toy_sites(), layers)
    layers = toy_layers()
    layers["temperature"] = layers["counties"]
    with pytest.raises(LayerError, match="raster"):
        prepare(toy_sites(), layers)


def test_bad_candidates_are_refused():
    with pytest.raises(CRSError, match="CRS"):
        prepare(toy_sites().set_crs(None, allow_override=True), toy_layers())
    with pytest.raises(CRSError, match="look like degrees"):
        prepare(toy_sites().set_crs(5070, allow_override=True), toy_layers())
    twice = toy_sites()
    twice.index = ["a", "a", "b", "c", "d"]
    with pytest.raises(LayerError, match="repeats a"):
        prepare(twice, toy_layers())
    hole = toy_sites()
    hole.loc["w", "geometry"] = None
    with pytest.raises(LayerError, match="no geometry: w"):
        prepare(hole, toy_layers())
    with pytest.raises(LayerError, match="DataFrame"):
        prepare(pd.DataFrame(toy_sites()), toy_layers())
    own = toy_sites()
    own["price_usd_per_mwh"] = "cheap"
    with pytest.raises(LayerError, match="price_usd_per_mwh"):
        prepare(own, toy_layers())
    own = toy_sites()
    own["headroom_mw"] = -1.0
    with pytest.raises(LayerError, match="negative"):
        prepare(own, toy_layers())


@pytest.mark.parametrize(
    ("column", "value", "noun"),
    [
        ("county", 48001, "numbers"),
        ("pue", 0.9, "below 1"),
        ("peak_ratio", 0.5, "below 1"),
        ("pue", np.inf, "finite"),
        ("fiber_km", -1.0, "negative"),
        ("substation_km", -0.1, "negative"),
        ("tax_usd_per_mw_year", -5.0, "negative"),
        ("water_main_km", -2.0, "negative"),
        ("water_main_km", 1e6, "half the globe"),
        ("cost_usd_per_mw", -1e6, "negative"),
        ("wue_l_per_kwh", -1.0, "negative"),
        ("wue_high_l_per_kwh", -1.0, "negative"),
        ("carbon_kg_per_mwh", -1.0, "negative"),
        ("price_usd_per_mwh", -5.0, "negative"),
        ("price_usd_per_mwh", np.inf, "finite"),
        ("capacity_mw", -1.0, "negative"),
        ("population_10km", -1.0, "negative"),
        ("clean_share_2015", 7.0, "0 to 1"),
        ("clean_share_2015", -0.1, "0 to 1"),
        ("hours_over_24_share", 1.01, "0 to 1"),
        ("pue_low", 0.99, "below 1"),
    ],
)
def test_own_columns_that_cannot_be_are_refused(column, value, noun):
    own = toy_sites()
    own[column] = value
    with pytest.raises(LayerError, match=noun) as caught:
        prepare(own, toy_layers())
    assert repr(column) in str(caught.value)


def test_the_rows_of_a_figure_that_cannot_be_are_named():
    own = toy_sites()
    own["carbon_kg_per_mwh"] = [0.0, np.nan, -1.0, 300.0, -2.0]
    with pytest.raises(LayerError, match=r"2 rows are negative: n, sea\. 0 or more"):
        prepare(own, toy_layers())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pue", 1.0),
        ("peak_ratio", 1.0),
        ("wue_l_per_kwh", 0.0),
        ("carbon_kg_per_mwh", 0.0),
        ("price_usd_per_mwh", 0.0),
        ("clean_share_2015", 0.0),
        ("clean_share_2015", 1.0),
        ("headroom_mw", 0.0),
        ("t_min_c", -40.0),
        ("elevation_m", -80.0),
        ("price_usd_per_mwh", np.nan),
    ],
)
def test_own_columns_at_the_end_of_what_can_be_are_kept(column, value):
    own = toy_sites()
    own[column] = value
    ready = prepare(own, toy_layers())
    np.testing.assert_array_equal(ready[column], own[column])
    follows = {
        "wue_l_per_kwh": "water_m3_per_mw_year",
        "price_usd_per_mwh": "power_usd_per_mw",
    }
    if column in follows:
        # Except at sea, where other figures are unknown.
        np.testing.assert_array_equal(ready[follows[column]][:4], own[column][:4])


def test_bad_settings_are_refused():
    with pytest.raises(StudyError, match="peak_ration"):
        prepare(toy_sites(), toy_layers(), parameters={"peak_ration": 1})
    with pytest.raises(StudyError, match="Cooling system"):
        prepare(toy_sites(), toy_layers(), cooling="ice")
    with pytest.raises(StudyError, match="mapping"):
        prepare(toy_sites(), [toy_layers()])
