"""How much a short list of sites with co-sited supply may have cost.

A joint plan of sites and plants looks at a few hundred sites. What any plan of all
candidates costs at least follows from one price per megawatt and site.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np

from siteselect.errors import LayerError, StudyError, check_given, four_parts, shown
from siteselect.infrastructure.energy.columns import Quantity, site_column
from siteselect.optimization.problem import Floats
from siteselect.optimization.supply import Supply

if TYPE_CHECKING:
    from siteselect.optimization._compile import Request
    from siteselect.optimization.plan import SitePlan

__all__ = ["SupplyBound", "supply_bound"]

LIFETIME: Final = "lifetime_cost_usd_per_mw"
_PRICED: Final = (
    "supply_usd_per_mw_year",
    "supply_lifetime_usd_per_mw",
    "supply_usd_per_mw_year_per_cfe",
    "cfe",
)
#: A cost below this part of the highest counts as none.
_NOTHING: Final = 1e-7
#: Candidates' own costs may differ between the two frames by rounding [relative].
_SAME: Final = 1e-9


@dataclass(frozen=True)
class SupplyBound:
    """What a joint plan costs, and what any plan of all candidates costs at least.

    Parameters
    ----------
    plan_usd : float
        Lifetime cost of the plan [USD].
    bound_usd : float
        Least lifetime cost that a plan of all candidates could have [USD].
    clean_usd_per_mwh : float
        Price put on carbon-free energy [USD of present value per yearly MWh].
    n_candidates : int
        Candidates that the bound covers.
    left_out : tuple
        Candidates without a price, which the bound does not cover.
    """

    plan_usd: float
    bound_usd: float
    clean_usd_per_mwh: float
    n_candidates: int
    left_out: tuple[Any, ...]

    @property
    def gap(self) -> float:
        """Share of the plan's cost that a longer list could save at most."""
        return max(0.0, self.plan_usd - self.bound_usd) / max(1e-9, abs(self.plan_usd))

    def __str__(self) -> str:
        said = (
            f"A plan of all {self.n_candidates:,} candidates costs at least "
            f"${self.bound_usd / 1e9:,.3f} billion; this one costs "
            f"${self.plan_usd / 1e9:,.3f} billion: a longer list saves at most "
            f"{self.gap:.2%}."
        )
        if self.left_out:
            said += f" {len(self.left_out):,} candidates without a price are left out."
        return said


def supply_bound(
    plan: SitePlan,
    everywhere: gpd.GeoDataFrame,
    *,
    energy: Quantity = "energy_mwh_per_mw_year",
) -> SupplyBound:
    r"""Bound what a plan with `Supply` would cost if all candidates were on its list.

    Parameters
    ----------
    plan : SitePlan
        Plan of a short list with one `Supply` and ``objective="cost"``.
    everywhere : GeoDataFrame, (n,)
        All candidates, with the columns of the plan's own and those of `price_supply`
        at the plan's carbon-free share. Price them with the profiles' makings, plants
        and parameters of the options, and without caps.
    energy : str, number or Series, default "energy_mwh_per_mw_year"
        As in `price_supply`.

    Returns
    -------
    SupplyBound
        ``str(bound)`` says it in a sentence.

    Raises
    ------
    StudyError
        If the plan has no `Supply`, more than one, or another objective.
    LayerError
        If the candidates are not priced, or their own costs are not the plan's.

    Notes
    -----
    The cost :math:`c_i(s)` of supplying a MW at site i with a carbon-free share s is
    the value of a linear program and so convex in s: it lies above its tangent at the
    share :math:`s_i` it was priced at, of slope :math:`\lambda_i`. With energy
    :math:`e_i`, the plan's share x and any price :math:`\mu \ge 0` of carbon-free
    energy, every plan that has that share costs at least what it costs when a MW at i
    costs, beside what it costs without supply,

    .. math:: \min_{0 \le s \le 1} \max(0, c_i(s_i) + \lambda_i (s - s_i))
              - \mu e_i (s - x).

    That is a plan without supply, so that all candidates can be priced out. Caps on
    carbon, land and capital are left away, which only lowers the bound. The best of
    a few prices :math:`\mu`, taken from the chosen sites' slopes, counts.

    Examples
    --------
    >>> import geopandas as gpd, numpy as np, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"solar_cf": [0.3, 0.28, 0.2], "price_usd_per_mwh": 60.0,
    ...      "carbon_kg_per_mwh": 400.0, "lifetime_cost_usd_per_mw": 9e6},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> days = ss.Profiles.typical_days(sites, "solar_cf")
    >>> everywhere = ss.price_supply(sites, days, cfe=0.6, energy=8760)
    >>> short = everywhere.nsmallest(2, "supply_lifetime_usd_per_mw")
    >>> options = ss.supply_options(short, days, cfe=[0.5, 0.6, 0.7], energy=8760)
    >>> supply = ss.Supply("supply", options, profiles=days, cfe=0.6)
    >>> plan = ss.optimize_sites(
    ...     short, power_mw=(100, None), site_mw=[100], limits=[supply],
    ...     objective="cost",
    ... )
    >>> ss.supply_bound(plan, everywhere, energy=8760).gap < 0.01
    True
    """
    check_given(
        plan,
        ("compiled", "sites"),
        "A bound is that of a plan",
        "a plan of optimize_sites is needed",
        "plan = optimize_sites(sites, ...)",
    )
    request: Request = plan.compiled.request
    supply = _supply_of(request)
    load = _checked(everywhere, request, energy)
    priced = {name: everywhere[name].to_numpy(dtype=float) for name in _PRICED}
    known = ~np.any([np.isnan(column) for column in priced.values()], axis=0)
    known &= ~np.isnan(load)
    year, margin = priced["supply_usd_per_mw_year"], priced[_PRICED[2]]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = priced["supply_lifetime_usd_per_mw"] / year
    factor = float(np.nanmedian(ratio)) if np.isfinite(ratio).any() else 1.0
    slope = factor * margin
    at_none = priced["supply_lifetime_usd_per_mw"] - slope * priced["cfe"]
    share = 0.0 if supply.cfe is None else float(supply.cfe)
    own = everywhere[LIFETIME].to_numpy(dtype=float)

    best, paid = -np.inf, 0.0
    left = everywhere.index[~known]
    for price in _prices(plan, everywhere, slope, load, share):
        cost = own + _least(at_none, slope, price * load, share)
        if (cost[known] < 0).any():
            continue  # At so high a price clean energy would be sold at a gain.
        # What rounding leaves of nothing spoils a program; less is still a bound.
        cost = np.where(cost < _NOTHING * np.nanmax(cost), 0.0, cost)
        frame = everywhere.assign(**{LIFETIME: cost})[known]
        found = _without(request, supply, frame).bound
        if found > best:
            best, paid = float(found), price
    return SupplyBound(float(plan.objective), best, paid, int(known.sum()), tuple(left))


