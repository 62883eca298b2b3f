"""Weights from pairwise judgements: the analytic hierarchy process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.suitability.value_function import is_number
from siteselect.suitability.weighting import Weights

Floats = npt.NDArray[np.float64]
Pairs = Mapping[tuple[str, str], float]

__all__ = ["AHP", "RANDOM_INDEX", "ahp"]

#: Mean consistency index of random matrices by number of criteria; T. L. Saaty,
#: Theory and Applications of the Analytic Network Process, RWS Publications, 2005,
#: p. 31.
RANDOM_INDEX: Mapping[int, float] = {
    3: 0.52,
    4: 0.89,
    5: 1.11,
    6: 1.25,
    7: 1.35,
    8: 1.40,
    9: 1.45,
    10: 1.49,
    11: 1.52,
    12: 1.54,
    13: 1.56,
    14: 1.58,
    15: 1.59,
}
#: A judgement and its mirror may differ by the rounding of 0.33 for 1/3.
_MIRROR = 0.02
#: No criterion counts more than this many times as much as another.
_MOST = 1e9


@dataclass(frozen=True, eq=False, repr=False)
class AHP(Weights):
    """Weights from pairwise judgements, with their consistency.

    Parameters
    ----------
    method, table, notes, asked
        As in `Weights`.
    consistency_ratio : float
        Inconsistency of the judgements over that of random ones [-]; Saaty accepts
        up to 0.1. 0 for one or two criteria.
    judgements : pandas.DataFrame
        One row per pair, the most inconsistent first: ``judged`` as given,
        ``implied`` by the weights, and ``factor`` between the two, 1 or more [-].

    Examples
    --------
    >>> found = ahp({("grid", "fiber"): 3, ("grid", "water"): 5, ("fiber", "water"): 2})
    >>> round(found["grid"], 3), round(found.consistency_ratio, 3)
    (0.648, 0.004)
    """

    consistency_ratio: float = field(kw_only=True)
    judgements: pd.DataFrame = field(kw_only=True)


def ahp(
    judgements: Pairs | pd.DataFrame | Sequence[Sequence[float]],
    *,
    names: Sequence[str] | None = None,
    max_ratio: float | None = 0.1,
) -> AHP:
    r"""Return weights from judgements of how many times more one criterion counts.

    Parameters
    ----------
    judgements : mapping, DataFrame or square matrix
        ``{("grid", "fiber"): 3}`` says that grid counts three times as much as
        fiber; each pair once, in either direction. Or the matrix of all pairs, whose
        entries mirror each other. Saaty's scale is 1 (equal), 3, 5, 7, 9 (extreme),
        and their reciprocals [-].
    names : sequence of str, optional
        Names of the rows of a matrix; a DataFrame has its own.
    max_ratio : float or None, default 0.1
        Consistency ratio beyond which the judgements are refused [-]; None accepts
        any.

    Returns
    -------
    AHP
        Weights with ``consistency_ratio`` and ``judgements``.

    Raises
    ------
    StudyError
        If a pair is missing, judged twice or not by a number above 0; if the
        judgements contradict each other beyond ``max_ratio``: the message names the
        most inconsistent one and what the others imply for it.

    See Also
    --------
    group_weights : Put the weights of groups of criteria together.

    Notes
    -----
    The weights are the principal eigenvector of the matrix. With its eigenvalue
    :math:`\lambda` and ``n`` criteria, the consistency index is
    :math:`(\lambda - n) / (n - 1)`, and the ratio divides it by the mean index of
    random matrices [1]_ [2]_ (up to 15 criteria).

    References
    ----------
    .. [1] T. L. Saaty, "Decision making with the analytic hierarchy process", Int.
       J. Services Sciences 1 (2008) 83-98,
       https://doi.org/10.1504/IJSSCI.2008.017590
    .. [2] T. L. Saaty, Theory and Applications of the Analytic Network Process, RWS
       Publications, 2005, p. 31 (random index).

    Examples
    --------
    >>> found = ahp({("grid", "fiber"): 3, ("grid", "water"): 5, ("fiber", "water"): 2})
    >>> {name: round(weight, 3) for name, weight in found.items()}
    {'grid': 0.648, 'fiber': 0.23, 'water': 0.122}
    """
    labels, matrix = _as_matrix(judgements, names)
    if matrix.max() > _MOST:
        i, j = np.argwhere(matrix == matrix.max())[0]
        raise _bad_matrix(
            f"{matrix[i, j]:g} for ({labels[i]!r}, {labels[j]!r})",
            f"numbers up to {_MOST:.0e}; Saaty's scale ends at 9",
        )
    n = len(labels)
    if max_ratio is not None and (not is_number(max_ratio) or max_ratio < 0):
        raise StudyError(
            four_parts(
                "Judgements are accepted up to a consistency ratio",
                f"found max_ratio={max_ratio!r}",
                "allowed are finite numbers from 0 up, or None for any",
                "leave it out for 0.1",
            )
        )
    if n > max(RANDOM_INDEX):
        raise StudyError(
            four_parts(
                "Pairwise judgements are compared with random ones",
                f"found {n} criteria",
                f"allowed are up to {max(RANDOM_INDEX)}, as the random index goes",
                "judge groups of criteria: group_weights(ahp({...}), {...})",
            )
        )
    weights, largest = _principal(matrix)
    ratio = 0.0
    if n > 2:
        index = (largest - n) / (n - 1)
        ratio = max(index / RANDOM_INDEX[n], 0.0)
    pairs = _pairs(labels, matrix, weights)
    if max_ratio is not None and ratio > max_ratio:
        raise _too_inconsistent(pairs, ratio, max_ratio)
    table = pd.DataFrame({"weight": weights}, index=pd.Index(labels, name="criterion"))
    return AHP(
        "AHP",
        table,
        {"consistency ratio": ratio},
        {
            "kind": "ahp",
            "judgements": _plainly(judgements, matrix),
            "names": labels,
            "max_ratio": False if max_ratio is None else float(max_ratio),
        },
        consistency_ratio=ratio,
        judgements=pairs,
    )


def _plainly(judgements: Any, matrix: Floats) -> list[list[Any]]:
    """Return the judgements as lists: of two names and a number, or the matrix."""
    if isinstance(judgements, Mapping):
        return [[str(a), str(b), float(x)] for (a, b), x in judgements.items()]
    rows: list[list[Any]] = matrix.tolist()
    return rows


def _principal(matrix: Floats) -> tuple[Floats, float]:
    """Return the principal eigenvector, summing to one, and its eigenvalue."""
    values, vectors = np.linalg.eig(matrix)
    # A positive matrix has one largest eigenvalue, real and positive (Perron).
    at = int(np.argmax(values.real))
    vector = np.abs(vectors[:, at].real)
    return vector / vector.sum(), float(values[at].real)


def _pairs(labels: list[str], matrix: Floats, weights: Floats) -> pd.DataFrame:
    """Return every judgement beside what the weights imply, the worst first."""
    rows = []
    for i, j in combinations(range(len(labels)), 2):
        # Told in the direction in which the first one counts more.
        a, b = (i, j) if matrix[i, j] >= 1 else (j, i)
        judged, implied = matrix[a, b], weights[a] / weights[b]
        factor = max(judged / implied, implied / judged)
        rows.append((labels[a], labels[b], judged, implied, factor))
    columns = ["more", "less", "judged", "implied", "factor"]
    found = pd.DataFrame(rows, columns=columns)
    worst_first = found.sort_values("factor", ascending=False, kind="stable")
    return worst_first.reset_index(drop=True)


def _too_inconsistent(pairs: pd.DataFrame, ratio: float, most: float) -> StudyError:
    worst = pairs.iloc[0]
    judged, implied = float(worst["judged"]), float(worst["implied"])
    near = f"{implied:.2g}" if implied >= 1 else f"1/{1 / implied:.2g}"
    return StudyError(
        four_parts(
            "Pairwise judgements are checked against each other",
            f"found a consistency ratio of {ratio:.2f}; the most inconsistent one says "
            f"that {worst['more']!r} counts {judged:.3g} times as much as "
            f"{worst['less']!r}, where all together imply {near}",
            f"allowed is a ratio up to {most:g}",
            f"bring ({worst['more']!r}, {worst['less']!r}) nearer to {near}, or accept "
            "it with max_ratio=None",
        )
    )


def _as_matrix(
    judgements: Any, names: Sequence[str] | None
) -> tuple[list[str], Floats]:
    """Return names and the full matrix, checked."""
    if isinstance(judgements, Mapping):
        return _from_pairs(judgements, names)
    if isinstance(judgements, pd.DataFrame):
        names = [str(name) for name in judgements.columns]
        if [str(name) for name in judgements.index] != names:
            raise _bad_matrix(
                f"rows {shown(judgements.index)} and columns {shown(names)}",
                "rows and columns of the same names in the same order",
            )
    try:
        matrix = np.array(judgements, dtype=np.float64)
    except (TypeError, ValueError):
        raise _bad_matrix(f"{judgements!r}", "a square matrix of numbers") from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise _bad_matrix(f"shape {matrix.shape}", "a square matrix")
    if names is None or len(names) != len(matrix):
        raise _bad_matrix(f"names={names!r} for {len(matrix)} rows", "one name per row")
    labels = [str(name) for name in names]
    if len(set(labels)) < len(labels):
        raise _bad_matrix(f"names {shown(labels, 15)}", "each name once")
    if not (np.isfinite(matrix) & (matrix > 0)).all():
        i, j = np.argwhere(~(np.isfinite(matrix) & (matrix > 0)))[0]
        raise _bad_matrix(
            f"{matrix[i, j]:g} for ({labels[i]!r}, {labels[j]!r})",
            "finite numbers above 0",
        )
    mirrored = np.abs(matrix * matrix.T - 1.0)
    if (mirrored > _MIRROR).any():
        i, j = np.argwhere(mirrored > _MIRROR)[0]
        raise _bad_matrix(
            f"{matrix[i, j]:g} for ({labels[i]!r}, {labels[j]!r}) and {matrix[j, i]:g} "
            "for its mirror",
            "1 on the diagonal, and 1/x opposite to x",
        )
    # One of a pair of rounded figures (3 and 0.33) is the judgement: the larger.
    upper = np.where(matrix >= matrix.T, matrix, 1.0 / matrix.T)
    np.fill_diagonal(upper, 1.0)
    return labels, upper


def _bad_matrix(found: str, allowed: str) -> StudyError:
    return StudyError(
        four_parts(
            "Pairwise judgements are a mapping of pairs, or a square matrix",
            f"found {found}",
            f"allowed is {allowed}",
            "write for instance ahp({('grid', 'fiber'): 3})",
        )
    )


def _from_pairs(
    judgements: Mapping[Any, Any], names: Sequence[str] | None
) -> tuple[list[str], Floats]:
    """Return names in the order they come, and the matrix of all pairs."""
    odd = [k for k in judgements if not isinstance(k, tuple) or len(k) != 2]
    if odd or not judgements:
        raise _bad_matrix(f"{shown(map(repr, odd)) or 'nothing'}", "a pair of names")
    bad = [f"{k}: {v!r}" for k, v in judgements.items() if not is_number(v) or v <= 0]
    bad += [f"{k}: a criterion against itself" for k in judgements if k[0] == k[1]]
    bad += [f"{k} and its mirror" for k in judgements if (k[1], k[0]) in judgements]
    if bad:
        raise _bad_matrix(
            shown(bad), "a finite number above 0 for each pair, in one direction"
        )
    labels = list(dict.fromkeys(str(name) for pair in judgements for name in pair))
    if names is not None:
        stray = [label for label in labels if label not in names]
        if stray:
            hint = nearest_name(stray[0], names)
            raise _bad_matrix(f"{shown(map(repr, stray))}.{hint}", "one of names=...")
        labels = [str(name) for name in names]
    at = {label: i for i, label in enumerate(labels)}
    matrix = np.full((len(labels), len(labels)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for (a, b), times in judgements.items():
        matrix[at[str(a)], at[str(b)]] = times
        matrix[at[str(b)], at[str(a)]] = 1.0 / times
    missing = [
        (labels[i], labels[j])
        for i, j in combinations(range(len(labels)), 2)
        if np.isnan(matrix[i, j])
    ]
    if missing:
        raise _bad_matrix(
            f"no judgement for {shown(missing)}", "a judgement for every pair"
        )
    return labels, matrix
