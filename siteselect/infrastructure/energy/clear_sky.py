"""Shape of a clear day on a plant that follows the sun.

A few published formulas rather than a weather library: only the *shape* over the hours
and seasons is used, since each site's level comes from its annual capacity factor.

References
----------
.. [1] J. A. Duffie, W. A. Beckman, "Solar Engineering of Thermal Processes", 4th ed.,
   Wiley, 2013: declination (Cooper 1969), zenith angle, and eq. 1.6.5a for a
   horizontal north-south axis with continuous tracking.
.. [2] F. Kasten, A. T. Young, "Revised optical air mass tables and approximation
   formula", Applied Optics 28 (1989) 4735-4738.
.. [3] A. B. Meinel, M. P. Meinel, "Applied Solar Energy", Addison-Wesley, 1976: direct
   beam 1.353 x 0.7^(AM^0.678) kW/m2, and diffuse light of a tenth of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["clear_day"]

Floats = npt.NDArray[np.float64]
#: Each hour is the mean of this many moments, so that sunrise falls where it does.
_MOMENTS = 12


def clear_day(latitude: npt.ArrayLike, day_of_year: int) -> Floats:
    """Return the clear-sky light on a single-axis tracker by hour of solar time.

    Parameters
    ----------
    latitude : array_like, (n,)
        Degrees north.
    day_of_year : int
        1 is the first of January.

    Returns
    -------
    ndarray of float, (n, 24)
        Light on the plane of the modules [kW/m2], mean of each hour, the first from
        midnight to one in solar time.

    References
    ----------
    The three formulas named above: [1]_, [2]_, [3]_.

    Examples
    --------
    At noon on the equator at an equinox the beam is about 0.95 kW/m2:

    >>> from siteselect.infrastructure.energy.clear_sky import clear_day
    >>> clear_day([0.0], 81)[0, [3, 12]].round(2).tolist()
    [0.0, 1.04]
    """
    phi = np.radians(np.asarray(latitude, dtype=np.float64))[:, None]
    tilt = np.radians(23.45) * np.sin(2 * np.pi * (284 + day_of_year) / 365)
    moment = (np.arange(24 * _MOMENTS) + 0.5) / _MOMENTS
    angle = np.radians(15.0 * (moment - 12.0))[None, :]
    height = np.sin(phi) * np.sin(tilt) + np.cos(phi) * np.cos(tilt) * np.cos(angle)
    is_day = height > 0
    up = np.where(is_day, height, 1.0)
    zenith = np.degrees(np.arccos(np.minimum(up, 1.0)))
    air = 1.0 / (up + 0.50572 * (96.07995 - zenith) ** -1.6364)
    beam = 1.353 * 0.7 ** (air**0.678)
    facing = np.sqrt(up**2 + (np.cos(tilt) * np.sin(angle)) ** 2)
    light = np.where(is_day, beam * (facing + 0.1), 0.0)
    shape: Floats = light.reshape(phi.shape[0], 24, _MOMENTS).mean(axis=2)
    return shape
