"""Means of a raster under polygons: rasterstats, exactextract, siteselect.

The raster and the polygons are drawn: a GeoTIFF of 3,000 × 3,000 cells of 100 m with
values of 0 to about 100, and parcels turned at random, 2 to 8 cells wide. What is
exact is worked out for the first 200 parcels with shapely: every cell by the share of
it that lies under the parcel.
"""

from __future__ import annotations

import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from contest import lines_of, measured
from rasterio.transform import from_origin

import siteselect as ss

CELLS, CELL_M = 3000, 100.0
WEST, NORTH = -150_000.0, 1_650_000.0
CHECKED = 200


def raster(folder: Path, cells: int = CELLS) -> Path:
    """Write the drawn raster on the first call."""
    path = folder / f"drawn{cells}.tif"
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    rough = rng.uniform(0, 80, (cells, cells))
    slope = np.linspace(0, 20, cells)[:, None]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=cells,
        height=cells,
        count=1,
        dtype="float32",
        crs="EPSG:5070",
        transform=from_origin(WEST, NORTH, CELL_M, CELL_M),
        tiled=True,
    ) as target:
        target.write((rough + slope).astype("float32"), 1)
    return path


def parcels(n: int, cells: int = CELLS) -> gpd.GeoDataFrame:
    """Return drawn rectangles, turned at random, all on the raster."""
    rng = np.random.default_rng(1)
    edge = 1000.0
    span = cells * CELL_M - 2 * edge
    at = np.array([WEST + edge, NORTH - edge]) + rng.uniform(0, 1, (n, 2)) * (
        span,
        -span,
    )
    half = rng.uniform(100, 400, (n, 2))
    turn = rng.uniform(0, np.pi, n)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half[:, None, :]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = corners[..., 0] * cos - corners[..., 1] * sin + at[:, :1]
    y = corners[..., 0] * sin + corners[..., 1] * cos + at[:, 1:]
    return gpd.GeoDataFrame(geometry=shapely.polygons(np.stack([x, y], -1)), crs=5070)


def exact_means(path: Path, zones: gpd.GeoDataFrame) -> np.ndarray:
    """Work the means out cell by cell: the share of each under each polygon."""
    means = []
    with rasterio.open(path) as source:
        values = source.read(1).astype(float)
    for zone in zones.geometry:
        west, south, east, north = zone.bounds
        cols = np.arange(int((west - WEST) // CELL_M), int((east - WEST) // CELL_M) + 1)
        rows = np.arange(
            int((NORTH - north) // CELL_M), int((NORTH - south) // CELL_M) + 1
        )
        row, col = (a.ravel() for a in np.meshgrid(rows, cols, indexing="ij"))
        x, y = WEST + col * CELL_M, NORTH - row * CELL_M
        cells = shapely.box(x, y - CELL_M, x + CELL_M, y)
        share = shapely.area(shapely.intersection(cells, zone))
        means.append((values[row, col] * share).sum() / share.sum())
    return np.array(means)


def with_siteselect(path: Path, zones: gpd.GeoDataFrame) -> np.ndarray:
    """Measure with the library."""
    layer = ss.read_layer(path)
    return ss.Zonal(layer)(zones).to_numpy()


def with_rasterstats(
    path: Path, zones: gpd.GeoDataFrame, all_touched: bool
) -> np.ndarray:
    """Measure with rasterstats: whole cells, in or out."""
    from rasterstats import zonal_stats

    found = zonal_stats(zones, str(path), stats=["mean"], all_touched=all_touched)
    return np.array([row["mean"] for row in found], dtype=float)


def with_exactextract(path: Path, zones: gpd.GeoDataFrame) -> np.ndarray:
    """Measure with exactextract."""
    from exactextract import exact_extract

    found = exact_extract(str(path), zones, ["mean"], output="pandas")
    return found["mean"].to_numpy()


CONTESTANTS: dict[str, Any] = {
    "siteselect": with_siteselect,
    "exactextract": with_exactextract,
    "rasterstats": partial(with_rasterstats, all_touched=False),
    "rasterstats, all touched": partial(with_rasterstats, all_touched=True),
}


def main(who: str, size: int, folder: Path) -> dict[str, Any]:
    """Time one contestant, its imports and data done, and check its answers."""
    warnings.simplefilter("ignore")
    ask = CONTESTANTS[who]
    path, zones = raster(folder), parcels(size)
    ask(raster(folder, 60), parcels(5, 60))
    answer, figures = measured(ask, path, zones)
    off = np.abs(answer[:CHECKED] - exact_means(path, zones.head(CHECKED)))
    return {
        **figures,
        "lines": lines_of(getattr(ask, "func", ask)),
        "worst_error": float(off.max()),
        "mean_error": float(off.mean()),
        "unknown": int(np.isnan(answer).sum()),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
