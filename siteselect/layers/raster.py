"""Rasters: opened when asked, read in windows, nodata is unknown (NaN).

Nothing here reads a whole raster because a few points lie in it: sampling
goes block by block over the blocks that points touch, and statistics of zones
hold no more than a bounded number of cells.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio.warp
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window
from scipy.spatial import KDTree

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers import cells, check, spatial
from siteselect.layers.crs import WGS84, to_wgs84
from siteselect.layers.ellipsoid import geodesic_km, xyz
from siteselect.layers.info import LayerInfo
from siteselect.layers.places import Places
from siteselect.layers.zones import zonal
from siteselect.whole_files import as_path

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

__all__ = ["METHODS", "Raster", "SampleResult", "sample", "sample_bands", "zonal"]

#: How a value is read between the centers of cells.
METHODS = ("nearest", "bilinear")
# Cells held at once while sampling.
_CELLS = cells.CELLS


@dataclass(frozen=True)
class Raster:
    """A raster layer that is opened only when something is asked of it.

    Parameters
    ----------
    path : Path or sequence of Path
        The file; anything GDAL reads. Several are tiles of one raster: of the
        same CRS, bands and grid of cells, in any order; gaps between them are
        unknown. Where tiles overlap, that one counts which knows the cell and
        whose file name comes last in the alphabet.
    bands : tuple of int
        Bands in use, counted from 1; empty means all of the file's.
    info : LayerInfo
        What is known about the layer.
    tiles : tuple of Path
        All files, filled in from ``path``.

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

    >>> months = datasets.load("temperature")
    >>> months.crs.to_epsg(), len(months.band_names), months.band_names[6]
    (4326, 12, 'jul')
    >>> west, south, east, north = months.bounds
    >>> west < -120 and months.resolution_m > 20_000
    True

    >>> values, transform, crs = months.band("jul").read()
    >>> values.shape[0]
    1
    """

    path: Path
    bands: tuple[int, ...] = ()
    info: LayerInfo = field(default_factory=LayerInfo)
    tiles: tuple[Path, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        several = isinstance(self.path, (list, tuple))
        if several and not len(self.path):  # type: ignore[arg-type]
            raise LayerError(
                four_parts(
                    "A raster was to be put together from tiles",
                    "the list of paths is empty",
                    "one path or more is allowed",
                    "Check the pattern, e.g. sorted(folder.glob('*.tif'))",
                )
            )
        given: Any = self.path if several else self.tiles or (self.path,)
        # Not a field: what follows from the tiles.
        files = cells.joined(
            [
                Path(path)
                if isinstance(path, str | os.PathLike)
                else as_path(path, 'Raster("slope.tif")', "A raster is read from files")
                for path in given
            ]
        )
        object.__setattr__(self, "path", files.tiles[0])
        object.__setattr__(self, "tiles", files.tiles)
        object.__setattr__(self, "_files", files)
        asked: Any = self.bands
        if isinstance(asked, (str, bytes)) or not isinstance(asked, Iterable):
            asked = (asked,)
        try:
            with warnings.catch_warnings():
                # GDAL may make up a part of what places the cells, and says so only
                # by this warning.
                warnings.simplefilter("error", NotGeoreferencedWarning)
                with self._opened() as source:
                    count, dtypes = source.count, source.dtypes
                    cells.require_place(source, self.path.name)
        except NotGeoreferencedWarning:
            raise cells.unplaced(self.path.name) from None
        bands = tuple(asked) or tuple(range(1, count + 1))
        cells.require_bands(bands, count, self.path.name)
        bands = tuple(int(b) for b in bands)
        cells.require_figures(dtypes, bands, self.path.name)
        object.__setattr__(self, "bands", bands)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the file, or the tiles as one."""
        files: cells.Files = self._files  # type: ignore[attr-defined]
        with cells.opened(files) as source:
            yield source

    def _kept(self, source: Any) -> frozenset[cells.Stored]:
        """Return how the first band in use is kept, by each tile."""
        files: cells.Files = self._files  # type: ignore[attr-defined]
        return (files.stored or cells.stored(source))[self.bands[0] - 1]

    def __repr__(self) -> str:
        more = f" and {len(self.tiles) - 1} more" if len(self.tiles) > 1 else ""
        return (
            f"<Raster {self.info.name}: {self.path.name}{more}, bands "
            f"{shown(self.bands, 12)}, {self.info.evidence}>"
        )

    @property
    def crs(self) -> CRS:
        """CRS of the raster."""
        with self._opened() as source:
            return CRS.from_user_input(source.crs)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in [degrees]."""
        with self._opened() as source:
            box = rasterio.warp.transform_bounds(
                source.crs, WGS84, *cells.outline(source)
            )
        west, south, east, north = (float(v) for v in box)
        return west, south, east, north

    @property
    def resolution_m(self) -> float:
        """What the raster can tell apart [m].

        The side of a cell on the ground in the middle of the raster, or the
        layer's own ``resolution_km`` where that is coarser.
        """
        with self._opened() as source:
            middle = (np.array([source.width / 2]), np.array([source.height / 2]))
            along, down = cells.ground_steps(source, *middle)
        area = along[0, 0] * down[0, 1] - along[0, 1] * down[0, 0]
        return max(float(np.sqrt(abs(area))), 1000.0 * (self.info.resolution_km or 0.0))

    @property
    def band_names(self) -> tuple[str, ...]:
        """Description of each band in use, or ``band N``."""
        with self._opened() as source:
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

        Raises
        ------
        LayerError
            If the raster has no such band.
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
            Cell to map coordinates; longitudes are those of the area, whichever turn
            the raster counts them by.
        crs : pyproj.CRS

        Raises
        ------
        LayerError
            If the area does not touch the raster, or the cells cannot be read.
        """
        with self._opened() as source:
            transform = source.transform
            windows = [Window(0, 0, source.width, source.height)]
            if area is not None:
                check.require_features(area, layer="the area")
                to_wgs84(area, "the area")
                box = area.to_crs(source.crs).total_bounds
                transform = cells.turned_to(source, box[0], box[2])
                corners = cells.apply(
                    ~transform,
                    np.array([box[0], box[0], box[2], box[2]]),
                    np.array([box[1], box[3], box[1], box[3]]),
                )
                left, top = (int(np.floor(v.min())) for v in corners)
                right, bottom = (int(np.ceil(v.max())) for v in corners)
                top, bottom = max(top, 0), min(bottom, source.height)
                left, spans = cells.columns_between(source, left, right)
                if not spans or bottom <= top:
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
                transform = cells.shifted(transform, left, top)
                windows = [Window(c, top, n, bottom - top) for c, n in spans]
            parts = [cells.read_window(source, self.bands, w) for w in windows]
            values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
            return values, transform, CRS.from_user_input(source.crs)


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


