"""Reading any layer, and refusing clearly what cannot be used."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import pyproj
import pyproj.exceptions
import rasterio
import shapely
import shapely.errors
from pandas.api.types import is_object_dtype, is_string_dtype

from siteselect.errors import (
    CRSError,
    DataQualityWarning,
    LayerError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers import check
from siteselect.layers.archives import guard
from siteselect.layers.cells import UNREADABLE
from siteselect.layers.crs import WGS84, require_crs
from siteselect.layers.info import LayerInfo, layer_info, with_info
from siteselect.layers.kinds import is_remote, is_there, seems
from siteselect.layers.notices import undecoded_unsaid
from siteselect.layers.raster import Raster
from siteselect.layers.tables import read_table, to_numbers

Source: TypeAlias = (
    "str | Path | pd.DataFrame | gpd.GeoDataFrame | gpd.GeoSeries | "
    "Sequence[str | Path]"
)

_TEXT = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".geoparquet", ".pq")
_FEATHER = (".feather", ".arrow")
#: Suffixes of files that are read as rasters without a look at them.
RASTER_SUFFIXES = (
    ".tif", ".tiff", ".vrt", ".img", ".asc", ".jp2", ".nc", ".grd", ".hgt", ".bil",
    ".dem", ".flt", ".grib", ".grib2", ".h5", ".hdf",
)  # fmt: skip

# Names of coordinate columns, in order of preference; degrees unless noted.
_LON = ("lon", "longitude", "long", "lng", "lon_dd", "longitude_dd", "x_lon")
_LAT = ("lat", "latitude", "lat_dd", "latitude_dd", "y_lat")
_X = ("x", "easting", "x_coord", "xcoord", "point_x", "coord_x")
_Y = ("y", "northing", "y_coord", "ycoord", "point_y", "coord_y")
_BENT = (
    "CIRCULARSTRING",
    "COMPOUNDCURVE",
    "CURVEPOLYGON",
    "MULTICURVE",
    "MULTISURFACE",
)
_WKT = ("wkt", "geometry", "geom", "the_geom", "shape_wkt", "geometry_wkt")

# What KML says of a place besides what the user adds.
_KML_TEXTS = ("Name", "Description", "description", "folder", "geometry", "id")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
# Digits that a number keeps; more are a code.
_DIGITS = 15
# Letters of what a reader has to say.
_QUOTED = 300
# A KMZ that unpacks to more than this is refused [bytes].
_KMZ_BYTES = 2_000_000_000


def read_layer(
    source: Source,
    *,
    layer: str | None = None,
    x: str | None = None,
    y: str | None = None,
    crs: Any = None,
    wkt: str | None = None,
    id: str | None = None,  # noqa: A002 - the word users know
    area: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    required: Sequence[str] = (),
    nonnegative: Sequence[str] = (),
    geometry_type: str | Sequence[str] | None = None,
    repair: bool = True,
    swap_xy: bool = False,
    bands: Sequence[int] = (),
    margin_km: float = 100.0,
    name: str | None = None,
    title: str = "",
    evidence: str = "unstated",
    provenance: str = "",
    licence: str = "",
    attribution: str = "",
    vintage: str = "",
    resolution_km: float | None = None,
    units: Mapping[str, str] | None = None,
    not_this: str = "",
) -> Any:
    """Read a map layer and refuse clearly what cannot be used.

    Reads what geopandas, pyogrio and rasterio read (GeoPackage, Shapefile,
    GeoJSON, FlatGeobuf, GeoParquet, KML, GeoTIFF and many more), KMZ, tables
    (CSV, Parquet) with coordinate columns or well-known text, and frames in
    memory. Rows are never dropped; nothing is reprojected. A KML or KMZ without a
    schema holds text alone: its columns that are numbers throughout become numbers,
    except codes such as 08540, which starts with 0.

    Parameters
    ----------
    source : path, URL, DataFrame, GeoDataFrame, GeoSeries or list of paths
        The layer. A frame is not changed. Several paths are tiles of one raster:
        of the same CRS, bands and grid of cells, in any order, each with its own
        nodata. Gaps are unknown (NaN); where tiles overlap, that one counts which
        knows the cell and whose file name comes last in the alphabet. Only the
        tiles and blocks that are asked for are read.
    layer : str, optional
        Which layer of a file that holds several.
    x, y : str, optional
        Columns with longitude and latitude (or easting and northing, then
        with ``crs``); guessed from usual names.
    crs : optional
        What the coordinates are in, for sources that do not say. It must
        agree with a source that does.
    wkt : str, optional
        Column with geometries as well-known text; guessed from usual names.
    id : str, optional
        Column that becomes the index; must be unique.
    area : GeoDataFrame or GeoSeries, optional
        The study area, to check that the layer lies in or near it.
    required : list of str
        Columns that must be there, without NaN or infinity.
    nonnegative : list of str
        Columns that must be numbers of 0 or more, such as capacities; NaN
        means unknown unless the column is also required.
    geometry_type : str or list of str, optional
        ``"point"``, ``"line"``, ``"polygon"`` or an exact type.
    repair : bool
        Repair invalid geometries with a warning; False refuses them.
    swap_xy : bool
        Exchange x and y of every coordinate first.
    bands : list of int
        Bands of a raster to use, counted from 1; default all.
    margin_km : float
        How near the study area something must lie [km].
    name, title, evidence, provenance, licence, attribution, vintage : str
        What to remember of the layer (see `LayerInfo`). Evidence is
        ``measured``, ``modelled``, ``proxy``, ``synthetic`` or ``unstated``.
    resolution_km : float, optional
        What the layer can tell apart [km].
    units : Mapping of str to str, optional
        Unit of each column.
    not_this : str
        What the layer is not.

    Returns
    -------
    GeoDataFrame or Raster
        In the source's CRS.

    Raises
    ------
    LayerError
        If the file is missing or unreadable, the layer is empty, misses the
        area, has missing or wrong geometries, repeated ids, or lacks values.
    CRSError
        If the CRS is missing or cannot be the right one.

    Warns
    -----
    DataQualityWarning
        If geometries were repaired or the reader had something to say.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"site": ["a", "b"], "lon": [-97.0, -98.0],
    ...                       "lat": [32.0, 31.0], "mw": [300, 150]})
    >>> parcels = read_layer(table, id="site", nonnegative=["mw"], name="parcels")
    >>> parcels.loc["a", "mw"], parcels.crs.to_string()
    (np.int64(300), 'EPSG:4326')
    """
    wanted_crs = None if crs is None else _crs(crs)
    needed = check.names_of(required, "required")
    never_below = check.names_of(nonnegative, "nonnegative")
    given_units: Any = {} if units is None else units
    if not isinstance(given_units, Mapping):
        raise LayerError(
            four_parts(
                "units= gives the unit of each column",
                f"found {said(given_units)}",
                "a mapping column -> unit is allowed",
                'Pass e.g. `units={"mw": "MW"}`',
            )
        )
    for option, number, zero in (
        ("margin_km", margin_km, True),
        ("resolution_km", resolution_km, False),
    ):
        if number is not None:
            _require_km(option, number, zero)
    if area is not None:
        require_crs(area, "the study area")
        check.require_features(area, layer="the study area")
    label = name or _name_of(source)
    spoken = f"layer {label!r}"
    facts: dict[str, Any] = {
        "name": label,
        "title": title,
        "evidence": evidence,
        "source": provenance or _said_source(source),
        "licence": licence,
        "attribution": attribution,
        "vintage": vintage,
        "resolution_km": resolution_km,
        "units": dict(given_units),
        "not_this": not_this,
    }
    frame: Any
    if isinstance(source, gpd.GeoSeries):
        frame = source.to_frame("geometry")
    elif isinstance(source, pd.DataFrame):
        frame = source.copy()
        known = layer_info(source).as_dict()
        # What the frame already says holds where the caller says nothing.
        blank = LayerInfo(label).as_dict()
        for key, value in facts.items():
            if key == "name" and name is not None:
                continue
            if key == "name" or value in (blank[key], "", None):
                facts[key] = known[key]
    elif isinstance(source, str | Path):
        path = str(source)
        info = LayerInfo(**facts)
        frame = None
        if _suffix(path) not in RASTER_SUFFIXES:
            _require_file(path)
            frame = _read_file(path, layer, spoken)
        if frame is None:
            raster = _raster(Path(path), bands, info)
            return _checked_raster(raster, area, wanted_crs, spoken)
    else:
        tiles = _tiles(source, spoken)
        raster = Raster(tiles, bands, LayerInfo(**facts))  # type: ignore[arg-type]
        return _checked_raster(raster, area, wanted_crs, spoken)
    check.require_features(frame, layer=spoken)
    if not _has_geometry(frame):
        frame = _placed(pd.DataFrame(frame), x, y, wkt, wanted_crs, spoken)
    elif x or y or wkt:
        raise LayerError(
            four_parts(
                f"Coordinate columns ({shown([c for c in (x, y, wkt) if c])}) of "
                f"{spoken} were named",
                "it has geometries already",
                "`x`, `y` and `wkt` are for tables without geometry",
                "Leave them out",
            )
        )
    frame = _with_crs(frame, wanted_crs, spoken)
    if id is not None:
        check.require_columns(frame, [id], layer=spoken)
        check.require_unique(frame[id], layer=spoken, what=f"id (column {id!r})")
        frame = frame.set_index(id)
    check.require_unique(frame.index, layer=spoken)
    check.require_geometry(frame, layer=spoken, types=geometry_type)
    if swap_xy:
        frame = frame.set_geometry(
            gpd.GeoSeries(
                shapely.transform(
                    np.asarray(frame.geometry.array, dtype=object),
                    lambda xy: xy[:, ::-1],
                ),
                index=frame.index,
                crs=frame.crs,
            )
        )
    check.require_coordinates(frame, layer=spoken, area=area)
    frame = check.with_valid_geometry(frame, layer=spoken, repair=repair)
    if area is not None:
        check.require_overlap(frame, area, layer=spoken, margin_km=margin_km)
    check.require_complete(frame, [c for c in needed if c != id], layer=spoken)
    check.require_numeric_finite(
        frame, never_below, layer=spoken, allow_nan=True, nonnegative=True
    )
    return with_info(frame, LayerInfo(**facts))


def _require_km(option: str, number: Any, zero: bool) -> None:
    """Refuse a length that is no finite number."""
    is_number = isinstance(number, int | float | np.number)
    if (
        not is_number
        or isinstance(number, bool)
        or not 0 <= number < np.inf
        or (number == 0 and not zero)
    ):
        raise LayerError(
            four_parts(
                f"{option}= is a length in kilometers",
                f"found {said(number)}",
                f"finite numbers {'from' if zero else 'above'} 0 are allowed",
                f"Pass e.g. `{option}=10`",
            )
        )


# ----------------------------------------------------------------------- files


def _name_of(source: Source) -> str:
    """Return a short name for a layer."""
    if isinstance(source, str | Path):
        return Path(str(source)).name.split(".")[0] or "layer"
    if isinstance(source, list | tuple):
        return min(
            (_name_of(s) for s in source if isinstance(s, str | Path)), default="layer"
        )
    return layer_info(source).name


def _said_source(source: Source) -> str:
    """Return where a layer comes from, empty for what is in memory."""
    if isinstance(source, str | Path):
        return str(source)
    if isinstance(source, list | tuple):
        return shown(sorted(map(str, source)))
    return ""


def _tiles(source: Any, spoken: str) -> list[Path]:
    """Return the paths of tiles of one raster, or say what else they are."""
    if not isinstance(source, list | tuple):
        raise LayerError(
            four_parts(
                f"{spoken} is to be read",
                f"the source is {said(source)} ({type(source).__name__})",
                "a path, a URL, a frame, or a list of paths of raster tiles is allowed",
                'Pass e.g. `read_layer("parcels.gpkg")`',
            )
        )
    for one in source:
        if not isinstance(one, str | Path):
            found = f"the list holds {said(one)} ({type(one).__name__})"
        elif _suffix(str(one)) not in RASTER_SUFFIXES and not _is_raster(str(one)):
            _require_file(str(one))
            found = f"{Path(one).name!r} is no raster"
        else:
            continue
        raise LayerError(
            four_parts(
                f"{len(source)} files are to be read as one layer",
                found,
                "tiles of one raster are allowed in a list",
                "Read vector layers one by one and put them together: "
                "`pd.concat([ss.read_layer(p) for p in paths], ignore_index=True)`",
            )
        )
    return [Path(one) for one in source]


def _raster(path: Path, bands: Any, info: LayerInfo) -> Raster:
    """Open a raster; if it is no raster, say what it is."""
    try:
        return Raster(path, bands, info)
    except LayerError as error:
        kind = seems(str(path))
        if not kind or "GeoTIFF" in kind or "cannot be read" not in str(error):
            raise
        raise _unreadable(str(path), "GDAL finds no raster") from None


def _suffix(path: str) -> str:
    """Return the lower-case suffix of a path or URL."""
    return Path(path.split("?")[0]).suffix.casefold()


def _require_file(path: str) -> None:
    """Raise if a local file is not there."""
    file = Path(path)
    if is_remote(path) or is_there(file):
        return
    has_folder = is_there(file.parent)
    near = [p.name for p in file.parent.glob("*")] if has_folder else []
    found = (
        "there is no such file"
        if has_folder
        else f"there is no folder {str(file.parent)!r}"
    )
    raise LayerError(
        four_parts(
            f"The file {path!r} is to be read",
            found,
            "a path to an existing file, or a URL, is allowed",
            "Check the path; relative ones start at the working folder."
            + nearest_name(file.name, near),
        )
    )


def _first_line(error: BaseException | str) -> str:
    """Return the gist of another library's message."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__).rstrip(".")


