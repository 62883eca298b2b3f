"""A plan: the chosen sites, the proof, and the accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.layers.cards import card, escaped, printable
from siteselect.optimization import _plots
from siteselect.optimization.problem import Floats, Problem, Rows
from siteselect.optimization.strengthen import no_upgrades

if TYPE_CHECKING:
    from siteselect.optimization._compile import Compiled
    from siteselect.optimization.frontier import Frontier
    from siteselect.optimization.powerflow import PowerFlow


#: Sites that a printed plan lists.
_MOST_ROWS = 20


def _no_years() -> pd.DataFrame:
    return pd.DataFrame(columns=["year", "mw", "new_mw", "sites", "spent_usd"])


@dataclass(frozen=True, eq=False)
class SitePlan:
    """Chosen sites with status, bound, accounts and prices.

    Plans are made by `siteselect.optimize_sites`.

    Parameters
    ----------
    status : str
        ``"optimal"`` (the gap is proven to be at most the target) or ``"feasible"``
        (stopped earlier; the gap says how far it may be from the best).
    objective, bound : float
        Objective of the plan and proven bound on that of any plan, in the
        objective's unit.
    gap : float
        ``|bound - objective| / max(1e-9, |objective|)``.
    sites : geopandas.GeoDataFrame
        Chosen rows of the candidates with ``mw`` [MW], ``cost_usd`` [USD] and
        ``why``. With years, ``mw`` is that of the last year, ``mw_2027`` and so on
        that of each, and ``cost_usd`` is what is spent over all of them. With
        options, ``option`` is the chosen one, and the columns that differ hold its
        figures.
    candidates : geopandas.GeoDataFrame
        The frame that was given.
    limits : pandas.DataFrame
        One account per limit and group: allowed, used, slack, binding, and
        ``price``: what one more unit of the limit changes in the objective
        according to the linear relaxation (its dual). With years there is one
        account per year as well, in column ``year``.
    objective_name : str
        ``"score x MW"``, ``"cost_usd"`` or ``"<column> x MW"``.
    solver : str
        Solver and way that found the plan.
    seconds : mapping of str to float
        Time per step [s].
    notes : tuple of str
        What a reader should know.
    evidence : pandas.DataFrame
        Weight that rests on each kind of evidence, if the criteria are known.
    compiled : Compiled
        Request, problem, limits and rows, for what works on the plan.
    draws : pandas.DataFrame
        Who draws from which source (`Draw`): limit, site, source, mw, cost_usd.
    upgrades : pandas.DataFrame
        Lines that the plan strengthens (`Deliverable`): ``limit``, ``branch``,
        ``from_bus``, ``to_bus``, ``mw`` [MW], ``usd_per_mw`` [USD/MW], ``cost_usd``
        [USD], ``lead_months`` [months], and ``year``, the first with it in service
        (missing where no year of order is known). The cost is in that of the sites.
    x : ndarray, shape (n_columns,)
        The solution over all columns.
    duals : ndarray or None
        Duals of the linear relaxation, one per row of ``compiled.rows``.
    by_year : pandas.DataFrame
        One row per year: ``year``, ``mw`` that stand [MW], ``new_mw`` [MW],
        ``sites`` and ``spent_usd`` [USD]; empty without years.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
    >>> plan.status, plan.gap <= 1e-4, plan.total_mw, plan.total_cost_usd
    ('optimal', True, 200.0, 0.0)
    >>> plan.sites["mw"].to_dict()
    {0: 100.0, 1: 100.0}
    >>> plan.limits[["limit", "used", "binding"]].values.tolist()
    [['power', 200.0, True]]
    >>> plan.problem.n_columns, len(plan.rows)
    (3, 1)
    """

    status: str
    objective: float
    bound: float
    gap: float
    sites: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    limits: pd.DataFrame
    objective_name: str
    solver: str
    seconds: Mapping[str, float]
    notes: tuple[str, ...]
    evidence: pd.DataFrame
    compiled: Compiled = field(repr=False)
    draws: pd.DataFrame = field(repr=False)
    x: Floats = field(repr=False)
    duals: Floats | None = field(default=None, repr=False)
    by_year: pd.DataFrame = field(default_factory=_no_years, repr=False)
    upgrades: pd.DataFrame = field(default_factory=no_upgrades, repr=False)

    @property
    def total_mw(self) -> float:
        """Chosen facility MW."""
        return float(self.sites["mw"].sum())

    @property
    def total_cost_usd(self) -> float:
        """Cost of the chosen sites by the cost columns [USD]."""
        return float(self.sites["cost_usd"].sum())

    @property
    def problem(self) -> Problem:
        """The columns and the objective that were solved."""
        return self.compiled.problem

    @property
    def rows(self) -> Rows:
        """The rows that were solved, without those found on demand."""
        return self.compiled.rows

    def verify(self) -> pd.DataFrame:
        """Check the plan from the frame and the limits' own inputs.

        Returns
        -------
        pandas.DataFrame
            One row per check with what was found.

        Raises
        ------
        SolverError
            The plan breaks a limit or misreports itself; the message lists how.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> plan.verify()["passed"].all().item()
        True
        """
        from siteselect.optimization.verify import verify_plan

        return verify_plan(self)

    def powerflow(self, network: Any = None, **kwargs: Any) -> PowerFlow:
        """Solve the DC power flow with the sites on a network, line by line.

        Parameters
        ----------
        network : siteselect.grid.Network, optional
            The network; by default that of the plan's `Deliverable`.
        **kwargs
            See `siteselect.optimization.powerflow.powerflow`.

        Returns
        -------
        PowerFlow
            A DataFrame with flow before and after, rating, loading, worst outage and
            whether it binds, per branch; ``plot()`` draws it on a map. Voltage,
            stability and short circuit are not covered.

        Raises
        ------
        StudyError
            There is no network to solve, or no such year.

        Examples
        --------
        >>> import geopandas as gpd, pandas as pd, siteselect as ss
        >>> network = ss.grid.Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 0.0}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": 0.1, "rating_mva": 100.0}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [0.0], "p_max_mw": [900.0]}),
        ... )
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9], "bus": [2]},
        ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
        ... )
        >>> limits = [ss.Deliverable(network)]
        >>> plan = ss.optimize_sites(sites, site_mw=[50], limits=limits)
        >>> plan.powerflow()[["flow_after_mw", "loading"]].values.tolist()
        [[50.0, 0.5]]
        """
        from siteselect.optimization.powerflow import powerflow

        return powerflow(self, network, **kwargs)

    def cost_breakdown(
        self, *, level: str | None = None, by_site: bool = False
    ) -> pd.DataFrame:
        """Return what the chosen sites cost by part, low, mid and high.

        Parameters
        ----------
        level : {"low", "mid", "high"}, optional
            Level of the dollars paid once and every year; by default the one that
            `siteselect.prepare` was given.
        by_site : bool
            One block of rows per site instead of the sum.

        Returns
        -------
        pandas.DataFrame
            As `siteselect.cost_breakdown`: by the bundled cost model, for all that
            stands at the end [USD]. Where the plan counts other columns, or growth
            and what stands already, its ``total_cost_usd`` differs.

        Raises
        ------
        LayerError
            The candidates were not made by `siteselect.prepare`.

        Examples
        --------
        >>> import siteselect as ss
        >>> layers = ss.datasets.load_all("RI")
        >>> cells = ss.grid_candidates(ss.datasets.region("RI"), spacing_km=20)
        >>> sites = ss.prepare(cells, layers).assign(score=1.0)
        >>> plan = ss.optimize_sites(sites, power_mw=(50, 50), site_mw=[50])
        >>> parts = plan.cost_breakdown()
        >>> len(parts) > 3
        True
        """
        from siteselect.infrastructure import cost_breakdown

        return cost_breakdown(self.sites, mw="mw", level=level, by_site=by_site)

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the plan on a map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            See `siteselect.plot_plan`.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> ax = ss.optimize_sites(sites, power_mw=200, site_mw=[100]).plot()
        """
        return _plots.plot_plan(self, ax, **kwargs)

    def to_file(self, path: str | Path) -> Path:
        """Write the plan to a file; the suffix says how.

        Parameters
        ----------
        path : path-like
            ``.gpkg`` (styled for QGIS), ``.parquet``, ``.geojson``, ``.shp``,
            ``.csv`` or ``.xlsx`` for the chosen sites, ``.json`` for the whole
            record; see `siteselect.reporting.write_plan`.

        Returns
        -------
        pathlib.Path
            The file.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> path = plan.to_file("sites.geojson")
        >>> len(gpd.read_file(path))
        2
        """
        return Path(_plots.write_plan(self, path))

    def to_geojson(self) -> str:
        """Return the chosen sites as GeoJSON (RFC 7946: longitude, latitude, WGS84).

        Returns
        -------
        str
            A FeatureCollection; unknown values are null.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> import json
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> json.loads(plan.to_geojson())["type"]
        'FeatureCollection'
        """
        return _plots.to_geojson(self)

    def to_markdown(self, **kwargs: Any) -> str:
        """Return the plan as Markdown: summary, sites, limits and caveats.

        Parameters
        ----------
        **kwargs
            ``units="us"``; see `siteselect.reporting.to_markdown`.

        Returns
        -------
        str
            The text; names and reasons are escaped.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> "200" in plan.to_markdown()
        True
        """
        return _plots.to_markdown(self, **kwargs)

    def to_latex(self, **kwargs: Any) -> str:
        """Return the tables of sites and limits as LaTeX (booktabs, graphicx).

        Parameters
        ----------
        **kwargs
            ``units="us"``; see `siteselect.reporting.to_latex`.

        Returns
        -------
        str
            Two ``table`` environments; names and reasons are escaped.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> plan.to_latex().count("begin{table}")
        2
        """
        return _plots.to_latex(self, **kwargs)

    def report(self, folder: str | Path, **kwargs: Any) -> Path:
        """Write a report with map and tables into a folder.

        Parameters
        ----------
        folder : path-like
            The folder; made if missing.
        **kwargs
            ``alternatives=5``, ``importance=True``, ``robustness=criteria``,
            ``units="us"``, ``accelerator="H100"``, ``pages="candidates"``; see
            `siteselect.reporting.report`.

        Returns
        -------
        pathlib.Path
            ``report.html``, with its files beside it.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> plan.report("report").name
        'report.html'
        """
        return Path(_plots.report(self, folder, **kwargs))

    def explore(
        self,
        path: str | Path | None = None,
        *,
        alternatives: Iterable[SitePlan] = (),
        frontier: Frontier | None = None,
    ) -> Any:
        """Show the plan as an interactive page that works without a network.

        Parameters
        ----------
        path : path-like, optional
            The page, such as "map.html"; without it a notebook shows the page.
        alternatives : iterable of SitePlan, optional
            Plans to flip through, such as ``plan.alternatives(5)``.
        frontier : Frontier, optional
            A curve over the same candidates; its dots lead to its plans.

        Returns
        -------
        pathlib.Path or siteselect.reporting.ExplorerPage
            The file, or without a path the page itself.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> plan.explore("map.html").name
        'map.html'
        """
        return _plots.explore(self, path, alternatives=alternatives, frontier=frontier)

    def alternatives(
        self, n: int = 5, *, within: float | None = None, different_by: int = 1
    ) -> tuple[SitePlan, ...]:
        """Return the next-best plans, best first.

        Parameters
        ----------
        n : int
            How many to look for.
        within : float, optional
            Stop where the objective is worse by more than this share of the plan's.
        different_by : int
            Sites in which a plan differs from every one before it [sites].

        Returns
        -------
        tuple of SitePlan
            Fewer than ``n`` when no further plan exists or none is near enough.

        Raises
        ------
        StudyError
            A number is out of range.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
        >>> [list(other.sites.index) for other in plan.alternatives(2)]
        [[1], [2]]
        """
        from siteselect.optimization.alternatives import alternatives

        return alternatives(self, n, within=within, different_by=different_by)

    def importance(self) -> pd.DataFrame:
        """Return what is lost when each chosen site is taken away.

        Returns
        -------
        pandas.DataFrame
            Indexed by site, largest loss first: ``mw`` [MW], ``loss`` in the unit of
            the objective (infinite where no plan exists without the site),
            ``loss_share`` and ``replaced_by``.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
        >>> plan.importance()["loss"].round(6).to_dict()
        {0: 10.0}
        """
        from siteselect.optimization.importance import importance

        return importance(self)

    def explain(self, site: Any, **kwargs: Any) -> Any:
        """Return why a site was chosen, or why not.

        Parameters
        ----------
        site : label
            Index label of a candidate.
        **kwargs
            See `siteselect.optimization.explain.explain`.

        Returns
        -------
        Explanation
            Its reasons; for a site that was not chosen also the score or cost at which
            it would be, the sites that it would displace, and the limits that keep it
            out.

        Raises
        ------
        StudyError
            No candidate has this label.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
        >>> answer = plan.explain(1)
        >>> answer.is_chosen, round(answer.break_even_score, 6), answer.displaced
        (False, 0.9, (0,))
        """
        from siteselect.optimization.explain import explain

        return explain(self, site, **kwargs)

    def exact_price(self, limit: str, change: float = 1.0, group: Any = None) -> float:
        """Return what moving a limit's bound brings, exactly, by solving again.

        Parameters
        ----------
        limit : str
            Name of the limit, as in ``plan.limits``.
        change : float, default 1.0
            What is added to the bound, in the limit's unit; negative to move it down.
        group : label, optional
            Group whose bound moves; all groups by default.

        Returns
        -------
        float
            Objective after minus objective before, in the objective's unit; NaN where
            no plan exists afterwards.

        Raises
        ------
        StudyError
            There is no such limit or group, or its bound cannot be moved.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
        ... )
        >>> plan = ss.optimize_sites(sites, power_mw=200, site_mw=[100])
        >>> plan.exact_price("power", 50.0), plan.exact_price("power", 100.0)
        (0.0, 50.0)
        """
        from siteselect.optimization.prices import exact_price

        return exact_price(self, limit, change, group)

    def survival(self, criteria: Any, n: int = 50, rng: Any = 0, **kwargs: Any) -> Any:
        """Return how often each site survives when weights and layers are shaken.

        Parameters
        ----------
        criteria : sequence of Criterion
            The criteria that made the score.
        n : int, default 50
            Number of draws.
        rng : numpy.random.Generator or int, default 0
            Seed.
        **kwargs
            See `siteselect.optimization.survival.survival`.

        Returns
        -------
        pandas.DataFrame
            Indexed by chosen site: ``survival`` and ``survival_near`` [share of draws]
            and ``mw_mean`` [MW].

        Raises
        ------
        StudyError
            The plan was not made with a score, or raw columns are missing.

        Examples
        --------
        >>> import geopandas as gpd, siteselect as ss
        >>> sites = gpd.GeoDataFrame(
        ...     {"mw_free": [900.0, 300.0], "capacity_mw": 100.0},
        ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
        ... )
        >>> grid = ss.Criterion("grid", ss.Column("mw_free"), ss.Rising(100, 1000))
        >>> scored = ss.score_sites(sites, [grid])
        >>> plan = ss.optimize_sites(scored, power_mw=(100, 100), site_mw=[100])
        >>> plan.survival([grid], n=5)["survival"].to_dict()
        {0: 1.0}
        """
        from siteselect.optimization.survival import survival

        return survival(self, criteria, n=n, rng=rng, **kwargs)

    def _headline(self) -> list[tuple[str, str]]:
        proven = (
            "optimal for these inputs"
            if self.status == "optimal"
            else "feasible, stopped before the target gap"
        )
        used = []
        for name, part in self.limits.groupby("limit", sort=False):
            binding = int(part["binding"].sum())
            word = str(name)
            if binding:
                word += f" ({binding} binding)" if len(part) > 1 else " (binding)"
            used.append(word)
        years = [
            ("by year", ", ".join(f"{y}: {mw:,.6g} MW" for y, mw in self._mw_by_year()))
        ]
        rests = [
            (
                "evidence",
                ", ".join(
                    f"{100 * weight:.3g} % {printable(level)}"
                    for level, weight in self.evidence.itertuples(index=False)
                ),
            )
        ]
        return [
            ("status", f"{proven} (gap {gap_text(self.gap)})"),
            ("sites", f"{len(self.sites):,} of {len(self.candidates):,} candidates"),
            ("power", f"{self.total_mw:,.6g} MW"),
            *(years if len(self.by_year) else []),
            ("cost", dollars(self.total_cost_usd)),
            *(self._upgrade_line() if len(self.upgrades) else []),
            ("objective", f"{self.objective:,.6g} {self.objective_name}"),
            ("bound", f"{self.bound:,.6g}"),
            ("limits", printable(", ".join(used)) or "none"),
            *(rests if len(self.evidence) else []),
            ("time", f"{sum(self.seconds.values()):.2f} s, {self.solver}"),
        ]

    def _upgrade_line(self) -> list[tuple[str, str]]:
        table = self.upgrades
        n = table["branch"].nunique()
        said = (
            f"{dollars(float(table['cost_usd'].sum()))} of it for {n:,} stronger line"
        )
        said += "s" * (n != 1)
        years = table["year"].dropna()
        return [("upgrades", said + (f" by {years.max()}" if len(years) else ""))]

    def _mw_by_year(self) -> list[tuple[int, float]]:
        return list(zip(self.by_year["year"], self.by_year["mw"], strict=True))

    def _table(self) -> pd.DataFrame:
        by_year = [f"mw_{y}" for y, _ in self._mw_by_year()]
        built = [] if self.problem.designs is None else ["option"]
        wanted = ["mw", *by_year, *built, "cost_usd", "why"]
        table = pd.DataFrame(self.sites.drop(columns=self.sites.geometry.name))[wanted]
        table["cost_usd"] = table["cost_usd"].map(dollars)
        table["why"] = table["why"].map(printable)
        table.index = pd.Index(
            [x if isinstance(x, int | float) else printable(x) for x in table.index],
            name=None if table.index.name is None else printable(table.index.name),
        )
        return table

    def __repr__(self) -> str:
        lines = [f"{key:<10}{value}" for key, value in self._headline()]
        table = self._table().head(_MOST_ROWS)
        text = "SitePlan\n" + "\n".join(lines)
        if len(table):
            text += "\n" + table.to_string(max_colwidth=60)
        if len(self.sites) > _MOST_ROWS:
            text += f"\n... and {len(self.sites) - _MOST_ROWS} more"
        for note in self.notes:
            text += f"\nnote: {printable(note)}"
        return text

    def _repr_html_(self) -> str:
        table = self._table()
        shown = table.head(_MOST_ROWS).to_html(escape=True) if len(table) else ""
        if len(table) > _MOST_ROWS:
            shown += f"<p>and {len(table) - _MOST_ROWS:,} more sites</p>"
        notes = "".join(f"<li>{escaped(note, 500)}</li>" for note in self.notes)
        shown += f"<ul>{notes}</ul>" if notes else ""
        return card("SitePlan", self._headline(), shown)


def gap_text(gap: float) -> str:
    """Return a gap as percent.

    Examples
    --------
    >>> gap_text(0.0), gap_text(0.00004), gap_text(float("inf"))
    ('0 %', '0.004 %', 'unknown')
    """
    if not np.isfinite(gap):
        return "unknown"
    return f"{100 * gap:.2g} %"


def dollars(usd: float) -> str:
    """Return an amount of money, short.

    Examples
    --------
    >>> dollars(45_000_000_000), dollars(1_250_000)
    ('$45.00 B', '$1.25 M')
    """
    for size, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(usd) >= size:
            return f"${usd / size:,.2f} {name}"
    return f"${usd:,.0f}"


def relative_gap(bound: float, objective: float) -> float:
    """Return ``|bound - objective| / max(1e-9, |objective|)``."""
    if not np.isfinite(bound):
        return float("inf")
    return abs(bound - objective) / max(1e-9, abs(objective))
