"""The paper of one map: its boxes in points, its scale and what it reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from siteselect.reporting.plan_like import is_area

Floats = NDArray[np.float64]
#: Room at the edges of the paper, and between the pieces on it [pt].
EDGE = 4.0
GAP = 5.0


@dataclass(frozen=True)
class Sheet:
    """The paper of one map: its boxes in points and its scale."""

    width: float
    height: float
    map_left: float
    map_bottom: float
    map_width: float
    map_height: float
    center: tuple[float, float]
    units_per_point: float
    crs: CRS

    @property
    def room(self) -> tuple[float, float, float, float]:
        """Return the map's box on paper [pt]."""
        return (
            self.map_left,
            self.map_bottom,
            self.map_left + self.map_width,
            self.map_bottom + self.map_height,
        )

    def to_paper(self, xy: Floats) -> Floats:
        """Turn map units into points of paper."""
        middle = np.array(
            [
                self.map_left + self.map_width / 2,
                self.map_bottom + self.map_height / 2,
            ]
        )
        paper: Floats = (xy - np.array(self.center)) / self.units_per_point + middle
        return paper

    def to_map(self, paper: Floats) -> Floats:
        """Turn points of paper into map units."""
        middle = np.array(
            [
                self.map_left + self.map_width / 2,
                self.map_bottom + self.map_height / 2,
            ]
        )
        xy: Floats = (paper - middle) * self.units_per_point + np.array(self.center)
        return xy

    def limits(self) -> tuple[float, float, float, float]:
        """Return the axes' limits: left, right, bottom, top [map unit]."""
        s = self.units_per_point
        x0 = self.center[0] - s * (self.map_left + self.map_width / 2)
        y0 = self.center[1] - s * (self.map_bottom + self.map_height / 2)
        return x0, x0 + s * self.width, y0, y0 + s * self.height

    def extent(self) -> tuple[float, float, float, float]:
        """Return the map box: west, south, east, north [map unit]."""
        s = self.units_per_point
        x, y = self.center
        half_x, half_y = s * self.map_width / 2, s * self.map_height / 2
        return x - half_x, y - half_y, x + half_x, y + half_y


def fit_sheet(
    extent: tuple[float, float, float, float],
    crs: CRS,
    width: float,
    height: float | None,
    above: float,
    below: float,
    most: float = math.inf,
) -> Sheet:
    """Fit an extent into the paper between the title and the strip."""
    west, south, east, north = extent
    margin = 0.04 * max(east - west, north - south)
    wide, tall = east - west + 2 * margin, north - south + 2 * margin
    inner = width - 2 * EDGE
    if height is None:
        map_height = inner * min(max(tall / wide, 0.5), 0.92)
        map_height = min(map_height, max(most - above - below - 2 * EDGE, 0.3 * inner))
        height = above + map_height + below + 2 * EDGE
    else:
        map_height = max(height - above - below - 2 * EDGE, 0.25 * height)
    scale = max(wide / inner, tall / map_height)
    return Sheet(
        width=width,
        height=height,
        map_left=EDGE,
        map_bottom=height - above - map_height - EDGE,
        map_width=inner,
        map_height=map_height,
        center=((west + east) / 2, (south + north) / 2),
        units_per_point=scale,
        crs=crs,
    )


def extent_of(
    frames: Sequence[gpd.GeoDataFrame],
    base: gpd.GeoDataFrame | None,
    crs: CRS,
) -> tuple[float, float, float, float]:
    """Return west, south, east, north in the map's projection."""
    boxes = []
    for frame in frames:
        if len(frame):
            x0, y0, x1, y1 = frame.geometry.to_crs(crs).total_bounds
            pad = 0.0
            if is_area(frame):
                pad = 500.0 * float(np.nanmax(frame["cell_km"].to_numpy(dtype=float)))
            boxes.append((x0 - pad, y0 - pad, x1 + pad, y1 + pad))
    if not boxes and base is not None and len(base):
        boxes.append(tuple(base.geometry.to_crs(crs).total_bounds))
    if not boxes:
        boxes.append((-2.3e6, 0.3e6, 2.3e6, 3.2e6))
    every = np.asarray(boxes, dtype=float)
    west, south = every[:, :2].min(axis=0)
    east, north = every[:, 2:].max(axis=0)
    least = 2_000.0
    if east - west < least and north - south < least:
        x, y = (west + east) / 2, (south + north) / 2
        least = 20_000.0
        return x - least, y - least, x + least, y + least
    return float(west), float(south), float(east), float(north)


def middle_of(extent: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the middle of west, south, east, north."""
    return (extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2
