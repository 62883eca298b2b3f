"""Limits and objectives as plain records, and back.

A record is what TOML holds: ``kind`` names the class, the other keys are its
arguments. Classes and keys are those that `siteselect.optimization` has; there is no
second list of them. Where an argument is data, a record says how it is made:
``{ layer = "cities" }`` is a layer, ``{ kind = "nearest_links", ... }`` a call.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

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
from siteselect.study import sources
from siteselect.suitability.records import without_kind
from siteselect.suitability.stored import gathered, placed
from siteselect.suitability.value_function import plain

__all__ = ["Data", "arguments_of", "check_part", "is_data", "limit_of", "record_of"]

#: What calls in a file may read besides their arguments: names as in `sources`.
Data = Mapping[str, Any]


@cache
def limit_classes() -> dict[str, type[Any]]:
    """Return every limit of the optimization room by name."""
    return _classes(lambda made: hasattr(made, "rows") and hasattr(made, "check"))


@cache
def objective_classes() -> dict[str, type[Any]]:
    """Return every objective of the optimization room by name."""
    return _classes(
        lambda made: hasattr(made, "coefficients") and hasattr(made, "value")
    )


@cache
def amount_classes() -> dict[str, type[Any]]:
    """Return what a bound may be besides a number: by year, or when it arrives."""
    from siteselect.optimization import Arriving, ByYear

    return {made.__name__: made for made in (Arriving, ByYear)}


def _classes(fits: Callable[[type[Any]], bool]) -> dict[str, type[Any]]:
    from siteselect import optimization

    found = (getattr(optimization, name) for name in optimization.__all__)
    return {
        made.__name__: made
        for made in found
        if inspect.isclass(made)
        and is_dataclass(made)
        and not getattr(made, "_is_protocol", False)
        and fits(made)
    }


def makers_of(word: str) -> dict[str, Callable[..., Any]]:
    """Return what a record in the place of a word may name."""
    if word == "limit":
        return dict(limit_classes())
    if word == "objective":
        return dict(objective_classes())
    calls = {made.__name__: made for made in sources.MAKERS}
    return {**amount_classes(), **objective_classes(), **calls}


# ---------------------------------------------------------------- reading a record


def is_data(value: Any) -> bool:
    """Return whether a value, or something in it, is made from data."""
    if isinstance(value, Mapping):
        kinds = {made.__name__ for made in sources.MAKERS}
        kind = value.get("kind")
        if _is_layer(value) or (isinstance(kind, str) and kind in kinds):
            return True
        return any(map(is_data, value.values()))
    return isinstance(value, (list, tuple)) and any(map(is_data, value))


def check_part(record: Any, word: str, what: str, layers: Iterable[str]) -> None:
    """Refuse a record that cannot be made, as far as that shows without data."""
    made, given = _class_and_arguments(record, word, what)
    if is_data(given):
        for key, value in given.items():
            _check_data(value, f"{what}, {key}", layers)
    else:
        _made(made, given, {}, what)


def limit_of(record: Mapping[str, Any], word: str, what: str, data: Data) -> Any:
    """Return the limit or objective that a record describes."""
    return _made(*_class_and_arguments(record, word, what), data, what)


def _is_layer(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) in ({"layer"}, {"layer", "where"})


def _class_and_arguments(
    record: Any, word: str, what: str
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return what a record names and the arguments it gives, both checked by name."""
    known = makers_of(word)
    kind = record.get("kind") if isinstance(record, Mapping) else None
    if not isinstance(kind, str) or kind not in known:
        found = without_kind(record)
        if kind is not None:
            found = f"found kind = {kind!r}.{nearest_name(str(kind), known)}"
        raise StudyError(
            four_parts(
                f"{what} is read from a table with its kind",
                found,
                f"allowed kinds are {shown(known, 40)}",
                f"write for instance kind = {next(iter(known))!r}",
            )
        )
    made = known[kind]
    given = {key: record[key] for key in record if key != "kind"}
    arguments = arguments_of(made)
    wrong: list[SiteSelectError] = []
    for key in given:
        if key not in arguments:
            wrong.append(
                StudyError(
                    four_parts(
                        f"{what}: {kind} takes {shown(arguments, 20)}",
                        f"found the unknown key {key!r}.{nearest_name(key, arguments)}",
                        f"allowed are {shown(arguments, 20)}",
                        "correct the key, or leave it out",
                    )
                )
            )
    missing = [k for k, needed in arguments.items() if needed and k not in given]
    if missing:
        wrong.append(
            StudyError(
                four_parts(
                    f"{what}: {kind} needs {shown(missing)}",
                    "found " + shown([f"no {key!r}" for key in missing]),
                    f"allowed are {shown(arguments, 20)}",
                    f"see help({kind})",
                )
            )
        )
    for key, value in given.items():
        if key in arguments:
            with gathered(wrong):
                _check_plainly(made, key, value, f"{what}: {kind}")
    if wrong:
        raise all_of(wrong)
    return made, given


