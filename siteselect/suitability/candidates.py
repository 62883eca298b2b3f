"""Candidates: a grid over an area, places along lines, substations, parcels."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siteselect.errors import (
    CRSError,
    DataQualityWarning,
    LayerError,
    StudyError,
    four_parts,
    shown,
)
from siteselect.layers import spatial
from siteselect.layers.antimeridian import joined, unrolled
from siteselect.layers.crs import WGS84, to_wgs84
from siteselect.layers.edges import STEP_DEG
from siteselect.layers.ellipsoid import GEOD
from siteselect.suitability.checks import check_vector, layer_name, numbers
from siteselect.suitability.contiguous import check_area
from siteselect.suitability.ground import parts_of

Area: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | Any
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHAPES = ("square", "hex")
#: Lattice points looked at together; bounds the memory of a fine grid.
_BLOCK = 1_000_000
#: A lattice of more points than this is refused: nobody meant it.
_MOST = 500_000_000

__all__ = [
    "grid_candidates",
    "line_candidates",
    "parcel_candidates",
    "substation_candidates",
]


def grid_candidates(
    area: Area,
    *,
    spacing_km: float,
    shape: Literal["square", "hex"] = "square",
) -> gpd.GeoDataFrame:
    """Lay a grid of candidate cells over an area and return their centers.

    A candidate of a grid is a *search area*: the cell around it, not a parcel.

    Parameters
    ----------
    area : geopandas.GeoDataFrame, geopandas.GeoSeries or shapely polygon
        Where to look; its polygons together. A bare shapely geometry is read
        as longitude and latitude (EPSG:4326). Across the antimeridian, a frame
        is cut there or goes on beyond 180 degrees.
    spacing_km : float
        Side of the square whose area a cell has [km]; the distance between
        neighbors of a square grid. Centers of a hexagonal grid lie 1.075 times
        as far apart, so that both shapes give the same number of cells, each
        of ``spacing_km`` squared.
    shape : {"square", "hex"}, default "square"
        Shape of the cells.

    Returns
    -------
    geopandas.GeoDataFrame
        Points (EPSG:4326) whose centers lie inside the area, from north to
        south and west to east in the grid's own projection; index ``site``
        (``"s0000"``, ...), columns ``cell_km`` (distance to the neighboring
        centers, which is the width of the cell [km]) and ``cell_shape``.

    Raises
    ------
    StudyError
        If the spacing or the shape cannot be used.
    LayerError, CRSError
        If the area holds no polygon, has no CRS, or no center falls inside.

    Notes
    -----
    The grid is regular in a Lambert azimuthal equal-area projection around the
    middle of the area (rounded to a tenth of a degree), so that all cells have
    the same area on the ellipsoid. The same area gives the same grid.

    Examples
    --------
    >>> from shapely import box
    >>> sites = grid_candidates(box(-100, 31, -99, 32), spacing_km=50)
    >>> sites.index[0], len(sites), sites["cell_km"].iloc[0]
    ('s0000', 4, np.float64(50.0))
    """
    spacing = _checked_spacing(spacing_km)
    if shape not in SHAPES:
        raise StudyError(
            four_parts(
                "A grid has a cell shape",
                f"found {shape!r}",
                "allowed are 'square' and 'hex'",
                "pass shape='square'",
            )
        )
    polygon, crs = _polygon(area)
    local = _local_projection(polygon, crs)
    to_local = pyproj.Transformer.from_crs(crs, local, always_xy=True)
    to_own = pyproj.Transformer.from_crs(local, crs, always_xy=True)
    to_globe = pyproj.Transformer.from_crs(local, "EPSG:4326", always_xy=True)

    shapely.prepare(polygon)
    x, y = to_local.transform(*_spread(polygon))
    if shape == "square":
        step_x, step_y, shift = spacing, spacing, 0.0
    else:
        # Pointy-top hexagons of area spacing²: rows are closer than columns.
        step_x = spacing * math.sqrt(2 / math.sqrt(3))
        step_y, shift = step_x * math.sqrt(3) / 2, step_x / 2
    first, last = _steps(x, step_x)
    bottom, top = _steps(y, step_y)

    n_lattice = (last - first + 3) * (top - bottom + 3)
    if n_lattice > _MOST:
        raise StudyError(
            four_parts(
                f"A grid of {spacing_km:g} km over the area was asked for",
                f"it would have some {n_lattice:.2g} cells",
                f"up to {_MOST:.0e} are allowed",
                "pass a larger spacing_km, or a smaller area",
            )
        )
    columns = np.arange(first - 1, last + 2)
    rows = np.arange(top + 1, bottom - 2, -1)
    per_block = max(1, _BLOCK // len(columns))
    found: list[Floats] = []
    for begin in range(0, len(rows), per_block):
        row, column = np.meshgrid(
            rows[begin : begin + per_block], columns, indexing="ij"
        )
        px = ((column + 0.5) * step_x + (row % 2) * shift).ravel()
        py = ((row + 0.5) * step_y).ravel()
        own_x, own_y = to_own.transform(px, py)
        finite = np.isfinite(own_x) & np.isfinite(own_y)
        inside = np.zeros(len(px), dtype=bool)
        inside[finite] = _contains(polygon, crs, own_x[finite], own_y[finite])
        found.append(np.column_stack([px[inside], py[inside]]))
    centers = np.concatenate(found)
    if len(centers) == 0:
        raise LayerError(
            four_parts(
                f"A grid of {spacing_km:g} km over the area was asked for",
                "no cell center falls inside",
                "allowed is a spacing well below the area's width",
                "pass a smaller spacing_km",
            )
        )
    lon, lat = to_globe.transform(centers[:, 0], centers[:, 1])
    return gpd.GeoDataFrame(
        {
            "cell_km": np.full(len(lon), step_x / 1000.0),
            "cell_shape": pd.Series([shape] * len(lon), dtype="str").to_numpy(),
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs="EPSG:4326",
        index=_labels(len(lon)),
    )


def substation_candidates(
    substations: gpd.GeoDataFrame,
    *,
    min_voltage_kv: float = 230,
    area: Area | None = None,
) -> gpd.GeoDataFrame:
    """Take substations of at least a voltage as the anchors of candidates.

    Parameters
    ----------
    substations : geopandas.GeoDataFrame
        Layer with a column ``voltage_kv`` [kV].
    min_voltage_kv : float, default 230
        Least voltage [kV]; a substation of unknown voltage is left out.
    area : GeoDataFrame, GeoSeries or shapely polygon, optional
        Keep those inside; all otherwise.

    Returns
    -------
    geopandas.GeoDataFrame
        Points (EPSG:4326) with the substations' columns, from north to south
        and west to east whatever the order of the layer; index ``site``.

    Raises
    ------
    LayerError, StudyError
        If the column is missing, or nothing is left.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> grid = gpd.GeoDataFrame(
    ...     {"substation": ["a", "b"], "voltage_kv": [345.0, 69.0]},
    ...     geometry=[Point(-99, 31), Point(-98, 32)], crs=4326,
    ... )
    >>> substation_candidates(grid)["substation"].tolist()
    ['a']
    """
    check_vector(substations, "Candidates at substations")
    name = layer_name(substations)
    voltage = numbers(substations, "voltage_kv", name)
    points = spatial.points_of(substations)
    keep = voltage >= _checked_voltage(min_voltage_kv)
    if area is not None:
        keep &= _is_inside(area, points.x.to_numpy(), points.y.to_numpy())
    if not keep.any():
        raise LayerError(
            four_parts(
                f"Substations of at least {min_voltage_kv:g} kV"
                f"{'' if area is None else ' inside the area'} were asked for",
                f"none of {len(substations)} is",
                f"the highest voltage in layer {name!r} is "
                f"{np.nanmax(voltage, initial=-np.inf):g} kV",
                "lower min_voltage_kv, or widen the area",
            )
        )
    table = pd.DataFrame(substations)[
        [c for c in substations.columns if c != substations.geometry.name]
    ][keep]
    return _from_north_to_south(
        table, points.x.to_numpy()[keep], points.y.to_numpy()[keep]
    )


def line_candidates(
    lines: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    every_km: float,
    area: Area | None = None,
) -> gpd.GeoDataFrame:
    """Lay candidates along lines, one every so many kilometres.

    The distance is measured along the line on the ellipsoid. What is left over
    is shared by the two ends, so that the direction of a line does not matter;
    a line shorter than the spacing has one candidate, in its middle.

    Parameters
    ----------
    lines : geopandas.GeoDataFrame or geopandas.GeoSeries
        Lines in any CRS: roads, transmission lines, fiber. Each part of a
        multi-part line is laid out by itself. An edge over more than 180 degrees
        of longitude goes the shorter way, across the antimeridian.
    every_km : float
        Distance between neighbors [km].
    area : GeoDataFrame, GeoSeries or shapely polygon, optional
        Keep those inside; all otherwise.

    Returns
    -------
    geopandas.GeoDataFrame
        Points (EPSG:4326) with the lines' columns, from north to south and west
        to east whatever the order of the layer; index ``site``.

    Raises
    ------
    StudyError, LayerError, CRSError
        If the spacing or the lines cannot be used, or nothing is left.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString
    >>> road = gpd.GeoDataFrame(
    ...     {"road": ["A1"]}, geometry=[LineString([(-99, 31), (-98, 31)])], crs=4326
    ... )
    >>> sites = line_candidates(road, every_km=30)
    >>> len(sites), sites["road"].unique().tolist()
    (4, ['A1'])
    """
    step = _checked_spacing(every_km, what="A line of candidates", name="every_km")
    if isinstance(lines, gpd.GeoSeries):
        lines = gpd.GeoDataFrame(geometry=lines)
    check_vector(lines, "Candidates along lines")
    geoms = np.asarray(to_wgs84(lines, "the lines").array, dtype=object)
    wrong = (shapely.get_dimensions(geoms) != 1) | (shapely.length(geoms) == 0)
    if wrong.any() or not len(geoms):
        kinds = sorted({geometry.geom_type for geometry in geoms[wrong]})
        raise LayerError(
            four_parts(
                "Candidates are laid along lines",
                f"found {int(wrong.sum())} rows of {shown(kinds)}"
                + (" without length" if "LineString" in kinds else "")
                + f", e.g. {lines.index[wrong][0]!r}"
                if wrong.any()
                else "found no line",
                "allowed are lines and multi-part lines with a length",
                "drop these rows, or take layer.boundary of polygons",
            )
        )
    parts, row = shapely.get_parts(geoms, return_index=True)
    line, x, y = _along(parts, step)
    row = row[line]
    if area is not None:
        keep = _is_inside(area, x, y)
        row, x, y = row[keep], x[keep], y[keep]
    if not len(x):
        raise LayerError(
            four_parts(
                "Candidates along lines inside the area were asked for",
                f"none of {len(lines)} lines has one inside",
                "allowed is an area that the lines cross",
                "widen the area, or pass a smaller every_km",
            )
        )
    table = pd.DataFrame(lines)[[c for c in lines.columns if c != lines.geometry.name]]
    return _from_north_to_south(table.iloc[row], x, y)


def parcel_candidates(
    parcels: gpd.GeoDataFrame,
    *,
    min_ha: float | None = None,
    max_ha: float | None = None,
) -> gpd.GeoDataFrame:
    """Take the parcels of a size as candidates.

    Parameters
    ----------
    parcels : geopandas.GeoDataFrame
        Polygons and multipolygons in any CRS, with a unique index.
    min_ha, max_ha : float, optional
        Least and greatest area [ha], bounds included; any otherwise. Holes do
        not count, all parts of a multipolygon do.

    Returns
    -------
    geopandas.GeoDataFrame
        The parcels kept, in their order, with their labels, columns and CRS,
        and ``area_ha`` and ``largest_part_ha`` [ha] on the ellipsoid. Rings that
        cross themselves are set right. What meets at the antimeridian is one part.

    Raises
    ------
    StudyError, LayerError, CRSError
        If a bound or a parcel cannot be used, or nothing is left.

    Warns
    -----
    DataQualityWarning
        If parcels without area were left out.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(
    ...     {"owner": ["a", "b"]}, crs=5070,
    ...     geometry=[box(0, 0, 1000, 1000), box(2000, 0, 5000, 3000)],
    ... )
    >>> parcel_candidates(parcels, min_ha=200)["owner"].tolist()
    ['b']
    """
    check_vector(parcels, "Candidates from parcels")
    for name, bound in (("min_ha", min_ha), ("max_ha", max_ha)):
        if bound is not None:
            check_area("parcel_candidates", name, bound)
    if min_ha is not None and max_ha is not None and min_ha > max_ha:
        raise StudyError(
            four_parts(
                "Parcels of a size were asked for",
                f"found min_ha={min_ha:g} above max_ha={max_ha:g}",
                "allowed is a least size below the greatest",
                "turn the two round",
            )
        )
    if not parcels.index.is_unique:
        again = parcels.index[parcels.index.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Parcels are known by their index label",
                f"found labels more than once: {shown(again)}",
                "allowed is one row per label",
                "call parcels.reset_index(drop=True)",
            )
        )
    taken = [c for c in ("area_ha", "largest_part_ha") if c in parcels.columns]
    if taken:
        raise StudyError(
            four_parts(
                f"Parcels gain the column {taken[0]!r}",
                "they already have it",
                "allowed are names the frame does not use",
                f"rename or drop it: parcels.drop(columns={taken})",
            )
        )
    lonlat = to_wgs84(parcels, "the parcels")
    spatial._require_areas(np.asarray(lonlat.array, dtype=object), parcels)
    area, largest = _hectares(parcels)
    keep = area > 0
    if not keep.all():
        warnings.warn(
            f"{int((~keep).sum())} of {len(parcels)} parcels have no area and were "
            f"left out: {shown(parcels.index[~keep])}",
            DataQualityWarning,
            stacklevel=2,
        )
    # A rounding of the last digits does not decide.
    if min_ha is not None:
        keep &= area >= min_ha * (1 - 1e-9)
    if max_ha is not None:
        keep &= area <= max_ha * (1 + 1e-9)
    if not keep.any():
        known = area[area > 0]
        raise LayerError(
            four_parts(
                "Parcels of a size were asked for",
                f"none of {len(parcels)} has it",
                f"the parcels have {known.min():.4g} to {known.max():.4g} ha"
                if len(known)
                else "a parcel with ground is needed",
                "widen min_ha and max_ha",
            )
        )
    kept = parcels[keep].copy()
    own = np.asarray(kept.geometry.array, dtype=object)
    crossed = ~shapely.is_valid(own)
    if crossed.any():
        own[crossed] = shapely.make_valid(own[crossed])
        kept = kept.set_geometry(gpd.GeoSeries(own, index=kept.index, crs=kept.crs))
    kept["area_ha"], kept["largest_part_ha"] = area[keep], largest[keep]
    return kept


def _hectares(parcels: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Areas of polygons, and of their largest parts."""
    parts, row = parts_of(parcels)
    flat = shapely.get_dimensions(parts) == 2
    parts, row = parts[flat], row[flat]
    part = shapely.area(spatial._equal_area(parts)) / 1e4
    largest = np.zeros(len(parcels))
    np.maximum.at(largest, row, part)
    total: Floats = np.bincount(row, weights=part, minlength=len(parcels)).astype(float)
    return total, largest


