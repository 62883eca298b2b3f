"""What is installed, with versions: for reports of mistakes, and for the doctor."""

from __future__ import annotations

import platform
import re
from importlib import metadata

import pandas as pd
import pyogrio
import pyproj
import rasterio
import shapely

__all__ = ["installed", "show_versions"]

#: Extras of users; those of developers say nothing of what a user met.
_EXTRAS = ("interactive", "maps", "mcda", "parallel", "profiles", "sensitivity")


def installed() -> pd.DataFrame:
    """Return one row per part of the installation.

    Returns
    -------
    pandas.DataFrame
        ``group`` (system, library, geography, solver, optional), ``part``,
        ``version`` (``""``: not installed) and ``extra`` (the one that brings it).

    Examples
    --------
    >>> table = installed().set_index("part")
    >>> table.loc["HiGHS", "group"], bool(table.loc["numpy", "version"])
    ('solver', True)
    """
    rows = [
        ("system", "python", platform.python_version(), ""),
        ("system", "implementation", platform.python_implementation(), ""),
        ("system", "system", f"{platform.system()} {platform.release()}", ""),
        ("system", "machine", platform.machine(), ""),
        ("library", "siteselect", _version("siteselect"), ""),
    ]
    needed, optional = _required()
    rows += [("library", name, _version(name), "") for name in needed]
    rows += [
        ("geography", "GDAL of pyogrio", _dotted(pyogrio.__gdal_version__), ""),
        ("geography", "GDAL of rasterio", rasterio.__gdal_version__, ""),
        ("geography", "GEOS", _dotted(shapely.geos_version), ""),
        ("geography", "PROJ", pyproj.proj_version_str, ""),
    ]
    rows += [("solver", name, said, "") for name, said in _solvers().items()]
    rows += [("optional", name, _version(name), extra) for name, extra in optional]
    return pd.DataFrame(rows, columns=["group", "part", "version", "extra"])


def show_versions() -> None:
    """Print what is installed, with versions, to put into a report of a mistake.

    It prints no paths and no names of machine or user. `siteselect doctor` tries
    the parts as well.

    Returns
    -------
    None

    Examples
    --------
    >>> import siteselect as ss
    >>> ss.show_versions()  # doctest: +ELLIPSIS
    SYSTEM
    python ...
    """
    table = installed()
    width = int(table["part"].str.len().max())
    blocks = []
    for group, rows in table.groupby("group", sort=False):
        lines = [
            f"{part:<{width}}  {version or f'not installed (extra {extra!r})'}"
            for part, version, extra in rows[["part", "version", "extra"]].itertuples(
                index=False
            )
        ]
        blocks.append("\n".join([str(group).upper(), *lines]))
    print("\n\n".join(blocks))


def _required() -> tuple[list[str], list[tuple[str, str]]]:
    """Return what siteselect needs, and what each extra brings, by its metadata."""
    needed: list[str] = []
    optional: dict[str, str] = {}
    try:
        lines = metadata.requires("siteselect") or []
    except metadata.PackageNotFoundError:
        # Run from a source tree that was not installed.
        lines = []
    for line in lines:
        found = re.match(r"[A-Za-z0-9._-]+", line)
        if found is None:
            continue
        name = found.group()
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", line)
        if extra is None:
            needed.append(name)
        elif extra.group(1) in _EXTRAS and name != "siteselect":
            optional[name] = extra.group(1)
    return sorted(needed, key=str.lower), sorted(optional.items())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _dotted(parts: tuple[int, ...]) -> str:
    return ".".join(map(str, parts))


def _solvers() -> dict[str, str]:
    from siteselect.optimization.highs import new_highs
    from siteselect.optimization.pulp_model import solvers_there

    # One that is silent: HiGHS greets whoever asks for its version.
    highs = new_highs()
    names = [name for name in solvers_there() if name != "HiGHS"]
    return {"HiGHS": str(highs.version()), "through PuLP": ", ".join(names) or "none"}
