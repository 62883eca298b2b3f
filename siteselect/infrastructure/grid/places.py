"""Where the buses of a network are."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers.crs import to_wgs84


def lon_lat_of(
    bus: npt.NDArray[Any],
    places: gpd.GeoSeries | gpd.GeoDataFrame,
    buses: Any = None,
) -> npt.NDArray[np.float64]:
    """Return longitude and latitude of buses, NaN where unknown.

    Parameters
    ----------
    bus : ndarray
        Labels of buses.
    places : GeoSeries or GeoDataFrame
        Points keyed by bus, or by substation.
    buses : Series, optional
        Substation of each bus, keyed by bus, where ``places`` are substations.

    Examples
    --------
    >>> import geopandas as gpd, numpy as np
    >>> places = gpd.GeoSeries.from_xy([-100], [32], index=[7], crs=4326)
    >>> lon_lat_of(np.array([7]), places)
    array([[-100.,   32.]])
    """
    given: Any = places
    if not isinstance(given, gpd.GeoSeries | gpd.GeoDataFrame):
        raise _unusable(f"that is {type(given).__name__}")
    if not given.index.is_unique:
        twice = given.index[given.index.duplicated()].unique()
        raise _unusable(f"labels occur twice: {shown(map(repr, twice))}")
    if buses is not None and not isinstance(buses, pd.Series):
        raise _unusable(f"`buses` is {type(buses).__name__}")
    if buses is not None and not buses.index.is_unique:
        twice = buses.index[buses.index.duplicated()].unique()
        raise _unusable(f"`buses` names a bus twice: {shown(map(repr, twice))}")
    points = to_wgs84(given, "the places of the buses")
    kinds = set(points.geom_type) - {"Point"}
    if kinds:
        raise _unusable(f"it holds {shown(sorted(kinds))}")
    key: pd.Index[Any] = pd.Index(bus)
    if buses is not None:
        key = pd.Index(buses.reindex(key))
    at = points.index.get_indexer(key)
    if not (at >= 0).any():
        raise _unusable(
            f"none of its labels, such as {shown(points.index[:3])}, is "
            f"that of a bus, such as {shown(bus[:3])}"
        )
    x, y = points.x.to_numpy(), points.y.to_numpy()
    found = np.full((len(bus), 2), np.nan)
    there = at >= 0
    found[there] = np.column_stack([x, y])[at[there]]
    return found


def _unusable(found: str) -> LayerError:
    return LayerError(
        four_parts(
            "Places of the buses were given",
            found,
            "points keyed by bus label, each once, with a CRS; or keyed by "
            "substation, with the substation of each bus beside it",
            "network.with_places(substations.set_index('substation'), "
            "buses.set_index('bus')['substation'])",
        )
    )


__all__ = ["lon_lat_of"]
