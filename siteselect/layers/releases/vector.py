"""A published map layer, checked, with our columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyogrio.errors

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers.kinds import is_remote, is_there
from siteselect.layers.notices import notice
from siteselect.layers.raster import Raster
from siteselect.layers.read import Source, read_layer
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import Field, taken
from siteselect.layers.releases.files import guard

__all__ = ["placed", "read_vector"]


def read_vector(
    source: Source,
    reader: str,
    fields: Sequence[Field],
    geometry_type: str | None,
    *,
    layer: str | None = None,
    usual: str = "",
    vintage: str = "",
    crs: Any = None,
    units: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """Read a map layer of a release into our columns.

    Parameters
    ----------
    source : path or GeoDataFrame
        The file as published, or what was read from it.
    reader : str
        Name of the reader.
    fields : sequence of Field
        What to take.
    geometry_type : str or None
        ``point``, ``line`` or ``polygon``; None allows each.
    layer : str, optional
        Which layer of a file that holds several.
    usual : str
        What the name of the published layer contains, for files that hold several.
    vintage : str
        What the user says of its year.
    crs : optional
        What coordinates are in, for sources that do not say.
    units : Mapping of str to str, optional
        Units of columns that the caller adds.

    Returns
    -------
    GeoDataFrame
        Our columns and the geometry, in the CRS of the file.
    """
    if isinstance(source, str | Path) and not is_remote(str(source)):
        path = Path(source)
        if is_there(path) and path.is_file():
            guard(path)
        if layer is None and usual and is_there(path):
            layer = _published(path, usual)
    frame = read_layer(
        source, layer=layer, crs=crs, geometry_type=geometry_type, name=reader
    )
    if isinstance(frame, Raster):
        raise LayerError(
            four_parts(
                f"`ss.releases.{reader}` reads points, lines or polygons",
                f"the file {frame.path.name!r} is a raster",
                "a vector layer with the published columns is allowed",
                "Check that it is the file that `ss.sources()` names",
            )
        )
    columns = taken(
        pd.DataFrame(frame.drop(columns=frame.geometry.name)), fields, reader
    )
    out = gpd.GeoDataFrame(columns, geometry=frame.geometry.array, crs=frame.crs)
    out = described(out, reader, fields, source, vintage)
    out.attrs["siteselect"]["units"].update(units or {})
    return out


def _published(path: Path, usual: str) -> str | None:
    """Return the one layer of a file that is called as usual, if there is one."""
    try:
        with warnings.catch_warnings():
            # The reader says it again, in our own words.
            warnings.simplefilter("ignore")
            names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    # What cannot be listed is refused by the reader, with a reason.
    except (pyogrio.errors.DataSourceError, ValueError, OSError):
        return None
    like = [name for name in names if usual.casefold() in name.casefold()]
    return like[0] if len(names) > 1 and len(like) == 1 else None


def placed(
    table: pd.DataFrame,
    reader: str,
    label: str,
    *,
    x: str = "longitude",
    y: str = "latitude",
) -> gpd.GeoDataFrame:
    """Put rows on the map, and say which have no place.

    Parameters
    ----------
    table : DataFrame
        With degrees of longitude and latitude, NaN where the release has none.
    reader : str
        Name of the reader.
    label : str
        Column that names a row in messages.
    x, y : str
        Columns with degrees; they leave the frame.

    Returns
    -------
    GeoDataFrame
        Rows with a place, numbered anew, in EPSG:4326.

    Raises
    ------
    LayerError
        If no row has a place.

    Warns
    -----
    DataQualityWarning
        If some rows have none and are left out.
    """
    known = table[x].notna() & table[y].notna()
    if not known.any():
        raise LayerError(
            four_parts(
                f"The rows for `ss.releases.{reader}` are to be placed on the map",
                f"none of {len(table)} has a longitude and a latitude"
                if len(table)
                else "there are none",
                "at least one row with both is needed",
                "Check that the file is whole and of the release that `ss.sources()` "
                "names",
            )
        )
    lost = table.loc[~known, label]
    if len(lost):
        notice(
            f"{len(lost)} of {len(table)} rows of {reader} have no coordinates and are "
            f"left out: {label} {shown(lost)}.",
            stacklevel=3,
        )
    kept = table[known].reset_index(drop=True)
    points = read_layer(kept, x=x, y=y, crs="EPSG:4326", name=reader)
    out: gpd.GeoDataFrame = points.drop(columns=[x, y])
    return out
