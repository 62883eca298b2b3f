"""DC power flow, transfer factors and outage factors.

The DC model keeps what limits the transport of energy over a transmission
network and drops the rest: voltages are 1 pu, lines have no losses, and the
flow over a branch is the difference of the two voltage angles over its
reactance [1]_. It says nothing about voltage, reactive power, stability or
short-circuit currents.

References
----------
.. [1] A. J. Wood, B. F. Wollenberg, G. B. Sheblé, "Power Generation, Operation,
   and Control", 3rd ed., Wiley, 2013, ch. 3 and 7.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import linalg as splinalg

from siteselect.errors import LayerError, SolverError, four_parts, shown
from siteselect.infrastructure.grid.kept import kept
from siteselect.infrastructure.grid.network import (
    BASE_MVA,
    FloatArray,
    IntArray,
    Network,
)

# Right-hand sides solved at once: few enough that they stay in the cache. On
# 70,000 buses 8 take 1.7 ms a bus, 64 take 4 ms.
BATCH: Final = 8
# On small networks more of them: 2,000 buses take 46 ms by 32, 53 ms by 128.
MOST_BATCH: Final = 32
CACHED: Final = 250_000
# Share of an island's total injection by which a bus may miss its balance.
_CONSERVATION: Final = 1e-9
# Share left for other paths below which a branch is its island's only link.
BRIDGE: Final = 1e-8


@dataclasses.dataclass(frozen=True, eq=False)
class Flow:
    """A solved DC power flow.

    Parameters
    ----------
    injection_mw : ndarray, shape (n_buses,)
        Generation minus load, DC lines counted [MW].
    angle_rad : ndarray, shape (n_buses,)
        Voltage angle [rad]; 0 at one bus of each island.
    flow_mw : ndarray, shape (n_branches,)
        Flow from ``from_bus`` to ``to_bus`` [MW].

    All are NaN in an island that could not be balanced.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, dc_flow
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    ... )
    >>> dc_flow(network).flow_mw.round(6).tolist()
    [80.0]
    """

    injection_mw: FloatArray
    angle_rad: FloatArray
    flow_mw: FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class Island:
    """One AC island, grounded at one bus and factorised.

    Parameters
    ----------
    bus : ndarray of int
        Positions of its buses in the network; the first is the ground (angle 0).
    branch : ndarray of int
        Positions of its branches in the network.
    from_bus, to_bus : ndarray of int
        Ends of its branches, counted within the island.
    susceptance : ndarray of float
        MW over the branch per unit of (scaled) angle.
    factor : SuperLU or None
        Factorised nodal matrix without the ground; None for a single bus.
    """

    bus: IntArray
    branch: IntArray
    from_bus: IntArray
    to_bus: IntArray
    susceptance: FloatArray
    factor: Any

    def angles(self, injection: FloatArray) -> FloatArray:
        """Angles [rad x 100 MVA] of injections [MW], shape (n_buses, k)."""
        angle = np.zeros(injection.shape, order="F")
        if self.factor is None:
            return angle
        if injection.ndim == 1:
            angle[1:] = self.factor.solve(injection[1:])
            return angle
        at_once = self.at_once
        for first in range(0, injection.shape[1], at_once):
            some = slice(first, first + at_once)
            angle[1:, some] = self.factor.solve(np.asfortranarray(injection[1:, some]))
        return angle

    @property
    def at_once(self) -> int:
        """Number of right-hand sides that are solved together."""
        return max(BATCH, min(MOST_BATCH, CACHED // max(1, len(self.bus))))

    def responses(self) -> FloatArray:
        """Angles [rad x 100 MVA] of 1 MW at each bus, a row for each, symmetric."""
        size = len(self.bus)
        out = np.zeros((size, size))
        if self.factor is None:
            return out
        apart = self._apart()
        solved = np.flatnonzero(~apart)[1:]
        for first in range(0, solved.size, self.at_once):
            some = solved[first : first + self.at_once]
            unit = np.zeros((size - 1, some.size), order="F")
            unit[some - 1, np.arange(some.size)] = 1.0
            out[some, 1:] = self.factor.solve(unit).T
        # The balance of a bus gives its row from those of its neighbours: their mean,
        # weighted by susceptance, and 1 MW of its own.
        own = np.flatnonzero(apart)
        ends = np.concatenate([self.from_bus, self.to_bus])
        others = np.concatenate([self.to_bus, self.from_bus])
        weight = np.concatenate([self.susceptance, self.susceptance])
        total = np.bincount(ends, weight, size)
        mine = np.flatnonzero(apart[ends])
        row = np.searchsorted(own, ends[mine])
        mean = sparse.csr_array(
            (weight[mine] / total[ends[mine]], (row, others[mine])),
            shape=(own.size, size),
        )
        for first in range(0, own.size, self.at_once):
            last = first + self.at_once
            out[own[first:last]] = mean[first:last] @ out
        out[own, own] += 1.0 / total[own]
        return out

    def _apart(self) -> npt.NDArray[np.bool_]:
        """Return many buses of which no two are neighbours, the ground not among them.

        All their branches have a reactance above 0. Those of few neighbours come first.
        """
        size = len(self.bus)
        start, end = self.from_bus, self.to_bus
        degree = np.bincount(start, minlength=size) + np.bincount(end, minlength=size)
        order = np.empty(size, dtype=np.int64)
        order[np.argsort(degree, kind="stable")] = np.arange(size)
        open_ = degree > 0
        open_[0] = False
        open_[start[self.susceptance <= 0]] = False
        open_[end[self.susceptance <= 0]] = False
        # A branch from a bus to itself moves nothing, but would be a neighbour.
        open_[start[start == end]] = False
        apart = np.zeros(size, dtype=np.bool_)
        while open_.any():
            rank = np.where(open_, order, size)
            first = np.full(size, size)
            np.minimum.at(first, start, rank[end])
            np.minimum.at(first, end, rank[start])
            chosen = open_ & (rank < first)
            apart |= chosen
            open_ &= ~chosen
            open_[end[chosen[start]]] = False
            open_[start[chosen[end]]] = False
        return apart

    def flows(self, angle: FloatArray) -> FloatArray:
        """Flow [MW] over the branches for angles, shape (n_branches, k)."""
        if angle.ndim == 1:
            across = angle[self.from_bus] - angle[self.to_bus]
            return np.asarray(across * self.susceptance, dtype=np.float64)
        flow = np.empty((len(self.from_bus), angle.shape[1]), order="F")
        # One column at a time: vectors of one column stay in the cache.
        for k in range(angle.shape[1]):
            one = angle[:, k]
            flow[:, k] = self.susceptance * (one[self.from_bus] - one[self.to_bus])
        return flow


def islands_of(network: Network, numbers: IntArray | None = None) -> list[Island]:
    """Cut a network into its AC islands and factorise each.

    Parameters
    ----------
    network : Network
        The network.
    numbers : ndarray of int, optional
        Island numbers to take; all by default.

    Returns
    -------
    list of Island
        In the order of ``numbers``.

    Raises
    ------
    SolverError
        If the nodal matrix of an island is singular, which only negative
        reactances can bring about.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> from siteselect.infrastructure.grid.flow import islands_of
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [200.0]}),
    ... )
    >>> [island.bus for island in islands_of(network)]
    [array([0, 1]), array([2])]
    """
    wanted = np.arange(network.n_islands) if numbers is None else numbers
    places = _Places(network)
    no_islands: dict[int, Island] = {}
    known = kept(network, "islands", (), lambda: no_islands)
    for k in wanted.tolist():
        if k not in known:
            known[k] = _factorise(network, places, k)
    return [known[k] for k in wanted.tolist()]


class _Places:
    """Which buses and branches are in which island, sorted when first asked for."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @cached_property
    def _sorted(self) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
        network = self.network
        numbers = np.arange(network.n_islands + 1)
        bus_order = np.argsort(network.island, kind="stable")
        bus_start = np.searchsorted(network.island[bus_order], numbers)
        branch_island = network.island[network.from_bus]
        branch_order = np.argsort(branch_island, kind="stable")
        branch_start = np.searchsorted(branch_island[branch_order], numbers)
        local = np.empty(len(network.bus), dtype=np.int64)
        local[bus_order] = np.arange(len(network.bus)) - np.repeat(
            bus_start[:-1], np.diff(bus_start)
        )
        return bus_order, bus_start, branch_order, branch_start, local

    def of(self, k: int) -> tuple[IntArray, IntArray, IntArray]:
        """Return buses and branches of an island, and each bus's place in its own."""
        bus_order, bus_start, branch_order, branch_start, local = self._sorted
        return (
            bus_order[bus_start[k] : bus_start[k + 1]],
            branch_order[branch_start[k] : branch_start[k + 1]],
            local,
        )


