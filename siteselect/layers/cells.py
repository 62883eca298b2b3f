"""Cells of raster files: opened, read in windows, gathered around places.

A file is read at its own resolution, always: overviews serve drawing and are
never looked at here. What the file calls unknown in any way (nodata, a mask, an
alpha band; GDAL by itself heeds only one of them) and what is not finite is NaN;
scale and offset are applied.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import rasterio
import rasterio.errors
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from siteselect.errors import (
    CRSError,
    LayerError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers.crs import WGS84, nowhere
from siteselect.layers.ellipsoid import A_KM, E2
from siteselect.layers.kinds import is_there
from siteselect.layers.notices import undecoded_unsaid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Cells held at once while sampling and while summarizing polygons.
CELLS = 8_000_000
#: Block side used where a file is stored in strips or as one piece [cells].
BLOCK = 512
#: What GDAL may keep of decoded blocks [MB]; its own choice is 5 % of the memory.
CACHE_MB = 128
#: Tiles meet when their cells are this close to one grid [cells].
OFF_GRID = 0.01


#: What rasterio raises over a damaged file: where GDAL quotes bytes of it that are no
#: UTF-8, the message cannot be decoded.
UNREADABLE = (rasterio.errors.RasterioError, UnicodeDecodeError)


@dataclass(frozen=True)
class Stored:
    """How the cells of a band are kept.

    Parameters
    ----------
    dtype : str
        Type of a stored number, as NumPy names it.
    scale, offset : float
        What makes a figure of it.
    """

    dtype: str
    scale: float
    offset: float

    def held(self, figure: float) -> float | None:
        """Return the figure that a cell gives for one that was written, None if none.

        The nearest number of the cells' own precision; of whole numbers, one that
        is not off by more than a hundredth of a step.
        """
        kind = np.dtype(self.dtype)
        with np.errstate(all="ignore"):
            raw = np.float64(figure - self.offset) / np.float64(self.scale)
            if np.issubdtype(kind, np.integer):
                limits, near = np.iinfo(kind), np.round(raw)
                is_held = limits.min <= near <= limits.max and abs(raw - near) <= 0.01
                return float(near * self.scale + self.offset) if is_held else None
            near = np.float64(raw.astype(kind))
        return float(near * self.scale + self.offset) if np.isfinite(near) else None


def stored(source: Any) -> tuple[frozenset[Stored], ...]:
    """Return how each band of one file is kept."""
    return tuple(
        frozenset({Stored(*one)})
        for one in zip(source.dtypes, source.scales, source.offsets, strict=True)
    )


@dataclass(frozen=True)
class Files:
    """One raster in one file, or in several tiles put together.

    Parameters
    ----------
    tiles : tuple of Path
        The files, at least one.
    mosaic : str
        How GDAL puts several together (a VRT document); empty for one file.
    stored : tuple of frozenset of Stored
        How the tiles put together keep each band; empty for one file.
    """

    tiles: tuple[Path, ...]
    mosaic: str = ""
    stored: tuple[frozenset[Stored], ...] = ()

    @property
    def name(self) -> str:
        """Name of the first file."""
        return self.tiles[0].name


@contextmanager
def opened(files: Files) -> Iterator[Any]:
    """Open a raster, or say in our own words why that fails."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MB), undecoded_unsaid():
        if not files.mosaic:
            with _reading(files.name, _open(files.tiles[0])) as source:
                yield source
            return
        with (
            rasterio.MemoryFile(files.mosaic.encode("utf-8"), ext=".vrt") as memory,
            _reading(
                f"{files.name} and its neighbors", _opened_mosaic(memory, files.name)
            ) as source,
        ):
            yield source


