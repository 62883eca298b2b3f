"""Brute force over every kind of limit, one year and several.

Written from the public meanings alone: nothing here imports the library or shares
its way of thinking in columns and rows. `oracle_cases` draws the cases.

Every limit is told in three plain parts, given which sites are open in a year:
whether such a set is allowed, which sums of megawatts lie between which bounds, and,
where neither says it, a predicate on the megawatts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod
from scipy.optimize import linprog

GEOD = Geod(ellps="WGS84")
#: Relative room in comparisons: far above rounding, far below one step of the data.
ROOM = 1e-7

#: (coefficient per site's MW, constant, least or None, most or None)
Row = tuple[np.ndarray, float, float | None, float | None]


@dataclass(frozen=True)
class Option:
    """What one site may do: its size in every year, and whom it draws from."""

    path: tuple[float, ...]
    sources: tuple[Any, ...] = ()
    #: A continuous size instead, in a case without years: (least, most).
    piece: tuple[float, float] | None = None


@dataclass
class Case:
    """Candidates, arguments and the limits in plain words."""

    frame: gpd.GeoDataFrame
    arguments: dict[str, Any] = field(default_factory=dict)
    says: list[dict[str, Any]] = field(default_factory=list)
    seed: int = -1
    known: dict[Any, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        table = pd.DataFrame(self.frame.drop(columns="geometry"))
        table["xy"] = self.frame.geometry.to_wkt()
        says = [{k: v for k, v in s.items() if k != "demand"} for s in self.says]
        return f"seed {self.seed}\n{table.to_dict('list')}\n{self.arguments}\n{says}"

    @property
    def years(self) -> tuple[int, ...]:
        """Return the years of the case; one nameless year without any."""
        listed = self.arguments.get("years")
        if listed is not None:
            return tuple(listed)
        keys: set[int] = set()
        for name in ("power_mw", "it_mw", "budget_usd"):
            given = self.arguments.get(name)
            if isinstance(given, dict):
                keys |= set(given)
        return tuple(sorted(keys)) or (0,)

    @property
    def has_years(self) -> bool:
        """Return whether the case has years."""
        return self.years != (0,)

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of limits and arguments that occur."""
        out = {say["kind"] for say in self.says}
        out |= {k for k, v in self.arguments.items() if v not in (None, [], {}, ())}
        if self.has_years:
            out.add("years")
        return out


# -- reading the data -------------------------------------------------------------


def column(case: Case, name: str) -> np.ndarray:
    """Return a column as floats."""
    return case.frame[name].to_numpy(dtype=float)


def is_free(case: Case) -> np.ndarray:
    """Return which candidates may be built at."""
    if "free" not in case.known:
        frame = case.frame
        free = ~np.isnan(column(case, "score")) & (column(case, "capacity_mw") > 0)
        if "excluded_by" in frame:
            free &= frame["excluded_by"].to_numpy() == ""
        case.known["free"] = free
    free_: np.ndarray = case.known["free"]
    return free_


def is_able(case: Case) -> np.ndarray:
    """Return which candidates count: those to build at, and what stands already."""
    there = np.array([stands(case, i) > 0 for i in range(len(case.frame))])
    return is_free(case) | there


def kilometres(case: Case, places: gpd.GeoDataFrame) -> np.ndarray:
    """Return the geodesic distance of each site to each place [km]."""
    if id(places) not in case.known:
        out = np.zeros((len(case.frame), len(places)))
        for i, p in enumerate(case.frame.geometry):
            for j, q in enumerate(places.geometry):
                out[i, j] = GEOD.inv(p.x, p.y, q.x, q.y)[2] / 1000.0
        # The places are kept as well, so that their id stays theirs.
        case.known[id(places)] = (places, out)
    distance: np.ndarray = case.known[id(places)][1]
    return distance


