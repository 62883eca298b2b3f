"""What sites cost by part: once, every year, and in present value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteselect.errors import (
    ApproximationWarning,
    LayerError,
    StudyError,
    four_parts,
    nearest_name,
    said,
    shown,
)
from siteselect.infrastructure.column_table import columns
from siteselect.infrastructure.cost import USD_YEAR
from siteselect.infrastructure.cost_columns import (
    PARTS_OF,
    CostFacts,
    cost_columns,
    counts_tax,
    facts_of,
)
from siteselect.infrastructure.discounting import (
    capital_recovery_factor,
    present_value_factor,
)
from siteselect.infrastructure.parameter_table import (
    LEVELS,
    ParameterValues,
    parameter_values,
)

__all__ = ["cost_breakdown"]

Floats = npt.NDArray[np.float64]

TOTAL = "total"
HARDWARE = "IT hardware"
_WORDS = {
    "land_usd_per_mw": "land",
    "shell_usd_per_mw": "shell and plant",
    "transformer_usd_per_mw": "transformers",
    "tie_line_usd": "tie line",
    "connection_ends_usd": "substation and bay",
    "interconnection_usd": "interconnection",
    "fiber_usd": "fiber",
    "water_main_usd": "water main",
    "cost_usd_per_mw": "capital per MW",
    "fixed_cost_usd": "capital per site",
    "power_usd_per_mw": "power",
    "operation_usd_per_mw": "operation and water",
    "tax_usd_per_mw": "taxes",
    "it_hardware_usd_per_mw": HARDWARE,
}
_OWN_LIFETIME = "power, operation and taxes"


@dataclass(frozen=True, eq=False)
class _Part:
    """One part at one level, one entry per site [USD]."""

    name: str
    capital: Floats
    yearly: Floats
    growth: float
    present_value: Floats
    is_counted: bool


def cost_breakdown(
    sites: gpd.GeoDataFrame,
    *,
    mw: str | float | pd.Series | npt.ArrayLike = "mw",
    level: str | None = None,
    by_site: bool = False,
) -> pd.DataFrame:
    """Return what sites cost by part: once, every year, and in present value.

    Parameters
    ----------
    sites : GeoDataFrame, (n,)
        Candidates from `prepare`, such as ``plan.sites``; not changed.
    mw : str, float or array_like, default "mw"
        Facility MW of each site, or the column that holds it. A site of 0 MW is not
        built and costs nothing.
    level : {"low", "mid", "high"}, optional
        Level of ``capital_usd``, ``yearly_usd``, ``present_value_usd`` and
        ``annual_usd``; by default the one that `prepare` was given.
    by_site : bool, default False
        One block of rows per site instead of the sum over all.

    Returns
    -------
    DataFrame
        Indexed by ``part`` (by site and part), the parts in the order of the work
        and then ``total``, the sum of those that are ``counted``:

        - ``capital_usd`` [USD], at year 0;
        - ``yearly_usd`` [USD a year], paid at the end of the first year, and
          ``growth`` [share per year], by which it rises from then on;
        - ``present_value_usd`` [USD of year 0]: capital plus the discounted yearly
          payments over the horizon;
        - ``annual_usd`` [USD a year]: the level payment of the same present value;
        - ``low_usd``, ``mid_usd``, ``high_usd`` [USD of year 0]: the present value
          with every cost at that level; what the user brought stays as it is;
        - ``counted``: False for IT hardware, which is bought again every
          ``it_life_years`` (its ``yearly_usd`` sets that aside), and for taxes
          where the candidates bring none.

        NaN is unknown. ``attrs`` has ``usd_year``, ``level``, ``discount_rate``
        (real) and ``horizon_years``.

    Raises
    ------
    LayerError
        If the frame was not prepared, or lacks columns that `prepare` added.
    StudyError
        If the level is none, or a site's MW is unknown or negative.

    Notes
    -----
    A sum that is the user's (``cost_usd_per_mw``, ``fixed_cost_usd``,
    ``interconnection_usd``, ``lifetime_cost_usd_per_mw``) is one part: one that the
    candidates brought to `prepare`, or that was changed since.

    References
    ----------
    `parameters` has the source of every figure; for the formulae see
    `siteselect.infrastructure.discounting`.

    Examples
    --------
    >>> import siteselect as ss
    >>> area = ss.datasets.region("Texas")
    >>> sites = ss.grid_candidates(area, spacing_km=200)
    >>> ready = ss.prepare(sites, ss.datasets.load_all(area))
    >>> parts = ss.cost_breakdown(ready.iloc[[0]], mw=300)
    >>> parts.index[:4].tolist()
    ['land', 'shell and plant', 'transformers', 'tie line']
    >>> bool(parts.loc["total", "low_usd"] < parts.loc["total", "high_usd"])
    True
    """
    record = _record(sites)
    with warnings.catch_warnings():
        # `prepare` has already said that a figure is outside its range.
        warnings.simplefilter("ignore", ApproximationWarning)
        values = parameter_values(
            {
                name: record["parameters"][name]
                for name in record.get("named", record["parameters"])
            }
        )
    size = _sizes(sites, mw)
    kept = set(record["kept"])
    facts = _facts(sites, kept)
    prepared_at = _level(record.get("cost_level", "mid"))
    asked = prepared_at if level is None else _level(level)
    own = _own_columns(sites, facts, values.at_level(prepared_at), kept)
    at = {each: _parts(facts, values.at_level(each), own, size) for each in LEVELS}
    rate, years = values["discount_rate"], int(values["horizon_years"])
    recovery = capital_recovery_factor(rate, years)
    tables = {
        label: _table(at, asked, recovery, rows)
        for label, rows in _blocks(sites, by_site)
    }
    table: pd.DataFrame
    if by_site and tables:
        table = pd.concat(tables, names=[sites.index.name or "site", "part"])
    else:
        table = tables[None] if tables else _table(at, asked, recovery, slice(None))[:0]
    table.attrs = {
        "usd_year": USD_YEAR,
        "level": asked,
        "discount_rate": rate,
        "horizon_years": years,
    }
    return table


def _own_columns(
    sites: gpd.GeoDataFrame, facts: CostFacts, values: ParameterValues, kept: set[str]
) -> dict[str, Floats]:
    """Return the cost columns that are the user's: brought, or changed since."""
    table = columns().query("group == 'cost' and unit not in ('text', 'flag')")
    there = {
        str(name): _numbers(sites, str(name))
        for name in table.index
        if name in sites.columns
    }
    own = {name: numbers for name, numbers in there.items() if name in kept}
    while True:
        made = cost_columns(facts, values, own)
        # A part that was changed leaves the old sum standing, which is then the
        # user's too: the program counted it.
        changed = {
            name: numbers
            for name, numbers in there.items()
            if name in made
            and name not in own
            and not np.allclose(
                numbers, made[name], rtol=1e-9, atol=1e-9, equal_nan=True
            )
        }
        if not changed:
            return own
        own |= changed


