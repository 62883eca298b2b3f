"""The suitability room: candidates, criteria, exclusions, scores."""

from siteselect.suitability import presets
from siteselect.suitability.candidates import grid_candidates, substation_candidates
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.exclusions import Exclusion, Inside, Near, Where
from siteselect.suitability.measures import (
    Aspect,
    At,
    Column,
    CoveredShare,
    Latency,
    Length,
    Measured,
    Measurement,
    Nearest,
    Sample,
    Slope,
    Travel,
    Within,
    Zonal,
)
from siteselect.suitability.out_of_core import score_partitions
from siteselect.suitability.partitions import read_partitions, write_partitions
from siteselect.suitability.score import eligibility, score_sites
from siteselect.suitability.sensitivity import rank_sensitivity
from siteselect.suitability.stability import weight_stability
from siteselect.suitability.uncertainty import (
    NormalError,
    TriangularError,
    UniformError,
    rank_intervals,
)
from siteselect.suitability.values import (
    Between,
    Categories,
    Falling,
    Piecewise,
    Rising,
    Sigmoid,
    Step,
    ValueFunction,
)
from siteselect.suitability.weights import normalize_weights

__all__ = [
    "Aspect",
    "At",
    "Between",
    "Categories",
    "Column",
    "CoveredShare",
    "Criterion",
    "Exclusion",
    "Falling",
    "Inside",
    "Latency",
    "Length",
    "Measured",
    "Measurement",
    "Near",
    "Nearest",
    "NormalError",
    "Piecewise",
    "Rising",
    "Sample",
    "Sigmoid",
    "Slope",
    "Step",
    "Travel",
    "TriangularError",
    "UniformError",
    "ValueFunction",
    "Where",
    "Within",
    "Zonal",
    "eligibility",
    "grid_candidates",
    "normalize_weights",
    "presets",
    "rank_intervals",
    "rank_sensitivity",
    "read_partitions",
    "score_partitions",
    "score_sites",
    "substation_candidates",
    "weight_stability",
    "write_partitions",
]
