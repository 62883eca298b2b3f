"""Price columns out, solve what is left exactly, certify it for the full problem.

1. Columns that alone break a limit go; rows that can never bind go; rows over
   binaries are rounded and counted.
2. The linear relaxation is solved by sifting: a few thousand columns at a time,
   the rest priced by its duals. Spacing is separated as clique rows on the way.
3. For any duals the Lagrangian bound holds over *all* columns, with "one size per
   site" kept inside the maximum. It also says how good a plan with a given column
   could be at best.
4. A plan from greedy orders and small integer programs; columns that cannot be in
   a better plan are fixed at zero.
5. PuLP solves the rest. The bound of the plan is the larger of what the solver
   proved on the rest and what is possible with any column outside it.

References
----------
.. [1] A. M. Geoffrion, "Lagrangean relaxation for integer programming",
   Mathematical Programming Study 2 (1974) 82-114.
.. [2] R. E. Bixby et al., "Very large-scale linear programming: a case study in
   combining interior point and simplex methods", Operations Research 40 (1992)
   885-897 (sifting).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from siteselect.errors import StudyError, four_parts, nearest_name
from siteselect.optimization import highs, pulp_model
from siteselect.optimization._compile import Compiled
from siteselect.optimization.limits import Spacing
from siteselect.optimization.problem import Bools, Floats, Ints, Problem, Rows

#: Columns in the first restricted linear program, and added per round.
FIRST_COLUMNS = 3000
ADDED_COLUMNS = 2000
#: Sizes of the integer programs tried on the best-priced columns.
FIRST_CORE = 400
#: Larger cores are not handed to a solver: the certificate is returned instead.
LARGEST_CORE = 20_000
#: Kinds of accounts whose bounds are bounds of rows.
MOVABLE = (
    "power",
    "it power",
    "money",
    "count",
    "total",
    "distinct groups",
    "sites per group",
)
#: Relative room for rounding when a column is called useless.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Found:
    """What a price-out solve found; everything is maximised, in scaled units.

    ``status`` is "infeasible" only if the linear relaxation or the whole core says
    so; the caller asks a second route.
    """

    status: highs.Status
    x: Floats | None
    objective: float
    bound: float
    duals: Floats | None
    solver: str
    core: int
    lp_bound: float


@dataclass(frozen=True, eq=False)
class _Priced:
    """Bound and reduced values for one vector of duals."""

    bound: float
    value: Floats
    site_best: Floats
    column_bound: Floats
    duals: Floats


class PriceOut:
    """Rows and columns prepared once, solved for one objective after another.

    Parameters
    ----------
    compiled : Compiled
        Problem, rows and lazy limits.

    Notes
    -----
    Preparation, spacing cliques, working columns and duals are kept between
    solves, so that a re-solve with another objective costs a fraction.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        problem = compiled.problem
        rows = compiled.rows
        self.n = problem.n_columns
        self.upper = problem.upper.copy()
        is_choice = rows.limit == "site capacity"
        self.choice = rows.take(np.flatnonzero(is_choice))
        self.account = np.flatnonzero(~is_choice)
        linked = rows.take(self.account)
        self._sites(problem)
        linked = round_rows(linked, problem)
        # Rounding may show that no whole sum lies between two bounds.
        self.is_crossed = bool((linked.lower > linked.upper + 1e-9).any())
        self.upper = drop_columns(linked, problem, self.upper)
        useful = can_bind(linked, problem, self.upper)
        self.kept = np.flatnonzero(useful)
        # Rows [0, n_account) belong to limits and carry prices; cuts follow.
        self.cuts = count_cuts(linked.take(self.kept), problem, self.upper)
        self.n_account = self.kept.size
        self._set_rows(Rows.stack([linked.take(self.kept), self.cuts]))
        self.spacing = tuple(
            x for x in compiled.limits if hasattr(x, "cuts") and x in compiled.lazy
        )
        self.working: Ints | None = None
        self.duals: Floats | None = None
        self.goal = np.zeros(self.n)
        self.plans: list[Floats] = []

    def _sites(self, problem: Problem) -> None:
        """Remember where the columns of each site stand."""
        site = problem.column_site
        self.own = np.flatnonzero(site < 0)
        cols = problem.open_columns
        self.opens = cols
        self.open_site = site[cols]
        first = np.flatnonzero(np.diff(self.open_site, prepend=-1) != 0)
        self.first = first
        self.site_ids = self.open_site[first]
        self.block = np.cumsum(np.diff(self.open_site, prepend=-1) != 0) - 1
        more = np.flatnonzero((site >= 0) & ~problem.column_opens)
        self.more = more
        where = np.full(problem.n_columns, -1, dtype=np.int64)
        where[cols] = np.arange(cols.size)
        self.more_open = where[problem.column_opener[more]]
        self.site_fixed = problem.fixed[self.site_ids]

    def _set_rows(self, rows: Rows) -> None:
        self.rows = rows
        self.transposed = sparse.csr_array(rows.matrix.T.tocsr())
        self.by_column = sparse.csc_array(rows.matrix)

    def _add_rows(self, rows: Rows) -> None:
        self._set_rows(Rows.stack([self.rows, rows]))
        if self.duals is not None:
            self.duals = np.concatenate([self.duals, np.zeros(len(rows))])

    # -- derived engines -------------------------------------------------------

    def with_row_bounds(
        self,
        limit: str,
        *,
        lower: npt.ArrayLike | None = None,
        upper: npt.ArrayLike | None = None,
        group: object = None,
    ) -> PriceOut:
        """Return an engine for the same program with other bounds of one limit.

        Parameters
        ----------
        limit : str
            Name of the limit, e.g. ``"budget"``.
        lower, upper : float or array, optional
            New bounds in the limit's own unit, for all its accounts or one for
            each; None keeps what is there.
        group : object, optional
            Only the account of this group.

        Returns
        -------
        PriceOut
            Working columns, duals, spacing cliques and plans are handed on.

        Raises
        ------
        StudyError
            No such limit, or one whose bound is part of its coefficients (an
            average, a share) or of another limit's.
        """
        rows = self.compiled.rows
        which = self.bounded_rows(limit, group)
        new = {"lower": rows.lower.copy(), "upper": rows.upper.copy()}
        for side, value in (("lower", lower), ("upper", upper)):
            if value is not None:
                given = np.asarray(value, dtype=np.float64)
                new[side][which] = given * rows.scale[which]
        return self.derived(self.compiled.problem, replace(rows, **new))

    def bounded_rows(self, limit: str, group: object = None) -> Ints:
        """Return the rows of ``compiled.rows`` whose bounds are those of a limit."""
        rows = self.compiled.rows
        own = rows.limit == limit
        which = own & np.isin(rows.kind.astype(str), MOVABLE)
        if group is not None:
            which &= rows.group == group
        # A share of a fixed total is written with that total.
        tied = limit == "power" and any(
            getattr(x, "max_share", None) is not None for x in self.compiled.limits
        )
        if not which.any() or tied:
            raise StudyError(
                four_parts(
                    f"other bounds for the limit {limit!r} were asked for",
                    "a share of the total depends on it"
                    if tied
                    else "its bound is part of its coefficients"
                    if own.any()
                    else "there is no such limit."
                    + nearest_name(limit, sorted(set(map(str, rows.limit)))),
                    "a limit with bounds of its own: " + ", ".join(MOVABLE),
                    "optimize_sites(...) with the changed argument",
                )
            )
        return np.flatnonzero(which)

    def with_sites(
        self, *, fixed: Sequence[int] = (), forbidden: Sequence[int] = ()
    ) -> PriceOut:
        """Return an engine in which more sites must be, or cannot be, chosen.

        Parameters
        ----------
        fixed, forbidden : sequence of int
            Rows of ``compiled.problem.frame``.
        """
        problem, rows = self.compiled.problem, self.compiled.rows
        must = problem.fixed.copy()
        must[list(fixed)] = True
        closed = np.zeros(problem.n_sites, dtype=bool)
        closed[list(forbidden)] = True
        upper = problem.upper.copy()
        own = problem.column_site >= 0
        upper[own & closed[np.maximum(problem.column_site, 0)]] = 0.0
        new = np.flatnonzero(must & ~problem.fixed)
        if new.size:
            code = np.full(problem.n_sites, -1, dtype=np.int64)
            code[new] = np.arange(new.size)
            opens = problem.column_opens.astype(np.float64)
            chosen = problem.site_rows(code, new.size, opens)
            labels = problem.frame.index.to_numpy(dtype=object)[new]
            rows = Rows.stack(
                [rows, Rows.make(chosen, 1.0, np.inf, "fixed", labels, 1.0)]
            )
        return self.derived(replace(problem, upper=upper, fixed=must), rows)

    def with_rows(self, rows: Rows) -> PriceOut:
        """Return an engine with more rows over the same columns, e.g. no-good cuts."""
        return self.derived(
            self.compiled.problem, Rows.stack([self.compiled.rows, rows])
        )

    def derived(self, problem: Problem, rows: Rows) -> PriceOut:
        """Return an engine for changed bounds or more rows over the same columns.

        What was concluded from the old bounds (closed columns, rounded and left
        out rows, count cuts) is concluded anew; what holds all the same is kept.
        """
        engine = PriceOut(replace(self.compiled, problem=problem, rows=rows))
        found = self.found_rows()
        engine._add_rows(found)
        engine.plans = list(self.plans)
        if self.working is not None:
            engine.working = self.working
        if self.duals is not None:
            old = np.zeros(len(rows))
            old[: len(self.compiled.rows)] = self.account_duals(self.duals)
            engine.duals = np.concatenate(
                [
                    old[engine.account[engine.kept]],
                    np.zeros(len(engine.cuts)),
                    self.duals[self.duals.size - len(found) :],
                ]
            )
        return engine

    def bound_curve(
        self, limit: str, values: Sequence[float], *, group: object = None
    ) -> Floats:
        """Return a bound on the objective for each value of a limit's bound.

        Parameters
        ----------
        limit : str
            Name of the limit, e.g. ``"budget"``.
        values : sequence of float
            Bounds in the limit's own unit. They take the place of its maximum; of
            its minimum where it has no maximum; of both where they are equal.
        group : object, optional
            Only the account of this group.

        Returns
        -------
        ndarray
            No plan of the full problem is better than this, in the objective's
            unit: an upper bound when it is maximised, a lower one when minimised;
            infinite the other way where the relaxation already has no plan.
        """
        rows = self.compiled.rows
        which = self.bounded_rows(limit, group)
        has_most = bool(np.isfinite(rows.upper[which]).all())
        both = bool((rows.lower[which] == rows.upper[which]).all())
        problem = self.compiled.problem
        sign = 1.0 if problem.maximize else -1.0
        scale = pulp_model.objective_scale(problem)
        goal = sign * problem.objective * scale
        curve = np.full(len(values), np.inf)
        engine = self
        order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
        for k in order.tolist():
            value = float(values[k])
            engine = engine.with_row_bounds(
                limit,
                lower=value if both or not has_most else None,
                upper=value if has_most else None,
                group=group,
            )
            status, _, priced = engine.relax(goal)
            if status == "infeasible":
                curve[k] = -np.inf
            elif priced is not None:
                curve[k] = priced.bound / scale
        return sign * curve

    # -- bound ---------------------------------------------------------------

    def price(self, objective: Floats, duals: Floats) -> _Priced:
        """Return the Lagrangian bound over all columns for ``duals``."""
        rows = self.rows
        y = duals.copy()
        y[(y > 0) & ~np.isfinite(rows.upper)] = 0.0
        y[(y < 0) & ~np.isfinite(rows.lower)] = 0.0
        up, down = y > 0, y < 0
        constant = float(y[up] @ rows.upper[up]) + float(y[down] @ rows.lower[down])
        value = objective - self.transposed @ y
        open_value = value[self.opens].copy()
        if self.more.size:
            extra = np.maximum(value[self.more], 0.0) * self.upper[self.more]
            np.add.at(open_value, self.more_open, extra)
        open_value[self.upper[self.opens] <= 0] = -np.inf
        if self.first.size:
            best = np.maximum.reduceat(open_value, self.first)
        else:
            best = np.zeros(0)
        gain = np.where(self.site_fixed, best, np.maximum(best, 0.0))
        own = value[self.own]
        problem = self.compiled.problem
        best_end = np.where(own > 0, problem.upper[self.own], problem.lower[self.own])
        own_gain = np.where(own == 0, 0.0, own) * np.where(own == 0, 0.0, best_end)
        bound = constant + float(gain.sum()) + float(own_gain.sum())
        column_bound = np.full(self.n, bound)
        column_bound[self.opens] = bound - gain[self.block] + open_value
        if self.more.size:
            column_bound[self.more] = column_bound[self.opens[self.more_open]]
        return _Priced(bound, value, gain, column_bound, y)

    # -- linear relaxation -----------------------------------------------------

    def start_columns(self, objective: Floats) -> Ints:
        """Return columns that are likely to matter, with the limits' own."""
        problem = self.compiled.problem
        usable = self.opens[self.upper[self.opens] > 0]
        mw = np.maximum(problem.column_mw, 1e-9)
        picked = [self.own]
        share = FIRST_COLUMNS // 4
        rank_by = [objective / mw, objective]
        if (problem.column_cost > 0).any():
            cost = np.maximum(problem.column_cost, 1e-9)
            rank_by += [objective / cost, mw / cost]
        if self.duals is not None:
            rank_by.append(objective - self.transposed @ self.duals)
        for rank in rank_by:
            order = np.argsort(-rank[usable], kind="stable")[:share]
            picked.append(usable[order])
        fixed_sites = np.flatnonzero(problem.fixed)
        picked.append(usable[np.isin(problem.column_site[usable], fixed_sites)])
        if self.working is not None:
            picked.append(self.working)
        return self.with_more(np.unique(np.concatenate(picked)))

    def with_more(self, columns: Ints) -> Ints:
        """Add the continuous columns that belong to opening columns."""
        if not self.more.size:
            return columns
        with_open = np.isin(self.opens[self.more_open], columns)
        return np.union1d(columns, self.more[with_open])

    def relax(
        self,
        objective: Floats,
        *,
        deadline: float | None = None,
        say: Callable[[str], object] = lambda line: None,
    ) -> tuple[highs.Status, Floats | None, _Priced | None]:
        """Solve the linear relaxation over all columns by sifting.

        Returns
        -------
        status, x, priced
            "infeasible" if no fractional plan exists; x over all columns; the best
            bound found.
        """
        usable = np.zeros(self.first.size, dtype=bool)
        usable[self.block[self.upper[self.opens] > 0]] = True
        if (self.site_fixed & ~usable).any() or self.is_crossed:
            return "infeasible", None, None
        working = self.start_columns(objective)
        size = max(1.0, float(np.abs(objective).max(initial=1.0)))
        best: _Priced | None = None
        x_full: Floats | None = None
        for penalty in (1e3 * size, 1e7 * size, 0.0):
            # Penalty 0 stands for phase one: the violation alone is minimised.
            phase_one = penalty == 0.0
            master = _Master(self, working, objective, penalty)
            for _ in range(200):
                lp = master.solve()
                if lp is None:
                    return "unknown", None, best
                x_work, duals, choice, missing = lp
                goal = np.zeros(self.n) if phase_one else objective
                priced = self.price(goal, duals)
                if not phase_one and (best is None or priced.bound < best.bound):
                    best = priced
                new = self.improving(priced, master, choice)
                if new.size:
                    master.add(new)
                    working = master.columns
                    if deadline is not None and time.perf_counter() > deadline:
                        return "unknown", None, best
                    continue
                if missing > 1e-7:
                    break
                x_full = np.zeros(self.n)
                x_full[master.columns] = x_work
                cuts = self.separate(x_full)
                if not len(cuts) or phase_one:
                    break
                say(f"{len(cuts)} spacing cliques")
                self._add_rows(cuts)
                best = None
                master.add_rows(cuts)
                if deadline is not None and time.perf_counter() > deadline:
                    return "unknown", None, None
            if missing <= 1e-7:
                self.working = master.columns[x_work > 1e-9]
                self.duals = duals
                if phase_one:
                    return "unknown", x_full, best
                return "optimal", x_full, best
            if phase_one:
                return "infeasible", None, None
        return "unknown", None, best

    def found_rows(self) -> Rows:
        """Return the rows of lazy limits found so far."""
        return self.rows.take(
            np.arange(self.n_account + len(self.cuts), len(self.rows))
        )

    def separate(self, x: Floats) -> Rows:
        """Return rows of lazy limits that ``x`` violates."""
        problem = self.compiled.problem
        parts = [limit.cuts(problem, x) for limit in self.spacing]
        return Rows.stack([Rows.empty(self.n), *parts])

    def improving(self, priced: _Priced, master: _Master, choice: Floats) -> Ints:
        """Return columns outside the master that would improve it."""
        value = priced.value[self.opens].copy()
        if self.more.size:
            extra = np.maximum(priced.value[self.more], 0.0)
            np.add.at(value, self.more_open, extra * self.upper[self.more])
        # What a site's columns in the master already earn.
        inside = master.is_in[self.opens]
        held = np.where(inside, value, -np.inf)
        earned = np.maximum(
            np.maximum.reduceat(held, self.first) if self.first.size else held, 0.0
        )
        size = max(1.0, float(np.abs(value).max(initial=1.0)))
        gain = value - earned[self.block]
        gain[inside | (self.upper[self.opens] <= 0)] = -np.inf
        good = np.flatnonzero(gain > 1e-9 * size)
        if good.size > ADDED_COLUMNS:
            order = np.argsort(-gain[good], kind="stable")[:ADDED_COLUMNS]
            good = np.sort(good[order])
        return self.with_more(self.opens[good])

    # -- plans -----------------------------------------------------------------

    def restricted(
        self, columns: Ints, objective: Floats
    ) -> tuple[Problem, Rows, Ints]:
        """Return the problem over some columns, with every row that it needs."""
        problem = self.compiled.problem
        columns = np.union1d(columns, self.own)
        rows = Rows.stack([self.rows, self.choice])
        part = sparse.csr_array(self.by_column[:, columns].tocsr())
        choice = sparse.csr_array(self._choice_csc()[:, columns].tocsr())
        matrix = sparse.csr_array(sparse.vstack([part, choice], format="csr"))
        rows = replace(rows, matrix=matrix)
        small = replace(
            problem,
            column_site=problem.column_site[columns],
            column_mw=problem.column_mw[columns],
            column_cost=problem.column_cost[columns],
            column_opens=problem.column_opens[columns],
            column_opener=_renumbered(problem.column_opener[columns], columns),
            column_payer=problem.column_payer[columns],
            column_lifetime_cost=None,
            objective=objective[columns],
            maximize=True,
            lower=problem.lower[columns],
            upper=self.upper[columns],
            integrality=problem.integrality[columns],
            column_names=tuple(problem.column_names[c] for c in columns.tolist()),
            column_option={},
            extra={},
            _cache={},
        )
        useful = can_bind(rows, small, small.upper)
        rows = rows.take(np.flatnonzero(useful))
        for limit in self.spacing:
            if isinstance(limit, Spacing):
                nearby = limit.nearby(problem)
                there = np.unique(small.column_site[small.column_opens])
                cliques = nearby.clique_cover(*nearby.pairs_among(there))
                rows = Rows.stack([rows, limit.clique_rows(small, cliques)])
        return small, rows, columns

    def _choice_csc(self) -> sparse.csc_array:
        if not hasattr(self, "_choice"):
            self._choice = sparse.csc_array(self.choice.matrix)
        return self._choice

    def is_feasible(self, x: Floats, tol: float = 1e-7) -> bool:
        """Return whether ``x`` keeps all rows, and those of lazy limits."""
        used = self.rows.matrix @ x
        if (used > self.rows.upper + tol).any() or (used < self.rows.lower - tol).any():
            return False
        used = self.choice.matrix @ x
        if (used > self.choice.upper + tol).any():
            return False
        if (x > self.upper + tol).any():
            return False
        return not len(self.separate(x))

    def solve(
        self,
        objective: Floats | None = None,
        *,
        gap: float = 1e-4,
        deadline: float | None = None,
        solver: Any = "highs",
        say: Callable[[str], object] = lambda line: None,
        lap: Callable[[str], object] = lambda step: None,
    ) -> Found:
        """Solve for an objective vector in the problem's own unit and direction.

        Parameters
        ----------
        objective : ndarray, shape (n_columns,), optional
            Objective per column; that of the problem by default.
        gap : float
            Relative gap to prove.
        deadline : float, optional
            Value of ``time.perf_counter()`` to stop at.

        Returns
        -------
        Found
        """
        problem = self.compiled.problem
        if objective is None:
            objective = problem.objective
        sign = 1.0 if problem.maximize else -1.0
        scale = pulp_model.objective_scale(replace(problem, objective=objective))
        goal = sign * objective * scale
        status, x_lp, priced = self.relax(goal, deadline=deadline, say=say)
        lap("relaxation")
        unit = 1.0 / scale
        if priced is None and status != "infeasible":
            # Out of time before the first duals: zero duals bound too, if badly.
            priced = self.price(goal, np.zeros(len(self.rows)))
        if status == "infeasible":
            return Found(
                "infeasible", None, -np.inf, -np.inf, None, "linear program", 0, -np.inf
            )
        duals = None
        bound = np.inf
        if priced is not None:
            bound = priced.bound
            duals = self.account_duals(priced.duals) * sign * unit
            say(f"bound {bound * unit:,.6g} over {self.n:,} columns")
        plan = _Incumbent(goal)
        for old in self.plans:
            if self.is_feasible(old):
                plan.offer(old)
        name = "greedy"
        core = 0
        if priced is not None:
            self.greedy(goal, priced, x_lp, plan, is_hurried=deadline is not None)
            lap("greedy")
            status, bound, name, core = self.close(
                goal, priced, plan, gap, deadline, solver, say, lap
            )
        if status == "infeasible":
            return Found(
                "infeasible", None, -np.inf, -np.inf, duals, name, core, bound * unit
            )
        lp_bound = np.inf if priced is None else priced.bound
        if plan.x is None:
            return Found(
                "unknown", None, -np.inf, bound * unit, duals, name, core, np.inf
            )
        self.plans = [plan.x, *self.plans[:4]]
        return Found(
            "feasible",
            plan.x,
            plan.value * unit,
            bound * unit,
            duals,
            name,
            core,
            lp_bound * unit,
        )

    def account_duals(self, y: Floats) -> Floats:
        """Return duals per row of ``compiled.rows``."""
        full = np.zeros(len(self.compiled.rows))
        full[self.account[self.kept]] = y[: self.n_account]
        return full

    def close(
        self,
        goal: Floats,
        priced: _Priced,
        plan: _Incumbent,
        gap: float,
        deadline: float | None,
        solver: Any,
        say: Callable[[str], object],
        lap: Callable[[str], object],
    ) -> tuple[highs.Status, float, str, int]:
        """Solve growing cores until the gap is closed or the core is too large."""
        usable = self.upper[self.opens] > 0
        reach = priced.column_bound[self.opens]
        order = self.opens[np.lexsort((self.opens, -reach))]
        order = order[usable[np.lexsort((self.opens, -reach))]]
        reach_sorted = priced.column_bound[order]
        bound = priced.bound
        size, name, k = FIRST_CORE, "greedy", 0
        while True:
            need = order.size
            if plan.x is not None:
                cut = plan.value + gap * max(abs(plan.value), 1e-9)
                need = int(np.searchsorted(-reach_sorted, -cut, side="left"))
                bound = min(bound, priced.bound)
                if plan.gap(bound) <= gap:
                    return "feasible", bound, name, k
            last = need <= size
            k = min(need if last else size, order.size)
            if k > LARGEST_CORE:
                say(f"{k:,} columns could still improve the plan: left open")
                return "feasible", bound, name, k
            outside = float(reach_sorted[k]) if k < order.size else -np.inf
            columns = self.with_more(np.sort(order[:k]))
            left = None
            if deadline is not None:
                left = deadline - time.perf_counter()
                if left <= 0:
                    return "feasible", bound, name, k
            say(f"core of {k:,} columns")
            found, name = self.solve_core(
                columns, goal, gap if last else max(gap, 1e-4), left, solver, last
            )
            lap(f"core {k}")
            if found.x is not None:
                x = np.zeros(self.n)
                x[np.union1d(columns, self.own)] = found.x
                plan.offer(self.exact(x))
            inner = found.bound if found.status != "infeasible" else -np.inf
            if plan.x is None and found.status == "infeasible" and k == order.size:
                return "infeasible", -np.inf, name, k
            bound = min(bound, max(inner, outside, plan.value))
            if plan.x is not None and plan.gap(bound) <= gap:
                return "feasible", bound, name, k
            if last or k == order.size:
                return "feasible", bound, name, k
            size = min(int(2.5 * size), order.size)

    def exact(self, x: Floats) -> Floats:
        """Round binaries that a solver left a hair from 0 or 1."""
        whole = self.compiled.problem.integrality
        x[whole] = np.round(x[whole])
        return x

    def solve_core(
        self,
        columns: Ints,
        goal: Floats,
        gap: float,
        time_limit_s: float | None,
        solver: Any,
        last: bool,
    ) -> tuple[highs.MipResult, str]:
        """Solve the problem over some columns exactly."""
        small, rows, _ = self.restricted(columns, goal)
        result, name = pulp_model.solve(
            small, rows, solver=solver, gap=gap, time_limit_s=time_limit_s
        )
        if result.status == "infeasible":
            # A wrong "infeasible" would become a wrong bound: ask by another route.
            result = highs.solve_mip(
                small.objective,
                rows.matrix,
                rows.lower,
                rows.upper,
                small.lower,
                small.upper,
                small.integrality,
                gap=gap,
                time_limit_s=time_limit_s,
                presolve="off",
            )
        return result, name

    def greedy(
        self,
        goal: Floats,
        priced: _Priced,
        x_lp: Floats | None,
        plan: _Incumbent,
        is_hurried: bool,
    ) -> None:
        """Offer plans that fill up in several orders."""
        usable = self.opens[self.upper[self.opens] > 0]
        self.goal = goal
        orders = [priced.column_bound[usable]]
        if x_lp is not None:
            orders.append(x_lp[usable] * 1e6 + priced.column_bound[usable])
        if is_hurried:
            orders += self.plain_orders(goal, usable)
        for rank in orders:
            order = usable[np.argsort(-rank, kind="stable")[:1500]]
            x = self.fill(order)
            if x is not None:
                plan.offer(x)

    def plain_orders(self, goal: Floats, usable: Ints) -> list[Floats]:
        """Return orders that need no duals: best, best per dollar, cheapest."""
        problem = self.compiled.problem
        orders = [goal[usable]]
        mw = np.maximum(problem.column_mw[usable], 1e-9)
        orders.append(goal[usable] / mw)
        if usable.size and (problem.column_cost > 0).any():
            cost = np.maximum(problem.column_cost[usable], 1e-9)
            orders += [goal[usable] / cost, mw / cost]
            # Half way between the best and the cheapest: where a budget is tight.
            best, cheap = goal[usable] / mw, cost / mw
            orders += [
                best / max(float(np.abs(best).max()), 1e-9)
                - k * cheap / float(cheap.max())
                for k in (0.5, 1.0, 2.0)
            ]
        return orders

    def fill(self, order: Ints) -> Floats | None:
        """Open columns in order while all limits hold; None if the end breaks one."""
        problem = self.compiled.problem
        must = problem.fixed[problem.column_site[order]]
        order = np.concatenate([order[must], order[~must]])
        x = np.zeros(self.n)
        matrix, upper = self.by_column, self.rows.upper + 1e-9
        # Rows with continuous columns are settled by those, at the end.
        upper[np.diff(self.rows.matrix[:, ~problem.integrality].indptr) > 0] = np.inf
        used = np.zeros(len(self.rows))
        taken: set[int] = set()
        indptr, indices, data = matrix.indptr, matrix.indices, matrix.data
        for j in order.tolist():
            site = int(problem.column_site[j])
            if site in taken:
                continue
            rows = indices[indptr[j] : indptr[j + 1]]
            after = used[rows] + data[indptr[j] : indptr[j + 1]]
            if (after <= upper[rows]).all():
                used[rows] = after
                x[j] = 1.0
                taken.add(site)
        whole = self.complete(x)
        return whole if whole is not None and self.is_feasible(whole) else None

    def complete(self, x: Floats) -> Floats | None:
        """Set the continuous columns for the binaries of ``x``; None if none fit."""
        problem = self.compiled.problem
        free = np.flatnonzero(~problem.integrality)
        if not free.size:
            return x
        upper = np.minimum(problem.upper, self.upper)[free]
        more = problem.column_site[free] >= 0
        is_open = problem.sites_open(x) > 0.5
        upper[more] *= is_open[problem.column_site[free[more]]]
        part = sparse.csr_array(self.by_column[:, free].tocsr())
        touched = np.flatnonzero(np.diff(part.indptr))
        used = self.rows.matrix @ x
        found = highs.solve_lp(
            self.goal[free],
            sparse.csr_array(part[touched]),
            (self.rows.lower - used)[touched],
            (self.rows.upper - used)[touched],
            problem.lower[free],
            upper,
        )
        if found.status != "optimal":
            return None
        x = x.copy()
        x[free] = found.x
        return x


