"""The public names, and which methods of theirs a user calls: for docs and tests."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import siteselect as ss


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What the program asks of an object of each kind, told by a method that marks the
#: kind. A user who writes an object of that kind offers them; nobody calls them, so
#: they have a summary, and the page on extending says when each is asked.
ASKED_BY_THE_PROGRAM = {
    "rows": _words(
        """
        accounts_of at_lifetime_cost between bought check clique_rows coefficients
        columns cuts draws drops guides in_place in_stages in_year is_lazy
        is_open_ended last_year_only link_arrays link_cost_usd maximize measured
        mended most_missed name nearby notes options rows settled solve
        strengthened unit uses value
        """
    ),
    "answer": _words(
        "answer column describe evidence label layer_name resolution_m statistic unit"
    ),
    "span": _words("describe is_monotone span"),
    "combine": _words("check combine describe"),
    "verdict": _words("is_kept verdict verdict_after with_parts"),
    "ppf": _words("ppf shifted"),
    "at": _words("at"),
}


def public_names() -> Iterator[tuple[str, Any]]:
    """Yield every public function, class and module member with its full name."""
    for name in ss.__all__:
        thing = getattr(ss, name)
        if isinstance(thing, ModuleType):
            for member in module_names(thing):
                yield f"{name}.{member}", getattr(thing, member)
        elif not isinstance(thing, str):
            yield name, thing


def module_names(module: ModuleType) -> list[str]:
    """Return the public names that a module offers."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    return sorted(
        name
        for name, thing in vars(module).items()
        if inspect.isfunction(thing)
        and thing.__module__ == module.__name__
        and not name.startswith("_")
    )


def methods(kind: type) -> dict[str, Any]:
    """Return the methods and properties of a class that a user calls."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if not base.__module__.startswith("siteselect"):
            continue
        for name, member in vars(base).items():
            thing = getattr(member, "__func__", member)
            if not name.startswith("_") and (
                inspect.isfunction(thing)
                or isinstance(thing, property | functools.cached_property)
            ):
                found.setdefault(name, thing)
    asked: set[str] = set()
    for mark, names in ASKED_BY_THE_PROGRAM.items():
        if mark in found:
            asked |= names
    return {name: thing for name, thing in found.items() if name not in asked}
