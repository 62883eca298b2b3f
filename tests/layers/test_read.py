"""Every kind of source is read; everything unusable is refused with a reason."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from shapely import LineString, MultiPolygon, Point, Polygon, box

from siteselect.errors import CRSError, DataQualityWarning, LayerError
from siteselect.layers import Raster, check, layer_info, read_layer

AREA = gpd.GeoSeries([box(-100, 30, -95, 35)], crs=4326)
BOW_TIE = Polygon([(-97, 32), (-96, 33), (-96, 32), (-97, 33)])


@pytest.fixture
def parcels():
    return gpd.GeoDataFrame(
        {"parcel": ["a", "b", "c"], "mw": [100.0, 200.0, 300.0]},
        geometry=[box(x, 32, x + 0.5, 32.5) for x in (-99, -98, -97)],
        crs=4326,
    )


def messages_have_four_parts(error):
    return len(str(error).split(". ")) >= 4


# --------------------------------------------------------------------- reading


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "fgb", "kml"])
def test_vector_files(parcels, tmp_path, suffix):
    path = tmp_path / f"parcels.{suffix}"
    if suffix == "kml":
        parcels[["geometry"]].to_file(path, driver="KML")
    else:
        parcels.to_file(path)
    found = read_layer(path, area=AREA, geometry_type="polygon")
    assert len(found) == 3
    assert found.crs.to_epsg() == 4326
    # FlatGeobuf may store rows in another order.
    xs = sorted(found.to_crs(4326).geometry.bounds["minx"].round(6))
    assert xs == [-99, -98, -97]
    info = layer_info(found)
    assert info.name == "parcels"
    assert info.evidence == "unstated"
    if suffix != "kml":
        assert sorted(found["mw"]) == [100, 200, 300]


def test_parquet_and_feather_with_and_without_geometry(parcels, tmp_path):
    parcels.to_parquet(tmp_path / "geo.parquet")
    parcels.to_feather(tmp_path / "geo.feather")
    table = pd.DataFrame({"lon": [-97.0], "lat": [32.0]})
    table.to_parquet(tmp_path / "flat.parquet")
    table.to_feather(tmp_path / "flat.feather")
    for name in ("geo.parquet", "geo.feather"):
        assert len(read_layer(tmp_path / name)) == 3
    for name in ("flat.parquet", "flat.feather"):
        assert read_layer(tmp_path / name).geometry.iloc[0] == Point(-97, 32)


def test_zipped_shapefile(parcels, tmp_path):
    parcels.to_file(tmp_path / "parcels.shp")
    with zipfile.ZipFile(tmp_path / "parcels.zip", "w") as archive:
        for path in tmp_path.glob("parcels.*"):
            if path.suffix != ".zip":
                archive.write(path, path.name)
    assert len(read_layer(tmp_path / "parcels.zip")) == 3


def test_kmz(tmp_path):
    body = "".join(
        f"<Folder><name>{name}</name><Placemark><name>{name}</name><Point>"
        f"<coordinates>{lon},32,0</coordinates></Point></Placemark></Folder>"
        for name, lon in (("north", -97), ("south", -98))
    )
    kml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"{body}</Document></kml>"
    )
    path = tmp_path / "campus.kmz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("doc.kml", kml)
    found = read_layer(path, area=AREA)
    assert sorted(found.geometry.x) == [-98, -97]
    assert len(read_layer(path, layer="north")) == 1
    with zipfile.ZipFile(tmp_path / "empty.kmz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(LayerError, match=r"no \.kml file"):
        read_layer(tmp_path / "empty.kmz")
    (tmp_path / "torn.kmz").write_bytes(b"PK\x03\x04torn")
    with pytest.raises(LayerError, match="damaged"):
        read_layer(tmp_path / "torn.kmz")


def test_a_kml_without_a_schema_gives_numbers_where_all_are(tmp_path):
    rows = [
        {"acres": "120", "usd": "4.5e4", "zip": "08540", "apn": "12345678901234567890",
         "zone": "A1", "some": "7"},
        {"acres": " -80 ", "usd": "0.25", "zip": "12345", "apn": "1", "zone": "12"},
    ]  # fmt: skip
    marks = "".join(
        f"<Folder><name>{i}</name><Placemark><name>{i}</name><ExtendedData>"
        + "".join(
            f'<Data name="{key}"><value>{value}</value></Data>'
            for key, value in row.items()
        )
        + "</ExtendedData><Point><coordinates>-97,32</coordinates></Point>"
        "</Placemark></Folder>"
        for i, row in enumerate(rows)
    )
    path = tmp_path / "parcels.kml"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"{marks}</Document></kml>"
    )
    found = read_layer(path)
    assert found["acres"].tolist() == [120, -80]
    assert found["usd"].tolist() == [45000.0, 0.25]
    assert found["some"].iloc[0] == 7
    assert np.isnan(found["some"].iloc[1])
    for name in ("zip", "apn", "zone"):
        assert found[name].tolist() == [row[name] for row in rows]
    assert found["Name"].tolist() == ["0", "1"]


@pytest.mark.parametrize(
    "header", ["lon,lat", "Longitude,Latitude", "LNG,LAT", "long;lat", "lon\tlat"]
)
def test_csv_with_usual_names(tmp_path, header):
    separator = next(s for s in ",;\t" if s in header)
    path = tmp_path / "sites.csv"
    path.write_text(
        f"county{separator}{header}\n01001{separator}-97.5{separator}32.25\n"
        f"48453{separator}-98{separator}31\n"
    )
    found = read_layer(path, area=AREA)
    assert found.geometry.iloc[0] == Point(-97.5, 32.25)
    assert found.crs.to_epsg() == 4326
    # Codes keep their leading zero.
    assert found["county"].tolist() == ["01001", "48453"]


def test_csv_with_named_columns_and_wkt(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("east,north,mw\n0,1000000,5\n")
    found = read_layer(path, x="east", y="north", crs="EPSG:5070")
    assert found.crs.to_epsg() == 5070
    assert found["mw"].tolist() == [5]
    with pytest.raises(CRSError, match="does not say"):
        read_layer(path, x="east", y="north")
    path.write_text('name,wkt\na,"POINT (-97 32)"\nb,"LINESTRING (-97 32, -96 33)"\n')
    assert read_layer(path, crs=4326).geom_type.tolist() == ["Point", "LineString"]
    with pytest.raises(CRSError, match="no coordinate reference system"):
        read_layer(path)
    path.write_text("name,wkt\na,POINT (-97 32)\nb,nonsense\n")
    with pytest.raises(LayerError, match="'nonsense'"):
        read_layer(path, crs=4326)


def test_csv_without_recognizable_columns(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(LayerError, match="(?i:no columns with coordinates)") as caught:
        read_layer(path)
    assert messages_have_four_parts(caught.value)
    path.write_text("lonn,latt\n1,2\n")
    with pytest.raises(LayerError, match="Did you mean"):
        read_layer(path, x="lon", y="lat")
    path.write_text("lon,lat\n-97,32\n,33\n")
    with pytest.raises(LayerError, match=r"'lon'.*row 1"):
        read_layer(path)
    path.write_text("lon,lat\n97W,32\n-97,33\n")
    with pytest.raises(LayerError, match="'97W' in row 0"):
        read_layer(path)


def test_frames_are_not_changed(parcels):
    before = parcels.copy(deep=True)
    found = read_layer(parcels, id="parcel", name="mine", evidence="measured")
    assert found.index.tolist() == ["a", "b", "c"]
    assert found.index.name == "parcel"
    assert layer_info(found).evidence == "measured"
    pd.testing.assert_frame_equal(parcels, before)
    assert parcels.attrs == {}
    # What a frame says of itself stays, unless the caller says otherwise.
    again = read_layer(found, vintage="2024")
    assert layer_info(again).name == "mine"
    assert layer_info(again).evidence == "measured"
    assert layer_info(again).vintage == "2024"
    assert len(read_layer(parcels.geometry)) == 3


def test_rasters_come_back_as_rasters(tmp_path):
    path = tmp_path / "slope.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=4, width=4, dtype="float32",
        crs="EPSG:4326", transform=Affine(1, 0, -100, 0, -1, 35),
    ) as out:  # fmt: skip
        out.write(np.zeros((2, 4, 4), "float32"))
    found = read_layer(path, area=AREA, bands=[2], evidence="measured", name="slope")
    assert isinstance(found, Raster)
    assert found.bands == (2,)
    assert layer_info(found).name == "slope"
    # An unusual suffix is found out by opening it.
    odd = tmp_path / "slope.dat"
    odd.write_bytes(path.read_bytes())
    assert isinstance(read_layer(odd), Raster)
    with pytest.raises(LayerError, match="do not overlap"):
        read_layer(path, area=gpd.GeoSeries([box(5, 45, 6, 46)], crs=4326))


def test_a_file_of_several_layers_needs_a_choice(parcels, tmp_path):
    path = tmp_path / "all.gpkg"
    parcels.to_file(path, layer="parcels")
    parcels.to_file(path, layer="roads")
    with pytest.raises(LayerError, match="(?i:it holds 2 layers): parcels, roads"):
        read_layer(path)
    assert len(read_layer(path, layer="roads")) == 3
    with pytest.raises(LayerError, match="Did you mean 'roads'"):
        read_layer(path, layer="road")


# -------------------------------------------------------------------- refusing


def test_missing_crs(parcels):
    parcels = parcels.set_crs(None, allow_override=True)
    with pytest.raises(CRSError, match="no coordinate reference system") as caught:
        read_layer(parcels)
    assert messages_have_four_parts(caught.value)
    assert read_layer(parcels, crs="EPSG:4326").crs.to_epsg() == 4326


def test_a_crs_that_contradicts_the_source(parcels):
    with pytest.raises(CRSError, match="never converts"):
        read_layer(parcels, crs="EPSG:5070")
    with pytest.raises(CRSError, match="(?i:pyproj does not know)"):
        read_layer(parcels, crs="EPSG:nonsense")


@pytest.mark.parametrize(
    ("spot", "area"),
    [((32, -97), None), ((40, -75), None), ((47.6, -122.3), None), ((32, -97), AREA)],
)
def test_swapped_coordinates(spot, area):
    frame = gpd.GeoDataFrame(geometry=[Point(spot)], crs=4326)
    with pytest.raises(LayerError, match="swapped") as caught:
        read_layer(frame, area=area)
    assert messages_have_four_parts(caught.value)
    mended = read_layer(frame, swap_xy=True)
    assert mended.geometry.iloc[0] == Point(spot[::-1])


def test_swapped_within_the_study_area_elsewhere():
    # 45 N 5 E and 5 N 45 E are both on Earth; only the area tells.
    area = gpd.GeoSeries([box(4, 44, 6, 46)], crs=4326)
    frame = gpd.GeoDataFrame(geometry=[Point(45, 5)], crs=4326)
    assert len(read_layer(frame)) == 1
    with pytest.raises(LayerError, match="swapped"):
        read_layer(frame, area=area)


@pytest.mark.parametrize(
    ("spot", "error", "match"),
    [
        ((262.0, 32.0), LayerError, "from 0 to 360"),
        ((-97.0, 132.0), LayerError, "out of range"),
        ((-500_000.0, 1_000_000.0), CRSError, "look like meters"),
    ],
)
def test_out_of_range_coordinates(spot, error, match):
    frame = gpd.GeoDataFrame(geometry=[Point(-97, 32), Point(spot)], crs=4326)
    with pytest.raises(error, match=match):
        read_layer(frame)


def test_degrees_that_claim_to_be_meters():
    frame = gpd.GeoDataFrame(geometry=[Point(-97, 32), Point(-98, 31)], crs=5070)
    with pytest.raises(CRSError, match="look like degrees"):
        read_layer(frame)


def test_empty(parcels, tmp_path):
    with pytest.raises(LayerError, match="(?i:it is empty)"):
        read_layer(parcels.iloc[:0])
    path = tmp_path / "none.csv"
    path.write_text("lon,lat\n")
    with pytest.raises(LayerError, match="(?i:it is empty)"):
        read_layer(path)
    path.write_text("")
    with pytest.raises(LayerError, match="(?i:it is empty)"):
        read_layer(path)


def test_no_overlap_says_where_both_lie(parcels):
    europe = gpd.GeoSeries([box(5, 45, 6, 46)], crs=4326)
    with pytest.raises(LayerError, match="do not overlap") as caught:
        read_layer(parcels, area=europe)
    assert "longitude -99.00 to -96.50" in str(caught.value)
    assert "latitude 45.00 to 46.00" in str(caught.value)
    # A neighbor just across the border still counts.
    near = gpd.GeoSeries([box(-96, 32, -95, 33)], crs=4326)
    assert len(read_layer(parcels, area=near)) == 3
    with pytest.raises(LayerError, match="do not overlap"):
        read_layer(parcels, area=near, margin_km=10)


def test_invalid_geometry_is_repaired_with_a_count_or_refused(parcels):
    parcels.loc[1, "geometry"] = BOW_TIE
    with pytest.warns(DataQualityWarning, match="1 of 3 are invalid"):
        found = read_layer(parcels)
    assert found.geometry.is_valid.all()
    assert isinstance(found.geometry.iloc[1], MultiPolygon)
    with pytest.raises(LayerError, match=r"1 of 3 are invalid .*row 1"):
        read_layer(parcels, repair=False)


def test_a_polygon_with_nothing_left_is_refused():
    flat = Polygon([(-97, 32), (-96, 33), (-97, 32), (-97, 32)])
    frame = gpd.GeoDataFrame(geometry=[box(-97, 32, -96, 33), flat], crs=4326)
    with pytest.raises(LayerError, match="no area left"):
        read_layer(frame)


@pytest.mark.parametrize(
    ("geometry", "match"),
    [
        (None, "null"),
        (Point(), "empty geometry"),
        (Point(np.nan, 32), "empty geometry|NaN or infinite"),
        (Point(np.inf, 32), "NaN or infinite"),
    ],
)
def test_rows_without_a_place(geometry, match):
    frame = gpd.GeoDataFrame(
        geometry=gpd.GeoSeries([Point(-97, 32), geometry], ["a", "b"], crs=4326)
    )
    with pytest.raises(LayerError, match=match) as caught:
        read_layer(frame)
    assert "row b" in str(caught.value)


def test_duplicate_and_missing_ids(parcels):
    parcels["parcel"] = ["a", "b", "a"]
    with pytest.raises(LayerError, match=r"1 repeat: a"):
        read_layer(parcels, id="parcel")
    parcels["parcel"] = ["a", None, "c"]
    with pytest.raises(LayerError, match="position 1"):
        read_layer(parcels, id="parcel")
    with pytest.raises(LayerError, match="Did you mean 'parcel'"):
        read_layer(parcels, id="parcl")
    with pytest.raises(LayerError, match="repeat"):
        read_layer(parcels.set_index(pd.Index([1, 1, 2])))


@pytest.mark.parametrize(
    ("value", "match"),
    [(np.nan, r"missing \(NaN\), in row 1"), (np.inf, "infinite, in row 1")],
)
def test_unknown_values_in_a_needed_column(parcels, value, match):
    parcels.loc[1, "mw"] = value
    with pytest.raises(LayerError, match=match) as caught:
        read_layer(parcels, required=["mw"])
    assert "'mw'" in str(caught.value)
    assert messages_have_four_parts(caught.value)


def test_negative_capacities(parcels):
    parcels.loc[2, "mw"] = -5
    with pytest.raises(LayerError, match=r"negative \(down to -5\), in row 2"):
        read_layer(parcels, nonnegative=["mw"])
    parcels["mw"] = [1.0, np.nan, 2.0]
    assert read_layer(parcels, nonnegative=["mw"])["mw"].isna().sum() == 1
    parcels["mw"] = ["1 MW", "2", "3"]
    with pytest.raises(LayerError, match="'1 MW' in row 0"):
        read_layer(parcels, nonnegative=["mw"])


def test_missing_text_and_missing_columns(parcels):
    parcels.loc[0, "parcel"] = None
    with pytest.raises(LayerError, match=r"'parcel'.*missing, in row 0"):
        read_layer(parcels, required=["parcel"])
    with pytest.raises(LayerError, match="Did you mean 'mw'"):
        read_layer(parcels, required=["mww"])


def test_wrong_geometry_type(parcels):
    with pytest.raises(LayerError, match="rows hold Polygon"):
        read_layer(parcels, geometry_type="point")
    assert len(read_layer(parcels, geometry_type=["point", "polygon"])) == 3
    with pytest.raises(LayerError, match="Did you mean 'polygon'"):
        read_layer(parcels, geometry_type="polygn")


def test_missing_and_unreadable_files(tmp_path, parcels):
    parcels.to_file(tmp_path / "parcels.gpkg")
    with pytest.raises(LayerError, match=r"Did you mean 'parcels\.gpkg'"):
        read_layer(tmp_path / "parcel.gpkg")
    with pytest.raises(LayerError, match="no folder"):
        read_layer(tmp_path / "nowhere" / "parcels.gpkg")
    for suffix in ("gpkg", "geojson", "shp", "parquet", "feather", "tif", "xyz", "kml"):
        path = tmp_path / f"torn.{suffix}"
        path.write_bytes(b"\x00\x01 not a layer")
        with pytest.raises(LayerError, match=r"torn\.") as caught:
            read_layer(path)
        assert caught.value.__suppress_context__ or caught.value.__cause__ is None
    path = tmp_path / "latin.csv"
    path.write_bytes("lon,lat,name\n-97,32,\xe9t\xe9\n".encode("latin-1"))
    with pytest.raises(LayerError, match="not in UTF-8"):
        read_layer(path)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(LayerError, match="damaged or of an unknown kind"):
        read_layer(tmp_path / "nothing")


def test_unknown_evidence(parcels):
    with pytest.raises(LayerError, match="Did you mean 'measured'"):
        read_layer(parcels, evidence="measuredd")


def test_coordinate_columns_of_a_layer_with_geometry(parcels):
    with pytest.raises(LayerError, match="has geometries already"):
        read_layer(parcels, x="mw")


def test_candidates():
    good = gpd.GeoDataFrame(geometry=[Point(-97, 32)], crs=4326)
    check.check_candidates(good)
    with pytest.raises(LayerError, match="DataFrame"):
        check.check_candidates(pd.DataFrame({"a": [1]}))
    with pytest.raises(LayerError, match="empty"):
        check.check_candidates(good.iloc[:0])
    with pytest.raises(LayerError, match="repeat"):
        check.check_candidates(good.iloc[[0, 0]])
    with pytest.raises(CRSError):
        check.check_candidates(good.set_crs(None, allow_override=True))
    bare = gpd.GeoDataFrame({"a": [1]})
    with pytest.raises(LayerError, match="without geometry"):
        check.check_candidates(bare)


def test_lines_stay_lines_when_repaired():
    frame = gpd.GeoDataFrame(
        geometry=[
            LineString([(-97, 32), (-97, 32)]),
            LineString([(-97, 32), (-96, 33)]),
        ],
        crs=4326,
    )
    with pytest.warns(DataQualityWarning, match="1 of 2"):
        found = read_layer(frame)
    assert shapely.is_valid(np.asarray(found.geometry.array)).all()