def _factorise(network: Network, places: _Places, number: int) -> Island:
    bus, branch, local = places.of(number)
    start, end = local[network.from_bus[branch]], local[network.to_bus[branch]]
    susceptance = 1.0 / network.x_pu[branch]
    factor = None
    if len(bus) > 1:
        size = len(bus)
        matrix = sparse.coo_array(
            (
                np.concatenate([susceptance, susceptance, -susceptance, -susceptance]),
                (
                    np.concatenate([start, end, start, end]),
                    np.concatenate([start, end, end, start]),
                ),
            ),
            shape=(size, size),
        ).tocsc()[1:, 1:]
        try:
            factor = splinalg.splu(
                matrix.tocsc(),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.01,
                options={"SymmetricMode": True},
            )
        except RuntimeError as error:
            raise SolverError(
                four_parts(
                    "The DC power flow needs an island with one solution",
                    f"the nodal matrix of the island of bus {network.bus[bus[0]]!r} "
                    f"({size:,} buses) is singular",
                    "Reactances of parallel or series branches must not cancel",
                    "Look for negative `x_pu` in `grid_branches`",
                )
            ) from error
    return Island(bus, branch, start, end, susceptance, factor)


def dispatch(network: Network) -> FloatArray:
    """Scale the generators of each island so that they meet its load.

    Use it to see the base case that flows and hosting capacities start from.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    ndarray, shape (n_generators,)
        Output [MW]. One of ``p_mw`` below 0 (storage that charges, a pump) draws
        what it is given to draw and is not scaled. All others: ``p_mw`` times the
        load that is to be met over their total ``p_mw`` in the island; DC lines
        count as load and infeed, what the negative ones draw as load. Where none of
        them runs, they share that load pro rata to ``p_max_mw``. NaN where an island
        has load, but nothing to meet it, or takes in more than its load over DC
        lines. A generator may end above ``p_max_mw``; it then has no spare
        output.

    Examples
    --------
    >>> import dataclasses
    >>> import numpy as np, pandas as pd
    >>> from siteselect.infrastructure.grid import Network, dispatch
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1, 2], "p_mw": [80.0, 20.0], "p_max_mw": 200.0}),
    ... )
    >>> dispatch(network)
    array([72., 18.])

    A pump that draws 10 MW goes on drawing them:

    >>> pumping = dataclasses.replace(network, p_mw=np.array([80.0, -10.0]))
    >>> dispatch(pumping)
    array([100., -10.])
    """
    count = network.n_islands
    of_generator = network.island[network.generator_bus]
    # Scaled with the others, an output below 0 would make the total pass through 0,
    # and so ever larger outputs meet the same load.
    draws = network.p_mw < 0
    drawn = np.bincount(of_generator, np.where(draws, -network.p_mw, 0.0), count)
    load = np.bincount(network.island, network.net_load_mw, count) + drawn
    made = np.where(draws, 0.0, network.p_mw)
    able = np.where(draws, 0.0, network.p_max_mw)
    running = np.bincount(of_generator, made, count)
    largest = np.bincount(of_generator, able, count)
    runs = running > 0
    basis = np.where(runs[of_generator], made, able)
    total = np.where(runs, running, largest)
    # The rounding of a sum of loads and infeeds that cancel.
    still = np.abs(load) <= _CONSERVATION * (
        np.bincount(network.island, np.abs(network.net_load_mw), count) + drawn
    )
    scale = np.full(count, np.nan)
    scale[still] = 0.0
    served = (total > 0) & (load > 0) & ~still
    scale[served] = load[served] / total[served]
    output = basis * scale[of_generator]
    stays = draws & ~np.isnan(output)
    return np.asarray(np.where(stays, network.p_mw, output), dtype=np.float64)


