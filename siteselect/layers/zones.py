"""Statistics of the raster cells under polygons, by exact shares of cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.windows import Window

from siteselect.errors import LayerError, four_parts, nearest_name, shown
from siteselect.layers import spatial
from siteselect.layers.crs import WGS84, to_wgs84
from siteselect.layers.figures import is_plain_number

if TYPE_CHECKING:
    from siteselect.layers.cells import Stored
    from siteselect.layers.raster import Raster

Floats = NDArray[np.float64]

#: Statistics that `zonal` knows.
STATISTICS = (
    "mean",
    "sum",
    "min",
    "max",
    "majority",
    "minority",
    "median",
    "quantile",
    "share",
    "count",
    "stdev",
    "variance",
    "variety",
)
#: Those that weigh cells by their area on the ground.
_WEIGHED = (
    "mean",
    "median",
    "quantile",
    "share",
    "majority",
    "minority",
    "stdev",
    "variance",
)
#: Share of the ground under a polygon that must be known for a statistic of it; a
#: sum needs all of it, a count (of known cells) none. Judgement: most of a site
#: speaks for the whole, as a coast does for a county; a corner does not.
LEAST_KNOWN = 0.5
# Exact shares of cells are held in single precision.
_ROUNDING = 1e-6
# A sliver that rounding left in the next cell must not set a maximum.
_LEAST_SHARE = "min_coverage_frac=1e-6"
# Polygons no larger than this are read in common windows [cells].
_TILE = 1024
# A common window holds at most this many times the cells asked for, or so many.
_FILLED = 8
_LITTLE = 65_536
# Neighbors within so many cells probably lie in the same block of the file.
_BLOCK = 256


def zonal(
    raster: Raster,
    polygons: gpd.GeoDataFrame | gpd.GeoSeries,
    stat: str = "mean",
    *,
    band: int | str | None = None,
    quantile: float | None = None,
    classes: Sequence[float] | None = None,
    min_known: float | None = None,
) -> Floats:
    """Return a statistic of the raster over each polygon.

    Cells count by the share of them that the polygon covers [1]_; for means,
    medians and the like over a raster in degrees also by their area on the
    ground (unless its rows run askew to the parallels). ``sum`` and ``count``
    stay in cells. Where two values have the same majority, the larger is given.

    Ground is unknown where the raster has no data and beyond its edges. A sum is
    unknown as soon as a part of the polygon's ground is; every other statistic
    describes the known part, and is unknown where that is less than half of the
    polygon (see ``min_known``).

    Parameters
    ----------
    raster : Raster
        The layer.
    polygons : GeoDataFrame or GeoSeries, n rows
        Any CRS.
    stat : str
        ``mean``, ``sum``, ``min``, ``max``, ``majority``, ``minority``,
        ``median``, ``quantile``, ``share``, ``count``, ``stdev``, ``variance``
        or ``variety``.
    band : int or str, optional
        Band number or name; default the first band in use.
    quantile : float, optional
        For ``stat="quantile"``: which one, 0 to 1.
    classes : sequence of float, optional
        For ``stat="share"``: the values whose share of the known area is asked, in
        the unit of the raster (scale and offset applied). A value counts as it is
        stored: 0.3 is the number nearest to it that a cell can hold.
    min_known : float, optional
        Share of the ground, counted in cells, that must be known, 0 to 1; default
        1 for ``sum`` and 0.5 for the others. Less gives what the known part
        gives, e.g. a lower bound of a sum; 0 takes any known cell. ``count``
        counts the known cells and takes none.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where too little of the ground is known (0 for ``count``).

    Raises
    ------
    LayerError
        If the statistic or its figure cannot be, a class is a value that no cell
        can hold, or the zones are no polygons.

    References
    ----------
    .. [1] D. Baston, exactextract, https://github.com/isciences/exactextract

    Examples
    --------
    >>> from siteselect.layers import datasets
    >>> colorado = datasets.region("CO")
    >>> meters = datasets.load("elevation")
    >>> bool(zonal(meters, colorado)[0] > 1500)
    True
    >>> high = zonal(meters, colorado, "quantile", quantile=0.9)
    >>> bool(high[0] > zonal(meters, colorado)[0])
    True
    """
    wanted = operation(raster.info.name, stat, quantile, classes, min_known)
    areas = spatial._geoms(polygons, "the polygons")
    spatial._require_areas(areas, polygons)
    if not len(areas):
        return np.zeros(0)
    one = raster.band(raster.bands[0] if band is None else band)
    with one._opened() as source:
        # Imported here: exactextract is only needed by this function.
        from siteselect.layers._exact import Cells, extracted

        kept = one._kept(source)
        figures = None if classes is None else _held(raster.info.name, kept, classes)
        grid = Cells(source, one.bands[0], figures)
        areas = grid.placed(_in_crs(polygons, areas, CRS.from_user_input(source.crs)))
        settings = _LEAST_SHARE
        if stat in _WEIGHED and grid.is_geographic:
            settings += ", coverage_weight=area_spherical_m2"
        operations = [
            f"value={wanted.format(settings)}",
            f"known=count({_LEAST_SHARE})",
        ]
        # The same shares of the same cells, so that the two counts are equal to the
        # last bit where nothing is unknown.
        every = f"covered=count({_LEAST_SHARE}, default_value=0)"
        values = np.full(len(areas), np.nan)
        known, covered = np.zeros((2, len(areas)))
        for rows, window in _groups(grid.windows(areas), grid.shape):
            grid.hold(window)
            if grid.is_all_known:
                values[rows], known[rows] = extracted(grid, areas[rows], operations).T
                covered[rows] = known[rows]
            else:
                found = extracted(grid, areas[rows], [*operations, every])
                values[rows], known[rows], covered[rows] = found.T
        inside = grid.shares_inside(areas)
    if stat == "count":
        return values
    least = min_known
    if least is None:
        least = 1.0 if stat == "sum" else LEAST_KNOWN
    return np.where(_is_enough(known, covered, inside, least), values, np.nan)


def _is_enough(
    known: Floats, covered: Floats, inside: Floats, least: float
) -> NDArray[np.bool_]:
    """Return whether enough of the ground of each polygon is known.

    ``known`` and ``covered`` count the cells of the raster under it, ``inside`` is
    the share of it that lies on the raster.
    """
    if least >= 1:
        return (known > 0) & (known >= covered) & (inside >= 1)
    needed = least * (1 - _ROUNDING) * covered
    return (known > 0) & (known * inside >= needed)


def operation(
    name: str,
    stat: str,
    quantile: float | None,
    classes: Sequence[float] | None,
    min_known: float | None = None,
) -> str:
    """Return how exactextract spells a statistic, checked."""
    if stat not in STATISTICS:
        raise LayerError(
            four_parts(
                f"The statistic {stat!r} of raster {name} was asked for",
                "there is none of that name",
                f"{shown(STATISTICS, 20)} are allowed",
                'Pass e.g. `stat="mean"`.' + nearest_name(str(stat), STATISTICS),
            )
        )
    if (stat == "quantile") != (quantile is not None) or (
        quantile is not None and not 0 <= quantile <= 1
    ):
        raise LayerError(
            four_parts(
                f"The statistic {stat!r} of raster {name} was asked for",
                f"quantile is {quantile!r}",
                "a number from 0 to 1 is needed for stat='quantile', and for no other",
                "zonal(raster, polygons, 'quantile', quantile=0.9)",
            )
        )
    if (stat == "share") != (classes is not None) or (
        classes is not None and not _are_figures(classes)
    ):
        raise LayerError(
            four_parts(
                f"The statistic {stat!r} of raster {name} was asked for",
                f"classes is {classes!r}",
                "a list of numbers is needed for stat='share', and for no other",
                "zonal(raster, polygons, 'share', classes=[41, 42, 43])",
            )
        )
    if min_known is not None and (
        stat == "count" or not is_plain_number(min_known) or not 0 <= min_known <= 1
    ):
        raise LayerError(
            four_parts(
                f"The statistic {stat!r} of raster {name} was asked for",
                f"min_known is {min_known!r}",
                "a number from 0 to 1 is allowed, and none for stat='count', which "
                "counts the known cells",
                "zonal(raster, polygons, 'sum', min_known=0.9)",
            )
        )
    if stat == "quantile":
        return f"quantile(q={float(quantile or 0.0)!r}, {{}})"
    return "mean({})" if stat == "share" else f"{stat}({{}})"


def _are_figures(classes: Any) -> bool:
    """Return whether classes are finite numbers, at least one."""
    try:
        listed = list(classes)
    except TypeError:
        return False
    return bool(listed) and all(map(is_plain_number, listed))


def _held(name: str, kept: Collection[Stored], classes: Sequence[float]) -> list[float]:
    """Return the figures that cells give for classes; refuse what none can hold."""
    figures: set[float] = set()
    odd = []
    for one in classes:
        held = {how.held(float(one)) for how in kept} - {None}
        figures |= held  # type: ignore[arg-type]
        if not held:
            odd.append(f"{one:g}")
    if odd:
        how = next(iter(kept))
        steps = f" times {how.scale:g}" if how.scale != 1 else ""
        steps += f" plus {how.offset:g}" if how.offset != 0 else ""
        raise LayerError(
            four_parts(
                f"The share of classes {shown(odd)} of raster {name} was asked for",
                f"its cells hold {how.dtype}{steps}: none can be of that class",
                "values that a cell can hold are allowed",
                "Take the values that the raster has: `numpy.unique(raster.read()[0])`",
            )
        )
    return sorted(figures)


def _in_crs(
    polygons: gpd.GeoDataFrame | gpd.GeoSeries, areas: NDArray[Any], crs: CRS
) -> NDArray[Any]:
    """Return polygons in the CRS of the raster."""
    if polygons.crs == crs and not crs.is_geographic:
        own: NDArray[Any] = shapely.force_2d(
            np.asarray(polygons.geometry.array, dtype=object)
        )
        return own
    if crs == WGS84:
        return areas
    # From before they were cut at the antimeridian, which may lie inside here.
    plain = areas if crs.is_geographic else np.asarray(to_wgs84(polygons).array)
    moved = gpd.GeoSeries(plain, crs=WGS84).to_crs(crs)
    return np.asarray(moved.array, dtype=object)


def _groups(
    windows: NDArray[np.int64], shape: tuple[int, int]
) -> Iterator[tuple[NDArray[np.int64], Window | None]]:
    """Sort polygons into groups that share a window; the rest reads its own.

    A window is shared where neighbors fill much of it. Large and scattered
    polygons are read one by one, in the order of the file's blocks.
    """
    left, top, right, bottom = windows.T
    left, right = np.clip(left, 0, shape[1]), np.clip(right, 0, shape[1])
    top, bottom = np.clip(top, 0, shape[0]), np.clip(bottom, 0, shape[0])
    wide, tall = np.maximum(right - left, 0), np.maximum(bottom - top, 0)
    small = (wide > 0) & (tall > 0) & (wide <= _TILE) & (tall <= _TILE)
    rest = [np.flatnonzero(~small)]
    some = np.flatnonzero(small)
    tile = (top[some] // _TILE) * (shape[1] // _TILE + 1) + left[some] // _TILE
    order = np.argsort(tile, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(tile[order])) + 1):
        rows = some[group]
        if not len(rows):
            continue
        x, y = int(left[rows].min()), int(top[rows].min())
        window = Window(x, y, int(right[rows].max()) - x, int(bottom[rows].max()) - y)
        asked = int((wide[rows] * tall[rows]).sum())
        if window.width * window.height <= max(_FILLED * asked, _LITTLE):
            yield rows, window
        else:
            block = (top[rows] // _BLOCK) * shape[1] + left[rows] // _BLOCK
            rest.append(rows[np.argsort(block, kind="stable")])
    alone = np.concatenate(rest)
    if len(alone):
        yield alone, None
