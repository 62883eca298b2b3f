"""A share of a demand layer within reach of a chosen site."""

from __future__ import annotations

import random
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
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
from siteselect.errors import CRSError, InfeasiblePlanError, LayerError, StudyError
from siteselect.optimization import coverage
from siteselect.optimization.coverage import same_sets

INF = np.inf
GEOD = Geod(ellps="WGS84")


def towns(rng: random.Random, n: int) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(
        {"population": [rng.choice([0, 1, 2, 3, 5, 8]) for _ in range(n)]},
        geometry=gpd.points_from_xy(
            [-100 + 0.25 * rng.randrange(10) for _ in range(n)],
            [34 + 0.25 * rng.randrange(6) for _ in range(n)],
        ),
        crs=4326,
    )
    frame.loc[0, "population"] = 4
    return frame


def cover_agrees(seed: int) -> None:
    rng = random.Random(seed)
    frame = candidates(rng, rng.randint(2, 6))
    demand = towns(rng, rng.randint(1, 12))
    share = rng.choice([0.0, 0.25, 0.5, 0.7, 0.9, 1.0])
    if rng.random() < 0.5:
        km = rng.choice([0.0, 30.0, 50.0, 80.0, 400.0])
        reach: dict[str, float] = {"km": km}
    else:
        ms = rng.choice([0.25, 0.4, 0.7])
        km = ms * 1000 / (1.5 * 4.9)
        reach = {"ms": ms}
    point = dict(zip(frame.index, frame.geometry, strict=True))
    people = list(zip(demand.geometry, demand["population"].tolist(), strict=True))
    total = sum(w for _, w in people)

    def holds(chosen: dict[Any, float]) -> bool:
        covered = sum(
            w
            for p, w in people
            if any(
                GEOD.inv(p.x, p.y, point[x].x, point[x].y)[2] / 1000 <= km
                for x in chosen
            )
        )
        return covered / total >= share - 1e-9

    if rng.random() < 0.5:
        demand = demand.to_crs(5070)
    limit = opt.Cover("people", demand, at_least=share, **reach)
    agree(frame, limit, holds, [50, 100], rng.choice([100, 200, 300]))


@given(st.integers(0, 2**32))
@examples(30)
def test_cover_equals_brute_force(seed: int) -> None:
    cover_agrees(seed)


@given(st.integers(0, 2**32), st.sampled_from([1, 2]))
@examples(30)
def test_blocks_of_sites_change_nothing(seed: int, smallest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "MANY_PAIRS", 0)
        patch.setattr(coverage, "SMALLEST_BLOCK", smallest)
        cover_agrees(seed)


@pytest.mark.soak
@given(st.integers(0, 2**32))
@examples(200 * SOAK)
def test_soak_cover(seed: int) -> None:
    cover_agrees(seed)


def demand() -> gpd.GeoDataFrame:
    """Five towns: two near w, one near m and w, one near e, one in the sea."""
    return gpd.GeoDataFrame(
        {"population": [3, 1, 2, 3, 1], "jobs": [1.0, 0.0, 0.0, 1.0, 2.0]},
        index=["w1", "w2", "wm", "e1", "sea"],
        geometry=gpd.points_from_xy(
            [-100.1, -100.2, -99.5, -95.1, -70.0], [35, 35, 35, 35, 35]
        ),
        crs=4326,
    )


def test_reached_only_by_a_chosen_site() -> None:
    limit = opt.Cover("c", demand(), km=60, at_least=0.75)
    found = compiled(three(), limit)
    problem = found.problem
    # w1 and w2 share their sites, nobody reaches the sea. In order of place:
    # (w1, w2), wm, e1.
    assert problem.n_columns == 8
    assert problem.upper[5:].tolist() == [1, 1, 1]
    assert not problem.integrality[5:].any()
    rows = rows_of(found, "c")
    says(
        rows,
        [
            [-1, -1, 0, 0, 0, 1, 0, 0],
            [-1, -1, -1, 0, 0, 0, 1, 0],
            [0, 0, 0, -1, -1, 0, 0, 1],
            [0, 0, 0, 0, 0, 0.4, 0.2, 0.3],
        ],
        [-INF, -INF, -INF, 0.75],
        [0, 0, 0, INF],
    )
    assert rows.kind.tolist() == ["", "", "", "covered share"]


def test_weights_may_be_a_column_a_series_or_one() -> None:
    def shares(weight: Any) -> list[float]:
        limit = opt.Cover("c", demand(), weight=weight, km=60, at_least=0.1)
        rows = rows_of(compiled(three(), limit), "c").matrix.toarray()[-1]
        return [float(x) for x in rows[5:].round(9)]

    assert shares("jobs") == [0.25, 0.25]
    assert shares(1) == [0.4, 0.2, 0.2]
    turned = demand()["population"][::-1] * 2.0
    assert shares(turned) == [0.4, 0.2, 0.3]


def test_latency_is_a_distance() -> None:
    # 10.05 km of great circle: 10.05 x 1.5 x 4.9 us.
    w1 = demand().loc[["w1"]]
    km = GEOD.inv(-100, 35, -100.1, 35)[2] / 1000
    delay = km * 1.5 * 4.9 / 1000
    for ms, reached in ((delay * (1 + 1e-7), 2), (delay * (1 - 1e-7), 0)):
        limit = opt.Cover("c", w1, ms=ms, at_least=1)
        assert rows_of(compiled(three(), limit), "c").matrix[:, :5].nnz == reached
    limit = opt.Cover("c", w1, ms=delay * 2 / 3 * 1.0001, circuity=1.0, at_least=1)
    assert limit.reach_km == pytest.approx(km, rel=1e-3)
    plan = opt.optimize_sites(three(), site_mw=[100], max_sites=1, limits=[limit])
    assert set(plan.sites.index) == {"w"}
    plan.verify()


