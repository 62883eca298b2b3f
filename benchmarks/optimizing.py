"""The synthetic siting program: siteselect, CBC, PuLP's plain idiom, HiGHS, pairs.

Each contestant gets the same drawn candidates (`instances`) and answers the same
program; seconds run from the frame to the answer, imports done. "Full matrix" and
"pairs" get siteselect's own arrays, so that only the solving differs; "plain PuLP"
is written as PuLP's manual writes models.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pulp
from contest import processor_seconds
from instances import SIZES_MW, arguments, synthetic_sites
from scipy import sparse

from siteselect.optimization import highs, optimize_sites, pulp_model
from siteselect.optimization._compile import Request, compile_problem
from siteselect.optimization.limits import Spacing
from siteselect.optimization.problem import Problem, Rows

GAP = 1e-4
PEERS = ("full matrix, CBC", "full matrix, HiGHS", "plain PuLP, HiGHS")


def with_siteselect(
    frame: gpd.GeoDataFrame, regime: str, km: float | None, limit_s: float | None
) -> dict:
    """Solve with the library, default method."""
    asked = arguments(regime, km)
    plan = optimize_sites(frame, **asked, gap=GAP, time_limit_s=limit_s)
    return {"objective": plan.objective, "gap": plan.gap, "status": plan.status}


def pair_rows(problem: Problem, km: float) -> Rows:
    """Return one row "not both" for every pair of sites that is too close."""
    i, j = Spacing(km).nearby(problem).all_pairs()
    cols = problem.open_columns
    opens = sparse.csr_array(
        (np.ones(cols.size), (problem.column_site[cols], cols)),
        shape=(problem.n_sites, problem.n_columns),
    )
    return Rows.make(opens[i] + opens[j], -np.inf, 1.0, "pairs")


def with_full_matrix(
    frame: gpd.GeoDataFrame, regime: str, km: float | None, solver: str
) -> dict:
    """Hand every column and row to a solver; spacing as pairs."""
    request = arguments(regime, None) | {"limits": arguments(regime)["limits"]}
    compiled = compile_problem(Request(sites=frame, **request))
    problem, rows = compiled.problem, compiled.full_rows()
    if km is not None:
        rows = Rows.stack([rows, pair_rows(problem, km)])
    scale = pulp_model.objective_scale(problem)
    body = (rows.matrix, rows.lower, rows.upper, problem.lower, problem.upper)
    if solver == "CBC":
        # CBC alone, taken at its word: what we ask of it beyond that is not timed.
        program = pulp_model.Program(
            problem.objective * scale, problem.maximize, *body, problem.integrality
        )
        found = pulp_model.solve_program(
            program, solver="cbc", gap=GAP, time_limit_s=None
        )
    else:
        found = highs.solve_mip(
            problem.objective * scale, *body, problem.integrality, gap=GAP
        )
    found = replace(found, objective=found.objective / scale, bound=found.bound / scale)
    gap = (found.bound - found.objective) / max(1e-9, abs(found.objective))
    return {"objective": found.objective, "gap": gap, "status": found.status}


def with_plain_pulp(frame: gpd.GeoDataFrame, regime: str) -> dict:
    """Solve as PuLP's manual writes it: a dict of binaries and lpSum."""
    asked = arguments(regime)
    power_mw = asked["power_mw"][1]
    spread, carbon = asked["limits"][2], asked["limits"][3]
    table = {c: frame[c].to_numpy() for c in frame.columns if c != "geometry"}
    pairs = [
        (i, mw)
        for i, most in enumerate(table["capacity_mw"])
        for mw in SIZES_MW
        if mw <= most
    ]
    model = pulp.LpProblem("siting", pulp.LpMaximize)
    build = {
        (i, mw): model.add_variable(f"b_{i}_{mw:g}", cat="Binary") for i, mw in pairs
    }
    model += pulp.lpSum(table["score"][i] * mw * build[i, mw] for i, mw in pairs)
    model += pulp.lpSum(mw * build[i, mw] for i, mw in pairs) == power_mw
    cost, fixed = table["cost_usd_per_mw"], table["fixed_cost_usd"]
    model += (
        pulp.lpSum((cost[i] * mw + fixed[i]) / 1e6 * build[i, mw] for i, mw in pairs)
        <= asked["budget_usd"] / 1e6
    )
    model += pulp.lpSum(build.values()) <= asked["max_sites"]
    if asked["min_sites"]:
        model += pulp.lpSum(build.values()) >= asked["min_sites"]
    model += (
        pulp.lpSum(
            (table["carbon"][i] - carbon.at_most) * mw / 1e3 * build[i, mw]
            for i, mw in pairs
        )
        <= 0
    )
    groups: dict[str, dict] = {"site": {}, "substation": {}, "county": {}, "state": {}}
    for i, mw in pairs:
        groups["site"].setdefault(i, []).append((i, mw))
        for column in ("substation", "county", "state"):
            groups[column].setdefault(table[column][i], []).append((i, mw))
    for members in groups["site"].values():
        model += pulp.lpSum(build[key] for key in members) <= 1
    for members in groups["substation"].values():
        headroom = table["headroom_mw"][members[0][0]]
        model += pulp.lpSum(mw * build[i, mw] for i, mw in members) <= headroom
    for members in groups["county"].values():
        water = table["water_available"][members[0][0]]
        model += (
            pulp.lpSum(
                table["water_per_mw"][i] * mw / 1e6 * build[i, mw] for i, mw in members
            )
            <= water / 1e6
        )
    used = []
    for state, members in groups["state"].items():
        is_used = model.add_variable(f"used_{state}", 0, 1)
        used.append(is_used)
        model += is_used <= pulp.lpSum(build[key] for key in members)
        most = spread.max_share * power_mw
        model += pulp.lpSum(mw * build[i, mw] for i, mw in members) <= most
    model += pulp.lpSum(used) >= spread.at_least
    model.solve(pulp.HiGHS(msg=False, gapRel=GAP, threads=1))
    objective = model.objective.value()
    return {
        "objective": float("nan") if objective is None else float(objective),
        "status": str(pulp.LpStatus[model.status]).lower(),
    }


def main(
    who: str,
    size: int,
    regime: str,
    km: float | None,
    seed: int,
    limit_s: float | None,
) -> dict:
    """Time one contestant, its imports and candidates done."""
    frame = synthetic_sites(size, seed)
    warnings.simplefilter("ignore")
    start, before = time.perf_counter(), processor_seconds()
    if who == "siteselect":
        result = with_siteselect(frame, regime, km, limit_s)
    elif who.startswith(("full matrix", "pairs")):
        result = with_full_matrix(frame, regime, km, who.rpartition(" ")[2])
    else:
        result = with_plain_pulp(frame, regime)
    result["seconds"] = time.perf_counter() - start
    result["cpu_s"] = processor_seconds() - before
    peak = [
        resource.getrusage(who_used).ru_maxrss / 1024
        for who_used in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    result["peak_mb"] = max(peak)
    return result


if __name__ == "__main__":
    _who, _size, _, _regime, _km, _seed, _limit = sys.argv[1:]
    _found = main(
        _who, int(_size), _regime, float(_km) or None, int(_seed), float(_limit) or None
    )
    print(json.dumps(_found))
