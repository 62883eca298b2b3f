"""What differs between cooling systems at each site, for the program to choose."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from siteselect.errors import ApproximationWarning, LayerError, StudyError, four_parts
from siteselect.infrastructure import cost
from siteselect.infrastructure.climate_cooling import (
    cooling_from_climate,
    cooling_systems,
    known_system,
)
from siteselect.infrastructure.cooling import water_m3_per_mw_year
from siteselect.infrastructure.parameter_table import ParameterValues, parameter_values
from siteselect.infrastructure.water import water_consumed, water_peak_day_m3_per_mw

__all__ = ["DEFAULT_SYSTEMS", "cooling_options"]

Overrides = Mapping[str, float | str]
DEFAULT_SYSTEMS = (
    "air economiser, adiabatic",
    "water chiller, waterside economiser",
    "air chiller, air economiser",
    "closed-loop liquid",
)
_RATINGS = [
    "pue",
    "pue_low",
    "pue_high",
    "peak_ratio",
    "wue_l_per_kwh",
    "wue_low_l_per_kwh",
    "wue_high_l_per_kwh",
    "wue_peak_day_l_per_kwh",
]
# A figure of dollars is made only from what the candidates hold of these.
_CAPITAL = ("land_usd_per_mw", "construction_index", "transformer_usd_per_mw")


def cooling_options(
    sites: pd.DataFrame,
    systems: Iterable[str] | None = None,
    *,
    parameters: Overrides | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the columns that differ by cooling system, one frame per system.

    Wet systems take water and spare power; dry ones the reverse. The frames go
    into ``optimize_sites(..., options=...)``, which picks one system per site.

    Parameters
    ----------
    sites : DataFrame or GeoDataFrame, (n,)
        Candidates that went through `prepare`: the climate columns are read
        (``wet_over_10_c`` and so on) and, for dollars, ``land_usd_per_mw``,
        ``construction_index``, ``transformer_usd_per_mw`` and
        ``price_usd_per_mwh``.
    systems : iterable of str, optional
        Names of `cooling_systems`. By default the four of large halls: air
        economiser with adiabatic cooling, water chiller with waterside
        economiser, air chiller with air economiser, closed-loop liquid.
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for figures of `parameters`; by default those that the
        candidates were prepared with.

    Returns
    -------
    dict of str to DataFrame, (n,)
        By system, indexed as ``sites``: ``pue``, ``pue_low``, ``pue_high``,
        ``peak_ratio`` [facility MW per IT MW in the hottest hours],
        ``it_mw_per_mw`` [IT MW per facility MW], ``wue_l_per_kwh`` (with
        ``_low``, ``_high``, ``_peak_day``), ``energy_mwh_per_mw_year``,
        ``water_m3_per_mw_year``, ``water_consumed_m3_per_mw_year`` [m3 per
        facility MW and year], ``water_peak_day_m3_per_mw`` [m3 per facility MW
        and day], and, where their inputs are there, ``shell_usd_per_mw``,
        ``cost_usd_per_mw``, ``power_usd_per_mw``, ``operation_usd_per_mw`` and
        ``lifetime_cost_usd_per_mw`` [USD per facility MW]. NaN where the
        climate is unknown. ``attrs["extrapolated"]`` lists the sites whose
        climate lies beyond the one the system's line was fitted on.

    Raises
    ------
    LayerError
        If the candidates lack the climate columns.
    StudyError
        If a system is unknown or named twice.

    Warns
    -----
    ApproximationWarning
        If a site's climate lies beyond the range of a system's line.

    Notes
    -----
    All systems speak of a large hall and of the site's climate, held by the
    published figures of its zone (``iecc_zone``, see `cooling_from_climate`).
    `prepare` writes the air chillers as they are published, for midsize halls,
    and one sizing ratio for all: compare options with each other. A higher sizing ratio
    leaves fewer IT MW, and so less shell, in one facility MW: ask for IT MW
    (``optimize_sites(it_mw=...)``) when the program is to choose. What the
    cooling plant itself costs by system is not known and not in the dollars.

    Closed-loop liquid cooling speaks of halls built for warm water in 2026 and is
    unverified; the others speak of air-cooled halls of 2022. The gap between them
    is between servers as much as between cooling systems, and where it decides
    a plan, its figures deserve a designer's own.

    Examples
    --------
    >>> import siteselect as ss
    >>> area = ss.datasets.region("Arizona")
    >>> layers = ss.datasets.load_all(area)
    >>> sites = ss.prepare(ss.grid_candidates(area, spacing_km=150), layers)
    >>> options = ss.cooling_options(sites)
    >>> wet, dry = options["air economiser, adiabatic"], options["closed-loop liquid"]
    >>> bool((dry["water_m3_per_mw_year"] < wet["water_m3_per_mw_year"]).all())
    True
    """
    if not isinstance(sites, pd.DataFrame):
        raise LayerError(
            four_parts(
                "`cooling_options` reads candidates",
                f"got a {type(sites).__name__}",
                "a frame that went through `prepare` is allowed",
                "write cooling_options(siteselect.prepare(sites, layers))",
            )
        )
    names = _systems(systems)
    record = sites.attrs.get("siteselect", {}).get("prepare", {})
    given = record.get("parameters") if parameters is None else parameters
    with warnings.catch_warnings():
        if parameters is None:
            # `prepare` has said so already.
            warnings.simplefilter("ignore", ApproximationWarning)
        values = parameter_values(given)
    own = frozenset(record.get("kept", ()))
    options, beyond = {}, {}
    for name in names:
        ratings = cooling_from_climate(
            sites, name, zones=_zones(sites), parameters=values
        )
        far = ratings["is_extrapolated"].to_numpy()
        options[name] = _columns(sites, ratings, values, own)
        options[name].attrs["extrapolated"] = sites.index[far].tolist()
        if far.any():
            beyond[name] = int(far.sum())
    if beyond:
        told = "; ".join(
            f"{n} of {len(sites)} sites for {name!r}" for name, n in beyond.items()
        )
        warnings.warn(
            f"The climate lies beyond what the cooling lines were made for: {told}. "
            "The figures are given all the same; "
            'attrs["extrapolated"] of each option lists the sites.',
            ApproximationWarning,
            stacklevel=2,
        )
    return options


