"""Ranks by methods that compare candidates with each other, through pymcdm."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    MissingDependencyError,
    StudyError,
    four_parts,
    shown,
)
from siteselect.suitability.checks import check_scored
from siteselect.suitability.value_function import is_number

Floats = npt.NDArray[np.float64]
RankingMethod = Literal["topsis", "promethee", "vikor"]

__all__ = ["rank_sites"]

#: PROMETHEE holds a table of all pairs per criterion: 3,000 candidates by 10
#: criteria take about 1 GB.
_MOST_PAIRED = 3000


def rank_sites(
    scored: gpd.GeoDataFrame,
    *,
    method: RankingMethod = "topsis",
    v: float = 0.5,
    indifference: float = 0.0,
    preference: float | None = None,
) -> gpd.GeoDataFrame:
    r"""Rank scored candidates by TOPSIS, PROMETHEE II or VIKOR.

    These methods compare candidates with each other: **adding or dropping a
    candidate may turn the order of others round**, unlike a score of `score_sites`.
    They read the values and weights of the criteria. Candidates without a score
    (unknown or excluded) take no part; they are left out and counted.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned.
    method : {"topsis", "promethee", "vikor"}, default "topsis"
        - TOPSIS [1]_: closeness to the best values met, away from the worst, after
          vector normalization; larger is better.
        - PROMETHEE II [2]_: net flow of pairwise preferences; larger is better. It
          compares all pairs, so up to 3,000 candidates.
        - VIKOR [3]_: compromise between the sum of regrets and the worst one;
          **smaller** is better.
    v : float, default 0.5
        VIKOR: share of the sum of regrets against the worst one, in [0, 1] [-].
    indifference : float, default 0
        PROMETHEE: difference of values up to which there is no preference [-].
    preference : float, optional
        PROMETHEE: difference of values from which preference is full, rising
        straight from ``indifference`` [-]; without it any greater difference is a
        full preference.

    Returns
    -------
    geopandas.GeoDataFrame
        All rows and columns in their order, and ``<method>`` [-] and
        ``<method>_rank`` (1 is best, ties share the better rank), both missing where
        a candidate was left out. ``attrs["siteselect"]["rankings"][method]`` counts
        candidates ``ranked``, ``unknown`` and ``excluded``. Columns of an earlier
        ranking by the same method are replaced.

    Raises
    ------
    MissingDependencyError
        If pymcdm is not installed.
    LayerError, StudyError
        If the frame was not scored, fewer than two candidates have a score, or no
        criterion tells them apart.

    Notes
    -----
    Criteria of weight 0, and those with one value for all, do not count.

    References
    ----------
    .. [1] C.-L. Hwang, K. Yoon, Multiple Attribute Decision Making, Springer, 1981,
       https://doi.org/10.1007/978-3-642-48318-9
    .. [2] J. P. Brans, Ph. Vincke, "A preference ranking organisation method",
       Management Science 31 (1985) 647-656, https://doi.org/10.1287/mnsc.31.6.647
    .. [3] S. Opricovic, G.-H. Tzeng, "Compromise solution by MCDM methods: a
       comparative analysis of VIKOR and TOPSIS", European J. Operational Research
       156 (2004) 445-455, https://doi.org/10.1016/S0377-2217(03)00020-1

    Examples
    --------
    >>> from siteselect.suitability import Column, Criterion, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [90, 70, 20, None], "ha": [10, 70, 80, 50]},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0, 0, 0, 0]), crs=4326,
    ... )
    >>> criteria = [Criterion(n, Column(n), Rising(0, 100)) for n in ("mw", "ha")]
    >>> ranked = rank_sites(score_sites(sites, criteria))
    >>> ranked["topsis_rank"].tolist()
    [3, 1, 2, <NA>]
    >>> ranked.attrs["siteselect"]["rankings"]["topsis"]["unknown"]
    1
    """
    check_scored(scored, "A ranking")
    call = _method(method, v, indifference, preference)
    names, weights = _weights_of(scored)
    columns = [method, f"{method}_rank"]
    rankings = scored.attrs["siteselect"].get("rankings", {})
    taken = [c for c in columns if c in scored.columns and method not in rankings]
    if taken:
        raise StudyError(
            four_parts(
                f"Ranking adds columns {shown(map(repr, columns))}",
                f"the candidates already have {shown(map(repr, taken))}",
                "allowed are frames that do not use these names",
                f"drop or rename them: scored.drop(columns={taken})",
            )
        )
    is_in = scored["score"].notna().to_numpy(dtype=bool)
    table = scored.loc[is_in, [f"{name}_value" for name in names]].to_numpy(np.float64)
    found = np.full(len(scored), np.nan)
    found[is_in] = _compared(method, call, table, weights)
    rank = pd.Series(found, index=scored.index).rank(
        method="min", ascending=method == "vikor"
    )
    ranked = scored.drop(columns=columns, errors="ignore").assign(
        **{method: found, columns[1]: rank.astype("Int64")}
    )
    excluded = scored["excluded_by"].astype(object).fillna("").ne("").to_numpy()
    said: dict[str, Any] = {
        "ranked": int(is_in.sum()),
        "unknown": int((~is_in & ~excluded).sum()),
        "excluded": int((~is_in & excluded).sum()),
    }
    if method == "vikor":
        said["v"] = float(v)
    if method == "promethee":
        said["indifference"] = float(indifference)
        said |= {} if preference is None else {"preference": float(preference)}
    ranked.attrs = copy.deepcopy(dict(scored.attrs))
    ranked.attrs["siteselect"]["rankings"] = {**rankings, method: said}
    return ranked


def _method(
    method: str, v: float, indifference: float, preference: float | None
) -> Callable[[Floats, Floats], Floats]:
    """Return the method as a function of values and weights."""
    try:
        from pymcdm import methods, normalizations
    except ImportError as error:
        raise MissingDependencyError(
            four_parts(
                f"A ranking by {method!r} was asked for",
                "pymcdm is not installed",
                "pymcdm 1.4 or newer, which the extra `mcda` brings",
                "Call pip install 'siteselect[mcda]'",
            )
        ) from error
    if method == "topsis":
        ranker = methods.TOPSIS(normalizations.vector_normalization)
    elif method == "vikor":
        if not is_number(v) or not 0 <= v <= 1:
            raise _refused("VIKOR", f"v={v!r}", "numbers from 0 to 1", "v=0.5")
        ranker = methods.VIKOR(v=v)
    elif method == "promethee":
        return _promethee(methods.PROMETHEE_II, indifference, preference)
    else:
        raise _refused(
            "A ranking",
            f"method={method!r}",
            "'topsis', 'promethee' and 'vikor'",
            "method='topsis'",
        )

    def call(table: Floats, weights: Floats) -> Floats:
        types = np.ones(table.shape[1], dtype=np.int64)
        # Its own checks warn of dominated candidates, which are no fault.
        return np.asarray(ranker(table, weights, types, validation=False))

    return call


def _promethee(
    made: Any, indifference: float, preference: float | None
) -> Callable[[Floats, Floats], Floats]:
    """Return PROMETHEE II with one preference function for all criteria."""
    is_good = is_number(indifference) and 0 <= indifference < 1
    if preference is not None:
        is_good &= is_number(preference) and indifference < preference <= 1
    if not is_good:
        raise _refused(
            "PROMETHEE",
            f"indifference={indifference!r} and preference={preference!r}",
            "0 <= indifference < preference <= 1, in units of value",
            "indifference=0.05, preference=0.2",
        )

    def call(table: Floats, weights: Floats) -> Floats:
        n, m = table.shape
        if n > _MOST_PAIRED:
            raise _refused(
                "PROMETHEE, which compares all pairs of candidates,",
                f"{n:,} candidates",
                f"up to {_MOST_PAIRED:,}",
                "a shortlist: rank_sites(scored.nlargest(1000, 'score'), ...)",
            )
        q, p = [indifference] * m, [preference] * m
        if preference is None:
            ranker = made("ushape", q=q)
        else:
            ranker = made("vshape_2", p=p, q=q)
        types = np.ones(m, dtype=np.int64)
        return np.asarray(ranker(table, weights, types, validation=False))

    return call


def _compared(
    method: str,
    call: Callable[[Floats, Floats], Floats],
    table: Floats,
    weights: Floats,
) -> Floats:
    """Return the figure of each candidate, whatever the order of the rows."""
    if len(table) < 2:
        raise _refused(
            "A ranking",
            f"{len(table)} with a score",
            "two or more candidates",
            "look at eligibility(scored) for what takes the others out",
        )
    varies = np.ptp(table, axis=0) > 0
    if not varies.any():
        raise _refused(
            "A ranking",
            "the same values for all",
            "candidates that differ in a criterion of positive weight",
            "add a criterion that tells them apart",
        )
    # Sums over candidates are rounded alike for any order of the rows.
    order = np.lexsort(table.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        sorted_figures = call(table[order][:, varies], weights[varies])
    found = np.empty(len(table))
    found[order] = sorted_figures
    if np.isnan(found).any():
        raise _refused(
            method.upper(),
            "that all candidates tie in the sum or the worst of regrets",
            "candidates among which it has a best and a worst",
            "take another method, e.g. method='topsis'",
        )
    return found


def _weights_of(scored: gpd.GeoDataFrame) -> tuple[list[str], Floats]:
    """Return the criteria of positive weight."""
    noted = scored.attrs.get("siteselect", {}).get("criteria", [])
    needed = ["score", "excluded_by", *(f"{c['name']}_value" for c in noted)]
    missing = [column for column in needed if column not in scored.columns]
    if missing or not noted:
        raise LayerError(
            four_parts(
                "A ranking reads values and weights of scored candidates",
                f"found no {shown(map(repr, missing))}"
                if missing
                else "found no note of the criteria in the frame's attrs",
                "allowed are frames from score_sites",
                "score them first: score_sites(sites, criteria)",
            )
        )
    counted = [c for c in noted if c["weight"] > 0]
    names = [str(c["name"]) for c in counted]
    return names, np.array([float(c["weight"]) for c in counted])


def _refused(what: str, found: str, allowed: str, mend: str) -> StudyError:
    return StudyError(
        four_parts(
            f"{what} was asked for scored candidates",
            f"found {found}",
            f"allowed are {allowed}",
            f"pass {mend}" if "=" in mend.split()[0] else mend,
        )
    )
