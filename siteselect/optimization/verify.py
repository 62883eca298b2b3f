"""Check a plan from the frame and the limits' own inputs.

Sizes, costs, objective and limits are recomputed without the matrix, the columns or
the solution vector: a mistake there cannot hide itself here. One more check asks that
the sites are those of the solution.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import SolverError, shown
from siteselect.optimization.as_built import as_built
from siteselect.optimization.by_year import Arriving, ByYear, PerSite
from siteselect.optimization.draw import DRAWN, Draw, drawn_by_site
from siteselect.optimization.strengthen import (
    is_strengthening,
    shared_cost_usd,
    strengthened,
)

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan

#: Relative room for rounding in sums and solver tolerances.
TOLERANCE = 1e-6
#: Sums of money are compared to the dollar: a billionth of a megawatt costs cents.
DOLLARS = 1e6


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
    paths = _paths(plan, mw)
    if whole and say("sizes of every year are there", paths is not None):
        built = as_built(plan, say)
        if built is not None:
            _check_sites(plan, replace(request, sites=built), paths, say)
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


def _years(request: Any) -> list[int]:
    """Return the years that are listed, or that the arguments name."""
    if request.years is not None:
        return sorted(int(y) for y in _labels(request.years))
    named: set[int] = set()
    for spec in (request.power_mw, request.it_mw, request.budget_usd):
        keys = spec.by_year if isinstance(spec, ByYear) else spec
        named.update(int(y) for y in keys) if isinstance(keys, Mapping) else None
    return sorted(named)


def _stands(request: Any) -> dict[Any, float]:
    """Return what stands already, by label."""
    if request.existing is None:
        return {}
    return {label: float(mw) for label, mw in request.existing.items()}


def _paths(plan: SitePlan, mw: pd.Series[Any]) -> Any:
    """Return sizes by site and year; one column where there are no years."""
    years = _years(plan.compiled.request)
    if not years:
        return pd.DataFrame({"": mw})
    names = [f"mw_{y}" for y in years]
    if any(name not in plan.sites for name in names):
        return None
    found = plan.sites[names].apply(pd.to_numeric, errors="coerce")
    table = pd.DataFrame(found.to_numpy(dtype=float), index=mw.index, columns=years)
    if table.isna().any(axis=None) or _differs(table[years[-1]], mw).any():
        return None
    return table


def _check_sites(plan: SitePlan, request: Any, paths: Any, say: Any) -> None:
    frame = request.sites
    stands, labels = _stands(request), list(paths.index)
    grows = _eligible(request)
    able = grows | grows.index.isin(list(stands))
    mw = paths.iloc[:, -1]
    out = [x for x in labels if not able[x]]
    say("sites are eligible", not out, shown(repr(x) for x in out))
    small = [
        f"{x!r} {size:g} MW"
        for year in paths
        for x, size in paths[year].items()
        if not _is_offered(request, x, float(size), year, stands, bool(grows[x]))
    ]
    say("sizes are offered", not small, shown(small))
    before = pd.Series([stands.get(x, 0.0) for x in labels], index=labels, dtype=float)
    if len(paths.columns) > 1 or stands:
        steps = np.column_stack([before, paths])
        shrunk = np.any(np.diff(steps, axis=1) < -TOLERANCE, axis=1).tolist()
        say(
            "sizes never shrink",
            not any(shrunk),
            shown(repr(x) for x, less in zip(labels, shrunk, strict=True) if less),
        )
    lost = [x for x in stands if x not in paths.index]
    say("what stands is there", not lost, shown(repr(x) for x in lost))
    same = plan.sites.geometry.geom_equals(
        frame.geometry.loc[labels], align=False
    ).all()
    say("places are those of the candidates", same)
    told = dict(zip(labels, plan.sites["cost_usd"].astype(float), strict=True))
    spent, lifetime = _spending(request, paths, stands, told)
    shared = [limit for limit in request.limits if isinstance(limit, Draw)]
    for draw in shared:
        lifetime = lifetime + _beyond_capital(plan.draws, draw, spent, stands)
    for draw in shared:
        joined = _joining(plan.draws, draw, list(paths), stands)
        if joined is None:
            say(f"links of {draw.name!r} exist", False)
            continue
        joined = joined.reindex(spent.index).fillna(0.0)
        spent, lifetime = spent + joined, lifetime + joined
    for limit in request.limits:
        if not is_strengthening(limit):
            continue
        paid = _strengthening(plan.upgrades, limit, paths, frame, say)
        if paid is None:
            continue
        paid = paid.reindex(spent.index).fillna(0.0)
        spent, lifetime = spent + paid, lifetime + paid
    cost = spent.sum(axis=1)
    off = _differs(cost, plan.sites["cost_usd"], DOLLARS)
    say("costs add up", not off.any(), shown(repr(x) for x in cost.index[off]))
    full = frame[able].copy()
    then = {
        year: full.assign(
            mw=paths[year].reindex(full.index).fillna(0.0),
            cost_usd=spent[year].reindex(full.index).fillna(0.0),
        )
        for year in paths
    }
    full["mw"] = mw.reindex(full.index).fillna(0.0)
    full["cost_usd"] = cost.reindex(full.index).fillna(0.0)
    for draw in shared:
        name = DRAWN.format(name=draw.name)
        for year, table in then.items():
            mine = _draws_in(plan.draws, year)
            table[name] = drawn_by_site(mine, draw.name, table.index)
        full[name] = then[list(then)[-1]][name]
    value = _objective(request, paths, lifetime, then, full)
    say(
        "objective adds up",
        abs(value - plan.objective)
        <= TOLERANCE * max(DOLLARS if request.objective == "cost" else 1.0, abs(value)),
        f"{value:.8g} against {plan.objective:.8g}",
    )
    solved = plan.problem.sites_mw(plan.x)
    there = pd.Series(solved, index=plan.problem.frame.index)
    there = there[there > TOLERANCE]
    same_sites = set(there.index) == set(labels)
    say(
        "sites are those of the solution",
        same_sites and not _differs(there.loc[labels], mw).any(),
    )
    lost = [x for x in _labels(request.fixed) if x not in paths.index]
    say("fixed sites are chosen", not lost, shown(repr(x) for x in lost))
    taken = [x for x in _labels(request.forbidden) if x in paths.index]
    say("forbidden sites are not", not taken, shown(repr(x) for x in taken))
    _check_built_in(request, paths, spent, say)
    if _years(request):
        _check_years(plan, paths, spent, before, say)
    _check_accounts(plan, full, then, say)
    for limit in request.limits:
        bad = _breaks(limit, then, full, plan.upgrades)
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


def _draws_in(draws: pd.DataFrame, year: Any) -> pd.DataFrame:
    return draws if year == "" else draws[draws["year"] == year]


def _beyond_capital(
    draws: pd.DataFrame, draw: Draw, spent: Any, stands: Mapping[Any, float]
) -> Any:
    """Return what a lifetime of a limit's links costs beyond what joining them does."""
    whole = draw.at_lifetime_cost()
    years = list(spent)
    both = [_joining(draws, one, years, stands) for one in (whole, draw)]
    if whole is draw or both[0] is None or both[1] is None:
        return 0.0
    more = both[0].sub(both[1], fill_value=0.0)
    return more.reindex(spent.index).fillna(0.0)


