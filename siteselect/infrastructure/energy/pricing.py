"""Columns of a frame of candidates: what supply at a wanted carbon-free share costs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    ApproximationWarning,
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    shown,
)
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.cost import USD_YEAR
from siteselect.infrastructure.discounting import present_value_factor
from siteselect.infrastructure.energy.columns import (
    Quantity,
    plain_number,
    site_column,
)
from siteselect.infrastructure.energy.profiles import Profiles
from siteselect.infrastructure.energy.technologies import TECHNOLOGIES
from siteselect.infrastructure.energy.unit_program import (
    SiteFigures,
    UnitProgram,
    UnitSupply,
)
from siteselect.infrastructure.parameter_table import ParameterValues, parameter_values

__all__ = ["SUPPLY_COLUMNS", "price_supply"]

Floats = npt.NDArray[np.float64]

#: Above this share typical days flatter: the cost is a lower bound.
TYPICAL_DAYS_HOLD: Final = 0.85
#: Column that `price_supply` adds: unit and meaning.
SUPPLY_COLUMNS: Final[Mapping[str, tuple[str, str]]] = {
    "supply_usd_per_mw_year": (
        "USD per facility MW and year",
        "Cost of plants, fuel and grid energy",
    ),
    "supply_lifetime_usd_per_mw": (
        "USD per facility MW",
        "Its present value over the horizon, in place of power_usd_per_mw",
    ),
    "supply_usd_per_mw_year_per_cfe": (
        "USD per facility MW and year, per unit of share",
        "What more of the carbon-free share costs at the margin",
    ),
    "supply_capital_usd_per_mw": (
        "USD per facility MW",
        "Capital of the plants, paid once and part of the two above",
    ),
    "solar_mw_per_mw": ("MW per facility MW", "Solar built"),
    "wind_mw_per_mw": ("MW per facility MW", "Wind built"),
    "nuclear_mw_per_mw": ("MW per facility MW", "Nuclear built"),
    "gas_mw_per_mw": ("MW per facility MW", "Gas built"),
    "battery_mw_per_mw": ("MW per facility MW", "Battery power built"),
    "battery_mwh_per_mw": ("MWh per facility MW", "Battery energy built"),
    "cfe": ("share", "Hourly carbon-free share of the load"),
    "supply_import_share": ("share", "Share of the load that is bought from the grid"),
    "supply_carbon_kg_per_mwh": ("kg CO2e per MWh", "Emissions over the load"),
    "supply_acres_per_mw": ("acre per facility MW", "Land of the plants"),
    "supply_is_lower_bound": (
        "flag",
        "Typical days stand in for weather at a carbon-free share above 85 %: the "
        "cost is a lower bound",
    ),
    "supply_unknown_because": ("text", "Why the figures are missing"),
}
_BUILT = {
    "solar": "solar_mw_per_mw",
    "wind": "wind_mw_per_mw",
    "nuclear": "nuclear_mw_per_mw",
    "gas": "gas_mw_per_mw",
    "battery power": "battery_mw_per_mw",
    "battery energy": "battery_mwh_per_mw",
}


def price_supply(
    sites: gpd.GeoDataFrame,
    profiles: Profiles,
    *,
    cfe: float,
    technologies: Sequence[str] | None = None,
    energy: Quantity = "energy_mwh_per_mw_year",
    price: Quantity = "price_usd_per_mwh",
    carbon: Quantity = "carbon_kg_per_mwh",
    grid_clean_share: Quantity = 0.0,
    import_mw_per_mw: Quantity | None = None,
    acres_per_mw: Quantity | None = None,
    carbon_cap_kg_per_mwh: float | None = None,
    parameters: Mapping[str, float | str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Add what co-sited supply at a carbon-free share costs at each site.

    Per site a linear program chooses plants, battery, hourly dispatch and grid import
    that serve one facility MW at least cost.

    Parameters
    ----------
    sites : GeoDataFrame, (n,)
        Candidates, usually after `prepare`.
    profiles : Profiles
        Hourly output at these sites.
    cfe : float
        Least hourly carbon-free share of the load [0 to 1]: carbon-free energy that
        is consumed in the hour it is made, or stored for, plus the carbon-free share
        of what is imported, over the load. Surplus does not count.
    technologies : sequence of str, optional
        Of ``solar``, ``wind``, ``battery``, ``gas``, ``nuclear``; by default the
        profiles' plants and a battery.
    energy : str, number or Series, default "energy_mwh_per_mw_year"
        Yearly energy [MWh per facility MW]; 8760 is one MW at all hours.
    price : str, number or Series, default "price_usd_per_mwh"
        Price of grid energy in the first year [USD/MWh]; ``price_multiplier`` and
        ``price_growth`` apply as in `power_usd_per_mw`.
    carbon : str, number or Series, default "carbon_kg_per_mwh"
        Mean emission rate of grid energy [kg/MWh].
    grid_clean_share : str, number or Series, default 0
        Carbon-free share of grid energy [0 to 1]. At 0 imported energy counts as not
        carbon-free, which is on the safe side; the bundle's ``clean_share_2015`` is
        yearly and old.
    import_mw_per_mw : str, number or Series, optional
        Most that is imported in an hour [MW per facility MW]; 0 is off the grid. No
        bound by default.
    acres_per_mw : str, number or Series, optional
        Most land for plants [acre per facility MW].
    carbon_cap_kg_per_mwh : float, optional
        Most emissions over the load [kg/MWh].
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for figures of `parameters`.
    progress : callable, optional
        Called with (programs solved, programs in all) now and then; sites that are
        alike share one.

    Returns
    -------
    GeoDataFrame, (n,)
        A copy with ``supply_usd_per_mw_year`` and ``supply_lifetime_usd_per_mw`` (its
        present value over ``horizon_years``, to stand in place of
        ``power_usd_per_mw``), ``supply_usd_per_mw_year_per_cfe`` (what more of the
        share costs at the margin), ``supply_capital_usd_per_mw``, ``solar_mw_per_mw``,
        ``wind_mw_per_mw``, ``nuclear_mw_per_mw``, ``gas_mw_per_mw``,
        ``battery_mw_per_mw``, ``battery_mwh_per_mw``, ``cfe``,
        ``supply_import_share``, ``supply_carbon_kg_per_mwh``,
        ``supply_acres_per_mw``, ``supply_is_lower_bound`` and
        ``supply_unknown_because``, each per facility MW. NaN where a figure is
        missing or nothing meets what is asked, with the reason.

    Raises
    ------
    StudyError
        If a share, cap, technology or parameter cannot be.
    LayerError
        If a column is missing or holds no numbers, a site has no profile, or one of
        the columns above is there already and not from an earlier call.

    Warns
    -----
    ApproximationWarning
        Where typical days are used above a carbon-free share of 85 %: the cost is a
        lower bound.

    Notes
    -----
    ``lifetime_cost_usd_per_mw - power_usd_per_mw + supply_lifetime_usd_per_mw`` is the
    lifetime cost of a site that is supplied so.

    Plants are paid by capital recovery over their own lifetime, so that a plant that
    outlives the horizon is charged for its years within it. `UnitProgram` states the
    program. There are no unit sizes, ramps, reserves or outages: a firm supply costs
    more.

    References
    ----------
    Hourly carbon-free share: Google, "24/7 Carbon-Free Energy: Methodologies and
    Metrics", 2021. Figures: see `parameters`.

    Examples
    --------
    >>> import siteselect as ss
    >>> area = ss.datasets.region("TX")
    >>> sites = ss.grid_candidates(area, spacing_km=400)
    >>> sites = sites.assign(price_usd_per_mwh=66.0, carbon_kg_per_mwh=350.0)
    >>> days = ss.Profiles.typical_days(sites, ss.datasets.load("solar_cf"))
    >>> priced = ss.price_supply(sites, days, cfe=0.7, energy=8760)
    >>> bool((priced["cfe"] > 0.699).all())
    True
    """
    _check_sites(sites)
    _check_names(sites)
    made, _ = priced(
        sites,
        profiles,
        cfe=cfe,
        technologies=technologies,
        energy=energy,
        price=price,
        carbon=carbon,
        grid_clean_share=grid_clean_share,
        import_mw_per_mw=import_mw_per_mw,
        acres_per_mw=acres_per_mw,
        carbon_cap_kg_per_mwh=carbon_cap_kg_per_mwh,
        parameters=parameters,
        progress=progress,
    )
    if made.attrs["siteselect"]["supply"]["is_lower_bound"]:
        warnings.warn(
            f"Supply at a carbon-free share of {cfe:.0%} is priced on typical days "
            f"({profiles.label}): the cost is a lower bound above "
            f"{TYPICAL_DAYS_HOLD:.0%}. Use Profiles.hourly with a year of data.",
            ApproximationWarning,
            stacklevel=2,
        )
    return made


