"""A limit: the chosen sites together overload no line of the network.

Rows come from the factors of `siteselect.infrastructure.grid`; ``check`` puts the
chosen loads on the network and solves the flow anew (`applied_flows`). DC only:
voltage, reactive power, losses, stability and short circuit are not covered.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid import (
    Network,
    dc_flow,
    spare_mw,
)
from siteselect.infrastructure.grid.applied import FILL_DIGITS, spare_by_island
from siteselect.infrastructure.grid.bridges import unsplitting
from siteselect.infrastructure.grid.flow import base_injection, ptdf_at
from siteselect.infrastructure.grid.kept import kept
from siteselect.infrastructure.grid.kept_flows import kept_flows
from siteselect.infrastructure.grid.outages import outage_factors
from siteselect.optimization.by_year import year_of
from siteselect.optimization.circuits import Circuits
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import accounts, clean_name
from siteselect.optimization.lines import OVER, ROUNDING, Lines, Over, line_name
from siteselect.optimization.problem import (
    GW,
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Rows,
    aligned,
    number,
    raise_missing,
)
from siteselect.optimization.strengthen import (
    LEAST_MW,
    UPGRADE_COLUMNS,
    Bought,
    arrival,
    no_upgrades,
    possible_upgrades,
)

#: Up to this many lines times cases all rows are written beforehand.
MOST_ROWS: Final = 4_000
#: Rows added per round: the line that is over most, in its worst case, comes first.
ROUND_ROWS: Final = 200
#: Entries of the table of outage factors, 8 bytes each.
MOST_FACTORS: Final = 200_000_000
#: Factors kept with the network for the next plan, 8 bytes each; more are not.
KEPT_FACTORS: Final = 20_000_000
#: Lines filled to this share are shown in the accounts.
SHOWN: Final = 0.9
#: Kinds of accounts.
LINE, SPARE, UPGRADE = "line", "spare generation", "upgrade"


@dataclass(frozen=True, eq=False)
class Deliverable(ShownAsCard):
    r"""The chosen sites together push no line beyond its rating or its base flow.

    Each site alone may be within the hosting capacity of its bus, and both together
    not: capacities of two buses do not add up. This limit adds up the flows. **DC
    only: voltage, reactive power, losses, stability and short-circuit currents are
    not covered.** A utility's own study supersedes it. The bundled network is
    synthetic: its buses and lines are no real facilities.

    Parameters
    ----------
    network : Network
        The network, with committed loads and plants already added
        (`Network.with_committed`).
    bus : str or Series, default "bus"
        Column (or Series keyed by site) with the bus that each site connects to.
    outages : sequence of branch labels or "all", optional
        Branches that drop out, one at a time; the lines must hold after each as
        well. ``"all"`` is every branch of the islands concerned whose loss splits
        none of them.
    cutoff : float, default 0.05
        Smallest transfer factor at which a site counts for a line [-], as in
        `hosting_capacity`.
    upgrades : DataFrame, optional
        Lines that the plan may strengthen, such as `grid.upgrade_costs` returns:
        ``branch``, ``usd_per_mw`` [USD per MW of rating], ``lead_months`` [months]
        and, where a line can be strengthened only so far, ``most_mw`` [MW].
    ordered : int, optional
        Year in which upgrades are ordered; the first year of the plan by default.
        With years, an upgrade serves from the first year on that begins after its
        lead time.
    relief : bool, optional
        Whether a site that draws power off a line makes room on it for others. One
        with plants of its own draws nothing at times, so that nothing is to rest on
        it: by default False where a `Supply` stands beside this limit, or a study
        file has ``[supply]``, and True elsewhere. Give False where plants are
        priced into a column of yours.
    name : str, default "deliverable"
        Name in accounts, prices and conflicts.

    Raises
    ------
    StudyError
        ``cutoff`` is no share, ``outages`` has an unknown branch or one whose loss
        splits an island, ``upgrades`` is no such table; later, where a site's bus is
        not in the network, or in an island without generation that could serve it.

    Notes
    -----
    With base flow :math:`f_l`, rating :math:`r_l` and transfer factor
    :math:`t_{li}` of the bus of site i,

    .. math:: \min(f_l, -r_l) \le f_l + \sum_{i: |t_{li}| \ge c} t_{li}\, m_i
              \le \max(f_l, r_l)

    for every rated line, and the same after the outage of a branch k with
    :math:`f_l + d_{lk} f_k` and :math:`t_{li} + d_{lk} t_{ki}` in place of flow and
    factor, where :math:`d_{lk}` is the outage factor [1]_. Base case, balancing rule
    (new load is served by its island's generators pro rata to their spare output)
    and cut-off :math:`c` are those of `hosting_capacity`, so that a single site may
    take exactly what that says. New load of an island is at most its spare output.

    What many sites below the cut-off add up to on a far line is not held against a
    plan; ``cutoff=0`` counts it all, and then a single overloaded line anywhere
    blocks every site that adds to it. `powerflow` shows the whole flow.

    *Plants beside sites*: a site may then draw anything from nothing to all of
    :math:`m_i`, each at its own time. With ``relief=False`` each direction counts the
    sites alone that push that way: :math:`\max(t_{li}, 0)` above, :math:`\min(t_{li},
    0)` below. The flows of every hour are then within the rule, whatever the plants
    do; what sites take off lines at all hours, such as load that no plant reaches, is
    not credited.

    Branches without a rating never bind. Megawatts that stand already
    (``existing=``) count as new load: leave them out of the network's loads.

    *Upgrades*: of :math:`u_l` MW add to both ends of the rule, in all cases, and cost
    ``usd_per_mw`` each; any amount may be bought. They count in the budget and in the
    plan's cost, and stand in the sites' ``cost_usd``, shared by megawatts within an
    island. A strengthened line keeps its reactance, so flows divide as before, and
    an overload that is there already stays: only what comes on top is paid for. With
    years, what is bought in one serves from then on. ``plan.upgrades`` lists them.

    Few lines and outages are written out as rows. Where there are many, a row is
    added for a line only once a plan breaks it, until none is broken.

    References
    ----------
    .. [1] A. J. Wood, B. F. Wollenberg, G. B. Sheblé, "Power Generation, Operation,
       and Control", 3rd ed., Wiley, 2013, ch. 7 (shift and outage factors).

    Examples
    --------
    Buses 2 and 3 hang on one line of 100 MW: one site of 80 MW fits, two do not.

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
    ...     sites, site_mw=[80], limits=[ss.Deliverable(network)]
    ... )
    >>> list(plan.sites.index), plan.verify()["passed"].all().item()
    ([0], True)

    Both sites, with the first line strengthened by 60 MW:

    >>> lines = pd.DataFrame({"branch": ["a"], "usd_per_mw": 5e4, "lead_months": 36})
    >>> plan = ss.optimize_sites(
    ...     sites, site_mw=[80], power_mw=(160, 160),
    ...     limits=[ss.Deliverable(network, upgrades=lines)],
    ... )
    >>> plan.upgrades[["branch", "mw", "cost_usd"]].round(3).values.tolist()
    [['a', 60.0, 3000000.0]]

    A site that its own plants may serve makes no room for others:

    >>> lines = ss.Deliverable(network)
    >>> lines.without_relief.relief, lines.among([lines]) is lines
    (False, True)
    """

    network: Network
    bus: str | pd.Series[Any] = "bus"
    outages: Sequence[Any] | str = field(default=(), kw_only=True)
    cutoff: float = field(default=0.05, kw_only=True)
    upgrades: pd.DataFrame | None = field(default=None, kw_only=True)
    ordered: int | None = field(default=None, kw_only=True)
    relief: bool | None = field(default=None, kw_only=True)
    name: str = field(default="deliverable", kw_only=True)

    buys_once = True
    #: Upgrades in place, by branch [MW]; see `strengthened`.
    _bought: Bought | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        clean_name(self.name, "Deliverable")
        network: Any = self.network
        if not isinstance(network, Network):
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given a network",
                    f"that is {type(network).__name__}",
                    "a Network",
                    "siteselect.grid.Network.from_tables(buses, branches, generators)",
                )
            )
        if not 0 <= number(self.cutoff, "cutoff") <= 1:
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given cutoff={self.cutoff!r}",
                    "it is the smallest transfer factor at which a site counts",
                    "a share from 0 to 1",
                    "cutoff=0.05",
                )
            )
        if not isinstance(self.bus, str | pd.Series):
            raise StudyError(
                four_parts(
                    f"{self.name!r} reads the bus of each site from {self.bus!r}",
                    f"that is {type(self.bus).__name__}",
                    "a column name or a Series keyed by site",
                    'bus="bus"',
                )
            )
        self._check_outages()
        if self.upgrades is not None:
            checked = possible_upgrades(self.name, network, self.upgrades)
            object.__setattr__(self, "upgrades", checked)
        if not isinstance(self.relief, bool | np.bool_ | None):
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given relief={self.relief!r}",
                    "it says whether sites make room on lines for others",
                    "True, False or None",
                    "relief=False where sites have plants of their own",
                )
            )
        if self.ordered is not None:
            object.__setattr__(self, "ordered", year_of(self.ordered, "ordered"))

    def _check_outages(self) -> None:
        given: Any = self.outages
        if isinstance(given, str):
            if given == "all":
                return
            found = f"the text {given!r}"
        elif isinstance(given, Sequence | np.ndarray | pd.Index | pd.Series):
            labels = pd.Index(self.network.branch)
            asked = pd.Index(list(given), tupleize_cols=False)
            lost = asked[labels.get_indexer(asked) < 0] if len(asked) else asked
            if not len(lost):
                return
            near = nearest_name(str(lost[0]), [str(x) for x in labels[:5000]])
            found = f"no branches of the network: {shown(map(repr, lost))}{near}"
        else:
            found = f"that is {type(given).__name__}"
        raise StudyError(
            four_parts(
                f"{self.name!r} was given outages",
                found,
                'a list of branch labels, or "all"',
                "outages=list(network.branch[:10])",
            )
        )

    def among(self, limits: Sequence[Any]) -> Deliverable:
        """Return this limit as it is beside others: plants of sites end relief.

        Parameters
        ----------
        limits : sequence
            All limits of a request.

        Returns
        -------
        Deliverable
            This limit, or the one without relief.
        """
        if self.relief is None and any(
            getattr(limit, "has_plants", False) for limit in limits
        ):
            return self.without_relief
        return self

    @property
    def counts_relief(self) -> bool:
        """Whether a load that draws power off a line makes room on it for others.

        Examples
        --------
        >>> import pandas as pd
        >>> import siteselect as ss
        >>> network = ss.grid.Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
        ... )
        >>> lines = Deliverable(network)
        >>> lines.counts_relief, lines.without_relief.counts_relief
        (True, False)
        """
        return self.relief is None or bool(self.relief)

    @cached_property
    def without_relief(self) -> Deliverable:
        """The limit where no site makes room for others, the same one each time."""
        return replace(self, relief=False)

    def __repr__(self) -> str:
        n = len(self.outages)
        said = '"all"' if isinstance(self.outages, str) else f"{n} outages"
        more = ""
        if self.upgrades is not None:
            more = f", upgrades of {len(self.upgrades):,} branches"
        if not self.counts_relief:
            more += ", without relief"
        return f"Deliverable({self.network!r}, {said}, cutoff={self.cutoff:g}{more})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.bus,)

    # -- the network as arrays -------------------------------------------------

    def _buses(self, problem: Problem) -> tuple[Ints, list[Any]]:
        """Return the number of each site's bus and the labels of these buses."""
        key = ("deliverable buses", self)
        if key not in problem._cache:
            column = aligned(problem.frame, self.bus, self.name)
            missing = np.flatnonzero(column.isna().to_numpy())
            if missing.size:
                said = self.bus if isinstance(self.bus, str) else str(self.bus.name)
                raise_missing(problem.frame, said, missing, self.name)
            labels = pd.Index(self.network.bus)
            at = labels.get_indexer(pd.Index(column, tupleize_cols=False))
            unknown = np.flatnonzero(at < 0)
            if unknown.size:
                first = column.iloc[unknown].unique().tolist()
                near = nearest_name(str(first[0]), map(str, labels[:5000]))
                raise StudyError(
                    four_parts(
                        f"{self.name!r} reads the bus of each site",
                        f"{unknown.size:,} eligible sites name a bus that is not in "
                        f"the network: {shown(map(repr, first))}{near}",
                        f"a label of network.bus, such as {shown(labels[:3])}",
                        "sites[sites['bus'].isin(network.bus)]",
                    )
                )
            used, code = np.unique(at, return_inverse=True)
            problem._cache[key] = (code.astype(np.int64), list(labels[used]))
        found: tuple[Ints, list[Any]] = problem._cache[key]
        return found

    def _grid(self, problem: Problem) -> Lines:
        _, buses = self._buses(problem)
        kept: dict[Any, Lines] = self._grids
        key = tuple(buses)
        if key not in kept:
            kept.clear()
            kept[key] = self._made(problem, buses)
        return kept[key]

    @cached_property
    def _grids(self) -> dict[Any, Lines]:
        """The arrays of the last buses asked for: the same for every solve."""
        return {}

    def _made(self, problem: Problem, buses: list[Any]) -> Lines:
        labels = np.asarray(buses, dtype=self.network.bus.dtype)
        part = self._around(labels)
        at = part.positions(labels)
        able = (part.p_max_mw > 0) | (part.p_mw > 0)
        has_generation = np.isin(part.island, part.island[part.generator_bus[able]])
        unserved = ~has_generation[at] | np.isnan(base_injection(part)[at])
        if unserved.any():
            code, _ = self._buses(problem)
            dark = labels[unserved].tolist()
            raise StudyError(
                four_parts(
                    f"{self.name!r} serves new load from the generators of its island",
                    f"those of {shown(map(repr, dark))} have none, or "
                    "cannot meet the load that they have; sites there: "
                    + shown(map(repr, problem.frame.index[unserved[code]])),
                    "buses of an island whose generators meet its load",
                    "leave these sites out, or network.with_committed(plants=...)",
                )
            )
        circuits = self._circuits(part)
        # A row of branches for each bus, so that few of many buses are read quickly.
        share = ptdf_at(part, at, circuits.factors.responses).T
        # Where all generators are at their most, new load is up to 0 MW.
        share[np.isnan(share).any(axis=1)] = 0.0
        numbers, island = np.unique(part.island[at], return_inverse=True)
        total = np.bincount(
            part.island[part.generator_bus], spare_mw(part), part.n_islands
        )
        first = [part.bus[np.flatnonzero(part.island == k)[0]] for k in numbers]
        return Lines(
            share=_columns(share, circuits.line).T,
            outage_share=_columns(share, circuits.outage).T,
            circuits=circuits,
            spare=total[numbers].astype(np.float64),
            island=island.astype(np.int64),
            island_name=first,
            branch=part.branch,
            least=max(self.cutoff - ROUNDING, ROUNDING),
            relief=self.counts_relief,
        )

    def _around(self, labels: Any) -> Network:
        """Return the islands of these buses as a network, the same one if asked again.

        What was worked out from it is kept with it.
        """
        number = np.unique(self.network.island[self.network.positions(labels)])
        return kept(
            self.network,
            "around",
            number.tobytes(),
            lambda: self.network.around(labels),
        )

    def _circuits(self, part: Network) -> Circuits:
        """Return rated lines and outages, kept with the network if not too large."""
        rated = np.flatnonzero(np.isfinite(part.rating_mw))
        outage = self._outages_in(part, rated.size)
        if outage.size * len(part.bus) > KEPT_FACTORS:
            return self._circuits_of(part, outage)
        key = (outage.tobytes(), isinstance(self.outages, str))
        return kept(part, "circuits", key, lambda: self._circuits_of(part, outage))

    def _circuits_of(self, part: Network, outage: Ints) -> Circuits:
        flow = dc_flow(part).flow_mw
        rated = np.flatnonzero(np.isfinite(part.rating_mw) & ~np.isnan(flow))
        factors, splits = outage_factors(part, outage)
        if splits.any() and not isinstance(self.outages, str):
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given outages",
                    "the loss of "
                    + shown(map(repr, part.branch[outage[splits]].tolist()))
                    + " splits its island: what it cuts off goes dark, whatever "
                    "is chosen",
                    "branches after whose loss every bus is still connected",
                    'outages="all" leaves the others out by itself',
                )
            )
        return Circuits(
            line=rated,
            flow=flow[rated],
            rating=part.rating_mw[rated],
            outage_flow=np.nan_to_num(flow[factors.outage]),
            factors=factors,
        )

    def _outages_in(self, part: Network, n_lines: int) -> Ints:
        """Return the branches of the islands concerned that drop out."""
        if isinstance(self.outages, str):
            found = np.arange(len(part.branch), dtype=np.int64)
        else:
            asked = pd.Index(list(self.outages), tupleize_cols=False).unique()
            at = pd.Index(part.branch).get_indexer(asked) if len(asked) else []
            found = np.asarray([k for k in at if k >= 0], dtype=np.int64)
        if found.size * n_lines > MOST_FACTORS:
            raise LayerError(
                four_parts(
                    f"{self.name!r} was given {found.size:,} outages",
                    f"with {n_lines:,} rated lines that is a table of "
                    f"{8e-9 * found.size * n_lines:,.1f} GB",
                    f"lines times outages up to {MOST_FACTORS:,}",
                    "outages=[...] with those that matter",
                )
            )
        return found

    # -- upgrades --------------------------------------------------------------

    def _stronger(self, grid: Lines) -> tuple[pd.DataFrame, Ints]:
        """Return the upgrades of lines that can bind, and which lines they are."""
        assert self.upgrades is not None
        lines = pd.Index(grid.branch[grid.line])
        line = lines.get_indexer(pd.Index(self.upgrades["branch"])).astype(np.int64)
        return self.upgrades[line >= 0], line[line >= 0]

    def _arrives(self, problem: Problem, table: pd.DataFrame) -> Floats:
        """Return the first year with each upgrade in service."""
        since = problem.years[0] if self.ordered is None else self.ordered
        return arrival(table["lead_months"].to_numpy(np.float64), since)

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return what each line may be strengthened by [GW], in a year if any."""
        if self.upgrades is None:
            return None
        grid = self._grid(problem)
        table, line = self._stronger(grid)
        most = np.minimum(table["most_mw"].to_numpy(), self._reach(problem)[line])
        if problem.at_year is not None:
            now = problem.years[problem.at_year]
            most = np.where(self._arrives(problem, table) <= now, most, 0.0)
        n = len(table)
        return ExtraColumns(
            tuple(f"{self.name}: upgrade of {b} [GW]" for b in table["branch"]),
            np.zeros(n),
            most * GW,
            np.zeros(n, dtype=bool),
            cost_usd=table["usd_per_mw"].to_numpy() / GW,
        )

    def _reach(self, problem: Problem) -> Floats:
        """Return the most that the sites can push over each line, in any case [MW]."""
        grid = self._grid(problem)
        code, buses = self._buses(problem)
        most = self._most_per_bus(problem, code, len(buses)).sum()
        return grid.reach(min(float(most), float(grid.spare.sum())))

    def _strength(self, problem: Problem, grid: Lines) -> sparse.csr_array | None:
        """Return by how much each column at 1 strengthens each line [MW]."""
        if self.upgrades is None:
            return None
        _, line = self._stronger(grid)
        own = [np.arange(s.start, s.stop) for s in problem.extra_until_now(self.name)]
        column = np.concatenate([np.zeros(0, dtype=np.int64), *own])
        return sparse.csr_array(
            (np.full(column.size, 1 / GW), (np.tile(line, len(own)), column)),
            shape=(grid.line.size, problem.n_columns),
        )

    def _cap_rows(self, problem: Problem, grid: Lines, x: Floats | None) -> Rows:
        """Return rows that hold what is bought over the years to what is possible.

        With ``x`` those that it breaks; within one year bounds say it all.
        """
        strength = self._strength(problem, grid)
        if strength is None or not problem.at_year:
            return Rows.empty(problem.n_columns)
        table, line = self._stronger(grid)
        most = table["most_mw"].to_numpy(np.float64)
        pick = np.isfinite(most)
        if x is not None:
            pick &= (strength @ x)[line] > most + OVER * np.maximum(1.0, most)
        own = np.flatnonzero(pick)
        return Rows.make(
            strength[line[own]] * GW,
            -np.inf,
            most[own] * GW,
            self.name,
            grid.group[line[own]],
            GW,
            UPGRADE,
        )

    def settled(self, problem: Problem, x: Floats) -> Floats:
        """Return ``x`` without upgrades that its sites do not need.

        Nothing is bought later than in ``x``, so that no budget of a year is broken.
        """
        if self.upgrades is None:
            return x
        grid = self._grid(problem)
        code, buses = self._buses(problem)
        _, line = self._stronger(grid)
        views = [problem.in_year(k) for k in range(len(problem.years))] or [problem]
        need = np.zeros(grid.line.size)
        for view in views:
            mw = np.bincount(code, view.sites_mw(x), len(buses)).astype(np.float64)
            over, by = grid.over(mw, np.zeros(grid.line.size))
            _, unit = grid.room(over)
            np.maximum.at(need, over.line, by * unit)
        x, had = x.copy(), np.zeros(line.size)
        for view in views:
            own = view.extra_until_now(self.name)[-1]
            left = np.maximum(need[line] - had, 0.0)
            mw = np.minimum(x[own] / GW, left)
            mw[mw < LEAST_MW] = 0.0
            had += mw
            x[own] = mw * GW
        return x

    def bought(self, problem: Problem, x: Floats) -> pd.DataFrame:
        """Return what a solution strengthens, as `SitePlan.upgrades` holds it."""
        if self.upgrades is None:
            return no_upgrades()
        table, _ = self._stronger(self._grid(problem))
        lead = table["lead_months"].to_numpy(np.float64)
        at = pd.Index(self.network.branch).get_indexer(pd.Index(table["branch"]))
        parts = [no_upgrades()]
        views = [problem.in_year(k) for k in range(len(problem.years))] or [problem]
        for view in views:
            year = np.full(len(table), np.nan)
            if view.at_year is not None:
                year[:] = view.years[view.at_year]
            elif self.ordered is not None:
                year = arrival(lead, self.ordered)
            mw = x[view.extra_until_now(self.name)[-1]] / GW
            price = table["usd_per_mw"].to_numpy()
            found = pd.DataFrame(
                {
                    "limit": self.name,
                    "branch": table["branch"].to_numpy(),
                    "from_bus": self.network.bus[self.network.from_bus[at]],
                    "to_bus": self.network.bus[self.network.to_bus[at]],
                    "mw": mw,
                    "usd_per_mw": price,
                    "cost_usd": price * mw,
                    "lead_months": lead,
                    "year": pd.array(year, dtype="Int64"),
                },
                columns=list(UPGRADE_COLUMNS),
            )
            parts.append(found[mw > 0])
        some = [p for p in parts if len(p)]
        return pd.concat(some, ignore_index=True) if some else no_upgrades()

    def strengthened(self, bought: Bought) -> Deliverable:
        """Return this limit with upgrades in place, to check or to solve flows by."""
        built = copy.copy(self)
        object.__setattr__(built, "_bought", dict(bought))
        return built

    @property
    def in_place(self) -> Bought:
        """Upgrades in place, by branch [MW]."""
        return self._bought or {}

    # -- rows ------------------------------------------------------------------

    def is_lazy(self, problem: Problem) -> bool:
        """Return whether there are too many lines and cases to write all rows."""
        grid = self._grid(problem)
        return grid.line.size * (1 + grid.outage.size) > MOST_ROWS

    def is_open_ended(self, problem: Problem) -> bool:
        """Return whether ``rows`` are only some: ``cuts`` must have the last word."""
        return self.is_lazy(problem)

    def rows(self, problem: Problem) -> Rows:
        """Return the rows that some choice of sites can break.

        Where there are too many lines and outages, those without an outage.
        """
        grid = self._grid(problem)
        code, buses = self._buses(problem)
        n_cases = 1 if self.is_lazy(problem) else 1 + grid.outage.size
        most = self._most_per_bus(problem, code, len(buses))
        line = np.repeat(np.arange(grid.line.size), n_cases)
        case = np.tile(np.arange(-1, n_cases - 1), grid.line.size)
        parts = [self._spare_rows(problem, grid, code, np.arange(grid.spare.size))]
        parts.append(self._cap_rows(problem, grid, None))
        for way in (1.0, -1.0):
            every = Over(line, case, np.full(line.size, way))
            factor = grid.factor(every)
            room, unit = grid.room(every)
            can = (np.maximum(factor, 0.0) @ most) / unit > room / unit - OVER
            parts.append(self._line_rows(problem, grid, code, every.take(can)))
        return Rows.stack(parts)

    def _most_per_bus(self, problem: Problem, code: Ints, n_buses: int) -> Floats:
        """Return the most MW that the sites of each bus can take together."""
        own = problem.column_site >= 0
        site = problem.column_site[own]
        mw = (problem.column_mw * problem.upper)[own]
        most = np.zeros(problem.n_sites)
        # A range is an opening column and another that adds to it.
        opens = problem.column_opens[own]
        np.maximum.at(most, site[opens], mw[opens])
        more = np.zeros(problem.n_sites)
        np.maximum.at(more, site[~opens], mw[~opens])
        found: Floats = np.bincount(code, most + more, n_buses).astype(np.float64)
        return found

    def _line_rows(self, problem: Problem, grid: Lines, code: Ints, over: Over) -> Rows:
        if not over.line.size:
            return Rows.empty(problem.n_columns)
        room, unit = grid.room(over)
        factor = grid.factor(over) / unit[:, None]
        own = np.flatnonzero((problem.column_site >= 0) & (problem.column_mw != 0))
        at_bus = sparse.csr_array(
            (problem.column_mw[own], (code[problem.column_site[own]], own)),
            shape=(factor.shape[1], problem.n_columns),
        )
        named = grid.group[over.line]
        after = np.flatnonzero(over.case >= 0)
        lost = grid.branch[grid.outage[over.case[after]]]
        for k, outage in zip(after.tolist(), lost, strict=True):
            named[k] = line_name(named[k], outage)
        matrix = sparse.csr_array(factor) @ at_bus
        strength = self._strength(problem, grid)
        if strength is not None:
            matrix -= sparse.diags_array(1.0 / unit) @ strength[over.line]
        return Rows.make(
            matrix,
            -np.inf,
            room / unit,
            self.name,
            named,
            1.0 / unit,
            LINE,
        )

    def _spare_rows(
        self, problem: Problem, grid: Lines, code: Ints, islands: Ints
    ) -> Rows:
        """Return one row per island: new load up to its spare generation."""
        place = np.full(grid.spare.size, -1, dtype=np.int64)
        place[islands] = np.arange(islands.size)
        matrix = problem.site_rows(
            place[grid.island[code]], islands.size, problem.column_mw * GW
        )
        names = [_island(grid.island_name[k]) for k in islands]
        most = grid.spare[islands] * GW
        return Rows.make(matrix, -np.inf, most, self.name, names, GW, SPARE)

    def cuts(self, problem: Problem, x: Floats) -> Rows:
        """Return rows of lines that ``x`` pushes too far, the worst ones first."""
        if not problem.years:
            return self._cuts(problem, x)
        parts = [Rows.empty(problem.n_columns)]
        for k, year in enumerate(problem.years):
            parts.append(self._cuts(problem.in_year(k), x).in_year(year))
        return Rows.stack(parts)

    def _cuts(self, problem: Problem, x: Floats) -> Rows:
        grid = self._grid(problem)
        code, buses = self._buses(problem)
        mw = np.bincount(code, problem.sites_mw(x), len(buses)).astype(np.float64)
        total = np.bincount(grid.island, mw, grid.spare.size)
        short = total > grid.spare + OVER * np.maximum(1.0, grid.spare)
        parts = [self._spare_rows(problem, grid, code, np.flatnonzero(short))]
        parts.append(self._cap_rows(problem, grid, x))
        strength = self._strength(problem, grid)
        more = np.zeros(grid.line.size) if strength is None else strength @ x
        over, by = grid.over(mw, more)
        if over.line.size:
            # One case per line and direction tells most; the others may follow.
            order = np.lexsort((over.case, over.line, over.way, -by))
            key = over.line[order] * 2 + (over.way[order] > 0)
            _, first = np.unique(key, return_index=True)
            pick = order[np.sort(first)[:ROUND_ROWS]]
            parts.append(self._line_rows(problem, grid, code, over.take(pick)))
        return Rows.stack(parts)

    # -- the check, which shares nothing with the rows -------------------------

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return how full the lines are, from flows solved anew with the loads on.

        Every line that the sites fill to at least 90 % of what it may carry, in the
        case that fills it most, and the fullest one; and new load against the spare
        generation of each island.
        """
        chosen = sites[sites["mw"].to_numpy(np.float64) > 0]
        column = chosen[self.bus] if isinstance(self.bus, str) else self.bus
        column = column.loc[chosen.index]
        loads = {b: float(mw) for b, mw in chosen["mw"].groupby(column).sum().items()}
        if not loads:
            return accounts(self.name, [], LINE, [], [], [], "MW", [])
        spare = spare_by_island(self.network, list(loads))
        spare["mw"] = list(loads.values())
        able = spare["spare_mw"].to_numpy(np.float64) > 0
        served = {b: loads[b] for b, yes in zip(loads, able, strict=True) if yes}
        table = kept_flows(
            self.network,
            served,
            outages=self.drops(list(loads)),
            cutoff=self.cutoff,
            upgrades=self.in_place,
            relief=self.counts_relief,
        )
        fill = (table["used_mw"] / table["allowed_mw"]).round(FILL_DIGITS)
        order = np.argsort(-fill.fillna(-np.inf).to_numpy(), kind="stable")
        table, fill = table.iloc[order], fill.iloc[order]
        table = table[fill.notna() & ((fill >= SHOWN) | (np.arange(len(table)) == 0))]
        names = [
            line_name(b, k)
            for b, k in zip(table.index, table["worst_outage"], strict=True)
        ]
        spare = spare.groupby("island", sort=False).agg(
            {"spare_mw": "first", "mw": "sum"}
        )
        return self._accounts(
            names,
            table["allowed_mw"].to_numpy(),
            table["used_mw"].to_numpy(),
            spare.index.tolist(),
            spare["spare_mw"].to_numpy(),
            spare["mw"].to_numpy(),
        )

    def accounts_of(self, problem: Problem, x: Floats) -> pd.DataFrame:
        """Return the accounts of a solution by the factors that the rows are made of.

        They are those of ``check``, which solves every flow anew: `SitePlan.verify`
        compares the two.
        """
        grid = self._grid(problem)
        code, buses = self._buses(problem)
        mw: Floats = np.bincount(
            code, np.round(problem.sites_mw(x), 9), len(buses)
        ).astype(np.float64)
        if not (mw > 0).any():
            return accounts(self.name, [], LINE, [], [], [], "MW", [])
        more = np.zeros(grid.line.size)
        at = pd.Index(grid.branch[grid.line]).get_indexer(pd.Index(list(self.in_place)))
        for k, extra in zip(at, self.in_place.values(), strict=True):
            if k >= 0:
                more[k] = extra
        table = grid.fullest(mw, more, SHOWN)
        line, case = table["line"].to_numpy(), table["case"].to_numpy()
        names = grid.group[line]
        for k in np.flatnonzero(case >= 0):
            names[k] = line_name(names[k], grid.branch[grid.outage[case[k]]])
        total: Floats = np.bincount(grid.island, mw, grid.spare.size).astype(np.float64)
        used = dict.fromkeys(grid.island[mw > 0].tolist())
        here = [k for k in used if total[k] > 0]
        return self._accounts(
            list(names),
            table["allowed_mw"].to_numpy(),
            table["used_mw"].to_numpy(),
            [grid.island_name[k] for k in here],
            grid.spare[here],
            total[here],
        )

    def _accounts(
        self,
        lines: list[Any],
        allowed_mw: Floats,
        used_mw: Floats,
        islands: list[Any],
        spare_mw: Floats,
        new_mw: Floats,
    ) -> pd.DataFrame:
        named = [_island(b) for b in islands]
        return pd.concat(
            [
                accounts(self.name, lines, LINE, -np.inf, allowed_mw, used_mw, "MW"),
                accounts(self.name, named, SPARE, -np.inf, spare_mw, new_mw, "MW"),
                self._upgrade_accounts(),
            ],
            ignore_index=True,
        )

    def _upgrade_accounts(self) -> pd.DataFrame:
        """Return by how much lines are strengthened, of what is possible."""
        names = list(self.in_place)
        most = dict.fromkeys(names, 0.0)
        if self.upgrades is not None:
            most |= dict(
                zip(self.upgrades["branch"], self.upgrades["most_mw"], strict=True)
            )
        used = list(self.in_place.values())
        most_mw = [most[b] for b in names]
        named = [line_name(b) for b in names]
        return accounts(self.name, named, UPGRADE, -np.inf, most_mw, used, "MW")

    def drops(self, buses: list[Any]) -> list[Any]:
        """Return the outages to check, those of other islands left out."""
        if not isinstance(self.outages, str):
            return list(dict.fromkeys(self.outages))
        return unsplitting(self.network.around(np.asarray(buses, dtype=object)))


def _columns(table: Floats, picked: Ints) -> Floats:
    """Return columns in ascending order; all of them without a copy."""
    return table if picked.size == table.shape[1] else table.take(picked, axis=1)


def _island(bus: object) -> str:
    return f"island of bus {bus}"


__all__ = ["Deliverable"]
