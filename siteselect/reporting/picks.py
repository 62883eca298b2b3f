"""The chosen places on a map: circles by megawatts, with labels and leader lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from siteselect.reporting import furniture as pieces
from siteselect.reporting.fonts import isolated, plain_name
from siteselect.reporting.furniture import Block
from siteselect.reporting.labels import Placement, place_labels, text_size
from siteselect.reporting.map_layers import points_on_map
from siteselect.reporting.sheet import Sheet

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MwScale:
    """How large the circle of a place is: its area follows its megawatts.

    Parameters
    ----------
    shown_mw : tuple of float
        Sizes that a legend shows [MW].
    largest_mw : float
        Megawatts of the largest circle [MW].
    count : int
        Places on one map [count]; where they are many, circles are smaller.
    """

    shown_mw: tuple[float, ...]
    largest_mw: float
    count: int

    @classmethod
    def of(cls, megawatts: Sequence[float], count: int) -> MwScale:
        """Return the scale that suits so many megawatts on each of the places."""
        known = np.asarray(megawatts, dtype=float)
        shown = pieces.legend_megawatts(list(known))
        largest = max([*shown, *known[np.isfinite(known)], 1.0])
        return cls(tuple(shown), float(largest), count)

    def radius_pt(self, mw: float, most_pt: float) -> float:
        """Return the radius of a circle [pt], ``most_pt`` where nothing is crowded."""
        if not math.isfinite(mw) or mw <= 0:
            return 1.5
        shrink = min(1.0, max(0.6, math.sqrt(20 / max(self.count, 1))))
        return max(most_pt * shrink * math.sqrt(mw / self.largest_mw), 1.5)


def _no_legend(text_pt: float, width_pt: float) -> list[Block]:
    return []


@dataclass(frozen=True)
class Marks:
    """How the places of a map are drawn where they are not all alike.

    Parameters
    ----------
    faces : sequence of colour, one a place
        Colour of each circle.
    edges : sequence of colour, one a place
        Colour of its outline.
    texts : sequence of str, one a place
        What stands after the name of each, "" for the name alone.
    kinds : sequence of str, one a place
        Kind of each place; those of a kind are drawn together, as ``picks-<kind>``.
    legend : callable
        ``legend(text_pt, width_pt)`` returns blocks that say what the colours mean.
    """

    faces: Sequence[Any]
    edges: Sequence[Any]
    texts: Sequence[str]
    kinds: Sequence[str]
    legend: Callable[[float, float], list[Block]] = _no_legend

    def at(self, rows: NDArray[np.intp]) -> Marks:
        """Return the marks of some places."""
        return Marks(
            [self.faces[i] for i in rows],
            [self.edges[i] for i in rows],
            [self.texts[i] for i in rows],
            [self.kinds[i] for i in rows],
            self.legend,
        )


def _said_of(sites: gpd.GeoDataFrame, marks: Marks | None) -> list[str]:
    """Return what is said of each place after its name."""
    if marks is not None:
        return list(marks.texts)
    if "mw" not in sites.columns:
        return [""] * len(sites)
    return [
        f"{mw:,.0f} MW" if mw >= 10 else f"{mw:.3g} MW"
        for mw in sites["mw"].to_numpy(dtype=float)
    ]


def _label_texts(
    sites: gpd.GeoDataFrame, marks: Marks | None, between: str | None
) -> list[str]:
    """Return name and megawatts of each place, or its name alone."""
    names = [plain_name(i) for i in sites.index]
    said = _said_of(sites, marks)
    if between is None:
        return [name or text for name, text in zip(names, said, strict=True)]
    return [
        f"{isolated(name)}{between}{text}" if name and text else name or text
        for name, text in zip(names, said, strict=True)
    ]


@dataclass(frozen=True)
class Labels:
    """Labels with their places on paper, not yet drawn.

    Parameters
    ----------
    texts : list of str
        What is written.
    anchors : ndarray of float, shape (n, 2)
        The places [pt].
    radii : ndarray of float, shape (n,)
        Radius of each circle [pt].
    put : Placement
        Where each label stands.
    """

    texts: list[str]
    anchors: Floats
    radii: Floats
    put: Placement

    @property
    def left_out(self) -> int:
        """How many labels found no room."""
        return int((~self.put.is_placed).sum())


def _longest_leader(sheet: Sheet) -> float:
    """Return how far a label may stand from its place before it says little [pt]."""
    return max(48.0, 0.17 * max(sheet.map_width, sheet.map_height))


def radii_of(
    sites: gpd.GeoDataFrame, radius_of: Callable[[float], float]
) -> NDArray[np.float64]:
    """Return the radius of each place's circle [pt]."""
    if "mw" not in sites.columns:
        return np.full(len(sites), radius_of(1.0))
    return np.array([radius_of(float(v)) for v in sites["mw"].to_numpy(dtype=float)])


