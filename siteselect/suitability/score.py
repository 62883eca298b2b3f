"""Scoring: raw figures, values, contributions, score, and what is missing."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    SiteSelectError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers import check
from siteselect.suitability.aggregation import Aggregate, as_aggregate
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.exclusions import Keep, Rule, judged
from siteselect.suitability.measures import Measured, Measurement
from siteselect.suitability.queries import Layers, Queries
from siteselect.suitability.values import ValueFunction
from siteselect.suitability.weights import normalize_weights

Floats = npt.NDArray[np.float64]

_TABLE = (
    "score",
    "score_low",
    "score_high",
    "coverage",
    "excluded_by",
    "fallbacks",
)
#: A rounding of a user's own value function that is forgiven at 0 and 1.
_ROUNDING = 1e-12

#: Pandas warns from 100 blocks on.
_MANY_COLUMNS = 80

__all__ = ["eligibility", "score_sites"]


def score_sites(
    sites: gpd.GeoDataFrame,
    criteria: Sequence[Criterion],
    *,
    exclude: Sequence[Rule] = (),
    aggregate: Aggregate | str = "weighted_sum",
) -> gpd.GeoDataFrame:
    r"""Score candidates by weighted criteria, keeping what is unknown unknown.

    Each criterion measures every candidate and maps the figure to a value in
    [0, 1] by stated references; the score is the sum of weight times value, or
    what another aggregate makes of weights and values. Candidates do not
    influence each other: adding, dropping or reordering rows changes no score.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates with a unique index; not changed.
    criteria : sequence of Criterion
        With different names and at least one weight above 0.
    exclude : sequence of Exclusion or callable, optional
        `Inside`, `Near`, `Where`, or functions frame -> boolean Series.
    aggregate : Aggregate, default "weighted_sum"
        How values become a score: `WeightedSum`, `GeometricMean`, `OWA`,
        `Minimum` or `ReferencePoint`.

    Returns
    -------
    geopandas.GeoDataFrame
        All rows and columns of ``sites`` in their order, and

        - ``<name>_raw``: measured figure [unit of the criterion],
        - ``<name>_value``: its value in [0, 1] [-],
        - ``<name>_contribution``: normalized weight times value [-], or what the
          aggregate says it is,
        - ``score``: sum of the contributions [-]; NaN unless all criteria of
          positive weight are known and nothing excludes the candidate,
        - ``score_low``, ``score_high``: what the score can still be [-], with the
          value 0 or 1 for each unknown criterion; NaN where the candidate is
          known to be excluded, whatever else is unknown,
        - ``coverage``: share of the weight that is known [-],
        - ``excluded_by``: names of exclusions joined by ``;``, else ``""``,
        - ``fallbacks``: number of criteria answered from nearby [count].

        ``attrs["siteselect"]["criteria"]`` describes the criteria as plain
        dicts, with ``weight`` normalized and ``given_weight`` as given, and
        ``"aggregation"`` the aggregate. Columns of an earlier scoring are
        replaced.

    Raises
    ------
    StudyError, LayerError
        If a criterion, weight, exclusion or column cannot be used; the message
        names it.

    Notes
    -----
    .. math:: s_i = \sum_c w_c \, v_c(x_{ic}), \qquad \sum_c w_c = 1

    A criterion of weight 0 is shown and contributes 0; it may be unknown.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Column, Falling, Rising
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [300.0, 900.0], "slope_pct": [1.0, None]},
    ...     geometry=[Point(0, 0), Point(1, 0)], crs=4326, index=["a", "b"],
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("size", Column("acres"), Rising(100, 500), weight=3),
    ...     Criterion("flat", Column("slope_pct"), Falling(1, 8)),
    ... ])
    >>> scored["score"].tolist()
    [0.625, nan]
    >>> scored["coverage"].tolist()
    [1.0, 0.75]
    """
    return score_with(Layers(), sites, criteria, exclude=exclude, aggregate=aggregate)


def score_with(
    layers: Layers,
    sites: gpd.GeoDataFrame,
    criteria: Sequence[Criterion],
    *,
    exclude: Sequence[Rule] = (),
    aggregate: Aggregate | str = "weighted_sum",
) -> gpd.GeoDataFrame:
    """Score as `score_sites`, with layers that other frames ask too."""
    _check_sites(sites)
    criteria = _checked_criteria(criteria)
    rules = _named_rules(exclude)
    names = [criterion.name for criterion in criteria]
    weights = normalize_weights([c.weight for c in criteria], names=names)
    way = as_aggregate(aggregate, names)
    columns, earlier = _new_columns(sites, names)
    queries = Queries(sites, layers)

    n = len(sites)
    table: dict[str, Any] = {}
    values: list[Floats] = []
    coverage = np.zeros(n)
    is_known = np.ones(n, dtype=bool)
    fallbacks = np.zeros(n, dtype=np.int64)
    for criterion, weight in zip(criteria, weights, strict=True):
        with _named(f"Criterion {criterion.name!r}"):
            found = _measured(criterion, queries)
            raw, value = _valued(criterion, found.values)
        has_value = ~np.isnan(value)
        values.append(value)
        table[f"{criterion.name}_raw"] = raw
        table[f"{criterion.name}_value"] = value
        coverage += np.where(has_value, weight, 0.0)
        is_known &= has_value | (weight == 0)
        fallbacks += found.is_fallback
    coverage = np.where(is_known, 1.0, np.minimum(coverage, 1.0))
    excluded_by = np.full(n, "", dtype=object)
    is_out = np.zeros(n, dtype=bool)
    for step in judged(rules, queries, _named):
        excluded_by = step.applied(excluded_by)
        is_out = step.known_out(is_out)
    # Its answers are many, and the rest of the table needs the room.
    del queries
    score, parts = way.combine(values, weights, names)
    low, high = (
        _if_unknown(worst, values, weights, names, way, score) for worst in (0.0, 1.0)
    )
    table |= {f"{n}_contribution": part for n, part in zip(names, parts, strict=True)}

    table["score"] = np.where(is_known & (excluded_by == ""), score, np.nan)
    table["score_low"] = np.where(is_out, np.nan, low)
    table["score_high"] = np.where(is_out, np.nan, high)
    table["coverage"] = coverage
    table["excluded_by"] = pd.Series(excluded_by, index=sites.index, dtype="str")
    table["fallbacks"] = fallbacks

    # Columns are not copied into one block, unless they are so many that pandas
    # would call the frame fragmented.
    added = pd.DataFrame(
        {c: table[c] for c in columns},
        index=sites.index,
        copy=len(columns) > _MANY_COLUMNS,
    )
    kept = pd.DataFrame(sites).drop(columns=earlier)
    scored = gpd.GeoDataFrame(
        pd.concat([kept, added], axis=1),
        geometry=sites.geometry.name,
        crs=sites.crs,
        copy=False,
    )
    scored.attrs = copy.deepcopy(dict(sites.attrs))
    scored.attrs["siteselect"] = {
        **scored.attrs.get("siteselect", {}),
        "criteria": [
            c.describe() | {"weight": float(w), "given_weight": float(c.weight)}
            for c, w in zip(criteria, weights, strict=True)
        ],
        "exclusions": [name for name, rule in rules if not isinstance(rule, Keep)],
        "aggregate": way.name,
        "aggregation": way.describe(),
    }
    return scored


def eligibility(
    scored: gpd.GeoDataFrame,
    *,
    by: str | None = "state",
    capacity: str = "capacity_mw",
) -> pd.DataFrame:
    """Count which candidates are eligible, and what takes the others out.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned.
    by : str or None, default "state"
        Column to group by; None for the whole frame only. Rows without a
        group are counted under ``"(none)"``.
    capacity : str, default "capacity_mw"
        Column that must be above 0 for a candidate to be eligible; not asked
        where the frame has no such column.

    Returns
    -------
    pandas.DataFrame
        One row per group and a last row ``"all"``, with ``candidates``,
        ``eligible``, ``excluded``, ``unknown`` (not excluded, but the score is
        unknown for want of data), ``no_capacity``, which add up;
        ``unknown_share`` of the candidates [-]; ``with_fallback``; then one
        column ``unknown: <criterion>`` per criterion (of all candidates,
        excluded or not) and ``excluded: <name>`` per exclusion.

    Raises
    ------
    LayerError
        If the frame was not scored, or has no column ``by``.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Column, Rising
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [300.0, None], "state": ["TX", "TX"]},
    ...     geometry=[Point(0, 0), Point(1, 0)], crs=4326,
    ... )
    >>> scored = score_sites(sites, [Criterion("size", Column("acres"), Rising(1, 9))])
    >>> eligibility(scored).loc["TX", ["candidates", "eligible", "unknown"]].tolist()
    [2, 1, 1]
    """
    if not isinstance(scored, pd.DataFrame):
        raise LayerError(
            four_parts(
                "Eligibility reads scored candidates",
                f"found {said(scored)} ({type(scored).__name__})",
                "allowed are frames from score_sites",
                "score first: eligibility(score_sites(sites, criteria))",
            )
        )
    for column in ("score", "excluded_by", *([by] if by is not None else [])):
        if column not in scored.columns:
            raise LayerError(
                four_parts(
                    f"Eligibility reads column {column!r}",
                    f"it is missing.{nearest_name(column, map(str, scored.columns))}",
                    f"allowed are frames from score_sites, here with "
                    f"{shown(scored.columns, 8)}",
                    "score first, or pass by=None or another column",
                )
            )
    n = len(scored)
    # Some file formats write an empty text as missing.
    code, texts = pd.factorize(scored["excluded_by"].astype(object).fillna(""))
    parts = [set(str(text).split(";")) - {""} for text in texts]
    excluded = np.array([bool(part) for part in parts], dtype=bool)[code]
    unknown = ~excluded & scored["score"].isna().to_numpy()
    empty = np.zeros(n, dtype=bool)
    if capacity in scored.columns:
        has_capacity = (scored[capacity] > 0).fillna(False).to_numpy(dtype=bool)
        empty = ~excluded & ~unknown & ~has_capacity
    flags: dict[str, Any] = {
        "candidates": np.ones(n, dtype=bool),
        "eligible": ~(excluded | unknown | empty),
        "excluded": excluded,
        "unknown": unknown,
        "no_capacity": empty,
        "with_fallback": scored.get("fallbacks", pd.Series(0, scored.index)) > 0,
    }
    noted = scored.attrs.get("siteselect", {})
    for criterion in noted.get("criteria", []):
        name = criterion["name"]
        if f"{name}_value" in scored:
            flags[f"unknown: {name}"] = scored[f"{name}_value"].isna().to_numpy()
    known_names = list(noted.get("exclusions", []))
    for name in [*known_names, *sorted(set().union(*parts) - set(known_names))]:
        flags[f"excluded: {name}"] = np.array([name in p for p in parts], bool)[code]
    counts = pd.DataFrame(flags, index=scored.index).astype(np.int64)
    total = counts.sum().to_frame("all").T
    if by is None:
        table = total
    else:
        groups = scored[by].astype(object).where(scored[by].notna(), "(none)")
        table = pd.concat([counts.groupby(groups.to_numpy()).sum(), total])
    share = table["unknown"] / table["candidates"].where(table["candidates"] > 0)
    table.insert(5, "unknown_share", share)
    table.index.name = by if by is not None else "group"
    return table


def _check_sites(sites: gpd.GeoDataFrame) -> None:
    """Refuse frames whose rows cannot be told apart."""
    if not isinstance(sites, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                "Candidates are scored as a frame with geometry",
                f"found {type(sites).__name__}",
                "allowed is a GeoDataFrame",
                "make one with read_layer(...) or grid_candidates(...)",
            )
        )
    if sites._geometry_column_name not in sites.columns:
        raise LayerError(
            four_parts(
                "Candidates are scored as a frame with geometry",
                "found no active geometry column",
                "allowed is one active geometry column",
                "call sites.set_geometry(...)",
            )
        )
    if not sites.index.is_unique:
        again = sites.index[sites.index.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Candidates are known by their index label",
                f"found labels more than once: {shown(again)}",
                "allowed is one row per label",
                "call sites.reset_index(drop=True)",
            )
        )
    at = np.flatnonzero(check.unlabeled(sites.index))
    if len(at):
        raise LayerError(
            four_parts(
                "Candidates are known by their index label",
                f"found no label (NaN) at position {shown(at)}",
                "allowed is one label per row",
                "call sites.reset_index(drop=True)",
            )
        )
    if sites.columns.nlevels > 1:
        raise LayerError(
            four_parts(
                "Candidates' columns are known by name",
                f"found names of {sites.columns.nlevels} levels, e.g. "
                f"{sites.columns[0]!r}",
                "allowed is one name per column",
                "join the levels, e.g. sites.columns = sites.columns.map('_'.join)",
            )
        )
    if not sites.columns.is_unique:
        again = sites.columns[sites.columns.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Candidates' columns are known by name",
                f"found columns more than once: {shown(again)}",
                "allowed is one column per name",
                "rename or drop the others",
            )
        )


def _if_unknown(
    value: float,
    values: Sequence[Floats],
    weights: Floats,
    names: Sequence[str],
    way: Aggregate,
    score: Floats,
) -> Floats:
    """Return the score with ``value`` in place of all that is unknown."""
    unknown = np.flatnonzero(np.isnan(score))
    if not len(unknown):
        return score
    # Aggregates never fall where a value rises, so 0 and 1 are the ends.
    some = [v[unknown] for v in values]
    filled = [np.where(np.isnan(v), value, v) for v in some]
    end = score.copy()
    end[unknown] = way.combine(filled, weights, names)[0]
    return end


def _checked_criteria(criteria: Sequence[Criterion]) -> list[Criterion]:
    """Refuse no criteria, other things, and names used twice."""
    if isinstance(criteria, Criterion):
        criteria = [criteria]
    listed = [] if criteria is None else list(criteria)
    if not listed:
        raise StudyError(
            four_parts(
                "Scoring takes criteria",
                "found none",
                "allowed is one or more",
                "pass for instance presets.training(layers)",
            )
        )
    for item in listed:
        if not isinstance(item, Criterion):
            raise StudyError(
                four_parts(
                    "Scoring takes criteria",
                    f"found {item!r} ({type(item).__name__})",
                    "allowed are Criterion objects",
                    "write Criterion(name, measure, value, weight=...)",
                )
            )
    _refuse_repeats("criterion", [item.name for item in listed])
    return listed


def _named_rules(exclude: Sequence[Rule]) -> list[tuple[str, Rule]]:
    """Give each exclusion its name; refuse names used twice."""
    given: Any = exclude
    if given is None:
        given = ()
    if callable(given):
        given = [given]
    rules: list[tuple[str, Rule]] = []
    for position, rule in enumerate(given, start=1):
        if not callable(rule) or isinstance(rule, type):
            raise StudyError(
                four_parts(
                    "Exclusions take candidates out",
                    f"found {rule!r} at place {position}",
                    "allowed are Inside, Near, Where, or a function frame -> Series",
                    "write for instance exclude=[Near(lakes, km=0.5)]",
                )
            )
        name = str(getattr(rule, "name", "") or getattr(rule, "__name__", ""))
        if not name or name == "<lambda>":
            name = f"exclusion {position}"
        rules.append((name.replace(";", ","), rule))
    _refuse_repeats("exclusion", [name for name, _ in rules])
    return rules


def _refuse_repeats(kind: str, names: list[str]) -> None:
    """Refuse a name used twice."""
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        raise StudyError(
            four_parts(
                f"Each {kind} has its own name",
                f"found {shown(map(repr, again))} more than once",
                f"allowed is one {kind} per name",
                f"rename one, e.g. {again[0] + ' 2'!r}",
            )
        )


def _new_columns(
    sites: gpd.GeoDataFrame, names: list[str]
) -> tuple[list[str], list[str]]:
    """Columns to add and those of an earlier scoring; refuse to hide a user's own."""
    columns = [*_criterion_columns(names), *_TABLE]
    _refuse_repeats("column", columns)
    noted = sites.attrs.get("siteselect", {}).get("criteria", [])
    ours = _criterion_columns([criterion["name"] for criterion in noted])
    earlier = [c for c in sites.columns if noted and c in {*ours, *_TABLE}]
    taken = [c for c in columns if c in sites.columns and c not in earlier]
    if taken:
        raise StudyError(
            four_parts(
                f"Scoring adds column {taken[0]!r}",
                f"the candidates already have {shown(map(repr, taken))}",
                "allowed are names the frame does not use",
                f"rename the criterion, or drop it: sites.drop(columns={taken[:5]})",
            )
        )
    return columns, earlier


