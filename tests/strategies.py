"""Hypothesis strategies: small siting problems, and brute force for them.

``brute_force`` is plain Python over all combinations. It shares no code with the
library: it reads the same inputs and nothing else.
"""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy.optimize import linprog

import siteselect.optimization as opt

#: Factor on the counts of the soak tests.
SOAK = int(os.environ.get("SITESELECT_SOAK", "1"))
#: Factor on the drawn examples of all tests; a slow machine draws fewer.
EXAMPLES = float(os.environ.get("SITESELECT_EXAMPLES", "1"))
_GEOD = Geod(ellps="WGS84")


def examples(n: int, **kwargs: Any) -> settings:
    """Return settings for ``n`` examples, times SITESELECT_EXAMPLES if set."""
    return settings(
        max_examples=max(1, int(n * EXAMPLES)),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        **kwargs,
    )


@dataclass
class Instance:
    """Candidates and arguments; ``says`` describes the limits for brute force."""

    sites: gpd.GeoDataFrame
    arguments: dict[str, Any]
    says: list[dict[str, Any]] = field(default_factory=list)

    def __repr__(self) -> str:
        table = pd.DataFrame(self.sites.drop(columns="geometry"))
        table["xy"] = self.sites.geometry.to_wkt()
        return f"{table.to_dict('list')}\n{self.arguments}\n{self.says}"


def frames(rng: random.Random, n_max: int = 8) -> gpd.GeoDataFrame:
    """Draw candidates with all columns that limits may read."""
    # Mostly large ones; the few tiny ones hold the corner cases.
    n = rng.choice([n_max] * 6 + [n_max - 1] * 3 + [2, 1])

    def column(values: Any) -> list[Any]:
        return [rng.choice(values) for _ in range(n)]

    x = column(range(13))
    y = column(range(7))
    sub = column("abc")
    county = column([1, 2, 3])
    headroom = {s: rng.choice([450.0, 250.0, 300.0, 100.0]) for s in "abc"}
    water = {c: rng.choice([2000.0, 700.0, 1200.0]) for c in (1, 2, 3)}
    score = [k / 40 for k in column(range(1, 41))]
    if n > 2 and rng.random() < 0.5:
        score[rng.randint(0, n - 1)] = np.nan
    frame = gpd.GeoDataFrame(
        {
            "score": score,
            "capacity_mw": column(
                [400.0, 160.0, 300.0, 250.0, 400.0, 120.0, 60.0, 0.0]
            ),
            "cost_usd_per_mw": [k * 1e6 for k in column(range(6, 15))],
            "fixed_cost_usd": [k * 1e6 for k in column(range(91))],
            "carbon": [float(k) for k in column(range(100, 601))],
            "water": [float(k) for k in column(range(1, 10))],
            "jobs": [float(k) for k in column(range(21))],
            "is_clean": column([True, False]),
            "substation": sub,
            "headroom_mw": [headroom[s] for s in sub],
            "county": county,
            "water_available": [water[c] for c in county],
            "state": column(["OH", "TX", "UT"]),
        },
        geometry=gpd.points_from_xy(
            [-100 + 0.25 * k for k in x], [34 + 0.25 * k for k in y]
        ),
        crs=4326,
    )
    frame.index = pd.Index([f"s{k}" for k in range(n)], name="site")
    if n > 2 and rng.random() < 0.5:
        frame["excluded_by"] = ""
        frame.loc[frame.index[rng.randint(0, n - 1)], "excluded_by"] = "lakes"
    return frame


KINDS = [
    "headroom",
    "water",
    "count",
    "floor",
    "average",
    "share",
    "distinct",
    "per group",
    "group share",
    "spacing",
    "spacing within",
]


