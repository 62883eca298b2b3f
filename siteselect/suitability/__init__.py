"""The suitability room: candidates, criteria, exclusions, scores."""

from siteselect.suitability import presets
from siteselect.suitability.candidates import (
    grid_candidates,
    line_candidates,
    parcel_candidates,
    substation_candidates,
)
from siteselect.suitability.contiguous import MinArea
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.exclusions import (
    AllOf,
    AnyOf,
    Exclusion,
    Inside,
    Keep,
    Near,
    Not,
    Where,
)
from siteselect.suitability.footprints import footprints
from siteselect.suitability.gates import Gate, check_gates
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
from siteselect.suitability.unknown import evidence, value_of_information
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
from siteselect.suitability.waterfall import Waterfall, waterfall
from siteselect.suitability.weights import normalize_weights

__all__ = [
    "AllOf",
    "AnyOf",
    "Aspect",
    "At",
    "Between",
    "Categories",
    "Column",
    "CoveredShare",
    "Criterion",
    "Exclusion",
    "Falling",
    "Gate",
    "Inside",
    "Keep",
    "Latency",
    "Length",
    "Measured",
    "Measurement",
    "MinArea",
    "Near",
    "Nearest",
    "NormalError",
    "Not",
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
    "Waterfall",
    "Where",
    "Within",
    "Zonal",
    "check_gates",
    "eligibility",
    "evidence",
    "footprints",
    "grid_candidates",
    "line_candidates",
    "normalize_weights",
    "parcel_candidates",
    "presets",
    "rank_intervals",
    "rank_sensitivity",
    "read_partitions",
    "score_partitions",
    "score_sites",
    "substation_candidates",
    "value_of_information",
    "waterfall",
    "weight_stability",
    "write_partitions",
]
