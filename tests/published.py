"""Small files in the form in which publishers offer their releases, made by hand.

Names of places and figures are invented; only the form is the publishers'.
"""

from __future__ import annotations

import zipfile

import geopandas as gpd
import shapely
import xlsxwriter


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