def _zones(sites: pd.DataFrame) -> pd.Series | None:
    return sites["iecc_zone"] if "iecc_zone" in sites.columns else None


def _systems(systems: Iterable[str] | None) -> list[str]:
    if systems is None:
        return list(DEFAULT_SYSTEMS)
    is_one = isinstance(systems, str) or not isinstance(systems, Iterable)
    names = [known_system(name) for name in ([systems] if is_one else systems)]
    if not names or len(set(names)) < len(names):
        raise StudyError(
            four_parts(
                "`systems` names the cooling systems to choose from",
                "a name repeats" if names else "got none",
                "one or more names of cooling_systems(), each once, are allowed",
                f"write systems={cooling_systems()[:2]!r}",
            )
        )
    return names


def _columns(
    sites: pd.DataFrame,
    ratings: pd.DataFrame,
    values: ParameterValues,
    own: frozenset[str],
) -> pd.DataFrame:
    """Return the figures of one system that follow from its ratings."""
    # Without a climate there is no sizing ratio, and so no option.
    is_sized = ratings["peak_ratio"].notna()
    table: pd.DataFrame = ratings[_RATINGS].where(is_sized)
    ratio = table["peak_ratio"].to_numpy()
    table["it_mw_per_mw"] = 1.0 / ratio
    energy = cost.energy_mwh_per_mw_year(table["pue"], ratio, parameters=values)
    table["energy_mwh_per_mw_year"] = energy
    water = water_m3_per_mw_year(
        table["wue_l_per_kwh"], peak_ratio=ratio, utilisation=values["utilisation"]
    )
    table["water_m3_per_mw_year"] = water
    table["water_consumed_m3_per_mw_year"] = water_consumed(water, parameters=values)
    table["water_peak_day_m3_per_mw"] = water_peak_day_m3_per_mw(
        table["wue_peak_day_l_per_kwh"], ratio, parameters=values
    )

    def has(*names: str) -> bool:
        return all(name in sites.columns for name in names)

    # Dollars that the user brought are the user's to vary by system.
    if has(*_CAPITAL) and "shell_usd_per_mw" not in own:
        shell = cost.shell_usd_per_mw(
            _floats(sites, "construction_index"), ratio, parameters=values
        )
        table["shell_usd_per_mw"] = shell
        if "cost_usd_per_mw" not in own:
            table["cost_usd_per_mw"] = (
                _floats(sites, "land_usd_per_mw")
                + shell
                + _floats(sites, "transformer_usd_per_mw")
            )
    if has("price_usd_per_mwh") and "power_usd_per_mw" not in own:
        table["power_usd_per_mw"] = cost.power_usd_per_mw(
            _floats(sites, "price_usd_per_mwh"), energy, parameters=values
        )
    if "operation_usd_per_mw" not in own:
        table["operation_usd_per_mw"] = cost.operation_usd_per_mw(
            water, ratio, parameters=values
        )
    parts = ["cost_usd_per_mw", "power_usd_per_mw", "operation_usd_per_mw"]
    if all(part in table for part in parts) and "lifetime_cost_usd_per_mw" not in own:
        table["lifetime_cost_usd_per_mw"] = table[parts].sum(axis=1, skipna=False)
    return table


def _floats(sites: pd.DataFrame, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return sites[name].to_numpy(dtype="float64", na_value=np.nan)
