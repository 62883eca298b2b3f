"""Where the numbers of a plan come from, so that they can be made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteselect.study.file_parts import ADDRESS, parts_of
from siteselect.study.sources import profile_files

if TYPE_CHECKING:
    from siteselect.optimization import SitePlan

#: The format of a plan that carries its study.
FORMAT = "siteselect plan 2"

__all__ = [
    "FORMAT",
    "digest_of",
    "file_digests",
    "input_digests",
    "plan_record_of",
    "plan_text",
]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def input_digests(record: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the fingerprint of every file that a study reads.

    Parameters
    ----------
    record : mapping
        The study.
    folder : pathlib.Path
        Where its files are.

    Returns
    -------
    dict of str to str
        ``bundle/...`` for the library's data, and ``file/...`` by the name that the
        study gives, with those that belong to it or that it points to in brackets. A
        file that is gone, or an address, is told as such.
    """
    from siteselect.layers import datasets

    bundle = datasets._folder()
    found = {
        f"bundle/{path.name}": sha256(path)
        for path in sorted(bundle.iterdir())
        if path.suffix in (".parquet", ".tif", ".toml")
    }
    for name in sorted(own_files(record)):
        if "://" in name:
            found[f"file/{name}"] = ADDRESS
            continue
        for part, path in parts_of(folder / name).items():
            told = f"file/{name} ({part})" if part else f"file/{name}"
            found[told] = path if isinstance(path, str) else sha256(path)
    return found


def own_files(record: Mapping[str, Any]) -> set[str]:
    """Return the names of the files that a study reads."""
    # A plan from elsewhere may hold anything here; it is checked as a study later.
    profiles = _table(_table(record.get("supply")).get("profiles"))
    entries = [record.get("candidates"), *_table(record.get("layers")).values()]
    names = [e if isinstance(e, str) else _table(e).get("file") for e in entries]
    for entry in profiles.values():
        if isinstance(entry, (str, list, Mapping)):
            names += profile_files(entry)
    return {name for name in names if isinstance(name, str) and name}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def file_digests(folder: Path, without: str) -> dict[str, str]:
    """Return the fingerprint of every file in a folder but one."""
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / without
    }


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the fingerprint of a record, its own left out."""
    rest = {key: record[key] for key in record if key != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plan_record_of(
    plan: SitePlan,
    study: Mapping[str, Any],
    inputs: Mapping[str, str],
    checks: pd.DataFrame,
) -> dict[str, Any]:
    """Return everything of `plan.json` that is worked out from the inputs."""
    from siteselect.optimization.rebuilt import chosen_columns
    from siteselect.reporting import plan_record
    from siteselect.reporting.files import plain

    request = plan.compiled.request
    record = plan_record(plan, inputs)
    record["format"] = FORMAT
    record["study"] = plain(study)
    record["options"] = plain(
        {
            "solver": request.solver,
            "gap": request.gap,
            "time_limit_s": request.time_limit_s,
            "method": request.method,
        }
    )
    record["seed"] = {
        "solver": 0,
        "survival": study.get("outputs", {}).get("rng", 0),
    }
    record["verification"] = plain(checks)
    # What was proven is searched for again; what was not must be told in full.
    if plan.status != "optimal":
        record["solution"] = plain(chosen_columns(plan))
    return record


def plan_text(
    plan: SitePlan,
    study: Mapping[str, Any],
    inputs: Mapping[str, str],
    checks: pd.DataFrame,
    written: Path,
    folder: Path,
    out: Path,
) -> str:
    """Return the text of `plan.json`, which tells of all other files as well.

    Parameters
    ----------
    plan : SitePlan
        The plan with its survival.
    study : mapping
        The study as plain values.
    inputs : mapping of str to str
        From `input_digests`.
    checks : pandas.DataFrame
        From ``plan.verify()``.
    written : pathlib.Path
        Folder with the other files.
    folder, out : pathlib.Path
        Where the study's files are, and where the plan will be; the way from one to
        the other is kept, so that both can be moved together.

    Returns
    -------
    str
        JSON.
    """
    from siteselect.reporting.files import to_json_text

    record = plan_record_of(plan, study, inputs, checks)
    record["files"] = file_digests(written, without="plan.json")
    # Only where a file of one's own is read: the same plan has the same bytes anywhere.
    own = own_files(study)
    record["folder"] = (
        Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix() if own else ""
    )
    record["digest"] = digest_of(json.loads(to_json_text(record)))
    return to_json_text(record)