def _renumbered(opener: Ints, columns: Ints) -> Ints:
    """Return the openers' places among ``columns`` (sorted), -1 for none."""
    at = np.searchsorted(columns, np.maximum(opener, 0))
    at = np.minimum(at, max(columns.size - 1, 0))
    there = (opener >= 0) & (columns[at] == opener) if columns.size else opener >= 0
    return np.where(there, at, -1).astype(np.int64)


class _Incumbent:
    """The best plan so far; never lost."""

    def __init__(self, goal: Floats) -> None:
        self.goal = goal
        self.x: Floats | None = None
        self.value = -np.inf

    def offer(self, x: Floats) -> None:
        """Keep ``x`` if it is better."""
        value = float(self.goal @ x)
        if value > self.value:
            self.x, self.value = x, value

    def gap(self, bound: float) -> float:
        """Return the relative gap to ``bound``."""
        if self.x is None:
            return np.inf
        return max(0.0, bound - self.value) / max(1e-9, abs(self.value))


class _Master:
    """The restricted linear program, kept in HiGHS."""

    def __init__(
        self, owner: PriceOut, columns: Ints, objective: Floats, penalty: float
    ) -> None:
        self.owner = owner
        self.objective = np.zeros_like(objective) if penalty == 0.0 else objective
        self.columns = columns
        self.is_in = np.zeros(owner.n, dtype=bool)
        self.is_in[columns] = True
        rows = owner.rows
        choice = owner.choice
        self.n_rows, self.n_choice = len(rows), len(choice)
        problem = owner.compiled.problem
        # One violation column for each side that "choose nothing" may break.
        need_more = np.flatnonzero(rows.lower > 0)
        need_less = np.flatnonzero(rows.upper < 0)
        where = np.concatenate([need_more, need_less])
        sign = np.concatenate([np.ones(need_more.size), -np.ones(need_less.size)])
        k = where.size
        slack = sparse.csc_array(
            (sign, (where, np.arange(k))), shape=(self.n_rows + self.n_choice, k)
        )
        self.n_slack = k
        cost = -(penalty if penalty > 0 else 1.0)
        self.lp = highs.LiveLp(
            np.full(k, cost),
            slack,
            np.concatenate([rows.lower, choice.lower]),
            np.concatenate([rows.upper, choice.upper]),
            np.zeros(k),
            np.full(k, np.inf),
            simplex_strategy=1,
        )
        self.extra_rows = 0
        self._put(columns, problem)

    def _put(self, columns: Ints, problem: Problem) -> None:
        owner = self.owner
        first = owner.by_column[: self.n_rows, columns]
        parts = [first, owner._choice_csc()[:, columns]]
        if self.extra_rows:
            parts.append(owner.by_column[self.n_rows :, columns])
        block = sparse.vstack(parts, format="csc")
        self.lp.add_columns(
            self.objective[columns],
            block,
            problem.lower[columns],
            np.minimum(problem.upper[columns], owner.upper[columns]),
        )

    def add(self, columns: Ints) -> None:
        """Add columns that are not there yet."""
        new = columns[~self.is_in[columns]]
        self._put(new, self.owner.compiled.problem)
        self.columns = np.concatenate([self.columns, new])
        self.is_in[new] = True

    def add_rows(self, rows: Rows) -> None:
        """Add rows; the owner has them at the end of its own already."""
        part = sparse.csr_array(sparse.csc_array(rows.matrix)[:, self.columns].tocsr())
        pad = sparse.csr_array((len(rows), self.n_slack))
        matrix = sparse.hstack([pad, part], format="csr")
        self.lp.add_rows(matrix, rows.lower, rows.upper)
        self.extra_rows += len(rows)

    def solve(self) -> tuple[Floats, Floats, Floats, float] | None:
        """Return x of the columns, duals of rows, duals of choices, violation."""
        found = self.lp.solve()
        if found.status != "optimal":
            return None
        x, y = found.x, found.duals
        missing = float(x[: self.n_slack].sum())
        rows_y = np.concatenate([y[: self.n_rows], y[self.n_rows + self.n_choice :]])
        choice_y = y[self.n_rows : self.n_rows + self.n_choice]
        return x[self.n_slack :], rows_y, choice_y, missing


