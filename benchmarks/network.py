"""Plans on the bundled synthetic Texas network: without lines, with, after outages.

Candidates are model buses of 100 kV and more with drawn scores and costs: at most 3 GW
under a budget, sizes of 100, 200 and 300 MW. The same program with `Deliverable` and
without it; with every outage that splits nothing, and without any.
"""

from __future__ import annotations

import copy
import json
import resource
import sys
import time

import geopandas as gpd
import numpy as np
from contest import processor_seconds

from siteselect import Deliverable, datasets, grid, optimize_sites

PLAIN = "without lines"
LINES = "lines hold"
OUTAGES = "and after each outage"
#: A second plan on the same network, which keeps what it alone decides (factorised
#: matrix, outage factors); the first one pays for that.
AGAIN = "and after each outage, a later plan"
#: Branches that may drop out, by contestant.
OUTAGES_OF = {LINES: (), OUTAGES: "all", AGAIN: "all"}
#: Runs of each contestant in one process.
RUNS = 5
ARGUMENTS = {
    "power_mw": 3000,
    "budget_usd": 30e9,
    "site_mw": [100, 200, 300],
    "gap": 1e-4,
}


def instance(n: int, seed: int = 0) -> tuple[grid.Network, gpd.GeoDataFrame]:
    """Return the Texas network and candidates at ``n`` of its buses."""
    buses = datasets.load("grid_buses")
    texas = buses["interconnection"] == "Texas"
    network = grid.Network.from_tables(
        buses, datasets.load("grid_branches"), datasets.load("grid_generators")
    ).around(buses.loc[texas, "bus"].to_numpy()[:1])
    places = datasets.load("substations").set_index("substation").geometry
    rng = np.random.default_rng(seed)
    picked = buses[texas & (buses["base_kv"] >= 100)].sample(n, random_state=seed)
    sites = gpd.GeoDataFrame(
        {
            "bus": picked["bus"].to_numpy(),
            "score": rng.uniform(0.3, 1.0, n),
            "cost_usd_per_mw": rng.uniform(8e6, 1.4e7, n),
        },
        geometry=places.loc[picked["substation"]].to_numpy(),
        crs=places.crs,
    )
    return network, sites


def main(who: str, n: int, seed: int = 0) -> dict:
    """Time one contestant, its imports and candidates done: the best of some runs."""
    network, sites = instance(n, seed)
    # The first calls import what is imported when it is needed.
    optimize_sites(sites, **ARGUMENTS)
    if who in OUTAGES_OF:
        optimize_sites(sites.head(20), **ARGUMENTS, limits=[Deliverable(network)])
    if who == AGAIN:
        first = Deliverable(network, outages=OUTAGES_OF[who])
        optimize_sites(sites, **ARGUMENTS, limits=[first])
    took = []
    for _ in range(RUNS):
        if who != AGAIN:
            # A copy keeps nothing of what an earlier plan worked out.
            network = copy.copy(network)
        start, before = time.perf_counter(), processor_seconds()
        limits = []
        if who in OUTAGES_OF:
            limits = [Deliverable(network, outages=OUTAGES_OF[who])]
        plan = optimize_sites(sites, **ARGUMENTS, limits=limits)
        took.append((processor_seconds() - before, time.perf_counter() - start))
    return {
        "seconds": min(wall for _, wall in took),
        "cpu_s": min(cpu for cpu, _ in took),
        "objective": plan.objective,
        "gap": plan.gap,
        "status": plan.status,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[4]))))
