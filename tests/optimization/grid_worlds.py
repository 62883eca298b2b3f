"""Small networks with candidates, and their flows by dense algebra."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

import siteselect as ss

CUTOFF = 0.05


@dataclass
class World:
    """A small network and candidates at its buses."""

    buses: pd.DataFrame
    branches: pd.DataFrame
    generators: pd.DataFrame
    sites: gpd.GeoDataFrame
    outages: list[str]

    @property
    def network(self) -> ss.grid.Network:
        return ss.grid.Network.from_tables(self.buses, self.branches, self.generators)


def candidates(buses: list[object], scores: list[float]) -> gpd.GeoDataFrame:
    n = len(buses)
    return gpd.GeoDataFrame(
        {"score": scores, "bus": buses},
        index=[f"s{k}" for k in range(n)],
        geometry=gpd.points_from_xy(-100 + np.arange(n), np.full(n, 32.0)),
        crs=4326,
    )


def random_world(seed: int, n_buses: int = 6, n_sites: int = 5) -> World:
    rng = np.random.default_rng(seed)
    ends = [(int(rng.integers(k)), k) for k in range(1, n_buses)]
    ends += [
        tuple(int(b) for b in rng.choice(n_buses, 2, replace=False))
        for _ in range(int(rng.integers(1, 4)))
    ]
    m = len(ends)
    label = [f"b{k}" for k in rng.permutation(n_buses)]
    rating = rng.choice(
        [0.0, np.nan, 40.0, 80.0, 160.0], m, p=[0.1, 0.1, 0.3, 0.3, 0.2]
    )
    rating *= rng.uniform(0.7, 1.3, m)
    branches = pd.DataFrame(
        {
            "branch": [f"l{k}" for k in range(m)],
            "from_bus": [label[i] for i, _ in ends],
            "to_bus": [label[j] for _, j in ends],
            "x_pu": rng.uniform(0.02, 0.3, m),
            "rating_mva": rating,
        }
    )
    p_mw = rng.uniform(10, 90, 2)
    world = World(
        pd.DataFrame(
            {"bus": label, "base_kv": 230.0, "load_mw": rng.uniform(0, 25, n_buses)}
        ),
        branches,
        pd.DataFrame(
            {
                "bus": rng.choice(label, 2, replace=False),
                "p_mw": p_mw,
                "p_max_mw": p_mw + rng.uniform(20, 150, 2),
            }
        ),
        candidates(
            list(rng.choice(label, n_sites)), list(rng.uniform(0.2, 1.0, n_sites))
        ),
        [],
    )
    kept = [k for k in range(m) if not splits(world, k)]
    world.outages = [f"l{k}" for k in kept if rng.random() < 0.7]
    return world


def ends_of(world: World) -> tuple[np.ndarray, np.ndarray]:
    index = pd.Index(world.buses["bus"])
    return (
        index.get_indexer(world.branches["from_bus"]),
        index.get_indexer(world.branches["to_bus"]),
    )


def splits(world: World, lost: int) -> bool:
    start, end = ends_of(world)
    reached, more = {0}, {0}
    while more:
        more = set()
        for k, (i, j) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
            if k != lost and (i in reached) != (j in reached):
                more |= {i, j} - reached
        reached |= more
    return len(reached) < len(world.buses)


def dense_flows(world: World, injection: np.ndarray, lost: int = -1) -> np.ndarray:
    """Flows by the pseudo-inverse of the dense nodal matrix, a branch taken out."""
    start, end = ends_of(world)
    m, n = len(start), len(world.buses)
    incidence = np.zeros((m, n))
    incidence[np.arange(m), start] = 1.0
    incidence[np.arange(m), end] = -1.0
    y = 1.0 / world.branches["x_pu"].to_numpy()
    if lost >= 0:
        y[lost] = 0.0
    weight = incidence * y[:, None]
    return weight @ (np.linalg.pinv(incidence.T @ weight) @ injection)


def injections(world: World, site_bus: list[str]) -> np.ndarray:
    """Base case, then 1 MW at the bus of each site, served by spare output."""
    index = pd.Index(world.buses["bus"])
    load = world.buses["load_mw"].to_numpy()
    made = world.generators["p_mw"].to_numpy()
    made = made * load.sum() / made.sum()
    spare = np.maximum(world.generators["p_max_mw"].to_numpy() - made, 0.0)
    out = np.zeros((len(load), 1 + len(site_bus)))
    out[:, 0] = -load
    for g, bus in enumerate(world.generators["bus"]):
        at = index.get_loc(bus)
        out[at, 0] += made[g]
        out[at, 1:] += spare[g] / spare.sum()
    for k, bus in enumerate(site_bus, start=1):
        out[index.get_loc(bus), k] -= 1.0
    return out


def spare_total(world: World) -> float:
    load = world.buses["load_mw"].sum()
    made = world.generators["p_mw"] * load / world.generators["p_mw"].sum()
    return float(np.maximum(world.generators["p_max_mw"] - made, 0.0).sum())


def brute_force(
    world: World, sizes: tuple[float, ...], cutoff: float, relief: bool = True
) -> float:
    """Return the best score x MW over every choice that all flows allow.

    Without relief also those while any of the sites draw nothing.
    """
    sites = world.sites
    right = injections(world, list(sites["bus"]))
    rating = world.branches["rating_mva"].fillna(0.0).to_numpy()
    rating = np.where(rating == 0, np.inf, rating)
    labels = list(world.branches["branch"])
    cases = []
    for lost in [-1, *(labels.index(k) for k in world.outages)]:
        flow = dense_flows(world, right, lost)
        share = np.where(np.abs(flow[:, 1:]) >= cutoff, flow[:, 1:], 0.0)
        cases.append((flow[:, 0], share))
    best = 0.0
    for mw in itertools.product((0.0, *sizes), repeat=len(sites)):
        value = float(sites["score"] @ np.array(mw))
        if value <= best or sum(mw) > spare_total(world) + 1e-9:
            continue
        draws = [np.array(mw)]
        if not relief:
            on = itertools.product((0.0, 1.0), repeat=len(sites))
            draws = [np.array(mw) * np.array(some) for some in on]
        if all(is_within(base, share, rating, draws) for base, share in cases):
            best = value
    return best


def is_within(
    base: np.ndarray, share: np.ndarray, rating: np.ndarray, draws: list[np.ndarray]
) -> bool:
    """Return whether flows hold with the sites drawing any of what is given."""
    flow = base[:, None] + share @ np.array(draws).T
    high, low = np.maximum(rating, base), np.minimum(-rating, base)
    over = (flow > high[:, None] + 1e-7) | (flow < low[:, None] - 1e-7)
    return not bool(over.any())


def line_of_three(rating: float = 100.0) -> World:
    """Buses 1 - 2 - 3 in a row, generation at 1."""
    return World(
        pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 0.0}),
        pd.DataFrame(
            {
                "branch": ["a", "b"],
                "from_bus": [1, 2],
                "to_bus": [2, 3],
                "x_pu": 0.1,
                "rating_mva": rating,
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
        candidates([2, 3], [0.8, 0.9]),
        [],
    )
