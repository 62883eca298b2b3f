"""Choose sites by an integer program, with a proof.

`optimize_sites` is the front door; `build_model` gives the same program as a PuLP
problem.
"""

from __future__ import annotations

from siteselect.optimization.by_year import Arriving, ByYear
from siteselect.optimization.chance import AtLeast
from siteselect.optimization.clustering import Cluster
from siteselect.optimization.combined import Lexicographic, Weighted
from siteselect.optimization.coverage import Cover
from siteselect.optimization.draw import Draw, nearest_links
from siteselect.optimization.frontier import Frontier, frontier
from siteselect.optimization.limits import Average, Limit, Share, Spacing, Spread
from siteselect.optimization.locating import (
    Covered,
    MaxDistance,
    MaxMinDistance,
    MeanDistance,
    ServeCost,
)
from siteselect.optimization.money import PresentValue
from siteselect.optimization.optimize import build_model, optimize_sites
from siteselect.optimization.plan import SitePlan
from siteselect.optimization.robust import Robust, common_mode, robust
from siteselect.optimization.rules import AllOrNone, Choose, IfThen

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
    "Draw",
    "Frontier",
    "IfThen",
    "Lexicographic",
    "Limit",
    "MaxDistance",
    "MaxMinDistance",
    "MeanDistance",
    "PresentValue",
    "Robust",
    "ServeCost",
    "Share",
    "SitePlan",
    "Spacing",
    "Spread",
    "Weighted",
    "build_model",
    "common_mode",
    "frontier",
    "nearest_links",
    "optimize_sites",
    "robust",
]
