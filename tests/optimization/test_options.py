"""Options per site, such as water for power, against plain enumeration."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimization.hostile import built, candidates, plan_call
from optimization.test_every_limit import CASES, OBJECTIVES, SITES
from optimization.test_hostile import judged
from scipy.optimize import linprog
from strategies import SOAK, examples

import siteselect as ss
from siteselect.errors import InfeasiblePlanError, SolverError, StudyError

SIZES = [100.0, 200.0]
#: What an option may change, with the figures that it may take.
DRAWN = {
    "score": [0.2, 0.4, 0.5, 0.7, 0.9],
    "capacity_mw": [100.0, 200.0, 200.0, 50.0],
    "cost_usd_per_mw": [8e6, 1e7, 1.2e7],
    "lifetime_cost_usd_per_mw": [1.4e7, 1.7e7, 2e7],
    "fixed_cost_usd": [0.0, 2e7, 5e7],
    "water": [0.0, 10.0, 40.0, 90.0],
    "pue": [1.1, 1.2, 1.35, 1.5],
    "peak_ratio": [1.15, 1.3, 1.5],
    "energy": [6000.0, 7000.0, 8000.0],
    "clean": [0.0, 1.0],
    "jobs": [1.0, 2.0, 5.0],
}


def unknown(value: float) -> bool:
    return value != value


@dataclass
class World:
    """Candidates, options, arguments, and the figures of each option in plain words."""

    sites: gpd.GeoDataFrame
    options: dict
    figures: dict
    arguments: dict
    rules: list


def world(seed: int, years: bool = False) -> World:
    rng = random.Random(seed)
    n = rng.choice([2, 3]) if years else rng.choice([2, 3, 3, 4])
    labels = [f"s{k}" for k in range(n)]
    base = {c: [rng.choice(v) for _ in labels] for c, v in DRAWN.items()}
    if rng.random() < 0.2:
        base["score"][rng.randrange(n)] = math.nan
    base["other_water"] = [rng.choice(DRAWN["water"]) for _ in labels]
    base["county"] = [rng.choice("AB") for _ in labels]
    sites = gpd.GeoDataFrame(
        base,
        index=labels,
        geometry=gpd.points_from_xy([-100 + 0.4 * k for k in range(n)], [32] * n),
        crs=4326,
    )
    options, figures = {}, {}
    names = ["adiabatic", "dry", "closed loop"][: 2 if years else rng.choice([2, 3])]
    for name in names:
        of_option = {}
        told = {}
        for column in rng.sample(list(DRAWN), rng.choice([0, 2, 3, 5])):
            way = rng.random()
            values = [rng.choice(DRAWN[column]) for _ in labels]
            if column == "water" and way < 0.3:
                values, told[column] = base["other_water"], "other_water"
            elif way < 0.4:
                values = values[:1] * n
                told[column] = values[0]
            else:
                values = [math.nan if rng.random() < 0.1 else v for v in values]
                # Labels tell where a figure belongs, not its place.
                told[column] = pd.Series(values, labels).sample(frac=1, random_state=1)
            of_option[column] = dict(zip(labels, values, strict=True))
        numbers = {c: v for c, v in told.items() if isinstance(v, pd.Series)}
        as_frame = len(numbers) == len(told) > 0 and rng.random() < 0.5
        options[name] = pd.DataFrame(told) if as_frame else told
        figures[name] = of_option

    def figure(site: str, option: str, column: str) -> float:
        return figures[option].get(column, sites[column])[site]

    def total(plan, column):
        return math.fsum(mw * figure(s, o, column) for s, (mw, o) in plan.items())

    def mean(plan, column, weight):
        weights = {s: mw * figure(s, o, weight) for s, (mw, o) in plan.items()}
        if not sum(weights.values()):
            return None
        top = math.fsum(w * figure(s, plan[s][1], column) for s, w in weights.items())
        return top / math.fsum(weights.values())

    def capital(plan):
        once = math.fsum(figure(s, o, "fixed_cost_usd") for s, (_, o) in plan.items())
        return total(plan, "cost_usd_per_mw") + once

    def mw_of(plan):
        return math.fsum(mw for mw, _ in plan.values())

    def counties(plan):
        return [sites.at[s, "county"] for s in plan]

    low = rng.choice([0.0, 100.0, 100.0, 200.0])
    high = low + rng.choice([0.0, 100.0, 250.0, 500.0])
    high = max(high, 100.0)
    rules = [lambda p: low <= mw_of(p) <= high]
    arguments = {"power_mw": (low, high), "site_mw": SIZES, "limits": []}
    objective = rng.choice(["score", "score", "jobs", "cost"])
    if objective == "cost" and low == 0.0:
        objective = "score"
    arguments["objective"] = objective
    if rng.random() < 0.5:
        most = rng.choice([1.3e9, 2.2e9, 3.1e9])
        arguments["budget_usd"] = most
        rules.append(lambda p: capital(p) <= most + 1)
    if rng.random() < 0.7:
        water = {k: rng.choice([2000.0, 6000.0, 9000.0]) for k in "AB"}
        here = {k: v for k, v in water.items() if k in base["county"]}
        arguments["limits"].append(
            ss.Limit("county water", per_mw="water", by="county", at_most=here)
        )
        rules.append(
            lambda p: all(
                total(
                    {s: v for s, v in p.items() if sites.at[s, "county"] == k}, "water"
                )
                <= most + 1e-6
                for k, most in water.items()
            )
        )
    if rng.random() < 0.4:
        pue = rng.choice([1.2, 1.25, 1.4])
        arguments["limits"].append(
            ss.Average("pue", "pue", at_most=pue, weight="energy")
        )
        rules.append(lambda p: (mean(p, "pue", "energy") or 1.0) <= pue + 1e-9)
    if rng.random() < 0.3:
        share = rng.choice([0.3, 0.5, 1.0])
        arguments["limits"].append(ss.Share("clean", "clean", at_least=share))
        # Where nothing is built a share says nothing.
        rules.append(lambda p: not p or total(p, "clean") >= share * mw_of(p) - 1e-9)
    if rng.random() < 0.3:
        kind = rng.choice(["at_least", "max_sites_per_group"])
        many = 2 if kind == "at_least" else 1
        arguments["limits"].append(ss.Spread("spread", by="county", **{kind: many}))
        rules.append(
            (lambda p: len(set(counties(p))) >= 2)
            if kind == "at_least"
            else (lambda p: len(set(counties(p))) == len(p))
        )
    if rng.random() < 0.3:
        it = rng.choice([80.0, 160.0, 240.0])
        arguments["it_mw"] = it
        rules.append(
            lambda p: (
                math.fsum(mw / figure(s, o, "peak_ratio") for s, (mw, o) in p.items())
                <= it + 1e-9
            )
        )
    if rng.random() < 0.2:
        arguments["max_sites"] = 2
        rules.append(lambda p: len(p) <= 2)
    if rng.random() < 0.15:
        arguments["min_spacing_km"] = 50.0  # Neighbours are 38 km apart.
        rules.append(
            lambda p: all(
                abs(int(a[1:]) - int(b[1:])) > 1
                for a, b in itertools.combinations(p, 2)
            )
        )
    if rng.random() < 0.2:
        arguments["fixed"] = ["s0"]
        rules.append(lambda p: "s0" in p)
    made = World(sites, options, figures, arguments, rules)
    made.figure, made.total, made.capital = figure, total, capital
    return made


def ways(made: World, site: str) -> list[tuple[float, str]]:
    """Return the sizes and options of a site."""
    found = []
    for name, own in made.figures.items():
        if any(unknown(values[site]) for values in own.values()):
            continue
        if unknown(made.figure(site, name, "score")):
            continue
        room = made.figure(site, name, "capacity_mw")
        found += [(mw, name) for mw in SIZES if mw <= room]
    return found


def value_of(made: World, plan: dict) -> float:
    objective = made.arguments["objective"]
    if objective != "cost":
        return made.total(plan, objective)
    once = math.fsum(made.figure(s, o, "fixed_cost_usd") for s, (_, o) in plan.items())
    return -made.total(plan, "lifetime_cost_usd_per_mw") - once


def best_of(made: World) -> float | None:
    labels = list(made.sites.index)
    best = None
    for picks in itertools.product(*([None, *ways(made, s)] for s in labels)):
        plan = {s: pick for s, pick in zip(labels, picks, strict=True) if pick}
        if all(rule(plan) for rule in made.rules):
            value = value_of(made, plan)
            best = value if best is None else max(best, value)
    return best


def solved(made: World, **changes) -> ss.SitePlan | None:
    arguments = {**made.arguments, "options": made.options, "gap": 0.0, **changes}
    if "s0" in arguments.get("fixed", ()) and not ways(made, "s0"):
        with pytest.raises(StudyError, match="names 's0'|one of them is eligible"):
            ss.optimize_sites(made.sites, **arguments)
        return None
    try:
        return ss.optimize_sites(made.sites, **arguments)
    except InfeasiblePlanError:
        return None
    except StudyError as error:
        if "one of them is eligible" not in str(error):
            raise
        assert not any(ways(made, s) for s in made.sites.index)
        return None


def judge(seed: int) -> None:
    made = world(seed)
    best = best_of(made)
    methods = ["full", "priceout"]
    for method in methods if best is not None else methods[seed % 2 :][:1]:
        plan = solved(made, method=method)
        assert (plan is None) == (best is None), (seed, method, best)
        if plan is None:
            continue
        plan.verify()
        told = {
            s: (row.mw, row.option)
            for s, row in plan.sites[["mw", "option"]].iterrows()
        }
        assert all(pick in ways(made, s) for s, pick in told.items())
        assert all(rule(told) for rule in made.rules), (seed, method)
        sign = -1.0 if made.arguments["objective"] == "cost" else 1.0
        value = value_of(made, told)
        assert sign * plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6), seed
        assert value == pytest.approx(best, rel=1e-6, abs=1e-6), (seed, method)
        assert plan.total_cost_usd == pytest.approx(made.capital(told), abs=1.0)


@given(st.integers(0, 2**32))
@examples(20)
def test_options_equal_enumeration(seed):
    judge(seed)


@pytest.mark.soak
@pytest.mark.parametrize("block", range(5))
def test_soak_options_equal_enumeration(block):
    for seed in range(
        1_000_000 + 102 * SOAK * block, 1_000_000 + 102 * SOAK * (block + 1)
    ):
        judge(seed)


@given(st.integers(0, 2**32))
@examples(8)
def test_an_option_that_changes_nothing_changes_nothing(seed):
    made = world(seed)
    arguments = {**made.arguments, "gap": 0.0}
    same = {c: made.sites[c] for c in ("water", "pue", "cost_usd_per_mw")}
    if unknown(made.sites["score"].iloc[0]):
        arguments.pop("fixed", None)
    try:
        plain = ss.optimize_sites(made.sites, **arguments)
    except ss.SiteSelectError as error:
        for options in ({"as is": same}, {"as is": same, "the same": same}):
            with pytest.raises(type(error)):
                ss.optimize_sites(made.sites, **arguments, options=options)
        return
    one = ss.optimize_sites(made.sites, **arguments, options={"as is": same})
    two = ss.optimize_sites(
        made.sites, **arguments, options={"as is": same, "the same": same}
    )
    both = [c for c in plain.sites.columns if c != "why"]
    assert one.objective == plain.objective
    assert one.sites[both].equals(plain.sites[both])
    assert one.limits.equals(plain.limits)
    assert set(one.sites["option"]) <= {"as is"}
    assert two.objective == pytest.approx(plain.objective, rel=1e-9)


def judge_years(seed: int) -> bool:
    """Compare two years with all paths and options; return whether there is a plan."""
    rng = random.Random(seed)
    made = world(seed, years=True)
    early, late = rng.choice([100.0, 200.0]), rng.choice([200.0, 300.0])
    spent = rng.choice([1.5e9, 4e9])
    most = rng.choice([4000.0, 9000.0])
    limit = ss.Limit("water", per_mw="water", at_most=most)
    best = None
    labels = list(made.sites.index)
    paths = []
    for s in labels:
        sized: dict[str, list[float]] = {}
        for mw, option in ways(made, s):
            sized.setdefault(option, [0.0]).append(mw)
        paths.append(
            [None]
            + [
                (a, b, option)
                for option, sizes in sized.items()
                for a, b in itertools.combinations_with_replacement(sizes, 2)
                if b > 0
            ]
        )
    for picks in itertools.product(*paths):
        grown = {s: p for s, p in zip(labels, picks, strict=True) if p}
        years = [{s: (p[k], p[2]) for s, p in grown.items() if p[k]} for k in (0, 1)]
        mw = [sum(v[0] for v in plan.values()) for plan in years]
        if mw[0] < early or not 200 <= mw[1] <= late:
            continue
        if any(made.total(plan, "water") > most for plan in years):
            continue
        if made.capital(years[1]) > spent + 1:
            continue
        value = sum(made.total(plan, "score") for plan in years)
        best = value if best is None else max(best, value)
    try:
        plan = ss.optimize_sites(
            made.sites,
            site_mw=SIZES,
            power_mw={2027: (early, None), 2030: (200, late)},
            budget_usd=spent,
            limits=[limit],
            options=made.options,
            gap=0.0,
        )
    except (InfeasiblePlanError, StudyError):
        if best is not None:
            raise
        return False
    plan.verify()
    assert plan.objective == pytest.approx(best, rel=1e-6), seed
    return True


def test_options_over_the_years_equal_enumeration():
    assert sum(judge_years(seed) for seed in range(10)) > 3


def judge_draws(seed: int) -> bool:
    """Compare sites that draw from one of two sources, by their option."""
    rng = random.Random(seed)
    made = world(seed, years=True)
    labels = list(made.sites.index)
    links = pd.DataFrame(itertools.product(labels, "XY"), columns=["site", "source"])
    room = {k: rng.choice([1000.0, 4000.0, 9000.0]) for k in "XY"}
    draw = ss.Draw("wells", links, at_most=room, per_mw="water")
    best = 0.0
    for picks in itertools.product(*([None, *ways(made, s)] for s in labels)):
        plan = {s: p for s, p in zip(labels, picks, strict=True) if p}
        for joins in itertools.product("XY", repeat=len(plan)):
            used = dict.fromkeys("XY", 0.0)
            for (s, (mw, o)), source in zip(plan.items(), joins, strict=True):
                used[source] += mw * made.figure(s, o, "water")
            if all(used[k] <= room[k] for k in "XY"):
                best = max(best, made.total(plan, "score"))
                break
    try:
        plan = ss.optimize_sites(
            made.sites, site_mw=SIZES, limits=[draw], options=made.options, gap=0.0
        )
    except StudyError:
        if best > 0:
            raise
        return False
    plan.verify()
    assert plan.objective == pytest.approx(best, rel=1e-6), seed
    return best > 0


def test_options_with_draws_equal_enumeration():
    assert sum(judge_draws(seed) for seed in range(6)) > 3


@pytest.mark.parametrize("case", [*CASES, *OBJECTIVES])
def test_a_worse_option_changes_no_plan(case):
    """Whatever is limited or aimed at, with an option that nobody would take."""
    arguments = (CASES | OBJECTIVES)[case][0]
    if "existing" in arguments:
        return
    asked = {"site_mw": [100, 300], "gap": 0, **arguments}
    worse = {
        "score": SITES["score"] / 2,
        "cost_usd_per_mw": SITES["cost_usd_per_mw"] * 1.1,
        "small_usd_per_mw": 2e7,
    }
    plain = ss.optimize_sites(SITES, **asked)
    plan = ss.optimize_sites(SITES, **asked, options={"worse": worse, "as is": {}})
    plan.verify()
    assert plan.objective == pytest.approx(plain.objective, rel=1e-6)


def judge_ranges(seed: int) -> bool:
    """Compare any size of a range with one linear program per choice of options."""
    rng = random.Random(seed)
    made = world(seed, years=True)
    labels = list(made.sites.index)
    most, power = rng.choice([2000.0, 6000.0]), rng.choice([150.0, 330.0])
    pue = rng.choice([1.2, 1.35])
    each = []
    for s in labels:
        names = dict.fromkeys(option for _, option in ways(made, s))
        each.append([None, *names])
    best = 0.0
    for picks in itertools.product(*each):
        taken = [(s, o) for s, o in zip(labels, picks, strict=True) if o]
        if not taken:
            continue
        room = [min(180.0, made.figure(s, o, "capacity_mw")) for s, o in taken]
        found = linprog(
            [-made.figure(s, o, "score") for s, o in taken],
            A_ub=[
                [made.figure(s, o, "water") for s, o in taken],
                [made.figure(s, o, "pue") - pue for s, o in taken],
                [1.0] * len(taken),
            ],
            b_ub=[most, 0.0, power],
            bounds=[(70.0, top) for top in room],
        )
        if found.status == 0:
            best = max(best, -found.fun)
    try:
        plan = ss.optimize_sites(
            made.sites,
            site_mw=(70, 180),
            power_mw=power,
            limits=[
                ss.Limit("water", per_mw="water", at_most=most),
                ss.Average("pue", "pue", at_most=pue),
            ],
            options=made.options,
            gap=0.0,
        )
    except StudyError:
        if best > 0:
            raise
        return False
    plan.verify()
    assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6), seed
    return best > 0


def test_options_in_ranges_equal_linear_programs():
    assert sum(judge_ranges(seed) for seed in range(8)) > 4


def many(n: int, seed: int) -> tuple[gpd.GeoDataFrame, dict, dict]:
    """Return many candidates, three ways to cool them, and a study of them."""
    rng = np.random.default_rng(seed)
    county = rng.integers(0, 254, n).astype(str)
    room = pd.Series(rng.uniform(2e4, 1.2e6, 254), [str(k) for k in range(254)])
    sites = gpd.GeoDataFrame(
        {
            "score": rng.uniform(0.1, 1.0, n),
            "capacity_mw": rng.choice([100.0, 300.0, 500.0, 1000.0], n),
            "cost_usd_per_mw": rng.uniform(9e6, 13e6, n),
            "water": rng.uniform(2000, 12000, n),
            "pue": rng.uniform(1.12, 1.3, n),
            "county": county,
            "state": rng.integers(0, 6, n).astype(str),
            "available": room[county].to_numpy(),
        },
        geometry=gpd.points_from_xy(rng.uniform(-106, -94, n), rng.uniform(26, 36, n)),
        crs=4326,
    )
    chiller = {
        "water": sites["water"] / 2,
        "pue": sites["pue"] + 0.08,
        "score": sites["score"] * 0.97,
    }
    liquid = {"water": 50.0, "pue": sites["pue"] + 0.1, "score": sites["score"] * 0.93}
    options = {"adiabatic": {}, "chiller": chiller, "closed loop": liquid}
    study = {
        "power_mw": (3000, 3000),
        "budget_usd": 33e9,
        "site_mw": [100, 300, 1000],
        "limits": [
            ss.Limit("county", per_mw="water", by="county", at_most="available"),
            ss.Limit("all water", per_mw="water", at_most=9e6),
            ss.Average("pue", "pue", at_most=1.28),
            ss.Spread("states", by="state", at_least=3, max_share=0.5),
            ss.Spacing(40),
        ],
    }
    return sites, options, study


def test_pricing_out_equals_the_full_model():
    sites, options, study = many(220, 2)
    priced = ss.optimize_sites(sites, options=options, method="priceout", **study)
    full = ss.optimize_sites(sites, options=options, method="full", **study)
    assert priced.sites["option"].nunique() > 1
    for plan in (priced, full):
        assert plan.status == "optimal"
        plan.verify()
    assert priced.objective == pytest.approx(full.objective, rel=2e-4)
    assert priced.bound >= full.objective * (1 - 1e-9)
    # A choice among options is worth something here.
    wet = ss.optimize_sites(sites, options={"wet": options["adiabatic"]}, **study)
    assert priced.objective > wet.objective * 1.001


@pytest.mark.soak
def test_soak_twenty_thousand_candidates():
    sites, options, study = many(20_000, 1)
    plan = ss.optimize_sites(sites, options=options, **study)
    assert plan.status == "optimal"
    assert "priced out" in plan.solver
    plan.verify()


# -- by hand ---------------------------------------------------------------------


def trade() -> tuple[gpd.GeoDataFrame, dict]:
    """Return two sites of one county, and two ways to cool them.

    Wet cooling takes 1,000 m3 per MW and year, dry cooling none and 10 % of the score
    at "a", 30 % at "b". 100 MW each, and water for 150 MW: 150,000 m3.
    """
    sites = gpd.GeoDataFrame(
        {
            "score": [0.9, 0.8],
            "capacity_mw": 100.0,
            "water": 1000.0,
            "cost_usd_per_mw": 1e7,
            "county": "A",
        },
        index=["a", "b"],
        geometry=gpd.points_from_xy([-100, -99], [32, 32]),
        crs=4326,
    )
    dry = {"water": 0.0, "score": pd.Series({"b": 0.56, "a": 0.81})}
    return sites, {"adiabatic": {}, "closed loop": dry}


def water(at_most: float) -> ss.Limit:
    return ss.Limit("water", per_mw="water", by="county", at_most=at_most)


def test_water_binds_and_one_site_is_built_dry():
    sites, options = trade()
    asked = {"site_mw": [100], "options": options, "gap": 0.0}
    plan = ss.optimize_sites(sites, limits=[water(150_000.0)], **asked)
    # Wet and wet is over the water; dry at "a" costs 9 score x MW, at "b" 24.
    assert plan.sites["option"].to_dict() == {"a": "closed loop", "b": "adiabatic"}
    assert plan.objective == pytest.approx(0.81 * 100 + 0.80 * 100)
    assert plan.sites["water"].to_dict() == {"a": 0.0, "b": 1000.0}
    assert plan.limits.set_index("limit").at["water", "used"] == 100_000.0
    assert plan.sites.at["a", "why"].startswith("built as closed loop")
    plan.verify()
    ample = ss.optimize_sites(sites, limits=[water(200_000.0)], **asked)
    assert set(ample.sites["option"]) == {"adiabatic"}
    none = ss.optimize_sites(sites, limits=[water(0.0)], **asked)
    assert none.objective == pytest.approx(81 + 56)


def test_the_price_of_water_is_the_power_that_dry_cooling_takes():
    sites, options = trade()
    plan = ss.optimize_sites(
        sites,
        site_mw=(0, 100),
        options=options,
        limits=[water(150_000.0)],
        power_mw=(200, 200),
        gap=0.0,
    )
    # In fractions "a" is half wet: 0.09 score x MW per MW dry, 1,000 m3 each.
    price = plan.limits.set_index("limit").at["water", "price"]
    assert price == pytest.approx(0.09 / 1000)
    # Exactly: 50,000 m3 more make it wet, and bring 9 score x MW.
    assert plan.exact_price("water", 50_000.0) == pytest.approx(9.0)


def test_an_option_is_for_the_whole_site():
    """At one site no two options share the megawatts of a range."""
    sites, options = trade()
    plan = ss.optimize_sites(
        sites.iloc[:1],
        site_mw=(10, 100),
        options=options,
        limits=[water(50_000.0)],
        gap=0.0,
    )
    # 100 MW dry bring 81, 50 MW wet only 45, and half and half is not on offer.
    assert plan.sites["option"].tolist() == ["closed loop"]
    assert plan.objective == pytest.approx(81.0)


def test_where_an_option_lacks_a_figure_it_is_not_offered_and_said():
    sites, options = trade()
    options["closed loop"]["score"] = pd.Series({"a": np.nan, "b": 0.56})
    plan = ss.optimize_sites(
        sites, site_mw=[100], options=options, limits=[water(150_000.0)], gap=0.0
    )
    assert plan.sites["option"].to_dict() == {"a": "adiabatic", "b": "closed loop"}
    assert any(
        "1 of 2 eligible candidates are not offered 'closed loop'" in note
        for note in plan.notes
    )


def test_a_column_that_only_options_have():
    sites, _ = trade()
    options = {"wet": {"permits": 2.0}, "dry": {"permits": 1.0, "score": 0.1}}
    plan = ss.optimize_sites(
        sites,
        site_mw=[100],
        options=options,
        limits=[ss.Limit("permits", per_site="permits", at_most=3)],
        gap=0.0,
    )
    assert plan.sites["option"].to_dict() == {"a": "wet", "b": "dry"}
    assert plan.sites["permits"].to_dict() == {"a": 2.0, "b": 1.0}
    plan.verify()


def test_a_whole_frame_may_say_what_differs():
    """Columns of text, and unknown ones, that are the same do not count as figures."""
    sites, _ = trade()
    sites["unknown"] = np.nan
    dry = sites.assign(water=0.0, score=[0.81, 0.56]).iloc[::-1]
    plan = ss.optimize_sites(
        sites,
        site_mw=[100],
        options={"wet": sites, "dry": dry},
        limits=[water(150_000.0)],
        gap=0.0,
    )
    assert plan.sites["option"].to_dict() == {"a": "dry", "b": "wet"}
    assert plan.problem.designs.columns == ("score", "water")
    plan.verify()


def test_true_and_false_by_option():
    sites, options = trade()
    options["adiabatic"]["evaporates"] = True
    options["closed loop"]["evaporates"] = pd.Series(False, sites.index)
    dry = ss.Share("dry", "evaporates", at_most=0.5)
    plan = ss.optimize_sites(
        sites, site_mw=[100], options=options, limits=[dry], gap=0.0
    )
    assert plan.sites["option"].to_dict() == {"a": "closed loop", "b": "adiabatic"}
    plan.verify()


def test_no_option_anywhere_is_said():
    sites, _ = trade()
    none = {"dry": {"water": pd.Series(np.nan, sites.index)}}
    with pytest.raises(StudyError, match="no option has all its figures"):
        ss.optimize_sites(sites, site_mw=[100], options=none)


def test_a_column_that_nothing_reads_is_said():
    sites, options = trade()
    plan = ss.optimize_sites(sites, site_mw=[100], options=options)
    assert any("by option differs 'water'" in note for note in plan.notes)


def test_rows_labels_and_the_order_of_rows_do_not_matter():
    made = world(11)
    plan = solved(made)
    shuffled = replace_sites(made, made.sites.sample(frac=1, random_state=3))
    again = solved(shuffled)
    assert again.objective == plan.objective
    assert again.sites["option"].to_dict() == plan.sites["option"].to_dict()


def replace_sites(made: World, sites: gpd.GeoDataFrame) -> World:
    other = replace(made, sites=sites)
    other.figure, other.total, other.capital = made.figure, made.total, made.capital
    return other


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.assign(option="adiabatic"),
        lambda s: s.assign(option=["adiabatic", "closed loop"]),
        lambda s: s.assign(option="magic"),
        lambda s: s.assign(option=None),
        lambda s: s.drop(columns="option"),
        lambda s: s.assign(water=0.0),
        lambda s: s.assign(score=s["score"] + 0.1),
    ],
)
def test_a_corrupted_option_or_figure_is_rejected(spoil):
    sites, options = trade()
    plan = ss.optimize_sites(
        sites, site_mw=[100], options=options, limits=[water(150_000.0)], gap=0.0
    )
    plan.verify()
    with pytest.raises(SolverError, match="option"):
        replace(plan, sites=spoil(plan.sites)).verify()


def test_equal_options_that_are_swapped_are_rejected():
    """Even where no figure tells them apart the plan says what the solution holds."""
    sites, options = trade()
    options["adiabatic too"] = {}
    plan = ss.optimize_sites(sites, site_mw=[100], options=options, gap=0.0)
    told = plan.sites["option"].replace("adiabatic", "adiabatic too")
    with pytest.raises(SolverError, match="options are those of the solution"):
        replace(plan, sites=plan.sites.assign(option=told)).verify()


def test_what_works_on_a_plan_knows_its_options():
    sites, options = trade()
    sites = pd.concat([sites, sites.iloc[:1].rename({"a": "c"}).assign(score=0.3)])
    sites = sites.set_geometry(gpd.points_from_xy([-100, -99, -98], [32] * 3))
    options["closed loop"]["score"] = pd.Series({"a": 0.81, "b": 0.56, "c": 0.2})
    asked = {"site_mw": [100], "options": options, "power_mw": (200, 200), "gap": 0.0}
    plan = ss.optimize_sites(sites, limits=[water(150_000.0)], **asked)
    assert plan.objective == pytest.approx(161.0)
    # Without "a": "b" wet and "c" dry, 80 + 20; without "b": "a" dry, "c" wet.
    loss = plan.importance()["loss"]
    assert loss.round(6).to_dict() == {"a": 61.0, "b": 50.0}
    one, two = plan.alternatives(2)
    assert [one.objective, two.objective] == pytest.approx([111.0, 100.0])
    for other in (one, two):
        other.verify()
    assert "closed loop" in repr(plan)
    assert plan.explain("a").loss == pytest.approx(61.0)
    kept_out = plan.explain("c")
    assert kept_out.loss == pytest.approx(50.0)
    assert math.isnan(kept_out.break_even_score)
    found = ss.frontier(
        sites,
        along="water",
        values=[0.0, 100_000.0, 200_000.0],
        exact=True,
        limits=[water(1.0)],
        **asked,
    )
    assert found.table["objective"].tolist() == pytest.approx([137.0, 161.0, 170.0])
    assert found.table["used"].tolist() == pytest.approx([0.0, 100_000.0, 200_000.0])


def test_the_model_for_pulp_names_the_options():
    sites, options = trade()
    model = ss.build_model(sites, site_mw=[100], options=options)
    names = [v.name for v in model.variables()]
    assert len(names) == 4
    assert sum("closed_loop" in name for name in names) == 2
    assert sum("a_100_MW_adiabatic" in name for name in names) == 1


def test_options_over_the_years_are_kept():
    sites, options = trade()
    sites["capacity_mw"] = 200.0
    plan = ss.optimize_sites(
        sites,
        site_mw=SIZES,
        options=options,
        power_mw={2027: (200, 200), 2030: (300, 300)},
        limits=[water(150_000.0)],
        gap=0.0,
    )
    plan.verify()
    assert plan.sites["option"].nunique() == 2
    # 200 MW wet are over the water from the start, so "a" is dry in both years.
    # Score x MW adds up over the two: 200 MW at "a", then 100 MW wet at "b" as well.
    assert plan.sites["option"].to_dict() == {"a": "closed loop", "b": "adiabatic"}
    assert plan.objective == pytest.approx(0.81 * 400 + 0.8 * 100)


# -- what is refused -------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "noun"),
    [
        ({}, "empty"),
        ([], "list"),
        ("dry", "str"),
        ({"dry": 3}, "'dry' as 3"),
        ({"dry": None}, "NoneType"),
        ({3: {}}, "option 3"),
        ({" ": {}}, "blank"),
        ({"dry": {}, "Dry ": {}}, "clash"),
        ({"wet": {}, "dry": {"watr": 1.0}}, "'water'"),
        ({"dry": {"water": "wter"}}, "'wter'"),
        ({"dry": {"water": pd.Series([1.0, 2.0])}}, "index"),
        ({"dry": {"water": pd.Series([1.0, 1.0, 2.0], ["a", "a", "b"])}}, "repeated"),
        ({"dry": {"water": pd.Series(["x", "y"], ["a", "b"])}}, "numbers"),
        ({"dry": {"water": [1.0, 2.0]}}, "list"),
        ({"dry": {"water": None}}, "NoneType"),
        ({"dry": {"water": float("nan")}}, "finite"),
        ({"dry": {"mw": 1.0}}, "'mw'"),
        ({"dry": {"geometry": 1.0}}, "'geometry'"),
        ({"dry": {3: 1.0}}, "int"),
        ({"dry": {"county": 1.0}}, "'county'"),
    ],
)
def test_bad_options_are_refused(options, noun):
    sites, _ = trade()
    with pytest.raises(StudyError, match=noun):
        ss.optimize_sites(sites, site_mw=[100], options=options)


@dataclass(frozen=True)
class PerSite:
    """A limit of one's own that reads a column by site."""

    name: str = "own"

    def rows(self, problem):
        use = problem.quantity("water", self.name)[problem.column_site]
        return ss.optimization.Rows.make(use[None, :], -np.inf, 1.0, self.name)

    def check(self, sites):
        raise AssertionError


