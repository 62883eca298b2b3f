"""What is not known: which missing figure matters, and what the weight rests on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.layers import spatial
from siteselect.layers.info import EVIDENCE
from siteselect.suitability.aggregation import Aggregate, WeightedSum
from siteselect.suitability.checks import check_scored
from siteselect.suitability.records import AGGREGATES, aggregate_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_UNKNOWN = " (unknown)"
#: Halvings of [0, 1] until a value is known to the last digit.
_HALVINGS = 52
#: Scores this close are equal: sums of the same values in other orders.
_ROUNDING = 1e-12

__all__ = ["evidence", "value_of_information"]


def evidence(scored: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the share of the weight that rests on each kind of evidence.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned; its ``attrs`` say what the criteria are.

    Returns
    -------
    pandas.DataFrame
        Columns ``evidence`` (``measured``, ``modelled``, ``proxy``,
        ``synthetic`` or ``unstated``) and ``weight`` [-], heaviest first; no row
        if nothing is known of the criteria.

    Raises
    ------
    StudyError
        If it is no frame.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Column, Criterion, Rising, score_sites
    >>> sites = gpd.GeoDataFrame({"x": [1.0]}, geometry=[Point(0, 0)], crs=4326)
    >>> scored = score_sites(sites, [
    ...     Criterion("a", Column("x"), Rising(0, 1), weight=3, evidence="measured"),
    ...     Criterion("b", Column("x"), Rising(0, 1), evidence="proxy"),
    ... ])
    >>> evidence(scored).values.tolist()
    [['measured', 0.75], ['proxy', 0.25]]
    """
    check_scored(scored, "The evidence")
    about = scored.attrs.get("siteselect", {})
    criteria = about.get("criteria", []) if isinstance(about, dict) else []
    weight = dict.fromkeys(EVIDENCE, 0.0)
    for criterion in criteria:
        level = str(criterion.get("evidence") or "unstated")
        weight[level] = weight.get(level, 0.0) + float(criterion.get("weight", 0.0))
    total = sum(weight.values()) or 1.0
    named = {str(c.get("evidence") or "unstated") for c in criteria}
    rows = [(level, w / total) for level, w in weight.items() if level in named]
    rows.sort(key=lambda row: -row[1])
    return pd.DataFrame(rows, columns=["evidence", "weight"])


