"""Bad input: a clear error of ours or a right answer, never a foreign traceback."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point

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
    ("degrees said to be meters", sites().set_crs(5070, allow_override=True),
     {"min_spacing_km": 9}, ss.CRSError, "look like degrees"),
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


TOWNS = gpd.GeoDataFrame(
    {"population": [7.0, 3.0]},
    geometry=gpd.points_from_xy([-99, -97], [35, 35]),
    crs=4326,
)
SWAPPED = TOWNS.set_geometry(gpd.points_from_xy([35, 35], [-99, -97]), crs=4326)
LINKS = pd.DataFrame({"site": ["s0", "s1"], "source": ["X", "Y"], "cost_usd": 1.0})
PLACE = gpd.GeoSeries(
    [*sites().geometry[:5], Point(float("nan"), 35.0)], sites().index, crs=4326
)


def limited(limit: Any) -> dict[str, Any]:
    return {"limits": [limit]}


#: The same for the other limits, objectives and kinds of frame.
MORE_BAD: list[Any] = [
    ("one limit, no list", lambda: {"limits": ss.Spacing(9)}, S, "list of limits"),
    ("sites and limits changed round", lambda: {"sites": [ss.Spacing(9)]}, L, "list"),
    ("power as a list of text", lambda: {"power_mw": ["300", None]}, S, "'300'"),
    ("a number past all floats", lambda: {"power_mw": 10**400}, S, "too large"),
    ("time below 0", lambda: {"time_limit_s": -1}, S, "time_limit_s"),
    ("labels of lists", lambda: {"fixed": [["s0"]]}, S, "no label"),
    ("two levels", lambda: {"sites": sites().set_index(
        ["state", "score"], drop=False)}, S, "2 levels"),
    ("no label", lambda: {"sites": sites().set_axis(["a", "b", "c", "d", "e", None])},
     S, "missing"),
    ("dates as numbers", lambda: {"sites": change(
        cost_usd_per_mw=pd.date_range("2027", periods=6, tz="UTC"))}, S, "datetime64"),
    ("complex numbers", lambda: {"sites": change(score=1j)}, S, "complex"),
    ("text in one row", lambda: {"sites": change(
        cost_usd_per_mw=np.array([1.0, 2, 3, "9 M", 5, 6], dtype=object))},
     S, "'9 M' at 's3'"),
    ("NA in a nullable column", lambda: {"sites": change(cost_usd_per_mw=pd.array(
        [1, 2, None, 4, 5, 6], dtype="Int64"))}, L, "'s2'"),
    ("lists as groups", lambda: {"sites": change(state=[[1]] * 6),
     **limited(ss.Spread("x", "state", at_least=2))}, S, "compared"),
    ("(lat, lon)", lambda: {"sites": sites().set_geometry(
        gpd.points_from_xy([35.0] * 6, np.linspace(-100, -95, 6)), crs=4326)}, L,
     "latitude -100.*points_from_xy"),
    ("a place that is none", lambda: {"sites": sites().set_geometry(PLACE)}, L, "'s5'"),
    ("an empty geometry", lambda: {"sites": sites().set_geometry(
        gpd.GeoSeries([Point()] * 6, sites().index, crs=4326))}, L, "geometry"),
    ("past what a solver holds", lambda: {"sites": at("cost_usd_per_mw", "s4", 1e22),
     "budget_usd": 1e9}, S, "'budget'.*'s4'"),
    ("km as text", lambda: {"min_spacing_km": "40 km"}, S, "40 km"),
    ("a size below 100 W", lambda: {"site_mw": [1e-9]}, S, "0.0001"),
    ("offered by 2", lambda: {"site_mw": {100: 2}}, S, "boolean"),
    ("no yes or no", lambda: {"site_mw": {100: "water"}}, S, "True and False"),
    ("cost by a size that is none", lambda: {"cost_per_mw": {"small": 1}}, S, "small"),
    ("existing, no mapping", lambda: {"existing": ["s0"]}, S, "mapping"),
    ("existing, 0 MW", lambda: {"existing": {"s0": 0}}, S, "'s0'"),
    ("existing, unknown", lambda: {"existing": {"q": 5}}, S, "'q'"),
    ("years twice", lambda: {"years": [2027, 2027]}, S, "twice"),
    ("half a year", lambda: {"power_mw": {2027.5: 3}}, S, "2027.5"),
    ("a year as text", lambda: {"power_mw": {"2027": 3}}, S, "2027"),
    ("a range over years", lambda: {"power_mw": {2027: 300}, "site_mw": (1, 300)}, S,
     "list of sizes"),
    ("by year, without years", lambda: {"capacity": ss.ByYear({2027: 5})}, S, "years"),
    ("headroom by text", lambda: {"years": [2027], "capacity": ss.Arriving(
        "capacity_mw", "state")}, S, "numeric"),
    ("IT ratio under 1", lambda: {"sites": change(peak_ratio=0.5), "it_mw": 5}, S,
     "peak_ratio"),
    ("negative weights", lambda: limited(
        ss.Average("c", "water", at_most=9, weight=-1)), S, "negative"),
    ("a weight column misspelt", lambda: limited(
        ss.Share("c", "state", at_most=0.5, weight="watr")), S, "state"),
    ("links, no table", lambda: limited(ss.Draw("d", ["s0"], at_most=1)), S, "links"),
    ("a link twice", lambda: limited(
        ss.Draw("d", pd.concat([LINKS, LINKS]), at_most=1)), L, "repeated"),
    ("a link's cost", lambda: limited(
        ss.Draw("d", LINKS.assign(cost_usd=-1), at_most=1)), L, "cost_usd"),
    ("a source without a bound", lambda: limited(
        ss.Draw("d", LINKS, at_most={"X": 1})), S, "'Y'"),
    ("a source below 0", lambda: limited(ss.Draw("d", LINKS, at_most=-1)), S, "nega"),
    ("split of text", lambda: limited(ss.Draw("d", LINKS, at_most=1, split="no")), S,
     "True or False"),
    ("hubs nobody knows", lambda: limited(ss.Cluster("c", ["q"], km=9)), S, "'q'"),
    ("a reach below 0", lambda: limited(ss.Cluster("c", ["s0"], km=-9)), S, "-9"),
    ("demand changed round", lambda: limited(
        ss.Cover("c", SWAPPED, km=9, at_least=0.1)), L, "latitude"),
    ("demand without a column", lambda: limited(
        ss.Cover("c", TOWNS, weight="people", km=9, at_least=0.1)), S, "people"),
    ("km and ms", lambda: limited(ss.Cover("c", TOWNS, km=9, ms=1, at_least=0.1)), S,
     "km and ms"),
    ("80 percent", lambda: limited(ss.Cover("c", TOWNS, km=9, at_least=80)), S, "0.8"),
    ("more than there are", lambda: limited(
        ss.Choose("c", ["s0"], at_least=2)), S, "only 1"),
    ("a rule about nobody", lambda: limited(ss.IfThen("c", [], ["s0"])), S, "if_any"),
    ("bound to nothing", lambda: limited(ss.AllOrNone("c")), S, "binds nothing"),
    ("a rate of 7", lambda: limited(ss.PresentValue(
        "c", at_most=1e9, yearly_per_mw=1, discount_rate=7)), S, "0.07"),
    ("90 percent sure", lambda: limited(ss.AtLeast(5, 90, p_success=0.5)), S, "0.9"),
    ("a chance over 1", lambda: limited(ss.AtLeast(5, 0.9, p_success="water")), S,
     "0 to 1"),
    ("a billion scenarios", lambda: limited(
        ss.AtLeast(5, 0.9, p_success=0.5, scenarios=10**9)), S, "100,000"),
    ("weights of nothing", lambda: {"objective": ss.Weighted({})}, S, "weights"),
    ("a weight of text", lambda: {"objective": ss.Weighted({"score": "1"})}, S, "'1'"),
    ("a tolerance of 5", lambda: {"objective": ss.Lexicographic(("score", 5), "cost")},
     S, "0.05"),
    ("one site is not apart", lambda: {"objective": ss.MaxMinDistance()}, S, "two"),
    ("distances transposed", lambda: {"min_sites": 1, "objective": ss.MeanDistance(
        TOWNS, distance=pd.DataFrame(1.0, TOWNS.index, sites().index))}, S,
     "transposed"),
    ("distances below 0", lambda: {"min_sites": 1, "objective": ss.MaxDistance(
        TOWNS, distance=pd.DataFrame(-1.0, sites().index, TOWNS.index))}, S,
     "negative"),
    ("no reach", lambda: {"objective": ss.Covered(TOWNS)}, S, "reach"),
    ("no cost of serving", lambda: {"objective": ss.ServeCost(TOWNS, mw=1)}, S, "cost"),
    ("an objective's class", lambda: {"objective": ss.MaxDistance}, S, "type"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [case[1:] for case in MORE_BAD],
    ids=[case[0] for case in MORE_BAD],
)
def test_of_the_others_too(arguments: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=f"(?is){says}"):
        ss.optimize_sites(**{"sites": sites(), **OK, **arguments()})


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda p: p.alternatives(0), "n=0"),
        (lambda p: p.alternatives(2, within="2 %"), "2 %"),
        (lambda p: p.alternatives(2, different_by=0.5), "different_by"),
        (lambda p: p.explain("q"), "'q'"),
        (lambda p: p.explain(["s0"]), "explain"),
        (lambda p: p.exact_price("powr"), "'power'"),
        (lambda p: p.exact_price(5), "no limit"),
        (lambda p: p.exact_price("power", np.inf), "finite"),
        (lambda p: p.exact_price("power", 1, ["A"]), "no group"),
        (lambda p: p.survival({}), "criteria"),
        (lambda p: ss.common_mode(p, by="stat"), "'state'"),
        (lambda p: ss.common_mode(p, by=5), "columns"),
        (lambda p: ss.robust(p, {}), "scenarios"),
        (lambda p: ss.robust(p, {"x": {"scor": 2}}), "'score'"),
        (lambda p: ss.robust(p, {"score": (2, 1)}), "range"),
        (lambda p: ss.robust(p, {"score": ("a", 1)}), "'a'"),
        (lambda p: ss.robust(p, {"x": {"score": 1.1}}, level=2), "level"),
        (lambda p: ss.robust([1], {"x": {"score": 1.1}}), "list"),
        (lambda p: ss.frontier([1], objectives=("score", "cost")), "list"),
        (lambda p: ss.frontier(sites(), objectives="score"), "pair"),
        (lambda p: ss.frontier(sites(), along="budgt_usd"), "budget_usd"),
        (lambda p: ss.frontier(sites(), values=["much"], **OK), "numbers"),
        (lambda p: ss.build_model(sites(), limits=ss.Spacing(9)), "list of limits"),
        (lambda p: ss.nearest_links([1], TOWNS, source="population"), "list"),
        (lambda p: ss.nearest_links(sites(), TOWNS, source="name"), "'name'"),
        (lambda p: ss.nearest_links(sites(), TOWNS, source="population", k=0), "k"),
        (lambda p: ss.nearest_links(sites(), TOWNS, source="population", max_km="9"),
         "'9'"),
        (lambda p: ss.nearest_links(sites(), SWAPPED, source="population"), "latitude"),
        (lambda p: ss.ByYear({}), "year"),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_plan(ask: Any, says: str) -> None:
    plan = ss.optimize_sites(sites(), **OK)
    with pytest.raises(ss.SiteSelectError, match=f"(?is){says}"):
        ask(plan)


def test_odd_frames_are_answered() -> None:
    usual = ss.optimize_sites(sites(), **OK).sites["mw"].tolist()
    frame = sites()
    for odd in (
        frame.astype({"score": "Float64", "capacity_mw": "Int64"}),
        frame.astype({"score": object, "state": "category"}),
        frame.astype({"capacity_mw": "category"}),
        frame.set_axis(pd.date_range("2027", periods=6, tz="UTC")),
        frame.set_axis([(k, "x") for k in range(6)]).set_axis(list("uvwxyz")),
        frame.set_axis(
            pd.Index([1, "a", 2.5, b"x", None, (1, 2)], dtype=object)[
                [0, 1, 2, 3, 5]
            ].append(pd.Index(["z"]))
        ),
        frame.to_crs(5070).assign(geometry=lambda f: f.buffer(900)),
        frame.rename_geometry("place"),
        frame.set_geometry([Point(-99, 35)] * 6, crs=4326),
    ):
        spread = ss.Spread("states", "state", at_least=1)
        plan = ss.optimize_sites(odd, **OK, limits=[spread])
        assert plan.sites["mw"].tolist() == usual
        plan.verify()


def test_a_range_of_numbers_that_a_solver_cannot_keep_apart_warns() -> None:
    frame = at("water", "s0", 1e-9)
    limit = ss.Limit("w", per_mw="water", at_most=2000)
    with pytest.warns(ss.ApproximationWarning, match="(?s)'w'.*'s0'"):
        ss.optimize_sites(frame, **OK, limits=[limit])
    # However small: a column of the user's holds no rests of a subtraction.
    with pytest.warns(ss.ApproximationWarning, match="(?s)objective.*'s0'"):
        ss.optimize_sites(at("score", "s0", 1e-15), **OK)


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


@pytest.mark.parametrize("call", [ss.frontier, ss.robust, ss.build_model])
def test_an_unknown_argument_is_told_with_the_nearest(call):
    more = ({},) if call is ss.robust else ()
    with pytest.raises(ss.StudyError, match="Did you mean 'site_mw'"):
        call(sites(), *more, site_mww=[100])
