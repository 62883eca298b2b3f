"""The table of figures behind every model of this room."""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType

import pandas as pd

from siteselect.errors import (
    ApproximationWarning,
    StudyError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.infrastructure._tables import fact_table

__all__ = ["ParameterValues", "parameter_levels", "parameter_values", "parameters"]

LEVELS = ("low", "mid", "high")
# Units that bound a figure whatever its plausible range is.
_AT_MOST_ONE = ("share",)
_AT_LEAST_ONE = (
    "peak_ratio",
    "line_route_factor",
    "fiber_route_factor",
    "server_w_per_tdp_w",
    "fabric_w_per_server_w",
    "annual_pue",
    "cycles_of_concentration",
    "peak_ratio_floor",
    "peak_ratio_ceiling",
)
_POSITIVE = (
    "horizon_years",
    "home_value_reference_usd",
    "it_w_per_tdp_w",
    "extreme_over_spread",
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
    """

    def __init__(
        self, values: Mapping[str, float], changed: Mapping[str, float]
    ) -> None:
        self._values = MappingProxyType(dict(values))
        self.changed: Mapping[str, float] = MappingProxyType(dict(changed))

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        changed = ", ".join(f"{k}={v:g}" for k, v in self.changed.items())
        return f"ParameterValues({len(self)} values; changed: {changed or 'none'})"


def parameter_values(
    overrides: Mapping[str, float | str] | None = None,
) -> ParameterValues:
    """Return the value of every parameter, with the user's own where given.

    Parameters
    ----------
    overrides : mapping of str to float or {"low", "mid", "high"}, optional
        New values by parameter name, in the unit of `parameters`, or the name
        of a column of that table. Values outside the table's range are used
        with a warning.

    Returns
    -------
    ParameterValues
        A read-only mapping of name to value.

    Raises
    ------
    StudyError
        If a name is unknown or a value cannot be: not a number, negative, a
        share above 1, a sizing ratio below 1.

    Examples
    --------
    >>> from siteselect.infrastructure import parameter_values
    >>> parameter_values({"peak_ratio": 1.25})["peak_ratio"]
    1.25
    >>> parameter_values({"peak_ratio": "high"})["peak_ratio"]
    1.4
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
    changed: dict[str, float] = {}
    ranges = {level: table[level].to_dict() for level in LEVELS}
    units = table["unit"].to_dict()
    for name, given in overrides.items():
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
        values[name] = changed[name] = value
    return ParameterValues(values, changed)


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
    fits = math.isfinite(value) and least <= value <= most
    if name in _POSITIVE:
        fits = fits and value > 0
    if name == "horizon_years":
        fits = fits and value == int(value)
    if fits:
        return value
    if name == "horizon_years":
        allowed = "a whole number of years, 1 or more"
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
