"""Where the sites lie: dispersion, median and covering beside spopt.

Model building is counted for both, imports are not. Each side gets the same matrix.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pulp
from contest import processor_seconds

from siteselect.optimization import (
    Covered,
    MaxMinDistance,
    MeanDistance,
    optimize_sites,
)
from siteselect.optimization.highs import silenced

GAP = 1e-7


def places(n: int, seed: int) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return ``n`` places with weights, and their distances in the plane."""
    rng = np.random.default_rng(seed)
    at = rng.random((n, 2)) * 1000.0
    away = np.linalg.norm(at[:, None] - at[None], axis=2)
    frame = gpd.GeoDataFrame(
        {"people": rng.integers(1, 100, n)},
        geometry=gpd.points_from_xy(at[:, 0] / 100 - 105, at[:, 1] / 100 + 30),
        crs=4326,
    )
    return frame, pd.DataFrame(away, frame.index, frame.index)


def with_siteselect(
    kind: str, p: int, frame: gpd.GeoDataFrame, away: pd.DataFrame
) -> dict:
    """Solve with the library."""
    if kind == "dispersion":
        asks = {"min_sites": p, "objective": MaxMinDistance(distance=away)}
    elif kind == "median":
        objective = MeanDistance(frame, weight="people", distance=away)
        asks = {"max_sites": p, "objective": objective}
    else:
        km = reach(p)
        objective = Covered(frame, weight="people", km=km, distance=away)
        asks = {"max_sites": p, "objective": objective}
    plan = optimize_sites(frame, site_mw=1, gap=GAP, **asks)
    # spopt counts people where we count the share or the mean.
    total = 1.0 if kind == "dispersion" else float(frame["people"].sum())
    return {
        "objective": plan.objective * total,
        "gap": plan.gap,
        "status": plan.status,
    }


def reach(p: int) -> float:
    """Return a distance at which some demand stays out of reach."""
    return 1000.0 / (2.0 * p**0.5)


def with_spopt(kind: str, p: int, frame: gpd.GeoDataFrame, away: pd.DataFrame) -> dict:
    """Solve with spopt and HiGHS."""
    from spopt.locate import MCLP, PDispersion, PMedian

    matrix, people = away.to_numpy(), frame["people"].to_numpy()
    solver = pulp.HiGHS(msg=False, gapRel=GAP, threads=1)
    # HiGHS prints a banner for each of its models.
    with silenced():
        if kind == "dispersion":
            problem = PDispersion.from_cost_matrix(matrix, p_facilities=p)
        elif kind == "median":
            problem = PMedian.from_cost_matrix(matrix, people, p_facilities=p)
        else:
            problem = MCLP.from_cost_matrix(matrix, people, reach(p), p_facilities=p)
        # Reading the result back is not counted where spopt lets us skip it.
        skip = {} if kind == "dispersion" else {"results": False}
        problem = problem.solve(solver, **skip)
    return {"objective": abs(float(problem.problem.objective.value()))}


def main(who: str, n: int, kind: str, p: int, seed: int) -> dict:
    """Time one contestant, its imports and places done."""
    warnings.simplefilter("ignore")
    frame, away = places(n, seed)
    if who == "siteselect":
        # The first call imports what is imported when it is needed.
        warm, near = places(10, 0)
        with_siteselect(kind, 2, warm, near)
    else:
        import spopt.locate  # noqa: F401
    solve = with_siteselect if who == "siteselect" else with_spopt
    start, before = time.perf_counter(), processor_seconds()
    result = solve(kind, p, frame, away)
    result["seconds"] = time.perf_counter() - start
    result["cpu_s"] = processor_seconds() - before
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result | {"kind": kind, "seed": seed}


if __name__ == "__main__":
    _who, _n, _, _kind, _p, _seed = sys.argv[1:]
    print(json.dumps(main(_who, int(_n), _kind, int(_p), int(_seed))))
