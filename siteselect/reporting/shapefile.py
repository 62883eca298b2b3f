"""Chosen sites as a shapefile, and what that format cannot hold."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from siteselect.errors import DataQualityWarning, LayerError, four_parts, shown
from siteselect.reporting.geo_files import USER_LEVEL, as_texts, flat_frame
from siteselect.reporting.plan_like import PlanLike
from siteselect.reporting.tables import to_csv_text

# What a shapefile's table can hold.
_FIELD_LETTERS = 10
_TEXT_BYTES = 254
_FIELDS = 255
# Indexes that other programs lay beside a shapefile; they would fit the old one.
_INDEXES = (".qix", ".sbn", ".sbx", ".idm", ".ind")


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
    flat = flat_frame(plan.sites)
    _check_fits(flat)
    columns = [str(c) for c in flat.columns if c != flat.geometry.name]
    fields = short_fields(columns)
    written = flat.rename(columns=fields)
    for name in fields.values():
        if pd.api.types.is_bool_dtype(written[name]):
            written[name] = written[name].astype("int32")
        elif not pd.api.types.is_numeric_dtype(written[name]):
            written[name] = [_cut(value) for value in as_texts(written[name])]
    with warnings.catch_warnings():
        # What is lost is found by reading back, and told below.
        warnings.filterwarnings("ignore", module=r"pyogrio")
        # GDAL finds the parts of a shapefile by their small letters.
        shp = path.with_suffix(".shp")
        pyogrio.write_dataframe(
            written,
            shp,
            driver="ESRI Shapefile",
            encoding="UTF-8",
            geometry_type=None if len(flat) else "Point",
        )
        back = pyogrio.read_dataframe(shp, read_geometry=False)
    shp.replace(path)
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
            stacklevel=USER_LEVEL - 1,
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
