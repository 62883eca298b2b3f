"""What a user says of options, read and checked, and what does not go with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, said, shown
from siteselect.optimization.designs import DESIGN, Designs
from siteselect.optimization.limits import PEAK_RATIO
from siteselect.optimization.problem import (
    Bools,
    Floats,
    Ints,
    as_floats,
    column_of,
    held,
    number,
)

#: Columns that a plan writes, or that are about a site whatever is built there.
TAKEN = ("mw", "cost_usd", "why", DESIGN, "excluded_by")


def read_designs(options: Any, sites: gpd.GeoDataFrame) -> Designs:
    """Read ``options`` over all candidates, or say what is wrong with them.

    Examples
    --------
    >>> sites = gpd.GeoDataFrame(
    ...     {"water": [900.0, 800.0]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> dry = {"water": pd.Series([10.0, None])}
    >>> found = read_designs({"wet": {}, "dry": dry}, sites)
    >>> found.names, found.offered.tolist()
    (('wet', 'dry'), [[True, True], [True, False]])
    """
    if not isinstance(options, Mapping) or not options:
        raise StudyError(
            four_parts(
                f"options={said(options)} was asked for",
                "it is empty"
                if isinstance(options, Mapping)
                else f"that is {type(options).__name__}",
                "a mapping from the name of an option to the columns that differ",
                "options={'closed loop': {'water_m3_per_mw_year': 'dry_water'}}",
            )
        )
    names = _names(options)
    if DESIGN in sites.columns:
        raise StudyError(
            four_parts(
                "options were asked for",
                f"the candidates have a column {DESIGN!r}, which clashes with the one "
                "that a plan writes",
                f"candidates without a column {DESIGN!r}",
                f"sites.rename(columns={{{DESIGN!r}: 'kind'}})",
            )
        )
    read = {name: _figures(name, options[name], sites) for name in names}
    given = [str(c) for figures in read.values() for c in figures]
    columns = tuple(dict.fromkeys(given))
    new = [c for c in columns if c not in sites.columns]
    for column in new:
        lacks = [name for name in names if column not in read[name]]
        if lacks:
            known = [str(c) for c in sites.columns]
            raise StudyError(
                four_parts(
                    f"an option names column {column!r}",
                    f"the candidates have no such column, nor has {shown(lacks)}."
                    + nearest_name(column, known).rstrip("."),
                    "a column of the candidates, or one that every option names",
                    f"sites[{column!r}] = ..., or {column!r} in every option",
                )
            )
    base = {c: np.nan if c in new else _base(c, sites) for c in columns}
    frame = sites.assign(**base)
    tables = tuple(pd.DataFrame(read[n], index=sites.index) for n in names)
    offered = np.column_stack(
        [t.notna().all(axis=1).to_numpy(dtype=bool) for t in tables]
    )
    return Designs(names, columns, frame, tables, offered)


def _base(column: str, sites: gpd.GeoDataFrame) -> Floats:
    """Return the candidates' own figures of a column that differs."""
    read = column_of(sites, column, "options")
    values = as_floats(read)
    if values is None:
        raise StudyError(
            four_parts(
                f"options gives column {column!r} other figures",
                f"among the candidates {held(read)}",
                "a column of numbers",
                f"pandas.to_numeric(sites[{column!r}])",
            )
        )
    return values


def _names(options: Mapping[Any, Any]) -> tuple[str, ...]:
    spelled: dict[str, Any] = {}
    for name in options:
        if not isinstance(name, str) or not name.strip():
            raise StudyError(
                four_parts(
                    f"options names an option {said(name)}",
                    f"that is {type(name).__name__}"
                    if not isinstance(name, str)
                    else "that is blank",
                    "a short text such as 'closed-loop liquid'",
                    "options={'closed-loop liquid': {...}}",
                )
            )
        # As a solver's file would spell it.
        plain = re.sub(r"\W+", "_", name).strip("_").casefold()
        if plain in spelled:
            raise StudyError(
                four_parts(
                    f"options names {spelled[plain]!r} and {name!r}",
                    "the two names clash: they differ in spaces, case or signs only",
                    "names that differ in a letter or a figure",
                    f"options={{{name + ' 2'!r}: ...}}",
                )
            )
        spelled[plain] = name
    return tuple(options)


def _figures(
    option: str, given: Any, sites: gpd.GeoDataFrame
) -> dict[str, pd.Series[Any]]:
    """Return the columns that an option names, row by row those of ``sites``."""
    if not isinstance(given, Mapping | pd.DataFrame):
        raise StudyError(
            four_parts(
                f"options gives {option!r} as {said(given)}",
                f"that is {type(given).__name__}",
                "a mapping from column to number, Series or column name, or a frame",
                f"options={{{option!r}: {{'pue': 1.2}}}}",
            )
        )
    if isinstance(given, pd.DataFrame) and not given.columns.is_unique:
        raise StudyError(
            four_parts(
                f"options gives {option!r} as a frame",
                "a column of it exists more than once",
                "one column of each name",
                "use frame.loc[:, ~frame.columns.duplicated()]",
            )
        )
    place = sites._geometry_column_name
    found: dict[str, pd.Series[Any]] = {}
    for column in given:
        spec = given[column]
        if isinstance(given, pd.DataFrame) and _is_same(given, column, sites):
            continue
        if not isinstance(column, str) or column in (*TAKEN, place):
            raise StudyError(
                four_parts(
                    f"option {option!r} names column {said(column)}",
                    "that is what the plan writes, or the same whatever is built"
                    if isinstance(column, str)
                    else f"that is {type(column).__name__}",
                    "a column of figures that a limit, a cost or the objective reads",
                    "options={'dry': {'water_m3_per_mw_year': 10.0}}",
                )
            )
        found[column] = _figure(option, column, spec, sites)
    return found


def _is_same(given: pd.DataFrame, column: Any, sites: gpd.GeoDataFrame) -> bool:
    """Return whether a frame has a column only because the candidates do."""
    if column == getattr(given, "_geometry_column_name", None):
        return True
    where = _places(given.index, sites.index)
    if column not in sites.columns or (where < 0).any():
        return False
    own = given[column].iloc[where].set_axis(sites.index)
    return bool(own.equals(sites[column]))


def _places(index: pd.Index[Any], labels: pd.Index[Any]) -> Ints:
    """Return where labels stand in an index, -1 where they do not."""
    if index.nlevels > 1 or not index.is_unique:
        return np.full(len(labels), -1, dtype=np.int64)
    # As objects: an index of another type holds none of the labels.
    found = index.astype(object).get_indexer(labels.astype(object))
    return np.asarray(found, dtype=np.int64)


def _figure(
    option: str, column: str, spec: Any, sites: gpd.GeoDataFrame
) -> pd.Series[Any]:
    what = f"option {option!r}, column {column!r}"
    if isinstance(spec, str):
        spec = column_of(sites, spec, what)
    if isinstance(spec, bool | np.bool_):
        spec = float(spec)
    if not isinstance(spec, pd.Series):
        return pd.Series(number(spec, what), index=sites.index)
    where = _places(spec.index, sites.index)
    lost = sites.index[where < 0]
    if not spec.index.is_unique or len(lost):
        raise StudyError(
            four_parts(
                f"{what}, is a Series keyed by site",
                "its index has repeated labels"
                if not spec.index.is_unique
                else f"its index is not that of the candidates: {len(lost):,} of "
                f"{len(sites):,} are not in it, such as {said(lost[0])}",
                "one figure per candidate; NaN where the option is not offered",
                "use series.reindex(sites.index)",
            )
        )
    spec = spec.iloc[where].set_axis(sites.index)
    values = as_floats(spec)
    if values is None:
        raise StudyError(
            four_parts(
                f"{what}, is read as numbers",
                held(spec),
                "a number, or a column or Series of numbers",
                f"pandas.to_numeric(sites[{column!r}])",
            )
        )
    return pd.Series(values, index=sites.index)


def refuse_beside(
    designs: Designs, request: Any, limits: Sequence[Any], objective: Any
) -> None:
    """Refuse what does not go with options, by name.

    A limit says in ``by_option`` which of its fields may name a column that differs.
    """
    if request.existing is not None and len(request.existing):
        raise StudyError(
            four_parts(
                "options and existing were asked for together",
                "how a site that stands was built is not known",
                "options for sites that are built anew",
                "a capacity less what stands, with its use taken off the limits",
            )
        )
    if any(limit.name == DESIGN for limit in limits):
        raise StudyError(
            four_parts(
                f"a limit is named {DESIGN!r}",
                "that name clashes with the choice among options",
                f"any name but {DESIGN!r}",
                "give it another name",
            )
        )
    for one in (*limits, objective):
        allowed = getattr(one, "by_option", ())
        for what, spec in _read(one):
            if what not in allowed and spec in designs.columns:
                raise StudyError(
                    four_parts(
                        f"{one.name!r} reads {what or 'its figures'} from column "
                        f"{spec!r}",
                        "that column differs by option, and there it is read by site",
                        "a column that no option names",
                        f"a copy: sites.assign(same=sites[{spec!r}])"
                        if spec in request.sites
                        else "a column of its own",
                    )
                )


def _read(one: Any) -> list[tuple[str, str]]:
    """Return the texts that the fields of a limit hold, with their field."""
    if not is_dataclass(one) or isinstance(one, type):
        uses: tuple[Any, ...] = getattr(one, "uses", tuple)()
        return [("", spec) for spec in _texts(uses)]
    return [
        (f.name, spec)
        for f in fields(one)
        if f.name not in ("name", "unit")
        for spec in _texts([getattr(one, f.name)])
    ]


def _texts(specs: Iterable[Any]) -> list[str]:
    out: list[str] = []
    for spec in specs:
        if isinstance(spec, str):
            out.append(spec)
        elif isinstance(spec, Mapping):
            out.extend(_texts(spec.values()))
        elif isinstance(spec, tuple | list):
            out.extend(_texts(spec))
        elif is_dataclass(spec) and not isinstance(spec, type):
            # A bound by year.
            out.extend(_texts(getattr(spec, f.name) for f in fields(spec)))
    return out


def notes_of(
    designs: Designs, able: Bools, used: Iterable[Any], request: Any
) -> list[str]:
    """Return where options are not offered, and what of them counts for nothing."""
    notes = []
    for k, name in enumerate(designs.names):
        lacks = int((able & ~designs.offered[:, k]).sum())
        if lacks:
            notes.append(
                f"{lacks:,} of {int(able.sum()):,} eligible candidates are not offered "
                f"{name!r}: a figure of it is missing, or it has no room there"
            )
    if PEAK_RATIO in designs.columns and request.it_mw is None:
        notes.append(
            f"{PEAK_RATIO!r} differs by option, so that a facility MW hosts more IT "
            "power in one than in another: it_mw= holds them to the same"
        )
    read = {spec for spec in used if isinstance(spec, str)} | {PEAK_RATIO}
    # A whole frame brings along columns that nobody asked for.
    given = [v for v in request.options.values() if not isinstance(v, pd.DataFrame)]
    named = {column for columns in given for column in columns}
    idle = [c for c in designs.columns if c in named and c not in read]
    if idle:
        notes.append(
            f"by option differs {shown(map(repr, idle))}, which no limit, cost or "
            "objective is known to read"
        )
    return notes


__all__ = ["notes_of", "read_designs", "refuse_beside"]