@dataclass(frozen=True)
class FromFrame(PerSite):
    """The same, past the problem's own door."""

    def rows(self, problem):
        use = problem.frame["water"].to_numpy()[problem.column_site]
        return ss.optimization.Rows.make(use[None, :], -np.inf, 1.0, self.name)


@dataclass(frozen=True)
class Compared(PerSite):
    """The same, where an unknown figure would count as a small one."""

    def rows(self, problem):
        use = np.asarray(problem.frame["water"] > 500)[problem.column_site]
        return ss.optimization.Rows.make(use[None, :], -np.inf, 1.0, self.name)


@dataclass(frozen=True)
class PerColumn(PerSite):
    """The same as it should be."""

    def rows(self, problem):
        use = problem.per_column("water", self.name) * problem.column_mw
        return ss.optimization.Rows.make(use[None, :], -np.inf, 150_000.0, self.name)

    def check(self, sites):
        used = (sites["water"] * sites["mw"]).sum()
        return ss.optimization.accounts(
            self.name, [""], "total", -np.inf, 150_000.0, [used], "m3"
        )


def test_a_limit_of_ones_own_reads_figures_by_option():
    sites, options = trade()
    plan = ss.optimize_sites(
        sites, site_mw=[100], options=options, limits=[PerColumn()], gap=0.0
    )
    assert plan.sites["option"].to_dict() == {"a": "closed loop", "b": "adiabatic"}
    plan.verify()