def _open(path: Path) -> Any:
    """Open one file."""
    # GDAL also reads URLs, archives and sub-datasets, which are not files here.
    is_address = ":" in str(path) or str(path).startswith("/vsi")
    if not is_address and not is_there(path):
        near = [p.name for p in path.parent.glob("*")] if is_there(path.parent) else []
        raise LayerError(
            four_parts(
                f"Raster {str(path)!r} was asked for",
                "there is no such file",
                "any raster that GDAL reads is allowed",
                "Check the path." + nearest_name(path.name, near),
            )
        )
    try:
        return rasterio.open(_address(path))
    except UNREADABLE as error:
        raise LayerError(
            four_parts(
                f"Raster {path.name!r} was asked for",
                f"it cannot be read ({_gist(error)})",
                "any raster that GDAL reads is allowed, e.g. GeoTIFF",
                "Check that the file is whole: `gdalinfo FILE` should list its bands",
            )
        ) from None


def _address(path: Path) -> str:
    """Return a path as GDAL wants it: a URL keeps the slashes a Path drops."""
    return re.sub(r"((?:https?|ftp|s3|gs|az)):/(?!/)", r"\1://", str(path))


def _opened_mosaic(memory: Any, name: str) -> Any:
    """Open tiles as one, or say in our own words why that fails."""
    try:
        return memory.open()
    except UNREADABLE as error:
        raise LayerError(
            four_parts(
                f"Raster {name!r} and its neighbors are to be one",
                f"they cannot be put together ({_gist(error)})",
                "tiles of one grid are allowed, not too far apart",
                "Check the tiles with `gdalbuildvrt all.vrt FILE FILE ...`",
            )
        ) from None


