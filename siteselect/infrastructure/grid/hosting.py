"""How much new load a bus can take before a line overloads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.infrastructure.grid.branches import branch_positions
from siteselect.infrastructure.grid.flow import (
    BATCH,
    Island,
    base_injection,
    check_conservation,
    islands_of,
    spare_mw,
)
from siteselect.infrastructure.grid.network import FloatArray, IntArray, Network
from siteselect.infrastructure.grid.outages import OutageFactors, outage_factors

# Progress is told every so many buses.
_REPORT: Final = 256
# Branches times outages, three tables of 8 bytes each.
MOST_FACTORS: Final = 40_000_000
# Branches times outages looked at together.
BLOCK: Final = 200_000
# Rounding must not decide whether a branch is at the cut-off.
_ROUNDING: Final = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class _Answer:
    """Capacity, binding branch (-1: spare generation), its factor and outage."""

    capacity_mw: FloatArray
    branch: IntArray
    factor: FloatArray
    outage: IntArray

    def put(self, at: IntArray, other: _Answer) -> None:
        """Write the answers of some buses."""
        self.capacity_mw[at], self.branch[at] = other.capacity_mw, other.branch
        self.factor[at], self.outage[at] = other.factor, other.outage

    def take(self, at: IntArray) -> _Answer:
        """Return the answers of some buses."""
        return _Answer(
            self.capacity_mw[at], self.branch[at], self.factor[at], self.outage[at]
        )


def hosting_capacity(
    network: Network,
    buses: npt.ArrayLike | None = None,
    *,
    cutoff: float = 0.05,
    min_kv: float = 100.0,
    outages: Sequence[Any] = (),
    area: pd.Series[Any] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    r"""Find the largest new load each bus can take, one bus at a time.

    Use it as the first answer to "is there room on the grid here?". It is a
    screening figure from a DC power flow. **Not covered: voltage and reactive
    power, losses, stability, short-circuit currents, outages that are not listed, hours
    other than the base case, and other new loads.** Capacities of two buses do not
    add up. A utility's own study supersedes it.

    Parameters
    ----------
    network : Network
        The network, with committed loads already added
        (`Network.with_load`).
    buses : array_like, optional
        Labels of the buses to look at; all by default.
    cutoff : float, default 0.05
        Smallest transfer factor at which a branch counts [-]: a branch that
        takes less than this share of the new load is not held against it.
        State it wherever the figure is shown: with a low cut-off, one
        overloaded line far away sets every bus to 0.
    min_kv : float, default 100.0
        Buses of a lower nominal voltage are not looked at [kV], nor are those whose
        voltage is unknown; with 0 all are.
    outages : sequence of branch labels, optional
        Branches that drop out, one at a time; lines must hold after each as well.
    area : Series, optional
        Balancing area of each bus, keyed by bus label: new load is served from its
        own area. By default from its whole island.
    workers : int, default 1
        Threads that share the buses. The figures are the same bit for bit.
    progress : callable, optional
        Called with (buses done, buses in all) now and then.

    Returns
    -------
    ndarray of float, shape (n_buses asked for,)
        Capacity [MW], in the order asked for. NaN below ``min_kv`` or where it is not
        known whether the voltage reaches it, in islands
        without generation and where the area is unknown; 0 where no generation is
        spare or where the load would push an overloaded branch further.

    Raises
    ------
    LayerError
        If a bus or an outage is not in the network, or an outage splits an island.
    StudyError
        If ``cutoff`` is not in [0, 1], or ``workers`` is no count.

    Notes
    -----
    *Load case*: loads as given (`Network.with_loads_scaled` for another hour),
    generators of each island scaled by one factor to meet them (`dispatch`), except
    that an output below 0 stays as given; DC lines at their given transfer.

    *Balancing rule*: a new load is served by all generators of its island, or of
    its area there, pro rata to their spare output, ``p_max_mw - max(p, 0)`` and never
    below 0 (`spare_mw`). So the capacity is at most the sum of that spare output.

    *Lines*: with base flow :math:`f_l`, transfer factor :math:`t_l` (MW over
    branch l per MW of new load, with its sign) and rating :math:`r_l`, a
    branch with :math:`|t_l| \ge` ``cutoff`` allows

    .. math:: \max(0,\; r_l - f_l \operatorname{sign} t_l) \,/\, |t_l|

    and the smallest of these is the capacity. A branch that is overloaded in
    the base case is thereby held at its present flow: a load that pushes it
    further gets 0, a load that relieves it may do so, down to the rating of
    the other direction. Branches without a rating never bind. After an outage of
    branch k flows are :math:`f_l + d_{lk} f_k` and factors :math:`t_l + d_{lk} t_k`,
    with the outage factor :math:`d_{lk}` (`lodf_columns`), by the same rule.

    *What the rule leaves out*: spare output counts every generator up to its
    ``p_max_mw``, whether it runs or not, wind and sun included, so it answers
    for wires rather than for energy. A factor within 1e-9 of the cut-off
    counts.

    *How much hangs on the cut-off*: on the synthetic US network, cut-offs from
    1 to 10 % move the median by less than 2 % in each interconnection. At
    0.1 % eight overloaded lines set more than half of the East's buses to 0
    (the East by a sample of 2,000 buses).

    References
    ----------
    .. [1] A. J. Wood, B. F. Wollenberg, G. B. Sheblé, "Power Generation,
       Operation, and Control", 3rd ed., Wiley, 2013, ch. 7 (shift factors).

    Examples
    --------
    Bus 2 hangs on one line of 100 MW that already carries 80 MW.

    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, hosting_capacity
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    ... )
    >>> hosting_capacity(network)
    array([120.,  20.])
    """
    case = _case(network, buses, cutoff, min_kv, outages, area, workers)
    return _capacities(case, progress).capacity_mw


def hosting_table(
    network: Network,
    buses: npt.ArrayLike | None = None,
    *,
    cutoff: float = 0.05,
    min_kv: float = 100.0,
    outages: Sequence[Any] = (),
    area: pd.Series[Any] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Say for each bus how much new load it can take, and what stops more.

    Use it to explain a figure of `hosting_capacity`, whose rules it follows.

    Parameters
    ----------
    network, buses, cutoff, min_kv, outages, area, workers, progress
        As in `hosting_capacity`.

    Returns
    -------
    DataFrame
        Index ``bus``; ``hosting_capacity_mw`` [MW]; ``limited_by`` ("branch",
        "spare generation", or missing where the capacity is NaN); ``branch``
        (label of the binding branch, else missing); ``transfer_factor`` of the
        binding branch [MW/MW]; ``outage`` after which it binds (missing where that
        is the case without one).

    Raises
    ------
    LayerError
        If a bus is not in the network.
    StudyError
        If ``cutoff`` is not in [0, 1].

    See Also
    --------
    hosting_capacity : The rules, and what is not covered.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, hosting_table
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    ... )
    >>> hosting_table(network)["limited_by"].to_list()
    ['spare generation', 'branch']
    """
    case = _case(network, buses, cutoff, min_kv, outages, area, workers)
    where, answer = case.where, _capacities(case, progress)
    known = ~np.isnan(answer.capacity_mw)
    by_branch = answer.branch >= 0
    label = np.full(len(where), None, dtype=object)
    label[by_branch] = network.branch[answer.branch[by_branch]]
    lost = np.full(len(where), None, dtype=object)
    after = answer.outage >= 0
    lost[after] = network.branch[answer.outage[after]]
    reason = np.full(len(where), None, dtype=object)
    reason[known] = "spare generation"
    reason[by_branch] = "branch"
    return pd.DataFrame(
        {
            "hosting_capacity_mw": answer.capacity_mw,
            "limited_by": reason,
            "branch": label,
            "transfer_factor": answer.factor,
            "outage": lost,
        },
        index=pd.Index(network.bus[where], name="bus"),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Case:
    """What was asked, checked."""

    network: Network
    where: IntArray
    cutoff: float
    min_kv: float
    outage: IntArray
    area: IntArray
    workers: int


def _case(
    network: Network,
    buses: npt.ArrayLike | None,
    cutoff: float,
    min_kv: float,
    outages: Sequence[Any],
    area: pd.Series[Any] | None,
    workers: int,
) -> _Case:
    if not (_is_number(cutoff) and 0 <= cutoff <= 1):
        raise StudyError(
            four_parts(
                "`cutoff` is the smallest transfer factor at which a branch counts",
                f"found {cutoff!r}",
                "A transfer factor is a share, from 0 to 1",
                "Use the default, `cutoff=0.05`",
            )
        )
    if not _is_number(min_kv):
        raise StudyError(
            four_parts(
                "`min_kv` is the lowest voltage of the buses that are looked at",
                f"found {min_kv!r}",
                "A voltage is a number of kV",
                "Use the default, `min_kv=100.0`",
            )
        )
    given: Any = workers
    is_count = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not is_count or given < 1:
        raise StudyError(
            four_parts(
                "`workers` is the number of threads that share the buses",
                f"found {given!r}",
                "A whole number from 1",
                "Use the default, `workers=1`",
            )
        )
    where = np.arange(len(network.bus), dtype=np.int64)
    if buses is not None:
        where = network.positions(buses)
    return _Case(
        network,
        where,
        cutoff,
        min_kv,
        _lost(network, outages),
        _areas(network, area),
        int(workers),
    )


def _is_number(value: object) -> bool:
    kinds = int | float | np.integer | np.floating
    return isinstance(value, kinds) and not isinstance(value, bool)


def _lost(network: Network, outages: Sequence[Any]) -> IntArray:
    """Return the positions of the branches that drop out."""
    given: Any = () if outages is None else outages
    asked: pd.Index[Any] = pd.Index(
        [given] if isinstance(given, str) else list(given), tupleize_cols=False
    )
    if not len(asked):
        return np.empty(0, dtype=np.int64)
    at = branch_positions(
        network,
        asked,
        asking="Outages were asked for by label",
        call="outages=list(network.branch[:10])",
    )
    return np.unique(at)


def _areas(network: Network, area: pd.Series[Any] | None) -> IntArray:
    """Return the number of each bus's area, -1 where it is unknown."""
    if area is None:
        return np.zeros(len(network.bus), dtype=np.int64)
    given: Any = area
    found = None
    if isinstance(given, pd.Series) and given.index.is_unique:
        found = given.reindex(pd.Index(network.bus))
    if found is None or found.isna().all():
        raise LayerError(
            four_parts(
                "`area` says which area balances each bus",
                f"that is {type(given).__name__}"
                if not isinstance(given, pd.Series)
                else "its labels are no buses of the network, or repeated",
                "a Series of areas, keyed by bus label, each once",
                "area=buses.set_index('bus')['zone']",
            )
        )
    return np.asarray(pd.factorize(found, sort=False)[0], dtype=np.int64)


def _capacities(case: _Case, progress: Callable[[int, int], None] | None) -> _Answer:
    """Answer for bus positions; each bus is computed once."""
    network, size = case.network, len(case.network.bus)
    injection = base_injection(network)
    spare: FloatArray = np.bincount(
        network.generator_bus, spare_mw(network), size
    ).astype(np.float64)
    able = (network.p_max_mw > 0) | (network.p_mw > 0)
    has_generation = np.zeros(network.n_islands, dtype=np.bool_)
    has_generation[network.island[network.generator_bus[able]]] = True

    wanted = np.zeros(size, dtype=np.bool_)
    wanted[case.where] = True
    # An unknown voltage is not known to be high enough, unless any is.
    wanted &= (network.base_kv >= case.min_kv) | (case.min_kv <= 0)
    wanted &= has_generation[network.island]
    wanted &= ~np.isnan(injection) & (case.area >= 0)

    answer = _Answer(
        np.full(size, np.nan),
        np.full(size, -1, dtype=np.int64),
        np.full(size, np.nan),
        np.full(size, -1, dtype=np.int64),
    )
    total, done = int(wanted.sum()), 0
    numbers = np.unique(network.island[wanted])
    after = _after_outages(network, case.outage, numbers)
    for island in islands_of(network, numbers):
        flow = island.flows(island.angles(injection[island.bus]))
        check_conservation(network, island, injection[island.bus], flow)
        lines = _Lines(network, island, flow, after)
        of_area = case.area[island.bus]
        for area in np.unique(of_area[wanted[island.bus]]):
            mine = of_area == area
            targets = np.flatnonzero(wanted[island.bus] & mine)
            spare_here = np.where(mine, spare[island.bus], 0.0)
            if spare_here.sum() <= 0:
                answer.capacity_mw[island.bus[targets]] = 0.0
                done += len(targets)
                continue
            scan = _Scan(network, island, lines, spare_here, case.cutoff)
            batches = [
                targets[start : start + BATCH]
                for start in range(0, len(targets), BATCH)
            ]
            for batch, found in zip(
                batches, _each(scan.batch, batches, case.workers), strict=True
            ):
                answer.put(island.bus[batch], found)
                done += len(batch)
                if progress is not None and (
                    done // _REPORT != (done - len(batch)) // _REPORT or done == total
                ):
                    progress(done, total)
    return answer.take(case.where)


def _each(
    work: Callable[[IntArray], _Answer], batches: list[IntArray], workers: int
) -> Iterator[_Answer]:
    """Answer batch by batch, in order, by some threads at once."""
    if workers == 1:
        yield from map(work, batches)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(work, batches)


def _after_outages(
    network: Network, outage: IntArray, numbers: IntArray
) -> OutageFactors | None:
    """Return the factors of the outages in some islands."""
    here = outage[np.isin(network.island[network.from_bus[outage]], numbers)]
    if not here.size:
        return None
    if here.size * len(network.branch) > MOST_FACTORS:
        raise LayerError(
            four_parts(
                f"Capacities after {here.size:,} outages were asked for",
                f"with {len(network.branch):,} branches that is a table of "
                f"{8e-9 * here.size * len(network.branch):,.1f} GB",
                f"branches times outages up to {MOST_FACTORS:,}",
                "outages=[...] with those that matter, or network.around(buses)",
            )
        )
    factors, splits = outage_factors(network, here)
    if splits.any():
        raise LayerError(
            four_parts(
                "Capacities after outages were asked for",
                "the loss of "
                + shown(map(repr, network.branch[here[splits]].tolist()))
                + " splits its island",
                "branches after whose loss every bus is still connected",
                "leave these out of outages; what they cut off goes dark anyway",
            )
        )
    return factors


class _Lines:
    """The rated lines of one island, before and after outages."""

    def __init__(
        self,
        network: Network,
        island: Island,
        flow: FloatArray,
        after: OutageFactors | None,
    ) -> None:
        rating = network.rating_mw[island.branch]
        # A branch without a rating never binds and need not be looked at.
        self.rated = np.flatnonzero(np.isfinite(rating))
        self.start = island.from_bus[self.rated]
        self.end = island.to_bus[self.rated]
        self.susceptance = island.susceptance[self.rated]
        self.flow = flow[self.rated]
        self.rating = rating[self.rated]
        self.branch = island.branch[self.rated]
        self.lost = np.empty(0, dtype=np.int64)
        if after is None:
            return
        case = np.flatnonzero(np.isin(after.outage, island.branch))
        self.lost = np.searchsorted(island.branch, after.outage[case])
        self.lost_branch = after.outage[case]
        # By outage, so that one after another is looked at.
        self.moved = np.ascontiguousarray(after.of_branches(self.branch)[:, case].T)
        self.base = self.flow + self.moved * flow[self.lost][:, None]
        # The lost branch itself carries nothing.
        self.gone = pd.Index(self.branch).get_indexer(pd.Index(self.lost_branch))


class _Scan:
    """Closed-form capacities of the buses of one area, a batch at a time."""

    def __init__(
        self,
        network: Network,
        island: Island,
        lines: _Lines,
        spare: FloatArray,
        cutoff: float,
    ) -> None:
        self.island, self.lines = island, lines
        self.least = max(cutoff - _ROUNDING, _ROUNDING)
        self.total_spare = float(spare.sum())
        share = spare / self.total_spare
        self.served = island.angles(share)
        share[0] -= 1.0  # the ground takes it all
        check_conservation(network, island, share, island.flows(self.served))

    def batch(self, buses: IntArray) -> _Answer:
        """Answer for buses counted in the island."""
        count, lines = len(buses), self.lines
        unit = np.zeros((len(self.island.bus), count), order="F")
        unit[buses, np.arange(count)] = 1.0
        drawn = self.island.angles(unit)
        found = _Answer(
            np.full(count, self.total_spare),
            np.full(count, -1, dtype=np.int64),
            np.full(count, np.nan),
            np.full(count, -1, dtype=np.int64),
        )
        # One column at a time: vectors of one column stay in the cache.
        for k in range(count):
            angle = self.served - drawn[:, k]
            factor = lines.susceptance * (angle[lines.start] - angle[lines.end])
            self._bind(found, k, factor)
            self._after(found, k, factor, angle)
        return found

    def _after(
        self, found: _Answer, k: int, factor: FloatArray, angle: FloatArray
    ) -> None:
        """Lower a capacity to what the lines allow after each outage."""
        lines, island = self.lines, self.island
        lost = lines.lost
        own = island.susceptance[lost] * (
            angle[island.from_bus[lost]] - angle[island.to_bus[lost]]
        )
        step = max(1, BLOCK // max(1, factor.size))
        for at in range(0, lost.size, step):
            some = slice(at, at + step)
            after = lines.moved[some] * own[some, None]
            after += factor
            gone = lines.gone[some]
            after[np.flatnonzero(gone >= 0), gone[gone >= 0]] = 0.0
            case, near = np.nonzero(np.abs(after) >= self.least)
            if not near.size:
                continue
            push = after[case, near]
            base = lines.base[some][case, near]
            room = np.maximum(lines.rating[near] - np.sign(push) * base, 0.0)
            allowed = room / np.abs(push)
            first = int(allowed.argmin())
            if allowed[first] < found.capacity_mw[k]:
                found.capacity_mw[k] = allowed[first]
                found.branch[k] = lines.branch[near[first]]
                found.factor[k] = push[first]
                found.outage[k] = lines.lost_branch[at + case[first]]

    def _bind(self, found: _Answer, k: int, factor: FloatArray) -> None:
        """Lower a capacity to what the lines allow without an outage."""
        near = np.flatnonzero(np.abs(factor) >= self.least)
        if not len(near):
            return
        push = factor[near]
        flow, rating = self.lines.flow[near], self.lines.rating[near]
        room = np.maximum(rating - np.sign(push) * flow, 0.0)
        allowed = room / np.abs(push)
        first = int(allowed.argmin())
        if allowed[first] < found.capacity_mw[k]:
            found.capacity_mw[k] = allowed[first]
            found.branch[k] = self.lines.branch[near[first]]
            found.factor[k] = push[first]