def _limits(rng: random.Random, frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Draw limits as plain dictionaries; `build_limits` makes them objects."""
    out: list[dict[str, Any]] = []
    # Many limits at once mostly leave nothing to choose: draw them rarely.
    most = rng.choice([1, 1, 2, 2, 3, 4])
    kinds = rng.sample(KINDS, rng.randint(1, most))
    for kind in kinds:
        say: dict[str, Any] = {"kind": kind}
        if kind in ("headroom", "water"):
            say["how"] = rng.choice(["column", "mapping", "series", "number"])
            say["number"] = rng.choice([200.0, 400.0, 900.0])
        elif kind == "count":
            say["number"] = rng.randint(1, 4)
        elif kind == "floor":
            say["number"] = rng.choice([1.0, 10.0, 10.0, 40.0, 200.0])
            say["by"] = rng.choice([None, "state"])
        elif kind == "average":
            say["most"] = rng.choice([None, 350.0, 400.0, 500.0, 200.0])
            say["least"] = (
                rng.choice([120.0, 300.0, 220.0]) if say["most"] is None else None
            )
        elif kind == "share":
            say["least"] = rng.choice([None, 0.25, 0.25, 0.5, 1.0])
            say["most"] = rng.choice([0.5, 0.75, 0.0]) if say["least"] is None else None
        elif kind == "distinct":
            say["number"] = rng.choice([2, 1, 3])
        elif kind == "per group":
            say["number"] = rng.choice([1, 2, 0])
        elif kind == "group share":
            say["number"] = rng.choice([0.4, 0.5, 0.75])
        else:
            say["km"] = rng.choice([20.0, 40.0, 75.0, 120.0])
        out.append(say)
    return out


def build_limits(frame: gpd.GeoDataFrame, says: list[dict[str, Any]]) -> list[Any]:
    """Return the limit objects of plain descriptions."""
    out: list[Any] = []
    for say in says:
        kind = say["kind"]
        if kind in ("headroom", "water"):
            by, column, per = (
                ("substation", "headroom_mw", 1)
                if kind == "headroom"
                else ("county", "water_available", "water")
            )
            keyed = frame.groupby(by)[column].first()
            most = {
                "column": column,
                "mapping": keyed.to_dict(),
                "series": keyed,
                "number": say["number"],
            }[say["how"]]
            out.append(opt.Limit(kind, per_mw=per, by=by, at_most=most))
        elif kind == "count":
            out.append(opt.Limit(kind, per_site="jobs", at_most=10 * say["number"]))
        elif kind == "floor":
            per_mw = pd.Series(0.01 * frame["jobs"], index=frame.index)
            out.append(
                opt.Limit(
                    kind,
                    per_mw=per_mw,
                    per_site=1,
                    by=say["by"],
                    at_least=say["number"] / 10,
                )
            )
        elif kind == "average":
            out.append(
                opt.Average(kind, "carbon", at_most=say["most"], at_least=say["least"])
            )
        elif kind == "share":
            out.append(
                opt.Share(kind, "is_clean", at_least=say["least"], at_most=say["most"])
            )
        elif kind == "distinct":
            out.append(opt.Spread(kind, "state", at_least=say["number"]))
        elif kind == "per group":
            out.append(opt.Spread(kind, "county", max_sites_per_group=say["number"]))
        elif kind == "group share":
            out.append(opt.Spread(kind, "state", max_share=say["number"]))
        elif kind == "spacing":
            out.append(opt.Spacing(say["km"]))
        else:
            out.append(opt.Spacing(say["km"], within="state", name=kind))
    return out


def instances(kind: str = "sizes") -> st.SearchStrategy[Instance]:
    """Return a strategy for small problems; ``kind`` is "sizes" or "range".

    One seed is drawn per problem: drawn piece by piece, most examples would be
    variations of the one before, and a count of them would say little.
    """
    return st.integers(0, 2**32).map(lambda seed: instance(random.Random(seed), kind))


def instance(rng: random.Random, kind: str = "sizes") -> Instance:
    """Draw one small problem; one without a plan gets a second try."""
    first = any_instance(rng, kind)
    return any_instance(rng, kind) if brute_force(first) is None else first


def any_instance(rng: random.Random, kind: str) -> Instance:
    """Draw one small problem, whether it has a plan or not."""
    if kind == "sizes":
        sizes = rng.sample([50, 100, 150, 200, 300], rng.randint(1, 3))
        frame = frames(rng, {1: 8, 2: 6, 3: 5}[len(sizes)])
        site_mw: Any = sizes
    else:
        frame = frames(rng, 5)
        low = rng.choice([None, 0, 40, 100, None])
        high = rng.choice([None, None, 300, 150])
        site_mw = None if low is None and high is None else (low, high)
    says = _limits(rng, frame)
    arguments: dict[str, Any] = {"site_mw": site_mw}
    objective = rng.choice(["score", "score", "score", "cost", "jobs"])
    low, high = rng.choice(
        [
            (None, 600),
            (200, 700),
            (300, 300),
            (None, 450),
            (150, None),
            (500, 800),
            (None, None),
        ]
    )
    if objective == "cost" and low is None:
        low = 150
    arguments["objective"] = objective
    if (low, high) != (None, None):
        arguments["power_mw"] = (low, high)
    if rng.random() < 0.5:
        arguments["budget_usd"] = rng.choice([6e9, 3e9, 8e9, 4.5e9, 1.5e9, 0.0])
    if rng.random() < 0.5:
        arguments["max_sites"] = rng.choice([3, 4, 2, 3, 1])
    if rng.randint(0, 5) == 5:
        arguments["min_sites"] = rng.randint(1, arguments.get("max_sites", 3))
    if "spacing" not in [s["kind"] for s in says] and rng.randint(0, 3) == 3:
        arguments["min_spacing_km"] = rng.choice([30.0, 60.0])
    labels = list(frame.index)
    if rng.randint(0, 3) == 3:
        arguments["forbidden"] = [rng.choice(labels)]
    if rng.randint(0, 4) == 4:
        site = rng.choice(labels)
        is_closed = site in arguments.get("forbidden", ())
        if can_hold(frame, site, site_mw) and not is_closed:
            arguments["fixed"] = [site]
    return Instance(frame, arguments, says)


# -- brute force ----------------------------------------------------------------


def is_able(frame: gpd.GeoDataFrame, site: str) -> bool:
    """Return whether a candidate may be chosen at all."""
    row = frame.loc[site]
    if row.get("excluded_by", ""):
        return False
    return not np.isnan(row["score"]) and row["capacity_mw"] > 0


def least_most(site_mw: Any, capacity: float) -> tuple[float, float]:
    """Return the range of a site under a range of sizes."""
    low, high = site_mw if site_mw is not None else (None, None)
    low = max(low or 0.0, 0.1)
    return low, capacity if high is None else min(capacity, high)


def can_hold(frame: gpd.GeoDataFrame, site: str, site_mw: Any) -> bool:
    """Return whether any size fits a candidate."""
    if not is_able(frame, site):
        return False
    capacity = float(frame.at[site, "capacity_mw"])
    if isinstance(site_mw, list):
        return min(site_mw) <= capacity
    low, high = least_most(site_mw, capacity)
    return low <= high


def distance_km(frame: gpd.GeoDataFrame, a: str, b: str) -> float:
    """Return the geodesic distance between two candidates."""
    p, q = frame.geometry[a], frame.geometry[b]
    return _GEOD.inv(p.x, p.y, q.x, q.y)[2] / 1000


def linear_rows(instance: Instance, chosen: list[str]) -> list[Any]:
    """Return (coefficients of MW, constant, least, most) for a set of open sites."""
    frame, arguments = instance.sites, instance.arguments
    rows: list[Any] = []

    def add(per_mw: list[float], constant: float, low: Any, high: Any) -> None:
        rows.append((per_mw, constant, low, high))

    ones = [1.0] * len(chosen)
    power = arguments.get("power_mw")
    if power is not None:
        add(ones, 0.0, power[0], power[1])
    if "budget_usd" in arguments:
        cost = [float(frame.at[s, "cost_usd_per_mw"]) for s in chosen]
        fixed = sum(float(frame.at[s, "fixed_cost_usd"]) for s in chosen)
        add([c / 1e6 for c in cost], fixed / 1e6, None, arguments["budget_usd"] / 1e6)
    able = [s for s in frame.index if is_able(frame, s)]
    for say in instance.says:
        kind = say["kind"]
        if kind in ("headroom", "water"):
            by = "substation" if kind == "headroom" else "county"
            column = "headroom_mw" if kind == "headroom" else "water_available"
            for group in {frame.at[s, by] for s in able}:
                use = [
                    (1.0 if kind == "headroom" else float(frame.at[s, "water"]))
                    * (frame.at[s, by] == group)
                    for s in chosen
                ]
                most = say["number"]
                if say["how"] != "number":
                    first = next(s for s in frame.index if frame.at[s, by] == group)
                    most = float(frame.at[first, column])
                add(use, 0.0, None, most)
        elif kind == "count":
            jobs = sum(float(frame.at[s, "jobs"]) for s in chosen)
            add([0.0] * len(chosen), jobs, None, 10 * say["number"])
        elif kind == "floor":
            keys = [""] if say["by"] is None else {frame.at[s, say["by"]] for s in able}
            for group in keys:
                inside = [
                    1.0 if say["by"] is None else float(frame.at[s, say["by"]] == group)
                    for s in chosen
                ]
                use = [
                    0.01 * float(frame.at[s, "jobs"]) * i
                    for s, i in zip(chosen, inside, strict=True)
                ]
                add(use, sum(inside), say["number"] / 10, None)
        elif kind == "average":
            for bound, is_most in ((say["most"], True), (say["least"], False)):
                if bound is not None:
                    use = [float(frame.at[s, "carbon"]) - bound for s in chosen]
                    add(use, 0.0, None if is_most else 0.0, 0.0 if is_most else None)
        elif kind == "share":
            for bound, is_most in ((say["most"], True), (say["least"], False)):
                if bound is not None:
                    use = [float(frame.at[s, "is_clean"]) - bound for s in chosen]
                    add(use, 0.0, None if is_most else 0.0, 0.0 if is_most else None)
        elif kind == "group share":
            for group in {frame.at[s, "state"] for s in chosen}:
                use = [
                    float(frame.at[s, "state"] == group) - say["number"] for s in chosen
                ]
                add(use, 0.0, None, 0.0)
    return rows


def set_is_allowed(instance: Instance, chosen: list[str]) -> bool:
    """Return whether the set of open sites is allowed, whatever their sizes."""
    frame, arguments = instance.sites, instance.arguments
    if len(chosen) > arguments.get("max_sites", 99):
        return False
    if len(chosen) < arguments.get("min_sites", 0):
        return False
    if any(s not in chosen for s in arguments.get("fixed", ())):
        return False
    if any(s in chosen for s in arguments.get("forbidden", ())):
        return False
    apart = [(arguments.get("min_spacing_km", 0.0), None)]
    for say in instance.says:
        if say["kind"] == "distinct":
            if len({frame.at[s, "state"] for s in chosen}) < say["number"]:
                return False
        elif say["kind"] == "per group":
            for group in {frame.at[s, "county"] for s in chosen}:
                count = sum(frame.at[s, "county"] == group for s in chosen)
                if count > say["number"]:
                    return False
        elif say["kind"] == "spacing":
            apart.append((say["km"], None))
        elif say["kind"] == "spacing within":
            apart.append((say["km"], "state"))
    for a, b in itertools.combinations(chosen, 2):
        for km, within in apart:
            same = within is None or frame.at[a, within] == frame.at[b, within]
            if same and distance_km(frame, a, b) < km * (1 - 1e-9):
                return False
    return True


def value_per_mw(instance: Instance, site: str) -> float:
    """Return the objective of one MW at a site."""
    objective = instance.arguments["objective"]
    column = {"cost": "cost_usd_per_mw"}.get(objective, objective)
    return float(instance.sites.at[site, column])


def brute_force(instance: Instance) -> float | None:
    """Return the best objective over all plans, None if there is none."""
    frame, arguments = instance.sites, instance.arguments
    site_mw = arguments["site_mw"]
    able = [s for s in frame.index if can_hold(frame, s, site_mw)]
    minimize = arguments["objective"] == "cost"
    best: float | None = None
    for size in range(len(able) + 1):
        for chosen_tuple in itertools.combinations(able, size):
            chosen = list(chosen_tuple)
            if not set_is_allowed(instance, chosen):
                continue
            rows = linear_rows(instance, chosen)
            value = [value_per_mw(instance, s) for s in chosen]
            constant = 0.0
            if minimize:
                constant = sum(float(frame.at[s, "fixed_cost_usd"]) for s in chosen)
            solve = _best_sizes if isinstance(site_mw, list) else _best_range
            found = solve(frame, site_mw, chosen, rows, value, minimize)
            if found is None:
                continue
            found += constant
            if best is None or (found < best if minimize else found > best):
                best = found
    return best


def _holds(row: Any, mw: list[float]) -> bool:
    per_mw, constant, low, high = row
    used = constant + sum(a * b for a, b in zip(per_mw, mw, strict=True))
    room = 1e-7 * max(1.0, abs(low or 0.0), abs(high or 0.0))
    return (low is None or used >= low - room) and (high is None or used <= high + room)


def _best_sizes(
    frame: Any, site_mw: Any, chosen: Any, rows: Any, value: Any, minimize: bool
) -> float | None:
    options = [
        [float(m) for m in site_mw if m <= frame.at[s, "capacity_mw"]] for s in chosen
    ]
    best = None
    for mw in itertools.product(*options):
        if all(_holds(row, list(mw)) for row in rows):
            total = sum(a * b for a, b in zip(value, mw, strict=True))
            if best is None or (total < best if minimize else total > best):
                best = total
    return best


def _best_range(
    frame: Any, site_mw: Any, chosen: Any, rows: Any, value: Any, minimize: bool
) -> float | None:
    if not chosen:
        return 0.0 if all(_holds(row, []) for row in rows) else None
    bounds = [least_most(site_mw, float(frame.at[s, "capacity_mw"])) for s in chosen]
    a, b = [], []
    for per_mw, constant, low, high in rows:
        if high is not None:
            a.append(per_mw)
            b.append(high - constant)
        if low is not None:
            a.append([-k for k in per_mw])
            b.append(constant - low)
    sign = 1.0 if minimize else -1.0
    found = linprog(
        [sign * v for v in value],
        A_ub=a or None,
        b_ub=b or None,
        bounds=bounds,
        method="highs",
    )
    return sign * float(found.fun) if found.status == 0 else None
