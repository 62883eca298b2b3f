"""Why a site was chosen, or what keeps it out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import InfeasiblePlanError, StudyError, four_parts, nearest_name
from siteselect.optimization.resolve import resolve

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


@dataclass(frozen=True)
class Explanation:
    """Why a site is in the plan, or why not.

    Parameters
    ----------
    site : label
        The site asked about.
    is_chosen : bool
        Whether the plan has it.
    reason : str
        One sentence: the reason.
    contributions : pandas.Series
        Weight × value of each criterion [-], largest first; NaN where unknown.
    loss : float
        What the objective loses when the site is forced in (or out, when it is
        chosen); NaN where no re-solve was needed, infinite where no plan exists.
    break_even_score : float
        Score from which the site would enter at the size it takes when forced
        in; NaN where that has no meaning. Exact when the site can take only
        one size, else the score at which forcing it in costs nothing.
    displaced : tuple of labels
        Sites that leave when this one is forced in (or that come in when it is
        forced out).
    conflicts : tuple of str
        Limits that clash when the site is forced in.
    """

    site: Hashable
    is_chosen: bool
    reason: str
    contributions: pd.Series
    loss: float = float("nan")
    break_even_score: float = float("nan")
    displaced: tuple[Hashable, ...] = ()
    conflicts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the explanation as a few lines of text."""
        lines = [f"{self.site}: {'chosen' if self.is_chosen else 'not chosen'}"]
        lines.append(self.reason)
        known = self.contributions.dropna()
        if len(known):
            parts = ", ".join(f"{k} {v:.3f}" for k, v in known.items())
            lines.append(f"contributions: {parts}")
        return "\n".join(lines)


def explain(plan: SitePlan, site: Hashable) -> Explanation:
    """Say why a site was chosen; or which exclusion, score or limit keeps it out.

    Parameters
    ----------
    plan : SitePlan
        The plan that was made; at most one re-solve.
    site : label
        Index label of a candidate.

    Returns
    -------
    Explanation

    Raises
    ------
    StudyError
        No candidate has this label.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> answer = plan.explain(1)
    >>> answer.is_chosen, round(answer.break_even_score, 6), answer.displaced
    (False, 0.9, (0,))
    """
    frame = plan.candidates
    if site not in frame.index:
        raise StudyError(
            four_parts(
                f"explain({site!r}) was asked for",
                "no candidate has that label."
                + nearest_name(str(site), map(str, frame.index)),
                f"a label of plan.candidates.index, e.g. {frame.index[0]!r}",
                f"plan.explain({frame.index[0]!r})",
            )
        )
    parts = [c for c in map(str, frame.columns) if c.endswith("_contribution")]
    contributions = frame.loc[site, parts].astype(float)
    contributions.index = contributions.index.str.removesuffix("_contribution")
    contributions = contributions.sort_values(ascending=False, kind="stable")
    if site in plan.sites.index:
        return _why(plan, site, contributions)
    if site not in plan.problem.frame.index:
        return Explanation(site, False, _ineligible(plan, site), contributions)
    return _why_not(plan, site, contributions)


def _why(plan: SitePlan, site: Hashable, contributions: pd.Series) -> Explanation:
    request = plan.compiled.request
    why = str(plan.sites.at[site, "why"])
    mw = float(plan.sites.at[site, "mw"])
    if site in set(request.fixed):
        reason = f"{mw:g} MW: it was fixed by the request"
        return Explanation(site, True, reason, contributions)
    try:
        other = resolve(plan, forbidden=(*request.forbidden, site))
    except InfeasiblePlanError as error:
        reason = f"{mw:g} MW: {why}. Without it no plan holds all limits"
        return Explanation(
            site, True, reason, contributions, np.inf, conflicts=error.conflicts
        )
    sign = 1.0 if plan.problem.maximize else -1.0
    loss = max(0.0, sign * (plan.objective - other.objective))
    news = tuple(s for s in other.sites.index if s not in set(plan.sites.index))
    reason = (
        f"{mw:g} MW: {why}. Without it the best plan is worse by {loss:.6g} "
        f"({plan.objective_name})"
    )
    if news:
        reason += f", with {', '.join(map(str, news))} in its place"
    return Explanation(site, True, reason, contributions, loss, displaced=news)


def _ineligible(plan: SitePlan, site: Hashable) -> str:
    """Return why a candidate was never offered to the program."""
    row: dict[str, Any] = plan.candidates.loc[site].to_dict()
    excluded = str(row.get("excluded_by") or "")
    if excluded:
        return f"excluded by {excluded.replace(';', ', ')}"
    request = plan.compiled.request
    score = row.get(request.score) if isinstance(request.score, str) else 0.0
    if score is None or np.isnan(float(score)):
        missing = [
            key.removesuffix("_contribution")
            for key, value in row.items()
            if str(key).endswith("_contribution") and np.isnan(float(value))
        ]
        what = f": {', '.join(missing)} missing" if missing else ""
        return f"its score is unknown{what}"
    capacity = request.capacity
    if isinstance(capacity, str) and capacity in row:
        mw = float(row[capacity])
        if np.isnan(mw):
            return f"its capacity ({capacity}) is unknown"
        return f"its capacity is {mw:g} MW"
    return "it is not eligible"


def _why_not(plan: SitePlan, site: Hashable, contributions: pd.Series) -> Explanation:
    request, problem = plan.compiled.request, plan.problem
    position = problem.frame.index.get_loc(site)
    own = (problem.column_site == position) & (problem.upper > 0)
    if site in set(request.forbidden):
        return Explanation(
            site, False, "it was forbidden by the request", contributions
        )
    if not own.any():
        reason = "no size is offered here: each is above its capacity or not eligible"
        return Explanation(site, False, reason, contributions)
    try:
        other = resolve(plan, fixed=(*request.fixed, site))
    except InfeasiblePlanError as error:
        clash = ", ".join(error.conflicts) or "the limits"
        return Explanation(
            site,
            False,
            f"no plan with it holds all limits; what clashes: {clash}",
            contributions,
            np.inf,
            conflicts=error.conflicts,
        )
    sign = 1.0 if problem.maximize else -1.0
    loss = max(0.0, sign * (plan.objective - other.objective))
    gone = tuple(s for s in plan.sites.index if s not in set(other.sites.index))
    mw = float(other.sites.at[site, "mw"])
    reason = f"with it (at {mw:g} MW) the best plan is worse by {loss:.6g} "
    reason += f"({plan.objective_name})"
    break_even = float("nan")
    if request.objective == "score" and isinstance(request.score, str):
        break_even = float(plan.candidates.at[site, request.score]) + loss / mw
        reason += (
            f"; its score is {plan.candidates.at[site, request.score]:.3f} and it "
            f"would enter from {break_even:.3f}"
        )
    if gone:
        reason += f"; it displaces {', '.join(map(str, gone))}"
    return Explanation(
        site, False, reason, contributions, loss, break_even, displaced=gone
    )
