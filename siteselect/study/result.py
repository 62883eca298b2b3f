"""What a study leaves behind, and the run that makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteselect.study import provenance, steps
from siteselect.suitability import eligibility
from siteselect.whole_folder import check_folder, whole_folder

if TYPE_CHECKING:
    from siteselect.optimization import SitePlan
    from siteselect.study.description import Study

#: What a study writes that asks for no files.
FILES = ("map.png", "sites.gpkg", "sites.csv", "eligibility.csv")
PLAN = "plan.json"

__all__ = ["FILES", "PLAN", "StudyResult", "run_study", "write_report"]


@dataclass(frozen=True, eq=False)
class StudyResult:
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

    Examples
    --------
    >>> import siteselect as ss
    >>> study = ss.Study(
    ...     area="Rhode Island",
    ...     candidates={"spacing_km": 20},
    ...     prepare=True,
    ...     preset="training",
    ...     plan={"power_mw": [50, 50], "site_mw": [50]},
    ... )
    >>> made = study.run("out")
    >>> made.was_stopped, "search area" in made.summary()
    (False, True)
    """

    plan: SitePlan
    survival: pd.DataFrame
    eligibility: pd.DataFrame
    written: tuple[Path, ...]
    seconds: Mapping[str, float]

    @property
    def was_stopped(self) -> bool:
        """Whether Ctrl-C ended the search, so that a better plan may exist."""
        return any("Ctrl-C" in note for note in self.plan.notes)

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


def run_study(
    study: Study, out: Path, *, progress: Callable[[str], object] | None = None
) -> StudyResult:
    """Choose sites and write what a study asks for; see `Study.run`.

    Parameters
    ----------
    study : Study
        The study.
    out : pathlib.Path
        Folder to write to.
    progress : callable, optional
        Called with one line of text per step.

    Returns
    -------
    StudyResult
    """
    from siteselect.reporting.plan_like import noun

    record, folder = study.to_dict(), Path(study.folder)
    timer = steps.Timer(progress)
    check_folder(out)
    # Before anything is read: what changes while the study runs was not its input.
    inputs = provenance.input_digests(record, folder)
    made = steps.walk(record, folder, timer)
    with timer.step("optimize") as told, study._placed():
        plan = steps.plan_of(record, made)
        told.append(f"{plan.status} for these inputs, gap {plan.gap:.2g}")
        word = noun(plan.candidates, len(plan.sites))
        told.append(f"{len(plan.sites)} {word}, {plan.total_mw:,.0f} MW")
    with timer.step("verify") as told:
        checks = plan.verify()
        told.append(f"{len(checks)} checks hold, redone from the frame")
    survival = survival_of(record, made, plan, timer)
    frame = plan.candidates
    counts = eligibility(frame, by="state" if "state" in frame else None)
    with timer.step("write") as told:
        with whole_folder(out, last=PLAN) as part:
            _write(record, plan, survival, counts, part)
            about = provenance.plan_text(
                joined(plan, survival), record, inputs, checks, part, folder, out
            )
            (part / PLAN).write_text(about, "utf-8")
            names = sorted(p.relative_to(part) for p in part.rglob("*") if p.is_file())
        told.append(", ".join(_shown(names)))
    written = tuple(out / name for name in names)
    return StudyResult(plan, survival, counts, written, timer.seconds)


def _shown(names: list[Path]) -> list[str]:
    """Name files, and folders in place of all that is in them."""
    return list(dict.fromkeys(name.parts[0] for name in names))


def survival_of(
    record: Mapping[str, Any], made: steps.Walk, plan: SitePlan, timer: steps.Timer
) -> pd.DataFrame:
    """Return how often each pick survives; no columns where it is not asked."""
    asked = record.get("outputs", {})
    resolves = asked.get("survival", 0)
    # Who stopped the search does not want to wait for fifty more of them.
    if not resolves or any("Ctrl-C" in note for note in plan.notes):
        return pd.DataFrame(index=plan.sites.index)
    with timer.step("survival") as told:
        rng = asked.get("rng", 0)
        found: pd.DataFrame = plan.survival(made.scoring.weighted, n=resolves, rng=rng)
        told.append(f"{resolves} re-solves with weights and layers shaken")
    return found


def joined(plan: SitePlan, survival: pd.DataFrame) -> SitePlan:
    """Return the plan with the survival of its sites in their table."""
    if not len(survival.columns):
        return plan
    return replace(plan, sites=plan.sites.join(survival))


def write_report(
    plan: SitePlan,
    survival: pd.DataFrame,
    asked: Mapping[str, Any],
    folder: Path,
    units: str | None = None,
) -> None:
    """Write the report of a study as [outputs] asks for it; ``units`` in its place."""
    plan.report(
        folder,
        robustness=survival if len(survival.columns) else None,
        units=units or asked.get("units", "si"),
        pages=asked.get("pages", "sites"),
    )


def _write(
    record: Mapping[str, Any],
    plan: SitePlan,
    survival: pd.DataFrame,
    counts: pd.DataFrame,
    folder: Path,
) -> None:
    """Write the files of a study but the last, which tells of them all."""
    from siteselect.reporting import plot_plan, to_csv_text, write_map, write_plan
    from siteselect.reporting.maps import close_figure
    from siteselect.study.form import MAPS

    whole, scored = joined(plan, survival), plan.candidates
    asked = record.get("outputs", {})
    for name in asked.get("files", FILES):
        target = folder / name
        if name == "eligibility.csv":
            target.write_text(to_csv_text(counts), "utf-8")
        elif name == "scored.csv":
            table = pd.DataFrame(scored.drop(columns=scored.geometry.name))
            target.write_text(to_csv_text(table), "utf-8")
        elif name == "scored.parquet":
            scored.to_parquet(target, index=True)
        elif target.suffix.lower() in MAPS:
            ax = plot_plan(plan)
            write_map(ax, target)
            # Left open it would be drawn once more, under the cell of a notebook.
            close_figure(ax)
        elif name != PLAN:
            write_plan(whole, target)
    if asked.get("report", False):
        write_report(plan, survival, asked, folder / "report")
    if asked.get("explorer", False):
        plan.explore(folder / "explorer.html")
