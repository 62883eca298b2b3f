"""The report: what it says, that it escapes, that it makes no request."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from reporting.toy_plans import HOSTILE, toy_candidates, toy_plan

import siteselect as ss
from siteselect.errors import LayerError, SolverError
from siteselect.reporting import NOT_CHECKED, report

FILES = [
    "limits.csv",
    "map.pdf",
    "map.png",
    "map.svg",
    "plan.json",
    "report.html",
    "sites.csv",
    "sites.gpkg",
    "tables.xlsx",
]


class Page(HTMLParser):
    """Collect elements, addresses and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []
        self.is_style = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.is_style = tag == "style"
        for name, value in attrs:
            if name in {"src", "href", "srcset", "action", "data", "poster"}:
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data):
        if not self.is_style:
            self.words.append(data)

    def handle_endtag(self, tag):
        self.is_style = False

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def frame():
    return toy_candidates(spacing_km=120)


@pytest.fixture(scope="module")
def written(frame, tmp_path_factory):
    """Write one report for all tests that only read it."""
    folder = tmp_path_factory.mktemp("report") / "deep" / "er"
    plan = toy_plan(6, frame, seed=1)
    path = report(plan, folder)
    return plan, path, Page(path.read_text(encoding="utf-8"))


def test_all_files_are_there_and_no_figure_stays_open(written):
    _, path, _ = written
    assert sorted(p.name for p in path.parent.iterdir()) == FILES
    assert not plt.get_fignums()
    assert (path.parent / "map.png").read_bytes()[:4] == b"\x89PNG"


def test_the_page_says_what_a_director_asks(written):
    plan, _, page = written
    said = page.text
    total = plan.sites["mw"].sum()
    assert f"{total:,.0f} MW in 6 search areas" in said
    assert "Optimal for these inputs (gap 0.0037 %)" in said
    assert "synthetic network - model buses, not real facilities" in said
    assert "Limits that bind: power" in said
    assert "synthetic 60.0 %" in said
    assert "not a parcel" in said
    for item in NOT_CHECKED:
        assert item.topic in said
        assert item.bring in said
    for label in plan.sites.index:
        assert label in said
    assert "2,431.7200 score" in said
    assert "2,431.8100 score" in said
    assert "A note." in said
    assert "NASA GLDAS-2.1" in said
    assert "CC0-1.0" in said


def test_the_first_screen_holds_the_caveats(written):
    _, path, _ = written
    text = path.read_text(encoding="utf-8")
    summary = text[text.index('id="summary"') : text.index('id="map"')]
    assert "Not checked:" in summary
    assert "model buses" in summary
    assert "weight rests on" in summary


def test_limits_show_use_and_price(written):
    _, _, page = written
    assert "power between 3,000 3,000" in page.text
    assert "$45.00 billion" in page.text
    assert "0.8" in page.text


