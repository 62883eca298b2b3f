"""Tables by county, state or tract, put on the map."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers.check import require_geometry, require_unique
from siteselect.layers.info import LayerInfo, layer_info, with_info
from siteselect.layers.notices import notice

__all__ = ["on_places"]


def on_places(
    table: pd.DataFrame, places: gpd.GeoDataFrame, key: str
) -> gpd.GeoDataFrame:
    """Put a table by county, state or another place on the polygons of these places.

    Parameters
    ----------
    table : DataFrame
        One row per place, such as what `eia861_prices`, `qcew` or `usgs_water_use`
        read.
    places : GeoDataFrame
        Polygons, such as ``ss.datasets.load("counties")``.
    key : str
        Column or index of both that names the place, such as ``"county"``.

    Returns
    -------
    GeoDataFrame
        The places, index kept: ``key``, the columns of the table (NaN where it has
        no row) and the geometry. It carries the card of the table.

    Raises
    ------
    LayerError
        If a key is missing or repeats in the table, or no place is in both.

    Warns
    -----
    DataQualityWarning
        If rows of the table are of no such place.

    Examples
    --------
    >>> import pandas as pd, siteselect as ss
    >>> prices = pd.DataFrame({"state": ["TX"], "industrial_usd_per_mwh": [62.0]})
    >>> states = ss.releases.on_places(prices, ss.datasets.load("states"), "state")
    >>> states.set_index("state").loc["TX", "industrial_usd_per_mwh"]
    np.float64(62.0)
    >>> int(states["industrial_usd_per_mwh"].isna().sum())
    48
    """
    labels = _keys(table, key, "the table")
    require_unique(labels, layer="the table", what=f"{key} (column {key!r})")
    require_geometry(places, layer="the places")
    where = _keys(places, key, "the places")
    rows = table.drop(columns=[key], errors="ignore")
    rows.index = pd.Index(labels)
    lost = ~rows.index.isin(where)
    if lost.all():
        raise LayerError(
            four_parts(
                f"A table is to be put on places by {key!r}",
                f"no place is in both: the table has {shown(rows.index, 3)}, the "
                f"places have {shown(where, 3)}",
                "the same codes in both are needed",
                "Check that both have e.g. FIPS codes of five digits as text",
            )
        )
    if lost.any():
        notice(
            f"{int(lost.sum())} of {len(rows)} rows are of no {key} among the places "
            f"and are left out: {shown(rows.index[lost])}.",
            stacklevel=2,
        )
    joined = rows.reindex(where)
    joined.index = places.index
    out = gpd.GeoDataFrame(
        {key: where.to_numpy()}, geometry=places.geometry.array, index=places.index
    )
    for at, column in enumerate(joined.columns, start=1):
        out.insert(at, column, joined[column])
    known = layer_info(table).as_dict()
    return with_info(out.set_crs(places.crs), LayerInfo(**known))


def _keys(frame: pd.DataFrame, key: str, layer: str) -> pd.Series:
    """Return what names each place, as text."""
    if key in frame.columns:
        keys = frame[key]
    elif key in frame.index.names and frame.index.nlevels == 1:
        keys = frame.index.to_series()
    else:
        have = [str(c) for c in (*frame.index.names, *frame.columns) if c is not None]
        raise LayerError(
            four_parts(
                f"{layer} is to be joined by {key!r}",
                "there is no column or index of that name",
                f"the columns are {shown(have, 20)}",
                "Name the column that both have." + nearest_name(key, have),
            )
        )
    return keys.astype("str").str.strip()
