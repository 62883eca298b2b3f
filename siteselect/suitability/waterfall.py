"""What each exclusion takes out: alone, in turn, and it only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from siteselect.suitability.exclusions import Flags, Rule, judged
from siteselect.suitability.ground import area_km2
from siteselect.suitability.queries import Queries
from siteselect.suitability.score import _check_sites, _named, _named_rules

__all__ = ["Waterfall", "waterfall"]


@dataclass(frozen=True, eq=False)
class Waterfall:
    """What a list of exclusions takes out, step by step.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per rule in the order given; see `waterfall`.
    n_candidates : int
        Candidates before the first rule.
    km2 : float
        Their ground [km2]; NaN if a candidate has none.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Where
    >>> sites = gpd.GeoDataFrame({"slope": [9.0]}, geometry=[Point(0, 0)], crs=4326)
    >>> found = waterfall(sites, [Where("slope", above=8)])
    >>> found.n_candidates, found.table["left_candidates"].tolist()
    (1, [0])

    >>> ax = found.plot(measure="candidates")
    """

    table: pd.DataFrame = field(repr=False)
    n_candidates: int
    km2: float

    def __repr__(self) -> str:
        ground = "" if np.isnan(self.km2) else f", {self.km2:,.0f} km2"
        return (
            f"Waterfall of {self.n_candidates:,} candidates{ground}\n"
            + self.table.to_string(float_format=lambda v: f"{v:,.1f}")
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(escape=True, float_format=lambda v: f"{v:,.1f}")

    def plot(self, ax: Any = None, **kwargs: Any) -> Any:
        """Draw the steps as falling bars; see `reporting.plot_waterfall`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            ``measure="km2"`` or ``"candidates"``, ``title``.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from siteselect.suitability._plots import plot_waterfall

        return plot_waterfall(self, ax, **kwargs)


def waterfall(sites: gpd.GeoDataFrame, exclude: Sequence[Rule]) -> Waterfall:
    """Count what each exclusion removes alone, in sequence, and only it.

    Parameters
    ----------
    sites : geopandas.GeoDataFrame
        Candidates with a unique index; not changed.
    exclude : sequence of Exclusion or callable
        In the order in which `score_sites` would apply them.

    Returns
    -------
    Waterfall
        Its ``table`` has one row per rule, and for ``candidates`` [count] and
        ``km2`` each

        - ``alone_...``: what the rule takes out of all candidates,
        - ``sequence_...``: what it takes out of those that the rules before it
          left; below zero for a `Keep`, which gives back,
        - ``only_...``: what it takes out and no other rule does, as the list
          stands,
        - ``left_...``: what is left after it,

        and ``unknown_candidates``: how many of the sequence it takes out only
        because it does not know. ``km2`` is NaN if a candidate has no ground.

    Raises
    ------
    StudyError, LayerError
        If a rule cannot be used; the message names it.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> from siteselect.suitability import Where
    >>> sites = gpd.GeoDataFrame(
    ...     {"slope_pct": [9.0, 9.0, 1.0], "acres": [50.0, 900.0, 900.0],
    ...      "cell_km": 10.0, "cell_shape": "square"},
    ...     geometry=[Point(0, 0), Point(1, 0), Point(2, 0)], crs=4326,
    ... )
    >>> steep, small = Where("slope_pct", above=8), Where("acres", below=100)
    >>> table = waterfall(sites, [steep, small]).table
    >>> table[["alone_candidates", "sequence_candidates", "only_km2"]].values.tolist()
    [[2.0, 2.0, 100.0], [1.0, 0.0, 0.0]]
    """
    _check_sites(sites)
    rules = _named_rules(exclude)
    queries = Queries(sites)
    ground = area_km2(sites)
    n = len(sites)
    is_out = np.zeros(n, dtype=bool)
    standing: list[Flags] = []
    steps = []
    for (name, rule), step in zip(rules, judged(rules, queries, _named), strict=True):
        out = step.verdict.is_excluded | step.verdict.is_unknown
        before = is_out
        is_out = is_out | out
        standing.append(out)
        if step.is_given_back is not None:
            is_out = is_out & ~step.is_given_back
            standing = [flags & ~step.is_given_back for flags in standing]
        alone = out
        if step.is_given_back is None and before.any():
            # A rule may look at what those before it left: ask it again, alone.
            again = next(iter(judged([(name, rule)], queries, _named))).verdict
            alone = again.is_excluded | again.is_unknown
        steps.append((name, alone, before, is_out, step.verdict.is_unknown))

    rows = []
    n_rules = np.sum([np.zeros(n), *standing], axis=0)
    for (name, alone, before, after, unknown), out in zip(steps, standing, strict=True):
        row: dict[str, Any] = {"exclusion": name}
        only = out & (n_rules == 1)
        for unit, size in (("candidates", np.ones(n)), ("km2", ground)):
            row[f"alone_{unit}"] = size[alone].sum()
            row[f"sequence_{unit}"] = size[~before].sum() - size[~after].sum()
            row[f"only_{unit}"] = size[only].sum()
            row[f"left_{unit}"] = size[~after].sum()
        row["unknown_candidates"] = (unknown & ~before & after).sum()
        rows.append(row)
    columns = [
        f"{what}_{unit}"
        for unit in ("candidates", "km2")
        for what in ("alone", "sequence", "only", "left")
    ]
    table = pd.DataFrame(
        rows, columns=["exclusion", *columns, "unknown_candidates"]
    ).set_index("exclusion")
    if np.isnan(ground).any():
        table[[c for c in columns if c.endswith("km2")]] = np.nan
    counts = [c for c in table.columns if str(c).endswith("candidates")]
    table[counts] = table[counts].astype(np.int64)
    return Waterfall(table, n, float(ground.sum()))
