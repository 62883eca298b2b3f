"""What every part of the room refuses: odd layers, columns, figures, lengths."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from siteselect.errors import (
    LayerError,
    StudyError,
    check_given,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.layers import check, layer_info
from siteselect.layers.figures import is_plain_number, meant

__all__ = [
    "check_length",
    "check_scored",
    "check_vector",
    "column_of",
    "holds",
    "is_figures",
    "layer_name",
    "numbers",
    "refuse_infinite",
    "sound",
]


def layer_name(layer: object) -> str:
    """Return the name a layer carries, or ``"layer"``."""
    return str(layer_info(layer).name or "layer")


def check_scored(scored: object, what: str) -> None:
    """Refuse what is no frame at all where a scored one is read."""
    check_given(
        scored,
        ("attrs", "columns"),
        f"{what} is read from scored candidates",
        "a frame of score_sites is needed",
        "score_sites(sites, criteria)",
    )


def numbers(features: gpd.GeoDataFrame, column: str, layer: str) -> npt.NDArray[Any]:
    """Return a column of a layer as float64, unknown as NaN; refuse the rest."""
    series = column_of(features, column, f"layer {layer!r}")
    if not is_figures(series):
        known = series.dropna()
        example = (
            f", e.g. {known.iloc[0]!r} in row {known.index[0]!r}" if len(known) else ""
        )
        raise LayerError(
            four_parts(
                f"Column {column!r} of layer {layer!r} was asked for as numbers",
                f"it holds {series.dtype}{example}",
                "allowed are numeric columns",
                f"convert it first, e.g. pd.to_numeric(layer[{column!r}])",
            )
        )
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    refuse_infinite(values, series.index, f"Column {column!r} of layer {layer!r}")
    return values


def is_figures(series: pd.Series[Any]) -> bool:
    """Return whether a column holds real numbers, or truth values."""
    return (
        pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series)
    ) and not pd.api.types.is_complex_dtype(series)


def holds(series: pd.Series[Any], wanted: list[Any]) -> npt.NDArray[np.bool_]:
    """Return where a column holds one of the wanted labels or figures.

    What is missing is none of them, even if NaN is wanted. A figure that differs
    by rounding is the one that is wanted.
    """
    try:
        found = series.isin(wanted)
    except Exception:  # Arrow refuses labels that its type cannot hold.
        found = series.astype(object).isin(wanted)
    flags: npt.NDArray[np.bool_] = found.fillna(False).to_numpy(dtype=bool)
    figures = [item for item in wanted if is_plain_number(item)]
    if figures and pd.api.types.is_float_dtype(series):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        flags = flags | (meant(values, figures) >= 0)
    return flags & series.notna().to_numpy(dtype=bool)


def column_of(frame: gpd.GeoDataFrame, column: str, what: str) -> pd.Series[Any]:
    """Return a column, or say which one was meant."""
    is_name = pd.api.types.is_hashable(column) and not pd.api.types.is_bool(column)
    if not is_name or column not in frame.columns:
        hint = nearest_name(str(column), map(str, frame.columns))
        raise LayerError(
            four_parts(
                f"Column {column!r} of {what} was asked for",
                f"it is missing.{hint}",
                f"allowed are {shown(frame.columns, 12)}",
                "check the spelling, or add the column",
            )
        )
    found: Any = frame[column]
    if isinstance(found, pd.DataFrame):
        raise LayerError(
            four_parts(
                f"Column {column!r} of {what} was asked for",
                f"{found.shape[1]} columns have this name",
                "allowed is one",
                "rename or drop the others",
            )
        )
    series: pd.Series[Any] = found
    return series


def refuse_infinite(
    values: npt.NDArray[np.float64], index: pd.Index[Any], what: str
) -> None:
    """Refuse infinities, naming the rows."""
    bad = np.isinf(values)
    if bad.any():
        raise LayerError(
            four_parts(
                f"{what} was asked for as figures",
                f"found infinity in {int(bad.sum())} rows: {shown(index[bad])}",
                "allowed are finite numbers, or NaN where unknown",
                "replace it, e.g. .replace([np.inf, -np.inf], np.nan)",
            )
        )


def check_vector(layer: object, kind: str) -> None:
    """Refuse what is not a vector layer."""
    if not isinstance(layer, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                f"{kind} reads a vector layer",
                f"found {type(layer).__name__}",
                "allowed is a GeoDataFrame",
                "read it with read_layer(...); use Sample or Zonal for a raster",
            )
        )
    if layer._geometry_column_name not in layer.columns:
        raise LayerError(
            four_parts(
                f"{kind} reads the geometries of layer {layer_name(layer)!r}",
                "found no active geometry column",
                f"allowed is one, e.g. one of {shown(layer.columns, 12)}",
                "call layer.set_geometry(...), or read_layer(frame, x='lon', y='lat')",
            )
        )


def sound(frame: gpd.GeoDataFrame, spoken: str) -> gpd.GeoDataFrame:
    """Return a frame whose geometries can be measured, repaired where they cross.

    Warns as `read_layer` does, with the rows that were repaired.
    """
    if frame._geometry_column_name in frame.columns:
        # Points do not cross; whether they are somewhere is asked on the way.
        kinds = shapely.get_type_id(np.asarray(frame.geometry.array, dtype=object))
        if (kinds == 0).all():
            return frame
    check.require_geometry(frame, layer=spoken)
    mended: gpd.GeoDataFrame = check.with_valid_geometry(frame, layer=spoken)
    return mended


def check_length(kind: str, name: str, km: float, *, zero: bool = False) -> None:
    """Refuse a length that is not finite and positive."""
    is_good = isinstance(km, (int, float, np.number)) and not isinstance(km, bool)
    if not is_good or not np.isfinite(km) or km < 0 or (km == 0 and not zero):
        raise StudyError(
            four_parts(
                f"{kind} takes {name} in kilometres",
                f"found {km!r}",
                f"allowed are finite numbers {'from' if zero else 'above'} 0",
                f"pass for instance {name}=25",
            )
        )
