"""Lines made stronger by a plan: what may be bought, what was, and who pays.

A strengthened line may carry more; its reactance, and with it how flows divide, is
left as it is. The cost of all upgrades of an island is shared by the megawatts of
its sites, as a postage stamp is: how much of a flow is whose has no one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid import Network
from siteselect.optimization.problem import Floats, as_floats, hashable

#: What a table of possible upgrades holds; ``most_mw`` may be left out.
NEEDED: Final = ("branch", "usd_per_mw", "lead_months")
#: What `SitePlan.upgrades` holds.
UPGRADE_COLUMNS: Final = (
    "limit",
    "branch",
    "from_bus",
    "to_bus",
    "mw",
    "usd_per_mw",
    "cost_usd",
    "lead_months",
    "year",
)
#: An upgrade of less than this [MW] is rounding.
LEAST_MW: Final = 1e-6


def no_upgrades() -> pd.DataFrame:
    """Return the table of a plan that strengthens nothing."""
    return pd.DataFrame(columns=list(UPGRADE_COLUMNS))


def possible_upgrades(name: str, network: Network, given: Any) -> pd.DataFrame:
    """Return checked upgrades that may be bought, in an order of their own.

    Parameters
    ----------
    name : str
        Name of the limit, for the message.
    network : Network
        The network.
    given : DataFrame
        Columns ``branch``, ``usd_per_mw``, ``lead_months`` and perhaps ``most_mw``.

    Raises
    ------
    StudyError
        It is no such table.
    LayerError
        A branch is unknown or twice, or a figure missing or negative.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    ... )
    >>> table = pd.DataFrame({"branch": ["a"], "usd_per_mw": 5e4, "lead_months": 36})
    >>> possible_upgrades("lines", network, table)["most_mw"].tolist()
    [inf]
    """
    mend = "upgrades=siteselect.grid.upgrade_costs(network).dropna()"
    if not isinstance(given, pd.DataFrame) or not set(NEEDED) <= set(given.columns):
        columns = [str(c) for c in getattr(given, "columns", [])]
        lost = [c for c in NEEDED if c not in columns]
        raise StudyError(
            four_parts(
                f"{name!r} was given upgrades",
                f"it has no column {shown(lost)}" + nearest_name(lost[0], columns)
                if isinstance(given, pd.DataFrame)
                else f"that is {type(given).__name__}",
                f"a DataFrame with the columns {shown(NEEDED)}, and most_mw if lines "
                "can be strengthened only so far",
                mend,
            )
        )
    repeats = given.columns[given.columns.duplicated()]
    if len(repeats):
        raise LayerError(
            four_parts(
                f"{name!r} was given upgrades",
                f"the column {repeats[0]!r} occurs more than once",
                "one column of each name",
                "upgrades.loc[:, ~upgrades.columns.duplicated()]",
            )
        )
    # What cannot be a label is none of the network.
    labels = [x if hashable(x) else str(x) for x in given["branch"]]
    branch: pd.Index[Any] = pd.Index(labels, tupleize_cols=False)
    at = pd.Index(network.branch).get_indexer(branch) if len(branch) else np.zeros(0)
    if (at < 0).any() or not branch.is_unique:
        wrong = branch[at < 0] if (at < 0).any() else branch[branch.duplicated()]
        names = [str(x) for x in network.branch[:5000]]
        raise LayerError(
            four_parts(
                f"{name!r} was given upgrades of {len(branch):,} branches",
                (
                    f"not in the network: {shown(map(repr, wrong))}"
                    + nearest_name(str(wrong[0]), names)
                    if (at < 0).any()
                    else f"named twice: {shown(map(repr, wrong.unique()))}"
                ),
                "labels of network.branch, each once",
                "upgrades.drop_duplicates('branch')",
            )
        )
    table = {"branch": branch.to_numpy()}
    for column in (*NEEDED[1:], "most_mw"):
        if column not in given.columns:
            table[column] = np.full(len(given), np.inf)
            continue
        found = as_floats(given[column])
        values = np.full(len(given), np.nan) if found is None else found
        bad = np.isnan(values) | (values < 0)
        if column != "most_mw":
            bad |= np.isinf(values)
        if bad.any():
            raise LayerError(
                four_parts(
                    f"{name!r} reads {column!r} of its upgrades",
                    "it is missing, infinite or negative for branch "
                    + shown(map(repr, branch[bad])),
                    "zero or more for every branch; what is not known cannot be bought",
                    mend,
                )
            )
        table[column] = values
    order = np.lexsort((np.arange(len(given)), branch.astype(str)))
    return pd.DataFrame(table).iloc[order].reset_index(drop=True)


def arrival(lead_months: Floats, ordered: int) -> Floats:
    """Return the first year that begins with an upgrade in service.

    Examples
    --------
    >>> arrival(np.array([0.0, 36.0, 40.0]), 2027).tolist()
    [2027.0, 2030.0, 2031.0]
    """
    years: Floats = ordered + np.ceil(np.asarray(lead_months) / 12.0 - 1e-9)
    return years


def upgrades_then(upgrades: pd.DataFrame, limit: str, year: object) -> dict[Any, float]:
    """Return the MW that each branch has been strengthened by in a year.

    Parameters
    ----------
    upgrades : DataFrame
        As in a plan.
    limit : str
        Name of the limit.
    year : int or ``""``
        Year; ``""`` where there are none.

    Examples
    --------
    >>> table = pd.DataFrame({"limit": "lines", "branch": ["a", "a"],
    ...                       "mw": [10.0, 5.0], "year": [2027, 2030]})
    >>> upgrades_then(table, "lines", 2028), upgrades_then(table, "lines", 2030)
    ({'a': 10.0}, {'a': 15.0})
    """
    mine = upgrades[upgrades["limit"] == limit]
    if year != "":
        mine = mine[mine["year"] <= year]
    total = mine.groupby("branch", sort=False)["mw"].sum()
    return {branch: float(mw) for branch, mw in total.items()}


def shared_cost_usd(
    network: Network,
    upgrades: pd.DataFrame,
    mw: pd.Series[Any],
    bus: pd.Series[Any],
    years: list[Any],
) -> pd.DataFrame:
    """Share what upgrades cost by the megawatts of the sites of each island.

    Parameters
    ----------
    network : Network
        The network.
    upgrades : DataFrame
        ``branch``, ``cost_usd`` and ``year``.
    mw, bus : Series
        Facility MW of each chosen site at the end, and its bus.
    years : list
        Years of the plan; ``[""]`` where there are none.

    Returns
    -------
    DataFrame
        USD by site and year.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 0.0}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
    ... )
    >>> mw, bus = pd.Series({"s": 30.0, "t": 10.0}), pd.Series({"s": 2, "t": 1})
    >>> bought = pd.DataFrame({"branch": ["a"], "cost_usd": [400.0], "year": [0]})
    >>> shared_cost_usd(network, bought, mw, bus, [""])[""].tolist()
    [300.0, 100.0]
    """
    out = pd.DataFrame(0.0, index=mw.index, columns=years)
    if not len(upgrades) or not len(mw):
        return out
    at = pd.Index(network.branch).get_indexer(pd.Index(upgrades["branch"]))
    of_branch = network.island[network.from_bus[at]]
    of_site = network.island[network.positions(bus.to_numpy())]
    cost = upgrades["cost_usd"].to_numpy(np.float64)
    for year in years:
        now = np.ones(len(upgrades), dtype=bool)
        if year != "":
            now = (upgrades["year"] == year).to_numpy(dtype=bool)
        for island in np.unique(of_branch[now]):
            here = of_site == island
            size = mw.to_numpy(np.float64) * here
            if size.sum() > 0:
                total = cost[now & (of_branch == island)].sum()
                out[year] += total * size / size.sum()
    return out


def strengthened(limit: Any, upgrades: pd.DataFrame, year: object) -> Any:
    """Return a limit with the upgrades of a year in place, where it has any.

    Examples
    --------
    >>> strengthened("a limit of another kind", no_upgrades(), "")
    'a limit of another kind'
    """
    strengthened = getattr(limit, "strengthened", None)
    if strengthened is None or getattr(limit, "upgrades", None) is None:
        return limit
    then = upgrades_then(upgrades, limit.name, year)
    # What is not offered carries nothing.
    offered = set(limit.upgrades["branch"])
    built: Any = strengthened({b: mw for b, mw in then.items() if b in offered})
    return built


def is_strengthening(limit: Any) -> bool:
    """Return whether a limit may buy upgrades."""
    return hasattr(limit, "strengthened") and limit.upgrades is not None


Bought = Mapping[Any, float]
