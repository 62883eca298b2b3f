"""Scoring partition by partition: more candidates than memory, more machines."""

from __future__ import annotations

import os
import pickle
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pandas as pd

from siteselect.dask_client import connected, dask_part
from siteselect.errors import (
    DataQualityWarning,
    LayerError,
    SiteSelectError,
    StudyError,
    four_parts,
    shown,
)
from siteselect.layers.notices import collected
from siteselect.suitability.criteria import Criterion
from siteselect.suitability.exclusions import Exclusion, Keep, Where
from siteselect.suitability.fingerprint import digest, file_digest, versions
from siteselect.suitability.kept_memory import keep_memory
from siteselect.suitability.measures import Column
from siteselect.suitability.partitions import (
    PathLike,
    index_of,
    is_finished,
    part_files,
    read_list,
    read_part,
    refuse_repeats,
    remove_part,
    with_same_types,
    write_list,
    write_mark,
    write_part,
)
from siteselect.suitability.queries import Layers
from siteselect.suitability.score import score_with
from siteselect.whole_files import as_path, disk_said, sweep

__all__ = ["score_partitions"]

#: What scores files, given them and a count of what is done.
_Scoring = Callable[[Sequence["_Job"], "_Count"], list[dict[str, Any]]]
_NUMBER = re.compile(r"\d[\d.,]*")


def score_partitions(
    folder: PathLike,
    criteria: Sequence[Criterion],
    *,
    out: PathLike,
    exclude: Sequence[Any] = (),
    client: Any = None,
    progress: Callable[[int, int], None] | None = None,
    **more: Any,
) -> pd.DataFrame:
    """Score a folder of candidates file by file, on threads or on a cluster.

    Gives the table of `score_sites`, bit for bit, however the candidates are
    cut and whoever scores them: read it with `read_partitions`. A run that was
    stopped goes on where it was: files that are finished, whole, and made from
    the same candidates, criteria, layers and versions are kept.

    Parameters
    ----------
    folder : path-like
        What `write_partitions` wrote, or any folder of GeoParquet files whose
        index labels do not repeat.
    criteria : sequence of Criterion
        As in `score_sites`.
    out : path-like
        Folder for the scored files, one for each file read. New, empty, or that
        of an earlier run; files that no longer belong are removed.
    exclude : sequence of Exclusion or callable, optional
        As in `score_sites`.
    client : distributed.Client or str, optional
        Any Dask client, or the address of a scheduler; all workers must see
        both folders, and the files of rasters. Threads of this machine by
        default, as many as Dask is set to.
    progress : callable, optional
        Called with the number of finished files and of all.
    **more
        Any other argument of `score_sites`.

    Returns
    -------
    pandas.DataFrame
        One row per file: ``rows`` [count], ``kept`` (from an earlier run),
        ``seconds``, ``worker`` (process that scored it) and ``peak_mb``, the
        largest memory that this process has held so far [MB].

    Raises
    ------
    MissingDependencyError
        If Dask is not installed: ``pip install 'siteselect[parallel]'``.
    StudyError, LayerError
        As `score_sites`, or if a folder cannot be used.
    SiteSelectError
        If workers die again and again; finished files are kept.

    Warns
    -----
    DataQualityWarning
        As `score_sites`, once for all files scored in this run.

    Notes
    -----
    Measurements and exclusions that are functions of the user's must judge each
    candidate by itself, as those of the library do. Layers are sent to each
    worker once. Memory grows with the rows per file and the threads per worker,
    not with the number of candidates. Dask tells its workers to return freed
    memory to the system at once; while one has files to score it keeps it for the
    next file.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd
    >>> from siteselect.suitability import Column, Rising, read_partitions
    >>> from siteselect.suitability import write_partitions
    >>> sites = gpd.GeoDataFrame(
    ...     {"acres": [100.0, 300.0, 500.0]},
    ...     geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326,
    ... )
    >>> criteria = [Criterion("size", Column("acres"), Rising(100, 500))]
    >>> with tempfile.TemporaryDirectory() as scratch:
    ...     folder = write_partitions(sites, f"{scratch}/sites", rows=2)
    ...     run = score_partitions(folder, criteria, out=f"{scratch}/scored")
    ...     scored = read_partitions(f"{scratch}/scored")
    >>> run["rows"].tolist(), scored["score"].tolist()
    ([2, 1], [0.0, 0.5, 1.0])
    """
    dask = dask_part("dask", "score_partitions(...)")
    sources = part_files(folder)
    target = _target(
        as_path(
            out,
            'score_partitions("parts/", criteria, out="scored/")',
            "Scores go to a folder",
        ),
        Path(folder),
    )
    criteria = [criteria] if isinstance(criteria, Criterion) else list(criteria)
    rules = [exclude] if callable(exclude) else list(exclude)
    parts = [part for rule in rules for part in _parts(rule)]
    _refuse_patches(parts)
    work = _Work(tuple(criteria), tuple(rules), more)
    with _hands(dask, work, client, len(sources)) as score:
        # Workers make the layers ready while the labels are read.
        labels = [index_of(path) for path in sources]
        refuse_repeats(labels)
        _refuse_strangers([*criteria, *parts], labels)
        asked = digest(criteria, rules, more, versions())
        names = {path.name: len(own) for path, own in zip(sources, labels, strict=True)}
        _claim(target, names)
        jobs = [_Job(str(path), str(target / path.name), asked) for path in sources]
        with _told(target, len(jobs)):
            found = score(jobs, _Count(len(jobs), progress))
    for path in with_same_types([target / name for name in names]):
        write_mark(path, _inputs(asked, Path(folder) / path.name))
    write_list(target, names, is_complete=True)
    _warn_of([one["heard"] for one in found])
    table = pd.DataFrame(found, index=pd.Index(list(names), name="partition"))
    return table[["rows", "kept", "seconds", "worker", "peak_mb"]]


