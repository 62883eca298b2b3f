"""Steps after a plan, for its report: what else, what if, how sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, said
from siteselect.reporting.page_cells import place_of, real, text
from siteselect.reporting.plan_like import PlanLike, total_cost, total_mw

# A report with more would be read by nobody.
_MOST_ALTERNATIVES = 100
# What a report works out unasked, where re-solving takes about a second: how many
# alternatives, and for how many sites what would replace them.
_UNASKED = 3
FEW_SITES = 12
# Limits with rows found on demand, or columns of their own, that are solved at once.
_LIGHT = ("Spacing", "Spread", "IfThen")


@dataclass(frozen=True, eq=False)
class Steps:
    """What was worked out after the plan; None where nobody asked.

    Parameters
    ----------
    alternatives : DataFrame or None
        One row per next-best plan; see `alternatives_table`.
    importance : DataFrame or None
        What `SitePlan.importance` returned.
    robustness : DataFrame or None
        What `SitePlan.survival` returned.
    plans : tuple of SitePlan
        The next-best plans.
    why_not : mapping of str to str
        Why ``alternatives`` or ``importance`` were not worked out.
    """

    alternatives: pd.DataFrame | None = None
    importance: pd.DataFrame | None = None
    robustness: pd.DataFrame | None = None
    plans: tuple[PlanLike, ...] = ()
    why_not: Mapping[str, str] = field(default_factory=dict)


def steps_of(
    plan: PlanLike,
    alternatives: int | Sequence[PlanLike] | None = None,
    importance: bool | pd.DataFrame | None = None,
    robustness: pd.DataFrame | Sequence[Any] | None = None,
) -> Steps:
    """Return the steps asked for: those given as they are, the others computed.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    alternatives : int or sequence of SitePlan, optional
        How many to look for, or those already found; 0 is none. By default 3 where
        `why_heavy` has nothing against it.
    importance : bool or DataFrame, optional
        Whether to compute it, or what `SitePlan.importance` returned. By default
        where it is quick and there are at most 12 sites.
    robustness : DataFrame or sequence of Criterion, optional
        What `SitePlan.survival` returned, or the criteria to shake (50 re-solves).

    Returns
    -------
    Steps
        As tables.

    Raises
    ------
    StudyError
        If an argument is none of these, or the plan cannot take the step.
    """
    others: Any
    heavy = why_heavy(plan)
    why_not = dict.fromkeys(("alternatives", "importance"), "not asked for")
    if alternatives is None:
        alternatives = 0 if heavy else _UNASKED
        why_not["alternatives"] = heavy
    if importance is None:
        if not heavy and len(plan.sites) > FEW_SITES:
            heavy = f"the program is solved again for each of {len(plan.sites):,} sites"
        importance = not heavy
        why_not["importance"] = heavy
    if isinstance(alternatives, Sequence):
        others = list(alternatives)
        if not all(hasattr(p, "sites") and hasattr(p, "gap") for p in others):
            raise _refused("alternatives", alternatives)
    else:
        others = None
        n = alternatives
        is_count = isinstance(n, int | np.integer) and not isinstance(n, bool)
        if not is_count or not 0 <= n <= _MOST_ALTERNATIVES:
            raise _refused("alternatives", alternatives)
        if n:
            others = _method(plan, "alternatives")(int(n))

    table: pd.DataFrame | None = None
    if isinstance(importance, pd.DataFrame):
        table = _with_columns(importance, ("loss", "replaced_by"), "importance")
    elif isinstance(importance, bool | np.bool_):
        if importance:
            table = _method(plan, "importance")()
    else:
        raise _refused("importance", importance)

    stays: pd.DataFrame | None = None
    if isinstance(robustness, pd.DataFrame):
        # A study that shook nothing hands on a table without columns.
        if len(robustness.columns):
            stays = _with_columns(robustness, ("survival",), "robustness")
    elif isinstance(robustness, Sequence) and not isinstance(robustness, str):
        stays = _method(plan, "survival")(robustness)
    elif robustness is not None:
        raise _refused("robustness", robustness)

    return Steps(
        None if others is None else alternatives_table(plan, others),
        table,
        stays,
        tuple(others or ()),
        why_not,
    )


def why_heavy(plan: PlanLike) -> str:
    """Return why solving a plan's program again may take long, whatever the machine.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    str
        Empty for a plan proven optimal, of one choice a site and limits that are rows
        of it; not where a network, plants or supply are part of the program.
    """
    compiled = getattr(plan, "compiled", None)
    problem = getattr(plan, "problem", None)
    if compiled is None or problem is None:
        return "the plan does not carry its program"
    if not len(plan.sites):
        return "no site is chosen"
    if plan.status != "optimal":
        return (
            "the plan is not proved optimal, and each further one may take as long as "
            "it did"
        )
    # Rows found on demand come from distances, or from a power flow.
    heavy = [x for x in compiled.lazy if type(x).__name__ not in _LIGHT]
    # Columns of their own are counters that need not be whole, or plants and lines.
    named = {str(limit.name): limit for limit in compiled.limits}
    heavy += [
        limit
        for limit in (named.get(name) for name in problem.extra)
        if limit is not None and type(limit).__name__ not in _LIGHT
    ]
    if heavy:
        return f"{str(heavy[0].name)!r} ({type(heavy[0]).__name__}) makes it long"
    # Those of an objective, or of several cases.
    if not set(problem.extra) <= set(named):
        return "its objective makes it long"
    return ""


def _method(plan: PlanLike, name: str) -> Callable[..., Any]:
    found = getattr(plan, name, None)
    if callable(found):
        return cast("Callable[..., Any]", found)
    raise StudyError(
        four_parts(
            f"The report was asked for {name}",
            f"this {type(plan).__name__} has no method {name}",
            "a plan of optimize_sites, or the finished table, is needed",
            f"plan.report(folder, {name}=plan.{name}(...))",
        )
    )


def _with_columns(
    table: pd.DataFrame, wanted: Sequence[str], name: str
) -> pd.DataFrame:
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        source = "importance()" if name == "importance" else "survival(criteria)"
        raise StudyError(
            four_parts(
                f"The report was given a table of {name}",
                f"it lacks the column {missing[0]!r}",
                f"the table that plan.{source} returns is allowed",
                f"plan.report(folder, {name}=plan.{source})",
            )
        )
    return table


def _refused(name: str, value: object) -> StudyError:
    allowed = {
        "alternatives": "a count from 0 to 100, or plans that were found, is allowed",
        "importance": "True, False or the table of plan.importance() is allowed",
        "robustness": "the table of plan.survival(criteria), or the criteria, "
        "is allowed",
    }
    mend = {
        "alternatives": "plan.report(folder, alternatives=3)",
        "importance": "plan.report(folder, importance=True)",
        "robustness": "plan.report(folder, robustness=criteria)",
    }
    return StudyError(
        four_parts(
            f"plan.report(...) takes {name}=",
            f"got {said(value)}",
            allowed[name],
            mend[name],
        )
    )


def alternatives_table(plan: PlanLike, others: Sequence[PlanLike]) -> pd.DataFrame:
    """Return next-best plans beside the plan: what they lose, what they swap.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    others : sequence of SitePlan
        The next-best plans, best first.

    Returns
    -------
    DataFrame
        Indexed by ``alternative`` from 1: ``objective``, ``worse_by`` (share of the
        plan's objective), ``mw`` [MW], ``cost_usd`` [USD], ``sites`` [count],
        ``gone`` and ``new`` (sites, ";"-joined), ``gap``.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.6], "capacity_mw": 100.0}, index=["a", "b"],
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> table = alternatives_table(plan, plan.alternatives(1))
    >>> table[["gone", "new"]].values.tolist(), table["worse_by"].round(3).tolist()
    ([['a', 'b']], [0.333])
    """
    before = plan.sites.index
    rows = []
    for other in others:
        after = other.sites.index
        rows.append(
            {
                "objective": other.objective,
                "worse_by": abs(other.objective - plan.objective)
                / max(1e-9, abs(plan.objective)),
                "mw": total_mw(other),
                "cost_usd": total_cost(other),
                "sites": len(after),
                "gone": ";".join(map(str, before[~before.isin(after)])),
                "new": ";".join(map(str, after[~after.isin(before)])),
                "gap": other.gap,
            }
        )
    columns = ("objective", "worse_by", "mw", "cost_usd", "sites", "gone", "new", "gap")
    return pd.DataFrame(
        rows,
        columns=list(columns),
        index=pd.RangeIndex(1, len(rows) + 1, name="alternative"),
    )


def not_worked_out(steps: Steps, name: str) -> str:
    """Say that a step was not worked out, why, and how to have it.

    Parameters
    ----------
    steps : Steps
        The steps.
    name : {"alternatives", "importance", "robustness"}
        Which.

    Returns
    -------
    str
        The sentence.
    """
    asked = {"alternatives": "3", "importance": "True", "robustness": "criteria"}
    why = steps.why_not.get(name, "")
    because = f", as {why}" if why and why != "not asked for" else ""
    return (
        f"Not computed for this report{because}. To have it: "
        f"plan.report(folder, {name}={asked[name]})."
    )


def replacement_line(plan: PlanLike, steps: Steps, label: object) -> str:
    """Return what would take a site's place, as one sentence.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    steps : Steps
        Its steps; without importance the sentence says how to ask.
    label : object
        The site.

    Returns
    -------
    str
        The sentence.
    """
    table = steps.importance
    if table is None:
        return not_worked_out(steps, "importance")
    if label not in table.index:
        return "Not known: the table of importance has no row for it."
    loss = real(table.at[label, "loss"])
    if np.isinf(loss):
        return "Nothing: without it no plan holds every limit, or it was required."
    share = abs(loss) / max(1e-9, abs(plan.objective))
    worse = (
        "and the plan loses nothing within its proof"
        if share <= 1e-9
        else f"and the plan is worse by {100 * share:.2g} %"
    )
    news = [part for part in text(table.at[label, "replaced_by"]).split(";") if part]
    if not news:
        return f"Other sizes at the other places, {worse}."
    frame = plan.candidates
    labels = pd.Series(frame.index).astype(str)
    named = []
    for new in news[:5]:
        row = np.flatnonzero((labels == new).to_numpy())
        where = place_of(frame.iloc[int(row[0])].to_dict()) if len(row) else ""
        named.append(f"{new} ({where})" if where else new)
    if len(news) > 5:
        named.append(f"{len(news) - 5} more")
    return f"{', '.join(named)}, {worse}."