# -- preparation ----------------------------------------------------------------


def _only_grows(rows: Rows, problem: Problem) -> Bools:
    """Return which rows can only grow from zero, whatever is chosen."""
    out = np.ones(len(rows), dtype=bool)
    negative = (rows.matrix.data < 0) | (problem.lower[rows.matrix.indices] < 0)
    row = np.repeat(np.arange(len(rows)), np.diff(rows.matrix.indptr))
    out[row[negative]] = False
    return out


def _entries(rows: Rows) -> tuple[Ints, Ints, Floats]:
    matrix = rows.matrix
    row = np.repeat(np.arange(len(rows)), np.diff(matrix.indptr))
    return row, matrix.indices.astype(np.int64), matrix.data


def drop_columns(rows: Rows, problem: Problem, upper: Floats) -> Floats:
    """Close integer columns that alone break a row that can only grow.

    A continuous column stays: a part of it may fit.
    """
    row, column, a = _entries(rows)
    over = a > (rows.upper + 1e-9 + 1e-9 * np.abs(rows.upper))[row]
    over &= _only_grows(rows, problem)[row] & problem.integrality[column]
    upper = upper.copy()
    upper[column[over]] = 0.0
    return upper


def can_bind(rows: Rows, problem: Problem, upper: Floats) -> Bools:
    """Return which rows some choice of one size per site could break.

    A row goes only if its largest and smallest sums are within its bounds.
    """
    if not len(rows):
        return np.zeros(0, dtype=bool)
    row, column, a = _entries(rows)
    there = a != 0
    row, column, a = row[there], column[there], a[there]
    from_lower = a * problem.lower[column]
    a = a * upper[column]
    site = problem.column_site[column]
    opens = problem.column_opens[column]
    n_sites = problem.n_sites
    most = np.zeros(len(rows))
    least = np.zeros(len(rows))
    # One size per site: the largest of its opening columns counts.
    which = opens & (site >= 0)
    if which.any():
        key = row[which] * n_sites + site[which]
        order = np.argsort(key, kind="stable")
        key, value = key[order], a[which][order]
        start = np.flatnonzero(np.diff(key, prepend=-1) != 0)
        at = key[start] // n_sites
        top = np.maximum(np.maximum.reduceat(value, start), 0.0)
        low = np.minimum(np.minimum.reduceat(value, start), 0.0)
        np.add.at(most, at, top)
        np.add.at(least, at, low)
    other = ~which
    np.add.at(most, row[other], np.maximum(a, from_lower)[other])
    np.add.at(least, row[other], np.minimum(a, from_lower)[other])
    room = 1e-9 * np.maximum(1.0, np.abs(most))
    return (most > rows.upper - room) & np.isfinite(rows.upper) | (
        (least < rows.lower + room) & np.isfinite(rows.lower)
    )


