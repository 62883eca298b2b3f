"""Renewable supply curves of reV, and point files of NSRDB and the WIND Toolkit."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.layers.releases.catalog import described
from siteselect.layers.releases.fields import Field, number, taken, text
from siteselect.layers.releases.files import local, read_text
from siteselect.layers.releases.vector import placed

__all__ = ["nsrdb_points", "rev_supply_curve", "wtk_points"]

SUPPLY = (
    text("point", "sc_gid", "sc_point_gid"),
    number("latitude", "latitude", unit="degrees", least=-90),
    number("longitude", "longitude", unit="degrees", least=-180),
    number(
        "capacity_mw", "capacity_ac_mw", "capacity_mw_ac", "capacity_mw", "capacity",
        unit="MW",
    ),
    number(
        "capacity_factor", "capacity_factor_ac", "mean_cf_ac", "capacity_factor",
        "mean_cf", unit="0 to 1",
    ),
    number(
        "area_km2", "area_developable_sq_km", "area_sq_km", unit="km2", needed=False,
    ),
    number(
        "lcoe_site_usd_per_mwh", "lcoe_site_usd_per_mwh", "mean_lcoe", unit="USD/MWh",
        needed=False,
    ),
    number(
        "lcoe_usd_per_mwh", "lcoe_all_in_usd_per_mwh", "total_lcoe", unit="USD/MWh",
        needed=False,
    ),
    number("spur_km", "dist_spur_km", "dist_km", unit="km", needed=False),
    number(
        "reinforcement_km", "dist_reinforcement_km", "reinforcement_dist_km", unit="km",
        needed=False,
    ),
)  # fmt: skip
# Above what the sun sends to the top of the air, clouds at the side included [W/m2].
_MOST_W_PER_M2 = 2000.0
# Above any gust that was measured [m/s].
_MOST_M_PER_S = 150.0
SOLAR = (
    text("year", "Year"),
    number("ghi", "GHI", unit="W/m2", most=_MOST_W_PER_M2),
    number("dni", "DNI", unit="W/m2", needed=False, most=_MOST_W_PER_M2),
    number("temperature", "Temperature", unit="C", least=-90, needed=False, most=70),
    number("humidity", "Relative Humidity", unit="%", needed=False, most=100),
    number("wind", "Wind Speed", unit="m/s", needed=False, most=_MOST_M_PER_S),
)
_SOLAR_UNITS = {"ghi units": "w/m2", "dni units": "w/m2", "temperature units": "c",
                "wind speed units": "m/s"}  # fmt: skip
_POINT = (
    text("site", "Location ID", "SiteID", "Site ID"),
    number("latitude", "Latitude", unit="degrees", least=-90),
    number("longitude", "Longitude", unit="degrees", least=-180),
)
_HOURS = (8760, 8784)


def rev_supply_curve(source: str | Path, *, vintage: str = "") -> gpd.GeoDataFrame:
    """Read a supply curve of NREL's reV: what could be built around each point.

    Written to reV 0.9 and later; the older names (``mean_cf``, ``total_lcoe`` ...) are
    read too. Costs are in the dollars of the curve, which its record states.

    Parameters
    ----------
    source : path
        The supply curve as CSV.
    vintage : str
        Which curve: technology, siting scenario and year.

    Returns
    -------
    GeoDataFrame
        Points with ``point`` (number in the curve), ``capacity_mw`` [MW AC],
        ``capacity_factor`` (0 to 1), ``area_km2`` (developable) [km2],
        ``lcoe_site_usd_per_mwh`` (the plant) and ``lcoe_usd_per_mwh`` (with its
        connection) [USD/MWh], ``spur_km`` and ``reinforcement_km`` [km].

    Raises
    ------
    LayerError
        If a column is missing, a figure is no number, or a capacity factor exceeds 1.

    Examples
    --------
    >>> import pandas as pd, siteselect as ss
    >>> pd.DataFrame(
    ...     {"sc_gid": [7], "latitude": [32.1], "longitude": [-100.4],
    ...      "capacity_ac_mw": [185.0], "capacity_factor_ac": [0.43]}
    ... ).to_csv("wind_curve.csv", index=False)
    >>> curve = ss.releases.rev_supply_curve("wind_curve.csv")
    >>> curve[["capacity_mw", "capacity_factor"]].values.tolist()
    [[185.0, 0.43]]
    """
    reader = "rev_supply_curve"
    path = local(source, reader)
    table = taken(read_text(path, SUPPLY, reader), SUPPLY, reader)
    over = table["capacity_factor"] > 1
    if over.any():
        raise LayerError(
            four_parts(
                f"The capacity factors of {path.name!r} are shares",
                f"{int(over.sum())} of {len(over)} exceed 1, in line "
                f"{shown(table.index[over])}",
                "numbers from 0 to 1 are allowed",
                "Divide percent by 100, or check which file it is",
            )
        )
    return described(placed(table, reader, "point"), reader, SUPPLY, source, vintage)


def nsrdb_points(
    source: str | Path | Sequence[str | Path], *, vintage: str = ""
) -> gpd.GeoDataFrame:
    r"""Read point files of the National Solar Radiation Database, as yearly means.

    Written to the CSV of PSM 3 and 4: two lines of metadata, then names, then a value
    every 5 to 60 minutes of a whole year. A mean is unknown where a step is.

    Parameters
    ----------
    source : path or list of paths
        One file per point and year.
    vintage : str
        Which version; the years stand in the layer.

    Returns
    -------
    GeoDataFrame
        One point per file: ``site`` (the publisher's number), ``year``,
        ``ghi_kwh_per_m2_day`` and ``dni_kwh_per_m2_day`` [kWh/m2/day],
        ``temperature_c`` (2 m above ground) [°C], ``humidity_pct`` [%] and
        ``wind_speed_10m_m_per_s`` [m/s].

    Raises
    ------
    LayerError
        If a file has another form or unit, a figure is no number, or it does not hold
        a whole year.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("123_2022.csv").write_text(
    ...     "Source,Location ID,Latitude,Longitude,GHI Units\n"
    ...     "NSRDB,123,32.01,-97.02,w/m2\n"
    ...     "Year,Month,Day,Hour,Minute,GHI,Temperature\n"
    ...     + "2022,1,1,0,30,200,19\n" * 8760)
    >>> points = ss.releases.nsrdb_points("123_2022.csv")
    >>> points[["ghi_kwh_per_m2_day", "temperature_c"]].values.tolist()
    [[4.8, 19.0]]
    """
    reader = "nsrdb_points"
    rows = []
    for path in _files(source, reader):
        told = _pairs_below(path)
        for name, unit in _SOLAR_UNITS.items():
            given = told.get(name, unit).strip().casefold()
            if given != unit:
                raise _wrong(
                    path, f"it says {name} are {given!r}", f"{unit} is allowed"
                )
        steps = taken(read_text(path, SOLAR, reader), SOLAR, reader)
        _require_whole_years(path, len(steps))
        rows.append(
            {
                **_place(path, told, reader),
                "year": _span(steps["year"]),
                # From a mean power to energy in a day.
                "ghi_kwh_per_m2_day": _mean(steps["ghi"]) * 24 / 1000,
                "dni_kwh_per_m2_day": _mean(steps["dni"]) * 24 / 1000,
                "temperature_c": _mean(steps["temperature"]),
                "humidity_pct": _mean(steps["humidity"]),
                "wind_speed_10m_m_per_s": _mean(steps["wind"]),
            }
        )
    layer = placed(pd.DataFrame(rows), reader, "site")
    units = {
        "ghi_kwh_per_m2_day": "kWh/m2/day",
        "dni_kwh_per_m2_day": "kWh/m2/day",
        "temperature_c": "C",
        "humidity_pct": "%",
        "wind_speed_10m_m_per_s": "m/s",
    }
    return described(layer, reader, (), _first(source), vintage, units)


def wtk_points(
    source: str | Path | Sequence[str | Path], *, vintage: str = ""
) -> gpd.GeoDataFrame:
    r"""Read point files of the WIND Toolkit, as yearly mean wind speeds.

    Written to the CSV of the API: one line of metadata in pairs, such as
    ``SiteID,7,...,Longitude,-100.4,Latitude,32.1``, or two lines as in NSRDB; then
    names such as ``wind speed at 100m (m/s)``, then a value every 5 to 60 minutes of a
    whole year. A mean is unknown where a step is.

    Parameters
    ----------
    source : path or list of paths
        One file per point and year, all with the same heights.
    vintage : str
        Which version; the years stand in the layer.

    Returns
    -------
    GeoDataFrame
        One point per file: ``site``, ``year``, and for each height in the files a
        column such as ``wind_speed_100m_m_per_s`` [m/s].

    Raises
    ------
    LayerError
        If a file has another form, a figure is no number, or it does not hold a whole
        year.

    Examples
    --------
    >>> from pathlib import Path
    >>> import siteselect as ss
    >>> _ = Path("7.csv").write_text(
    ...     "SiteID,7,Site Timezone,-6,Data Timezone,0,Longitude,-100.4,Latitude,32.1\n"
    ...     "Year,Month,Day,Hour,Minute,wind speed at 100m (m/s)\n"
    ...     + "2012,1,1,0,0,8.5\n" * 8784)
    >>> ss.releases.wtk_points("7.csv")["wind_speed_100m_m_per_s"].tolist()
    [8.5]
    """
    reader = "wtk_points"
    rows = []
    for path in _files(source, reader):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            head = list(csv.reader(islice(stream, 4)))
        heights = sorted(
            {
                int(height)
                for line in head
                for cell in line
                for height in re.findall(r"(?i)wind ?speed at (\d+) ?m\b", cell)
            }
        )
        first = [str(cell).strip() for cell in head[0]] if head else []
        told = {k.casefold(): v for k, v in zip(first[::2], first[1::2], strict=False)}
        if "latitude" not in told:
            told = _pairs_below(path)
        fields: list[Field] = [text("year", "Year")]
        # Without any height the file is refused for want of the usual one.
        for height in heights or [100]:
            named = f"wind speed at {height}m"
            fields.append(
                number(
                    _wind(height),
                    f"{named} (m/s)",
                    named,
                    unit="m/s",
                    most=_MOST_M_PER_S,
                )
            )
        steps = taken(read_text(path, fields, reader), fields, reader)
        _require_whole_years(path, len(steps))
        rows.append(
            {
                **_place(path, told, reader),
                "year": _span(steps["year"]),
                **{_wind(h): _mean(steps[_wind(h)]) for h in heights},
            }
        )
    table = pd.DataFrame(rows)
    units = {c: "m/s" for c in table.columns if c.startswith("wind_speed")}
    layer = placed(table, reader, "site")
    return described(layer, reader, (), _first(source), vintage, units)


def _mean(steps: pd.Series) -> float:
    """Return the mean of a whole year, NaN where a step of it is unknown."""
    return float(steps.mean(skipna=False))


def _wind(height: int) -> str:
    """Return the name of a column of wind speeds."""
    return f"wind_speed_{height}m_m_per_s"


def _files(source: str | Path | Sequence[str | Path], reader: str) -> list[Path]:
    """Return one path or several, each of which exists."""
    if isinstance(source, list | tuple) and source:
        return [local(one, reader) for one in source]
    return [local(source, reader)]


def _first(source: str | Path | Sequence[str | Path]) -> object:
    """Return what to name as the source: a file, or the first of several."""
    return source[0] if isinstance(source, list | tuple) else source


def _pairs_below(path: Path) -> dict[str, str]:
    """Return names on the first line with their values on the second."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        names, values = [*csv.reader(islice(stream, 2)), [], []][:2]
    pairs = zip(names, values, strict=False)
    return {str(k).strip().casefold(): str(v).strip() for k, v in pairs}


def _place(path: Path, told: dict[str, str], reader: str) -> dict[str, object]:
    """Return number and coordinates of a point from its metadata."""
    rows = taken(pd.DataFrame([told], index=pd.Index([1], name="line")), _POINT, reader)
    if rows[["latitude", "longitude"]].isna().to_numpy().any():
        raise _wrong(path, "its metadata give no coordinates", "both are needed")
    return {str(name): value for name, value in rows.iloc[0].items()}


def _require_whole_years(path: Path, steps: int) -> None:
    """Refuse a file whose mean is not that of a year."""
    if steps and any(steps % hours == 0 for hours in _HOURS):
        return
    raise _wrong(
        path,
        f"it has {steps:,} steps of time, which is no whole year",
        "8,760 or 8,784 hours, or the same in shorter steps, are allowed",
    )


def _wrong(path: Path, found: str, allowed: str) -> LayerError:
    return LayerError(
        four_parts(
            f"The point file {path.name!r} is to be read",
            found,
            allowed,
            "Download it again for a whole year, with the units left as they are",
        )
    )


def _span(years: pd.Series) -> str:
    """Return the year, or the first and last of several (typical years mix them)."""
    known = sorted(years.dropna().unique())
    if not known:
        return ""
    return known[0] if len(known) == 1 else f"{known[0]} to {known[-1]}"
