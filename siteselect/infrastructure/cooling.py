"""Annual PUE and water use by climate zone and cooling system.

The figures are those of Lei and Masanet [1]_: the 5th and 95th percentile of
simulated data centers per ASHRAE / IECC climate zone, for four cooling systems.
``pue`` and ``wue_l_per_kwh`` are the middle of the two. The two economised
large-scale systems are hyperscale halls; the two air chillers are midsize halls,
whose PUE also holds older, lossier power supplies (a modern large hall does
better by roughly 0.25 to 0.3, unverified) and hardly any water.

References
----------
.. [1] N. Lei, E. Masanet, "Climate- and technology-specific PUE and WUE
   estimations for U.S. data centers using a hybrid statistical and
   thermodynamics-based approach", Resources, Conservation and Recycling 182
   (2022) 106323.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.compute import HOURS_PER_YEAR

__all__ = [
    "cooling_table",
    "pue_wue",
    "water_m3_per_mw_year",
]

Floats = npt.NDArray[np.float64]
DEFAULT_COOLING = "air economiser, adiabatic"


def cooling_table() -> pd.DataFrame:
    """Return the published PUE and WUE by cooling system and climate zone.

    Returns
    -------
    DataFrame
        Columns ``cooling``, ``scale``, ``zone``, ``pue_low``, ``pue_high``
        [annual], ``wue_low``, ``wue_high`` [L per kWh of IT energy, on site],
        ``year`` and ``source``. Low and high are the 5th and 95th percentile.

    Examples
    --------
    >>> from siteselect.infrastructure import cooling_table
    >>> sorted(cooling_table()["cooling"].unique())[:2]
    ['air chiller', 'air chiller, air economiser']
    """
    return fact_table("cooling")


def zone_keys(zones: pd.Series) -> pd.Series:
    """Return zones as the table spells them: zones 7 and 8 carry no letter."""
    text = zones.astype("object").where(zones.notna(), None)
    return text.map(
        lambda zone: (
            None
            if zone is None
            else key[0]
            if (key := str(zone).strip().upper())[:1] in ("7", "8")
            else key
        )
    )


def pue_wue(zones: pd.Series, cooling: str = DEFAULT_COOLING) -> pd.DataFrame:
    """Return annual PUE and WUE for climate zones.

    Parameters
    ----------
    zones : Series of str, (n,)
        IECC climate zones, such as ``"4A"``.
    cooling : str, default "air economiser, adiabatic"
        A cooling system of `cooling_table`.

    Returns
    -------
    DataFrame, (n, 6)
        ``pue``, ``pue_low``, ``pue_high`` [annual], ``wue_l_per_kwh``,
        ``wue_low_l_per_kwh``, ``wue_high_l_per_kwh`` [L per kWh of IT energy,
        on site], indexed as ``zones``. A missing zone, or one the table does
        not hold, gives NaN.

    Raises
    ------
    StudyError
        If the cooling system is unknown.

    References
    ----------
    Lei and Masanet 2022, doi:10.1016/j.resconrec.2022.106323.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure import pue_wue
    >>> pue_wue(pd.Series(["2B", "4C"]))["pue"].round(3).tolist()
    [1.189, 1.144]
    """
    table = cooling_table()
    known = list(dict.fromkeys(table["cooling"]))
    if cooling not in known:
        raise StudyError(
            four_parts(
                f"Cooling system {cooling!r} is asked",
                f"there is no such system.{nearest_name(str(cooling), known)}",
                "known are " + shown((repr(name) for name in known), 10),
                f"write cooling={DEFAULT_COOLING!r}",
            )
        )
    rows = table[table["cooling"] == cooling].set_index("zone")
    found = rows.reindex(pd.Index(zone_keys(zones).to_numpy(dtype="object")))
    low_pue = found["pue_low"].to_numpy(dtype="float64")
    high_pue = found["pue_high"].to_numpy(dtype="float64")
    low_wue = found["wue_low"].to_numpy(dtype="float64")
    high_wue = found["wue_high"].to_numpy(dtype="float64")
    return pd.DataFrame(
        {
            "pue": (low_pue + high_pue) / 2,
            "pue_low": low_pue,
            "pue_high": high_pue,
            "wue_l_per_kwh": (low_wue + high_wue) / 2,
            "wue_low_l_per_kwh": low_wue,
            "wue_high_l_per_kwh": high_wue,
        },
        index=zones.index,
    )


def water_m3_per_mw_year(
    wue_l_per_kwh: npt.ArrayLike,
    *,
    peak_ratio: npt.ArrayLike = 1.30,
    utilisation: float = 0.80,
) -> Floats:
    """Return the yearly on-site water of one facility MW.

    One liter per kWh is one cubic meter per MWh, so the figure is WUE times
    the IT energy that one facility MW serves in a year,
    ``8760 x utilisation / peak_ratio`` MWh.

    Parameters
    ----------
    wue_l_per_kwh : array_like
        Annual on-site water use [L per kWh of IT energy].
    peak_ratio : array_like, default 1.30
        Facility MW per IT MW at peak.
    utilisation : float, default 0.80
        Mean IT power over IT nameplate [share].

    Returns
    -------
    ndarray of float
        Water [m3 per facility MW and year].

    Examples
    --------
    One liter per kWh at one MW of steady IT load is 24 m3 a day:

    >>> from siteselect.infrastructure import water_m3_per_mw_year
    >>> float(water_m3_per_mw_year(1.0, peak_ratio=1.0, utilisation=1.0) / 365)
    24.0
    """
    wue = np.asarray(wue_l_per_kwh, dtype="float64")
    ratio = np.asarray(peak_ratio, dtype="float64")
    result: Floats = wue * HOURS_PER_YEAR * utilisation / ratio
    return result
