"""PUE, sizing ratio and water of a cooling system from the site's own climate.

Four of the five systems are straight lines fitted to the published zone table
[1]_ over the hourly weather of its fifteen zones; see `cooling_line_table`. Where
a site's zone is known the published figure leads and the line says only how far
the site is from the typical climate of its zone. Read hour by hour, the same
lines give the hottest hours and the worst day (judgement: the fit was made on
annual means). The fifth, closed-loop liquid cooling with dry coolers and a trim
chiller, is no published model: unverified.

References
----------
.. [1] N. Lei, E. Masanet, "Climate- and technology-specific PUE and WUE
   estimations for U.S. data centers using a hybrid statistical and
   thermodynamics-based approach", Resources, Conservation and Recycling 182
   (2022) 106323.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.infrastructure._tables import fact_table
from siteselect.infrastructure.climate import CLIMATE_COLUMNS
from siteselect.infrastructure.cooling import pue_wue, zone_keys
from siteselect.infrastructure.parameter_table import LEVELS, parameter_values

__all__ = [
    "CLOSED_LOOP",
    "cooling_from_climate",
    "cooling_line_table",
    "cooling_systems",
    "zone_climate_table",
]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Overrides = Mapping[str, float | str]
CLOSED_LOOP = "closed-loop liquid"
HALLS = ("large", "published")
_MIDSIZE = ("air chiller", "air chiller, air economiser")
_SUFFIX = {"low": "_low", "mid": "", "high": "_high"}
_NUMBERS = ("intercept", "slope", "second_slope", "least", "most", "fitted_to")
_OF_HOURS = ("peak_ratio", "wue_peak_day")
_MILD_C = 10.0


def cooling_line_table() -> pd.DataFrame:
    """Return the lines that turn a climate into PUE, sizing ratio and WUE.

    Returns
    -------
    DataFrame
        Columns ``cooling``, ``measure`` ("pue", "wue" or "peak"), ``level``,
        ``intercept``, ``slope``, ``predictor`` (a column of
        `climate_from_hours`), ``second_slope`` (per degC of the annual mean
        above 10), ``least`` and ``most`` (bounds of the figure), ``fitted_to``
        (highest predictor of the zones the line was fitted on), ``year`` and
        ``source``.

    Examples
    --------
    >>> from siteselect.infrastructure import cooling_line_table
    >>> len(cooling_line_table()["cooling"].unique())
    5
    """
    table = fact_table("cooling_lines")
    for column in _NUMBERS:
        table[column] = table[column].astype("float64")
    return table


def zone_climate_table() -> pd.DataFrame:
    """Return the typical climate of each zone of the published table.

    Returns
    -------
    DataFrame
        Columns ``zone``, the predictors of the lines of the published systems
        (columns of `climate_from_hours`), ``counties`` (how many the medians
        are of) and ``source``. Zone 8 has no county in the bundle and
        is not there.

    Notes
    -----
    Medians over the bundled counties of a zone, of climates that
    `climate_from_months` estimates; no published figures.

    Examples
    --------
    >>> from siteselect.infrastructure import zone_climate_table
    >>> table = zone_climate_table().set_index("zone")
    >>> bool(table.loc["1A", "wet_over_10_c"] > table.loc["6B", "wet_over_10_c"])
    True
    """
    table = fact_table("zone_climates")
    for column in table.columns.intersection(list(CLIMATE_COLUMNS)):
        table[column] = table[column].astype("float64")
    return table


def cooling_systems() -> list[str]:
    """Return the names of the cooling systems.

    Returns
    -------
    list of str
        In the order of `cooling_line_table`.

    Examples
    --------
    >>> from siteselect.infrastructure import cooling_systems
    >>> cooling_systems()[0]
    'air economiser, adiabatic'
    """
    return list(dict.fromkeys(fact_table("cooling_lines")["cooling"]))


def known_system(cooling: object) -> str:
    """Return a cooling system's name, or refuse it."""
    known = cooling_systems()
    if cooling not in known:
        raise StudyError(
            four_parts(
                f"Cooling system {cooling!r} is asked",
                f"there is no such system.{nearest_name(str(cooling), known)}",
                "known are " + shown((repr(name) for name in known), 10),
                f"write cooling={known[0]!r}",
            )
        )
    return str(cooling)


