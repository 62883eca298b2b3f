"""Chosen sites as files of a map program: GeoPackage, GeoJSON, shapefile and more."""

from __future__ import annotations

import json
import re
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
from siteselect.reporting.tables import limits_table, to_csv_text

# A GeoPackage must carry a time of change; this one is the same for every run.
_FIXED_TIME = "2000-01-01T00:00:00Z"
# The largest site is drawn as a dot this wide.
_LARGEST_MM = 9
# From a helper of a writer to the line that called plan.to_file.
_USER = 6
# What a shapefile's table can hold.
_FIELD_LETTERS = 10
_TEXT_BYTES = 254
_FIELDS = 255
# Indexes that other programs lay beside a shapefile; they would fit the old one.
_INDEXES = (".qix", ".sbn", ".sbx", ".idm", ".ind")


@contextmanager
def _gdal_time() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_TIME})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _flat(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with its labels as a first column and flat values."""
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
            flat[column] = _texts(values)
    return flat


def _texts(values: pd.Series) -> list[str | None]:
    """Return cells as text whatever they are; unknown is None."""
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
            stacklevel=_USER,
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
    flat = _own_names(_flat(plan.sites))
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
                    text[column] = _texts(text[column])
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
            frame[name] = _texts(frame[name])
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


# -------------------------------------------------------------------- shapefile


def write_shapefile(plan: PlanLike, path: Path) -> None:
    """Write the chosen sites as a shapefile, and beside it what its fields are.

    The format has names of ten letters, texts of 254 bytes and no truth values. The
    file is read back, and ``<name>_fields.csv`` says for each column under which
    field it stands, and whether it came back as it was.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    path : pathlib.Path
        The file with suffix ``.shp``; those that belong to it are written beside.

    Raises
    ------
    LayerError
        If points and polygons are mixed, or there are more columns than fields.

    Warns
    -----
    DataQualityWarning
        If a column is renamed, or does not come back as it was.
    """
    flat = _flat(plan.sites)
    _check_fits(flat)
    columns = [str(c) for c in flat.columns if c != flat.geometry.name]
    fields = short_fields(columns)
    written = flat.rename(columns=fields)
    for name in fields.values():
        if pd.api.types.is_bool_dtype(written[name]):
            written[name] = written[name].astype("int32")
        elif not pd.api.types.is_numeric_dtype(written[name]):
            written[name] = [_cut(value) for value in _texts(written[name])]
    with warnings.catch_warnings():
        # What is lost is found by reading back, and told below.
        warnings.filterwarnings("ignore", module=r"pyogrio")
        pyogrio.write_dataframe(
            written,
            path,
            driver="ESRI Shapefile",
            encoding="UTF-8",
            geometry_type=None if len(flat) else "Point",
        )
        back = pyogrio.read_dataframe(path, read_geometry=False)
    table = pd.DataFrame(
        {
            "field": [fields[column] for column in columns],
            "column": columns,
            "kept": [_kept(flat[c], back, fields[c]) for c in columns],
        }
    ).set_index("field")
    path.with_name(f"{path.stem}_fields.csv").write_text(
        to_csv_text(table), encoding="utf-8"
    )
    # The header carries the day of writing, which the content does not depend on.
    dbf = path.with_suffix(".dbf")
    content = dbf.read_bytes()
    dbf.write_bytes(content[:1] + bytes([100, 1, 1]) + content[4:])
    renamed = [column for column in columns if fields[column] != column]
    lost = table.loc[table["kept"] != "yes", "column"].tolist()
    if renamed or lost:
        found = f"{len(renamed)} of {len(columns)} columns have other names"
        if lost:
            found += f", and {len(lost)} are not as they were: {shown(lost)}"
        warnings.warn(
            four_parts(
                f"A plan was written to {path.name}",
                found,
                f"names of ten letters and texts of 254 bytes are allowed; "
                f"{path.stem}_fields.csv says which field is which",
                'For all columns as they are call plan.to_file("sites.gpkg")',
            ),
            DataQualityWarning,
            stacklevel=_USER - 1,
        )


def _check_fits(flat: gpd.GeoDataFrame) -> None:
    kinds = {kind.removeprefix("Multi") for kind in flat.geometry.geom_type.dropna()}
    found = ""
    if len(kinds) > 1:
        found = "its sites are " + " and ".join(sorted(kinds))
    elif len(flat.columns) - 1 > _FIELDS:
        found = f"its sites have {len(flat.columns) - 1} columns"
    if found:
        raise LayerError(
            four_parts(
                "A plan was to be written as a shapefile",
                found,
                f"one kind of geometry and at most {_FIELDS} columns are allowed",
                'Call plan.to_file("sites.gpkg")',
            )
        )


def short_fields(columns: list[str]) -> dict[str, str]:
    """Return names of at most ten letters, each once, for columns of any name.

    Parameters
    ----------
    columns : list of str
        The columns.

    Returns
    -------
    dict of str to str
        Column to field; a name that fits stays as it is.

    Examples
    --------
    >>> short_fields(["mw", "permanent_jobs_low", "permanent_jobs_high"])
    {'mw': 'mw', 'permanent_jobs_low': 'permanent', 'permanent_jobs_high': 'permanen_1'}
    """
    fits = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{_FIELD_LETTERS - 1}}}")
    taken: set[str] = set()
    found: dict[str, str] = {}
    # Names that fit come first, so that no shortened one takes them.
    for column in columns:
        if fits.fullmatch(column) and column.casefold() not in taken:
            found[column] = column
            taken.add(column.casefold())
    for column in columns:
        if column in found:
            continue
        bare = re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_")
        if not bare[:1].isalpha():
            bare = f"f_{bare}"
        field, n = bare[:_FIELD_LETTERS].rstrip("_"), 0
        while field.casefold() in taken:
            n += 1
            field = f"{bare[: _FIELD_LETTERS - 1 - len(str(n))].rstrip('_')}_{n}"
        taken.add(field.casefold())
        found[column] = field
    return {column: found[column] for column in columns}


def _cut(value: str | None) -> str | None:
    if value is None:
        return None
    return value.encode()[:_TEXT_BYTES].decode(errors="ignore")


def _kept(before: pd.Series, back: pd.DataFrame, field: str) -> str:
    """Say whether a column came back from the file as it went."""
    if field not in back.columns:
        return "no"
    after = back[field]
    if pd.api.types.is_numeric_dtype(before) and pd.api.types.is_numeric_dtype(after):
        left = before.to_numpy(dtype=float, na_value=np.nan)
        right = after.to_numpy(dtype=float, na_value=np.nan)
        same = np.isclose(left, right, rtol=1e-12, atol=1e-12, equal_nan=True)
        return "yes" if same.all() else "rounded or out of range"
    left_text = ["" if pd.isna(v) else str(v) for v in before]
    right_text = ["" if pd.isna(v) else str(v) for v in after]
    if left_text == right_text:
        return "yes"
    return f"texts cut to {_TEXT_BYTES} bytes, or turned into text"


def remove_indexes(path: Path) -> None:
    """Remove the indexes of a shapefile that has been replaced.

    Parameters
    ----------
    path : pathlib.Path
        The shapefile.
    """
    for suffix in _INDEXES:
        path.with_suffix(suffix).unlink(missing_ok=True)