def _unreadable(path: str, error: BaseException | str) -> LayerError:
    """Return the error about a file that no reader takes."""
    why = error if isinstance(error, str) else _first_line(error)
    kind = seems(path)
    return LayerError(
        four_parts(
            f"The file {Path(path).name!r} is to be read",
            f"it is damaged or of an unknown kind ({why})"
            + (f"; {kind}" if kind else ""),
            "what GDAL reads (GeoPackage, Shapefile, GeoJSON, FlatGeobuf, KML, "
            "GeoTIFF ...), GeoParquet, KMZ and CSV are allowed",
            "Open it in another program to see whether it is whole, and give it the "
            "suffix of what it is",
        )
    )


def _read_file(path: str, layer: str | None, spoken: str) -> Any:
    """Return a frame, or None where only rasterio knows the file."""
    suffix = _suffix(path)
    if suffix in _TEXT:
        return _guarded(lambda: read_table(path), path)
    # Archives are unpacked whole, workbooks and Parquet files too.
    if not is_remote(path) and Path(path).is_file():
        guard(Path(path))
    if suffix in _PARQUET:
        return _guarded(lambda: _read_parquet(path), path)
    if suffix in _FEATHER:
        return _guarded(lambda: _read_feather(path), path)
    if suffix == ".kmz":
        return _read_kmz(path, layer, spoken)
    try:
        return _read_vector(path, layer, spoken)
    except LayerError:
        raise
    # GDAL, pyogrio and shapely raise errors of many families here.
    except Exception as error:
        if layer is None and _is_raster(path):
            return None
        raise _unreadable(path, error) from None


