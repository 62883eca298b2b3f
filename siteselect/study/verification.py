"""A plan that was written, worked out again from its study's own inputs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteselect.errors import SiteSelectError, StudyError, four_parts, said, shown
from siteselect.study import provenance, steps
from siteselect.study.description import Study
from siteselect.study.file_parts import MISSING
from siteselect.study.result import PLAN, joined, survival_of, write_report

if TYPE_CHECKING:
    from siteselect.optimization import SitePlan

#: What is not worked out from the inputs, or is compared by itself.
_APART = ("digest", "files", "folder", "inputs", "options", "seed", "study", "versions")
#: What a search that was stopped, or other versions, may find otherwise.
_OF_THE_SEARCH = ("bound", "gap", "notes", "price", "solver", "status", "verification")
#: What only the search tells, where its solution is put together again.
_NOT_REBUILT = ("notes", "price")
#: What a plan must tell to be worked out again.
_NEEDED = (
    "bound",
    "inputs",
    "objective",
    "sites",
    "solver",
    "status",
    "study",
    "versions",
)
#: What each part of a plan is, where it matters before anything is compared.
_KINDS: dict[str, Callable[[Any], bool]] = {
    "bound": lambda v: v is None or _is_number(v),
    "gap": lambda v: v is None or _is_number(v),
    "objective": lambda v: _is_number(v),
    "status": lambda v: isinstance(v, str),
    "solver": lambda v: isinstance(v, str),
    "folder": lambda v: isinstance(v, str),
    "sites": lambda v: isinstance(v, list) and all(isinstance(s, dict) for s in v),
    "study": lambda v: isinstance(v, dict),
    **dict.fromkeys(
        ("inputs", "files", "versions"),
        lambda v: isinstance(v, dict) and all(isinstance(s, str) for s in v.values()),
    ),
}
#: How far a number may be off, with the same versions and with others.
_SAME, _OTHER = 1e-9, 1e-6

__all__ = ["Verification", "report_folder", "verify_folder"]


@dataclass(frozen=True, eq=False)
class Verification:
    """What became of a plan that was worked out again.

    Parameters
    ----------
    checks : pandas.DataFrame
        ``check``, ``passed`` and ``found``, one row per check.
    notes : tuple of str
        What could not be checked, and what differs without being wrong.
    """

    checks: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return bool(self.checks["passed"].all())

    def summary(self) -> str:
        """Return the checks as text, those that fail with what was found."""
        from siteselect.layers.cards import printable

        lines = []
        for check, passed, found in self.checks.itertuples(index=False):
            line = f"{'ok     ' if passed else 'CHANGED'}  {check}"
            lines.append(f"{line}: {found}" if found else line)
        lines += [f"note     {note}" for note in self.notes]
        # Names of columns and files are anyone's; a terminal shall not act on them.
        lines = [printable(line) for line in lines]
        lines.append("The plan holds." if self.passed else "The plan does not hold.")
        return "\n".join(lines)


def verify_folder(
    place: Path,
    *,
    folder: Path | None = None,
    progress: Callable[[str], object] | None = None,
) -> Verification:
    """Work a plan out again and compare every number and every input.

    Parameters
    ----------
    place : pathlib.Path
        Folder with ``plan.json``, as a study wrote it, or that file.
    folder : pathlib.Path, optional
        Where the study's own files are; by default where they were, seen from the
        plan.
    progress : callable, optional
        Called with one line of text per step.

    Returns
    -------
    Verification

    Raises
    ------
    StudyError
        There is no such plan.

    Notes
    -----
    A plan that was proven is searched for again. One that was stopped is not: its
    solution is read from the file, and all that follows from it is worked out.
    """
    from siteselect.optimization.plan import relative_gap

    place, then = read_plan(place)
    checks: list[tuple[str, bool, str]] = []

    def say(check: str, wrong: list[str]) -> None:
        checks.append((check, not wrong, shown(wrong, 8)))

    digest = provenance.digest_of(then)
    is_edited = digest != then.get("digest")
    say("plan.json is as it was written", ["it was edited"] * is_edited)
    files = provenance.file_digests(place, without=PLAN)
    say("files are as they were written", _changed(then.get("files", {}), files))
    study_folder = folder or place / then.get("folder", "")
    now_inputs = provenance.input_digests(then["study"], study_folder)
    then_inputs = _without_frames(then["inputs"])
    added = [k for k in now_inputs if k.startswith("file/") and k not in then_inputs]
    other = _changed(then_inputs, now_inputs) + [f"{name} is new" for name in added]
    say("inputs are the same", other)
    versions = _version_notes(then)
    notes = list(versions)
    try:
        now = _again(then, study_folder, now_inputs, progress).record
    except SiteSelectError as error:
        say("the plan can be worked out again", [str(error)])
        return _verification(checks, notes)
    say("the plan can be worked out again", [])
    is_proven = then["status"] == "optimal"
    if not is_proven:
        notes.append(
            "the search was stopped: what it found is checked, its bound "
            f"({_known(then['bound']):,.6g}) is not worked out again"
        )
    gap = relative_gap(_known(then["bound"]), then["objective"])
    told = _known(then.get("gap"))
    said_gap = [f"{told:g} then, {gap:g} now"]
    say("gap follows from bound", said_gap * (not _is_same(told, gap, _SAME)))
    skip = set(_APART) | (set() if is_proven else set(_NOT_REBUILT))
    has_other_versions = bool(versions)
    tolerance = _OTHER if has_other_versions else _SAME
    if has_other_versions:
        skip |= set(_OF_THE_SEARCH)
    fingerprint = {"candidates": then["inputs"].get("candidates")}
    same = {"candidates": now["inputs"].get("candidates")}
    if not has_other_versions:
        say("candidates have the same fingerprint", _changed(fingerprint, same))
    parts = [key for key in {**then, **now} if key not in skip]
    for part in parts:
        wrong = _differences(then.get(part), now.get(part), part, skip, tolerance)
        say(f"{part.replace('_', ' ')}", list(wrong))
    return _verification(checks, notes)


def report_folder(
    place: Path,
    out: Path | None = None,
    *,
    folder: Path | None = None,
    units: str | None = None,
    robustness: bool = False,
    progress: Callable[[str], object] | None = None,
) -> tuple[Path, ...]:
    """Write the report of a plan that was written, worked out again.

    Parameters
    ----------
    place : pathlib.Path
        Folder with ``plan.json``.
    out : pathlib.Path, optional
        Folder to write to; ``report`` beside the plan by default.
    folder : pathlib.Path, optional
        Where the study's own files are.
    units : {"si", "us"}, optional
        Units of the page; by default those under [outputs] of the study.
    robustness : bool, default False
        Whether to solve again with the study's criteria shaken, 50 times or as often
        as its ``survival`` says; a study that asks for that has it in any case.
    progress : callable, optional
        Called with one line of text per step.

    Returns
    -------
    tuple of pathlib.Path
        The files written.

    Raises
    ------
    StudyError
        There is no such plan, or it comes out otherwise today.
    """
    from siteselect.whole_folder import whole_folder

    place, then = read_plan(place)
    study_folder = folder or place / then.get("folder", "")
    inputs = provenance.input_digests(then["study"], study_folder)
    again = _again(then, study_folder, inputs, progress)
    now_sites = again.record["sites"]
    wrong = list(_differences(then["sites"], now_sites, "sites", {"why"}, _OTHER))
    if wrong:
        raise StudyError(
            four_parts(
                f"The report of {place} was asked for",
                f"found that the plan comes out otherwise now: {shown(wrong)}",
                "allowed is a plan whose inputs are what they were",
                f"see what has changed: siteselect verify {place}",
            )
        )
    target = out or place / "report"
    asked, shaken = then["study"].get("outputs", {}), again.survival
    if robustness and not len(shaken.columns):
        with steps.Timer(progress).step("survival") as told:
            criteria = again.made.scoring.weighted
            shaken = again.plan.survival(criteria, rng=asked.get("rng", 0))
            told.append("50 re-solves with weights and layers shaken")
    with whole_folder(target, last="report.html") as part:
        write_report(again.plan, shaken, asked, part, units)
        names = sorted(p.relative_to(part) for p in part.rglob("*") if p.is_file())
    return tuple(target / name for name in names)


def read_plan(place: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a plan and what its file holds."""
    folder = place.parent if place.name == PLAN else place
    path = folder / PLAN
    try:
        record = json.loads(path.read_text("utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or f"it is no JSON: {error}"
        raise StudyError(
            four_parts(
                f"The plan of {folder} was asked for",
                f"found of {path} that {str(why)[0].lower()}{str(why)[1:]}",
                "allowed is a folder that a study was written to",
                "write one: siteselect run study.toml --out here",
            )
        ) from error
    found = record.get("format") if isinstance(record, dict) else None
    if found != provenance.FORMAT or any(key not in record for key in _NEEDED):
        raise StudyError(
            four_parts(
                f"The plan of {folder} was asked for",
                f"found the format {said(found)}",
                f"allowed is {provenance.FORMAT!r}, with the study that made it",
                "write it again: siteselect run study.toml",
            )
        )
    wrong = [
        f"{key} is {said(record[key])}"
        for key, kind in _KINDS.items()
        if key in record and not kind(record[key])
    ]
    if wrong:
        raise StudyError(
            four_parts(
                f"The plan of {folder} was asked for",
                f"found that {shown(wrong)}",
                "needed are texts, numbers and tables where a plan has them",
                "write it again: siteselect run study.toml",
            )
        )
    if record["status"] != "optimal" and not _is_solution(record.get("solution")):
        raise StudyError(
            four_parts(
                f"The plan of {folder} was asked for",
                "found a search that was stopped, without the solution it had",
                "needed is a list 'solution' of column, at and amount",
                "write it again: siteselect run study.toml",
            )
        )
    return folder, record


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _is_number(value: Any) -> bool:
    """Return whether a float holds it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def _known(value: float | None) -> float:
    """Return a bound or a gap; a search that had none yet wrote none."""
    return math.inf if value is None else value


def _is_solution(found: Any) -> bool:
    """Return whether something of a file is a list of columns with their amounts."""
    return isinstance(found, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("column"), str)
        and isinstance(one.get("at"), int)
        and one["at"] >= 0
        and isinstance(one.get("amount"), (int, float))
        for one in found
    )


@dataclass(frozen=True, eq=False)
class _Again:
    """A plan worked out again, with what it was made from and what became of it."""

    made: steps.Walk
    plan: SitePlan
    survival: pd.DataFrame
    record: dict[str, Any]


def _again(
    then: Mapping[str, Any],
    folder: Path,
    inputs: Mapping[str, str],
    progress: Callable[[str], object] | None,
) -> _Again:
    """Work a plan out again."""
    from siteselect.reporting.files import to_json_text

    study = Study.from_dict(then["study"], folder=folder)
    record, timer = study.to_dict(), steps.Timer(progress)
    made = steps.walk(record, folder, timer)
    with timer.step("optimize"):
        if then["status"] == "optimal":
            plan = steps.plan_of(record, made, time_limit_s=None)
        else:
            found_then = {**then, "bound": _known(then["bound"])}
            plan = steps.plan_as_found(record, made, found_then)
    with timer.step("verify"):
        checks = plan.verify()
    survival = survival_of(record, made, plan, timer)
    now = provenance.plan_record_of(joined(plan, survival), record, inputs, checks)
    return _Again(made, plan, survival, json.loads(to_json_text(now)))


def _verification(
    checks: list[tuple[str, bool, str]], notes: list[str]
) -> Verification:
    table = pd.DataFrame(checks, columns=["check", "passed", "found"])
    return Verification(table, tuple(notes))


def _without_frames(inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the fingerprints of files, without those of frames."""
    return {k: v for k, v in inputs.items() if k.startswith(("bundle/", "file/"))}


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say which names are gone or hold something else."""
    return [
        f"{name} {'is gone' if now.get(name, MISSING) == MISSING else 'has changed'}"
        for name in then
        if now.get(name) != then[name]
    ]


def _version_notes(then: Mapping[str, Any]) -> list[str]:
    from siteselect.reporting import versions

    now = versions()
    other = [
        f"{name} {version} -> {now.get(name, 'none')}"
        for name, version in then["versions"].items()
        if now.get(name) != version
    ]
    return [f"other versions: {shown(other, 12)}"] if other else []


def _differences(
    then: Any, now: Any, where: str, skip: set[str], tolerance: float
) -> Iterator[str]:
    """Walk over two records and say where they differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**then, **now}:
            if key not in skip:
                inner = f"{where}, {key}"
                yield from _differences(
                    then.get(key), now.get(key), inner, skip, tolerance
                )
    elif isinstance(then, list) and isinstance(now, list):
        if len(then) != len(now):
            yield f"{where}: {len(then)} then, {len(now)} now"
            return
        for i, (a, b) in enumerate(zip(then, now, strict=True), start=1):
            name = a.get("site") or a.get("limit") if isinstance(a, dict) else None
            yield from _differences(a, b, f"{where} {name or i}", skip, tolerance)
    elif not _is_same(then, now, tolerance):
        yield f"{where}: {said(then)} then, {said(now)} now"


def _is_same(then: Any, now: Any, tolerance: float) -> bool:
    if (_is_number(then) or then == math.inf) and isinstance(now, (int, float)):
        return math.isclose(then, now, rel_tol=tolerance, abs_tol=tolerance)
    return bool(then == now)
