"""A digest of criteria, exclusions and layers: equal inputs, equal digest.

It says whether a stored result still belongs to what is asked now. Layers count
by their content, rasters by the size and time of their files, a user's own
function by its code, defaults and closure, and by the globals that it names: other
functions and classes of the user's in the same way, modules and what is installed
by name and version, a module of the user's by its file.
"""

from __future__ import annotations

import builtins
import dataclasses
import dis
import functools
import hashlib
import json
import logging
import pickle
import re
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping, Set
from importlib import metadata
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from siteselect.errors import StudyError, four_parts
from siteselect.layers import Raster

#: What decides the last bit of a figure.
_PACKAGES = (
    "exactextract",
    "geopandas",
    "numpy",
    "pandas",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)

#: Where locks and the like come from. One beside a function keeps an order and
#: decides no figure; one handed over with it cannot be.
_WAITING = frozenset({"_thread", "threading", "multiprocessing.synchronize"})

#: What a column of texts holds, some of them missing.
_TEXTS = {str: 0, float: 1, type(None): 2}

#: How an address into an archive begins, such as ``zip:/`` and ``/vsizip/``.
_ADDRESS = re.compile(r"^(?:/vsi[a-z0-9]+/+|[a-z]+:/*)+")

__all__ = ["digest", "file_digest", "versions"]


def digest(*parts: object) -> str:
    """Return a hexadecimal digest of anything that scoring reads.

    Examples
    --------
    >>> digest({"a": 1.0}) == digest({"a": 1.0}), digest(1) == digest(1.0)
    (True, False)
    """
    try:
        return _Digest().of(parts).hex()
    except RecursionError:
        raise StudyError(
            four_parts(
                "What is asked of the candidates is to be told apart from what "
                "another run asks",
                "its parts hold one another too deeply to be compared",
                f"things within things are allowed, up to {sys.getrecursionlimit()} "
                "steps of Python",
                "call fewer functions of your own from one another, or flatten the "
                "list that one reads",
            )
        ) from None


def file_digest(path: Path) -> str:
    """Return a hexadecimal digest of the bytes of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "blake2b").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that decide the last bit of a figure."""
    from siteselect._version import __version__

    found = {name: metadata.version(name) for name in _PACKAGES}
    return {"siteselect": __version__, **found}


