"""Where cases stand among land: exact shares, curves, and intervals.

A case is placed by the share of the land that is better, and the share that is
as good. All figures follow from these two: the area under the curve is the mean
over cases of one less the better share less half the tied share, which is the
Mann-Whitney statistic with ties at half.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

__all__ = ["Placement", "Resamples", "permuted_within", "placement", "wilson"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Where each case stands in its own part of the land.

    Parameters
    ----------
    better : numpy.ndarray, shape (n_cases,)
        Share of the land that is better than the case [-]; NaN without land.
    tied : numpy.ndarray, shape (n_cases,)
        Share that is as good [-].
    """

    better: Floats
    tied: Floats

    @property
    def wins(self) -> Floats:
        """Chance that a case beats random land, ties at half [-]."""
        return 1.0 - self.better - 0.5 * self.tied

    def within(self, share: float) -> Floats:
        """Return how far each case is in the best share of the land [-].

        Land that is tied is taken in any order, so a tied case is in by the part
        of its tie that is.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            part = (share - self.better) / self.tied
        part = np.where(self.tied > 0, part, (self.better < share) * 1.0)
        if share >= 1:
            part = np.ones(len(part))
        return np.where(np.isnan(self.better), np.nan, np.clip(part, 0.0, 1.0))


def placement(value: Floats, weight: Floats, group: Ints, cases: Ints) -> Placement:
    """Return where cases stand among the land of their group.

    Parameters
    ----------
    value : numpy.ndarray, shape (n,)
        Higher is better; no NaN.
    weight : numpy.ndarray, shape (n,)
        Land that counts [any unit]; 0 for what is not land to compare with.
    group : numpy.ndarray of int64, shape (n,)
        From 0.
    cases : numpy.ndarray of int64
        Positions.

    Returns
    -------
    Placement

    Examples
    --------
    >>> value, weight = np.array([3.0, 1.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0, 2.0])
    >>> found = placement(value, weight, np.zeros(4, dtype=int), np.array([2]))
    >>> found.better, found.tied, found.wins
    (array([0.25]), array([0.25]), array([0.625]))
    """
    order = np.lexsort((-value, group))
    v, g, w = value[order], group[order], weight[order]
    is_new = np.ones(len(v), dtype=bool)
    is_new[1:] = (v[1:] != v[:-1]) | (g[1:] != g[:-1])
    block = np.cumsum(is_new) - 1
    land: Floats = np.bincount(block, weights=w).astype(np.float64)
    ahead: Floats = np.cumsum(land) - land
    block_group = g[is_new]
    start = np.searchsorted(block_group, block_group)
    total = np.bincount(g, weights=w)[block_group]
    with np.errstate(divide="ignore", invalid="ignore"):
        # Sums in another order may differ in the last bit.
        better: Floats = np.clip((ahead - ahead[start]) / total, 0.0, 1.0)
        tied: Floats = land / total
    own = np.empty(len(v), dtype=np.int64)
    own[order] = block
    return Placement(better[own[cases]], tied[own[cases]])


@dataclass(frozen=True, eq=False)
class Resamples:
    """Draws of the known sites with replacement, the same for all that is compared.

    The land is not drawn: it is all there, not a sample. Known sites in one
    candidate are drawn together, as one says nothing that the other does not.

    Parameters
    ----------
    n_each : numpy.ndarray, shape (m,)
        Known sites in each occupied candidate [count].
    times : numpy.ndarray of int64, shape (draws, m)
        How often each is drawn.
    level : float
        Of the intervals [-].
    """

    n_each: Floats
    times: Ints
    level: float

    @classmethod
    def of(
        cls, n_each: Floats, draws: int, level: float, rng: np.random.Generator
    ) -> Resamples:
        """Draw occupied candidates as often as there are."""
        m = len(n_each)
        return cls(n_each, rng.multinomial(m, np.full(m, 1 / m), size=draws), level)

    def mean(self, figure: Floats) -> float:
        """Return the mean over known sites, of those that have the figure."""
        use = self.n_each * ~np.isnan(figure)
        return float(_shared(use @ np.nan_to_num(figure), use.sum()))

    def count(self, figure: Floats) -> int:
        """Return how many known sites have the figure."""
        return int(self.n_each[~np.isnan(figure)].sum())

    def effective(self, figure: Floats) -> float:
        """Return how many known sites of their own this is worth (Kish)."""
        use = self.n_each[~np.isnan(figure)]
        return float(_shared(use.sum() ** 2, np.square(use).sum()))

    def interval(self, figure: Floats, *, is_share: bool) -> tuple[float, float]:
        """Return the percentile interval of the mean.

        ``is_share`` says that the figure lies in [0, 1]. Where all known sites
        have the same, resampling cannot show what was not seen: a share takes
        Wilson's interval instead. Below two candidates there is none.
        """
        known = ~np.isnan(figure)
        if known.sum() < 2:
            return np.nan, np.nan
        own = figure[known]
        if is_share and np.ptp(own) == 0:
            return wilson(float(own[0]), self.effective(figure), self.level)
        use = self.n_each * known
        means = _shared(self.times @ (use * np.nan_to_num(figure)), self.times @ use)
        tail = 0.5 * (1 - self.level)
        low, high = np.nanquantile(means, [tail, 1 - tail])
        return float(low), float(high)


def _shared(total: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.asarray(total, float) / np.asarray(n, float)
    return share


def wilson(share: float, n: float, level: float) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Parameters
    ----------
    share : float
        Of the cases [-].
    n : float
        How many cases [count].
    level : float
        Of the interval [-].

    Returns
    -------
    tuple of float

    References
    ----------
    .. [1] E. B. Wilson, Probable inference, the law of succession, and statistical
       inference, Journal of the American Statistical Association 22, 209-212, 1927,
       https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> low, high = wilson(0.0, 10, 0.95)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.2775)
    """
    if not n > 0:
        return np.nan, np.nan
    z = NormalDist().inv_cdf(0.5 + level / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def permuted_within(group: Ints, rng: np.random.Generator) -> Ints:
    """Return positions shuffled, each group among itself.

    Examples
    --------
    >>> group = np.array([1, 0, 1, 0])
    >>> bool((group[permuted_within(group, np.random.default_rng(0))] == group).all())
    True
    """
    found = np.empty(len(group), dtype=np.int64)
    plain = np.argsort(group, kind="stable")
    found[plain] = np.lexsort((rng.random(len(group)), group))
    return found
