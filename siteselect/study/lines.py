"""On which line of a TOML text each key stands.

`tomllib` tells values but not places. The text has been read by it before, so that
only what may stand in valid TOML is looked for here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TypeAlias

#: Keys and positions from the top of a file to a value.
Place: TypeAlias = tuple[str | int, ...]

__all__ = ["Place", "key_lines"]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[Place, int]:
    r"""Return the line of every key, table and item of a list, from 1.

    Parameters
    ----------
    text : str
        Valid TOML.

    Returns
    -------
    dict of tuple to int
        Keys are the way from the top: ``("limits", 0, "km")``.

    Examples
    --------
    >>> key_lines('area = "RI"\n[[limits]]\nkind = "Spacing"\nkm = 40')[
    ...     "limits", 0, "km"
    ... ]
    4
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walks through a text once."""

    def __init__(self, text: str) -> None:
        # As tomllib, which counts a carriage return and line feed as one end.
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[Place, int] = {}
        self.lengths: dict[Place, int] = {}

    def scan(self) -> dict[Place, int]:
        table: Place = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _note(self, place: Place) -> None:
        line = self.text.count("\n", 0, self.at) + 1
        for end in range(1, len(place) + 1):
            self.lines.setdefault(place[:end], line)

    def _header(self) -> Place:
        """Read ``[a.b]`` or ``[[a.b]]``; lists on the way mean their last item."""
        many = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if many else 1
        *above, last = self._key()
        place: Place = ()
        for part in above:
            place = (*place, part)
            if place in self.lengths:
                place = (*place, self.lengths[place] - 1)
        place = (*place, last)
        if many:
            self.lengths[place] = self.lengths.get(place, 0) + 1
            place = (*place, self.lengths[place] - 1)
        after, self.at = self.at, start
        self._note(place)
        self.at = after + (2 if many else 1)
        return place

    def _key(self) -> list[str]:
        """Read a key with its dots, and the space after it."""
        parts = []
        while True:
            self._skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                raw = self.text[start : self._skip(_STRING)]
                parts.append(str(tomllib.loads(f"k = {raw}")["k"]))
            else:
                parts.append(self.text[start : self._skip(_BARE_KEY)])
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _pair(self, table: Place) -> None:
        start = self.at
        place = (*table, *self._key())
        after, self.at = self.at, start
        self._note(place)
        self.at = after + 1  # the equals sign
        self._value(place)

    def _value(self, place: Place) -> None:
        self._skip(_BLANK)
        first = self.text[self.at]
        if first in "\"'":
            self._skip(_STRING)
        elif first == "[":
            self._list(place)
        elif first == "{":
            self.at += 1
            while self._until("}"):
                self._pair(place)
        else:
            self._skip(_SCALAR)

    def _list(self, place: Place) -> None:
        self.at += 1
        n = 0
        while self._until("]"):
            self._note((*place, n))
            self._value((*place, n))
            n += 1

    def _until(self, end: str) -> bool:
        """Return whether another item follows; step over commas and the end."""
        self._skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self._skip(_BLANK)
        if self.text[self.at] == end:
            self.at += 1
            return False
        return True


def nearest_line(lines: Mapping[Place, int], place: Place) -> int | None:
    """Return the line of a place, or of the closest thing around it.

    Examples
    --------
    >>> nearest_line({("plan",): 3}, ("plan", "gap")), nearest_line({}, ("a",))
    (3, None)
    """
    for end in range(len(place), 0, -1):
        if place[:end] in lines:
            return lines[place[:end]]
    return None
