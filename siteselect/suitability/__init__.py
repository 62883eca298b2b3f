"""The suitability room: candidates, criteria, exclusions, scores."""

from siteselect.suitability import presets
from siteselect.suitability.aggregation import (
    Aggregate,
    GeometricMean,
    Minimum,
    WeightedSum,
)
from siteselect.suitability.candidates import (
    grid_candidates,
    substation_candidates,
)
from siteselect.suitability.criteria import (
    Criterion,
)
from siteselect.suitability.curves import (
    Exponential,
    Fading,
    Gaussian,
    Large,
    Logarithm,
    NearTo,
    Power,
    Saturating,
    Sigmoid,
    Small,
)
from siteselect.suitability.exclusions import (
    Exclusion,
    Inside,
    Near,
    Where,
)
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
from siteselect.suitability.owa import (
    OWA,
)
from siteselect.suitability.records import (
    aggregate_from_dict,
    value_from_dict,
)
from siteselect.suitability.reference_point import (
    ReferencePoint,
)
from siteselect.suitability.score import (
    eligibility,
    score_sites,
)
from siteselect.suitability.value_function import (
    ValueFunction,
)
from siteselect.suitability.values import (
    Between,
    Categories,
    Falling,
    Piecewise,
    Rising,
    Step,
)
from siteselect.suitability.weights import (
    normalize_weights,
)

__all__ = [
    "OWA",
    "Aggregate",
    "At",
    "Between",
    "Categories",
    "Column",
    "CoveredShare",
    "Criterion",
    "Exclusion",
    "Exponential",
    "Fading",
    "Falling",
    "Gaussian",
    "GeometricMean",
    "Inside",
    "Large",
    "Logarithm",
    "Measurement",
    "Minimum",
    "Near",
    "NearTo",
    "Nearest",
    "Piecewise",
    "Power",
    "ReferencePoint",
    "Rising",
    "Sample",
    "Saturating",
    "Sigmoid",
    "Small",
    "Step",
    "ValueFunction",
    "WeightedSum",
    "Where",
    "Within",
    "Zonal",
    "aggregate_from_dict",
    "eligibility",
    "grid_candidates",
    "normalize_weights",
    "presets",
    "score_sites",
    "substation_candidates",
    "value_from_dict",
]
