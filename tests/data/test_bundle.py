"""The committed bundle: complete, honest about itself, and of plausible size.

Reads the files of ``data/`` only. Known figures come from the agencies named beside
them; the bands are wide where the bundle models or shares out.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
CATALOG: dict[str, dict[str, Any]] = tomllib.loads(
    (DATA / "catalog.toml").read_text("utf-8")
)["layers"]

RASTERS = sorted(n for n, e in CATALOG.items() if e["kind"] == "raster")
VECTORS = sorted(
    n for n, e in CATALOG.items() if e["kind"] in ("points", "lines", "polygons")
)
TABLES = sorted(n for n, e in CATALOG.items() if e["kind"] == "table")
TRADES = [
    "electricians", "plumbers", "hvac_mechanics", "line_workers",
    "telecom_line_workers", "electrical_engineers", "network_administrators",
    "network_architects", "power_plant_operators", "all_occupations",
]  # fmt: skip
BOX = (-125.2, 24.3, -66.5, 49.6)


@cache
def frame(name: str) -> Any:
    path = DATA / CATALOG[name]["file"]
    if CATALOG[name]["kind"] == "table":
        return pd.read_parquet(path)
    return gpd.read_parquet(path)


def sample(name: str, lon: float, lat: float, band: int = 1) -> float:
    with rasterio.open(DATA / CATALOG[name]["file"]) as source:
        return float(next(source.sample([(lon, lat)]))[band - 1])


# ------------------------------------------------------------ the catalog


def test_every_file_is_in_the_catalog_and_every_entry_has_its_file() -> None:
    files = {p.name for p in DATA.iterdir() if p.suffix in (".parquet", ".tif")}
    assert files == {entry["file"] for entry in CATALOG.values()}


def test_the_layers_other_rooms_count_on_are_there() -> None:
    wanted = {
        "states", "counties", "substations", "lines", "plants", "grid_buses",
        "grid_branches", "grid_generators", "grid_dclines", "grid_balance",
        "solar_cf", "wind_cf", "temperature", "precipitation", "humidity", "t_max",
        "t_min", "design_wind", "elevation", "streamflow", "water_stress", "lakes",
        "rivers", "fiber", "cable_landings", "backbone", "workforce", "population",
        "population_points", "cities", "airports", "state_energy", "climate_zones",
    }  # fmt: skip
    assert wanted <= set(CATALOG)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_an_entry_says_what_a_reader_must_know(name: str) -> None:
    entry = CATALOG[name]
    for key in (
        "title", "source", "licence", "attribution", "vintage", "what_was_done",
        "not_this", "file", "sha256",
    ):  # fmt: skip
        assert isinstance(entry[key], str), key
        assert entry[key].strip(), key
    assert entry["evidence"] in ("measured", "modelled", "proxy", "synthetic")
    assert entry["not_this"].startswith("Not ")
    assert entry["packages"]
    assert all("(PyPI)" in p or "(npm)" in p for p in entry["packages"])
    assert "{" not in entry["what_was_done"]
    if entry["kind"] != "table":
        assert entry["crs"] == "EPSG:4326"
        assert entry["resolution_km"] > 0
    if "join" in entry:
        assert entry["join"] in ("counties", "states")


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_file_is_the_one_the_catalog_means(name: str) -> None:
    blob = (DATA / CATALOG[name]["file"]).read_bytes()
    assert hashlib.sha256(blob).hexdigest() == CATALOG[name]["sha256"]
    assert len(blob) == CATALOG[name]["bytes"]


def test_every_named_package_is_pinned_by_hash() -> None:
    pinned = tomllib.loads((DATA / "packages.toml").read_text("utf-8"))["package"]
    known = {f"{p['name']} {p['version']}" for p in pinned}
    assert all(len(p["sha256"]) == 64 for p in pinned)
    used = {p.split(" (")[0] for e in CATALOG.values() for p in e["packages"]}
    assert used == known


def test_the_bundle_is_small() -> None:
    assert sum(p.stat().st_size for p in DATA.iterdir() if p.is_file()) <= 15_000_000


def test_the_readme_lists_every_layer_and_what_is_missing() -> None:
    text = (DATA / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in CATALOG)
    for gap in ("protected land", "flood", "wetlands", "site slope", "seismic",
                "fiber routes", "real substations", "committed loads"):  # fmt: skip
        assert gap in text
    assert "ss.read_layer(" in text


# ------------------------------------------------------- form of the files


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_layer_is_sound(name: str) -> None:
    layer, entry = frame(name), CATALOG[name]
    assert layer.crs == "EPSG:4326"
    assert len(layer) == entry["rows"] > 0
    assert set(layer.columns) - {"geometry"} == set(entry["units"])
    assert layer.geometry.is_valid.all()
    assert not layer.geometry.is_empty.any()
    assert layer.geometry.notna().all()
    kinds = {
        "points": {"Point"},
        "lines": {"LineString"},
        "polygons": {"Polygon", "MultiPolygon"},
    }
    assert set(layer.geom_type) <= kinds[entry["kind"]]
    west, south, east, north = layer.total_bounds
    if name not in ("lakes", "rivers"):  # those reach into Canada and Mexico
        assert west >= BOX[0]
        assert south >= BOX[1]
        assert east <= BOX[2]
        assert north <= BOX[3]
    if "id_column" in entry:
        assert layer[entry["id_column"]].is_unique
        assert layer[entry["id_column"]].notna().all()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_sound(name: str) -> None:
    table, entry = frame(name), CATALOG[name]
    assert len(table) == entry["rows"] > 0
    assert set(table.columns) == set(entry["units"])
    if "id_column" in entry:
        assert table[entry["id_column"]].is_unique
    if "join" in entry:
        base = frame(entry["join"])
        key = CATALOG[entry["join"]]["id_column"]
        assert set(table[key]) == set(base[key])


@pytest.mark.parametrize("name", VECTORS + TABLES)
def test_numbers_are_finite_or_missing(name: str) -> None:
    numbers = frame(name).select_dtypes("number")
    assert not np.isinf(numbers.to_numpy("float64")).any()


@pytest.mark.parametrize("name", RASTERS)
def test_a_raster_is_a_cloud_optimized_geotiff(name: str) -> None:
    entry = CATALOG[name]
    path = DATA / entry["file"]
    with rasterio.open(path) as source:
        assert source.crs == "EPSG:4326"
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.descriptions == tuple(entry["bands"])
        assert source.units == tuple(entry["units"][b] for b in entry["bands"])
        assert set(entry["bands"]) == set(entry["units"])
        assert (source.count, *source.shape) == tuple(entry["shape"])
        assert source.dtypes[0] == "float32"
        assert np.isnan(source.nodata)
        assert source.profile["tiled"]
        if max(source.shape) > 512:
            assert source.overviews(1)
    head = path.read_bytes()[:512]
    assert b"LAYOUT=IFDS_BEFORE_DATA" in head


# -------------------------------------------------------------- boundaries


def test_states_and_counties() -> None:
    states, counties = frame("states"), frame("counties")
    assert len(states) == 49
    assert "DC" in set(states["state"])
    assert len(counties) == 3108
    assert set(counties["state"]) == set(states["state"])
    assert counties["county"].str.fullmatch(r"\d{5}").all()
    # Land and inland water of the 48 states and DC: 8.08 million km2 (Census),
    # of which the Great Lakes and the sea are cut off here.
    area = counties.to_crs(5070).area
    assert 7.7e6 < area.sum() / 1e6 < 8.1e6
    assert (area > 1e6).all()


def test_counties_tile_their_state() -> None:
    counties, states = frame("counties").to_crs(5070), frame("states").to_crs(5070)
    summed = counties.area.groupby(counties["state"]).sum()
    whole = states.set_index("state").area
    assert ((summed - whole).abs() / whole).max() < 0.005


# -------------------------------------------------------------------- grid


def test_the_synthetic_network_has_the_published_size() -> None:
    buses, branches = frame("grid_buses"), frame("grid_branches")
    assert len(buses) == 82_071
    assert len(branches) == 104_192
    assert len(frame("grid_generators")) == 14_050
    assert len(frame("grid_dclines")) == 17
    load = buses.groupby("interconnection")["load_mw"].sum() / 1e3
    assert load.round().to_dict() == {"Eastern": 595, "Texas": 67, "Western": 151}
    numbers = set(buses["bus"])
    for table in (branches, frame("grid_dclines")):
        assert set(table["from_bus"]) | set(table["to_bus"]) <= numbers
    assert set(frame("grid_generators")["bus"]) <= numbers
    assert (branches["x_pu"] != 0).all()
    assert not (branches["rating_mva"] <= 0).any()
    assert branches["rating_mva"].isna().sum() == 22_052


def test_substations_sum_up_their_buses() -> None:
    subs, buses = frame("substations"), frame("grid_buses")
    assert len(subs) == 41_083
    assert set(subs["substation"]) == set(buses["substation"])
    assert subs["load_mw"].sum() == pytest.approx(buses["load_mw"].sum(), rel=1e-3)
    assert subs["generation_mw"].sum() == pytest.approx(
        frame("grid_generators")["p_max_mw"].sum(), rel=1e-3
    )
    assert set(subs["interconnection"]) == {"Eastern", "Western", "Texas"}
    # Only offshore wind has no state.
    assert subs["state"].isna().sum() < 100
    assert set(frame("lines")["from_substation"]) <= set(subs["substation"])
    assert set(frame("plants")["substation"]) <= set(subs["substation"])
    assert (frame("lines")["voltage_kv"] >= 100).all()


def test_hosting_capacity_is_filled_and_of_the_known_size() -> None:
    subs = frame("substations")
    low = subs["voltage_kv"] < 100
    assert subs.loc[low, "hosting_capacity_mw"].isna().all()
    known = subs.loc[~low].groupby("interconnection")["hosting_capacity_mw"]
    assert (known.apply(lambda c: c.isna().mean()) < 0.02).all()
    median = known.median()
    # A prototype on fewer branches had medians of 319, 207 and 234 MW per bus.
    for name in ("Texas", "Western", "Eastern"):
        assert 150 < median[name] < 450
    assert (subs["hosting_capacity_mw"].dropna() >= 0).all()
    by_kv = subs.groupby("voltage_kv")["hosting_capacity_mw"].median()
    assert by_kv[138.0] < by_kv[230.0] < by_kv[345.0] < by_kv[500.0]


def test_county_balance_of_2015() -> None:
    balance = frame("grid_balance")
    # EIA 2015: 4,078 TWh generated in the US = 465 GW, 3,759 TWh sold = 429 GW.
    assert balance["generation_mw"].sum() == pytest.approx(465e3, rel=0.02)
    assert balance["demand_mw"].sum() == pytest.approx(429e3, rel=0.05)
    assert np.allclose(
        balance["balance_mw"],
        balance["generation_mw"] - balance["demand_mw"],
        atol=0.01,
    )


# ----------------------------------------------------------------- climate

RANGES = {
    "solar_cf": (0.10, 0.35), "wind_cf": (0.0, 0.7), "humidity": (2, 20),
    "t_max": (20, 55), "t_min": (-60, 20), "design_wind": (30, 75),
    "temperature": (-32, 40), "precipitation": (0, 700), "elevation": (-91, 4400),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(RANGES))
def test_climate_values_are_in_range(name: str) -> None:
    low, high = RANGES[name]
    with rasterio.open(DATA / CATALOG[name]["file"]) as source:
        values = source.read()
    assert low <= np.nanmin(values)
    assert np.nanmax(values) <= high


def test_climate_at_known_places() -> None:
    denver, phoenix, miami = (-104.9, 39.74), (-112.07, 33.45), (-80.25, 25.8)
    assert sample("elevation", *denver) == pytest.approx(1600, abs=60)
    rain = [sample("precipitation", *phoenix, band=b) for b in range(1, 13)]
    assert sum(rain) == pytest.approx(232, rel=0.1)  # mm a year
    warm = [sample("temperature", *miami, band=b) for b in range(1, 13)]
    assert np.mean(warm) == pytest.approx(25, abs=1.0)
    assert warm[6] > warm[0]
    assert sample("solar_cf", *phoenix) > sample("solar_cf", -72.6, 44.3) + 0.05
    assert sample("t_max", *phoenix) > 45


def test_coastal_cells_are_filled_a_little() -> None:
    counties = frame("counties")
    inside = counties.representative_point()
    where = list(zip(inside.x, inside.y, strict=True))
    for name in RASTERS:
        with rasterio.open(DATA / CATALOG[name]["file"]) as source:
            value = np.array([v[0] for v in source.sample(where)])
        assert np.isnan(value).sum() <= 5, name


# ------------------------------------------------------------------- water


def largest(name: str, lon: float, lat: float, reach: float = 0.4) -> float:
    with rasterio.open(DATA / CATALOG[name]["file"]) as source:
        window = source.window(lon - reach, lat - reach, lon + reach, lat + reach)
        return float(np.nanmax(source.read(1, window=window)))


def test_rivers_carry_about_what_they_should() -> None:
    # USGS long-term means: Columbia at The Dalles about 5,400 m3/s, Potomac at
    # Washington about 320, Mississippi at Vicksburg about 17,500 (Fu's curve is too
    # wet in the middle of the country: see the catalog).
    assert largest("streamflow", -121.2, 45.6) == pytest.approx(5400, rel=0.15)
    assert largest("streamflow", -77.1, 38.95) == pytest.approx(320, rel=0.3)
    assert 17_500 < largest("streamflow", -90.9, 32.3) < 30_000
    assert frame("rivers")["flow_m3_s"].max() > 17_500


def test_withdrawals_and_stress() -> None:
    water = frame("water_stress").set_index("county")
    # USGS 2015: 281 bgd fresh withdrawals less 96 of thermoelectric plants = 185.
    mgd = water["withdrawal_m3_per_year"].sum() / (3785.411784 * 365.25)
    assert mgd == pytest.approx(184_000, rel=0.02)
    assert water["stress"].isna().sum() == 0
    assert (water["supply_routed_m3_per_year"] >= 0.999 * water[
        "supply_local_m3_per_year"]).all()  # fmt: skip
    assert (water["stress"] <= 1.001 * water["stress_local"]).all()
    assert (water["water_available_m3_per_year"] >= 0).all()
    assert water["groundwater_share"].dropna().between(0, 1).all()
    rules = CATALOG["water_stress"]["parameters"]
    local = water["supply_local_m3_per_year"].astype("float64")
    usable = local + rules["routed_share"] * (
        water["supply_routed_m3_per_year"] - local
    )
    free = rules["usable_share"] * usable - water["withdrawal_m3_per_year"]
    assert np.allclose(
        water["water_available_m3_per_year"], free.clip(lower=0), rtol=2e-3, atol=1e5
    )
    # Maricopa lives on imported water and wells, Grant County on the Columbia.
    assert water.loc["04013", "stress"] > 1
    assert water.loc["53025", "stress_local"] > 5 > water.loc["53025", "stress"]
    state = frame("counties").set_index("county")["state"].loc[water.index]
    total = water.groupby(state)[["withdrawal_m3_per_year", "supply_local_m3_per_year"]]
    ratio = total.sum().agg(lambda row: row.iloc[0] / row.iloc[1], axis=1)
    assert ratio.sort_values().index[-1] == "AZ"
    assert {"CA", "NV", "ID", "UT", "CO"} == set(ratio.sort_values().index[-6:-1])


def test_the_great_salt_lake_and_lake_michigan_are_lakes() -> None:
    lakes = frame("lakes")
    for lon, lat in ((-112.5, 41.1), (-87.0, 43.5)):
        assert lakes.intersects(gpd.points_from_xy([lon], [lat])[0]).any()


# ------------------------------------------------------------------ people


def test_population() -> None:
    people = frame("population")
    # Census ACS 2018-2022: 331.1 million in the US, 329 without Alaska and Hawaii.
    assert people["population"].sum() == pytest.approx(329e6, rel=0.01)
    assert frame("population_points")["population"].sum() == pytest.approx(
        people["population"].sum()
    )
    assert people["population"].isna().sum() <= 16
    assert (people["population"].dropna() > 0).all()
    for share in ("bachelors_share", "employed_share"):
        assert people[share].dropna().between(0, 1).all()


def test_cities_and_airports() -> None:
    cities = frame("cities").set_index("city")
    assert cities.loc[["New York City"], "population"].max() > 8e6
    assert (cities["population"] >= 5000).all()
    assert {"ATL", "DFW", "ORD", "IAD", "SEA"} <= set(frame("airports")["airport"])


def test_fiber() -> None:
    fiber = frame("fiber")
    assert fiber["n_carriers"].between(1, 6).all()
    count = fiber["carriers"].str.split(";").map(len)
    assert (count == fiber["n_carriers"]).all()
    links = frame("backbone")
    places = set(fiber["place"])
    assert set(links["from_place"]) | set(links["to_place"]) <= places
    assert len(frame("cable_landings")) == 32


def test_climate_zones_and_prices() -> None:
    zones = frame("climate_zones").set_index("county")["iecc_zone"]
    known = {"04013": "2B", "12086": "1A", "27053": "6A", "53033": "4C", "48113": "3A"}
    assert zones[list(known)].to_dict() == known
    energy = frame("state_energy").set_index("state")
    assert energy["price_usd_per_mwh"].between(40, 200).all()
    assert list(energy.index[energy["price_basis"] != "EIA 2023"]) == ["WY"]
    assert energy["carbon_kg_per_mwh"].between(0, 1000).all()
    assert energy.loc["WV", "carbon_kg_per_mwh"] > energy.loc["WA", "carbon_kg_per_mwh"]
    # Hydro in Washington, nuclear in South Carolina, coal in West Virginia.
    clean = energy["clean_share_2015"]
    assert clean.between(0, 1).all()
    assert clean["WA"] > 0.75
    assert 0.5 < clean["SC"] < 0.65
    assert clean["WV"] < 0.1


# --------------------------------------------------------------- workforce


def published(kind: str) -> pd.DataFrame:
    totals = frame("workforce_totals")
    return totals[totals["kind"] == kind]


@pytest.mark.parametrize("trade", TRADES)
def test_counties_add_up_to_the_published_state_totals(trade: str) -> None:
    jobs = frame("workforce").groupby("state")[trade].sum(min_count=1)
    total = published("state").set_index("state")[trade].dropna()
    assert ((jobs[total.index] - total).abs() / total).max() < 1e-3


@pytest.mark.parametrize("trade", TRADES)
def test_counties_add_up_to_the_published_metro_totals(trade: str) -> None:
    """Up to the jobs that the source counts in a state, but in no area of it."""
    jobs = frame("workforce").dropna(subset="metro").groupby("metro")[trade].sum()
    total = published("metro").set_index("area")[trade].dropna()
    total = total[total.index.intersection(jobs.index)]
    ratio = jobs[total.index] / total
    assert len(ratio) > 100
    assert 1.0 <= ratio.median() < 1.07
    assert ratio.between(0.99, 1.25).all()
    if trade == "all_occupations":
        assert ratio.between(1.0, 1.06).all()


def test_counties_add_up_to_the_published_nonmetropolitan_totals() -> None:
    rest = frame("workforce")
    rest = rest[rest["metro"].isna() & (rest["state"] != "CT")]
    jobs = rest.groupby("state")["all_occupations"].sum()
    total = published("nonmetro").groupby("state")["all_occupations"].sum()
    total = total[total.index.intersection(jobs.index)]
    assert (jobs[total.index] / total).between(1.0, 1.06).all()


def test_what_the_bureau_withholds_is_unknown_and_never_zero() -> None:
    totals, work = frame("workforce_totals"), frame("workforce")
    assert totals[TRADES].isna().any().any()
    assert not (totals[TRADES] == 0).any().any()
    assert not (work[TRADES] == 0).any().any()
    # Missouri's figure is withheld, and so is that of its counties outside metros.
    missouri = work[(work["state"] == "MO") & work["metro"].isna()]
    assert missouri["power_plant_operators"].isna().all()
    assert work["withheld"].str.contains("power_plant_operators").any()


def test_workforce_sits_where_people_live() -> None:
    work, counties = frame("workforce"), frame("counties")
    folded = frame("population").set_index("county")["population"].isna()
    assert folded.sum() == 16
    assert set(work["county"]) == set(counties["county"]) - set(folded.index[folded])
    assert work["population"].notna().all()
    # BLS, May 2025: 155.5 million jobs in the nation.
    assert work["all_occupations"].sum() == pytest.approx(155e6, rel=0.01)
    rate = work["all_occupations"] / work["population"]
    assert rate.dropna().between(0.1, 1.2).all()
    own = counties.set_index("county").geometry.loc[work["county"]].to_crs(5070)
    off = own.distance(gpd.GeoSeries(work.geometry.array, own.index, 4326).to_crs(5070))
    assert (off < 20e3).mean() > 0.999
    pay = work[[f"{t}_wage_usd" for t in TRADES]]
    assert pay.min().min() > 20_000
    assert pay.max().max() < 300_000


# --------------------------------------------------------------- rebuilding


def writers_differ() -> str:
    """Name a library whose version is not the one that wrote the bundle."""
    for line in (DATA / "build-requirements.txt").read_text("utf-8").splitlines():
        name, _, version = line.partition("==")
        if version and importlib.metadata.version(name) != version:
            return name
    return ""


@pytest.mark.slow
def test_a_second_build_gives_the_same_bytes(tmp_path: Path) -> None:
    if not (ROOT / ".downloads").exists():
        pytest.skip("the packages are not downloaded: run data/build.py")
    if name := writers_differ():
        pytest.skip(f"the bundle was written with another version of {name}")
    names = ["states", "climate_zones", "wind_cf", "water_stress", "fiber", "workforce"]
    command = [sys.executable, str(DATA / "build.py"), "--out", str(tmp_path)]
    for name in names:
        command += ["--only", name]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    for name in names:
        file = CATALOG[name]["file"]
        assert (tmp_path / file).read_bytes() == (DATA / file).read_bytes(), name
