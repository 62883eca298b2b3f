"""The plan as reporting sees it, and the sentences every output shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from functools import cache
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup

SYNTHETIC_NOTICE = "grid: synthetic network - model buses, not real facilities"


class PlanLike(Protocol):
    """The attributes of a `SitePlan` that reporting reads."""

    @property
    def status(self) -> str:
        """``"optimal"`` or ``"feasible"``."""

    @property
    def objective(self) -> float:
        """Value of the plan."""

    @property
    def bound(self) -> float:
        """Best value proved possible."""

    @property
    def gap(self) -> float:
        """Relative distance of bound and objective [-]."""

    @property
    def sites(self) -> gpd.GeoDataFrame:
        """Chosen rows with ``mw``, ``cost_usd`` and ``why``."""

    @property
    def candidates(self) -> gpd.GeoDataFrame:
        """The scored frame."""

    @property
    def limits(self) -> pd.DataFrame:
        """Accounts of the limits."""

    @property
    def objective_name(self) -> str:
        """What was maximized or minimized."""

    @property
    def solver(self) -> str:
        """Name of the solver."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""

    @property
    def evidence(self) -> pd.DataFrame:
        """Weight by kind of evidence."""


@dataclass(frozen=True)
class Source:
    """Where a layer comes from, as it is printed under a map."""

    name: str
    title: str
    source: str
    licence: str
    attribution: str
    vintage: str
    evidence: str
    not_this: str


def clean(value: object) -> object:
    """Return text without characters that a page cannot show or that turn it round."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() else " " for c in value)


def attached(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the frame's own notes (``attrs["siteselect"]``) or an empty dict."""
    notes = frame.attrs.get("siteselect", {})
    return dict(notes) if isinstance(notes, Mapping) else {}


