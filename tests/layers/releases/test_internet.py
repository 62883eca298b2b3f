"""Facilities, broadband and cables."""

from __future__ import annotations

import json
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely
from published import bomb, html_page, table

import siteselect as ss

FACILITIES = [
    {"id": 1, "name": "Carrier Hotel", "org_name": "A", "city": "Dallas", "state": "TX",
     "country": "US", "net_count": 150, "ix_count": 4, "carrier_count": 9,
     "latitude": 32.8, "longitude": -96.8, "status": "ok"},
    {"id": 2, "name": "Rechenzentrum", "org_name": "B", "city": "Köln", "state": "",
     "country": "DE", "net_count": 0, "ix_count": 0, "carrier_count": 0,
     "latitude": 50.9, "longitude": 6.9, "status": "ok"},
    {"id": 3, "name": "Nowhere", "org_name": "C", "city": "Waco", "state": "TX",
     "country": "US", "net_count": 2, "ix_count": 0, "carrier_count": 1,
     "latitude": None, "longitude": None, "status": "ok"},
]  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        {"data": FACILITIES, "meta": {}},
        {"fac": {"data": FACILITIES}, "net": {"data": []}},
    ],
)
def test_facilities_of_the_api_and_of_a_daily_copy(tmp_path, told):
    path = table(tmp_path / "peeringdb.json", json.dumps(told))
    with pytest.warns(ss.DataQualityWarning, match="left out: facility 3"):
        layer = ss.releases.peeringdb_facilities(path, country="us")
    assert layer["facility"].tolist() == ["1"]
    assert layer[["networks", "exchanges", "carriers"]].values.tolist() == [[150, 4, 9]]
    with pytest.warns(ss.DataQualityWarning):
        assert len(ss.releases.peeringdb_facilities(path)) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "holds 'list'"),
        ('{"error": "limit"}', "holds"),
        ('{"data": []}', "is empty"),
        ("{", "no JSON"),
        ('{"data": [{"id": 1, "name": "x"}]}', "'country'"),
        (json.dumps({"data": [{**FACILITIES[0], "net_count": "many"}]}), "'net_count'"),
    ],
)
def test_other_json_is_refused(tmp_path, text, words):
    with pytest.raises(ss.LayerError, match=words):
        ss.releases.peeringdb_facilities(table(tmp_path / "a.json", text))


def test_json_that_is_nested_without_end_is_refused(tmp_path):
    path = tmp_path / "fac.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ss.LayerError, match="no JSON"):
        ss.releases.peeringdb_facilities(path)


def test_a_number_no_code_can_be_stays_what_it_is(tmp_path):
    path = tmp_path / "fac.json"
    told = {"id": 1e300, "name": "A", "country": "US", "latitude": 32, "longitude": -97}
    path.write_text(json.dumps({"data": [told]}))
    assert ss.releases.peeringdb_facilities(path)["facility"].tolist() == ["1e+300"]


def test_a_web_page_is_no_json(tmp_path):
    with pytest.raises(ss.LayerError, match="web page"):
        ss.releases.peeringdb_facilities(html_page(tmp_path, "fac.json"))


# --------------------------------------------------------------------- broadband

BDC = (
    "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,"
    "max_advertised_upload_speed,low_latency,business_residential_code,state_usps,"
    "block_geoid,h3_res8_id\n"
)
OFFERS = [
    # provider, location, technology, download, serves, block
    (130077, 1, 50, 2000, "X", "010010001001000"),
    (130077, 1, 50, 1000, "X", "010010001001000"),
    (130228, 1, 50, 5000, "R", "010010001001000"),
    (130228, 2, 50, 1000, "R", "010010001002000"),
    (130403, 3, 40, 1200, "B", "010010002001000"),
    (130403, 4, 40, 300, "B", "480010001001000"),
]


def bdc(offers):
    return BDC + "".join(
        f'0001,{p},"Co, {p}",{place},{tech},{down},20,1,{who},TX,{block},88\n'
        for p, place, tech, down, who, block in offers
    )


def test_places_count_what_is_reported_once(tmp_path):
    half = table(tmp_path / "a.csv", bdc(OFFERS[:3]))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("bdc_b.csv", bdc(OFFERS[3:]))
    whole = table(tmp_path / "whole.csv", bdc(OFFERS))
    counties = ss.releases.fcc_broadband(whole)
    assert counties.equals(ss.releases.fcc_broadband([half, tmp_path / "b.zip"]))
    assert counties.loc["01001"].tolist() == [3, 2, 1, 2, 5000]
    assert counties.loc["48001"].tolist() == [1, 0, 0, 0, 300]
    tracts = ss.releases.fcc_broadband(whole, by="tract")
    assert tracts.loc["01001000100", "fiber_locations"] == 2
    assert tracts["locations"].sum() == 4
    placed = ss.releases.on_places(counties, ss.datasets.load("counties"), "county")
    assert placed["fiber_locations"].notna().sum() == 2