def priced(
    sites: gpd.GeoDataFrame,
    profiles: Profiles,
    *,
    cfe: float,
    technologies: Sequence[str] | None,
    energy: Quantity,
    price: Quantity,
    carbon: Quantity,
    grid_clean_share: Quantity,
    import_mw_per_mw: Quantity | None = None,
    acres_per_mw: Quantity | None = None,
    carbon_cap_kg_per_mwh: float | None = None,
    parameters: Mapping[str, float | str] | None = None,
    keep_gas: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[gpd.GeoDataFrame, UnitSupply]:
    """Return what `price_supply` does, without its warning, and the supply itself."""
    values = parameter_values(parameters)
    _check_sites(sites)
    if not isinstance(profiles, Profiles):
        raise StudyError(
            four_parts(
                "supply is priced over profiles",
                f"got {type(profiles).__name__}",
                "Profiles are allowed",
                "siteselect.Profiles.typical_days(sites, solar_cf)",
            )
        )
    share = _share("cfe", cfe)
    cap = np.inf
    if carbon_cap_kg_per_mwh is not None:
        cap = plain_number("carbon_cap_kg_per_mwh", carbon_cap_kg_per_mwh)
    build = _technologies(technologies, profiles)
    own = profiles.take(sites.index)
    figures, reasons = _figures(
        sites,
        values,
        energy=energy,
        price=price,
        carbon=carbon,
        clean=grid_clean_share,
        most_import=import_mw_per_mw,
        most_acres=acres_per_mw,
    )
    unseen = np.zeros(len(sites), dtype=bool)
    for name in own.cf:
        if name in build:
            unseen |= np.isnan(own.cf[name]).any(axis=1)
    reasons["no profile"] = unseen
    known = ~np.logical_or.reduce(list(reasons.values()))
    program = UnitProgram(own, values, build, cfe=share, carbon_cap=cap)
    supply = program.solve(figures, known, keep_gas=keep_gas, progress=progress)
    reasons["nothing meets what is asked"] = known & np.isnan(supply.usd_per_year)
    is_bound = own.is_demonstration and share > TYPICAL_DAYS_HOLD
    made = _with_columns(sites, own, program, supply, reasons, values, is_bound)
    return made, supply


def _with_columns(
    sites: gpd.GeoDataFrame,
    profiles: Profiles,
    program: UnitProgram,
    supply: UnitSupply,
    reasons: Mapping[str, npt.NDArray[np.bool_]],
    values: ParameterValues,
    is_bound: bool,
) -> gpd.GeoDataFrame:
    """Return a copy of the candidates with the columns and what they rest on."""
    costs = program.costs.loc[list(_BUILT)]
    built = supply.built[list(_BUILT)].to_numpy(dtype=np.float64)
    factor = present_value_factor(values["discount_rate"], int(values["horizon_years"]))
    known = ~np.isnan(supply.usd_per_year)
    because = np.full(len(sites), None, dtype=object)
    for k in np.flatnonzero(~known).tolist():
        because[k] = "; ".join(name for name, where in reasons.items() if where[k])
    new: dict[str, Any] = {
        "supply_usd_per_mw_year": supply.usd_per_year,
        "supply_lifetime_usd_per_mw": supply.usd_per_year * factor,
        "supply_usd_per_mw_year_per_cfe": supply.usd_per_share,
        "supply_capital_usd_per_mw": built @ costs["capital_usd"].to_numpy(),
        **{column: built[:, k] for k, column in enumerate(_BUILT.values())},
        "cfe": supply.cfe,
        "supply_import_share": supply.import_share,
        "supply_carbon_kg_per_mwh": supply.carbon_kg_per_mwh,
        "supply_acres_per_mw": built @ costs["acres"].to_numpy(),
        "supply_is_lower_bound": known & is_bound,
        "supply_unknown_because": list(because),
    }
    out = sites.copy()
    for name in SUPPLY_COLUMNS:
        out[name] = pd.Series(new[name], index=sites.index)
    key = "siteselect"
    out.attrs = {
        **sites.attrs,
        key: {
            **sites.attrs.get(key, {}),
            "supply": {
                "profiles": profiles.label,
                "cfe": program.cfe,
                "technologies": list(program.built),
                "is_lower_bound": bool(is_bound),
                "usd_year": USD_YEAR,
                "parameters": dict(values.changed),
            },
        },
    }
    return out


def _figures(
    sites: gpd.GeoDataFrame,
    values: ParameterValues,
    *,
    energy: Quantity,
    price: Quantity,
    carbon: Quantity,
    clean: Quantity,
    most_import: Quantity | None,
    most_acres: Quantity | None,
) -> tuple[SiteFigures, dict[str, npt.NDArray[np.bool_]]]:
    """Return the figures of each site, and where one is missing by name."""
    rate, years = values["discount_rate"], int(values["horizon_years"])
    level = present_value_factor(rate, years, growth=values["price_growth"])
    level /= present_value_factor(rate, years)
    given = {
        "energy": site_column(sites, "energy", energy, 0.0),
        "price": site_column(sites, "price", price, 0.0),
        "carbon": site_column(sites, "carbon", carbon, 0.0),
        "grid_clean_share": site_column(sites, "grid_clean_share", clean, 0.0, 1.0),
    }
    reasons = {f"no {name}": np.isnan(column) for name, column in given.items()}
    reasons["no load"] = given["energy"] == 0
    most = {}
    for name, spec in (("import_mw_per_mw", most_import), ("acres_per_mw", most_acres)):
        most[name] = np.full(len(sites), np.inf)
        if spec is not None:
            most[name] = site_column(sites, name, spec, 0.0)
            reasons[f"no {name}"] = np.isnan(most[name])
    figures = SiteFigures(
        given["price"] * values["price_multiplier"] * level,
        given["carbon"],
        given["grid_clean_share"],
        given["energy"] / HOURS_PER_YEAR,
        most["import_mw_per_mw"],
        most["acres_per_mw"],
    )
    return figures, reasons


def _share(name: str, value: Any) -> float:
    found = plain_number(name, value)
    if found > 1:
        raise StudyError(
            four_parts(
                f"supply was given {name}={found:g}",
                "it is a share of the load",
                "a number from 0 to 1 is allowed",
                # A little above 1 is a slip rather than percent.
                f"{name}={found / 100 if 2 <= found <= 100 else 0.9:g}",
            )
        )
    return found


def _technologies(given: Any, profiles: Profiles) -> tuple[str, ...]:
    """Return what may be built, in the order of `TECHNOLOGIES`."""
    if given is None:
        return tuple(k for k in TECHNOLOGIES if k in profiles.cf or k == "battery")
    names = list(given) if isinstance(given, list | tuple | set) else [given]
    unknown = [k for k in names if k not in TECHNOLOGIES]
    if unknown:
        raise StudyError(
            four_parts(
                f"supply may build {shown(map(repr, names))}",
                f"{unknown[0]!r} is no technology."
                + nearest_name(str(unknown[0]), TECHNOLOGIES),
                f"{shown(TECHNOLOGIES)} are allowed",
                "technologies=['solar', 'battery']",
            )
        )
    blind = [k for k in ("solar", "wind") if k in names and k not in profiles.cf]
    if blind:
        raise StudyError(
            four_parts(
                f"supply may build {shown(map(repr, names))}",
                f"the profiles have no {blind[0]}",
                f"{shown(profiles.cf)} and battery, gas, nuclear are allowed",
                f"Profiles.hourly({blind[0]}=frame)",
            )
        )
    return tuple(k for k in TECHNOLOGIES if k in names)


def _check_sites(sites: Any) -> None:
    """Refuse what is no frame of candidates with unique labels."""
    if not isinstance(sites, gpd.GeoDataFrame) or not sites.index.is_unique:
        raise LayerError(
            four_parts(
                "supply is priced for candidates",
                "their labels repeat"
                if isinstance(sites, gpd.GeoDataFrame)
                else f"got {type(sites).__name__}",
                "a GeoDataFrame with unique labels is allowed",
                "sites.reset_index(drop=True)",
            )
        )


def _check_names(sites: gpd.GeoDataFrame) -> None:
    """Refuse candidates with a column of the user's own that would be lost."""
    there = [name for name in SUPPLY_COLUMNS if name in sites.columns]
    # An earlier call has added all of them.
    if there and len(there) < len(SUPPLY_COLUMNS):
        raise LayerError(
            four_parts(
                f"supply adds {len(SUPPLY_COLUMNS)} columns to the candidates",
                f"they have {shown(map(repr, there))} already",
                "candidates without, or with all of an earlier call, are allowed",
                f"sites.drop(columns={there!r}) or rename them",
            )
        )
