"""Candidates: a grid over an area, or the places of substations."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siteselect.errors import CRSError, LayerError, StudyError, four_parts, shown
from siteselect.layers import spatial
from siteselect.suitability.checks import check_vector, layer_name, numbers

Area: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | Any
Floats = npt.NDArray[np.float64]

SHAPES = ("square", "hex")
#: Lattice points looked at together; bounds the memory of a fine grid.
_BLOCK = 1_000_000

__all__ = ["grid_candidates", "substation_candidates"]


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
        as longitude and latitude (EPSG:4326).
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
        inside[finite] = shapely.contains_xy(polygon, own_x[finite], own_y[finite])
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
        polygon, crs = _polygon(area)
        shapely.prepare(polygon)
        own = points.to_crs(crs)
        inside = shapely.contains_xy(polygon, own.x.to_numpy(), own.y.to_numpy())
        keep &= inside
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
    x, y = points.x.to_numpy()[keep], points.y.to_numpy()[keep]
    # At one place by all that tells two apart, so that the layer's order cannot
    # reach the labels.
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


def _checked_spacing(spacing_km: float) -> float:
    """Spacing in metres, refused unless finite and positive."""
    is_good = isinstance(spacing_km, (int, float, np.number)) and not isinstance(
        spacing_km, bool
    )
    if not is_good or not np.isfinite(spacing_km) or spacing_km <= 0:
        raise StudyError(
            four_parts(
                "A grid has a spacing in kilometres",
                f"found spacing_km={spacing_km!r}",
                "allowed are finite numbers above 0",
                "pass for instance spacing_km=10",
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
    """Return the area as one valid polygon or multipolygon, in its own CRS."""
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
    return shapely.union_all(shapely.make_valid(polygons)), crs


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
