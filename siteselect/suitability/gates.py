"""Gates: requirements beside the score, each passed, failed, or not to be told."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.layers import Raster, layer_info
from siteselect.layers.ellipsoid import geodesic_km
from siteselect.suitability.checks import (
    check_length,
    holds,
    is_figures,
    layer_name,
)
from siteselect.suitability.exclusions import Exclusion, judge
from siteselect.suitability.measures import Measured, Measurement
from siteselect.suitability.queries import Queries, function_name
from siteselect.suitability.sameness import same_parts
from siteselect.suitability.score import _check_sites, _named
from siteselect.suitability.stored import (
    Layers,
    Own,
    arguments_of,
    made_of,
    record_of,
)
from siteselect.suitability.undecided import figures_of, tell_undecided

#: From best to worst; a candidate is as good as its worst gate.
STATES = ("PASS", "CONDITIONAL", "UNKNOWN", "FAIL")
_PASS, _CONDITIONAL, _UNKNOWN, _FAIL = range(4)

Codes = npt.NDArray[np.int64]
Asked = Measurement | Exclusion | Callable[[gpd.GeoDataFrame], Any]

__all__ = ["STATES", "Gate", "check_gates"]


@dataclass(frozen=True, eq=False)
class Gate:
    """A requirement that no score makes up for.

    Parameters
    ----------
    name : str
        The columns are ``<name>_gate`` and ``<name>_figure``.
    measure : Measurement, Exclusion or callable
        What is asked: `At`, `Sample`, `Column`, ...; a function frame ->
        Series of figures; or an exclusion (`Inside`, `Near`, ``a & b``), which
        fails where it excludes.
    at_most, at_least : float, optional
        Passed up to / from this figure, the bound included; together a range.
    isin : collection, optional
        Passed with one of these labels.
    conditional : float, (float, float), collection or Exclusion, optional
        How far beyond the bound the gate can still be passed on conditions
        (grading, a permit, a study): a figure beyond ``at_most`` or
        ``at_least``; with both, a pair (lower, upper); with ``isin``, labels;
        with an exclusion, another exclusion.
    max_resolution_km : float, optional
        Coarsest layer [km] that can answer; a coarser one, or one that does not
        say how fine it is, gives UNKNOWN.

    Raises
    ------
    StudyError
        If the requirement says nothing, or contradicts itself.

    Warns
    -----
    DataQualityWarning
        When asked, if a layer is too coarse for a site, or empty: UNKNOWN.

    Notes
    -----
    A layer knows its resolution, and a site smaller than that is UNKNOWN:

    - by what is read at its place (`At`, `Sample`, `Zonal`, an attribute of the
      `Nearest`), always;
    - by a distance (`Nearest`, `Latency`, `Near`) or an edge (`Inside`,
      `CoveredShare`), where the feature lies nearer to the limit than the
      resolution, and so may be on its other side;
    - by what is within a radius (`Within`, `Length`), if the resolution is larger
      than the radius.

    `Slope` and `Aspect` are UNKNOWN everywhere on cells over 90 m. A point without
    a size (``cell_km``) is otherwise as small as can be and never too small: it has
    the value of the cell or polygon it lies in.

    See Also
    --------
    check_gates : Ask all gates of all candidates.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Column
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [3.0, 7.0, 12.0, None]},
    ...     geometry=gpd.points_from_xy([0, 1, 2, 3], [0] * 4), crs=4326,
    ... )
    >>> gate = Gate("slope", Column("slope_pct"), at_most=5, conditional=8)
    >>> gate(sites).tolist()
    ['PASS', 'CONDITIONAL', 'FAIL', 'UNKNOWN']

    >>> gate.requirement
    'at most 5; on conditions 8'
    """

    name: str
    measure: Asked
    at_most: float | None = field(default=None, kw_only=True)
    at_least: float | None = field(default=None, kw_only=True)
    isin: Collection[Any] | None = field(default=None, kw_only=True)
    conditional: Any = field(default=None, kw_only=True)
    max_resolution_km: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or ";" in self.name:
            raise StudyError(
                four_parts(
                    "A gate names its columns",
                    f"found the name {self.name!r}",
                    "allowed is any text that is not empty and has no ';'",
                    "write for instance Gate('slope', ...)",
                )
            )
        if not callable(self.measure) or isinstance(self.measure, type):
            raise StudyError(
                four_parts(
                    f"Gate {self.name!r} asks something of every candidate",
                    f"found {self.measure!r}",
                    "allowed are e.g. Column('slope_pct'), Sample(dem), Near(lakes, "
                    "km=1), or a function frame -> Series",
                    "pass one as measure",
                )
            )
        if self.max_resolution_km is not None:
            check_length(
                f"Gate {self.name!r}", "max_resolution_km", self.max_resolution_km
            )
            if getattr(self.measure, "layer", None) is None:
                raise StudyError(
                    four_parts(
                        f"Gate {self.name!r} asks how fine its layer is",
                        "its measurement reads no layer",
                        "allowed with max_resolution_km are measurements of a layer",
                        "leave max_resolution_km out",
                    )
                )
        self._check_bounds()

    def _check_bounds(self) -> None:
        """Refuse a requirement that says nothing or contradicts itself."""
        bounded = self.at_most is not None or self.at_least is not None
        kinds = bounded + (self.isin is not None)
        if isinstance(self.measure, Exclusion):
            if kinds:
                self._refuse("bounds beside an exclusion", "leave the bounds out")
            if not (
                self.conditional is None or isinstance(self.conditional, Exclusion)
            ):
                self._refuse(
                    f"conditional={self.conditional!r}", "pass an exclusion, or none"
                )
            return
        if kinds != 1:
            self._refuse(
                "no requirement" if kinds == 0 else "bounds and labels together",
                "pass at_most=, at_least=, or isin=",
            )
        if self.isin is not None:
            for word, labels in (
                ("isin", self.isin),
                ("conditional", self.conditional),
            ):
                is_list = isinstance(labels, Collection) and not isinstance(labels, str)
                if not is_list and labels is not None:
                    self._refuse(f"{word}={labels!r}", f"pass {word}=['C', 'D']")
            return
        for word, bound in (("at_most", self.at_most), ("at_least", self.at_least)):
            if bound is not None and not _is_number(bound):
                self._refuse(f"{word}={bound!r}", f"pass a number as {word}")
        low, high = self._range
        soft_low, soft_high = self._soft_range
        if low > high:
            self._refuse(
                f"at_least={low:g} above at_most={high:g}", "turn the two round"
            )
        if soft_low > low or soft_high < high:
            self._refuse(
                f"conditional={self.conditional!r} inside what passes",
                "pass a figure beyond the bound",
            )

    def _refuse(self, found: str, mend: str) -> None:
        raise StudyError(
            four_parts(
                f"Gate {self.name!r} states a requirement",
                f"found {found}",
                "allowed are at_most, at_least (or both), isin, or an exclusion, "
                "each with a conditional of its kind",
                mend,
            )
        )

    @property
    def _range(self) -> tuple[float, float]:
        """Figures that pass."""
        low = -np.inf if self.at_least is None else float(self.at_least)
        return low, np.inf if self.at_most is None else float(self.at_most)

    @property
    def _soft_range(self) -> tuple[float, float]:
        """Figures that pass on conditions."""
        low, high = self._range
        soft = self.conditional
        if soft is None:
            return low, high
        both = self.at_least is not None and self.at_most is not None
        if both and isinstance(soft, Sequence) and len(soft) == 2:
            if all(_is_number(s) for s in soft):
                return float(soft[0]), float(soft[1])
        elif not both and _is_number(soft):
            return (float(soft), high) if self.at_most is None else (low, float(soft))
        self._refuse(
            f"conditional={soft!r}",
            "pass a pair (lower, upper)" if both else "pass a number",
        )
        raise AssertionError  # pragma: no cover

    @property
    def _limits(self) -> list[float]:
        """Figures where one state ends and the next begins."""
        if self.isin is not None:
            soft = () if self.conditional is None else self.conditional
            return figures_of([*self.isin, *soft])
        return figures_of([*self._range, *self._soft_range])

    def __call__(self, sites: gpd.GeoDataFrame) -> pd.Series[Any]:
        """Return PASS, CONDITIONAL, UNKNOWN or FAIL per candidate.

        Parameters
        ----------
        sites : geopandas.GeoDataFrame
            Candidates; not changed.

        Returns
        -------
        pandas.Series of str
            On ``sites.index``.
        """
        codes, _ = self.answer(Queries(sites))
        return _words(codes, sites.index, f"{self.name}_gate")

    def answer(self, queries: Queries) -> tuple[Codes, pd.Series[Any] | None]:
        """Return the state of each site (a position in `STATES`), and its figure."""
        figures: pd.Series[Any] | None = None
        if isinstance(self.measure, Exclusion):
            codes = self._judged(queries)
        else:
            found = _figures(self.measure, self.name, queries)
            figures = found.values
            codes = (
                self._labels(figures)
                if self.isin is not None
                else (self._bounds(figures))
            )
            codes[figures.isna().to_numpy(dtype=bool)] = _UNKNOWN
            undecided = found.is_undecided(self._limits)
            codes[undecided] = _UNKNOWN
            tell_undecided(
                f"Gate {self.name!r}",
                getattr(self.measure, "layer_name", ""),
                getattr(self.measure, "resolution_m", None),
                undecided,
            )
        if self.max_resolution_km is not None:
            known = resolution_km(getattr(self.measure, "layer", None))
            if not known <= self.max_resolution_km * (1 + 1e-9):
                codes[:] = _UNKNOWN
        return codes, figures

    def _judged(self, queries: Queries) -> Codes:
        """States by an exclusion: what it excludes fails."""
        rule = self.measure
        assert isinstance(rule, Exclusion)
        codes = np.full(len(queries.sites), _PASS, dtype=np.int64)
        if self.conditional is not None:
            soft = judge(self.conditional, self.name, queries)
            codes[soft.is_excluded] = _CONDITIONAL
            codes[soft.is_unknown | soft.tolerated] = _UNKNOWN
        hard = judge(rule, self.name, queries)
        codes[hard.is_unknown | hard.tolerated] = _UNKNOWN
        codes[hard.is_excluded] = _FAIL
        return codes

    def _labels(self, found: pd.Series[Any]) -> Codes:
        """States by label."""
        codes = np.full(len(found), _FAIL, dtype=np.int64)
        codes[holds(found, list(self.conditional or ()))] = _CONDITIONAL
        codes[holds(found, list(self.isin or ()))] = _PASS
        return codes

    def _bounds(self, found: pd.Series[Any]) -> Codes:
        """States by figure."""
        if not (is_figures(found) or found.isna().all()):
            raise LayerError(
                four_parts(
                    f"Gate {self.name!r} compares figures",
                    f"column {found.name!r} holds {found.dtype}",
                    "allowed are numbers",
                    "use isin=[...] for labels",
                )
            )
        figures = found.to_numpy(dtype=np.float64, na_value=np.nan)
        codes = np.full(len(figures), _FAIL, dtype=np.int64)
        for (low, high), code in (
            (self._soft_range, _CONDITIONAL),
            (self._range, _PASS),
        ):
            codes[(figures >= low) & (figures <= high)] = code
        return codes

    def to_dict(self, layers: Layers | None = None) -> dict[str, Any]:
        """Return the gate as a record of a study file.

        Parameters
        ----------
        layers : mapping of str to layer, optional
            Where the layer's name is looked up; without it the layer says its own.

        Returns
        -------
        dict
            Plain values only; arguments at their default are left out.

        Raises
        ------
        StudyError
            If it asks a function of your own, or the layer has no name.

        Examples
        --------
        >>> from siteselect.suitability import Column
        >>> gate = Gate("slope", Column("slope_pct"), at_most=5, conditional=8)
        >>> gate.to_dict()["conditional"], Gate.from_dict(gate.to_dict()) == gate
        (8, True)
        """
        what = f"Gate {self.name!r}"
        record_of(self.measure, layers, f"{what}, measure")
        return arguments_of(self, layers, what)

    @classmethod
    def from_dict(
        cls,
        record: Mapping[str, Any],
        layers: Layers | None = None,
        *,
        own: Own = (),
    ) -> Gate:
        """Make the gate that a record describes.

        Parameters
        ----------
        record : mapping
            As `to_dict` returns, or as a table of a study file holds it.
        layers : mapping of str to layer, optional
            The layers that records name.
        own : iterable of classes, optional
            Measurements and exclusions of your own that a record may name.

        Returns
        -------
        Gate
            Equal to the one that was stored.

        Raises
        ------
        StudyError, LayerError
            If a kind, layer or key is not known, missing, or not what it takes.

        Examples
        --------
        >>> Gate.from_dict({
        ...     "name": "slope",
        ...     "measure": {"kind": "Column", "source": "slope_pct"},
        ...     "at_most": 5,
        ... }).requirement
        'at most 5'
        """
        name = record.get("name") if isinstance(record, Mapping) else None
        what = f"Gate {name!r}" if isinstance(name, str) else "A gate"
        made: Gate = made_of(cls, record, layers or {}, what, own)
        return made

    def __eq__(self, other: object) -> bool:
        """Return True for equal parts that read the same layer."""
        return same_parts(self, other)

    def __hash__(self) -> int:
        """Return one hash for each name."""
        return hash(self.name)

    def describe(self) -> dict[str, Any]:
        """Return the gate as a plain, JSON-able dict.

        Returns
        -------
        dict
            ``name, layer, evidence, unit, requirement, max_resolution_km`` and
            ``resolution_km`` of the layer, None where not stated.
        """
        layer = getattr(self.measure, "layer", None)
        known = resolution_km(layer)
        return {
            "name": self.name,
            "layer": "" if layer is None else layer_name(layer),
            "evidence": str(layer_info(layer).evidence)
            if layer is not None
            else str(getattr(self.measure, "evidence", "unstated")),
            "unit": str(getattr(self.measure, "unit", "")),
            "requirement": self.requirement,
            "max_resolution_km": self.max_resolution_km,
            "resolution_km": None if np.isnan(known) else known,
        }

    @property
    def requirement(self) -> str:
        """The requirement in words."""
        if isinstance(self.measure, Exclusion):
            text = f"not {self.measure.name}"
            if self.conditional is not None:
                text += f"; on conditions {self.conditional.name}"
            return text
        if self.isin is not None:
            text = f"one of {shown(self.isin)}"
            soft = shown(self.conditional) if self.conditional else ""
        else:
            text = " and ".join(
                f"{word} {bound:g}"
                for word, bound in (
                    ("at least", self.at_least),
                    ("at most", self.at_most),
                )
                if bound is not None
            )
            soft = "" if self.conditional is None else str(self.conditional)
        return text + (f"; on conditions {soft}" if soft else "")


def check_gates(sites: gpd.GeoDataFrame, gates: Sequence[Gate]) -> gpd.GeoDataFrame:
    """Ask every gate of every candidate, and count how many it misses.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates with a unique index; not changed.
    gates : sequence of Gate
        With different names.

    Returns
    -------
    geopandas.GeoDataFrame
        All rows and columns of ``sites``, and

        - ``<name>_gate``: PASS, CONDITIONAL, UNKNOWN or FAIL,
        - ``<name>_figure``: what was measured, where a gate measures,
        - ``gates``: the worst of them, to color a map by,
        - ``gates_failed``, ``gates_unknown``, ``gates_conditional`` [count]: a
          near miss fails one,
        - ``failed_gates``, ``unknown_gates``: their names joined by ``;``.

        ``attrs["siteselect"]["gates"]`` describes the gates. Columns of an
        earlier check are replaced.

    Raises
    ------
    StudyError, LayerError
        If a gate cannot be used; the message names it.

    Notes
    -----
    Gates take nothing out. To keep failures out of a plan, exclude them:
    ``Where("gates", equals="FAIL")``, or ``isin=["FAIL", "UNKNOWN"]``.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Column
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [3.0, 12.0], "acres": [800.0, None]},
    ...     geometry=gpd.points_from_xy([0, 1], [0, 0]), crs=4326,
    ... )
    >>> checked = check_gates(sites, [
    ...     Gate("slope", Column("slope_pct"), at_most=5, conditional=8),
    ...     Gate("size", Column("acres"), at_least=500),
    ... ])
    >>> checked[["gates", "gates_failed", "unknown_gates"]].values.tolist()
    [['PASS', 0, ''], ['FAIL', 1, 'size']]
    """
    _check_sites(sites)
    gates = _checked_gates(gates)
    queries = Queries(sites)
    n, index = len(sites), sites.index
    table: dict[str, Any] = {}
    worst = np.full(n, _PASS, dtype=np.int64)
    counts = {code: np.zeros(n, dtype=np.int64) for code in range(4)}
    names = {code: np.full(n, "", dtype=object) for code in (_FAIL, _UNKNOWN)}
    for gate in gates:
        with _named(f"Gate {gate.name!r}"):
            codes, figures = gate.answer(queries)
        table[f"{gate.name}_gate"] = _words(codes, index)
        if figures is not None:
            table[f"{gate.name}_figure"] = figures.to_numpy()
        worst = np.maximum(worst, codes)
        for code in counts:
            counts[code] += codes == code
        for code, text in names.items():
            joined = np.where(text == "", gate.name, text + (";" + gate.name))
            names[code] = np.where(codes == code, joined, text)
    table["gates"] = _words(worst, index)
    table["gates_failed"] = counts[_FAIL]
    table["gates_unknown"] = counts[_UNKNOWN]
    table["gates_conditional"] = counts[_CONDITIONAL]
    table["failed_gates"] = pd.Series(names[_FAIL], index=index, dtype="str")
    table["unknown_gates"] = pd.Series(names[_UNKNOWN], index=index, dtype="str")

    noted = sites.attrs.get("siteselect", {})
    earlier = [c for c in noted.get("gate_columns", []) if c in sites.columns]
    taken = [c for c in table if c in sites.columns and c not in earlier]
    if taken:
        raise StudyError(
            four_parts(
                f"Checking gates adds column {taken[0]!r}",
                f"the candidates already have {shown(map(repr, taken))}",
                "allowed are names the frame does not use",
                f"rename the gate, or drop it: sites.drop(columns={taken[:5]})",
            )
        )
    kept = pd.DataFrame(sites).drop(columns=earlier)
    checked = gpd.GeoDataFrame(
        pd.concat([kept, pd.DataFrame(table, index=index)], axis=1),
        geometry=sites.geometry.name,
        crs=sites.crs,
    )
    checked.attrs = copy.deepcopy(dict(sites.attrs))
    checked.attrs["siteselect"] = {
        **checked.attrs.get("siteselect", {}),
        "gates": [gate.describe() for gate in gates],
        "gate_columns": list(table),
    }
    return checked


def resolution_km(layer: object) -> float:
    """Return what a layer can tell apart [km]; NaN where it does not say.

    A raster says so by its cells: the longer side of the one in its middle. A
    stated resolution counts where it is coarser, as of a raster resampled to
    finer cells.
    """
    if layer is None:
        return np.nan
    stated = layer_info(layer).resolution_km
    known = np.nan if stated is None else float(stated)
    if isinstance(layer, Raster):
        known = float(np.fmax(known, _cell_km(layer)))
    return known


def _cell_km(layer: Raster) -> float:
    """Longer side of the cell in the middle of a raster [km]."""
    import rasterio
    from pyproj import Transformer

    with rasterio.open(layer.path) as source:
        step, crs = source.transform, source.crs
        column, row = source.width / 2, source.height / 2
    along = np.array([0.0, 1.0, 0.0]) + column
    down = np.array([0.0, 0.0, 1.0]) + row
    x = step.a * along + step.b * down + step.c
    y = step.d * along + step.e * down + step.f
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    sides = geodesic_km(np.repeat(lon[0], 2), np.repeat(lat[0], 2), lon[1:], lat[1:])
    return float(np.max(sides))


def _figures(measure: Any, name: str, queries: Queries) -> Measured:
    """Measure all sites, checking a user's own function."""
    if isinstance(measure, Measurement):
        return measure.answer(queries)
    sites = queries.sites
    found: Any = measure(sites.copy())
    if not isinstance(found, pd.Series) or not found.index.equals(sites.index):
        raise StudyError(
            four_parts(
                f"Gate {name!r} asks every candidate",
                f"{function_name(measure)} returned {type(found).__name__}"
                + (" with another index" if isinstance(found, pd.Series) else ""),
                "allowed is a Series with the candidates' index, in their order",
                "end the function with .reindex(sites.index)",
            )
        )
    return Measured(found, np.zeros(len(sites), dtype=bool))