def _criterion_columns(names: list[str]) -> list[str]:
    """Columns that belong to criteria of these names."""
    return [f"{n}_{part}" for n in names for part in ("raw", "value", "contribution")]


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Put the name of the criterion or exclusion before a message."""
    try:
        yield
    except SiteSelectError as error:
        text = str(error)
        if what.lower() in text.lower():
            raise
        raise type(error)(f"{what}: {text}") from error
    except Exception as error:
        error.add_note(f"raised while scoring: {what}")
        raise


def _measured(criterion: Criterion, queries: Queries) -> Measured:
    """Measure all sites, checking a user's own function."""
    if isinstance(criterion.measure, Measurement):
        return criterion.measure.answer(queries)
    sites = queries.sites
    found: Any = criterion.measure(sites.copy())
    if not isinstance(found, pd.Series) or not found.index.equals(sites.index):
        if isinstance(found, pd.Series):
            stray = found.index.difference(sites.index, sort=False)
            wrong = f"a Series of {len(found)} rows with another index" + (
                f", e.g. {shown(map(repr, stray), 3)}" if len(stray) else ""
            )
        else:
            wrong = type(found).__name__
        raise StudyError(
            four_parts(
                f"Criterion {criterion.name!r} measures {len(sites)} candidates",
                f"its function returned {wrong}",
                "allowed is a Series with the candidates' index, in their order",
                "end the function with .reindex(sites.index)",
            )
        )
    return Measured(found, np.zeros(len(sites), dtype=bool))


