"""What is in a file is never run: no pickle is read, no text is evaluated."""

from __future__ import annotations

import ast
import contextlib
import io
import pickle
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import release_files
from shapely import Point

import siteselect as ss
from siteselect.infrastructure.grid import Network
from siteselect.study import verification
from siteselect.suitability import Scoring

PACKAGE = Path(ss.__file__).parent

#: Where the library takes apart what another of its own processes has sent it.
OWN = {"optimization/deadline.py", "optimization/solver_process.py",
       "suitability/out_of_core.py"}  # fmt: skip
#: A filter in words, whose every node is looked at before.
FILTER = {("suitability/queries.py", "eval")}
PICKLERS = ("pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve")
NEVER = {
    "eval", "exec", "compile", "__import__", "load_pickle", "read_pickle", "system",
    "popen", "import_module",
}  # fmt: skip


class Payload:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def ran(tmp_path):
    """The file that a payload would write; it must not be there at the end."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists()


def test_the_payload_would_run(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


READERS = {
    **{
        f"a.{kind}": ss.read_layer
        for kind in ("gpkg", "geojson", "csv", "parquet", "feather", "tif", "kml",
                     "kmz", "pkl", "pickle", "npy", "npz", "shp", "nc", "zip", "xlsx")
    },
    **{f"b.{kind}": ss.read_profiles for kind in ("h5", "nc", "json", "csv")},
    "c.csv": lambda p: ss.Profiles.hourly(solar=p),
    "c.parquet": lambda p: ss.Profiles.hourly(solar=p),
    "d.toml": ss.Study.read,
    "e.toml": Scoring.read,
    "f/plan.json": verification.verify_folder,
    "g.m": Network.from_matpower,
    "h/_siteselect.json": lambda p: ss.read_partitions(p.parent),
    "h/part-00000.parquet": lambda p: ss.read_partitions(p.parent),
}  # fmt: skip


def wrapped(payload):
    """Return a payload as a pickle, and as NumPy stores objects."""
    plain, single, several = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pickle.dump(payload, plain)
    held = np.array([payload], dtype=object)
    np.save(single, held, allow_pickle=True)
    np.savez(several, a=held)
    return [plain.getvalue(), single.getvalue(), several.getvalue()]


@pytest.mark.parametrize("name", READERS)
def test_a_pickle_is_refused_under_any_suffix(name, ran, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    for content in wrapped(Payload(ran)):
        path.write_bytes(content)
        with pytest.raises(ss.SiteSelectError):
            READERS[name](path)


@pytest.mark.parametrize("reader", release_files.READERS)
def test_no_reader_of_a_release_reads_a_pickle(reader, ran, tmp_path):
    for suffix in ("csv", "json", "xlsx", "gpkg", "tif", "zip"):
        path = tmp_path / f"a.{suffix}"
        for content in wrapped(Payload(ran)):
            path.write_bytes(content)
            with pytest.raises(ss.SiteSelectError):
                release_files.read(reader, path, {"eia860_plants": path})


def test_bytes_in_a_table_stay_bytes(ran, tmp_path):
    content = pickle.dumps(Payload(ran))
    frame = gpd.GeoDataFrame({"a": [content]}, geometry=[Point(-98, 32)], crs=4326)
    path = tmp_path / "a.parquet"
    frame.to_parquet(path)
    assert ss.read_layer(path)["a"].tolist() == [content]
    # What pandas is told of a column may name a kind that it would unpickle.
    table = pq.read_table(path)
    told = dict(table.schema.metadata)
    told[b"pandas"] = told[b"pandas"].replace(b'"numpy_type": "object"',
                                              b'"numpy_type": "pickle"')  # fmt: skip
    told[b"ARROW:extension:name"] = b"arrow.py_extension_type"
    told[b"ARROW:extension:metadata"] = content
    field = pa.field("a", pa.binary(), metadata=told)
    table = table.set_column(0, field, table.column("a"))
    pq.write_table(table.replace_schema_metadata(told), path)
    with contextlib.suppress(ss.LayerError):
        ss.read_layer(path)
    with pytest.raises(ss.LayerError):
        ss.read_layer(pd.DataFrame({"wkt": [content]}), crs=4326)


FILTERS = (
    "__import__('pathlib').Path({path!r}).touch()",
    "@__import__('pathlib').Path({path!r}).touch()",
    "mw.__class__.__init__.__globals__",
    "mw == (lambda: open({path!r}, 'w'))()",
    "[open({path!r}, 'w') for _ in [1]]",
    "mw == f'{{open({path!r}, chr(119))}}'",
    "`mw` == 1 or open({path!r}, 'w')",
    "@pd.eval('1')",
    "mw = 1",
)


@pytest.mark.parametrize("where", FILTERS)
def test_a_filter_calls_nothing(where, ran):
    layer = gpd.GeoDataFrame({"mw": [1.0]}, geometry=[Point(-98, 32)], crs=4326)
    measure = ss.Nearest(layer, where=where.format(path=str(ran)))
    with pytest.raises(ss.StudyError, match="filter"):
        measure(layer)


def calls_of(path):
    """Return what a module calls, by the last part of its name, with what it is of."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id, node
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr, node


def test_no_module_unpickles_or_evaluates_what_it_reads():
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        for owner, name, node in calls_of(path):
            text = f"{place}:{node.lineno}: {owner}.{name}"
            if owner in PICKLERS:
                if name in ("dump", "dumps"):
                    continue
                assert place in OWN, text
                found.add(place)
            if (owner, name) in (("re", "compile"), ("platform", "system")):
                continue
            if name in NEVER and (place, name) not in FILTER:
                # Modules are imported by names that stand in the library itself.
                assert name == "import_module", text
            for keyword in node.keywords:
                assert keyword.arg != "allow_pickle", text
                if keyword.arg == "shell":
                    assert isinstance(keyword.value, ast.Constant), text
                    assert keyword.value.value is False, text
            assert owner != "yaml", text
    assert found
    assert found <= OWN
