"""What was worked out from a network alone, kept with it for the next question."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

import numpy as np

from siteselect.infrastructure.grid.network import Network

Thing = TypeVar("Thing")

#: Arrays that flows and factors depend on.
_READ: Final = (
    "load_mw",
    "from_bus",
    "to_bus",
    "x_pu",
    "rating_mw",
    "generator_bus",
    "p_mw",
    "p_max_mw",
    "dc_from",
    "dc_to",
    "dc_mw",
    "island",
)


def kept(
    network: Network, name: Hashable, key: Hashable, make: Callable[[], Thing]
) -> Thing:
    """Return what ``make`` answers, from the network's memory if it is there.

    One answer is kept per name, the last. Where an array of the network was written
    into since, everything is made anew. Copies and pickles of a network start empty.

    Parameters
    ----------
    network : Network
        The network, which ``make`` may read and nothing else that can change.
    name : hashable
        What is asked for.
    key : hashable
        What else the answer depends on.
    make : callable
        Works it out.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> from siteselect.infrastructure.grid.kept import kept
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1], "base_kv": 230.0, "load_mw": 10.0}),
    ...     pd.DataFrame({"branch": [], "from_bus": [], "to_bus": [], "x_pu": [],
    ...                   "rating_mva": []}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
    ... )
    >>> kept(network, "load", (), lambda: float(network.load_mw.sum()))
    10.0
    >>> kept(network, "load", (), lambda: 99.0)
    10.0
    """
    memory = network._kept
    now = [getattr(network, column) for column in _READ]
    seen = memory.get(_READ)
    if seen is None or not all(map(np.array_equal, seen, now)):
        memory.clear()
        memory[_READ] = [column.copy() for column in now]
    found = memory.get(name)
    if found is None or found[0] != key:
        found = memory[name] = (key, make())
    answer: Thing = found[1]
    return answer


__all__ = ["kept"]
