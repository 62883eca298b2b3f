"""Every file that is read has its fingerprint, whatever it belongs to."""

from __future__ import annotations

import shutil
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from siteselect.study.file_parts import ADDRESS, MISSING, parts_of
from siteselect.study.provenance import input_digests
from siteselect.study.verification import _changed

VRT = """<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>EPSG:4326</SRS>
<GeoTransform>-85,0.1,0,43,0,-0.1</GeoTransform><VRTRasterBand dataType="Float32"
 band="1"><SimpleSource><SourceFilename relativeToVRT="1">{}</SourceFilename>
<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""


def raster(path, value=0.0):
    path.parent.mkdir(exist_ok=True)
    shape = {"width": 4, "height": 4, "count": 1, "dtype": "float32", "crs": 4326}
    grid = rasterio.Affine(0.1, 0, -85, 0, -0.1, 43)
    with rasterio.open(path, "w", driver="GTiff", transform=grid, **shape) as out:
        out.write(np.full((4, 4), value, "float32"), 1)


@pytest.fixture
def folder(tmp_path):
    """A folder with one layer of each make that is several files."""
    place = tmp_path / "in"
    place.mkdir()
    raster(place / "tiles" / "src.tif")
    (place / "tiles" / "inner.vrt").write_text(VRT.format("src.tif"))
    (place / "top.vrt").write_text(VRT.format("tiles/inner.vrt"))
    raster(place / "a.tif")
    area = gpd.GeoDataFrame({"z": [1]}, geometry=[box(-83, 40, -82, 41)], crs=4326)
    area.to_file(place / "z.tab", driver="MapInfo File")
    area.to_file(place / "m.mif", driver="MapInfo File")
    area.to_file(place / "s [1].shp")
    area.to_file(place / "g.gpkg")
    (place / "s [1].txt").write_text("no part of it")
    (place / "v.vrt").write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="s"><SrcDataSource relativeToVRT="1">'
        "s [1].shp</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    return place


LAYERS = ("top.vrt", "a.tif", "z.tab", "m.mif", "s [1].shp", "g.gpkg", "v.vrt")


def digests(folder, name):
    found = input_digests({"layers": {"x": name}}, folder)
    return {key: said for key, said in found.items() if key.startswith("file/")}


@pytest.mark.parametrize("name", LAYERS)
def test_a_change_of_any_file_that_is_read_is_seen(folder, name):
    before = digests(folder, name)
    for part, path in parts_of(folder / name).items():
        kept = path.read_bytes()
        path.write_bytes(kept + b"\n")
        key = f"file/{name} ({part})" if part else f"file/{name}"
        assert _changed(before, digests(folder, name)) == [f"{key} has changed"]
        path.unlink()
        assert f"{key} is gone" in _changed(before, digests(folder, name))
        path.write_bytes(kept)
    assert digests(folder, name) == before


def test_the_parts_are_those_that_are_read(folder):
    assert set(parts_of(folder / "top.vrt")) == {
        "",
        "tiles/inner.vrt",
        "tiles/src.tif",
    }
    assert set(parts_of(folder / "z.tab")) == {"", "z.dat", "z.id", "z.map"}
    assert set(parts_of(folder / "m.mif")) == {"", "m.mid"}
    assert set(parts_of(folder / "g.gpkg")) == {""}
    shapes = {"s [1].cpg", "s [1].dbf", "s [1].prj", "s [1].shx"}
    assert set(parts_of(folder / "s [1].shp")) == {"", *shapes}
    assert set(parts_of(folder / "v.vrt")) == {"", "s [1].shp", *shapes}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.tif", "a.tif.aux.xml"),
        ("a.tif", "a.tif.msk"),
        ("a.tif", "a.tfw"),
        ("top.vrt", "tiles/src.tif.aux.xml"),
        ("s [1].shp", "s [1].qix"),
        ("g.gpkg", "g.gpkg-wal"),
    ],
)
def test_a_file_that_is_added_beside_is_seen(folder, name, more):
    before = digests(folder, name)
    (folder / more).write_bytes(b"" if more.endswith("wal") else b"<PAMDataset/>")
    if more.endswith("wal"):
        assert digests(folder, name) == before
        (folder / more).write_bytes(b"changes")
    assert set(digests(folder, name)) - set(before) == {f"file/{name} ({more})"}


def test_fingerprints_are_the_same_in_any_folder(folder, tmp_path):
    other = tmp_path / "quite" / "elsewhere"
    shutil.copytree(folder, other)
    for name in LAYERS:
        assert digests(folder, name) == digests(other, name)


def test_sources_that_are_not_there_or_no_files_are_told(tmp_path):
    (tmp_path / "gone.vrt").write_text(VRT.format("none/a.tif"))
    assert parts_of(tmp_path / "gone.vrt")["none/a.tif"] == MISSING
    far = "/vsicurl/https://example.org/a.tif"
    (tmp_path / "far.vrt").write_text(VRT.format(far))
    assert parts_of(tmp_path / "far.vrt")[far] == ADDRESS
    raster(tmp_path / "t" / "src.tif")
    with zipfile.ZipFile(tmp_path / "src.zip", "w") as packed:
        packed.write(tmp_path / "t" / "src.tif", "src.tif")
    inside = f"/vsizip/{tmp_path / 'src.zip'}/src.tif"
    (tmp_path / "packed.vrt").write_text(VRT.format(inside))
    assert parts_of(tmp_path / "packed.vrt")["src.zip"] == tmp_path / "src.zip"
    # One that names itself has an end.
    (tmp_path / "self.vrt").write_text(VRT.format("self.vrt"))
    assert set(parts_of(tmp_path / "self.vrt")) == {""}
