"""Ten next-best plans: siteselect against PuLP rebuilt for every one of them.

The program, the same for both: at most one size per site; 4 to 6 GW in all; a
budget; headroom per substation; at most 1,200 MW per state; at most 30 sites;
maximise score × MW. Each alternative differs from the plan and from all before it
in at least one chosen site; a gap of 1e-4 is proven for each.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import geopandas as gpd
import numpy as np
import pulp
from contest import processor_seconds

from siteselect.optimization import Limit, optimize_sites
from siteselect.optimization.alternatives import alternatives
from siteselect.optimization.importance import importance

SIZES_MW = (100, 200, 300)
POWER_MW = (4000.0, 6000.0)
BUDGET_USD = 40e9
STATE_MW = 1200.0
MAX_SITES = 30
GAP = 1e-4


def instance(n: int, seed: int) -> gpd.GeoDataFrame:
    """Draw ``n`` candidates with substations, states, costs and scores."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(-120, -75, n), rng.uniform(29, 46, n)
    substation = rng.integers(0, max(1, n // 5), n)
    headroom = rng.choice([150.0, 250.0, 400.0, 700.0], max(1, n // 5))
    score = np.clip(0.55 + 0.18 * rng.standard_normal(n), 0.01, 1.0)
    return gpd.GeoDataFrame(
        {
            "score": score.round(4),
            "capacity_mw": rng.choice([100.0, 200.0, 300.0, 450.0], n),
            "cost_usd_per_mw": (7e6 + 4e6 * score * rng.uniform(0.5, 1.5, n)).round(-3),
            "fixed_cost_usd": rng.uniform(0, 60e6, n).round(-3),
            "substation": substation,
            "headroom_mw": headroom[substation],
            "state": ((lon + 120) // 5 * 4 + (lat - 29) // 5).astype(int),
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )


def arguments() -> dict:
    """Return the request, as `optimize_sites` takes it."""
    return {
        "power_mw": POWER_MW,
        "budget_usd": BUDGET_USD,
        "site_mw": list(SIZES_MW),
        "max_sites": MAX_SITES,
        "gap": GAP,
        "limits": [
            Limit("headroom", per_mw=1, by="substation", at_most="headroom_mw"),
            Limit("state", per_mw=1, by="state", at_most=STATE_MW),
        ],
    }


def rebuilt_in_pulp(
    frame: gpd.GeoDataFrame,
    earlier: list[set[int]],
    closed: frozenset[int] = frozenset(),
) -> tuple[float, set[int]]:
    """Build and solve the whole model with one row per earlier plan."""
    score = frame["score"].to_numpy()
    cost = frame["cost_usd_per_mw"].to_numpy()
    fixed = frame["fixed_cost_usd"].to_numpy()
    pairs = [
        (i, mw)
        for i, most in enumerate(frame["capacity_mw"].to_numpy())
        for mw in SIZES_MW
        if mw <= most and i not in closed
    ]
    model = pulp.LpProblem("siting", pulp.LpMaximize)
    build = {
        (i, mw): model.add_variable(f"b_{i}_{mw}", cat="Binary") for i, mw in pairs
    }
    model += pulp.lpSum(score[i] * mw * build[i, mw] for i, mw in pairs)
    total = pulp.lpSum(mw * build[i, mw] for i, mw in pairs)
    model += total <= POWER_MW[1]
    model += total >= POWER_MW[0]
    model += (
        pulp.lpSum((cost[i] * mw + fixed[i]) / 1e6 * build[i, mw] for i, mw in pairs)
        <= BUDGET_USD / 1e6
    )
    model += pulp.lpSum(build.values()) <= MAX_SITES
    groups: dict = {}
    most = {}
    for column, least in (("substation", "headroom_mw"), ("state", None)):
        keys = frame[column].to_numpy()
        bound = None if least is None else frame[least].to_numpy()
        for i, mw in pairs:
            key = (column, keys[i])
            groups.setdefault(key, []).append(mw * build[i, mw])
            most[key] = STATE_MW if bound is None else bound[i]
    for i in sorted({i for i, _ in pairs}):
        model += pulp.lpSum(build[i, mw] for mw in SIZES_MW if (i, mw) in build) <= 1
    for key, terms in groups.items():
        model += pulp.lpSum(terms) <= most[key]
    for plan in earlier:
        inside = pulp.lpSum(build[i, mw] for i, mw in pairs if i in plan)
        outside = pulp.lpSum(build[i, mw] for i, mw in pairs if i not in plan)
        model += inside - outside <= len(plan) - 1
    model.solve(pulp.HiGHS(msg=False, gapRel=GAP, threads=1))
    chosen = {i for i, mw in pairs if build[i, mw].value() > 0.5}
    return float(model.objective.value()), chosen


def with_siteselect(frame: gpd.GeoDataFrame, count: int) -> dict:
    """Return the times of the first plan, the alternatives, and the importance."""
    clock = [(time.perf_counter(), processor_seconds())]

    def lap() -> tuple[float, float]:
        clock.append((time.perf_counter(), processor_seconds()))
        return clock[-1][0] - clock[-2][0], clock[-1][1] - clock[-2][1]

    plan = optimize_sites(frame, **arguments())
    first = lap()
    found = alternatives(plan, count)
    ten = lap()
    lost = importance(plan)
    each = [t / len(lost) / f for t, f in zip(lap(), first, strict=True)]
    return {
        "seconds": ten[0],
        "cpu_s": ten[1],
        "objective": plan.objective,
        "tenth": min(other.objective for other in found),
        "gap": max(other.gap for other in found),
        "status": found[-1].status,
        # The worse of both clocks.
        "each_over_first": max(t / count / f for t, f in zip(ten, first, strict=True)),
        "importance_over_first": max(each),
    }


def with_pulp(frame: gpd.GeoDataFrame, count: int) -> dict:
    """Return the time of the alternatives, each from a model built anew."""
    value, chosen = rebuilt_in_pulp(frame, [])
    earlier, values = [chosen], []
    start, before = time.perf_counter(), processor_seconds()
    for _ in range(count):
        other, chosen = rebuilt_in_pulp(frame, earlier)
        values.append(other)
        earlier.append(chosen)
    return {
        "seconds": time.perf_counter() - start,
        "cpu_s": processor_seconds() - before,
        "objective": value,
        "tenth": min(values),
    }


def main(who: str, n: int, seed: int, count: int = 10) -> dict:
    """Time one contestant, its imports and candidates done."""
    frame = instance(n, seed)
    if who == "siteselect":
        # The first call imports what is imported when it is needed.
        with_siteselect(instance(200, seed), 1)
        result = with_siteselect(frame, count)
    else:
        result = with_pulp(frame, count)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result | {"seed": seed}


if __name__ == "__main__":
    _who, _n, _, _seed = sys.argv[1:]
    print(json.dumps(main(_who, int(_n), int(_seed))))
