"""The scores of a study file, without its program: tables and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteselect.study import Study
from siteselect.study.steps import Walk, walk
from siteselect.suitability import Scoring, eligibility, evidence
from siteselect.suitability.stored import placed

__all__ = ["ScoredStudy", "score_study"]


@dataclass(frozen=True, eq=False)
class ScoredStudy:
    """What the scoring of a study file leaves behind.

    Parameters
    ----------
    scored : geopandas.GeoDataFrame
        All candidates, from ``Scoring.score``.
    scoring : Scoring
        What the file says.
    written : tuple of pathlib.Path
        Files written.

    Examples
    --------
    See `score_study`. Its page begins with the counts:

    >>> import geopandas as gpd, siteselect as ss
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [300.0]}, geometry=gpd.points_from_xy([-100], [32]), crs=4326
    ... )
    >>> size = ss.Criterion("size", ss.Column("acres"), ss.Rising(100, 500))
    >>> scoring = ss.Scoring([size])
    >>> scored = ss.ScoredStudy(scoring.score(sites), scoring, ())
    >>> print(scored.summary().splitlines()[0])
    1 candidates, 1 eligible, 0 excluded, 0 unknown
    """

    scored: gpd.GeoDataFrame
    scoring: Scoring
    written: tuple[Path, ...]

    def summary(self) -> str:
        """Return counts, the weight on each kind of evidence, and the best ten.

        Returns
        -------
        str
            Plain text.
        """
        counts = eligibility(self.scored, by=None).iloc[0]
        words = ("candidates", "eligible", "excluded", "unknown")
        lines = [", ".join(f"{int(counts[word]):,} {word}" for word in words)]
        resting = evidence(self.scored)
        lines.append(
            "Weight resting on: "
            + ", ".join(
                f"{level} {weight:.0%}"
                for level, weight in resting.itertuples(index=False)
            )
        )
        best = self.scored.nlargest(10, "score")
        shown_columns = ["score", *(["gates"] if "gates" in best else [])]
        table = pd.DataFrame(best[shown_columns])
        lines += ["", table.to_string(float_format="{:.3f}".format), ""]
        lines.append("Written: " + ", ".join(str(path) for path in self.written))
        return "\n".join(lines)


def score_study(
    path: str | Path,
    out: str | Path,
    *,
    progress: Callable[[str], object] | None = None,
) -> ScoredStudy:
    """Score the candidates of a study file and write what came of it.

    Parameters
    ----------
    path : path-like
        A study file, as `Study` describes it; what it says of the program is not
        used. Paths are relative to the file.
    out : path-like
        Folder to write to: ``scored.parquet``, ``scored.csv``, ``map.png``,
        ``eligibility.csv``, ``waterfall.csv`` and ``waterfall.png``.
    progress : callable, optional
        Called with one line of text per step.

    Returns
    -------
    ScoredStudy

    Raises
    ------
    StudyError, LayerError
        If the file, a layer or the scoring cannot be used.

    Examples
    --------
    >>> from pathlib import Path
    >>> text = '''
    ... area = "Rhode Island"
    ...
    ... [candidates]
    ... spacing_km = 15
    ...
    ... [[criteria]]
    ... name = "fiber"
    ... measure = { kind = "Nearest", layer = "fiber" }
    ... value = { kind = "Falling", a = 1, b = 40 }
    ...
    ... [[exclude]]
    ... kind = "Near"
    ... layer = "airports"
    ... km = 3
    ... name = "airport"
    ... '''
    >>> _ = Path("study.toml").write_text(text)
    >>> study = score_study("study.toml", "scored")
    >>> sorted(p.name for p in study.written)[:3]
    ['eligibility.csv', 'map.png', 'scored.csv']
    """
    say = progress or (lambda line: None)
    study = Study.read(path)
    with placed(Path(path).name):
        made = walk(study.to_dict(), Path(study.folder))
    say(f"candidates  {len(made.sites):,}; {len(made.layers)} layers")
    say(f"score       {int(made.scored['score'].notna().sum()):,} with a known score")
    written = _write(made, Path(out))
    say("write       " + ", ".join(path.name for path in written))
    return ScoredStudy(made.scored, made.scoring, written)


def _write(made: Walk, folder: Path) -> tuple[Path, ...]:
    """Write the tables and the pictures; each file whole or not at all."""
    scored, scoring, sites = made.scored, made.scoring, made.sites
    import matplotlib.pyplot as plt

    from siteselect.reporting import (
        plot_suitability,
        to_csv_text,
        write_map,
        write_text,
    )
    from siteselect.reporting.files import whole_file
    from siteselect.suitability import waterfall

    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "scored.parquet") as part:
        scored.to_parquet(part, index=True)
    table = pd.DataFrame(scored.drop(columns=scored.geometry.name))
    counts = eligibility(scored, by="state" if "state" in scored else None)
    written = [
        folder / "scored.parquet",
        write_text(folder / "scored.csv", to_csv_text(table)),
        write_text(folder / "eligibility.csv", to_csv_text(counts)),
        write_map(ax := plot_suitability(scored), folder / "map.png"),
    ]
    plt.close(ax.get_figure(root=True))
    if scoring.exclude:
        steps = waterfall(sites, scoring.exclude)
        written += [
            write_text(folder / "waterfall.csv", to_csv_text(steps.table)),
            write_map(chart := steps.plot(), folder / "waterfall.png"),
        ]
        plt.close(chart.figure)
    return tuple(written)
