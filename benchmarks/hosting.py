"""How much load each bus can take: siteselect, and one pypsa power flow per bus.

The bundled synthetic network, buses of 100 kV and more. A user of pypsa who asks
whether a load fits puts it on the bus and calls ``lpf()``: one answer for one size,
where a capacity is the answer for all sizes. That is timed for some buses of Texas.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

import numpy as np
from contest import processor_seconds

from siteselect import datasets, grid
from siteselect.infrastructure.grid.network import BASE_MVA

OURS = "siteselect, Texas"
AFTER = "siteselect, Texas, 20 outages"
PYPSA = "pypsa, one lpf per bus, Texas"
ALL = "siteselect, three interconnections"


def bundled() -> tuple[grid.Network, np.ndarray]:
    """Return the network and the interconnection of each bus."""
    buses = datasets.load("grid_buses")
    network = grid.Network.from_tables(
        buses,
        datasets.load("grid_branches"),
        datasets.load("grid_generators"),
        datasets.load("grid_dclines"),
    )
    return network, buses["interconnection"].to_numpy()


def asked(network: grid.Network, where: np.ndarray, n: int) -> np.ndarray:
    """Return up to ``n`` of some buses, drawn."""
    able = np.flatnonzero(where & (network.base_kv >= 100))
    rng = np.random.default_rng(0)
    picked = rng.choice(able, min(n, able.size), replace=False)
    return network.bus[np.sort(picked)]


def in_pypsa(network: grid.Network):
    """Return the same network in pypsa, with one load to be moved about."""
    import pypsa

    other = pypsa.Network()
    names = network.bus.astype(str)
    other.add("Bus", names, v_nom=network.base_kv)
    ohm = network.x_pu * network.base_kv[network.from_bus] ** 2 / BASE_MVA
    other.add(
        "Line",
        network.branch.astype(str),
        bus0=names[network.from_bus],
        bus1=names[network.to_bus],
        x=ohm,
        s_nom=network.rating_mw,
    )
    output = np.bincount(
        network.generator_bus, grid.dispatch(network), len(network.bus)
    )
    there = np.flatnonzero(output)
    other.add(
        "Generator", "unit " + names[there], bus=names[there], p_set=output[there]
    )
    other.add("Load", "load " + names, bus=names, p_set=network.net_load_mw)
    other.add("Load", "new", bus=names[0], p_set=100.0)
    return other


def main(who: str, n: int) -> dict:
    """Time one contestant over ``n`` buses, its network built."""
    network, part = bundled()
    texas = network.around(network.bus[part == "Texas"][:1])
    every = np.ones(len(texas.bus), dtype=bool)
    start, before = time.perf_counter(), processor_seconds()
    if who == PYPSA:
        warnings.simplefilter("ignore")
        buses = asked(texas, every, min(n, 10))
        other = in_pypsa(texas)
        other.lpf()
        start, before = time.perf_counter(), processor_seconds()
        for bus in buses:
            other.loads.loc["new", "bus"] = str(bus)
            other.lpf()
    elif who == ALL:
        some = [asked(network, part == k, n) for k in np.unique(part)]
        buses = np.concatenate(some)
        grid.hosting_capacity(network, buses)
    else:
        buses = asked(texas, every, n)
        outages: list = []
        if who == AFTER:
            loading = np.abs(grid.dc_flow(texas).flow_mw) / texas.rating_mw
            kept = ~np.isnan(grid.lodf_columns(texas, texas.branch)).any(axis=0)
            outages = texas.branch[np.argsort(-np.where(kept, loading, -1.0))[:20]]
            start, before = time.perf_counter(), processor_seconds()
        grid.hosting_capacity(texas, buses, outages=list(outages))
    seconds = time.perf_counter() - start
    return {
        "buses": len(buses),
        "seconds": seconds / len(buses),
        "cpu_s": (processor_seconds() - before) / len(buses),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
