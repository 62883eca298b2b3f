"""Measurements, exclusions and gates as plain records, and back.

A record is what JSON and TOML hold: ``kind`` names the class, the other keys are
its arguments, a layer stands under its name. What an argument may be is read off
the annotation of the dataclass; there is no second list of keys to keep in step.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Set,
)
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from siteselect.errors import (
    SiteSelectError,
    StudyError,
    all_of,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers import Raster, layer_info
from siteselect.suitability.aggregation import Aggregate
from siteselect.suitability.contiguous import MinArea
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
from siteselect.suitability.measures import (
    Aspect,
    At,
    Column,
    CoveredShare,
    EnergisedBy,
    Latency,
    Length,
    Measurement,
    Nearest,
    Sample,
    Slope,
    Travel,
    Within,
    Zonal,
)
from siteselect.suitability.queries import function_name
from siteselect.suitability.records import class_of
from siteselect.suitability.sameness import listed
from siteselect.suitability.value_function import ValueFunction, plain

Layers: TypeAlias = Mapping[str, Any]
#: Classes of the user's own that a record may name.
Own: TypeAlias = Iterable[type[Any]]

#: Every measurement and every exclusion of the room.
MEASUREMENTS: tuple[type[Measurement], ...] = (
    Aspect,
    At,
    Column,
    CoveredShare,
    EnergisedBy,
    Latency,
    Length,
    Nearest,
    Sample,
    Slope,
    Travel,
    Within,
    Zonal,
)
EXCLUSIONS: tuple[type[Exclusion], ...] = (
    AllOf,
    AnyOf,
    Inside,
    Keep,
    MinArea,
    Near,
    Not,
    Where,
)
#: What a record says where an argument is none, though its default is not.
NONE = False

__all__ = [
    "EXCLUSIONS",
    "MEASUREMENTS",
    "Layers",
    "Own",
    "arguments_of",
    "check_keys",
    "check_plain",
    "gathered",
    "made_of",
    "part_of",
    "placed",
    "record_of",
    "refuse_deep",
]


# ---------------------------------------------------------------- writing a record


def record_of(part: Any, layers: Layers | None, what: str) -> dict[str, Any]:
    """Return a measurement, value function or exclusion as a record.

    ``layers`` finds the name of a layer by the layer itself; without it, the layer
    says its own. ``what`` names the part in messages.
    """
    has_fields = is_dataclass(part)
    if isinstance(part, (ValueFunction, Aggregate)) and has_fields:
        return part.describe()
    if not isinstance(part, (Measurement, Exclusion)) or not has_fields:
        raise StudyError(
            four_parts(
                f"{what} was to be stored",
                f"found a function or class of your own, {function_name(part)!r}: "
                "code cannot be stored",
                "allowed are the library's own, such as Nearest(layer), Rising(a, b) "
                "and Near(layer, km=1)",
                "store what it returns as a column of the candidates, and read that: "
                "Column('name')",
            )
        )
    kind = type(part).__name__
    return {"kind": kind} | arguments_of(part, layers, f"{what} ({kind})")


def arguments_of(part: Any, layers: Layers | None, what: str) -> dict[str, Any]:
    """Return the arguments of a dataclass that are not at their default."""
    found: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if _is_default(field, value) or (
            field.name == "name" and isinstance(part, Exclusion) and _is_made_up(part)
        ):
            continue
        found[field.name] = _plainly(value, layers, what, field)
    return found


def _is_default(field: Field[Any], value: Any) -> bool:
    """Return True where leaving the argument out gives the same."""
    default = field.default
    if value is None or isinstance(value, bool) or isinstance(default, bool):
        return value is default
    simple = isinstance(value, (str, int, float)) and default is not MISSING
    return simple and default is not None and bool(value == default)


def _is_made_up(rule: Exclusion) -> bool:
    """Return True where the rule would get the same name if it had none."""
    # The record lists a set in an order of its own, and so must the name.
    changed = {
        field.name: listed(value)
        for field in fields(rule)  # type: ignore[arg-type]
        if isinstance(value := getattr(rule, field.name), Set)
    }
    again: Any = replace(rule, name="", **changed)  # type: ignore[type-var]
    return bool(again.name == rule.name)


def _plainly(
    value: Any, layers: Layers | None, what: str, field: Field[Any] | None
) -> Any:
    """Return an argument in plain types."""
    if value is None and field is not None:
        return NONE
    if isinstance(value, (Measurement, Exclusion)):
        return record_of(value, layers, what)
    if isinstance(value, (pd.DataFrame, Raster)):
        return _name_of(value, layers, what)
    if isinstance(value, pd.Series):
        if field is None or "Mapping" not in str(field.type):
            raise _unstorable(
                what,
                f"a Series of {len(value)} figures",
                "make it a column of the candidates, and name that",
            )
        value = value.to_dict()
    value = plain(value)
    if isinstance(value, Mapping):
        odd = [key for key in value if not isinstance(key, str)]
        if odd:
            raise _unstorable(
                what,
                f"labels that are no text: {shown(map(repr, odd))}",
                "turn the labels into text",
            )
        return {k: _plainly(v, layers, what, None) for k, v in value.items()}
    if isinstance(value, Set):
        value = listed(value)
    if isinstance(value, (list, tuple, np.ndarray, pd.Index)):
        return [_plainly(plain(item), layers, what, None) for item in value]
    if isinstance(value, (str, bool, int, float)):
        return value
    if callable(value):
        mend = (
            "write a filter as text, e.g. where='voltage_kv >= 345', and store what "
            "another function returns as a column of the candidates"
        )
        name = function_name(value)
        raise _unstorable(what, f"a function of your own, {name!r}", mend)
    raise _unstorable(what, said(value), "give it as text or as a number")


def _unstorable(what: str, found: str, mend: str) -> StudyError:
    return StudyError(
        four_parts(
            f"{what} was to be stored",
            f"found {found}",
            "allowed are texts, numbers, true, false, lists and tables of them, and "
            "layers by name",
            mend,
        )
    )


def _name_of(layer: Any, layers: Layers | None, what: str) -> str:
    """Return the name under which a layer is found again."""
    own = layer_info(layer).name
    if layers is not None:
        for name, other in layers.items():
            are_rasters = isinstance(layer, Raster) and isinstance(other, Raster)
            if other is layer or (are_rasters and other == layer):
                return name
        raise StudyError(
            four_parts(
                f"{what} was to be stored with the name of its layer",
                f"its layer (it calls itself {own!r}) is none of those given",
                f"allowed are {shown(layers, 12)}",
                "put it among them, e.g. layers = {**layers, 'mine': layer}",
            )
        )
    notes = getattr(layer, "attrs", {}).get("siteselect", {})
    if own == layer_info(None).name or notes.get("is_changed"):
        raise StudyError(
            four_parts(
                f"{what} was to be stored with the name of its layer",
                f"its layer is a changed {own!r}"
                if notes.get("is_changed")
                else "its layer has no name",
                "allowed are layers with a name, or a mapping of names to layers",
                "pass the mapping: to_dict(layers={'mine': layer})",
            )
        )
    return own


# ---------------------------------------------------------------- reading a record


def part_of(record: Any, word: str, layers: Layers, what: str, own: Own = ()) -> Any:
    """Return the measurement or exclusion that a record describes.

    ``word`` says which of them is wanted: ``"Measurement"``, ``"Rule"``, or
    ``"Asked"`` for either. ``what`` says where in the file the record is.
    """
    own = tuple(own)
    made = class_of(record, _kinds(word, own), what, "", mend=_EXAMPLES[word])
    given = {key: record[key] for key in record if key != "kind"}
    return made_of(made, given, layers, what, own)


def made_of(
    made: type[Any], given: Mapping[str, Any], layers: Layers, what: str, own: Own = ()
) -> Any:
    """Return an object of a class from its arguments in plain types."""
    known = {field.name: field for field in fields(made) if field.init}
    needed = [
        key
        for key, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    ]
    own = tuple(own)
    arguments: dict[str, Any] = {}
    wrong: list[SiteSelectError] = []
    with gathered(wrong):
        check_keys(given, known, needed, f"{what}: {made.__name__}", _help(made))
    for key in [k for k in given if k in known] if isinstance(given, Mapping) else ():
        with gathered(wrong):
            arguments[key] = _argument(made, known[key], given[key], layers, what, own)
    if wrong:
        raise all_of(wrong)
    with placed(what):
        return made(**arguments)


def check_keys(
    record: object,
    known: Collection[str],
    needed: Collection[str],
    what: str,
    mend: str = "",
) -> None:
    """Refuse what is no table, a key that is unknown, and one that is missing."""
    if not isinstance(record, Mapping):
        found = [said(record)]
    else:
        found = [
            *(
                f"the unknown key {key!r}.{nearest_name(str(key), known)}"
                for key in record
                if key not in known
            ),
            *(f"no {key!r}" for key in needed if key not in record),
        ]
    if found:
        must = f"; {shown(needed)} must be there" if needed else ""
        raise StudyError(
            four_parts(
                f"{what} is a table of keys",
                f"found {shown(found)}",
                f"allowed are {shown(known, 20)}{must}",
                mend or "correct the key, or leave it out",
            )
        )


def check_plain(
    record: Mapping[str, Any], key: str, kind: type[Any], what: str
) -> None:
    """Refuse the value of a key that is not of a plain type."""
    fits, words = _FITS[kind.__name__]
    if key in record and not fits(record[key]):
        raise StudyError(
            four_parts(
                f"{what} takes a key {key!r}",
                f"found {key} = {said(record[key])}",
                f"allowed is {words}",
                "correct it, or leave it out",
            )
        )


#: So deep may tables and lists stand in one another; no part of a study goes to ten.
DEEPEST = 64


def refuse_deep(record: Any, what: str) -> None:
    """Refuse tables and lists nested without end, before they are walked through.

    Examples
    --------
    >>> refuse_deep({"a": [{"b": 1}]}, "A study")
    """
    level, depth = [("", record)], 0
    while level:
        inner: list[tuple[str, Any]] = []
        for top, part in level:
            if isinstance(part, Mapping):
                inner += [(top or str(key), value) for key, value in part.items()]
            elif isinstance(part, (list, tuple)):
                inner += [(top, value) for value in part]
        depth += 1
        if inner and depth > DEEPEST:
            raise StudyError(
                four_parts(
                    f"{what} holds tables and lists within one another",
                    f"found over {DEEPEST} of them, one in another"
                    + f", under {said(inner[0][0])}" * bool(inner[0][0]),
                    f"allowed are {DEEPEST} at most",
                    "take out what was nested by mistake",
                )
            )
        # What stands in many places is looked at once.
        level = list({id(value): (top, value) for top, value in inner}.values())


@contextmanager
def placed(what: str) -> Iterator[None]:
    """Say before a message where in the file it happened."""
    try:
        yield
    except SiteSelectError as error:
        if str(error).startswith(what):
            raise
        again = type(error)(f"{what}: {error}")
        if isinstance(again, StudyError):
            several = getattr(error, "mistakes", ())
            again.mistakes = tuple(f"{what}: {one}" for one in several)
        raise again from error


@contextmanager
def gathered(wrong: list[SiteSelectError]) -> Iterator[None]:
    """Keep what is wrong instead of ending there."""
    try:
        yield
    except SiteSelectError as error:
        wrong.append(error)


def _is(*kinds: type[Any]) -> Callable[[Any], bool]:
    """Return a test for plain types; true and false are no numbers."""
    return lambda value: (
        isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    )


#: A word of an annotation: what of a file fits it, and how to say so.
_FITS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "float": (_is(int, float), "a number"),
    "int": (_is(int), "a whole number"),
    "bool": (_is(bool), "true or false"),
    "str": (_is(str), "a text"),
    "None": (lambda value: value is NONE, "false for none"),
    "Filter": (_is(str, dict), "a comparison as text or a table column = value"),
    "Mapping": (_is(dict), "a table"),
    "Sequence": (_is(list), "a list"),
    "Collection": (_is(list), "a list"),
    "gpd.GeoDataFrame": (_is(str), "the name of a layer"),
    "Raster": (_is(str), "the name of a raster"),
    "pd.DataFrame": (_is(str), "the name of a table"),
    "pd.Series": (lambda value: False, ""),
    "Measurement": (_is(dict), "a table with its kind"),
    "Rule": (_is(dict), "a table with its kind"),
    "Asked": (_is(dict), "a table with its kind"),
    "object": (lambda value: True, "any value"),
    "Any": (lambda value: True, "any value"),
}
_LAYERS = ("gpd.GeoDataFrame", "Raster", "pd.DataFrame")
_EXAMPLES: Mapping[str, str] = {
    "Measurement": "write for instance {kind = 'Nearest', layer = 'fiber'}",
    "Rule": "write for instance {kind = 'Near', layer = 'lakes', km = 0.5}",
    "Asked": "write for instance {kind = 'Column', source = 'slope_pct'}",
}


def _kinds(word: str, own: tuple[type[Any], ...]) -> tuple[type[Any], ...]:
    """Return the classes that a record in the place of a word may name."""
    base, kinds = {
        "Measurement": ((Measurement,), MEASUREMENTS),
        "Rule": ((Exclusion,), EXCLUSIONS),
        "Asked": ((Measurement, Exclusion), (*MEASUREMENTS, *EXCLUSIONS)),
    }[word]
    return (*kinds, *(made for made in own if issubclass(made, base)))


def _argument(
    made: type[Any],
    field: Field[Any],
    value: Any,
    layers: Layers,
    what: str,
    own: tuple[type[Any], ...],
) -> Any:
    """Return one argument as the class takes it, or say what it takes."""
    words = [_split(word) for word in _annotation(field).split("|")]
    for head, inner in words:
        if _FITS.get(head, _FITS["Any"])[0](value) and _items_fit(inner, value):
            break
    else:
        allowed = [
            _FITS.get(head, _FITS["Any"])[1] + _ITEMS.get(inner, "")
            for head, inner in words
        ]
        raise StudyError(
            four_parts(
                f"{what}: {made.__name__} takes a key {field.name!r}",
                f"found {field.name} = {said(value)}",
                f"allowed is {' or '.join(filter(None, dict.fromkeys(allowed)))}",
                _help(made),
            )
        )
    where = f"{what}, {field.name}"
    if head == "None":
        return None
    if head in _LAYERS:
        return _layer(layers, str(value), field.name, f"{what}: {made.__name__}")
    if head in _EXAMPLES:
        return part_of(value, head, layers, where, own)
    if inner in _EXAMPLES:
        return [
            part_of(item, inner, layers, f"{where} {i}", own)
            for i, item in enumerate(value, start=1)
        ]
    if head in ("Any", "object") and isinstance(value, dict):
        return part_of(value, "Rule", layers, where, own)
    return value


#: Words within brackets: what is said of the items of a list.
_ITEMS = {"float": " of numbers", "Rule": " of tables with their kind"}


def _items_fit(inner: str, value: Any) -> bool:
    """Return whether the items of a list are what the annotation says."""
    fits = _FITS.get(inner, _FITS["Any"])[0]
    return not isinstance(value, list) or all(fits(item) for item in value)


def _layer(layers: Layers, name: str, key: str, what: str) -> Any:
    if name in layers:
        return layers[name]
    raise StudyError(
        four_parts(
            f"{what} reads layer {name!r}",
            f"found no layer of this name.{nearest_name(name, layers)}",
            f"allowed are {shown(layers, 12)}"
            if layers
            else "allowed are the layers that are given; there are none",
            f"correct {key}, or add the layer: layers={{{name!r}: frame}}",
        )
    )


def _help(made: type[Any]) -> str:
    """Say where the arguments of a class are explained."""
    return f"see help({made.__name__})"


def _annotation(field: Field[Any]) -> str:
    """Return what a field takes, as text."""
    kind: Any = field.type
    return kind if isinstance(kind, str) else str(getattr(kind, "__name__", kind))


def _split(word: str) -> tuple[str, str]:
    """Split ``"Sequence[float]"`` into its two words."""
    head, _, rest = word.strip().partition("[")
    return head, rest.removesuffix("]")
