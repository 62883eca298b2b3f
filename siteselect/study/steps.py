"""The steps of a study: layers, candidates, models, scores, the program."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.infrastructure import (
    Fleet,
    cooling_options,
    prepare,
    price_supply,
)
from siteselect.layers import datasets, read_layer
from siteselect.study import sources
from siteselect.study.parts import Data, limit_of
from siteselect.suitability import (
    Criterion,
    Gate,
    Scoring,
    aggregate_from_dict,
    eligibility,
    grid_candidates,
    parcel_candidates,
    presets,
    substation_candidates,
    weights_from_dict,
)
from siteselect.suitability.stored import check_keys, check_plain, part_of, placed

if TYPE_CHECKING:
    from siteselect.optimization import SitePlan

#: The steps of a run in their order.
STEPS = (
    "layers",
    "candidates",
    "prepare",
    "supply",
    "score",
    "optimize",
    "verify",
    "survival",
    "write",
)
_SCORING = ("aggregate", "criteria", "exclude", "gates", "weights")
COUNTED = ("eligible", "excluded", "no_capacity", "unknown")

__all__ = [
    "STEPS",
    "Timer",
    "Walk",
    "labelled",
    "layers_of",
    "own_layer",
    "plain_argument",
    "plan_as_found",
    "plan_of",
    "reading",
    "scoring_of",
    "walk",
]

Record = Mapping[str, Any]
Say = Callable[[str], object]


@dataclass(frozen=True, eq=False)
class Walk:
    """What the steps of a study made, up to the scores.

    Parameters
    ----------
    layers : mapping of str to layer
        Bundled layers and those of one's own.
    sites : geopandas.GeoDataFrame
        Candidates before scoring.
    scoring : Scoring
        Criteria, exclusions, gates, weights.
    scored : geopandas.GeoDataFrame
        Candidates with scores.
    """

    layers: Mapping[str, Any]
    sites: gpd.GeoDataFrame
    scoring: Scoring
    scored: gpd.GeoDataFrame


class Timer:
    """Times steps and says one line for each."""

    def __init__(self, say: Say | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._say = say or (lambda line: None)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step; what is put in the list is told at its end."""
        start = time.perf_counter()
        told: list[str] = []
        yield told
        self.seconds[name] = time.perf_counter() - start
        self._say(f"{name:<10} {self.seconds[name]:5.1f} s  {'; '.join(told)}")


def walk(record: Record, folder: Path, timer: Timer | None = None) -> Walk:
    """Go through a study up to the scores.

    Parameters
    ----------
    record : mapping
        A study that was checked.
    folder : pathlib.Path
        Where its files are.
    timer : Timer, optional
        Is told each step.

    Returns
    -------
    Walk
    """
    timer = timer or Timer()
    with timer.step("layers") as told:
        layers = layers_of(record, folder)
        own = len(record.get("layers", {}))
        told.append(
            f"{len(layers) - own} bundled layers" + (f", {own} own" * bool(own))
        )
    with timer.step("candidates") as told:
        sites = candidates_of(record, folder, layers)
        told.append(f"{len(sites):,} candidates")
        spacing_km = record["candidates"].get("spacing_km")
        if spacing_km:
            told[-1] = f"{len(sites):,} cells of {spacing_km:g} km"
    models = models_of(record)
    if models is not None:
        with timer.step("prepare") as told:
            before = len(sites.columns)
            sites = prepare(sites, layers, **models)
            added = len(sites.columns) - before
            told.append(f"{added} columns: grid, climate, water, carbon, cost")
    if record.get("supply"):
        with timer.step("supply") as told:
            sites = with_supply(sites, record["supply"], layers, folder)
            known = int(sites["supply_lifetime_usd_per_mw"].notna().sum())
            told.append(
                f"{known:,} candidates at a share of {record['supply']['cfe']:g}"
            )
    with timer.step("score") as told:
        scoring = scoring_of(record, layers)
        scored = scoring.score(sites)
        told += _counts(scored, scoring)
    return Walk(layers, sites, scoring, scored)


def _counts(scored: gpd.GeoDataFrame, scoring: Scoring) -> list[str]:
    """Say how many candidates may be chosen, and what takes the others out."""
    counts = eligibility(scored, by="state" if "state" in scored else None)
    every = counts.loc["all", list(COUNTED)].astype(int)
    told = [f"{len(scoring.criteria)} criteria, {len(scoring.exclude)} exclusions"]
    told.append(f"{every['eligible']:,} eligible, {every['excluded']:,} excluded")
    told.append(f"{every['no_capacity']:,} without capacity")
    unknown = f"{every['unknown']:,} unknown"
    if len(counts) > 1:
        worst = counts.drop(index="all")["unknown_share"].max()
        unknown += f", at most {worst:.1%} of any state"
    return [*told, unknown]


# ------------------------------------------------------------- layers, candidates


