"""Hosting-capacity maps of utilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd

from siteselect.errors import LayerError, four_parts
from siteselect.layers.read import Source
from siteselect.layers.releases.fields import number, text
from siteselect.layers.releases.hifld import MOST_KV
from siteselect.layers.releases.vector import read_vector

__all__ = ["hosting_capacity"]

_MW_PER = {"MW": 1.0, "kW": 1e-3, "MVA": 1.0, "kVA": 1e-3}


def hosting_capacity(
    source: Source,
    *,
    capacity: str,
    serves: str,
    unit: str,
    feeder: str | None = None,
    kv: str | None = None,
    unknown: Sequence[str | float] = (),
    layer: str | None = None,
    crs: Any = None,
    vintage: str = "",
) -> gpd.GeoDataFrame:
    """Read the hosting-capacity map of a utility.

    There is no common layout, so you name the columns, their unit, and whether the
    figures are for new load or for new generation: most maps are for generation, which
    says little about load. Figures are per feeder, one at a time, and must not be
    added: use the best in reach, ``ss.Within(layer, radius_km=..., max=...)``.

    Parameters
    ----------
    source : path or GeoDataFrame
        The map as downloaded from the utility.
    capacity : str
        Column with the capacity.
    serves : {"load", "generation"}
        What may be connected.
    unit : {"MW", "kW", "MVA", "kVA"}
        Unit of that column; apparent power is taken at a power factor of 1.
    feeder : str, optional
        Column with the name of the feeder or bus.
    kv : str, optional
        Column with its voltage [kV].
    unknown : list of str or float
        What the utility writes where it does not know, such as -1 or ``"N/A"``.
    layer : str, optional
        Which layer of a file that holds several.
    crs : optional
        What the coordinates are in, for a file that does not say.
    vintage : str
        Of when it is.

    Returns
    -------
    GeoDataFrame
        ``feeder``, ``hosting_capacity_mw`` [MW], ``kv`` [kV] and ``serves``; lines,
        points or polygons as published.

    Raises
    ------
    LayerError
        If a column is missing or holds no numbers, a voltage is above 1,200 kV, or the
        unit is none of these.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"FEEDER": ["12A", "12B"], "MAX_LOAD_KW": ["3,500", "N/A"]},
    ...     geometry=[shapely.LineString([(-97, 32), (-97, 33)])] * 2, crs=4326,
    ... )
    >>> feeders = ss.releases.hosting_capacity(
    ...     published, capacity="MAX_LOAD_KW", unit="kW", serves="load",
    ...     feeder="FEEDER", unknown=["N/A"],
    ... )
    >>> feeders["hosting_capacity_mw"].tolist()
    [3.5, nan]
    """
    for option, value, allowed in (
        ("unit", unit, tuple(_MW_PER)),
        ("serves", serves, ("load", "generation")),
    ):
        if value not in allowed:
            raise LayerError(
                four_parts(
                    f"A hosting-capacity map is to be read with {option}={value!r}",
                    "there is none of that name",
                    f"{', '.join(allowed)} are allowed",
                    f"Pass e.g. `{option}={allowed[0]!r}`",
                )
            )
    marks = tuple(unknown)
    fields = (
        text("feeder", feeder or "", unknown=marks, needed=feeder is not None),
        number(
            "hosting_capacity_mw",
            capacity,
            unit="MW",
            unknown=marks,
            factor=_MW_PER[unit],
        ),
        number(
            "kv",
            kv or "",
            unit="kV",
            unknown=marks,
            needed=kv is not None,
            most=MOST_KV,
        ),
    )
    frame = read_vector(
        source, "hosting_capacity", fields, None, layer=layer, vintage=vintage, crs=crs
    )
    frame.insert(3, "serves", serves)
    return frame
