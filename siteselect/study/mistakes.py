"""All mistakes of a study file at once, each with its line.

What is wrong with a part is said by the part itself; this module finds the key that
is meant, and looks on for further mistakes without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from siteselect.errors import LayerError, SiteSelectError, StudyError
from siteselect.study.lines import Place, nearest_line

Made = TypeVar("Made")
#: Mistakes listed in one message.
MOST = 50
#: What stands in for a table of a part whose kind is not known.
STAND_INS = {
    "measure": {"kind": "Column", "source": "score"},
    "value": {"kind": "Rising", "a": 0.0, "b": 1.0},
}

__all__ = ["Mistakes", "key_of", "leaves", "meant_by", "named", "placed_in", "without"]


@dataclass
class Mistakes:
    """Gathers what is wrong with a study.

    Parameters
    ----------
    record : mapping
        The study as plain values.
    lines : mapping of tuple to int
        Line of each key, from `key_lines`; empty where there is no file.
    """

    record: Mapping[str, Any]
    lines: Mapping[Place, int] = field(default_factory=dict)
    found: list[tuple[Place, str]] = field(default_factory=list)

    def note(self, place: Place, message: str) -> None:
        """Keep a mistake; what is said twice of a place is kept once."""
        if (place, message) not in self.found:
            self.found.append((place, message))

    def note_error(self, place: Place, error: SiteSelectError) -> list[Place]:
        """Keep what an error says of a part, and return the keys that it means."""
        places = []
        for message in getattr(error, "mistakes", ()) or (str(error),):
            meant = meant_by(message, self.at(place), place)
            self.note(meant, message)
            places.append(meant)
        return places

    def has(self, place: Place) -> bool:
        """Return whether something is wrong with what stands at a place already."""
        return any(known == place for known, _ in self.found)

    def at(self, place: Place) -> Any:
        """Return what stands at a place; None if nothing does."""
        found: Any = self.record
        for key in place:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    @contextmanager
    def of(self, *place: str | int) -> Iterator[None]:
        """Keep what is wrong with the part that the block reads."""
        try:
            yield
        except SiteSelectError as error:
            self.note_error(place, error)

    def part(
        self,
        place: Place,
        make: Callable[[Any], Made],
        stand_ins: Mapping[str, Any] | None = None,
    ) -> Made | None:
        """Make a part, and note all that is wrong with it.

        Where it cannot be made, what the message means is left out, or where a part
        cannot do without it, stood in for, and it is tried again: one mistake shall
        not hide the next. ``stand_ins`` are values by key.
        """
        record = self.at(place)
        instead = {**STAND_INS, **(stand_ins or {})}
        gone: set[Place] = set()
        put: dict[Place, Any] = {}
        while True:
            try:
                made = make(record)
            except SiteSelectError as error:
                if _is_of_ours(str(error), gone, put):
                    # A table that cannot do without what was left out.
                    fresh = {one[:-1] for one in gone} - set(put)
                    fresh = {w for w in fresh if len(w) > len(place)}
                    if not any(w[-1] in instead for w in fresh):
                        return None
                else:
                    meant = self.note_error(place, error)
                    fresh = {m for m in meant if len(m) > len(place)} - gone
                # What has no kind is stood in for as a whole.
                wholes = {m[:-1] if m[-1] == "kind" else m for m in fresh}
                is_known = all(
                    w not in put
                    and len(w) > len(place)
                    and (w in fresh or w[-1] in instead)
                    for w in wholes
                )
                if not fresh or not is_known:
                    return None
                for one in wholes:
                    if one[-1] in instead:
                        put[one] = instead[str(one[-1])]
                        gone = {g for g in gone if g[: len(one)] != one}
                    else:
                        gone.add(one)
                record = without(self.at(place), {m[len(place) :] for m in gone})
                for one, value in put.items():
                    record = _with(record, one[len(place) :], value)
            else:
                return None if gone or put else made

    def refuse(self, file: str = "") -> None:
        """Raise an error with all that is wrong, in the order of lines."""
        if self.found:
            text, lines = self.told(file)
            raise StudyError(text, mistakes=lines)

    def told(self, file: str = "") -> tuple[str, list[str]]:
        """Return all that is wrong as one message, and each with its line."""
        told = []
        for place, message in self.found:
            line = nearest_line(self.lines, place)
            told.append((line or 0, place, message))
        # What has no line, such as a part that is missing, comes last.
        told.sort(key=lambda item: (item[0] == 0, item[0]))
        lines = [
            f"line {line}: {message}" if line else message for line, _, message in told
        ]
        head = f"{file}: " if file else ""
        if len(lines) == 1:
            return head + lines[0], lines
        text = [f"{head}{len(lines)} mistakes", *(f"- {one}" for one in lines[:MOST])]
        if len(lines) > MOST:
            text.append(f"- and {len(lines) - MOST} more")
        return "\n".join(text), lines


@contextmanager
def placed_in(
    record: Mapping[str, Any], lines: Mapping[Place, int], file: str
) -> Iterator[None]:
    """Say of what the program refuses where in the study's file it stands.

    What is wrong with a value alone is found when a study is read; whether a label or
    a column is there, only its candidates tell.
    """
    try:
        yield
    except (StudyError, LayerError) as error:
        if not lines:
            raise
        mistakes = Mistakes(record, lines)
        for message in getattr(error, "mistakes", ()) or (str(error),):
            mistakes.note(_of_program(message, record), message)
        text, each = mistakes.told(file)
        again = type(error)(text)
        if isinstance(again, StudyError):
            again.mistakes = tuple(each)
        raise again from error


def _of_program(message: str, record: Mapping[str, Any]) -> Place:
    """Return the place under [plan] or [[limits]] that a message speaks of."""
    for i, limit in enumerate(record.get("limits", ())):
        name = limit.get("name", i + 1)
        if message.startswith(f"Limit {name!r}") or (
            isinstance(name, str) and repr(name) in message
        ):
            return meant_by(message, limit, ("limits", i))
    plan = record.get("plan", {})
    words = [w for w in re.findall(r"\w+", message.lower()) if w in plan]
    if not words:
        return ("plan",)
    return meant_by(message, plan[words[0]], ("plan", words[0]))


def meant_by(message: str, part: Any, place: Place = ()) -> Place:
    """Return the place within a part that a message speaks of.

    The keys and values of the part that the message quotes are looked for: a key
    with its value says more than a value, and that more than a key.

    Examples
    --------
    >>> meant_by("found km = 'far'", {"kind": "Near", "km": "far"})
    ('km',)
    >>> meant_by("reads layer 'parc'", {"layer": "parc", "km": 2}, ("exclude", 0))
    ('exclude', 0, 'layer')
    """
    best, most = place, 0
    for where, key, value in leaves(part, place):
        score = _score(message, key, value)
        if score > most:
            best, most = where, score
    return best


def _score(message: str, key: str | int, value: Any) -> int:
    """Return how surely a message speaks of a key with a value."""
    shown = repr(value)
    said = (f"unknown key {key!r}", f"{key!r}, which it does not take")
    if any(words in message for words in said):
        return 5
    pairs = (f"{key} = {shown}"[:60], f"{key}={shown}"[:60], f"{key} {shown}"[:60])
    if any(pair in message for pair in pairs):
        return 4
    is_text = isinstance(value, str)
    if is_text and value and shown in message:
        return 3 if key != "name" else 1
    if not is_text and any(f"{word} {shown}" in message for word in ("ound", "given")):
        return 3
    if is_text and len(value) > 3 and value in message and key != "name":
        return 2
    is_named = f"a key {key!r}" in message or f"{key!r}" in message.split(". ")[0]
    return 1 if is_named else 0


def leaves(part: Any, place: Place = ()) -> Iterator[tuple[Place, str | int, Any]]:
    """Walk over every key of a part, those within tables and lists too."""
    items: Any = ()
    if isinstance(part, Mapping):
        items = part.items()
    elif isinstance(part, (list, tuple)):
        items = enumerate(part)
    for key, value in items:
        yield (*place, key), key, value
        yield from leaves(value, (*place, key))


def key_of(place: Place) -> str | int:
    """Return the last key on the way to a place, which an entry of a list is under.

    Examples
    --------
    >>> key_of(("plan", "gap")), key_of(("outputs", "files", 0))
    ('gap', 'files')
    """
    return next((key for key in reversed(place) if isinstance(key, str)), place[-1])


def named(place: Place) -> str:
    """Return how a message calls what stands at a place.

    Examples
    --------
    >>> named(("plan", "gap")), named(("outputs", "files", 0))
    ('gap', 'entry 1 of files')
    """
    *before, key = place
    if isinstance(key, int) and before:
        return f"entry {key + 1} of {named(tuple(before))}"
    return str(key)


def _is_of_ours(message: str, gone: set[Place], put: Mapping[Place, Any]) -> bool:
    """Return whether a message misses what was left out, or speaks of a stand-in."""
    names = [value for value in put.values() if isinstance(value, str)]
    return any(f"no {place[-1]!r}" in message for place in gone) or any(
        repr(name) in message for name in names
    )


def _with(part: Any, place: Place, value: Any) -> Any:
    """Return a part with another value at a place."""
    if not place:
        return value
    key, *rest = place
    if isinstance(part, Mapping):
        return {**part, key: _with(part.get(key), tuple(rest), value)}
    if isinstance(part, list) and isinstance(key, int) and key < len(part):
        return [*part[:key], _with(part[key], tuple(rest), value), *part[key + 1 :]]
    return part


def without(part: Any, places: set[Place]) -> Any:
    """Return a part without some of its keys.

    Examples
    --------
    >>> without({"a": 1, "b": {"c": 2, "d": 3}}, {("a",), ("b", "c")})
    {'b': {'d': 3}}
    """
    if isinstance(part, Mapping):
        return {
            key: without(value, {p[1:] for p in places if p[0] == key and p[1:]})
            for key, value in part.items()
            if (key,) not in places
        }
    if isinstance(part, (list, tuple)):
        return [
            without(value, {p[1:] for p in places if p[0] == i and p[1:]})
            for i, value in enumerate(part)
            if (i,) not in places
        ]
    return part
