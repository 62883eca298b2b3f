"""Every measurement, one pair at a time, in any CRS, for any shape and index."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.test_any_raster import WORLDS as RASTER_WORLDS
from layers.test_any_raster import at, grid, write
from scipy.optimize import brentq
from shapely import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, box
from suitability.world import frame, same

import siteselect as ss
from siteselect.errors import DataQualityWarning, LayerError, StudyError
from siteselect.layers import (
    LayerInfo,
    Raster,
    edges,
    ellipsoid,
    nearby,
    reach,
    spatial,
)
from siteselect.suitability import queries as queries_module
from siteselect.suitability.queries import Queries

GEOD = pyproj.Geod(ellps="WGS84")
# CRS, a place in it, and about 10 km in its unit.
WORLDS = [
    (4326, (-97.0, 32.0), 0.1),
    (4326, (179.95, -17.0), 0.1),
    (32614, (600_000.0, 3_500_000.0), 10_000.0),
    (32756, (330_000.0, 6_250_000.0), 10_000.0),
    (5070, (-200_000.0, 1_500_000.0), 10_000.0),
    (2277, (3_100_000.0, 10_000_000.0), 33_000.0),
    (3832, (3_340_000.0, -2_000_000.0), 10_000.0),
]
INDEXES = [
    lambda n: range(n),
    lambda n: [f"s{7 * i % 11}" for i in range(n)],
    lambda n: pd.date_range("2030-01-01", periods=n)[::-1],
    lambda n: pd.MultiIndex.from_product([["a"], range(n)], names=["x", "y"]),
]


def shape(kind, x, y, size):
    """Return a geometry of a kind at a place."""
    cell = box(x, y, x + size, y + size)
    hole = box(x + 0.3 * size, y + 0.3 * size, x + 0.6 * size, y + 0.6 * size)
    far = shapely.transform(cell, lambda c: np.add(c, (2 * size, 0)))
    line = LineString([(x, y), (x + size, y + 2 * size), (x + 3 * size, y)])
    return {
        "point": Point(x, y),
        "points": MultiPoint([(x, y), (x + size, y)]),
        "line": line,
        "lines": MultiLineString([line.coords, [(x, y - size), (x + size, y)]]),
        "polygon": cell,
        "parcel with a hole": cell.difference(hole),
        "polygons": MultiPolygon([cell, far]),
    }[kind]


KINDS = [
    "point",
    "points",
    "line",
    "lines",
    "polygon",
    "parcel with a hole",
    "polygons",
]
AREAS = KINDS[4:]


def named(layer, column):
    """Return the layer with its geometry under a name."""
    return layer if column == "geometry" else layer.rename_geometry(column)


@st.composite
def worlds(draw, site_kinds=("point", "polygon", "line"), kinds=tuple(KINDS), most=5):
    """Draw sites and a layer in CRS of their own, around one place."""
    crs, (x, y), unit = draw(st.sampled_from(WORLDS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, most))
    column = draw(st.sampled_from(["geometry", "place"]))

    def shapes(count, kinds):
        return [
            shape(rng.choice(kinds), *(rng.uniform(-4, 4, 2) * unit + (x, y)), size)
            for size in rng.choice([0.02, 0.3, 1.0], count) * unit
        ]

    sites = frame(
        shapes(n, site_kinds), crs, index=draw(st.sampled_from(INDEXES))(n)
    ).pipe(named, column)
    layer = frame(
        shapes(m, kinds),
        crs,
        mw=np.where(rng.random(m) < 0.2, np.nan, rng.normal(size=m)),
    )
    # A layer in degrees may come in any other system, but for the globe's seam.
    if crs == 4326 and x < 0 and draw(st.booleans()):
        layer = layer.to_crs(4269)
    return sites, layer.pipe(named, column)


def one_by_one(sites, layer):
    """Return all distances [km], each asked alone."""
    return np.array(
        [
            [
                spatial.nearest(sites.iloc[[i]], layer.iloc[[j]]).distance_km[0, 0]
                for j in range(len(layer))
            ]
            for i in range(len(sites))
        ]
    )


def decayed(km, decay, radius, length):
    """Return the weight of a feature."""
    return {
        None: lambda: 1.0,
        "linear": lambda: 1 - km / radius,
        "exponential": lambda: np.exp(-km / length),
        "gaussian": lambda: np.exp(-((km / length) ** 2) / 2),
    }[decay]()


@settings(max_examples=25)
@given(
    worlds(), st.sampled_from([None, "linear", "exponential", "gaussian"]), st.data()
)
def test_near_and_within_are_what_each_pair_says(world, decay, data):
    sites, layer = world
    km = one_by_one(sites, layer)
    # Against the ellipsoid itself, where both are points.
    points, others = spatial.located(sites), spatial.located(layer)
    for i, j in np.argwhere(
        (points.geom_type == "Point").to_numpy()[:, None]
        & (others.geom_type == "Point").to_numpy()
    ):
        a, b = points.iloc[i], others.iloc[j]
        true = GEOD.inv(a.x, a.y, b.x, b.y)[2] / 1000
        assert km[i, j] == pytest.approx(true, rel=1e-3, abs=1e-6)
    k = data.draw(st.integers(1, 3))
    if k <= len(layer):
        same(ss.Nearest(layer, k=k)(sites), np.sort(km, axis=1)[:, k - 1], atol=2e-6)
    radius = 25.0
    if (np.abs(km - radius) < 1e-6).any():
        return
    length = 9.0 if decay in ("exponential", "gaussian") else None
    shared = {"radius_km": radius, "decay": decay, "decay_km": length}
    weight = np.vectorize(lambda d: decayed(d, decay, radius, length))(km)
    mw = layer["mw"].to_numpy()
    for statistic in ("count", "sum", "mean", "max"):
        plain = []
        for row, share in zip(km, weight, strict=True):
            near = row <= radius
            x, w = mw[near], share[near]
            if statistic == "count":
                plain.append(w.sum())
            elif not near.any():
                plain.append(np.nan if statistic == "mean" else 0.0)
            elif statistic == "max":
                plain.append(np.nan if np.isnan(x).all() else np.nanmax(x * w))
            elif statistic == "sum":
                plain.append((x * w).sum())
            else:
                plain.append((x * w).sum() / w.sum())
        asked = {statistic: True if statistic == "count" else "mw"}
        found = ss.Within(layer, **asked, **shared)(sites)
        assert found.index.equals(sites.index)
        same(found, plain, atol=1e-7)


@settings(max_examples=20)
@given(worlds(kinds=AREAS, site_kinds=("polygon", "parcel with a hole")))
def test_at_and_covered_share_are_what_each_polygon_says(world):
    sites, layer = world
    own, areas = spatial.located(sites), spatial.located(layer)
    inside = [
        next(
            (
                j
                for j, area in enumerate(areas)
                if area.covers(shapely.point_on_surface(s))
            ),
            None,
        )
        for s in own
    ]
    plain = [np.nan if j is None else layer["mw"].iloc[j] for j in inside]
    same(ss.At(layer, "mw")(sites), plain)
    flat = areas.segmentize(0.05).to_crs(6933).make_valid().union_all()
    cells = own.segmentize(0.05).to_crs(6933)
    share = [cell.intersection(flat).area / cell.area for cell in cells]
    same(ss.CoveredShare(layer)(sites), share)


def plain_length(site, line, radius):
    """Return the length of a line inside a circle, from roots on each piece."""
    here = ellipsoid.xyz(np.array([site.x]), np.array([site.y]))[0]
    curved = ellipsoid.radius_km(np.array([site.y]))[0]
    ball = 2 * curved * np.sin(radius / (2 * curved))
    total = 0.0
    p = edges.Pieces.of(np.array([line], dtype=object))
    for lon, lat, dlon, dlat in zip(p.lon, p.lat, p.dlon, p.dlat, strict=True):
        ends = ellipsoid.xyz(np.array([lon, lon + dlon]), np.array([lat, lat + dlat]))

        def out(t, ends=ends):
            return np.linalg.norm(ends[0] + t * (ends[1] - ends[0]) - here) - ball

        step = ends[1] - ends[0]
        foot = float(np.clip(np.dot(here - ends[0], step) / np.dot(step, step), 0, 1))
        if out(foot) >= 0:
            continue
        begin = 0.0 if out(0.0) <= 0 else brentq(out, 0.0, foot, xtol=1e-15)
        end = 1.0 if out(1.0) <= 0 else brentq(out, foot, 1.0, xtol=1e-15)
        meters = GEOD.inv(lon, lat, lon + dlon, lat + dlat)[2]
        total += (end - begin) * meters / 1000
    return total


@settings(max_examples=15)
@given(worlds(kinds=("line", "lines")), st.sampled_from([3.0, 20.0, 300.0]))
def test_length_is_what_each_piece_says(world, radius):
    sites, layer = world
    places, lines = spatial.points_of(sites), spatial.located(layer)
    plain = [sum(plain_length(s, line, radius) for line in lines) for s in places]
    found = ss.Length(layer, radius_km=radius)(sites)
    # The library's short distances follow from the chord to 2 parts in a million.
    same(found, plain, rtol=2e-6, atol=1e-6)
    whole = ss.Length(layer, radius_km=3000)(sites)
    true = [GEOD.geometry_length(shapely.segmentize(line, 0.05)) for line in lines]
    same(whole, [sum(true) / 1000] * len(sites), rtol=2e-6)
    # A true circle on a plane around the site cuts off the same.
    crs = f"+proj=aeqd +lat_0={places.iloc[0].y} +lon_0={places.iloc[0].x} +units=m"
    circle = Point(0, 0).buffer(radius * 1000, 200)
    cut = lines.segmentize(0.02).to_crs(crs).intersection(circle)
    assert found.iloc[0] == pytest.approx(cut.length.sum() / 1000, rel=2e-3, abs=0.02)


@settings(max_examples=15)
@given(worlds(most=4), st.integers(0, 2**32))
def test_latency_is_what_each_metro_says(world, seed):
    sites, metros = world
    weight = np.random.default_rng(seed).uniform(0, 3, len(metros))
    metros["people"] = weight
    a, b = spatial.points_of(sites), spatial.points_of(metros)
    ms = np.array(
        [
            [2 * GEOD.inv(p.x, p.y, q.x, q.y)[2] / 1e6 * 1.4 * 5.0 + 0.3 for q in b]
            for p in a
        ]
    )
    given_ = {
        "weight": "people",
        "circuity": 1.4,
        "us_per_km": 5.0,
        "equipment_ms": 0.3,
    }
    found = ss.Latency(metros, **given_)
    same(found(sites), (ms * weight).sum(axis=1) / weight.sum(), rtol=3e-5)
    limit = float(np.median(ms)) + 1e-3
    if (np.abs(ms - limit) > 1e-4).all():
        share = ((ms <= limit) * weight).sum(axis=1) / weight.sum()
        same(ss.Latency(metros, within_ms=limit, **given_)(sites), share)
    said = found.describe()["assumptions"]
    assert said["circuity"] == {"value": 1.4, "source": "given"}
    assert (
        "Corning"
        in ss.Latency(metros, weight=None).describe()["assumptions"]["us_per_km"][
            "source"
        ]
    )


@settings(max_examples=30)
@given(st.data())
def test_travel_is_what_each_row_says(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n, m = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    cost = rng.uniform(0, 90, (n, m))
    cost[rng.random((n, m)) < 0.25] = np.nan
    matrix = pd.DataFrame(cost, index=[f"s{i}" for i in range(n)], columns=range(m))
    order = rng.permutation(n)
    sites = frame(
        [Point(i, 0) for i in range(n + 1)], index=[*matrix.index[order], "new"]
    )
    weight = dict(zip(range(m), rng.uniform(0.1, 2, m), strict=True))
    near, strict, lenient = [], [], []
    for label in sites.index:
        row = cost[int(label[1:])] if label in matrix.index else np.full(m, np.nan)
        known = [(row[j], weight[j]) for j in range(m) if not np.isnan(row[j])]
        near.append(min((c for c, _ in known), default=np.nan))
        mean = (
            sum(c * w for c, w in known) / sum(w for _, w in known) if known else np.nan
        )
        lenient.append(mean)
        strict.append(mean if len(known) == m else np.nan)
    same(ss.Travel(matrix)(sites), near)
    same(ss.Travel(matrix, "mean", weights=weight)(sites), strict)
    loose = ss.Travel(matrix, "mean", weights=weight, skip_missing=True)
    same(loose(sites), lenient)
    scored = ss.score_sites(sites, [ss.Criterion("t", loose, ss.Falling(0, 90))])
    partly = ~np.isnan(lenient) & np.isnan(strict)
    assert scored["fallbacks"].tolist() == partly.astype(int).tolist()


# ---------------------------------------------------------------- the same, whatever


def all_measures(points, lines, areas, radius=60.0):
    """Return one measurement of each kind."""
    return [
        ss.Nearest(points),
        ss.Nearest(lines, k=2),
        ss.Within(points, radius_km=radius, sum="mw", decay="linear"),
        ss.Within(lines, radius_km=radius, mean="mw"),
        ss.At(areas, "mw"),
        ss.CoveredShare(areas),
        ss.Length(lines, radius_km=radius),
        ss.Latency(points, weight="people"),
        ss.Latency(areas, weight=None, within_ms=2.0),
    ]


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(9)
    x, y = rng.uniform(-3, 3, (2, 90))

    def layer(geoms):
        return frame(
            geoms, mw=rng.normal(size=len(geoms)), people=rng.uniform(1, 9, len(geoms))
        )

    points = layer(shapely.points(x[:30] - 97, y[:30] + 32))
    lines = layer(
        [shape("line", a - 97, b + 32, 0.4) for a, b in zip(x, y, strict=True)]
    )
    areas = layer(
        [shape("polygon", a - 97, b + 32, 0.5) for a, b in zip(x, y, strict=True)]
    )
    sites = frame(
        [
            box(a, b, a + 0.05, b + 0.05)
            for a, b in zip(x[:40] - 97, y[:40] + 32, strict=True)
        ],
        index=[f"s{i}" for i in range(40)],
    )
    return sites, points, lines, areas


def test_order_of_rows_and_labels_change_nothing(world, monkeypatch):
    sites, *layers = world
    turned = sites.iloc[::-1]
    for measure in all_measures(*layers):
        whole = measure(sites)
        pd.testing.assert_series_equal(measure(turned), whole.iloc[::-1])
        pd.testing.assert_series_equal(measure(sites.iloc[5:9]), whole.iloc[5:9])
        renamed = sites.rename_geometry("ground").set_axis(range(40))
        assert np.array_equal(measure(renamed), whole, equal_nan=True)
    # Cut into many blocks, and nothing kept: the same to the last bit.
    monkeypatch.setattr(nearby, "PAIRS", 50)
    monkeypatch.setattr(nearby, "CHUNK", 400)
    monkeypatch.setattr(spatial, "CHUNK", 400)
    monkeypatch.setattr(reach, "_PAIRS", 50)
    monkeypatch.setattr(queries_module, "KEPT_PAIRS", 10)
    for measure, before in zip(
        all_measures(*layers), [m(sites) for m in all_measures(*layers)], strict=True
    ):
        pd.testing.assert_series_equal(measure(sites), before)
    shuffled = [layer.sample(frac=1, random_state=1) for layer in layers]
    for measure, other in zip(
        all_measures(*layers), all_measures(*shuffled), strict=True
    ):
        if measure.label != "mw":  # where polygons overlap, the first one counts
            same(other(sites), measure(sites), rtol=1e-12, atol=1e-12)


def test_units_and_places_change_nothing_but_the_unit(world):
    sites, points, lines, areas = world
    # Edges are straight in the system of their layer: cut short, they stay put.
    fine = lines.set_geometry(lines.segmentize(0.005))
    feet = [layer.to_crs(2277) for layer in (points, fine)]
    for one, other in zip(
        all_measures(points, lines, areas)[:4],
        all_measures(*feet, areas)[:4],
        strict=True,
    ):
        same(other(sites.to_crs(5070)), one(sites), rtol=2e-4, atol=2e-3)
    # Turned round the Earth's axis, over the antimeridian, all is the same.
    east = [
        layer.set_geometry(
            shapely.transform(layer.geometry.array, lambda c: np.add(c, (276.3, 0)))
        )
        for layer in world
    ]
    for one, other in zip(
        all_measures(points, lines, areas)[:8], all_measures(*east[1:])[:8], strict=True
    ):
        # Edges cut at another place: distances to shapes are right to a meter.
        same(other(east[0]), one(sites), rtol=5e-6, atol=1e-3)
    # And so it is for shapes whose projection knows no seam there.
    home = [layer.to_crs(3832) for layer in east]
    dots = frame(shapely.centroid(sites.geometry.array), index=sites.index)
    same(ss.CoveredShare(home[3])(home[0]), ss.CoveredShare(areas)(sites), rtol=1e-5)
    there = home[0].set_geometry(home[0].centroid)
    same(ss.At(home[3], "mw")(there), ss.At(areas, "mw")(dots))
    double = points.assign(mw=2 * points["mw"])
    asked = {"radius_km": 60, "sum": "mw", "decay": "gaussian", "decay_km": 20}
    same(ss.Within(double, **asked)(sites), 2 * ss.Within(points, **asked)(sites))


def test_an_empty_layer_is_unknown_rather_than_zero(world):
    sites, *layers = world
    for measure in all_measures(*(layer.iloc[:0] for layer in layers)):
        assert measure(sites).isna().all(), measure
    lines = layers[1]
    assert ss.Length(lines, radius_km=9, where="mw > 99")(sites).tolist() == [0.0] * 40
    assert ss.Latency(layers[0], weight="people", where="mw > 99")(sites).isna().all()


def test_a_layer_is_indexed_once_for_all_criteria(world, monkeypatch):
    sites, points, lines, areas = world
    made = []
    ask = spatial.indexed
    monkeypatch.setattr(
        spatial, "indexed", lambda layer: made.append(len(layer)) or ask(layer)
    )
    criteria = [
        ss.Criterion(f"c{i}", measure, ss.Rising(0, 100))
        for i, measure in enumerate(all_measures(points, lines, areas))
    ]
    ss.score_sites(sites, criteria)
    assert sorted(made) == [30, 90, 90]


# -------------------------------------------------------------------- resolution


@pytest.mark.parametrize("crs_corner_cell", RASTER_WORLDS[:5])
def test_slope_and_aspect_of_a_plane_in_any_system(tmp_path, crs_corner_cell):
    crs, corner, cell = crs_corner_cell
    transform = grid(corner, cell / 30)
    column, row = np.meshgrid(np.arange(40), np.arange(40))
    back = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    lon, lat = back.transform(*at(transform, column + 0.5, row + 0.5))
    middle = back.transform(*at(transform, 20.5, 20.5))
    azimuth, _, meters = GEOD.inv(
        np.full(lon.shape, middle[0]), np.full(lon.shape, middle[1]), lon, lat
    )
    # Rising 6 percent towards the north-east, on the tangent plane in the middle.
    height = 0.06 * meters * np.cos(np.radians(azimuth - 45)) / 0.3048
    info = LayerInfo("dem", units={"dem": "ft"})
    raster = Raster(write(tmp_path / "r.tif", height[None], transform, crs), (), info)
    sites = frame([Point(middle)], index=["s"])
    assert ss.Slope(raster)(sites)["s"] == pytest.approx(6, rel=1e-3)
    assert ss.Slope(raster, angle="degrees")(sites)["s"] == pytest.approx(
        np.degrees(np.arctan(0.06)), rel=1e-3
    )
    assert ss.Aspect(raster)(sites)["s"] == pytest.approx(225, abs=0.05)
    metric = ss.Slope(raster, vertical_m=1)(sites)["s"]
    assert metric == pytest.approx(6 / 0.3048, rel=1e-3)
    answer = ss.Slope(raster).answer(Queries(sites))
    assert ss.Slope(raster).resolution_m < 90
    assert answer.is_too_coarse.tolist() == [False]


def test_too_coarse_is_said(tmp_path):
    values = np.arange(64.0).reshape(1, 8, 8)
    path = write(tmp_path / "r.tif", values, grid((0, 8e3), 1e3), 5070)
    raster = Raster(path, (), LayerInfo("dem"))
    centers = [
        Point(4500, 4500),
        Point(3500, 3500),
        Point(2500, 2500),
        Point(1500, 1500),
    ]
    sites = frame(centers, 5070, cell_km=[2.0, 1.0, 0.5, np.nan], cell_shape="square")
    assert ss.Sample(raster).resolution_m == pytest.approx(1000, rel=6e-3)
    found = ss.Sample(raster, method="bilinear").answer(Queries(sites))
    assert found.is_too_coarse.tolist()[0] is False
    assert found.is_too_coarse.tolist()[2:] == [True, False]
    with pytest.warns(DataQualityWarning, match="1 of them"):
        ss.Sample(raster)(sites.assign(cell_km=[2.0, 1.5, 0.2, np.nan]))
    parcels = sites.set_geometry(sites.buffer(100))
    with pytest.warns(DataQualityWarning, match="Zonal"):
        parcel = ss.Zonal(raster).answer(Queries(parcels))
    assert parcel.is_too_coarse.all()
    for measure in (ss.Slope(raster), ss.Aspect(raster)):
        with pytest.warns(DataQualityWarning, match="lie of the land"):
            answer = measure.answer(Queries(sites))
        assert answer.is_too_coarse.all()
    stated = Raster(path, (), LayerInfo("dem", resolution_km=5.0))
    assert ss.Sample(stated).resolution_m == 5000
    assert ss.Column("cell_km").resolution_m is None


def test_classes_and_quantiles(tmp_path):
    values = np.repeat([41.0, 42, 81, -9], 4).reshape(1, 4, 4)
    path = write(tmp_path / "r.tif", values, grid((0, 4e3), 1e3), 5070, nodata=-9)
    raster = Raster(path, (), LayerInfo("cover", units={"cover": "class"}))
    sites = frame([box(0, 0, 4e3, 4e3), box(0, 2e3, 1e3, 4e3)], 5070)
    forest = ss.Zonal(raster, "share", classes=[41, 42])
    same(forest(sites), [2 / 3, 1], rtol=1e-6)
    assert (forest.unit, ss.Zonal(raster).unit) == ("share of area", "class")
    same(ss.Zonal(raster, "quantile", quantile=0.5)(sites), [42, 41.5])
    assert ss.Zonal(raster, "majority")(sites.iloc[:1].buffer(-999).to_frame()).iloc[
        0
    ] in (
        42,
        81,
    )


def test_ground_that_is_mostly_unknown_passes_no_gate(tmp_path):
    values = np.full((1, 10, 10), -1, "int16")
    values[0, 0, 0] = 2
    path = write(tmp_path / "r.tif", values, grid((0, 1e4), 1e3), 5070, nodata=-1)
    raster = Raster(path, (), LayerInfo("dem"))
    sites = frame([box(0, 0, 1e4, 1e4), box(0, 9e3, 1e3, 1e4)], 5070)
    for stat in ("max", "sum", "mean", "majority"):
        measure = ss.Zonal(raster, stat)
        same(measure(sites), [np.nan, 2])
        gate = ss.Gate("g", measure, at_most=5)
        assert gate(sites).tolist() == ["UNKNOWN", "PASS"]
        part = ss.Zonal(raster, stat, min_known=0.01)
        same(part(sites), [2, 2])
        assert part.describe()["min_known"] == 0.01
    scored = ss.score_sites(
        sites, [ss.Criterion("m", ss.Zonal(raster, "max"), ss.Falling(0, 10))]
    )
    assert scored["coverage"].tolist() == [0, 1]
    assert scored["score_low"].tolist() == [0, 0.8]
    assert scored["score_high"].tolist() == [1, 0.8]
    with pytest.raises(LayerError, match="min_known"):
        ss.Zonal(raster, min_known=2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_labels_rules_and_shares_mean_the_same_cells(tmp_path, dtype):
    which = np.random.default_rng(1).integers(0, 5, (1, 6, 6))
    stored = which if dtype == "int16" else (which / 10).astype("float32")
    path = write(tmp_path / "r.tif", stored.astype(dtype), grid((0, 6e3), 1e3), 5070)
    if dtype == "int16":
        with rasterio.open(path, "r+") as out:
            out.scales = (0.1,)
    raster = Raster(path, (), LayerInfo("kind"))
    cells = [Point(c * 1e3 + 500, 5500 - r * 1e3) for r in range(6) for c in range(6)]
    sites = frame(cells, 5070)
    is_three = which.ravel() == 3
    measure = ss.Sample(raster)
    labels = ss.Categories({0.0: 0, 0.1: 0.1, 0.2: 0.2, 0.3: 1, 0.4: 0.4})
    assert ((labels(measure(sites)) == 1) == is_three).all()
    assert (ss.Where(measure, equals=0.3)(sites) == is_three).all()
    assert (ss.Where(measure, isin=[0.3, "x"])(sites) == is_three).all()
    gate = ss.Gate("g", measure, isin=[0.3])(sites)
    assert ((gate == "PASS") == is_three).all()
    zone = frame([box(0, 0, 6e3, 6e3)], 5070)
    share = ss.Zonal(raster, "share", classes=[0.3])(zone)
    same(share, [is_three.mean()], rtol=1e-6)


# ---------------------------------------------------------------------- refusals

SPOT = frame([Point(0, 0)], mw=[1.0], people=[-1.0])
ROAD = frame([LineString([(0, 0), (1, 1)])])
COST = pd.DataFrame({"a": [1.0]}, index=[0])


@pytest.mark.parametrize(
    ("make", "error", "noun"),
    [
        (
            lambda: ss.Within(SPOT, radius_km=5, count=True, decay="gauss"),
            StudyError,
            "gaussian",
        ),
        (
            lambda: ss.Within(SPOT, radius_km=5, count=True, decay="gaussian"),
            StudyError,
            "decay_km",
        ),
        (
            lambda: ss.Within(
                SPOT, radius_km=5, count=True, decay="linear", decay_km=2
            ),
            StudyError,
            "decay_km",
        ),
        (lambda: ss.Length(SPOT, radius_km=5)(SPOT), LayerError, "Lines are allowed"),
        (lambda: ss.Length(ROAD, radius_km=0), StudyError, "radius_km"),
        (lambda: ss.Latency(SPOT, weight="people")(SPOT), LayerError, "negative"),
        (lambda: ss.Latency(SPOT), LayerError, "population"),
        (lambda: ss.Latency(SPOT, weight="mw", circuity=0.9), StudyError, "circuity"),
        (lambda: ss.Latency(SPOT, weight="mw", us_per_km=3), StudyError, "vacuum"),
        (lambda: ss.Travel([[1.0]]), LayerError, "DataFrame"),
        (lambda: ss.Travel(COST, "closest"), StudyError, "nearest"),
        (lambda: ss.Travel(COST, "mean", weights={"b": 1}), StudyError, "none for a"),
        (lambda: ss.Travel(COST, "mean", weights={"a": 0}), StudyError, "above 0"),
        (lambda: ss.Travel(COST, weights={"a": 1}), StudyError, "takes none"),
        (lambda: ss.Travel(COST * np.inf)(SPOT), LayerError, "infinity"),
        (lambda: ss.Travel(COST.astype(str))(SPOT), LayerError, "numbers"),
        (lambda: ss.Travel(COST)(SPOT.set_axis(["z"])), LayerError, "in common"),
        (lambda: ss.Travel(pd.concat([COST, COST])), LayerError, "repeat"),
    ],
)
def test_what_cannot_be_measured_is_refused(make, error, noun):
    with pytest.raises(error, match=noun):
        make()


def test_rasters_refuse_what_they_cannot(tmp_path):
    path = write(tmp_path / "r.tif", np.zeros((1, 4, 4)), grid((0, 4e3), 1e3), 5070)
    raster = Raster(path, (), LayerInfo("heat", units={"heat": "degC"}))
    for make, error, noun in (
        (lambda: ss.Sample(raster, method="cubic"), StudyError, "bilinear"),
        (lambda: ss.Zonal(raster, "quantile"), LayerError, "quantile"),
        (lambda: ss.Zonal(raster, "quantile", quantile=2), LayerError, "0 to 1"),
        (lambda: ss.Zonal(raster, "mean", classes=[1]), LayerError, "classes"),
        (lambda: ss.Zonal(raster, "share"), LayerError, "classes"),
        (lambda: ss.Slope(raster), StudyError, "degC"),
        (lambda: ss.Slope(raster, vertical_m=-1), StudyError, "vertical_m"),
        (lambda: ss.Slope(raster, vertical_m=1, angle="rad"), StudyError, "percent"),
        (lambda: ss.Aspect(SPOT), LayerError, "raster"),
    ):
        with pytest.raises(error, match=noun):
            make()


def test_a_large_radius_holds_a_bounded_number_of_pairs(monkeypatch):
    monkeypatch.setattr(nearby, "PAIRS", 20_000)
    monkeypatch.setattr(reach, "_LISTED", 20_000)
    monkeypatch.setattr(queries_module, "KEPT_PAIRS", 0)
    rng = np.random.default_rng(2)
    sites = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(*rng.uniform(-3, 3, (2, 4000))), crs=4326
    )
    layer = frame(shapely.points(rng.uniform(-3, 3, (300, 2))), mw=rng.normal(size=300))
    most, listed = [], []
    ask, one_by_one = spatial.pairs_within, reach.Reach._one_by_one
    monkeypatch.setattr(
        spatial,
        "pairs_within",
        lambda *args: most.append(len(pairs := ask(*args))) or pairs,
    )
    monkeypatch.setattr(
        reach.Reach,
        "_one_by_one",
        lambda own: listed.append(len(pairs := one_by_one(own))) or pairs,
    )
    count = ss.Within(layer, radius_km=500, count=True)(sites).sum()
    assert not most
    assert not listed
    # Distances are asked pair by pair; sums of no whole numbers are added in order.
    ss.Within(layer, radius_km=500, count=True, decay="linear")(sites)
    assert sum(most) == count > 500_000
    assert max(most) <= 20_000
    ss.Within(layer, radius_km=500, sum="mw")(sites)
    assert sum(listed) == count
    assert max(listed) <= 20_000 + len(layer)
