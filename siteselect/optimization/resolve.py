"""Solve a plan's program once more with something changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from siteselect.optimization._compile import Compiled, compile_problem
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.solution import Clock
from siteselect.optimization.solve import solve_compiled

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def _silent(_: str) -> None:
    """Say nothing: a re-solve is one of many."""


def resolve(plan: SitePlan, **changes: Any) -> SitePlan:
    """Return the plan of the same request with some arguments changed.

    Parameters
    ----------
    plan : SitePlan
        The plan to start from.
    **changes
        Arguments of `optimize_sites` to replace, e.g. ``budget_usd=40e9``.

    Returns
    -------
    SitePlan

    Raises
    ------
    InfeasiblePlanError
        The changed program has no plan.
    """
    clock = Clock()
    compiled = compile_problem(replace(plan.compiled.request, **changes))
    return solve_again(compiled, clock)


def solve_again(compiled: Compiled, clock: Clock | None = None) -> SitePlan:
    """Return the plan of a compiled program."""
    clock = clock or Clock()
    found = solve_compiled(compiled, clock=clock, say=_silent)
    return plan_of(compiled, found, clock)
