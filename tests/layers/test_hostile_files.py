"""The catalogue of hostile files: each refused with a reason, or read right."""

from __future__ import annotations

import json
import sqlite3
import struct
import warnings
import zipfile
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import rasterio.errors
import shapely
from affine import Affine
from hostile import as_parameters, judge, refused, right
from shapely import Point, box

import siteselect as ss
from siteselect.errors import CRSError
from siteselect.layers import Raster, read_layer


def put(folder, name, content):
    """Write a file from text or bytes."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


LOCAL = 'LOCAL_CS["site grid",UNIT["metre",1]]'


def parcels(crs=4326):
    """Return three parcels side by side."""
    return gpd.GeoDataFrame(
        {"mw": [1.0, 2.0, 3.0]},
        geometry=[box(x, 32, x + 0.5, 32.5) for x in (-99, -98, -97)],
        crs=crs,
    )


def saved(folder, name, frame=None):
    """Write parcels in the format of a suffix."""
    frame = parcels() if frame is None else frame
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".kml":
        frame[["geometry"]].to_file(path, driver="KML")
    else:
        frame.to_file(path)
    return path


def renamed(folder, name, other):
    """Write parcels in one format under the suffix of another."""
    return saved(folder, name).rename(folder / other)


def cut_short(folder, name, share):
    """Write parcels and lose the end of the file."""
    path = saved(folder, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def without(folder, suffix):
    """Write a shapefile and lose one of its files."""
    path = saved(folder, "a.shp")
    path.with_suffix(suffix).unlink()
    return path


def zipped(folder, name, text):
    """Write an archive of one text."""
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(name, text)
    return folder / "a.zip"


def features(*geometries, properties=None, **more):
    """Return GeoJSON of geometries."""
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {} if properties is None else properties[i],
                    "geometry": geometry,
                }
                for i, geometry in enumerate(geometries)
            ],
            **more,
        }
    )


POINT = {"type": "Point", "coordinates": [-97, 32]}


def polygon(*corners):
    return {"type": "Polygon", "coordinates": [[list(c) for c in corners]]}


def geojson(folder, *geometries, **more):
    return read_layer(put(folder, "lakes.geojson", features(*geometries, **more)))


def csv(folder, content, **options):
    return read_layer(put(folder, "sites.csv", content), **options)


def curved(folder):
    """Write a GeoPackage that holds a disk bounded by an arc."""
    path = folder / "disk.gpkg"
    frame = gpd.GeoDataFrame({"mw": [1.0]}, geometry=[Point(-97, 32)], crs=4326)
    frame.to_file(path, geometry_type="Unknown")
    arc = [(-98, 32), (-97, 33), (-96, 32), (-97, 31), (-98, 32)]
    ring = struct.pack("<BII", 1, 8, len(arc)) + b"".join(
        struct.pack("<dd", *xy) for xy in arc
    )
    blob = b"GP\x00\x01" + struct.pack("<i", 4326)
    blob += struct.pack("<BII", 1, 10, 1) + ring
    with sqlite3.connect(path) as base:
        for (name,) in base.execute(
            "select name from sqlite_master where type = 'trigger'"
        ).fetchall():
            base.execute(f'drop trigger "{name}"')
        base.execute("update disk set geom = ?", (blob,))
    base.close()
    return path


VECTOR = [
    # ------------------------------------------------------------ what is no file
    refused("a missing file", lambda p: read_layer(p / "lakes.gpkg"),
            "lakes.gpkg", "no such file", "check the path"),
    refused("a missing folder", lambda p: read_layer(p / "no" / "lakes.gpkg"),
            "no folder", "check the path"),
    *[
        refused(f"a path with {what}",
                partial(lambda name, p: read_layer(p / name), name),
                "there is no", "check the path")
        for what, name in (
            ("a name of 5000 letters", "x" * 5000), ("a NUL", "a\0b.gpkg"),
            ("a NUL, of a raster", "a\0b.tif"), ("a long folder", "x" * 5000 + "/a"))
    ],
    refused("a folder without layers", read_layer, "damaged or of an unknown kind",
            "are allowed"),
    refused("None for a path", lambda p: read_layer(None), "NoneType", "pass e.g."),
    refused("a number for a path", lambda p: read_layer(5), "the source is 5",
            "pass e.g."),
    refused("an empty GeoPackage file", lambda p: read_layer(put(p, "e.gpkg", b"")),
            "e.gpkg", "it is empty", "open it in another program"),
    refused("an empty CSV", lambda p: csv(p, b""), "sites.csv", "it is empty"),
    refused("an empty GeoTIFF", lambda p: read_layer(put(p, "e.tif", b"")),
            "e.tif", "it is empty", "suffix of what it is"),
    # ------------------------------------------------- not what the suffix says
    refused("a GeoPackage named .csv",
            lambda p: read_layer(renamed(p, "a.gpkg", "a.csv")),
            "a.csv", "a GeoPackage (.gpkg)", "suffix of what it is"),
    refused("a GeoPackage named .tif",
            lambda p: read_layer(renamed(p, "a.gpkg", "a.tif")),
            "a.tif", "a GeoPackage (.gpkg)", "suffix of what it is"),
    refused("GeoParquet named .geojson",
            lambda p: read_layer(renamed(p, "a.parquet", "a.parquet").rename(
                p / "a.geojson")),
            "a.geojson", "a Parquet file (.parquet)", "suffix of what it is"),
    refused("GeoJSON named .csv",
            lambda p: read_layer(put(p, "a.csv", features(POINT))),
            "a.csv", "like GeoJSON", "suffix of what it is"),
    refused("GeoJSON named .parquet",
            lambda p: read_layer(put(p, "a.parquet", features(POINT))),
            "a.parquet", "like GeoJSON", "suffix of what it is"),
    refused("CSV named .gpkg",
            lambda p: read_layer(put(p, "a.gpkg", "lon,lat\n-97,32\n")),
            "a.gpkg", "unknown kind", "suffix of what it is"),
    refused("a web page saved as CSV",
            lambda p: csv(p, "<!DOCTYPE html><html><body>404</body></html>"),
            "sites.csv", "web page (HTML)", "suffix of what it is"),
    refused("a spreadsheet named .csv",
            lambda p: read_layer(zipped(p, "[Content_Types].xml", "x").rename(
                p / "a.csv")),
            "a.csv", ".xlsx", "save it again as CSV"),
    right("a raster named .gpkg",
          lambda p: read_layer(tif(p, "a.gpkg")).resolution_m > 0, True),
    # ---------------------------------------------------------- damaged, in parts
    *[
        refused(f"the first {share:.0%} of a .{kind} file",
                partial(lambda kind, share, p: read_layer(
                    cut_short(p, f"a.{kind}", share)), kind, share),
                f"a.{kind}", "allowed")
        for kind in ("gpkg", "geojson", "fgb", "parquet", "kml")
        for share in (0.3, 0.9)
    ],
    refused("a shapefile cut short",
            lambda p: read_layer(cut_short(p, "a.shp", 0.5)),
            "layer 'a'", "no geometry (null), in row 1", "leave these rows out"),
    refused("a shapefile without .shx", lambda p: read_layer(without(p, ".shx")),
            "a.shp", "a.shx"),
    refused("a shapefile without .prj", lambda p: read_layer(without(p, ".prj")),
            "layer 'a'", "no coordinate reference system", "set_crs",
            error=CRSError),
    right("a shapefile without .dbf",
          lambda p: len(read_layer(without(p, ".dbf"))), 3),
    refused("a table of a shapefile alone",
            lambda p: read_layer(without(p, ".shp").with_suffix(".dbf")),
            "layer 'a'", "no columns with coordinates", "name them"),
    refused("an archive of an archive",
            lambda p: read_layer(zipped(p, "inner.zip", "PK")),
            "a.zip", "inner.zip"),
    right("an archive of a CSV",
          lambda p: read_layer(zipped(p, "t.csv", "lon,lat\n-97,032\n")).geometry.y[0],
          32.0),
    # ------------------------------------------------------------------ GeoJSON
    refused("GeoJSON without features", geojson, "layer 'lakes'", "it is empty",
            "check the file"),
    refused("GeoJSON of something else",
            lambda p: read_layer(put(p, "lakes.geojson", '{"a": 1}')),
            "lakes.geojson", "unknown kind"),
    refused("a null geometry in GeoJSON", lambda p: geojson(p, POINT, None),
            "layer 'lakes'", "in row 1", "leave these rows out"),
    refused("an unclosed ring",
            lambda p: geojson(p, POINT, polygon((0, 0), (1, 0), (1, 1), (0, 1))),
            "layer 'lakes'", "row 1", "closed", "fix geometries"),
    refused("a ring of two points",
            lambda p: geojson(p, POINT, polygon((-97, 32), (-96, 32), (-97, 32))),
            "layer 'lakes'", "row 1", "leave these rows out"),
    refused("a line of one point",
            lambda p: geojson(p, {"type": "LineString", "coordinates": [[-97, 32]]}),
            "layer 'lakes'", "row 0", "correct these rows"),
    refused("coordinates as text",
            lambda p: geojson(p, {"type": "Point", "coordinates": ["-97", "32"]}),
            "layer 'lakes'", "row 0", "leave these rows out"),
    refused("NaN for a coordinate",
            lambda p: geojson(p, POINT, dict(POINT, coordinates=[float("nan"), 32])),
            "layer 'lakes'", "row 1", "NaN or infinite", "correct"),
    refused("an empty collection",
            lambda p: geojson(
                p, POINT, {"type": "GeometryCollection", "geometries": []}),
            "layer 'lakes'", "an empty geometry, in row 1", "leave these rows out"),
    refused("latitude before longitude",
            lambda p: geojson(p, {"type": "Point", "coordinates": [32, -97]}),
            "layer 'lakes'", "swapped", "swap_xy=True"),
    right("GeoJSON of another CRS",
          lambda p: geojson(p, {"type": "Point", "coordinates": [0, 1_000_000]},
                            crs={"type": "name", "properties": {
                                "name": "urn:ogc:def:crs:EPSG::5070"}}).crs.to_epsg(),
          5070),
    right("heights in GeoJSON, whose CRS is then another",
          lambda p: read_layer(put(p, "a.geojson", features(
              {"type": "Point", "coordinates": [-97, 32, 500]})), crs=4326
          ).geometry.iloc[0].z, 500.0),
    right("a bare geometry",
          lambda p: len(read_layer(put(p, "a.geojson", json.dumps(POINT)))), 1),
    right("a property named geometry",
          lambda p: geojson(p, POINT, properties=[{"geometry": "x"}]).geometry.x[0],
          -97.0),
    right("a whole number too large for 64 bits",
          lambda p: geojson(p, POINT, properties=[{"n": 2**70}])["n"][0], 2.0**70),
    # ------------------------------------------------------------ other geometries
    right("an arc in a GeoPackage becomes short edges",
          lambda p: abs(read_layer(curved(p)).geometry[0].area / np.pi - 1) < 1e-3,
          True),
    *[
        refused(f"{text.split()[0]} in a table",
                partial(lambda text, p: csv(p, f'wkt\n"{text}"\n', crs=4326), text),
                "'wkt'", "row 0", text.split()[0], "CONVERT_TO_LINEAR")
        for text in (
            "CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))",
            "COMPOUNDCURVE (CIRCULARSTRING (0 0, 1 1, 2 0), (2 0, 3 0))",
            "MULTISURFACE (((0 0, 1 0, 1 1, 0 0)))",
        )
    ],
    refused("a solid in a table",
            lambda p: csv(p, 'wkt\n"TIN (((0 0 0, 0 1 0, 1 1 0, 0 0 0)))"\n', crs=4326),
            "'wkt'", "row 0", "correct these rows"),
    right("measures along a line (M) are left alone",
          lambda p: csv(p, 'wkt\n"POINT M (-97 32 5)"\n', crs=4326).geometry.x[0],
          -97.0),
    # -------------------------------------------------------------------- tables
    right("a byte-order mark",
          lambda p: csv(p, b"\xef\xbb\xbflon,lat\n-97,32\n").geometry.x[0], -97.0),
    right("semicolons", lambda p: csv(p, "lon;lat\n-97;32\n").geometry.y[0], 32.0),
    right("old line ends", lambda p: csv(p, "lon,lat\r-97,32\r").geometry.y[0], 32.0),
    right("blank lines",
          lambda p: csv(p, "\n\nlon;lat\n\n-97;32\n\n").geometry.y[0], 32.0),
    right("spaces around names and figures",
          lambda p: csv(p, " lon , lat \n -97 , 32 \n").geometry.y[0], 32.0),
    right("zeros before a latitude",
          lambda p: csv(p, "lon,lat\n-097,032\n-098,05\n").geometry.y, [32.0, 5.0]),
    right("a comma at the end of each line",
          lambda p: csv(p, "lon,lat,mw\n-97,32,5,\n-98,33,6,\n")["mw"], [5, 6]),
    right("a column named twice",
          lambda p: csv(p, "lon,lat,mw,mw\n-97,32,1,2\n")["mw"], 1),
    right("names in other letters",
          lambda p: csv(p, "lon,lat,größe 数\n-97,32,7\n")["größe 数"], 7),
    right("a file name in other letters",
          lambda p: len(read_layer(renamed(p, "a.gpkg", "Gärten 数 #1%.gpkg"))), 3),
    refused("a line with too many fields",
            lambda p: csv(p, "lon,lat,mw\n-97,32,5\n-98,33,6,7\n"),
            "sites.csv", "line 3: 4, not 3", "correct these lines"),
    refused("more fields than names on every line",
            lambda p: csv(p, "lon,lat\n-97,32,5\n-98,33,6\n"),
            "sites.csv", "line 2: 3, not 2", "correct these lines"),
    refused("a quote that never ends",
            lambda p: csv(p, 'lon,lat,n\n-97,32,"abc\n-98,33,x\n'),
            "sites.csv", "EOF inside string", "correct these lines"),
    refused("Latin-1",
            lambda p: csv(p, "lon,lat,n\n-97,32,é\n".encode("latin-1")),
            "sites.csv", "not in UTF-8", "save it again as UTF-8"),
    refused("UTF-16", lambda p: csv(p, "lon,lat\n-97,32\n".encode("utf-16")),
            "sites.csv", "UTF-16", "save it again as UTF-8"),
    refused("bytes of zero in a CSV", lambda p: csv(p, b"lon,lat\n-97,\x0032\n"),
            "sites.csv", "binary data", "save it again as CSV"),
    refused("no latitude", lambda p: csv(p, "lon,height\n-97,32\n"),
            "layer 'sites'", "lon, height", "name them"),
    refused("no header", lambda p: csv(p, "-97,32\n-98,33\n"),
            "layer 'sites'", "no columns with coordinates", "name them"),
    refused("a header alone", lambda p: csv(p, "lon,lat\n"), "layer 'sites'",
            "it is empty", "check the file"),
    refused("decimal commas", lambda p: csv(p, "lon;lat\n-97,5;32,25\n"),
            "'lon'", "'-97,5' in row 0", "pd.to_numeric"),
    refused("degrees with letters", lambda p: csv(p, "lon,lat\n97°W,32°N\n"),
            "'lon'", "'97°W' in row 0", "pd.to_numeric"),
    refused("a minus sign of typographers", lambda p: csv(p, "lon,lat\n\u221297,32\n"),
            "'lon'", "in row 0", "pd.to_numeric"),
    refused("NA for a coordinate", lambda p: csv(p, "lon,lat\n-97,32\nNA,33\n"),
            "'lon'", "missing (NaN), in row 1", "correct these rows"),
    refused("an infinite coordinate", lambda p: csv(p, "lon,lat\ninf,32\n"),
            "'lon'", "infinite, in row 0", "correct these rows"),
    refused("longitudes from 0 to 360", lambda p: csv(p, "lon,lat\n263,32\n"),
            "layer 'sites'", "first row 0", "subtracting 360"),
    refused("a figure with thousands separated, needed as a number",
            lambda p: csv(p, 'lon,lat,mw\n-97,32,"1,234"\n', nonnegative=["mw"]),
            "'mw'", "'1,234' in row 0", "pd.to_numeric"),
    refused("x and y without a CRS", lambda p: csv(p, "x,y\n1,2\n"),
            "'x' and 'y'", "does not say", 'crs="EPSG:4326"', error=CRSError),
    # ------------------------------------------------------------------------ CRS
    refused("a CRS nobody knows", lambda p: read_layer(parcels(), crs="EPSG:0"),
            "EPSG:0", "does not know it", 'crs="EPSG:4326"', error=CRSError),
    refused("meters that say they are degrees",
            lambda p: read_layer(parcels(5070).set_geometry(
                gpd.GeoSeries([Point(5e5, 3.5e6)] * 3, crs=4326))),
            "look like meters", "row 0", "set_crs", error=CRSError),
    refused("a layer in the CRS of a building site",
            lambda p: read_layer(parcels(LOCAL), name="lakes"),
            "layer 'lakes'", "site grid", "set it", error=CRSError),
    refused("a table for the study area",
            lambda p: read_layer(parcels(), area=pd.DataFrame({"a": [1]})),
            "the study area", "DataFrame", "read_layer"),
    refused("a study area without rows",
            lambda p: read_layer(parcels(), area=parcels().iloc[:0]),
            "the study area", "it is empty", "check the file"),
    refused("a study area without geometry",
            lambda p: read_layer(parcels(), area=gpd.GeoDataFrame({"a": [1]})),
            "the study area", "active geometry",
            "set_geometry"),
    refused("a number for the columns needed",
            lambda p: read_layer(parcels(), required=5), "required=", "found 5",
            "list of texts"),
    right("one name for the columns needed",
          lambda p: len(read_layer(parcels(), required="mw")), 3),
    *[
        refused(f"{option} of {number!r}",
                partial(lambda o, n, p: read_layer(parcels(), **{o: n}), option,
                        number),
                f"{option}=", f"found {number!r}", "pass e.g.")
        for option, number in (
            ("margin_km", "5"), ("margin_km", -5), ("resolution_km", 0),
            ("resolution_km", float("nan")))
    ],
    refused("a text for the units", lambda p: read_layer(parcels(), units="MW"),
            "units=", "found 'MW'", "a mapping"),
    refused("a list for the id", lambda p: read_layer(parcels(), id=["mw"]),
            "['mw']", "there is none of that name", "rename"),
    refused("an id that repeats",
            lambda p: read_layer(parcels().assign(n=[1, 1, 2]), id="n", name="lakes"),
            "layer 'lakes'", "1 repeat: 1", "drop the copies"),
    refused("a geometry type nobody knows",
            lambda p: read_layer(parcels(), geometry_type="polygn"), "polygn",
            "did you mean 'polygon'"),
    refused("degrees that say they are meters", lambda p: read_layer(parcels(5070)),
            "look like degrees", "set_crs", error=CRSError),
    refused("a layer outside the study area",
            lambda p: read_layer(parcels(), name="lakes", area=gpd.GeoSeries(
                [box(5, 45, 6, 46)], crs=4326)),
            "layer 'lakes'", "do not overlap", "check the file"),
]  # fmt: skip


@pytest.mark.parametrize("row", as_parameters(VECTOR))
def test_hostile_vector_files(row, tmp_path):
    judge(row, tmp_path)


# ----------------------------------------------------------------------- rasters


CELLS = np.arange(16.0).reshape(1, 4, 4)
DEGREES = Affine(1, 0, -100, 0, -1, 35)


def tif(folder, name="dem.tif", values=CELLS, transform=DEGREES, crs=4326, **more):
    """Write bands of figures as a GeoTIFF."""
    values = np.asarray(values)
    values = values.astype("float32") if values.dtype == float else values
    tags = {key: more.pop(key) for key in ("scales", "offsets") if key in more}
    if isinstance(crs, int):
        crs = f"EPSG:{crs}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        file = rasterio.open(
            folder / name, "w", driver="GTiff", count=values.shape[0],
            height=values.shape[1], width=values.shape[2], dtype=values.dtype,
            crs=crs, transform=transform, **more,
        )  # fmt: skip
    with file as out:
        out.write(values)
        for key, value in tags.items():
            setattr(out, key, value)
    return folder / name


def cornerless(folder):
    """Write a GeoTIFF that tells the size of its cells and not where they lie."""
    path = tif(folder)
    tiepoint, unknown = struct.pack("<H", 33922), struct.pack("<H", 65001)
    path.write_bytes(path.read_bytes().replace(tiepoint, unknown))
    return path


def vrt(folder, body):
    """Write a VRT of four by four cells around bands in XML."""
    return put(
        folder,
        "dem.vrt",
        '<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>EPSG:4326</SRS>'
        f"<GeoTransform>-100,1,0,35,0,-1</GeoTransform>{body}</VRTDataset>",
    )


def band_of(name, nodata="", kind="Int16"):
    return (
        f'<VRTRasterBand dataType="{kind}" band="1">{nodata}<SimpleSource>'
        f'<SourceFilename relativeToVRT="1">{name}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
    )


def at(lon=-99.5, lat=34.5):
    return gpd.GeoDataFrame(geometry=[Point(lon, lat)], crs=4326)


def middle():
    """Return the ground of the four cells in the middle."""
    return gpd.GeoDataFrame(geometry=[box(-99, 32, -97, 34)], crs=4326)


def sampled(path, *places, **options):
    """Return the figures of a raster at the middle of its first cell, or elsewhere."""
    raster = path if isinstance(path, Raster) else read_layer(path)
    sites = pd.concat([at(*place) for place in places or [(-99.5, 34.5)]])
    return ss.Sample(raster, **options)(sites.reset_index(drop=True)).tolist()


def summed(path):
    return ss.Zonal(read_layer(path), "sum")(middle()).tolist()


def holed(value, kind="float32", where=(0, 0, 0)):
    values = CELLS.astype(kind)
    values[where] = value
    return values


def half_of(folder):
    """Write a large GeoTIFF and lose its second half."""
    values = np.random.default_rng(1).random((1, 300, 300)).astype("float32")
    fine = Affine(0.01, 0, -100, 0, -0.01, 35)
    path = tif(folder, values=values, transform=fine, compress="deflate")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def with_mask(folder):
    path = tif(folder, values=CELLS.astype("uint8"))
    mask = np.full((4, 4), 255, dtype="uint8")
    mask[0, 0] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "r+") as out,
    ):
        out.write_mask(mask)
    return path


def with_alpha(folder):
    alpha = np.full((4, 4), 255, dtype="uint8")
    alpha[0, 0] = 0
    bands = np.stack([CELLS[0].astype("uint8")] * 3 + [alpha])
    return tif(folder, values=bands, photometric="RGB", alpha="yes")


def with_palette(folder):
    path = tif(folder, values=CELLS.astype("uint8"))
    with rasterio.open(path, "r+") as out:
        out.write_colormap(1, {i: (255 - i, 0, 0, 255) for i in range(16)})
    return path


# Cells 5, 6, 9 and 10 lie in the middle.
MIDDLE = 30.0
LARGEST = float(np.finfo("float32").max)

RASTER = [
    # ---------------------------------------------------------------- figures
    *[
        right(f"cells of {kind}",
              partial(lambda kind, p: summed(tif(p, values=CELLS.astype(kind))), kind),
              MIDDLE)
        for kind in ("int8", "uint8", "int16", "uint32", "int64", "float64")
    ],
    *[
        refused(f"cells of {kind}",
                partial(lambda kind, p: read_layer(
                    tif(p, values=CELLS.astype(kind))), kind),
                "dem.tif", "band 1", "complex", "gdal_calc")
        for kind in ("complex64", "complex128")
    ],
    right("nodata alone",
          lambda p: sampled(tif(p, values=np.full((1, 4, 4), -9, "int16"), nodata=-9))
          + summed(p / "dem.tif"), [np.nan, np.nan]),
    right("one pixel", lambda p: sampled(
        tif(p, values=[[[7.0]]]), (-99.5, 34.5), (-98.5, 34.5)), [7.0, np.nan]),
    right("the largest number there is as nodata",
          lambda p: sampled(tif(p, values=holed(-LARGEST), nodata=-LARGEST),
                            (-99.5, 34.5), (-98.5, 34.5)), [np.nan, 1.0]),
    right("infinity as nodata",
          lambda p: sampled(tif(p, values=holed(np.inf), nodata=np.inf),
                            (-99.5, 34.5), (-98.5, 34.5)), [np.nan, 1.0]),
    right("infinite cells are unknown",
          lambda p: sampled(tif(p, values=holed(-np.inf)), (-99.5, 34.5),
                            (-98.5, 34.5)), [np.nan, 1.0]),
    right("NaN as nodata of whole numbers",
          lambda p: (tif(p, "r.tif", CELLS.astype("int16")), sampled(vrt(p, band_of(
              "r.tif", "<NoDataValue>nan</NoDataValue>"))))[1], 0.0),
    right("nodata that bytes cannot hold",
          lambda p: (tif(p, "r.tif", CELLS.astype("uint8")), summed(vrt(p, band_of(
              "r.tif", "<NoDataValue>-9999</NoDataValue>", "Byte"))))[1], MIDDLE),
    right("scale and offset",
          lambda p: sampled(tif(p, values=CELLS.astype("int16"), nodata=0,
                                scales=(0.5,), offsets=(3.0,)),
                            (-99.5, 34.5), (-98.5, 34.5)), [np.nan, 3.5]),
    right("a mask", lambda p: sampled(with_mask(p), (-99.5, 34.5), (-98.5, 34.5)),
          [np.nan, 1.0]),
    right("an alpha band",
          lambda p: sampled(with_alpha(p), (-99.5, 34.5), (-98.5, 34.5)),
          [np.nan, 1.0]),
    right("a palette gives the class, not its color",
          lambda p: sampled(with_palette(p), (-98.5, 34.5)), 1.0),
    # ----------------------------------------------------------------- places
    right("rows from south to north",
          lambda p: summed(tif(p, values=CELLS[:, ::-1],
                               transform=Affine(1, 0, -100, 0, 1, 31))), MIDDLE),
    right("columns from east to west",
          lambda p: summed(tif(p, values=CELLS[:, :, ::-1],
                               transform=Affine(-1, 0, -96, 0, -1, 35))), MIDDLE),
    right("turned by a quarter",
          lambda p: sampled(tif(p, transform=Affine(0, 1, -100, 1, 0, 31)),
                            (-99.5, 31.5), (-99.5, 32.5), (-98.5, 31.5)),
          [0.0, 1.0, 4.0]),
    right("longitudes from 0 to 360",
          lambda p: summed(tif(p, transform=Affine(1, 0, 260, 0, -1, 35))), MIDDLE),
    right("the corners belong to the outer cells",
          lambda p: sampled(tif(p), (-100, 35), (-96, 35), (-100, 31), (-96, 31)),
          [0.0, 3.0, 12.0, 15.0]),
    right("sites far from the raster", lambda p: sampled(tif(p), (10, 50)), np.nan),
    right("feet", lambda p: sampled(
        tif(p, crs=2277, transform=Affine(3e3, 0, 3.1e6, 0, -3e3, 1e7)),
        gpd.GeoSeries([Point(3.1e6 + 4.5e3, 1e7 - 7.5e3)], crs=2277).to_crs(4326)
        .get_coordinates().iloc[0]), 9.0),
    right("heights beside longitude and latitude (compound CRS)",
          lambda p: summed(tif(p, crs="EPSG:4326+5773")), MIDDLE),
    refused("no CRS", lambda p: read_layer(tif(p, crs=None)), "dem.tif",
            "no coordinate reference system", "gdal_edit.py", error=CRSError),
    refused("no geotransform",
            lambda p: read_layer(tif(p, transform=Affine.identity())),
            "dem.tif", "no geotransform", "gdal_translate", error=CRSError),
    refused("a size of cells without a corner", lambda p: read_layer(cornerless(p)),
            "dem.tif", "no geotransform", "gdal_translate", error=CRSError),
    refused("cells without a height",
            lambda p: read_layer(tif(p, transform=Affine(1, 0, -100, 0, 0, 35))),
            "dem.tif", "no area", "gdal_translate", error=CRSError),
    refused("NaN in the geotransform",
            lambda p: read_layer(tif(p, transform=Affine(np.nan, 0, 0, 0, -1, 35))),
            "dem.tif", "no area", "gdal_translate", error=CRSError),
    refused("a CRS of the building site", lambda p: read_layer(tif(p, crs=LOCAL)),
            "dem.tif", "site grid", "set it", error=CRSError),
    refused("a geocentric CRS", lambda p: read_layer(tif(p, crs=4978)),
            "dem.tif", "geocentric", "set it", error=CRSError),
    refused("a raster of meters that says degrees",
            lambda p: read_layer(tif(p, transform=Affine(1e3, 0, 5e5, 0, -1e3, 3.5e6))),
            "dem.tif", "no longitude and latitude", "gdal_edit.py", error=CRSError),
    refused("a raster of degrees that says meters",
            lambda p: read_layer(tif(p, crs=5070)),
            "dem.tif", "looks like degrees", "gdal_edit.py", error=CRSError),
    refused("a raster north of the pole",
            lambda p: read_layer(tif(p, transform=Affine(1, 0, -100, 0, -1, 120))),
            "dem.tif", "y 116 to 120", "gdal_edit.py", error=CRSError),
    refused("a CRS that contradicts the raster",
            lambda p: read_layer(tif(p), crs=5070),
            "layer 'dem'", "never converts", "leave `crs=` out", error=CRSError),
    refused("a raster outside the study area",
            lambda p: read_layer(tif(p), area=gpd.GeoSeries(
                [box(5, 45, 6, 46)], crs=4326)),
            "layer 'dem'", "do not overlap", "check the file"),
    refused("a grid of text without a CRS",
            lambda p: read_layer(put(p, "a.asc", "ncols 2\nnrows 1\nxllcorner 0\n"
                                     "yllcorner 0\ncellsize 1\n1 2\n")),
            "a.asc", "no coordinate reference system", "gdal_edit.py", error=CRSError),
    # ------------------------------------------------------------------ bands
    right("a band of several",
          lambda p: sampled(tif(p, values=np.concatenate([CELLS, CELLS + 100])),
                            band=2), 100.0),
    *[
        refused(f"band {band!r} of one",
                partial(lambda band, p: read_layer(tif(p), bands=[band]), band),
                "dem.tif", str(band), "pass e.g.")
        for band in (0, -1, 5, 1.5, "jul", None, True)
    ],
    # ----------------------------------------------------------------- damage
    refused("the header of a GeoTIFF alone",
            lambda p: read_layer(put(p, "dem.tif", tif(p).read_bytes()[:100])),
            "dem.tif", "cannot be read", "gdalinfo"),
    refused("half of a GeoTIFF, sampled where it ends",
            lambda p: sampled(half_of(p), (-99.5, 32.01)),
            "dem.tif", "a part of it cannot be read", "download the file again"),
    refused("half of a GeoTIFF, summed",
            lambda p: ss.Zonal(read_layer(half_of(p)))(gpd.GeoDataFrame(
                geometry=[box(-99.5, 32.01, -99, 32.4)], crs=4326)),
            "dem.tif", "a part of it cannot be read", "download the file again"),
    refused("a raster deleted after it was opened",
            lambda p: (raster := read_layer(tif(p)), raster.path.unlink(),
                       sampled(raster)),
            "dem.tif", "no such file", "check the path"),
    refused("a VRT whose tile is missing",
            lambda p: sampled(vrt(p, band_of("gone.tif"))),
            "dem.vrt", "gone.tif", "every file of a VRT"),
    refused("a VRT of itself", lambda p: sampled(vrt(p, band_of("dem.vrt"))),
            "dem.vrt", "recursion", "every file of a VRT"),
    refused("a VRT that brings code along",
            lambda p: sampled(vrt(p, '<VRTRasterBand dataType="Int16" band="1" '
                'subClass="VRTDerivedRasterBand"><PixelFunctionType>m.f'
                "</PixelFunctionType><PixelFunctionLanguage>Python"
                "</PixelFunctionLanguage><PixelFunctionCode>1/0</PixelFunctionCode>"
                "</VRTRasterBand>")),
            "dem.vrt", "cannot be read", "gdalinfo"),
    refused("a window around nothing",
            lambda p: read_layer(tif(p)).read(at().iloc[:0]), "the area",
            "it is empty", "check the file"),
    refused("a window outside the raster",
            lambda p: read_layer(tif(p)).read(at(10, 50)), "raster dem",
            "do not overlap", "check the crs"),
    # ------------------------------------------------------------------ tiles
    refused("tiles a world apart",
            lambda p: read_layer([
                tif(p, "a.tif", crs=5070, transform=Affine(1, 0, 1e3, 0, -1, 1e6)),
                tif(p, "b.tif", crs=5070, transform=Affine(1, 0, 1e12, 0, -1, 1e6))]),
            "a.tif", "put together", "gdalbuildvrt"),
    right("tiles on both sides of the antimeridian",
          lambda p: sampled(read_layer([
              tif(p, "a.tif", transform=Affine(1, 0, 176, 0, -1, 35)),
              tif(p, "b.tif", transform=Affine(1, 0, -180, 0, -1, 35))]),
              (179.5, 34.5), (-179.5, 34.5), (0, 34.5)), [3.0, 0.0, np.nan]),
    refused("vector layers in a list",
            lambda p: read_layer([saved(p, "a.gpkg"), saved(p, "b.gpkg")]),
            "a.gpkg", "no raster", "pd.concat"),
]  # fmt: skip


@pytest.mark.parametrize("row", as_parameters(RASTER))
def test_hostile_rasters(row, tmp_path):
    judge(row, tmp_path)


@pytest.mark.soak
def test_a_raster_of_a_thousand_tiles_is_summed(tmp_path):
    values = np.random.default_rng(4).integers(0, 99, (320, 320)).astype("int16")
    paths = []
    for r in range(0, 320, 10):
        for c in range(0, 320, 10):
            corner = Affine(100, 0, 100 * c, 0, -100, 4e6 - 100 * r)
            part = values[None, r : r + 10, c : c + 10]
            paths.append(tif(tmp_path, f"{r} {c}.tif", part, corner, 32614))
    raster = read_layer(paths)
    ground = gpd.GeoSeries([box(0, 4e6 - 32_000, 32_000, 4e6)], crs=32614)
    total = ss.Zonal(raster, "sum")(ground.to_frame("geometry"))
    assert total.tolist() == [values.sum()]
    assert shapely.area(ground.iloc[0]) == 32_000**2
