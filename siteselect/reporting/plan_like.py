"""The plan as reporting sees it, and the sentences every output shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd

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
        return bool(names.str.startswith("model bus").any())
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


def sources_of(frame: gpd.GeoDataFrame) -> list[Source]:
    """Return the sources of the layers that a frame names, each once, by name.

    A criterion's ``layer`` may be the layer's description itself or its name;
    descriptions may also be listed under ``attrs["siteselect"]["layers"]``.
    """
    notes = attached(frame)
    found: dict[str, Source] = {}

    def add(name: str, info: object) -> None:
        if is_dataclass(info) and not isinstance(info, type):
            info = asdict(info)
        if isinstance(info, Mapping):
            source = _as_source(name, info)
            if source.name and (source.name not in found or source.source):
                found[source.name] = source

    listed = notes.get("layers", {})
    if isinstance(listed, Mapping):
        for name, info in listed.items():
            add(str(name), info)
    else:
        for info in listed:
            add("", info)
    for item in criteria_of(frame):
        layer = item.get("layer")
        if isinstance(layer, Mapping):
            add(str(item.get("name", "")), layer)
        elif isinstance(layer, str) and layer and layer not in found:
            add(layer, {"name": layer, "evidence": item.get("evidence")})
    return [found[name] for name in sorted(found)]


def source_lines(frame: gpd.GeoDataFrame) -> list[str]:
    """Return one line per origin: the layers it gave, and under which licence."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for item in sources_of(frame):
        origin = item.source or item.attribution or "source not stated"
        grouped.setdefault((origin, item.licence), []).append(item.title)
    lines = []
    for (origin, licence), titles in grouped.items():
        tail = f" ({licence})" if licence else " (licence not stated)"
        lines.append(f"{', '.join(sorted(titles))}: {origin}{tail}")
    return lines