LINKS = pd.DataFrame({"site": ["a", "b"], "source": ["X", "X"]})


@pytest.mark.parametrize(
    ("arguments", "noun"),
    [
        ({"existing": {"a": 100}}, "existing"),
        ({"limits": [ss.Limit("option", per_mw=1, at_most=100)]}, "'option'"),
        ({"limits": [ss.Limit("w", per_mw=1, at_most="water")]}, "at_most"),
        ({"limits": [ss.Limit("w", per_mw=1, by="water", at_most=9)]}, "by"),
        ({"limits": [ss.Spread("w", by="water", at_least=1)]}, "by"),
        ({"limits": [ss.AtLeast(50, 0.9, p_success="share")]}, "p_success"),
        (
            {"limits": [ss.Draw("w", LINKS, at_most=9, per_mw="water", split=True)]},
            "by site",
        ),
        ({"limits": [PerSite()]}, "by site"),
        ({"limits": [FromFrame()]}, "by site"),
        ({"limits": [Compared()]}, "by site"),
    ],
)
def test_what_does_not_go_with_options_is_refused(arguments, noun):
    sites, options = trade()
    sites["share"] = 0.5
    options["closed loop"]["share"] = 0.4
    with pytest.raises(StudyError, match=noun):
        ss.optimize_sites(sites, site_mw=[100], options=options, **arguments)


