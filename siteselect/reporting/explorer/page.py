"""The page around the map: what it tells, and what its script works with."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, overload

import jinja2
import numpy as np
from markupsafe import Markup

from siteselect.reporting.explorer.columns import (
    MOST_CRITERIA,
    chosen_columns,
    rows_of,
)
from siteselect.reporting.explorer.library import bokeh_library, document_of
from siteselect.reporting.explorer.map_figure import (
    OTHER_PICK,
    Sheet,
    map_figure,
    sheet_of,
)
from siteselect.reporting.explorer.rescoring import Rescoring, rescoring_of
from siteselect.reporting.explorer.shown_plans import (
    FrontierLike,
    ShownPlan,
    frontier_figure,
    no_plan_line,
    shown_plans,
)
from siteselect.reporting.files import write_text
from siteselect.reporting.furniture import PICK
from siteselect.reporting.maps import points_on_map, touches_states
from siteselect.reporting.not_checked import not_checked_line
from siteselect.reporting.plan_like import (
    SYNTHETIC_NOTICE,
    PlanLike,
    clean,
    is_synthetic,
    noun,
    source_lines,
    subtitle_line,
    tidy_number,
    title_line,
)
from siteselect.reporting.projection import crs_name, lonlat_bounds
from siteselect.whole_files import as_path

_INLINE_HEIGHT_PX = 680


@dataclass(frozen=True)
class ExplorerPage:
    """A plan as one interactive page that needs no network.

    A notebook shows it in a frame of its own, out of reach of the notebook.

    Parameters
    ----------
    title : str
        What the page shows.
    html : str
        The page.

    Examples
    --------
    >>> ExplorerPage("100 MW in 1 site", "<p>a page</p>")
    ExplorerPage(100 MW in 1 site, 0.0 MB)
    """

    title: str
    html: str = field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Such as "map.html"; its folder is made if missing.

        Returns
        -------
        pathlib.Path
        """
        target = as_path(
            path, 'plan.explore("map.html")', "A page is written to a path"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        return write_text(target, self.html)

    def __repr__(self) -> str:
        return f"ExplorerPage({self.title}, {len(self.html) / 1e6:.1f} MB)"

    def _repr_html_(self) -> str:
        # Without allow-same-origin the frame reads nothing of the notebook.
        return (
            f'<iframe title="{html.escape(self.title)}" '
            'sandbox="allow-scripts allow-downloads" '
            f'srcdoc="{html.escape(self.html)}" '
            f'style="border: 1px solid #999; height: {_INLINE_HEIGHT_PX}px; '
            'width: 100%;"></iframe>'
        )


@overload
def explore(
    plan: PlanLike,
    path: str | os.PathLike[str],
    *,
    alternatives: Iterable[PlanLike] = ...,
    frontier: FrontierLike | None = ...,
) -> Path: ...


@overload
def explore(
    plan: PlanLike,
    path: None = ...,
    *,
    alternatives: Iterable[PlanLike] = ...,
    frontier: FrontierLike | None = ...,
) -> ExplorerPage: ...


def explore(
    plan: PlanLike,
    path: str | os.PathLike[str] | None = None,
    *,
    alternatives: Iterable[PlanLike] = (),
    frontier: FrontierLike | None = None,
) -> Path | ExplorerPage:
    """Show a plan as an interactive page that needs no network.

    The chosen places, sized by megawatts, lie over the candidates colored by
    score. A pointer tells the reasons, layers are switched, weights are moved.
    Moving a weight scores all candidates again as `score_sites` would and shows
    how ranks move; it does not optimize again.

    Parameters
    ----------
    plan : SitePlan
        What `optimize_sites` returned.
    path : path-like, optional
        The page, such as "map.html"; its folder is made if missing. Without it
        the page is returned, and a notebook shows it.
    alternatives : iterable of SitePlan, optional
        Other plans over the same candidates to flip through, such as
        ``plan.alternatives(5)``.
    frontier : Frontier, optional
        A curve over the same candidates; each of its solved plans is shown when
        its dot is pointed out.

    Returns
    -------
    pathlib.Path or ExplorerPage
        The file, or without a path the page itself.

    Raises
    ------
    MissingDependencyError
        If bokeh is not installed.
    StudyError
        If an alternative or the frontier is none, or is over other candidates.

    Examples
    --------
    >>> import geopandas as gpd, siteselect as ss, tempfile
    >>> sites = gpd.GeoDataFrame(
    ...     {"score": [0.9], "capacity_mw": 100.0},
    ...     geometry=gpd.points_from_xy([-100], [32]), crs=4326,
    ... )
    >>> plan = ss.optimize_sites(sites, power_mw=(100, 100), site_mw=[100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     explore(plan, folder + "/map.html").name
    'map.html'
    >>> explore(plan).title
    '100 MW in 1 site'
    """
    bokeh = bokeh_library()
    plans = shown_plans(plan, alternatives, frontier)
    page = ExplorerPage(title_line(plan), _page(bokeh, plan, plans, frontier))
    return page if path is None else page.save(path)


def _page(
    bokeh: Any,
    plan: PlanLike,
    plans: list[ShownPlan],
    frontier: FrontierLike | None,
) -> str:
    """Return the page as text."""
    frame = plan.candidates
    sheet = sheet_of(plan)
    scoring = rescoring_of(frame)
    inside = replace(scoring, values=scoring.values[:, sheet.is_in])
    if not sheet.is_in.any() and not inside.why_not:
        inside = replace(inside, why_not="No candidate can be scored.")
    chosen = _chosen(plans, sheet)
    drawn, layers = map_figure(bokeh, plan, sheet, inside, chosen[0])
    figures = {"map": drawn}
    leads_on = [k for k, item in enumerate(plans) if item.group == "frontier"]
    if frontier is not None:
        first = leads_on[0] if leads_on else len(plans)
        figures["frontier"] = frontier_figure(bokeh, frontier, first)
    document, roots = document_of(bokeh, figures)
    config = {
        "roots": roots,
        "layers": [vars(layer) for layer in layers],
        "pick": PICK,
        "other": OTHER_PICK,
        "plans": [
            {
                "group": item.group,
                "name": str(clean(item.name)),
                "lines": item.lines(plan),
                "chosen": found,
            }
            for item, found in zip(plans, chosen, strict=True)
        ],
        "scoring": _told(inside),
        "noun": noun(frame),
        "largest": tidy_number(_largest_mw(plans)),
    }
    lines = []
    sources = source_lines(frame)
    if sources:
        lines.append("Data: " + " · ".join(sources) + ".")
    ground = (
        "Base map: US Census Bureau, 2017. "
        if touches_states(lonlat_bounds(frame, plan.sites))
        else ""
    )
    lines.append(f"{ground}Projection: {crs_name(sheet.crs)}.")
    library = bokeh.resources.Resources(mode="inline", components=["bokeh"]).js_raw
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_own("page.html")).render(
        title=title_line(plan),
        status=subtitle_line(plan),
        synthetic=(
            SYNTHETIC_NOTICE[0].upper() + SYNTHETIC_NOTICE[1:] + "."
            if is_synthetic(plan)
            else ""
        ),
        not_checked=not_checked_line(),
        lines=lines,
        plans=plans,
        no_plan=no_plan_line(frontier) if frontier is not None else "",
        has_frontier=frontier is not None,
        scoring=inside,
        leads_on=bool(leads_on),
        style=Markup(_own("page.css")),
        library=Markup("\n".join(library).replace("</script", "<\\/script")),
        script=Markup(_own("score.js") + _own("page.js")),
        document=_script_text(document),
        config=_script_text(config),
    )


