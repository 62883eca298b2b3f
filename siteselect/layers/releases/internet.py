"""Where networks meet, what providers offer, and where cables land."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import LayerError, four_parts, said
from siteselect.layers.kinds import seems
from siteselect.layers.read import Source
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import flag, number, taken, text
from siteselect.layers.releases.files import local, read_text
from siteselect.layers.releases.vector import placed, read_vector

__all__ = [
    "cable_landings",
    "fcc_broadband",
    "peeringdb_facilities",
    "submarine_cables",
]

FACILITIES = (
    text("facility", "id"),
    text("name", "name"),
    text("organization", "org_name", needed=False),
    text("city", "city", needed=False),
    text("state", "state", needed=False),
    text("country", "country"),
    number("networks", "net_count", unit="networks", needed=False),
    number("exchanges", "ix_count", unit="exchanges", needed=False),
    number("carriers", "carrier_count", unit="carriers", needed=False),
    text("_status", "status", needed=False),
    number("latitude", "latitude", unit="degrees", least=-90),
    number("longitude", "longitude", unit="degrees", least=-180),
)
OFFERS = (
    text("provider", "provider_id", filled=True),
    text("location", "location_id", filled=True),
    number("technology", "technology", unit="code", filled=True),
    number(
        "download_mbps", "max_advertised_download_speed", unit="Mbit/s", filled=True
    ),
    text("serves", "business_residential_code", needed=False),
    text("block", "block_geoid", digits=15, filled=True),
)
# Version 2 has a slug beside the number, version 3 the slug as its id.
CABLES = (
    text("cable", "slug", "id"),
    text("name", "name", needed=False),
    text("_color", "color"),
)
LANDINGS = (
    text("landing", "slug", "id"),
    text("name", "name"),
    # One of these tells the map's points from any others with an id and a name.
    text("_mark", "slug", "is_tbd"),
    flag("is_unsettled", "is_tbd", needed=False),
)
_FIBER = 50
# Digits of the code of a census block that name the larger place.
_DIGITS = {"county": 5, "tract": 11, "block": 15}


def peeringdb_facilities(
    source: str | Path, *, country: str | None = None, vintage: str = ""
) -> gpd.GeoDataFrame:
    """Read the buildings of PeeringDB: data centers and exchanges where networks meet.

    Written to version 2 of the API: the answer of ``/api/fac``, or a daily copy of the
    whole database. Buildings without coordinates are left out with a warning.

    Parameters
    ----------
    source : path
        The file (.json).
    country : str, optional
        Keep only this country, such as ``"US"``.
    vintage : str
        Of which day.

    Returns
    -------
    GeoDataFrame
        Points with ``facility`` (PeeringDB's number), ``name``, ``organization``,
        ``city``, ``state``, ``country``, ``networks``, ``exchanges`` and ``carriers``
        (how many are present; NaN where the copy does not say).

    Raises
    ------
    LayerError
        If it is other JSON or none, a field is missing, or a figure is no number.

    Warns
    -----
    DataQualityWarning
        If buildings have no coordinates.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> one = {"id": 1, "name": "Carrier Hotel", "country": "US", "net_count": 150,
    ...        "latitude": 32.8, "longitude": -96.8, "status": "ok"}
    >>> _ = Path("fac.json").write_text(json.dumps({"data": [one], "meta": {}}))
    >>> ss.releases.peeringdb_facilities("fac.json")["networks"].tolist()
    [150.0]
    """
    reader = "peeringdb_facilities"
    path = local(source, reader)
    records = _records(path)
    table = taken(pd.DataFrame(records), FACILITIES, reader)
    gone = table.pop("_status").str.casefold().isin(["deleted", "pending"])
    table = table[~gone]
    if country is not None:
        table = table[table["country"].str.upper() == country.upper()]
    layer = placed(table, reader, "facility")
    return described(layer, reader, FACILITIES, source, vintage)


def _records(path: Path) -> list[dict[str, Any]]:
    """Return the facilities in an answer of the API or a daily copy."""
    try:
        told = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        kind = seems(str(path))
        raise _other_json(path, kind or f"it is no JSON ({error})") from None
    inside = told.get("fac", told) if isinstance(told, dict) else told
    records = inside.get("data") if isinstance(inside, dict) else inside
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        keys = list(told) if isinstance(told, dict) else type(told).__name__
        raise _other_json(path, f"it holds {said(keys)}")
    if not records:
        raise _other_json(path, "its list of facilities is empty")
    return records


def _other_json(path: Path, found: str) -> LayerError:
    return LayerError(
        four_parts(
            f"The file {path.name!r} is to be read as facilities of PeeringDB",
            found,
            "the answer of /api/fac, or a daily copy with an object fac, is allowed",
            "Download it again from where `ss.sources()` says",
        )
    )


def fcc_broadband(
    source: str | Path | Sequence[str | Path],
    *,
    by: str = "county",
    vintage: str = "",
) -> pd.DataFrame:
    r"""Count what providers report to the FCC as fixed broadband, by place.

    Written to the Broadband Data Collection of 2022 to 2025: one CSV, or an archive of
    one, per state and technology. Files are read piece by piece.

    Parameters
    ----------
    source : path or list of paths
        Files of one or several states and technologies, of one date.
    by : {"county", "tract", "block"}
        Which places.
    vintage : str
        As of which date.

    Returns
    -------
    DataFrame
        Index of census codes, named as ``by``: ``locations`` (with any offer in the
        files), ``fiber_locations``, ``fiber_business_locations`` (open to businesses;
        NaN where offers do not say for whom they are, and it matters),
        ``fiber_providers`` and ``max_download_mbps`` [Mbit/s]. Put it on a map with
        ``ss.releases.on_places``.

    Raises
    ------
    LayerError
        If a file has other columns, a figure is no number, a code is not that of a
        census block (15 digits), or ``by`` is none of these.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("bdc_48_Fiber.csv").write_text(
    ...     "provider_id,location_id,technology,max_advertised_download_speed,"
    ...     "business_residential_code,block_geoid\n"
    ...     "130077,1000001,50,2000,X,481130001001000\n"
    ...     "130228,1000001,50,1000,R,481130001001000\n")
    >>> fiber = ss.releases.fcc_broadband("bdc_48_Fiber.csv")
    >>> fiber.loc["48113", ["fiber_locations", "fiber_providers"]].tolist()
    [1.0, 2.0]
    """
    reader = "fcc_broadband"
    if by not in _DIGITS:
        raise LayerError(
            four_parts(
                f"Broadband by {by!r} was asked for",
                "there is none",
                f"{', '.join(_DIGITS)} are allowed",
                'Pass e.g. `by="county"`',
            )
        )

    def reduced(piece: pd.DataFrame) -> pd.DataFrame:
        offers = taken(piece, OFFERS, reader)
        place = offers["block"].str[: _DIGITS[by]].rename(by)
        fiber = offers["technology"] == _FIBER
        business = offers["serves"].str.upper().isin(["B", "X"])
        unsaid = offers["serves"].isna()
        few = pd.DataFrame(
            {
                by: place,
                "location": offers["location"],
                "fiber_provider": offers["provider"].where(fiber),
                "is_fiber": fiber,
                "is_business": fiber & business,
                "may_be_business": fiber & (business | unsaid),
                "download": offers["download_mbps"],
            }
        )
        keys = [*few.columns.drop("download")]
        most: pd.DataFrame = few.groupby(keys, dropna=False)[["download"]].max()
        return most.reset_index()

    files = list(source) if isinstance(source, list | tuple) else [source]
    pieces = []
    for one in files:
        piece = read_text(local(one, reader), OFFERS, reader, reduced)
        if by in piece.columns:
            pieces.append(piece)
    if not pieces:
        raise LayerError(
            four_parts(
                "Reports of broadband are to be counted",
                "the files have no rows",
                "at least one row is needed",
                "Download them again, and check their size",
            )
        )
    offers = pd.concat(pieces, ignore_index=True)
    groups = offers.groupby(by)
    out = pd.DataFrame(
        {
            "locations": groups["location"].nunique(),
            "fiber_locations": _counted(offers[offers["is_fiber"]], by, "location"),
            "fiber_business_locations": _counted(
                offers[offers["is_business"]], by, "location"
            ),
            "fiber_providers": groups["fiber_provider"].nunique(),
            "max_download_mbps": groups["download"].max(),
        }
    )
    # A place in the files without fiber has none reported, which is known.
    counts = ["fiber_locations", "fiber_business_locations"]
    out[counts] = out[counts].fillna(0)
    most = _counted(offers[offers["may_be_business"]], by, "location")
    is_sure = out["fiber_business_locations"] == most.reindex(out.index).fillna(0)
    out["fiber_business_locations"] = out["fiber_business_locations"].where(is_sure)
    out.index = pd.Index(out.index.astype("str"), name=by)
    units = {
        "locations": "locations",
        "fiber_locations": "locations",
        "fiber_business_locations": "locations",
        "fiber_providers": "providers",
        "max_download_mbps": "Mbit/s",
    }
    return described(out.astype(np.float64), reader, (), files[0], vintage, units)


def _counted(offers: pd.DataFrame, by: str, what: str) -> pd.Series:
    """Return how many different ones each place has."""
    counted: pd.Series = offers.groupby(by)[what].nunique()
    return counted


def submarine_cables(source: Source, *, vintage: str = "") -> gpd.GeoDataFrame:
    """Read the submarine cables of TeleGeography's map.

    Written to versions 2 and 3 of the map's files, ``cable-geo.json``. Mind its
    licence: attribution, non-commercial.

    Parameters
    ----------
    source : path or GeoDataFrame
        The file, with the suffix .json or .geojson.
    vintage : str
        Of which day.

    Returns
    -------
    GeoDataFrame
        Lines with ``cable`` (the publisher's name of it) and ``name`` (missing in
        version 2). A cable may have several rows.

    Raises
    ------
    LayerError
        If a field is missing or geometries are no lines.

    Examples
    --------
    >>> import geopandas as gpd, shapely, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"id": ["marea"], "name": ["MAREA"], "color": ["#939597"]},
    ...     geometry=[shapely.LineString([(-76, 36.8), (-3, 43.4)])], crs=4326,
    ... )
    >>> ss.releases.submarine_cables(published)["cable"].tolist()
    ['marea']
    """
    frame = read_vector(source, "submarine_cables", CABLES, "line", vintage=vintage)
    return frame.drop(columns="_color")


def cable_landings(source: Source, *, vintage: str = "") -> gpd.GeoDataFrame:
    """Read the landing points of submarine cables from TeleGeography's map.

    Written to versions 2 and 3 of the map's files, ``landing-point-geo.json``. Mind its
    licence: attribution, non-commercial.

    Parameters
    ----------
    source : path or GeoDataFrame
        The file, with the suffix .json or .geojson.
    vintage : str
        Of which day.

    Returns
    -------
    GeoDataFrame
        Points with ``landing`` (the publisher's name of it), ``name`` and
        ``is_unsettled`` [1 if the place is to be decided, 0 if not].

    Raises
    ------
    LayerError
        If a field is missing or geometries are no points.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> published = gpd.GeoDataFrame(
    ...     {"id": ["virginia-beach"], "name": ["Virginia Beach, VA, United States"],
    ...      "is_tbd": [None]},
    ...     geometry=gpd.points_from_xy([-76], [36.8]), crs=4326,
    ... )
    >>> ss.releases.cable_landings(published)["landing"].tolist()
    ['virginia-beach']
    """
    frame = read_vector(source, "cable_landings", LANDINGS, "point", vintage=vintage)
    return frame.drop(columns="_mark")
