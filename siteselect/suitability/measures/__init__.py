"""Measurements: one figure per candidate, in its own unit, NaN where unknown."""

from siteselect.suitability.measures.base import Measured, Measurement
from siteselect.suitability.measures.cells import Sample, Zonal
from siteselect.suitability.measures.column import Column
from siteselect.suitability.measures.energised import EnergisedBy
from siteselect.suitability.measures.latency import Latency
from siteselect.suitability.measures.near import At, CoveredShare, Nearest
from siteselect.suitability.measures.terrain import Aspect, Slope
from siteselect.suitability.measures.travel import Travel
from siteselect.suitability.measures.within import Length, Within

__all__ = [
    "Aspect",
    "At",
    "Column",
    "CoveredShare",
    "EnergisedBy",
    "Latency",
    "Length",
    "Measured",
    "Measurement",
    "Nearest",
    "Sample",
    "Slope",
    "Travel",
    "Within",
    "Zonal",
]