def spare_mw(network: Network) -> FloatArray:
    """Output that each generator can add to the scaled base case [MW].

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    ndarray, shape (n_generators,)
        ``p_max_mw`` minus the scaled output, never below 0 [MW]. One that draws
        can add ``p_max_mw``: that it could stop drawing is not counted.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, spare_mw
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1, 2], "p_mw": [80.0, 20.0], "p_max_mw": 200.0}),
    ... )
    >>> spare_mw(network)
    array([128., 182.])
    """
    output = np.maximum(dispatch(network), 0.0)
    return np.maximum(network.p_max_mw - output, 0.0)


def base_injection(network: Network) -> FloatArray:
    """Take the base case as generation minus load at each bus [MW].

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    ndarray, shape (n_buses,)
        Injection [MW]; NaN throughout an island that cannot be balanced.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> from siteselect.infrastructure.grid.flow import base_injection
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": 200.0}),
    ... )
    >>> base_injection(network)
    array([ 90., -90.])
    """
    size = len(network.bus)
    output = np.bincount(network.generator_bus, dispatch(network), size)
    injection = output - network.net_load_mw
    total = np.bincount(network.island, injection, network.n_islands)
    scale = np.bincount(network.island, np.abs(injection), network.n_islands)
    # NaN from an unserved island, or a remainder where it has no generator.
    balanced = np.abs(total) <= _CONSERVATION * scale + 1e-9
    return np.where(balanced[network.island], injection, np.nan)


