"""Branches whose loss leaves every bus connected."""

from __future__ import annotations

from typing import Any

from siteselect.infrastructure.grid.network import Network


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
    >>> from siteselect.infrastructure.grid.bridges import unsplitting
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


__all__ = ["unsplitting"]
