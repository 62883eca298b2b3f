"""Labor markets: the workers in reach of sites, shared by all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure.parameter_table import parameter_values
from siteselect.layers import spatial

__all__ = ["LaborMarket", "labor_market"]

Overrides = Mapping[str, float | str]


@dataclass(frozen=True, eq=False)
class LaborMarket:
    """Workers of one trade within commuting distance, for a limit that shares them.

    Parameters
    ----------
    trade : str
        Column of the layer of workers.
    links : DataFrame
        One row per site and place of workers in reach: ``site`` (label),
        ``source`` (place) and ``km``.
    at_most : Series of float
        Workers that sites may draw from each place, keyed by ``source``.
    per_mw : float
        Local workers of the trade needed at the peak, per facility MW.
    unknown : tuple of str
        Places in reach of a site that have no figure: nobody is drawn there.
    without : tuple
        Labels of sites with no known worker in reach.
    area : Series of str
        Metropolitan area, or rest of the state, of the nearest place in reach of
        each site; missing for those without.
    area_at_most : Series of float
        Workers that sites may draw from each area as a whole, keyed by ``area``.

    Notes
    -----
    Two ways to share the workers. By reach, exact: ``Draw(market.trade,
    market.links, market.at_most, per_mw=market.per_mw, split=True)``; a site may
    draw on all places around it at once. By area, coarser and much faster for
    many candidates: ``Limit(market.trade, per_mw=market.per_mw, by=market.area,
    at_most=market.area_at_most)``; the rest of a state is one area, wider than
    any commute.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> from siteselect.infrastructure import labor_market
    >>> at = gpd.points_from_xy([-100.0, -99.5, -99.75], [32.0, 32.0, 32.0])
    >>> town = gpd.GeoDataFrame(
    ...     {"county": ["48001"], "electricians": [2000.0]}, geometry=at[2:], crs=4326
    ... )
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8], "capacity_mw": 1000.0},
    ...     index=["a", "b"], geometry=at[:2], crs=4326,
    ... )
    >>> market = labor_market(sites, town)
    >>> market.at_most.to_dict(), market.per_mw
    ({'48001': 200.0}, 0.3375)

    Each site alone could have 500 MW; the town cannot staff both:

    >>> shared = ss.Draw(
    ...     "electricians", market.links, market.at_most,
    ...     per_mw=market.per_mw, split=True, unit="electricians",
    ... )
    >>> plan = ss.optimize_sites(sites, site_mw=[500], limits=[shared])
    >>> plan.sites.index.tolist()
    ['a']
    >>> area = ss.Limit(
    ...     "electricians",
    ...     per_mw=market.per_mw,
    ...     by=market.area,
    ...     at_most=market.area_at_most,
    ... )
    >>> ss.optimize_sites(sites, site_mw=[500], limits=[area]).sites.index.tolist()
    ['a']
    """

    trade: str
    links: pd.DataFrame
    at_most: pd.Series
    per_mw: float
    unknown: tuple[str, ...] = ()
    without: tuple[object, ...] = ()
    area: pd.Series = field(default_factory=lambda: pd.Series(dtype="object"))
    area_at_most: pd.Series = field(default_factory=lambda: pd.Series(dtype="float64"))

    def __repr__(self) -> str:
        return (
            f"LaborMarket({self.trade!r}: {len(self.at_most)} places, "
            f"{self.at_most.sum():,.0f} workers, {self.per_mw:g} per MW, "
            f"{len(self.unknown)} places unknown, "
            f"{len(self.without)} sites without)"
        )


def labor_market(
    sites: gpd.GeoDataFrame,
    workforce: gpd.GeoDataFrame,
    *,
    trade: str = "electricians",
    place: str = "county",
    trade_share: str | float = "electrician_share",
    parameters: Overrides | None = None,
) -> LaborMarket:
    """Return which workers each site can draw, for a limit that sites share.

    A site draws on every place within ``commute_km``; a place gives
    ``labor_share`` of its workers to all sites together. Two sites that each
    find enough workers alone may so clash over the same ones.

    Parameters
    ----------
    sites : GeoDataFrame, (n,)
        Candidates.
    workforce : GeoDataFrame
        Workers by place, such as the bundled layer ``workforce``. Places join to
        areas by its columns ``metro`` (missing outside) and ``state``, if it has
        them; else each place is its own area.
    trade : str, default "electricians"
        Column of ``workforce`` [jobs].
    place : str, default "county"
        Column of ``workforce`` that names its rows.
    trade_share : str or float, default "electrician_share"
        Share of the trade among construction workers at the peak: a parameter
        or a number. Only electricians have a figure in `parameters`.
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for ``construction_jobs_per_mw``, ``local_hire_share``,
        ``electrician_share``, ``commute_km`` and ``labor_share``.

    Returns
    -------
    LaborMarket
        Its ``links``, ``at_most`` and ``per_mw`` go into
        ``Draw(..., split=True)``, or ``area`` and ``area_at_most`` into a
        ``Limit``.

    Raises
    ------
    LayerError
        If a column is missing, names or labels repeat, or a figure is negative.
    StudyError
        If the share of the trade cannot be.

    Notes
    -----
    Workers needed per facility MW are ``construction_jobs_per_mw`` x share of
    the trade x ``local_hire_share``. Workers at work are counted, not those who
    seek work. Those who come from afar are in no market.

    Examples
    --------
    >>> import siteselect as ss
    >>> from siteselect.infrastructure import labor_market
    >>> area = ss.datasets.region("Nevada")
    >>> sites = ss.grid_candidates(area, spacing_km=100)
    >>> market = labor_market(sites, ss.datasets.load("workforce"))
    >>> bool((market.links["km"] <= 80).all())
    True
    """
    values = parameter_values(parameters)
    workers = _workers(workforce, trade, place)
    if trade != "electricians" and trade_share == "electrician_share":
        raise StudyError(
            four_parts(
                f"The labor market of {trade!r} is asked",
                "only electricians have a share in the table of parameters",
                "a number from 0 to 1 is allowed",
                f"write labor_market(..., trade={trade!r}, trade_share=0.1)",
            )
        )
    share = _share(trade_share, values)
    if isinstance(sites, pd.DataFrame) and not sites.index.is_unique:
        again = sites.index[sites.index.duplicated()].unique()
        raise LayerError(
            four_parts(
                "Each candidate is linked to workers by its label",
                f"the index repeats {shown(again)}",
                "a unique index is allowed",
                "call sites.reset_index(drop=True)",
            )
        )
    pairs = spatial.pairs_within(sites, workforce, values["commute_km"])
    known = ~np.isnan(workers.to_numpy()[pairs.feature])
    site, feature = pairs.site[known], pairs.feature[known]
    names = workers.index.to_numpy(dtype=object)
    links = pd.DataFrame(
        {
            "site": sites.index[site],
            "source": names[feature],
            "km": pairs.distance_km[known],
        }
    )
    used = np.unique(feature)
    at_most = pd.Series(
        workers.to_numpy()[used] * values["labor_share"],
        index=pd.Index(names[used], name=place),
        name=trade,
    )
    alone = np.setdiff1d(np.arange(len(sites)), site)
    areas = _areas(workforce, names)
    area, area_at_most = _by_area(
        sites.index, areas, site, feature, links["km"].to_numpy(), workers
    )
    return LaborMarket(
        trade,
        links,
        at_most,
        values["construction_jobs_per_mw"] * share * values["local_hire_share"],
        tuple(map(str, names[np.unique(pairs.feature[~known])])),
        tuple(sites.index[alone]),
        area,
        area_at_most * values["labor_share"],
    )


def _areas(
    workforce: gpd.GeoDataFrame, names: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    """Return the labor area of each place: its metro, else the rest of its state."""
    if not {"metro", "state"} <= set(workforce.columns):
        return names
    metro = workforce["metro"].astype("object")
    rest = workforce["state"].astype("object").map("{} outside metros".format)
    return np.asarray(metro.where(metro.notna(), rest), dtype=object)


def _by_area(
    labels: pd.Index,
    areas: npt.NDArray[np.object_],
    site: npt.NDArray[np.int64],
    feature: npt.NDArray[np.int64],
    km: npt.NDArray[np.float64],
    workers: pd.Series,
) -> tuple[pd.Series, pd.Series]:
    """Return the area of each site and the workers of each area in use."""
    # Ties go by name, not by the order of the layer.
    rank = np.unique(areas.astype(str), return_inverse=True)[1]
    order = np.lexsort((rank[feature], km, site))
    own, first = np.unique(site[order], return_index=True)
    area = np.full(len(labels), None, dtype=object)
    area[own] = areas[feature[order][first]]
    known = workers.groupby(areas).sum()
    return (
        pd.Series(area, index=labels, name="area", dtype="object"),
        known[known.index.isin(area[own])].rename_axis("area"),
    )


def _workers(workforce: gpd.GeoDataFrame, trade: str, place: str) -> pd.Series:
    """Return the workers of each place, in the order of the layer."""
    if not isinstance(workforce, gpd.GeoDataFrame):
        raise LayerError(
            four_parts(
                "A labor market is read from a layer of workers",
                f"got a {type(workforce).__name__}",
                "a GeoDataFrame with one row per place is allowed",
                'write siteselect.datasets.load("workforce")',
            )
        )
    for column in (trade, place):
        if column not in workforce.columns:
            raise LayerError(
                four_parts(
                    f"The layer of workers is read for {column!r}",
                    "it has no such column."
                    + nearest_name(str(column), map(str, workforce.columns)),
                    f"its columns are {shown(workforce.columns, 12)}",
                    "name one: labor_market(..., trade=..., place=...)",
                )
            )
    given, names = workforce[trade], workforce[place]
    workers = pd.to_numeric(given, errors="coerce").astype("float64")
    lost = workers.isna() & given.notna()
    wrong = (lost | np.isinf(workers) | (workers < 0)).to_numpy()
    if wrong.any():
        raise LayerError(
            four_parts(
                f"Column {trade!r} of the layer of workers counts jobs",
                f"{int(wrong.sum())} rows hold something else: "
                f"{shown(given[wrong])} in rows {shown(workforce.index[wrong])}",
                "0 or more is allowed, NaN where unknown",
                "mend the layer",
            )
        )
    if names.isna().any() or names.duplicated().any():
        raise LayerError(
            four_parts(
                f"Column {place!r} of the layer of workers names its places",
                "a name is missing or repeats: "
                f"{shown(names[names.isna() | names.duplicated()])}",
                "one name for each row is allowed",
                f"write workforce.dissolve({place!r}, aggfunc='sum').reset_index()",
            )
        )
    return pd.Series(workers.to_numpy(), index=names.to_numpy(dtype=object))


def _share(given: str | float, values: Mapping[str, float]) -> float:
    try:
        share = values[given] if isinstance(given, str) else float(given)
    except (KeyError, TypeError, ValueError):
        share = np.nan
    if not 0 <= share <= 1 or isinstance(given, bool):
        raise StudyError(
            four_parts(
                "The share of a trade among construction workers is asked",
                f"got {given!r}",
                "a number from 0 to 1, or the name of a parameter, is allowed",
                'write trade_share="electrician_share"',
            )
        )
    return float(share)
