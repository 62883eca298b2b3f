"""Land cover of NLCD and elevation of 3DEP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers.cells import Files
from siteselect.layers.cells import opened as opened_file
from siteselect.layers.raster import Raster
from siteselect.layers.read import read_layer
from siteselect.layers.releases.catalog import described_raster

__all__ = ["dem_3dep", "nlcd", "nlcd_classes"]

# The publisher's legend; 51 and 72 to 74 occur in Alaska only.
_CLASSES = {
    11: "open water",
    12: "perennial ice or snow",
    21: "developed, open space",
    22: "developed, low intensity",
    23: "developed, medium intensity",
    24: "developed, high intensity",
    31: "barren land",
    41: "deciduous forest",
    42: "evergreen forest",
    43: "mixed forest",
    51: "dwarf scrub",
    52: "shrub or scrub",
    71: "grassland or herbaceous",
    72: "sedge or herbaceous",
    73: "lichens",
    74: "moss",
    81: "pasture or hay",
    82: "cultivated crops",
    90: "woody wetlands",
    95: "emergent herbaceous wetlands",
}
# Cells along each side that are looked at before a raster is believed.
_LOOK = 256
#: Below and above all land [m].
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0


def nlcd_classes() -> pd.DataFrame:
    """Return the classes of the National Land Cover Database.

    Returns
    -------
    DataFrame
        Index ``code``: ``land_cover``.

    Examples
    --------
    >>> import siteselect as ss
    >>> ss.releases.nlcd_classes().loc[82, "land_cover"]
    'cultivated crops'
    """
    return pd.DataFrame(
        {"land_cover": list(_CLASSES.values())},
        index=pd.Index(list(_CLASSES), name="code"),
    )


def nlcd(source: str | Path | Sequence[str | Path], *, vintage: str = "") -> Raster:
    """Read the land cover of NLCD: a class for each cell of 30 m.

    Written to NLCD 2001 to 2021 and Annual NLCD. A file that does not say which code
    means no data is refused, as its background would pass for a class. Give classes
    their worth with ``ss.Categories({82: 1.0, 90: 0.0, ...})``.

    Parameters
    ----------
    source : path or list of paths
        GeoTIFF or .img as published, or a part of it.
    vintage : str
        Which year of land cover.

    Returns
    -------
    Raster
        Codes of `nlcd_classes`; NaN where there is no data.

    Raises
    ------
    LayerError
        If it is no raster of these classes, or does not say what means no data.
    CRSError
        If it has no CRS.

    Examples
    --------
    >>> import numpy as np, rasterio, siteselect as ss
    >>> with rasterio.open("nlcd.tif", "w", width=2, height=1, count=1, dtype="uint8",
    ...                    nodata=250, crs=5070,
    ...                    transform=rasterio.Affine(30, 0, 0, 0, -30, 9e5)) as out:
    ...     out.write(np.array([[[82, 250]]], dtype="uint8"))
    >>> ss.releases.nlcd("nlcd.tif").read()[0].tolist()
    [[[82.0, nan]]]
    """

    def odd(values: NDArray[np.float64]) -> str:
        strange = np.setdiff1d(values, list(_CLASSES))
        return f"it holds the code {shown(f'{v:g}' for v in strange)}" * bool(
            len(strange)
        )

    allowed = f"codes of land cover are allowed: {shown(_CLASSES, 20)}"
    return _believed(source, "nlcd", odd, allowed, "code", vintage)


def dem_3dep(source: str | Path | Sequence[str | Path], *, vintage: str = "") -> Raster:
    """Read the elevation of 3DEP, one tile or several of one product.

    Written to the seamless tiles of 1/3, 1 and 2 arc-seconds. Slope follows from it by
    ``ss.Slope``, if its cells are fine enough for the site.

    Parameters
    ----------
    source : path or list of paths
        GeoTIFF tiles as published.
    vintage : str
        Of when they are.

    Returns
    -------
    Raster
        Meters above the vertical datum of the product; NaN where there is no data.

    Raises
    ------
    LayerError
        If it is no raster of elevations in meters, or does not say what means no data.
    CRSError
        If it has no CRS.

    Examples
    --------
    >>> import numpy as np, rasterio, siteselect as ss
    >>> with rasterio.open("USGS_13_n33w098.tif", "w", width=2, height=1, count=1,
    ...                    dtype="float32", nodata=-999999, crs=4269,
    ...                    transform=rasterio.Affine(0.5, 0, -98, 0, -0.5, 33)) as out:
    ...     out.write(np.array([[[211.5, -999999]]], dtype="float32"))
    >>> ss.releases.dem_3dep("USGS_13_n33w098.tif").read()[0].tolist()
    [[[211.5, nan]]]
    """

    def odd(values: NDArray[np.float64]) -> str:
        out = values[(values < _LOWEST_M) | (values > _HIGHEST_M)]
        return f"it holds {shown(f'{v:g}' for v in out)}" if len(out) else ""

    allowed = f"elevations of {_LOWEST_M:g} to {_HIGHEST_M:g} m are allowed"
    return _believed(source, "dem_3dep", odd, allowed, "m", vintage)


def _believed(
    source: Any,
    reader: str,
    odd: Callable[[NDArray[np.float64]], str],
    allowed: str,
    unit: str,
    vintage: str,
) -> Raster:
    """Return a raster whose cells, as far as looked at, are what they should be."""
    raster = read_layer(source, name=reader)
    if not isinstance(raster, Raster):
        raise LayerError(
            four_parts(
                f"`ss.releases.{reader}` reads a raster",
                "the file holds a vector layer",
                "a GeoTIFF as published is allowed",
                "Check that it is the file that `ss.sources()` names",
            )
        )
    raster = raster.band(raster.bands[0])
    for tile in raster.tiles:
        with opened_file(Files((tile,))) as opened:
            if opened.nodata is None:
                raise LayerError(
                    four_parts(
                        f"The raster {tile.name!r} is to be read by "
                        f"`ss.releases.{reader}`",
                        "it does not say which value means no data",
                        "a raster with nodata is needed, or its background would pass "
                        "for a value",
                        f"Say it with `gdal_edit.py -a_nodata VALUE {tile.name}`",
                    )
                )
            shape = (min(_LOOK, opened.height), min(_LOOK, opened.width))
            cells = opened.read(raster.bands[0], out_shape=shape, masked=True)
        values = np.unique(cells.compressed().astype(np.float64))
        wrong = odd(values[np.isfinite(values)])
        if wrong:
            raise LayerError(
                four_parts(
                    f"The raster {tile.name!r} is to be read by `ss.releases.{reader}`",
                    wrong,
                    allowed,
                    "Check that it is the file that `ss.sources()` names, with its "
                    "values as published",
                )
            )
    return described_raster(raster, reader, source, vintage, unit)
