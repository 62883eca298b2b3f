"""Cliques of close sites, grown over all sites."""

from __future__ import annotations

import numpy as np
import pytest

from siteselect.optimization._distance import Nearby, geodesic_km


def grown_one_by_one(nearby: Nearby, clique: list[int]) -> list[int]:
    """Take sites close to all of the clique, nearest to its middle first."""
    middle = nearby._xyz[clique].mean(axis=0)
    away = np.round(((nearby._xyz - middle) ** 2).sum(axis=1), 13)
    clique = list(clique)
    for v in np.argsort(away, kind="stable").tolist():
        others = np.array(clique)
        same = np.repeat(nearby.points[[v]], others.size, axis=0)
        near = geodesic_km(same, nearby.points[others]) < nearby.km * (1 - 1e-9)
        if nearby.codes is not None:
            near &= nearby.codes[others] == nearby.codes[v]
        if v not in clique and near.all():
            clique.append(v)
    return sorted(clique)


@pytest.mark.parametrize("km", [60.0, 300.0, 900.0, 3000.0])
@pytest.mark.parametrize("is_split", [False, True])
def test_cliques_grow_as_one_by_one(km, is_split):
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(-110, -80, 300), rng.uniform(25, 49, 300)
    codes = rng.integers(0, 2, 300) if is_split else None
    nearby = Nearby(np.column_stack([lon, lat]), km, codes)
    i, j = nearby.pairs_among(np.arange(300))
    for k in rng.integers(0, i.size, 5).tolist():
        clique = [int(i[k]), int(j[k])]
        around = dict(zip(clique, nearby.neighbors(np.array(clique)), strict=True))
        grown = nearby._grown(clique, around).tolist()
        assert grown == grown_one_by_one(nearby, clique)
