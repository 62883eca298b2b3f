"""Where the sites lie: dispersion, median and covering beside spopt.

Times are wall clock in one process, imports done, model building included for both;
the ratio is spopt's time over siteselect's. Each side gets the same matrix.
"""

from __future__ import annotations

import argparse
import time
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pulp

from siteselect.optimization import (
    Covered,
    MaxMinDistance,
    MeanDistance,
    optimize_sites,
)

#: Seconds after which spopt's solver is stopped.
LIMIT_S = 120.0


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


def ours(kind: str, n: int, p: int, seed: int) -> tuple[float, float, float]:
    """Return seconds, value and proven bound of siteselect."""
    frame, away = places(n, seed)
    begin = time.perf_counter()
    if kind == "dispersion":
        asks = {"min_sites": p, "objective": MaxMinDistance(distance=away)}
    elif kind == "median":
        objective = MeanDistance(frame, weight="people", distance=away)
        asks = {"max_sites": p, "objective": objective}
    else:
        objective = Covered(frame, weight="people", km=reach(n, p), distance=away)
        asks = {"max_sites": p, "objective": objective}
    plan = optimize_sites(frame, site_mw=1, gap=1e-7, **asks)
    seconds = time.perf_counter() - begin
    total = 1.0 if kind == "dispersion" else float(frame["people"].sum())
    return seconds, plan.objective * total, plan.bound * total


def reach(n: int, p: int) -> float:
    """Return a distance at which some demand stays out of reach."""
    return 1000.0 / (2.0 * p**0.5)


def theirs(kind: str, n: int, p: int, seed: int) -> tuple[float, float | None]:
    """Return seconds and value of spopt, None where it proved nothing in time."""
    from spopt.locate import MCLP, PDispersion, PMedian

    frame, away = places(n, seed)
    matrix, people = away.to_numpy(), frame["people"].to_numpy()
    solver = pulp.HiGHS(msg=False, gapRel=1e-7, timeLimit=LIMIT_S, threads=1)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "dispersion":
            problem = PDispersion.from_cost_matrix(matrix, p_facilities=p)
        elif kind == "median":
            problem = PMedian.from_cost_matrix(matrix, people, p_facilities=p)
        else:
            problem = MCLP.from_cost_matrix(matrix, people, reach(n, p), p_facilities=p)
        try:
            # Reading the result back is not counted where spopt lets us skip it.
            skip = {} if kind == "dispersion" else {"results": False}
            problem = problem.solve(solver, **skip)
        except RuntimeError:
            return time.perf_counter() - begin, None
    seconds = time.perf_counter() - begin
    if seconds >= LIMIT_S:
        return seconds, None
    return seconds, abs(float(problem.problem.objective.value()))


def row(kind: str, n: int, p: int, seed: int, with_spopt: bool = True) -> None:
    """Run both on one instance and print a line of the table."""
    seconds, value, bound = ours(kind, n, p, seed)
    gap = abs(bound - value) / max(1e-9, abs(value))
    said, ratio = "not run", "–"
    if with_spopt:
        spent, other = theirs(kind, n, p, seed)
        ratio = f"{spent / seconds:.1f}"
        if other is None:
            said, ratio = f"{spent:.1f} s, nothing proven", f"> {ratio}"
        else:
            off = abs(other - value) / max(1e-9, abs(value))
            said = f"{spent:.2f} s, " + ("same" if off < 1e-5 else f"{other:.8g}")
    print(
        f"| {kind} | {n} | {p} | {seed} | {seconds:.3f} s | {value:.8g} | {gap:.1e} | "
        f"{said} | {ratio} |",
        flush=True,
    )


def main(seeds: int = 3) -> None:
    """Print the table: ratios against spopt, and sizes that are proven without it."""
    warm, away = places(10, 0)
    optimize_sites(
        warm, site_mw=1, min_sites=2, objective=MaxMinDistance(distance=away)
    )
    print("\n### Location\n")
    print("| problem | places | p | seed | siteselect | value | gap | spopt | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, n, p in (
        ("dispersion", 100, 10),
        ("median", 300, 15),
        ("covering", 300, 15),
    ):
        for seed in range(seeds):
            row(kind, n, p, seed)
    for kind, n, p in (
        ("dispersion", 300, 10),
        ("dispersion", 300, 20),
        ("median", 900, 90),
    ):
        for seed in range(seeds):
            row(kind, n, p, seed, with_spopt=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    main(parser.parse_args().seeds)
