"""The cheapest supply of one megawatt at a wanted carbon-free share, site by site.

A linear program per site, all of one shape: only coefficients differ, so that HiGHS
starts each from the basis of the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.infrastructure.compute import HOURS_PER_YEAR
from siteselect.infrastructure.energy.profiles import Profiles
from siteselect.infrastructure.energy.solver import Solver
from siteselect.infrastructure.energy.technologies import (
    CARBON_FREE,
    output_matrix,
    technology_costs,
)
from siteselect.infrastructure.parameter_table import ParameterValues

__all__ = ["SiteFigures", "UnitProgram", "UnitSupply"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: The program counts money in thousands, so that its terms are near 1.
THOUSAND: Final = 1e-3
#: Sites between two reports of progress.
REPORT: Final = 100
#: Everything that may be built, in the order of the columns.
BUILT: Final = (*CARBON_FREE, "gas", "battery power", "battery energy")


@dataclass(frozen=True, eq=False)
class SiteFigures:
    """What differs between sites beside the profiles, each (n_sites,).

    Parameters
    ----------
    price : ndarray
        Price of grid energy, levelised over the horizon [USD/MWh].
    carbon : ndarray
        Emission rate of grid energy [kg/MWh].
    clean : ndarray
        Carbon-free share of grid energy [0 to 1].
    load : ndarray
        Mean load [MW per facility MW].
    most_import : ndarray
        Most that is imported in an hour [MW per facility MW]; may be infinite.
    most_acres : ndarray
        Most land for plants [acre per facility MW]; may be infinite.
    """

    price: Floats
    carbon: Floats
    clean: Floats
    load: Floats
    most_import: Floats
    most_acres: Floats

    def table(self) -> Floats:
        """Return all figures side by side, (n_sites, 6)."""
        return np.column_stack(
            [
                self.price,
                self.carbon,
                self.clean,
                self.load,
                self.most_import,
                self.most_acres,
            ]
        )


@dataclass(frozen=True, eq=False)
class UnitSupply:
    """The cheapest supply of each site per facility MW, NaN where there is none.

    Parameters
    ----------
    usd_per_year : ndarray, (n_sites,)
        Cost [USD per facility MW and year].
    built : DataFrame, (n_sites, 6)
        ``solar``, ``wind``, ``nuclear``, ``gas``, ``battery power`` [MW] and ``battery
        energy`` [MWh] per facility MW.
    cfe, carbon_kg_per_mwh, import_share : ndarray, (n_sites,)
        Hourly carbon-free share, emissions over the load, imported share of the load.
    usd_per_share : ndarray, (n_sites,)
        What more of the share costs at the margin [USD per facility MW and year, per
        unit of share].
    gas_mw : ndarray, (n_sites, n_hours), optional
        What gas gives in each hour [MW per facility MW], where it was asked for.
    """

    usd_per_year: Floats
    built: pd.DataFrame
    cfe: Floats
    carbon_kg_per_mwh: Floats
    import_share: Floats
    usd_per_share: Floats
    gas_mw: Floats | None = None


class UnitProgram:
    r"""The linear program of one facility MW of load at a site.

    Parameters
    ----------
    profiles : Profiles
        Output and load by hour.
    values : ParameterValues
        Costs and figures of the plants.
    technologies : tuple of str
        What may be built.
    cfe : float
        Least hourly carbon-free share [0 to 1].
    carbon_cap : float
        Most emissions over the load [kg/MWh]; may be infinite.

    Notes
    -----
    With hours h that stand for :math:`w_h` hours of the year, output per MW
    :math:`a_{kh}` of the carbon-free plants k, load :math:`l_h`, what these plants and
    the battery deliver to it :math:`d_h + b_h`, gas :math:`f_h` and import
    :math:`g_h = l_h - d_h - b_h - f_h \ge 0`:

    .. math::
        d_h + c_h &\le \sum_k a_{kh} S_k \qquad c_h + b_h \le P \qquad
        0 \le e_h \le E \\
        e_h &= e_{before(h)} + \eta c_h - b_h / \eta \qquad f_h \le a_g G \\
        \sum_h w_h (d_h + b_h + s\, g_h) &\ge x \sum_h w_h l_h

    s being the grid's carbon-free share. Only carbon-free plants charge the battery,
    so that what it gives is carbon-free; what they give beyond load and charging is
    curtailed. Since the load is met by terms that add up to it, no surplus of one hour
    counts for another: the last row is the hourly carbon-free share
    :math:`\sum \min(l, \text{carbon-free} + s g) / \sum l` without a minimum in it.
    """

    def __init__(
        self,
        profiles: Profiles,
        values: ParameterValues,
        technologies: tuple[str, ...],
        *,
        cfe: float,
        carbon_cap: float = np.inf,
    ) -> None:
        self.plants = tuple(
            k
            for k in CARBON_FREE
            if k in technologies and (k == "nuclear" or k in profiles.cf)
        )
        self.has_battery = "battery" in technologies
        self.has_gas = "gas" in technologies
        self.profiles, self.values = profiles, values
        self.cfe, self.carbon_cap = cfe, carbon_cap
        self.costs = technology_costs(values)
        self.built = [
            name
            for name in BUILT
            if name in self.plants
            or (name == "gas" and self.has_gas)
            or (name.startswith("battery") and self.has_battery)
        ]

    @cached_property
    def output(self) -> Floats:
        """Output per MW of each plant, (n_plants, n_sites, n_hours)."""
        if not self.plants:
            return np.zeros((0, len(self.profiles.site), len(self.profiles.hours)))
        return output_matrix(self.values, self.profiles.cf, self.plants)

    @cached_property
    def flow(self) -> dict[str, Ints]:
        """Columns of each flow by hour."""
        names = ["direct"]
        names += ["gas"] * self.has_gas
        names += ["charge", "discharge", "level"] * self.has_battery
        m, start = len(self.profiles.hours), len(self.built)
        return {name: start + k * m + np.arange(m) for k, name in enumerate(names)}

    @cached_property
    def frame(self) -> _Frame:
        """The rows, with marks where sites differ."""
        rows = _RowBook()
        m, at = len(self.profiles.hours), self.built.index
        hour, one = np.arange(m), np.ones(m, dtype=np.int64)
        share = self.profiles.hours / HOURS_PER_YEAR
        output = [("direct", 1.0), ("charge", 1.0)][: 1 + self.has_battery]
        rows.start(m)
        for name, value in output:
            rows.put(hour, self.flow[name], value)
        for plant in self.plants:
            rows.put(hour, one * at(plant), 0.0, mark=plant)
        delivered = ["direct", "discharge"][: 1 + self.has_battery]
        if self.has_battery:
            eta = np.sqrt(self.values["battery_round_trip"])
            level = self.flow["level"]
            rows.start(m)
            rows.put(hour, self.flow["charge"], 1.0)
            rows.put(hour, self.flow["discharge"], 1.0)
            rows.put(hour, one * at("battery power"), -1.0)
            rows.start(m)
            # An hour that follows itself would ask for one entry twice.
            rows.put(hour, level, np.where(self.profiles.before == hour, 0.0, 1.0))
            other = np.flatnonzero(self.profiles.before != hour)
            rows.put(other, level[self.profiles.before[other]], -1.0)
            rows.put(hour, self.flow["charge"], -eta)
            rows.put(hour, self.flow["discharge"], 1.0 / eta)
            rows.start(m)
            rows.put(hour, level, 1.0)
            rows.put(hour, one * at("battery energy"), -1.0)
        if self.has_gas:
            rows.start(m)
            rows.put(hour, self.flow["gas"], 1.0)
            rows.put(hour, one * at("gas"), -self.values["gas_availability"])
        load = rows.start(m)
        for name in (*delivered, *["gas"] * self.has_gas):
            rows.put(hour, self.flow[name], 1.0)
        shares = rows.start(2)
        for row, mark in enumerate(("clean", "carbon")):
            for name in delivered:
                rows.put(one * row, self.flow[name], share, mark=mark)
            if self.has_gas:
                rows.put(one * row, self.flow["gas"], share, mark=f"{mark} of gas")
        land = rows.start(1)
        rows.put(
            np.zeros(len(self.built), dtype=np.int64),
            np.arange(len(self.built)),
            self.per_built("acres"),
        )
        low = np.full(rows.n, -np.inf)
        high = np.zeros(rows.n)
        if self.has_battery:
            low[2 * m : 3 * m] = 0.0
        return rows.frame(low, high, load, shares, land)

    def per_built(self, what: str) -> Floats:
        """Return a column of the technologies' table for what may be built."""
        found: Floats = self.costs.loc[self.built, what].to_numpy(dtype=np.float64)
        return found

    def _of_gas(self, what: str) -> float:
        return float(self.costs[what].to_dict()["gas"])

    def arrays(self, k: int, figures: Floats) -> _Arrays:
        """Return the program of the k-th site for a mean load of 1 MW.

        Parameters
        ----------
        k : int
            Row of the profiles.
        figures : ndarray, (6,)
            The site's row of `SiteFigures.table`.
        """
        price, carbon, clean, load, most_import, most_acres = figures
        frame, weight = self.frame, self.profiles.hours
        share = weight / HOURS_PER_YEAR
        value = frame.value.copy()
        for plant, a in zip(self.plants, self.output, strict=True):
            value[frame.marked[plant]] = -a[k]
        delivered = 1 + self.has_battery
        value[frame.marked["clean"]] = np.tile((1.0 - clean) * share, delivered)
        value[frame.marked["carbon"]] = np.tile(-carbon * share, delivered)
        low, high = frame.low.copy(), frame.high.copy()
        low[frame.load] = self.profiles.load - most_import / load
        high[frame.load] = self.profiles.load
        low[frame.shares[0]], high[frame.shares[0]] = self.cfe - clean, np.inf
        high[frame.shares[1]] = self.carbon_cap - carbon
        high[frame.land] = most_acres / load
        cost = np.zeros(self.n_columns)
        cost[: len(self.built)] = self.per_built("usd_per_year")
        for name in ("direct", "discharge")[:delivered]:
            cost[self.flow[name]] = -price * weight
        if self.has_gas:
            value[frame.marked["clean of gas"]] = -clean * share
            value[frame.marked["carbon of gas"]] = (
                self._of_gas("carbon_kg_per_mwh") - carbon
            ) * share
            cost[self.flow["gas"]] = (self._of_gas("usd_per_mwh") - price) * weight
        return _Arrays(cost * THOUSAND, value, low, high)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.built) + len(self.flow) * len(self.profiles.hours)

    def solve(
        self,
        figures: SiteFigures,
        known: npt.NDArray[np.bool_],
        *,
        keep_gas: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> UnitSupply:
        """Return the cheapest supply of each known site, with its gas by hour if asked.

        Sites that are alike are solved once, and in an order of their own figures, so
        that neither the order of rows nor labels matter.

        Raises
        ------
        SolverError
            If HiGHS ends without an answer.
        """
        n, table = len(known), figures.table()
        rows = np.flatnonzero(known)
        money, margin = np.full(n, np.nan), np.full(n, np.nan)
        built = np.full((n, len(BUILT)), np.nan)
        shares = np.full((n, 3), np.nan)
        gas = np.zeros((n, len(self.profiles.hours))) if keep_gas else None
        own = [a[rows] for a in self.output]
        first, again = _alike(np.concatenate([table[rows], *own], axis=1))
        solver = Solver(self.frame.start, self.frame.column, self.n_columns)
        at = [BUILT.index(name) for name in self.built]
        for group, k in enumerate(rows[first].tolist()):
            if progress is not None and group % REPORT == 0:
                progress(group, len(first))
            a = self.arrays(k, table[k])
            x = solver.best(a.cost, a.value, a.low, a.high)
            if x is None:
                continue
            there = rows[again == group]
            load = table[k, 3]
            built[there] = 0.0
            built[np.ix_(there, at)] = x[: len(self.built)] * load
            money[there], shares[there] = self._figures_of(x, table[k])
            dual = float(solver.duals[self.frame.shares[0]])
            margin[there] = max(dual, 0.0) / THOUSAND * load
            if gas is not None and self.has_gas:
                gas[there] = x[self.flow["gas"]] * load
        if progress is not None:
            progress(len(first), len(first))
        return UnitSupply(
            money,
            pd.DataFrame(built, columns=list(BUILT), index=self.profiles.site),
            shares[:, 0],
            shares[:, 1],
            shares[:, 2],
            margin,
            gas,
        )

    def _figures_of(self, x: Floats, figures: Floats) -> tuple[float, Floats]:
        """Return what a solution costs, and its carbon-free share, carbon, import."""
        price, carbon, clean, load, _, _ = figures
        weight = self.profiles.hours
        served = x[self.flow["direct"]]
        if self.has_battery:
            served = served + x[self.flow["discharge"]]
        gas = x[self.flow["gas"]] if self.has_gas else np.zeros(weight.size)
        bought = np.maximum(self.profiles.load - served - gas, 0.0)
        clean_mwh, gas_mwh, bought_mwh = (
            float(flow @ weight) for flow in (served, gas, bought)
        )
        total = HOURS_PER_YEAR
        money = (
            float(x[: len(self.built)] @ self.per_built("usd_per_year"))
            + self._of_gas("usd_per_mwh") * gas_mwh
            + price * bought_mwh
        )
        kg = self._of_gas("carbon_kg_per_mwh") * gas_mwh + carbon * bought_mwh
        found = [clean_mwh + clean * bought_mwh, kg, bought_mwh]
        return money * load, np.array(found) / total


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Cost, coefficients and sides of the rows of one site's program."""

    cost: Floats
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class _Frame:
    """Rows by row, and where the entries lie that sites differ in."""

    start: Ints
    column: Ints
    value: Floats
    marked: dict[str, Ints]
    low: Floats
    high: Floats
    load: Ints
    shares: Ints
    land: Ints


class _RowBook:
    """Entries of a matrix, collected row block by row block."""

    def __init__(self) -> None:
        self.n = 0
        self._first = 0
        self._parts: list[tuple[Ints, Ints, Floats, str]] = []

    def start(self, count: int) -> Ints:
        """Open a block of rows and return their numbers."""
        self._first, self.n = self.n, self.n + count
        return np.arange(self._first, self.n)

    def put(self, row: Ints, column: Ints, value: Any, mark: str = "") -> None:
        """Add entries to the open block."""
        values = np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape)
        self._parts.append((self._first + row, column, values, mark))

    def frame(
        self, low: Floats, high: Floats, load: Ints, shares: Ints, land: Ints
    ) -> _Frame:
        """Return the entries sorted by row; those of one mark stay in their order."""
        row, column, value = (
            np.concatenate([part[k] for part in self._parts]) for k in range(3)
        )
        order = np.lexsort((column, row))
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        marked: dict[str, list[Ints]] = {}
        seen = 0
        for part in self._parts:
            here = place[seen : seen + part[0].size]
            seen += part[0].size
            if part[3]:
                marked.setdefault(part[3], []).append(here)
        return _Frame(
            np.searchsorted(row[order], np.arange(self.n + 1)),
            column[order],
            value[order],
            {name: np.concatenate(places) for name, places in marked.items()},
            low,
            high,
            load,
            shares,
            land,
        )


def _alike(table: Floats) -> tuple[Ints, Ints]:
    """Return the first row of each kind, in an order of values, and each row's kind."""
    order = np.lexsort(table.T[::-1]) if len(table) else np.zeros(0, dtype=np.int64)
    ranked = table[order]
    is_new = np.ones(len(table), dtype=bool)
    is_new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    kind = np.empty(len(table), dtype=np.int64)
    kind[order] = np.cumsum(is_new) - 1
    return order[is_new], kind
