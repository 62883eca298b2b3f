"""The catalogue of hostile layers, candidates and questions to them.

The files of the catalogue are in ``layers/test_hostile_files.py``.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import pytest
import shapely
from hostile import as_parameters, judge, misasked, refused, right
from layers.test_hostile_files import RASTER, VECTOR, tif
from shapely import (
    GeometryCollection,
    LinearRing,
    LineString,
    MultiPolygon,
    Point,
    Polygon,
    box,
)

import siteselect as ss
from siteselect.errors import CRSError
from siteselect.layers import LayerInfo, read_layer
from siteselect.layers.info import with_info

GEOD = pyproj.Geod(ellps="WGS84")
HERE = (-97.0, 32.0)
AROUND = box(-98, 31, -96, 33)
LOCAL = 'LOCAL_CS["site grid",UNIT["metre",1]]'


def layer(*geometries, crs=4326, name="lakes", **columns):
    """Return a layer with a name of its own."""
    frame = gpd.GeoDataFrame(columns, geometry=list(geometries), crs=crs)
    return with_info(frame, LayerInfo(name))


def sites(*geometries, crs=4326, index=None, **columns):
    """Return candidates; one in the middle of nowhere by default."""
    places = geometries or (Point(HERE),)
    return gpd.GeoDataFrame(columns, geometry=list(places), crs=crs, index=index)


def km(lon, lat, start=HERE):
    """Return a distance on the ellipsoid."""
    return GEOD.inv(*start, lon, lat)[2] / 1000


def near(*geometries, to=None, **options):
    """Return the distance from the sites to a layer."""
    return ss.Nearest(layer(*geometries, **options))(sites() if to is None else to)


def count(*geometries, radius_km=50.0, where=None, **options):
    """Return the number of features around the site."""
    frame = layer(*geometries, **options)
    return ss.Within(frame, radius_km=radius_km, count=True, where=where)(sites())


def score(measure=None, value=None, frame=None, name="size", **options):
    """Return the scores by one criterion."""
    frame = acres() if frame is None else frame
    criterion = ss.Criterion(
        name, measure or ss.Column("acres"), value or ss.Rising(0, 400), **options
    )
    return ss.score_sites(frame, [criterion])["score"]


def acres(**more):
    """Return two candidates of 100 and 300 acres."""
    return sites(
        Point(HERE), Point(-96, 32), index=["a", "b"], acres=[100.0, 300.0], **more
    )


def columned(values):
    """Return two polygons side by side, the first around the site, with a column."""
    return layer(
        box(-98, 31, -96.5, 33), box(-96.5, 31, -95, 33), name="zones", c=values
    )


def area_km2(polygon):
    fine = shapely.segmentize(polygon, 0.01)
    return abs(GEOD.geometry_area_perimeter(fine)[0]) / 1e6


def parts_of(polygon, other):
    """Return the share of a polygon under another."""
    return area_km2(polygon.intersection(other)) / area_km2(polygon)


def covered(site, *geometries):
    return ss.CoveredShare(layer(*geometries))(sites(site))


def line_to(lon):
    """Return a line to a longitude that may be none."""
    with np.errstate(invalid="ignore"):
        return LineString([HERE, (lon, 33)])


def polar(hole=0.0):
    """Return an area of 3,000 km around the south pole, or a ring."""
    area = Point(0, 0).buffer(3e6).difference(Point(0, 0).buffer(hole))
    return layer(area, crs=3031)


def edge_of_polar():
    """Return the latitude to which it reaches."""
    return pyproj.Transformer.from_crs(3031, 4326, always_xy=True).transform(0, 3e6)[1]


BOW_TIE = Polygon([(-98, 31), (-96, 33), (-96, 31), (-98, 33)])
FLAT = Polygon([(-98, 32), (-96, 32), (-97, 32)])
HOLE_OUTSIDE = Polygon(AROUND.exterior, [box(0, 0, 1, 1).exterior])
NESTED = Polygon(
    AROUND.exterior,
    [box(-97.5, 31.5, -96.5, 32.5).exterior, box(-97.2, 31.8, -96.8, 32.2).exterior],
)
HALF_EMPTY = shapely.from_wkt("MULTIPOINT ((-96 32), EMPTY)")
ACROSS = Polygon([(179, -18), (-179, -18), (-179, -16), (179, -16)])
REPAIRED = "repaired with make_valid"

GEOMETRIES = [
    # --------------------------------------------------------------------- CRS
    refused("a layer without CRS", lambda p: near(AROUND, crs=None),
            "layer 'lakes'", "no coordinate reference system", "set_crs",
            error=CRSError),
    refused("candidates without CRS", lambda p: near(AROUND, to=sites(crs=None)),
            "the sites", "no coordinate reference system", "set_crs", error=CRSError),
    right("figures need no CRS",
          lambda p: score(frame=acres().set_crs(None, allow_override=True)),
          [0.25, 0.75]),
    right("layer and candidates in two CRS",
          lambda p: ss.Nearest(layer(Point(-96, 33)).to_crs(5070))(
              sites().to_crs(32614)), lambda: km(-96, 33)),
    right("a layer in feet",
          lambda p: near(gpd.GeoSeries([Point(-96, 33)], crs=4326).to_crs(2277)[0],
                         crs=2277), lambda: km(-96, 33)),
    right("heights beside a CRS (compound)",
          lambda p: near(Point(-96, 33), crs="EPSG:4326+5773"), lambda: km(-96, 33)),
    refused("a CRS of the building site", lambda p: near(Point(0, 0), crs=LOCAL),
            "layer 'lakes'", "site grid", "set it", error=CRSError),
    refused("a geocentric CRS", lambda p: near(Point(HERE), crs=4978),
            "layer 'lakes'", "geocentric", "set it", error=CRSError),
    refused("a CRS of heights alone", lambda p: near(Point(HERE), crs=5703),
            "layer 'lakes'", "vertical", "set it", error=CRSError),
    refused("latitude before longitude", lambda p: count(Point(32, -97)),
            "layer 'lakes'", "swapped", "row 0", "swap_xy=True", error=CRSError),
    refused("candidates with latitude before longitude",
            lambda p: near(AROUND, to=sites(Point(HERE), Point(32, -97))),
            "the sites", "row 1", "swap_xy=True", error=CRSError),
    refused("meters that say degrees", lambda p: count(Point(5e5, 3.5e6)),
            "layer 'lakes'", "row 0", "set_crs", error=CRSError),
    refused("degrees that say meters", lambda p: count(Point(-97, 32.1), crs=5070),
            "layer 'lakes'", "look like degrees", "set_crs", error=CRSError),
    refused("candidates in degrees that say meters",
            lambda p: near(AROUND, to=sites(Point(HERE), Point(-96, 33), crs=32614)),
            "the sites", "look like degrees", "set_crs", error=CRSError),
    right("a projection centered on the site",
          lambda p: near(Point(0, 1000), crs="+proj=aeqd +lat_0=32 +lon_0=-97",
                         to=sites(Point(0, 0), crs="+proj=aeqd +lat_0=32 +lon_0=-97")),
          1.0),
    refused("a latitude of 91", lambda p: near(Point(HERE), Point(-97, 91)),
            "layer 'lakes'", "row 1", "set_crs", error=CRSError),
    refused("far outside a projection", lambda p: near(Point(1e9, 1e9), crs=32614),
            "layer 'lakes'", "row 0", "check that `crs`", error=CRSError),
    right("longitudes from 0 to 360", lambda p: near(Point(264, 33)),
          lambda: km(-96, 33)),
    # -------------------------------------------------------- missing and empty
    refused("a null geometry", lambda p: near(AROUND, None), "layer 'lakes'",
            "row 1", "leave these rows out"),
    refused("an empty polygon", lambda p: near(AROUND, Polygon()), "layer 'lakes'",
            "row 1", "leave these rows out"),
    refused("a candidate without geometry",
            lambda p: near(AROUND, to=sites(Point(HERE), None, index=["a", "b"])),
            "the sites", "row b", "leave these rows out"),
    refused("NaN for a coordinate",
            lambda p: near(LineString([HERE, (-96, 33)]),
                           line_to(np.nan)),
            "layer 'lakes'", "row 1", "correct"),
    refused("an infinite coordinate",
            lambda p: near(line_to(np.inf)),
            "layer 'lakes'", "row 0", "correct"),
    right("an empty layer is unknown, not zero",
          lambda p: [*near(), *count(), *ss.CoveredShare(layer())(sites(AROUND))],
          [np.nan] * 3),
    right("an empty layer is unknown to a setback",
          lambda p: [*ss.Near(layer(), km=5)(sites())], [True], warns="no rows"),
    right("an empty layer is unknown to an exclusion",
          lambda p: [*ss.Inside(layer())(sites())], [True], warns="no rows"),
    right("an empty part of a geometry is nowhere", lambda p: near(HALF_EMPTY),
          lambda: km(-96, 32)),
    right("candidates with an empty part",
          lambda p: near(Point(HERE), to=sites(HALF_EMPTY)), lambda: km(-96, 32)),
    right("a layer of one row", lambda p: near(Point(-96, 33)), lambda: km(-96, 33)),
    # --------------------------------------------------------- odd but usable
    right("points, lines and polygons in one layer",
          lambda p: count(AROUND, Point(-97.1, 32), LineString([(0, 0), HERE])), 3.0),
    right("a collection of polygon, line and point",
          lambda p: [
              *ss.Inside(layer(GeometryCollection([AROUND, Point(0, 0)])))(sites()),
              *near(GeometryCollection([Point(0, 0), Point(-96, 33)]))],
          lambda: [True, km(-96, 33)]),
    right("a collection within a collection",
          lambda p: near(GeometryCollection([GeometryCollection([Point(-96, 33)])])),
          lambda: km(-96, 33)),
    right("a closed ring is a line, not an area",
          lambda p: near(LinearRing([(-97.5, 31), (-96.5, 31), (-96.5, 33),
                                     (-97.5, 33)]), to=sites(Point(-97.4, 32))),
          lambda: km(-97.5, 32, (-97.4, 32))),
    right("heights do not count",
          lambda p: near(Point(-96, 33, 9000), to=sites(Point(*HERE, 100))),
          lambda: km(-96, 33)),
    right("measures (M) do not count",
          lambda p: near(shapely.from_wkt("POINT M (-96 33 5)")),
          lambda: km(-96, 33)),
    right("three points at one place are three",
          lambda p: count(Point(HERE), Point(HERE), Point(HERE)), 3.0),
    right("a ring the other way round",
          lambda p: covered(box(-97, 32, -95, 33), AROUND.reverse()),
          lambda: parts_of(box(-97, 32, -95, 33), AROUND)),
    right("a polygon of a millionth of a millimeter",
          lambda p: near(box(-96, 33, -96 + 1e-13, 33 + 1e-13)), lambda: km(-96, 33)),
    right("a line of no length", lambda p: near(LineString([(-96, 33), (-96, 33)])),
          lambda: km(-96, 33), warns=REPAIRED),
    right("a candidate that is a line of no length",
          lambda p: near(Point(HERE), to=sites(LineString([(-96, 33), (-96, 33)]))),
          lambda: km(-96, 33), warns=REPAIRED),
    # ----------------------------------------------------------------- invalid
    right("a bow-tie is its two halves",
          lambda p: covered(AROUND, BOW_TIE),
          lambda: sum(area_km2(t) for t in shapely.make_valid(BOW_TIE).geoms)
          / area_km2(AROUND), warns=r"layer 'lakes': 1 of 1 are invalid .* row 0"),
    right("a candidate that is a bow-tie",
          lambda p: covered(BOW_TIE, box(-98, 30, -97, 34)), 0.5,
          warns=r"the sites: 1 of 1 are invalid .* row 0"),
    right("a hole outside its shell",
          lambda p: ss.Inside(layer(HOLE_OUTSIDE))(sites()), True, warns=REPAIRED),
    right("a hole in a hole is the larger hole",
          lambda p: near(NESTED), lambda: min(km(-96.5, 32), 0.5 * 110.9),
          warns=r"row 0"),
    right("parts that overlap count once",
          lambda p: covered(AROUND, MultiPolygon([AROUND, AROUND])), 1.0,
          warns=REPAIRED),
    right("a spike has no area",
          lambda p: covered(box(-96.5, 34, -95.5, 40), Polygon(
              [(-98, 31), (-96, 31), (-96, 33), (-96, 40), (-96, 33), (-98, 33)])),
          0.0, warns=REPAIRED),
    refused("a polygon without area", lambda p: near(AROUND, FLAT),
            "layer 'lakes'", "no area left, in row 1", "leave these rows out"),
    refused("a polygon of which nothing is left by its hole",
            lambda p: near(Polygon(AROUND.exterior, [AROUND.exterior])),
            "layer 'lakes'", "no area left, in row 0", "leave these rows out"),
    refused("a candidate without area",
            lambda p: near(AROUND, to=sites(AROUND, FLAT, index=["a", "b"])),
            "the sites", "no area left, in row b", "leave these rows out"),
    refused("a polygon of one point",
            lambda p: near(AROUND, Polygon([HERE] * 4)),
            "layer 'lakes'", "row 1", "leave these rows out"),
    # --------------------------------------------------- the seam and the poles
    refused("a polygon from 179 to -179, either way round", lambda p: near(ACROSS),
            "layer 'lakes'", "row 0", "segmentize"),
    right("a line from 179 to -179 goes the shorter way",
          lambda p: near(LineString([(179, 0), (-179, 0)]), to=sites(Point(180, 1))),
          lambda: km(180, 0, (180, 1))),
    right("a polygon to 181",
          lambda p: [*near(box(179, -18, 181, -16), to=sites(
              Point(-179.5, -17), Point(-178, -17)))],
          lambda: [0.0, km(-179, -17, (-178, -17))]),
    right("a box all the way round",
          lambda p: near(box(-180, -90, 180, -60), to=sites(Point(0, -50))),
          lambda: km(0, -60, (0, -50))),
    right("a box all the way round in another datum",
          lambda p: near(box(-180, -90, 180, -60), crs=4269, to=sites(Point(0, -50))),
          lambda: km(0, -60, (0, -50))),
    right("an area round a pole in its projection",
          lambda p: [*ss.Inside(polar())(sites(
              Point(0, -85), Point(180, -80), Point(0, -90), Point(0, -40))),
              *ss.Nearest(polar())(sites(Point(0, -50), Point(0, -85)))],
          lambda: [True, True, True, False, km(0, edge_of_polar(), (0, -50)), 0.0]),
    right("a ring round a pole",
          lambda p: ss.Inside(polar(hole=1e6))(sites(
              Point(0, -89), Point(120, -75), Point(180, -75), Point(0, -40))),
          [False, True, True, False]),
    right("the pole", lambda p: near(Point(0, 90), to=sites(Point(120, 89))),
          lambda: km(0, 90, (120, 89))),
    right("a layer on the other side of the Earth",
          lambda p: [*near(Point(83, -32)), *count(Point(83, -32))],
          lambda: [km(83, -32), 0.0]),
    # ------------------------------------------------------------------- large
    right("a polygon of 100,000 corners",
          lambda p: [*ss.Inside(layer(Point(HERE).buffer(1, quad_segs=25_000)))(
              sites(Point(-97, 32.9), Point(-97, 33.1)))],
          [True, False], is_soak=True),
    right("the distance to 100,000 corners",
          lambda p: ss.Nearest(layer(Point(HERE).buffer(1, quad_segs=25_000)))(
              sites(Point(-97, 33.5))), lambda: km(-97, 33, (-97, 33.5)),
          is_soak=True),
    right("the share under a comb of 100,000 corners",
          lambda p: covered(box(-98, 31, -97, 32), comb(25_000)),
          lambda: parts_of(box(-98, 31, -97, 32), comb(25_000)), is_soak=True),
]  # fmt: skip


def comb(teeth):
    """Return a polygon of many teeth, four corners each."""
    x = np.repeat(np.linspace(-98, -97, 2 * teeth + 1), 2)[1:-1]
    y = np.where(np.arange(len(x)) % 4 < 2, 31.2, 31.9)
    return Polygon([(-98, 31), *zip(x, y, strict=True), (-97, 31)])


@pytest.mark.parametrize("row", as_parameters(GEOMETRIES))
def test_hostile_geometries(row, tmp_path):
    judge(row, tmp_path)


# ----------------------------------------------------------------------- columns


def total(values):
    return ss.Within(columned(values), radius_km=500, sum="c")(sites())


def at(values):
    """Score the site by the column of the polygon that holds it."""
    frame = sites()
    criterion = ss.Criterion("q", ss.At(columned(values), "c"), ss.Rising(0, 2))
    return ss.score_sites(frame, [criterion])["score"]


def labelled(values):
    criterion = ss.Criterion(
        "q", ss.At(columned(values), "c"), ss.Categories({"a": 0.75, "b": 0.5})
    )
    return ss.score_sites(sites(), [criterion])["score"]


ARROW = pd.ArrowDtype(pa.decimal128(5, 2))
NUMBERS = {
    "truth values": ([True, False], 0.5, 1.0),
    "Int64 with pd.NA": (pd.array([1, None], "Int64"), 0.5, np.nan),
    "Float64 with pd.NA": (pd.array([1.5, None], "Float64"), 0.75, np.nan),
    "boolean with pd.NA": (pd.array([True, None], "boolean"), 0.5, np.nan),
    "whole numbers of Arrow": (pd.array([1, 2], "int64[pyarrow]"), 0.5, 3.0),
    "decimals of Arrow": (pd.array([Decimal("1.5"), Decimal(1)], ARROW), 0.75, 2.5),
    "a sparse column": (pd.arrays.SparseArray([1.0, np.nan]), 0.5, np.nan),
    "half precision": (np.array([1, 1], "float16"), 0.5, 2.0),
    "the largest of 64 bits": (np.array([2**63, 0], "uint64"), 1.0, 2.0**63),
    "nothing but NaN": ([np.nan, np.nan], np.nan, np.nan),
}
NO_NUMBERS = {
    "numbers as text": ["1,234", "5"],
    "text and numbers": np.array([1, "2"], dtype=object),
    "Python decimals": [Decimal("1.5"), Decimal(2)],
    "dates": pd.to_datetime(["2024-01-01", "2025-01-01"]),
    "lengths of time": pd.to_timedelta([1, 2], "D"),
    "categories of numbers": pd.Categorical([1, 2]),
    "complex numbers": [1 + 1j, 2],
    "lists": [[1], [2]],
    "bytes": [b"1", b"2"],
    "ranges": pd.interval_range(0, 2),
}

COLUMNS = [
    *[
        right(f"{name}, at the site and summed",
              partial(lambda values, p: [*at(values), *total(values)], values),
              [own, summed])
        for name, (values, own, summed) in NUMBERS.items()
    ],
    *[
        refused(f"{name}, to be summed", partial(lambda v, p: total(v), values),
                "column 'c'", "layer 'zones'", "pd.to_numeric")
        for name, values in NO_NUMBERS.items()
    ],
    misasked("figures with thousands separated among the candidates",
             lambda p: score(frame=acres().assign(acres=["1,234", "5"])),
             "criterion 'size'", "'1,234' in row 'a'", "pd.to_numeric"),
    refused("infinity in a layer", lambda p: total([1.0, np.inf]),
            "column 'c'", "layer 'zones'", "rows: 1", "replace"),
    misasked("infinity among the candidates",
             lambda p: score(frame=acres().assign(acres=[1.0, -np.inf])),
             "criterion 'size'", "row 'b'", "replace"),
    right("categories of labels", lambda p: labelled(pd.Categorical(["a", "b"])), 0.75),
    right("a missing label is unknown", lambda p: labelled([None, "a"]), np.nan),
    misasked("a label without a value", lambda p: labelled(["A", "b"]),
             "criterion 'q'", "'A'", "list the label"),
    misasked("a list for a label", lambda p: labelled([["a"], ["b"]]),
             "criterion 'q'", "['a']", "astype(str)"),
    refused("a column that is not there",
            lambda p: ss.Within(columned([1, 2]), radius_km=5, sum="cc")(sites()),
            "'cc'", "layer 'zones'", "did you mean 'c'"),
    refused("no column of the candidates", lambda p: score(ss.Column("acre")),
            "'acre'", "the candidates", "did you mean 'acres'"),
    refused("None for a column", lambda p: ss.At(columned([1, 2]), None),
            "None", "layer 'zones'", "check the spelling"),
    refused("a list for a column", lambda p: ss.Nearest(
        columned([1, 2]), attribute=["c"]), "['c']", "layer 'zones'", "spelling"),
    refused("a column that is there twice",
            lambda p: ss.Within(layer(AROUND, c=[1], d=[2]).set_axis(
                ["c", "c", "geometry"], axis=1), radius_km=5, sum="c"),
            "'c'", "2 columns", "rename or drop"),
    refused("the geometry for a figure",
            lambda p: ss.Within(columned([1, 2]), radius_km=500, sum="geometry")(
                sites()), "'geometry'", "layer 'zones'", "numeric columns"),
    right("a geometry column of another name",
          lambda p: ss.Nearest(layer(Point(-96, 33)).rename_geometry("class"))(
              sites().rename_geometry("place")), lambda: km(-96, 33)),
    right("the active one of two geometry columns",
          lambda p: ss.Nearest(layer(Point(-96, 33)).assign(
              old=gpd.GeoSeries([Point(HERE)], crs=4326)))(sites()),
          lambda: km(-96, 33)),
    refused("no geometry column",
            lambda p: ss.Nearest(gpd.GeoDataFrame({"c": [1]})), "no active geometry",
            "set_geometry"),
    refused("a layer whose geometry was dropped",
            lambda p: ss.Within(gpd.GeoDataFrame(layer(AROUND, c=[1]).drop(
                columns="geometry")), radius_km=5, count=True),
            "no active geometry", "set_geometry"),
    refused("a table for a layer", lambda p: ss.Nearest(pd.DataFrame({"c": [1]})),
            "Nearest", "DataFrame", "read_layer"),
    refused("a path for a layer", lambda p: ss.Near("lakes.gpkg", km=1), "Near",
            "found str", "read_layer"),
    refused("a raster for a vector layer",
            lambda p: ss.Nearest(read_layer(tif(p))), "Nearest", "Raster",
            "Sample or Zonal"),
    refused("a vector layer for a raster", lambda p: ss.Sample(layer(AROUND)),
            "Sample", "GeoDataFrame", "read_layer"),
]  # fmt: skip


@pytest.mark.parametrize("row", as_parameters(COLUMNS))
def test_hostile_columns(row, tmp_path):
    judge(row, tmp_path)


# ----------------------------------------------------------------------- filters


def passing(where, **columns):
    """Count the rows of a layer that pass a filter."""
    columns = columns or {"mw": [1.0, 2.0, np.nan], "kind": ["a", "b", None]}
    return count(*[Point(HERE)] * 3, **columns, where=where)


FILTERS = [
    right("a filter that keeps nothing counts none", lambda p: passing("mw > 99"), 0.0),
    right("a filter that keeps nothing leaves no nearest",
          lambda p: ss.Nearest(layer(Point(HERE), mw=[1.0]), where="mw > 99")(sites()),
          np.nan),
    right("missing figures pass no filter",
          lambda p: [*passing("mw != 1"), *passing("not mw == 1"),
                     *passing({"mw": np.nan}), *passing("kind != 'a'")],
          [1.0, 1.0, 0.0, 1.0]),
    right("columns named like words of the language",
          lambda p: [*passing("`class` > 1", **{"class": [1, 2, 3]}),
                     *passing({"and": 1}, **{"and": [1, 1, 2]})], [2.0, 2.0]),
    right("a column name with spaces and signs",
          lambda p: passing("`größe #1 (MW)` > 1", **{"größe #1 (MW)": [1, 2, 3]}),
          2.0),
    right("labels that Arrow cannot turn into decimals",
          lambda p: passing({"c": "x"}, c=pd.array([Decimal(1)] * 3, ARROW)), 0.0),
    misasked("a filter on a column that is not there", lambda p: passing("mww > 1"),
             "'mww > 1'", "layer 'lakes'", "did you mean 'mw'"),
    refused("a mapping with a column that is not there",
            lambda p: passing({"mww": 1}), "'mww'", "layer 'lakes'",
            "did you mean 'mw'"),
    misasked("a filter cut short", lambda p: passing("mw >"), "'mw >'",
             "layer 'lakes'", "write for instance"),
    misasked("an assignment", lambda p: passing("mw = 5"), "'mw = 5'",
             "layer 'lakes'", "write for instance"),
    misasked("no filter at all", lambda p: passing(" "), "layer 'lakes'",
             "write for instance"),
    misasked("figures instead of truths", lambda p: passing("mw"), "layer 'lakes'",
             "one truth per row", "write for instance"),
    misasked("labels compared with a figure", lambda p: passing("kind > 1"),
             "layer 'lakes'", "invalid comparison", "write for instance"),
    misasked("the position of a row",
             lambda p: passing("index > 0"), "layer 'lakes'", "'index'",
             "write for instance"),
    *[
        misasked(f"code in a filter: {text}", partial(lambda t, p: passing(t), text),
                 "layer 'lakes'", "allowed are comparisons", "write for instance")
        for text in (
            "__import__('os').getcwd()",
            "mw.__class__.__mro__",
            "@pd.io.common",
            "[x for x in [1]]",
            "(lambda: 1)()",
            "mw > 1; mw",
        )
    ],
    *[
        misasked(f"a filter that never ends: {text}",
                 partial(lambda t, p: passing(t), text),
                 "layer 'lakes'", "not allowed", "write for instance")
        for text in ("9**9**9**9 > mw", "1 << 10**10 > mw", "'a' * 10000000000 == kind",
                     "mw in [1] * 10000000000")
    ],
    misasked("a number for a filter", lambda p: passing(5), "layer 'lakes'",
             "found 5", "write for instance"),
    misasked("a function of labels",
             lambda p: passing(lambda frame: frame["kind"]), "layer 'lakes'",
             "'a' in row 0", "return for instance"),
    misasked("a function of an array",
             lambda p: passing(lambda frame: (frame["mw"] > 1).to_numpy()),
             "layer 'lakes'", "ndarray", "return for instance"),
    misasked("a function of another index",
             lambda p: passing(lambda frame: pd.Series([True])), "layer 'lakes'",
             "another index", "return for instance"),
]  # fmt: skip


@pytest.mark.parametrize("row", as_parameters(FILTERS))
def test_hostile_filters(row, tmp_path):
    judge(row, tmp_path)


# --------------------------------------------------------------------- questions


def pair(first, second):
    """Score by one column with two weights."""
    return ss.score_sites(
        acres(),
        [
            ss.Criterion("up", ss.Column("acres"), ss.Rising(0, 400), weight=first),
            ss.Criterion("down", ss.Column("acres"), ss.Falling(0, 400), weight=second),
        ],
    )["score"]


QUESTIONS = [
    # ----------------------------------------------------------------- weights
    *[
        misasked(f"a weight of {name}", partial(lambda w, p: pair(w, 1), weight),
                 "criterion 'up'", "finite numbers from 0 up")
        for name, weight in {
            "minus one": -1, "NaN": np.nan, "infinity": np.inf, "text": "2",
            "None": None, "True": True, "400 digits": 10**400, "pd.NA": pd.NA,
        }.items()
    ],
    misasked("all weights zero", lambda p: pair(0, 0), "up, down",
             "give a weight"),
    right("a weight of zero keeps its criterion out", lambda p: pair(0, 2),
          [0.75, 0.25]),
    right("weights as large and small as they come", lambda p: pair(1e308, 1e-300),
          [0.25, 0.75]),
    # ------------------------------------------------------------------ bounds
    *[
        misasked(f"bounds {a} and {b}", partial(lambda a, b, p: ss.Rising(a, b), a, b),
                 "Rising", "finite numbers with a < b", "swap the bounds")
        for a, b in ((1, 1), (2, 1), (math.nan, 1), (0, math.inf), ("0", "1"),
                     (None, 1), (0, 10**400))
    ],
    misasked("points of a curve out of order",
             lambda p: ss.Piecewise([(1, 0), (0, 1)]), "Piecewise", "sort them"),
    misasked("no points of a curve", lambda p: ss.Piecewise(None), "Piecewise",
             "write for instance"),
    misasked("no labels", lambda p: ss.Categories(None), "Categories",
             "write for instance"),
    misasked("labels for a curve", lambda p: ss.Rising(0, 1)(["1", "x"]), "Rising",
             "'x'", "Categories"),
    # ---------------------------------------------------------- radius, k, stat
    *[
        misasked(f"a radius of {name}",
                 partial(lambda r, p: ss.Within(layer(AROUND), radius_km=r, count=True),
                         radius),
                 "radius_km", "finite numbers above 0", "radius_km=25")
        for name, radius in {
            "zero": 0, "minus one": -1, "infinity": np.inf, "NaN": np.nan,
            "text": "25", "None": None, "True": True,
        }.items()
    ],
    right("a radius around the globe",
          lambda p: count(Point(83, -32), Point(HERE), radius_km=30_000), 2.0),
    misasked("a negative setback", lambda p: ss.Near(layer(AROUND), km=-1), "Near",
             "found -1", "km=25"),
    right("a setback of zero touches",
          lambda p: ss.Near(layer(AROUND), km=0)(sites(Point(HERE), Point(0, 0))),
          [True, False]),
    *[
        misasked(f"the {k!r}th nearest",
                 partial(lambda k, p: ss.Nearest(layer(AROUND), k=k), k),
                 "Nearest", f"k={k!r}", "k=2")
        for k in (0, -1, 1.5, "1", None, True)
    ],
    right("the second nearest by a number of NumPy",
          lambda p: ss.Nearest(layer(Point(HERE), Point(-96, 33)), k=np.int64(2))(
              sites()), lambda: km(-96, 33)),
    right("a k beyond the layer is unknown",
          lambda p: ss.Nearest(layer(AROUND), k=3)(sites()), np.nan),
    misasked("two statistics at once",
             lambda p: ss.Within(layer(AROUND, mw=[1]), radius_km=5, count=True,
                                 sum="mw"),
             "count=True", "sum='mw'", "one criterion for each"),
    misasked("a column to be counted",
             lambda p: ss.Within(layer(AROUND, mw=[1]), radius_km=5, count="mw"),
             "count='mw'", "write for instance"),
    refused("a statistic nobody knows",
            lambda p: ss.Zonal(read_layer(tif(p)), "men"), "'men'", "did you mean"),
    misasked("a band by number that is none",
             lambda p: ss.Sample(read_layer(tif(p)), band=None), "raster 'dem'",
             "found None", "band=1"),
    refused("the length of polygons",
            lambda p: ss.Length(layer(AROUND), radius_km=5)(sites()), "Polygon",
            "frame.boundary"),
    refused("the ground of a point", lambda p: ss.CoveredShare(layer(AROUND))(sites()),
            "not polygons", "cell_km", "grid_candidates"),
    refused("inside of points", lambda p: ss.Inside(layer(Point(HERE)))(sites()),
            "rows are Point", "buffer"),
    refused("cells without end",
            lambda p: ss.CoveredShare(layer(AROUND))(sites(
                cell_km=[np.inf], cell_shape=["square"])),
            "cell_km=inf", "grid_candidates"),
    misasked("a number for the weights of travel",
             lambda p: ss.Travel(pd.DataFrame({"a": [1.0]}), "mean", weights=5),
             "they are 5", "weights"),
    refused("complex costs of travel",
            lambda p: ss.Travel(pd.DataFrame({"a": [1j]}))(sites()),
            "travel", "'a'", "pd.to_numeric"),
    refused("None for scored candidates", lambda p: ss.eligibility(None), "NoneType",
            "score first"),
    # -------------------------------------------------------------- candidates
    right("no candidates",
          lambda p: len(ss.score_sites(acres().iloc[:0], [
              ss.Criterion("near", ss.Nearest(layer(AROUND)), ss.Falling(1, 9)),
              ss.Criterion("cell", ss.Sample(read_layer(tif(p))), ss.Rising(1, 9))],
              exclude=[ss.Near(layer(AROUND), km=5)])), 0),
    right("one candidate", lambda p: score(frame=acres().iloc[:1]), 0.25),
    right("two candidates at one place",
          lambda p: score(frame=sites(Point(HERE), Point(HERE), acres=[100.0, 300.0])),
          [0.25, 0.75]),
    refused("an index with copies",
            lambda p: score(frame=acres().set_index(pd.Index(["a", "a"]))),
            "more than once: a", "reset_index"),
    refused("an index with NaN",
            lambda p: score(frame=acres().set_index(pd.Index([1.0, np.nan]))),
            "position 1", "reset_index"),
    right("an index of two levels",
          lambda p: score(frame=acres().set_index(pd.MultiIndex.from_tuples(
              [("TX", 1), ("OK", 1)]))), [0.25, 0.75]),
    right("an index of numbers and text",
          lambda p: score(frame=acres().set_index(pd.Index([1, "b"], dtype=object))),
          [0.25, 0.75]),
    refused("columns of two levels",
            lambda p: score(frame=acres().set_axis(pd.MultiIndex.from_tuples(
                [("acres", ""), ("geometry", "")]), axis=1)),
            "2 levels", "join the levels"),
    refused("a column there twice",
            lambda p: score(frame=pd.concat([acres(), acres()[["acres"]]], axis=1)),
            "acres", "rename or drop"),
    refused("a table of candidates",
            lambda p: score(frame=pd.DataFrame({"acres": [1.0]})), "DataFrame",
            "read_layer"),
    refused("candidates without their geometry",
            lambda p: score(frame=gpd.GeoDataFrame({"acres": [1.0]})),
            "no active geometry", "set_geometry"),
    right("a series of geometries for candidates",
          lambda p: ss.Nearest(layer(Point(-96, 33)))(sites().geometry),
          lambda: km(-96, 33)),
    refused("None for candidates", lambda p: ss.Nearest(layer(AROUND))(None),
            "NoneType", "grid_candidates"),
    right("candidates with holes and in parts",
          lambda p: ss.CoveredShare(layer(box(-97.5, 31.5, -96.5, 32.5)))(sites(
              AROUND.difference(box(-97.5, 31.5, -96.5, 32.5)),
              MultiPolygon([box(-97.4, 31.6, -97, 32), box(-90, 31.6, -89.6, 32)]))),
          [0.0, 0.5]),
    # ---------------------------------------------------------------- criteria
    misasked("two criteria of one name",
             lambda p: ss.score_sites(acres(), [ss.Criterion(
                 "size", ss.Column("acres"), ss.Rising(0, 9))] * 2),
             "'size'", "more than once", "rename one"),
    misasked("no criteria", lambda p: ss.score_sites(acres(), None), "found none",
             "one or more"),
    misasked("a name of nothing but spaces", lambda p: score(name=" "), "' '",
             "write for instance"),
    right("names in other letters and with signs",
          lambda p: score(name="größe 数 % {} <b>"), [0.25, 0.75]),
    misasked("a column of the user's that scoring would hide",
             lambda p: score(frame=acres(score=[1, 2])), "'score'", "drop it"),
    misasked("a function of another length",
             lambda p: score(lambda frame: pd.Series([1.0])), "criterion 'size'",
             "another index", "reindex"),
    misasked("a function of another index",
             lambda p: score(lambda frame: pd.Series([1.0, 2.0], index=["x", "y"])),
             "criterion 'size'", "'x'", "reindex"),
    misasked("a function in another order",
             lambda p: score(lambda frame: frame["acres"][::-1]), "criterion 'size'",
             "another index", "reindex"),
    misasked("a function of an array",
             lambda p: score(lambda frame: frame["acres"].to_numpy()),
             "criterion 'size'", "ndarray", "reindex"),
    misasked("a function of text",
             lambda p: score(lambda frame: pd.Series(["x", "y"], index=frame.index)),
             "criterion 'size'", "'x' in row 'a'", "Categories"),
    right("a function that changes its frame",
          lambda p: score(lambda frame: frame.__setitem__("acres", 0.0)
                          or pd.Series(200.0, index=frame.index)), [0.5, 0.5]),
    misasked("a value beyond 1", lambda p: score(value=lambda raw: raw),
             "criterion 'size'", "100 in row 'a'", "clip or rescale"),
    misasked("a value of text", lambda p: score(value=lambda raw: ["a", "b"]),
             "criterion 'size'", "'a'", "Categories"),
    misasked("complex values", lambda p: score(value=lambda raw: raw * 1j),
             "criterion 'size'", "numbers from 0", "Categories"),
    misasked("one value for all", lambda p: score(value=lambda raw: 0.5),
             "criterion 'size'", "for 2 sites", "whole array"),
    misasked("an aggregate nobody knows",
             lambda p: ss.score_sites(acres(), [ss.Criterion(
                 "size", ss.Column("acres"), ss.Rising(0, 9))], aggregate="best"),
             "'best'", "leave it out"),
    # --------------------------------------------------- exclusions and gates
    refused("an exclusion by a column that is not there",
            lambda p: ss.Where("slope", above=8)(acres()), "'slope'",
            "the candidates", "spelling"),
    misasked("an exclusion beyond NaN", lambda p: ss.Where("acres", above=np.nan),
             "'acres'", "above=nan", "equals= or isin="),
    misasked("an exclusion of what equals NaN",
             lambda p: ss.Where("acres", equals=np.nan), "'acres'", "missing=",
             "write for instance"),
    misasked("an exclusion beyond True", lambda p: ss.Where("acres", above=True),
             "'acres'", "above=True", "equals= or isin="),
    misasked("letters for labels", lambda p: ss.Where("acres", isin="abc"), "'acres'",
             "a text", "write for instance"),
    misasked("exclusions joined by `and`",
             lambda p: ss.Near(layer(AROUND), km=1) and ss.Where("acres", above=8),
             "near lakes", "write (a & b)"),
    misasked("a layer for an exclusion",
             lambda p: ss.score_sites(acres(), [ss.Criterion(
                 "size", ss.Column("acres"), ss.Rising(0, 9))],
                 exclude=[layer(AROUND)]), "place 1", "write for instance"),
    misasked("an exclusion by figures",
             lambda p: ss.score_sites(acres(), [ss.Criterion(
                 "size", ss.Column("acres"), ss.Rising(0, 9))],
                 exclude=[lambda frame: frame["acres"]]),
             "exclusion 1", "row 'a'", "compare the figure"),
    refused("a gate on a column that is not there",
            lambda p: ss.check_gates(acres(), [
                ss.Gate("flat", ss.Column("slope"), at_most=5)]),
            "gate 'flat'", "'slope'", "spelling"),
    refused("a gate on labels",
            lambda p: ss.check_gates(acres(kind=["a", "b"]), [
                ss.Gate("flat", ss.Column("kind"), at_most=5)]),
            "gate 'flat'", "'kind'", "isin="),
    misasked("a gate that lets nobody through",
             lambda p: ss.Gate("flat", ss.Column("acres"), at_least=5, at_most=1),
             "gate 'flat'", "at_least=5 above at_most=1", "turn the two round"),
    right("a gate on pd.NA is unknown",
          lambda p: ss.check_gates(acres(n=pd.array([1, None], "Int64")), [
              ss.Gate("flat", ss.Column("n"), at_most=5)])["flat_gate"],
          ["PASS", "UNKNOWN"]),
    # --------------------------------------------------------------------- AHP
    *[
        misasked(f"pairwise judgements {name}",
                 partial(lambda m, p: ss.ahp(m, names=["a", "b", "c"][: len(m)]), m),
                 *words)
        for name, m, *words in (
            ("that contradict", [[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]],
             "consistency ratio", "max_ratio=None"),
            ("that do not mirror", [[1, 3], [3, 1]], "('a', 'b')", "1/x opposite to x"),
            ("of no square", [[1, 2, 3], [1, 2, 3]], "shape (2, 3)", "write for"),
            ("of zero", [[1, 0], [0, 1]], "('a', 'b')", "numbers above 0"),
            ("of NaN", [[1, np.nan], [np.nan, 1]], "('a', 'b')", "numbers above 0"),
            ("of text", [["1", "x"], ["y", "1"]], "'x'", "matrix of numbers"),
            ("without end", [[1, 1e300], [1e-300, 1]], "('a', 'b')", "ends at 9"),
        )
    ],
    misasked("a pair not judged", lambda p: ss.ahp({("a", "b"): 3, ("b", "c"): 2}),
             "('a', 'c')", "every pair"),
    misasked("a pair judged twice", lambda p: ss.ahp({("a", "b"): 3, ("b", "a"): 2}),
             "its mirror", "in one direction"),
    # -------------------------------------------------------------------- grids
    misasked("a grid of a millionth of a millimeter",
             lambda p: ss.grid_candidates(AROUND, spacing_km=1e-12),
             "1e-12 km", "larger spacing_km"),
    misasked("a grid of no spacing", lambda p: ss.grid_candidates(AROUND, spacing_km=0),
             "spacing_km=0", "spacing_km=10"),
    refused("a grid over latitude before longitude",
            lambda p: ss.grid_candidates(gpd.GeoSeries(
                [box(31, -98, 33, -96)], crs=4326), spacing_km=20),
            "the area", "swapped", "swap_xy", error=CRSError),
    refused("a grid on the building site",
            lambda p: ss.grid_candidates(gpd.GeoSeries(
                [box(0, 0, 1e3, 1e3)], crs=LOCAL), spacing_km=0.1),
            "the area", "site grid", "set it", error=CRSError),
    refused("a grid over points",
            lambda p: ss.grid_candidates(sites(), spacing_km=20), "Point", "buffer"),
]  # fmt: skip


@pytest.mark.parametrize("row", as_parameters(QUESTIONS))
def test_hostile_questions(row, tmp_path):
    judge(row, tmp_path)


def test_a_function_that_fails_keeps_its_error_and_names_its_criterion():
    # The user's own mistake stays what it is, with a note of where.
    with pytest.raises(ZeroDivisionError) as caught:
        score(lambda frame: 1 / 0)
    assert "criterion 'size'" in caught.value.__notes__[0].lower()


def test_the_catalogue_is_long_and_each_row_another():
    rows = [*VECTOR, *RASTER, *GEOMETRIES, *COLUMNS, *FILTERS, *QUESTIONS]
    tables = (VECTOR, RASTER, GEOMETRIES, COLUMNS, FILTERS, QUESTIONS)
    assert all(len({row.name for row in table}) == len(table) for table in tables)
    assert len(rows) >= 300
    assert sum(row.error is not None for row in rows) >= 120
    assert sum(row.error is None for row in rows) >= 100
