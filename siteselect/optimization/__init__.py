"""Choose sites by an integer program, with a proof.

`optimize_sites` is the front door; `build_model` gives the same program as a PuLP
problem. Each limit has a name that comes back in ``plan.limits``, in prices and in
conflicts, and an account of its own that ``plan.verify()`` works out anew.

=============================  ================================================
what is limited                how it is said
=============================  ================================================
power, in all                  ``power_mw=3000`` (at most), ``(2000, 3000)``,
                               ``(2000, None)``; ``it_mw=`` for IT power
power, per site                ``site_mw=``, ``capacity=``
power, per group               ``Limit(name, per_mw=1, by="state", at_most=900,
                               at_least=100)``; IT power with
                               ``per_mw=1 / sites["peak_ratio"]``
sizes                          ``site_mw=[100, 300]``, a range ``(50, 400)``, both
                               in one list
by size                        ``site_mw={100: True, 300: "is_large"}``, and
                               ``capacity``, ``cost_per_mw``, ``fixed_cost`` as
                               mappings from size
capital                        ``budget_usd=``, by period ``{2027: 4e9, 2030: 9e9}``
yearly cost                    ``Limit(name, per_mw="yearly_usd_per_mw", ...)``
cost over a lifetime           `PresentValue`
a shared resource              ``Limit(name, per_mw="water_m3_per_mw_year",
                               by="county", at_most="water_available")``; per site
                               with ``per_site=``, labor likewise
a resource from any of many    `Draw`, links by `nearest_links`; one or, with
                               ``split=True``, several at once
what the lines can carry       `Deliverable`, also after outages
plants beside the sites        `Supply`: carbon-free share, carbon, land, capital
averages                       `Average`, by energy with ``weight=``
shares                         `Share`, likewise
spread                         `Spread`: groups at least, sites per group, share of
                               the megawatts
spacing                        ``min_spacing_km=``; `Spacing` within a group
clustering                     `Cluster`
coverage, latency              `Cover`
number of sites                ``min_sites=``, ``max_sites=``
ways to build a site           ``options={"dry": {"water_m3_per_mw_year": 0.0}}``,
                               one of which the plan chooses per site
named sites                    ``fixed=``, ``forbidden=``, ``existing={"s1": 100}``
how many of some               `Choose`: at most one of them, at least two, ...
together, or one for another   `AllOrNone`, `IfThen`
sites that may fall through    `AtLeast`
what changes with the years    ``power_mw={2027: 500, 2030: (3000, None)}``,
                               ``years=``; any bound or capacity as `ByYear` or
                               `Arriving`; ``discount_rate=``
anything else                  an object of your own, see `SupportsLimit`
=============================  ================================================

=============================  ================================================
what a plan is best at         ``objective=``
=============================  ================================================
score x MW, or a column        ``"score"``, ``"jobs_per_mw"``
cost                           ``"cost"``: lifetime cost where that is a column
far from each other            `MaxMinDistance` (p-dispersion)
near to demand                 `MeanDistance` (p-median), `MaxDistance` (p-center),
                               `Covered` (maximal covering), `ServeCost`
                               (capacitated facility location)
several                        `Weighted`, or `Lexicographic` with tolerances
anything else                  an object of your own, see `SupportsObjective`
=============================  ================================================

Examples
--------
A limit of one's own: the sites may not add up to more acres than there are buyers
for. ``rows`` writes it over the columns of the program, ``check`` adds it up again
from the chosen sites, for the accounts and for ``plan.verify()``.

>>> from dataclasses import dataclass
>>> import geopandas as gpd
>>> from siteselect.optimization import Rows, accounts, optimize_sites
>>> @dataclass(frozen=True)
... class Acres:
...     at_most: float
...     name: str = "acres"
...     unit: str = "acres"
...
...     def rows(self, problem):
...         acres = problem.quantity("acres", self.name)
...         opens = acres[problem.column_site] * problem.column_opens
...         return Rows.make(
...             opens[None, :], -float("inf"), self.at_most, self.name, kind="total"
...         )
...
...     def check(self, sites):
...         used = sites["acres"][sites["mw"] > 0].sum()
...         return accounts(
...             self.name, [""], "total", 0, self.at_most, [used], self.unit
...         )
>>> sites = gpd.GeoDataFrame(
...     {"score": [0.9, 0.8, 0.7], "acres": [500, 200, 250]},
...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
... )
>>> plan = optimize_sites(
...     sites, site_mw=[100], limits=[Acres(at_most=500)]
... )
>>> sorted(plan.sites.index), plan.verify()["passed"].all().item()
([1, 2], True)
>>> plan.limits[["limit", "used", "slack"]].values.tolist()
[['acres', 450.0, 50.0]]
"""

from __future__ import annotations

from siteselect.optimization.by_year import Arriving, ByYear
from siteselect.optimization.chance import AtLeast
from siteselect.optimization.clustering import Cluster
from siteselect.optimization.combined import Lexicographic, Weighted
from siteselect.optimization.conflicts import WayOut
from siteselect.optimization.coverage import Cover
from siteselect.optimization.deliverable import Deliverable
from siteselect.optimization.draw import Draw, nearest_links
from siteselect.optimization.frontier import Frontier, frontier
from siteselect.optimization.limits import (
    Average,
    Limit,
    Share,
    Spacing,
    Spread,
    SupportsLimit,
    accounts,
)
from siteselect.optimization.locating import (
    Covered,
    MaxDistance,
    MaxMinDistance,
    MeanDistance,
    ServeCost,
)
from siteselect.optimization.money import PresentValue
from siteselect.optimization.objectives import SupportsObjective
from siteselect.optimization.optimize import build_model, optimize_sites
from siteselect.optimization.plan import SitePlan
from siteselect.optimization.problem import ExtraColumns, Problem, Rows
from siteselect.optimization.robust import Robust, common_mode, robust
from siteselect.optimization.rules import AllOrNone, Choose, IfThen
from siteselect.optimization.supply import Supply
from siteselect.optimization.supply_bound import SupplyBound, supply_bound

__all__ = [
    "AllOrNone",
    "Arriving",
    "AtLeast",
    "Average",
    "ByYear",
    "Choose",
    "Cluster",
    "Cover",
    "Covered",
    "Deliverable",
    "Draw",
    "ExtraColumns",
    "Frontier",
    "IfThen",
    "Lexicographic",
    "Limit",
    "MaxDistance",
    "MaxMinDistance",
    "MeanDistance",
    "PresentValue",
    "Problem",
    "Robust",
    "Rows",
    "ServeCost",
    "Share",
    "SitePlan",
    "Spacing",
    "Spread",
    "Supply",
    "SupplyBound",
    "SupportsLimit",
    "SupportsObjective",
    "WayOut",
    "Weighted",
    "accounts",
    "build_model",
    "common_mode",
    "frontier",
    "nearest_links",
    "optimize_sites",
    "robust",
    "supply_bound",
]
