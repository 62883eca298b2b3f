"""Many plans in one process: each solved, verified and explained, some drawn.

Started as a script with a number; prints how much the process grew after warm-up.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np

import siteselect as ss

#: Plans before the first look, half of them drawn: caches and heaps fill once.
WARM = 50
#: Every so many plans one is drawn and written.
DRAWN = 10


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def one(seed: int, folder: Path) -> None:
    rng = np.random.default_rng(seed)
    n = 150
    sites = gpd.GeoDataFrame(
        {
            "score": rng.random(n),
            "capacity_mw": 500.0,
            "cost_usd_per_mw": rng.uniform(8e6, 12e6, n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-103, -97, n), rng.uniform(30, 35, n)),
        crs=4326,
    )
    plan = ss.optimize_sites(
        sites,
        power_mw=1000,
        site_mw=[100, 200],
        min_spacing_km=30,
    )
    plan.verify()
    plan.explain(sites.index[0])
    if seed % (2 if seed < WARM else DRAWN) == 0:
        plan.to_file(folder / "sites.gpkg")
        ss.write_map(ax := plan.plot(), folder / "map.png")
        plt.close(ax.figure)


def main(n: int) -> None:
    """Make ``WARM`` and then ``n`` plans; print the growth of the latter."""
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(WARM):
            one(seed, Path(folder))
        gc.collect()
        before = resident_mb()
        for seed in range(WARM, WARM + n):
            one(seed, Path(folder))
        gc.collect()
        after = resident_mb()
    print(json.dumps({"plans": n, "before_mb": before, "grown_mb": after - before}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