def cooling_from_climate(
    climate: pd.DataFrame,
    cooling: str,
    *,
    zones: pd.Series | None = None,
    hall: str = "large",
    parameters: Overrides | None = None,
) -> pd.DataFrame:
    """Return PUE, sizing ratio and WUE of one cooling system in given climates.

    Parameters
    ----------
    climate : DataFrame, (n,)
        The columns of `climate_from_hours` or `climate_from_months`; candidates
        that went through `prepare` have them.
    cooling : str
        One of `cooling_systems`.
    zones : Series of str, (n,), optional
        IECC climate zone of each site, such as ``"4A"``, indexed as ``climate``.
        Where the published table has the system and the zone, its figures lead
        (see Notes); elsewhere, and without ``zones``, the line stands alone.
    hall : {"large", "published"}, default "large"
        The two air chillers are published for midsize halls: ``"large"`` takes
        ``midsize_pue_excess`` off their PUE, so that all systems speak of a
        large hall; ``"published"`` leaves them as they are.
    parameters : mapping of str to float or {"low", "mid", "high"}, optional
        Other values for ``midsize_pue_excess``, ``peak_ratio_floor`` and
        ``peak_ratio_ceiling``.

    Returns
    -------
    DataFrame, (n, 12)
        ``pue``, ``pue_low``, ``pue_high`` [annual; low and high are the 5th and
        95th percentile]; ``peak_ratio``, ``peak_ratio_low``,
        ``peak_ratio_high`` [facility MW per IT MW in the hottest 0.4 % of
        hours]; ``wue_l_per_kwh``, ``wue_low_l_per_kwh``,
        ``wue_high_l_per_kwh``, ``wue_peak_day_l_per_kwh`` [L withdrawn per kWh
        of IT energy]; ``is_extrapolated`` (the climate is hotter or moister
        than any zone the line was fitted on, or beyond the bounds of the
        formula; the figures are given all the same); ``is_held`` (the climate
        would carry an annual figure out of the published band of the zone). NaN
        where the climate is unknown, and the annual figures of the zone where it
        alone is known.

    Raises
    ------
    StudyError
        If the system or the hall is unknown.
    LayerError
        If a column of the climate is missing or holds no numbers.

    Notes
    -----
    With a zone, low and high are its published 5th and 95th percentile, and the
    figure between them is their middle, moved by what the line gives for the
    site less what it gives for the typical climate of the zone
    (`zone_climate_table`), and held within the two. A moist county of a dry zone
    so lies above the middle, and its figure can be compared with the published
    one. Peak and worst day rest on the lines alone.

    Peak and worst day put the design temperatures in place of the annual sums:
    ``max(design_wet_c - 10, 0)`` for ``wet_over_10_c`` and so on. The sizing
    ratio is held within ``peak_ratio_floor`` and ``peak_ratio_ceiling`` and is
    never below the annual PUE. The adiabatic water of very dry places rests on
    the wet bulb alone and is understated on hot days, where evaporation follows
    the depression.

    Examples
    --------
    >>> from siteselect.infrastructure import climate_from_months
    >>> months = [[3, 5, 9, 14, 19, 24, 26, 25, 21, 15, 9, 4]]
    >>> climate = climate_from_months(months, [38.0], [8.5], [90.0])
    >>> dry = cooling_from_climate(climate, "closed-loop liquid")
    >>> wet = cooling_from_climate(climate, "water chiller, waterside economiser")
    >>> bool(dry.at[0, "wue_l_per_kwh"] < 0.1 < wet.at[0, "wue_l_per_kwh"])
    True
    """
    system = known_system(cooling)
    if hall not in HALLS:
        raise StudyError(
            four_parts(
                "`hall` says what hall the figures speak of",
                f"got {hall!r}",
                '"large" or "published" is allowed',
                'write hall="large"',
            )
        )
    absent = [name for name in CLIMATE_COLUMNS if name not in climate.columns]
    if absent:
        raise LayerError(
            four_parts(
                "Cooling by climate reads degree sums and design temperatures",
                f"the frame has no column {shown(absent, 11)}",
                "the columns of climate_from_hours are allowed",
                "write siteselect.prepare(sites, layers), or "
                "sites[climate.columns] = siteselect.climate_from_hours(...)",
            )
        )
    values = parameter_values(parameters)
    year = {name: _figures(climate, name) for name in CLIMATE_COLUMNS}
    hottest = _hottest_hours(year)
    worst_day = _worst_day(year)
    table = cooling_line_table()
    rows = table[table["cooling"] == system]
    lines = {(row["measure"], row["level"]): row for _, row in rows.iterrows()}
    has_peak_line = ("peak", "mid") in lines
    less = (
        values["midsize_pue_excess"] if hall == "large" and system in _MIDSIZE else 0.0
    )
    known = np.asarray(~np.isnan(np.column_stack(list(year.values()))).any(axis=1))
    annual = {
        level: (
            _line(lines["pue", level], year),
            _line(lines["wue", level], year),
        )
        for level in LEVELS
    }
    in_table = held = np.zeros(len(climate), dtype=bool)
    if zones is not None and system != CLOSED_LOOP:
        in_table, held = _led_by_zone(annual, lines, year, zones, system, known)
    out: dict[str, Floats] = {}
    for level in LEVELS:
        pue = np.maximum(annual[level][0] - less, 1.0)
        if has_peak_line:
            peak = _line(lines["peak", level], hottest)
        else:
            peak = _line(lines["pue", level], hottest) - less
        peak = np.clip(peak, values["peak_ratio_floor"], values["peak_ratio_ceiling"])
        out[f"pue{_SUFFIX[level]}"] = pue
        out[f"peak_ratio{_SUFFIX[level]}"] = np.maximum(peak, pue)
        out[f"wue{_SUFFIX[level]}_l_per_kwh"] = annual[level][1]
    out["wue_peak_day_l_per_kwh"] = np.maximum(
        _line(lines["wue", "mid"], worst_day), annual["mid"][1]
    )
    order = [
        *(f"pue{end}" for end in ("", "_low", "_high")),
        *(f"peak_ratio{end}" for end in ("", "_low", "_high")),
        *(f"wue{end}_l_per_kwh" for end in ("", "_low", "_high", "_peak_day")),
    ]
    # A zone alone tells of the year, not of its hottest hours.
    of_year = {name for name in order if not name.startswith(_OF_HOURS)}
    result = pd.DataFrame(
        {
            name: np.where(
                known | in_table if name in of_year else known, out[name], np.nan
            )
            for name in order
        },
        index=climate.index,
    )
    result["is_extrapolated"] = known & _is_beyond(lines["pue", "mid"], year)
    result["is_held"] = held
    return result


