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

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
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
from siteselect.infrastructure.grid.network import BASE_MVA, FloatArray, Network

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


def _finite(values: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series(np.isfinite(values), values.index)


_A_NUMBER: Final = "a finite number is allowed"
_A_BUS: Final = "the number of a row of mpc.bus is allowed"
# Name in MATPOWER, what may be, and which values are good.
_GOOD: Final[
    Mapping[
        str,
        Mapping[str, tuple[str, str, Callable[[pd.Series[Any]], pd.Series[Any]]]],
    ]
] = {
    "bus": {
        "bus": ("bus_i", "a whole number, each once, is allowed", lambda v: v % 1 == 0),
        "load_mw": ("Pd", _A_NUMBER, _finite),
        "shunt_mw": ("Gs", _A_NUMBER, _finite),
        "base_kv": (
            "baseKV",
            "a voltage above 0 kV is allowed, or 0 where it is unknown",
            lambda v: _finite(v) & (v >= 0),
        ),
    },
    "gen": {
        "bus": ("bus", _A_BUS, _finite),
        "p_mw": ("Pg", _A_NUMBER, _finite),
        "p_max_mw": (
            "Pmax",
            "a number of MW is allowed, or Inf for no limit",
            lambda v: v > -np.inf,
        ),
    },
    "branch": {
        "from_bus": ("fbus", _A_BUS, _finite),
        "to_bus": ("tbus", _A_BUS, _finite),
        "x_pu": (
            "x",
            "a finite reactance other than 0 is allowed",
            lambda v: _finite(v) & (v != 0),
        ),
        "rating_mva": (
            "rateA",
            "0 MVA or more is allowed; 0 is no limit",
            lambda v: v >= 0,
        ),
        "ratio": ("ratio", _A_NUMBER, _finite),
    },
    "dcline": {
        "from_bus": ("fbus", _A_BUS, _finite),
        "to_bus": ("tbus", _A_BUS, _finite),
        "p_mw": ("Pf", _A_NUMBER, _finite),
    },
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
        holds text where a number belongs, or a figure that cannot be. The message
        names matrix, column and rows.

    Warns
    -----
    DataQualityWarning
        If there are phase shifts, which are left out, expressions after the
        matrices that change them, or generators without a largest output, or with
        none although they run: their ``Pg`` is taken for it.

    Notes
    -----
    As in MATPOWER's own DC flow, a reactance counts times its tap ratio, and the
    conductance of a shunt is a load of ``Gs`` MW at 1 pu. ``rateA`` is the rating; 0
    is no limit. A ``baseKV`` of 0 is an unknown voltage: flows do not need it. Sums,
    products, quotients and square roots of numbers, such as ``50/3``, are worked out.

    A generator with ``Pmax`` of 0 or below that draws (a dispatchable load) is a load
    of its ``Pg``. One that runs (``Pg`` above 0) although its ``Pmax`` is 0 or below
    has its ``Pg`` as its largest output, and so has one whose ``Pmax`` is infinite: it
    has no spare output beyond that, for no amount of it is stated. Both warn.
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
    for matrix in ("gen", "branch", "dcline"):
        table = found[matrix]
        table = table[table["status"] > 0]
        for end in ("bus", "from_bus", "to_bus"):
            if end in table:
                table = table[~_gone(table[end], found["bus"])]
        found[matrix] = table
    found["bus"] = found["bus"][found["bus"]["type"] != _ISOLATED]
    _check_cases(name, found)
    bus, gen = found["bus"], found["gen"]
    branch, dcline = found["branch"], found["dcline"]
    shifts = int((branch["shift"] != 0).sum())
    if shifts:
        warnings.warn(
            f"{name}: {shifts} phase shifts are left out; flows near them are off",
            DataQualityWarning,
            stacklevel=3,
        )
    gen = _with_largest(name, gen)
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
                "base_kv": bus["base_kv"].where(bus["base_kv"] != 0),
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
    value = _worked_out(found.group(1).strip())
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
        values = _figures(rows).reshape(len(rows), -1)
    except ValueError as error:
        raise LayerError(
            four_parts(
                f"The MATPOWER case {name!r} has the matrix `mpc.{what}`",
                f"it holds what is no number ({error})",
                "numbers, or simple arithmetic of them without spaces, such as 50/3",
                "write the case out with MATPOWER's `savecase`",
            )
        ) from error
    if not len(rows):
        return pd.DataFrame(columns=list(columns), dtype=np.float64)
    # Numbered as they stand in the file.
    return pd.DataFrame(
        {key: values[:, at] for key, at in columns.items()},
        index=pd.RangeIndex(1, len(rows) + 1),
    )


def _figures(rows: list[list[str]]) -> FloatArray:
    """Return the numbers of a matrix; raise a ValueError where one is none."""
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        values = [[_worked_out(word) for word in row] for row in rows]
        for row, found in zip(rows, values, strict=True):
            for word, value in zip(row, found, strict=True):
                if np.isnan(value) and word.lower() != "nan":
                    raise ValueError(f"found {word!r}") from None
        return np.array(values, dtype=np.float64)


# Sums, products, quotients and roots, as MATLAB and Python write them alike.
_ARITHMETIC: Final = re.compile(r"(?:sqrt(?=\()|[0-9.eE+\-*/() \t]){1,200}")
_OPERATIONS: Final[Mapping[type[ast.AST], Callable[..., float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def _worked_out(text: str) -> float:
    """Return a number, or simple arithmetic of numbers; NaN where it is neither."""
    try:
        return float(text)
    except ValueError:
        pass
    if not _ARITHMETIC.fullmatch(text):
        return float("nan")
    try:
        return _value_of(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return float("nan")


def _value_of(node: ast.AST) -> float:
    """Return what a parsed expression of numbers comes to; nothing else is run."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value_of(node.left), _value_of(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value_of(node.operand))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "sqrt"
        and len(node.args) == 1
        and not node.keywords
    ):
        return math.sqrt(_value_of(node.args[0]))
    raise ValueError(f"{type(node).__name__} is no arithmetic")


def _check_cases(name: str, found: Mapping[str, pd.DataFrame]) -> None:
    """Refuse figures that cannot be, in the words of the file and not of our tables."""
    known = found["bus"]["bus"]
    for matrix, table in found.items():
        for column, (theirs, allowed, is_good) in _GOOD[matrix].items():
            values = table[column]
            good = is_good(values)
            if column in ("from_bus", "to_bus") or (matrix, column) == ("gen", "bus"):
                good = values.isin(known)
            elif (matrix, column) == ("bus", "bus"):
                good &= ~values.duplicated(keep=False)
            _refuse(name, matrix, theirs, values[~good], allowed)
        if matrix == "branch":
            loops = table["from_bus"] == table["to_bus"]
            allowed = "a branch between two buses is allowed"
            _refuse(name, matrix, "fbus, tbus", table["to_bus"][loops], allowed)


def _refuse(
    name: str, matrix: str, column: str, bad: pd.Series[Any], allowed: str
) -> None:
    if len(bad):
        raise LayerError(
            four_parts(
                f"The MATPOWER case {name!r} has `mpc.{matrix}` with {column}",
                f"{len(bad):,} rows cannot be: row {shown(bad.index)} (counted from "
                f"1), such as {float(bad.iloc[0]):g}",
                allowed,
                f"Mend these rows of mpc.{matrix} in {name!r}",
            )
        )


def _with_largest(name: str, gen: pd.DataFrame) -> pd.DataFrame:
    """Return generators with a largest output, their own where none is stated."""
    endless = np.isinf(gen["p_max_mw"])
    denied = (gen["p_max_mw"] <= 0) & (gen["p_mw"] > 0)
    for rows, what in (
        (endless, "have an unlimited Pmax"),
        (denied, "run at Pg above 0 with a Pmax of 0 or below"),
    ):
        if rows.any():
            warnings.warn(
                f"{name}: {int(rows.sum())} generators {what} (rows "
                f"{shown(gen.index[rows])} of mpc.gen); Pg is taken for their largest "
                "output, so no spare output beyond it is counted",
                DataQualityWarning,
                stacklevel=4,
            )
    largest = gen["p_max_mw"].where(~(endless | denied), gen["p_mw"].clip(lower=0.0))
    return gen.assign(p_max_mw=largest)


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
        there are any, ``links`` and ``shunt_impedances`` will do.
    snapshot : label, optional
        Snapshot whose set points are taken; the first by default.

    Returns
    -------
    Network
        Branches are named ``"Line <name>"`` and ``"Transformer <name>"``. Links
        transfer their ``p_set``, as DC lines; what their ``efficiency`` takes off is a
        load where they end, and what further ports give is an infeed there. Components
        that are not active are left out.

    Raises
    ------
    LayerError
        If a table or column is missing, the snapshot is unknown, or what a DC flow
        cannot tell is in it: line types (``type`` set), storage or processes with a
        set point.

    Warns
    -----
    DataQualityWarning
        If there are phase shifts, which are left out.

    Notes
    -----
    As in PyPSA [1]_: ``x`` of a line is in ohm, turned into pu by ``v_nom`` squared
    over 100 MVA; that of a transformer is in pu of its ``s_nom`` and counts times
    ``tap_ratio``. The rating is ``s_nom`` times ``s_max_pu``; 0 or infinite is no
    limit. A generator's largest output is ``p_nom`` times ``p_max_pu``; one of
    negative ``sign`` draws its ``p_set``, and its largest output is what ``p_min_pu``
    allows. The conductance ``g`` of a shunt is a load at nominal voltage. Between buses
    of the carrier "DC" the resistance ``r`` of a line counts in place of ``x``. A set
    point that is missing is 0.

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
    shunts = reader.table("shunt_impedances", ("bus",))
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
    for kind, at in (
        ("storage_units", "bus"),
        ("stores", "bus"),
        ("processes", "bus0"),
    ):
        table = reader.table(kind, (at,))
        busy = table.index[reader.set_points(kind, table) != 0]
        if len(busy):
            raise LayerError(
                four_parts(
                    "A PyPSA network with storage or processes was given",
                    f"{kind} with a set point: {shown(busy)}",
                    "generators and loads; storage and processes at rest",
                    "turn what it gives or takes into generators or loads",
                )
            )
    shifted = int((reader.values("transformers", trafos, "phase_shift", 0) != 0).sum())
    if shifted:
        warnings.warn(
            f"{shifted} phase shifts are left out; flows near them are off",
            DataQualityWarning,
            stacklevel=3,
        )
    kv = lines["bus0"].map(buses["v_nom"]).astype(float)
    # As in a DC network of PyPSA, where voltages drive flows and not angles.
    direct = lines["bus0"].map(_column(buses, "carrier", "AC")).astype(str) == "DC"
    ohm = lines["x"].astype(float).where(~direct, _column(lines, "r", 0.0))
    x_line = ohm.astype(float) * BASE_MVA / kv**2
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
    drawn = reader.set_points("loads", loads)
    drawn = drawn * _column(loads, "sign", -1.0).astype(float) * -1.0
    shunt = _column(shunts, "g", 0.0).astype(float)
    shunt = shunt * shunts["bus"].map(buses["v_nom"]).astype(float) ** 2
    shunt = shunt * _column(shunts, "sign", -1.0).astype(float) * -1.0
    load = drawn.groupby(loads["bus"]).sum().reindex(buses.index, fill_value=0.0)
    load = load.add(shunt.groupby(shunts["bus"]).sum(), fill_value=0.0)
    load = load.add(_off_the_dclines(reader, links), fill_value=0.0)
    sign = _column(generators, "sign", 1.0).astype(float)
    share = reader.values("generators", generators, "p_max_pu", 1.0)
    least = reader.values("generators", generators, "p_min_pu", 0.0)
    nominal = generators["p_nom"].astype(float) * sign
    largest = (nominal * share).where(sign >= 0, (nominal * least).clip(lower=0.0))
    dclines = pd.DataFrame(
        {
            "from_bus": links["bus0"].to_numpy(),
            "to_bus": links["bus1"].to_numpy(),
            "p_mw": reader.set_points("links", links).to_numpy(),
        }
    )
    return Network.from_tables(
        pd.DataFrame(
            {
                "bus": buses.index,
                "base_kv": buses["v_nom"].to_numpy(),
                "load_mw": load.reindex(buses.index).to_numpy(),
            }
        ),
        pd.concat(branches, ignore_index=True),
        pd.DataFrame(
            {
                "bus": generators["bus"].to_numpy(),
                "p_mw": (reader.set_points("generators", generators) * sign).to_numpy(),
                "p_max_mw": largest.to_numpy(),
            }
        ),
        dclines if len(dclines) else None,
    )


def _off_the_dclines(reader: _Pypsa, links: pd.DataFrame) -> pd.Series[Any]:
    """Return by bus what links draw beyond a transfer without losses [MW]."""
    sent = reader.set_points("links", links)
    lost = sent * (1.0 - reader.values("links", links, "efficiency", 1.0))
    drawn = [lost.groupby(links["bus1"]).sum()]
    for column in map(str, links.columns):
        port = column.removeprefix("bus")
        if not (column.startswith("bus") and port.isdecimal() and int(port) > 1):
            continue
        given = reader.values("links", links, f"efficiency{port}", 1.0)
        ends = links[column].astype(str)
        has_port = links[column].notna() & (ends != "")
        drawn.append(-(sent * given)[has_port].groupby(links[column][has_port]).sum())
    return pd.concat(drawn).groupby(level=0).sum()


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

    def set_points(self, kind: str, table: pd.DataFrame) -> pd.Series[Any]:
        """Return what is set at the snapshot; what is not set is at rest."""
        return self.values(kind, table, "p_set", 0.0).fillna(0.0)


def _column(table: pd.DataFrame, column: str, default: Any) -> pd.Series[Any]:
    if column in table.columns:
        return table[column].copy()
    return pd.Series(default, index=table.index)
