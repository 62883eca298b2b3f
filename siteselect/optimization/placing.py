"""Plans of one program, put into another."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from siteselect.optimization import highs
from siteselect.optimization._compile import Compiled
from siteselect.optimization.problem import Floats, Ints, Problem

#: Room for rounding in rows of scaled units.
ROOM = 1e-6
#: One chosen column: site, name of the column, whether it is whole, MW, value of x.
Pick = tuple[Any, str, bool, float, float]


def picks_of(problem: Problem, x: Floats) -> tuple[Pick, ...]:
    """Return the chosen columns of sites, by names that other programs know too."""
    used = np.flatnonzero((problem.column_site >= 0) & (np.abs(x) > 1e-9))
    labels = problem.frame.index
    return tuple(
        (
            labels[problem.column_site[k]],
            problem.column_names[k],
            bool(problem.integrality[k]),
            float(problem.column_mw[k]),
            float(x[k]),
        )
        for k in used.tolist()
    )


class Placer:
    """Puts plans of other programs into one program and says what they are worth."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        problem = compiled.problem
        self.position = {x: k for k, x in enumerate(problem.frame.index)}
        self.columns: dict[int, list[int]] = {}
        wanted = problem.column_site
        order = np.argsort(wanted, kind="stable")
        start = np.searchsorted(wanted[order], np.arange(problem.n_sites + 1))
        self.order, self.start = order, start
        self.own = np.flatnonzero(wanted < 0)
        self.csc = sparse.csc_array(compiled.rows.matrix)

    def of_site(self, label: Any) -> Ints:
        """Return the columns of a site."""
        k = self.position.get(label)
        if k is None:
            return np.zeros(0, dtype=np.int64)
        return self.order[self.start[k] : self.start[k + 1]]

    def place(self, picks: tuple[Pick, ...]) -> tuple[Floats, float] | None:
        """Return the solution and its value here; None where it is not allowed."""
        problem = self.compiled.problem
        x = np.zeros(problem.n_columns)
        site_mw: dict[Any, float] = {}
        added: dict[Any, str] = {}
        for label, name, is_whole, mw, amount in picks:
            site_mw[label] = site_mw.get(label, 0.0) + mw * amount
            if not is_whole:
                added[label] = name
                continue
            same = [k for k in self.of_site(label) if problem.column_names[k] == name]
            if not same or problem.upper[same[0]] < 0.5:
                return None
            x[same[0]] = 1.0
        for label, total in site_mw.items():
            mine = self.of_site(label)
            left = total - float(problem.column_mw[mine] @ x[mine])
            if abs(left) <= 1e-6:
                continue
            rest = [k for k in mine.tolist() if not problem.integrality[k]]
            # A range that ends elsewhere goes by another name.
            name = added.get(label, "")
            rest = [k for k in rest if problem.column_names[k] == name] or rest
            if not rest or left < 0:
                return None
            x[rest[0]] = left / float(problem.column_mw[rest[0]])
            if x[rest[0]] > problem.upper[rest[0]] + 1e-9:
                return None
        return self.settle(x)

    def settle(self, x: Floats) -> tuple[Floats, float] | None:
        """Set the limits' own columns for the sites of ``x``, if all rows hold."""
        problem, rows = self.compiled.problem, self.compiled.rows
        chosen = np.flatnonzero(x)
        used = self.csc[:, chosen] @ x[chosen]
        size = ROOM * np.maximum(1.0, np.abs(used))
        if self.own.size:
            part = sparse.csr_array(self.csc[:, self.own].tocsr())
            sign = 1.0 if problem.maximize else -1.0
            answer = highs.solve_mip(
                sign * problem.objective[self.own],
                part,
                rows.lower - used - size,
                rows.upper - used + size,
                problem.lower[self.own],
                problem.upper[self.own],
                problem.integrality[self.own],
                gap=0.0,
            )
            if answer.x is None:
                return None
            # Without the room, where the sites allow it: what is drawn adds up.
            x[self.own] = highs.settled(
                sign * problem.objective[self.own],
                part,
                rows.lower - used,
                rows.upper - used,
                problem.lower[self.own],
                problem.upper[self.own],
                problem.integrality[self.own],
                answer.x,
            )
        elif (used > rows.upper + size).any() or (used < rows.lower - size).any():
            return None
        for limit in self.compiled.lazy:
            cuts = getattr(limit, "cuts", None)
            if cuts is not None and len(cuts(problem, x)):
                return None
        return x, float(problem.objective @ x)
