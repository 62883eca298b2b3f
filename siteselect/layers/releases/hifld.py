"""Substations and transmission lines of HIFLD Open."""

from __future__ import annotations

import geopandas as gpd

from siteselect.layers.read import Source
from siteselect.layers.releases.fields import flag, number, text
from siteselect.layers.releases.vector import read_vector

__all__ = ["hifld_substations", "hifld_transmission_lines"]

_UNSAID = ("NOT AVAILABLE", "UNKNOWN", -999999)
_NONE = (-999999, "NOT AVAILABLE")

#: No line anywhere runs at more; a larger figure is in volts [kV].
MOST_KV = 1200.0

SUBSTATIONS = (
    text("substation", "ID", unknown=_UNSAID),
    text("name", "NAME", unknown=_UNSAID),
    text("state", "STATE", unknown=_UNSAID),
    text("county", "COUNTYFIPS", unknown=_UNSAID, needed=False, digits=5),
    text("status", "STATUS", unknown=_UNSAID, needed=False),
    number("lines", "LINES", unit="lines", unknown=_NONE, needed=False),
    number("max_kv", "MAX_VOLT", unit="kV", unknown=_NONE, most=MOST_KV),
    number("min_kv", "MIN_VOLT", unit="kV", unknown=_NONE, needed=False, most=MOST_KV),
    flag("is_max_kv_inferred", "MAX_INFER", unknown=_UNSAID, needed=False),
)
LINES = (
    text("line", "ID", unknown=_UNSAID),
    text("type", "TYPE", unknown=_UNSAID, needed=False),
    text("status", "STATUS", unknown=_UNSAID, needed=False),
    text("owner", "OWNER", unknown=_UNSAID, needed=False),
    number("kv", "VOLTAGE", unit="kV", unknown=_NONE, most=MOST_KV),
    text("kv_class", "VOLT_CLASS", unknown=_UNSAID, needed=False),
    flag("is_kv_inferred", "INFERRED", unknown=_UNSAID, needed=False),
    text("from_substation", "SUB_1", unknown=_UNSAID, needed=False),
    text("to_substation", "SUB_2", unknown=_UNSAID, needed=False),
)


def hifld_substations(
    source: Source, *, layer: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read the substations of HIFLD: where they are and at what voltage.

    Written to the layout of 2020 to 2024. The publisher's -999999 and NOT AVAILABLE
    are unknown. HIFLD says nothing of capacity: for that, see ``ss.grid``.

    Parameters
    ----------
    source : path or GeoDataFrame
        Shapefile, GeoPackage, GeoJSON or geodatabase as published.
    layer : str, optional
        Which layer of a file that holds several.
    vintage : str
        Of when the file is; HIFLD does not say.

    Returns
    -------
    GeoDataFrame
        Points with ``substation`` (the publisher's ID), ``name``, ``state``,
        ``county`` (FIPS), ``status``, ``lines`` (that end there), ``max_kv`` and
        ``min_kv`` [kV] and ``is_max_kv_inferred`` [1 yes, 0 no].

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, a voltage is above 1,200 kV (it
        is in volts) or below 0, or geometries are no points.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"ID": ["1", "2"], "NAME": ["NORTH", "TAP"], "STATE": "TX",
    ...      "MAX_VOLT": [345.0, -999999.0]},
    ...     geometry=gpd.points_from_xy([-97, -98], [32, 32]), crs=4326,
    ... )
    >>> ss.releases.hifld_substations(published)["max_kv"].tolist()
    [345.0, nan]
    """
    return read_vector(
        source, "hifld_substations", SUBSTATIONS, "point", layer=layer, vintage=vintage
    )


def hifld_transmission_lines(
    source: Source, *, layer: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read the transmission lines of HIFLD: where they run and at what voltage.

    Written to the layout of 2020 to 2024. The publisher's -999999 and NOT AVAILABLE
    are unknown.

    Parameters
    ----------
    source : path or GeoDataFrame
        Shapefile, GeoPackage, GeoJSON or geodatabase as published.
    layer : str, optional
        Which layer of a file that holds several.
    vintage : str
        Of when the file is; HIFLD does not say.

    Returns
    -------
    GeoDataFrame
        Lines with ``line`` (the publisher's ID), ``type`` (such as AC; OVERHEAD),
        ``status``, ``owner``, ``kv`` [kV], ``kv_class`` (such as 220-287),
        ``is_kv_inferred`` [1 yes, 0 no], ``from_substation`` and ``to_substation``
        (names).

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, a voltage is above 1,200 kV (it
        is in volts) or below 0, or geometries are no lines.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"ID": ["7"], "VOLTAGE": [345.0], "INFERRED": ["N"]},
    ...     geometry=[shapely.LineString([(-97, 32), (-98, 32)])], crs=4326,
    ... )
    >>> lines = ss.releases.hifld_transmission_lines(published)
    >>> lines.loc[0, ["kv", "is_kv_inferred"]].tolist()
    [345.0, 0.0]
    """
    return read_vector(
        source,
        "hifld_transmission_lines",
        LINES,
        "line",
        layer=layer,
        vintage=vintage,
    )
