"""Water use, watersheds, seismic values, land cover and elevation."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from published import boxes, html_page, measured, table, workbook

import siteselect as ss

NAMES = (
    "STATE,STATEFIPS,COUNTY,COUNTYFIPS,FIPS,YEAR,TP-TotPop,PS-Wtotl,DO-WFrTo,IN-Wtotl,"
    "IR-WFrTo,LI-WFrTo,AQ-Wtotl,MI-Wtotl,PT-Wtotl,TO-WGWFr,TO-WSWFr,TO-WFrTo,TO-Wtotl"
)
ROWS = [
    "AL,1,Autauga County,1,01001,2015,55.347,7.8,0.3,--,4.9,0.5,0,N/A,61,20,50,70,70",
    "TX,48,Nolan County,353,48353,2015,15.093,2.5,0.1,0,6.25,0.2,0,1,0,9,2,11,12",
]
TITLE = "Estimated Use of Water in the United States, County-Level Data for 2015"


def test_water_use_as_text_and_as_workbook_is_the_same(tmp_path):
    lines = [TITLE, NAMES, *ROWS]
    path = table(tmp_path / "usco2015v2.0.csv", "\n".join(lines) + "\n")
    book = workbook(
        tmp_path / "usco2015v2.0.xlsx",
        {"usco2015v2.0": [[TITLE], *(line.split(",") for line in lines[1:])]},
    )
    use = ss.releases.usgs_water_use(path)
    assert use.equals(ss.releases.usgs_water_use(book))
    # By hand: a US gallon is 3.785411784 liters.
    np.testing.assert_allclose(
        use["public_supply_m3_per_year"] / (3.785411784e3 * 365), [7.8, 2.5], rtol=1e-12
    )
    assert use.loc["48353", "industrial_m3_per_year"] == 0
    assert np.isnan(use.loc["01001", "industrial_m3_per_year"])
    assert np.isnan(use.loc["01001", "mining_m3_per_year"])
    assert use["population"].round().tolist() == [55347, 15093]
    assert ss.layer_info(use).vintage == "2015"


def test_other_tables_of_water_are_refused(tmp_path):
    read = ss.releases.usgs_water_use
    text = "\n".join([TITLE, NAMES.replace("PS-Wtotl", "PS-WTotal"), *ROWS])
    with pytest.raises(ss.LayerError, match="'PS-Wtotl'.*Did you mean 'PS-WTotal'"):
        read(table(tmp_path / "a.csv", text))
    text = "\n".join([TITLE, NAMES, ROWS[0], ROWS[1].replace(",2.5,", ",wet,")])
    with pytest.raises(ss.LayerError, match="'PS-Wtotl'.*line 4, e.g. 'wet'"):
        read(table(tmp_path / "b.csv", text))
    with pytest.raises(ss.LayerError, match="web page"):
        read(html_page(tmp_path, "c.csv"))


@pytest.mark.parametrize(("was", "now"), [("15.093", "30000"), (",12", ",1e9")])
def test_figures_in_other_units_are_refused(tmp_path, was, now):
    text = "\n".join([TITLE, NAMES, *ROWS]).replace(was, now)
    with pytest.raises(ss.LayerError, match="too large, in line 4"):
        ss.releases.usgs_water_use(table(tmp_path / "a.csv", text))
    text = "lat,lon,SS,S1\n34,-118,197,70\n"
    with pytest.raises(ss.LayerError, match="'SS'.*from 0 to 10 g"):
        ss.releases.usgs_seismic(table(tmp_path / "b.csv", text))


def test_watersheds_of_one_level(tmp_path):
    path = tmp_path / "WBD.gpkg"
    for level, code in ((8, "12080002"), (12, "120800020101"), (2, "12")):
        frame = gpd.GeoDataFrame(
            {f"HUC{level}": [code], "NAME": ["x"], "STATES": ["TX"], "AREASQKM": [9.0]},
            geometry=boxes(1, crs=4269),
        )
        frame.to_file(path, layer=f"WBDHU{level}")
    assert ss.releases.usgs_watersheds(path)["huc"].tolist() == ["12080002"]
    deep = ss.releases.usgs_watersheds(path, level=12)
    assert deep["huc"].tolist() == ["120800020101"]
    assert deep["area_km2"].tolist() == [9]
    with pytest.raises(ss.LayerError, match="'huc6'.*Did you mean"):
        ss.releases.usgs_watersheds(path, level=6, layer="WBDHU8")
    with pytest.raises(ss.LayerError, match="2, 4, 6, 8, 10, 12 are allowed"):
        ss.releases.usgs_watersheds(path, level=7)
    odd = gpd.GeoDataFrame({"huc8": ["1208"], "name": ["x"]}, geometry=boxes(1))
    with pytest.raises(ss.LayerError, match="8 digits.*row 0, e.g. '1208'"):
        ss.releases.usgs_watersheds(odd)
    odd["huc8"] = None
    with pytest.raises(ss.LayerError, match="1 of 1 values are blank"):
        ss.releases.usgs_watersheds(odd)
    odd["huc8"] = 2080002
    assert ss.releases.usgs_watersheds(odd)["huc"].tolist() == ["02080002"]
    odd["huc8"] = "12-80002"
    with pytest.raises(ss.LayerError, match="row 0, e.g. '12-80002'"):
        ss.releases.usgs_watersheds(odd)


@pytest.mark.parametrize(
    "names", ["Latitude,Longitude,SA0P0,SA0P2,SA1P0", "lat,lon,PGA,SS,S1"]
)
def test_seismic_values_of_both_layouts(tmp_path, names):
    path = table(tmp_path / "a.csv", f"{names}\n34.05,-118.25,0.84,1.97,0.7\n")
    layer = ss.releases.usgs_seismic(path)
    assert layer[["ss_g", "s1_g", "pga_g"]].values.tolist() == [[1.97, 0.7, 0.84]]
    with pytest.raises(ss.LayerError, match="'SS' or 'SA0P2'"):
        ss.releases.usgs_seismic(table(tmp_path / "b.csv", "lat,lon,x\n1,2,3\n"))
    with pytest.raises(ss.LayerError, match="too small"):
        ss.releases.usgs_seismic(table(path, f"{names}\n34,-118,0.84,-1.97,-0.7\n"))


# ---------------------------------------------------------------------- rasters


def raster(path, values, **options):
    """Write cells of 0.01 degrees from 97 W, 33 N."""
    values = np.asarray(values)
    with rasterio.open(
        path, "w", width=values.shape[1], height=values.shape[0], count=1,
        dtype=values.dtype,
        **{"crs": 4326, "transform": rasterio.Affine(0.01, 0, -97, 0, -0.01, 33)}
        | options,
    ) as out:  # fmt: skip
        out.write(values[None])
    return path


def points(*places):
    x, y = zip(*places, strict=True)
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=4326)


def test_land_cover_is_a_class_or_unknown(tmp_path):
    cells = np.array([[82, 11], [0, 95]], dtype="uint8")
    layer = ss.releases.nlcd(
        raster(tmp_path / "a.tif", cells, nodata=0), vintage="2021"
    )
    sites = points((-96.995, 32.995), (-96.985, 32.995), (-96.995, 32.985))
    np.testing.assert_array_equal(measured_raster(sites, layer), [82, 11, np.nan])
    assert ss.layer_info(layer).vintage == "2021"
    assert set(ss.releases.nlcd_classes().index) >= {11, 82, 95}
    with pytest.raises(ss.LayerError, match="which value means no data"):
        ss.releases.nlcd(raster(tmp_path / "b.tif", cells))
    with pytest.raises(ss.LayerError, match="holds the code 7"):
        ss.releases.nlcd(
            raster(tmp_path / "c.tif", np.array([[7, 82]], dtype="uint8"), nodata=0)
        )


def measured_raster(sites, layer):
    return measured(sites, ss.Sample(layer))


def test_elevation_in_tiles_joins_and_other_units_are_refused(tmp_path):
    north = np.full((2, 2), 211.5, dtype="float32")
    north[0, 0] = -999999
    south = np.full((2, 2), -3.5, dtype="float32")
    below = rasterio.Affine(0.01, 0, -97, 0, -0.01, 32.98)
    tiles = [
        raster(tmp_path / "n.tif", north, nodata=-999999),
        raster(tmp_path / "s.tif", south, nodata=-999999, transform=below),
    ]
    layer = ss.releases.dem_3dep(tiles)
    sites = points((-96.995, 32.995), (-96.985, 32.995), (-96.995, 32.975))
    np.testing.assert_array_equal(measured_raster(sites, layer), [np.nan, 211.5, -3.5])
    with pytest.raises(ss.LayerError, match="holds 29000"):
        ss.releases.dem_3dep(
            raster(tmp_path / "feet.tif", north * 0 + 29000, nodata=-999999)
        )
    with pytest.raises(ss.LayerError, match="which value means no data"):
        ss.releases.dem_3dep(raster(tmp_path / "none.tif", north))
    with pytest.raises(ss.CRSError):
        ss.releases.dem_3dep(raster(tmp_path / "nocrs.tif", north, crs=None, nodata=0))


@pytest.mark.parametrize("reader", ["nlcd", "dem_3dep"])
def test_what_is_no_raster_is_refused(tmp_path, reader):
    read = getattr(ss.releases, reader)
    with pytest.raises(ss.LayerError, match="web page"):
        read(html_page(tmp_path, "a.tif"))
    boxes(1).to_file(tmp_path / "b.gpkg")
    with pytest.raises(ss.LayerError, match="vector layer"):
        read(tmp_path / "b.gpkg")
    with pytest.raises(ss.LayerError, match="c.tif"):
        read(tmp_path / "c.tif")
