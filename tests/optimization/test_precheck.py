"""Where arithmetic says that no plan exists, none does."""

from __future__ import annotations

import random

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    SOAK,
    Instance,
    any_instance,
    brute_force,
    build_limits,
    examples,
)

import siteselect as ss
from siteselect.optimization._compile import Request, compile_problem
from siteselect.optimization.precheck import Proof, prove_infeasible


def proof_of(sites: gpd.GeoDataFrame, **arguments) -> Proof | None:
    arguments["limits"] = tuple(arguments.get("limits", ()))
    return prove_infeasible(compile_problem(Request(sites=sites, **arguments)))


def is_never_wrong(instance: Instance) -> bool:
    limits = build_limits(instance.sites, instance.says)
    try:
        proof = proof_of(instance.sites, limits=limits, **instance.arguments)
    except ss.StudyError:  # Refused before there is a program.
        return False
    if proof is not None:
        assert brute_force(instance) is None, proof
    return proof is not None


@pytest.mark.parametrize("kind", ["sizes", "range"])
@examples(200)
@given(seed=st.integers(0, 2**32))
def test_a_proof_is_never_wrong(kind, seed):
    is_never_wrong(any_instance(random.Random(seed), kind))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sizes", "range"])
@examples(1500 * SOAK)
@given(seed=st.integers(0, 2**32))
def test_a_proof_is_never_wrong_at_length(kind, seed):
    is_never_wrong(any_instance(random.Random(seed), kind))


@pytest.mark.parametrize("kind", ["sizes", "range"])
def test_it_speaks_for_a_good_part_of_what_cannot_be(kind):
    said = impossible = 0
    for seed in range(150):
        instance = any_instance(random.Random(seed), kind)
        if brute_force(instance) is None:
            impossible += 1
            said += is_never_wrong(instance)
    assert impossible >= 20
    assert said >= 0.4 * impossible


def sites(n: int = 6) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "score": 0.5,
            "capacity_mw": 300.0,
            "cost_usd_per_mw": np.linspace(8e6, 13e6, n),
            "carbon": np.linspace(300.0, 550.0, n),
            "is_clean": np.arange(n) < 2,
            "water": np.linspace(1.0, 2.0, n),
            "bus": list("AABBCC")[:n],
            "state": list("XXXYYY")[:n],
        },
        index=[f"p{i}" for i in range(n)],
        geometry=gpd.points_from_xy(np.linspace(-100, -95, n), np.full(n, 35.0)),
        crs=4326,
    )