def _gist(error: BaseException) -> str:
    """Return what went wrong, as told by the error that led to this one."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")


@contextmanager
def _reading(name: str, source: Any) -> Iterator[Any]:
    """Close a raster at the end; say in our own words what is damaged."""
    try:
        yield source
    except UNREADABLE as error:
        raise LayerError(
            four_parts(
                f"Raster {name!r} was read",
                f"a part of it cannot be read ({_gist(error)})",
                "every block of the file, and every file of a VRT, must be whole",
                "Copy or download the file again; `gdalinfo -checksum FILE` finds "
                "the damage",
            )
        ) from None
    finally:
        source.close()


# ----------------------------------------------------------- several tiles as one


@dataclass(frozen=True)
class _Tile:
    """What must fit for tiles to be one raster."""

    path: Path
    crs: Any
    transform: Affine
    width: int
    height: int
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    descriptions: tuple[str | None, ...]
    dtypes: tuple[str, ...]
    nodata: tuple[float | None, ...]
    flags: tuple[list[MaskFlags], ...]


def joined(tiles: Sequence[Path]) -> Files:
    """Return several tiles as one raster.

    Parameters
    ----------
    tiles : sequence of Path
        Rasters of the same CRS, bands and cells, in any order; each has its own
        nodata, type, scale and offset. Gaps between them are unknown. Where tiles
        overlap, that one counts which knows the cell and whose name comes last in
        the alphabet (2021.tif before 2020.tif).

    Returns
    -------
    Files
        In the order of their names.

    Raises
    ------
    LayerError
        If they do not fit together; the message names the odd ones.

    References
    ----------
    .. [1] GDAL, "VRT - GDAL Virtual Format", sections on ComplexSource and
       UseMaskBand.
    """
    tiles = sorted(set(tiles), key=lambda path: (path.name, str(path)))
    if len(tiles) == 1:
        return Files(tuple(tiles))
    found = []
    for path in tiles:
        with _reading(path.name, _open(path)) as source:
            require_place(source, path.name)
            require_figures(source.dtypes, range(1, source.count + 1), path.name)
            _require_heeded(source, path.name)
            found.append(
                _Tile(
                    path,
                    source.crs,
                    source.transform,
                    source.width,
                    source.height,
                    source.scales,
                    source.offsets,
                    source.descriptions,
                    source.dtypes,
                    tuple(map(_held, source.nodatavals, source.dtypes)),
                    source.mask_flag_enums,
                )
            )
    first = found[0]
    _require_fit(found)
    # Corners in cells of the first tile.
    corners = []
    for tile in found:
        x, y = apply(~first.transform, tile.transform.c, tile.transform.f)
        corners.append((round(float(x)), round(float(y))))
    left, top = (min(c[i] for c in corners) for i in (0, 1))
    width = max(c[0] + t.width for c, t in zip(corners, found, strict=True)) - left
    height = max(c[1] + t.height for c, t in zip(corners, found, strict=True)) - top
    transform = shifted(first.transform, left, top)
    bands = "".join(
        _band_xml(found, corners, (left, top), band)
        for band in range(len(first.scales))
    )
    crs = escape(first.crs.to_wkt()) if first.crs else ""
    mosaic = (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">'
        f'<SRS dataAxisToSRSAxisMapping="1,2">{crs}</SRS>'
        f"<GeoTransform>{','.join(map(repr, map(float, transform.to_gdal())))}"
        f"</GeoTransform>{bands}</VRTDataset>"
    )
    kept = tuple(
        frozenset(
            Stored(t.dtypes[band], t.scales[band], t.offsets[band]) for t in found
        )
        for band in range(len(first.scales))
    )
    return Files(tuple(tiles), mosaic, kept)


def _band_xml(
    tiles: Sequence[_Tile],
    corners: Sequence[tuple[int, int]],
    origin: tuple[int, int],
    band: int,
) -> str:
    """Return one band of a mosaic: figures in their unit, NaN where unknown."""
    parts = [
        f'<VRTRasterBand dataType="Float64" band="{band + 1}">'
        "<NoDataValue>nan</NoDataValue>"
    ]
    described = tiles[0].descriptions[band]
    if described:
        parts.append(f"<Description>{escape(described)}</Description>")
    for tile, (x, y) in zip(tiles, corners, strict=True):
        size = f'xSize="{tile.width}" ySize="{tile.height}"'
        name, source_band, unknown = _source_xml(tile, band)
        parts.append(
            f'<ComplexSource><SourceFilename relativeToVRT="0">{escape(name)}'
            f"</SourceFilename><SourceBand>{source_band}</SourceBand>"
            f'<SrcRect xOff="0" yOff="0" {size}/>'
            f"<DstRect xOff={quoteattr(str(x - origin[0]))} "
            f"yOff={quoteattr(str(y - origin[1]))} {size}/>"
            f"<ScaleOffset>{tile.offsets[band]!r}</ScaleOffset>"
            f"<ScaleRatio>{tile.scales[band]!r}</ScaleRatio>"
            f"{unknown}</ComplexSource>"
        )
    return "".join([*parts, "</VRTRasterBand>"])


def _source_xml(tile: _Tile, band: int) -> tuple[str, int, str]:
    """Return the file and band to read, and which cells leave room for another's."""
    name, nodata = str(tile.path.absolute()), tile.nodata[band]
    by_mask = "<UseMaskBand>true</UseMaskBand>"
    if MaskFlags.all_valid in tile.flags[band]:
        # A float may be NaN where the file states no nodata.
        return name, band + 1, "<NODATA>nan</NODATA>"
    if nodata is None or tile.flags[band] == [MaskFlags.nodata]:
        return name, band + 1, by_mask
    # GDAL heeds nodata or the mask: what is masked is made nodata first.
    kind = "Byte" if tile.dtypes[band] == "uint8" else tile.dtypes[band].capitalize()
    kind = kind.replace("Uint", "UInt")
    stated = repr(float(nodata))
    size = f'xSize="{tile.width}" ySize="{tile.height}"'
    inner = (
        f'<VRTDataset rasterXSize="{tile.width}" rasterYSize="{tile.height}">'
        f'<VRTRasterBand dataType="{kind}" band="1"><NoDataValue>{stated}'
        f'</NoDataValue><ComplexSource><SourceFilename relativeToVRT="0">'
        f"{escape(name)}</SourceFilename><SourceBand>{band + 1}</SourceBand>"
        f'<SrcRect xOff="0" yOff="0" {size}/><DstRect xOff="0" yOff="0" {size}/>'
        f"{by_mask}</ComplexSource></VRTRasterBand></VRTDataset>"
    )
    return inner, 1, f"<NODATA>{stated}</NODATA>"


