"""Plans that are good, found quickly: greedy orders and small integer programs.

Nothing here proves anything; the bound comes from the relaxation and the core.
Searches end after a number of nodes and rounds, never after seconds, so that the
same input gives the same plan.

References
----------
.. [1] E. Danna, E. Rothberg and C. Le Pape, "Exploring relaxation induced
   neighborhoods to improve MIP solutions", Mathematical Programming 102 (2005)
   71-90.
.. [2] P. Shaw, "Using constraint programming and local search methods to solve
   vehicle routing problems", CP98, LNCS 1520 (1998) 417-431 (large
   neighbourhoods).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from siteselect.optimization import highs
from siteselect.optimization.deadline import GRACE_S
from siteselect.optimization.problem import Floats, Ints, Rows
from siteselect.optimization.relaxation import best_of

if TYPE_CHECKING:
    from siteselect.optimization.priceout import PriceOut

#: Opening columns that a greedy order looks at.
GREEDY_COLUMNS = 1500
#: Times that a search starts again with the lazy rows that its plan breaks.
LESSONS = 8
#: Columns around the incumbent that a neighbourhood may choose from.
NEAR_COLUMNS = 1200
#: Columns that the first plan may choose from where time is short.
DIVE_COLUMNS = 150
#: Branch-and-bound nodes of one neighbourhood.
NEAR_NODES = 200
#: Relative gap to which a guided program is solved.
GUIDED_GAP = 1e-3
#: Share of a guide's margin that is asked for: from, to, and the steps in between.
MARGINS = (0.5, 2.5)
GUIDED_STEPS = 6
#: What HiGHS leaves out in a search: on these programs it costs more than it finds.
SEARCH_OPTIONS = {
    "mip_heuristic_run_feasibility_jump": False,
    "mip_allow_restart": False,
}


class Incumbent:
    """The best plan so far; never lost."""

    def __init__(self, goal: Floats) -> None:
        self.goal = goal
        self.x: Floats | None = None
        self.value = -np.inf

    def offer(self, x: Floats) -> bool:
        """Keep ``x`` if it is better."""
        value = float(self.goal @ x)
        if value > self.value:
            self.x, self.value = x, value
            return True
        return False

    def gap(self, bound: float) -> float:
        """Return the relative gap to ``bound``."""
        if self.x is None:
            return np.inf
        return max(0.0, bound - self.value) / max(1e-9, abs(self.value))

    def needed(self, gap: float) -> float:
        """Return the bound at which the gap is closed."""
        return self.value + gap * max(abs(self.value), 1e-9)


def greedy(
    engine: PriceOut, goal: Floats, ranks: list[Floats], plan: Incumbent
) -> None:
    """Offer plans that fill up in the order of each rank over the opening columns."""
    usable = engine.shape.of_opens(engine.upper) > 0
    for rank in ranks:
        at = best_of(rank, GREEDY_COLUMNS, usable)
        order = engine.shape.opens[at[np.argsort(-rank[at], kind="stable")]]
        x = fill(engine, goal, order)
        if x is not None:
            plan.offer(x)


def guided(
    engine: PriceOut, goal: Floats, plan: Incumbent, deadline: float | None
) -> None:
    """Offer plans of programs in which a limit's own guides stand in for its rows.

    Scenarios are many rows over all sites, which a search hardly gets through; a few
    rows that mean about the same lead to plans at once. Only what keeps the limit's
    rows themselves is offered.
    """
    compiled = engine.compiled
    for limit in compiled.limits:
        makes = getattr(limit, "guides", None)
        mine = compiled.rows.limit == limit.name
        if makes is None or not mine.any():
            continue
        rest = compiled.rows.take(np.flatnonzero(~mine))
        for guide in makes(compiled.problem):
            low, high = MARGINS
            for _ in range(GUIDED_STEPS):
                if deadline is not None and time.perf_counter() > deadline:
                    return
                margin = 0.5 * (low + high)
                rows = Rows.stack([rest, guide(margin)])
                easier = engine.derived(compiled.problem, rows)
                found = easier.solve(gap=GUIDED_GAP, deadline=deadline)
                whole = None
                if found.x is not None:
                    whole = complete(engine, goal, found.x)
                    if whole is not None and engine.is_feasible(whole):
                        plan.offer(whole)
                    else:
                        whole = None
                # Less where that was enough or too much to ask for; more where not.
                if found.x is None or whole is not None:
                    high = margin
                else:
                    low = margin


def plain_ranks(engine: PriceOut, goal: Floats) -> list[Floats]:
    """Return orders that need no duals: best, best per dollar, cheapest."""
    problem, shape = engine.compiled.problem, engine.shape
    mw = np.maximum(shape.of_opens(problem.column_mw), 1e-9)
    gains = shape.of_opens(goal)
    ranks = [gains, gains / mw]
    if mw.size and (problem.column_cost > 0).any():
        cost = np.maximum(shape.of_opens(problem.column_cost), 1e-9)
        ranks += [gains / cost, mw / cost]
        # Half way between the best and the cheapest: where a budget is tight.
        best, cheap = gains / mw, cost / mw
        ranks += [
            best / max(float(np.abs(best).max()), 1e-9) - k * cheap / float(cheap.max())
            for k in (0.5, 1.0, 2.0)
        ]
    return ranks


def fill(engine: PriceOut, goal: Floats, order: Ints) -> Floats | None:
    """Open columns in order while all limits hold; None if the end breaks one."""
    problem = engine.compiled.problem
    must = problem.fixed[problem.column_site[order]]
    order = np.concatenate([order[must], order[~must]])
    opened: list[int] = []
    begin = 0
    for _ in range(LESSONS):
        opened = _opened(engine, order, opened, begin)
        x = np.zeros(engine.n)
        x[order[opened]] = 1.0
        whole = complete(engine, goal, x)
        known = engine.n_rows
        if whole is None or not engine.learn(whole):
            break
        # More rows close columns only from where the first of them is full.
        opened, begin = _still_open(engine, order, opened, known)
    return whole if whole is not None and engine.is_feasible(whole) else None


def _room(engine: PriceOut) -> Floats:
    """Return what each row allows; those with free columns are settled at the end."""
    upper = engine.upper_of_rows + 1e-9
    upper[engine.rows_with_free] = np.inf
    return upper


def _opened(engine: PriceOut, order: Ints, opened: list[int], begin: int) -> list[int]:
    """Open columns in order from place ``begin`` on while the rows known so far hold.

    Returns
    -------
    list of int
        Places in ``order``: those of ``opened``, which lie before ``begin``, and more.
    """
    upper = _room(engine)
    used = np.zeros(engine.n_rows)
    part = engine.entries(order)
    indptr, indices, data = part.indptr, part.indices, part.data
    site = engine.compiled.problem.column_site[order].tolist()
    opened = list(opened)
    taken = {site[k] for k in opened}
    for k in opened:
        used[indices[indptr[k] : indptr[k + 1]]] += data[indptr[k] : indptr[k + 1]]
    # Where nothing gives room back, what does not fit now never will.
    gives = np.zeros(engine.n_rows, dtype=bool)
    gives[indices[data < 0]] = True
    is_full = (used[indices] + data > upper[indices]) & ~gives[indices]
    full = np.diff(np.concatenate([[0], np.cumsum(is_full)])[indptr])
    for k in (begin + np.flatnonzero(full[begin:] == 0)).tolist():
        if site[k] in taken:
            continue
        rows = indices[indptr[k] : indptr[k + 1]]
        after = used[rows] + data[indptr[k] : indptr[k + 1]]
        if (after <= upper[rows]).all():
            used[rows] = after
            opened.append(k)
            taken.add(site[k])
    return opened


def _still_open(
    engine: PriceOut, order: Ints, opened: list[int], known: int
) -> tuple[list[int], int]:
    """Return what rows after the first ``known`` leave open, and up to which place."""
    new = engine.entries(order[opened])[known:].toarray()
    is_over = (np.cumsum(new, axis=1) > _room(engine)[known:, None]).any(axis=0)
    if not is_over.any():
        return opened, len(order)
    first = int(np.argmax(is_over))
    return opened[:first], opened[first]


def complete(
    engine: PriceOut,
    goal: Floats,
    x: Floats,
    *,
    tolerance: float = 1e-7,
    holds_whole: bool = False,
) -> Floats | None:
    """Set the columns that open nothing for the sites of ``x``; None if none fit.

    With ``holds_whole`` the limits' own whole columns stay as they are.
    """
    problem = engine.compiled.problem
    free = engine.free
    if holds_whole:
        free = free[~problem.integrality[free]]
    if not free.size:
        return x
    all_free = free
    upper = np.minimum(problem.upper, engine.upper)[free]
    belongs = problem.column_opener[free]
    has = belongs >= 0
    upper[has] *= x[belongs[has]] > 0.5
    keep = (upper != 0) | (problem.lower[free] != 0)
    free, upper = free[keep], upper[keep]
    part = sparse.csr_array(engine.entries(free).tocsr())
    touched = np.flatnonzero(np.diff(part.indptr))
    x = x.copy()
    x[all_free] = 0.0
    support = np.flatnonzero(x)
    used = engine.entries(support) @ x[support]
    body = (
        goal[free],
        sparse.csr_array(part[touched]),
        (engine.lower - used)[touched],
        (engine.upper_of_rows - used)[touched],
        problem.lower[free],
        upper,
    )
    whole = problem.integrality[free]
    found: highs.LpResult | highs.MipResult
    if whole.any():
        found = highs.solve_mip(*body, whole, gap=1e-3, mip_max_nodes=NEAR_NODES)
    else:
        found = highs.solve_lp(
            *body,
            primal_feasibility_tolerance=tolerance,
            dual_feasibility_tolerance=tolerance,
        )
    if found.x is None or found.status not in ("optimal", "feasible"):
        return None
    x[free] = found.x
    return x


def neighbourhood(
    engine: PriceOut,
    goal: Floats,
    plan: Incumbent,
    columns: Ints,
    keep: Ints,
    *,
    target: float,
    nodes: int,
    deadline: float | None,
    gap: float = 1e-5,
) -> tuple[bool, float]:
    """Offer the best plan over ``columns`` that holds on to the columns ``keep``.

    Returns
    -------
    is_better, bound
        Whether the plan was improved, and what HiGHS proved of every plan over
        these columns that keeps those; infinite if it found no plan.
    """
    left = None
    if deadline is not None:
        left = deadline - time.perf_counter()
        if left <= 0:
            return False, np.inf
    nodes = max(20, int(nodes / engine.weight))
    options: dict[str, object] = dict(SEARCH_OPTIONS)
    if np.isfinite(target):
        options["objective_target"] = target
    for _ in range(LESSONS):
        small, rows, columns = engine.restricted(columns, goal)
        lower = small.lower.copy()
        place = np.searchsorted(columns, keep)
        lower[place] = 1.0
        found = highs.solve_mip(
            small.objective,
            rows.matrix,
            rows.lower,
            rows.upper,
            lower,
            small.upper,
            small.integrality,
            gap=gap,
            time_limit_s=left,
            start=None if plan.x is None else plan.x[columns],
            mip_max_nodes=nodes,
            **options,
        )
        if found.x is None:
            return False, np.inf
        x = np.zeros(engine.n)
        x[columns] = found.x
        engine.exact(x)
        if not engine.learn(x):
            return engine.is_feasible(x) and plan.offer(x), found.bound
        if deadline is not None:
            left = deadline - time.perf_counter()
            if left <= 0:
                break
    return False, found.bound


def dive(
    engine: PriceOut,
    goal: Floats,
    reach: Floats,
    x_lp: Floats,
    plan: Incumbent,
    deadline: float,
) -> None:
    """Offer a plan that keeps what the relaxation has whole, chosen anew elsewhere."""
    shape = engine.shape
    usable = shape.of_opens(engine.upper) > 0
    sure = shape.opens[x_lp[shape.opens] > 1 - 1e-6]
    broken = shape.opens[x_lp[shape.opens] > 1e-9]
    near = shape.opens[best_of(reach, DIVE_COLUMNS, usable)]
    columns = shape.with_more(np.union1d(near, broken))
    neighbourhood(
        engine,
        goal,
        plan,
        columns,
        sure,
        target=-np.inf,
        nodes=NEAR_NODES,
        deadline=max(deadline, time.perf_counter() + GRACE_S),
        gap=1e-2,
    )


def improve(
    engine: PriceOut,
    goal: Floats,
    plan: Incumbent,
    reach: Floats,
    x_lp: Floats | None,
    bound: float,
    gap: float,
    *,
    deadline: float | None,
    say: Callable[[str], object],
    rounds: int = 24,
    patience: int = 6,
) -> None:
    """Improve the plan by neighbourhoods: most of it is kept, the rest chosen anew.

    First what relaxation and plan agree on is kept, then all but some of the
    chosen sites, those that cost most against the bound more often than others.
    """
    if plan.x is None:
        return
    shape = engine.shape
    rng = np.random.default_rng(0)
    usable = shape.of_opens(engine.upper) > 0
    near = shape.opens[best_of(reach, NEAR_COLUMNS, usable)]
    idle = 0
    # Where every row is long a round takes that much longer: fewer of them.
    rounds = max(6, int(rounds / engine.weight))
    patience = max(2, int(patience / engine.weight))
    for k in range(rounds):
        if plan.gap(bound) <= gap or idle >= patience:
            return
        chosen = shape.opens[plan.x[shape.opens] > 0.5]
        if chosen.size < 3:
            return
        if k == 0 and x_lp is not None:
            keep = chosen[x_lp[chosen] > 1 - 1e-6]
        else:
            # Sums of other orders may put a reach a hair over the bound.
            loss = np.maximum(bound - reach[shape.entry[chosen]], 0.0)
            weight = 0.2 * max(float(loss.mean()), 1e-12) + loss
            free = min(chosen.size, max(8, chosen.size // 5) + 4 * (k % 4))
            out = rng.choice(chosen.size, free, replace=False, p=weight / weight.sum())
            keep = np.delete(chosen, out)
        target = bound - 0.5 * gap * abs(bound)
        columns = shape.with_more(np.union1d(near, chosen))
        better, _ = neighbourhood(
            engine,
            goal,
            plan,
            columns,
            keep,
            target=target,
            nodes=NEAR_NODES,
            deadline=deadline,
        )
        if better:
            say(f"plan improved: within {plan.gap(bound):.3%} of the bound")
        idle = 0 if better else idle + 1
        if deadline is not None and time.perf_counter() > deadline:
            return
