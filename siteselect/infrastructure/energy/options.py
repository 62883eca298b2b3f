"""Ways of supplying a site, from cheap to carbon-free, for the joint program."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import (
    ApproximationWarning,
    StudyError,
    check_given,
    four_parts,
    said,
)
from siteselect.infrastructure.energy.columns import (
    Quantity,
    plain_number,
    site_column,
)
from siteselect.infrastructure.energy.pricing import priced
from siteselect.infrastructure.energy.profiles import Profiles
from siteselect.infrastructure.energy.unit_program import UnitSupply
from siteselect.infrastructure.parameter_table import parameter_values

__all__ = ["CAPACITIES", "supply_options"]

#: Capacities of an option per facility MW.
CAPACITIES: Final = (
    "solar_mw_per_mw",
    "wind_mw_per_mw",
    "nuclear_mw_per_mw",
    "gas_mw_per_mw",
    "battery_mw_per_mw",
    "battery_mwh_per_mw",
)
#: Closer together where the cost bends most.
LEVELS: Final = (
    *(0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85),
    *(0.875, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 1.0),
)


def supply_options(
    sites: gpd.GeoDataFrame,
    profiles: Profiles,
    *,
    cfe: Sequence[float] = LEVELS,
    technologies: Sequence[str] | None = None,
    energy: Quantity = "energy_mwh_per_mw_year",
    price: Quantity = "price_usd_per_mwh",
    carbon: Quantity = "carbon_kg_per_mwh",
    grid_clean_share: Quantity = 0.0,
    parameters: Mapping[str, float | str] | None = None,
) -> pd.DataFrame:
    """Return the cheapest supply of each site at each of several carbon-free shares.

    The options of a site may be mixed, and a mix costs and serves what its parts do,
    so that `Supply` chooses any share between them.

    Parameters
    ----------
    sites : GeoDataFrame, (n,)
        A short list of candidates; `price_supply` shortens a long one.
    profiles : Profiles
        Hourly output at these sites.
    cfe : sequence of float
        Carbon-free shares [0 to 1]; more of them come nearer to the best mix.
    technologies : sequence of str, optional
        As in `price_supply`; by default the profiles' plants and a battery. What they
        leave is imported without a bound.
    energy, price, carbon, grid_clean_share, parameters
        As in `price_supply`.

    Returns
    -------
    DataFrame
        One row per site and share that can be met and differs from the one below:
        ``site``, ``source`` (such as ``"90 % carbon-free"``), ``cost_usd_per_mw``
        (capital of the plants), ``lifetime_usd_per_mw`` (present value of the supply),
        ``cfe``, ``carbon_kg_per_mwh``, ``acres_per_mw``, the capacities per facility
        MW; ``gas_mw``, an array of what gas gives in each hour [MW per facility MW];
        and what the site's load and grid are: ``energy_mwh_per_mw_year``,
        ``grid_carbon_kg_per_mwh``, ``grid_clean_share``.

    Raises
    ------
    StudyError
        If a share or technology cannot be.
    LayerError
        As `price_supply`.

    Warns
    -----
    ApproximationWarning
        Where typical days are used above a carbon-free share of 85 %.

    Examples
    --------
    >>> import siteselect as ss
    >>> sites = ss.grid_candidates(ss.datasets.region("TX"), spacing_km=500)
    >>> sites = sites.assign(price_usd_per_mwh=66.0, carbon_kg_per_mwh=350.0)
    >>> days = ss.Profiles.typical_days(sites, ss.datasets.load("solar_cf"))
    >>> table = ss.supply_options(sites, days, cfe=[0.5, 0.8], energy=8760)
    >>> table["source"].unique().tolist()
    ['50 % carbon-free', '80 % carbon-free']
    """
    check_given(
        sites,
        ("columns", "iloc"),
        "Supply is offered to sites",
        "a frame of candidates is needed",
        "supply_options(sites, profiles)",
    )
    levels = _levels(cfe)
    values = parameter_values(parameters)
    parts = []
    can = np.ones(len(sites), dtype=bool)
    reached = np.full(len(sites), -1.0)
    for level in levels:
        # A share that the cheapest supply exceeds anyway is no option of its own, and
        # what cannot be met cannot be met at more.
        at = np.flatnonzero(can & (reached < level))
        made, supply = priced(
            sites.iloc[at],
            profiles,
            cfe=level,
            technologies=technologies,
            energy=energy,
            price=price,
            carbon=carbon,
            grid_clean_share=grid_clean_share,
            parameters=values,
            keep_gas=True,
        )
        parts.append(_rows(made, supply, level))
        reached[at] = made["cfe"].to_numpy(dtype=np.float64)
        can &= ~np.isnan(reached)
    if any(part["is_bound"].any() for part in parts):
        warnings.warn(
            "Options of supply above a carbon-free share of 85 % are priced on typical "
            f"days ({profiles.label}): their cost is a lower bound. Use "
            "Profiles.hourly with a year of data.",
            ApproximationWarning,
            stacklevel=2,
        )
    table = pd.concat(parts, ignore_index=True).drop(columns="is_bound")
    given = pd.DataFrame(
        {
            "energy_mwh_per_mw_year": site_column(sites, "energy", energy, 0.0),
            "grid_carbon_kg_per_mwh": site_column(sites, "carbon", carbon, 0.0),
            "grid_clean_share": site_column(
                sites, "grid_clean_share", grid_clean_share, 0.0, 1.0
            ),
        },
        index=sites.index,
    )
    table = table.join(given, on="site")
    place = sites.index.get_indexer(pd.Index(table["site"]))
    table = table.iloc[np.lexsort((table["asked"], place))]
    return table.drop(columns="asked").reset_index(drop=True)


def _rows(made: gpd.GeoDataFrame, supply: UnitSupply, level: float) -> pd.DataFrame:
    """Return the options of all sites at one share."""
    known = made["supply_usd_per_mw_year"].notna().to_numpy()
    there = made[known]
    assert supply.gas_mw is not None  # It was asked for.
    return pd.DataFrame(
        {
            "site": there.index,
            "source": f"{100 * level:g} % carbon-free",
            "cost_usd_per_mw": there["supply_capital_usd_per_mw"].to_numpy(),
            "lifetime_usd_per_mw": there["supply_lifetime_usd_per_mw"].to_numpy(),
            "cfe": there["cfe"].to_numpy(),
            "carbon_kg_per_mwh": there["supply_carbon_kg_per_mwh"].to_numpy(),
            "acres_per_mw": there["supply_acres_per_mw"].to_numpy(),
            **{name: there[name].to_numpy() for name in CAPACITIES},
            "gas_mw": list(supply.gas_mw[known]),
            "is_bound": there["supply_is_lower_bound"].to_numpy(),
            "asked": level,
        }
    )


def _levels(given: Any) -> list[float]:
    """Return the shares, each once and in order."""
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        given = [given]
    levels = sorted({plain_number("cfe", x) for x in given})
    if not levels or levels[-1] > 1:
        raise StudyError(
            four_parts(
                f"options of supply are made at cfe={said(given)}",
                "these are shares of the load",
                "one or more numbers from 0 to 1 are allowed",
                "cfe=[0, 0.5, 0.8, 0.9]",
            )
        )
    return levels
