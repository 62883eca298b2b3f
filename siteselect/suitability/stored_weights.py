"""Weights from the record of how they were asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, said, shown
from siteselect.suitability.pairwise import ahp
from siteselect.suitability.stored import check_keys, placed
from siteselect.suitability.value_function import is_number
from siteselect.suitability.weighting import (
    Weights,
    direct_weights,
    group_weights,
    rank_weights,
    swing_weights,
)

#: Every way to weights that needs no candidates.
WAYS: tuple[Callable[..., Weights], ...] = (
    ahp,
    direct_weights,
    group_weights,
    rank_weights,
    swing_weights,
)

__all__ = ["WAYS", "weights_from_dict"]


def weights_from_dict(record: Mapping[str, Any]) -> Weights:
    """Make the weights that a plain record describes.

    Parameters
    ----------
    record : mapping
        ``kind`` names the function (`direct_weights`, `rank_weights`,
        `swing_weights`, `ahp`, `group_weights`), the rest are its arguments, as
        ``Weights.to_dict()`` writes them. The pairs of `ahp` are a list:
        ``judgements = [["grid", "fiber", 3]]``, and ``max_ratio = false`` accepts
        any. ``kind = "Weights"`` with a ``method`` and ``weights`` are numbers that
        were found from candidates.

    Returns
    -------
    Weights
        Equal to those that were stored.

    Raises
    ------
    StudyError
        If the kind is not known, or an argument is missing, unknown or unusable.

    Examples
    --------
    >>> swings = weights_from_dict(
    ...     {"kind": "swing_weights", "points": {"grid": 100, "fiber": 60, "water": 40}}
    ... )
    >>> dict(swings)
    {'grid': 0.5, 'fiber': 0.3, 'water': 0.2}
    >>> weights_from_dict(swings.to_dict()) == swings
    True
    """
    return _weights(record, "The weights")


def _weights(record: Any, what: str) -> Weights:
    ways: dict[str, Callable[..., Weights]] = {way.__name__: way for way in WAYS}
    ways["Weights"] = _found
    kind = record.get("kind") if isinstance(record, Mapping) else None
    if not isinstance(kind, str) or kind not in ways:
        known = [name for name in ways if name != "Weights"]
        hint = nearest_name(str(kind), [*known, "Weights"]) if kind else ""
        mend = "kind = 'direct_weights' and points = {grid = 3, fiber = 1}"
        if kind in ("entropy_weights", "critic_weights"):
            hint = " These come from candidates, which a file does not hold."
            mend = f"store those found: {kind}(scored).to_dict()"
        raise StudyError(
            four_parts(
                f"{what} are read from a table with its kind",
                f"found {said(record) if kind is None else f'kind {kind!r}'}.{hint}",
                f"allowed kinds are {shown(known, 12)}",
                mend,
            )
        )
    given = {key: record[key] for key in record if key != "kind"}
    arguments = inspect.signature(ways[kind]).parameters
    needed = [key for key, a in arguments.items() if a.default is a.empty]
    check_keys(given, list(arguments), needed, f"{what}: {kind}")
    if kind == "ahp":
        given = _judgements(given, what)
    elif kind == "group_weights":
        given = _groups(given, what)
    elif kind == "rank_weights" and not _is_order(given["order"]):
        _refuse(what, kind, "order", given["order"], "a list of names, or of lists")
    with placed(f"{what}: {kind}"):
        return ways[kind](**given)


def _found(method: Any, weights: Any) -> Weights:
    """Return weights that were found before, digit by digit."""
    is_table = isinstance(weights, Mapping) and len(weights) > 0
    if not is_table or not all(is_number(w) and w >= 0 for w in weights.values()):
        _refuse("The weights", "Weights", "weights", weights, "a table of numbers")
    if not isinstance(method, str):
        _refuse("The weights", "Weights", "method", method, "a text")
    index = pd.Index(list(weights), name="criterion")
    figures = [float(weight) for weight in weights.values()]
    return Weights(method, pd.DataFrame({"weight": figures}, index=index))


def _judgements(given: dict[str, Any], what: str) -> dict[str, Any]:
    """Return pairs as a mapping, a matrix as it is."""
    rows = given["judgements"]
    is_list = isinstance(rows, list) and all(isinstance(row, list) for row in rows)
    names = given.get("names")
    if not is_list or not rows:
        words = "a list of [name, name, number], or a matrix of numbers"
        _refuse(what, "ahp", "judgements", rows, words)
    if names is not None and not _is_order(names):
        _refuse(what, "ahp", "names", names, "a list of names")
    if any(isinstance(item, str) for row in rows for item in row):
        is_pair = all(
            len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], str)
            for row in rows
        )
        pairs = {tuple(row[:2]): row[2] for row in rows} if is_pair else {}
        if len(pairs) < len(rows):
            words = "[name, name, number] for each pair, once"
            _refuse(what, "ahp", "judgements", rows, words)
        given = given | {"judgements": pairs}
    if given.get("max_ratio") is False:
        given = given | {"max_ratio": None}
    return given


def _groups(given: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the weights between groups and within each."""
    within = given["within"]
    if not isinstance(within, Mapping):
        _refuse(what, "group_weights", "within", within, "a table, one key per group")
    return {
        "between": _part(given["between"], f"{what} between groups"),
        "within": {
            group: _part(inner, f"{what} of group {group!r}")
            for group, inner in within.items()
        },
    }


def _part(record: Any, what: str) -> Any:
    """Return weights of a record, or numbers by name as they are."""
    has_kind = isinstance(record, Mapping) and isinstance(record.get("kind"), str)
    return _weights(record, what) if has_kind else record


def _is_order(names: Any) -> bool:
    """Return True for a list of names, or of lists of names."""
    return isinstance(names, list) and all(
        isinstance(name, str)
        or (isinstance(name, list) and all(isinstance(n, str) for n in name))
        for name in names
    )


def _refuse(what: str, kind: str, key: str, found: Any, allowed: str) -> None:
    raise StudyError(
        four_parts(
            f"{what}: {kind} takes a key {key!r}",
            f"found {key} = {said(found)}",
            f"allowed is {allowed}",
            f"see help({kind})",
        )
    )
