"""A fleet of accelerators, in megawatts and energy.

Three units are kept apart: **accelerators** (chips, or packages where one holds
several dies), **racks** and **servers** (products of `product_table`, which say
how many accelerators they hold), and **megawatts**, of IT or of the facility.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import StudyError, four_parts, shown
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.parameter_table import (
    LEVELS,
    ParameterValues,
    parameter_levels,
)
from siteselect.infrastructure.products import Kind, kind_of

__all__ = ["Fleet"]

TOTALS = {
    "it_mw": "MW",
    "facility_mw": "MW",
    "energy_gwh_per_year": "GWh per year",
    "h100_equivalents": "H100",
}


def _count(name: str, given: Any) -> float:
    try:
        value = math.nan if isinstance(given, bool | str) else float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value >= 0 and value == int(value)):
        raise StudyError(
            four_parts(
                f"A fleet counts {name!r}",
                f"got {given!r}",
                "a whole number of 0 or more is allowed",
                f'write e.g. Fleet({{"{name}": 500}})',
            )
        )
    return value


@dataclass(frozen=True, repr=False)
class Fleet:
    """Accelerators, racks and servers to power: a fleet, in megawatts.

    Parameters
    ----------
    counts : mapping of str to int
        How many of each. A name of `accelerator_table` counts accelerators
        (``"GB200"``), one of `product_table` racks or servers
        (``"GB200 NVL72"`` is a rack of 72).
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for ``peak_ratio``, ``utilisation``, ``annual_pue``,
        ``server_w_per_tdp_w`` and ``fabric_w_per_server_w``. A value given
        holds for low, mid and high alike.

    Raises
    ------
    StudyError
        If a name is unknown, a count is no whole number of 0 or more, or a
        parameter cannot be.

    Notes
    -----
    IT power is the all-in figure of `accelerator_table` times the number of
    accelerators. It splits into chips (TDP), servers and fabric; the last two
    share what is above the TDP in the proportion of
    ``server_w_per_tdp_w - 1`` to ``server_w_per_tdp_w x
    (fabric_w_per_server_w - 1)``, so that the three always add up.

    Facility power at peak is IT power times the sizing ratio ``peak_ratio``;
    yearly energy is IT power times ``utilisation`` times ``annual_pue`` times
    8,760 h. In `summary` all figures are low, or high, together: a wide range.

    References
    ----------
    Epoch AI, data insight of December 2025 (server 1.53, network 1.14); the
    figures of each accelerator carry their source in `accelerator_table`.

    Examples
    --------
    >>> import siteselect as ss
    >>> fleet = ss.Fleet({"GB200 NVL72": 500, "H100": 20000})
    >>> fleet.accelerators, round(fleet.it_mw, 2), round(fleet.facility_mw, 2)
    (56000, 103.04, 133.95)
    >>> fleet.to_frame()["unit"].to_dict()
    {'GB200 NVL72': 'rack', 'H100': 'accelerator'}
    >>> asked = (fleet.facility_mw, None)  # optimize_sites(power_mw=asked)

    >>> fleet.energy_gwh_per_year > 500, fleet.h100_equivalents > 56_000
    (True, True)
    """

    counts: Mapping[str, int]
    parameters: Mapping[str, float | str] | None = None
    _levels: Mapping[str, ParameterValues] = field(init=False, compare=False)
    _kinds: Mapping[str, Kind] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        given: Any = self.counts
        is_counted = isinstance(given, Mapping | pd.Series)
        if not is_counted or not len(given):
            raise StudyError(
                four_parts(
                    "A fleet is made of accelerators, racks and servers",
                    f"got {'nothing' if is_counted else type(given).__name__}",
                    "a mapping of name to number is allowed",
                    'write e.g. Fleet({"GB200 NVL72": 500, "H100": 20000})',
                )
            )
        rows = list(given.items())
        if len({str(name) for name, _ in rows}) < len(rows):
            raise StudyError(
                four_parts(
                    "A fleet names each kind once",
                    f"a name repeats among {shown(name for name, _ in rows)}",
                    "one row for each is allowed",
                    "write counts.groupby(level=0).sum()",
                )
            )
        kinds = {name: kind_of(name) for name, _ in rows}
        counts = {name: int(_count(name, count)) for name, count in rows}
        levels = parameter_levels(self.parameters)
        object.__setattr__(self, "counts", MappingProxyType(counts))
        object.__setattr__(self, "parameters", dict(levels["mid"].changed))
        object.__setattr__(self, "_levels", levels)
        object.__setattr__(self, "_kinds", kinds)

    def __hash__(self) -> int:
        given = self.parameters or {}
        return hash((frozenset(self.counts.items()), frozenset(given.items())))

    def __reduce__(self) -> tuple[type[Fleet], tuple[Any, ...]]:
        return Fleet, (dict(self.counts), self.parameters)

    @property
    def accelerators(self) -> int:
        """Number of accelerators, those in racks and servers included."""
        return sum(n * self._kinds[k].accelerators_each for k, n in self.counts.items())

    @property
    def it_mw(self) -> float:
        """IT power, servers and network included [MW]."""
        return self._total("it_mw")

    @property
    def facility_mw(self) -> float:
        """Power at the grid connection at peak [MW]."""
        return self._total("facility_mw")

    @property
    def energy_gwh_per_year(self) -> float:
        """Energy drawn from the grid in a year [GWh]."""
        return self._total("energy_gwh_per_year")

    @property
    def h100_equivalents(self) -> float:
        """Compute in H100-equivalents; NaN where one accelerator has no figure."""
        return self._total("h100_equivalents")

    def _total(self, name: str, level: str = "mid") -> float:
        return float(self.summary()[level].to_dict()[name])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per name given.

        Returns
        -------
        DataFrame
            Indexed by name: ``unit`` (what ``count`` counts), ``count``,
            ``accelerator``, ``accelerators``, ``racks`` (whole racks needed;
            NaN where no rack product is known), ``chip_mw``, ``server_mw``,
            ``fabric_mw``, ``it_mw``, ``it_mw_low``, ``it_mw_high``,
            ``facility_mw`` [MW], ``energy_gwh_per_year`` [GWh] and
            ``h100_equivalents``.

        Examples
        --------
        >>> from siteselect.infrastructure import Fleet
        >>> table = Fleet({"H100": 100_000}).to_frame()
        >>> parts = table[["chip_mw", "server_mw", "fabric_mw", "it_mw"]]
        >>> parts.iloc[0].round(1).tolist()
        [70.0, 49.1, 19.9, 139.0]
        """
        mid = self._levels["mid"]
        server, fabric = mid["server_w_per_tdp_w"], mid["fabric_w_per_server_w"]
        server_part, fabric_part = server - 1.0, server * (fabric - 1.0)
        both = server_part + fabric_part
        share = server_part / both if both > 0 else 1.0
        rows = []
        for name, count in self.counts.items():
            kind = self._kinds[name]
            n = count * kind.accelerators_each
            it = {level: n * kind.figures[f"{level}_kw"] / 1000.0 for level in LEVELS}
            chip = n * kind.figures["tdp_w"] / 1e6
            above = it["mid"] - chip
            rows.append(
                {
                    "unit": kind.unit,
                    "count": count,
                    "accelerator": kind.accelerator,
                    "accelerators": n,
                    "racks": np.ceil(n / kind.rack_size),
                    "chip_mw": chip,
                    "server_mw": above * share,
                    "fabric_mw": above * (1.0 - share),
                    "it_mw": it["mid"],
                    "it_mw_low": it["low"],
                    "it_mw_high": it["high"],
                    "facility_mw": it["mid"] * mid["peak_ratio"],
                    "energy_gwh_per_year": _energy_gwh(it["mid"], mid),
                    "h100_equivalents": n * kind.figures["h100e_mid"],
                }
            )
        return pd.DataFrame(rows, index=pd.Index(self.counts, name="name"))

    def summary(self) -> pd.DataFrame:
        """Return the fleet's totals with their range.

        Returns
        -------
        DataFrame
            Rows ``it_mw``, ``facility_mw`` [MW at the grid connection at peak],
            ``energy_gwh_per_year`` and ``h100_equivalents``; columns ``low``,
            ``mid``, ``high`` and ``unit``. All figures behind ``low`` are low
            together, those behind ``high`` high.

        Examples
        --------
        >>> from siteselect.infrastructure import Fleet
        >>> Fleet({"H100": 100_000}).summary()["mid"].round(1).to_dict()["facility_mw"]
        180.7
        """
        totals: dict[str, dict[str, float]] = {name: {} for name in TOTALS}
        for level in LEVELS:
            values = self._levels[level]
            it = equivalents = 0.0
            for name, count in self.counts.items():
                kind = self._kinds[name]
                n = count * kind.accelerators_each
                it += n * kind.figures[f"{level}_kw"] / 1000.0
                equivalents += n * kind.figures[f"h100e_{level}"]
            totals["it_mw"][level] = it
            totals["facility_mw"][level] = it * values["peak_ratio"]
            totals["energy_gwh_per_year"][level] = _energy_gwh(it, values)
            totals["h100_equivalents"][level] = equivalents
        table = pd.DataFrame.from_dict(totals, orient="index", columns=list(LEVELS))
        table["unit"] = pd.Series(TOTALS)
        return table

    def __repr__(self) -> str:
        return f"Fleet({dict(self.counts)!r})\n{self._told()}"

    def _repr_html_(self) -> str:
        table = self.to_frame().round(2).to_html(na_rep="unknown")
        return f"{table}<p>{html.escape(self._told())}</p>"

    def _told(self) -> str:
        summary = self.summary()
        parts = [f"{self.accelerators:,} accelerators"]
        for name, text in (
            ("it_mw", "MW IT"),
            ("facility_mw", "MW facility at peak"),
            ("energy_gwh_per_year", "GWh a year"),
            ("h100_equivalents", "H100-equivalents"),
        ):
            low, mid, high = (float(summary[level].to_dict()[name]) for level in LEVELS)
            if math.isnan(mid):
                parts.append(f"{text} unknown")
            else:
                parts.append(f"{mid:,.0f} {text} ({low:,.0f} to {high:,.0f})")
        return ", ".join(parts)


def _energy_gwh(it_mw: float, values: Mapping[str, float]) -> float:
    busy = it_mw * values["utilisation"] * values["annual_pue"]
    return busy * HOURS_PER_YEAR / 1000.0
