"""A small valid file for every reader, and the call that reads it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import release_files
from shapely import Point, box
from study import worlds

import siteselect as ss
from siteselect.infrastructure.grid import Network
from siteselect.study import verification
from siteselect.suitability import Scoring


@dataclass(frozen=True)
class Seed:
    """A file, what reads it, and how often it is changed beside the others."""

    name: str
    path: Path
    read: Callable[[Path], Any]
    share: int = 10


def parcels() -> gpd.GeoDataFrame:
    """Return three parcels with a number, a text and a flag."""
    return gpd.GeoDataFrame(
        {"mw": [1.0, 2.0, 3.0], "name": ["a", "b", None], "ok": [True, False, True]},
        geometry=[box(x, 32, x + 0.5, 32.5) for x in (-99, -98, -97)],
        crs=4326,
    )


def site(lon: float = -98.0, lat: float = 33.0) -> gpd.GeoDataFrame:
    """Return one candidate."""
    return gpd.GeoDataFrame(geometry=[Point(lon, lat)], crs=4326)


def read_and_use(path: Path) -> None:
    """Read a layer and ask it something: a raster is read no sooner."""
    layer = ss.read_layer(path)
    if isinstance(layer, ss.Raster):
        ss.Sample(layer)(site())
        ss.Zonal(layer)(gpd.GeoDataFrame(geometry=[box(-99, 32, -97, 34)], crs=4326))
    else:
        ss.Nearest(layer)(site())


def _text(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def _maps(folder: Path) -> list[Path]:
    """Write the parcels in every format that `read_layer` knows."""
    frame = parcels()
    found = []
    for suffix in ("gpkg", "geojson", "fgb", "parquet", "feather", "shp", "kml"):
        path = folder / f"parcels.{suffix}"
        if suffix == "parquet":
            frame.to_parquet(path)
        elif suffix == "feather":
            frame.to_feather(path, compression="uncompressed")
        elif suffix == "kml":
            frame[["mw", "geometry"]].to_file(path, driver="KML")
        else:
            frame.to_file(path)
        found.append(path)
    for name, members in (
        (
            "parcels.zip",
            [folder / f"parcels.{k}" for k in ("shp", "shx", "dbf", "prj")],
        ),
        ("parcels.kmz", [folder / "parcels.kml"]),
    ):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in members:
                kmz = name.endswith(".kmz")
                archive.write(member, "doc.kml" if kmz else member.name)
        found.append(folder / name)
    table = pd.DataFrame(
        {"lon": [-98, -97.5], "lat": [32, 31.5], "code": ["01001", "a"], "mw": [5, 7.5]}
    )
    table.to_csv(folder / "table.csv", index=False)
    table.to_csv(folder / "table.tsv", index=False, sep="\t")
    table.to_parquet(folder / "table.parquet")
    frame.to_wkt().to_csv(folder / "wkt.csv", index=False)
    found += [folder / f"table.{kind}" for kind in ("csv", "tsv", "parquet")]
    return found


def _rasters(folder: Path) -> list[Path]:
    """Write a small raster, whole and packed, and a virtual one around it."""
    cells = np.arange(16, dtype="float32").reshape(1, 4, 4)
    here = rasterio.Affine(1, 0, -100, 0, -1, 35)
    for name, more in (("dem.tif", {}), ("packed.tif", {"compress": "deflate"})):
        with rasterio.open(
            folder / name, "w", driver="GTiff", count=1, height=4, width=4,
            dtype="float32", crs="EPSG:4326", transform=here, nodata=-9, **more,
        ) as out:  # fmt: skip
            out.write(cells)
    vrt = _text(
        folder / "dem.vrt",
        '<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>EPSG:4326</SRS>'
        "<GeoTransform>-100,1,0,35,0,-1</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><NoDataValue>-9</NoDataValue>'
        '<SimpleSource><SourceFilename relativeToVRT="1">dem.tif</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>",
    )
    grid = "ncols 2\nnrows 2\nxllcorner -99\nyllcorner 32\ncellsize 1\n1 2\n3 4\n"
    _text(folder / "grid.prj", 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",'
          '6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",'
          "0.0174532925199433]]")  # fmt: skip
    asc = _text(folder / "grid.asc", grid)
    return [folder / "dem.tif", folder / "packed.tif", vrt, asc]


def _profiles(folder: Path) -> list[Path]:
    """Write a year of output as reV, atlite and PVGIS write it."""
    import h5py
    import xarray

    hours = pd.date_range("2019-01-01", periods=8760, freq="h")
    output = np.tile([[0.25, 0.5]], (8760, 1))
    meta = np.zeros(
        2, dtype=[("gid", "<i8"), ("latitude", "<f4"), ("longitude", "<f4")]
    )
    meta["gid"], meta["latitude"], meta["longitude"] = [7, 3], [33, 34], [-98, -99]
    with h5py.File(folder / "rev.h5", "w") as file:
        file["meta"] = meta
        file["time_index"] = hours.strftime("%Y-%m-%d %H:%M:%S+00:00").to_numpy(
            dtype="S25"
        )
        made = file.create_dataset("cf_profile", data=(output * 1000).astype("u2"))
        made.attrs["scale_factor"] = 1000.0
    xarray.DataArray(
        output,
        name="wind",
        coords={"time": hours, "bus": ["a", "b"], "lat": ("bus", [33.0, 34.0]),
                "lon": ("bus", [-98.0, -99.0])},
        dims=("time", "bus"),
    ).to_netcdf(folder / "atlite.nc", engine="h5netcdf")  # fmt: skip
    rows = [{"time": f"{t:%Y%m%d:%H}10", "P": 500.0, "Int": 0.0} for t in hours]
    inputs = {
        "location": {"latitude": 33.0, "longitude": -98.0},
        "pv_module": {"peak_power": 2.0},
    }
    about = {"inputs": inputs, "outputs": {"hourly": rows}, "meta": {"inputs": {}}}
    _text(folder / "pvgis.json", json.dumps(about))
    _text(
        folder / "pvgis.csv",
        "Latitude (decimal degrees):\t33\nLongitude (decimal degrees):\t-98\n"
        "Elevation (m):\t300\nRadiation database:\tPVGIS-ERA5\n\nNominal power of the "
        "PV system (c-Si) (kWp):\t2\n\ntime,P,Int\n"
        + "\n".join(f"{r['time']},500.0,0.0" for r in rows)
        + "\n\nP: PV system power (W)\n",
    )
    return [
        folder / name for name in ("rev.h5", "atlite.nc", "pvgis.json", "pvgis.csv")
    ]


def _network(folder: Path) -> Path:
    """Write a network of three buses as MATPOWER does."""
    return _text(
        folder / "case3.m",
        "function mpc = case3\nmpc.version = '2';\nmpc.baseMVA = 100;\n"
        "mpc.bus = [\n1 3 0 0 0 0 1 1 0 230 1 1.1 0.9;\n2 1 50 0 0 0 1 1 0 230 1 1.1 "
        "0.9;\n3 1 30 0 0 0 1 1 0 230 1 1.1 0.9;\n];\n"
        "mpc.gen = [\n1 80 0 99 -99 1 100 1 200 0 0 0 0 0 0 0 0 0 0 0 0;\n];\n"
        "mpc.branch = [\n1 2 0 0.1 0 100 100 100 0 0 1 -360 360;\n2 3 0 0.2 0 100 100 "
        "100 0 0 1 -360 360;\n1 3 0 0.2 0 0 0 0 1.02 0 1 -360 360;\n];\n",
    )


CRITERIA = """\
[[criteria]]
name = "room"
weight = 2
measure = { kind = "Column", source = "acres" }
value = { kind = "Rising", a = 0, b = 600 }

