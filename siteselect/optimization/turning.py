"""Bounds inside coefficients, turned until the other limits hold.

References
----------
.. [1] W. Dinkelbach, "On nonlinear fractional programming", Management Science 13
   (1967) 492-498 (least average over a set).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from siteselect.optimization import highs
from siteselect.optimization._distance import geodesic_km, lonlat
from siteselect.optimization.clash import PRECISION, WayOut
from siteselect.optimization.part_search import (
    Answer,
    NotSettledError,
    Search,
    rows_for,
    with_constant,
)
from siteselect.optimization.problem import Floats, Rows
from siteselect.optimization.words import moved_text

#: Bounds inside coefficients: field, whether loosening raises it, kind of account,
#: unit, and whether it is a whole number.
FIELDS: dict[str, tuple[tuple[str, bool, str, str, bool], ...]] = {
    "Average": (
        ("at_most", True, "average", "", False),
        ("at_least", False, "average", "", False),
    ),
    "Share": (
        ("at_least", False, "share", "of MW", False),
        ("at_most", True, "share", "of MW", False),
    ),
    "Spread": (
        ("at_least", False, "distinct groups", "groups", True),
        ("max_sites_per_group", True, "sites per group", "sites per group", True),
        ("max_share", True, "share per group", "of MW in one group", False),
    ),
    "Spacing": (("km", False, "distance", "km", False),),
    "Cluster": (("km", True, "", "km", False),),
    "AtLeast": (("mw", False, "", "MW", False),),
}
#: After so many values that were not settled, the best so far is told.
MOST_UNKNOWN = 3


class Knob:
    """One field of a limit, turned until the others hold.

    Every value at the loose end belongs to a plan that was found; what its accounts
    attain is the next loose end, so that most steps jump.
    """

    def __init__(
        self,
        search: Search,
        every: list[str],
        limit: Any,
        field: str,
        is_raised: bool,
        account: str,
        is_whole: bool,
    ) -> None:
        self.search = search
        self.every = every
        self.limit = limit
        self.field = field
        self.is_raised = is_raised
        self.account = account
        self.is_whole = is_whole
        self.now = float(getattr(limit, field))
        self.steps = self._steps()

    def at(self, value: float) -> Any:
        """Return the limit with another bound."""
        bound: float | int = round(value) if self.is_whole else float(value)
        return replace(self.limit, **{self.field: bound})

    def solve(self, value: float) -> Answer:
        """Return whether a plan exists at another bound."""
        return self.search.solve(self.search.part(self.every, self.at(value)))

    def loosest(self) -> float:
        """Return a bound that limits nothing and is still allowed."""
        problem = self.search.whole.problem
        share = {"Share", "Cover"}
        name = type(self.limit).__name__
        if self.field == "max_share" or (name in share and self.is_raised):
            return 1.0
        if name == "Average":
            values = problem.per_column(self.limit.column, self.limit.name)
            values = values[problem.column_site >= 0]
            end = float(values.max() if self.is_raised else values.min())
            return max(end, self.now) if self.is_raised else min(end, self.now)
        if self.field == "max_sites_per_group":
            return float(problem.n_sites)
        if self.field == "km" and self.is_raised:
            return 20_000.0
        return 0.0

    def _steps(self) -> Floats | None:
        """Return the only values that matter, where those are known: distances."""
        if type(self.limit).__name__ != "Spacing":
            return None
        problem = self.search.whole.problem
        pairs = self.limit.nearby(problem)
        if not pairs.count_at_most(2_000_000):
            return None
        usable = np.zeros(problem.n_sites, dtype=bool)
        offered = problem.column_opens & (problem.upper > 0)
        usable[problem.column_site[offered]] = True
        i, j = pairs.pairs_among(np.flatnonzero(usable))
        points = lonlat(problem.frame)
        return np.unique(geodesic_km(points[i], points[j]))

    def attained(self, x: Floats) -> float | None:
        """Return what a plan attains, from the limit's own independent account."""
        if not self.account:
            return None
        problem = self.search.whole.problem
        x = x[: problem.n_columns]
        mw = np.round(problem.sites_mw(x), 9)
        own = problem.column_site >= 0
        cost = np.bincount(
            problem.column_site[own],
            weights=(problem.column_cost * x)[own],
            minlength=problem.n_sites,
        )
        table: pd.DataFrame = self.limit.check(
            problem.frame_at(x).assign(mw=mw, cost_usd=cost)
        )
        used = table.loc[table["kind"] == self.account, "used"].to_numpy(dtype=float)
        used = used[np.isfinite(used)]
        if not used.size:
            return None
        return float(used.max() if self.is_raised else used.min())

    def nearer(self, found: Answer, value: float) -> float:
        """Return the tightest bound that a plan found at ``value`` still keeps."""
        if found.x is None:
            return value
        told = self.attained(found.x)
        if told is None:
            return value
        # Over ``value`` it may lie by the solver's tolerance, and counts as it is.
        # The bound that was asked for no plan keeps: rounding at most.
        return max(told, self.now) if self.is_raised else min(told, self.now)

    def turn(self, unit: str, first: Answer | None = None) -> WayOut | None:
        """Return the least change of this field, None if it cannot help."""
        loose = self.loosest()
        if loose == self.now:
            return None
        found = self.solve(loose) if first is None else first
        if found.holds is False:
            return None
        if found.x is None:
            raise NotSettledError
        tight, loose = self.now, self.nearer(found, loose)
        is_least = False
        is_ratio = self.account in ("average", "share")
        if is_ratio and self.search.is_large:
            loose = self.whole_least(found, loose)
        elif is_ratio:
            tight = self.linear_least(loose)
        near = loose if is_ratio and self.search.is_large else np.nan
        n_unknown = 0
        until = self.search.deadline
        while n_unknown < MOST_UNKNOWN and not self.search.is_late():
            middle = self.between(tight, loose)
            if middle is not None and loose == near:
                # Probably the least: show it.
                step = 0.9 * PRECISION * max(abs(self.now), 1e-9)
                near, middle = np.nan, loose - step * (1 if self.is_raised else -1)
            if middle is None:
                is_least = n_unknown == 0
                break
            # One value that is hard to settle leaves time for looser ones.
            left = until - time.perf_counter()
            self.search.deadline = until - 0.75 * left
            found = self.solve(middle)
            self.search.deadline = until
            if found.x is not None:
                nearer = self.nearer(found, middle)
                gain = (loose - nearer) * (1 if self.is_raised else -1)
                if gain > 1e-9 * max(1.0, abs(loose)):
                    loose = nearer
                    continue
            # Also where it holds by the solver's tolerance only.
            n_unknown += found.holds is None
            tight = middle
        text = moved_text(self.limit.name, self.now, loose, unit)
        if not is_least:
            text += " (perhaps less)"
        return WayOut(
            self.limit.name,
            "",
            self.now,
            loose,
            loose - self.now,
            unit,
            False,
            text,
            (("", self.now, loose),),
            self.field,
            is_least,
        )

    def between(self, tight: float, loose: float) -> float | None:
        """Return the next value to try between an infeasible and a feasible one."""
        if self.is_whole:
            return (
                None if abs(loose - tight) <= 1 else float(round((tight + loose) / 2))
            )
        if self.steps is not None:
            room = 1e-9 * max(1.0, tight)
            inner = self.steps[
                (self.steps > loose + room) & (self.steps < tight - room)
            ]
            return None if not inner.size else float(inner[inner.size // 2])
        if abs(loose - tight) <= PRECISION * max(abs(self.now), 1e-9):
            return None
        # The linear bound is close: try near it first.
        return tight + (0.3 if tight != self.now else 0.5) * (loose - tight)

    def whole_least(self, found: Answer, value: float) -> float:
        """Return about the least average of any plan, by steps of Dinkelbach [1]_.

        Each plan is the one that stays most below (or above) the average of the one
        before it; a few are enough.
        """
        sign = -1.0 if self.is_raised else 1.0
        # Some time is kept to show that there is nothing below.
        until = self.search.deadline
        for gap in (1e-2, *5 * (PRECISION / 2,)):
            left = until - time.perf_counter()
            row, mw = self._row(value), self._megawatts(found, value)
            if found.x is None or row is None or not mw or value == self.now:
                break
            size = max(abs(value), abs(self.now)) * mw * row[1]
            program = with_constant(self.search.part(self.every, self.at(value)))
            objective = np.append(sign * row[0], -size)
            self.search.deadline = until - 0.6 * left
            found = self.search.solve(program, objective, gap=gap)
            self.search.deadline = until
            better = self.nearer(found, value)
            gain = (value - better) * (1 if self.is_raised else -1)
            value = better
            if gain <= PRECISION / 10 * abs(self.now):
                break
        return value

    def _megawatts(self, found: Answer, value: float) -> float:
        """Return the megawatts over which a plan is averaged, as its row weighs."""
        here, there = self._row(value), self._row((value + self.now) / 2)
        if here is None or there is None or found.x is None or value == self.now:
            return 0.0
        lift = there[0] / there[1] - here[0] / here[1]
        return float(lift @ found.x[: lift.size]) / ((value - self.now) / 2)

    def linear_least(self, value: float) -> float:
        """Return a bound that no plan gets below: the least average with fractions.

        At the value ``b`` of a point, ``sum((v - b) mw)`` is minimised over all
        points; its zero is the next, better value, and no better one exists when
        the minimum is zero.
        """
        search = self.search
        sign = -1.0 if self.is_raised else 1.0
        tol = 1e-7 * max(abs(self.now), 1e-9)
        for _ in range(20):
            here = self._row(value)
            there = self._row((value + self.now) / 2)
            if here is None or there is None or value == self.now:
                return self.now
            row, scale = here
            other, other_scale = there
            part = search.part(self.every, self.at(value))
            p, rows = part.problem, part.rows
            left = search.deadline - time.perf_counter()
            if left <= 0:
                return self.now
            found = highs.solve_lp(
                sign * row,
                rows.matrix,
                rows.lower,
                rows.upper,
                p.lower,
                p.upper,
                time_limit=left,
            )
            if found.status != "optimal":
                return self.now
            apart = (value - self.now) / 2
            mw = float((other / other_scale - row / scale) @ found.x) / apart
            if mw <= 1e-9:
                return self.now
            better = value + float(row @ found.x) / scale / mw
            better = max(better, self.now) if self.is_raised else min(better, self.now)
            if abs(better - value) <= tol:
                return better
            value = better
        return self.now

    def _row(self, value: float) -> tuple[Floats, float] | None:
        """Return the one row of this field at a value, and its scale."""
        side = "upper" if self.is_raised else "lower"
        parts = rows_for(self.at(value), self.search.whole.problem)
        rows = Rows.stack(parts)
        mine = np.flatnonzero(np.isfinite(getattr(rows, side)))
        if mine.size != 1:
            return None
        row = np.asarray(rows.matrix[mine].toarray()).ravel()
        return row, float(rows.scale[mine[0]])


__all__ = ["FIELDS", "Knob"]
