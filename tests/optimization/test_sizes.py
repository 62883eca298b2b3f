"""Sizes as numbers, ranges or both; existing sites; IT megawatts."""

from __future__ import annotations

import itertools
import random
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import InfeasiblePlanError, StudyError
from siteselect.optimization import build_model, optimize_sites
from siteselect.optimization._compile import Compiled, Request, compile_problem

EXACT = 5e-7


class Case:
    """A small problem with sizes of both kinds, for brute force and the library."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.n = rng.choice([1, 2, 3, 4, 4])
        self.labels = [f"s{k}" for k in range(self.n)]

        def draw(values: Any) -> list[Any]:
            return [rng.choice(values) for _ in range(self.n)]

        self.rows: dict[str, list[Any]] = {
            "score": [k / 20 for k in draw(range(1, 21))],
            "capacity_mw": draw([60.0, 120.0, 250.0, 400.0]),
            "cost_usd_per_mw": [k * 1e6 for k in draw(range(6, 15))],
            "cheap_usd_per_mw": [k * 1e6 for k in draw(range(3, 9))],
            "fixed_cost_usd": [k * 1e6 for k in draw(range(91))],
            "carbon": [float(k) for k in draw(range(100, 601))],
            "peak_ratio": draw([1.2, 1.3, 1.5]),
            "open": draw([True, True, False]),
            "group": draw("ab"),
        }
        options: list[Any] = [50.0, 100.0, 200.0, (60.0, 150.0), (150.0, 300.0)]
        options += [(100.0, None), (None, 80.0)]
        self.options = rng.sample(options, rng.choice([1, 2, 2, 3]))
        self.by_size = rng.random() < 0.3
        self.offered = rng.random() < 0.3
        self.existing: dict[str, float] = {}
        if rng.random() < 0.4:
            self.existing = {rng.choice(self.labels): float(rng.choice([40, 100, 170]))}
        self.out = rng.choice(self.labels) if rng.random() < 0.2 else None
        self.objective = rng.choice(["score", "score", "cost"])
        self.power = rng.choice([(None, 450.0), (120.0, 400.0), (200.0, 200.0)])
        self.it = rng.choice([None, None, 200.0, (100.0, 300.0)])
        if self.objective == "cost":
            self.power = (150.0, 600.0)
        self.budget = rng.choice([None, 3e9, 1.5e9])
        self.carbon = rng.choice([None, None, 350.0])
        self.most = rng.choice([None, None, 250.0])
        self.max_sites = rng.choice([None, 1, 2])

    def __repr__(self) -> str:
        return str(self.__dict__)

    @property
    def sites(self) -> gpd.GeoDataFrame:
        frame = gpd.GeoDataFrame(
            self.rows,
            index=self.labels,
            geometry=gpd.points_from_xy(np.arange(self.n) - 100.0, [34.0] * self.n),
            crs=4326,
        )
        if self.out is not None:
            frame["excluded_by"] = ""
            frame.loc[self.out, "excluded_by"] = "lakes"
            frame.loc[self.out, "score"] = np.nan
        return frame

    @property
    def arguments(self) -> dict[str, Any]:
        limits: list[Any] = []
        if self.carbon is not None:
            limits.append(opt.Average("carbon", "carbon", at_most=self.carbon))
        if self.most is not None:
            limits.append(opt.Limit("group", per_mw=1, by="group", at_most=self.most))
        sizes: Any = list(self.options)
        if self.offered:
            sizes = dict.fromkeys(self.options, True)
            sizes[self.options[0]] = "open"
        cost: Any = "cost_usd_per_mw"
        if self.by_size:
            cost = dict.fromkeys(self.options, "cost_usd_per_mw")
            cost[self.options[-1]] = "cheap_usd_per_mw"
        return {
            "site_mw": sizes,
            "cost_per_mw": cost,
            "objective": self.objective,
            "power_mw": self.power,
            "it_mw": self.it,
            "budget_usd": self.budget,
            "max_sites": self.max_sites,
            "existing": self.existing,
            "limits": limits,
        }

    # The oracle's side.

    @staticmethod
    def ends(option: Any) -> tuple[float, float]:
        if not isinstance(option, tuple):
            return option, option
        low, high = option
        return max(low or 0.0, 0.1), np.inf if high is None else high

    def price(self, i: int, option: Any) -> float:
        cheap = self.by_size and option == self.options[-1]
        return float(self.rows["cheap_usd_per_mw" if cheap else "cost_usd_per_mw"][i])

    def ways(self, i: int) -> list[tuple[float, float, float, float, bool]]:
        """Return (least, most, cost at least, cost per MW, is open)."""
        label, cap = self.labels[i], self.rows["capacity_mw"][i]
        stands = self.existing.get(label, 0.0)
        fixed = self.rows["fixed_cost_usd"][i]
        out = [] if stands else [(0.0, 0.0, 0.0, 0.0, False)]
        if stands:
            out.append((stands, stands, 0.0, 0.0, True))
        if label == self.out:
            return out
        ordered = sorted(self.options, key=self.order)
        paid = 0.0
        if stands:
            under = [o for o in ordered if (self.ends(o)[0] <= stands)]
            first = under[-1] if under else ordered[0]
            paid = self.price(i, first) * stands + fixed
        for option in ordered:
            low, high = self.ends(option)
            high = min(high, cap)
            if high < low or (low == high and low > cap):
                continue
            if self.offered and option == self.options[0] and not self.rows["open"][i]:
                continue
            price = self.price(i, option)
            if low > stands:
                out.append((low, high, price * low + fixed - paid, price, True))
            elif high > stands:
                out.append((stands, high, 0.0, price, True))
        return out

    @staticmethod
    def order(option: Any) -> tuple[float, float, bool]:
        if not isinstance(option, tuple):
            return option, option, False
        low, high = option
        return low or 0.0, np.inf if high is None else high, True

    def best(self) -> float | None:
        n, row = self.n, self.rows
        found: float | None = None
        sign = -1.0 if self.objective == "cost" else 1.0
        score = [
            0.0 if self.labels[i] == self.out else row["score"][i] for i in range(n)
        ]
        for chosen in itertools.product(*[self.ways(i) for i in range(n)]):
            count = sum(w[4] for w in chosen)
            if self.max_sites is not None and count > self.max_sites:
                continue
            base = sum(w[2] - w[0] * w[3] for w in chosen)
            per_mw = np.array([w[3] for w in chosen])
            a, b = [], []

            def at_most(use: Any, most: float, a: Any = a, b: Any = b) -> None:
                a.append(np.asarray(use, dtype=float))
                b.append(most)

            ratio = np.array(row["peak_ratio"])
            for use, spec in ((np.ones(n), self.power), (1 / ratio, self.it)):
                low, high = spec if isinstance(spec, tuple) else (None, spec)
                if high is not None:
                    at_most(use, high)
                if low is not None:
                    at_most(-use, -low)
            if self.budget is not None:
                at_most(per_mw / 1e6, (self.budget - base) / 1e6)
            if self.carbon is not None:
                at_most(np.array(row["carbon"]) - self.carbon, 0.0)
            if self.most is not None:
                for g in "ab":
                    at_most([float(x == g) for x in row["group"]], self.most)
            gain = per_mw / 1e6 if sign < 0 else -np.array(score)
            solved = linprog(
                gain, np.array(a), np.array(b), bounds=[(w[0], w[1]) for w in chosen]
            )
            if solved.status != 0:
                continue
            value = -solved.fun if sign > 0 else -(solved.fun * 1e6 + base)
            if found is None or value > found:
                found = value
        return None if found is None else sign * found


def agree(seed: int, **kwargs: Any) -> None:
    """Compare one case with brute force."""
    case = Case(seed)
    best = case.best()
    plan: Any
    try:
        plan = optimize_sites(case.sites, **case.arguments, gap=EXACT, **kwargs)
    except InfeasiblePlanError:
        plan = None
    except StudyError as error:
        plan = str(error)
    if isinstance(plan, str):
        assert best is None or "eligible" in plan, (plan, case)
        return
    assert (plan is None) == (best is None), (best, case)
    if plan is None:
        return
    assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6), case
    assert plan.status == "optimal"
    plan.verify()


seeds = st.integers(0, 2**32)


@given(seeds)
@examples(30)
def test_full_model_equals_brute_force(seed: int) -> None:
    agree(seed, method="full")


@given(seeds)
@examples(30)
def test_price_out_equals_brute_force(seed: int) -> None:
    agree(seed, method="priceout")


@pytest.mark.soak
@given(seeds)
@examples(300 * SOAK)
def test_soak_sizes_of_both_kinds(seed: int) -> None:
    agree(seed, method="full")
    agree(seed, method="priceout")


# -- by hand -----------------------------------------------------------------------


def two() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "score": [0.5, 0.8],
            "capacity_mw": [300.0, 120.0],
            "cost_usd_per_mw": [1e7, 2e7],
            "fixed_cost_usd": [5e6, 0.0],
            "cheap": [9e6, 8e6],
            "room": [True, False],
        },
        index=["w", "m"],
        geometry=gpd.points_from_xy([-100, -99], [35, 35]),
        crs=4326,
    )


def compiled(**request: Any) -> Compiled:
    return compile_problem(Request(sites=two(), **request))


def test_numbers_and_ranges_side_by_side() -> None:
    found = compiled(site_mw=[100, (50, 200), (150, None)])
    problem = found.problem
    # w: from 50, 100, from 150, then what the ranges add; m: from 50, 100, adds 70.
    assert problem.column_site.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert problem.column_mw.tolist() == [50, 100, 150, 150, 150, 50, 100, 70]
    assert problem.column_opens.tolist() == [1, 1, 1, 0, 0, 1, 1, 0]
    assert problem.column_opener.tolist() == [-1, -1, -1, 0, 2, -1, -1, 5]
    assert problem.integrality.tolist() == problem.column_opens.tolist()
    np.testing.assert_allclose(
        problem.column_cost,
        [5.05e8, 1.005e9, 1.505e9, 1.5e9, 1.5e9, 1e9, 2e9, 1.4e9],
    )
    rows = found.rows.take(np.flatnonzero(found.rows.limit == "site capacity"))
    np.testing.assert_array_equal(
        rows.matrix.toarray(),
        [
            [1, 1, 1, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 1, 1, 0],
            [-1, 0, 0, 1, 0, 0, 0, 0],
            [0, 0, -1, 0, 1, 0, 0, 0],
            [0, 0, 0, 0, 0, -1, 0, 1],
        ],
    )
    assert rows.upper.tolist() == [1, 1, 0, 0, 0]


def test_a_range_is_the_key_of_its_cost_capacity_and_place() -> None:
    found = compiled(
        site_mw={100: True, (120, 250): "room"},
        capacity={100: 100, (120, 250): "capacity_mw"},
        cost_per_mw={100: "cost_usd_per_mw", (120, 250): "cheap"},
        fixed_cost=0,
    ).problem
    assert found.column_site.tolist() == [0, 0, 0, 1]
    assert found.column_mw.tolist() == [100, 120, 130, 100]
    np.testing.assert_allclose(found.column_cost, [1e9, 1.08e9, 1.17e9, 2e9])


def test_one_range_is_what_it_was() -> None:
    alone, listed = compiled(site_mw=(50, 200)), compiled(site_mw=[(50, 200)])
    names = ("w 50 MW", "w +150 MW", "m 50 MW", "m +70 MW")
    assert alone.problem.column_names == listed.problem.column_names == names
    np.testing.assert_array_equal(
        alone.rows.matrix.toarray(), listed.rows.matrix.toarray()
    )


def test_the_model_for_pulp_takes_both() -> None:
    model = build_model(two(), site_mw=[100, (50, 200)], power_mw=300)
    assert len(model.variables()) == 6


def test_3000_mw_at_130_are_2308_mw_of_it() -> None:
    sites = two().assign(capacity_mw=1500.0)
    plan = optimize_sites(sites, site_mw=[1500], power_mw=(3000, 3000), it_mw=2400)
    account = plan.limits.set_index("limit").loc["it power"]
    assert round(account["used"]) == 2308
    assert account["unit"] == "IT MW"
    plan.verify()
    with pytest.raises(InfeasiblePlanError):
        optimize_sites(sites, site_mw=[1500], power_mw=(3000, 3000), it_mw=2300)
    # A column of ratios counts where there is one.
    own = sites.assign(peak_ratio=[1.2, 1.5])
    plan = optimize_sites(own, site_mw=[1500], it_mw=(2250, 2250))
    assert plan.total_mw == 3000
    plan.verify()
    by_it = optimize_sites(own, site_mw=(None, None), it_mw=(100, 100))
    assert by_it.sites["mw"].sum() == pytest.approx(150)


def test_the_cheapest_plan_may_be_asked_for_in_it_megawatts() -> None:
    plan = optimize_sites(two(), site_mw=[100], it_mw=(70, None), objective="cost")
    assert plan.sites.index.tolist() == ["w"]


def test_what_stands_is_there_and_free() -> None:
    # m stands over its capacity and is the only one that the power has room for.
    plan = optimize_sites(two(), site_mw=[100, 300], power_mw=200, existing={"m": 150})
    assert plan.sites["mw"].to_dict() == {"m": 150}
    assert plan.sites["cost_usd"].to_dict() == {"m": 0}
    assert plan.objective == pytest.approx(0.8 * 150)
    assert "stands already (150 MW)" in plan.sites.at["m", "why"]
    plan.verify()
    assert "existing" in set(plan.compiled.rows.limit)


def test_growth_costs_what_it_adds() -> None:
    plan = optimize_sites(
        two(),
        site_mw=[100, 300],
        power_mw=(300, None),
        existing={"w": 120},
        max_sites=1,
    )
    assert plan.sites.at["w", "cost_usd"] == pytest.approx((300 - 120) * 1e7)
    plan.verify()
    within = optimize_sites(
        two(),
        site_mw=(50, 200),
        power_mw=(170, 170),
        existing={"w": 120},
        max_sites=1,
    )
    assert within.sites.at["w", "cost_usd"] == pytest.approx((170 - 120) * 1e7)
    within.verify()


def test_what_stands_on_excluded_land_stays_as_it_is() -> None:
    sites = two().assign(excluded_by=["", "lakes"], score=[0.5, np.nan])
    plan = optimize_sites(sites, site_mw=[100], existing={"m": 60})
    assert plan.sites["mw"].to_dict() == {"w": 100, "m": 60}
    assert any("1 existing sites are excluded" in note for note in plan.notes)
    assert plan.objective == pytest.approx(50)
    plan.verify()


def test_what_stands_counts_in_limits() -> None:
    with pytest.raises(InfeasiblePlanError) as found:
        optimize_sites(two(), site_mw=[100], power_mw=50, existing={"w": 100})
    assert set(found.value.conflicts) == {"existing", "power"}


@pytest.mark.parametrize(
    ("arguments", "noun"),
    [
        ({"site_mw": [100, (50, 20)]}, "minimum"),
        ({"site_mw": [100, (50, 60, 70)]}, "3 values"),
        ({"site_mw": [0, (50, 60)]}, "over 0"),
        ({"site_mw": []}, "no size"),
        ({"site_mw": "100"}, "site_mw"),
        ({"site_mw": [100, (50, None)], "capacity": np.inf}, "capacity"),
        ({"site_mw": [100, (50, 90)], "cost_per_mw": {100: 1e6}}, r"\(50, 90\) MW"),
    ],
)
def test_bad_sizes_are_refused(arguments: dict[str, Any], noun: str) -> None:
    with pytest.raises(StudyError, match=noun):
        optimize_sites(two(), **arguments)
