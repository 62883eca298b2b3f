"""Many plans in one process, each solved, checked, explained and drawn.

Started as a script with a number; prints how much the process grew after warm-up.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np

import siteselect as ss

WARM = 40


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def one(seed: int, folder: Path) -> None:
    rng = np.random.default_rng(seed)
    n = 150
    sites = gpd.GeoDataFrame(
        {
            "mw": rng.uniform(size=n),
            "acres": rng.uniform(size=n),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": rng.uniform(8e6, 12e6, n),
        },
        geometry=gpd.points_from_xy(rng.uniform(-103, -97, n), rng.uniform(30, 35, n)),
        crs=4326,
    )
    scored = ss.score_sites(
        sites,
        [
            ss.Criterion("grid", ss.Column("mw"), ss.Rising(0, 1)),
            ss.Criterion("land", ss.Column("acres"), ss.Rising(0, 1)),
        ],
    )
    plan = ss.optimize_sites(
        scored,
        power_mw=(600, 900),
        budget_usd=9e9,
        site_mw=[100, 300],
        min_spacing_km=40,
    )
    plan.verify()
    plan.explain(scored.index[0])
    if seed % 10 == 0:
        plan.to_file(folder / "sites.gpkg")
        plan.plot()
        plt.close("all")


def main(n: int) -> None:
    """Solve ``WARM`` and then ``n`` plans; print the growth of the latter."""
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
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]))
