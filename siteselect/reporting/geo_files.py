"""Chosen sites as files of a map program: GeoPackage, GeoJSON, GeoParquet."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
import pyogrio
import shapely

from siteselect.errors import DataQualityWarning, LayerError, four_parts, shown
from siteselect.reporting.plain_values import plain
from siteselect.reporting.plan_like import PlanLike, clean, noun
from siteselect.reporting.tables import limits_table

# A GeoPackage must carry a time of change; this one is the same for every run.
_FIXED_TIME = "2000-01-01T00:00:00Z"
# The largest site is drawn as a dot this wide.
_LARGEST_MM = 9
# From a helper of a writer to the line that called plan.to_file.
USER_LEVEL = 6


@contextmanager
def _gdal_time() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_TIME})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def flat_frame(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame with its labels as first column, and text where no numbers are.

    Parameters
    ----------
    frame : GeoDataFrame
        Sites; not changed.

    Returns
    -------
    GeoDataFrame
        Named by text, without notes, with a new index.
    """
    name = str(frame.index.name or "site")
    flat = frame.copy()
    flat.attrs = {}
    flat = flat.rename(columns=str)
    labels = [str(label) for label in frame.index]
    if name in flat.columns and flat[name].astype(str).tolist() == labels:
        flat = flat.drop(columns=name)
    while name in flat.columns:
        name += "_label"
    flat.insert(0, name, labels)
    flat = flat.reset_index(drop=True)
    kinds = pd.api.types
    for column in flat.columns:
        values = flat[column]
        if column == flat.geometry.name:
            continue
        is_plain = kinds.is_numeric_dtype(values) and not kinds.is_complex_dtype(values)
        if not is_plain and not kinds.is_datetime64_any_dtype(values):
            flat[column] = as_texts(values)
    return flat


def as_texts(values: pd.Series) -> list[str | None]:
    """Return cells as text whatever they are; unknown is None.

    Parameters
    ----------
    values : Series
        The cells.

    Returns
    -------
    list of str or None
        One entry a cell.
    """
    missing = (None, pd.NA, pd.NaT)
    return [
        None
        if any(value is each for each in missing)
        or (isinstance(value, float) and np.isnan(value))
        else str(value)
        for value in values
    ]


