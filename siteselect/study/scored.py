"""The scores of a study file, without its program: tables and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from siteselect.study.description import Study
from siteselect.study.steps import Timer, Walk, walk
from siteselect.suitability import Scoring, eligibility, evidence
from siteselect.suitability.stored import placed
from siteselect.whole_files import as_path
from siteselect.whole_folder import check_folder, whole_folder

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
        ``eligibility.csv``, and with exclusions ``waterfall.csv`` and
        ``waterfall.png``. They appear when all of them are complete.
    progress : callable, optional
        Called with one line of text per step.

    Returns
    -------
    ScoredStudy

    Raises
    ------
    StudyError, LayerError
        With everything that is wrong in the file and on which line; or if a layer or
        the folder cannot be used.

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
    study, timer = Study.read(path), Timer(progress)
    check_folder(
        as_path(out, 'score_study("study.toml", "out/")', "Scores go to a folder")
    )
    with placed(Path(path).name):
        made = walk(study.to_dict(), Path(study.folder), timer)
    with timer.step("write") as told:
        written = _write(made, Path(out))
        told.append(", ".join(path.name for path in written))
    return ScoredStudy(made.scored, made.scoring, written)


def _write(made: Walk, folder: Path) -> tuple[Path, ...]:
    """Write the tables and the pictures; all of them whole or none."""
    import matplotlib.pyplot as plt

    from siteselect.reporting import plot_suitability, to_csv_text, write_map
    from siteselect.suitability import waterfall

    scored, scoring = made.scored, made.scoring
    table = pd.DataFrame(scored.drop(columns=scored.geometry.name))
    counts = eligibility(scored, by="state" if "state" in scored else None)
    texts = {"scored.csv": table, "eligibility.csv": counts}
    with whole_folder(folder, last="scored.parquet") as part:
        scored.to_parquet(part / "scored.parquet", index=True)
        write_map(plot_suitability(scored), part / "map.png")
        if scoring.exclude:
            steps = waterfall(made.sites, scoring.exclude)
            texts["waterfall.csv"] = steps.table
            write_map(chart := steps.plot(), part / "waterfall.png")
            plt.close(chart.figure)
        for name, one in texts.items():
            (part / name).write_text(to_csv_text(one), "utf-8")
        names = sorted(path.name for path in part.iterdir())
    return tuple(folder / name for name in names)
