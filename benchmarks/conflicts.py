"""What each tool says of planted conflicts, and where solvers have been wrong.

A conflict is planted in a program of five sites, so small that every choice of sizes
can be tried: the truth in the table comes from that. The same program is written in
PuLP for CBC and HiGHS, and HiGHS is asked for an irreducible infeasible set (its
``getIis``) as well. The cases of trust: five binaries that CBC 2.10.3 calls infeasible
(coin-or/pulp issue 662), and a program of which it calls a worse plan optimal.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import geopandas as gpd
import highspy
import numpy as np
import pulp

import siteselect as ss
from siteselect.optimization.highs import silenced
from siteselect.optimization.problem import Rows

SIZES_MW = (100.0, 300.0)
STATE = list("AABBC")
SCORE = np.linspace(0.9, 0.5, 5)
USD_PER_MW = np.linspace(8e6, 12e6, 5)
WATER = np.linspace(1.0, 3.0, 5)
#: Along 35° N, a degree apart [km].
STEP_KM = 6371.0088 * np.radians(1.0) * np.cos(np.radians(35.0))
FALSE_OPTIMUM = Path(__file__).parents[1] / "tests" / "data" / "cbc_false_optimum.json"
Asked = Mapping[str, float]
CASES: dict[str, Asked] = {
    "more power than all sites hold": {"power": 1600},
    "power, too few sites": {"power": 900, "sites": 2, "budget": 1e12},
    "power, too little money": {"power": 300, "budget": 2e9, "sites": 4},
    "power, sites too close": {"power": 600, "spacing": 900, "sites": 5},
    "power, too little water": {"power": 400, "water": 440, "budget": 1e12},
    "six limits at once": {
        "power": 600,
        "budget": 4.9e9,
        "sites": 1,
        "states": 3,
        "water": 900,
        "spacing": 320,
    },
    "three states from two sites, the rest is loose": {
        "states": 3,
        "sites": 2,
        "power": 300,
        "budget": 1e12,
        "water": 5000,
    },
    "sizes never add up to the power": {"power": 420, "power most": 480, "sites": 5},
    "nothing clashes": {"power": 600, "budget": 1e10, "sites": 3, "spacing": 90},
}
TRUST = ("five binaries (issue 662)", "a false optimum of CBC")


# ----------------------------------------------------------------- the truth


def can_be(asked: Asked) -> bool:
    """Try every choice of sizes; no code shared with a model."""
    for sizes in product((0.0, *SIZES_MW), repeat=5):
        mw = np.array(sizes)
        on = np.flatnonzero(mw)
        holds = {
            "power": lambda n, mw=mw: mw.sum() >= n,
            "power most": lambda n, mw=mw: mw.sum() <= n,
            "budget": lambda n, mw=mw: (mw * USD_PER_MW).sum() <= n,
            "sites": lambda n, on=on: len(on) <= n,
            "states": lambda n, on=on: len({STATE[k] for k in on}) >= n,
            "water": lambda n, mw=mw: (mw * WATER).sum() <= n,
            "spacing": lambda n, on=on: all(
                (b - a) * STEP_KM >= n for a, b in combinations(on, 2)
            ),
        }
        if all(holds[name](number) for name, number in asked.items()):
            return True
    return False


def is_smallest(asked: Asked, names: Iterable[str]) -> bool:
    """Return whether these limits clash, and no longer without any one of them."""
    names = set(names)

    def without(name: str) -> bool:
        # The two ends of the power are one limit.
        kept = {k: v for k, v in asked.items() if k.split()[0] in names - {name}}
        return can_be(kept)

    return not without("") and all(map(without, names))


# ------------------------------------------------------------ the contestants


def sites() -> gpd.GeoDataFrame:
    """Return the five sites."""
    return gpd.GeoDataFrame(
        {
            "score": SCORE,
            "capacity_mw": 300.0,
            "cost_usd_per_mw": USD_PER_MW,
            "state": STATE,
            "water": WATER,
        },
        geometry=gpd.points_from_xy(np.linspace(-100, -96, 5), np.full(5, 35.0)),
        crs=4326,
    )


def in_siteselect(asked: Asked) -> str:
    """Ask the library."""
    limits = []
    if "states" in asked:
        limits.append(ss.Spread("states", by="state", at_least=int(asked["states"])))
    if "water" in asked:
        limits.append(ss.Limit("water", per_mw="water", at_most=asked["water"]))
    try:
        plan = ss.optimize_sites(
            sites(),
            site_mw=list(SIZES_MW),
            power_mw=(asked["power"], asked.get("power most")),
            budget_usd=asked.get("budget"),
            max_sites=int(asked["sites"]) if "sites" in asked else None,
            min_spacing_km=asked.get("spacing"),
            limits=limits,
        )
    except ss.InfeasiblePlanError as error:
        proven = is_smallest(asked, error.conflicts)
        ways = "; ".join(way.text for way in error.ways_out)
        kind = "smallest" if proven else "not a smallest set"
        ways = ways or "none by one limit alone"
        return f"{', '.join(error.conflicts)} clash ({kind}); ways out: {ways}"
    plan.verify()
    return f"{plan.status}, verified, {plan.objective:.6g}"


def model_of(asked: Asked) -> pulp.LpProblem:
    """Write the same program in PuLP."""
    model = pulp.LpProblem("siting", pulp.LpMaximize)
    build = {
        (i, mw): model.add_variable(f"b_{i}_{mw:g}", cat="Binary")
        for i in range(5)
        for mw in SIZES_MW
    }
    opens = [pulp.lpSum(build[i, mw] for mw in SIZES_MW) for i in range(5)]
    drawn = [pulp.lpSum(mw * build[i, mw] for mw in SIZES_MW) for i in range(5)]
    model += pulp.lpSum(SCORE[i] * drawn[i] for i in range(5))
    for i in range(5):
        model += opens[i] <= 1, f"site_{i}"
    if "power" in asked:
        model += pulp.lpSum(drawn) >= asked["power"], "power"
    if "power most" in asked:
        model += pulp.lpSum(drawn) <= asked["power most"], "power_most"
    if "budget" in asked:
        cost = pulp.lpSum(USD_PER_MW[i] / 1e6 * drawn[i] for i in range(5))
        model += cost <= asked["budget"] / 1e6, "budget"
    if "sites" in asked:
        model += pulp.lpSum(opens) <= asked["sites"], "sites"
    if "water" in asked:
        used = pulp.lpSum(WATER[i] * drawn[i] for i in range(5))
        model += used <= asked["water"], "water"
    if "states" in asked:
        every = {s: model.add_variable(f"in_{s}", 0, 1) for s in sorted(set(STATE))}
        for s in every:
            there = pulp.lpSum(opens[i] for i in range(5) if STATE[i] == s)
            model += every[s] <= there, f"states_{s}"
        model += pulp.lpSum(every.values()) >= asked["states"], "states"
    for i, j in combinations(range(5), 2):
        if (j - i) * STEP_KM < asked.get("spacing", 0):
            model += opens[i] + opens[j] <= 1, f"spacing_{i}_{j}"
    return model


def in_pulp(model: pulp.LpProblem, solver: str) -> str:
    """Say what PuLP says."""
    if solver == "CBC":
        model.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=0, threads=1))
    else:
        model.solve(pulp.HiGHS(msg=False, gapRel=0, threads=1))
    status = pulp.LpStatus[model.status].lower()
    value = model.objective.value()
    return f"{status}, {value:.6g}" if status == "optimal" else status


def in_highs(model: pulp.LpProblem, asked: Asked) -> str:
    """Say what HiGHS finds where it is asked for an irreducible infeasible set."""
    said = in_pulp(model, "HiGHS")
    if said.startswith("optimal"):
        return "–"
    solver = model.solverModel
    # By itself it only looks at bounds.
    strategy = highspy.IisStrategy
    wanted = int(strategy.kIisStrategyFromLp) | int(strategy.kIisStrategyIrreducible)
    solver.setOptionValue("iis_strategy", wanted)
    done, found = solver.getIis()
    names = list(model.constraints)
    rows = [names[k] for k in found.row_index_]
    if done == highspy.HighsStatus.kError or not rows:
        return "no set"
    # Rows of one limit together, to be judged like the answer of siteselect.
    limits = dict.fromkeys(row.split("_")[0] for row in rows)
    limits.pop("site", None)
    kind = "smallest" if is_smallest(asked, limits) else "not a smallest set"
    return f"rows {', '.join(rows)} ({kind})"


# ------------------------------------------------------------- cases of trust


@dataclass(frozen=True)
class Row:
    """One row over the five sites, as a limit of the user's own."""

    name: str
    weights: tuple[float, ...]
    low: float
    high: float

    def rows(self, problem: Any) -> Rows:
        """Return the row over the columns of the program."""
        use = np.array(self.weights)[problem.frame.index[problem.column_site]]
        return Rows.make(use[None, :], self.low, self.high, self.name)

    def check(self, sites: gpd.GeoDataFrame) -> Any:
        """Return the account of the row, worked out from the sites."""
        from siteselect.optimization.limits import accounts

        used = float(np.array(self.weights)[sites.index[sites["mw"] > 0]].sum())
        return accounts(self.name, [""], "row", self.low, self.high, [used], "")


