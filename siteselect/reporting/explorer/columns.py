"""What a page holds of candidates and chosen sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siteselect.reporting.explorer.rescoring import Rescoring
from siteselect.reporting.plan_like import clean, dollars, tidy_number

Floats = NDArray[np.float64]
#: Criteria that are told of a place, the weightiest; more would not fit on the map.
MOST_CRITERIA = 16
LARGEST_PX = 16.0
_SMALLEST_PX = 7.0


def texts(values: Sequence[object]) -> list[str]:
    """Return values as clean text, unknown ones as none."""
    return [str(clean("" if _is_missing(v) else str(v))) for v in values]


def _is_missing(value: object) -> bool:
    return value is None or value != value or str(value) == "<NA>"


def _places(frame: gpd.GeoDataFrame) -> list[str]:
    """Return county and state of each row, as far as they are known."""
    parts = [
        texts(frame[name].tolist())
        for name in ("county_name", "state")
        if name in frame.columns
    ]
    if not parts:
        return [""] * len(frame)
    return [", ".join(p for p in row if p) for row in zip(*parts, strict=True)]


def _km(values: Floats) -> NDArray[np.float32]:
    """Return map units as kilometers, to ten meters, small on the page."""
    rounded: NDArray[np.float32] = np.round(values / 1000, 2).astype("<f4")
    return rounded


def whereabouts(frame: gpd.GeoDataFrame, xy: Floats) -> dict[str, Any]:
    """Return position [km], label and place of rows."""
    return {
        "x": _km(xy[:, 0]),
        "y": _km(xy[:, 1]),
        "site": texts(frame.index.tolist()),
        "place": _places(frame),
    }


def excluded_columns(frame: gpd.GeoDataFrame, xy: Floats) -> dict[str, Any]:
    """Return what a page holds of excluded candidates."""
    because = texts(frame["excluded_by"].tolist())
    return {**whereabouts(frame, xy), "because": because}


def candidate_columns(
    frame: gpd.GeoDataFrame, xy: Floats, scoring: Rescoring
) -> dict[str, Any]:
    """Return what a page holds of candidates that nothing excludes.

    Scores and values keep all their digits: the page scores again with them.
    Columns are numbered, as a criterion's own name may hold any character.
    """
    data = whereabouts(frame, xy)
    data["score"] = frame["score"].to_numpy(dtype="<f8", na_value=np.nan)
    for c, name in enumerate(scoring.names):
        if len(scoring.values):
            data[f"v{c}"] = scoring.values[c].astype("<f8")
        column = f"{name}_contribution"
        if scoring.why_not and column in frame.columns:
            parts = frame[column].to_numpy(dtype=float, na_value=np.nan)
            data[f"c{c}"] = np.round(parts, 4).astype("<f4")
    lacking = scoring.unknown() if len(scoring.values) else []
    if any(lacking):
        data["lacking"] = lacking
    return data


def chosen_columns(
    sites: gpd.GeoDataFrame, xy: Floats, row: NDArray[np.int64], largest_mw: float
) -> dict[str, list[Any]]:
    """Return what a page holds of the chosen places of one plan.

    Parameters
    ----------
    sites : GeoDataFrame
        Chosen rows.
    xy : ndarray, shape (n_sites, 2)
        Positions on the map [m].
    row : ndarray of int, shape (n_sites,)
        Place among the page's candidates, -1 for none.
    largest_mw : float
        Megawatts of the largest circle [MW].
    """
    where = whereabouts(sites, xy)
    data: dict[str, list[Any]] = {
        key: [round(float(v), 2) for v in column] if key in ("x", "y") else column
        for key, column in where.items()
    }
    mw = (
        sites["mw"].to_numpy(dtype=float)
        if "mw" in sites.columns
        else np.full(len(sites), np.nan)
    )
    share = np.sqrt(np.clip(np.nan_to_num(mw), 0, None) / largest_mw)
    size = np.round(np.maximum(2 * LARGEST_PX * share, _SMALLEST_PX), 1)
    data["size"] = size.tolist()
    data["row"] = row.tolist()
    data["mw_facility"] = [float(v) if np.isfinite(v) else None for v in mw]
    data["mw"] = [tidy_number(float(v)) for v in mw]
    if "cost_usd" in sites.columns:
        data["cost"] = [dollars(float(v)) for v in sites["cost_usd"]]
    for name in ("option", "substation", "why"):
        if name in sites.columns:
            data[name] = texts(sites[name].tolist())
    return data


def rows_of(frame: pd.DataFrame, sites: pd.DataFrame) -> NDArray[np.int64]:
    """Return the position of each chosen label among the candidates, -1 for none."""
    if not frame.index.is_unique:
        return np.full(len(sites), -1, dtype=np.int64)
    found = frame.index.get_indexer(sites.index)
    return np.asarray(found, dtype=np.int64)
