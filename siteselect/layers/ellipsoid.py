"""Distances on the WGS84 ellipsoid, over whole arrays at once.

References
----------
.. [1] C. F. F. Karney, Algorithms for geodesics, Journal of Geodesy 87, 43-55,
   2013, https://doi.org/10.1007/s00190-012-0578-z
.. [2] J. Meeus, Astronomical Algorithms, 2nd ed., Willmann-Bell 1998, chapter 11:
   Andoyer's formula, of first order in the flattening.
"""

from __future__ import annotations

import numpy as np
import pyproj
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Equatorial radius [km], flattening and squared eccentricity of WGS84.
A_KM = 6378.137
F = 1 / 298.257223563
E2 = F * (2 - F)
GEOD = pyproj.Geod(ellps="WGS84")
#: Up to here [km] the arc follows from the chord to 2 parts in a million.
CHORD_KM = 500.0
#: Beyond this angle [radians] the first-order formula fails near the antipode.
FAR = 3.0


def xyz(lon: Floats, lat: Floats) -> Floats:
    """Return earth-centered, earth-fixed coordinates [km], shape (n, 3)."""
    lam, phi = np.radians(lon), np.radians(lat)
    sin_phi, cos_phi = np.sin(phi), np.cos(phi)
    normal = A_KM / np.sqrt(1 - E2 * sin_phi**2)
    return np.stack(
        [
            normal * cos_phi * np.cos(lam),
            normal * cos_phi * np.sin(lam),
            normal * (1 - E2) * sin_phi,
        ],
        axis=-1,
    )


def radius_km(lat: Floats) -> Floats:
    """Return the Gaussian radius of curvature [km] at latitudes."""
    radius: Floats = A_KM * np.sqrt(1 - E2) / (1 - E2 * np.sin(np.radians(lat)) ** 2)
    return radius


def arc_km(chord: Floats, lat: Floats) -> Floats:
    """Return the length along the ellipsoid [km] of short chords near latitudes."""
    radius = radius_km(lat)
    arc: Floats = 2 * radius * np.arcsin(np.minimum(1.0, chord / (2 * radius)))
    return arc


def geodesic_km(
    lon0: Floats,
    lat0: Floats,
    lon1: Floats,
    lat1: Floats,
    xyz0: Floats | None = None,
    xyz1: Floats | None = None,
) -> Floats:
    """Return the geodesic distance [km] between paired points of equal shape.

    Points whose coordinates in space are known already bring them.
    """
    here = xyz(lon0, lat0) if xyz0 is None else xyz0
    there = xyz(lon1, lat1) if xyz1 is None else xyz1
    chord: Floats = np.linalg.norm(here - there, axis=-1)
    arc = arc_km(chord, (lat0 + lat1) / 2)
    far = chord > CHORD_KM
    if far.any():
        meters = GEOD.inv(lon0[far], lat0[far], lon1[far], lat1[far])[2]
        arc[far] = np.asarray(meters) / 1000.0
    return arc


def table_km(lon0: Floats, lat0: Floats, lon1: Floats, lat1: Floats) -> Floats:
    """Return all distances [km] from n points to m points, shape (n, m).

    Right to 3 parts in 100,000 or a meter up to the antipode (Andoyer's formula),
    and far quicker than iterating geodesics.
    """
    phi0, phi1 = np.radians(lat0)[:, None], np.radians(lat1)[None, :]
    lam0, lam1 = np.radians(lon0)[:, None], np.radians(lon1)[None, :]
    # Everything follows from products of the sines and cosines of each point.
    cosines, sines = np.cos(phi0) * np.cos(phi1), np.sin(phi0) * np.sin(phi1)
    sin_m = (1 - (cosines - sines)) / 2
    sin_a = (1 - (cosines + sines)) / 2
    s = np.cos(lam0) * np.cos(lam1)
    s += np.sin(lam0) * np.sin(lam1)
    s *= -cosines
    s -= sines
    s += 1
    s /= 2
    np.clip(s, 0.0, 1.0, out=s)
    c = 1 - s
    omega = np.arctan2(np.sqrt(s), np.sqrt(c))
    # Coinciding and opposite points have no formula of their own.
    safe_s, safe_c = np.where(s > 0, s, 1.0), np.where(c > 0, c, 1.0)
    ratio = 3 * np.sqrt(s * c) / np.where(omega > 0, omega, 1.0)
    north = (ratio - 1) / (2 * safe_c) * sin_m * (1 - sin_a)
    south = (ratio + 1) / (2 * safe_s) * sin_a * (1 - sin_m)
    km: Floats = 2 * omega * A_KM * (1 + F * (north - south))
    km[s == 0] = 0.0
    far = np.nonzero(2 * omega > FAR)
    if len(far[0]):
        meters = GEOD.inv(lon0[far[0]], lat0[far[0]], lon1[far[1]], lat1[far[1]])[2]
        km[far] = np.asarray(meters) / 1000.0
    return km
