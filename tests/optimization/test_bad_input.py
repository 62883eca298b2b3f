"""Bad input: a clear error of ours or a right answer, never a foreign traceback."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import siteselect as ss


def sites(n: int = 6) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "score": np.linspace(0.9, 0.4, n),
            "capacity_mw": 300.0,
            "cost_usd_per_mw": 1e7,
            "state": list("AABBCC")[:n],
            "headroom_mw": np.linspace(100, 600, n),
            "water": 5.0,
        },
        index=[f"s{k}" for k in range(n)],
        geometry=gpd.points_from_xy(np.linspace(-100, -95, n), np.full(n, 35.0)),
        crs=4326,
    )


def change(**columns: Any) -> gpd.GeoDataFrame:
    return sites().assign(**columns)


def at(column: str, label: str, value: Any) -> gpd.GeoDataFrame:
    frame = sites()
    frame.loc[label, column] = value
    return frame


L, S = ss.LayerError, ss.StudyError
OK = {"power_mw": 300, "site_mw": [100, 300]}

BAD: list[Any] = [
    ("no frame", pd.DataFrame({"score": [1.0]}), {}, L, "GeoDataFrame"),
    ("no rows", sites().iloc[:0], {}, S, "no rows"),
    ("labels twice", pd.concat([sites(), sites()]), {}, S, "twice"),
    ("no score column", sites().drop(columns="score"), {}, S, "'score'"),
    ("misspelled score", sites(), {"score": "scor"}, S, "Did you mean 'score'"),
    ("text score", change(score=list("abcdef")), {}, S, "numeric"),
    ("infinite score", at("score", "s2", np.inf), {}, L, "'s2'"),
    ("all unknown", change(score=np.nan), {}, S, "eligible"),
    ("no capacity", change(capacity_mw=0.0), {}, S, "capacity"),
    ("missing cost", at("cost_usd_per_mw", "s1", np.nan), {}, L, "'s1'"),
    ("no geometry", sites().set_geometry([None] * 6, crs=4326), {}, L, "geometry"),
    ("no CRS", sites().set_crs(None, allow_override=True), {"min_spacing_km": 9},
     ss.CRSError, "set_crs"),
    ("power crossed", sites(), {"power_mw": (400, 300)}, S, "minimum is over"),
    ("power of three", sites(), {"power_mw": (1, 2, 3)}, S, "3 values"),
    ("power as text", sites(), {"power_mw": "300"}, S, "'300'"),
    ("power NaN", sites(), {"power_mw": np.nan}, S, "finite"),
    ("negative power", sites(), {"power_mw": -5}, S, "power"),
    ("negative budget", sites(), {"budget_usd": -1}, S, "budget_usd"),
    ("budget without costs", sites().drop(columns="cost_usd_per_mw"),
     {"budget_usd": 1e9}, S, "fixed_cost_usd"),
    ("no size", sites(), {"site_mw": []}, S, "no size"),
    ("size zero", sites(), {"site_mw": [0, 100]}, S, "over 0"),
    ("tuple of three", sites(), {"site_mw": (1, 2, 3)}, S, "range"),
    ("range crossed", sites(), {"site_mw": (300, 100)}, S, "minimum is over"),
    ("range without capacity", sites().drop(columns="capacity_mw"),
     {"site_mw": None}, S, "largest size"),
    ("cost per size missing", sites(),
     {"cost_per_mw": {100: "cost_usd_per_mw"}}, S, "300 MW"),
    ("sites crossed", sites(), {"min_sites": 3, "max_sites": 2}, S, "minimum"),
    ("half a site", sites(), {"max_sites": 1.5}, S, "whole number"),
    ("cost without floor", sites(), {"objective": "cost"}, S, "lower bound"),
    ("unknown objective", sites(), {"objective": "skore"}, S, "skore"),
    ("unknown label", sites(), {"fixed": ["s99"]}, S, "'s99'"),
    ("unknown forbidden", sites(), {"forbidden": ["q"]}, S, "'q'"),
    ("fixed and forbidden", sites(), {"fixed": ["s1"], "forbidden": ["s1"]}, S,
     "both fixed and forbidden"),
    ("fixed but excluded", change(excluded_by=["lake", "", "", "", "", ""]),
     {"fixed": ["s0"]}, S, "lake"),
    ("fixed but too small", at("capacity_mw", "s0", 50.0), {"fixed": ["s0"]}, S,
     "fits"),
    ("more fixed than sites", sites(), {"fixed": ["s0", "s1"], "max_sites": 1}, S,
     "max_sites"),
    ("unknown method", sites(), {"method": "fast"}, S, "method"),
    ("gap of one", sites(), {"gap": 1.0}, S, "gap"),
    ("unknown solver", sites(), {"solver": "gurobee"}, ss.SolverError, "gurobee"),
    ("solver of wrong type", sites(), {"solver": 3}, ss.SolverError, "int"),
    ("not a limit", sites(), {"limits": ["spacing"]}, S, "str"),
    ("a limit's class", sites(), {"limits": [ss.Spacing]}, S, "Spacing"),
    ("two of one name", sites(),
     {"limits": [ss.Average("c", "water", at_most=9)] * 2}, S, "'c'"),
    ("built-in name", sites(),
     {"limits": [ss.Limit("power", per_mw=1, at_most=1)]}, S, "built-in"),
    ("spacing twice", sites(),
     {"limits": [ss.Spacing(9)], "min_spacing_km": 9}, S, "'spacing'"),
    ("column of a limit", sites(),
     {"limits": [ss.Limit("w", per_mw="watr", at_most=1)]}, S, "Did you mean 'water'"),
    ("NaN in a limit", at("water", "s4", np.nan),
     {"limits": [ss.Limit("w", per_mw="water", at_most=1)]}, L, "'s4'"),
    ("uneven group", sites(),
     {"limits": [ss.Limit("h", per_mw=1, by="state", at_most="headroom_mw")]}, S,
     "varies"),
    ("group without value", sites(),
     {"limits": [ss.Limit("h", per_mw=1, by="state", at_most={"A": 1, "B": 2})]}, S,
     "'C'"),
    ("unknown group", sites(),
     {"limits": [ss.Limit("h", per_mw=1, by="state",
                          at_least={"A": 0, "B": 0, "C": 0, "D": 5})]}, S, "'D'"),
    ("group missing", at("state", "s3", None),
     {"limits": [ss.Spread("states", "state", at_least=2)]}, L, "'s3'"),
    ("limit crossed", sites(),
     {"limits": [ss.Limit("h", per_mw=1, at_most=1, at_least=2)]}, S, "at_least"),
    ("share of no truth", sites(), {"limits": [ss.Share("x", "water", at_most=0.5)]},
     S, "boolean"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "arguments", "error", "says"),
    [case[1:] for case in BAD],
    ids=[case[0] for case in BAD],
)
def test_is_refused_with_a_reason(
    frame: Any, arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=f"(?i){says}"):
        ss.optimize_sites(frame, **{**OK, **arguments})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ss.Limit("x", per_mw=1), "bound"),
        (lambda: ss.Limit("x", at_most=1), "counts nothing"),
        (lambda: ss.Limit("", per_mw=1, at_most=1), "name"),
        (lambda: ss.Average("x", "water"), "bound"),
        (lambda: ss.Average("x", "water", at_most=1, at_least=2), "minimum"),
        (lambda: ss.Share("x", "is_clean", at_least=40), "0 to 1"),
        (lambda: ss.Spread("x", "state"), "bound"),
        (lambda: ss.Spread("x", "state", at_least=1.5), "whole"),
        (lambda: ss.Spread("x", "state", max_share=0.0), "share"),
        (lambda: ss.Spacing(-1), "km"),
        (lambda: ss.Spacing("40"), "finite"),
    ],
)
def test_a_limit_that_says_nothing_is_refused(make: Any, says: str) -> None:
    with pytest.raises(ss.StudyError, match=f"(?i){says}"):
        make()


def test_right_answers_at_the_edges() -> None:
    nothing = ss.optimize_sites(sites(), power_mw=0, site_mw=[100])
    assert nothing.status == "optimal"
    assert len(nothing.sites) == 0
    nothing.verify()
    assert "SitePlan" in repr(nothing)
    broke = ss.optimize_sites(sites(), **OK, budget_usd=0)
    assert broke.total_cost_usd == 0
    one = ss.optimize_sites(sites(1), **OK)
    assert one.sites.index.tolist() == ["s0"]
    negative = ss.optimize_sites(at("capacity_mw", "s0", -100.0), **OK)
    assert "s0" not in negative.sites.index
    assert any("capacity" in note for note in negative.notes)
    unknown = ss.optimize_sites(at("score", "s0", np.nan), **OK)
    assert any("score" in note for note in unknown.notes)


def test_the_frame_is_not_touched_and_markup_is_escaped() -> None:
    frame = sites().rename(index={"s0": "<b>s0</b>"})
    before = frame.copy()
    plan = ss.optimize_sites(frame, **OK, limits=[ss.Spacing(5, name="<i>apart</i>")])
    pd.testing.assert_frame_equal(frame, before)
    page = plan._repr_html_()
    assert "<b>s0" not in page
    assert "<i>apart" not in page
    assert "optimal for these inputs" in page
    assert "optimal for these inputs" in repr(plan)
