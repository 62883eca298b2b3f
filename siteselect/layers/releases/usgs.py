"""Water use, watersheds and seismic design values of the US Geological Survey."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers.read import Source
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import Field, number, taken, text
from siteselect.layers.releases.files import local, read_sheet, read_text
from siteselect.layers.releases.vector import placed, read_vector

__all__ = ["usgs_seismic", "usgs_water_use", "usgs_watersheds"]

# A million US gallons of 231 cubic inches, every day of a year of 365 days.
_M3_PER_YEAR = 1e6 * 231 * 0.0254**3 * 365
_UNSAID = ("--", "N/A", "NA")
# A third of what the whole country withdraws [million gallons a day].
_MOST_MGAL = 1e5
# Twice as many as live in the largest county.
_MOST_PEOPLE = 2e7
# Larger values are in percent of gravity [g].
_MOST_G = 10.0


def _use(name: str, *published: str, needed: bool = True) -> Field:
    return number(
        f"{name}_m3_per_year",
        *published,
        unit="m3/year",
        unknown=_UNSAID,
        factor=_M3_PER_YEAR,
        needed=needed,
        most=_MOST_MGAL * _M3_PER_YEAR,
    )


WATER = (
    text("county", "FIPS", digits=5),
    text("state", "STATE"),
    text("county_name", "COUNTY"),
    text("_year", "YEAR", needed=False),
    number(
        "population",
        "TP-TotPop",
        unit="people",
        unknown=_UNSAID,
        factor=1e3,
        most=_MOST_PEOPLE,
    ),
    _use("public_supply", "PS-Wtotl"),
    _use("domestic", "DO-WFrTo", needed=False),
    _use("industrial", "IN-Wtotl"),
    _use("irrigation", "IR-WFrTo"),
    _use("livestock", "LI-WFrTo", needed=False),
    _use("aquaculture", "AQ-Wtotl", needed=False),
    _use("mining", "MI-Wtotl", needed=False),
    _use("thermoelectric", "PT-Wtotl", needed=False),
    _use("fresh_groundwater", "TO-WGWFr", needed=False),
    _use("fresh_surface", "TO-WSWFr", needed=False),
    _use("fresh", "TO-WFrTo", needed=False),
    _use("total", "TO-Wtotl"),
)
SEISMIC = (
    number("latitude", "latitude", "lat", unit="degrees", least=-90),
    number("longitude", "longitude", "lon", "long", unit="degrees", least=-180),
    number("ss_g", "SS", "SA0P2", unit="g", most=_MOST_G),
    number("s1_g", "S1", "SA1P0", unit="g", most=_MOST_G),
    number("pga_g", "PGA", "SA0P0", unit="g", needed=False, most=_MOST_G),
)
_LEVELS = (2, 4, 6, 8, 10, 12)


def usgs_water_use(source: str | Path, *, vintage: str = "") -> pd.DataFrame:
    r"""Read water withdrawals by county and use.

    Written to the release of 2015 (``usco2015v2.0``), whose first line is a title.
    ``--`` and ``N/A`` are unknown, not 0. Million gallons a day become cubic meters a
    year of 365 days.

    Parameters
    ----------
    source : path
        The table, as CSV or workbook (.xlsx).
    vintage : str
        Its year; default what the file says.

    Returns
    -------
    DataFrame
        Index ``county`` (FIPS): ``state``, ``county_name``, ``population``, and
        withdrawals [m3/year] ``public_supply_m3_per_year``, ``domestic_m3_per_year``
        (own wells, fresh), ``industrial_m3_per_year``, ``irrigation_m3_per_year``,
        ``livestock_m3_per_year``, ``aquaculture_m3_per_year``, ``mining_m3_per_year``,
        ``thermoelectric_m3_per_year`` (fresh and saline),
        ``fresh_groundwater_m3_per_year``, ``fresh_surface_m3_per_year``,
        ``fresh_m3_per_year`` and ``total_m3_per_year``. Put it on a map with
        ``ss.releases.on_places``.

    Raises
    ------
    LayerError
        If it is another table, a column is missing, or a figure is no number.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("usco2015v2.0.csv").write_text(
    ...     "Estimated use of water by county for 2015\n"
    ...     "STATE,COUNTY,FIPS,YEAR,TP-TotPop,PS-Wtotl,IN-Wtotl,IR-WFrTo,TO-Wtotl\n"
    ...     "TX,Nolan County,48353,2015,15.093,2.5,--,6.25,12\n")
    >>> use = ss.releases.usgs_water_use("usco2015v2.0.csv")
    >>> use["public_supply_m3_per_year"].round(-3).tolist()
    [3454000.0]
    """
    reader = "usgs_water_use"
    path = local(source, reader)
    if path.suffix.casefold() == ".xlsx":
        rows, _ = read_sheet(path, WATER, reader)
    else:
        rows = read_text(path, WATER, reader)
    table = taken(rows, WATER, reader)
    years = shown(table.pop("_year").dropna().unique())
    out = table.set_index("county")
    return described(out, reader, WATER, source, vintage or years)


def usgs_watersheds(
    source: Source, *, level: int = 8, layer: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read watersheds of the Watershed Boundary Dataset, by hydrologic unit code.

    Written to the layers ``WBDHU2`` to ``WBDHU12``.

    Parameters
    ----------
    source : path or GeoDataFrame
        Geodatabase, GeoPackage or shapefile as published.
    level : {2, 4, 6, 8, 10, 12}
        Digits of the code: 2 a region, 8 a sub-basin, 12 a sub-watershed.
    layer : str, optional
        Which layer of a file that holds several; default that of the level.
    vintage : str
        Of when it is.

    Returns
    -------
    GeoDataFrame
        Polygons with ``huc`` (the code), ``name``, ``states`` and ``area_km2`` [km2].

    Raises
    ------
    LayerError
        If there is no such level, a column is missing, or a code has other digits.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"huc8": ["12080002"], "name": ["Colorado Headwaters"], "states": ["TX"],
    ...      "areasqkm": [5000.0]},
    ...     geometry=[shapely.box(-102, 32, -101, 33)], crs=4269,
    ... )
    >>> ss.releases.usgs_watersheds(published)["huc"].tolist()
    ['12080002']
    """
    if level not in _LEVELS:
        raise LayerError(
            four_parts(
                f"Watersheds with codes of {level!r} digits were asked for",
                "there are none",
                f"{shown(_LEVELS, 6)} are allowed",
                "Pass e.g. `level=8`",
            )
        )
    fields = (
        text("huc", f"huc{level}", digits=level, filled=True),
        text("name", "name"),
        text("states", "states", needed=False),
        number("area_km2", "areasqkm", unit="km2", needed=False),
    )
    return read_vector(
        source,
        "usgs_watersheds",
        fields,
        "polygon",
        layer=layer,
        usual=f"WBDHU{level}",
        vintage=vintage,
    )