def round_rows(rows: Rows, problem: Problem) -> Rows:
    """Round bounds of rows whose coefficients are multiples of one number.

    With sizes of 100, 200 and 300 MW a headroom of 470 MW is one of 400 MW.
    """
    if not len(rows) or not rows.matrix.nnz:
        return rows
    row, column, a = _entries(rows)
    sizes = np.abs(a)
    filled = np.diff(rows.matrix.indptr) > 0
    start = rows.matrix.indptr[:-1][filled].astype(np.int64)
    least = np.full(len(rows), np.inf)
    least[filled] = np.minimum.reduceat(sizes, start)
    whole = np.ones(len(rows), dtype=bool)
    whole[row[~problem.integrality[column]]] = False
    lower, upper = rows.lower.copy(), rows.upper.copy()
    done = np.zeros(len(rows), dtype=bool)
    for part in (1, 2, 3, 4):
        unit = least / part
        with np.errstate(invalid="ignore", divide="ignore"):
            # Coefficients of zero give nan, which fits nothing.
            ratio = sizes / unit[row]
            part_off = np.abs(ratio - np.round(ratio))
        off = np.zeros(len(rows))
        off[filled] = np.maximum.reduceat(part_off, start)
        fits = filled & whole & ~done & (off < 1e-9)
        done |= fits
        up = fits & np.isfinite(upper)
        upper[up] = np.floor(upper[up] / unit[up] + 1e-7) * unit[up]
        down = fits & np.isfinite(lower)
        lower[down] = np.ceil(lower[down] / unit[down] - 1e-7) * unit[down]
    return replace(rows, lower=lower, upper=upper)


