"""Eligible area after exclusions: atlite beside siteselect, and the exact answer.

A drawn area of 60 km by 60 km with parks (out), lakes (out, with 500 m around them) and
roads (300 m to either side). Both contestants lay a grid of cells over it, count the
cells whose middle is allowed and multiply by the size of a cell. Exact is what shapely
leaves of the area once all of it is cut out. The plane is an equal-area one with its
middle in the area, where lengths are right to a hundred-thousandth.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from contest import lines_of, measured

import siteselect as ss

CRS = "+proj=laea +lat_0=31 +lon_0=-99 +datum=WGS84 +units=m"
EDGE_M = 60_000.0
LAKE_M, ROAD_M = 500.0, 300.0
Layers = dict[str, gpd.GeoDataFrame]


def drawn(edge_m: float = EDGE_M) -> Layers:
    """Return the area and its layers."""
    rng = np.random.default_rng(3)
    half = edge_m / 2

    def blobs(n: int, least: float, most: float) -> list[shapely.Polygon]:
        made = []
        for at in rng.uniform(-half, half, (n, 2)):
            angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            radius = rng.uniform(least, most) * rng.uniform(0.7, 1.3, 24)
            ring = np.c_[np.cos(angle), np.sin(angle)] * radius[:, None] + at
            made.append(shapely.Polygon(ring))
        return made

    n = max(3, int(40 * (edge_m / EDGE_M) ** 2))
    parks, lakes = blobs(n, 1000, 4000), blobs(3 * n, 150, 1200)
    roads = []
    for _ in range(max(2, n // 3)):
        angle = rng.uniform(0, np.pi)
        along = np.linspace(-1.5 * half, 1.5 * half, 40)
        bend = np.cumsum(rng.normal(0, half / 40, 40))
        off = rng.uniform(-half, half)
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = along * cos - (bend + off) * sin, along * sin + (bend + off) * cos
        roads.append(shapely.LineString(np.c_[x, y]))
    # A turned square: its edge cuts cells as the border of a county does.
    turn = np.radians([17, 107, 197, 287])
    area = shapely.Polygon(np.c_[np.cos(turn), np.sin(turn)] * half * 1.3)
    every = {"area": [area], "parks": parks, "lakes": lakes, "roads": roads}
    return {k: gpd.GeoDataFrame(geometry=v, crs=CRS) for k, v in every.items()}


def exact_km2(layers: Layers) -> float:
    """Cut everything out of the area; arcs of a buffer have 64 corners a quarter."""
    out = shapely.union_all(
        [
            *layers["parks"].geometry,
            *layers["lakes"].buffer(LAKE_M, quad_segs=64),
            *layers["roads"].buffer(ROAD_M, quad_segs=64),
        ]
    )
    return float(layers["area"].union_all().difference(out).area) / 1e6


def with_siteselect(layers: Layers, cell_m: float) -> float:
    """Count eligible candidates of a grid."""
    sites = ss.grid_candidates(layers["area"], spacing_km=cell_m / 1000)
    out = (
        ss.Inside(layers["parks"])
        | ss.Near(layers["lakes"], km=LAKE_M / 1000)
        | ss.Near(layers["roads"], km=ROAD_M / 1000)
    )
    return float((~out(sites)).sum()) * cell_m**2 / 1e6


def with_atlite(layers: Layers, cell_m: float) -> float:
    """Count eligible cells of atlite's mask."""
    from atlite.gis import ExclusionContainer, shape_availability

    excluder = ExclusionContainer(crs=CRS, res=cell_m)
    excluder.add_geometry(layers["parks"])
    excluder.add_geometry(layers["lakes"], buffer=LAKE_M)
    excluder.add_geometry(layers["roads"], buffer=ROAD_M)
    mask, _ = shape_availability(layers["area"].geometry, excluder)
    return float(mask.sum()) * cell_m**2 / 1e6


def with_shapely(layers: Layers, cell_m: float) -> float:
    """Cut everything out with geopandas: the area alone, no cells, no reasons."""
    out = (
        layers["parks"].union_all()
        | layers["lakes"].buffer(LAKE_M).union_all()
        | layers["roads"].buffer(ROAD_M).union_all()
    )
    return float(layers["area"].union_all().difference(out).area) / 1e6


CONTESTANTS: dict[str, Any] = {
    "siteselect": with_siteselect,
    "atlite": with_atlite,
    "geopandas, vectors": with_shapely,
}


def main(who: str, cell_m: int) -> dict[str, Any]:
    """Time one contestant, its imports and layers done."""
    warnings.simplefilter("ignore")
    ask = CONTESTANTS[who]
    ask(drawn(6000.0), 500.0)
    layers = drawn()
    answer, figures = measured(ask, layers, float(cell_m))
    exact = exact_km2(layers)
    return {
        **figures,
        "lines": lines_of(ask),
        "km2": answer,
        "exact_km2": exact,
        "error": answer / exact - 1,
        "area_km2": float(layers["area"].area.sum()) / 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
