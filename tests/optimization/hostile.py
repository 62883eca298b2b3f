"""Valid calls of the optimizer and a seeded mutator that spoils them.

A call is a tree of `Call`, lists, tuples and mappings. `spoiled` draws some of its
leaves (arguments, or frames) and puts something hostile in their place: a wrong
type, a number that is none, a frame with a column lost, of another dtype, swapped
axes ... What comes out may be refused by a `SiteSelectError` or answered; nothing
else. Candidates are few, so that thousands of cases take minutes.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import siteselect as ss

N = 6


@dataclass(frozen=True)
class Call:
    """A function with its arguments, some of which are calls again."""

    make: Callable[..., Any]
    given: dict[str, Any]

    def __repr__(self) -> str:
        name = getattr(self.make, "__name__", str(self.make))
        return f"{name}({', '.join(f'{k}={v!r}' for k, v in self.given.items())})"


def call(make: Callable[..., Any], **given: Any) -> Call:
    return Call(make, given)


def built(node: Any) -> Any:
    """Make what a tree describes."""
    if isinstance(node, Call):
        return node.make(**{k: built(v) for k, v in node.given.items()})
    if isinstance(node, list):
        return [built(v) for v in node]
    if type(node) is tuple:
        return tuple(built(v) for v in node)
    if isinstance(node, dict):
        return {k: built(v) for k, v in node.items()}
    return node


# ------------------------------------------------------------------ valid calls


def candidates(n: int = N) -> gpd.GeoDataFrame:
    x = np.array([-100.0, -99.5, -98.0, -97.0, -96.9, -95.0])[:n]
    return gpd.GeoDataFrame(
        {
            "score": np.linspace(0.9, 0.4, n),
            "capacity_mw": [300.0, 300.0, 200.0, 300.0, 100.0, 300.0][:n],
            "cost_usd_per_mw": np.linspace(9e6, 11e6, n),
            "fixed_cost_usd": 2e7,
            "yearly_usd_per_mw": 4e5,
            "pue": np.linspace(1.1, 1.3, n),
            "peak_ratio": np.linspace(1.2, 1.4, n),
            "water": np.linspace(5.0, 9.0, n),
            "p_success": np.linspace(0.95, 0.6, n),
            "state": list("AABBCC")[:n],
            "headroom_mw": [400.0, 400.0, 300.0, 300.0, 500.0, 500.0][:n],
            "energised": [2026, 2026, 2027, 2027, 2030, 2030][:n],
            "is_clean": [True, False, True, True, False, True][:n],
            "grid_raw": np.linspace(100.0, 900.0, n),
            "grid_value": np.linspace(0.1, 0.9, n),
            "excluded_by": "",
        },
        index=[f"s{k}" for k in range(n)],
        geometry=gpd.points_from_xy(x, np.linspace(34.0, 36.0, n)),
        crs=4326,
    )


def towns() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"population": [7e5, 3e5, 2e5], "load": [60.0, 40.0, 50.0]},
        index=["t0", "t1", "t2"],
        geometry=gpd.points_from_xy([-99.0, -97.5, -95.5], [34.5, 35.0, 35.5]),
        crs=4326,
    )


def buses() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"bus": ["X", "Y", "Z"], "headroom_mw": [300.0, 200.0, 500.0]},
        geometry=gpd.points_from_xy([-99.8, -98.0, -96.0], [34.0, 35.0, 36.0]),
        crs=4326,
    )


def links() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site": ["s0", "s0", "s1", "s2", "s3", "s4", "s5"],
            "source": list("XYXYZZY"),
            "cost_usd_per_mw": 1e4,
            "cost_usd": [0.0, 1e6, 1e6, 2e6, 0.0, 1e6, 3e6],
        }
    )


def away() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        rng.uniform(10, 300, (N, 3)).round(1),
        index=candidates().index,
        columns=towns().index,
    )


def plan_call(**given: Any) -> Call:
    return call(
        ss.optimize_sites,
        **{"sites": candidates(), "site_mw": [100, 300], "power_mw": 600, **given},
    )


def limit_calls() -> list[Call]:
    """Every kind of limit, each as a user would write it."""
    x = towns()
    return [
        call(ss.Limit, name="h", per_mw=1, by="state", at_most="headroom_mw"),
        call(
            ss.Limit,
            name="w",
            per_mw="water",
            per_site=1.0,
            by=candidates()["state"],
            at_most={"A": 4e3, "B": 3e3, "C": 3e3},
            at_least={"A": 0.0, "B": 0.0, "C": 0.0},
            unit="m3",
        ),
        call(ss.Average, name="pue", column="pue", at_most=1.25, at_least=1.0),
        call(ss.Share, name="clean", where="is_clean", at_least=0.3, at_most=1.0),
        call(
            ss.Spread,
            name="states",
            by="state",
            at_least=1,
            max_sites_per_group=2,
            max_share=0.9,
        ),
        call(ss.Spacing, km=30, within="state", name="apart"),
        call(ss.Choose, name="one of", sites=["s0", "s1"], at_most=1, at_least=0),
        call(ss.AllOrNone, name="twins", sites=["s2", "s3"], by="state"),
        call(ss.IfThen, name="spur", if_any="s1", then_any=["s2", "s3"]),
        call(ss.Cluster, name="hub", hubs=["s0", "s3", "s5"], km=200),
        call(ss.Cover, name="people", demand=x, km=300, at_least=0.5),
        call(
            ss.Cover,
            name="people",
            demand=x,
            weight=x["load"],
            ms=3,
            at_least=0.5,
            circuity=1.5,
            us_per_km=4.9,
        ),
        call(
            ss.Draw,
            name="draw",
            links=links(),
            at_most={"X": 300, "Y": 300, "Z": 400},
            per_mw=1,
            split=False,
        ),
        call(ss.Draw, name="draw", links=links(), at_most=400, split=True),
        call(
            ss.Draw,
            name="near",
            links=call(
                ss.nearest_links,
                sites=candidates(),
                sources=buses(),
                source="bus",
                k=2,
                max_km=400.0,
                usd_per_km=1e4,
                usd_per_mw_km=10.0,
            ),
            at_most=buses().set_index("bus")["headroom_mw"],
        ),
        call(
            ss.PresentValue,
            name="life",
            at_most=1e10,
            capital_per_mw="cost_usd_per_mw",
            capital_per_site="fixed_cost_usd",
            yearly_per_mw="yearly_usd_per_mw",
            yearly_per_site=1e5,
            years=20,
            discount_rate=0.07,
        ),
        call(
            ss.AtLeast,
            mw=100,
            probability=0.7,
            p_success="p_success",
            common="state",
            scenarios=20,
            rng=0,
            name="arrive",
        ),
    ]


def objective_calls() -> list[Call]:
    """Every objective, with what it needs beside it."""
    x, few = towns(), {"min_sites": 2, "max_sites": 3}
    return [
        plan_call(objective="cost", power_mw=(300, 600)),
        plan_call(objective="water", score=candidates()["score"]),
        plan_call(objective=call(ss.Weighted, weights={"score": 1.0, "cost": -1e-8})),
        plan_call(objective=call(weighted_distance, demand=x, weight=-0.1)),
        plan_call(
            objective=call(lexicographic, first="score", tolerance=0.05, last="cost"),
            power_mw=(300, 600),
        ),
        plan_call(**few, objective=call(ss.MaxMinDistance)),
        plan_call(**few, objective=call(ss.MaxMinDistance, distance=square())),
        plan_call(
            **few, objective=call(ss.MeanDistance, demand=x, weight="population")
        ),
        plan_call(
            **few,
            objective=call(ss.MaxDistance, demand=x, distance=away(), unit="km"),
        ),
        plan_call(
            **few, objective=call(ss.Covered, demand=x, weight=x["load"], km=100)
        ),
        plan_call(**few, objective=call(ss.Covered, demand=x, ms=1.0)),
        plan_call(
            objective=call(ss.ServeCost, demand=x, mw="load", usd_per_mw_km=400.0)
        ),
        plan_call(
            objective=call(ss.ServeCost, demand=x, mw="load", cost=away(), single=True)
        ),
    ]


def square() -> pd.DataFrame:
    labels = candidates().index
    values = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) * 50.0
    return pd.DataFrame(values, index=labels, columns=labels)


def weighted_distance(demand: Any, weight: Any) -> Any:
    return ss.Weighted({"score": 1.0, ss.MeanDistance(demand): weight})


def lexicographic(first: Any, tolerance: Any, last: Any) -> Any:
    return ss.Lexicographic((first, tolerance), last)


def many_calls() -> list[Call]:
    """Programs that use the other arguments of the front door."""
    return [
        plan_call(
            it_mw=(100, 500),
            budget_usd=6e9,
            max_sites=3,
            min_sites=1,
            min_spacing_km=30.0,
            fixed=["s1"],
            forbidden=["s4"],
            existing={"s2": 100.0},
            gap=1e-4,
            time_limit_s=30.0,
            method="auto",
            progress=None,
        ),
        plan_call(
            site_mw=(50, 300),
            capacity="capacity_mw",
            cost_per_mw="cost_usd_per_mw",
            fixed_cost=candidates()["fixed_cost_usd"],
            budget_usd=5e9,
        ),
        plan_call(
            site_mw={100: "is_clean", (150, 300): True},
            capacity={100: "capacity_mw", (150, 300): 250.0},
            cost_per_mw={100: "cost_usd_per_mw", (150, 300): 8e6},
            fixed_cost=1e7,
        ),
        plan_call(
            power_mw={2027: 300, 2030: (400, 600)},
            budget_usd={2027: 4e9, 2030: 4e9},
            years=[2027, 2030],
            discount_rate=0.05,
            existing={"s0": 100.0},
        ),
        plan_call(
            power_mw=call(ss.ByYear, by_year={2027: 300, 2030: 600}),
            years=[2027, 2030],
            capacity=call(
                ss.Arriving, amount="capacity_mw", year="energised", before=100.0
            ),
            limits=[
                call(
                    ss.Limit,
                    name="h",
                    per_mw=1,
                    by="state",
                    at_most=call(
                        ss.ByYear,
                        by_year={
                            2027: 200,
                            2030: call(
                                ss.Arriving, amount="headroom_mw", year="energised"
                            ),
                        },
                    ),
                )
            ],
        ),
        call(
            ss.build_model,
            sites=candidates(),
            power_mw=600,
            site_mw=[100, 300],
            limits=[call(ss.Spacing, km=40)],
        ),
        call(
            ss.frontier,
            sites=candidates(),
            along="budget_usd",
            values=[1e9, 3e9],
            n=3,
            exact=[1e9],
            power_mw=600,
            site_mw=[100, 300],
        ),
        call(
            ss.frontier,
            sites=candidates(),
            objectives=("score", "cost"),
            n=3,
            power_mw=(300, 600),
            site_mw=[100, 300],
        ),
        call(
            ss.robust,
            sites_or_plan=candidates(),
            scenarios={"dry": {"score": 0.7}, "wet": {"score": "pue"}},
            level=0.9,
            of="regret",
            by=["state"],
            power_mw=300,
            site_mw=[100, 300],
        ),
        call(
            ss.robust,
            sites_or_plan=candidates(),
            scenarios={"score": (0.8, 1.2), "cost_usd_per_mw": (0.9, 1.1)},
            n=2,
            rng=0,
            power_mw=300,
            site_mw=[100],
            budget_usd=4e9,
        ),
        call(
            ss.nearest_links,
            sites=candidates(),
            sources=buses(),
            source="bus",
            k=2,
            max_km=400.0,
            usd_per_km=1e4,
            usd_per_mw_km=10.0,
        ),
    ]


@functools.cache
def the_plan() -> ss.SitePlan:
    return ss.optimize_sites(
        candidates(),
        power_mw=(300, 600),
        site_mw=[100, 300],
        budget_usd=6e9,
        limits=[
            ss.Limit("h", per_mw=1, by="state", at_most="headroom_mw"),
            ss.Spread("states", by="state", at_least=2),
        ],
    )


def later_calls() -> list[Call]:
    """What is asked of a plan."""

    def alternatives(**given: Any) -> Any:
        return the_plan().alternatives(**given)

    def explain(**given: Any) -> Any:
        return the_plan().explain(**given)

    def exact_price(**given: Any) -> Any:
        return the_plan().exact_price(**given)

    def survival(**given: Any) -> Any:
        return the_plan().survival(**given)

    def common_mode(**given: Any) -> Any:
        return ss.common_mode(the_plan(), **given)

    def robust(**given: Any) -> Any:
        return ss.robust(the_plan(), **given)

    grid = ss.Criterion("grid", ss.Column("grid_raw"), ss.Rising(100, 1000))
    return [
        call(alternatives, n=2, within=0.2, different_by=1),
        call(explain, site="s4"),
        call(exact_price, limit="h", change=50.0, group="A"),
        call(survival, criteria=[grid], n=2, rng=0, noise={"proxy": 0.2}, near_km=5.0),
        call(common_mode, by=["state"]),
        call(robust, scenarios=[grid], n=2, rng=0, noise={"proxy": 0.2}),
        call(robust, scenarios={"dry": {"score": candidates()["pue"]}}, level=0.5),
    ]


@functools.cache
def calls() -> list[Call]:
    """All valid calls."""
    limits = [plan_call(limits=[limit]) for limit in limit_calls()]
    return [*limits, *objective_calls(), *many_calls(), *later_calls()]


# ------------------------------------------------------------- what is hostile


def _odd_values() -> list[Callable[[], Any]]:
    frame = candidates()
    return [
        lambda: None,
        lambda: np.nan,
        lambda: np.inf,
        lambda: -np.inf,
        lambda: -1,
        lambda: 0,
        lambda: -0.0,
        lambda: 1.5,
        lambda: 1e-300,
        lambda: 1e300,
        lambda: 10**400,
        lambda: 1e15,
        lambda: True,
        lambda: False,
        lambda: "300",
        lambda: "",
        lambda: "40 km",
        lambda: "score",
        lambda: "state",
        lambda: "nonsense",
        lambda: "\x1b[31m{0}%s",
        lambda: b"s0",
        lambda: 1j,
        lambda: pd.NA,
        lambda: pd.NaT,
        lambda: decimal.Decimal(3),
        lambda: fractions.Fraction(1, 3),
        lambda: datetime.date(2027, 1, 1),
        lambda: pd.Timestamp("2027-01-01", tz="UTC"),
        lambda: np.float32(3),
        lambda: np.int64(3),
        lambda: np.bool_(True),
        lambda: np.array(3.0),
        lambda: np.array([1.0, 2.0]),
        lambda: np.array([], dtype=object),
        lambda: [],
        lambda: (),
        lambda: {},
        lambda: set(),
        lambda: [None],
        lambda: [[]],
        lambda: ["s0"],
        lambda: ["s0", "s0"],
        lambda: ["nope"],
        lambda: [1, "a", None],
        lambda: (1, 2, 3),
        lambda: (5, 1),
        lambda: (None, None),
        lambda: ("300", None),
        lambda: (np.nan, 1),
        lambda: [100, 300],
        lambda: {"s0": 100},
        lambda: {"s0": np.nan},
        lambda: {"s0": None},
        lambda: {"nope": 1},
        lambda: {2027: 100},
        lambda: {2027.5: 100},
        lambda: {"2027": 100},
        lambda: {2027: None},
        lambda: {None: None},
        lambda: {"A": 100, "B": "x", "C": None},
        lambda: {100: "score"},
        lambda: {(1,): "score"},
        lambda: {(1, 2, 3): 4},
        lambda: {("a", "b"): 4},
        lambda: (x for x in ("s0", "s1")),
        lambda: object(),
        lambda: len,
        lambda: lambda *a, **k: None,
        lambda: ss.Limit,
        lambda: ss.Spacing(5),
        lambda: [ss.Spacing(5)],
        lambda: ss.ByYear({2027: 5}),
        lambda: ss.Arriving("score", "energised"),
        lambda: ss.MaxMinDistance(),
        lambda: frame,
        lambda: frame["score"],
        lambda: frame["is_clean"],
        lambda: frame["state"],
        lambda: frame["score"].iloc[:2],
        lambda: frame["score"].where(frame["score"] > 0.5),
        lambda: frame["score"].reset_index(drop=True),
        lambda: pd.concat([frame["score"], frame["score"]]),
        lambda: pd.Series([1.0] * N, index=[("a", k) for k in range(N)]),
        lambda: frame.geometry,
        lambda: frame["score"].astype("Float64").where(frame["score"] > 0.5),
        lambda: pd.Series([], dtype=float),
        lambda: pd.Index(["s0"]),
        lambda: shapely.Point(0, 0),
        lambda: slice(0, 2),
        lambda: Ellipsis,
    ]


ODD = _odd_values()


def odd_frame(frame: Any, rng: random.Random) -> Any:
    """Spoil a frame in one way."""
    frame = frame.copy()
    n = len(frame)
    columns = [c for c in frame.columns if c != "geometry"]
    column = rng.choice(columns) if columns else None
    row = rng.randrange(n) if n else None
    numeric = [
        c
        for c in columns
        if pd.api.types.is_numeric_dtype(frame[c])
        and not pd.api.types.is_bool_dtype(frame[c])
    ]
    number = rng.choice(numeric) if numeric else column

    def put(value: Any, name: Any = None) -> Any:
        name = number if name is None else name
        if name is None or row is None:
            return frame
        dtype = frame[name].dtype
        is_number = pd.api.types.is_numeric_dtype(dtype)
        is_number = is_number and not pd.api.types.is_bool_dtype(dtype)
        kind = float if is_number and isinstance(value, int | float) else object
        values = list(frame[name])
        values[row] = value
        frame[name] = pd.Series(values, frame.index, dtype=kind)
        return frame

    def cast(kind: Any, name: Any = None) -> Any:
        name = number if name is None else name
        if name is None:
            return frame
        frame[name] = frame[name].astype(kind)
        return frame

    def with_index(index: Any) -> Any:
        frame.index = index
        return frame

    def times(factor: float) -> Any:
        return put(frame[number].iloc[row] * factor if n and number else factor)

    def dates() -> Any:
        if column is not None:
            frame[column] = pd.date_range("2027-01-01", periods=n, tz="UTC")
        return frame

    ways: list[Callable[[], Any]] = [
        lambda: frame.drop(columns=column) if column is not None else frame,
        lambda: frame.iloc[:0],
        lambda: frame.iloc[:1],
        lambda: pd.concat([frame, frame]),
        lambda: frame.iloc[::-1],
        lambda: put(np.nan),
        lambda: put(np.inf),
        lambda: put(-np.inf),
        lambda: put(-5.0),
        lambda: put(0.0),
        lambda: put(1e300),
        lambda: put(1e-300),
        lambda: times(1e12),
        lambda: times(1e-12),
        lambda: put("text"),
        lambda: put(None, column),
        lambda: put(pd.NA, column),
        lambda: put(np.nan, column),
        lambda: put([1, 2], column),
        lambda: cast(str),
        lambda: cast(object),
        lambda: cast("category"),
        lambda: cast(object, column),
        lambda: cast("category", column),
        lambda: cast(complex),
        lambda: cast("float32"),
        lambda: cast("Float64"),
        dates,
        lambda: with_index(pd.MultiIndex.from_product([["m"], range(n)])),
        lambda: with_index(pd.Index([1.5] * n)),
        lambda: with_index(pd.Index([np.nan, *range(n - 1)]) if n else frame.index),
        lambda: with_index(pd.date_range("2027-01-01", periods=n, tz="UTC")),
        lambda: with_index(pd.Index([(k, "x") for k in range(n)], tupleize_cols=False)),
        lambda: with_index(pd.CategoricalIndex([str(k) for k in range(n)])),
        lambda: with_index(
            pd.Index(["s0", 1, None, 2.5, b"x", (1, 2), True][:n], dtype=object)
        ),
        lambda: with_index(pd.RangeIndex(n)),
        lambda: frame.T,
        lambda: frame.set_axis([f"c{k}" for k in range(frame.shape[1])], axis=1),
        lambda: pd.DataFrame(frame),
        lambda: frame.to_dict("list"),
        lambda: pd.concat([frame, frame[[column]]], axis=1) if column else frame,
    ]
    has_place = isinstance(frame, gpd.GeoDataFrame)
    if has_place and frame.active_geometry_name in frame.columns:
        shape = frame.geometry

        def place(value: Any) -> Any:
            if n:
                values = list(shape)
                values[rng.randrange(n)] = value
                return frame.set_geometry(gpd.GeoSeries(values, frame.index, crs=4326))
            return frame

        def around(points: Any) -> Any:
            return shapely.buffer(points.to_numpy(), 0.1)

        ways += [
            lambda: place(None),
            lambda: place(shapely.Point()),
            lambda: place(shapely.Polygon()),
            lambda: place(shapely.Point(np.nan, np.nan)),
            lambda: place(shapely.Point(np.inf, 0)),
            lambda: place(shapely.Point(35.0, -97.0)),
            lambda: place(shapely.Point(0, 95)),
            lambda: place(shapely.Point(540, 20)),
            lambda: place(shapely.Polygon([(0, 0), (1, 1), (0, 1), (1, 0)])),
            lambda: place(shapely.GeometryCollection()),
            lambda: place(shapely.LineString([(-99, 35), (-98, 36)])),
            lambda: place(shapely.MultiPoint([(-99, 35), (-98, 36)])),
            lambda: frame.set_geometry(gpd.points_from_xy(shape.y, shape.x), crs=4326),
            lambda: frame.set_geometry(
                gpd.GeoSeries([shapely.Point(-99, 35)] * n, frame.index, crs=4326)
            ),
            lambda: frame.set_geometry(gpd.GeoSeries(around(shape), frame.index)),
            lambda: frame.to_crs(5070),
            lambda: frame.set_crs(None, allow_override=True),
            lambda: frame.set_crs(3857, allow_override=True),
            lambda: frame.rename_geometry("place"),
            lambda: frame.drop(columns="geometry"),
            lambda: frame.set_geometry("geometry").rename(columns={"geometry": "g"}),
        ]
    return rng.choice(ways)()


def twice_odd(frame: Any, rng: random.Random) -> Any:
    """Spoil a frame that may be spoiled already, if it can be once more."""
    try:
        return odd_frame(frame, rng)
    except (AttributeError, KeyError, TypeError, ValueError):
        return frame


def slots(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in a tree that may be spoiled."""
    found = [at] if at else []
    parts: Any = ()
    if isinstance(node, Call):
        parts = node.given.items()
    elif isinstance(node, list | tuple):
        parts = enumerate(node)
    elif isinstance(node, dict):
        parts = node.items()
    for key, value in parts:
        found += slots(value, (*at, key))
    return found


