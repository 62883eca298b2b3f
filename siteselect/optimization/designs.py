"""Designs that a site may be built in, one of which the program chooses.

A site cooled by an adiabatic economiser needs less power and more water than the same
site with closed loops. Each design is an option: the columns that it names hold its
own figures, all others are those of the candidates. A column of the program is then a
site, a size and an option, and what reads a column by name reads the option's figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts
from siteselect.optimization.problem import (
    Bools,
    Floats,
    Ints,
    Quantity,
    quantity,
    truths,
)

#: By option: the columns that differ, each a column name, a number or a Series.
Options: TypeAlias = "Mapping[str, Mapping[str, Quantity] | pd.DataFrame]"

#: The choice of an option among the choices of limits; the column of a plan's sites.
DESIGN = "option"


class _Differs:
    """Stands where a site has no one figure: whatever is done with it is refused."""

    def __init__(self, column: str) -> None:
        self.column = column

    def __repr__(self) -> str:
        return "differs by option"

    def _refuse(self, *_: object) -> Any:
        raise StudyError(
            four_parts(
                f"column {self.column!r} was read by site",
                "it differs by option, so that a site has no one figure",
                "problem.per_column(column, limit): one figure per column of the "
                "program",
                f"problem.per_column({self.column!r}, self.name)",
            )
        )

    __float__ = __int__ = __bool__ = __neg__ = __abs__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __eq__ = __ne__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = _refuse
    __hash__ = object.__hash__


@dataclass(frozen=True, eq=False)
class Designs:
    """What differs between the options of each site.

    Parameters
    ----------
    names : tuple of str
        The options, in the order given.
    columns : tuple of str
        Columns that some option names.
    frame : geopandas.GeoDataFrame, n_sites rows
        The candidates as given; a column that only options have is NaN.
    figures : tuple of pandas.DataFrame
        By option: its columns, row by row those of ``frame``.
    offered : ndarray of bool, shape (n_sites, n_options)
        Where a site may be built that way.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    frame: gpd.GeoDataFrame = field(repr=False)
    figures: tuple[pd.DataFrame, ...] = field(repr=False)
    offered: Bools = field(repr=False)

    def take(self, rows: Ints) -> Designs:
        """Return the options of some rows of the frame."""
        return replace(
            self,
            frame=self.frame.iloc[rows],
            figures=tuple(f.iloc[rows] for f in self.figures),
            offered=self.offered[rows],
        )

    def within(self, able: Bools) -> Designs:
        """Return the options where they are offered and ``able`` holds as well."""
        return replace(self, offered=self.offered & able)

    def distinct(self) -> Designs:
        """Return the options that differ from those before them, site by site."""
        offered = self.offered.copy()
        values = [
            np.column_stack(
                [own[c] if c in own else self.frame[c] for c in self.columns]
                or [np.zeros(len(self.frame))]
            )
            for own in self.figures
        ]
        for k, later in enumerate(values):
            for j, earlier in enumerate(values[:k]):
                same = (later == earlier) | (np.isnan(later) & np.isnan(earlier))
                offered[:, k] &= ~(same.all(axis=1) & self.offered[:, j])
        return replace(self, offered=offered)

    def rows_of(self, k: int) -> Ints:
        """Return the rows that are offered the option at ``k``."""
        return np.flatnonzero(self.offered[:, k])

    def frame_of(self, k: int, only: Iterable[str] | None = None) -> gpd.GeoDataFrame:
        """Return the rows that are offered an option, with its figures.

        With ``only``, just these columns and the geometry.
        """
        frame, own = self.frame, self.figures[k]
        if only is not None:
            frame = frame[[*dict.fromkeys([*only, frame.geometry.name])]]
            own = own[[c for c in own.columns if c in set(only)]]
        rows = self.rows_of(k)
        if rows.size < len(frame):
            frame, own = frame.iloc[rows], own.iloc[rows]
        return frame.assign(**{str(c): own[c] for c in own.columns})

    def whole_frame_of(self, k: int) -> gpd.GeoDataFrame:
        """Return all rows with an option's figures; the candidates' where unknown."""
        own = self.figures[k]
        return self.frame.assign(
            **{str(c): own[c].fillna(self.frame[c]) for c in own.columns}
        )

    def veiled(self) -> gpd.GeoDataFrame:
        """Return the frame with columns that differ out of reach.

        Who reads one of them per site is told so, and gets no figure that holds for
        another option.
        """
        n = len(self.frame)
        veils = {c: np.full(n, _Differs(c), dtype=object) for c in self.columns}
        return self.frame.assign(**veils)

    def per_column(self, spec: str, limit: str, site: Ints, which: Ints) -> Floats:
        """Return a column that differs, for columns of a site and an option."""
        out = np.zeros(site.size)
        for k in range(len(self.names)):
            mine = which == k
            per_site = np.zeros(len(self.frame))
            values = quantity(
                self.frame_of(k, [spec]), spec, f"{limit} ({self.names[k]})"
            )
            per_site[self.rows_of(k)] = values
            out[mine] = per_site[site[mine]]
        return out

    def holds_per_column(
        self, where: str, limit: str, site: Ints, which: Ints
    ) -> Bools:
        """Return where a column that differs is true, by site and option."""
        out = np.zeros(site.size, dtype=bool)
        for k in range(len(self.names)):
            mine = which == k
            per_site = np.zeros(len(self.frame), dtype=bool)
            values = truths(
                self.frame_of(k, [where]), where, f"{limit} ({self.names[k]})"
            )
            per_site[self.rows_of(k)] = values
            out[mine] = per_site[site[mine]]
        return out

    def chosen(self, which: Ints) -> gpd.GeoDataFrame:
        """Return the frame with the figures of one option per site.

        Parameters
        ----------
        which : ndarray of int, shape (n_sites,)
            Option of each site; -1 for the first that it is offered.
        """
        which = np.where(which >= 0, which, np.argmax(self.offered, axis=1))
        changed = {}
        for name in self.columns:
            values = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            values = values.copy()
            for k, own in enumerate(self.figures):
                if name in own.columns:
                    mine = which == k
                    values[mine] = own[name].to_numpy()[mine]
            changed[name] = values
        return self.frame.assign(**changed)

    def series(self) -> list[pd.Series[Any]]:
        """Return all figures, by which candidates at one place are told apart."""
        return [own[name] for own in self.figures for name in own.columns]


def joined(tables: Sequence[Any], rows: Sequence[Ints]) -> Any:
    """Return the sizes of all options in one table, a site's together.

    Parameters
    ----------
    tables : sequence of SizeTable or PathTable
        By option, over the rows that are offered it.
    rows : sequence of ndarray of int
        Those rows.
    """
    site = np.concatenate(
        [own[t.site] for t, own in zip(tables, rows, strict=True)]
    ).astype(np.int64)
    order = np.argsort(site, kind="stable")
    which = np.repeat(np.arange(len(tables)), [t.site.size for t in tables])
    changed: dict[str, Any] = {}
    for f in fields(tables[0]):
        if f.name in ("site", "option"):
            continue
        parts = [getattr(t, f.name) for t in tables]
        known = parts[0] is not None
        changed[f.name] = np.concatenate(parts)[order] if known else None
    return replace(
        tables[0],
        site=site[order],
        option={DESIGN: which[order].astype(np.int64)},
        **changed,
    )


__all__ = ["DESIGN", "Designs", "Options", "joined"]
