"""What stands behind a plan: candidates, criteria, sources, assumptions, method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.errors import SiteSelectError
from siteselect.infrastructure import parameters
from siteselect.reporting.page_cells import real, sheet, text
from siteselect.reporting.plan_like import (
    attached,
    criteria_of,
    number,
    short_licence,
    sources_of,
    tidy_number,
)
from siteselect.reporting.unit_system import UnitSystem
from siteselect.suitability import Waterfall
from siteselect.suitability.ground import area_km2


def short(value: object) -> str:
    """Return a value as text, a number with four digits.

    Parameters
    ----------
    value : object
        The value.

    Returns
    -------
    str
        Its text.
    """
    return f"{value:.4g}" if isinstance(value, float) else text(value)


def excluded_table(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return how many candidates, and how much ground, each rule takes out.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.

    Returns
    -------
    DataFrame
        Indexed by ``excluded_by``, the most first: ``candidates`` [count] and
        ``km2``, NaN where a candidate is a point without ground. A candidate that two
        rules take out counts in both.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"excluded_by": ["lakes;parks", "lakes", ""], "cell_km": 10.0,
    ...      "cell_shape": "square"},
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> excluded_table(sites).reset_index().values.tolist()
    [['lakes', 2, 200.0], ['parks', 1, 100.0]]
    """
    names = _reasons(frame)
    ground = _ground(frame)
    exploded = names.str.split(";").explode().str.strip()
    exploded = exploded[exploded != ""]
    at = exploded.index.to_numpy(dtype=np.int64)
    table = pd.DataFrame(
        {"excluded_by": exploded.to_numpy(dtype=object), "km2": ground[at]}
    )
    grouped = table.groupby("excluded_by", sort=True)["km2"]
    counted = pd.DataFrame(
        {
            "candidates": grouped.size(),
            # One that has no ground makes the sum unknown, not smaller.
            "km2": grouped.agg(lambda km2: km2.sum(skipna=False)),
        }
    )
    counted["km2"] = counted["km2"].astype(float)
    return counted.sort_values("candidates", ascending=False, kind="stable")


def excluded_waterfall(frame: gpd.GeoDataFrame) -> Waterfall:
    """Return what each rule took out in turn, as far as the candidates say.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates with ``excluded_by``.

    Returns
    -------
    Waterfall
        In the order in which `score_sites` applied the rules, with those that took
        out something. What a rule would take out alone is what it names; what a
        `Keep` gave back is named by no rule any more.

    Examples
    --------
    >>> import geopandas as gpd
    >>> sites = gpd.GeoDataFrame(
    ...     {"excluded_by": ["lakes;parks", "lakes", ""]},
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> table = excluded_waterfall(sites).table
    >>> table[["alone_candidates", "sequence_candidates"]].T.values.tolist()
    [[2, 1], [2, 0]]
    """
    named = [{part.strip() for part in said.split(";")} for said in _reasons(frame)]
    held = set().union(*named) - {""}
    given = [str(name) for name in attached(frame).get("exclusions", ())]
    order = [name for name in given if name in held]
    order += sorted(held - set(order))
    ground = _ground(frame)
    is_out = np.zeros(len(frame), dtype=bool)
    rows = []
    for name in order:
        alone = np.array([name in parts for parts in named])
        only = np.array([parts == {name} for parts in named])
        row: dict[str, Any] = {"exclusion": name}
        for unit, size in (("candidates", np.ones(len(frame))), ("km2", ground)):
            row[f"alone_{unit}"] = size[alone].sum()
            row[f"sequence_{unit}"] = size[alone & ~is_out].sum()
            row[f"only_{unit}"] = size[only].sum()
            row[f"left_{unit}"] = size[~(is_out | alone)].sum()
        rows.append(row)
        is_out |= alone
    what = ("alone", "sequence", "only", "left")
    columns = [f"{w}_{unit}" for unit in ("candidates", "km2") for w in what]
    table = pd.DataFrame(rows, columns=["exclusion", *columns]).set_index("exclusion")
    table[columns[:4]] = table[columns[:4]].astype(np.int64)
    return Waterfall(table, len(frame), float(ground.sum()))


