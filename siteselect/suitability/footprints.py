"""Campus footprints: contiguous regions of enough ground, grown from good cells."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.spatial import KDTree, Voronoi

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.layers import Raster, spatial
from siteselect.layers.antimeridian import joined, on_globe
from siteselect.layers.crs import WGS84
from siteselect.layers.ellipsoid import GEOD, xyz
from siteselect.suitability.candidates import _is_inside, _labels
from siteselect.suitability.checks import column_of, layer_name
from siteselect.suitability.contiguous import check_area
from siteselect.suitability.ground import (
    Touching,
    area_km2,
    parts_of,
    patches,
    touching,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Cells of a raster read at once; about 5 GB while growing.
_CELLS = 16_000_000
#: Turns that carry one neighbor of a cell to the others [degrees].
_TURNS = {"square": (0, 90, 180, 270), "hex": (0, 60, 120, 180, 240, 300)}
#: Width of the globe in EPSG:6933 [m].
_AROUND_M = 2 * 17_367_530.445161372
#: Scores closer than this are equal, so that rounding decides nothing.
_DIGITS = 9

__all__ = ["footprints"]


@dataclass(frozen=True, eq=False)
class _Cells:
    """Pieces of ground with a score, in an order of their own places."""

    score: Floats
    km2: Floats
    #: Places in space [km].
    xyz: Floats
    pairs: Touching


def footprints(
    source: gpd.GeoDataFrame | Raster,
    *,
    min_ha: float,
    compactness: float = 0.5,
    min_score: float = 0.0,
    score: str = "score",
    value: Callable[[npt.NDArray[Any]], npt.ArrayLike] | None = None,
    area: Any = None,
) -> gpd.GeoDataFrame:
    r"""Grow contiguous campus footprints of at least so many hectares.

    Each footprint starts where the surroundings are best and takes the best
    adjoining cell until it is large enough; the next one starts in what is left.
    It goes on until no patch of free cells is large enough.

    Parameters
    ----------
    source : geopandas.GeoDataFrame or Raster
        Scored cells of a grid or polygons (`score_sites`), or a raster of one
        band. What has no score, or is excluded, is never part of a footprint;
        each part of a multipolygon is a cell of its own.
    min_ha : float
        Least area of a footprint [ha]; it exceeds it by less than one cell.
    compactness : float, default 0.5
        From 0 (the best cells, however they wind) to 1 (the roundest footprint,
        whatever the score).
    min_score : float, default 0
        Least score of a cell [-].
    score : str, default "score"
        Column of a frame with scores in [0, 1] [-].
    value : ValueFunction or callable, optional
        Turns figures into scores in [0, 1], e.g. `Falling(1, 8)` for a raster of
        slopes.
    area : GeoDataFrame, GeoSeries or shapely polygon, optional
        Of a raster, use the cells whose center is inside.

    Returns
    -------
    geopandas.GeoDataFrame
        Polygons (EPSG:4326) that do not overlap, from north to south and west to
        east; index ``site``, and columns ``area_ha``, ``mean_score`` (weighted by
        area) [-], ``compactness`` (Polsby-Popper [1]_, 1 for a circle) [-] and
        ``n_cells``. The same cells give the same footprints, in whatever order.

    Raises
    ------
    StudyError, LayerError
        If an argument or the cells cannot be used, or no patch is large enough.

    Notes
    -----
    The next cell is the one with the greatest

    .. math:: (1 - c)\, s + \tfrac{c}{2} \left(b + \max(0, 1 - d / 2R)\right)

    with compactness :math:`c`, score :math:`s`, the share :math:`b` of the cell's
    border that adjoins the footprint, its distance :math:`d` from the start, and
    :math:`R = \sqrt{A / \pi}` for the area :math:`A` asked for. It is a rule of
    thumb, not an optimum; footprints of equal size compete in `optimize_sites`.

    References
    ----------
    .. [1] Polsby, D. D. and Popper, R. D., "The third criterion: compactness as a
       procedural safeguard against partisan gerrymandering", Yale Law & Policy
       Review 9(2), 1991, https://doi.org/10.2139/ssrn.2936284

    Examples
    --------
    >>> from shapely import box
    >>> from siteselect.suitability import grid_candidates
    >>> cells = grid_candidates(box(-100, 31, -99.9, 31.1), spacing_km=1)
    >>> cells["score"] = 0.5
    >>> sites = footprints(cells, min_ha=900, compactness=1)
    >>> sites["area_ha"].iloc[0].item(), sites["n_cells"].iloc[0].item()
    (900.0, 9)
    """
    check_area("footprints", "min_ha", min_ha)
    for name, number in (("compactness", compactness), ("min_score", min_score)):
        is_number = isinstance(number, (int, float, np.number))
        if not is_number or isinstance(number, bool) or not 0 <= number <= 1:
            raise StudyError(
                four_parts(
                    f"footprints takes {name} from 0 to 1",
                    f"found {number!r}",
                    "allowed are numbers from 0 to 1",
                    f"pass for instance {name}=0.5",
                )
            )
    if isinstance(source, Raster):
        cells, shapes = _of_raster(source, value, area)
    else:
        cells, shapes = _of_frame(source, score, value)
    region = grow(
        cells,
        min_km2=min_ha / 100,
        compactness=float(compactness),
        min_score=float(min_score),
    )
    if not (region >= 0).any():
        good = cells.score >= min_score
        patch = patches(cells.pairs, good)
        sizes = np.bincount(patch[good], weights=cells.km2[good]) * 100
        raise LayerError(
            four_parts(
                f"Footprints of at least {min_ha:g} ha were asked for",
                f"{int(good.sum())} of {len(good)} cells have a score from "
                f"{min_score:g}; their largest patch has "
                f"{sizes.max(initial=0.0):,.4g} ha",
                "needed is a patch of touching cells of that area",
                "pass a smaller min_ha or min_score, or other exclusions",
            )
        )
    return _as_frame(cells, region, shapes)


def grow(
    cells: _Cells, *, min_km2: float, compactness: float, min_score: float
) -> Ints:
    """Return the number of the region of each cell, -1 for none.

    Regions are numbered in the order in which they are grown.
    """
    n = len(cells.score)
    good = cells.score >= min_score
    patch = patches(cells.pairs, good)
    size = np.bincount(patch[good], weights=cells.km2[good], minlength=1)
    enough = min_km2 * (1 - 1e-9)
    free = good & (size[np.maximum(patch, 0)] >= enough)
    region = np.full(n, -1, dtype=np.int64)
    if not free.any():
        return region
    graph = _graph(cells.pairs, free)
    # The best start is the one with the best surroundings, not the best cell.
    radius = math.sqrt(min_km2 / math.pi)
    around = _smoothed(cells.score, free, graph, radius, cells.km2)
    starts = np.flatnonzero(free)
    starts = starts[np.argsort(-around[starts], kind="stable")]

    # Plain lists: cells are looked up one by one, each joins one region once.
    link, other = graph.indptr.tolist(), graph.indices.tolist()
    share, is_free = graph.data.tolist(), bytearray(free.tobytes())
    worth = ((1 - compactness) * cells.score).tolist()
    ground = cells.km2.tolist()
    x, y, z = (column.tolist() for column in cells.xyz.T)
    half = compactness / 2
    number = 0
    for start in starts.tolist():
        if not is_free[start]:
            continue
        origin = (x[start], y[start], z[start])
        border: dict[int, float] = {start: 0.0}
        heap = [(0.0, start)]
        members: list[int] = []
        total = 0.0
        while heap and total < enough:
            _, cell = heapq.heappop(heap)
            if not is_free[cell]:
                continue
            is_free[cell] = 0
            members.append(cell)
            total += ground[cell]
            for at in range(link[cell], link[cell + 1]):
                near = other[at]
                if is_free[near]:
                    common = border.get(near, 0.0) + share[at]
                    border[near] = common
                    away = math.dist(origin, (x[near], y[near], z[near]))
                    round_ = common + max(0.0, 1 - away / (2 * radius))
                    heapq.heappush(
                        heap, (-round(worth[near] + half * round_, _DIGITS), near)
                    )
        # Too small: all that was free around the start has been tried.
        if total >= enough:
            region[members] = number
            number += 1
    return region


def _graph(pairs: Touching, free: Flags) -> csr_array:
    """Neighbors of free cells; the data is the share of the *neighbor's* border."""
    both = free[pairs.first] & free[pairs.second]
    first, second = pairs.first[both], pairs.second[both]
    n = len(free)
    graph = coo_array(
        (
            np.concatenate([pairs.second_share[both], pairs.first_share[both]]),
            (np.concatenate([first, second]), np.concatenate([second, first])),
        ),
        shape=(n, n),
    ).tocsr()
    graph.sort_indices()
    return graph