def _guarded(read: Callable[[], Any], path: str) -> Any:
    """Call a reader; whatever goes wrong becomes our own error."""
    try:
        return read()
    except LayerError:
        raise
    # Readers raise OSError, ValueError, Arrow, Unicode and parser errors alike.
    except Exception as error:
        raise _unreadable(path, error) from None


def _is_raster(path: str) -> bool:
    """Return whether rasterio opens the file and finds bands."""
    try:
        with warnings.catch_warnings(), undecoded_unsaid():
            warnings.simplefilter("ignore")
            with rasterio.open(path) as source:
                return bool(source.count)
    except UNREADABLE:
        return False


def _read_vector(path: str, layer: str | None, spoken: str) -> Any:
    """Read with pyogrio, one named layer of a file."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        names = [str(n) for n in pyogrio.list_layers(path)[:, 0]]
        if not names:
            raise LayerError(
                four_parts(
                    f"{Path(path).name!r} is to be read",
                    "it holds no map layers",
                    "a file, folder or archive with at least one layer is allowed",
                    "Check the path",
                )
            )
        if layer is not None and layer not in names:
            raise LayerError(
                four_parts(
                    f"Layer {layer!r} of {Path(path).name!r} is to be read",
                    "there is none of that name",
                    f"the file holds {shown(names, 20)}",
                    f"Pass one of them, e.g. `layer={names[0]!r}`."
                    + nearest_name(layer, names),
                )
            )
        is_kml = _suffix(path) == ".kml"
        if layer is None and len(names) > 1 and not is_kml:
            raise LayerError(
                four_parts(
                    f"The file {Path(path).name!r} is to be read",
                    f"it holds {len(names)} layers: {shown(names, 20)}",
                    "one layer is read at a time",
                    f"Choose one, e.g. `layer={names[0]!r}`",
                )
            )
        chosen = [layer] if layer is not None else names
        frames = [_read_features(path, one, spoken) for one in chosen]
    _say_again(heard, spoken)
    frames = _with_numbers(frames) if is_kml else frames
    if len(frames) == 1:
        return frames[0]
    # Folders of a KML become one layer that remembers them.
    for one, frame in zip(chosen, frames, strict=True):
        frame["folder"] = one
    full = [f for f in frames if len(f)]
    if not full:
        return frames[0]
    return gpd.GeoDataFrame(pd.concat(full, ignore_index=True), crs=full[0].crs)


def _with_numbers(frames: list[Any]) -> list[Any]:
    """Return folders of a KML whose untyped columns of numbers are numbers.

    Without a schema all that a KML says of a place is text. Whether a column holds
    numbers is judged over all folders, so that it is of one kind in all of them.
    """
    names = dict.fromkeys(name for frame in frames for name in frame.columns)
    for name in names:
        having = [frame for frame in frames if name in frame]
        if name in _KML_TEXTS or any(
            not is_object_dtype(frame[name]) and not is_string_dtype(frame[name])
            for frame in having
        ):
            continue
        cells = [value for frame in having for value in frame[name]]
        told = [value for value in cells if isinstance(value, str) and value.strip()]
        if not told or not all(map(_is_number, told)):
            continue
        for frame in having:
            texts = frame[name].map(lambda v: v.strip() if isinstance(v, str) else v)
            frame[name] = pd.to_numeric(texts.replace("", None))
    return frames


def _is_number(text: str) -> bool:
    """Return whether a text is a number and no code, such as 08540 or twenty digits."""
    text = text.strip()
    digits = len(re.sub(r"[eE].*|[^0-9]", "", text))
    return bool(_NUMBER.fullmatch(text)) and digits <= _DIGITS


def _read_features(path: str, layer: str, spoken: str) -> Any:
    """Read one layer, or name the rows whose geometry cannot be built."""
    try:
        return pyogrio.read_dataframe(path, layer=layer)
    except shapely.errors.ShapelyError as error:
        frame = pyogrio.read_dataframe(path, layer=layer, on_invalid="ignore")
        lost = frame.geometry.isna()
        raise LayerError(
            four_parts(
                f"The geometries of {spoken} are to be read",
                f"{int(lost.sum())} of {len(frame)} cannot be built or are missing, in "
                f"row {shown(frame.index[lost])} ({_first_line(error)})",
                "closed rings of four points or more, and lines of two or more, are "
                "allowed",
                "Correct these rows, e.g. in QGIS with `Fix geometries`",
            )
        ) from None


def _say_again(heard: list[warnings.WarningMessage], spoken: str) -> None:
    """Turn a reader's warnings into one of ours."""
    lines = {_first_line(str(w.message)) for w in heard if _is_about_data(w)}
    # GDAL quotes names of a file at whatever length they have.
    texts = sorted({line[:_QUOTED] for line in lines})
    if texts:
        warnings.warn(
            f"{spoken}: the reader says {shown(texts)}.",
            DataQualityWarning,
            stacklevel=5,
        )


