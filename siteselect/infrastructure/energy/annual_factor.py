"""Daylight scaled to the annual capacity factor of each site."""

from __future__ import annotations

from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, four_parts, said, shown
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.energy.columns import as_numbers
from siteselect.layers import Raster, raster, spatial

__all__ = ["annual_factor", "scaled"]

Floats = npt.NDArray[np.float64]
#: As `prepare`: a raster ends at the coast.
_REACH_KM: Final = 40.0


def annual_factor(sites: gpd.GeoDataFrame, given: Any) -> Floats:
    """Return the annual capacity factor of each site, NaN where unknown."""
    if not isinstance(sites, gpd.GeoDataFrame) or not sites.index.is_unique:
        raise LayerError(
            four_parts(
                "typical days are made for candidates",
                f"got {type(sites).__name__} with labels that repeat"
                if isinstance(sites, gpd.GeoDataFrame)
                else f"got {type(sites).__name__}",
                "a GeoDataFrame with unique labels is allowed",
                "sites.reset_index(drop=True)",
            )
        )
    if isinstance(given, Raster):
        found = raster.sample_bands(given, spatial.points_of(sites), reach_km=_REACH_KM)
        values = np.asarray(found.values.mean(axis=1), dtype=np.float64)
        source, raw = "the raster", pd.Series(values)
    elif isinstance(given, str) and given in sites.columns:
        source, raw = f"column {given!r}", sites[given]
        values = as_numbers(raw, f"typical days are scaled to {source}")
    elif isinstance(given, pd.Series) and given.index.is_unique:
        source, raw = "the Series", given.reindex(sites.index)
        values = as_numbers(raw, f"typical days are scaled to {source}")
    else:
        raise LayerError(
            four_parts(
                f"typical days are scaled to solar_cf={said(given)}",
                "that is no column of the candidates"
                if isinstance(given, str)
                else f"that is {type(given).__name__}",
                "a Raster, a column name or a Series keyed by site is allowed",
                "siteselect.datasets.load('solar_cf')",
            )
        )
    with np.errstate(invalid="ignore"):
        bad = (values < 0) | (values > 1)
    bad |= np.isnan(values) & raw.notna().to_numpy()
    if bad.any():
        raise LayerError(
            four_parts(
                f"typical days are scaled to the capacity factor of {source}",
                f"{int(bad.sum())} are outside 0 to 1: "
                + shown(
                    f"{v} at {x!r}"
                    for x, v in zip(sites.index[bad], raw[bad].tolist(), strict=True)
                ),
                "shares from 0 to 1 are allowed",
                "divide per cent by 100",
            )
        )
    return values


def scaled(
    light: Floats, damp: Floats, hours: Floats, wanted: Floats, site: pd.Index[Any]
) -> Floats:
    """Return min(1, k x light) x damp with one k per site that meets the mean.

    Where damp is above 1 the cap holds for the product.
    """
    share = hours / HOURS_PER_YEAR
    high_damp = np.maximum(damp, 1.0)
    low_damp = np.minimum(damp, 1.0)
    # Beyond this factor all but the faintest light is at the cap.
    low, high = np.zeros(wanted.size), np.full(wanted.size, 1e3)

    def given(k: Floats) -> Floats:
        return np.minimum(light * k[:, None] * high_damp, 1.0) * low_damp

    most = given(high) @ share
    with np.errstate(invalid="ignore"):
        bad = wanted > most
    if bad.any():
        raise LayerError(
            four_parts(
                "typical days are scaled to a capacity factor",
                "it is more than the hours of light give at "
                + shown(
                    f"{x!r}: {w:.3f}, at most {m:.3f}"
                    for x, w, m in zip(site[bad], wanted[bad], most[bad], strict=True)
                ),
                "a capacity factor of a solar plant, below about 0.45, is allowed",
                "check the unit of solar_cf",
            )
        )
    for _ in range(60):
        middle = (low + high) / 2
        is_low = given(middle) @ share < wanted
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    out = given(high)
    out[np.isnan(wanted)] = np.nan
    return out
