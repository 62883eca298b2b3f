"""Which files are read when one file is: its parts, and those that it points to."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from siteselect.layers.cells import UNREADABLE
from siteselect.layers.kinds import is_there
from siteselect.layers.notices import undecoded_unsaid
from siteselect.layers.read import RASTER_SUFFIXES

__all__ = ["ADDRESS", "MISSING", "parts_of"]

#: What is said in place of a fingerprint.
MISSING = "missing"
ADDRESS = "not kept: an address may change"

#: Suffixes of files that are one layer together, by the file that is named. What a
#: reader itself writes while it reads (.gfs, -shm) is no input.
_SHAPEFILE = (
    ".cpg", ".cst", ".dbf", ".idm", ".ind", ".prj", ".qix", ".sbn", ".sbx", ".shp",
    ".shp.xml", ".shx",
)  # fmt: skip
_MAPINFO = (".dat", ".dbf", ".id", ".ind", ".map", ".mid", ".mif", ".tab")
_RASTER = (
    ".ascw", ".aux", ".bilw", ".blw", ".bmpw", ".bpw", ".clr", ".gfw", ".gifw", ".hdr",
    ".imd", ".imgw", ".j2w", ".jgw", ".jp2w", ".jpegw", ".jpgw", ".pgw", ".pngw",
    ".prj", ".rpb", ".rrd", ".stx", ".tab", ".tfw", ".tifw", ".tiffw", ".wld",
)  # fmt: skip
_KIN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((".shp", ".shx", ".dbf"), _SHAPEFILE),
    **dict.fromkeys((".tab", ".mif", ".mid", ".dat", ".map"), _MAPINFO),
    **dict.fromkeys(RASTER_SUFFIXES, _RASTER),
    ".csv": (".csvt", ".prj"),
    ".gml": (".xsd",),
}
#: Ends that are put behind the whole name of a file.
_BEHIND = (".aux.xml", ".msk", ".ovr", "-journal", "-wal")
#: A virtual layer names its sources in these.
_SOURCES = ("SourceFilename", "SourceDataset", "SrcDataSource", "IndexDataset")
_VIRTUAL = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<(VRTDataset|OGRVRTDataSource)\b")
#: So much of a file tells whether it is a virtual layer.
_HEAD = 512
#: Lock files come and go.
_FLEETING = (".lock",)


def parts_of(path: Path) -> dict[str, Path | str]:
    """Return every file that is read when a path is, by its name as seen from there.

    Parameters
    ----------
    path : pathlib.Path
        A file or a folder. A virtual layer (VRT) stands for its sources as well,
        those of its sources included.

    Returns
    -------
    dict of str to pathlib.Path or str
        The file itself is named ``""``. Others go by the way to them where they are
        named by it, else by their name alone: the names are the same wherever the
        files are. In place of a file that is not there stands `MISSING`, and
        `ADDRESS` in place of what is none.
    """
    if not is_there(path):
        return {"": MISSING}
    if path.is_dir():
        # Layers that are a folder are flat; what a plan names may be a whole disk.
        inside = sorted(p for p in path.glob("*") if p.is_file())
        return {p.name: p for p in inside if p.suffix not in _FLEETING}
    return _Parts(path).found


class _Parts:
    """Follows a file to its parts, each once."""

    def __init__(self, path: Path) -> None:
        self.found: dict[str, Path | str] = {}
        self._seen: set[Path] = set()
        self._beside: dict[Path, list[Path]] = {}
        self._waiting: list[tuple[str, Path]] = []
        self._top = path
        self._keep(path.name, path)
        while self._waiting:
            name, file = self._waiting.pop(0)
            self._follow(name, file)

    def _keep(self, name: str, path: Path) -> None:
        """Keep a file under its name, or under that name and a number."""
        if (real := path.resolve()) in self._seen:
            return
        self._seen.add(real)
        label = self._label("" if path == self._top else name)
        self.found[label] = path if path.is_file() else MISSING
        if path.is_file():
            self._waiting.append((name, path))

    def _label(self, name: str) -> str:
        n = 1
        while (label := name if n == 1 else f"{name} {n}") in self.found:
            n += 1
        return label

    def _follow(self, name: str, path: Path) -> None:
        """Keep what belongs to a file: beside it, and where it points."""
        folder = PurePosixPath(name).parent
        for one in self._kin(path):
            self._keep(_tidy(folder / one.name), one)
        for source in _sources(path):
            self._point(source.strip(), folder, path)
        for one in _raster_files(path):
            is_inside = one.is_relative_to(self._top.parent)
            way = one.relative_to(self._top.parent) if is_inside else Path(one.name)
            self._keep(way.as_posix(), one)

    def _kin(self, path: Path) -> list[Path]:
        """Return the files beside a file that are read with it."""
        kin = _KIN.get(path.suffix.lower(), ())
        stem, whole = path.stem, path.name
        found = []
        for one in self._listed(path.parent):
            is_kin = one.name.startswith(f"{stem}.") and (
                one.name[len(stem) :].lower() in kin
            )
            is_behind = one.name.startswith(whole) and (
                one.name[len(whole) :].lower() in _BEHIND
            )
            # An empty log of changes says nothing: a mere look makes one.
            is_log = one.name.endswith(("-wal", "-journal"))
            if (is_kin or is_behind) and not (is_log and not one.stat().st_size):
                found.append(one)
        return found

    def _listed(self, folder: Path) -> list[Path]:
        if folder not in self._beside:
            self._beside[folder] = sorted(p for p in folder.iterdir() if p.is_file())
        return self._beside[folder]

    def _point(self, source: str, folder: PurePosixPath, path: Path) -> None:
        """Keep a source of a virtual layer, as that names it."""
        if source.startswith("<"):  # A virtual layer within.
            for inner in _named_in(source.encode()):
                self._point(inner, folder, path)
            return
        if "://" in source:
            self.found[self._label(source)] = ADDRESS
            return
        file = _file_in(source)
        if not file:
            return
        # By the virtual layer where it says so; GDAL goes by the working folder else,
        # where a source is rarely: whatever is there is told.
        is_free = Path(file).is_absolute()
        beside = path.parent / file
        target = Path(file) if is_free or not _is_near(beside) else beside
        name = Path(file).name if is_free else _tidy(folder / PurePosixPath(file))
        self._keep(name, target if _is_near(target) else beside)


def _is_near(path: Path) -> bool:
    return is_there(path) and path.is_file()


def _tidy(path: PurePosixPath) -> str:
    """Return a way without steps back that the way itself undoes."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _sources(path: Path) -> list[str]:
    """Return what a virtual layer names as its sources; nothing of other files."""
    with path.open("rb") as handle:
        if not _VIRTUAL.match(handle.read(_HEAD).removeprefix(b"\xef\xbb\xbf")):
            return []
    return list(_named_in(path.read_bytes()))


