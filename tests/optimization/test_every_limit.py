"""Every limit of the table in `siteselect.optimization`, as a user states it.

Six candidates may take 0, 100 or 300 MW each: all 729 plans are gone through in
plain Python, each with the rule of the case in a line of its own. The plan must be
as good as the best of them, verify, and account for the limit by its name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from optimization.hostile import candidates, links, towns
from pyproj import Geod

import siteselect as ss
import siteselect.optimization as opt

SITES = candidates().assign(
    capacity_mw=[300.0, 300.0, 300.0, 300.0, 100.0, 300.0],
    carbon=[500.0, 450.0, 300.0, 200.0, 150.0, 100.0],
    small_usd_per_mw=1.2e7,
    p_success=[1.0, 0.0, 1.0, 1.0, 1.0, 0.0],
)
ROWS = SITES.drop(columns="geometry").to_dict("index")
LABELS = list(ROWS)
GEOD = Geod(ellps="WGS84")
Plan = dict[str, float]


def km(a: Any, b: Any) -> float:
    return GEOD.inv(a.x, a.y, b.x, b.y)[2] / 1000


AWAY = {
    (a, b): km(SITES.geometry[a], SITES.geometry[b]) for a in LABELS for b in LABELS
}
TO_TOWN = {
    (a, t): km(SITES.geometry[a], towns().geometry[t])
    for a in LABELS
    for t in towns().index
}


def total(
    plan: Plan, value: Callable[[dict[str, Any]], float] = lambda row: 1
) -> float:
    """Return the sum of a value x MW over a plan."""
    return math.fsum(mw * value(ROWS[s]) for s, mw in plan.items())


def each(plan: Plan, value: Callable[[dict[str, Any]], float]) -> float:
    """Return the sum of a value over the chosen sites."""
    return math.fsum(value(ROWS[s]) for s in plan)


def by_state(plan: Plan) -> dict[str, float]:
    out = dict.fromkeys("ABC", 0.0)
    for s, mw in plan.items():
        out[ROWS[s]["state"]] += mw
    return out


def capital(plan: Plan) -> float:
    return total(plan, lambda r: r["cost_usd_per_mw"]) + each(
        plan, lambda r: r["fixed_cost_usd"]
    )


def it(row: dict[str, Any]) -> float:
    return 1 / row["peak_ratio"]


def reached(plan: Plan, most_km: float) -> float:
    people = towns()["population"]
    near = [t for t in people.index if any(TO_TOWN[s, t] <= most_km for s in plan)]
    return float(people[near].sum() / people.sum())


def can_draw(plan: Plan, room: dict[str, float]) -> bool:
    """Return whether every site finds one source with room for all of it."""
    table = links()
    ways = [table["source"][table["site"] == s].tolist() for s in plan]
    for picks in itertools.product(*ways):
        used = dict.fromkeys(room, 0.0)
        for mw, source in zip(plan.values(), picks, strict=True):
            used[source] += mw
        if all(used[k] <= room[k] for k in room):
            return True
    return False


def can_split(plan: Plan, room: dict[str, float]) -> bool:
    """Return whether all can draw at once: no set of sites asks for too much (Hall)."""
    table = links()
    reach = {s: set(table["source"][table["site"] == s]) for s in plan}
    for k in range(1, len(plan) + 1):
        for some in itertools.combinations(plan, k):
            sources = set.union(*(reach[s] for s in some))
            if sum(plan[s] for s in some) > sum(room[x] for x in sources):
                return False
    return True


LIFE = (1 - 1.07**-20) / 0.07
ROOM = {"X": 300.0, "Y": 100.0, "Z": 400.0}
IT_SHARE = 1 / SITES["peak_ratio"]
FREE_LINKS = links().drop(columns=["cost_usd", "cost_usd_per_mw"])
NOBODY: Plan = {}

#: What a plan is asked for, the account that it keeps, and the rule in plain words.
CASES: dict[str, tuple[dict[str, Any], str, Callable[[Plan], bool]]] = {
    "at most": ({"power_mw": 700}, "power", lambda p: total(p) <= 700),
    "between": ({"power_mw": (350, 450)}, "power", lambda p: 350 <= total(p) <= 450),
    "at most, IT": ({"it_mw": 500}, "it power", lambda p: total(p, it) <= 500),
    "between, IT": (
        {"it_mw": (300, 320)},
        "it power",
        lambda p: 300 <= total(p, it) <= 320,
    ),
    "per site": (
        {"limits": [ss.Limit("h", per_mw=1, by=SITES.index.to_series(), at_most=100)]},
        "h",
        lambda p: max(p.values(), default=0) <= 100,
    ),
    "per group": (
        {"limits": [ss.Limit("h", per_mw=1, by="state", at_most="headroom_mw")]},
        "h",
        lambda p: all(
            by_state(p)[r["state"]] <= r["headroom_mw"] for r in ROWS.values()
        ),
    ),
    "per group, IT, between": (
        {
            "limits": [
                ss.Limit("h", per_mw=IT_SHARE, by="state", at_least=60, at_most=250)
            ]
        },
        "h",
        lambda p: all(
            60
            <= total({s: m for s, m in p.items() if ROWS[s]["state"] == g}, it)
            <= 250
            for g in "ABC"
        ),
    ),
    "sizes per site": (
        {"site_mw": {100: True, 300: "is_clean"}},
        "site capacity",
        lambda p: all(mw < 300 or ROWS[s]["is_clean"] for s, mw in p.items()),
    ),
    "capital": ({"budget_usd": 7e9}, "budget", lambda p: capital(p) <= 7e9),
    "cost per size": (
        {
            "budget_usd": 7e9,
            "cost_per_mw": {100: "small_usd_per_mw", 300: "cost_usd_per_mw"},
        },
        "budget",
        lambda p: (
            math.fsum(
                mw * (1.2e7 if mw == 100 else ROWS[s]["cost_usd_per_mw"]) + 2e7
                for s, mw in p.items()
            )
            <= 7e9
        ),
    ),
    "yearly": (
        {"limits": [ss.Limit("opex", per_mw="yearly_usd_per_mw", at_most=2.5e8)]},
        "opex",
        lambda p: total(p, lambda r: r["yearly_usd_per_mw"]) <= 2.5e8,
    ),
    "lifetime": (
        {
            "limits": [
                ss.PresentValue("life", at_most=9e9, yearly_per_mw="yearly_usd_per_mw")
            ]
        },
        "life",
        lambda p: capital(p) + LIFE * total(p, lambda r: r["yearly_usd_per_mw"]) <= 9e9,
    ),
    "any of several": (
        {"limits": [ss.Draw("draw", FREE_LINKS, at_most=ROOM)]},
        "draw",
        lambda p: can_draw(p, ROOM),
    ),
    "several at once": (
        {"limits": [ss.Draw("draw", FREE_LINKS, at_most=ROOM, split=True)]},
        "draw",
        lambda p: can_split(p, ROOM),
    ),
    "average": (
        {"limits": [ss.Average("carbon", "carbon", at_most=250)]},
        "carbon",
        lambda p: total(p, lambda r: r["carbon"] - 250) <= 1e-6,
    ),
    "PUE by IT energy": (
        {"limits": [ss.Average("pue", "pue", at_most=1.16, weight=IT_SHARE)]},
        "pue",
        lambda p: total(p, lambda r: (r["pue"] - 1.16) * it(r)) <= 1e-9,
    ),
    "carbon by facility energy": (
        {
            "limits": [
                ss.Average(
                    "c",
                    "carbon",
                    at_most=250,
                    weight=SITES["pue"] / SITES["peak_ratio"],
                )
            ]
        },
        "c",
        lambda p: total(p, lambda r: (r["carbon"] - 250) * r["pue"] * it(r)) <= 1e-6,
    ),
    "share": (
        {"limits": [ss.Share("clean", "is_clean", at_least=0.8)]},
        "clean",
        lambda p: total(p, lambda r: r["is_clean"] - 0.8) >= -1e-6,
    ),
    "share by energy": (
        {"limits": [ss.Share("clean", "is_clean", at_most=0.7, weight=IT_SHARE)]},
        "clean",
        lambda p: total(p, lambda r: (r["is_clean"] - 0.7) * it(r)) <= 1e-6,
    ),
    "states": (
        {"power_mw": 300, "limits": [ss.Spread("s", by="state", at_least=3)]},
        "s",
        lambda p: total(p) <= 300 and all(by_state(p).values()),
    ),
    "sites per state": (
        {"limits": [ss.Spread("s", by="state", max_sites_per_group=1)]},
        "s",
        lambda p: len({ROWS[s]["state"] for s in p}) == len(p),
    ),
    "share of a state": (
        {"limits": [ss.Spread("s", by="state", max_share=0.35)]},
        "s",
        lambda p: max(by_state(p).values()) <= 0.35 * total(p) + 1e-6,
    ),
    "spacing": (
        {"min_spacing_km": 120},
        "spacing",
        lambda p: all(AWAY[a, b] >= 120 for a, b in itertools.combinations(p, 2)),
    ),
    "spacing within": (
        {"limits": [ss.Spacing(120, within="state", name="apart")]},
        "apart",
        lambda p: all(
            AWAY[a, b] >= 120 or ROWS[a]["state"] != ROWS[b]["state"]
            for a, b in itertools.combinations(p, 2)
        ),
    ),
    "clustering": (
        {"power_mw": 700, "limits": [ss.Cluster("hub", hubs=["s3"], km=150)]},
        "hub",
        lambda p: (
            total(p) <= 700 and all("s3" in p and AWAY[s, "s3"] <= 150 for s in p)
        ),
    ),
    "coverage": (
        {"power_mw": 100, "limits": [ss.Cover("p", towns(), km=150, at_least=0.8)]},
        "p",
        lambda p: total(p) <= 100 and reached(p, 150) >= 0.8,
    ),
    "latency": (
        {"power_mw": 200, "limits": [ss.Cover("p", towns(), ms=1, at_least=0.9)]},
        "p",
        lambda p: total(p) <= 200 and reached(p, 1000 / (1.5 * 4.9)) >= 0.9,
    ),
    "fixed": (
        {"power_mw": 300, "fixed": ["s5"]},
        "power",
        lambda p: total(p) <= 300 and "s5" in p,
    ),
    "forbidden": ({"forbidden": "s0"}, "site capacity", lambda p: "s0" not in p),
    "existing": (
        {"power_mw": 300, "existing": {"s4": 100}},
        "power",
        lambda p: total(p) <= 300 and p.get("s4") == 100,
    ),
    "number": (
        {"min_sites": 2, "max_sites": 3, "power_mw": 400},
        "sites",
        lambda p: 2 <= len(p) <= 3 and total(p) <= 400,
    ),
    "one of": (
        {"limits": [ss.Choose("one", ["s0", "s1", "s2"], at_most=1)]},
        "one",
        lambda p: len({"s0", "s1", "s2"} & p.keys()) <= 1,
    ),
    "all or none": (
        {"power_mw": 500, "limits": [ss.AllOrNone("twins", by="state")]},
        "twins",
        lambda p: total(p) <= 500 and len(p) == 2 * len({ROWS[s]["state"] for s in p}),
    ),
    "if then": (
        {
            "power_mw": 300,
            "limits": [ss.IfThen("spur", if_any="s0", then_any=["s4", "s5"])],
        },
        "spur",
        lambda p: total(p) <= 300 and ("s0" not in p or bool({"s4", "s5"} & p.keys())),
    ),
    "may fall through": (
        {
            "power_mw": 700,
            "limits": [ss.AtLeast(400, 0.9, name="arrive", scenarios=20)],
        },
        "arrive",
        lambda p: total(p) <= 700 and total(p, lambda r: r["p_success"]) >= 400,
    ),
}


def plans(sizes: tuple[float, ...] = (0, 100, 300)) -> list[Plan]:
    """Return every plan that the capacities allow."""
    out = []
    for mw in itertools.product(sizes, repeat=len(LABELS)):
        plan = {s: float(m) for s, m in zip(LABELS, mw, strict=True) if m}
        if all(m <= ROWS[s]["capacity_mw"] for s, m in plan.items()):
            out.append(plan)
    return out


@pytest.mark.parametrize("case", CASES)
def test_a_limit_is_stated_kept_verified_and_accounted_for(case: str) -> None:
    arguments, name, holds = CASES[case]
    best = max(total(p, lambda r: r["score"]) for p in plans() if holds(p))
    free = max(total(p, lambda r: r["score"]) for p in plans())
    found = ss.optimize_sites(SITES, **{"site_mw": [100, 300], "gap": 0, **arguments})
    chosen = found.sites["mw"].to_dict()
    assert holds(chosen)
    assert found.objective == pytest.approx(best, rel=1e-7)
    assert best < free  # The limit limits something.
    found.verify()
    if name != "site capacity":
        assert name in set(found.limits["limit"])


OBJECTIVES: dict[str, tuple[dict[str, Any], Callable[[Plan], float], bool]] = {
    "score x MW": ({}, lambda p: total(p, lambda r: r["score"]), True),
    "a column": (
        {"objective": "water"},
        lambda p: total(p, lambda r: r["water"]),
        True,
    ),
    "cost": ({"objective": "cost", "power_mw": (400, 500)}, capital, False),
    "weighted": (
        {"objective": ss.Weighted({"score": 1.0, "cost": -5e-8})},
        lambda p: total(p, lambda r: r["score"]) - 5e-8 * capital(p),
        True,
    ),
    "least distance": (
        {"objective": ss.MaxMinDistance(), "min_sites": 3},
        lambda p: min(AWAY[a, b] for a, b in itertools.combinations(p, 2)),
        True,
    ),
    "mean distance": (
        {"objective": ss.MeanDistance(towns(), weight="population")},
        lambda p: (
            sum(
                w * min((TO_TOWN[s, t] for s in p), default=math.inf)
                for t, w in towns()["population"].items()
            )
            / towns()["population"].sum()
        ),
        False,
    ),
    # Needs no least number of sites: a plan without any reaches nobody.
    "largest distance": (
        {"objective": ss.MaxDistance(towns())},
        lambda p: max(
            min((TO_TOWN[s, t] for s in p), default=math.inf) for t in towns().index
        ),
        False,
    ),
    "covered": (
        {"objective": ss.Covered(towns(), weight="population", km=80)},
        lambda p: reached(p, 80),
        True,
    ),
    "cost of serving": (
        {"objective": ss.ServeCost(towns(), mw="load", usd_per_mw_km=1e6), "gap": 0.02},
        lambda p: capital(p) + served(p),
        False,
    ),
}


def served(plan: Plan) -> float:
    """Return the least cost of serving the towns, by all splits in steps of 10 MW."""
    load = {t: int(mw / 10) for t, mw in towns()["load"].items()}
    room = {s: int(mw / 10) for s, mw in plan.items()}
    if sum(room.values()) < sum(load.values()):
        return math.inf
    # Loads of 150 MW in all: only where a site is full is there anything to decide.
    if all(mw >= sum(load.values()) for mw in room.values()):
        return sum(10e6 * k * min(TO_TOWN[s, t] for s in plan) for t, k in load.items())
    units = [t for t, k in load.items() for _ in range(k)]
    from scipy.optimize import linear_sum_assignment

    seats = [s for s, k in room.items() for _ in range(min(k, len(units)))]
    cost = np.array([[10e6 * TO_TOWN[s, t] for s in seats] for t in units])
    row, column = linear_sum_assignment(cost)
    return float(cost[row, column].sum())


@pytest.mark.parametrize("case", OBJECTIVES)
def test_an_objective_is_stated_reached_and_verified(case: str) -> None:
    arguments, value, is_most = OBJECTIVES[case]
    asked = {"site_mw": [100, 300], "power_mw": 600, "gap": 0, **arguments}
    most = asked["power_mw"]
    low, high = most if isinstance(most, tuple) else (0, most)
    among = [p for p in plans() if low <= total(p) <= high]
    among = [p for p in among if len(p) >= asked.get("min_sites", 0)]
    values = [value(p) for p in among]
    best = max(values) if is_most else min(values)
    found = ss.optimize_sites(SITES, **asked)
    room = 1e-6 + asked["gap"]
    assert found.objective == pytest.approx(best, rel=room)
    assert value(found.sites["mw"].to_dict()) == pytest.approx(
        found.objective, rel=1e-6
    )
    found.verify()


def test_objectives_in_order_with_a_tolerance() -> None:
    order = ss.Lexicographic(("score", 0.05), "cost")
    found = ss.optimize_sites(
        SITES, site_mw=[100, 300], power_mw=600, gap=0, objective=order
    )
    among = [p for p in plans() if total(p) <= 600]
    first = max(total(p, lambda r: r["score"]) for p in among)
    kept = [p for p in among if total(p, lambda r: r["score"]) >= 0.95 * first - 1e-6]
    assert found.objective == pytest.approx(min(map(capital, kept)), rel=1e-7)
    found.verify()


def test_tie_lines_are_paid_by_who_uses_them() -> None:
    table = links()
    found = ss.optimize_sites(
        SITES,
        site_mw=[100, 300],
        power_mw=(400, 400),
        gap=0,
        objective="cost",
        limits=[ss.Draw("draw", table, at_most=ROOM)],
    )

    def cheapest(plan: Plan) -> float:
        ways = [table[table["site"] == s] for s in plan]
        best = math.inf
        for picks in itertools.product(*(w.itertuples() for w in ways)):
            used = dict.fromkeys(ROOM, 0.0)
            for mw, pick in zip(plan.values(), picks, strict=True):
                used[pick.source] += mw
            if all(used[k] <= ROOM[k] for k in ROOM):
                cost = sum(
                    pick.cost_usd + pick.cost_usd_per_mw * mw
                    for mw, pick in zip(plan.values(), picks, strict=True)
                )
                best = min(best, cost)
        return capital(plan) + best

    assert found.objective == pytest.approx(
        min(cheapest(p) for p in plans() if total(p) == 400), rel=1e-8
    )
    assert found.draws["cost_usd"].sum() > 0
    found.verify()


def test_years_headroom_budget_and_growth() -> None:
    """400 MW from 2030 on; 2027 money buys one module, new headroom the rest."""
    frame = SITES.assign(headroom_mw=[0.0, 0.0, 100.0, 100.0, 300.0, 300.0])
    found = ss.optimize_sites(
        frame,
        site_mw=[100, 300],
        power_mw={2027: (100, None), 2030: (400, 400)},
        budget_usd={2027: 1.2e9, 2030: 4e9},
        discount_rate=0.05,
        gap=0,
        limits=[
            ss.Limit(
                "h",
                per_mw=1,
                by="state",
                at_most=ss.Arriving("headroom_mw", "energised", before=100.0),
            )
        ],
    )
    # A has nothing once its headroom of 2026 is known to be 0, B 100 MW from 2027 on,
    # C 100 MW until 2030 and 300 MW then. $1.2 B buys 100 MW in 2027 and not 200, so
    # C grows to 300 MW or B gives the first 100 MW: its score is the better one.
    grown = found.sites[["mw_2027", "mw_2030"]]
    assert grown.sum().tolist() == [100.0, 400.0]
    assert found.sites.loc[["s2", "s5"], "mw_2030"].to_dict() == {"s2": 100, "s5": 300}
    assert found.sites.at["s2", "mw_2027"] == 100
    gain = 100 * SITES["score"]["s2"]
    gain += (gain + 300 * SITES["score"]["s5"]) / 1.05**3
    assert found.objective == pytest.approx(gain)
    assert {"power", "budget", "h"} <= set(found.limits["limit"])
    assert {2027, 2030} <= set(found.limits["year"])
    found.verify()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"fixed": ["s1"], "forbidden": ["s1"]}, ("fixed", "forbidden", "'s1'")),
        ({"existing": {"s1": 9}, "forbidden": "s1"}, ("existing", "forbidden", "'s1'")),
        ({"fixed": ["s0", "s1"], "max_sites": 1}, ("fixed", "max_sites")),
        ({"existing": {"s0": 9, "s1": 9}, "max_sites": 1}, ("existing", "max_sites")),
        ({"fixed": ["s4"], "site_mw": [300]}, ("fixed", "site_mw", "'s4'")),
    ],
)
def test_a_contradiction_names_both(arguments: Any, names: Any) -> None:
    with pytest.raises(ss.StudyError) as caught:
        ss.optimize_sites(SITES, **{"site_mw": [100, 300], **arguments})
    for name in names:
        assert name in str(caught.value)


def test_every_limit_and_objective_is_in_the_table() -> None:
    page = opt.__doc__ or ""
    for name in (
        *("Limit", "Average", "Share", "Spread", "Spacing", "Cluster", "Cover"),
        *("Draw", "PresentValue", "Choose", "AllOrNone", "IfThen", "AtLeast"),
        *("ByYear", "Arriving", "Weighted", "Lexicographic", "MaxMinDistance"),
        *("MeanDistance", "MaxDistance", "Covered", "ServeCost", "SupportsLimit"),
        *("power_mw", "it_mw", "budget_usd", "site_mw", "existing", "min_spacing_km"),
    ):
        assert name in page, name


@dataclass(frozen=True)
class Crews:
    """A limit of one's own with columns: each used state needs a crew, of few."""

    at_most: int
    name: str = "crews"

    def columns(self, problem: Any) -> opt.ExtraColumns:
        _, keys = problem.groups("state", self.name)
        n = len(keys)
        return opt.ExtraColumns(
            tuple(f"crew in {key}" for key in keys),
            np.zeros(n),
            np.ones(n),
            np.ones(n, dtype=bool),
        )

    def rows(self, problem: Any) -> opt.Rows:
        codes, keys = problem.groups("state", self.name)
        n, own = len(keys), problem.extra[self.name]
        crew = np.zeros((n, problem.n_columns))
        crew[np.arange(n), own.start + np.arange(n)] = 1.0
        sites = problem.site_rows(codes, n, problem.column_opens.astype(float))
        return opt.Rows.stack(
            [
                opt.Rows.make(sites - 9 * crew, -np.inf, 0.0, self.name, keys),
                opt.Rows.make(
                    crew.sum(axis=0)[None, :],
                    -np.inf,
                    self.at_most,
                    self.name,
                    kind="count",
                ),
            ]
        )

    def check(self, sites: Any) -> pd.DataFrame:
        used = sites.loc[sites["mw"] > 0, "state"].nunique()
        return opt.accounts(self.name, [""], "count", 0, self.at_most, [used], "crews")


