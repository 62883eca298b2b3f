"""``verify()`` accepts every plan and rejects every corrupted one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import SOAK, Instance, build_limits, examples, instance

import siteselect as ss
from siteselect.errors import SiteSelectError, SolverError

Plan = Any


def solved(drawn: Instance, method: str = "full") -> Plan | None:
    """Return the plan of a drawn problem, None if there is none or it is empty."""
    limits = build_limits(drawn.sites, drawn.says)
    try:
        plan = ss.optimize_sites(
            drawn.sites, limits=limits, method=method, **drawn.arguments
        )
    except SiteSelectError:
        return None
    return plan if len(plan.sites) else None


def shifted(plan: Plan, column: str, by: Callable[[float], float], at: int) -> Plan:
    """Change one value of the chosen sites."""
    sites = plan.sites.copy()
    sites[column] = sites[column].astype(float)
    where = sites.columns.get_loc(column)
    sites.iloc[at, where] = by(float(sites.iloc[at, where]))
    return replace(plan, sites=sites)


def more_mw(plan: Plan, rng: random.Random) -> Plan:
    factor = rng.choice([0.5, 0.99, 1.001, 2.0, -1.0])
    at = rng.randrange(len(plan.sites))
    return shifted(plan, "mw", lambda mw: mw * factor, at)


def unknown_mw(plan: Plan, rng: random.Random) -> Plan:
    at = rng.randrange(len(plan.sites))
    return shifted(plan, "mw", lambda mw: rng.choice([np.nan, np.inf, 0.0]), at)


def other_cost(plan: Plan, rng: random.Random) -> Plan:
    by = rng.choice([1e6, -1e6, 1e9, np.nan])
    at = rng.randrange(len(plan.sites))
    return shifted(plan, "cost_usd", lambda usd: usd + by, at)


def dropped(plan: Plan, rng: random.Random) -> Plan:
    at = rng.randrange(len(plan.sites))
    return replace(plan, sites=plan.sites.drop(index=plan.sites.index[at]))


def added(plan: Plan, rng: random.Random) -> Plan:
    others = plan.candidates.index.difference(plan.sites.index)
    assume(len(others))
    row = plan.candidates.loc[[rng.choice(list(others))]].copy()
    row["mw"] = float(plan.sites["mw"].iloc[0])
    row["cost_usd"], row["why"] = 0.0, ""
    return replace(plan, sites=pd.concat([plan.sites, row]))


def swapped(plan: Plan, rng: random.Random) -> Plan:
    others = list(plan.candidates.index.difference(plan.sites.index))
    assume(others)
    labels = list(plan.sites.index)
    labels[rng.randrange(len(labels))] = rng.choice(others)
    sites = plan.candidates.loc[labels].copy()
    for column in ("mw", "cost_usd", "why"):
        sites[column] = plan.sites[column].to_numpy()
    return replace(plan, sites=sites)


def renamed(plan: Plan, rng: random.Random) -> Plan:
    at = rng.randrange(len(plan.sites))
    labels = list(plan.sites.index)
    labels[at] = "nowhere"
    return replace(plan, sites=plan.sites.set_axis(labels, axis=0))


def moved(plan: Plan, rng: random.Random) -> Plan:
    sites = plan.sites.copy()
    sites = sites.set_geometry(sites.geometry.translate(xoff=0.01))
    return replace(plan, sites=sites)


def twice(plan: Plan, rng: random.Random) -> Plan:
    return replace(plan, sites=pd.concat([plan.sites, plan.sites.iloc[[0]]]))


def other_objective(plan: Plan, rng: random.Random) -> Plan:
    by = rng.choice([1.0001, 0.9, 2.0, np.nan])
    return replace(plan, objective=plan.objective * by + rng.choice([0.01, -0.01]))


def other_bound(plan: Plan, rng: random.Random) -> Plan:
    by = rng.choice([0.5, 1.01, np.nan, np.inf])
    return replace(plan, bound=plan.bound * by + rng.choice([1.0, -1.0]))


def other_gap(plan: Plan, rng: random.Random) -> Plan:
    return replace(plan, gap=plan.gap + rng.choice([1e-3, -1e-3, 0.5, np.nan]))


def other_status(plan: Plan, rng: random.Random) -> Plan:
    word = {"optimal": "feasible", "feasible": "optimal"}[plan.status]
    return replace(plan, status=rng.choice([word, "perfect", ""]))


def other_account(plan: Plan, rng: random.Random) -> Plan:
    assume(len(plan.limits))
    table = plan.limits.copy()
    at = rng.randrange(len(table))
    column = rng.choice(["used", "allowed_max"])
    where = table.columns.get_loc(column)
    old = float(table.iloc[at, where])
    table.iloc[at, where] = 7.5 if not np.isfinite(old) else old * 0.9 - 0.25
    return replace(plan, limits=table)


CORRUPT = [
    more_mw,
    unknown_mw,
    other_cost,
    dropped,
    added,
    swapped,
    renamed,
    moved,
    twice,
    other_objective,
    other_bound,
    other_gap,
    other_status,
    other_account,
]


def check(seed: int, way: Callable[..., Plan]) -> None:
    rng = random.Random(seed)
    plan = solved(
        instance(rng, rng.choice(["sizes", "sizes", "range"])),
        rng.choice(["full", "priceout"]),
    )
    assume(plan is not None)
    assert plan.verify()["passed"].all()
    with pytest.raises(SolverError, match="does not verify"):
        way(plan, rng).verify()


@pytest.mark.parametrize("way", CORRUPT)
def test_plans_verify_and_corrupted_ones_do_not(way: Callable[..., Plan]) -> None:
    @given(st.integers(0, 2**32))
    @examples(15)
    def run(seed: int) -> None:
        check(seed, way)

    run()


@pytest.mark.soak
@pytest.mark.parametrize("way", CORRUPT)
def test_soak_corrupted_plans(way: Callable[..., Plan]) -> None:
    @given(st.integers(0, 2**32))
    @examples(72 * SOAK)
    def run(seed: int) -> None:
        check(seed, way)

    run()


def test_a_broken_limit_is_named() -> None:
    drawn = instance(random.Random(5))
    sites = drawn.sites.assign(score=0.5, capacity_mw=300.0).drop(
        columns="excluded_by", errors="ignore"
    )
    limit = ss.Limit("water", per_mw="water", at_most=1e9)
    plan = ss.optimize_sites(sites, power_mw=(300, 300), site_mw=[300], limits=[limit])
    tight = replace(
        plan.compiled.request, limits=(ss.Limit("water", per_mw="water", at_most=1.0),)
    )
    with pytest.raises(SolverError, match="limit 'water' holds"):
        replace(plan, compiled=replace(plan.compiled, request=tight)).verify()