def value_of_information(
    scored: gpd.GeoDataFrame,
    *,
    k: int | None = None,
    chosen: Any = None,
) -> pd.DataFrame:
    """Say which missing figures could change the chosen set.

    A missing figure counts if there is a way the other missing figures may turn
    out for which its own decides whether its candidate belongs to the set. That
    is settled exactly from the intervals of the scores, not by trying.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned.
    k : int, optional
        The set is the best ``k`` by score. Equal scores go by place, from north
        to south and west to east.
    chosen : SitePlan or collection of labels, optional
        The set is given: another candidate could take the place of a chosen one
        by a higher score, as a chosen one could lose it. Limits of a plan are
        not asked.

    Returns
    -------
    pandas.DataFrame
        One row per candidate and missing figure of a weight above 0, those that
        count first, then by the best score the candidate can reach:

        - ``site``: label of the candidate,
        - ``figure``: name of the criterion, or of the exclusion that is unknown,
        - ``kind``: ``"criterion"`` or ``"exclusion"``,
        - ``weight``: how far the figure moves a weighted sum, and what the
          criterion counts in other aggregates [-]; NaN for an exclusion,
        - ``score_low``, ``score_high``: what the score can be [-], if no
          exclusion takes the candidate out,
        - ``could_change``: whether the figure counts,
        - ``outcome``: ``"open"`` if it counts; ``"in"`` or ``"out"`` if the
          candidate belongs to the set, or does not, whatever is missing;
          ``"others"`` if that hangs on other candidates only,
        - ``least_value``: least value of the criterion with which the candidate
          can belong to the set, all else at its best for it,
        - ``sure_value``: value from which it does belong to the set, all else at
          its worst (its unknown exclusions aside); NaN if none is enough.

    Raises
    ------
    StudyError, LayerError
        If the set, or the frame, cannot be used; so are aggregates of one's own and
        order weights of 0, with which a figure may move nothing.

    Notes
    -----
    The aggregates of the library are continuous and rise with each value wherever
    that can matter, so the scores a figure can decide between fill the interval.
    With interval :math:`[l_i, h_i]` of each candidate, candidate :math:`i`'s
    figure counts exactly if some threshold lies between :math:`l_i` and
    :math:`h_i`: at most k - 1 others are above :math:`h_i` for certain, at least k
    can be above :math:`l_i`, and one of them can be between.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Criterion, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"x": [0.9, 0.4, 0.1], "y": [0.8, None, None]}, index=list("abc"),
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("x", Column("x"), Rising(0, 1), weight=3),
    ...     Criterion("y", Column("y"), Rising(0, 1)),
    ... ])
    >>> found = value_of_information(scored, k=2)
    >>> found[["site", "figure", "could_change"]].values.tolist()
    [['b', 'y', True], ['c', 'y', True]]
    >>> value_of_information(scored, k=1)["outcome"].tolist()
    ['out', 'out']
    """
    told = _told(scored)
    race = _race(scored, told, k, chosen)
    site, name, weight = _missing(scored, told)
    is_exclusion = np.isnan(weight)
    low, high = told.low[site], told.high[site]
    is_open = race.is_open[site]
    is_open = np.where(is_exclusion, race.can_belong[site], is_open & (low < high))
    is_out, is_in = ~race.can_belong[site], race.must_belong[site]
    outcome = np.select(
        [is_open, is_out, is_in], ["open", "out", "in"], default="others"
    )
    if isinstance(told.way, WeightedSum):
        with np.errstate(invalid="ignore", divide="ignore"):
            least = (race.least[site] - (high - weight)) / weight
            sure = (race.most[site] - low) / weight
    else:
        goals = (race.least[site], race.least_wins[site])
        least = _value_needed(told, site, name, *goals, others=1.0)
        goals = (race.most[site], race.most_wins[site])
        sure = _value_needed(told, site, name, *goals, others=0.0)
    # What is left of equal sums after rounding is no threshold above 1.
    least = np.where(is_open & ~is_exclusion, np.clip(least, 0.0, 1.0), np.nan)
    sure = np.where(sure <= 1 + 1e-12, np.clip(sure, 0.0, 1.0), np.nan)
    table = pd.DataFrame(
        {
            "site": scored.index[told.rows[site]],
            "figure": name,
            "kind": np.where(is_exclusion, "exclusion", "criterion"),
            "weight": weight,
            "score_low": low,
            "score_high": high,
            "could_change": is_open.astype(bool),
            "outcome": outcome,
            "least_value": least,
            "sure_value": np.where(is_exclusion, np.nan, sure),
        }
    )
    order = np.lexsort((name, told.place[site], -high, ~table["could_change"]))
    return table.iloc[order].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class _Told:
    """The candidates that can still belong to a set, best place first."""

    rows: Ints
    low: Floats
    high: Floats
    #: No exclusion is unknown.
    is_sure: Flags
    #: Position from north to south and west to east.
    place: Ints
    names: tuple[str, ...]
    weights: Floats
    values: tuple[Floats, ...]
    way: Aggregate


@dataclass(frozen=True, eq=False)
class _Race:
    """What may become of each candidate, whatever is missing."""

    is_open: Flags
    can_belong: Flags
    must_belong: Flags
    least: Floats
    most: Floats
    #: Whether an equal score is enough, by place.
    least_wins: Flags
    most_wins: Flags


def _told(scored: gpd.GeoDataFrame) -> _Told:
    """Read the intervals of the candidates that are not known to be excluded."""
    noted = getattr(scored, "attrs", {}).get("siteselect", {})
    criteria = noted.get("criteria", [])
    wanted = ["score_low", "score_high", "excluded_by"]
    wanted += [f"{c['name']}_value" for c in criteria]
    missing = [c for c in wanted if c not in getattr(scored, "columns", ())]
    if missing or not criteria:
        raise LayerError(
            four_parts(
                "The value of information is read from a scored frame",
                f"column {missing[0]!r} is missing"
                if missing
                else "its attrs say nothing about criteria",
                "allowed are frames from score_sites",
                "call scored = score_sites(sites, criteria)",
            )
        )
    way = _strictly_rising(scored)
    low = scored["score_low"].to_numpy(dtype=float, na_value=np.nan)
    high = scored["score_high"].to_numpy(dtype=float, na_value=np.nan)
    rows = np.flatnonzero(~np.isnan(low))
    points = spatial.points_of(scored.iloc[rows])
    label = pd.factorize(scored.index[rows].astype(str), sort=True)[0]
    order = np.lexsort((label, points.x.to_numpy(), -points.y.to_numpy()))
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    why = scored["excluded_by"].fillna("").astype(str).to_numpy()[rows]
    return _Told(
        rows=rows,
        low=low[rows],
        high=high[rows],
        is_sure=why == "",
        place=place,
        names=tuple(str(c["name"]) for c in criteria),
        weights=np.array([float(c["weight"]) for c in criteria]),
        values=tuple(
            scored[f"{c['name']}_value"].to_numpy(dtype=float, na_value=np.nan)[rows]
            for c in criteria
        ),
        way=way,
    )


