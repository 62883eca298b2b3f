"""What is run and killed: each command, and each function that writes.

A job has a name, a place where its files lie and two versions of them, so that old and
new can be told apart. Layers are read once, in the process that all others are forked
from: what is met is the work and the writing, not the reading.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import dask
import geopandas as gpd
import numpy as np
from study import worlds

import siteselect as ss
from siteselect import __main__ as command

MOST = (300, 600)


@dataclass(frozen=True)
class Job:
    """Something that is run in a folder of inputs.

    Parameters
    ----------
    name : str
        As in the table of what is covered.
    write : callable
        Takes the folder of the inputs, the place to write to and the version.
    is_command : bool
        It ends with a code and a message, as a command does.
    writes : bool
        Whether it leaves files.
    """

    name: str
    write: Callable[[Path, Path, int], object]
    is_command: bool = True
    writes: bool = True


def inputs(place: Path) -> Path:
    """Write the studies and the candidates that jobs start from."""
    worlds.folder(place)
    sites = candidates(400).rename(columns={"score": "acres"})
    ss.write_partitions(sites, place / "sites", rows=100)
    for version, most in enumerate(MOST):
        text = worlds.SIMPLE.replace("[200, 600]", f"[200, {most}]")
        text = text.replace("b = 600", f"b = {most}")
        (place / f"study{version}.toml").write_text(text, "utf-8")
    return place


@contextmanager
def read_once(area: str = "OR") -> Iterator[None]:
    """Read each layer once for all children."""
    load_all = ss.datasets.load_all
    layers, bounds = load_all(area), ss.datasets.region(area).total_bounds

    def once(near: gpd.GeoDataFrame, **options: object) -> dict[str, object]:
        # The demo is of the whole country.
        is_other = np.ptp(near.total_bounds[::2]) > 2 * np.ptp(bounds[::2])
        return load_all(near, **options) if is_other else layers

    with (
        mock.patch.object(ss.datasets, "load", functools.cache(ss.datasets.load)),
        mock.patch.object(ss.datasets, "load_all", once),
    ):
        yield


def call(*words: object) -> None:
    """Run the command in this process, as a shell would start it."""
    sys.argv = ["siteselect", *map(str, words)]
    command.main()


def _run(folder: Path, out: Path, version: int) -> None:
    call("run", folder / f"study{version}.toml", "--out", out / "run", "-q")


def _score(folder: Path, out: Path, version: int) -> None:
    call("score", folder / f"study{version}.toml", "--out", out / "score", "-q")


def _report(folder: Path, out: Path, version: int) -> None:
    call("report", folder / f"plan{version}", "--out", out / "report", "-q")


def _demo(folder: Path, out: Path, version: int) -> None:
    spacing = 150 + 50 * version
    call(
        *("demo", "--out", out / "demo", "--spacing-km", spacing),
        *("--resolves", 1, "-q"),
    )


def _new(folder: Path, out: Path, version: int) -> None:
    # The file tells of its own name alone: what was there before is the user's.
    path = out / "first.toml"
    if version:
        call("new", path, "--force", "-q")
    else:
        path.write_text("mine\n", "utf-8")


def _plan(version: int, n: int = 60) -> ss.SitePlan:
    return ss.optimize_sites(
        candidates(n), power_mw=(MOST[version], MOST[version]), site_mw=[100, 300]
    )


def candidates(n: int) -> gpd.GeoDataFrame:
    """Return candidates with a score."""
    rng = np.random.default_rng(n)
    sites = {"score": rng.uniform(size=n), "capacity_mw": 300.0}
    points = gpd.points_from_xy(rng.uniform(-103, -97, n), rng.uniform(30, 35, n))
    labels = [f"s{k:04d}" for k in range(n)]
    return gpd.GeoDataFrame(sites, geometry=points, crs=4326, index=labels)


def _plan_report(folder: Path, out: Path, version: int) -> None:
    _plan(version).report(out / "report", importance=False)


def _plan_explore(folder: Path, out: Path, version: int) -> None:
    _plan(version).explore(out / "map.html")


def _plan_files(folder: Path, out: Path, version: int) -> None:
    plan = _plan(version)
    for suffix in ("csv", "gpkg", "xlsx", "parquet", "geojson", "json", "shp"):
        plan.to_file(out / f"sites.{suffix}")


def _write_partitions(folder: Path, out: Path, version: int) -> None:
    sites = candidates(400).assign(version=version)
    ss.write_partitions(sites, out / "sites", rows=100, overwrite=True)


def _score_partitions(folder: Path, out: Path, version: int) -> None:
    criterion = ss.Criterion("room", ss.Column("acres"), ss.Rising(0, 1 + version))
    with dask.config.set(num_workers=2):
        ss.score_partitions(folder / "sites", criterion, out=out / "scored")


def _told(*words: str) -> Callable[[Path, Path, int], object]:
    def tell(folder: Path, out: Path, version: int) -> None:
        call(*(word.format(folder=folder, version=version) for word in words))

    return tell


JOBS = (
    Job("run", _run),
    Job("score", _score),
    Job("report", _report),
    Job("demo", _demo),
    Job("new", _new),
    Job("check", _told("check", "{folder}/study{version}.toml"), writes=False),
    Job("verify", _told("verify", "{folder}/plan{version}"), writes=False),
    Job("layers", _told("layers"), writes=False),
    Job("parameters", _told("parameters", "--json"), writes=False),
    Job("doctor", _told("doctor"), writes=False),
    Job("version", _told("version"), writes=False),
    Job("plan.report", _plan_report, is_command=False),
    Job("plan.explore", _plan_explore, is_command=False),
    Job("plan.to_file", _plan_files, is_command=False),
    Job("write_partitions", _write_partitions, is_command=False),
    Job("score_partitions", _score_partitions, is_command=False),
)
NAMED = {job.name: job for job in JOBS}