def _blocks(sites: gpd.GeoDataFrame, by_site: bool) -> list[tuple[Any, Any]]:
    """Return which rows each block of the table is about."""
    if not by_site:
        return [(None, slice(None))]
    return [(label, slice(k, k + 1)) for k, label in enumerate(sites.index)]


def _table(
    at: Mapping[str, list[_Part]], level: str, recovery: float, rows: Any
) -> pd.DataFrame:
    parts = at[level]
    present = [math.fsum(p.present_value[rows]) for p in parts]
    table = pd.DataFrame(
        {
            "capital_usd": [math.fsum(p.capital[rows]) for p in parts],
            "yearly_usd": [math.fsum(p.yearly[rows]) for p in parts],
            "growth": [p.growth for p in parts],
            "present_value_usd": present,
            "annual_usd": [recovery * usd for usd in present],
            **{
                f"{each}_usd": [math.fsum(p.present_value[rows]) for p in at[each]]
                for each in LEVELS
            },
            "counted": [p.is_counted for p in parts],
        },
        index=pd.Index([p.name for p in parts], name="part"),
    )
    money = [name for name in map(str, table) if name.endswith("_usd")]
    counted = table.loc[table["counted"], money]
    total = {name: math.fsum(counted[name]) for name in money}
    row = pd.DataFrame(
        {**total, "growth": math.nan, "counted": True},
        index=pd.Index([TOTAL], name="part"),
    )[list(table.columns)]
    return pd.concat([table[table["counted"]], row, table[~table["counted"]]])


def _parts(
    facts: CostFacts,
    values: ParameterValues,
    own: Mapping[str, Floats],
    size: Floats,
) -> list[_Part]:
    """Return the parts of the costs of all sites at one level."""
    made = cost_columns(facts, values, own)
    rate, years = values["discount_rate"], int(values["horizon_years"])
    flat = present_value_factor(rate, years)
    growing = present_value_factor(rate, years, growth=values["price_growth"])
    built = size > 0
    nothing = np.zeros(len(size))

    def dollars(name: str) -> Floats:
        is_per_mw = name.endswith("_per_mw")
        # What is not built costs nothing, even where its cost is unknown.
        usd = made[name] * (size if is_per_mw else 1.0)
        return np.where(built, usd, 0.0)

    def yearly(name: str, growth: float = 0.0, *, counts: bool = True) -> _Part:
        worth = dollars(name)
        first = worth / (growing if growth else flat)
        return _Part(_WORDS[name], nothing, first, growth, worth, counts)

    parts = []
    for top in ("cost_usd_per_mw", "fixed_cost_usd"):
        for name in _leaves(top, own):
            usd = dollars(name)
            parts.append(_Part(_WORDS[name], usd, nothing, 0.0, usd, True))
    if "lifetime_cost_usd_per_mw" in own:
        worth = dollars("lifetime_cost_usd_per_mw") - dollars("cost_usd_per_mw")
        parts.append(_Part(_OWN_LIFETIME, nothing, worth / flat, 0.0, worth, True))
    else:
        parts.append(yearly("power_usd_per_mw", values["price_growth"]))
        parts.append(yearly("operation_usd_per_mw"))
        parts.append(yearly("tax_usd_per_mw", counts=facts.counts_tax))
    once = dollars("it_hardware_usd_per_mw")
    # An annuity over the life of the hardware, paid for as long as the site runs.
    worth = once * flat * capital_recovery_factor(rate, int(values["it_life_years"]))
    parts.append(_Part(HARDWARE, once, (worth - once) / flat, 0.0, worth, False))
    return parts