class _Digest:
    """Digests of nested things; what is met twice is read once."""

    def __init__(self) -> None:
        # Things are kept beside their digest so that their ids stay their own.
        self._known: dict[int, tuple[object, bytes]] = {}

    def of(self, thing: Any) -> bytes:
        """Return the digest of one thing."""
        if id(thing) not in self._known:
            # What contains itself is told apart by its type alone.
            self._known[id(thing)] = (thing, type(thing).__qualname__.encode())
            self._known[id(thing)] = (thing, self._read(thing))
        return self._known[id(thing)][1]

    def _all(self, kind: str, *parts: Any) -> bytes:
        joined = b"".join(self.of(part) for part in parts)
        return _hash(kind, joined)

    def _read(self, thing: Any) -> bytes:
        if thing is None or isinstance(thing, (bool, int, float, str, bytes)):
            return _hash(type(thing).__name__, repr(thing).encode())
        if isinstance(thing, (np.ndarray, np.generic)):
            return self._array(np.asarray(thing))
        if isinstance(thing, pd.DataFrame):
            columns = [thing.iloc[:, i] for i in range(thing.shape[1])]
            about = json.dumps(thing.attrs, default=str, sort_keys=True)
            return self._all("frame", list(thing.columns), thing.index, about, *columns)
        if isinstance(thing, gpd.GeoSeries):
            crs = None if thing.crs is None else thing.crs.to_wkt()
            return self._all("geoseries", crs, thing.to_numpy())
        if isinstance(thing, pd.Series):
            return self._all("series", thing.name, thing.index, thing.array)
        if isinstance(thing, pd.Index):
            return self._all("index", list(thing.names), thing.array)
        if isinstance(thing, pd.api.extensions.ExtensionArray):
            return self._all("array", str(thing.dtype), np.asarray(thing))
        if isinstance(thing, shapely.Geometry):
            return _hash("geometry", shapely.to_wkb(thing))
        if isinstance(thing, pyproj.CRS):
            return _hash("crs", thing.to_wkt().encode())
        if isinstance(thing, Raster):
            fields = [getattr(thing, f.name) for f in dataclasses.fields(thing)]
            return self._all("raster", *fields, *_files_of(thing))
        if isinstance(thing, Path):
            return _hash("path", str(thing).encode())
        if isinstance(thing, Mapping):
            return self._all("mapping", *thing.keys(), *thing.values())
        if isinstance(thing, Set):
            return _hash("set", b"".join(sorted(self.of(item) for item in thing)))
        if isinstance(thing, (list, tuple)):
            return self._all("sequence", *thing)
        return self._code_or_object(thing)

    def _array(self, array: Any) -> bytes:
        shape = repr((str(array.dtype), array.shape)).encode()
        if array.dtype != object:
            return _hash("ndarray", shape + np.ascontiguousarray(array).tobytes())
        flat = array.ravel()
        kinds = set(map(type, flat))
        kind = "ndarray"
        if str in kinds and kinds <= _TEXTS.keys():
            # Read together, each by its length.
            texts = [item if type(item) is str else repr(item) for item in flat]
            shape += bytes([_TEXTS[type(item)] for item in flat])
            sizes = np.array(list(map(len, texts)), dtype=np.int64).tobytes()
            joined = "".join(texts).encode("utf-8", "surrogatepass")
            return _hash("texts", shape + sizes + joined)
        if kinds and all(
            one is type(None) or issubclass(one, shapely.Geometry) for one in kinds
        ):
            parts = [item or b"" for item in shapely.to_wkb(flat)]
        else:
            parts = [self._read(item) for item in flat]
        sizes = np.array([len(part) for part in parts], dtype=np.int64).tobytes()
        return _hash(kind, shape + sizes + b"".join(parts))

    def _code_or_object(self, thing: Any) -> bytes:
        if isinstance(thing, types.FunctionType):
            cells = [_content(cell) for cell in thing.__closure__ or ()]
            module = thing.__module__ or ""
            return self._all(
                "function",
                f"{module}.{thing.__qualname__}",
                thing.__code__,
                thing.__defaults__,
                thing.__kwdefaults__,
                cells,
                _globals_of(thing) if _is_own(module) else _version_of(module),
            )
        if isinstance(thing, types.CodeType):
            return self._all("code", thing.co_code, thing.co_consts, thing.co_names)
        if isinstance(thing, types.ModuleType):
            return self._all("module", thing.__name__, _version_of(thing.__name__))
        if isinstance(thing, logging.Logger):
            return self._all("logger", thing.name)
        if isinstance(thing, (staticmethod, classmethod)):
            return self._all(type(thing).__name__, thing.__func__)
        if isinstance(thing, property):
            return self._all("property", thing.fget, thing.fset, thing.fdel)
        if isinstance(thing, types.MethodType):
            return self._all("method", thing.__func__, thing.__self__)
        if isinstance(thing, functools.partial):
            return self._all("partial", thing.func, thing.args, thing.keywords)
        if isinstance(thing, type) and _is_own(thing.__module__):
            return self._all("class", thing.__qualname__, *_body_of(thing))
        if isinstance(thing, (type, types.BuiltinFunctionType, np.ufunc)):
            name = getattr(thing, "__qualname__", thing.__name__)
            return _hash("named", name.encode())
        kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
        is_own = _is_own(type(thing).__module__)
        if is_own:
            # What an object of the user's does is in the code of its class.
            kind += f" {self.of(type(thing)).hex()}"
        if dataclasses.is_dataclass(thing):
            names = [field.name for field in dataclasses.fields(thing)]
            return self._all(kind, names, *(getattr(thing, name) for name in names))
        # Without a state of its own: nothing to pickle, which a class of a notebook
        # could not be.
        kind_of: Any = type(thing)
        is_bare = is_own and kind_of.__new__ is object.__new__
        if hasattr(thing, "__dict__") and (vars(thing) or is_bare):
            return self._all(kind, vars(thing))
        try:
            return _hash(kind, pickle.dumps(thing, protocol=5))
        # Whatever cannot be pickled says so in its own way.
        except Exception as error:
            raise StudyError(
                four_parts(
                    "What is asked of the candidates is to be told apart from what "
                    "another run asks",
                    f"it holds a {kind}, which has no content to compare ({error})",
                    "numbers, texts, tables, layers and plain functions are allowed",
                    "make it inside the function, not around it",
                )
            ) from None