def test_candidates_with_a_column_named_option_are_refused():
    sites, options = trade()
    with pytest.raises(StudyError, match="clashes"):
        ss.optimize_sites(sites.assign(option=1), site_mw=[100], options=options)


def test_a_score_by_option_is_not_shaken():
    sites, options = trade()
    grid = ss.Criterion("grid", ss.Column("free"), ss.Rising(0, 1))
    free = sites.drop(columns="score").assign(free=[0.9, 0.8])
    scored = ss.score_sites(free, [grid])
    plan = ss.optimize_sites(scored, site_mw=[100], options=options)
    with pytest.raises(StudyError, match="differs by option"):
        plan.survival([grid], n=1)
    same = {"wet": {}, "dry": {"water": 0.0}}
    plan = ss.optimize_sites(scored, site_mw=[100], options=same)
    assert plan.survival([grid], n=2)["survival"].eq(1.0).all()


def test_scenarios_are_refused_with_options():
    sites, options = trade()
    plan = ss.optimize_sites(sites, site_mw=[100], options=options)
    with pytest.raises(StudyError, match="options"):
        ss.robust(plan, {"wet": {"score": 0.5}})


def calls():
    """Return valid calls with options, to be spoiled."""
    frame = candidates()
    dry = {"water": 0.5, "score": frame["score"] * 0.9, "pue": frame["pue"] + 0.1}
    limits = [
        ss.Limit("w", per_mw="water", by="state", at_most=4e3),
        ss.Average("pue", "pue", at_most=1.4),
    ]
    wet = frame.assign(water=frame["water"] * 2)
    return [
        plan_call(options={"wet": {}, "dry": dry}, limits=limits),
        plan_call(options={"wet": wet, "dry": dry}, limits=limits, budget_usd=9e9),
        plan_call(options={"wet": wet[["water"]], "dry": {"water": "pue"}}),
        plan_call(
            options={"wet": {"cap": 300.0}, "dry": {"cap": 100.0, "score": 0.9}},
            capacity="cap",
            site_mw=(50, 300),
        ),
        plan_call(options={"wet": {}, "dry": dry}, power_mw={2027: 300, 2030: 600}),
    ]


