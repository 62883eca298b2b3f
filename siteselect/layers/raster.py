"""Rasters: opened when asked, read in windows, nodata is unknown (NaN).

Nothing here reads a whole raster because a few points lie in it: sampling
goes block by block over the blocks that points touch, and zonal statistics
go through exactextract with a bound on the cells it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.errors
import rasterio.warp
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window
from scipy.spatial import KDTree

from siteselect.errors import (
    CRSError,
    LayerError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.layers import spatial
from siteselect.layers.crs import WGS84
from siteselect.layers.info import LayerInfo

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Cells held at once while sampling and while summarizing polygons.
_CELLS = 8_000_000
# Block side used where a file is stored in strips or as one piece [cells].
_BLOCK = 512
_STATS = (
    "mean",
    "sum",
    "min",
    "max",
    "majority",
    "minority",
    "median",
    "count",
    "stdev",
    "variance",
    "variety",
)


@dataclass(frozen=True)
class Raster:
    """A raster layer that is opened only when something is asked of it.

    Parameters
    ----------
    path : Path
        The file; anything GDAL reads.
    bands : tuple of int
        Bands in use, counted from 1; empty means all of the file's.
    info : LayerInfo
        What is known about the layer.

    Raises
    ------
    LayerError
        If the file is missing, unreadable, or lacks a band.
    CRSError
        If it has no CRS.

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> datasets.load("temperature").band("jul").bands
    (7,)
    """

    path: Path
    bands: tuple[int, ...] = ()
    info: LayerInfo = field(default_factory=LayerInfo)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        with _opened(self.path) as source:
            count = source.count
            if source.crs is None:
                raise CRSError(
                    four_parts(
                        f"Raster {self.path.name} is to be placed on the map",
                        "it has no coordinate reference system",
                        "any CRS that GDAL knows is allowed",
                        "Assign one, e.g. with `gdal_edit.py -a_srs EPSG:4326 FILE`",
                    )
                )
            if source.transform.is_identity:
                raise CRSError(
                    four_parts(
                        f"Raster {self.path.name} is to be placed on the map",
                        "it has no geotransform: its cells have no coordinates",
                        "a georeferenced raster is allowed",
                        "Georeference it first, e.g. with `gdal_translate -a_ullr`",
                    )
                )
        bands = tuple(int(b) for b in self.bands) or tuple(range(1, count + 1))
        wrong = [b for b in bands if not 1 <= b <= count]
        if wrong:
            raise LayerError(
                four_parts(
                    f"Band {shown(wrong)} of raster {self.path.name} was asked for",
                    f"the file has {count}",
                    f"1 to {count} are allowed",
                    "Pass e.g. `bands=(1,)`",
                )
            )
        object.__setattr__(self, "bands", bands)

    def __repr__(self) -> str:
        return (
            f"<Raster {self.info.name}: {self.path.name}, bands "
            f"{shown(self.bands, 12)}, {self.info.evidence}>"
        )

    @property
    def crs(self) -> CRS:
        """CRS of the raster."""
        with _opened(self.path) as source:
            return CRS.from_user_input(source.crs)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in [degrees]."""
        with _opened(self.path) as source:
            box = rasterio.warp.transform_bounds(source.crs, WGS84, *source.bounds)
        west, south, east, north = (float(v) for v in box)
        return west, south, east, north

    @property
    def band_names(self) -> tuple[str, ...]:
        """Description of each band in use, or ``band N``."""
        with _opened(self.path) as source:
            named = source.descriptions
        return tuple(named[b - 1] or f"band {b}" for b in self.bands)

    def band(self, which: int | str) -> Raster:
        """Return the same raster restricted to one band.

        Parameters
        ----------
        which : int or str
            Band number in the file, counted from 1, or its description.

        Returns
        -------
        Raster
        """
        if isinstance(which, str):
            names = self.band_names
            if which not in names:
                raise LayerError(
                    four_parts(
                        f"Band {which!r} of raster {self.info.name} was asked for",
                        "there is no band of that name",
                        f"{shown(names, 12)} are allowed",
                        "Pass one of these names or a number."
                        + nearest_name(which, names),
                    )
                )
            return replace(self, bands=(self.bands[names.index(which)],))
        return replace(self, bands=(int(which),))

    def read(
        self, area: gpd.GeoDataFrame | gpd.GeoSeries | None = None
    ) -> tuple[Floats, Affine, CRS]:
        """Return values, transform and CRS of the window around an area.

        Parameters
        ----------
        area : GeoDataFrame or GeoSeries, optional
            Read only the cells its bounding box touches; default the whole.

        Returns
        -------
        values : ndarray of float64, shape (bands, rows, columns)
            NaN where unknown.
        transform : affine.Affine
            Cell to map coordinates.
        crs : pyproj.CRS
        """
        with _opened(self.path) as source:
            whole = Window(0, 0, source.width, source.height)
            window = whole
            if area is not None:
                box = area.to_crs(source.crs).total_bounds
                corners = _apply(
                    ~source.transform,
                    np.array([box[0], box[0], box[2], box[2]]),
                    np.array([box[1], box[3], box[1], box[3]]),
                )
                left, top = (int(np.floor(v.min())) for v in corners)
                right, bottom = (int(np.ceil(v.max())) for v in corners)
                left, top = max(left, 0), max(top, 0)
                right, bottom = min(right, source.width), min(bottom, source.height)
                if right <= left or bottom <= top:
                    raise LayerError(
                        four_parts(
                            f"Raster {self.info.name} was asked for an area",
                            "the two do not overlap: the raster lies in "
                            f"{_box_text(self.bounds)}, the area in "
                            f"{_box_text(area.to_crs(WGS84).total_bounds)}",
                            "an area that touches the raster is allowed",
                            "Check the CRS of the area and the order of coordinates",
                        )
                    )
                window = Window(left, top, right - left, bottom - top)
            values = _window(source, self.bands, window)
            return (
                values,
                _shifted(source.transform, window.col_off, window.row_off),
                CRS.from_user_input(source.crs),
            )


