"""What a file is by its first bytes, whatever its suffix says."""

from __future__ import annotations

import zipfile
from pathlib import Path

from siteselect.errors import shown

__all__ = ["is_remote", "is_there", "seems"]

# From the specification of each format.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file (.parquet)"),
    (b"ARROW1", "a Feather file (.feather)"),
    (b"SQLite format 3\x00", "a GeoPackage (.gpkg)"),
    (b"fgb\x03", "a FlatGeobuf file (.fgb)"),
    (b"\x00\x00\x27\x0a", "a shapefile (.shp)"),
    (b"II*\x00", "a GeoTIFF (.tif)"),
    (b"MM\x00*", "a GeoTIFF (.tif)"),
    (b"II+\x00", "a GeoTIFF (.tif)"),
    (b"\x89HDF", "an HDF5 or NetCDF file (.nc)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "something packed with gzip (.gz)"),
)


def is_remote(path: str) -> bool:
    """Return whether GDAL, not the file system, knows where this is.

    Examples
    --------
    >>> is_remote("https://example.org/lakes.gpkg"), is_remote("lakes.gpkg")
    (True, False)
    """
    return "://" in path or path.startswith("/vsi")


def is_there(path: Path) -> bool:
    r"""Return whether the file system has this; a name it cannot hold is not there.

    Examples
    --------
    >>> is_there(Path(".")), is_there(Path("x" * 5000)), is_there(Path("a\0b"))
    (True, False, False)
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def seems(path: str) -> str:
    """Return what a local file seems to be, empty if its beginning does not tell.

    Parameters
    ----------
    path : str
        Any path.

    Returns
    -------
    str
        Such as ``"it begins like a GeoPackage (.gpkg)"``.
    """
    file = Path(path)
    if is_remote(path) or not (is_there(file) and file.is_file()):
        return ""
    with file.open("rb") as stream:
        head = stream.read(512)
    if not head:
        return "it is empty"
    kind = _kind(file, head)
    return f"it begins like {kind}" if kind else ""


def _kind(file: Path, head: bytes) -> str:
    """Return the name of a format, empty if unknown."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _archive(file)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML), perhaps an error message"
    if text.startswith(b"<?xml") or text.startswith(b"<"):
        return "XML (.kml, .gml)"
    if text.startswith(b"{") and b'"' in text:
        return "GeoJSON (.geojson)"
    return ""


def _archive(file: Path) -> str:
    """Say what is in a zip archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (OSError, NotImplementedError, zipfile.BadZipFile):
        return "a zip archive, damaged"
    if "[Content_Types].xml" in names:
        return "a spreadsheet or document of an office program (.xlsx)"
    return f"a zip archive of {shown(names)}"
