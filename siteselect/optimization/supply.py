"""A limit: plants beside the chosen sites serve them, within caps of the whole plan.

What each site may build comes from `siteselect.infrastructure.energy`; ``check`` runs
the plants of the plan through the hours by a plain rule and shares no code with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from siteselect.errors import LayerError, StudyError, four_parts, shown
from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.energy import Profiles, technology_costs
from siteselect.infrastructure.energy.options import CAPACITIES
from siteselect.infrastructure.energy.pricing import TYPICAL_DAYS_HOLD
from siteselect.infrastructure.energy.simulation import Dispatch, run_dispatch
from siteselect.infrastructure.parameter_table import parameter_values
from siteselect.optimization.asked import not_below
from siteselect.optimization.draw import DRAWN, Draw, drawn_by_site
from siteselect.optimization.limits import Bound, accounts, power_of_thousand
from siteselect.optimization.problem import (
    GW,
    MILLION,
    ExtraColumns,
    Floats,
    Problem,
    Quantity,
    Rows,
    as_floats,
    quantity,
)

#: More sites than these are shortened by the unit price first.
MOST_SITES: Final = 300
#: Columns of the options that are read, beside ``site`` and ``source``.
_READ: Final = (
    "cost_usd_per_mw",
    "lifetime_usd_per_mw",
    "cfe",
    "carbon_kg_per_mwh",
    "acres_per_mw",
    "energy_mwh_per_mw_year",
    "grid_carbon_kg_per_mwh",
    "grid_clean_share",
    *CAPACITIES,
)
#: Column with what gas gives by hour.
GAS: Final = "gas_mw"
#: Kinds of accounts.
CFE, CARBON, ACRES, CAPITAL = "carbon-free", "carbon", "plant land", "plant capital"
ANEW: Final = "carbon-free, days drawn anew"
#: Plant of each capacity in `technology_costs`.
_PLANT: Final = {
    "solar_mw_per_mw": "solar",
    "wind_mw_per_mw": "wind",
    "nuclear_mw_per_mw": "nuclear",
    "gas_mw_per_mw": "gas",
    "battery_mw_per_mw": "battery power",
    "battery_mwh_per_mw": "battery energy",
}


@dataclass(frozen=True, eq=False)
class Supply(Draw):
    r"""Build plants beside the chosen sites, within caps that the sites share.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    links : DataFrame
        Options of supply, as `supply_options` makes them: a row per site and
        carbon-free share. A site without an option cannot be chosen.
    profiles : Profiles
        The hours over which ``check`` runs the plants, usually those of the options.
    cfe : float, optional
        Least carbon-free share of the load of all chosen sites together, hour by hour
        at each [0 to 1].
    carbon_kg_per_mwh : float, optional
        Most emissions over that load [kg/MWh].
    acres : str, number or Series, optional
        Most land for plants at each site [acre].
    capital_usd : float, optional
        Most capital of all plants [USD]. The budget counts it as well.
    parameters : mapping, optional
        Those of `supply_options`.
    at_most : number, mapping or Series, default inf
        Most MW that each option serves in the plan, keyed by option.
    per_mw : str, number or Series, default 1
        Use of an option per facility MW.
    split : bool, default True
        Always True: a site may mix its options.
    unit : str, default "MW"
        Unit of ``at_most``.

    Raises
    ------
    StudyError
        More than 300 sites have options, an option lacks a figure, or a cap cannot be.

    Notes
    -----
    With :math:`y_{ik} \ge 0` the facility MW of site i under option k, a site of
    :math:`m_i` MW has :math:`\sum_k y_{ik} = m_i`, and what is built, paid, emitted
    and covered is the sum over k of figures per MW. That is a plan for the hours: the
    options' own dispatches, side by side. Over the shares listed it is the best mix;
    between them the cost, which is convex in the share, is taken along chords, so a
    finer list of shares can only be cheaper.

    ``cost_usd`` and the budget count the capital of the plants. ``objective="cost"``
    counts the present value of the whole supply where the candidates have
    ``lifetime_cost_usd_per_mw``: leave ``power_usd_per_mw`` out of that column, or
    power is paid twice.

    Sites that are not on the list may be cheaper: `supply_bound` says how much a list
    of all candidates could save at most, from one price per MW and site.

    ``check`` adds up each site's plants and runs them hour by hour: gas as the options
    have it, all else without foresight (`run_dispatch`). The accounts show what that
    gives, which is never less carbon-free than the options said. They also show the
    share over a year that the options were not fitted to (``drawn_anew``, see
    `Profiles.redrawn`): usually less than ``cfe``, which is no limit there.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "solar_cf": [0.2, 0.3], "price_usd_per_mwh": 60.0,
    ...      "carbon_kg_per_mwh": 400.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> days = ss.Profiles.typical_days(sites, "solar_cf")
    >>> options = ss.supply_options(sites, days, cfe=[0, 0.5, 0.8], energy=8760)
    >>> supply = ss.Supply("supply", options, profiles=days, cfe=0.6)
    >>> plan = ss.optimize_sites(sites, site_mw=[100], limits=[supply])
    >>> plan.total_mw, plan.verify()["passed"].all().item()
    (200.0, True)

    >>> plants = supply.built(plan.sites, plan.draws)
    >>> len(plants), type(supply.dispatch(plan.sites, plan.draws)).__name__
    (2, 'Dispatch')
    >>> len(supply.sources()) == len(supply.allowed())
    True
    >>> supply.has_plants, len(supply.drawn_anew.hours)
    (True, 8760)
    """

    at_most: Bound = np.inf
    split: bool = True
    profiles: Profiles = field(kw_only=True)
    cfe: float | None = field(default=None, kw_only=True)
    carbon_kg_per_mwh: float | None = field(default=None, kw_only=True)
    acres: Quantity | None = field(default=None, kw_only=True)
    capital_usd: float | None = field(default=None, kw_only=True)
    parameters: Mapping[str, float | str] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.profiles
        if not isinstance(given, Profiles) or self.split is not True:
            raise StudyError(
                four_parts(
                    f"{self.name!r} runs plants over profiles",
                    f"got {type(given).__name__}, split={self.split!r}",
                    "Profiles are allowed, and options that are mixed",
                    "profiles=siteselect.Profiles.typical_days(sites, solar_cf)",
                )
            )
        n = self.links["site"].nunique()
        if n > MOST_SITES:
            raise StudyError(
                four_parts(
                    f"{self.name!r} plans supply for {n:,} sites together",
                    "that is more than can be planned at once",
                    f"up to {MOST_SITES} sites are allowed",
                    "siteselect.price_supply(sites, profiles, cfe=0.9).nsmallest("
                    f"{MOST_SITES}, 'supply_lifetime_usd_per_mw')",
                )
            )
        self._check_options()
        for name in ("cfe", "carbon_kg_per_mwh", "capital_usd"):
            value = getattr(self, name)
            if value is not None:
                not_below(value, name, 0, f"{name}=0.9" if name == "cfe" else name)
        if self.cfe is not None and self.cfe > 1:
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given cfe={self.cfe:g}",
                    "it is a share of the load",
                    "a number from 0 to 1 is allowed",
                    # A little above 1 is a slip rather than percent.
                    f"cfe={self.cfe / 100 if 2 <= self.cfe <= 100 else 0.9:g}",
                )
            )
        parameter_values(self.parameters)
        self.profiles.take(pd.Index(self.links["site"].unique()))

    def _check_options(self) -> None:
        lost = [x for x in (*_READ, GAS) if x not in self.links.columns]
        if lost:
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given options of supply",
                    f"they have no column {shown(map(repr, lost))}",
                    "the columns of supply_options are allowed",
                    "siteselect.supply_options(sites, profiles)",
                )
            )
        for name in _READ:
            values = as_floats(self.links[name])
            bad = (
                np.ones(len(self.links), dtype=bool)
                if values is None
                else ~(np.isfinite(values) & (values >= 0))
            )
            if bad.any():
                raise LayerError(
                    four_parts(
                        f"{self.name!r} reads {name!r} of its options",
                        "it is missing, infinite or negative in rows "
                        + shown(map(repr, self.links.index[bad])),
                        "numbers of 0 or more are allowed",
                        "siteselect.supply_options(sites, profiles)",
                    )
                )
        shape = self.profiles.hours.shape
        odd = [
            row
            for row, gas in zip(self.links.index, self.links[GAS], strict=True)
            if np.shape(gas) != shape
        ]
        if odd:
            raise LayerError(
                four_parts(
                    f"{self.name!r} reads {GAS!r} of its options",
                    f"it does not fit the {shape[0]:,} hours of the profiles in rows "
                    + shown(map(repr, odd)),
                    "options made with these profiles are allowed",
                    "siteselect.supply_options(sites, profiles)",
                )
            )

    def __repr__(self) -> str:
        return f"Supply({self.name!r}, {self.profiles.label})"

    @property
    def has_plants(self) -> bool:
        """Whether some option builds plants beside a site."""
        return bool((self.links[list(_PLANT)].to_numpy(dtype=np.float64) > 0).any())

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.per_mw, *([] if self.acres is None else [self.acres]))

    # -- rows ----------------------------------------------------------------------

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return the MW of each site under each option."""
        if problem.years:
            raise StudyError(
                four_parts(
                    f"{self.name!r} plans the supply of chosen sites",
                    f"the plan has years: {shown(problem.years)}",
                    "a plan of one period is allowed",
                    "power_mw=3000 without years",
                )
            )
        made = super().columns(problem)
        assert made is not None  # Options are always mixed.
        lifetime = self._per_link(problem, "lifetime_usd_per_mw") / GW
        return replace(made, lifetime_cost_usd=lifetime)

    def rows(self, problem: Problem) -> Rows:
        """Return what each site is served by, and the caps."""
        links = self.link_arrays(problem.frame)
        start = problem.extra[self.name].start
        flow = start + np.arange(links.site.size)
        load = self._per_link(problem, "energy_mwh_per_mw_year") / HOURS_PER_YEAR
        parts = [super().rows(problem)]

        def row(value: Floats, low: float, high: float, kind: str = "") -> None:
            scale = power_of_thousand(value)
            matrix = sparse.csr_array(
                (value * scale, (np.zeros(flow.size, dtype=np.int64), flow)),
                shape=(1, problem.n_columns),
            )
            parts.append(
                Rows.make(
                    matrix, low * scale, high * scale, self.name, [""], scale, kind
                )
            )

        def beyond(what: str, cap: float, nothing: float) -> Floats:
            # An option priced at the cap itself is at it but for rounding.
            found: Floats = self._per_link(problem, what) - cap
            return load * np.where(np.abs(found) < nothing, 0.0, found)

        if self.cfe is not None:
            row(beyond("cfe", self.cfe, 1e-9), 0.0, np.inf)
        if self.carbon_kg_per_mwh is not None:
            carbon = beyond("carbon_kg_per_mwh", self.carbon_kg_per_mwh, 1e-6)
            row(carbon, -np.inf, 0.0)
        if self.capital_usd is not None:
            row(links.cost_usd_per_mw / GW, -np.inf, self.capital_usd, CAPITAL)
        if self.acres is not None:
            most = problem.quantity(self.acres, self.name)
            acres = self._per_link(problem, "acres_per_mw") / GW
            scale = power_of_thousand(acres)
            matrix = sparse.csr_array(
                (acres * scale, (links.site, flow)),
                shape=(problem.n_sites, problem.n_columns),
            )
            parts.append(
                Rows.make(
                    matrix,
                    -np.inf,
                    most * scale,
                    self.name,
                    list(problem.frame.index),
                    scale,
                    ACRES,
                )
            )
        return Rows.stack(parts)

    def settled(self, problem: Problem, x: Floats) -> Floats:
        """Return ``x`` with the cheapest mix for its sites, where none was asked for.

        An objective that does not count the supply leaves open which of the mixes
        within the caps is taken: the one of least present value that needs no more
        capital.
        """
        own = problem.extra[self.name]
        if problem.objective[own].any():
            return x
        from scipy.optimize import linprog

        rows = self.rows(problem)
        fixed = x.copy()
        fixed[own] = 0.0
        matrix = sparse.csr_array(rows.matrix[:, own])
        held = rows.matrix @ fixed
        capital = problem.column_cost[own] * MILLION
        low, high = rows.lower - held, rows.upper - held
        same = low == high
        over, under = ~same & np.isfinite(high), ~same & np.isfinite(low)
        within = sparse.vstack(
            [matrix[over], -matrix[under], sparse.csr_array(capital[None, :])]
        )
        # The stubs know neither sparse matrices nor this option.
        solve: Any = linprog
        found = solve(
            self._per_link(problem, "lifetime_usd_per_mw") / GW * MILLION,
            within,
            np.concatenate([high[over], -low[under], [float(capital @ x[own])]]),
            matrix[same],
            low[same],
            np.column_stack([problem.lower[own], problem.upper[own]]),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10},
        )
        if found.status != 0:
            return x
        x = x.copy()
        x[own] = np.maximum(found.x, 0.0)
        return x

    def _per_link(self, problem: Problem, name: str) -> Floats:
        """Return a figure of the options in the order of the links."""
        links = self.link_arrays(problem.frame)
        sources = np.array([*self.sources(), None], dtype=object)[:-1]
        key = pd.MultiIndex.from_arrays(
            [problem.frame.index[links.site], sources[links.source]]
        )
        table = self.links.set_index(["site", "source"])[name].astype("float64")
        return np.asarray(table.reindex(key), dtype=np.float64)

    # -- check -----------------------------------------------------------------------

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the plan should know."""
        if not self.profiles.is_demonstration:
            return ()
        return (
            f"{self.name} rests on a {self.profiles.label}, not on a year of weather: "
            f"above a carbon-free share of {TYPICAL_DAYS_HOLD:.0%} its cost is a lower "
            "bound",
        )

    def built(
        self, sites: gpd.GeoDataFrame, draws: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return what stands beside each chosen site [MW, MWh], from its options.

        Parameters
        ----------
        sites : GeoDataFrame
            Sites with ``mw``, such as ``plan.sites``.
        draws : DataFrame, optional
            What each draws from each option: ``plan.draws``. A frame given to ``check``
            has it in a column.

        Returns
        -------
        pandas.DataFrame
            One row per chosen site: its load [MW], the size of each plant [MW] and of
            the battery [MWh].

        Raises
        ------
        StudyError
            The sites do not say what each draws.
        """
        name = DRAWN.format(name=self.name)
        if draws is not None:
            sites = sites.assign(**{name: drawn_by_site(draws, self.name, sites.index)})
        elif name not in sites.columns:
            raise StudyError(
                four_parts(
                    f"{self.name!r} was asked for the plants of a plan",
                    "the sites do not say what each draws from its options",
                    "the sites of a plan together with its draws are allowed",
                    "supply.dispatch(plan.sites, plan.draws)",
                )
            )
        drawn = sites[name]
        rows = []
        options = {
            (row["site"], row["source"]): row for row in self.links.to_dict("records")
        }
        for label, mw in sites["mw"][sites["mw"] > 0].items():
            given = drawn[label] if isinstance(drawn[label], Mapping) else {}
            one: dict[str, Any] = {"site": label, "load": 0.0}
            one |= dict.fromkeys([*_PLANT, "clean", "grid_carbon"], 0.0)
            one[GAS] = np.zeros(len(self.profiles.hours))
            for source, amount in given.items():
                option = options.get((label, source))
                if option is None:
                    continue
                for name in _PLANT:
                    one[name] += amount * float(option[name])
                one[GAS] = one[GAS] + amount * np.asarray(option[GAS], np.float64)
                one["load"] = float(mw) * float(option["energy_mwh_per_mw_year"])
                one["clean"] = float(option["grid_clean_share"])
                one["grid_carbon"] = float(option["grid_carbon_kg_per_mwh"])
            one["load"] /= HOURS_PER_YEAR
            rows.append(one)
        columns = ["site", "load", *_PLANT, GAS, "clean", "grid_carbon"]
        return pd.DataFrame(rows, columns=columns).set_index("site")

    def dispatch(
        self, sites: gpd.GeoDataFrame, draws: pd.DataFrame | None = None
    ) -> Dispatch:
        """Return what flows at each chosen site hour by hour [MW], by a plain rule.

        ``sites`` and ``draws`` as in `built`.

        Parameters
        ----------
        sites, draws
            As in `built`.

        Returns
        -------
        Dispatch
        """
        return self._run(self.built(sites, draws))

    @cached_property
    def drawn_anew(self) -> Profiles:
        """Another year of the same means: a plan fitted to some days meets others."""
        return self.profiles.redrawn(1)

    def _run(self, built: pd.DataFrame, hours: Profiles | None = None) -> Dispatch:
        values = parameter_values(self.parameters)
        own = (self.profiles if hours is None else hours).take(built.index)
        n = len(built)
        # Gas that was planned for the hours of the options has no plan for others.
        gas = np.array([*built[GAS]]).reshape(n, -1) if hours is None else None

        def column(name: str) -> Floats:
            return built[name].to_numpy(dtype=np.float64)[:, None]

        steady = values["nuclear_availability"] * column("nuclear_mw_per_mw")
        generation = np.repeat(steady, len(own.hours), axis=1)
        for kind, cf in own.cf.items():
            generation = generation + column(f"{kind}_mw_per_mw") * cf
        return run_dispatch(
            own,
            column("load") * own.load[None, :],
            generation,
            battery_mw=column("battery_mw_per_mw")[:, 0],
            battery_mwh=column("battery_mwh_per_mw")[:, 0],
            round_trip=values["battery_round_trip"],
            gas_mw=values["gas_availability"] * column("gas_mw_per_mw")[:, 0],
            planned_gas_mw=gas,
            most_import_mw=np.full(n, np.inf),
            clean=column("clean")[:, 0],
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return what the plants of the plan give, emit, cover and cost."""
        built = self.built(sites)
        run = self._run(built)
        total = float((run.load @ run.hours).sum())
        bought = run.bought @ run.hours
        clean = (run.direct + run.discharge) @ run.hours + run.clean * bought
        plants = built[list(_PLANT)].to_numpy(dtype=np.float64)
        costs = technology_costs(self.parameters).loc[list(_PLANT.values())]
        served: pd.DataFrame = super().check(sites)
        # How much each option serves says nothing unless it is bounded.
        parts: list[pd.DataFrame] = [served[np.isfinite(served["allowed_max"])]]

        def account(
            group: list[Any], kind: str, low: float, high: Any, used: Any, unit: str
        ) -> None:
            parts.append(accounts(self.name, group, kind, low, high, used, unit))

        if self.cfe is not None and total > 0:
            share = float(clean.sum()) / total
            account([""], CFE, self.cfe, np.inf, [share], "share of the load")
            # Told beside it, and no limit: what is left of it in another year.
            other = self._run(built, self.drawn_anew)
            load = other.load @ other.hours
            left = float(other.summary()["cfe"] @ load / load.sum())
            account([""], ANEW, -np.inf, np.inf, [left], "share of the load")
        if self.carbon_kg_per_mwh is not None and total > 0:
            kg = float(bought @ built["grid_carbon"].to_numpy(dtype=np.float64))
            burned = costs["carbon_kg_per_mwh"].to_dict()["gas"]
            kg += float((run.gas @ run.hours).sum() * burned)
            cap = self.carbon_kg_per_mwh
            account([""], CARBON, -np.inf, cap, [kg / total], "kg/MWh")
        if self.capital_usd is not None:
            usd = float((plants @ costs["capital_usd"].to_numpy(np.float64)).sum())
            account([""], CAPITAL, -np.inf, self.capital_usd, [usd], "USD")
        if self.acres is not None and len(built):
            there = sites.loc[built.index]
            most = quantity(there, self.acres, self.name)
            acres = plants @ costs["acres"].to_numpy(np.float64)
            account(list(built.index), ACRES, -np.inf, most, acres, "acre")
        return pd.concat(parts, ignore_index=True)

    def at_lifetime_cost(self) -> Supply:
        """Return the limit with options that cost the present value of the supply."""
        lifetime = self.links["lifetime_usd_per_mw"]
        return replace(self, links=self.links.assign(cost_usd_per_mw=lifetime))


__all__ = ["Supply"]