def test_share_and_price_are_told() -> None:
    limit = opt.Cover("people", demand(), km=60, at_least=0.55)
    plan = opt.optimize_sites(three(), site_mw=[100], max_sites=1, limits=[limit])
    assert set(plan.sites.index) == {"w"}
    row = plan.limits.set_index("limit").loc["people"]
    assert row["used"] == pytest.approx(0.6)
    assert (row["kind"], row["unit"]) == ("covered share", "share of population")
    assert row["price"] < 0
    plan.verify()


def test_verify_counts_the_people_again() -> None:
    limit = opt.Cover("rule", demand(), km=60, at_least=0.55)
    refused(three(), ["e"], limit)
    refused(three(), ["m", "e"], limit)
    claims(three(), ["w"], limit).verify()


def test_a_share_out_of_reach_is_infeasible_by_name() -> None:
    for km, share in ((60, 0.95), (1, 0.1)):
        limit = opt.Cover("people", demand(), km=km, at_least=share)
        with pytest.raises(InfeasiblePlanError) as raised:
            opt.optimize_sites(three(), site_mw=[100], limits=[limit])
        assert raised.value.conflicts == ("people",)


def test_demand_may_be_polygons_in_another_crs_or_a_series() -> None:
    areas = demand().to_crs(5070)
    areas["geometry"] = areas.buffer(2000)
    for layer, weight in ((areas, "population"), (areas.geometry, 1)):
        limit = opt.Cover("c", layer, weight=weight, km=60, at_least=0.6)
        plan = opt.optimize_sites(three(), site_mw=[100], limits=[limit])
        plan.verify()


def test_row_order_and_labels_do_not_matter() -> None:
    limit = opt.Cover("c", demand(), km=60, at_least=0.55)
    turned = opt.Cover("c", demand().iloc[::-1].reset_index(), km=60, at_least=0.55)
    one, two = (
        rows_of(compiled(sites, rule), "c")
        for sites, rule in ((three(), limit), (three().iloc[::-1], turned))
    )
    np.testing.assert_array_equal(one.matrix.toarray(), two.matrix.toarray())


def test_far_reach_stays_small() -> None:
    draw = np.random.default_rng(0)
    n, m = 2000, 300
    sites = np.column_stack([draw.uniform(-120, -75, n), draw.uniform(28, 48, n)])
    towns_ = np.column_stack([draw.uniform(-120, -75, m), draw.uniform(28, 48, m)])
    share = np.full(m, 1 / m)
    plain = coverage.pairs_in_reach(towns_, sites, 1000.0)
    assert plain[0].size < coverage.MANY_PAIRS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "MANY_PAIRS", 10_000)
        found = coverage.reached_by(towns_, share, sites, 1000.0)
    assert found.sets.nnz + found.blocks.nnz < plain[0].size / 3
    # Written out, blocks are the sites in them.
    k = found.blocks.shape[0]
    inside, parts = np.zeros((k, n)), found.blocks.toarray()
    for block in range(k):
        inside[block] = parts[block, :n] + parts[block, n:] @ inside
    sets = found.sets.toarray()
    written = sets[:, :n] + sets[:, n:] @ inside
    direct = np.zeros((m, n))
    direct[plain] = 1
    assert {tuple(r) for r in written} == {tuple(r) for r in direct if r.any()}


def test_the_same_sets_are_found() -> None:
    first, group = same_sets(np.zeros(0, np.int64), np.zeros(0, np.int64), 2, 3)
    assert first.size == 0
    assert group.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"km": None}, "both missing"),
        ({"ms": 1}, "both given"),
        ({"km": -1}, "negative"),
        ({"km": float("nan")}, "finite number"),
        ({"km": None, "ms": -1}, "negative"),
        ({"km": None, "ms": 1, "circuity": 0.9}, "shorter than the great circle"),
        ({"km": None, "ms": 1, "us_per_km": 3}, "faster than light"),
        ({"at_least": 80}, "0.8"),
        ({"at_least": -0.1}, "outside"),
        ({"weight": "popluation"}, "Did you mean 'population'"),
        ({"weight": "name"}, "numbers"),
        ({"weight": 0}, "all weights are 0"),
        ({"weight": pd.Series([1.0, 2.0])}, "missing"),
        ({"weight": -1}, "negative"),
        ({"name": ""}, "by name"),
        ({"demand": demand().iloc[:0]}, "no rows"),
        ({"demand": [1, 2]}, "that was given list|given list"),
        ({"demand": demand().set_crs(None, allow_override=True)}, "no coordinate"),
        ({"demand": demand().assign(population=np.nan)}, "never taken as 0"),
    ],
)
def test_bad_coverage_is_refused(change: dict[str, Any], said: str) -> None:
    given_ = {
        "name": "c",
        "demand": demand().assign(name="x"),
        "km": 60,
        "at_least": 0.5,
        **change,
    }
    with pytest.raises((StudyError, CRSError), match=f"(?i){said}"):
        opt.Cover(given_.pop("name"), given_.pop("demand"), **given_)


def test_a_town_without_a_place_is_refused() -> None:
    lost = demand()
    lost.loc["e1", "geometry"] = None
    with pytest.raises(LayerError, match="'e1'"):
        opt.Cover("c", lost, km=60, at_least=0.5)
