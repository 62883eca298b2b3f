"""What is installed, and whether it works."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import pandas as pd

from siteselect.study.installed import installed

__all__ = ["examine"]

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
    rows: list[tuple[str, str, str]] = []
    for part, version, extra in installed()[["part", "version", "extra"]].itertuples(
        index=False
    ):
        how = f"pip install 'siteselect[{extra}]'"
        missing = f"optional: {how}" if extra else "needed: pip install siteselect"
        state = "works" if version else "missing" if extra else "broken"
        rows.append((part, state, version or missing))
    rows += [_tried("solver", _solver), _tried("bundled layers", _layers)]
    rows.append(_tried("file formats", _formats))
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