def _is_about_data(heard: warnings.WarningMessage) -> bool:
    """Return whether a warning is about the file, not about versions of code."""
    return not issubclass(
        heard.category,
        DeprecationWarning | PendingDeprecationWarning | FutureWarning,
    )


def _read_kmz(path: str, layer: str | None, spoken: str) -> Any:
    """Read the KML inside a KMZ archive."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, NotImplementedError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from None
    with archive:
        inside = [i for i in archive.infolist() if i.filename.lower().endswith(".kml")]
        if not inside:
            raise LayerError(
                four_parts(
                    f"The file {Path(path).name!r} is to be read as KMZ",
                    "the archive holds no .kml file, only "
                    f"{shown(archive.namelist()) or 'nothing'}",
                    "a zip archive with one .kml is allowed",
                    "Save it again as KMZ or KML",
                )
            )
        # Viewers open doc.kml, or else the first.
        main = next((i for i in inside if i.filename == "doc.kml"), inside[0])
        if main.file_size > _KMZ_BYTES:
            raise _unreadable(path, f"it unpacks to {main.file_size / 1e9:.1f} GB")
        with tempfile.TemporaryDirectory() as folder:
            kml = Path(folder) / "doc.kml"
            try:
                with archive.open(main) as packed, kml.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
                return _read_vector(str(kml), layer, spoken)
            except LayerError:
                raise
            except Exception as error:
                raise _unreadable(path, error) from None


def _read_parquet(path: str) -> Any:
    """Read GeoParquet, or a plain table."""
    try:
        return gpd.read_parquet(path)
    except ValueError as error:
        if "Missing geo metadata" not in str(error):
            raise
        return pd.read_parquet(path)


def _read_feather(path: str) -> Any:
    """Read a Feather file with or without geometry."""
    try:
        return gpd.read_feather(path)
    except ValueError as error:
        if "Missing geo metadata" not in str(error):
            raise
        return pd.read_feather(path)


# --------------------------------------------------------------------- placing


def _has_geometry(frame: Any) -> bool:
    """Return whether a frame has an active geometry column."""
    return (
        isinstance(frame, gpd.GeoDataFrame)
        and frame._geometry_column_name in frame.columns
    )


def _guess(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column with the first of some usual names, in any case."""
    folded = {str(c).strip().casefold(): c for c in reversed(columns)}
    return next((folded[n] for n in names if n in folded), None)


