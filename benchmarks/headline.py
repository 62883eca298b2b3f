"""The headline task: rank and fill, PuLP, HiGHS, siteselect on the same candidates.

Most score × MW for exactly 6,000 MW under a budget, at most 30 sites of 100, 250 or
500 MW, headroom per substation, water per county, 1,800 MW per state and 25 km between
sites. Candidates are drawn (`instances`). Each contestant is a function that is given
the frame and answers {row: MW}; what it answers is checked by `SitePlan.verify`, from
the frame and the limits alone.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

import geopandas as gpd
import highspy
import numpy as np
import pulp
from contest import lines_of, measured
from instances import SIZES_MW, synthetic_sites
from pyproj import Geod
from scipy import sparse
from scipy.spatial import cKDTree

import siteselect as ss
from siteselect.optimization._compile import compile_problem
from siteselect.optimization.optimize import request_of
from siteselect.optimization.read_back import plan_of
from siteselect.optimization.solution import Clock, Solution

GAP = 1e-4
KM = 25.0
MOST_SITES = 30
#: A tenth of it where candidates are so few that they are only there to warm up.
POWER_MW = 6000.0
USD_PER_MW = 11.0e6
STATE_SHARE = 0.30
Answer = dict[int, float]
Pair = tuple[int, float]


def power_of(frame: gpd.GeoDataFrame) -> float:
    """Return the power that is wanted [MW]."""
    return POWER_MW if len(frame) >= 200 else POWER_MW / 10


def arguments(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the task as siteselect is asked for it."""
    power_mw = power_of(frame)
    return {
        "power_mw": (power_mw, power_mw),
        "budget_usd": power_mw * USD_PER_MW,
        "site_mw": list(SIZES_MW),
        "max_sites": MOST_SITES,
        "min_spacing_km": KM,
        "limits": (
            ss.Limit("substation", per_mw=1, by="substation", at_most="headroom_mw"),
            ss.Limit(
                "water", per_mw="water_per_mw", by="county", at_most="water_available"
            ),
            ss.Limit("state", per_mw=1, by="state", at_most=STATE_SHARE * power_mw),
        ),
    }


# ------------------------------------------------------------- the contestants


def with_siteselect(frame: gpd.GeoDataFrame) -> Answer:
    """Solve with the library."""
    power_mw = power_of(frame)
    plan = ss.optimize_sites(
        frame,
        power_mw=(power_mw, power_mw),
        budget_usd=power_mw * USD_PER_MW,
        site_mw=list(SIZES_MW),
        max_sites=MOST_SITES,
        min_spacing_km=KM,
        limits=[
            ss.Limit("substation", per_mw=1, by="substation", at_most="headroom_mw"),
            ss.Limit(
                "water", per_mw="water_per_mw", by="county", at_most="water_available"
            ),
            ss.Limit("state", per_mw=1, by="state", at_most=STATE_SHARE * power_mw),
        ],
        gap=GAP,
    )
    return plan.sites["mw"].to_dict()


def offered(table: dict[str, np.ndarray]) -> list[Pair]:
    """Return the sizes that each site can take."""
    most = table["capacity_mw"]
    return [(i, mw) for i in range(len(most)) for mw in SIZES_MW if mw <= most[i]]


def by_rank(frame: gpd.GeoDataFrame, order: str) -> Answer:
    """Rank sites and sizes, and take in turn what still fits."""
    table = {c: frame[c].to_numpy() for c in frame.columns if c != "geometry"}
    lon, lat = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    pairs = offered(table)
    site = np.array([i for i, _ in pairs])
    size = np.array([mw for _, mw in pairs])
    cost = table["cost_usd_per_mw"][site] * size + table["fixed_cost_usd"][site]
    gain = table["score"][site] * size
    rank = {
        "score": table["score"][site],
        "score per dollar": gain / cost,
        "score x MW": gain,
    }[order]
    missing_mw = power_of(frame)
    state_mw = STATE_SHARE * missing_mw
    money = missing_mw * USD_PER_MW
    answer: Answer = {}
    drawn = {key: defaultdict(float) for key in ("substation", "county", "state")}
    geod = Geod(ellps="WGS84")
    # Equal ranks: the larger size first.
    for k in np.lexsort((-size, -rank)):
        i, mw = int(site[k]), float(size[k])
        station, county, state = (table[key][i] for key in drawn)
        if i in answer or mw > missing_mw or cost[k] > money:
            continue
        if drawn["substation"][station] + mw > table["headroom_mw"][i]:
            continue
        water = table["water_per_mw"][i] * mw
        if drawn["county"][county] + water > table["water_available"][i]:
            continue
        if drawn["state"][state] + mw > state_mw:
            continue
        if answer:
            near = list(answer)
            here = np.full(len(near), lon[i]), np.full(len(near), lat[i])
            if min(geod.inv(*here, lon[near], lat[near])[2]) < KM * 1000:
                continue
        answer[i] = mw
        missing_mw -= mw
        money -= cost[k]
        drawn["substation"][station] += mw
        drawn["county"][county] += water
        drawn["state"][state] += mw
        if missing_mw <= 0 or len(answer) == MOST_SITES:
            break
    return answer