def per_site(case: Case, spec: Any) -> np.ndarray:
    """Return a number or a column as an array over the sites."""
    if isinstance(spec, str):
        return column(case, spec)
    return np.full(len(case.frame), float(spec))


def amount(case: Case, spec: Any, key: Any, members: np.ndarray, year: int) -> float:
    """Return a bound in plain words for one group in one year.

    ``spec`` is a number, ``("column", name)``, ``("mapping", {...})``,
    ``("series", {...})``, ``("years", {year: spec})`` or
    ``("arriving", spec, year, before)``.
    """
    if not isinstance(spec, tuple):
        return float(spec)
    how = spec[0]
    if how == "column":
        return float(column(case, spec[1])[members][0])
    if how in ("mapping", "series"):
        return float(spec[1][key])
    if how == "arriving":
        arrives = amount(case, spec[2], key, members, year)
        return amount(case, spec[1] if year >= arrives else spec[3], key, members, year)
    listed = [y for y in sorted(spec[1]) if y <= year]
    if not listed:
        return 0.0
    return amount(case, spec[1][listed[-1]], key, members, year)


def at_year(value: Any, year: int) -> Any:
    """Return what an argument that may be given by year says of one year."""
    return value.get(year) if isinstance(value, dict) else value


def between(value: Any) -> tuple[float | None, float | None]:
    """Return (least, most) of a number ("at most"), a pair or nothing."""
    if value is None:
        return None, None
    if isinstance(value, tuple):
        return value
    return None, float(value)


# -- the limits in plain words ----------------------------------------------------


def rows_of(
    case: Case, say: dict[str, Any], opened: np.ndarray, year: int
) -> Iterator[Row]:
    """Yield the sums of megawatts that a limit bounds, for open sites in a year."""
    kind = say["kind"]
    is_last = year == case.years[-1]
    frame = case.frame
    able = is_able(case)
    if kind == "limit":
        per_mw = per_site(case, say["per_mw"])
        each = per_site(case, say["per_site"])
        key = np.zeros(len(frame)) if say["by"] is None else frame[say["by"]].to_numpy()
        for group in sorted(set(key[able])):
            inside = (key == group) & able
            low, high = say["at_least"], say["at_most"]
            if isinstance(low, tuple) and low[0] == "years":
                least = amount(case, low, group, inside, year)
            else:
                least = (
                    amount(case, low, group, inside, year)
                    if low is not None and is_last
                    else None
                )
            most = None if high is None else amount(case, high, group, inside, year)
            yield (
                np.where(inside, per_mw, 0.0),
                float(each[inside & opened].sum()),
                least,
                most,
            )
    elif kind == "present value":
        rate, n = say["discount_rate"], say["life"]
        worth = sum((1 + rate) ** -k for k in range(1, n + 1))
        per_mw = column(case, "cost_usd_per_mw") + worth * per_site(case, say["yearly"])
        each = column(case, "fixed_cost_usd") + worth * per_site(
            case, say["yearly_site"]
        )
        yield per_mw / 1e6, float(each[opened].sum()) / 1e6, None, say["at_most"] / 1e6
    elif kind in ("average", "share"):
        value = column(case, say["column"])
        for bound, sign in ((say["at_least"], -1.0), (say["at_most"], 1.0)):
            if bound is not None:
                yield sign * (value - bound), 0.0, None, 0.0
    elif kind == "spread" and say["max_share"] is not None:
        key = frame[say["by"]].to_numpy()
        for group in set(key[able]):
            yield (key == group) * 1.0 - say["max_share"], 0.0, None, 0.0


