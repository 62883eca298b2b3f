"""Conflicts and ways out of random small problems, against brute force."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

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

#: Argument of the request behind each built-in name.
ARGUMENTS = {
    "power": ["power_mw"],
    "budget": ["budget_usd"],
    "sites": ["max_sites", "min_sites"],
    "spacing": ["min_spacing_km"],
    "fixed": ["fixed"],
}
#: Field of a way out and what the plain description calls it.
FIELDS = {
    "average": {"at_most": "most", "at_least": "least"},
    "share": {"at_most": "most", "at_least": "least"},
    "distinct": {"at_least": "number"},
    "per group": {"max_sites_per_group": "number"},
    "group share": {"max_share": "number"},
    "spacing": {"km": "km"},
    "spacing within": {"km": "km"},
}


def part(instance: Instance, names: set[str]) -> Instance:
    """Return the problem with some limits only."""
    dropped = [a for n, args in ARGUMENTS.items() if n not in names for a in args]
    arguments = {k: v for k, v in instance.arguments.items() if k not in dropped}
    # The least cost of nothing is no program, but it is feasible: ask for anything.
    arguments["objective"] = "score"
    says = [s for s in instance.says if s["kind"] in names]
    return replace(instance, arguments=arguments, says=says)


def eased(instance: Instance, way: Any, part: float = 1.0) -> Instance | None:
    """Return the problem with a share of the change; None if it is not written."""
    arguments = {**instance.arguments, "objective": "score"}
    says = [dict(s) for s in instance.says]
    if len(way.parts) != 1:
        return None
    ((_, now, needed),) = way.parts
    value = now + part * (needed - now)
    says_spacing = [s for s in says if s["kind"] == way.limit]
    if way.limit == "power":
        low, high = arguments["power_mw"]
        pair = (value, high) if needed < now else (low, value)
        arguments["power_mw"] = pair
    elif way.limit in ("budget", "sites"):
        arguments[way.field] = value
    elif way.limit == "spacing" and not says_spacing:
        arguments["min_spacing_km"] = value
    elif way.limit in FIELDS:
        says_spacing[0][FIELDS[way.limit][way.field]] = value
    elif way.limit == "count":
        says_spacing[0]["number"] = value / 10
    elif way.limit == "floor" and says_spacing[0]["by"] is None:
        says_spacing[0]["number"] = value * 10
    else:
        return None
    return replace(instance, arguments=arguments, says=says)


def holds(instance: Instance) -> bool:
    return brute_force(instance) is not None


def check(instance: Instance) -> int:
    """Check what an infeasible problem is told; return how many ways out."""
    try:
        ss.optimize_sites(
            instance.sites,
            limits=build_limits(instance.sites, instance.says),
            **instance.arguments,
        )
        return 0
    except ss.StudyError:
        return 0
    except ss.InfeasiblePlanError as caught:
        error = caught
    names = set(error.conflicts)
    assert not holds(part(instance, names)), error
    for name in names:
        assert holds(part(instance, names - {name})), (name, error)
    seen = 0
    for way in error.ways_out:
        assert way.text in str(error)
        assert not way.is_lower_bound
        after = eased(instance, way)
        if after is None:
            continue
        assert holds(after), (way, error)
        seen += 1
        assert way.is_least, error
        whole = way.unit in ("sites", "groups", "sites per group")
        less = 1 - 1 / abs(way.change) if whole else 0.99
        before = eased(instance, way, less)
        # An average or a distance is settled to a thousandth of its bound.
        if whole or abs(way.change) > 0.2 * abs(way.now):
            assert before is not None
            assert not holds(before), (way, error)
    return seen


@pytest.mark.parametrize("kind", ["sizes", "range"])
@examples(40)
@given(seed=st.integers(0, 2**32))
def test_conflicts_and_ways_out_are_true(kind, seed):
    instance = any_instance(random.Random(seed), kind)
    if not holds(instance):
        check(instance)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sizes", "range"])
@examples(500 * SOAK)
@given(seed=st.integers(0, 2**32))
def test_conflicts_and_ways_out_are_true_at_length(kind, seed):
    instance = any_instance(random.Random(seed), kind)
    if not holds(instance):
        check(instance)


def test_a_way_out_of_a_range_is_enough():
    """A budget one dollar short of 1.99 billion was told."""
    assert check(any_instance(random.Random(741), "range")) == 1


def test_there_is_something_to_check():
    seen = 0
    for seed in range(40):
        instance = any_instance(random.Random(seed), "sizes")
        if not holds(instance):
            seen += check(instance)
    assert seen >= 10