def _own_names(flat: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with names that a GeoPackage can tell apart; say which changed.

    Capitals do not count there, and ``fid`` and ``geom`` are the file's own.
    """
    taken = {"fid", "geom"}
    renamed: dict[str, str] = {}
    for column in flat.columns:
        if column == flat.geometry.name:
            continue
        name, n = str(column), 1
        while name.casefold() in taken:
            n += 1
            name = f"{column}_{n}"
        taken.add(name.casefold())
        if name != column:
            renamed[str(column)] = name
    if renamed:
        said = shown(f"{old} is {new}" for old, new in renamed.items())
        warnings.warn(
            four_parts(
                "A plan was written as a GeoPackage",
                f"it has columns that the file cannot tell from others: {said}",
                "names that differ in more than capitals are needed, other than fid "
                "and geom",
                "Rename them in the candidates",
            ),
            DataQualityWarning,
            stacklevel=USER_LEVEL,
        )
    return flat.rename(columns=renamed)


def write_gpkg(plan: PlanLike, path: Path) -> None:
    """Write layers ``sites`` and ``limits``, and how QGIS shall draw the sites.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    path : pathlib.Path
        The file.
    """
    flat = _own_names(flat_frame(plan.sites))
    with _gdal_time():
        pyogrio.write_dataframe(
            flat,
            path,
            layer="sites",
            driver="GPKG",
            geometry_type=None if len(plan.sites) else "Point",
            layer_options={
                "DESCRIPTION": f"Chosen {noun(plan.candidates, 2)}",
                "GEOMETRY_NAME": "geom",
            },
        )
        limits = limits_table(plan)
        if len(limits):
            text = limits.copy()
            text.attrs = {}
            for column in text.columns:
                if pd.api.types.is_object_dtype(text[column]):
                    text[column] = as_texts(text[column])
            pyogrio.write_dataframe(
                text, path, layer="limits", driver="GPKG", append=False
            )
        style = qgis_style(flat)
        if style is not None:
            _write_style(path, style)


def qgis_style(flat: gpd.GeoDataFrame) -> str | None:
    """Return how QGIS shall draw sites: dots by MW, or filled parcels, with labels.

    Parameters
    ----------
    flat : GeoDataFrame
        Sites with their label as first column.

    Returns
    -------
    str or None
        A QGIS layer style (QML); None where points and polygons are mixed, which one
        symbol cannot draw.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"site": ["a"], "mw": [100.0]}, geometry=gpd.points_from_xy([0], [0]))
    >>> 'scale_exp(&#34;mw&#34;, 0, 100, 0, 9, 0.5)' in qgis_style(sites)
    True
    """
    kinds = set(flat.geometry.geom_type.dropna())
    if kinds <= {"Point"}:
        kind = "marker"
    elif kinds <= {"Polygon", "MultiPolygon"}:
        kind = "fill"
    else:
        return None
    size, label = "", f"to_string({_quoted(str(flat.columns[0]))})"
    if "mw" in flat.columns and len(flat):
        largest = float(flat["mw"].max())
        if np.isfinite(largest) and largest > 0:
            # The area of a dot goes with its MW, so its width with the root.
            grown = f"scale_exp({_quoted('mw')}, 0, {largest:g}, 0, {_LARGEST_MM}, 0.5)"
            size = f"coalesce({grown}, 3)"
        label += f" || '\\n' || coalesce(round({_quoted('mw')}), '?') || ' MW'"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=clean
    )
    source = resources.files("siteselect.reporting").joinpath("sites.qml")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(kind=kind, size=size, label=label)


def _quoted(column: str) -> str:
    """Return a column as expressions of QGIS name it."""
    return '"' + column.replace('"', '""') + '"'


def _write_style(path: Path, style: str) -> None:
    # QGIS looks for this table, by these names, when it opens a layer.
    row: dict[str, Any] = {
        "f_table_catalog": "",
        "f_table_schema": "",
        "f_table_name": "sites",
        "f_geometry_column": "geom",
        "styleName": "sites",
        "styleQML": style,
        "styleSLD": "",
        "useAsDefault": True,
        "description": "Facility MW of the chosen sites",
        "owner": "",
        "ui": None,
        "update_time": pd.Timestamp(_FIXED_TIME),
    }
    table = pd.DataFrame({name: [value] for name, value in row.items()})
    pyogrio.write_dataframe(
        table,
        path,
        layer="layer_styles",
        driver="GPKG",
        append=False,
        layer_options={"FID": "id"},
    )


def write_parquet(plan: PlanLike, path: Path) -> None:
    """Write the chosen sites as GeoParquet.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    path : pathlib.Path
        The file.
    """
    frame = plan.sites.copy()
    frame.attrs = {}
    frame = frame.rename(columns=str)
    # A column of the format holds one kind of value: what mixes them becomes text.
    for name in frame.columns:
        if _is_mixed(frame[name]):
            frame[name] = as_texts(frame[name])
    if _is_mixed(pd.Series(frame.index)):
        frame.index = pd.Index(map(str, frame.index), name=frame.index.name)
    frame.to_parquet(path)


def _is_mixed(values: pd.Series) -> bool:
    if not pd.api.types.is_object_dtype(values):
        return False
    kind = pd.api.types.infer_dtype(values, skipna=True)
    return kind not in {"string", "boolean", "empty", "date", "bytes"}


# ---------------------------------------------------------------------- GeoJSON


def _rounded(geometry: Any) -> Any:
    # RFC 7946: outer rings counter-clockwise; seven digits are a centimeter.
    turned = shapely.orient_polygons(geometry)
    return shapely.transform(turned, lambda xy: np.round(xy, 7))


def to_geojson_text(frame: gpd.GeoDataFrame) -> str:
    """Return a frame as GeoJSON after RFC 7946: longitude, latitude, WGS84.

    Parameters
    ----------
    frame : GeoDataFrame
        Rows of any CRS.

    Returns
    -------
    str
        A FeatureCollection; unknown values are null.
    """
    geometry = frame.geometry.to_crs(4326)
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    features = []
    for label, row, shape in zip(
        frame.index, plain(table), geometry.array, strict=True
    ):
        body = None
        if shape is not None and not shape.is_empty:
            body = json.loads(shapely.to_geojson(_rounded(shape)))
        features.append(
            {
                "type": "Feature",
                "id": plain(label),
                "properties": {str(frame.index.name or "site"): plain(label), **row},
                "geometry": body,
            }
        )
    record = {"type": "FeatureCollection", "features": features}
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def to_geojson(plan: PlanLike) -> str:
    """Return the chosen sites as GeoJSON after RFC 7946: longitude, latitude, WGS84.

    Parameters
    ----------
    plan : SitePlan
        The plan.

    Returns
    -------
    str
        A FeatureCollection; unknown values are null.

    Raises
    ------
    LayerError
        If the sites have no CRS.

    Examples
    --------
    >>> import geopandas as gpd, json, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> json.loads(to_geojson(plan))["features"][0]["geometry"]["coordinates"]
    [-100.0, 32.0]
    """
    if plan.sites.crs is None:
        raise LayerError(
            four_parts(
                "Sites are turned into GeoJSON",
                "they have no CRS",
                "any CRS is allowed",
                "Call set_crs on the candidates before choosing",
            )
        )
    return to_geojson_text(plan.sites)
