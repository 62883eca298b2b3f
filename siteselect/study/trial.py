"""A study tried on a few of its candidates, to see that its columns are there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from siteselect.errors import SiteSelectError, four_parts, nearest_name, shown
from siteselect.infrastructure import prepare
from siteselect.study import steps
from siteselect.study.lines import Place, key_lines
from siteselect.study.mistakes import Mistakes
from siteselect.study.parts import annotation_words, arguments_of, makers_of
from siteselect.suitability import check_gates, score_sites
from siteselect.suitability.scoring import Scoring, file_text

if TYPE_CHECKING:
    from siteselect.study.description import Study

#: So many candidates show what columns there are.
_FEW = 12
#: Words of annotations that take the name of a column of the candidates.
_COLUMN = {"Quantity", "Bound", "Sized", "pd.Series"}
_PLAN_COLUMNS = ("score", "capacity", "cost_per_mw", "fixed_cost", "objective")

__all__ = ["try_columns"]


def try_columns(study: Study, path: Path) -> dict[str, int]:
    """Refuse a study that names columns which its candidates will not have.

    Parameters
    ----------
    study : Study
        The study.
    path : pathlib.Path
        Its file, for the lines.

    Returns
    -------
    dict of str to int
        How many candidates, layers, criteria and limits there are.

    Raises
    ------
    StudyError
        With every such column and its line.
    """
    record, folder = study.to_dict(), Path(study.folder)
    mistakes = Mistakes(record, key_lines(file_text(path)))
    counts: dict[str, int] = {}
    columns: list[str] = []
    with mistakes.of("candidates"):
        layers = steps.layers_of(record, folder)
        sites = steps.candidates_of(record, folder, layers)
        scoring = steps.scoring_of(record, layers)
        counts = {
            "candidates": len(sites),
            "layers": len(layers),
            "criteria": len(scoring.criteria),
            "limits": len(record.get("limits", ())),
        }
        _try_labels(mistakes, record, sites)
        few = np.unique(np.linspace(0, len(sites) - 1, _FEW).astype(int))
        sites = sites.iloc[few] if len(sites) else sites
        models = steps.models_of(record)
        if models is not None:
            sites = prepare(sites, layers, **models)
        if record.get("supply"):
            sites = steps.with_supply(sites, record["supply"], layers, folder)
        columns = _try_scoring(mistakes, record, scoring, sites)
    for place, key, value in _named(record) if columns else ():
        if value not in columns:
            message = four_parts(
                f"{key} names a column of the candidates",
                f"found {key} = {value!r}.{nearest_name(value, columns)}",
                f"allowed are {shown(columns, 12)}",
                "correct it"
                if models is not None
                else "correct it, or ask for those of the models: prepare = true",
            )
            mistakes.note(place, message)
    mistakes.refuse(path.name)
    return counts


def _try_scoring(
    mistakes: Mistakes,
    record: Mapping[str, Any],
    scoring: Scoring,
    sites: gpd.GeoDataFrame,
) -> list[str]:
    """Return the columns of scored candidates; note what each part misses, if any."""
    try:
        return [str(c) for c in scoring.score(sites).columns]
    except SiteSelectError as error:
        whole = error
    before = len(mistakes.found)
    own = len(scoring.criteria) - len(record.get("criteria", ()))
    for i, criterion in enumerate(scoring.criteria):
        with mistakes.of(*(("criteria", i - own) if i >= own else ("preset",))):
            score_sites(sites, [replace(criterion, weight=1.0)])
    for i, rule in enumerate(scoring.exclude):
        with mistakes.of("exclude", i):
            rule(sites)
    for i, gate in enumerate(scoring.gates):
        with mistakes.of("gates", i):
            check_gates(sites, [gate])
    if len(mistakes.found) == before:
        raise whole
    made = ("raw", "value", "contribution")
    names = [f"{c.name}_{part}" for c in scoring.criteria for part in made]
    return [*map(str, sites.columns), "score", "coverage", "excluded_by", *names]


def _try_labels(
    mistakes: Mistakes, record: Mapping[str, Any], sites: gpd.GeoDataFrame
) -> None:
    """Note candidates that [plan] names and that there are not, and its solver."""
    from siteselect.optimization._compile import labels_of
    from siteselect.optimization.pulp_model import solver_of

    plan = record.get("plan", {})
    for key in ("fixed", "forbidden", "existing"):
        told = plan.get(key, ())
        with mistakes.of("plan", key):
            found = steps.labelled(told, sites) if key == "existing" and told else told
            labels_of(tuple(found), key, sites.index)
    with mistakes.of("plan", "solver"):
        solver_of(plan.get("solver", "highs"), gap=1e-4, time_limit_s=None)


def _named(record: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    """Walk over every argument that names a column."""
    for i, item in enumerate(record.get("limits", ())):
        yield from _of_part(item, "limit", ("limits", i))
    plan = record.get("plan", {})
    for key in _PLAN_COLUMNS:
        value = plan.get(key)
        if isinstance(value, str) and value not in ("score", "cost"):
            yield ("plan", key), key, value
    if isinstance(plan.get("objective"), Mapping):
        yield from _of_part(plan["objective"], "objective", ("plan", "objective"))


def _of_part(
    item: Mapping[str, Any], word: str, place: Place
) -> Iterator[tuple[Place, str, str]]:
    made: Callable[..., Any] = makers_of(word)[item["kind"]]
    taken = arguments_of(made)
    if "demand" in taken:
        return  # Its columns are those of the demand.
    parameters = inspect.signature(made).parameters
    adds_bus = isinstance(item.get("network"), Mapping)
    for key in taken:
        value = item.get(key, parameters[key].default)
        is_source = "links" in taken and key == "at_most"
        if (
            isinstance(value, str)
            and annotation_words(made, key) & _COLUMN
            and not is_source
            and not (adds_bus and key == "bus")
        ):
            yield (*place, key), key, value
