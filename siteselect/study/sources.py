"""What a study file may call where an argument is data: links, networks, profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from siteselect.errors import LayerError, four_parts, shown
from siteselect.infrastructure import Profiles, read_profiles
from siteselect.infrastructure import supply_options as _supply_options
from siteselect.infrastructure.grid import Network, connection_buses, upgrade_costs
from siteselect.layers.kinds import is_there

__all__ = [
    "GIVEN",
    "MAKERS",
    "PLANTS",
    "hourly_profiles",
    "layer_of",
    "profile_files",
    "with_buses",
]

#: Arguments that a study itself gives to what it calls.
GIVEN = ("sites", "layers")
#: Plants whose output goes by the hour.
PLANTS = ("solar", "wind")


def layer_of(record: Mapping[str, Any], layers: Mapping[str, Any], what: str) -> Any:
    """Return a layer, or the part of it for which ``where`` holds."""
    layer = layers[record["layer"]]
    if "where" not in record:
        return layer
    try:
        return layer.query(record["where"])
    # Whatever pandas finds wrong with a comparison, it is the text that is wrong.
    except Exception as error:
        raise LayerError(
            four_parts(
                f"{what} takes the rows of layer {record['layer']!r} where "
                f"{record['where']!r}",
                f"found that {error}",
                f"allowed is a comparison of its columns, {shown(layer.columns, 12)}",
                "write for instance where = 'voltage_kv >= 345'",
            )
        ) from error


def network(
    layers: Mapping[str, Any],
    interconnection: Literal["", "Eastern", "Texas", "Western"] = "",
) -> Network:
    """Return the bundled synthetic network, whole or of one interconnection.

    Parameters
    ----------
    layers : mapping
        With ``grid_buses``, ``grid_branches``, ``grid_generators`` and
        ``substations``; the tables are read whole, whatever the area.
    interconnection : {"", "Eastern", "Texas", "Western"}
        One of them; the whole by default.

    Returns
    -------
    siteselect.grid.Network
        Model buses, not real facilities.
    """
    from siteselect.layers import datasets

    names = ("grid_buses", "grid_branches", "grid_generators", "substations")
    buses, branches, generators, stations = (datasets.load(name) for name in names)
    whole = Network.from_tables(buses, branches, generators)
    if interconnection:
        buses = buses[buses["interconnection"] == interconnection]
        whole = whole.around(buses["bus"])
    return whole.with_places(
        stations.set_index("substation"), buses.set_index("bus")["substation"]
    )


def upgrades(
    layers: Mapping[str, Any],
    interconnection: Literal["", "Eastern", "Texas", "Western"] = "",
) -> pd.DataFrame:
    """Return what stronger lines of the bundled network cost and when they come.

    Parameters
    ----------
    layers, interconnection
        As for `network`.

    Returns
    -------
    pandas.DataFrame
        As `siteselect.grid.upgrade_costs`.
    """
    return upgrade_costs(network(layers, interconnection))


def typical_days(
    sites: gpd.GeoDataFrame, layers: Mapping[str, Any], layer: str = "solar_cf"
) -> Profiles:
    """Return the typical-day demonstration of solar output at every candidate."""
    return Profiles.typical_days(sites, layers[layer])


def profile_files(entry: Any) -> list[str]:
    """Return the names of files in what a study says of a plant's profiles.

    Examples
    --------
    >>> profile_files("a.h5"), profile_files({"file": ["a.nc", "b.nc"], "year": 2019})
    (['a.h5'], ['a.nc', 'b.nc'])
    """
    named = entry.get("file") if isinstance(entry, Mapping) else entry
    return [named] if isinstance(named, str) else list(named or ())


def hourly_profiles(
    sites: gpd.GeoDataFrame, asked: Mapping[str, Any], folder: Path
) -> Profiles:
    """Return a year of output at every candidate from files of one's own.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates; each takes the series of the nearest place.
    asked : mapping
        ``solar``, ``wind`` or both: a file, a list of files, or a table with ``file``,
        ``variable``, ``year`` and ``max_km`` as `read_profiles` takes them.
    folder : pathlib.Path
        Where the files are.

    Returns
    -------
    Profiles

    Raises
    ------
    LayerError
        A file is missing, or does not hold a year of output per MW.
    """
    tables = {}
    for plant, entry in asked.items():
        names = profile_files(entry)
        for name in names:
            file = folder / name
            if not (is_there(file) and file.is_file()):
                raise LayerError(
                    four_parts(
                        f"The output of {plant} plants is read from {name!r}",
                        "found no such file",
                        "allowed is a path, from the folder of the study",
                        "correct the name",
                    )
                )
        about = dict(entry) if isinstance(entry, Mapping) else {}
        about.pop("file", None)
        files = [folder / name for name in names]
        tables[plant] = read_profiles(files, sites=sites, **about)
    return Profiles.hourly(**tables)


def supply_options(
    sites: gpd.GeoDataFrame,
    profiles: Profiles,
    cfe: Sequence[float] = (0.0, 0.5, 0.7, 0.8, 0.9),
    technologies: Sequence[str] | None = None,
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    """Return what plants beside each candidate cost at some carbon-free shares."""
    return _supply_options(
        sites, profiles, cfe=cfe, technologies=technologies, parameters=parameters
    )


def with_buses(sites: gpd.GeoDataFrame, grid: Network) -> gpd.GeoDataFrame:
    """Return candidates with the bus of a network that each connects to.

    One whose substation has none is excluded: nothing is known of its lines.
    """
    from siteselect.layers import datasets

    buses = datasets.load("grid_buses")
    buses = buses[buses["bus"].isin(grid.bus)]
    station = sites["substation"].where(sites["substation"].isin(buses["substation"]))
    found = sites.assign(bus=connection_buses(station, buses, grid))
    free = found["bus"].isna() & ~found["excluded_by"].fillna("").astype(bool)
    found.loc[free, "excluded_by"] = "no bus in the network"
    found.loc[free, "score"] = float("nan")
    return found


def nearest_links(
    sites: gpd.GeoDataFrame,
    sources: gpd.GeoDataFrame,
    source: str,
    k: int = 3,
    max_km: float | None = None,
    usd_per_km: float = 0.0,
    usd_per_mw_km: float = 0.0,
) -> pd.DataFrame:
    """Return the sources that each candidate may draw from."""
    from siteselect.optimization import nearest_links as links

    return links(
        sites,
        sources,
        source=source,
        k=k,
        max_km=max_km,
        usd_per_km=usd_per_km,
        usd_per_mw_km=usd_per_mw_km,
    )


#: Every call that a study file may make.
MAKERS: tuple[Callable[..., Any], ...] = (
    nearest_links,
    network,
    supply_options,
    typical_days,
    upgrades,
)