def usgs_seismic(source: str | Path, *, vintage: str = "") -> gpd.GeoDataFrame:
    r"""Read seismic design values on a grid of points.

    Written to gridded CSV with a line of names: ``SS``, ``S1`` and ``PGA`` of the
    design maps, or ``SA0P2``, ``SA1P0`` and ``SA0P0`` of releases with several periods
    (the first two names unverified). Values are for the site class of the file.

    Parameters
    ----------
    source : path
        The table as CSV.
    vintage : str
        Which edition of the provisions, and which site class.

    Returns
    -------
    GeoDataFrame
        Points with ``ss_g`` (0.2 s), ``s1_g`` (1 s) and ``pga_g`` [g, of gravity].

    Raises
    ------
    LayerError
        If it is another table, a column is missing, a figure is no number, or one is
        above 10 g (it is in percent).

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("SiteClassBC.csv").write_text(
    ...     "Latitude,Longitude,SA0P0,SA0P2,SA1P0\n34.05,-118.25,0.84,1.97,0.7\n")
    >>> ss.releases.usgs_seismic("SiteClassBC.csv")["ss_g"].tolist()
    [1.97]
    """
    reader = "usgs_seismic"
    path = local(source, reader)
    table = taken(read_text(path, SEISMIC, reader), SEISMIC, reader)
    table = table.assign(_line=table.index)
    layer = placed(table, reader, "_line").drop(columns="_line")
    return described(layer, reader, SEISMIC, source, vintage)