class _Job(NamedTuple):
    """One file to score."""

    source: str
    target: str
    #: Digest of what is asked of every file.
    asked: str


@dataclass(frozen=True)
class _Work:
    """What is asked of every file; sent to each worker once."""

    criteria: tuple[Criterion, ...]
    rules: tuple[Any, ...]
    more: dict[str, Any]
    #: Layers made ready, for all files that a worker scores.
    layers: Layers = field(default_factory=Layers, compare=False)

    def make_ready(self) -> None:
        """Place the layers before the first file asks for it."""
        for rule in self.rules:
            for part in _parts(rule):
                self.layers.make_ready(part)
        for criterion in self.criteria:
            self.layers.make_ready(criterion.measure)

    def __call__(self, job: _Job) -> dict[str, Any]:
        """Score one file, unless that is done already."""
        begin = time.perf_counter()
        source, target = Path(job.source), Path(job.target)
        inputs = _inputs(job.asked, source)
        is_kept = is_finished(target, inputs)
        rows = 0
        heard: list[str] = []
        if not is_kept:
            sites = read_part(source)
            rows = len(sites)
            with collected() as heard:
                scored = score_with(
                    self.layers,
                    sites,
                    [_cut(criterion, sites.index) for criterion in self.criteria],
                    exclude=[_cut(rule, sites.index) for rule in self.rules],
                    **self.more,
                )
            write_part(scored, target)
            write_mark(target, inputs)
        else:
            rows = len(index_of(target))
        return {
            "rows": rows,
            "kept": is_kept,
            "seconds": time.perf_counter() - begin,
            "worker": os.getpid(),
            "peak_mb": _peak_mb(),
            "heard": heard,
        }


def _warn_of(heard: Sequence[Sequence[str]]) -> None:
    """Pass on what workers would have warned of, once where only numbers differ."""
    alike: dict[str, list[str]] = {}
    for texts in heard:
        for text in dict.fromkeys(texts):
            alike.setdefault(_NUMBER.sub("#", text), []).append(text)
    for texts in alike.values():
        text = texts[0]
        if len(texts) > 1:
            text = (
                f"{text} So in {len(texts)} of {len(heard)} files; this is the first."
            )
        warnings.warn(text, DataQualityWarning, stacklevel=3)


def _inputs(asked: str, source: Path) -> str:
    """Digest of all that a scored file is made from."""
    return digest(asked, file_digest(source))


def _series_of(part: Any) -> pd.Series[Any] | None:
    """Return the Series on all candidates that a criterion or a rule reads."""
    inner = part.measure if isinstance(part, Criterion) else part
    if isinstance(inner, Where):
        inner = inner.column
    source = inner.source if isinstance(inner, Column) else inner
    return source if isinstance(source, pd.Series) else None


