"""Public releases that can be read, and where to get them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from siteselect.layers.info import LayerInfo, with_info
from siteselect.layers.kinds import is_remote
from siteselect.layers.raster import Raster
from siteselect.layers.releases.fields import Field

__all__ = ["card", "described", "sources", "units_of"]

_Frame = TypeVar("_Frame", bound=pd.DataFrame)
_COLUMNS = (
    "publisher",
    "title",
    "where",
    "licence",
    "layout",
    "size",
    "evidence",
    "verified",
    "not_this",
)


@cache
def _entries() -> dict[str, dict[str, Any]]:
    file = resources.files("siteselect.layers.releases") / "sources.toml"
    return tomllib.loads(file.read_text("utf-8"))


def sources() -> pd.DataFrame:
    """Return the public releases that can be read, and where to get them.

    Nothing is downloaded: get the file from its publisher, then pass its path to the
    reader of that name in `ss.releases`. Addresses, licences and sizes were noted when
    the reader was written; the publisher's own page is what counts.

    Returns
    -------
    DataFrame
        One row per reader, index ``reader``: ``publisher``, ``title``, ``where`` (the
        publisher's page), ``licence``, ``layout`` (the release whose columns the reader
        was written to), ``size`` (of the download, about, or unknown), ``evidence``,
        ``verified`` (how the names of the columns were checked) and ``not_this``
        (what it is not).

    Examples
    --------
    >>> import siteselect as ss
    >>> ss.sources().loc["hifld_substations", "evidence"]
    'measured'
    """
    entries = _entries()
    return pd.DataFrame(
        [[entry[c] for c in _COLUMNS] for entry in entries.values()],
        index=pd.Index(list(entries), name="reader", dtype="str"),
        columns=list(_COLUMNS),
    )


def units_of(fields: Sequence[Field]) -> dict[str, str]:
    """Return the unit of each field of figures.

    Parameters
    ----------
    fields : sequence of Field
        The columns of a layer.

    Returns
    -------
    dict of str to str
    """
    return {f.name: f.unit for f in fields if f.unit}


def card(
    reader: str,
    source: object,
    vintage: str = "",
    units: Mapping[str, str] | None = None,
) -> LayerInfo:
    """Return what is known of a layer that a reader made.

    Parameters
    ----------
    reader : str
        Name of the reader, as in ``sources()``.
    source : object
        What the user gave.
    vintage : str
        What the user or the file says of its year.
    units : Mapping of str to str, optional
        Unit of each column.

    Returns
    -------
    LayerInfo
    """
    entry = _entries()[reader]
    file = ""
    if isinstance(source, str | Path):
        file = str(source) if is_remote(str(source)) else Path(source).name
        file = f", file {file}"
    return LayerInfo(
        name=reader,
        title=entry["title"],
        evidence=entry["evidence"],
        source=f"{entry['publisher']}, {entry['where']}{file}",
        licence=entry["licence"],
        attribution=entry["publisher"],
        vintage=vintage or f"unstated; read by the layout of {entry['layout']}",
        resolution_km=entry.get("resolution_km"),
        units=dict(units or {}),
        not_this=entry["not_this"],
    )


def described(
    frame: _Frame,
    reader: str,
    fields: Sequence[Field],
    source: object,
    vintage: str = "",
    more_units: Mapping[str, str] | None = None,
) -> _Frame:
    """Return a frame that carries the card of its release.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer; not changed.
    reader, source, vintage
        As for `card`.
    fields : sequence of Field
        Columns with units.
    more_units : Mapping of str to str, optional
        Units of columns that are worked out.

    Returns
    -------
    DataFrame or GeoDataFrame
    """
    units = {**units_of(fields), **(more_units or {})}
    units = {c: u for c, u in units.items() if c in frame.columns}
    return with_info(frame, card(reader, source, vintage, units))


def described_raster(
    raster: Raster, reader: str, source: object, vintage: str, unit: str
) -> Raster:
    """Return a raster that carries the card of its release.

    Parameters
    ----------
    raster : Raster
        The layer.
    reader, source, vintage
        As for `card`.
    unit : str
        Unit of its cells.

    Returns
    -------
    Raster
    """
    units = dict.fromkeys(raster.band_names, unit)
    info = card(reader, source, vintage, units)
    return Raster(raster.path, raster.bands, info, raster.tiles)
