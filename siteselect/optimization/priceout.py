"""Price columns out, solve what is left exactly, certify it for the full problem.

1. Columns that alone break a limit go; rows that can never bind go; bounds that
   whole sizes cannot reach are rounded (`presolve`).
2. The linear relaxation is solved by sifting: a few thousand columns at a time,
   the rest priced by its duals. Spacing is separated as clique rows on the way,
   fractions are cut off by rounded rows.
3. For any duals the Lagrangian bound holds over *all* columns (`relaxation`). It
   also says how good a plan with a given column could be at best.
4. A plan from greedy orders and small integer programs (`incumbents`); columns
   that cannot be in a better plan are fixed at zero.
5. PuLP solves the rest. The bound of the plan is the larger of what the solver
   proved on the rest and what is possible with any column outside it. Where the
   rest is too large, the plan keeps the bound of the relaxation.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from siteselect.errors import StudyError, four_parts, nearest_name
from siteselect.optimization import (
    branching,
    highs,
    incumbents,
    presolve,
    pulp_model,
)
from siteselect.optimization._compile import Compiled, broken_rows
from siteselect.optimization.incumbents import Incumbent
from siteselect.optimization.limits import Spacing
from siteselect.optimization.names import names_of
from siteselect.optimization.problem import Floats, Ints, Problem, Rows
from siteselect.optimization.relaxation import Master, Priced, Shape, best_of, price

#: Columns in the first restricted linear program, and added per round.
FIRST_COLUMNS = 3000
ADDED_COLUMNS = 2000
#: Columns of the first integer program, and of the next while there is no plan.
FIRST_CORE = 300
CORE_GROWTH = 3
#: Up to this many columns are solved at once, without improving the plan before.
SMALL_CORE = 1500
#: Nodes of an integer program that only looks for a plan.
SEARCH_NODES, QUICK_NODES = 300, 100
#: Larger cores are not handed to a solver: the certificate is returned instead.
LARGEST_CORE = 20_000
#: Entries per column of a program of ordinary limits; work is counted in these.
ENTRIES = 12
#: Nodes times columns that HiGHS may spend on the core before the bound stands.
CORE_WORK = 20_000_000
#: A plan this many gaps from its bound is hardly ever closed by the core: a fifth of
#: that work then.
FAR_GAPS, FAR_WORK = 20, CORE_WORK // 5
#: Times that a program is solved again with the lazy rows that its answer breaks.
MOST_LESSONS = 200
#: Rounds of rounded rows, and the relative progress that makes another worth it.
CUT_ROUNDS = 12
CUT_PROGRESS = 1e-5
#: Rows broken by less than this are kept.
VIOLATED = 1e-7
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
class Search:
    """What a search is to prove, with what, and until when.

    Parameters
    ----------
    gap : float
        Relative gap to prove.
    deadline : float or None
        Value of ``time.perf_counter()`` to stop at.
    solver : object
        Solver of the core.
    say, lap : callable
        Take a line of progress, and the name of a step that ended.
    is_quick : bool
        Whether a short search among the best columns is all.
    unit : float
        What turns a scaled objective into the user's own, for progress.
    """

    gap: float
    deadline: float | None
    solver: Any
    say: Callable[[str], object]
    lap: Callable[[str], object]
    is_quick: bool
    unit: float

    def is_over(self, plan: Incumbent, bound: float) -> bool:
        """Return whether the gap is closed or the time is up."""
        late = self.deadline is not None and time.perf_counter() >= self.deadline
        return late or (plan.x is not None and plan.gap(bound) <= self.gap)


class PriceOut:
    """Rows and columns prepared once, solved for one objective after another.

    Parameters
    ----------
    compiled : Compiled
        Problem, rows and lazy limits.
    like : PriceOut, optional
        Engine over the same columns, to take over what does not depend on rows.

    Notes
    -----
    Preparation, spacing cliques, working columns, duals and plans are kept between
    solves, so that a re-solve with another objective costs a fraction.
    """

    def __init__(self, compiled: Compiled, *, like: PriceOut | None = None) -> None:
        self.compiled = compiled
        problem = compiled.problem
        rows = compiled.rows
        self.n = problem.n_columns
        is_choice = rows.limit == "site capacity"
        self.account = np.flatnonzero(~is_choice)
        if like is None:
            self.choice = presolve.taken(rows, np.flatnonzero(is_choice))
            self.choice_by_column = sparse.csc_array(self.choice.matrix)
            self.shape = Shape(problem)
            self.free = np.flatnonzero(~problem.column_opens)
        else:
            self.choice, self.choice_by_column = like.choice, like.choice_by_column
            self.shape, self.free = like.shape, like.free
        self.site_fixed = problem.fixed[self.shape.site_ids]
        linked = presolve.round_rows(presolve.taken(rows, self.account), problem)
        # Rounding may show that no whole sum lies between two bounds.
        self.is_crossed = bool((linked.lower > linked.upper + 1e-9).any())
        self.upper = presolve.drop_columns(linked, problem, problem.upper)
        # Rows [0, n_account) belong to limits and carry prices; found ones follow.
        self.n_account = len(linked)
        self.can_round = presolve.can_be_rounded(linked, problem)
        self.rounded: set[tuple[int, float]] = set()
        self.linked = linked
        #: Entries per column, in units of what ordinary limits have.
        self.weight = max(1.0, linked.matrix.nnz / max(1, ENTRIES * self.n))
        self._by_column = sparse.csc_array(linked.matrix)
        self.n_added = 0
        self._set_found(Rows.empty(self.n))
        self.spacing = tuple(
            x for x in compiled.limits if hasattr(x, "cuts") and x in compiled.lazy
        )
        # Spacing is written out for the columns of a core; others are learned.
        self.learned = tuple(x for x in self.spacing if not isinstance(x, Spacing))
        self.working: Ints | None = None
        self.duals: Floats | None = None
        self.plans: list[Floats] = []
        #: How often a total was split on the way to this program.
        self.depth = 0

    def _set_found(self, found: Rows) -> None:
        """Put the rows found on the way after those of limits."""
        self.found = found
        self.lower = np.concatenate([self.linked.lower, found.lower])
        self.upper_of_rows = np.concatenate([self.linked.upper, found.upper])
        self._found_by_column = sparse.csc_array(found.matrix)
        self.rows_with_free = np.unique(self.entries(self.free).indices)

    def _add_rows(self, rows: Rows) -> None:
        if not len(rows):
            return
        self._set_found(Rows.stack([self.found, rows]))
        if self.duals is not None:
            self.duals = np.concatenate([self.duals, np.zeros(len(rows))])

    @property
    def rows(self) -> Rows:
        """All rows: those of limits that can bind, then those found on the way."""
        return Rows.stack([self.linked, self.found])

    @property
    def opens(self) -> Ints:
        """Columns that open a site."""
        return self.shape.opens

    @property
    def own(self) -> Ints:
        """The limits' own columns."""
        return self.shape.own

    @property
    def site_ids(self) -> Ints:
        """Sites that have columns."""
        return self.shape.site_ids

    def with_more(self, columns: Ints) -> Ints:
        """Add the continuous columns that belong to opening columns."""
        return self.shape.with_more(columns)

    @property
    def n_rows(self) -> int:
        """Number of all rows."""
        return int(self.lower.size)

    def entries(self, columns: Ints) -> sparse.csc_array:
        """Return all rows over some columns."""
        head = self._by_column[:, columns]
        if not len(self.found):
            return sparse.csc_array(head)
        return sparse.csc_array(
            sparse.vstack([head, self._found_by_column[:, columns]], format="csc")
        )

    def weighted(self, duals: Floats) -> Floats:
        """Return the sum of the rows over all columns, weighted by ``duals``."""
        k = self.n_account
        out: Floats = self._by_column.T @ duals[:k]
        if len(self.found):
            out += self._found_by_column.T @ duals[k:]
        return out

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
        low, high = rows.lower.copy(), rows.upper.copy()
        for side, value in ((low, lower), (high, upper)):
            if value is not None:
                given = np.asarray(value, dtype=np.float64)
                side[which] = given * rows.scale[which]
        return self._moved(replace(rows, lower=low, upper=high), which)

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
        engine = self._copied(replace(problem, upper=upper, fixed=must), rows)
        engine.upper = np.minimum(self.upper, upper)
        engine.site_fixed = must[self.shape.site_ids]
        if not new.size:
            return engine
        code = np.full(problem.n_sites, -1, dtype=np.int64)
        code[new] = np.arange(new.size)
        opens = problem.column_opens.astype(np.float64)
        chosen = problem.site_rows(code, new.size, opens)
        labels = problem.frame.index.to_numpy(dtype=object)[new]
        return engine.with_rows(Rows.make(chosen, 1.0, np.inf, "fixed", labels))

    def with_rows(self, rows: Rows) -> PriceOut:
        """Return an engine with more rows over the same columns, e.g. no-good cuts."""
        problem = self.compiled.problem
        engine = self._copied(problem, Rows.stack([self.compiled.rows, rows]))
        rows = presolve.round_rows(rows, problem)
        engine.is_crossed |= bool((rows.lower > rows.upper + 1e-9).any())
        engine.upper = presolve.drop_columns(rows, problem, engine.upper)
        # Added rows stand between those of limits and those found on the way.
        k = self.n_added
        head, tail = np.arange(k), np.arange(k, len(self.found))
        engine.n_added = k + len(rows)
        engine._set_found(
            Rows.stack([self.found.take(head), rows, self.found.take(tail)])
        )
        if self.duals is not None:
            at = self.n_account + k
            engine.duals = np.insert(self.duals, at, np.zeros(len(rows)))
        return engine

    def _copied(self, problem: Problem, rows: Rows) -> PriceOut:
        """Return an engine that shares all prepared arrays with this one."""
        engine = copy.copy(self)
        engine.compiled = replace(self.compiled, problem=problem, rows=rows)
        engine.rounded = set(self.rounded)
        engine.plans = list(self.plans)
        return engine

    def _moved(self, rows: Rows, which: Ints) -> PriceOut:
        """Return an engine for other bounds of the rows ``which``.

        What was concluded from the old bounds stays where it cannot have
        mattered: the rows are kept ones, and they closed no column.
        """
        problem, before = self.compiled.problem, self.compiled.rows
        place = np.full(len(before), -1, dtype=np.int64)
        place[self.account] = np.arange(self.n_account)
        at = place[which]
        looser = rows.upper[which] > before.upper[which]
        if (at < 0).any():
            return self._anew(rows)
        old, new = (presolve.round_rows(r.take(which), problem) for r in (before, rows))
        if looser.any():
            closed = presolve.drop_columns(old, problem, problem.upper)
            if (closed < problem.upper).any():
                return self._anew(rows)
        engine = self._copied(problem, rows)
        lower, upper = self.linked.lower.copy(), self.linked.upper.copy()
        lower[at], upper[at] = new.lower, new.upper
        engine.linked = replace(self.linked, lower=lower, upper=upper)
        engine.is_crossed = bool((lower > upper + 1e-9).any())
        engine.upper = presolve.drop_columns(new, problem, self.upper)
        engine.can_round = self.can_round.copy()
        engine.can_round[at] &= new.upper > 0
        holds = self._still_found(rows)
        engine._set_found(self.found.take(holds))
        engine.rounded = set()
        if self.duals is not None:
            rest = self.n_account + holds
            engine.duals = np.concatenate(
                [self.duals[: self.n_account], self.duals[rest]]
            )
        return engine

    def _still_found(self, rows: Rows) -> Ints:
        """Return which found rows hold for other bounds of the limits' rows."""
        before = self.compiled.rows
        moved = (rows.upper > before.upper) | (rows.lower < before.lower)
        # Rounded rows stay where the row they came from was not loosened.
        loosened = list(set(map(str, before.limit[moved])))
        source = self.found.group.astype(str)
        is_rounded = self.found.limit == ""
        return np.flatnonzero(~(is_rounded & np.isin(source, loosened)))

    def derived(self, problem: Problem, rows: Rows) -> PriceOut:
        """Return an engine for other rows and bounds over the same columns.

        Parameters
        ----------
        problem : Problem
            The same columns; bounds, fixed sites and objective may differ.
        rows : Rows
            All rows of the limits; the rows of lazy limits are handed on.
        """
        engine = PriceOut(replace(self.compiled, problem=problem, rows=rows), like=self)
        lazy = np.flatnonzero(self.found.limit != "")
        engine._add_rows(self.found.take(lazy[lazy >= self.n_added]))
        engine.plans = list(self.plans)
        engine.working = self.working
        if self.duals is not None and len(rows) == len(self.compiled.rows):
            old = self.account_duals(self.duals)[engine.account]
            engine.duals = np.concatenate([old, np.zeros(len(engine.found))])
        return engine

    def _anew(self, rows: Rows) -> PriceOut:
        """Return an engine prepared anew for other bounds of the limits' rows."""
        engine = PriceOut(replace(self.compiled, rows=rows), like=self)
        holds = self._still_found(rows)
        holds = holds[holds >= self.n_added]
        engine._add_rows(self.found.take(holds))
        engine.plans = list(self.plans)
        engine.working = self.working
        if self.duals is not None:
            old = self.account_duals(self.duals)
            engine.duals = np.concatenate(
                [old[engine.account], self.duals[self.n_account + holds]]
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

    # -- linear relaxation -----------------------------------------------------

    def price(self, objective: Floats, duals: Floats) -> Priced:
        """Return the Lagrangian bound over all columns for ``duals``."""
        return price(self, objective, duals)

    def start_columns(self, objective: Floats) -> Ints:
        """Return columns that are likely to matter, with the limits' own."""
        problem, shape = self.compiled.problem, self.shape
        usable = shape.of_opens(self.upper) > 0
        picked = [shape.own, self.fixed_columns()]
        if self.working is not None:
            picked.append(self.working)
        if self.duals is not None:
            value = shape.of_opens(objective - self.weighted(self.duals))
            at = best_of(value, FIRST_COLUMNS, usable)
            picked.append(shape.opens[at])
        else:
            gains = shape.of_opens(objective)
            mw = np.maximum(shape.of_opens(problem.column_mw), 1e-9)
            ranks = [gains / mw, gains]
            if (problem.column_cost > 0).any():
                cost = np.maximum(shape.of_opens(problem.column_cost), 1e-9)
                ranks += [gains / cost, mw / cost]
            for rank in ranks:
                at = best_of(rank, FIRST_COLUMNS // 4, usable)
                picked.append(shape.opens[at])
        return shape.with_more(np.unique(np.concatenate(picked)))

    def fixed_columns(self) -> Ints:
        """Return the opening columns of fixed sites."""
        out: Ints = self.shape.opens[self.site_fixed[self.shape.block]]
        return out

    def relax(
        self,
        objective: Floats,
        *,
        deadline: float | None = None,
        say: Callable[[str], object] = lambda line: None,
    ) -> tuple[highs.Status, Floats | None, Priced | None]:
        """Solve the linear relaxation over all columns by sifting.

        Returns
        -------
        status, x, priced
            "infeasible" if no fractional plan exists, by a sum that proves it; x over
            all columns; the best bound found.
        """
        usable = np.zeros(self.shape.first.size, dtype=bool)
        usable[self.shape.block[self.shape.of_opens(self.upper) > 0]] = True
        if (self.site_fixed & ~usable).any() or self.is_crossed:
            return "infeasible", None, None
        working = self.start_columns(objective)
        size = max(1.0, float(np.abs(objective).max(initial=1.0)))
        best: Priced | None = None
        for penalty in (1e3 * size, 1e7 * size, 0.0):
            # Penalty 0 stands for phase one: the violation alone is minimised.
            phase_one = penalty == 0.0
            master = Master(self, working, objective, penalty)
            status, x, duals, best = self._sift(
                master, objective, best, phase_one, deadline, say
            )
            working = master.columns
            if status == "unknown":
                return "unknown", None, best
            if x is not None:
                self.working = np.flatnonzero(x > 1e-9)
                self.duals = duals
                return ("unknown" if phase_one else "optimal"), x, best
            if phase_one:
                return "infeasible", None, None
        return "unknown", None, best

    def _sift(
        self,
        master: Master,
        objective: Floats,
        best: Priced | None,
        phase_one: bool,
        deadline: float | None,
        say: Callable[[str], object],
    ) -> tuple[highs.Status, Floats | None, Floats | None, Priced | None]:
        """Add columns and cuts until none is left; x is None if rows are violated."""
        goal = np.zeros(self.n) if phase_one else objective
        last, rounds, stale = np.inf, 0, 0
        for _ in range(400):
            lp = master.solve()
            if lp is None:
                return "unknown", None, None, best
            x_work, duals, missing = lp
            priced = self.price(goal, duals)
            if not phase_one and (best is None or priced.bound < best.bound):
                best = priced
            new = self.improving(priced, master)
            late = deadline is not None and time.perf_counter() > deadline
            if new.size:
                master.add(new)
                if late:
                    return "unknown", None, None, best
                continue
            if missing > VIOLATED:
                # Of any plan the sum that is priced here would be at least 0: that
                # it is not proves that there is none, whoever found the duals.
                is_proven = not phase_one or priced.bound < -VIOLATED
                return "infeasible" if is_proven else "unknown", None, None, best
            x = np.zeros(self.n)
            x[master.columns] = x_work
            if phase_one:
                return "optimal", x, duals, best
            cuts = self.separate(x)
            if len(cuts):
                say(f"{len(cuts)} rows added on the way")
            progress = last - priced.bound
            stale = stale + 1 if progress < CUT_PROGRESS * abs(priced.bound) else 0
            last = priced.bound
            if rounds < CUT_ROUNDS and stale < 2:
                rounds += 1
                rounded = presolve.rounding_cuts(
                    self.linked, self._by_column, self.can_round, x, self.rounded
                )
                cuts = Rows.stack([cuts, rounded])
            if not len(cuts):
                return "optimal", x, duals, best
            self._add_rows(cuts)
            master.add_rows(cuts)
            if late:
                return "unknown", None, None, best
        return "unknown", None, None, best

    def found_rows(self) -> Rows:
        """Return the rows of lazy limits found so far."""
        lazy = self.found.limit != ""
        lazy[: self.n_added] = False
        return self.found.take(np.flatnonzero(lazy))

    def separate(self, x: Floats) -> Rows:
        """Return rows of lazy limits that ``x`` violates."""
        return broken_rows(self.spacing, self.compiled.problem, x)

    def learn(self, x: Floats) -> bool:
        """Add the rows of lazy limits, spacing apart, that a plan breaks, if any."""
        if not self.learned:
            return False
        rows = broken_rows(self.learned, self.compiled.problem, x)
        self._add_rows(rows)
        return len(rows) > 0

    def improving(self, priced: Priced, master: Master) -> Ints:
        """Return columns outside the master that would improve it."""
        shape, value = self.shape, priced.open_value
        size = max(1.0, float(np.abs(value[value > -np.inf]).max(initial=1.0)))
        good = np.flatnonzero(value > 1e-9 * size)
        good = good[~master.is_in[shape.opens[good]]]
        # What a site's columns in the master already earn.
        inside = shape.entry[master.columns]
        inside = inside[inside >= 0]
        earned = np.zeros(shape.first.size)
        np.maximum.at(earned, shape.block[inside], value[inside])
        gain = value[good] - earned[shape.block[good]]
        better = gain > 1e-9 * size
        good, gain = good[better], gain[better]
        if good.size > ADDED_COLUMNS:
            good = good[np.sort(np.argpartition(-gain, ADDED_COLUMNS)[:ADDED_COLUMNS])]
        return shape.with_more(shape.opens[good])

    # -- plans -----------------------------------------------------------------

    def restricted(
        self, columns: Ints, objective: Floats
    ) -> tuple[Problem, Rows, Ints]:
        """Return the problem over some columns, with every row that it needs."""
        problem = self.compiled.problem
        columns = np.union1d(columns, self.shape.own)
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
            column_names=names_of(problem.column_names, columns),
            column_option={},
            extra={},
            _cache={},
        )
        parts = []
        for rows, by_column in (
            (self.linked, self._by_column),
            (self.found, self._found_by_column),
            (self.choice, self.choice_by_column),
        ):
            matrix = sparse.csr_array(by_column[:, columns].tocsr())
            needed = (np.diff(matrix.indptr) > 0) | (rows.lower > 0) | (rows.upper < 0)
            which = np.flatnonzero(needed)
            parts.append(
                Rows(
                    sparse.csr_array(matrix[which]),
                    rows.lower[which],
                    rows.upper[which],
                    rows.limit[which],
                    rows.group[which],
                    rows.scale[which],
                    rows.kind[which],
                    rows.year[which],
                )
            )
        rows = Rows.stack(parts)
        rows = rows.take(np.flatnonzero(presolve.can_bind(rows, small, small.upper)))
        for limit in self.spacing:
            if isinstance(limit, Spacing):
                nearby = limit.nearby(problem)
                there = np.unique(small.column_site[small.column_opens])
                cliques = nearby.clique_cover(*nearby.pairs_among(there))
                rows = Rows.stack([rows, limit.clique_rows(small, cliques)])
        return small, rows, columns

    def is_feasible(self, x: Floats, tol: float = 1e-7) -> bool:
        """Return whether ``x`` keeps all rows, and those of lazy limits."""
        if (x > self.upper + tol).any():
            return False
        support = np.flatnonzero(x)
        for part, lower, upper in (
            (self.entries(support), self.lower, self.upper_of_rows),
            (
                self.choice_by_column[:, support],
                self.choice.lower,
                self.choice.upper,
            ),
        ):
            used = part @ x[support]
            if (used > upper + tol).any() or (used < lower - tol).any():
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
        is_quick: bool = False,
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
        is_quick : bool
            Whether a short search among the best columns is all, and the gap may
            stay open.

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
        unit = 1.0 / scale
        search = Search(gap, deadline, solver, say, lap, is_quick, sign * unit)
        found = self.maximise(goal, search)
        duals = found.duals
        return replace(
            found,
            objective=found.objective * unit,
            bound=found.bound * unit,
            lp_bound=found.lp_bound * unit,
            duals=None if duals is None else self.account_duals(duals) * sign * unit,
        )

    def maximise(self, goal: Floats, search: Search) -> Found:
        """Solve for a scaled objective; what is found is scaled, too."""
        gap, deadline, say, lap = search.gap, search.deadline, search.say, search.lap
        status, x_lp, priced = self.relax(goal, deadline=deadline, say=say)
        lap("relaxation")
        if status == "infeasible":
            return Found(
                "infeasible", None, -np.inf, -np.inf, None, "linear program", 0, -np.inf
            )
        if priced is None:
            # Out of time before the first duals: zero duals bound too, if badly.
            priced = self.price(goal, np.zeros(self.n_rows))
        duals = priced.duals
        say(f"bound {search.unit * priced.bound:,.6g} over {self.n:,} columns")
        plan = Incumbent(goal)
        for old in self.plans:
            if self.is_feasible(old):
                plan.offer(old)
        reach = priced.reach
        ranks = [reach]
        if x_lp is not None:
            ranks.append(self.shape.of_opens(x_lp) * 1e6 + reach)
        if deadline is not None:
            ranks += incumbents.plain_ranks(self, goal)
        incumbents.greedy(self, goal, ranks, plan)
        if plan.x is None and x_lp is not None and deadline is not None:
            # What the relaxation is sure of is kept: a plan before the time is up.
            incumbents.dive(self, goal, reach, x_lp, plan, deadline)
        if plan.gap(priced.bound) > gap:
            incumbents.guided(self, goal, plan, deadline)
        lap("greedy")
        status, bound, name, core = self.close(goal, priced, x_lp, plan, search)
        if status == "infeasible":
            return Found("infeasible", None, -np.inf, -np.inf, duals, name, core, bound)
        if plan.x is not None:
            bound = self.without_dust(bound, plan)
        if plan.x is None:
            return Found("unknown", None, -np.inf, bound, duals, name, core, np.inf)
        self.plans = [plan.x, *self.plans[:4]]
        return Found(
            "feasible",
            plan.x,
            plan.value,
            bound,
            duals,
            name,
            core,
            priced.bound,
        )

    def account_duals(self, y: Floats) -> Floats:
        """Return duals per row of ``compiled.rows``."""
        full = np.zeros(len(self.compiled.rows))
        full[self.account] = y[: self.n_account]
        if self.n_added:
            full[-self.n_added :] = y[self.n_account : self.n_account + self.n_added]
        return full

    def close(
        self,
        goal: Floats,
        priced: Priced,
        x_lp: Floats | None,
        plan: Incumbent,
        search: Search,
    ) -> tuple[highs.Status, float, str, int]:
        """Improve the plan, then solve the core that could still beat it."""
        gap, deadline, say, lap = search.gap, search.deadline, search.say, search.lap
        shape, bound, reach = self.shape, priced.bound, priced.reach
        usable = shape.of_opens(self.upper) > 0
        total = int(usable.sum())
        k = min(FIRST_CORE, total)
        none = np.zeros(0, dtype=np.int64)
        # Another solver than ours is asked for its own proof.
        solver = search.solver
        proves = isinstance(solver, str) and solver.lower() == "highs"
        # Far from the bound a search among the best columns is likely in vain.
        if plan.gap(bound) > FAR_GAPS * gap:
            parts = branching.split(self, goal, x_lp, plan, bound, search)
            if parts is not None:
                return *parts[:3], max(parts[3], min(k, total))
        while True:
            # A plan among the best columns; more of them until there is one.
            if search.is_over(plan, bound):
                return "feasible", bound, "highs", min(k, total)
            at = best_of(reach, k, usable)
            columns = [shape.opens[at], self.fixed_columns()]
            if x_lp is not None:
                columns.append(np.flatnonzero(x_lp > 1e-9))
            if plan.x is not None:
                columns.append(np.flatnonzero(plan.x > 0.5))
            chosen = np.unique(np.concatenate(columns))
            chosen = shape.with_more(chosen[shape.entry[chosen] >= 0])
            _, inner = incumbents.neighbourhood(
                self,
                goal,
                plan,
                chosen,
                none,
                target=bound - 0.5 * gap * abs(bound),
                nodes=QUICK_NODES if search.is_quick else SEARCH_NODES,
                deadline=deadline,
                gap=0.9 * gap,
            )
            if proves and plan.x is not None:
                outside = self.outside(reach, usable, at)
                bound = min(bound, max(inner, outside, plan.value))
            lap(f"search {k}")
            say(self.state(plan, bound, f"{k:,} columns searched"))
            if plan.x is not None or k >= min(total, LARGEST_CORE / self.weight):
                break
            k = min(CORE_GROWTH * k, total)
        if search.is_over(plan, bound):
            return "feasible", bound, "highs", k
        parts = branching.split(self, goal, x_lp, plan, bound, search)
        if parts is not None:
            return *parts[:3], max(parts[3], min(k, total))
        if search.is_quick and plan.x is not None:
            return "feasible", bound, "highs", k
        if self.needed(plan, reach, usable, gap) > SMALL_CORE:
            incumbents.improve(
                self, goal, plan, reach, x_lp, bound, gap, deadline=deadline, say=say
            )
            lap("improve")
        if search.is_over(plan, bound):
            return "feasible", bound, "highs", k
        k = self.needed(plan, reach, usable, gap)
        if k > LARGEST_CORE / self.weight:
            say(self.state(plan, bound, f"{k:,} columns could improve it: left open"))
            return "feasible", bound, "highs", k
        say(f"core of {k:,} columns")
        at = best_of(reach, k, usable)
        outside = self.outside(reach, usable, at)
        columns_k = shape.with_more(shape.opens[at])
        left = None if deadline is None else deadline - time.perf_counter()
        is_far = plan.x is not None and plan.gap(bound) > FAR_GAPS * gap
        work = FAR_WORK if is_far else CORE_WORK
        found, name = self.solve_core(
            columns_k, goal, gap, left, solver, work, known=plan.x
        )
        lap(f"core {k}")
        if found.x is not None:
            x = np.zeros(self.n)
            x[np.union1d(columns_k, shape.own)] = found.x
            x = self.exact(x)
            plan.offer(x)
        inner = found.bound if found.status != "infeasible" else -np.inf
        if plan.x is None and found.status == "infeasible" and k == total:
            return "infeasible", -np.inf, name, k
        return "feasible", min(bound, max(inner, outside, plan.value)), name, k

    def without_dust(self, bound: float, plan: Incumbent) -> float:
        """Return the bound without what rounding of sums may have put on it."""
        size = float(np.abs(plan.goal).max(initial=1.0))
        return plan.value if bound - plan.value <= 1e-12 * size else bound

    def polished(self, objective: Floats, x: Floats) -> Floats:
        """Return ``x`` with whole binaries and the rest set exactly for them."""
        problem = self.compiled.problem
        sign = 1.0 if problem.maximize else -1.0
        scale = pulp_model.objective_scale(replace(problem, objective=objective))
        goal = sign * objective * scale
        x = self.exact(x.copy())
        for _ in range(MOST_LESSONS):
            whole = incumbents.complete(self, goal, x, tolerance=1e-9, holds_whole=True)
            if whole is None or not self.learn(whole):
                break
        else:
            whole = None
        return np.clip(x if whole is None else whole, problem.lower, problem.upper)

    def outside(self, reach: Floats, usable: npt.NDArray[np.bool_], at: Ints) -> float:
        """Return a bound on plans with a usable column other than those at ``at``."""
        rest = usable.copy()
        rest[at] = False
        return float(reach[rest].max(initial=-np.inf))

    def needed(
        self, plan: Incumbent, reach: Floats, usable: npt.NDArray[np.bool_], gap: float
    ) -> int:
        """Return how many columns could be in a plan that beats the gap."""
        if plan.x is None:
            return int(usable.sum())
        return int((usable & (reach >= plan.needed(gap))).sum())

    def state(self, plan: Incumbent, bound: float, what: str) -> str:
        """Return a progress line."""
        if plan.x is None:
            return f"{what}, no plan yet"
        return f"{what}, plan within {plan.gap(bound):.3%} of the bound"

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
        work: float = CORE_WORK,
        known: Floats | None = None,
    ) -> tuple[highs.MipResult, str]:
        """Solve the problem over some columns exactly, until no lazy row is broken.

        HiGHS starts from the plan ``known`` where that lies within these columns.
        """
        end = None if time_limit_s is None else time.perf_counter() + time_limit_s
        for _ in range(MOST_LESSONS):
            left = None if end is None else max(0.0, end - time.perf_counter())
            result, name = self._solve_core(
                columns, goal, gap, left, solver, work, known
            )
            if result.x is None or not self.learned:
                return result, name
            x = np.zeros(self.n)
            x[np.union1d(columns, self.shape.own)] = result.x
            if not self.learn(self.exact(x)):
                return result, name
            if end is not None and time.perf_counter() >= end:
                break
        # What was proven of fewer rows holds of all.
        return replace(result, status="unknown", objective=-np.inf, x=None), name

    def _solve_core(
        self,
        columns: Ints,
        goal: Floats,
        gap: float,
        time_limit_s: float | None,
        solver: Any,
        work: float,
        known: Floats | None,
    ) -> tuple[highs.MipResult, str]:
        small, rows, own = self.restricted(columns, goal)
        start = None
        if known is not None and np.isin(np.flatnonzero(known), own).all():
            start = known[own]
        least, work = 1000 / self.weight, work / self.weight
        nodes = int(max(least, work / max(1, small.n_columns)))
        tool = solver
        if isinstance(solver, str) and solver.lower() in ("highs", "auto"):
            tool, _ = pulp_model.solver_of(solver, gap=gap, time_limit_s=time_limit_s)
            options: dict[str, object] = {"mip_max_nodes": nodes}
            if start is not None:
                options |= incumbents.SEARCH_OPTIONS
            for option, value in options.items():
                tool = pulp_model.with_option(tool, option, value)
        result, name = pulp_model.solve(
            small, rows, solver=tool, gap=gap, time_limit_s=time_limit_s, start=start
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
                mip_max_nodes=nodes,
            )
        return result, "highs" if name == "HiGHS" else name


def _renumbered(opener: Ints, columns: Ints) -> Ints:
    """Return the openers' places among ``columns`` (sorted), -1 for none."""
    at = np.searchsorted(columns, np.maximum(opener, 0))
    at = np.minimum(at, max(columns.size - 1, 0))
    there = (opener >= 0) & (columns[at] == opener) if columns.size else opener >= 0
    return np.where(there, at, -1).astype(np.int64)
