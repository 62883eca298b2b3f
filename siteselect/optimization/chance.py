"""Sites that may fall through: hold enough options that the megawatts arrive."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.special import ndtri

from siteselect.errors import StudyError, four_parts, shown
from siteselect.optimization._distance import lonlat
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import accounts, clean_name
from siteselect.optimization.problem import (
    GW,
    Bools,
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    aligned,
    number,
    quantity,
)
from siteselect.optimization.rules import each_year

Keys: TypeAlias = npt.NDArray[np.uint64]

#: Draws of the simulation that checks the scenarios.
FRESH_DRAWS = 20_000
#: Megawatts that are missing by less than this share count as there.
_ROOM = 1e-6
#: Standard deviations of what arrives at which tangents are taken, shares of the MW.
DEVIATIONS = (0.05, 0.08, 0.13, 0.2)
#: Probabilities above this one ask the normal law for tails that it does not have.
MOST_CERTAIN = 0.995
#: Columns that tell apart candidates at one place, if they are there.
_TELLING = ("score", "capacity_mw", "cost_usd_per_mw", "fixed_cost_usd")
#: Each scenario is a row over all sites: so many are past what a solver can take.
MOST_SCENARIOS = 100_000
#: The same for sites times scenarios: some gigabytes.
MOST_DRAWS = 25_000_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class AtLeast(ShownAsCard):
    """Hold so many sites that the megawatts arrive with a probability.

    Each site comes through with its own probability. Scenarios of which sites do
    are drawn; in at least ``probability`` of them the chosen sites that come
    through must carry ``mw``.

    Parameters
    ----------
    mw : float or ByYear
        Facility MW that must arrive [MW]; over several years in the last one, or
        as given by year.
    probability : float
        Least probability that they do, 0 to 1.
    p_success : str, number or Series, default "p_success"
        Probability that a site comes through, 0 to 1.
    common : str or Series, optional
        Group of sites with one fate (a shared substation, a county's permit): in a
        scenario they come through or fail together, or, where their probabilities
        differ, in the order of these. A missing group leaves a site on its own.
    scenarios : int, default 200
        Number of scenarios. Each is a binary variable and a row over all sites.
    rng : int, default 0
        Seed of the scenarios.
    name : str, default "at least"
        Name in accounts, prices and conflicts.

    Notes
    -----
    A sample average approximation [1]_. A plan is fitted to its scenarios, so its
    true probability is mostly somewhat lower than theirs. The accounts therefore
    also give the exact probability of the plan (a convolution of the sites' fates)
    where there are at most 200,000 different sums, and a simulation by fresh
    draws with its 95 % interval [2]_. Where they fall short, ask for more scenarios
    or for a higher probability.

    A site's draws depend on the seed and on its place, or on its group, and on
    nothing else: the order of rows, labels and the other candidates do not change
    them. They are stratified: in each hundred scenarios, a site of probability 0.7
    comes through in 70 [3]_.

    References
    ----------
    .. [1] J. Luedtke, S. Ahmed, "A sample approximation approach for optimization
       with probabilistic constraints", SIAM Journal on Optimization 19 (2008)
       674-699.
    .. [2] E. B. Wilson, "Probable inference, the law of succession, and statistical
       inference", Journal of the American Statistical Association 22 (1927) 209-212.
    .. [3] M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods
       for selecting values of input variables", Technometrics 21 (1979) 239-245.

    Raises
    ------
    StudyError
        A probability is outside 0 to 1 or unknown, or a number is negative.

    Examples
    --------
    >>> AtLeast(600, 0.9, common="substation")
    AtLeast(600 MW, 0.9)
    """

    mw: Any
    probability: float
    _: KW_ONLY
    p_success: Quantity = "p_success"
    common: str | pd.Series[Any] | None = None
    scenarios: int = 200
    rng: int = 0
    name: str = "at least"

    def __post_init__(self) -> None:
        clean_name(self.name, "AtLeast")
        if min(each_year(self.mw, self.name)) < 0:
            raise StudyError(
                four_parts(
                    f"{self.name!r} asks for {self.mw!r} MW",
                    "that is negative",
                    "facility MW of 0 or more",
                    "siteselect.AtLeast(600, 0.9)",
                )
            )
        if not 0 <= number(self.probability, self.name) <= 1:
            raise StudyError(
                four_parts(
                    f"{self.name!r} asks for a probability of {self.probability!r}",
                    "that is outside of what a probability can be",
                    "a probability from 0 to 1",
                    f"{self.probability!r} percent is {self.probability / 100:g}",
                )
            )
        for what, value, least in (
            ("scenarios", self.scenarios, 1),
            ("rng", self.rng, 0),
        ):
            given = number(value, self.name)
            most = MOST_SCENARIOS if least else np.inf
            if not least <= given <= most or int(value) != value:
                raise StudyError(
                    four_parts(
                        f"{self.name!r} was given {what}={value!r}",
                        f"that is below {least}, over {most:,} or not whole",
                        f"a whole number of {least} or more",
                        f"{what}={200 if least else 0}",
                    )
                )

    def __repr__(self) -> str:
        mw = max(each_year(self.mw, self.name))
        return f"AtLeast({mw:g} MW, {self.probability:g})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.p_success, self.common)

    @property
    def last_year_only(self) -> bool:
        """Whether only the last year counts: so unless ``mw`` is given by year."""
        return not hasattr(self.mw, "by_year")

    def in_year(self, year: int, *, is_last: bool) -> AtLeast | None:
        """Return the limit as it holds in one year."""
        if self.last_year_only:
            return self if is_last else None
        return replace(self, mw=number(self.mw.at(year), self.name))

    @property
    def most_missed(self) -> int:
        """Number of scenarios in which the megawatts may be missing."""
        return int(np.floor((1 - self.probability) * self.scenarios + 1e-9))

    def comes_through(
        self, frame: gpd.GeoDataFrame, among: Bools | None = None
    ) -> Bools:
        """Return the scenarios: which sites come through in which.

        Parameters
        ----------
        frame : geopandas.GeoDataFrame
            All eligible candidates, in any order.
        among : ndarray of bool, optional
            Rows to return; all by default.

        Returns
        -------
        ndarray of bool, shape (n_sites, n_scenarios)

        Raises
        ------
        StudyError
            Scenarios times sites are too many to draw.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> held = ss.AtLeast(100, probability=0.9, p_success=0.5)
        >>> held.comes_through(sites).shape[0]
        3
        """
        p = probabilities(frame, self.p_success, self.name)
        keys = fates(frame, p, self.common, self.name)
        if among is not None:
            keys, p = keys[among], p[among]
        if keys.size * int(self.scenarios) > MOST_DRAWS:
            raise StudyError(
                four_parts(
                    f"{self.name!r} draws {self.scenarios} scenarios of "
                    f"{keys.size:,} sites",
                    f"each is a row over all sites: {keys.size * self.scenarios:,} "
                    "draws",
                    f"up to {MOST_DRAWS:,} draws",
                    "sites.nlargest(50_000, 'score'), or fewer scenarios",
                )
            )
        return uniforms(keys, int(self.rng), int(self.scenarios)) < p[:, None]

    def _drawn(self, problem: Problem) -> Bools:
        key = ("comes through", id(self))
        if key not in problem._cache:
            problem._cache[key] = (self, self.comes_through(problem.frame))
        found: Bools = problem._cache[key][1]
        return found

    def columns(self, problem: Problem) -> ExtraColumns:
        """Return "missed" per scenario: 1 where the megawatts may be missing."""
        n = int(self.scenarios)
        return ExtraColumns(
            tuple(f"{self.name}: scenario {k} missed" for k in range(n)),
            np.zeros(n),
            np.ones(n),
            np.ones(n, dtype=bool),
        )

    def rows(self, problem: Problem) -> Rows:
        """Return one row per scenario in GW, and the share of those that are met."""
        drawn = self._drawn(problem)
        n = int(self.scenarios)
        site = np.maximum(problem.column_site, 0)
        used = np.flatnonzero((problem.column_site >= 0) & (problem.column_mw != 0))
        column, scenario = np.nonzero(drawn[site[used]])
        column = used[column]
        own = problem.extra[self.name].start + np.arange(n)
        each = np.arange(n)
        carried = sparse.csr_array(
            (
                np.concatenate(
                    [problem.column_mw[column] * GW, np.full(n, self.mw * GW)]
                ),
                (np.concatenate([scenario, each]), np.concatenate([column, own])),
            ),
            shape=(n, problem.n_columns),
        )
        missed = sparse.csr_array(
            (np.full(n, -1.0 / n), (np.zeros(n, dtype=np.int64), own)),
            shape=(1, problem.n_columns),
        )
        # 1 - missed / n >= probability, with a whole number of missed scenarios.
        return Rows.stack(
            [
                Rows.make(carried, self.mw * GW, np.inf, self.name, None, GW),
                Rows.make(
                    missed,
                    -self.most_missed / n,
                    np.inf,
                    self.name,
                    None,
                    1.0,
                    "drawn scenarios",
                ),
            ]
        )

    def guides(self, problem: Problem) -> Iterator[Callable[[float], Rows]]:
        """Return single rows that stand in for the scenarios while plans are sought.

        With what arrives taken as normal, ``mw`` arrives where its mean exceeds it by
        z standard deviations. A square root lies below its tangents, so with the
        tangent of the deviation at any value the condition is linear and on the safe
        side; each guide has its own value. What a guide is called with multiplies z,
        since scenarios differ from a normal law. Plans found this way count only
        where they keep the scenarios.
        """
        p = probabilities(problem.frame, self.p_success, self.name)
        site = np.maximum(problem.column_site, 0)
        own = problem.column_site >= 0
        mw = np.where(own, problem.column_mw, 0.0) * GW
        mean = p[site] * mw
        variance = p[site] * (1 - p[site]) * mw**2
        z = max(0.0, float(ndtri(min(self.probability, MOST_CERTAIN))))
        needed = number(self.mw, self.name) * GW
        if needed <= 0:
            return
        for share in DEVIATIONS:
            at = share * needed

            def rows(margin: float, at: float = at) -> Rows:
                entries = mean - 0.5 * margin * z / at * variance
                low = np.array([needed + 0.5 * margin * z * at])
                matrix = sparse.csr_array(entries[np.newaxis, :])
                return Rows.make(matrix, low, np.array([np.inf]), "")

            yield rows

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return the share of scenarios met, and the plan's true probability.

        The share is counted from the scenarios; the exact and the simulated
        probability use none of them.
        """
        chosen = (sites["mw"] > 0).to_numpy()
        size = sites["mw"].to_numpy(dtype=float)[chosen]
        needed = self.mw * (1 - _ROOM)
        p, fate = self._plain_fates(sites[chosen])
        n = int(self.scenarios)
        arrived = np.zeros(n)
        for mw, u, likely in zip(size, self._plain_draws(sites), p, strict=True):
            arrived += np.where(u < likely, mw, 0.0)
        met = float((arrived >= needed).sum()) / n
        parts = [
            accounts(
                self.name,
                [""],
                "drawn scenarios",
                math.ceil(self.probability * n - 1e-9) / n,
                np.inf,
                [met],
                "share of scenarios",
            )
        ]
        exact = exact_probability(size, p, fate, needed)
        low, middle, high = simulated_probability(
            size, p, fate, needed, np.random.default_rng([int(self.rng), 1])
        )
        for kind, value in (
            ("exact probability", exact),
            ("simulated probability", middle),
            ("simulated, 95 % from", low),
            ("simulated, 95 % to", high),
        ):
            if value is not None:
                parts.append(
                    accounts(
                        self.name,
                        [""],
                        kind,
                        np.nan,
                        np.nan,
                        [value],
                        "probability",
                        np.nan,
                    )
                )
        return pd.concat(parts, ignore_index=True)

    def _plain_draws(self, sites: gpd.GeoDataFrame) -> list[Floats]:
        """Return the draws of each chosen site, one in each n-th of 0 to 1."""
        points = sites.geometry.to_crs("EPSG:4326")
        if not (points.geom_type == "Point").all():
            points = points.representative_point()
        place = pd.DataFrame(
            {
                k: (c.round(7) * 1e7).round()
                for k, c in (("x", points.x), ("y", points.y))
            }
        )
        place["site"] = np.arange(len(sites))
        where = np.flatnonzero((sites["mw"] > 0).to_numpy())
        at = [tuple(xy) for xy in place[["x", "y"]].iloc[where].to_numpy()]
        shared = place[place.duplicated(["x", "y"], keep=False)]
        twins = {k: g["site"].tolist() for k, g in shared.groupby(["x", "y"])}
        p = self._plain_fates(sites)[0] if twins else np.zeros(0)
        group: Any = self.common
        if isinstance(group, str):
            group = sites[group]
        out, known = [], {}
        for k, xy in zip(where.tolist(), at, strict=True):
            own = None if group is None else group.get(sites.index[k])
            own = own.item() if isinstance(own, np.generic) else own
            if own is None or pd.isna(own):
                here = sorted(twins.get(xy, ()), key=lambda j: _rank(sites, p, j))
                key = _scrambled(_scrambled(int(xy[0])) + int(xy[1]))
                key = _scrambled(key + (here.index(k) if here else 0))
            else:
                digest = hashlib.blake2b(repr(own).encode(), digest_size=8).digest()
                key = int.from_bytes(digest, "big")
            if key not in known:
                known[key] = _plain_uniforms(key, int(self.rng), int(self.scenarios))
            out.append(known[key])
        return out

    def _plain_fates(self, chosen: gpd.GeoDataFrame) -> tuple[Floats, Ints]:
        """Return probability and number of the fate of each chosen site."""
        if isinstance(self.p_success, str):
            p = chosen[self.p_success].to_numpy(dtype=float)
        elif isinstance(self.p_success, pd.Series):
            p = self.p_success.loc[chosen.index].to_numpy(dtype=float)
        else:
            p = np.full(len(chosen), float(self.p_success))
        if self.common is None:
            return p, np.arange(len(chosen))
        group = (
            chosen[self.common]
            if isinstance(self.common, str)
            else self.common.reindex(chosen.index)
        )
        codes, known = pd.factorize(group)
        alone = codes < 0
        codes = codes.copy()
        codes[alone] = len(known) + np.arange(int(alone.sum()))
        return p, codes.astype(np.int64)


# -- scenarios --------------------------------------------------------------------


def probabilities(frame: gpd.GeoDataFrame, spec: Quantity, limit: str) -> Floats:
    """Return the probability of each site, or refuse what is none."""
    p = quantity(frame, spec, limit)
    bad = np.flatnonzero((p < 0) | (p > 1))
    if bad.size:
        said = spec if isinstance(spec, str) else getattr(spec, "name", spec)
        raise StudyError(
            four_parts(
                f"{limit!r} takes the probability of a site from {said!r}",
                f"it is outside 0 to 1 in {bad.size} eligible rows: "
                + shown(f"{frame.index[k]!r} {p[k]:g}" for k in bad),
                "probabilities from 0 to 1",
                "divide percents by 100",
            )
        )
    return p


def fates(
    frame: gpd.GeoDataFrame,
    p: Floats,
    common: str | pd.Series[Any] | None,
    limit: str,
) -> Keys:
    """Return a key per site: the same for sites that share one fate.

    The key comes from the group where there is one, else from the place. Among
    candidates at one place it also counts their order by probability, by the usual
    columns, and by label only where these are equal.
    """
    x, y = np.round(lonlat(frame).T, 7)
    telling = [
        pd.factorize(frame[c], sort=True)[0] for c in _TELLING if c in frame.columns
    ]
    label = pd.factorize(np.array([str(x) for x in frame.index]), sort=True)[0]
    order = np.lexsort((label, *reversed(telling), p, y, x))
    same = (np.diff(x[order]) == 0) & (np.diff(y[order]) == 0)
    begin = np.concatenate([[0], np.flatnonzero(~same) + 1])
    rank = np.arange(len(order)) - np.repeat(
        begin, np.diff(np.concatenate([begin, [len(order)]]))
    )
    twin = np.empty(len(order), dtype=np.uint64)
    twin[order] = rank.astype(np.uint64)
    # In units of 1e-7 degree, so that -0.0 and 0.0 are one place.
    a = np.round(x * 1e7).astype(np.int64).astype(np.uint64)
    b = np.round(y * 1e7).astype(np.int64).astype(np.uint64)
    key = mixed(mixed(mixed(a) + b) + twin)
    if common is not None:
        codes, known = pd.factorize(aligned(frame, common, limit))
        if not len(known):
            return key  # No group is known: every site is on its own.
        digests = np.array(
            [_digest(group) for group in known.tolist()], dtype=np.uint64
        )
        grouped = codes >= 0
        key[grouped] = digests[codes[grouped]]
    return key


def _digest(group: object) -> int:
    said = hashlib.blake2b(repr(group).encode(), digest_size=8)
    return int.from_bytes(said.digest(), "big")


def mixed(key: Keys) -> Keys:
    """Return 64-bit numbers scrambled (SplitMix64).

    References
    ----------
    .. [1] G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number
       generators", OOPSLA 2014, 453-472.
    """
    with np.errstate(over="ignore"):
        z = key + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniforms(keys: Keys, seed: int, n: int) -> Floats:
    """Return ``n`` stratified uniform numbers per key, one in each n-th of 0 to 1.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n_sites,)
        Equal keys give equal numbers.
    seed, n : int
        Seed and number.

    Returns
    -------
    ndarray, shape (n_sites, n)
    """
    with np.errstate(over="ignore"):
        start = mixed(keys + mixed(np.array([seed % 2**64], dtype=np.uint64)))
        step = np.arange(1, 2 * n + 1, dtype=np.uint64) * _GOLDEN
        raw = mixed(start[:, None] + step[None, :])
    order = np.argsort(raw[:, :n], axis=1)
    place = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(place, order, np.arange(n)[None, :], axis=1)
    within = (raw[:, n:] >> np.uint64(11)).astype(np.float64) * 2.0**-53
    found: Floats = (place + within) / n
    return found


# What follows serves ``check`` only. The scenarios are drawn once more, in whole
# numbers of Python: neither arrays nor columns of the program take part.

_ALL_BITS = 2**64 - 1


def _scrambled(key: int) -> int:
    """Return 64 bits scrambled, as in `mixed`."""
    z = (key + 0x9E3779B97F4A7C15) & _ALL_BITS
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _ALL_BITS
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _ALL_BITS
    return z ^ z >> 31


def _plain_uniforms(key: int, seed: int, n: int) -> Floats:
    """Return the stratified draws of one fate: its place in each n-th of 0 to 1."""
    start = _scrambled(key + _scrambled(seed & _ALL_BITS))
    raw = [_scrambled(start + k * 0x9E3779B97F4A7C15) for k in range(1, 2 * n + 1)]
    out = np.zeros(n)
    for place, k in enumerate(sorted(range(n), key=raw.__getitem__)):
        out[k] = (place + (raw[n + k] >> 11) / 2**53) / n
    return out


def _rank(sites: gpd.GeoDataFrame, p: Floats, k: int) -> tuple[Any, ...]:
    """Return what candidates at one place are told apart by, unknown values first."""
    values = [sites[c].iloc[k] for c in _TELLING if c in sites.columns]
    told = [(not pd.isna(v), 0.0 if pd.isna(v) else v) for v in values]
    return (p[k], *told, str(sites.index[k]))


# Neither of the following uses the scenarios.


def exact_probability(
    size: Floats, p: Floats, fate: Ints, needed: float, most: int = 200_000
) -> float | None:
    """Return the probability that sites that come through carry ``needed``.

    Sums of megawatts are convolved fate by fate; None if more than ``most``
    different ones arise.

    Examples
    --------
    >>> size, p = np.array([100.0, 100.0]), np.array([0.5, 0.5])
    >>> exact_probability(size, p, np.array([0, 1]), 100.0)
    0.75
    >>> exact_probability(size, p, np.array([0, 0]), 100.0)
    0.5
    """
    # Sums from the needed megawatts on are one outcome.
    total: Floats = np.zeros(1)
    chance: Floats = np.ones(1)
    for number_ in np.unique(fate):
        mine = np.flatnonzero(fate == number_)
        mine = mine[np.argsort(-p[mine], kind="stable")]
        # With one uniform number u, sites with p > u come through: the k surest.
        carried = np.concatenate([[0.0], np.cumsum(size[mine])])
        ends = np.concatenate([[1.0], p[mine], [0.0]])
        share = ends[:-1] - ends[1:]
        total = np.round((total[:, None] + carried[None, :]).ravel(), 6)
        total = np.minimum(total, needed)
        chance = (chance[:, None] * share[None, :]).ravel()
        total, where = np.unique(total, return_inverse=True)
        chance = np.bincount(where.reshape(-1), weights=chance).astype(np.float64)
        if total.size > most:
            return None
    return float(min(1.0, chance[total >= needed - 1e-6].sum()))


def simulated_probability(
    size: Floats, p: Floats, fate: Ints, needed: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return a simulated probability between the ends of its 95 % interval.

    The order of the sites does not matter.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> size, p = np.array([100.0, 100.0]), np.array([0.5, 0.5])
    >>> low, middle, high = simulated_probability(
    ...     size, p, np.array([0, 1]), 100.0, rng)
    >>> low < 0.75 < high
    True
    """
    first = {f: k for k, f in reversed(list(enumerate(fate.tolist())))}
    biggest = pd.Series(size).groupby(fate).max()
    surest = pd.Series(p).groupby(fate).max()
    many = pd.Series(size).groupby(fate).sum()
    ordered = sorted(first, key=lambda f: (many[f], biggest[f], surest[f]))
    carried = np.zeros(FRESH_DRAWS)
    for f in ordered:
        u = rng.random(FRESH_DRAWS)
        for k in np.flatnonzero(fate == f):
            carried += np.where(u < p[k], size[k], 0.0)
    share = float((carried >= needed).mean())
    z, n = 1.959964, FRESH_DRAWS
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if share == 0 else float(middle - half)
    high = 1.0 if share == 1 else float(middle + half)
    return low, share, high


__all__ = ["AtLeast"]
