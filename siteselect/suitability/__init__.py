"""The suitability room: candidates, criteria, exclusions, scores."""

from siteselect.suitability import (
    presets,
)
from siteselect.suitability.aggregation import (
    Aggregate,
    GeometricMean,
    Minimum,
    WeightedSum,
)
from siteselect.suitability.audit import (
    CriteriaAudit,
    audit_criteria,
)
from siteselect.suitability.candidates import (
    grid_candidates,
    line_candidates,
    parcel_candidates,
    substation_candidates,
)
from siteselect.suitability.contiguous import (
    MinArea,
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
    AllOf,
    AnyOf,
    Exclusion,
    Inside,
    Keep,
    Near,
    Not,
    Where,
)
from siteselect.suitability.footprints import (
    footprints,
)
from siteselect.suitability.gates import (
    Gate,
    check_gates,
)
from siteselect.suitability.hindcast import (
    Hindcast,
    evaluate,
)
from siteselect.suitability.measures import (
    Aspect,
    At,
    Column,
    CoveredShare,
    EnergisedBy,
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
from siteselect.suitability.out_of_core import (
    score_partitions,
)
from siteselect.suitability.outranking import rank_sites
from siteselect.suitability.owa import (
    OWA,
)
from siteselect.suitability.pairwise import (
    AHP,
    ahp,
)
from siteselect.suitability.partitions import (
    read_partitions,
    write_partitions,
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
from siteselect.suitability.scoring import Scoring
from siteselect.suitability.sensitivity import (
    rank_sensitivity,
)
from siteselect.suitability.stability import (
    weight_stability,
)
from siteselect.suitability.stored_weights import weights_from_dict
from siteselect.suitability.uncertainty import (
    NormalError,
    TriangularError,
    UniformError,
    rank_intervals,
)
from siteselect.suitability.unknown import (
    evidence,
    value_of_information,
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
from siteselect.suitability.waterfall import (
    Waterfall,
    waterfall,
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
    "AllOf",
    "AnyOf",
    "Aspect",
    "At",
    "Between",
    "Categories",
    "Column",
    "CoveredShare",
    "CriteriaAudit",
    "Criterion",
    "EnergisedBy",
    "Exclusion",
    "Exponential",
    "Fading",
    "Falling",
    "Gate",
    "Gaussian",
    "GeometricMean",
    "Hindcast",
    "Inside",
    "Keep",
    "Large",
    "Latency",
    "Length",
    "Logarithm",
    "Measured",
    "Measurement",
    "MinArea",
    "Minimum",
    "Near",
    "NearTo",
    "Nearest",
    "NormalError",
    "Not",
    "Piecewise",
    "Power",
    "ReferencePoint",
    "Rising",
    "Sample",
    "Saturating",
    "Scoring",
    "Sigmoid",
    "Slope",
    "Small",
    "Step",
    "Travel",
    "TriangularError",
    "UniformError",
    "ValueFunction",
    "Waterfall",
    "WeightedSum",
    "Weights",
    "Where",
    "Within",
    "Zonal",
    "aggregate_from_dict",
    "ahp",
    "audit_criteria",
    "check_gates",
    "critic_weights",
    "direct_weights",
    "eligibility",
    "entropy_weights",
    "evaluate",
    "evidence",
    "footprints",
    "grid_candidates",
    "group_weights",
    "line_candidates",
    "normalize_weights",
    "parcel_candidates",
    "presets",
    "rank_intervals",
    "rank_sensitivity",
    "rank_sites",
    "rank_weights",
    "read_partitions",
    "score_partitions",
    "score_sites",
    "substation_candidates",
    "swing_weights",
    "value_from_dict",
    "value_of_information",
    "waterfall",
    "weight_stability",
    "weights_from_dict",
    "with_weights",
    "write_partitions",
]
