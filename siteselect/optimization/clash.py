"""What clashes and what would free it: the finding and its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from siteselect.optimization.words import listed

#: Part of a bound to which a way out is settled where no step is given.
PRECISION = 1e-3


@dataclass(frozen=True)
class WayOut:
    """The least change of one limit with which all others hold.

    Parameters
    ----------
    limit : str
        Name of the limit; ``"forbidden"`` for forbidden sites.
    group : object
        Group of the limit where the change is needed; a tuple where it takes
        several, ``""`` where the limit has none.
    now, needed : float
        Bound as asked and as it would have to be; the sums over the groups where
        it takes several.
    change : float
        ``needed - now``.
    unit : str
        Unit of all three.
    is_lower_bound : bool
        Whether ``change`` is only known to be the least that could do. Otherwise a
        plan with it was found.
    text : str
        The same in words, rounded so that following it works.
    parts : tuple of (group, now, needed)
        Bound by bound.
    field : str
        Field of the limit or argument that carries the bound.
    is_least : bool
        Whether no smaller change does; in a large program, none that is smaller by
        a thousandth of the bound.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9, 0.8, 0.5], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 32]), crs=4326,
    ... )
    >>> try:
    ...     ss.optimize_sites(sites, power_mw=(500, None), site_mw=[100])
    ... except ss.InfeasiblePlanError as error:
    ...     way = error.ways_out[0]
    >>> way.limit, way.now, round(way.needed, 6)
    ('power', 500.0, 300.0)
    """

    limit: str
    group: object
    now: float
    needed: float
    change: float
    unit: str
    is_lower_bound: bool
    text: str
    parts: tuple[tuple[object, float, float], ...] = ()
    field: str = ""
    is_least: bool = True


@dataclass(frozen=True)
class Clash:
    """Limits that cannot hold together.

    Parameters
    ----------
    names : tuple of str
        The set; no limit of it can be left out if ``is_smallest``.
    is_smallest : bool
        Whether every limit of the set was shown to be needed.
    ways_out : tuple of WayOut
        At most one per limit and bound.
    stuck : tuple of str
        Limits of the set that cannot help alone, however far they give way.
    unsettled : tuple of str
        Limits of the set whose way out was not settled in time.
    said : str
        What is wrong in numbers, where arithmetic alone shows it.
    """

    names: tuple[str, ...]
    is_smallest: bool
    ways_out: tuple[WayOut, ...] = ()
    stuck: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    said: str = ""


def clash_text(clash: Clash) -> tuple[str, str]:
    """Return what clashes and the ways out as two sentences.

    Parameters
    ----------
    clash : Clash
        What `clash_of` found.

    Returns
    -------
    tuple of two str

    Examples
    --------
    >>> way = WayOut("power", "", 900, 600, -300, "MW", False, "power: 900 -> 600 MW")
    >>> said, ways = clash_text(Clash(("power", "sites"), True, (way,), ("sites",)))
    >>> said
    "'power' and 'sites' cannot hold together"
    >>> ways
    "This frees the others: power: 900 -> 600 MW; 'sites' alone cannot help"
    """
    named = [repr(name) for name in clash.names]
    if len(named) == 1:
        said = f"{named[0]} cannot be met by the sites and sizes on offer"
    else:
        said = f"{', '.join(named[:-1])} and {named[-1]} cannot hold together"
    if clash.said:
        said += f" ({clash.said})"
    if not clash.is_smallest:
        said += " (not every one of them is shown to be needed)"
    ways = [way.text for way in clash.ways_out]
    tail = []
    if clash.stuck:
        tail.append(f"{listed(map(repr, clash.stuck))} alone cannot help")
    if clash.unsettled:
        tail.append(f"not settled in time for {listed(map(repr, clash.unsettled))}")
    if not ways:
        start = "Loosen one of them"
        if len(clash.stuck) == len(clash.names):
            start = "More than one clash: loosen several limits"
        return said, "; ".join([start, *tail])
    found = "; or ".join(ways)
    lead = (
        "Any one of these frees the others"
        if len(ways) > 1
        else "This frees the others"
    )
    return said, "; ".join([f"{lead}: {found}", *tail])


def one_of(labels: tuple[Any, ...]) -> object:
    """Return the only label by itself, several as they are."""
    return labels[0] if len(labels) == 1 else labels


def left_out(name: str) -> WayOut:
    """Return the way out of a limit that has no bound to move."""
    nan = float("nan")
    return WayOut(name, "", nan, nan, nan, "", False, f"leave out {name!r}")


__all__ = ["Clash", "WayOut", "clash_text", "left_out", "one_of"]
