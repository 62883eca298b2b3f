"""Plans and maps as files: whole or not at all, the same bytes for the same plan."""

from __future__ import annotations

import base64
import io
import json
import os
import platform
import threading
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pyogrio
import pyproj
import shapely
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from siteselect.errors import (
    LayerError,
    StudyError,
    check_given,
    four_parts,
    said,
    shown,
)
from siteselect.reporting.fingerprints import fingerprint
from siteselect.reporting.geo_files import (
    to_geojson_text,
    write_gpkg,
    write_parquet,
)
from siteselect.reporting.maps import figure_of
from siteselect.reporting.not_checked import NOT_CHECKED
from siteselect.reporting.plain_values import plain
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    attached,
    criteria_of,
    is_synthetic,
    noun,
    total_cost,
    total_mw,
)
from siteselect.reporting.shapefile import remove_indexes, write_shapefile
from siteselect.reporting.tables import limits_table, lon_lat, sites_table, to_csv_text
from siteselect.reporting.workbook import workbook_bytes
from siteselect.whole_files import (
    as_path,
    whole_file,
    write_bytes,
    write_text,
)

#: Settings of matplotlib are those of the whole process: one thread draws at a time.
DRAWING = threading.RLock()

_PACKAGES = (
    "geopandas",
    "highspy",
    "matplotlib",
    "numpy",
    "pandas",
    "pulp",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)


# ------------------------------------------------------------------ versions


