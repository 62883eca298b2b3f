"""Ready sets of criteria, each figure with its source or marked judgement.

The presets score what the program neither prices nor limits: energy price,
line and fiber length, annual PUE, land and shell are dollars in the plan;
headroom of the connecting substation, county water and carbon are limits.
Where a criterion touches one of these, its row says why it is scored too.
Wind is in no preset: the bundled wind raster is a screening proxy that fails
in the mountains of the West.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.layers import spatial
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.exclusions import Exclusion, Near, Where
from siteselect.suitability.measures import At, Measurement, Nearest, Sample, Within
from siteselect.suitability.values import (
    Falling,
    Piecewise,
    Rising,
    ValueFunction,
)

Layers = Mapping[str, Any]

JUDGEMENT = "judgement"
#: Reach of the nearest raster cell with data [km]: one cell of the 0.25° grids
#: and its diagonal, so that a coast or border is not emptied by its shape.
CELL_REACH_KM = 45.0
#: Round trip of 10 ms: 4.9 µs/km of fiber (refractive index 1.468), there and
#: back, 1.5 km of route per km, and 1 ms of equipment give 612 km.
NEAR_KM = 600.0

__all__ = ["exclusions", "inference", "table", "training"]


@dataclass(frozen=True)
class Entry:
    """One criterion of the presets, with where its figures come from."""

    name: str
    layer: str
    build: Callable[[Any], Measurement]
    value: ValueFunction
    training: float
    inference: float
    bounds_source: str
    priced_or_limited: str
    why: str


def _trades(column: str) -> Callable[[Any], Measurement]:
    """Jobs of a trade in reach; what is folded into a neighbor is skipped."""
    return lambda layer: Within(layer, radius_km=80, sum=column, skip_missing=True)


_ENTRIES = (
    Entry(
        "grid_options",
        "substations",
        lambda layer: Within(
            layer,
            radius_km=40,
            count=True,
            where="voltage_kv >= 230 and hosting_capacity_mw >= 300",
        ),
        Rising(0, 4),
        training=0.18,
        inference=0.15,
        bounds_source=f"{JUDGEMENT}: two independent feeds, and two more to grow into",
        priced_or_limited="headroom of the connecting substation is a limit",
        why="counts the strong substations in reach beside the connecting one: a "
        "second feed, and room for a second phase, which no limit holds",
    ),
    Entry(
        "grid_backbone",
        "substations",
        lambda layer: Nearest(layer, where="voltage_kv >= 345"),
        Falling(5, 60),
        training=0.12,
        inference=0.05,
        bounds_source=f"{JUDGEMENT}: siting practice for 500 MW and more",
        priced_or_limited="the line to the connecting substation is priced",
        why="distance to the 345 kV and higher grid, whichever substation is "
        "connected: the time and room to grow beyond the first phase",
    ),
    Entry(
        "grid_balance",
        "grid_balance",
        lambda layer: Within(
            _as_points(layer), radius_km=80, sum="balance_mw", skip_missing=True
        ),
        Rising(-1000, 1000),
        training=0.06,
        inference=0.0,
        bounds_source=f"{JUDGEMENT}: from a large city's deficit to one large "
        "plant's surplus",
        priced_or_limited="no",
        why="generation less demand of the counties around (2015): real figures "
        "beside the synthetic network",
    ),
    Entry(
        "solar",
        "solar_cf",
        lambda layer: Sample(layer, reach_km=CELL_REACH_KM),
        Rising(0.14, 0.30),
        training=0.10,
        inference=0.05,
        bounds_source=f"{JUDGEMENT}: the range of US plants, north-east to south-west",
        priced_or_limited="no (the bundled cost model buys grid power)",
        why="room for clean supply nearby",
    ),
    Entry(
        "water_stress",
        "water_stress",
        lambda layer: At(layer, "stress", reach_km=CELL_REACH_KM),
        Piecewise([(0.1, 1.0), (0.2, 2 / 3), (0.4, 1 / 3), (0.8, 0.0)]),
        training=0.12,
        inference=0.10,
        bounds_source="class edges 10, 20, 40, 80 % of baseline water stress: "
        "Hofste et al. 2019, Aqueduct 3.0, World Resources Institute; a third "
        f"per class is {JUDGEMENT}",
        priced_or_limited="the county's available water is a limit",
        why="the limit holds the plan's own draw; stress is the risk that others' "
        "use curtails it, or that it curtails others",
    ),
    Entry(
        "fiber_carriers",
        "fiber",
        lambda layer: Within(layer, radius_km=50, max="n_carriers"),
        Rising(0, 4),
        training=0.07,
        inference=0.18,
        bounds_source=f"{JUDGEMENT}: two diverse carriers are needed, four are ample",
        priced_or_limited="the fiber built to the nearest place is priced",
        why="diversity of carriers at the best place in reach, not distance",
    ),
    Entry(
        "near_people",
        "cities",
        lambda layer: Within(
            layer,
            radius_km=NEAR_KM,
            sum="population",
            where="population >= 100000",
        ),
        Rising(2e6, 30e6),
        training=0.0,
        inference=0.18,
        bounds_source="radius: 10 ms round trip by 4.9 µs/km and a route factor of "
        f"1.5 ({JUDGEMENT}); bounds {JUDGEMENT}",
        priced_or_limited="no",
        why="people of large cities within about 10 ms, for services that answer them",
    ),
    Entry(
        "labor_build",
        "workforce",
        _trades("electricians"),
        Piecewise([(500, 0.0), (3000, 0.5), (20000, 1.0)]),
        training=0.12,
        inference=0.06,
        bounds_source=f"{JUDGEMENT}: a campus of 1 GW wants 1,000 to 2,000 "
        "electricians at its peak; a tenth of the trade can be had",
        priced_or_limited="no",
        why="electricians within a working day's drive decide how fast it is built; "
        "cities whose jobs the layer counts in the county around are skipped, "
        "and such sites are flagged",
    ),
    Entry(
        "labor_operate",
        "workforce",
        _trades("hvac_mechanics"),
        Piecewise([(200, 0.0), (1500, 0.5), (10000, 1.0)]),
        training=0.04,
        inference=0.06,
        bounds_source=JUDGEMENT,
        priced_or_limited="no",
        why="mechanics who keep the cooling running",
    ),
    Entry(
        "neighbors",
        "population_points",
        lambda layer: Within(layer, radius_km=8, sum="population", skip_missing=True),
        Falling(2000, 40000),
        training=0.06,
        inference=0.05,
        bounds_source=f"{JUDGEMENT}: 10 to 200 people per km²",
        priced_or_limited="no",
        why="people who would hear, see and share roads and water with it",
    ),
    Entry(
        "airport_distance",
        "airports",
        lambda layer: Nearest(layer),
        Rising(1.6, 6.1),
        training=0.02,
        inference=0.02,
        bounds_source="6.1 km (20,000 ft): construction nearer than this may need "
        f"notice under 14 CFR 77.9(b)(1); 1.6 km {JUDGEMENT}",
        priced_or_limited="no",
        why="obstacle rules and crash risk near runways",
    ),
    Entry(
        "peak_heat",
        "t_max",
        lambda layer: Sample(layer, reach_km=CELL_REACH_KM),
        Falling(36, 48),
        training=0.05,
        inference=0.05,
        bounds_source=f"{JUDGEMENT}: the range of the nine-year hottest hours over "
        "the contiguous US",
        priced_or_limited="the annual PUE is priced",
        why="the hottest hours cut capacity and strain the grid; the mean does not "
        "tell them",
    ),
    Entry(
        "design_wind",
        "design_wind",
        lambda layer: Sample(layer, reach_km=CELL_REACH_KM),
        Falling(34, 50),
        training=0.04,
        inference=0.05,
        bounds_source=f"{JUDGEMENT}: from the interior's to a hurricane coast's "
        "25-year wind in ASCE 7-16",
        priced_or_limited="no",
        why="storm outages; the only hazard map of the bundle",
    ),
    Entry(
        "town_services",
        "cities",
        lambda layer: Nearest(layer, where="population >= 10000"),
        Falling(15, 60),
        training=0.02,
        inference=0.0,
        bounds_source=f"{JUDGEMENT}: from next to a town to an hour's drive",
        priced_or_limited="no",
        why="housing, hospital, fire service and trades for a site in the open",
    ),
)


def training(layers: Layers) -> tuple[Criterion, ...]:
    """Return criteria for campuses that train models: power, water, builders.

    Parameters
    ----------
    layers : mapping of str to layer
        As `datasets.load_all` gives; only geometry of the candidates is needed.

    Returns
    -------
    tuple of Criterion
        With weights that sum to one; `table` shows every bound and its source.

    Raises
    ------
    StudyError
        If a layer is missing.

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> criteria = training(datasets.load_all("Rhode Island"))
    >>> len(criteria), round(sum(c.weight for c in criteria), 9)
    (13, 1.0)
    """
    return _built("training", layers)


def inference(layers: Layers) -> tuple[Criterion, ...]:
    """Return criteria for sites that answer people: carriers, latency, power.

    Parameters
    ----------
    layers : mapping of str to layer
        As `datasets.load_all` gives; only geometry of the candidates is needed.

    Returns
    -------
    tuple of Criterion
        With weights that sum to one; `table` shows every bound and its source.

    Raises
    ------
    StudyError
        If a layer is missing.

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> criteria = inference(datasets.load_all("Rhode Island"))
    >>> max(criteria, key=lambda c: c.weight).name
    'fiber_carriers'
    """
    return _built("inference", layers)


def exclusions(layers: Layers) -> tuple[Exclusion, ...]:
    """Return the exclusions that go with the presets, by geometry alone.

    - ``lake``: in a lake or within 0.5 km of one (judgement);
    - ``airport``: within 3 km of an airport's reference point (judgement);
    - ``dense urban``: more than 121,000 people within 10 km, which is 1,000 per
      square mile, the core density of an urban area in the Census Bureau's 2010
      criteria (Federal Register 76 FR 53030, 2011);
    - ``no residents``: nobody within 20 km (judgement): no services, no staff.

    Parameters
    ----------
    layers : mapping of str to layer
        With ``lakes``, ``airports`` and ``population_points``.

    Returns
    -------
    tuple of Exclusion

    Raises
    ------
    StudyError
        If a layer is missing.

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> [rule.name for rule in exclusions(datasets.load_all("Rhode Island"))]
    ['lake', 'airport', 'dense urban', 'no residents']
    """
    people = _layer(layers, "population_points", "exclusions")
    return (
        Near(_layer(layers, "lakes", "exclusions"), km=0.5, name="lake"),
        Near(_layer(layers, "airports", "exclusions"), km=3, name="airport"),
        Where(
            Within(people, radius_km=10, sum="population", skip_missing=True),
            above=121_000,
            name="dense urban",
        ),
        Where(
            Within(people, radius_km=20, sum="population", skip_missing=True),
            below=1,
            name="no residents",
        ),
    )


def table() -> pd.DataFrame:
    """Return every criterion of the presets with its figures and their sources.

    Returns
    -------
    pandas.DataFrame
        One row per criterion: ``layer``, weights in ``training`` and
        ``inference`` [-] (0: not in that preset), ``value`` (function and
        bounds), ``bounds_source``, ``weight_source``, ``priced_or_limited``
        (whether the program counts it another way too), ``why``.

    Examples
    --------
    >>> rows = table()
    >>> bool(rows["bounds_source"].str.len().gt(0).all())
    True
    """
    rows = [
        {
            "criterion": entry.name,
            "layer": entry.layer,
            "training": entry.training,
            "inference": entry.inference,
            "value": repr(entry.value),
            "bounds_source": entry.bounds_source,
            "weight_source": JUDGEMENT,
            "priced_or_limited": entry.priced_or_limited,
            "why": entry.why,
        }
        for entry in _ENTRIES
    ]
    return pd.DataFrame(rows).set_index("criterion")


def _built(preset: str, layers: Layers) -> tuple[Criterion, ...]:
    """Build the criteria of positive weight."""
    return tuple(
        Criterion(
            entry.name,
            entry.build(_layer(layers, entry.layer, preset)),
            entry.value,
            weight=getattr(entry, preset),
        )
        for entry in _ENTRIES
        if getattr(entry, preset) > 0
    )


def _layer(layers: Layers, name: str, preset: str) -> Any:
    """Look a layer up, or say which is missing."""
    if name not in layers:
        raise StudyError(
            four_parts(
                f"presets.{preset}(layers) reads layer {name!r}",
                f"it is missing.{nearest_name(name, layers)}",
                f"there are {shown(layers, 12) or 'no layers'}",
                "load all layers with datasets.load_all(area)",
            )
        )
    return layers[name]


def _as_points(layer: Any) -> Any:
    """Counties as a point each, so that each is in reach or not."""
    points = layer.copy()
    points[points.geometry.name] = spatial.points_of(layer).to_crs(layer.crs)
    # Whoever stores the criterion must not find the polygons under this name.
    notes = points.attrs.get("siteselect", {})
    points.attrs["siteselect"] = {**notes, "is_changed": True}
    return points