def test_no_request_leaves_the_page(written):
    _, path, page = written
    text = path.read_text(encoding="utf-8")
    assert page.addresses
    assert all(a.startswith("data:image/png;base64,") for a in page.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:|//)""", text)
    assert "url(" not in text
    assert "@import" not in text


def test_hostile_text_stays_text(tmp_path):
    frame = toy_candidates(spacing_km=200, names="hostile")
    plan = toy_plan(2, frame)
    sites = plan.sites.rename(index={plan.sites.index[0]: HOSTILE})
    sites = sites.assign(
        why=HOSTILE, state=HOSTILE, county=HOSTILE, county_name=HOSTILE
    )
    sites["substation"] = HOSTILE
    sites["grid_raw"] = sites["grid_value"] = sites["grid_contribution"] = 0.5
    frame = frame.assign(excluded_by=frame["excluded_by"].replace("lakes", HOSTILE))
    criteria = frame.attrs["siteselect"]["criteria"]
    for key in ("unit", "measure", "value", "evidence"):
        criteria[0][key] = HOSTILE
    limits = plan.limits.assign(limit=HOSTILE, group=HOSTILE, unit=HOSTILE)
    evidence = plan.evidence.assign(evidence=HOSTILE)
    odd = toy_plan(
        0,
        frame,
        sites=sites,
        limits=limits,
        evidence=evidence,
        notes=(HOSTILE, "\x00\u202eturned"),
        solver=HOSTILE,
        objective_name=HOSTILE,
    )
    path = report(odd, tmp_path)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert not page.handlers
    assert len(page.addresses) == 1
    assert page.text.count("alert(") >= 10
    assert "\x00" not in text
    assert "\u202e" not in text
    record = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert record["solver"] == HOSTILE
    assert (
        HOSTILE in gpd.read_file(tmp_path / "sites.gpkg", layer="sites")["why"].iloc[0]
    )


def test_the_same_plan_gives_the_same_bytes(frame, written, tmp_path):
    _, path, _ = written
    report(toy_plan(6, frame, seed=1), tmp_path)
    for name in FILES:
        ours = (tmp_path / name).read_bytes()
        assert ours == (path.parent / name).read_bytes(), name


def test_an_empty_plan_has_a_report(frame, tmp_path):
    plan = toy_plan(0, frame, limits=pd.DataFrame(), evidence=pd.DataFrame())
    page = Page(report(plan, tmp_path).read_text(encoding="utf-8"))
    assert "No search area chosen" in page.text
    assert "The plan chooses no search area." in page.text
    assert "No limit was set." in page.text


def test_assumptions_are_listed_and_those_changed_are_marked(frame, tmp_path):
    frame = frame.copy()
    frame.attrs["siteselect"] = {
        **frame.attrs["siteselect"],
        "prepare": {"parameters": {"peak_ratio": 1.25}},
    }
    path = report(toy_plan(2, frame, seed=1), tmp_path)
    text = path.read_text(encoding="utf-8")
    part = text[text.index('id="assumptions"') : text.index('id="method"')]
    said = Page(part).text
    assert f"1 of {len(ss.parameters())}" in said
    assert "peak_ratio 1.25 1.2 1.4" in said
    assert all(name in said for name in ss.parameters().index)
    assert part.count('class="binding"') == 1


def test_a_frame_without_notes_or_optional_columns_has_a_report(tmp_path):
    frame = gpd.GeoDataFrame(
        {"score": [0.5, np.nan]},
        index=[7, 8],
        geometry=gpd.points_from_xy([-100, -100.2], [32, 32.1]),
        crs=4326,
    )
    plan = toy_plan(0, frame, sites=frame.iloc[:1].assign(mw=100.0))
    page = Page(report(plan, tmp_path).read_text(encoding="utf-8"))
    assert "100 MW in 1 site" in page.text
    assert "its criteria are not known here" in page.text


def test_a_file_in_the_way_is_refused(frame, tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(LayerError, match="folder"):
        report(toy_plan(1, frame), tmp_path / "report")


def small_plan():
    sites = gpd.GeoDataFrame(
        {
            "score": [0.9, 0.7, 0.5],
            "capacity_mw": 300.0,
            "cost_usd_per_mw": 1e7,
            "fixed_cost_usd": 0.0,
            "state": ["TX", "TX", "OK"],
        },
        index=["a", "b", "c"],
        geometry=gpd.points_from_xy([-100, -99, -98], [32, 33, 35]),
        crs=4326,
    )
    return ss.optimize_sites(
        sites, power_mw=(300, 300), budget_usd=9e9, site_mw=[100], max_sites=3
    )


def test_a_real_plan_is_verified_in_its_report(tmp_path):
    plan = small_plan()
    path = plan.report(tmp_path / "report")
    page = Page(path.read_text(encoding="utf-8"))
    assert "verification passed" in page.text
    assert "objective adds up" in page.text
    assert "By state: TX 200 MW, OK 100 MW." in page.text


def test_a_plan_that_does_not_verify_says_so_on_the_first_screen(frame, tmp_path):
    class Broken(type(toy_plan(0, frame))):
        def verify(self):
            raise SolverError("The plan does not verify: costs add up.")

    toy = toy_plan(2, frame)
    plan = Broken(**{name: getattr(toy, name) for name in toy.__dataclass_fields__})
    text = report(plan, tmp_path).read_text(encoding="utf-8")
    summary = text[: text.index('id="map"')]
    assert "Verification failed: The plan does not verify" in summary
