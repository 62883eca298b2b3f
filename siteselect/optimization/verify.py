"""Check a plan from the frame and the limits' own inputs.

Sizes, costs, objective and limits are recomputed without the matrix, the columns or
the solution vector: a mistake there cannot hide itself here. One more check asks that
the sites are those of the solution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import SolverError, shown
from siteselect.optimization.draw import DRAWN, Draw, drawn_by_site

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan

#: Relative room for rounding in sums and solver tolerances.
TOLERANCE = 1e-6


def verify_plan(plan: SitePlan) -> pd.DataFrame:
    """Recompute everything a plan claims.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    pandas.DataFrame
        Columns ``check``, ``passed`` and ``found``.

    Raises
    ------
    SolverError
        At least one check failed.
    """
    checks: list[tuple[str, bool, str]] = []

    def say(check: str, passed: object, found: object = "") -> bool:
        checks.append((check, bool(passed), str(found)))
        return bool(passed)

    sites, frame, request = plan.sites, plan.candidates, plan.compiled.request
    known = sites.index.isin(frame.index)
    whole = say(
        "sites are candidates",
        known.all() and sites.index.is_unique,
        shown(repr(x) for x in sites.index[~known]),
    )
    mw = pd.to_numeric(sites["mw"], errors="coerce")
    whole &= say("sizes are known", (mw > 0).all() and np.isfinite(mw).all())
    if whole:
        _check_sites(plan, frame, mw, say)
    _check_claims(plan, say)
    table = pd.DataFrame(checks, columns=["check", "passed", "found"])
    failed = table[~table["passed"]]
    if len(failed):
        raise SolverError(
            "The plan does not verify: "
            + shown((f"{c} ({f})" if f else c for c, _, f in failed.to_numpy()), 8)
            + ". Solve again, and report it if it stays. "
            f"({len(table)} checks were made for {len(request.sites):,} candidates.)"
        )
    return table


def _check_sites(plan: SitePlan, frame: Any, mw: pd.Series[Any], say: Any) -> None:
    request = plan.compiled.request
    able = _eligible(request)
    out = [x for x in mw.index if not able[x]]
    say("sites are eligible", not out, shown(repr(x) for x in out))
    small = [x for x in mw.index if not _size_offered(request, x, float(mw[x]))]
    say("sizes are offered", not small, shown(f"{x!r} {mw[x]:g} MW" for x in small))
    same = plan.sites.geometry.geom_equals(
        frame.geometry.loc[mw.index], align=False
    ).all()
    say("places are those of the candidates", same)
    cost = pd.Series(
        [_cost(request, x, float(mw[x])) for x in mw.index], index=mw.index, dtype=float
    )
    shared = [limit for limit in request.limits if isinstance(limit, Draw)]
    for draw in shared:
        mine = plan.draws[plan.draws["limit"] == draw.name]
        try:
            joined = draw.link_cost_usd(mine)
        except (KeyError, TypeError):
            say(f"links of {draw.name!r} exist", False)
            continue
        cost = cost.add(joined.reindex(cost.index).fillna(0.0))
    off = _differs(cost, plan.sites["cost_usd"])
    say("costs add up", not off.any(), shown(repr(x) for x in mw.index[off]))
    full = frame[able].copy()
    full["mw"] = mw.reindex(full.index).fillna(0.0)
    full["cost_usd"] = cost.reindex(full.index).fillna(0.0)
    for draw in shared:
        full[DRAWN.format(name=draw.name)] = drawn_by_site(
            plan.draws, draw.name, full.index
        )
    if isinstance(request.objective, str):
        value = sum(
            (_value(request, x, float(mw[x]), float(cost[x])) for x in mw.index), 0.0
        )
    else:
        value = request.objective.value(full)
    say(
        "objective adds up",
        abs(value - plan.objective) <= TOLERANCE * max(1.0, abs(value)),
        f"{value:.8g} against {plan.objective:.8g}",
    )
    solved = plan.problem.sites_mw(plan.x)
    there = pd.Series(solved, index=plan.problem.frame.index)
    there = there[there > TOLERANCE]
    same_sites = set(there.index) == set(mw.index)
    say(
        "sites are those of the solution",
        same_sites and not _differs(there.loc[mw.index], mw).any(),
    )
    lost = [x for x in _labels(request.fixed) if x not in mw.index]
    say("fixed sites are chosen", not lost, shown(repr(x) for x in lost))
    taken = [x for x in _labels(request.forbidden) if x in mw.index]
    say("forbidden sites are not", not taken, shown(repr(x) for x in taken))
    _check_built_in(request, mw, cost, say)
    _check_accounts(plan, full, say)
    for limit in request.limits:
        bad = broken(limit.check(full))
        say(
            f"limit {limit.name!r} holds",
            not len(bad),
            shown(
                f"{g if g != '' else k}: {u:.8g}, allowed {lo:.8g} to {hi:.8g}"
                for g, k, u, lo, hi in bad[
                    ["group", "kind", "used", "allowed_min", "allowed_max"]
                ].itertuples(index=False)
            ),
        )


def _check_accounts(plan: SitePlan, full: Any, say: Any) -> None:
    """Compare the accounts that the plan shows with those of its sites."""
    keys = ["limit", "kind", "group"]
    values = ["allowed_min", "allowed_max", "used"]
    told: dict[Any, Any] = {}
    for limit in plan.compiled.limits:
        table = limit.check(full)
        told.update(
            zip(
                table[keys].itertuples(index=False, name=None),
                table[values].itertuples(index=False, name=None),
                strict=True,
            )
        )
    off = []
    shows = plan.limits
    for key, row in zip(
        shows[keys].itertuples(index=False, name=None),
        shows[values].itertuples(index=False, name=None),
        strict=True,
    ):
        known = told.pop(key, None)
        if known is None or not np.allclose(
            np.array(known, dtype=float),
            np.array(row, dtype=float),
            rtol=TOLERANCE,
            atol=TOLERANCE,
            equal_nan=True,
        ):
            off.append(key[0])
    # What the plan leaves out must be groups that nobody uses.
    off += [key[0] for key, (_, _, used) in told.items() if used > 0]
    say("accounts are those of the sites", not off, shown(dict.fromkeys(off)))


def broken(table: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts that are outside what is allowed."""
    used = table["used"]
    low, high = table["allowed_min"], table["allowed_max"]
    room_low = TOLERANCE * np.maximum(1.0, low.abs().where(np.isfinite(low), 0.0))
    room_high = TOLERANCE * np.maximum(1.0, high.abs().where(np.isfinite(high), 0.0))
    # An average over nothing is unknown and breaks nothing.
    return table[(used < low - room_low) | (used > high + room_high)]


