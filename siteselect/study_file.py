"""A study file that scores: the area, the candidates, layers, and the scoring.

What it says of scoring is read by `Scoring`; this module adds where the candidates
and the layers come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siteselect.errors import StudyError, four_parts, said
from siteselect.infrastructure import prepare
from siteselect.layers import datasets, read_layer
from siteselect.suitability import Scoring, eligibility, evidence, grid_candidates
from siteselect.suitability.scoring import file_text, parsed
from siteselect.suitability.stored import check_keys, check_plain, placed

#: What a study file says beside its scoring.
_PLACES = ("area", "candidates", "layers")
_SCORING = ("aggregate", "criteria", "exclude", "gates", "weights")
_CANDIDATES = ("file", "prepare", "shape", "spacing_km")
#: What a layer of one's own may say of itself, as `read_layer` takes it.
_OF_LAYER = (
    "attribution",
    "crs",
    "evidence",
    "id",
    "layer",
    "licence",
    "not_this",
    "provenance",
    "resolution_km",
    "title",
    "units",
    "vintage",
    "wkt",
    "x",
    "y",
)

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
        A TOML file: ``area`` (a state or several, for the bundled layers),
        ``[candidates]`` with ``spacing_km`` (a grid over the area) or ``file``,
        ``[layers]`` of one's own by name (a file, or a table with ``file`` and what
        is known of it), and what `Scoring` reads. Paths are relative to the file.
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
    place = Path(path)
    record = parsed(file_text(place), place.name)
    with placed(place.name):
        check_keys(record, (*_PLACES, *_SCORING), ("criteria",), "The study")
        sites, layers = _sites_and_layers(record, place.parent)
    say(f"candidates  {len(sites):,}; {len(layers)} layers")
    scoring = Scoring.from_dict(
        {key: record[key] for key in _SCORING if key in record},
        layers,
        file=place.name,
    )
    with placed(place.name):
        scored = scoring.score(sites)
    say(f"score       {int(scored['score'].notna().sum()):,} with a known score")
    written = _write(scored, scoring, sites, Path(out))
    say("write       " + ", ".join(path.name for path in written))
    return ScoredStudy(scored, scoring, written)


def _sites_and_layers(
    record: Mapping[str, Any], folder: Path
) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Return the candidates and the layers that the file names."""
    asked = record.get("candidates", {})
    check_keys(asked, _CANDIDATES, (), "[candidates]")
    for key, kind in (
        ("file", str),
        ("prepare", bool),
        ("shape", str),
        ("spacing_km", float),
    ):
        check_plain(asked, key, kind, "[candidates]")
    if ("file" in asked) == ("spacing_km" in asked):
        raise StudyError(
            four_parts(
                "[candidates] says where candidates come from",
                "found both file and spacing_km" if asked else "found neither",
                "allowed is file (your own) or spacing_km (a grid over the area)",
                "write for instance spacing_km = 15",
            )
        )
    area = None
    if "area" in record:
        area = datasets.region(_region(record["area"]))
    if "file" in asked:
        sites = read_layer(_path(asked["file"], folder), name="candidates")
    elif area is None:
        raise StudyError(
            four_parts(
                "A grid of candidates is laid over an area",
                "found no area",
                "allowed are states, by name or postal code",
                "write for instance area = 'Oregon'",
            )
        )
    else:
        shape = asked.get("shape", "square")
        sites = grid_candidates(area, spacing_km=asked["spacing_km"], shape=shape)
    layers = datasets.load_all(area if area is not None else sites)
    layers |= _own_layers(record.get("layers", {}), folder)
    if asked.get("prepare", False):
        sites = prepare(sites, layers)
    return sites, layers


def _region(asked: Any) -> Any:
    """Return the states that are asked for."""
    several = asked if isinstance(asked, list) else [asked]
    if not several or not all(isinstance(name, str) for name in several):
        raise StudyError(
            four_parts(
                "The area is one or more states",
                f"found area = {said(asked)}",
                "allowed is a text, or a list of texts",
                "write for instance area = ['OR', 'WA']",
            )
        )
    return asked


def _own_layers(asked: Any, folder: Path) -> dict[str, Any]:
    """Read the layers of the user's own."""
    if not isinstance(asked, Mapping):
        raise StudyError(
            four_parts(
                "[layers] names layers of your own",
                f"found layers = {said(asked)}",
                "allowed is a table of names and files",
                "write for instance parcels = 'parcels.gpkg' under [layers]",
            )
        )
    layers = {}
    for name, entry in asked.items():
        what = f"Layer {name!r}"
        options = {"file": entry} if isinstance(entry, str) else entry
        check_keys(options, ("file", *_OF_LAYER), ("file",), what)
        for key in ("file", *_OF_LAYER):
            if key not in ("units", "crs", "resolution_km"):
                check_plain(options, key, str, what)
        check_plain(options, "resolution_km", float, what)
        about: dict[str, Any] = {k: options[k] for k in options if k != "file"}
        with placed(what):
            layers[name] = read_layer(
                _path(options["file"], folder), name=name, **about
            )
    return layers


def _path(file: str, folder: Path) -> str | Path:
    """Return a path beside the study file; an address as it is."""
    return file if "://" in file else folder / file


def _write(
    scored: gpd.GeoDataFrame, scoring: Scoring, sites: gpd.GeoDataFrame, folder: Path
) -> tuple[Path, ...]:
    """Write the tables and the pictures; each file whole or not at all."""
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
        write_map(plot_suitability(scored), folder / "map.png"),
    ]
    if scoring.exclude:
        steps = waterfall(sites, scoring.exclude)
        written += [
            write_text(folder / "waterfall.csv", to_csv_text(steps.table)),
            write_map(chart := steps.plot(), folder / "waterfall.png"),
        ]
        plt.close(chart.figure)
    return tuple(written)
