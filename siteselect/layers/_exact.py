"""A raster as exactextract wants to see it; imported only when zones are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import exactextract
import numpy as np
import shapely
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import RasterSource
from exactextract.writer import Writer
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.windows import Window

from siteselect.errors import LayerError, four_parts
from siteselect.layers import cells
from siteselect.layers.figures import meant

Floats = NDArray[np.float64]
#: A float of the extent may be off by this share of a cell.
_ROUNDING = 1e-7
#: A polygon may stick out by this share of a cell: bringing it to the CRS of the
#: raster moves it by as much.
_EDGE = 1e-3


class Cells(RasterSource):  # type: ignore[misc]
    """One band, north up: masked cells are NaN, figures in their unit.

    A raster whose rows run askew is shown on the plane of its own columns and
    rows: shares of cells are the same there.

    Parameters
    ----------
    source : rasterio.DatasetReader
        The raster.
    band : int
        Counted from 1.
    classes : sequence of float, optional
        Show 1 for these figures, as the cells give them, and 0 for others.
    """

    def __init__(
        self, source: Any, band: int, classes: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.source, self.band = source, band
        self.crs = CRS.from_user_input(source.crs)
        self.classes = None if classes is None else np.asarray(classes, np.float64)
        transform = source.transform
        self.is_turned = cells.is_turned(transform)
        self.is_mirrored = not self.is_turned and transform.a < 0
        self.is_south_up = not self.is_turned and transform.e > 0
        self.is_geographic = bool(source.crs.is_geographic) and not self.is_turned
        self.shape = (int(source.height), int(source.width))
        self._held: tuple[int, int, Floats] | None = None
        self._is_all_known = False
        if self.is_turned:
            self._extent = (0.0, -float(source.height), float(source.width), 0.0)
            self._side = (1.0, 1.0)
        else:
            far = cells.apply(transform, np.float64(self.shape[1]), self.shape[0])
            x = sorted((float(transform.c), float(far[0])))
            y = sorted((float(transform.f), float(far[1])))
            self._extent = (x[0], y[0], x[1], y[1])
            self._side = (abs(transform.a), abs(transform.e))

    def res(self) -> tuple[float, float]:
        """Return width and height of a cell."""
        left, bottom, right, top = self._extent
        return (right - left) / self.shape[1], (top - bottom) / self.shape[0]

    def extent(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north."""
        return self._extent

    def nodata_value(self) -> None:
        """Say nothing: unknown is NaN."""

    def srs_wkt(self) -> str:
        """Return the CRS, which polygons have been brought to."""
        return self.crs.to_wkt()

    def placed(self, areas: NDArray[Any]) -> NDArray[Any]:
        """Return polygons, in the raster's CRS, as they lie on the grid shown."""
        if self.is_turned:
            xy = shapely.get_coordinates(areas)
            column, row = cells.apply(~self.source.transform, xy[:, 0], xy[:, 1])
            flat = np.stack([column, -row], axis=1)
            return np.asarray(shapely.set_coordinates(areas.copy(), flat))
        if self.source.crs.is_geographic:
            return _around(areas, self._extent[0], self._extent[2])
        return areas

    def windows(self, areas: NDArray[Any]) -> NDArray[np.int64]:
        """Return left, top, right and bottom cell of each polygon."""
        west, south, east, north = shapely.bounds(areas).T
        left, _, _, top = self._extent
        wide, tall = self.res()
        # A cell of no size is refused later on; it needs no warning of NumPy here.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            first = (west - left) / wide, (top - north) / tall
            last = (east - left) / wide, (top - south) / tall
        edges = np.stack(
            [
                *(np.floor(place - _ROUNDING) for place in first),
                *(np.ceil(place + _ROUNDING) for place in last),
            ],
            axis=1,
        )
        whole: NDArray[np.int64] = np.clip(edges, -(2**40), 2**40).astype(np.int64)
        return whole

    def shares_inside(self, areas: NDArray[Any]) -> Floats:
        """Return which share of each polygon lies on the raster, 1 for all of it."""
        bounds = shapely.bounds(areas)
        left, bottom, right, top = self._extent
        wide, tall = (_EDGE * abs(side) for side in self.res())
        limits = np.array([left - wide, bottom - tall, -right - wide, -top - tall])
        sides = bounds * np.array([1.0, 1.0, -1.0, -1.0])
        rows = np.flatnonzero((sides < limits).any(axis=1))
        out = np.ones(len(areas))
        out[rows] = 0.0
        rows = rows[np.isfinite(bounds[rows]).all(axis=1)]
        if len(rows):
            one = shapely.make_valid(areas[rows])
            whole = shapely.area(one)
            on = shapely.area(shapely.intersection(one, shapely.box(*self._extent)))
            share = np.divide(on, whole, out=np.zeros(len(rows)), where=whole > 0)
            # What lies beyond the edge may be too thin to be told by its area.
            out[rows] = np.minimum(share, np.nextafter(1.0, 0.0))
        return out

    @property
    def is_all_known(self) -> bool:
        """Return whether a window is held in which no cell is unknown."""
        return self._held is not None and self._is_all_known

    def hold(self, window: Window | None) -> None:
        """Read a window once, for all that is asked inside it."""
        self._held = None
        if window is not None:
            x, y, wide, tall = (int(v) for v in window.flatten())
            values = self._read(x, y, wide, tall)
            self._held = (x, y, values)
            self._is_all_known = not np.isnan(values).any()

    def read_window(self, x: int, y: int, wide: int, tall: int) -> Floats:
        """Return the cells of a window of the grid shown."""
        if self._held is not None:
            left, top, values = self._held
            part = values[
                max(0, y - top) : y - top + tall, max(0, x - left) : x - left + wide
            ]
            if x >= left and y >= top and part.shape == (tall, wide):
                return part
        return self._read(x, y, wide, tall)

    def _read(self, x: int, y: int, wide: int, tall: int) -> Floats:
        height, width = self.shape
        column = width - x - wide if self.is_mirrored else x
        row = height - y - tall if self.is_south_up else y
        window = Window(column, row, wide, tall)
        values = cells.read_window(self.source, [self.band], window)[0]
        if self.is_mirrored:
            values = values[:, ::-1]
        if self.is_south_up:
            values = values[::-1]
        if self.classes is not None:
            is_in = meant(values, self.classes) >= 0
            values = np.where(np.isnan(values), np.nan, is_in.astype(np.float64))
        return np.ascontiguousarray(values)


