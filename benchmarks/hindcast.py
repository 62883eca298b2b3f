"""The presets held against campuses that are known, county by county.

``python benchmarks/hindcast.py`` scores a grid over the contiguous US by each
preset, takes the mean over each county, and asks how the counties with a campus
in ``known_campuses.csv`` stand among the others. ``--write`` puts the tables
into ``docs/pages/known_sites.md``. What is done was settled before it was run:
the county's mean, deciles of population, no exclusions. No weight or bound of a
preset was chosen by these campuses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

import siteselect as ss
from siteselect.layers import spatial

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "pages" / "known_sites.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
PRESETS = ("training", "inference")
PEOPLE, SUBSTATION = "population within 50 km", "nearness to a substation"
AGAINST = {
    "land": "random land",
    "state": "same state",
    "population": "as many people",
}


def known() -> pd.DataFrame:
    """Return the campuses, one row each."""
    return pd.read_csv(HERE / "known_campuses.csv", dtype=str)


def counties_scored(spacing_km: float) -> tuple[gpd.GeoDataFrame, list]:
    """Return counties with the mean of each preset and of each plain factor."""
    area = ss.datasets.region("CONUS")
    layers = ss.datasets.load_all(area)
    counties = layers["counties"].set_index("county")
    counties = counties[counties.intersects(area.union_all())]
    grid = ss.grid_candidates(area, spacing_km=spacing_km).to_crs(4326)
    # A county may lie between the points of a grid: its own point is added.
    places = np.concatenate([grid.geometry, spatial.points_of(counties)])
    points = gpd.GeoDataFrame(geometry=places, crs=4326)
    holds = spatial.containing(points, counties)
    figures = pd.DataFrame(index=points.index)
    scored = {}
    for preset in PRESETS:
        criteria = getattr(ss.presets, preset)(layers)
        scored[preset] = ss.score_sites(points, criteria)
        figures[preset] = scored[preset]["score"]
    people = ss.Within(
        layers["population_points"], radius_km=50, sum="population", skip_missing=True
    )
    figures[PEOPLE] = people(points)
    figures[SUBSTATION] = -ss.Nearest(layers["substations"])(points)
    inside = figures[holds >= 0].groupby(holds[holds >= 0])
    means = inside.mean()
    # A mean over less than half of a county's points is not the county's.
    means = means.where(inside.count().ge(0.5 * inside.size().to_numpy()[:, None]))
    means.index = counties.index[means.index]
    return counties.join(means), [scored, holds]


def audited(counties: gpd.GeoDataFrame, parts: list, preset: str, held: list) -> object:
    """Return which criteria of a preset earn their place, on county means."""
    scored, holds = parts[0][preset], parts[1]
    told = scored.attrs["siteselect"]["criteria"]
    names = [item["name"] for item in told]
    columns = [f"{n}_{part}" for n in names for part in ("raw", "value")]
    known_rows = scored[holds >= 0]
    means = known_rows[columns].groupby(holds[holds >= 0]).mean()
    means.index = counties.index[means.index]
    frame = counties[["geometry", "state"]].join(means)
    values = frame[[f"{n}_value" for n in names]].to_numpy()
    frame["score"] = values @ np.array([item["weight"] for item in told])
    frame.attrs = scored.attrs
    frame["excluded_by"] = ""
    return ss.audit_criteria(frame, held)


def lines(spacing_km: float) -> list[str]:
    """Return the measured tables as Markdown, and what they say."""
    campuses = known()
    counties, parts = counties_scored(spacing_km)
    held = campuses["county"].tolist()
    by_operator = campuses["operator"].value_counts().items()
    out = [
        f"{len(campuses)} campuses in {campuses['county'].nunique()} counties "
        f"({', '.join(f'{n} {o}' for o, n in by_operator)}), "
        f"among {len(counties):,} counties of the contiguous US; means over points "
        f"{spacing_km:g} km apart; 95 % intervals in brackets.\n",
        "| scored by | against | AUC | in the best 5 % of land | in the best 20 % |",
        "|---|---|---|---|---|",
    ]
    verdicts = []
    for preset in PRESETS:
        found = ss.evaluate(
            counties,
            held,
            score=preset,
            baselines={PEOPLE: PEOPLE, SUBSTATION: SUBSTATION},
            population=PEOPLE,
            best_percent=(5, 20),
        )
        for (factor, background), row in found.table.iterrows():
            if factor != "score" and preset != PRESETS[0]:
                continue
            name = f"preset `{preset}`" if factor == "score" else factor
            shares = [
                f"{100 * s['share']:.0f} % "
                f"({100 * s['share_low']:.0f}–{100 * s['share_high']:.0f})"
                for _, s in found.shares.loc[(factor, background)].iterrows()
            ]
            auc = f"{row['auc']:.2f} ({row['auc_low']:.2f}–{row['auc_high']:.2f})"
            out.append(
                f"| {name} | {AGAINST[background]} | {auc} | {' | '.join(shares)} |"
            )
        for factor in (PEOPLE, SUBSTATION):
            for background, row in found.table.loc[factor].iterrows():
                low, high = row["score_ahead_low"], row["score_ahead_high"]
                word = "win" if low > 0 else "loss" if high < 0 else "undecided"
                verdicts.append(
                    f"| `{preset}` | {factor} | {AGAINST[background]} | "
                    f"{row['score_ahead']:+.2f} ({low:+.2f} to {high:+.2f}) | {word} |"
                )
    out += [
        "",
        "AUC of the preset less that of the plain factor, on the same campuses:\n",
        "| preset | beside | against | ahead by | |",
        "|---|---|---|---|---|",
        *verdicts,
        "",
        "Criteria, shuffled over the counties or left out one by one (loss of AUC):\n",
        "| preset | criterion | weight | AUC alone | loss when shuffled "
        "| when left out | |",
        "|---|---|---|---|---|---|---|",
    ]
    for preset in PRESETS:
        for name, row in audited(counties, parts, preset, held).table.iterrows():
            ends, ends_out = (
                f"{row[f'{what}_low']:+.3f} to {row[f'{what}_high']:+.3f}"
                for what in ("loss", "gain")
            )
            out.append(
                f"| `{preset}` | {name} | {row['weight']:.2f} | "
                f"{row['auc_alone']:.2f} | {row['loss']:+.3f} ({ends}) | "
                f"{row['gain']:+.3f} ({ends_out}) | "
                f"{row['verdict']} |"
            )
    return out


def main() -> None:
    """Measure, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spacing-km", type=float, default=20.0)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    text = "\n".join(lines(asked.spacing_km)) + "\n"
    print(text)
    if asked.write:
        page = PAGE.read_text("utf-8")
        head, rest = page.split(BEGIN)
        tail = rest.split(END)[1]
        PAGE.write_text(head + BEGIN + "\n" + text + "\n" + END + tail, "utf-8")


if __name__ == "__main__":
    main()
