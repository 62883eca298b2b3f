"""Pictures of maps and charts without text, against those that were looked at.

``SITESELECT_NEW_PICTURES=1 pytest tests/reporting/test_pictures.py`` draws them anew;
look at them before they are kept.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text
from matplotlib_scalebar.scalebar import ScaleBar
from reporting.toy_plans import toy_candidates, toy_plan, toy_states

import siteselect as ss
from siteselect.reporting.maps import figure_of

PICTURES = Path(__file__).parent / "pictures"
#: Root mean square of the difference [of 255]: antialiasing differs by platform.
TOLERANCE = 4.0
FRAME = toy_candidates(spacing_km=90)


def plan_map():
    return ss.plot_plan(toy_plan(9, FRAME, seed=2), base=toy_states())


def plan_with_inset():
    frame = toy_candidates(spacing_km=60)
    return ss.plot_plan(toy_plan(9, frame, clustered=True), base=toy_states())


def alternatives():
    plans = [toy_plan(7, FRAME, seed=k) for k in (1, 2)]
    plans[1] = toy_plan(
        0, FRAME, sites=pd.concat([plans[0].sites.iloc[:4], plans[1].sites.iloc[:2]])
    )
    return ss.plot_alternatives(plans[0], plans[1:], base=toy_states())


def robustness():
    plan = toy_plan(6, FRAME, seed=4)
    share = pd.DataFrame({"survival": np.linspace(0, 1, 6)}, index=plan.sites.index)
    return ss.plot_robustness(plan, share, base=toy_states(), preset="column")


@pytest.mark.parametrize(
    "draw",
    [plan_map, plan_with_inset, alternatives, robustness],
    ids=lambda f: f.__name__,
)
def test_the_picture_is_the_one_that_was_looked_at(draw, tmp_path):
    with plt.rc_context({"text.hinting": "none", "path.simplify": False}):
        figure = figure_of(draw())
        for text in figure.findobj(Text):
            text.set_alpha(0)
            if hasattr(text, "_halo_pt"):
                text._halo_pt = 0.0
        for bar in figure.findobj(ScaleBar):
            bar.set_visible(False)
        found = tmp_path / f"{draw.__name__}.png"
        figure.savefig(found, dpi=60, metadata={"Software": None})
    plt.close(figure)
    kept = PICTURES / found.name
    if os.environ.get("SITESELECT_NEW_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        shutil.copy(found, kept)
    expected = shutil.copy(kept, tmp_path / f"kept-{found.name}")
    assert compare_images(expected, str(found), TOLERANCE) is None
