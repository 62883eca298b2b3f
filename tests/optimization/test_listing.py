"""All plans above a value, against every combination of sizes."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from optimization.test_priceout import compiled_of
from strategies import examples

from siteselect.optimization import listing, pulp_model
from siteselect.optimization.priceout import PriceOut

#: Sites of a drawn program; every combination of their sizes is tried.
SITES = 6


def every_plan(engine: PriceOut, goal: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the value of each combination of sizes that keeps all rows."""
    problem, rows = engine.compiled.problem, engine.compiled.full_rows()
    site = problem.column_site
    options = [[-1, *np.flatnonzero(site == s).tolist()] for s in np.unique(site)]
    plans = {}
    for choice in product(*options):
        columns = tuple(c for c in choice if c >= 0)
        x = np.zeros(problem.n_columns)
        x[list(columns)] = 1.0
        used = rows.matrix @ x
        holds = (used <= rows.upper + 1e-7) & (used >= rows.lower - 1e-7)
        if holds.all() and (x <= problem.upper).all():
            plans[columns] = float(goal @ x)
    return plans


@given(st.integers(0, 10_000), st.floats(0.05, 1.2))
@examples(30)
def test_no_plan_above_the_floor_is_missed(seed: int, depth: float) -> None:
    # No states: their columns would have to be set for each combination.
    seed = 2 * seed
    engine = PriceOut(compiled_of(SITES, seed, site_mw=[100, 200, 300]))
    problem = engine.compiled.problem
    goal = (1.0 if problem.maximize else -1.0) * problem.objective
    goal = goal * pulp_model.objective_scale(problem)
    assert listing.can_list(engine, goal)
    _, _, priced = engine.relax(goal)
    if priced is None:
        return
    floor = priced.bound - depth * abs(priced.bound)
    found = listing.above(engine, priced, goal, floor)
    assert found is not None
    got = {tuple(plan.columns.tolist()): plan.value for plan in found}
    expected = {k: v for k, v in every_plan(engine, goal).items() if v >= floor}
    assert got.keys() == expected.keys()
    values = list(got.values())
    assert np.allclose(values, [expected[k] for k in got])
    assert (np.diff(values) <= 1e-9).all()


def test_many_plans_are_not_listed() -> None:
    engine = PriceOut(compiled_of(SITES, 2, site_mw=[100, 200, 300]))
    goal = engine.compiled.problem.objective.copy()
    _, _, priced = engine.relax(goal)
    assert priced is not None
    assert listing.above(engine, priced, goal, -np.inf, most=3) is None
