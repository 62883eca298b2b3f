"""The objective equals brute force, for every limit type and every way."""

from __future__ import annotations

from typing import Any

import pulp
import pytest
from hypothesis import given
from strategies import (
    SOAK,
    Instance,
    brute_force,
    build_limits,
    examples,
    instances,
)

from siteselect.errors import InfeasiblePlanError
from siteselect.optimization import build_model, optimize_sites

#: Solver tolerances decide below this; a correct plan may then be called feasible.
EXACT = 5e-7


def no_candidates(error: Exception) -> bool:
    return "none of them is eligible" in str(error).lower()


def solve(instance: Instance, **kwargs: Any) -> Any:
    """Return the plan, or None if there is none."""
    from siteselect.errors import StudyError

    limits = build_limits(instance.sites, instance.says)
    try:
        return optimize_sites(
            instance.sites, limits=limits, gap=EXACT, **instance.arguments, **kwargs
        )
    except InfeasiblePlanError:
        return None
    except StudyError as error:
        if no_candidates(error):
            return "empty"
        raise


def agree(instance: Instance, **kwargs: Any) -> None:
    plan = solve(instance, **kwargs)
    if isinstance(plan, str):
        return
    best = brute_force(instance)
    assert (plan is None) == (best is None), f"brute force says {best}"
    if best is None:
        return
    assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert plan.status == "optimal"
    plan.verify()


@given(instances())
@examples(100)
def test_full_model_equals_brute_force(instance: Instance) -> None:
    agree(instance, method="full")


@given(instances())
@examples(100)
def test_price_out_equals_brute_force(instance: Instance) -> None:
    agree(instance, method="priceout")


@given(instances("range"))
@examples(60)
def test_ranges_equal_brute_force(instance: Instance) -> None:
    agree(instance, method="full")
    agree(instance, method="priceout")


def test_the_problems_drawn_are_many_and_mostly_have_a_plan() -> None:
    seen: list[bool] = []
    texts: set[str] = set()

    @given(instances())
    @examples(100)
    def look(instance: Instance) -> None:
        texts.add(repr(instance))
        seen.append(brute_force(instance) is not None)

    look()
    assert len(texts) > 0.9 * len(seen)
    assert sum(seen) > 0.6 * len(seen)


@given(instances())
@examples(40)
def test_cbc_and_build_model_agree(instance: Instance) -> None:
    plan = solve(instance, method="full")
    if isinstance(plan, str):
        return
    other = solve(instance, method="full", solver="cbc")
    assert (plan is None) == (other is None)
    if plan is None:
        return
    assert other.objective == pytest.approx(plan.objective, rel=1e-6, abs=1e-6)
    limits = build_limits(instance.sites, instance.says)
    model = build_model(instance.sites, limits=limits, **instance.arguments)
    if not model.variables():
        return
    model.solve(pulp.HiGHS(msg=False, gapRel=0.0))
    assert model.objective.value() == pytest.approx(plan.objective, rel=1e-6, abs=1e-6)


@pytest.mark.soak
@given(instances())
@examples(600 * SOAK)
def test_soak_sizes(instance: Instance) -> None:
    agree(instance, method="full")
    agree(instance, method="priceout")


@pytest.mark.soak
@given(instances("range"))
@examples(300 * SOAK)
def test_soak_ranges(instance: Instance) -> None:
    agree(instance, method="full")
    agree(instance, method="priceout")
