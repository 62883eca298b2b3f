"""Cards for notebooks: escaped, short, without a color of their own."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import siteselect as ss
from siteselect.infrastructure.grid import Network
from siteselect.layers.cards import card, in_short, stated_fields

BAD = '"><script>alert(1)</script><img src=x onerror=a>\x1b[0m\u202e'


class Seen(HTMLParser):
    """Collects the elements and the text of a page, and checks that they nest."""

    def __init__(self, page):
        super().__init__()
        self.kinds, self.open, self.text = set(), [], ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.kinds.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.kinds.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def network():
    return Network.from_tables(
        pd.DataFrame({"bus": [1, 2], "base_kv": [230.0, 345.0], "load_mw": [0.0, 80]}),
        pd.DataFrame(
            {
                "branch": ["a", "b"],
                "from_bus": 1,
                "to_bus": 2,
                "x_pu": 0.1,
                "rating_mva": [100.0, np.inf],
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    )


def plan():
    sites = gpd.GeoDataFrame(
        {"score": np.linspace(0.2, 0.9, 30), "capacity_mw": 100.0, "county": "x"},
        geometry=gpd.points_from_xy(np.linspace(-100, -90, 30), [32] * 30),
        crs=4326,
        index=[BAD, *range(29)],
    )
    water = ss.Limit(f"water {BAD[:40]}", per_mw=1, by="county", at_most=1e6)
    return ss.optimize_sites(
        sites, power_mw=(3000, 3000), site_mw=[100], limits=[water]
    )


SHOWN = {
    "plan": plan,
    "criterion": lambda: ss.Criterion(BAD, ss.Column(BAD), ss.Rising(100, 500)),
    "labels": lambda: ss.Criterion("z", ss.Column("z"), ss.Categories({BAD: 1.0})),
    "function": lambda: ss.Criterion("own", lambda f: f["a"], np.sqrt),
    "limit": lambda: ss.Limit(
        BAD[:40], per_mw=pd.Series([1.0, 2.0]), by="county", at_most={BAD: 5e6}
    ),
    "average": lambda: ss.Average("carbon", "carbon_kg_per_mwh", at_most=350),
    "spread": lambda: ss.Spread("states", by="state", at_least=3),
    "spacing": lambda: ss.Spacing(km=40),
    "choose": lambda: ss.Choose("one", sites=list(range(400)), at_most=1),
    "deliverable": lambda: ss.Deliverable(network()),
    "network": network,
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_notebook_shows_is_short_escaped_and_fits_any_theme(name):
    page = SHOWN[name]()._repr_html_()
    seen = Seen(page)
    assert not seen.kinds & {"script", "img", "style", "iframe"}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page)
    assert len(seen.text) < 4000
    assert seen.text.count("\n") < 400
    # Text and lines take the notebook's color, on its own ground.
    colors = re.findall(r"(?:color|background|stroke|fill)[:=]\s*\"?([^;\"]+)", page)
    assert set(colors) <= {"inherit", "none", "currentColor"}


def test_a_plan_lists_twenty_sites_and_counts_the_rest():
    made = plan()
    text = Seen(made._repr_html_()).text
    assert "optimal for these inputs" in text
    assert "and 10 more sites" in text
    assert "<script>alert(1)</script>" in text


def test_a_criterion_tells_its_parts_and_draws_its_curve():
    made = ss.Criterion("size", ss.Column("acres"), ss.Rising(100, 500), weight=2)
    page = made._repr_html_()
    text = Seen(page).text
    for said in ("Criterion 'size'", "acres", "Rising(a=100, b=500)", "unstated"):
        assert said in text
    points = re.search(r'points="([^"]+)"', page)[1].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == 31
    assert heights[-1] == 1


def test_a_limit_tells_what_was_given_and_only_that():
    made = ss.Limit("water", per_mw="water_m3", at_most={"a": 1, "b": 2.5}, unit="m3")
    assert stated_fields(made, but=["name"]) == [
        ("per_mw", "water_m3"),
        ("at_most", "a: 1, b: 2.5"),
        ("unit", "m3"),
    ]
    assert "Bound what the chosen sites use" in Seen(made._repr_html_()).text


def test_every_limit_of_the_library_is_shown():
    made = [
        getattr(ss, name)
        for name in ss.__all__
        if isinstance(getattr(ss, name), type)
        and {"rows", "check"} <= set(dir(getattr(ss, name)))
    ]
    assert len(made) >= 12
    assert [kind.__name__ for kind in made if not hasattr(kind, "_repr_html_")] == []


def test_a_network_tells_its_size_and_what_it_does_not_cover():
    text = Seen(network()._repr_html_()).text
    for said in ("345, 230 kV", "2, 1 without a limit", "80 of 200 MW", "voltage, s"):
        assert said in text


@given(st.text(), st.text(), st.text())
def test_any_text_stays_text(title, name, fact):
    seen = Seen(card(title, [(name, fact)]))
    assert seen.kinds <= {"div", "strong", "table", "tr", "th", "td"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1e6, "1,000,000"),
        (0.25, "0.25"),
        (np.inf, "inf"),
        (True, "yes"),
        (range(3), "range(0, 3)"),
        (list(range(8)), "0, 1, 2, 3, 4 and 3 more"),
        (np.zeros((2, 3)), "an array of 6"),
        (pd.DataFrame({"a": [1, 2]}), "a table of 2 rows"),
    ],
)
def test_arguments_in_short(value, said):
    assert in_short(value) == said
