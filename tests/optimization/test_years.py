"""Years: paths of sizes, bounds by year, money by period; against brute force."""

from __future__ import annotations

import itertools
import random
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import InfeasiblePlanError, LayerError, SolverError, StudyError
from siteselect.optimization import build_model, optimize_sites
from siteselect.optimization._compile import Compiled, Request, compile_problem
from siteselect.optimization.by_year import Arriving, ByYear, in_year, years_of
from siteselect.optimization.paths import growth_paths
from siteselect.optimization.problem import Rows

INF = np.inf
EXACT = 5e-7
_GEOD = Geod(ellps="WGS84")


# -- plain Python over all paths ---------------------------------------------------


def non_decreasing(
    levels: list[float], n_years: int, least: float
) -> list[tuple[float, ...]]:
    """Return every path over ``levels`` that does not shrink."""
    out: list[tuple[float, ...]] = [()]
    for _ in range(n_years):
        out = [
            (*path, mw)
            for path in out
            for mw in levels
            if mw >= (path[-1] if path else least)
        ]
    return out


class Case:
    """A small problem with years, described for brute force and for the library."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.rng = rng
        self.n = rng.choice([1, 2, 3, 3, 3])
        n_years = rng.choice([1, 2, 2, 3])
        self.years = sorted(rng.sample([2027, 2028, 2030, 2033], n_years))
        n_sizes = rng.choice([1, 2, 2]) if n_years == 3 else rng.choice([1, 2, 3])
        self.sizes = sorted(rng.sample([50, 100, 200, 300], n_sizes))
        self.labels = [f"s{k}" for k in range(self.n)]

        def draw(values: Any) -> list[Any]:
            return [rng.choice(values) for _ in range(self.n)]

        sub = draw("ab")
        first = {s: rng.choice([100.0, 250.0, 400.0]) for s in "ab"}
        when = {s: rng.choice([2026, 2028, 2030, 2040]) for s in "ab"}
        self.rows = {
            "score": [k / 20 for k in draw(range(1, 21))],
            "capacity_mw": draw([60.0, 100.0, 250.0, 400.0]),
            "later_mw": draw([100.0, 300.0, 300.0]),
            "since": draw([2026, 2028, 2029, 2031]),
            "cost_usd_per_mw": [k * 1e6 for k in draw(range(6, 15))],
            "fixed_cost_usd": [k * 1e6 for k in draw(range(91))],
            "carbon": [float(k) for k in draw(range(100, 601))],
            "jobs": [float(k) for k in draw(range(21))],
            "clean": draw([True, False]),
            "substation": sub,
            "headroom": [first[s] for s in sub],
            "when": [when[s] for s in sub],
            "state": draw(["OH", "TX"]),
            "x": draw(range(8)),
        }
        self.say: dict[str, Any] = {}
        say = self.say
        say["capacity"] = rng.choice(["plain", "plain", "arriving", "by year"])
        say["objective"] = rng.choice(["score", "score", "cost", "jobs"])
        say["rate"] = rng.choice([0.0, 0.0, 0.08, 0.3])
        power: dict[int, Any] = {}
        for year in self.years:
            kind = rng.choice(["none", "none", "most", "most", "between", "least"])
            if kind == "most":
                power[year] = float(rng.choice([150, 300, 450, 700]))
            elif kind == "between":
                power[year] = (float(rng.choice([50, 100])), 600.0)
            elif kind == "least":
                power[year] = (float(rng.choice([50, 100, 200])), None)
        if say["objective"] == "cost":
            power[self.years[-1]] = (100.0, None)
        say["power"] = power if rng.random() < 0.7 or power else {}
        if rng.random() < 0.3 and say["objective"] != "cost":
            say["power"] = rng.choice([400.0, (100.0, 500.0)])
        money = rng.choice(["none", "none", "total", "by year"])
        say["budget"] = None
        if money == "total":
            say["budget"] = rng.choice([2e9, 4e9, 8e9])
        elif money == "by year":
            keys = rng.sample(self.years, rng.randint(1, n_years))
            say["budget"] = {y: rng.choice([0.0, 1e9, 2.5e9, 5e9, 8e9]) for y in keys}
        for name, chance in (
            ("headroom", 0.4),
            ("average", 0.2),
            ("share", 0.2),
            ("floor", 0.2),
            ("distinct", 0.12),
            ("group share", 0.12),
            ("spacing", 0.25),
            ("per state", 0.15),
            ("it", 0.25),
            ("max_sites", 0.3),
            ("min_sites", 0.2),
        ):
            if rng.random() < chance:
                say[name] = rng.random()
        say["how"] = rng.choice(["arriving", "by year", "column"])
        say["floor by year"] = rng.random() < 0.5
        say["fixed"] = [rng.choice(self.labels)] if rng.random() < 0.15 else []
        say["forbidden"] = []
        if rng.random() < 0.15:
            site = rng.choice(self.labels)
            if site not in say["fixed"]:
                say["forbidden"] = [site]
        say["existing"] = {}
        if rng.random() < 0.3:
            site = rng.choice(self.labels)
            if site not in say["forbidden"]:
                say["existing"] = {site: float(rng.choice([40, 100, 150, 200]))}

    def __repr__(self) -> str:
        return f"{self.rows}\n{self.years} {self.sizes}\n{self.say}"

    # The library's side.

    @property
    def sites(self) -> gpd.GeoDataFrame:
        table = {k: v for k, v in self.rows.items() if k != "x"}
        return gpd.GeoDataFrame(
            table,
            index=self.labels,
            geometry=gpd.points_from_xy(
                [-100 + 0.25 * x for x in self.rows["x"]], [34.0] * self.n
            ),
            crs=4326,
        )

    @property
    def arguments(self) -> dict[str, Any]:
        say = self.say
        limits: list[Any] = []
        if "headroom" in say:
            bound: Any = "headroom"
            if say["how"] == "arriving":
                bound = Arriving("headroom", "when", before=100)
            elif say["how"] == "by year":
                bound = ByYear({2027: 150, 2030: "headroom"})
            limits.append(
                opt.Limit("headroom", per_mw=1, by="substation", at_most=bound)
            )
        if "average" in say:
            most: Any = self.carbon
            if say["how"] == "by year":
                most = ByYear({self.years[0]: most, 2030: most - 50})
            limits.append(opt.Average("average", "carbon", at_most=most))
        if "share" in say:
            limits.append(opt.Share("share", "clean", at_least=self.share))
        if "floor" in say:
            floor: Any = self.floor
            if say["floor by year"]:
                floor = ByYear({self.years[0]: self.floor / 2, 2033: self.floor})
            limits.append(opt.Limit("floor", per_site="jobs", at_least=floor))
        if "distinct" in say:
            limits.append(opt.Spread("distinct", "state", at_least=2))
        if "group share" in say:
            limits.append(opt.Spread("group share", "state", max_share=0.75))
        if "per state" in say:
            count = ByYear({self.years[0]: 1, 2030: 2})
            limits.append(opt.Spread("states", "state", max_sites_per_group=count))
        if "spacing" in say:
            limits.append(opt.Spacing(self.km))
        capacity: Any = "capacity_mw"
        if say["capacity"] == "arriving":
            capacity = Arriving("later_mw", "since", before="capacity_mw")
        elif say["capacity"] == "by year":
            capacity = ByYear({2027: "capacity_mw", 2030: "later_mw"})
        out = {
            "years": self.years,
            "site_mw": self.sizes,
            "capacity": capacity,
            "objective": say["objective"],
            "discount_rate": say["rate"],
            "limits": limits,
            "fixed": say["fixed"],
            "forbidden": say["forbidden"],
            "existing": say["existing"],
            "budget_usd": say["budget"],
            "power_mw": say["power"] or None,
        }
        if "it" in say:
            out["it_mw"] = {self.years[0]: self.it, self.years[-1]: (50.0, None)}
        if "max_sites" in say:
            out["max_sites"] = 1 + int(2 * say["max_sites"])
        if "min_sites" in say:
            out["min_sites"] = 1
        return out

    carbon = property(lambda self: 200 + 300 * round(self.say["average"], 2))
    share = property(lambda self: round(self.say["share"], 1))
    floor = property(lambda self: float(round(20 * self.say["floor"])))
    it = property(lambda self: 100.0 + round(200 * self.say["it"]))
    km = property(lambda self: 20 + 60 * self.say["spacing"])

    # The oracle's side.

    def capacity(self, i: int, year: int) -> float:
        now, later = self.rows["capacity_mw"][i], self.rows["later_mw"][i]
        how = self.say["capacity"]
        if how == "arriving":
            return float(later if year >= self.rows["since"][i] else now)
        if how == "by year":
            return 0.0 if year < 2027 else float(later if year >= 2030 else now)
        return float(now)

    def paths(self, i: int) -> list[tuple[float, ...]]:
        stands = self.say["existing"].get(self.labels[i], 0.0)
        levels = [stands, *(float(s) for s in self.sizes if s > stands)]
        out = []
        for path in non_decreasing(levels, len(self.years), stands):
            if all(
                mw <= stands or mw <= self.capacity(i, year)
                for mw, year in zip(path, self.years, strict=True)
            ):
                out.append(path)
        if self.labels[i] in self.say["forbidden"]:
            out = [p for p in out if p[-1] == 0]
        if self.labels[i] in self.say["fixed"]:
            out = [p for p in out if p[-1] > 0]
        return out

    def cost(self, i: int, mw: float) -> float:
        if mw == 0:
            return 0.0
        row = self.rows
        return float(row["cost_usd_per_mw"][i] * mw + row["fixed_cost_usd"][i])

    def spent(self, i: int, path: tuple[float, ...]) -> list[float]:
        before = self.say["existing"].get(self.labels[i], 0.0)
        out = []
        for mw in path:
            out.append(self.cost(i, mw) - self.cost(i, before))
            before = mw
        return out

    def value(self, i: int, path: tuple[float, ...]) -> float:
        rate, total = self.say["rate"], 0.0
        for year, mw, usd in zip(self.years, path, self.spent(i, path), strict=True):
            factor = (1 + rate) ** -(year - self.years[0])
            if self.say["objective"] == "cost":
                total += factor * usd
            else:
                total += factor * mw * self.rows[self.say["objective"]][i]
        return total

    def holds(self, plan: tuple[tuple[float, ...], ...]) -> bool:
        say, rows, years = self.say, self.rows, self.years
        everyone = range(self.n)
        spent = [
            sum(self.spent(i, plan[i])[k] for i in everyone) for k in range(len(years))
        ]
        budget = say["budget"]
        if isinstance(budget, dict):
            since = -1
            for k, year in enumerate(years):
                if year in budget:
                    if sum(spent[since + 1 : k + 1]) > budget[year] + 1e-3:
                        return False
                    since = k
        elif budget is not None and sum(spent) > budget + 1e-3:
            return False
        for k, year in enumerate(years):
            mw = [plan[i][k] for i in everyone]
            total = sum(mw)
            is_last = k == len(years) - 1
            opened = [i for i in everyone if mw[i] > 0]
            power = say["power"]
            if isinstance(power, dict):
                power = power.get(year)
            elif isinstance(power, tuple) and not is_last:
                power = (None, power[1])
            if power is not None:
                low, high = power if isinstance(power, tuple) else (None, power)
                if low is not None and total < low - 1e-6:
                    return False
                if high is not None and total > high + 1e-6:
                    return False
            if "headroom" in say:
                for s in "ab":
                    inside = [i for i in everyone if rows["substation"][i] == s]
                    if not inside:
                        continue
                    most = rows["headroom"][inside[0]]
                    if say["how"] == "arriving" and rows["when"][inside[0]] > year:
                        most = 100.0
                    if say["how"] == "by year" and year < 2030:
                        most = 150.0
                    if sum(mw[i] for i in inside) > most + 1e-6:
                        return False
            if "average" in say and total:
                used = sum(mw[i] * rows["carbon"][i] for i in everyone)
                stricter = say["how"] == "by year" and year >= 2030 >= years[0]
                if used > (self.carbon - 50 * stricter) * total + 1e-6:
                    return False
            if "share" in say:
                clean = sum(mw[i] for i in everyone if rows["clean"][i])
                if clean < self.share * total - 1e-6:
                    return False
            if "floor" in say:
                jobs = sum(rows["jobs"][i] for i in opened)
                least = self.floor if is_last else 0.0
                if say["floor by year"]:
                    least = self.floor if year >= 2033 else self.floor / 2
                if jobs < least - 1e-6:
                    return False
            if "group share" in say:
                for state in ("OH", "TX"):
                    inside = [i for i in everyone if rows["state"][i] == state]
                    if sum(mw[i] for i in inside) > 0.75 * total + 1e-6:
                        return False
            if "per state" in say:
                # The latest entry counts: that of the first year, or of 2030.
                most_sites = 2 if max(2030, years[0]) <= year else 1
                if years[0] > 2030:
                    most_sites = 1
                for state in ("OH", "TX"):
                    if sum(rows["state"][i] == state for i in opened) > most_sites:
                        return False
            if "it" in say:
                it = total / 1.3
                first = k == 0 and len(years) > 1
                if (first and it > self.it + 1e-6) or (is_last and it < 50 - 1e-6):
                    return False
            if "max_sites" in say and len(opened) > 1 + int(2 * say["max_sites"]):
                return False
            if is_last and "min_sites" in say and not opened:
                return False
            states = {rows["state"][i] for i in opened}
            if is_last and "distinct" in say and len(states) < 2:
                return False
            if "spacing" in say:
                for a, b in itertools.combinations(opened, 2):
                    lon = [-100 + 0.25 * rows["x"][i] for i in (a, b)]
                    metres = _GEOD.inv(lon[0], 34.0, lon[1], 34.0)[2]
                    if metres < 1000 * self.km * (1 - 1e-9):
                        return False
        return True

    def explains(self, text: str) -> bool:
        """Return whether an early error is about a contradiction of this case."""
        known = ["none of the sizes", "never shrink", "contradict", "eligible"]
        return any(word in text for word in known)

    def best(self) -> float | None:
        found: float | None = None
        sign = -1.0 if self.say["objective"] == "cost" else 1.0
        choices = [
            [(p, self.value(i, p)) for p in self.paths(i)] for i in range(self.n)
        ]
        for chosen in itertools.product(*choices):
            value = sign * sum(v for _, v in chosen)
            if found is not None and value <= found:
                continue
            if self.holds(tuple(p for p, _ in chosen)):
                found = value
        return None if found is None else sign * found


def case_of(seed: int) -> Case:
    """Draw a case; one without a plan gets a second try."""
    first = Case(seed)
    return Case(seed + 2**33) if first.best() is None else first


def plan_of(case: Case, **kwargs: Any) -> Any:
    """Return the plan, None if there is none, or the text of an early error."""
    try:
        return optimize_sites(case.sites, **case.arguments, gap=EXACT, **kwargs)
    except InfeasiblePlanError:
        return None
    except StudyError as error:
        return str(error)


def agree(seed: int, **kwargs: Any) -> None:
    """Compare one case with brute force."""
    case = case_of(seed)
    best = case.best()
    plan = plan_of(case, **kwargs)
    if isinstance(plan, str):
        # Said before anything is solved: a fixed site that no size fits, or bounds
        # that cross.
        assert best is None, (plan, case)
        assert case.explains(plan), (plan, case)
        return
    assert (plan is None) == (best is None), (best, case)
    if plan is None:
        return
    assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6), case
    assert plan.status == "optimal"
    plan.verify()


seeds = st.integers(0, 2**32)


@given(seeds)
@examples(40)
def test_full_model_equals_brute_force(seed: int) -> None:
    agree(seed, method="full")


@given(seeds)
@examples(40)
def test_price_out_equals_brute_force(seed: int) -> None:
    agree(seed, method="priceout")


@pytest.mark.soak
@given(seeds)
@examples(300 * SOAK)
def test_soak_years(seed: int) -> None:
    agree(seed, method="full")
    agree(seed, method="priceout")


def test_the_cases_drawn_mostly_have_a_plan() -> None:
    found = [case_of(seed).best() is not None for seed in range(60)]
    assert sum(found) > 36


# -- by hand -----------------------------------------------------------------------


def two() -> gpd.GeoDataFrame:
    """Two sites, 91 km apart."""
    return gpd.GeoDataFrame(
        {
            "score": [0.5, 0.8],
            "capacity_mw": [300.0, 100.0],
            "cost_usd_per_mw": [1e7, 2e7],
            "fixed_cost_usd": [5e6, 0.0],
            "water": [1.0, 2.0],
            "carbon": [200.0, 500.0],
            "state": ["A", "B"],
            "energised": [2030, 2027],
            "peak_ratio": [1.25, 1.6],
        },
        index=["w", "m"],
        geometry=gpd.points_from_xy([-100, -99], [35, 35]),
        crs=4326,
    )


def compiled(**request: Any) -> Compiled:
    request = {"site_mw": [100, 300], "years": (2027, 2030), **request}
    return compile_problem(Request(sites=two(), **request))


def of(found: Compiled, name: str) -> Rows:
    rows = found.full_rows()
    return rows.take(np.flatnonzero(rows.limit == name))


def says(rows: Rows, year: Any, matrix: Any, lower: Any, upper: Any) -> None:
    assert rows.year.tolist() == year
    np.testing.assert_allclose(rows.matrix.toarray(), matrix, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(rows.lower, lower, rtol=1e-12)
    np.testing.assert_allclose(rows.upper, upper, rtol=1e-12)


#: w: 0 100, 0 300, 100 100, 100 300, 300 300; m (100 MW at most): 0 100, 100 100.
MW = np.array(
    [[0, 100], [0, 300], [100, 100], [100, 300], [300, 300], [0, 100], [100, 100]],
    dtype=float,
)
USD = np.array(
    [
        [0, 1.005e9],
        [0, 3.005e9],
        [1.005e9, 0],
        [1.005e9, 2e9],
        [3.005e9, 0],
        [0, 2e9],
        [2e9, 0],
    ]
)


def test_columns_are_paths() -> None:
    problem = compiled().problem
    assert problem.years == (2027, 2030)
    assert problem.column_site.tolist() == [0, 0, 0, 0, 0, 1, 1]
    np.testing.assert_array_equal(problem.year_mw, MW)
    np.testing.assert_allclose(problem.year_cost, USD)
    np.testing.assert_array_equal(problem.column_mw, MW[:, 1])
    np.testing.assert_allclose(problem.column_cost, USD.sum(axis=1))
    assert problem.column_opens.all()
    assert problem.integrality.all()
    assert problem.column_names[3] == "w 100→300 MW"
    then = problem.in_year(0)
    np.testing.assert_array_equal(then.column_mw, MW[:, 0])
    np.testing.assert_allclose(then.column_cost, USD[:, 0])
    assert then.column_opens.tolist() == [0, 0, 1, 1, 1, 0, 1]


def test_objectives_are_sums_over_the_years() -> None:
    score = np.array([0.5] * 5 + [0.8] * 2)
    np.testing.assert_allclose(compiled().problem.objective, score * MW.sum(axis=1))
    found = compiled(discount_rate=0.1).problem.objective
    np.testing.assert_allclose(found, score * (MW[:, 0] + MW[:, 1] / 1.1**3))
    cost = compiled(discount_rate=0.1, objective="cost", power_mw=(100, None)).problem
    assert not cost.maximize
    np.testing.assert_allclose(cost.objective, USD[:, 0] + USD[:, 1] / 1.1**3)


def test_one_path_per_site() -> None:
    rows = of(compiled(), "site capacity")
    says(rows, ["", ""], [[1] * 5 + [0] * 2, [0] * 5 + [1] * 2], -INF, 1)


def test_power_by_year() -> None:
    rows = of(compiled(power_mw={2027: 250, 2030: (200, 400)}), "power")
    says(rows, [2027, 2030], MW.T / 1000, [0, 0.2], [0.25, 0.4])


def test_power_for_all_years_is_at_most_in_each_and_at_least_in_the_last() -> None:
    # At most 400 in 2027 follows from at most 400 in 2030.
    rows = of(compiled(power_mw=(200, 400)), "power")
    says(rows, [2030], MW[:, 1:].T / 1000, [0.2], [0.4])


def test_it_power_divides_by_the_ratio() -> None:
    ratio = np.array([1.25] * 5 + [1.6] * 2)
    rows = of(compiled(it_mw={2027: 100, 2030: 300}), "it power")
    says(rows, [2027, 2030], (MW.T / ratio) / 1000, [0, 0], [0.1, 0.3])


def test_budget_by_period_and_in_all() -> None:
    rows = of(compiled(budget_usd={2027: 2e9, 2030: 3e9}), "budget")
    says(rows, [2027, 2030], USD.T / 1e6, [-INF, -INF], [2000, 3000])
    rows = of(compiled(budget_usd=4e9), "budget")
    says(rows, [""], [USD.sum(axis=1) / 1e6], -INF, 4000)
    # The period that ends with 2030 begins after the key before it.
    rows = of(compiled(budget_usd={2030: 4e9}), "budget")
    says(rows, [2030], [USD.sum(axis=1) / 1e6], -INF, 4000)


def test_a_limit_by_year_and_one_that_later_years_imply() -> None:
    by_year = ByYear({2027: 150, 2030: 400})
    rows = of(compiled(limits=[opt.Limit("l", per_mw=1, at_most=by_year)]), "l")
    says(rows, [2027, 2030], MW.T / 1000, -INF, [0.15, 0.4])
    rows = of(compiled(limits=[opt.Limit("l", per_mw="water", at_most=400)]), "l")
    water = MW[:, 1] * np.array([1.0] * 5 + [2.0] * 2)
    says(rows, [2030], [water / 1000], -INF, [0.4])


def test_floors_wait_for_the_last_year_and_averages_do_not() -> None:
    floor = opt.Limit("f", per_site=1, at_least=1)
    says(of(compiled(limits=[floor]), "f"), [2030], [[1] * 7], 1, INF)
    floor = opt.Limit("f", per_site=1, at_least=ByYear({2027: 1, 2030: 2}))
    opens = (MW > 0).T.astype(float)
    says(of(compiled(limits=[floor]), "f"), [2027, 2030], opens, [1, 2], INF)
    average = opt.Average("a", "carbon", at_most=300)
    off = np.array([-100.0] * 5 + [200.0] * 2)
    rows = of(compiled(limits=[average]), "a")
    assert rows.year.tolist() == [2027, 2030]
    for k in range(2):
        np.testing.assert_allclose(
            rows.matrix.toarray()[k] / rows.scale[k], off * MW[:, k]
        )


def test_headroom_that_arrives() -> None:
    # 100 MW from the start, the capacity once the line is energised.
    capacity = Arriving("capacity_mw", "energised", before=100)
    found = compiled(capacity=capacity).problem
    # w may not hold 300 MW in 2027.
    np.testing.assert_array_equal(found.year_mw, MW[[0, 1, 2, 3, 5, 6]])
    nothing = compiled(capacity=Arriving("capacity_mw", "energised")).problem
    np.testing.assert_array_equal(nothing.year_mw, MW[[0, 1, 5, 6]])


@pytest.mark.parametrize(
    "capacity",
    [
        {100: 100, 300: Arriving(300, "energised")},
        {100: 100, 300: ByYear({2030: "capacity_mw"})},
        ByYear({2027: {100: 100, 300: 0}, 2030: {100: 100, 300: "capacity_mw"}}),
        ByYear({2027: 100, 2030: Arriving("capacity_mw", 2030)}),
    ],
)
def test_capacity_by_size_and_year(capacity: Any) -> None:
    found = compiled(capacity=capacity).problem
    paths = {tuple(p) for p in found.year_mw[found.column_site == 0].tolist()}
    assert paths == {(0, 100), (100, 100), (0, 300), (100, 300)}
    plan = optimize_sites(
        two().loc[["w"]],
        capacity=capacity,
        site_mw=[100, 300],
        power_mw={2027: 500, 2030: 500},
    )
    assert plan.sites[["mw_2027", "mw_2030"]].to_numpy().tolist() == [[100, 300]]
    plan.verify()


def test_own_columns_come_once_per_year() -> None:
    spread = opt.Spread("states", "state", max_share=0.6)
    found = compiled(limits=[spread]).problem
    assert found.column_names[-2:] == (
        "states: total GW in 2027",
        "states: total GW in 2030",
    )
    assert found.year_extra == ({"states": slice(7, 8)}, {"states": slice(8, 9)})


# -- meaning -----------------------------------------------------------------------


def test_what_a_plan_tells() -> None:
    plan = optimize_sites(
        two(),
        power_mw={2027: 100, 2030: (400, 400)},
        budget_usd={2027: 1.1e9, 2030: 5e9},
        site_mw=[100, 300],
    )
    assert plan.sites["mw"].to_dict() == {"w": 300, "m": 100}
    assert plan.sites["mw_2027"].to_dict() == {"w": 100, "m": 0}
    assert plan.sites["mw_2030"].to_dict() == {"w": 300, "m": 100}
    assert plan.by_year["year"].tolist() == [2027, 2030]
    assert plan.by_year["mw"].tolist() == [100, 400]
    assert plan.by_year["new_mw"].tolist() == [100, 300]
    assert plan.by_year["sites"].tolist() == [1, 2]
    assert plan.by_year["spent_usd"].tolist() == pytest.approx([1.005e9, 4e9])
    account = plan.limits.set_index(["limit", "year"])
    assert account.at[("budget", 2027), "used"] == pytest.approx(1.005e9)
    assert account.at[("budget", 2030), "used"] == pytest.approx(4e9)
    assert account.at[("power", 2027), "binding"]
    assert "2027: 100 MW, 2030: 400 MW" in repr(plan)
    assert "2027: 100 MW" in plan._repr_html_()
    plan.verify()


def test_without_years_nothing_changes() -> None:
    plan = optimize_sites(two(), power_mw=400, site_mw=[100, 300])
    assert not len(plan.by_year)
    assert "year" not in plan.limits
    assert not [c for c in plan.sites if c.startswith("mw_")]


def test_the_model_for_pulp_has_readable_names() -> None:
    model = build_model(two(), power_mw={2027: 100, 2030: 400}, site_mw=[100, 300])
    names = [v.name for v in model.variables()]
    assert any("w_100_300_MW" in name for name in names)


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_draws_and_rules_over_the_years(method: str) -> None:
    links = pd.DataFrame(
        {
            "site": ["w", "w", "m"],
            "source": ["A", "B", "A"],
            "cost_usd_per_mw": [1e5, 2e5, 0.0],
            "cost_usd": [1e6, 2e6, 3e6],
        }
    )
    given = ByYear({2027: {"A": 100, "B": 100}, 2030: {"A": 100, "B": 300}})
    plan = optimize_sites(
        two(),
        power_mw={2027: 200, 2030: (400, 400)},
        site_mw=[100, 300],
        limits=[
            opt.Draw("headroom", links, at_most=given),
            opt.IfThen("both", "w", "m"),
            opt.AllOrNone("all", ["w", "m"]),
            opt.Choose("two", ["w", "m"], at_least=2),
        ],
        method=method,
    )
    plan.verify()
    now = plan.draws[plan.draws["year"] == 2030].set_index("site")
    assert now["source"].to_dict() == {"w": "B", "m": "A"}
    # What the line to B costs per MW is paid as the site grows.
    spent = plan.by_year["spent_usd"].tolist()
    assert spent[0] == pytest.approx(1.005e9 + 2e6 + 100 * 2e5 + 2e9 + 3e6)
    assert spent[1] == pytest.approx(200 * 1e7 + 200 * 2e5)


@pytest.mark.parametrize(
    "rule",
    [
        opt.IfThen("rule", if_any="w", then_any="m"),
        opt.AllOrNone("rule", ["w", "m"]),
        opt.Cluster("rule", hubs="m", km=100),
    ],
)
@pytest.mark.parametrize("method", ["full", "priceout"])
def test_what_a_rule_asks_for_may_follow_later(rule: Any, method: str) -> None:
    """w stands from the start; m, which the rule asks for, is cheaper later."""
    plan = optimize_sites(
        two(),
        objective="cost",
        discount_rate=0.1,
        power_mw={2027: (100, None), 2030: (100, None)},
        site_mw=[100, 300],
        existing={"w": 100},
        limits=[rule],
        method=method,
    )
    plan.verify()
    assert plan.sites["mw_2027"].to_dict() == {"w": 100, "m": 0}
    assert plan.sites["mw_2030"].to_dict() == {"w": 100, "m": 100}
    assert plan.objective == pytest.approx(2e9 / 1.1**3)
    # Without the rule, m is never built.
    free = optimize_sites(
        two(), power_mw=(100, 300), site_mw=[100, 300], objective="cost"
    )
    assert list(free.sites.index) == ["w"]


def test_rounded_rows_keep_plans_that_just_fit() -> None:
    """300 MW of 40 and 100 MW: a rounded row once said "at most two of 100 MW"."""
    agree(1570744, method="priceout")


def test_existing_sites_grow_and_cost_what_is_added() -> None:
    plan = optimize_sites(
        two(),
        power_mw={2027: 200, 2030: (400, 400)},
        site_mw=[100, 300],
        existing={"w": 100},
    )
    plan.verify()
    assert plan.sites.at["w", "mw_2027"] == 100
    assert plan.by_year["new_mw"].tolist() == [100, 200]
    assert plan.sites.at["w", "cost_usd"] == pytest.approx(2e9)
    assert "stands already (100 MW)" in plan.sites.at["w", "why"]


def test_paths_never_shrink_and_are_all_there() -> None:
    for n_sizes in range(1, 4):
        for n_years in range(1, 5):
            found = growth_paths(n_sizes, n_years)
            wanted = [
                p
                for p in itertools.product(range(n_sizes + 1), repeat=n_years)
                if list(p) == sorted(p)
            ]
            assert [tuple(p) for p in found.tolist()] == wanted


def test_years_are_those_that_arguments_name() -> None:
    assert years_of(None, {"power_mw": {2030: 5}, "budget_usd": {2027: 1}}) == (
        2027,
        2030,
    )
    assert years_of([2030, 2028], {"power_mw": {2030: 5}}) == (2028, 2030)
    assert years_of(None, {"power_mw": 5}) == ()
    assert years_of(None, {"power_mw": ByYear({2026: 5})}) == (2026,)


def test_amounts_by_year() -> None:
    sites = two()
    step = ByYear({2027: 10, 2030: Arriving("water", "energised", before=7)})
    assert in_year(step, 2026, sites) == 0
    assert in_year(step, 2028, sites) == 10
    assert in_year(step, 2031, sites).to_dict() == {"w": 1.0, "m": 2.0}
    later = Arriving("water", "energised", before=7)
    assert in_year(later, 2028, sites).to_dict() == {"w": 7.0, "m": 2.0}
    unknown = sites.assign(energised=[np.nan, 2027.0])
    assert np.isnan(later.at(2031, unknown)["w"])


# -- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "noun"),
    [
        ({"power_mw": {}}, "empty"),
        ({"power_mw": {"soon": 5}}, "whole numbers"),
        ({"power_mw": {2027.5: 5}}, "whole number"),
        ({"years": []}, "years"),
        ({"years": [2027, 2027]}, "twice"),
        ({"years": [2027], "power_mw": {2030: 5}}, "2030"),
        ({"years": [2027], "budget_usd": {2027: -1}}, "negative"),
        ({"power_mw": {2027: (500, None), 2030: 300}}, "never shrink"),
        ({"power_mw": {2027: (500, 300)}}, "minimum"),
        ({"it_mw": (500, 300)}, "it_mw"),
        ({"it_mw": -5}, "IT MW"),
        ({"years": [2027], "site_mw": (50, 100)}, "range"),
        ({"years": [2027], "site_mw": [50, (60, 100)]}, "range"),
        ({"years": [2027], "site_mw": None}, "range"),
        ({"discount_rate": 0.1}, "no years"),
        ({"years": [2027], "discount_rate": 8}, "discount_rate"),
        ({"capacity": ByYear({2027: 100})}, "no years"),
        ({"limits": [opt.Limit("l", 1, at_most=ByYear({2027: 1}))]}, "no years"),
        ({"existing": ["w"]}, "mapping"),
        ({"existing": {"x": 5}}, "label"),
        ({"existing": {"w": 0}}, "0 facility MW"),
        ({"existing": {"w": -5}}, "-5 MW"),
        ({"existing": {"w": 100}, "forbidden": ["w"]}, "existing and forbidden"),
        ({"fixed": ["w"], "forbidden": ["w"]}, "fixed and forbidden"),
        ({"existing": {"w": 100, "m": 50}, "max_sites": 1}, "existing and max_sites"),
    ],
)
def test_bad_years_are_refused(arguments: dict[str, Any], noun: str) -> None:
    with pytest.raises(StudyError, match=noun):
        optimize_sites(two(), **{"site_mw": [100, 300], **arguments})


def test_a_bad_ratio_is_refused() -> None:
    with pytest.raises(StudyError, match="peak_ratio"):
        optimize_sites(two().assign(peak_ratio=0.8), it_mw=5, site_mw=[100])
    with pytest.raises(LayerError, match="peak_ratio"):
        optimize_sites(two().assign(peak_ratio=np.nan), it_mw=5, site_mw=[100])


def test_too_many_paths_are_refused() -> None:
    with pytest.raises(StudyError, match="grow in"):
        compiled(years=tuple(range(2027, 2057)), site_mw=list(range(10, 300, 10)))


def test_corrupted_plans_do_not_verify() -> None:
    from dataclasses import replace

    plan = optimize_sites(
        two(),
        power_mw={2027: 100, 2030: (400, 400)},
        budget_usd={2027: 1.1e9},
        site_mw=[100, 300],
    )

    def broken(**columns: Any) -> Any:
        return replace(plan, sites=plan.sites.assign(**columns))

    wrong = [
        broken(mw_2027=[300.0, 0.0]),
        broken(mw_2027=[0.0, 0.0]),
        broken(mw_2027=[200.0, 0.0]),
        broken(mw_2030=[100.0, 100.0]),
        broken(cost_usd=plan.sites["cost_usd"] * 1.01),
        replace(plan, sites=plan.sites.drop(columns="mw_2027")),
        replace(plan, by_year=plan.by_year.assign(spent_usd=0.0)),
        replace(plan, by_year=plan.by_year.assign(mw=[100.0, 300.0])),
        replace(plan, objective=plan.objective * 1.01),
        replace(plan, limits=plan.limits.assign(year=2027)),
    ]
    for other in wrong:
        with pytest.raises(SolverError):
            other.verify()