def _box_text(box: Any) -> str:
    """Return a bounding box for people."""
    west, south, east, north = (float(v) for v in box)
    return f"longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}"


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
    column, row = cells.apply(~source.transform, x[todo], y[todo])
    ends = []
    for step_column, step_row in ((1, 0), (0, 1)):
        a = to_wgs84.transform(x[todo], y[todo])
        b = to_wgs84.transform(
            *cells.apply(source.transform, column + step_column, row + step_row)
        )
        size = geodesic_km(a[0], a[1], b[0], b[1])
        size = size[np.isfinite(size) & (size > 0)]
        least = float(size.min()) if len(size) else np.inf
        ends.append(int(np.ceil(reach_km / least)) + 1 if np.isfinite(least) else 1)
    pad_column, pad_row = ends
    # Points are grouped in tiles so that each window stays small.
    side = int(max(64, np.sqrt(_CELLS / 8 / len(bands)) - 2 * max(ends)))
    tile = np.floor(column / side) * 1e7 + np.floor(row / side)
    order = np.argsort(tile, kind="stable")
    best = np.full((len(todo), len(bands)), np.inf)
    for group in np.split(order, np.flatnonzero(np.diff(tile[order])) + 1):
        c, r = column[group], row[group]
        if not (np.isfinite(c).all() and np.isfinite(r).all()):
            continue
        left = max(0, int(np.floor(c.min())) - pad_column)
        top = max(0, int(np.floor(r.min())) - pad_row)
        right = min(source.width, int(np.floor(c.max())) + pad_column + 1)
        bottom = min(source.height, int(np.floor(r.max())) + pad_row + 1)
        if right <= left or bottom <= top:
            continue
        rows = todo[group]
        at = xyz(lon[rows], lat[rows])
        # A long reach over fine cells is read in strips.
        tall = max(1, _CELLS // 8 // (len(bands) * (right - left)))
        for begin in range(top, bottom, tall):
            end = min(bottom, begin + tall)
            window = Window(left, begin, right - left, end - begin)
            near = cells.read_window(source, bands, window)
            for i in range(len(bands)):
                need = np.flatnonzero(np.isnan(values[rows, i]) | filled[rows, i])
                cell_row, cell_column = np.nonzero(_shore(np.isfinite(near[i])))
                if not len(need) or not len(cell_row):
                    continue
                cx, cy = cells.apply(
                    source.transform, cell_column + left + 0.5, cell_row + begin + 0.5
                )
                center = to_wgs84.transform(cx, cy)
                tree = KDTree(xyz(center[0], center[1]), balanced_tree=False)
                km, hit = (
                    np.asarray(answer)
                    for answer in tree.query(at[need], distance_upper_bound=reach_km)
                )
                found = (hit < len(cell_row)) & (km < best[group[need], i])
                take, need = hit[found], need[found]
                best[group[need], i] = km[found]
                values[rows[need], i] = near[i, cell_row[take], cell_column[take]]
                filled[rows[need], i] = True
    return filled


def _shore(is_known: Bools) -> Bools:
    """Return known cells with an unknown one beside them.

    From a place without data the nearest known cell is always one of these:
    the next cell towards the place would be nearer.
    """
    padded = np.pad(is_known, 1)
    inner: Bools = (
        padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    )
    return is_known & ~inner


def _between(source: Any, bands: Sequence[int], column: Floats, row: Floats) -> Floats:
    """Read values between the centers of four cells, shape (n, bands)."""
    c, r = cells.whole(column - 0.5), cells.whole(row - 0.5)
    inside = (column >= 0) & (column < source.width)
    inside &= (row >= 0) & (row < source.height)
    around = cells.gathered(source, bands, r, c, side=(0, 1), cells=_CELLS)
    u = np.where(inside, column - 0.5 - c, 0.0)[:, None, None]
    v = np.where(inside, row - 0.5 - r, 0.0)[:, None, None]
    # In the outer half of the outer cells there is no second center.
    if not cells.goes_round(source):
        u = np.where(c[:, None, None] < 0, 1.0, u)
        u = np.where(c[:, None, None] >= source.width - 1, 0.0, u)
    v = np.where(r[:, None, None] < 0, 1.0, v)
    v = np.where(r[:, None, None] >= source.height - 1, 0.0, v)
    out = np.zeros((len(c), len(bands)))
    for i, rows in enumerate((1 - v, v)):
        for j, columns in enumerate((1 - u, u)):
            share = (rows * columns)[:, :, 0]
            # Zero times unknown must not be unknown.
            out += np.where(share == 0, 0.0, share * around[:, :, i, j])
    return np.where(inside[:, None], out, np.nan)


def sample_bands(
    raster: Raster,
    points: gpd.GeoDataFrame | gpd.GeoSeries | Places,
    reach_km: float = 0.0,
    *,
    method: str = "nearest",
) -> SampleResult:
    """Return the values of every band in use at points.

    Parameters
    ----------
    raster : Raster
        The layer.
    points : GeoDataFrame, GeoSeries or Places, n rows
        Any CRS; lines and polygons stand for a point on them.
    reach_km : float
        Where the own cell is unknown, take the nearest known cell whose
        center lies within this distance, and say so [km].
    method : {"nearest", "bilinear"}
        The cell that holds the point, or a weighted mean of the four cells
        whose centers surround it; unknown where one of them is.

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
    if method not in METHODS:
        raise LayerError(
            four_parts(
                f"Raster {raster.info.name} is read by method={method!r}",
                "there is none of that name",
                f"{shown(METHODS)} are allowed",
                'Pass e.g. `method="bilinear"`.' + nearest_name(str(method), METHODS),
            )
        )
    where = spatial.point_places(points)
    lon, lat = where.lon, where.lat
    reach = spatial._radius(reach_km)
    bands = raster.bands
    with raster._opened() as source:
        to_raster = Transformer.from_crs(WGS84, source.crs, always_xy=True)
        x, y = (np.asarray(v) for v in to_raster.transform(lon, lat))
        x = cells.wrapped(source, x)
        column, row = cells.positions(source, x, y)
        if method == "bilinear":
            values = _between(source, bands, column, row)
        else:
            own = (cells.whole(row), cells.whole(column))
            values = cells.gathered(source, bands, *own, cells=_CELLS)[:, :, 0, 0]
        filled = np.zeros(values.shape, dtype=bool)
        if reach > 0:
            filled = _fill_near(source, bands, lon, lat, x, y, values, reach)
    return SampleResult(values, filled)


def sample(
    raster: Raster,
    points: gpd.GeoDataFrame | gpd.GeoSeries | Places,
    reach_km: float = 0.0,
    *,
    band: int | str | None = None,
    method: str = "nearest",
) -> SampleResult:
    """Return the value of one band at points.

    Parameters
    ----------
    raster : Raster
        The layer.
    points : GeoDataFrame, GeoSeries or Places, n rows
        Any CRS; lines and polygons stand for a point on them.
    reach_km : float
        Where the own cell is unknown, take the nearest known cell whose
        center lies within this distance, and say so [km].
    band : int or str, optional
        Band number or name; default the first band in use.
    method : {"nearest", "bilinear"}
        The cell that holds the point, or a weighted mean of the four cells
        whose centers surround it; unknown where one of them is.

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
    result = sample_bands(one, points, reach_km, method=method)
    return SampleResult(result.values[:, 0], result.is_fallback[:, 0])
