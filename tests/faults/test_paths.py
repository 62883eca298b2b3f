"""Whatever names data carry, nothing is written outside the folder that is named."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pytest
from shapely import Point, box

import siteselect as ss

#: Names that lead elsewhere, or that no file system holds.
NAMES = (
    "../../escaped",
    "/tmp/siteselect-escaped",
    "C:\\escaped",
    "..\\..\\escaped",
    "..",
    "a/b/../../../escaped",
    "nul\0byte",
    "x" * 400,
    "\u202eescaped",
    "con",
    "~/escaped",
    "$HOME/escaped",
    "%2e%2e%2fescaped",
    "<b>&\"'",
)

#: The first and the one with NUL always, the others in the soak.
FEW = [
    pytest.param(name, marks=() if k in (0, 6) else pytest.mark.soak)
    for k, name in enumerate(NAMES)
]


def all_of(folder):
    """Return every path below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture
def out(tmp_path, monkeypatch):
    """A folder to write to; at the end nothing else may be there."""
    place = tmp_path / "home" / "user" / "work" / "out"
    place.mkdir(parents=True)
    monkeypatch.chdir(place.parent)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    before = all_of(tmp_path)
    yield place
    inside = place.relative_to(tmp_path).as_posix()
    new = {path for path in all_of(tmp_path) - before if not path.startswith(inside)}
    assert not new, new
    assert not list(tmp_path.parent.glob("*escaped*"))
    assert not list(place.rglob(".*")), "something is left that was for a moment"


def plan_of(names):
    """Return a plan whose labels, columns, layers and limits carry the names."""
    n = len(names)
    sites = gpd.GeoDataFrame(
        {
            "capacity_mw": 200.0,
            "state": list(names),
            names[0]: np.arange(n, dtype=float),
            "county": list(names),
        },
        geometry=gpd.points_from_xy(np.linspace(-110, -95, n), np.full(n, 35.0)),
        crs=4326,
        index=list(names),
    )
    lakes = gpd.GeoDataFrame({names[1]: [1.0]}, geometry=[Point(-100, 20)], crs=4326)
    lakes = ss.read_layer(lakes, name=names[2])
    scored = ss.score_sites(
        sites,
        [
            ss.Criterion(names[3], ss.Column(names[0]), ss.Rising(0, n), weight=1),
            ss.Criterion(names[4], ss.Nearest(lakes), ss.Rising(0, 9e3), weight=1),
        ],
        exclude=[ss.Near(lakes, km=1, name=names[5])],
    )
    return ss.optimize_sites(
        scored,
        power_mw=(100, 500),
        site_mw=[100],
        limits=[ss.Limit(names[7], per_site=1, by="county", at_most=1)],
    )


@pytest.fixture(scope="module")
def plan():
    # Neither GDAL nor a workbook takes a NUL; those who do not say so in words.
    return plan_of([name.replace("\0", "") for name in NAMES])


FILES = (
    "sites.gpkg", "sites.geojson", "sites.csv", "sites.xlsx", "sites.shp", "sites.json",
    "sites.parquet", "sites.kml", "map.png", "map.html",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*of 20 columns have other names")
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_plan_is_the_only_one(plan, name, out):
    try:
        if name == "map.html":
            plan.explore(out / name)
        elif name == "map.png":
            ss.write_map(plan.plot(), out / name)
        else:
            plan.to_file(out / name)
    except ss.SiteSelectError as error:
        if name != "sites.kml":
            raise AssertionError(name) from error
    for path in all_of(out):
        assert "escaped" not in path


@pytest.mark.parametrize(
    "pages", [pytest.param("sites", marks=pytest.mark.soak), "candidates"]
)
def test_a_report_stays_in_its_folder(plan, pages, out):
    plan.report(out / "report", pages=pages)
    for path in all_of(out):
        assert "escaped" not in path


def test_partitions_stay_in_their_folder(plan, out):
    sites = plan.candidates
    source = ss.write_partitions(sites, out / "parts", rows=3)
    one = ss.Criterion("all", ss.Column("capacity_mw"), ss.Rising(0, 400))
    plain = gpd.GeoDataFrame(sites[["capacity_mw", "geometry"]])
    source = ss.write_partitions(plain, out / "plain", rows=3)
    ss.score_partitions(source, [one], out=out / "scored")
    found = {path.split("/")[0] for path in all_of(out)}
    assert found == {"parts", "plain", "scored"}


@pytest.mark.parametrize("name", FEW)
def test_a_study_writes_where_it_is_told(name, out):
    table = "lon,lat,acres\n" + "".join(f"{-100 + i},35,{100 + i}\n" for i in range(5))
    (out / "parcels.csv").write_text(table)
    study = ss.Study(
        title=name,
        candidates={"file": "parcels.csv"},
        criteria=[ss.Criterion(name, ss.Column("acres"), ss.Rising(0, 600))],
        plan={"power_mw": [100, 300], "site_mw": [100]},
        outputs={"files": ["sites.csv", "sites.gpkg"]},
        folder=out,
    )
    if "\0" in name:
        with pytest.raises(ss.StudyError, match="NUL"):
            study.run(out / "made")
        assert all_of(out) == {"parcels.csv"}
        return
    study.run(out / "made")
    assert {path.split("/")[0] for path in all_of(out)} == {"parcels.csv", "made"}
    # Neither may a study name a file elsewhere.
    for wrong in (f"{name}.csv", f"../{name}.csv", f"/{name}.csv"):
        try:
            ss.Study(**{**study.to_dict(), "outputs": {"files": [wrong]}}, folder=out)
        except ss.StudyError:
            continue
        assert "/" not in wrong
        assert "\\" not in wrong
        assert ".." not in wrong


@pytest.mark.parametrize("name", NAMES)
def test_members_of_an_archive_are_written_nowhere(name, out):
    member = name.replace("\0", "")
    parcels = gpd.GeoDataFrame(geometry=[box(-99, 32, -98, 33)], crs=4326)
    parcels.to_file(out / "a.kml", driver="KML")
    kml = (out / "a.kml").read_bytes()
    before = all_of(out)
    for path in (out / "a.kmz", out / "a.zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{member}.kml", kml)
            archive.writestr(member, b"escaped")
        try:
            assert len(ss.read_layer(path)) == 1
        except ss.LayerError as error:
            if path.suffix != ".zip":
                raise AssertionError(path) from error
    assert all_of(out) - before == {"a.kmz", "a.zip"}


WRITERS = {
    "read_partitions": lambda plan, folder, name: ss.read_partitions(name),
    "write_partitions": lambda plan, folder, name: ss.write_partitions(
        plan.candidates, name
    ),
    "score_partitions": lambda plan, folder, name: ss.score_partitions(
        folder, [ss.Criterion("a", ss.Column("score"), ss.Rising(0, 1))], out=name
    ),
    "report": lambda plan, folder, name: plan.report(name),
    "to_file": lambda plan, folder, name: plan.to_file(f"{name}.gpkg"),
    "explore": lambda plan, folder, name: plan.explore(f"{name}.html"),
}


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0byte"], ids=["long", "null"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_path_that_no_file_system_holds_is_refused(
    plan, writer, name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ss.write_partitions(plan.candidates, "held")
    with pytest.raises(ss.SiteSelectError, match="too long|null|no such folder"):
        WRITERS[writer](plan, "held", name)
    assert [path.name for path in tmp_path.iterdir()] == ["held"]
