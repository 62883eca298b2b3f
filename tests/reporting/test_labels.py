"""Label placement on paper: free of overlap, inside the room, the same each time."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from reporting.artists import named, named_everywhere
from reporting.toy_plans import toy_candidates, toy_plan

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


def test_a_label_without_room_is_said_to_have_none():
    put = place_labels([(10, 10)], [2], [(100, 9)], (0, 0, 50, 50))
    assert not put.is_placed[0]
    assert np.isnan(put.lower_left).all()


def test_crowded_labels_take_two_lines_and_few_take_one():
    frame = toy_candidates(spacing_km=90)
    for n, is_split in ((4, False), (60, True)):
        ax = plot_plan(toy_plan(n, frame, seed=1), base=False)
        texts = [t.get_text() for t in named_everywhere(ax, "label")]
        assert len(texts) == n
        # An inset has room of its own: its labels may stay on one line.
        outside = [t.get_text() for t in named(ax, "label")]
        assert all(("\n" in text) == is_split for text in outside)
        assert all(text.endswith(" MW") for text in texts)
        plt.close(ax.figure)


def test_wrapped_lines_fit_and_keep_every_word():
    text = "Sources: " + "a layer with a long name, " * 9 + "x" * 300
    lines = wrap(text, 150, 7)
    assert all(text_size(line, 7)[0] <= 150 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
