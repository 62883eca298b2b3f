"""Choose sites by an integer program, with a proof.

`optimize_sites` is the front door; `build_model` gives the same program as a PuLP
problem.
"""

from __future__ import annotations

from siteselect.optimization.draw import Draw, nearest_links
from siteselect.optimization.limits import Average, Limit, Share, Spacing, Spread
from siteselect.optimization.optimize import build_model, optimize_sites
from siteselect.optimization.plan import SitePlan

__all__ = [
    "Average",
    "Draw",
    "Limit",
    "Share",
    "SitePlan",
    "Spacing",
    "Spread",
    "build_model",
    "nearest_links",
    "optimize_sites",
]