def _valued(criterion: Criterion, found: pd.Series[Any]) -> tuple[Any, Floats]:
    """Return the raw column and its values, both checked."""
    raw = _raw(criterion, found)
    # A copy, so that a user's own function cannot change the raw column.
    answer: Any = criterion.value(raw.copy())
    try:
        if np.iscomplexobj(answer):
            raise TypeError("complex numbers")
        value = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise StudyError(
            four_parts(
                f"The value function of criterion {criterion.name!r} gives numbers",
                f"found {said(answer)}",
                "allowed are numbers from 0 (worst) to 1 (best), NaN where unknown",
                "use Categories({...}) to value labels",
            )
        ) from None
    if value.shape != (len(found),):
        raise StudyError(
            four_parts(
                f"The value function of criterion {criterion.name!r} answers per site",
                f"found shape {value.shape} for {len(found)} sites",
                "allowed is one value per raw figure",
                "write the function over the whole array",
            )
        )
    filled = found.isna().to_numpy(dtype=bool) & ~np.isnan(value)
    if filled.any():
        at = np.flatnonzero(filled)
        raise StudyError(
            four_parts(
                f"Criterion {criterion.name!r} keeps what is unknown unknown",
                f"its value function made {value[at[0]]:g} of a missing figure "
                f"in row {found.index[at[0]]!r}",
                "allowed is NaN where the raw figure is NaN",
                "fill the figure in the measurement instead, and say so",
            )
        )
    outside = (value < -_ROUNDING) | (value > 1 + _ROUNDING)
    if outside.any():
        at = np.flatnonzero(outside)
        raise StudyError(
            four_parts(
                f"Column '{criterion.name}_value' of criterion {criterion.name!r} "
                "holds values in [0, 1]",
                f"found {value[at[0]]:g} in row {found.index[at[0]]!r} and "
                f"{len(at) - 1} more rows outside",
                "allowed are 0 (worst) to 1 (best), NaN where unknown",
                "clip or rescale in the value function, or use Rising/Falling",
            )
        )
    is_label = raw.dtype == object
    return (found.copy() if is_label else raw), np.clip(value, 0.0, 1.0)


