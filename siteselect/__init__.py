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
        accelerators_hosted,
        accelerators_it_mw,
        columns,
        facility_mw,
        it_mw,
        parameters,
        prepare,
    )
    from siteselect.layers import LayerInfo, Raster, datasets, layer_info, read_layer
    from siteselect.optimization import (
        Average,
        Limit,
        Share,
        SitePlan,
        Spacing,
        Spread,
        build_model,
        optimize_sites,
    )
    from siteselect.reporting import plot_plan, plot_suitability
    from siteselect.study import Study, bundled_study
    from siteselect.suitability import (
        At,
        Between,
        Categories,
        Column,
        CoveredShare,
        Criterion,
        Falling,
        Inside,
        Near,
        Nearest,
        Piecewise,
        Rising,
        Sample,
        Sigmoid,
        Step,
        Where,
        Within,
        Zonal,
        eligibility,
        grid_candidates,
        presets,
        score_sites,
        substation_candidates,
    )

_ROOM_OF = {
    **dict.fromkeys(
        ("LayerInfo", "Raster", "datasets", "layer_info", "read_layer"), "layers"
    ),
    **dict.fromkeys(
        (
            "At",
            "Between",
            "Categories",
            "Column",
            "CoveredShare",
            "Criterion",
            "Falling",
            "Inside",
            "Near",
            "Nearest",
            "Piecewise",
            "Rising",
            "Sample",
            "Sigmoid",
            "Step",
            "Where",
            "Within",
            "Zonal",
            "eligibility",
            "grid_candidates",
            "presets",
            "score_sites",
            "substation_candidates",
        ),
        "suitability",
    ),
    **dict.fromkeys(
        (
            "accelerators_hosted",
            "accelerators_it_mw",
            "columns",
            "facility_mw",
            "it_mw",
            "parameters",
            "prepare",
        ),
        "infrastructure",
    ),
    **dict.fromkeys(
        (
            "Average",
            "Limit",
            "Share",
            "SitePlan",
            "Spacing",
            "Spread",
            "build_model",
            "optimize_sites",
        ),
        "optimization",
    ),
    **dict.fromkeys(("plot_plan", "plot_suitability"), "reporting"),
    **dict.fromkeys(("Study", "bundled_study"), "study"),
}

__all__ = [
    "ApproximationWarning",
    "At",
    "Average",
    "Between",
    "CRSError",
    "Categories",
    "Column",
    "CoveredShare",
    "Criterion",
    "DataQualityWarning",
    "Falling",
    "InfeasiblePlanError",
    "Inside",
    "LayerError",
    "LayerInfo",
    "Limit",
    "MissingDependencyError",
    "Near",
    "Nearest",
    "Piecewise",
    "Raster",
    "Rising",
    "Sample",
    "Share",
    "Sigmoid",
    "SitePlan",
    "SiteSelectError",
    "SiteSelectWarning",
    "SolverError",
    "Spacing",
    "Spread",
    "Step",
    "Study",
    "StudyError",
    "Where",
    "Within",
    "Zonal",
    "__version__",
    "accelerators_hosted",
    "accelerators_it_mw",
    "build_model",
    "bundled_study",
    "columns",
    "datasets",
    "eligibility",
    "facility_mw",
    "grid_candidates",
    "it_mw",
    "layer_info",
    "optimize_sites",
    "parameters",
    "plot_plan",
    "plot_suitability",
    "prepare",
    "presets",
    "read_layer",
    "score_sites",
    "substation_candidates",
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
