"""Plain records as TOML text, laid out to be read and edited."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
#: Characters that JSON leaves as they are and TOML does not allow.
_DELETE = "\x7f"

__all__ = ["toml_of"]


def toml_of(record: Mapping[str, Any]) -> str:
    """Return a record as a TOML document.

    Simple values come first, then a ``[table]`` for each mapping and a
    ``[[table]]`` for each item of a list of mappings; deeper ones stand on one line.

    Examples
    --------
    >>> print(toml_of({"exclude": [{"kind": "Near", "km": 0.5}], "name": "mine"}))
    name = "mine"
    <BLANKLINE>
    [[exclude]]
    kind = "Near"
    km = 0.5
    <BLANKLINE>
    """
    lines: list[str] = []
    blocks: list[tuple[str, Mapping[str, Any]]] = []
    for key, value in record.items():
        if isinstance(value, Mapping):
            blocks.append((f"[{_key(key)}]", value))
        elif isinstance(value, list) and value and _are_tables(value):
            blocks += [(f"[[{_key(key)}]]", item) for item in value]
        else:
            lines.append(f"{_key(key)} = {_value(value)}")
    for head, table in blocks:
        if lines:
            lines.append("")
        lines.append(head)
        lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _are_tables(items: list[Any]) -> bool:
    return all(isinstance(item, Mapping) for item in items)


def _key(key: str) -> str:
    """Return a key, in quotes where it must be."""
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        # repr gives the shortest text that reads back to the same bits.
        return repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items())
        return f"{{{inner}}}" if not inner else f"{{ {inner} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"TOML holds no {type(value).__name__}")


def _text(text: str) -> str:
    """Return text in quotes; JSON and TOML escape alike but for one character."""
    return json.dumps(text, ensure_ascii=False).replace(_DELETE, "\\u007F")
