"""Years: paths of sizes, bounds by year, money by period; against brute force."""

from __future__ import annotations

import itertools
import random
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from strategies import SOAK, examples

import siteselect.optimization as opt
from siteselect.errors import InfeasiblePlanError, StudyError
from siteselect.optimization import optimize_sites
from siteselect.optimization.by_year import Arriving, ByYear

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
            limits.append(opt.Average("average", "carbon", at_most=self.carbon))
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
        if "max_sites" in say:
            out["max_sites"] = 1 + int(2 * say["max_sites"])
        if "min_sites" in say:
            out["min_sites"] = 1
        return out

    carbon = property(lambda self: 200 + 300 * round(self.say["average"], 2))
    share = property(lambda self: round(self.say["share"], 1))
    floor = property(lambda self: float(round(20 * self.say["floor"])))
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
                if used > self.carbon * total + 1e-6:
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
        known = ["none of the sizes", "sizes never shrink", "contradict", "eligible"]
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


def agree(seed: int, **kwargs: Any) -> bool | None:
    """Compare one case with brute force; return whether a plan exists."""
    case = Case(seed)
    best = case.best()
    try:
        plan = optimize_sites(case.sites, **case.arguments, gap=EXACT, **kwargs)
    except InfeasiblePlanError:
        assert best is None, case
        return False
    except StudyError as error:
        # Said before anything is solved: a fixed site that no size fits, or bounds
        # that cross. Then there is no plan.
        if best is not None:
            raise
        assert case.explains(str(error)), case
        return None
    assert best is not None, case
    assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-6), case
    assert plan.status == "optimal"
    plan.verify()
    return True


seeds = st.integers(0, 2**32)


@given(seeds)
@examples(80)
def test_full_model_equals_brute_force(seed: int) -> None:
    agree(seed, method="full")


@given(seeds)
@examples(80)
def test_price_out_equals_brute_force(seed: int) -> None:
    agree(seed, method="priceout")


@pytest.mark.soak
@given(seeds)
@examples(800 * SOAK)
def test_soak_years(seed: int) -> None:
    agree(seed, method="full")
    agree(seed, method="priceout")


def test_the_cases_drawn_mostly_have_a_plan() -> None:
    found = [Case(seed).best() is not None for seed in range(60)]
    assert sum(found) > 30