def _words(
    codes: Codes, index: pd.Index[Any], name: str | None = None
) -> pd.Series[Any]:
    """States as text."""
    words = np.array(STATES, dtype=object)[codes]
    return pd.Series(words, index=index, dtype="str", name=name)


def _checked_gates(gates: Sequence[Gate]) -> list[Gate]:
    """Refuse no gates, other things, and names used twice."""
    listed: list[Gate] = [gates] if isinstance(gates, Gate) else list(gates)
    stray = [item for item in listed if not isinstance(item, Gate)]
    if stray or not listed:
        raise StudyError(
            four_parts(
                "Candidates are checked against gates",
                f"found {stray[0]!r}" if stray else "found none",
                "allowed are Gate objects",
                "write Gate('slope', Column('slope_pct'), at_most=5)",
            )
        )
    names = [gate.name for gate in listed]
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        raise StudyError(
            four_parts(
                "Each gate has its own name",
                f"found {shown(map(repr, again))} more than once",
                "allowed is one gate per name",
                f"rename one, e.g. {again[0] + ' 2'!r}",
            )
        )
    return listed


def _is_number(item: object) -> bool:
    """Return True for a number that is not NaN."""
    is_number = isinstance(item, (int, float, np.number)) and not isinstance(item, bool)
    return is_number and not np.isnan(item)  # type: ignore[call-overload]
