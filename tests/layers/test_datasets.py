"""The bundle as users meet it: the table, one layer, all layers, regions."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
from shapely import Point, box

from siteselect.errors import LayerError
from siteselect.layers import Raster, datasets, layer_info, spatial
from siteselect.layers.crs import registered
from siteselect.layers.info import EVIDENCE


@pytest.fixture(scope="module")
def texas():
    return datasets.region("Texas")


@pytest.fixture(scope="module")
def texan(texas):
    return datasets.load_all(texas)


def test_the_table_says_all_of_every_layer():
    table = datasets.layers()
    assert table.index.is_unique
    assert {"states", "counties", "substations", "solar_cf"} <= set(table.index)
    for column in ("title", "kind", "source", "licence", "not_this", "done"):
        assert (table[column].str.len() > 0).all(), column
    assert table["evidence"].isin(EVIDENCE[:4]).all()


@pytest.mark.parametrize("name", list(datasets.layers().index))
def test_every_layer_loads_and_knows_itself(name):
    layer = datasets.load(name)
    info = layer_info(layer)
    assert info.name == name
    assert info.evidence in EVIDENCE[:4]
    assert info.source
    assert info.licence
    if isinstance(layer, Raster):
        assert set(info.units) >= set(layer.band_names) or info.units
        return
    assert len(layer)
    assert set(info.units) <= set(layer.columns)
    if isinstance(layer, gpd.GeoDataFrame):
        assert layer.crs.to_epsg() == 4326
        assert layer.is_valid.all()


def test_an_area_keeps_what_is_near(texas, texan):
    assert texan["states"]["state"].tolist() == ["TX"]
    assert set(texan["counties"]["state"]) == {"TX"}
    assert len(texan["counties"]) == 254
    everywhere = datasets.load("substations")
    far = ~everywhere["substation"].isin(texan["substations"]["substation"])
    km = spatial.nearest(everywhere, texas).distance_km[:, 0]
    assert (km[far] > 99).all()
    assert (km[~far] < 101).all()
    assert (texan["substations"]["state"] != "TX").any()
    few = datasets.load("substations", texas, margin_km=0)
    assert len(few) == (km == 0).sum()


def test_joined_layers_stand_on_their_polygons(texan):
    stress = texan["water_stress"]
    assert isinstance(stress, gpd.GeoDataFrame)
    assert stress["county"].tolist() == texan["counties"]["county"].tolist()
    assert stress.geometry.equals(texan["counties"].geometry)
    assert {"county", "state", "stress"} <= set(stress.columns)
    whole = datasets.load("water_stress")
    assert len(whole) == len(datasets.load("counties")) == 3108


def test_nothing_near_is_an_error_and_empty_in_load_all():
    europe = gpd.GeoSeries([box(5, 45, 6, 46)], crs=4326)
    with pytest.raises(LayerError, match="(?i:nothing of it lies within) 100 km"):
        datasets.load("substations", europe)


def test_regions_by_name_code_and_list(texas):
    assert len(texas) == 1
    assert texas["region"].iloc[0] == "Texas"
    assert texas.crs.to_epsg() == 4326
    assert datasets.region("tx").geometry.iloc[0].equals(texas.geometry.iloc[0])
    assert datasets.region(" texas ").geometry.iloc[0].equals(texas.geometry.iloc[0])
    both = datasets.region(["OH", "Pennsylvania"])
    parts = [datasets.region(one).geometry.iloc[0].area for one in ("OH", "PA")]
    assert both.geometry.iloc[0].area == pytest.approx(sum(parts))
    whole = datasets.region("CONUS")
    assert whole["region"].iloc[0] == "CONUS"
    assert spatial.containing(
        gpd.GeoSeries([Point(-97, 32), Point(-150, 65)], crs=4326), whole
    ).tolist() == [0, -1]


@pytest.mark.parametrize(
    ("name", "hint"), [("Texsa", "Texas"), ("Alaska", "contiguous"), ("", "allowed")]
)
def test_an_unknown_region_is_refused(name, hint):
    with pytest.raises(LayerError, match=hint):
        datasets.region(name)
    with pytest.raises(LayerError):
        datasets.region([])


def test_an_unknown_layer_names_the_nearest():
    with pytest.raises(LayerError, match="Did you mean 'substations'"):
        datasets.load("substation")


def test_areas_in_any_spelling_give_the_same(texas):
    one = datasets.load("cities", "Texas")
    for area in (texas, texas.geometry, texas.geometry.iloc[0], ["TX"]):
        pd.testing.assert_frame_equal(datasets.load("cities", area), one)
    projected = datasets.load("cities", texas.to_crs(5070))
    assert abs(len(projected) - len(one)) <= 2


def test_layers_of_two_loads_do_not_share_state():
    one = datasets.load("cities")
    one.loc[:, "population"] = 0
    assert (datasets.load("cities")["population"] > 0).any()


def test_a_crs_is_that_of_its_register_wherever_it_has_an_equal_one():
    for given in ("EPSG:4326", "EPSG:5070", "EPSG:2277", "ESRI:102003"):
        crs = pyproj.CRS(given)
        for written in (crs, pyproj.CRS(crs.to_wkt()), pyproj.CRS(crs.to_json())):
            assert registered(written) == written
            assert registered(written).srs == given
    swapped = pyproj.CRS("OGC:CRS84")
    assert registered(pyproj.CRS(swapped.to_wkt())) == swapped != pyproj.CRS(4326)
    own = pyproj.CRS("+proj=aea +lat_1=20 +lat_2=30")
    assert registered(own) is own
    for name in ("airports", "water_stress", "states"):
        assert datasets.load(name, "Rhode Island").crs.srs == "EPSG:4326"
