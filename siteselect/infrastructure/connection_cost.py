"""What it costs to join the grid: tie line, substation, bay and transformers.

Figures by region and voltage come from `line_cost_table`; they are older than the
rest and are escalated to dollars of 2025 (parameter ``line_escalation``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure._site_numbers import plain_numbers
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.parameter_table import parameter_values

__all__ = [
    "TERRAINS",
    "connection_ends_usd",
    "interconnection_usd",
    "line_cost_table",
    "terrain_multiplier",
    "tie_line_usd",
    "transformer_usd_per_mw",
    "voltage_cap_mw",
    "voltage_class_kv",
]

Floats = npt.NDArray[np.float64]
Overrides = Mapping[str, float | str]

KM_PER_MILE = 1.609344
VOLTAGE_CLASSES_KV = (115, 138, 230, 345, 500, 765)
# A class begins where its voltage does; 161 kV counts as 138, 287 kV as 230.
_CLASS_BEGINS_KV = np.array([0.0, 138.0, 230.0, 345.0, 500.0, 765.0])
_SHORT_MILES, _MEDIUM_MILES = 3.0, 10.0
#: Ground a tie line may cross; "flat" is open and dry.
TERRAINS = ("flat", "hill", "mountain", "forest", "wetland")
# What the ground is covered with takes the place of town; its shape adds to it.
_COVERS = ("forest", "wetland")


def _floats(values: npt.ArrayLike) -> Floats:
    return plain_numbers(values, "a figure of the sites")


def line_cost_table() -> pd.DataFrame:
    """Return line, substation, bay and transformer costs by region and voltage.

    Returns
    -------
    DataFrame
        Columns ``region``, ``voltage_kv``, ``line_usd_per_mile`` [one circuit,
        flat open ground], ``substation_usd``, ``bay_usd`` [each],
        ``transformer_usd_per_mva``, ``year`` and ``source``; dollars before
        escalation to 2025.

    Examples
    --------
    >>> from siteselect.infrastructure import line_cost_table
    >>> table = line_cost_table().set_index(["region", "voltage_kv"])
    >>> int(table.loc[("MISO", 230), "line_usd_per_mile"])
    1690000
    """
    return fact_table("lines")


def _class_position(voltage_kv: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the position in VOLTAGE_CLASSES_KV, -1 for an unknown voltage."""
    voltage = _floats(voltage_kv)
    position = np.searchsorted(_CLASS_BEGINS_KV, voltage, side="right") - 1
    return np.where(np.isnan(voltage), -1, position).astype(np.int64)


def _by_class(voltage_kv: npt.ArrayLike, figures: npt.ArrayLike) -> Floats:
    """Return the figure of each voltage's class, NaN for an unknown voltage."""
    padded = np.append(_floats(figures), np.nan)
    result: Floats = padded[_class_position(voltage_kv)]
    return result


def voltage_class_kv(voltage_kv: npt.ArrayLike) -> Floats:
    """Return the voltage class whose figures serve a voltage.

    Parameters
    ----------
    voltage_kv : array_like
        Nominal voltage [kV].

    Returns
    -------
    ndarray of float
        115, 138, 230, 345, 500 or 765 [kV]: the highest class not above the
        voltage, and 115 for anything lower. NaN stays NaN.

    Examples
    --------
    >>> from siteselect.infrastructure import voltage_class_kv
    >>> voltage_class_kv([100, 161, 345]).tolist()
    [115.0, 138.0, 345.0]
    """
    return _by_class(voltage_kv, VOLTAGE_CLASSES_KV)


def voltage_cap_mw(
    voltage_kv: npt.ArrayLike, *, parameters: Overrides | None = None
) -> Floats:
    """Return the most that one connection of a voltage is taken to carry.

    Parameters
    ----------
    voltage_kv : array_like
        Nominal voltage [kV].
    parameters : mapping, optional
        Other values for the ``voltage_cap_*`` parameters.

    Returns
    -------
    ndarray of float
        Facility MW; NaN where the voltage is unknown.

    References
    ----------
    Parameters ``voltage_cap_115kv_mw`` to ``voltage_cap_765kv_mw``.

    Examples
    --------
    >>> from siteselect.infrastructure import voltage_cap_mw
    >>> voltage_cap_mw([138, 230, 345, 500]).tolist()
    [205.0, 400.0, 750.0, 1500.0]
    """
    values = parameter_values(parameters)
    caps = [values[f"voltage_cap_{kv}kv_mw"] for kv in VOLTAGE_CLASSES_KV]
    return _by_class(voltage_kv, caps)


def _region_positions(region: pd.Series | npt.ArrayLike) -> tuple[list[str], Floats]:
    """Return the regions of the table and each row's position, -1 if unknown."""
    regions = list(dict.fromkeys(line_cost_table()["region"]))
    index = pd.Index(regions)
    return regions, index.get_indexer(pd.Index(np.asarray(region, dtype="object")))


