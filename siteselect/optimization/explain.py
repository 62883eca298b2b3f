"""Why a site was chosen, or what keeps it out."""

from __future__ import annotations

import html
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import (
    InfeasiblePlanError,
    StudyError,
    four_parts,
    nearest_name,
    said,
)
from siteselect.optimization.break_even import (
    BreakEven,
    break_even_cost,
    break_even_value,
    cost_now,
    value_now,
)
from siteselect.optimization.by_year import Arriving, ByYear, in_year, is_yearly
from siteselect.optimization.problem import hashable
from siteselect.optimization.resolve import forced, resolve_compiled, without
from siteselect.optimization.sizes import floats
from siteselect.optimization.words import listed

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan

#: Ends of a range closer than this share of it are told as one figure.
SAME = 0.005
#: An unknown label is compared with at most this many for a suggestion.
COMPARED = 20_000


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
        Weight x value of each criterion [-], largest first; NaN where unknown.
    loss : float
        What the objective loses when the site is forced in (or out, when it is
        chosen); NaN where no re-solve was needed, infinite where no plan exists.
    break_even_score : float
        Score from which the site enters, whatever size it then takes; under another
        objective the value of that column [per MW]. NaN where that has no meaning.
    break_even_cost : float
        Cost [USD/MW] from which the site enters, all else equal; NaN where no cost
        would bring it in, or none is counted.
    break_even_score_range, break_even_cost_range : tuple of float
        Between these the break-even is: at one end, the break-even given, a plan
        with the site was found that is as good; beyond the other there is none. The
        ends differ by the gap of the solves, and by more where a short search did
        not close it.
    displaced : tuple of labels
        Sites that leave when this one is forced in (or that come in when it is
        forced out).
    conflicts : tuple of str
        Limits that clash when the site is forced in.
    kept_out_by : tuple of str
        Limits that break when the site is added to the plan as it stands, the one
        that charges it most according to the linear relaxation first.
    uncertainty : float
        The plan itself, with which others are compared, may fall short by this much
        [objective per MW of the site]: its gap.
    """

    site: Hashable
    is_chosen: bool
    reason: str
    contributions: pd.Series
    loss: float = float("nan")
    break_even_score: float = float("nan")
    break_even_cost: float = float("nan")
    break_even_score_range: tuple[float, float] = (float("nan"), float("nan"))
    break_even_cost_range: tuple[float, float] = (float("nan"), float("nan"))
    displaced: tuple[Hashable, ...] = ()
    conflicts: tuple[str, ...] = ()
    kept_out_by: tuple[str, ...] = ()
    uncertainty: float = field(default=0.0, compare=False)

    def _lines(self) -> list[tuple[str, str]]:
        lines = [("", self.reason)]
        if np.isfinite(self.break_even_score):
            text = _range(self.break_even_score, self.break_even_score_range, "{:.4g}")
            lines.append(("enters at a score of", text))
        if np.isfinite(self.break_even_cost):
            text = _range(self.break_even_cost, self.break_even_cost_range, "${:,.0f}")
            lines.append(("enters at a cost of", f"{text} per MW"))
        if self.kept_out_by:
            lines.append(("kept out by", ", ".join(self.kept_out_by)))
        if self.displaced:
            word = "in its place" if self.is_chosen else "displaces"
            lines.append((word, listed(map(str, self.displaced))))
        known = self.contributions.dropna()
        if len(known):
            parts = ", ".join(f"{k} {v:.3f}" for k, v in known.items())
            lines.append(("contributions", parts))
        return lines

    def __repr__(self) -> str:
        """Return the explanation as a few lines of text."""
        head = f"{self.site}: {'chosen' if self.is_chosen else 'not chosen'}"
        rest = [f"{k}: {v}" if k else v for k, v in self._lines()]
        return "\n".join([head, *rest])

    def _repr_html_(self) -> str:
        """Return the explanation as a small table."""
        head = f"{self.site}: {'chosen' if self.is_chosen else 'not chosen'}"
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(k)}</th>"
            f"<td style='text-align:left'>{html.escape(v)}</td></tr>"
            for k, v in self._lines()
        )
        return f"<div><strong>{html.escape(head)}</strong><table>{rows}</table></div>"


def explain(plan: SitePlan, site: Any) -> Explanation:
    """Say why a site was chosen; or which exclusion, score or limit keeps it out.

    Parameters
    ----------
    plan : SitePlan
        The plan that was made; it takes a few re-solves of the same program.
    site : label
        Index label of a candidate.

    Returns
    -------
    Explanation

    Raises
    ------
    StudyError
        No candidate has this label.

    Notes
    -----
    With the site forced in, the best objective is a convex function of its score
    (each size it may take is a line), so Newton's steps end at the break-even. For
    the break-even cost the cost of the others is made least among plans at least as
    good, and what is left of the budget is the site's. Both searches are short: what
    they leave open is between the ends of the ranges.

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
    if not hashable(site) or site not in frame.index:
        raise StudyError(
            four_parts(
                f"explain({said(site)}) was asked for",
                "no candidate has that label."
                + nearest_name(str(site), map(str, frame.index[:COMPARED])),
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
    request, problem = plan.compiled.request, plan.problem
    why = str(plan.sites.at[site, "why"])
    mw = float(plan.sites.at[site, "mw"])
    if site in set(request.fixed):
        reason = f"{mw:g} MW: it was fixed by the request"
        return Explanation(site, True, reason, contributions)
    try:
        other = resolve_compiled(
            without(plan.compiled, int(problem.frame.index.get_loc(site)))
        )
    except InfeasiblePlanError as error:
        reason = f"{mw:g} MW: {why}. Without it no plan holds all limits"
        return Explanation(
            site, True, reason, contributions, np.inf, conflicts=error.conflicts
        )
    assert other.x is not None
    sign = 1.0 if problem.maximize else -1.0
    loss = max(0.0, sign * (plan.objective - other.objective))
    there = problem.frame.index[np.round(problem.sites_mw(other.x), 9) > 0]
    news = tuple(s for s in there if s not in set(plan.sites.index))
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
    said = row.get("excluded_by")
    if isinstance(said, str) and said:
        return f"excluded by {said.replace(';', ', ')}"
    request = plan.compiled.request
    if request.options is not None:
        return "it is excluded, or no option has a known score and capacity here"
    score: Any = 0.0
    if isinstance(request.score, str):
        score = row.get(request.score, 0.0)
    elif isinstance(request.score, pd.Series):
        score = request.score.get(site)
    if score is None or pd.isna(score):
        # By the values: an aggregate other than the sum leaves no contribution.
        names = [
            str(key).removesuffix("_contribution")
            for key, value in row.items()
            if str(key).endswith("_contribution") and pd.isna(value)
        ]
        missing = [name for name in names if pd.isna(row.get(f"{name}_value"))]
        what = f": {', '.join(missing)} missing" if missing else ""
        return f"its score is unknown{what}"
    return _no_room(plan, site) or "it is not eligible"


def _no_room(plan: SitePlan, site: Hashable) -> str:
    """Return why nothing can stand at a site in any year, empty where it could."""
    request = plan.compiled.request
    spec, here, years = request.capacity, plan.candidates.loc[[site]], request.horizon
    if isinstance(spec, str) and spec not in here.columns:
        return ""
    rooms = [in_year(spec, y, here) for y in years or (0,)]
    if spec is None or any(isinstance(room, Mapping) for room in rooms):
        return ""
    found = [float(floats(here, room, "capacity")[0]) for room in rooms]
    mw = float(np.fmax.reduce(found))
    if mw > 0:
        return ""
    name = f" ({spec})" if isinstance(spec, str) else ""
    if np.isnan(mw):
        return f"its capacity{name} is unknown"
    if not is_yearly(spec):
        return f"its capacity is {mw:g} MW"
    until = f"its capacity is {mw:g} MW until {years[-1]}, the last year"
    later = _first_year_with_room(spec, years[-1], here)
    return until + (f": it arrives in {later}" if later is not None else "")


def _first_year_with_room(spec: Any, last: int, here: gpd.GeoDataFrame) -> int | None:
    """Return the first year after the last one in which a site has room."""
    for year in sorted(y for y in _years_named(spec, here) if y > last):
        room = in_year(spec, year, here)
        if not isinstance(room, Mapping) and floats(here, room, "capacity")[0] > 0:
            return year
    return None


def _years_named(spec: Any, here: gpd.GeoDataFrame) -> set[int]:
    """Return the years in which an amount may change."""
    if isinstance(spec, ByYear):
        found = set(map(int, spec.by_year))
        return found.union(*(_years_named(v, here) for v in spec.by_year.values()))
    if isinstance(spec, Arriving):
        year = float(floats(here, spec.year, "Arriving")[0])
        return {int(np.ceil(year))} if np.isfinite(year) else set()
    return set()


# -- what keeps a site out -------------------------------------------------------


def _why_not(plan: SitePlan, site: Hashable, contributions: pd.Series) -> Explanation:
    request, problem = plan.compiled.request, plan.problem
    position = int(problem.frame.index.get_loc(site))
    own = problem.column_site == position
    if site in set(request.forbidden):
        reason = "it was forbidden by the request"
        return Explanation(site, False, reason, contributions)
    if not (own & (problem.upper > 0)).any():
        reason = "no size is offered here: " + _too_small(plan, site)
        return Explanation(site, False, reason, contributions)
    with_it = forced(plan.compiled, position)
    try:
        found = resolve_compiled(with_it)
    except InfeasiblePlanError as error:
        names = tuple(n for n in error.conflicts if n != "fixed")
        if "fixed" in error.conflicts and request.fixed:
            names = error.conflicts
        return Explanation(
            site,
            False,
            "no plan with it holds all limits; what clashes: "
            + (", ".join(names) or "the limits"),
            contributions,
            np.inf,
            conflicts=names,
            kept_out_by=names,
        )
    assert found.x is not None
    sign = 1.0 if problem.maximize else -1.0
    loss = max(0.0, sign * (plan.objective - found.objective))
    sites_mw = np.round(problem.sites_mw(found.x), 9)
    there = set(problem.frame.index[sites_mw > 0])
    gone = tuple(s for s in plan.sites.index if s not in there)
    mw = float(sites_mw[position])
    blocks = _kept_out_by(plan, own)
    reason = f"with it (at {mw:g} MW) the best plan is worse by {loss:.6g} "
    reason += f"({plan.objective_name})"
    score, cost = BreakEven(), BreakEven()
    value = value_now(plan, site)
    if problem.maximize and value is not None:
        score = break_even_value(plan, with_it, position, value, found)
        name = "score" if request.objective == "score" else str(request.objective)
        enters = _range(score.value, (score.proven, score.value), "{:.4g}")
        reason += f"; its {name} is {value:.4g} and it would enter from {enters}"
    per_mw = cost_now(plan, site)
    if per_mw is not None:
        cost = break_even_cost(plan, with_it, position, per_mw)
        if np.isfinite(cost.value):
            enters = _range(cost.value, (cost.value, cost.proven), "${:,.0f}")
            reason += (
                f"; its cost is ${per_mw:,.0f} per MW and it would enter at {enters}"
            )
        elif problem.maximize and np.isnan(cost.proven):
            reason += "; no cost would bring it in"
        elif problem.maximize:
            reason += f"; no cost over ${cost.proven:,.0f} per MW would bring it in"
    if gone:
        reason += f"; it displaces {listed(map(str, gone))}"
    if blocks:
        reason += f"; added to the plan as it stands it breaks {listed(blocks)}"
    return Explanation(
        site,
        False,
        reason,
        contributions,
        loss,
        score.value,
        cost.value,
        (score.proven, score.value),
        (cost.value, cost.proven),
        displaced=gone,
        kept_out_by=blocks,
        uncertainty=max(plan.gap, 0.0) * abs(plan.objective) / max(mw, 1e-9),
    )


def _range(found: float, ends: tuple[float, float], shape: str) -> str:
    """Return a range in words, its known end where both are about the same."""
    low, high = ends
    if high - low <= SAME * abs(high):
        return shape.format(found)
    return f"{shape.format(low)} to {shape.format(high)}"


def _too_small(plan: SitePlan, site: Hashable) -> str:
    """Return what keeps every size from a site, with its capacity."""
    request = plan.compiled.request
    capacity = request.capacity
    row = plan.candidates.loc[site]
    by_option = plan.problem.differs(capacity)
    if by_option:
        return "each is above its capacity or not eligible, whatever the option"
    if isinstance(capacity, str) and capacity in plan.candidates.columns:
        return (
            f"its capacity is {float(row[capacity]):g} MW, every size is larger or "
            "not eligible"
        )
    return "each is above its capacity or not eligible"


def _kept_out_by(plan: SitePlan, own: Any) -> tuple[str, ...]:
    """Return limits that break when the site joins the plan, dearest first."""
    problem, rows = plan.problem, plan.rows
    opens = np.flatnonzero(own & problem.column_opens & (problem.upper > 0))
    # The smallest size breaks least.
    column = opens[np.argmin(problem.column_mw[opens])]
    x = plan.x.copy()
    x[column] = 1.0
    used = np.asarray(rows.matrix @ x)
    room = 1e-7 * np.maximum(1.0, np.abs(used))
    broken = (used > rows.upper + room) | (used < rows.lower - room)
    names = dict.fromkeys(str(n) for n in rows.limit[broken])
    for limit in plan.compiled.lazy:
        cuts = getattr(limit, "cuts", None)
        if cuts is not None and len(cuts(problem, x)):
            names[limit.name] = None
    # Rows that only tie a limit's own columns together would need those moved too.
    charge = dict.fromkeys(names, 0.0)
    if plan.duals is not None:
        a = np.asarray(rows.matrix[:, [column]].toarray()).ravel()
        paid = np.abs(plan.duals * a)
        for name in charge:
            charge[name] = float(paid[rows.limit == name].sum())
    order = sorted(charge, key=lambda n: -charge[n])
    return tuple(n for n in order if n != "site capacity")