def _check_built_in(
    request: Any, mw: pd.Series[Any], cost: pd.Series[Any], say: Any
) -> None:
    total = float(mw.sum())
    power = request.power_mw
    if power is not None:
        low, high = power if isinstance(power, tuple | list) else (None, power)
        ok = (low is None or total >= low - TOLERANCE * max(1.0, low)) and (
            high is None or total <= high + TOLERANCE * max(1.0, high)
        )
        say("power", ok, f"{total:.8g} MW, asked for {power}")
    if request.budget_usd is not None:
        spent = float(cost.sum())
        ok = spent <= request.budget_usd + TOLERANCE * max(1.0, request.budget_usd)
        say("budget", ok, f"{spent:.8g} of {request.budget_usd:.8g} USD")
    if request.max_sites is not None:
        say("max_sites", len(mw) <= request.max_sites, len(mw))
    if request.min_sites is not None:
        say("min_sites", len(mw) >= request.min_sites, len(mw))
    if request.min_spacing_km is not None:
        from siteselect.optimization.limits import Spacing

        chosen = request.sites.loc[mw.index].assign(mw=mw)
        bad = broken(Spacing(request.min_spacing_km).check(chosen))
        say("spacing", not len(bad), shown(f"{d:.6g} km" for d in bad["used"]))


