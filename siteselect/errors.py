"""Errors and warnings.

Every error a user can meet is a `SiteSelectError`. Children also inherit the
builtin they resemble, so ``except ValueError`` keeps working. A message says
four things: what was asked, what was found, what is allowed, and the call
that mends it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any


class SiteSelectError(Exception):
    """Root of every error that siteselect raises on purpose.

    Examples
    --------
    >>> import siteselect as ss
    >>> try:
    ...     ss.datasets.region("Texass")
    ... except ss.SiteSelectError as error:
    ...     print(str(error)[-22:])
    Did you mean 'Texas'?
    """


class LayerError(SiteSelectError, ValueError):
    """A layer or a frame of candidates cannot be used as it is.

    Examples
    --------
    >>> import siteselect as ss
    >>> try:
    ...     ss.read_layer("no such file.gpkg")
    ... except ValueError as error:
    ...     print(type(error).__name__)
    LayerError
    """


class CRSError(LayerError):
    """A coordinate reference system is missing, wrong or unusable.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> nowhere = gpd.GeoDataFrame(
    ...     {"score": [1.0, 0.9]}, geometry=gpd.points_from_xy([5, 6], [5, 5])
    ... )
    >>> try:
    ...     ss.optimize_sites(nowhere, site_mw=[100], min_spacing_km=40)
    ... except ss.CRSError as error:
    ...     print("CRS" in str(error))
    True
    """


class StudyError(SiteSelectError, ValueError):
    """A criterion, limit, parameter or study file asks for something unusable.

    Parameters
    ----------
    message : str
        The four-part message, or a list of them.
    mistakes : sequence of str
        Where the message lists several mistakes, each of them.

    Examples
    --------
    >>> import siteselect as ss
    >>> try:
    ...     ss.Spacing(km=-40)
    ... except ss.StudyError as error:
    ...     print("-40" in str(error))
    True
    """

    def __init__(self, message: str = "", mistakes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.mistakes: tuple[str, ...] = tuple(mistakes)


class InfeasiblePlanError(SiteSelectError, RuntimeError):
    """No set of sites satisfies all limits; ``conflicts`` names those that clash.

    Parameters
    ----------
    message : str
        The four-part message.
    conflicts : tuple of str
        Names of limits that cannot hold together.
    ways_out : tuple of WayOut
        For each of them the least change, in its own unit, with which all other
        limits hold; absent where it cannot help alone or is not settled.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> try:
    ...     ss.optimize_sites(sites, power_mw=(500, None), site_mw=[100])
    ... except ss.InfeasiblePlanError as error:
    ...     print("power" in error.conflicts)
    True
    """

    def __init__(
        self,
        message: str,
        conflicts: Iterable[str] = (),
        ways_out: Iterable[Any] = (),
    ) -> None:
        super().__init__(message)
        self.conflicts: tuple[str, ...] = tuple(conflicts)
        self.ways_out: tuple[Any, ...] = tuple(ways_out)


class SolverError(SiteSelectError, RuntimeError):
    """A solver is missing, failed, or returned something that does not verify.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> try:
    ...     ss.optimize_sites(sites, power_mw=100, solver="no such solver")
    ... except ss.SolverError as error:
    ...     print("no such solver" in str(error))
    True
    """


class MissingDependencyError(SiteSelectError, ImportError):
    """An optional package is needed; the message names the extra to install.

    Examples
    --------
    >>> import siteselect as ss
    >>> issubclass(ss.MissingDependencyError, ImportError)
    True
    """


class SiteSelectWarning(UserWarning):
    """Root of the warnings.

    Examples
    --------
    Turn every warning of the library into an error:

    >>> import warnings
    >>> import siteselect as ss
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ss.SiteSelectWarning)
    """


class DataQualityWarning(SiteSelectWarning):
    """The data was usable only after a repair, or is coarser than its use.

    Examples
    --------
    >>> import siteselect as ss
    >>> issubclass(ss.DataQualityWarning, ss.SiteSelectWarning)
    True
    """


class ApproximationWarning(SiteSelectWarning):
    """A result rests on an approximation the reader should know of.

    Examples
    --------
    >>> import siteselect as ss
    >>> issubclass(ss.ApproximationWarning, ss.SiteSelectWarning)
    True
    """


def four_parts(asked: str, found: str, allowed: str, mend: str) -> str:
    """Join the four parts of a message into one sentence each.

    Examples
    --------
    >>> four_parts("a plan was asked for", "none exists", "limits that hold", "f(x)")
    'A plan was asked for. None exists. Wanted: limits that hold. Try: f(x).'
    """
    wanted = _plain(allowed)
    if wanted and not _SAYS_ALLOWED.search(wanted):
        wanted = f"Wanted: {wanted}"
    call = _plain(mend)
    if call and not _is_prose(call):
        call = f"Try: {call}"
    parts = (_plain(asked), _plain(found), wanted, call)
    sentences = [_sentence(part) for part in parts if part]
    return " ".join(s if s.endswith("?") else f"{s}." for s in sentences)


_SAYS_ALLOWED = re.compile(
    r"\b(allowed|allows|can|is|are|may|must|needed|needs)\b", re.I
)


#: No part of a message is longer: what is shown of a value may be a whole frame.
LONGEST_PART = 1_000


# How NumPy prints its numbers and texts: "np.int64(1)" for a bus that is called 1.
_NUMPY = re.compile(
    r"\bnp\.(?:(True|False)_|(?:bool|u?int|float|str|datetime|timedelta|u?long)\w*"
    r"\(('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^()'\"]*)\))"
)


# A hint (`nearest_name`) after what has no full stop of its own.
_ASKS = re.compile(r"(?<![.?!:]) Did you mean")


def _plain(part: str) -> str:
    # Here, because labels and values reach messages out of arrays in many places.
    line = " ".join(_NUMPY.sub(r"\1\2", part).split())
    line = _ASKS.sub(". Did you mean", line)
    if len(line) > LONGEST_PART:
        return line[: LONGEST_PART - 4] + " ..."
    return line.rstrip(".")


def _is_prose(part: str) -> bool:
    """Tell a sentence from code by its first two words."""
    first, second = [*part.split(), "", ""][:2]
    first = first.rstrip(".,:;")
    return first.isalpha() and (len(first) > 1 or first in "aA") and second != "="


def _sentence(part: str) -> str:
    """Start with a capital, unless it starts with a name from the code."""
    return part[0].upper() + part[1:] if _is_prose(part) else part


def all_of(errors: Sequence[SiteSelectError]) -> SiteSelectError:
    """Return one error that lists several, or the only one.

    Examples
    --------
    >>> all_of([StudyError("a"), LayerError("b")]).mistakes
    ('a', 'b')
    """
    if len(errors) == 1:
        return errors[0]
    told: list[str] = []
    for error in errors:
        told += getattr(error, "mistakes", ()) or (str(error),)
    return StudyError("\n".join(f"- {one}" for one in told), mistakes=told)


def said(value: object, longest: int = 80) -> str:
    """Return a value as one short line, whatever it is.

    Examples
    --------
    >>> said("300"), said([1, 2]), len(said(list(range(1000))))
    ("'300'", '[1, 2]', 80)
    """
    try:
        line = " ".join(repr(value).split())
    except Exception:  # An object may fail to describe itself.
        line = f"a {type(value).__name__}"
    return line if len(line) <= longest else line[: longest - 4] + " ..."


def check_given(
    value: object, has: Iterable[str], what: str, wanted: str, call: str
) -> None:
    """Refuse what is nothing like the thing that was asked for.

    Parameters
    ----------
    value : object
        What the caller gave.
    has : iterable of str
        Attributes that the thing has.
    what, wanted, call : str
        What is done with it, what it has to be, and a call that would do.

    Raises
    ------
    StudyError
        If an attribute is missing.

    Examples
    --------
    >>> check_given([1], ["append"], "A list is filled", "a list", "f([])")
    """
    if not all(hasattr(value, name) for name in has):
        raise StudyError(four_parts(what, f"it was given {said(value)}", wanted, call))


def shown(items: Iterable[object], limit: int = 5) -> str:
    """List at most ``limit`` items and count the rest."""
    listed = [str(item) for item in items]
    head = ", ".join(listed[:limit])
    rest = len(listed) - limit
    return f"{head} and {rest} more" if rest > 0 else head


def nearest_name(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known names, else ``""``.

    Examples
    --------
    >>> nearest_name("B300", ["H100", "B200", "GB300"], most=3)
    " Did you mean 'GB300' or 'B200'?"
    """
    close = [repr(x) for x in difflib.get_close_matches(name, list(known), n=most)]
    if not close:
        return ""
    head = ", ".join(close[:-1])
    return f" Did you mean {head + ' or ' if head else ''}{close[-1]}?"
