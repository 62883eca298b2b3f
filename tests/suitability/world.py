"""Small worlds to score in, and slow, plain answers to compare with."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio
import shapely
from affine import Affine
from hypothesis import strategies as st
from layers.oracle import distances_km
from shapely import LineString, Point, box

GEOD = pyproj.Geod(ellps="WGS84")
WEST, SOUTH = -98.0, 31.0

# Places on a grid of 0.1 degree, so that coincidence is drawn too; shifted a
# little, so that no site lies on the edge of a polygon.
steps = st.integers(0, 30).map(lambda k: k / 10)
figures = st.one_of(
    st.none(),
    st.integers(-50, 500).map(float),
    st.floats(-1e6, 1e6, allow_nan=False),
)


def frame(geoms, crs=4326, index=None, **columns):
    """Return a layer or candidates; None in a column is NaN."""
    return gpd.GeoDataFrame(columns, geometry=list(geoms), crs=crs, index=index)


@st.composite
def places(draw, least=1, most=6, shift=0.0137):
    """Draw candidates: points with odd labels and a column of their own."""
    n = draw(st.integers(least, most))
    xs = draw(st.lists(steps, min_size=n, max_size=n))
    ys = draw(st.lists(steps, min_size=n, max_size=n))
    labels = draw(st.lists(st.integers(-99, 99), min_size=n, max_size=n, unique=True))
    own = draw(st.lists(figures, min_size=n, max_size=n))
    return frame(
        [
            Point(WEST + x + shift, SOUTH + y + shift)
            for x, y in zip(xs, ys, strict=True)
        ],
        index=pd.Index(labels, name="site"),
        acres=np.array(own, dtype=float),
    )


@st.composite
def features(draw, kinds=("point", "line", "polygon"), most=6):
    """Draw a layer with a figure (maybe missing) and a label per feature."""
    n = draw(st.integers(1, most))
    geoms = []
    for _ in range(n):
        kind = draw(st.sampled_from(kinds))
        x, y = WEST + draw(steps), SOUTH + draw(steps)
        if kind == "point":
            geoms.append(Point(x, y))
        elif kind == "line":
            geoms.append(
                LineString([(x, y), (x + 0.31 + draw(steps) / 3, y + draw(steps) / 3)])
            )
        else:
            size = draw(st.sampled_from([0.05, 0.4, 1.1]))
            geoms.append(box(x, y, x + size, y + size))
    return frame(
        geoms,
        mw=np.array(draw(st.lists(figures, min_size=n, max_size=n)), dtype=float),
        zone=draw(
            st.lists(st.sampled_from(["4A", "5A", None]), min_size=n, max_size=n)
        ),
    )


def plain_distances(sites, layer):
    """Return all distances [km], measured one by one."""
    return distances_km(list(sites.to_crs(4326).geometry), list(layer.geometry))


def plain_nearest(sites, layer, column=None, k=1):
    """Return distance to the k-th nearest feature, or the figure it carries."""
    out = []
    for row in plain_distances(sites, layer):
        order = sorted(range(len(row)), key=lambda j: (round(row[j], 6), j))
        if k > len(order):
            out.append(np.nan)
        else:
            at = order[k - 1]
            out.append(row[at] if column is None else layer[column].iloc[at])
    return out


def plain_within(sites, layer, km, statistic, column=None, skip=False):
    """Return count, sum, mean or max of the features within a radius."""
    out = []
    for row in plain_distances(sites, layer):
        near = row <= km
        if statistic == "count":
            out.append(float(near.sum()))
            continue
        found = layer[column].to_numpy()[near]
        known = found[~np.isnan(found)]
        if not len(found):
            out.append(np.nan if statistic == "mean" else 0.0)
        elif not len(known):
            out.append(np.nan)
        elif statistic == "max":
            out.append(known.max())
        elif len(known) < len(found) and not skip:
            out.append(np.nan)
        else:
            out.append(known.sum() if statistic == "sum" else known.mean())
    return out


def plain_at(sites, layer, column):
    """Return the figure of the first polygon that holds each site."""
    out = []
    for point in sites.to_crs(4326).geometry:
        holds = [j for j, p in enumerate(layer.geometry) if p.contains(point)]
        out.append(layer[column].iloc[holds[0]] if holds else np.nan)
    return out


def write_raster(path, values, *, west=WEST, north=34.0, cell=0.5, **profile):
    """Write bands of figures as a GeoTIFF with -9999 for unknown."""
    values = np.atleast_3d(np.asarray(values, dtype="float32"))
    if values.shape[-1] == 1:
        values = np.moveaxis(values, -1, 0)
    bands, rows, columns = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=columns,
        height=rows,
        count=bands,
        dtype="float32",
        crs="EPSG:4326",
        nodata=-9999,
        transform=Affine(cell, 0, west, 0, -cell, north),
        **profile,
    ) as out:
        out.write(np.where(np.isnan(values), -9999, values))
    return path


def same(found, wanted, rtol=1e-9, atol=1e-9):
    """Assert equal figures, NaN beside NaN."""
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), np.asarray(wanted, dtype=float), rtol, atol
    )


def area_km2(polygon):
    """Return the area of a lon/lat polygon on the ellipsoid [km2]."""
    return abs(GEOD.geometry_area_perimeter(shapely.segmentize(polygon, 0.05))[0]) / 1e6


#: How a layer across the antimeridian may be written.
WRITINGS = ("beyond 180", "beyond -180", "cut", "3460", "3832", "2193")


def written(geoms, way):
    """Return polygons from 170 to 190 degrees of longitude, written in a way.

    Edges are short, so that they are as straight in a projection, and their ends
    are rounded, so that neighbors have them in common.
    """
    fine = shapely.segmentize(np.asarray(geoms, dtype=object), 0.02)
    rounded = shapely.transform(fine, lambda xy: np.round(xy, 9))
    layer = gpd.GeoSeries(list(rounded), crs=4326)
    if way == "beyond 180":
        return layer
    if way == "beyond -180":
        return layer.translate(-360)
    if way != "cut":
        return layer.to_crs(int(way))
    east = layer.intersection(box(180, -90, 190, 90)).translate(-360)
    halves = zip(layer.intersection(box(170, -90, 180, 90)), east, strict=True)
    both = [[h for h in half if h.area > 0] for half in halves]
    return gpd.GeoSeries([shapely.union_all(half) for half in both], crs=4326)


def moved_west(sites):
    """Return where points from 170 to 190 degrees lie when moved west by 100."""
    xy = sites.get_coordinates().to_numpy()
    return np.column_stack([xy[:, 0] % 360 - 100, xy[:, 1]])