SAID = {
    "power": (
        {"power_mw": (1900, None)},
        ("power",),
        "all 6 eligible sites together carry 1,800 MW; at least 1,900 MW asked",
    ),
    "sites": ({"min_sites": 7}, ("sites",), "6 sites offer a size"),
    "largest": (
        {"power_mw": (1000, None), "max_sites": 3},
        ("power", "sites"),
        "the 3 largest sites together carry 900 MW; 1,000 MW asked",
    ),
    "budget": (
        # Two sites full at 8 and 9 million, 100 MW at 10: 2.4 + 2.7 + 1.0.
        {"power_mw": (700, None), "budget_usd": 6e9},
        ("power", "budget"),
        "700 MW cost at least $6.1 B; budget $6 B",
    ),
    "headroom": (
        {
            "power_mw": (700, None),
            "limits": [ss.Limit("headroom", per_mw=1, by="bus", at_most=200.0)],
        },
        ("power", "headroom"),
        "all groups of 'headroom' together carry 600 MW; 700 MW asked",
    ),
    "water": (
        # 300 MW at 1.0 and 300 MW at 1.2.
        {
            "power_mw": (600, None),
            "limits": [ss.Limit("water", per_mw="water", at_most=600.0)],
        },
        ("power", "water"),
        "600 MW take at least 660 of 'water'; at most 600 asked",
    ),
    "average": (
        # A third each at 300, 350 and 400.
        {"power_mw": (900, None), "limits": [ss.Average("co2", "carbon", at_most=320)]},
        ("power", "co2"),
        "co2: the best 900 MW reach 350 on average; at most 320 asked",
    ),
    "share": (
        {"power_mw": (900, None), "limits": [ss.Share("c", "is_clean", at_least=0.9)]},
        ("power", "c"),
        "c: the best 900 MW reach 0.6667 on average; at least 0.9 asked",
    ),
    "states": (
        {"limits": [ss.Spread("states", by="state", at_least=3)]},
        ("states",),
        "only 2 groups of 'states' have an eligible site; 3 asked",
    ),
    "states and sites": (
        {"max_sites": 2, "limits": [ss.Spread("bus", by="bus", at_least=3)]},
        ("sites", "bus"),
        "2 sites lie in at most 2 groups of 'bus'; 3 asked",
    ),
    "smallest": (
        {"power_mw": (40, 80)},
        ("power",),
        "the smallest size is 100 MW; at most 80 MW asked",
    ),
    "between": (
        {"power_mw": (220, 270)},
        ("power",),
        "power: whole sizes add up to 200 MW or 300 MW, to nothing between; 220 MW to "
        "270 MW asked",
    ),
    "count": (
        {"power_mw": (0, 350), "min_sites": 4},
        ("power", "sites"),
        "4 sites take at least 400 MW of 'power'; at most 350 MW asked",
    ),
    "fixed": (
        {"budget_usd": 1e9, "fixed": ["p5"]},
        ("budget", "fixed"),
        "the fixed sites alone take at least $1.3 B; at most $1 B asked",
    ),
    "fixed apart": (
        {"min_spacing_km": 100, "fixed": ["p0", "p1"]},
        ("fixed", "spacing"),
        "the fixed sites 'p0' and 'p1' are less than 100 km apart",
    ),
}


@pytest.mark.parametrize("case", SAID)
@pytest.mark.parametrize("method", ["full", "priceout"])
def test_the_numbers_come_first(case, method):
    request, names, words = SAID[case]
    request = {"site_mw": [100, 300], **request}
    proof = proof_of(sites(), **request)
    assert proof is not None
    assert set(proof.names) == set(names)
    assert words in proof.said
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(sites(), method=method, **request)
    assert set(caught.value.conflicts) == set(names)
    assert words in str(caught.value)


def test_it_is_silent_where_only_a_search_can_tell():
    frame = sites()
    assert proof_of(frame, power_mw=(900, None), site_mw=[100, 300]) is None
    # 400 MW is no sum of these sizes, if a multiple of what they share.
    large = frame.assign(capacity_mw=500.0)
    assert proof_of(large, power_mw=(400, 400), site_mw=[300, 500]) is None


@examples(200)
@given(data=st.data())
def test_a_window_between_whole_sums_is_told(data):
    """Sizes of a common unit, and windows of power near its multiples."""
    unit = data.draw(st.sampled_from([1.0, 12.5, 100 / 1.3, 1 / 3]))
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True))
    low = data.draw(st.floats(0.5, 12.0)) * unit
    high = low + data.draw(st.floats(0.0, 1.5)) * unit
    window = (low, high)
    frame = sites().assign(capacity_mw=1e4).iloc[:4]
    proof = proof_of(frame, power_mw=window, site_mw=[k * unit for k in sizes])
    reached = {0}
    for _ in range(4):
        reached |= {total + k for total in reached for k in sizes}
    inside = [k for k in reached if low - 1e-6 <= k * unit <= high + 1e-6]
    if proof is not None:
        assert not inside, proof
    # With every multiple of the unit on offer, what lies between is told.
    if 1 in sizes and not inside and high < 4 * unit:
        assert proof is not None
        words = ("whole sizes add up to", "the smallest size is")
        assert any(word in proof.said for word in words)


def test_a_proof_that_the_solver_contradicts_is_not_believed(monkeypatch):
    wrong = Proof(("power",), "nothing fits")
    monkeypatch.setattr(
        "siteselect.optimization.solve.prove_infeasible", lambda compiled: wrong
    )
    plan = ss.optimize_sites(sites(), power_mw=(300, None), site_mw=[100, 300])
    assert plan.status == "optimal"
