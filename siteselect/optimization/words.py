"""Bounds and amounts in words, rounded so that following them works."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

_TINY = 1e-290


def listed(words: Iterable[str]) -> str:
    """Return words as a list with "and", at most five of them."""
    said = list(words)
    if len(said) > 5:
        said = [*said[:5], f"{len(said) - 5} more"]
    return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]


def outward(value: float, up: bool, digits: int = 4) -> float:
    """Return a value rounded to some digits, never against the stated direction.

    Examples
    --------
    >>> outward(5.43219e9, up=True), outward(31.279, up=False)
    (5433000000.0, 31.27)
    """
    # A number so small has no digits left to round.
    if abs(value) < _TINY or not np.isfinite(value):
        return value
    step = 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1)
    ratio = value / step
    near = round(ratio)
    if abs(ratio - near) <= 1e-6:
        return float(f"{near * step:.12g}")
    whole = np.ceil(ratio) if up else np.floor(ratio)
    return float(f"{whole * step:.12g}")


def amount(value: float, unit: str, up: bool, digits: int = 4) -> str:
    """Return an amount with its unit, rounded in a safe direction.

    Examples
    --------
    >>> amount(300.0, "MW", up=True), amount(5.43219e9, "USD", up=True)
    ('300 MW', '$5.433 B')
    """
    value = outward(value, up, digits)
    if unit == "USD":
        for size, name in ((1e9, " B"), (1e6, " M"), (1e3, " k")):
            if abs(value) >= size:
                return f"${value / size:,.6g}{name}"
        return f"${value:,.6g}"
    whole = (
        unit.removesuffix("s") if value == 1 and unit in ("sites", "groups") else unit
    )
    return f"{value:,.6g} {whole}".rstrip()


def moved_text(name: str, now: float, needed: float, unit: str) -> str:
    """Return a moved bound in words.

    Examples
    --------
    >>> moved_text("power", 3000.0, 2700.0, "MW")
    'power: 3,000 -> 2,700 MW'
    >>> moved_text("budget", 4.9e9, 5.5e9, "USD")
    'budget: $4.9 B -> $5.5 B (+ $0.6 B)'
    """
    up = needed > now
    safe = outward(needed, up)
    if unit == "USD":
        sign = "+" if up else "-"
        size = 1e9 if abs(now) >= 1e9 else 1.0
        change = abs(safe - now)
        said = f"${change / size:,.4g} B" if size > 1 else amount(change, unit, up)
        ends = f"{amount(now, unit, up)} -> {amount(safe, unit, up)}"
        return f"{name}: {ends} ({sign} {said})"
    first = f"{now:,.6g}"
    return f"{name}: {first} -> {amount(needed, unit, up)}"


def unit_of(name: str, limit: Any, kind: object) -> str:
    """Return the unit of a limit's bounds."""
    fixed = {"power": "MW", "money": "USD"}
    known = str(getattr(limit, "unit", "") or "")
    if known:
        return known
    if str(kind) in fixed:
        return fixed[str(kind)]
    if str(kind) in ("count", "sites per group"):
        return "sites"
    if str(kind) == "distinct groups":
        return "groups"
    if str(kind) == "covered share":
        return "of the weight"
    per_mw, per_site = getattr(limit, "per_mw", None), getattr(limit, "per_site", None)
    if isinstance(per_mw, int | float) and per_mw == 1 and _is_zero(per_site):
        return "MW"
    return ""


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and value == 0
