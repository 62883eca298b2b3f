"""DC power flow of the bundled Texas network: pypsa, pandapower, siteselect.

All three are given the same buses, branches, reactances and injections (synthetic
network, buses of all voltages). ``build`` is the time to make the tool's own network
out of the tables, ``seconds`` that of the first flow, ``later`` that of one more flow
with other injections on the same network.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from contest import lines_of, measured, processor_seconds

BASE_MVA = 100.0
LATER = 5
Solve = Callable[[np.ndarray], np.ndarray]
#: Labels, voltages, ends and reactances, from the tables of the bundle.
ARRAYS = ("bus", "base_kv", "branch", "from_bus", "to_bus", "x_pu")


def prepare(folder: Path) -> None:
    """Write the Texas network of the bundle, and injections, for all contestants.

    After the base case come others, where 100 MW move from one bus to another.
    """
    from hosting import bundled

    from siteselect.infrastructure.grid.flow import base_injection

    network, part = bundled()
    texas = network.around(network.bus[part == "Texas"][:1])
    made = [base_injection(texas)]
    rng = np.random.default_rng(0)
    for _ in range(LATER):
        made.append(made[0].copy())
        one, two = rng.choice(len(made[0]), 2, replace=False)
        made[-1][one] += 100.0
        made[-1][two] -= 100.0
    arrays = {name: getattr(texas, name) for name in ARRAYS}
    np.savez(folder / "texas.npz", injections=np.array(made), **arrays)


def in_siteselect(network: SimpleNamespace) -> Solve:
    """Make ready in siteselect."""
    import pandas as pd

    from siteselect import grid

    own = grid.Network.from_tables(
        pd.DataFrame({"bus": network.bus, "base_kv": network.base_kv, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": network.branch,
                "from_bus": network.bus[network.from_bus],
                "to_bus": network.bus[network.to_bus],
                "x_pu": network.x_pu,
                "rating_mva": np.inf,
            }
        ),
        pd.DataFrame({"bus": network.bus[:1], "p_mw": 0.0, "p_max_mw": 0.0}),
    )
    return lambda injection: grid.dc_flow(own, injection).flow_mw


def in_pypsa(network: SimpleNamespace) -> Solve:
    """Make ready in pypsa."""
    import pypsa

    other = pypsa.Network()
    names = network.bus.astype(str)
    other.add("Bus", names, v_nom=network.base_kv)
    other.add(
        "Line",
        network.branch.astype(str),
        bus0=names[network.from_bus],
        bus1=names[network.to_bus],
        x=network.x_pu * network.base_kv[network.from_bus] ** 2 / BASE_MVA,
    )
    other.add("Generator", names, bus=names)

    def solve(injection: np.ndarray) -> np.ndarray:
        other.generators["p_set"] = injection
        other.lpf()
        return other.lines_t.p0.iloc[0].to_numpy(copy=True)

    return solve


def in_pandapower(network: SimpleNamespace) -> Solve:
    """Make ready in pandapower; every branch is a line of one kilometer."""
    import pandapower as pp

    other = pp.create_empty_network(sn_mva=BASE_MVA)
    pp.create_buses(other, len(network.bus), vn_kv=network.base_kv)
    pp.create_lines_from_parameters(
        other,
        network.from_bus,
        network.to_bus,
        length_km=1.0,
        r_ohm_per_km=0.0,
        x_ohm_per_km=network.x_pu * network.base_kv[network.from_bus] ** 2 / BASE_MVA,
        c_nf_per_km=0.0,
        max_i_ka=1.0,
    )
    pp.create_loads(other, np.arange(len(network.bus)), p_mw=0.0)
    pp.create_ext_grid(other, 0)

    def solve(injection: np.ndarray) -> np.ndarray:
        other.load["p_mw"] = -injection
        pp.rundcpp(other)
        return other.res_line["p_from_mw"].to_numpy(copy=True)

    return solve


CONTESTANTS: dict[str, Callable[[SimpleNamespace], Solve]] = {
    "siteselect": in_siteselect,
    "pypsa": in_pypsa,
    "pandapower": in_pandapower,
}


#: Three buses in a ring, on which imports are done.
RING = SimpleNamespace(
    bus=np.array([1, 2, 3]),
    base_kv=np.full(3, 230.0),
    branch=np.array([1, 2, 3]),
    from_bus=np.array([0, 1, 0]),
    to_bus=np.array([1, 2, 2]),
    x_pu=np.full(3, 0.1),
)


def main(who: str, folder: Path) -> dict[str, Any]:
    """Time one contestant, its imports done."""
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    if who == "prepare":
        prepare(folder)
        return {}
    ready = CONTESTANTS[who]
    ready(RING)(np.array([90.0, 0.0, -90.0]))
    with np.load(folder / "texas.npz") as stored:
        network = SimpleNamespace(**{name: stored[name] for name in ARRAYS})
        first, *others = stored["injections"]
    start = time.perf_counter()
    solve = ready(network)
    build_s = time.perf_counter() - start
    flow, figures = measured(solve, first)
    start, before = time.perf_counter(), processor_seconds()
    flows = [flow, *(solve(one) for one in others)]
    later_s = (time.perf_counter() - start) / LATER
    later_cpu_s = (processor_seconds() - before) / LATER
    kept = folder / "flows.npy"
    if who == "siteselect":
        np.save(kept, flows)
    return {
        **figures,
        "build_s": build_s,
        "later_s": later_s,
        "later_cpu_s": later_cpu_s,
        "lines": lines_of(ready),
        "buses": len(network.bus),
        "branches": len(network.branch),
        "largest_mw": float(np.abs(flows).max()),
        "apart_mw": float(np.abs(np.array(flows) - np.load(kept)).max()),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[3]))))