def _largest_mw(plans: list[ShownPlan]) -> float:
    """Return the megawatts of the largest circle of all plans."""
    every = [
        item.plan.sites["mw"].to_numpy(dtype=float)
        for item in plans
        if "mw" in item.plan.sites.columns
    ]
    mw = np.concatenate([*every, np.zeros(0)])
    known = mw[np.isfinite(mw) & (mw > 0)]
    return float(known.max()) if len(known) else 1.0


def _chosen(plans: list[ShownPlan], sheet: Sheet) -> list[dict[str, list[Any]]]:
    """Return what the page holds of each plan's places."""
    frame = plans[0].plan.candidates
    # Rows of the page's table of candidates, which leaves out the excluded ones.
    inside = np.where(sheet.is_in, np.cumsum(sheet.is_in) - 1, -1)
    largest = _largest_mw(plans)
    found = []
    for item in plans:
        sites = item.plan.sites
        rows = rows_of(frame, sites)
        at = np.array([inside[r] if r >= 0 else -1 for r in rows], dtype=np.int64)
        xy = points_on_map(sites, sheet.crs)
        found.append(chosen_columns(sites, xy, at, largest))
    return found


def _told(scoring: Rescoring) -> dict[str, Any]:
    """Return what the script scores with, plain and finite."""
    weights = scoring.weights
    order = np.argsort(-weights, kind="stable")[:MOST_CRITERIA]
    return {
        "why_not": scoring.why_not,
        "names": [str(clean(name)) for name in scoring.names],
        "evidence": [str(item.get("evidence") or "") for item in scoring.criteria],
        "weights": [float(w) for w in weights],
        "told": [int(c) for c in order],
        "way": dict(scoring.way),
        "aggregate": str(scoring.way.get("kind", "")),
    }


def _own(name: str) -> str:
    """Return a file beside this module."""
    source = resources.files("siteselect.reporting.explorer").joinpath(name)
    return source.read_text(encoding="utf-8")


def _script_text(content: Any) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    said = json.dumps(content, ensure_ascii=True, allow_nan=False)
    said = said.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(said)
