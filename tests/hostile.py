"""How a row of the catalogue of hostile inputs is written and judged.

A row is refused, by an error of ours that names the place and says how to mend
it; or it is answered, with a figure that the row works out in another way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siteselect.errors import (
    DataQualityWarning,
    LayerError,
    SiteSelectError,
    StudyError,
)

Call = Callable[[Path], Any]


@dataclass(frozen=True)
class Row:
    """One hostile input, and what must come of it."""

    name: str
    call: Call
    error: type[SiteSelectError] | None = None
    words: tuple[str, ...] = ()
    answer: Any = None
    warns: str = ""
    is_soak: bool = False


def refused(
    name: str,
    call: Call,
    *words: str,
    error: type[SiteSelectError] = LayerError,
    warns: str = "",
) -> Row:
    """Expect an error of ours that says all the words: the place, and the mend."""
    assert len(words) >= 2, name
    return Row(name, call, error, words, warns=warns)


def misasked(name: str, call: Call, *words: str) -> Row:
    """Expect a `StudyError` that says all the words."""
    return refused(name, call, *words, error=StudyError)


def right(
    name: str, call: Call, answer: Any, warns: str = "", is_soak: bool = False
) -> Row:
    """Expect this answer, or what this function works out."""
    return Row(name, call, answer=answer, warns=warns, is_soak=is_soak)


def as_parameters(rows: Iterable[Row]) -> list[Any]:
    """Return rows for `pytest.mark.parametrize`, the dear ones for the soak."""
    return [
        pytest.param(
            row,
            id=re.sub(r"[^\w]+", "-", row.name),
            marks=[pytest.mark.soak] if row.is_soak else [],
        )
        for row in rows
    ]


def judge(row: Row, folder: Path) -> None:
    """Run a row and hold it to what it expects."""
    warned = (
        pytest.warns(DataQualityWarning, match=row.warns)
        if row.warns
        else nullcontext()
    )
    if row.error is None:
        with warned:
            found = row.call(folder)
        # What is worked out on the ellipsoid is held to centimeters in a kilometer.
        worked_out = callable(row.answer)
        wanted = row.answer() if worked_out else row.answer
        assert _is_same(found, wanted, 1e-5 if worked_out else 1e-9), (found, wanted)
        return
    with warned, pytest.raises(row.error) as caught:
        row.call(folder)
    message = str(caught.value)
    for word in row.words:
        assert word.casefold() in message.casefold(), (word, message)
    assert has_four_parts(message), message


def has_four_parts(message: str) -> bool:
    """Tell what was asked, what was found, what is allowed, what mends it."""
    return len(re.findall(r"[.?] (?=\S)|[.?]$", message)) >= 4


def _is_same(found: Any, wanted: Any, rtol: float) -> bool:
    """Compare answers: figures nearly, NaN beside NaN, labels as they are."""
    found, wanted = list(np.atleast_1d(found)), list(np.atleast_1d(wanted))
    if len(found) != len(wanted):
        return False
    return all(
        (a == b)
        if isinstance(b, (str, bool, np.bool_, np.str_, type(None)))
        else bool(np.isclose(float(a), float(b), rtol=rtol, atol=1e-9, equal_nan=True))
        for a, b in zip(found, wanted, strict=True)
    )
