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
    At,
    Column,
    CoveredShare,
    Measurement,
    Nearest,
    Sample,
    Within,
    Zonal,
)
from siteselect.suitability.score import eligibility, score_sites
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
    "Measurement",
    "MinArea",
    "Near",
    "Nearest",
    "Not",
    "Piecewise",
    "Rising",
    "Sample",
    "Sigmoid",
    "Step",
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
    "score_sites",
    "substation_candidates",
    "value_of_information",
    "waterfall",
]
