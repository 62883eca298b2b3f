"""Choose data-center sites from map layers, with a proof.

``import siteselect as ss``: map layers in, a proven and explained set of sites
out. The names below are the public API; each is loaded from its room on first
use, so that importing the package costs little more than geopandas.

========================  ====================================================
room                      what it does
========================  ====================================================
``layers``                read and check map layers; the bundled data
``suitability``           candidates, criteria, exclusions, scores
``infrastructure``        megawatts, climate, water, carbon, cost, the grid
``optimization``          limits, the integer program, the plan and its proof
``reporting``             maps, report, files
========================  ====================================================

Examples
--------
Three gigawatts in Texas, on the bundled layers:

>>> import siteselect as ss
>>> area = ss.datasets.region("Texas")  # or any polygon / GeoDataFrame
>>> layers = ss.datasets.load_all(area)  # or your own frames
>>> sites = ss.grid_candidates(area, spacing_km=10)  # or your own parcels
>>> sites = ss.prepare(sites, layers)

A criterion is a measurement, a value function and a weight:

>>> criteria = [
...     ss.Criterion(
...         "grid",
...         ss.Within(layers["substations"], radius_km=25, max="hosting_capacity_mw"),
...         ss.Rising(100, 1000),
...         weight=0.35,
...     ),
...     ss.Criterion(
...         "fiber", ss.Nearest(layers["fiber"]), ss.Falling(1, 80), weight=0.20
...     ),
...     ss.Criterion(
...         "water",
...         ss.At(layers["water_stress"], "stress"),
...         ss.Falling(0.1, 0.8),
...         weight=0.15,
...     ),
...     ss.Criterion(
...         "solar", ss.Sample(layers["solar_cf"]), ss.Rising(0.14, 0.30), weight=0.10
...     ),
...     ss.Criterion(
...         "labor",
...         ss.Within(layers["workforce"], radius_km=80, sum="electricians"),
...         ss.Rising(500, 20000),
...         weight=0.20,
...     ),
... ]
>>> scored = ss.score_sites(
...     sites, criteria, exclude=[ss.Near(layers["lakes"], km=0.5)]
... )

The integer program chooses sites and sizes within every limit, with a proof:

>>> plan = ss.optimize_sites(
...     scored,
...     power_mw=(3000, 3000),
...     budget_usd=45e9,
...     site_mw=[100, 300, 1000],
...     limits=[
...         ss.Limit(
...             "substation headroom",
...             per_mw=1,
...             by="substation",
...             at_most="headroom_mw",
...         ),
...         ss.Limit(
...             "county water",
...             per_mw="water_m3_per_mw_year",
...             by="county",
...             at_most="water_available_m3_per_year",
...         ),
...         ss.Average("carbon", "carbon_kg_per_mwh", at_most=350),
...         ss.Spread("counties", by="county", at_least=3),
...         ss.Spacing(km=40),
...     ],
... )
>>> plan.status, plan.total_mw, plan.gap <= 1e-4
('optimal', 3000.0, True)
>>> sorted(set(plan.limits["limit"]) - {"power", "budget"})
['carbon', 'counties', 'county water', 'spacing', 'substation headroom']
>>> len(plan.verify()) > 0  # redone from the frame, not from the model
True

What a plan answers afterwards:

>>> ax = plan.plot()
>>> page = plan.report("report/")
>>> explorer = plan.explore("map.html")
>>> others = plan.alternatives(5)
>>> [other.objective <= plan.objective * (1 + 1e-4) for other in others]
[True, True, True, True, True]
>>> bool((plan.importance()["loss"] >= 0).all())
True
>>> plan.explain("s0412").is_chosen
False
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from siteselect._version import __version__
from siteselect.errors import (
    ApproximationWarning,
    CRSError,
    DataQualityWarning,
    InfeasiblePlanError,
    LayerError,
    MissingDependencyError,
    SiteSelectError,
    SiteSelectWarning,
    SolverError,
    StudyError,
)

if TYPE_CHECKING:
    from siteselect.infrastructure import (
        Fleet,
        accelerators_hosted,
        accelerators_it_mw,
        climate_from_hours,
        columns,
        cooling_options,
        facility_mw,
        grid,
        hosted,
        it_mw,
        labor_market,
        parameters,
        prepare,
        site_jobs,
        site_water,
    )
    from siteselect.layers import LayerInfo, Raster, datasets, layer_info, read_layer
    from siteselect.optimization import (
        AllOrNone,
        Arriving,
        AtLeast,
        Average,
        ByYear,
        Choose,
        Cluster,
        Cover,
        Covered,
        Deliverable,
        Draw,
        Frontier,
        IfThen,
        Lexicographic,
        Limit,
        MaxDistance,
        MaxMinDistance,
        MeanDistance,
        PresentValue,
        Robust,
        ServeCost,
        Share,
        SitePlan,
        Spacing,
        Spread,
        WayOut,
        Weighted,
        build_model,
        common_mode,
        frontier,
        nearest_links,
        optimize_sites,
        robust,
    )
    from siteselect.reporting import (
        plot_plan,
        plot_ranks,
        plot_sensitivity,
        plot_suitability,
    )
    from siteselect.study import Study, bundled_study
    from siteselect.study_file import ScoredStudy, score_study
    from siteselect.suitability import (
        AHP,
        OWA,
        Aggregate,
        AllOf,
        AnyOf,
        Aspect,
        At,
        Between,
        Categories,
        Column,
        CoveredShare,
        Criterion,
        Exponential,
        Fading,
        Falling,
        Gate,
        Gaussian,
        GeometricMean,
        Inside,
        Keep,
        Large,
        Latency,
        Length,
        Logarithm,
        MinArea,
        Minimum,
        Near,
        Nearest,
        NearTo,
        NormalError,
        Not,
        Piecewise,
        Power,
        ReferencePoint,
        Rising,
        Sample,
        Saturating,
        Scoring,
        Sigmoid,
        Slope,
        Small,
        Step,
        Travel,
        TriangularError,
        UniformError,
        Waterfall,
        WeightedSum,
        Weights,
        Where,
        Within,
        Zonal,
        aggregate_from_dict,
        ahp,
        check_gates,
        critic_weights,
        direct_weights,
        eligibility,
        entropy_weights,
        evidence,
        footprints,
        grid_candidates,
        group_weights,
        line_candidates,
        parcel_candidates,
        presets,
        rank_intervals,
        rank_sensitivity,
        rank_sites,
        rank_weights,
        read_partitions,
        score_partitions,
        score_sites,
        substation_candidates,
        swing_weights,
        value_from_dict,
        value_of_information,
        waterfall,
        weight_stability,
        weights_from_dict,
        with_weights,
        write_partitions,
    )

_ROOM_OF = {
    **dict.fromkeys(
        ("LayerInfo", "Raster", "datasets", "layer_info", "read_layer"), "layers"
    ),
    **dict.fromkeys(
        (
            "AHP",
            "Aggregate",
            "AllOf",
            "AnyOf",
            "Aspect",
            "At",
            "Between",
            "Categories",
            "Column",
            "CoveredShare",
            "Criterion",
            "Exponential",
            "Fading",
            "Falling",
            "Gate",
            "Gaussian",
            "GeometricMean",
            "Inside",
            "Keep",
            "Large",
            "Latency",
            "Length",
            "Logarithm",
            "MinArea",
            "Minimum",
            "Near",
            "NearTo",
            "Nearest",
            "NormalError",
            "Not",
            "OWA",
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
            "Waterfall",
            "WeightedSum",
            "Weights",
            "Where",
            "Within",
            "Zonal",
            "aggregate_from_dict",
            "ahp",
            "check_gates",
            "critic_weights",
            "direct_weights",
            "eligibility",
            "entropy_weights",
            "evidence",
            "footprints",
            "grid_candidates",
            "group_weights",
            "line_candidates",
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
        ),
        "suitability",
    ),
    **dict.fromkeys(
        (
            "Fleet",
            "accelerators_hosted",
            "accelerators_it_mw",
            "climate_from_hours",
            "columns",
            "cooling_options",
            "facility_mw",
            "grid",
            "hosted",
            "it_mw",
            "labor_market",
            "parameters",
            "prepare",
            "site_jobs",
            "site_water",
        ),
        "infrastructure",
    ),
    **dict.fromkeys(
        (
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
            "WayOut",
            "Weighted",
            "build_model",
            "common_mode",
            "frontier",
            "nearest_links",
            "optimize_sites",
            "robust",
        ),
        "optimization",
    ),
    **dict.fromkeys(
        ("plot_plan", "plot_ranks", "plot_sensitivity", "plot_suitability"),
        "reporting",
    ),
    **dict.fromkeys(("Study", "bundled_study"), "study"),
    **dict.fromkeys(("ScoredStudy", "score_study"), "study_file"),
}

# Plain order, as test_architecture wants it.
__all__ = [  # noqa: RUF022
    "AHP",
    "Aggregate",
    "AllOf",
    "AllOrNone",
    "AnyOf",
    "ApproximationWarning",
    "Arriving",
    "Aspect",
    "At",
    "AtLeast",
    "Average",
    "Between",
    "ByYear",
    "CRSError",
    "Categories",
    "Choose",
    "Cluster",
    "Column",
    "Cover",
    "Covered",
    "CoveredShare",
    "Criterion",
    "DataQualityWarning",
    "Deliverable",
    "Draw",
    "Exponential",
    "Fading",
    "Falling",
    "Fleet",
    "Frontier",
    "Gate",
    "Gaussian",
    "GeometricMean",
    "IfThen",
    "InfeasiblePlanError",
    "Inside",
    "Keep",
    "Large",
    "Latency",
    "LayerError",
    "LayerInfo",
    "Length",
    "Lexicographic",
    "Limit",
    "Logarithm",
    "MaxDistance",
    "MaxMinDistance",
    "MeanDistance",
    "MinArea",
    "Minimum",
    "MissingDependencyError",
    "Near",
    "NearTo",
    "Nearest",
    "NormalError",
    "Not",
    "OWA",
    "Piecewise",
    "Power",
    "PresentValue",
    "Raster",
    "ReferencePoint",
    "Rising",
    "Robust",
    "Sample",
    "Saturating",
    "ScoredStudy",
    "Scoring",
    "ServeCost",
    "Share",
    "Sigmoid",
    "SitePlan",
    "SiteSelectError",
    "SiteSelectWarning",
    "Slope",
    "Small",
    "SolverError",
    "Spacing",
    "Spread",
    "Step",
    "Study",
    "StudyError",
    "Travel",
    "TriangularError",
    "UniformError",
    "Waterfall",
    "WayOut",
    "Weighted",
    "WeightedSum",
    "Weights",
    "Where",
    "Within",
    "Zonal",
    "__version__",
    "accelerators_hosted",
    "accelerators_it_mw",
    "aggregate_from_dict",
    "ahp",
    "build_model",
    "bundled_study",
    "check_gates",
    "climate_from_hours",
    "columns",
    "common_mode",
    "cooling_options",
    "critic_weights",
    "datasets",
    "direct_weights",
    "eligibility",
    "entropy_weights",
    "evidence",
    "facility_mw",
    "footprints",
    "frontier",
    "grid",
    "grid_candidates",
    "group_weights",
    "hosted",
    "it_mw",
    "labor_market",
    "layer_info",
    "line_candidates",
    "nearest_links",
    "optimize_sites",
    "parameters",
    "parcel_candidates",
    "plot_plan",
    "plot_ranks",
    "plot_sensitivity",
    "plot_suitability",
    "prepare",
    "presets",
    "rank_intervals",
    "rank_sensitivity",
    "rank_sites",
    "rank_weights",
    "read_layer",
    "read_partitions",
    "robust",
    "score_partitions",
    "score_sites",
    "score_study",
    "site_jobs",
    "site_water",
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


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'siteselect' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"siteselect.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *__all__})