def _hash(kind: str, content: bytes) -> bytes:
    """Digest of one kind of content."""
    return hashlib.blake2b(kind.encode() + b"\0" + content, digest_size=32).digest()


def _content(cell: types.CellType) -> Any:
    """Return what a closure holds; a cell may still be empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _globals_of(function: types.FunctionType) -> dict[str, Any]:
    """Return the globals that a function names, those of functions in it included."""
    known = function.__globals__
    found = {}
    for name in sorted(set(_names(function.__code__))):
        if name in known:
            item = known[name]
            is_lock = type(item).__module__ in _WAITING
            found[name] = type(item).__qualname__ if is_lock else item
        elif not hasattr(builtins, name):
            found[name] = "not there"
    return found


def _names(code: types.CodeType) -> Iterator[str]:
    """Return the names of globals that code reads, not those of attributes."""
    for step in dis.get_instructions(code):
        if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            yield str(step.argval)
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _names(part)


def _body_of(kind: type) -> Iterator[Any]:
    """Return what makes up a class of the user's: its bases, code and constants."""
    yield kind.__bases__
    code = (types.FunctionType, staticmethod, classmethod, property)
    for name, item in sorted(vars(kind).items()):
        is_wrapped = isinstance(item, functools.cached_property)
        body = item.func if is_wrapped else item
        is_code = isinstance(body, code)
        is_slot = isinstance(
            body, (types.MemberDescriptorType, types.GetSetDescriptorType)
        )
        # What Python itself keeps there is no part of what the user wrote.
        if is_code or not (name.startswith("_") or is_slot):
            yield name
            yield body


@functools.cache
def _is_own(module: str) -> bool:
    """Return whether a module is the user's: neither installed nor of Python."""
    root = module.partition(".")[0]
    if root in {"siteselect", *sys.stdlib_module_names} - {"__main__"}:
        return False
    if root in sys.builtin_module_names:
        return False
    file = _file_of(root) or _file_of(module)
    if file is None:
        # A notebook, a prompt, or what is sent to a worker.
        return True
    installed = {sysconfig.get_path(key) for key in ("purelib", "platlib")}
    return not any(file.is_relative_to(Path(path).resolve()) for path in installed)


def _file_of(module: str) -> Path | None:
    """Return the file of a module that is imported, None if it has none."""
    path = getattr(sys.modules.get(module), "__file__", None)
    return Path(path).resolve() if path else None


def _version_of(module: str) -> str:
    """Return the version of a module, or the digest of its file if it is the user's."""
    root = module.partition(".")[0]
    if _is_own(module):
        file = _file_of(module)
        return file_digest(file) if file is not None and file.is_file() else ""
    if root in sys.stdlib_module_names or root in sys.builtin_module_names:
        return sys.version
    return str(getattr(sys.modules.get(root), "__version__", ""))


def _files_of(raster: Raster) -> list[Any]:
    """Size and time of each file of a raster, those of a mosaic included."""
    import rasterio

    paths: set[Path] = set()
    for tile in {raster.path, *getattr(raster, "tiles", ())}:
        with rasterio.open(tile) as source:
            paths |= {tile, *map(Path, source.files)}
    held = {one for path in paths if (one := _on_disk(path)) is not None}
    stats = [(str(path), path.stat()) for path in sorted(held)]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def _on_disk(path: Path) -> Path | None:
    """Return the file that GDAL reads at an address: itself, or its archive."""
    if path.exists():
        return path
    inner = _ADDRESS.sub("", str(path)).partition("!")[0]
    for begin in (Path(inner), Path("/", inner)):
        for one in (begin, *begin.parents):
            if one.is_file():
                return one
    return None
