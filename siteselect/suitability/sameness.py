"""When two parts of a scoring are equal: same kind, same arguments, same layers."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["listed", "same_parts"]


def same_parts(one: object, other: object) -> bool:
    """Return True for two of one class whose arguments are equal.

    Layers are equal if they are the same object, as are functions: what they hold
    is not compared.
    """
    if one is other or type(one) is not type(other) or not is_dataclass(one):
        return one is other
    return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def listed(items: Set[Any]) -> list[Any]:
    """Return a set as a list, in an order that does not hang on the run."""
    return sorted(items, key=lambda item: (type(item).__name__, repr(item)))


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, Mapping) != isinstance(other, Mapping):
        # Weights by label may be a Series as well as a mapping.
        one, other = _as_mapping(one), _as_mapping(other)
    if any(isinstance(x, (pd.DataFrame, pd.Series, pd.Index)) for x in (one, other)):
        return False
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            _same(one[key], other[key]) for key in one
        )
    several = [_as_list(x) for x in (one, other)]
    if several[0] is not None and several[1] is not None:
        return len(several[0]) == len(several[1]) and all(
            map(_same, several[0], several[1])
        )
    return bool(one == other)


def _as_mapping(item: Any) -> Any:
    return item.to_dict() if isinstance(item, pd.Series) else item


def _as_list(item: Any) -> list[Any] | None:
    """Return the items of a list, tuple, array or set; None for other things."""
    if isinstance(item, Set):
        return listed(item)
    return list(item) if isinstance(item, (list, tuple, np.ndarray)) else None