def _held(nodata: float | None, dtype: str) -> float | None:
    """Return nodata, None where no cell can hold it (-9999 in bytes)."""
    kind = np.dtype(dtype)
    if nodata is None or not np.issubdtype(kind, np.integer):
        return nodata
    limits = np.iinfo(kind)
    is_held = float(nodata).is_integer() and limits.min <= nodata <= limits.max
    return nodata if is_held else None


def _require_heeded(source: Any, name: str) -> None:
    """Refuse a tile whose alpha band GDAL would leave out of a mosaic."""
    bands = range(1, source.count + 1)
    if all(_unheeded_alpha(source, band) is None for band in bands):
        return
    alpha = list(source.colorinterp).index(ColorInterp.alpha) + 1
    raise LayerError(
        four_parts(
            f"Raster {name!r} is to be one with others",
            f"band {alpha} is an alpha band beside nodata, a mask or cells that are "
            "no bytes, and would be left out",
            "tiles with one of the two are allowed",
            f"Turn it into a mask first: `gdal_translate -b 1 -mask {alpha} FILE "
            "NEW.tif`",
        )
    )


def _require_fit(tiles: Sequence[_Tile]) -> None:
    """Refuse tiles that are not cut from one grid, naming the odd ones."""
    base = tiles[0]
    odd = [(tile, wrong) for tile in tiles if (wrong := _misfit(base, tile))]
    if len(odd) > len(tiles) / 2:
        # The first one is odd itself.
        base = odd[0][0]
        odd = [(tile, wrong) for tile in tiles if (wrong := _misfit(base, tile))]
    if not odd:
        return
    names = shown(repr(tile.path.name) for tile, _ in odd)
    raise LayerError(
        four_parts(
            f"{len(tiles)} rasters are to be one",
            f"{names} does not fit {base.path.name!r}: {odd[0][1]}",
            "tiles cut from one grid are allowed: same CRS, cells and bands",
            "Leave it out, or bring it to the grid first, e.g. with "
            "`gdalwarp -t_srs ... -tr ... -tap`",
        )
    )


def _misfit(base: _Tile, tile: _Tile) -> str:
    """Return why a tile is not of the grid of another, empty if it is."""
    if tile.crs != base.crs:
        return f"its CRS differs ({_crs_name(tile.crs)}, not {_crs_name(base.crs)})"
    if len(tile.scales) != len(base.scales):
        return f"it has {len(tile.scales)} bands, not {len(base.scales)}"
    a, b = base.transform, tile.transform
    sides = np.array([[t.a, t.b, t.d, t.e] for t in (a, b)])
    # A cell may drift by a hundredth of itself over the width of a tile.
    slack = OFF_GRID / max(tile.width, tile.height)
    if not np.abs(sides[1] - sides[0]).max() <= slack * np.abs(sides[0]).max():
        return (
            f"its cells differ in size or direction ({b.a:.9g} x {b.e:.9g}, not "
            f"{a.a:.9g} x {a.e:.9g})"
        )
    x, y = (float(v) for v in apply(~a, b.c, b.f))
    if max(abs(x - round(x)), abs(y - round(y))) > OFF_GRID:
        return (
            f"its cells are not on one grid (shifted by {x - round(x):.3g} and "
            f"{y - round(y):.3g} of a cell)"
        )
    return ""


def _crs_name(crs: Any) -> str:
    """Return a CRS in a few words."""
    return "none" if crs is None else CRS.from_user_input(crs).name


def unplaced(name: str) -> CRSError:
    """Return the error about a raster without a geotransform."""
    return CRSError(
        four_parts(
            f"Raster {name} is to be placed on the map",
            "it has no geotransform: its cells have no coordinates",
            "a georeferenced raster is allowed",
            "Georeference it first, e.g. with `gdal_translate -a_ullr`",
        )
    )