INF = float("inf")
#: Over x_0, x_1, x_2, c_0, c_1.
ISSUE_662 = (
    Row("a", (1, 0, 0, 0, 1), 1, 1),
    Row("b", (1, 0, 0, 1, 0), 1, INF),
    Row("c", (0, 1, 0, 0, 1), -INF, 1),
    Row("d", (0, 0, 0, 1, 1), -INF, 1),
    Row("e", (0, 0, 1, 0, 0), 1, 1),
    Row("f", (0, 9000, 7200, 0, 10800), 16200, INF),
)
ISSUE_662_GAIN = (0.0, 0.0, 0.0, -1.0, -1.0)


def five_in_siteselect(solver: str) -> str:
    """Ask the library for the program of the issue, with a solver named."""
    frame = gpd.GeoDataFrame(
        {"score": 1.0, "gain": ISSUE_662_GAIN, "capacity_mw": 1.0},
        geometry=gpd.points_from_xy(range(-100, -95), [35] * 5),
        crs=4326,
    )
    plan = ss.optimize_sites(
        frame, site_mw=[1], limits=ISSUE_662, objective="gain", solver=solver
    )
    plan.verify()
    return f"{plan.status}, verified, {plan.objective:.6g}"


def five_in_pulp() -> pulp.LpProblem:
    """Write the program of the issue as the issue does."""
    model = pulp.LpProblem("issue_662", pulp.LpMinimize)
    names = ("c_0", "c_1", "x_0", "x_1", "x_2")
    c_0, c_1, x_0, x_1, x_2 = (model.add_variable(k, 0, 1, "Integer") for k in names)
    model += c_0 + c_1
    model += x_0 + c_1 == 1
    model += x_0 + c_0 >= 1
    model += x_1 + c_1 <= 1
    model += c_0 + c_1 <= 1
    model += x_2 == 1
    model += 9000 * x_1 + 7200 * x_2 + 10800 * c_1 >= 16200
    return model