def _along(parts: npt.NDArray[Any], step: float) -> tuple[Ints, Floats, Floats]:
    """Places along lines every so many metres: number of the line, lon, lat."""
    fine = shapely.segmentize(unrolled(parts), STEP_DEG)
    xy, line = shapely.get_coordinates(fine, return_index=True)
    first, second = xy[:-1], xy[1:]
    own = line[:-1] == line[1:]
    first, second, line = first[own], second[own], line[:-1][own]
    metres = np.asarray(
        GEOD.inv(first[:, 0], first[:, 1], second[:, 0], second[:, 1])[2]
    )
    end = np.cumsum(metres)
    total = np.bincount(line, weights=metres, minlength=len(parts))
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    # A whole number of steps is not lost to the last digit.
    n = np.floor(total / step * (1 + 1e-12)).astype(np.int64) + 1
    start = (total - (n - 1) * step) / 2
    which = np.repeat(np.arange(len(parts)), n)
    number = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n)
    at = before[which] + np.clip(start[which] + number * step, 0.0, total[which])
    piece = np.minimum(np.searchsorted(end, at), len(end) - 1)
    # Rounding must not carry a place to the next line.
    bounds = np.searchsorted(
        line, [np.arange(len(parts)), np.arange(1, len(parts) + 1)]
    )
    piece = np.clip(piece, bounds[0][which], bounds[1][which] - 1)
    share = np.zeros(len(at))
    np.divide(
        at - (end - metres)[piece], metres[piece], out=share, where=metres[piece] > 0
    )
    place = first[piece] + np.clip(share, 0.0, 1.0)[:, None] * (second - first)[piece]
    return which.astype(np.int64), _home(place[:, 0]), place[:, 1]