def dc_flow(network: Network, injection_mw: npt.ArrayLike | None = None) -> Flow:
    r"""Solve the DC power flow of every island.

    Use it to look at a base case, or at the flows of injections of your own.

    Parameters
    ----------
    network : Network
        The network.
    injection_mw : array_like, shape (n_buses,), optional
        Generation minus load at each bus [MW], balanced within each island.
        By default the base case: the loads, and the generators scaled to meet
        them (`dispatch`).

    Returns
    -------
    Flow
        Injections, angles and flows. NaN in islands that have load but no
        generation; these carry no meaningful flow.

    Raises
    ------
    LayerError
        If ``injection_mw`` has the wrong length, or an island's sum is not 0.
    SolverError
        If the nodal matrix is singular, or the flows do not conserve power at
        every bus (checked after each solve).

    Notes
    -----
    With the nodal matrix :math:`B`, injections :math:`p` and angles
    :math:`\theta`: :math:`B \theta = p`, and a branch of reactance :math:`x`
    from i to j carries :math:`(\theta_i - \theta_j) / x`.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, dc_flow
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0,
    ...                   "load_mw": [0.0, 0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a", "b", "c"], "from_bus": [1, 2, 1],
    ...                   "to_bus": [2, 3, 3], "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [90.0], "p_max_mw": [200.0]}),
    ... )
    >>> dc_flow(network).flow_mw.round(6)
    array([30., 30., 60.])
    """
    if injection_mw is None:
        injection = base_injection(network)
    else:
        injection = np.asarray(injection_mw, dtype=np.float64)
        _check_injection(network, injection)
    angle = np.full(len(network.bus), np.nan)
    flow = np.full(len(network.branch), np.nan)
    solvable = np.ones(network.n_islands, dtype=np.bool_)
    solvable[network.island[np.isnan(injection)]] = False
    for island in islands_of(network, np.flatnonzero(solvable)):
        angle[island.bus] = island.angles(injection[island.bus])
        flow[island.branch] = island.flows(angle[island.bus])
        check_conservation(network, island, injection[island.bus], flow[island.branch])
    return Flow(injection, angle / BASE_MVA, flow)


