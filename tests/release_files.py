"""One small file for every reader of `siteselect.releases`, in the published form."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import rasterio
from published import (
    basins,
    boxes,
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
    """Return the layers of the readers that take maps."""
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


def one_of_each(folder):
    """Write one small file for each reader; return reader and path."""
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
    """Call a reader with what else it needs."""
    more = dict(MORE.get(reader, {}))
    if reader == "eia860_generators":
        more["plants"] = dict(files)["eia860_plants"]
    return getattr(ss.releases, reader)(path, **more)