def _is_inside(area: Area, lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
    """Say which places lie inside an area."""
    polygon, crs = _polygon(area)
    shapely.prepare(polygon)
    own = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return _contains(polygon, crs, *own.transform(_home(lon), lat))


def _contains(
    polygon: Any, crs: pyproj.CRS, x: Floats, y: Floats
) -> npt.NDArray[np.bool_]:
    """Say which places an area of `_polygon` holds, in the CRS of the area."""
    inside: npt.NDArray[np.bool_] = shapely.contains_xy(polygon, x, y)
    if crs == WGS84 and polygon.bounds[2] > 180:
        inside |= shapely.contains_xy(polygon, x + 360, y)
    return inside


def _home(lon: Floats) -> Floats:
    """Longitudes from -180 to 180."""
    return np.where(np.abs(lon) > 180, lon - 360 * np.round(lon / 360), lon)


def _from_north_to_south(table: pd.DataFrame, x: Floats, y: Floats) -> gpd.GeoDataFrame:
    """Return points with columns in an order that the layer's cannot change."""
    # At one place by all that tells two apart.
    ties = [table[c].astype(str).to_numpy(dtype=str) for c in table.columns[::-1]]
    order = np.lexsort([*ties, x, -y])
    return gpd.GeoDataFrame(
        table.iloc[order].set_axis(_labels(len(order)), axis=0),
        geometry=gpd.points_from_xy(x[order], y[order]),
        crs="EPSG:4326",
    )


def _labels(n: int) -> pd.Index[Any]:
    """Labels s0000, s0001, ... wide enough to sort as text."""
    width = max(4, len(str(max(n - 1, 0))))
    return pd.Index([f"s{i:0{width}d}" for i in range(n)], name="site", dtype="str")


def _steps(along: Floats, step: float) -> tuple[int, int]:
    """First and last lattice number over a range of coordinates."""
    along = along[np.isfinite(along)]
    return math.floor(np.min(along) / step), math.ceil(np.max(along) / step)


def _checked_spacing(
    spacing_km: float, *, what: str = "A grid", name: str = "spacing_km"
) -> float:
    """Spacing in metres, refused unless finite and positive."""
    is_good = isinstance(spacing_km, (int, float, np.number)) and not isinstance(
        spacing_km, bool
    )
    if not is_good or not np.isfinite(spacing_km) or spacing_km <= 0:
        raise StudyError(
            four_parts(
                f"{what} has a spacing in kilometres",
                f"found {name}={spacing_km!r}",
                "allowed are finite numbers above 0",
                f"pass for instance {name}=10",
            )
        )
    return float(spacing_km) * 1000.0


def _checked_voltage(min_voltage_kv: float) -> float:
    """Voltage, refused unless a finite number."""
    if not isinstance(min_voltage_kv, (int, float, np.number)) or not np.isfinite(
        min_voltage_kv
    ):
        raise StudyError(
            four_parts(
                "Substations are kept from a voltage on",
                f"found min_voltage_kv={min_voltage_kv!r}",
                "allowed are finite numbers of kV",
                "pass for instance min_voltage_kv=230",
            )
        )
    return float(min_voltage_kv)


def _polygon(area: Area) -> tuple[Any, pyproj.CRS]:
    """Return the area as one valid polygon or multipolygon, in its own CRS.

    Across the antimeridian it is in longitude and latitude, in one piece that
    reaches beyond 180 degrees.
    """
    if isinstance(area, (gpd.GeoDataFrame, gpd.GeoSeries)):
        crs = area.crs
        shapes = np.asarray(area.geometry.array, dtype=object)
        if crs is None:
            raise CRSError(
                four_parts(
                    "A grid is laid over an area on the globe",
                    "the area has no CRS",
                    "allowed is any CRS",
                    "call area.set_crs('EPSG:4326') if it is longitude and latitude",
                )
            )
    elif isinstance(area, shapely.Geometry):
        bare: Any = area
        crs = pyproj.CRS("EPSG:4326")
        shapes = np.array([area], dtype=object)
        west, south, east, north = bare.bounds if not bare.is_empty else (0, 0, 0, 0)
        if west < -180 or east > 180 or south < -90 or north > 90:
            raise CRSError(
                four_parts(
                    "A bare polygon is read as longitude and latitude",
                    f"its bounds are {shown(f'{b:g}' for b in bare.bounds)}",
                    "allowed are -180 to 180 and -90 to 90",
                    "wrap it with its CRS: gpd.GeoSeries([area], crs=...)",
                )
            )
    else:
        raise LayerError(
            four_parts(
                "A grid is laid over an area",
                f"found {type(area).__name__}",
                "allowed are a GeoDataFrame, a GeoSeries or a shapely polygon",
                "use for instance datasets.region('Texas')",
            )
        )
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    polygons = shapes[shapely.get_dimensions(shapes) == 2]
    if len(polygons) == 0:
        kinds = sorted({geometry.geom_type for geometry in shapes})
        raise LayerError(
            four_parts(
                "A grid is laid over polygons",
                f"found {shown(kinds) if kinds else 'no geometry'}",
                "allowed are polygons and multipolygons",
                "buffer points or lines first",
            )
        )
    # What has no place on the Earth is told here.
    series = gpd.GeoSeries(polygons, crs=crs)
    as_given = to_wgs84(series, "the area").total_bounds
    if crs.is_geographic or not _comes_back(series):
        home = spatial.located(series, "the area")
        west, _, east, _ = home.total_bounds
        is_beyond = as_given[0] < -180 or as_given[2] > 180
        if not crs.is_geographic or is_beyond or (west <= -180 and east >= 180):
            areas = shapely.make_valid(np.asarray(home.array, dtype=object))
            return joined(np.array([shapely.union_all(areas)]))[0], pyproj.CRS(WGS84)
    return shapely.union_all(shapely.make_valid(polygons)), crs


def _comes_back(area: gpd.GeoSeries) -> bool:
    """Say whether a projection gives places of an area the coordinates they have.

    It does not beyond its edge, as east of 180 degrees on a map of the world.
    """
    xy = area.get_coordinates().to_numpy()
    # At the edge itself rounding would decide.
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    xy = middle + (xy - middle) * (1 - 1e-6)
    globe = pyproj.Transformer.from_crs(area.crs, WGS84, always_xy=True)
    there = globe.transform(xy[:, 0], xy[:, 1])
    back = np.column_stack(globe.transform(*there, direction="INVERSE"))
    return bool(np.abs(back - xy).max() <= 1e-3 * np.abs(xy).max())


def _densified(polygon: Any) -> Any:
    """Return the polygon with vertices close enough to bend with a projection."""
    west, south, east, north = polygon.bounds
    longest = max(east - west, north - south)
    return shapely.segmentize(polygon, longest / 200)


def _spread(polygon: Any) -> tuple[Floats, Floats]:
    """Places on the outline and inside, which together reach as far as the area.

    The outline alone does not: that of the whole globe is one meridian.
    """
    west, south, east, north = polygon.bounds
    x, y = np.meshgrid(np.linspace(west, east, 181), np.linspace(south, north, 91))
    inside = shapely.contains_xy(polygon, x, y)
    edge = shapely.get_coordinates(_densified(polygon))
    return np.append(edge[:, 0], x[inside]), np.append(edge[:, 1], y[inside])


def _local_projection(polygon: Any, crs: pyproj.CRS) -> pyproj.CRS:
    """Equal-area projection around the middle of the area.

    The middle is taken in space, so that an area across the antimeridian has
    its middle inside.
    """
    vertices = shapely.get_coordinates(_densified(polygon))
    globe = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = (np.radians(c) for c in globe.transform(vertices[:, 0], vertices[:, 1]))
    middle = np.array(
        [
            (np.cos(lat) * np.cos(lon)).mean(),
            (np.cos(lat) * np.sin(lon)).mean(),
            np.sin(lat).mean(),
        ]
    )
    lon0 = round(math.degrees(math.atan2(middle[1], middle[0])), 1)
    lat0 = round(math.degrees(math.atan2(middle[2], math.hypot(*middle[:2]))), 1)
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={lat0} +lon_0={lon0} +datum=WGS84 +units=m +type=crs"
    )