def _leaves(name: str, own: Mapping[str, Floats]) -> list[str]:
    """Return the parts of a sum; a sum that the user brought has none."""
    if name in own or name not in PARTS_OF:
        return [name]
    return [leaf for part in PARTS_OF[name] for leaf in _leaves(part, own)]


# ------------------------------------------------------------------- checks


def _record(sites: gpd.GeoDataFrame) -> dict[str, Any]:
    record = getattr(sites, "attrs", {}).get("siteselect", {}).get("prepare")
    if record:
        return dict(record)
    raise LayerError(
        four_parts(
            "Costs are broken down from what `prepare` found",
            f"this {type(sites).__name__} has no record of it "
            '(attrs["siteselect"]["prepare"])',
            "a frame from `prepare`, or the sites of a plan made from one, is needed",
            "write siteselect.prepare(sites, layers)",
        )
    )


def _level(level: object) -> str:
    if isinstance(level, str) and level in LEVELS:
        return level
    raise StudyError(
        four_parts(
            "Costs are broken down at one level",
            f"got level={said(level)}.{nearest_name(str(level), LEVELS)}",
            '"low", "mid" or "high" is allowed',
            'write level="high"',
        )
    )


def _sizes(sites: gpd.GeoDataFrame, mw: Any) -> Floats:
    """Return the facility MW of each site, or refuse them."""
    if isinstance(mw, str):
        if mw not in sites.columns:
            raise StudyError(
                four_parts(
                    f"The size of each site is read from column {mw!r}",
                    f"there is none.{nearest_name(mw, map(str, sites.columns))}",
                    "a column, a number or one figure per site is allowed [MW]",
                    "write cost_breakdown(sites, mw=300)",
                )
            )
        given: Any = sites[mw]
    else:
        given = mw.reindex(sites.index) if isinstance(mw, pd.Series) else mw
    try:
        if np.asarray(given).dtype == bool:
            raise TypeError
        size = np.array(np.broadcast_to(np.asarray(given, "float64"), len(sites)))
    except (TypeError, ValueError):
        size = np.full(len(sites), np.nan)
    wrong = ~(np.isfinite(size) & (size >= 0))
    if wrong.any():
        raise StudyError(
            four_parts(
                "Each site has a size in facility MW",
                f"{int(wrong.sum())} rows have none: {shown(sites.index[wrong])}",
                "finite numbers of 0 or more are allowed, one for each site",
                'write mw="capacity_mw", or mw=300 for all',
            )
        )
    return size


def _numbers(sites: gpd.GeoDataFrame, name: str) -> Floats:
    column = _column(sites, name)
    numbers = pd.to_numeric(column, errors="coerce")
    if (lost := numbers.isna() & column.notna()).any():
        raise LayerError(
            four_parts(
                f"Column {name!r} is read as numbers",
                f"{int(lost.sum())} rows hold something else: "
                f"{shown(sites.index[lost.to_numpy()])}",
                "numbers are allowed, NaN where unknown",
                "mend these rows, or call siteselect.prepare(sites, layers) again",
            )
        )
    return np.asarray(numbers, dtype="float64")


def _column(sites: gpd.GeoDataFrame, name: str) -> pd.Series:
    if name in sites.columns:
        return pd.Series(sites[name])
    raise LayerError(
        four_parts(
            "Costs are broken down from the columns that `prepare` added",
            f"column {name!r} is gone",
            "all of them are needed",
            "keep them, or call siteselect.prepare(sites, layers) again",
        )
    )


def _facts(sites: gpd.GeoDataFrame, kept: set[str]) -> CostFacts:
    def text(name: str) -> pd.Series:
        series = _column(sites, name).astype("object")
        return series.where(series.notna(), None)

    def flags(name: str) -> npt.NDArray[np.bool_]:
        return np.asarray(_column(sites, name), dtype=bool)

    return facts_of(
        lambda name: _numbers(sites, name), text, flags, counts_tax=counts_tax(kept)
    )