def _check_claims(plan: SitePlan, say: Any) -> None:
    request = plan.compiled.request
    objective, bound = plan.objective, plan.bound
    room = TOLERANCE * max(1.0, abs(objective))
    is_bound = (
        bound <= objective + room
        if not plan.compiled.objective.maximize
        else bound >= objective - room
    )
    say("the bound bounds", is_bound, f"{bound:.8g} against {objective:.8g}")
    gap = abs(bound - objective) / max(1e-9, abs(objective))
    close = gap == plan.gap or abs(gap - plan.gap) <= 1e-9 + 1e-6 * abs(gap)
    say("the gap is that of bound and objective", close, f"{gap:.4g}, {plan.gap:.4g}")
    say("status is known", plan.status in ("optimal", "feasible"), plan.status)
    proven = (plan.status == "optimal") == (gap <= request.gap + 1e-9)
    say(
        "optimal is what is within the target gap",
        proven,
        f"{plan.status}, gap {gap:.4g}, target {request.gap:g}",
    )
    table = plan.limits
    if len(table):
        bad = broken(table)
        say("accounts hold", not len(bad), shown(bad["limit"]))


def _labels(labels: Any) -> list[Any]:
    if labels is None:
        return []
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        return [labels]
    return list(labels)


def _at(frame: Any, spec: Any, label: Any) -> float:
    """Return a column, Series or number at one label."""
    if isinstance(spec, str):
        return float(frame.at[label, spec])
    if isinstance(spec, pd.Series):
        return float(np.asarray(spec.at[label], dtype=np.float64))
    return float(spec)


def _for_size(spec: Any, mw: float) -> Any:
    if not isinstance(spec, Mapping):
        return spec
    return next(v for k, v in spec.items() if abs(float(k) - mw) <= 1e-6 * mw)


def _eligible(request: Any) -> pd.Series[Any]:
    frame = request.sites
    able = pd.Series(True, index=frame.index)
    if "excluded_by" in frame:
        able &= frame["excluded_by"].isna() | (frame["excluded_by"].astype(str) == "")
    score = request.score
    if isinstance(score, pd.Series):
        able &= score.reindex(frame.index).notna()
    elif isinstance(score, str) and score in frame:
        able &= frame[score].notna()
    capacity = request.capacity
    if isinstance(capacity, str) and capacity in frame:
        able &= frame[capacity].astype(float) > 0
    elif isinstance(capacity, pd.Series):
        able &= capacity.reindex(frame.index).astype(float) > 0
    return able.astype(bool)


def _size_offered(request: Any, label: Any, mw: float) -> bool:
    frame, sizes = request.sites, request.site_mw
    room = TOLERANCE * max(1.0, mw)
    capacity = request.capacity
    if isinstance(sizes, tuple) or sizes is None:
        low, high = sizes if sizes is not None else (None, None)
        if low is not None and mw < low - room:
            return False
        if high is not None and mw > high + room:
            return False
    else:
        listed = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        match = [s for s in listed if abs(float(s) - mw) <= 1e-6 * mw]
        if not match:
            return False
        if isinstance(sizes, Mapping):
            where = sizes[match[0]]
            if where is False:
                return False
            if isinstance(where, str | pd.Series) and not _at(frame, where, label):
                return False
    capacity = _for_size(capacity, mw)
    if isinstance(capacity, str) and capacity not in frame:
        return True
    return mw <= _at(frame, capacity, label) + room


def _cost(request: Any, label: Any, mw: float) -> float:
    frame = request.sites
    per_mw, fixed = request.cost_per_mw, request.fixed_cost
    total = 0.0
    if not (isinstance(per_mw, str) and per_mw not in frame):
        total += _at(frame, _for_size(per_mw, mw), label) * mw
    if not (isinstance(fixed, str) and fixed not in frame):
        total += _at(frame, _for_size(fixed, mw), label)
    return total


def _value(request: Any, label: Any, mw: float, cost: float) -> float:
    frame = request.sites
    if request.objective == "score":
        return _at(frame, request.score, label) * mw
    if request.objective == "cost":
        lifetime = "lifetime_cost_usd_per_mw"
        if str(request.cost_per_mw) != "cost_usd_per_mw" or lifetime not in frame:
            return cost
        fixed = request.fixed_cost
        total = float(frame.at[label, lifetime]) * mw
        if not (isinstance(fixed, str) and fixed not in frame):
            total += _at(frame, _for_size(fixed, mw), label)
        return total
    return _at(frame, request.objective, label) * mw


def _differs(a: pd.Series[Any], b: pd.Series[Any]) -> Any:
    x, y = a.to_numpy(dtype=float), b.to_numpy(dtype=float)
    return ~(np.abs(x - y) <= TOLERANCE * np.maximum(1.0, np.abs(x)))
