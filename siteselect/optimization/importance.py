"""What the plan loses when one of its sites is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siteselect.errors import InfeasiblePlanError
from siteselect.optimization.resolve import resolve

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
        The plan to examine; one re-solve per chosen site.

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
    chosen = set(plan.sites.index)
    sign = 1.0 if plan.problem.maximize else -1.0
    rows: list[dict[str, Any]] = []
    for label in plan.sites.index:
        loss, replaced = np.inf, ""
        if label not in set(request.fixed):
            try:
                other = resolve(plan, forbidden=(*request.forbidden, label))
            except InfeasiblePlanError:
                pass
            else:
                loss = max(0.0, sign * (plan.objective - other.objective))
                news = [str(s) for s in other.sites.index if s not in chosen]
                replaced = ";".join(news)
        rows.append(
            {
                "mw": float(plan.sites.at[label, "mw"]),
                "loss": loss,
                "loss_share": loss / max(1e-9, abs(plan.objective)),
                "replaced_by": replaced,
            }
        )
    columns = ["mw", "loss", "loss_share", "replaced_by"]
    table = pd.DataFrame(rows, index=plan.sites.index, columns=columns)
    return table.sort_values("loss", ascending=False, kind="stable")
