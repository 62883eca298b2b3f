"""Small siting problems with every kind of limit, drawn from one seed each.

Drawn piece by piece, most examples of Hypothesis would be variations of the one
before. Limits are drawn around a planted plan, so that most cases have a plan and
most limits bite: bounds often equal what the planted plan uses.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from optimization.oracle import (
    Case,
    allowed,
    column,
    is_able,
    kilometres,
    objective_of,
    options,
    per_site,
    prices,
    sizes_of,
    spent,
)
from strategies import frames

import siteselect.optimization as opt

#: What `limit_of` can draw, by how a case counts its megawatts.
KINDS = {
    "sizes": [
        "limit",
        "limit",
        "average",
        "share",
        "spread",
        "spacing",
        "choose",
        "all or none",
        "if then",
        "cluster",
        "cover",
        "chance",
        "draw",
        "split draw",
        "present value",
    ],
}
KINDS["pieces"] = [k for k in KINDS["sizes"] if k not in ("chance", "split draw")]
KINDS["years"] = [k for k in KINDS["sizes"] if k not in ("split draw",)]


def candidates(rng: random.Random, n: int) -> gpd.GeoDataFrame:
    """Draw candidates with all columns that limits may read."""
    frame = frames(rng, n)
    n = len(frame)

    def some(values: Any) -> list[Any]:
        return [rng.choice(values) for _ in range(n)]

    frame["is_hub"] = some([True, False])
    frame["is_old"] = some([True, False, False])
    frame["campus"] = some(["north", "south", "west"])
    frame["p_sure"] = some([1.0, 1.0, 0.0])
    frame["p_some"] = some([1.0, 0.9, 0.75, 0.6, 0.3])
    frame["fate"] = "one"
    frame["peak_ratio"] = some([1.2, 1.25, 1.5])
    frame["opex"] = some([0.0, 2e5, 5e5])
    frame["yearly"] = some([0.0, 1e6, 7e6])
    frame["is_offered"] = some([True, True, False])
    frame["always"] = True
    frame["cost_small"] = [c * 1.25 for c in frame["cost_usd_per_mw"]]
    frame["cost_large"] = [c * 0.8 for c in frame["cost_usd_per_mw"]]
    later = {s: rng.choice([0.0, 100.0, 300.0]) for s in "abc"}
    frame["headroom_later_mw"] = [
        h + later[s]
        for h, s in zip(frame["headroom_mw"], frame["substation"], strict=True)
    ]
    year = {s: rng.choice([2027, 2029, 2030]) for s in "abc"}
    frame["arrives"] = [year[s] for s in frame["substation"]]
    return frame


class Planted:
    """A plan that limits are drawn around."""

    def __init__(self, rng: random.Random, case: Case) -> None:
        self.picks = []
        self.draw(rng, case)

    def draw(self, rng: random.Random, case: Case) -> None:
        """Draw a plan among what each site may do."""
        self.options = options(case)
        self.picks = []
        mw = []
        for many in self.options:
            opened = [o for o in many if any(o.path) or o.piece]
            shut = [o for o in many if not any(o.path) and not o.piece]
            some = opened if opened and (not shut or rng.random() < 0.45) else many
            pick = rng.choice(some)
            self.picks.append(pick)
            low, high = pick.piece or (pick.path[0], pick.path[0])
            size = rng.choice([low, high, float(round((low + high) / 2))])
            mw.append((min(max(size, low), high),) if pick.piece else pick.path)
        self.set_mw(mw)

    def set_mw(self, mw: list[tuple[float, ...]]) -> None:
        """Set megawatts per site and year."""
        self.mw = np.array(mw, dtype=float).reshape(len(mw), -1)
        self.opened = self.mw[:, -1] > 0

    @classmethod
    def largest(cls, rng: random.Random, case: Case) -> Planted:
        """Return the plan of the largest sizes everywhere."""
        plan = cls(rng, case)
        ends = [
            [((o.piece[1],) if o.piece else o.path) for o in many]
            for many in plan.options
        ]
        plan.set_mw([max(many, key=sum) for many in ends])
        return plan

    def keeps(self, case: Case, say: dict[str, Any]) -> bool:
        """Return whether the plan keeps a limit."""
        if say["kind"] == "draw":
            return True
        return bool(allowed(case, self.mw[None], [say], is_whole=False)[0])

    def spent(self, case: Case) -> np.ndarray:
        """Return the dollars per period."""
        out = np.zeros(len(case.years))
        for i, pick in enumerate(self.picks):
            if pick.piece:
                per_mw, once = prices(case, i, pick, 0.0)
                out += per_mw * self.mw[i, 0] + once
            else:
                out += spent(case, i, pick)
        return out


def near(rng: random.Random, used: float) -> float:
    """Return a bound near what is used; often equal to it."""
    return used * rng.choice([1.0, 1.0, 1.1, 1.5])


def below(rng: random.Random, used: float) -> float:
    """Return a floor near what is used; often equal to it."""
    return used * rng.choice([1.0, 1.0, 0.9, 0.5])


def named(
    rng: random.Random, case: Case, columns: tuple[str, ...]
) -> tuple[list[Any], Any]:
    """Draw some sites: (labels that are meant, the argument that says so)."""
    frame = case.frame
    if rng.random() < 0.5:
        name = rng.choice(columns)
        where = frame[name].astype(bool)
        if (where & is_able(case)).any():
            given: Any = name if rng.random() < 0.5 else where
            return list(frame.index[where]), given
    able = list(frame.index[is_able(case)])
    labels = rng.sample(able, rng.randint(1, len(able)))
    if len(labels) == 1 and rng.random() < 0.5:
        return labels, labels[0]
    return labels, labels


def by_year(rng: random.Random, case: Case, spec: Any) -> Any:
    """Make a bound one that changes with the years, now and then."""
    if not case.has_years or rng.random() < 0.5:
        return spec
    number = rng.choice([50.0, 100.0, 200.0, 0.0])
    if rng.random() < 0.5:
        first = rng.choice([case.years[0], case.years[0], case.years[-1]])
        entries = {first: spec}
        if rng.random() < 0.5:
            entries = {first - 2: number, first: spec}
        return ("years", entries)
    if isinstance(spec, tuple) and spec[0] != "column":
        return spec  # what arrives is told per site, not per group
    when = rng.choice(
        [float(case.years[0]), float(case.years[-1]), ("column", "arrives")]
    )
    return ("arriving", spec, when, rng.choice([0.0, number]))


def limit_of(rng: random.Random, case: Case, plan: Planted, kind: str) -> Any:
    """Draw one limit of a kind as a plain dictionary; None if the data have none."""
    frame, mw = case.frame, plan.mw[:, -1]
    n_open = int(plan.opened.sum())
    able = is_able(case)
    say: dict[str, Any] = {"kind": kind}
    if kind == "limit":
        by = rng.choice([None, "substation", "county", "state"])
        per_mw = rng.choice([1.0, 1.0, "water", 0.0])
        each = rng.choice([0.0, 0.0, "jobs"]) if per_mw != 0.0 else "jobs"
        used = per_site(case, per_mw) * mw + per_site(case, each) * plan.opened
        key = np.zeros(len(frame)) if by is None else frame[by].to_numpy()
        sums = {g: float(used[(key == g) & able].sum()) for g in set(key[able])}
        say |= {"per_mw": per_mw, "per_site": each, "by": by}
        say |= {"at_most": None, "at_least": None}
        way = rng.choice(["most", "most", "most", "least", "both"])
        if way != "least":
            how = rng.choice(["number", "mapping", "series", "column"])
            if by is None or how == "number":
                most: Any = near(rng, max(sums.values()))
            elif how == "column" and by == "substation" and per_mw == 1.0:
                most = ("column", rng.choice(["headroom_mw", "headroom_later_mw"]))
            else:
                most = (
                    "series" if how == "series" else "mapping",
                    {g: near(rng, u) for g, u in sums.items()},
                )
            if by is None and isinstance(most, tuple):
                most = near(rng, sum(sums.values()))
            say["at_most"] = by_year(rng, case, most)
            spec = say["at_most"]
            if isinstance(spec, tuple) and "arrives" in str(spec):
                # The year of arrival is constant within a substation only.
                say["at_most"] = spec if by == "substation" else most
        if way != "most":
            low = below(rng, min(sums.values()))
            if way == "both" and not isinstance(say["at_most"], float):
                low = 0.0
            say["at_least"] = low
    elif kind in ("average", "share"):
        say["column"] = "carbon" if kind == "average" else "is_clean"
        value = column(case, say["column"])
        mean = float(value @ mw / (mw.sum() or 1.0))
        is_most = rng.random() < 0.6
        step = rng.choice([0.0, 0.0, 0.05])
        say["at_most"] = mean * (1 + step) if is_most else None
        say["at_least"] = None if is_most else mean * (1 - step)
        if kind == "share" and is_most:
            say["at_most"] = min(1.0, say["at_most"])
    elif kind == "spread":
        say["by"] = by = rng.choice(["state", "county", "substation"])
        key = frame[by].to_numpy()
        groups = Counter(key[plan.opened])
        most = max(groups.values(), default=0)
        shares = [float(mw[key == g].sum()) / mw.sum() for g in groups]
        parts = rng.choice([(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
        say["at_least"] = len(groups) if 0 in parts else None
        say["max_sites_per_group"] = most if 1 in parts else None
        share = min(1.0, rng.choice([1.0, 1.0, 1.2]) * max(shares, default=0.5))
        say["max_share"] = share if 2 in parts else None
    elif kind == "spacing":
        apart = kilometres(case, frame)[np.ix_(plan.opened, plan.opened)]
        apart = apart[~np.eye(len(apart), dtype=bool)]
        least = float(apart.min()) if apart.size else 60.0
        say["km"] = rng.choice([least, least * 0.99, 30.0, 60.0, 90.0])
        say["within"] = rng.choice([None, "state", "county"])
    elif kind == "choose":
        say["sites"], say["given"] = named(rng, case, ("is_clean", "is_old"))
        count = int(plan.opened[frame.index.isin(say["sites"])].sum())
        way = rng.choice(["most", "least", "both"])
        say["at_most"] = count if way != "least" else None
        say["at_least"] = count if way != "most" else None
    elif kind == "all or none":
        way = rng.choice(["sites", "by", "both"])
        say["sites"] = say["given"] = say["by"] = None
        if way != "by":
            say["sites"], say["given"] = named(rng, case, ("is_old", "is_clean"))
        if way != "sites":
            say["by"] = rng.choice(["campus", "county"])
    elif kind == "if then":
        say["if_any"], say["first"] = named(rng, case, ("is_old", "is_clean"))
        say["then_any"], say["then"] = named(rng, case, ("is_clean", "is_hub"))
    elif kind == "cluster":
        say["sites"], say["given"] = named(rng, case, ("is_hub",))
        hubs = frame.index.isin(say["sites"])
        apart = kilometres(case, frame)[np.ix_(plan.opened, plan.opened & hubs)]
        far = float(apart.min(axis=1).max()) if apart.size else 80.0
        say["km"] = rng.choice([far, far * 1.01, 50.0, 100.0, 0.0])
    elif kind == "cover":
        n = rng.randint(3, 7)
        x = [-100.5 + 0.5 * rng.randint(0, 8) for _ in range(n)]
        y = [33.5 + 0.5 * rng.randint(0, 5) for _ in range(n)]
        say["demand"] = gpd.GeoDataFrame(
            {"population": [float(rng.randint(1, 9)) for _ in range(n)]},
            geometry=gpd.points_from_xy(x, y),
            crs=4326,
        )
        reach = rng.choice([60.0, 90.0, 130.0, 200.0])
        is_km = rng.random() < 0.6
        say["km"] = reach if is_km else None
        say["ms"] = None if is_km else round(reach * 1.5 * 4.9 / 1000, 3)
        if not is_km:
            reach = say["ms"] * 1000 / 4.9 / 1.5
        hit = (kilometres(case, say["demand"])[plan.opened] <= reach).any(axis=0)
        weight = say["demand"]["population"].to_numpy()
        share = float(weight[hit].sum() / weight.sum()) if n_open else 0.0
        say["at_least"] = share * rng.choice([1.0, 1.0, 0.8])
    elif kind == "chance":
        say["p_success"] = rng.choice(["p_sure", "p_some"])
        is_one = say["p_success"] == "p_some"
        say["common"] = "fate" if is_one else None
        say["scenarios"] = 100 if is_one else 20
        say["probability"] = rng.choice([0.9, 0.6, 0.75, 0.95, 0.5, 1.0])
        p = column(case, say["p_success"])
        carry = float(mw[p >= say["probability"] - 1e-9].sum())
        say["mw"] = rng.choice([carry, carry, carry * 0.75])
    elif kind in ("draw", "split draw"):
        say["kind"] = "draw"
        say["split"] = kind == "split draw"
        pairs = [
            (s, k)
            for s in frame.index
            for k in rng.sample(
                "ABC", rng.choice([1, 2, 2, 3] if say["split"] else [1, 2, 2])
            )
            if rng.random() < 0.95
        ]
        if not pairs:
            return None
        links = pd.DataFrame(pairs, columns=["site", "source"])
        if rng.random() < 0.7:
            links["cost_usd_per_mw"] = [rng.randint(0, 3) * 1e6 for _ in pairs]
        if rng.random() < 0.5:
            links["cost_usd"] = [rng.choice([0.0, 0.0, 40e6]) for _ in pairs]
        say["links"] = links
        say["per_mw"] = rng.choice([1.0, 1.0, "water"])
        use = per_site(case, say["per_mw"])
        if rng.random() < 0.3:
            say["at_most"] = near(rng, float((use * mw).max(initial=100.0)))
        else:
            size = max(100.0, float(np.median(use)) * 100.0)
            most = {k: size * rng.choice([1.0, 1.5, 3.0, 5.0]) for k in "ABC"}
            say["at_most"] = ("mapping", most)
    elif kind == "present value":
        say["discount_rate"] = rng.choice([0.07, 0.03, 0.1])
        say["life"] = rng.choice([20, 10, 1])
        say["yearly"] = rng.choice(["opex", 3e5])
        say["yearly_site"] = rng.choice(["yearly", 0.0])
        worth = (1 - (1 + say["discount_rate"]) ** -say["life"]) / say["discount_rate"]
        per_mw = column(case, "cost_usd_per_mw") + worth * per_site(case, say["yearly"])
        each = column(case, "fixed_cost_usd") + worth * per_site(
            case, say["yearly_site"]
        )
        used = float(per_mw @ mw + each @ plan.opened)
        say["at_most"] = near(rng, used)
    return say


def draw_program(rng: random.Random, kind: str, seed: int) -> Case:
    """Draw candidates and the sizes, costs and years that they are offered."""
    sizes = sorted(rng.sample([50, 100, 150, 200, 300], rng.randint(1, 3)))
    if kind == "years":
        sizes = sizes[:2]
    n = {"sizes": 6 - (len(sizes) > 2), "pieces": 4, "years": 6 - len(sizes)}[kind]
    case = Case(candidates(rng, n), seed=seed)
    if not is_able(case).any():
        case.frame = case.frame.assign(score=0.5, capacity_mw=300.0)
        case.frame = case.frame.drop(columns="excluded_by", errors="ignore")
        case.known = {}
    arguments = case.arguments
    if kind == "pieces":
        spans = [None, (40, None), (None, 150), (100, 300), (60, 120)]
        arguments["site_mw"] = rng.choice(
            [*spans, [50, (100, 300)], [(30, 60), (150, 300)], [100, (150, None)]]
        )
    elif rng.random() < 0.2:
        names = ["always", "is_offered"]
        arguments["site_mw"] = {m: rng.choice(names) for m in sizes}
    else:
        arguments["site_mw"] = sizes
    if kind == "years":
        first = 2027
        arguments["years"] = [first, first + rng.choice([1, 2, 3])]
        arguments["discount_rate"] = rng.choice([0.0, 0.05, 0.08])
    if kind != "pieces" and len(sizes) > 1 and rng.random() < 0.15:
        names = ["cost_small", "cost_usd_per_mw", "cost_large"]
        arguments["cost_per_mw"] = dict(zip(sizes, names, strict=False))
    return case


def draw_case(seed: int, kind: str = "sizes") -> Case:
    """Draw one case; ``kind`` is "sizes", "pieces" (ranges and mixed) or "years"."""
    rng = random.Random(seed)
    # Mostly with something to choose; the others hold the corner cases.
    few = 0 if rng.random() < 0.1 else 3
    for _ in range(20):
        case = draw_program(rng, kind, seed)
        if sum(len(many) > 1 for many in options(case)) >= few:
            break
    if rng.random() < 0.25:
        draw_existing(rng, case)
    plan = Planted(rng, case)
    for _ in range(5):
        if plan.opened.any():
            break
        plan.draw(rng, case)
    most = Planted.largest(rng, case)
    kinds = rng.sample(KINDS[kind], rng.choice([1, 1, 2, 2, 3]))
    for word in kinds:
        say = None
        for _ in range(8):
            one = limit_of(rng, case, plan, word)
            if one is None or not plan.keeps(case, one):
                continue
            say = one
            # Rather one that keeps something from being built.
            if not most.keeps(case, one):
                break
        if say is None or say["kind"] in {s["kind"] for s in case.says}:
            continue
        if say["kind"] == "draw":
            case.says.append(say)
            before = plan.picks
            plan.options = options(case)
            # The same sizes, now with a source each; what has none closes.
            kept = [
                [o for o in many if o.path == b.path and o.piece == b.piece]
                for many, b in zip(plan.options, before, strict=True)
            ]
            plan.picks = [
                (found or many or [old])[0]
                for found, many, old in zip(kept, plan.options, before, strict=True)
            ]
            plan.mw[[not found for found in kept]] = 0.0
            plan.opened = plan.mw[:, -1] > 0
        else:
            case.says.append(say)
    draw_arguments(rng, case, plan, kind)
    return case


def draw_existing(rng: random.Random, case: Case) -> None:
    """Let something stand already, also on excluded ground or over the capacity."""
    known = np.flatnonzero(~np.isnan(column(case, "score")))
    i = int(rng.choice(list(known)))
    sizes = [s for s in sizes_of(case, i) if not isinstance(s, tuple)]
    is_mapped = isinstance(case.arguments.get("cost_per_mw"), dict)
    if is_mapped and not sizes:
        return
    mw = rng.choice(sizes if is_mapped else [*sizes, 30.0, 100.0, 120.0])
    case.arguments["existing"] = {case.frame.index[i]: float(mw)}
    case.known = {}


def draw_arguments(rng: random.Random, case: Case, plan: Planted, kind: str) -> None:
    """Draw power, money, counts and the objective around the planted plan.

    Where limits cap something these mostly leave room, and where limits ask for
    something these are mostly tight: else the limits would seldom bind.
    """
    arguments = case.arguments
    floors = [s["kind"] in ("cover", "chance", "if then") for s in case.says]
    floors += [s.get("at_least") is not None for s in case.says]
    is_loose = bool(case.says) and rng.random() < (0.3 if any(floors) else 0.8)
    room = rng.choice([1.5, 2.0, 3.0]) if is_loose else 1.0
    total = plan.mw.sum(axis=0)
    labels = list(case.frame.index)
    objective = rng.choice(["score", "score", "cost", "jobs"])
    arguments["objective"] = objective
    way = rng.choice(["most", "most", "least", "both", None])
    if any(floors) and way in ("least", None):
        way = rng.choice(["most", way])
    if objective == "cost" and way in ("most", None):
        way = "both"
    name = "power_mw"
    per_it = np.ones(len(labels))
    if rng.random() < 0.25:
        name = "it_mw"
        per_it = 1 / column(case, "peak_ratio")
        total = per_it @ plan.mw
        if objective == "cost":
            least = max(50.0, float(plan.mw[:, -1].sum() * 0.5))
            arguments["power_mw"] = (least, None)
    if way is not None:
        low = below(rng, float(total[-1])) if way != "most" else None
        if objective == "cost" and name == "power_mw":
            low = max(50.0, low)
            total = np.maximum(total, 50.0)
        high = near(rng, float(total[-1])) * room if way != "least" else None
        arguments[name] = (low, high)
        if kind == "years" and rng.random() < 0.5:
            first, last = case.years[0], case.years[-1]
            arguments[name] = {last: (low, high)}
            if rng.random() < 0.6:
                arguments[name][first] = rng.choice(
                    [
                        (below(rng, float(total[0])), None),
                        near(rng, float(total[0])) * room,
                        (None, near(rng, float(total[0])) * room),
                    ]
                )
    usd = plan.spent(case) * room
    if rng.random() < 0.45:
        arguments["budget_usd"] = near(rng, float(usd.sum()))
        if kind == "years" and rng.random() < 0.6:
            years = case.years
            chosen = years if rng.random() < 0.7 else years[-1:]
            if len(chosen) == len(years):
                arguments["budget_usd"] = {
                    y: near(rng, float(u)) for y, u in zip(years, usd, strict=True)
                }
            else:
                arguments["budget_usd"] = {years[-1]: near(rng, float(usd.sum()))}
    n_open = int(plan.opened.sum())
    if rng.random() < 0.35:
        spare = rng.choice([0, 0, 1]) if room == 1.0 else 2
        arguments["max_sites"] = max(1, n_open + spare)
    if rng.random() < 0.2:
        arguments["min_sites"] = max(0, n_open - rng.choice([0, 0, 1]))
    if rng.random() < 0.1:
        arguments["min_spacing_km"] = rng.choice([20.0, 25.0, 40.0])
        if any(s["kind"] == "spacing" for s in case.says):
            del arguments["min_spacing_km"]
    there = arguments.get("existing", {})
    shut = [s for s, o in zip(labels, plan.opened, strict=True) if not o]
    if shut and rng.random() < 0.15:
        arguments["forbidden"] = [rng.choice(shut)]
    opened = [s for s, o in zip(labels, plan.opened, strict=True) if o]
    opened = [s for s in opened if s not in there]
    if opened and rng.random() < 0.2:
        arguments["fixed"] = [rng.choice(opened)]
    if objective_of(case) is not None and case.has_years and rng.random() < 0.3:
        arguments["discount_rate"] = 0.0


def bound(spec: Any, name: str) -> Any:
    """Return a bound in plain words as the library takes it."""
    if not isinstance(spec, tuple):
        return spec
    how = spec[0]
    if how == "series":
        return pd.Series(spec[1])
    if how == "years":
        return opt.ByYear({y: bound(s, name) for y, s in spec[1].items()})
    if how == "arriving":
        return opt.Arriving(bound(spec[1], name), bound(spec[2], name), spec[3])
    return spec[1]


def build_limits(case: Case) -> list[Any]:
    """Return the limit objects of a case."""
    out: list[Any] = []
    for k, say in enumerate(case.says):
        kind, name = say["kind"], f"{say['kind']} {k}"
        limit: Any
        if kind == "limit":
            limit = opt.Limit(
                name,
                per_mw=say["per_mw"],
                per_site=say["per_site"],
                by=say["by"],
                at_most=bound(say["at_most"], name),
                at_least=bound(say["at_least"], name),
            )
        elif kind in ("average", "share"):
            made = opt.Average if kind == "average" else opt.Share
            limit = made(
                name, say["column"], at_most=say["at_most"], at_least=say["at_least"]
            )
        elif kind == "spread":
            limit = opt.Spread(
                name,
                say["by"],
                at_least=say["at_least"],
                max_sites_per_group=say["max_sites_per_group"],
                max_share=say["max_share"],
            )
        elif kind == "spacing":
            limit = opt.Spacing(say["km"], within=say["within"], name=name)
        elif kind == "choose":
            limit = opt.Choose(
                name, say["given"], at_most=say["at_most"], at_least=say["at_least"]
            )
        elif kind == "all or none":
            limit = opt.AllOrNone(name, say["given"], by=say["by"])
        elif kind == "if then":
            limit = opt.IfThen(name, say["first"], say["then"])
        elif kind == "cluster":
            limit = opt.Cluster(name, say["given"], say["km"])
        elif kind == "cover":
            limit = opt.Cover(
                name,
                say["demand"],
                km=say["km"],
                ms=say["ms"],
                at_least=say["at_least"],
            )
        elif kind == "chance":
            limit = opt.AtLeast(
                say["mw"],
                say["probability"],
                p_success=say["p_success"],
                common=say["common"],
                scenarios=say["scenarios"],
                name=name,
            )
        elif kind == "draw":
            limit = opt.Draw(
                name,
                say["links"],
                at_most=bound(say["at_most"], name),
                per_mw=say["per_mw"],
                split=say["split"],
            )
        else:
            limit = opt.PresentValue(
                name,
                at_most=say["at_most"],
                yearly_per_mw=say["yearly"],
                yearly_per_site=say["yearly_site"],
                years=say["life"],
                discount_rate=say["discount_rate"],
            )
        out.append(limit)
    return out


__all__ = ["Case", "Planted", "build_limits", "draw_case"]
