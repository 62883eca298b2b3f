"""Geometries across the antimeridian: cut there, so that planes can hold them.

A polygon over the line where longitude jumps from 180 to -180 would span the
globe if its corners were joined on a plane. RFC 7946 (GeoJSON, section 3.1.9,
2016) cuts such geometries in two; so does `on_globe`, and `joined` undoes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from siteselect.layers.edges import exploded

#: Rounding that does not count as lying beyond the antimeridian [degrees].
_ROUNDING = 1e-9


def on_globe(
    geoms: NDArray[Any], *, is_seamed: bool = False, is_cut: bool = True
) -> NDArray[Any]:
    """Return geometries with all longitudes in [-180, 180], cut where they cross.

    Parameters
    ----------
    geoms : ndarray of shapely geometries
        In longitude and latitude; longitudes from -540 to 540.
    is_seamed : bool
        Whether neighboring corners lie close together, as after a projection is
        undone, so that a step over half the globe crosses the antimeridian.
        Otherwise edges are straight in longitude and latitude, however long.
    is_cut : bool
        Whether to cut what crosses; it stays whole and reaches beyond otherwise.

    Returns
    -------
    ndarray of shapely geometries
        The same object where nothing had to change.
    """
    if not len(geoms):
        return geoms
    low, _, high, _ = shapely.bounds(geoms).T
    out = geoms
    if is_seamed:
        wide = np.flatnonzero(high - low > 180)
        if len(wide):
            out = out.copy()
            out[wide] = _unfolded(out[wide])
            low, _, high, _ = shapely.bounds(out).T
            still = wide[high[wide] - low[wide] > 180]
            for i in still[shapely.get_dimensions(out[still]) == 2]:
                out[i] = _with_pole(out[i])
            low, _, high, _ = shapely.bounds(out).T
    turns = np.round((low + high) / 720)
    # Most lie beyond as a whole: a layer from 0 to 360 degrees.
    whole = (low - 360 * turns >= -180 - _ROUNDING) & (
        high - 360 * turns <= 180 + _ROUNDING
    )
    moved = np.flatnonzero(whole & (turns != 0))
    cut = np.flatnonzero(~whole & (high - low < 360 - _ROUNDING) & is_cut)
    if not len(moved) and not len(cut):
        return out
    out = out.copy() if out is geoms else out
    out[moved] = _shifted(out[moved], -360 * turns[moved])
    if len(cut):
        out[cut] = _cut(out[cut])
    return out


def joined(areas: NDArray[Any]) -> NDArray[Any]:
    """Return polygons cut at the antimeridian in one piece, reaching beyond 180.

    The contrary of cutting: what meets there is one piece of ground.

    Parameters
    ----------
    areas : ndarray of shapely geometries
        Polygons and multipolygons, longitudes in [-180, 180].

    Returns
    -------
    ndarray of shapely geometries
        The same object where nothing had to change. What goes all the way round
        the globe stays as it is.
    """
    if not len(areas):
        return areas
    low, _, high, _ = shapely.bounds(areas).T
    at_both = (low <= -180 + _ROUNDING) & (high >= 180 - _ROUNDING)
    cut = np.flatnonzero(at_both & (shapely.get_dimensions(areas) == 2))
    if not len(cut):
        return areas
    parts, row = exploded(areas[cut])
    flat = shapely.get_dimensions(parts) == 2
    parts, row = parts[flat], row[flat]
    west, _, east, _ = shapely.bounds(parts).T
    at_west = west <= -180 + _ROUNDING
    goes_round = np.zeros(len(cut), dtype=bool)
    goes_round[row[at_west & (east >= 180 - _ROUNDING)]] = True
    # All that lies west goes along if that keeps the whole narrow.
    is_west = west + east < 0
    first, last = np.full(len(cut), np.inf), np.full(len(cut), -np.inf)
    np.minimum.at(first, row, west + 360 * is_west)
    np.maximum.at(last, row, east + 360 * is_west)
    goes = np.where((last - first <= 180)[row], is_west, at_west)
    parts = _shifted(parts, 360.0 * goes)
    out = areas.copy()
    for i, pieces, stays in zip(
        cut, np.split(parts, np.flatnonzero(np.diff(row)) + 1), goes_round, strict=True
    ):
        if not stays:
            out[i] = shapely.union_all(shapely.make_valid(pieces))
    return out


def unrolled(lines: NDArray[Any]) -> NDArray[Any]:
    """Return lines whose edges go the shorter way, reaching beyond 180 for it.

    Parameters
    ----------
    lines : ndarray of shapely lines
        In longitude and latitude. An edge over more than half the globe is one
        across the antimeridian; one over all of it goes all the way round.

    Returns
    -------
    ndarray of shapely lines
        The same object where nothing had to change.
    """
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.diff(xy[:, 0])
    far = (line[1:] == line[:-1]) & (np.abs(step) > 180)
    far &= np.abs(step) < 360 - _ROUNDING
    if not far.any():
        return lines
    turns = np.concatenate([[0.0], np.cumsum(np.where(far, -np.sign(step), 0.0))])
    # Each line begins where it was.
    turns -= turns[np.searchsorted(line, line)]
    xy[:, 0] += 360 * turns
    out: NDArray[Any] = shapely.set_coordinates(lines.copy(), xy)
    return out


def _unfolded(geoms: NDArray[Any]) -> NDArray[Any]:
    """Move the western half of geometries that step across, if that mends them.

    It does not where it tears them at longitude 0, as those round a pole.
    """
    out = geoms.copy()
    xy, which = shapely.get_coordinates(geoms, return_index=True)
    same = which[1:] == which[:-1]
    steps = np.abs(np.diff(xy[:, 0])) > 180
    crosses = np.bincount(which[1:][same & steps], minlength=len(geoms)) > 0
    east = xy.copy()
    east[xy[:, 0] < 0, 0] += 360
    torn = same & (np.abs(np.diff(east[:, 0])) > 180)
    mended = crosses & (np.bincount(which[1:][torn], minlength=len(geoms)) == 0)
    pick = mended[which]
    out[mended] = shapely.set_coordinates(geoms[mended].copy(), east[pick])
    return out


def _with_pole(area: Any) -> Any:
    """Return an area with the pole that its rings go round, if they do.

    In longitude and latitude such a ring does not close: it ends a turn further
    than it began. It is closed along the pole, and cut at the antimeridian.
    """
    parts = shapely.get_parts(area)
    rounds = [_goes_round(ring) for ring in shapely.get_rings(parts)]
    if not any(rounds):
        return area
    joined = []
    for part in parts:
        rings = shapely.get_rings(part)
        if shapely.get_dimensions(part) < 2:
            continue
        shell, *holes = (_capped(ring) for ring in rings)
        joined.append(shapely.difference(shell, shapely.union_all(holes)))
    return shapely.union_all(joined)


def _goes_round(ring: Any) -> bool:
    """Return whether a ring of short edges goes round a pole."""
    step = np.diff(shapely.get_coordinates(ring)[:, 0])
    return bool(abs(((step + 180) % 360 - 180).sum()) > 180)


def _capped(ring: Any) -> Any:
    """Return the area in a ring of short edges, at home on the globe."""
    xy = shapely.get_coordinates(ring)
    step = (np.diff(xy[:, 0]) + 180) % 360 - 180
    lon = xy[0, 0] + np.concatenate([[0.0], np.cumsum(step)])
    xy = np.column_stack([lon, xy[:, 1]])
    if abs(lon[-1] - lon[0]) > 180:
        pole = np.copysign(90.0, xy[:, 1].mean())
        xy = np.vstack([xy, [lon[-1], pole], [lon[0], pole], xy[:1]])
    return _cut(np.array([shapely.polygons(xy)], dtype=object))[0]


def _shifted(geoms: NDArray[Any], degrees: NDArray[np.float64]) -> NDArray[Any]:
    """Move each geometry by its own number of degrees of longitude."""
    xy, which = shapely.get_coordinates(geoms, return_index=True)
    xy[:, 0] += degrees[which]
    moved: NDArray[Any] = shapely.set_coordinates(geoms.copy(), xy)
    return moved


def _cut(geoms: NDArray[Any]) -> NDArray[Any]:
    """Cut geometries at odd multiples of 180 degrees and bring the parts home."""
    bad = ~shapely.is_valid(geoms)
    if bad.any():
        geoms = geoms.copy()
        geoms[bad] = shapely.make_valid(geoms[bad])
    turns = np.array([-1.0, 0.0, 1.0])
    worlds = shapely.box(360 * turns - 180, -90, 360 * turns + 180, 90)
    parts = shapely.intersection(geoms[:, None], worlds[None, :])
    # A polygon that only touches the cut leaves a line there, which is nothing.
    thin = shapely.get_dimensions(parts) < shapely.get_dimensions(geoms)[:, None]
    parts[thin] = shapely.from_wkt("POLYGON EMPTY")
    shift = np.broadcast_to(-360 * turns, parts.shape).ravel()
    home = _shifted(parts.ravel(), shift).reshape(parts.shape)
    joined: NDArray[Any] = np.asarray(shapely.union_all(home, axis=1))
    return joined
