"""Letters of any script: which installed fonts have them, and how names are joined."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import matplotlib as mpl
from matplotlib import ft2font
from matplotlib.font_manager import FontProperties, findfont, fontManager

from siteselect.errors import SiteSelectWarning

#: Matplotlib orders letters by direction where it was built with this library.
_IS_SHAPED = bool(getattr(ft2font, "__libraqm_version__", ""))
_RIGHT_TO_LEFT = ("R", "AL")
#: Letters that a message names.
_NAMED = 12

__all__ = ["families_for", "isolated", "plain_name", "quiet_glyphs", "warn_of_letters"]


def plain_name(name: object) -> str:
    r"""Return a name as it is drawn: one line, without signs that are not printed.

    Parameters
    ----------
    name : object
        A name as the user gave it.

    Returns
    -------
    str
        Empty where nothing of it can be seen.

    Examples
    --------
    >>> plain_name("two\nlines"), plain_name("  ")
    ('two lines', '')
    """
    return "".join(c if c.isprintable() else " " for c in str(name)).strip()


def isolated(name: str) -> str:
    """Return a name that leaves the order of what stands beside it alone.

    Parameters
    ----------
    name : str
        A name; one that is read from right to left is put between isolates.

    Returns
    -------
    str
        The name itself where it is read from left to right, or where matplotlib
        does not order letters by direction.

    Examples
    --------
    >>> isolated("Mesa 4")
    'Mesa 4'
    """
    turns = any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in name)
    return f"\u2068{name}\u2069" if turns and _IS_SHAPED else name


@lru_cache(maxsize=512)
def _letters_of(path: str) -> frozenset[int]:
    """Return the code points that a font file has letters for, none if it is broken."""
    try:
        return frozenset(ft2font.FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@lru_cache(maxsize=64)
def _default_letters(family: tuple[str, ...]) -> frozenset[int]:
    return _letters_of(findfont(FontProperties(family=list(family))))


@lru_cache(maxsize=4096)
def _family_with(letter: str) -> str | None:
    """Return the first installed family, by name, that has a letter."""
    paths = {entry.name: entry.fname for entry in reversed(fontManager.ttflist)}
    # Fonts of last resort "have" every letter, as a box.
    for name in sorted(n for n in paths if not n.startswith("Last Resort")):
        if ord(letter) in _letters_of(paths[name]):
            return name
    return None


def _foreign(text: str) -> list[str]:
    """Return the letters of a text that the font of the session lacks."""
    if text.isascii():
        return []
    known = _default_letters(tuple(mpl.rcParams["font.family"]))
    return [
        c
        for c in dict.fromkeys(text)
        if ord(c) not in known and unicodedata.category(c)[0] not in "CZ"
    ]


def families_for(text: str) -> list[str] | None:
    """Return the font families that have the letters of a text, the usual one first.

    Parameters
    ----------
    text : str
        What is written.

    Returns
    -------
    list of str or None
        None where the font of the session has them all, or no other has more.

    Examples
    --------
    >>> families_for("Mesa 4") is None
    True
    """
    found = [_family_with(c) for c in _foreign(text)]
    more = list(dict.fromkeys(name for name in found if name is not None))
    return [*mpl.rcParams["font.family"], *more] if more else None


def warn_of_letters(texts: Iterable[str], what: str) -> None:
    """Say once which letters will be drawn as boxes.

    Parameters
    ----------
    texts : iterable of str
        What is written.
    what : str
        Where it is written.
    """
    foreign = _foreign("".join(texts))
    lost = [c for c in foreign if _family_with(c) is None]
    if not lost:
        return
    more = f" and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else ""
    warnings.warn(
        f"{what} has letters that no installed font has: "
        f"{''.join(lost[:_NAMED])}{more}. They are drawn as boxes. Install a font that "
        "has them, such as Noto Sans CJK, and start Python anew.",
        SiteSelectWarning,
        stacklevel=2,
    )


@contextmanager
def quiet_glyphs() -> Iterator[None]:
    """Keep matplotlib from saying so of every letter, at every size and drawing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", append=False)
        yield