def _placed(
    table: pd.DataFrame,
    x: str | None,
    y: str | None,
    wkt: str | None,
    crs: pyproj.CRS | None,
    spoken: str,
) -> gpd.GeoDataFrame:
    """Return a table with geometries from coordinates or well-known text."""
    columns = [str(c) for c in table.columns]
    named = [c for c in (x, y, wkt) if c is not None]
    check.require_columns(table, named, layer=spoken)
    if wkt is None and x is None and y is None:
        x, y = _guess(columns, _LON), _guess(columns, _LAT)
        if x is None or y is None:
            wkt = _guess(columns, _WKT)
            x, y = _guess(columns, _X), _guess(columns, _Y)
    if wkt is not None:
        return _from_wkt(table, wkt, crs)
    if x is None or y is None:
        raise LayerError(
            four_parts(
                f"The table of {spoken} is to be placed on the map",
                f"no columns with coordinates were recognized among "
                f"{shown(columns, 20)}"
                + (f" (only one of x={x!r}, y={y!r})" if x or y else ""),
                f"columns named like {_LON[0]} and {_LAT[0]}, x and y with `crs=`, or "
                f"{_WKT[0]} are recognized",
                'Name them: `read_layer(..., x="my_longitude", y="my_latitude")` or '
                '`read_layer(..., wkt="my_geometry", crs="EPSG:4326")`',
            )
        )
    # Zeros before a figure make it a code elsewhere, but not here.
    table = table.assign(
        **{
            name: to_numbers(table[name])
            for name in (x, y)
            if pd.api.types.is_string_dtype(table[name])
        }
    )
    check.require_numeric_finite(table, [x, y], layer=spoken)
    if crs is None:
        degrees = x.strip().casefold() in _LON and y.strip().casefold() in _LAT
        if not degrees:
            raise CRSError(
                four_parts(
                    f"The columns {x!r} and {y!r} of {spoken} are to be coordinates",
                    "a table does not say which coordinate reference system they "
                    "are in",
                    "any CRS that pyproj knows is allowed",
                    'Pass `crs="EPSG:4326"` for longitude and latitude in degrees',
                )
            )
        crs = pyproj.CRS.from_user_input(WGS84)
    points = gpd.points_from_xy(table[x].astype(float), table[y].astype(float))
    return gpd.GeoDataFrame(
        _without_geometry_name(table),
        geometry=gpd.GeoSeries(points, index=table.index, crs=crs),
    )


