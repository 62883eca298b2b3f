"""Small files in the form in which publishers offer their releases, made by hand.

Names of places and figures are invented; only the form is the publishers'.
"""

from __future__ import annotations

import zipfile

import geopandas as gpd
import shapely
import xlsxwriter

import siteselect as ss


def html_page(folder, name):
    """Write what a server sends instead of a file."""
    path = folder / name
    path.write_text("<!DOCTYPE html><html><body>403 Forbidden</body></html>")
    return path


def workbook(path, sheets):
    """Write rows of cells, sheet by sheet, titles and all."""
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return path


def bomb(folder, name, inside):
    """Write an archive that unpacks to 500 times its size."""
    path = folder / name
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(inside, "w") as stream,
    ):
        for _ in range(60):
            stream.write(b"0" * 1_000_000)
    return path


def substations():
    """Return three substations as HIFLD publishes them."""
    return gpd.GeoDataFrame(
        {
            "OBJECTID": [1, 2, 3],
            "ID": ["101", "102", "103"],
            "NAME": ["NORTH", "TAP102", "NOT AVAILABLE"],
            "STATE": ["AL", "TX", "TX"],
            "COUNTYFIPS": ["01001", "48003", "NOT AVAILABLE"],
            "STATUS": ["IN SERVICE", "IN SERVICE", "NOT AVAILABLE"],
            "LINES": [4.0, -999999.0, 2.0],
            "MAX_VOLT": [345.0, -999999.0, 138.0],
            "MIN_VOLT": [138.0, -999999.0, 69.0],
            "MAX_INFER": ["N", "NOT AVAILABLE", "Y"],
        },
        geometry=gpd.points_from_xy([-86.5, -97.0, -97.5], [32.5, 32.0, 31.5]),
        crs=4326,
    )


def transmission_lines():
    """Return two lines as HIFLD publishes them."""
    return gpd.GeoDataFrame(
        {
            "ID": ["7001", "7002"],
            "TYPE": ["AC; OVERHEAD", "NOT AVAILABLE"],
            "STATUS": ["IN SERVICE", "IN SERVICE"],
            "OWNER": ["A UTILITY", "NOT AVAILABLE"],
            "VOLTAGE": [345.0, -999999.0],
            "VOLT_CLASS": ["345", "NOT AVAILABLE"],
            "INFERRED": ["N", "Y"],
            "SUB_1": ["NORTH", "UNKNOWN107"],
            "SUB_2": ["TAP102", "NOT AVAILABLE"],
        },
        geometry=[
            shapely.LineString([(-97.0, 32.0), (-97.5, 31.5)]),
            shapely.LineString([(-97.0, 32.0), (-96.0, 32.5)]),
        ],
        crs=4326,
    )


def table(path, text):
    """Write a table as text."""
    path.write_text(text, encoding="utf-8")
    return path


def boxes(count, crs=4326, west=-98.0, south=31.0):
    """Return squares of one degree side by side, as polygons of a release."""
    return gpd.GeoSeries(
        [shapely.box(west + i, south, west + i + 1, south + 1) for i in range(count)],
        crs=crs,
    )


def basins(count=3):
    """Return sub-basins as Aqueduct 4.0 publishes them, the second one arid."""
    return gpd.GeoDataFrame(
        {
            "string_id": [f"74280{i}-USA.44_1-None" for i in range(count)],
            "pfaf_id": [742800 + i for i in range(count)],
            "gid_1": "USA.44_1",
            "bws_raw": [0.15, 9999.0, -9999.0][:count],
            "bws_score": [1.6, 5.0, -9999.0][:count],
            "bws_cat": [1, -1, -9999][:count],
            "bws_label": [
                "Low - Medium (10-20%)",
                "Arid and Low Water Use",
                "No Data",
            ][:count],
            "bwd_raw": [0.05, 9999.0, None][:count],
            "gtd_raw": [-1.5, 2.0, -9999.0][:count],
            "w_awr_def_tot_score": [2.1, 4.4, -9999.0][:count],
        },
        geometry=boxes(count),
    )


def risk_counties():
    """Return counties as the National Risk Index publishes its shapefile."""
    return gpd.GeoDataFrame(
        {
            "NRI_ID": ["C48353", "C48001", "C72001"],
            "STATEABBRV": ["TX", "TX", "PR"],
            "COUNTY": ["Nolan", "Anderson", "Añasco"],
            "STCOFIPS": ["48353", "48001", "72001"],
            "RISK_SCORE": [12.5, 88.0, -9999.0],
            "RISK_RATNG": ["Very Low", "Relatively High", "Insufficient Data"],
            "EAL_VALT": [1.5e6, 3.25e7, -9999.0],
            "RFLD_RISKS": [10.0, 70.0, -9999.0],
            "TSUN_RISKS": [-9999.0, -9999.0, -9999.0],
            "NRI_VER": "March 2023",
        },
        geometry=boxes(3),
    )


def measured(sites, measurement):
    """Return what a criterion measures at sites."""
    one = ss.Criterion("x", measurement, ss.Rising(0, 1), weight=1)
    return ss.score_sites(sites, [one])["x_raw"].to_numpy()
