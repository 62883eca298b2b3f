"""Flows that were solved already, kept for the next who asks the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from siteselect.infrastructure.grid.applied import applied_flows
from siteselect.infrastructure.grid.kept import kept
from siteselect.infrastructure.grid.network import Network

__all__ = ["kept_flows"]

#: How many loads are kept of a network: the years of a plan, and then some.
_MOST: Final = 16


def kept_flows(
    network: Network,
    load_mw: Mapping[Any, float],
    *,
    outages: Sequence[Any] = (),
    cutoff: float = 0.05,
    upgrades: Mapping[Any, float] | None = None,
    relief: bool = True,
) -> pd.DataFrame:
    """Return `applied_flows`, solved once for the same loads on the same network.

    Kept with the network, and forgotten where one of its arrays is written into.

    A plan is verified where it is made, where it is reported and where its flows are
    drawn; after every outage each time would cost ten seconds on a large network. A
    plan that changes has other loads, and so is solved anew.

    Parameters
    ----------
    network, load_mw, outages, cutoff, upgrades, relief
        As `applied_flows` takes them.

    Returns
    -------
    DataFrame
        The caller's own copy.
    """
    key = (
        tuple(load_mw.items()),
        tuple(outages),
        cutoff,
        tuple((upgrades or {}).items()),
        relief,
    )
    known: OrderedDict[Any, pd.DataFrame] = kept(
        network, "applied flows", (), OrderedDict
    )
    table = known.get(key)
    if table is None:
        table = known[key] = applied_flows(
            network,
            load_mw,
            outages=outages,
            cutoff=cutoff,
            upgrades=upgrades,
            relief=relief,
        )
        while len(known) > _MOST:
            known.popitem(last=False)
    return table.copy()