def close_pairs(frame: gpd.GeoDataFrame) -> Iterator[tuple[int, int]]:
    """Return the pairs of sites that are too close: a tree, then the ellipsoid."""
    lon, lat = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    east, north = np.radians(lon), np.radians(lat)
    ball = np.c_[
        np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)
    ]
    # A sphere is off by less than a hundredth.
    i, j = cKDTree(ball).query_pairs(KM / 6371 * 1.01, output_type="ndarray").T
    away = Geod(ellps="WGS84").inv(lon[i], lat[i], lon[j], lat[j])[2]
    near = away < KM * 1000
    return zip(i[near].tolist(), j[near].tolist(), strict=True)


def with_pulp(frame: gpd.GeoDataFrame, solver: str) -> Answer:
    """Solve as an expert writes it in PuLP: a dict of binaries and lpSum."""
    table = {c: frame[c].to_numpy() for c in frame.columns if c != "geometry"}
    power_mw = power_of(frame)
    model = pulp.LpProblem("siting", pulp.LpMaximize)
    pairs = offered(table)
    build = {
        (i, mw): model.add_variable(f"b_{i}_{mw:g}", cat="Binary") for i, mw in pairs
    }
    model += pulp.lpSum(table["score"][i] * mw * build[i, mw] for i, mw in pairs)
    model += pulp.lpSum(mw * build[i, mw] for i, mw in pairs) == power_mw
    cost, fixed = table["cost_usd_per_mw"], table["fixed_cost_usd"]
    spent = ((cost[i] * mw + fixed[i]) / 1e6 * build[i, mw] for i, mw in pairs)
    model += pulp.lpSum(spent) <= power_mw * USD_PER_MW / 1e6
    model += pulp.lpSum(build.values()) <= MOST_SITES
    groups = {key: defaultdict(list) for key in ("substation", "county", "state")}
    opens = defaultdict(list)
    for i, mw in pairs:
        opens[i].append(build[i, mw])
        for key, members in groups.items():
            members[table[key][i]].append((i, mw))
    for i in opens:
        model += pulp.lpSum(opens[i]) <= 1
    for members in groups["substation"].values():
        headroom = table["headroom_mw"][members[0][0]]
        model += pulp.lpSum(mw * build[i, mw] for i, mw in members) <= headroom
    thirst = table["water_per_mw"]
    for members in groups["county"].values():
        water = table["water_available"][members[0][0]] / 1e6
        drawn = (thirst[i] * mw / 1e6 * build[i, mw] for i, mw in members)
        model += pulp.lpSum(drawn) <= water
    for members in groups["state"].values():
        drawn = (mw * build[i, mw] for i, mw in members)
        model += pulp.lpSum(drawn) <= STATE_SHARE * power_mw
    for i, j in close_pairs(frame):
        model += pulp.lpSum(opens[i] + opens[j]) <= 1
    if solver == "CBC":
        engine = pulp.PULP_CBC_CMD(msg=False, gapRel=GAP, threads=1)
    else:
        engine = pulp.HiGHS(msg=False, gapRel=GAP, threads=1)
    model.solve(engine)
    return {i: mw for (i, mw), one in build.items() if (one.value() or 0) > 0.5}


