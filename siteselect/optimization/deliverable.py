"""A limit: the chosen sites together overload no line of the network.

Rows come from the factors of `siteselect.infrastructure.grid`; ``check`` puts the
chosen loads on the network and solves the flow anew (`applied_flows`). DC only:
voltage, reactive power, losses, stability and short circuit are not covered.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid import (
    Network,
    applied_flows,
    dc_flow,
    lodf_columns,
    ptdf_columns,
    spare_mw,
)
from siteselect.infrastructure.grid.applied import spare_by_island
from siteselect.infrastructure.grid.flow import base_injection
from siteselect.optimization.by_year import year_of
from siteselect.optimization.limits import accounts, clean_name
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
#: Entries worked on at once.
BLOCK: Final = 4_000_000
#: Entries screened at once: few enough that they stay in the cache.
SCREEN: Final = 100_000
#: Relative and absolute room [MW] of a screen in single precision.
ROUGH: Final = 1e-5
#: By how much of what a line may carry a plan may be over it: half of what
#: ``verify()`` allows for rounding.
OVER: Final = 5e-7
#: Rounding must not decide whether a share is at the cut-off.
ROUNDING: Final = 1e-9
#: Lines filled to this share are shown in the accounts.
SHOWN: Final = 0.9
#: Kinds of accounts.
LINE, SPARE, UPGRADE = "line", "spare generation", "upgrade"


@dataclass(frozen=True, eq=False)
class _Grid:
    """What the rows need of the islands that hold the candidates' buses.

    Parameters
    ----------
    share : ndarray, shape (n_lines, n_buses)
        Change of the flow per MW of new load at each bus, base case.
    line : ndarray of int
        Branch of each line: those with a rating.
    flow, rating : ndarray, shape (n_lines,)
        Base flow and rating [MW].
    outage : ndarray of int, shape (n_outages,)
        Branches that drop out.
    outage_share : ndarray, shape (n_outages, n_buses)
        ``share`` of these branches.
    outage_flow : ndarray, shape (n_outages,)
        Their base flow [MW].
    moved : ndarray, shape (n_lines, n_outages)
        Change of the flow per MW that the lost branch carried.
    spare : ndarray, shape (n_islands,)
        Spare generation [MW].
    island : ndarray of int, shape (n_buses,)
        Island of each bus, counted in ``spare``.
    island_name : list
        Label of the first bus of each island.
    branch : ndarray
        Labels of all branches.
    """

    share: Floats
    line: Ints
    flow: Floats
    rating: Floats
    outage: Ints
    outage_share: Floats
    outage_flow: Floats
    moved: Floats
    spare: Floats
    island: Ints
    island_name: list[Any]
    branch: Any

    @cached_property
    def size(self) -> Any:
        """Sizes of the outage factors, roughly."""
        return np.abs(self.moved).astype(np.float32)

    @cached_property
    def room_after(self) -> dict[float, Any]:
        """Room of each line after each outage by direction, roughly, never too much."""
        found = {}
        for way in (1.0, -1.0):
            room = np.empty(self.moved.shape, dtype=np.float32)
            for k in range(len(self.line)):
                flow = way * (self.flow[k] + self.moved[k] * self.outage_flow)
                room[k] = np.maximum(self.rating[k] - flow, 0.0)
            found[way] = room
        return found

    @cached_property
    def group(self) -> Any:
        """Name of each line in the base case."""
        return np.array([line_name(b) for b in self.branch[self.line]], dtype=object)


@dataclass(frozen=True, eq=False)
class _Over:
    """Lines in a case and a direction: -1 as case is the one without an outage."""

    line: Ints
    case: Ints
    way: Floats

    def take(self, index: Any) -> _Over:
        return _Over(self.line[index], self.case[index], self.way[index])


def line_name(branch: object, outage: object = None) -> str:
    """Return how the accounts call a line, and a line after an outage.

    Examples
    --------
    >>> line_name(17), line_name(17, 203)
    ('17', '17 after 203')
    """
    return f"{branch}" if outage is None else f"{branch} after {outage}"


@dataclass(frozen=True, eq=False)
class Deliverable:
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
    """

    network: Network
    bus: str | pd.Series[Any] = "bus"
    outages: Sequence[Any] | str = field(default=(), kw_only=True)
    cutoff: float = field(default=0.05, kw_only=True)
    upgrades: pd.DataFrame | None = field(default=None, kw_only=True)
    ordered: int | None = field(default=None, kw_only=True)
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

    def __repr__(self) -> str:
        n = len(self.outages)
        said = '"all"' if isinstance(self.outages, str) else f"{n} outages"
        more = ""
        if self.upgrades is not None:
            more = f", upgrades of {len(self.upgrades):,} branches"
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

    def _grid(self, problem: Problem) -> _Grid:
        _, buses = self._buses(problem)
        kept: dict[Any, _Grid] = self._grids
        key = tuple(buses)
        if key not in kept:
            kept.clear()
            kept[key] = self._made(problem, buses)
        return kept[key]

    @cached_property
    def _grids(self) -> dict[Any, _Grid]:
        """The arrays of the last buses asked for: the same for every solve."""
        return {}

    def _made(self, problem: Problem, buses: list[Any]) -> _Grid:
        labels = np.asarray(buses, dtype=self.network.bus.dtype)
        part = self.network.around(labels)
        share = ptdf_columns(part, labels)
        flow = dc_flow(part).flow_mw
        at = part.positions(labels)
        able = (part.p_max_mw > 0) | (part.p_mw > 0)
        has_generation = np.isin(part.island, part.island[part.generator_bus[able]])
        unserved = ~has_generation[at] | np.isnan(base_injection(part)[at])
        # Where all generators are at their most, new load is up to 0 MW.
        share[:, np.isnan(share).any(axis=0)] = 0.0
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
        rated = np.flatnonzero(np.isfinite(part.rating_mw) & ~np.isnan(flow))
        outage = self._outages_in(part, rated.size)
        moved = np.zeros((rated.size, 0))
        if outage.size:
            factors = lodf_columns(part, part.branch[outage])
            splits = np.isnan(factors).any(axis=0)
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
            outage, factors = outage[~splits], factors[:, ~splits]
            moved = np.ascontiguousarray(factors[rated])
        numbers, island = np.unique(part.island[at], return_inverse=True)
        total = np.bincount(
            part.island[part.generator_bus], spare_mw(part), part.n_islands
        )
        first = [part.bus[np.flatnonzero(part.island == k)[0]] for k in numbers]
        return _Grid(
            share=np.ascontiguousarray(share[rated]),
            line=rated,
            flow=flow[rated],
            rating=part.rating_mw[rated],
            outage=outage,
            outage_share=share[outage],
            outage_flow=np.nan_to_num(flow[outage]),
            moved=moved,
            spare=total[numbers].astype(np.float64),
            island=island.astype(np.int64),
            island_name=first,
            branch=part.branch,
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

    def _stronger(self, grid: _Grid) -> tuple[pd.DataFrame, Ints]:
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
        total = min(
            self._most_per_bus(problem, code, len(buses)).sum(), grid.spare.sum()
        )
        share = np.abs(grid.share).max(axis=1, initial=0.0)
        if grid.outage.size:
            lost = np.abs(grid.outage_share).max(axis=1, initial=0.0)
            share += (np.abs(grid.moved) * lost).max(axis=1, initial=0.0)
        reach: Floats = share * float(total)
        return reach

    def _strength(self, problem: Problem, grid: _Grid) -> sparse.csr_array | None:
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
            over, by = self._over(grid, mw, np.zeros(grid.line.size))
            _, unit = self._room(grid, over)
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

    @property
    def _least(self) -> float:
        return max(self.cutoff - ROUNDING, ROUNDING)

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
        for way in (1.0, -1.0):
            every = _Over(line, case, np.full(line.size, way))
            factor = self._factors(grid, every) * way
            room, unit = self._room(grid, every)
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

    def _factors(self, grid: _Grid, over: _Over) -> Floats:
        """Return what each bus counts for some lines in their cases [MW/MW]."""
        factor = grid.share[over.line]
        after = over.case >= 0
        if after.any():
            line, case = over.line[after], over.case[after]
            factor[after] += grid.moved[line, case][:, None] * grid.outage_share[case]
            # The lost branch itself carries nothing.
            gone = after & (grid.line[over.line] == grid.outage[over.case])
            factor[gone] = 0.0
        factor[np.abs(factor) < self._least] = 0.0
        return factor

    def _base(self, grid: _Grid, over: _Over) -> Floats:
        """Return the base flow of some lines in their cases [MW]."""
        base = grid.flow[over.line]
        after = over.case >= 0
        if after.any():
            line, case = over.line[after], over.case[after]
            base[after] += grid.moved[line, case] * grid.outage_flow[case]
        return base

    def _room(self, grid: _Grid, over: _Over) -> tuple[Floats, Floats]:
        """Return the room of some lines in their direction, and what they may carry."""
        base = over.way * self._base(grid, over)
        most = np.maximum(grid.rating[over.line], base)
        return most - base, np.maximum(1.0, most)

    def _line_rows(
        self, problem: Problem, grid: _Grid, code: Ints, over: _Over
    ) -> Rows:
        if not over.line.size:
            return Rows.empty(problem.n_columns)
        room, unit = self._room(grid, over)
        factor = self._factors(grid, over) * (over.way / unit)[:, None]
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
        self, problem: Problem, grid: _Grid, code: Ints, islands: Ints
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
        strength = self._strength(problem, grid)
        more = np.zeros(grid.line.size) if strength is None else strength @ x
        over, by = self._over(grid, mw, more)
        if over.line.size:
            # One case per line and direction tells most; the others may follow.
            order = np.lexsort((over.case, over.line, over.way, -by))
            key = over.line[order] * 2 + (over.way[order] > 0)
            _, first = np.unique(key, return_index=True)
            pick = order[np.sort(first)[:ROUND_ROWS]]
            parts.append(self._line_rows(problem, grid, code, over.take(pick)))
        return Rows.stack(parts)

    def _over(self, grid: _Grid, mw: Floats, more: Floats) -> tuple[_Over, Floats]:
        """Return every line, case and direction that loads break, and by how much.

        Lines are stronger by ``more`` [MW].
        """
        there = np.flatnonzero(mw > 1e-9)
        m = mw[there]
        share = grid.share[:, there]
        line = np.arange(grid.line.size)
        found: list[tuple[_Over, Floats]] = []
        pushed = {1.0: np.maximum(share, 0.0) @ m, -1.0: np.maximum(-share, 0.0) @ m}
        most_share = np.abs(share).max(axis=1, initial=0.0)
        gone = grid.outage_share[:, there]
        swing = np.abs(gone) @ m
        most_gone = np.abs(gone).max(axis=1, initial=0.0)
        for way in (1.0, -1.0):
            base = _Over(line, np.full(line.size, -1), np.full(line.size, way))
            room, _ = self._room(grid, base)
            maybe = (pushed[way] > room + more) & (most_share >= self._least)
            found.append(self._over_among(grid, base.take(maybe), there, m, more))
            if not grid.outage.size:
                continue
            # After an outage no more is pushed than this, whatever the signs.
            own = pushed[way] * (1 + ROUGH) + ROUGH
            moved = (swing * (1 + ROUGH)).astype(np.float32)
            room_after = grid.room_after[way]
            step = max(1, SCREEN // grid.outage.size)
            at, case = [], []
            for first in range(0, grid.line.size, step):
                rows = slice(first, first + step)
                reach = grid.size[rows] * moved
                reach += own[rows, None].astype(np.float32)
                reach -= more[rows, None].astype(np.float32)
                can = np.flatnonzero(reach > room_after[rows])
                at.append(first + can // grid.outage.size)
                case.append(can % grid.outage.size)
            some = _Over(np.concatenate(at), np.concatenate(case), np.zeros(0))
            size = np.abs(grid.moved[some.line, some.case])
            counts = most_share[some.line] + size * most_gone[some.case] >= self._least
            some = _Over(
                some.line[counts], some.case[counts], np.full(counts.sum(), way)
            )
            found.append(self._over_among(grid, some, there, m, more))
        over = _Over(
            np.concatenate([f.line for f, _ in found]),
            np.concatenate([f.case for f, _ in found]),
            np.concatenate([f.way for f, _ in found]),
        )
        return over, np.concatenate([by for _, by in found])

    def _over_among(
        self, grid: _Grid, some: _Over, there: Ints, m: Floats, more: Floats
    ) -> tuple[_Over, Floats]:
        """Return those of some lines and cases that loads break, and by how much."""
        small = _Grid(
            grid.share[:, there],
            grid.line,
            grid.flow,
            grid.rating,
            grid.outage,
            grid.outage_share[:, there],
            grid.outage_flow,
            grid.moved,
            grid.spare,
            grid.island,
            grid.island_name,
            grid.branch,
        )
        by = np.empty(some.line.size)
        step = max(1, BLOCK // max(1, there.size))
        for first in range(0, some.line.size, step):
            pick = slice(first, first + step)
            part = some.take(pick)
            room, unit = self._room(small, part)
            room += more[part.line]
            counted = part.way * (self._factors(small, part) @ m)
            by[pick] = np.where(counted > 0, counted - room, -np.inf) / unit
        broken = by > OVER
        return some.take(broken), by[broken]

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
        table = applied_flows(
            self.network,
            served,
            outages=self.drops(list(loads)),
            cutoff=self.cutoff,
            upgrades=self.in_place,
        )
        table = table[table["fill"].notna()].sort_values(
            "fill", ascending=False, kind="stable"
        )
        table = table[(table["fill"] >= SHOWN) | (np.arange(len(table)) == 0)]
        names = [
            line_name(b, k)
            for b, k in zip(table.index, table["worst_outage"], strict=True)
        ]
        spare = spare.groupby("island", sort=False).agg(
            {"spare_mw": "first", "mw": "sum"}
        )
        return pd.concat(
            [
                accounts(
                    self.name,
                    names,
                    LINE,
                    -np.inf,
                    table["allowed_mw"].to_numpy(),
                    table["used_mw"].to_numpy(),
                    "MW",
                ),
                accounts(
                    self.name,
                    [_island(b) for b in spare.index],
                    SPARE,
                    -np.inf,
                    spare["spare_mw"].to_numpy(),
                    spare["mw"].to_numpy(),
                    "MW",
                ),
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


def _island(bus: object) -> str:
    return f"island of bus {bus}"


def unsplitting(network: Network) -> list[Any]:
    """Return the branches whose loss leaves every bus connected (no bridges).

    Found by walking the network once [1]_, not from its reactances.

    Parameters
    ----------
    network : Network
        The network.

    References
    ----------
    .. [1] R. E. Tarjan, "A note on finding the bridges of a graph", Information
       Processing Letters 2 (1974) 160-161, doi:10.1016/0020-0190(74)90003-9.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3, 4], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": list("abcd"), "from_bus": [1, 2, 1, 3],
    ...                   "to_bus": [2, 3, 3, 4], "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [200.0]}),
    ... )
    >>> unsplitting(network)
    ['a', 'b', 'c']
    """
    ways: list[list[tuple[int, int]]] = [[] for _ in network.bus]
    ends = zip(network.from_bus.tolist(), network.to_bus.tolist(), strict=True)
    for k, (i, j) in enumerate(ends):
        ways[i].append((j, k))
        ways[j].append((i, k))
    seen = [-1] * len(ways)
    low = [0] * len(ways)
    bridges: set[int] = set()
    clock = 0
    for root in range(len(ways)):
        if seen[root] >= 0:
            continue
        seen[root] = low[root] = clock
        clock += 1
        stack = [(root, -1, iter(ways[root]))]
        while stack:
            bus, by, rest = stack[-1]
            for other, k in rest:
                if k == by:
                    continue
                if seen[other] >= 0:
                    low[bus] = min(low[bus], seen[other])
                    continue
                seen[other] = low[other] = clock
                clock += 1
                stack.append((other, k, iter(ways[other])))
                break
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[bus])
                    if low[bus] > seen[above]:
                        bridges.add(by)
    return [b for k, b in enumerate(network.branch.tolist()) if k not in bridges]


__all__ = ["Deliverable"]
