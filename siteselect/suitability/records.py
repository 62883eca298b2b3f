"""From a plain record, of a study file or a scored frame, to what it describes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import geopandas as gpd

from siteselect.errors import (
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.suitability.aggregation import (
    Aggregate,
    GeometricMean,
    Minimum,
    WeightedSum,
)
from siteselect.suitability.checks import check_scored
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
from siteselect.suitability.owa import OWA
from siteselect.suitability.reference_point import ReferencePoint
from siteselect.suitability.value_function import ValueFunction
from siteselect.suitability.values import (
    Between,
    Categories,
    Falling,
    Piecewise,
    Rising,
    Step,
)

__all__ = [
    "AGGREGATES",
    "VALUE_FUNCTIONS",
    "aggregate_from_dict",
    "aggregate_of",
    "class_of",
    "value_from_dict",
    "without_kind",
]

#: Every aggregate of the room.
AGGREGATES: tuple[type[Aggregate], ...] = (
    GeometricMean,
    Minimum,
    OWA,
    ReferencePoint,
    WeightedSum,
)


Made = TypeVar("Made")

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
    made = class_of(record, (*VALUE_FUNCTIONS, *own), "A value function", "Rising")
    arguments = {key: record[key] for key in record if key != "kind"}
    if made is Categories and "labels" in arguments:
        arguments = _with_labels(arguments)
    _check_arguments(made, arguments)
    return made(**arguments)


def aggregate_from_dict(
    record: Mapping[str, Any], *, own: Iterable[type[Aggregate]] = ()
) -> Aggregate:
    """Make the aggregate that a plain record describes.

    Parameters
    ----------
    record : mapping
        ``kind`` names the class, the rest are its arguments.
    own : iterable of Aggregate classes, optional
        Frozen dataclasses of your own that a record may name.

    Returns
    -------
    Aggregate
        Equal to the one that was described.

    Raises
    ------
    StudyError
        If the kind is not known, an argument is missing, unknown or unusable.

    Examples
    --------
    >>> aggregate_from_dict({"kind": "OWA", "risk": 0.3})
    OWA(risk=0.3, order_weights=None)
    """
    made = class_of(record, (*AGGREGATES, *own), "An aggregate", "Minimum")
    arguments = {key: record[key] for key in record if key != "kind"}
    _check_arguments(made, arguments)
    return made(**arguments)


def aggregate_of(scored: gpd.GeoDataFrame) -> Aggregate:
    """Return the aggregate a frame was scored with; the weighted sum if unsaid."""
    check_scored(scored, "An aggregation")
    noted = scored.attrs.get("siteselect", {}).get("aggregation")
    return WeightedSum() if noted is None else aggregate_from_dict(noted)


def class_of(
    record: Any,
    classes: Iterable[type[Made]],
    what: str,
    example: str,
    *,
    mend: str = "",
) -> type[Made]:
    """Return the class a record names."""
    by_kind = {made.__name__: made for made in classes}
    kind = record.get("kind") if isinstance(record, Mapping) else None
    if isinstance(kind, str) and kind in by_kind:
        return by_kind[kind]
    mend = mend or f"compare with {example}(...).describe()"
    if kind is None:
        found = without_kind(record)
    elif kind == "function":
        found = f"found a function of your own, {record.get('name', '')!r}"
        mend = "pass the function in Python: Criterion(name, measure, function)"
    else:
        found = f"found kind {kind!r}.{nearest_name(str(kind), by_kind)}"
    raise StudyError(
        four_parts(
            f"{what} is read from a table with its kind",
            found,
            f"allowed kinds are {shown(by_kind, 30)}",
            mend,
        )
    )


def without_kind(record: Any) -> str:
    """Say what stands in a record that has no kind."""
    for key in record if isinstance(record, Mapping) else ():
        if isinstance(key, str) and (close := nearest_name(key, ["kind"])):
            return f"found the unknown key {key!r}.{close}"
    return f"found {said(record)}"


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


def _check_arguments(made: type[Any], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that are unknown or missing."""
    known = {field.name: field for field in fields(made)}
    stray = [name for name in arguments if name not in known]
    needed = [
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    ]
    missing = [name for name in needed if name not in arguments]
    lists = {"edges", "points", "order_weights"} & set(arguments)
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