def test_codes_that_lost_their_zeros_find_them_again(tmp_path):
    text = bdc(OFFERS).replace(",010010", ",10010")
    counties = ss.releases.fcc_broadband(table(tmp_path / "a.csv", text))
    assert counties.index.tolist() == ["01001", "48001"]


@pytest.mark.parametrize(
    "block", ["48201100000", "48201", "1", "4.82011E+14", "", "0480010001001000"]
)
def test_what_is_no_block_is_refused(tmp_path, block):
    bad = [*OFFERS, (1, 9, 50, 5, "R", block)]
    with pytest.raises(ss.LayerError, match="'block_geoid'.*15 digits.*line 8"):
        ss.releases.fcc_broadband(table(tmp_path / "a.csv", bdc(bad)))


def test_a_report_without_what_is_counted_is_refused(tmp_path):
    for at, name in enumerate(["provider_id", "location_id", "technology"]):
        bad = [1, 9, 50, 5, "R", "010010001001000"]
        bad[at] = ""
        with pytest.raises(ss.LayerError, match=f"'{name}'.*blank, in line 8"):
            ss.releases.fcc_broadband(table(tmp_path / "a.csv", bdc([*OFFERS, bad])))


def test_offers_that_do_not_say_for_whom_are_not_for_nobody(tmp_path):
    unsaid = [
        # Counties: known business beside unsaid, unsaid alone, no fiber at all.
        (1, 1, 50, 9, "X", "010010001001000"),
        (2, 1, 50, 9, "", "010010001001000"),
        (1, 2, 50, 9, "", "010030001001000"),
        (1, 3, 50, 9, "B", "010030001001000"),
        (1, 4, 40, 9, "", "010050001001000"),
        (1, 5, 50, 9, "R", "010070001001000"),
    ]
    counties = ss.releases.fcc_broadband(table(tmp_path / "a.csv", bdc(unsaid)))
    np.testing.assert_array_equal(
        counties["fiber_business_locations"], [1, np.nan, 0, 0]
    )
    # Nor where no file has the column.
    text = bdc(OFFERS).replace("business_residential_code", "other")
    counties = ss.releases.fcc_broadband(table(tmp_path / "b.csv", text))
    np.testing.assert_array_equal(counties["fiber_business_locations"], [np.nan, 0])
    np.testing.assert_array_equal(counties["fiber_locations"], [2, 0])


def test_other_reports_are_refused(tmp_path):
    read = ss.releases.fcc_broadband
    with pytest.raises(ss.LayerError, match="tract, block are allowed"):
        read(tmp_path / "a.csv", by="state")
    bad = [*OFFERS, (1, 9, "Fiber", 5, "R", "010010001001000")]
    with pytest.raises(ss.LayerError, match="'technology'.*line 8, e.g. 'Fiber'"):
        read(table(tmp_path / "a.csv", bdc(bad)))
    with pytest.raises(ss.LayerError, match="'block_geoid'"):
        read(table(tmp_path / "b.csv", bdc(OFFERS).replace("block_geoid", "block")))
    with pytest.raises(ss.LayerError, match="no rows"):
        read(table(tmp_path / "c.csv", BDC))
    with pytest.raises(ss.LayerError, match="unpacks from"):
        read(bomb(tmp_path, "d.zip", "bdc.csv"))
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("a.csv", BDC)
        archive.writestr("b.csv", BDC)
    with pytest.raises(ss.LayerError, match="holds 2 tables"):
        read(tmp_path / "e.zip")
    (tmp_path / "f.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ss.LayerError, match="damaged"):
        read(tmp_path / "f.zip")


# ------------------------------------------------------------------------ cables


def test_cables_and_landings(tmp_path):
    cables = gpd.GeoDataFrame(
        {"id": ["marea"], "name": ["MAREA"], "color": ["#fff"]},
        geometry=[shapely.MultiLineString([[(-76, 36.8), (-3, 43.4)]])],
        crs=4326,
    )
    cables.to_file(tmp_path / "cable-geo.json", driver="GeoJSON")
    layer = ss.releases.submarine_cables(tmp_path / "cable-geo.json")
    assert layer["cable"].tolist() == ["marea"]
    assert "not for commercial" in ss.layer_info(layer).licence
    # The version before had a slug and no name.
    older = cables.rename(columns={"id": "slug"}).drop(columns="name")
    assert ss.releases.submarine_cables(older)["cable"].tolist() == ["marea"]
    landings = gpd.GeoDataFrame(
        {"id": ["a", "b"], "name": ["A", "B"], "is_tbd": [True, None]},
        geometry=gpd.points_from_xy([-76, -80], [36.8, 26]),
        crs=4326,
    )
    landings.to_file(tmp_path / "landing-point-geo.json", driver="GeoJSON")
    points = ss.releases.cable_landings(tmp_path / "landing-point-geo.json")
    np.testing.assert_array_equal(points["is_unsettled"], [1, np.nan])
    with pytest.raises(ss.LayerError, match="LineString"):
        ss.releases.cable_landings(tmp_path / "cable-geo.json")