def set_is_allowed(
    case: Case, say: dict[str, Any], opened: np.ndarray, year: int
) -> bool:
    """Return whether a limit allows these sites to be open in a year."""
    kind = say["kind"]
    frame = case.frame
    is_last = year == case.years[-1]
    able = is_able(case)
    labels = frame.index
    if kind == "spread":
        key = frame[say["by"]].to_numpy()[opened]
        if say["at_least"] is not None and is_last and len(set(key)) < say["at_least"]:
            return False
        most = say["max_sites_per_group"]
        return most is None or all((key == g).sum() <= most for g in set(key))
    if kind == "spacing":
        where = np.flatnonzero(opened)
        apart = kilometres(case, frame)
        within = say["within"]
        for i, j in itertools.combinations(where, 2):
            same = within is None or frame[within].iloc[i] == frame[within].iloc[j]
            if same and apart[i, j] < say["km"] * (1 - 1e-9):
                return False
        return True
    if kind == "choose":
        count = int(opened[labels.isin(say["sites"])].sum())
        if say["at_most"] is not None and count > say["at_most"]:
            return False
        return say["at_least"] is None or not is_last or count >= say["at_least"]
    if kind in ("all or none", "if then", "cluster") and not is_last:
        # Rules between sites are about the sites that are chosen, whenever they open.
        return True
    if kind == "all or none":
        named = able & (
            np.ones(len(frame), bool)
            if say["sites"] is None
            else labels.isin(say["sites"])
        )
        key = np.zeros(len(frame)) if say["by"] is None else frame[say["by"]].to_numpy()
        return all(
            len(set(opened[named & (key == group)])) <= 1 for group in set(key[named])
        )
    if kind == "if then":
        first = opened[labels.isin(say["if_any"])].any()
        return not first or bool(opened[labels.isin(say["then_any"])].any())
    if kind == "cluster":
        hubs = labels.isin(say["sites"]) & opened
        apart = kilometres(case, frame)
        return all(
            (apart[i][hubs] <= say["km"] * (1 + 1e-9)).any()
            for i in np.flatnonzero(opened)
        )
    if kind == "cover":
        if not is_last:
            return True
        demand = say["demand"]
        weight = demand["population"].to_numpy(dtype=float)
        apart = kilometres(case, demand)
        # One way in fiber: 1.5 times the great circle, 4.9 microseconds a km.
        reach = say["km"] if say["km"] is not None else say["ms"] * 1000 / 4.9 / 1.5
        hit = (apart[opened] <= reach * (1 + 1e-9)).any(axis=0)
        return bool(weight[hit].sum() >= say["at_least"] * weight.sum() * (1 - ROOM))
    return True


def mw_are_allowed(
    case: Case, say: dict[str, Any], mw: np.ndarray, year: int
) -> np.ndarray:
    """Return which plans (rows of ``mw``) a limit allows in a year, all told."""
    if say["kind"] == "chance" and year == case.years[-1]:
        # One fate for all, or none left to chance: a hundred equal parts of a draw
        # between 0 and 1, in which a site comes through where the draw is below p.
        p = column(case, say["p_success"])
        share = np.zeros(len(mw))
        for part in range(100):
            comes = (part + 0.5) / 100 < p
            arrived = (mw * comes).sum(axis=1)
            share += arrived >= say["mw"] * (1 - ROOM)
        return share >= 100 * say["probability"] - 1e-6
    return np.ones(len(mw), dtype=bool)


def built_in(case: Case) -> list[dict[str, Any]]:
    """Return the limits among the arguments, in the same plain words."""
    out = []
    arguments = case.arguments
    if arguments.get("min_spacing_km"):
        out.append(
            {"kind": "spacing", "km": arguments["min_spacing_km"], "within": None}
        )
    return out


def total_rows(case: Case, year: int) -> Iterator[Row]:
    """Yield the bounds of the total power in a year."""
    is_last = year == case.years[-1]
    n = len(case.frame)
    per_it = 1.0 / (
        column(case, "peak_ratio") if "peak_ratio" in case.frame else np.full(n, 1.30)
    )
    for name, per_mw in (("power_mw", np.ones(n)), ("it_mw", per_it)):
        given = case.arguments.get(name)
        low, high = between(at_year(given, year))
        if not isinstance(given, dict) and not is_last:
            low = None
        if (low, high) != (None, None):
            yield per_mw, 0.0, low, high