def _named_in(text: bytes) -> Iterator[str]:
    try:
        top = ET.fromstring(text)
    except ET.ParseError:
        return  # It cannot be read as a layer either, which the reader says.
    for one in top.iter():
        if one.tag in _SOURCES and one.text:
            yield one.text


def _file_in(source: str) -> str:
    """Return the file in what GDAL calls a dataset: an archive, a part of a file.

    Examples
    --------
    >>> _file_in('NETCDF:"a b.nc":wind'), _file_in("/vsizip/in/a.zip/b.tif")
    ('a b.nc', 'in/a.zip')
    >>> _file_in("GPKG:a.gpkg:dem"), _file_in("C:/a.tif"), _file_in("a.tif")
    ('a.gpkg', 'C:/a.tif', 'a.tif')
    """
    packed = re.match(
        r"/vsi(?:zip|tar|gzip|7z|rar)/\{?(.*?\.(?:zip|tar|tgz|gz|7z|rar|kmz))(?![\w.])",
        source,
        re.I,
    )
    if packed:
        return packed.group(1)
    if source.startswith("/vsi"):
        return ""  # In memory, or in a store of its own.
    part = re.match(r'[A-Za-z0-9_]{2,}:(?:\d+:)?(?:"([^"]+)"|([^:]+))', source)
    return (part.group(1) or part.group(2)) if part else source


def _raster_files(path: Path) -> list[Path]:
    """Return the files that a raster is made of, as its reader lists them."""
    if path.suffix.lower() not in RASTER_SUFFIXES:
        return []
    try:
        with warnings.catch_warnings(), undecoded_unsaid():
            # Series by the hour are no map; what is one is read for it elsewhere.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as dataset:
                files = [Path(name) for name in dataset.files]
    except (*UNREADABLE, OSError, ValueError):
        return []  # The reader says what is wrong.
    return [one for one in files if _is_near(one)]