def _cut(part: Any, labels: pd.Index[Any]) -> Any:
    """Return a criterion or a rule whose Series lists the labels of one file.

    A Series without a label in common with the candidates is refused; with
    those of one file it may well have none.
    """
    if isinstance(part, Keep) and not callable(part.where):
        # Labels of no candidate at all were refused before.
        own_labels = [label for label in part.where if label in labels]
        return replace(part, where=own_labels, name=part.name)
    if isinstance(part, Exclusion):
        part = part.with_parts(lambda inner: _cut(inner, labels))
    series = _series_of(part)
    if series is None or not series.index.is_unique:
        return part
    own = series.reindex(labels)
    if isinstance(part, Criterion):
        column: Any = part.measure
        return replace(part, measure=replace(column, source=own))
    if isinstance(part.column, Column):
        return replace(part, column=replace(part.column, source=own))
    return replace(part, column=own)


def _parts(rule: Any) -> list[Any]:
    """Return a rule and all rules that it is made of."""
    found = [rule]

    def add(inner: Any) -> Any:
        found.extend(_parts(inner))
        return inner

    if isinstance(rule, Exclusion):
        rule.with_parts(add)
    return found


def _refuse_patches(parts: Sequence[Any]) -> None:
    """Refuse a rule whose verdict hangs on candidates of other files."""
    for part in parts:
        if getattr(part, "needs_all_sites", False):
            raise StudyError(
                four_parts(
                    "Partitions are scored one by one",
                    f"exclusion {part.name!r} looks at the neighbors of a candidate, "
                    "which may lie in another partition",
                    "allowed are exclusions that judge each candidate by itself",
                    "read the scored partitions, and pass it to score_sites",
                )
            )


def _refuse_strangers(parts: Sequence[Any], labels: Sequence[pd.Index[Any]]) -> None:
    """Refuse a Series or a label in common with no candidate."""
    for part in parts:
        if isinstance(part, Keep) and not callable(part.where):
            stray = [x for x in part.where if not any(x in own for own in labels)]
            if stray:
                raise LayerError(
                    four_parts(
                        f"{part.name!r} names candidates",
                        f"{shown(map(repr, stray))} of {len(part.where)} are none",
                        "allowed are labels of the candidates' index",
                        "check the labels",
                    )
                )
        series = _series_of(part)
        if series is None or any(series.index.isin(own).any() for own in labels):
            continue
        raise LayerError(
            four_parts(
                f"Series {series.name!r} gives one figure per site",
                "it has no label in common with the candidates "
                f"({shown(series.index, 2)} against {shown(labels[0], 2)})",
                "allowed are labels of the candidates' index",
                "make it from the same candidates, or set its index",
            )
        )


def _target(target: Path, source: Path) -> Path:
    """Return the folder to write to, refusing one that holds something else."""
    if target.is_dir():
        # What a killed run left is nothing that the folder holds.
        sweep(target)
    if target.exists() and target.resolve() == source.resolve():
        wrong = "the folder of the candidates was given"
    elif target.exists() and not target.is_dir():
        wrong = "a file is there"
    elif target.is_dir() and any(target.iterdir()) and not read_list(target):
        wrong = f"it holds {shown(sorted(p.name for p in target.iterdir()), 3)}"
    else:
        with disk_said(target):
            target.mkdir(parents=True, exist_ok=True)
        return target
    raise StudyError(
        four_parts(
            f"Scored candidates were to be written to {str(target)!r}",
            wrong,
            "allowed is a new or empty folder, or that of an earlier run",
            "pass another out=",
        )
    )


def _claim(target: Path, names: dict[str, int]) -> None:
    """Say which files the folder will hold, and drop those it no longer will."""
    before = read_list(target).get("files", {})
    write_list(target, names, is_complete=False)
    for name in set(before) - set(names):
        remove_part(target / name)


