"""Files that claim to be vast take no more memory than is stated here."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

#: Beyond what the library itself takes, 0.3 GB [bytes].
BOUND = 1_000_000_000

CALL = """
import resource, sys
import geopandas as gpd
import numpy as np
from shapely import box
import siteselect as ss

resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
path = sys.argv[1]
site = gpd.GeoDataFrame(geometry=gpd.points_from_xy([-99.5], [34.5]), crs=4326)
try:
    {call}
except ss.SiteSelectError as error:
    print("refused:", " ".join(str(error).split()))
# The most that this program took: getrusage tells of who started it too.
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""


def peak(path: Path, call: str, bound: int = BOUND) -> str:
    """Call in another process; hold its memory to a bound, return what it says."""
    done = subprocess.run(
        # Address space is more than memory: libraries reserve what they never use.
        [sys.executable, "-c", CALL.format(call=call, limit=4 * bound), str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    *said, most = done.stdout.strip().splitlines()
    assert int(most) < bound, f"{int(most):,} bytes: {said}"
    return "\n".join(said)


def bomb(path: Path, inside: str, gigabytes: int) -> Path:
    """Write an archive of zeros that unpacks to a thousand times its size."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(inside, "w", force_zip64=True) as stream,
    ):
        for _ in range(10 * gigabytes):
            stream.write(bytes(100_000_000))
    return path


@pytest.mark.parametrize(
    ("name", "inside", "call"),
    [
        ("a.kmz", "doc.kml", "ss.read_layer(path)"),
        ("a.zip", "a.shp", "ss.read_layer(path)"),
        ("a.xlsx", "xl/worksheets/sheet1.xml", "ss.read_layer(path)"),
        ("b.xlsx", "xl/worksheets/sheet1.xml", "ss.releases.lbnl_queue(path)"),
        ("b.zip", "b.csv", "ss.releases.qcew(path, industry='10')"),
    ],
)
@pytest.mark.parametrize("gigabytes", [pytest.param(3, marks=pytest.mark.soak)])
def test_an_archive_that_unpacks_to_gigabytes_is_refused(
    name, inside, call, gigabytes, tmp_path
):
    said = peak(bomb(tmp_path / name, inside, gigabytes), call)
    assert "unpacks from" in said


def test_a_kmz_that_unpacks_to_a_hundred_times_its_size_is_refused(tmp_path):
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", bytes(60_000_000))
    assert "unpacks from" in peak(path, "ss.read_layer(path)", BOUND // 2)


def tiny_parquet(path: Path, rows: int = 1_000_000_000) -> Path:
    """Write a billion nulls into some kilobytes."""
    with pq.ParquetWriter(path, pa.schema([("site", pa.null())])) as writer:
        for _ in range(100):
            writer.write_table(pa.table({"site": pa.nulls(rows // 100)}))
    return path


@pytest.mark.parametrize(
    "call",
    [
        "ss.read_layer(path)",
        pytest.param("ss.Profiles.hourly(solar=path)", marks=pytest.mark.soak),
        pytest.param(
            "ss.read_partitions(path.rpartition('/')[0])", marks=pytest.mark.soak
        ),
    ],
)
def test_a_small_parquet_file_of_a_billion_rows_is_refused(call, tmp_path):
    assert "unpacks from" in peak(tiny_parquet(tmp_path / "a.parquet"), call)


@pytest.mark.soak
@pytest.mark.parametrize("suffix", [".h5", ".nc"])
def test_profiles_of_nothing_but_fill_values_are_refused(suffix, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / f"a{suffix}"
    with h5py.File(path, "w") as made:
        hours = np.array([b"2018-01-01 00:00:00"] * 8760)
        made.create_dataset("time_index", data=hours)
        made.create_dataset("cf_profile", (8760, 1_000_000), "u2", chunks=(8760, 10))
    assert "unpacks from" in peak(path, "ss.read_profiles(path)")


USE = (
    "raster = ss.read_layer(path); print(ss.Sample(raster)(site).tolist()); "
    "ground = [box(-99.505, 34.495, -99.5, 34.5)]; "
    "print(ss.Zonal(raster)(gpd.GeoDataFrame(geometry=ground, crs=4326)).tolist())"
)


def virtual(folder: Path) -> Path:
    """Write a virtual raster of a million by a million cells around a small one."""
    small(folder)
    path = folder / "vast.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="1000000" rasterYSize="1000000"><SRS>EPSG:4326</SRS>'
        "<GeoTransform>-100,1e-5,0,35,0,-1e-5</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename '
        'relativeToVRT="1">small.tif</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return path


def small(folder: Path) -> Path:
    path = folder / "small.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=4, height=4, count=1, dtype="float32",
        crs="EPSG:4326", transform=rasterio.Affine(1e-5, 0, -100, 0, -1e-5, 35),
    ) as out:  # fmt: skip
        out.write(np.ones((1, 4, 4), "float32"))
    return path


def claimed(folder: Path) -> Path:
    """Write a GeoTIFF of a few cells whose header says a million by a million."""
    path = small(folder)
    content = bytearray(path.read_bytes())
    at = int.from_bytes(content[4:8], "little")
    for k in range(int.from_bytes(content[at : at + 2], "little")):
        entry = at + 2 + 12 * k
        # Width, height, rows in a strip: as whole numbers of four bytes.
        if int.from_bytes(content[entry : entry + 2], "little") in (256, 257, 278):
            content[entry + 2 : entry + 12] = (
                (4).to_bytes(2, "little")
                + (1).to_bytes(4, "little")
                + (1_000_000).to_bytes(4, "little")
            )
    path.write_bytes(content)
    return path


def sparse(folder: Path) -> Path:
    """Write a GeoTIFF of a million by a million cells, none of them stored."""
    path = folder / "sparse.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=1_000_000, height=1_000_000, count=1,
        dtype="uint8", crs="EPSG:4326", sparse_ok=True, tiled=True, blockxsize=8192,
        blockysize=8192, bigtiff="yes",
        transform=rasterio.Affine(1e-5, 0, -100, 0, -1e-5, 35),
    ):  # fmt: skip
        pass
    return path


@pytest.mark.parametrize(
    ("made", "part"),
    [
        (virtual, "[0.0]"),
        (claimed, "refused"),
        pytest.param(sparse, "[0.0]", marks=pytest.mark.soak),
    ],
)
def test_a_raster_of_absurd_size_is_read_in_parts_or_refused(made, part, tmp_path):
    with rasterio.open(made(tmp_path)) as source:
        assert (source.width, source.height) == (1_000_000, 1_000_000)
        path = Path(source.name)
    assert part in peak(path, USE)


@pytest.mark.soak
def test_a_polygon_of_ten_million_corners_is_used(tmp_path):
    turn = np.linspace(0, 2 * np.pi, 10_000_000, endpoint=False)
    wave = 1 + 1e-4 * np.sin(1000 * turn)
    ring = np.column_stack([-99 + wave * np.cos(turn), 34 + wave * np.sin(turn)])
    lake = gpd.GeoDataFrame({"mw": [7.0]}, geometry=[shapely.Polygon(ring)], crs=4326)
    path = tmp_path / "lake.parquet"
    lake.to_parquet(path)
    call = (
        "layer = ss.read_layer(path); print(ss.At(layer, 'mw')(site).tolist(), "
        "ss.Nearest(layer)(site).tolist())"
    )
    # 160 MB of corners, read, checked and measured: 3.2 GB were seen.
    assert peak(path, call, 4 * BOUND) == "[7.0] [0.0]"
