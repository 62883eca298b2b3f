"""Checks that note what is wrong with a key of a study, and go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from siteselect.errors import SiteSelectError, four_parts, nearest_name, said, shown
from siteselect.study.lines import Place
from siteselect.study.mistakes import Mistakes, key_of, named

__all__ = [
    "COUNT",
    "is_bool",
    "is_number",
    "is_text",
    "is_texts",
    "is_whole",
    "note_unknown",
    "note_value",
]


def note_unknown(
    mistakes: Mistakes, place: Place, known: Iterable[str], what: str, mend: str = ""
) -> None:
    """Note every key of a table that is not known."""
    table, known = mistakes.at(place), list(known)
    for key in table if isinstance(table, Mapping) else ():
        if key not in known:
            message = four_parts(
                f"{what} is a table of keys",
                f"found the unknown key {key!r}.{nearest_name(key, known)}",
                f"allowed are {shown(known, 40)}",
                mend or "correct the key, or leave it out",
            )
            mistakes.note((*place, key), message)


def note_value(
    mistakes: Mistakes,
    place: Place,
    fits: Callable[[Any], bool],
    allowed: str,
    what: str,
    mend: str = "",
) -> bool:
    """Note the value of a key that does not fit; return whether there is a good one."""
    value = mistakes.at(place)
    if value is None or mistakes.has(place):
        return False
    try:
        good = fits(value)
    except SiteSelectError as error:
        mistakes.note(place, str(error))
        return False
    if not good:
        entry = isinstance(place[-1], int)
        takes = f"{what} takes a {'list' if entry else 'key'} {key_of(place)!r}"
        message = four_parts(
            takes if len(place) > 1 else what,
            f"found {named(place)} = {said(value)}",
            f"allowed is {allowed}",
            mend or "correct it, or leave it out",
        )
        mistakes.note(place, message)
    return good


def is_number(value: Any) -> bool:
    """Return whether a value is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number of 0 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_text(value: Any) -> bool:
    """Return whether a value is a text."""
    return isinstance(value, str)


def is_bool(value: Any) -> bool:
    """Return whether a value is true or false."""
    return isinstance(value, bool)


def is_texts(value: Any) -> bool:
    """Return whether a value is a list of texts."""
    return isinstance(value, list) and all(map(is_text, value))


#: What fits a count, and how to say so.
COUNT = (is_whole, "a whole number of 0 or more")