def count_is_allowed(case: Case, opened: np.ndarray, year: int) -> bool:
    """Return whether number, fixed and forbidden sites are as asked."""
    arguments = case.arguments
    labels = case.frame.index
    if opened.sum() > arguments.get("max_sites", len(labels)):
        return False
    if opened[labels.isin(arguments.get("forbidden", ()))].any():
        return False
    if year != case.years[-1]:
        return True
    if opened.sum() < arguments.get("min_sites", 0):
        return False
    return bool(opened[labels.isin(arguments.get("fixed", ()))].all())


def holds(row: Row, mw: np.ndarray) -> np.ndarray:
    """Return which plans keep a row."""
    per_mw, constant, low, high = row
    used = mw @ per_mw + constant
    size = np.abs(mw) @ np.abs(per_mw) + abs(constant)
    keep = np.ones(len(mw), dtype=bool)
    if low is not None:
        keep &= used >= low - ROOM * np.maximum(1.0, size)
    if high is not None:
        keep &= used <= high + ROOM * np.maximum(1.0, size)
    return keep


def allowed(
    case: Case, mw: np.ndarray, says: list[dict[str, Any]], is_whole: bool = True
) -> np.ndarray:
    """Return which plans, shape (plans, sites, years), keep these limits.

    ``is_whole`` adds the limits among the arguments, money apart.
    """
    keep = np.ones(len(mw), dtype=bool)
    weight = 2 ** np.arange(mw.shape[1])
    for t, year in enumerate(case.years):
        code = (mw[:, :, t] > 0) @ weight
        for c in np.unique(code[keep]):
            where = np.flatnonzero(keep & (code == c))
            opened = (c & weight) > 0
            here = mw[where, :, t]
            fine = np.ones(len(where), dtype=bool)
            if is_whole and not count_is_allowed(case, opened, year):
                fine[:] = False
            for say in says + (built_in(case) if is_whole else []):
                if not fine.any():
                    break
                if not set_is_allowed(case, say, opened, year):
                    fine[:] = False
                    break
                for row in rows_of(case, say, opened, year):
                    fine &= holds(row, here)
                fine &= mw_are_allowed(case, say, here, year)
            if is_whole:
                for row in total_rows(case, year):
                    fine &= holds(row, here)
            keep[where] = fine
    return keep


# -- what each site may do --------------------------------------------------------


def draws(case: Case, split: bool) -> list[dict[str, Any]]:
    """Return the limits that let sites draw from sources."""
    return [s for s in case.says if s["kind"] == "draw" and s["split"] == split]


def sizes_of(case: Case, i: int) -> list[float | tuple[float, float]]:
    """Return the sizes and ranges that are offered at a site."""
    there = stands(case, i)
    if not is_free(case)[i]:
        return [there] if there else []
    capacity = float(case.frame["capacity_mw"].iloc[i])
    given = case.arguments.get("site_mw")
    if isinstance(given, dict):
        entries: list[Any] = [m for m, c in given.items() if case.frame[c].iloc[i]]
    else:
        entries = given if isinstance(given, list) else [given]
    out: list[float | tuple[float, float]] = [there] if there else []
    for entry in entries:
        if entry is None or isinstance(entry, tuple):
            low, high = entry or (None, None)
            # A chosen site of a range takes at least 0.1 MW.
            low = max(low or 0.0, 0.1, there)
            high = capacity if high is None else min(capacity, high)
            if low <= high:
                out.append((low, high))
        elif there <= entry <= capacity and entry not in out:
            out.append(float(entry))
    return out