def _joining(
    draws: pd.DataFrame, draw: Draw, years: list[Any], stands: Mapping[Any, float]
) -> pd.DataFrame | None:
    """Return what joining sources costs by site and year; None if a link is made up.

    A site that stands has its line already; only what is added to it is paid.
    """
    mine = draws[draws["limit"] == draw.name]
    out: dict[Any, pd.Series[Any]] = {}
    try:
        last = _draws_in(mine, years[-1])
        there = last[last["site"].isin(list(stands))] if not draw.split else last[:0]
        before = draw.link_cost_usd(there.assign(mw=there["site"].map(stands)))
        for year in years:
            total = draw.link_cost_usd(_draws_in(mine, year))
            out[year] = total.sub(before, fill_value=0.0)
            before = total
    except (KeyError, TypeError):
        return None
    return pd.DataFrame(out).fillna(0.0)


def _strengthening(
    upgrades: pd.DataFrame, limit: Any, paths: Any, frame: Any, say: Any
) -> pd.DataFrame | None:
    """Check a plan's upgrades; return what they cost by site and year.

    None if they cannot be those of the limit.
    """
    mine = upgrades[upgrades["limit"] == limit.name]
    offered = limit.upgrades.set_index("branch")
    years = list(paths)
    known = mine["branch"].isin(offered.index)
    is_timed = years == [""] or mine["year"].isin(years).all()
    mw = pd.to_numeric(mine["mw"], errors="coerce")
    whole = known.all() and is_timed and np.isfinite(mw).all() and (mw > 0).all()
    if not say(
        f"upgrades of {limit.name!r} exist",
        whole,
        shown(repr(b) for b in mine["branch"][~known]),
    ):
        return None
    now = offered.loc[mine["branch"]]
    cost = mw.to_numpy(float) * now["usd_per_mw"].to_numpy(float)
    told = pd.Series(cost, index=mine.index)
    off = _differs(told, mine["cost_usd"], DOLLARS)
    say("upgrades cost what they do", not off.any(), shown(mine["branch"][off]))
    total = mw.groupby(mine["branch"]).sum()
    most = offered["most_mw"].loc[total.index]
    over = total > most + TOLERANCE * np.maximum(1.0, most.where(np.isfinite(most), 1))
    say("upgrades are possible", not over.any(), shown(total.index[over]))
    since = limit.ordered if years == [""] or limit.ordered is not None else years[0]
    if since is not None:
        # The first whole year after the lead time.
        ready = [since + math.ceil(float(m) / 12 - 1e-9) for m in now["lead_months"]]
        early = mine["year"].to_numpy(dtype=float, na_value=np.nan) < ready
        say("upgrades are in time", not early.any(), shown(mine["branch"][early]))
    bus = frame.loc[paths.index, limit.bus] if isinstance(limit.bus, str) else limit.bus
    return shared_cost_usd(
        limit.network,
        mine.assign(cost_usd=cost),
        paths.iloc[:, -1],
        bus.loc[paths.index],
        years,
    )


