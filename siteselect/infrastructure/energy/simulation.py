"""Plants that were chosen, run through a year by a plain rule: a check on a plan.

Nothing here knows of the linear program: no foresight, hour after hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, check_given, four_parts, shown
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.energy.columns import Quantity, site_column
from siteselect.infrastructure.energy.profiles import Profiles
from siteselect.infrastructure.parameter_table import parameter_values

__all__ = ["Dispatch", "run_dispatch", "simulate_supply"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: Columns of capacities per facility MW, as `price_supply` names them.
_CAPACITY = {
    "solar": "solar_mw_per_mw",
    "wind": "wind_mw_per_mw",
    "nuclear": "nuclear_mw_per_mw",
    "gas": "gas_mw_per_mw",
    "battery power": "battery_mw_per_mw",
    "battery energy": "battery_mwh_per_mw",
}


@dataclass(frozen=True, eq=False)
class Dispatch:
    """What flows in each hour, (n_sites, n_hours) [MW].

    Parameters
    ----------
    site : Index, (n_sites,)
        Labels.
    hours : ndarray, (n_hours,)
        Hours of the year that each one stands for.
    load : ndarray
        Load.
    generation : ndarray
        What the carbon-free plants could give; part of it is curtailed.
    direct : ndarray
        What of it serves the load at once.
    charge, discharge : ndarray
        Into and out of the battery, at its terminals.
    level, level_before : ndarray
        What the battery holds at the end and at the start of the hour [MWh].
    gas, bought : ndarray
        From gas plants, and from the grid.
    unserved : ndarray
        Load that nothing serves.
    curtailed : ndarray
        Carbon-free output that nothing takes.
    clean : ndarray, (n_sites,)
        Carbon-free share of what is bought.
    """

    site: pd.Index[Any]
    hours: Floats
    load: Floats
    generation: Floats
    direct: Floats
    charge: Floats
    discharge: Floats
    level: Floats
    level_before: Floats
    gas: Floats
    bought: Floats
    unserved: Floats
    curtailed: Floats
    clean: Floats

    def summary(self) -> pd.DataFrame:
        """Return one row per site.

        Returns
        -------
        DataFrame
            ``cfe``, ``import_share``, ``gas_share`` and ``unserved_share`` of the load,
            ``curtailed_share`` of the carbon-free output, and ``unserved_mwh`` a year.
        """
        total = self.load @ self.hours
        served = (self.direct + self.discharge) @ self.hours
        bought = self.bought @ self.hours
        unserved = self.unserved @ self.hours
        made = self.generation @ self.hours
        with np.errstate(invalid="ignore", divide="ignore"):
            lost = np.where(made > 0, self.curtailed @ self.hours / made, 0.0)
            return pd.DataFrame(
                {
                    "cfe": (served + self.clean * bought) / total,
                    "import_share": bought / total,
                    "gas_share": self.gas @ self.hours / total,
                    "unserved_share": unserved / total,
                    "curtailed_share": np.where(np.isnan(made), np.nan, lost),
                    "unserved_mwh": unserved,
                },
                index=self.site,
            )


def simulate_supply(
    sites: pd.DataFrame,
    profiles: Profiles,
    *,
    energy: Quantity = "energy_mwh_per_mw_year",
    grid_clean_share: Quantity = 0.0,
    import_mw_per_mw: Quantity | None = None,
    parameters: Mapping[str, float | str] | None = None,
) -> Dispatch:
    """Run the plants of each site through the hours by a plain rule.

    Carbon-free output serves the load, then charges the battery; where it falls short,
    the battery gives, then the grid, then gas. No foresight. On
    `Profiles.redrawn`, another year than the one that a plan was fitted to, it tells
    what the plan is worth.

    Parameters
    ----------
    sites : DataFrame, (n,)
        Candidates with capacities per facility MW, as `price_supply` adds them.
    profiles : Profiles
        Hourly output at these sites.
    energy, grid_clean_share, import_mw_per_mw
        As in `price_supply`.
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for figures of `parameters`.

    Returns
    -------
    Dispatch
        Flows per facility MW; ``summary()`` has a row per site. A site without known
        capacities or profile is NaN.

    Raises
    ------
    LayerError
        If a capacity or another column is missing, or a site has no profile.
    StudyError
        If a figure of ``parameters`` cannot be used.

    Notes
    -----
    For a load and a clean share that are what they are, no other use of the battery
    serves more of the load without carbon: what is held back for later can at best
    serve as much then.

    Examples
    --------
    A battery without loss carries half a day of sun through the night:

    >>> import numpy as np, pandas as pd, siteselect as ss
    >>> sun = pd.DataFrame({"a": np.tile(np.repeat([0.0, 1.0], 12), 365)})
    >>> built = dict.fromkeys(["wind", "nuclear", "gas"], 0.0)
    >>> built |= {"solar": 2.0, "battery": 1.0}
    >>> sites = pd.DataFrame(built, index=["a"]).add_suffix("_mw_per_mw")
    >>> sites = sites.assign(battery_mwh_per_mw=12.0)
    >>> days = ss.Profiles.hourly(solar=sun)
    >>> run = ss.simulate_supply(
    ...     sites, days, energy=8760, parameters={"battery_round_trip": 0.9}
    ... )
    >>> run.summary()["cfe"].round(3).tolist()
    [0.95]
    """
    check_given(
        sites,
        ("columns", "iloc"),
        "Supply is simulated at sites",
        "a frame of candidates is needed",
        "simulate_supply(sites, profiles)",
    )
    values = parameter_values(parameters)
    missing = [name for name in _CAPACITY.values() if name not in sites.columns]
    if missing:
        raise LayerError(
            four_parts(
                "supply is simulated from the plants of each site",
                f"the sites have no column {shown(map(repr, missing))}",
                "the columns of price_supply are allowed",
                "siteselect.price_supply(sites, profiles, cfe=0.9)",
            )
        )
    own = profiles.take(sites.index)
    capacity = {
        name: site_column(sites, column, column, 0.0)
        for name, column in _CAPACITY.items()
    }
    for kind in ("solar", "wind"):
        if kind not in own.cf and (np.nan_to_num(capacity[kind]) > 0).any():
            raise StudyError(
                four_parts(
                    f"the sites have {kind} plants",
                    f"the profiles have no {kind}",
                    "profiles of all plants are allowed",
                    f"Profiles.hourly({kind}=frame)",
                )
            )
    load = site_column(sites, "energy", energy, 0.0) / HOURS_PER_YEAR
    most = np.full(len(sites), np.inf)
    if import_mw_per_mw is not None:
        most = site_column(sites, "import_mw_per_mw", import_mw_per_mw, 0.0)
    generation = np.repeat(
        (capacity["nuclear"] * values["nuclear_availability"])[:, None],
        len(own.hours),
        axis=1,
    )
    for kind, cf in own.cf.items():
        generation = generation + capacity[kind][:, None] * cf
    return run_dispatch(
        own,
        load[:, None] * own.load[None, :],
        generation,
        battery_mw=capacity["battery power"],
        battery_mwh=capacity["battery energy"],
        round_trip=values["battery_round_trip"],
        gas_mw=capacity["gas"] * values["gas_availability"],
        most_import_mw=most,
        clean=site_column(sites, "grid_clean_share", grid_clean_share, 0.0, 1.0),
    )


def run_dispatch(
    profiles: Profiles,
    load: Floats,
    generation: Floats,
    *,
    battery_mw: Floats,
    battery_mwh: Floats,
    round_trip: float,
    gas_mw: Floats,
    most_import_mw: Floats,
    clean: Floats,
    planned_gas_mw: Floats | None = None,
) -> Dispatch:
    """Return the flows of plants under the rule of `simulate_supply`.

    Parameters
    ----------
    profiles : Profiles
        For labels and the order of hours.
    load, generation : ndarray, (n_sites, n_hours)
        Load and carbon-free output [MW].
    battery_mw, battery_mwh, gas_mw, most_import_mw, clean : ndarray, (n_sites,)
        Power and energy of the battery, what gas gives, most import [MW, MWh] and the
        carbon-free share of what is imported.
    round_trip : float
        Energy out of the battery per energy in.
    planned_gas_mw : ndarray, (n_sites, n_hours), optional
        Gas that runs by a plan, before all else and as far as there is load and plant
        for it.

    Returns
    -------
    Dispatch
    """
    eta = float(np.sqrt(round_trip))
    first = np.zeros_like(load)
    if planned_gas_mw is not None:
        first = np.minimum(np.minimum(planned_gas_mw, gas_mw[:, None]), load)
    direct = np.minimum(load - first, generation)
    surplus, lack = generation - direct, load - first - direct
    power = battery_mw[:, None]
    # Only one of the two is above zero in an hour.
    step = np.minimum(surplus, power) * eta - np.minimum(lack, power) / eta
    level, before = _levels(step, battery_mwh, profiles.before)
    change = level - before
    charge = np.maximum(change, 0.0) / eta
    discharge = np.maximum(-change, 0.0) * eta
    left = np.maximum(lack - discharge, 0.0)
    bought = np.minimum(left, most_import_mw[:, None])
    more = np.minimum(left - bought, gas_mw[:, None] - first)
    return Dispatch(
        profiles.site,
        profiles.hours,
        load,
        generation,
        direct,
        charge,
        discharge,
        level,
        before,
        first + more,
        bought,
        left - bought - more,
        surplus - charge,
        clean,
    )


def _levels(step: Floats, most: Floats, before: Ints) -> tuple[Floats, Floats]:
    """Return what the battery holds after and before each hour, each run closed.

    Over a run of hours the level goes from s to min(max(s + d, low), high) for some d,
    low and high: so an empty start, a full one, or what either leads to is the state
    that comes back to itself.
    """
    n, m = step.shape
    level = np.empty((m, n))
    steps = np.ascontiguousarray(step.T)
    for run in _runs(before):
        from_empty = _walk(level, steps, run, np.zeros(n), most)
        from_full = _walk(level, steps, run, most, most)
        again = _walk(level, steps, run, from_empty, most)
        _walk(level, steps, run, np.where(again > from_empty, from_full, again), most)
    after = np.ascontiguousarray(level.T)
    return after, after[:, before]


def _walk(
    level: Floats, steps: Floats, run: list[int], start: Floats, most: Floats
) -> Floats:
    now = start
    for hour in run:
        now = np.minimum(np.maximum(now + steps[hour], 0.0), most)
        level[hour] = now
    return now


def _runs(before: Ints) -> list[list[int]]:
    """Return the hours of each run, in their order, the earliest first."""
    after = np.empty_like(before)
    after[before] = np.arange(before.size)
    seen = np.zeros(before.size, dtype=bool)
    runs = []
    for start in range(before.size):
        run = []
        hour = start
        while not seen[hour]:
            seen[hour] = True
            run.append(hour)
            hour = int(after[hour])
        if run:
            runs.append(run)
    return runs