def require_place(source: Any, name: str) -> None:
    """Refuse a raster that is nowhere on the map."""
    if source.crs is None:
        raise CRSError(
            four_parts(
                f"Raster {name} is to be placed on the map",
                "it has no coordinate reference system",
                "any CRS that GDAL knows is allowed",
                "Assign one, e.g. with `gdal_edit.py -a_srs EPSG:4326 FILE`",
            )
        )
    crs = CRS.from_user_input(source.crs)
    if not (crs.is_geographic or crs.is_projected):
        raise nowhere(crs, f"raster {name}")
    if source.transform.is_identity:
        raise unplaced(name)

    corners = np.array([*source.transform[:6]])
    steps = corners[[0, 1, 3, 4]].reshape(2, 2)
    if not np.isfinite(corners).all() or np.linalg.det(steps) == 0:
        raise CRSError(
            four_parts(
                f"Raster {name} is to be placed on the map",
                f"its geotransform {tuple(map(float, corners))} gives its cells no "
                "area",
                "cells with a width and a height are allowed",
                "Georeference it again, e.g. with `gdal_translate -a_ullr`",
            )
        )
    left, bottom, right, top = outline(source)
    if crs.is_geographic:
        # A cell may stand for the pole in its middle, and round the globe twice.
        slack = min(1.0, float(np.abs(steps[1]).sum()))
        wrong = max(abs(bottom), abs(top)) > 90 + slack
        wrong |= max(abs(left), abs(right)) > 540
        found = "which is no longitude and latitude"
        mend = "EPSG:5070"
    else:
        wrong = max(abs(left), abs(right)) <= 180 and max(abs(bottom), abs(top)) <= 90
        found = "which looks like degrees"
        mend = "EPSG:4326"
    if wrong:
        raise CRSError(
            four_parts(
                f"Raster {name} says that it is in {crs.name}",
                f"its cells span x {left:.7g} to {right:.7g} and y {bottom:.7g} to "
                f"{top:.7g}, {found}",
                "coordinates must be in the unit of the CRS",
                f"Assign the one they are in, e.g. `gdal_edit.py -a_srs {mend} FILE`",
            )
        )


def require_figures(dtypes: Sequence[str], bands: Sequence[int], name: str) -> None:
    """Refuse bands of complex numbers."""
    odd = [band for band in bands if "complex" in dtypes[band - 1]]
    if odd:
        raise LayerError(
            four_parts(
                f"Band {shown(odd)} of raster {name} is to be read as figures",
                f"it holds complex numbers ({dtypes[odd[0] - 1]})",
                "real numbers are allowed",
                "Write the part or the amplitude you mean, e.g. with "
                "`gdal_calc.py --calc='abs(A)'`",
            )
        )


def require_bands(bands: Sequence[int], count: int, name: str) -> None:
    """Refuse bands the file does not have."""
    odd = [
        b for b in bands if not isinstance(b, (int, np.integer)) or isinstance(b, bool)
    ]
    if odd:
        raise LayerError(
            four_parts(
                f"Bands of raster {name} were asked for",
                f"found {said(odd[0])}",
                f"whole numbers from 1 to {count} are allowed",
                "Pass e.g. `bands=[1]`; by name, `raster.band('elevation')`",
            )
        )
    wrong = [b for b in bands if not 1 <= b <= count]
    if wrong:
        raise LayerError(
            four_parts(
                f"Band {shown(wrong)} of raster {name} was asked for",
                f"the file has {count}",
                f"1 to {count} are allowed",
                "Pass e.g. `bands=(1,)`",
            )
        )


# ------------------------------------------------------------------------- reading


def read_window(source: Any, bands: Sequence[int], window: Window) -> Floats:
    """Read a window as float64 with NaN for nodata, scale and offset applied."""
    shape = len(bands), int(window.height), int(window.width)
    _guard_memory(source, shape)
    out = np.empty(shape)
    for i, band in enumerate(bands):
        raw = source.read(band, window=window)
        out[i] = finished(source, band, raw, _mask(source, band, window))
    return out