def criteria_of(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the criteria as plain dicts, in the order they were given."""
    found = attached(frame).get("criteria", [])
    return [dict(item) for item in found if isinstance(item, Mapping)]


def is_area(frame: gpd.GeoDataFrame) -> bool:
    """Tell whether the rows are cells of a grid and not parcels."""
    return "cell_km" in frame.columns


def noun(frame: gpd.GeoDataFrame, count: int = 1) -> str:
    """Return "site" or, for cells of a grid, "search area", in the right number."""
    word = "search area" if is_area(frame) else "site"
    return word if count == 1 else word + "s"


def number(value: float, digits: int = 0) -> str:
    """Format a number with separators; unknown is "n/a"."""
    if value is None or not np.isfinite(value):
        return "n/a"
    return f"{value:,.{digits}f}"


def tidy_number(value: float) -> str:
    """Format a number with four significant digits and separators."""
    if value is None or not np.isfinite(value):
        return "n/a"
    size = abs(value)
    if size >= 1000 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.4g}"


def dollars(value: float) -> str:
    """Format dollars in the unit a reader says aloud."""
    if value is None or not np.isfinite(value):
        return "n/a"
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"${value / size:,.2f} {word}"
    return f"${value:,.0f}"


def percent(share: float) -> str:
    """Format a share as percent with the digits a small gap needs."""
    if share is None or not np.isfinite(share):
        return "n/a"
    value = 100 * share
    if value == 0:
        return "0 %"
    if abs(value) < 1e-4:
        return "under 0.0001 %"
    digits = 1 if abs(value) >= 1 else (2 if abs(value) >= 0.1 else 4)
    return f"{value:.{digits}f} %"


def total_mw(plan: PlanLike) -> float:
    """Return the facility MW of the plan."""
    sites = plan.sites
    return float(sites["mw"].sum()) if "mw" in sites.columns else 0.0


def total_cost(plan: PlanLike) -> float:
    """Return the plan's cost [USD], NaN where there is no cost column."""
    sites = plan.sites
    if "cost_usd" not in sites.columns:
        return float("nan")
    return float(sites["cost_usd"].sum(skipna=False)) if len(sites) else 0.0


def title_line(plan: PlanLike) -> str:
    """Return the headline of a plan: how many megawatts in how many places."""
    count = len(plan.sites)
    if not count:
        return f"No {noun(plan.candidates)} chosen"
    return f"{number(total_mw(plan))} MW in {count} {noun(plan.candidates, count)}"


def status_line(plan: PlanLike) -> str:
    """Return status and gap as one line that claims no more than was proved."""
    if plan.status == "optimal":
        said = f"optimal for these inputs (gap {percent(plan.gap)})"
    elif plan.status == "feasible":
        said = f"best plan found, not proved optimal (gap {percent(plan.gap)})"
    else:
        said = f"{plan.status} (gap {percent(plan.gap)})"
    return said


def subtitle_line(plan: PlanLike) -> str:
    """Return the line under the headline: status, gap, cost, candidates."""
    said = status_line(plan)
    parts = [said[0].upper() + said[1:]]
    cost = total_cost(plan)
    if len(plan.sites) and np.isfinite(cost) and cost > 0:
        parts.append(f"{dollars(cost)} by the plan's cost columns")
    parts.append(f"{len(plan.candidates):,} candidates")
    return " · ".join(parts)


def is_synthetic(plan_or_frame: PlanLike | gpd.GeoDataFrame) -> bool:
    """Tell whether anything shown rests on the synthetic network.

    True when a criterion or an attached layer says so, when weight rests on
    synthetic evidence, or when substations are named as model buses.
    """
    if isinstance(plan_or_frame, gpd.GeoDataFrame):
        frame = plan_or_frame
    else:
        frame = plan_or_frame.candidates
        evidence = plan_or_frame.evidence
        if evidence is not None and "evidence" in evidence.columns:
            kinds = evidence["evidence"].astype(str)
            shares = (
                evidence["weight"].fillna(0)
                if "weight" in evidence.columns
                else pd.Series(1.0, index=evidence.index)
            )
            if bool(((kinds == "synthetic") & (shares > 0)).any()):
                return True
    if any(item.get("evidence") == "synthetic" for item in criteria_of(frame)):
        return True
    if any(item.evidence == "synthetic" for item in sources_of(frame)):
        return True
    if "substation" in frame.columns and len(frame):
        names = frame["substation"].dropna().astype(str)
        return bool(names.str.startswith(("model bus", "model substation")).any())
    return False


def _as_source(name: str, info: Mapping[str, Any]) -> Source:
    def text(key: str) -> str:
        value = info.get(key)
        return "" if value is None else str(value)

    return Source(
        name=text("name") or name,
        title=text("title") or text("name") or name,
        source=text("source"),
        licence=text("licence") or text("license"),
        attribution=text("attribution"),
        vintage=text("vintage"),
        evidence=text("evidence") or "unstated",
        not_this=text("not_this"),
    )


@cache
def _bundled() -> dict[str, Source]:
    """Return what the catalog says of the bundled layers, by name."""
    from siteselect.layers import datasets

    table = datasets.layers()
    return {
        str(name): _as_source(str(name), {str(k): v for k, v in row.items()})
        for name, row in zip(table.index, table.to_dict(orient="records"), strict=True)
    }


def _named(name: str, evidence: object) -> Source:
    """Return the source of a layer of which only name and evidence are noted.

    A name of the catalog alone proves nothing: a user's own frame may carry it.
    Such a frame says "unstated" unless it was described, so the evidence must
    agree with the catalog before a bundled source is printed beside it.
    """
    bundled = _bundled().get(name)
    if bundled is not None and bundled.evidence == evidence:
        return bundled
    return _as_source(name, {"name": name, "evidence": evidence})


def sources_of(frame: gpd.GeoDataFrame, *, prepared: bool = False) -> list[Source]:
    """Return the sources of the layers that a frame names, each once, by name.

    A criterion's ``layer`` may be the layer's description itself or its name;
    descriptions may also be listed under ``attrs["siteselect"]["layers"]``.
    Bundled layers known by name only are looked up in their catalog.

    Parameters
    ----------
    frame : GeoDataFrame
        The candidates.
    prepared : bool
        Whether to add the layers behind the columns that `prepare` wrote.

    Returns
    -------
    list of Source
        In the order of their names.
    """
    notes = attached(frame)
    found: dict[str, Source] = {}

    def add(name: str, info: object) -> None:
        if is_dataclass(info) and not isinstance(info, type):
            info = asdict(info)
        if isinstance(info, Mapping):
            source = _as_source(name, info)
            if not source.source and not source.attribution:
                source = _named(source.name, source.evidence)
            if source.name and (source.name not in found or source.source):
                found[source.name] = source

    listed = notes.get("layers", {})
    if isinstance(listed, Mapping):
        for name, info in listed.items():
            add(str(name), info)
    elif isinstance(listed, Iterable) and not isinstance(listed, str):
        for info in listed:
            add("", info)
    for item in criteria_of(frame):
        layer = item.get("layer")
        if isinstance(layer, Mapping):
            add(str(item.get("name", "")), layer)
        elif isinstance(layer, str) and layer and layer not in found:
            found[layer] = _named(layer, item.get("evidence"))
    if prepared:
        notes_of_prepare = notes.get("prepare", {})
        used = (
            notes_of_prepare.get("evidence", {})
            if isinstance(notes_of_prepare, Mapping)
            else {}
        )
        if isinstance(used, Mapping):
            for name, evidence in used.items():
                if str(name) not in found:
                    found[str(name)] = _named(str(name), evidence)
    return [found[name] for name in sorted(found)]


# A part of an attribution longer than this is a remark, not a name.
_LONGEST_CREDIT = 70


def short_licence(licence: str) -> str:
    """Return a licence without its remarks in brackets and that of its package.

    Examples
    --------
    >>> from siteselect.reporting.plan_like import short_licence
    >>> short_licence("Public domain (US Census Bureau); package ISC")
    'Public domain'
    """
    parts = [re.sub(r"\s*\([^()]*\)", "", part).strip() for part in licence.split(";")]
    kept = [p for p in parts if p and not re.match(r"packages?\b", p)]
    return ", ".join(dict.fromkeys(kept)) or "licence not stated"


def short_credits(attribution: str) -> list[str]:
    """Return the names of an attribution, without titles of works and remarks.

    Examples
    --------
    >>> from siteselect.reporting.plan_like import short_credits
    >>> short_credits("A. Author, 'A long title', 2019; B. Office")
    ['A. Author, 2019', 'B. Office']
    """
    bare = re.sub(r"\s*\([^()]*\)|\s'[^']*',", "", attribution)
    parts = [part.strip() for part in bare.split(";") if part.strip()]
    return [part for part in parts if len(part) <= _LONGEST_CREDIT] or parts[:1]


def source_lines(frame: gpd.GeoDataFrame) -> list[str]:
    """Return one short line per licence: whom to name under it."""
    grouped: dict[str, list[str]] = {}
    unknown: list[str] = []
    for item in sources_of(frame):
        names = short_credits(item.attribution or item.source)
        if not names:
            unknown.append(item.title)
            continue
        grouped.setdefault(short_licence(item.licence), []).extend(names)
    lines = [
        f"{'; '.join(dict.fromkeys(names))} ({licence})"
        for licence, names in sorted(grouped.items())
    ]
    if unknown:
        lines.append(f"{', '.join(sorted(set(unknown)))}: source not stated")
    return lines