def with_highs(frame: gpd.GeoDataFrame) -> Answer:
    """Solve with HiGHS, fed with arrays."""
    table = {c: frame[c].to_numpy() for c in frame.columns if c != "geometry"}
    power_mw = power_of(frame)
    pairs = offered(table)
    site = np.array([i for i, _ in pairs])
    mw = np.array([size for _, size in pairs])
    n, every = len(pairs), np.arange(len(pairs))
    cost = table["cost_usd_per_mw"][site] * mw + table["fixed_cost_usd"][site]
    blocks, upper = [], []

    def add(row: np.ndarray, value: np.ndarray, most: np.ndarray) -> None:
        blocks.append(sparse.csr_array((value, (row, every)), (len(most), n)))
        upper.append(most)

    one = np.zeros(n, dtype=int)
    add(one, mw, np.array([power_mw]))
    add(one, cost / 1e6, np.array([power_mw * USD_PER_MW / 1e6]))
    add(one, np.ones(n), np.array([MOST_SITES]))
    add(site, np.ones(n), np.ones(len(frame)))
    for key, per_mw, most in (
        ("substation", np.ones(len(frame)), table["headroom_mw"]),
        ("county", table["water_per_mw"] / 1e6, table["water_available"] / 1e6),
        ("state", np.ones(len(frame)), np.full(len(frame), STATE_SHARE * power_mw)),
    ):
        _, first, group = np.unique(table[key], return_index=True, return_inverse=True)
        add(group[site], per_mw[site] * mw, most[first])
    opens = blocks[3]
    i, j = np.array(list(close_pairs(frame)), dtype=int).reshape(-1, 2).T
    blocks.append(opens[i] + opens[j])
    upper.append(np.ones(len(i)))
    matrix = sparse.vstack(blocks).tocsr()
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, matrix.shape[0]
    model.col_cost_ = table["score"][site] * mw
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_lower_, model.col_upper_ = np.zeros(n), np.ones(n)
    model.row_upper_ = np.concatenate(upper)
    model.row_lower_ = np.full(matrix.shape[0], -highspy.kHighsInf)
    model.row_lower_ = np.concatenate([[power_mw], model.row_lower_[1:]])
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    model.integrality_ = [highspy.HighsVarType.kInteger] * n
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", GAP)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    solver.run()
    chosen = np.flatnonzero(np.array(solver.getSolution().col_value) > 0.5)
    return {int(site[k]): float(mw[k]) for k in chosen}


CONTESTANTS: dict[str, Any] = {
    "siteselect": with_siteselect,
    "greedy, by score": partial(by_rank, order="score"),
    "greedy, by score per dollar": partial(by_rank, order="score per dollar"),
    "greedy, by score × MW": partial(by_rank, order="score x MW"),
    "PuLP, CBC": partial(with_pulp, solver="CBC"),
    "PuLP, HiGHS": partial(with_pulp, solver="HiGHS"),
    "HiGHS, fed arrays": with_highs,
}
#: What a user writes besides the function itself.
HELPERS: dict[Any, tuple[Any, ...]] = {
    by_rank: (offered,),
    with_pulp: (offered, close_pairs),
    with_highs: (offered, close_pairs),
}


def lines(who: str) -> int:
    """Return the lines of code behind a contestant."""
    written = getattr(CONTESTANTS[who], "func", CONTESTANTS[who])
    return sum(map(lines_of, (written, *HELPERS.get(written, ()))))


# ------------------------------------------------------------------- the judge


def judged(frame: gpd.GeoDataFrame, answer: Answer) -> dict[str, Any]:
    """Have siteselect's verifier check an answer, whoever gave it.

    The objective is that of the verifier too. Nothing is claimed of a bound.
    """
    compiled = compile_problem(request_of(frame, **arguments(frame)))
    problem = compiled.problem
    row = {label: k for k, label in enumerate(frame.index)}
    labels = problem.frame.index
    x = np.zeros(problem.n_columns)
    unknown = []
    places = {
        (row[labels[site]], mw): column
        for column, (site, mw) in enumerate(
            zip(problem.column_site, problem.column_mw, strict=True)
        )
        if site >= 0
    }
    for i, mw in answer.items():
        column = places.get((i, mw))
        if column is None:
            unknown.append(i)
        else:
            x[column] = 1.0
    objective = float(problem.objective @ x)
    found = Solution("feasible", x, objective, float("inf"), None, "a contestant")
    said = "" if not unknown else f"{len(unknown)} sites or sizes are not offered"
    try:
        plan_of(compiled, found, Clock()).verify()
    except ss.SolverError as error:
        said = said or str(error)
    return {
        "objective": objective,
        "mw": float(sum(answer.values())),
        "is_feasible": not said,
        "broken": said,
    }


def main(who: str, size: int, seed: int) -> dict[str, Any]:
    """Time one contestant, its imports and candidates done, and judge its answer."""
    warnings.simplefilter("ignore")
    frame = synthetic_sites(size, seed)
    CONTESTANTS[who](synthetic_sites(80, 0))
    answer, figures = measured(CONTESTANTS[who], frame)
    return {**figures, "lines": lines(who), "seed": seed, **judged(frame, answer)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[4]))))