def _reasons(frame: gpd.GeoDataFrame) -> pd.Series:
    """Return what excludes each candidate, by position; empty where nothing does."""
    if "excluded_by" not in frame.columns:
        return pd.Series("", index=range(len(frame)), dtype=object)
    said = frame["excluded_by"].fillna("").astype(str)
    return pd.Series(said.to_numpy(dtype=object), dtype=object)


def _ground(frame: gpd.GeoDataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.asarray(area_km2(frame), dtype=float)
    except SiteSelectError:
        return np.full(len(frame), np.nan)


def candidates_sheet(
    frame: gpd.GeoDataFrame, units: UnitSystem
) -> tuple[str, dict[str, Any]]:
    """Return one line about the candidates, and what was excluded by what.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.
    units : UnitSystem
        The unit of areas.

    Returns
    -------
    tuple of (str, dict)
        The line and a `sheet`.
    """
    ground = _ground(frame) * units.per_km2
    excluded = (_reasons(frame) != "").to_numpy()

    def counted(rows: Any, word: str) -> str:
        said = f"{int(rows.sum()):,} {word}"
        km2 = float(ground[rows].sum())
        return f"{said} ({number(km2)} {units.area})" if np.isfinite(km2) else said

    every = np.ones(len(frame), dtype=bool)
    said = counted(every, "candidates") + " were looked at: "
    said += counted(excluded, "excluded")
    if "score" in frame.columns:
        score = frame["score"].to_numpy(dtype=float, na_value=np.nan)
        unknown = ~np.isfinite(score) & ~excluded
        said += f", {int(unknown.sum()):,} without a known score, "
        said += counted(~excluded & ~unknown, "scored")
    table = excluded_table(frame)
    total = float(ground.sum())
    rows = []
    for name, row in zip(table.index, table.to_dict("records"), strict=True):
        area = row["km2"] * units.per_km2
        rows.append(
            (
                str(name),
                f"{row['candidates']:,}",
                number(area) if np.isfinite(area) else "n/a",
                f"{100 * area / total:.1f} %" if total > 0 else "n/a",
            )
        )
    heads = ["excluded by", "candidates", f"area, {units.area}", "of all"]
    return said + ".", sheet(heads, rows, numbers=(1, 2, 3))


def criteria_sheet(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the criteria as the template takes them.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.

    Returns
    -------
    dict
        A `sheet`.
    """
    rows = []
    for item in criteria_of(frame):
        layer = item.get("layer")
        if isinstance(layer, Mapping):
            layer = layer.get("name", "")
        rows.append(
            (
                text(item.get("name")),
                number(real(item.get("weight")), 3),
                text(layer),
                _described(item.get("measure")),
                text(item.get("unit")),
                _described(item.get("value")),
                text(item.get("evidence")) or "unstated",
            )
        )
    heads = ["criterion", "weight", "layer", "measured by", "unit", "valued by"]
    return sheet([*heads, "evidence"], rows, numbers=(1,))


def _described(value: object) -> str:
    """Return a measurement or a value function as one line."""
    if not isinstance(value, Mapping):
        return text(value)
    parts = []
    for name, item in value.items():
        if name in {"kind", "layer"} or item is None or item is False:
            continue
        if isinstance(item, list | tuple):
            item = ", ".join(
                "(" + ", ".join(short(v) for v in part) + ")"
                if isinstance(part, list | tuple)
                else short(part)
                for part in item
            )
        parts.append(f"{name} {short(item)}" if item is not True else str(name))
    return f"{text(value.get('kind'))}({', '.join(parts)})"


def sources_table(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return where each layer comes from, under which terms, and what it is not.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.

    Returns
    -------
    DataFrame
        Indexed by ``layer``: ``used_for``, ``evidence``, ``source``, ``vintage``,
        ``licence``, ``attribution``, ``what_it_is_not``; what a layer does not say
        is said to be "not stated".
    """
    scored = {item.name for item in sources_of(frame)}
    rows = [
        {
            "layer": item.title,
            "used_for": "the score"
            if item.name in scored
            else "columns of the candidates",
            "evidence": item.evidence,
            "source": item.source or "source not stated",
            "vintage": item.vintage or "vintage not stated",
            "licence": item.licence or short_licence(""),
            "attribution": item.attribution,
            "what_it_is_not": item.not_this or "caveats not stated",
        }
        for item in sources_of(frame, prepared=True)
    ]
    heads = ["used_for", "evidence", "source", "vintage", "licence", "attribution"]
    table = pd.DataFrame(rows, columns=["layer", *heads, "what_it_is_not"])
    return table.set_index("layer")


def sources_sheet(table: pd.DataFrame) -> dict[str, Any]:
    """Return the sources as the template takes them.

    Parameters
    ----------
    table : DataFrame
        What `sources_table` returned.

    Returns
    -------
    dict
        A `sheet`.
    """
    rows = [
        (
            f"{layer} (for {row['used_for']})",
            row["evidence"],
            f"{row['source']} · {row['vintage']}",
            " · ".join(part for part in (row["licence"], row["attribution"]) if part),
            row["what_it_is_not"],
        )
        for layer, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    heads = ["layer", "evidence", "source and vintage", "licence and attribution"]
    return sheet([*heads, "what it is not"], rows)


def assumptions_table(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return every parameter of the models as used.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.

    Returns
    -------
    DataFrame
        What `siteselect.parameters` holds with columns ``used`` and ``is_set`` in
        front; no rows where the candidates were not prepared.
    """
    table = parameters()
    prepared = attached(frame).get("prepare")
    changed: dict[str, Any] = {}
    if isinstance(prepared, Mapping):
        changed = dict(prepared.get("parameters", {}))
    else:
        table = table.iloc[:0].copy()
    used = [changed.get(str(name), mid) for name, mid in table["mid"].items()]
    table.insert(0, "used", pd.Series(used, index=table.index, dtype=float))
    table.insert(1, "is_set", table.index.isin(list(changed)))
    table.index.name = "parameter"
    return table


def assumptions_sheet(table: pd.DataFrame) -> tuple[dict[str, Any], str]:
    """Return the assumptions as the template takes them, and a line about them.

    Parameters
    ----------
    table : DataFrame
        What `assumptions_table` returned.

    Returns
    -------
    tuple of (dict, str)
        A `sheet`, the parameters that were set in bold, and the line.
    """
    rows = [
        (
            name,
            tidy_number(row["used"]),
            tidy_number(row["low"]),
            tidy_number(row["high"]),
            row["unit"],
            f"{row['source']} ({row['year']})",
            row["note"],
        )
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    marked = table["is_set"].tolist()
    heads = ["parameter", "used", "low", "high", "unit", "source", "note"]
    said = (
        "Figures behind megawatts, water, cost and time, with their plausible range. "
        "Judgement and unverified figures say so. "
        + (
            f"Bold: set for this plan ({sum(marked)} of {len(rows)})."
            if any(marked)
            else "All stand at their middle value."
        )
    )
    return sheet(heads, rows, numbers=(1, 2, 3), marked=marked), said if rows else ""


def method_lines(frame: gpd.GeoDataFrame) -> list[str]:
    """Return how the plan was made, in two paragraphs.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.

    Returns
    -------
    list of str
        The paragraphs.
    """
    said = []
    if criteria_of(frame):
        aggregate = attached(frame).get("aggregate", "weighted_sum")
        way = text(aggregate).replace("_", " ")
        article = "an" if way[:1] in "aeiou" else "a"
        said.append(
            "Each candidate gets a score between 0 and 1: its criteria are measured "
            "on map layers, valued between bounds that do not depend on the other "
            f"candidates, and put together as {article} {way}."
        )
    said.append(
        "An integer program chooses places and sizes that satisfy every limit at "
        "once. The bound is the best value that any choice could have under the same "
        "inputs; the gap is its distance from this plan, relative to the plan. The "
        "proof is about the arithmetic: it says nothing about errors in the layers."
    )
    return said