def _strictly_rising(scored: gpd.GeoDataFrame) -> Aggregate:
    """Return the aggregate, if each missing figure can move the score throughout."""
    noted = scored.attrs["siteselect"].get("aggregation", {"kind": "WeightedSum"})
    known = noted.get("kind") in {made.__name__ for made in AGGREGATES}
    order_weights = noted.get("order_weights")
    if not known or (order_weights is not None and min(order_weights) <= 0):
        raise StudyError(
            four_parts(
                "The value of information asks whether a figure moves the score",
                f"the frame was scored with {noted.get('kind')}"
                + (f" and order weights {shown(order_weights)}" if known else ""),
                f"allowed are {shown(kind.__name__ for kind in AGGREGATES)}; order "
                "weights must be above 0",
                "score again with one of these",
            )
        )
    return aggregate_of(scored)


def _missing(
    scored: gpd.GeoDataFrame, told: _Told
) -> tuple[Ints, npt.NDArray[Any], Floats]:
    """List the missing figures: candidate, name, weight (NaN for exclusions)."""
    sites: list[Ints] = []
    names: list[npt.NDArray[Any]] = []
    weights: list[Floats] = []
    for name, weight in zip(told.names, told.weights, strict=True):
        if weight > 0:
            value = scored[f"{name}_value"].to_numpy(dtype=float, na_value=np.nan)
            at = np.flatnonzero(np.isnan(value[told.rows]))
            sites.append(at)
            names.append(np.full(len(at), name, dtype=object))
            weights.append(np.full(len(at), weight))
    unsure = np.flatnonzero(~told.is_sure)
    why = scored["excluded_by"].iloc[told.rows[unsure]].astype(str)
    parts = why.str.split(";")
    again = parts.str.len().to_numpy(dtype=np.int64)
    sites.append(np.repeat(unsure, again))
    listed = [part.removesuffix(_UNKNOWN) for text in parts for part in text]
    names.append(np.array(listed, dtype=object))
    weights.append(np.full(len(listed), np.nan))
    return (
        np.concatenate(sites).astype(np.int64),
        np.concatenate(names),
        np.concatenate(weights),
    )


def _value_needed(
    told: _Told,
    site: Ints,
    name: npt.NDArray[Any],
    wanted: Floats,
    wins: Flags,
    *,
    others: float,
) -> Floats:
    """Return the least value of a missing figure with which a score is reached.

    ``others`` stands for all else that is missing; ``wins`` says where an equal score
    is enough. Infinite where 1 is not enough.
    """
    needed = np.full(len(site), np.nan)
    for c, criterion in enumerate(told.names):
        at = np.flatnonzero(name == criterion)
        rows = site[at]
        filled = [
            np.where(np.isnan(value[rows]), others, value[rows])
            for value in told.values
        ]
        # Where equal is not enough, what is equal but for rounding is not either.
        goal = wanted[at] + np.where(wins[at], -_ROUNDING, _ROUNDING)

        def reaches(
            value: Floats,
            filled: list[Floats] = filled,
            goal: Floats = goal,
            c: int = c,
        ) -> Flags:
            tried = [*filled[:c], value, *filled[c + 1 :]]
            score = told.way.combine(tried, told.weights, told.names)[0]
            is_enough: Flags = score >= goal
            return is_enough

        low, high = np.zeros(len(at)), np.ones(len(at))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_enough = reaches(middle)
            low, high = (
                np.where(is_enough, low, middle),
                np.where(is_enough, middle, high),
            )
        high = np.where(reaches(np.zeros(len(at))), 0.0, high)
        needed[at] = np.where(reaches(np.ones(len(at))), high, np.inf)
    return needed


