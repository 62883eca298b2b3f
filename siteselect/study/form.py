"""What a study may say: every key, what it takes, and which names there are.

Keys are read off the functions and classes that take them.
"""

from __future__ import annotations

import datetime
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from siteselect.errors import (
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.infrastructure import Fleet, prepare
from siteselect.infrastructure.climate_cooling import cooling_systems
from siteselect.layers import datasets, read_layer
from siteselect.study.checks import (
    COUNT,
    is_bool,
    is_number,
    is_text,
    is_texts,
    note_unknown,
    note_value,
)
from siteselect.study.form_plan import check_plan
from siteselect.study.form_supply import check_parameters, check_supply
from siteselect.study.lines import Place
from siteselect.study.mistakes import Mistakes, leaves, named
from siteselect.study.parts import arguments_of
from siteselect.suitability import (
    Criterion,
    Gate,
    grid_candidates,
    parcel_candidates,
    presets,
    substation_candidates,
)
from siteselect.suitability.records import aggregate_from_dict
from siteselect.suitability.stored import part_of, refuse_deep
from siteselect.suitability.stored_weights import weights_from_dict

__all__ = ["SECTIONS", "check"]

#: What `read_layer` is not told by a file.
_NOT_OF_LAYER = ("source", "area", "name", "required", "geometry_type", "bands")
PRESETS = ("inference", "training")
#: Suffixes of sites and of maps.
SITES = (".csv", ".geojson", ".gpkg", ".json", ".parquet")
MAPS = (".pdf", ".png", ".svg")

#: Each section: what it is in a sentence, and how to write it.
SECTIONS: Mapping[str, str] = {
    "title": "title = 'Two campuses in Texas'",
    "area": "area = ['OR', 'WA']",
    "candidates": "spacing_km = 20 under [candidates]",
    "layers": "parcels = 'parcels.gpkg' under [layers]",
    "prepare": "prepare = true",
    "supply": "cfe = 0.7 under [supply]",
    "preset": "preset = 'training'",
    "criteria": "[[criteria]] above each",
    "exclude": "[[exclude]] above each",
    "gates": "[[gates]] above each",
    "weights": "kind = 'rank_weights' under [weights]",
    "aggregate": "kind = 'Minimum' under [aggregate]",
    "fleet": "'GB200 NVL72' = 500 under [fleet]",
    "options": "cooling = true under [options]",
    "plan": "power_mw = [3000, 3000] under [plan]",
    "limits": "[[limits]] above each",
    "outputs": "files = ['sites.csv'] under [outputs]",
}
_LISTS = ("criteria", "exclude", "gates", "limits")
_TEXTS = ("title", "preset")
_TABLES = ("candidates", "fleet", "layers", "options", "outputs", "plan", "supply")


class OnDemand(Mapping[str, Any]):
    """One's own layers, and the bundled ones, which are read when asked for."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._read = dict(own)
        self._names = list(dict.fromkeys([*own, *datasets.layers().index]))

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = datasets.load(name)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def layer_keys() -> tuple[str, ...]:
    """Return what a file of one's own may say of itself."""
    names = inspect.signature(read_layer).parameters
    return ("file", *sorted(name for name in names if name not in _NOT_OF_LAYER))


@cache
def ways_to_candidates() -> Mapping[str, tuple[str, ...]]:
    """Return the key that says where candidates come from, and those beside it."""

    def beside(made: Callable[..., Any], *without: str) -> tuple[str, ...]:
        names = inspect.signature(made).parameters
        return tuple(n for n in names if n not in ("area", *without))

    reading = tuple(k for k in layer_keys() if k != "file")
    return {
        "spacing_km": beside(grid_candidates, "spacing_km"),
        "file": (*reading, *beside(parcel_candidates, "parcels")),
        "substations": beside(substation_candidates, "substations"),
    }


def check(
    record: Mapping[str, Any],
    lines: Mapping[Place, int] | None = None,
    *,
    file: str = "",
    folder: Path = Path(),
) -> None:
    """Refuse a study with everything that is wrong with it.

    Files of one's own are read: whether a column is there, only they tell.
    """
    refuse_deep(record, f"Study file {file!r}" if file else "A study")
    mistakes = Mistakes(record, lines or {})
    note_unknown(mistakes, (), SECTIONS, "The study")
    _finite(mistakes)
    for name, example in SECTIONS.items():
        _shape(mistakes, name, example)
    _area(mistakes)
    _candidates(mistakes)
    layers, unread = _layers(mistakes, folder)
    _scoring(mistakes, layers, unread)
    _models(mistakes, folder)
    check_plan(mistakes, [*layers, *unread])
    _outputs(mistakes)
    mistakes.refuse(file)


def _finite(mistakes: Mistakes) -> None:
    """Note what a study cannot hold wherever it stands: inf, nan, dates."""
    for place, _, value in leaves(mistakes.record):
        odd = isinstance(value, float) and not math.isfinite(value)
        if odd or isinstance(value, (datetime.date, datetime.time)):
            message = four_parts(
                f"{named(place)} is a part of the study",
                f"found {named(place)} = {said(value)}",
                "allowed are texts, finite numbers, true and false",
                "leave out a bound that is none",
            )
            mistakes.note(place, message)


def _shape(mistakes: Mistakes, name: str, example: str) -> None:
    """Note a section that is not the text, list or table it should be."""
    what, mend = f"{name} is a part of the study", f"write for instance {example}"
    if name in _TEXTS:
        note_value(mistakes, (name,), is_text, "a text", what, mend)
    elif name in _TABLES:
        fits = partial(_is_kind, Mapping)
        note_value(mistakes, (name,), fits, "a table", what, mend)
    elif name in _LISTS:
        fits = partial(_is_kind, list)
        note_value(mistakes, (name,), fits, "a list of tables", what, mend)


def _is_kind(kind: type[Any], value: Any) -> bool:
    return isinstance(value, kind)


def _area(mistakes: Mistakes) -> None:
    fits = mistakes.at(("area",))
    if fits is None:
        return
    what = "The area is one or more states"
    mend = "write for instance area = ['OR', 'WA']"
    texts = "a text, or a list of texts"
    if note_value(
        mistakes, ("area",), lambda v: bool(v) and (is_text(v) or is_texts(v)),
        texts, what, mend,
    ):  # fmt: skip
        for i, name in enumerate(fits if isinstance(fits, list) else [fits]):
            place: Place = ("area", i) if isinstance(fits, list) else ("area",)
            with mistakes.of(*place):
                datasets.region(name)


def _candidates(mistakes: Mistakes) -> None:
    asked = mistakes.at(("candidates",))
    if asked is not None and not isinstance(asked, Mapping):
        return
    asked = asked or {}
    ways = ways_to_candidates()
    what = "[candidates]"
    chosen = [way for way in ways if way in asked]
    if len(chosen) != 1:
        found = f"found {' and '.join(chosen)}" if chosen else "found neither"
        message = four_parts(
            "[candidates] says where candidates come from",
            found,
            f"allowed is one of {shown(ways)}: a grid over the area, a file of your "
            "own, or a layer of substations",
            "write for instance spacing_km = 15",
        )
        mistakes.note(("candidates",), message)
    every = [key for way, keys in ways.items() for key in (way, *keys)]
    known = [*chosen, *(key for way in chosen for key in ways[way])] or every
    note_unknown(mistakes, ("candidates",), dict.fromkeys([*known, "prepare"]), what)
    number = (lambda v: is_number(v) and v > 0, "a number over 0")
    for key, (fits, allowed) in {
        "file": (is_text, "a text"),
        "spacing_km": number,
        "min_ha": number,
        "max_ha": number,
        "min_voltage_kv": number,
        "substations": (is_text, "the name of a layer"),
        "prepare": (is_bool, "true or false"),
        "shape": (lambda v: v in ("square", "hex"), "'square' or 'hex'"),
    }.items():
        note_value(mistakes, ("candidates", key), fits, allowed, what)
    if "spacing_km" in asked and mistakes.at(("area",)) is None:
        message = four_parts(
            "A grid of candidates is laid over an area",
            "found no area",
            "allowed are states, by name or postal code",
            "write for instance area = 'Oregon'",
        )
        mistakes.note(("candidates", "spacing_km"), message)


def _layers(mistakes: Mistakes, folder: Path) -> tuple[Mapping[str, Any], set[str]]:
    """Return the layers that can be read, and the names of those that cannot."""
    from siteselect.study import steps

    asked = mistakes.at(("layers",))
    candidates = mistakes.at(("candidates",))
    own: dict[str, Any] = {}
    unread: set[str] = set()
    for name in asked if isinstance(asked, Mapping) else ():
        with mistakes.of("layers", name):
            own[name] = steps.own_layer(name, asked[name], folder)
        if name not in own:
            unread.add(name)
    if isinstance(candidates, Mapping) and isinstance(candidates.get("file"), str):
        with mistakes.of("candidates"):
            steps.own_layer("candidates", steps.reading(candidates), folder)
    return OnDemand(own), unread


def _scoring(mistakes: Mistakes, layers: Mapping[str, Any], unread: set[str]) -> None:
    """Note what is wrong with criteria, exclusions, gates, weights, aggregate."""
    preset = mistakes.at(("preset",))
    if isinstance(preset, str) and preset and preset not in PRESETS:
        message = four_parts(
            "preset names criteria that come with the library",
            f"found preset = {preset!r}.{nearest_name(preset, PRESETS)}",
            f"allowed are {shown(PRESETS)}",
            "write for instance preset = 'training'",
        )
        mistakes.note(("preset",), message)
    makers: Mapping[str, Callable[[Any, int], Any]] = {
        "criteria": lambda item, i: Criterion.from_dict(item, layers),
        "exclude": lambda item, i: part_of(item, "Rule", layers, f"Exclusion {i}"),
        "gates": lambda item, i: Gate.from_dict(item, layers),
    }
    for key, make in makers.items():
        items = mistakes.at((key,))
        names = _names_of(preset) if key == "criteria" else set()
        for i, item in enumerate(items if isinstance(items, list) else ()):
            if unread & set(_texts_in(item)):
                continue  # Its layer cannot be read, which is said already.
            made = partial(_numbered, make, i + 1)
            mistakes.part((key, i), made, {"layer": next(iter(layers), "")})
            name = item.get("name") if isinstance(item, Mapping) else None
            if key != "exclude" and isinstance(name, str) and name in names:
                message = four_parts(
                    f"{key} have names of their own",
                    f"found name = {name!r} twice",
                    "allowed is each name once",
                    "give one of them another name",
                )
                mistakes.note((key, i, "name"), message)
            names.add(str(name))
    criteria = mistakes.at(("criteria",))
    if not preset and not criteria and criteria is not False:
        message = four_parts(
            "A study scores its candidates",
            "found no criteria",
            "allowed is a preset, or tables under [[criteria]]",
            "write for instance preset = 'training'",
        )
        mistakes.note(("criteria",), message)
    if mistakes.at(("weights",)) is not None:
        mistakes.part(("weights",), weights_from_dict)
    if mistakes.at(("aggregate",)) is not None:
        mistakes.part(("aggregate",), aggregate_from_dict)
    _weights_fit(mistakes, layers)


def _names_of(preset: Any) -> set[str]:
    """Return the names of the criteria of a preset."""
    table = presets.table()
    return set(table.index[table[preset] > 0]) if preset in PRESETS else set()


def _numbered(make: Callable[[Any, int], Any], i: int, item: Any) -> Any:
    return make(item, i)


def _texts_in(part: Any) -> Iterable[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, (Mapping, list)):
        for item in part.values() if isinstance(part, Mapping) else part:
            yield from _texts_in(item)


def _weights_fit(mistakes: Mistakes, layers: Mapping[str, Any]) -> None:
    """Note weights that do not belong to the criteria, once these are whole."""
    from siteselect.study import steps

    parts = ("preset", "criteria", "weights", "aggregate", "exclude", "gates")
    if any(place[0] in (*parts, "layers", "area") for place, _ in mistakes.found):
        return
    # Bundled criteria over bundled layers are known to be good.
    told = {"weights", "aggregate", "layers"} & set(mistakes.record)
    if mistakes.at(("preset",)) and not told:
        return
    with mistakes.of("weights" if "weights" in mistakes.record else "criteria"):
        steps.scoring_of(mistakes.record, layers)


def _models(mistakes: Mistakes, folder: Path) -> None:
    """Note what is wrong with what the infrastructure models are told."""
    systems = cooling_systems()
    asked = mistakes.at(("prepare",))
    what = "[prepare]"
    note_value(
        mistakes,
        ("prepare",),
        lambda v: isinstance(v, (bool, Mapping)),
        "true, false or a table",
        "prepare is a part of the study",
        "write for instance prepare = true",
    )
    if isinstance(asked, Mapping):
        known = [k for k in arguments_of(prepare) if k not in ("sites", "layers")]
        note_unknown(mistakes, ("prepare",), known, what)
        _one_of(mistakes, ("prepare", "cooling"), systems, what)
        with mistakes.of("prepare", "parameters"):
            check_parameters(asked.get("parameters"))
    check_supply(mistakes, folder)
    fleet = mistakes.at(("fleet",))
    if isinstance(fleet, Mapping) and fleet:
        # Without a kind that is not known there may be nothing left to look at.
        mistakes.part(("fleet",), lambda counts: Fleet(counts) if counts else None)
    options = mistakes.at(("options",))
    if isinstance(options, Mapping):
        what = "[options]"
        note_unknown(mistakes, ("options",), ["cooling"], what)
        listed = options.get("cooling")
        if isinstance(listed, list):
            for i in range(len(listed)):
                _one_of(mistakes, ("options", "cooling", i), systems, what)
        else:
            note_value(
                mistakes, ("options", "cooling"), is_bool,
                "true, false or a list of cooling systems", what,
            )  # fmt: skip


def _one_of(mistakes: Mistakes, place: Place, known: list[str], what: str) -> None:
    value = mistakes.at(place)
    if value is not None and value not in known:
        message = four_parts(
            f"{what} names a system of cooling",
            f"found {place[-1]} = {said(value)}.{nearest_name(str(value), known)}",
            f"allowed are {shown(known, 20)}",
            f"write for instance {known[0]!r}",
        )
        mistakes.note(place, message)


def _outputs(mistakes: Mistakes) -> None:
    """Note outputs that nothing writes."""
    from siteselect.optimization.asked import whole

    what = "[outputs]"
    known = ("files", "report", "pages", "units", "explorer", "survival", "rng")
    note_unknown(mistakes, ("outputs",), known, what)
    for key in ("report", "explorer"):
        note_value(mistakes, ("outputs", key), is_bool, "true or false", what)
    is_pages = (lambda v: v in ("sites", "candidates"), "'sites' or 'candidates'")
    note_value(mistakes, ("outputs", "pages"), *is_pages, what)
    is_units = (lambda v: v in ("si", "us"), "'si' or 'us'")
    note_value(mistakes, ("outputs", "units"), *is_units, what)
    note_value(mistakes, ("outputs", "rng"), *COUNT, what)
    if note_value(mistakes, ("outputs", "survival"), *COUNT, what):
        with mistakes.of("outputs", "survival"):
            whole(mistakes.at(("outputs", "survival")), "survival", 0, "survival = 50")
    _survival(mistakes)
    files = mistakes.at(("outputs", "files"))
    if note_value(mistakes, ("outputs", "files"), is_texts, "a list of names", what):
        for i in range(len(files)):
            note_value(
                mistakes, ("outputs", "files", i), _is_output,
                f"a plain file name with one of {shown((*SITES, *MAPS), 20)}", what,
            )  # fmt: skip


def _survival(mistakes: Mistakes) -> None:
    """Note a survival of what is not chosen by its score; the search comes first."""
    resolves = mistakes.at(("outputs", "survival"))
    if not (is_number(resolves) and resolves > 0):
        return
    objective = mistakes.at(("plan", "objective"))
    score = mistakes.at(("plan", "score"))
    odd = []
    if objective is not None and objective != "score":
        odd.append(f"found objective = {said(objective)} under [plan]")
    if score is not None and not isinstance(score, str):
        odd.append(f"found score = {said(score)} under [plan], one for all")
    if odd:
        message = four_parts(
            f"survival = {resolves} shakes the weights and layers of the score",
            " and ".join(odd),
            "allowed is a plan whose objective is the score",
            "leave survival out, or write objective = 'score' under [plan]",
        )
        mistakes.note(("outputs", "survival"), message)


def _is_output(name: str) -> bool:
    plain = name == Path(name).name and "\\" not in name and not name.startswith(".")
    return plain and Path(name).suffix.lower() in (*SITES, *MAPS)