@dataclass(frozen=True)
class SampleResult:
    """Values of a raster at points.

    Parameters
    ----------
    values : ndarray of float64, shape (n,) or (n, bands)
        In the raster's unit; NaN where unknown.
    is_fallback : ndarray of bool, same shape
        Whether the value is that of the nearest known cell, not the own one.
    """

    values: Floats
    is_fallback: Bools


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a raster, or say in our own words why that fails."""
    # GDAL also reads URLs, archives and sub-datasets, which are not files here.
    if ":" not in str(path) and not path.exists():
        near = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise LayerError(
            four_parts(
                f"Raster {str(path)!r} was asked for",
                "there is no such file",
                "any raster that GDAL reads is allowed",
                "Check the path." + nearest_name(path.name, near),
            )
        )
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioError as error:
        raise LayerError(
            four_parts(
                f"Raster {path.name!r} was asked for",
                f"it cannot be read ({str(error).splitlines()[0]})",
                "any raster that GDAL reads is allowed, e.g. GeoTIFF",
                "Check that the file is whole: `gdalinfo FILE` should list its bands",
            )
        ) from None
    try:
        yield source
    except rasterio.errors.RasterioError as error:
        raise LayerError(
            four_parts(
                f"Raster {path.name!r} was read",
                f"a part of it cannot be read ({str(error).splitlines()[0]})",
                "every block of the file must be whole",
                "Copy or download the file again; `gdalinfo -checksum FILE` finds "
                "the damage",
            )
        ) from None
    finally:
        source.close()


def _window(source: Any, bands: Sequence[int], window: Window) -> Floats:
    """Read a window as float64 with NaN for nodata, scale and offset applied."""
    masked = source.read(list(bands), window=window, masked=True)
    values: Floats = np.ma.filled(masked.astype(np.float64), np.nan)
    for i, band in enumerate(bands):
        scale, offset = source.scales[band - 1], source.offsets[band - 1]
        if scale != 1 or offset != 0:
            values[i] = values[i] * scale + offset
    values[~np.isfinite(values)] = np.nan
    return values


def _box_text(box: Any) -> str:
    """Return a bounding box for people."""
    west, south, east, north = (float(v) for v in box)
    return f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}"


def _block_shape(source: Any) -> tuple[int, int]:
    """Return the rows and columns to read at a time."""
    rows, columns = source.block_shapes[0]
    if columns >= source.width:
        # Strips: a few at a time, across the whole width.
        rows = min(source.height, max(rows, _CELLS // (8 * max(1, columns))))
    if rows * columns * source.count > _CELLS:
        rows, columns = min(rows, _BLOCK), min(columns, _BLOCK)
    return max(1, int(rows)), max(1, int(columns))


def _values_at(source: Any, bands: Sequence[int], x: Floats, y: Floats) -> Floats:
    """Read the cell under each point, block by block, shape (n, bands)."""
    out = np.full((len(x), len(bands)), np.nan)
    column, row = _cells(source, x, y)
    inside = (column >= 0) & (column < source.width)
    inside &= (row >= 0) & (row < source.height)
    where = np.flatnonzero(inside)
    if not len(where):
        return out
    row, column = row[where], column[where]
    height = int(row.max() - row.min() + 1)
    width = int(column.max() - column.min() + 1)
    if height * width * len(bands) <= _CELLS // 4:
        groups = [np.arange(len(where))]
    else:
        tall, wide = _block_shape(source)
        block = (row // tall) * (source.width // wide + 1) + column // wide
        order = np.argsort(block, kind="stable")
        cut = np.flatnonzero(np.diff(block[order])) + 1
        groups = np.split(order, cut)
    for group in groups:
        r, c = row[group], column[group]
        top, left = int(r.min()), int(c.min())
        window = Window(left, top, int(c.max()) - left + 1, int(r.max()) - top + 1)
        values = _window(source, bands, window)
        out[where[group]] = values[:, r - top, c - left].T
    return out


def _apply(transform: Affine, x: Any, y: Any) -> tuple[Floats, Floats]:
    """Apply an affine transform to arrays; written out as its operator changed."""
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )


def _shifted(transform: Affine, column: int, row: int) -> Affine:
    """Return the transform of a window that starts at a cell."""
    x, y = _apply(transform, np.float64(column), np.float64(row))
    return Affine(
        transform.a, transform.b, float(x), transform.d, transform.e, float(y)
    )


def _cells(
    source: Any, x: Floats, y: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return column and row of the cell under each point; -1 if it has no place."""
    column, row = _apply(~source.transform, x, y)
    # A point on the far edge belongs to the last cell.
    column = np.where(np.isclose(column, source.width), source.width - 1, column)
    row = np.where(np.isclose(row, source.height), source.height - 1, row)
    known = np.isfinite(column) & np.isfinite(row)
    return (
        np.where(known, np.floor(np.where(known, column, 0)), -1).astype(np.int64),
        np.where(known, np.floor(np.where(known, row, 0)), -1).astype(np.int64),
    )


