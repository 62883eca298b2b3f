"""A criterion: a measurement, a value function and a weight, under one name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    SiteSelectError,
    StudyError,
    all_of,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.layers.cards import card, escaped, stated_fields
from siteselect.layers.info import EVIDENCE
from siteselect.suitability.measures import Measurement
from siteselect.suitability.queries import function_name
from siteselect.suitability.records import value_from_dict
from siteselect.suitability.sameness import same_parts
from siteselect.suitability.stored import (
    Layers,
    Own,
    check_keys,
    check_plain,
    gathered,
    part_of,
    placed,
    record_of,
)
from siteselect.suitability.value_function import plain
from siteselect.suitability.values import ValueFunction
from siteselect.suitability.weights import is_weight

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Criterion"]


@dataclass(frozen=True, eq=False)
class Criterion:
    """One quality of a place: what is measured, what it is worth, how it counts.

    Parameters
    ----------
    name : str
        Short name; the columns are ``<name>_raw``, ``<name>_value`` and
        ``<name>_contribution``.
    measure : Measurement or callable
        `Nearest`, `Within`, `At`, `CoveredShare`, `Sample`, `Zonal`, `Column`,
        or any function frame -> Series on the frame's index.
    value : ValueFunction or callable
        `Rising`, `Falling`, `Between`, `Step`, `Piecewise`, `Categories`, a
        curve (`Sigmoid`, `Gaussian`, `NearTo`, `Large`, `Small`, `Saturating`,
        `Fading`, `Power`, `Exponential`, `Logarithm`), or any function array ->
        array in [0, 1].
    weight : float, default 1
        Relative weight [-]; weights are divided by their sum when scoring.
    evidence : str, optional
        ``"measured"``, ``"modelled"``, ``"proxy"``, ``"synthetic"`` or
        ``"unstated"``; taken from the layer unless given.

    Raises
    ------
    StudyError
        If a part cannot be used.

    Examples
    --------
    >>> from siteselect.suitability import Column, Rising
    >>> Criterion("size", Column("acres"), Rising(100, 500), weight=2).evidence_level
    'unstated'

    >>> size = Criterion("size", Column("acres", column_unit="acre"), Rising(100, 500))
    >>> size.unit, size.layer_name, size.describe()["name"]
    ('acre', '', 'size')
    """

    name: str
    measure: Measurement | Callable[[gpd.GeoDataFrame], pd.Series[Any]]
    value: ValueFunction | Callable[[npt.NDArray[Any]], npt.ArrayLike]
    weight: float = field(default=1.0, kw_only=True)
    evidence: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise StudyError(
                four_parts(
                    "A criterion names its columns",
                    f"found the name {self.name!r}",
                    "allowed is any text that is not empty",
                    "write for instance Criterion('grid', ...)",
                )
            )
        for part in ("measure", "value"):
            found = getattr(self, part)
            if not callable(found) or isinstance(found, type):
                kind = "class" if isinstance(found, type) else type(found).__name__
                raise StudyError(
                    four_parts(
                        f"Criterion {self.name!r} takes a function as its {part}",
                        f"found {found!r} ({kind})",
                        "allowed are e.g. Nearest(layer) as measure, "
                        "Rising(a, b) as value, or a function of your own",
                        f"pass one as {part}",
                    )
                )
        if not is_weight(self.weight):
            raise StudyError(
                four_parts(
                    f"The weight of criterion {self.name!r} says how much it counts",
                    f"found {self.weight!r}",
                    "allowed are finite numbers from 0 up",
                    "turn the value function round (Rising, Falling) rather than "
                    "the sign",
                )
            )
        if self.evidence is not None and self.evidence not in EVIDENCE:
            raise StudyError(
                four_parts(
                    f"The evidence of criterion {self.name!r} was given",
                    f"found {self.evidence!r}."
                    + nearest_name(str(self.evidence), EVIDENCE),
                    f"allowed are {shown(EVIDENCE)}",
                    "leave it out to take the layer's",
                )
            )

    @property
    def evidence_level(self) -> str:
        """Evidence as given, else the layer's."""
        return self.evidence or str(getattr(self.measure, "evidence", "unstated"))

    @property
    def unit(self) -> str:
        """Unit of the raw figures."""
        return str(getattr(self.measure, "unit", ""))

    @property
    def layer_name(self) -> str:
        """Name of the layer that is read, ``""`` for none."""
        return str(getattr(self.measure, "layer_name", ""))

    def plot(
        self,
        data: gpd.GeoDataFrame | pd.Series[Any] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the value function, and under it the figures that it values.

        Parameters
        ----------
        data : GeoDataFrame or Series, optional
            Scored candidates (their ``<name>_raw`` is shown), candidates to
            measure, or raw figures; without it the curve alone.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        StudyError, LayerError
            If the candidates cannot be measured, or there is no range to draw.

        Examples
        --------
        >>> from siteselect.suitability import Column, Rising
        >>> size = Criterion("size", Column("acres"), Rising(100, 500))
        >>> ax = size.plot(pd.Series([120.0, 300.0, None]))
        >>> print(ax.get_title(loc="left"))
        Rising(a=100, b=500)
        3 candidates, 1 unknown
        """
        from siteselect.suitability._plots import plot_criterion

        axes: Axes = plot_criterion(self, data, ax)
        return axes

    def to_dict(self, layers: Layers | None = None) -> dict[str, Any]:
        """Return the criterion as a record of a study file.

        Parameters
        ----------
        layers : mapping of str to layer, optional
            Where the layer's name is looked up; without it the layer says its own.

        Returns
        -------
        dict
            Plain values only, as TOML and JSON hold them: ``name``, ``weight``,
            ``evidence`` if given, ``measure`` and ``value``. Arguments at their
            default are left out.

        Raises
        ------
        StudyError
            If a part is a function of your own, or the layer has no name.

        See Also
        --------
        Criterion.from_dict : The way back.

        Examples
        --------
        >>> from siteselect.suitability import Column, Rising
        >>> size = Criterion("size", Column("acres"), Rising(100, 500), weight=2)
        >>> size.to_dict()["measure"]
        {'kind': 'Column', 'source': 'acres'}
        >>> Criterion.from_dict(size.to_dict()) == size
        True
        """
        what = f"Criterion {self.name!r}"
        record: dict[str, Any] = {"name": self.name, "weight": plain(self.weight)}
        if self.evidence is not None:
            record["evidence"] = self.evidence
        return record | {
            "measure": record_of(self.measure, layers, f"{what}, measure"),
            "value": record_of(self.value, layers, f"{what}, value"),
        }

    @classmethod
    def from_dict(
        cls,
        record: Mapping[str, Any],
        layers: Layers | None = None,
        *,
        own: Own = (),
    ) -> Criterion:
        """Make the criterion that a record describes.

        Parameters
        ----------
        record : mapping
            As `to_dict` returns, or as a table of a study file holds it.
        layers : mapping of str to layer, optional
            The layers that records name, e.g. ``datasets.load_all(area)``.
        own : iterable of classes, optional
            Measurements and value functions of your own that a record may name;
            they must be dataclasses.

        Returns
        -------
        Criterion
            Equal to the one that was stored, and so with the same scores.

        Raises
        ------
        StudyError
            If a kind or layer is not known, or a key is unknown, missing, or not
            what it takes; the message names the criterion and the key.
        LayerError
            If the layer has no such column.

        Examples
        --------
        >>> import geopandas as gpd
        >>> towns = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0], [0]), crs=4326)
        >>> near = Criterion.from_dict(
        ...     {
        ...         "name": "town",
        ...         "measure": {"kind": "Nearest", "layer": "towns"},
        ...         "value": {"kind": "Falling", "a": 1, "b": 80},
        ...     },
        ...     layers={"towns": towns},
        ... )
        >>> near.value, near.weight
        (Falling(a=1, b=80), 1.0)
        """
        name = record.get("name") if isinstance(record, Mapping) else None
        what = f"Criterion {name!r}" if isinstance(name, str) else "A criterion"
        own = tuple(own)
        known = tuple(field.name for field in fields(cls))
        check_keys(record, known, ("name", "measure", "value"), what)
        values = tuple(made for made in own if issubclass(made, ValueFunction))
        made: dict[str, Any] = {}
        wrong: list[SiteSelectError] = []
        for key, kind in (("name", str), ("weight", float), ("evidence", str)):
            with gathered(wrong):
                check_plain(record, key, kind, what)
        with gathered(wrong), placed(f"{what}, value"):
            made["value"] = value_from_dict(record["value"], own=values)
        with gathered(wrong):
            made["measure"] = part_of(
                record["measure"], "Measurement", layers or {}, f"{what}, measure", own
            )
        if wrong:
            raise all_of(wrong)
        options = {key: record[key] for key in ("weight", "evidence") if key in record}
        return cls(record["name"], **made, **options)

    def _repr_html_(self) -> str:
        said = [_in_words(part) for part in (self.measure, self.value)]
        rows = [
            ("measures", f"{said[0]} [{self.unit}]" if self.unit else said[0]),
            ("layer", self.layer_name),
            ("value", said[1]),
            ("weight", f"{self.weight:.6g}, relative to the others"),
            ("evidence", self.evidence_level),
        ]
        return card(f"Criterion {self.name!r}", rows, _sparkline(self.value, self.unit))

    def __eq__(self, other: object) -> bool:
        """Return True for equal parts that read the same layer."""
        return same_parts(self, other)

    def __hash__(self) -> int:
        """Return one hash for each name."""
        return hash(self.name)

    def describe(self) -> dict[str, Any]:
        """Return the criterion as a plain, JSON-able dict (weight as given).

        Returns
        -------
        dict
            ``name, weight, evidence, unit, layer, measure, value``.
        """
        return {
            "name": self.name,
            "weight": float(self.weight),
            "evidence": self.evidence_level,
            "unit": self.unit,
            "layer": self.layer_name,
            "measure": _described(self.measure),
            "value": _described(self.value),
        }


def _described(part: Any) -> dict[str, Any]:
    """Describe a part, or name the function it is."""
    if isinstance(part, (Measurement, ValueFunction)):
        return part.describe()
    return {"kind": "function", "name": function_name(part)}


def _in_words(part: Any) -> str:
    """Return a part as its call, with the arguments that were given."""
    if not is_dataclass(part) or isinstance(part, type):
        return function_name(part)
    told = ", ".join(f"{name}={text}" for name, text in stated_fields(part))
    return f"{type(part).__name__}({told})"


#: Size of the small curve [px].
_WIDE, _HIGH = 140, 32


def _sparkline(value: Any, unit: str) -> str:
    """Return the curve of a value function in the color of the text around it."""
    span = getattr(value, "span", None)
    if span is None or getattr(value, "takes_labels", False):
        return ""
    low, high = span
    margin = 0.15 * (high - low)
    if not (np.isfinite(margin) and margin > 0):
        return ""
    at = np.linspace(low - margin, high + margin, 60)
    worth = np.asarray(value(at), dtype=float)
    known = np.isfinite(worth)
    x = np.round(np.linspace(1, _WIDE - 1, len(at)), 1)
    y = np.round(_HIGH - 1 - worth * (_HIGH - 2), 1)
    points = " ".join(f"{a},{b}" for a, b in zip(x[known], y[known], strict=True))
    return (
        f'<svg width="{_WIDE}" height="{_HIGH}" role="img" '
        f'aria-label="value from {low:.6g} to {high:.6g}">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" '
        f'stroke-width="1.5"/></svg><div>from {low:,.6g} to {high:,.6g} '
        f"{escaped(unit)}</div>"
    )
