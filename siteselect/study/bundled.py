"""The study that comes with the library, behind ``siteselect demo``."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from siteselect.errors import StudyError, four_parts
from siteselect.study.description import Study
from siteselect.whole_files import as_path

if TYPE_CHECKING:
    from siteselect.study.result import StudyResult

__all__ = ["bundled_study"]


def bundled_study(
    out: str | os.PathLike[str],
    *,
    spacing_km: float = 20.0,
    resolves: int = 50,
    progress: Callable[[str], object] | None = None,
) -> StudyResult:
    """Choose 3 GW of campuses in the contiguous US from the bundled layers.

    Parameters
    ----------
    out : path
        Folder to write to: ``map.png``, ``sites.gpkg``, ``sites.csv``,
        ``plan.json``, ``eligibility.csv``.
    spacing_km : float
        Grid of candidates [km]; 20 km gives about 19,500.
    resolves : int
        Re-solves with weights and uncertain layers shaken; 0 for none.
    progress : callable, optional
        Called with one line of text per step.

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        ``resolves`` is negative.
    InfeasiblePlanError
        The grid is too coarse for the study's limits.

    Examples
    --------
    >>> study = bundled_study("out", spacing_km=60, resolves=0)
    >>> study.plan.status, round(study.plan.total_mw)
    ('optimal', 3000)
    >>> sorted(path.name for path in study.written)
    ['eligibility.csv', 'map.png', 'plan.json', 'sites.csv', 'sites.gpkg']
    """
    out = as_path(out, "bundled_study('out/demo')", "A study is written to a folder")
    if resolves < 0:
        raise StudyError(
            four_parts(
                f"the bundled study was asked for {resolves} re-solves",
                "a negative number was found",
                "whole numbers from 0",
                "bundled_study('out/demo', resolves=50)",
            )
        )
    study = read_bundled()
    study = replace(
        study,
        candidates={**study.candidates, "spacing_km": spacing_km},
        outputs={**study.outputs, "survival": resolves},
    )
    return study.run(Path(out), progress=progress)


def read_bundled() -> Study:
    """Return the study that comes with the library."""
    text = resources.files("siteselect.study").joinpath("bundled.toml")
    return Study.from_toml(text.read_text("utf-8"), file="bundled.toml")