def test_spoiled_options_are_refused_or_answered():
    assert all(built(one).status == "optimal" for one in calls())
    assert {judged(seed, calls()) for seed in range(25)} >= {"StudyError", "answer"}


@pytest.mark.soak
def test_soak_spoiled_options():
    for seed in range(1000, 1000 + 120 * SOAK):
        judged(seed, calls())


def test_cooling_systems_of_the_bundle_are_options():
    """The model's frames are options as they stand; less water costs power."""
    area = ss.datasets.region("Texas")
    layers = ss.datasets.load_all(area)
    cells = ss.grid_candidates(area, spacing_km=80)
    systems = ("air economiser, adiabatic", "air chiller")
    options = {c: ss.prepare(cells, layers, cooling=c) for c in systems}
    sites = options[systems[0]].assign(score=1.0)
    used, cost, built = [], [], []
    for water_m3 in (1e7, 1.5e6):
        limit = ss.Limit("water", per_mw="water_m3_per_mw_year", at_most=water_m3)
        plan = ss.optimize_sites(
            sites,
            it_mw=(1500, 1500),
            site_mw=(100, 1000),
            objective="cost",
            limits=[limit],
            options=options,
            gap=1e-3,
        )
        plan.verify()
        used.append(plan.limits.set_index("limit").at["water", "used"])
        cost.append(plan.objective)
        built.append(set(plan.sites["option"]))
    assert built[0] == {"air economiser, adiabatic"}
    assert "air chiller" in built[1]
    assert used[1] <= 1.5e6 * (1 + 1e-9) < used[0]
    assert cost[1] > cost[0]
    facility = ss.optimize_sites(sites, power_mw=100, site_mw=[100], options=options)
    assert any("more IT power in one than in another" in n for n in facility.notes)
