"""What it costs to let a line or a transformer carry more, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts
from siteselect.infrastructure.connection_cost import KM_PER_MILE
from siteselect.infrastructure.grid.branches import branch_positions
from siteselect.infrastructure.grid.network import FloatArray, Network
from siteselect.infrastructure.parameter_table import parameter_values
from siteselect.layers.ellipsoid import geodesic_km

#: Voltage classes with a price, and from which voltage each is taken [kV].
_CLASS_KV: Final = (69, 138, 230, 345, 500, 765)
_BEGINS_KV: Final = (100.0, 200.0, 300.0, 450.0, 700.0)


def upgrade_costs(
    network: Network,
    branches: npt.ArrayLike | None = None,
    *,
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    r"""Return what one more MW costs on each line and transformer, and the wait.

    Use it to make the table that `Deliverable` takes as ``upgrades``: then a plan
    may strengthen lines, and says for how much and by when.

    Parameters
    ----------
    network : Network
        The network, with places of its buses (`Network.with_places`).
    branches : array_like, optional
        Labels of the branches that may be strengthened; by default all that have a
        rating.
    parameters : mapping, optional
        Other values for the ``upgrade_*`` and ``line_*`` parameters.

    Returns
    -------
    DataFrame
        One row per branch: ``branch``; ``kind`` ("line", or "transformer" where its
        ends differ in voltage); ``voltage_kv`` of the lower end [kV]; ``length_mi``,
        the route [mile], 0 for a transformer; ``usd_per_mw`` [USD per MW of rating];
        ``lead_months`` [months]. Length and cost of a line are NaN where the place
        of an end is unknown; where the voltage of an end is, ``kind`` is missing and
        all figures are NaN.

    Raises
    ------
    LayerError
        No places are known, or a branch is not in the network.

    Notes
    -----
    A line costs price per MW and mile of its voltage class, times the straight
    distance between its ends, times a route factor; a transformer a price per MVA,
    read as MW. Both times escalation, contingency and interest during construction,
    as in `interconnection_usd`. Where a line is so short that this is less than the
    transformer price, it costs that: what stands at its ends has to carry more too
    (judgement). Substations, land and outages during work are not counted.

    References
    ----------
    PowerSimData (Breakthrough Energy Sciences), from MISO estimates of 2020, for 230
    kV and above; NREL reVX least-cost transmission configuration for lower voltages
    and transformers. See `parameters`.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> from siteselect.infrastructure.grid import Network, upgrade_costs
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": [230.0, 230.0, 138.0],
    ...                   "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a", "b"], "from_bus": [1, 2], "to_bus": [2, 3],
    ...                   "x_pu": 0.1, "rating_mva": 100.0}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [200.0]}),
    ... )
    >>> places = gpd.GeoSeries.from_xy([-100, -99, -99], [32, 32, 32],
    ...                                index=[1, 2, 3], crs=4326)
    >>> table = upgrade_costs(network.with_places(places))
    >>> table[["kind", "length_mi"]].round(1).values.tolist()
    [['line', 76.3], ['transformer', 0.0]]
    """
    if network.lon_lat is None:
        raise LayerError(
            four_parts(
                "`upgrade_costs` measures lines between the places of their buses",
                "this network has none",
                "a network whose buses have places",
                "network.with_places(places), a GeoSeries by bus label",
            )
        )
    values = parameter_values(parameters)
    at = _asked(network, branches)
    start, end = network.from_bus[at], network.to_bus[at]
    kv = np.minimum(network.base_kv[start], network.base_kv[end])
    is_line = network.base_kv[start] == network.base_kv[end]
    # A line and a transformer cannot be told apart where a voltage is unknown.
    untold = np.isnan(kv)
    places = network.lon_lat
    here, there = places[start], places[end]
    known = ~(np.isnan(here).any(axis=1) | np.isnan(there).any(axis=1))
    km = np.full(len(at), np.nan)
    km[known] = geodesic_km(
        here[known, 0], here[known, 1], there[known, 0], there[known, 1]
    )
    miles = np.where(is_line, km / KM_PER_MILE * values["line_route_factor"], 0.0)
    miles[untold] = np.nan
    per_mile = np.array([values[f"upgrade_usd_per_mw_mile_{k}kv"] for k in _CLASS_KV])
    once = values["upgrade_transformer_usd_per_mva"]
    line: FloatArray = per_mile[np.searchsorted(_BEGINS_KV, kv, side="right")] * miles
    plain = np.where(np.isnan(line), np.nan, np.maximum(line, once))
    dollars = (
        values["line_escalation"]
        * (1.0 + values["line_contingency"])
        * (1.0 + values["line_afudc"])
    )
    return pd.DataFrame(
        {
            "branch": network.branch[at],
            "kind": np.select(
                [untold, is_line],
                [np.array(None, dtype=object), "line"],
                "transformer",
            ),
            "voltage_kv": kv,
            "length_mi": miles,
            "usd_per_mw": plain * dollars,
            "lead_months": np.select(
                [untold, is_line],
                [np.nan, values["upgrade_line_lead_months"]],
                values["upgrade_transformer_lead_months"],
            ),
        }
    )


def _asked(network: Network, branches: npt.ArrayLike | None) -> npt.NDArray[np.int64]:
    """Return the positions of the branches asked for."""
    if branches is None:
        return np.flatnonzero(np.isfinite(network.rating_mw))
    asked: pd.Index[Any] = pd.Index(np.atleast_1d(np.asarray(branches)))
    return branch_positions(
        network,
        asked,
        asking="`upgrade_costs` was asked for branches by label",
        call="upgrade_costs(network, network.branch[:10])",
    )
