"""What is installed, and whether it works."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import geopandas as gpd
import pandas as pd

__all__ = ["examine"]

#: Optional packages, with the extra that brings each.
_EXTRAS = {
    "bokeh": "interactive",
    "mapclassify": "maps",
    "pymcdm": "mcda",
    "distributed": "parallel",
    "SALib": "sensitivity",
}
#: Drivers that read what users bring.
_DRIVERS = ("GPKG", "GeoJSON", "ESRI Shapefile", "KML", "LIBKML", "CSV", "Parquet")


def examine() -> pd.DataFrame:
    """Return one row per part of the installation.

    Returns
    -------
    pandas.DataFrame
        ``part``, ``state`` (``"works"``, ``"missing"`` or ``"broken"``), ``found``.

    Examples
    --------
    >>> table = examine().set_index("part")
    >>> table.loc["solver", "state"]
    'works'
    """
    from siteselect.reporting import versions

    rows = [(name, "works", version) for name, version in versions().items()]
    rows += [_tried("solver", _solver), _tried("bundled layers", _layers)]
    rows.append(_tried("file formats", _formats))
    for name, extra in _EXTRAS.items():
        there = importlib.util.find_spec(name) is not None
        found = f"extra {extra!r}"
        if not there:
            found = f"optional: pip install 'siteselect[{extra}]'"
        rows.append((name, "works" if there else "missing", found))
    return pd.DataFrame(rows, columns=["part", "state", "found"])


def _tried(part: str, test: Callable[[], str]) -> tuple[str, str, str]:
    try:
        return part, "works", test()
    # Whatever is wrong with an installation: it is to be told, not to end here.
    except Exception as error:
        return part, "broken", f"{type(error).__name__}: {error}"


def _solver() -> str:
    from siteselect.optimization import optimize_sites

    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8, 0.5], "capacity_mw": [100.0, 300.0, 300.0]},
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]),
        crs=4326,
    )
    plan = optimize_sites(sites, power_mw=400, site_mw=[100, 300])
    plan.verify()
    if plan.status != "optimal" or sorted(plan.sites.index) != [0, 1]:
        raise RuntimeError(f"a plan of three sites came out wrong: {plan.status}")
    return f"a plan of three sites, {plan.solver}"


def _layers() -> str:
    from siteselect.layers import datasets

    names = list(datasets.layers().index)
    for name in names:
        datasets.load(name)
    return f"{len(names)} layers read"


def _formats() -> str:
    import pyogrio

    known = pyogrio.list_drivers()
    return ", ".join(name for name in _DRIVERS if name in known)
