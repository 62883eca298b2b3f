"""Scoring file by file gives the table of score_sites, bit for bit."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, Polygon, box
from strategies import SOAK, examples
from suitability.world import WEST, features, frame, places, write_raster

from siteselect.errors import (
    DataQualityWarning,
    LayerError,
    MissingDependencyError,
    StudyError,
)
from siteselect.layers import Raster, spatial, tiles
from siteselect.layers.notices import collected
from siteselect.suitability import (
    At,
    Categories,
    Column,
    CoveredShare,
    Criterion,
    Falling,
    Inside,
    Keep,
    MinArea,
    Near,
    Nearest,
    Rising,
    Sample,
    Where,
    Within,
    Zonal,
    read_partitions,
    score_partitions,
    score_sites,
    write_partitions,
)
from siteselect.suitability.fingerprint import digest
from siteselect.suitability.partitions import refuse_repeats
from siteselect.suitability.queries import Layers

# Cells of half a degree under parcels of a few kilometers: coarse, and meant so.
pytestmark = pytest.mark.filterwarnings("ignore::siteselect.errors.DataQualityWarning")


def same_table(folder, wanted):
    """Assert that the stored table is the wanted one, sorted by index."""
    found = read_partitions(folder)
    pd.testing.assert_frame_equal(found, wanted.sort_index(), check_exact=True)
    for name in wanted.columns.drop(wanted.geometry.name):
        if wanted[name].dtype == float:
            a, b = found[name].to_numpy(), wanted.sort_index()[name].to_numpy()
            assert a.tobytes() == b.tobytes(), name
    assert found.attrs == json.loads(json.dumps(wanted.attrs))


@pytest.fixture(scope="module")
def raster(tmp_path_factory):
    """A small raster with holes, for ties between cells."""
    cells = np.random.default_rng(5).random((8, 8)).round(1)
    cells[cells < 0.4] = np.nan
    path = tmp_path_factory.mktemp("raster") / "cells.tif"
    return Raster(write_raster(path, cells))


@st.composite
def studies(draw):
    """Candidates (points and parcels), criteria of every kind, exclusions."""
    sites = draw(places(least=2, most=12, shift=draw(st.sampled_from([0.0, 0.0137]))))
    if draw(st.booleans()):
        parcels = [p.buffer(0.03) if i % 2 else p for i, p in enumerate(sites.geometry)]
        sites = sites.set_geometry(parcels, crs=4326)
    sites["cell_km"], sites["cell_shape"] = 12.0, "square"
    kind = pd.Categorical(["old", "new"] * len(sites), ["new", "old", "none"])
    sites["kind"] = kind[: len(sites)]
    sites["note"] = pd.Series([None] * (len(sites) - 1) + ["x"], sites.index, object)
    layer = draw(features(most=9))
    areas = draw(features(kinds=("polygon",)))
    listed = pd.Series({label: float(label) for label in list(sites.index)[:1]})
    return sites, layer, areas, listed


def asked(study, raster):
    """Return criteria and exclusions over the layers of a study."""
    sites, layer, areas, listed = study
    criteria = [
        Criterion("near", Nearest(layer), Falling(1, 90)),
        Criterion("second", Nearest(layer, k=2), Falling(1, 90), weight=0),
        Criterion("mw", Nearest(layer, attribute="mw"), Rising(-99, 99), weight=0),
        Criterion("sum", Within(layer, radius_km=70, sum="mw"), Rising(0, 900)),
        Criterion("mean", Within(layer, radius_km=90, mean="mw"), Rising(0, 900)),
        Criterion("zone", At(areas, "zone"), Categories({"4A": 1, "5A": 0.3})),
        Criterion("mw at", At(areas, "mw", reach_km=40), Rising(-9, 99), weight=0),
        Criterion("under", CoveredShare(areas), Falling(0, 1)),
        Criterion("cell", Sample(raster, reach_km=80), Rising(0, 1), weight=2),
        Criterion("cells", Zonal(raster), Rising(0, 1), weight=2),
        Criterion("listed", Column(listed), Rising(-99, 99), weight=0),
        Criterion("own", lambda frame: frame["acres"], Rising(0, 500), weight=0),
    ]
    rules = [
        Inside(areas, name="park"),
        Near(layer, km=5),
        Where(listed, below=-50, missing="keep"),
        lambda frame: frame["acres"] > 400,
        Keep([sites.index[0]]),
        ~Where(listed, above=-80) & Near(layer, km=30),
        Keep(Where(listed, above=80) | Inside(areas)),
    ]
    return criteria, rules


@given(study=studies(), rows=st.integers(1, 5), order=st.randoms())
@examples(8)
def test_any_cut_gives_the_same_bits(study, rows, order, raster):
    check_cut(study, rows, order, raster)


@pytest.mark.soak
@given(study=studies(), rows=st.integers(1, 5), order=st.randoms())
@examples(80 * SOAK)
def test_any_cut_gives_the_same_bits_soak(study, rows, order, raster):
    check_cut(study, rows, order, raster)


def check_cut(study, rows, order, raster):
    sites = study[0]
    criteria, rules = asked(study, raster)
    # Parquet knows texts, not objects.
    stored = sites.astype({"note": "str"})
    with collected():
        wanted = score_sites(stored, criteria, exclude=rules)
    shuffled = list(range(len(sites)))
    order.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_partitions(sites.iloc[shuffled], f"{scratch}/in", rows=rows)
        pd.testing.assert_frame_equal(read_partitions(folder), stored.sort_index())
        run = score_partitions(folder, criteria, out=f"{scratch}/out", exclude=rules)
        same_table(f"{scratch}/out", wanted)
        assert run["rows"].sum() == len(sites)
        assert not run["kept"].any()


def world(n):
    """Many candidates, two layers, and criteria on them."""
    rng = np.random.default_rng(n)
    points = gpd.points_from_xy(WEST + 3 * rng.random(n), 31 + 3 * rng.random(n))
    sites = gpd.GeoDataFrame({"acres": rng.random(n)}, geometry=points, crs=4326)
    sites.index = pd.Index([f"s{i:06d}" for i in rng.permutation(n)], name="site")
    lots = [Point(WEST + 3 * x, 31 + 3 * y) for x, y in rng.random((500, 2))]
    towns = frame(lots, mw=rng.random(500))
    parks = frame([p.buffer(0.05) for p in lots[:40]])
    criteria = [
        Criterion("size", Column("acres"), Rising(0, 1)),
        Criterion("near", Nearest(towns), Falling(0, 30)),
        Criterion("sum", Within(towns, radius_km=30, sum="mw"), Rising(0, 20)),
    ]
    return sites, criteria, [Inside(parks)]


MEET, ENDED = threading.Barrier(2), []


def one_breaks(frame):
    """Measure two files at once, of which one breaks before the other ends."""
    is_first = MEET.wait(60) == 0
    warnings.simplefilter("error")
    if is_first:
        raise ZeroDivisionError
    time.sleep(0.5)
    ENDED.append("second")
    return frame["acres"]


def test_what_cannot_be_told_apart_is_refused(tmp_path):
    """A function that holds a lock is no input that a later run could compare."""
    sites, _, _ = world(4)
    lock = threading.Lock()

    def held(frame):
        with lock:
            return frame["acres"]

    folder = write_partitions(sites, tmp_path / "in", rows=4)
    with pytest.raises(StudyError, match=r"holds.*lock"):
        score_partitions(folder, Criterion("x", held, Rising(0, 1)), out=tmp_path / "o")


def test_a_run_on_threads_leaves_no_trace(tmp_path):
    """Warning filters stay as they were, and no file is in work once we are back."""
    dask = pytest.importorskip("dask")
    sites, _, _ = world(20)
    folder = write_partitions(sites, tmp_path / "in", rows=10)
    criteria = [Criterion("one breaks", one_breaks, Rising(0, 1))]
    before = list(warnings.filters)
    with dask.config.set(num_workers=2), pytest.raises(ZeroDivisionError):
        score_partitions(folder, criteria, out=tmp_path / "out")
    assert warnings.filters == before
    assert ENDED == ["second"]


def test_many_candidates_and_few_give_the_same_bits(tmp_path, monkeypatch):
    """In memory tiles are asked, file by file each candidate; layers once for all."""
    sites, criteria, rules = world(6000)
    asked, made = [], []

    def levels(*args):
        asked.append(found := own_levels(*args))
        return found

    def indexed(features):
        made.append(features)
        return own_indexed(features)

    own_levels, own_indexed = tiles._levels, spatial.indexed
    monkeypatch.setattr(tiles, "_levels", levels)
    monkeypatch.setattr(spatial, "indexed", indexed)
    wanted = score_sites(sites, criteria, exclude=rules)
    assert [len(found) > 0 for found in asked] == [True]
    assert len(made) == 2
    folder = write_partitions(sites, tmp_path / "in", rows=1500)
    score_partitions(folder, criteria, out=tmp_path / "out", exclude=rules)
    assert [len(found) > 0 for found in asked[1:]] == [False] * 4
    assert len(made) == 4
    same_table(tmp_path / "out", wanted)


def test_layers_made_ready_are_not_sent():
    _, criteria, _ = world(10)
    layers, layer = Layers(), criteria[1].measure.layer
    assert layers.index(layer, None) is layers.index(layer, None)
    sent = pickle.loads(pickle.dumps(layers))
    assert sent.index(layer, None) is not layers.index(layer, None)
    assert len(pickle.dumps(layers)) < 200


def test_a_run_goes_on_where_it_was(tmp_path):
    sites, criteria, rules = world(300)
    folder = write_partitions(sites, tmp_path / "in", rows=60)
    out, trouble = tmp_path / "out", tmp_path / "trouble"

    def stubborn(frame):
        if trouble.exists() and len(list(out.glob("_part-*.json"))) == 2:
            raise RuntimeError("not today")
        return frame["acres"] > 0.99

    ask = {"out": out, "exclude": [*rules, stubborn]}
    trouble.touch()
    dask = pytest.importorskip("dask")
    with (
        dask.config.set(num_workers=1),
        pytest.raises(RuntimeError, match="not today") as told,
    ):
        score_partitions(folder, criteria, **ask)
    assert any("goes on from there" in note for note in told.value.__notes__)
    with pytest.raises(LayerError, match="not finished"):
        read_partitions(out)
    trouble.unlink()
    seen = []
    steps = lambda done, total: seen.append((done, total))  # noqa: E731
    run = score_partitions(folder, criteria, **ask, progress=steps)
    assert sorted(seen) == [(i, 5) for i in range(1, 6)]
    assert run["kept"].sum() == 2
    assert score_partitions(folder, criteria, **ask)["kept"].all()
    same_table(out, score_sites(sites, criteria, exclude=ask["exclude"]))

    # A damaged, a lost and a changed file are redone, and nothing else.
    parts = sorted((tmp_path / "out").glob("part-*.parquet"))
    parts[0].write_bytes(parts[0].read_bytes()[:-9])
    parts[1].unlink()
    source = folder / parts[2].name
    changed = gpd.read_parquet(source).assign(acres=0.5)
    changed.to_parquet(source)
    run = score_partitions(folder, criteria, **ask)
    assert run["kept"].tolist() == [False, False, False, True, True]
    # Another weight, another table.
    heavier = [Criterion("size", Column("acres"), Rising(0, 1), weight=2)]
    run = score_partitions(folder, [*heavier, *criteria[1:]], **ask)
    assert not run["kept"].any()
    # Other files: those that no longer belong are removed.
    coarse = write_partitions(sites, tmp_path / "coarse", rows=200)
    score_partitions(coarse, criteria, out=tmp_path / "out", exclude=rules)
    same_table(tmp_path / "out", score_sites(sites, criteria, exclude=rules))


class Slow(Column):
    """A column that takes its time, and notes who unpacked it."""

    def __setstate__(self, state):
        vars(self).update(state)
        notes = Path(self.column_unit)
        (notes / f"{os.getpid()}-{time.time_ns()}").touch()

    def answer(self, queries):
        time.sleep(0.05)
        return super().answer(queries)


def on_processes(test):
    """Run a test with a cluster of two processes."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        test(client)