def _least(at_none: Floats, slope: Floats, paid: Floats, share: float) -> Floats:
    """Return the least over s of max(0, tangent at s) - paid (s - share), per MW.

    Convex and linear in pieces, so that one of the ends or the kink is least.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        kink = np.where(slope > 0, np.clip(-at_none / slope, 0.0, 1.0), 0.0)
    found = [
        np.maximum(at_none + slope * s, 0.0) - paid * (s - share)
        for s in (np.zeros_like(kink), kink, np.ones_like(kink))
    ]
    least: Floats = np.min(found, axis=0)
    return least


def _supply_of(request: Request) -> Supply:
    """Return the one `Supply` of a request for the least lifetime cost."""
    found = [limit for limit in request.limits if isinstance(limit, Supply)]
    if len(found) != 1 or request.objective != "cost":
        raise StudyError(
            four_parts(
                "a bound for a short list was asked for",
                f"the plan has {len(found)} Supply and objective={request.objective!r}",
                'one Supply and objective="cost" are needed',
                'optimize_sites(short, limits=[supply], objective="cost", ...)',
            )
        )
    return found[0]


def _checked(everywhere: Any, request: Request, energy: Quantity) -> Any:
    """Return each candidate's yearly energy, all that is read being there."""
    if not isinstance(everywhere, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                "all candidates are needed for a bound",
                f"got {type(everywhere).__name__}",
                "a GeoDataFrame of candidates is allowed",
                "siteselect.price_supply(sites, profiles, cfe=0.9)",
            )
        )
    lost = [x for x in (*_PRICED, LIFETIME) if x not in everywhere.columns]
    lost += [f"{LIFETIME} of the plan"] * (LIFETIME not in request.sites.columns)
    if lost:
        raise LayerError(
            four_parts(
                "a bound for a short list reads what supply costs everywhere",
                f"there is no column {shown(map(repr, lost))}",
                f"the columns of price_supply and {LIFETIME!r} are needed",
                "siteselect.price_supply(sites, profiles, cfe=0.9)",
            )
        )
    listed = request.sites.index
    strange = listed.difference(everywhere.index)
    if len(strange):
        raise LayerError(
            four_parts(
                "the candidates of the short list are among all of them",
                f"{len(strange)} are not: {shown(map(repr, strange))}",
                "the labels of the plan's candidates are needed",
                "take the short list from the priced candidates",
            )
        )
    ours = everywhere[LIFETIME].reindex(listed).to_numpy(dtype=float)
    theirs = request.sites[LIFETIME].to_numpy(dtype=float)
    odd = ~np.isclose(ours, theirs, rtol=_SAME, atol=0, equal_nan=True)
    if odd.any():
        raise LayerError(
            four_parts(
                f"{LIFETIME!r} is what a site costs without supply in both frames",
                f"{int(odd.sum())} candidates of the plan differ: "
                + shown(map(repr, listed[odd])),
                "the same figures are needed",
                "take the short list from the priced candidates",
            )
        )
    return site_column(everywhere, "energy", energy, 0.0)


def _prices(
    plan: SitePlan, everywhere: gpd.GeoDataFrame, slope: Any, load: Any, share: float
) -> list[float]:
    """Return prices of carbon-free energy that are worth a try."""
    if share == 0.0:
        return [0.0]
    at = everywhere.index.get_indexer(plan.sites.index)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = slope[at] / load[at]
    ratio = ratio[np.isfinite(ratio)]
    if not ratio.size:
        return [0.0]
    return sorted({0.0, *np.quantile(ratio, [0.0, 0.25, 0.5, 0.75, 1.0]).tolist()})


def _without(request: Request, supply: Supply, frame: gpd.GeoDataFrame) -> SitePlan:
    """Return the plan of a frame by the same request without supply."""
    from siteselect.optimization.optimize import optimize_sites

    limits = tuple(limit for limit in request.limits if limit is not supply)
    asked = replace(request, sites=frame, limits=limits)
    given = {x.name: getattr(asked, x.name) for x in fields(asked)}
    return optimize_sites(given.pop("sites"), **given)
