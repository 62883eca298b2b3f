"""Lengths, land and water in the units that a reader uses."""

from __future__ import annotations

from dataclasses import dataclass

from siteselect.errors import StudyError, four_parts, said
from siteselect.infrastructure.water import DAYS_PER_YEAR, M3_PER_MG

# International mile and acre, exact (NIST Special Publication 811, 2008, B.8).
KM_PER_MILE = 1.609344
KM2_PER_ACRE = 0.0040468564224
HECTARES_PER_KM2 = 100.0
_M3_PER_YEAR = ("m3 per year", "m3/year", "m3/yr", "m3 a year")


@dataclass(frozen=True)
class UnitSystem:
    """How amounts are said: a factor from the library's unit, and a word.

    Parameters
    ----------
    name : str
        ``"si"`` or ``"us"``.
    per_km, length : float, str
        Lengths in one km, and their word.
    shorter, parts : str, float
        Word of a shorter length, and how many of it are in one ``length``.
    per_km2, area : float, str
        Areas of regions in one km2, and their word.
    land_per_km2, land : float, str
        Areas of parcels in one km2, and their word.
    per_m3_a_year, water_a_year : float, str
        Yearly water in one m3 per year, and its word.
    per_m3_a_day, water_a_day : float, str
        Daily water in one m3 per day, and its word.
    """

    name: str
    per_km: float
    length: str
    shorter: str
    parts: float
    per_km2: float
    area: str
    land_per_km2: float
    land: str
    per_m3_a_year: float
    water_a_year: str
    per_m3_a_day: float
    water_a_day: str

    def factor(self, unit: str) -> tuple[float, str]:
        """Return the factor for an amount in another unit, and the word for it.

        Parameters
        ----------
        unit : str
            A unit of a limit, such as ``"km"``.

        Returns
        -------
        tuple of (float, str)
            1 and the same unit where the systems do not differ.
        """
        if unit == "km":
            return self.per_km, self.length
        if unit == "km2":
            return self.per_km2, self.area
        if unit in _M3_PER_YEAR:
            # An account is compared with its bound to the digit: no thousands here.
            return (1.0, unit) if self.name == "si" else (_MGD, "MGD")
        return 1.0, unit


_MGD = 1.0 / (DAYS_PER_YEAR * M3_PER_MG)
_SYSTEMS = {
    "si": UnitSystem(
        name="si",
        per_km=1.0,
        length="km",
        shorter="m",
        parts=1000.0,
        per_km2=1.0,
        area="km2",
        land_per_km2=HECTARES_PER_KM2,
        land="ha",
        per_m3_a_year=1e-6,
        water_a_year="million m3/year",
        per_m3_a_day=1.0,
        water_a_day="m3/day",
    ),
    "us": UnitSystem(
        name="us",
        per_km=1.0 / KM_PER_MILE,
        length="mi",
        shorter="ft",
        parts=5280.0,
        per_km2=1.0 / KM_PER_MILE**2,
        area="sq mi",
        land_per_km2=1.0 / KM2_PER_ACRE,
        land="acres",
        per_m3_a_year=_MGD,
        water_a_year="MGD",
        per_m3_a_day=1.0 / M3_PER_MG,
        water_a_day="MGD",
    ),
}


def unit_system(name: str) -> UnitSystem:
    """Return the units of a name.

    Parameters
    ----------
    name : {"si", "us"}
        Kilometers, hectares and cubic meters; or miles, acres and million US
        gallons a day (MGD).

    Returns
    -------
    UnitSystem
        Factors and words.

    Raises
    ------
    StudyError
        If the name is neither.

    Examples
    --------
    >>> us = unit_system("us")
    >>> f"{100 * us.per_km:.1f} {us.length}, {us.land_per_km2:.1f} {us.land} a km2"
    '62.1 mi, 247.1 acres a km2'
    """
    if name in ("si", "us"):
        return _SYSTEMS[name]
    raise StudyError(
        four_parts(
            "A report or a map is made in one system of units",
            f"got units={said(name)}",
            '"si" or "us" is allowed',
            'write units="us"',
        )
    )
