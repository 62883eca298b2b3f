"""Campus footprints: contiguous, large enough, apart, the same in any order."""

from __future__ import annotations

import math
import sys

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon, box
from suitability.world import SOUTH, WEST, WRITINGS, frame, write_raster, written

import siteselect as ss
from siteselect.errors import CRSError, LayerError, StudyError
from siteselect.layers import spatial
from siteselect.suitability.footprints import _of_frame, grow

EXAMPLES = settings(max_examples=30, deadline=None, derandomize=True, database=None)
#: One kilometre north; cells of a hundred hectares near the equator.
STEP = 1 / 110.574


def plain_grow(score, xyz, neighbors, n_wanted, c):
    """Grow regions of equal cells, looking at every cell at every step.

    Shares no code with the library: no heap, no sparse matrix, no patches.
    """
    n = len(score)
    radius = math.sqrt(n_wanted / math.pi)

    def patch(start, among):
        seen, todo = {start}, [start]
        while todo:
            for near in neighbors[todo.pop()]:
                if near in among and near not in seen:
                    seen.add(near)
                    todo.append(near)
        return seen

    usable = {i for i in range(n) if not math.isnan(score[i])}
    free = {i for i in usable if len(patch(i, usable)) >= n_wanted}
    around = {i: score[i] for i in free}
    for _ in range(max(1, round(radius))):
        around = {
            i: (around[i] + sum(around[j] for j in neighbors[i] if j in around))
            / (1 + sum(j in around for j in neighbors[i]))
            for i in around
        }
    region = [-1] * n
    number = 0
    for start in sorted(free, key=lambda i: (-round(around[i], 9), i)):
        if start not in free:
            continue
        members = [start]
        while len(members) < n_wanted:
            best = None
            for i in free - set(members):
                common = sum(j in members for j in neighbors[i]) / 4
                if common:
                    far = math.dist(xyz[start], xyz[i])
                    good = (1 - c) * score[i] + c / 2 * (
                        common + max(0, 1 - far / (2 * radius))
                    )
                    key = (-round(good, 9), i)
                    best = key if best is None else min(best, key)
            if best is None:
                break
            members.append(best[1])
        free -= set(members)
        if len(members) >= n_wanted:
            for i in members:
                region[i] = number
            number += 1
    return region


def square_cells(rows, columns, scores, order=None):
    """Scored cells of a kilometre, the first in the north-west."""
    places = [(r, c) for r in range(rows) for c in range(columns)]
    sites = frame(
        [Point(c * STEP * 0.9933, -r * STEP) for r, c in places],
        cell_km=[1.0] * len(places),
        cell_shape=["square"] * len(places),
        score=np.asarray(scores, dtype=float).ravel(),
    )
    return sites if order is None else sites.iloc[order]


@st.composite
def fields(draw):
    """Draw a small field of scores with holes."""
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    score = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, np.nan, np.nan])
    values = draw(st.lists(score, min_size=rows * columns, max_size=rows * columns))
    return rows, columns, np.array(values).reshape(rows, columns)


@EXAMPLES
@given(fields(), st.integers(1, 7), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.randoms())
def test_regions_are_those_of_the_plain_rule(field, n_wanted, compactness, rng):
    rows, columns, scores = field
    order = list(range(rows * columns))
    rng.shuffle(order)
    cells, _ = _of_frame(square_cells(rows, columns, scores, order), "score", None)
    found = grow(cells, min_km2=n_wanted, compactness=compactness, min_score=0.0)
    neighbors = [
        [
            rr * columns + cc
            for rr, cc in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1))
            if 0 <= rr < rows and 0 <= cc < columns
        ]
        for r in range(rows)
        for c in range(columns)
    ]
    wanted = plain_grow(
        scores.ravel().tolist(), cells.xyz.tolist(), neighbors, n_wanted, compactness
    )
    assert found.tolist() == wanted


