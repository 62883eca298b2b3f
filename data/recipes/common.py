"""Reading the downloaded packages, writing reproducible files.

Everything that decides the bytes of a file is here: coordinates are rounded,
rows are sorted by the caller, integers and floats are 32 bits wide, writer
options are fixed, and nothing that depends on the clock is written.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
import rasterio.shutil
import shapely
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parents[2]
DOWNLOADS = ROOT / ".downloads"

#: The contiguous United States with a margin: west, south, east, north.
BOX = (-125.0, 24.0, -66.5, 50.0)

#: Coordinates are kept to 1e-4 degree (about 11 m), finer than any source here.
DECIMALS = 4

STATES: dict[str, tuple[str, str]] = {
    "01": ("AL", "Alabama"), "04": ("AZ", "Arizona"), "05": ("AR", "Arkansas"),
    "06": ("CA", "California"), "08": ("CO", "Colorado"),
    "09": ("CT", "Connecticut"), "10": ("DE", "Delaware"),
    "11": ("DC", "District of Columbia"), "12": ("FL", "Florida"),
    "13": ("GA", "Georgia"), "16": ("ID", "Idaho"), "17": ("IL", "Illinois"),
    "18": ("IN", "Indiana"), "19": ("IA", "Iowa"), "20": ("KS", "Kansas"),
    "21": ("KY", "Kentucky"), "22": ("LA", "Louisiana"), "23": ("ME", "Maine"),
    "24": ("MD", "Maryland"), "25": ("MA", "Massachusetts"),
    "26": ("MI", "Michigan"), "27": ("MN", "Minnesota"),
    "28": ("MS", "Mississippi"), "29": ("MO", "Missouri"),
    "30": ("MT", "Montana"), "31": ("NE", "Nebraska"), "32": ("NV", "Nevada"),
    "33": ("NH", "New Hampshire"), "34": ("NJ", "New Jersey"),
    "35": ("NM", "New Mexico"), "36": ("NY", "New York"),
    "37": ("NC", "North Carolina"), "38": ("ND", "North Dakota"),
    "39": ("OH", "Ohio"), "40": ("OK", "Oklahoma"), "41": ("OR", "Oregon"),
    "42": ("PA", "Pennsylvania"), "44": ("RI", "Rhode Island"),
    "45": ("SC", "South Carolina"), "46": ("SD", "South Dakota"),
    "47": ("TN", "Tennessee"), "48": ("TX", "Texas"), "49": ("UT", "Utah"),
    "50": ("VT", "Vermont"), "51": ("VA", "Virginia"), "53": ("WA", "Washington"),
    "54": ("WV", "West Virginia"), "55": ("WI", "Wisconsin"),
    "56": ("WY", "Wyoming"),
}  # fmt: skip
USPS = {fips: code for fips, (code, _) in STATES.items()}


@dataclass(frozen=True)
class Layer:
    """One layer of the bundle: what the catalog says, and how to make it.

    Parameters
    ----------
    make : callable
        Returns a frame (vector or table) or a `Grid` (raster).
    """

    name: str
    kind: str
    title: str
    evidence: str
    source: str
    packages: tuple[str, ...]
    licence: str
    attribution: str
    vintage: str
    what_was_done: str
    not_this: str
    units: Mapping[str, str]
    make: Callable[[], Any]
    resolution_km: float | None = None
    join: str | None = None
    id_column: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name of the file in the bundle."""
        return f"{self.name}.{'tif' if self.kind == 'raster' else 'parquet'}"


@dataclass(frozen=True)
class Grid:
    """A raster on its way into a file: bands first, row 0 in the north."""

    values: np.ndarray
    west: float
    north: float
    cell: float
    bands: tuple[str, ...]
    filled: int = 0


# ------------------------------------------------------------- reading


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def archive(stem: str) -> Path:
    """Return the one downloaded archive whose name starts with ``stem``."""
    found = sorted(DOWNLOADS.glob(f"{stem}*"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"{stem}: {len(found)} archives in {DOWNLOADS}; run data/build.py once"
        )
    return found[0]


@cache
def member(stem: str, ending: str) -> bytes:
    """Return the bytes of the one member of an archive that ends so."""
    path = archive(stem)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as box:
            names = [n for n in box.namelist() if n.endswith(ending)]
            if len(names) != 1:
                raise KeyError(f"{stem}: {ending} matches {names}")
            return box.read(names[0])
    with tarfile.open(path) as tar:
        members = [m for m in tar.getmembers() if m.name.endswith(ending)]
        if len(members) != 1:
            raise KeyError(f"{stem}: {ending} matches {[m.name for m in members]}")
        stream = tar.extractfile(members[0])
        assert stream is not None
        return stream.read()


def table(stem: str, ending: str, **options: Any) -> pd.DataFrame:
    """Read a CSV member of an archive."""
    return pd.read_csv(io.BytesIO(member(stem, ending)), **options)


# ------------------------------------------------------------- shaping


def rounded(frame: gpd.GeoDataFrame, decimals: int = DECIMALS) -> gpd.GeoDataFrame:
    """Round coordinates; polygons are repaired after rounding.

    Shared borders stay shared, because equal vertices round to equal vertices.
    """
    frame = frame.copy()
    geometry = shapely.transform(
        np.asarray(frame.geometry.array), lambda xy: np.round(xy, decimals) + 0.0
    )
    polygonal = np.isin(shapely.get_type_id(geometry), (3, 6))
    broken = ~shapely.is_valid(geometry)
    geometry[broken] = shapely.make_valid(geometry[broken])
    if polygonal.any() and broken.any():
        geometry[broken] = [polygons_of(g) for g in geometry[broken]]
    return frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=4326))


