"""What the plan loses when one of its sites is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import InfeasiblePlanError
from siteselect.optimization.resolve import resolve
from siteselect.optimization.shared_core import SharedCore

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


def importance(plan: SitePlan) -> pd.DataFrame:
    """Return the replacement cost of each chosen site, largest first.

    Each chosen site is forbidden in turn and the program solved again; the loss
    is the change of the objective. A site without which no plan exists is
    irreplaceable: its loss is infinite.

    Parameters
    ----------
    plan : SitePlan
        The plan to examine; one small re-solve per chosen site.

    Returns
    -------
    pandas.DataFrame
        Indexed by site: ``mw`` [MW], ``loss`` (in the unit of the objective),
        ``loss_share`` (loss over objective) and ``replaced_by`` (sites that come
        in, ";"-joined).

    Notes
    -----
    A loss smaller than the two gaps added up is zero within the proof.

    References
    ----------
    .. [1] Cabeza and Moilanen (2006), "Replacement cost: a practical measure of
       site value for cost-effective reserve planning", Biological Conservation
       132(3), doi:10.1016/j.biocon.2006.04.025.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> plan.importance()["loss"].round(6).to_dict()
    {0: 10.0}
    """
    request = plan.compiled.request
    must = {*request.fixed, *(request.existing or ())}
    core = SharedCore(plan.compiled, plan.objective)
    rows: list[dict[str, Any]] = []
    for label in plan.sites.index:
        loss, news = np.inf, []
        other = None if label in must else _without(plan, core, label)
        if other is not None:
            loss = max(0.0, core.sign * plan.objective - other[0])
            news = [str(s) for s in other[1] if s not in plan.sites.index]
        rows.append(
            {
                "mw": float(plan.sites.at[label, "mw"]),
                "loss": loss,
                "loss_share": loss / max(1e-9, abs(plan.objective)),
                "replaced_by": ";".join(news),
            }
        )
    columns = ["mw", "loss", "loss_share", "replaced_by"]
    table = pd.DataFrame(rows, index=plan.sites.index, columns=columns)
    return table.sort_values("loss", ascending=False, kind="stable")


def _without(
    plan: SitePlan, core: SharedCore, label: Any
) -> tuple[float, pd.Index[Any]] | None:
    """Return the best value without a site and its sites, None if there is none."""
    problem = plan.problem
    answer = core.solve(closed=[int(problem.frame.index.get_loc(label))])
    if answer.x is not None:
        open_sites = problem.sites_open(answer.x[: problem.n_columns]) > 0.5
        return answer.value, problem.frame.index[open_sites]
    try:
        # That no plan is left is said only after the second route agrees.
        forbidden = (*plan.compiled.request.forbidden, label)
        other = resolve(plan, forbidden=forbidden)
    except InfeasiblePlanError:
        return None
    return core.sign * other.objective, other.sites.index