def check_promises(sites, found, min_ha, cell_ha):
    """Contiguous, large enough, apart, nothing excluded inside."""
    shapes = found.geometry.to_numpy()
    assert (found.geometry.geom_type == "Polygon").all()
    assert found.geometry.is_valid.all()
    assert (found["area_ha"] >= min_ha * (1 - 1e-9)).all()
    assert (found["area_ha"] < min_ha + cell_ha * (1 + 1e-9)).all()
    km2 = shapely.area(spatial._equal_area(shapes)) / 1e6
    np.testing.assert_allclose(km2 * 100, found["area_ha"], rtol=3e-3)
    assert km2.sum() == pytest.approx(
        shapely.area(spatial._equal_area(np.array([shapely.union_all(shapes)])))[0]
        / 1e6,
        rel=1e-6,
    )
    points = spatial.points_of(sites).to_numpy()
    cell, region = shapely.STRtree(shapes).query(points, predicate="within")
    assert len(np.unique(cell)) == len(cell)
    assert sites["score"].iloc[cell].notna().all()
    assert (np.bincount(region, minlength=len(found)) == found["n_cells"]).all()
    mean = np.bincount(region, weights=sites["score"].to_numpy()[cell]) / np.bincount(
        region
    )
    # Weighted by area, which hardly differs here.
    np.testing.assert_allclose(mean, found["mean_score"], rtol=1e-4)
    assert found["compactness"].between(0.01, 1).all()
    assert found.index[0] == "s0000"
    return cell


@pytest.mark.parametrize("shape", ["square", "hex"])
def test_a_grid_far_from_its_middle_still_meets(shape):
    area = gpd.GeoSeries([box(-104, 29, -94, 36)], crs=4326)
    sites = ss.grid_candidates(area, spacing_km=20, shape=shape)
    rng = np.random.default_rng(0)
    x, y = sites.geometry.x.to_numpy(), sites.geometry.y.to_numpy()
    score = (np.sin(x * 1.7) * np.cos(y * 2.3) + 1) / 2
    score[rng.random(len(score)) < 0.2] = np.nan
    sites["score"] = score
    found = ss.footprints(sites, min_ha=360_000)
    cell = check_promises(sites, found, 360_000, 40_000)
    # No patch that is left is large enough.
    rest = sites[~np.isin(np.arange(len(sites)), cell) & sites["score"].notna()]
    assert ss.MinArea(min_ha=360_000)(rest).all()
    turned = ss.footprints(sites.sample(frac=1, random_state=1), min_ha=360_000)
    assert found.drop(columns="geometry").equals(turned.drop(columns="geometry"))
    assert shapely.equals_exact(
        found.normalize().to_numpy(), turned.normalize().to_numpy(), tolerance=1e-9
    ).all()


@pytest.mark.parametrize("way", WRITINGS)
def test_polygons_across_the_antimeridian_grow_as_elsewhere(way):
    x, y = np.meshgrid(179 + 0.15 * np.arange(14), -18 + 0.2 * np.arange(5))
    shapes = [box(a, b, a + 0.15, b + 0.2) for a, b in zip(x.flat, y.flat, strict=True)]
    score = np.round(np.random.default_rng(3).uniform(0, 1, len(shapes)), 3)
    there = written(shapes, "beyond 180").translate(-100)
    wanted = ss.footprints(frame(there, score=score), min_ha=150_000)
    sites = gpd.GeoDataFrame({"score": score}, geometry=written(shapes, way))
    found = ss.footprints(sites, min_ha=150_000)
    if way.isdigit():
        # Ties of neighbors fall otherwise in the last digits of a projection.
        np.testing.assert_array_equal(np.sort(found.n_cells), np.sort(wanted.n_cells))
        areas = ss.parcel_candidates(found[["geometry"]])["area_ha"]
        np.testing.assert_allclose(areas, found["area_ha"], rtol=1e-6)
    else:
        for column in ("area_ha", "mean_score", "compactness", "n_cells"):
            np.testing.assert_allclose(
                np.sort(found[column]), np.sort(wanted[column]), rtol=1e-6
            )
    bounds = found.bounds
    assert ((bounds.minx >= -180) & (bounds.maxx <= 180)).all()


