"""A criterion: a measurement, a value function and a weight, under one name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.layers.info import EVIDENCE
from siteselect.suitability.measures import Measurement
from siteselect.suitability.queries import function_name
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
