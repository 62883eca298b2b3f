"""Read a solution back as a plan: accounts, prices and a reason per site."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.optimization._compile import Compiled
from siteselect.optimization.draw import DRAW_COLUMNS, DRAWN, Draw, drawn_by_site
from siteselect.optimization.plan import SitePlan, relative_gap
from siteselect.optimization.problem import Floats
from siteselect.optimization.solution import Clock, Solution

#: A slack below this part of the bound counts as none.
BINDING = 1e-6


def plan_of(compiled: Compiled, found: Solution, clock: Clock) -> SitePlan:
    """Read a solution back as a plan."""
    assert found.x is not None
    problem, request = compiled.problem, compiled.request
    x = found.x
    mw = problem.sites_mw(x)
    pays = problem.column_payer >= 0
    cost, value = (
        np.bincount(
            problem.column_payer[pays],
            weights=(what * x)[pays],
            minlength=problem.n_sites,
        )
        for what in (problem.column_cost, problem.objective)
    )
    mw = np.round(mw, 9)
    chosen = np.flatnonzero(mw > 0)
    chosen = chosen[np.lexsort((chosen, -value[chosen].round(9), -mw[chosen]))]
    frame = problem.frame
    full = frame.assign(mw=mw, cost_usd=cost)
    shared = [limit for limit in compiled.limits if isinstance(limit, Draw)]
    draws = pd.concat(
        [pd.DataFrame(columns=list(DRAW_COLUMNS))]
        + [limit.draws(problem, x) for limit in shared],
        ignore_index=True,
    )
    for limit in shared:
        full[DRAWN.format(name=limit.name)] = drawn_by_site(
            draws, limit.name, full.index
        )
    table = account_table(compiled, full, found.duals)
    picked = request.sites.loc[frame.index[chosen]].copy()
    picked["mw"] = mw[chosen]
    picked["cost_usd"] = cost[chosen]
    for limit in shared:
        said = drawn_by_site(draws, limit.name, picked.index)
        picked[limit.name] = [
            "; ".join(f"{k}: {v:g} MW" for k, v in one.items()) for one in said
        ]
    picked["why"] = reasons(compiled, chosen, mw, table)
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
        x=x,
        duals=found.duals,
    )


def account_table(
    compiled: Compiled, full: gpd.GeoDataFrame, duals: Floats | None
) -> pd.DataFrame:
    """Return the accounts of all limits with slack, binding and price."""
    parts = [limit.check(full) for limit in compiled.limits]
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
    table["binding"] = (table["slack"] <= BINDING * size).to_numpy(dtype=bool)
    table["price"] = np.nan
    if duals is not None:
        rows = compiled.rows
        keep = rows.kind != ""
        price = pd.DataFrame(
            {
                "limit": rows.limit[keep],
                "kind": rows.kind[keep],
                "group": rows.group[keep],
                "price": (duals * rows.scale)[keep],
            }
        )
        price = price[price["price"] != 0]
        total = price.groupby(["limit", "kind", "group"])["price"].sum()
        key = pd.MultiIndex.from_frame(table[["limit", "kind", "group"]])
        has_row = set(zip(rows.limit[keep], rows.kind[keep], strict=True))
        found = np.array([float(total.get(k, 0.0)) for k in key])
        known = [(k[0], k[1]) in has_row for k in key]
        table["price"] = np.where(known, found * table["multiplier"], np.nan)
    return table[columns]


def reasons(
    compiled: Compiled, chosen: Any, mw: Floats, table: pd.DataFrame
) -> list[str]:
    """Return one short sentence per chosen site."""
    frame, problem = compiled.problem.frame, compiled.problem
    parts = [c for c in map(str, frame.columns) if c.endswith("_contribution")]
    biggest = np.zeros(problem.n_sites)
    own = problem.column_site >= 0
    # The most a site may take: its opening size, plus what a range adds.
    most = problem.column_mw * problem.upper
    np.maximum.at(biggest, problem.column_site[own], most[own])
    if (~problem.column_opens[own]).any():
        biggest = problem.sites_mw(problem.upper)
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
    for k in chosen:
        said = []
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
        if problem.fixed[k]:
            said.append("fixed")
        if mw[k] >= biggest[k] * (1 - 1e-9):
            said.append("largest size it can take")
        for name, key, names in groups:
            if key.iloc[k] in names:
                said.append(f"uses all of {name} ({key.iloc[k]})")
        out.append("; ".join(s for s in said if s))
    return out


def evidence_of(sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the weight on each kind of evidence, empty if criteria are unknown."""
    about = sites.attrs.get("siteselect", {})
    criteria = about.get("criteria", []) if isinstance(about, dict) else []
    table = pd.DataFrame(
        {
            "evidence": [str(c.get("evidence") or "unstated") for c in criteria],
            "weight": [float(c.get("weight", 0.0)) for c in criteria],
        }
    )
    if not len(table):
        return table
    total = table["weight"].sum() or 1.0
    return (
        (table.groupby("evidence")["weight"].sum() / total)
        .sort_values(ascending=False)
        .reset_index()
    )