def _race(scored: gpd.GeoDataFrame, told: _Told, k: int | None, chosen: Any) -> _Race:
    """Ask of every candidate whether it can and must belong to the set."""
    if (k is None) == (chosen is None):
        raise StudyError(
            four_parts(
                "The value of information is asked for a set",
                "found neither k nor chosen" if k is None else "found k and chosen",
                "allowed is one of k= (best by score) and chosen= (plan or labels)",
                "pass for instance k=10",
            )
        )
    n = len(told.rows)
    everyone = np.ones(n, dtype=bool)
    if k is not None:
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise StudyError(
                four_parts(
                    "The best k candidates are a set",
                    f"found k={k!r}",
                    "allowed are whole numbers from 1",
                    "pass for instance k=10",
                )
            )
        return _against(told, everyone, int(k), own=True)
    member = _members(scored, told, chosen)
    size = int(member.sum())
    # A candidate takes a place by passing the weakest of the chosen; a chosen
    # one keeps its place as long as no other candidate passes it.
    enters = _against(told, member, size, own=False)
    stays = _against(told, ~member, 1, own=False)
    mixed = [
        np.where(member, getattr(stays, part), getattr(enters, part))
        for part in (field.name for field in fields(_Race))
    ]
    return _Race(*mixed)


def _members(scored: gpd.GeoDataFrame, told: _Told, chosen: Any) -> Flags:
    """Say which candidates are chosen; refuse labels that cannot be."""
    listed = getattr(getattr(chosen, "sites", None), "index", chosen)
    is_list = isinstance(listed, (Collection, pd.Index)) and not isinstance(listed, str)
    labels = list(listed) if is_list else []
    able = set(scored.index[told.rows])
    stray = [label for label in labels if label not in able]
    if not labels or stray:
        raise StudyError(
            four_parts(
                "A chosen set is a plan or labels of candidates",
                f"{shown(map(repr, stray))} of {len(labels)} are excluded or no "
                "candidates"
                if stray
                else f"found {chosen!r}",
                f"allowed are labels such as {shown(map(repr, scored.index[:3]))}",
                "pass chosen=plan, or chosen=['s0001', 's0002']",
            )
        )
    return np.asarray(scored.index[told.rows].isin(labels), dtype=bool)


def _against(told: _Told, among: Flags, k: int, *, own: bool) -> _Race:
    """Count who can and who must be above each candidate among some others.

    A candidate belongs to the set if fewer than ``k`` of ``among`` are above it.
    ``own`` says that ``among`` holds the candidate itself, which is not counted.
    """
    n = len(told.rows)
    # One order of all ends of intervals, equal scores by place: rank 0 is lowest.
    ends = np.concatenate([told.low, told.high])
    place = np.concatenate([told.place, told.place])
    order = np.lexsort((-place, ends))
    new = np.ones(2 * n, dtype=np.int64)
    new[1:] = (np.diff(ends[order]) != 0) | (np.diff(place[order]) != 0)
    rank = np.empty(2 * n, dtype=np.int64)
    rank[order] = np.cumsum(new)
    low, high = rank[:n], rank[n:]

    def above(theirs: Ints, mine: Ints) -> Ints:
        return len(theirs) - np.searchsorted(np.sort(theirs), mine, side="right")

    certain = above(low[among & told.is_sure], high)
    over = above(low[among], high)
    possible = above(high[among], low) - (own & (high > low))
    is_open = (certain < k) & (possible > over) & (possible >= k)
    floor = np.where(told.is_sure, told.low, -np.inf)
    least, least_wins = _threshold(floor, told.place, among, k, own=own)
    most, most_wins = _threshold(told.high, told.place, among, k, own=own)
    return _Race(
        is_open=is_open,
        can_belong=certain < k,
        must_belong=possible < k,
        least=least,
        most=most,
        least_wins=least_wins,
        most_wins=most_wins,
    )


def _threshold(
    score: Floats, place: Ints, among: Flags, k: int, *, own: bool
) -> tuple[Floats, Flags]:
    """Return the k-th best score among others, and who wins a tie with it.

    The score is minus infinity where there is none.
    """
    order = np.lexsort((place, -score))
    order = order[among[order]]
    best = np.append(score[order], [-np.inf] * 2)
    behind = np.append(place[order], [len(score)] * 2)
    at = np.full(len(score), min(k - 1, len(best) - 1))
    if own:
        # The best k do not count themselves: the next one takes their place.
        at[order[:k]] = min(k, len(best) - 1)
    return best[at], place < behind[at]