def layers_of(record: Record, folder: Path) -> dict[str, Any]:
    """Return the bundled layers round the area, and those of one's own."""
    asked = record.get("area")
    if asked is not None:
        near: Any = datasets.region(asked)
    else:
        near = own_layer("candidates", reading(record["candidates"]), folder)
    layers = datasets.load_all(near)
    for name, entry in record.get("layers", {}).items():
        layers[name] = own_layer(name, entry, folder)
    return layers


def own_layer(name: str, entry: Any, folder: Path) -> Any:
    """Read a layer of one's own from a file, or a table with what is known of it."""
    from siteselect.study.form import layer_keys

    what = "[candidates]" if name == "candidates" else f"Layer {name!r}"
    options = {"file": entry} if isinstance(entry, str) else entry
    check_keys(options, layer_keys(), ("file",), what)
    taken = inspect.signature(read_layer).parameters
    for key in options:
        kind = "str" if key == "file" else str(taken[key].annotation)
        for word, plain in (("str", str), ("bool", bool), ("float", float)):
            if kind.split(" | ")[0] == word:
                check_plain(options, key, plain, what)
    units = options.get("units", {})
    if not isinstance(units, Mapping) or not all(
        isinstance(unit, str) for unit in units.values()
    ):
        raise StudyError(
            four_parts(
                f"{what} takes a key 'units'",
                f"found units = {said(units)}",
                "allowed is a table column = unit",
                "write for instance units = { headroom = 'MW' }",
            )
        )
    about: dict[str, Any] = {k: options[k] for k in options if k != "file"}
    file = options["file"]
    # As the study names it: where the study lies is nobody's business, and the same
    # study has the same bytes wherever that is.
    about.setdefault("provenance", Path(file).name if _is_apart(file) else file)
    with placed(what):
        return read_layer(file if "://" in file else folder / file, name=name, **about)


def _is_apart(file: str) -> bool:
    """Return whether a file is named from the root of a disk."""
    return PurePosixPath(file).is_absolute() or PureWindowsPath(file).is_absolute()


def reading(candidates: Record) -> dict[str, Any]:
    """Return of [candidates] what says how to read their file."""
    from siteselect.study.form import layer_keys

    return {key: candidates[key] for key in layer_keys() if key in candidates}


def candidates_of(
    record: Record, folder: Path, layers: Mapping[str, Any]
) -> gpd.GeoDataFrame:
    """Return the candidates that a study describes."""
    asked = dict(record["candidates"])
    asked.pop("prepare", None)
    area = datasets.region(record["area"]) if "area" in record else None
    if "spacing_km" in asked:
        if area is None:
            raise AssertionError("a grid without an area was not refused")
        return grid_candidates(area, **asked)
    if "substations" in asked:
        name = asked.pop("substations")
        if name not in layers:
            raise LayerError(
                four_parts(
                    f"[candidates] reads layer {name!r}",
                    f"found no layer of this name.{nearest_name(name, layers)}",
                    f"allowed are {shown(layers, 12)}",
                    "write substations = 'substations'",
                )
            )
        return substation_candidates(layers[name], area=area, **asked)
    sites = own_layer("candidates", reading(asked), folder)
    if not isinstance(sites, gpd.GeoDataFrame):
        raise StudyError(
            four_parts(
                "[candidates] reads a file of places",
                f"found that {said(asked['file'])} holds none",
                "allowed are points, polygons and tables with coordinates",
                "name the columns: x = 'lon' and y = 'lat'",
            )
        )
    bounds = {key: asked[key] for key in ("min_ha", "max_ha") if key in asked}
    return parcel_candidates(sites, **bounds) if bounds else sites


def models_of(record: Record) -> dict[str, Any] | None:
    """Return what the models are told; None where they are not asked."""
    asked = record.get("prepare", record["candidates"].get("prepare", False))
    if isinstance(asked, Mapping):
        return dict(asked)
    return {} if asked else None


def with_supply(
    sites: gpd.GeoDataFrame, asked: Record, layers: Mapping[str, Any], folder: Path
) -> gpd.GeoDataFrame:
    """Return candidates with clean supply in place of grid power in their cost."""
    given = dict(asked)
    layer, files = given.pop("layer", "solar_cf"), given.pop("profiles", None)
    if files is None:
        hours = sources.typical_days(sites, layers, layer)
    else:
        hours = sources.hourly_profiles(sites, files, folder)
    priced = price_supply(sites, hours, **given)
    instead = priced["supply_lifetime_usd_per_mw"] - priced["power_usd_per_mw"]
    whole = priced["lifetime_cost_usd_per_mw"] + instead
    return priced.assign(lifetime_cost_usd_per_mw=whole)


