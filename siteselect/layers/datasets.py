"""The bundled layers of the contiguous United States.

Everything here reads files that are installed with the package; nothing is
fetched. ``layers()`` says what there is, where it comes from and what it is
not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers.crs import WGS84, equal_area_crs, registered, to_wgs84
from siteselect.layers.info import LayerInfo, layer_info, with_info
from siteselect.layers.raster import Raster

Area: TypeAlias = (
    "gpd.GeoDataFrame | gpd.GeoSeries | BaseGeometry | str | Sequence[str]"
)

# Layers that tile the land: a neighbor's polygon says nothing about a site.
_TILES = ("states", "counties")
_CONUS = ("CONUS", "US", "USA", "contiguous United States")
# Degrees between vertices before an area is projected for its margin.
_STEP_DEG = 0.25


def _folder() -> Path:
    """Return the folder of the bundle."""
    return Path(str(resources.files("siteselect.data")))


def _catalog() -> dict[str, dict[str, Any]]:
    """Return the entries of the catalog by layer name, in its order."""
    path = _folder() / "catalog.toml"
    if not path.exists():
        raise LayerError(
            four_parts(
                "The bundled layers were asked for",
                "their catalog is not installed",
                "siteselect comes with it",
                "Install siteselect again: `pip install --force-reinstall siteselect`",
            )
        )
    entries: dict[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8")).get(
        "layers", {}
    )
    return entries


def _info(name: str, entry: Mapping[str, Any]) -> LayerInfo:
    """Return what the catalog says of a layer."""
    resolution = entry.get("resolution_km")
    return LayerInfo(
        name=name,
        title=entry.get("title", ""),
        evidence=entry.get("evidence", "unstated"),
        source=entry.get("source", ""),
        licence=entry.get("licence", ""),
        attribution=entry.get("attribution", ""),
        vintage=str(entry.get("vintage", "")),
        resolution_km=None if resolution is None else float(resolution),
        units=dict(entry.get("units", {})),
        not_this=entry.get("not_this", ""),
    )


def layers() -> pd.DataFrame:
    """Return a table of the bundled layers.

    Returns
    -------
    DataFrame
        One row per layer, index ``layer``: ``title``, ``kind``, ``columns``
        (with units), ``evidence``, ``resolution_km`` [km], ``vintage``,
        ``source``, ``licence``, ``attribution``, ``done`` (what was done to
        it) and ``not_this`` (what it is not).

    Examples
    --------
    >>> layers().loc["substations", "evidence"]
    'synthetic'
    """
    entries = _catalog()
    rows = []
    for entry in entries.values():
        units = entry.get("units", {})
        kind = entry.get("kind", "")
        rows.append(
            {
                "title": entry.get("title", ""),
                "kind": f"polygons ({entry['join']})" if "join" in entry else kind,
                "columns": ", ".join(f"{c} [{u}]" for c, u in units.items()),
                "evidence": entry.get("evidence", "unstated"),
                "resolution_km": float(entry.get("resolution_km", np.nan)),
                "vintage": str(entry.get("vintage", "")),
                "source": entry.get("source", ""),
                "licence": entry.get("licence", ""),
                "attribution": entry.get("attribution", ""),
                "done": entry.get("what_was_done", entry.get("done", "")),
                "not_this": entry.get("not_this", ""),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(list(entries), name="layer"))


def _read(name: str, entry: Mapping[str, Any]) -> pd.DataFrame:
    """Read one vector layer or table of the bundle."""
    path = _folder() / str(entry.get("file", f"{name}.parquet"))
    if not path.exists():
        raise LayerError(
            four_parts(
                f"The bundled layer {name!r} was asked for",
                f"its file {path.name} is not installed",
                "siteselect comes with it",
                "Install siteselect again: `pip install --force-reinstall siteselect`",
            )
        )
    if entry.get("kind") == "table":
        return pd.read_parquet(path)
    frame = gpd.read_parquet(path)
    placed: pd.DataFrame = frame.set_crs(registered(frame.crs), allow_override=True)
    return placed


def _joined(
    table: pd.DataFrame,
    base: gpd.GeoDataFrame,
    key: str,
) -> gpd.GeoDataFrame:
    """Return a table on the polygons it belongs to; missing stays NaN."""
    names = [c for c in base.columns if c not in table.columns or c == key]
    merged = base[names].merge(table, on=key, how="left", validate="one_to_one")
    order = [c for c in merged.columns if c != base.geometry.name]
    return gpd.GeoDataFrame(
        merged[[*order, base.geometry.name]], geometry=base.geometry.name, crs=base.crs
    )


def load(name: str, area: Area | None = None, *, margin_km: float = 100.0) -> Any:
    """Return one bundled layer.

    With an area, points, lines and polygons are kept up to a margin around
    it, because the nearest substation may stand across the border; layers
    that tile the land (states, counties, and what is joined to them) are
    kept where they overlap the area. Tables without geometry and rasters come
    whole: a raster is opened only when sampled, and then in windows.

    Parameters
    ----------
    name : str
        A name in ``layers()``.
    area : GeoDataFrame, GeoSeries, shapely geometry (EPSG:4326), str or list of str
        The study area; a name or list is passed to `region`. Default: all.
    margin_km : float
        How far around the area features are kept [km]. A distance beyond it
        is measured to what was kept, so raise it for far-reaching criteria.
        Within it the layer holds all of its kind (`LayerInfo.complete_km`).

    Returns
    -------
    GeoDataFrame, DataFrame or Raster
        EPSG:4326, with the catalog's facts attached (see `layer_info`).

    Raises
    ------
    LayerError
        If there is no such layer or nothing of it lies near the area.

    Examples
    --------
    >>> towns = load("cities", "Texas")
    >>> "TX" in set(towns["state"])
    True
    """
    return _load(name, _catalog(), _polygon(area), margin_km, {})


def load_all(area: Area | None = None, *, margin_km: float = 100.0) -> dict[str, Any]:
    """Return every bundled layer by name.

    A layer of which nothing lies within the margin is there too, without rows:
    there is none of its kind so near.

    Parameters
    ----------
    area : see `load`
        The study area.
    margin_km : float
        How far around the area features are kept [km].

    Returns
    -------
    dict of str to GeoDataFrame, DataFrame or Raster

    Examples
    --------
    >>> layers = load_all("Rhode Island")
    >>> sorted(layers["states"]["state"])
    ['RI']
    """
    entries = _catalog()
    polygon = _polygon(area)
    shared: dict[str, Any] = {}
    return {
        name: _load(name, entries, polygon, margin_km, shared, may_be_empty=True)
        for name in entries
    }


def _load(
    name: str,
    entries: Mapping[str, Mapping[str, Any]],
    area: BaseGeometry | None,
    margin_km: float,
    shared: dict[str, Any],
    *,
    may_be_empty: bool = False,
) -> Any:
    """Read a layer; ``shared`` holds base polygons and the area with its margin."""
    if name not in entries:
        raise LayerError(
            four_parts(
                f"The bundled layer {name!r} was asked for",
                "there is none of that name",
                f"{shown(entries, 40)} are allowed",
                "See `ss.datasets.layers()`." + nearest_name(str(name), entries),
            )
        )
    entry = entries[name]
    info = _info(name, entry)
    if entry.get("kind") == "raster":
        return Raster(_folder() / str(entry.get("file", f"{name}.tif")), (), info)
    join = entry.get("join")
    if join:
        if join not in shared:
            shared[join] = _load(join, entries, area, margin_km, shared)
        base = shared[join]
        key = str(
            entries[join].get("id_column", {"states": "state"}.get(join, "county"))
        )
        joined = _joined(_read(name, entry), base, key)
        units = {**base.attrs.get("siteselect", {}).get("units", {}), **info.units}
        info = _info(name, {**entry, "units": units})
        info = replace(info, complete_km=layer_info(base).complete_km)
        joined.attrs = {}
        return with_info(joined, info)
    frame = _read(name, entry)
    frame.attrs = {}
    if not isinstance(frame, gpd.GeoDataFrame):
        return with_info(frame, info)
    # Of what tiles the land nothing is kept beyond the area.
    info = replace(info, complete_km=0.0 if name in _TILES else margin_km)
    if area is None:
        return with_info(frame, info)
    geoms: NDArray[Any] = np.asarray(frame.geometry.array, dtype=object)
    if name in _TILES:
        keep = _overlaps(geoms, area)
    else:
        if "margin" not in shared:
            shared["margin"] = _with_margin(area, margin_km)
        keep = np.asarray(shapely.intersects(shared["margin"], geoms), dtype=bool)
    if not keep.any() and not may_be_empty:
        raise LayerError(
            four_parts(
                f"The bundled layer {name!r} was asked for an area",
                f"nothing of it lies within {margin_km:g} km of the area, which spans "
                f"{_span(area.bounds)}; the layer spans {_span(frame.total_bounds)}",
                "areas in or near the contiguous United States are allowed",
                "Check the order of the coordinates (longitude first), or load "
                "without an area",
            )
        )
    return with_info(frame[keep].reset_index(drop=True), info)


def _overlaps(geoms: NDArray[Any], area: BaseGeometry) -> NDArray[np.bool_]:
    """Return which polygons share ground with the area, not just a border."""
    shapely.prepare(area)
    keep: NDArray[np.bool_] = np.asarray(shapely.intersects(area, geoms), dtype=bool)
    if area.area > 0:
        edge = np.flatnonzero(keep & ~shapely.contains_properly(area, geoms))
        shared = shapely.area(shapely.intersection(geoms[edge], area))
        least = 1e-6 * np.minimum(shapely.area(geoms[edge]), area.area)
        keep[edge] = shared > least
    return keep


def _with_margin(area: BaseGeometry, margin_km: float) -> BaseGeometry:
    """Return an area grown by a margin [km], prepared for many questions."""
    if margin_km > 0:
        fine = gpd.GeoSeries([shapely.segmentize(area, _STEP_DEG)], crs=WGS84)
        local = fine.to_crs(equal_area_crs(area.bounds))
        grown = local.buffer(margin_km * 1000.0).segmentize(25_000.0).to_crs(WGS84)
        area = grown.iloc[0]
    shapely.prepare(area)
    return area


def _polygon(area: Area | None) -> BaseGeometry | None:
    """Return an area in any of its spellings as one geometry in EPSG:4326."""
    if area is None:
        return None
    if isinstance(area, gpd.GeoDataFrame | gpd.GeoSeries):
        if not len(area):
            raise LayerError(
                four_parts(
                    "Layers of a study area were asked for",
                    "the area has no rows",
                    "at least one polygon is needed",
                    'Pass e.g. `ss.datasets.region("Texas")`',
                )
            )
        geoms = np.asarray(to_wgs84(area, "the study area").array, dtype=object)
        bad = ~shapely.is_valid(geoms)
        if bad.any():
            geoms = np.where(bad, shapely.make_valid(geoms), geoms)
        merged: BaseGeometry = shapely.union_all(geoms)
        return merged
    if isinstance(area, BaseGeometry):
        return area
    one: BaseGeometry = region(area).geometry.iloc[0]
    return one


def _span(box: Any) -> str:
    """Return a bounding box for people."""
    west, south, east, north = (float(v) for v in box)
    return f"longitude {west:.2f} to {east:.2f} and latitude {south:.2f} to {north:.2f}"


def region(name: str | Sequence[str]) -> gpd.GeoDataFrame:
    """Return a study area made of whole states.

    Parameters
    ----------
    name : str or list of str
        State names or postal codes ("Texas", "TX", ["OH", "PA"]), or "CONUS"
        for the contiguous United States. Case does not matter.

    Returns
    -------
    GeoDataFrame
        One row, EPSG:4326, with the column ``region``.

    Raises
    ------
    LayerError
        If a state is unknown or outside the contiguous United States.

    Examples
    --------
    >>> area = region(["OH", "PA"])
    >>> len(area), area["region"].iloc[0]
    (1, 'OH, PA')
    """
    asked = [name] if isinstance(name, str) else list(name)
    entries = _catalog()
    states = _read("states", entries["states"])
    codes = {str(c).casefold(): i for i, c in enumerate(states["state"])}
    known = {
        **codes,
        **{str(n).casefold(): i for i, n in enumerate(states["state_name"])},
    }
    rows: set[int] = set()
    for one in asked:
        text = str(one).strip()
        if text.casefold() in {c.casefold() for c in _CONUS}:
            rows.update(range(len(states)))
            continue
        row = known.get(text.casefold())
        if row is None:
            names = [*states["state"], *states["state_name"], "CONUS"]
            raise LayerError(
                four_parts(
                    f"The region {text!r} was asked for",
                    "the bundle has no state of that name or code",
                    "names and postal codes of the 48 contiguous states and DC, and "
                    '"CONUS", are allowed',
                    "For any other area pass your own polygon as a GeoDataFrame."
                    + nearest_name(text, names),
                )
            )
        rows.add(row)
    if not rows:
        raise LayerError(
            four_parts(
                "A region was asked for",
                "no state was named",
                "names and postal codes of states are allowed",
                'Pass e.g. `region("Texas")`',
            )
        )
    chosen = sorted(rows)
    label = (
        "CONUS"
        if len(chosen) == len(states)
        else ", ".join(states["state"].iloc[chosen])
        if len(chosen) > 1
        else str(states["state_name"].iloc[chosen[0]])
    )
    shape = shapely.union_all(
        np.asarray(gpd.GeoDataFrame(states).geometry.iloc[chosen].array, dtype=object)
    )
    frame = gpd.GeoDataFrame({"region": [label]}, geometry=[shape], crs=WGS84)
    return with_info(frame, _info("region", {**entries["states"], "units": {}}))
