"""What [plan] and [[limits]] of a study may say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from siteselect.errors import SiteSelectError, four_parts
from siteselect.infrastructure import Fleet
from siteselect.study.checks import (
    COUNT,
    is_number,
    is_text,
    is_whole,
    note_unknown,
    note_value,
)
from siteselect.study.mistakes import Mistakes
from siteselect.study.parts import check_part
from siteselect.study.steps import plain_argument

__all__ = ["check_plan", "plan_keys"]

#: Arguments of `optimize_sites` that stand elsewhere, or in no file.
_NOT_IN_PLAN = ("sites", "limits", "options", "progress")


@cache
def plan_keys() -> dict[str, inspect.Parameter]:
    """Return the arguments of `optimize_sites` that a file gives."""
    from siteselect.optimization import optimize_sites

    given = inspect.signature(optimize_sites).parameters
    return {name: one for name, one in given.items() if name not in _NOT_IN_PLAN}


def check_plan(mistakes: Mistakes, layers: Iterable[str]) -> None:
    """Note what is wrong with the program."""
    known = plan_keys()
    note_unknown(mistakes, ("plan",), known, "[plan]", "see help(optimize_sites)")
    plan = mistakes.at(("plan",))
    for key in plan if isinstance(plan, Mapping) else ():
        if key in known:
            fits, allowed = _PLAN_TAKES.get(key, (lambda v: True, ""))
            note_value(mistakes, ("plan", key), fits, allowed, "[plan]")
    _note_values(mistakes)
    objective = mistakes.at(("plan", "objective"))
    if isinstance(objective, Mapping):
        make = partial(_checked, "objective", "The objective", list(layers))
        mistakes.part(("plan", "objective"), make)
    limits = mistakes.at(("limits",))
    names: dict[str, int] = {}
    for i, item in enumerate(limits if isinstance(limits, list) else ()):
        name = item.get("name") if isinstance(item, Mapping) else None
        what = f"Limit {name!r}" if isinstance(name, str) else f"Limit {i + 1}"
        mistakes.part(("limits", i), partial(_checked, "limit", what, list(layers)))
        if isinstance(name, str) and name in names:
            message = four_parts(
                "Limits have names of their own",
                f"found name = {name!r} twice",
                "allowed is each name once",
                "give one of them another name",
            )
            mistakes.note(("limits", i, "name"), message)
        names[str(name)] = i


def _note_values(mistakes: Mistakes) -> None:
    """Note values that `optimize_sites` refuses whatever the candidates, by its rules.

    What is not of the right kind is said already, and nothing follows from it.
    """
    from siteselect.optimization._compile import Request, value_checks

    plan, fleet = mistakes.at(("plan",)), mistakes.at(("fleet",))
    found = [place for place, _ in mistakes.found]
    bad = {str(place[1]) for place in found if place[0] == "plan" and len(place) > 1}
    given: dict[str, Any] = {}
    for key, value in plan.items() if isinstance(plan, Mapping) else ():
        if key in _CHECKED and key not in bad:
            value = plain_argument(key, value)
            given[key] = tuple(value) if key in ("fixed", "forbidden") else value
    if any(place[0] == "fleet" for place in found):
        bad.add("it_mw")
    elif isinstance(fleet, Mapping) and fleet:
        given.setdefault("it_mw", (Fleet(fleet).it_mw, None))
    # Candidates and what is read of them come later.
    nowhere: Any = None
    for keys, check in value_checks(Request(nowhere, **given)):
        if bad & set(keys):
            continue
        try:
            check()
        except SiteSelectError as error:
            # A message begins with what is wrong.
            message = str(error)
            key = min((k for k in keys if k in message), key=message.find)
            mistakes.note_error(("plan", key), error)
            bad.add(key)


def _checked(word: str, what: str, layers: list[str], record: Any) -> bool:
    check_part(record, word, what, layers)
    return True


def _is_total(value: Any) -> bool:
    """Return whether a value bounds a total: a number, a pair, or these by year."""
    if isinstance(value, Mapping):
        return bool(value) and all(
            str(year).isdecimal() and not isinstance(v, Mapping) and _is_total(v)
            for year, v in value.items()
        )
    if isinstance(value, list):
        return len(value) == 2 and all(v is False or is_number(v) for v in value)
    return is_number(value)


def _is_sizes(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(
            is_number(v)
            or (isinstance(v, list) and len(v) == 2 and all(map(is_number, v)))
            for v in value
        )
    if isinstance(value, Mapping):
        return all(_number_in(key) is not None for key in value)
    return is_number(value)


def _number_in(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_amount(value: Any) -> bool:
    return is_number(value) or isinstance(value, (str, Mapping))


def _is_labels(value: Any) -> bool:
    return isinstance(value, list) and not any(
        isinstance(v, (list, dict)) for v in value
    )


def _is_years(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_whole, value))


_TOTAL = (_is_total, "a number (at most), a pair [least, most], or either by year")
_POSITIVE = (lambda v: is_number(v) and v > 0, "a number over 0")
_RATE = (lambda v: is_number(v) and v >= 0, "a number of 0 or more")
_AMOUNT = (_is_amount, "a number, the name of a column, or a table by size")
_LABELS = (_is_labels, "a list of labels of candidates")
_METHODS = ("auto", "full", "priceout")
#: What of [plan] can be checked without candidates.
_CHECKED = (
    "budget_usd",
    "discount_rate",
    "existing",
    "fixed",
    "forbidden",
    "gap",
    "it_mw",
    "max_sites",
    "method",
    "min_sites",
    "min_spacing_km",
    "objective",
    "power_mw",
    "site_mw",
    "time_limit_s",
    "years",
)
#: What the arguments of `optimize_sites` look like in a file.
_PLAN_TAKES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "power_mw": _TOTAL,
    "it_mw": _TOTAL,
    "budget_usd": (
        lambda v: _is_total(v) and not isinstance(v, list),
        "a number, or a table year = number",
    ),
    "site_mw": (
        _is_sizes,
        "a list of sizes, [[least, most]] for any between, or a table size = column",
    ),
    "years": (_is_years, "a list of years"),
    "discount_rate": _RATE,
    "existing": (
        lambda v: isinstance(v, Mapping) and all(map(is_number, v.values())),
        "a table candidate = megawatts",
    ),
    "max_sites": COUNT,
    "min_sites": COUNT,
    "min_spacing_km": _RATE,
    "fixed": _LABELS,
    "forbidden": _LABELS,
    "objective": (
        lambda v: isinstance(v, (str, Mapping)),
        "'score', 'cost', a column, or a table with its kind",
    ),
    "score": _AMOUNT,
    "capacity": _AMOUNT,
    "cost_per_mw": _AMOUNT,
    "fixed_cost": _AMOUNT,
    "solver": (is_text, "the name of a solver, as 'highs'"),
    "gap": _RATE,
    "time_limit_s": _POSITIVE,
    "method": (lambda v: v in _METHODS, "'auto', 'full' or 'priceout'"),
}
