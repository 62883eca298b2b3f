"""Whether the generation of an area covers its load and a reserve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.infrastructure.grid.network import FloatArray, Network


def adequacy(
    network: Network,
    *,
    reserve_margin: float,
    areas: Mapping[Any, Any] | pd.Series[Any] | None = None,
    credit: float | npt.ArrayLike = 1.0,
) -> pd.DataFrame:
    """Account for generation, load and reserve of each area.

    Headroom on wires says nothing about who makes the power. Use it after
    `Network.with_committed`, and again with a plan's sites added. It is a count of
    megawatts at the hour of the base case: no outages of plants, no energy, no
    transfer limits between areas.

    Parameters
    ----------
    network : Network
        The network, with committed loads and plants.
    reserve_margin : float
        Generation that an area should have beyond its load, as a share of the load
        [-], such as 0.15. There is no default: state the one that your area's
        planner uses.
    areas : mapping or Series of bus label to area, optional
        Area of each bus; the AC islands by default, named by their first bus.
    credit : float or array_like, shape (n_generators,), default 1.0
        Share of ``p_max_mw`` that counts [-]. Wind and sun are commonly credited
        with far less than all of it; with 1.0 every generator counts in full.

    Returns
    -------
    DataFrame
        Index ``area``, sorted:

        ``load_mw``
            Load [MW].
        ``generation_mw``
            Credited largest output [MW].
        ``import_mw``
            What DC lines bring in less what they take out [MW].
        ``margin``
            ``(generation_mw + import_mw - load_mw) / load_mw`` [-], as in [1]_; NaN
            without load.
        ``reserve_margin``
            As stated [-].
        ``surplus_mw``
            What is there beyond load and reserve; below 0 it is missing [MW].
        ``is_adequate``
            Whether ``surplus_mw`` is 0 or more.

    Raises
    ------
    StudyError
        If ``reserve_margin`` or ``credit`` is not a finite number of 0 or more, or
        ``credit`` has the wrong length.
    LayerError
        If a bus has no area.

    References
    ----------
    .. [1] North American Electric Reliability Corporation, "M-1 Reserve Margin":
       planning reserve margin is resources less net internal demand, over net
       internal demand. https://www.nerc.com/pa/RAPA/ri/Pages/PlanningReserveMargin.aspx

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network, adequacy
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 90.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [90.0], "p_max_mw": [110.0]}),
    ... )
    >>> found = adequacy(network.with_committed({2: 10}), reserve_margin=0.15)
    >>> wanted = ["load_mw", "generation_mw", "margin", "surplus_mw"]
    >>> found[wanted].round(3).values.tolist()
    [[100.0, 110.0, 0.1, -5.0]]
    """
    margin = _shares("reserve_margin", reserve_margin, None)
    counted = network.p_max_mw * _shares("credit", credit, len(network.p_max_mw))
    code, names = _areas(network, areas)
    n = len(names)
    load = np.bincount(code, network.load_mw, n)
    made = np.bincount(code[network.generator_bus], counted, n)
    brought = np.bincount(code[network.dc_to], network.dc_mw, n)
    brought = brought - np.bincount(code[network.dc_from], network.dc_mw, n)
    there = made + brought
    surplus = there - load * (1.0 + float(margin))
    return pd.DataFrame(
        {
            "load_mw": load,
            "generation_mw": made,
            "import_mw": brought,
            "margin": np.divide(
                there - load, load, out=np.full(n, np.nan), where=load > 0
            ),
            "reserve_margin": float(margin),
            "surplus_mw": surplus,
            "is_adequate": surplus >= 0,
        },
        index=names.rename("area"),
    )


def _shares(name: str, given: Any, size: int | None) -> FloatArray:
    try:
        value = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        value = np.full(1, np.nan)
    fits = value.ndim == 0 or (size is not None and value.shape == (size,))
    if not fits or not np.isfinite(value).all() or (value < 0).any():
        raise StudyError(
            four_parts(
                f"`adequacy` was given {name}",
                f"shape {value.shape}, not all finite and 0 or more"
                if value.ndim
                else f"{given!r}",
                "a share such as 0.15"
                + ("" if size is None else f", or one for each of {size:,} generators"),
                f"{name}=0.15" if size is None else f"{name}=1.0",
            )
        )
    return value


def _areas(
    network: Network, areas: Mapping[Any, Any] | pd.Series[Any] | None
) -> tuple[npt.NDArray[np.int64], pd.Index[Any]]:
    if areas is None:
        _, first = np.unique(network.island, return_index=True)
        named = pd.Series(network.bus[first][network.island], dtype=object)
    else:
        found = pd.Series(dict(areas.items()), dtype=object)
        named = found.reindex(pd.Index(network.bus))
    unknown = named.isna().to_numpy()
    if unknown.any():
        raise LayerError(
            four_parts(
                "`adequacy` adds up load and generation by area",
                f"{int(unknown.sum()):,} buses have none: "
                + shown(map(repr, network.bus[unknown].tolist())),
                "an area for every bus of the network",
                "areas=buses.set_index('bus')['interconnection']",
            )
        )
    try:
        code, names = pd.factorize(named, sort=True)
    except TypeError:
        code, names = pd.factorize(named.astype(str), sort=True)
    return code.astype(np.int64), pd.Index(names)