def _smoothed(
    score: Floats, free: Flags, graph: csr_array, radius: float, km2: Floats
) -> Floats:
    """Scores averaged with their neighbors', again and again up to the radius."""
    width = math.sqrt(float(np.median(km2[free])))
    steps = int(np.clip(round(radius / width) if width > 0 else 1, 1, 50))
    links = csr_array(
        (np.ones(len(graph.data)), graph.indices, graph.indptr), shape=graph.shape
    )
    count = 1.0 + np.diff(graph.indptr)
    out = np.where(free, score, 0.0)
    for _ in range(steps):
        out = (out + links @ out) / count
    rounded: Floats = np.asarray(np.round(out, _DIGITS), dtype=np.float64)
    return rounded


# ---------------------------------------------------------------------- sources


def _scores(figures: Any, value: Any, what: str) -> Floats:
    """Return scores in [0, 1], NaN where unknown."""
    if value is not None:
        figures = np.asarray(value(np.asarray(figures)), dtype=np.float64)
    found = np.asarray(figures, dtype=np.float64)
    outside = (found < -1e-12) | (found > 1 + 1e-12)
    if outside.any():
        raise StudyError(
            four_parts(
                f"Footprints grow from scores in [0, 1], here {what}",
                f"found {found[outside][0]:g}, and {int(outside.sum()) - 1} more",
                "allowed are 0 (worst) to 1 (best), NaN where unknown",
                "pass value=, e.g. value=Falling(1, 8) for slopes",
            )
        )
    clipped: Floats = np.clip(found, 0.0, 1.0)
    return clipped