def count_cuts(rows: Rows, problem: Problem, upper: Floats) -> Rows:
    """Return "at most k of these" for columns of which k + 1 break a row."""
    n = problem.n_columns
    if not len(rows) or not rows.matrix.nnz:
        return Rows.empty(n)
    row, column, a = _entries(rows)
    # Rows over a large part of the columns would only add dense rows.
    narrow = np.diff(rows.matrix.indptr) <= max(50, n // 20)
    usable = (_only_grows(rows, problem) & np.isfinite(rows.upper) & narrow)[row]
    usable &= problem.column_opens[column] & (upper[column] > 0)
    row, column, a = row[usable], column[usable], a[usable]
    site = problem.column_site[column]
    parts = [Rows.empty(n)]
    for k in (1, 2, 3):
        big = a > rows.upper[row] / (k + 1) * (1 + 1e-9) + 1e-12
        r, c = row[big], column[big]
        pairs = np.unique(r * problem.n_sites + site[big])
        count = np.bincount(pairs // problem.n_sites, minlength=len(rows))
        which = np.flatnonzero(count > k)
        if not which.size:
            continue
        code = np.full(len(rows), -1, dtype=np.int64)
        code[which] = np.arange(which.size)
        keep = code[r] >= 0
        matrix = sparse.csr_array(
            (np.ones(int(keep.sum())), (code[r[keep]], c[keep])),
            shape=(which.size, n),
        )
        parts.append(Rows.make(matrix, -np.inf, float(k), "", rows.group[which]))
    return Rows.stack(parts)


Array = npt.NDArray[Any]
