"""From a plain record (of a study file, or of a scored frame) to a value function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from siteselect.errors import StudyError, four_parts, nearest_name, shown
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
from siteselect.suitability.value_function import ValueFunction
from siteselect.suitability.values import (
    Between,
    Categories,
    Falling,
    Piecewise,
    Rising,
    Step,
)

__all__ = ["VALUE_FUNCTIONS", "value_from_dict"]

#: Every value function of the room.
VALUE_FUNCTIONS: tuple[type[ValueFunction], ...] = (
    Between,
    Categories,
    Exponential,
    Fading,
    Falling,
    Gaussian,
    Large,
    Logarithm,
    NearTo,
    Piecewise,
    Power,
    Rising,
    Saturating,
    Sigmoid,
    Small,
    Step,
)


def value_from_dict(
    record: Mapping[str, Any], *, own: Iterable[type[ValueFunction]] = ()
) -> ValueFunction:
    """Make the value function that a plain record describes.

    Parameters
    ----------
    record : mapping
        ``kind`` names the class, the rest are its arguments, as ``describe()``
        writes them and JSON or TOML reads them back.
    own : iterable of ValueFunction classes, optional
        Frozen dataclasses of your own that a record may name.

    Returns
    -------
    ValueFunction
        Equal to the one that was described.

    Raises
    ------
    StudyError
        If the kind is not known, an argument is missing, unknown or unusable.

    Examples
    --------
    >>> value_from_dict({"kind": "Falling", "a": 1, "b": 80})
    Falling(a=1, b=80)
    >>> value_from_dict(value_from_dict({"kind": "Large", "middle": 300}).describe())
    Large(middle=300, exponent=5.0)
    """
    classes = {kind.__name__: kind for kind in (*VALUE_FUNCTIONS, *own)}
    if not isinstance(record, Mapping) or "kind" not in record:
        raise StudyError(
            four_parts(
                "A value function is read from a table with its kind",
                f"found {record!r}",
                f"allowed kinds are {shown(classes, 30)}",
                "write for instance value = {kind = 'Rising', a = 100, b = 1000}",
            )
        )
    kind = record["kind"]
    if kind == "function":
        raise StudyError(
            four_parts(
                "A value function is read from a table with its kind",
                f"found a function of your own, {record.get('name', '')!r}",
                "allowed are value functions, which can be written down",
                "pass the function in Python: Criterion(name, measure, function)",
            )
        )
    if not isinstance(kind, str) or kind not in classes:
        raise StudyError(
            four_parts(
                "A value function is read from a table with its kind",
                f"found kind {kind!r}.{nearest_name(str(kind), classes)}",
                f"allowed are {shown(classes, 30)}",
                "write for instance value = {kind = 'Rising', a = 100, b = 1000}",
            )
        )
    made = classes[kind]
    arguments = {key: record[key] for key in record if key != "kind"}
    if made is Categories and "labels" in arguments:
        arguments = _with_labels(arguments)
    _check_arguments(made, arguments)
    return made(**arguments)


def _with_labels(arguments: dict[str, Any]) -> dict[str, Any]:
    """Join the list of labels and the list of values."""
    labels, values = arguments.pop("labels"), arguments.get("values")
    lists = [item for item in (labels, values) if isinstance(item, (list, tuple))]
    is_good = len(lists) == 2 and len(lists[0]) == len(lists[1])
    if not is_good or any(isinstance(item, (list, dict)) for item in lists[0]):
        raise StudyError(
            four_parts(
                "Categories takes a value per label",
                f"found labels {labels!r} and values {values!r}",
                "allowed are two lists of one length, or a table label = value",
                "write for instance labels = [41, 82] and values = [0.2, 1]",
            )
        )
    return arguments | {"values": dict(zip(*lists, strict=True))}


def _check_arguments(made: type[ValueFunction], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that are unknown or missing."""
    known = {field.name: field for field in fields(made)}  # type: ignore[arg-type]
    stray = [name for name in arguments if name not in known]
    needed = [
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    ]
    missing = [name for name in needed if name not in arguments]
    lists = {"edges", "points"} & set(arguments)
    not_lists = [n for n in lists if not isinstance(arguments[n], (list, tuple))]
    if made is Step and not isinstance(arguments.get("values", ()), (list, tuple)):
        not_lists.append("values")
    if made is Categories and not isinstance(arguments.get("values", {}), Mapping):
        not_lists.append("values")
    if stray or missing or not_lists:
        found = [
            *(f"{n!r}, which it does not take.{nearest_name(n, known)}" for n in stray),
            *(f"no {name!r}" for name in missing),
            *(f"{name} = {arguments[name]!r}" for name in sorted(not_lists)),
        ]
        raise StudyError(
            four_parts(
                f"{made.__name__} takes {shown(known)}",
                f"found {shown(found)}",
                f"{shown(needed)} must be given, lists as lists and tables as tables",
                "compare with the function's describe()",
            )
        )
