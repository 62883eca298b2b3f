"""Colours of the maps as eyes of every kind see them, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from siteselect.reporting.comparison_maps import FIRMNESS, OTHER
from siteselect.reporting.furniture import (
    EXCLUDED,
    GROUND,
    INK,
    PICK,
    SUITABILITY,
    UNKNOWN,
)
from siteselect.reporting.network_map import LOADING

# Machado, Oliveira and Fernandes (2009), IEEE TVCG 15(6), doi:10.1109/TVCG.2009.113:
# the matrices of full severity, for linear RGB.
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colors, eye):
    """CIELAB (D65) of sRGB colours as an eye of this kind sees them."""
    rgb = np.atleast_2d(np.asarray(colors, dtype=float))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ EYES[eye].T, 0, 1)
    xyz = seen @ TO_XYZ.T / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.column_stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]
    )


def apart(one, other, eye):
    """Least CIE76 difference of any two colours of two sets."""
    a, b = lab(one, eye), lab(other, eye)
    return float(np.linalg.norm(a[:, None] - b[None], axis=2).min())


def test_the_simulation_keeps_greys_and_lowers_red_against_green():
    for eye in EYES:
        grey = lab([(0.5, 0.5, 0.5)], eye)[0]
        np.testing.assert_allclose(grey, [53.389, 0, 0], atol=0.4)
    reds = [apart([(0.8, 0.2, 0.2)], [(0.4, 0.5, 0.1)], eye) for eye in EYES]
    usual, protan, deutan, _ = reds
    assert protan < 0.6 * usual
    assert deutan < 0.6 * usual


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(
    "colors", [SUITABILITY, LOADING, FIRMNESS], ids=["suitability", "loading", "firm"]
)
def test_more_is_darker_to_every_eye(colors, eye):
    lightness = lab(colors(np.linspace(0, 1, 33)), eye)[:, 0]
    assert (np.diff(lightness) < 0).all()
    assert lightness[0] - lightness[-1] > 50
    # Ten classes of the bar can be told from their neighbours.
    tenths = colors(np.linspace(0, 1, 11))
    assert min(apart(tenths[i], tenths[i + 1], eye) for i in range(10)) > 3.5


@pytest.mark.parametrize("eye", EYES)
def test_places_stand_out_from_all_that_lies_under_them(eye):
    under = [
        *SUITABILITY(np.linspace(0, 1, 65))[:, :3],
        *(to_rgb(c) for c in (EXCLUDED, UNKNOWN, GROUND)),
    ]
    assert apart(to_rgb(PICK), under, eye) > 20
    assert apart(to_rgb(PICK), to_rgb(OTHER), eye) > 40
    assert apart(to_rgb(INK), to_rgb(PICK), eye) > 20


@pytest.mark.parametrize("eye", EYES)
def test_excluded_unknown_and_ground_are_not_taken_for_each_other(eye):
    kinds = [to_rgb(c) for c in (EXCLUDED, UNKNOWN, GROUND)]
    for i, one in enumerate(kinds):
        for other in kinds[i + 1 :]:
            assert apart(one, other, eye) > 7
    known = SUITABILITY(np.linspace(0, 1, 65))
    assert apart(to_rgb(EXCLUDED), known, eye) > 9
    assert apart(to_rgb(UNKNOWN), known, eye) > 9
