"""What flows when loads are put on a network: solved anew, by other code.

`flow` and `hosting` answer by factors that are worked out once. Here the loads are
put in and the flow is solved, and after an outage the branch is taken out and the
flow is solved again. It shares no code with those modules, so that a plan can be
checked by it.

DC only: voltage, reactive power, losses, stability and short-circuit currents are
not covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse import linalg as splinalg

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid.network import FloatArray, IntArray, Network

Mask = npt.NDArray[np.bool_]

# Up to this many buses times outages, every outage is solved without its branch;
# above, all by a change of one branch in the solved network (Woodbury), and then
# those that load a line most without it.
_ALL_ANEW: Final = 100_000
# So many outages at most are then solved without their branch.
_SOME_ANEW: Final = 40
#: Digits of a fill: outages of lines in series fill others equally but for rounding.
FILL_DIGITS: Final = 7
# Rounding must not decide whether a share is at the cut-off.
_ROUNDING: Final = 1e-9


def applied_flows(
    network: Network,
    load_mw: Mapping[Any, float],
    *,
    outages: Sequence[Any] = (),
    cutoff: float = 0.05,
    upgrades: Mapping[Any, float] | None = None,
    relief: bool = True,
) -> pd.DataFrame:
    r"""Put loads on a network and say how full each line is, also after outages.

    Use it to check a set of sites, or to see which lines they lean on. DC only:
    voltage, reactive power, losses, stability and short circuit are not covered.

    Parameters
    ----------
    network : Network
        The network, with committed loads already added.
    load_mw : mapping of bus label to float
        New load [MW].
    outages : sequence of branch labels
        Branches that drop out, one at a time.
    cutoff : float, default 0.05
        Smallest transfer factor, in size, at which a load counts for a line [-].
    upgrades : mapping of branch label to float, optional
        By how much branches are strengthened [MW].
    relief : bool, default True
        Whether a load that draws power off a line makes room on it for others. A load
        with plants of its own draws nothing at times: False counts, in each direction,
        those loads alone that push.

    Returns
    -------
    DataFrame
        One row per branch of the islands concerned, index ``branch``:

        ``from_bus``, ``to_bus``, ``rating_mw``, ``upgrade_mw``
            As in the network, and what is added [MW]; ``inf`` without a rating.
        ``flow_before_mw``, ``flow_after_mw``
            Flow without and with all of the loads, no outage [MW].
        ``loading``
            ``|flow_after_mw|`` over rating and upgrade [-].
        ``worst_outage``
            The case in which the loads that count fill the line most: a branch, or
            missing where it is the one without an outage, or where none counts.
        ``used_mw``, ``allowed_mw``
            In that case, in the direction in which they push: the base flow and
            what counts; the rating or the base flow, whichever is greater, and the
            upgrade [MW].
        ``fill``
            ``used_mw / allowed_mw`` [-]; NaN where no load counts.

    Raises
    ------
    LayerError
        If a bus or an outage is not in the network, an outage splits an island,
        or an island with new load cannot be balanced.

    Notes
    -----
    The base case and the balancing rule are those of `hosting_capacity`: the
    generators of an island are scaled by one factor to meet its load, those with an
    output below 0 stay as they are and count as load, and new load is served by all
    of them pro rata to ``p_max_mw - max(p, 0)``, never below 0. A load counts
    for a line where its transfer factor in the case at hand (that after the outage,
    after an outage) is at least ``cutoff`` in size. A strengthened line keeps its
    reactance: flows divide as before. An overload that is there already stays; an
    upgrade carries what comes on top of it.

    After an outage the network is solved without the branch; on networks of more
    than 100,000 buses times outages, only the 40 outages that fill lines most, and
    the others by the change that one branch makes in the solved network [1]_.

    References
    ----------
    .. [1] W. W. Hager, "Updating the inverse of a matrix", SIAM Review 31 (1989)
       221-239, doi:10.1137/1031049 (the Sherman-Morrison formula).

    Examples
    --------
    Bus 2 hangs on one line of 100 MW that already carries 80 MW.

    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, applied_flows
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    ... )
    >>> found = applied_flows(network, {2: 30.0})
    >>> found[["flow_before_mw", "flow_after_mw", "fill"]].round(3).values.tolist()
    [[80.0, 110.0, 1.1]]
    """
    loads = {bus: float(mw) for bus, mw in load_mw.items() if mw != 0}
    labels = list(loads)
    part = network.around(np.asarray(labels, dtype=object)) if labels else network
    where = _positions(part.bus, labels, "bus")
    mw = np.array([loads[b] for b in labels], dtype=np.float64)
    lost = _positions(network.branch, outages, "branch")
    here = pd.Index(part.branch).get_indexer(pd.Index(network.branch[lost]))
    cases = here[here >= 0].astype(np.int64)
    more = np.zeros(len(part.branch))
    stronger = list(upgrades or {})
    _positions(network.branch, stronger, "branch")
    at = pd.Index(part.branch).get_indexer(pd.Index(stronger)) if stronger else []
    for k, label in zip(at, stronger, strict=True):
        if k >= 0:
            more[k] = float((upgrades or {})[label])
    right = _right_hand_sides(part, where)
    solved = _Solved(part, right)
    table = pd.DataFrame(
        {
            "from_bus": part.bus[part.from_bus],
            "to_bus": part.bus[part.to_bus],
            "rating_mw": part.rating_mw,
            "upgrade_mw": more,
            "flow_before_mw": solved.flow[:, 0],
            "flow_after_mw": solved.flow[:, 0] + solved.flow[:, 1:] @ mw,
        },
        index=pd.Index(part.branch, name="branch"),
    )
    table["loading"] = table["flow_after_mw"].abs() / (part.rating_mw + more)
    worst = _Worst(part, mw, cutoff, more, relief)
    worst.see(-1, solved.flow)
    if len(part.bus) * cases.size <= _ALL_ANEW:
        for k in cases:
            worst.see(int(k), _without(part, int(k), right))
    else:
        for line, case, flow in solved.after_each(cases, worst):
            worst.see_pairs(line, case, flow)
        again = worst.fullest(_SOME_ANEW)
        worst.forget(again)
        for k in again:
            worst.see(k, _without(part, k, right))
    outage = np.full(len(part.branch), None, dtype=object)
    known = worst.case >= 0
    outage[known] = part.branch[worst.case[known]]
    table["worst_outage"] = pd.Series(outage, table.index, dtype=object)
    table["used_mw"], table["allowed_mw"] = worst.used, worst.allowed
    table["fill"] = worst.used / worst.allowed
    return table


def spare_by_island(network: Network, buses: Sequence[Any]) -> pd.DataFrame:
    """Add up the spare output of the islands that hold some buses.

    Parameters
    ----------
    network : Network
        The network.
    buses : sequence of bus labels
        Buses.

    Returns
    -------
    DataFrame
        One row per bus: ``island`` (the label of its first bus) and ``spare_mw``
        of the whole island [MW].

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> from siteselect.infrastructure.grid.applied import spare_by_island
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    ... )
    >>> spare_by_island(network, [2])["spare_mw"].tolist()
    [120.0]
    """
    output = _output(network)
    spare = _spare(network, output)
    of_generator = network.island[network.generator_bus]
    rows = []
    for number in network.island[_positions(network.bus, buses, "bus")]:
        first = network.bus[np.flatnonzero(network.island == number)[0]]
        rows.append((first, float(spare[of_generator == number].sum())))
    return pd.DataFrame(rows, columns=["island", "spare_mw"], index=list(buses))


def _positions(labels: npt.NDArray[Any], wanted: Sequence[Any], what: str) -> IntArray:
    """Return where labels are, or name those that are not there."""
    if not len(wanted):
        return np.empty(0, dtype=np.int64)
    asked = pd.Index(list(wanted), tupleize_cols=False)
    found = pd.Index(labels).get_indexer(asked)
    if (found < 0).any():
        lost = asked[found < 0]
        near = nearest_name(str(lost[0]), [str(x) for x in labels[:5000]])
        raise LayerError(
            four_parts(
                f"The {what} {shown(map(repr, lost))} was asked for",
                f"the network has {len(labels):,} and not this one{near}",
                f"labels such as {shown(labels[:3])}",
                f"look it up in network.{what}",
            )
        )
    return np.asarray(found, dtype=np.int64)


def _output(network: Network) -> FloatArray:
    """Scale the generators of each island to its load; NaN where that cannot be.

    Those that draw are left as they are, and what they draw is load.
    """
    demand = network.load_mw.astype(np.float64).copy()
    for k in range(len(network.dc_mw)):
        demand[network.dc_from[k]] += network.dc_mw[k]
        demand[network.dc_to[k]] -= network.dc_mw[k]
    output = np.full(len(network.p_mw), np.nan)
    of_generator = network.island[network.generator_bus]
    for number in np.unique(network.island):
        inside = network.island == number
        mine = of_generator == number
        draws, makes = mine & (network.p_mw < 0), mine & (network.p_mw >= 0)
        drawn = -float(network.p_mw[draws].sum())
        need = float(demand[inside].sum()) + drawn
        base = network.p_mw[makes] if network.p_mw[makes].sum() > 0 else None
        base = network.p_max_mw[makes] if base is None else base
        if abs(need) <= 1e-9 * (float(np.abs(demand[inside]).sum()) + drawn):
            output[makes] = 0.0
        elif need > 0 and base.sum() > 0:
            output[makes] = base * (need / base.sum())
        else:
            continue
        output[draws] = network.p_mw[draws]
    return output


def _spare(network: Network, output: FloatArray) -> FloatArray:
    """Return what generators can add; to stop drawing is no output."""
    made = np.where(output < 0, 0.0, output)
    return np.clip(network.p_max_mw - made, 0.0, None)


def _right_hand_sides(network: Network, where: IntArray) -> FloatArray:
    """Injections of the base case, then of 1 MW more at each of some buses."""
    size = len(network.bus)
    output = _output(network)
    out = np.zeros((size, 1 + where.size))
    np.subtract.at(out[:, 0], np.arange(size), network.load_mw)
    np.subtract.at(out[:, 0], network.dc_from, network.dc_mw)
    np.add.at(out[:, 0], network.dc_to, network.dc_mw)
    np.add.at(out[:, 0], network.generator_bus, output)
    of_generator = network.island[network.generator_bus]
    for j, bus in enumerate(where, start=1):
        mine = of_generator == network.island[bus]
        spare = _spare(network, output)[mine]
        if not spare.sum() > 0:
            raise LayerError(
                four_parts(
                    f"New load was put on bus {network.bus[bus]!r}",
                    "its island has no spare generation, or cannot be balanced",
                    "buses of an island with generation that meets its load",
                    "network.with_load(...) without that bus",
                )
            )
        np.add.at(out[:, j], network.generator_bus[mine], spare / spare.sum())
        out[bus, j] -= 1.0
    # Islands that cannot be balanced carry no meaningful flow.
    for number in np.unique(network.island):
        inside = network.island == number
        total = float(out[inside, 0].sum())
        if not abs(total) <= 1e-9 * float(np.abs(out[inside, 0]).sum()) + 1e-9:
            out[inside, 0] = np.nan
    return out


class _Solved:
    """Flows of some injections, and what the loss of one branch changes."""

    def __init__(
        self, network: Network, right: FloatArray, alive: Mask | None = None
    ) -> None:
        self.network = network
        n, m = len(network.bus), len(network.branch)
        self.alive = np.ones(m, dtype=np.bool_) if alive is None else alive
        row = np.arange(m)
        self.ends = sparse.csr_array(
            (
                np.concatenate([np.ones(m), -np.ones(m)]),
                (
                    np.concatenate([row, row]),
                    np.concatenate([network.from_bus, network.to_bus]),
                ),
            ),
            shape=(m, n),
        )
        self.weight = np.where(self.alive, 1.0 / network.x_pu, 0.0)
        links = sparse.coo_array(
            (
                np.ones(int(self.alive.sum())),
                (network.from_bus[self.alive], network.to_bus[self.alive]),
            ),
            shape=(n, n),
        )
        _, self.part = csgraph.connected_components(links.tocsr(), directed=False)
        # One bus of each part stands still.
        _, still = np.unique(self.part, return_index=True)
        self.moving = np.setdiff1d(np.arange(n), still)
        nodal = self.ends.T @ sparse.diags_array(self.weight) @ self.ends
        inner = sparse.csc_array(sparse.csr_array(nodal)[self.moving][:, self.moving])
        self.factor = splinalg.splu(inner) if self.moving.size else None
        self.unknown = np.isnan(right[:, 0])
        self.flow = self.flows(self.angles(np.nan_to_num(right)))
        self.flow[self.unknown[network.from_bus], 0] = np.nan

    def angles(self, right: FloatArray) -> FloatArray:
        angle = np.zeros(right.shape)
        if self.factor is not None:
            angle[self.moving] = self.factor.solve(
                np.ascontiguousarray(right[self.moving])
            )
        return angle

    def flows(self, angle: FloatArray) -> FloatArray:
        out: FloatArray = (self.ends @ angle) * self.weight[:, None]
        return out

    def after_each(
        self, cases: IntArray, worst: _Worst
    ) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
        """Flows of lines after outages that may fill them more, by one change each."""
        size = np.abs(self.flow[:, 1:]) @ worst.mw
        largest = np.abs(self.flow[:, 1:]).max(axis=1, initial=0.0)
        total = size + np.abs(self.flow[:, 0])
        for first in range(0, cases.size, 16):
            batch = cases[first : first + 16]
            ends = np.asarray(self.ends[batch].toarray().T, dtype=np.float64)
            moved = self.flows(self.angles(ends))
            # What goes from end to end of a branch by other ways.
            other = 1.0 - moved[batch, np.arange(batch.size)]
            if (np.abs(other) < 1e-8).any():
                raise _split(self.network, int(batch[np.abs(other) < 1e-8][0]))
            moved /= other
            most = np.abs(moved)
            # Whatever the signs, a line gets no fuller than this.
            fill = (total[:, None] + most * total[batch]) / worst.least_allowed[:, None]
            may = (fill > worst.fill[:, None] - 1e-8) & np.isfinite(worst.rating)[
                :, None
            ]
            may &= largest[:, None] + most * largest[batch] >= worst.least
            may[batch, np.arange(batch.size)] = False
            line, j = np.nonzero(may)
            k = batch[j]
            yield line, k, self.flow[line] + moved[line, j][:, None] * self.flow[k]


def _without(network: Network, k: int, right: FloatArray) -> FloatArray:
    """Flows once a branch is taken out of the network."""
    alive = np.ones(len(network.branch), dtype=np.bool_)
    alive[k] = False
    solved = _Solved(network, right, alive)
    if solved.part[network.from_bus[k]] != solved.part[network.to_bus[k]]:
        raise _split(network, k)
    return solved.flow


def _split(network: Network, k: int) -> LayerError:
    return LayerError(
        four_parts(
            f"The outage of branch {network.branch[k]!r} was asked for",
            "it is the only link between two parts of its island",
            "outages after which every bus is still connected",
            "leave it out of outages; what it cuts off goes dark whatever is chosen",
        )
    )


class _Worst:
    """The case that fills each line most."""

    def __init__(
        self,
        network: Network,
        mw: FloatArray,
        cutoff: float,
        more: FloatArray,
        relief: bool,
    ) -> None:
        self.rating, self.mw, self.more = network.rating_mw, mw, more
        self.relief = relief
        self.least_allowed = self.rating + more
        self.least = max(cutoff - _ROUNDING, _ROUNDING)
        size = len(network.branch)
        self.case = np.full(size, -1, dtype=np.int64)
        self.used, self.allowed = np.full(size, np.nan), np.full(size, np.nan)
        self.fill = np.full(size, -np.inf)
        # Of outages that fill a line equally the first by name is told.
        self.rank = np.empty(size, dtype=np.int64)
        names = network.branch.astype(str)
        self.rank[np.lexsort((np.arange(size), names))] = np.arange(size)

    def see(self, case: int, flow: FloatArray) -> None:
        """Look at all lines in one case."""
        line = np.flatnonzero(np.isfinite(self.rating))
        self.see_pairs(line, np.full(line.size, case), flow[line])

    def see_pairs(self, line: IntArray, case: IntArray, flow: FloatArray) -> None:
        """Look at some lines, each in a case, with the flow there."""
        share = np.where(np.abs(flow[:, 1:]) >= self.least, flow[:, 1:], 0.0)
        if self.relief:
            counted = share @ self.mw
            self._keep(line, case, flow[:, 0], np.sign(counted), np.abs(counted))
            return
        for way in (1.0, -1.0):
            counted = np.maximum(way * share, 0.0) @ self.mw
            self._keep(line, case, flow[:, 0], np.full(line.size, way), counted)

    def _keep(
        self,
        line: IntArray,
        case: IntArray,
        base: FloatArray,
        way: FloatArray,
        counted: FloatArray,
    ) -> None:
        """Keep what is the fullest so far, pushed in a direction."""
        used = way * base + counted
        allowed = np.maximum(self.rating[line], way * base) + self.more[line]
        fill = used / allowed
        fill = np.round(fill, FILL_DIGITS)
        rank = np.where(case < 0, -1, self.rank[case])
        held = np.where(self.case[line] < 0, -1, self.rank[self.case[line]])
        more = (fill > self.fill[line]) | ((fill == self.fill[line]) & (rank < held))
        better = np.flatnonzero((counted != 0) & more)
        # Of several cases of a line the fullest comes last, and stays.
        order = better[np.lexsort((-rank[better], fill[better]))]
        at = line[order]
        self.fill[at], self.case[at] = fill[order], case[order]
        self.used[at], self.allowed[at] = used[order], allowed[order]

    def fullest(self, most: int) -> list[int]:
        """Outages of the fullest lines."""
        order = np.argsort(-self.fill, kind="stable")
        known = order[(self.case[order] >= 0) & np.isfinite(self.fill[order])]
        return list(dict.fromkeys(self.case[known].tolist()))[:most]

    def forget(self, cases: list[int]) -> None:
        """Drop what was found for some outages, to be found again."""
        self.fill[np.isin(self.case, cases) & (self.case >= 0)] = -np.inf