def options(case: Case) -> list[list[Option]]:
    """Return what each site may do."""
    out = []
    for i, label in enumerate(case.frame.index):
        sizes = sizes_of(case, i)
        pieces = [s for s in sizes if isinstance(s, tuple)]
        plain = sorted(s for s in sizes if not isinstance(s, tuple))
        ladder = plain if stands(case, i) else [0.0, *plain]
        paths = [
            Option(p)
            for p in itertools.combinations_with_replacement(ladder, len(case.years))
        ]
        paths += [Option((s[0],), (), s) for s in pieces]
        linked: list[Option] = []
        reach = [
            [r.source for r in say["links"].itertuples() if r.site == label]
            for say in draws(case, split=False)
        ]
        for option in paths:
            if not any(option.path):
                linked.append(option)
                continue
            linked += [
                Option(option.path, sources, option.piece)
                for sources in itertools.product(*reach)
            ]
        out.append(linked)
    return out


def link_of(say: dict[str, Any], label: Any, source: Any) -> tuple[float, float]:
    """Return what joining a source costs: (per MW, at once)."""
    links = say["links"]
    row = links[(links["site"] == label) & (links["source"] == source)].iloc[0]
    return float(row.get("cost_usd_per_mw", 0.0)), float(row.get("cost_usd", 0.0))


def prices(case: Case, i: int, option: Option, mw: float) -> tuple[float, float]:
    """Return what a site costs from nothing, (per MW, at once), at a size."""
    arguments, frame = case.arguments, case.frame

    def one(name: str, default: str) -> float:
        given = arguments.get(name, default)
        if isinstance(given, dict):
            given = given[mw]
        return float(frame[given].iloc[i])

    per_mw = one("cost_per_mw", "cost_usd_per_mw")
    once = one("fixed_cost", "fixed_cost_usd")
    for say, source in zip(draws(case, split=False), option.sources, strict=False):
        more, join = link_of(say, frame.index[i], source)
        per_mw, once = per_mw + more, once + join
    return per_mw, once


def cost(case: Case, i: int, option: Option, mw: float) -> float:
    """Return what a site costs from nothing at a size [USD]."""
    if mw == 0:
        return 0.0
    per_mw, once = prices(case, i, option, mw)
    return per_mw * mw + once


def stands(case: Case, i: int) -> float:
    """Return what stands at a site already [MW]."""
    given: dict[Any, float] = case.arguments.get("existing", {})
    return float(given.get(case.frame.index[i], 0.0))


def spent(case: Case, i: int, option: Option) -> list[float]:
    """Return what a site costs in each period [USD]: the more over what stood."""
    path = [stands(case, i), *option.path]
    worth = [cost(case, i, option, mw) for mw in path]
    return [b - a for a, b in itertools.pairwise(worth)]


def discounts(case: Case) -> np.ndarray:
    """Return the weight of each year."""
    first = case.years[0]
    rate = case.arguments.get("discount_rate", 0.0)
    return np.array([(1 + rate) ** -(y - first) for y in case.years])


def split_costs(case: Case, mw: np.ndarray) -> float | None:
    """Return the least cost of the links of split draws, None if there is no way.

    ``mw`` has shape (sites,): only cases without years split.
    """
    total = 0.0
    for say in draws(case, split=True):
        use = per_site(case, say["per_mw"])
        rows = [
            r
            for r in say["links"].itertuples()
            if mw[case.frame.index.get_loc(r.site)] > 0
        ]
        sources = sorted({r.source for r in say["links"].itertuples()})
        opened = [i for i in range(len(mw)) if mw[i] > 0]
        where = {case.frame.index[i]: k for k, i in enumerate(opened)}
        best = None
        paid = [getattr(r, "cost_usd", 0.0) for r in rows]
        free = [k for k, c in enumerate(paid) if c == 0]
        dear = [k for k, c in enumerate(paid) if c > 0]
        for joined in itertools.product((False, True), repeat=len(dear)):
            chosen = free + [k for k, j in zip(dear, joined, strict=True) if j]
            once = sum(paid[k] for k in chosen)
            if best is not None and once >= best:
                continue
            eq = np.zeros((len(opened), len(chosen)))
            ub = np.zeros((len(sources), len(chosen)))
            c = np.zeros(len(chosen))
            for col, k in enumerate(chosen):
                r = rows[k]
                i = case.frame.index.get_loc(r.site)
                eq[where[r.site], col] = 1.0
                ub[sources.index(r.source), col] = use[i]
                c[col] = getattr(r, "cost_usd_per_mw", 0.0) / 1e6
            room = [amount(case, say["at_most"], s, np.array([]), 0) for s in sources]
            if not opened:
                best = 0.0
                continue
            if not chosen:
                continue
            found = linprog(c, A_ub=ub, b_ub=room, A_eq=eq, b_eq=mw[opened])
            if found.status == 0:
                usd = float(found.fun) * 1e6 + once
                best = usd if best is None else min(best, usd)
        if best is None:
            return None
        total += best
    return total


