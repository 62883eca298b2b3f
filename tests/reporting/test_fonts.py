"""Letters of any script on maps: their order, their fonts, and one word where none."""

from __future__ import annotations

import io
import warnings

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pytest
from reporting.artists import named
from reporting.toy_plans import toy_plan

import siteselect as ss
from siteselect.reporting import fonts
from siteselect.reporting.picks import _label_texts

#: An Anatolian hieroglyph: the font of the session does not have it.
NOBODYS = "\U00014400"


def plan_of(*names):
    frame = gpd.GeoDataFrame(
        {"score": 0.5, "capacity_mw": 100.0},
        geometry=gpd.points_from_xy(np.linspace(-100, -99, len(names)), 32),
        crs=4326,
        index=list(names),
    )
    return toy_plan(0, frame, sites=frame.assign(mw=100.0))


def drawn(*names):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        ax = ss.plot_plan(plan_of(*names), base=False)
        for kind in ("png", "svg", "pdf"):
            ax.figure.savefig(io.BytesIO(), format=kind)
    texts = [text.get_text() for text in named(ax, "label")]
    plt.close(ax.figure)
    return texts, heard


def test_a_name_does_not_swap_the_parts_of_its_label(monkeypatch):
    sites = plan_of("מגרש 7", "plot 7").sites
    monkeypatch.setattr(fonts, "_IS_SHAPED", True)
    assert _label_texts(sites, None, " · ") == [
        "\u2068מגרש 7\u2069 · 100 MW",
        "plot 7 · 100 MW",
    ]
    assert _label_texts(sites, None, None) == ["מגרש 7", "plot 7"]
    monkeypatch.setattr(fonts, "_IS_SHAPED", False)
    assert _label_texts(sites, None, "\n")[0] == "מגרש 7\n100 MW"


@pytest.mark.parametrize("name", ["", "  ", "\u202e", "\n"])
def test_a_site_without_a_name_is_called_by_its_megawatts(name):
    for between in (" · ", "\n", None):
        assert _label_texts(plan_of(name).sites, None, between) == ["100 MW"]


def test_letters_that_no_font_has_are_said_once(monkeypatch):
    monkeypatch.setattr(fonts, "_family_with", lambda c: None)
    texts, heard = drawn(f"one {NOBODYS}", f"two {NOBODYS}{NOBODYS}")
    assert len(texts) == 2
    (only,) = heard
    assert only.category is ss.SiteSelectWarning
    assert f"no installed font has: {NOBODYS}." in str(only.message)


def test_letters_of_a_fallback_font_are_drawn_in_it(monkeypatch):
    monkeypatch.setattr(
        fonts, "_family_with", lambda c: "STIXGeneral" if c == NOBODYS else None
    )
    assert fonts.families_for(f"x{NOBODYS}")[-1] == "STIXGeneral"
    assert not drawn(NOBODYS)[1]


def test_the_font_of_the_session_is_enough_for_most_names():
    assert fonts.families_for("Łódź–Zürich · 100 m² …") is None
    assert fonts._family_with("ל") is not None
    # No letter at all: fonts of last resort draw a box for it.
    assert fonts._family_with("\U000e0999") is None
