"""The PuLP model that users meet, and limits that they write themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pulp
import pytest

import siteselect as ss
from siteselect.optimization.limits import accounts
from siteselect.optimization.problem import ExtraColumns, Rows
from siteselect.optimization.pulp_model import _status

LIMITS = [
    ss.Limit("county water", per_mw="water", by="county", at_most=700),
    ss.Average("carbon", "carbon", at_most=350),
    ss.Spread("states", by="state", at_least=2),
    ss.Spacing(km=60),
]
REQUEST: dict[str, Any] = {"power_mw": (600, 900), "budget_usd": 9e9}


def sites(n: int = 30) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(8)
    return gpd.GeoDataFrame(
        {
            "score": rng.uniform(0, 1, n),
            "capacity_mw": rng.choice([120.0, 350.0], n),
            "cost_usd_per_mw": rng.uniform(8e6, 14e6, n),
            "water": rng.uniform(0.5, 3, n),
            "carbon": rng.uniform(200, 500, n),
            "county": rng.integers(0, 6, n),
            "state": rng.choice(list("ABC"), n),
        },
        index=[f"plot {k}/a" for k in range(n)],
        geometry=gpd.points_from_xy(rng.uniform(-99, -94, n), rng.uniform(33, 37, n)),
        crs=4326,
    )


@pytest.mark.parametrize("site_mw", [[100, 300], (50, 300)])
@pytest.mark.parametrize("objective", ["score", "cost"])
def test_the_model_has_names_and_the_same_optimum(site_mw: Any, objective: str) -> None:
    request = {**REQUEST, "site_mw": site_mw, "objective": objective, "limits": LIMITS}
    model = ss.build_model(sites(), **request)
    assert isinstance(model, pulp.LpProblem)
    rows = model.constraints
    found = rows() if callable(rows) else rows.values()
    names = [row.name for row in found]
    assert len(set(names)) == len(names)
    for word in ("power", "budget", "county_water", "carbon", "states", "spacing"):
        assert any(name.startswith(word) for name in names), word
    assert all("plot_" in v.name for v in model.variables()[:5])
    with_names = [v.name for v in model.variables()]
    assert len(set(with_names)) == len(with_names)
    model.solve(pulp.HiGHS(msg=False, gapRel=0.0))
    plan = ss.optimize_sites(sites(), gap=1e-9, **request)
    assert model.objective.value() == pytest.approx(plan.objective, rel=1e-6)


@dataclass(frozen=True)
class AtMostPerCounty:
    """A user's limit; its ``by`` is a number and means nothing to the library."""

    by: int
    name: str = "mine"

    def rows(self, problem: Any) -> Rows:
        codes = problem.frame["county"].to_numpy()
        matrix = problem.site_rows(codes, 6, problem.column_opens.astype(float))
        return Rows.make(matrix, -np.inf, self.by, self.name, range(6))

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        chosen = sites[sites["mw"] > 0]
        count = chosen.groupby("county").size()
        return accounts(
            self.name, count.index, "", -np.inf, self.by, count.to_numpy(), "sites"
        )


@dataclass(frozen=True)
class Evenness:
    """A user's limit with columns of its own, one of which may be negative.

    East minus west in GW is held between -0.2 and 0.3.
    """

    name: str = "east minus west"
    by: str = "no such column"

    def columns(self, problem: Any) -> ExtraColumns:
        return ExtraColumns(
            ("difference",), np.array([-0.2]), np.array([0.3]), np.array([False])
        )

    def rows(self, problem: Any) -> Rows:
        side = np.where(problem.frame.geometry.x > -96.5, 1.0, -1.0)
        own = problem.column_site >= 0
        use = np.where(own, side[problem.column_site] * problem.column_mw / 1000, 0.0)
        use[problem.extra[self.name]] = -1.0
        return Rows.make(use.reshape(1, -1), 0.0, 0.0, self.name)

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        side = np.where(sites.geometry.x > -96.5, 1.0, -1.0)
        used = float((side * sites["mw"]).sum()) / 1000
        return accounts(self.name, [""], "difference", -0.2, 0.3, [used], "GW")


@pytest.mark.parametrize("method", ["full", "priceout"])
@pytest.mark.parametrize("site_mw", [[100, 300], (50, 300)])
def test_limits_that_users_write(method: str, site_mw: Any) -> None:
    mine = [AtMostPerCounty(by=1), Evenness()]
    request = {**REQUEST, "site_mw": site_mw, "gap": 1e-9}
    plan = ss.optimize_sites(sites(), limits=mine, method=method, **request)
    plan.verify()
    assert plan.sites["county"].is_unique
    built_in = ss.Spread("counties", by="county", max_sites_per_group=1)
    same = ss.optimize_sites(sites(), limits=[built_in, Evenness()], **request)
    assert plan.objective == pytest.approx(same.objective, rel=1e-7)
    free = ss.optimize_sites(sites(), **request)
    assert plan.objective < free.objective
    shown = plan.limits.set_index("limit").loc["east minus west", "used"]
    assert -0.2 - 1e-9 <= shown <= 0.3 + 1e-9


def test_a_row_without_columns_keeps_what_it_says() -> None:
    # Nobody has been given jobs: the floor has no columns and must not vanish.
    floor = ss.Limit("jobs", per_site="jobs", at_least=1)
    frame = sites().assign(jobs=0.0)
    model = ss.build_model(frame, site_mw=[300], limits=[floor])
    answer = model.solve(pulp.HiGHS(msg=False))
    assert _status(model, answer) == "infeasible"
    with pytest.raises(ss.InfeasiblePlanError) as caught:
        ss.optimize_sites(frame, site_mw=[300], limits=[floor])
    assert caught.value.conflicts == ("jobs",)


@pytest.mark.parametrize("method", ["full", "priceout"])
def test_a_model_of_the_user_with_many_threads_came_before(method: str) -> None:
    # HiGHS refuses another number of threads than the model before it asked for.
    request = {**REQUEST, "site_mw": [100, 300]}
    before = ss.optimize_sites(sites(), method=method, **request)
    ss.build_model(sites(), **request).solve(pulp.HiGHS(msg=False, threads=2))
    after = ss.optimize_sites(sites(), method=method, **request)
    assert after.objective == before.objective