def budget_holds(case: Case, usd: np.ndarray) -> np.ndarray:
    """Return which plans keep the budget, from dollars of shape (plans, years)."""
    budget = case.arguments.get("budget_usd")
    keep = np.ones(len(usd), dtype=bool)
    if budget is None:
        return keep
    if not isinstance(budget, dict):
        total = usd.sum(axis=1)
        return total <= budget + ROOM * np.maximum(total, 1e6)
    begin = 0
    for t, year in enumerate(case.years):
        if year in budget:
            # The period that ends with this year begins after the one before.
            period = usd[:, begin : t + 1].sum(axis=1)
            keep &= period <= budget[year] + ROOM * np.maximum(period, 1e6)
            begin = t + 1
    return keep


# -- brute force ------------------------------------------------------------------


def sources_hold(case: Case, combos: list[list[Option]], picks: np.ndarray) -> Any:
    """Return which plans keep what the sources of single draws can give."""
    keep = np.ones(len(picks), dtype=bool)
    for d, say in enumerate(draws(case, split=False)):
        use = per_site(case, say["per_mw"])
        for source in sorted(set(say["links"]["source"])):
            for t, year in enumerate(case.years):
                used = np.zeros(len(picks))
                for i, many in enumerate(combos):
                    mine = [
                        o.path[t] * use[i]
                        if any(o.path) and o.sources[d] == source
                        else 0.0
                        for o in many
                    ]
                    used += np.array(mine)[picks[:, i]]
                most = amount(case, say["at_most"], source, np.array([]), year)
                keep &= used <= most + ROOM * np.maximum(1.0, used)
    return keep


def objective_of(case: Case) -> np.ndarray | None:
    """Return the value of a MW at each site; None where cost is minimised."""
    name = case.arguments.get("objective", "score")
    return None if name == "cost" else column(case, name)


def brute_force(case: Case) -> float | None:
    """Return the best objective over all plans, None if there is none."""
    combos = options(case)
    if any(o.piece for many in combos for o in many):
        return brute_force_pieces(case, combos)
    if not all(combos):
        return None
    sizes = [range(len(many)) for many in combos]
    picks = np.array(list(itertools.product(*sizes)), dtype=int)
    paths = [np.array([o.path for o in many]) for many in combos]
    mw = np.stack([p[picks[:, i]] for i, p in enumerate(paths)], axis=1)
    money = [
        np.array([spent(case, i, o) for o in many]) for i, many in enumerate(combos)
    ]
    usd = np.sum([m[picks[:, i]] for i, m in enumerate(money)], axis=0)
    keep = allowed(case, mw, case.says) & sources_hold(case, combos, picks)
    keep &= budget_holds(case, usd)
    weight = discounts(case)
    value = objective_of(case)
    per_year = -usd if value is None else np.nan_to_num(value) @ mw
    reward = per_year @ weight
    where = np.flatnonzero(keep)
    if not draws(case, split=True):
        if not where.size:
            return None
        best = float(reward[where].max())
        return -best if value is None else best
    # Links of split draws cost money and may not suffice: best plans first.
    found: float | None = None
    for k in where[np.argsort(-reward[where], kind="stable")]:
        if found is not None and reward[k] <= found:
            break
        more = split_costs(case, mw[k, :, -1])
        if more is None or not budget_holds(case, usd[[k]] + more)[0]:
            continue
        now = float(reward[k]) - (more if value is None else 0.0)
        found = now if found is None else max(found, now)
    if found is None:
        return None
    return -found if value is None else found