def test_a_worker_may_die(tmp_path):
    many = 3000 * SOAK
    sites, criteria, rules = world(many)
    notes = tmp_path / "notes"
    notes.mkdir()
    criteria[0] = Criterion("size", Slow("acres", column_unit=str(notes)), Rising(0, 1))
    wanted = score_sites(sites, criteria, exclude=rules)
    folder = write_partitions(sites, tmp_path / "in", rows=many // 40)
    out = tmp_path / "out"

    def with_a_death(client):
        first = list(client.run(os.getpid).values())
        finished = {}

        def kill():
            while len(finished) < 8:
                time.sleep(0.01)
                marks = out.glob("_part-*.json")
                finished.update((path, path.stat().st_mtime_ns) for path in marks)
            os.kill(first[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        run = score_partitions(folder, criteria, out=out, exclude=rules, client=client)
        killer.join()
        same_table(out, wanted)
        assert run["rows"].sum() == many
        # What was finished by then was not done again.
        assert len(finished) >= 8
        for path, written in finished.items():
            assert path.stat().st_mtime_ns == written
        # Layers were unpacked once by each worker; what the dead one held may have to
        # be made again by the one that was left.
        unpacked = Counter(int(p.name.split("-")[0]) for p in notes.iterdir())
        assert unpacked.pop(first[1], 1) <= 2
        assert set(unpacked.values()) == {1}
        again = score_partitions(
            folder, criteria, out=out, exclude=rules, client=client.scheduler.address
        )
        assert again["kept"].all()

    on_processes(with_a_death)


class Unsendable:
    """A measurement that cannot be packed."""

    def __call__(self, sites):
        return sites["acres"]

    def __reduce__(self):
        raise ValueError("it holds a socket")


@pytest.mark.parametrize(
    ("client", "said"),
    [(42, "given 42"), ("nonsense", "no scheduler was reached"), ([], "given")],
)
def test_what_is_no_cluster_is_refused(client, said, tmp_path):
    pytest.importorskip("distributed")
    sites, criteria, _ = world(4)
    folder = write_partitions(sites, tmp_path / "in")
    with pytest.raises(StudyError, match=f"(?i){said}"):
        score_partitions(folder, criteria, out=tmp_path / "out", client=client)


def test_what_cannot_be_sent_is_refused_and_what_layers_warn_of_is_heard(tmp_path):
    sites, _, _ = world(8)
    folder = write_partitions(sites, tmp_path / "in", rows=2)
    bow = Polygon([(-98, 31), (-97, 32), (-97, 31), (-98, 32)])
    tied = gpd.GeoDataFrame({"depth": [1.0]}, geometry=[bow], crs=4326)
    own = [Criterion("depth", At(tied, "depth"), Rising(0, 2))]

    def refused(client):
        unsent = [Criterion("size", Unsendable(), Rising(0, 9))]
        with pytest.raises(StudyError, match="cannot be sent.*holds a socket"):
            score_partitions(folder, unsent, out=tmp_path / "a", client=client)
        with pytest.warns(DataQualityWarning) as heard:
            score_partitions(folder, own, out=tmp_path / "b", client=client)
        with pytest.warns(DataQualityWarning) as wanted:
            score_sites(sites, own)
        first = {str(one.message).partition(" So in ")[0] for one in heard}
        assert {str(one.message) for one in wanted} <= first

    on_processes(refused)


CHURN = """
import gc, resource, sys
import numpy as np
from siteselect.suitability.kept_memory import keep_memory

class Owner: ...

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(500_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first, second = Owner(), Owner()
counts = [faults()]
keep_memory(first)
keep_memory(second)
del first
gc.collect()
faults()
counts.append(faults())
del second
gc.collect()
counts.append(faults())
print(*counts)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is that of glibc")
@pytest.mark.parametrize("told", ["65536", "", "nonsense"])
@pytest.mark.parametrize("largest", ["", "a lot"])
def test_memory_is_kept_for_as_long_as_it_is_asked_for(told, largest):
    settings = {"MALLOC_TRIM_THRESHOLD_": told, "MALLOC_MMAP_THRESHOLD_": largest}
    env = {**os.environ, **settings}
    done = subprocess.run(
        [sys.executable, "-c", CHURN], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    before, kept, after = map(int, done.stdout.split())
    if told == "65536":
        # 50 arrays of 4 MB are 48,800 pages of 4 kB, or one array's pages once.
        assert kept < before / 10
        assert after > before / 2


def test_warnings_of_workers_are_told_once(tmp_path):
    sites = frame([Point(-98 + k / 1000, 31.4) for k in range(9)], cell_km=[0.5] * 9)
    coarse = Raster(write_raster(tmp_path / "coarse.tif", np.ones((8, 8))))
    criteria = [Criterion("cell", Sample(coarse, reach_km=900), Rising(0, 1))]
    folder = write_partitions(sites, tmp_path / "in", rows=4)

    def told(client, out):
        with pytest.warns(DataQualityWarning) as heard:
            score_partitions(folder, criteria, out=tmp_path / out, client=client)
        (only,) = heard
        assert "So in 3 of 3 files" in str(only.message)
        return str(only.message)

    here = told(None, "here")
    on_processes(lambda client: told(client, "there") == here or pytest.fail(here))


def test_folders_that_are_refused(tmp_path, monkeypatch):
    sites, criteria, _ = world(20)
    folder = write_partitions(sites, tmp_path / "in", rows=5)
    for ask, noun in (
        (lambda: write_partitions(sites, folder), "overwrite"),
        (lambda: write_partitions(sites, tmp_path), "omething else"),
        (lambda: write_partitions(sites, tmp_path / "x", rows=0), "rows=0"),
        (lambda: score_partitions(folder, criteria, out=folder), "candidates was"),
        (lambda: score_partitions(folder, criteria, out=tmp_path), "holds in"),
    ):
        with pytest.raises(StudyError, match=noun):
            ask()
    mixed = sites.assign(note=pd.Series([1, "a"] * 10, sites.index, dtype=object))
    far = Column(pd.Series([1.0], index=["elsewhere"]))
    for ask, noun in (
        (lambda: read_partitions(tmp_path / "nowhere"), "no such folder"),
        (lambda: read_partitions(folder, columns=["acre"]), "Did you mean 'acres'"),
        (lambda: write_partitions([sites, sites], tmp_path / "x"), "more than once"),
        (lambda: write_partitions(sites.iloc[:0], tmp_path / "x"), "here are none"),
        (lambda: write_partitions(mixed, tmp_path / "x"), "column cannot be"),
        (
            lambda: score_partitions(
                folder, [Criterion("f", far, Rising(0, 1))], out=tmp_path / "y"
            ),
            "no label in common",
        ),
        (
            lambda: score_partitions(
                folder, criteria, out=tmp_path / "y", exclude=[Keep(["nobody"])]
            ),
            "'nobody'",
        ),
    ):
        with pytest.raises(LayerError, match=noun):
            ask()
    patches = Inside(frame([box(0, 0, 1, 1)])) | MinArea(min_ha=1)
    with pytest.raises(StudyError, match="neighbors"):
        score_partitions(folder, criteria, out=tmp_path / "y", exclude=[patches])
    # Whole or not at all.
    assert not (tmp_path / "x").exists()
    write_partitions(sites.iloc[:9], folder, overwrite=True)
    assert len(read_partitions(folder)) == 9
    next(folder.glob("*.parquet")).unlink()
    with pytest.raises(LayerError, match="lost"):
        read_partitions(folder)
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(MissingDependencyError, match="parallel"):
        score_partitions(folder, criteria, out=tmp_path / "z")


def test_the_digest_tells_inputs_apart(raster):
    def things(k=1, height=1.0):
        area = frame([box(0, 0, 1, height)], mw=[1.0])
        return [
            Criterion("a", Nearest(area, k=k), Falling(1, 9)),
            Criterion("b", Sample(raster), Rising(0, 1)),
            lambda frame: frame["acres"] > k,
            {"a": {1, 2}},
        ]

    assert digest(things()) == digest(things())
    assert len({digest(things()), digest(things(2)), digest(things(1, 2.0))}) == 3
    # A raster counts by the time of its file.
    before = digest(things())
    os.utime(raster.path, ns=(1, 1))
    assert digest(things()) != before


def test_a_raster_in_an_archive_counts_by_the_archive(tmp_path):
    write_raster(tmp_path / "a.tif", np.ones((2, 2)))
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(tmp_path / "a.tif", "deep/a.tif")
    inside = Raster(f"zip://{archive}!deep/a.tif")
    before = digest(inside)
    assert digest(Raster(f"zip://{archive}!deep/a.tif")) == before
    os.utime(archive, ns=(1, 1))
    assert digest(inside) != before


def test_texts_that_differ_have_digests_that_differ():
    nan = float("nan")
    columns = [
        *(["a", "b"], ["ab", ""], ["", "ab"], ["b", "a"], ["a"]),
        *(["a", None], ["a", "None"], ["a", nan], ["a", "nan"], [None, "a"]),
        *(["a", 1.0], ["a", "1.0"], ["é", "b"], ["\udce9", "b"]),
        *(["\ud800\udc00", "x"], ["\ud800", "\udc00x"]),
    ]
    found = [digest(np.array(column, dtype=object)) for column in columns]
    assert len(set(found)) == len(columns)
    assert found == [digest(np.array(column, dtype=object)) for column in columns]


@pytest.mark.parametrize("kind", ["int64", "Int64", "object", "str", "string"])
@pytest.mark.parametrize("again", [False, True])
def test_a_label_that_comes_again_is_found_whatever_its_kind(kind, again):
    one = pd.Index(["1", "2", "3"]).astype(kind if "nt" not in kind else int)
    two = pd.Index(["4", "2" if again else "5"]).astype(one.dtype)
    parts = [part.astype(kind) for part in (one, two)]
    if again:
        with pytest.raises(LayerError, match="more than once: 2"):
            refuse_repeats(parts)
    else:
        refuse_repeats(parts)


def made(text, names=(), module="made_up"):
    """Return the function ``own`` of a piece of code, as in a notebook of its own."""
    space = {"__name__": module, "np": np, **dict(names)}
    exec(compile(text, module, "exec", dont_inherit=True), space)
    return space["own"]


READS = {
    "a figure": "K = {}\ndef own(f): return f.x * K",
    "a helper": "def helper(x): return x * {}\ndef own(f): return helper(f.x)",
    "a helper's helper": "def deep(x): return x * {}\ndef helper(x): return deep(x)\n"
    "def own(f): return helper(f.x)",
    "a helper's global": "K = {}\ndef helper(x): return x * K\n"
    "def own(f): return helper(f.x)",
    "within": "K = {}\ndef own(f): return list(map(lambda x: x * K, f.x))",
    "a class": "class Way:\n    def of(self, x): return x * {}\n"
    "def own(f): return Way().of(f.x)",
    "a base class": "class Base:\n    k = {}\nclass Way(Base): pass\n"
    "def own(f): return f.x * Way.k",
    "an object": "class Way:\n    def __call__(self, f): return f.x * {}\nown = Way()",
    "a dataclass": "from dataclasses import dataclass\n@dataclass\nclass Way:\n"
    "    k: int = 1\n    def __call__(self, f): return f.x * {}\nown = Way()",
    "a table": "T = np.full(3, {})\ndef own(f): return f.x * T",
    "a partial": "from functools import partial\ndef base(f, k): return f.x * k\n"
    "own_k = partial(base, k={})\ndef own(f): return own_k(f)",
    "each other": "def a(x): return b(x) if x else {}\n"
    "def b(x): return a(x - 1)\ndef own(f): return a(f.x)",
}


@pytest.mark.parametrize("text", READS.values(), ids=list(READS))
def test_what_a_function_reads_outside_itself_tells_it_apart(text):
    one, same, other = (made(text.format(k)) for k in (3, 3, 1))
    assert digest(one) == digest(same)
    assert digest(one) != digest(other)


def test_globals_that_a_function_does_not_read_are_left_alone():
    text = "import logging\nlog = logging.getLogger('x')\nx = {}\n"
    text += "def own(f):\n    log.info('read')\n    return np.hypot(f.x, 1) + later()"
    # `x` is an attribute here, and what is going on cannot be compared.
    one = made(text.format("iter([1])"))
    assert digest(one) == digest(made(text.format(2)))
    with pytest.raises(StudyError, match="no content to compare"):
        digest(made("x = (i for i in 'ab')\ndef own(f): return x"))
    # A lock decides no figure.
    lock = "LOCK = __import__('threading').RLock()\ndef own(f):\n"
    lock += "    with LOCK: return f.x"
    assert digest(made(lock)) == digest(made(lock))


def test_functions_that_call_too_deeply_are_refused_not_a_crash():
    lines = ["def f0(x): return x"]
    lines += [f"def f{i}(x): return f{i - 1}(x)" for i in range(1, 2000)]
    with pytest.raises(StudyError, match="too deeply"):
        digest(made("\n".join([*lines, "def own(f): return f1999(f)"])))


def test_a_module_of_the_users_own_counts_by_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "mine_of_test.py"
    found = []
    for k in (3, 3, 1):
        file.write_text(f"def way(x): return x * {k}\n")
        sys.modules.pop("mine_of_test", None)
        text = "import mine_of_test\ndef own(f): return mine_of_test.way(f.x)"
        found.append(digest(made(text)))
    sys.modules.pop("mine_of_test", None)
    assert found[0] == found[1] != found[2]


def test_a_changed_global_is_scored_again(tmp_path):
    sites = frame([Point(-97, 30), Point(-98, 31)], x=[1.0, 2.0])
    write_partitions(sites, tmp_path / "in", rows=1)
    texts = ["K = 3\ndef own(f): return f.x * K", "K = 1\ndef own(f): return f.x * K"]
    kept = []
    for text in [*texts, texts[1]]:
        criteria = [Criterion("r", made(text), Rising(0, 10))]
        run = score_partitions(tmp_path / "in", criteria, out=tmp_path / "out")
        kept.append(int(run["kept"].sum()))
    assert kept == [0, 0, 2]
    assert sorted(read_partitions(tmp_path / "out")["r_raw"]) == [1.0, 2.0]


LISTS = {
    "no JSON": "{",
    "deep": "[" * 100_000,
    "a list": "[1]",
    "no files": '{"complete": true}',
    "another file": '{"complete": true, "files": {"../victim.parquet": 1}}',
    "from the root": '{"complete": true, "files": {"/etc/victim.parquet": 1}}',
    "no partition": '{"complete": true, "files": {"victim.csv": 1}}',
}


@pytest.mark.parametrize("text", LISTS.values(), ids=list(LISTS))
def test_a_list_from_elsewhere_is_refused_and_removes_no_file(text, tmp_path):
    sites = frame([Point(-98, 32), Point(-97, 32)])
    source = write_partitions(sites, tmp_path / "sites")
    out = tmp_path / "out"
    out.mkdir()
    (out / "_siteselect.json").write_text(text)
    for victim in (tmp_path / "victim.parquet", out / "victim.csv"):
        victim.write_text("keep me")
    one = Criterion("all", Column(1.0), Rising(0, 1))
    for call in (
        lambda: read_partitions(out),
        lambda: score_partitions(source, [one], out=out),
        lambda: write_partitions(sites, out, overwrite=True),
    ):
        with pytest.raises(LayerError, match="list of partitions"):
            call()
    assert (tmp_path / "victim.parquet").read_text() == "keep me"
    assert (out / "victim.csv").read_text() == "keep me"


def test_a_partition_that_tells_nonsense_of_itself_is_refused(tmp_path):
    folder = write_partitions(frame([Point(-98, 32)]), tmp_path / "sites")
    path = folder / "part-00000.parquet"
    table = pq.read_table(path)
    for told in ({}, {b"geo": b"{}"}, {b"geo": b"["}, {b"geo": b'{"columns": 3}'}):
        pq.write_table(table.replace_schema_metadata(told), path)
        with pytest.raises(LayerError, match="no whole GeoParquet"):
            read_partitions(folder)


def test_partitions_that_do_not_fit_together_are_refused(tmp_path):
    folder = write_partitions(frame([Point(-98, 32)]), tmp_path / "sites")
    (folder / "_siteselect.json").unlink()
    frame([Point(0, 0)], crs=5070, index=["x"]).to_parquet(folder / "z.parquet")
    with pytest.raises(LayerError, match="put together"):
        read_partitions(folder)
