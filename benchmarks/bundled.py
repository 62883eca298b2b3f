"""Choosing 3 GW on the bundled data: siteselect, plain PuLP, HiGHS fed arrays.

The program, the same for all: at most one size per site; 3,000 MW in all; a
budget; headroom per substation; at most 900 MW per state; at most 20 sites;
maximise score × MW.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import geopandas as gpd
import highspy
import numpy as np
import pulp
from contest import processor_seconds

import siteselect as ss
from siteselect.optimization import optimize_sites

SIZES_MW = (100, 200, 300, 500, 750)
POWER_MW = 3000.0
BUDGET_USD = 40e9
STATE_MW = 900.0
MAX_SITES = 20
GAP = 1e-4


def instance(size: int, folder: Path) -> gpd.GeoDataFrame:
    """Prepare and score about ``size`` candidates once; later runs read the file."""
    stored = folder / f"instance{size}.parquet"
    if stored.exists():
        return gpd.read_parquet(stored)
    area = ss.datasets.region("CONUS")
    layers = ss.datasets.load_all(area)
    km2 = float(area.to_crs(5070).area.sum()) / 1e6
    sites = ss.grid_candidates(area, spacing_km=(km2 / size) ** 0.5)
    sites = ss.prepare(sites, layers)
    scored = ss.score_sites(sites, ss.presets.training(layers))
    scored.to_parquet(stored)
    return scored


def columns(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[tuple[int, int]]]:
    """Return the eligible sites and their offered (site, MW) pairs."""
    used = ["score", "capacity_mw", "cost_usd_per_mw", "fixed_cost_usd"]
    keep = frame[used].notna().all(axis=1) & frame["capacity_mw"].gt(0)
    frame = frame[keep]
    pairs = [
        (i, mw)
        for i, cap in enumerate(frame["capacity_mw"].to_numpy())
        for mw in SIZES_MW
        if mw <= cap
    ]
    return frame, pairs


def with_siteselect(frame: gpd.GeoDataFrame, method: str) -> dict:
    """Solve with the library."""
    plan = optimize_sites(
        frame,
        power_mw=(POWER_MW, POWER_MW),
        budget_usd=BUDGET_USD,
        site_mw=list(SIZES_MW),
        max_sites=MAX_SITES,
        gap=GAP,
        method=method,
        time_limit_s=240,
        limits=[
            ss.Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw"),
            ss.Limit("state", per_mw=1, by="state", at_most=STATE_MW),
        ],
    )
    return {"objective": plan.objective, "gap": plan.gap, "status": plan.status}


def with_pulp(frame: gpd.GeoDataFrame, solver: str) -> dict:
    """Solve as an expert writes it in PuLP: a dict of binaries and lpSum."""
    frame, pairs = columns(frame)
    score = frame["score"].to_numpy()
    cost = frame["cost_usd_per_mw"].to_numpy()
    fixed = frame["fixed_cost_usd"].to_numpy()
    substation = frame["substation"].to_numpy()
    headroom = frame["headroom_mw"].to_numpy()
    state = frame["state"].to_numpy()
    model = pulp.LpProblem("siting", pulp.LpMaximize)
    build = {
        (i, mw): model.add_variable(f"b_{i}_{mw}", cat="Binary") for i, mw in pairs
    }
    model += pulp.lpSum(score[i] * mw * build[i, mw] for i, mw in pairs)
    model += pulp.lpSum(mw * build[i, mw] for i, mw in pairs) == POWER_MW
    model += (
        pulp.lpSum((cost[i] * mw + fixed[i]) / 1e6 * build[i, mw] for i, mw in pairs)
        <= BUDGET_USD / 1e6
    )
    model += pulp.lpSum(build.values()) <= MAX_SITES
    by_site: dict = {}
    by_substation: dict = {}
    by_state: dict = {}
    for i, mw in pairs:
        by_site.setdefault(i, []).append(build[i, mw])
        by_substation.setdefault(substation[i], []).append((i, mw))
        by_state.setdefault(state[i], []).append((i, mw))
    for variables in by_site.values():
        model += pulp.lpSum(variables) <= 1
    for members in by_substation.values():
        limit = headroom[members[0][0]]
        model += pulp.lpSum(mw * build[i, mw] for i, mw in members) <= limit
    for members in by_state.values():
        model += pulp.lpSum(mw * build[i, mw] for i, mw in members) <= STATE_MW
    if solver == "CBC":
        engine = pulp.PULP_CBC_CMD(msg=False, gapRel=GAP, timeLimit=240)
    else:
        engine = pulp.HiGHS(msg=False, gapRel=GAP, timeLimit=240)
    model.solve(engine)
    objective = model.objective.value()
    return {"objective": float(objective), "status": str(pulp.LpStatus[model.status])}


def with_highs(frame: gpd.GeoDataFrame) -> dict:
    """Hand the same program to HiGHS as arrays."""
    frame, pairs = columns(frame)
    site = np.array([i for i, _ in pairs])
    mw = np.array([m for _, m in pairs], dtype=float)
    score = frame["score"].to_numpy()[site]
    cost = frame["cost_usd_per_mw"].to_numpy()[site] * mw
    cost += frame["fixed_cost_usd"].to_numpy()[site]
    _, substation = np.unique(
        frame["substation"].to_numpy().astype(str), return_inverse=True
    )
    _, state = np.unique(frame["state"].to_numpy().astype(str), return_inverse=True)
    headroom = np.zeros(substation.max() + 1)
    headroom[substation] = frame["headroom_mw"].to_numpy()
    n = len(pairs)
    column = np.arange(n)
    first_substation = 3 + len(frame)
    first_state = first_substation + len(headroom)
    rows = np.concatenate(
        [
            np.zeros(n),
            np.ones(n),
            np.full(n, 2),
            3 + site,
            first_substation + substation[site],
            first_state + state[site],
        ]
    ).astype(np.int32)
    values = np.concatenate([mw, cost / 1e6, np.ones(n), np.ones(n), mw, mw])
    order = np.lexsort((np.tile(column, 6), rows))
    n_rows = first_state + state.max() + 1
    upper = np.concatenate(
        [
            [POWER_MW, BUDGET_USD / 1e6, MAX_SITES],
            np.ones(len(frame)),
            headroom,
            np.full(state.max() + 1, STATE_MW),
        ]
    )
    lower = np.full(n_rows, -highspy.kHighsInf)
    lower[0] = POWER_MW
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, n_rows
    model.col_cost_, model.sense_ = score * mw, highspy.ObjSense.kMaximize
    model.col_lower_, model.col_upper_ = np.zeros(n), np.ones(n)
    model.row_lower_, model.row_upper_ = lower, upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.searchsorted(rows[order], np.arange(n_rows + 1))
    model.a_matrix_.index_ = np.tile(column, 6)[order].astype(np.int32)
    model.a_matrix_.value_ = values[order]
    model.integrality_ = [highspy.HighsVarType.kInteger] * n
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", GAP)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", 240.0)
    solver.passModel(model)
    solver.run()
    info = solver.getInfo()
    return {
        "objective": info.objective_function_value,
        "gap": info.mip_gap,
        "status": solver.modelStatusToString(solver.getModelStatus()),
    }


def main(who: str, size: int, folder: Path) -> dict:
    """Time one contestant on the prepared frame, its imports done."""
    frame = instance(size, folder)
    if who == "prepare":
        return {}
    warnings.simplefilter("ignore")
    start, before = time.perf_counter(), processor_seconds()
    if who == "siteselect":
        result = with_siteselect(frame, "auto")
    elif who == "siteselect, full model":
        result = with_siteselect(frame, "full")
    elif who.startswith("plain PuLP"):
        result = with_pulp(frame, who.rpartition(" ")[2])
    else:
        result = with_highs(frame)
    result["seconds"] = time.perf_counter() - start
    result["cpu_s"] = processor_seconds() - before
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
