"""Which weight, and which layer's error, moves the ranking most (SALib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import MissingDependencyError, StudyError, four_parts
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.ranking import (
    Ranking,
    competition_ranks,
    generator,
    scores_of,
    whole_number,
)
from siteselect.suitability.uncertainty import ErrorModel, _checked_errors, _Noise

Floats = npt.NDArray[np.float64]

_METHODS = ("sobol", "morris")
_OUTPUTS = ("rank_shift", "kept")
#: Shares of a layer's errors that are looked at: the extremes have no end.
_TAIL = 0.001

__all__ = ["rank_sensitivity"]


def rank_sensitivity(
    scored: gpd.GeoDataFrame,
    criteria: Sequence[Criterion] | None = None,
    *,
    best: int = 10,
    method: str = "sobol",
    output: str = "rank_shift",
    n: int = 256,
    weight_spread: float = 0.5,
    errors: Mapping[str, ErrorModel] | None = None,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    r"""Apportion how far the ranking moves to weights and to layers' errors.

    Use it to see what to settle first: the weight to discuss, or the layer to
    measure better.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        What `score_sites` returned.
    criteria : sequence of Criterion, optional
        The criteria of the scoring; needed with ``errors``, and where the frame
        lost its ``attrs``.
    best : int, default 10
        Size of the shortlist [count].
    method : {"sobol", "morris"}, default "sobol"
        Shares of the variance [1]_, or elementary effects [2]_, which need
        fewer draws.
    output : {"rank_shift", "kept"}, default "rank_shift"
        What moves: the mean change of rank over all candidates [3]_, or the
        share of the shortlist that stays on it.
    n : int, default 256
        Base sample of Sobol (a power of 2), or trajectories of Morris; the
        ranking is made about n · (inputs + 2) times.
    weight_spread : float, default 0.5
        Each weight is multiplied by a factor in [1 - spread, 1 + spread], then
        all are normalized [-]; 0 leaves them as they are.
    errors : mapping, optional
        Criterion name -> `NormalError`, `UniformError` or `TriangularError`. Here
        an error is that of the whole layer: the same for all candidates.
    rng : numpy.random.Generator or int, default 0
        Seed.

    Returns
    -------
    pandas.DataFrame
        One row per input, ``"weight: <name>"`` and ``"data: <name>"``. Sobol:
        ``first`` and ``total`` order indices [-] with the half width of their
        95 % intervals, ``first_conf`` and ``total_conf``. Morris: ``mu``,
        ``mu_star``, ``sigma``, ``mu_star_conf`` [ranks, or share of the set].
        ``attrs`` holds ``mean`` and ``sd`` of the output over the sample.

    Raises
    ------
    MissingDependencyError
        If SALib is not installed: ``pip install 'siteselect[sensitivity]'``.
    StudyError, LayerError
        If the frame was not scored, or an argument cannot be used.

    References
    ----------
    .. [1] A. Saltelli et al., Variance based sensitivity analysis of model output,
       Computer Physics Communications 181, 259-270, 2010,
       https://doi.org/10.1016/j.cpc.2009.09.018
    .. [2] M. D. Morris, Factorial sampling plans for preliminary computational
       experiments, Technometrics 33, 161-174, 1991,
       https://doi.org/10.1080/00401706.1991.10484804
    .. [3] M. Saisana, A. Saltelli, S. Tarantola, Uncertainty and sensitivity analysis
       techniques as tools for the quality assessment of composite indicators,
       Journal of the Royal Statistical Society A 168, 307-323, 2005,
       https://doi.org/10.1111/j.1467-985X.2005.00350.x

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Rising, score_sites
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw": [900.0, 500.0, 700.0], "acres": [10.0, 90.0, 40.0]},
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> scored = score_sites(sites, [
    ...     Criterion("grid", Column("mw"), Rising(0, 1000)),
    ...     Criterion("land", Column("acres"), Rising(0, 100)),
    ... ])
    >>> table = rank_sensitivity(scored, best=1, n=64)
    >>> table.index.tolist()
    ['weight: grid', 'weight: land']
    """
    ranking = Ranking.of(scored, criteria)
    best = whole_number("A shortlist has a size", "best", best, len(ranking))
    n = whole_number("A sensitivity study has a sample", "n", n)
    for name, given, allowed in (
        ("method", method, _METHODS),
        ("output", output, _OUTPUTS),
    ):
        if given not in allowed:
            raise StudyError(
                four_parts(
                    "A sensitivity study says how and of what",
                    f"found {name}={given!r}",
                    f"allowed are {' and '.join(map(repr, allowed))}",
                    f"pass {name}={allowed[0]!r}",
                )
            )
    is_number = isinstance(weight_spread, (int, float)) and 0 <= weight_spread < 1
    if not is_number or isinstance(weight_spread, bool):
        raise StudyError(
            four_parts(
                "Weights are multiplied by 1 minus to 1 plus a spread",
                f"found weight_spread={weight_spread!r}",
                "allowed are numbers from 0 and below 1",
                "pass for instance weight_spread=0.5",
            )
        )
    model = _Model(ranking, scored, criteria, errors, weight_spread, best, output)
    seed = int(generator(rng).integers(2**31))
    problem = model.problem()
    if method == "sobol":
        table = _sobol(model, problem, n, seed)
    else:
        table = _morris(model, problem, n, seed)
    table.index = pd.Index(problem["names"], name="input")
    return table


class _Model:
    """The output as a function of factors on weights and shares of errors."""

    def __init__(
        self,
        ranking: Ranking,
        scored: gpd.GeoDataFrame,
        criteria: Sequence[Criterion] | None,
        errors: Mapping[str, ErrorModel] | None,
        spread: float,
        best: int,
        output: str,
    ) -> None:
        self.ranking, self.spread = ranking, spread
        self.best, self.output = best, output
        self.errors = _checked_errors(scored, ranking, criteria, errors)
        for name, model in (errors or {}).items():
            if not isinstance(model, _Noise):
                raise StudyError(
                    four_parts(
                        "A layer's error is taken at shares of all its errors",
                        f"found a function for {name!r}",
                        "allowed are NormalError, UniformError and TriangularError",
                        "use rank_intervals(...) for errors of your own",
                    )
                )
        self.weighed = np.flatnonzero((ranking.weights > 0) & (spread > 0))
        if not len(self.weighed) and not self.errors:
            raise StudyError(
                four_parts(
                    "A sensitivity study moves weights or figures",
                    "found weight_spread=0 and no errors",
                    "at least one input is needed",
                    "pass for instance weight_spread=0.5",
                )
            )
        self.nominal = ranking.ranks()
        self.chosen = ranking.best(best)

    def problem(self) -> dict[str, Any]:
        """Return the inputs as SALib wants them."""
        names = self.ranking.names
        low, high = 1 - self.spread, 1 + self.spread
        named = [f"weight: {names[j]}" for j in self.weighed]
        named += [f"data: {names[j]}" for j in self.errors]
        bounds = [[low, high]] * len(self.weighed)
        bounds += [[_TAIL, 1 - _TAIL]] * len(self.errors)
        return {"num_vars": len(named), "names": named, "bounds": bounds}

    def __call__(self, sample: Floats) -> Floats:
        """Return the output of each row of the sample."""
        return np.array([self._one(row) for row in sample])

    def _one(self, row: Floats) -> float:
        weights = self.ranking.weights.copy()
        weights[self.weighed] *= row[: len(self.weighed)]
        weights /= weights.sum()
        values = self.ranking.values
        if self.errors:
            values = values.copy()
            shares = row[len(self.weighed) :]
            for (j, found), share in zip(self.errors.items(), shares, strict=True):
                noise, raw, criterion = found
                moved = noise.shifted(raw, noise.ppf(share))  # type: ignore[attr-defined]
                values[j] = np.clip(np.asarray(criterion.value(moved), float), 0, 1)
        ranks = competition_ranks(scores_of(values[:, None, :], weights[None, :]))[0]
        if self.output == "kept":
            return float((ranks[self.chosen] < self.best).mean())
        return float(np.abs(ranks - self.nominal).mean())


def _sobol(model: _Model, problem: dict[str, Any], n: int, seed: int) -> pd.DataFrame:
    """Return first and total order indices."""
    if n & (n - 1):
        raise StudyError(
            four_parts(
                "Sobol's sequence is balanced at powers of 2",
                f"found n={n}",
                "allowed are 64, 128, 256 and so on",
                "pass n=256",
            )
        )
    sample = _salib("sample.sobol").sample(
        problem, n, calc_second_order=False, seed=seed
    )
    found = model(sample)
    mean, sd = float(found.mean()), float(found.std())
    names = ["first", "first_conf", "total", "total_conf"]
    if sd == 0:
        # Nothing moves the ranking: there is no variance to share out.
        table = pd.DataFrame(0.0, index=range(problem["num_vars"]), columns=names)
    else:
        told = _salib("analyze.sobol").analyze(
            problem, found, calc_second_order=False, seed=seed
        )
        keys = ("S1", "S1_conf", "ST", "ST_conf")
        table = pd.DataFrame(
            {name: told[key] for name, key in zip(names, keys, strict=True)}
        )
    table.attrs = {"mean": mean, "sd": sd}
    return table


def _morris(model: _Model, problem: dict[str, Any], n: int, seed: int) -> pd.DataFrame:
    """Return elementary effects."""
    sample = _salib("sample.morris").sample(problem, n, num_levels=4, seed=seed)
    found = model(sample)
    told = _salib("analyze.morris").analyze(
        problem, sample, found, num_levels=4, seed=seed
    )
    names = ("mu", "mu_star", "sigma", "mu_star_conf")
    table = pd.DataFrame({name: np.asarray(told[name], float) for name in names})
    table.attrs = {"mean": float(found.mean()), "sd": float(found.std())}
    return table


def _salib(part: str) -> Any:
    """Import a part of SALib, or say how to get it."""
    try:
        return import_module(f"SALib.{part}")
    except ImportError:
        raise MissingDependencyError(
            four_parts(
                "rank_sensitivity(...) samples and analyzes with SALib",
                "it is not installed",
                "the extra 'sensitivity' is needed",
                "pip install 'siteselect[sensitivity]'",
            )
        ) from None
