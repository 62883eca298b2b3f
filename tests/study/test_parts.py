"""Limits and objectives as records: every class, every key, there and back."""

from __future__ import annotations

import inspect
import tomllib
from dataclasses import fields, is_dataclass

import geopandas as gpd
import pandas as pd
import pytest
import tomli_w

import siteselect as ss
from siteselect import optimization
from siteselect.study.parts import (
    arguments_of,
    check_part,
    limit_classes,
    limit_of,
    objective_classes,
    record_of,
)

LIMITS = [
    ss.AllOrNone("together", sites=["a", "b"]),
    ss.AllOrNone("by owner", by="owner"),
    ss.AtLeast(500, 0.9, p_success=0.8, common="state", scenarios=50, rng=3),
    ss.AtLeast(ss.ByYear({2027: 100, 2030: 500}), 0.9),
    ss.Average("carbon", "carbon_kg_per_mwh", at_most=350),
    ss.Average("carbon", "c", at_most=ss.ByYear({2027: 400, 2030: 300}), weight="e"),
    ss.Choose("one of", "is_near", at_most=1, at_least=1),
    ss.Cluster("hub", hubs=["a"], km=80),
    ss.IfThen("road", ["a", "b"], ["c"]),
    ss.Limit("water", per_mw="m3", by="county", at_most={"A": 3.5, "B": 4.0}),
    ss.Limit("head", per_mw=1, by="s", at_most=ss.Arriving("head", "year", before=50)),
    ss.Limit("jobs", per_mw=0.3, per_site=2, at_least=100, unit="jobs"),
    ss.PresentValue("pv", at_most=9e9, yearly_per_mw="usd", years=15),
    ss.Share("clean", "is_clean", at_least=0.5),
    ss.Spacing(km=40, within="state", name="in a state"),
    ss.Spread("states", by="state", at_least=4, max_share=0.35),
]
OBJECTIVES = [
    ss.Weighted({"score": 1.0, "cost": 0.2}),
    ss.Lexicographic(("cost", 0.02), "score"),
    ss.MaxMinDistance(),
]
#: Classes whose arguments are data, so that only records can say them.
NEED_DATA = {"Cover", "Deliverable", "Draw", "Supply"}
NEED_DEMAND = {"Covered", "MaxDistance", "MeanDistance", "ServeCost"}


def test_every_limit_and_objective_of_the_library_is_known():
    offers = {
        name
        for name in optimization.__all__
        if is_dataclass(getattr(optimization, name)) and not name.startswith("Supports")
    }
    assert set(limit_classes()) <= offers
    assert set(objective_classes()) <= offers
    assert set(limit_classes()) == {type(x).__name__ for x in LIMITS} | NEED_DATA
    known = {type(x).__name__ for x in OBJECTIVES} | NEED_DEMAND
    assert set(objective_classes()) == known
    others = offers - set(limit_classes()) - set(objective_classes())
    wanted = {"Arriving", "ByYear", "ExtraColumns", "Frontier", "Problem", "Robust"}
    assert others == wanted | {"Rows", "SitePlan", "SupplyBound", "WayOut"}
    for made in [*limit_classes().values(), *objective_classes().values()]:
        assert list(arguments_of(made)) == list(inspect.signature(made).parameters)


@pytest.mark.parametrize("part", [*LIMITS, *OBJECTIVES], ids=lambda p: type(p).__name__)
def test_a_record_gives_the_same_part_through_toml(part):
    word = "limit" if type(part).__name__ in limit_classes() else "objective"
    record = tomllib.loads(tomli_w.dumps(record_of(part, "A part")))
    check_part(record, word, "A part", ())
    made = limit_of(record, word, "A part", {})
    assert type(made) is type(part)
    assert record_of(made, "A part") == record
    for one in fields(part):
        if not one.name.startswith("_") and one.name != "stages":
            mine, other = getattr(part, one.name), getattr(made, one.name)
            assert _told(mine) == _told(other), one.name


def _told(value):
    if is_dataclass(value):
        return type(value), [_told(getattr(value, f.name)) for f in fields(value)]
    return list(value) if isinstance(value, tuple) else value


def test_data_and_own_classes_have_no_record():
    series = pd.Series([1.0, 2.0])
    with pytest.raises(ss.StudyError, match="data, a Series"):
        record_of(ss.Limit("x", per_mw=series, at_most=1), "Limit 1")

    class Own:
        pass

    with pytest.raises(ss.StudyError, match="class of your own"):
        record_of(Own(), "Limit 1")


def test_limits_over_layers_hold_in_the_plan():
    study = ss.Study(
        area="Oregon",
        candidates={"spacing_km": 40},
        prepare=True,
        preset="training",
        plan={"power_mw": [300, 600], "site_mw": [100, 200]},
        limits=[
            {
                "kind": "Cover",
                "name": "near people",
                "demand": {"layer": "cities"},
                "km": 200,
                "at_least": 0.1,
            },
            {
                "kind": "Draw",
                "name": "stations",
                "links": {
                    "kind": "nearest_links",
                    "sources": {
                        "layer": "substations",
                        "where": "hosting_capacity_mw > 50",
                    },
                    "source": "substation",
                    "k": 3,
                },
                "at_most": 400,
            },
        ],
        options={"cooling": ["air economiser, adiabatic", "closed-loop liquid"]},
        fleet={"GB200 NVL72": 1000},
    )
    assert ss.Study.from_toml(study.to_toml()) == study
    plan = study.optimize()
    assert {"near people", "stations", "it power"} <= set(plan.limits["limit"])
    assert plan.verify()["passed"].all()
    stations = study.read_layers()["substations"].set_index("substation")
    drawn = plan.draws.groupby("source")["mw"].sum()
    assert (stations.loc[drawn.index, "hosting_capacity_mw"] > 50).all()
    assert drawn.max() <= 400 + 1e-6
    it_mw = ss.Fleet({"GB200 NVL72": 1000}).it_mw
    assert (plan.sites["mw"] / plan.sites["peak_ratio"]).sum() >= it_mw - 1e-6
    assert isinstance(plan.sites, gpd.GeoDataFrame)