def _breaks(
    limit: Any, then: Mapping[Any, Any], full: Any, upgrades: pd.DataFrame
) -> pd.DataFrame:
    """Return the accounts of a limit that are outside what is allowed, in any year."""
    if list(then) == [""]:
        return broken(strengthened(limit, upgrades, "").check(full))
    parts = []
    last = list(then)[-1]
    for year, frame in then.items():
        held = _limit_then(limit, year, year == last, frame)
        if held is not None:
            parts.append(broken(strengthened(held, upgrades, year).check(frame)))
    return pd.concat(parts, ignore_index=True)


def _amount_then(spec: Any, year: int, frame: Any) -> Any:
    """Return what a bound by year is in one year."""
    while isinstance(spec, ByYear):
        past = [y for y in spec.by_year if y <= year]
        spec = spec.by_year[max(past)] if past else 0.0
    if isinstance(spec, Arriving):
        since, amount, before = (
            _each(frame, what) for what in (spec.year, spec.amount, spec.before)
        )
        there = amount.where(since <= year, before)
        return PerSite(there.where(since.notna()))
    if isinstance(spec, Mapping):
        return {k: _amount_then(v, year, frame) for k, v in spec.items()}
    return spec


def _each(frame: Any, spec: Any) -> pd.Series[Any]:
    """Return a column, Series or number for every candidate."""
    if isinstance(spec, str):
        return _floats(frame[spec])
    if isinstance(spec, pd.Series):
        return _floats(spec.reindex(frame.index))
    return pd.Series(float(spec), index=frame.index)


