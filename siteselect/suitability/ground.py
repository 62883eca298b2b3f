"""The ground candidates stand for: its area, and which pieces of it touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers import spatial
from siteselect.layers.antimeridian import joined, on_globe

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Sides of a cell, and its area by its width squared.
CELLS = {"square": (4, 1.0), "hex": (6, np.sqrt(3) / 2)}
#: Rounding that does not count as lying off the antimeridian [degrees].
_ROUNDING = 1e-9
#: Neighbors of a grid are one width apart, the next but one 1.41 or 1.73; the
#: projection of a grid the size of the United States changes widths by 3 %.
_REACH = 1.2

__all__ = ["Touching", "area_km2", "parts_of", "patches", "polygons_of", "touching"]


@dataclass(frozen=True, eq=False)
class Touching:
    """Pairs of candidates with a common border.

    Parameters
    ----------
    first, second : numpy.ndarray of int64, shape (n_pairs,)
        Positions, ``first < second``.
    first_share, second_share : numpy.ndarray of float64, shape (n_pairs,)
        Share of each one's own border that is common [-].
    """

    first: Ints
    second: Ints
    first_share: Floats
    second_share: Floats


def area_km2(sites: gpd.GeoDataFrame) -> Floats:
    """Return the area of the ground of each candidate [km2].

    A polygon has its own area on the ellipsoid, without its holes; a cell of a
    grid the area its width says. A point or line that is no cell has none: NaN.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates in any CRS.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)

    Examples
    --------
    >>> sites = gpd.GeoDataFrame(
    ...     {"cell_km": [10.0, None], "cell_shape": ["square", None]},
    ...     geometry=gpd.points_from_xy([-97, -98], [32, 32]), crs=4326,
    ... )
    >>> area_km2(sites)
    array([100.,  nan])
    """
    out = np.full(len(sites), np.nan)
    is_cell, is_polygon = _kinds(sites)
    for shape, (_, factor) in CELLS.items():
        rows = is_cell[shape]
        width = sites["cell_km"].to_numpy(dtype=float)[rows] if rows.any() else 0.0
        out[rows] = factor * np.square(width)
    if is_polygon.any():
        geoms = polygons_of(sites[is_polygon])
        out[is_polygon] = shapely.area(spatial._equal_area(geoms)) / 1e6
    return out


def polygons_of(sites: gpd.GeoDataFrame) -> npt.NDArray[Any]:
    """Return polygons in longitude and latitude, crossed rings set right.

    They are cut at the antimeridian.
    """
    geoms: npt.NDArray[Any] = np.asarray(
        spatial.located(sites, "the candidates").array, dtype=object
    )
    bad = ~shapely.is_valid(geoms)
    if bad.any():
        geoms = geoms.copy()
        geoms[bad] = shapely.make_valid(geoms[bad])
    return geoms


def parts_of(sites: gpd.GeoDataFrame) -> tuple[npt.NDArray[Any], Ints]:
    """Return the pieces of ground of polygons, and the row each belongs to.

    What meets at the antimeridian is one piece, though it is cut there.
    """
    parts, row = shapely.get_parts(joined(polygons_of(sites)), return_index=True)
    return on_globe(parts), row


def touching(sites: gpd.GeoDataFrame, what: str) -> Touching:
    """Find the pairs of candidates that share a border; a corner is none.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Polygons, or points with ``cell_km`` and ``cell_shape``.
    what : str
        Who asks, for the message.

    Returns
    -------
    Touching

    Raises
    ------
    LayerError
        If a candidate has no ground, or cells and polygons are mixed.
    """
    is_cell, is_polygon = _kinds(sites)
    cells = is_cell["square"] | is_cell["hex"]
    if not (cells.all() or is_polygon.all()):
        rest = ~cells & ~is_polygon
        raise LayerError(
            four_parts(
                f"{what} asks which candidates touch",
                f"{int(rest.sum())} of {len(sites)} candidates have no ground, e.g. "
                f"{shown(sites.index[rest], 1)}"
                if rest.any()
                else f"{int(cells.sum())} are cells of a grid and "
                f"{int(is_polygon.sum())} are polygons",
                "allowed are polygons, or points with cell_km and cell_shape",
                "use `grid_candidates(...)`, or buffer points to parcels",
            )
        )
    if not len(sites):
        none = np.zeros(0, dtype=np.int64)
        return Touching(none, none, np.zeros(0), np.zeros(0))
    return _touching_polygons(sites) if is_polygon.all() else _touching_cells(sites)


def patches(pairs: Touching, use: Flags) -> Ints:
    """Return the number of the patch of each candidate in use, -1 for the others."""
    first, second = pairs.first, pairs.second
    both = use[first] & use[second]
    n = len(use)
    graph = coo_array((np.ones(both.sum()), (first[both], second[both])), shape=(n, n))
    _, number = connected_components(graph, directed=False)
    return np.where(use, number, -1).astype(np.int64)


def _kinds(sites: gpd.GeoDataFrame) -> tuple[dict[str, Flags], Flags]:
    """Say which rows are cells of which shape, and which are polygons."""
    geoms = np.asarray(sites.geometry.array, dtype=object)
    is_polygon = shapely.get_dimensions(geoms) == 2
    is_point = shapely.get_type_id(geoms) == 0
    cells = {shape: np.zeros(len(sites), dtype=bool) for shape in CELLS}
    if {"cell_km", "cell_shape"} <= set(sites.columns):
        width = sites["cell_km"].to_numpy(dtype=float, na_value=np.nan)
        found = sites["cell_shape"].astype(object).to_numpy()
        for shape in CELLS:
            cells[shape] = is_point & (found == shape) & (width > 0)
    return cells, is_polygon


def _touching_cells(sites: gpd.GeoDataFrame) -> Touching:
    """Pairs of cells about one width apart."""
    width = sites["cell_km"].to_numpy(dtype=float)
    pairs = spatial.self_pairs_within(sites, _REACH * float(width.max()))
    first, second = pairs.site, pairs.feature
    pair_width = np.minimum(width[first], width[second])
    near = pairs.distance_km <= _REACH * pair_width
    twice = pairs.distance_km < 0.5 * pair_width
    if twice.any():
        at = int(np.flatnonzero(twice)[0])
        raise LayerError(
            four_parts(
                "Cells of a grid lie side by side",
                f"{int(twice.sum())} pairs overlap, e.g. "
                f"{sites.index[first[at]]!r} and {sites.index[second[at]]!r}",
                "allowed are cells of one grid",
                "drop those that repeat, or use one grid at a time",
            )
        )
    first, second = first[near], second[near]
    sides = np.where(sites["cell_shape"].astype(str) == "hex", 6.0, 4.0)
    return Touching(first, second, 1 / sides[first], 1 / sides[second])


def _touching_polygons(sites: gpd.GeoDataFrame) -> Touching:
    """Pairs of polygons whose common ground or border has a length."""
    geoms = polygons_of(sites)
    first, second = shapely.STRtree(geoms).query(geoms, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    common = shapely.length(shapely.intersection(geoms[first], geoms[second]))
    border = shapely.length(geoms)
    west, east, seam = _across_the_antimeridian(geoms)
    if len(seam):
        own = west == east
        # The cut through a polygon is no border of it.
        np.subtract.at(border, west[own], 2 * seam[own])
        pair, which = np.unique(
            np.concatenate(
                [
                    np.stack([first, second], axis=1),
                    np.sort(np.stack([west, east], axis=1)[~own], axis=1),
                ]
            ),
            axis=0,
            return_inverse=True,
        )
        first, second = pair.T
        common = np.bincount(
            which.ravel(), np.concatenate([common, seam[~own]]), len(pair)
        )
    real = common > 1e-9 * np.minimum(border[first], border[second])
    first, second, common = first[real], second[real], common[real]
    return Touching(
        first.astype(np.int64),
        second.astype(np.int64),
        np.minimum(common / border[first], 1.0),
        np.minimum(common / border[second], 1.0),
    )


def _across_the_antimeridian(geoms: npt.NDArray[Any]) -> tuple[Ints, Ints, Floats]:
    """Polygons that meet there: which lies east of it, which west, and how long."""
    low, _, high, _ = shapely.bounds(geoms).T
    west = np.flatnonzero(low <= -180 + _ROUNDING)
    east = np.flatnonzero(high >= 180 - _ROUNDING)
    moved = shapely.transform(geoms[west], lambda xy: xy + np.array([360.0, 0.0]))
    i, j = shapely.STRtree(geoms[east]).query(moved, predicate="intersects")
    common: Floats = shapely.length(shapely.intersection(moved[i], geoms[east][j]))
    return west[i], east[j], common