def arguments_of(made: Callable[..., Any]) -> dict[str, bool]:
    """Return what a class or function takes from a file, and whether it needs it."""
    found = {}
    for name, parameter in inspect.signature(made).parameters.items():
        if name in given_to(made):
            continue
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        found[name] = not many and parameter.default is inspect.Parameter.empty
    return found


def given_to(made: Callable[..., Any]) -> list[str]:
    """Return the arguments of a call that the study itself gives."""
    if made not in sources.MAKERS:
        return []
    return [n for n in inspect.signature(made).parameters if n in sources.GIVEN]


#: Words of annotations that say what of a file fits.
_IS_NUMBER = {"float", "int", "Quantity", "Bound", "Sized", "Any", "object"}
_IS_TEXT = {"str", "Quantity", "Bound", "Sized", "Any", "object"}
_IS_LIST = {"Sequence", "Iterable", "tuple", "list", "Any", "object"}
_IS_TABLE = {"Mapping", "Bound", "Sized", "Any", "object"}
_IS_ANY = {"Any", "object"}
_DATA = {"Network", "Profiles", "pd.DataFrame", "gpd.GeoDataFrame", "gpd.GeoSeries"}


def _check_plainly(made: Callable[..., Any], key: str, value: Any, what: str) -> None:
    """Refuse a value that is not of a kind that an argument takes."""
    words = annotation_words(made, key)
    if "Literal" in words:
        _check_literal(made, key, value, what)
        return
    is_call = isinstance(value, Mapping) and ("kind" in value or _is_layer(value))
    fits = (
        not words
        or bool(words & _IS_ANY)
        or (isinstance(value, bool) and "bool" in words)
        or (value is False and "None" in words)
        or (_is_number(value) and bool(words & _IS_NUMBER))
        or (isinstance(value, str) and bool(words & _IS_TEXT))
        or (isinstance(value, list) and bool(words & _IS_LIST))
        or (isinstance(value, Mapping) and bool(words & _IS_TABLE))
        or (is_call and bool(words & (_DATA | set(amount_classes()))))
    )
    if not fits:
        allowed = [
            text
            for text, known in (
                ("a number", _IS_NUMBER),
                ("a text", _IS_TEXT),
                ("a list", _IS_LIST),
                ("a table", _IS_TABLE),
                ("true or false", {"bool"}),
                ("{ layer = 'name' } or a table with its kind", _DATA),
            )
            if words & known
        ]
        raise StudyError(
            four_parts(
                f"{what} takes a key {key!r}",
                f"found {key} = {said(value)}",
                f"allowed is {' or '.join(allowed)}",
                f"see help({made.__name__})",
            )
        )


def _check_literal(made: Callable[..., Any], key: str, value: Any, what: str) -> None:
    """Refuse a text that is none of those that an argument may be."""
    text = str(inspect.signature(made).parameters[key].annotation)
    known = ast.literal_eval(text[text.index("[") :])
    if value not in known:
        raise StudyError(
            four_parts(
                f"{what} takes a key {key!r}",
                f"found {key} = {said(value)}.{nearest_name(str(value), known)}",
                f"allowed are {shown(map(repr, filter(None, known)))}",
                f"see help({made.__name__})",
            )
        )


def annotation_words(made: Callable[..., Any], key: str) -> set[str]:
    """Return the words of an argument's annotation, without what is in brackets.

    Examples
    --------
    >>> from siteselect.optimization import Average
    >>> sorted(annotation_words(Average, "at_most"))
    ['ByYear', 'None', 'float']
    """
    kind = inspect.signature(made).parameters[key].annotation
    text = kind if isinstance(kind, str) else getattr(kind, "__name__", "Any")
    if text is inspect.Parameter.empty or text == "_empty":
        return set()
    return {word.strip().partition("[")[0] for word in _outside(text).split("|")}


