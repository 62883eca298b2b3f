"""How sure a ranking is when weights and figures are not.

Draws are made block by block and forgotten; what is kept per candidate are
counts of ranks. Quantiles are exact all the same: a first pass finds the
coarse range each lies in, the next passes draw the same again and look into
that range only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.ranking import (
    Ranking,
    competition_ranks,
    generator,
    scores_of,
    whole_number,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ErrorModel = Callable[[npt.NDArray[Any], np.random.Generator], npt.ArrayLike]

#: Scores held at once: a block of this size stays in the processor's cache.
_SCORES = 100_000
#: Ranks held at once, before they are counted.
_RANKS = 4_000_000
#: Counts held at once.
_COUNTS = 12_000_000

__all__ = ["NormalError", "TriangularError", "UniformError", "rank_intervals"]


@dataclass(frozen=True)
class _Noise:
    """Shared by error models: an offset, or one relative to the figure."""

    relative: bool = field(default=False, kw_only=True)

    def ppf(self, share: npt.ArrayLike) -> Floats:
        """Return the offset that a share of all errors stays below."""
        raise NotImplementedError

    def __call__(self, raw: npt.NDArray[Any], rng: np.random.Generator) -> Floats:
        """Return figures with an error of its own for each candidate.

        Parameters
        ----------
        raw : numpy.ndarray of float64, shape (n,)
            Figures [unit of the criterion].
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
        """
        return self.shifted(raw, self.ppf(rng.random(len(raw))))

    def shifted(self, raw: Floats, offset: npt.ArrayLike) -> Floats:
        """Return figures moved by an offset, or by a share of themselves."""
        by = np.asarray(offset, dtype=np.float64)
        moved: Floats = raw * (1 + by) if self.relative else raw + by
        return moved


@dataclass(frozen=True)
class NormalError(_Noise):
    """Figures are off by a normal error, independent for each candidate.

    Parameters
    ----------
    sd : float
        Standard deviation [unit of the criterion], or [-] of the figure.
    relative : bool, default False
        Whether the error grows with the figure.

    Examples
    --------
    >>> NormalError(10.0).ppf([0.5, 0.975]).round(1).tolist()
    [0.0, 19.6]
    """

    sd: float

    def __post_init__(self) -> None:
        _refuse_width("NormalError", "sd", self.sd)

    def ppf(self, share: npt.ArrayLike) -> Floats:
        """Return the offset that a share of all errors stays below."""
        # A share of 0 would be minus infinity.
        return np.asarray(self.sd * ndtri(np.clip(share, 1e-16, 1 - 1e-16)))


@dataclass(frozen=True)
class UniformError(_Noise):
    """Figures are off by at most a width, any error as likely as another.

    Parameters
    ----------
    half_width : float
        Largest error to either side [unit of the criterion], or [-] of the figure.
    relative : bool, default False
        Whether the error grows with the figure.

    Examples
    --------
    >>> UniformError(5.0).ppf([0.0, 0.5, 1.0]).tolist()
    [-5.0, 0.0, 5.0]
    """

    half_width: float

    def __post_init__(self) -> None:
        _refuse_width("UniformError", "half_width", self.half_width)

    def ppf(self, share: npt.ArrayLike) -> Floats:
        """Return the offset that a share of all errors stays below."""
        return self.half_width * (2 * np.asarray(share, dtype=float) - 1)


@dataclass(frozen=True)
class TriangularError(_Noise):
    """Figures are off by a triangular error: least, likeliest, most.

    Parameters
    ----------
    low, mode, high : float
        Offsets with ``low <= mode <= high`` and ``low < high``
        [unit of the criterion], or [-] of the figure.
    relative : bool, default False
        Whether the error grows with the figure.

    Raises
    ------
    StudyError
        If the figures are not in order or not finite.

    Examples
    --------
    >>> TriangularError(-1.0, 0.0, 3.0).ppf([0.0, 0.25, 1.0]).tolist()
    [-1.0, 0.0, 3.0]
    """

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        corners = (self.low, self.mode, self.high)
        if not all(_is_number(corner) for corner in corners) or not (
            self.low <= self.mode <= self.high and self.low < self.high
        ):
            raise StudyError(
                four_parts(
                    "TriangularError takes the least, likeliest and largest offset",
                    f"found {corners}",
                    "allowed are finite numbers that rise, the outer two apart",
                    "write for instance TriangularError(-1, 0, 3)",
                )
            )

    def ppf(self, share: npt.ArrayLike) -> Floats:
        """Return the offset that a share of all errors stays below."""
        u = np.asarray(share, dtype=float)
        width, left = self.high - self.low, self.mode - self.low
        right = self.high - self.mode
        return np.where(
            u * width <= left,
            self.low + np.sqrt(u * width * left),
            self.high - np.sqrt((1 - u) * width * right),
        )


def rank_intervals(
    scored: gpd.GeoDataFrame,
    criteria: Sequence[Criterion] | None = None,
    *,
    best: int = 10,
    draws: int = 10_000,
    concentration: float | None = 50.0,
    errors: Mapping[str, ErrorModel] | None = None,
    level: float = 0.9,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    r"""Shake weights and figures, and tell how far each candidate's rank moves.

    Use it before a shortlist is believed: the interval says between which ranks
    a candidate stays, ``p_best`` how often it is on the shortlist.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned.
    criteria : sequence of Criterion, optional
        The criteria of the scoring; needed with ``errors``, and where the frame
        lost its ``attrs``.
    best : int, default 10
        Size of the shortlist [count].
    draws : int, default 10000
        Number of draws [count].
    concentration : float or None, default 50
        How close weights stay to those given [-]: they follow a Dirichlet
        distribution with the given ones as mean. None leaves them as they are;
        the number of criteria, with equal weights, takes any weights alike.
    errors : mapping, optional
        Criterion name -> `NormalError`, `UniformError`, `TriangularError`, or a
        function (figures, generator) -> figures that gives raw figures of the
        ranked candidates an error; it is called once per draw.
    level : float, default 0.9
        Share of the draws inside the interval [-].
    rng : numpy.random.Generator or int, default 0
        Seed. The same seed gives the same table, in any order of the rows.

    Returns
    -------
    pandas.DataFrame
        On ``scored.index``: ``rank`` under the given weights, ``rank_low``,
        ``rank_median``, ``rank_high`` and ``rank_mean`` over the draws (1 is the
        best) and ``p_best``, the share of draws in which the candidate ranks
        among the best [-]. NaN for candidates without a score, which do not
        take part. ``attrs`` holds ``draws``, ``best``, ``level``,
        ``concentration``, ``kept`` (mean share of the best that stay so) and
        ``set_kept`` (share of draws in which they all do).

    Raises
    ------
    StudyError, LayerError
        If the frame was not scored, or an argument cannot be used.

    Notes
    -----
    .. math:: w \sim \mathrm{Dirichlet}(\kappa \bar w), \qquad
              \mathrm{sd}(w_c) = \sqrt{\bar w_c (1 - \bar w_c) / (\kappa + 1)}

    With :math:`\kappa = 50`, a weight of 0.2 has a standard deviation of 0.056.
    A weight of 0 stays 0. Equal scores share the better rank. A quantile is the
    least rank that at least that share of the draws does not exceed. The library's
    error models err independently for each candidate; errors that neighbors share
    belong in a function. A figure that an error makes unknown ranks last.

    References
    ----------
    .. [1] R. Lahdelma, J. Hokkanen, P. Salminen, SMAA - Stochastic multiobjective
       acceptability analysis, European Journal of Operational Research 106, 137-143,
       1998, https://doi.org/10.1016/S0377-2217(97)00163-X

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 850.0, 100.0], "acres": [80.0, 90.0, 10.0]},
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> criteria = [
    ...     Criterion("grid", Column("mw"), Rising(0, 1000)),
    ...     Criterion("land", Column("acres"), Rising(0, 100)),
    ... ]
    >>> scored = score_sites(sites, criteria)
    >>> table = rank_intervals(scored, best=1, draws=500, concentration=5)
    >>> table["rank_low"].tolist(), table["rank_high"].tolist()
    ([1.0, 1.0, 3.0], [2.0, 2.0, 3.0])
    """
    ranking = Ranking.of(scored, criteria)
    shaken = _Shaken(
        ranking,
        _weights_like(ranking, draws, concentration, rng := generator(rng)),
        _checked_errors(scored, ranking, criteria, errors),
        int(rng.integers(2**63)),
    )
    best = whole_number("A shortlist has a size", "best", best, len(ranking))
    if not _is_number(level) or not 0 < level < 1:
        raise StudyError(
            four_parts(
                "An interval holds a share of the draws",
                f"found level={level!r}",
                "allowed are numbers between 0 and 1",
                "pass for instance level=0.9",
            )
        )
    tail = (1 - level) / 2
    quantiles = _Quantiles(len(ranking), draws, (tail, 0.5, 1 - tail))
    nominal = ranking.ranks()
    chosen = ranking.best(best)
    times_best = np.zeros(len(ranking), dtype=np.int64)
    total = np.zeros(len(ranking), dtype=np.int64)
    kept = set_kept = 0
    is_first = True
    while not quantiles.is_found:
        for ranks in shaken.blocks():
            quantiles.add(ranks)
            if is_first:
                is_best = ranks < best
                times_best += is_best.sum(axis=0)
                total += ranks.sum(axis=0)
                stay = is_best[:, chosen].sum(axis=1)
                kept += int(stay.sum())
                set_kept += int((stay == best).sum())
        quantiles.narrow()
        is_first = False
    low, middle, high = quantiles.low.T + 1
    columns = {
        "rank": nominal + 1,
        "rank_low": low,
        "rank_median": middle,
        "rank_high": high,
        "rank_mean": total / draws + 1,
        "p_best": times_best / draws,
    }
    table = pd.DataFrame(
        {name: ranking.on_frame(column) for name, column in columns.items()},
        index=scored.index,
    )
    table.attrs = {
        "draws": int(draws),
        "best": best,
        "level": float(level),
        "concentration": concentration,
        "kept": kept / (draws * best),
        "set_kept": set_kept / draws,
    }
    return table


@dataclass(frozen=True, eq=False)
class _Shaken:
    """Draws that come out the same each time they are asked for."""

    ranking: Ranking
    weights: Floats
    errors: Mapping[int, tuple[ErrorModel, npt.NDArray[Any], Criterion]]
    root: int

    def blocks(self) -> Iterator[Ints]:
        """Give ranks (draws, n), block by block; 0 is the best."""
        n, n_draws = len(self.ranking), len(self.weights)
        at_once, step = max(1, _RANKS // n), max(1, _SCORES // n)
        for begin in range(0, n_draws, at_once):
            end = min(n_draws, begin + at_once)
            ranks = np.empty((end - begin, n), dtype=np.int64)
            for first in range(begin, end, step):
                last = min(end, first + step)
                ranks[first - begin : last - begin] = self._ranks(first, last)
            yield ranks

    def _ranks(self, first: int, last: int) -> Ints:
        values: Floats = self.ranking.values[:, None, :]
        if self.errors:
            values = np.repeat(values, last - first, axis=1)
            figures = {j: [] for j in self.errors}  # type: dict[int, list[Any]]
            for draw in range(first, last):
                # One generator per draw: the size of a block changes nothing.
                rng = np.random.default_rng([self.root, draw])
                for j, (model, raw, criterion) in self.errors.items():
                    figures[j].append(_erred(model, raw, rng, criterion.name))
            for j, (_, _, criterion) in self.errors.items():
                found = criterion.value(np.concatenate(figures[j]))
                shaped = np.asarray(found, dtype=float).reshape(last - first, -1)
                values[j] = np.clip(shaped, 0.0, 1.0)
        return competition_ranks(scores_of(values, self.weights[first:last]))


class _Quantiles:
    """Finds quantiles of ranks from counts, in passes over the same draws."""

    def __init__(self, n: int, draws: int, shares: Sequence[float]) -> None:
        self.n, self.width = n, n
        # A hair less than the share, so that rounding does not ask for one more.
        self.wanted = np.array(
            [max(1, int(np.ceil(share * draws - 1e-9))) for share in shares]
        )
        self.low = np.zeros((n, len(shares)), dtype=np.int64)
        self.below = np.zeros((n, len(shares)), dtype=np.int64)
        most = max(16, _COUNTS // (n * len(shares)))
        self.passes = 1
        while most**self.passes < n:
            self.passes += 1
        self.bins = max(2, int(np.ceil(n ** (1 / self.passes))))
        # Even a single candidate is drawn once, for its share among the best.
        self.is_found = False
        self._start()

    def _start(self) -> None:
        self.step = -(-self.width // self.bins)
        # All quantiles look at the same range first.
        self.looks = 1 if self.width == self.n else self.low.shape[1]
        self.counts = np.zeros((self.looks, self.n * self.bins), dtype=np.uint32)

    def add(self, ranks: Ints) -> None:
        """Count a block of ranks (draws, n)."""
        base = np.arange(self.n) * self.bins
        for look in range(self.looks):
            cell = ranks - self.low[:, look]
            is_outside = (cell < 0) | (cell >= self.width)
            cell //= self.step
            cell += base
            found = cell.ravel() if self.looks == 1 else cell[~is_outside]
            more = np.bincount(found, minlength=self.counts.shape[1])
            self.counts[look] += more.astype(np.uint32)

    def narrow(self) -> None:
        """Close the range around each quantile."""
        counted = self.counts.reshape(self.looks, self.n, self.bins)
        for look in range(self.low.shape[1]):
            upto = counted[min(look, self.looks - 1)].cumsum(axis=1, dtype=np.int64)
            upto += self.below[:, look, None]
            hit = (upto < self.wanted[look]).sum(axis=1)
            before = np.take_along_axis(upto, np.maximum(hit - 1, 0)[:, None], 1)[:, 0]
            self.below[:, look] = np.where(hit > 0, before, self.below[:, look])
            self.low[:, look] += hit * self.step
        self.width = self.step
        self.is_found = self.width == 1
        if not self.is_found:
            self._start()


def _weights_like(
    ranking: Ranking,
    draws: int,
    concentration: float | None,
    rng: np.random.Generator,
) -> Floats:
    """Draw weights around the given ones, shape (draws, c)."""
    draws = whole_number("Weights and figures are drawn", "draws", draws)
    if concentration is None:
        return np.repeat(ranking.weights[None, :], draws, axis=0)
    if not _is_number(concentration) or concentration <= 0:
        raise StudyError(
            four_parts(
                "Weights are drawn around those given",
                f"found concentration={concentration!r}",
                "allowed are finite numbers above 0, or None for fixed weights",
                "pass for instance concentration=50",
            )
        )
    counts = ranking.weights > 0
    weights: Floats = np.zeros((draws, len(ranking.weights)))
    weights[:, counts] = rng.dirichlet(concentration * ranking.weights[counts], draws)
    return weights


def _checked_errors(
    scored: gpd.GeoDataFrame,
    ranking: Ranking,
    criteria: Sequence[Criterion] | None,
    errors: Mapping[str, ErrorModel] | None,
) -> dict[int, tuple[ErrorModel, npt.NDArray[Any], Criterion]]:
    """Return error model, figures and criterion by position; weight 0 left out."""
    if not errors:
        return {}
    if criteria is None:
        raise StudyError(
            four_parts(
                "Figures with errors are valued again",
                "found no criteria",
                "the criteria of the scoring are needed, for their value functions",
                "pass the same criteria as to score_sites",
            )
        )
    for name, model in errors.items():
        if name not in ranking.names or not callable(model):
            wrong = (
                f"found {model!r} for {name!r}"
                if name in ranking.names
                else f"found {name!r}.{nearest_name(str(name), ranking.names)}"
            )
            raise StudyError(
                four_parts(
                    "Errors are given by criterion",
                    wrong,
                    f"allowed are NormalError(...) or functions for "
                    f"{shown(ranking.names, 8)}",
                    "write for instance errors={'grid': NormalError(20)}",
                )
            )
    found = {}
    for j, criterion in enumerate(criteria):
        if criterion.name in errors and ranking.weights[j] > 0:
            raw = scored[f"{criterion.name}_raw"].to_numpy()[ranking.rows]
            found[j] = (errors[criterion.name], raw, criterion)
    return found


def _erred(
    model: ErrorModel, raw: npt.NDArray[Any], rng: np.random.Generator, name: str
) -> npt.NDArray[Any]:
    """Return figures with errors, checking a user's own function."""
    if isinstance(model, _Noise) and raw.dtype.kind not in "fiu":
        raise StudyError(
            four_parts(
                f"The figures of criterion {name!r} are given errors",
                f"they are labels, e.g. {raw[0]!r}",
                "allowed are numbers, or a function of your own for labels",
                "leave the criterion out of errors=",
            )
        )
    found = np.asarray(model(raw.copy(), rng))
    if found.shape != raw.shape:
        raise StudyError(
            four_parts(
                f"The error function of criterion {name!r} answers per candidate",
                f"found shape {found.shape} for {len(raw)} figures",
                "allowed is one figure per figure given",
                "write the function over the whole array",
            )
        )
    return found


def _refuse_width(kind: str, name: str, value: object) -> None:
    """Refuse a width that is not a finite number from 0."""
    if not _is_number(value) or value < 0:  # type: ignore[operator]
        raise StudyError(
            four_parts(
                f"{kind} takes a width",
                f"found {name}={value!r}",
                "allowed are finite numbers from 0",
                f"write for instance {kind}(0.1, relative=True)",
            )
        )


def _is_number(value: object) -> bool:
    """Say whether something is a finite number."""
    is_real = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return is_real and bool(np.isfinite(value))  # type: ignore[call-overload]
