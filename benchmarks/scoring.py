"""Scoring five criteria: siteselect, the plain geopandas idiom, the I/O floor."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from contest import processor_seconds

import siteselect as ss

BOUNDS = {
    "grid": (100.0, 1000.0),
    "fiber": (80.0, 1.0),
    "water": (0.8, 0.1),
    "solar": (0.14, 0.30),
    "labor": (500.0, 20000.0),
}
WEIGHTS = {"grid": 0.35, "fiber": 0.20, "water": 0.15, "solar": 0.10, "labor": 0.20}


def candidates(size: int) -> gpd.GeoDataFrame:
    """Return about ``size`` grid candidates over the contiguous US."""
    area = ss.datasets.region("CONUS")
    km2 = float(area.to_crs(5070).area.sum()) / 1e6
    return ss.grid_candidates(area, spacing_km=(km2 / size) ** 0.5)


def with_siteselect(sites: gpd.GeoDataFrame, layers: dict) -> pd.Series:
    """Score with the library."""
    criteria = [
        ss.Criterion(
            "grid",
            ss.Within(layers["substations"], radius_km=25, max="hosting_capacity_mw"),
            ss.Rising(*BOUNDS["grid"]),
            weight=WEIGHTS["grid"],
        ),
        ss.Criterion(
            "fiber",
            ss.Nearest(layers["fiber"]),
            ss.Falling(1, 80),
            weight=WEIGHTS["fiber"],
        ),
        ss.Criterion(
            "water",
            ss.At(layers["water_stress"], "stress"),
            ss.Falling(0.1, 0.8),
            weight=WEIGHTS["water"],
        ),
        ss.Criterion(
            "solar",
            ss.Sample(layers["solar_cf"]),
            ss.Rising(*BOUNDS["solar"]),
            weight=WEIGHTS["solar"],
        ),
        ss.Criterion(
            "labor",
            ss.Within(layers["workforce"], radius_km=80, sum="electricians"),
            ss.Rising(*BOUNDS["labor"]),
            weight=WEIGHTS["labor"],
        ),
    ]
    return ss.score_sites(sites, criteria)


def with_geopandas(sites: gpd.GeoDataFrame, layers: dict) -> pd.Series:
    """Score as a geopandas user would write it: one join per criterion."""
    planar = sites.to_crs(5070)
    points = planar[["geometry"]]
    raw = pd.DataFrame(index=sites.index)

    def within(layer: str, km: float, column: str, how: str) -> pd.Series:
        rings = points.set_geometry(points.buffer(km * 1000))
        joined = rings.sjoin(layers[layer].to_crs(5070)[[column, "geometry"]])
        found = joined.groupby(level=0)[column].agg(how)
        # Nothing in reach is a known zero; something unknown in reach is not.
        return found.reindex(sites.index, fill_value=0)

    raw["grid"] = within("substations", 25, "hosting_capacity_mw", "max")
    near = points.sjoin_nearest(layers["fiber"].to_crs(5070), distance_col="m")
    raw["fiber"] = near.groupby(level=0)["m"].min() / 1000
    counties = layers["water_stress"].to_crs(5070)[["stress", "geometry"]]
    inside = points.sjoin(counties, predicate="within")
    raw["water"] = inside.groupby(level=0)["stress"].first()
    lonlat = sites.to_crs(4326).geometry
    with rasterio.open(layers["solar_cf"].path) as source:
        pairs = list(zip(lonlat.x, lonlat.y, strict=True))
        solar = np.array([v[0] for v in source.sample(pairs)], dtype=float)
        solar[solar == source.nodata] = np.nan
    raw["solar"] = solar
    raw["labor"] = within("workforce", 80, "electricians", "sum")
    score = pd.Series(0.0, index=sites.index)
    for name, (worst, best) in BOUNDS.items():
        score += WEIGHTS[name] * ((raw[name] - worst) / (best - worst)).clip(0, 1)
    return score


def main(who: str, size: int, folder: Path) -> dict:
    """Time one contestant after the layers are in memory."""
    sites = candidates(size)
    layers = ss.datasets.load_all(ss.datasets.region("CONUS"))
    stored = folder / f"scored{size}.parquet"
    start, before = time.perf_counter(), processor_seconds()
    if who == "siteselect":
        scored = with_siteselect(sites, layers)
        score = scored["score"]
    elif who == "geopandas idiom":
        score = with_geopandas(sites, layers)
    else:
        scored = gpd.read_parquet(stored)
        scored.to_parquet(folder / "copy.parquet")
        score = scored["score"]
    seconds = time.perf_counter() - start
    cpu_s = processor_seconds() - before
    if who == "siteselect":
        scored.to_parquet(stored)
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mean_score": float(score.mean()),
        "n": len(sites),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
