"""What building costs at a place over the mean of US markets."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.cost import state_cost_table
from siteselect.infrastructure.parameter_table import parameter_values
from siteselect.layers import spatial

__all__ = ["city_cost_table", "construction_index"]


def city_cost_table() -> pd.DataFrame:
    """Return the construction index of the cities that have one.

    Returns
    -------
    DataFrame
        Indexed by ``city``: ``state``, ``longitude``, ``latitude`` [degrees, of the
        center, to a hundredth], ``construction_index`` [1 = mean of US markets],
        ``year`` and ``source`` ("unverified" where only a suggestion is known).

    Examples
    --------
    >>> from siteselect.infrastructure import city_cost_table
    >>> float(city_cost_table().loc["Reno", "construction_index"])
    1.28
    """
    return fact_table("cities").set_index("city")


def construction_index(
    sites: gpd.GeoDataFrame | gpd.GeoSeries,
    state: pd.Series | npt.ArrayLike,
    *,
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    """Return the construction index of each site and where it is from.

    That of the nearest listed city within ``city_reach_km``, whichever state it is
    in; else that of the state; else the parameter ``construction_index_elsewhere``.

    Parameters
    ----------
    sites : GeoDataFrame or GeoSeries, (n,)
        Points or polygons in any CRS.
    state : array_like of str, (n,)
        USPS code of the state; a site in none of `state_cost_table` has no index,
        however near a city is.
    parameters : mapping, optional
        Other values for ``city_reach_km`` and ``construction_index_elsewhere``.

    Returns
    -------
    DataFrame, (n,)
        On the index of ``sites``: ``construction_index`` [ratio], ``basis`` (the
        name of the city, "state" or "elsewhere", None where unknown) and
        ``is_fallback`` (the parameter was used).

    References
    ----------
    `city_cost_table` and `state_cost_table`; the reach is judgement.

    Examples
    --------
    Fort Worth lies 50 km from Dallas; Amarillo is far from every listed city:

    >>> import geopandas as gpd
    >>> from siteselect.infrastructure import construction_index
    >>> places = gpd.GeoSeries.from_xy([-97.33, -101.83], [32.76, 35.19], crs=4326)
    >>> construction_index(places, ["TX", "TX"])[["construction_index", "basis"]]
       construction_index   basis
    0                0.83  Dallas
    1                0.82   state
    """
    values = parameter_values(parameters)
    cities = city_cost_table()
    towns = gpd.GeoSeries.from_xy(
        cities["longitude"], cities["latitude"], crs="EPSG:4326"
    )
    if len(sites):
        found = spatial.nearest(sites, towns, k=1, max_km=values["city_reach_km"])
        city = found.position[:, 0]
    else:
        city = np.zeros(0, dtype=np.int64)
    states = state_cost_table()
    own = pd.Series(np.asarray(state, dtype="object"), index=sites.index)
    listed = own.isin(states.index).to_numpy(dtype=bool)
    of_state = np.asarray(
        own.map(states["construction_index"].to_dict()), dtype="float64"
    )
    # One NaN more, which position -1 reads.
    of_city = np.append(cities["construction_index"].to_numpy("float64"), np.nan)[city]
    near = listed & (city >= 0)
    stated = listed & ~near & ~np.isnan(of_state)
    is_fallback = listed & ~near & ~stated
    index = np.select(
        [near, stated, is_fallback],
        [of_city, of_state, values["construction_index_elsewhere"]],
        np.nan,
    )
    names = np.asarray([*cities.index, None], dtype="object")[city]
    basis = np.full(len(own), None, dtype="object")
    basis[near] = names[near]
    basis[stated] = "state"
    basis[is_fallback] = "elsewhere"
    return pd.DataFrame(
        {"construction_index": index, "basis": basis, "is_fallback": is_fallback},
        index=sites.index,
    )