class _Polygon(Feature):  # type: ignore[misc]
    """One polygon as bytes, and what is found under it."""

    def __init__(self, wkb: bytes | None = None) -> None:
        super().__init__()
        self._wkb = wkb
        self.found: dict[str, Any] = {}

    def geometry(self) -> bytes | None:
        """Return the polygon as well-known bytes."""
        return self._wkb

    def set_geometry(self, geometry: Any) -> None:
        """Ignore the polygon: it is known already."""

    def set_geometry_format(self) -> str:
        """Say that polygons are bytes."""
        return "wkb"

    def fields(self) -> list[str]:
        """Return the names of what was found."""
        return list(self.found)

    def get(self, name: str) -> Any:
        """Return one statistic."""
        return self.found[name]

    def set(self, name: str, value: Any) -> None:
        """Take one statistic."""
        self.found[name] = value


class _Polygons(FeatureSource):  # type: ignore[misc]
    """Polygons handed over as bytes: much quicker than as text."""

    def __init__(self, areas: NDArray[Any], crs: CRS) -> None:
        super().__init__()
        self._wkb = shapely.to_wkb(areas)
        self._crs = crs.to_wkt()

    def count(self) -> int:
        """Return how many there are."""
        return len(self._wkb)

    def __iter__(self) -> Iterator[_Polygon]:
        return map(_Polygon, self._wkb)

    def srs_wkt(self) -> str:
        """Return their CRS."""
        return self._crs


class _Table(Writer):  # type: ignore[misc]
    """Collects statistics in the order of the operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.rows: list[list[Any]] = []

    def add_operation(self, operation: Any) -> None:
        """Note the name of a statistic."""
        self.names.append(operation.name)

    def write(self, feature: Any) -> None:
        """Take what was found under one polygon."""
        one = _Polygon()
        feature.copy_to(one)
        self.rows.append([one.found.get(name) for name in self.names])

    def features(self) -> list[list[Any]]:
        """Return all rows."""
        return self.rows


def extracted(grid: Cells, areas: NDArray[Any], operations: Sequence[str]) -> Floats:
    """Return the statistics of each polygon, in their order, NaN for none."""
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            rows = exactextract.exact_extract(
                grid,
                _Polygons(areas, grid.crs),
                list(operations),
                output=_Table(),
                max_cells_in_memory=cells.CELLS,
            )
    # Cells of a damaged raster may be so small that floats cannot tell them apart.
    except RuntimeError as error:
        raise LayerError(
            four_parts(
                f"Statistics over {len(areas)} polygons were asked for",
                f"the cells of the raster cannot be laid over them ({error})",
                "cells of a size that a map can have are allowed",
                "Check the geotransform: `gdalinfo FILE` shows the size of its pixels",
            )
        ) from error
    if len(rows) != len(areas):
        raise LayerError(
            four_parts(
                f"Statistics over {len(areas)} polygons were asked for",
                f"exactextract returned {len(rows)}",
                "one per polygon is expected",
                "Please report this with the versions of exactextract and GDAL",
            )
        )
    return np.array(rows, dtype=np.float64).reshape(len(areas), len(operations))


def _around(areas: NDArray[Any], left: float, right: float) -> NDArray[Any]:
    """Return polygons in [-180, 180] moved onto a raster from 0 to 360 degrees."""
    west, _, east, _ = shapely.bounds(areas).T
    out = areas
    for turn in (360.0, -360.0):
        # Beyond one edge of the raster, and back on it one turn on.
        gone = (west < left) if turn > 0 else (east > right)
        back = (east + turn > left) & (west + turn < right)
        rows = np.flatnonzero(gone & back)
        if not len(rows):
            continue
        out = out.copy() if out is areas else out
        edge = (
            shapely.box(-720, -90, min(left, right - turn), 90)
            if turn > 0
            else shapely.box(max(right, left - turn), -90, 720, 90)
        )
        other = shapely.difference(areas[rows], edge)
        part = shapely.intersection(areas[rows], edge)
        xy = shapely.get_coordinates(part) + np.array([turn, 0.0])
        part = shapely.set_coordinates(part, xy)
        out[rows] = shapely.union(other, part)
    return out
