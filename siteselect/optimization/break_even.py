"""The score and the cost at which a site that was left out would enter a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import InfeasiblePlanError
from siteselect.optimization._compile import Compiled, coefficients
from siteselect.optimization.objectives import PerMegawatt
from siteselect.optimization.problem import Floats, Rows
from siteselect.optimization.resolve import resolve_compiled, with_objective
from siteselect.optimization.sizes import LIFETIME_COST
from siteselect.optimization.solution import Solution

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan

__all__ = ["BreakEven", "break_even_cost", "break_even_value", "cost_now", "value_now"]

#: Most of Newton's steps for one break-even; they take two or three.
MOST_STEPS = 12


def value_now(plan: SitePlan, site: Any) -> float | None:
    """Return the score of a site, or its value in the column that is maximised."""
    request = plan.compiled.request
    spec: Any = request.score if request.objective == "score" else request.objective
    if isinstance(spec, str):
        # By option there is no one value to turn.
        if spec not in plan.candidates.columns or plan.problem.differs(spec):
            return None
        return float(plan.candidates.at[site, spec])
    if isinstance(spec, pd.Series):
        return float(spec.loc[site])
    return float(spec) if isinstance(spec, int | float) else None


def cost_now(plan: SitePlan, site: Any) -> float | None:
    """Return the cost per MW of a site that the objective or the budget counts."""
    request = plan.compiled.request
    frame = plan.candidates
    spec: Any = request.cost_per_mw
    counted = request.budget_usd is not None
    if request.objective == "cost":
        counted = True
        default = isinstance(spec, str) and spec == "cost_usd_per_mw"
        if default and LIFETIME_COST in frame.columns:
            spec = LIFETIME_COST
    # Money by year comes back in several rows: no single cost to turn.
    is_plain = not isinstance(request.budget_usd, dict) and not getattr(
        request, "years", None
    )
    if not counted or not is_plain or not isinstance(request.objective, str):
        return None
    if plan.problem.differs(spec):
        return None
    if isinstance(spec, str):
        return float(frame.at[site, spec]) if spec in frame.columns else None
    if isinstance(spec, pd.Series):
        return float(spec.loc[site])
    return float(spec) if isinstance(spec, int | float) else None


@dataclass(frozen=True)
class BreakEven:
    """A value from which a site enters, and what the solves leave open.

    Parameters
    ----------
    value : float
        At this value there is a plan with the site that is as good; NaN if none.
    proven : float
        Short of this score, or beyond this cost, there is none. Equal to ``value``
        up to the gap of the solves, and further away where a short search did not
        close it.
    """

    value: float = float("nan")
    proven: float = float("nan")


def break_even_value(
    plan: SitePlan, with_it: Compiled, site: int, value: float, found: Solution
) -> BreakEven:
    """Return the value per MW from which a site enters.

    The best objective with the site in it is a convex function of its value, each
    size a line: Newton's steps end at the break-even.

    Parameters
    ----------
    plan : SitePlan
        The plan without it.
    with_it : Compiled
        The program in which it must be chosen.
    site : int
        Its row in the problem's frame.
    value : float
        Its value per MW as it is.
    found : Solution
        The best plan with it.
    """
    own = plan.problem.column_site == site
    mw = _effective_mw(plan, own)
    others = np.where(own, 0.0, plan.problem.objective)
    target = plan.objective
    tol = 1e-9 * max(1.0, abs(target))
    least_mw = _smallest(with_it, own, mw)
    best, bound, x = np.inf, found.bound, found.x
    for _ in range(MOST_STEPS):
        assert x is not None
        taken = float(mw @ x)
        if taken <= 0:
            return BreakEven()
        now = (target - float(others @ x)) / taken
        if now >= best - tol / taken:
            break
        best = now
        changed = with_objective(with_it, others + best * mw)
        again = resolve_compiled(changed, start=x, is_quick=True)
        bound, x = again.bound, again.x
        if again.objective <= target + tol:
            break
    # Whatever its size, no plan with it is better than the last bound: at a value
    # lower by the excess over the smallest size none is better than the plan.
    proven = max(value, best - max(bound - target, 0.0) / least_mw)
    return BreakEven(float(best), min(float(proven), float(best)))


def break_even_cost(
    plan: SitePlan, with_it: Compiled, site: int, per_mw: float
) -> BreakEven:
    """Return the cost per MW from which a site enters; NaN if none brings it in.

    Parameters
    ----------
    plan : SitePlan
        The plan without it.
    with_it : Compiled
        The program in which it must be chosen.
    site : int
        Its row in the problem's frame.
    per_mw : float
        Its cost per MW as it is.
    """
    problem = plan.problem
    own = problem.column_site == site
    mw = np.where(own, problem.column_mw, 0.0)
    part, cost, target = _cheapest_as_good(plan, with_it)
    # The site's own cost per MW is what is sought; what it costs as a site stays.
    others = cost - per_mw * mw
    least_mw = _smallest(part, own, mw)
    tol = 1e-9 * max(1.0, abs(target))
    best, proven, now = -np.inf, np.inf, 0.0
    x: Floats | None = None
    for _ in range(MOST_STEPS):
        changed = with_objective(part, others + now * mw, maximize=False)
        try:
            found = resolve_compiled(changed, start=x, is_quick=True)
        except InfeasiblePlanError:
            return BreakEven()
        x = found.x
        assert x is not None
        taken = float(mw @ x)
        if taken <= 0:
            return BreakEven()
        # At most this much more may each MW of the smallest size cost.
        proven = min(proven, now + max(target - found.bound, 0.0) / least_mw)
        left = (target - float(others @ x)) / taken
        if left <= best + tol / taken:
            break
        best = now = left
    # Over the present cost it can only be by what the gap leaves open.
    best, proven = min(best, per_mw), min(proven, per_mw)
    if best < 0:
        return BreakEven(float("nan"), proven if proven >= 0 else float("nan"))
    return BreakEven(float(best), max(float(proven), float(best)))


def _smallest(compiled: Compiled, own: Any, mw: Floats) -> float:
    """Return the smallest size that counts of a site."""
    problem = compiled.problem
    usable = own & problem.column_opens & (problem.upper > 0) & (mw > 0)
    return float(mw[usable].min(initial=np.inf))


def _effective_mw(plan: SitePlan, own: Any) -> Floats:
    """Return what the objective multiplies a site's value with, per column.

    With years it is the discounted sum over them, also where the value is 0.
    """
    problem, request = plan.problem, plan.compiled.request
    none = np.zeros(problem.n_sites, dtype=bool)
    each = coefficients(request, PerMegawatt(1.0, "one per MW"), problem, none)
    return np.where(own, each, 0.0)


def _cheapest_as_good(
    plan: SitePlan, with_it: Compiled
) -> tuple[Compiled, Floats, float]:
    """Return the program of plans as good, their cost, and what it may come to."""
    problem, rows, request = plan.problem, with_it.rows, plan.compiled.request
    if request.objective == "cost":
        # The same money: a plan no dearer than this one is within the budget.
        is_same = np.allclose(problem.objective, problem.column_cost)
        keep = (rows.limit != "budget") | (not is_same)
        part = replace(with_it, rows=rows.take(np.flatnonzero(keep)))
        return part, problem.objective, plan.objective
    assert request.budget_usd is not None
    as_good = Rows.make(
        _scaled(problem.objective).reshape(1, -1),
        _scaled_bound(problem.objective, plan.objective),
        np.inf,
        "as good as the plan",
    )
    kept = rows.take(np.flatnonzero(rows.limit != "budget"))
    part = replace(with_it, rows=Rows.stack([kept, as_good]))
    return part, problem.column_cost, float(request.budget_usd)


def _size(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0)) or 1.0


def _scaled(values: Floats) -> Floats:
    return values / _size(values)


def _scaled_bound(values: Floats, bound: float) -> float:
    """Return a bound for scaled values, with room for rounding."""
    scaled = bound / _size(values)
    return scaled - 1e-9 * max(1.0, abs(scaled))