def ptdf_columns(network: Network, buses: npt.ArrayLike) -> FloatArray:
    """Find how much of a new load at each bus flows over each branch.

    Use it to add up the flows of several sites, or to see which branches a
    site leans on.

    Parameters
    ----------
    network : Network
        The network.
    buses : array_like, shape (k,)
        Labels of the buses that take the load.

    Returns
    -------
    ndarray, shape (n_branches, k)
        Change of the flow from ``from_bus`` to ``to_bus`` per MW of new load at
        the bus [MW/MW], the load being served by the generators of its island
        pro rata to their spare output (`spare_mw`). 0 in other islands; NaN
        throughout a column whose island has no spare generation.

    Raises
    ------
    LayerError
        If a bus is not in the network.

    See Also
    --------
    hosting_capacity : The largest new load of each bus, from these factors.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, ptdf_columns
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0,
    ...                   "load_mw": [0.0, 0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a", "b", "c"], "from_bus": [1, 2, 1],
    ...                   "to_bus": [2, 3, 3], "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [90.0], "p_max_mw": [200.0]}),
    ... )
    >>> ptdf_columns(network, [2]).round(3)
    array([[ 0.667],
           [-0.333],
           [ 0.333]])
    """
    return ptdf_at(network, network.positions(buses))


def ptdf_at(
    network: Network, where: IntArray, responses: Mapping[int, FloatArray] | None = None
) -> FloatArray:
    """Return `ptdf_columns` of buses by position.

    ``responses`` are those of whole islands (`Island.responses`), by number, where
    they are known: nothing is solved for the buses there.
    """
    spare = np.bincount(network.generator_bus, spare_mw(network), len(network.bus))
    by_bus = np.zeros((len(where), len(network.branch)))
    numbers = np.unique(network.island[where])
    for number, island in zip(numbers, islands_of(network, numbers), strict=True):
        rows = np.flatnonzero(network.island[where] == number)
        total = spare[island.bus].sum()
        if not total > 0:
            by_bus[rows] = np.nan
            continue
        served = spare[island.bus] / total
        at = np.searchsorted(island.bus, where[rows])
        if responses is not None and number in responses:
            each = responses[number]
            common = island.flows(island.angles(served))
            # Of a network of one island every branch, in order.
            whole = len(island.branch) == len(network.branch)
            branch = slice(None) if whole else island.branch
            for row, own in zip(rows.tolist(), at.tolist(), strict=True):
                by_bus[row, branch] = common - island.flows(each[own])
            continue
        injection = np.tile(served[:, None], len(rows))
        injection[at, np.arange(len(rows))] -= 1.0
        by_bus[np.ix_(rows, island.branch)] = island.flows(island.angles(injection)).T
    return by_bus.T