[[criteria]]
name = "shape"
measure = { kind = "Column", source = "acres" }
[criteria.value]
kind = "Piecewise"
points = [[50, 0], [200, 0.5], [500, 1]]

[[gates]]
name = "size"
measure = { kind = "Column", source = "acres" }
at_least = 100
conditional = 60

[weights]
kind = "direct_weights"
points = { room = 1, shape = 1 }
"""


def _read_partitions(path: Path) -> None:
    """Read the folder around a file."""
    ss.read_partitions(path.parent)
    ss.read_partitions(path.parent, columns=["mw"])


def _price(path: Path) -> None:
    ss.Profiles.hourly(solar=path)


def _hosting(path: Path) -> None:
    ss.releases.hosting_capacity(path, capacity="mw", unit="MW", serves="load")


def all_seeds(folder: Path) -> list[Seed]:
    """Write a file for every reader into a folder; return them with their readers."""
    (folder / "maps").mkdir()
    seeds = [
        Seed(f"read_layer {path.name}", path, read_and_use, 14)
        for path in _maps(folder / "maps") + _rasters(folder / "maps")
    ]
    wkt = folder / "maps" / "wkt.csv"
    seeds.append(
        Seed(f"read_layer {wkt.name}", wkt, partial(ss.read_layer, crs=4326), 14)
    )
    for part in ("shx", "dbf", "prj", "cpg"):
        shp = folder / "maps" / "parcels.shp"
        seeds.append(
            Seed(
                f"read_layer parcels.{part}",
                shp.with_suffix(f".{part}"),
                lambda path: read_and_use(path.with_suffix(".shp")),
                8,
            )
        )
    (folder / "releases").mkdir()
    files = release_files.one_of_each(folder / "releases")
    for reader, path in files:
        # A year of hours is long.
        share = 2 if path.stat().st_size > 100_000 else 6
        take = partial(_release, reader, files)
        seeds.append(Seed(f"releases.{reader} {path.suffix}", path, take, share))
    hosting = folder / "releases" / "hosting.gpkg"
    parcels().to_file(hosting)
    seeds.append(Seed("releases.hosting_capacity", hosting, _hosting, 8))
    for path in _profiles(folder):
        share = 2 if path.suffix == ".json" else 6
        read = partial(ss.read_profiles, sites=site())
        seeds.append(Seed(f"read_profiles {path.name}", path, read, share))
    table = folder / "hours.csv"
    pd.DataFrame({"a": 0.25, "b": [0.5] * 8760}).to_csv(table, index=False)
    pd.DataFrame({"a": 0.25, "b": [0.5] * 8760}).to_parquet(folder / "hours.parquet")
    seeds.append(Seed("Profiles.hourly hours.csv", table, _price, 3))
    seeds.append(
        Seed("Profiles.hourly hours.parquet", folder / "hours.parquet", _price)
    )
    parts = ss.write_partitions(parcels(), folder / "parts")
    for name in ("_siteselect.json", "*.parquet"):
        path = sorted(Path(parts).glob(name))[0]
        seeds.append(Seed(f"read_partitions {path.suffix}", path, _read_partitions, 16))
    case = _network(folder)
    seeds.append(Seed("Network.from_matpower", case, Network.from_matpower, 24))
    world = folder / "study"
    world.mkdir()
    worlds.folder(world)
    for name, share in (("simple.toml", 30), ("full.toml", 4)):
        seeds.append(Seed(f"Study.read {name}", world / name, ss.Study.read, share))
    path = _text(world / "criteria.toml", CRITERIA)
    seeds.append(Seed("Scoring.read", path, Scoring.read, 24))
    ss.Study.read(world / "simple.toml").run(world / "out")
    plan = world / "out" / "plan.json"
    seeds.append(Seed("read_plan", plan, verification.read_plan, 16))
    seeds.append(Seed("verify_folder", plan, _verified, 1))
    return seeds


def _release(reader: str, files: list[tuple[str, Path]], path: Path) -> None:
    release_files.read(reader, path, files)


def _verified(path: Path) -> None:
    verification.verify_folder(path).summary()


def put_back(seed: Seed, content: bytes) -> None:
    """Write the valid file again."""
    seed.path.write_bytes(content)
    # GDAL leaves indexes and statistics beside what it has read.
    for left in seed.path.parent.glob(f"{seed.path.name}.*"):
        if left.is_file():
            left.unlink()


def remove(folder: Path) -> None:
    """Remove all that was written."""
    shutil.rmtree(folder, ignore_errors=True)