def _floats(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as floats, NaN where it is unknown in any way."""
    if column.dtype != object:
        known = column.to_numpy(dtype=float, na_value=np.nan)
        return pd.Series(known, index=column.index)
    return pd.Series(
        [float("nan") if pd.isna(v) else float(v) for v in column], column.index
    )


def _arrived(frame: Any, spec: Arriving, label: Any, year: int) -> float:
    since = _at(frame, spec.year, label)
    if np.isnan(since):
        return float("nan")
    return _at(frame, spec.amount if year >= since else spec.before, label)


def _limit_then(limit: Any, year: int, is_last: bool, frame: Any) -> Any | None:
    """Return a limit with the bounds of one year; floors wait for the last."""
    if getattr(limit, "last_year_only", False):
        return limit if is_last else None
    if not is_dataclass(limit) or isinstance(limit, type):
        return limit
    is_floor_of_average = getattr(limit, "floors_hold_always", False)
    given = {f.name: getattr(limit, f.name) for f in fields(limit)}
    held = {}
    for name, value in given.items():
        plain = not isinstance(value, ByYear | Arriving | Mapping)
        waits = name == "at_least" and not is_last and not is_floor_of_average
        held[name] = _amount_then(value, year, frame)
        if waits and (plain or held[name] == value):
            held[name] = None
    changed = {k: v for k, v in held.items() if v is not given[k]}
    ends = [k for k in held if k.startswith(("at_", "max_", "min_"))]
    if ends and all(held[k] is None for k in ends):
        return None
    return replace(limit, **changed) if changed else limit


def _objective(
    request: Any,
    paths: Any,
    lifetime: Any,
    then: Mapping[Any, Any],
    full: Any,
) -> float:
    """Return the objective, each year discounted to the first."""
    years = list(paths)
    rate = float(request.discount_rate)
    weight = (
        [1.0]
        if years == [""]
        else [1.0 / (1.0 + rate) ** (y - years[0]) for y in years]
    )
    asked = request.objective
    if not isinstance(asked, str):
        total = 0.0
        for part, times in getattr(asked, "terms", ((asked, 1.0),)):
            if years == [""] or hasattr(part, "rows"):
                total += times * float(part.value(full))
                continue
            for w, y in zip(weight, years, strict=True):
                total += times * w * float(part.value(then[y]))
        return total
    if asked == "cost":
        return float(
            sum(w * lifetime[y].sum() for w, y in zip(weight, years, strict=True))
        )
    spec = request.score if asked == "score" else asked
    stands = _stands(request)
    total = 0.0
    for x in paths.index:
        per_mw = _at(request.sites, spec, x)
        if np.isnan(per_mw) and x in stands:
            per_mw = 0.0
        for w, y in zip(weight, years, strict=True):
            total += w * per_mw * float(paths.at[x, y])
    return total


def _check_years(
    plan: SitePlan,
    paths: Any,
    spent: Any,
    before: pd.Series[Any],
    say: Any,
) -> None:
    """Compare the table of years that the plan shows with its sites."""
    shows = plan.by_year
    years = list(paths)
    ok = list(shows["year"]) == years
    if ok:
        stood = [sum(_stands(plan.compiled.request).values()), *paths.sum()]
        wanted = {
            "mw": stood[1:],
            "new_mw": np.diff(stood),
            "sites": (paths > 0).sum(),
            "spent_usd": spent.sum(),
        }
        ok = all(
            np.allclose(
                shows[k].to_numpy(float),
                np.asarray(v, float),
                rtol=TOLERANCE,
                atol=1.0 if k == "spent_usd" else 1e-3,
            )
            for k, v in wanted.items()
        )
    say("the years add up", ok)


def _check_accounts(
    plan: SitePlan, full: Any, then: Mapping[Any, Any], say: Any
) -> None:
    """Compare the accounts that the plan shows with those of its sites."""
    keys = ["limit", "kind", "group"]
    values = ["allowed_min", "allowed_max", "used"]
    room = _least_size(plan.limits["unit"]) * TOLERANCE
    years = list(then)
    shows = plan.limits
    if years == [""]:
        shows = shows.assign(year="")
    told: dict[Any, Any] = {}
    for part in plan.compiled.dated:
        frame, year = full, ""
        if part.year is not None:
            first = part.year if part.since is None else part.since
            year = years[part.year]
            frame = then[year].assign(
                cost_usd=sum(then[y]["cost_usd"] for y in years[first : part.year + 1])
            )
        held = strengthened(part.limit, plan.upgrades, year)
        table = held.check(frame).assign(year=year)
        told.update(
            zip(
                table[[*keys, "year"]].itertuples(index=False, name=None),
                table[values].itertuples(index=False, name=None),
                strict=True,
            )
        )
    off = []
    for key, row, least in zip(
        shows[[*keys, "year"]].itertuples(index=False, name=None),
        shows[values].itertuples(index=False, name=None),
        room,
        strict=True,
    ):
        known = told.pop(key, None)
        if known is None or not np.allclose(
            np.array(known, dtype=float),
            np.array(row, dtype=float),
            rtol=TOLERANCE,
            atol=least,
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
    size = _least_size(table["unit"])
    room_low = TOLERANCE * np.maximum(size, low.abs().where(np.isfinite(low), 0.0))
    room_high = TOLERANCE * np.maximum(size, high.abs().where(np.isfinite(high), 0.0))
    # An average over nothing is unknown and breaks nothing.
    out: pd.DataFrame = table[(used < low - room_low) | (used > high + room_high)]
    return out


def _least_size(unit: pd.Series[Any]) -> Any:
    """Return from which size on an account is compared by its size."""
    return np.where(unit.astype(str).str.startswith("USD"), DOLLARS, 1.0)


def _power_then(spec: Any, year: Any, is_last: bool) -> Any:
    """Return what ``power_mw`` or ``it_mw`` asks for in one year."""
    if isinstance(spec, ByYear):
        past = [y for y in spec.by_year if y <= year]
        return spec.by_year[max(past)] if past else 0.0
    if isinstance(spec, Mapping):
        return {int(y): v for y, v in spec.items()}.get(year)
    if isinstance(spec, tuple | list) and not is_last:
        return (None, spec[1])
    return spec


def _check_built_in(request: Any, paths: Any, spent: Any, say: Any) -> None:
    years = list(paths)
    ratio = pd.Series(1.30, index=paths.index)
    if request.it_mw is not None and "peak_ratio" in request.sites:
        ratio = _floats(request.sites["peak_ratio"].loc[paths.index])
    for name, spec, by in (
        ("power", request.power_mw, 1.0),
        ("it power", request.it_mw, ratio),
    ):
        for year in years if spec is not None else ():
            asked = _power_then(spec, year, year == years[-1])
            if asked is None:
                continue
            total = float((paths[year] / by).sum())
            low, high = asked if isinstance(asked, tuple | list) else (None, asked)
            ok = (low is None or total >= low - TOLERANCE * max(1.0, low)) and (
                high is None or total <= high + TOLERANCE * max(1.0, high)
            )
            when = "" if year == "" else f" in {year}"
            say(name + when, ok, f"{total:.8g} MW, asked for {asked}")
    budget = request.budget_usd
    budget = budget.by_year if isinstance(budget, ByYear) else budget
    if isinstance(budget, Mapping):
        since = -np.inf
        for year, most in sorted(budget.items()):
            if most is None:
                continue
            period = [y for y in years if since < y <= year]
            used = float(spent[period].sum().sum())
            ok = used <= most + TOLERANCE * max(DOLLARS, most)
            say(f"budget until {year}", ok, f"{used:.8g} of {most:.8g} USD")
            since = year
    elif budget is not None:
        used = float(spent.sum().sum())
        ok = used <= budget + TOLERANCE * max(DOLLARS, budget)
        say("budget", ok, f"{used:.8g} of {budget:.8g} USD")
    if request.max_sites is not None:
        say("max_sites", len(paths) <= request.max_sites, len(paths))
    if request.min_sites is not None:
        say("min_sites", len(paths) >= request.min_sites, len(paths))
    if request.min_spacing_km is not None:
        from siteselect.optimization.limits import Spacing

        chosen = request.sites.loc[paths.index].assign(mw=paths.iloc[:, -1])
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
    if not isinstance(spec, str | pd.Series):
        return float(spec)
    found: Any = frame.at[label, spec] if isinstance(spec, str) else spec.at[label]
    return float("nan") if pd.isna(found) else float(found)


def _ends(size: Any) -> tuple[float, float]:
    """Return the ends of a size: a number, or a range with open ends."""
    if isinstance(size, tuple):
        low, high = size
        return (0.0 if low is None else float(low)), (
            np.inf if high is None else float(high)
        )
    return float(size), float(size)


def _sizes(request: Any) -> list[Any]:
    """Return the sizes that may be chosen from."""
    sizes = request.site_mw
    if sizes is None:
        return [(None, None)]
    if isinstance(sizes, tuple):
        return [sizes]
    return list(sizes) if isinstance(sizes, Iterable) else [sizes]


def _of_size(spec: Any, size: Any) -> Any:
    """Return the entry of a mapping by size."""
    if not isinstance(spec, Mapping):
        return spec
    is_range = isinstance(size, tuple)
    for key, value in spec.items():
        if isinstance(key, tuple) == is_range and _ends(key) == _ends(size):
            return value
    raise KeyError(size)


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
    if isinstance(request.capacity, Mapping):
        return able.astype(bool)
    room = pd.Series(False, index=frame.index)
    for year in _years(request) or [0]:
        capacity = _amount_then(request.capacity, year, frame)
        capacity = capacity.values if isinstance(capacity, PerSite) else capacity
        if isinstance(capacity, Mapping):
            return able.astype(bool)
        if isinstance(capacity, str) and capacity not in frame:
            return able.astype(bool)
        if isinstance(capacity, str):
            capacity = frame[capacity]
        elif isinstance(capacity, pd.Series):
            capacity = capacity.reindex(frame.index)
        room |= _floats(pd.Series(capacity, index=frame.index)) > 0
    return (able & room).astype(bool)


def _fits(request: Any, label: Any, mw: float, year: Any) -> list[Any]:
    """Return the sizes that ``mw`` is one of, where a site is offered them."""
    frame, given = request.sites, request.site_mw
    room = TOLERANCE * max(1.0, mw)
    found = []
    for size in _sizes(request):
        low, high = _ends(size)
        if not low - room <= mw <= high + room:
            continue
        if isinstance(given, Mapping):
            where = given[size]
            if where is False:
                continue
            if isinstance(where, str | pd.Series) and not _at(frame, where, label):
                continue
        capacity = _of_size(request.capacity, size)
        while isinstance(capacity, ByYear):
            past = [y for y in capacity.by_year if y <= year]
            capacity = capacity.by_year[max(past)] if past else 0.0
            capacity = _of_size(capacity, size)
        if isinstance(capacity, Arriving):
            most = _arrived(frame, capacity, label, year)
        elif isinstance(capacity, str) and capacity not in frame:
            most = np.inf
        else:
            most = _at(frame, capacity, label)
        if mw <= most + room:
            found.append(size)
    return found


def _is_offered(
    request: Any,
    label: Any,
    mw: float,
    year: Any,
    stands: Mapping[Any, float],
    may_grow: bool,
) -> bool:
    before = stands.get(label, 0.0)
    if abs(mw - before) <= TOLERANCE * max(1.0, mw):
        # Nothing yet, or what stands; a plan of one period has no empty sites.
        return before > 0 or year != ""
    return may_grow and bool(_fits(request, label, mw, year))


def _prices(request: Any, label: Any, size: Any) -> tuple[float, float, float]:
    """Return cost per MW, fixed cost and lifetime cost per MW of a size."""
    frame = request.sites
    per_mw, fixed = request.cost_per_mw, request.fixed_cost
    variable = once = 0.0
    if not (isinstance(per_mw, str) and per_mw not in frame):
        variable = _at(frame, _of_size(per_mw, size), label)
    if not (isinstance(fixed, str) and fixed not in frame):
        once = _at(frame, _of_size(fixed, size), label)
    lifetime = "lifetime_cost_usd_per_mw"
    if str(per_mw) != "cost_usd_per_mw" or lifetime not in frame:
        return variable, once, variable
    return variable, once, float(frame.at[label, lifetime])


def _spending(
    request: Any,
    paths: Any,
    stands: Mapping[Any, float],
    told: Mapping[Any, float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cost and lifetime cost by site and year.

    Where a size is offered in two ways that cost differently, the one that the plan
    claims counts.
    """
    spent, lifetime = paths * 0.0, paths * 0.0
    ordered = sorted(_sizes(request), key=_ends)
    for x in paths.index:
        before = stands.get(x, 0.0)
        paid = life = 0.0
        if before > 0:
            under = [s for s in ordered if _ends(s)[0] <= before * (1 + 1e-9)]
            a, b, c = _prices(request, x, under[-1] if under else ordered[0])
            paid, life = a * before + b, c * before + b
        for year in paths:
            mw = float(paths.at[x, year])
            if mw <= before * (1 + 1e-9):
                continue
            ways = []
            for size in _fits(request, x, mw, year) or ordered[:1]:
                a, b, c = _prices(request, x, size)
                if before > 0 and _ends(size)[0] <= before * (1 + 1e-9):
                    # The range begins where the site stands: only what is added.
                    ways.append((a * (mw - before), c * (mw - before)))
                else:
                    ways.append((a * mw + b - paid, c * mw + b - life))
            near = (
                min(ways, key=lambda w: abs(w[0] - told[x])) if year == "" else ways[0]
            )
            spent.at[x, year], lifetime.at[x, year] = near
            before, paid, life = mw, paid + near[0], life + near[1]
    return spent, lifetime


def _differs(a: pd.Series[Any], b: pd.Series[Any], least: float = 1.0) -> Any:
    x, y = a.to_numpy(dtype=float), b.to_numpy(dtype=float)
    return ~(np.abs(x - y) <= TOLERANCE * np.maximum(least, np.abs(x)))
