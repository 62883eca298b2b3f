"""Which bus of its substation a site connects to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid.hosting import hosting_capacity
from siteselect.infrastructure.grid.network import Network


def connection_buses(
    substation: pd.Series[Any],
    buses: pd.DataFrame,
    network: Network,
    *,
    cutoff: float = 0.05,
    min_kv: float = 100.0,
) -> pd.Series[Any]:
    """Find the bus that each site connects to, from the substation it names.

    Use it between `prepare`, which names substations, and `Deliverable`, which asks
    for buses. It takes the bus of the substation that can host most, the one whose
    figure the bundled ``substations`` layer carries.

    Parameters
    ----------
    substation : Series
        Substation of each site, such as ``sites["substation"]``; may be missing.
    buses : DataFrame
        Columns ``bus`` and ``substation``, such as the table ``grid_buses``.
    network : Network
        The network, with committed loads already added.
    cutoff, min_kv
        As in `hosting_capacity`.

    Returns
    -------
    Series
        Bus label of each site, index as given, name ``bus``; missing where the
        substation is, or where none of its buses has ``min_kv`` and generation on
        its island. Of buses that can host equally much it is the first.

    Raises
    ------
    LayerError
        If a substation or a column is not in ``buses``, or a bus not in ``network``.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, connection_buses
    >>> buses = pd.DataFrame(
    ...     {"bus": [1, 2, 3], "base_kv": [230.0, 230.0, 69.0], "load_mw": 0.0,
    ...      "substation": ["north", "south", "south"]}
    ... )
    >>> network = Network.from_tables(
    ...     buses,
    ...     pd.DataFrame({"branch": ["a", "b"], "from_bus": [1, 2], "to_bus": [2, 3],
    ...                   "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [200.0]}),
    ... )
    >>> sites = pd.DataFrame({"substation": ["south", "north"]}, index=["x", "y"])
    >>> connection_buses(sites["substation"], buses, network).to_dict()
    {'x': 2, 'y': 1}
    """
    for column in ("bus", "substation"):
        if column not in buses.columns:
            have = [str(c) for c in buses.columns]
            raise LayerError(
                four_parts(
                    f"`connection_buses` needs the column `{column}` of the buses",
                    f"found {shown(have)}{nearest_name(column, have)}",
                    "needed are bus and substation",
                    "rename the column with `DataFrame.rename`",
                )
            )
    asked: pd.Index[Any] = pd.Index(substation.dropna().unique())
    mine = buses[buses["substation"].isin(asked)]
    unknown = asked[~asked.isin(mine["substation"])]
    if len(unknown):
        known = [str(x) for x in buses["substation"].dropna().unique()[:5000]]
        raise LayerError(
            four_parts(
                "Sites name the substation that they connect to",
                f"{len(unknown):,} have no bus in the table: "
                + shown(map(repr, unknown))
                + nearest_name(str(unknown[0]), known),
                "substations of the column `substation`",
                "give the table of buses that the substations come from",
            )
        )
    able = mine.assign(
        hosts=hosting_capacity(
            network, mine["bus"].to_numpy(), cutoff=cutoff, min_kv=min_kv
        )
        if len(mine)
        else np.empty(0)
    )
    able = able[able["hosts"].notna()]
    best = able.sort_values("hosts", ascending=False, kind="stable")
    best = best.drop_duplicates("substation")
    bus_of: dict[Any, Any] = dict(zip(best["substation"], best["bus"], strict=True))
    return substation.map(bus_of).rename("bus")