def _without_geometry_name(table: pd.DataFrame) -> pd.DataFrame:
    """Make room for the geometry column in a plain table."""
    if "geometry" in table.columns:
        return table.rename(columns={"geometry": "geometry_text"})
    return table


def _from_wkt(
    table: pd.DataFrame, wkt: str, crs: pyproj.CRS | None
) -> gpd.GeoDataFrame:
    """Return a table with geometries from well-known text (or binary)."""
    column = table[wkt]
    values = np.asarray(column, dtype=object)
    binary = any(isinstance(v, bytes) for v in values)
    text = np.array([v if isinstance(v, bytes | str) else None for v in values])
    read = shapely.from_wkb if binary else shapely.from_wkt
    try:
        geoms = np.asarray(read(text, on_invalid="ignore"), dtype=object).reshape(-1)
    except NotImplementedError:
        raise _curved(wkt, column) from None
    lost = shapely.is_missing(geoms) & column.notna().to_numpy()
    if lost.any():
        example = str(column[lost].iloc[0])[:40]
        raise LayerError(
            four_parts(
                f"Column {wkt!r} is to be read as well-known text",
                f"{int(lost.sum())} of {len(table)} values are none, in row "
                f"{shown(table.index[lost])}, e.g. {example!r}",
                "text such as POINT (-97 32) is allowed",
                "Correct these rows, or name another column with `wkt=`",
            )
        )
    plain = table.drop(columns=[wkt])
    return gpd.GeoDataFrame(
        _without_geometry_name(plain),
        geometry=gpd.GeoSeries(geoms, index=table.index, crs=crs),
    )


