"""Networks from the tables of pandapower.

References
----------
.. [1] L. Thurner et al., "pandapower: An Open-Source Python Tool for Convenient
   Modeling, Analysis, and Optimization of Electric Power Systems", IEEE Transactions
   on Power Systems 33 (2018) 6510-6521, doi:10.1109/TPWRS.2018.2829021.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.infrastructure.grid.network import BASE_MVA, Network

# Elements that carry or take power and are not read; none may be in service.
_REFUSED: Final = (
    "trafo3w",
    "impedance",
    "xward",
    "ward",
    "storage",
    "motor",
    "asymmetric_load",
    "asymmetric_sgen",
    "tcsc",
    "svc",
    "ssc",
    "vsc",
)
_NEEDED: Final = {
    "bus": ("vn_kv",),
    "line": ("from_bus", "to_bus", "length_km", "x_ohm_per_km", "max_i_ka"),
    "trafo": (
        "hv_bus",
        "lv_bus",
        "sn_mva",
        "vn_hv_kv",
        "vn_lv_kv",
        "vk_percent",
        "vkr_percent",
    ),
    "load": ("bus", "p_mw"),
    "sgen": ("bus", "p_mw"),
    "gen": ("bus", "p_mw", "max_p_mw"),
    "ext_grid": ("bus", "max_p_mw"),
    "shunt": ("bus", "p_mw"),
    "dcline": ("from_bus", "to_bus", "p_mw"),
    "switch": ("bus", "element", "et", "closed"),
}


def network_from_pandapower(other: Any) -> Network:
    """Read a network from a pandapower network.

    Parameters
    ----------
    other : pandapowerNet
        The network. pandapower itself is not imported: any object with its tables
        will do.

    Returns
    -------
    Network
        Branches are named ``"line <index>"`` and ``"trafo <index>"``. What is not in
        service, or cut off by an open switch, is left out.

    Raises
    ------
    LayerError
        If a table or column is missing, ``gen`` or ``ext_grid`` have no ``max_p_mw``,
        or there is in service what is not read: three-winding transformers,
        impedances, wards, storage, motors, switches between buses.

    Notes
    -----
    As in pandapower's DC flow [1]_, resistances, losses and charging are left out.
    So are the magnetising currents of transformers (``i0_percent``, ``pfe_kw``). Next
    to pandapower 3.5.6 the flows of its cases of 9 to 57 buses differ by rounding,
    those of the 118-bus case by up to 0.03 MW, of the 300-bus case by up to 1.3 MW;
    why the last two do was not settled. The
    reactance of a transformer is that of ``vk_percent`` without ``vkr_percent``, times
    its off-nominal ratio. A line's rating is
    ``sqrt(3) * vn_kv * max_i_ka * df * parallel * max_loading_percent / 100``, a
    transformer's ``sn_mva * df * parallel * max_loading_percent / 100``; without the
    last column a rating is that at 100 %. Phase shifts of vector groups are left out:
    they cancel where all paths between two voltages shift alike.

    ``ext_grid`` and ``gen`` are generators up to ``max_p_mw``; an ``ext_grid`` has no
    output of its own in the base case, and `dispatch` scales the ``gen`` to the load
    instead. ``sgen`` are generators up to their ``p_mw``.

    References
    ----------
    .. [1] pandapower documentation, "Electric Model", https://pandapower.readthedocs.io
    """
    for kind in _REFUSED:
        busy = _table(other, kind, ())
        if len(busy):
            raise _not_read(f"{kind}: {shown(busy.index)}")
    bus = _table(other, "bus")
    switch = _table(other, "switch")
    between = switch[switch["et"] == "b"]
    if len(between):
        raise _not_read(f"switches between buses: {shown(between.index)}")
    open_ = switch[~switch["closed"].astype(bool)]
    line = _table(other, "line")
    line = line[~line.index.isin(open_.loc[open_["et"] == "l", "element"])]
    trafo = _table(other, "trafo")
    trafo = trafo[~trafo.index.isin(open_.loc[open_["et"] == "t", "element"])]
    # What hangs on a bus out of service is out of service too.
    line = line[line["from_bus"].isin(bus.index) & line["to_bus"].isin(bus.index)]
    trafo = trafo[trafo["hv_bus"].isin(bus.index) & trafo["lv_bus"].isin(bus.index)]
    dcline = _table(other, "dcline")
    dcline = dcline[
        dcline["from_bus"].isin(bus.index) & dcline["to_bus"].isin(bus.index)
    ]
    load = pd.Series(0.0, index=bus.index)
    for kind in ("load", "shunt"):
        table = _table(other, kind)
        drawn = _floats(table, "p_mw") * _floats(table, "scaling", 1.0)
        drawn = drawn * _floats(table, "step", 1.0)
        load = load.add(drawn.groupby(table["bus"]).sum(), fill_value=0.0)
    return Network.from_tables(
        pd.DataFrame(
            {
                "bus": bus.index,
                "base_kv": bus["vn_kv"].to_numpy(),
                "load_mw": load.reindex(bus.index).to_numpy(),
            }
        ),
        pd.concat([_lines(bus, line), _trafos(bus, trafo)], ignore_index=True),
        _generators(other, bus),
        dcline[["from_bus", "to_bus", "p_mw"]] if len(dcline) else None,
    )


def _lines(bus: pd.DataFrame, line: pd.DataFrame) -> pd.DataFrame:
    kv = line["from_bus"].map(bus["vn_kv"]).astype(float)
    parallel = _floats(line, "parallel", 1.0)
    ohm = _floats(line, "x_ohm_per_km") * _floats(line, "length_km") / parallel
    rating = np.sqrt(3.0) * kv * _floats(line, "max_i_ka") * parallel
    return pd.DataFrame(
        {
            "branch": [f"line {k}" for k in line.index],
            "from_bus": line["from_bus"].to_numpy(),
            "to_bus": line["to_bus"].to_numpy(),
            "x_pu": (ohm * BASE_MVA / kv**2).to_numpy(),
            "rating_mva": (rating * _loading(line)).to_numpy(),
        }
    )


def _trafos(bus: pd.DataFrame, trafo: pd.DataFrame) -> pd.DataFrame:
    high, low = _floats(trafo, "vn_hv_kv"), _floats(trafo, "vn_lv_kv")
    steps = _floats(trafo, "tap_pos", np.nan) - _floats(trafo, "tap_neutral", np.nan)
    moved = 1.0 + (steps * _floats(trafo, "tap_step_percent", np.nan) / 100.0).fillna(0)
    side = _texts(trafo, "tap_side")
    high = high * moved.where(side == "hv", 1.0)
    low = low * moved.where(side == "lv", 1.0)
    kv_high = trafo["hv_bus"].map(bus["vn_kv"]).astype(float)
    kv_low = trafo["lv_bus"].map(bus["vn_kv"]).astype(float)
    parallel = _floats(trafo, "parallel", 1.0)
    size = _floats(trafo, "sn_mva")
    percent = np.sqrt(
        _floats(trafo, "vk_percent") ** 2 - _floats(trafo, "vkr_percent") ** 2
    )
    # In pu of the low side's bus, times the ratio against the two buses.
    x_pu = percent / 100.0 * BASE_MVA / size / parallel * (low / kv_low) ** 2
    x_pu = x_pu * (high / low) * (kv_low / kv_high)
    return pd.DataFrame(
        {
            "branch": [f"trafo {k}" for k in trafo.index],
            "from_bus": trafo["hv_bus"].to_numpy(),
            "to_bus": trafo["lv_bus"].to_numpy(),
            "x_pu": x_pu.to_numpy(),
            "rating_mva": (size * parallel * _loading(trafo)).to_numpy(),
        }
    )


def _loading(table: pd.DataFrame) -> pd.Series[Any]:
    """Return the share of its rating that a branch may carry."""
    most = _floats(table, "max_loading_percent", 100.0).fillna(100.0)
    return _floats(table, "df", 1.0) * most / 100.0


def _generators(other: Any, bus: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for kind in ("gen", "ext_grid", "sgen"):
        table = _table(other, kind)
        table = table[table["bus"].isin(bus.index)]
        scaling = _floats(table, "scaling", 1.0)
        made = _floats(table, "p_mw", 0.0) * scaling
        most = made
        if kind != "sgen":
            most = _floats(table, "max_p_mw")
            unknown = table.index[most.isna()]
            if len(unknown):
                raise LayerError(
                    four_parts(
                        f"Generators of a pandapower network need `{kind}.max_p_mw`",
                        f"it is missing for {shown(unknown)}",
                        "the largest output of each in MW",
                        f"net.{kind}['max_p_mw'] = ...",
                    )
                )
        parts.append(
            pd.DataFrame(
                {
                    "bus": table["bus"].to_numpy(),
                    "p_mw": made.to_numpy(),
                    "p_max_mw": most.clip(lower=0.0).to_numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _table(
    other: Any, kind: str, needed: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Return what is in service of one kind, with the columns that are needed."""
    columns = _NEEDED[kind] if needed is None else needed
    found = getattr(other, kind, None)
    if found is None or not len(found):
        if kind == "bus":
            raise LayerError(
                four_parts(
                    "A pandapower network needs the table `bus`",
                    f"{type(other).__name__} has none, or an empty one",
                    "the tables bus, line, trafo, load, gen and so on",
                    "Network.from_pandapower(pandapower.from_json(path))",
                )
            )
        return pd.DataFrame({c: pd.Series(dtype=float) for c in columns})
    table = pd.DataFrame(found)
    for column in columns:
        if column not in table.columns:
            have = [str(c) for c in table.columns]
            raise LayerError(
                four_parts(
                    f"The pandapower table `{kind}` needs the column `{column}`",
                    f"found {shown(have)}{nearest_name(column, have)}",
                    f"needed are {shown(columns)}",
                    f"net.{kind}[{column!r}] = ...",
                )
            )
    if "in_service" in table.columns:
        table = table[table["in_service"].astype(bool)]
    return table


def _not_read(what: str) -> LayerError:
    return LayerError(
        four_parts(
            "A pandapower network was given",
            f"it has in service what is not read: {what}",
            "lines, transformers of two windings, loads, shunts, generators, DC lines",
            "replace them (pandapower.toolbox.replace_*, fuse_buses), or set them out "
            "of service",
        )
    )


def _floats(
    table: pd.DataFrame, column: str, default: float | None = None
) -> pd.Series[Any]:
    if column in table.columns:
        values = pd.to_numeric(table[column], errors="coerce").astype(float)
        return (
            values
            if default is None or column.startswith("max")
            else (values.fillna(default))
        )
    return pd.Series(np.nan if default is None else default, index=table.index)


def _texts(table: pd.DataFrame, column: str) -> pd.Series[Any]:
    if column in table.columns:
        return table[column].astype(str)
    return pd.Series("", index=table.index)