def lodf_columns(network: Network, branches: npt.ArrayLike) -> FloatArray:
    """Find where the flow of a branch goes when it drops out.

    Use it to check flows after outages: the flow over branch l after the
    outage of k is ``flow[l] + lodf[l, k] * flow[k]``.

    Parameters
    ----------
    network : Network
        The network.
    branches : array_like, shape (k,)
        Labels of the branches that drop out, one at a time.

    Returns
    -------
    ndarray, shape (n_branches, k)
        Change of the flow per MW that the lost branch carried [MW/MW]; -1 at
        the branch itself, 0 in other islands. NaN throughout a column whose
        outage would cut its island in two.

    Raises
    ------
    LayerError
        If a branch is not in the network.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, lodf_columns
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0,
    ...                   "load_mw": [0.0, 0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a", "b", "c"], "from_bus": [1, 2, 1],
    ...                   "to_bus": [2, 3, 3], "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [90.0], "p_max_mw": [200.0]}),
    ... )
    >>> lodf_columns(network, ["c"]).round(3)
    array([[ 1.],
           [ 1.],
           [-1.]])
    """
    wanted = np.atleast_1d(np.asarray(branches))
    where = pd.Index(network.branch).get_indexer(pd.Index(wanted))
    if (where < 0).any():
        raise LayerError(
            four_parts(
                "Branches were asked for by label",
                f"not in the network: {shown(wanted[where < 0])}",
                f"it has {len(network.branch):,} branches",
                "Pass labels from the column `branch` of `grid_branches`",
            )
        )
    factors = np.zeros((len(network.branch), len(where)))
    number_of = network.island[network.from_bus[where]]
    numbers = np.unique(number_of)
    for number, island in zip(numbers, islands_of(network, numbers), strict=True):
        columns = np.flatnonzero(number_of == number)
        lost = np.searchsorted(island.branch, where[columns])
        across = np.arange(len(columns))
        injection = np.zeros((len(island.bus), len(columns)))
        injection[island.from_bus[lost], across] = 1.0
        injection[island.to_bus[lost], across] = -1.0
        # Share of a transfer between the ends that each branch carries; the
        # lost branch's own share must move to the rest.
        share = island.flows(island.angles(injection))
        elsewhere = 1.0 - share[lost, across]
        bridge = np.abs(elsewhere) < BRIDGE
        moved = share / np.where(bridge, np.nan, elsewhere)
        moved[lost, across] = np.where(bridge, np.nan, -1.0)
        factors[np.ix_(island.branch, columns)] = moved
        factors[:, columns[bridge]] = np.nan
    return factors


def _check_injection(network: Network, injection: FloatArray) -> None:
    if injection.shape != network.bus.shape or np.isinf(injection).any():
        raise LayerError(
            four_parts(
                f"`dc_flow` needs one finite injection per bus, {len(network.bus):,}",
                f"shape {injection.shape}, {np.isinf(injection).sum()} infinite",
                "Injections are in MW, in the order of `network.bus`",
                "Build them with `np.zeros(len(network.bus))`",
            )
        )
    total = np.bincount(network.island, injection, network.n_islands)
    scale = np.bincount(network.island, np.abs(injection), network.n_islands)
    wrong = np.flatnonzero(np.abs(total) > 1e-6 * scale + 1e-6)
    if len(wrong):
        first = network.bus[network.island == wrong[0]][0]
        raise LayerError(
            four_parts(
                "`dc_flow` needs injections that sum to 0 within each island",
                f"{len(wrong):,} islands do not, such as that of bus {first!r} "
                f"with {total[wrong[0]]:.6g} MW",
                "A DC flow has no losses and no slack that pays for a difference",
                "Spread the difference over generators of the island",
            )
        )


def check_conservation(
    network: Network, island: Island, injection: FloatArray, flow: FloatArray
) -> None:
    """Raise unless what flows into each bus also flows out.

    Parameters
    ----------
    network : Network
        The network, for the labels in the message.
    island : Island
        The island that was solved.
    injection : ndarray, shape (n_buses of the island,)
        Injections [MW].
    flow : ndarray, shape (n_branches of the island,)
        Flows [MW].

    Raises
    ------
    SolverError
        If a bus misses its balance by more than 1e-6 of the injections' sum.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> from siteselect.infrastructure.grid.flow import check_conservation, islands_of
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [200.0]}),
    ... )
    >>> [island] = islands_of(network)
    >>> check_conservation(network, island, np.array([5.0, -5.0]), np.array([5.0]))
    """
    size = len(island.bus)
    out = np.bincount(island.from_bus, flow, size) - np.bincount(
        island.to_bus, flow, size
    )
    miss = np.abs(out - injection)
    if miss.max(initial=0.0) > 1e-7 * np.abs(injection).sum() + 1e-6:
        worst = np.argsort(-miss)[:5]
        raise SolverError(
            four_parts(
                "A DC power flow conserves power at every bus",
                f"bus {shown(network.bus[island.bus[worst]])} misses up to "
                f"{miss.max():.3g} MW",
                "Reactances of very different size lose digits",
                "Look for extreme `x_pu` in `grid_branches`",
            )
        )