def _curved(wkt: str, column: pd.Series) -> LayerError:
    """Return the error about geometries with arcs."""
    words = column.astype(str).str.extract(r"^\s*(?:SRID=\d+;)?\s*(\w+)")[0]
    bent = words.str.upper().isin(_BENT)
    example = f", e.g. {words[bent].iloc[0]}" if bent.any() else ""
    return LayerError(
        four_parts(
            f"Column {wkt!r} is to be read as well-known text",
            f"it holds curves in row {shown(column.index[bent]) or 'unknown'}{example}",
            "points, straight lines and polygons are allowed",
            "Replace arcs by short edges, e.g. with `ogr2ogr -nlt CONVERT_TO_LINEAR`",
        )
    )


def _crs(crs: Any) -> pyproj.CRS:
    """Return a CRS, or say that there is none of that name."""
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CRSError(
            four_parts(
                f"The coordinate reference system {crs!r} was asked for",
                f"pyproj does not know it ({_first_line(error)})",
                'an EPSG code such as "EPSG:4326", WKT or a PROJ string is allowed',
                'Pass e.g. `crs="EPSG:4326"`',
            )
        ) from None


def _with_crs(
    frame: gpd.GeoDataFrame, crs: pyproj.CRS | None, spoken: str
) -> gpd.GeoDataFrame:
    """Return the frame with its CRS, given or its own."""
    if crs is None:
        require_crs(frame, spoken)
        return frame
    if frame.crs is None:
        return frame.set_crs(crs)
    if frame.crs != crs:
        # The same with heights is no other.
        if frame.crs.to_2d() == crs:
            return frame
        raise _other_crs(spoken, crs, frame.crs, "frame.set_crs")
    return frame


def _other_crs(spoken: str, crs: pyproj.CRS, own: pyproj.CRS, setter: str) -> CRSError:
    """Return the error about a CRS that contradicts the source."""
    mend = (
        "then convert with `frame.to_crs(...)`; or, if the source is wrong, "
        "`frame.set_crs(..., allow_override=True)`"
        if setter == "frame.set_crs"
        else f"or, if the source is wrong, assign it with `{setter} EPSG:... FILE`"
    )
    return CRSError(
        four_parts(
            f"{spoken} is to be read in {crs.name}",
            f"the source says it is in {own.name}",
            "`crs=` names what the coordinates are in; it never converts them",
            f"Leave `crs=` out, {mend}",
        )
    )


def _checked_raster(
    raster: Raster,
    area: gpd.GeoDataFrame | gpd.GeoSeries | None,
    crs: pyproj.CRS | None,
    spoken: str,
) -> Raster:
    """Return a raster of the given CRS that lies in or near the study area."""
    if crs is not None and raster.crs != crs:
        raise _other_crs(spoken, crs, raster.crs, "gdal_edit.py -a_srs")
    if area is not None:
        west, south, east, north = raster.bounds
        # Longitudes may be counted from 0 to 360.
        turns = (0.0, 360.0) if west < -180 else (0.0, -360.0) if east > 180 else (0.0,)
        boxes = [shapely.box(west + t, south, east + t, north) for t in turns]
        check.require_overlap(
            gpd.GeoSeries(boxes, crs=WGS84),
            area,
            layer=spoken,
            margin_km=0.0,
        )
    return raster