def _of_frame(
    sites: gpd.GeoDataFrame, score: str, value: Any
) -> tuple[_Cells, Callable[[Ints], npt.NDArray[Any]]]:
    """Read scored cells or polygons, sorted by place."""
    if not isinstance(sites, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                "Footprints grow from scored cells or a raster",
                f"found {type(sites).__name__}",
                "allowed are a GeoDataFrame and a Raster",
                "pass for instance score_sites(grid_candidates(...), criteria)",
            )
        )
    figures = column_of(sites, score, "the candidates")
    if not pd.api.types.is_numeric_dtype(figures) or figures.dtype == bool:
        raise LayerError(
            four_parts(
                f"Footprints grow from the scores in column {score!r}",
                f"it holds {figures.dtype}",
                "allowed are numbers from 0 to 1",
                "pass score= with the column of scores",
            )
        )
    is_polygon = bool(np.all(shapely.get_dimensions(sites.geometry.to_numpy()) == 2))
    if is_polygon:
        sites = _in_parts(sites)
    points = spatial.points_of(sites)
    lon, lat = points.x.to_numpy(), points.y.to_numpy()
    order = np.lexsort((lon, -lat))
    sites, lon, lat = sites.iloc[order], lon[order], lat[order]
    found = _scores(
        sites[score].to_numpy(dtype=float, na_value=np.nan), value, f"column {score!r}"
    )
    if "excluded_by" in sites.columns:
        why = sites["excluded_by"].astype(object).fillna("").astype(str)
        found = np.where(why == "", found, np.nan)
    pairs = touching(sites, "footprints")
    if is_polygon:
        geoms = sites.geometry.to_numpy()
        _refuse_overlap(sites, geoms, pairs)
        shapes: Callable[[Ints], npt.NDArray[Any]] = lambda rows: geoms[rows]  # noqa: E731
    else:
        frame = sites
        shapes = lambda rows: _lattice_cells(frame, lon, lat, pairs, rows)  # noqa: E731
    cells = _Cells(found, area_km2(sites), xyz(lon, lat), pairs)
    return cells, shapes


