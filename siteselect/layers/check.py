"""Checks that every room shares: each raises with what to do about it.

A check returns nothing when all is well. Messages name the layer, the column
and the first rows, so that a user finds the place in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from siteselect.errors import (
    CRSError,
    LayerError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers.crs import (
    CONUS_BOX,
    require_crs,
    require_horizontal,
    require_lengths,
    to_wgs84,
)
from siteselect.layers.notices import notice

_Frame: TypeAlias = "gpd.GeoDataFrame | gpd.GeoSeries"

_KINDS = {
    "point": ("Point", "MultiPoint"),
    "line": ("LineString", "MultiLineString", "LinearRing"),
    "polygon": ("Polygon", "MultiPolygon"),
}
# A degree of latitude [km], for margins around bounding boxes.
_KM_PER_DEGREE = 111.2


def require_columns(
    frame: pd.DataFrame, columns: Iterable[str], *, layer: str = "the layer"
) -> None:
    """Raise unless every column is there.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer.
    columns : iterable of str
        Names that must exist.
    layer : str
        How to call it in messages.

    Raises
    ------
    LayerError
        Naming the missing columns and the nearest existing names.

    Examples
    --------
    >>> import pandas as pd
    >>> require_columns(pd.DataFrame({"mw": [1.0]}), ["mw"])
    """
    missing = [
        c for c in columns if not pd.api.types.is_hashable(c) or c not in frame.columns
    ]
    if not missing:
        return
    known = [str(c) for c in frame.columns]
    hints = "".join(nearest_name(str(c), known) for c in missing[:5])
    raise LayerError(
        four_parts(
            f"Column {shown(repr(c) for c in missing)} of {layer} is needed",
            "there is none of that name",
            f"the columns are {shown(known, 20)}",
            "Name the column you mean, or rename it with "
            f"`frame.rename(columns={{'old': {missing[0]!r}}})`." + hints,
        )
    )


def require_numeric_finite(
    frame: pd.DataFrame,
    columns: Iterable[str],
    *,
    layer: str = "the layer",
    allow_nan: bool = False,
    nonnegative: bool = False,
) -> None:
    """Raise unless columns hold finite numbers.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer.
    columns : iterable of str
        Columns to check; they must exist.
    layer : str
        How to call it in messages.
    allow_nan : bool
        Accept NaN as "unknown".
    nonnegative : bool
        Refuse numbers below 0.

    Raises
    ------
    LayerError
        Naming the column and the first offending rows.

    Examples
    --------
    >>> import pandas as pd
    >>> require_numeric_finite(pd.DataFrame({"mw": [1.0, 2.0]}), ["mw"])
    """
    names = list(columns)
    require_columns(frame, names, layer=layer)
    for name in names:
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(
            column
        ):
            numbers = pd.to_numeric(column, errors="coerce")
            odd = column[numbers.isna() & column.notna()]
            example = (
                f", e.g. {odd.iloc[0]!r} in row {odd.index[0]}" if len(odd) else ""
            )
            raise LayerError(
                four_parts(
                    f"Column {name!r} of {layer} is to be used as a number",
                    f"it holds {column.dtype}{example}",
                    "numbers are allowed, with the unit in the column's name",
                    f"Convert it with `pd.to_numeric(frame[{name!r}])`",
                )
            )
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(values)
        if infinite.any():
            _refuse_rows(frame, name, layer, infinite, "infinite", "finite numbers")
        unknown = np.isnan(values)
        if unknown.any() and not allow_nan:
            _refuse_rows(frame, name, layer, unknown, "missing (NaN)", "numbers")
        if nonnegative and (values < 0).any():
            least = float(np.nanmin(values))
            _refuse_rows(
                frame,
                name,
                layer,
                values < 0,
                f"negative (down to {least:g})",
                "numbers of 0 or more",
            )


def _refuse_rows(
    frame: pd.DataFrame,
    column: str,
    layer: str,
    bad: NDArray[np.bool_],
    what: str,
    allowed: str,
) -> None:
    """Raise about some rows of a column."""
    raise LayerError(
        four_parts(
            f"Column {column!r} of {layer} is needed in every row",
            f"{int(bad.sum())} of {len(frame)} values are {what}, in row "
            f"{shown(frame.index[bad])}",
            f"{allowed} are allowed",
            "Correct these rows, or leave them out: "
            f"`frame.drop(index=[{frame.index[bad][0]!r}, ...])`",
        )
    )


def require_complete(
    frame: pd.DataFrame, columns: Iterable[str], *, layer: str = "the layer"
) -> None:
    """Raise if a needed column has missing or infinite values.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer.
    columns : iterable of str
        Columns to check, of any type; they must exist.
    layer : str
        How to call it in messages.

    Raises
    ------
    LayerError
        Naming the column and the first offending rows.

    Examples
    --------
    >>> import pandas as pd
    >>> require_complete(pd.DataFrame({"state": ["TX", "OK"]}), ["state"])
    """
    names = list(columns)
    require_columns(frame, names, layer=layer)
    for name in names:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(
            column
        ):
            require_numeric_finite(frame, [name], layer=layer)
            continue
        unknown = column.isna().to_numpy()
        if unknown.any():
            _refuse_rows(frame, name, layer, unknown, "missing", "values")


def require_unique(
    labels: pd.Index | pd.Series, *, layer: str = "the layer", what: str = "index label"
) -> None:
    """Raise if labels repeat or are missing.

    Parameters
    ----------
    labels : Index or Series
        What must identify a row.
    layer, what : str
        How to call the layer and the label in messages.

    Raises
    ------
    LayerError
        Naming the repeated labels.

    Examples
    --------
    >>> import pandas as pd
    >>> require_unique(pd.Index(["a", "b"]))
    """
    index = pd.Index(labels)
    unknown = unlabeled(index)
    if unknown.any():
        raise LayerError(
            four_parts(
                f"Each row of {layer} needs its own {what}",
                f"{int(unknown.sum())} of {len(index)} have none, at position "
                f"{shown(np.flatnonzero(unknown))}",
                "every row must have one",
                "Fill them in, or number the rows with `frame.reset_index(drop=True)`",
            )
        )
    if not index.is_unique:
        again = index[index.duplicated()].unique()
        raise LayerError(
            four_parts(
                f"Each row of {layer} needs its own {what}",
                f"{len(again)} repeat: {shown(again)}",
                "every label may occur once",
                "Drop the copies with `frame[~frame.index.duplicated()]`, or number "
                "the rows with `frame.reset_index(drop=True)`",
            )
        )


def unlabeled(index: pd.Index) -> NDArray[np.bool_]:
    """Return which rows have no label, or miss a level of it.

    Parameters
    ----------
    index : Index
        Labels, of one level or several.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> import pandas as pd
    >>> unlabeled(pd.Index(["a", None])).tolist()
    [False, True]
    """
    if isinstance(index, pd.MultiIndex):
        levels = [index.get_level_values(i).isna() for i in range(index.nlevels)]
        missing: NDArray[np.bool_] = np.any(levels, axis=0)
        return missing
    return np.asarray(index.isna())


def require_features(frame: pd.DataFrame | _Frame, *, layer: str = "the layer") -> None:
    """Raise if a layer is empty.

    Parameters
    ----------
    frame : DataFrame, GeoDataFrame or GeoSeries
        The layer.
    layer : str
        How to call it in messages.

    Raises
    ------
    LayerError
        If there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> require_features(pd.DataFrame({"mw": [1.0]}))
    """
    if len(frame) == 0:
        raise LayerError(
            four_parts(
                f"{layer} is to be used",
                "it is empty: it has no rows",
                "at least one row is needed",
                "Check the file, the layer name and any filter put on it",
            )
        )


def require_geometry(
    frame: _Frame,
    *,
    layer: str = "the layer",
    types: str | Sequence[str] | None = None,
) -> None:
    """Raise unless every row has a geometry of an allowed type.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer.
    layer : str
        How to call it in messages.
    types : str or list of str, optional
        ``point``, ``line``, ``polygon`` (their multi-part forms included), or
        a geometry type such as ``MultiPolygon``.

    Raises
    ------
    LayerError
        Naming the rows and what they hold.

    Examples
    --------
    >>> import geopandas as gpd
    >>> require_geometry(gpd.GeoSeries.from_xy([0], [0], crs=4326), types="point")
    """
    geoms, index = _geometry(frame, layer)
    absent = shapely.is_missing(geoms)
    empty = shapely.is_empty(geoms)
    for bad, what in ((absent, "no geometry (null)"), (empty, "an empty geometry")):
        if bad.any():
            raise LayerError(
                four_parts(
                    f"Every row of {layer} needs a geometry",
                    f"{int(bad.sum())} of {len(geoms)} have {what}, in row "
                    f"{shown(index[bad])}",
                    "points, lines and polygons are allowed",
                    "Leave these rows out: `frame[~(frame.geometry.isna() | "
                    "frame.geometry.is_empty)]`",
                )
            )
    xy, which = shapely.get_coordinates(geoms, return_index=True)
    lost = np.unique(which[~np.isfinite(xy).all(axis=1)])
    if len(lost):
        raise LayerError(
            four_parts(
                f"Every row of {layer} needs coordinates",
                f"{len(lost)} of {len(geoms)} have a coordinate that is NaN or "
                f"infinite, in row {shown(index[lost])}",
                "finite coordinates are allowed",
                "Correct or leave out these rows",
            )
        )
    if types is None:
        return
    allowed = _allowed_types(types)
    kinds = np.asarray([g.geom_type for g in geoms], dtype=object)
    wrong = ~np.isin(kinds, list(allowed))
    if wrong.any():
        found = sorted(set(kinds[wrong]))
        raise LayerError(
            four_parts(
                f"The geometry type of {layer} is to be {shown(_listed(types))}",
                f"{int(wrong.sum())} of {len(geoms)} rows hold {shown(found)}, in row "
                f"{shown(index[wrong])}",
                f"{shown(sorted(allowed))} are allowed",
                "Pick the layer you mean, or convert it, e.g. with "
                "`frame.set_geometry(frame.representative_point())`",
            )
        )


def _listed(types: str | Sequence[str]) -> list[str]:
    """Return one or several names as a list."""
    return names_of(types, "geometry_type")


def names_of(given: Any, option: str) -> list[str]:
    """Return one name or several, as an option was given them.

    Parameters
    ----------
    given : str, list of str or None
        Names.
    option : str
        What they were given as, for the message.

    Returns
    -------
    list of str

    Raises
    ------
    LayerError
        If they are no names.

    Examples
    --------
    >>> names_of("mw", "required"), names_of(None, "required")
    (['mw'], [])
    """
    if given is None:
        return []
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, Iterable) or isinstance(listed, bytes):
        raise LayerError(
            four_parts(
                f"{option}= names columns or types",
                f"found {said(given)} ({type(given).__name__})",
                "one text or a list of texts is allowed",
                f'Pass e.g. `{option}=["..."]`',
            )
        )
    return list(listed)


def _allowed_types(types: str | Sequence[str]) -> set[str]:
    """Return geometry types for names such as ``polygon`` or ``MultiPoint``."""
    exact = {t.casefold(): t for group in _KINDS.values() for t in group}
    allowed: set[str] = set()
    for name in _listed(types):
        key = str(name).casefold()
        if key in _KINDS:
            allowed.update(_KINDS[key])
        elif key.rstrip("s") in _KINDS:
            allowed.update(_KINDS[key.rstrip("s")])
        elif key in exact:
            allowed.add(exact[key])
        else:
            raise LayerError(
                four_parts(
                    f"Geometry type {name!r} was asked for",
                    "there is none of that name",
                    f"{shown(_KINDS)} and {shown(exact.values(), 10)} are allowed",
                    'Pass e.g. `geometry_type="polygon"`.'
                    + nearest_name(key, [*_KINDS, *exact.values()]),
                )
            )
    return allowed


def _geometry(frame: _Frame, layer: str) -> tuple[NDArray[Any], pd.Index]:
    """Return geometries as they are, and the index."""
    if isinstance(frame, gpd.GeoSeries):
        series = frame
    elif isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name in frame:
        series = frame.geometry
    else:
        raise LayerError(
            four_parts(
                f"{layer} is to be placed on the map",
                f"it is a {type(frame).__name__} without geometry",
                "a GeoDataFrame with an active geometry column is allowed",
                'Read it with `ss.read_layer(frame, x="lon", y="lat")`, or choose the '
                'column with `frame.set_geometry("geometry")`',
            )
        )
    return np.asarray(series.array, dtype=object), series.index


def require_coordinates(
    frame: _Frame, *, layer: str = "the layer", area: _Frame | None = None
) -> None:
    """Raise if coordinates are out of range, swapped, or in another CRS.

    Latitude and longitude count as swapped when they are out of range as
    given but not the other way round, or when the layer misses the study area
    (the contiguous United States, if no area is given) as given and meets it
    the other way round.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer, with a CRS and geometries.
    layer : str
        How to call it in messages.
    area : GeoDataFrame or GeoSeries, optional
        The study area.

    Raises
    ------
    CRSError
        If the coordinates cannot be in that CRS.
    LayerError
        If they look swapped or out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> require_coordinates(gpd.GeoSeries.from_xy([-97], [32], crs=4326))
    """
    crs = require_crs(frame, layer)
    require_horizontal(crs, layer)
    geoms, index = _geometry(frame, layer)
    if not len(geoms):
        return
    bounds = shapely.bounds(geoms)
    west, south = bounds[:, 0].min(), bounds[:, 1].min()
    east, north = bounds[:, 2].max(), bounds[:, 3].max()
    low_x, low_y, high_x, high_y = bounds.T
    if crs.is_projected:
        require_lengths((west, south, east, north), crs, layer)
        return
    if not crs.is_geographic:
        return
    out = (low_y < -90) | (high_y > 90) | (low_x < -180) | (high_x > 180)
    if out.any():
        flipped = ((low_x >= -90) & (high_x <= 90) & (low_y >= -180) & (high_y <= 180))[
            out
        ].all()
        x, y = bounds[out][0][0], bounds[out][0][1]
        rows = f"{int(out.sum())} of {len(geoms)} rows, first row {index[out][0]}: "
        if flipped:
            raise _swapped(layer, f"{rows}x={x:.5g}, y={y:.5g}")
        if max(abs(v) for v in (west, south, east, north)) > 361:
            raise CRSError(
                four_parts(
                    f"{layer} says its coordinates are in degrees ({crs.name})",
                    f"they are out of range, in {rows}x={x:.7g}, y={y:.7g}, and look "
                    "like meters",
                    "longitude -180 to 180 and latitude -90 to 90 are allowed",
                    "Set the CRS they are in, e.g. "
                    '`frame.set_crs("EPSG:5070", allow_override=True)`',
                )
            )
        raise LayerError(
            four_parts(
                f"{layer} says its coordinates are in degrees ({crs.name})",
                f"they are out of range, in {rows}x={x:.6g}, y={y:.6g}",
                "longitude -180 to 180 and latitude -90 to 90 are allowed",
                "Correct these rows; longitudes from 0 to 360 become allowed by "
                "subtracting 360 from those above 180",
            )
        )
    target = CONUS_BOX if area is None else _box(area)
    given = (west, south, east, north)
    turned = (south, west, north, east)
    if not _meet(given, target) and _meet(turned, target):
        raise _swapped(
            layer,
            f"as given it spans {box_text(given)}, far from the "
            + ("contiguous United States" if area is None else "study area")
            + f"; the other way round {box_text(turned)}",
        )


def _swapped(layer: str, found: str) -> LayerError:
    """Return the error about latitude in the place of longitude."""
    return LayerError(
        four_parts(
            f"{layer} is to be placed by longitude (x) and latitude (y)",
            f"the two look swapped: {found}",
            "x is longitude, -180 to 180; y is latitude, -90 to 90",
            "Swap them: `read_layer(..., swap_xy=True)`, or for a table exchange "
            "`x=` and `y=`",
        )
    )


def require_overlap(
    frame: _Frame,
    area: _Frame,
    *,
    layer: str = "the layer",
    margin_km: float = 100.0,
) -> None:
    """Raise if nothing of a layer lies in or near the study area.

    Parameters
    ----------
    frame, area : GeoDataFrame or GeoSeries
        The layer and the study area, in any CRS.
    layer : str
        How to call it in messages.
    margin_km : float
        How near is near: a neighbor just outside still matters [km].

    Raises
    ------
    LayerError
        Saying where both lie.

    Examples
    --------
    >>> import geopandas as gpd
    >>> town = gpd.GeoSeries.from_xy([-97], [32], crs=4326)
    >>> require_overlap(town, town)
    """
    target = _box(area)
    bounds = shapely.bounds(np.asarray(to_wgs84(frame, layer).array, dtype=object))
    grow_y = margin_km / _KM_PER_DEGREE
    widest = min(89.0, max(abs(target[1]), abs(target[3])))
    grow_x = grow_y / np.cos(np.radians(widest))
    near = (
        (bounds[:, 0] <= target[2] + grow_x)
        & (bounds[:, 2] >= target[0] - grow_x)
        & (bounds[:, 1] <= target[3] + grow_y)
        & (bounds[:, 3] >= target[1] - grow_y)
    )
    if near.any():
        return
    whole = (*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))
    raise no_overlap(layer, whole, target, margin_km)


def no_overlap(layer: str, box: Any, target: Any, margin_km: float) -> LayerError:
    """Return the error about a layer that misses the study area.

    Parameters
    ----------
    layer : str
        How to call it.
    box, target : (west, south, east, north)
        Where the layer and the study area lie [degrees].
    margin_km : float
        How far around the area was looked [km].

    Returns
    -------
    LayerError

    Examples
    --------
    >>> error = no_overlap("lakes", (5, 45, 6, 46), (-98, 31, -97, 32), 100)
    >>> "do not overlap" in str(error)
    True
    """
    return LayerError(
        four_parts(
            f"{layer} is to be used in a study area",
            f"the two do not overlap: the layer spans {box_text(box)}, the study "
            f"area {box_text(target)}",
            f"something must lie within {margin_km:g} km of the study area",
            "Check the file, its CRS and the order of its coordinates, or leave out "
            "`area=`",
        )
    )


def box_text(box: Any) -> str:
    """Return a bounding box for people.

    Parameters
    ----------
    box : (west, south, east, north)
        In [degrees].

    Returns
    -------
    str

    Examples
    --------
    >>> box_text((-98, 31, -97, 32))
    'longitude -98.00 to -97.00 and latitude 31.00 to 32.00'
    """
    west, south, east, north = (float(v) for v in box)
    return f"longitude {west:.2f} to {east:.2f} and latitude {south:.2f} to {north:.2f}"


def _box(area: _Frame) -> tuple[float, float, float, float]:
    """Return the bounding box of a study area [degrees]."""
    west, south, east, north = to_wgs84(area, "the study area").total_bounds
    return float(west), float(south), float(east), float(north)


def _meet(a: Sequence[float], b: Sequence[float]) -> bool:
    """Return whether two bounding boxes touch."""
    return a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1]


def with_valid_geometry(
    frame: _Frame, *, layer: str = "the layer", repair: bool = True
) -> _Frame:
    """Return the layer with invalid geometries repaired, or refuse them.

    Polygons stay polygons: a bow tie becomes its two halves.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer; not changed.
    layer : str
        How to call it in messages.
    repair : bool
        Repair and warn with a count; False refuses.

    Returns
    -------
    GeoDataFrame or GeoSeries
        The same object if all was valid.

    Raises
    ------
    LayerError
        If ``repair`` is False, or a geometry has nothing left after repair.

    Warns
    -----
    DataQualityWarning
        With the number of repaired rows and the first reason.

    Examples
    --------
    >>> import geopandas as gpd
    >>> frame = gpd.GeoSeries.from_xy([0], [0], crs=4326)
    >>> with_valid_geometry(frame) is frame
    True
    """
    geoms, index = _geometry(frame, layer)
    bad = ~(shapely.is_valid(geoms) | shapely.is_missing(geoms))
    if not bad.any():
        return frame
    reason = str(shapely.is_valid_reason(geoms[bad][0])).split("[")[0]
    found = (
        f"{int(bad.sum())} of {len(geoms)} are invalid ({reason}), in row "
        f"{shown(index[bad])}"
    )
    if not repair:
        raise LayerError(
            four_parts(
                f"The geometries of {layer} are to be measured",
                found,
                "valid geometries are allowed",
                "Repair them with `repair=True`, or yourself with "
                "`frame.geometry.make_valid()`",
            )
        )
    mended = geoms.copy()
    areal = bad & (shapely.get_dimensions(geoms) == 2)
    mended[areal] = shapely.make_valid(
        geoms[areal], method="structure", keep_collapsed=False
    )
    mended[bad & ~areal] = shapely.make_valid(geoms[bad & ~areal])
    gone = bad & shapely.is_empty(mended)
    if gone.any():
        raise LayerError(
            four_parts(
                f"The geometries of {layer} are to be repaired",
                f"{int(gone.sum())} of {len(geoms)} have no area left, in row "
                f"{shown(index[gone])}",
                "polygons with an area are allowed",
                "Leave these rows out",
            )
        )
    notice(f"{layer}: {found}; repaired with make_valid.", stacklevel=3)
    crs = frame.crs
    if isinstance(frame, gpd.GeoDataFrame):
        return frame.set_geometry(gpd.GeoSeries(mended, index=index, crs=crs))
    return gpd.GeoSeries(mended, index=index, crs=crs)


def check_candidates(sites: Any, *, layer: str = "the candidates") -> None:
    """Raise unless a frame can serve as candidates.

    Parameters
    ----------
    sites : GeoDataFrame
        One row per candidate; unique index, CRS, and a geometry in each row.
    layer : str
        How to call it in messages.

    Raises
    ------
    LayerError
        If it is no GeoDataFrame, is empty, repeats a label, or lacks geometry.
    CRSError
        If it has no CRS.

    Examples
    --------
    >>> import geopandas as gpd
    >>> check_candidates(gpd.GeoDataFrame(
    ...     geometry=gpd.points_from_xy([-97], [32]), crs="EPSG:4326"))
    """
    if not isinstance(sites, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                f"{layer} were given",
                f"they are a {type(sites).__name__}",
                "a GeoDataFrame is allowed, one row per candidate",
                "Use `ss.grid_candidates(area, spacing_km=20)`, or "
                '`ss.read_layer("parcels.csv")` for your own',
            )
        )
    require_features(sites, layer=layer)
    require_geometry(sites, layer=layer)
    require_unique(sites.index, layer=layer)
    require_coordinates(sites, layer=layer, area=gpd.GeoSeries(sites.geometry))
