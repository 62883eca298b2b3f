"""Synthetic siting instances for the benchmarks: seeded, labelled, no real data.

Scores, costs, headroom and water are drawn, smooth over space where the real ones
are; no figure here says anything about a real place.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

import siteselect as ss

SIZES_MW = (100.0, 250.0, 500.0)
REGIMES = ("default", "hard")


def _field(xy: np.ndarray, rng: np.random.Generator, km: float) -> np.ndarray:
    """Return a smooth random field over the points, mean 0, variance about 1."""
    waves = 24
    k = rng.normal(size=(2, waves)) / km
    phase = rng.uniform(0, 2 * np.pi, waves)
    return np.cos(xy @ k + phase).sum(axis=1) * np.sqrt(2 / waves)


def synthetic_sites(n: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Return ``n`` drawn candidates with everything that the program reads.

    Parameters
    ----------
    n : int
        Number of candidates.
    seed : int
        Seed of all draws.
    """
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(seed)
    xy = rng.uniform((0, 0), (4400, 2500), (n, 2))  # km

    def nearest_of(k: int) -> np.ndarray:
        centers = rng.uniform((0, 0), (4400, 2500), (k, 2))
        return cKDTree(centers).query(xy)[1]

    state = nearest_of(48)
    county = nearest_of(int(np.clip(n / 30, 60, 3000)))
    substation = nearest_of(int(np.clip(n / 10, 100, 20_000)))
    quality = 0.2 + 0.5 * _field(xy, rng, 300) + 0.4 * rng.normal(size=n)
    score = 1 / (1 + np.exp(-quality))
    cost = 10.5e6 + 0.6e6 * _field(xy, rng, 400) + 0.7e6 * rng.normal(size=n)
    cost += 2.0e6 * (score - 0.55)  # good places cost more
    headroom = rng.gamma(2.0, 220.0, substation.max() + 1)
    water_use = np.clip(3000 + 900 * _field(xy, rng, 500), 600, None)
    water = rng.lognormal(np.log(0.9e6), 0.8, county.max() + 1)
    carbon = np.clip(
        380 + 120 * rng.normal(size=48)[state] + 25 * rng.normal(size=n), 20, None
    )
    capacity = rng.choice([500.0, 900.0], n)
    lon = -122 + xy[:, 0] / 4400 * 52
    lat = 27 + xy[:, 1] / 2500 * 21
    frame = gpd.GeoDataFrame(
        {
            "score": score,
            "capacity_mw": capacity,
            "cost_usd_per_mw": np.clip(cost, 6e6, None),
            "fixed_cost_usd": rng.uniform(20e6, 90e6, n),
            "state": np.char.add("S", np.char.zfill(state.astype(str), 2)),
            "county": county,
            "water_available": water[county],
            "water_per_mw": water_use,
            "substation": substation,
            "headroom_mw": headroom[substation],
            "carbon": carbon,
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )
    frame.attrs["note"] = "synthetic: drawn for benchmarks"
    return frame


def arguments(regime: str = "default", spacing_km: float | None = None) -> dict:
    """Return the arguments of ``optimize_sites`` for a regime.

    Parameters
    ----------
    regime : {"default", "hard"}
        "hard" has a tight budget, at least 30 states, 60 sites and 20 GW.
    spacing_km : float, optional
        Least distance between chosen sites [km].
    """
    hard = regime == "hard"
    power_mw = 20_000.0 if hard else 6000.0
    limits: list[Any] = [
        ss.Limit(
            "substation headroom",
            per_mw=1,
            by="substation",
            at_most="headroom_mw",
            unit="MW",
        ),
        ss.Limit(
            "county water",
            per_mw="water_per_mw",
            by="county",
            at_most="water_available",
            unit="m3/year",
        ),
        ss.Spread(
            "states",
            by="state",
            at_least=30 if hard else 8,
            max_share=0.12 if hard else 0.30,
        ),
        ss.Average("carbon", "carbon", at_most=330.0, unit="kg/MWh"),
    ]
    return {
        "power_mw": (power_mw, power_mw),
        "budget_usd": power_mw * (9.2e6 if hard else 11.0e6),
        "site_mw": list(SIZES_MW),
        "max_sites": 120 if hard else 30,
        "min_sites": 60 if hard else None,
        "min_spacing_km": spacing_km,
        "limits": tuple(limits),
    }