def _fill_near(
    source: Any,
    bands: Sequence[int],
    lon: Floats,
    lat: Floats,
    x: Floats,
    y: Floats,
    values: Floats,
    reach_km: float,
) -> Bools:
    """Fill unknown values from the nearest known cell center; return what was."""
    filled = np.zeros(values.shape, dtype=bool)
    todo = np.flatnonzero(np.isnan(values).any(axis=1))
    if not len(todo):
        return filled
    to_wgs84 = Transformer.from_crs(source.crs, WGS84, always_xy=True)
    # Reach in cells, from the size of a cell on the ground near the points.
    column, row = _apply(~source.transform, x[todo], y[todo])
    ends = []
    for step_column, step_row in ((1, 0), (0, 1)):
        a = to_wgs84.transform(x[todo], y[todo])
        b = to_wgs84.transform(
            *_apply(source.transform, column + step_column, row + step_row)
        )
        size = spatial._geodesic_km(a[0], a[1], b[0], b[1])
        size = size[np.isfinite(size) & (size > 0)]
        least = float(size.min()) if len(size) else np.inf
        ends.append(int(np.ceil(reach_km / least)) + 1 if np.isfinite(least) else 1)
    pad_column, pad_row = ends
    # Points are grouped in tiles so that each window stays small.
    side = int(max(64, np.sqrt(_CELLS / 8 / len(bands)) - 2 * max(ends)))
    tile = np.floor(column / side) * 1e7 + np.floor(row / side)
    order = np.argsort(tile, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(tile[order])) + 1):
        c, r = column[group], row[group]
        left = max(0, int(np.floor(c.min())) - pad_column)
        top = max(0, int(np.floor(r.min())) - pad_row)
        right = min(source.width, int(np.floor(c.max())) + pad_column + 1)
        bottom = min(source.height, int(np.floor(r.max())) + pad_row + 1)
        if right <= left or bottom <= top:
            continue
        near = _window(source, bands, Window(left, top, right - left, bottom - top))
        rows = todo[group]
        at = spatial._xyz(lon[rows], lat[rows])
        for i in range(len(bands)):
            need = np.isnan(values[rows, i])
            cell_row, cell_column = np.nonzero(np.isfinite(near[i]))
            if not need.any() or not len(cell_row):
                continue
            cx, cy = _apply(
                source.transform, cell_column + left + 0.5, cell_row + top + 0.5
            )
            center = to_wgs84.transform(cx, cy)
            tree = KDTree(spatial._xyz(center[0], center[1]), balanced_tree=False)
            hit = np.asarray(tree.query(at[need], distance_upper_bound=reach_km)[1])
            found = hit < len(cell_row)
            take = hit[found]
            values[rows[need][found], i] = near[i, cell_row[take], cell_column[take]]
            filled[rows[need][found], i] = True
    return filled


