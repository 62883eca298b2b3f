"""Spatial answers for one frame of candidates, each question asked once.

Criteria of one `score_sites` call that look at the same layer share the
answer; frames of one `score_partitions` call share the layers made ready. Both
live as long as the call: there is no global cache.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pandas.api.types import is_bool_dtype

from siteselect.errors import (
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.layers import Raster, spatial
from siteselect.layers import raster as raster_queries
from siteselect.layers import terrain as terrain_queries
from siteselect.layers.edges import LayerIndex
from siteselect.layers.places import Places
from siteselect.layers.reach import Reach
from siteselect.suitability.checks import (
    check_vector,
    column_of,
    holds,
    layer_name,
    sound,
)

#: What a filter in words may be made of.
_COMPARISON = (
    ast.Expression,
    ast.BoolOp,
    ast.boolop,
    ast.UnaryOp,
    ast.unaryop,
    ast.BinOp,
    ast.operator,
    ast.Compare,
    ast.cmpop,
    ast.Name,
    ast.expr_context,
    ast.Constant,
    ast.List,
    ast.Tuple,
)

#: Arithmetic that stays small: no powers, no shifts.
_ARITHMETIC = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.BitAnd,
    ast.BitOr,
)

#: Pairs and sites kept for the next criterion that asks the same (24 bytes each).
KEPT_PAIRS = 4_000_000

Filter = str | Mapping[str, Any] | Callable[[gpd.GeoDataFrame], "pd.Series[bool]"]
Answer = TypeVar("Answer")

__all__ = [
    "Filter",
    "Layers",
    "Queries",
    "describe_filter",
    "function_name",
    "one_band",
]


@dataclass(frozen=True, eq=False)
class Subset:
    """The rows of a layer that pass a filter, and how many the layer has."""

    features: gpd.GeoDataFrame
    n_layer: int


class Layers:
    """Layers filtered and indexed once, however many frames of candidates ask.

    They are made again where they are sent, so that only what was given travels.
    """

    def __init__(self) -> None:
        # The layer is kept beside its answer so that its id stays its own.
        self._answers: dict[Hashable, tuple[Any, Any]] = {}
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[type[Layers], tuple[()]]:
        return type(self), ()

    def _once(self, key: Hashable, layer: Any, ask: Callable[[], Answer]) -> Answer:
        with self._lock:
            if key not in self._answers:
                self._answers[key] = (layer, ask())
            answer: Answer = self._answers[key][1]
        return answer

    def subset(self, layer: gpd.GeoDataFrame, where: Filter | None) -> Subset:
        """Return the rows of the layer that pass the filter."""
        return self._once(
            ("subset", id(layer), _filter_key(where)),
            (layer, where),
            lambda: Subset(
                sound(_filtered(layer, where), f"layer {layer_name(layer)!r}"),
                len(layer),
            ),
        )

    def index(self, layer: gpd.GeoDataFrame, where: Filter | None) -> LayerIndex:
        """Return the layer, or what passes the filter, made ready for questions."""
        return self._once(
            ("index", id(layer), _filter_key(where)),
            (layer, where),
            lambda: spatial.indexed(self.subset(layer, where).features),
        )

    def make_ready(self, asker: Any) -> None:
        """Filter and place the layer that a measure or an exclusion will ask."""
        layer = getattr(asker, "layer", None)
        if isinstance(layer, gpd.GeoDataFrame):
            self.index(layer, getattr(asker, "where", None))

    def outline(self, layer: gpd.GeoDataFrame) -> LayerIndex:
        """Return the outline of all polygons together, made ready for questions."""
        return self._once(
            ("outline", id(layer)),
            layer,
            lambda: spatial.indexed(_outline(self.subset(layer, None).features)),
        )


class Queries:
    """Ask each spatial question about one frame of candidates once.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        The candidates; read, never changed.
    layers : Layers, optional
        Layers that other frames ask too; they live as long as this by default.
    """

    def __init__(self, sites: gpd.GeoDataFrame, layers: Layers | None = None) -> None:
        given: Any = sites
        if isinstance(given, gpd.GeoSeries):
            given = given.to_frame("geometry")
        if not isinstance(given, gpd.GeoDataFrame):
            raise LayerError(
                four_parts(
                    "Candidates are measured as a frame with geometry",
                    f"found {said(given)} ({type(given).__name__})",
                    "allowed is a GeoDataFrame",
                    "make one with read_layer(...) or grid_candidates(...)",
                )
            )
        self.sites = given
        self.layers = Layers() if layers is None else layers
        # The layer is kept beside its answer so that its id stays its own.
        self._answers: dict[Hashable, tuple[Any, Any]] = {}

    def _once(self, key: Hashable, layer: Any, ask: Callable[[], Answer]) -> Answer:
        """Return the stored answer, asking only the first time."""
        if key not in self._answers:
            self._answers[key] = (layer, ask())
        answer: Answer = self._answers[key][1]
        return answer

    def subset(self, layer: gpd.GeoDataFrame, where: Filter | None) -> Subset:
        """Return the rows of the layer that pass the filter."""
        return self.layers.subset(layer, where)

    def ground(self) -> gpd.GeoDataFrame:
        """Return the sites with geometries that can be measured."""
        return self._once(("ground",), None, lambda: sound(self.sites, "the sites"))

    def places(self) -> gpd.GeoSeries:
        """Return the sites in longitude and latitude."""
        return self._once(("places",), None, lambda: spatial.located(self.ground()))

    def placed(self) -> Places | None:
        """Return the sites made ready for questions, None unless all are points."""
        return self._once(("placed",), None, lambda: spatial.placed(self.places()))

    def _placed_or(self, other: Callable[[], gpd.GeoSeries]) -> Any:
        """Return the sites made ready, or as they are."""
        ready = self.placed()
        return other() if ready is None else ready

    def index(self, layer: gpd.GeoDataFrame, where: Filter | None = None) -> LayerIndex:
        """Return the layer, or what passes the filter, made ready for questions."""
        return self.layers.index(layer, where)

    def nearest(
        self,
        layer: gpd.GeoDataFrame,
        *,
        where: Filter | None = None,
        k: int = 1,
        max_km: float | None = None,
    ) -> spatial.Nearest:
        """Find the k nearest features that pass the filter."""
        return self._once(
            ("nearest", id(layer), _filter_key(where), k, max_km),
            layer,
            lambda: spatial.nearest(
                self._placed_or(self.places),
                self.index(layer, where),
                k=k,
                max_km=max_km,
            ),
        )

    def is_within_km(self, layer: gpd.GeoDataFrame, km: float) -> npt.NDArray[np.bool_]:
        """Return whether each site lies within a distance of any feature."""
        return self._once(
            ("is within", id(layer), km),
            layer,
            lambda: spatial.is_within_km(
                self._placed_or(self.places), self.index(layer), km
            ),
        )

    def within(
        self,
        layer: gpd.GeoDataFrame,
        *,
        radius_km: float,
        where: Filter | None = None,
        with_distance: bool = False,
    ) -> Iterator[Reach]:
        """Give the features within the radius, block of sites by block.

        A few pairs are kept for the next criterion that asks; many are found
        again, so that memory stays bounded.
        """
        key = ("within", id(layer), _filter_key(where), radius_km, with_distance)
        if key in self._answers:
            yield from self._answers[key][1]
            return
        places, index = self.placed(), self.index(layer, where)
        found = None
        if places is not None and not with_distance:
            found = spatial.within(places, index, radius_km)
        kept, count = [], 0
        for reach in found or self._pairs(index, radius_km):
            count += len(reach) + len(reach.sites)
            if count <= KEPT_PAIRS:
                kept.append(reach)
            else:
                kept.clear()
            yield reach
        if count <= KEPT_PAIRS:
            self._once(key, (layer, where), lambda: kept)

    def _pairs(self, index: LayerIndex, radius_km: float) -> Iterator[Reach]:
        """Give the same one by one, with distances."""
        places = self.places()
        none = np.zeros(0, dtype=np.int64)
        for rows in spatial.blocks_within(places, index, radius_km):
            found = spatial.pairs_within(places.iloc[rows], index, radius_km)
            sites = np.arange(rows.start, rows.stop)
            tile = np.zeros(len(sites), dtype=np.int64)
            yield Reach(
                sites, found.site, found.feature, tile, none, none, found.distance_km
            )

    def length(
        self, layer: gpd.GeoDataFrame, *, radius_km: float, where: Filter | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the length of lines within the radius of each site [km]."""
        return self._once(
            ("length", id(layer), _filter_key(where), radius_km),
            layer,
            lambda: spatial.length_within(
                self.points(), self.index(layer, where), radius_km
            ),
        )

    def containing(self, layer: gpd.GeoDataFrame) -> npt.NDArray[np.int64]:
        """Return the position of the polygon that holds each site, -1 where none."""
        return self._once(
            ("containing", id(layer)),
            layer,
            lambda: spatial.containing(self._placed_or(self.points), self.index(layer)),
        )

    def footprints(self) -> gpd.GeoSeries:
        """Return the ground of each site as a polygon."""
        return self._once(
            ("footprints",), None, lambda: spatial.footprints(self.ground())
        )

    def points(self) -> gpd.GeoSeries:
        """Return one point per site."""
        if self.placed() is not None:
            return self.places()
        return self._once(("points",), None, lambda: spatial.points_of(self.ground()))

    def size_m(self) -> npt.NDArray[np.float64]:
        """Return the side of the ground each site stands for [m], NaN if unstated."""
        return self._once(("size",), None, self._size_m)

    def _size_m(self) -> npt.NDArray[np.float64]:
        size = np.full(len(self.sites), np.nan)
        if "cell_km" in self.sites.columns:
            cells = pd.to_numeric(self.sites["cell_km"], errors="coerce")
            size[:] = 1000.0 * cells.to_numpy(dtype=np.float64, na_value=np.nan)
        if self.placed() is not None:
            return size
        geoms = self.places()
        is_area = geoms.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
        if is_area.any():
            size[is_area] = 1000.0 * np.sqrt(spatial.areas_km2(geoms[is_area]))
        return size

    def is_finer(self, resolution_m: float) -> npt.NDArray[np.bool_]:
        """Return which sites are known to be smaller than a layer's resolution [m]."""
        flags: npt.NDArray[np.bool_] = self.size_m() < resolution_m * (1 - 1e-6)
        return flags

    def is_near_edge(
        self, layer: gpd.GeoDataFrame, km: float, *, of_ground: bool
    ) -> npt.NDArray[np.bool_]:
        """Return whether the outline of all polygons passes near each site.

        Near the site's point, or near its ground: a border between two polygons of
        the layer is no outline.
        """
        return self._once(
            ("is near edge", id(layer), km, of_ground),
            layer,
            lambda: spatial.is_within_km(
                self.footprints() if of_ground else self._placed_or(self.points),
                self.layers.outline(layer),
                km,
            ),
        )

    def covered_share(self, layer: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
        """Return the share of each site's ground under the layer."""
        return self._once(
            ("covered", id(layer)),
            layer,
            lambda: spatial.covered_share(self.footprints(), self.index(layer)),
        )

    def sample(
        self, layer: Raster, *, band: int | str, reach_km: float, method: str
    ) -> raster_queries.SampleResult:
        """Return the value of the raster at each site."""
        return self._once(
            ("sample", id(layer), band, reach_km, method),
            layer,
            lambda: raster_queries.sample(
                one_band(layer, band),
                self._placed_or(self.points),
                reach_km=reach_km,
                method=method,
            ),
        )

    def zonal(
        self, layer: Raster, *, band: int | str, stat: str, **options: Any
    ) -> npt.NDArray[np.float64]:
        """Return a statistic of the cells under each site's ground."""
        return self._once(
            ("zonal", id(layer), band, stat, str(sorted(options.items()))),
            layer,
            lambda: np.asarray(
                raster_queries.zonal(
                    one_band(layer, band), self.footprints(), stat, **options
                ),
                dtype=np.float64,
            ),
        )

    def terrain(
        self, layer: Raster, *, band: int | str, vertical_m: float
    ) -> terrain_queries.Terrain:
        """Return slope and aspect at each site."""
        return self._once(
            ("terrain", id(layer), band, vertical_m),
            layer,
            lambda: terrain_queries.terrain(
                one_band(layer, band), self.points(), vertical_m=vertical_m
            ),
        )


def _outline(polygons: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the lines round the union of polygons."""
    lines = shapely.get_parts(shapely.boundary(polygons.geometry.union_all()))
    return gpd.GeoDataFrame(geometry=lines, crs=polygons.crs)


def one_band(layer: Raster, band: int | str) -> Raster:
    """Return the raster with only one of its bands in use (1 is the first)."""
    if isinstance(band, str):
        return layer.band(band)
    if not isinstance(band, (int, np.integer)) or isinstance(band, bool):
        raise StudyError(
            four_parts(
                f"A band of raster {layer_name(layer)!r} was asked for",
                f"found {said(band)}",
                f"allowed are 1 to {len(layer.bands)}, or a name",
                "pass for instance band=1",
            )
        )
    if not 1 <= band <= len(layer.bands):
        raise StudyError(
            four_parts(
                f"Band {band} of raster {layer_name(layer)!r} was asked for",
                f"it has {len(layer.bands)}",
                f"allowed are 1 to {len(layer.bands)}",
                "pass band= with one of these",
            )
        )
    return replace(layer, bands=(layer.bands[band - 1],))


def describe_filter(where: Filter | None) -> Any:
    """Return a filter as something json writes."""
    if where is None or isinstance(where, str):
        return where
    if isinstance(where, Mapping):
        return {str(key): _plain_filter(value) for key, value in where.items()}
    return {"kind": "function", "name": function_name(where)}


def function_name(function: object) -> str:
    """Return the name of a function, or of the type of what is called."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _plain_filter(value: Any) -> Any:
    """Turn one wanted value, or several, into what json writes."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain_filter(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _filter_key(where: Filter | None) -> Hashable:
    """Key under which equal filters share an answer."""
    return where if where is None or isinstance(where, str) else id(where)


def _filtered(layer: gpd.GeoDataFrame, where: Filter | None) -> gpd.GeoDataFrame:
    """Rows of the layer that pass; a missing figure does not pass."""
    check_vector(layer, "A vector measurement")
    if where is None:
        return layer
    name = layer_name(layer)
    if isinstance(where, str):
        return _filtered_by_text(layer, where, name)
    if isinstance(where, Mapping):
        keep = np.ones(len(layer), dtype=bool)
        for column, wanted in where.items():
            series = column_of(layer, str(column), f"layer {name!r}")
            several = isinstance(wanted, (list, tuple, set, frozenset))
            keep &= holds(series, list(wanted) if several else [wanted])
        return layer[keep]
    given: Any = where
    if not callable(given):
        raise StudyError(
            four_parts(
                f"The filter of layer {name!r} picks rows",
                f"found {said(given)} ({type(given).__name__})",
                "allowed are a comparison in words, a mapping column -> wanted value, "
                "or a function layer -> boolean Series",
                "write for instance where='voltage_kv >= 345'",
            )
        )
    mask: Any = given(layer)
    wrong = ""
    if not isinstance(mask, pd.Series):
        wrong = type(mask).__name__
    elif not mask.index.equals(layer.index):
        wrong = "a Series with another index"
    else:
        stray = mask[mask.notna() & ~mask.isin([True, False])]
        if len(stray):
            wrong = f"{stray.iloc[0]!r} in row {stray.index[0]!r}"
    if wrong:
        raise StudyError(
            four_parts(
                f"The filter of layer {name!r} picks rows",
                f"the function returned {wrong}",
                "allowed is a boolean Series with the layer's index",
                "return for instance layer['voltage_kv'] >= 230",
            )
        )
    return layer[(mask == True).fillna(False).to_numpy(dtype=bool)]  # noqa: E712


def _filtered_by_text(
    layer: gpd.GeoDataFrame, where: str, name: str
) -> gpd.GeoDataFrame:
    """Rows that satisfy a text such as ``"voltage_kv >= 345"``."""
    columns = [c for c in layer.columns if c != layer.geometry.name]
    table = pd.DataFrame(layer)[columns].reset_index(drop=True)
    try:
        read = _columns_read(where, columns)
        found = table.eval(where, engine="python")
        if not isinstance(found, pd.Series) or not is_bool_dtype(found.dtype):
            raise ValueError("the result is not one truth per row")
        keep = found.fillna(False).to_numpy(dtype=bool)
    except Exception as error:
        raise StudyError(
            four_parts(
                f"The filter {where!r} of layer {name!r} picks rows",
                f"it cannot be read: {str(error).splitlines()[0]}",
                f"allowed are comparisons of {shown(columns, 12)}",
                "write for instance where='voltage_kv >= 345'",
            )
        ) from error
    # "!=" and "not" hold for a missing figure, which is no knowledge.
    return layer[keep & table[read].notna().all(axis=1).to_numpy()]


def _columns_read(where: str, columns: list[Any]) -> list[Any]:
    """Columns a text names; refuse what is more than a comparison.

    A study file may come from elsewhere: its filters must not call anything.
    """
    quoted = re.findall("`([^`]+)`", where)
    tree = ast.parse(re.sub("`[^`]+`", "_", where).strip(), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _COMPARISON):
            raise ValueError(f"{type(node).__name__.lower()} is not allowed")
        if isinstance(node, ast.BinOp):
            _require_cheap(node)
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    stray = sorted(named.difference(columns, {"_"} if quoted else ()))
    if stray:
        hint = nearest_name(stray[0], map(str, columns))
        raise ValueError(f"there is no column {stray[0]!r}.{hint}")
    return [c for c in columns if c in named or c in quoted]


def _require_cheap(node: ast.BinOp) -> None:
    """Refuse arithmetic that a short text can make endless, such as 9**9**9."""
    if not isinstance(node.op, _ARITHMETIC):
        raise ValueError(f"{type(node.op).__name__.lower()} is not allowed")
    for side in (node.left, node.right):
        text = isinstance(side, ast.Constant) and isinstance(side.value, (str, bytes))
        if text or isinstance(side, (ast.List, ast.Tuple)):
            raise ValueError("arithmetic with texts and lists is not allowed")