def leaf(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node.given[key] if isinstance(node, Call) else node[key]
    return node


def replaced(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a tree with another value at a path."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(node, Call):
        return Call(
            node.make, {**node.given, key: replaced(node.given[key], rest, value)}
        )
    if isinstance(node, dict):
        return {**node, key: replaced(node[key], rest, value)}
    parts = list(node)
    parts[key] = replaced(parts[key], rest, value)
    return parts if isinstance(node, list) else tuple(parts)


def spoiled(seed: int, valid: list[Call] | None = None) -> tuple[Call, list[str]]:
    """Return a valid call with one or two things spoiled, and what they are."""
    rng = random.Random(seed)
    tree = rng.choice(calls() if valid is None else valid)
    told = []
    for _ in range(rng.choice([1, 1, 1, 2])):
        paths = slots(tree)
        frames = [p for p in paths if isinstance(leaf(tree, p), pd.DataFrame)]
        if frames and rng.random() < 0.4:
            path = rng.choice(frames)
            value = (
                twice_odd(leaf(tree, path), rng)
                if told
                else odd_frame(leaf(tree, path), rng)
            )
        elif rng.random() < 0.1 and len(paths) > 1:
            # Transposed arguments: what stands elsewhere in the call.
            path, other = rng.sample(paths, 2)
            value = leaf(tree, other)
        else:
            path = rng.choice(paths)
            value = rng.choice(ODD)()
        if path != ():
            said = repr(value) if not isinstance(value, pd.DataFrame) else "a frame"
            told.append(f"{path} = {said[:200]}")
        tree = replaced(tree, path, value)
    return tree, told
