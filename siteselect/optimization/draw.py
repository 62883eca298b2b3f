"""Resources that a site may draw from any of several sources.

A campus between three substations takes its power from one of them, or from several
at once; a cooling plant takes its water from either of two counties. The headroom of
the sources is then shared by all sites that can reach them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from siteselect.errors import LayerError, StudyError, four_parts, said, shown
from siteselect.layers import spatial
from siteselect.optimization._distance import lonlat
from siteselect.optimization.asked import not_below, whole, yes_or_no
from siteselect.optimization.by_year import is_yearly
from siteselect.optimization.limit_card import ShownAsCard
from siteselect.optimization.limits import (
    Bound,
    accounts,
    clean_name,
    clean_unit,
    plain,
    power_of_thousand,
)
from siteselect.optimization.problem import (
    GW,
    Bools,
    ExtraColumns,
    Floats,
    Ints,
    Problem,
    Quantity,
    Rows,
    as_floats,
    bound_number,
    hashable,
    number,
)

#: Column of the frame that ``check`` reads: a mapping from source to MW per site.
DRAWN = "{name}: drawn"
#: Columns of ``plan.draws``.
DRAW_COLUMNS = ("limit", "site", "source", "mw", "cost_usd")


@dataclass(frozen=True, eq=False)
class SiteOptions:
    """Ways in which a site may be built, of which it takes one.

    Parameters
    ----------
    site : ndarray of int, shape (n_options,)
        Row of the eligible candidates.
    key : ndarray of object, shape (n_options,)
        What tells the options of a site apart.
    cost_usd_per_mw, cost_usd : ndarray, shape (n_options,)
        What the option adds to the cost of the site [USD/MW], [USD].
    """

    site: Ints
    key: npt.NDArray[np.object_]
    cost_usd_per_mw: Floats
    cost_usd: Floats


@dataclass(frozen=True, eq=False)
class Draw(ShownAsCard):
    """Let each chosen site draw from any of several sources that others share.

    Parameters
    ----------
    name : str
        Name in accounts, prices and conflicts.
    links : pandas.DataFrame
        One row per site and source that can be joined: ``site`` (index label of the
        candidate), ``source``, and optionally ``cost_usd_per_mw`` [USD/MW] and
        ``cost_usd`` [USD] of joining them. A site without a link cannot be chosen.
        `nearest_links` makes them.
    at_most : number, mapping or Series
        What each source can give, keyed by source (a number holds for each).
    per_mw : str, number or Series, default 1
        Use of the resource per facility MW.
    split : bool, default False
        Whether a site may draw from several sources at once.
    unit : str, default "MW"
        Unit of the resource.

    Notes
    -----
    With ``split=False`` a column stands for a site, a size *and* a source, so that
    large problems are priced out as usual. With ``split=True`` the flow on each link
    is a variable of its own; keep the links to some ten thousand.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, siteselect as ss
    >>> from siteselect.optimization import Draw
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 300.0},
    ...     geometry=gpd.points_from_xy([-100, -99], [32, 32]), crs=4326,
    ... )
    >>> links = pd.DataFrame({"site": [0, 0, 1], "source": ["A", "B", "A"]})
    >>> headroom = Draw("headroom", links, at_most={"A": 300, "B": 100})
    >>> plan = ss.optimize_sites(sites, site_mw=[100, 300], limits=[headroom])
    >>> plan.draws[["site", "source", "mw"]].to_dict("list")
    {'site': [0, 1], 'source': ['B', 'A'], 'mw': [100.0, 300.0]}
    >>> both = Draw("headroom", links, at_most={"A": 300, "B": 100}, split=True)
    >>> plan = ss.optimize_sites(sites, site_mw=[100, 300], limits=[both])
    >>> plan.sites["mw"].to_dict()  # site 0 draws from A and B
    {0: 300.0, 1: 100.0}

    >>> headroom.sources(), headroom.allowed().tolist()
    (['A', 'B'], [300.0, 100.0])
    """

    by_option: ClassVar[tuple[str, ...]] = ("per_mw",)

    name: str
    links: pd.DataFrame
    at_most: Bound
    per_mw: Quantity = 1
    split: bool = False
    unit: str = "MW"

    def __post_init__(self) -> None:
        clean_name(self.name, "Draw")
        clean_unit(self.unit, self.name)
        yes_or_no(self.split, "split")
        check_links(self.name, self.links)
        if not is_yearly(self.at_most):
            self.allowed()

    def __repr__(self) -> str:
        return f"Draw({self.name!r})"

    def uses(self) -> tuple[Any, ...]:
        """Return the columns and Series that this limit reads."""
        return (self.per_mw,)

    def sources(self) -> list[Any]:
        """Return the sources, in a fixed order.

        Returns
        -------
        list of label
        """
        found = pd.unique(self.links["source"])
        return sorted(found, key=lambda v: (str(type(v)), v))

    def allowed(self) -> pd.Series[Any]:
        """Return what each source can give, keyed by source.

        Returns
        -------
        pandas.Series
            What each source gives, by source, in the unit of the limit.

        Raises
        ------
        StudyError
            A source has no figure, or one that cannot be used.
        """
        keys = self.sources()
        spec = self.at_most
        if isinstance(spec, Mapping | pd.Series):
            given = dict(spec.items())
            missing = [k for k in keys if k not in given]
            values = [bound_number(given.get(k), self.name) for k in keys]
            if missing or np.isnan(values).any() or min(values, default=0.0) < 0:
                bad = missing or [
                    k for k, v in zip(keys, values, strict=True) if not v >= 0
                ]
                raise StudyError(
                    four_parts(
                        f"{self.name!r} draws from {len(keys)} sources",
                        "at_most is missing or negative for "
                        + shown(repr(k) for k in bad),
                        "zero or more for every source (float('inf') for no limit)",
                        "add them to at_most, or leave the sources out of links",
                    )
                )
            return pd.Series(values, index=pd.Index(keys, dtype=object), dtype=float)
        if spec is None or isinstance(spec, str):
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given at_most={said(spec)}",
                    "sources are not rows of the candidates",
                    "a number, or a mapping or Series keyed by source",
                    "at_most=substations.set_index('substation')['headroom_mw']",
                )
            )
        if isinstance(spec, float) and spec == np.inf:
            return pd.Series(np.inf, index=pd.Index(keys, dtype=object))
        value = number(spec, self.name)
        if value < 0:
            raise StudyError(
                four_parts(
                    f"{self.name!r} was given at_most={value:g}",
                    "that is negative",
                    "zero or more for every source",
                    f"at_most={-value:g}",
                )
            )
        return pd.Series(value, index=pd.Index(keys, dtype=object), dtype=float)

    def link_arrays(self, frame: gpd.GeoDataFrame) -> _Links:
        """Return the links of eligible candidates, in canonical order."""
        keys = self.sources()
        code = {k: i for i, k in enumerate(keys)}
        site = frame.index.get_indexer(pd.Index(self.links["site"]))
        source = np.array([code[k] for k in self.links["source"]], dtype=np.int64)
        per_mw = _column(self.links, "cost_usd_per_mw")
        once = _column(self.links, "cost_usd")
        keep = np.flatnonzero(site >= 0)
        order = keep[np.lexsort((source[keep], site[keep]))]
        return _Links(
            site[order].astype(np.int64), source[order], per_mw[order], once[order]
        )

    def options(self, frame: gpd.GeoDataFrame) -> SiteOptions | None:
        """Return one option per site and source, unless a site may split."""
        if self.split:
            return None
        links = self.link_arrays(frame)
        keys = np.array([*self.sources(), None], dtype=object)[:-1]
        return SiteOptions(
            links.site, keys[links.source], links.cost_usd_per_mw, links.cost_usd
        )

    def columns(self, problem: Problem) -> ExtraColumns | None:
        """Return the flow on each link, and whether it is built where that costs."""
        if not self.split:
            return None
        links = self.link_arrays(problem.frame)
        most = np.zeros(problem.n_sites)
        own = problem.column_site >= 0
        np.maximum.at(
            most,
            problem.column_site[own],
            _reach(problem)[own],
        )
        labels = problem.frame.index.astype(str).to_numpy(dtype=object)
        sources = self.sources()
        names = [
            f"{self.name}: {labels[s]} from {sources[k]} [GW]"
            for s, k in zip(links.site.tolist(), links.source.tolist(), strict=True)
        ]
        built = np.flatnonzero(links.cost_usd > 0)
        names += [
            f"{self.name}: {labels[links.site[i]]} joins {sources[links.source[i]]}"
            for i in built.tolist()
        ]
        upper = np.concatenate([most[links.site] * GW, np.ones(built.size)])
        cost = np.concatenate([links.cost_usd_per_mw / GW, links.cost_usd[built]])
        return ExtraColumns(
            tuple(names),
            np.zeros(upper.size),
            upper,
            np.concatenate(
                [np.zeros(links.site.size, bool), np.ones(built.size, bool)]
            ),
            cost_usd=cost,
            payer=np.concatenate([links.site, links.site[built]]),
        )

    def rows(self, problem: Problem) -> Rows:
        """Return one row per source, and with ``split`` one per site and link."""
        allowed = self.allowed().to_numpy()
        keys = self.sources()
        links = self.link_arrays(problem.frame)
        if not self.split:
            option = problem.column_option[self.name]
            there = np.flatnonzero(option >= 0)
            per_column = problem.per_column(self.per_mw, self.name)
            use = per_column[there] * problem.column_mw[there]
            scale = power_of_thousand(use)
            matrix = sparse.csr_array(
                (use * scale, (links.source[option[there]], there)),
                shape=(len(keys), problem.n_columns),
            )
            return Rows.make(
                matrix, -np.inf, allowed * scale, self.name, keys, scale, "total"
            ).take(np.isfinite(allowed))
        # What flows to a site is not told apart by how the site is built.
        per_mw = problem.quantity(self.per_mw, self.name)
        own = problem.extra[self.name]
        n = links.site.size
        flow = own.start + np.arange(n)
        use = per_mw[links.site] / GW
        scale = power_of_thousand(use)
        give = sparse.csr_array(
            (use * scale, (links.source, flow)), shape=(len(keys), problem.n_columns)
        )
        parts = [
            Rows.make(
                give, -np.inf, allowed * scale, self.name, keys, scale, "total"
            ).take(np.isfinite(allowed))
        ]
        arrives = sparse.csr_array(
            (np.ones(n), (links.site, flow)), shape=(problem.n_sites, problem.n_columns)
        )
        needs = problem.site_rows(
            np.arange(problem.n_sites), problem.n_sites, problem.column_mw * GW
        )
        balance = sparse.csr_array(arrives - needs)
        parts.append(Rows.make(balance, 0.0, 0.0, self.name))
        built = np.flatnonzero(links.cost_usd > 0)
        if built.size:
            k = np.arange(built.size)
            most = problem.upper[flow[built]]
            join = sparse.csr_array(
                (
                    np.concatenate([np.ones(built.size), -most]),
                    (
                        np.concatenate([k, k]),
                        np.concatenate([flow[built], own.start + n + k]),
                    ),
                ),
                shape=(built.size, problem.n_columns),
            )
            parts.append(Rows.make(join, -np.inf, 0.0, self.name))
        return Rows.stack(parts)

    def settled(self, problem: Problem, x: Floats) -> Floats:
        """Return ``x`` without links that are joined and carry nothing."""
        if not self.split:
            return x
        links = self.link_arrays(problem.frame)
        own = problem.extra[self.name]
        built = np.flatnonzero(links.cost_usd > 0)
        idle = x[own.start + built] <= 1e-6 * GW
        x = x.copy()
        x[own.start + links.site.size + np.flatnonzero(idle)] = 0.0
        return x

    def draws(self, problem: Problem, x: Floats) -> pd.DataFrame:
        """Return who draws how much from where in a solution, and at what cost."""
        links = self.link_arrays(problem.frame)
        sources = np.array([*self.sources(), None], dtype=object)[:-1]
        mw = np.zeros(links.site.size)
        if self.split:
            own = problem.extra[self.name]
            mw = x[own.start : own.start + links.site.size] / GW
        else:
            option = problem.column_option[self.name]
            there = np.flatnonzero((option >= 0) & (x > 0))
            np.add.at(mw, option[there], (problem.column_mw * x)[there])
        mw = np.round(mw, 9)
        used = np.flatnonzero(mw > 1e-6)
        return pd.DataFrame(
            {
                "limit": self.name,
                "site": problem.frame.index[links.site[used]],
                "source": sources[links.source[used]],
                "mw": mw[used],
                "cost_usd": links.cost_usd_per_mw[used] * mw[used]
                + links.cost_usd[used],
            },
            columns=list(DRAW_COLUMNS),
        )

    def check(self, sites: gpd.GeoDataFrame) -> pd.DataFrame:
        """Return what is drawn from each source, and megawatts without a source."""
        drawn = sites[DRAWN.format(name=self.name)]
        per_mw = plain(sites, self.per_mw)
        given_most: Any = self.at_most
        keyed = isinstance(given_most, Mapping | pd.Series)
        used: dict[Any, float] = dict.fromkeys(self.links["source"], 0.0)
        missing = 0.0
        known = set(zip(self.links["site"], self.links["source"], strict=True))
        for label, mw in sites["mw"][sites["mw"] > 0].items():
            given = drawn[label] if isinstance(drawn[label], Mapping) else {}
            if not self.split and len(given) > 1:
                missing = max(missing, sorted(given.values())[-2])
            total = 0.0
            for source, amount in given.items():
                if (label, source) not in known:
                    continue
                total += amount
                used[source] += amount * float(per_mw[label])
            missing = max(missing, abs(float(mw) - total))
        table = accounts(
            self.name,
            list(used),
            "total",
            -np.inf,
            [float(given_most[k] if keyed else given_most) for k in used],
            list(used.values()),
            self.unit,
        )
        served = accounts(
            self.name, [""], "without a source", -np.inf, 1e-4, [missing], "MW"
        )
        return pd.concat([table, served], ignore_index=True)

    def link_cost_usd(self, draws: pd.DataFrame) -> pd.Series[Any]:
        """Return what the links of ``draws`` cost per site, from the links' table."""
        links = self.links.set_index(["site", "source"])
        out: dict[Any, float] = {}
        for site, source, mw in draws[["site", "source", "mw"]].itertuples(index=False):
            row = links.loc[(site, source)]
            cost = float(row.get("cost_usd_per_mw", 0.0)) * mw
            cost += float(row.get("cost_usd", 0.0))
            out[site] = out.get(site, 0.0) + cost
        return pd.Series(out, dtype=float)

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the plan should know."""
        return ()

    def at_lifetime_cost(self) -> Draw:
        """Return the limit with links that cost what they add to lifetime cost."""
        return self


@dataclass(frozen=True, eq=False)
class _Links:
    """Links of eligible candidates as arrays, sorted by site and source."""

    site: Ints
    source: Ints
    cost_usd_per_mw: Floats
    cost_usd: Floats


def _reach(problem: Problem) -> Floats:
    """Return the most MW of a site that opens by each column."""
    reach = np.where(problem.column_opener < 0, problem.column_mw, 0.0)
    more = np.flatnonzero(problem.column_opener >= 0)
    np.add.at(reach, problem.column_opener[more], problem.column_mw[more])
    return reach


def _column(links: pd.DataFrame, name: str) -> Floats:
    if name not in links.columns:
        return np.zeros(len(links))
    values = as_floats(links[name])
    assert values is not None  # Refused by check_links otherwise.
    return values


def check_links(name: str, links: Any) -> None:
    """Refuse links that do not say who can draw from where at what cost."""
    if not isinstance(links, pd.DataFrame) or not {"site", "source"} <= set(
        links.columns
    ):
        raise StudyError(
            four_parts(
                f"{name!r} was given links of type {type(links).__name__}",
                "it has no columns 'site' and 'source'",
                "a DataFrame with one row per site and source that can be joined",
                "siteselect.nearest_links(sites, substations, source='substation')",
            )
        )
    repeats = links.columns[links.columns.duplicated()]
    if len(repeats):
        raise LayerError(
            four_parts(
                f"{name!r} was given links",
                f"the column {repeats[0]!r} occurs more than once",
                "one column of each name",
                "links.loc[:, ~links.columns.duplicated()]",
            )
        )
    odd = [
        row
        for row, pair in enumerate(zip(links["site"], links["source"], strict=True))
        if not hashable(pair)
    ]
    if odd:
        raise LayerError(
            four_parts(
                f"{name!r} was given links",
                "a site or source is no label in rows "
                + shown(repr(links.index[row]) for row in odd),
                "labels of sites and names of sources",
                "text or numbers in columns 'site' and 'source'",
            )
        )
    lost = links[["site", "source"]].isna().any(axis=1)
    twice = links.duplicated(["site", "source"])
    if lost.any() or twice.any():
        rows = links.index[lost if lost.any() else twice]
        raise LayerError(
            four_parts(
                f"{name!r} was given {len(links)} links",
                ("a site or source is missing" if lost.any() else "a link is repeated")
                + " in rows "
                + shown(repr(r) for r in rows),
                "every pair of site and source once",
                "links.dropna(subset=['site', 'source'])"
                if lost.any()
                else "links.drop_duplicates(['site', 'source'])",
            )
        )
    for column in ("cost_usd_per_mw", "cost_usd"):
        if column not in links.columns:
            continue
        found = as_floats(links[column])
        values = np.full(len(links), np.nan) if found is None else found
        bad: Bools = ~np.isfinite(values) | (values < 0)
        if bad.any():
            raise LayerError(
                four_parts(
                    f"{name!r} reads {column!r} of its links",
                    "it is missing, infinite or negative in rows "
                    + shown(repr(r) for r in links.index[bad]),
                    "zero or more US dollars for every link",
                    f"links[links[{column!r}] >= 0]",
                )
            )


def nearest_links(
    sites: gpd.GeoDataFrame,
    sources: gpd.GeoDataFrame,
    *,
    source: str,
    k: int = 3,
    max_km: float | None = None,
    usd_per_km: float = 0.0,
    usd_per_mw_km: float = 0.0,
) -> pd.DataFrame:
    """Link each site to its ``k`` nearest sources, with the cost of the line.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates.
    sources : geopandas.GeoDataFrame
        For example substations.
    source : str
        Column of ``sources`` that names them.
    k : int
        Links per site.
    max_km : float, optional
        No link longer than this [km].
    usd_per_km : float
        Cost per km of line [USD/km].
    usd_per_mw_km : float
        Cost per km and MW carried [USD/(MW km)].

    Returns
    -------
    pandas.DataFrame
        ``site``, ``source``, ``km``, ``cost_usd``, ``cost_usd_per_mw``.

    Raises
    ------
    StudyError
        ``k`` is below 1, or the column does not exist or repeats a name.
    LayerError
        The sites or the sources have no places.

    Examples
    --------
    >>> import geopandas as gpd
    >>> at = gpd.points_from_xy([-100, -99], [32, 32])
    >>> sites = gpd.GeoDataFrame(index=["a", "b"], geometry=at, crs=4326)
    >>> buses = gpd.GeoDataFrame({"bus": ["X", "Y"]}, geometry=at, crs=4326)
    >>> nearest_links(sites, buses, source="bus", k=1)["source"].tolist()
    ['X', 'Y']
    """
    for frame, what in ((sites, "sites"), (sources, "sources")):
        is_layer = isinstance(frame, gpd.GeoDataFrame)
        if not is_layer or frame._geometry_column_name not in frame.columns:
            raise LayerError(
                four_parts(
                    f"nearest_links needs the places of its {what}",
                    f"it was given {type(frame).__name__}"
                    + (" without a geometry column" if is_layer else ""),
                    "a GeoDataFrame with points, lines or polygons",
                    "nearest_links(sites, substations, source='substation')",
                )
            )
        lonlat(frame)  # Refuses what is nowhere on the Earth.
    k = whole(k, "k", 1, "k=3")
    if max_km is not None:
        max_km = not_below(max_km, "max_km", 0, "max_km=80")
    usd_per_km = not_below(usd_per_km, "usd_per_km", 0, "usd_per_km=1e6")
    usd_per_mw_km = not_below(usd_per_mw_km, "usd_per_mw_km", 0, "usd_per_mw_km=900")
    is_name = hashable(source) and source in sources.columns
    names = sources[source] if is_name else None
    one_each = (
        isinstance(names, pd.Series)
        and all(map(hashable, names))
        and names.is_unique
        and names.notna().all()
    )
    if not one_each:
        raise StudyError(
            four_parts(
                f"nearest_links(source={said(source)}) was asked for",
                f"the sources have no column {said(source)} with one name each",
                "a column of unique names, none of them missing",
                "nearest_links(sites, substations, source='substation', k=3)",
            )
        )
    near = spatial.nearest(sites, sources, k=min(k, len(sources)), max_km=max_km)
    row, column = np.nonzero(near.position >= 0)
    km = near.distance_km[row, column]
    labels = sources[source].to_numpy(dtype=object)
    return pd.DataFrame(
        {
            "site": sites.index[row],
            "source": labels[near.position[row, column]],
            "km": km,
            "cost_usd": usd_per_km * km,
            "cost_usd_per_mw": usd_per_mw_km * km,
        }
    )


def drawn_by_site(
    draws: pd.DataFrame, limit: str, index: pd.Index[Any]
) -> pd.Series[Any]:
    """Return a mapping from source to MW per site, for ``Draw.check``."""
    mine = draws[draws["limit"] == limit]
    out: dict[Any, dict[Any, float]] = {}
    for site, source, mw in mine[["site", "source", "mw"]].itertuples(index=False):
        out.setdefault(site, {})[source] = float(mw)
    return pd.Series([out.get(label) for label in index], index=index, dtype=object)


__all__ = ["Draw", "nearest_links"]
