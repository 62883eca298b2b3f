"""Read a solution back as a plan: accounts, prices and a reason per site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.optimization._compile import Compiled
from siteselect.optimization.designs import DESIGN
from siteselect.optimization.draw import DRAW_COLUMNS, DRAWN, Draw, drawn_by_site
from siteselect.optimization.plan import SitePlan, relative_gap
from siteselect.optimization.problem import Floats, Problem, Rows, aligned
from siteselect.optimization.solution import Clock, Solution
from siteselect.optimization.strengthen import (
    is_strengthening,
    no_upgrades,
    shared_cost_usd,
    strengthened,
)
from siteselect.suitability.unknown import evidence as evidence_of

#: A slack below this part of the bound counts as none.
BINDING = 1e-6


def plan_of(compiled: Compiled, found: Solution, clock: Clock) -> SitePlan:
    """Read a solution back as a plan."""
    assert found.x is not None
    if found.held is not None:
        # What was held is held in every re-solve as well.
        rows = Rows.stack([compiled.rows, found.held])
        compiled = replace(compiled, rows=rows)
    problem, request = compiled.problem, compiled.request
    shared = [limit for limit in compiled.limits if isinstance(limit, Draw)]
    x = found.x
    for limit in shared:
        views = map(problem.in_year, range(len(problem.years)))
        for view in views if problem.years else [problem]:
            x = limit.settled(view, x)
    strong: list[Any] = [limit for limit in compiled.limits if is_strengthening(limit)]
    upgrades = [no_upgrades()]
    for limit in strong:
        x = limit.settled(problem, x)
        upgrades.append(limit.bought(problem, x))
    lines = pd.concat([u for u in upgrades if len(u)] or upgrades, ignore_index=True)
    mw = problem.sites_mw(x)
    pays = problem.column_payer >= 0
    cost: Floats
    value: Floats
    cost, value = (
        np.bincount(
            problem.column_payer[pays],
            weights=(what * x)[pays],
            minlength=problem.n_sites,
        ).astype(np.float64)
        for what in (problem.column_cost, problem.objective)
    )
    mw = np.round(mw, 9)
    chosen = np.flatnonzero(mw > 0)
    chosen = chosen[np.lexsort((chosen, -value[chosen].round(9), -mw[chosen]))]
    frame = problem.frame_at(x)
    then = by_years(problem, x)
    for limit in strong:
        paid = _paid(limit, lines, frame, mw, list(problem.years) or [""])
        cost = cost + paid.sum(axis=1)
        then = replace(then, cost=then.cost + paid) if problem.years else then
    draws = draws_of(shared, problem, x)
    table = account_table(compiled, frame, mw, cost, then, x, found.duals, draws, lines)
    picked = request.sites.loc[frame.index[chosen]].copy()
    if problem.designs is not None:
        for column in problem.designs.columns:
            picked[column] = frame[column].to_numpy()[chosen]
        names = np.array([*problem.designs.names, None], dtype=object)
        picked[DESIGN] = names[problem.option_of_sites(x)[chosen]]
    picked["mw"] = mw[chosen]
    for k, year in enumerate(problem.years):
        picked[f"mw_{year}"] = then.mw[chosen, k]
    picked["cost_usd"] = cost[chosen]
    for limit in shared:
        last = draws_in(draws, problem.years[-1] if problem.years else "")
        said = drawn_by_site(last, limit.name, picked.index)
        picked[limit.name] = [
            "; ".join(f"{k}: {v:g} MW" for k, v in one.items()) for one in said
        ]
    picked["why"] = reasons(compiled, frame, chosen, mw, table, picked.get(DESIGN))
    evidence = evidence_of(request.sites)
    notes = [*compiled.notes, *found.notes]
    clock.lap("read back")
    return SitePlan(
        status=found.status,
        objective=found.objective,
        bound=found.bound,
        gap=relative_gap(found.bound, found.objective),
        sites=picked,
        candidates=request.sites,
        limits=table,
        objective_name=compiled.objective.unit,
        solver=found.solver,
        seconds=dict(clock.seconds),
        notes=tuple(notes),
        evidence=evidence,
        compiled=compiled,
        draws=draws,
        upgrades=lines,
        x=x,
        duals=found.duals,
        by_year=year_table(problem, then),
    )


def _paid(
    limit: Any, upgrades: pd.DataFrame, frame: Any, mw: Floats, years: list[Any]
) -> Floats:
    """Return each site's share of what a limit's upgrades cost, by year."""
    chosen = np.flatnonzero(mw > 0)
    sites = frame.iloc[chosen]
    share = shared_cost_usd(
        limit.network,
        upgrades[upgrades["limit"] == limit.name],
        pd.Series(mw[chosen], index=sites.index),
        aligned(sites, limit.bus, limit.name),
        years,
    )
    out = np.zeros((len(frame), len(years)))
    out[chosen] = share.to_numpy()
    return out


def draws_of(shared: list[Draw], problem: Problem, x: Floats) -> pd.DataFrame:
    """Return who draws from where, with a column ``year`` where there are years."""
    columns = list(DRAW_COLUMNS)
    if not problem.years:
        parts = [limit.draws(problem, x) for limit in shared]
    else:
        columns.append("year")
        parts = [
            limit.draws(problem.in_year(k), x).assign(year=year)
            for k, year in enumerate(problem.years)
            for limit in shared
        ]
    return pd.concat([pd.DataFrame(columns=columns), *parts], ignore_index=True)


def draws_in(draws: pd.DataFrame, year: object) -> pd.DataFrame:
    """Return the draws of one year."""
    return draws[draws["year"] == year] if "year" in draws else draws


@dataclass(frozen=True, eq=False)
class ByYears:
    """What stands and what is spent per site and year, shape (n_sites, n_years)."""

    mw: Floats
    cost: Floats


def by_years(problem: Problem, x: Floats) -> ByYears:
    """Return what stands and what is spent in each year."""
    n, n_years = problem.n_sites, len(problem.years)
    mw, cost = np.zeros((n, n_years)), np.zeros((n, n_years))
    if problem.year_mw is None or problem.year_cost is None:
        return ByYears(mw, cost)
    used = np.flatnonzero((x != 0) & (problem.column_payer >= 0))
    for k in range(n_years):
        for out, values in ((mw, problem.year_mw), (cost, problem.year_cost)):
            out[:, k] = np.bincount(
                problem.column_payer[used], (values[:, k] * x)[used], minlength=n
            )
    return ByYears(np.round(mw, 9), cost)


def year_table(problem: Problem, then: ByYears) -> pd.DataFrame:
    """Return MW, new MW, sites and spending of each year."""
    total = then.mw.sum(axis=0)
    before = 0.0 if problem.standing_mw is None else float(problem.standing_mw.sum())
    return pd.DataFrame(
        {
            "year": np.array(problem.years, dtype=np.int64),
            "mw": total,
            "new_mw": np.diff(total, prepend=before),
            "sites": (then.mw > 0).sum(axis=0),
            "spent_usd": then.cost.sum(axis=0),
        }
    )


def account_table(
    compiled: Compiled,
    frame: gpd.GeoDataFrame,
    mw: Floats,
    cost: Floats,
    then: ByYears,
    x: Floats,
    duals: Floats | None,
    draws: pd.DataFrame,
    upgrades: pd.DataFrame,
) -> pd.DataFrame:
    """Return the accounts of all limits with slack, binding and price."""
    problem = compiled.problem
    years = problem.years
    parts = []
    for part in compiled.dated:
        stands, spent = mw, cost
        if part.year is not None:
            first = part.year if part.since is None else part.since
            stands = then.mw[:, part.year]
            spent = then.cost[:, first : part.year + 1].sum(axis=1)
        full = frame.assign(mw=stands, cost_usd=spent)
        if isinstance(part.limit, Draw):
            here = draws_in(draws, part.label(years))
            name = DRAWN.format(name=part.limit.name)
            full[name] = drawn_by_site(here, part.limit.name, full.index)
        built = strengthened(part.limit, upgrades, part.label(years))
        quick = getattr(built, "accounts_of", None)
        # What flows anew is left to ``verify``.
        found = built.check(full) if quick is None else quick(part.view(problem), x)
        parts.append(found.assign(year=part.label(years)) if years else found)
    parts = [p for p in parts if len(p)]
    columns = [
        "limit",
        "group",
        "kind",
        "allowed_min",
        "allowed_max",
        "used",
        "slack",
        "unit",
        "binding",
        "price",
    ]
    keys = ["limit", "kind", "group"]
    if years:
        columns.insert(2, "year")
        keys.append("year")
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts, ignore_index=True)
    low, high = table["allowed_min"], table["allowed_max"]
    # Groups nobody uses say nothing, unless they had to be used.
    table = table[
        (table["used"] != 0) | (table["group"] == "") | (low > 0)
    ].reset_index(drop=True)
    low, high, used = table["allowed_min"], table["allowed_max"], table["used"]
    table["slack"] = np.minimum(high - used, used - low)
    size = np.maximum(
        1e-9, np.where(high - used <= used - low, high.abs(), low.abs()).astype(float)
    )
    # What has no bound is only told, and holds nothing back.
    is_tight = (table["slack"] <= BINDING * size) & np.isfinite(table["slack"])
    table["binding"] = is_tight.to_numpy(dtype=bool)
    table["price"] = np.nan
    if duals is not None:
        rows = compiled.rows
        keep = rows.kind != ""
        price = pd.DataFrame(
            {
                "limit": rows.limit[keep],
                "kind": rows.kind[keep],
                "group": rows.group[keep],
                "year": rows.year[keep],
                "price": (duals * rows.scale)[keep],
            }
        )
        price = price[price["price"] != 0]
        total = price.groupby(keys)["price"].sum()
        key = pd.MultiIndex.from_frame(table[keys])
        has_row = set(zip(rows.limit[keep], rows.kind[keep], strict=True))
        duals_of = np.array([float(total.get(k, 0.0)) for k in key])
        known = [(k[0], k[1]) in has_row for k in key]
        table["price"] = np.where(known, duals_of * table["multiplier"], np.nan)
    told: pd.DataFrame = table[columns]
    return told


def reasons(
    compiled: Compiled,
    frame: gpd.GeoDataFrame,
    chosen: Any,
    mw: Floats,
    table: pd.DataFrame,
    built: pd.Series[Any] | None,
) -> list[str]:
    """Return one short sentence per chosen site."""
    problem = compiled.problem
    parts = [c for c in map(str, frame.columns) if c.endswith("_contribution")]
    biggest = np.zeros(problem.n_sites)
    # The most a site may take: its largest opening size, plus what a range adds.
    most = problem.column_mw * problem.upper
    more = np.flatnonzero(problem.column_opener >= 0)
    np.add.at(most, problem.column_opener[more], most[more])
    own = problem.open_columns
    np.maximum.at(biggest, problem.column_site[own], most[own])
    stands = problem.standing_mw
    tight = table[table["binding"].astype(bool)] if len(table) else table
    groups: list[tuple[str, Any, set[Any]]] = []
    for limit in compiled.limits:
        by = getattr(limit, "by", None)
        mine = tight[tight["limit"] == limit.name] if len(tight) else tight
        if not isinstance(by, str | pd.Series) or not len(mine):
            continue
        if isinstance(by, str) and by not in frame.columns:
            continue
        key = frame[by] if isinstance(by, str) else by.reindex(frame.index)
        groups.append((limit.name, key, set(mine["group"])))
    out = []
    for place, k in enumerate(chosen):
        said = [] if built is None else [f"built as {built.iloc[place]}"]
        if parts:
            row = frame.iloc[k][parts].astype(float).dropna()
            top = row.sort_values(ascending=False, kind="stable").head(3)
            said.append(
                ", ".join(
                    f"{name.removesuffix('_contribution')} {value:.2f}"
                    for name, value in top.items()
                    if value > 0
                )
            )
        if stands is not None and stands[k] > 0:
            said.append(f"stands already ({stands[k]:g} MW)")
        elif problem.fixed[k]:
            said.append("fixed")
        if mw[k] >= biggest[k] * (1 - 1e-9):
            said.append("largest size it can take")
        for name, key, names in groups:
            if key.iloc[k] in names:
                said.append(f"uses all of {name} ({key.iloc[k]})")
        out.append("; ".join(s for s in said if s))
    return out