def false_optimum() -> tuple[dict[str, Any], list[tuple[np.ndarray, np.ndarray]]]:
    """Return the stored program and its rows."""
    told = json.loads(FALSE_OPTIMUM.read_text())
    ends = told["indptr"]
    rows = [
        (np.array(told["indices"][a:b]), np.array(told["data"][a:b]))
        for a, b in pairwise(ends)
    ]
    return told, rows


def false_optimum_in_pulp() -> pulp.LpProblem:
    """Write the stored program in PuLP."""
    told, rows = false_optimum()
    model = pulp.LpProblem("stored", pulp.LpMaximize)
    x = [
        model.add_variable(f"x_{k}", cat="Binary")
        for k in range(len(told["objective"]))
    ]
    model += pulp.lpSum(c * v for c, v in zip(told["objective"], x, strict=True))
    ends = zip(rows, told["row_lower"], told["row_upper"], strict=True)
    for (indices, data), low, high in ends:
        total = pulp.lpSum(float(a) * x[k] for k, a in zip(indices, data, strict=True))
        if low is not None:
            model += total >= low
        if high is not None:
            model += total <= high
    return model


def false_optimum_in_siteselect() -> str:
    """Hand the stored arrays to what solves the core of every plan."""
    from scipy import sparse

    from siteselect.optimization import highs, pulp_model

    told, rows = false_optimum()
    n, m = len(told["objective"]), len(rows)
    low, high = (np.array(told[key], dtype=float) for key in ("row_lower", "row_upper"))
    matrix = (told["data"], told["indices"], told["indptr"])
    program = highs.Program(
        np.array(told["objective"]),
        True,
        sparse.csr_array(matrix, shape=(m, n)),
        np.where(np.isnan(low), -np.inf, low),
        np.where(np.isnan(high), np.inf, high),
        np.zeros(n),
        np.ones(n),
        np.ones(n, dtype=bool),
    )
    found, name = pulp_model.solve_arrays(program, solver="cbc", gap=0.0)
    return f"asked for CBC: {found.status}, {found.objective:.6g} by {name}"


def answers(case: str) -> dict[str, str]:
    """Return what each tool says of a case."""
    with silenced():
        if case in CASES:
            asked = CASES[case]
            return {
                "truth": "can be" if can_be(asked) else "cannot be",
                "siteselect": in_siteselect(asked),
                "PuLP, CBC": in_pulp(model_of(asked), "CBC"),
                "PuLP, HiGHS": in_pulp(model_of(asked), "HiGHS"),
                "HiGHS, getIis": in_highs(model_of(asked), asked),
            }
        five = case == TRUST[0]
        written = five_in_pulp if five else false_optimum_in_pulp
        return {
            "truth": "can be: x at 1, c at 0" if five else "591.299",
            "siteselect": "asked for CBC: " + five_in_siteselect("cbc")
            if five
            else false_optimum_in_siteselect(),
            "PuLP, CBC": in_pulp(written(), "CBC"),
            "PuLP, HiGHS": in_pulp(written(), "HiGHS"),
            "HiGHS, getIis": "–",
        }


def main() -> dict[str, Any]:
    """Ask everyone about every case."""
    warnings.simplefilter("ignore")
    return {"cases": {case: answers(case) for case in (*CASES, *TRUST)}}


if __name__ == "__main__":
    print(json.dumps(main()))
    sys.exit()
