"""Networks from files and tables of other tools: MATPOWER and PyPSA.

Only what a DC power flow needs is read. What cannot be told in it is refused or
counted as said in each function: nothing is left out in silence.

References
----------
.. [1] R. D. Zimmerman, C. E. Murillo-Sánchez, R. J. Thomas, "MATPOWER:
   Steady-State Operations, Planning, and Analysis Tools for Power Systems Research
   and Education", IEEE Transactions on Power Systems 26 (2011) 12-19,
   doi:10.1109/TPWRS.2010.2051168; case format version 2 (`help caseformat`).
.. [2] T. Brown, J. Hörsch, D. Schlachtberger, "PyPSA: Python for Power System
   Analysis", Journal of Open Research Software 6 (2018) 4, doi:10.5334/jors.188.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from siteselect.errors import (
    DataQualityWarning,
    LayerError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.infrastructure.grid.network import BASE_MVA, Network

# Columns by place, as MATPOWER has them.
_MATPOWER: Final[Mapping[str, Mapping[str, int]]] = {
    "bus": {"bus": 0, "type": 1, "load_mw": 2, "shunt_mw": 4, "base_kv": 9},
    "gen": {"bus": 0, "p_mw": 1, "status": 7, "p_max_mw": 8},
    "branch": {
        "from_bus": 0,
        "to_bus": 1,
        "x_pu": 3,
        "rating_mva": 5,
        "ratio": 8,
        "shift": 9,
        "status": 10,
    },
    "dcline": {"from_bus": 0, "to_bus": 1, "status": 2, "p_mw": 3},
}
# A bus of this type is out of service.
_ISOLATED: Final = 4


def network_from_matpower(path: str | Path) -> Network:
    """Read a network from a MATPOWER case file (``.m``, format version 2).

    Parameters
    ----------
    path : str or Path
        The case file. The matrices ``mpc.bus``, ``mpc.gen`` and ``mpc.branch``, the
        number ``mpc.baseMVA`` and, where there is one, ``mpc.dcline`` are read as
        they stand; code in the file is not run.

    Returns
    -------
    Network
        Buses by their numbers; branches numbered from 1 as they stand in
        ``mpc.branch``. Branches, generators and DC lines out of service, and buses of
        type 4, are left out.

    Raises
    ------
    LayerError
        If the file cannot be read, a matrix is missing, ragged or too narrow, or
        holds text where a number belongs.

    Warns
    -----
    DataQualityWarning
        If there are phase shifts, which are left out, or expressions after the
        matrices that change them.

    Notes
    -----
    As in MATPOWER's own DC flow, a reactance counts times its tap ratio, and the
    conductance of a shunt is a load of ``Gs`` MW at 1 pu. ``rateA`` is the rating; 0
    is no limit. A generator with a negative ``Pmax`` (a dispatchable load) is a load
    of its ``Pg``.
    """
    name = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise LayerError(
            four_parts(
                f"The MATPOWER case {name!r} was asked for",
                f"it cannot be read ({error.strerror})",
                "a text file with a MATPOWER case, format version 2",
                "give the path of a .m file",
            )
        ) from error
    text = _without_comments(text)
    base = _scalar(name, text, "baseMVA")
    found = {
        matrix: _matrix(name, text, matrix)
        for matrix in ("bus", "gen", "branch", "dcline")
    }
    _warn_of_code(name, text)
    bus, gen, branch = found["bus"], found["gen"], found["branch"]
    bus = bus[bus["type"] != _ISOLATED]
    for matrix in ("gen", "branch", "dcline"):
        table = found[matrix]
        # Numbered as they stand in the file.
        table.index = pd.RangeIndex(1, len(table) + 1)
        table = table[table["status"] > 0]
        for end in ("bus", "from_bus", "to_bus"):
            if end in table:
                table = table[~_gone(table[end], found["bus"])]
        found[matrix] = table
    gen, branch, dcline = found["gen"], found["branch"], found["dcline"]
    shifts = int((branch["shift"] != 0).sum())
    if shifts:
        warnings.warn(
            f"{name}: {shifts} phase shifts are left out; flows near them are off",
            DataQualityWarning,
            stacklevel=3,
        )
    drawing = gen["p_max_mw"] <= 0
    drawn = -gen["p_mw"].where(drawing & (gen["p_mw"] < 0), 0.0)
    drawn = drawn.groupby(gen["bus"]).sum()
    load = bus["load_mw"] + bus["shunt_mw"]
    load = load + bus["bus"].map(drawn).fillna(0.0)
    gen = gen[~drawing]
    ratio = branch["ratio"].where(branch["ratio"] != 0, 1.0)
    return Network.from_tables(
        pd.DataFrame(
            {
                "bus": bus["bus"].astype("int64"),
                "base_kv": bus["base_kv"],
                "load_mw": load,
            }
        ),
        pd.DataFrame(
            {
                "branch": branch.index,
                "from_bus": branch["from_bus"].astype("int64"),
                "to_bus": branch["to_bus"].astype("int64"),
                "x_pu": branch["x_pu"] * ratio * (BASE_MVA / base),
                "rating_mva": branch["rating_mva"],
            }
        ),
        gen[["bus", "p_mw", "p_max_mw"]].astype({"bus": "int64"}),
        dcline[["from_bus", "to_bus", "p_mw"]].astype(
            {"from_bus": "int64", "to_bus": "int64"}
        )
        if len(dcline)
        else None,
    )


def _gone(ends: pd.Series[Any], bus: pd.DataFrame) -> pd.Series[Any]:
    return ends.isin(bus.loc[bus["type"] == _ISOLATED, "bus"])


def _without_comments(text: str) -> str:
    """Return a case without comments and line continuations."""
    text = re.sub(r"(?ms)^\s*%\{\s*$.*?^\s*%\}\s*$", "", text)
    # A percent sign within quotes is none: bus names may hold one.
    kept = []
    for line in text.splitlines():
        quoted, out = False, len(line)
        for k, letter in enumerate(line):
            if letter == "'" and (quoted or not line[:k].rstrip()[-1:].isalnum()):
                quoted = not quoted
            elif letter == "%" and not quoted:
                out = k
                break
        kept.append(line[:out])
    return re.sub(r"\.\.\.[^\n]*\n", " ", "\n".join(kept))


def _missing(name: str, what: str, text: str) -> LayerError:
    there = sorted(set(re.findall(r"mpc\.(\w+)\s*=", text)))
    return LayerError(
        four_parts(
            f"The MATPOWER case {name!r} needs `mpc.{what}`",
            f"found {shown(there) if there else 'no assignments to mpc'}"
            + nearest_name(what, there),
            "mpc.baseMVA and the matrices mpc.bus, mpc.gen and mpc.branch",
            "write the case out with MATPOWER's `savecase`",
        )
    )


def _scalar(name: str, text: str, what: str) -> float:
    found = re.search(rf"\bmpc\.{what}\s*=\s*([^;\n]+)", text)
    if found is None:
        raise _missing(name, what, text)
    try:
        value = float(found.group(1))
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and value > 0):
        raise LayerError(
            four_parts(
                f"The MATPOWER case {name!r} has `mpc.{what}`",
                f"it is {found.group(1).strip()!r}",
                "a number above 0",
                f"write mpc.{what} = 100;",
            )
        )
    return value


def _matrix(name: str, text: str, what: str) -> pd.DataFrame:
    """Return the columns of one matrix that a DC flow needs."""
    columns = _MATPOWER[what]
    found = re.search(rf"\bmpc\.{what}\s*=\s*\[(.*?)\]", text, re.DOTALL)
    if found is None:
        if what == "dcline":
            return pd.DataFrame(columns=list(columns), dtype=np.float64)
        raise _missing(name, what, text)
    rows = [
        row.replace(",", " ").split()
        for row in re.split(r"[;\n]", found.group(1))
        if row.strip(" ,\t\r")
    ]
    widths = sorted({len(row) for row in rows})
    least = max(columns.values()) + 1
    if len(widths) > 1 or (widths and widths[0] < least):
        raise LayerError(
            four_parts(
                f"The MATPOWER case {name!r} has the matrix `mpc.{what}`",
                f"its {len(rows):,} rows have {shown(widths)} columns",
                f"rows of one length, {least} columns or more",
                "write the case out with MATPOWER's `savecase`",
            )
        )
    try:
        values = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    except ValueError as error:
        raise LayerError(
            four_parts(
                f"The MATPOWER case {name!r} has the matrix `mpc.{what}`",
                f"it holds what is no number ({error})",
                "numbers as they stand, no expressions",
                "write the case out with MATPOWER's `savecase`",
            )
        ) from error
    if not len(rows):
        return pd.DataFrame(columns=list(columns), dtype=np.float64)
    return pd.DataFrame({key: values[:, at] for key, at in columns.items()})


def _warn_of_code(name: str, text: str) -> None:
    """Warn where the file goes on to change its matrices, which is not followed."""
    changed = sorted(
        set(re.findall(r"\bmpc\.(bus|gen|branch|dcline|baseMVA)\s*\([^=\n]*=", text))
    )
    if changed:
        warnings.warn(
            f"{name}: code in the file changes mpc.{', mpc.'.join(changed)}, and code "
            "is not run; write the case out with MATPOWER's savecase",
            DataQualityWarning,
            stacklevel=4,
        )


def network_from_pypsa(other: Any, snapshot: Any = None) -> Network:
    """Read a network from a ``pypsa.Network``.

    Parameters
    ----------
    other : pypsa.Network
        The network. PyPSA itself is not imported: any object with the tables
        ``buses``, ``lines``, ``transformers``, ``generators``, ``loads`` and, where
        there are any, ``links`` will do.
    snapshot : label, optional
        Snapshot whose set points are taken; the first by default.

    Returns
    -------
    Network
        Branches are named ``"Line <name>"`` and ``"Transformer <name>"``. Links
        transfer their ``p_set``, as DC lines without losses. Components that are not
        active are left out.

    Raises
    ------
    LayerError
        If a table or column is missing, the snapshot is unknown, or what a DC flow
        cannot tell is in it: line types (``type`` set), storage with a set point.

    Warns
    -----
    DataQualityWarning
        If there are phase shifts, which are left out.

    Notes
    -----
    As in PyPSA [1]_: ``x`` of a line is in ohm, turned into pu by ``v_nom`` squared
    over 100 MVA; that of a transformer is in pu of its ``s_nom`` and counts times
    ``tap_ratio``. The rating is ``s_nom`` times ``s_max_pu``; 0 or infinite is no
    limit. A generator's largest output is ``p_nom`` times ``p_max_pu``.

    References
    ----------
    .. [1] PyPSA documentation, "Power Flow", https://docs.pypsa.org
    """
    reader = _Pypsa(other, snapshot)
    buses = reader.table("buses", ("v_nom",))
    lines = reader.table("lines", ("bus0", "bus1", "x", "s_nom"))
    trafos = reader.table("transformers", ("bus0", "bus1", "x", "s_nom"))
    generators = reader.table("generators", ("bus", "p_nom"))
    loads = reader.table("loads", ("bus",))
    links = reader.table("links", ("bus0", "bus1"))
    for kind, table in (("lines", lines), ("transformers", trafos)):
        typed = table.index[_column(table, "type", "").astype(str).str.len() > 0]
        if len(typed):
            raise LayerError(
                four_parts(
                    f"A PyPSA network with {kind} was given",
                    f"{len(typed):,} take their reactance from a type: {shown(typed)}",
                    "reactances in `x`",
                    "run n.calculate_dependent_values() and clear the column `type`",
                )
            )
    for kind in ("storage_units", "stores"):
        table = reader.table(kind, ("bus",))
        busy = table.index[reader.values(kind, table, "p_set", 0.0) != 0]
        if len(busy):
            raise LayerError(
                four_parts(
                    "A PyPSA network with storage was given",
                    f"{kind} with a set point: {shown(busy)}",
                    "generators and loads; storage at rest",
                    "turn what it gives or takes into generators or loads",
                )
            )
    shifted = int((_column(trafos, "phase_shift", 0.0).astype(float) != 0).sum())
    if shifted:
        warnings.warn(
            f"{shifted} phase shifts are left out; flows near them are off",
            DataQualityWarning,
            stacklevel=3,
        )
    kv = lines["bus0"].map(buses["v_nom"]).astype(float)
    x_line = lines["x"].astype(float) * BASE_MVA / kv**2
    x_trafo = (
        trafos["x"].astype(float)
        * (BASE_MVA / trafos["s_nom"].astype(float))
        * _column(trafos, "tap_ratio", 1.0).astype(float)
    )
    branches = []
    for kind, name, table, x in (
        ("lines", "Line", lines, x_line),
        ("transformers", "Transformer", trafos, x_trafo),
    ):
        rating = table["s_nom"].astype(float)
        rating = rating * reader.values(kind, table, "s_max_pu", 1.0)
        branches.append(
            pd.DataFrame(
                {
                    "branch": [f"{name} {label}" for label in table.index],
                    "from_bus": table["bus0"].to_numpy(),
                    "to_bus": table["bus1"].to_numpy(),
                    "x_pu": x.to_numpy(),
                    "rating_mva": rating.where(np.isfinite(rating)).to_numpy(),
                }
            )
        )
    drawn = reader.values("loads", loads, "p_set", 0.0)
    drawn = drawn * _column(loads, "sign", -1.0).astype(float) * -1.0
    largest = generators["p_nom"].astype(float)
    largest = largest * reader.values("generators", generators, "p_max_pu", 1.0)
    dclines = pd.DataFrame(
        {
            "from_bus": links["bus0"].to_numpy(),
            "to_bus": links["bus1"].to_numpy(),
            "p_mw": reader.values("links", links, "p_set", 0.0).to_numpy(),
        }
    )
    return Network.from_tables(
        pd.DataFrame(
            {
                "bus": buses.index,
                "base_kv": buses["v_nom"].to_numpy(),
                "load_mw": drawn.groupby(loads["bus"])
                .sum()
                .reindex(buses.index, fill_value=0.0)
                .to_numpy(),
            }
        ),
        pd.concat(branches, ignore_index=True),
        pd.DataFrame(
            {
                "bus": generators["bus"].to_numpy(),
                "p_mw": reader.values(
                    "generators", generators, "p_set", 0.0
                ).to_numpy(),
                "p_max_mw": largest.to_numpy(),
            }
        ),
        dclines if len(dclines) else None,
    )


class _Pypsa:
    """Tables of a PyPSA network at one snapshot."""

    def __init__(self, other: Any, snapshot: Any) -> None:
        self.other, self.snapshot = other, snapshot
        snapshots = getattr(other, "snapshots", None)
        if snapshots is not None and len(snapshots):
            if snapshot is None:
                self.snapshot = snapshots[0]
            elif snapshot not in snapshots:
                raise LayerError(
                    four_parts(
                        f"The snapshot {snapshot!r} of a PyPSA network was asked for",
                        f"it has {len(snapshots):,} and not this one",
                        f"one of n.snapshots, such as {shown(snapshots[:3])}",
                        "leave it out for the first",
                    )
                )

    def table(self, kind: str, needed: tuple[str, ...]) -> pd.DataFrame:
        found = getattr(self.other, kind, None)
        found = getattr(found, "static", found)
        if found is None:
            if kind in ("buses", "lines", "generators", "loads"):
                raise LayerError(
                    four_parts(
                        f"A PyPSA network needs the table `{kind}`",
                        f"{type(self.other).__name__} has none",
                        "buses, lines, generators and loads",
                        "Network.from_pypsa(pypsa.Network(path))",
                    )
                )
            return pd.DataFrame(columns=list(needed))
        table = pd.DataFrame(found)
        for column in needed:
            if column not in table.columns:
                if not len(table):
                    table = table.assign(**{column: pd.Series(dtype=float)})
                    continue
                have = [str(c) for c in table.columns]
                raise LayerError(
                    four_parts(
                        f"The PyPSA table `{kind}` needs the column `{column}`",
                        f"found {shown(have)}{nearest_name(column, have)}",
                        f"needed are {shown(needed)}",
                        f"add it: n.{kind}[{column!r}] = ...",
                    )
                )
        return table[_column(table, "active", True).astype(bool)]

    def values(
        self, kind: str, table: pd.DataFrame, column: str, default: float
    ) -> pd.Series[Any]:
        """Return a column at the snapshot: by time where it is given so."""
        out = _column(table, column, default).astype(float)
        varying = getattr(self.other, f"{kind}_t", None)
        varying = None if varying is None else varying.get(column)
        if varying is not None and len(varying.columns):
            now = varying.loc[self.snapshot]
            own = out.index.intersection(now.index)
            out.loc[own] = now.loc[own].astype(float)
        return out


def _column(table: pd.DataFrame, column: str, default: Any) -> pd.Series[Any]:
    if column in table.columns:
        return table[column].copy()
    return pd.Series(default, index=table.index)