class _Count:
    """Counts finished files, from whichever thread."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self.done, self.total, self.progress = 0, total, progress
        self._lock = threading.Lock()

    def one(self) -> None:
        """Count one more."""
        with self._lock:
            self.done += 1
            if self.progress is not None:
                self.progress(self.done, self.total)


@contextmanager
def _told(target: Path, total: int) -> Iterator[None]:
    """Tell what is kept when a run does not reach its end."""
    try:
        yield
    except BaseException as error:
        error.add_note(
            f"The files finished so far, of {total}, are kept in {target}; the "
            "same call goes on from there."
        )
        raise


@contextmanager
def _hands(dask: Any, work: _Work, client: Any, n_files: int) -> Iterator[_Scoring]:
    """Give what scores files: threads of this process, or workers of a cluster.

    Workers are sent the work at once, and make it ready while files are listed.
    """
    if client is None:
        yield partial(_on_threads, dask, work)
        return
    with connected(client, "score_partitions(...)") as client:
        packed, unsent = b"", None
        try:
            packed = import_module("cloudpickle").dumps(work, protocol=5)
        except Exception as error:
            unsent = error
        if unsent is not None:
            # Better reasons to refuse the work may be found first.
            yield partial(_unsent, unsent)
            return
        # A task rather than scattered data: should every worker that holds the
        # layers die, the next one makes them again from what the scheduler keeps.
        limit = "distributed.admin.large-graph-warning-threshold"
        with dask.config.set({limit: f"{2 * len(packed)}B"}):
            sent = client.submit(_Sent, packed, pure=False)
        busy = list(client.nthreads())[:n_files]
        ready = [
            client.submit(_make_ready, sent, workers=[address], pure=False)
            for address in busy
        ]
        try:
            yield partial(_on_workers, client, sent)
        finally:
            client.cancel([sent, *ready])


def _unsent(why: Exception, jobs: Sequence[_Job], count: _Count) -> NoReturn:
    """Refuse work that cannot be sent."""
    raise StudyError(
        four_parts(
            f"{count.total} files of candidates were to be scored on a cluster",
            f"criteria or exclusions cannot be sent to its workers ({why})",
            "numbers, texts, tables, layers and plain functions are allowed",
            "make what cannot be sent inside your function, or leave out client=",
        )
    ) from why


class _Sent:
    """Work on its way: unpacked by each worker once, by the first who needs it."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._work: _Work | None = None
        self._heard: list[str] = []
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[_Sent], tuple[bytes]]:
        return type(self), (self._packed,)

    def work(self) -> _Work:
        """Return what was sent, its layers made ready."""
        with self._lock:
            if self._work is None:
                keep_memory(self)
                work: _Work = pickle.loads(self._packed)
                # What cannot be made ready is refused by name with the first file.
                with suppress(Exception), collected() as self._heard:
                    work.make_ready()
                self._work = work
            return self._work

    def heard(self) -> list[str]:
        """Return, once, what the layers would have warned of."""
        with self._lock:
            heard, self._heard = self._heard, []
        return heard


def _make_ready(sent: _Sent) -> None:
    """Unpack the work before there is a file to score."""
    sent.work()


def _scored(sent: _Sent, job: _Job) -> dict[str, Any]:
    """Score one file on a worker."""
    found = sent.work()(job)
    return {**found, "heard": sent.heard() + found["heard"]}


def _on_threads(
    dask: Any, work: _Work, jobs: Sequence[_Job], count: _Count
) -> list[dict[str, Any]]:
    """Score on threads of this process."""

    def one(job: _Job) -> dict[str, Any]:
        found = work(job)
        count.one()
        return found

    bag = dask.delayed(one, pure=False, traverse=False)
    threads = dask.config.get("num_workers", None) or dask.system.CPU_COUNT
    # A pool of our own ends before we return, even where one file fails. Threads
    # share one list of warning filters and may leave it changed: it is put back.
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        return list(
            dask.compute(*[bag(job) for job in jobs], scheduler="threads", pool=pool)
        )


def _on_workers(
    client: Any, sent: Any, jobs: Sequence[_Job], count: _Count
) -> list[dict[str, Any]]:
    """Score on the workers of a Dask cluster."""
    distributed = import_module("distributed")
    futures = [client.submit(_scored, sent, job, pure=False) for job in jobs]
    found = {}
    try:
        for future in distributed.as_completed(futures):
            # Taken at once: a result that dies with its worker is asked for again.
            found[future.key] = future.result()
            future.release()
            count.one()
        return [found[future.key] for future in futures]
    except distributed.scheduler.KilledWorker as error:
        raise SiteSelectError(
            four_parts(
                f"{count.total} files of candidates were scored on a cluster",
                f"workers died again and again over one of them ({error})",
                "each worker needs memory for one file per thread",
                "write smaller files with write_partitions(sites, folder, rows=...)",
            )
        ) from error
    finally:
        client.cancel(futures)


def _peak_mb() -> float:
    """Largest memory this process has held so far [MB]; NaN where not told."""
    try:
        text = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return float("nan")
    held = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return float(held.split()[1]) / 1024