def polygons_of(shape: Any) -> Any:
    """Return the polygonal part of what make_valid returned."""
    if shape.geom_type == "GeometryCollection":
        return shapely.unary_union(
            [g for g in shape.geoms if g.geom_type.endswith("Polygon")]
        )
    return shape


def points(frame: pd.DataFrame, lon: str, lat: str) -> gpd.GeoDataFrame:
    """Make a point layer and drop the two coordinate columns."""
    where = gpd.points_from_xy(
        frame[lon].round(DECIMALS), frame[lat].round(DECIMALS), crs=4326
    )
    return gpd.GeoDataFrame(frame.drop(columns=[lon, lat]), geometry=where)


def narrow(frame: pd.DataFrame, keep_wide: tuple[str, ...] = ()) -> pd.DataFrame:
    """Store numbers in 32 bits; categories of text stay text."""
    frame = frame.copy()
    for name in frame.columns:
        kind = getattr(frame[name].dtype, "kind", "O")
        if name == "geometry" or name in keep_wide:
            continue
        if kind == "f":
            frame[name] = frame[name].astype("float32")
        elif kind in "iu":
            frame[name] = frame[name].astype("int32")
    return frame


def significant(values: Any, digits: int = 5) -> np.ndarray:
    """Round to a number of significant digits (smaller files, no false detail)."""
    array = np.asarray(values, dtype="float64")
    out = array.copy()
    ok = np.isfinite(array) & (array != 0)
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(array[ok]))))
    out[ok] = np.round(array[ok] * scale) / scale
    return out


def fill_near(values: np.ndarray, gap: float) -> tuple[np.ndarray, int]:
    """Fill cells without data from the nearest valid cell.

    Only where at most ``gap`` cells lie between the edges of the two cells.
    Returns the filled copy and how many cells were filled.
    """
    bad = ~np.isfinite(values)
    if not bad.any() or bad.all():
        return values.copy(), 0
    good_at = np.argwhere(~bad)
    bad_at = np.argwhere(bad)
    _, which = cKDTree(good_at).query(bad_at)
    between = np.maximum(np.abs(good_at[which] - bad_at) - 1, 0)
    near = np.hypot(between[:, 0], between[:, 1]) <= gap + 1e-9
    out = values.copy()
    source = good_at[which[near]]
    target = bad_at[near]
    out[target[:, 0], target[:, 1]] = values[source[:, 0], source[:, 1]]
    return out, int(near.sum())


# ------------------------------------------------------------- writing


def write(layer: Layer, made: Any, folder: Path) -> Path:
    """Write a made layer whole or not at all; return its path."""
    path = folder / layer.file
    part = path.with_name(f".{path.name}.part")
    if layer.kind == "raster":
        _write_cog(made, part, layer)
    else:
        _write_parquet(made, part, layer)
    part.replace(path)
    return path


def _write_parquet(frame: pd.DataFrame, path: Path, layer: Layer) -> None:
    frame = frame.reset_index(drop=True)
    is_map = isinstance(frame, gpd.GeoDataFrame)
    columns = {c for c in frame.columns if c != "geometry"}
    if columns != set(layer.units):
        raise ValueError(
            f"{layer.name}: units and columns differ: {columns ^ set(layer.units)}"
        )
    if layer.id_column and frame[layer.id_column].duplicated().any():
        raise ValueError(f"{layer.name}: {layer.id_column} repeats")
    options: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": 19,
        "index": False,
    }
    if is_map:
        frame.to_parquet(path, schema_version="1.1.0", **options)
    else:
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(arrow, path, compression="zstd", compression_level=19)


def _write_cog(grid: Grid, path: Path, layer: Layer) -> None:
    if set(grid.bands) != set(layer.units):
        raise ValueError(f"{layer.name}: bands {grid.bands} but units {layer.units}")
    values = grid.values.astype("float32")
    count, height, width = values.shape
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": count,
        "height": height,
        "width": width,
        "crs": "EPSG:4326",
        "transform": Affine(grid.cell, 0, grid.west, 0, -grid.cell, grid.north),
        "nodata": np.nan,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(values)
            for i, name in enumerate(grid.bands, start=1):
                target.set_band_description(i, name)
                target.set_band_unit(i, layer.units[name])
        with memory.open() as source:
            rasterio.shutil.copy(
                source,
                path,
                driver="COG",
                COMPRESS="DEFLATE",
                LEVEL="9",
                PREDICTOR="YES",
                BLOCKSIZE="256",
                OVERVIEW_RESAMPLING="AVERAGE",
                NUM_THREADS="1",
            )