def test_a_grid_across_the_antimeridian_grows_as_elsewhere():
    fiji = gpd.GeoSeries([box(179.5, -17.5, 180.5, -16.5)], crs=4326)
    found, wanted = (
        ss.footprints(
            ss.grid_candidates(area, spacing_km=5).assign(score=0.5),
            min_ha=1_000_000,
            compactness=1,
        )
        for area in (fiji, fiji.translate(-100))
    )
    for column in ("area_ha", "compactness", "n_cells"):
        np.testing.assert_allclose(found[column], wanted[column], rtol=1e-6)
    parcels = ss.parcel_candidates(found[["geometry"]])
    np.testing.assert_allclose(parcels["area_ha"], found["area_ha"], rtol=1e-4)
    np.testing.assert_allclose(parcels["largest_part_ha"], parcels["area_ha"])


@pytest.mark.parametrize("way", WRITINGS)
@pytest.mark.parametrize(
    ("west", "columns"), [(178.0, 40), (178.03, 40), (-180.0, 3600), (0.0, 3600)]
)
def test_a_raster_across_the_antimeridian_grows_as_elsewhere(
    tmp_path, west, columns, way
):
    def grown(west, columns, area):
        path = tmp_path / f"{west}.tif"
        write_raster(
            path, np.full((25, columns), 0.5), west=west, north=-15.8, cell=0.1
        )
        return ss.footprints(
            ss.read_layer(path), min_ha=4_500_000, compactness=1, area=area
        )

    fiji = [box(179.01, -18, 181.01, -16)]
    found = grown(west, columns, written(fiji, way))
    offset = 0.03 if west == 178.03 else 0.0
    moved = gpd.GeoSeries(fiji, crs=4326).translate(-100)
    wanted = grown(78 + offset, 40, moved)
    assert len(found) == len(wanted) == 1
    for column in ("area_ha", "compactness", "n_cells"):
        np.testing.assert_allclose(found[column], wanted[column], rtol=1e-6)


def test_compact_footprints_are_rounder_and_others_better():
    rng = np.random.default_rng(1)
    field = rng.random((30, 30))
    sites = square_cells(30, 30, field)
    loose, mid, tight = (
        ss.footprints(sites, min_ha=2500, compactness=c) for c in (0.0, 0.5, 1.0)
    )
    assert loose["compactness"].mean() < mid["compactness"].mean()
    assert mid["compactness"].mean() < tight["compactness"].mean()
    best = [
        f.nlargest(3, "mean_score")["mean_score"].mean() for f in (loose, mid, tight)
    ]
    assert best[0] > best[1] > best[2]
    # A square of 5 by 5 has pi / 4; a winding one far less.
    assert tight["compactness"].max() > 0.6


def test_polygons_and_rasters_grow_the_same(tmp_path):
    rng = np.random.default_rng(2)
    values = rng.random((12, 9))
    values[rng.random(values.shape) < 0.15] = np.nan
    values = values.astype("float32").astype(float)
    path = write_raster(tmp_path / "s.tif", values, north=SOUTH, cell=0.01)
    raster = ss.Raster(path)
    boxes = [
        box(
            WEST + c * 0.01,
            SOUTH - (r + 1) * 0.01,
            WEST + (c + 1) * 0.01,
            SOUTH - r * 0.01,
        )
        for r in range(12)
        for c in range(9)
    ]
    sites = frame(boxes, score=values.ravel())
    a = ss.footprints(raster, min_ha=700)
    b = ss.footprints(sites, min_ha=700)
    check_promises(sites, b, 700, 120)
    assert a["n_cells"].equals(b["n_cells"])
    for column in ("area_ha", "mean_score", "compactness"):
        np.testing.assert_allclose(a[column], b[column], rtol=1e-6)
    assert (
        shapely.area(
            shapely.symmetric_difference(a.geometry.to_numpy(), b.geometry.to_numpy())
        ).max()
        < 1e-9
    )
    half = box(WEST, SOUTH - 0.06, WEST + 0.09, SOUTH)
    inside = ss.footprints(raster, min_ha=700, area=half)
    assert (inside.geometry.bounds["miny"] > SOUTH - 0.0601).all()
    steep = ss.footprints(raster, min_ha=700, value=ss.Falling(0, 1))
    assert steep["mean_score"].max() <= 1