def _raw(criterion: Criterion, found: pd.Series[Any]) -> npt.NDArray[Any]:
    """Return figures as float64, or labels as objects where they are wanted."""
    if (
        pd.api.types.is_numeric_dtype(found)
        or pd.api.types.is_bool_dtype(found)
        or found.isna().all()
    ) and not pd.api.types.is_complex_dtype(found):
        # A copy: it becomes a column, and the figures may be a user's own.
        raw = found.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        at = np.flatnonzero(np.isinf(raw))
        if len(at):
            raise StudyError(
                four_parts(
                    f"Column '{criterion.name}_raw' of criterion {criterion.name!r} "
                    "holds figures",
                    f"found {raw[at[0]]} in row {found.index[at[0]]!r} and "
                    f"{len(at) - 1} more infinite rows",
                    "allowed are finite numbers, or NaN where unknown",
                    "replace it, e.g. .replace([np.inf, -np.inf], np.nan)",
                )
            )
        return raw
    value = criterion.value
    if isinstance(value, ValueFunction) and not value.takes_labels:
        known = found.dropna()
        raise StudyError(
            four_parts(
                f"Criterion {criterion.name!r} values figures with "
                f"{type(value).__name__}",
                f"column {found.name!r} holds {found.dtype}, e.g. {known.iloc[0]!r} in "
                f"row {known.index[0]!r}",
                "allowed are numbers",
                "use Categories({...}) for labels, or turn text into numbers first, "
                f"e.g. pd.to_numeric(sites[{found.name!r}].str.replace(',', ''))",
            )
        )
    return found.astype(object).where(found.notna(), None).to_numpy(dtype=object)
