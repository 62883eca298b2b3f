"""A plan's cost by part adds up to what the program counted."""

from __future__ import annotations

import pytest
from infrastructure.toy import toy_layers, toy_sites

import siteselect as ss


def candidates(**own):
    ready = ss.prepare(toy_sites().assign(**own), toy_layers())
    return ready.loc[["w", "m"]].assign(score=[0.9, 0.5])


def test_the_parts_are_the_plan():
    sites = candidates()
    plan = ss.optimize_sites(
        sites, power_mw=(400, 400), site_mw=[100, 300], objective="cost"
    )
    parts = plan.cost_breakdown()
    assert parts.loc["total", "capital_usd"] == pytest.approx(plan.total_cost_usd)
    # the objective is lifetime cost: the fixed cost is capital of both
    assert parts.loc["total", "present_value_usd"] == pytest.approx(plan.objective)
    assert parts.attrs["level"] == "mid"
    high = plan.cost_breakdown(level="high").loc["total"]
    assert high["present_value_usd"] == parts.loc["total", "high_usd"]
    by_site = plan.cost_breakdown(by_site=True)
    assert set(by_site.index.get_level_values("site")) == set(plan.sites.index)
    own = by_site.xs("total", level="part")["capital_usd"]
    assert own.to_dict() == pytest.approx(plan.sites["cost_usd"].to_dict())


def test_the_level_of_the_candidates_is_that_of_the_plan():
    ready = ss.prepare(toy_sites(), toy_layers(), parameters={"level": "low"})
    sites = ready.loc[["w", "m"]].assign(score=0.5)
    plan = ss.optimize_sites(sites, power_mw=(300, 300), site_mw=[100, 300])
    parts = plan.cost_breakdown()
    assert parts.attrs["level"] == "low"
    assert parts.loc["total", "capital_usd"] == pytest.approx(plan.total_cost_usd)
    assert parts.loc["total", "low_usd"] == parts.loc["total", "present_value_usd"]


def test_a_plan_of_other_candidates_says_what_it_lacks():
    sites = candidates()
    sites.attrs = {}
    plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    with pytest.raises(ss.LayerError, match=r"siteselect\.prepare"):
        plan.cost_breakdown()