@dataclass(frozen=True)
class NotNextToEachOther:
    """A limit of one's own whose rows are written only where they are broken."""

    name: str = "not next to each other"

    def _pairs(self, problem: Any) -> list[tuple[int, int]]:
        at = {label: k for k, label in enumerate(problem.frame.index)}
        pairs = itertools.pairwise(sorted(at))
        return [(at[a], at[b]) for a, b in pairs]

    def _some(self, problem: Any, pairs: list[tuple[int, int]]) -> opt.Rows:
        one = np.zeros((len(pairs), problem.n_columns))
        for row, pair in enumerate(pairs):
            inside = np.isin(problem.column_site, pair) & problem.column_opens
            one[row, inside] = 1.0
        return opt.Rows.make(one, -np.inf, 1.0, self.name)

    def rows(self, problem: Any) -> opt.Rows:
        return self._some(problem, self._pairs(problem))

    def is_lazy(self, problem: Any) -> bool:
        return True

    def cuts(self, problem: Any, x: Any) -> opt.Rows:
        open_ = problem.sites_open(x)
        broken = [
            (a, b) for a, b in self._pairs(problem) if open_[a] + open_[b] > 1.001
        ]
        return self._some(problem, broken)

    def check(self, sites: Any) -> pd.DataFrame:
        is_open = (sites["mw"] > 0).sort_index().to_numpy()
        used = int((is_open[1:] & is_open[:-1]).sum())
        return opt.accounts(self.name, [""], "pairs", 0, 0, [used], "pairs", np.nan)