def _outside(text: str) -> str:
    """Drop what stands within brackets."""
    kept, depth = [], 0
    for letter in text:
        depth += letter == "["
        kept.append(letter if not depth else "")
        depth -= letter == "]"
    return "".join(kept)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_data(value: Any, what: str, layers: Iterable[str]) -> None:
    """Refuse calls and layers that are not known, wherever they stand."""
    if _is_layer(value):
        known = list(layers)
        if value["layer"] not in known:
            raise StudyError(
                four_parts(
                    f"{what} reads layer {said(value['layer'])}",
                    "found no layer of this name."
                    f"{nearest_name(str(value['layer']), known)}",
                    f"allowed are {shown(known, 40)}",
                    "correct the name, or add the file under [layers]",
                )
            )
    elif isinstance(value, Mapping) and "kind" in value:
        _, given = _class_and_arguments(value, "argument", what)
        for key, item in given.items():
            _check_data(item, f"{what}, {key}", layers)
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_data(item, what, layers)


def _made(
    made: Callable[..., Any], given: Mapping[str, Any], data: Data, what: str
) -> Any:
    """Call a class or function with the arguments of a record."""
    parameters = inspect.signature(made).parameters
    arguments: dict[str, Any] = {}
    spread: list[Any] = []
    for key, value in given.items():
        words = annotation_words(made, key)
        found = _value(value, words, data, f"{what}, {key}")
        if parameters[key].kind is inspect.Parameter.VAR_POSITIONAL:
            spread = found
        else:
            arguments[key] = found
    for key in given_to(made):
        arguments[key] = data[key]
    with placed(what):
        return made(*spread, **arguments)


def _value(value: Any, words: set[str], data: Data, what: str) -> Any:
    """Return an argument as the class takes it."""
    if value is False and "None" in words and "bool" not in words:
        return None
    if _is_layer(value):
        return sources.layer_of(value, data["layers"], what)
    if isinstance(value, Mapping) and "kind" in value:
        return limit_of(value, "argument", what, data)
    if isinstance(value, Mapping):
        found = {k: _value(v, _IS_ANY, data, f"{what}, {k}") for k, v in value.items()}
        years = words <= {"Mapping"} and all(k.isdecimal() for k in found)
        return {int(k): v for k, v in found.items()} if years and found else found
    if isinstance(value, list):
        return [_value(v, _IS_ANY, data, what) for v in value]
    return value


# ---------------------------------------------------------------- writing a record


def record_of(part: Any, what: str) -> dict[str, Any]:
    """Return a limit or objective as a record.

    Raises
    ------
    StudyError
        It is of a class of the user's own, or holds data; both have no record.
    """
    kind = type(part).__name__
    known = {**limit_classes(), **objective_classes(), **amount_classes()}
    if known.get(kind) is not type(part):
        raise StudyError(
            four_parts(
                f"{what} was to be stored",
                f"found a class of your own, {kind!r}: code cannot be stored",
                f"allowed are {shown(known, 40)}",
                "give it to optimize_sites in Python",
            )
        )
    record: dict[str, Any] = {"kind": kind}
    taken = arguments_of(type(part))
    for one in fields(part):
        value = getattr(part, one.name)
        if one.name in taken and not _is_default(one.default, value):
            record[one.name] = plainly(value, f"{what} ({kind}), {one.name}")
    return record


def _is_default(default: Any, value: Any) -> bool:
    if default is MISSING:
        return False
    if value is None or default is None or isinstance(value, bool):
        return value is default
    return isinstance(value, (str, int, float, tuple)) and bool(value == default)


def plainly(value: Any, what: str) -> Any:
    """Return an argument in the types that TOML has."""
    from siteselect.optimization.objectives import Cost, PerMegawatt

    if value is None:
        return False
    # What "cost" and "score" become within an objective of several.
    if isinstance(value, Cost) and value.lifetime_per_mw is None:
        return value.name
    if isinstance(value, PerMegawatt) and isinstance(value.column, str):
        return value.column
    if is_dataclass(value) and not isinstance(value, type):
        return record_of(value, what)
    if isinstance(value, Mapping):
        return {str(k): plainly(v, what) for k, v in value.items()}
    value = plain(value)
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple, np.ndarray, pd.Index)):
        return [plainly(plain(item), what) for item in value]
    raise StudyError(
        four_parts(
            f"{what} was to be stored",
            f"found data, a {type(value).__name__}",
            "allowed are texts, numbers, true, false, lists and tables of them, and "
            "{'layer': name}",
            "make it a column of the candidates and name that, or name a layer",
        )
    )
