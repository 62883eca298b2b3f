"""A whole study in one call: the bundled one behind ``siteselect demo``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from siteselect.errors import StudyError, four_parts
from siteselect.infrastructure import prepare
from siteselect.layers import datasets
from siteselect.suitability import (
    Where,
    eligibility,
    grid_candidates,
    presets,
    score_sites,
)

if TYPE_CHECKING:
    from siteselect.optimization import SitePlan

#: The bundled study asks for this much; every figure is the study's own choice.
POWER_MW = 3000.0
BUDGET_USD = 29e9
SITE_MW = (100, 200, 300, 500)
SPACING_KM = 100.0
MAX_CARBON_KG_PER_MWH = 350.0
MIN_STATES = 4
MAX_STATE_SHARE = 0.35
#: 1,000 people per square mile, the density of an urban area's core in the Census
#: Bureau's 2010 criteria (76 FR 53030, 2011).
DENSE_PER_KM2 = 386.0
NO_RESIDENTS_PER_KM2 = 1e-9
COUNTED = ("eligible", "excluded", "no_capacity", "unknown")


@dataclass(frozen=True, eq=False)
class Study:
    """What a study leaves behind.

    Parameters
    ----------
    plan : SitePlan
        The chosen search areas and the proof.
    survival : pandas.DataFrame
        How often each pick survived when weights and uncertain layers were
        shaken; one row per chosen site.
    eligibility : pandas.DataFrame
        Candidates by state: eligible, excluded, unknown.
    written : tuple of pathlib.Path
        Files written.
    seconds : mapping of str to float
        Step to wall time [s].
    """

    plan: SitePlan
    survival: pd.DataFrame
    eligibility: pd.DataFrame
    written: tuple[Path, ...]
    seconds: Mapping[str, float]

    def summary(self) -> str:
        """Return the page a reader meets first, as plain text.

        Returns
        -------
        str
            The chosen search areas with reasons, the proof, the weight on each
            kind of evidence, the survival of each pick, what was not checked and
            what was written.
        """
        from siteselect.reporting import study_text

        return study_text(self.plan, self.survival, self.written, self.eligibility)


def bundled_study(
    out: str | Path,
    *,
    spacing_km: float = 20.0,
    resolves: int = 50,
    progress: Callable[[str], object] | None = None,
) -> Study:
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
    Study

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
    from siteselect.optimization import Average, Limit, Spacing, Spread, optimize_sites

    if resolves < 0:
        raise StudyError(
            four_parts(
                f"the bundled study was asked for {resolves} re-solves",
                "a negative number was found",
                "whole numbers from 0",
                "bundled_study('out/demo', resolves=50)",
            )
        )
    say = progress or (lambda line: None)
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[list[str]]:
        """Time a step and print one line for it."""
        start = time.perf_counter()
        told: list[str] = []
        yield told
        seconds[name] = time.perf_counter() - start
        say(f"{name:<10} {seconds[name]:5.1f} s  {'; '.join(told)}")

    with step("layers") as told:
        area = datasets.region("CONUS")
        layers = datasets.load_all(area)
        told.append(f"{len(layers)} bundled layers of the contiguous US")
    with step("candidates") as told:
        sites = grid_candidates(area, spacing_km=spacing_km)
        told.append(f"{len(sites):,} cells of {spacing_km:g} km")
    with step("prepare") as told:
        before = len(sites.columns)
        sites = prepare(sites, layers)
        told.append(
            f"{len(sites.columns) - before} columns: grid, climate, water, carbon, cost"
        )
    with step("score") as told:
        criteria = presets.training(layers)
        rules = [
            *(r for r in presets.exclusions(layers) if r.name in {"lake", "airport"}),
            # By ZIP areas spread over their own size, not by their centers alone.
            Where(
                "population_per_km2", below=NO_RESIDENTS_PER_KM2, name="no residents"
            ),
            Where("population_per_km2", above=DENSE_PER_KM2, name="dense urban"),
        ]
        scored = score_sites(sites, criteria, exclude=rules)
        counts = eligibility(scored, by="state")
        every = counts.loc["all", list(COUNTED)].astype(int)
        worst = counts.drop(index="all")["unknown_share"].max()
        told.append(f"{len(criteria)} criteria, {len(rules)} exclusions")
        told.append(f"{every['eligible']:,} eligible, {every['excluded']:,} excluded")
        told.append(f"{every['no_capacity']:,} without capacity")
        told.append(f"{every['unknown']:,} unknown, at most {worst:.1%} of any state")
    with step("optimize") as told:
        plan = optimize_sites(
            scored,
            power_mw=(POWER_MW, POWER_MW),
            budget_usd=BUDGET_USD,
            site_mw=list(SITE_MW),
            limits=[
                Limit(
                    "substation headroom",
                    per_mw=1,
                    by="substation",
                    at_most="headroom_mw",
                ),
                Limit(
                    "county water",
                    per_mw="water_m3_per_mw_year",
                    by="county",
                    at_most="water_available_m3_per_year",
                ),
                Average("carbon", "carbon_kg_per_mwh", at_most=MAX_CARBON_KG_PER_MWH),
                Spread(
                    "states", by="state", at_least=MIN_STATES, max_share=MAX_STATE_SHARE
                ),
                Spacing(km=SPACING_KM),
            ],
        )
        told.append(f"{plan.status} for these inputs, gap {plan.gap:.2g}")
        told.append(f"{len(plan.sites)} search areas, {plan.total_mw:,.0f} MW")
    with step("verify") as told:
        told.append(f"{len(plan.verify())} checks hold, redone from the frame")
    survival = pd.DataFrame(index=plan.sites.index)
    if resolves:
        with step("survival") as told:
            survival = plan.survival(criteria, n=resolves)
            told.append(f"{resolves} re-solves with weights and layers shaken")
    with step("write") as told:
        written = write_study(plan, survival, counts, Path(out))
        told.append(", ".join(path.name for path in written))
    return Study(plan, survival, counts, written, seconds)


def write_study(
    plan: SitePlan, survival: pd.DataFrame, counts: pd.DataFrame, folder: Path
) -> tuple[Path, ...]:
    """Write map, sites and proof of a study; each file whole or not at all.

    Parameters
    ----------
    plan : SitePlan
        The plan.
    survival : pandas.DataFrame
        One row per chosen site; its columns join the site table.
    counts : pandas.DataFrame
        Eligibility by state and criterion.
    folder : pathlib.Path
        Made if missing.

    Returns
    -------
    tuple of pathlib.Path
        The files written.
    """
    from siteselect.reporting import (
        plot_plan,
        to_csv_text,
        write_map,
        write_plan,
        write_text,
    )

    folder.mkdir(parents=True, exist_ok=True)
    joined = plan
    if len(survival.columns):
        joined = replace(plan, sites=plan.sites.join(survival))
    return (
        write_map(plot_plan(plan), folder / "map.png"),
        write_plan(joined, folder / "sites.gpkg"),
        write_plan(joined, folder / "sites.csv"),
        write_plan(joined, folder / "plan.json"),
        write_text(folder / "eligibility.csv", to_csv_text(counts)),
    )