@pytest.mark.parametrize("method", ["auto", "full", "priceout"])
def test_a_limit_of_ones_own_is_a_limit_like_any_other(method: str) -> None:
    own = [Crews(2), NotNextToEachOther()]

    def holds(plan: Plan) -> bool:
        apart = not any(a in plan and b in plan for a, b in itertools.pairwise(LABELS))
        return apart and sum(mw > 0 for mw in by_state(plan).values()) <= 2

    best = max(total(p, lambda r: r["score"]) for p in plans() if holds(p))
    found = ss.optimize_sites(
        SITES, site_mw=[100, 300], gap=0, method=method, limits=own
    )
    assert holds(found.sites["mw"].to_dict())
    assert found.objective == pytest.approx(best)
    found.verify()
    assert {"crews", "not next to each other"} <= set(found.limits["limit"])
    for other in found.alternatives(2):
        assert holds(other.sites["mw"].to_dict())
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(
            SITES, site_mw=[100, 300], method=method, limits=own, min_sites=3
        )
    assert set(caught.value.conflicts) == {"crews", "not next to each other", "sites"}


def test_points_and_series_are_only_read() -> None:
    frame = SITES.copy()
    before = gpd.GeoDataFrame(frame.copy())
    weight = IT_SHARE.copy()
    limit = ss.Average("pue", "pue", at_most=1.2, weight=weight)
    ss.optimize_sites(frame, site_mw=[100], power_mw=300, limits=[limit])
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_series_equal(weight, IT_SHARE)