def versions() -> dict[str, str]:
    """Return the versions that a plan rests on.

    Returns
    -------
    dict
        Package name to version, with Python, GDAL, GEOS and PROJ.

    Examples
    --------
    >>> {"python", "pulp", "siteselect"} <= set(versions())
    True
    """
    found = {}
    for name in ("siteselect", *_PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["python"] = platform.python_version()
    found["gdal"] = ".".join(str(part) for part in pyogrio.__gdal_version__)
    found["geos"] = ".".join(str(part) for part in shapely.geos_version)
    found["proj"] = pyproj.proj_version_str
    return dict(sorted(found.items()))


# ------------------------------------------------------------------------- JSON


def plan_record(
    plan: PlanLike, inputs: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return everything `plan.json` holds.

    Timings are left out: they differ from run to run while the plan does not.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    inputs : mapping of str to str, optional
        Further fingerprints, such as those of the layers' files.

    Returns
    -------
    dict
        Only what JSON can hold, in a fixed order.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> record = plan_record(plan)
    >>> record["status"], record["total_mw"]
    ('optimal', 100.0)
    """
    frame = plan.candidates
    notes = attached(frame)
    sites = sites_table(plan)
    prints: dict[str, str] = {"candidates": fingerprint(frame)}
    for name, text in dict(notes.get("fingerprints", {})).items():
        prints[str(name)] = str(text)
    prints.update({str(k): str(v) for k, v in (inputs or {}).items()})
    record = {
        "format": "siteselect plan 1",
        "status": plan.status,
        "objective_name": plan.objective_name,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "solver": plan.solver,
        "total_mw": total_mw(plan),
        "total_cost_usd": total_cost(plan),
        "places_are": noun(frame, 2),
        "candidates": len(frame),
        "sites": [
            {"site": str(label), **row}
            for label, row in zip(
                sites.index, plain(sites.reset_index(drop=True)), strict=True
            )
        ],
        "limits": limits_table(plan),
        "evidence": plan.evidence,
        "criteria": criteria_of(frame),
        "notes": list(plan.notes),
        "synthetic_network": SYNTHETIC_NOTICE if is_synthetic(plan) else None,
        "not_checked": [item.topic for item in NOT_CHECKED],
        "inputs": prints,
        "versions": versions(),
    }
    upgrades = getattr(plan, "upgrades", None)
    if upgrades is not None and len(upgrades):
        record["upgrades"] = upgrades
    return dict(plain(record))


def to_json_text(record: Mapping[str, Any]) -> str:
    """Return a record as JSON text that a person can read and compare.

    Parameters
    ----------
    record : mapping
        What `plan_record` returned.

    Returns
    -------
    str
        Indented JSON with a final line feed.
    """
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


# ---------------------------------------------------------------------- writers


def _write_geojson(plan: PlanLike, path: Path) -> None:
    path.write_text(to_geojson_text(plan.sites), encoding="utf-8")


def _write_csv(plan: PlanLike, path: Path) -> None:
    path.write_text(to_csv_text(sites_table(plan)), encoding="utf-8")


def _write_json(plan: PlanLike, path: Path) -> None:
    path.write_text(to_json_text(plan_record(plan)), encoding="utf-8")


def _write_xlsx(plan: PlanLike, path: Path) -> None:
    tables = {"sites": sites_table(plan), "limits": limits_table(plan)}
    path.write_bytes(workbook_bytes(tables))


_WRITERS: dict[str, Callable[[PlanLike, Path], None]] = {
    ".csv": _write_csv,
    ".geojson": _write_geojson,
    ".gpkg": write_gpkg,
    ".json": _write_json,
    ".parquet": write_parquet,
    ".shp": write_shapefile,
    ".xlsx": _write_xlsx,
}
_WITHOUT_MAP = {".csv", ".json", ".xlsx"}


def write_plan(plan: PlanLike, path: str | os.PathLike[str]) -> Path:
    """Write a plan to a file, whole or not at all; the suffix says how.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    path : path-like
        ``.gpkg`` (layers ``sites`` and ``limits``, styled for QGIS), ``.parquet``,
        ``.geojson`` (RFC 7946), ``.csv`` and ``.xlsx`` hold the chosen places;
        ``.json`` the whole record with status, gap, bound, fingerprints and
        versions. ``.shp`` has names of ten letters: ``<name>_fields.csv`` beside it
        says which field is which column and what was cut.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    StudyError
        If the suffix is not known or the folder does not exist.
    LayerError
        If the sites have no CRS, or a shapefile cannot hold them.

    Warns
    -----
    DataQualityWarning
        If a shapefile renames columns or cuts texts.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_plan(plan, folder + "/sites.csv").read_text()[:13]
    'site,mw,score'
    """
    target = as_path(path, 'plan.to_file("sites.gpkg")')
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise StudyError(
            four_parts(
                f"A plan was to be written to {target.name}",
                f"the suffix is {target.suffix or 'missing'}",
                "one of " + ", ".join(sorted(_WRITERS)),
                'Call write_plan(plan, "sites.gpkg")',
            )
        )
    if target.suffix.lower() not in _WITHOUT_MAP and plan.sites.crs is None:
        raise LayerError(
            four_parts(
                f"A plan was to be written to {target.name}",
                "its sites have no CRS",
                "any CRS",
                "Call set_crs on the candidates before choosing",
            )
        )
    odd = [str(name) for name in plan.sites.columns if "\0" in str(name)]
    if odd:
        raise StudyError(
            four_parts(
                f"A plan was to be written to {target.name}",
                f"the columns {shown(map(said, odd))} have the character NUL in "
                "their names",
                "names without it are needed",
                "Give the criteria or columns other names",
            )
        )
    with whole_file(target) as part:
        writer(plan, part)
    if writer is write_shapefile:
        remove_indexes(target)
    return target


def figure_bytes(figure: Figure, suffix: str = ".png", *, dpi: float = 300) -> bytes:
    """Return a figure as the bytes of a file, without time or program in them.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    suffix : str
        ".png", ".svg" (text as text) or ".pdf".
    dpi : float
        Dots per inch of pixels and of rasterized parts.

    Returns
    -------
    bytes
        The file's content.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure_bytes(Figure(), ".png", dpi=30)[1:4]
    b'PNG'
    """
    kind = suffix.lower().lstrip(".")
    empty: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    if kind not in empty:
        raise StudyError(
            four_parts(
                f"A map was to be written as {suffix!r}",
                "no writer has this suffix",
                ".png, .svg or .pdf",
                'Use a name such as "map.png"',
            )
        )
    buffer = io.BytesIO()
    settings: Any = {
        "svg.hashsalt": "siteselect",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
    }
    with DRAWING, mpl.rc_context(settings):
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=empty[kind])
    return buffer.getvalue()


def write_map(
    ax: Axes | Figure, path: str | os.PathLike[str], *, dpi: float = 300
) -> Path:
    """Write a map to a file, whole or not at all.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or Figure
        What `plot_plan` returned, or its figure.
    path : path-like
        ``.png``, ``.svg`` or ``.pdf``.
    dpi : float
        Dots per inch.

    Returns
    -------
    pathlib.Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> from matplotlib.figure import Figure
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(Figure(), folder + "/map.png", dpi=30).name
    'map.png'
    """
    check_given(
        ax,
        ("get_figure",),
        "A picture is written of axes or a figure",
        "what plan.plot() returned is needed",
        'write_map(plan.plot(), "map.png")',
    )
    target = as_path(path, 'write_map(plan.plot(), "map.png")')
    figure = ax if isinstance(ax, Figure) else figure_of(ax)
    return write_bytes(target, figure_bytes(figure, target.suffix, dpi=dpi))


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Return bytes as an address that holds its own content.

    Parameters
    ----------
    content : bytes
        The file's content.
    kind : str
        Its media type.

    Returns
    -------
    str
        A ``data:`` address.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


__all__ = [
    "as_path",
    "data_uri",
    "figure_bytes",
    "fingerprint",
    "lon_lat",
    "plain",
    "plan_record",
    "to_geojson_text",
    "to_json_text",
    "versions",
    "whole_file",
    "write_bytes",
    "write_map",
    "write_plan",
    "write_text",
]
