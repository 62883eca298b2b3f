"""Every chosen site within reach of a chosen hub."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from rule_cases import (
    agree,
    candidates,
    claims,
    compiled,
    refused,
    rows_of,
    says,
    three,
)
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import InfeasiblePlanError, StudyError
from siteselect.optimization.clustering import pairs_in_reach

INF = np.inf
GEOD = Geod(ellps="WGS84")


def km_between(a: Any, b: Any) -> float:
    return float(GEOD.inv(a.x, a.y, b.x, b.y)[2]) / 1000.0


def cluster_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    hubs = rng.sample(list(frame.index), rng.randint(1, len(frame)))
    frame["named"] = frame.index.isin(hubs)
    km = rng.choice([0.0, 25.0, 40.0, 60.0, 100.0])
    point = dict(zip(frame.index, frame.geometry, strict=True))

    def holds(chosen: dict[Any, float]) -> bool:
        there = [x for x in chosen if x in hubs]
        return all(
            x in hubs or any(km_between(point[x], point[h]) <= km for h in there)
            for x in chosen
        )

    limit = opt.Cluster("hubs", rng.choice([hubs, "named", frame["named"]]), km)
    agree(frame, limit, holds, [50, 100], rng.choice([200, 300, 400]))


@given(st.integers(0, 2**32))
@examples(30)
def test_cluster_equals_brute_force(seed: int) -> None:
    cluster_agrees(seed)


@pytest.mark.soak
@given(st.integers(0, 2**32))
@examples(150 * SOAK)
def test_soak_cluster(seed: int) -> None:
    cluster_agrees(seed)


def test_a_site_needs_one_of_the_hubs_in_reach() -> None:
    # The middle one is 91 km from w and 365 km from e; hubs need nobody.
    near = opt.Cluster("c", ["w", "e"], 100)
    says(rows_of(compiled(three(), near), "c"), [[-1, -1, 1, 0, 0]], [-INF], [0])
    far = opt.Cluster("c", "is_hub", 400)
    rows = rows_of(compiled(three(), far), "c")
    says(rows, [[-1, -1, 1, -1, -1]], [-INF], [0])
    assert rows.kind.tolist() == ["distance"]


def test_sites_out_of_reach_share_one_row() -> None:
    limit = opt.Cluster("c", "e", 10)
    found = compiled(three(), limit)
    says(rows_of(found, "c"), [[1, 1, 1, 0, 0]], [-INF], [0])
    plan = opt.optimize_sites(three(), site_mw=[100], limits=[limit])
    assert set(plan.sites.index) == {"e"}


def test_all_hubs_need_no_row() -> None:
    limit = opt.Cluster("c", ["w", "m", "e"], 10)
    assert len(rows_of(compiled(three(), limit), "c")) == 0


def test_the_distance_itself_is_within_reach() -> None:
    w, m, _ = three().geometry
    km = km_between(w, m)
    assert len(rows_of(compiled(three(), opt.Cluster("c", "w", km)), "c")) == 2
    rows = rows_of(compiled(three(), opt.Cluster("c", "w", km * (1 - 1e-7))), "c")
    assert len(rows) == 1


def test_verify_measures_to_the_nearest_chosen_hub() -> None:
    limit = opt.Cluster("rule", "is_hub", 100)
    refused(three(), ["m"], limit)
    refused(three(), ["m", "e"], limit)
    claims(three(), ["m", "w", "e"], limit).verify()
    plan = opt.optimize_sites(three(), site_mw=[100], limits=[limit])
    row = plan.limits.set_index("limit").loc["rule"]
    w, m, _ = three().geometry
    assert row["used"] == pytest.approx(km_between(w, m))
    assert (row["kind"], row["unit"]) == ("distance", "km")


def test_polygons_count_at_a_point_of_theirs() -> None:
    sites = three()
    sites["geometry"] = sites.to_crs(5070).buffer(5000).to_crs(4326)
    limit = opt.Cluster("c", "is_hub", 100)
    plan = opt.optimize_sites(sites, site_mw=[100], limits=[limit])
    assert len(plan.sites) == 3
    plan.verify()


def test_an_impossible_cluster_is_named() -> None:
    limit = opt.Cluster("near a hub", "w", 10)
    with pytest.raises(InfeasiblePlanError, match="near a hub") as raised:
        opt.optimize_sites(three(), site_mw=[100], power_mw=(300, 300), limits=[limit])
    assert set(raised.value.conflicts) == {"near a hub", "power"}


@given(st.integers(0, 2**32), st.sampled_from([5.0, 250.0, 350.0, 2000.0, 19_000.0]))
@examples(30)
def test_pairs_in_reach_are_those_of_the_geodesic(seed: int, km: float) -> None:
    draw = np.random.default_rng(seed)
    a, b = (
        np.column_stack([draw.uniform(-180, 180, n), draw.uniform(-85, 85, n)])
        for n in (20, 30)
    )
    b[:20] = a + draw.normal(0, 0.02, (20, 2))
    i, j = pairs_in_reach(a, b, km)
    p, q = (k.ravel() for k in np.meshgrid(range(20), range(30), indexing="ij"))
    away = GEOD.inv(a[p, 0], a[p, 1], b[q, 0], b[q, 1])[2] / 1000.0
    near = away <= km
    assert list(zip(i, j, strict=True)) == list(zip(p[near], q[near], strict=True))


@pytest.mark.parametrize(
    ("km", "said"),
    [(-1, "negative"), (30_000, "half the equator"), (float("nan"), "finite number")],
)
def test_bad_distances_are_refused(km: float, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        opt.Cluster("c", "w", km)


def test_bad_hubs_are_refused() -> None:
    for hubs in ([], ["x"], "is_hup", three()["is_hub"] & False):
        with pytest.raises(StudyError, match="hubs"):
            compiled(three(), opt.Cluster("c", hubs, 10))
