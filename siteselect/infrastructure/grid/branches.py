"""Branches of a network by their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid.network import Network

#: Labels among which a near one is looked for.
_NEAR = 5000


def branch_positions(
    network: Network, asked: pd.Index[Any], *, asking: str, call: str
) -> npt.NDArray[np.int64]:
    """Return the positions of branches, or refuse labels that are not there.

    Parameters
    ----------
    network : Network
        The network.
    asked : Index
        Labels of branches.
    asking : str
        What they were asked for, for the message.
    call : str
        A call that works, for the message.

    Raises
    ------
    LayerError
        If a label is no branch.
    """
    at = np.asarray(pd.Index(network.branch).get_indexer(asked), dtype=np.int64)
    if (at < 0).any():
        lost = asked[at < 0]
        near = nearest_name(str(lost[0]), [str(x) for x in network.branch[:_NEAR]])
        raise LayerError(
            four_parts(
                asking,
                f"not in the network: {shown(map(repr, lost))}{near}",
                f"it has {len(network.branch):,}, such as {shown(network.branch[:3])}",
                call,
            )
        )
    return at
