"""Every error: what was asked, what was found, what is allowed, what mends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteselect as ss
from siteselect.optimization.words import outward


def sites(**columns: Any) -> gpd.GeoDataFrame:
    n = 4
    return gpd.GeoDataFrame(
        {
            "score": [0.9, 0.8, 0.7, 0.6],
            "capacity_mw": 300.0,
            "cost_usd_per_mw": 1e7,
            "state": ["A", "A", "B", "B"],
            "water": [1.0, 2.0, 3.0, 4.0],
            "headroom": [500.0, 500.0, 200.0, 250.0],
            **columns,
        },
        index=["s0", "s1", "s2", "s3"],
        geometry=gpd.points_from_xy(np.linspace(-100, -97, n), np.full(n, 35.0)),
        crs=4326,
    )


def run(frame: Any = None, **request: Any) -> Callable[[], Any]:
    request = {"site_mw": [100], **request}
    return lambda: ss.optimize_sites(sites() if frame is None else frame, **request)


def limit(*args: Any, **kwargs: Any) -> Callable[[], Any]:
    return lambda: run(limits=[ss.Limit(*args, **kwargs)])()


TWICE = pd.Series([1.0, 2.0], index=["s0", "s0"])
HOLES = sites(water=[1.0, np.nan, np.inf, 4.0])
NO_PLACE = sites().set_geometry([None, *sites().geometry[1:]], crs=4326)
BARE = sites().drop(columns=["cost_usd_per_mw"])

#: Error, how to get it, and what its message must say, in this order.
TABLE: list[tuple[type[Exception], Callable[[], Any], list[str]]] = [
    # the frame
    (ss.LayerError, run(pd.DataFrame({"score": [1]})), ["DataFrame", "GeoDataFrame"]),
    (ss.StudyError, run(sites().iloc[:0]), ["no rows", "one candidate or more"]),
    (
        ss.StudyError,
        run(sites().set_axis(["a", "a", "b", "c"], axis=0)),
        ["'a'", "unique index", "reset_index"],
    ),
    (
        ss.LayerError,
        run(gpd.GeoDataFrame({"score": [1.0]})),
        ["no active geometry", "set_geometry"],
    ),
    (ss.LayerError, run(NO_PLACE), ["1 have no geometry", "'s0'", "notna"]),
    (
        ss.StudyError,
        run(sites(excluded_by="lake")),
        ["4 of 4 candidates are excluded", "eligibility"],
    ),
    (ss.LayerError, run(sites(score=[1, 2, np.inf, 3])), ["'score'", "'s2'", "finite"]),
    (ss.StudyError, run(sites(score=list("abcd"))), ["score", "numeric"]),
    (ss.StudyError, run(sites().drop(columns="score")), ["'score'", "column"]),
    (
        ss.LayerError,
        run(sites(cost_usd_per_mw=[1e7, np.nan, 1e7, 1e7])),
        ["cost_usd_per_mw", "1 eligible", "'s1'", "never taken as 0"],
    ),
    # power, money, sizes, counts
    (ss.StudyError, run(power_mw=(5, 3)), ["(5, 3)", "over the maximum", "(3, 5)"]),
    (ss.StudyError, run(power_mw=-5), ["-5", "negative"]),
    (ss.StudyError, run(power_mw=(1, 2, 3)), ["3 values", "pair"]),
    (ss.StudyError, run(power_mw="big"), ["'power_mw'", "'big'", "finite number"]),
    (ss.StudyError, run(budget_usd=-1), ["budget_usd=-1", "negative", "dollars"]),
    (ss.StudyError, run(budget_usd=np.nan), ["'budget_usd'", "nan", "finite"]),
    (ss.StudyError, run(BARE, budget_usd=1e9), ["neither", "'cost_usd_per_mw'"]),
    (ss.StudyError, run(site_mw=[]), ["no size", "over 0"]),
    (ss.StudyError, run(site_mw=[0, 100]), ["not over 0", "[100, 300]"]),
    (ss.StudyError, run(site_mw=(1, 2, 3)), ["3 values", "[1, 2, 3]"]),
    (ss.StudyError, run(site_mw=(300, 100)), ["(300, 100)", "minimum is over"]),
    (
        ss.StudyError,
        run(site_mw=None, capacity={100: "capacity_mw"}),
        ["capacity is given per size", "range"],
    ),
    (
        ss.StudyError,
        run(sites().drop(columns="capacity_mw"), site_mw=None),
        ["no finite capacity", "site_mw=[100, 300]"],
    ),
    (
        ss.StudyError,
        run(site_mw=[100, 300], capacity={100: "capacity_mw"}),
        ["capacity", "300 MW", "per size"],
    ),
    (ss.StudyError, run(max_sites=-1), ["max_sites=-1", "negative", "whole"]),
    (ss.StudyError, run(min_sites=1.5), ["min_sites=1.5", "not a whole"]),
    (ss.StudyError, run(min_sites=3, max_sites=2), ["min_sites=3", "max_sites=2"]),
    (ss.StudyError, run(gap=1.5), ["gap=1.5", "fraction", "1e-4"]),
    (ss.StudyError, run(method="fulll"), ["'fulll'", "'full'", "priceout"]),
    (ss.StudyError, run(objective=3), ["objective=3", "int", "'cost'"]),
    (ss.StudyError, run(objective="watr"), ["'watr'", "'water'"]),
    (
        ss.StudyError,
        run(objective="cost"),
        ["objective='cost'", "no lower bound", "power_mw="],
    ),
    # fixed and forbidden
    (ss.StudyError, run(fixed=["s9"]), ["fixed", "'s9'", "'s0'", "sites.index"]),
    (ss.StudyError, run(forbidden="s9"), ["forbidden", "'s9'"]),
    (
        ss.StudyError,
        run(fixed=["s1"], forbidden=["s1"]),
        ["'s1'", "both fixed and forbidden", "contradict"],
    ),
    (
        ss.StudyError,
        run(fixed=["s0", "s1"], max_sites=1),
        ["2 sites", "max_sites is 1", "max_sites=2"],
    ),
    (
        ss.StudyError,
        run(sites(excluded_by=["", "lake", "", ""]), fixed=["s1"]),
        ["'s1'", "'lake'", "not eligible"],
    ),
    (ss.StudyError, run(fixed=["s0"], site_mw=[900]), ["'s0'", "none of the sizes"]),
    # limits
    (ss.StudyError, limit("", per_mw=1, at_most=1), ["''", "name"]),
    (ss.StudyError, limit("water", per_mw=1), ["'water'", "no bound", "at_most="]),
    (ss.StudyError, limit("water", at_most=1), ["'water'", "both 0", "per MW"]),
    (
        ss.StudyError,
        limit("wet", per_mw="watr", at_most=1),
        ["'wet'", "'watr'", "'water'"],
    ),
    (
        ss.StudyError,
        limit("wet", per_mw="state", at_most=1),
        ["'wet'", "'state'", "numeric", "to_numeric"],
    ),
    (
        ss.LayerError,
        run(HOLES, limits=[ss.Limit("wet", per_mw="water", at_most=1)]),
        ["'wet'", "'water'", "2 eligible", "'s1', 's2'"],
    ),
    (
        ss.StudyError,
        limit("wet", per_mw=TWICE, at_most=1),
        ["'wet'", "repeated labels", "groupby"],
    ),
    (
        ss.StudyError,
        limit("wet", per_mw=1, by=3, at_most=1),
        ["'wet'", "int", "column name"],
    ),
    (
        ss.StudyError,
        limit("grid", per_mw=1, by="state", at_most="headroom"),
        ["'grid'", "'headroom'", "'B'", "200 to 250", "constant"],
    ),
    (
        ss.StudyError,
        limit("grid", per_mw=1, by="state", at_most={"A": 1}),
        ["'grid'", "1 groups", "'B'", "every group"],
    ),
    (
        ss.StudyError,
        limit("grid", per_mw=1, by="state", at_most={"A": 1, "B": np.nan}),
        ["'grid'", "missing for 'B'"],
    ),
    (
        ss.StudyError,
        limit("grid", per_mw=1, by="state", at_least={"A": 0, "B": 0, "C": 5}),
        ["'grid'", "'C'", "no eligible site"],
    ),
    (
        ss.StudyError,
        limit("grid", per_mw=1, by="state", at_most=pd.Series([1, 2], ["A", "A"])),
        ["'grid'", "repeated"],
    ),
    (
        ss.StudyError,
        limit("grid", per_mw=1, by="state", at_least=5, at_most=3),
        ["'grid'", "at least 5 and at most 3", "'A'"],
    ),
    (
        ss.StudyError,
        lambda: ss.Average("c", "water", at_most=1, at_least=2),
        ["'c'", "at least 2 and at most 1"],
    ),
    (ss.StudyError, lambda: ss.Average("c", "water"), ["'c'", "no bound"]),
    (
        ss.StudyError,
        lambda: ss.Share("s", "water", at_least=40),
        ["'s'", "40", "0 to 1", "0.4"],
    ),
    (
        ss.StudyError,
        run(limits=[ss.Share("s", "water", at_least=0.4)]),
        ["'s'", "'water'", "True and False", "boolean"],
    ),
    (ss.StudyError, lambda: ss.Spread("s", by="state"), ["'s'", "no bound"]),
    (
        ss.StudyError,
        lambda: ss.Spread("s", by="state", at_least=1.5),
        ["'s'", "1.5", "whole"],
    ),
    (
        ss.StudyError,
        lambda: ss.Spread("s", by="state", max_share=1.5),
        ["'s'", "1.5", "up to 1"],
    ),
    (ss.StudyError, lambda: ss.Spacing(-1), ["'spacing'", "-1", "20,000 km"]),
    (ss.StudyError, run(min_spacing_km=-1), ["'spacing'", "-1", "20,000 km"]),
    (ss.StudyError, run(limits=[ss.Limit]), ["limits holds", "type", "Spacing"]),
    (
        ss.StudyError,
        run(limits=[ss.Limit("power", per_mw=1, at_most=1)]),
        ["'power'", "built-in", "another name"],
    ),
    (
        ss.StudyError,
        run(limits=[ss.Limit("a", per_mw=1, at_most=1)] * 2),
        ["'a'", "another limit has that name"],
    ),
    (
        ss.CRSError,
        run(sites().set_crs(None, allow_override=True), min_spacing_km=5),
        ["no coordinate reference", "set_crs"],
    ),
    # solvers
    (ss.SolverError, run(solver="higs"), ["'higs'", "highs", "solver='highs'"]),
    (ss.SolverError, run(solver=3), ["solver=3", "int", "PuLP solver"]),
]


@pytest.mark.parametrize(("kind", "act", "needles"), TABLE)
def test_a_message_says_what_where_and_how_to_mend(
    kind: type[Exception], act: Callable[[], Any], needles: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        act()
    message = str(caught.value)
    assert type(caught.value) is kind
    for needle in needles:
        assert needle.lower() in message.lower(), message
    parts = [p for p in re.split(r"[.?]\s+", message.strip()) if p]
    assert len(parts) >= 4, message
    assert "Traceback" not in message
    assert ".." not in message.replace("...", ""), message


def test_an_infeasible_plan_names_its_limits_and_a_way_out() -> None:
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        run(power_mw=(900, None), max_sites=2)()
    message = str(caught.value)
    assert caught.value.conflicts
    for name in caught.value.conflicts:
        assert repr(name) in message
    assert "frees the others" in message


def test_hostile_names_are_text_and_never_code() -> None:
    evil = "<script>alert('x')</script>"
    frame = sites(state=[evil, "B", "B", "B"]).rename(index={"s0": evil})
    frame.index.name = "<b>site</b>"
    frame[f"{evil}_contribution"] = frame["score"]
    bound = ss.Limit(f"<img src=x onerror={evil}>", per_mw=1, by="state", at_most=100)
    plan = ss.optimize_sites(frame, power_mw=(100, 300), site_mw=[100], limits=[bound])
    assert evil in plan.sites.index
    page = plan._repr_html_()
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert "<b>site" not in page.lower()
    assert "&lt;script" in page
    text = repr(plan)
    assert text.startswith("SitePlan\n")
    assert evil in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    frame = sites().rename(index={"s0": "a\x1b[31mb\nc"})
    plan = ss.optimize_sites(frame, power_mw=(100, 100), site_mw=[100])
    assert "\x1b" not in repr(plan)
    assert "\x1b" not in plan._repr_html_()
    # The label keeps to its line of the table.
    assert len(repr(plan).splitlines()) == len(plan._headline()) + 3


@pytest.mark.parametrize("value", [5e-324, -1e-320, 1e-300])
def test_the_smallest_numbers_are_said_as_they_are(value):
    assert outward(value, up=True) == outward(value, up=False) == value


def test_where_none_is_eligible_only_what_removed_them_is_said():
    none = sites(capacity_mw=0.0)
    options = {"air": {"peak_ratio": 1.5}, "water": {"peak_ratio": 1.2}}
    with pytest.raises(ss.StudyError) as caught:
        ss.optimize_sites(none, power_mw=100, site_mw=[100], options=options)
    assert "no known capacity over 0 MW" in str(caught.value)
    assert "differs by option" not in str(caught.value)
