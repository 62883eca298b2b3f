"""Label placement on paper: free of overlap, inside the room, the same each time."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from reporting.artists import boxes_of, named, named_everywhere
from reporting.toy_plans import toy_candidates, toy_plan
from shapely.geometry import LineString, Point, box

from siteselect.reporting import plot_plan
from siteselect.reporting.labels import place_labels, text_size, wrap

ROOM = (0.0, 0.0, 480.0, 300.0)


def overlapping(low, sizes):
    high = low + sizes
    hit = (low[:, None] < high[None]).all(axis=2) & (high[:, None] > low[None]).all(
        axis=2
    )
    return int(np.triu(hit, 1).sum())


@pytest.mark.parametrize("seed", range(20))
def test_boxes_never_overlap_nor_leave_the_room(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    spread = 1.0 if seed % 2 else 0.15
    anchors = 150 + spread * (rng.uniform((0, 0), (480, 300), (n, 2)) - 150)
    sizes = rng.uniform((25, 8), (75, 18), (n, 2))
    blocked = [(200.0, 100.0, 260.0, 150.0)]
    put = place_labels(anchors, np.full(n, 4.0), sizes, ROOM, obstacles=blocked)
    again = place_labels(anchors, np.full(n, 4.0), sizes, ROOM, obstacles=blocked)
    np.testing.assert_array_equal(put.lower_left, again.lower_left)
    low, size = put.lower_left[put.is_placed], sizes[put.is_placed]
    assert overlapping(low, size) == 0
    assert (low >= ROOM[:2]).all()
    assert (low + size <= ROOM[2:]).all()
    with_block = np.vstack([low, blocked[0][:2]])
    assert overlapping(with_block, np.vstack([size, (60.0, 50.0)])) == 0


def lines_of(put):
    return [
        LineString([put.start[i], put.leader[i]]) for i in np.flatnonzero(put.is_placed)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_leader_enters_a_label_nor_crosses_a_leader_or_a_line(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30, 70))
    spread = 1.0 if seed % 2 else 0.3
    anchors = 150 + spread * (rng.uniform((0, 0), (480, 300), (n, 2)) - 150)
    sizes = rng.uniform((25, 8), (60, 18), (n, 2))
    blocked, line = (200.0, 100.0, 260.0, 150.0), (20.0, 290.0, 460.0, 240.0)
    put = place_labels(
        anchors,
        np.full(n, 4.0),
        sizes,
        ROOM,
        obstacles=[blocked],
        lines=[line],
        longest=90.0,
    )
    rows = np.flatnonzero(put.is_placed)
    assert len(rows) >= 10
    boxes = [box(*put.lower_left[i], *(put.lower_left[i] + sizes[i])) for i in rows]
    leaders, fixed = lines_of(put), LineString(np.reshape(line, (2, 2)))
    for k, leader in enumerate(leaders):
        others = [b for j, b in enumerate(boxes) if j != k]
        assert not any(leader.intersects(b) for b in others)
        assert not any(leader.crosses(other) for other in leaders[k + 1 :])
        assert not fixed.intersects(boxes[k])
        assert not leader.crosses(fixed)
        starts_under = Point(anchors[rows[k]]).intersects(box(*blocked))
        assert starts_under or not leader.intersects(box(*blocked))
        # Nor does it run across the middle of another place.
        for j in np.flatnonzero(np.arange(n) != rows[k]):
            apart = np.hypot(*(anchors[j] - anchors[rows[k]])) > 3.0
            assert not apart or leader.distance(Point(anchors[j])) >= 2.0 - 1e-9


def test_where_room_is_short_the_important_are_labelled():
    # Four places in a row, room for few names.
    anchors = [(20.0, 20.0), (24.0, 20.0), (28.0, 20.0), (32.0, 20.0)]
    sizes, room = [(40.0, 9.0)] * 4, (0.0, 8.0, 52.0, 32.0)
    for weight in np.eye(4):
        put = place_labels(anchors, [1.5] * 4, sizes, room, importance=weight)
        assert 0 < put.is_placed.sum() < 4
        assert put.is_placed[weight.argmax()]


def test_the_leaders_of_sixty_crowded_sites_touch_no_other_label():
    frame = toy_candidates(spacing_km=60)
    for preset in ("page", "slide", "column"):
        plan = toy_plan(60, frame, clustered=True)
        ax = plot_plan(plan, base=False, preset=preset, inset=False)
        labels, leaders = boxes_of(named(ax, "label")), named(ax, "leader")
        said = [t.get_text() for t in named(ax, "left-out")]
        count = len(plan.sites) - len(labels)
        assert leaders
        assert (not said and not count) or said[0].startswith(f"{count} label")
        for leader in leaders:
            ends = leader.get_transform().transform(np.column_stack(leader.get_data()))
            hit = [LineString(ends).intersects(box(*b)) for b in labels]
            assert sum(hit) <= 1
        plt.close(ax.figure)


def test_a_label_without_room_is_said_to_have_none():
    put = place_labels([(10, 10)], [2], [(100, 9)], (0, 0, 50, 50))
    assert not put.is_placed[0]
    assert np.isnan(put.lower_left).all()


def test_crowded_labels_take_two_lines_then_names_alone_and_few_take_one():
    frame = toy_candidates(spacing_km=90)
    for n, seed, lines in ((4, 1, 1), (50, 3, 2), (60, 2, 0)):
        ax = plot_plan(toy_plan(n, frame, seed=seed), base=False)
        texts = [t.get_text() for t in named_everywhere(ax, "label")]
        assert len(texts) == n
        # An inset has room of its own: its labels may stay on one line.
        outside = [t.get_text() for t in named(ax, "label")]
        assert all(("\n" in text) == (lines == 2) for text in outside)
        assert all(text.endswith(" MW") == (lines > 0) for text in outside)
        plt.close(ax.figure)


def test_wrapped_lines_fit_and_keep_every_word():
    text = "Sources: " + "a layer with a long name, " * 9 + "x" * 300
    lines = wrap(text, 150, 7)
    assert all(text_size(line, 7)[0] <= 150 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
