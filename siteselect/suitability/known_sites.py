"""Which candidate holds each site that is known to exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, said, shown
from siteselect.layers import spatial
from siteselect.layers.crs import require_crs
from siteselect.suitability.ground import area_km2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

__all__ = ["Matched", "matched"]


@dataclass(frozen=True, eq=False)
class Matched:
    """Known sites on candidates.

    Parameters
    ----------
    labels : pandas.Index
        Labels of the known sites.
    position : numpy.ndarray of int64, shape (n_known,)
        Position of the candidate that holds each; -1 for none.
    distance_km : numpy.ndarray, shape (n_known,)
        From the site to the ground of its candidate [km]: 0 inside; NaN for none.
    """

    labels: pd.Index[Any]
    position: Ints
    distance_km: Floats


def matched(sites: gpd.GeoDataFrame, known: Any, within_km: float) -> Matched:
    """Return the candidate that holds each known site, or the nearest.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates with a unique index.
    known : GeoDataFrame, GeoSeries, or labels of candidates
        Places in any CRS (what is no point stands for a point on it), or an index
        or list of labels of ``sites``.
    within_km : float
        How far the ground of the nearest candidate may be [km].

    Returns
    -------
    Matched

    Raises
    ------
    LayerError
        If there are no known sites, or a label is not a candidate's.
    CRSError
        If they have no CRS.
    StudyError
        If the distance is none.
    """
    if not isinstance(within_km, (int, float)) or not 0 <= within_km < np.inf:
        raise StudyError(
            four_parts(
                "A known site belongs to the nearest candidate within a distance",
                f"found within_km={said(within_km)}",
                "allowed are kilometers from 0",
                "pass for instance within_km=5",
            )
        )
    if not isinstance(known, (gpd.GeoDataFrame, gpd.GeoSeries)):
        return _by_label(sites, known)
    if not len(known):
        raise _none_known("an empty layer")
    require_crs(known, "the known sites")
    # The ground of a candidate, or the place itself where it has none.
    ground = spatial.located(sites)
    has_ground = np.isfinite(area_km2(sites))
    if has_ground.any():
        geoms = np.asarray(ground.array, dtype=object).copy()
        geoms[has_ground] = spatial.footprints(sites[has_ground]).to_numpy()
        ground = gpd.GeoSeries(geoms, crs=ground.crs)
    found = spatial.nearest(spatial.points_of(known), ground, max_km=float(within_km))
    return Matched(known.index, found.position[:, 0], found.distance_km[:, 0])


def _by_label(sites: gpd.GeoDataFrame, known: Any) -> Matched:
    """Look labels up; each must be a candidate's."""
    try:
        labels = pd.Index(known)
    except TypeError:
        raise _none_known(said(known)) from None
    if not len(labels):
        raise _none_known("an empty list")
    position = sites.index.get_indexer(labels)
    stray = labels[position < 0]
    if len(stray):
        raise LayerError(
            four_parts(
                "Known sites were given by the labels of their candidates",
                f"{len(stray)} of {len(labels)} are no candidate's: "
                f"{shown(map(repr, stray))}",
                f"allowed are labels such as {shown(map(repr, sites.index), 3)}",
                "pass places instead: a GeoDataFrame or GeoSeries of points",
            )
        )
    return Matched(labels, position.astype(np.int64), np.zeros(len(labels)))


def _none_known(found: str) -> LayerError:
    return LayerError(
        four_parts(
            "A score is held against sites that are known",
            f"found {found}",
            "allowed are a GeoDataFrame or GeoSeries with a place each, or labels of "
            "candidates",
            "read them: read_layer('known.csv')",
        )
    )
