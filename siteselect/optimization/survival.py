"""How often each site stays chosen when weights and layers are shaken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, shown
from siteselect.layers import spatial
from siteselect.optimization.asked import (
    criteria_list,
    noise_of,
    not_below,
    seed_of,
    whole,
)
from siteselect.optimization.plan import relative_gap
from siteselect.optimization.priceout import PriceOut
from siteselect.suitability.records import aggregate_of

if TYPE_CHECKING:
    import geopandas as gpd

    from siteselect.optimization.plan import SitePlan
from siteselect.suitability import Criterion

#: Relative standard deviation of a raw value by the layer's evidence. Judgement:
#: the order is certain, the levels are not; override with ``noise=``.
NOISE: Mapping[str, float] = {
    "measured": 0.05,
    "modelled": 0.15,
    "proxy": 0.30,
    "synthetic": 0.30,
    "unstated": 0.20,
}
#: Standard deviation of the logarithm of a weight. Judgement.
WEIGHT_SPREAD = 0.25
#: Errors of a layer are alike over about this distance [km]. Judgement.
CORRELATION_KM = 100.0
EARTH_KM = 6371.0088


def survival(
    plan: SitePlan,
    criteria: Sequence[Criterion],
    *,
    n: int = 50,
    rng: np.random.Generator | int = 0,
    noise: Mapping[str, float] | None = None,
    weight_spread: float = WEIGHT_SPREAD,
    near_km: float = 50.0,
    gap: float | None = None,
) -> pd.DataFrame:
    """Re-solve ``n`` times with shaken weights and layers; count who stays.

    Each draw multiplies every weight by a lognormal factor and every raw value of
    a criterion by ``exp(sd · z)``, where ``sd`` follows the layer's evidence and
    ``z`` is half a smooth field over space and half independent per candidate;
    values and scores are computed anew and the same program is solved again.
    Limits, capacities and costs are not shaken.

    Parameters
    ----------
    plan : SitePlan
        The plan to test, made with ``objective="score"``.
    criteria : sequence of Criterion
        The criteria that made the score; their ``<name>_raw`` columns are read.
    n : int
        Number of draws.
    rng : numpy.random.Generator or int
        Seed.
    noise : mapping, optional
        Relative standard deviation by evidence [-], over the defaults.
    weight_spread : float
        Standard deviation of the logarithm of each weight [-].
    near_km : float
        A pick within this distance counts as the same neighbourhood [km].
    gap : float, optional
        Gap of the re-solves; the plan's own target, at least 1e-3, by default.

    Returns
    -------
    pandas.DataFrame
        Indexed by chosen site: ``survival`` (share of draws in which the site is
        chosen again), ``survival_near`` (share in which some pick lies within
        ``near_km``), ``mw_mean`` (mean MW over all draws). ``attrs`` holds
        ``draws``, ``failed`` (draws in which no plan was found; they count nowhere)
        and ``gap_max``.

    Raises
    ------
    StudyError
        The plan was not made with a score, or raw columns are missing.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"mw_free": [900.0, 300.0, 200.0], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> grid = ss.Criterion("grid", ss.Column("mw_free"), ss.Rising(100, 1000))
    >>> scored = ss.score_sites(sites, [grid])
    >>> plan = ss.optimize_sites(scored, power_mw=(100, 100), site_mw=[100])
    >>> plan.survival([grid], n=5)["survival"].to_dict()
    {0: 1.0}
    """
    criteria = criteria_list(criteria, "survival(criteria)")
    n = whole(n, "n", 1, "n=50")
    noise = noise_of(noise, NOISE)
    weight_spread = not_below(weight_spread, "weight_spread", 0, "weight_spread=0.2")
    near_km = not_below(near_km, "near_km", 0, "near_km=50")
    request = plan.compiled.request
    frame = plan.candidates
    missing = [c.name for c in criteria if f"{c.name}_raw" not in frame.columns]
    if request.objective != "score" or not isinstance(request.score, str) or missing:
        raise StudyError(
            four_parts(
                "survival(criteria) shakes the score of a plan",
                f"raw columns missing for: {shown(missing)}"
                if missing
                else f"the plan's objective is {request.objective!r}",
                "a plan of objective='score' on a frame from score_sites",
                "plan.survival(criteria) with the criteria given to score_sites",
            )
        )
    if plan.problem.differs(request.score):
        raise StudyError(
            four_parts(
                "survival(criteria) shakes the score of a plan",
                f"its score {request.score!r} differs by option",
                "one score per site, and options that differ in other columns",
                "an objective that is the same for all options",
            )
        )
    rng = np.random.default_rng(seed_of(rng))
    shaken = Shaker(plan.problem.frame, criteria, {**NOISE, **noise})
    target = max(request.gap, 1e-3)
    if gap is not None:
        target = not_below(gap, "gap", 0, "gap=1e-3")
    # Limits stay, so rows and duals are prepared once for all draws.
    engine = PriceOut(plan.compiled)
    problem = plan.problem
    at = problem.frame.index.get_indexer(plan.sites.index)
    stays = np.zeros(at.size)
    close = np.zeros(at.size)
    megawatts = np.zeros(at.size)
    failed, gaps = 0, [0.0]
    for _ in range(n):
        score = shaken.draw(rng, weight_spread)
        own = np.maximum(problem.column_site, 0)
        gain = np.where(
            problem.column_site >= 0, score[own] * problem.column_mw, problem.objective
        )
        found = engine.solve(gain, gap=target, solver=request.solver)
        if found.x is None:
            failed += 1
            continue
        gaps.append(relative_gap(found.bound, found.objective))
        mw = problem.sites_mw(found.x)
        chosen = mw > 1e-9
        stays += chosen[at]
        megawatts += mw[at]
        if chosen.any() and at.size:
            near = spatial.nearest(plan.sites, problem.frame[chosen], max_km=near_km)
            close += near.position[:, 0] >= 0
    done = max(1, n - failed)
    table = pd.DataFrame(
        {
            "survival": stays / done,
            "survival_near": close / done,
            "mw_mean": megawatts / done,
        },
        index=plan.sites.index,
    )
    table.attrs = {"draws": n, "failed": failed, "gap_max": max(gaps)}
    return table


class Shaker:
    """Draws scores for the eligible candidates of a problem.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame, n_sites rows
        Eligible candidates with ``<name>_raw`` columns.
    criteria : sequence of Criterion
        Measurement, value function and weight of each.
    noise : mapping
        Relative standard deviation by evidence [-].
    """

    def __init__(
        self,
        frame: gpd.GeoDataFrame,
        criteria: Sequence[Criterion],
        noise: Mapping[str, float],
    ) -> None:
        points = spatial.points_of(frame)
        lon, lat = np.radians(points.x.to_numpy()), np.radians(points.y.to_numpy())
        xyz = EARTH_KM * np.column_stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        )
        # From the middle of the candidates, so that single precision is enough.
        self.xyz = (xyz - xyz.mean(axis=0)).astype(np.float32)
        self.criteria = tuple(criteria)
        self.aggregate = aggregate_of(frame)
        self.raw = [frame[f"{c.name}_raw"].to_numpy() for c in criteria]
        about: Any = frame.attrs.get("siteselect", {})
        told = {c["name"]: c.get("evidence") for c in about.get("criteria", [])}
        self.sd = [
            noise.get(str(told.get(c.name) or c.evidence), noise["unstated"])
            for c in criteria
        ]
        self.weight = np.array([float(c.weight) for c in criteria])

    def draw(
        self, rng: np.random.Generator, weight_spread: float
    ) -> npt.NDArray[np.float64]:
        """Return one shaken score per candidate [-]."""
        weight = self.weight * np.exp(
            weight_spread * rng.standard_normal(self.weight.size)
        )
        weight /= weight.sum()
        n = len(self.xyz)
        values = []
        for criterion, raw, sd in zip(self.criteria, self.raw, self.sd, strict=True):
            z = (self.field(rng) + rng.standard_normal(n)) / np.sqrt(2.0)
            # Classes have no size to shake; numbers do.
            if np.issubdtype(raw.dtype, np.number):
                raw = raw * np.exp(sd * z)
            values.append(np.asarray(criterion.value(raw), dtype=np.float64))
        names = [criterion.name for criterion in self.criteria]
        return self.aggregate.combine(values, weight, names)[0]

    def field(
        self, rng: np.random.Generator, terms: int = 24
    ) -> npt.NDArray[np.float64]:
        """Return a smooth random field of unit variance at the candidates.

        References
        ----------
        .. [1] Rahimi and Recht (2007), "Random features for large-scale kernel
           machines", NeurIPS 20.
        """
        # Single precision: an angle of some hundred radians keeps four digits.
        wave = (rng.standard_normal((3, terms)) / CORRELATION_KM).astype(np.float32)
        phase = rng.uniform(0.0, 2.0 * np.pi, terms).astype(np.float32)
        waves = np.cos(self.xyz @ wave + phase)
        return np.asarray(np.sqrt(2.0 / terms) * waves.sum(axis=1), dtype=np.float64)