def sample_bands(
    raster: Raster,
    points: gpd.GeoDataFrame | gpd.GeoSeries,
    reach_km: float = 0.0,
) -> SampleResult:
    """Return the values of every band in use at points.

    Parameters
    ----------
    raster : Raster
        The layer.
    points : GeoDataFrame or GeoSeries, n rows
        Any CRS; lines and polygons stand for a point on them.
    reach_km : float
        Where the own cell is unknown, take the nearest known cell whose
        center lies within this distance, and say so [km].

    Returns
    -------
    SampleResult
        ``values`` and ``is_fallback`` of shape (n, bands); NaN outside the
        raster and where it has no data.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.layers import datasets
    >>> denver = gpd.GeoSeries.from_xy([-104.99], [39.74], crs="EPSG:4326")
    >>> by_month = sample_bands(datasets.load("temperature"), denver).values
    >>> by_month.shape, bool(by_month[0, 6] > by_month[0, 0])
    ((1, 12), True)
    """
    where = spatial.points_of(points)
    lon, lat = where.x.to_numpy(), where.y.to_numpy()
    reach = spatial._radius(reach_km)
    with _opened(raster.path) as source:
        to_raster = Transformer.from_crs(WGS84, source.crs, always_xy=True)
        x, y = to_raster.transform(lon, lat)
        x, y = np.asarray(x), np.asarray(y)
        if source.crs.is_geographic and source.bounds.right > 180:
            # A raster from 0 to 360 degrees.
            x = np.where(x < source.bounds.left, x + 360, x)
        values = _values_at(source, raster.bands, x, y)
        filled = np.zeros(values.shape, dtype=bool)
        if reach > 0:
            filled = _fill_near(source, raster.bands, lon, lat, x, y, values, reach)
    return SampleResult(values, filled)


