"""Names of columns, written when somebody reads them.

A million candidates have three million columns, of which a core takes some hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd


class SizeNames(Sequence[str]):
    """Names such as ``"s12 300 MW"``, one per column of a site and a size.

    Parameters
    ----------
    index : pandas.Index
        Labels of the sites.
    site : ndarray of int
        Position in ``index`` of each column.
    mw : ndarray
        Facility MW of each column.
    opens : ndarray of bool
        False for columns that add to another: ``"s12 +300 MW"``.
    more : tuple of str
        Names of what stands after them.
    which : ndarray of int, optional
        Option of each column, where sites have options.
    options : tuple of str
        Their names: ``"s12 300 MW closed loop"``.

    Examples
    --------
    >>> names = SizeNames(pd.Index(["a", "b"]), [0, 1], [100.0, 50.0], [True, False])
    >>> names[0], names[-1], len(names + ("total GW",))
    ('a 100 MW', 'b +50 MW', 3)
    """

    def __init__(
        self,
        index: pd.Index[Any],
        site: npt.ArrayLike,
        mw: npt.ArrayLike,
        opens: npt.ArrayLike,
        more: tuple[str, ...] = (),
        which: npt.ArrayLike | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self.labels = index
        self.site, self.mw = np.asarray(site), np.asarray(mw)
        self.opens, self.more = np.asarray(opens), more
        self.which = None if which is None else np.asarray(which)
        self.options = options

    def __len__(self) -> int:
        return int(self.site.size) + len(self.more)

    def take(self, columns: npt.ArrayLike) -> tuple[str, ...]:
        """Return the names of some columns, by their positions from the first."""
        at = np.asarray(columns, dtype=np.int64)
        own = at[at < self.site.size]
        labels = self.labels.take(self.site[own]).astype(str)
        mw, opens = self.mw[own].tolist(), self.opens[own].tolist()
        sized = zip(labels, mw, opens, strict=True)
        spelled = [f"{a} {'' if o else '+'}{m:g} MW" for a, m, o in sized]
        if self.which is not None:
            built = self.which[own].tolist()
            spelled = [
                f"{s} {self.options[k]}" for s, k in zip(spelled, built, strict=True)
            ]
        names = iter(spelled)
        k = int(self.site.size)
        return tuple(next(names) if c < k else self.more[c - k] for c in at.tolist())

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        found = range(len(self))[at]
        if isinstance(found, range):
            return self.take(np.arange(found.start, found.stop, found.step))
        return self.take([found])[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])

    def __add__(self, names: tuple[str, ...]) -> SizeNames:
        more = self.more + tuple(names)
        return SizeNames(
            self.labels,
            self.site,
            self.mw,
            self.opens,
            more,
            self.which,
            self.options,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self[:] == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def names_of(names: Sequence[str], columns: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Return the names of some columns."""
    if isinstance(names, SizeNames):
        return names.take(columns)
    return tuple(names[c] for c in columns.tolist())


__all__ = ["SizeNames", "names_of"]