def test_excluded_and_poor_cells_stay_out():
    sites = square_cells(4, 4, np.full((4, 4), 0.5))
    sites["excluded_by"] = ["park"] * 8 + [""] * 8
    assert ss.footprints(sites, min_ha=100)["n_cells"].sum() == 8
    sites["score"] = [0.2] * 12 + [0.8] * 4
    assert ss.footprints(sites, min_ha=100, min_score=0.5)["n_cells"].sum() == 4
    lone = ss.footprints(sites.iloc[[15]], min_ha=100)
    assert lone["area_ha"].tolist() == [100.0]
    assert lone["compactness"].iloc[0] == pytest.approx(math.pi / 4, rel=1e-3)


def scored(**columns):
    return square_cells(2, 2, np.full((2, 2), 0.5)).assign(**columns)


@pytest.mark.parametrize(
    ("make", "error", "noun"),
    [
        (lambda: ss.footprints(scored(), min_ha=0), StudyError, "min_ha"),
        (
            lambda: ss.footprints(scored(), min_ha=1, compactness=2),
            StudyError,
            "compactness",
        ),
        (
            lambda: ss.footprints(scored(), min_ha=1, min_score=np.nan),
            StudyError,
            "min_score",
        ),
        (lambda: ss.footprints(scored(), min_ha=401), LayerError, "400 ha"),
        (lambda: ss.footprints(scored(score=np.nan), min_ha=1), LayerError, "0 of 4"),
        (lambda: ss.footprints(scored().iloc[:0], min_ha=1), LayerError, "0 of 0"),
        (lambda: ss.footprints(scored(score=50.0), min_ha=1), StudyError, "found 50"),
        (lambda: ss.footprints(scored(score="good"), min_ha=1), LayerError, "score"),
        (
            lambda: ss.footprints(scored(), min_ha=1, score="scores_"),
            LayerError,
            "'score'",
        ),
        (
            lambda: ss.footprints(frame([Point(0, 0)], score=[1.0]), min_ha=1),
            LayerError,
            "ground",
        ),
        (lambda: ss.footprints([1], min_ha=1), LayerError, "list"),
        (
            lambda: ss.footprints(
                scored().set_crs(None, allow_override=True), min_ha=1
            ),
            CRSError,
            "crs",
        ),
        (
            lambda: ss.footprints(
                frame([box(0, 0, 1, 1), box(0.5, 0, 1.5, 1)], score=[1.0, 1.0]),
                min_ha=1,
            ),
            LayerError,
            "overlap",
        ),
        (
            lambda: ss.footprints(
                frame([Polygon([(0, 0), (1, 0), (2, 0)])], score=[1.0]), min_ha=1
            ),
            LayerError,
            "0 ha",
        ),
    ],
)
def test_what_grows_nothing_is_refused(make, error, noun):
    with pytest.raises(error) as caught:
        make()
    assert noun.lower() in str(caught.value).lower()


def test_rasters_that_grow_nothing_are_refused(tmp_path, monkeypatch):
    nothing = ss.Raster(write_raster(tmp_path / "n.tif", np.full((3, 3), np.nan)))
    with pytest.raises(LayerError, match="0 of 0"):
        ss.footprints(nothing, min_ha=1)
    two = ss.Raster(write_raster(tmp_path / "t.tif", np.zeros((2, 3, 3))))
    with pytest.raises(StudyError, match="has 2"):
        ss.footprints(two, min_ha=1)
    one = ss.Raster(write_raster(tmp_path / "o.tif", np.ones((1, 1)), cell=0.01))
    assert ss.footprints(one, min_ha=100)["n_cells"].tolist() == [1]
    monkeypatch.setattr(sys.modules[grow.__module__], "_CELLS", 5)
    with pytest.raises(LayerError, match="at once"):
        ss.footprints(nothing, min_ha=1)


def test_crossed_rings_count_with_all_their_ground():
    bow = Polygon([(0, 0), (0.02, 0.02), (0.02, 0), (0, 0.02)])
    found = ss.footprints(frame([bow], score=[0.7]), min_ha=100)
    assert found["n_cells"].tolist() == [1, 1]
    assert found["area_ha"].sum() == pytest.approx(
        0.5 * 4 * 110.574 * 111.32 / 100, rel=0.01
    )
