"""Two processes write the same folder at the same time, again and again.

Started as a script with what is written, an empty folder and a number of rounds;
prints what was seen.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import geopandas as gpd

import siteselect as ss
from siteselect.study import steps
from siteselect.whole_folder import whole_folder

Writer = Callable[[int, Path], object]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def files(folder: Path) -> Writer:
    """Many small files that say who wrote them: the moving is what takes time."""

    def write(which: int, out: Path) -> None:
        with whole_folder(out, last="f00.txt") as part:
            (part / "below").mkdir()
            for k in range(60):
                (part / f"f{k:02d}.txt").write_text(str(which))
                (part / "below" / f"f{k:02d}.txt").write_text(str(which))

    return write


def run(folder: Path) -> Writer:
    """A study by `run`; what comes before the writing leaves no trace."""
    study = ss.Study.read(folder / "simple.toml")
    plain = {"files": ["sites.csv", "sites.gpkg", "eligibility.csv"], "report": False}
    studies = [
        replace(study, outputs=plain, plan={**study.plan, "power_mw": [200, most]})
        for most in (300, 600)
    ]
    made = steps.walk(studies[0].to_dict(), folder)
    plans = [steps.plan_of(one.to_dict(), made) for one in studies]

    def write(which: int, out: Path) -> None:
        with (
            mock.patch.object(steps, "walk", return_value=made),
            mock.patch.object(steps, "plan_of", return_value=plans[which]),
        ):
            studies[which].run(out)

    return write


def report(folder: Path) -> Writer:
    """A plan by `plan.report`."""
    sites = gpd.GeoDataFrame(
        {"score": [0.9, 0.8, 0.7], "capacity_mw": 100.0},
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 32, 33]),
        crs=4326,
    )
    plans = [
        ss.optimize_sites(sites, power_mw=(mw, mw), site_mw=[100]) for mw in (100, 200)
    ]

    def write(which: int, out: Path) -> None:
        plans[which].report(out, alternatives=which, importance=False)

    return write


def main(what: str, folder: Path, rounds: int) -> None:
    """Let two processes write ``rounds`` times; count who won, and what is mixed."""
    write = {"files": files, "run": run, "report": report}[what](folder)
    alone = []
    for which in (0, 1):
        write(which, folder / "alone" / str(which))
        alone.append(contents(folder / "alone" / str(which)))
    # A run tells of its own folder, so what it leaves is compared in one place.
    place = folder / "together"
    place.mkdir()
    out = place / "out"
    for which in (0, 1):
        write(which, out)
        alone[which] = contents(out)
    seen = {"won": [0, 0], "mixed": [], "failed": 0, "left": []}
    for k in range(rounds):
        if k % 4 == 0:
            # Now and then there is no folder yet.
            out.rename(place / f"earlier{k}")
        ready, go = os.pipe()
        children = []
        for which in (0, 1):
            child = os.fork()
            if child == 0:
                os.close(go)
                os.read(ready, 1)
                try:
                    write(which, out)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            children.append(child)
        os.close(ready)
        os.close(go)
        seen["failed"] += sum(os.waitpid(c, 0)[1] != 0 for c in children)
        found = contents(out)
        winners = [which for which in (0, 1) if is_whole(found, alone[which])]
        if winners:
            seen["won"][winners[0]] += 1
        else:
            seen["mixed"].append(k)
    seen["left"] = sorted(
        path.name for path in place.iterdir() if not path.name.startswith("earlier")
    )
    print(json.dumps(seen))


def is_whole(found: dict[str, bytes], one: dict[str, bytes]) -> bool:
    """Tell whether a folder holds all files of one writer, as it wrote them."""
    return all(found.get(name) == content for name, content in one.items())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