def _led_by_zone(
    annual: dict[str, tuple[Floats, Floats]],
    lines: Mapping[tuple[str, str], pd.Series],
    year: Mapping[str, Floats],
    zones: pd.Series,
    system: str,
    known: Flags,
) -> tuple[Flags, Flags]:
    """Put the published figures in place of the lines' where there are any.

    Returns where there are, and where a figure had to be held in its band.
    """
    published = pue_wue(zones, system)
    in_table = published["pue"].notna().to_numpy()
    typical = zone_climate_table().set_index("zone")
    centre = typical.reindex(pd.Index(zone_keys(zones).to_numpy(dtype="object")))
    centres = {
        name: centre[name].to_numpy(dtype="float64")
        for name in typical.columns.intersection(list(CLIMATE_COLUMNS))
    }
    held = np.zeros(len(zones), dtype=bool)
    of_zone: dict[str, list[Floats]] = {level: [] for level in LEVELS}
    for at, (kind, unit) in enumerate((("pue", ""), ("wue", "_l_per_kwh"))):
        low, middle, high = (
            published[f"{kind}{end}{unit}"].to_numpy() for end in ("_low", "", "_high")
        )
        line = lines[kind, "mid"]
        move = _line(line, year, is_bounded=False)
        move = move - _line(line, centres, is_bounded=False)
        # No typical climate to measure from (zone 8), or none of the site's own.
        move = np.where(known & ~np.isnan(move), move, 0.0)
        moved = np.clip(middle + move, low, high)
        held |= in_table & (moved != middle + move)
        for level, figure in (("low", low), ("mid", moved), ("high", high)):
            of_zone[level].append(np.where(in_table, figure, annual[level][at]))
    for level in LEVELS:
        annual[level] = (of_zone[level][0], of_zone[level][1])
    return in_table, held


