"""What a layer is: title, source, evidence, units, and what it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pandas as pd

from siteselect.errors import LayerError, four_parts, nearest_name, shown

#: The levels of evidence, strongest first.
EVIDENCE = ("measured", "modelled", "proxy", "synthetic", "unstated")
_KEY = "siteselect"

_Frame = TypeVar("_Frame", bound=pd.DataFrame)


@dataclass(frozen=True)
class LayerInfo:
    """What is known about a layer.

    Parameters
    ----------
    name : str
        Short name, as in the catalog.
    title : str
        One line for people.
    evidence : str
        ``measured``, ``modelled``, ``proxy``, ``synthetic`` or ``unstated``.
    source, licence, attribution, vintage : str
        Where it comes from, under which terms, and of what year.
    resolution_km : float or None
        What the layer can tell apart [km]; None if unstated.
    units : Mapping of str to str
        Unit of each column or band.
    not_this : str
        What the layer is not, for a reader who might mistake it.
    complete_km : float or None
        How far around the study area the layer holds all of its kind [km], as a
        bundled one does up to the margin it was loaded with. If it is empty, there
        is none so near; without it, an empty layer says nothing.

    Raises
    ------
    LayerError
        If the evidence is none of these.

    Examples
    --------
    >>> LayerInfo("parcels", evidence="measured").evidence
    'measured'
    """

    name: str = "layer"
    title: str = ""
    evidence: str = "unstated"
    source: str = ""
    licence: str = ""
    attribution: str = ""
    vintage: str = ""
    resolution_km: float | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    not_this: str = ""
    complete_km: float | None = None

    def __post_init__(self) -> None:
        if self.evidence not in EVIDENCE:
            raise LayerError(
                four_parts(
                    f"Layer {self.name!r} states its evidence",
                    f"{self.evidence!r} is not a level of evidence",
                    f"{shown(EVIDENCE)} are allowed",
                    'Pass e.g. `evidence="measured"`.'
                    + nearest_name(str(self.evidence), EVIDENCE),
                )
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain, JSON-able values, as stored in ``frame.attrs``.

        Returns
        -------
        dict
            Every field; ``units`` as a plain dict.

        Examples
        --------
        >>> LayerInfo("parcels", evidence="measured").as_dict()["evidence"]
        'measured'
        """
        values = dataclasses.asdict(self)
        values["units"] = dict(self.units)
        return values


_FIELDS = tuple(f.name for f in dataclasses.fields(LayerInfo))


def layer_info(layer: object) -> LayerInfo:
    """Return what is known about a layer.

    Parameters
    ----------
    layer : GeoDataFrame, DataFrame or Raster
        Any layer; a user's own frame may say nothing about itself.

    Returns
    -------
    LayerInfo
        With evidence ``"unstated"`` where the layer does not say.

    Examples
    --------
    >>> import pandas as pd
    >>> layer_info(pd.DataFrame()).evidence
    'unstated'
    """
    own = getattr(layer, "info", None)
    if isinstance(own, LayerInfo):
        return own
    stored = getattr(layer, "attrs", {}).get(_KEY, {})
    return LayerInfo(**{k: v for k, v in stored.items() if k in _FIELDS})


def says_none_within(layer: object, km: float) -> bool:
    """Return whether a layer, being empty, says that nothing is so near.

    Parameters
    ----------
    layer : GeoDataFrame or DataFrame
        A layer without rows.
    km : float
        Distance from a site [km].

    Returns
    -------
    bool
        False where the layer does not state how far it is complete.

    Examples
    --------
    >>> import pandas as pd
    >>> lakes = with_info(pd.DataFrame(), LayerInfo("lakes", complete_km=100.0))
    >>> [says_none_within(lakes, 5), says_none_within(pd.DataFrame(), 5)]
    [True, False]
    """
    known = layer_info(layer).complete_km
    return known is not None and km <= known


def spoken(layer: object, otherwise: str = "the layer") -> str:
    """Return how to call a layer in a message.

    Parameters
    ----------
    layer : GeoDataFrame, GeoSeries or Raster
        Any layer.
    otherwise : str
        What it is called if it carries no name.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> spoken(with_info(pd.DataFrame(), LayerInfo("lakes"))), spoken(pd.DataFrame())
    ("layer 'lakes'", 'the layer')
    """
    name = layer_info(layer).name
    return otherwise if name in ("", LayerInfo().name) else f"layer {name!r}"


def with_info(frame: _Frame, info: LayerInfo) -> _Frame:
    """Return a shallow copy of a frame that carries what is known about it.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer; not changed.
    info : LayerInfo
        What to attach.

    Returns
    -------
    DataFrame or GeoDataFrame
        Same rows and columns; ``attrs["siteselect"]`` filled.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = with_info(pd.DataFrame(), LayerInfo("mine", evidence="proxy"))
    >>> layer_info(frame).name
    'mine'
    """
    out = frame.copy(deep=False)
    out.attrs[_KEY] = {**out.attrs.get(_KEY, {}), **info.as_dict()}
    return out
