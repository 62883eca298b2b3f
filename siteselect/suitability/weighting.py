"""Ways to find weights: by hand, from ranks, from swings, from the figures.

Every way returns `Weights`: a mapping of criterion name to weight, with a table
of what it was made from. `with_weights` gives them to criteria.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    StudyError,
    check_given,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.value_function import is_number
from siteselect.suitability.weights import normalize_weights

Floats = npt.NDArray[np.float64]
RankMethod = Literal["centroid", "sum", "reciprocal"]

__all__ = [
    "Weights",
    "critic_weights",
    "direct_weights",
    "entropy_weights",
    "group_weights",
    "rank_weights",
    "swing_weights",
    "with_weights",
]


@dataclass(frozen=True, eq=False)
class Weights(Mapping[str, float]):
    """Weights by criterion that sum to one, and what they were made from.

    Parameters
    ----------
    method : str
        How they were found.
    table : pandas.DataFrame
        One row per criterion: ``weight`` [-] and what it rests on.
    notes : mapping of str to float
        Figures of the whole, e.g. a consistency ratio or a count of rows.
    asked : mapping
        The call they came from, in plain types, for a study file.

    See Also
    --------
    weights_from_dict : Weights from what `to_dict` returns.

    Examples
    --------
    >>> found = direct_weights({"grid": 3, "fiber": 1})
    >>> dict(found), found.method
    ({'grid': 0.75, 'fiber': 0.25}, 'direct')
    """

    method: str
    table: pd.DataFrame
    notes: Mapping[str, float] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what the weights were made from, as a record of a study file.

        Returns
        -------
        dict
            ``kind`` is the name of the function, the rest are its arguments.
            Weights that came from the candidates' figures (`entropy_weights`,
            `critic_weights`) are stored as they were found, for a file does not
            hold the candidates.

        Examples
        --------
        >>> direct_weights({"grid": 3, "fiber": 1}).to_dict()
        {'kind': 'direct_weights', 'points': {'grid': 3.0, 'fiber': 1.0}}
        """
        if self.asked:
            return copy.deepcopy(dict(self.asked))
        return {"kind": "Weights", "method": self.method, "weights": dict(self)}

    def __getitem__(self, name: str) -> float:
        """Return the weight of one criterion."""
        if name not in self.table.index:
            raise KeyError(name)
        return float(self.table["weight"][name])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the criteria."""
        return iter(map(str, self.table.index))

    def __len__(self) -> int:
        """Return the number of criteria."""
        return len(self.table)

    def __repr__(self) -> str:
        """Return the table, and the notes below it."""
        notes = ", ".join(f"{key} {value:.4g}" for key, value in self.notes.items())
        head = f"weights: {self.method}" + (f" ({notes})" if notes else "")
        return f"{head}\n{self.table.to_string(float_format='{:.4g}'.format)}"


def direct_weights(points: Mapping[str, float]) -> Weights:
    """Return weights given directly, in any unit.

    Parameters
    ----------
    points : mapping of str to float
        Criterion to importance, none negative and not all 0 [-].

    Returns
    -------
    Weights

    Raises
    ------
    StudyError
        If the points cannot be used.

    Examples
    --------
    >>> dict(direct_weights({"grid": 35, "fiber": 15}))
    {'grid': 0.7, 'fiber': 0.3}
    """
    named = _named(points, "Direct weights")
    asked = {"kind": "direct_weights", "points": named}
    return _made("direct", named, points=points, asked=asked)


def rank_weights(
    order: Sequence[str | Sequence[str]], *, method: RankMethod = "centroid"
) -> Weights:
    r"""Return weights that follow from the order of importance alone.

    Parameters
    ----------
    order : sequence of str
        Criteria from the most to the least important; a list within it holds
        criteria of the same rank, which share the weights of their places.
    method : {"centroid", "sum", "reciprocal"}
        How ranks become weights.

    Returns
    -------
    Weights
        With the rank of each criterion.

    Raises
    ------
    StudyError
        If there are no criteria, or one comes twice.

    Notes
    -----
    For rank ``r`` of ``n``, before division by the sum:

    - centroid of all weights in this order [1]_: :math:`\sum_{k=r}^{n} 1/k`,
    - rank sum [2]_: :math:`n + 1 - r`,
    - rank reciprocal [2]_: :math:`1 / r`.

    References
    ----------
    .. [1] F. H. Barron, B. E. Barrett, "Decision quality using ranked attribute
       weights", Management Science 42 (1996) 1515-1523,
       https://doi.org/10.1287/mnsc.42.11.1515
    .. [2] W. G. Stillwell, D. A. Seaver, W. Edwards, "A comparison of weight
       approximation techniques in multiattribute utility decision making",
       Organizational Behavior and Human Performance 28 (1981) 62-77,
       https://doi.org/10.1016/0030-5073(81)90015-5

    Examples
    --------
    >>> {k: round(w, 3) for k, w in rank_weights(["grid", "fiber", "water"]).items()}
    {'grid': 0.611, 'fiber': 0.278, 'water': 0.111}
    """
    check_given(
        order,
        ("__iter__",),
        "Rank-order weights take the criteria, most important first",
        "a list of names",
        'rank_weights(["power", "water"])',
    )
    if isinstance(order, str):
        order = [order]
    for item in order:
        check_given(
            item,
            ("__iter__",),
            "Rank-order weights take the criteria, most important first",
            "a list of names, or of lists of equally important ones",
            'rank_weights(["power", "water"])',
        )
    tied = [[item] if isinstance(item, str) else list(item) for item in order]
    names = [name for group in tied for name in group]
    again = sorted({name for name in names if names.count(name) > 1})
    if not names or again or not all(tied):
        raise StudyError(
            four_parts(
                "Rank-order weights take each criterion once",
                f"found {shown(map(repr, again))} twice"
                if again
                else f"found {order!r}",
                "allowed are names, the most important first",
                "write for instance rank_weights(['grid', 'fiber', 'water'])",
            )
        )
    rank = np.arange(1, len(names) + 1, dtype=np.float64)
    if method == "centroid":
        points = np.cumsum((1 / rank)[::-1])[::-1]
    elif method == "sum":
        points = len(names) + 1 - rank
    elif method == "reciprocal":
        points = 1 / rank
    else:
        raise StudyError(
            four_parts(
                "Ranks become weights by a method",
                f"found {method!r}",
                "allowed are 'centroid', 'sum' and 'reciprocal'",
                "leave it out for 'centroid'",
            )
        )
    points = normalize_weights(points.tolist())
    shared, ranks, at = [], [], 0
    for group in tied:
        places = slice(at, at + len(group))
        shared += [float(points[places].mean())] * len(group)
        ranks += [float(rank[places].mean())] * len(group)
        at += len(group)
    weights = dict(zip(names, shared, strict=True))
    asked = {
        "kind": "rank_weights",
        "order": [group[0] if len(group) == 1 else group for group in tied],
        "method": method,
    }
    found = dict(zip(names, ranks, strict=True))
    return _made(f"rank {method}", weights, rank=found, asked=asked)


def swing_weights(points: Mapping[str, float]) -> Weights:
    """Return weights from swings: how much a step from worst to best is worth.

    Imagine a site with value 0 in every criterion. The criterion you would raise
    to value 1 first gets 100 points, the others their share of that gain.

    Parameters
    ----------
    points : mapping of str to float
        Criterion to points, from 0 to 100; the largest is 100 [-].

    Returns
    -------
    Weights
        With the points.

    Raises
    ------
    StudyError
        If no swing has 100 points, or one is outside 0 to 100.

    References
    ----------
    .. [1] D. von Winterfeldt, W. Edwards, Decision Analysis and Behavioral
       Research, Cambridge University Press, 1986, chapter 8.

    Examples
    --------
    >>> dict(swing_weights({"grid": 100, "fiber": 60, "water": 40}))
    {'grid': 0.5, 'fiber': 0.3, 'water': 0.2}
    """
    named = _named(points, "Swing weights")
    if any(not 0 <= value <= 100 for value in named.values()) or not any(
        value == 100 for value in named.values()
    ):
        raise StudyError(
            four_parts(
                "Swing weights compare steps from worst to best",
                f"found {shown(f'{k!r}: {v:g}' for k, v in named.items())}",
                "allowed are points from 0 to 100, with 100 for the most valuable",
                "give the step you would take first 100 points",
            )
        )
    asked = {"kind": "swing_weights", "points": named}
    return _made("swing", named, points=points, asked=asked)


def entropy_weights(
    values: pd.DataFrame | gpd.GeoDataFrame, criteria: Sequence[str] | None = None
) -> Weights:
    r"""Return weights by how unevenly the candidates share each criterion's value.

    These weights come from the candidates, not from anybody's judgement: other
    candidates give other weights. Fix them before comparing studies.

    Parameters
    ----------
    values : DataFrame or scored GeoDataFrame
        One column per criterion, or a frame from `score_sites`, whose
        ``<name>_value`` columns are read. Rows with an unknown value are left out
        and counted.
    criteria : sequence of str, optional
        Only these.

    Returns
    -------
    Weights
        With the entropy [-] of each criterion; a constant criterion gets 0.

    Raises
    ------
    StudyError, LayerError
        If a value is negative, fewer than two rows are known, or no criterion
        tells candidates apart.

    Notes
    -----
    With :math:`p_{ic} = v_{ic} / \sum_i v_{ic}` over ``m`` rows, the entropy is
    :math:`e_c = -\sum_i p_{ic} \ln p_{ic} / \ln m`, and the weight is proportional
    to :math:`1 - e_c` [1]_.

    References
    ----------
    .. [1] C.-L. Hwang, K. Yoon, Multiple Attribute Decision Making, Springer,
       1981, section 2.3, https://doi.org/10.1007/978-3-642-48318-9

    Examples
    --------
    >>> table = pd.DataFrame({"grid": [0.1, 0.2, 0.9], "fiber": [0.5, 0.5, 0.5]})
    >>> dict(entropy_weights(table))
    {'grid': 1.0, 'fiber': 0.0}
    """
    names, table, notes = _matrix(values, criteria, "Entropy weights")
    if (table < 0).any():
        at = int(np.flatnonzero((table < 0).any(axis=0))[0])
        raise StudyError(
            four_parts(
                "Entropy weights take shares of a total",
                f"criterion {names[at]!r} has negative figures",
                "allowed are figures from 0 up",
                "pass values in [0, 1], e.g. the scored frame",
            )
        )
    total = table.sum(axis=0)
    share = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(share > 0, share * np.log(share), 0.0)
    entropy = -terms.sum(axis=0) / np.log(len(table))
    # Rounding must not give a constant criterion a weight.
    entropy = np.where(np.ptp(table, axis=0) == 0, 1.0, np.minimum(entropy, 1.0))
    found = dict(zip(names, 1.0 - entropy, strict=True))
    _refuse_constant(found, "Entropy weights")
    said = dict(zip(names, entropy.tolist(), strict=True))
    return _made("entropy", found, notes=notes, entropy=said)


def critic_weights(
    values: pd.DataFrame | gpd.GeoDataFrame, criteria: Sequence[str] | None = None
) -> Weights:
    r"""Return weights by contrast and conflict between criteria (CRITIC).

    A criterion counts more the more its values differ, and the less it repeats
    what other criteria say. These weights come from the candidates: other
    candidates give other weights. Fix them before comparing studies.

    Parameters
    ----------
    values : DataFrame or scored GeoDataFrame
        One column per criterion, larger is better, or a frame from `score_sites`,
        whose ``<name>_value`` columns are read. Rows with an unknown value are
        left out and counted.
    criteria : sequence of str, optional
        Only these.

    Returns
    -------
    Weights
        With ``contrast`` and ``conflict`` [-]; a constant criterion gets 0.

    Raises
    ------
    StudyError, LayerError
        If fewer than two rows are known, or no criterion tells candidates apart.

    Notes
    -----
    Values are first stretched from their worst to their best. With the standard
    deviation :math:`\sigma_c` and the correlations :math:`r_{cd}`, the weight is
    proportional to :math:`\sigma_c \sum_d (1 - r_{cd})` [1]_. Criteria that all
    say the same (every correlation 1) have no conflict: then contrast decides.

    References
    ----------
    .. [1] D. Diakoulaki, G. Mavrotas, L. Papayannakis, "Determining objective
       weights in multiple criteria problems: the CRITIC method", Computers &
       Operations Research 22 (1995) 763-770,
       https://doi.org/10.1016/0305-0548(94)00059-H

    Examples
    --------
    >>> table = pd.DataFrame({"a": [0, 0.5, 1], "b": [0, 0.5, 1], "c": [1, 0, 1]})
    >>> {name: round(w, 3) for name, w in critic_weights(table).items()}
    {'a': 0.232, 'b': 0.232, 'c': 0.536}
    """
    names, table, notes = _matrix(values, criteria, "CRITIC weights")
    low, reach = table.min(axis=0), np.ptp(table, axis=0)
    varies = reach > 0
    stretched = (table[:, varies] - low[varies]) / reach[varies]
    contrast = np.zeros(len(names))
    conflict = np.zeros(len(names))
    if varies.any():
        contrast[varies] = stretched.std(axis=0, ddof=1)
        agreement = np.atleast_2d(np.corrcoef(stretched, rowvar=False))
        against = (1.0 - np.clip(agreement, -1.0, 1.0)).sum(axis=0)
        # One rounding of a correlation of 1 is no conflict.
        conflict[varies] = np.where(against < 1e-12, 0.0, against)
    points = contrast * conflict if conflict.any() else contrast
    found = dict(zip(names, points.tolist(), strict=True))
    _refuse_constant(found, "CRITIC weights")
    return _made(
        "CRITIC",
        found,
        notes=notes,
        contrast=dict(zip(names, contrast.tolist(), strict=True)),
        conflict=dict(zip(names, conflict.tolist(), strict=True)),
    )


def group_weights(
    between: Mapping[str, float], within: Mapping[str, Mapping[str, float]]
) -> Weights:
    """Return weights of a hierarchy: weight of the group times weight within it.

    Parameters
    ----------
    between : mapping of str to float
        Group to weight, e.g. from `ahp` [-].
    within : mapping of str to mapping
        Group to the weights of its criteria, from any method [-].

    Returns
    -------
    Weights
        With the group and both weights; notes of the parts are kept, such as the
        consistency ratio of each AHP.

    Raises
    ------
    StudyError
        If the groups do not match, or a criterion is in two of them.

    Examples
    --------
    >>> found = group_weights(
    ...     {"power": 2, "place": 2},
    ...     {"power": {"grid": 3, "solar": 1}, "place": {"water": 1}},
    ... )
    >>> dict(found)
    {'grid': 0.375, 'solar': 0.125, 'water': 0.5}
    """
    groups = _named(between, "Weights of groups")
    for given in (within, *(within.values() if isinstance(within, Mapping) else ())):
        check_given(
            given,
            ("keys", "get"),
            "Weights within groups are given group by group",
            "a mapping from group to weights by criterion",
            'group_weights({"grid": 1}, {"grid": {"headroom": 1}})',
        )
    stray = [name for name in within if name not in groups]
    missing = [name for name in groups if name not in within]
    names = [name for group in groups for name in within.get(group, {})]
    again = sorted({name for name in names if names.count(name) > 1})
    if stray or missing or again:
        found = [
            *(f"{n!r} has no weight.{nearest_name(str(n), groups)}" for n in stray),
            *(f"{n!r} has no criteria" for n in missing),
            *(f"{n!r} is in two groups" for n in again),
        ]
        raise StudyError(
            four_parts(
                "Weights of groups take the criteria of each group",
                f"found that {shown(found)}",
                f"the groups are {shown(map(repr, groups), 12)}, a criterion may be in "
                "one only",
                "write group_weights({'power': 2}, {'power': {'grid': 1}})",
            )
        )
    outer = normalize_weights(list(groups.values()), names=list(groups))
    weights: dict[str, float] = {}
    columns: dict[str, dict[str, Any]] = {"group": {}, "of_group": {}, "in_group": {}}
    notes = {f"between: {k}": v for k, v in getattr(between, "notes", {}).items()}
    for group, share in zip(groups, outer.tolist(), strict=True):
        inner = _named(within[group], f"Weights of group {group!r}")
        own = normalize_weights(list(inner.values()), names=list(inner))
        for name, part in zip(inner, own.tolist(), strict=True):
            weights[name] = share * part
            columns["group"][name] = group
            columns["of_group"][name] = share
            columns["in_group"][name] = part
        notes |= {
            f"{group}: {k}": v for k, v in getattr(within[group], "notes", {}).items()
        }
    asked = {
        "kind": "group_weights",
        "between": _asked(between),
        "within": {group: _asked(within[group]) for group in groups},
    }
    return _made("groups", weights, notes=notes, asked=asked, **columns)


def _asked(weights: Mapping[str, float]) -> dict[str, Any]:
    """Return what weights were made from; numbers by name as they are."""
    if isinstance(weights, Weights):
        return weights.to_dict()
    return _named(weights, "Weights")


def with_weights(
    criteria: Sequence[Criterion], weights: Mapping[str, float]
) -> list[Criterion]:
    """Return the same criteria with these weights.

    Parameters
    ----------
    criteria : sequence of Criterion
        Not changed.
    weights : mapping of str to float
        One weight per criterion, by name [-].

    Returns
    -------
    list of Criterion

    Raises
    ------
    StudyError
        If a criterion has no weight, or a weight no criterion.

    Examples
    --------
    >>> from siteselect.suitability import Column, Rising
    >>> names = ["size", "slope"]
    >>> criteria = [Criterion(name, Column(name), Rising(0, 9)) for name in names]
    >>> [round(c.weight, 2) for c in with_weights(criteria, rank_weights(names))]
    [0.75, 0.25]
    """
    listed = [*criteria] if hasattr(criteria, "__iter__") else [criteria]
    asked = [(one, ("name", "weight")) for one in listed]
    for given, has in [*asked, (weights, ("keys", "get"))]:
        check_given(
            given,
            has,
            "Criteria are given weights by name",
            "criteria, and a mapping from name to weight",
            'with_weights(criteria, {"power": 2, "water": 1})',
        )
    names = [criterion.name for criterion in criteria]
    missing = [name for name in names if name not in weights]
    stray = [name for name in weights if name not in names]
    if missing or stray:
        found = [
            *(
                f"no weight for {n!r}.{nearest_name(n, map(str, weights))}"
                for n in missing
            ),
            *(f"a weight for {n!r}, which is no criterion" for n in stray),
        ]
        raise StudyError(
            four_parts(
                "Each criterion takes its weight by name",
                f"found {shown(found)}",
                f"the criteria are {shown(map(repr, names), 12)}",
                "give one weight per criterion",
            )
        )
    return [replace(c, weight=float(weights[c.name])) for c in criteria]


def _named(points: Mapping[str, float], what: str) -> dict[str, float]:
    """Return points by name as floats, refusing what is no mapping of numbers."""
    if not isinstance(points, Mapping) or not points:
        raise StudyError(
            four_parts(
                f"{what} are given by name",
                f"found {points!r}",
                "allowed is a mapping of names to numbers",
                "write for instance {'grid': 3, 'fiber': 1}",
            )
        )
    bad = [f"{k!r}: {v!r}" for k, v in points.items() if not is_number(v) or v < 0]
    if bad:
        raise StudyError(
            four_parts(
                f"{what} are numbers",
                f"found {shown(bad)}",
                "allowed are finite numbers from 0 up",
                "write for instance {'grid': 3, 'fiber': 1}",
            )
        )
    return {name: float(value) for name, value in points.items()}


def _made(
    method: str,
    points: Mapping[str, float],
    /,
    *,
    notes: Mapping[str, float] | None = None,
    asked: Mapping[str, Any] | None = None,
    **columns: Mapping[str, Any],
) -> Weights:
    """Divide by the sum and put the table together."""
    names = list(points)
    weights = normalize_weights(list(points.values()), names=names)
    table = pd.DataFrame({"weight": weights}, index=pd.Index(names, name="criterion"))
    for column, given in columns.items():
        table[column] = [given[name] for name in names]
    return Weights(method, table, dict(notes or {}), dict(asked or {}))


def _matrix(
    values: Any, criteria: Sequence[str] | None, what: str
) -> tuple[list[str], Floats, dict[str, float]]:
    """Return names, the complete rows as figures, and how many were left out."""
    if not isinstance(values, pd.DataFrame):
        raise StudyError(
            four_parts(
                f"{what} are found from the candidates' values",
                f"found {type(values).__name__}",
                "allowed is a frame, one column per criterion",
                "pass what score_sites returned",
            )
        )
    said = values.attrs.get("siteselect", {}).get("criteria")
    suffix = ""
    known = [str(name) for name in values.columns]
    if isinstance(values, gpd.GeoDataFrame) and said:
        suffix, known = "_value", [str(item["name"]) for item in said]
    names = list(criteria) if criteria is not None else known
    missing = [name for name in names if f"{name}{suffix}" not in values.columns]
    if missing or not names:
        hint = nearest_name(missing[0], known) if missing else ""
        raise LayerError(
            four_parts(
                f"{what} read one column per criterion",
                f"found none for {shown(map(repr, missing))}.{hint}",
                f"allowed are {shown(map(repr, known), 12)}",
                "name criteria of the frame",
            )
        )
    columns = [values[f"{name}{suffix}"] for name in names]
    odd = [str(c.name) for c in columns if not pd.api.types.is_numeric_dtype(c)]
    if odd:
        raise LayerError(
            four_parts(
                f"{what} read figures",
                f"found other things in {shown(map(repr, odd))}",
                "allowed are numeric columns",
                "pass criteria=[...] with the names to use",
            )
        )
    table = np.column_stack(
        [c.to_numpy(dtype=np.float64, na_value=np.nan) for c in columns]
    )
    is_known = np.isfinite(table).all(axis=1)
    n = int(is_known.sum())
    if n < 2:
        raise StudyError(
            four_parts(
                f"{what} compare candidates",
                f"found {n} of {len(table)} with all values known",
                "two or more are needed",
                "leave out the criterion that is mostly unknown: criteria=[...]",
            )
        )
    return names, table[is_known], {"rows": n, "left out": len(table) - n}


def _refuse_constant(points: Mapping[str, float], what: str) -> None:
    """Refuse criteria none of which tells candidates apart."""
    if not any(points.values()):
        raise StudyError(
            four_parts(
                f"{what} rest on differences between candidates",
                f"found none in {shown(map(repr, points))}",
                "at least one criterion must vary",
                "give weights by hand: direct_weights({...})",
            )
        )
