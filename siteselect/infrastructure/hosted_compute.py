"""What the connection of a site hosts: accelerators, racks, equivalents."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.infrastructure._site_numbers import site_numbers
from siteselect.infrastructure.parameter_table import LEVELS, parameter_values
from siteselect.infrastructure.products import (
    ACCELERATOR,
    RACK,
    Kind,
    kind_of,
    product_table,
)

__all__ = ["hosted", "racks_hosted"]

Floats = npt.NDArray[np.float64]
Frame = TypeVar("Frame", bound=pd.DataFrame)


def _whole(exact: Floats) -> Floats:
    """Return whole units; the last bit of a division must not cost one."""
    result: Floats = np.floor(exact * (1.0 + 1e-12) + 1e-9)
    return result


def _kw_each(kind: Kind, level: str) -> float:
    if level not in LEVELS:
        raise StudyError(
            four_parts(
                "`level` picks a column of the accelerator table",
                f"got {level!r}",
                '"low", "mid" or "high" is allowed',
                'write level="mid"',
            )
        )
    return float(kind.figures[f"{level}_kw"]) * kind.accelerators_each


def racks_hosted(
    product: str,
    facility_mw: float,
    *,
    peak_ratio: float = 1.30,
    level: str = "mid",
) -> int:
    """Return how many whole racks (or servers) a facility connection can host.

    Parameters
    ----------
    product : str
        A name of `product_table`, such as ``"GB200 NVL72"``.
    facility_mw : float
        Power at the grid connection at peak [MW].
    peak_ratio : float, default 1.30
        Facility MW per IT MW at peak.
    level : {"low", "mid", "high"}, default "mid"
        Which figure of `accelerator_table` to use; ``"low"`` hosts most.

    Returns
    -------
    int
        Whole racks, or servers where the product is a server.

    Raises
    ------
    StudyError
        If the name is no rack or server, or the power cannot be.

    Examples
    --------
    >>> from siteselect.infrastructure import racks_hosted
    >>> racks_hosted("GB200 NVL72", 100.0)
    511
    """
    kind = kind_of(product)
    if kind.unit == ACCELERATOR:
        racks = product_table()
        named = racks.index[racks["accelerator"] == kind.accelerator]
        raise StudyError(
            four_parts(
                f"Racks of {product!r} are asked",
                f"{product!r} is an accelerator, not a rack",
                f"racks and servers are {shown(product_table().index, 20)}",
                f"write racks_hosted({named[0]!r}, ...)"
                if len(named)
                else f"write accelerators_hosted({product!r}, ...)",
            )
        )
    mw = _power(np.asarray(facility_mw, dtype="float64"))
    ratio = _sizing(np.asarray(peak_ratio, dtype="float64"))
    if mw.ndim or ratio.ndim or np.isnan(mw) or np.isnan(ratio):
        raise StudyError(
            four_parts(
                "`racks_hosted` takes one connection",
                f"got facility_mw={facility_mw!r}, peak_ratio={peak_ratio!r}",
                "two known numbers are allowed",
                f"for a frame write hosted(sites, {product!r})",
            )
        )
    return int(_whole(mw / ratio * 1000.0 / _kw_each(kind, level)))


def _power(mw: Floats) -> Floats:
    if np.any(np.isinf(mw)) or np.any(mw < 0):
        raise StudyError(
            four_parts(
                "Facility MW are turned into accelerators",
                "got a negative or infinite amount",
                "0 or more is allowed, NaN where unknown",
                "check the sign",
            )
        )
    return mw


def _sizing(ratio: Floats) -> Floats:
    if np.any(np.isinf(ratio)) or np.any(ratio < 1):
        raise StudyError(
            four_parts(
                "`peak_ratio` is facility MW per IT MW at peak",
                "got a figure below 1, or an infinite one",
                "a finite number of 1 or more is allowed, NaN where unknown",
                "leave it at 1.30",
            )
        )
    return ratio


def hosted(
    sites: Frame,
    accelerator: str,
    *,
    mw: str | float | pd.Series = "mw",
    peak_ratio: str | float | pd.Series = "peak_ratio",
    level: str = "mid",
) -> Frame:
    """Add what each site's connection hosts: accelerators, racks, equivalents.

    Parameters
    ----------
    sites : DataFrame or GeoDataFrame, (n,)
        Sites, such as ``plan.sites``.
    accelerator : str
        A name of `accelerator_table`, or of `product_table` for whole racks or
        servers.
    mw : str, number or Series, default "mw"
        Facility MW at peak; ``"capacity_mw"`` for what candidates could carry.
    peak_ratio : str, number or Series, default "peak_ratio"
        Facility MW per IT MW at peak. If the frame has no column
        ``peak_ratio``, the parameter of that name (1.30) holds.
    level : {"low", "mid", "high"}, default "mid"
        Which figure of `accelerator_table` to use; ``"low"`` hosts most.

    Returns
    -------
    DataFrame or GeoDataFrame, (n,)
        A copy with ``accelerators_hosted`` (whole; all of whole racks if a
        rack is named), ``racks_hosted`` (whole racks that are filled; NaN where
        no rack product is known) and ``h100_equivalents`` (NaN where the
        accelerator has no figure). NaN where the power is unknown.

    Raises
    ------
    StudyError
        If the accelerator is unknown, or a power or ratio cannot be.
    LayerError
        If a column is missing or holds no numbers.

    Examples
    --------
    >>> import pandas as pd, siteselect as ss
    >>> sites = pd.DataFrame({"mw": [100.0, 300.0]}, index=["a", "b"])
    >>> full = ss.hosted(sites, "GB200 NVL72")
    >>> full[["accelerators_hosted", "racks_hosted"]].to_dict("list")
    {'accelerators_hosted': [36792.0, 110376.0], 'racks_hosted': [511.0, 1533.0]}
    """
    kind = kind_of(accelerator)
    if not isinstance(sites, pd.DataFrame):
        raise LayerError(
            four_parts(
                "`hosted` adds columns to sites",
                f"got a {type(sites).__name__}",
                "a DataFrame is allowed",
                "write hosted(plan.sites, ...)",
            )
        )
    ratio = peak_ratio
    # A frame that never went through `prepare` has no ratio of its own.
    if isinstance(ratio, str) and ratio == "peak_ratio" and ratio not in sites.columns:
        ratio = parameter_values()["peak_ratio"]
    power = _power(site_numbers(sites, mw, "mw", "hosted"))
    it_kw = power / _sizing(site_numbers(sites, ratio, "peak_ratio", "hosted")) * 1000.0
    units = _whole(it_kw / _kw_each(kind, level))
    chips = units * kind.accelerators_each
    result = sites.copy()
    result["accelerators_hosted"] = chips
    result["racks_hosted"] = (
        np.floor(chips / kind.rack_size) if kind.unit != RACK else units
    )
    result["h100_equivalents"] = chips * kind.figures["h100e_mid"]
    return result