def draw_picks(
    ax: Axes,
    sites: gpd.GeoDataFrame,
    sheet: Sheet,
    clip: Rectangle,
    radius_of: Callable[[float], float],
    marks: Marks | None = None,
) -> None:
    """Draw the places as circles, large ones first so that small ones stay on top."""
    if not len(sites):
        return
    xy = points_on_map(sites, sheet.crs)
    radii = radii_of(sites, radius_of)
    order = np.argsort(-radii, kind="stable")
    if marks is None:
        groups = {"picks": order}
    else:
        kinds = np.asarray(marks.kinds, dtype=object)
        groups = {
            f"picks-{kind}" if kind else "picks": order[kinds[order] == kind]
            for kind in dict.fromkeys(kinds.tolist())
        }
    for gid, rows in groups.items():
        drawn = ax.scatter(
            xy[rows, 0],
            xy[rows, 1],
            s=(2 * radii[rows]) ** 2,
            c=pieces.PICK if marks is None else [marks.faces[i] for i in rows],
            edgecolors="white" if marks is None else [marks.edges[i] for i in rows],
            linewidths=0.7 if marks is None else 1.1,
            zorder=8,
            gid=gid,
        )
        drawn.set_clip_path(clip)


def place_picks(
    sites: gpd.GeoDataFrame,
    sheet: Sheet,
    radius_of: Callable[[float], float],
    size: float,
    *,
    marks: Marks | None = None,
    tags: gpd.GeoDataFrame | None = None,
    obstacles: Sequence[tuple[float, float, float, float]] = (),
    lines: Sequence[tuple[float, float, float, float]] = (),
    reserve: tuple[float, float, float, float] | None = None,
) -> Labels:
    """Choose where the labels of places stand: name and megawatts, or the name alone.

    Parameters
    ----------
    sites : GeoDataFrame
        The places.
    sheet : Sheet
        The paper.
    radius_of : callable
        Radius of a circle [pt] of so many megawatts.
    size : float
        Type size [pt].
    marks : Marks, optional
        What is said of each place.
    tags : GeoDataFrame, optional
        Other points to be labelled among them, with a column ``text``.
    obstacles : sequence of box
        Boxes on paper that no label covers [pt].
    lines : sequence of tuple
        Lines on paper from x, y to x, y that no label and no leader crosses [pt].
    reserve : box, optional
        A box that is kept free where some labels are left out, to say so [pt].

    Returns
    -------
    Labels
        On one line or two as they fit better; names alone where that leaves more
        room.
    """
    paper = sheet.to_paper(points_on_map(sites, sheet.crs))
    radii = radii_of(sites, radius_of)
    more: list[str] = []
    if tags is not None and len(tags):
        more = tags["text"].tolist()
        paper = np.vstack([paper, sheet.to_paper(points_on_map(tags, sheet.crs))])
        radii = np.concatenate([radii, np.full(len(tags), 1.5)])
    # Large sites are named first; what is not chosen comes after them.
    importance = np.full(len(paper), -np.inf)
    importance[: len(sites)] = 0.0
    if "mw" in sites.columns:
        mw = sites["mw"].to_numpy(dtype=float, na_value=np.nan)
        importance[: len(sites)] = np.nan_to_num(mw, nan=0.0)
    left, bottom, right, top = sheet.room
    room = (left + 2, bottom + 2, right - 2, top - 2)
    blocked = [tuple(box) for box in obstacles]

    # Two lines read a little worse than one.
    ways: tuple[tuple[str | None, float], ...]
    ways = ((" · ", 0.0), ("\n", 6.0), (None, 0.0))

    def tried(
        boxes: list[tuple[float, ...]], ways: tuple[tuple[str | None, float], ...]
    ) -> tuple[Labels, str | None]:
        best: tuple[tuple[int, float], Labels, str | None] | None = None
        for between, extra in ways:
            if between is None and best is not None and not best[0][0]:
                break
            texts = [*_label_texts(sites, marks, between), *more]
            sizes = np.array([text_size(t, size) for t in texts]).reshape(-1, 2)
            # Renderers round glyphs to pixels; two points more keep boxes apart.
            put = place_labels(
                paper,
                radii,
                sizes + np.array([2.0, 0.4]),
                room,
                obstacles=np.array(boxes).reshape(-1, 4),
                lines=np.array(lines).reshape(-1, 4),
                importance=importance,
                longest=_longest_leader(sheet),
            )
            labels = Labels(texts, paper, radii, put)
            key = (labels.left_out, put.cost + extra * len(sites))
            if best is None or key < best[0]:
                best = key, labels, between
        assert best is not None
        return best[1:]

    found, between = tried(blocked, ways)
    if found.left_out and reserve is not None:
        return tried([*blocked, reserve], ((between, 0.0),))[0]
    return found


def draw_labels(ax: Axes, labels: Labels, size: float) -> None:
    """Write the labels that found room, with a line back to each place."""
    points = pieces.points_of_axes(ax)
    put, paper, radii = labels.put, labels.anchors, labels.radii
    for i in np.flatnonzero(put.is_placed):
        corner, box = put.lower_left[i], put.sizes[i]
        start, tip = put.start[i], put.leader[i]
        if float(np.hypot(*(tip - paper[i]))) > radii[i] + 3.5:
            ax.plot(
                [start[0], tip[0]],
                [start[1], tip[1]],
                transform=points,
                color=pieces.INK,
                linewidth=0.5,
                solid_capstyle="butt",
                zorder=9,
                gid="leader",
                scalex=False,
                scaley=False,
            )
        label = pieces.write_text(
            ax,
            points,
            float(corner[0] + box[0] / 2),
            float(corner[1] + box[1] / 2),
            labels.texts[i],
            size,
            gid="label",
            ha="center",
            va="center",
            halo_pt=1.8 * size / 7.5,
        )
        label.set_linespacing(1.0)
        label.set_zorder(10)