def scoring_of(record: Record, layers: Mapping[str, Any]) -> Scoring:
    """Return the scoring of a study over its layers."""
    preset = record.get("preset", "")
    given = {key: record[key] for key in _SCORING if key in record}
    if not preset:
        return Scoring.from_dict(given, layers)
    criteria: list[Criterion] = list(getattr(presets, preset)(layers))
    criteria += [
        Criterion.from_dict(item, layers) for item in given.get("criteria", ())
    ]
    parts: dict[str, Any] = {
        "exclude": [
            part_of(item, "Rule", layers, f"Exclusion {i}")
            for i, item in enumerate(given.get("exclude", ()), start=1)
        ],
        "gates": [Gate.from_dict(item, layers) for item in given.get("gates", ())],
    }
    if "weights" in given:
        parts["weights"] = weights_from_dict(given["weights"])
    if "aggregate" in given:
        parts["aggregate"] = aggregate_from_dict(given["aggregate"])
    return Scoring(criteria, **parts)


# --------------------------------------------------------------------- the program


def plan_of(record: Record, made: Walk, **changes: Any) -> SitePlan:
    """Choose sites; ``changes`` replace arguments of `optimize_sites`."""
    from siteselect.optimization import optimize_sites

    sites = with_buses(record, made)
    return optimize_sites(sites, **(arguments_of(record, made, sites) | changes))


def plan_as_found(record: Record, made: Walk, then: Mapping[str, Any]) -> SitePlan:
    """Put the plan of a search that was stopped together again, as it was found.

    Parameters
    ----------
    record : mapping
        A study that was checked.
    made : Walk
        What its steps made.
    then : mapping
        What `plan.json` holds: ``solution``, ``status``, ``bound`` and ``solver``.

    Returns
    -------
    SitePlan
    """
    from siteselect.optimization.rebuilt import rebuilt

    sites = with_buses(record, made)
    told = {key: then[key] for key in ("status", "bound", "solver")}
    given = arguments_of(record, made, sites)
    return rebuilt(sites, then["solution"], **told, **given)


def with_buses(record: Record, made: Walk) -> gpd.GeoDataFrame:
    """Return the candidates with a bus, where a limit asks for the bundled network."""
    sites = made.scored
    for item in record.get("limits", ()):
        grid = item.get("network")
        if isinstance(grid, Mapping) and item.get("bus", "bus") not in sites:
            given = limit_of(grid, "argument", "network", {"layers": made.layers})
            return sources.with_buses(sites, given)
    return sites


def arguments_of(record: Record, made: Walk, sites: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the arguments of `optimize_sites` that a study gives."""
    from siteselect.optimization import Deliverable

    data: Data = {"layers": made.layers, "sites": sites}
    found: dict[str, Any] = {}
    for key, value in record.get("plan", {}).items():
        found[key] = _argument(key, value, sites, data)
    fleet = record.get("fleet")
    if fleet:
        # The fleet is the least; what is asked of IT power besides may be more.
        found.setdefault("it_mw", (Fleet(fleet).it_mw, None))
    systems = record.get("options", {}).get("cooling", False)
    if systems:
        names = systems if isinstance(systems, list) else None
        with placed("[options]"):
            found["options"] = cooling_options(sites, names)
    limits = []
    for i, item in enumerate(record.get("limits", ()), start=1):
        what = f"Limit {item.get('name', i)!r}"
        limit = limit_of(item, "limit", what, data)
        if isinstance(limit, Deliverable) and limit.relief is None:
            # Plants may serve a site alone, which then takes nothing off any line.
            limit = limit.without_relief if record.get("supply") else limit
        limits.append(limit)
    found["limits"] = limits
    return found


def _argument(key: str, value: Any, sites: gpd.GeoDataFrame, data: Data) -> Any:
    """Return an argument of `optimize_sites` as it takes it."""
    if isinstance(value, Mapping) and "kind" in value:
        word = "objective" if key == "objective" else "argument"
        return limit_of(value, word, key, data)
    if key == "existing":
        return labelled(value, sites)
    return plain_argument(key, value)


def plain_argument(key: str, value: Any) -> Any:
    """Return an argument of `optimize_sites` that is made of no data."""
    if key in ("power_mw", "it_mw", "budget_usd"):
        return _total(value)
    if key == "site_mw" and isinstance(value, list):
        return [tuple(v) if isinstance(v, list) else v for v in value]
    by_size = ("capacity", "cost_per_mw", "fixed_cost", "site_mw")
    if key in by_size and isinstance(value, Mapping):
        return {_number(size): column for size, column in value.items()}
    return value


def labelled(existing: Mapping[str, Any], sites: gpd.GeoDataFrame) -> dict[Any, Any]:
    """Return what stands by the candidates' own labels; keys of TOML are texts."""
    texts = {str(label): label for label in sites.index}
    return {texts.get(label, label): mw for label, mw in existing.items()}


def _total(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {int(year): _total(bound) for year, bound in value.items()}
    if isinstance(value, list):
        return tuple(None if v is False else v for v in value)
    return value


def _number(text: str) -> float:
    found = float(text)
    return int(found) if found == int(found) else found
