"""Every reader takes its own file, and refuses that of every other release."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from published import (
    basins,
    boxes,
    html_page,
    risk_counties,
    substations,
    table,
    transmission_lines,
    workbook,
)

import siteselect as ss

#: What a reader needs besides the file.
MORE = {"oews": {"occupations": "47-2111"}, "aqueduct_future": {"year": 2030}}
TEXT = {
    "national_risk_index": "STCOFIPS,RISK_SCORE,RISK_RATNG\n1001,5,Low\n",
    "lbnl_queue": "q_id,q_status,state,type_clean,mw1\n1,active,TX,Wind,9\n",
    "rev_supply_curve": "sc_gid,latitude,longitude,capacity,mean_cf\n1,32,-97,9,0.4\n",
    "nsrdb_points": "Source,Location ID,Latitude,Longitude\nNSRDB,1,32,-97\n"
    "Year,Month,Day,Hour,Minute,GHI\n" + "2022,1,1,0,0,200\n" * 8760,
    "wtk_points": "SiteID,1,Longitude,-97,Latitude,32\n"
    "Year,Month,Day,Hour,Minute,wind speed at 100m (m/s)\n"
    + "2012,1,1,0,0,8\n" * 8760,
    "fcc_broadband": "provider_id,location_id,technology,"
    "max_advertised_download_speed,block_geoid\n1,1,50,100,480010001001000\n",
    "qcew": "area_fips,own_code,industry_code,year,qtr,disclosure_code,"
    "annual_avg_estabs,annual_avg_emplvl,annual_avg_wkly_wage\n"
    "48001,0,10,2024,A,,9,90,1000\n",
    "usgs_water_use": "a title\nSTATE,COUNTY,FIPS,TP-TotPop,PS-Wtotl,IN-Wtotl,IR-WFrTo,"
    "TO-Wtotl\nTX,Anderson,48001,57.7,1,2,3,6\n",
    "usgs_seismic": "lat,lon,SS,S1\n34,-118,1.9,0.7\n",
    "peeringdb_facilities": json.dumps(
        {"data": [{"id": 1, "name": "A", "country": "US", "latitude": 32.0,
                   "longitude": -97.0}]}
    ),
}  # fmt: skip
BOOKS = {
    "eia860_plants": {
        "Plant": [
            ["Form EIA-860 Data"],
            ["Plant Code", "Plant Name", "State", "Latitude", "Longitude"],
            [3, "Barry", "AL", 31.0, -88.0],
        ]
    },
    "eia860_generators": {
        "Operable": [
            ["Form EIA-860 Data"],
            ["Plant Code", "Generator ID", "Prime Mover", "Energy Source 1", "Status",
             "Nameplate Capacity (MW)"],
            [3, "1", "ST", "NG", "OP", 153.1],
        ]
    },
    "eia861_prices": {
        "States": [
            [None] * 4 + ["RESIDENTIAL", None, "COMMERCIAL", None, "INDUSTRIAL", None],
            [None] * 4 + ["Revenues", "Sales"] * 3,
            ["Utility Number", "Utility Name", "Part", "State"]
            + ["Thousand Dollars", "Megawatthours"] * 3,
            [1, "A", "A", "TX", 1, 10, 1, 10, 1, 10],
        ]
    },
    "oews": {
        "All data": [
            ["AREA", "AREA_TITLE", "AREA_TYPE", "OCC_CODE", "OCC_TITLE", "TOT_EMP",
             "H_MEAN", "A_MEAN", "A_MEDIAN"],
            ["10180", "Abilene", 4, "47-2111", "Electricians", 480, 25, 52000, 50000],
        ]
    },
}  # fmt: skip


def maps():
    zone = {"FLD_ZONE": ["AE"], "SFHA_TF": ["T"]}
    return {
        "hifld_substations": substations(),
        "hifld_transmission_lines": transmission_lines(),
        "aqueduct_baseline": basins(),
        "aqueduct_future": gpd.GeoDataFrame(
            {"pfaf_id": [1], "bau30_ws_x_r": [0.4]}, geometry=boxes(1)
        ),
        "national_risk_index": risk_counties(),
        "fema_flood_zones": gpd.GeoDataFrame(zone, geometry=boxes(1)),
        "padus": gpd.GeoDataFrame({"GAP_Sts": ["2"]}, geometry=boxes(1)),
        "usgs_watersheds": gpd.GeoDataFrame(
            {"huc8": ["12080002"], "name": ["x"]}, geometry=boxes(1)
        ),
        "submarine_cables": transmission_lines()[["ID", "geometry"]].assign(color="#1"),
        "cable_landings": substations()[["ID", "NAME", "geometry"]].assign(is_tbd=None),
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write one small file for each reader; return reader, path and kind."""
    folder = tmp_path_factory.mktemp("releases")
    found = []
    for reader, text in TEXT.items():
        suffix = "json" if reader.startswith("peering") else "csv"
        found.append((reader, table(folder / f"{reader}.{suffix}", text)))
    for reader, sheets in BOOKS.items():
        found.append((reader, workbook(folder / f"{reader}.xlsx", sheets)))
    for reader, frame in maps().items():
        path = folder / f"{reader}.gpkg"
        frame.to_file(path)
        found.append((reader, path))
    for reader, cells in (
        ("nlcd", np.array([[82, 11]], dtype="uint8")),
        ("dem_3dep", np.array([[211.5, 3.0]], dtype="float32")),
    ):
        path = folder / f"{reader}.tif"
        with rasterio.open(
            path, "w", width=2, height=1, count=1, dtype=cells.dtype, nodata=0,
            crs=4326, transform=rasterio.Affine(0.5, 0, -97, 0, -0.5, 33),
        ) as out:  # fmt: skip
            out.write(cells[None])
        found.append((reader, path))
    return found


READERS = sorted(set(ss.sources().index) - {"hosting_capacity"})


def read(reader, path, files):
    more = dict(MORE.get(reader, {}))
    if reader == "eia860_generators":
        more["plants"] = dict(files)["eia860_plants"]
    return getattr(ss.releases, reader)(path, **more)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_takes_its_own_file_and_no_other(reader, step, files):
    own = [path for name, path in files if name == reader]
    assert own
    for path in own:
        layer = read(reader, path, files)
        assert ss.layer_info(layer).name == reader
    # Elevations in whole meters may be codes of land cover, and the other way round.
    alike = {"nlcd", "dem_3dep"}
    # By default every fourth other file, another fourth for each reader.
    for name, path in files[READERS.index(reader) % step :: step]:
        if name == reader or ({name, reader} == alike and reader == "dem_3dep"):
            continue
        with pytest.raises(ss.LayerError) as caught:
            read(reader, path, files)
        message = str(caught.value)
        assert len(re.findall(r"[.?] (?=\S)|[.?]$", message)) >= 4, message


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_refuses_a_web_page_and_an_empty_file(reader, files, tmp_path):
    for name, path in files:
        if name != reader:
            continue
        page = html_page(tmp_path, path.name)
        with pytest.raises(ss.LayerError, match="web page"):
            read(reader, page, files)
        page.write_bytes(b"")
        with pytest.raises(ss.LayerError, match="empty"):
            read(reader, page, files)
        page.unlink()
        with pytest.raises(ss.LayerError, match=re.escape(path.name)):
            read(reader, page, files)