def _network_figures(
    column: str, region: pd.Series | npt.ArrayLike, voltage_kv: npt.ArrayLike
) -> Floats:
    """Return a column of the line-cost table by region and voltage."""
    regions, row = _region_positions(region)
    table = line_cost_table().pivot(index="region", columns="voltage_kv", values=column)
    grid = table.reindex(index=regions, columns=VOLTAGE_CLASSES_KV).to_numpy("float64")
    # One row and column of NaN more, so that position -1 means unknown.
    padded = np.pad(grid, ((0, 1), (0, 1)), constant_values=np.nan)
    result: Floats = padded[row, _class_position(voltage_kv)]
    return result


def _network_escalation(values: Mapping[str, float]) -> float:
    return (
        values["line_escalation"]
        * (1.0 + values["line_contingency"])
        * (1.0 + values["line_afudc"])
    )


def terrain_multiplier(
    terrain: pd.Series | npt.ArrayLike,
    people_per_km2: npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return how many times more a line costs than on flat open ground.

    Parameters
    ----------
    terrain : array_like of str, shape (n,)
        "flat", "hill" (slope above 2 %), "mountain" (above 8 %), "forest" or
        "wetland"; None or NaN where unknown, which counts as flat.
    people_per_km2 : array_like
        Density around the site; suburban and urban ground costs more.
    parameters : mapping, optional
        Other values for the ``line_*_multiplier`` and ``*_people_per_km2``
        parameters.

    Returns
    -------
    ndarray of float, shape (n,)
        Ratio; NaN where the density is unknown. Hill and mountain multiply the
        factor of town; of forest or wetland and town the greater counts, since a
        place is covered by one of them.

    Raises
    ------
    StudyError
        If a terrain is none of these; the message lists the rows.

    References
    ----------
    NREL reVX least-cost transmission configuration (multipliers); how they combine
    is judgement.

    Examples
    --------
    >>> from siteselect.infrastructure import terrain_multiplier
    >>> terrain_multiplier(["flat", "hill", None], 20.0).tolist()
    [1.0, 1.3, 1.0]
    """
    values = parameter_values(parameters)
    density = _floats(people_per_km2)
    town = np.select(
        [
            density >= values["urban_people_per_km2"],
            density >= values["suburban_people_per_km2"],
            density >= 0.0,
        ],
        [values["line_urban_multiplier"], values["line_suburban_multiplier"], 1.0],
        np.nan,
    )
    words = np.asarray(terrain, dtype="object")
    missing = pd.isna(words)
    odd = ~missing & ~np.isin(np.where(missing, "", words).astype(str), TERRAINS)
    if odd.any():
        found = words[odd][0]
        labels = (
            terrain.index[odd] if isinstance(terrain, pd.Series) else np.nonzero(odd)[0]
        )
        raise StudyError(
            four_parts(
                "The terrain of a tie line sets its cost",
                f"{int(odd.sum())} rows of column 'terrain' hold another word, such as "
                f"{found!r}: {shown(labels)}.{nearest_name(str(found), TERRAINS)}",
                f"allowed are {shown(TERRAINS)}, or nothing where unknown",
                'map your own words: sites["terrain"].map({"woods": "forest"})',
            )
        )
    result = np.broadcast_to(town, np.broadcast_shapes(town.shape, words.shape)).copy()
    for name in TERRAINS[1:]:
        factor = values[f"line_{name}_multiplier"]
        changed = np.maximum(result, factor) if name in _COVERS else result * factor
        result = np.where(words == name, changed, result)
    return result


def tie_line_usd(
    substation_km: npt.ArrayLike,
    voltage_kv: npt.ArrayLike,
    region: pd.Series | npt.ArrayLike,
    people_per_km2: npt.ArrayLike,
    terrain: pd.Series | npt.ArrayLike | None = None,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the capital cost of the line from the site to a substation.

    By voltage, length and ground. Short lines cost more per mile (1.5 times below 3
    miles, 1.2 times below 10); so that a longer line is never cheaper, its cost is
    at least that of the longest line of the shorter kind.

    Parameters
    ----------
    substation_km : array_like
        Straight distance to the substation [km].
    voltage_kv : array_like
        Voltage of the substation [kV].
    region : array_like of str
        A region of `line_cost_table`.
    people_per_km2 : array_like
        Density around the site.
    terrain : array_like of str, optional
        As in `terrain_multiplier`; without it all ground counts as flat.
    parameters : mapping, optional
        Other values for the ``line_*`` and ``tie_line_circuits`` parameters.

    Returns
    -------
    ndarray of float
        USD per site; NaN where an input is, but for the terrain.

    References
    ----------
    NREL reVX least-cost transmission configuration; MISO transmission cost
    estimation. See `line_cost_table` and `parameters`.

    Examples
    --------
    >>> from siteselect.infrastructure import tie_line_usd
    >>> round(float(tie_line_usd(10.0, 230, ["MISO"], 20.0)[0]) / 1e6, 1)
    36.3
    """
    values = parameter_values(parameters)
    miles = _floats(substation_km) / KM_PER_MILE * values["line_route_factor"]
    short, medium = values["line_short_factor"], values["line_medium_factor"]
    end_of_short = short * _SHORT_MILES
    end_of_medium = max(end_of_short, medium * _MEDIUM_MILES)
    charged = np.select(
        [miles < _SHORT_MILES, miles < _MEDIUM_MILES],
        [short * miles, np.maximum(end_of_short, medium * miles)],
        np.maximum(end_of_medium, miles),
    )
    charged = np.where(np.isnan(miles), np.nan, charged)
    words = np.full(miles.shape, None) if terrain is None else terrain
    ground = terrain_multiplier(words, people_per_km2, parameters=values)
    line = _network_figures("line_usd_per_mile", region, voltage_kv)
    result: Floats = (
        _network_escalation(values)
        * values["tie_line_circuits"]
        * line
        * charged
        * ground
    )
    return result


def connection_ends_usd(
    voltage_kv: npt.ArrayLike,
    region: pd.Series | npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the capital cost of a substation at the site and a bay at the far end.

    Parameters
    ----------
    voltage_kv : array_like
        Voltage of the connection [kV].
    region : array_like of str
        A region of `line_cost_table`.
    parameters : mapping, optional
        Other values for the ``line_*`` parameters that escalate.

    Returns
    -------
    ndarray of float
        USD per site; NaN where an input is unknown.

    References
    ----------
    NREL reVX least-cost transmission configuration, see `line_cost_table`.

    Examples
    --------
    >>> from siteselect.infrastructure import connection_ends_usd
    >>> round(float(connection_ends_usd(230, ["MISO"])[0]) / 1e6, 1)
    26.4
    """
    values = parameter_values(parameters)
    result: Floats = _network_escalation(values) * (
        _network_figures("substation_usd", region, voltage_kv)
        + _network_figures("bay_usd", region, voltage_kv)
    )
    return result


def interconnection_usd(
    substation_km: npt.ArrayLike,
    voltage_kv: npt.ArrayLike,
    region: pd.Series | npt.ArrayLike,
    people_per_km2: npt.ArrayLike,
    terrain: pd.Series | npt.ArrayLike | None = None,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the capital cost of joining the grid at a substation.

    `tie_line_usd` at the substation's voltage plus `connection_ends_usd`, times
    escalation, contingency and interest during construction.

    Parameters
    ----------
    substation_km : array_like
        Straight distance to the substation [km].
    voltage_kv : array_like
        Voltage of the substation [kV].
    region : array_like of str
        A region of `line_cost_table`.
    people_per_km2 : array_like
        Density around the site; suburban and urban ground costs more.
    terrain : array_like of str, optional
        As in `terrain_multiplier`; without it all ground counts as flat.
    parameters : mapping, optional
        Other values for the ``line_*`` and ``tie_line_circuits`` parameters.

    Returns
    -------
    ndarray of float
        USD per site; NaN where an input is, but for the terrain.

    Raises
    ------
    StudyError
        If a terrain is unknown.

    Notes
    -----
    Reinforcement of the network behind the substation is not counted.

    References
    ----------
    NREL reVX least-cost transmission configuration; MISO transmission cost
    estimation. See `line_cost_table` and `parameters`.

    Examples
    --------
    >>> from siteselect.infrastructure import interconnection_usd
    >>> round(float(interconnection_usd(10.0, 230, ["MISO"], 20.0)[0]) / 1e6, 1)
    62.7
    """
    values = parameter_values(parameters)
    result: Floats = tie_line_usd(
        substation_km, voltage_kv, region, people_per_km2, terrain, parameters=values
    ) + connection_ends_usd(voltage_kv, region, parameters=values)
    return result


def transformer_usd_per_mw(
    voltage_kv: npt.ArrayLike,
    region: pd.Series | npt.ArrayLike,
    *,
    parameters: Overrides | None = None,
) -> Floats:
    """Return the cost of the site's main transformers.

    Parameters
    ----------
    voltage_kv : array_like
        Voltage of the connection [kV].
    region : array_like of str
        A region of `line_cost_table`.
    parameters : mapping, optional
        Other values for ``transformer_mva_per_mw`` and the ``line_*``
        parameters that escalate.

    Returns
    -------
    ndarray of float
        USD per facility MW; NaN where an input is unknown.

    Examples
    --------
    >>> from siteselect.infrastructure import transformer_usd_per_mw
    >>> round(float(transformer_usd_per_mw(230, ["MISO"])[0]))
    14325
    """
    values = parameter_values(parameters)
    figures = _network_figures("transformer_usd_per_mva", region, voltage_kv)
    result: Floats = (
        _network_escalation(values) * values["transformer_mva_per_mw"] * figures
    )
    return result