def _guard_memory(source: Any, shape: tuple[int, int, int]) -> None:
    """Refuse a window that no memory here can hold, however small its file is."""
    needed = 8 * math.prod(shape)
    if needed > _memory_bytes():
        raise LayerError(
            four_parts(
                f"{shape[1]:,} x {shape[2]:,} cells of raster "
                f"{Path(source.name).name!r} were to be read at once",
                f"they take {needed / 2**30:,.0f} GB, and this machine has "
                f"{_memory_bytes() / 2**30:,.0f} GB",
                "a window that fits is allowed; Sample and Zonal read piece by piece",
                "Pass an area: raster.read(area)",
            )
        )


@cache
def _memory_bytes() -> float:
    """Return the memory of this machine, infinite where it does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _mask(source: Any, band: int, window: Window) -> NDArray[Any] | None:
    """Return what masks a window beside nodata (0 where unknown), None if nothing."""
    flags = source.mask_flag_enums[band - 1]
    mask: NDArray[Any] | None = None
    if MaskFlags.all_valid not in flags and flags != [MaskFlags.nodata]:
        mask = source.read_masks(band, window=window)
    alpha = _unheeded_alpha(source, band)
    if alpha is not None:
        is_seen = source.read(alpha, window=window) != 0
        mask = is_seen if mask is None else is_seen & (mask != 0)
    return mask


def _unheeded_alpha(source: Any, band: int) -> int | None:
    """Return the alpha band if a band has one that GDAL's own mask leaves out.

    GDAL heeds it only where there is neither nodata nor a mask, and only in bytes
    or 16 bits without sign.
    """
    if MaskFlags.alpha in source.mask_flag_enums[band - 1]:
        return None
    kinds = list(source.colorinterp)
    if ColorInterp.alpha not in kinds or kinds[band - 1] == ColorInterp.alpha:
        return None
    return kinds.index(ColorInterp.alpha) + 1


def finished(
    source: Any, band: int, raw: NDArray[Any], mask: NDArray[Any] | None
) -> Floats:
    """Return stored values as figures in their unit, NaN where unknown.

    Nodata is compared as stored, before scale and offset, and counts beside a mask.
    """
    values: Floats = raw.astype(np.float64)
    scale, offset = source.scales[band - 1], source.offsets[band - 1]
    if scale != 1 or offset != 0:
        values = values * scale + offset
    nodata = source.nodatavals[band - 1]
    if nodata is not None:
        values[_is_nodata(raw, nodata)] = np.nan
    if mask is not None:
        values[mask == 0] = np.nan
    values[np.isinf(values)] = np.nan
    return values


def _is_nodata(raw: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Say which stored values are nodata, as GDAL compares them."""
    if np.issubdtype(raw.dtype, np.integer):
        return np.asarray(raw == nodata)
    with np.errstate(over="ignore"):
        value = raw.dtype.type(nodata)
    if not np.isfinite(value):
        return np.isnan(raw) if np.isnan(value) else np.asarray(raw == value)
    # Two steps of the last bit, since the nodata of a file is written as text.
    # The largest number there is, which many write, has no step above it.
    step = np.abs(value) - np.nextafter(np.abs(value), raw.dtype.type(0))
    with np.errstate(over="ignore"):
        near: NDArray[np.bool_] = np.abs(raw - value) <= 2 * step
    return near