def brute_force_pieces(case: Case, combos: list[list[Option]]) -> float | None:
    """Return the best objective where sizes may be continuous (no years)."""
    value = objective_of(case)
    year = case.years[-1]
    n = len(combos)
    tried = []
    for plan in itertools.product(*combos):
        low = np.array([o.piece[0] if o.piece else o.path[0] for o in plan])
        high = np.array([o.piece[1] if o.piece else o.path[0] for o in plan])
        opened = high > 0
        if not count_is_allowed(case, opened, year):
            continue
        says = case.says + built_in(case)
        if not all(set_is_allowed(case, s, opened, year) for s in says):
            continue
        rows = [r for s in says for r in rows_of(case, s, opened, year)]
        rows += list(total_rows(case, year))
        for d, say in enumerate(draws(case, split=False)):
            use = per_site(case, say["per_mw"])
            for source in sorted(set(say["links"]["source"])):
                mine = [
                    bool(high[i]) and plan[i].sources[d] == source for i in range(n)
                ]
                most = amount(case, say["at_most"], source, np.array([]), year)
                rows.append((use * mine, 0.0, None, most))
        price = [prices(case, i, o, o.path[0]) for i, o in enumerate(plan)]
        per_mw = np.array([p for p, _ in price]) * opened
        once = sum(f for (_, f), is_open in zip(price, opened, strict=True) if is_open)
        once -= sum(cost(case, i, o, stands(case, i)) for i, o in enumerate(plan))
        if case.arguments.get("budget_usd") is not None:
            rows.append(
                (per_mw / 1e6, once / 1e6, None, case.arguments["budget_usd"] / 1e6)
            )
        gain = -per_mw if value is None else np.nan_to_num(value)
        constant = -once if value is None else 0.0
        hope = float(np.maximum(gain * low, gain * high).sum() + constant)
        tried.append((hope, low, high, rows, gain, constant))
    tried.sort(key=lambda x: -x[0])
    best: float | None = None
    for hope, low, high, rows, gain, constant in tried:
        if best is not None and hope <= best:
            break
        found = best_mw(low, high, rows, gain)
        if found is not None:
            now = found + constant
            best = now if best is None else max(best, now)
    if best is None:
        return None
    return -best if value is None else best


def best_mw(
    low: np.ndarray, high: np.ndarray, rows: list[Row], gain: np.ndarray
) -> float | None:
    """Return the largest gain over a box and rows, None if nothing fits."""
    a, b = [], []
    for per_mw, constant, least, most in rows:
        ends = np.stack([per_mw * low, per_mw * high])
        smallest, largest = ends.min(axis=0).sum(), ends.max(axis=0).sum()
        room = ROOM * max(1.0, np.abs(ends).max(axis=0).sum() + abs(constant))
        if least is not None:
            if largest + constant < least - room:
                return None
            a.append(-per_mw)
            b.append(constant - least + room * (smallest == largest))
        if most is not None:
            if smallest + constant > most + room:
                return None
            a.append(per_mw)
            b.append(most - constant + room * (smallest == largest))
    if (low == high).all():
        mw = low[None, :]
        fine = all(holds(row, mw)[0] for row in rows)
        return float(gain @ low) if fine else None
    found = linprog(
        -gain,
        A_ub=np.array(a) if a else None,
        b_ub=np.array(b) if b else None,
        bounds=np.stack([low, high], axis=1),
        method="highs",
    )
    return -float(found.fun) if found.status == 0 else None