def _figures(climate: pd.DataFrame, name: str) -> Floats:
    """Return a column of the climate as numbers, or refuse it."""
    given = climate[name]
    numbers = pd.to_numeric(given, errors="coerce").astype("float64")
    least = 0.0 if "_over_" in name else -np.inf
    wrong = (numbers.isna() & given.notna()) | np.isinf(numbers) | (numbers < least)
    if wrong.any():
        raise LayerError(
            four_parts(
                f"Column {name!r} of the climate is read",
                f"{int(wrong.sum())} rows hold something else: {shown(given[wrong])} "
                f"in rows {shown(climate.index[wrong.to_numpy()])}",
                f"finite numbers{' of 0 or more' if least == 0 else ''}, or NaN where "
                "unknown, are allowed",
                "write siteselect.prepare(sites, layers) to have it estimated",
            )
        )
    return np.asarray(numbers, dtype="float64")


def _hottest_hours(year: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the predictors of the hours that size the connection."""
    dry, wet = year["design_dry_c"], year["design_wet_c"]
    return {
        **_over(dry, wet),
        "wet_mean_c": wet,
        "hours_over_24_share": np.where(np.isnan(dry), np.nan, dry > 24.0),
        # The annual mean has no hottest hour.
        "t_mean_c": year["t_mean_c"],
    }


def _worst_day(year: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the predictors of the day of most water."""
    wet = year["peak_day_wet_c"]
    return {
        **_over(year["design_dry_c"], wet),
        "wet_mean_c": wet,
        "hours_over_24_share": year["hours_over_24_share"],
        "t_mean_c": year["t_mean_c"],
    }


def _over(dry: Floats, wet: Floats) -> dict[str, Floats]:
    return {
        **{f"dry_over_{t}_c": np.maximum(dry - t, 0.0) for t in (10, 18, 25)},
        **{f"wet_over_{t}_c": np.maximum(wet - t, 0.0) for t in (10, 15, 20)},
    }


def _line(
    line: pd.Series, predictors: Mapping[str, Floats], *, is_bounded: bool = True
) -> Floats:
    figure = line["intercept"] + line["slope"] * predictors[line["predictor"]]
    mean_above = np.maximum(predictors["t_mean_c"] - _MILD_C, 0.0)
    figure = np.asarray(figure + line["second_slope"] * mean_above, "float64")
    if not is_bounded:
        return figure
    most = np.inf if np.isnan(line["most"]) else line["most"]
    result: Floats = np.clip(figure, line["least"], most)
    return result


def _is_beyond(line: pd.Series, year: Mapping[str, Floats]) -> Flags:
    """Return where a climate is outside what the line was made for."""
    if not np.isnan(line["fitted_to"]):
        beyond: Flags = year[line["predictor"]] > line["fitted_to"]
        return beyond
    free = line.copy()
    free["least"], free["most"] = -np.inf, np.nan
    outside: Flags = _line(free, year) != _line(line, year)
    return outside