def block_shape(source: Any, cells: int) -> tuple[int, int]:
    """Return the rows and columns to read at a time."""
    rows, columns = source.block_shapes[0]
    if columns >= source.width:
        # Strips: a few at a time, across the whole width.
        rows = min(source.height, max(rows, cells // (8 * max(1, columns))))
    if rows * columns * source.count > cells:
        rows, columns = min(rows, BLOCK), min(columns, BLOCK)
    return max(1, int(rows)), max(1, int(columns))


def gathered(
    source: Any,
    bands: Sequence[int],
    row: Ints,
    column: Ints,
    *,
    side: tuple[int, int] = (0, 0),
    cells: int = CELLS,
) -> Floats:
    """Read the cells around places, block by block.

    Parameters
    ----------
    source : rasterio.DatasetReader
        The raster.
    bands : sequence of int
        Bands, counted from 1.
    row, column : ndarray of int64, shape (n,)
        The cell of each place; may lie outside.
    side : (int, int)
        How many cells to take before and after it, both ways.
    cells : int
        How many to hold at once.

    Returns
    -------
    ndarray, shape (n, bands, k, k)
        With ``k = before + 1 + after``; NaN outside the raster.
    """
    before, after = side
    reach = np.arange(-before, after + 1)
    k = len(reach)
    out = np.full((len(row), len(bands), k, k), np.nan)
    if (before or after) and goes_round(source):
        own = (column >= -1) & (column <= source.width)
        seam = np.flatnonzero(
            own & ((column < before) | (column + after >= source.width))
        )
        for i, j in np.ndindex(k, k):
            beside = (column[seam] + reach[j]) % source.width
            near = gathered(source, bands, row[seam] + reach[i], beside, cells=cells)
            out[seam, :, i, j] = near[:, :, 0, 0]
        inner = np.setdiff1d(np.arange(len(row)), seam, assume_unique=True)
    else:
        inner = np.arange(len(row))
    touches = (column + after >= 0) & (column - before < source.width)
    touches &= (row + after >= 0) & (row - before < source.height)
    where = inner[touches[inner]]
    if not len(where):
        return out
    row, column = row[where], column[where]
    height = int(row.max() - row.min()) + k
    width = int(column.max() - column.min()) + k
    if height * width * len(bands) <= cells // 4:
        groups = [np.arange(len(where))]
    else:
        tall, wide = block_shape(source, cells)
        block = (row // tall) * (source.width // wide + 3) + column // wide
        order = np.argsort(block, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(block[order])) + 1)
    for group in groups:
        r, c = row[group], column[group]
        top, left = max(0, int(r.min()) - before), max(0, int(c.min()) - before)
        bottom = min(source.height, int(r.max()) + after + 1)
        right = min(source.width, int(c.max()) + after + 1)
        window = Window(left, top, right - left, bottom - top)
        rows, columns = r[:, None] + reach - top, c[:, None] + reach - left
        lost = ((rows < 0) | (rows >= bottom - top))[:, :, None]
        lost = lost | ((columns < 0) | (columns >= right - left))[:, None, :]
        rows = np.clip(rows, 0, bottom - top - 1)[:, :, None]
        columns = np.clip(columns, 0, right - left - 1)[:, None, :]
        for i, band in enumerate(bands):
            # Only what is picked is brought to its unit, not the whole window.
            raw = source.read(band, window=window)[rows, columns]
            mask = _mask(source, band, window)
            picked = None if mask is None else mask[rows, columns]
            values = finished(source, band, raw, picked)
            out[where[group], i] = np.where(lost, np.nan, values)
    return out


# --------------------------------------------------------------------------- places


def apply(transform: Affine, x: Any, y: Any) -> tuple[Floats, Floats]:
    """Apply an affine transform to arrays; written out as its operator changed."""
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )


def shifted(transform: Affine, column: int, row: int) -> Affine:
    """Return the transform of a window that starts at a cell."""
    x, y = apply(transform, np.float64(column), np.float64(row))
    return Affine(
        transform.a, transform.b, float(x), transform.d, transform.e, float(y)
    )


def outline(source: Any) -> tuple[float, float, float, float]:
    """Return west, south, east, north in the CRS, whichever way the rows run."""
    column = np.array([0.0, source.width, source.width, 0.0])
    row = np.array([0.0, 0.0, source.height, source.height])
    x, y = apply(source.transform, column, row)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def wrapped(source: Any, x: Floats) -> Floats:
    """Return longitudes moved by whole turns onto a raster in degrees."""
    if not source.crs.is_geographic:
        return x
    left, _, right, _ = outline(source)
    out: Floats = np.where(x < left, x + 360.0 * np.ceil((left - x) / 360.0), x)
    out = np.where(out > right, x - 360.0 * np.ceil((x - right) / 360.0), out)
    return np.where((out < left) | (out > right), x, out)


def goes_round(source: Any) -> bool:
    """Return whether the last column of a raster in degrees is beside its first."""
    if not source.crs.is_geographic or is_turned(source.transform):
        return False
    left, _, right, _ = outline(source)
    return bool(abs(right - left - 360.0) < 1e-6 * abs(source.transform.a))


def turned_to(source: Any, west: float, east: float) -> Affine:
    """Return the transform of a raster, its longitudes counted as those of an area."""
    own: Affine = source.transform
    if not source.crs.is_geographic:
        return own
    left, _, right, _ = outline(source)
    turn = 360.0 * round((west + east - left - right) / 720.0)
    return Affine(own.a, own.b, own.c + turn, own.d, own.e, own.f)


def columns_between(
    source: Any, left: int, right: int
) -> tuple[int, list[tuple[int, int]]]:
    """Return the first of the columns asked for that there is, and how to read them.

    Each run of columns is where it begins in the file, and how many it has. Beyond
    the last column of a raster all the way round the globe comes its first.
    """
    width = source.width
    if not goes_round(source):
        left, right = max(left, 0), min(right, width)
        return left, [(left, right - left)] if right > left else []
    begin, count = left % width, min(right - left, width)
    first = min(count, width - begin)
    runs = [(begin, first), (0, count - first)]
    return left, [run for run in runs if run[1] > 0]


def positions(source: Any, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return column and row of places, in fractions of cells from the corner."""
    column, row = apply(~source.transform, x, y)
    # A point on the far edge belongs to the last cell.
    for share, size in ((column, source.width), (row, source.height)):
        share[np.abs(share - size) < 1e-6] = np.nextafter(size, 0)
    return column, row


def whole(share: Floats) -> Ints:
    """Return the cell of a position; far outside if it has no place."""
    known = np.isfinite(share) & (np.abs(share) < 1e9)
    return np.where(known, np.floor(np.where(known, share, 0)), -(10**9)).astype(
        np.int64
    )


def is_turned(transform: Affine) -> bool:
    """Return whether rows or columns run askew to the axes of the CRS."""
    along = math.hypot(transform.a, transform.e)
    return math.hypot(transform.b, transform.d) > 1e-12 * along


def ground_steps(source: Any, column: Floats, row: Floats) -> tuple[Floats, Floats]:
    """Return how far a step of one column, and of one row, leads on the ground.

    Parameters
    ----------
    source : rasterio.DatasetReader
        The raster, in any CRS.
    column, row : ndarray, shape (n,)
        Places, in fractions of cells.

    Returns
    -------
    along, down : ndarray, shape (n, 2)
        East and north part of either step [m] on the WGS84 ellipsoid.
    """
    to_wgs84 = Transformer.from_crs(source.crs, WGS84, always_xy=True)
    _, lat = to_wgs84.transform(*apply(source.transform, column, row))
    phi = np.radians(np.asarray(lat))
    squeeze = 1 - E2 * np.sin(phi) ** 2
    meters_lon = np.radians(A_KM * 1000.0 * np.cos(phi) / np.sqrt(squeeze))
    meters_lat = np.radians(A_KM * 1000.0 * (1 - E2) / squeeze**1.5)
    steps = []
    for dc, dr in ((0.5, 0.0), (0.0, 0.5)):
        ends = [
            to_wgs84.transform(*apply(source.transform, column + s * dc, row + s * dr))
            for s in (1, -1)
        ]
        turned = (np.asarray(ends[0][0]) - np.asarray(ends[1][0]) + 180) % 360 - 180
        risen = np.asarray(ends[0][1]) - np.asarray(ends[1][1])
        steps.append(np.stack([turned * meters_lon, risen * meters_lat], axis=-1))
    return steps[0], steps[1]
