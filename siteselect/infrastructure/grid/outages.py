"""Where flows go after outages, from the angles of a transfer over each lost branch.

The factors of `lodf_columns` for all branches are a table of branches times outages.
Here only the angles are kept, buses times outages or, where there are more outages
than buses, buses times buses, and a factor is made when asked for; rows of factors
are contiguous.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from siteselect.infrastructure.grid.flow import BRIDGE, islands_of
from siteselect.infrastructure.grid.network import FloatArray, IntArray, Network


@dataclasses.dataclass(frozen=True, eq=False)
class OutageFactors:
    """Change of flows per MW that a lost branch carried.

    Parameters
    ----------
    outage : ndarray of int, shape (n_outages,)
        Positions of the branches that drop out.
    elsewhere : ndarray, shape (n_outages,)
        What is left to carry 1 MW of each lost branch elsewhere [MW].
    angle : ndarray, shape (n_buses, n_outages) or (n_buses, n_buses)
        Angles of 1 MW from end to end of each lost branch or, with ``start`` and
        ``end``, of 1 MW at each bus [rad x 100 MVA].
    from_bus, to_bus : ndarray of int, shape (n_branches,)
        Ends of all branches.
    susceptance : ndarray, shape (n_branches,)
        MW per unit of (scaled) angle.
    bridge : ndarray of int
        Positions of branches asked for whose loss splits their island: no outage
        moves anything over them.
    start, end : ndarray of int, shape (n_outages,), optional
        Columns of ``angle`` whose difference is the transfer from end to end.
    responses : dict of int to ndarray
        `Island.responses` by island number, where outages took them all.
    """

    outage: IntArray
    elsewhere: FloatArray
    angle: FloatArray
    from_bus: IntArray
    to_bus: IntArray
    susceptance: FloatArray
    bridge: IntArray
    start: IntArray | None = None
    end: IntArray | None = None
    responses: dict[int, FloatArray] = dataclasses.field(default_factory=dict)

    def of_pairs(self, branch: IntArray, case: IntArray) -> FloatArray:
        """Return the factor of each branch (position) after its outage (number)."""
        one, other = self.from_bus[branch], self.to_bus[branch]
        if self.start is None or self.end is None:
            across = self.angle[one, case] - self.angle[other, case]
        else:
            start, end = self.start[case], self.end[case]
            across = self.angle[one, start] - self.angle[other, start]
            across -= self.angle[one, end] - self.angle[other, end]
        across *= self.susceptance[branch]
        across /= self.elsewhere[case]
        across[branch == self.outage[case]] = -1.0
        return across

    def of_branches(self, branch: IntArray) -> FloatArray:
        """Return the factors of branches after every outage, a row for each."""
        across = self._transfers(branch)
        across /= self.elsewhere
        own, case = np.nonzero(branch[:, None] == self.outage[None, :])
        across[own, case] = -1.0
        return across

    def large(
        self, branch: IntArray, least: float
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Return where factors of other branches are of a size at least.

        Parameters
        ----------
        branch : ndarray of int
            Positions of branches.
        least : float
            The size.

        Returns
        -------
        row, case : ndarray of int
            Which of ``branch`` and which outage, by row.
        factor : ndarray
            The factor.
        """
        across = self._transfers(branch)
        at = np.flatnonzero(np.abs(across) >= least * np.abs(self.elsewhere))
        row, case = np.divmod(at, max(1, self.outage.size))
        other = branch[row] != self.outage[case]
        row, case = row[other], case[other]
        return row, case, across.ravel()[at[other]] / self.elsewhere[case]

    def _transfers(self, branch: IntArray) -> FloatArray:
        """Return flows over branches of 1 MW from end to end of each lost one."""
        across = self.angle[self.from_bus[branch]]
        across -= self.angle[self.to_bus[branch]]
        across *= self.susceptance[branch][:, None]
        if self.start is None or self.end is None:
            return across
        found: FloatArray = across.take(self.start, axis=1)
        found -= across.take(self.end, axis=1)
        return found


def outage_factors(
    network: Network, outage: IntArray
) -> tuple[OutageFactors, npt.NDArray[np.bool_]]:
    """Return the factors of outages that split no island, and which do split one.

    Parameters
    ----------
    network : Network
        The network.
    outage : ndarray of int
        Positions of the branches that drop out, one at a time.

    Returns
    -------
    OutageFactors
        Of those that split nothing, in the order given.
    ndarray of bool, shape (n_outages,)
        True where the loss of the branch cuts its island in two.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> from siteselect.infrastructure.grid.outages import outage_factors
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a", "b", "c"], "from_bus": [1, 2, 1],
    ...                   "to_bus": [2, 3, 3], "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [200.0]}),
    ... )
    >>> factors, splits = outage_factors(network, np.array([2]))
    >>> factors.of_branches(np.array([0, 1, 2])).round(9)[:, 0], splits
    (array([ 1.,  1., -1.]), array([False]))
    """
    elsewhere = np.ones(outage.size)
    number_of = network.island[network.from_bus[outage]]
    numbers = np.unique(number_of)
    parts, responses = [], {}
    for number, island in zip(numbers, islands_of(network, numbers), strict=True):
        column = np.flatnonzero(number_of == number)
        lost = np.searchsorted(island.branch, outage[column])
        start, end = island.from_bus[lost], island.to_bus[lost]
        size, across = len(island.bus), np.arange(column.size)
        if column.size > size:
            # Fewer buses than outages: 1 MW from each, and differences of those.
            # What a bus sees of another is what that one sees of it.
            each = responses[int(number)] = island.responses()
            own = each[start, start] - each[start, end] - each[end, start]
            own += each[end, end]
        else:
            injection = np.zeros((size, column.size), order="F")
            injection[start, across] = 1.0
            injection[end, across] = -1.0
            each = island.angles(injection)
            own = each[start, across] - each[end, across]
        elsewhere[column] = 1.0 - island.susceptance[lost] * own
        parts.append((island, column, start, end, each))
    splits = np.abs(elsewhere) < BRIDGE
    found = OutageFactors(
        outage[~splits],
        elsewhere[~splits],
        np.zeros((0, 0)),
        network.from_bus,
        network.to_bus,
        1.0 / network.x_pu,
        outage[splits],
        responses=responses,
    )
    if network.n_islands == 1 and responses:
        ((_, _, start, end, each),) = parts
        found = dataclasses.replace(
            found, angle=each, start=start[~splits], end=end[~splits]
        )
        return found, splits
    place = np.cumsum(~splits) - 1
    angle = np.zeros((len(network.bus), found.outage.size))
    for island, column, start, end, each in parts:
        keep = ~splits[column]
        at = place[column[keep]]
        if each.shape[1] == column.size:
            angle[np.ix_(island.bus, at)] = each[:, keep]
            continue
        start, end = start[keep], end[keep]
        for bus, own in zip(island.bus, each, strict=True):
            angle[bus, at] = own.take(start) - own.take(end)
    return dataclasses.replace(found, angle=angle), splits


__all__ = ["OutageFactors", "outage_factors"]