def sample(
    raster: Raster,
    points: gpd.GeoDataFrame | gpd.GeoSeries,
    reach_km: float = 0.0,
    *,
    band: int | str | None = None,
) -> SampleResult:
    """Return the value of one band at points.

    Parameters
    ----------
    raster : Raster
        The layer.
    points : GeoDataFrame or GeoSeries, n rows
        Any CRS; lines and polygons stand for a point on them.
    reach_km : float
        Where the own cell is unknown, take the nearest known cell whose
        center lies within this distance, and say so [km].
    band : int or str, optional
        Band number or name; default the first band in use.

    Returns
    -------
    SampleResult
        ``values`` and ``is_fallback`` of shape (n,); NaN outside the raster
        and where it has no data.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from siteselect.layers import datasets
    >>> denver = gpd.GeoSeries.from_xy([-104.99], [39.74], crs="EPSG:4326")
    >>> meters = sample(datasets.load("elevation"), denver).values
    >>> bool(1500 < meters[0] < 1800)
    True
    """
    one = raster.band(raster.bands[0] if band is None else band)
    result = sample_bands(one, points, reach_km)
    return SampleResult(result.values[:, 0], result.is_fallback[:, 0])


def zonal(
    raster: Raster,
    polygons: gpd.GeoDataFrame | gpd.GeoSeries,
    stat: str = "mean",
    *,
    band: int | str | None = None,
) -> Floats:
    """Return a statistic of the raster over each polygon.

    Cells count by the share of them that the polygon covers; for means,
    medians and the like over a raster in degrees also by their area on the
    ground. ``sum`` and ``count`` stay in cells.

    Parameters
    ----------
    raster : Raster
        The layer.
    polygons : GeoDataFrame or GeoSeries, n rows
        Any CRS.
    stat : str
        ``mean``, ``sum``, ``min``, ``max``, ``majority``, ``minority``,
        ``median``, ``count``, ``stdev``, ``variance`` or ``variety``.
    band : int or str, optional
        Band number or name; default the first band in use.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where no known cell is covered (0 for ``count``).

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> colorado = datasets.region("CO")
    >>> bool(zonal(datasets.load("elevation"), colorado)[0] > 1500)
    True
    """
    # Imported here: exactextract is only needed by this function.
    import exactextract

    if stat not in _STATS:
        raise LayerError(
            four_parts(
                f"The statistic {stat!r} of raster {raster.info.name} was asked for",
                "there is none of that name",
                f"{shown(_STATS, 20)} are allowed",
                'Pass e.g. `stat="mean"`.' + nearest_name(stat, _STATS),
            )
        )
    areas = spatial._geoms(polygons, "the polygons")
    spatial._require_areas(areas, polygons)
    if not len(areas):
        return np.zeros(0)
    one = raster.band(raster.bands[0] if band is None else band)
    with _opened(one.path) as source:
        crs = CRS.from_user_input(source.crs)
        if polygons.crs == crs:
            areas = shapely.force_2d(np.asarray(polygons.geometry.array, dtype=object))
        frame = gpd.GeoDataFrame(geometry=gpd.GeoSeries(areas, crs=WGS84))
        frame = (
            frame.set_crs(crs, allow_override=True)
            if polygons.crs == crs
            else frame.to_crs(crs)
        )
        weighted = source.crs.is_geographic and stat in (
            "mean",
            "median",
            "majority",
            "minority",
            "stdev",
            "variance",
        )
        # A sliver that rounding left in the next cell must not set a maximum.
        settings = "min_coverage_frac=1e-6"
        if weighted:
            settings += ", coverage_weight=area_spherical_m2"
        operations = [f"value={stat}({settings})", f"known=count({settings})"]
        rows = exactextract.exact_extract(
            exactextract.raster.RasterioRasterSource(source, one.bands[0]),
            frame,
            operations,
            output="pandas",
            max_cells_in_memory=_CELLS,
        )
    if len(rows) != len(areas):
        raise LayerError(
            four_parts(
                f"Statistics over {len(areas)} polygons were asked for",
                f"exactextract returned {len(rows)}",
                "one per polygon is expected",
                "Please report this with the versions of exactextract and GDAL",
            )
        )
    values: Floats = pd.to_numeric(rows["value"], errors="coerce").to_numpy(
        dtype=np.float64
    )
    if stat == "count":
        return values
    # A sum over no known cell would come back as 0.
    return np.where(rows["known"].to_numpy() > 0, values, np.nan)
