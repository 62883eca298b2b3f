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
from siteselect.suitability.pairwise import (
    AHP,
    ahp,
)
from siteselect.suitability.ranking import (
    rank_sites,
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
from siteselect.suitability.weighting import (
    Weights,
    critic_weights,
    direct_weights,
    entropy_weights,
    group_weights,
    rank_weights,
    swing_weights,
    with_weights,
)
from siteselect.suitability.weights import (
    normalize_weights,
)

__all__ = [
    "AHP",
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
    "Weights",
    "Where",
    "Within",
    "Zonal",
    "aggregate_from_dict",
    "ahp",
    "critic_weights",
    "direct_weights",
    "eligibility",
    "entropy_weights",
    "grid_candidates",
    "group_weights",
    "normalize_weights",
    "presets",
    "rank_sites",
    "rank_weights",
    "score_sites",
    "substation_candidates",
    "swing_weights",
    "value_from_dict",
    "with_weights",
]