def _in_parts(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return each part of a multipolygon as a row; parts without area are none."""
    parts, row = parts_of(sites)
    solid = shapely.area(parts) > 0
    out = sites.iloc[row[solid]]
    shapes = gpd.GeoSeries(parts[solid], index=out.index, crs=WGS84)
    return out.set_geometry(shapes)


def _refuse_overlap(
    sites: gpd.GeoDataFrame, geoms: npt.NDArray[Any], pairs: Touching
) -> None:
    """Refuse polygons that overlap by more than their outlines are wrong."""
    first, second = pairs.first, pairs.second
    common = shapely.area(shapely.intersection(geoms[first], geoms[second]))
    own = shapely.area(geoms)
    over = common > 1e-3 * np.minimum(own[first], own[second])
    if over.any():
        at = int(np.flatnonzero(over)[0])
        raise LayerError(
            four_parts(
                "Footprints are made of cells side by side",
                f"{int(over.sum())} pairs overlap, e.g. "
                f"{sites.index[first[at]]!r} and {sites.index[second[at]]!r}",
                "allowed are polygons that touch",
                "drop those that repeat, or cut them with gpd.overlay",
            )
        )


def _of_raster(
    raster: Raster, value: Any, area: Any
) -> tuple[_Cells, Callable[[Ints], npt.NDArray[Any]]]:
    """Read the cells of a raster that have a figure, row by row."""
    name = layer_name(raster)
    if len(raster.bands) != 1:
        raise StudyError(
            four_parts(
                f"Footprints grow from one band of raster {name!r}",
                f"it has {len(raster.bands)}: {shown(raster.band_names)}",
                "allowed is one band",
                "pass raster.band(1)",
            )
        )
    window = area if isinstance(area, (gpd.GeoDataFrame, gpd.GeoSeries)) else None
    if isinstance(area, shapely.Geometry):
        window = gpd.GeoSeries([area], crs=WGS84)
    if window is not None and raster.crs.is_geographic:
        window = _as_written(window, raster)
    _refuse_large(raster, window, name)
    values, step, crs = raster.read(window)
    band = values[0]
    rows, columns = band.shape
    corner_column, corner_row = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1))
    x = step.a * corner_column + step.b * corner_row + step.c
    y = step.d * corner_column + step.e * corner_row + step.f
    known = np.isfinite(band)
    row, column = np.nonzero(known)
    middle_x = step.a * (column + 0.5) + step.b * (row + 0.5) + step.c
    middle_y = step.d * (column + 0.5) + step.e * (row + 0.5) + step.f
    lon, lat = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True).transform(
        middle_x, middle_y
    )
    keep = np.isfinite(lon) & np.isfinite(lat)
    if area is not None:
        keep[keep] = _is_inside(area, lon[keep], lat[keep])
    row, column, lon, lat = row[keep], column[keep], lon[keep], lat[keep]
    score = _scores(band[row, column], value, f"raster {name!r}")

    plane = pyproj.Transformer.from_crs(crs, "EPSG:6933", always_xy=True)
    px, py = plane.transform(x, y)
    north, east = _eastward(px[1:, 1:] - px[:-1, :-1], px[:-1, 1:] - px[1:, :-1])
    up, down = py[1:, 1:] - py[:-1, :-1], py[:-1, 1:] - py[1:, :-1]
    km2 = (np.abs(north * down - up * east) / 2e6)[row, column]

    at = np.full((rows, columns), -1, dtype=np.int64)
    at[row, column] = np.arange(len(row))
    links = [
        (one[both], two[both])
        for one, two in (
            (at[:, :-1], at[:, 1:]),
            (at[:-1], at[1:]),
            _round(at, step, crs),
        )
        for both in [(one >= 0) & (two >= 0)]
    ]
    first, second = (np.concatenate(ends) for ends in zip(*links, strict=True))
    quarter = np.full(len(first), 0.25)
    pairs = Touching(first, second, quarter, quarter)

    def shapes(cells: Ints) -> npt.NDArray[Any]:
        r, c = row[cells], column[cells]
        ring = [(r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c)]
        corners = np.stack([np.stack([x[i], y[i]], axis=-1) for i in ring], axis=1)
        return _moved(shapely.polygons(corners), crs)

    return _Cells(score, km2, xyz(lon, lat), pairs), shapes


def _as_written(area: Any, raster: Raster) -> Any:
    """Return an area with the longitudes that a geographic raster counts by."""
    import rasterio

    with rasterio.open(raster.path) as source:
        first, _, last, _ = source.bounds
    home = spatial.located(area, "the area")
    west, _, east, _ = home.total_bounds
    if first > -181 and last < 181:
        is_whole = west > -180 and east < 180
        return area if is_whole else home
    areas = shapely.make_valid(home.to_numpy())
    west, south, east, north = joined(np.array([shapely.union_all(areas)]))[0].bounds
    turn = 360 * round((first + last - west - east) / 720)
    return gpd.GeoSeries(
        [shapely.box(west + turn, south, east + turn, north)], crs=WGS84
    )


def _eastward(*metres: Floats) -> tuple[Floats, ...]:
    """Widths on the map of the globe, the shorter way across its edge."""
    return tuple(
        np.where(np.abs(m) > _AROUND_M / 2, m - np.sign(m) * _AROUND_M, m)
        for m in metres
    )


def _round(at: Ints, step: Any, crs: pyproj.CRS) -> tuple[Ints, Ints]:
    """Last and first column of a raster all the way round the globe: neighbors."""
    goes_round = crs.is_geographic and step.b == step.d == 0
    if not goes_round or abs(abs(step.a) * at.shape[1] - 360) > abs(step.a) / 2:
        return at[:, :0], at[:, :0]
    return at[:, -1:], at[:, :1]


def _refuse_large(raster: Raster, window: Any, name: str) -> None:
    """Refuse to hold more cells than fit."""
    import rasterio

    with rasterio.open(raster.path) as source:
        n, transform, crs = source.width * source.height, source.transform, source.crs
    if window is not None:
        west, south, east, north = window.to_crs(crs).total_bounds
        cell = abs(transform.a * transform.e - transform.b * transform.d)
        n = min(n, (east - west) * (north - south) / cell)
    if n > _CELLS:
        raise LayerError(
            four_parts(
                f"Footprints hold the cells of raster {name!r} at once",
                f"it has {n:,.0f}",
                f"allowed are {_CELLS:,}",
                "pass area= with a part of it, or a coarser raster",
            )
        )


# ----------------------------------------------------------------------- shapes


def _moved(geoms: npt.NDArray[Any], crs: Any) -> npt.NDArray[Any]:
    """Turn cells into longitude and latitude; common corners stay common."""
    moved = gpd.GeoSeries(geoms, crs=crs).to_crs(WGS84)
    return on_globe(np.asarray(moved.array, dtype=object), is_seamed=True)


def _lattice_cells(
    sites: gpd.GeoDataFrame, lon: Floats, lat: Floats, pairs: Touching, rows: Ints
) -> npt.NDArray[Any]:
    """Return cells that meet exactly, from the centers of a grid.

    A grid is regular in a projection of its own, which turns and shears it a
    little against north. The Voronoi cells of its centers are its cells; where
    the grid ends, a neighbor turned round the center stands for the missing one.
    """
    middle = xyz(lon, lat).mean(axis=0)
    lat_0 = math.degrees(math.atan2(middle[2], math.hypot(*middle[:2])))
    lon_0 = math.degrees(math.atan2(middle[1], middle[0]))
    plane = pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={lat_0} +lon_0={lon_0} +datum=WGS84 +units=m"
    )
    there = pyproj.Transformer.from_crs(WGS84, plane, always_xy=True)
    center = np.column_stack(there.transform(lon, lat))
    width = sites["cell_km"].to_numpy(dtype=float) * 1000
    shape = sites["cell_shape"].astype(str).to_numpy()
    wanted = np.zeros(len(lon), dtype=bool)
    wanted[rows] = True
    first = np.concatenate([pairs.first, pairs.second])
    second = np.concatenate([pairs.second, pairs.first])
    mine = wanted[first]
    first, second = first[mine], second[mine]
    alone = np.setdiff1d(rows, first)
    ghosts, sizes = [], []
    for kind, turns in _TURNS.items():
        of_kind = shape[first] == kind
        single = alone[shape[alone] == kind]
        base = np.concatenate([first[of_kind], single])
        arm = np.concatenate(
            [
                center[second[of_kind]] - center[first[of_kind]],
                np.column_stack([width[single], np.zeros(len(single))]),
            ]
        )
        for turn in turns:
            cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            ghosts.append(center[base] + arm @ np.array([[cos, sin], [-sin, cos]]))
            sizes.append(width[base])
    ghost, size = np.concatenate(ghosts), np.concatenate(sizes)
    known = np.unique(np.concatenate([rows, second]))
    taken = KDTree(center[known]).query(ghost)[0] < 0.4 * size
    ghost, size = ghost[~taken], size[~taken]
    close = KDTree(ghost).query_pairs(0.4 * float(width.max()), output_type="ndarray")
    single_ghost = np.ones(len(ghost), dtype=bool)
    single_ghost[close.max(axis=1, initial=0)[: len(close)]] = False
    sites_of = np.concatenate([center[known], ghost[single_ghost]])
    # Numbers near zero keep the digits of the corners.
    shift = sites_of.mean(axis=0)
    diagram = Voronoi(sites_of - shift)
    position = np.searchsorted(known, rows)
    corners = [diagram.regions[r] for r in diagram.point_region[position]]
    count = np.array([len(c) for c in corners])
    vertex = np.concatenate([np.asarray(c, dtype=np.int64) for c in corners])
    cell = np.repeat(np.arange(len(rows)), count)
    xy = diagram.vertices[vertex] + shift
    arm = xy - center[rows][cell]
    order = np.lexsort((np.arctan2(arm[:, 1], arm[:, 0]), cell))
    back = pyproj.Transformer.from_crs(plane, WGS84, always_xy=True)
    ring = np.column_stack(back.transform(xy[order, 0], xy[order, 1]))
    return on_globe(
        shapely.polygons(shapely.linearrings(ring, indices=cell)), is_seamed=True
    )


def _as_frame(
    cells: _Cells, region: Ints, shapes: Callable[[Ints], npt.NDArray[Any]]
) -> gpd.GeoDataFrame:
    """Put the regions on the map, from north to south."""
    rows = np.flatnonzero(region >= 0)
    rows = rows[np.argsort(region[rows], kind="stable")]
    number = region[rows]
    pieces = shapes(rows)
    cut = np.flatnonzero(np.diff(number)) + 1
    geoms = np.array(
        [shapely.union_all(part) for part in np.split(pieces, cut)], dtype=object
    )
    km2, score = cells.km2[rows], cells.score[rows]
    total = np.bincount(number, weights=km2)
    polygon_km2 = shapely.area(spatial._equal_area(geoms)) / 1e6
    frame = gpd.GeoDataFrame(
        {
            "area_ha": total * 100,
            "mean_score": np.bincount(number, weights=km2 * score) / total,
            "compactness": 4 * math.pi * polygon_km2 / _perimeter_km(geoms) ** 2,
            "n_cells": np.bincount(number),
        },
        geometry=geoms,
        crs=WGS84,
    )
    points = shapely.point_on_surface(geoms)
    order = np.lexsort((shapely.get_x(points), -shapely.get_y(points)))
    return frame.iloc[order].set_axis(_labels(len(frame)), axis=0)


def _perimeter_km(geoms: npt.NDArray[Any]) -> Floats:
    """Length of all rings of each polygon on the ellipsoid [km]."""
    # A cut at the antimeridian is no border.
    rings, owner = shapely.get_rings(joined(geoms), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[:-1] == ring[1:]
    metres = np.asarray(GEOD.inv(*xy[:-1].T, *xy[1:].T)[2])
    length = np.bincount(
        owner[ring[:-1][same]], weights=metres[same], minlength=len(geoms)
    )
    return np.asarray(length, dtype=np.float64) / 1000
