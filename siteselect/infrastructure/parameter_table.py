"""The table of figures behind every model of this room."""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType

import pandas as pd

from siteselect.errors import (
    ApproximationWarning,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.infrastructure._tables import fact_table

__all__ = ["ParameterValues", "parameter_levels", "parameter_values", "parameters"]

LEVELS = ("low", "mid", "high")
#: The parameters that ``level`` sets: those with which every cost rises. Sizing,
#: thresholds, the discount rate and the horizon stay, so that the levels compare
#: one site on one time base.
COST_PARAMETERS = (
    "acres_per_mw",
    "construction_index_elsewhere",
    "fiber_route_factor",
    "fiber_usd_per_km",
    "it_hardware_usd_per_mw_it",
    "land_exurban_usd_per_acre",
    "land_rural_usd_per_acre",
    "land_urban_usd_per_acre",
    "line_afudc",
    "line_contingency",
    "line_escalation",
    "line_forest_multiplier",
    "line_hill_multiplier",
    "line_medium_factor",
    "line_mountain_multiplier",
    "line_route_factor",
    "line_short_factor",
    "line_suburban_multiplier",
    "line_urban_multiplier",
    "line_wetland_multiplier",
    "operation_usd_per_mw_it_year",
    "price_growth",
    "price_multiplier",
    "shell_usd_per_mw_it",
    "tie_line_circuits",
    "transformer_mva_per_mw",
    "water_main_km",
    "water_main_route_factor",
    "water_main_usd_per_km",
    "water_usd_per_m3",
)
# Units that bound a figure whatever its plausible range is.
_AT_MOST_ONE = ("share",)
_AT_LEAST_ONE = (
    "annual_pue",
    "cycles_of_concentration",
    "fabric_w_per_server_w",
    "fiber_route_factor",
    "line_forest_multiplier",
    "line_hill_multiplier",
    "line_mountain_multiplier",
    "line_route_factor",
    "line_wetland_multiplier",
    "peak_ratio",
    "peak_ratio_ceiling",
    "peak_ratio_floor",
    "server_w_per_tdp_w",
    "water_main_route_factor",
)
_WHOLE_YEARS = ("horizon_years", "it_life_years")
_BETWEEN = {"start_year": (2000.0, 2100.0)}
_POSITIVE = (
    *_WHOLE_YEARS,
    "extreme_over_spread",
    "home_value_reference_usd",
    "it_w_per_tdp_w",
)


def parameters() -> pd.DataFrame:
    """Return every figure of the infrastructure models with its range and source.

    Returns
    -------
    DataFrame
        One row per parameter, indexed by ``name``, with ``low``, ``mid`` and
        ``high`` in ``unit``, the ``year`` the figure speaks of, its ``source``
        (or ``"unverified"``, or ``"judgement"``) and a ``note``. The models
        use ``mid`` unless told otherwise.

    See Also
    --------
    prepare : Takes other values through ``parameters={name: value}``.

    Examples
    --------
    >>> import siteselect.infrastructure as infrastructure
    >>> table = infrastructure.parameters()
    >>> float(table.loc["peak_ratio", "mid"])
    1.3
    >>> table.loc["peak_ratio", "unit"]
    'facility MW per IT MW'
    """
    table = fact_table("parameters")
    for column in LEVELS:
        table[column] = table[column].astype("float64")
    table["note"] = table["note"].fillna("")
    return table.set_index("name")


class ParameterValues(Mapping[str, float]):
    """One number per parameter, checked; what the models read.

    Parameters
    ----------
    values : mapping of str to float
        A value for every parameter, in the unit of `parameters`.
    changed : mapping of str to float
        Those that were not left at ``mid``.
    level : {"low", "mid", "high"}, default "mid"
        Where in their range the costs stand that were not set by name.
    named : iterable of str, optional
        Those that were set by name; by default all that changed.
    """

    def __init__(
        self,
        values: Mapping[str, float],
        changed: Mapping[str, float],
        level: str = "mid",
        named: Iterable[str] | None = None,
    ) -> None:
        self.level = level
        self.named = frozenset(changed if named is None else named)
        self._values = MappingProxyType(dict(values))
        self.changed: Mapping[str, float] = MappingProxyType(dict(changed))

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        changed = ", ".join(
            f"{k}={v:g}" for k, v in self.changed.items() if k in self.named
        )
        level = "" if self.level == "mid" else f"; costs: {self.level}"
        return (
            f"ParameterValues({len(self)} values; changed: {changed or 'none'}{level})"
        )

    def at_level(self, level: str) -> ParameterValues:
        """Return the same values with the costs at another level.

        Parameters
        ----------
        level : {"low", "mid", "high"}
            For every cost parameter that was not set by name.

        Returns
        -------
        ParameterValues
            New values; these stay as they are.
        """
        named = {
            name: self._values[name] for name in self.changed if name in self.named
        }
        moved = _costs_at(level)
        changed = {**(moved if level != "mid" else {}), **named}
        return ParameterValues(
            {**self._values, **moved, **named}, changed, level, named
        )


def parameter_values(
    overrides: Mapping[str, float | str] | None = None,
) -> ParameterValues:
    """Return the value of every parameter, with the user's own where given.

    Parameters
    ----------
    overrides : mapping of str to float or {"low", "mid", "high"}, optional
        New values by parameter name, in the unit of `parameters`, or the name
        of a column of that table. Values outside the table's range are used
        with a warning. The key ``"level"`` sets all cost parameters that are not
        named at ``"low"``, ``"mid"`` or ``"high"`` together.

    Returns
    -------
    ParameterValues
        A read-only mapping of name to value.

    Raises
    ------
    StudyError
        If a name is unknown or a value cannot be: not a number, negative, a
        share above 1, a sizing ratio below 1, a level that is none.

    Examples
    --------
    >>> from siteselect.infrastructure import parameter_values
    >>> parameter_values({"peak_ratio": 1.25})["peak_ratio"]
    1.25
    >>> parameter_values({"peak_ratio": "high"})["peak_ratio"]
    1.4
    >>> parameter_values({"level": "low"})["shell_usd_per_mw_it"]
    9300000.0
    """
    if isinstance(overrides, ParameterValues):
        return overrides
    table = parameters()
    values = {str(name): float(value) for name, value in table["mid"].items()}
    if overrides is None:
        return ParameterValues(values, {})
    if not isinstance(overrides, Mapping):
        raise StudyError(
            four_parts(
                "`parameters` replaces figures of the infrastructure models",
                f"got a {type(overrides).__name__}",
                "a mapping of parameter name to value is allowed",
                'write e.g. parameters={"peak_ratio": 1.25}',
            )
        )
    level = overrides.get("level", "mid")
    values.update(_costs_at(level))
    named: dict[str, float] = {}
    ranges = {level: table[level].to_dict() for level in LEVELS}
    units = table["unit"].to_dict()
    for name, given in overrides.items():
        if name == "level":
            continue
        if name not in values:
            raise StudyError(
                four_parts(
                    f"`parameters` sets {name!r}",
                    f"there is no such parameter.{nearest_name(str(name), values)}",
                    f"known are {shown(values)}",
                    "`siteselect.parameters()` lists them all",
                )
            )
        value = _checked(name, given, str(units[name]), ranges)
        low, high = ranges["low"][name], ranges["high"][name]
        if not low <= value <= high:
            warnings.warn(
                f"Parameter {name!r} is set to {value:g} {units[name]}; "
                f"the plausible range is {low:g} to {high:g}. The value is used.",
                ApproximationWarning,
                stacklevel=3,
            )
        values[name] = named[name] = value
    changed = {**(_costs_at(level) if level != "mid" else {}), **named}
    return ParameterValues(values, changed, str(level), named)


def _costs_at(level: object) -> dict[str, float]:
    """Return the cost parameters at a level, or refuse it."""
    if not isinstance(level, str) or level not in LEVELS:
        raise StudyError(
            four_parts(
                "`level` sets all cost parameters together",
                f"got {said(level)}.{nearest_name(str(level), LEVELS)}",
                '"low", "mid" or "high" is allowed',
                'write parameters={"level": "high"}',
            )
        )
    column = parameters()[level]
    return {name: float(column[name]) for name in COST_PARAMETERS}


def parameter_levels(
    overrides: Mapping[str, float | str] | None = None,
) -> dict[str, ParameterValues]:
    """Return the values of all parameters at low, mid and high.

    Parameters
    ----------
    overrides : mapping of str to float or {"low", "mid", "high"}, optional
        As in `parameter_values`. A value given holds at all three levels.

    Returns
    -------
    dict of str to ParameterValues
        Keyed by ``"low"``, ``"mid"`` and ``"high"``.

    Examples
    --------
    >>> from siteselect.infrastructure import parameter_levels
    >>> [level["peak_ratio"] for level in parameter_levels().values()]
    [1.2, 1.3, 1.4]
    """
    changed = parameter_values(overrides).changed
    table = parameters()
    return {
        level: ParameterValues(
            {str(k): float(v) for k, v in table[level].items()} | dict(changed), changed
        )
        for level in LEVELS
    }


def _checked(
    name: str,
    given: float | str,
    unit: str,
    ranges: Mapping[str, Mapping[Hashable, float]],
) -> float:
    """Return the number a user gave, or refuse it."""
    if isinstance(given, str) and given in LEVELS:
        return float(ranges[given][name])
    try:
        value = math.nan if isinstance(given, bool | str) else float(given)
    except (TypeError, ValueError):
        value = math.nan
    least = 1.0 if name in _AT_LEAST_ONE else 0.0
    most = 1.0 if unit in _AT_MOST_ONE else math.inf
    least, most = _BETWEEN.get(name, (least, most))
    fits = math.isfinite(value) and least <= value <= most
    if name in _POSITIVE:
        fits = fits and value > 0
    if name in _WHOLE_YEARS:
        fits = fits and value == int(value)
    if fits:
        return value
    if name in _WHOLE_YEARS:
        allowed = "a whole number of years, 1 or more"
    elif name in _BETWEEN:
        allowed = f"a number from {least:g} to {most:g}"
    elif math.isfinite(most):
        allowed = f"a share from {least:g} to {most:g}"
    else:
        allowed = f"a finite number, {least:g} or more"
    raise StudyError(
        four_parts(
            f"`parameters` sets {name!r} [{unit}]",
            f"got {given!r}",
            f'{allowed} is allowed, or "low", "mid", "high"',
            f"the table has {ranges['mid'][name]:g}",
        )
    )
