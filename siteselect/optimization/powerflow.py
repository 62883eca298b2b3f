"""The flows of a network with the sites of a plan on it.

DC only: voltage, reactive power, losses, stability and short circuit are not covered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, shown
from siteselect.infrastructure.grid import Network
from siteselect.infrastructure.grid.kept_flows import kept_flows
from siteselect.optimization import _plots
from siteselect.optimization.deliverable import Deliverable
from siteselect.optimization.problem import aligned
from siteselect.optimization.read_back import BINDING
from siteselect.optimization.strengthen import strengthened

if TYPE_CHECKING:
    from siteselect.optimization.plan import SitePlan


class PowerFlow(pd.DataFrame):
    """The lines of a network with a plan's sites on it, a table that draws itself.

    It is made by `SitePlan.powerflow`; see there for the columns. What is taken out
    of it (``flow[columns]``, ``flow[rows]``) is a plain DataFrame.

    Parameters
    ----------
    table : DataFrame
        One row per branch.
    network : Network
        The network, without the sites.
    sites : GeoDataFrame
        The sites that stand, with ``mw`` [MW].
    when : str
        Year of the plan as a map says it; empty without years.
    """

    _metadata: ClassVar[list[str]] = ["network", "sites", "when"]

    def __init__(
        self, table: pd.DataFrame, network: Network, sites: Any, when: str = ""
    ) -> None:
        super().__init__(table)  # type: ignore[call-arg]
        self.network, self.sites, self.when = network, sites, when

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    @property
    def lines(self) -> pd.DataFrame:
        """The same as a plain DataFrame."""
        return pd.DataFrame(self)

    def plot(  # type: ignore[override]
        self, ax: Any = None, **kwargs: Any
    ) -> Any:
        """Draw the lines by how full they are, the full ones thick and named.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; a new figure, 180 mm wide, if None.
        **kwargs
            See `siteselect.plot_flows`.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return _plots.plot_powerflow(self, ax, **kwargs)


def powerflow(
    plan: SitePlan,
    network: Network | None = None,
    *,
    bus: str | pd.Series[Any] = "bus",
    outages: Sequence[Any] | str = (),
    cutoff: float = 0.05,
    year: int | None = None,
) -> PowerFlow:
    """Solve the power flow with a plan's sites on the network, line by line.

    DC only: voltage, reactive power, losses, stability and short-circuit currents
    are not covered, and a utility's own study supersedes it. The bundled network is
    synthetic: none of its lines is a real facility.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    network : Network, optional
        The network; by default that of the plan's `Deliverable`, with its ``bus``,
        ``outages`` and ``cutoff``.
    bus, outages, cutoff
        As in `Deliverable`; for a ``network`` of one's own.
    year : int, optional
        Year of the plan; the last by default.

    Returns
    -------
    PowerFlow
        A DataFrame whose ``plot()`` draws a map of the lines; the network must say
        where its buses are (`Network.with_places`).
        One row per branch of the islands concerned, as `applied_flows` has it, and

        ``over_mw``
            By how much the whole flow without an outage, small shares included, is
            beyond the rating or the base flow, whichever is greater, and the upgrade
            [MW].
        ``binding``
            True where the sites fill the line to what it may carry, in its worst
            case.

    Raises
    ------
    StudyError
        No network was given and the plan has no `Deliverable`, or more than one; or
        the plan has no such year.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> import siteselect as ss
    >>> network = ss.grid.Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a", "b"], "from_bus": [1, 2], "to_bus": [2, 3],
    ...                   "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    ... )
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "bus": [2, 3]},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(
    ...     sites, site_mw=[50], limits=[ss.Deliverable(network)]
    ... )
    >>> plan.powerflow()[["flow_after_mw", "loading", "binding"]].values.tolist()
    [[100.0, 1.0, True], [50.0, 0.5, False]]
    """
    if network is None:
        limit = _limit_of(plan)
    else:
        limit = Deliverable(network, bus, outages=outages, cutoff=cutoff)
    loads = _loads(plan, limit, year)
    if network is None:
        when = plan.problem.years[-1] if plan.problem.years else ""
        limit = strengthened(limit, plan.upgrades, when if year is None else year)
    table = kept_flows(
        limit.network,
        loads,
        outages=limit.drops(list(loads)),
        cutoff=limit.cutoff,
        upgrades=limit.in_place,
        relief=limit.counts_relief,
    )
    before, after = table["flow_before_mw"], table["flow_after_mw"]
    way = np.sign(after)
    most = np.maximum(table["rating_mw"], way * before) + table["upgrade_mw"]
    table["over_mw"] = np.maximum(way * after - most, 0.0)
    table["binding"] = table["fill"] >= 1 - BINDING
    column = "mw" if year is None else f"mw_{year}"
    sites = plan.sites.assign(mw=plan.sites[column])
    when = f" in {year or plan.problem.years[-1]}" if plan.problem.years else ""
    return PowerFlow(table, limit.network, sites[sites["mw"] > 0], when)


def _limit_of(plan: SitePlan) -> Deliverable:
    limits = plan.compiled.request.limits
    found = [limit for limit in limits if isinstance(limit, Deliverable)]
    if len(found) != 1:
        raise StudyError(
            four_parts(
                "the power flow of a plan was asked for",
                f"it has {len(found)} limits that bring a network",
                "one, or a network given here",
                "plan.powerflow(network, bus='bus')",
            )
        )
    return found[0]


def _loads(plan: SitePlan, limit: Deliverable, year: int | None) -> dict[Any, float]:
    """Return the new load of each bus [MW]."""
    column = "mw"
    if year is not None:
        years = plan.by_year["year"].tolist()
        if year not in years:
            raise StudyError(
                four_parts(
                    f"the power flow of {year!r} was asked for",
                    f"the plan is for {shown(years) if years else 'no years'}",
                    "a year of the plan, or none for its last",
                    "plan.powerflow()",
                )
            )
        column = f"mw_{year}"
    sites = plan.candidates.loc[plan.sites.index]
    mw = plan.sites[column].groupby(aligned(sites, limit.bus, limit.name)).sum()
    return {b: float(v) for b, v in mw.items() if v > 0}


__all__ = ["PowerFlow", "powerflow"]
