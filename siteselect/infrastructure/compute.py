"""From accelerators to megawatts and back.

Two powers are kept apart. **IT MW** is what servers and network draw at full
load. **Facility MW** is what the grid connection must carry at peak: IT MW
times the sizing ratio ``peak_ratio``. The annual PUE is another figure and
serves energy, water and carbon only.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import StudyError, four_parts, nearest_name, said, shown
from siteselect.infrastructure._tables import fact_table
from siteselect.layers.figures import is_plain_number

__all__ = [
    "HOURS_PER_YEAR",
    "accelerator_table",
    "accelerators_hosted",
    "accelerators_it_mw",
    "facility_mw",
    "it_mw",
]

HOURS_PER_YEAR = 8760.0

Amount = TypeVar("Amount", float, npt.NDArray[np.float64], pd.Series)


def accelerator_table() -> pd.DataFrame:
    """Return the all-in IT power of known accelerators.

    Returns
    -------
    DataFrame
        Indexed by ``accelerator``: ``tdp_w`` [W], ``low_kw``, ``mid_kw`` and
        ``high_kw`` [kW of IT power per accelerator, with its share of server
        and site network], ``h100e_low``, ``h100e_mid`` and ``h100e_high``
        [H100-equivalents per accelerator; NaN where no figure is known],
        ``year``, ``source``, ``h100e_source`` and ``note``.

    Examples
    --------
    >>> from siteselect.infrastructure import accelerator_table
    >>> float(accelerator_table().loc["H100", "mid_kw"])
    1.39
    """
    table = fact_table("accelerators")
    for column in table.columns[table.columns.str.endswith(("_w", "_kw"))]:
        table[column] = table[column].astype("float64")
    for column in ("h100e_source", "note"):
        table[column] = table[column].fillna("")
    return table.set_index("accelerator")


def _kw(accelerator: str, level: str) -> float:
    table = accelerator_table()
    if not isinstance(accelerator, str) or accelerator not in table.index:
        raise StudyError(
            four_parts(
                f"The IT power of accelerator {accelerator!r} is asked",
                "the table does not hold it."
                + nearest_name(str(accelerator), table.index, most=3),
                f"known are {shown(table.index, 20)}",
                "`siteselect.infrastructure.accelerator_table()` shows them",
            )
        )
    if level not in ("low", "mid", "high"):
        raise StudyError(
            four_parts(
                "`level` picks a column of the accelerator table",
                f"got {level!r}",
                '"low", "mid" or "high" is allowed',
                'write level="mid"',
            )
        )
    return float(table[f"{level}_kw"].to_dict()[accelerator])


def _ratio(peak_ratio: float) -> float:
    if not (is_plain_number(peak_ratio) and peak_ratio >= 1.0):
        raise StudyError(
            four_parts(
                "`peak_ratio` is facility MW per IT MW at peak",
                f"got {said(peak_ratio)}",
                "a finite number of 1 or more is allowed",
                "leave it at 1.30",
            )
        )
    return float(peak_ratio)


def _amount(value: Amount, what: str) -> Amount:
    try:
        if value is None or isinstance(value, list | str):
            raise TypeError(value)
        figures = np.asarray(value, dtype="float64")
    except (TypeError, ValueError):
        raise StudyError(
            four_parts(
                f"{what} is converted",
                f"got {said(value)}",
                "a number, an array or a Series of numbers is allowed",
                "facility_mw(100.0)",
            )
        ) from None
    if bool(np.any(figures < 0)):
        raise StudyError(
            four_parts(
                f"{what} is converted",
                "got a negative amount",
                "0 or more is allowed",
                "check the sign",
            )
        )
    return value


def _single(value: float, what: str, call: str) -> float:
    """Return one finite amount of 0 or more."""
    if is_plain_number(value) and value >= 0:
        return float(value)
    raise StudyError(
        four_parts(
            f"{what} is converted",
            f"got {said(value)}",
            "one finite number of 0 or more is allowed",
            call,
        )
    )


def it_mw(facility_mw: Amount, peak_ratio: float = 1.30) -> Amount:
    """Return the IT MW that a facility connection carries at peak.

    Parameters
    ----------
    facility_mw : float, ndarray or Series
        Power at the grid connection at peak [MW].
    peak_ratio : float, default 1.30
        Facility MW per IT MW at peak.

    Returns
    -------
    float, ndarray or Series
        IT power [MW], of the kind given.

    Raises
    ------
    StudyError
        If an amount is negative or the ratio is below 1.

    Examples
    --------
    >>> from siteselect.infrastructure import it_mw
    >>> round(it_mw(3000.0))
    2308
    """
    return _amount(facility_mw, "Facility MW") / _ratio(peak_ratio)


def facility_mw(it_mw: Amount, peak_ratio: float = 1.30) -> Amount:
    """Return the facility MW that an IT load needs at peak.

    Parameters
    ----------
    it_mw : float, ndarray or Series
        IT power [MW].
    peak_ratio : float, default 1.30
        Facility MW per IT MW at peak.

    Returns
    -------
    float, ndarray or Series
        Power at the grid connection at peak [MW], of the kind given.

    Raises
    ------
    StudyError
        If an amount is negative or the ratio is below 1.

    Examples
    --------
    >>> from siteselect.infrastructure import facility_mw
    >>> facility_mw(100.0)
    130.0
    """
    return _amount(it_mw, "IT MW") * _ratio(peak_ratio)


def accelerators_it_mw(accelerator: str, count: float, *, level: str = "mid") -> float:
    """Return the IT MW of a number of accelerators, server and network included.

    Parameters
    ----------
    accelerator : str
        A name of `accelerator_table`.
    count : float
        Number of accelerators (not of racks or servers).
    level : {"low", "mid", "high"}, default "mid"
        Which figure of the table to use.

    Returns
    -------
    float
        IT power [MW].

    Raises
    ------
    StudyError
        If the accelerator is unknown or the count negative.

    Examples
    --------
    >>> from siteselect.infrastructure import accelerators_it_mw
    >>> accelerators_it_mw("H100", 100_000)
    139.0
    """
    call = 'accelerators_it_mw("H100", 100_000)'
    asked = _single(count, "A number of accelerators", call)
    return asked * _kw(accelerator, level) / 1000.0


def accelerators_hosted(
    accelerator: str,
    facility_mw: float,
    *,
    peak_ratio: float = 1.30,
    level: str = "mid",
) -> int:
    """Return how many accelerators a facility connection can host.

    Parameters
    ----------
    accelerator : str
        A name of `accelerator_table`.
    facility_mw : float
        Power at the grid connection at peak [MW].
    peak_ratio : float, default 1.30
        Facility MW per IT MW at peak.
    level : {"low", "mid", "high"}, default "mid"
        Which figure of the table to use; ``"low"`` hosts most.

    Returns
    -------
    int
        Whole accelerators (not racks or servers).

    Raises
    ------
    StudyError
        If the accelerator is unknown or the power negative.

    Examples
    --------
    >>> from siteselect.infrastructure import accelerators_hosted
    >>> accelerators_hosted("H100", 180.7)
    100000
    """
    call = 'accelerators_hosted("H100", 180.7)'
    power = _single(facility_mw, "Facility MW", call)
    exact = it_mw(power, peak_ratio) * 1000.0 / _kw(accelerator, level)
    # 180.7 MW host exactly 100,000: the last bit of a division must not cost one.
    return int(np.floor(exact * (1.0 + 1e-12) + 1e-9))
