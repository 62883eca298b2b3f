"""A year of profiles out of the files that reV, PVGIS and atlite write."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    LayerError,
    MissingDependencyError,
    SiteSelectError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.layers import spatial
from siteselect.layers.archives import guard_size
from siteselect.whole_files import as_path

__all__ = ["read_profiles"]

Floats = npt.NDArray[np.float64]
PathLike: TypeAlias = "str | Path"

#: Endings by what reads them.
HDF: Final = (".h5", ".hdf5")
NETCDF: Final = (".nc", ".nc4")
PVGIS: Final = (".json", ".csv")
#: Names under which latitude and longitude are stored.
_LATITUDE: Final = ("latitude", "lat", "y")
_LONGITUDE: Final = ("longitude", "lon", "x")
_CALL: Final = "read_profiles('profiles.h5', sites=sites)"


@dataclass(frozen=True, eq=False)
class _Stored:
    """What a file holds: output by time (rows) and place (columns).

    ``latitude`` and ``longitude`` are None where the file does not say them.
    """

    time: pd.DatetimeIndex
    output: Floats
    label: pd.Index[Any]
    latitude: Floats | None
    longitude: Floats | None


def read_profiles(
    path: PathLike | Sequence[PathLike],
    *,
    sites: gpd.GeoDataFrame | None = None,
    variable: str | None = None,
    year: int | None = None,
    max_km: float = 50.0,
) -> pd.DataFrame:
    """Read a year of output per MW from a file of reV, PVGIS or atlite.

    Use it for `Profiles.hourly`.

    Parameters
    ----------
    path : path or sequence of paths
        ``.h5``: generation or representative profiles as reV writes them; ``.nc``: a
        series by place or by cell as atlite and xarray write it; ``.json`` or ``.csv``:
        the hourly series that PVGIS answers with for one place. Several files of the
        same kind are put side by side.
    sites : GeoDataFrame, optional
        Candidates: each gets the series of the nearest place in the file, and the
        columns are their labels. Without it the columns are the places: the ``gid``
        of reV, the labels or cells of atlite, the names of PVGIS files.
    variable : str, optional
        Which series, where a file holds several: ``cf_profile`` and the like. PVGIS:
        power ``P`` over the peak power that was asked for.
    year : int, optional
        Which year, where a file holds several.
    max_km : float, default 50
        A site whose nearest place is farther away is unknown: NaN in all hours [km].

    Returns
    -------
    DataFrame, (8760, n)
        Output per MW built [MW/MW]. Hours are in the file's own time, which is UTC in
        all three; the 29th of February is left out, and steps shorter than an hour are
        averaged.

    Raises
    ------
    LayerError
        If a file cannot be read as what its ending says, hours or numbers are missing,
        a year or a variable must be named, or it does not say where its places are and
        ``sites`` are given.
    MissingDependencyError
        If h5py, xarray or pvlib is not installed (the extra ``profiles``).

    Notes
    -----
    reV stores whole numbers with a ``scale_factor`` that they are divided by; so they
    are here [1]_. The output that PVGIS gives in W is divided by the peak power that
    it was asked for [2]_.

    References
    ----------
    .. [1] National Renewable Energy Laboratory, rex: outputs and scale factors,
       https://nrel.github.io/rex/
    .. [2] European Commission, Joint Research Centre, PVGIS: hourly radiation and PV
       data, https://joint-research-centre.ec.europa.eu/photovoltaic-geographical-information-system-pvgis_en

    Examples
    --------
    A file as xarray and atlite write it, and the series of the nearest place:

    >>> import tempfile
    >>> import geopandas as gpd, numpy as np, pandas as pd, xarray as xr
    >>> import siteselect as ss
    >>> wind = xr.DataArray(
    ...     np.tile([[0.2], [0.5]], (1, 8760)), name="wind",
    ...     coords={"bus": ["a", "b"], "time": pd.date_range("2019", periods=8760,
    ...             freq="h"), "lat": ("bus", [31.0, 35.0]),
    ...             "lon": ("bus", [-99.0, -99.0])}, dims=("bus", "time"),
    ... )
    >>> sites = gpd.GeoDataFrame(
    ...     index=["s1"], geometry=gpd.points_from_xy([-99.1], [35.1]), crs=4326
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = wind.to_netcdf(f"{folder}/wind.nc", engine="h5netcdf")
    ...     table = ss.read_profiles(f"{folder}/wind.nc", sites=sites)
    >>> ss.Profiles.hourly(wind=table)
    Profiles(1 site, 8,760 hours, wind 0.50, hourly)
    """
    several = list(path) if isinstance(path, list | tuple) else [path]
    what = "Profiles are read from a file, or a list of files"
    files = [as_path(one, _CALL, what) for one in several]
    if not files:
        raise LayerError(
            four_parts("profiles are read from files", "none was given", "paths", _CALL)
        )
    if not max_km > 0:
        raise LayerError(
            four_parts(
                "a site takes the series of the nearest place",
                f"max_km is {max_km!r}",
                "a distance above 0 km is allowed",
                "leave max_km out for 50 km",
            )
        )
    parts = [_one_year(file, _stored(file, variable, year), year) for file in files]
    if sites is None:
        table = pd.concat([_table(part) for part in parts], axis=1)
        if not table.columns.is_unique:
            again = table.columns[table.columns.duplicated()].unique()
            raise LayerError(
                four_parts(
                    "each place has one column",
                    f"these are in more than one file: {shown(map(repr, again))}",
                    "files with other places",
                    "read_profiles(path, sites=sites) takes the nearest place",
                )
            )
        return table
    return _nearest(files, parts, sites, max_km)


def _table(part: _Stored) -> pd.DataFrame:
    return pd.DataFrame(part.output, columns=part.label)


def _nearest(
    files: list[Path],
    parts: list[_Stored],
    sites: gpd.GeoDataFrame,
    max_km: float,
) -> pd.DataFrame:
    """Return the series of the place nearest to each site."""
    nowhere = [
        file.name
        for file, part in zip(files, parts, strict=True)
        if part.latitude is None or part.longitude is None
    ]
    if nowhere:
        raise LayerError(
            four_parts(
                "each site takes the series of the nearest place",
                f"{shown(map(repr, nowhere))} does not say where its places are",
                "coordinates 'lat' and 'lon' (or 'y' and 'x') by place, in degrees",
                "leave sites out, and rename the columns to the sites' labels",
            )
        )
    longitude = np.concatenate([np.asarray(part.longitude) for part in parts])
    latitude = np.concatenate([np.asarray(part.latitude) for part in parts])
    wrong = np.flatnonzero(~((np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)))
    if wrong.size:
        k = int(wrong[0])
        raise LayerError(
            four_parts(
                "places have a latitude and a longitude",
                f"place {k} is at {latitude[k]:g}, {longitude[k]:g}",
                "degrees are allowed",
                "give the file's coordinates in degrees (EPSG:4326)",
            )
        )
    places = gpd.GeoSeries.from_xy(
        (longitude + 180.0) % 360.0 - 180.0, latitude, crs="EPSG:4326"
    )
    found = spatial.nearest(spatial.points_of(sites), places, k=1, max_km=max_km)
    at = found.position[:, 0]
    output = np.concatenate([part.output for part in parts], axis=1)
    values = output[:, np.maximum(at, 0)]
    values[:, at < 0] = np.nan
    return pd.DataFrame(values, columns=sites.index)


# -- one file ------------------------------------------------------------------


def _stored(file: Path, variable: str | None, year: int | None) -> _Stored:
    """Read a file by its ending; what goes wrong becomes our own error."""
    kind = file.suffix.lower()
    read: Callable[[Path, str | None, int | None], _Stored]
    if kind in HDF:
        read = _rev
    elif kind in NETCDF:
        read = _netcdf
    elif kind in PVGIS:
        read = _pvgis
    else:
        raise LayerError(
            four_parts(
                f"profiles are read from {file.name!r}",
                f"its ending is {kind or 'missing'!r}",
                "reV's .h5, atlite's .nc, PVGIS' .json and .csv are allowed",
                "Profiles.hourly(solar='table.csv') reads a table of your own",
            )
        )
    try:
        with warnings.catch_warnings():
            # Ways in which pvlib calls pandas, not what is in the file.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return read(file, variable, year)
    except SiteSelectError:
        raise
    # h5py, xarray and pvlib raise OSError, KeyError, ValueError and others alike.
    except Exception as error:
        raise LayerError(
            four_parts(
                f"profiles are read from {file.name!r}",
                _wrong(error),
                f"a readable {kind} file as reV, atlite or PVGIS writes it",
                "check the path and the download",
            )
        ) from error


def _wrong(error: Exception) -> str:
    """Say what a reader of another library stumbled over."""
    if isinstance(error, KeyError):
        return f"it has no part {error}"
    if isinstance(error, IndexError):
        return "it has fewer lines, columns or numbers than such a file"
    return f"{type(error).__name__}: {error}"


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingDependencyError(
            four_parts(
                "A file of profiles was to be read",
                f"{package} is not installed",
                f"{package}, which the extra `profiles` brings",
                "Call pip install 'siteselect[profiles]'",
            )
        ) from error


def _named(file: Path, asked: str | None, names: Iterable[str], what: str) -> str:
    """Return the name asked for, or the only one there is."""
    names = sorted(names)
    if asked is None and len(names) == 1:
        return names[0]
    if asked in names:
        return str(asked)
    raise LayerError(
        four_parts(
            f"one series is read from {file.name!r}",
            f"{asked!r} is not among them"
            if asked is not None
            else f"it holds {len(names)}"
            if names
            else f"it holds no {what}",
            f"allowed are {shown(map(repr, names))}" if names else what,
            (f"read_profiles(path, variable={names[0]!r})" if names else _CALL)
            + ("" if asked is None else nearest_name(asked, names)),
        )
    )


def _rev(file: Path, variable: str | None, year: int | None) -> _Stored:
    """Read generation or representative profiles of reV."""
    h5py = _imported("h5py")
    with h5py.File(file) as held:
        # Files of several years end the name of a dataset with the year.
        ending = "" if year is None or f"time_index-{year}" not in held else f"-{year}"
        several = sorted(k[11:] for k in held if k.startswith("time_index-"))
        if several and not ending:
            raise LayerError(_which_year(file, several, year))
        for part in ("meta", f"time_index{ending}"):
            if part in held:
                _guard(file, held[part])
        time = pd.DatetimeIndex(
            pd.to_datetime(held[f"time_index{ending}"][:].astype(str), utc=True)
        )
        tables = [
            name.removesuffix(ending)
            for name, part in held.items()
            if getattr(part, "ndim", 0) == 2
            and part.shape[0] == time.size
            and name.endswith(ending)
        ]
        name = _named(file, variable, tables, "table by time and place")
        part = held[f"{name}{ending}"]
        scale = float(part.attrs.get("scale_factor", 1.0))
        _guard(file, part)
        output = np.asarray(part[:], dtype=np.float64)
        output /= scale
        meta = pd.DataFrame(held["meta"][:]) if "meta" in held else pd.DataFrame()
    label = pd.RangeIndex(output.shape[1])
    if "gid" in meta and meta["gid"].is_unique:
        label = pd.Index(meta["gid"].to_numpy())
    latitude, longitude = (
        next((meta[k].to_numpy(np.float64) for k in names if k in meta), None)
        for names in (_LATITUDE, _LONGITUDE)
    )
    return _Stored(time, output, label, latitude, longitude)


def _guard(file: Path, part: Any) -> None:
    """Refuse a table far larger than what the file holds of it."""
    guard_size(file, part.id.get_storage_size(), (part.size or 0) * 8)


def _netcdf(file: Path, variable: str | None, year: int | None) -> _Stored:
    """Read a series by place or by cell, as xarray and atlite write it."""
    xarray = _imported("xarray")
    _imported("h5netcdf")
    # What h5netcdf cannot open it fails to close again, and prints a traceback: so
    # what it reads first is read here, and may fail.
    h5py = _imported("h5py")
    with h5py.File(file) as plain:
        dict(plain.attrs)
        for part in plain.values():
            if isinstance(part, h5py.Dataset):
                _guard(file, part)
    with xarray.open_dataset(file, engine="h5netcdf") as held:
        series = [
            str(name)
            for name, part in held.data_vars.items()
            if "time" in part.dims and part.ndim in (2, 3) and part.dtype.kind in "fiu"
        ]
        name = _named(file, variable, series, "series by 'time' and place")
        part = held[name].load()
    # A dimension of one entry, PyPSA-Eur's bins for example, says nothing.
    part = part.squeeze([d for d in part.dims if d != "time" and part.sizes[d] == 1])
    over = [d for d in part.dims if d != "time"]
    if not over:
        part, over = part.expand_dims("place"), ["place"]
    known = {
        tuple(names): next((k for k in names if k in part.coords), None)
        for names in (_LATITUDE, _LONGITUDE)
    }
    north, east = known[_LATITUDE], known[_LONGITUDE]
    part = part.stack(_place=over)
    if len(over) == 1:
        label = pd.Index(part["_place"].get_index("_place").get_level_values(0))
    else:
        pairs = part["_place"].get_index("_place")
        label = pd.Index(
            [
                ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in pair)
                for pair in pairs
            ]
        )
    where: list[Floats | None] = []
    for coordinate in (north, east):
        where.append(
            None
            if coordinate is None
            else np.broadcast_to(
                np.asarray(part[coordinate].values, dtype=np.float64), len(label)
            )
        )
    time = pd.DatetimeIndex(part["time"].values)
    output = part.transpose("time", "_place").to_numpy().astype(np.float64)
    return _Stored(time, output, label, *where)


def _pvgis(file: Path, variable: str | None, year: int | None) -> _Stored:
    """Read the hourly power of one place from PVGIS."""
    pvlib = _imported("pvlib.iotools")
    if file.suffix.lower() == ".csv":
        _look_at_csv(file)
    table, about = pvlib.read_pvgis_hourly(file, map_variables=False)
    given = about["inputs"]
    if "location" in given:
        place = given["location"]
        peak_kw = float(given["pv_module"]["peak_power"])
    else:
        place = given
        named = [v for k, v in given.items() if "Nominal power" in k]
        peak_kw = float(named[0]) if named else np.nan
    name = variable or "P"
    if name not in table or not peak_kw > 0:
        raise LayerError(
            four_parts(
                f"the power of a plant is read from {file.name!r}",
                f"it holds {shown(map(repr, table.columns))}, and a peak power of "
                f"{peak_kw:g} kW",
                "an hourly series with PV power (pvcalculation=1) and a peak power",
                "ask PVGIS for pvcalculation=1, peakpower=1",
            )
        )
    return _Stored(
        pd.DatetimeIndex(table.index),
        table[[name]].to_numpy(dtype=np.float64) / (1000.0 * peak_kw),
        pd.Index([file.stem]),
        np.array([float(place["latitude"])]),
        np.array([float(place["longitude"])]),
    )


def _look_at_csv(file: Path) -> None:
    """Refuse a CSV that is no answer of PVGIS: its reader counts lines and columns."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    head = next((k for k, line in enumerate(lines) if line.startswith("time,")), None)
    if head is None:
        wrong = "no line of column names begins with 'time,'"
        wrong += f"; the first line is {said(lines[0])}" if lines else ": it is empty"
    elif head < 4 or not all(":" in line for line in lines[:4]):
        wrong = "latitude and longitude are not told in four lines before the columns"
    elif not any(line[:1].isdigit() for line in lines[head + 1 :]):
        wrong = "no numbers follow the column names"
    else:
        return
    raise LayerError(
        four_parts(
            f"profiles are read from {file.name!r}",
            wrong,
            "the hourly CSV is needed as PVGIS gives it: place, columns, hours",
            f"Profiles.hourly(solar={file.name!r}) reads a table of your own",
        )
    )


# -- one year ------------------------------------------------------------------


def _which_year(file: Path, years: Iterable[object], asked: int | None) -> str:
    years = [str(one) for one in years]
    return four_parts(
        f"one year is read from {file.name!r}",
        f"it holds {shown(years)}" + ("" if asked is None else f", not year={asked}"),
        "one of these years",
        f"read_profiles(path, year={years[0]})",
    )


def _is_leap_day(time: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.asarray((time.month == 2) & (time.day == 29))
    return found


def _one_year(file: Path, held: _Stored, year: int | None) -> _Stored:
    """Return 8760 hours in order: one year, no 29th of February, means by hour."""
    time = held.time
    if time.tz is not None:
        time = time.tz_convert("UTC").tz_localize(None)
    years = np.unique(time.year[time.notna()])
    if (year is None and years.size != 1) or (year is not None and year not in years):
        raise LayerError(_which_year(file, years.tolist() or ["no time"], year))
    chosen = int(years[0]) if year is None else year
    hour = time.floor("h")
    keep = (time.year == chosen) & ~_is_leap_day(time)
    # A missing step leaves its hour missing.
    order = np.argsort(hour[keep].asi8, kind="stable")
    found, first, count = np.unique(
        hour[keep].to_numpy()[order], return_index=True, return_counts=True
    )
    output = np.add.reduceat(held.output[keep][order], first, axis=0) / count[:, None]
    wanted = pd.date_range(f"{chosen}-01-01", periods=366 * 24, freq="h")
    wanted = wanted[(wanted.year == chosen) & ~_is_leap_day(wanted)]
    lost = wanted.difference(pd.DatetimeIndex(found))
    if len(lost):
        raise LayerError(
            four_parts(
                f"{file.name!r} is to hold every hour of {chosen}",
                f"{len(lost):,} of {int(HOURS_PER_YEAR):,} hours are missing, the "
                f"first is {lost[0]:%Y-%m-%d %H:%M}",
                "a whole year by the hour, or by shorter steps",
                "choose another year=, or fill the gaps in the file",
            )
        )
    return _Stored(wanted, output, held.label, held.latitude, held.longitude)
