"""Protected areas of PAD-US."""

from __future__ import annotations

import geopandas as gpd

from siteselect.layers.read import Source
from siteselect.layers.releases.fields import number, text
from siteselect.layers.releases.vector import read_vector

__all__ = ["padus"]

_KM2_PER_ACRE = 0.0040468564224

AREAS = (
    text("name", "Unit_Nm", needed=False),
    text("kind", "Category", "FeatClass", needed=False),
    text("manager", "Mang_Type", "MngTp_Desc", needed=False),
    text("designation", "Des_Tp", "DesTp_Desc", needed=False),
    text("iucn", "IUCN_Cat", needed=False),
    text("access", "Pub_Access", "Access", needed=False),
    text("state", "State_Nm", needed=False),
    number("gap_status", "GAP_Sts", unit="1 to 4", least=1, most=4, whole=True),
    number("area_km2", "GIS_Acres", unit="km2", factor=_KM2_PER_ACRE, needed=False),
)


def padus(
    source: Source, *, layer: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read the protected areas of the Protected Areas Database.

    Written to PAD-US 2.1 to 4.1. Areas overlap: a place may lie in a national forest
    and in a wilderness within it. GAP status 1 and 2 mean managed for biodiversity, 3
    several uses, 4 no known mandate; a blank is unknown. Rule out what is protected
    with ``ss.Inside(areas[areas["is_protected"] == 1])``.

    Parameters
    ----------
    source : path or GeoDataFrame
        Geodatabase, GeoPackage or shapefile of the nation, a state or a region.
    layer : str, optional
        Which layer of a file that holds several; default the combined one.
    vintage : str
        Which edition.

    Returns
    -------
    GeoDataFrame
        Polygons with ``name``, ``kind`` (fee, easement ...), ``manager``,
        ``designation``, ``iucn``, ``access`` and ``state`` (the publisher's codes),
        ``gap_status`` (1 to 4), ``area_km2`` [km2] and ``is_protected`` [1 for GAP
        status 1 and 2, 0 for 3 and 4, NaN where it is blank].

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, a GAP status is none of 1 to 4,
        or geometries are no polygons.
    CRSError
        If the CRS is missing or cannot be right.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"Unit_Nm": ["Big Thicket", "A Forest"], "GAP_Sts": ["2", "3"],
    ...      "GIS_Acres": [1000, 500]},
    ...     geometry=[shapely.box(-95, 30, -94, 31), shapely.box(-94, 30, -93, 31)],
    ...     crs=4326,
    ... )
    >>> ss.releases.padus(published)["is_protected"].tolist()
    [1.0, 0.0]
    """
    frame = read_vector(
        source,
        "padus",
        AREAS,
        "polygon",
        layer=layer,
        usual="Combined",
        vintage=vintage,
        units={"is_protected": "1 yes, 0 no"},
    )
    gap = frame["gap_status"]
    frame.insert(9, "is_protected", (gap <= 2).astype("float64").where(gap.notna()))
    return frame
